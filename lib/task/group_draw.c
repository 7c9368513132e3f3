#include "task/group_draw.h"

#include <math.h>
#include <string.h>

/* ---- views ---- */

int64_t icl_group_lay_out(icl_group_draw *g, double *base) {
    int64_t d = g->law->dim, chunk = icl_batch_chunk(d), rotating = g->law->rotation_every;
    int process = g->law->labels == ICL_LABELS_GAUSSIAN_PROCESS;
    int64_t points = process ? g->law->examples + g->queries : 0;
    /* draws come in fours, hence the 3 */
    const int64_t entries[] = {icl_task_entries(g->law) + 3,
                               1,
                               1,
                               g->law->pool_count > 0 ? 1 : 0,
                               rotating ? d * d : 0,
                               rotating ? d + 6 : 0,
                               chunk * d + 3,
                               chunk + 3,
                               chunk * (d + 1),
                               g->law->labels == ICL_LABELS_CALLBACK ? 2 * chunk : 0,
                               icl_scale_entries(g->law),
                               icl_radius_entries(g->law, chunk),
                               g->law->labels == ICL_LABELS_LOGISTIC ? chunk + 3 : 0,
                               g->law->labels == ICL_LABELS_SINE ? 4 : 0,
                               g->law->queries == ICL_QUERIES_ORTHOGONAL ? g->law->examples * d : 0,
                               icl_law_quadrants(g->law) ? d + 3 : 0,
                               g->law->labels == ICL_LABELS_TREE ? (INT64_C(1) << g->law->depth) + 2
                                                                 : 0,
                               icl_product(points, d, 1),
                               points,
                               icl_product(points, points + 1, 1) / 2};
    double **views[] = {&g->task,   &g->sign,  &g->sigma,  &g->place,  &g->rotation,
                        &g->vector, &g->z,     &g->noise,  &g->tokens, &g->labels,
                        &g->scales, &g->radii, &g->coins,  &g->wave,   &g->basis,
                        &g->signs,  &g->nodes, &g->points, &g->values, &g->cholesky};
    enum { VIEWS = sizeof views / sizeof *views };
    int64_t used = 0;
    memset(g->turns, 0xff, sizeof g->turns);
    for (int i = 0; i < VIEWS; i++) {
        if (base != NULL)
            *views[i] = base + used;
        used = icl_sum(used, icl_product(ICL_LANES, entries[i], 1));
    }
    return g->direct ? used + icl_factor_lay_out(g, base != NULL ? base + used : NULL) : used;
}

/* ---- labels ---- */

/* out = g(s) by the caller's function, on the caller's thread; s and out are packed. */
static icl_status call_label(const icl_law *law, int64_t count, const double *s, double *out) {
    int code = law->label_fn(count, s, out, law->label_user);
    ICL_REQUIRE(law->context, code == 0, ICL_ERR_CALLBACK,
                "icl_sampler_draw: label_fn failed with %d", code);
    for (int64_t i = 0; i < count; i++)
        ICL_REQUIRE(law->context, isfinite(out[i]), ICL_ERR_CALLBACK,
                    "icl_sampler_draw: label_fn gave %g for s = %g", out[i], s[i]);
    return ICL_OK;
}

/* The caller sees the prompts of the batch only: others may not make a draw fail. */
static icl_status draw_callback_labels(const icl_group_draw *g, int64_t count, int64_t stride,
                                       const double *x, int64_t y_stride, double *y) {
    const icl_law *law = g->law;
    double *s = g->labels, *out = s + ICL_LANES * icl_batch_chunk(law->dim);
    g->kernels->project(law->dim, count, g->task, stride, x, 1, s);
    for (int64_t i = 1; i < count; i++)
        memmove(s + i * g->lanes, s + i * ICL_LANES, (size_t)g->lanes * sizeof *s);
    ICL_TRY(call_label(law, count * g->lanes, s, out));
    for (int64_t i = 0; i < count; i++)
        for (int64_t l = 0; l < ICL_LANES; l++)
            y[ICL_LANES * i * y_stride + l] = l < g->lanes ? out[i * g->lanes + l] : 0;
    return ICL_OK;
}

/* The next values of a Gaussian process, given those before. */
static void draw_process(const icl_group_draw *g, int query, int64_t first, int64_t count,
                         int64_t stride, const double *x, int64_t y_stride, double *y) {
    int64_t d = g->law->dim, row = first + (query ? g->law->examples : 0);
    icl_group_draw_normals(g, query ? ICL_PURPOSE_QUERY_VALUE : ICL_PURPOSE_TASK, first, count,
                           g->noise);
    memcpy(g->values + ICL_LANES * row, g->noise, (size_t)(ICL_LANES * count) * sizeof *g->noise);
    for (int64_t i = 0; i < count; i++)
        memcpy(g->points + ICL_LANES * (row + i) * d, x + ICL_LANES * i * stride,
               (size_t)(ICL_LANES * d) * sizeof *x);
    for (int64_t i = 0; i < count; i++)
        g->kernels->process(d, g->law->kernel, g->law->bandwidth, row + i, g->points, g->cholesky,
                            g->values, y + ICL_LANES * i * y_stride);
}

/* Uniforms of the coins of LOGISTIC labels. */
static void draw_coins(const icl_group_draw *g, int query, int64_t first, int64_t count) {
    g->random->uniforms(g->seed, query ? ICL_PURPOSE_QUERY_COIN : ICL_PURPOSE_COIN, g->prompt,
                        (uint64_t)(first / 4), count, 1, 0, g->coins);
}

