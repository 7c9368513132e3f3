/* Errors of algorithms against the number of examples. */
#include "contest.h"

#include <math.h>

void contest_check(lab *l, int judged, const char *name, const char *words, double value,
                   double expected, double tolerance) {
    if (judged)
        results_check(&l->e->results, name, words, value, expected, tolerance);
    else
        results_unjudged(&l->e->results, name, words, value);
}

#define COLUMNS(key) "error_" key, "error_" key "_se"
/* clang-format off: an algorithm a line */
const char *const CONTEST_COLUMNS[2 * CONTEST_ALL + 3] = {"examples",
                                                          "theory",
                                                          COLUMNS("gd"),
                                                          COLUMNS("pgd"),
                                                          COLUMNS("heavy_ball"),
                                                          COLUMNS("nesterov"),
                                                          COLUMNS("chebyshev"),
                                                          COLUMNS("gd_plus_plus"),
                                                          COLUMNS("newton"),
                                                          COLUMNS("cg"),
                                                          COLUMNS("least_squares"),
                                                          COLUMNS("ridge"),
                                                          COLUMNS("bayes"),
                                                          COLUMNS("average"),
                                                          COLUMNS("online_gd"),
                                                          COLUMNS("sgd"),
                                                          COLUMNS("bfgs"),
                                                          COLUMNS("dfp"),
                                                          COLUMNS("lbfgs"),
                                                          COLUMNS("lasso"),
                                                          COLUMNS("knn"),
                                                          COLUMNS("kernel_ridge"),
                                                          COLUMNS("tree"),
                                                          NULL};
/* clang-format on */

contest_curve contest_error(lab *l, const contender *c, double scale) {
    int64_t count = icl_batch_context(l->batch) + 1;
    icl_estimate *errors = (icl_estimate *)(void *)example_array(l->e, 2 * count);
    contest_curve curve = {example_array(l->e, count), example_array(l->e, count)};
    lab_ok(l, icl_metric_errors(l->batch, 1, c->prediction, scale, errors));
    for (int64_t t = 0; t < count; t++) {
        curve.value[t] = errors[t].value;
        curve.error[t] = errors[t].standard_error;
    }
    return curve;
}

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

/* Differences of errors, relative where they are above 1: each of these steps
 * amplifies rounding by no more than a few digits on white prompts. No claim where they are many.
 */
static void judge_conjugate(lab *l, const contender *list, const contest_curve *curves,
                            int64_t count) {
    const double *cg = NULL;
    double worst = 0;
    for (int i = 0; i < CONTEST_ALL; i++) {
        if (list[i].options.method == ICL_METHOD_CONJUGATE_GRADIENT)
            cg = curves[i].value;
        for (int64_t t = 0; cg != NULL && is_conjugate(&list[i]) && t < count; t++)
            worst = fmax(worst, fabs(curves[i].value[t] - cg[t]) / fmax(1, cg[t]));
    }
    const char *words = "BFGS, DFP and L-BFGS from conjugate gradients";
    if (l->drawn.covariance == ICL_COVARIANCE_IDENTITY &&
        2 * list[0].options.steps <= l->e->settings.dim)
        results_check(&l->e->results, "quasi_newton", words, worst, 0, 1e-6);
    else
        results_show(&l->e->results, "quasi_newton", words, worst, NAN);
}

/* The series: examples, theory, then error and standard error of each. */
static void append(lab *l, const double *examples, const double *theory,
                   const contest_curve *curves, int64_t count) {
    for (int64_t t = 0; t < count; t++) {
        double row[2 * CONTEST_ALL + 2] = {examples[t], theory[t]};
        for (int i = 0; i < CONTEST_ALL; i++) {
            row[2 * i + 2] = curves[i].value[t];
            row[2 * i + 3] = curves[i].error[t];
        }
        results_append(&l->e->results, row);
    }
}

