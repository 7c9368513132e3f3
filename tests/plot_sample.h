/* A page with each kind of panel, for the tests of the examples' plots. */
#ifndef ICL_TESTS_PLOT_SAMPLE_H
#define ICL_TESTS_PLOT_SAMPLE_H

#include <math.h>

#include "plot.h"

static const double STEPS[4] = {1, 2, 3, 4}, LOSS[4] = {8, 4, NAN, 1}, ERRORS[4] = {1, 5, 1, NAN};
static const double LEARNED[4] = {0.5, -0.001, 0.2, -2}, THEORY[4] = {1, 0, 0, 1};
static const char *const NAMES[4] = {"one", "it's", "three", "four"};
static const plot_mark MARKS[2] = {{0, 1}, {1, 0}};

static inline plot_page sample(void) {
    plot_page page = {.title = "a title"};
    plot_panel *p = plot_add_curves(&page, "step", "loss");
    plot_add_line(p, &(plot_line){.label = "training", .x = STEPS, .y = LOSS, .count = 4});
    plot_add_line(p, &(plot_line){.label = "theory",
                                  .x = STEPS,
                                  .y = LOSS,
                                  .count = 4,
                                  .error = ERRORS,
                                  .style = PLOT_DASHED,
                                  .colour = PLOT_SKY});
    plot_add_level(p, "optimum", 0.5);
    plot_add_matrix(&page, "learned", LEARNED, 2, 2);
    plot_add_matrix(&page, "theory", THEORY, 2, 2);
    plot_add_bars(&page, "height", &(plot_bars){NAMES, LOSS, ERRORS, 4});
    plot_add_heat_map(&page, "GD steps", "Newton steps",
                      &(plot_heat){.values = LEARNED,
                                   .rows = 2,
                                   .cols = 2,
                                   .row_ticks = STEPS,
                                   .col_ticks = STEPS + 1,
                                   .colour_label = "similarity",
                                   .marks = MARKS,
                                   .mark_count = 2,
                                   .mark_label = "best"});
    return page;
}

#endif
