/* Turns the text of an option into its value, or into one line that says what is wrong. */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *option_excerpt(const char *text, char *copy) {
    size_t length = 0;
    for (; text[length] != '\0' && length < 60; length++)
        copy[length] = iscntrl((unsigned char)text[length]) ? '?' : text[length];
    strcpy(copy + length, text[length] == '\0' ? "" : "...");
    return copy;
}

const char *option_range(const option *o, char *text, size_t size) {
    const char *lower = o->open & OPTION_OPEN_LEAST ? "above " : "at least ";
    const char *upper = o->open & OPTION_OPEN_MOST ? "below " : "at most ";
    int below = isfinite(o->least), above = isfinite(o->most);
    if (below && above && !o->open)
        snprintf(text, size, "%.15g to %.15g", o->least, o->most);
    else if (below && above)
        snprintf(text, size, "%s%.15g and %s%.15g", lower, o->least, upper, o->most);
    else if (below)
        snprintf(text, size, "%s%.15g", lower, o->least);
    else if (above)
        snprintf(text, size, "%s%.15g", upper, o->most);
    else
        snprintf(text, size, "%s", "");
    return text;
}

static int refuse(const option *o, const char *text, const char *wanted, char *message) {
    char copy[OPTION_EXCERPT];
    snprintf(message, OPTIONS_MESSAGE, "--%s: \"%s\" is not %s", o->name,
             option_excerpt(text, copy), wanted);
    return -1;
}

/* Refuses a number: what it should be is `noun` and the range. */
static int refuse_number(const option *o, const char *text, const char *noun, char *message) {
    char range[96], wanted[160];
    option_range(o, range, sizeof range);
    const char *link = range[0] == '\0' ? "" : isdigit((unsigned char)range[0]) ? " from " : " ";
    snprintf(wanted, sizeof wanted, "%s%s%s", noun, link, range);
    return refuse(o, text, wanted, message);
}

static int in_range(const option *o, double x) {
    int above = o->open & OPTION_OPEN_LEAST ? x > o->least : x >= o->least;
    int below = o->open & OPTION_OPEN_MOST ? x < o->most : x <= o->most;
    return above && below;
}

/* strtod and strtoll skip white space; a value has none. */
static int starts_number(const char *text) {
    return text[0] != '\0' && !isspace((unsigned char)text[0]);
}

static int set_int(option *o, const char *text, char *message) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!starts_number(text) || *end != '\0' || errno != 0 || !in_range(o, (double)value))
        return refuse_number(o, text, "a whole number", message);
    *(int64_t *)o->value = value;
    return 0;
}

static int set_seed(option *o, const char *text, char *message) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (!starts_number(text) || *end != '\0' || errno != 0 || value < 0)
        return refuse(o, text, "a whole number from 0 to 2^63 - 1", message);
    *(uint64_t *)o->value = (uint64_t)value;
    return 0;
}

/* The number at text, which ends at *end. Decimal only: strtod also reads "nan" and "0x1p3". */
static int parse_real(const option *o, const char *text, const char **end, double *value) {
    char *stop;
    size_t span = strspn(text, "+-.0123456789eE");
    *value = strtod(text, &stop);
    *end = stop;
    return span > 0 && stop == text + span && isfinite(*value) && in_range(o, *value);
}

static int set_real(option *o, const char *text, char *message) {
    const char *end;
    double value;
    if (!parse_real(o, text, &end, &value) || *end != '\0')
        return refuse_number(o, text, "a number", message);
    *(double *)o->value = value;
    return 0;
}

static int set_reals(option *o, const char *text, char *message) {
    size_t count = 1;
    for (const char *c = text; *c != '\0'; c++)
        count += *c == ',';
    double *values = malloc(count * sizeof *values);
    if (!values)
        return refuse(o, text, "a list that fits into memory", message);
    const char *at = text;
    for (size_t i = 0; i < count; i++) {
        const char *end;
        if (!parse_real(o, at, &end, &values[i]) || *end != (i + 1 < count ? ',' : '\0')) {
            free(values);
            return refuse_number(o, text, "a list of numbers, separated by commas, each", message);
        }
        at = end + 1;
    }
    option_list *list = o->value;
    free(list->values);
    *list = (option_list){(int64_t)count, values};
    return 0;
}

static int set_choice(option *o, const char *text, char *message) {
    char wanted[256] = "one of ";
    for (int i = 0; o->choices[i]; i++) {
        if (strcmp(o->choices[i], text) == 0) {
            *(int *)o->value = i;
            return 0;
        }
        size_t used = strlen(wanted);
        snprintf(wanted + used, sizeof wanted - used, "%s%s", i == 0 ? "" : ", ", o->choices[i]);
    }
    return refuse(o, text, wanted, message);
}

static int set_path(option *o, const char *text, char *message) {
    if (text[0] == '\0')
        return refuse(o, text, "the name of a file", message);
    *(const char **)o->value = text;
    return 0;
}

int option_set(option *o, const char *text, char *message) {
    switch (o->kind) {
    case OPTION_INT:
        return set_int(o, text, message);
    case OPTION_REAL:
        return set_real(o, text, message);
    case OPTION_REALS:
        return set_reals(o, text, message);
    case OPTION_CHOICE:
        return set_choice(o, text, message);
    case OPTION_PATH:
        return set_path(o, text, message);
    case OPTION_SEED:
        return set_seed(o, text, message);
    case OPTION_FLAG:
        break;
    }
    return refuse(o, text, "something that a flag takes", message);
}
