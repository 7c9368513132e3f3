/* Gamma*, its risk and the risks of other predictors: theorems of the field, normal equations,
 * truncation. Degenerate laws: test_theory_degenerate.c. */
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

static void assert_multiple(int64_t d, const double *gamma, const double *of, double factor,
                            double tolerance) {
    double scale = 0;
    for (int64_t i = 0; i < d * d; i++)
        scale = fmax(scale, fabs(factor * of[i]));
    for (int64_t i = 0; i < d * d; i++)
        ASSERT_CLOSE(gamma[i], factor * of[i], tolerance, scale);
}

/* ---- theorems ---- */

/* F3: Sigma = W = I: one step 1 / (n + d + 1 + s2); risk s2 + d (d + 1 + s2) / (n + d + 1 + s2). */
START_TEST(test_isotropic_optimum_is_one_gradient_step) {
    setup_context();
    const int64_t dims[] = {1, 2, 5, 8}, contexts[] = {1, 3, 20, 1000};
    for (int i = 0; i < 16; i++) {
        int64_t d = dims[i % 4], n = contexts[i / 4];
        for (double s2 = 0; s2 < 2; s2 += 0.75) {
            icl_law_options o = law_options(d, n, s2);
            double gamma[MAX_DD], identity[MAX_DD], D = (double)d, N = (double)n;
            set_identity(d, identity);
            icl_optimum best = optimum_of(make_law(context, &o), 0, gamma);
            double eta = 1 / (N + D + 1 + s2);
            assert_multiple(d, gamma, identity, N * eta, TOL_ALGEBRA(1, 1));
            ASSERT_CLOSE(best.risk, s2 + D * (D + 1 + s2) * eta, TOL_ALGEBRA(d, 1), 1 + s2);
            ck_assert_double_le(best.residual, TOL_ALGEBRA(d, 1));
        }
    }
}
END_TEST

/* The numbers printed in PAPERS 1 and 0. */
START_TEST(test_printed_numbers_of_the_isotropic_case) {
    setup_context();
    const double rows[4][4] = {
        {10, 20, 0, 3.5484}, {5, 20, 0, 1.1538}, {10, 10, 1, 6.4545}, {5, 10, 0.25, 0}};
    for (int i = 0; i < 3; i++) {
        icl_law_options o = law_options((int64_t)rows[i][0], (int64_t)rows[i][1], rows[i][2]);
        double gamma[100];
        ASSERT_CLOSE(optimum_of(make_law(context, &o), 0, gamma).risk, rows[i][3], 5e-5, 1);
    }
    icl_law_options o = law_options(5, 10, 0.25);
    double gamma[25];
    optimum_of(make_law(context, &o), 0, gamma);
    ASSERT_CLOSE(gamma[0] / 10, 0.061538, 5e-7, 1);
}
END_TEST

/* F2: W = Sigma^-1: Gamma* = n / (n + d + 1 + s2) Sigma^-1. */
START_TEST(test_inverse_prior_gives_one_preconditioned_step) {
    setup_context();
    const double kappas[] = {1, 10, 1e3, 1e6};
    for (int i = 0; i < 4; i++) {
        int64_t d = 6, n = 15;
        double values[6], s2 = 0.5;
        spread_values(d, kappas[i], values);
        icl_law_options o = law_options(d, n, s2);
        o.covariance = i % 2 == 0 ? ICL_COVARIANCE_SPECTRUM : ICL_COVARIANCE_DIAGONAL;
        o.covariance_values = values;
        o.prior = ICL_COVARIANCE_INVERSE;
        icl_law *law = make_law(context, &o);
        double gamma[36], inverse[36];
        memcpy(inverse, icl_law_prior(law), sizeof inverse);
        icl_optimum best = optimum_of(law, 0, gamma);
        assert_multiple(d, gamma, inverse, 15 / (15 + 6 + 1 + s2), TOL_ALGEBRA(d, kappas[i]));
        ck_assert_double_le(best.residual, 1e-12 * kappas[i]);
        ASSERT_CLOSE(best.risk, s2 + 6 * (7 + s2) / (22 + s2), TOL_ALGEBRA(d, kappas[i]), 1);
    }
}
END_TEST

