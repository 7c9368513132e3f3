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
#include "solve/prefix.h"
#include "solve/solver.h"

typedef struct descent {
    double eta, gamma;
    int64_t turns;
    double *T, *product, *turned; /* d x d */
    double *half;                 /* d */
} descent;

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    return 3 * solver->dim * (solver->dim + 1);
}

static void turn(const descent *it, const icl_prompt *prompt) {
    int64_t d = prompt->d;
    icl_matmul(0, 0, d, d, d, prompt->A, it->T, it->product);
    icl_matmul(0, 0, d, d, d, it->T, it->product, it->turned);
    icl_matmul(0, 0, d, d, d, it->turned, it->T, it->product);
    for (int64_t i = 0; i < d * d; i++)
        it->T[i] -= it->gamma * it->product[i];
}

static icl_stop move(void *state, const icl_prompt *prompt, const double *residual, double *next) {
    descent *it = state;
    int64_t d = prompt->d;
    if (it->turns++ > 0)
        turn(it, prompt);
    icl_symmetric_apply(d, it->T, residual, it->half);
    icl_symmetric_apply(d, it->T, it->half, next);
    for (int64_t i = 0; i < d; i++)
        next[i] = prompt->w[i] - it->eta * next[i];
    return ICL_STOP_NONE;
}

double icl_row_sum(int64_t d, const double *A) {
    double greatest = 0;
    for (int64_t i = 0; i < d; i++) {
        double sum = 0;
        for (int64_t j = 0; j < d; j++)
            sum += fabs(A[i * d + j]);
        greatest = fmax(greatest, sum);
    }
    return greatest;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d;
    const icl_solver_options *o = &solver->options;
    double *at = prompt->scratch, most = icl_row_sum(d, prompt->A);
    descent state = {.eta = o->step > 0 ? o->step
                            : most > 0  ? 1 / most
                                        : 0,
                     .gamma = o->gamma > 0 ? o->gamma
                              : most > 0   ? 1 / (3 * most)
                                           : 0,
                     .T = at,
                     .product = at + d * d,
                     .turned = at + 2 * d * d,
                     .half = at + 3 * d * d};
    memset(state.T, 0, (size_t)(d * d) * sizeof(double));
    for (int64_t i = 0; i < d; i++)
        state.T[i * d + i] = 1;
    icl_iteration it = {.still = state.eta == 0,
                        .step = state.eta,
                        .residual = state.half + d,
                        .next = state.half + 2 * d,
                        .move = move,
                        .state = &state};
    icl_iterate(solver, prompt, &it);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_gd_plus_plus = {
    .steps = 1, .scratch = scratch_size, .run = run, .road = &icl_road_spectral};
