/* A trainer with all that it needs. */
#ifndef ICL_TESTS_TEST_TRAIN_H
#define ICL_TESTS_TEST_TRAIN_H

#include "support/support.h"

typedef struct bench {
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_model *model;
    icl_optimiser *optimiser;
    icl_trainer *trainer;
} bench;

typedef struct setting {
    int64_t threads;
    icl_law_options law;
    icl_model_options model;
    icl_optimiser_options optimiser;
    icl_trainer_options trainer;
} setting;

static inline setting defaults(void) {
    setting s = {.threads = 1};
    ck_assert_int_eq(icl_law_options_init(&s.law, sizeof s.law), ICL_OK);
    ck_assert_int_eq(icl_model_options_init(&s.model, sizeof s.model), ICL_OK);
    ck_assert_int_eq(icl_optimiser_options_init(&s.optimiser, sizeof s.optimiser), ICL_OK);
    ck_assert_int_eq(icl_trainer_options_init(&s.trainer, sizeof s.trainer), ICL_OK);
    s.optimiser.rate = 0.01;
    s.trainer.batch = 100;
    s.trainer.steps = 7;
    return s;
}

static inline bench start(const setting *s) {
    bench b = {.context = make_context(s->threads, ICL_ISA_AUTO)};
    setting o = *s;
    o.model.dim = o.law.dim;
    ASSERT_OK(b.context, icl_law_create(b.context, &o.law, &b.law));
    ASSERT_OK(b.context, icl_sampler_create(b.context, b.law, 1, &b.sampler));
    ASSERT_OK(b.context, icl_model_create(b.context, &o.model, &b.model));
    ASSERT_OK(b.context,
              icl_optimiser_create(b.context, &o.optimiser, icl_model_parameter_count(b.model),
                                   &b.optimiser));
    ASSERT_OK(b.context, icl_trainer_create(b.context, b.model, b.optimiser, b.sampler, &o.trainer,
                                            &b.trainer));
    return b;
}

/* In an order that a garbage collector might choose. */
static inline void finish(bench *b) {
    icl_context_free(b->context);
    icl_model_free(b->model);
    icl_law_free(b->law);
    icl_optimiser_free(b->optimiser);
    icl_sampler_free(b->sampler);
    icl_trainer_free(b->trainer);
}

#endif
