/* Lasso against its optimality conditions, and for d <= 3 against all patterns of signs. */
#include "test_prefixes.h"

/* Solves the k x k system by elimination with pivots; 0 if it is singular. */
static int eliminate(int k, long double a[3][4]) {
    for (int i = 0; i < k; i++) {
        int pivot = i;
        for (int r = i + 1; r < k; r++)
            if (fabsl(a[r][i]) > fabsl(a[pivot][i]))
                pivot = r;
        if (fabsl(a[pivot][i]) < 1e-14L)
            return 0;
        for (int j = 0; j <= k; j++) {
            long double swap = a[i][j];
            a[i][j] = a[pivot][j];
            a[pivot][j] = swap;
        }
        for (int r = 0; r < k; r++)
            for (int j = k; r != i && j >= i; j--)
                a[r][j] -= a[r][i] / a[i][i] * a[i][j];
    }
    for (int i = 0; i < k; i++)
        a[i][k] /= a[i][i];
    return 1;
}

static double objective(int64_t t, int64_t d, const double *X, const double *y, double lambda,
                        const double *w) {
    double sum = 0;
    for (int64_t i = 0; i < t; i++) {
        double r = y[i] - dot(d, X + i * d, w);
        sum += 0.5 * r * r;
    }
    for (int64_t j = 0; j < d; j++)
        sum += lambda * fabs(w[j]);
    return sum;
}

/* The least objective over the stationary points of all 3^d patterns of signs. */
static double brute_force(int64_t t, int d, const double *X, const double *y, double lambda,
                          double *best) {
    double least = objective(t, d, X, y, lambda, memset(best, 0, (size_t)d * sizeof *best));
    for (int pattern = 0, patterns = d == 1 ? 3 : d == 2 ? 9 : 27; pattern < patterns; pattern++) {
        int sign[3], index[3], k = 0;
        for (int j = 0, rest = pattern; j < d; j++, rest /= 3) {
            sign[j] = rest % 3 - 1;
            if (sign[j] != 0)
                index[k++] = j;
        }
        long double a[3][4] = {{0}};
        for (int i = 0; i < k; i++) {
            for (int64_t row = 0; row < t; row++) {
                for (int j = 0; j < k; j++)
                    a[i][j] += (long double)X[row * d + index[i]] * X[row * d + index[j]];
                a[i][k] += (long double)X[row * d + index[i]] * y[row];
            }
            a[i][k] -= lambda * sign[index[i]];
        }
        if (k == 0 || !eliminate(k, a))
            continue;
        double w[3] = {0};
        for (int i = 0; i < k; i++)
            w[index[i]] = (double)a[i][k];
        double value = objective(t, d, X, y, lambda, w);
        if (value < least) {
            least = value;
            memcpy(best, w, (size_t)d * sizeof *w);
        }
    }
    return least;
}

/* The optimality condition as one number: L max_j |w_j - soft(w_j + g_j / L, lambda / L)|, with
 * g = X^T (y - X w) and L = ||X||_F^2 = norm_X. It is |g_j - lambda sign w_j| where w_j is not
 * small, and below sqrt(2 L gap) always: a step of proximal descent gains L/2 times its squared
 * length. */
static double kkt_residual(int64_t t, int64_t d, const double *X, const double *y, double lambda,
                           const double *w, double norm_X) {
    double worst = 0;
    for (int64_t j = 0; j < d && norm_X > 0; j++) {
        double g = 0;
        for (int64_t i = 0; i < t; i++)
            g += X[i * d + j] * (y[i] - dot(d, X + i * d, w));
        double z = norm_X * w[j] + g, soft = copysign(fmax(fabs(z) - lambda, 0), z);
        worst = fmax(worst, fabs(norm_X * w[j] - soft));
    }
    return worst;
}

enum { MOST_ROWS = 40 };

/* P(w) - D(s r), by the definition of both. */
static double definition_of_gap(int64_t t, int64_t d, const double *X, const double *y,
                                double lambda, const double *w) {
    long double primal = 0, dual = 0, greatest = 0;
    long double r[MOST_ROWS];
    for (int64_t i = 0; i < t; i++) {
        r[i] = y[i];
        for (int64_t j = 0; j < d; j++)
            r[i] -= (long double)X[i * d + j] * w[j];
        primal += 0.5L * r[i] * r[i];
    }
    for (int64_t j = 0; j < d; j++) {
        long double g = 0;
        for (int64_t i = 0; i < t; i++)
            g += X[i * d + j] * r[i];
        greatest = fmaxl(greatest, fabsl(g));
        primal += lambda * fabsl((long double)w[j]);
    }
    long double s = greatest > lambda ? lambda / greatest : 1;
    for (int64_t i = 0; i < t; i++)
        dual += s * r[i] * y[i] - 0.5L * s * s * r[i] * r[i];
    return (double)(primal - dual);
}

