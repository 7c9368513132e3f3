/* One step of training: prompts, objective, optimiser, and what became of it. */
#include <math.h>
#include <string.h>

#include "task/batch.h"
#include "task/law.h"
#include "train/trainer.h"

icl_status icl_trainer_excess(icl_trainer *t, const icl_model *model, double *excess,
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
    icl_status status = t->options.on == ICL_TRAIN_POPULATION
                            ? icl_trainer_excess(t, t->trial, value, gradient)
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
    return icl_trainer_excess(t, t->model, &t->report.excess, NULL);
}

/* To the last parameters whose loss is known to be finite. */
static icl_status step_back(icl_trainer *t, const double *x) {
    memcpy(t->model->parameters, x, (size_t)t->model->count * sizeof *x);
    if (t->report.step == 0)
        return icl_fail(t->context, ICL_ERR_DIVERGED,
                        "icl_trainer_step: the loss at the start is not finite");
    return icl_fail(
        t->context, ICL_ERR_DIVERGED,
        "icl_trainer_step: diverged after step %lld (the last finite loss was %g): use a "
        "smaller rate",
        (long long)t->report.step, t->report.loss);
}

/* Unless w ~ N(0, W) the loss of linear labels has no closed form off u = r = 0. */
static icl_status check_even(const icl_trainer *t) {
    const icl_law *law = icl_sampler_law(t->sampler);
    ICL_REQUIRE(t->context,
                t->population == NULL || icl_law_labels(law) != ICL_LABELS_LINEAR ||
                    icl_law_normal_weights(law) || !icl_model_even_trained(t->model),
                ICL_ERR_NO_CLOSED_FORM,
                "icl_trainer_step: with a prior mean or tasks that are not Gaussian the exact loss "
                "wants u = r = 0: set what feeds them untrained");
    return ICL_OK;
}

icl_status icl_trainer_draw(icl_trainer *t) {
    const icl_trainer_options *o = &t->options;
    int64_t set = o->on == ICL_TRAIN_FRESH ? t->report.step / o->refresh : 0;
    if (t->batch == NULL || set == t->drawn)
        return ICL_OK;
    t->drawn = -1;
    int64_t first = o->first + set * o->batch, dims, points;
    ICL_TRY(icl_trainer_curriculum(t, &dims, &points));
    icl_batch_set_context(t->batch, points);
    ICL_TRY(icl_sampler_draw_part(t->sampler, first, dims, o->moments, t->batch));
    t->drawn = set;
    return ICL_OK;
}

/* Weight decay and old momentum move entries without a gradient, too. */
static void keep_untrained(icl_trainer *t) {
    for (int64_t i = 0; i < t->model->count; i++)
        if (!t->model->trained[i])
            t->model->parameters[i] = t->start[i];
}

static icl_status step_once(icl_trainer *t, icl_step_report *done) {
    const icl_trainer_options *o = &t->options;
    int64_t count = t->model->count;
    double *x = t->model->parameters;
    ICL_TRY(check_even(t));
    int fixed = o->on != ICL_TRAIN_FRESH || t->report.step % o->refresh != 0;
    ICL_TRY(icl_trainer_draw(t));
    memcpy(t->start, x, (size_t)count * sizeof *x);
    icl_status status = icl_optimiser_step_on(t->optimiser, objective, t, fixed, x, done);
    if (status == ICL_ERR_DIVERGED)
        return step_back(t, t->previous);
    if (status == ICL_ERR_CALLBACK)
        return icl_fail(t->context, t->failed, "icl_trainer_step: the loss at step %lld: %s",
                        (long long)(t->report.step + 1), icl_status_text(t->failed));
    ICL_TRY(status);
    keep_untrained(t);
    memcpy(t->previous, t->start, (size_t)count * sizeof *x);
    t->report.step++;
    t->report.gradient_norm = done->gradient_norm;
    t->report.loss = t->least_loss + done->value;
    status = update_excess(t);
    return status == ICL_ERR_DIVERGED ? step_back(t, t->start) : status;
}

icl_status icl_trainer_timed_step(icl_trainer *t, icl_step_report *done) {
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
    ICL_TRY(icl_trainer_timed_step(trainer, &done));
    trainer->report.stop = ICL_STOP_NONE;
    trainer->unsaved = 0;
    if (report != NULL)
        *report = trainer->report;
    return ICL_OK;
}
