/* A trained deep model beside theory. */
#include <math.h>
#include <stdlib.h>

#include "deep_run.h"

static void check(deep_run *run, icl_status status) {
    example_ok(run->e, run->context, status);
}

static int descending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The best risk without covariate update and its steps; NaN where there is no closed form. */
static double theory_of(deep_run *run, double *etas) {
    int64_t layers = run->settings.layers;
    icl_estimate risk;
    icl_status status = run->settings.looped
                            ? icl_theory_looped_optimum(run->law, NULL, layers, etas, &risk)
                            : icl_theory_deep_optimum(run->law, NULL, layers, etas, &risk);
    for (int64_t l = 1; run->settings.looped && l < layers; l++)
        etas[l] = etas[0];
    for (int64_t l = 0; status != ICL_OK && l < layers; l++)
        etas[l] = NAN;
    if (status != ICL_ERR_NO_CLOSED_FORM)
        check(run, status);
    return status == ICL_OK ? risk.value : NAN;
}

/* Noisy labels: no closed form for several layers, but one step and Bayes stand around them. */
static void judge_between(deep_run *run, icl_estimate loss) {
    const example_settings *s = &run->e->settings;
    double work = (double)s->dim * (double)s->dim * (double)(s->context + s->dim);
    const icl_simulation simulation = {s->seed, (int64_t)fmax(200, fmin(20000, 4e8 / work))};
    icl_estimate step, bayes;
    check(run, icl_theory_best_step(run->law, NULL, NULL, NULL, &step));
    check(run, icl_theory_bayes_risk(run->law, &simulation, &bayes));
    results_number(&run->e->results, "risk_one_step", step.value);
    results_number(&run->e->results, "risk_bayes", bayes.value);
    results_check(&run->e->results, "loss", "loss, between Bayes and one step", loss.value,
                  (step.value + bayes.value) / 2,
                  (step.value - bayes.value) / 2 +
                      4 * hypot(loss.standard_error, bayes.standard_error));
}

static void judge_loss(deep_run *run, icl_estimate loss, double theory) {
    results *r = &run->e->results;
    int beyond = run->settings.covariate_update && run->settings.layers > 1 &&
                 run->e->settings.context > 0;
    results_number(r, "loss_theory", theory);
    results_number(r, "loss_error", loss.standard_error);
    if (isnan(theory))
        judge_between(run, loss);
    else if (!beyond)
        results_check(r, "loss", "loss on new prompts", loss.value, theory,
                      0.03 * theory + 4 * loss.standard_error);
    else {
        results_show(r, "loss", "loss on new prompts", loss.value, NAN);
        results_check(r, "loss_ratio", "over the best without covariate update",
                      loss.value / theory, 0.5, 0.5);
    }
    results_show(r, "log_loss", "logarithm of the loss", log(loss.value), log(theory));
}

/* Steps, largest first, and shapes of the preconditioners. A free looped layer has an antisymmetric
 * part, which theory's multiple of I has not and which makes it a little better. */
static void judge_steps(deep_run *run, const double *etas, const double *theory,
                        const double *whitened, const double *plain) {
    results *r = &run->e->results;
    int64_t layers = run->settings.layers;
    int looped = run->settings.looped, judged = isfinite(theory[0]);
    judged = judged && (!run->settings.covariate_update || layers == 1) &&
             run->e->settings.context > 0; /* without examples no step matters */
    double *ratio = example_array(run->e, layers), *one = example_array(run->e, layers);
    double *zero = example_array(run->e, layers);
    for (int64_t l = 0; l < layers; l++) {
        one[l] = 1;
        ratio[l] = theory[l] != 0 ? etas[l] / theory[l] : 1 + etas[l];
    }
    results_array(r, "etas_mean_trained", etas, layers);
    results_array(r, "etas_mean_theory", theory, layers);
    for (int64_t l = 0; l < (layers < 6 ? layers : 6); l++)
        results_show(r, NULL, example_text(run->e, "step %lld, on the mean loss", (long long)l + 1),
                     etas[l], judged ? theory[l] : NAN);
    if (judged)
        results_check_array(r, "etas_ratio", "steps over theory's, worst", ratio, one, layers,
                            looped ? 0.05 : 0.03);
    if (judged && !looped)
        results_check_array(r, "dist_identity", "whitened preconditioners from a I, worst",
                            whitened, zero, layers, 0.05);
    else
        results_array(r, "dist_identity", whitened, layers);
    results_array(r, "dist_identity_plain", plain, layers);
}

static void draw(deep_run *run, const double *etas, const double *theory, double loss_theory) {
    example *e = run->e;
    int64_t d = e->settings.dim, layers = run->settings.layers;
    plot_panel *loss = example_loss_panel(e);
    loss->log_y = 1;
    plot_add_level(loss,
                   run->settings.covariate_update ? "best without covariate update" : "theory",
                   loss_theory);
    double *number = example_array(e, layers);
    for (int64_t l = 0; l < layers; l++)
        number[l] = (double)l + 1;
    plot_panel *steps = plot_add_curves(&e->page, "step, largest first", "size on the mean loss");
    plot_add_line(
        steps,
        &(plot_line){
            .label = "trained", .x = number, .y = etas, .count = layers, .style = PLOT_MARKS});
    plot_add_line(steps, &(plot_line){.label = "least-norm polynomial",
                                      .x = number,
                                      .y = theory,
                                      .count = layers,
                                      .style = PLOT_DASHED});
    for (int64_t l = 0; l < layers && l < 3; l++) {
        double *A = example_array(e, d * d);
        check(run, icl_model_preconditioner(run->model, l, run->law, A));
        plot_add_matrix(&e->page, example_text(e, "layer %lld, whitened", (long long)l + 1), A, d,
                        d);
    }
}

void deep_judge(deep_run *run, const icl_train_report *report) {
    example *e = run->e;
    int64_t layers = run->settings.layers;
    double *etas = example_array(e, layers), *theory = example_array(e, layers);
    double *whitened = example_array(e, layers), *plain = example_array(e, layers);
    icl_estimate loss = deep_held_out(run);
    double loss_theory = theory_of(run, theory);
    deep_steps(run, etas, whitened, plain);
    qsort(etas, (size_t)layers, sizeof *etas, descending);
    judge_loss(run, loss, loss_theory);
    judge_steps(run, etas, theory, whitened, plain);
    results_number(&e->results, "seconds_per_step",
                   report->step > 0 ? report->seconds / (double)report->step : NAN);
    results_show(&e->results, NULL, "training steps", (double)report->step, NAN);
    draw(run, etas, theory, loss_theory);
}
