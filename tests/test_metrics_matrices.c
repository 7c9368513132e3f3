/* Matrices, distributions, lines. */
#include "support/support.h"

START_TEST(test_identity_distance) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double M[25], Q[25], half[25] = {0}, turned[25] = {0}, distance, scale, other;
    for (int i = 0; i < 25; i++)
        M[i] = i % 6 == 0 ? -0.3 : 0;
    ASSERT_OK(context, icl_metric_identity_distance(context, 5, M, &distance, &scale));
    ck_assert(distance < 1e-15 && scale == -0.3);
    fill_normal(context, 4, 25, M);
    ASSERT_OK(context, icl_metric_identity_distance(context, 5, M, &distance, &scale));
    /* no multiple of I is nearer than the one at `scale` */
    double norm = 0;
    for (int i = 0; i < 25; i++)
        norm += M[i] * M[i];
    for (int k = -2; k <= 2; k++) {
        double off = 0;
        for (int i = 0; i < 25; i++)
            off += pow(M[i] - (i % 6 == 0 ? scale + 0.01 * k : 0), 2);
        if (k == 0)
            ASSERT_CLOSE(distance, sqrt(off / norm), TOL_ALGEBRA(25, 1), 1);
        else
            ck_assert_double_gt(sqrt(off / norm), distance);
    }
    ASSERT_OK(context, icl_random_rotation(context, 3, 0, 5, Q));
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            for (int k = 0; k < 5; k++)
                half[5 * i + j] += M[5 * i + k] * Q[5 * k + j];
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 5; j++)
            for (int k = 0; k < 5; k++)
                turned[5 * i + j] += Q[5 * k + i] * half[5 * k + j];
    ASSERT_OK(context, icl_metric_identity_distance(context, 5, turned, &other, NULL));
    ASSERT_CLOSE(other, distance, TOL_ALGEBRA(25, 1), 1);
    for (int i = 0; i < 25; i++)
        turned[i] = 1e300 * M[i];
    ASSERT_OK(context, icl_metric_identity_distance(context, 5, turned, &other, NULL));
    ASSERT_CLOSE(other, distance, TOL_ALGEBRA(25, 1), 1);
    icl_context_free(context);
}
END_TEST

START_TEST(test_identity_distance_at_the_edges) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double zero[4] = {0}, swap[4] = {0, 1, 1, 0}, bad[4] = {1, NAN, 0, 1};
    double distance, scale;
    ASSERT_OK(context, icl_metric_identity_distance(context, 2, zero, &distance, &scale));
    ck_assert(distance == 0 && scale == 0);
    ASSERT_OK(context, icl_metric_identity_distance(context, 2, swap, &distance, &scale));
    ck_assert(distance == 1 && scale == 0);
    ASSERT_OK(context, icl_metric_identity_distance(context, 1, swap + 1, &distance, &scale));
    ck_assert(distance == 0 && scale == 1);
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "M[1]",
                 icl_metric_identity_distance(context, 2, bad, &distance, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = 0",
                 icl_metric_identity_distance(context, 0, zero, &distance, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "distance",
                 icl_metric_identity_distance(context, 2, zero, NULL, NULL));
    ck_assert_int_eq(icl_metric_identity_distance(NULL, 2, zero, &distance, NULL),
                     ICL_ERR_ARGUMENT);
    icl_context_free(context);
}
END_TEST

START_TEST(test_sparsity) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double values[] = {0, -2, 0.1, 0.02, 1}, zero[3] = {0};
    double fraction;
    ASSERT_OK(context, icl_metric_sparsity(context, 5, values, 0.05, &fraction));
    ck_assert_double_eq(fraction, 0.6); /* 0, 0.1 and 0.02 are at most 0.1 */
    ASSERT_OK(context, icl_metric_sparsity(context, 5, values, 0, &fraction));
    ck_assert_double_eq(fraction, 0.2);
    ASSERT_OK(context, icl_metric_sparsity(context, 3, zero, 0.5, &fraction));
    ck_assert_double_eq(fraction, 1);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "threshold",
                 icl_metric_sparsity(context, 5, values, -1, &fraction));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "count",
                 icl_metric_sparsity(context, 0, values, 0, &fraction));
    icl_context_free(context);
}
END_TEST

