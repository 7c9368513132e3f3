/* The posterior mean over a pool of tasks, against its definition in long double. */
#include "test_prefixes.h"

/* softmax(-||y - X w_i||^2 / (2 noise)) over the first t examples; noise 0: the least errors, with
 * equality of doubles. */
static void reference(int64_t m, int64_t t, int64_t d, const double *pool, const double *X,
                      const double *y, double noise, double *w) {
    long double *e = malloc((size_t)m * sizeof *e), least = INFINITY, sum = 0;
    long double mean[MAX_SIDE] = {0};
    for (int64_t i = 0; i < m; i++) {
        e[i] = 0;
        for (int64_t k = 0; k < t; k++) {
            long double r = -(long double)y[k];
            for (int64_t j = 0; j < d; j++)
                r += (long double)X[k * d + j] * (long double)pool[i * d + j];
            e[i] += r * r;
        }
        least = fminl(least, e[i]);
    }
    for (int64_t i = 0; i < m; i++) {
        long double p = noise > 0 ? expl((least - e[i]) / (2 * (long double)noise)) : e[i] == least;
        sum += p;
        for (int64_t j = 0; j < d; j++)
            mean[j] += p * (long double)pool[i * d + j];
    }
    for (int64_t j = 0; j < d; j++)
        w[j] = (double)(mean[j] / sum);
    free(e);
}

static icl_solver *pool_solver(icl_context *context, int64_t d, int64_t m, const double *pool,
                               double noise) {
    icl_solver_options o = options_of(ICL_METHOD_POOL, d, 1);
    o.pool = pool;
    o.pool_count = m;
    o.noise = noise;
    return solver_of(context, &o);
}

/* Labels of a task of the pool, plus noise. */
static icl_batch *pool_batch(icl_context *context, int64_t B, int64_t n, int64_t d, int64_t m,
                             const double *pool, double noise, uint64_t seed) {
    double *X = malloc((size_t)(B * (n * d + n + d)) * sizeof *X), *y = X + B * n * d;
    fill_normal(context, seed, B * (n * d + n + d), X);
    for (int64_t k = 0; k < B * n; k++)
        y[k] = sqrt(noise) * y[k] + dot(d, X + k * d, pool + k / n * 7 % m * d);
    icl_batch *batch = batch_of(context, B, n, d, 1, ICL_CONTENTS_ALL, X, y, y + B * n);
    free(X);
    return batch;
}

START_TEST(test_the_definition_at_every_prefix) {
    /* pools that are no multiple of a tile, prompts that are none of a group, prefixes beyond a
     * chunk of examples */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t shapes[][3] = {{1, 5, 3},   {2, 0, 2},     {47, 9, 4},   {48, 12, 1},
                                 {49, 40, 8}, {1000, 17, 5}, {300, 16, 20}};
    for (int s = 0; s < 7; s++) {
        int64_t m = shapes[s][0], n = shapes[s][1], d = shapes[s][2];
        double *pool = malloc((size_t)(m * d) * sizeof *pool), w[35 * MAX_SIDE], expected[MAX_SIDE];
        double prediction[35];
        fill_normal(context, 5, m * d, pool);
        const double levels[] = {0.25, 1e-4, 25};
        for (int l = 0; l < 3; l++) {
            icl_batch *batch = pool_batch(context, 35, n, d, m, pool, levels[l], 17);
            icl_solver *solver = pool_solver(context, d, m, pool, levels[l]);
            curves c = curves_of(context, solver, batch, NULL, 0);
            ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
            ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
            for (int64_t p = 0; p < 35; p++) {
                const double *X = icl_batch_X(batch) + p * n * d, *y = icl_batch_y(batch) + p * n;
                for (int64_t t = 0; t <= n; t++) {
                    reference(m, t, d, pool, X, y, levels[l], expected);
                    /* an exponent is a sum of r^2 h, r = O(d) off by d eps: of the tasks that count
                     * it is below 40, so r below sqrt(40 / h) */
                    double scale = 5 * (1 + sqrt(40 / levels[l]));
                    const double *got = weights_at(&c, p, t, 0);
                    assert_close(d, got, expected, TOL_ALGEBRA((n + 1) * d, 1), scale);
                    ASSERT_CLOSE(prediction_at(&c, p, t, 0), dot(d, got, query_at(batch, p, t)),
                                 TOL_ALGEBRA(d, 1), 100);
                    ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
                }
                assert_same_bits(d, w + p * d, weights_at(&c, p, n, 0));
                ASSERT_CLOSE(prediction[p], prediction_at(&c, p, n, 0), TOL_ALGEBRA(d, 1), 100);
            }
            free_curves(&c);
            icl_solver_free(solver);
            icl_batch_free(batch);
        }
        free(pool);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_one_task_is_answered_exactly) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double task[] = {0.1, -3e100, 7e-200, 1};
    const double levels[] = {0, 1e-300, 0.3, 1e300};
    icl_batch *batch = normal_batch(context, 9, 6, ICL_CONTENTS_ALL);
    for (int l = 0; l < 4; l++) {
        icl_solver *solver = pool_solver(context, DIM, 1, task, levels[l]);
        curves c = curves_of(context, solver, batch, NULL, 0);
        for (int p = 0; p < 9; p++)
            for (int t = 0; t <= 6; t++)
                assert_same_bits(DIM, weights_at(&c, p, t, 0), task);
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_before_data_the_mean_of_the_pool) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double pool[101 * DIM], mean[DIM] = {0}, w[DIM];
    fill_normal(context, 1, 101 * DIM, pool);
    for (int i = 0; i < 101 * DIM; i++)
        mean[i % DIM] += pool[i] / 101;
    for (int l = 0; l < 2; l++) {
        icl_solver_options o = options_of(ICL_METHOD_POOL, DIM, 1);
        o.pool = pool;
        o.pool_count = 101;
        o.noise = l;
        solve_one(context, &o, 0, NULL, NULL, ICL_CONTENTS_ALL, w, NULL);
        assert_close(DIM, w, mean, TOL_ALGEBRA(101, 1), 1);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_without_noise_the_least_error_wins) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { M = 130 };
    double pool[M * DIM], w[11 * DIM];
    fill_normal(context, 3, M * DIM, pool);
    memcpy(pool + 129 * DIM, pool + 7 * DIM, DIM * sizeof *pool); /* the same task twice */
    icl_batch *batch = pool_batch(context, 11, 6, DIM, M, pool, 0, 4);
    icl_solver *solver = pool_solver(context, DIM, M, pool, 0);
    ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
    for (int p = 0; p < 11; p++)
        assert_close(DIM, w + p * DIM, pool + (p * 6 * 7 / 6) % M * DIM, TOL_ALGEBRA(1, 1), 5);
    icl_solver_free(solver);
    icl_batch_free(batch);
    /* w = -1, 1, 2 on y = 0: two are as good, to the bit; on y = 3/2: 1 and 2 */
    const double line[] = {-1, 1, 2}, X[] = {1, 1}, y[] = {0, 1.5};
    icl_solver_options o = options_of(ICL_METHOD_POOL, 1, 1);
    o.pool = line;
    o.pool_count = 3;
    solve_one(context, &o, 1, X, y, ICL_CONTENTS_ALL, w, NULL);
    ck_assert(w[0] == 0);
    solve_one(context, &o, 1, X, y + 1, ICL_CONTENTS_ALL, w, NULL);
    ck_assert(w[0] == 1.5);
    icl_context_free(context);
}
END_TEST

