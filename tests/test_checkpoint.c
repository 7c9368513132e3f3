/* Saving, loading, resuming: equal bits after any interruption, and nothing changed by a bad file.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "optim/optimiser.h"
#include "test_train.h"

static char folder[64];

/* Good until the fourth call after this one. */
static const char *path_of(const char *name) {
    static char paths[4][160];
    static int next;
    char *path = paths[next++ % 4];
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/icl-checkpoint-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
    }
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void clean_up(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (folder[0] != '\0' && system(command) != 0)
        ck_abort_msg("%s failed", command);
    folder[0] = '\0';
}

static unsigned char *read_file(const char *path, long *size) {
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    *size = ftell(file);
    rewind(file);
    unsigned char *bytes = malloc((size_t)*size + 1);
    ck_assert(fread(bytes, 1, (size_t)*size, file) == (size_t)*size);
    fclose(file);
    return bytes;
}

static void write_file(const char *path, const void *bytes, long size) {
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert(fwrite(bytes, 1, (size_t)size, file) == (size_t)size);
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- models ---- */

static void check_equal_models(const icl_model *a, const icl_model *b) {
    int64_t count = icl_model_parameter_count(a), tensors = icl_model_tensor_count(a);
    ck_assert_int_eq(icl_model_parameter_count(b), count);
    ck_assert_int_eq(icl_model_tensor_count(b), tensors);
    ck_assert_int_eq(icl_model_layers(a), icl_model_layers(b));
    ck_assert_int_eq(icl_model_looped(a), icl_model_looped(b));
    ck_assert_int_eq(icl_model_sign(a), icl_model_sign(b));
    ck_assert_int_eq(icl_model_width(a), icl_model_width(b));
    ck_assert_mem_eq(icl_model_parameters(a), icl_model_parameters(b),
                     (size_t)count * sizeof(double));
    uint8_t *in_a = malloc((size_t)(2 * count)), *in_b = in_a + count;
    for (int64_t t = 0; t < tensors; t++) {
        icl_tensor x, y;
        ck_assert_int_eq(icl_model_tensor(a, t, &x), ICL_OK);
        ck_assert_int_eq(icl_model_tensor(b, t, &y), ICL_OK);
        ck_assert_str_eq(x.name, y.name);
        ck_assert_int_eq(icl_model_get_trained(a, x.name, in_a), ICL_OK);
        ck_assert_int_eq(icl_model_get_trained(b, x.name, in_b), ICL_OK);
        ck_assert_mem_eq(in_a, in_b, (size_t)(x.rows * x.cols));
    }
    free(in_a);
}

START_TEST(test_models_come_back) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int shape = 0; shape < 6; shape++) {
        icl_model_options o;
        icl_model *model, *back = NULL;
        ASSERT_OK(context, icl_model_options_init(&o, sizeof o));
        o.dim = 3 + shape;
        o.sign = shape % 2 ? -1 : 1;
        o.layers = shape < 2 ? 1 : shape;
        o.heads = shape == 3 ? 2 : 1;
        o.parametrisation = shape == 0   ? ICL_PARAMETRISATION_KQV
                            : shape == 1 ? ICL_PARAMETRISATION_PVKQ
                                         : ICL_PARAMETRISATION_PQ;
        o.width = shape == 0 ? 2 : 0;
        o.looped = shape == 4;
        o.residual = o.guess = shape == 3;
        o.token = shape == 5 ? 17 : 0;
        o.form = shape == 2 ? ICL_FORM_GD_PLUS_PLUS : ICL_FORM_DENSE;
        o.init = ICL_INIT_GAUSSIAN;
        ASSERT_OK(context, icl_model_create(context, &o, &model));
        ASSERT_OK(context, icl_model_save(model, path_of("model")));
        ASSERT_OK(context, icl_model_load(context, path_of("model"), &back));
        check_equal_models(model, back);
        icl_model_free(model);
        icl_model_free(back);
    }
    icl_context_free(context);
    clean_up();
}
END_TEST

/* ---- resuming ---- */

