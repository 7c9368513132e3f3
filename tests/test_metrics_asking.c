/* Order sensitivity, forgetting, induced weights, spans: of solvers, of models, of a callback. */
#include "test_metrics.h"

enum { B = 40, N = 6, D = 4 };

/* What depends on the order and on nothing else: the last label. */
static icl_status last_label(const void *self, const icl_batch *batch, double *prediction) {
    (void)self;
    int64_t n = icl_batch_context(batch), q = icl_batch_queries(batch);
    for (int64_t i = 0; i < icl_batch_prompts(batch) * q; i++)
        prediction[i] = n > 0 ? icl_batch_y(batch)[(i / q + 1) * n - 1] : 0;
    return ICL_OK;
}

static icl_predictor predictor_of(const icl_solver *solver) {
    icl_predictor p;
    ck_assert_int_eq(icl_solver_predictor(solver, &p), ICL_OK);
    return p;
}

START_TEST(test_order_sensitivity) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    const icl_method methods[] = {ICL_METHOD_GD, ICL_METHOD_NEWTON, ICL_METHOD_LEAST_SQUARES};
    icl_estimate os;
    for (int m = 0; m < 3; m++) {
        icl_solver *solver = metric_solver(context, methods[m], D, 5, 0);
        icl_predictor p = predictor_of(solver);
        ASSERT_OK(context, icl_metric_order_sensitivity(&p, batch, 8, 3, &os));
        ck_assert_double_le(os.value, TOL_ALGEBRA(N + D, 1e4));
        icl_solver_free(solver);
    }
    /* the standard deviation of a label drawn from the six, by its definition in the limit */
    icl_predictor last = {.predict = last_label};
    double expected = 0, power = 0;
    for (int64_t p = 0; p < B; p++) {
        const double *y = icl_batch_y(batch) + p * N;
        double mean = 0, square = 0;
        for (int i = 0; i < N; i++) {
            mean += y[i] / N;
            square += y[i] * y[i] / N;
        }
        expected += sqrt(square - mean * mean) / B;
        power += pow(icl_batch_target(batch)[2 * p], 2) / B;
    }
    ASSERT_OK(context, icl_metric_order_sensitivity(&last, batch, 2000, 3, &os));
    ASSERT_CLOSE(os.value, expected / sqrt(power), 0.01, 1); /* 2000 orders: 1.6 % a prompt, B of them */
    icl_estimate again, other;
    ASSERT_OK(context, icl_metric_order_sensitivity(&last, batch, 9, 3, &os));
    ASSERT_OK(context, icl_metric_order_sensitivity(&last, batch, 9, 3, &again));
    ASSERT_OK(context, icl_metric_order_sensitivity(&last, batch, 9, 4, &other));
    ck_assert(os.value == again.value && os.value != other.value);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_order_of_models) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    icl_model_options o;
    icl_model *model;
    icl_predictor p;
    icl_estimate os;
    ASSERT_OK(context, icl_model_options_init(&o, sizeof o));
    o.dim = D;
    o.layers = 3;
    o.sign = -1;
    ASSERT_OK(context, icl_model_create(context, &o, &model));
    ASSERT_OK(context, icl_model_predictor(model, &p));
    ASSERT_OK(context, icl_metric_order_sensitivity(&p, batch, 8, 3, &os));
    ck_assert_double_le(os.value, TOL_ALGEBRA(N + 3 * D, 1));
    icl_model_free(model);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* Least squares fits every example while n <= d, and all alike; a query equal to an example. */
START_TEST(test_forgetting) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, 8, N, 0.5, B);
    icl_solver *least = metric_solver(context, ICL_METHOD_LEAST_SQUARES, 8, 0, 0);
    icl_solver *zero = metric_solver(context, ICL_METHOD_GD, 8, 0, 0.1);
    icl_predictor p = predictor_of(least);
    icl_estimate f[N];
    ASSERT_OK(context, icl_metric_forgetting(&p, batch, f));
    for (int i = 0; i < N; i++)
        ck_assert_double_le(f[i].value, 1e-20);
    p = predictor_of(zero);
    ASSERT_OK(context, icl_metric_forgetting(&p, batch, f));
    for (int64_t i = 0; i < N; i++) {
        double mean = 0;
        for (int64_t k = 0; k < B; k++)
            mean += pow(icl_batch_y(batch)[k * N + i], 2) / B;
        ASSERT_CLOSE(f[i].value, mean, TOL_ALGEBRA(B, 1), mean);
    }
    icl_solver_free(least);
    icl_solver_free(zero);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* A solver's induced weights are its own, and lie in the span of the examples. */
