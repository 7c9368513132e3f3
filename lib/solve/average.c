/* Averaging: w = X^T y / n, one step of gradient descent of size 1 / n from 0. */
#include "solve/prefix.h"
#include "solve/solver.h"

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)solver;
    (void)n;
    return 0;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    (void)solver;
    for (int64_t i = 0; i < prompt->d && prompt->n > 0; i++)
        prompt->w[i] = prompt->c[i] / (double)prompt->n;
    prompt->report.stop = ICL_STOP_CONVERGED;
    return ICL_OK;
}

const icl_algorithm icl_algorithm_average = {
    .scratch = scratch_size, .run = run, .road = &icl_road_online};
