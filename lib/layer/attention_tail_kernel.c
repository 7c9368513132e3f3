#include "lanes/lane_matrix.h"
#include "layer/attention_tail.h"

/* G A^T p_h behind the queries in X. */
static void pull_rows(const icl_attention_tail *t, int64_t queries, icl_attention_tail_state *s) {
    const int64_t D = t->layer->D, H = t->layer->heads, B = t->last->heads;
    double *C = s->left + LANES * H * (queries + B) * D, *a = C + LANES * B * D;
    lane_fill(H * B * D, t->a, a);
    lane_fill(B * D, t->c, C);
    lane_multiply_pl(H * B, D, D, lane_rows(t->a, D), lane_rows(s->G, D), 0, NULL, s->V, D);
    for (int64_t k = 0; k < H; k++)
        lane_multiply_lp(B, D, D, lane_rows(s->V + LANES * k * B * D, D),
                         lane_rows(t->layer->Q + k * D * D, D), 0, C, C, D);
    lane_multiply_ll(B, D, D, lane_rows(C, D), lane_rows(s->G, D), 0, NULL,
                     s->X + LANES * queries * D, D);
}

/* next = X A^T, rows of X being columns of the mathematics. */
static void push_columns(const icl_attention_tail *t, int64_t columns,
                         icl_attention_tail_state *s) {
    const icl_attention_layer *l = t->layer;
    const int64_t D = l->D, size = columns * D, m = l->rows;
    double *out = s->next + LANES * l->first;
    lane_copy(size, s->X, s->next);
    if (l->R != NULL)
        lane_multiply_lp(columns, m, D, lane_rows(s->X, D), lane_transposed(l->R, D), 0, out, out,
                         D);
    for (int64_t k = 0; k < l->heads; k++)
        lane_multiply_lp(columns, D, D, lane_rows(s->X, D), lane_transposed(l->Q + k * D * D, D), 0,
                         NULL, s->left + LANES * k * size, D);
    lane_multiply_ll(l->heads * columns, D, D, lane_rows(s->left, D), lane_rows(s->G, D), 0, NULL,
                     s->S, D);
    for (int64_t k = 0; k < l->heads; k++)
        lane_multiply_lp(columns, m, D, lane_rows(s->S + LANES * k * size, D),
                         lane_transposed(l->P + k * m * D, D), 0, out, out, D);
}

static void forward(const icl_attention_tail *t, int64_t queries, icl_attention_tail_state *s,
                    double *prediction) {
    const int64_t D = t->layer->D, B = t->last->heads;
    pull_rows(t, queries, s);
    push_columns(t, queries + B, s);
    if (t->last->R != NULL)
        lane_fill(D, t->last->R, s->n);
    for (int64_t h = 0; h < B; h++)
        lane_multiply_lp(1, D, D, lane_rows(s->next + LANES * (queries + h) * D, D),
                         lane_rows(t->last->Q + h * D * D, D), 0,
                         h > 0 || t->last->R != NULL ? s->n : NULL, s->n, D);
    for (int64_t j = 0; j < queries; j++)
        lane_multiply_ll(1, 1, D, lane_rows(s->next + LANES * j * D, D), lane_transposed(s->n, D),
                         0, s->next + LANES * (j * D + D - 1), prediction + LANES * j, 1);
}

/* ---- backward ---- */

/* Views into the work. */
typedef struct tail_work {
    double *F;     /* D x D */
    double *nbar;  /* D */
    double *next;  /* columns x D: dL/dnext, */
    double *X;     /* and dL/dX */
    double *right; /* like left: dL/dS_k P, then dL/dX of g_h's columns, then dL/dV */
    double *W;     /* H x columns x D: dL/d(X Q_k^T) */
    double *C, *a; /* B x D, H x B x D: dL/dC, dL/da */
} tail_work;

static tail_work lay_out(const icl_attention_tail *t, int64_t queries, double *work) {
    const int64_t D = t->layer->D, H = t->layer->heads, B = t->last->heads, K = queries + B;
    tail_work w;
    w.F = work;
    w.nbar = w.F + LANES * D * D;
    w.next = w.nbar + LANES * D;
    w.X = w.next + LANES * K * D;
    w.right = w.X + LANES * K * D;
    w.W = w.right + LANES * icl_attention_tail_left(H, B, queries) * D;
    w.C = w.W + LANES * H * K * D;
    w.a = w.C + LANES * B * D;
    return w;
}

/* Through the last layer: nbar = sum_j error_j q'_j, then the gradients of q'_j and of g_h. */
static void last_layer(const icl_attention_tail *t, int64_t queries,
                       const icl_attention_tail_state *s, const double *error, const tail_work *w,
                       const icl_attention_gradient *g) {
    const int64_t D = t->layer->D, B = t->last->heads;
    lane_multiply_ll(1, D, queries, lane_transposed(error, 1), lane_rows(s->next, D), 0, NULL,
                     w->nbar, D);
    for (int64_t j = 0; j < queries; j++) {
        const v8 e = v8_load(error + LANES * j);
        double *row = w->next + LANES * j * D;
        for (int64_t i = 0; i < D; i++)
            v8_store(row + LANES * i, v8_mul(e, v8_load(s->n + LANES * i)));
        v8_store(row + LANES * (D - 1), v8_add(v8_load(row + LANES * (D - 1)), e));
    }
    for (int64_t h = 0; h < B; h++) {
        lane_multiply_lp(1, D, D, lane_rows(w->nbar, D), lane_transposed(t->last->Q + h * D * D, D),
                         0, NULL, w->next + LANES * (queries + h) * D, D);
        if (g->Q != NULL)
            lane_multiply_ll(D, D, 1, lane_transposed(s->next + LANES * (queries + h) * D, D),
                             lane_rows(w->nbar, D), 0, g->Q + LANES * h * D * D,
                             g->Q + LANES * h * D * D, D);
    }
    if (g->R != NULL)
        lane_add(D, w->nbar, g->R);
}

