#include "task/batch.h"

#include <string.h>

#include "linalg/linalg.h"

static const icl_batch_options default_options = {.size = sizeof(icl_batch_options),
                                                  .prompts = 64,
                                                  .dim = 5,
                                                  .context = 20,
                                                  .queries = 1,
                                                  .contents = ICL_CONTENTS_ALL};

icl_status icl_batch_options_init(icl_batch_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

int64_t icl_batch_lanes(const icl_batch *batch, int64_t group) {
    int64_t left = batch->prompts - group * ICL_LANES;
    return left < ICL_LANES ? left : ICL_LANES;
}

int64_t icl_batch_chunk(int64_t dim) {
    int64_t chunk = 512 / dim & ~INT64_C(3);
    return chunk < 4 ? 4 : chunk;
}

/* Points *array at `count` doubles of the block, on a 64-byte boundary; with no block yet, only
 * counts. */
static void place(icl_batch *batch, double **array, int64_t count, int64_t *used) {
    if (batch->block != NULL)
        *array = batch->block + *used;
    int64_t rounded;
    if (__builtin_add_overflow(count, 7, &rounded) ||
        __builtin_add_overflow(*used, rounded & ~INT64_C(7), used))
        *used = INT64_MAX;
}

static int64_t place_all(icl_batch *batch) {
    int64_t B = batch->prompts, d = batch->dim, n = batch->examples, q = batch->queries;
    int64_t used = 0, lanes = batch->groups * ICL_LANES;
    place(batch, &batch->gram, icl_product(lanes, d + 1, d + 1), &used);
    place(batch, &batch->query, icl_product(lanes, q, d), &used);
    place(batch, &batch->target, icl_product(lanes, q, 1), &used);
    place(batch, &batch->noise, B, &used);
    double *index = NULL;
    place(batch, &index, B, &used);
    batch->index = (int64_t *)(void *)index;
    place(batch, &batch->query_rows, icl_product(B, q, d), &used);
    place(batch, &batch->target_rows, icl_product(B, q, 1), &used);
    if (batch->contents & ICL_CONTENTS_EXAMPLES) {
        place(batch, &batch->X, icl_product(B, n, d), &used);
        place(batch, &batch->y, icl_product(B, n, 1), &used);
    }
    if (batch->contents & ICL_CONTENTS_TASKS)
        place(batch, &batch->task, icl_product(B, d, 1), &used);
    if (batch->contents & ICL_CONTENTS_MOMENTS) {
        place(batch, &batch->S, icl_product(B, d, d), &used);
        place(batch, &batch->b, icl_product(B, d, 1), &used);
        place(batch, &batch->syy, B, &used);
    }
    return used;
}

static icl_status check_options(icl_context *context, const icl_batch_options *o) {
    const char *function = "icl_batch_create";
    const int64_t limit = INT64_C(1) << 31;
    ICL_TRY(icl_check_range(context, function, "prompts", o->prompts, 1, limit));
    ICL_TRY(icl_check_range(context, function, "dim", o->dim, 1, 16384));
    ICL_TRY(icl_check_range(context, function, "context", o->context, 0, limit));
    ICL_TRY(icl_check_range(context, function, "queries", o->queries, 1, 65536));
    ICL_TRY(icl_check_range(context, function, "contents", o->contents, 0, ICL_CONTENTS_ALL));
    return ICL_OK;
}

/* Of the caller's prompts nobody knows the task. */
static void forget_tasks(icl_batch *batch) {
    for (int64_t p = 0; p < batch->prompts; p++)
        batch->index[p] = -1;
    memset(batch->noise, 0, (size_t)batch->prompts * sizeof *batch->noise);
    if (batch->task != NULL)
        memset(batch->task, 0, (size_t)(batch->prompts * batch->dim) * sizeof *batch->task);
}

static icl_status allocate(icl_batch *batch) {
    int64_t doubles = place_all(batch);
    ICL_REQUIRE(
        batch->context, doubles <= PTRDIFF_MAX / 16, ICL_ERR_SIZE,
        "icl_batch_create: prompts = %lld, dim = %lld, context = %lld, queries = %lld: too large",
        (long long)batch->prompts, (long long)batch->dim, (long long)batch->examples,
        (long long)batch->queries);
    ICL_TRY(ICL_NEW(batch->context, &batch->block, doubles));
    place_all(batch);
    forget_tasks(batch);
    return ICL_OK;
}

icl_status icl_batch_create(icl_context *context, const icl_batch_options *options,
                            icl_batch **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    icl_batch_options o = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    ICL_TRY(check_options(context, &o));
    icl_batch *batch;
    ICL_TRY(ICL_NEW(context, &batch, 1));
    batch->context = icl_context_retain(context);
    batch->prompts = o.prompts;
    batch->dim = o.dim;
    batch->examples = o.context;
    batch->queries = o.queries;
    batch->contents = o.contents;
    batch->groups = (o.prompts + ICL_LANES - 1) / ICL_LANES;
    icl_status status;
    ICL_TRY_GOTO(allocate(batch), fail);
    *out = batch;
    return ICL_OK;
fail:
    icl_batch_free(batch);
    return status;
}

void icl_batch_free(icl_batch *batch) {
    if (batch == NULL)
        return;
    icl_context *context = batch->context;
    icl_batch_free(batch->shadow);
    icl_scratch_free(context, batch->scratch);
    icl_dealloc(context, batch->block);
    icl_dealloc(context, batch);
    icl_context_free(context);
}

icl_status icl_batch_need_shadow(icl_batch *batch) {
    if (batch->shadow != NULL)
        return ICL_OK;
    icl_batch_options o = {.size = sizeof o,
                           .prompts = batch->prompts,
                           .dim = batch->dim,
                           .context = batch->examples,
                           .queries = batch->queries,
                           .contents = batch->contents};
    return icl_batch_create(batch->context, &o, &batch->shadow);
}

void icl_batch_swap(icl_batch *a, icl_batch *b) {
    double *block = a->block;
    a->block = b->block;
    b->block = block;
    place_all(a);
    place_all(b);
}

void icl_batch_set_context(icl_batch *batch, int64_t n) {
    batch->examples = n;
    if (batch->shadow != NULL)
        batch->shadow->examples = n;
}

icl_status icl_batch_need_scratch(icl_batch *batch, int64_t doubles) {
    if (batch->scratch != NULL && batch->scratch_doubles >= doubles)
        return ICL_OK;
    icl_scratch *scratch;
    ICL_TRY(icl_scratch_create(batch->context, doubles, &scratch));
    icl_scratch_free(batch->context, batch->scratch);
    batch->scratch = scratch;
    batch->scratch_doubles = doubles;
    return ICL_OK;
}

/* ---- lanes to rows ---- */

/* Lanes beyond the last prompt hold zeros. */
static void clear_lanes(double *a, int64_t entries, int64_t from) {
    if (from == ICL_LANES)
        return;
    for (int64_t e = 0; e < entries; e++)
        for (int64_t l = from; l < ICL_LANES; l++)
            a[ICL_LANES * e + l] = 0;
}

/* rows[l entries + e] = a[8 e + l] for l < lanes */
static void copy_rows(const double *a, int64_t entries, int64_t lanes, double *rows) {
    for (int64_t l = 0; l < lanes; l++)
        for (int64_t e = 0; e < entries; e++)
            rows[l * entries + e] = a[ICL_LANES * e + l];
}

void icl_batch_moments(const icl_batch *batch, int64_t prompt, double *S, double *b, double *syy) {
    int64_t d = batch->dim, D = d + 1;
    const double *gram = batch->gram + prompt / ICL_LANES * D * D * ICL_LANES + prompt % ICL_LANES;
    for (int64_t i = 0; i < d; i++) {
        for (int64_t j = 0; S != NULL && j < d; j++)
            S[i * d + j] = gram[ICL_LANES * (i * D + j)];
        if (b != NULL)
            b[i] = gram[ICL_LANES * (i * D + d)];
    }
    if (syy != NULL)
        *syy = gram[ICL_LANES * (D * D - 1)];
}

void icl_batch_finish_group(icl_batch *batch, int64_t group) {
    int64_t d = batch->dim, D = d + 1, q = batch->queries, first = group * ICL_LANES;
    double *gram = batch->gram + first * D * D;
    double *query = batch->query + first * q * d, *target = batch->target + first * q;
    int64_t lanes = icl_batch_lanes(batch, group);
    clear_lanes(gram, D * D, lanes);
    clear_lanes(query, q * d, lanes);
    clear_lanes(target, q, lanes);
    copy_rows(query, q * d, lanes, batch->query_rows + first * q * d);
    copy_rows(target, q, lanes, batch->target_rows + first * q);
    if (batch->S == NULL)
        return;
    for (int64_t p = first; p < first + lanes; p++)
        icl_batch_moments(batch, p, batch->S + p * d * d, batch->b + p * d, batch->syy + p);
}

/* ---- the caller's prompts ---- */

typedef struct assign_work {
    icl_batch *batch;
    const icl_task_kernels *kernels;
    const double *X, *y, *queries, *targets;
} assign_work;

/* lanes a (entries) <- rows of prompts first.., `stride` doubles from prompt to prompt */
static void gather(const double *rows, int64_t stride, int64_t entries, int64_t lanes,
                   int64_t out_stride, double *a) {
    for (int64_t l = 0; l < lanes; l++)
        for (int64_t e = 0; e < entries; e++)
            a[ICL_LANES * e * out_stride + l] = rows[l * stride + e];
}

static icl_status assign_group(void *user, int64_t group) {
    assign_work *w = user;
    icl_batch *batch = w->batch;
    int64_t d = batch->dim, D = d + 1, n = batch->examples, q = batch->queries;
    int64_t first = group * ICL_LANES, chunk = icl_batch_chunk(d);
    int64_t lanes = icl_batch_lanes(batch, group);
    double *gram = batch->gram + first * D * D;
    double *tokens = icl_scratch_take(batch->scratch);
    memset(gram, 0, (size_t)(D * D * ICL_LANES) * sizeof *gram);
    memset(tokens, 0, (size_t)(chunk * D * ICL_LANES) * sizeof *tokens);
    for (int64_t i = 0; i < n; i += chunk) {
        int64_t count = n - i < chunk ? n - i : chunk;
        for (int64_t k = 0; k < count; k++)
            gather(w->X + (first * n + i + k) * d, n * d, d, lanes, 1, tokens + ICL_LANES * k * D);
        gather(w->y + first * n + i, n, count, lanes, D, tokens + ICL_LANES * d);
        w->kernels->accumulate(D, count, tokens, gram);
    }
    icl_scratch_give(batch->scratch, tokens);
    if (n > 0)
        w->kernels->mean(D, (double)n, gram);
    gather(w->queries + first * q * d, q * d, q * d, lanes, 1, batch->query + first * q * d);
    memset(batch->target + first * q, 0, (size_t)(q * ICL_LANES) * sizeof(double));
    if (w->targets != NULL)
        gather(w->targets + first * q, q, q, lanes, 1, batch->target + first * q);
    icl_batch_finish_group(batch, group);
    return ICL_OK;
}

icl_status icl_batch_assign(icl_batch *batch, const double *X, const double *y,
                            const double *queries, const double *targets) {
    if (batch == NULL)
        return ICL_ERR_ARGUMENT;
    int64_t B = batch->prompts, d = batch->dim, n = batch->examples, q = batch->queries;
    const icl_context *context = batch->context;
    ICL_REQUIRE(context, icl_product(B, n, d) < INT64_MAX, ICL_ERR_SIZE,
                "icl_batch_assign: %lld x %lld x %lld entries of X are too many", (long long)B,
                (long long)n, (long long)d);
    ICL_CHECK_ARRAY(context, X, B * n * d);
    ICL_CHECK_ARRAY(context, y, B * n);
    ICL_CHECK_ARRAY(context, queries, B * q * d);
    if (targets != NULL)
        ICL_CHECK_ARRAY(context, targets, B * q);
    ICL_TRY(icl_batch_need_scratch(batch, icl_batch_chunk(d) * (d + 1) * ICL_LANES));
    assign_work work = {batch, icl_task_kernels_of(context), X, y, queries, targets};
    ICL_TRY(icl_parallel(context, batch->groups, assign_group, &work));
    if (batch->X != NULL && n > 0) {
        memmove(batch->X, X, (size_t)(B * n * d) * sizeof *X); /* it may be the batch's own */
        memmove(batch->y, y, (size_t)(B * n) * sizeof *y);
    }
    forget_tasks(batch);
    return ICL_OK;
}

icl_status icl_batch_like(const icl_batch *batch, int64_t t, int64_t q, const double *X,
                          const double *y, const double *queries, icl_batch **out) {
    *out = NULL;
    icl_batch_options o;
    ICL_TRY(icl_batch_options_init(&o, sizeof o));
    o.prompts = batch->prompts;
    o.dim = batch->dim;
    o.context = t;
    o.queries = q;
    o.contents = batch->contents;
    icl_batch *made;
    ICL_TRY(icl_batch_create(batch->context, &o, &made));
    icl_status status = icl_batch_assign(made, X, y, queries, NULL);
    if (status != ICL_OK) {
        icl_batch_free(made);
        return status;
    }
    memcpy(made->noise, batch->noise, (size_t)batch->prompts * sizeof(double));
    if (batch->task != NULL)
        memcpy(made->task, batch->task, (size_t)(batch->prompts * batch->dim) * sizeof(double));
    *out = made;
    return ICL_OK;
}

/* ---- what it holds ---- */

int64_t icl_batch_prompts(const icl_batch *batch) {
    return batch != NULL ? batch->prompts : 0;
}

int64_t icl_batch_dim(const icl_batch *batch) {
    return batch != NULL ? batch->dim : 0;
}

int64_t icl_batch_context(const icl_batch *batch) {
    return batch != NULL ? batch->examples : 0;
}

int64_t icl_batch_queries(const icl_batch *batch) {
    return batch != NULL ? batch->queries : 0;
}

const double *icl_batch_X(const icl_batch *batch) {
    return batch != NULL ? batch->X : NULL;
}

const double *icl_batch_y(const icl_batch *batch) {
    return batch != NULL ? batch->y : NULL;
}

const double *icl_batch_query(const icl_batch *batch) {
    return batch != NULL ? batch->query_rows : NULL;
}

const double *icl_batch_target(const icl_batch *batch) {
    return batch != NULL ? batch->target_rows : NULL;
}

const double *icl_batch_task(const icl_batch *batch) {
    return batch != NULL ? batch->task : NULL;
}

const int64_t *icl_batch_task_index(const icl_batch *batch) {
    return batch != NULL ? batch->index : NULL;
}

const double *icl_batch_noise(const icl_batch *batch) {
    return batch != NULL ? batch->noise : NULL;
}

const double *icl_batch_S(const icl_batch *batch) {
    return batch != NULL ? batch->S : NULL;
}

const double *icl_batch_b(const icl_batch *batch) {
    return batch != NULL ? batch->b : NULL;
}

const double *icl_batch_syy(const icl_batch *batch) {
    return batch != NULL ? batch->syy : NULL;
}