/* Ways to train that keep different things in mind. */
enum { WAYS = 11 };
static setting way_of(int way) {
    setting s = defaults();
    s.model.layers = 2;
    s.model.sign = -1;
    s.law.noise = 0.1;
    s.trainer.steps = 12;
    s.trainer.batch = 40;
    const icl_optimiser_method methods[WAYS] = {
        ICL_OPTIMISER_GD,    ICL_OPTIMISER_SGD,   ICL_OPTIMISER_ADAM,  ICL_OPTIMISER_ADAMW,
        ICL_OPTIMISER_LBFGS, ICL_OPTIMISER_LBFGS, ICL_OPTIMISER_LBFGS, ICL_OPTIMISER_ADAM,
        ICL_OPTIMISER_ADAM,  ICL_OPTIMISER_ADAM,  ICL_OPTIMISER_ADAM};
    s.optimiser.method = methods[way];
    s.optimiser.momentum = way == 1 ? 0.9 : 0;
    s.optimiser.history = 4;
    s.optimiser.line_search = way != 5;
    s.optimiser.schedule = way == 3 ? ICL_SCHEDULE_COSINE : ICL_SCHEDULE_CONSTANT;
    s.optimiser.period = 12;
    s.trainer.on = way == 4 || way == 5 ? ICL_TRAIN_FIXED : ICL_TRAIN_FRESH;
    s.trainer.refresh = way == 6 || way == 7 ? 5 : 1;
    s.trainer.moments = way == 7 || way == 10;
    if (way >= 9) {
        s.trainer.refresh = way == 9 ? 2 : 1;
        s.trainer.dims = 2;
        s.trainer.dims_every = 3;
        s.trainer.points = 3;
        s.trainer.points_step = 5;
        s.trainer.points_every = 2;
    }
    s.trainer.average = way == 8 ? 5 : 0;
    return s;
}

typedef struct interruption {
    bench *b;
    int64_t at;
    const char *path;
} interruption;

static int save_at(const icl_train_report *report, void *user) {
    interruption *i = user;
    if (report->step == i->at)
        ASSERT_OK(i->b->context, icl_trainer_save(i->b->trainer, i->path));
    return report->step == i->at;
}

/* The run of a way to its end: its parameters. */
static double *whole_run(int way, int64_t *count, icl_train_report *report) {
    setting s = way_of(way);
    bench b = start(&s);
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, report));
    *count = icl_model_parameter_count(b.model);
    double *x = malloc((size_t)*count * sizeof *x);
    memcpy(x, icl_model_parameters(b.model), (size_t)*count * sizeof *x);
    finish(&b);
    return x;
}

/* Gone on with in new objects that started elsewhere, on two threads. */
static bench resumed(int way, const char *path) {
    setting s = way_of(way);
    s.threads = 2;
    s.model.seed = 99;
    bench b = start(&s);
    ASSERT_OK(b.context, icl_trainer_resume(b.trainer, path));
    return b;
}

static void check_same_end(bench *b, const double *x, int64_t count, const icl_train_report *end) {
    icl_train_report report;
    ASSERT_OK(b->context, icl_trainer_run(b->trainer, &report));
    ck_assert_mem_eq(x, icl_model_parameters(b->model), (size_t)count * sizeof *x);
    ck_assert_int_eq(report.step, end->step);
    ck_assert_int_eq(report.stop, end->stop);
    ck_assert_mem_eq(&report.loss, &end->loss, sizeof report.loss);
}

START_TEST(test_a_resumed_run_is_the_uninterrupted_one) {
    for (int way = 0; way < WAYS; way++) {
        int64_t count;
        icl_train_report end;
        double *x = whole_run(way, &count, &end);
        for (int64_t at = 1; at <= end.step; at++) {
            setting s = way_of(way);
            interruption i = {.at = at, .path = path_of("run")};
            s.trainer.progress = save_at;
            s.trainer.progress_user = &i;
            bench b = start(&s);
            i.b = &b;
            ASSERT_OK(b.context, icl_trainer_run(b.trainer, NULL));
            finish(&b);
            bench r = resumed(way, path_of("run"));
            check_same_end(&r, x, count, &end);
            finish(&r);
        }
        free(x);
    }
    clean_up();
}
END_TEST