/* Through next = A X. */
static void columns_back(const icl_attention_tail *t, int64_t columns,
                         const icl_attention_tail_state *s, const tail_work *w,
                         const icl_attention_gradient *g) {
    const icl_attention_layer *l = t->layer;
    const int64_t D = l->D, size = columns * D, m = l->rows;
    const double *rows = w->next + LANES * l->first;
    lane_copy(size, w->next, w->X);
    if (l->R != NULL)
        lane_multiply_lp(columns, D, m, lane_rows(rows, D), lane_rows(l->R, D), 0, w->X, w->X, D);
    for (int64_t k = 0; k < l->heads; k++) {
        lane_multiply_lp(columns, D, m, lane_rows(rows, D), lane_rows(l->P + k * m * D, D), 0, NULL,
                         w->right + LANES * k * size, D);
        if (g->P != NULL)
            lane_multiply_ll(m, D, columns, lane_transposed(rows, D),
                             lane_rows(s->S + LANES * k * size, D), 0, g->P + LANES * k * m * D,
                             g->P + LANES * k * m * D, D);
    }
    lane_multiply_ll(l->heads * columns, D, D, lane_rows(w->right, D), lane_rows(s->G, D), 0, NULL,
                     w->W, D);
    for (int64_t k = 0; k < l->heads; k++) {
        const double *W = w->W + LANES * k * size;
        lane_multiply_lp(columns, D, D, lane_rows(W, D), lane_rows(l->Q + k * D * D, D), 0, w->X,
                         w->X, D);
        if (g->Q != NULL)
            lane_multiply_ll(D, D, columns, lane_transposed(W, D), lane_rows(s->X, D), 0,
                             g->Q + LANES * k * D * D, g->Q + LANES * k * D * D, D);
    }
    if (g->R != NULL)
        lane_multiply_ll(m, D, columns, lane_transposed(rows, D), lane_rows(s->X, D), 0, g->R, g->R,
                         D);
}

/* Through C = A^T p_h and a = P_k^T p_h, given dL/dC: the gradients of the rows p_h too. */
static void rows_back(const icl_attention_tail *t, int64_t queries,
                      const icl_attention_tail_state *s, const tail_work *w,
                      const icl_attention_gradient *g, const icl_attention_gradient *last) {
    const icl_attention_layer *l = t->layer;
    const int64_t D = l->D, H = l->heads, B = t->last->heads, m = l->rows;
    double *V = w->right + LANES * (H * (queries + B) + B) * D;
    for (int64_t k = 0; k < H; k++) {
        lane_multiply_lp(B, D, D, lane_rows(w->C, D), lane_transposed(l->Q + k * D * D, D), 0, NULL,
                         V + LANES * k * B * D, D);
        if (g->Q != NULL)
            lane_multiply_ll(D, D, B, lane_transposed(s->V + LANES * k * B * D, D),
                             lane_rows(w->C, D), 0, g->Q + LANES * k * D * D,
                             g->Q + LANES * k * D * D, D);
    }
    lane_multiply_ll(H * B, D, D, lane_rows(V, D), lane_rows(s->G, D), 0, NULL, w->a, D);
    const lane_factor p = lane_transposed(t->last->P + l->first, D); /* rows x B */
    for (int64_t k = 0; g->P != NULL && k < H; k++)
        lane_multiply_pl(m, D, B, p, lane_rows(w->a + LANES * k * B * D, D), 0,
                         g->P + LANES * k * m * D, g->P + LANES * k * m * D, D);
    if (g->R != NULL)
        lane_multiply_pl(m, D, B, p, lane_rows(w->C, D), 0, g->R, g->R, D);
    if (last->P == NULL)
        return;
    double *to = last->P + LANES * l->first;
    lane_add(B * D, w->C, last->P);
    if (l->R != NULL)
        lane_multiply_lp(B, m, D, lane_rows(w->C, D), lane_transposed(l->R, D), 0, to, to, D);
    for (int64_t k = 0; k < H; k++)
        lane_multiply_lp(B, m, D, lane_rows(w->a + LANES * k * B * D, D),
                         lane_transposed(l->P + k * m * D, D), 0, to, to, D);
}

static void backward(const icl_attention_tail *t, int64_t queries,
                     const icl_attention_tail_state *s, const double *error, int previous,
                     double *work, double *H, double *qbar, const icl_attention_gradient *g,
                     const icl_attention_gradient *last) {
    const int64_t D = t->layer->D, B = t->last->heads, K = queries + B;
    const int64_t inner = icl_attention_tail_left(t->layer->heads, B, queries);
    const tail_work w = lay_out(t, queries, work);
    last_layer(t, queries, s, error, &w, last);
    columns_back(t, K, s, &w, g);
    lane_copy(queries * D, w.X, qbar);
    lane_copy(B * D, w.X + LANES * queries * D, w.right + LANES * t->layer->heads * K * D);
    lane_multiply_ll(B, D, D, lane_rows(w.X + LANES * queries * D, D), lane_rows(s->G, D), 0, NULL,
                     w.C, D);
    rows_back(t, queries, s, &w, g, last);
    if (!previous)
        return;
    lane_multiply_ll(D, D, inner, lane_transposed(w.right, D), lane_rows(s->left, D), 0, NULL, w.F,
                     D);
    lane_symmetric(D, w.F, NULL, H);
}

const icl_attention_tail_kernels ICL_ISA_NAME(icl_attention_tail_kernels) = {forward, backward};
