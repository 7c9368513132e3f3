/* Gradient descent on one example after the other: with eta = 1 / ||x||^2 each step fits its
 * example exactly (Kaczmarz). Without noise and for isotropic Gaussian covariates E ||w_i - w*||^2
 * = d (1 - 1/d)^i then.
 */
#include "solve/online.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/stop.h"

void icl_online_take(const icl_solver *solver, const double *x, double y, double *next,
                     icl_online *state) {
    int64_t d = solver->dim;
    double eta = solver->options.step, norm = eta > 0 ? 1 : icl_norm(d, x);
    if (norm == 0 || state->diverged)
        return;
    double residual = y - icl_frobenius(d, state->w, x);
    double first = solver->start != NULL ? y - icl_frobenius(d, solver->start, x) : y;
    state->reference = fmax(state->reference, fmax(fabs(y), fabs(first)));
    /* as for the other methods: at growth by 1 / eps no digit of the start is left */
    state->diverged = !(fabs(residual) * DBL_EPSILON <= state->reference);
    double factor = (eta > 0 ? eta : 1) * (residual / norm);
    for (int64_t i = 0; i < d; i++)
        next[i] = state->w[i] + factor * (x[i] / norm);
    if (state->diverged || !icl_all_finite(next, d)) {
        state->diverged = 1;
        return;
    }
    state->moved |= memcmp(next, state->w, (size_t)d * sizeof *next) != 0;
    memcpy(state->w, next, (size_t)d * sizeof *next);
}

void icl_online_passes(const icl_solver *solver, icl_prompt *prompt, int64_t first, double *next,
                       icl_online *state) {
    int64_t d = prompt->d, pass = first;
    icl_rest rest = icl_rest_begin();
    double rounding = 4 * (double)prompt->n * DBL_EPSILON; /* of a pass, beside ||w|| */
    icl_stop stop = state->diverged ? ICL_STOP_DIVERGED : ICL_STOP_STEPS;
    while (pass < prompt->steps && stop == ICL_STOP_STEPS) {
        state->moved = 0;
        for (int64_t i = 0; i < prompt->n; i++)
            icl_online_take(solver, prompt->X + i * d, prompt->y[i], next, state);
        double moved = sqrt(icl_squared_distance(d, state->w, prompt->w));
        memcpy(prompt->w, state->w, (size_t)d * sizeof(double));
        if (state->diverged)
            stop = ICL_STOP_DIVERGED;
        else if (!state->moved)
            stop = pass > 0 ? ICL_STOP_STALLED : ICL_STOP_CONVERGED;
        else
            icl_prompt_record(prompt, ++pass);
        if (stop == ICL_STOP_STEPS && icl_rest_check(&rest, pass, moved) &&
            moved <= rounding * icl_norm(d, prompt->w))
            stop = ICL_STOP_STALLED;
    }
    prompt->report.stop = stop;
    prompt->report.steps = pass;
    prompt->report.step = solver->options.step;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    return 2 * solver->dim;
}

static icl_status run_sgd(const icl_solver *solver, icl_prompt *prompt) {
    icl_online state = {.w = prompt->scratch};
    icl_solver_start(solver, state.w);
    icl_prompt_record(prompt, 0);
    icl_online_passes(solver, prompt, 0, prompt->scratch + prompt->d, &state);
    return ICL_OK;
}

static icl_status run_once(const icl_solver *solver, icl_prompt *prompt) {
    icl_online state = {.w = prompt->w};
    for (int64_t i = 0; i < prompt->n; i++)
        icl_online_take(solver, prompt->X + i * prompt->d, prompt->y[i], prompt->scratch, &state);
    prompt->report.stop = state.diverged ? ICL_STOP_DIVERGED : ICL_STOP_CONVERGED;
    prompt->report.step = solver->options.step;
    return ICL_OK;
}

const icl_algorithm icl_algorithm_online_gd = {
    .start = 1, .examples = 1, .scratch = scratch_size, .run = run_once, .road = &icl_road_online};
const icl_algorithm icl_algorithm_sgd = {.steps = 1,
                                         .start = 1,
                                         .examples = 1,
                                         .scratch = scratch_size,
                                         .run = run_sgd,
                                         .road = &icl_road_online};
