/* Fills pages, and renders them: writes data and script into a temporary directory, runs gnuplot.
 */
#include "plot.h"
#include "gnuplot.h"
#include "options.h"
#include "plot_sheet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static plot_panel *add_panel(plot_page *page, const plot_panel *panel) {
    size_t place = page->panel_count < PLOT_PANELS ? page->panel_count : PLOT_PANELS;
    page->panels[place] = *panel;
    page->panel_count = place + 1;
    return &page->panels[place];
}

plot_panel *plot_add_curves(plot_page *page, const char *x_label, const char *y_label) {
    return add_panel(page, &(plot_panel){.x_label = x_label, .y_label = y_label});
}

plot_panel *plot_add_heat_map(plot_page *page, const char *x_label, const char *y_label,
                              const plot_heat *heat) {
    return add_panel(
        page, &(plot_panel){
                  .kind = PLOT_HEAT_MAP, .x_label = x_label, .y_label = y_label, .heat = *heat});
}

plot_panel *plot_add_bars(plot_page *page, const char *y_label, const plot_bars *bars) {
    return add_panel(page,
                     &(plot_panel){.kind = PLOT_BAR_CHART, .y_label = y_label, .bars = *bars});
}

plot_panel *plot_add_matrix(plot_page *page, const char *title, const double *values, int64_t rows,
                            int64_t cols) {
    size_t count = page->panel_count;
    const plot_panel *before = count > 0 ? &page->panels[count - 1] : NULL;
    int follows = before && before->kind == PLOT_HEAT_MAP && before->heat.diverging;
    plot_panel *panel = plot_add_heat_map(page, "column", "row",
                                          &(plot_heat){.values = values,
                                                       .rows = rows,
                                                       .cols = cols,
                                                       .diverging = 1,
                                                       .same_scale = follows,
                                                       .colour_label = "entry"});
    panel->title = title;
    return panel;
}

void plot_add_line(plot_panel *panel, const plot_line *line) {
    if (panel->line_count < PLOT_LINES)
        panel->lines[panel->line_count] = *line;
    panel->line_count++;
}

void plot_add_level(plot_panel *panel, const char *label, double value) {
    if (panel->level_count < PLOT_LEVELS)
        panel->levels[panel->level_count] = (plot_level){label, value};
    panel->level_count++;
}

/* The kind of picture that a file name asks for: "png", "svg", or NULL. */
static const char *ending(const char *path) {
    size_t length = strlen(path);
    const char *end = length > 4 ? path + length - 4 : "";
    if (strcmp(end, ".png") == 0 || strcmp(end, ".svg") == 0)
        return end + 1;
    return NULL;
}

int plot_available(const char *path, char *message) {
    char copy[OPTION_EXCERPT];
    option_excerpt(path, copy);
    if (!ending(path))
        snprintf(message, OPTIONS_MESSAGE, "--plot: \"%s\" ends neither in .png nor in .svg", copy);
    else if (!gnuplot_present())
        snprintf(message, OPTIONS_MESSAGE,
                 "--plot: \"%s\" cannot be drawn: gnuplot is not installed", copy);
    else
        return 0;
    return -1;
}

/* 0, or -1 with errno. */
static int close_written(FILE *file) {
    int failed = ferror(file);
    return fclose(file) != 0 || failed ? -1 : 0;
}

static int write_file(const char *directory, const char *name, void (*write)(FILE *, const void *),
                      const void *what) {
    FILE *file = gnuplot_open(directory, name, "w");
    if (!file)
        return -1;
    write(file, what);
    return close_written(file);
}

static int write_panel(const plot_view *view, const char *directory) {
    char name[64];
    int failed = 0;
    for (size_t i = 0; view->panel->kind == PLOT_CURVES && i < view->panel->line_count; i++) {
        snprintf(name, sizeof name, "line%zu-%zu.csv", view->index, i);
        failed |= write_file(directory, name, plot_write_line,
                             &(plot_line_view){&view->panel->lines[i], view});
    }
    if (view->panel->kind == PLOT_HEAT_MAP) {
        snprintf(name, sizeof name, "heat%zu.csv", view->index);
        failed |= write_file(directory, name, plot_write_heat, view);
        snprintf(name, sizeof name, "marks%zu.csv", view->index);
        failed |= write_file(directory, name, plot_write_marks, view);
    }
    if (view->panel->kind == PLOT_BAR_CHART) {
        snprintf(name, sizeof name, "bars%zu.csv", view->index);
        failed |= write_file(directory, name, plot_write_bars, view);
    }
    return failed;
}

static int write_files(const plot_sheet *sheet, const char *directory) {
    for (size_t i = 0; i < sheet->view_count; i++)
        if (write_panel(&sheet->views[i], directory) != 0)
            return -1;
    return write_file(directory, "page.gp", plot_write_script, sheet);
}

int plot_render(const plot_page *page, const char *path, char **bytes, size_t *size,
                char *message) {
    *bytes = NULL;
    if (plot_check(page, message) != 0)
        return -1;
    plot_sheet *sheet = plot_sheet_of(page, ending(path));
    char *directory = sheet ? gnuplot_directory() : NULL;
    int run = 0;
    if (directory && write_files(sheet, directory) == 0) {
        run = gnuplot_run(directory, "page.gp", message);
        if (run == 0)
            *bytes = gnuplot_read(directory, "page.out", size);
    }
    if (run == 0 && !*bytes)
        snprintf(message, OPTIONS_MESSAGE, "--plot: temporary files: %s", strerror(errno));
    gnuplot_remove(directory);
    free(sheet);
    return *bytes ? 0 : -1;
}
