/* What the second paper's heat maps and rates must show (Fu et al. 2310.17086): similarities of
 * Newton and least squares over many prompts, best matches, and steps against the condition number.
 */
#include "test_metrics.h"

enum { D = 20, N = 40, NEWTON = 31 };

typedef struct answers {
    icl_context *context;
    icl_batch *batch;
    int64_t count;
    int64_t grid[64];
    double *newton, *least, *gd;
} answers;

/* At prefixes 1..N, in arrays of N + 1; gradient descent only where the grid has steps. */
static answers answers_of(int64_t prompts, int64_t most) {
    answers a = {.context = make_context(2, ICL_ISA_AUTO)};
    a.batch = metric_batch(a.context, D, N, 0, prompts);
    for (int i = 0; most > 0; i++) {
        int64_t step = llround(exp2(i / 4.0));
        if (step > most)
            break;
        if (a.count == 0 || step > a.grid[a.count - 1])
            a.grid[a.count++] = step;
    }
    icl_solver *solvers[3] = {metric_solver(a.context, ICL_METHOD_NEWTON, D, 1, 0),
                              metric_solver(a.context, ICL_METHOD_LEAST_SQUARES, D, 1, 0),
                              metric_solver(a.context, ICL_METHOD_GD, D, 1, 0.01)};
    int64_t newton[NEWTON];
    for (int i = 0; i < NEWTON; i++)
        newton[i] = i;
    size_t rows = (size_t)prompts * (N + 1);
    a.newton = malloc(rows * NEWTON * sizeof(double));
    a.least = malloc(rows * sizeof(double));
    a.gd = malloc((rows * (size_t)a.count + 1) * sizeof(double));
    ck_assert(a.newton != NULL && a.least != NULL && a.gd != NULL);
    const int64_t *steps[3] = {newton, NULL, a.grid}, counts[3] = {NEWTON, 0, a.count};
    double *predictions[3] = {a.newton, a.least, a.gd};
    icl_prefix_options o;
    ASSERT_OK(a.context, icl_prefix_options_init(&o, sizeof o));
    o.steps = steps;
    o.counts = counts;
    ASSERT_OK(a.context,
              icl_solver_prefixes((const icl_solver *const *)solvers, a.count > 0 ? 3 : 2, a.batch,
                                  &o, predictions, NULL, NULL));
    for (int i = 0; i < 3; i++)
        icl_solver_free(solvers[i]);
    return a;
}

static void drop(answers *a) {
    free(a->newton);
    free(a->least);
    free(a->gd);
    icl_batch_free(a->batch);
    icl_context_free(a->context);
}

/* The published rows are those of prefixes 1..n: with the empty one they would be .018 higher at k
 * = 1, without the first .021 lower. */
START_TEST(test_newton_and_least_squares) {
    answers a = answers_of(5000, 0);
    icl_estimate s[NEWTON];
    static const int64_t steps[] = {1, 5, 10, 20};
    static const double known[] = {0.563, 0.716, 0.903, 0.994};
    ASSERT_OK(a.context, icl_metric_error_similarity(a.batch, NEWTON, a.newton, 1, a.least, 1, s));
    for (int i = 0; i < 4; i++)
        ASSERT_CLOSE(s[steps[i]].value, known[i], 0.01, 1);
    for (int k = 1; k < NEWTON; k++)
        ck_assert_double_gt(s[k].value, s[k - 1].value);
    drop(&a);
}
END_TEST

/* 2^k alpha s^2 = eta s j on the eigenvalues s near 2^(-k/2) that are being learned: j grows as
 * 2^(k/2). */
START_TEST(test_best_matches) {
    enum { GD = 64 };
    answers a = answers_of(320, 4096);
    static icl_estimate s[NEWTON * GD];
    int64_t match[NEWTON], count = 0;
    double x[NEWTON], y[NEWTON];
    icl_line_fit fit;
    ASSERT_OK(a.context,
              icl_metric_error_similarity(a.batch, NEWTON, a.newton, a.count, a.gd, 1, s));
    ASSERT_OK(a.context, icl_metric_best_match(a.context, NEWTON, a.count, s, match));
    for (int k = 5; k < NEWTON; k++)
        if (match[k] < a.count - 1) {
            x[count] = k;
            y[count++] = log2((double)a.grid[match[k]]);
        }
    ck_assert_int_ge(count, 12);
    ASSERT_OK(a.context, icl_metric_line(a.context, count, x, y, &fit));
    ASSERT_CLOSE(fit.slope, 0.5, 0.12, 1);
    ck_assert_double_gt(fit.r_squared, 0.98);
    ASSERT_OK(a.context,
              icl_metric_error_similarity(a.batch, NEWTON, a.newton, NEWTON, a.newton, 1, s));
    ASSERT_OK(a.context, icl_metric_best_match(a.context, NEWTON, NEWTON, s, match));
    for (int k = 0; k < NEWTON; k++)
        ck_assert_int_eq(match[k], k);
    drop(&a);
}
END_TEST

