/* What several algorithms share: the iteration by residuals, extreme eigenvalues, the regularised
 * solution by singular values, tolerances of rank.
 */
#include <float.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/solver.h"
#include "solve/stop.h"

double icl_rank_tolerance(int64_t n, int64_t d) {
    return (double)(n > d ? n : d) * DBL_EPSILON;
}

double icl_moment_tolerance(int64_t n, int64_t d) {
    return 4 * (double)(n + d) * DBL_EPSILON;
}

double icl_solver_answer(const icl_solver *solver, const double *w, const double *x) {
    double score = icl_frobenius(solver->dim, w, x);
    return solver->algorithm->link != NULL ? solver->algorithm->link(score) : score;
}

void icl_solver_start(const icl_solver *solver, double *w) {
    if (solver->start != NULL)
        memcpy(w, solver->start, (size_t)solver->dim * sizeof *w);
    else
        memset(w, 0, (size_t)solver->dim * sizeof *w);
}

static void write_row(icl_prompt *prompt, int64_t row) {
    memcpy(prompt->path + row * prompt->d, prompt->w, (size_t)prompt->d * sizeof(double));
}

void icl_prompt_record(icl_prompt *prompt, int64_t step) {
    if (prompt->path == NULL)
        return;
    if (prompt->grid == NULL)
        write_row(prompt, step);
    else if (prompt->recorded < prompt->grid_count && prompt->grid[prompt->recorded] == step)
        write_row(prompt, prompt->recorded++);
}

void icl_prompt_finish(icl_prompt *prompt) {
    if (prompt->path == NULL)
        return;
    int64_t done = prompt->report.steps; /* of sweeps, LASSO may have done more than it has rows */
    if (prompt->grid == NULL)
        for (int64_t step = done < prompt->steps ? done : prompt->steps; step <= prompt->steps;
             step++)
            write_row(prompt, step);
    else
        while (prompt->recorded < prompt->grid_count)
            write_row(prompt, prompt->recorded++);
}

void icl_iterate(const icl_solver *solver, icl_prompt *prompt, const icl_iteration *it) {
    int64_t d = prompt->d, step = 0;
    icl_stopping stopping;
    icl_stopping_begin(&stopping, prompt->steps, solver->options.tolerance, d, prompt->c);
    double norm_A = icl_norm(d * d, prompt->A), norm_c = icl_norm(d, prompt->c);
    icl_rest rest = icl_rest_begin();
    icl_stop stop = it->still ? ICL_STOP_CONVERGED : ICL_STOP_NONE;
    icl_prompt_record(prompt, 0);
    while (stop == ICL_STOP_NONE) {
        icl_residual(d, prompt->A, prompt->c, prompt->w, it->residual);
        double size = icl_norm(d, it->residual);
        int rests = icl_rest_check(&rest, step, size);
        double rounding = rests || it->fragile ? 4 * (double)d * DBL_EPSILON *
                                                     (norm_A * icl_norm(d, prompt->w) + norm_c)
                                               : 0;
        stop = icl_stopping_check(&stopping, step, size, rounding);
        if (stop == ICL_STOP_NONE)
            stop = it->move(it->state, prompt, it->residual, it->next);
        if (stop != ICL_STOP_NONE)
            break;
        if (!icl_all_finite(it->next, d)) {
            stop = ICL_STOP_DIVERGED;
        } else {
            memcpy(prompt->w, it->next, (size_t)d * sizeof(double));
            icl_prompt_record(prompt, ++step);
        }
    }
    prompt->report.stop = stop;
    prompt->report.steps = step;
    prompt->report.step = it->step;
}

void icl_symmetric_apply(int64_t d, const double *matrix, const double *x, double *out) {
    /* by columns, which are the rows: sums of vectors, not of scalars, so that they vectorise */
    memset(out, 0, (size_t)d * sizeof *out);
    for (int64_t j = 0; j < d; j++)
        for (int64_t i = 0; i < d; i++)
            out[i] += matrix[j * d + i] * x[j];
}

void icl_residual(int64_t d, const double *A, const double *c, const double *w, double *residual) {
    icl_symmetric_apply(d, A, w, residual);
    for (int64_t i = 0; i < d; i++)
        residual[i] -= c[i];
}

double icl_squared_distance(int64_t d, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < d; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

int64_t icl_extremes_scratch(int64_t d) {
    int64_t eigen = icl_eigen_scratch(d);
    return eigen < 0 ? eigen : d + d * d + eigen;
}

icl_status icl_extremes(int64_t d, int64_t rank, double tolerance, const double *matrix,
                        double *scratch, int64_t scratch_size, double *least, double *greatest) {
    double *values = scratch, *vectors = values + d, *rest = vectors + d * d;
    *least = *greatest = 0;
    if (d == 0 || rank == 0)
        return ICL_OK;
    ICL_TRY(icl_eigen_with(d, matrix, values, vectors, rest, scratch_size - d - d * d));
    int64_t first = d > rank ? d - rank : 0;
    if (!(values[d - 1] > 0))
        return ICL_OK;
    while (values[first] <= tolerance * values[d - 1])
        first++;
    *least = values[first];
    *greatest = values[d - 1];
    return ICL_OK;
}

int64_t icl_filtered_scratch(int64_t n, int64_t d) {
    int64_t svd = icl_svd_scratch(n, d), k = n < d ? n : d;
    return svd < 0 ? svd : k * (1 + n + d) + svd;
}

icl_status icl_filtered_solve(int64_t n, int64_t d, const double *X, const double *r, double lambda,
                              double *scratch, int64_t scratch_size, double *z, int64_t *rank) {
    int64_t k = n < d ? n : d;
    double *s = scratch, *U = s + k, *Vt = U + n * k, *rest = Vt + k * d;
    *rank = 0;
    memset(z, 0, (size_t)d * sizeof *z);
    if (k == 0)
        return ICL_OK;
    ICL_TRY(icl_svd_with(n, d, X, s, U, Vt, rest, scratch_size - k * (1 + n + d)));
    double zero = icl_rank_tolerance(n, d) * s[0];
    for (int64_t i = 0; i < k && s[i] > zero; i++) {
        *rank = i + 1;
        double projection = 0;
        for (int64_t row = 0; row < n; row++)
            projection += U[row * k + i] * r[row];
        /* s / (s^2 + lambda), where s^2 must not underflow */
        projection /= s[i] + lambda / s[i];
        for (int64_t j = 0; j < d; j++)
            z[j] += projection * Vt[i * d + j];
    }
    return ICL_OK;
}
