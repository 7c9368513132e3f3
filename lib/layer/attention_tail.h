/* The last two layers of a deep model in one: nobody needs G after the first of them but in
 * products with the rows p_h of the last one's P, so that vectors take the place of D x D matrices,
 * O(D^2) instead of O(D^3) a prompt. With A = I + E (R + sum_k P_k G Q_k) of the last layer but
 * one,
 *
 *     q' = A q,   g_h = A G (A^T p_h) = G' p_h,   n = r + sum_h Q_h^T g_h,   y' = q'_y + n.q'.
 *
 * Arrays of prompts as in linear_attention.h; H heads in the one layer, B in the last.
 */
#ifndef ICL_LAYER_ATTENTION_TAIL_H
#define ICL_LAYER_ATTENTION_TAIL_H

#include "layer/linear_attention.h"

typedef struct icl_attention_tail {
    const icl_attention_layer *layer; /* the last but one */
    const icl_attention_layer *last;  /* of the one row y */
    const double *a;                  /* H x B x D: P_k^T p_h over the layer's rows */
    const double *c;                  /* B x D: p_h + R^T p_h */
} icl_attention_tail;

/* What both passes share: entries of work, for `columns` = queries + B. */
typedef struct icl_attention_tail_state {
    const double *G;
    double *X;    /* columns x D: q, then G A^T p_h */
    double *next; /* columns x D: A X */
    double *V;    /* H x B x D: a G */
    double *left; /* (H columns + B + H B) x D: X Q_k^T; A^T p_h; a */
    double *S;    /* H x columns x D: X Q_k^T G */
    double *n;    /* D */
} icl_attention_tail_state;

typedef struct icl_attention_tail_kernels {
    /* From the queries in X and G to next and n; prediction_j = next_j[y] + n.next_j. */
    void (*forward)(const icl_attention_tail *tail, int64_t queries,
                    icl_attention_tail_state *state, double *prediction);
    /* error_j = dL/dprediction_j. qbar (queries x D) and, where previous = 1, H as in
     * linear_attention.h. work: icl_attention_tail_work entries. */
    void (*backward)(const icl_attention_tail *tail, int64_t queries,
                     const icl_attention_tail_state *state, const double *error, int previous,
                     double *work, double *H, double *qbar, const icl_attention_gradient *gradient,
                     const icl_attention_gradient *last_gradient);
} icl_attention_tail_kernels;

ICL_ISA_TABLES(icl_attention_tail_kernels, icl_attention_tail_kernels)
extern const icl_attention_tail_kernels icl_attention_tail_kernels_one_lane;

static inline int64_t icl_attention_tail_left(int64_t H, int64_t B, int64_t queries) {
    return H * (queries + B) + B + H * B;
}

/* Entries of all arrays of the state but G, and of the backward pass's work. */
static inline int64_t icl_attention_tail_entries(int64_t D, int64_t H, int64_t B, int64_t queries) {
    int64_t columns = queries + B;
    return (2 * columns + H * B + icl_attention_tail_left(H, B, queries) + H * columns + 1) * D;
}

static inline int64_t icl_attention_tail_work(int64_t D, int64_t H, int64_t B, int64_t queries) {
    int64_t columns = queries + B;
    return D * D +
           (1 + 2 * columns + icl_attention_tail_left(H, B, queries) + H * columns + B + H * B) * D;
}

#endif
