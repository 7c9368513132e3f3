/* The limits of large d: the published formulas and values, equations that they must solve, edges.
 */
#include "support/support.h"

static icl_context *context;

static icl_asymptotic_options ratios(double alpha, double kappa, double tau, double rho) {
    icl_asymptotic_options o;
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
    ck_assert_int_eq(icl_asymptotic_options_init(&o, sizeof o), ICL_OK);
    o.alpha = alpha;
    o.kappa = kappa;
    o.tau = tau;
    o.rho = rho;
    return o;
}

static icl_asymptotic limit_of(const icl_asymptotic_options *o) {
    icl_asymptotic a = {.size = sizeof a};
    ASSERT_OK(context, icl_theory_asymptotic(context, o, &a));
    return a;
}

/* ---- the formulas as published, ridge = 0 ---- */

static double published_M(double kappa, double x) {
    double b = x + 1 - 1 / kappa;
    return 2 / (b + sqrt(b * b + 4 * x / kappa));
}

static double published_icl(const icl_asymptotic_options *o) {
    double a = o->alpha, k = o->kappa, t = o->tau, rho = o->rho;
    double q = (1 + rho) / a, m = published_M(k, q), mu = q * published_M(k / t, q);
    if (t < 1)
        return t * (1 + q) / (1 - t) * (1 - t * (1 - mu) * (1 - mu) - mu * (q - rho) / q) -
               2 * t * (1 - mu) + 1 + rho;
    double star = 1 / (1 - k * pow(m / (k + m), 2));
    return (star - 1 / (t - 1)) * (1 + q) * (q * m) * (q * m) + (3 - 2 * t) / (t - 1) * m * q * q +
           ((1 + rho) * m / (t - 1) + 1) * q + rho * m / (t - 1) + rho;
}

static double published_idg(const icl_asymptotic_options *o) {
    double a = o->alpha, k = o->kappa, t = o->tau, rho = o->rho;
    double q = (1 + rho) / a, m = published_M(k, q), mu = q * published_M(k / t, q);
    if (t > 1)
        return t / (t - 1) * (rho + q * (1 - q * m));
    double e = (1 - t) * q / (t * mu), c = 1 / (1 - k / pow(1 + k * e / (1 - t), 2));
    return t * (pow(q + e, 2) / e + (rho + q - 2 * (1 + rho) * (1 - t) * (1 + q / e) / a) /
                                        (1 - t - c * (1 - t) * (1 - t)));
}

START_TEST(test_published_values) {
    icl_asymptotic_options o = ratios(1, 1, 0.5, 0.1);
    icl_asymptotic a = limit_of(&o);
    ASSERT_CLOSE(a.e_icl, 1.4875, 5e-5, 1);
    ASSERT_CLOSE(a.e_idg, 1.2338, 5e-5, 1);
    ck_assert_double_eq(a.g_task, a.e_icl - a.e_idg);
}
END_TEST

/* Both branches, on a grid. The published forms lose digits by 1 / |1 - tau| and by alpha. */
START_TEST(test_published_formulas) {
    const double alphas[] = {0.3, 1, 7}, kappas[] = {0.2, 1, 6}, rhos[] = {0, 0.1, 0.7};
    const double taus[] = {0.05, 0.4, 0.9, 0.99, 1.01, 1.3, 2, 30};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++)
                for (int l = 0; l < 8; l++) {
                    icl_asymptotic_options o = ratios(alphas[i], kappas[j], taus[l], rhos[k]);
                    icl_asymptotic a = limit_of(&o);
                    double scale = 10 * (1 + 1 / fabs(1 - taus[l])), tol = TOL_ALGEBRA(20, scale);
                    ASSERT_CLOSE(a.e_icl, published_icl(&o), tol, a.e_icl);
                    ASSERT_CLOSE(a.e_idg, published_idg(&o), tol, a.e_icl);
                }
}
END_TEST