START_TEST(test_very_many_tasks_are_ridge) {
    /* 2^17 tasks N(0, I) of d = 2: importance sampling of the ridge posterior. A mean with
     * effective sample size s = (sum p)^2 / sum p^2 has the standard error sd / sqrt(s), sd <= 1.
     */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    enum { M = 1 << 17, D = 2, B = 20, N = 4 };
    double *pool = malloc(M * D * sizeof *pool), *ridge = malloc(B * D * sizeof *ridge), w[B * D];
    fill_normal(context, 11, M * D, pool);
    icl_batch *batch = pool_batch(context, B, N, D, M, pool, 1, 12);
    icl_solver *solver = pool_solver(context, D, M, pool, 1);
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, D, 1);
    o.ridge = 1;
    icl_solver *exact = solver_of(context, &o);
    ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
    ASSERT_OK(context, icl_solver_solve(exact, batch, ridge, NULL));
    for (int p = 0; p < B; p++) {
        double first = 0, second = 0;
        for (int i = 0; i < M; i++) {
            double e = 0;
            for (int k = 0; k < N; k++) {
                double r = icl_batch_y(batch)[p * N + k] -
                           dot(D, icl_batch_X(batch) + (p * N + k) * D, pool + i * D);
                e += r * r;
            }
            first += exp(-e / 2);
            second += exp(-e);
        }
        assert_close(D, w + p * D, ridge + p * D, TOL_Z, sqrt(second) / first);
    }
    icl_solver_free(exact);
    icl_solver_free(solver);
    icl_batch_free(batch);
    free(ridge);
    free(pool);
    icl_context_free(context);
}
END_TEST

START_TEST(test_extremes_stay_finite) {
    /* Errors that overflow for some tasks, and for all; levels at both ends of the doubles. */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double pool[60 * DIM], w[3 * DIM];
    fill_normal(context, 3, 60 * DIM, pool);
    for (int j = 0; j < DIM; j++)
        pool[31 * DIM + j] *= 1e200;
    double X[3 * 2 * DIM], y[6];
    fill_normal(context, 4, 6 * DIM, X);
    fill_normal(context, 5, 6, y);
    y[5] = 1e300; /* every error of prompt 2 */
    icl_batch *batch = batch_of(context, 3, 2, DIM, 1, ICL_CONTENTS_ALL, X, y, NULL);
    const double levels[] = {0, 0x1p-1074, 1, 1e300, DBL_MAX};
    for (int l = 0; l < 5; l++) {
        icl_solver_report reports[3];
        icl_solver *solver = pool_solver(context, DIM, 60, pool, levels[l]);
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, reports));
        ck_assert(icl_all_finite(w, 3 * DIM));
        ck_assert_int_eq(reports[0].stop, ICL_STOP_CONVERGED);
        ck_assert_int_eq(reports[1].stop, ICL_STOP_CONVERGED);
        ck_assert_int_eq(reports[2].stop, ICL_STOP_DIVERGED);
        for (int j = 0; j < 2 * DIM; j++)
            ck_assert(fabs(w[j]) < 10); /* not the task whose errors overflow */
        curves c = curves_of(context, solver, batch, NULL, 0);
        ck_assert(icl_all_finite(c.weights, 9 * DIM));
        ck_assert_int_eq(report_at(&c, 2, 2)->stop, ICL_STOP_DIVERGED);
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_pool", test_the_definition_at_every_prefix, test_one_task_is_answered_exactly,
          test_before_data_the_mean_of_the_pool, test_without_noise_the_least_error_wins,
          test_very_many_tasks_are_ridge, test_extremes_stay_finite)