/* y_i = f(x_i) without noise for `count` vectors of stride `stride`, number `first` and on. */
static icl_status draw_labels(const icl_group_draw *g, int query, int64_t first, int64_t count,
                              int64_t stride, const double *x, int64_t y_stride, double *y) {
    const icl_law *law = g->law;
    const icl_task_kernels *k = g->kernels;
    switch (law->labels) {
    case ICL_LABELS_CALLBACK:
        return draw_callback_labels(g, count, stride, x, y_stride, y);
    case ICL_LABELS_NET:
        k->net(law->dim, law->hidden, law->activation, count, g->task, stride, x, y_stride, y);
        return ICL_OK;
    case ICL_LABELS_QUADRATIC:
        k->quadratic(law->dim, count, g->task, stride, x, y_stride, y);
        return ICL_OK;
    case ICL_LABELS_TREE:
        k->tree(law->depth, count, g->nodes, g->task, stride, x, y_stride, y);
        return ICL_OK;
    case ICL_LABELS_SERIES:
        k->series(law->dim, law->terms, law->basis, count, g->task, stride, x, y_stride, y);
        return ICL_OK;
    case ICL_LABELS_GAUSSIAN_PROCESS:
        draw_process(g, query, first, count, stride, x, y_stride, y);
        return ICL_OK;
    default:
        k->project(law->dim, count, g->task, stride, x, y_stride, y);
    }
    if (law->labels == ICL_LABELS_LOGISTIC) {
        draw_coins(g, query, first, count);
        k->toss(count, g->coins, y_stride, y);
    } else if (law->labels == ICL_LABELS_SINE)
        k->sine(count, g->wave, y_stride, y);
    else if (law->labels != ICL_LABELS_LINEAR)
        k->label(law->labels, count, y_stride, y);
    return ICL_OK;
}

/* ---- examples and queries ---- */

void icl_group_draw_rotations(icl_group_draw *g) {
    uint64_t numbers[ICL_LANES];
    if (g->law->rotation_every == 0)
        return;
    for (uint64_t l = 0; l < ICL_LANES; l++)
        numbers[l] = (g->prompt + l) / (uint64_t)g->law->rotation_every;
    if (memcmp(numbers, g->turns, sizeof numbers) == 0)
        return;
    memcpy(g->turns, numbers, sizeof numbers);
    g->random->rotations(g->seed, ICL_PURPOSE_ROTATION, numbers, g->law->dim, g->rotation,
                         g->vector);
}

void icl_group_draw_inputs(const icl_group_draw *g, icl_purpose covariates, int64_t first,
                           int64_t count, int64_t stride, double *x) {
    const icl_law *law = g->law;
    icl_group_draw_covariates(g, covariates, first, count);
    if (law->rotation_every > 0)
        g->kernels->rotate(g->rotation, law->scales, NULL, law->dim, count, g->z, stride, x);
    else
        g->kernels->affine(&law->root, NULL, law->dim, count, g->z, stride, x);
    for (int64_t i = 0; law->active < law->dim && i < count; i++)
        memset(x + ICL_LANES * (i * stride + law->active), 0,
               (size_t)(ICL_LANES * (law->dim - law->active)) * sizeof *x);
}

/* Draws vectors first.. of the covariate stream into x and their noisy labels into y. */
static icl_status draw_vectors(const icl_group_draw *g, icl_purpose covariates, icl_purpose noise,
                               int64_t first, int64_t count, int64_t stride, double *x,
                               int64_t y_stride, double *y) {
    const icl_law *law = g->law;
    icl_group_draw_inputs(g, covariates, first, count, stride, x);
    if (law->queries != ICL_QUERIES_LAW)
        icl_group_shift(g, covariates, first, count, stride, x);
    ICL_TRY(draw_labels(g, covariates == ICL_PURPOSE_QUERY, first, count, stride, x, y_stride, y));
    if (law->noise > 0)
        icl_group_draw_normals(g, noise, first, count, g->noise);
    if (law->noise > 0 || law->signed_labels)
        g->kernels->finish(count, law->signed_labels ? g->sign : NULL, g->sigma,
                           law->noise > 0 ? g->noise : NULL, y_stride, y);
    return ICL_OK;
}

icl_status icl_group_draw_examples(const icl_group_draw *g, int64_t first, int64_t count) {
    int64_t d = g->law->dim, D = d + 1;
    return draw_vectors(g, ICL_PURPOSE_COVARIATE, ICL_PURPOSE_NOISE, first, count, D, g->tokens, D,
                        g->tokens + ICL_LANES * d);
}

icl_status icl_group_draw_queries(const icl_group_draw *g, icl_batch *batch, int64_t group) {
    int64_t d = batch->dim, q = batch->queries, chunk = icl_batch_chunk(d);
    double *query = batch->query + group * ICL_LANES * q * d;
    double *target = batch->target + group * ICL_LANES * q;
    for (int64_t j = 0; j < q; j += chunk) {
        int64_t count = q - j < chunk ? q - j : chunk;
        ICL_TRY(draw_vectors(g, ICL_PURPOSE_QUERY, ICL_PURPOSE_QUERY_NOISE, j, count, d,
                             query + ICL_LANES * j * d, 1, target + ICL_LANES * j));
    }
    return ICL_OK;
}