START_TEST(test_peak_at_one) {
    icl_asymptotic_options o = ratios(2, 0.5, 1, 0.1);
    icl_asymptotic a = limit_of(&o);
    ck_assert_double_eq(a.e_icl, INFINITY);
    ck_assert_double_eq(a.e_idg, INFINITY);
    ck_assert(isnan(a.g_task));
    /* errors times |1 - tau| go to one limit from both sides, and fall away from the peak */
    double side[2];
    for (int i = 0; i < 2; i++) {
        double last = INFINITY, sign = i ? 1 : -1;
        for (double off = 1e-8; off < 0.2; off *= 2) {
            o.tau = 1 + sign * off;
            a = limit_of(&o);
            ck_assert_double_lt(a.e_icl, last);
            last = a.e_icl;
            if (off == 1e-8)
                side[i] = a.e_icl * off;
        }
    }
    ASSERT_CLOSE(side[0], side[1], 1e-7, side[0]);
    o.tau = 1;
    o.ridge = 1e-3; /* which the ridge rounds off */
    a = limit_of(&o);
    ck_assert(isfinite(a.e_icl) && isfinite(a.g_task));
}
END_TEST

/* xi M(q + xi) - tau lambda / xi = 1 - tau; errors are continuous at lambda = 0; a huge lambda
 * leaves Gamma = 0, whose error is E y^2. */
START_TEST(test_ridge) {
    const double taus[] = {0.2, 0.9, 1, 1.1, 5}, kappas[] = {0.3, 2, INFINITY};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 3; j++) {
            icl_asymptotic_options o = ratios(1.5, kappas[j], taus[i], 0.2);
            icl_asymptotic none = limit_of(&o);
            double q = 1.2 / 1.5;
            for (o.ridge = 1e-6; o.ridge < 1e6; o.ridge *= 10) {
                double xi = limit_of(&o).effective_ridge;
                double left = xi * published_M(o.kappa, q + xi) - o.tau * o.ridge / xi;
                ASSERT_CLOSE(left, 1 - o.tau, TOL_ALGEBRA(20, 1), 1 + o.tau * o.ridge / xi);
            }
            o.ridge = 1e-13;
            icl_asymptotic small = limit_of(&o);
            if (o.tau != 1) {
                ASSERT_CLOSE(small.e_icl, none.e_icl, 1e-8, none.e_icl);
                ASSERT_CLOSE(small.e_idg, none.e_idg, 1e-8, none.e_idg);
                ASSERT_CLOSE(small.effective_ridge, none.effective_ridge, 1e-11, 1);
            }
            o.ridge = 1e12;
            icl_asymptotic large = limit_of(&o);
            ASSERT_CLOSE(large.e_icl, 1.2, 1e-11, 1);
            ASSERT_CLOSE(large.e_idg, 1.2, 1e-11, 1);
        }
}
END_TEST

/* kappa infinite is the limit of large kappa, and fresh tasks are then those of the pool; with all
 * prompts of the world, Gamma = I / (1 + q) has the error rho + q / (1 + q). */
START_TEST(test_fresh_tasks) {
    const double taus[] = {0.3, 0.8, 1.5, 1e9};
    for (int i = 0; i < 4; i++) {
        icl_asymptotic_options o = ratios(0.7, INFINITY, taus[i], 0.3);
        icl_asymptotic a = limit_of(&o);
        double q = 1.3 / 0.7;
        ASSERT_CLOSE(a.e_icl, a.e_idg, TOL_ALGEBRA(20, 10), a.e_idg);
        o.kappa = 1e10;
        icl_asymptotic b = limit_of(&o);
        ASSERT_CLOSE(a.e_icl, b.e_icl, 1e-9, a.e_icl);
        ASSERT_CLOSE(a.e_idg, b.e_idg, 1e-9, a.e_icl);
        if (i == 3)
            ASSERT_CLOSE(a.e_icl, 0.3 + q / (1 + q), 1e-8, 1);
    }
}
END_TEST

/* Without noise what is not seen stays: 1 - alpha, or nothing. With noise, at alpha = 1:
 * rho (1 + M(rho)), rho M^2 + rho M = 1. */