plot_panel *contest_race(lab *l, const contender *list, double scale, const double *theory) {
    example *e = l->e;
    int64_t count = icl_batch_context(l->batch) + 1;
    double *examples = example_array(e, count);
    contest_curve curves[CONTEST_ALL];
    plot_panel *panel = plot_add_curves(&e->page, "examples", "error / d, cut at 10⁻⁴");
    panel->log_y = 1;
    for (int64_t t = 0; t < count; t++)
        examples[t] = (double)t;
    for (int i = 0; i < CONTEST_ALL; i++) {
        curves[i] = contest_error(l, &list[i], scale);
        results_array(&e->results, CONTEST_COLUMNS[2 * i + 2], curves[i].value, count);
        results_array(&e->results, CONTEST_COLUMNS[2 * i + 3], curves[i].error, count);
        if (list[i].drawn)
            draw(l, panel, curves[i].value,
                 (plot_line){.label = label_of(&list[i]), .x = examples, .count = count});
    }
    append(l, examples, theory, curves, count);
    draw(l, panel, theory,
         (plot_line){.label = "theory, least squares",
                     .x = examples,
                     .count = count,
                     .style = PLOT_DASHED,
                     .colour = PLOT_BLACK});
    judge_conjugate(l, list, curves, count);
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

/* x^T (X^T X)^-1 x for t > d, and the like for t < d, is a ratio of two chi^2. */
static double least_squares_spread(double d, double noise, double t) {
    double few = fmin(t, d), rest = fabs(t - d), left = t < d ? 1 + 2 / (d - t) : 1;
    if (noise == 0 || t == 0)
        return left;
    return fmax(left, (1 + 2 / few) * (rest - 1) / (rest - 3));
}

/* Each example leaves sin^2 of the angle to it of |e|^2. */
static double online_spread(double d, double noise, double t) {
    double growth = pow((d * d + d) / (d * d + d - 2), t);
    return growth * (noise > 0 ? fmax(1 + 2 / d, 3 * (d - 2) / (d - 4)) : 1 + 2 / d);
}

/* Of the first column of a Wishart matrix: A = chi^2_t / t above, A chi^2_{d-1} / t below. */
static double average_spread(double d, double t) {
    double sum = 12 + 48 / t + (d - 1) * (4 + 16 / t) + (d * d - 1) * (1 + 2 / t);
    return (1 + 2 / d) * (t > 0 ? fmax(sum / (d + 1) / (d + 1), 1 + 2 / t) : 1);
}

double contest_spread(icl_method method, double d, double noise, double t) {
    return method == ICL_METHOD_LEAST_SQUARES ? least_squares_spread(d, noise, t)
           : method == ICL_METHOD_ONLINE_GD   ? online_spread(d, noise, t)
                                              : average_spread(d, t);
}

void contest_judge(lab *l, const contender *c, double scale, const double *theory) {
    example *e = l->e;
    int64_t count = icl_batch_context(l->batch) + 1, judged = 0;
    contest_curve curve = contest_error(l, c, scale);
    double d = (double)e->settings.dim, B = (double)icl_batch_prompts(l->batch);
    double *z = example_array(e, count), worst = 0;
    for (int64_t t = 0; t < count; t++) {
        double spread = contest_spread(c->options.method, d, e->settings.noise, (double)t);
        double variance = theory[t] > 0 ? 3 * spread - 1 : 0;
        z[t] = NAN;
        if (isnan(theory[t]) || !(B >= CONTEST_PROMPTS * variance))
            continue;
        z[t] = (curve.value[t] - theory[t]) / hypot(theory[t] * sqrt(variance / B), 1e-9);
        worst = isnan(worst) || isnan(z[t]) ? NAN : fmax(worst, fabs(z[t]));
        judged++;
    }
    results_array(&e->results, example_text(e, "z_%s", c->key), z, count);
    contest_check(l, judged > 0, example_text(e, "worst_z_%s", c->key),
                  example_text(e, "%s: errors off theory in standard errors, %lld prefixes",
                               c->label, (long long)judged),
                  judged > 0 ? worst : NAN, 0, CONTEST_Z);
}