/* A diagonal prompt for each kappa = 10^(j/2): l_i = kappa^(-i/(d-1)), and X^T y = (1, .., 1). */
static icl_batch *diagonal_batch(icl_context *context, int64_t d, int64_t kappas) {
    double *X = calloc((size_t)(kappas * d * (d + 2)), sizeof *X), *y = X + kappas * d * d;
    icl_batch_options o;
    icl_batch *batch;
    ck_assert(X != NULL);
    for (int64_t i = 0; i < kappas * d; i++) {
        double kappa = pow(10, (double)(i / d) / 2);
        X[i * d + i % d] = pow(kappa, -0.5 * (double)(i % d) / (double)(d - 1));
        y[i] = 1 / X[i * d + i % d];
    }
    ASSERT_OK(context, icl_batch_options_init(&o, sizeof o));
    o.prompts = kappas;
    o.dim = o.context = d;
    o.contents = ICL_CONTENTS_EXAMPLES;
    ASSERT_OK(context, icl_batch_create(context, &o, &batch));
    ASSERT_OK(context, icl_batch_assign(batch, X, y, y + kappas * d, NULL));
    free(X);
    return batch;
}

/* The slope over kappa = 10 and above of the steps, or of log2 of them, to that residual. */
static double rate(icl_context *context, icl_method method, int64_t d, int64_t kappas,
                   double alpha) {
    icl_batch *batch = diagonal_batch(context, d, kappas);
    icl_solver_options o;
    icl_solver_report list[16], *reports = list;
    icl_solver *solver;
    icl_prefix_options whole;
    icl_line_fit fit;
    double x[16], y[16], *w = malloc((size_t)(kappas * d) * sizeof *w);
    ASSERT_OK(context, icl_solver_options_init(&o, sizeof o));
    o.method = method;
    o.dim = d;
    o.steps = 10000000;
    o.tolerance = 1e-6;
    o.step = alpha;
    ASSERT_OK(context, icl_solver_create(context, &o, &solver));
    ASSERT_OK(context, icl_prefix_options_init(&whole, sizeof whole));
    whole.first = whole.last = d;
    if (method == ICL_METHOD_CONJUGATE_GRADIENT)
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, list));
    else
        ASSERT_OK(context, icl_solver_prefixes((const icl_solver *const *)&solver, 1, batch, &whole,
                                               NULL, NULL, &reports));
    for (int64_t j = 0; j < kappas; j++) {
        ck_assert_int_eq(list[j].stop, ICL_STOP_CONVERGED);
        ck_assert(method != ICL_METHOD_CONJUGATE_GRADIENT || list[j].steps <= d);
        x[j] = log2(pow(10, (double)j / 2));
        y[j] = alpha > 0 ? (double)list[j].steps : log2((double)list[j].steps);
    }
    ASSERT_OK(context, icl_metric_line(context, kappas - 2, x + 2, y + 2, &fit));
    icl_solver_free(solver);
    icl_batch_free(batch);
    free(w);
    return fit.slope;
}

/* Newton's steps are whole numbers: half a step at both ends of 10 octaves is 0.1 of its slope. The
 * spectrum is log-uniform; Newton and gradient descent see its ends alone, conjugate gradients need
 * d far above sqrt kappa. */
START_TEST(test_rates) {
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    ASSERT_CLOSE(rate(context, ICL_METHOD_NEWTON, D, 9, 1), 2, 0.1, 1);
    ASSERT_CLOSE(rate(context, ICL_METHOD_GD, D, 9, 0), 1, 0.03, 1);
    ASSERT_CLOSE(rate(context, ICL_METHOD_CONJUGATE_GRADIENT, 400, 7, 0), 0.5, 0.05, 1);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("comparison", test_newton_and_least_squares, test_best_matches, test_rates)
