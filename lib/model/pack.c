/* Between a model's flat vector and what its layers compute with: the rows that matter, packed, and
 * gradients of these scattered back. */
#include <string.h>

#include "model/workspace.h"

static int is_kqv(const icl_model *model) {
    return model->parametrisation == ICL_PARAMETRISATION_KQV;
}

int64_t icl_model_packed_most(const icl_model *model) {
    int64_t D = model->token, H = model->heads;
    int64_t stored = icl_product(model->stored, icl_product(2 * H + 1, D, D), 1);
    int64_t last = icl_product(H + 1, D, 1), most;
    return __builtin_add_overflow(stored, last + model->dim, &most) ? INT64_MAX : most;
}

static int any_trained(const icl_model *model, int64_t offset, int64_t count) {
    return memchr(model->trained + offset, 1, (size_t)count) != NULL;
}

/* 1 if row i of a tensor holds an entry that is trained, or is not what the layer does without. */
static int row_matters(const icl_model *model, int64_t offset, int64_t i, double diagonal) {
    int64_t D = model->token;
    const double *row = model->parameters + offset + i * D;
    if (any_trained(model, offset + i * D, D))
        return 1;
    for (int64_t j = 0; j < D; j++)
        if (row[j] != (i == j ? diagonal : 0))
            return 1;
    return 0;
}

static int layer_row_matters(const icl_model *model, int64_t layer, int64_t i) {
    for (int64_t h = 0; h < model->heads; h++)
        if (row_matters(model, icl_model_head_offset(model, layer, h), i, 0))
            return 1;
    return model->shape.residual &&
           row_matters(model, icl_model_residual_offset(model, layer), i, 1);
}

/* The rows from the first to the last that matters; one where none does. */
static void find_rows(const icl_model *model, int64_t layer, int64_t *first, int64_t *rows) {
    int64_t end = model->token, begin = 0;
    while (begin < end - 1 && !layer_row_matters(model, layer, begin))
        begin++;
    while (end > begin + 1 && !layer_row_matters(model, layer, end - 1))
        end--;
    *first = begin;
    *rows = end - begin;
}

/* P and R of a use of the layer, rows first.. of each. */
static void pack_rows(const icl_model *model, int64_t layer, icl_layer_use *use, double *packed) {
    icl_attention_layer *l = &use->layer;
    int64_t D = l->D, size = l->rows * D, from = l->first * D;
    const double *x = model->parameters;
    for (int64_t h = 0; h < l->heads; h++) {
        int64_t P = icl_model_head_offset(model, layer, h) + from;
        memcpy(packed + use->P + h * size, x + P, (size_t)size * sizeof *x);
        use->train_P |= any_trained(model, P, size);
    }
    l->P = packed + use->P;
    if (use->R < 0)
        return;
    int64_t R = icl_model_residual_offset(model, layer) + from;
    memcpy(packed + use->R, x + R, (size_t)size * sizeof *x);
    for (int64_t i = 0; i < l->rows; i++)
        packed[use->R + i * D + l->first + i] -= 1;
    use->train_R = any_trained(model, R, size);
    l->R = packed + use->R;
}

static void pack_Q(const icl_model *model, int64_t layer, icl_layer_use *use, double *packed) {
    int64_t square = model->token * model->token;
    for (int64_t h = 0; h < model->heads; h++) {
        int64_t Q = icl_model_head_offset(model, layer, h) + square;
        memcpy(packed + use->Q + h * square, model->parameters + Q,
               (size_t)square * sizeof *packed);
        use->train_Q |= any_trained(model, Q, square);
    }
    use->layer.Q = packed + use->Q;
}

/* A use of `rows` rows at the end of what is packed so far. */
static icl_layer_use place_rows(const icl_model *model, int64_t first, int64_t rows,
                                int64_t *used) {
    int64_t D = model->token, H = model->heads;
    icl_layer_use use = {.layer = {.D = D, .heads = H, .first = first, .rows = rows}};
    use.P = *used;
    *used += H * rows * D;
    use.R = model->shape.residual ? *used : -1;
    *used += model->shape.residual ? rows * D : 0;
    return use;
}

static void pack_matrices(const icl_model *model, icl_model_workspace *w) {
    int64_t D = model->token, L = model->layers, used = 0;
    int64_t square = model->heads * D * D;
    for (int64_t l = 0; l < L; l++) {
        icl_layer_use *use = &w->uses[l];
        int64_t stored = model->stored > 1 ? l : 0, first = D - 1, rows = 1;
        int repeated = l > 0 && model->stored == 1;
        if (repeated && l < L - 1) {
            *use = w->uses[l - 1];
            continue;
        }
        if (l < L - 1)
            find_rows(model, stored, &first, &rows);
        *use = place_rows(model, first, rows, &used);
        pack_rows(model, stored, use, w->weights);
        use->Q = repeated ? w->uses[l - 1].Q : used;
        used += repeated ? 0 : square;
        pack_Q(model, stored, use, w->weights);
    }
    w->guess = model->shape.guess ? used : -1;
    if (model->shape.guess)
        memcpy(w->weights + used, model->parameters + icl_model_guess_offset(model),
               (size_t)model->dim * sizeof(double));
    w->packed = used + (model->shape.guess ? model->dim : 0);
}

