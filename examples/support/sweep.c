/* Steps to a given residual against the condition number. */
#include "sweep.h"

#include <math.h>

#include "contest.h"

enum { FITTED = 1 }; /* the first that is */

/* One diagonal prompt for each condition number. */
icl_batch *sweep_prompts(lab *l, int64_t d, const double *kappas) {
    icl_batch_options o;
    icl_batch *batch;
    double *X = example_array(l->e, SWEEP_KAPPAS * d * d),
           *y = example_array(l->e, SWEEP_KAPPAS * d);
    lab_ok(l, icl_batch_options_init(&o, sizeof o));
    o.prompts = SWEEP_KAPPAS;
    o.dim = o.context = d;
    o.contents = ICL_CONTENTS_EXAMPLES;
    lab_ok(l, icl_batch_create(l->context, &o, &batch));
    for (int64_t i = 0; i < SWEEP_KAPPAS * d; i++) {
        double part = d > 1 ? (double)(i % d) / (double)(d - 1) : 0;
        double root = pow(kappas[i / d], -part / 2);
        X[i * d + i % d] = root;
        y[i] = 1 / root;
    }
    lab_ok(l, icl_batch_assign(batch, X, y, example_array(l->e, SWEEP_KAPPAS * d), NULL));
    return batch;
}

/* Steps until the residual is epsilon of X^T y; all of them at the prefix of the whole prompt. */
double *sweep_steps(lab *l, icl_method method, const icl_batch *batch, double epsilon) {
    icl_solver_options o = lab_solver(l, method);
    icl_prefix_options whole;
    icl_solver_report list[SWEEP_KAPPAS], *reports = list;
    icl_solver *solver;
    double *steps = example_array(l->e, SWEEP_KAPPAS);
    o.dim = icl_batch_dim(batch);
    o.steps = 100000000;
    o.tolerance = epsilon;
    o.step = method == ICL_METHOD_NEWTON ? 1 : 0;
    lab_ok(l, icl_solver_create(l->context, &o, &solver));
    lab_ok(l, icl_prefix_options_init(&whole, sizeof whole));
    whole.first = whole.last = o.dim;
    if (method == ICL_METHOD_CONJUGATE_GRADIENT)
        lab_ok(l, icl_solver_solve(solver, batch, example_array(l->e, SWEEP_KAPPAS * o.dim), list));
    else /* any number of steps costs the same there */
        lab_ok(l, icl_solver_prefixes((const icl_solver *const *)&solver, 1, batch, &whole, NULL,
                                      NULL, &reports));
    for (int k = 0; k < SWEEP_KAPPAS; k++)
        steps[k] = list[k].stop == ICL_STOP_CONVERGED ? (double)list[k].steps : NAN;
    icl_solver_free(solver);
    return steps;
}

static void draw(lab *l, const sweep_claim *claim, const double *kappas, const double *steps,
                 double most, const icl_line_fit *fit, plot_panel *panel) {
    double *x = example_array(l->e, SWEEP_KAPPAS), *y = example_array(l->e, SWEEP_KAPPAS),
           *line = example_array(l->e, SWEEP_KAPPAS);
    for (int k = 0; k < SWEEP_KAPPAS; k++) {
        double at = fit->intercept + fit->slope * log2(kappas[k]);
        x[k] = kappas[k];
        y[k] = steps[k];
        line[k] = k < FITTED || kappas[k] > most ? NAN : claim->linear ? at : exp2(at);
    }
    plot_colour colour = (plot_colour)(panel->line_count / 2 + 1);
    plot_add_line(panel, &(plot_line){.label = claim->label,
                                      .x = x,
                                      .y = y,
                                      .count = SWEEP_KAPPAS,
                                      .style = PLOT_MARKS,
                                      .colour = colour});
    double factor = claim->linear ? fit->intercept : exp2(fit->intercept);
    const char *form = claim->linear ? "%.3g + %.3g log₂ κ" : "%.3g κ^%.3g";
    plot_add_line(panel, &(plot_line){.label = example_text(l->e, form, factor, fit->slope),
                                      .x = x,
                                      .y = line,
                                      .count = SWEEP_KAPPAS,
                                      .style = PLOT_DASHED,
                                      .colour = colour});
}

void sweep_judge(lab *l, const sweep_claim *claim, int64_t d, const double *kappas,
                 const double *steps, double most, plot_panel *panel) {
    icl_line_fit fit = {NAN, NAN, NAN, NAN};
    double x[SWEEP_KAPPAS], y[SWEEP_KAPPAS];
    int64_t count = 0;
    most *= 1.0001; /* kappas are rounded */
    for (int k = FITTED; k < SWEEP_KAPPAS && kappas[k] <= most; k++, count++) {
        x[count] = log2(kappas[k]);
        y[count] = claim->linear ? steps[k] : log2(steps[k]);
    }
    if (count > 2)
        lab_ok(l, icl_metric_line(l->context, count, x, y, &fit));
    results_number(&l->e->results, example_text(l->e, "%s_error", claim->name), fit.slope_error);
    contest_check(l, count > 2, claim->name,
                  example_text(l->e, "%s, d = %lld: %s a doubling of kappa, +- %.2g", claim->label,
                               (long long)d, claim->linear ? "steps" : "doublings of steps",
                               fit.slope_error),
                  fit.slope, claim->expected, claim->tolerance);
    draw(l, claim, kappas, steps, most, &fit, panel);
}
