/* Gradient descent on (1/2) ||y - X w||^2:  w_{k+1} = w_k - eta (A w_k - c). With the best constant
 * step 2 / (l_max + l_min) the error contracts by (kappa - 1) / (kappa + 1) a step.
 */
#include "solve/prefix.h"
#include "solve/solver.h"

static icl_stop move(void *state, const icl_prompt *prompt, const double *residual, double *next) {
    const double eta = *(const double *)state;
    for (int64_t i = 0; i < prompt->d; i++)
        next[i] = prompt->w[i] - eta * residual[i];
    return ICL_STOP_NONE;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t extremes = solver->options.step > 0 ? 0 : icl_extremes_scratch(solver->dim);
    int64_t vectors = 2 * solver->dim;
    return extremes < 0 || extremes > vectors ? extremes : vectors;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d;
    double eta = solver->options.step, least, greatest;
    if (eta == 0) {
        ICL_TRY(icl_extremes(d, prompt->n, icl_moment_tolerance(prompt->n, d), prompt->A,
                             prompt->scratch, prompt->scratch_size, &least, &greatest));
        eta = greatest > 0 ? 2 / (greatest + least) : 0;
    }
    icl_iteration it = {.still = eta == 0,
                        .step = eta,
                        .residual = prompt->scratch,
                        .next = prompt->scratch + d,
                        .move = move,
                        .state = &eta};
    icl_iterate(solver, prompt, &it);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_gd = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run, .road = &icl_road_spectral};
