/* Finite inputs whose squares are not: refused by name with nothing written, or done without them.
 */
#include "test_metrics.h"

enum { B = 6, N = 3, D = 3 };

/* y_1 times a great number, linear in the query. */
static icl_status great_answers(const void *self, const icl_batch *batch, double *prediction) {
    const double *size = self;
    int64_t q = icl_batch_queries(batch), d = icl_batch_dim(batch);
    for (int64_t i = 0; i < icl_batch_prompts(batch) * q; i++)
        prediction[i] = *size * icl_batch_query(batch)[i * d];
    return ICL_OK;
}

static void assert_untouched(int64_t count, const icl_estimate *e) {
    for (int64_t i = 0; i < count; i++)
        ck_assert(e[i].value == 7 && e[i].standard_error == 8);
}

#define REFUSES(count, e, call)                                                                    \
    for (int i_ = 0; i_ < (count); i_++)                                                           \
        (e)[i_] = (icl_estimate){7, 8};                                                            \
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflow", call);                                     \
    assert_untouched(count, e)

START_TEST(test_errors_refuse) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    double a[B * (N + 1)] = {0}, zero[B * (N + 1)] = {0}, v[B * D] = {0}, w[B * D] = {0};
    icl_estimate e[N + 1];
    const double sizes[] = {1e160, 1e200, DBL_MAX};
    for (int i = 0; i < 3; i++) {
        a[B * (N + 1) - 1] = w[B * D - 1] = sizes[i]; /* the last entry of all */
        REFUSES(N + 1, e, icl_metric_errors(batch, 1, a, 1, e));
        REFUSES(N + 1, e, icl_metric_excess(batch, a, zero, 1, e));
        REFUSES(1, e, icl_metric_prediction_distance(batch, a, zero, N, N, e));
        REFUSES(1, e, icl_metric_weight_distance(batch, v, w, e));
        icl_predictor p = {.predict = great_answers, .self = &sizes[i % 2]}; /* finite answers */
        REFUSES(N, e, icl_metric_forgetting(&p, batch, e));
        ASSERT_OK(context, icl_metric_error_similarity(batch, 1, a, 1, a, 0, e));
        ASSERT_CLOSE(e[0].value, 1, TOL_ALGEBRA(N, 1), 1);
    }
    const double values[3] = {1e308, 1e308, 1e308};
    double low = 7, high = 8;
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflow",
                 icl_metric_bootstrap(context, 3, values, 0.9, 10, 0, &low, &high));
    ck_assert(low == 7 && high == 8);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* A solver whose step is absurd keeps its last finite w; its errors are refused, not NaN. */
START_TEST(test_a_solver_that_diverges) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    icl_solver *solver = metric_solver(context, ICL_METHOD_GD, D, 50, 1e300);
    double answers[B * (N + 1)], *out[1] = {answers};
    icl_estimate e[N + 1];
    ASSERT_OK(context, icl_solver_prefixes((const icl_solver *const[]){solver}, 1, batch, NULL, out,
                                           NULL, NULL));
    REFUSES(N + 1, e, icl_metric_errors(batch, 1, answers, 1, e));
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* Ratios need no squares of that size. */
START_TEST(test_ratios_of_great_and_small) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law *law = metric_law(context, D, N, 0);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    const double sizes[] = {1e-300, 1e-170, 1, 1e100, 1e160, 1e300};
    double w[B * D], plain[B], found[B], expected[B * D], distance, scale, cosine, M[4], p[3];
    fill_normal(context, 1, B * D, expected);
    ASSERT_OK(context, icl_metric_span_residual(batch, 2, expected, plain));
    for (int i = 0; i < 6; i++) {
        double size = sizes[i];
        for (int e = 0; e < B * D; e++)
            w[e] = size * expected[e];
        ASSERT_OK(context, icl_metric_span_residual(batch, 2, w, found));
        for (int k = 0; k < B; k++)
            ASSERT_CLOSE(found[k], plain[k], TOL_ALGEBRA(D, 100), 1);
        icl_predictor predictor = {.predict = great_answers, .self = &size};
        ASSERT_OK(context, icl_metric_induced_weights(&predictor, batch, 1, law, 5, 3, w, found));
        for (int k = 0; k < B; k++) {
            ASSERT_CLOSE(w[k * D] / size, 1, TOL_ALGEBRA(D, 1000), 1);
            ck_assert_double_le(found[k], TOL_ALGEBRA(D, 1000));
        }
        M[0] = M[3] = size;
        M[1] = M[2] = 0;
        ASSERT_OK(context, icl_metric_identity_distance(context, 2, M, &distance, &scale));
        ck_assert(distance == 0 && scale == size);
        for (int e = 0; e < 3; e++)
            p[e] = (e + 1) * 0.1 * size;
        ASSERT_OK(context, icl_metric_overlap(context, 3, p, p, 2, NULL, &cosine));
        ASSERT_CLOSE(cosine, 1, 4 * DBL_EPSILON, 1);
    }
    M[0] = M[3] = DBL_MAX;
    ASSERT_OK(context, icl_metric_identity_distance(context, 2, M, &distance, &scale));
    ck_assert(distance == 0 && scale == DBL_MAX);
    icl_batch_free(batch);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_matches_and_lines_refuse) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const icl_estimate similarity[3] = {{0.5, 0}, {NAN, 0}, {0.9, 0}};
    const double x[3] = {1, 2, 3}, y[3] = {1e200, -1e200, 0};
    int64_t match = 5;
    icl_line_fit fit = {.slope = 7};
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "similarity[1]",
                 icl_metric_best_match(context, 1, 3, similarity, &match));
    ck_assert_int_eq(match, 5);
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflow", icl_metric_line(context, 3, x, y, &fit));
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflow", icl_metric_line(context, 3, y, x, &fit));
    ck_assert(fit.slope == 7);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("metrics_overflow", test_errors_refuse, test_a_solver_that_diverges,
          test_ratios_of_great_and_small, test_matches_and_lines_refuse)
