/* What is drawn once a prompt: the task, its sign, the noise level. */
#include <math.h>
#include <string.h>

#include "task/group_draw.h"

int64_t icl_task_entries(const icl_law *law) {
    switch (law->labels) {
    case ICL_LABELS_NET:
        return icl_product(law->hidden, law->dim + 1, 1);
    case ICL_LABELS_TREE:
        return INT64_C(1) << law->depth;
    case ICL_LABELS_SERIES:
        return law->dim * (law->terms - 1);
    case ICL_LABELS_GAUSSIAN_PROCESS:
        return 0;
    default:
        return law->dim;
    }
}

void icl_group_draw_normals(const icl_group_draw *g, icl_purpose purpose, int64_t first,
                            int64_t count, double *out) {
    g->random->prompts(g->seed, purpose, g->prompt, (uint64_t)(first / 4), count, out);
}

/* ---- the weights of linear labels ---- */

/* Zeros all but `sparsity` entries of a lane: the first places of a shuffle. order, kept: d. */
static void keep_support(const icl_law *law, int lane, const double *u, double *order, double *kept,
                         double *z) {
    int64_t d = law->dim;
    for (int64_t j = 0; j < d; j++) {
        order[j] = (double)j;
        kept[j] = 0;
    }
    for (int64_t i = 0; i < law->sparsity; i++) {
        int64_t k = i + (int64_t)(u[ICL_LANES * i + lane] * (double)(d - i));
        double taken = order[k];
        order[k] = order[i];
        kept[(int64_t)taken] = 1;
    }
    for (int64_t j = 0; j < d; j++)
        if (kept[j] == 0)
            z[ICL_LANES * j + lane] = 0;
}

static void make_sparse(const icl_group_draw *g) {
    int64_t d = g->law->dim;
    double *u = g->z, *order = u + ICL_LANES * (d + 3); /* z has room for four examples */
    g->random->uniforms(g->seed, ICL_PURPOSE_SUPPORT, g->prompt, 0, g->law->sparsity, 1, 0, u);
    for (int l = 0; l < ICL_LANES; l++)
        keep_support(g->law, l, u, order, order + d, g->task);
}

/* w from the normals that lie there. */
static void make_weights(const icl_group_draw *g) {
    const icl_law *law = g->law;
    const icl_root *root = &law->task_root;
    if (law->tasks == ICL_TASKS_SPHERE)
        g->kernels->normalise(law->dim, sqrt((double)law->dim), g->task);
    else if (law->tasks == ICL_TASKS_SPARSE)
        make_sparse(g);
    if (law->inverse_scales != NULL) {
        memcpy(g->tokens, g->task, (size_t)(law->dim * ICL_LANES) * sizeof *g->task);
        g->kernels->rotate(g->rotation, law->inverse_scales, law->mean, law->dim, 1, g->tokens,
                           law->dim, g->task);
        return;
    }
    /* root z needs z apart from w only where the root is dense */
    if (root->dense != NULL)
        memcpy(g->tokens, g->task, (size_t)(law->dim * ICL_LANES) * sizeof *g->task);
    const double *z = root->dense != NULL ? g->tokens : g->task;
    g->kernels->affine(root, law->mean, law->dim, 1, z, law->dim, g->task);
}

/* ---- the task ---- */

static void take_from_pool(const icl_group_draw *g) {
    const icl_law *law = g->law;
    g->random->first_uniforms(g->seed, ICL_PURPOSE_POOL, g->prompt, g->place);
    for (int l = 0; l < ICL_LANES; l++) {
        int64_t k = (int64_t)(g->place[l] * (double)law->pool_count);
        g->place[l] = (double)k;
        for (int64_t j = 0; j < law->dim; j++)
            g->task[ICL_LANES * j + l] = law->pool[k * law->dim + j];
    }
}

