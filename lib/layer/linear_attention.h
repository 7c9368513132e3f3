/* A layer of linear self-attention in Gram space: it maps every token of a prompt, the query too,
 * by the same matrix A, so that a prompt costs O(heads rows D^2) whatever its number of examples
 * is:
 *
 *     N = R + sum_h P_h G Q_h,   A = I + E N,   G' = A G A^T,   q' = A q.
 *
 * G (D x D, symmetric) holds the prompt's moments. Only `rows` rows of the layer, from `first` on,
 * are not the identity's: P_h and R (less I) are given by these, and E puts them in their place.
 *
 * Forward and backward twins. Arrays of prompts are entry-major, lane-minor with `lanes` prompts,
 * on 64-byte boundaries; weights are plain. The gradient of G is carried as H = dL/dG + (dL/dG)^T.
 */
#ifndef ICL_LAYER_LINEAR_ATTENTION_H
#define ICL_LAYER_LINEAR_ATTENTION_H

#include "base/isa.h"

typedef struct icl_attention_layer {
    int64_t D, heads, first, rows;
    const double *P; /* heads x rows x D */
    const double *Q; /* heads x D x D */
    const double *R; /* rows x D; NULL: 0 */
} icl_attention_layer;

/* What a layer read and made, kept for its backward pass. */
typedef struct icl_attention_state {
    const double *G; /* D x D */
    double *q;       /* queries x D */
    double *PG;      /* heads x rows x D */
    double *N;       /* rows x D */
} icl_attention_state;

/* Where gradients are added to, laid out like the weights, a lane each; NULL where not wanted. */
typedef struct icl_attention_gradient {
    double *P, *Q, *R;
} icl_attention_gradient;

typedef struct icl_attention_kernels {
    int64_t lanes;
    /* PG, N, next_q (queries x D) and, where it is not NULL, next_G (D x D). work: as in the
     * backward pass. */
    void (*forward)(const icl_attention_layer *layer, int64_t queries, icl_attention_state *state,
                    double *work, double *next_G, double *next_q);
    /* H (D x D) and qbar (queries x D), the gradients of G' and q', become those of G and q. H is
     * taken as 0 on entry where G' was not made (next = 0), and is not computed where nobody reads
     * it (previous = 0). work: icl_attention_work entries. */
    void (*backward)(const icl_attention_layer *layer, int64_t queries,
                     const icl_attention_state *state, int next, int previous, double *work,
                     double *H, double *qbar, const icl_attention_gradient *gradient);
    /* error_j = prediction_j - target_j; loss (one entry) += sum_j error_j^2 */
    void (*residual)(int64_t q, const double *prediction, const double *target, double *error,
                     double *loss);
    /* out[e] = ((l0 + l1) + l2) + ... of entry e's lanes */
    void (*sum_lanes)(int64_t entries, const double *a, double *out);
} icl_attention_kernels;

ICL_ISA_TABLES(icl_attention_kernels, icl_attention_kernels)

/* The same source for one prompt at a time, through the BLAS: for matrices of which eight are too
 * much for the caches. */
extern const icl_attention_kernels icl_attention_kernels_one_lane;

/* Which of the two is faster was measured: docs/benchmarks.md. */
enum { ICL_ATTENTION_BLAS_FROM = 72 };

static inline const icl_attention_kernels *icl_attention_kernels_for(const icl_context *context,
                                                                     int64_t D) {
    return D >= ICL_ATTENTION_BLAS_FROM ? &icl_attention_kernels_one_lane
                                        : icl_attention_kernels_of(context);
}

/* Entries of work that either pass of a layer needs at most. */
static inline int64_t icl_attention_work(int64_t D, int64_t heads, int64_t queries) {
    return (3 + heads) * D * D + queries * D;
}

#endif
