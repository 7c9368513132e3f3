/* Methods that take examples in order, and averaging: against their definitions and exact risks. */
#include "test_prefixes.h"

enum { D = 5, N = 9 };

/* The definition, k passes; eta = 0: 1 / ||x||^2. */
static void passes(int64_t n, int64_t d, const double *X, const double *y, double eta,
                   const double *start, int64_t k, double *w) {
    for (int64_t j = 0; j < d; j++)
        w[j] = start != NULL ? start[j] : 0;
    for (int64_t i = 0; i < k * n; i++) {
        const double *x = X + i % n * d;
        double square = dot(d, x, x), residual = y[i % n] - dot(d, w, x);
        if (square == 0)
            continue;
        for (int64_t j = 0; j < d; j++)
            w[j] += (eta > 0 ? eta : 1 / square) * residual * x[j];
    }
}

START_TEST(test_one_pass_at_every_prefix) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, N, D, 1);
    double start[D];
    fill_normal(context, 2, D, start);
    for (int setting = 0; setting < 4; setting++) {
        icl_solver_options o = options_of(ICL_METHOD_ONLINE_GD, D, 1);
        o.step = setting & 1 ? 0.01 : 0;
        o.start = setting & 2 ? start : NULL;
        icl_solver *solver = solver_of(context, &o);
        curves c = curves_of(context, solver, batch, NULL, 0);
        for (int64_t p = 0; p < PROMPTS; p++)
            for (int64_t t = 0; t <= N; t++) {
                double w[D];
                const double *y = icl_batch_y(batch) + p * N;
                passes(t, D, query_at(batch, p, 0), y, o.step, o.start, 1, w);
                double scale = norm(D, w) + norm(D, start) + norm(N, y);
                assert_close(D, weights_at(&c, p, t, 0), w, TOL_ALGEBRA(t + D, 1), scale * 10);
                ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
                ck_assert(report_at(&c, p, t)->step == o.step);
            }
        /* all examples: what solve does, to the bit */
        double w[PROMPTS * D];
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
        for (int64_t p = 0; p < PROMPTS; p++)
            assert_same_bits(D, weights_at(&c, p, N, 0), w + p * D);
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_the_newest_example_is_fitted) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, N, D, 3);
    icl_solver_options o = options_of(ICL_METHOD_ONLINE_GD, D, 1);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int64_t t = 1; t <= N; t++) {
        const double *x = query_at(batch, 0, t - 1), *w = weights_at(&c, 0, t, 0);
        ASSERT_CLOSE(dot(D, w, x), icl_batch_y(batch)[t - 1], TOL_ALGEBRA(D, 1),
                     norm(D, w) * norm(D, x));
    }
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_passes_at_every_prefix) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, N, D, 4);
    double start[D];
    fill_normal(context, 2, D, start);
    const int64_t grid[] = {0, 1, 2, 5};
    for (int setting = 0; setting < 4; setting++)
        for (int64_t from = 0; from < 4; from++) { /* grids that begin with each of these */
            icl_solver_options o = options_of(ICL_METHOD_SGD, D, 5);
            o.step = setting & 1 ? 0.01 : 0;
            o.start = setting & 2 ? start : NULL;
            icl_solver *solver = solver_of(context, &o);
            curves c = curves_of(context, solver, batch, grid + from, 4 - from);
            for (int64_t t = 0; t <= N; t++) {
                icl_batch *prefix = cut_batch(context, batch, t);
                double path[PROMPTS * 6 * D];
                icl_solver_report plain[PROMPTS];
                ASSERT_OK(context, icl_solver_path(solver, prefix, path, plain));
                for (int64_t p = 0; p < PROMPTS; p++) {
                    for (int64_t k = from; k < 4; k++) {
                        const double *w = weights_at(&c, p, t, k - from);
                        double expected[D];
                        assert_same_bits(D, w, path + (p * 6 + grid[k]) * D);
                        passes(t, D, query_at(batch, p, 0), icl_batch_y(batch) + p * N, o.step,
                               o.start, grid[k], expected);
                        assert_close(D, w, expected, TOL_ALGEBRA(5 * t + D, 1),
                                     10 * (norm(D, start) + norm(N, icl_batch_y(batch) + p * N) +
                                           norm(D, w)));
                    }
                    ck_assert_int_eq(report_at(&c, p, t)->stop, plain[p].stop);
                    ck_assert_int_eq(report_at(&c, p, t)->steps, plain[p].steps);
                }
                icl_batch_free(prefix);
            }
            free_curves(&c);
            icl_solver_free(solver);
        }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_many_passes_find_the_solution_and_say_so) {
    /* orthogonal examples are all fitted by one pass: the second moves nothing */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {2, 0, 0, 1}, y[] = {4, 3};
    double w[2];
    icl_solver_options o = options_of(ICL_METHOD_SGD, 2, INT64_C(1) << 31);
    icl_solver_report report = solve_one(context, &o, 2, X, y, ICL_CONTENTS_ALL, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_STALLED);
    ck_assert_int_eq(report.steps, 1);
    ck_assert(w[0] == 2 && w[1] == 3);
    report = solve_one(context, &o, 0, NULL, NULL, ICL_CONTENTS_ALL, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
    ck_assert_int_eq(report.steps, 0);
    o.steps = 0;
    report = solve_one(context, &o, 2, X, y, ICL_CONTENTS_ALL, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
    ck_assert(w[0] == 0 && w[1] == 0);
    icl_context_free(context);
}
END_TEST

START_TEST(test_divergence_is_told_and_stays_finite) {
    /* eta ||x||^2 = 11 for prompt 0: each example multiplies its residual by -10 */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { EXAMPLES = 40 };
    double X[2 * EXAMPLES], y[2 * EXAMPLES], w[2];
    for (int i = 0; i < EXAMPLES; i++) {
        X[i] = y[i] = 1;
        X[EXAMPLES + i] = y[EXAMPLES + i] = 0.1;
    }
    icl_batch *batch = batch_of(context, 2, EXAMPLES, 1, 1, ICL_CONTENTS_ALL, X, y, NULL);
    const int64_t three = 3;
    for (int m = 0; m < 2; m++) {
        icl_solver_options o = options_of(m ? ICL_METHOD_SGD : ICL_METHOD_ONLINE_GD, 1, 3);
        o.step = 11;
        icl_solver *solver = solver_of(context, &o);
        icl_solver_report solved[2];
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, solved));
        ck_assert_int_eq(solved[0].stop, ICL_STOP_DIVERGED);
        ck_assert_int_eq(solved[0].steps, 0);
        ck_assert_int_ne(solved[1].stop, ICL_STOP_DIVERGED);
        curves c = curves_of(context, solver, batch, m ? &three : NULL, 1);
        ck_assert(icl_all_finite(c.prediction, 2 * (EXAMPLES + 1)));
        for (int t = 0; t <= EXAMPLES; t++) {
            /* |r| = 10^t: 2^52 is passed by the 17th example, or in the third pass by the 6th */
            icl_stop expected = t >= (m ? 6 : 17) ? ICL_STOP_DIVERGED
                                : m && t > 0      ? ICL_STOP_STEPS
                                                  : ICL_STOP_CONVERGED;
            ck_assert_msg(report_at(&c, 0, t)->stop == expected, "%d: %d after %d examples", m,
                          (int)report_at(&c, 0, t)->stop, t);
            ck_assert_int_ne(report_at(&c, 1, t)->stop, ICL_STOP_DIVERGED);
        }
        assert_same_bits(1, weights_at(&c, 0, EXAMPLES, 0), &w[0]);
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_averages_at_every_prefix) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, N, D, 5);
    icl_solver_options o = options_of(ICL_METHOD_AVERAGE, D, 1);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    double w[PROMPTS * D];
    for (int64_t t = 0; t <= N; t++) {
        icl_batch *prefix = cut_batch(context, batch, t);
        ASSERT_OK(context, icl_solver_solve(solver, prefix, w, NULL));
        for (int64_t p = 0; p < PROMPTS; p++) {
            double mean[D] = {0};
            for (int64_t i = 0; i < t; i++)
                for (int j = 0; j < D; j++)
                    mean[j] += query_at(batch, p, i)[j] * icl_batch_y(batch)[p * N + i] / (double)t;
            double scale =
                norm(t * D, icl_batch_X(prefix) + p * t * D) * norm(t, icl_batch_y(prefix) + p * t);
            assert_close(D, weights_at(&c, p, t, 0), mean, TOL_ALGEBRA(t + 1, 1), scale);
            assert_close(D, w + p * D, mean, TOL_ALGEBRA(t + 1, 1), scale);
            ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
        }
        icl_batch_free(prefix);
    }
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- exact risks: x ~ N(0, I), w* ~ N(0, I) ---- */

