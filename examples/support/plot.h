/* One page of plots through gnuplot: curves over the steps, and matrices side by side as heat maps
 * on one scale of colours. Colours are Okabe and Ito's, safe for the colour-blind.
 *
 * Texts are UTF-8 and taken literally. All pointers are borrowed during the call.
 */
#ifndef EXAMPLES_PLOT_H
#define EXAMPLES_PLOT_H

#include <stddef.h>
#include <stdint.h>

enum { PLOT_LINES = 4, PLOT_MATRICES = 2 };

typedef struct plot_line {
    const char *label;
    const double *x, *y; /* count each; what is not finite leaves a gap */
    int64_t count;
} plot_line;

typedef struct plot_matrix {
    const char *label;
    const double *values; /* rows x cols, row-major */
    int64_t rows, cols;
} plot_matrix;

typedef struct plot_page {
    const char *title;
    const char *x_label, *y_label;
    int log_y;
    plot_line lines[PLOT_LINES];
    size_t line_count;
    double level; /* a dashed line across the curves where level_label is not NULL */
    const char *level_label;
    plot_matrix matrices[PLOT_MATRICES];
    size_t matrix_count;
} plot_page;

/* Checks that the name ends in .png or .svg and that gnuplot can be run. 0, or -1 with a message
 * (see options.h). */
int plot_available(const char *path, char *message);

/* The picture as the bytes of a file, malloc; the path's ending says which kind. 0, or -1 with a
 * message. */
int plot_render(const plot_page *page, const char *path, char **bytes, size_t *size, char *message);

#endif
