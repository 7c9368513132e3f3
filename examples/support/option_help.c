/* Prints the options of a table as --help shows them. */
#include "options.h"

#include <string.h>

enum { INDENT = 24, WIDTH = 80 };

static const char *argument_of(const option *o) {
    static const char *const names[] = {
        [OPTION_FLAG] = "",         [OPTION_INT] = "N",       [OPTION_REAL] = "X",
        [OPTION_REALS] = "X,X,...", [OPTION_CHOICE] = "NAME", [OPTION_PATH] = "FILE",
        [OPTION_SEED] = "N"};
    return o->argument ? o->argument : names[o->kind];
}

/* Appends to text, with a separator where something stands there already. */
static void append(char *text, size_t size, const char *separator, const char *more) {
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used == 0 ? "" : separator, more);
}

/* "1 to 64; default 5, with --quick 3" */
static void describe(const option *o, char *text, size_t size) {
    char range[96] = "";
    text[0] = '\0';
    if (o->kind == OPTION_INT || o->kind == OPTION_REAL || o->kind == OPTION_REALS)
        append(text, size, "", option_range(o, range, sizeof range));
    for (int i = 0; o->kind == OPTION_CHOICE && o->choices[i]; i++)
        append(text, size, ", ", o->choices[i]);
    if (o->preset) {
        append(text, size, "; ", "default ");
        append(text, size, "", o->preset);
    }
    if (o->quick) {
        append(text, size, ", ", "with --quick ");
        append(text, size, "", o->quick);
    }
}

/* Prints a text that starts at column INDENT, broken at spaces; further lines start there too. */
static void print_wrapped(FILE *stream, const char *text) {
    size_t at = INDENT;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (at > INDENT && at + 1 + length > WIDTH) {
            fprintf(stream, "\n%*s", INDENT, "");
            at = INDENT;
        } else if (at > INDENT) {
            fputc(' ', stream);
            at++;
        }
        fprintf(stream, "%.*s", (int)length, text);
        at += length;
        text += length + strspn(text + length, " ");
    }
    fputc('\n', stream);
}

static void print_option(FILE *stream, const option *o) {
    char facts[512], text[1024];
    describe(o, facts, sizeof facts);
    const char *argument = argument_of(o);
    int width = fprintf(stream, "  --%s%s%s", o->name, argument[0] != '\0' ? " " : "", argument);
    if (width >= INDENT)
        fprintf(stream, "\n%*s", INDENT, "");
    else
        fprintf(stream, "%*s", INDENT - width, "");
    snprintf(text, sizeof text, facts[0] == '\0' ? "%s%s" : "%s (%s)", o->help, facts);
    print_wrapped(stream, text);
}

void options_print_help(FILE *stream, const option *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        print_option(stream, &table[i]);
}
