/* Kernel ridge regression, against elimination with pivots in long double. */
#include "test_prefixes.h"

enum { MOST = 40 };

static long double kernel_of(icl_kernel kernel, double h, int64_t d, const double *a,
                             const double *b) {
    long double square = 0;
    for (int64_t j = 0; j < d; j++)
        square += ((long double)a[j] - (long double)b[j]) * ((long double)a[j] - (long double)b[j]);
    return kernel == ICL_KERNEL_LAPLACE ? expl(-sqrtl(square) / (long double)h)
                                        : expl(-square / (2 * (long double)h * (long double)h));
}

/* Solves (K + ridge I) alpha = y by Gauss-Jordan with the greatest pivot of each column. */
static void reference(const icl_solver_options *o, int64_t t, const double *X, const double *y,
                      long double *alpha) {
    static long double K[MOST][MOST + 1];
    for (int64_t i = 0; i < t; i++) {
        for (int64_t j = 0; j < t; j++)
            K[i][j] = kernel_of(o->kernel, o->bandwidth, o->dim, X + i * o->dim, X + j * o->dim) +
                      (i == j ? (long double)o->ridge : 0);
        K[i][t] = (long double)y[i];
    }
    for (int64_t k = 0; k < t; k++) {
        int64_t pivot = k;
        for (int64_t i = k; i < t; i++)
            pivot = fabsl(K[i][k]) > fabsl(K[pivot][k]) ? i : pivot;
        for (int64_t j = 0; j <= t; j++) {
            long double keep = K[k][j];
            K[k][j] = K[pivot][j];
            K[pivot][j] = keep;
        }
        for (int64_t i = 0; i < t; i++) {
            long double factor = i == k ? 0 : K[i][k] / K[k][k];
            for (int64_t j = k; factor != 0 && j <= t; j++)
                K[i][j] -= factor * K[k][j];
        }
    }
    for (int64_t i = 0; i < t; i++)
        alpha[i] = K[i][t] / K[i][i];
}

static double reference_answer(const icl_solver_options *o, int64_t t, const double *X,
                               const long double *alpha, const double *x, long double *length) {
    long double sum = 0;
    *length = 1;
    for (int64_t i = 0; i < t; i++) {
        sum += alpha[i] * kernel_of(o->kernel, o->bandwidth, o->dim, X + i * o->dim, x);
        *length += fabsl(alpha[i]);
    }
    return (double)sum;
}

