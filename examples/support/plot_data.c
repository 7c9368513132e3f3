/* The data of a page as CSV, and the spans of its axes. */
#include "plot_script.h"

#include <math.h>

enum { POINTS = 4000, NUMBERED = 6 }; /* points a curve; largest matrix whose entries are printed */

static int shown(double y, int log_y) {
    return isfinite(y) && (!log_y || y > 0);
}

static void stretch(double *least, double *most, double x) {
    *least = fmin(*least, x);
    *most = fmax(*most, x);
}

/* Room above and below; a span of its own for a constant. */
static void pad(plot_scale *s) {
    if (s->log_y) {
        double ratio = pow(fmax(s->y_most / s->y_least, 1.2), 0.06);
        s->y_least /= ratio;
        s->y_most *= ratio;
        return;
    }
    double room = 0.06 * (s->y_most - s->y_least);
    if (!(room > 0))
        room = s->y_most != 0 ? 0.1 * fabs(s->y_most) : 1;
    s->y_least -= room;
    s->y_most += room;
}

static void span_lines(const plot_page *page, plot_scale *s) {
    for (size_t i = 0; i < page->line_count; i++) {
        const plot_line *line = &page->lines[i];
        for (int64_t k = 0; k < line->count; k++)
            if (shown(line->y[k], s->log_y) && isfinite(line->x[k])) {
                stretch(&s->x_least, &s->x_most, line->x[k]);
                stretch(&s->y_least, &s->y_most, line->y[k]);
            }
    }
    if (page->level_label && shown(page->level, s->log_y))
        stretch(&s->y_least, &s->y_most, page->level);
}

static double largest_entry(const plot_page *page) {
    double largest = 0;
    for (size_t i = 0; i < page->matrix_count; i++) {
        const plot_matrix *m = &page->matrices[i];
        for (int64_t k = 0; k < m->rows * m->cols; k++)
            if (isfinite(m->values[k]))
                largest = fmax(largest, fabs(m->values[k]));
    }
    return largest > 0 ? largest : 1;
}

plot_scale plot_scale_of(const plot_page *page) {
    plot_scale s = {INFINITY, -INFINITY, INFINITY, -INFINITY, page->log_y, largest_entry(page)};
    span_lines(page, &s);
    if (s.log_y && !(s.y_least <= s.y_most)) { /* nothing above zero */
        s.log_y = 0;
        span_lines(page, &s);
    }
    if (!(s.y_least <= s.y_most))
        s.y_least = 0, s.y_most = 1;
    if (!(s.x_least <= s.x_most))
        s.x_least = 0, s.x_most = 1;
    if (s.x_least > 0 && s.x_least < 0.1 * s.x_most)
        s.x_least = 0;
    if (s.x_least == s.x_most)
        s.x_most = s.x_least + 1;
    pad(&s);
    return s;
}

void plot_write_line(FILE *file, const void *what) {
    const plot_line *line = what;
    int64_t stride = (line->count + POINTS - 1) / POINTS;
    for (int64_t k = 0; k < line->count; k++) {
        if (k % stride != 0 && k != line->count - 1)
            continue;
        if (isfinite(line->x[k]) && isfinite(line->y[k]))
            fprintf(file, "%.17g,%.17g\n", line->x[k], line->y[k]);
        else
            fputc('\n', file);
    }
}

/* An entry in two or three significant digits of the largest one; "" where that is too long. */
static const char *entry_text(char *text, size_t size, double value, double colour) {
    int decimals = 1 - (int)floor(log10(colour));
    if (decimals > 4 || decimals < -2 || !isfinite(value)) {
        text[0] = '\0';
        return text;
    }
    if (decimals < 0)
        decimals = 0;
    double unit = pow(10, -decimals);
    snprintf(text, size, "%.*f", decimals, fabs(value) < 0.5 * unit ? 0 : value);
    return text;
}

/* column, row, value, text, colour of the text */
void plot_write_matrix(FILE *file, const void *what) {
    const plot_matrix_scaled *scaled = what;
    const plot_matrix *m = scaled->matrix;
    int numbered = m->rows <= NUMBERED && m->cols <= NUMBERED;
    for (int64_t i = 0; i < m->rows; i++)
        for (int64_t j = 0; j < m->cols; j++) {
            double value = m->values[i * m->cols + j];
            char text[32] = "";
            if (numbered)
                entry_text(text, sizeof text, value, scaled->colour);
            fprintf(file, "%lld,%lld,%.17g,%s,%d\n", (long long)j + 1, (long long)i + 1,
                    isfinite(value) ? value : 0, text,
                    fabs(value) > 0.55 * scaled->colour ? 0xffffff : 0x303030);
        }
}
