/* Prompts from a law: groups of eight are drawn whole, one a lane, in cache. */
#include <string.h>

#include "task/group_draw.h"

struct icl_sampler {
    icl_context *context;
    icl_law *law;
    uint64_t seed;
};

icl_status icl_sampler_of(icl_context *context, const icl_law *law, uint64_t seed,
                          icl_sampler **out) {
    ICL_TRY(icl_check_seed(context, "icl_sampler_create", "seed", seed));
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

icl_status icl_sampler_create(icl_context *context, const icl_law *law, uint64_t seed,
                              icl_sampler **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    ICL_REQUIRE_POINTER(context, law);
    ICL_TRY(icl_law_check_power(law, __func__));
    return icl_sampler_of(context, law, seed, out);
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

uint64_t icl_sampler_seed(const icl_sampler *sampler) {
    return sampler != NULL ? sampler->seed : 0;
}

/* Entry (i, k) of the root R of a prompt's Sigma = R R^T, but for its scale. */
static double root_entry(const icl_group_draw *g, int64_t i, int64_t k) {
    const icl_law *law = g->law;
    const icl_root *root = &law->root;
    if (law->rotation_every > 0)
        return g->rotation[ICL_LANES * (i * law->dim + k)] * law->scales[k];
    if (root->dense != NULL)
        return root->dense[i * law->dim + k];
    return i != k ? 0 : root->diagonal != NULL ? root->diagonal[i] : 1;
}

/* R diag(scales)^2 R^T of a prompt, the first of a group of its own. */
static icl_status drawn_covariance(const icl_sampler *sampler, int64_t prompt, double *out) {
    const icl_law *law = sampler->law;
    int64_t d = law->dim;
    icl_group_draw g = {.law = law,
                        .seed = sampler->seed,
                        .prompt = (uint64_t)prompt,
                        .random = icl_random_kernels_of(sampler->context)};
    double *room;
    ICL_TRY(ICL_NEW(sampler->context, &room, icl_group_lay_out(&g, NULL)));
    icl_group_lay_out(&g, room);
    icl_group_draw_rotations(&g);
    icl_group_draw_scales(&g);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++) {
                int64_t place = law->scale == ICL_SCALE_COORDINATE ? k : 0;
                double scale = icl_scale_entries(law) > 0 ? g.scales[ICL_LANES * place] : 1;
                sum += scale * root_entry(&g, i, k) * (scale * root_entry(&g, j, k));
            }
            out[i * d + j] = out[j * d + i] = sum;
        }
    icl_dealloc(sampler->context, room);
    return ICL_OK;
}