START_TEST(test_the_definition_at_every_prefix) {
    /* K + lambda I has its eigenvalues in lambda..n + lambda */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const double ridges[] = {1e-3, 0.5, 1e5}, bandwidths[] = {0.05, 1, 300};
    for (int s = 0; s < PREFIX_SHAPES; s++)
        for (int trial = 0; trial < 18; trial++) {
            int64_t n = prefix_shapes[s][0], d = prefix_shapes[s][1];
            icl_solver_options o = options_of(ICL_METHOD_KERNEL_RIDGE, d, 1);
            o.kernel = (icl_kernel)(trial % 2);
            o.ridge = ridges[trial / 2 % 3];
            o.bandwidth = bandwidths[trial / 6];
            icl_batch *batch = awkward_batch(context, n, d, 5);
            icl_solver *solver = solver_of(context, &o);
            curves c = curves_of(context, solver, batch, NULL, 0);
            for (int64_t p = 0; p < PROMPTS; p++)
                for (int64_t t = 0; t <= n; t++) {
                    const double *X = icl_batch_X(batch) + p * n * d;
                    long double alpha[MOST], length;
                    reference(&o, t, X, icl_batch_y(batch) + p * n, alpha);
                    double expected =
                        reference_answer(&o, t, X, alpha, query_at(batch, p, t), &length);
                    double kappa = 1 + (double)t / o.ridge;
                    ASSERT_CLOSE(prediction_at(&c, p, t, 0), expected,
                                 TOL_ALGEBRA(t + d + 1, kappa), (double)length);
                    const icl_solver_report *report = report_at(&c, p, t);
                    ck_assert_int_eq(report->stop, ICL_STOP_CONVERGED);
                    ck_assert_int_eq(report->rank, t > 0 ? t : -1);
                    ck_assert(report->step == (t > 0 ? o.ridge : 0));
                }
            free_curves(&c);
            icl_solver_free(solver);
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_without_ridge_examples_are_met) {
    /* the Laplace kernel of points that are apart is well-conditioned */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { COUNT = 30 };
    double X[COUNT * DIM], y[COUNT], prediction[COUNT];
    fill_normal(context, 1, COUNT * DIM, X);
    fill_normal(context, 2, COUNT, y);
    icl_batch *batch = batch_of(context, 1, COUNT, DIM, COUNT, ICL_CONTENTS_ALL, X, y, X);
    icl_solver_options o = options_of(ICL_METHOD_KERNEL_RIDGE, DIM, 1);
    o.kernel = ICL_KERNEL_LAPLACE;
    icl_solver *solver = solver_of(context, &o);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    assert_close(COUNT, prediction, y, TOL_ALGEBRA(COUNT, 100), 10);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_repeated_examples_are_left_out) {
    /* every second example repeats the one before, with another label: as if it were not there */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { HALF = 12 };
    double X[2 * HALF * DIM], y[2 * HALF], single[HALF * DIM], labels[HALF], query[DIM];
    fill_normal(context, 1, HALF * DIM, single);
    fill_normal(context, 2, HALF, labels);
    fill_normal(context, 3, DIM, query);
    for (int i = 0; i < 2 * HALF; i++) {
        memcpy(X + i * DIM, single + i / 2 * DIM, DIM * sizeof *X);
        y[i] = labels[i / 2] + i % 2;
    }
    for (int kernel = 0; kernel < 2; kernel++) {
        icl_solver_options o = options_of(ICL_METHOD_KERNEL_RIDGE, DIM, 1);
        o.kernel = (icl_kernel)kernel;
        icl_solver *solver = solver_of(context, &o);
        icl_batch *twice = batch_of(context, 1, 2 * HALF, DIM, 1, ICL_CONTENTS_ALL, X, y, query);
        icl_batch *once =
            batch_of(context, 1, HALF, DIM, 1, ICL_CONTENTS_ALL, single, labels, query);
        curves of_twice = curves_of(context, solver, twice, NULL, 0);
        curves of_once = curves_of(context, solver, once, NULL, 0);
        assert_same_bits(1, &of_twice.prediction[2 * HALF], &of_once.prediction[HALF]);
        for (int t = 0; t <= 2 * HALF; t++) {
            ck_assert_int_eq(of_twice.reports[t].stop,
                             t > 1 ? ICL_STOP_SINGULAR : ICL_STOP_CONVERGED);
            ck_assert_int_eq(of_twice.reports[t].rank, t > 0 ? (t + 1) / 2 : -1);
        }
        free_curves(&of_twice);
        free_curves(&of_once);
        icl_batch_free(twice);
        icl_batch_free(once);
        icl_solver_free(solver);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_a_singular_kernel_stays_calm) {
    /* 200 points on a line under a wide Gauss kernel: of rank about 20 to rounding; the labels are
     * of a smooth function, and the answers to its middle too */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { COUNT = 200 };
    double X[COUNT], y[COUNT], query[] = {0.123, 0.5, 0.987}, prediction[3];
    for (int i = 0; i < COUNT; i++) {
        X[i] = fmod(0.618033988749895 * i, 1);
        y[i] = sin(3 * X[i]);
    }
    icl_batch *batch = batch_of(context, 1, COUNT, 1, 3, ICL_CONTENTS_ALL, X, y, query);
    icl_solver_options o = options_of(ICL_METHOD_KERNEL_RIDGE, 1, 1);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    ck_assert_int_eq(c.reports[COUNT].stop, ICL_STOP_SINGULAR);
    ck_assert_int_lt(c.reports[COUNT].rank, 30);
    /* pivots kept are above eps, so labels off by eps are answered within its root */
    for (int j = 0; j < 3; j++)
        ASSERT_CLOSE(prediction[j], sin(3 * query[j]), COUNT * sqrt(DBL_EPSILON), 1);
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_kernel_ridge", test_the_definition_at_every_prefix,
          test_without_ridge_examples_are_met, test_repeated_examples_are_left_out,
          test_a_singular_kernel_stays_calm)
