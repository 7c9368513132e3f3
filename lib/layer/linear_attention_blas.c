/* The kernels of linear_attention_kernel.c for one prompt, through the BLAS. */
#include <string.h>

#include "layer/linear_attention.h"
#include "linalg/linalg.h"

/* PG_h = P_h G and N. */
static void mix(const icl_attention_layer *l, icl_attention_state *s) {
    const int64_t D = l->D, m = l->rows, size = m * D;
    if (l->R != NULL)
        memcpy(s->N, l->R, (size_t)size * sizeof *s->N);
    icl_matmul(0, 0, l->heads * m, D, D, l->P, s->G, s->PG);
    for (int64_t h = 0; h < l->heads; h++)
        icl_matmul_add(0, 0, m, D, D, s->PG + h * size, D, l->Q + h * D * D, D,
                       h > 0 || l->R != NULL, s->N, D);
}

/* G' = G + E Y + (E Y)^T + E (Y N^T) E^T with Y = N G. */
static void sandwich(const icl_attention_layer *l, const icl_attention_state *s, double *work,
                     double *next) {
    const int64_t D = l->D, m = l->rows, first = l->first;
    double *Y = work, *YN = Y + m * D;
    icl_matmul(0, 0, m, D, D, s->N, s->G, Y);
    icl_matmul(0, 1, m, m, D, Y, s->N, YN);
    memcpy(next, s->G, (size_t)(D * D) * sizeof *next);
    for (int64_t a = 0; a < m; a++)
        for (int64_t j = 0; j < D; j++) {
            const int64_t i = first + a, b = j - first, inside = b >= 0 && b < m;
            if (inside && b > a)
                continue; /* the mirror of a later entry */
            double value = s->G[i * D + j] + Y[a * D + j];
            if (inside)
                value = value + Y[b * D + i] + YN[a * m + b];
            next[i * D + j] = next[j * D + i] = value;
        }
}

static void forward(const icl_attention_layer *l, int64_t queries, icl_attention_state *s,
                    double *work, double *next_G, double *next_q) {
    const int64_t D = l->D;
    mix(l, s);
    memcpy(next_q, s->q, (size_t)(queries * D) * sizeof *next_q);
    icl_matmul_add(0, 1, queries, l->rows, D, s->q, D, s->N, D, 1, next_q + l->first, D);
    if (next_G != NULL)
        sandwich(l, s, work, next_G);
}

/* H <- A^T (H A) + F + F^T, F = sum_h P_h^T E_h; T = H A becomes A^T T. */
static void input_gradient(const icl_attention_layer *l, const icl_attention_state *s, int next,
                           const double *E, double *T, double *rows, double *F, double *H) {
    const int64_t D = l->D, m = l->rows;
    if (next) {
        memcpy(rows, T + l->first * D, (size_t)(m * D) * sizeof *rows);
        icl_matmul_add(1, 0, D, D, m, s->N, D, rows, D, 1, T, D);
    }
    icl_matmul(1, 0, D, D, l->heads * m, l->P, E, F);
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j <= i; j++)
            H[i * D + j] = H[j * D + i] = F[i * D + j] + F[j * D + i] + (next ? T[i * D + j] : 0);
}

static void backward(const icl_attention_layer *l, int64_t queries, const icl_attention_state *s,
                     int next, int previous, double *work, double *H, double *qbar,
                     const icl_attention_gradient *g) {
    const int64_t D = l->D, m = l->rows, size = m * D;
    double *T = work, *F = T + D * D, *nbar = F + D * D, *E = nbar + size;
    double *pulled = E + l->heads * size;
    if (next) {
        memcpy(T, H, (size_t)(D * D) * sizeof *T);
        icl_matmul_add(0, 0, D, D, m, H + l->first, D, s->N, D, 1, T, D);
        icl_matmul(0, 0, m, D, D, T + l->first * D, s->G, nbar);
    }
    icl_matmul_add(1, 0, m, D, queries, qbar + l->first, D, s->q, D, next, nbar, D);
    for (int64_t e = 0; g->R != NULL && e < size; e++)
        g->R[e] += nbar[e];
    for (int64_t h = 0; g->Q != NULL && h < l->heads; h++)
        icl_matmul_add(1, 0, D, D, m, s->PG + h * size, D, nbar, D, 1, g->Q + h * D * D, D);
    if (g->P != NULL || previous)
        for (int64_t h = 0; h < l->heads; h++)
            icl_matmul(0, 1, m, D, D, nbar, l->Q + h * D * D, E + h * size);
    if (g->P != NULL)
        icl_matmul_add(0, 0, l->heads * m, D, D, E, D, s->G, D, 1, g->P, D);
    memcpy(pulled, qbar, (size_t)(queries * D) * sizeof *pulled);
    icl_matmul_add(0, 0, queries, D, m, pulled + l->first, D, s->N, D, 1, qbar, D);
    if (previous)
        input_gradient(l, s, next, E, T, nbar, F, H);
}

static void residual(int64_t q, const double *prediction, const double *target, double *error,
                     double *loss) {
    for (int64_t a = 0; a < q; a++) {
        error[a] = prediction[a] - target[a];
        *loss += error[a] * error[a];
    }
}

static void sum_lanes(int64_t entries, const double *a, double *out) {
    memcpy(out, a, (size_t)entries * sizeof *out);
}

const icl_attention_kernels icl_attention_kernels_blas = {1, forward, backward, residual,
                                                          sum_lanes};