/* F1: W = psi^2 I: Gamma* = ((1 + 1/n) Sigma + (tr Sigma + s2 / psi^2) / n I)^-1. */
START_TEST(test_identity_prior_gives_zhangs_preconditioner) {
    setup_context();
    int64_t d = 5, n = 12;
    double values[5], sigma[25], gamma[25], expected[25], psi2 = 0.49, s2 = 0.3;
    spread_values(d, 100, values);
    random_covariance(context, 3, d, values, sigma);
    double W[25] = {0};
    for (int i = 0; i < 5; i++)
        W[i * 6] = psi2;
    icl_optimum best = optimum_of(make_dense_law(context, d, n, s2, sigma, W), 0, gamma);
    for (int i = 0; i < 25; i++)
        expected[i] =
            (1 + 1.0 / 12) * sigma[i] + (i % 6 == 0 ? (naive_trace(d, sigma) + s2 / psi2) / 12 : 0);
    naive_invert(d, expected);
    assert_multiple(d, gamma, expected, 1, TOL_ALGEBRA(d, 100));
    /* loss* = t + s2 - tr(Sigma W Sigma Gamma*) */
    double a[25], b[25];
    naive_product(d, sigma, sigma, a);
    naive_product(d, a, gamma, b);
    double risk = psi2 * (naive_trace(d, sigma) - naive_trace(d, b)) + s2;
    ASSERT_CLOSE(best.risk, risk, TOL_ALGEBRA(d, 100), 1);
}
END_TEST

/* F5, and MATH 3: Sigma = diag(100, 100, 1, 1, 1), n = 20 has its optimum at 29.0. */
START_TEST(test_prior_mean_and_the_skewed_example) {
    setup_context();
    icl_law_options o = law_options(5, 10, 0.25);
    double mean[5] = {2, 0, 0, 0, 0}, gamma[25];
    o.prior_mean = mean;
    icl_optimum best = optimum_of(make_law(context, &o), 0, gamma);
    ASSERT_CLOSE(best.risk, 3.3836, 5e-5, 1);
    o.prior_mean = NULL;
    ASSERT_CLOSE(optimum_of(make_law(context, &o), 0, gamma).risk, 2.1731, 5e-5, 1);
    icl_law_options skewed = law_options(5, 20, 0);
    double values[5] = {100, 100, 1, 1, 1};
    skewed.covariance = ICL_COVARIANCE_DIAGONAL;
    skewed.covariance_values = values;
    ASSERT_CLOSE(optimum_of(make_law(context, &skewed), 0, gamma).risk, 29.0, 0.05, 1);
    ASSERT_CLOSE(gamma[0], 1 / (1.05 * 100 + 203 / 20.0), TOL_ALGEBRA(5, 1), gamma[0]);
    ASSERT_CLOSE(gamma[24], 1 / (1.05 + 203 / 20.0), TOL_ALGEBRA(5, 1), gamma[24]);
}
END_TEST

/* A prior mean is the zero-mean law with W + mu mu^T. */
START_TEST(test_prior_mean_stands_in_the_second_moment) {
    setup_context();
    int64_t d = 4;
    double sigma[16], W[16], mean[4], gamma[16], other[16];
    random_naive_law(context, 8, d, 6, 0.2, sigma, W);
    fill_normal(context, 9, d, mean);
    icl_law_options o = law_options(d, 6, 0.2);
    o.covariance = o.prior = ICL_COVARIANCE_DENSE;
    o.covariance_values = sigma;
    o.prior_values = W;
    o.prior_mean = mean;
    icl_optimum with_mean = optimum_of(make_law(context, &o), 0, gamma);
    for (int i = 0; i < 16; i++)
        W[i] += mean[i / 4] * mean[i % 4];
    icl_optimum zero_mean = optimum_of(make_dense_law(context, d, 6, 0.2, sigma, W), 0, other);
    ck_assert_double_le(relative_difference(16, gamma, other), TOL_ALGEBRA(d, 100));
    ASSERT_CLOSE(with_mean.risk, zero_mean.risk, TOL_ALGEBRA(d, 10), 1);
}
END_TEST

/* ---- normal equations and optimality on random laws ---- */

