/* A progress bar on a terminal; nothing where the stream is none. */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

#include <stdint.h>
#include <stdio.h>

typedef struct progress {
    FILE *stream;   /* NULL: silent */
    int64_t total;  /* steps, or units of work; <= 0: unknown */
    double started; /* seconds_now() */
    double drawn;   /* when last drawn; `started` where not yet */
} progress;

void progress_begin(progress *bar, FILE *stream, int64_t total);
/* Draw at most ten times a second: steps of a trainer, units of other work. */
void progress_update(progress *bar, int64_t step, double loss);
void progress_work(progress *bar, int64_t done);
/* Wipes the bar away. */
void progress_end(progress *bar);

/* One line of less than `width` bytes, with step, loss, rate and the time that is left. */
void progress_format(char *line, size_t width, int64_t step, int64_t total, double loss,
                     double seconds);

/* The same with the work that is done, and the time that is left. */
void progress_format_work(char *line, size_t width, int64_t done, int64_t total, double seconds);

double seconds_now(void); /* monotonic */

#endif
