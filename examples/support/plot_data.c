/* The data of a page as CSV. */
#include "plot_sheet.h"

#include <math.h>

enum { POINTS = 4000 }; /* of a curve */

static double between(double value, double least, double most) {
    return fmin(fmax(value, least), most);
}

/* x, y, and the ends of the error; an empty line is a gap. */
void plot_write_line(FILE *file, const void *what) {
    const plot_line *line = ((const plot_line_view *)what)->line;
    const plot_axis *x = &((const plot_line_view *)what)->view->x;
    const plot_axis *y = &((const plot_line_view *)what)->view->y;
    int64_t stride = (line->count + POINTS - 1) / POINTS;
    for (int64_t k = 0; k < line->count; k++) {
        if (k % stride != 0 && k != line->count - 1)
            continue;
        if (!plot_axis_shows(x, line->x[k]) || !plot_axis_shows(y, line->y[k])) {
            fputc('\n', file);
            continue;
        }
        fprintf(file, "%.17g,%.17g", line->x[k], line->y[k]);
        if (line->error) {
            double error = isfinite(line->error[k]) ? line->error[k] : 0;
            fprintf(file, ",%.17g,%.17g", between(line->y[k] - error, y->least, y->most),
                    between(line->y[k] + error, y->least, y->most));
        }
        fputc('\n', file);
    }
}

/* An entry in two or three significant digits of the largest one; "" where that is too long. */
static const char *entry_text(char *text, size_t size, double value, const plot_axis *colour) {
    double largest = fmax(fabs(colour->least), fabs(colour->most));
    int decimals = 1 - (int)floor(log10(largest));
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

/* White on what is dark: the ends of the diverging scale, the lower part of the other one. */
static int is_dark(const plot_view *view, double value) {
    double part = (value - view->colour.least) / (view->colour.most - view->colour.least);
    return view->diverging ? fabs(part - 0.5) > 0.275 : part < 0.5;
}

/* column, row, value, text, colour of the text */
void plot_write_heat(FILE *file, const void *what) {
    const plot_view *view = what;
    const plot_heat *heat = &view->panel->heat;
    int numbered = heat->rows <= PLOT_NUMBERED && heat->cols <= PLOT_NUMBERED;
    for (int64_t i = 0; i < heat->rows; i++)
        for (int64_t j = 0; j < heat->cols; j++) {
            double value = heat->values[i * heat->cols + j];
            char text[32] = "";
            if (!isfinite(value)) { /* shows the ground */
                if (heat->rows * heat->cols > PLOT_BOXES)
                    fprintf(file, "%lld,%lld,NaN,,\n", (long long)j + 1, (long long)i + 1);
                continue;
            }
            if (numbered)
                entry_text(text, sizeof text, value, &view->colour);
            fprintf(file, "%lld,%lld,%.17g,%s,%d\n", (long long)j + 1, (long long)i + 1, value,
                    text, is_dark(view, value) ? 0xffffff : 0x303030);
        }
}

/* column, row */
void plot_write_marks(FILE *file, const void *what) {
    const plot_heat *heat = &((const plot_view *)what)->panel->heat;
    for (int64_t k = 0; k < heat->mark_count; k++)
        fprintf(file, "%lld,%lld\n", (long long)heat->marks[k].col + 1,
                (long long)heat->marks[k].row + 1);
}

/* place, foot, height, ends of the error; then the height of a text and the text that stands for a
 * bar that cannot be drawn */
void plot_write_bars(FILE *file, const void *what) {
    const plot_view *view = what;
    const plot_bars *bars = &view->panel->bars;
    const plot_axis *y = &view->y;
    double foot = y->log ? y->least : 0;
    for (int64_t i = 0; i < bars->count; i++) {
        double height = bars->heights[i], error = bars->errors ? bars->errors[i] : 0;
        long long place = (long long)i + 1;
        if (!isfinite(error))
            error = 0;
        if (plot_axis_shows(y, height))
            fprintf(file, "%lld,%.17g,%.17g,%.17g,%.17g,,\n", place, foot, height,
                    between(height - error, y->least, y->most),
                    between(height + error, y->least, y->most));
        else
            fprintf(file, "%lld,,,,,%.17g,%s\n", place, foot,
                    !isfinite(height) ? "-"
                    : height == 0     ? "0"
                    : height < 0      ? "< 0"
                                      : "> 0");
    }
}