START_TEST(test_normal_equations_hold_on_random_laws) {
    setup_context();
    const double kappas[] = {1, 1e2, 1e4, 1e6};
    for (uint64_t seed = 0; seed < 64; seed++) {
        int64_t d = 1 + (int64_t)(seed % 8), n = 1 + (int64_t)(seed * 7 % 30);
        double ks = kappas[seed % 4], kw = kappas[seed / 4 % 4], s2 = seed % 3 == 0 ? 0 : 0.1;
        double values[MAX_D], sigma[MAX_DD], W[MAX_DD], gamma[MAX_DD];
        spread_values(d, ks, values);
        random_covariance(context, seed, d, values, sigma);
        spread_values(d, kw, values);
        random_covariance(context, seed + 1000, d, values, W);
        icl_law *law = make_dense_law(context, d, n, s2, sigma, W);
        icl_optimum best = optimum_of(law, 0, gamma);
        double residual = naive_residual(d, n, s2, sigma, W, gamma), kappa = fmax(ks, kw);
        ck_assert_msg(residual <= 1e-12 * kappa, "seed %d, kappa %g: residual %g", (int)seed, kappa,
                      residual);
        ASSERT_CLOSE(best.residual, residual, 1e-12 * kappa, 1);
        for (int64_t i = 0; i < d; i++) /* Sigma W Sigma and C commute up to Sigma: symmetric */
            for (int64_t j = 0; j < i; j++)
                ck_assert_double_eq(gamma[i * d + j], gamma[j * d + i]);
    }
}
END_TEST

/* The moments are the ones of the formulas, and risk() is the quadratic that they define. */
START_TEST(test_moments_and_risk_are_the_definition) {
    setup_context();
    for (uint64_t seed = 0; seed < 12; seed++) {
        int64_t d = 1 + (int64_t)(seed % 5), n = (int64_t)seed, dd = d * d;
        double sigma[MAX_DD], W[MAX_DD], a[MAX_DD], b[MAX_DD], K[MAX_DD], C[MAX_DD], G[MAX_DD];
        double power, s2 = 0.1 * (double)seed;
        random_naive_law(context, seed, d, n, s2, sigma, W);
        icl_law *law = make_dense_law(context, d, n, s2, sigma, W);
        ASSERT_OK(context, icl_theory_moments(law, NULL, K, C, &power));
        naive_product(d, sigma, W, a);
        naive_product(d, a, sigma, b);
        double t = naive_trace(d, a), N = (double)n;
        ASSERT_CLOSE(power, t + s2, TOL_ALGEBRA(d, 10), power);
        for (int64_t i = 0; i < dd; i++) {
            double k = n > 0 ? b[i] : 0;
            double c = n > 0 ? (1 + 1 / N) * b[i] + (t + s2) / N * sigma[i] : 0;
            ASSERT_CLOSE(K[i], k, TOL_ALGEBRA(d, 10), 1 + t);
            ASSERT_CLOSE(C[i], c, TOL_ALGEBRA(d, 10), 2 * (1 + t + s2));
        }
        fill_normal(context, seed + 50, dd, G);
        naive_product(d, sigma, G, a);
        naive_product(d, a, C, b);
        icl_estimate risk;
        ASSERT_OK(context, icl_theory_risk(law, NULL, G, &risk));
        double expected = t + s2 - 2 * naive_dot(dd, G, K) + naive_dot(dd, G, b);
        ASSERT_CLOSE(risk.value, expected, TOL_ALGEBRA(d * d, 100), 1 + expected);
        ck_assert_double_eq(risk.standard_error, 0);
        icl_law_free(law);
    }
}
END_TEST

/* ---- steps ---- */

