/* The calls of LAPACK and CBLAS: symmetric eigen (dsyevd, dsterf), Cholesky (dpotrf), least squares
 * by the singular value decomposition (dgelsd), the decomposition itself (dgesvd), products
 * (dgemm), rank-k updates (dsyrk).
 */
#include "linalg/linalg.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <string.h>

/* The `int` sizes of LP64 LAPACK. dsyevd asks for 1 + 6 n + 2 n^2 doubles of work, as an int. */
enum { MAX_SIZE = INT32_MAX / 8, MAX_EIGEN = 32766 };

/* The length of LAPACK's work space: more than an int can say is never needed. */
static lapack_int as_int(int64_t doubles) {
    return (lapack_int)(doubles < INT32_MAX ? doubles : INT32_MAX);
}

static icl_status check_sizes(int64_t m, int64_t n) {
    return m <= MAX_SIZE && n <= MAX_SIZE ? ICL_OK : ICL_ERR_SIZE;
}

/* The text of a failure, in the forms that have a context. */
static icl_status explain(const icl_context *context, const char *routine, int64_t m, int64_t n,
                          icl_status status) {
    ICL_REQUIRE(context, status != ICL_ERR_LAPACK, status,
                "LAPACK's %s did not converge on a matrix of %lld x %lld", routine, (long long)m,
                (long long)n);
    ICL_REQUIRE(context, status != ICL_ERR_SIZE, status,
                "a matrix of %lld x %lld is too large for LAPACK's %s", (long long)m, (long long)n,
                routine);
    return status;
}

/* ---- eigenvalues ---- */

/* dsyevd's integers, 3 + 5 n of them, lie in front of its doubles. */
static int64_t eigen_integers(int64_t n) {
    return (3 + 5 * n + 1) / 2;
}

int64_t icl_eigen_scratch(int64_t n) {
    return n > MAX_EIGEN ? -1 : eigen_integers(n) + 1 + 6 * n + 2 * n * n;
}

icl_status icl_eigen_with(int64_t n, const double *a, double *values, double *vectors,
                          double *scratch, int64_t doubles) {
    if (n == 0) /* LAPACK refuses a leading dimension of 0, here and below */
        return ICL_OK;
    lapack_int size = (lapack_int)n, integers = (lapack_int)(3 + 5 * n);
    double *work = scratch + eigen_integers(n);
    memmove(vectors, a, (size_t)(n * n) * sizeof(double));
    lapack_int info =
        LAPACKE_dsyevd_work(LAPACK_COL_MAJOR, 'V', 'L', size, vectors, size, values, work,
                            as_int(doubles - eigen_integers(n)), (lapack_int *)scratch, integers);
    return info == 0 ? ICL_OK : ICL_ERR_LAPACK;
}

icl_status icl_eigen(const icl_context *context, int64_t n, const double *a, double *values,
                     double *vectors) {
    int64_t doubles = icl_eigen_scratch(n);
    if (doubles < 0)
        return explain(context, "dsyevd", n, n, ICL_ERR_SIZE);
    double *scratch;
    ICL_TRY(ICL_NEW(context, &scratch, doubles));
    icl_status status = icl_eigen_with(n, a, values, vectors, scratch, doubles);
    icl_dealloc(context, scratch);
    return explain(context, "dsyevd", n, n, status);
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

icl_status icl_tridiagonal_eigenvalues(const icl_context *context, int64_t n, double *diagonal,
                                       double *off) {
    if (check_sizes(n, n) != ICL_OK)
        return explain(context, "dsterf", n, n, ICL_ERR_SIZE);
    lapack_int info = LAPACKE_dsterf_work((lapack_int)n, diagonal, off);
    return explain(context, "dsterf", n, n, info == 0 ? ICL_OK : ICL_ERR_LAPACK);
}

/* ---- Cholesky ---- */

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

/* ---- singular values ---- */

/* dgelsd's integers: 3 k levels + 11 k for the shorter side k, and never more than 31 levels. */
static int64_t least_squares_integers(int64_t k) {
    return (104 * k + 1) / 2;
}

int64_t icl_least_squares_scratch(int64_t m, int64_t n) {
    if (check_sizes(m, n) != ICL_OK)
        return -1;
    if (m == 0 || n == 0)
        return 0;
    lapack_int rows = (lapack_int)m, cols = (lapack_int)n, rank = 0, query_int = 0;
    lapack_int longer = rows > cols ? rows : cols, shorter = rows > cols ? cols : rows;
    double query = 0;
    LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, rows, cols, 1, NULL, rows, NULL, longer, NULL, -1, &rank,
                        &query, -1, &query_int);
    return least_squares_integers(shorter) + m * n + longer + shorter + (int64_t)query;
}

