#include <float.h>

#include "base/vec8_math.h"
#include "lanes/lane_matrix.h"
#include "solve/pool_posterior.h"

enum { VECTORS = ICL_POOL_VECTORS };

static void reset(int64_t d, double *state) {
    v8_store(state, v8_set(DBL_MAX));
    memset(state + 8, 0, (size_t)(icl_pool_state(d) - 8) * sizeof *state);
}

/* The sums in units of a smaller exp(-h e_min). */
V8_INLINE void rescale(int64_t d, v8 factor, double *state) {
    for (int64_t j = 1; j < d + 2; j++)
        v8_store(state + 8 * j, v8_mul(v8_load(state + 8 * j), factor));
}

/* A tile whose squared errors are e into one state. */
V8_INLINE void weigh(int64_t d, v8 minus_h, const v8 *e, const double *tile, double *state) {
    const v8 old = v8_load(state);
    v8 least = old, p[VECTORS];
    for (int v = 0; v < VECTORS; v++)
        least = v8_choose(v8_less(e[v], least), e[v], least);
    if (!u8_all(u8_xor(v8_less(least, old), u8_set(~UINT64_C(0))))) {
        v8_store(state, least);
        rescale(d, v8_exp(v8_mul(v8_sub(old, least), minus_h)), state);
    }
    v8 sum = v8_load(state + 8);
    for (int v = 0; v < VECTORS; v++) {
        /* 0 where there is no task, or its error has overflowed */
        p[v] = v8_choose(v8_less(e[v], v8_set(DBL_MAX)),
                         v8_exp(v8_mul(v8_sub(e[v], least), minus_h)), v8_set(0));
        sum = v8_add(sum, p[v]);
    }
    v8_store(state + 8, sum);
    for (int64_t j = 0; j < d; j++) {
        const double *w = tile + j * ICL_POOL_TASKS;
        v8 mean = v8_load(state + 8 * (j + 2));
        for (int v = 0; v < VECTORS; v++)
            mean = v8_fma(p[v], v8_load(w + 8 * v), mean);
        v8_store(state + 8 * (j + 2), mean);
    }
}

static void take(int64_t d, int64_t n, int64_t begin, double h, const double *examples,
                 const double *tile, double *work, double *states) {
    const v8 minus_h = v8_set(-h);
    v8 e[VECTORS];
    for (int v = 0; v < VECTORS; v++)
        e[v] = v8_load(tile + (d + 1) * ICL_POOL_TASKS + 8 * v);
    for (int64_t t = 0;; t++) {
        if (t >= begin)
            weigh(d, minus_h, e, tile, states + (t - begin) * icl_pool_state(d));
        if (t == n)
            break;
        if (t % ICL_POOL_CHUNK == 0) /* residuals w.x - y of the examples to come */
            lane_multiply_pl(n - t < ICL_POOL_CHUNK ? n - t : ICL_POOL_CHUNK, VECTORS, d + 1,
                             lane_rows(examples + t * (d + 1), d + 1), lane_rows(tile, VECTORS), 0,
                             NULL, work, VECTORS);
        const double *residual = work + t % ICL_POOL_CHUNK * ICL_POOL_TASKS;
        for (int v = 0; v < VECTORS; v++) {
            const v8 r = v8_load(residual + 8 * v);
            e[v] = v8_fma(r, r, e[v]);
        }
    }
}

static void mean(int64_t d, double h, const double *state, double *w) {
    double least = state[0], factor[8], sum = 0;
    for (int lane = 1; lane < 8; lane++)
        least = state[lane] < least ? state[lane] : least;
    v8 f = v8_exp(v8_mul(v8_sub(v8_load(state), v8_set(least)), v8_set(-h)));
    memcpy(factor, &f, sizeof factor);
    for (int lane = 0; lane < 8; lane++)
        sum += factor[lane] * state[8 + lane];
    for (int64_t j = 0; j < d; j++) {
        const double *weighted = state + 8 * (j + 2);
        w[j] = 0;
        for (int lane = 0; lane < 8; lane++)
            w[j] += factor[lane] * weighted[lane];
        w[j] /= sum;
    }
}

const icl_pool_kernels ICL_ISA_NAME(icl_pool_kernels) = {reset, take, mean};
