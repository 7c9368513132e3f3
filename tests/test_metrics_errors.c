/* Errors, excesses, distances, the bootstrap. */
#include "test_metrics.h"

enum { B = 50, N = 4, D = 3, K = 2 };

/* Targets plus planted errors of size k + 1 that fall with t. */
static double planted(int64_t p, int64_t t, int64_t k) {
    return (double)(k + 1) / (double)(t + 1) * (p % 2 ? 1 : -2);
}

START_TEST(test_errors) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    double a[B * (N + 1) * K];
    icl_estimate e[(N + 1) * K];
    for (int64_t p = 0; p < B; p++)
        for (int64_t t = 0; t <= N; t++)
            for (int64_t k = 0; k < K; k++)
                a[(p * (N + 1) + t) * K + k] = target_of(batch, p, t) + planted(p, t, k);
    ASSERT_OK(context, icl_metric_errors(batch, K, a, D, e));
    for (int64_t t = 0; t <= N; t++)
        for (int64_t k = 0; k < K; k++) {
            double unit = (double)((k + 1) * (k + 1)) / (double)((t + 1) * (t + 1)) / D;
            ASSERT_CLOSE(e[t * K + k].value, 2.5 * unit, TOL_ALGEBRA(B, 1), unit);
            /* 1 and 4, half each: variance 2.25 B / (B - 1) */
            ASSERT_CLOSE(e[t * K + k].standard_error, unit * 1.5 / sqrt(B - 1), TOL_ALGEBRA(B, 1),
                         unit);
        }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_excess_and_distances) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    double a[B * (N + 1)], b[B * (N + 1)], v[B * D], w[B * D];
    icl_estimate excess[N + 1], e[N + 1], f[N + 1], distance;
    fill_normal(context, 1, B * (N + 1), a);
    fill_normal(context, 2, B * (N + 1), b);
    ASSERT_OK(context, icl_metric_excess(batch, a, b, 2, excess));
    ASSERT_OK(context, icl_metric_errors(batch, 1, a, 2, e));
    ASSERT_OK(context, icl_metric_errors(batch, 1, b, 2, f));
    for (int t = 0; t <= N; t++)
        ASSERT_CLOSE(excess[t].value, e[t].value - f[t].value, TOL_ALGEBRA(B, 1), e[t].value);
    ASSERT_OK(context, icl_metric_excess(batch, a, a, 2, excess));
    ck_assert(excess[1].value == 0 && excess[1].standard_error == 0);
    double sum = 0;
    for (int p = 0; p < B; p++)
        for (int t = 1; t <= 2; t++)
            sum += pow(a[p * (N + 1) + t] - b[p * (N + 1) + t], 2) / (2 * B);
    ASSERT_OK(context, icl_metric_prediction_distance(batch, a, b, 1, 2, &distance));
    ASSERT_CLOSE(distance.value, sum, TOL_ALGEBRA(B, 1), sum);
    fill_normal(context, 3, B * D, v);
    memcpy(w, v, sizeof w);
    for (int p = 0; p < B; p++)
        w[p * D + 1] += 3;
    ASSERT_OK(context, icl_metric_weight_distance(batch, v, w, &distance));
    ASSERT_CLOSE(distance.value, 9, TOL_ALGEBRA(B, 1), 9);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* Of means of normals, 90 % intervals cover the truth nine times in ten. */
START_TEST(test_bootstrap_covers) {
    enum { TRIALS = 400, COUNT = 60 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double *z = malloc(TRIALS * COUNT * sizeof *z), low, high, other;
    fill_normal(context, 8, TRIALS * COUNT, z);
    int covered = 0;
    for (int i = 0; i < TRIALS; i++) {
        ASSERT_OK(context, icl_metric_bootstrap(context, COUNT, z + i * COUNT, 0.9, 1000,
                                                (uint64_t)i, &low, &high));
        ck_assert_double_le(low, high);
        covered += low <= 0 && 0 <= high;
    }
    /* the percentile interval is short by about (1 + 1/n) here: within 3 % and sampling noise */
    ck_assert_double_le(fabs(covered / (double)TRIALS - 0.9), 0.03 + 2 * sqrt(0.09 / TRIALS));
    const double same[3] = {4, 4, 4};
    ASSERT_OK(context, icl_metric_bootstrap(context, 3, same, 0.5, 10, 1, &low, &high));
    ck_assert(low == 4 && high == 4);
    ASSERT_OK(context, icl_metric_bootstrap(context, COUNT, z, 0.5, 100, 1, &low, &high));
    ASSERT_OK(context, icl_metric_bootstrap(context, COUNT, z, 0.5, 100, 1, &other, &high));
    ck_assert(low == other);
    free(z);
    icl_context_free(context);
}
END_TEST

START_TEST(test_bad_arguments) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, 2), *bare;
    double a[2 * (N + 1)] = {0}, low, high;
    icl_estimate e[N + 1];
    icl_batch_options o;
    ASSERT_OK(context, icl_batch_options_init(&o, sizeof o));
    o.contents = 0;
    ASSERT_OK(context, icl_batch_create(context, &o, &bare));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "examples", icl_metric_errors(bare, 1, a, 1, e));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "K = 0", icl_metric_errors(batch, 0, a, 1, e));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "scale", icl_metric_errors(batch, 1, a, 0, e));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "errors", icl_metric_errors(batch, 1, a, 1, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prediction", icl_metric_errors(batch, 1, NULL, 1, e));
    a[3] = NAN;
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "prediction[3]", icl_metric_errors(batch, 1, a, 1, e));
    ck_assert_int_eq(icl_metric_errors(NULL, 1, a, 1, e), ICL_ERR_ARGUMENT);
    a[3] = 0;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "last = 5",
                 icl_metric_prediction_distance(batch, a, a, 0, 5, e));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = -1",
                 icl_metric_prediction_distance(batch, a, a, -1, 2, e));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "level = 1",
                 icl_metric_bootstrap(context, 3, a, 1, 10, 0, &low, &high));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "resamples",
                 icl_metric_bootstrap(context, 3, a, 0.9, 0, 0, &low, &high));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "count",
                 icl_metric_bootstrap(context, 0, a, 0.9, 5, 0, &low, &high));
    icl_batch_free(bare);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("metrics_errors", test_errors, test_excess_and_distances, test_bootstrap_covers,
          test_bad_arguments)
