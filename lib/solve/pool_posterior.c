/* The posterior mean for a task drawn uniformly from a pool w_1..w_m, y = X w + N(0, sigma^2 I)
 * (dMMSE, Raventos et al. 2306.15063):
 *
 *     w = sum_i p_i w_i,   p = softmax(-h ||y - X w_i||^2),   h = 1 / (2 sigma^2).
 *
 * Tiles of the pool meet prompts as in a matrix product, a few tiles at a time that stay in the
 * cache while many prompts take them; squared errors are sums of squares of residuals, never
 * differences of moments, and the softmax is a running one. For sigma = 0, h is the greatest
 * double, so that only the tasks with the least squared error count.
 */
#include "solve/pool_posterior.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"

/* Doubles of the pool that go round at a time. */
enum { CACHED = 8192 };

icl_status icl_pool_pack(icl_solver *solver, const double *pool, int64_t count) {
    int64_t d = solver->dim, tile = icl_pool_tile(d);
    solver->tile_count = (count + ICL_POOL_TASKS - 1) / ICL_POOL_TASKS;
    ICL_TRY(ICL_NEW(solver->context, &solver->tiles, icl_product(solver->tile_count, tile, 1)));
    for (int64_t i = 0; i < solver->tile_count * ICL_POOL_TASKS; i++) {
        double *to = solver->tiles + i / ICL_POOL_TASKS * tile + i % ICL_POOL_TASKS;
        for (int64_t j = 0; i < count && j < d; j++)
            to[j * ICL_POOL_TASKS] = pool[i * d + j];
        to[d * ICL_POOL_TASKS] = -1;
        to[(d + 1) * ICL_POOL_TASKS] = i < count ? 0 : DBL_MAX;
    }
    return ICL_OK;
}

static double inverse_of(const icl_solver *solver) {
    return fmin(0.5 / solver->options.noise, DBL_MAX);
}

/* Prompts and prefixes of one block: their states, work, then their examples. */
static int64_t block_size(int64_t prompts, int64_t prefixes, int64_t n, int64_t d) {
    int64_t states = icl_product(prompts, prefixes, icl_pool_state(d));
    return icl_sum(icl_sum(states, ICL_POOL_WORK), icl_product(prompts, n, d + 1));
}

/* All tiles into the states of prefixes begin..n of `count` prompts (X count x stride x d, of whose
 * examples the first n are taken); the states come first in the scratch, prompt by prompt. */
static void posterior(const icl_solver *solver, int64_t count, int64_t begin, int64_t n,
                      int64_t stride, const double *X, const double *y, double *scratch) {
    const icl_pool_kernels *kernels = icl_pool_kernels_of(solver->context);
    int64_t d = solver->dim, tile = icl_pool_tile(d), size = icl_pool_state(d);
    int64_t states = (n - begin + 1) * size, step = CACHED / tile > 1 ? CACHED / tile : 1;
    double h = inverse_of(solver), *work = scratch + count * states;
    double *examples = work + ICL_POOL_WORK;
    for (int64_t i = 0; i < count * (n - begin + 1); i++)
        kernels->reset(d, scratch + i * size);
    for (int64_t p = 0; p < count; p++)
        for (int64_t i = 0; i < n; i++) {
            double *row = examples + (p * n + i) * (d + 1);
            memcpy(row, X + (p * stride + i) * d, (size_t)d * sizeof *row);
            row[d] = y[p * stride + i];
        }
    for (int64_t first = 0; first < solver->tile_count; first += step)
        for (int64_t p = 0; p < count; p++)
            for (int64_t i = first; i < first + step && i < solver->tile_count; i++)
                kernels->take(d, n, begin, h, examples + p * n * (d + 1), solver->tiles + i * tile,
                              work, scratch + p * states);
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    return block_size(ICL_SOLVE_BLOCK, 1, n, solver->dim);
}

static void run_block(const icl_solver *solver, int64_t count, int64_t n, const double *X,
                      const double *y, double *scratch, double *w) {
    const icl_pool_kernels *kernels = icl_pool_kernels_of(solver->context);
    int64_t d = solver->dim;
    posterior(solver, count, n, n, n, X, y, scratch);
    for (int64_t p = 0; p < count; p++)
        kernels->mean(d, inverse_of(solver), scratch + p * icl_pool_state(d), w + p * d);
}

/* ---- every prefix ---- */

static int64_t road_scratch(const icl_prefix_run *run, const icl_prefix_part *parts,
                            int64_t count) {
    (void)parts;
    (void)count;
    int64_t states = block_size(ICL_LANES, run->end - run->begin + 1, run->end, run->d);
    return icl_sum(states, run->d);
}

static void run_group(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                      int64_t group, double *scratch) {
    int64_t d = run->d, T = run->end - run->begin + 1, n = run->n, first = group * ICL_LANES;
    int64_t lanes = icl_batch_lanes(run->batch, group);
    double *w = scratch + block_size(ICL_LANES, T, run->end, d);
    for (int64_t i = 0; i < count; i++) {
        const icl_solver *solver = parts[i].solver;
        const icl_pool_kernels *kernels = icl_pool_kernels_of(solver->context);
        posterior(solver, lanes, run->begin, run->end, n, run->batch->X + first * n * d,
                  run->batch->y + first * n, scratch);
        for (int64_t row = 0; row < lanes * T; row++) {
            int64_t prompt = first + row / T, t = run->begin + row % T;
            icl_solver_report report = {.stop = ICL_STOP_CONVERGED, .rank = -1};
            kernels->mean(d, inverse_of(solver), scratch + row * icl_pool_state(d), w);
            double answer = icl_frobenius(d, w, icl_prefix_query(run, prompt, t));
            for (int64_t k = 0; k < parts[i].count; k++)
                icl_prefix_put(run, &parts[i], prompt, t, k, answer, w, &report);
            icl_prefix_report(run, &parts[i], prompt, t, &report);
        }
    }
}

const icl_road icl_road_pool = {road_scratch, run_group};
const icl_algorithm icl_algorithm_pool = {
    .examples = 1, .scratch = scratch_size, .run_block = run_block, .road = &icl_road_pool};
