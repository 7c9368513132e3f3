/* A file that is checked when the program starts and written when it ends.
 *
 * A regular file is written to a temporary beside it and renamed, so that a full disk leaves the
 * old one. What is no regular file (/dev/full, a pipe), and whatever the program's own stdout or
 * stderr is, is written in place.
 */
#ifndef EXAMPLES_OUTPUT_H
#define EXAMPLES_OUTPUT_H

#include <stddef.h>

typedef struct output {
    const char *flag; /* --json; NULL: not open */
    const char *path; /* as the user gave it */
    char *target;     /* absolute, symbolic links followed; NULL for what is written in place */
    int descriptor;   /* of what is written in place, else -1 */
    int is_stdout;    /* 1 where it is what stdout is */
} output;

/* Checks that the file can be written, and changes nothing. 0, or -1 with a message (see
 * options.h) that names flag, path and reason. */
int output_open(output *o, const char *flag, const char *path, char *message);

/* Writes the whole contents. 0, or -1 with a message. */
int output_write(output *o, const void *bytes, size_t size, char *message);

/* Legal for a closed one. */
void output_close(output *o);

#endif