static icl_solver *lasso(icl_context *context, int64_t d, double l1, double tolerance) {
    icl_solver_options o = options_of(ICL_METHOD_LASSO, d, 1);
    o.l1 = l1;
    o.tolerance = tolerance;
    return solver_of(context, &o);
}

START_TEST(test_all_patterns_of_signs) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double penalties[] = {1e-3, 0.5, 3, 50};
    for (int d = 1; d <= 3; d++)
        for (int l = 0; l < 4; l++) {
            icl_batch *batch = awkward_batch(context, 9, d, 7);
            icl_solver *solver = lasso(context, d, penalties[l], 0);
            curves c = curves_of(context, solver, batch, NULL, 0);
            for (int64_t p = 0; p < PROMPTS; p++)
                for (int64_t t = 0; t <= 9; t++) {
                    const double *X = icl_batch_X(batch) + p * 9 * d;
                    const double *y = icl_batch_y(batch) + p * 9, *w = weights_at(&c, p, t, 0);
                    double best[3], least = brute_force(t, d, X, y, penalties[l], best);
                    double excess = objective(t, d, X, y, penalties[l], w) - least;
                    double scale = 0.5 * dot(t, y, y), round = TOL_ALGEBRA(t + d, 1) * scale;
                    ck_assert(excess <= 1e-12 * scale + round);
                    ck_assert(excess >= -round);
                    ck_assert(excess <= report_at(&c, p, t)->step + round);
                    ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
                }
            free_curves(&c);
            icl_solver_free(solver);
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_gap_and_optimality) {
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const double penalties[] = {1e-2, 1, 10};
    for (int s = 0; s < PREFIX_SHAPES; s++)
        for (int l = 0; l < 3; l++) {
            int64_t n = prefix_shapes[s][0], d = prefix_shapes[s][1];
            icl_batch *batch = awkward_batch(context, n, d, 3);
            icl_solver *solver = lasso(context, d, penalties[l], 1e-12);
            curves c = curves_of(context, solver, batch, NULL, 0);
            for (int64_t p = 0; p < PROMPTS; p++)
                for (int64_t t = 0; t <= n; t++) {
                    const double *X = icl_batch_X(batch) + p * n * d;
                    const double *y = icl_batch_y(batch) + p * n, *w = weights_at(&c, p, t, 0);
                    const icl_solver_report *report = report_at(&c, p, t);
                    double half = 0.5 * dot(t, y, y), size = sqrt(2 * half), norm_X = 0;
                    for (int64_t i = 0; i < t * d; i++)
                        norm_X += X[i] * X[i];
                    /* rounding of y - X w, where w is large, in products with w */
                    double length = norm(d, w) * sqrt(norm_X) + size;
                    double round = TOL_ALGEBRA(t + d, 1) * length * length;
                    double gap = definition_of_gap(t, d, X, y, penalties[l], w);
                    ck_assert_int_eq(report->stop, ICL_STOP_CONVERGED);
                    ck_assert(report->step >= 0 && report->step <= 1e-12 * half);
                    ASSERT_CLOSE(report->step, gap, 1, round);
                    ck_assert(gap <= 1e-8);
                    ck_assert(kkt_residual(t, d, X, y, penalties[l], w, norm_X) <=
                              sqrt(2 * norm_X * (gap + round)) + round);
                }
            free_curves(&c);
            icl_solver_free(solver);
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_default_gap_at_published_sizes) {
    /* the penalties of Garg et al., on labels that are sparse and on those that are not */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const double penalties[] = {1, 0.1, 0.01, 0.001, 0.0001};
    for (int trial = 0; trial < 10; trial++) {
        int l = trial / 2;
        icl_law_options lo;
        icl_law *law;
        icl_sampler *sampler;
        icl_batch *batch;
        ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
        ASSERT_OK(context,
                  icl_task_preset(context, trial % 2 ? "garg-linear" : "garg-sparse", &lo));
        ASSERT_OK(context, icl_law_create(context, &lo, &law));
        ASSERT_OK(context, icl_sampler_create(context, law, 1, &sampler));
        ASSERT_OK(context, icl_sampler_batch(sampler, 64, 1, ICL_CONTENTS_ALL, &batch));
        ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
        icl_solver_options o = options_of(ICL_METHOD_LASSO, lo.dim, 1);
        o.l1_per_example = penalties[l];
        icl_solver *solver = solver_of(context, &o);
        curves c = curves_of(context, solver, batch, NULL, 0);
        for (int64_t p = 0; p < c.B; p++)
            for (int64_t t = 0; t <= c.n; t++) {
                const double *X = icl_batch_X(batch) + p * c.n * c.d;
                const double *y = icl_batch_y(batch) + p * c.n;
                double gap = definition_of_gap(t, c.d, X, y, penalties[l] * (double)t,
                                               weights_at(&c, p, t, 0));
                ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
                ck_assert_double_lt(report_at(&c, p, t)->step, 1e-8);
                ck_assert_double_lt(gap, 1e-8);
            }
        free_curves(&c);
        icl_solver_free(solver);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_kkt_to_the_last_digits) {
    /* well-conditioned: run until rounding stops it */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { D = 10, B = 9, ROWS = 30 };
    double X[B * ROWS * D], y[B * ROWS], w[B * D];
    fill_normal(context, 1, B * ROWS * D, X);
    fill_normal(context, 2, B * ROWS, y);
    icl_batch *batch = batch_of(context, B, ROWS, D, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver *solver = lasso(context, D, 4, 1e-30);
    icl_solver_report reports[B];
    ASSERT_OK(context, icl_solver_solve(solver, batch, w, reports));
    int zeros = 0;
    for (int p = 0; p < B; p++) {
        ck_assert_int_ne(reports[p].stop, ICL_STOP_STEPS);
        ck_assert(reports[p].step <= 1e-12);
        const double *at = X + p * ROWS * D;
        double norm_X = dot(ROWS * D, at, at);
        ck_assert(kkt_residual(ROWS, D, at, y + p * ROWS, 4, w + p * D, norm_X) <=
                  TOL_ALGEBRA(ROWS + D, 1) * norm_X);
        for (int j = 0; j < D; j++)
            zeros += w[p * D + j] == 0;
    }
    ck_assert(zeros > B && zeros < B * D);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_orthogonal_columns_are_thresholded) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    planted p;
    const double s[] = {3, 2, 1, 0.5};
    plant(context, 6, DIM, DIM, s, 0.5, 4, &p);
    double X[6 * DIM], w[DIM];
    for (int i = 0; i < 6; i++) /* X = U diag(s) */
        for (int j = 0; j < DIM; j++)
            X[i * DIM + j] = s[j] * p.U[j * 6 + i];
    icl_solver_options o = options_of(ICL_METHOD_LASSO, DIM, 1);
    o.l1_per_example = 0.1; /* lambda = 0.6 */
    icl_solver_report report = solve_one(context, &o, 6, X, p.y, ICL_CONTENTS_ALL, w, NULL);
    for (int j = 0; j < DIM; j++) {
        double c = s[j] * dot(6, p.U + j * 6, p.y), size = fmax(fabs(c) - 0.6, 0) / (s[j] * s[j]);
        ASSERT_CLOSE(w[j], copysign(size, c), TOL_ALGEBRA(10, 4), 10);
    }
    ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
    ck_assert(report.steps <= 2);
    icl_context_free(context);
}
END_TEST

START_TEST(test_from_the_greatest_penalty_on_all_is_zero) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = normal_batch(context, 1, 6, ICL_CONTENTS_ALL);
    const double *X = icl_batch_X(batch), *y = icl_batch_y(batch);
    double most = 0, w[DIM];
    for (int j = 0; j < DIM; j++) {
        double c = 0;
        for (int i = 0; i < 6; i++)
            c += X[i * DIM + j] * y[i];
        most = fmax(most, fabs(c));
    }
    for (int below = 0; below < 2; below++) {
        icl_solver *solver = lasso(context, DIM, most * (below ? 0.99 : 1.0000001), 0);
        icl_solver_report report;
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, &report));
        int nonzero = 0;
        for (int j = 0; j < DIM; j++)
            nonzero += w[j] != 0;
        ck_assert_int_eq(nonzero, below);
        ck_assert(below || (report.steps == 0 && report.step == 0));
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_ill_conditioned_prompts_say_how_far_they_got) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    planted p;
    const double s[] = {1, 1e-2, 1e-4, 1e-6};
    plant(context, 8, DIM, DIM, s, 1, 9, &p);
    icl_solver_options o = options_of(ICL_METHOD_LASSO, DIM, 1);
    o.l1 = 1e-9;
    o.tolerance = 1e-13;
    double w[DIM];
    icl_solver_report report = solve_one(context, &o, 8, p.X, p.y, ICL_CONTENTS_ALL, w, NULL);
    ck_assert(icl_all_finite(w, DIM));
    ck_assert(report.stop == ICL_STOP_STEPS || report.stop == ICL_STOP_STALLED);
    ck_assert(report.step > 0.5e-13 * dot(8, p.y, p.y));
    ck_assert(report.stop != ICL_STOP_STEPS || report.steps == 100000);
    double length = norm(DIM, w) + norm(8, p.y);
    ASSERT_CLOSE(report.step, definition_of_gap(8, DIM, p.X, p.y, o.l1, w), TOL_ALGEBRA(12, 1),
                 length * length);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_lasso", test_all_patterns_of_signs, test_gap_and_optimality,
          test_default_gap_at_published_sizes, test_kkt_to_the_last_digits,
          test_orthogonal_columns_are_thresholded, test_from_the_greatest_penalty_on_all_is_zero,
          test_ill_conditioned_prompts_say_how_far_they_got)
