/* The calls of LAPACK and CBLAS: symmetric eigen (dsyevd), Cholesky (dpotrf), least squares by
 * the singular value decomposition (dgelsd), the decomposition itself (dgesvd), products (dgemm).
 */
#include "linalg/linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

/* The `int` sizes of LP64 LAPACK. dsyevd asks for 1 + 6 n + 2 n^2 doubles of work, as an int. */
enum { MAX_SIZE = INT32_MAX / 8, MAX_EIGEN = 32766 };

static icl_status check_sizes(int64_t m, int64_t n) {
    return m <= MAX_SIZE && n <= MAX_SIZE ? ICL_OK : ICL_ERR_SIZE;
}

icl_status icl_eigen(const icl_context *context, int64_t n, const double *a, double *values,
                     double *vectors) {
    if (n > MAX_EIGEN)
        return ICL_ERR_SIZE;
    if (n == 0) /* LAPACK refuses a leading dimension of 0, here and below */
        return ICL_OK;
    lapack_int size = (lapack_int)n;
    double query = 0;
    lapack_int query_int = 0;
    memmove(vectors, a, (size_t)(n * n) * sizeof(double));
    LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', size, vectors, size, values, &query, -1,
                        &query_int, -1);
    double *work;
    lapack_int *iwork;
    ICL_TRY(ICL_NEW(context, &work, (int64_t)query));
    icl_status status = ICL_NEW(context, &iwork, query_int);
    if (status == ICL_OK &&
        LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', size, vectors, size, values, work,
                            (lapack_int)query, iwork, query_int) != 0)
        status = ICL_ERR_LAPACK;
    icl_dealloc(context, iwork);
    icl_dealloc(context, work);
    return status;
}

void icl_eigen_compose(int64_t n, const double *scale, const double *vectors, double *out) {
    if (n > 0)
        memset(out, 0, (size_t)(n * n) * sizeof *out);
    for (int64_t k = 0; k < n; k++)
        for (int64_t i = 0; i < n; i++) {
            double factor = scale[k] * vectors[k * n + i];
            for (int64_t j = 0; j <= i; j++)
                out[i * n + j] += factor * vectors[k * n + j];
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++)
            out[j * n + i] = out[i * n + j];
}

icl_status icl_cholesky(int64_t n, double *a) {
    ICL_TRY(check_sizes(n, n));
    if (n == 0)
        return ICL_OK;
    /* the lower triangle of a row-major matrix is the upper one of the column-major */
    lapack_int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, a, (lapack_int)n);
    /* OpenBLAS lets NaN through */
    for (int64_t i = 0; info == 0 && i < n; i++)
        info = !isfinite(a[i * n + i]);
    return info == 0 ? ICL_OK : ICL_ERR_SINGULAR;
}

void icl_cholesky_solve(int64_t n, const double *factor, int64_t count, double *b) {
    if (n == 0 || count == 0)
        return;
    LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n, (lapack_int)count, factor,
                        (lapack_int)n, b, (lapack_int)n);
}

static void transpose(int64_t rows, int64_t cols, const double *a, double *out) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            out[j * rows + i] = a[i * cols + j];
}

icl_status icl_least_squares(const icl_context *context, int64_t m, int64_t n, const double *X,
                             const double *y, double rcond, double *w, int32_t *rank_out) {
    ICL_TRY(check_sizes(m, n));
    if (rank_out != NULL)
        *rank_out = 0;
    if (n > 0)
        memset(w, 0, (size_t)n * sizeof *w);
    if (m == 0 || n == 0)
        return ICL_OK;
    lapack_int rows = (lapack_int)m, cols = (lapack_int)n, rank = 0;
    lapack_int longer = rows > cols ? rows : cols, shorter = rows > cols ? cols : rows;
    double query = 0;
    lapack_int query_int = 0;
    LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, rows, cols, 1, NULL, rows, NULL, longer, NULL, rcond, &rank,
                        &query, -1, &query_int);
    /* a, b, singular values and dgelsd's work in one block */
    double *block;
    lapack_int *iwork;
    ICL_TRY(ICL_NEW(context, &block, m * n + longer + shorter + (int64_t)query));
    icl_status status = ICL_NEW(context, &iwork, query_int > 0 ? query_int : 1);
    if (status == ICL_OK) {
        double *a = block, *b = a + m * n, *s = b + longer, *work = s + shorter;
        transpose(m, n, X, a);
        memcpy(b, y, (size_t)m * sizeof *b);
        if (LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, rows, cols, 1, a, rows, b, longer, s, rcond,
                                &rank, work, (lapack_int)query, iwork) != 0)
            status = ICL_ERR_LAPACK;
        else
            memcpy(w, b, (size_t)n * sizeof *w);
    }
    if (rank_out != NULL)
        *rank_out = (int32_t)rank;
    icl_dealloc(context, iwork);
    icl_dealloc(context, block);
    return status;
}

icl_status icl_svd(const icl_context *context, int64_t m, int64_t n, const double *a, double *s,
                   double *u, double *vt) {
    ICL_TRY(check_sizes(m, n));
    if (m == 0 || n == 0)
        return ICL_OK;
    /* the column-major view of a is a^T = V diag(s) U^T, n x m */
    lapack_int rows = (lapack_int)n, cols = (lapack_int)m;
    lapack_int k = rows < cols ? rows : cols;
    char job = u != NULL ? 'S' : 'N';
    double query = 0, none = 0;
    LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, job, job, rows, cols, NULL, rows, NULL, NULL, rows, NULL,
                        k, &query, -1);
    double *block;
    ICL_TRY(ICL_NEW(context, &block, m * n + (int64_t)query));
    memcpy(block, a, (size_t)(m * n) * sizeof *a);
    lapack_int info = LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, job, job, rows, cols, block, rows, s,
                                          vt != NULL ? vt : &none, rows, u != NULL ? u : &none,
                                          u != NULL ? k : 1, block + m * n, (lapack_int)query);
    icl_dealloc(context, block);
    return info == 0 ? ICL_OK : ICL_ERR_LAPACK;
}

void icl_matmul(int trans_a, int trans_b, int64_t m, int64_t n, int64_t k, const double *a,
                const double *b, double *c) {
    if (m == 0 || n == 0)
        return;
    if (k == 0) {
        memset(c, 0, (size_t)(m * n) * sizeof *c);
        return;
    }
    cblas_dgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
                trans_b ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, 1, a,
                (int)(trans_a ? m : k), b, (int)(trans_b ? k : n), 0, c, (int)n);
}

double icl_frobenius(int64_t count, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}
