/* Prompts from a law: groups of eight are drawn whole, one a lane, in cache. */
#include <math.h>
#include <string.h>

#include "random/streams.h"
#include "task/batch.h"

struct icl_sampler {
    icl_context *context;
    icl_law *law;
    uint64_t seed;
};

icl_status icl_sampler_create(icl_context *context, const icl_law *law, uint64_t seed,
                              icl_sampler **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    ICL_REQUIRE_POINTER(context, law);
    ICL_TRY(icl_check_seed(context, __func__, "seed", seed));
    icl_sampler *sampler;
    ICL_TRY(ICL_NEW(context, &sampler, 1));
    sampler->context = icl_context_retain(context);
    sampler->seed = seed;
    icl_status status = icl_law_share(law, &sampler->law);
    if (status != ICL_OK) {
        icl_sampler_free(sampler);
        return status;
    }
    *out = sampler;
    return ICL_OK;
}

void icl_sampler_free(icl_sampler *sampler) {
    if (sampler == NULL)
        return;
    icl_context *context = sampler->context;
    icl_law_free(sampler->law);
    icl_dealloc(context, sampler);
    icl_context_free(context);
}

const icl_law *icl_sampler_law(const icl_sampler *sampler) {
    return sampler != NULL ? sampler->law : NULL;
}

icl_status icl_sampler_batch(const icl_sampler *sampler, int64_t prompts, int64_t queries,
                             uint32_t contents, icl_batch **out) {
    if (out != NULL)
        *out = NULL;
    if (sampler == NULL)
        return ICL_ERR_ARGUMENT;
    icl_batch_options o;
    ICL_TRY(icl_batch_options_init(&o, sizeof o));
    o.prompts = prompts;
    o.dim = sampler->law->dim;
    o.context = sampler->law->examples;
    o.queries = queries;
    o.contents = contents;
    return icl_batch_create(sampler->context, &o, out);
}

/* ---- one group ---- */

/* What a group is drawn with: views into one slot of scratch. */
typedef struct group_draw {
    const icl_law *law;
    uint64_t seed, prompt;
    int64_t lanes; /* that hold a prompt of the batch */
    const icl_random_kernels *random;
    const icl_task_kernels *task_kernels;
    double *task;   /* w (d), or the net's (hidden + 1) d numbers */
    double *sign;   /* one entry */
    double *z;      /* raw covariates of a chunk */
    double *noise;  /* of a chunk */
    double *tokens; /* of a chunk, stride D */
    double *labels; /* packed: for the caller's g */
} group_draw;

/* Numbers a task has. */
static int64_t task_entries(const icl_law *law) {
    return law->labels == ICL_LABELS_NET ? icl_product(law->hidden, law->dim + 1, 1) : law->dim;
}

/* Lays the views out over `base`; returns the doubles needed. Draws come in fours, hence the 3. */
static int64_t lay_out(group_draw *g, double *base) {
    int64_t d = g->law->dim, chunk = icl_batch_chunk(d);
    const int64_t entries[] = {task_entries(g->law) + 3,
                               1,
                               chunk * d + 3,
                               chunk + 3,
                               chunk * (d + 1),
                               g->law->labels == ICL_LABELS_CALLBACK ? 2 * chunk : 0};
    double **views[] = {&g->task, &g->sign, &g->z, &g->noise, &g->tokens, &g->labels};
    int64_t used = 0;
    for (int i = 0; i < 6; i++) {
        if (base != NULL)
            *views[i] = base + used;
        used += ICL_LANES * entries[i];
    }
    return used;
}

static void draw(const group_draw *g, icl_purpose purpose, int64_t first, int64_t count,
                 double *out) {
    g->random->prompts(g->seed, purpose, g->prompt, (uint64_t)(first / 4), (count + 3) / 4, out);
}

/* z of `count` vectors from number `first` on. */
static void draw_covariates(const group_draw *g, icl_purpose purpose, int64_t first,
                            int64_t count) {
    int64_t d = g->law->dim, blocks = (count * d + 3) / 4;
    uint64_t block = (uint64_t)(first * d / 4);
    if (g->law->covariates == ICL_COVARIATES_UNIFORM)
        g->random->uniforms(g->seed, purpose, g->prompt, block, blocks, g->z);
    else
        g->random->prompts(g->seed, purpose, g->prompt, block, blocks, g->z);
}

