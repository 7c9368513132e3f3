/* A run: steps until a stop. */
#include <string.h>

#include "train/trainer.h"

/* Why the run should end after this step; NONE if it should not. */
static icl_stop stop_of(const icl_trainer *t, const icl_step_report *done, double started) {
    const icl_trainer_options *o = &t->options;
    int fixed = o->on != ICL_TRAIN_FRESH;
    if (o->gradient_tolerance > 0 && t->report.gradient_norm <= o->gradient_tolerance)
        return ICL_STOP_GRADIENT;
    if (o->excess_tolerance > 0 && t->report.excess <= o->excess_tolerance)
        return ICL_STOP_EXCESS;
    if (fixed && done->stop != ICL_STOP_NONE)
        return done->stop;
    if (t->run_steps >= o->steps)
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
        if (t->model->trained[i])
            t->model->parameters[i] = t->mean[i] / (double)t->averaged;
    return t->population != NULL ? icl_trainer_excess(t, t->model, &t->report.excess, NULL)
                                 : ICL_OK;
}

static void begin(icl_trainer *t) {
    if (t->running)
        return;
    t->running = 1;
    t->run_steps = t->averaged = 0;
    memset(t->mean, 0, (size_t)t->model->count * sizeof *t->mean);
}

/* One step of the run, and whoever wants to hear of it. */
static icl_status advance(icl_trainer *t, double started) {
    const icl_trainer_options *o = &t->options;
    icl_step_report done;
    ICL_TRY(icl_trainer_timed_step(t, &done));
    t->run_steps++;
    if (t->run_steps > o->steps - o->average)
        add_to_mean(t);
    icl_stop stop = stop_of(t, &done, started);
    if (o->progress != NULL && (t->report.step % o->report_every == 0 || stop != ICL_STOP_NONE) &&
        o->progress(&t->report, o->progress_user) != 0 && stop == ICL_STOP_NONE)
        stop = ICL_STOP_CALLBACK;
    t->report.stop = stop;
    return ICL_OK;
}

static icl_status save(const icl_trainer *t) {
    return t->checkpoint != NULL ? icl_trainer_write(t, "icl_trainer_run", t->checkpoint) : ICL_OK;
}

static icl_status go_on(icl_trainer *t) {
    double started = icl_clock();
    while (t->report.stop == ICL_STOP_NONE) {
        ICL_TRY(advance(t, started));
        if (t->report.stop == ICL_STOP_NONE && t->report.step % t->options.checkpoint_every == 0)
            ICL_TRY(save(t));
    }
    return ICL_OK;
}

/* Writes the end of a run; where that fails, another icl_trainer_run tries again. */
static icl_status save_end(icl_trainer *t) {
    t->unsaved = 1;
    ICL_TRY(save(t));
    t->unsaved = 0;
    return ICL_OK;
}

/* A run that was interrupted is saved as one that goes on. */
static icl_status end(icl_trainer *t) {
    int interrupted = t->report.stop == ICL_STOP_TIME || t->report.stop == ICL_STOP_CALLBACK;
    if (interrupted)
        ICL_TRY(save(t));
    t->running = 0;
    ICL_TRY(take_mean(t));
    return interrupted ? ICL_OK : save_end(t);
}

static icl_status run(icl_trainer *t) {
    begin(t);
    t->report.stop = t->run_steps < t->options.steps ? ICL_STOP_NONE : ICL_STOP_STEPS;
    icl_status status = go_on(t);
    if (status == ICL_OK)
        return end(t);
    if (status != ICL_ERR_IO)
        t->running = 0;
    return status;
}

icl_status icl_trainer_run(icl_trainer *trainer, icl_train_report *report) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    icl_trainer *t = trainer;
    icl_status status = t->unsaved ? save_end(t) : run(t);
    if (report != NULL && (status == ICL_OK || status == ICL_ERR_DIVERGED))
        *report = t->report;
    return status;
}
