/* The files that gnuplot reads for a page. */
#ifndef EXAMPLES_PLOT_SCRIPT_H
#define EXAMPLES_PLOT_SCRIPT_H

#include "plot.h"

#include <stdio.h>

/* What the axes and the colours span. */
typedef struct plot_scale {
    double x_least, x_most, y_least, y_most;
    int log_y;     /* asked for, and there is something above zero */
    double colour; /* colours run from -colour to colour */
} plot_scale;

plot_scale plot_scale_of(const plot_page *page);

typedef struct plot_scaled {
    const plot_page *page;
    plot_scale scale;
    const char *kind; /* "png" or "svg" */
} plot_scaled;

typedef struct plot_matrix_scaled {
    const plot_matrix *matrix;
    double colour;
} plot_matrix_scaled;

/* Writers of one file each; what: plot_line, plot_matrix_scaled, plot_scaled. */
void plot_write_line(FILE *file, const void *what);
void plot_write_matrix(FILE *file, const void *what);
void plot_write_script(FILE *file, const void *what);

#endif
