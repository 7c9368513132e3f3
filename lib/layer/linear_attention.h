/* The last layer of linear self-attention in Gram space, eight prompts at once: only the last row
 * p of P and the first d columns Q of Q reach the prediction (MATH: yhat = p^T G Q x_q), so that a
 * prompt costs O(D^2 + q d), whatever n is. Forward and backward twins; gradients accumulate.
 * Lane arrays are entry-major, lane-minor, on 64-byte boundaries (see task/batch.h). */
#ifndef ICL_LAYER_LINEAR_ATTENTION_H
#define ICL_LAYER_LINEAR_ATTENTION_H

#include "base/isa.h"

typedef struct icl_attention_kernels {
    /* h (D) = G p, k (d) = Q^T h, prediction_j = k . x_j for q queries.
     * p: D doubles, Q: D x d doubles, the same for all prompts; the rest lanes. */
    void (*forward)(int64_t d, int64_t q, const double *gram, const double *p, const double *Q,
                    const double *query, double *h, double *k, double *prediction);
    /* error_j = dL/dprediction_j; h from forward; work: d + D entries.
     * gp (D) += G Q kbar, gQ (D x d) += h kbar^T with kbar = sum_j error_j x_j, lane by lane. */
    void (*backward)(int64_t d, int64_t q, const double *gram, const double *Q, const double *query,
                     const double *error, const double *h, double *work, double *gp, double *gQ);
    /* error_j = prediction_j - target_j; loss (one entry) += sum_j error_j^2 */
    void (*residual)(int64_t q, const double *prediction, const double *target, double *error,
                     double *loss);
    /* out[e] = ((l0 + l1) + l2) + ... of entry e's lanes */
    void (*sum_lanes)(int64_t entries, const double *a, double *out);
} icl_attention_kernels;

ICL_ISA_TABLES(icl_attention_kernels, icl_attention_kernels)

#endif
