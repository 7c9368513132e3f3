/* Pages of panels through gnuplot: curves, heat maps and bars, laid out in one or two rows.
 *
 *     plot_panel *p = plot_add_curves(&page, "layers", "risk");
 *     plot_add_line(p, &(plot_line){.label = "trained", .x = x, .y = y, .count = n});
 *     plot_add_level(p, "Bayes risk", bayes);
 *     p->log_y = 1;
 *
 * Colours are safe for the colour-blind: Okabe and Ito's for lines and bars, blue through white to
 * vermilion for matrices, and for other heat maps a scale whose lightness rises evenly.
 *
 * Texts are UTF-8, taken literally, at most PLOT_TEXT characters; NULL: none. All pointers are
 * borrowed until the page is rendered. What is too many or makes no sense is refused by
 * plot_render.
 */
#ifndef EXAMPLES_PLOT_H
#define EXAMPLES_PLOT_H

#include <stddef.h>
#include <stdint.h>

enum {
    PLOT_PANELS = 6,
    PLOT_LINES = 16,
    PLOT_LEVELS = 4,
    PLOT_BARS = 32,
    PLOT_TEXT = 100,
    PLOT_CELLS = 1024 /* rows, and columns, of a heat map */
};

typedef enum plot_colour {
    PLOT_AUTO = 0, /* by the line's place in its panel */
    PLOT_BLUE = 1,
    PLOT_ORANGE = 2,
    PLOT_GREEN = 3,
    PLOT_PURPLE = 4,
    PLOT_SKY = 5,
    PLOT_BLACK = 6,
    PLOT_VERMILION = 7,
    PLOT_YELLOW = 8
} plot_colour;

typedef enum plot_style {
    PLOT_SOLID = 0,  /* with marks where the points are few; from the ninth line on, dotted */
    PLOT_DASHED = 1, /* without marks, say for theory */
    PLOT_MARKS = 2   /* marks alone */
} plot_style;

typedef struct plot_line {
    const char *label;
    const double *x, *y; /* count; what is not finite, or not above 0 on a log axis, is a gap */
    int64_t count;
    const double *error; /* count, half the height of a band around y; NULL: none */
    int error_bars;      /* 1: bars in place of the band */
    plot_style style;
    plot_colour colour;
} plot_line;

/* A dashed line across curves or bars; none where the axis has no place for it, as for NaN. */
typedef struct plot_level {
    const char *label;
    double value;
} plot_level;

typedef struct plot_mark {
    int64_t row, col; /* from 0 */
} plot_mark;

/* Without row_ticks and col_ticks a matrix: rows and columns counted from 1 and downward, square
 * cells. Entries of small ones are printed. What is not finite is grey. */
typedef struct plot_heat {
    const double *values; /* rows x cols, row-major */
    int64_t rows, cols;
    const double *row_ticks; /* rows: values of the y axis, which then points upward; or NULL */
    const double *col_ticks; /* cols: values of the x axis; or NULL */
    int diverging;           /* 1: blue, white at 0, vermilion; 0: dark blue to yellow */
    double least, most;      /* of the colours; the data's own where not least < most */
    int same_scale;          /* 1: the colours, and their bar, are those of the panel before */
    const char *colour_label;
    const plot_mark *marks; /* small circles, say at the best match of each row */
    int64_t mark_count;
    const char *mark_label;
} plot_heat;

/* On a log axis a bar of height 0 is a "0" above the axis, a negative one "< 0". */
typedef struct plot_bars {
    const char *const *labels; /* count */
    const double *heights;     /* count; what is not finite is a "-" */
    const double *errors;      /* count, half the height of the error bars; NULL: none */
    int64_t count;
} plot_bars;

typedef enum plot_kind { PLOT_CURVES = 0, PLOT_HEAT_MAP = 1, PLOT_BAR_CHART = 2 } plot_kind;

/* What the kind does not use stays empty. */
typedef struct plot_panel {
    plot_kind kind;
    const char *title, *x_label, *y_label;
    int log_x, log_y; /* of curves, and log_y of bars; linear where nothing is above 0 */
    plot_line lines[PLOT_LINES];
    size_t line_count;
    plot_level levels[PLOT_LEVELS];
    size_t level_count;
    double upright; /* a dashed vertical line in curves where upright_label is not NULL */
    const char *upright_label;
    plot_heat heat;
    plot_bars bars;
} plot_panel;

typedef struct plot_page {
    const char *title;
    plot_panel panels[PLOT_PANELS + 1]; /* one too many, for plot_render to refuse */
    size_t panel_count;
} plot_page;

/* Further panels of the page, never NULL, and what stands in them; copied. */
plot_panel *plot_add_curves(plot_page *page, const char *x_label, const char *y_label);
plot_panel *plot_add_heat_map(plot_page *page, const char *x_label, const char *y_label,
                              const plot_heat *heat);
plot_panel *plot_add_bars(plot_page *page, const char *y_label, const plot_bars *bars);
/* A diverging heat map of a matrix, on one scale with the matrix in the panel before it. */
plot_panel *plot_add_matrix(plot_page *page, const char *title, const double *values, int64_t rows,
                            int64_t cols);
void plot_add_line(plot_panel *panel, const plot_line *line);
void plot_add_level(plot_panel *panel, const char *label, double value);

/* Checks that the name ends in .png or .svg and that gnuplot can be run. 0, or -1 with a message
 * (see options.h). */
int plot_available(const char *path, char *message);

/* The picture as the bytes of a file, malloc; the path's ending says which kind. 0, or -1 with a
 * message. */
int plot_render(const plot_page *page, const char *path, char **bytes, size_t *size, char *message);

#endif
