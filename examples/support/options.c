/* Reads a command line through a table of options. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

option *options_find(option *table, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* The row that "--name" or "--name=value" means. */
static option *match(option *table, size_t count, const char *argument) {
    const char *name = argument + 2;
    size_t length = strcspn(name, "=");
    for (size_t i = 0; i < count; i++)
        if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

static int fail(char *message, const char *format, const char *text) {
    char copy[OPTION_EXCERPT];
    snprintf(message, OPTIONS_MESSAGE, format, option_excerpt(text, copy));
    return -1;
}

static int set_flag(option *o, const char *argument, const char *value, char *message) {
    if (value)
        return fail(message, "%s: this flag takes no value", argument);
    *(int *)o->value = 1;
    return 0;
}

/* Reads the option at argv[*at] and moves *at to its last word. */
static int read_one(option *table, size_t count, int argc, char **argv, int *at, char *message) {
    const char *argument = argv[*at];
    if (argument[0] != '-')
        return fail(message, "unexpected argument \"%s\" (--help lists the options)", argument);
    option *o = argument[1] == '-' ? match(table, count, argument) : NULL;
    const char *equals = strchr(argument, '=');
    if (!o)
        return fail(message, "unknown option %s (--help lists the options)", argument);
    o->given = 1;
    if (o->kind == OPTION_FLAG)
        return set_flag(o, argument, equals, message);
    if (equals)
        return option_set(o, equals + 1, message);
    /* "--json --csv x" has forgotten a file name; "--noise -1" has a wrong value */
    if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
        return fail(message, "%s: a value must follow", argument);
    return option_set(o, argv[++*at], message);
}

static int set_presets(option *table, size_t count, char *message) {
    const option *quick = options_find(table, count, "quick");
    int is_quick = quick && *(const int *)quick->value;
    for (size_t i = 0; i < count; i++) {
        option *o = &table[i];
        const char *preset = is_quick && o->quick ? o->quick : o->preset;
        if (!o->given && o->kind != OPTION_FLAG && preset && option_set(o, preset, message) != 0)
            return -1;
    }
    return 0;
}

static void zero(option *o) {
    o->given = 0;
    switch (o->kind) {
    case OPTION_FLAG:
    case OPTION_CHOICE:
        *(int *)o->value = 0;
        break;
    case OPTION_INT:
        *(int64_t *)o->value = 0;
        break;
    case OPTION_REAL:
        *(double *)o->value = 0;
        break;
    case OPTION_REALS:
        *(option_list *)o->value = (option_list){0};
        break;
    case OPTION_PATH:
        *(const char **)o->value = NULL;
        break;
    case OPTION_SEED:
        *(uint64_t *)o->value = 0;
        break;
    }
}

options_answer options_read(option *table, size_t count, int argc, char **argv, char *message) {
    message[0] = '\0';
    for (size_t i = 0; i < count; i++)
        zero(&table[i]);
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0)
            return OPTIONS_HELP;
        if (read_one(table, count, argc, argv, &at, message) != 0)
            return OPTIONS_BAD;
    }
    return set_presets(table, count, message) == 0 ? OPTIONS_RUN : OPTIONS_BAD;
}

void options_clear(option *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (table[i].kind == OPTION_REALS) {
            option_list *list = table[i].value;
            free(list->values);
            *list = (option_list){0};
        }
}
