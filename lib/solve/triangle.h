/* Factors of eight prompts' least squares, one a lane, that grow by an example at a time.
 *
 * With x_1..x_t the examples so far, X^T X + lambda I = R^T D R, R unit upper triangular and D >= 0
 * diagonal. Gentleman's Givens rotations without square roots (J. Inst. Math. Appl. 12, 1973)
 * append a row in O(d^2); they are rotations of X, and see no square of its condition number. Where
 * t < d, a basis of the rows gives the solution of least norm too.
 *
 * In lanes: d numbers D, then row after row r_k,k+1..r_k,d-1 and z_k, where R w = z, last the sum
 * of squares ||y - X w||^2 (+ lambda ||w||^2).
 */
#ifndef ICL_SOLVE_TRIANGLE_H
#define ICL_SOLVE_TRIANGLE_H

#include "base/isa.h"

/* Entries of a factor. */
static inline int64_t icl_triangle_entries(int64_t d) {
    return d + d * (d + 1) / 2 + 1;
}

/* The sum of squares among the entries. */
static inline int64_t icl_triangle_rest(int64_t d) {
    return d + d * (d + 1) / 2;
}

/* 1: squared pivots from least to most can be trusted. At a condition number of 10^7 rank is not in
 * doubt, and nine digits are left; and no square between the bounds over- or underflows. */
static inline int icl_triangle_safe(double least, double most) {
    return least > 1e-14 * most && least > 1e-140 && most < 1e140;
}

/* All arrays are of lanes; lambda and the like hold eight numbers. */
typedef struct icl_triangle_kernels {
    /* No examples: D = lambda I, R = I, z = 0. */
    void (*reset)(int64_t d, const double *lambda, double *factor);
    /* One more example: row (d + 1) holds x and y, and is spoilt. */
    void (*append)(int64_t d, double *row, double *factor);
    /* D and R of X^T X + lambda I more; row (d + 1) is work. */
    void (*penalise)(int64_t d, const double *lambda, double *row, double *factor);
    /* w (d) = R^-1 z; least and greatest entry of D. */
    void (*solve)(int64_t d, const double *factor, double *w, double *least, double *greatest);
    /* The example row (d + 1) as number t of a prompt with t < d so far: w (d), of least norm, goes
     * on to fit it; its part outside the basis, normalised, becomes row t of the basis (d x d).
     * square = that part's squared length; work: t. */
    void (*extend)(int64_t d, int64_t t, const double *row, double *basis, double *w,
                   double *square, double *work);
    /* out = a.b over d entries */
    void (*dot)(int64_t d, const double *a, const double *b, double *out);
} icl_triangle_kernels;

ICL_ISA_TABLES(icl_triangle_kernels, icl_triangle_kernels)

#endif
