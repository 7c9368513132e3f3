/* Closed forms of the field beside the library's samplers and solvers: each risk is measured on
 * prompts and must lie within its standard error of the formula.
 */
#include "test_solve.h"

/* mu: NULL for none. */
static icl_sampler *sampler_of_law(icl_context *context, int64_t d, int64_t n, double noise,
                                   const double *mu) {
    icl_law_options o;
    icl_law *law;
    icl_sampler *sampler;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = d;
    o.context = n;
    o.noise = noise;
    o.prior_mean = mu;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 11, &sampler));
    icl_law_free(law);
    return sampler;
}

/* Within TOL_Z standard errors, which must be at most `most` of the value. */
static void assert_risk(icl_context *context, const icl_predictor *predictor,
                        const icl_sampler *sampler, int64_t prompts, double expected, double most) {
    icl_estimate risk;
    ASSERT_OK(context, icl_predictor_risk(predictor, 1, sampler, 0, prompts, 1, &risk));
    ck_assert_double_le(risk.standard_error, most * expected);
    ASSERT_CLOSE(risk.value, expected, TOL_Z, risk.standard_error);
}

/* ---- attention that keeps positive products only ---- */

/* eta sum_i y_i relu(x_i . x_q) */
static icl_status predict_relu(const void *self, const icl_batch *batch, double *prediction) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch);
    for (int64_t p = 0; p < icl_batch_prompts(batch); p++) {
        const double *query = icl_batch_query(batch) + p * d;
        prediction[p] = 0;
        for (int64_t i = 0; i < n; i++)
            prediction[p] += *(const double *)self * icl_batch_y(batch)[p * n + i] *
                             fmax(0, dot(d, icl_batch_X(batch) + (p * n + i) * d, query));
    }
    return ICL_OK;
}

