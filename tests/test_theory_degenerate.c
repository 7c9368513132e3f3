/* Gamma* of laws at the edge: no examples, singular Sigma and W, no noise, tiny risks and scales,
 * large dimensions. */
#include "test_theory.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

/* The optimum of a law that is then freed. */
static icl_optimum optimum_of(icl_law *law, int64_t rank, double *gamma) {
    icl_optimum optimum = {.size = sizeof optimum};
    ASSERT_OK(context, icl_theory_optimum(law, NULL, rank, gamma, &optimum));
    ck_assert_double_eq(optimum.risk_error, 0);
    ck_assert_double_eq(optimum.gamma_error, 0);
    icl_law_free(law);
    return optimum;
}

START_TEST(test_no_examples_leave_the_prior) {
    setup_context();
    icl_law_options o = law_options(3, 0, 0.5);
    double mean[3] = {1, 0, -1}, gamma[9], zero[9] = {0}, eta = 1;
    o.prior_mean = mean;
    icl_law *law = make_law(context, &o);
    icl_estimate risk;
    ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, &eta, &risk));
    ck_assert_double_eq(eta, 0);
    ASSERT_CLOSE(risk.value, 5.5, TOL_ALGEBRA(3, 1), 5.5);
    ASSERT_OK(context, icl_theory_step_risk(law, NULL, NULL, 3, &risk));
    ASSERT_CLOSE(risk.value, 5.5, TOL_ALGEBRA(3, 1), 5.5);
    icl_optimum best = optimum_of(law, 0, gamma);
    ck_assert_mem_eq(gamma, zero, sizeof gamma);
    ASSERT_CLOSE(best.risk, 5.5, TOL_ALGEBRA(3, 1), 5.5);
    ck_assert_double_eq(best.residual, 0);
}
END_TEST

/* Sigma = A A^T of rank 2 in 4 dimensions: Gamma* lives in its range and solves the equations. */
START_TEST(test_singular_covariance_gives_the_least_norm_optimum) {
    setup_context();
    int64_t d = 4;
    const double values[4] = {2, 0, 0.5, 0};
    double sigma[16], W[16], gamma[16], other[16];
    random_naive_law(context, 41, d, 5, 0.2, other, W);
    random_covariance(context, 42, d, values, sigma);
    icl_law *law = make_dense_law(context, d, 5, 0.2, sigma, W);
    icl_optimum best = optimum_of(law, 0, gamma);
    ck_assert_double_le(best.residual, TOL_ALGEBRA(d, 100));
    ck_assert_double_le(naive_residual(d, 5, 0.2, sigma, W, gamma), TOL_ALGEBRA(d, 100));
    /* P = the projection on the range: Sigma^+ Sigma */
    double q[16], P[16], a[16], range[4] = {1, 0, 1, 0};
    ASSERT_OK(context, icl_random_rotation(context, 42, 0, d, q));
    random_covariance(context, 42, d, range, P);
    naive_product(d, P, gamma, a);
    naive_product(d, a, P, other);
    ck_assert_double_le(relative_difference(16, gamma, other), TOL_ALGEBRA(d, 100));
}
END_TEST

/* The same two-dimensional law, alone and inside a singular Sigma. */
START_TEST(test_singular_covariance_is_the_smaller_law) {
    setup_context();
    const double small[2] = {2, 0.5}, large[4] = {0, 2, 0, 0.5}, prior[2] = {1, 3};
    const double prior_large[4] = {7, 1, 5, 3};
    icl_law_options o = law_options(2, 6, 0.1);
    o.covariance = o.prior = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = small;
    o.prior_values = prior;
    double inner[4], outer[16];
    icl_optimum a = optimum_of(make_law(context, &o), 0, inner);
    o.dim = 4;
    o.covariance_values = large;
    o.prior_values = prior_large;
    icl_optimum b = optimum_of(make_law(context, &o), 0, outer);
    ASSERT_CLOSE(a.risk, b.risk, TOL_ALGEBRA(4, 1), a.risk);
    for (int i = 0; i < 16; i++) {
        double expected = i == 5 ? inner[0] : i == 15 ? inner[3] : 0;
        ASSERT_CLOSE(outer[i], expected, TOL_ALGEBRA(4, 1), 1);
    }
}
END_TEST

