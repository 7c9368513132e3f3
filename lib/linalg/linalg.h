/* LAPACKE in the field's terms. Matrices are row-major; symmetric ones are read whole or by
 * either triangle, as said. LAPACK's column-major routines are used without transposing: a
 * symmetric matrix is its own transpose, and a row-major m x n matrix is a column-major n x m one.
 *
 * Those that take a context allocate and set the last error (ICL_ERR_LAPACK where an iteration does
 * not converge, ICL_ERR_NOMEM, ICL_ERR_SIZE): they are for the calling thread. The others allocate
 * nothing, set no last error, and may run on worker threads.
 */
#ifndef ICL_LINALG_LINALG_H
#define ICL_LINALG_LINALG_H

#include "base/context.h"

/* What runs on worker threads may not allocate: it calls the form `_with` and gives it the doubles
 * of scratch that `_scratch` names for the shape (< 0: too large for LAPACK). */
int64_t icl_eigen_scratch(int64_t n);
int64_t icl_least_squares_scratch(int64_t m, int64_t n);
int64_t icl_svd_scratch(int64_t m, int64_t n);
icl_status icl_eigen_with(int64_t n, const double *a, double *values, double *vectors,
                          double *scratch, int64_t doubles);
icl_status icl_svd_with(int64_t m, int64_t n, const double *a, double *s, double *u, double *vt,
                        double *scratch, int64_t doubles);

/* w (n) = X^+ y, the minimum-norm least-squares solution for X (m x n); *rank: singular values
 * above rcond times the greatest (rcond < 0: eps). m = 0: w = 0, rank 0. rank may be NULL. */
icl_status icl_least_squares_with(int64_t m, int64_t n, const double *X, const double *y,
                                  double rcond, double *w, int32_t *rank, double *scratch,
                                  int64_t doubles);

/* a (n x n, symmetric) = sum_k values[k] v_k v_k^T, values ascending, v_k = row k of vectors. */
icl_status icl_eigen(const icl_context *context, int64_t n, const double *a, double *values,
                     double *vectors);

/* out = sum_k scale[k] v_k v_k^T with the rows v_k of vectors (n x n); symmetric to the bit. */
void icl_eigen_compose(int64_t n, const double *scale, const double *vectors, double *out);

/* diagonal (n) becomes the eigenvalues, ascending, of the symmetric tridiagonal matrix; off (n - 1,
 * beside the diagonal) is spoilt. */
icl_status icl_tridiagonal_eigenvalues(const icl_context *context, int64_t n, double *diagonal,
                                       double *off);

/* a (n x n, positive definite, lower triangle read) = L L^T, L into the lower triangle of a;
 * the upper one is kept. ICL_ERR_SINGULAR if a is not positive definite: a is then spoilt. */
icl_status icl_cholesky(int64_t n, double *a);

/* Solves L L^T x = b for each of the `count` rows of b (count x n), in place. */
void icl_cholesky_solve(int64_t n, const double *factor, int64_t count, double *b);

/* a (m x n) = U diag(s) V^T: s (min(m, n)) descending, u (m x k), vt (k x n), k = min(m, n).
 * u and vt may be NULL together. */
icl_status icl_svd(const icl_context *context, int64_t m, int64_t n, const double *a, double *s,
                   double *u, double *vt);

/* c (m x n) = op(a) op(b), op(x) = x or, with trans 1, x^T; inner size k. Plain dgemm. */
void icl_matmul(int trans_a, int trans_b, int64_t m, int64_t n, int64_t k, const double *a,
                const double *b, double *c);

/* c (m x n) += a^T b of a (k x m), b (k x n). dgemm. */
void icl_matmul_add(int64_t m, int64_t n, int64_t k, const double *a, const double *b, double *c);

/* The lower triangle of c (n x n) = a a^T of a (n x k), or, with trans 1, a^T a of a (k x n); added to
 * c with `add`. The upper triangle is kept. dsyrk. */
void icl_rank_k(int trans, int64_t n, int64_t k, const double *a, int add, double *c);

/* sum_ij a_ij b_ij over `count` entries: tr(A^T B). */
double icl_frobenius(int64_t count, const double *a, const double *b);

#endif
