/* The training loop. */
#include <math.h>
#include <string.h>

#include <icl/train.h>

#include "model/workspace.h"
#include "optim/optimiser.h"

struct icl_trainer {
    icl_context *context;
    icl_model *model;         /* borrowed, as the next two */
    icl_optimiser *optimiser;
    const icl_sampler *sampler;
    icl_trainer_options options;
    icl_model *trial; /* the model at the points that a search tries */
    icl_batch *batch; /* NULL on the population */
    icl_model_workspace workspace;
    icl_population *population; /* NULL where no excess is wanted */
    double excess_offset;       /* excess at the best point of the model's rank */
    double least_loss;          /* on the population: the loss there; else 0 */
    double *readout;            /* p, Q of a point and the gradients of both */
    double *start;              /* parameters that this step starts from */
    double *previous;           /* the last parameters whose loss is known to be finite */
    double *mean;               /* sum of the averaged parameters */
    int64_t averaged;           /* terms in it */
    icl_status failed;          /* of the objective, where it is no divergence */
    icl_train_report report;
};

static const icl_trainer_options default_options = {.size = sizeof(icl_trainer_options),
                                                    .batch = 4096,
                                                    .queries = 1,
                                                    .steps = 1000,
                                                    .excess_every = 10,
                                                    .report_every = 1};

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
    return icl_check_range(context, function, "report_every", o->report_every, 1, limit);
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
    if (o->on == ICL_TRAIN_POPULATION)
        return ICL_OK;
    ICL_TRY(icl_sampler_batch(t->sampler, o->batch, o->queries, 0, &t->batch));
    ICL_TRY(icl_model_workspace_create(t->model, o->batch, o->queries, &t->workspace));
    return icl_sampler_draw(t->sampler, o->first, t->batch);
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
    icl_trainer *t;
    ICL_TRY(ICL_NEW(context, &t, 1));
    *t = (icl_trainer){.context = icl_context_retain(context),
                       .model = model,
                       .optimiser = optimiser,
                       .sampler = sampler,
                       .options = o,
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
    icl_dealloc(context, trainer);
    icl_context_free(context);
}

/* ---- one step ---- */

/* Excess of `model` over the best of its rank, and the gradient of the loss or NULL. */
static icl_status population_excess(icl_trainer *t, const icl_model *model, double *excess,
                                    double *gradient) {
    int64_t d = model->dim, D = d + 1;
    double *p = t->readout, *Q = p + D, *gp = p + D * D, *gQ = gp + D;
    icl_model_readout(model, p, Q);
    int want = gradient != NULL;
    ICL_TRY(icl_population_evaluate(t->population, p, p[d], Q, Q + d * d, NULL, excess,
                                    want ? gp : NULL, want ? gp + d : NULL, want ? gQ : NULL,
                                    want ? gQ + d * d : NULL));
    if (want)
        icl_model_readout_pullback(model, gp, gQ, gradient);
    *excess -= t->excess_offset;
    return ICL_OK;
}

/* What the optimiser sees. On the population the value is the excess, which is exact however
 * small, while the loss has a rounding floor. */
static int objective(const double *x, double *value, double *gradient, void *user) {
    icl_trainer *t = user;
    memcpy(t->trial->parameters, x, (size_t)t->model->count * sizeof *x);
    memcpy(t->trial->trained, t->model->trained, (size_t)t->model->count);
    icl_status status =
        t->options.on == ICL_TRAIN_POPULATION
            ? population_excess(t, t->trial, value, gradient)
            : icl_model_loss_in(t->trial, t->batch, &t->workspace, value, gradient);
    if (status == ICL_ERR_DIVERGED || status == ICL_ERR_NONFINITE) {
        *value = NAN;
        memset(gradient, 0, (size_t)t->model->count * sizeof *gradient);
        return 0;
    }
    t->failed = status;
    return status != ICL_OK;
}

/* The excess where it is known or due. */
static icl_status update_excess(icl_trainer *t) {
    if (t->population == NULL)
        return ICL_OK;
    if (t->options.on != ICL_TRAIN_POPULATION && t->report.step % t->options.excess_every != 0)
        return ICL_OK;
    return population_excess(t, t->model, &t->report.excess, NULL);
}

/* To the last parameters whose loss is known to be finite. */
static icl_status step_back(icl_trainer *t, const double *x) {
    memcpy(t->model->parameters, x, (size_t)t->model->count * sizeof *x);
    if (t->report.step == 0)
        return icl_fail(t->context, ICL_ERR_DIVERGED,
                        "icl_trainer_step: the loss at the start is not finite");
    return icl_fail(t->context, ICL_ERR_DIVERGED,
                    "icl_trainer_step: diverged after step %lld (the last finite loss was %g): use a "
                    "smaller rate",
                    (long long)t->report.step, t->report.loss);
}

/* With a prior mean the loss has no closed form off u = r = 0, nor its gradient there. */
static icl_status check_even(const icl_trainer *t) {
    const icl_law *law = icl_sampler_law(t->sampler);
    ICL_REQUIRE(t->context,
                t->population == NULL || icl_law_prior_mean(law) == NULL ||
                    !icl_model_even_trained(t->model),
                ICL_ERR_NO_CLOSED_FORM,
                "icl_trainer_step: with a prior mean the exact loss wants u = r = 0: set what feeds "
                "them untrained");
    return ICL_OK;
}