static void draw_task(const group_draw *g) {
    const icl_law *law = g->law;
    draw(g, ICL_PURPOSE_TASK, 0, task_entries(law), g->task);
    if (law->labels == ICL_LABELS_LINEAR) {
        /* root z needs z apart from w only where the root is dense */
        if (law->prior_root.dense != NULL)
            memcpy(g->tokens, g->task, (size_t)(law->dim * ICL_LANES) * sizeof *g->task);
        const double *z = law->prior_root.dense != NULL ? g->tokens : g->task;
        g->task_kernels->affine(&law->prior_root, law->mean, law->dim, 1, z, law->dim, g->task);
    } else if (law->labels != ICL_LABELS_NET) {
        g->task_kernels->normalise(law->dim, g->task);
    }
    if (law->signed_labels)
        g->random->signs(g->seed, g->prompt, g->sign);
}

/* out = g(s) by the caller's function; s and out are packed. */
static icl_status call_label(const icl_law *law, int64_t count, const double *s, double *out) {
    if (law->label_fn(count, s, out, law->label_user) != 0 || !icl_all_finite(out, count))
        return ICL_ERR_CALLBACK;
    return ICL_OK;
}

/* The caller sees the prompts of the batch only: others may not make a draw fail. */
static icl_status draw_callback_labels(const group_draw *g, int64_t count, int64_t stride,
                                       const double *x, int64_t y_stride, double *y) {
    const icl_law *law = g->law;
    double *s = g->labels, *out = s + ICL_LANES * icl_batch_chunk(law->dim);
    g->task_kernels->project(law->dim, count, g->task, stride, x, 1, s);
    for (int64_t i = 1; i < count; i++)
        memmove(s + i * g->lanes, s + i * ICL_LANES, (size_t)g->lanes * sizeof *s);
    ICL_TRY(call_label(law, count * g->lanes, s, out));
    for (int64_t i = 0; i < count; i++)
        for (int64_t l = 0; l < ICL_LANES; l++)
            y[ICL_LANES * i * y_stride + l] = l < g->lanes ? out[i * g->lanes + l] : 0;
    return ICL_OK;
}

/* y_i = f(x_i) without noise for `count` vectors of stride `stride`. */
static icl_status draw_labels(const group_draw *g, int64_t count, int64_t stride, const double *x,
                              int64_t y_stride, double *y) {
    const icl_law *law = g->law;
    const icl_task_kernels *k = g->task_kernels;
    if (law->labels == ICL_LABELS_NET) {
        k->net(law->dim, law->hidden, count, g->task, stride, x, y_stride, y);
        return ICL_OK;
    }
    if (law->labels != ICL_LABELS_CALLBACK) {
        k->project(law->dim, count, g->task, stride, x, y_stride, y);
        if (law->labels != ICL_LABELS_LINEAR)
            k->label(law->labels, count, y_stride, y);
        return ICL_OK;
    }
    return draw_callback_labels(g, count, stride, x, y_stride, y);
}

/* Draws vectors first.. of the covariate stream into x and their noisy labels into y. */
static icl_status draw_examples(const group_draw *g, icl_purpose covariates, icl_purpose noise,
                                int64_t first, int64_t count, int64_t stride, double *x,
                                int64_t y_stride, double *y) {
    const icl_law *law = g->law;
    draw_covariates(g, covariates, first, count);
    g->task_kernels->affine(&law->root, NULL, law->dim, count, g->z, stride, x);
    ICL_TRY(draw_labels(g, count, stride, x, y_stride, y));
    if (law->noise > 0)
        draw(g, noise, first, count, g->noise);
    if (law->noise > 0 || law->signed_labels)
        g->task_kernels->finish(count, law->signed_labels ? g->sign : NULL, sqrt(law->noise),
                                law->noise > 0 ? g->noise : NULL, y_stride, y);
    return ICL_OK;
}

/* Lanes of `count` tokens to the rows of X and y from example `first` on. */
static void store_examples(icl_batch *batch, int64_t group, int64_t first, int64_t count,
                           const double *tokens) {
    int64_t d = batch->dim, n = batch->examples;
    for (int64_t l = 0; l < icl_batch_lanes(batch, group); l++) {
        int64_t row = (group * ICL_LANES + l) * n + first;
        for (int64_t i = 0; i < count; i++) {
            const double *token = tokens + ICL_LANES * i * (d + 1) + l;
            for (int64_t j = 0; j < d; j++)
                batch->X[(row + i) * d + j] = token[ICL_LANES * j];
            batch->y[row + i] = token[ICL_LANES * d];
        }
    }
}

/* task NULL: zeros. */
static void store_task(icl_batch *batch, int64_t group, const double *task) {
    int64_t d = batch->dim;
    for (int64_t l = 0; l < icl_batch_lanes(batch, group); l++)
        for (int64_t j = 0; j < d; j++)
            batch->task[(group * ICL_LANES + l) * d + j] =
                task != NULL ? task[ICL_LANES * j + l] : 0;
}

