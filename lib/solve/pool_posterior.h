/* The posterior mean over a finite pool of tasks, tile by tile.
 *
 * A tile is 48 tasks w as a (d + 2) x 6 matrix of lanes: w_1..w_d, then -1, then the squared error
 * before any example, 0, or DBL_MAX where the pool has no task left. A state is what one prefix
 * knows of the tiles taken so far, d + 2 entries in lanes, each lane by itself: the least squared
 * error e_min, s = sum exp(-h (e - e_min)), and sum exp(-h (e - e_min)) w, with h = 1/(2 sigma^2).
 */
#ifndef ICL_SOLVE_POOL_POSTERIOR_H
#define ICL_SOLVE_POOL_POSTERIOR_H

#include "base/isa.h"

enum {
    ICL_POOL_VECTORS = 6, /* eights of tasks in a tile: the products go by three */
    ICL_POOL_TASKS = 8 * ICL_POOL_VECTORS,
    ICL_POOL_CHUNK = 16, /* examples whose residuals are kept at a time */
    ICL_POOL_WORK = ICL_POOL_CHUNK * ICL_POOL_TASKS
};

/* Doubles of a tile and of a state. */
static inline int64_t icl_pool_tile(int64_t d) {
    return (d + 2) * ICL_POOL_TASKS;
}
static inline int64_t icl_pool_state(int64_t d) {
    return (d + 2) * 8;
}

typedef struct icl_pool_kernels {
    /* A state of no tiles. */
    void (*reset)(int64_t d, double *state);
    /* A tile into the states of the prefixes begin..n of one prompt: examples n x (d + 1), rows
     * (x, y); work ICL_POOL_WORK doubles. */
    void (*take)(int64_t d, int64_t n, int64_t begin, double h, const double *examples,
                 const double *tile, double *work, double *states);
    /* w (d) = the mean; NaN where every task's squared error has overflowed. */
    void (*mean)(int64_t d, double h, const double *state, double *w);
} icl_pool_kernels;

ICL_ISA_TABLES(icl_pool_kernels, icl_pool_kernels)

#endif