/* The one row p of P, without the sign, and Q with a last column that no prediction reads. */
static void pack_kqv(const icl_model *model, icl_model_workspace *w) {
    int64_t d = model->dim, D = d + 1, used = 0;
    icl_layer_use *use = w->uses;
    *use = place_rows(model, d, 1, &used);
    use->Q = used;
    use->train_P = use->train_Q = 1;
    double *p = w->weights + use->P, *Q = w->weights + use->Q, *narrow = w->pulled;
    icl_model_readout(model, p, narrow);
    for (int64_t i = 0; i < D; i++) {
        p[i] *= model->sign;
        memcpy(Q + i * D, narrow + i * d, (size_t)d * sizeof *Q);
        Q[i * D + d] = 0;
    }
    use->layer.P = p;
    use->layer.Q = Q;
    w->guess = -1;
    w->packed = used + D * D;
}

/* a = P_k^T p_h and c = p_h + R^T p_h over the rows of the last layer but one. */
static void pack_tail(const icl_model *model, icl_model_workspace *w) {
    const icl_attention_layer *l = &w->uses[model->layers - 2].layer;
    const icl_attention_layer *last = &w->uses[model->layers - 1].layer;
    int64_t D = l->D, H = l->heads;
    double *a = w->tail_rows, *c = a + H * H * D;
    w->tail = (icl_attention_tail){l, last, a, c};
    memset(a, 0, (size_t)(H * H * D) * sizeof *a);
    memcpy(c, last->P, (size_t)(H * D) * sizeof *c);
    for (int64_t h = 0; h < H; h++)
        for (int64_t i = 0; i < l->rows; i++) {
            double p = last->P[h * D + l->first + i];
            for (int64_t k = 0; k < H; k++)
                for (int64_t j = 0; j < D; j++)
                    a[(k * H + h) * D + j] += p * l->P[(k * l->rows + i) * D + j];
            for (int64_t j = 0; l->R != NULL && j < D; j++)
                c[h * D + j] += p * l->R[i * D + j];
        }
}

void icl_model_pack(const icl_model *model, icl_model_workspace *workspace) {
    if (is_kqv(model))
        pack_kqv(model, workspace);
    else
        pack_matrices(model, workspace);
    int64_t before = model->layers > 1 ? model->layers - 2 : 0; /* the last layer but one */
    workspace->tailed =
        workspace->tail_kernels != NULL &&
        icl_tail_pays(model, workspace->uses[before].layer.rows, workspace->queries);
    if (workspace->tailed)
        pack_tail(model, workspace);
}

/* ---- gradients ---- */

static void add_to(int64_t count, const double *from, double *to) {
    for (int64_t i = 0; i < count; i++)
        to[i] += from[i];
}

static void unpack_use(const icl_model *model, const icl_layer_use *use, int64_t layer,
                       const double *packed, double *gradient) {
    const icl_attention_layer *l = &use->layer;
    int64_t size = l->rows * l->D, from = l->first * l->D;
    for (int64_t h = 0; h < l->heads; h++)
        add_to(size, packed + use->P + h * size,
               gradient + icl_model_head_offset(model, layer, h) + from);
    if (use->R >= 0)
        add_to(size, packed + use->R, gradient + icl_model_residual_offset(model, layer) + from);
}

static void unpack_matrices(const icl_model *model, const icl_model_workspace *w,
                            const double *packed, double *gradient) {
    int64_t square = model->token * model->token, L = model->layers;
    for (int64_t l = 0; l < L; l++) {
        int64_t stored = model->stored > 1 ? l : 0;
        int repeated = l > 0 && model->stored == 1;
        if (repeated && l < L - 1)
            continue; /* adds to the same packed entries as the first loop */
        unpack_use(model, &w->uses[l], stored, packed, gradient);
        for (int64_t h = 0; !repeated && h < model->heads; h++)
            memcpy(gradient + icl_model_head_offset(model, stored, h) + square,
                   packed + w->uses[l].Q + h * square, (size_t)square * sizeof *gradient);
    }
    if (w->guess >= 0)
        memcpy(gradient + icl_model_guess_offset(model), packed + w->guess,
               (size_t)model->dim * sizeof *gradient);
}

static void unpack_kqv(const icl_model *model, const icl_model_workspace *w, const double *packed,
                       double *gradient) {
    int64_t d = model->dim, D = d + 1;
    double *p = w->weights, *Q = p + D; /* of the same sizes, and no longer needed */
    for (int64_t i = 0; i < D; i++) {
        p[i] = model->sign * packed[w->uses->P + i];
        memcpy(Q + i * d, packed + w->uses->Q + i * D, (size_t)d * sizeof *Q);
    }
    icl_model_readout_pullback(model, p, Q, gradient);
}

void icl_model_unpack(const icl_model *model, const icl_model_workspace *workspace,
                      const double *packed, double *gradient) {
    memset(gradient, 0, (size_t)model->count * sizeof *gradient);
    if (is_kqv(model))
        unpack_kqv(model, workspace, packed, gradient);
    else
        unpack_matrices(model, workspace, packed, gradient);
    for (int64_t i = 0; i < model->count; i++)
        if (!model->trained[i])
            gradient[i] = 0;
}
