/* An example without training: shows the support code at work, and lets the tests try it. */
#include <math.h>
#include <time.h>

#include "example.h"

enum { LEARN, FAIL, DIVERGE };
static const char *const OUTCOMES[] = {"learn", "fail", "diverge", NULL};
static option_list spectrum;
static int outcome;
static double pause_seconds;

static const option OWN[] = {
    {.name = "spectrum",
     .kind = OPTION_REALS,
     .value = &spectrum,
     .least = 0,
     .most = INFINITY,
     .open = OPTION_OPEN_LEAST,
     .argument = "a,b,c,...",
     .help = "diagonal of the matrix that is learned; as many as --dim"},
    {.name = "outcome",
     .kind = OPTION_CHOICE,
     .value = &outcome,
     .choices = OUTCOMES,
     .preset = "learn",
     .help = "how the run ends"},
    {.name = "pause",
     .kind = OPTION_REAL,
     .value = &pause_seconds,
     .preset = "0",
     .least = 0,
     .most = 10,
     .help = "seconds of sleep in a step"},
};
static const example_preset PRESETS[] = {
    {"dim", "4", NULL}, {"steps", "500", "50"}, {"noise", "0.25", NULL}, {NULL, NULL, NULL}};
static const example_program PROGRAM = {
    .name = "demo-example",
    .summary = "Pretends to learn a diagonal matrix, to try what the examples have in common.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
};

static double excess_at(const example *e, double step) {
    return exp(-6 * step / (double)e->settings.steps) +
           (e->settings.population ? 0 : 0.02 * (1 + sin(step * step)));
}

static void pretend_to_train(example *e) {
    struct timespec wait = {(time_t)pause_seconds,
                            (long)(1e9 * (pause_seconds - floor(pause_seconds)))};
    for (int64_t step = 1; step <= e->settings.steps; step++) {
        double excess = excess_at(e, (double)step);
        icl_train_report report = {
            .step = step, .loss = 1 + excess, .gradient_norm = sqrt(excess), .excess = NAN};
        if (example_progress(&report, e) != 0)
            return;
        if (pause_seconds > 0)
            nanosleep(&wait, NULL);
    }
}

static void fill(const example *e, double *learned, double *theory) {
    int64_t d = e->settings.dim;
    for (int64_t i = 0; i < d * d; i++) {
        int64_t row = i / d, col = i % d;
        double eigenvalue = spectrum.count > 0 ? spectrum.values[row] : 1;
        theory[i] = row == col ? 0.77 * eigenvalue : 0;
        learned[i] = theory[i] + 0.02 * sin((double)(3 * i + 1));
    }
}

/* ---- the page: every kind of panel ---- */

enum { SIZES = 7, NEWTON = 10, DESCENT = 25 };

/* Risk against the number of tasks, with its error as a band, as bars, and a curve of theory. */
static void plot_risks(example *e) {
    static const char *const names[] = {"trained", "ridge", "theory"};
    double *tasks = example_array(e, SIZES);
    plot_panel *p = plot_add_curves(&e->page, "tasks", "risk");
    for (int i = 0; i < SIZES; i++)
        tasks[i] = pow(4, i);
    for (int k = 0; k < 3; k++) {
        double *risk = example_array(e, SIZES), *error = example_array(e, SIZES);
        for (int i = 0; i < SIZES; i++) {
            risk[i] = 0.2 + (k == 1 ? 3 : 1) / sqrt(tasks[i]);
            error[i] = 0.2 * risk[i];
        }
        plot_add_line(p, &(plot_line){.label = names[k],
                                      .x = tasks,
                                      .y = risk,
                                      .count = SIZES,
                                      .error = k < 2 ? error : NULL,
                                      .error_bars = k == 1,
                                      .style = k == 2 ? PLOT_DASHED : PLOT_SOLID,
                                      .colour = k == 2 ? PLOT_BLACK : PLOT_AUTO});
    }
    p->title = "risk";
    p->log_x = p->log_y = 1;
    p->upright = 64;
    p->upright_label = "threshold";
    plot_add_level(p, "Bayes", 0.2);
}

