/* A command line read through a table: --name value, --name=value, --flag.
 *
 * The core neither prints nor exits: what is wrong comes back as one line that names the flag and
 * the value. <example.h> says it to the user.
 */
#ifndef EXAMPLES_OPTIONS_H
#define EXAMPLES_OPTIONS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum option_kind {
    OPTION_FLAG,   /* int: 1 where given */
    OPTION_INT,    /* int64_t in the range */
    OPTION_REAL,   /* double in the range, finite */
    OPTION_REALS,  /* option_list: numbers in the range, separated by commas, at least one */
    OPTION_CHOICE, /* int: index in choices */
    OPTION_PATH,   /* const char *, borrowed from argv, not empty */
    OPTION_SEED    /* uint64_t, 0 to 2^63 - 1 */
} option_kind;

/* Ends of a range that do not belong to it; or-ed together. */
enum { OPTION_OPEN_LEAST = 1, OPTION_OPEN_MOST = 2 };

typedef struct option_list {
    int64_t count;
    double *values; /* malloc; option_list_clear frees it */
} option_list;

typedef struct option {
    const char *name; /* without the dashes */
    option_kind kind;
    void *value;                /* where the value goes, of the type that kind names */
    const char *preset;         /* the default as it would be typed; NULL: 0, NULL, no list */
    const char *quick;          /* the default under --quick; NULL: the same */
    double least, most;         /* of INT, REAL, REALS; INFINITY for no limit */
    int open;                   /* ends that are left out */
    const char *const *choices; /* of CHOICE; ends with NULL */
    const char *argument;       /* how the help calls the value; NULL: N, X, FILE ... */
    const char *help;
    int given; /* set to 1 by options_read where the user gave it */
} option;

typedef enum options_answer {
    OPTIONS_RUN,  /* all values are set */
    OPTIONS_HELP, /* --help was met; values unspecified */
    OPTIONS_BAD   /* message says what */
} options_answer;

enum { OPTIONS_MESSAGE = 512 }; /* bytes of a message buffer */

/* Reads argv[1..argc-1], then fills in presets; of the table's flags "quick" chooses between the
 * two presets. The last of repeated options counts. message: OPTIONS_MESSAGE bytes. */
options_answer options_read(option *table, size_t count, int argc, char **argv, char *message);

/* The row of that name, or NULL. */
option *options_find(option *table, size_t count, const char *name);

/* One help entry an option: name, meaning, range, default. */
void options_print_help(FILE *stream, const option *table, size_t count);

/* Frees the lists that were read. */
void options_clear(option *table, size_t count);

/* Sets the option from a text; 0, or -1 with a message. */
int option_set(option *o, const char *text, char *message);

/* A text fit for a message: control characters replaced, cut at 60 bytes. copy: 64 bytes. */
enum { OPTION_EXCERPT = 64 };
const char *option_excerpt(const char *text, char *copy);

/* "1 to 64", "at least 0", "above 0 and below 1", "" where all numbers will do. */
const char *option_range(const option *o, char *text, size_t size);

#endif
