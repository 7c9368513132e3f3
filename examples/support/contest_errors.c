/* Errors of algorithms against the number of examples. */
#include "contest.h"

#include <math.h>

void contest_check(lab *l, int judged, const char *name, const char *words, double value,
                   double expected, double tolerance) {
    if (judged)
        results_check(&l->e->results, name, words, value, expected, tolerance);
    else
        results_show(&l->e->results, name, words, value, NAN);
}

const char *const CONTEST_COLUMNS[CONTEST_ALL + 3] = {"examples",
                                                      "theory",
                                                      "error_gd",
                                                      "error_heavy_ball",
                                                      "error_nesterov",
                                                      "error_chebyshev",
                                                      "error_gd_plus_plus",
                                                      "error_newton",
                                                      "error_cg",
                                                      "error_least_squares",
                                                      "error_ridge",
                                                      "error_bayes",
                                                      "error_average",
                                                      "error_online_gd",
                                                      "error_sgd",
                                                      "error_bfgs",
                                                      "error_dfp",
                                                      "error_lbfgs",
                                                      NULL};

static int is_conjugate(const contender *c) {
    icl_method method = c->options.method;
    return method == ICL_METHOD_BFGS || method == ICL_METHOD_DFP || method == ICL_METHOD_LBFGS;
}

enum { LEAST_DRAWN = 10000 };

static void draw(lab *l, plot_panel *panel, const double *errors, plot_line line) {
    double *drawn = example_array(l->e, line.count);
    for (int64_t t = 0; t < line.count; t++)
        drawn[t] = isnan(errors[t]) ? NAN : fmax(errors[t], 1.0 / LEAST_DRAWN);
    line.y = drawn;
    plot_add_line(panel, &line);
}

static const char *label_of(const contender *c) {
    int cg = c->options.method == ICL_METHOD_CONJUGATE_GRADIENT;
    return cg ? "conjugate gradients, BFGS" : c->label;
}

/* Relative differences of errors: each of these steps amplifies rounding by no more than a few
 * digits. */
static void judge_conjugate(lab *l, const contender *list, double *const *errors, int64_t count) {
    const double *cg = NULL;
    double worst = 0;
    for (int i = 0; i < CONTEST_ALL; i++) {
        if (list[i].options.method == ICL_METHOD_CONJUGATE_GRADIENT)
            cg = errors[i];
        for (int64_t t = 0; cg != NULL && is_conjugate(&list[i]) && t < count; t++)
            worst = fmax(worst, fabs(errors[i][t] - cg[t]));
    }
    contest_check(l, 2 * list[0].options.steps <= l->e->settings.dim, "quasi_newton",
                  "BFGS, DFP and L-BFGS from conjugate gradients", worst, 0, 1e-6);
}

plot_panel *contest_race(lab *l, const contender *list, double scale, const double *theory) {
    example *e = l->e;
    int64_t count = icl_batch_context(l->batch) + 1;
    double *examples = example_array(e, count), *errors[CONTEST_ALL];
    plot_panel *panel = plot_add_curves(&e->page, "examples", "error / tr Σ, cut at 10⁻⁴");
    panel->log_y = 1;
    for (int64_t t = 0; t < count; t++)
        examples[t] = (double)t;
    for (int i = 0; i < CONTEST_ALL; i++) {
        errors[i] = contest_error(l, &list[i], scale).value;
        results_array(&e->results, CONTEST_COLUMNS[i + 2], errors[i], count);
        if (!is_conjugate(&list[i]))
            draw(l, panel, errors[i],
                 (plot_line){.label = label_of(&list[i]), .x = examples, .count = count});
    }
    for (int64_t t = 0; t < count; t++) {
        double row[CONTEST_ALL + 2] = {examples[t], theory[t]};
        for (int i = 0; i < CONTEST_ALL; i++)
            row[i + 2] = errors[i][t];
        results_append(&e->results, row);
    }
    draw(l, panel, theory,
         (plot_line){.label = "theory, least squares",
                     .x = examples,
                     .count = count,
                     .style = PLOT_DASHED,
                     .colour = PLOT_BLACK});
    judge_conjugate(l, list, errors, count);
    return panel;
}

/* ---- closed forms, of white prompts ---- */

/* Near n = d noise leaves least squares without a variance of their squared errors. */
static double least_squares_error(double d, double noise, double t) {
    if (noise > 0 && fabs(t - d) < 6)
        return NAN;
    double gain = t < d ? t / (d - t - 1) : d / (t - d - 1);
    return fmax(d - t, 0) + noise + (noise > 0 ? noise * gain : 0);
}

/* An example turns e into (I - x x^T / |x|^2) e + eps x / |x|^2, and E 1 / |x|^2 = 1 / (d - 2). */
static double online_error(double d, double noise, double t) {
    double left = pow(1 - 1 / d, t);
    if (noise > 0 && d < 7)
        return NAN;
    return d * left + noise + (noise > 0 ? noise * d / (d - 2) * (1 - left) : 0);
}

static double average_error(double d, double noise, double t) {
    return (t > 0 ? d * (d + 1 + noise) / t : d) + noise;
}

double *contest_theory(lab *l, icl_method method, double scale) {
    const example_settings *s = &l->e->settings;
    double *theory = example_array(l->e, s->context + 1), d = (double)s->dim;
    for (int64_t t = 0; t <= s->context; t++)
        theory[t] = (method == ICL_METHOD_LEAST_SQUARES ? least_squares_error
                     : method == ICL_METHOD_ONLINE_GD   ? online_error
                                                        : average_error)(d, s->noise, (double)t) /
                    scale;
    return theory;
}

void contest_judge(lab *l, const contender *c, double scale, const double *theory) {
    example *e = l->e;
    int64_t count = icl_batch_context(l->batch) + 1;
    contest_curve curve = contest_error(l, c, scale);
    double *z = example_array(e, count), *zero = example_array(e, count);
    for (int64_t t = 0; t < count; t++)
        if (!isnan(theory[t]))
            z[t] = (curve.value[t] - theory[t]) / hypot(curve.error[t], 1e-9);
    results_check_array(&e->results, example_text(e, "z_%s", c->key),
                        example_text(e, "%s: errors from theory, in standard errors", c->label), z,
                        zero, count, CONTEST_Z);
}