/* F4: s2 + d - 2 eta n d + eta^2 n d (n + d + 1 + s2). */
START_TEST(test_risk_of_a_gradient_step) {
    setup_context();
    int64_t d = 4, n = 9;
    double s2 = 0.7, D = 4, N = 9;
    icl_law_options o = law_options(d, n, s2);
    icl_law *law = make_law(context, &o);
    icl_estimate risk;
    const double etas[] = {-0.1, 0, 0.02, 1 / 9.0, 3};
    for (int i = 0; i < 5; i++) {
        double e = etas[i];
        ASSERT_OK(context, icl_theory_step_risk(law, NULL, NULL, e, &risk));
        double expected = s2 + D - 2 * e * N * D + e * e * N * D * (N + D + 1 + s2);
        ASSERT_CLOSE(risk.value, expected, TOL_ALGEBRA(d * d, 1), expected);
    }
    double eta;
    ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, &eta, &risk));
    ASSERT_CLOSE(eta, 1 / (N + D + 1 + s2), TOL_ALGEBRA(d, 1), eta);
    ASSERT_CLOSE(risk.value, s2 + D - eta * N * D, TOL_ALGEBRA(d * d, 1), risk.value);
    icl_law_free(law);
}
END_TEST

START_TEST(test_best_step_is_best_and_is_what_the_formula_says) {
    setup_context();
    int64_t d = 5, n = 7;
    double sigma[25], W[25], B[25], K[25], C[25], a[25], b[25], c[25];
    random_naive_law(context, 21, d, n, 0.4, sigma, W);
    fill_normal(context, 22, 25, B);
    icl_law *law = make_dense_law(context, d, n, 0.4, sigma, W);
    ASSERT_OK(context, icl_theory_moments(law, NULL, K, C, NULL));
    for (int pass = 0; pass < 2; pass++) {
        const double *given = pass == 0 ? B : NULL;
        if (pass == 1)
            set_identity(d, B);
        naive_product(d, sigma, B, a);
        naive_product(d, a, C, b);
        double expected = naive_dot(25, B, K) / (7 * naive_dot(25, B, b)), eta;
        icl_estimate best, other;
        ASSERT_OK(context, icl_theory_best_step(law, NULL, given, &eta, &best));
        ASSERT_CLOSE(eta, expected, TOL_ALGEBRA(d * d, 100), fabs(expected));
        for (int i = 0; i < 2; i++) {
            ASSERT_OK(context,
                      icl_theory_step_risk(law, NULL, given, eta * (0.99 + 0.02 * i), &other));
            ck_assert_double_gt(other.value, best.value);
        }
        /* the step as a Gamma */
        for (int i = 0; i < 25; i++)
            c[i] = 7 * eta * B[i];
        ASSERT_OK(context, icl_theory_risk(law, NULL, c, &other));
        ASSERT_CLOSE(other.value, best.value, TOL_ALGEBRA(d * d, 10), best.value);
    }
    icl_law_free(law);
}
END_TEST

/* PAPERS 6.3: Gamma* trained at N, W = I, s2 = 0, with G = (1 + 1/N) Sigma + tr Sigma / N I, used
 * at length M on a task w: best linear (0) + tr(Cov(xy) G^-2 Sigma) / M + (1/N^2) [w^T G^-2 Sigma^3
 * w + 2 tr Sigma w^T G^-2 Sigma^2 w + (tr Sigma)^2 w^T G^-2 Sigma w]; over w: w w^T -> I. */
START_TEST(test_zhangs_risk_at_another_length) {
    setup_context();
    const double values[5] = {3, 1.5, 1, 0.4, 0.1};
    icl_law_options o = law_options(5, 12, 0);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = values;
    icl_law *trained = make_law(context, &o);
    double gamma[25], trace = 6;
    ASSERT_OK(context, icl_theory_optimum(trained, NULL, 0, gamma, NULL));
    const int64_t lengths[] = {1, 5, 12, 40, 100000};
    for (int i = 0; i < 5; i++) {
        double N = 12, M = (double)lengths[i], expected = 0;
        for (int k = 0; k < 5; k++) {
            double l = values[k], G = (1 + 1 / N) * l + trace / N;
            /* E Cov(xy) = tr(Sigma) Sigma + Sigma^2 */
            expected += (trace * l + l * l) * l / (G * G) / M;
            expected += (l * l * l + 2 * trace * l * l + trace * trace * l) / (G * G) / (N * N);
        }
        icl_law *used;
        icl_estimate risk;
        ASSERT_OK(context, icl_law_with(trained, lengths[i], 0, &used));
        ASSERT_OK(context, icl_theory_risk(used, NULL, gamma, &risk));
        ASSERT_CLOSE(risk.value, expected, TOL_ALGEBRA(25, 30), expected);
        icl_law_free(used);
    }
    icl_law_free(trained);
}
END_TEST

