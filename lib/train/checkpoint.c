/* Everything that the next step depends on, in a file: the model, the optimiser's memory, the place
 * in the run. Prompts are functions of the seed and need no state. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/model_file.h"
#include "task/law.h"
#include "train/trainer.h"

/* ---- what a checkpoint belongs to ---- */

enum { IDENTITY = 4, TEXT = 384 };
static const char *const KEYS[IDENTITY] = {"libicl.seed", "libicl.law", "libicl.optimiser",
                                           "libicl.training"};
static const char *const WORDS[IDENTITY] = {"seed", "law of prompts", "optimiser", "training"};

static uint64_t hash_doubles(uint64_t hash, const double *values, int64_t count) {
    return values != NULL ? icl_fnv(hash, values, (size_t)count * sizeof *values) : hash;
}

/* What laws of older checkpoints had not: where it is not there, their hash stays. */
static uint64_t hash_later(const icl_law *law, uint64_t hash) {
    const int64_t numbers[] = {law->tasks, law->tasks == ICL_TASKS_SPARSE ? law->sparsity : 0,
                               law->pool_count, law->rotation_every, law->inverse_scales != NULL};
    const int64_t count = sizeof numbers / sizeof *numbers;
    int there = 0;
    for (int64_t i = 0; i < count; i++)
        there = there || numbers[i] != 0;
    if (!there)
        return hash;
    hash = icl_fnv(hash, numbers, sizeof numbers);
    hash = hash_doubles(hash, law->pool, law->pool_count * law->dim);
    return hash_doubles(hash, law->scales, law->dim);
}

/* What came after those: the same. */
static uint64_t hash_latest(const icl_law *law, uint64_t hash) {
    if (law->labels == ICL_LABELS_NET && law->activation != ICL_ACTIVATION_RELU)
        hash = icl_fnv(hash, &(int64_t){law->activation}, sizeof(int64_t));
    if (law->labels == ICL_LABELS_TREE)
        hash = icl_fnv(hash, &law->depth, sizeof law->depth);
    if (law->labels == ICL_LABELS_SERIES) {
        hash = icl_fnv(hash, &(int64_t){law->basis}, sizeof(int64_t));
        hash = hash_doubles(hash, law->amplitudes, law->dim * (law->terms - 1));
    }
    if (law->labels == ICL_LABELS_GAUSSIAN_PROCESS)
        hash = hash_doubles(hash, (const double[]){(double)law->kernel, law->bandwidth}, 2);
    if (law->labels == ICL_LABELS_SINE)
        hash = hash_doubles(hash, (const double[]){law->amplitude_least, law->amplitude_most}, 2);
    if (law->covariates == ICL_COVARIATES_STUDENT)
        hash = hash_doubles(hash, &law->freedom, 1);
    if (law->scale == ICL_SCALE_FIXED)
        return hash;
    hash = icl_fnv(hash, &(int64_t){law->scale}, sizeof(int64_t));
    return hash_doubles(hash, &law->scale_shape, 1);
}

/* The same for shifted queries. */
static uint64_t hash_queries(const icl_law *law, uint64_t hash) {
    const double numbers[] = {(double)law->queries, law->query_scale};
    return law->queries != ICL_QUERIES_LAW ? hash_doubles(hash, numbers, 2) : hash;
}

/* Of all that a law's prompts depend on, but for a caller's function. */
static uint64_t law_hash(const icl_law *law) {
    const int64_t d = law->dim;
    const int64_t numbers[] = {d,
                               law->examples,
                               law->noise_law,
                               law->level_count,
                               law->covariates,
                               law->labels,
                               law->labels == ICL_LABELS_NET ? law->hidden : 0,
                               law->signed_labels};
    uint64_t hash = icl_fnv(ICL_FNV_START, numbers, sizeof numbers);
    hash = hash_doubles(hash, (const double[]){law->noise, law->sigma}, 2);
    hash = hash_doubles(hash, law->levels, law->levels != NULL ? law->level_count : 0);
    hash = hash_doubles(hash, law->covariance, d * d);
    hash = hash_doubles(hash, law->root.dense, d * d);
    hash = hash_doubles(hash, law->prior, d * d);
    hash = hash_doubles(hash, law->prior_root.dense, d * d);
    return hash_queries(law, hash_latest(law, hash_later(law, hash_doubles(hash, law->mean, d))));
}

/* Where there is one: older checkpoints have none. */
static void add_curriculum(const char *name, int64_t start, int64_t step, int64_t every,
                           char text[TEXT]) {
    size_t length = strlen(text);
    if (start > 0)
        snprintf(text + length, TEXT - length, " %s=%" PRId64 "+%" PRId64 "/%" PRId64, name, start,
                 step, every);
}

