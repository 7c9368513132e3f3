/* The finite pool of tasks of a law. */
#include <string.h>

#include "task/group_draw.h"

/* Entry k is the w of prompt k of the law, which has no pool yet. */
static icl_status draw_pool(const icl_law *law, uint64_t seed, int64_t count, double *pool) {
    icl_group_draw g = {.law = law,
                        .seed = seed,
                        .random = icl_random_kernels_of(law->context),
                        .kernels = icl_task_kernels_of(law->context)};
    double *room;
    ICL_TRY(ICL_NEW(law->context, &room, icl_group_lay_out(&g, NULL)));
    icl_group_lay_out(&g, room);
    int64_t d = law->dim;
    for (int64_t first = 0; first < count; first += ICL_LANES) {
        int64_t lanes = count - first < ICL_LANES ? count - first : ICL_LANES;
        g.prompt = (uint64_t)first;
        icl_group_draw_function(&g);
        for (int64_t l = 0; l < lanes; l++)
            for (int64_t j = 0; j < d; j++)
                pool[(first + l) * d + j] = g.task[ICL_LANES * j + l];
    }
    icl_dealloc(law->context, room);
    return ICL_OK;
}

icl_status icl_law_fill_pool(icl_law *law, const icl_law_options *o, double *pool) {
    if (o->pool_values != NULL)
        memcpy(pool, o->pool_values, (size_t)(o->pool * o->dim) * sizeof *pool);
    else
        ICL_TRY(draw_pool(law, o->pool_seed, o->pool, pool));
    law->pool = pool;
    law->pool_count = o->pool;
    return ICL_OK;
}

void icl_law_pool_moments(const icl_law *law, double *mean, double *covariance) {
    int64_t d = law->dim, K = law->pool_count;
    memset(mean, 0, (size_t)d * sizeof *mean);
    memset(covariance, 0, (size_t)(d * d) * sizeof *covariance);
    for (int64_t k = 0; k < K; k++)
        for (int64_t j = 0; j < d; j++)
            mean[j] += law->pool[k * d + j];
    for (int64_t j = 0; j < d; j++)
        mean[j] /= (double)K;
    for (int64_t k = 0; k < K; k++)
        for (int64_t i = 0; i < d; i++) {
            double away = law->pool[k * d + i] - mean[i];
            for (int64_t j = 0; j <= i; j++)
                covariance[i * d + j] += away * (law->pool[k * d + j] - mean[j]);
        }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            covariance[i * d + j] /= (double)K;
            covariance[j * d + i] = covariance[i * d + j];
        }
}
