/* The trainer: against a loop that the host drives, every stop, divergence, threads, bad input. */
#include "test_train.h"

START_TEST(test_run_is_the_loop_that_a_host_writes) {
    for (int way = 0; way < 4; way++) { /* fresh, a fixed set, a set for three steps, moments */
        int on = way == 1 ? ICL_TRAIN_FIXED : ICL_TRAIN_FRESH;
        setting s = defaults();
        s.trainer.on = (icl_train_on)on;
        s.trainer.refresh = way == 2 ? 3 : 1;
        s.trainer.moments = way == 3;
        s.trainer.first = 1000;
        s.trainer.queries = 2;
        s.law.noise = 0.5;
        bench b = start(&s);
        icl_train_report report;
        ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
        ck_assert_int_eq(report.step, 7);
        ck_assert_int_eq(report.stop, ICL_STOP_STEPS);

        icl_model *model;
        icl_optimiser *adam;
        icl_batch *batch;
        int64_t count = icl_model_parameter_count(b.model);
        ASSERT_OK(b.context, icl_model_create(b.context, &s.model, &model));
        ASSERT_OK(b.context, icl_optimiser_create(b.context, &s.optimiser, count, &adam));
        ASSERT_OK(b.context, icl_sampler_batch(b.sampler, 100, 2, 0, &batch));
        double *x = malloc((size_t)(2 * count) * sizeof *x), *gradient = x + count, loss = 0;
        for (int step = 0; step < 7; step++) {
            int64_t set = on == ICL_TRAIN_FRESH ? step / s.trainer.refresh : 0;
            int64_t first = 1000 + 100 * set;
            ASSERT_OK(b.context, way == 3 ? icl_sampler_draw_moments(b.sampler, first, batch)
                                          : icl_sampler_draw(b.sampler, first, batch));
            ASSERT_OK(b.context, icl_model_loss(model, batch, &loss, gradient));
            memcpy(x, icl_model_parameters(model), (size_t)count * sizeof *x);
            ASSERT_OK(b.context, icl_optimiser_update(adam, gradient, x));
            ASSERT_OK(b.context, icl_model_set_parameters(model, x));
        }
        ck_assert_mem_eq(icl_model_parameters(b.model), icl_model_parameters(model),
                         (size_t)count * sizeof *x);
        ck_assert(report.loss == loss);
        free(x);
        icl_batch_free(batch);
        icl_optimiser_free(adam);
        icl_model_free(model);
        finish(&b);
    }
}
END_TEST

START_TEST(test_steps_and_runs_are_the_same) {
    setting s = defaults();
    bench a = start(&s), b = start(&s);
    icl_train_report report;
    ASSERT_OK(a.context, icl_trainer_run(a.trainer, NULL));
    ASSERT_OK(a.context, icl_trainer_run(a.trainer, &report));
    ck_assert_int_eq(report.step, 14);
    for (int i = 0; i < 14; i++)
        ASSERT_OK(b.context, icl_trainer_step(b.trainer, &report));
    ck_assert_int_eq(report.step, 14);
    ck_assert_mem_eq(icl_model_parameters(a.model), icl_model_parameters(b.model),
                     72 * sizeof(double));
    finish(&a);
    finish(&b);
}
END_TEST

START_TEST(test_threads_change_no_bit) {
    setting s = defaults();
    s.trainer.batch = 1000;
    s.law.noise = 0.1;
    double x[72], y[72];
    const int64_t threads[] = {1, 2, 3, 7};
    for (int i = 0; i < 4; i++) {
        s.threads = threads[i];
        bench b = start(&s);
        ASSERT_OK(b.context, icl_trainer_run(b.trainer, NULL));
        memcpy(y, icl_model_parameters(b.model), sizeof y);
        if (i == 0)
            memcpy(x, y, sizeof x);
        ck_assert_mem_eq(x, y, sizeof x);
        finish(&b);
    }
}
END_TEST

typedef struct listener {
    int64_t calls, last, stop_at;
} listener;

static int listen(const icl_train_report *report, void *user) {
    listener *l = user;
    l->calls++;
    l->last = report->step;
    ck_assert(isfinite(report->loss) && report->gradient_norm > 0);
    return report->step == l->stop_at;
}

START_TEST(test_the_host_stops_a_run) {
    setting s = defaults();
    listener l = {.stop_at = 4};
    s.trainer.progress = listen;
    s.trainer.progress_user = &l;
    s.trainer.report_every = 2;
    bench b = start(&s);
    icl_train_report report;
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ck_assert_int_eq(report.stop, ICL_STOP_CALLBACK);
    ck_assert_int_eq(report.step, 4);
    ck_assert_int_eq(l.calls, 2);
    /* and may go on: 7 more steps */
    l.stop_at = 0;
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ck_assert_int_eq(report.step, 11);
    ck_assert_int_eq(l.last, 11);
    finish(&b);
}
END_TEST