static void identity_of(const icl_trainer *t, char text[IDENTITY][TEXT]) {
    const icl_trainer_options *o = &t->options;
    const icl_optimiser_options *method = &t->optimiser->options;
    snprintf(text[0], TEXT, "%" PRIu64, icl_sampler_seed(t->sampler));
    icl_fnv_digits(law_hash(icl_sampler_law(t->sampler)), text[1]);
    text[1][16] = '\0';
    snprintf(text[2], TEXT, "method=%d history=%" PRId64 " momentum=%d line_search=%d",
             (int)method->method, method->method == ICL_OPTIMISER_LBFGS ? method->history : 0,
             method->method == ICL_OPTIMISER_SGD && method->momentum > 0,
             method->method == ICL_OPTIMISER_LBFGS && method->line_search);
    snprintf(text[3], TEXT,
             "on=%d batch=%" PRId64 " queries=%" PRId64 " first=%" PRId64 " refresh=%" PRId64
             " moments=%d",
             (int)o->on, o->batch, o->queries, o->first, o->refresh, o->moments);
    add_curriculum("dims", o->dims, o->dims_step, o->dims_every, text[3]);
    add_curriculum("points", o->points, o->points_step, o->points_every, text[3]);
}

/* ---- tensors ---- */

enum { ARRAYS = 6, COUNTERS = 5, NUMBERS = 4 };

/* The trainer's own arrays, in a fixed order. */
typedef struct progress {
    int64_t counters[COUNTERS]; /* step, in a run, steps of it, terms of the mean, stop */
    double numbers[NUMBERS];    /* loss, gradient norm, excess, seconds */
    int64_t steps[sizeof(icl_optimiser_counters) / sizeof(int64_t)]; /* the optimiser's */
} progress;

static progress progress_of(const icl_trainer *t) {
    const icl_train_report *r = &t->report;
    progress p = {.counters = {r->step, t->running, t->run_steps, t->averaged,
                               t->running ? ICL_STOP_NONE : (int64_t)r->stop},
                  .numbers = {r->loss, r->gradient_norm, r->excess, r->seconds}};
    memcpy(p.steps, &t->optimiser->counters, sizeof p.steps);
    return p;
}

static void arrays_of(const icl_trainer *t, const progress *p, icl_safetensor out[ARRAYS]) {
    const int64_t n = t->model->count;
    const icl_safetensor arrays[ARRAYS] = {
        {"libicl.trainer.previous", ICL_DTYPE_F64, 1, {n}, t->previous},
        {"libicl.trainer.mean", ICL_DTYPE_F64, 1, {n}, t->mean},
        {"libicl.trainer.counters", ICL_DTYPE_I64, 1, {COUNTERS}, p->counters},
        {"libicl.trainer.numbers", ICL_DTYPE_F64, 1, {NUMBERS}, p->numbers},
        {"libicl.optimiser.counters",
         ICL_DTYPE_I64,
         1,
         {(int64_t)(sizeof p->steps / sizeof *p->steps)},
         p->steps},
        {"libicl.optimiser.state",
         ICL_DTYPE_F64,
         1,
         {t->optimiser->state_count},
         t->optimiser->state}};
    memcpy(out, arrays, sizeof arrays);
}

/* ---- saving ---- */

icl_status icl_trainer_write(const icl_trainer *t, const char *function, const char *path) {
    char text[IDENTITY][TEXT], model[ICL_MODEL_TEXT];
    icl_text_pair pairs[IDENTITY + 1] = {{ICL_MODEL_KEY, model}};
    icl_safetensor *tensors;
    int64_t count = icl_model_file_count(t->model);
    const progress p = progress_of(t);
    ICL_TRY(ICL_NEW(t->context, &tensors, count + ARRAYS));
    icl_model_file_tensors(t->model, tensors);
    arrays_of(t, &p, tensors + count);
    icl_model_text(t->model, model);
    identity_of(t, text);
    for (int i = 0; i < IDENTITY; i++)
        pairs[i + 1] = (icl_text_pair){KEYS[i], text[i]};
    icl_status status = icl_safetensors_save(t->context, function, path, tensors, count + ARRAYS,
                                             pairs, IDENTITY + 1);
    icl_dealloc(t->context, tensors);
    return status;
}

icl_status icl_trainer_save(const icl_trainer *trainer, const char *path) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(trainer->context, path);
    return icl_trainer_write(trainer, __func__, path);
}