static icl_status step_once(icl_trainer *t, icl_step_report *done) {
    const icl_trainer_options *o = &t->options;
    int64_t count = t->model->count;
    double *x = t->model->parameters;
    ICL_TRY(check_even(t));
    if (o->on == ICL_TRAIN_FRESH)
        ICL_TRY(icl_sampler_draw(t->sampler, o->first + t->report.step * o->batch, t->batch));
    memcpy(t->start, x, (size_t)count * sizeof *x);
    icl_status status = icl_optimiser_step_on(t->optimiser, objective, t,
                                              o->on != ICL_TRAIN_FRESH, x, done);
    if (status == ICL_ERR_DIVERGED)
        return step_back(t, t->previous);
    if (status == ICL_ERR_CALLBACK)
        return icl_fail(t->context, t->failed, "icl_trainer_step: the loss at step %lld: %s",
                        (long long)(t->report.step + 1), icl_status_text(t->failed));
    ICL_TRY(status);
    memcpy(t->previous, t->start, (size_t)count * sizeof *x);
    t->report.step++;
    t->report.gradient_norm = done->gradient_norm;
    t->report.loss = t->least_loss + done->value;
    status = update_excess(t);
    return status == ICL_ERR_DIVERGED ? step_back(t, t->start) : status;
}

static icl_status timed_step(icl_trainer *t, icl_step_report *done) {
    double start = icl_clock();
    *done = (icl_step_report){0};
    icl_status status = step_once(t, done);
    t->report.seconds += icl_clock() - start;
    if (status == ICL_ERR_DIVERGED)
        t->report.stop = ICL_STOP_DIVERGED;
    return status;
}

icl_status icl_trainer_step(icl_trainer *trainer, icl_train_report *report) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    icl_step_report done;
    ICL_TRY(timed_step(trainer, &done));
    trainer->report.stop = ICL_STOP_NONE;
    if (report != NULL)
        *report = trainer->report;
    return ICL_OK;
}

/* ---- a run ---- */

/* Why the run should end after this step; NONE if it should not. */
static icl_stop stop_of(const icl_trainer *t, const icl_step_report *done, int64_t steps,
                        double started) {
    const icl_trainer_options *o = &t->options;
    int fixed = o->on != ICL_TRAIN_FRESH;
    if (o->gradient_tolerance > 0 && t->report.gradient_norm <= o->gradient_tolerance)
        return ICL_STOP_GRADIENT;
    if (o->excess_tolerance > 0 && t->report.excess <= o->excess_tolerance)
        return ICL_STOP_EXCESS;
    if (fixed && done->stop != ICL_STOP_NONE)
        return done->stop;
    if (steps >= o->steps)
        return ICL_STOP_STEPS;
    if (o->seconds > 0 && icl_clock() - started >= o->seconds)
        return ICL_STOP_TIME;
    return ICL_STOP_NONE;
}

static void add_to_mean(icl_trainer *t) {
    for (int64_t i = 0; i < t->model->count; i++)
        t->mean[i] += t->model->parameters[i];
    t->averaged++;
}

static icl_status take_mean(icl_trainer *t) {
    if (t->averaged == 0)
        return ICL_OK;
    for (int64_t i = 0; i < t->model->count; i++)
        t->model->parameters[i] = t->mean[i] / (double)t->averaged;
    return t->population != NULL ? population_excess(t, t->model, &t->report.excess, NULL) : ICL_OK;
}

icl_status icl_trainer_run(icl_trainer *trainer, icl_train_report *report) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    icl_trainer *t = trainer;
    const icl_trainer_options *o = &t->options;
    double started = icl_clock();
    icl_status status = ICL_OK;
    t->averaged = 0;
    memset(t->mean, 0, (size_t)t->model->count * sizeof *t->mean);
    t->report.stop = o->steps > 0 ? ICL_STOP_NONE : ICL_STOP_STEPS;
    for (int64_t steps = 1; t->report.stop == ICL_STOP_NONE; steps++) {
        icl_step_report done;
        status = timed_step(t, &done);
        if (status != ICL_OK)
            break;
        if (steps > o->steps - o->average)
            add_to_mean(t);
        icl_stop stop = stop_of(t, &done, steps, started);
        if (o->progress != NULL && (t->report.step % o->report_every == 0 || stop != ICL_STOP_NONE) &&
            o->progress(&t->report, o->progress_user) != 0 && stop == ICL_STOP_NONE)
            stop = ICL_STOP_CALLBACK;
        t->report.stop = stop;
    }
    if (status == ICL_OK)
        status = take_mean(t);
    if (report != NULL && (status == ICL_OK || status == ICL_ERR_DIVERGED))
        *report = t->report;
    return status;
}

icl_status icl_trainer_state(const icl_trainer *trainer, icl_train_report *report) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(trainer->context, report);
    *report = trainer->report;
    return ICL_OK;
}
