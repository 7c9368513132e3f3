/* Identities that tie metrics to solvers: what an order of the examples does to every method, what
 * online descent forgets, distances of known pairs.
 */
#include "test_solve.h"

/* ---- order ---- */

/* Prompts of DIM covariates with labels to their queries. */
static icl_batch *draw(icl_context *context, int64_t d, int64_t n, double noise, int64_t prompts) {
    icl_law_options o;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = d;
    o.context = n;
    o.noise = noise;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 4, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, 1, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_sampler_free(sampler);
    icl_law_free(law);
    return batch;
}

START_TEST(test_order_matters_to_online_methods_only) {
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    icl_batch *batch = draw(context, DIM, 16, 0.5, 40);
    for (int m = 0; m < METHODS; m++) {
        icl_solver *solver = solver_of_method(context, (icl_method)m);
        icl_predictor predictor;
        icl_estimate order;
        ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
        ASSERT_OK(context, icl_metric_order_sensitivity(&predictor, batch, 12, 1, &order));
        if (m == ICL_METHOD_ONLINE_GD || m == ICL_METHOD_SGD)
            ck_assert_msg(order.value > 0.05, "method %d: %g", m, order.value);
        else /* kappa(X^T X) of sixteen examples in four dimensions is below 100 */
            ck_assert_msg(order.value <= TOL_ALGEBRA(16 + DIM, 100), "method %d: %g", m,
                          order.value);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- forgetting ---- */

START_TEST(test_online_descent_forgets_as_it_goes_on) {
    /* Each step of Kaczmarz takes from the error e its part along x. Of a x_i that was fitted a
     * steps ago, E (x_i.e)^2 = d (1 - 1/d)^n (1 - r^a), r = (d^2 - 2) / (d^2 + d - 2): with M = E e
     * e^T and s = E tr M, a step takes x_i^T M x_i to (d^2 - 2) / (d (d + 2)) of it and s / (d +
     * 2), and s to (1 - 1/d) s, from 0 and d (1 - 1/d)^(n - a). */
    enum { N = 8, PROMPTS = 8000 };
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t dims[] = {3, 5, 10};
    for (int k = 0; k < 3; k++) {
        double d = (double)dims[k], r = (d * d - 2) / (d * d + d - 2);
        icl_batch *batch = draw(context, dims[k], N, 0, PROMPTS);
        icl_solver_options o = options_of(ICL_METHOD_ONLINE_GD, dims[k], 1);
        icl_solver *solver = solver_of(context, &o);
        icl_predictor predictor;
        icl_estimate f[N];
        ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
        ASSERT_OK(context, icl_metric_forgetting(&predictor, batch, f));
        ck_assert_double_le(f[N - 1].value, TOL_ALGEBRA(N + d, 1));
        for (int age = 1; age < N; age++) {
            const icl_estimate *now = &f[N - 1 - age];
            double expected = d * pow(1 - 1 / d, N) * (1 - pow(r, age));
            ck_assert_double_le(now->standard_error, 0.2 * expected);
            ASSERT_CLOSE(now->value, expected, TOL_Z, now->standard_error);
        }
        icl_solver_free(solver);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* ---- distances ---- */

/* Predictions at all prefixes. */
static double *predictions_of(icl_context *context, const icl_batch *batch,
                              const icl_solver_options *o) {
    double *out =
        malloc((size_t)(icl_batch_prompts(batch) * (icl_batch_context(batch) + 1)) * sizeof *out);
    icl_solver *solver = solver_of(context, o);
    ck_assert(out != NULL);
    ASSERT_OK(context, icl_solver_prefixes((const icl_solver *const *)&solver, 1, batch, NULL, &out,
                                           NULL, NULL));
    icl_solver_free(solver);
    return out;
}

START_TEST(test_ridge_tends_to_least_squares) {
    /* SPD falls as lambda^2, at prefixes n < d too: w_ridge - w = -lambda sum (s^2 (s^2 +
     * lambda))^-1
     * .., to the rounding of both */
    enum { D = 5, N = 12 };
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    icl_batch *batch = draw(context, D, N, 0.25, 60);
    icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, D, 1);
    double *least = predictions_of(context, batch, &o), before = 0;
    o.method = ICL_METHOD_RIDGE;
    for (int k = 0; k <= 4; k++) {
        icl_estimate spd;
        o.ridge = k < 4 ? pow(10, -8 - k) : 1e-14;
        double *ridge = predictions_of(context, batch, &o);
        ASSERT_OK(context, icl_metric_prediction_distance(batch, least, ridge, 0, N, &spd));
        ck_assert_double_le(spd.value, k == 4 ? 1e-16 : 1e-4);
        if (k > 0 && k < 4)
            ASSERT_CLOSE(before / spd.value, 100, 0.02, 100);
        before = spd.value;
        free(ridge);
    }
    free(least);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_distances_of_known_pairs) {
    /* Without noise, w* ~ N(0, I): MSPD of nothing and least squares is the mean of E |P w*|^2 = t
     * over t < d, which projects on t examples; ILWD of nothing and least squares is d, of nothing
     * and averaging E |X^T y / n|^2 = d (n + d + 1) / n. */
    enum { D = 6, N = 18, PROMPTS = 4000 };
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    icl_batch *batch = draw(context, D, N, 0, PROMPTS);
    static double zero[PROMPTS * (N + 1)], w[PROMPTS * D];
    icl_estimate e;
    icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, D, 1);
    double *least = predictions_of(context, batch, &o);
    ASSERT_OK(context, icl_metric_prediction_distance(batch, zero, least, 0, D - 1, &e));
    ck_assert_double_le(e.standard_error, 0.05);
    ASSERT_CLOSE(e.value, (D - 1) / 2.0, TOL_Z, e.standard_error);
    const struct {
        icl_method method;
        double expected;
    } pairs[] = {{ICL_METHOD_LEAST_SQUARES, D}, {ICL_METHOD_AVERAGE, D * (N + D + 1.0) / N}};
    for (int k = 0; k < 2; k++) {
        o.method = pairs[k].method;
        icl_solver *solver = solver_of(context, &o);
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
        ASSERT_OK(context, icl_metric_weight_distance(batch, zero, w, &e));
        ck_assert_double_le(e.standard_error, 0.02 * pairs[k].expected);
        ASSERT_CLOSE(e.value, pairs[k].expected, TOL_Z, e.standard_error);
        icl_solver_free(solver);
    }
    free(least);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("identities", test_order_matters_to_online_methods_only,
          test_online_descent_forgets_as_it_goes_on, test_ridge_tends_to_least_squares,
          test_distances_of_known_pairs)