/* A run that writes checkpoints by itself leaves its end; a callback's stop leaves a run to go on.
 */
START_TEST(test_checkpoints_of_a_run) {
    int64_t count;
    icl_train_report end;
    double *x = whole_run(8, &count, &end);
    setting s = way_of(8);
    s.trainer.checkpoint = path_of("run");
    s.trainer.checkpoint_every = 4;
    bench b = start(&s);
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, NULL));
    ck_assert_mem_eq(x, icl_model_parameters(b.model), (size_t)count * sizeof *x);
    icl_model *back;
    ASSERT_OK(b.context, icl_model_load(b.context, path_of("run"), &back));
    check_equal_models(b.model, back);
    icl_model_free(back);
    finish(&b);

    interruption i = {.at = 9, .path = path_of("other")};
    s.trainer.progress = save_at;
    s.trainer.progress_user = &i;
    s.trainer.checkpoint = path_of("run");
    b = start(&s);
    i.b = &b;
    icl_train_report report;
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ck_assert_int_eq(report.stop, ICL_STOP_CALLBACK);
    finish(&b);
    b = resumed(8, path_of("run"));
    ASSERT_OK(b.context, icl_trainer_state(b.trainer, &report));
    ck_assert_int_eq(report.step, 9);
    check_same_end(&b, x, count, &end);
    finish(&b);
    free(x);
    clean_up();
}
END_TEST

/* Killed at any moment, again and again, the run ends as if nothing had happened. */
START_TEST(test_kills) {
    int64_t count;
    icl_train_report end;
    double *x = whole_run(2, &count, &end);
    const char *path = path_of("killed");
    int kills = 0;
    for (int attempt = 0; attempt < 200; attempt++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            setting s = way_of(2);
            s.trainer.checkpoint = path;
            s.trainer.checkpoint_every = 1;
            bench b = start(&s);
            if (access(path, F_OK) == 0 && icl_trainer_resume(b.trainer, path) != ICL_OK)
                _exit(1);
            icl_train_report r;
            if (icl_trainer_state(b.trainer, &r) != ICL_OK || r.stop != ICL_STOP_NONE)
                _exit(2); /* had ended, and was killed after that */
            _exit(icl_trainer_run(b.trainer, NULL) == ICL_OK ? 0 : 3);
        }
        nanosleep(&(struct timespec){0, 100000L + 2477L * 61 * (attempt % 97)}, NULL);
        kill(child, SIGKILL);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFEXITED(status)) {
            ck_assert_msg(WEXITSTATUS(status) != 1 && WEXITSTATUS(status) != 3,
                          "attempt %d: status %d", attempt, WEXITSTATUS(status));
            break;
        }
        kills++;
    }
    ck_assert_int_gt(kills, 3);
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model *back;
    ASSERT_OK(context, icl_model_load(context, path, &back));
    ck_assert_mem_eq(x, icl_model_parameters(back), (size_t)count * sizeof *x);
    icl_model_free(back);
    icl_context_free(context);
    free(x);
    clean_up();
}
END_TEST

/* ---- what is refused ---- */

/* All that a failed call may not change. */
typedef struct snapshot {
    double x[128], state[512];
    icl_optimiser_counters counters;
    icl_train_report report;
} snapshot;

static snapshot take(const bench *b) {
    snapshot s;
    memset(&s, 0, sizeof s);
    int64_t count = icl_model_parameter_count(b->model);
    ck_assert(count <= 128 && b->optimiser->state_count <= 512);
    memcpy(s.x, icl_model_parameters(b->model), (size_t)count * sizeof(double));
    memcpy(s.state, b->optimiser->state, (size_t)b->optimiser->state_count * sizeof(double));
    s.counters = b->optimiser->counters;
    ck_assert_int_eq(icl_trainer_state(b->trainer, &s.report), ICL_OK);
    return s;
}

