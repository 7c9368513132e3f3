/* Preconditioned gradient descent: w_{k+1} = w_k - eta B (A w_k - c), B symmetric positive
 * semi-definite. The best constant step is that of B^1/2 A B^1/2, whose non-zero eigenvalues are
 * those of F A F^T with B = F^T F, F of full rank.
 */
#include <math.h>

#include "linalg/linalg.h"
#include "solve/solver.h"

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t d = solver->dim, rank = solver->rank, vectors = ICL_DESCEND_VECTORS * d;
    if (solver->step > 0)
        return vectors;
    int64_t best = icl_best_step_scratch(rank);
    if (best < 0)
        return best;
    best += d * rank + rank * rank;
    return best > vectors ? best : vectors;
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
    return icl_best_step(rank, prompt->n, tolerance, product, rest, prompt->scratch_size - used,
                         eta);
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    double eta = solver->step;
    if (eta == 0)
        ICL_TRY(best_step(solver, prompt, &eta));
    icl_descend(solver, prompt, eta);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_pgd = {.steps = 1, .scratch = scratch_size, .run = run};