/* ---- rank ---- */

/* No A B^T with A, B (d x s) does better than the truncated optimum, not even near it. */
START_TEST(test_truncated_optimum_beats_random_competitors) {
    setup_context();
    int64_t d = 4, n = 6;
    double sigma[16], W[16], gamma[16], full[16], before = INFINITY;
    random_naive_law(context, 31, d, n, 0.3, sigma, W);
    icl_law *law = make_dense_law(context, d, n, 0.3, sigma, W);
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, full, NULL));
    for (int64_t s = 1; s <= d; s++) {
        icl_optimum best = {.size = sizeof best};
        ASSERT_OK(context, icl_theory_optimum(law, NULL, s, gamma, &best));
        ck_assert_double_lt(best.risk, before);
        before = best.risk;
        icl_estimate risk;
        ASSERT_OK(context, icl_theory_risk(law, NULL, gamma, &risk));
        ASSERT_CLOSE(risk.value, best.risk, TOL_ALGEBRA(16, 10), best.risk);
        for (uint64_t seed = 0; seed < 300; seed++) {
            /* s columns: of gamma's own factors disturbed, or random ones */
            double z[32], A[16] = {0}, size = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 0.1 : 1e-3;
            fill_normal(context, 500 + seed, 32, z);
            double left[16], right[16];
            for (int i = 0; i < 16; i++) {
                left[i] = (i % 5 == 0) + size * z[i];
                right[i] = (i % 5 == 0) + size * z[16 + i];
            }
            double t[16];
            if (size < 1) { /* (I + dE) gamma (I + dF): the same rank, near the optimum */
                naive_product(d, left, gamma, t);
                naive_product(d, t, right, A);
            } else {
                for (int i = 0; i < 16; i++)
                    for (int k = 0; k < s; k++)
                        A[i] += 0.3 * z[i / 4 * 4 + k] * z[16 + i % 4 * 4 + k];
            }
            ASSERT_OK(context, icl_theory_risk(law, NULL, A, &risk));
            ck_assert_double_ge(risk.value, best.risk * (1 - TOL_ALGEBRA(16, 10)));
        }
    }
    ck_assert_double_le(relative_difference(16, gamma, full), 0);
    icl_law_free(law);
}
END_TEST

/* Sigma = I, W diagonal: the truncation keeps the greatest directions, exactly. */
START_TEST(test_truncation_keeps_the_strongest_directions) {
    setup_context();
    const double values[4] = {0.5, 3, 1, 2};
    icl_law_options o = law_options(4, 5, 0.1);
    o.prior = ICL_COVARIANCE_DIAGONAL;
    o.prior_values = values;
    double gamma[16];
    icl_optimum best = optimum_of(make_law(context, &o), 2, gamma);
    double power = 6.6, risk = power;
    for (int i = 0; i < 4; i++) {
        double w = values[i], c = 1.2 * w + power / 5, expected = w >= 2 ? w / c : 0;
        ASSERT_CLOSE(gamma[i * 5], expected, TOL_ALGEBRA(4, 1), 1);
        risk -= w >= 2 ? w * w / c : 0;
    }
    ASSERT_CLOSE(best.risk, risk, TOL_ALGEBRA(4, 10), risk);
    ck_assert_double_le(best.residual, TOL_ALGEBRA(4, 10)); /* of the full optimum */
}
END_TEST

RUN_SUITE("theory_optimum", test_isotropic_optimum_is_one_gradient_step,
          test_printed_numbers_of_the_isotropic_case,
          test_inverse_prior_gives_one_preconditioned_step,
          test_identity_prior_gives_zhangs_preconditioner, test_prior_mean_and_the_skewed_example,
          test_prior_mean_stands_in_the_second_moment, test_normal_equations_hold_on_random_laws,
          test_moments_and_risk_are_the_definition, test_risk_of_a_gradient_step,
          test_best_step_is_best_and_is_what_the_formula_says, test_zhangs_risk_at_another_length,
          test_truncated_optimum_beats_random_competitors,
          test_truncation_keeps_the_strongest_directions)