START_TEST(test_bayes_risk) {
    const double alphas[] = {0.25, 0.5, 1, 3};
    for (int i = 0; i < 4; i++) {
        icl_asymptotic_options o = ratios(alphas[i], 1, 2, 0);
        ASSERT_CLOSE(limit_of(&o).e_bayes, fmax(1 - alphas[i], 0), TOL_ALGEBRA(4, 1), 1);
    }
    icl_asymptotic_options o = ratios(1, 3, 2, 0.4);
    double M = (sqrt(0.4 * 0.4 + 4 * 0.4) - 0.4) / 0.8;
    icl_asymptotic a = limit_of(&o);
    ASSERT_CLOSE(a.e_bayes, 0.4 * (1 + M), TOL_ALGEBRA(4, 1), 1);
    ck_assert_double_lt(a.e_bayes, a.e_icl);
}
END_TEST

/* The ridge risk of the library at d = 60 is that of the limit, up to O(1/d). */
START_TEST(test_bayes_risk_is_ridge_at_large_d) {
    icl_asymptotic_options o = ratios(1.5, 1, 2, 0.3);
    icl_law_options law;
    icl_law *made;
    icl_estimate risk;
    icl_simulation simulation = {.seed = 5, .prompts = 400};
    double variance = 1.0 / 60;
    ck_assert_int_eq(icl_law_options_init(&law, sizeof law), ICL_OK);
    law.dim = 60;
    law.context = 90;
    law.noise = 0.3;
    law.covariance = ICL_COVARIANCE_SCALAR;
    law.covariance_values = &variance;
    ASSERT_OK(context, icl_law_create(context, &law, &made));
    ASSERT_OK(context, icl_theory_ridge_risk(made, &simulation, 0.3, &risk));
    double expected = limit_of(&o).e_bayes;
    ASSERT_CLOSE(risk.value, expected, 1.0 / 60 + TOL_Z * risk.standard_error / expected, expected);
    icl_law_free(made);
}
END_TEST

START_TEST(test_bad_input) {
    icl_asymptotic_options o = ratios(1, 1, 0.5, 0.1), bad;
    icl_asymptotic a = {.size = sizeof a, .e_icl = 7};
    const struct {
        const char *name;
        size_t at;
        int zero, infinity;
    } fields[] = {{"alpha", offsetof(icl_asymptotic_options, alpha), 0, 0},
                  {"kappa", offsetof(icl_asymptotic_options, kappa), 0, 1},
                  {"tau", offsetof(icl_asymptotic_options, tau), 0, 0},
                  {"rho", offsetof(icl_asymptotic_options, rho), 1, 0},
                  {"ridge", offsetof(icl_asymptotic_options, ridge), 1, 0}};
    const double values[] = {NAN, INFINITY, -1, -INFINITY, 0};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++) {
            if ((j == 1 && fields[i].infinity) || (j == 4 && fields[i].zero))
                continue;
            bad = o;
            memcpy((char *)&bad + fields[i].at, &values[j], sizeof values[j]);
            icl_status expected =
                j == 2 || j == 4 || (i == 1 && j == 3) ? ICL_ERR_ARGUMENT : ICL_ERR_NONFINITE;
            ASSERT_FAILS(context, expected, fields[i].name,
                         icl_theory_asymptotic(context, &bad, &a));
        }
    bad = o;
    bad.alpha = 1e-308;
    bad.rho = 1e300;
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflow", icl_theory_asymptotic(context, &bad, &a));
    ck_assert_double_eq(a.e_icl, 7);
    /* the extremes of what is not too large */
    for (int i = 0; i < 32; i++) {
        bad = ratios(i & 1 ? 1e-9 : 1e9, i & 2 ? 1e-9 : 1e9, i & 4 ? 1e-9 : 1e9, i & 8 ? 0 : 1e6);
        bad.ridge = i & 16 ? 1e-9 : 1e9;
        icl_asymptotic b = limit_of(&bad);
        ck_assert_double_ge(b.e_icl, 0);
        ck_assert_double_ge(b.e_idg, 0);
    }
}
END_TEST

RUN_SUITE("theory_asymptotic", test_published_values, test_published_formulas, test_peak_at_one,
          test_ridge, test_fresh_tasks, test_bayes_risk, test_bayes_risk_is_ridge_at_large_d,
          test_bad_input)
