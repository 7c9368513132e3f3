/* Least squares of least norm, X^+ y, by the singular values of X above max(n, d) eps s_max. */
#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    return icl_least_squares_scratch(n, solver->dim);
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    (void)solver;
    ICL_TRY(icl_least_squares_with(prompt->n, prompt->d, prompt->X, prompt->y,
                                   icl_rank_tolerance(prompt->n, prompt->d), prompt->w,
                                   &prompt->report.rank, prompt->scratch, prompt->scratch_size));
    prompt->report.stop = prompt->report.rank < prompt->d ? ICL_STOP_SINGULAR : ICL_STOP_CONVERGED;
    return ICL_OK;
}

const icl_algorithm icl_algorithm_least_squares = {
    .examples = 1, .scratch = scratch_size, .run = run, .road = &icl_road_triangle};
