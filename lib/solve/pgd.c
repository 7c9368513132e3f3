/* Preconditioned gradient descent: w_{k+1} = w_k - eta B (A w_k - c), B symmetric positive
 * semi-definite. The best constant step is that of B^1/2 A B^1/2, whose non-zero eigenvalues are
 * those of F A F^T with B = F^T F, F of full rank.
 */
#include <math.h>

#include "linalg/linalg.h"
#include "solve/solver.h"

typedef struct descent {
    double eta;
    const double *B;
    double *direction; /* d */
} descent;

static icl_stop move(void *state, const icl_prompt *prompt, const double *residual, double *next) {
    const descent *it = state;
    icl_symmetric_apply(prompt->d, it->B, residual, it->direction);
    for (int64_t i = 0; i < prompt->d; i++)
        next[i] = prompt->w[i] - it->eta * it->direction[i];
    return ICL_STOP_NONE;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t d = solver->dim, rank = solver->rank, vectors = 3 * d;
    if (solver->options.step > 0)
        return vectors;
    int64_t extremes = icl_extremes_scratch(rank);
    if (extremes < 0)
        return extremes;
    extremes += d * rank + rank * rank;
    return extremes > vectors ? extremes : vectors;
}

/* 1 if X B = 0 to rounding: tr(A B) = ||X B^1/2||_F^2 is lost in the rounding of its terms. */
static int moves_nothing(const icl_solver *solver, const icl_prompt *prompt, double tolerance) {
    double sum = 0, size = 0;
    for (int64_t i = 0; i < prompt->d * prompt->d; i++) {
        double term = prompt->A[i] * solver->preconditioner[i];
        sum += term;
        size += fabs(term);
    }
    return !(sum > tolerance * size);
}

static icl_status best_step(const icl_solver *solver, icl_prompt *prompt, double *eta) {
    int64_t d = prompt->d, rank = solver->rank, used = d * rank + rank * rank;
    double *half = prompt->scratch, *product = half + d * rank, *rest = product + rank * rank;
    double tolerance = icl_moment_tolerance(prompt->n, d);
    *eta = 0;
    if (moves_nothing(solver, prompt, tolerance))
        return ICL_OK;
    icl_matmul(0, 1, d, rank, d, prompt->A, solver->factor, half);
    icl_matmul(0, 0, rank, rank, d, solver->factor, half, product);
    double least, greatest;
    ICL_TRY(icl_extremes(rank, prompt->n, tolerance, product, rest, prompt->scratch_size - used,
                         &least, &greatest));
    if (greatest > 0)
        *eta = 2 / (greatest + least);
    return ICL_OK;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d;
    descent state = {.eta = solver->options.step,
                     .B = solver->preconditioner,
                     .direction = prompt->scratch + 2 * d};
    if (state.eta == 0)
        ICL_TRY(best_step(solver, prompt, &state.eta));
    icl_iteration it = {.still = state.eta == 0,
                        .step = state.eta,
                        .residual = prompt->scratch,
                        .next = prompt->scratch + d,
                        .move = move,
                        .state = &state};
    icl_iterate(solver, prompt, &it);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_pgd = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run};
