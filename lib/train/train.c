/* The life of a trainer. */
#include "train/trainer.h"

#include <math.h>
#include <string.h>

static const icl_trainer_options default_options = {.size = sizeof(icl_trainer_options),
                                                    .batch = 4096,
                                                    .queries = 1,
                                                    .steps = 1000,
                                                    .excess_every = 10,
                                                    .report_every = 1,
                                                    .refresh = 1,
                                                    .checkpoint_every = 1000,
                                                    .dims_step = 1,
                                                    .dims_every = 2000,
                                                    .points_step = 2,
                                                    .points_every = 2000};

icl_status icl_trainer_options_init(icl_trainer_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* ---- life ---- */

static icl_status check_options(icl_context *context, const icl_trainer_options *o) {
    const char *function = "icl_trainer_create";
    const int64_t limit = INT64_C(1) << 40;
    ICL_TRY(icl_check_range(context, function, "on", o->on, 0, ICL_TRAIN_POPULATION));
    ICL_TRY(icl_check_range(context, function, "batch", o->batch, 1, INT64_C(1) << 31));
    ICL_TRY(icl_check_range(context, function, "queries", o->queries, 1, 65536));
    ICL_TRY(icl_check_range(context, function, "first", o->first, 0, INT64_C(1) << 61));
    ICL_TRY(icl_check_range(context, function, "steps", o->steps, 0, limit));
    ICL_TRY(icl_check_real(context, function, "seconds", o->seconds, 0));
    ICL_TRY(icl_check_real(context, function, "gradient_tolerance", o->gradient_tolerance, 0));
    ICL_TRY(icl_check_real(context, function, "excess_tolerance", o->excess_tolerance, 0));
    ICL_TRY(icl_check_range(context, function, "excess_every", o->excess_every, 1, limit));
    ICL_TRY(icl_check_range(context, function, "average", o->average, 0, limit));
    ICL_TRY(icl_check_range(context, function, "refresh", o->refresh, 1, limit));
    ICL_TRY(icl_check_range(context, function, "moments", o->moments, 0, 1));
    ICL_TRY(icl_check_range(context, function, "checkpoint_every", o->checkpoint_every, 1, limit));
    return icl_check_range(context, function, "report_every", o->report_every, 1, limit);
}

static icl_status check_trained(icl_context *context, const icl_model *model) {
    ICL_REQUIRE(context, memchr(model->trained, 1, (size_t)model->count) != NULL, ICL_ERR_ARGUMENT,
                "icl_trainer_create: the model's masks leave nothing to train");
    return ICL_OK;
}

static icl_status check_fit(icl_context *context, const icl_model *model,
                            const icl_optimiser *optimiser, const icl_sampler *sampler) {
    int64_t dim = icl_law_dim(icl_sampler_law(sampler)), count = icl_optimiser_count(optimiser);
    ICL_REQUIRE(context, dim == model->dim, ICL_ERR_SHAPE,
                "icl_trainer_create: the sampler has dim %lld, the model %lld", (long long)dim,
                (long long)model->dim);
    ICL_REQUIRE(context, count == model->count, ICL_ERR_SHAPE,
                "icl_trainer_create: the optimiser has %lld parameters, the model %lld",
                (long long)count, (long long)model->count);
    return ICL_OK;
}

/* Loss and excess at the best point that a model of this inner width can reach. */
static icl_status find_least(icl_trainer *t, const icl_law *law) {
    int64_t d = t->model->dim, width = t->model->width;
    icl_optimum full = {.size = sizeof full}, limited = {.size = sizeof limited};
    ICL_TRY(icl_theory_optimum(law, NULL, d, NULL, &full));
    ICL_TRY(icl_theory_optimum(law, NULL, width < d ? width : d, NULL, &limited));
    t->excess_offset = limited.risk - full.risk;
    if (t->options.on == ICL_TRAIN_POPULATION)
        t->least_loss = limited.risk;
    return ICL_OK;
}

static icl_status prepare(icl_trainer *t) {
    const icl_trainer_options *o = &t->options;
    const icl_law *law = icl_sampler_law(t->sampler);
    int64_t size = (t->model->dim + 1) * (t->model->dim + 1), count = t->model->count;
    if (o->on == ICL_TRAIN_POPULATION || o->excess_tolerance > 0)
        ICL_TRY(icl_model_check_single(t->model, "icl_trainer_create"));
    ICL_TRY(icl_model_clone(t->model, &t->trial));
    ICL_TRY(ICL_NEW(t->context, &t->readout, 2 * size));
    ICL_TRY(ICL_NEW(t->context, &t->start, count));
    ICL_TRY(ICL_NEW(t->context, &t->previous, count));
    ICL_TRY(ICL_NEW(t->context, &t->mean, count));
    memcpy(t->previous, t->model->parameters, (size_t)count * sizeof(double));
    if (o->on == ICL_TRAIN_POPULATION || o->excess_tolerance > 0) {
        ICL_TRY(icl_population_create(law, &t->population));
        ICL_TRY(find_least(t, law));
    }
    if (o->checkpoint != NULL) {
        size_t length = strlen(o->checkpoint) + 1;
        ICL_TRY(ICL_NEW(t->context, &t->checkpoint, length));
        t->options.checkpoint = memcpy(t->checkpoint, o->checkpoint, length);
    }
    if (o->on == ICL_TRAIN_POPULATION)
        return ICL_OK;
    ICL_TRY(icl_sampler_batch(t->sampler, o->batch, o->queries, 0, &t->batch));
    ICL_TRY(icl_model_workspace_create(t->model, o->batch, o->queries, &t->workspace));
    return icl_trainer_draw(t);
}

icl_status icl_trainer_create(icl_context *context, icl_model *model, icl_optimiser *optimiser,
                              const icl_sampler *sampler, const icl_trainer_options *options,
                              icl_trainer **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    ICL_REQUIRE_POINTER(context, model);
    ICL_REQUIRE_POINTER(context, optimiser);
    ICL_REQUIRE_POINTER(context, sampler);
    icl_trainer_options o = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    ICL_TRY(check_options(context, &o));
    ICL_TRY(check_fit(context, model, optimiser, sampler));
    ICL_TRY(icl_trainer_check_curriculum(context, &o, icl_sampler_law(sampler)));
    ICL_TRY(check_trained(context, model));
    icl_trainer *t;
    ICL_TRY(ICL_NEW(context, &t, 1));
    *t = (icl_trainer){.context = icl_context_retain(context),
                       .model = model,
                       .optimiser = optimiser,
                       .sampler = sampler,
                       .options = o,
                       .drawn = -1,
                       .report = {.loss = NAN, .gradient_norm = NAN, .excess = NAN}};
    icl_status status = prepare(t);
    if (status != ICL_OK) {
        icl_trainer_free(t);
        return status;
    }
    *out = t;
    return ICL_OK;
}

void icl_trainer_free(icl_trainer *trainer) {
    if (trainer == NULL)
        return;
    icl_context *context = trainer->context;
    if (trainer->trial != NULL)
        icl_model_workspace_free(trainer->trial, &trainer->workspace);
    icl_model_free(trainer->trial);
    icl_batch_free(trainer->batch);
    icl_population_free(trainer->population);
    icl_dealloc(context, trainer->readout);
    icl_dealloc(context, trainer->start);
    icl_dealloc(context, trainer->previous);
    icl_dealloc(context, trainer->mean);
    icl_dealloc(context, trainer->checkpoint);
    icl_dealloc(context, trainer);
    icl_context_free(context);
}

icl_status icl_trainer_state(const icl_trainer *trainer, icl_train_report *report) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(trainer->context, report);
    *report = trainer->report;
    return ICL_OK;
}
