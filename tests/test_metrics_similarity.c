/* Similarities of errors and of weights. */
#include "test_metrics.h"

enum { B = 130, N = 5, D = 3 };

static double cosine(int64_t count, const double *a, const double *b) {
    double ab = 0, aa = 0, bb = 0;
    for (int64_t i = 0; i < count; i++) {
        ab += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
    }
    return aa == 0 && bb == 0 ? 1 : aa * bb > 0 ? ab / sqrt(aa * bb) : 0;
}

START_TEST(test_error_similarity_is_its_definition) {
    enum { KA = 3, KB = 2, FIRST = 1 };
    static double a[B * (N + 1) * KA], b[B * (N + 1) * KB];
    double first[KA * KB];
    for (int threads = 1; threads <= 3; threads++) {
        icl_context *context = make_context(threads, ICL_ISA_AUTO);
        icl_batch *batch = metric_batch(context, D, N, 0.5, B);
        icl_estimate s[KA * KB];
        fill_normal(context, 1, B * (N + 1) * KA, a);
        fill_normal(context, 2, B * (N + 1) * KB, b);
        ASSERT_OK(context, icl_metric_error_similarity(batch, KA, a, KB, b, FIRST, s));
        for (int i = 0; i < KA; i++)
            for (int j = 0; j < KB; j++) {
                double sum = 0, squares = 0;
                for (int64_t p = 0; p < B; p++) {
                    double x[N + 1], y[N + 1];
                    for (int64_t t = FIRST; t <= N; t++) {
                        x[t - FIRST] = a[(p * (N + 1) + t) * KA + i] - target_of(batch, p, t);
                        y[t - FIRST] = b[(p * (N + 1) + t) * KB + j] - target_of(batch, p, t);
                    }
                    double c = cosine(N + 1 - FIRST, x, y);
                    sum += c / B;
                    squares += c * c / B;
                }
                double error = sqrt((squares - sum * sum) / (B - 1));
                ASSERT_CLOSE(s[i * KB + j].value, sum, TOL_ALGEBRA(B, 1), 1);
                ASSERT_CLOSE(s[i * KB + j].standard_error, error, 1e-10, 1);
                if (threads == 1)
                    first[i * KB + j] = s[i * KB + j].value;
                ck_assert(first[i * KB + j] == s[i * KB + j].value);
            }
        icl_batch_free(batch);
        icl_context_free(context);
    }
}
END_TEST

/* One with itself, 0 with what makes no error, 1 of two that make none. */
START_TEST(test_error_similarity_at_the_edges) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0, 20);
    double a[20 * (N + 1)], exact[20 * (N + 1)], far[20 * (N + 1)];
    icl_estimate s;
    fill_normal(context, 1, 20 * (N + 1), a);
    for (int64_t p = 0; p < 20; p++)
        for (int64_t t = 0; t <= N; t++) {
            exact[p * (N + 1) + t] = target_of(batch, p, t);
            far[p * (N + 1) + t] = 1e200 * a[p * (N + 1) + t];
        }
    ASSERT_OK(context, icl_metric_error_similarity(batch, 1, a, 1, a, 0, &s));
    ASSERT_CLOSE(s.value, 1, TOL_ALGEBRA(N, 1), 1);
    ASSERT_OK(context, icl_metric_error_similarity(batch, 1, exact, 1, a, 0, &s));
    ck_assert(s.value == 0);
    ASSERT_OK(context, icl_metric_error_similarity(batch, 1, exact, 1, exact, N, &s));
    ck_assert(s.value == 1 && s.standard_error == 0);
    ASSERT_OK(context, icl_metric_error_similarity(batch, 1, far, 1, far, 0, &s));
    ASSERT_CLOSE(s.value, 1, TOL_ALGEBRA(N, 1), 1);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = 6",
                 icl_metric_error_similarity(batch, 1, a, 1, a, 6, &s));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "similarity",
                 icl_metric_error_similarity(batch, 1, a, 1, a, 0, NULL));
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_weight_similarity) {
    enum { KV = 2, KW = 3 };
    static double v[B * (N + 1) * KV * D], w[B * (N + 1) * KW * D];
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    icl_estimate s[KV * KW];
    fill_normal(context, 1, B * (N + 1) * KV * D, v);
    fill_normal(context, 2, B * (N + 1) * KW * D, w);
    ASSERT_OK(context, icl_metric_weight_similarity(batch, KV, v, KW, w, 2, s));
    for (int i = 0; i < KV; i++)
        for (int j = 0; j < KW; j++) {
            double sum = 0;
            for (int64_t p = 0; p < B; p++)
                for (int64_t t = 2; t <= N; t++)
                    sum += cosine(D, v + ((p * (N + 1) + t) * KV + i) * D,
                                  w + ((p * (N + 1) + t) * KW + j) * D) /
                           (B * (N - 1));
            ASSERT_CLOSE(s[i * KW + j].value, sum, TOL_ALGEBRA(B, 1), 1);
        }
    ASSERT_OK(context, icl_metric_weight_similarity(batch, KV, v, KV, v, 0, s));
    ASSERT_CLOSE(s[0].value, 1, TOL_ALGEBRA(D, 1), 1);
    ASSERT_CLOSE(s[3].value, 1, TOL_ALGEBRA(D, 1), 1);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_best_match) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double values[] = {0.1, 0.9, 0.9, 0.5, 0.2, 0.1};
    icl_estimate s[6];
    int64_t match[2];
    for (int i = 0; i < 6; i++)
        s[i] = (icl_estimate){values[i], 0};
    ASSERT_OK(context, icl_metric_best_match(context, 2, 3, s, match));
    ck_assert(match[0] == 1 && match[1] == 0);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "cols = 0",
                 icl_metric_best_match(context, 2, 0, s, match));
    icl_context_free(context);
}
END_TEST

static icl_status compare(icl_context *context, void *user) {
    (void)user;
    icl_batch_options o;
    icl_batch *batch = NULL;
    double *zero = calloc(64 * 21 * 5, sizeof *zero);
    icl_estimate s;
    icl_status status = icl_batch_options_init(&o, sizeof o);
    if (status == ICL_OK)
        status = icl_batch_create(context, &o, &batch);
    if (status == ICL_OK)
        status = icl_metric_error_similarity(batch, 1, zero, 1, zero, 0, &s);
    if (status == ICL_OK)
        status = icl_metric_weight_similarity(batch, 1, zero, 1, zero, 0, &s);
    icl_batch_free(batch);
    free(zero);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(compare, NULL);
}
END_TEST

RUN_SUITE("metrics_similarity", test_error_similarity_is_its_definition,
          test_error_similarity_at_the_edges, test_weight_similarity, test_best_match,
          test_every_allocation_may_fail)