START_TEST(test_singular_prior_and_no_noise) {
    setup_context();
    int64_t d = 3;
    const double values[3] = {1, 0, 0};
    double sigma[9], W[9], gamma[9], other[9];
    random_naive_law(context, 51, d, 4, 0, sigma, other);
    random_covariance(context, 52, d, values, W);
    icl_optimum best = optimum_of(make_dense_law(context, d, 4, 0, sigma, W), 0, gamma);
    ck_assert_double_le(naive_residual(d, 4, 0, sigma, W, gamma), TOL_ALGEBRA(d, 100));
    ck_assert_double_gt(best.risk, 0);
    /* W = 0 and no noise: y = 0, everything is 0 */
    memset(W, 0, sizeof W);
    best = optimum_of(make_dense_law(context, d, 4, 0, sigma, W), 0, gamma);
    ck_assert_double_eq(best.risk, 0);
    ck_assert_double_eq(naive_norm(9, gamma), 0);
    /* Sigma = 0: x = 0 */
    memset(sigma, 0, sizeof sigma);
    best = optimum_of(make_dense_law(context, d, 4, 0.5, sigma, NULL), 0, gamma);
    ck_assert_double_eq(best.risk, 0.5);
    ck_assert_double_eq(naive_norm(9, gamma), 0);
}
END_TEST

/* With many examples and no noise the risk is small, and still right to rounding. */
START_TEST(test_small_risks_do_not_cancel) {
    setup_context();
    icl_law_options o = law_options(5, INT64_C(1) << 31, 0);
    double gamma[25], n = 2147483648.0;
    icl_optimum best = optimum_of(make_law(context, &o), 0, gamma);
    ASSERT_CLOSE(best.risk, 30 / (n + 6), TOL_ALGEBRA(5, 1), best.risk);
    /* a covariance of any scale */
    const double tiny[5] = {1e-200, 2e-200, 1e-200, 3e-200, 1e-200};
    o = law_options(5, 8, 0);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = tiny;
    icl_optimum small = optimum_of(make_law(context, &o), 0, gamma);
    double scaled[5], other[25];
    for (int i = 0; i < 5; i++)
        scaled[i] = tiny[i] * 1e200;
    o.covariance_values = scaled;
    best = optimum_of(make_law(context, &o), 0, other);
    ASSERT_CLOSE(small.risk * 1e200, best.risk, TOL_ALGEBRA(5, 1), best.risk);
    for (int i = 0; i < 25; i++)
        gamma[i] *= 1e-200;
    ck_assert_double_le(relative_difference(25, gamma, other), TOL_ALGEBRA(5, 3));
}
END_TEST

/* Beyond the sizes of plain loops, through BLAS. */
START_TEST(test_large_dimension) {
    setup_context();
    enum { D = 60 };
    static double values[D], gamma[D * D], best_gamma[D * D];
    double trace = 0;
    for (int k = 0; k < D; k++)
        trace += values[k] = 1 + 0.1 * k;
    icl_law_options o = law_options(D, 30, 1);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o);
    icl_optimum best = {.size = sizeof best};
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &best));
    double expected = 1 + trace;
    for (int k = 0; k < D; k++)
        expected -= values[k] * values[k] / ((1 + 1 / 30.0) * values[k] + (trace + 1) / 30);
    ASSERT_CLOSE(best.risk, expected, TOL_ALGEBRA(D, 1), expected);
    ck_assert_double_le(best.residual, TOL_ALGEBRA(D, 10));
    icl_estimate risk;
    memcpy(best_gamma, gamma, sizeof gamma);
    ASSERT_OK(context, icl_theory_risk(law, NULL, best_gamma, &risk));
    ASSERT_CLOSE(risk.value, expected, TOL_ALGEBRA(D, 1), expected);
    icl_law_free(law);
}
END_TEST

RUN_SUITE("theory_degenerate", test_no_examples_leave_the_prior,
          test_singular_covariance_gives_the_least_norm_optimum,
          test_singular_covariance_is_the_smaller_law, test_singular_prior_and_no_noise,
          test_small_risks_do_not_cancel, test_large_dimension)