START_TEST(test_overlap) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double p[] = {0.4, 0.3, 0.2, 0.1, 0}, q[] = {0.1, 0.2, 0.3, 0, 0.4};
    double overlap, cosine;
    for (int K = 1; K <= 5; K++) {
        ASSERT_OK(context, icl_metric_overlap(context, 5, p, p, K, &overlap, &cosine));
        ck_assert_double_eq(overlap, 1);
        ASSERT_CLOSE(cosine, 1, TOL_ALGEBRA(K, 1), 1);
    }
    /* the three likeliest: {0, 1, 2} and {4, 2, 1}; shared {1, 2} */
    ASSERT_OK(context, icl_metric_overlap(context, 5, p, q, 3, &overlap, &cosine));
    ASSERT_CLOSE(overlap, 2.0 / 3, DBL_EPSILON, 1);
    ASSERT_CLOSE(cosine, 0.12 / sqrt(0.13 * 0.13 + 1), 4 * DBL_EPSILON, 1);
    ASSERT_OK(context, icl_metric_overlap(context, 5, p, q, 1, &overlap, &cosine));
    ck_assert(overlap == 0 && cosine == 0);
    ASSERT_OK(context, icl_metric_overlap(context, 5, p, q, 1, NULL, NULL));
    const double bad[] = {0.4, -0.3, 0, 0, 0};
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "q[1]",
                 icl_metric_overlap(context, 5, p, bad, 2, &overlap, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "K = 6",
                 icl_metric_overlap(context, 5, p, q, 6, &overlap, NULL));
    icl_context_free(context);
}
END_TEST

START_TEST(test_line) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double x[40], y[40];
    icl_line_fit fit;
    for (int i = 0; i < 40; i++) {
        x[i] = i;
        y[i] = 3 - 0.5 * i;
    }
    ASSERT_OK(context, icl_metric_line(context, 40, x, y, &fit));
    ASSERT_CLOSE(fit.slope, -0.5, 40 * DBL_EPSILON, 1);
    ASSERT_CLOSE(fit.intercept, 3, 400 * DBL_EPSILON, 1);
    ASSERT_CLOSE(fit.r_squared, 1, 40 * DBL_EPSILON, 1);
    ck_assert_double_lt(fit.slope_error, 1e-7);
    /* the normal equations hold with noise, and the slope is off by its own standard error */
    double noise[40], sum = 0, moment = 0;
    fill_normal(context, 2, 40, noise);
    for (int i = 0; i < 40; i++)
        y[i] += noise[i];
    ASSERT_OK(context, icl_metric_line(context, 40, x, y, &fit));
    for (int i = 0; i < 40; i++) {
        double rest = y[i] - fit.intercept - fit.slope * x[i];
        sum += rest;
        moment += rest * x[i];
    }
    ASSERT_CLOSE(sum, 0, 1e-11, 1);
    ASSERT_CLOSE(moment, 0, 1e-9, 1);
    ck_assert_double_lt(fabs(fit.slope + 0.5), TOL_Z * fit.slope_error);
    ASSERT_CLOSE(fit.slope_error, 1 / sqrt(40 * 1599.0 / 12), 0.5, 1 / sqrt(40 * 1599.0 / 12));
    ASSERT_OK(context, icl_metric_line(context, 2, x, y, &fit));
    ck_assert(isnan(fit.slope_error) && fit.r_squared == 1);
    for (int i = 0; i < 40; i++)
        y[i] = 7;
    ASSERT_OK(context, icl_metric_line(context, 40, x, y, &fit));
    ck_assert(fit.slope == 0 && fit.r_squared == 1);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "all x are 7",
                 icl_metric_line(context, 40, y, x, &fit));
    icl_context_free(context);
}
END_TEST

RUN_SUITE("metrics_matrices", test_identity_distance, test_identity_distance_at_the_edges,
          test_sparsity, test_overlap, test_line)