/* ---- resuming ---- */

static icl_status check_identity(const icl_trainer *t, const char *path,
                                 const icl_safetensors *file) {
    char text[IDENTITY][TEXT];
    identity_of(t, text);
    for (int i = 0; i < IDENTITY; i++) {
        const char *found;
        ICL_TRY(icl_safetensors_get_text(file, "icl_trainer_resume", KEYS[i], &found));
        ICL_REQUIRE(t->context, strcmp(found, text[i]) == 0, ICL_ERR_SHAPE,
                    "icl_trainer_resume: %s is of another %s: %.150s there, %s here", path,
                    WORDS[i], found, text[i]);
    }
    return ICL_OK;
}

static int in_range(int64_t value, int64_t most) {
    return value >= 0 && value <= most;
}

/* What a step reads without looking again. */
static icl_status check_progress(const icl_trainer *t, const char *path, const progress *p) {
    const int64_t limit = INT64_C(1) << 60, *c = p->counters, *s = p->steps;
    const int64_t pairs = t->optimiser->options.history;
    int fine = in_range(c[0], limit) && in_range(c[1], 1) && in_range(c[2], limit) &&
               in_range(c[3], limit) && in_range(c[4], ICL_STOP_SINGULAR) &&
               in_range(s[0], limit) && in_range(s[1], 1) && in_range(s[2], pairs) &&
               in_range(s[3], pairs) && in_range(s[4], limit) && in_range(s[5], 1);
    ICL_REQUIRE(t->context, fine, ICL_ERR_FORMAT, "icl_trainer_resume: %s: counters out of range",
                path);
    return ICL_OK;
}

static icl_status check_arrays(const icl_trainer *t, const char *path, const icl_safetensors *file,
                               progress *p) {
    icl_safetensor arrays[ARRAYS];
    arrays_of(t, p, arrays);
    for (int i = 0; i < ARRAYS; i++) {
        const void *data;
        ICL_TRY(icl_safetensors_get(file, "icl_trainer_resume", arrays[i].name, arrays[i].dtype,
                                    arrays[i].rank, arrays[i].shape, &data));
        int vectors = i < 2 || i == ARRAYS - 1;
        if (vectors)
            ICL_TRY(icl_check_array(t->context, "icl_trainer_resume", arrays[i].name, data,
                                    arrays[i].shape[0]));
        else
            memcpy(i == 2   ? (void *)p->counters
                   : i == 3 ? (void *)p->numbers
                            : (void *)p->steps,
                   data, (size_t)arrays[i].shape[0] * 8);
    }
    return check_progress(t, path, p);
}

/* Nothing fails from here on. */
static void take_over(icl_trainer *t, const icl_safetensors *file, const progress *p) {
    icl_safetensor arrays[ARRAYS];
    arrays_of(t, p, arrays);
    double *to[ARRAYS] = {t->previous, t->mean, NULL, NULL, NULL, t->optimiser->state};
    for (int i = 0; i < ARRAYS; i++)
        if (to[i] != NULL && arrays[i].shape[0] > 0)
            memcpy(to[i], icl_safetensors_find(file, arrays[i].name)->data,
                   (size_t)arrays[i].shape[0] * sizeof(double));
    icl_model_file_copy(t->model, file);
    memcpy(&t->optimiser->counters, p->steps, sizeof p->steps);
    t->unsaved = 0;
    t->running = (int)p->counters[1];
    t->run_steps = p->counters[2];
    t->averaged = p->counters[3];
    t->report = (icl_train_report){.step = p->counters[0],
                                   .loss = p->numbers[0],
                                   .gradient_norm = p->numbers[1],
                                   .excess = p->numbers[2],
                                   .seconds = p->numbers[3],
                                   .stop = (icl_stop)p->counters[4]};
}

icl_status icl_trainer_resume(icl_trainer *trainer, const char *path) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_context *context = trainer->context;
    ICL_REQUIRE_POINTER(context, path);
    icl_safetensors *file = NULL;
    progress p = {{0}, {0}, {0}};
    icl_status status;
    ICL_TRY_GOTO(icl_safetensors_load(trainer->context, __func__, path, 1, &file), done);
    ICL_TRY_GOTO(icl_model_file_check(trainer->model, __func__, path, file), done);
    ICL_TRY_GOTO(check_identity(trainer, path, file), done);
    ICL_TRY_GOTO(check_arrays(trainer, path, file, &p), done);
    take_over(trainer, file, &p);
done:
    icl_safetensors_free(file);
    return status;
}