/* Similarity of steps of Newton's iteration and of gradient descent, the best matches marked. */
static void plot_similarity(example *e) {
    static plot_mark best[NEWTON];
    double *values = example_array(e, NEWTON * DESCENT);
    double *newton = example_array(e, NEWTON), *descent = example_array(e, DESCENT);
    for (int i = 0; i < NEWTON; i++) {
        newton[i] = i + 1;
        best[i] = (plot_mark){i, 2 * i + 2};
        for (int j = 0; j < DESCENT; j++) {
            descent[j] = pow(2, j / 2.0);
            values[i * DESCENT + j] = exp(-0.02 * (j - 2 * i - 2) * (j - 2 * i - 2));
        }
    }
    plot_panel *p = plot_add_heat_map(&e->page, "GD steps", "Newton steps",
                                      &(plot_heat){.values = values,
                                                   .rows = NEWTON,
                                                   .cols = DESCENT,
                                                   .row_ticks = newton,
                                                   .col_ticks = descent,
                                                   .least = 0,
                                                   .most = 1,
                                                   .colour_label = "similarity",
                                                   .marks = best,
                                                   .mark_count = NEWTON,
                                                   .mark_label = "best match"});
    p->title = "algorithms";
}

static void plot_sensitivity(example *e) {
    static const char *const names[] = {"transformer", "LSTM", "Newton", "GD"};
    static const double heights[] = {0.02, 0.6, 0, 0.0003}, errors[] = {0.004, 0.1, 0, 0.0001};
    plot_panel *p =
        plot_add_bars(&e->page, "order sensitivity", &(plot_bars){names, heights, errors, 4});
    p->title = "order";
    p->log_y = 1;
    plot_add_level(p, "chance", 0.1);
}

static void plot_all(example *e, const double *learned, const double *theory) {
    int64_t d = e->settings.dim;
    plot_panel *losses = example_loss_panel(e);
    losses->title = "training";
    losses->log_y = 1;
    plot_add_level(losses, "optimum", 1);
    plot_add_matrix(&e->page, "learned \xce\x93", learned, d, d);
    plot_add_matrix(&e->page, "optimal \xce\x93*", theory, d, d);
    plot_risks(e);
    plot_similarity(e);
    plot_sensitivity(e);
}

int main(int argc, char **argv) {
    example e;
    example_begin(&e, &PROGRAM, argc, argv);
    int64_t d = e.settings.dim;
    if (spectrum.count > 0 && !example_given(&e, "dim"))
        e.settings.dim = d = spectrum.count;
    if (spectrum.count > 0 && spectrum.count != d)
        example_refuse(&e, "--spectrum has %lld values, --dim is %lld", (long long)spectrum.count,
                       (long long)d);
    double *matrices = example_array(&e, 2 * d * d);
    pretend_to_train(&e);
    if (outcome == DIVERGE)
        example_ok(&e, NULL, ICL_ERR_DIVERGED);
    fill(&e, matrices, matrices + d * d);

    results_check(&e.results, "eta_trained", "step size of the trained layer",
                  outcome == FAIL ? 0.05 : 0.0385, 0.03846153846, 0.0004);
    results_number(&e.results, "eta_theory", 0.03846153846);
    results_check(&e.results, "gamma_distance", "distance to the closed-form matrix", 0.0123, 0,
                  0.03);
    results_show(&e.results, "risk_ridge", "risk of ridge regression", 1.25, NAN);
    results_show(&e.results, "risk_bayes", "Bayes risk", NAN, NAN);
    results_matrix(&e.results, "gamma", matrices, d, d);
    results_array(&e.results, "diagonal", spectrum.values, spectrum.count);
    e.page.title = "One step of gradient descent, learned (d = 4, n = 20)";
    plot_all(&e, matrices, matrices + d * d);
    return example_end(&e, "the matrix is the one of theory", "the matrix is another one");
}
