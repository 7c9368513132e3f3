#include "lanes/lane_matrix.h"
#include "layer/linear_attention.h"

/* PG_h = P_h G and N. */
static void mix(const icl_attention_layer *l, icl_attention_state *s) {
    const int64_t D = l->D, size = l->rows * D;
    const double *N0 = NULL;
    if (l->R != NULL) {
        lane_fill(size, l->R, s->N);
        N0 = s->N;
    }
    lane_multiply_pl(l->heads * l->rows, D, D, lane_rows(l->P, D), lane_rows(s->G, D), 0, NULL,
                     s->PG, D);
    for (int64_t h = 0; h < l->heads; h++, N0 = s->N)
        lane_multiply_lp(l->rows, D, D, lane_rows(s->PG + LANES * h * size, D),
                         lane_rows(l->Q + h * D * D, D), 0, N0, s->N, D);
}

/* G' = G + E Y + (E Y)^T + E (Y N^T) E^T with Y = N G. */
static void sandwich(const icl_attention_layer *l, const icl_attention_state *s, double *work,
                     double *next) {
    const int64_t D = l->D, m = l->rows, first = l->first;
    double *Y = work, *YN = Y + LANES * m * D;
    lane_multiply_ll(m, D, D, lane_rows(s->N, D), lane_rows(s->G, D), 0, NULL, Y, D);
    lane_multiply_ll(m, m, D, lane_rows(Y, D), lane_transposed(s->N, D), 1, NULL, YN, m);
    if (m < D)
        lane_copy(D * D, s->G, next);
    for (int64_t a = 0; a < m; a++) {
        const int64_t i = first + a;
        for (int64_t j = 0; j < D; j++) {
            const int64_t b = j - first;
            if (b > a && b < m)
                continue; /* the mirror of a later entry */
            v8 value =
                v8_add(v8_load(s->G + LANES * (i * D + j)), v8_load(Y + LANES * (a * D + j)));
            if (b >= 0 && b < m)
                value = v8_add(v8_add(value, v8_load(Y + LANES * (b * D + i))),
                               v8_load(YN + LANES * (a * m + b)));
            v8_store(next + LANES * (i * D + j), value);
            v8_store(next + LANES * (j * D + i), value);
        }
    }
}

static void forward(const icl_attention_layer *l, int64_t queries, icl_attention_state *s,
                    double *work, double *next_G, double *next_q) {
    const int64_t D = l->D;
    mix(l, s);
    if (l->rows < D)
        lane_copy(queries * D, s->q, next_q);
    lane_multiply_ll(queries, l->rows, D, lane_rows(s->q, D), lane_transposed(s->N, D), 0,
                     s->q + LANES * l->first, next_q + LANES * l->first, D);
    if (next_G != NULL)
        sandwich(l, s, work, next_G);
}

/* T = H A (D x D), and nbar = dL/dN: the rows of T times G, and what the queries add. */
static void nbar_of(const icl_attention_layer *l, int64_t queries, const icl_attention_state *s,
                    const double *T, const double *qbar, double *nbar) {
    const int64_t D = l->D, m = l->rows;
    if (T != NULL)
        lane_multiply_ll(m, D, D, lane_rows(T + LANES * l->first * D, D), lane_rows(s->G, D), 0,
                         NULL, nbar, D);
    lane_multiply_ll(m, D, queries, lane_transposed(qbar + LANES * l->first, D), lane_rows(s->q, D),
                     0, T != NULL ? nbar : NULL, nbar, D);
}

/* H <- A^T (H A) + F + F^T, F = sum_h P_h^T E_h, in T's place once A^T T is made. */
static void input_gradient(const icl_attention_layer *l, const icl_attention_state *s, int next,
                           const double *E, double *T, double *U, double *H) {
    const int64_t D = l->D, m = l->rows;
    if (next)
        lane_multiply_ll(D, D, m, lane_transposed(s->N, D), lane_rows(T + LANES * l->first * D, D),
                         1, T, U, D);
    double *F = T;
    lane_multiply_pl(D, D, l->heads * m, lane_transposed(l->P, D), lane_rows(E, D), 0, NULL, F, D);
    lane_symmetric(D, F, next ? U : NULL, H);
}

static void backward(const icl_attention_layer *l, int64_t queries, const icl_attention_state *s,
                     int next, int previous, double *work, double *H, double *qbar,
                     const icl_attention_gradient *g) {
    const int64_t D = l->D, m = l->rows, size = m * D;
    double *T = work, *U = T + LANES * D * D, *nbar = U + LANES * D * D, *E = nbar + LANES * size;
    double *pulled = E + LANES * l->heads * size;
    if (next)
        lane_multiply_ll(D, D, m, lane_rows(H + LANES * l->first, D), lane_rows(s->N, D), 0, H, T,
                         D);
    nbar_of(l, queries, s, next ? T : NULL, qbar, nbar);
    if (g->R != NULL)
        lane_add(size, nbar, g->R);
    for (int64_t h = 0; g->Q != NULL && h < l->heads; h++)
        lane_multiply_ll(D, D, m, lane_transposed(s->PG + LANES * h * size, D), lane_rows(nbar, D),
                         0, g->Q + LANES * h * D * D, g->Q + LANES * h * D * D, D);
    if (g->P != NULL || previous)
        for (int64_t h = 0; h < l->heads; h++)
            lane_multiply_lp(m, D, D, lane_rows(nbar, D), lane_transposed(l->Q + h * D * D, D), 0,
                             NULL, E + LANES * h * size, D);
    if (g->P != NULL)
        lane_multiply_ll(l->heads * m, D, D, lane_rows(E, D), lane_rows(s->G, D), 0, g->P, g->P, D);
    if (previous)
        input_gradient(l, s, next, E, T, U, H);
    lane_multiply_ll(queries, D, m, lane_rows(qbar + LANES * l->first, D), lane_rows(s->N, D), 0,
                     qbar, pulled, D);
    lane_copy(queries * D, pulled, qbar);
}

static void residual(int64_t q, const double *prediction, const double *target, double *error,
                     double *loss) {
    v8 sum = v8_load(loss);
    for (int64_t a = 0; a < q; a++) {
        v8 e = v8_sub(v8_load(prediction + LANES * a), v8_load(target + LANES * a));
        v8_store(error + LANES * a, e);
        sum = v8_fma(e, e, sum);
    }
    v8_store(loss, sum);
}

static void sum_lanes(int64_t entries, const double *a, double *out) {
    for (int64_t e = 0; e < entries; e++) {
        double sum = a[LANES * e];
        for (int l = 1; l < LANES; l++)
            sum += a[LANES * e + l];
        out[e] = sum;
    }
}

const icl_attention_kernels ICL_ISA_NAME(icl_attention_kernels) = {LANES, forward, backward,
                                                                   residual, sum_lanes};
