#include "lanes/lane_matrix.h"
#include "layer/linear_attention.h"

LANE_MATMUL(multiply_ll, LANE, LANE)
LANE_MATMUL(multiply_pl, PLAIN, LANE)
LANE_MATMUL(multiply_lp, LANE, PLAIN)

V8_INLINE lane_factor plain(const double *at, int64_t cols) {
    return (lane_factor){at, cols, 1};
}

V8_INLINE lane_factor transposed(const double *at, int64_t cols) {
    return (lane_factor){at, 1, cols};
}

static void copy(int64_t entries, const double *from, double *to) {
    memcpy(to, from, (size_t)(8 * entries) * sizeof *to);
}

static void add(int64_t entries, const double *from, double *to) {
    for (int64_t e = 0; e < 8 * entries; e += 8)
        v8_store(to + e, v8_add(v8_load(to + e), v8_load(from + e)));
}

/* PG_h = P_h G and N. */
static void mix(const icl_attention_layer *l, icl_attention_state *s) {
    const int64_t D = l->D, size = l->rows * D;
    const double *N0 = NULL;
    if (l->R != NULL) {
        for (int64_t e = 0; e < size; e++)
            v8_store(s->N + 8 * e, v8_set(l->R[e]));
        N0 = s->N;
    }
    multiply_pl(l->heads * l->rows, D, D, plain(l->P, D), plain(s->G, D), 0, NULL, s->PG, D);
    for (int64_t h = 0; h < l->heads; h++, N0 = s->N)
        multiply_lp(l->rows, D, D, plain(s->PG + 8 * h * size, D), plain(l->Q + h * D * D, D), 0,
                    N0, s->N, D);
}

/* G' = G + E Y + (E Y)^T + E (Y N^T) E^T with Y = N G. */
static void sandwich(const icl_attention_layer *l, const icl_attention_state *s, double *work,
                     double *next) {
    const int64_t D = l->D, m = l->rows, first = l->first;
    double *Y = work, *YN = Y + 8 * m * D;
    multiply_ll(m, D, D, plain(s->N, D), plain(s->G, D), 0, NULL, Y, D);
    multiply_ll(m, m, D, plain(Y, D), transposed(s->N, D), 1, NULL, YN, m);
    if (m < D)
        copy(D * D, s->G, next);
    for (int64_t a = 0; a < m; a++) {
        const int64_t i = first + a;
        for (int64_t j = 0; j < D; j++) {
            const int64_t b = j - first;
            if (b > a && b < m)
                continue; /* the mirror of a later entry */
            v8 value = v8_add(v8_load(s->G + 8 * (i * D + j)), v8_load(Y + 8 * (a * D + j)));
            if (b >= 0 && b < m)
                value = v8_add(v8_add(value, v8_load(Y + 8 * (b * D + i))),
                               v8_load(YN + 8 * (a * m + b)));
            v8_store(next + 8 * (i * D + j), value);
            v8_store(next + 8 * (j * D + i), value);
        }
    }
}

static void forward(const icl_attention_layer *l, int64_t queries, icl_attention_state *s,
                    double *work, double *next_G, double *next_q) {
    const int64_t D = l->D;
    mix(l, s);
    if (l->rows < D)
        copy(queries * D, s->q, next_q);
    multiply_ll(queries, l->rows, D, plain(s->q, D), transposed(s->N, D), 0, s->q + 8 * l->first,
                next_q + 8 * l->first, D);
    if (next_G != NULL)
        sandwich(l, s, work, next_G);
}

/* T = H A (D x D), and nbar = dL/dN: the rows of T times G, and what the queries add. */
static void nbar_of(const icl_attention_layer *l, int64_t queries, const icl_attention_state *s,
                    const double *T, const double *qbar, double *nbar) {
    const int64_t D = l->D, m = l->rows;
    if (T != NULL)
        multiply_ll(m, D, D, plain(T + 8 * l->first * D, D), plain(s->G, D), 0, NULL, nbar, D);
    multiply_ll(m, D, queries, transposed(qbar + 8 * l->first, D), plain(s->q, D), 0,
                T != NULL ? nbar : NULL, nbar, D);
}

/* H <- A^T (H A) + F + F^T, F = sum_h P_h^T E_h, in T's place once A^T T is made. */
static void input_gradient(const icl_attention_layer *l, const icl_attention_state *s, int next,
                           const double *E, double *T, double *U, double *H) {
    const int64_t D = l->D, m = l->rows;
    if (next)
        multiply_ll(D, D, m, transposed(s->N, D), plain(T + 8 * l->first * D, D), 1, T, U, D);
    double *F = T;
    multiply_pl(D, D, l->heads * m, transposed(l->P, D), plain(E, D), 0, NULL, F, D);
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j <= i; j++) {
            v8 value = v8_add(v8_load(F + 8 * (i * D + j)), v8_load(F + 8 * (j * D + i)));
            if (next)
                value = v8_add(value, v8_load(U + 8 * (i * D + j)));
            v8_store(H + 8 * (i * D + j), value);
            v8_store(H + 8 * (j * D + i), value);
        }
}

static void backward(const icl_attention_layer *l, int64_t queries, const icl_attention_state *s,
                     int next, int previous, double *work, double *H, double *qbar,
                     const icl_attention_gradient *g) {
    const int64_t D = l->D, m = l->rows, size = m * D;
    double *T = work, *U = T + 8 * D * D, *nbar = U + 8 * D * D, *E = nbar + 8 * size;
    double *pulled = E + 8 * l->heads * size;
    if (next)
        multiply_ll(D, D, m, plain(H + 8 * l->first, D), plain(s->N, D), 0, H, T, D);
    nbar_of(l, queries, s, next ? T : NULL, qbar, nbar);
    if (g->R != NULL)
        add(size, nbar, g->R);
    for (int64_t h = 0; g->Q != NULL && h < l->heads; h++)
        multiply_ll(D, D, m, transposed(s->PG + 8 * h * size, D), plain(nbar, D), 0,
                    g->Q + 8 * h * D * D, g->Q + 8 * h * D * D, D);
    if (g->P != NULL || previous)
        for (int64_t h = 0; h < l->heads; h++)
            multiply_lp(m, D, D, plain(nbar, D), transposed(l->Q + h * D * D, D), 0, NULL,
                        E + 8 * h * size, D);
    if (g->P != NULL)
        multiply_ll(l->heads * m, D, D, plain(E, D), plain(s->G, D), 0, g->P, g->P, D);
    if (previous)
        input_gradient(l, s, next, E, T, U, H);
    multiply_ll(queries, D, m, plain(qbar + 8 * l->first, D), plain(s->N, D), 0, qbar, pulled, D);
    copy(queries * D, pulled, qbar);
}

static void residual(int64_t q, const double *prediction, const double *target, double *error,
                     double *loss) {
    v8 sum = v8_load(loss);
    for (int64_t a = 0; a < q; a++) {
        v8 e = v8_sub(v8_load(prediction + 8 * a), v8_load(target + 8 * a));
        v8_store(error + 8 * a, e);
        sum = v8_fma(e, e, sum);
    }
    v8_store(loss, sum);
}

static void sum_lanes(int64_t entries, const double *a, double *out) {
    for (int64_t e = 0; e < entries; e++) {
        double sum = a[8 * e];
        for (int l = 1; l < 8; l++)
            sum += a[8 * e + l];
        out[e] = sum;
    }
}

const icl_attention_kernels ICL_ISA_NAME(icl_attention_kernels) = {8, forward,
                                                                   backward, residual, sum_lanes};
