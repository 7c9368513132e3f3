/* Clipping of the gradient: each block to clip_block in Euclidean norm, then all to clip_global
 * (Pascanu, Mikolov and Bengio, 2013). */
#include <math.h>
#include <string.h>

#include "optim/optimiser.h"

static void clip_part(int64_t count, double most, double *gradient) {
    double norm = icl_vector_norm(count, gradient);
    if (!(norm > most))
        return;
    if (isinf(norm)) { /* of finite entries: the norm alone overflows */
        for (int64_t i = 0; i < count; i++)
            gradient[i] = ldexp(gradient[i], -64);
        norm = icl_vector_norm(count, gradient);
    }
    for (int64_t i = 0; i < count; i++)
        gradient[i] = gradient[i] / norm * most; /* most / norm could underflow */
}

const double *icl_clip(const icl_optimiser *optimiser, const double *gradient) {
    const icl_optimiser_options *o = &optimiser->options;
    if (o->clip_block == 0 && o->clip_global == 0)
        return gradient;
    memcpy(optimiser->clipped, gradient, (size_t)optimiser->count * sizeof *gradient);
    if (o->clip_block > 0) {
        int64_t begin = 0;
        for (int64_t k = 0; k < o->blocks; begin = o->block_ends[k++])
            clip_part(o->block_ends[k] - begin, o->clip_block, optimiser->clipped + begin);
        if (o->blocks == 0)
            clip_part(optimiser->count, o->clip_block, optimiser->clipped);
    }
    if (o->clip_global > 0)
        clip_part(optimiser->count, o->clip_global, optimiser->clipped);
    return optimiser->clipped;
}
