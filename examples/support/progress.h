/* A progress bar on a terminal; nothing where the stream is none. */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

typedef struct progress {
    FILE *stream;   /* NULL: silent */
    int64_t total;  /* steps; <= 0: unknown */
    double started; /* seconds_now() */
    double drawn;   /* when last drawn; `started` where not yet */
} progress;

void progress_begin(progress *bar, FILE *stream, int64_t total);
/* Draws at most ten times a second. */
void progress_update(progress *bar, int64_t step, double loss);
/* Wipes the bar away. */
void progress_end(progress *bar);

/* One line of less than `width` bytes, with step, loss, rate and the time that is left. */
void progress_format(char *line, size_t width, int64_t step, int64_t total, double loss,
                     double seconds);

double seconds_now(void); /* monotonic */

#endif
