/* Gradient descent on (1/2) ||y - X w||^2:  w_{k+1} = w_k - eta (A w_k - c). With the best constant
 * step 2 / (l_max + l_min) the error contracts by (kappa - 1) / (kappa + 1) a step.
 */
#include "solve/solver.h"

#include <string.h>

#include "solve/stop.h"

/* w <- w - eta direction; 0, and w as it was, if that is not finite. */
static int advance(icl_prompt *prompt, double eta, const double *direction, double *next) {
    for (int64_t i = 0; i < prompt->d; i++)
        next[i] = prompt->w[i] - eta * direction[i];
    if (!icl_all_finite(next, prompt->d))
        return 0;
    memcpy(prompt->w, next, (size_t)prompt->d * sizeof *next);
    return 1;
}

void icl_descend(const icl_solver *solver, icl_prompt *prompt, double eta) {
    int64_t d = prompt->d, step = 0;
    double *residual = prompt->scratch, *direction = residual + d, *next = direction + d;
    const double *B = solver->preconditioner;
    icl_stopping stopping;
    icl_stopping_begin(&stopping, solver->steps, solver->tolerance, d, prompt->c);
    icl_stop stop = eta > 0 ? ICL_STOP_NONE : ICL_STOP_CONVERGED;
    icl_prompt_record(prompt, 0);
    while (stop == ICL_STOP_NONE) {
        icl_residual(d, prompt->A, prompt->c, prompt->w, residual);
        stop = icl_stopping_check(&stopping, step, icl_norm(d, residual), 0);
        if (stop != ICL_STOP_NONE)
            break;
        if (B != NULL)
            icl_symmetric_apply(d, B, residual, direction);
        if (!advance(prompt, eta, B != NULL ? direction : residual, next))
            stop = ICL_STOP_DIVERGED;
        else
            icl_prompt_record(prompt, ++step);
    }
    prompt->report.stop = stop;
    prompt->report.steps = step;
    prompt->report.step = eta;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t best = solver->step > 0 ? 0 : icl_best_step_scratch(solver->dim);
    int64_t vectors = ICL_DESCEND_VECTORS * solver->dim;
    return best < 0 || best > vectors ? best : vectors;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    double eta = solver->step;
    if (eta == 0)
        ICL_TRY(icl_best_step(prompt->d, prompt->n, icl_moment_tolerance(prompt->n, prompt->d),
                              prompt->A, prompt->scratch, prompt->scratch_size, &eta));
    icl_descend(solver, prompt, eta);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_gd = {.steps = 1, .scratch = scratch_size, .run = run};