START_TEST(test_damaged_files_change_nothing) {
    setting s = way_of(2);
    s.law.dim = 2;
    s.trainer.steps = 3;
    bench b = start(&s);
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, NULL));
    ASSERT_OK(b.context, icl_trainer_save(b.trainer, path_of("whole")));
    long size;
    unsigned char *bytes = read_file(path_of("whole"), &size);
    ASSERT_OK(b.context, icl_trainer_step(b.trainer, NULL));
    snapshot before = take(&b);
    for (long at = 0; at < size; at++) {
        icl_status status;
        write_file(path_of("cut"), bytes, at);
        status = icl_trainer_resume(b.trainer, path_of("cut"));
        ck_assert_msg(status == ICL_ERR_FORMAT, "cut at %ld: %s", at, icl_status_name(status));
        if (at % 3 == 0 || at < 400) {
            bytes[at] ^= 0x11;
            write_file(path_of("cut"), bytes, size);
            status = icl_trainer_resume(b.trainer, path_of("cut"));
            ck_assert_msg(status != ICL_OK, "changed at %ld", at);
            ck_assert(strlen(icl_context_last_error(b.context)) > 20);
            bytes[at] ^= 0x11;
        }
    }
    snapshot after = take(&b);
    ck_assert_mem_eq(&before, &after, sizeof before);
    ASSERT_FAILS(b.context, ICL_ERR_IO, "nowhere",
                 icl_trainer_resume(b.trainer, path_of("nowhere")));
    ASSERT_OK(b.context, icl_trainer_resume(b.trainer, path_of("whole")));
    free(bytes);
    finish(&b);
    clean_up();
}
END_TEST

/* Each difference is refused by a text with both sides. */
START_TEST(test_other_runs_are_refused) {
    setting s = way_of(4);
    bench b = start(&s);
    ASSERT_OK(b.context, icl_trainer_save(b.trainer, path_of("run")));
    finish(&b);
    const char *const words[] = {
        "another model",  "layers=2",       "another seed: 1 there, 5 here",
        "law of prompts", "law of prompts", "law of prompts",
        "optimiser",      "history=4",      "batch=40",
        "on=1",           "queries=1",      "moments=0"};
    for (int change = 0; change < 12; change++) {
        setting o = way_of(4);
        o.law.dim = change == 0 ? 4 : 5;
        o.model.layers = change == 1 ? 3 : 2;
        o.law.noise = change == 3 ? 0.2 : 0.1;
        o.law.context = change == 4 ? 21 : 20;
        o.law.covariates = change == 5 ? ICL_COVARIATES_UNIFORM : ICL_COVARIATES_GAUSSIAN;
        o.optimiser.method = change == 6 ? ICL_OPTIMISER_ADAM : ICL_OPTIMISER_LBFGS;
        o.optimiser.history = change == 7 ? 5 : 4;
        o.trainer.batch = change == 8 ? 41 : 40;
        o.trainer.on = change == 9 ? ICL_TRAIN_FRESH : ICL_TRAIN_FIXED;
        o.trainer.queries = change == 10 ? 2 : 1;
        o.trainer.moments = change == 11;
        bench other = start(&o);
        if (change == 2) {
            icl_sampler *sampler;
            icl_trainer_free(other.trainer);
            icl_sampler_free(other.sampler);
            ASSERT_OK(other.context, icl_sampler_create(other.context, other.law, 5, &sampler));
            other.sampler = sampler;
            ASSERT_OK(other.context, icl_trainer_create(other.context, other.model, other.optimiser,
                                                        sampler, &o.trainer, &other.trainer));
        }
        ASSERT_FAILS(other.context, ICL_ERR_SHAPE, words[change],
                     icl_trainer_resume(other.trainer, path_of("run")));
        finish(&other);
    }
    clean_up();
}
END_TEST

