/* Ridge regression: (X^T X + lambda I)^-1 X^T y by Cholesky. A prompt whose system is singular
 * gets the minimum-norm solution: from X where the batch holds it, else from the eigenvalues of
 * X^T X, where the condition number is squared.
 */
#include <float.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/solver.h"

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    int64_t d = solver->dim, eigen = icl_eigen_scratch(d), filtered = icl_filtered_scratch(n, d);
    if (eigen < 0 || filtered < 0)
        return -1;
    eigen += d + d * d;
    int64_t fallback = eigen > filtered ? eigen : filtered;
    return d + d * d > fallback ? d + d * d : fallback;
}

/* Cholesky of A + lambda I; 0 if that is singular: where a pivot, the share of a column that the
 * columns before it do not explain, is rounding only. */
static int factorise(const icl_solver *solver, const icl_prompt *prompt, double *factor,
                     double *diagonal) {
    int64_t d = prompt->d;
    if (solver->ridge == 0 && prompt->n < d)
        return 0;
    memcpy(factor, prompt->A, (size_t)(d * d) * sizeof *factor);
    for (int64_t i = 0; i < d; i++)
        diagonal[i] = factor[i * d + i] += solver->ridge;
    if (icl_cholesky(d, factor) != ICL_OK)
        return 0;
    for (int64_t i = 0; i < d; i++) {
        double pivot = factor[i * d + i];
        if (!(pivot * pivot > icl_moment_tolerance(prompt->n, d) * diagonal[i]))
            return 0;
    }
    return 1;
}

static icl_status by_eigenvalues(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d, used = d + d * d;
    double *values = prompt->scratch, *vectors = values + d, *rest = vectors + d * d;
    ICL_TRY(icl_eigen_with(d, prompt->A, values, vectors, rest, prompt->scratch_size - used));
    double zero = icl_moment_tolerance(prompt->n, d) * values[d - 1];
    memset(prompt->w, 0, (size_t)d * sizeof(double));
    for (int64_t k = d; k-- > 0 && values[k] > zero;) {
        const double *v = vectors + k * d;
        double coordinate = icl_frobenius(d, v, prompt->c) / (values[k] + solver->ridge);
        for (int64_t i = 0; i < d; i++)
            prompt->w[i] += coordinate * v[i];
    }
    return ICL_OK;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d;
    double *diagonal = prompt->scratch, *factor = diagonal + d;
    if (factorise(solver, prompt, factor, diagonal)) {
        memcpy(prompt->w, prompt->c, (size_t)d * sizeof(double));
        icl_cholesky_solve(d, factor, 1, prompt->w);
        prompt->report.stop = ICL_STOP_CONVERGED;
        return ICL_OK;
    }
    prompt->report.stop = ICL_STOP_SINGULAR;
    if (prompt->X == NULL)
        return by_eigenvalues(solver, prompt);
    return icl_filtered_solve(prompt->n, d, prompt->X, prompt->y, solver->ridge, prompt->scratch,
                              prompt->scratch_size, prompt->w);
}

const icl_algorithm icl_algorithm_ridge = {.scratch = scratch_size, .run = run};
