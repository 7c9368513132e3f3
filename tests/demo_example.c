/* An example without training: shows the support code at work, and lets the tests try it. */
#include <math.h>
#include <stdlib.h>
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

int main(int argc, char **argv) {
    example e;
    example_begin(&e, &PROGRAM, argc, argv);
    int64_t d = e.settings.dim;
    if (spectrum.count > 0 && !example_given(&e, "dim"))
        e.settings.dim = d = spectrum.count;
    if (spectrum.count > 0 && spectrum.count != d)
        example_refuse(&e, "--spectrum has %lld values, --dim is %lld", (long long)spectrum.count,
                       (long long)d);
    double *matrices = malloc(2 * (size_t)(d * d) * sizeof *matrices);
    if (!matrices)
        example_refuse(&e, "out of memory");
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
    e.page.log_y = 1;
    e.page.level = 1;
    e.page.level_label = "optimum";
    e.page.matrices[0] = (plot_matrix){"learned \xce\x93", matrices, d, d};
    e.page.matrices[1] = (plot_matrix){"optimal \xce\x93*", matrices + d * d, d, d};
    e.page.matrix_count = 2;
    int status = example_end(&e, "the matrix is the one of theory", "the matrix is another one");
    free(matrices);
    return status;
}