START_TEST(test_induced_weights) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B);
    icl_law *law = metric_law(context, D, N, 0.5);
    const icl_method methods[] = {ICL_METHOD_GD, ICL_METHOD_NEWTON, ICL_METHOD_LEAST_SQUARES};
    double w[B * D], own[B * D], residual[B];
    for (int m = 0; m < 3; m++) {
        icl_solver *solver = metric_solver(context, methods[m], D, 3, 0);
        icl_predictor p = predictor_of(solver);
        ASSERT_OK(context, icl_metric_induced_weights(&p, batch, N, law, 40, 2, w, residual));
        ASSERT_OK(context, icl_solver_solve(solver, batch, own, NULL));
        ck_assert_double_le(relative_difference(B * D, w, own), TOL_ALGEBRA(40, 100));
        for (int i = 0; i < B; i++)
            ck_assert_double_le(residual[i], TOL_ALGEBRA(40, 100));
        for (int64_t t = 0; t < D; t++) {
            ASSERT_OK(context, icl_metric_induced_weights(&p, batch, t, law, 40, 2, w, NULL));
            ASSERT_OK(context, icl_metric_span_residual(batch, t, w, residual));
            for (int i = 0; i < B; i++)
                ck_assert_double_le(residual[i], TOL_ALGEBRA(40, 1e5));
        }
        icl_solver_free(solver);
    }
    /* of weights of their own accord, most of one direction more is outside */
    fill_normal(context, 5, B * D, w);
    ASSERT_OK(context, icl_metric_span_residual(batch, 1, w, residual));
    double mean = 0;
    for (int i = 0; i < B; i++)
        mean += residual[i] * residual[i] / B;
    ASSERT_CLOSE(mean, (D - 1.0) / D, TOL_Z * sqrt(2.0 * (D - 1) / (D * D * (D + 2.0)) / B), 1);
    ASSERT_OK(context, icl_metric_span_residual(batch, N, w, residual));
    for (int i = 0; i < B; i++)
        ck_assert_double_le(residual[i], TOL_ALGEBRA(D, 1));
    icl_law_free(law);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

static icl_status fails(const void *self, const icl_batch *batch, double *prediction) {
    (void)batch;
    (void)prediction;
    return *(const icl_status *)self;
}

START_TEST(test_what_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = metric_batch(context, D, N, 0.5, B), *silent;
    icl_law *law = metric_law(context, D, N, 0), *other = metric_law(context, 3, N, 0);
    icl_status own = ICL_ERR_UNSUPPORTED, fine = ICL_OK;
    icl_predictor p = {.predict = fails, .self = &own};
    icl_estimate e[N];
    double w[B * D], zero[2 * B * N * D] = {0};
    ASSERT_FAILS(context, ICL_ERR_UNSUPPORTED, "the predictor failed",
                 icl_metric_order_sensitivity(&p, batch, 4, 0, e));
    ASSERT_FAILS(context, ICL_ERR_UNSUPPORTED, "the predictor failed",
                 icl_metric_forgetting(&p, batch, e));
    p.self = &fine; /* answers nothing: that shows */
    ASSERT_FAILS(context, ICL_ERR_CALLBACK, "query 0 of prompt 0",
                 icl_metric_induced_weights(&p, batch, 2, law, 8, 0, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "dim 3",
                 icl_metric_induced_weights(&p, batch, 2, other, 8, 0, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "queries = 3",
                 icl_metric_induced_weights(&p, batch, 2, law, 3, 0, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "t = 7",
                 icl_metric_induced_weights(&p, batch, 7, law, 8, 0, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "permutations = 1",
                 icl_metric_order_sensitivity(&p, batch, 1, 0, e));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "predictor",
                 icl_metric_order_sensitivity(NULL, batch, 4, 0, e));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "t = -1", icl_metric_span_residual(batch, -1, w, w));
    ck_assert_int_eq(icl_metric_forgetting(&p, NULL, e), ICL_ERR_ARGUMENT);
    icl_batch_options o;
    ASSERT_OK(context, icl_batch_options_init(&o, sizeof o));
    o.prompts = B;
    o.dim = D;
    o.context = N;
    ASSERT_OK(context, icl_batch_create(context, &o, &silent));
    ASSERT_OK(context, icl_batch_assign(silent, zero, zero, zero, NULL));
    p.predict = last_label;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "targets of the batch are 0",
                 icl_metric_order_sensitivity(&p, silent, 4, 0, e));
    icl_batch_free(silent);
    icl_law_free(law);
    icl_law_free(other);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

static icl_status ask_everything(icl_context *context, void *user) {
    (void)user;
    icl_law_options o;
    icl_law *law = NULL;
    icl_sampler *sampler = NULL;
    icl_batch *batch = NULL;
    icl_estimate e[20];
    double w[64 * 5], residual[64];
    icl_predictor p = {.predict = last_label};
    icl_status status = icl_law_options_init(&o, sizeof o);
    if (status == ICL_OK)
        status = icl_law_create(context, &o, &law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, law, 1, &sampler);
    if (status == ICL_OK)
        status = icl_sampler_batch(sampler, 64, 1, ICL_CONTENTS_ALL, &batch);
    if (status == ICL_OK)
        status = icl_sampler_draw(sampler, 0, batch);
    if (status == ICL_OK)
        status = icl_metric_order_sensitivity(&p, batch, 2, 0, e);
    if (status == ICL_OK)
        status = icl_metric_forgetting(&p, batch, e);
    if (status == ICL_OK)
        status = icl_metric_induced_weights(&p, batch, 3, law, 8, 0, w, residual);
    if (status == ICL_OK)
        status = icl_metric_span_residual(batch, 3, w, residual);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(ask_everything, NULL);
}
END_TEST

RUN_SUITE("metrics_asking", test_order_sensitivity, test_order_of_models, test_forgetting,
          test_induced_weights, test_what_is_refused, test_every_allocation_may_fail)
