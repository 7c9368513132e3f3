/* Renders a page: writes the data and the script into a temporary directory and runs gnuplot. */
#include "plot.h"
#include "gnuplot.h"
#include "options.h"
#include "plot_script.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int write_files(const plot_page *page, const char *kind, const char *directory) {
    char name[32];
    plot_scale scale = plot_scale_of(page);
    for (size_t i = 0; i < page->line_count; i++) {
        snprintf(name, sizeof name, "line%zu.csv", i);
        if (write_file(directory, name, plot_write_line, &page->lines[i]) != 0)
            return -1;
    }
    for (size_t i = 0; i < page->matrix_count; i++) {
        snprintf(name, sizeof name, "matrix%zu.csv", i);
        if (write_file(directory, name, plot_write_matrix,
                       &(plot_matrix_scaled){&page->matrices[i], scale.colour}) != 0)
            return -1;
    }
    return write_file(directory, "page.gp", plot_write_script, &(plot_scaled){page, scale, kind});
}

int plot_render(const plot_page *page, const char *path, char **bytes, size_t *size,
                char *message) {
    char *directory = gnuplot_directory();
    *bytes = NULL;
    int run = 0;
    if (directory && write_files(page, ending(path), directory) == 0) {
        run = gnuplot_run(directory, "page.gp", message);
        if (run == 0)
            *bytes = gnuplot_read(directory, "page.out", size);
    }
    if (run == 0 && !*bytes)
        snprintf(message, OPTIONS_MESSAGE, "--plot: temporary files: %s", strerror(errno));
    gnuplot_remove(directory);
    return *bytes ? 0 : -1;
}