icl_status icl_sampler_covariance(const icl_sampler *sampler, int64_t prompt, double *covariance) {
    if (sampler == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(sampler->context, prompt, 0, (INT64_C(1) << 62) - 1);
    ICL_REQUIRE_POINTER(sampler->context, covariance);
    const icl_law *law = sampler->law;
    if (law->rotation_every > 0 || icl_scale_entries(law) > 0)
        return drawn_covariance(sampler, prompt, covariance);
    memcpy(covariance, law->covariance, (size_t)(law->dim * law->dim) * sizeof *covariance);
    return ICL_OK;
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

/* Examples and their moments. */
static icl_status draw_examples(const icl_group_draw *g, icl_batch *batch, int64_t group) {
    int64_t d = batch->dim, D = d + 1, n = batch->examples, chunk = icl_batch_chunk(d);
    double *gram = batch->gram + group * ICL_LANES * D * D;
    memset(gram, 0, (size_t)(D * D * ICL_LANES) * sizeof *gram);
    for (int64_t i = 0; i < n; i += chunk) {
        int64_t count = n - i < chunk ? n - i : chunk;
        ICL_TRY(icl_group_draw_examples(g, i, count));
        g->kernels->accumulate(D, count, g->tokens, gram);
        if (batch->X != NULL)
            store_examples(batch, group, i, count, g->tokens);
    }
    if (n > 0)
        g->kernels->mean(D, (double)n, gram);
    return ICL_OK;
}

static icl_status draw_group(icl_group_draw *g, icl_batch *batch, int64_t group) {
    icl_group_draw_rotations(g);
    icl_group_draw_scales(g);
    icl_group_draw_task(g, batch, group);
    icl_group_draw_shift(g);
    if (g->direct)
        icl_group_draw_moments(g, batch, group);
    else
        ICL_TRY(draw_examples(g, batch, group));
    ICL_TRY(icl_group_draw_queries(g, batch, group));
    icl_batch_finish_group(batch, group);
    return ICL_OK;
}

/* ---- a batch ---- */

typedef struct draw_work {
    const icl_sampler *sampler;
    icl_batch *batch;
    int64_t first;
    int direct; /* 1: moments without examples */
} draw_work;

static icl_status draw_block(void *user, int64_t block) {
    const draw_work *w = user;
    icl_batch *batch = w->batch;
    int64_t end = (block + 1) * ICL_BLOCK_GROUPS;
    if (end > batch->groups)
        end = batch->groups;
    icl_group_draw g = {.law = w->sampler->law,
                        .seed = w->sampler->seed,
                        .direct = w->direct,
                        .queries = batch->queries,
                        .random = icl_random_kernels_of(batch->context),
                        .kernels = icl_task_kernels_of(batch->context)};
    double *slot = icl_scratch_take(batch->scratch);
    icl_group_lay_out(&g, slot);
    icl_status status = ICL_OK;
    for (int64_t group = block * ICL_BLOCK_GROUPS; group < end && status == ICL_OK; group++) {
        g.prompt = (uint64_t)(w->first + group * ICL_LANES);
        g.lanes = icl_batch_lanes(batch, group);
        status = draw_group(&g, batch, group);
    }
    icl_scratch_give(batch->scratch, slot);
    return status;
}

/* part: fewer examples than the law has will do, too. */
static icl_status check_draw(const char *function, const icl_sampler *sampler, int64_t first,
                             int part, const icl_batch *batch) {
    const icl_context *context = sampler->context;
    const icl_law *law = sampler->law;
    ICL_REQUIRE(context, batch != NULL, ICL_ERR_ARGUMENT, "%s: batch is NULL", function);
    ICL_TRY(
        icl_check_range(context, function, "first", first, 0, (INT64_C(1) << 62) - batch->prompts));
    int fits = part ? batch->examples <= law->examples : batch->examples == law->examples;
    ICL_REQUIRE(context, batch->dim == law->dim && fits, ICL_ERR_SHAPE,
                "%s: the batch has dim %lld and context %lld, the law %lld and %lld", function,
                (long long)batch->dim, (long long)batch->examples, (long long)law->dim,
                (long long)law->examples);
    return ICL_OK;
}

static int64_t count_blocks(const icl_batch *batch) {
    return (batch->groups + ICL_BLOCK_GROUPS - 1) / ICL_BLOCK_GROUPS;
}

/* The caller's function runs on the caller's thread, and may fail. */
static icl_status draw_callback(const icl_sampler *sampler, int64_t first, icl_batch *batch) {
    ICL_TRY(icl_batch_need_shadow(batch));
    draw_work work = {sampler, batch->shadow, first, 0};
    icl_group_draw g = {.law = sampler->law, .queries = batch->queries};
    ICL_TRY(icl_batch_need_scratch(work.batch, icl_group_lay_out(&g, NULL)));
    icl_status status = ICL_OK;
    for (int64_t block = 0; block < count_blocks(batch) && status == ICL_OK; block++)
        status = draw_block(&work, block);
    ICL_TRY(status);
    icl_batch_swap(batch, batch->shadow);
    return ICL_OK;
}

static icl_status draw_batch(const icl_sampler *sampler, int64_t first, int direct,
                             icl_batch *batch) {
    draw_work work = {sampler, batch, first, direct};
    icl_group_draw g = {.law = sampler->law, .direct = direct, .queries = batch->queries};
    ICL_TRY(icl_batch_need_scratch(batch, icl_group_lay_out(&g, NULL)));
    return icl_parallel(batch->context, count_blocks(batch), draw_block, &work);
}

static icl_status draw_examples_of(const icl_sampler *sampler, int64_t first, icl_batch *batch) {
    if (sampler->law->labels == ICL_LABELS_CALLBACK)
        return draw_callback(sampler, first, batch);
    return draw_batch(sampler, first, 0, batch);
}

icl_status icl_sampler_draw(const icl_sampler *sampler, int64_t first, icl_batch *batch) {
    if (sampler == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(check_draw(__func__, sampler, first, 0, batch));
    return draw_examples_of(sampler, first, batch);
}

static icl_status check_moments(const char *function, const icl_sampler *sampler,
                                const icl_batch *batch) {
    const icl_law *law = sampler->law;
    ICL_REQUIRE(sampler->context, !(batch->contents & ICL_CONTENTS_EXAMPLES), ICL_ERR_ARGUMENT,
                "%s: the batch holds examples (contents = %u): none are drawn", function,
                (unsigned)batch->contents);
    ICL_REQUIRE(sampler->context, law->labels == ICL_LABELS_LINEAR, ICL_ERR_NO_CLOSED_FORM,
                "%s: labels = %d: only the moments of linear labels have a known law", function,
                (int)law->labels);
    ICL_REQUIRE(sampler->context, law->rotation_every == 0, ICL_ERR_NO_CLOSED_FORM,
                "%s: rotation_every = %lld: the moments of one Sigma have a known law", function,
                (long long)law->rotation_every);
    ICL_REQUIRE(sampler->context, law->scale == ICL_SCALE_FIXED, ICL_ERR_NO_CLOSED_FORM,
                "%s: scale = %d: only the moments of covariates of fixed scale have a known law",
                function, (int)law->scale);
    ICL_REQUIRE(sampler->context, law->covariates == ICL_COVARIATES_GAUSSIAN,
                ICL_ERR_NO_CLOSED_FORM,
                "%s: covariates = %d: only the moments of Gaussian ones have a known law", function,
                (int)law->covariates);
    ICL_REQUIRE(sampler->context,
                law->queries == ICL_QUERIES_LAW || law->queries == ICL_QUERIES_SCALED,
                ICL_ERR_NO_CLOSED_FORM, "%s: queries = %d: they want the examples, or change them",
                function, (int)law->queries);
    return ICL_OK;
}

icl_status icl_sampler_draw_moments(const icl_sampler *sampler, int64_t first, icl_batch *batch) {
    if (sampler == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(check_draw(__func__, sampler, first, 0, batch));
    ICL_TRY(check_moments(__func__, sampler, batch));
    return draw_batch(sampler, first, 1, batch);
}

icl_status icl_sampler_draw_part(const icl_sampler *sampler, int64_t first, int64_t dims,
                                 int moments, icl_batch *batch) {
    if (sampler == NULL)
        return ICL_ERR_ARGUMENT;
    icl_law law = *sampler->law;
    ICL_CHECK_RANGE(sampler->context, dims, 1, law.dim);
    ICL_CHECK_RANGE(sampler->context, moments, 0, 1);
    ICL_TRY(check_draw(__func__, sampler, first, 1, batch));
    ICL_REQUIRE(sampler->context, law.queries != ICL_QUERIES_ORTHOGONAL || dims == law.dim,
                ICL_ERR_ARGUMENT, "%s: dims = %lld: ORTHOGONAL queries want all %lld", __func__,
                (long long)dims, (long long)law.dim);
    law.active = dims;
    law.examples = batch->examples;
    ICL_TRY(icl_law_check_queries(&law, __func__));
    const icl_sampler part = {sampler->context, &law, sampler->seed};
    if (!moments)
        return draw_examples_of(&part, first, batch);
    ICL_TRY(check_moments(__func__, &part, batch));
    return draw_batch(&part, first, 1, batch);
}
