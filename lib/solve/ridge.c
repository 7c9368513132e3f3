/* Ridge regression: (X^T X + lambda I)^-1 X^T y by Cholesky. A prompt whose system is singular
 * gets the minimum-norm solution: from X where the batch holds it, else from the eigenvalues of
 * X^T X, where the condition number is squared.
 */
#include "solve/ridge.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"

int icl_ridge_estimates(const icl_solver *solver) {
    return solver->options.method == ICL_METHOD_RIDGE &&
           (solver->options.rule == ICL_RIDGE_ADAPTIVE || solver->options.rule == ICL_RIDGE_TUNED);
}

double icl_ridge_penalty(const icl_solver *solver, double noise, double estimate) {
    const icl_solver_options *o = &solver->options;
    switch ((int)o->rule) {
    case ICL_RIDGE_ORACLE:
        return o->ridge_factor * noise;
    case ICL_RIDGE_ADAPTIVE:
        return estimate;
    case ICL_RIDGE_TUNED:
        return o->ridge_factor * (o->ridge_most > 0 ? fmin(estimate, o->ridge_most) : estimate);
    default:
        return o->ridge;
    }
}

static int64_t greater(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    int64_t d = solver->dim, eigen = icl_eigen_scratch(d), filtered = icl_filtered_scratch(n, d);
    int64_t fit = icl_ridge_estimates(solver) ? icl_least_squares_scratch(n, d) : 0;
    if (eigen < 0 || filtered < 0 || fit < 0)
        return -1;
    return greater(greater(d + d * d, eigen + d + d * d), greater(filtered, fit));
}

/* *estimate = ||y - X w||^2 / (n - rank X) of least squares, or the option where n = rank X. */
static icl_status estimate_noise(const icl_solver *solver, icl_prompt *prompt, double *estimate) {
    int64_t n = prompt->n, d = prompt->d;
    int32_t rank;
    ICL_TRY(icl_least_squares_with(n, d, prompt->X, prompt->y, icl_rank_tolerance(n, d), prompt->w,
                                   &rank, prompt->scratch, prompt->scratch_size));
    *estimate = solver->options.ridge;
    if (n == rank)
        return ICL_OK;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double residual = prompt->y[i] - icl_frobenius(d, prompt->w, prompt->X + i * d);
        sum += residual * residual;
    }
    *estimate = sum / (double)(n - rank);
    return ICL_OK;
}

/* Cholesky of A + lambda I; 0 if that is singular: where a pivot, the share of a column that the
 * columns before it do not explain, is rounding only. */
static int factorise(const icl_prompt *prompt, double lambda, double *factor, double *diagonal) {
    int64_t d = prompt->d;
    if (prompt->A == NULL || (lambda == 0 && prompt->n < d))
        return 0;
    memcpy(factor, prompt->A, (size_t)(d * d) * sizeof *factor);
    for (int64_t i = 0; i < d; i++)
        diagonal[i] = factor[i * d + i] += lambda;
    if (icl_cholesky(d, factor) != ICL_OK)
        return 0;
    for (int64_t i = 0; i < d; i++) {
        double pivot = factor[i * d + i];
        if (!(pivot * pivot > icl_moment_tolerance(prompt->n, d) * diagonal[i]))
            return 0;
    }
    return 1;
}

static icl_status by_eigenvalues(icl_prompt *prompt, double lambda) {
    int64_t d = prompt->d, used = d + d * d;
    double *values = prompt->scratch, *vectors = values + d, *rest = vectors + d * d;
    ICL_TRY(icl_eigen_with(d, prompt->A, values, vectors, rest, prompt->scratch_size - used));
    double zero = icl_moment_tolerance(prompt->n, d) * values[d - 1];
    memset(prompt->w, 0, (size_t)d * sizeof(double));
    for (int64_t k = d; k-- > 0 && values[k] > zero;) {
        const double *v = vectors + k * d;
        double coordinate = icl_frobenius(d, v, prompt->c) / (values[k] + lambda);
        for (int64_t i = 0; i < d; i++)
            prompt->w[i] += coordinate * v[i];
    }
    return ICL_OK;
}

/* Singular: X does not have full rank, and lambda is rounding beside its squares. */
static icl_status by_singular_values(icl_prompt *prompt, double lambda) {
    int64_t n = prompt->n, d = prompt->d, rank;
    ICL_TRY(icl_filtered_solve(n, d, prompt->X, prompt->y, lambda, prompt->scratch,
                               prompt->scratch_size, prompt->w, &rank));
    double most = rank > 0 ? prompt->scratch[0] * prompt->scratch[0] : 0;
    int regular = rank == d || lambda > icl_moment_tolerance(n, d) * (most + lambda);
    prompt->report.stop = regular ? ICL_STOP_CONVERGED : ICL_STOP_SINGULAR;
    return ICL_OK;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d;
    double *diagonal = prompt->scratch, *factor = diagonal + d, estimate = 0;
    if (icl_ridge_estimates(solver))
        ICL_TRY(estimate_noise(solver, prompt, &estimate));
    double lambda = icl_ridge_penalty(solver, prompt->noise, estimate);
    prompt->report.step = lambda;
    if (!isfinite(lambda)) {
        prompt->w[0] = NAN; /* overflow: no answer, as the report will say */
        return ICL_OK;
    }
    prompt->report.stop = ICL_STOP_CONVERGED;
    if (factorise(prompt, lambda, factor, diagonal)) {
        memcpy(prompt->w, prompt->c, (size_t)d * sizeof(double));
        icl_cholesky_solve(d, factor, 1, prompt->w);
        return ICL_OK;
    }
    if (prompt->X != NULL)
        return by_singular_values(prompt, lambda);
    prompt->report.stop = ICL_STOP_SINGULAR;
    return by_eigenvalues(prompt, lambda);
}

const icl_algorithm icl_algorithm_ridge = {
    .without = 1, .scratch = scratch_size, .run = run, .road = &icl_road_triangle};
