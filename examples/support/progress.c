/* Draws one line on a terminal and takes it away again. */
#include "progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24, LINE = 160 };

double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(progress *bar, FILE *stream, int64_t total) {
    const char *terminal = getenv("TERM");
    int dumb = !terminal || strcmp(terminal, "dumb") == 0;
    *bar = (progress){.stream = isatty(fileno(stream)) && !dumb ? stream : NULL,
                      .total = total,
                      .started = seconds_now()};
    bar->drawn = bar->started;
}

static void format_bar(char *text, int64_t step, int64_t total) {
    double part = fmin(fmax((double)step / (double)total, 0), 1);
    int filled = (int)(part * BAR);
    for (int i = 0; i < BAR; i++)
        text[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    text[BAR] = '\0';
}

/* "0:07", "12:30", "3:05:00" */
static void format_time(char *text, size_t size, double seconds) {
    if (seconds >= 359999) {
        snprintf(text, size, "long");
        return;
    }
    int s = (int)ceil(seconds);
    if (s >= 3600)
        snprintf(text, size, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, size, "%d:%02d", s / 60, s % 60);
}

/* "0:07", "?" before anything is done */
static void format_left(char *text, size_t size, int64_t done, int64_t total, double rate) {
    if (rate > 0)
        format_time(text, size, (double)(total > done ? total - done : 0) / rate);
    else
        snprintf(text, size, "?");
}

void progress_format(char *line, size_t width, int64_t step, int64_t total, double loss,
                     double seconds) {
    double rate = seconds > 0 ? (double)step / seconds : 0;
    if (total <= 0) {
        snprintf(line, width, "step %lld  loss %.4g  %.0f steps/s", (long long)step, loss, rate);
        return;
    }
    char bar[BAR + 1], left[32];
    format_bar(bar, step, total);
    format_left(left, sizeof left, step, total, rate);
    snprintf(line, width, "[%s] %lld/%lld  loss %.4g  %.0f steps/s  %s left", bar, (long long)step,
             (long long)total, loss, rate, left);
}

void progress_format_work(char *line, size_t width, int64_t done, int64_t total, double seconds) {
    if (total <= 0) {
        snprintf(line, width, "%lld done", (long long)done);
        return;
    }
    char bar[BAR + 1], left[32];
    format_bar(bar, done, total);
    format_left(left, sizeof left, done, total, seconds > 0 ? (double)done / seconds : 0);
    snprintf(line, width, "[%s] %lld/%lld  %s left", bar, (long long)done, (long long)total, left);
}

/* Columns of the terminal, less one: a full line would wrap. */
static size_t usable_columns(FILE *stream) {
    size_t columns = 80;
#ifdef TIOCGWINSZ
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
#endif
    return columns < LINE ? columns : LINE;
}

/* 1 where it is time to draw, with the seconds since the start. */
static int is_due(progress *bar, double *seconds) {
    if (!bar->stream)
        return 0;
    double now = seconds_now();
    if (now - bar->drawn < 0.1)
        return 0;
    bar->drawn = now;
    *seconds = now - bar->started;
    return 1;
}

static void draw(progress *bar, const char *line) {
    fprintf(bar->stream, "\r%s\033[K", line);
    fflush(bar->stream);
}

void progress_update(progress *bar, int64_t step, double loss) {
    char line[LINE];
    double seconds;
    if (!is_due(bar, &seconds))
        return;
    progress_format(line, usable_columns(bar->stream), step, bar->total, loss, seconds);
    draw(bar, line);
}

void progress_work(progress *bar, int64_t done) {
    char line[LINE];
    double seconds;
    if (!is_due(bar, &seconds))
        return;
    progress_format_work(line, usable_columns(bar->stream), done, bar->total, seconds);
    draw(bar, line);
}

void progress_end(progress *bar) {
    if (bar->stream && bar->drawn > bar->started) {
        fputs("\r\033[K", bar->stream);
        fflush(bar->stream);
    }
    bar->stream = NULL;
}