START_TEST(test_relu_attention) {
    /* Sigma = W = I, no noise: at the best step 2 / (n + 2 d + 3) the risk is d (2 d + 3) / (n + 2
     * d + 3) */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t sizes[][2] = {{5, 10}, {5, 40}, {1, 6}, {12, 4}};
    for (int i = 0; i < 4; i++) {
        double d = (double)sizes[i][0], n = (double)sizes[i][1], all = n + 2 * d + 3;
        icl_sampler *sampler = sampler_of_law(context, sizes[i][0], sizes[i][1], 0, NULL);
        for (int k = -1; k <= 1;
             k++) { /* a parabola in the step, whose least value is at the best */
            double step = 2 / all * (1 + 0.3 * k);
            double expected = d * (2 * d + 3) / all + d * n / all * (0.3 * k) * (0.3 * k);
            assert_risk(context, &(icl_predictor){.predict = predict_relu, .self = &step}, sampler,
                        30000, expected, 0.04);
        }
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* ---- a prior mean ---- */

START_TEST(test_prior_mean) {
    /* without a guess the best x_q^T Gamma b has the risk of W = I + mu mu^T; with mu . x guessed
     * that of mu = 0: d = 5, n = 10, sigma^2 = .25, mu = (2, 0, 0, 0, 0): 3.3836 and 2.1731 */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const double mu[5] = {2, 0, 0, 0, 0}, d = 5, n = 10, s2 = 0.25;
    icl_sampler *sampler = sampler_of_law(context, 5, 10, s2, mu);
    icl_optimum found = {.size = sizeof found};
    ASSERT_OK(context, icl_theory_optimum(icl_sampler_law(sampler), NULL, 0, NULL, &found));
    double expected = s2; /* eigenvalues w of W: w - w^2 / ((1 + 1/n) w + (tr W + sigma^2) / n) */
    for (int j = 0; j < 5; j++) {
        double w = j == 0 ? 5 : 1;
        expected += w - w * w / ((1 + 1 / n) * w + (9 + s2) / n);
    }
    ASSERT_CLOSE(found.risk, expected, TOL_ALGEBRA(5, 10), expected);
    ASSERT_CLOSE(found.risk, 3.3836, 5e-5, 1);
    ASSERT_CLOSE(s2 + d * (d + 1 + s2) / (n + d + 1 + s2), 2.1731, 5e-5, 1);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* ---- least squares and ridge under noise ---- */

START_TEST(test_noisy_least_squares) {
    /* n >= d + 2: sigma^2 (1 + d / (n - d - 1)) */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t sizes[][2] = {{5, 20}, {5, 40}, {10, 30}, {1, 12}};
    for (int i = 0; i < 4; i++) {
        double d = (double)sizes[i][0], n = (double)sizes[i][1];
        icl_sampler *sampler = sampler_of_law(context, sizes[i][0], sizes[i][1], 0.5, NULL);
        icl_solver_options o;
        icl_solver *solver;
        icl_predictor predictor;
        ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
        o.method = ICL_METHOD_LEAST_SQUARES;
        o.dim = sizes[i][0];
        ASSERT_OK(context, icl_solver_create(context, &o, &solver));
        ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
        assert_risk(context, &predictor, sampler, 20000, 0.5 * (1 + d / (n - d - 1)), 0.02);
        icl_solver_free(solver);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_of_large_size) {
    /* the excess of ridge with lambda = sigma^2, over sigma^2, tends to g m, g = d / n, l = sigma^2
     * / n: m = (-(1 - g + l) + sqrt((1 - g + l)^2 + 4 g l)) / (2 g l), up to O(1 / d), and more at
     * the edge g = 1 */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t sizes[][2] = {{100, 50}, {100, 200}, {100, 300}};
    for (int i = 0; i < 3; i++) {
        double g = (double)sizes[i][0] / (double)sizes[i][1], s2 = 0.5;
        double l = s2 / (double)sizes[i][1], b = 1 - g + l;
        double m = (-b + sqrt(b * b + 4 * g * l)) / (2 * g * l);
        const icl_simulation simulation = {5, 100};
        icl_sampler *sampler = sampler_of_law(context, sizes[i][0], sizes[i][1], s2, NULL);
        icl_estimate risk;
        ASSERT_OK(context, icl_theory_ridge_risk(icl_sampler_law(sampler), &simulation, s2, &risk));
        ASSERT_CLOSE(risk.value - s2, s2 * g * m, TOL_Z * risk.standard_error + 0.02 * s2 * g * m,
                     1);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* ---- ridge over representations: what softmax attention tends to, and the best (Yang et al.
 * 2408.10147) ---- */

START_TEST(test_representations) {
    /* N tokens with m-dimensional representations, noise of variance tau in each entry: attention
     * tends to ridge with lambda = m tau, the best is lambda = N tau; equal where N = m and else
     * apart */
    enum { M = 40, K = 30 };
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t tokens[] = {10, 30, 39, 40, 41, 60, 120};
    const double tau = 0.01;
    double gap[7];
    for (int i = 0; i < 7; i++) {
        int64_t N = tokens[i];
        icl_sampler *sampler = sampler_of_law(context, M, N, M * tau, NULL);
        icl_batch *batch;
        ASSERT_OK(context, icl_sampler_batch(sampler, 1, K, ICL_CONTENTS_ALL, &batch));
        ASSERT_OK(context, icl_sampler_draw(sampler, 3, batch));
        double answer[2][K];
        for (int best = 0; best < 2; best++) {
            icl_solver_options o;
            icl_solver *solver;
            ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
            o.method = ICL_METHOD_RIDGE;
            o.dim = M;
            o.ridge = (double)(best ? N : M) * tau;
            ASSERT_OK(context, icl_solver_create(context, &o, &solver));
            ASSERT_OK(context, icl_solver_predict(solver, batch, answer[best]));
            icl_solver_free(solver);
        }
        gap[i] = 0;
        for (int k = 0; k < K; k++)
            gap[i] += pow(answer[0][k] - answer[1][k], 2) / K;
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    ck_assert_double_le(gap[3], 1e-24);
    for (int i = 0; i < 7; i++)
        if (i != 3)
            ck_assert_double_gt(gap[i], 1e-9);
    ck_assert_double_gt(gap[1], gap[2]);
    icl_context_free(context);
}
END_TEST

/* ---- nonparametric rates ---- */

START_TEST(test_rates) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double alpha[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    icl_rate r = {.size = sizeof r};
    ASSERT_OK(context, icl_theory_rate(context, 8, alpha, 100000, &r));
    ASSERT_CLOSE(r.smoothness, 0.125, 4 * DBL_EPSILON, 1);
    ASSERT_CLOSE(r.exponent, 0.2, 4 * DBL_EPSILON, 1);
    ASSERT_CLOSE(r.features, 1e4, 64 * DBL_EPSILON, 1e4); /* n^.8 */
    ASSERT_CLOSE(r.tasks, 1e9, 64 * DBL_EPSILON, 1e9);    /* n^1.8 */
    alpha[1] = 3;                                         /* anisotropic: the mean is harmonic */
    ASSERT_OK(context, icl_theory_rate(context, 2, alpha, 10, &r));
    ASSERT_CLOSE(r.exponent, 2 * 0.75 / (2 * 0.75 + 1), 4 * DBL_EPSILON, 1);
    /* N* balances the two terms that n moves: N^-2a = N / n */
    ASSERT_CLOSE(pow(r.features, -2 * r.smoothness), r.features / 10, 64 * DBL_EPSILON, 1);
    icl_rate before = r;
    alpha[1] = 0;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "smoothness[1] = 0",
                 icl_theory_rate(context, 2, alpha, 10, &r));
    alpha[1] = NAN;
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "smoothness",
                 icl_theory_rate(context, 2, alpha, 10, &r));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = 0", icl_theory_rate(context, 0, alpha, 10, &r));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "n = 0", icl_theory_rate(context, 1, alpha, 0, &r));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "NULL", icl_theory_rate(context, 1, NULL, 1, &r));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "NULL", icl_theory_rate(context, 1, alpha, 1, NULL));
    ck_assert_int_eq(icl_theory_rate(NULL, 1, alpha, 1, &r), ICL_ERR_ARGUMENT);
    ck_assert_mem_eq(&before, &r, sizeof r);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("closed_forms", test_relu_attention, test_prior_mean, test_noisy_least_squares,
          test_ridge_of_large_size, test_representations, test_rates)