static icl_status draw_group(const group_draw *g, icl_batch *batch, int64_t group) {
    int64_t d = batch->dim, D = d + 1, n = batch->examples, q = batch->queries;
    int64_t lanes = group * ICL_LANES, chunk = icl_batch_chunk(d);
    double *gram = batch->gram + lanes * D * D;
    memset(gram, 0, (size_t)(D * D * ICL_LANES) * sizeof *gram);
    draw_task(g);
    for (int64_t i = 0; i < n; i += chunk) {
        int64_t count = n - i < chunk ? n - i : chunk;
        ICL_TRY(draw_examples(g, ICL_PURPOSE_COVARIATE, ICL_PURPOSE_NOISE, i, count, D, g->tokens,
                              D, g->tokens + ICL_LANES * d));
        g->task_kernels->accumulate(D, count, g->tokens, gram);
        if (batch->X != NULL)
            store_examples(batch, group, i, count, g->tokens);
    }
    for (int64_t j = 0; j < q; j += chunk) {
        int64_t count = q - j < chunk ? q - j : chunk;
        ICL_TRY(draw_examples(g, ICL_PURPOSE_QUERY, ICL_PURPOSE_QUERY_NOISE, j, count, d,
                              batch->query + (lanes * q + ICL_LANES * j) * d, 1,
                              batch->target + lanes * q + ICL_LANES * j));
    }
    if (batch->task != NULL)
        store_task(batch, group, g->law->labels != ICL_LABELS_NET ? g->task : NULL);
    icl_batch_finish_group(batch, g->task_kernels, group);
    return ICL_OK;
}

/* ---- a batch ---- */

typedef struct draw_work {
    const icl_sampler *sampler;
    icl_batch *batch;
    int64_t first;
} draw_work;

static icl_status draw_block(void *user, int64_t block) {
    const draw_work *w = user;
    icl_batch *batch = w->batch;
    int64_t end = (block + 1) * ICL_BLOCK_GROUPS;
    if (end > batch->groups)
        end = batch->groups;
    group_draw g = {.law = w->sampler->law,
                    .seed = w->sampler->seed,
                    .random = icl_random_kernels_of(batch->context),
                    .task_kernels = icl_task_kernels_of(batch->context)};
    double *slot = icl_scratch_take(batch->scratch);
    lay_out(&g, slot);
    icl_status status = ICL_OK;
    for (int64_t group = block * ICL_BLOCK_GROUPS; group < end && status == ICL_OK; group++) {
        g.prompt = (uint64_t)(w->first + group * ICL_LANES);
        g.lanes = icl_batch_lanes(batch, group);
        status = draw_group(&g, batch, group);
    }
    icl_scratch_give(batch->scratch, slot);
    return status;
}

static icl_status check_shape(const icl_sampler *sampler, int64_t first, const icl_batch *batch) {
    const icl_context *context = sampler->context;
    const icl_law *law = sampler->law;
    ICL_TRY(icl_check_range(context, "icl_sampler_draw", "first", first, 0,
                            (INT64_C(1) << 62) - batch->prompts));
    ICL_REQUIRE(context, batch->dim == law->dim && batch->examples == law->examples, ICL_ERR_SHAPE,
                "icl_sampler_draw: the batch has dim %lld and context %lld, the law %lld and %lld",
                (long long)batch->dim, (long long)batch->examples, (long long)law->dim,
                (long long)law->examples);
    return ICL_OK;
}

icl_status icl_sampler_draw(const icl_sampler *sampler, int64_t first, icl_batch *batch) {
    if (sampler == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_context *context = sampler->context;
    ICL_REQUIRE_POINTER(context, batch);
    ICL_TRY(check_shape(sampler, first, batch));
    int callback = sampler->law->labels == ICL_LABELS_CALLBACK;
    if (callback)
        ICL_TRY(icl_batch_need_shadow(batch));
    draw_work work = {sampler, callback ? batch->shadow : batch, first};
    group_draw g = {.law = sampler->law};
    ICL_TRY(icl_batch_need_scratch(work.batch, lay_out(&g, NULL)));
    int64_t blocks = (batch->groups + ICL_BLOCK_GROUPS - 1) / ICL_BLOCK_GROUPS;
    if (!callback)
        return icl_parallel(batch->context, blocks, draw_block, &work);
    /* the caller's function runs on the caller's thread */
    icl_status status = ICL_OK;
    for (int64_t block = 0; block < blocks && status == ICL_OK; block++)
        status = draw_block(&work, block);
    ICL_REQUIRE(context, status == ICL_OK, status,
                "icl_sampler_draw: label_fn failed or returned a non-finite label");
    icl_batch_swap(batch, batch->shadow);
    return ICL_OK;
}
