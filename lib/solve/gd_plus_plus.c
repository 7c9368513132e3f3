/* GD++ (von Oswald et al. 2212.07677): gradient descent whose every step also turns the covariates,
 * the query's too, by x <- (I - gamma A_k) x, A_k = X_k^T X_k. In the weights of the first
 * covariates, with X_k = X T_k and T_0 = I:
 *
 *     w_{k+1} = w_k - eta T_k T_k (A w_k - c),   T_{k+1} = (I - gamma T_k A T_k) T_k.
 *
 * An eigenvalue l of A becomes l (1 - gamma l)^2: with gamma l_max = 1/3 the small ones catch up.
 */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/solver.h"
#include "solve/stop.h"

typedef struct descent {
    double eta, gamma;
    double *T, *product, *turned;   /* d x d */
    double *residual, *half, *next; /* d */
} descent;

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    return 3 * solver->dim * (solver->dim + 1);
}

/* w <- w - eta T T residual; 0, and w as it was, if that is not finite. */
static int advance(const descent *it, icl_prompt *prompt) {
    int64_t d = prompt->d;
    icl_symmetric_apply(d, it->T, it->residual, it->half);
    icl_symmetric_apply(d, it->T, it->half, it->next);
    for (int64_t i = 0; i < d; i++)
        it->next[i] = prompt->w[i] - it->eta * it->next[i];
    if (!icl_all_finite(it->next, d))
        return 0;
    memcpy(prompt->w, it->next, (size_t)d * sizeof(double));
    return 1;
}

static void turn(const descent *it, const icl_prompt *prompt) {
    int64_t d = prompt->d;
    icl_matmul(0, 0, d, d, d, prompt->A, it->T, it->product);
    icl_matmul(0, 0, d, d, d, it->T, it->product, it->turned);
    icl_matmul(0, 0, d, d, d, it->turned, it->T, it->product);
    for (int64_t i = 0; i < d * d; i++)
        it->T[i] -= it->gamma * it->product[i];
}

static void iterate(descent *it, const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d, step = 0;
    icl_stopping stopping;
    icl_stopping_begin(&stopping, solver->steps, solver->tolerance, d, prompt->c);
    memset(it->T, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t i = 0; i < d; i++)
        it->T[i * d + i] = 1;
    icl_stop stop = it->eta > 0 ? ICL_STOP_NONE : ICL_STOP_CONVERGED;
    icl_prompt_record(prompt, 0);
    while (stop == ICL_STOP_NONE) {
        icl_residual(d, prompt->A, prompt->c, prompt->w, it->residual);
        stop = icl_stopping_check(&stopping, step, icl_norm(d, it->residual), 0);
        if (stop != ICL_STOP_NONE)
            break;
        if (step > 0)
            turn(it, prompt);
        if (!advance(it, prompt))
            stop = ICL_STOP_DIVERGED;
        else
            icl_prompt_record(prompt, ++step);
    }
    prompt->report.stop = stop;
    prompt->report.steps = step;
    prompt->report.step = it->eta;
}

/* The greatest row sum of |A|, which is never below its greatest eigenvalue. */
static double row_sum(const icl_prompt *prompt) {
    double greatest = 0;
    for (int64_t i = 0; i < prompt->d; i++) {
        double sum = 0;
        for (int64_t j = 0; j < prompt->d; j++)
            sum += fabs(prompt->A[i * prompt->d + j]);
        greatest = fmax(greatest, sum);
    }
    return greatest;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d;
    double *at = prompt->scratch, most = row_sum(prompt);
    descent it = {.eta = solver->step > 0 ? solver->step
                         : most > 0       ? 1 / most
                                          : 0,
                  .gamma = solver->gamma > 0 ? solver->gamma
                           : most > 0        ? 1 / (3 * most)
                                             : 0,
                  .T = at,
                  .product = at + d * d,
                  .turned = at + 2 * d * d,
                  .residual = at + 3 * d * d,
                  .half = at + 3 * d * d + d,
                  .next = at + 3 * d * d + 2 * d};
    iterate(&it, solver, prompt);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_gd_plus_plus = {.steps = 1, .scratch = scratch_size, .run = run};
