/* Arithmetic on eight prompts at once. Arrays are entry-major, lane-minor, on 64-byte boundaries;
 * `tokens` has a stride of d + 1 entries an example: x, then y. */
#ifndef ICL_TASK_TASK_KERNELS_H
#define ICL_TASK_TASK_KERNELS_H

#include <icl/task.h>

#include "base/isa.h"
#include "task/law.h"

typedef struct icl_task_kernels {
    /* x = mean + root z for each of `count` vectors: z packed (count x d), x with `stride` entries
     * a vector. mean may be NULL. */
    void (*affine)(const icl_root *root, const double *mean, int64_t dim, int64_t count,
                   const double *z, int64_t stride, double *x);
    /* x = mean + V (scales z), V (dim x dim) of lanes, scales of numbers; spoils z. */
    void (*rotate)(const double *V, const double *scales, const double *mean, int64_t dim,
                   int64_t count, double *z, int64_t stride, double *x);
    /* z_ij <- factor z_ij for `count` vectors, the factor of entry by_vector i + by_entry j */
    void (*stretch)(int64_t dim, int64_t count, const double *factors, int64_t by_vector,
                    int64_t by_entry, double *z);
    /* w <- (radius / ||w||) w */
    void (*normalise)(int64_t dim, double radius, double *w);
    /* s_i = w . x_i for vectors with `stride` entries, s with s_stride */
    void (*project)(int64_t dim, int64_t count, const double *w, int64_t stride, const double *x,
                    int64_t s_stride, double *s);
    /* s_i = sum_j w_j x_ij^2 / sqrt 3, as project */
    void (*quadratic)(int64_t dim, int64_t count, const double *w, int64_t stride, const double *x,
                      int64_t s_stride, double *s);
    /* f of a net with `hidden` units: task holds w_k (hidden x d), then a (hidden) */
    void (*net)(int64_t dim, int64_t hidden, icl_activation activation, int64_t count,
                const double *task, int64_t stride, const double *x, int64_t y_stride, double *y);
    /* y = g(y), elementwise */
    void (*label)(icl_labels labels, int64_t count, int64_t stride, double *y);
    /* y = 1 where log u - log(1 - u) < y, else -1: one u for each, packed */
    void (*toss)(int64_t count, const double *u, int64_t stride, double *y);
    /* y = a sin(y + phi), wave holds a and phi */
    void (*sine)(int64_t count, const double *wave, int64_t stride, double *y);
    /* y_i = the leaf of x_i: nodes hold coordinates as whole numbers, the root first */
    void (*tree)(int64_t depth, int64_t count, const double *nodes, const double *leaves,
                 int64_t stride, const double *x, int64_t y_stride, double *y);
    /* y_i = sum_j,k b_jk psi_k(x_ij + 1/2) / max psi_k, k = 1..terms - 1, b packed */
    void (*series)(int64_t dim, int64_t terms, icl_basis basis, int64_t count, const double *b,
                   int64_t stride, const double *x, int64_t y_stride, double *y);
    /* Row `row` of the Cholesky factor L (rows packed, reciprocal pivots on the diagonal, 0 where a
     * pivot is rounding) of the kernel matrix of `points`, and y = row . z, one entry. */
    void (*process)(int64_t dim, icl_kernel kernel, double bandwidth, int64_t row,
                    const double *points, double *L, const double *z, double *y);
    /* y = sign y + sigma noise, sign and sigma one entry, noise packed; sign and noise may be NULL
     */
    void (*finish)(int64_t count, const double *sign, const double *sigma, const double *noise,
                   int64_t stride, double *y);
    /* gram (D x D, lower triangle) += sum_i t_i t_i^T over `count` tokens */
    void (*accumulate)(int64_t D, int64_t count, const double *tokens, double *gram);
    /* gram (whole) = lower triangle / n, mirrored */
    void (*mean)(int64_t D, double n, double *gram);
    /* Columns first.. of diag(root, sigma) C as tokens with their labels: x = root z, y = w.x +
     * sigma z_d for the column z of the lower triangular C (D x D), whose entry `first + i` is
     * chi[i] and what is below comes from `below`, column after column. */
    void (*factor)(const icl_root *root, int64_t dim, int64_t first, int64_t count,
                   const double *chi, const double *below, const double *w, const double *sigma,
                   double *tokens);
    /* gram (lower triangle) = sum_i t_i t_i^T over tokens first..first + count - 1, after the sums
     * of those before; `lower`: token i is zero before its entry i, and not read before entry
     * i - 3. With scale > 0 they are the last: then gram (whole) = scale * sums, mirrored. */
    void (*gram)(int64_t D, int lower, int64_t first, int64_t count, double scale,
                 const double *tokens, double *gram);
    /* An orthonormal basis of the span of `count` <= dim packed vectors, in their place. */
    void (*orthonormalise)(int64_t dim, int64_t count, double *vectors);
    /* x <- (I - E^T E) x, scaled to the norm that x had, for `queries` packed vectors; E: `count`
     * orthonormal rows. */
    void (*project_off)(int64_t dim, int64_t count, const double *E, int64_t queries, double *x);
    /* x_j <- s_j |x_j| for `count` vectors with `stride` entries, s_j = -1 where signs_j < 0, else
     * 1; opposite: -s_j |x_j| */
    void (*quadrant)(int64_t dim, int opposite, const double *signs, int64_t count, int64_t stride,
                     double *x);
} icl_task_kernels;

ICL_ISA_TABLES(icl_task_kernels, icl_task_kernels)

#endif