START_TEST(test_time_limit) {
    setting s = defaults();
    s.trainer.steps = INT64_C(1) << 40;
    s.trainer.seconds = 0.05;
    bench b = start(&s);
    icl_train_report report;
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ck_assert_int_eq(report.stop, ICL_STOP_TIME);
    ck_assert_double_gt(report.seconds, 0);
    finish(&b);
}
END_TEST

START_TEST(test_no_steps) {
    setting s = defaults();
    s.trainer.steps = 0;
    bench b = start(&s);
    icl_train_report report;
    ASSERT_OK(b.context, icl_trainer_state(b.trainer, &report));
    ck_assert_int_eq(report.stop, ICL_STOP_NONE);
    ck_assert(isnan(report.loss));
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
    ck_assert_int_eq(report.step, 0);
    finish(&b);
}
END_TEST

START_TEST(test_divergence_keeps_the_last_finite_parameters) {
    const icl_train_on on[] = {ICL_TRAIN_FRESH, ICL_TRAIN_FIXED, ICL_TRAIN_POPULATION};
    for (int i = 0; i < 3; i++) {
        setting s = defaults();
        s.optimiser.method = ICL_OPTIMISER_GD;
        s.optimiser.rate = 1e6;
        s.trainer.on = on[i];
        s.trainer.steps = 1000;
        bench b = start(&s);
        icl_train_report report;
        ASSERT_FAILS(b.context, ICL_ERR_DIVERGED, "diverged", icl_trainer_run(b.trainer, &report));
        ck_assert_int_eq(report.stop, ICL_STOP_DIVERGED);
        ck_assert(report.step > 0 && isfinite(report.loss));
        for (int k = 0; k < 72; k++)
            ck_assert(isfinite(icl_model_parameters(b.model)[k]));
        /* they have a finite loss, and the objects still work */
        icl_batch *batch;
        double loss;
        ASSERT_OK(b.context, icl_sampler_batch(b.sampler, 10, 1, 0, &batch));
        ASSERT_OK(b.context, icl_sampler_draw(b.sampler, 0, batch));
        ASSERT_OK(b.context, icl_model_loss(b.model, batch, &loss, NULL));
        icl_batch_free(batch);
        finish(&b);
    }
}
END_TEST

START_TEST(test_tail_average) {
    setting s = defaults();
    s.trainer.average = 3;
    bench a = start(&s);
    icl_train_report report;
    ASSERT_OK(a.context, icl_trainer_run(a.trainer, &report));
    s.trainer.average = 0;
    bench b = start(&s);
    double mean[72] = {0};
    for (int step = 1; step <= 7; step++) {
        ASSERT_OK(b.context, icl_trainer_step(b.trainer, NULL));
        for (int i = 0; step > 4 && i < 72; i++)
            mean[i] += icl_model_parameters(b.model)[i];
    }
    for (int i = 0; i < 72; i++)
        ck_assert(icl_model_parameters(a.model)[i] == mean[i] / 3);
    finish(&a);
    finish(&b);
}
END_TEST

static int no_label(int64_t count, const double *s, double *out, void *user) {
    const int64_t *left = user;
    for (int64_t i = 0; i < count; i++)
        out[i] = s[i];
    return *left <= 0;
}

START_TEST(test_failing_label_callback_stops_training) {
    setting s = defaults();
    int64_t left = 1;
    s.law.labels = ICL_LABELS_CALLBACK;
    s.law.label_fn = no_label;
    s.law.label_user = &left;
    s.law.label_odd = 1;
    bench b = start(&s);
    ASSERT_OK(b.context, icl_trainer_step(b.trainer, NULL));
    double x[72];
    memcpy(x, icl_model_parameters(b.model), sizeof x);
    left = 0;
    ASSERT_FAILS(b.context, ICL_ERR_CALLBACK, "label_fn", icl_trainer_step(b.trainer, NULL));
    ck_assert_mem_eq(x, icl_model_parameters(b.model), sizeof x);
    left = 1;
    ASSERT_OK(b.context, icl_trainer_step(b.trainer, NULL));
    finish(&b);
}
END_TEST

