/* Distances of matrices from multiples of the identity. */
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

RUN_SUITE("metrics", test_identity_distance, test_identity_distance_at_the_edges)
