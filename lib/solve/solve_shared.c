/* What several algorithms share: products with a symmetric matrix, the best constant step
 * 2 / (l_max + l_min), the regularised solution by singular values, tolerances of rank.
 */
#include <float.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/solver.h"

double icl_rank_tolerance(int64_t n, int64_t d) {
    return (double)(n > d ? n : d) * DBL_EPSILON;
}

double icl_moment_tolerance(int64_t n, int64_t d) {
    return 4 * (double)(n + d) * DBL_EPSILON;
}

void icl_prompt_record(icl_prompt *prompt, int64_t step) {
    if (prompt->path != NULL)
        memcpy(prompt->path + step * prompt->d, prompt->w, (size_t)prompt->d * sizeof(double));
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

int64_t icl_best_step_scratch(int64_t d) {
    int64_t eigen = icl_eigen_scratch(d);
    return eigen < 0 ? eigen : d + d * d + eigen;
}

icl_status icl_best_step(int64_t d, int64_t rank, double tolerance, const double *matrix,
                         double *scratch, int64_t scratch_size, double *eta) {
    double *values = scratch, *vectors = values + d, *rest = vectors + d * d;
    *eta = 0;
    if (d == 0 || rank == 0)
        return ICL_OK;
    ICL_TRY(icl_eigen_with(d, matrix, values, vectors, rest, scratch_size - d - d * d));
    double greatest = values[d - 1];
    int64_t least = d > rank ? d - rank : 0;
    if (!(greatest > 0))
        return ICL_OK;
    while (values[least] <= tolerance * greatest)
        least++;
    *eta = 2 / (greatest + values[least]);
    return ICL_OK;
}

int64_t icl_filtered_scratch(int64_t n, int64_t d) {
    int64_t svd = icl_svd_scratch(n, d), k = n < d ? n : d;
    return svd < 0 ? svd : k * (1 + n + d) + svd;
}

icl_status icl_filtered_solve(int64_t n, int64_t d, const double *X, const double *r, double lambda,
                              double *scratch, int64_t scratch_size, double *z) {
    int64_t k = n < d ? n : d;
    double *s = scratch, *U = s + k, *Vt = U + n * k, *rest = Vt + k * d;
    memset(z, 0, (size_t)d * sizeof *z);
    if (k == 0)
        return ICL_OK;
    ICL_TRY(icl_svd_with(n, d, X, s, U, Vt, rest, scratch_size - k * (1 + n + d)));
    double zero = icl_rank_tolerance(n, d) * s[0];
    for (int64_t i = 0; i < k && s[i] > zero; i++) {
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