START_TEST(test_bad_arguments_and_models) {
    setting s = way_of(2);
    bench b = start(&s);
    icl_model *none = b.model;
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "path", icl_model_save(b.model, NULL));
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "path", icl_model_load(b.context, NULL, &none));
    ck_assert_ptr_null(none);
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "out", icl_model_load(b.context, "x", NULL));
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "path", icl_trainer_save(b.trainer, NULL));
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "path", icl_trainer_resume(b.trainer, NULL));
    ck_assert_int_eq(icl_model_save(NULL, "x"), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_model_load(NULL, "x", &none), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_trainer_save(NULL, "x"), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_trainer_resume(NULL, "x"), ICL_ERR_ARGUMENT);
    ck_assert_int_eq((int)icl_sampler_seed(NULL), 0);
    /* a model's file is no checkpoint, but has the model in it */
    ASSERT_OK(b.context, icl_model_save(b.model, path_of("model")));
    ASSERT_FAILS(b.context, ICL_ERR_MISSING, "libicl.seed",
                 icl_trainer_resume(b.trainer, path_of("model")));
    write_file(path_of("text"), "no model", 8);
    ASSERT_FAILS(b.context, ICL_ERR_FORMAT, "text",
                 icl_model_load(b.context, path_of("text"), &none));
    ASSERT_FAILS(b.context, ICL_ERR_IO, "no/where", icl_model_save(b.model, path_of("no/where")));
    icl_trainer_options o = s.trainer;
    icl_trainer *trainer;
    o.checkpoint_every = 0;
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, "checkpoint_every",
                 icl_trainer_create(b.context, b.model, b.optimiser, b.sampler, &o, &trainer));
    finish(&b);
    clean_up();
}
END_TEST

/* A checkpoint that cannot be written stops the run where it is; it can be gone on with. */
START_TEST(test_a_failed_save_loses_nothing) {
    int64_t count;
    icl_train_report end;
    double *x = whole_run(8, &count, &end);
    setting s = way_of(8);
    s.trainer.checkpoint = path_of("later/run");
    s.trainer.checkpoint_every = 10;
    bench b = start(&s);
    ASSERT_FAILS(b.context, ICL_ERR_IO, "later/run", icl_trainer_run(b.trainer, NULL));
    icl_train_report report;
    ASSERT_OK(b.context, icl_trainer_state(b.trainer, &report));
    ck_assert_int_eq(report.step, 10);
    ck_assert_int_eq(mkdir(path_of("later"), 0777), 0);
    check_same_end(&b, x, count, &end);
    finish(&b);
    free(x);
    clean_up();
}
END_TEST

static icl_status save_and_load(icl_context *context, void *user) {
    (void)user;
    setting s = way_of(2);
    bench b = {.context = context};
    icl_model *back = NULL;
    s.trainer.checkpoint = path_of("run");
    s.trainer.steps = 2;
    icl_status status = icl_law_create(context, &s.law, &b.law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, b.law, 1, &b.sampler);
    if (status == ICL_OK)
        status = icl_model_create(context, &s.model, &b.model);
    if (status == ICL_OK)
        status = icl_optimiser_create(context, &s.optimiser, icl_model_parameter_count(b.model),
                                      &b.optimiser);
    if (status == ICL_OK)
        status =
            icl_trainer_create(context, b.model, b.optimiser, b.sampler, &s.trainer, &b.trainer);
    if (status == ICL_OK)
        status = icl_trainer_run(b.trainer, NULL);
    if (status == ICL_OK)
        status = icl_trainer_resume(b.trainer, path_of("run"));
    if (status == ICL_OK)
        status = icl_model_save(b.model, path_of("model"));
    if (status == ICL_OK)
        status = icl_model_load(context, path_of("model"), &back);
    icl_model_free(back);
    b.context = NULL;
    finish(&b);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(save_and_load, NULL);
    clean_up();
}
END_TEST

RUN_SUITE("checkpoint", test_models_come_back, test_a_resumed_run_is_the_uninterrupted_one,
          test_checkpoints_of_a_run, test_kills, test_damaged_files_change_nothing,
          test_other_runs_are_refused, test_bad_arguments_and_models,
          test_a_failed_save_loses_nothing, test_every_allocation_may_fail)