/* E ||w - w*||^2 over the prompts of a sampler, at each prefix, within its error of `expected`. */
static void check_risk(icl_context *context, icl_method method, double noise,
                       double (*expected)(int64_t d, double noise, int64_t t)) {
    enum { DIM_ = 10, EXAMPLES = 20, B = 3000 };
    icl_law_options lo;
    ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
    lo.dim = DIM_;
    lo.context = EXAMPLES;
    lo.noise = noise;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_law_create(context, &lo, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 1, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, B, 1, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_solver_options o = options_of(method, DIM_, 1);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int64_t t = 0; t <= EXAMPLES; t++) {
        double sum = 0, squares = 0;
        for (int p = 0; p < B; p++) {
            double e[DIM_];
            for (int j = 0; j < DIM_; j++)
                e[j] = weights_at(&c, p, t, 0)[j] - icl_batch_task(batch)[p * DIM_ + j];
            double error = dot(DIM_, e, e);
            sum += error;
            squares += error * error;
        }
        double mean = sum / B, deviation = sqrt((squares / B - mean * mean) / B);
        ck_assert_msg(fabs(mean - expected(DIM_, noise, t)) <= TOL_Z * deviation,
                      "%d examples: %g +- %g, expected %g", (int)t, mean, deviation,
                      expected(DIM_, noise, t));
    }
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_law_free(law);
}

static double kaczmarz_risk(int64_t d, double noise, int64_t t) {
    (void)noise;
    return (double)d * pow(1 - 1 / (double)d, (double)t);
}

static double average_risk(int64_t d, double noise, int64_t t) {
    return t > 0 ? (double)d * ((double)d + 1 + noise) / (double)t : (double)d;
}

START_TEST(test_exact_risks) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    check_risk(context, ICL_METHOD_ONLINE_GD, 0, kaczmarz_risk);
    check_risk(context, ICL_METHOD_AVERAGE, 0, average_risk);
    check_risk(context, ICL_METHOD_AVERAGE, 2, average_risk);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("online", test_one_pass_at_every_prefix, test_the_newest_example_is_fitted,
          test_passes_at_every_prefix, test_many_passes_find_the_solution_and_say_so,
          test_divergence_is_told_and_stays_finite, test_averages_at_every_prefix, test_exact_risks)
