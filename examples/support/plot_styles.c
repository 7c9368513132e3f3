/* Colours, dashes and marks of lines. */
#include "plot_sheet.h"

/* Okabe and Ito 2008, as plot_colour counts them. */
static const char *const COLOURS[] = {"#0072B2", "#E69F00", "#009E73", "#CC79A7",
                                      "#56B4E9", "#000000", "#D55E00", "#F0E442"};
enum { COLOUR_COUNT = sizeof COLOURS / sizeof *COLOURS };

const char *plot_colour_of(const plot_panel *panel, size_t index) {
    plot_colour colour = panel->lines[index].colour;
    return COLOURS[colour == PLOT_AUTO ? index % COLOUR_COUNT : (size_t)colour - 1];
}

int plot_is_marked(const plot_line *line) {
    return line->style == PLOT_MARKS || (line->style == PLOT_SOLID && line->count <= PLOT_FEW);
}

int plot_is_joined(const plot_line *line) {
    return line->style != PLOT_MARKS;
}

int plot_shows_line(const plot_view *view, size_t index) {
    const plot_line *line = &view->panel->lines[index];
    for (int64_t k = 0; k < line->count; k++)
        if (plot_axis_shows(&view->x, line->x[k]) && plot_axis_shows(&view->y, line->y[k]))
            return 1;
    return 0;
}

int plot_shows_level(const plot_view *view, size_t index) {
    return plot_axis_shows(&view->y, view->panel->levels[index].value);
}

int plot_shows_upright(const plot_view *view) {
    const plot_panel *panel = view->panel;
    return panel->kind == PLOT_CURVES && panel->upright_label &&
           plot_axis_shows(&view->x, panel->upright);
}

void plot_put_line_style(FILE *file, const plot_panel *panel, size_t index) {
    const char *dash = panel->lines[index].style == PLOT_DASHED ? "dt (6,4) "
                       : index >= COLOUR_COUNT                  ? "dt (1.5,2) "
                                                                : "";
    fprintf(file, "lw 1.6 %slc rgb '%s'", dash, plot_colour_of(panel, index));
}

void plot_put_mark_style(FILE *file, const plot_sheet *sheet, size_t index) {
    /* filled circle, square, triangle, diamond, triangle downward; then hollow */
    static const int marks[] = {7, 5, 9, 13, 11, 6, 4, 8, 12, 10};
    static const double sizes[] = {0.5, 0.45, 0.6, 0.65, 0.6};
    size_t shapes = sizeof marks / sizeof *marks, kinds = sizeof sizes / sizeof *sizes;
    fprintf(file, "pt %d ps %g", marks[index % shapes],
            plot_point(sheet, sizes[index % shapes % kinds]));
}

void plot_put_level_style(FILE *file, size_t index) {
    static const char *const styles[PLOT_LEVELS] = {
        "lw 1.6 dt (8,5) lc rgb '#D55E00'", "lw 1.6 dt (3,3) lc rgb '#404040'",
        "lw 1.6 dt (8,3,2,3) lc rgb '#CC79A7'", "lw 1.6 dt (2,2) lc rgb '#009E73'"};
    fputs(styles[index], file);
}

void plot_put_upright_style(FILE *file) {
    fputs("lw 1.2 dt (4,4) lc rgb '#808080'", file);
}
