/* The law mu of the eigenvalues s of S = X^T X / n for covariates with Sigma = I, or whitened, as
 * points with positive weights:
 *
 *     E (1/d) tr f(S) = rest f(0) + sum_k weight[k] f(node[k]).
 *
 * Sums over it do not cancel, whatever n, d and the degree of f >= 0 are. (A Gauss rule made from
 * the moments E tr S^k loses a digit a layer at n = 20, d = 5, and all by the fourth at n = 10^6.)
 */
#ifndef ICL_THEORY_SPECTRUM_H
#define ICL_THEORY_SPECTRUM_H

#include <icl/theory.h>

#include "base/context.h"

typedef struct icl_spectrum {
    int64_t count;
    double *node;   /* count, >= 0 */
    double *weight; /* count, > 0 */
    double rest;    /* 1 - min(n, d) / d: the eigenvalues that are 0 whatever X is */
    int64_t group;  /* points of one simulated prompt, which lie together; 0: a closed form */
} icl_spectrum;

/* mu of a law for polynomials f up to this degree. ICL_ERR_NO_CLOSED_FORM, in the name of
 * `function`, where the law needs a simulation and that is NULL. */
icl_status icl_spectrum_create(const char *function, const icl_law *law,
                               const icl_simulation *simulation, int64_t degree, icl_spectrum *out);
void icl_spectrum_free(const icl_context *context, icl_spectrum *spectrum);

/* Its two forms. Gaussian covariates, n, d >= 1: exact to rounding, degree up to 256; O(min(n, d)^2
 * + min(n, d) degree). Prompts of any law with n >= 1 and Sigma not singular: every eigenvalue with
 * the same weight. */
icl_status icl_spectrum_wishart(const icl_context *context, int64_t n, int64_t d, int64_t degree,
                                icl_spectrum *out);
icl_status icl_spectrum_simulated(const icl_law *law, const icl_simulation *simulation,
                                  icl_spectrum *out);

/* Nodes, ascending, of the Gauss rule of s dmu of this order; *found of them, fewer than asked for
 * where mu has fewer points. */
icl_status icl_spectrum_gauss(const icl_context *context, const icl_spectrum *spectrum,
                              int64_t order, double *nodes, int64_t *found);

#endif
