/* An example without a trainer: shows what such programs need, and lets the tests try it. */
#include <math.h>
#include <time.h>

#include "example.h"

enum { AGREE, FAIL };
static const char *const OUTCOMES[] = {"agree", "fail", NULL};
static int outcome;
static double pause_seconds;

static const option OWN[] = {
    {.name = "outcome",
     .kind = OPTION_CHOICE,
     .value = &outcome,
     .choices = OUTCOMES,
     .preset = "agree",
     .help = "how the run ends"},
    {.name = "pause",
     .kind = OPTION_REAL,
     .value = &pause_seconds,
     .preset = "0",
     .least = 0,
     .most = 0.5,
     .help = "seconds of sleep for each length"},
};
static const example_preset PRESETS[] = {{"context", "40", "10"}, {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"batch", "steps", "lr", "population", NULL};
static const char *const COLUMNS[] = {"examples", "layers", "error", "theory", NULL};
static const example_program PROGRAM = {
    .name = "demo-survey",
    .summary =
        "Pretends to measure errors of models of one and two layers, for all context lengths.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT,
    .columns = COLUMNS,
};

enum { LAYERS = 2 };
typedef struct survey {
    int64_t count;                        /* context lengths, from 0 */
    double *examples;                     /* count */
    double *error[LAYERS], *wide[LAYERS]; /* count each: measured, and the error of that */
    double *theory[LAYERS];
} survey;

static survey survey_of(example *e) {
    survey s = {.count = e->settings.context + 1};
    s.examples = example_array(e, s.count);
    for (int k = 0; k < LAYERS; k++) {
        s.error[k] = example_array(e, s.count);
        s.wide[k] = example_array(e, s.count);
        s.theory[k] = example_array(e, s.count);
    }
    return s;
}

static void pretend_to_measure(example *e, survey *s) {
    struct timespec wait = {0, (long)(1e9 * pause_seconds)};
    double d = (double)e->settings.dim;
    for (int64_t n = 0; n < s->count; n++) {
        s->examples[n] = (double)n;
        for (int k = 0; k < LAYERS; k++) {
            double theory = e->settings.noise + pow(d / (d + (double)n), k + 1);
            double error = theory * (1 + 0.01 * sin((double)(7 * n + k)));
            s->theory[k][n] = theory;
            s->error[k][n] = outcome == FAIL ? 2 * error : error;
            s->wide[k][n] = 0.1 * theory;
            results_append(&e->results, (const double[]){(double)n, k + 1, s->error[k][n], theory});
        }
        example_work(e, n + 1, s->count);
        if (pause_seconds > 0)
            nanosleep(&wait, NULL);
    }
}

static void plot_errors(example *e, const survey *s) {
    plot_panel *p = plot_add_curves(&e->page, "examples in the context", "error");
    p->log_y = 1;
    for (int k = 0; k < LAYERS; k++) {
        plot_add_line(p, &(plot_line){.label = example_text(e, "layers: %d", k + 1),
                                      .x = s->examples,
                                      .y = s->error[k],
                                      .count = s->count,
                                      .error = s->wide[k],
                                      .colour = PLOT_BLUE + (plot_colour)k});
        plot_add_line(p, &(plot_line){.label = k == 0 ? "theory" : NULL,
                                      .x = s->examples,
                                      .y = s->theory[k],
                                      .count = s->count,
                                      .style = PLOT_DASHED,
                                      .colour = PLOT_BLACK});
    }
    p->upright = (double)e->settings.dim;
    p->upright_label = "n = d";
}

static void plot_ends(example *e, const survey *s, double *ends) {
    static const char *const names[LAYERS] = {"one layer", "two layers"};
    for (int k = 0; k < LAYERS; k++)
        ends[k] = s->error[k][s->count - 1];
    plot_panel *p = plot_add_bars(&e->page, "last error", &(plot_bars){names, ends, NULL, LAYERS});
    plot_add_level(p, "noise", e->settings.noise > 0 ? e->settings.noise : NAN);
    p = plot_add_bars(&e->page, "last error", &(plot_bars){names, ends, NULL, LAYERS});
    p->log_y = 1;
}

int main(int argc, char **argv) {
    example e;
    double ends[LAYERS];
    example_begin(&e, &PROGRAM, argc, argv);
    survey s = survey_of(&e);
    pretend_to_measure(&e, &s);
    results_check_array(&e.results, "errors_one_layer", "errors of one layer", s.error[0],
                        s.theory[0], s.count, 0.02 * s.theory[0][0]);
    results_check_array(&e.results, "errors_two_layers", "errors of two layers", s.error[1],
                        s.theory[1], s.count, 0.02 * s.theory[1][0]);
    results_number(&e.results, "lengths", (double)s.count);
    plot_errors(&e, &s);
    plot_ends(&e, &s, ends);
    return example_end(&e, "the errors are those of theory", "the errors are others");
}
