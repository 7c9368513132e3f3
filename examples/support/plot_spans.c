/* What the axes and the colours of a panel span. */
#include "plot_sheet.h"

#include <math.h>

static void span_line(const plot_line *line, plot_axis *x, plot_axis *y) {
    for (int64_t k = 0; k < line->count; k++) {
        if (!plot_axis_shows(x, line->x[k]) || !plot_axis_shows(y, line->y[k]))
            continue;
        plot_axis_stretch(x, line->x[k]);
        plot_axis_stretch(y, line->y[k]);
        if (line->error) {
            plot_axis_stretch(y, line->y[k] - line->error[k]);
            plot_axis_stretch(y, line->y[k] + line->error[k]);
        }
    }
}

static void span_lines(const plot_panel *panel, plot_axis *x, plot_axis *y) {
    for (size_t i = 0; i < panel->line_count; i++)
        span_line(&panel->lines[i], x, y);
    for (size_t i = 0; i < panel->level_count; i++)
        plot_axis_stretch(y, panel->levels[i].value);
    if (panel->upright_label)
        plot_axis_stretch(x, panel->upright);
}

/* Log axes that would show nothing become linear. */
static void span_any(const plot_panel *panel, plot_axis *x, plot_axis *y,
                     void (*span)(const plot_panel *, plot_axis *, plot_axis *)) {
    for (int linear = 0; linear < 4; linear++) { /* bit 0: y, bit 1: x */
        plot_axis_begin(x, panel->log_x && !(linear & 2));
        plot_axis_begin(y, panel->log_y && !(linear & 1));
        span(panel, x, y);
        y->whole = 0;
        if (plot_axis_spans(x) && plot_axis_spans(y))
            return;
    }
}

void plot_span_curves(const plot_panel *panel, plot_axis *x, plot_axis *y) {
    int marked = 0;
    span_any(panel, x, y, span_lines);
    for (size_t i = 0; i < panel->line_count; i++)
        marked = marked || plot_is_marked(&panel->lines[i]);
    if (!x->log && x->least > 0 && x->least < 0.1 * x->most)
        x->least = 0;
    int from_zero = !x->log && x->least == 0;
    plot_axis_pad(x, marked ? 0.03 : 0);
    if (from_zero && x->most > 0)
        x->least = 0;
    plot_axis_pad(y, 0.06);
}

static void span_heights(const plot_panel *panel, plot_axis *x, plot_axis *y) {
    const plot_bars *bars = &panel->bars;
    plot_axis_stretch(x, 1);
    for (int64_t i = 0; i < bars->count; i++) {
        double height = bars->heights[i];
        if (!plot_axis_shows(y, height))
            continue;
        plot_axis_stretch(y, height);
        if (bars->errors) {
            plot_axis_stretch(y, height - bars->errors[i]);
            plot_axis_stretch(y, height + bars->errors[i]);
        }
    }
    for (size_t i = 0; i < panel->level_count; i++)
        plot_axis_stretch(y, panel->levels[i].value);
}

void plot_span_bars(const plot_panel *panel, plot_axis *x, plot_axis *y) {
    span_any(panel, x, y, span_heights);
    *x = (plot_axis){.least = 0.4, .most = fmax((double)panel->bars.count, 1) + 0.6, .whole = 1};
    if (y->log) {
        double least = y->least;
        plot_axis_pad(y, 0.06);
        y->least = least / 2; /* so that the lowest bar is one */
        return;
    }
    plot_axis_stretch(y, 0);
    int up = y->least == 0, down = y->most == 0 && y->least < 0;
    plot_axis_pad(y, 0.06);
    y->least = up ? 0 : y->least;
    y->most = down ? 0 : y->most;
}

void plot_span_heat(const plot_panel *panel, plot_axis *x, plot_axis *y) {
    const plot_heat *heat = &panel->heat;
    double cols = fmax((double)heat->cols, 1), rows = fmax((double)heat->rows, 1);
    *x = (plot_axis){.least = 0.5, .most = cols + 0.5};
    *y = (plot_axis){.least = 0.5, .most = rows + 0.5};
}

void plot_span_colours(const plot_panel *first, size_t chain, plot_axis *colour) {
    const plot_heat *own = &first->heat;
    plot_axis_begin(colour, 0);
    for (size_t i = 0; i < chain; i++) {
        const plot_heat *heat = &first[i].heat;
        for (int64_t k = 0; k < heat->rows * heat->cols; k++)
            plot_axis_stretch(colour, heat->values[k]);
    }
    if (own->least < own->most) {
        colour->least = own->least;
        colour->most = own->most;
    } else if (own->diverging) {
        double largest = fmax(fabs(colour->least), fabs(colour->most));
        colour->most = isfinite(largest) && largest > 0 ? largest : 1;
        colour->least = -colour->most;
    } else if (!plot_axis_spans(colour) || colour->least == colour->most) {
        plot_axis_pad(colour, 0);
    }
    colour->whole = 0;
}