START_TEST(test_bad_arguments) {
    setting s = defaults();
    bench b = start(&s);
    icl_trainer *none;
#define BAD(field, bad, status, word)                                                              \
    do {                                                                                           \
        icl_trainer_options wrong = s.trainer;                                                     \
        wrong.field = (bad);                                                                       \
        none = b.trainer;                                                                          \
        ASSERT_FAILS(b.context, status, word,                                                      \
                     icl_trainer_create(b.context, b.model, b.optimiser, b.sampler, &wrong,        \
                                        &none));                                                   \
        ck_assert_ptr_null(none);                                                                  \
    } while (0)
    BAD(on, (icl_train_on)3, ICL_ERR_ARGUMENT, "on = 3");
    BAD(batch, 0, ICL_ERR_ARGUMENT, "batch = 0");
    BAD(queries, 0, ICL_ERR_ARGUMENT, "queries = 0");
    BAD(first, -1, ICL_ERR_ARGUMENT, "first = -1");
    BAD(steps, -1, ICL_ERR_ARGUMENT, "steps = -1");
    BAD(seconds, -1, ICL_ERR_ARGUMENT, "seconds = -1");
    BAD(seconds, NAN, ICL_ERR_NONFINITE, "seconds");
    BAD(gradient_tolerance, -1, ICL_ERR_ARGUMENT, "gradient_tolerance");
    BAD(excess_tolerance, INFINITY, ICL_ERR_NONFINITE, "excess_tolerance");
    BAD(excess_every, 0, ICL_ERR_ARGUMENT, "excess_every = 0");
    BAD(average, -1, ICL_ERR_ARGUMENT, "average = -1");
    BAD(report_every, 0, ICL_ERR_ARGUMENT, "report_every = 0");
    BAD(refresh, 0, ICL_ERR_ARGUMENT, "refresh = 0");
    BAD(moments, 2, ICL_ERR_ARGUMENT, "moments = 2");
    BAD(size, 1, ICL_ERR_ARGUMENT, "size");
#undef BAD
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "model",
                 icl_trainer_create(b.context, NULL, b.optimiser, b.sampler, &s.trainer, &none));
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "optimiser",
                 icl_trainer_create(b.context, b.model, NULL, b.sampler, &s.trainer, &none));
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "sampler",
                 icl_trainer_create(b.context, b.model, b.optimiser, NULL, &s.trainer, &none));
    ASSERT_OK(b.context,
              icl_trainer_create(b.context, b.model, b.optimiser, b.sampler, NULL, &none));
    icl_trainer_free(none);
    icl_optimiser *small;
    ASSERT_OK(b.context, icl_optimiser_create(b.context, &s.optimiser, 71, &small));
    ASSERT_FAILS(b.context, ICL_ERR_SHAPE, "71 parameters",
                 icl_trainer_create(b.context, b.model, small, b.sampler, &s.trainer, &none));
    icl_optimiser_free(small);
    icl_certificate c = {.size = sizeof c};
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "law", icl_model_certify(b.model, NULL, NULL, &c));
    ck_assert_int_eq(icl_trainer_run(NULL, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_trainer_step(NULL, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_trainer_create(NULL, b.model, b.optimiser, b.sampler, &s.trainer, &none),
                     ICL_ERR_ARGUMENT);
    icl_trainer_free(NULL);
    finish(&b);
}
END_TEST

static icl_status live(icl_context *context, void *user) {
    setting s = defaults();
    s.trainer.on = *(icl_train_on *)user;
    s.trainer.excess_tolerance = 1e-300;
    s.trainer.steps = 2;
    s.trainer.excess_every = 1;
    s.law.dim = s.model.dim = 2;
    icl_law *law = NULL;
    icl_sampler *sampler = NULL;
    icl_model *model = NULL;
    icl_optimiser *optimiser = NULL;
    icl_trainer *trainer = NULL;
    icl_certificate c = {.size = sizeof c};
    icl_status status = icl_law_create(context, &s.law, &law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, law, 0, &sampler);
    if (status == ICL_OK)
        status = icl_model_create(context, &s.model, &model);
    if (status == ICL_OK)
        status = icl_optimiser_create(context, &s.optimiser, 18, &optimiser);
    if (status == ICL_OK)
        status = icl_trainer_create(context, model, optimiser, sampler, &s.trainer, &trainer);
    if (status == ICL_OK)
        status = icl_trainer_run(trainer, NULL);
    if (status == ICL_OK)
        status = icl_model_certify(model, law, NULL, &c);
    icl_trainer_free(trainer);
    icl_optimiser_free(optimiser);
    icl_model_free(model);
    icl_sampler_free(sampler);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    for (int on = 0; on <= ICL_TRAIN_POPULATION; on++)
        check_every_allocation(live, &on);
}
END_TEST

RUN_SUITE("train", test_run_is_the_loop_that_a_host_writes, test_steps_and_runs_are_the_same,
          test_threads_change_no_bit, test_the_host_stops_a_run, test_time_limit, test_no_steps,
          test_divergence_keeps_the_last_finite_parameters, test_tail_average,
          test_failing_label_callback_stops_training, test_bad_arguments,
          test_every_allocation_may_fail)