icl_status icl_least_squares_with(int64_t m, int64_t n, const double *X, const double *y,
                                  double rcond, double *w, int32_t *rank_out, double *scratch,
                                  int64_t doubles) {
    lapack_int rows = (lapack_int)m, cols = (lapack_int)n, rank = 0, info = 0;
    lapack_int longer = rows > cols ? rows : cols, shorter = rows > cols ? cols : rows;
    if (n > 0)
        memset(w, 0, (size_t)n * sizeof *w);
    if (m > 0 && n > 0) {
        double *a = scratch + least_squares_integers(shorter), *b = a + m * n;
        double *s = b + longer, *work = s + shorter;
        transpose(m, n, X, a);
        memcpy(b, y, (size_t)m * sizeof *b);
        info = LAPACKE_dgelsd_work(LAPACK_COL_MAJOR, rows, cols, 1, a, rows, b, longer, s, rcond,
                                   &rank, work, as_int(doubles - (work - scratch)),
                                   (lapack_int *)scratch);
        if (info == 0)
            memcpy(w, b, (size_t)n * sizeof *w);
    }
    if (rank_out != NULL)
        *rank_out = (int32_t)rank;
    return info == 0 ? ICL_OK : ICL_ERR_LAPACK;
}

int64_t icl_svd_scratch(int64_t m, int64_t n) {
    if (check_sizes(m, n) != ICL_OK)
        return -1;
    if (m == 0 || n == 0)
        return 0;
    lapack_int rows = (lapack_int)n, cols = (lapack_int)m, k = rows < cols ? rows : cols;
    double query = 0;
    LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'S', 'S', rows, cols, NULL, rows, NULL, NULL, rows, NULL,
                        k, &query, -1);
    return m * n + (int64_t)query;
}

icl_status icl_svd_with(int64_t m, int64_t n, const double *a, double *s, double *u, double *vt,
                        double *scratch, int64_t doubles) {
    if (m == 0 || n == 0)
        return ICL_OK;
    /* the column-major view of a is a^T = V diag(s) U^T, n x m */
    lapack_int rows = (lapack_int)n, cols = (lapack_int)m, k = rows < cols ? rows : cols;
    char job = u != NULL ? 'S' : 'N';
    double none = 0;
    memcpy(scratch, a, (size_t)(m * n) * sizeof *a);
    lapack_int info = LAPACKE_dgesvd_work(
        LAPACK_COL_MAJOR, job, job, rows, cols, scratch, rows, s, vt != NULL ? vt : &none, rows,
        u != NULL ? u : &none, u != NULL ? k : 1, scratch + m * n, as_int(doubles - m * n));
    return info == 0 ? ICL_OK : ICL_ERR_LAPACK;
}

icl_status icl_svd(const icl_context *context, int64_t m, int64_t n, const double *a, double *s,
                   double *u, double *vt) {
    int64_t doubles = icl_svd_scratch(m, n);
    if (doubles < 0)
        return explain(context, "dgesvd", m, n, ICL_ERR_SIZE);
    double *scratch;
    ICL_TRY(ICL_NEW(context, &scratch, doubles));
    icl_status status = icl_svd_with(m, n, a, s, u, vt, scratch, doubles);
    icl_dealloc(context, scratch);
    return explain(context, "dgesvd", m, n, status);
}

/* ---- products ---- */

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

void icl_matmul_add(int64_t m, int64_t n, int64_t k, const double *a, const double *b, double *c) {
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)m, (int)n, (int)k, 1, a, (int)m, b,
                (int)n, 1, c, (int)n);
}

void icl_rank_k(int trans, int64_t n, int64_t k, const double *a, int add, double *c) {
    cblas_dsyrk(CblasRowMajor, CblasLower, trans ? CblasTrans : CblasNoTrans, (int)n, (int)k, 1, a,
                (int)(trans ? n : k), add ? 1 : 0, c, (int)n);
}

double icl_frobenius(int64_t count, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}
