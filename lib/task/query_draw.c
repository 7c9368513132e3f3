/* Queries unlike the examples of their prompt. */
#include "task/group_draw.h"

/* The chunk of queries takes its covariates from the examples. Each lane has an example of its own:
 * the four that it is drawn with are made for all lanes, and one lane is kept. */
static void repeat_examples(const icl_group_draw *g, int64_t first, int64_t count, int64_t stride,
                            double *x) {
    const icl_law *law = g->law;
    int64_t d = law->dim;
    double *u = g->noise, *four = g->tokens;
    g->random->uniforms(g->seed, ICL_PURPOSE_REPEAT, g->prompt, (uint64_t)(first / 4), count, 1, 0,
                        u);
    for (int64_t i = 0; i < count; i++)
        for (int l = 0; l < ICL_LANES; l++) {
            int64_t k = (int64_t)(u[ICL_LANES * i + l] * (double)law->examples);
            icl_group_draw_inputs(g, ICL_PURPOSE_COVARIATE, k & ~INT64_C(3), 4, d, four);
            for (int64_t j = 0; j < d; j++)
                x[ICL_LANES * (i * stride + j) + l] = four[ICL_LANES * ((k & 3) * d + j) + l];
        }
}

void icl_group_draw_shift(const icl_group_draw *g) {
    const icl_law *law = g->law;
    int64_t d = law->dim, n = law->examples, chunk = icl_batch_chunk(d);
    if (icl_law_quadrants(law))
        g->random->uniforms(g->seed, ICL_PURPOSE_QUADRANT, g->prompt, 0, d, 1, 0.5, g->signs);
    if (law->queries != ICL_QUERIES_ORTHOGONAL)
        return;
    for (int64_t i = 0; i < n; i += chunk)
        icl_group_draw_inputs(g, ICL_PURPOSE_COVARIATE, i, n - i < chunk ? n - i : chunk, d,
                              g->basis + ICL_LANES * i * d);
    g->kernels->orthonormalise(d, n, g->basis);
}

void icl_group_shift(const icl_group_draw *g, icl_purpose covariates, int64_t first, int64_t count,
                     int64_t stride, double *x) {
    const icl_law *law = g->law;
    int64_t d = law->dim;
    int query = covariates == ICL_PURPOSE_QUERY;
    int opposite = query && law->queries == ICL_QUERIES_OPPOSITE_QUADRANT;
    if (icl_law_quadrants(law) && (!query || opposite))
        g->kernels->quadrant(d, opposite, g->signs, count, stride, x);
    if (!query)
        return;
    if (law->queries == ICL_QUERIES_ORTHOGONAL && law->examples > 0)
        g->kernels->project_off(d, law->examples, g->basis, count, x);
    else if (law->queries == ICL_QUERIES_REPEATED)
        repeat_examples(g, first, count, stride, x);
    for (int64_t e = 0; law->queries == ICL_QUERIES_SCALED && e < ICL_LANES * count * d; e++)
        x[e] *= law->query_scale;
}
