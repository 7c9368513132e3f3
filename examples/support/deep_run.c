/* Training deep linear attention, and reading what it computes. */
#include "deep_run.h"

#include <math.h>
#include <stdlib.h>

const char *const DEEP_OPTIMIZERS[] = {"adam", "lbfgs", "sgd", NULL};

static void check(deep_run *run, icl_status status) {
    example_ok(run->e, run->context, status);
}

icl_trainer_options deep_trainer_options(example *e, const deep_settings *settings) {
    icl_trainer_options t;
    example_ok(e, NULL, icl_trainer_options_init(&t, sizeof t));
    t.batch = e->settings.batch;
    t.steps = e->settings.steps;
    t.on = settings->optimizer == DEEP_LBFGS ? ICL_TRAIN_FIXED : ICL_TRAIN_FRESH;
    /* a set is drawn once and used many times: queries cost little there */
    t.queries = settings->optimizer == DEEP_LBFGS ? 4 : 1;
    t.refresh = settings->refresh > 0 ? settings->refresh : 1;
    t.moments = settings->moments;
    t.average = settings->plain ? t.steps / 5 : 0; /* a constant rate never settles */
    t.progress = example_progress;
    t.progress_user = e;
    return t;
}

static void make_law(deep_run *run) {
    const example_settings *s = &run->e->settings;
    icl_law_options law;
    check(run, icl_law_options_init(&law, sizeof law));
    law.dim = s->dim;
    law.context = s->context;
    law.noise = s->noise;
    if (run->settings.spectrum != NULL) {
        law.covariance = ICL_COVARIANCE_SPECTRUM;
        law.covariance_values = run->settings.spectrum;
        law.rotation_seed = s->seed;
        law.prior = ICL_COVARIANCE_INVERSE;
    }
    check(run, icl_law_create(run->context, &law, &run->law));
    check(run, icl_sampler_create(run->context, run->law, s->seed, &run->sampler));
}

static void make_model(deep_run *run) {
    const deep_settings *d = &run->settings;
    icl_model_options model;
    check(run, icl_model_options_init(&model, sizeof model));
    model.dim = run->e->settings.dim;
    model.layers = d->layers;
    model.heads = d->heads;
    model.looped = d->looped;
    model.sign = -1;
    model.form = d->covariate_update ? ICL_FORM_GD_PLUS_PLUS : ICL_FORM_DESCENT;
    /* at d = 1 a balanced start is the same number in every layer, and would stay so */
    int balanced = !d->plain && model.dim > 1;
    model.init = balanced ? ICL_INIT_BALANCED : ICL_INIT_GAUSSIAN;
    model.init_scale = d->plain ? d->start : 0.3 / (double)d->heads;
    model.seed = run->e->settings.seed;
    check(run, icl_model_create(run->context, &model, &run->model));
}

/* Ends of the tensors in the flat vector: each matrix is clipped by itself. */
static void make_optimiser(deep_run *run) {
    const deep_settings *d = &run->settings;
    const example_settings *s = &run->e->settings;
    int64_t tensors = icl_model_tensor_count(run->model),
            *ends = malloc((size_t)tensors * sizeof *ends);
    if (!ends)
        example_refuse(run->e, "out of memory");
    for (int64_t t = 0; t < tensors; t++) {
        icl_tensor tensor;
        check(run, icl_model_tensor(run->model, t, &tensor));
        ends[t] = tensor.offset + tensor.rows * tensor.cols;
    }
    icl_optimiser_options o;
    check(run, icl_optimiser_options_init(&o, sizeof o));
    o.method = d->optimizer == DEEP_LBFGS ? ICL_OPTIMISER_LBFGS
               : d->optimizer == DEEP_SGD ? ICL_OPTIMISER_SGD
                                          : ICL_OPTIMISER_ADAMW;
    o.rate = s->lr;
    o.beta1 = d->beta1;
    o.beta2 = d->beta2;
    o.momentum = 0.9;
    o.history = 50;
    o.clip_block = d->optimizer == DEEP_LBFGS ? 0 : d->clip;
    o.blocks = tensors;
    o.block_ends = ends;
    if (!d->plain) {
        o.schedule = ICL_SCHEDULE_COSINE;
        o.warmup = s->steps / 20;
        o.period = s->steps;
    }
    check(run, icl_optimiser_create(run->context, &o, icl_model_parameter_count(run->model),
                                    &run->optimiser));
    free(ends);
}

void deep_open(deep_run *run, example *e, const deep_settings *settings,
               const icl_trainer_options *options) {
    *run = (deep_run){.e = e, .settings = *settings};
    icl_context_options context;
    example_ok(e, NULL, icl_context_options_init(&context, sizeof context));
    context.threads = e->settings.threads;
    example_ok(e, NULL, icl_context_create(&context, &run->context));
    make_law(run);
    make_model(run);
    make_optimiser(run);
    check(run, icl_trainer_create(run->context, run->model, run->optimiser, run->sampler, options,
                                  &run->trainer));
}

void deep_close(deep_run *run) {
    icl_trainer_free(run->trainer);
    icl_optimiser_free(run->optimiser);
    icl_model_free(run->model);
    icl_sampler_free(run->sampler);
    icl_law_free(run->law);
    icl_context_free(run->context);
}

icl_estimate deep_held_out(deep_run *run) {
    icl_sampler *held_out;
    icl_predictor predictor;
    icl_estimate risk;
    uint64_t seed = (run->e->settings.seed ^ UINT64_C(0x3c6ef372fe94f82a)) & INT64_MAX;
    double dim = (double)run->e->settings.dim;
    int64_t prompts =
        (int64_t)fmin(200000, 4e9 / (dim * dim * (double)(run->e->settings.context + 1)));
    check(run, icl_sampler_create(run->context, run->law, seed, &held_out));
    check(run, icl_model_predictor(run->model, &predictor));
    check(run, icl_predictor_risk(&predictor, 1, held_out, 0, prompts > 1000 ? prompts : 1000, 4,
                                  &risk));
    icl_sampler_free(held_out);
    return risk;
}

void deep_steps(deep_run *run, double *etas, double *whitened, double *plain) {
    int64_t d = run->e->settings.dim;
    double *A = malloc((size_t)(d * d) * sizeof *A);
    if (!A)
        example_refuse(run->e, "out of memory");
    for (int64_t l = 0; l < run->settings.layers; l++) {
        check(run, icl_model_preconditioner(run->model, l, run->law, A));
        check(run, icl_metric_identity_distance(run->context, d, A, &whitened[l], &etas[l]));
        if (!plain)
            continue;
        check(run, icl_model_preconditioner(run->model, l, NULL, A));
        check(run, icl_metric_identity_distance(run->context, d, A, &plain[l], NULL));
    }
    free(A);
}
