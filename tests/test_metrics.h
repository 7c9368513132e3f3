/* Batches for the tests of metrics, and arrays at their prefixes. */
#ifndef ICL_TESTS_TEST_METRICS_H
#define ICL_TESTS_TEST_METRICS_H

#include "support/support.h"

static inline icl_law *metric_law(icl_context *context, int64_t d, int64_t n, double noise) {
    icl_law_options o;
    icl_law *law;
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    o.dim = d;
    o.context = n;
    o.noise = noise;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    return law;
}

static inline icl_batch *metric_batch(icl_context *context, int64_t d, int64_t n, double noise,
                                      int64_t prompts) {
    icl_law *law = metric_law(context, d, n, noise);
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_create(context, law, 6, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, 2, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_sampler_free(sampler);
    icl_law_free(law);
    return batch;
}

/* The target of prefix t by its definition. */
static inline double target_of(const icl_batch *batch, int64_t p, int64_t t) {
    int64_t n = icl_batch_context(batch), q = icl_batch_queries(batch);
    return t < n ? icl_batch_y(batch)[p * n + t] : icl_batch_target(batch)[p * q];
}

static inline icl_solver *metric_solver(icl_context *context, icl_method method, int64_t d,
                                        int64_t steps, double step) {
    icl_solver_options o;
    icl_solver *solver;
    ASSERT_OK(context, icl_solver_options_init(&o, sizeof o));
    o.method = method;
    o.dim = d;
    o.steps = steps;
    o.step = step;
    ASSERT_OK(context, icl_solver_create(context, &o, &solver));
    return solver;
}

#endif
