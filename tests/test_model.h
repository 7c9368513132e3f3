/* Planted models and prompts for the tests of the one-layer model. */
#ifndef ICL_TESTS_TEST_MODEL_H
#define ICL_TESTS_TEST_MODEL_H

#include "support/support.h"

/* A planted problem: a sampler's batch of any shape and a model with random parameters. */
typedef struct planted {
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    icl_model *model;
} planted;

static inline icl_model *make_model(icl_context *context, int64_t dim, icl_parametrisation parametrisation,
                             int64_t width, int sign) {
    icl_model_options o;
    icl_model *model;
    ASSERT_OK(context, icl_model_options_init(&o, sizeof o));
    o.dim = dim;
    o.parametrisation = parametrisation;
    o.width = width;
    o.sign = sign;
    ASSERT_OK(context, icl_model_create(context, &o, &model));
    return model;
}

static inline void randomise(icl_context *context, icl_model *model, uint64_t seed) {
    int64_t count = icl_model_parameter_count(model);
    double *x = malloc((size_t)count * sizeof *x);
    fill_normal(context, seed, count, x);
    for (int64_t i = 0; i < count; i++)
        x[i] *= 0.5;
    ASSERT_OK(context, icl_model_set_parameters(model, x));
    free(x);
}

static inline planted plant(int64_t threads, icl_isa isa, int64_t dim, int64_t n, int64_t prompts,
                     int64_t queries, icl_parametrisation parametrisation, int64_t width, int sign) {
    planted t = {.context = make_context(threads, isa)};
    icl_law_options o;
    ASSERT_OK(t.context, icl_law_options_init(&o, sizeof o));
    o.dim = dim;
    o.context = n;
    o.noise = 0.25;
    ASSERT_OK(t.context, icl_law_create(t.context, &o, &t.law));
    ASSERT_OK(t.context, icl_sampler_create(t.context, t.law, 3, &t.sampler));
    ASSERT_OK(t.context, icl_sampler_batch(t.sampler, prompts, queries, ICL_CONTENTS_ALL, &t.batch));
    ASSERT_OK(t.context, icl_sampler_draw(t.sampler, 5, t.batch));
    t.model = make_model(t.context, dim, parametrisation, width, sign);
    randomise(t.context, t.model, 11);
    return t;
}

static inline void clear(planted *t) {
    icl_model_free(t->model);
    icl_batch_free(t->batch);
    icl_sampler_free(t->sampler);
    icl_law_free(t->law);
    icl_context_free(t->context);
}

#endif