static void draw_nodes(const icl_group_draw *g) {
    int64_t count = (INT64_C(1) << g->law->depth) - 1;
    g->random->uniforms(g->seed, ICL_PURPOSE_NODE, g->prompt, 0, count, 1, 0, g->nodes);
    for (int64_t e = 0; e < ICL_LANES * count; e++)
        g->nodes[e] = floor(g->nodes[e] * (double)g->law->dim);
}

static void scale_coefficients(const icl_group_draw *g) {
    for (int64_t e = 0; e < icl_task_entries(g->law); e++)
        for (int l = 0; l < ICL_LANES; l++)
            g->task[ICL_LANES * e + l] *= g->law->amplitudes[e];
}

static void draw_new(const icl_group_draw *g) {
    const icl_law *law = g->law;
    icl_group_draw_normals(g, ICL_PURPOSE_TASK, 0, icl_task_entries(law), g->task);
    if (law->labels == ICL_LABELS_LINEAR)
        make_weights(g);
    else if (law->labels == ICL_LABELS_TREE)
        draw_nodes(g);
    else if (law->labels == ICL_LABELS_SERIES)
        scale_coefficients(g);
    else if (icl_labels_weighted(law->labels) && law->labels != ICL_LABELS_QUADRATIC)
        g->kernels->normalise(law->dim, 1, g->task);
}

static void draw_wave(const icl_group_draw *g) {
    const double pi = 3.14159265358979323846, least = g->law->amplitude_least;
    const double range = g->law->amplitude_most - least;
    double *amplitude = g->wave, *phase = amplitude + ICL_LANES;
    g->random->uniforms(g->seed, ICL_PURPOSE_WAVE, g->prompt, 0, 2, 1, 0, g->wave);
    for (int l = 0; l < ICL_LANES; l++) {
        amplitude[l] = least + range * amplitude[l];
        phase[l] *= pi;
    }
}

void icl_group_draw_function(const icl_group_draw *g) {
    const icl_law *law = g->law;
    if (law->pool_count > 0)
        take_from_pool(g);
    else
        draw_new(g);
    if (law->signed_labels)
        g->random->signs(g->seed, g->prompt, g->sign);
    if (law->labels == ICL_LABELS_SINE)
        draw_wave(g);
}

/* sigma of a prompt whose uniform is u, 0 < u < 1: u level_count < level_count in doubles, too */
static double level_of(const icl_law *law, double u) {
    if (law->noise_law == ICL_NOISE_UNIFORM)
        return u * law->sigma;
    return law->levels[(int64_t)(u * (double)law->level_count)];
}

static void draw_level(const icl_group_draw *g) {
    const icl_law *law = g->law;
    int fixed = law->noise_law == ICL_NOISE_FIXED;
    if (!fixed)
        g->random->first_uniforms(g->seed, ICL_PURPOSE_LEVEL, g->prompt, g->sigma);
    for (int l = 0; l < ICL_LANES; l++)
        g->sigma[l] = fixed ? law->sigma : level_of(law, g->sigma[l]);
}

static void store_task(const icl_group_draw *g, icl_batch *batch, int64_t group) {
    int64_t d = batch->dim, first = group * ICL_LANES;
    int fixed = g->law->noise_law == ICL_NOISE_FIXED,
        weighted = icl_labels_weighted(g->law->labels);
    for (int64_t l = 0; l < g->lanes; l++) {
        batch->index[first + l] = g->law->pool_count > 0 ? (int64_t)g->place[l] : -1;
        batch->noise[first + l] = fixed ? g->law->noise : g->sigma[l] * g->sigma[l];
        for (int64_t j = 0; batch->task != NULL && j < d; j++)
            batch->task[(first + l) * d + j] = weighted ? g->task[ICL_LANES * j + l] : 0;
    }
}

void icl_group_draw_task(const icl_group_draw *g, icl_batch *batch, int64_t group) {
    icl_group_draw_function(g);
    draw_level(g);
    store_task(g, batch, group);
}
