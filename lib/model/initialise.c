/* How parameters start: Zhang's balanced point, small Gaussian noise, or zero; and what the form of
 * a model fixes. */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "model/parameters.h"
#include "random/streams.h"

static void normals(const icl_model *model, uint64_t seed, uint64_t stream, int64_t count,
                    double *out) {
    icl_random_fill(model->context, seed, ICL_PURPOSE_INIT, stream, 0, count, 1, out);
}

static int is_kqv(const icl_model *model) {
    return model->parametrisation == ICL_PARAMETRISATION_KQV;
}

/* ---- what is fixed ---- */

int icl_model_form_entry(const icl_model *model, int of_P, int64_t i, int64_t j, double *fixed) {
    int64_t d = model->dim, y = model->token - 1;
    *fixed = 0;
    switch (model->shape.form) {
    case ICL_FORM_DESCENT:
    case ICL_FORM_GD_PLUS_PLUS:
        if (of_P && i == y && j == y)
            *fixed = 1;
        return i < d && j < d && (!of_P || model->shape.form == ICL_FORM_GD_PLUS_PLUS);
    case ICL_FORM_DIAGONAL:
        return i == j;
    default:
        return 1;
    }
}

/* Fixed entries to their values, R to I, the guess to 0. */
static void set_fixed(icl_model *model) {
    int64_t D = model->token, square = D * D;
    double *x = model->parameters, fixed;
    for (int64_t l = 0; l < model->stored; l++) {
        double *matrices = x + icl_model_head_offset(model, l, 0);
        for (int64_t e = 0; e < 2 * model->heads * square; e++) {
            int64_t entry = e % square, of_P = e / square % 2 == 0;
            if (!icl_model_form_entry(model, (int)of_P, entry / D, entry % D, &fixed))
                matrices[e] = fixed;
        }
        for (int64_t e = 0; model->shape.residual && e < square; e++)
            x[icl_model_residual_offset(model, l) + e] = e / D == e % D ? 1 : 0;
    }
    int64_t guess = icl_model_guess_offset(model);
    memset(x + guess, 0, (size_t)(model->count - guess) * sizeof *x);
}

/* ---- starts ---- */

/* T (d x k) with ||T T^T||_F = 1, and T T^T (d x d). */
static void balanced_factor(const icl_model *model, uint64_t seed, uint64_t stream, int64_t k,
                            double *T, double *TT) {
    int64_t d = model->dim;
    normals(model, seed, stream, d * k, T);
    icl_matmul(0, 1, d, d, k, T, T, TT);
    double norm = sqrt(icl_frobenius(d * d, TT, TT)), root = sqrt(norm);
    for (int64_t i = 0; i < d * k; i++)
        T[i] /= root;
    for (int64_t i = 0; i < d * d; i++)
        TT[i] /= norm;
}

/* v = sign s in P and s T T^T in Q, or the sign in Q where P is fixed. */
static void balance_head(icl_model *model, int64_t layer, int64_t head, double scale,
                         const double *TT) {
    int64_t d = model->dim, D = model->token;
    double *P = model->parameters + icl_model_head_offset(model, layer, head), *Q = P + D * D;
    double fixed;
    int free_P = icl_model_form_entry(model, 1, D - 1, D - 1, &fixed);
    P[D * D - 1] = model->sign * scale;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            Q[i * D + j] = (free_P ? scale : model->sign * scale) * TT[i * d + j];
}

static void balance_kqv(icl_model *model, uint64_t seed, double scale, const double *T,
                        double *direction) {
    int64_t d = model->dim, D = d + 1, s = model->width;
    double *K = model->parameters, *Q = K + s * D, *V = Q + s * D, *h = V + s * D;
    double root = sqrt(scale);
    normals(model, seed, 1, s, direction);
    double norm = sqrt(icl_frobenius(s, direction, direction));
    for (int64_t a = 0; a < s; a++) {
        h[a] = root * direction[a] / norm;
        V[a * D + d] = model->sign * h[a];
        for (int64_t i = 0; i < d; i++)
            K[a * D + i] = Q[a * D + i] = root * T[i * s + a];
    }
}

static icl_status start_balanced(icl_model *model, double scale, uint64_t seed) {
    int64_t d = model->dim, s = model->width, k = is_kqv(model) ? s : d;
    double *T;
    ICL_TRY(ICL_NEW(model->context, &T, d * k + d * d + s));
    double *TT = T + d * k, *direction = TT + d * d;
    memset(model->parameters, 0, (size_t)model->count * sizeof(double));
    if (is_kqv(model)) {
        balanced_factor(model, seed, 0, k, T, TT);
        balance_kqv(model, seed, scale, T, direction);
    }
    for (int64_t l = 0; !is_kqv(model) && l < model->stored; l++)
        for (int64_t h = 0; h < model->heads; h++) {
            balanced_factor(model, seed, 3 * (uint64_t)(l * model->heads + h), d, T, TT);
            balance_head(model, l, h, scale, TT);
        }
    icl_dealloc(model->context, T);
    return ICL_OK;
}

/* What no prediction reads: of the last layer all rows of P but the last, and the last column of Q
 * where every query's label is still 0. */
static void clear_unread(icl_model *model) {
    int64_t D = model->token, s = model->width;
    double *x = model->parameters;
    if (is_kqv(model)) {
        for (int64_t i = 0; i < s; i++)
            x[model->table[1].offset + i * D + D - 1] = 0;
        return;
    }
    for (int64_t h = 0; h < model->heads && !(model->shape.looped && model->layers > 1); h++) {
        double *P = x + icl_model_head_offset(model, model->stored - 1, h), *Q = P + D * D;
        memset(P, 0, (size_t)(D * (D - 1)) * sizeof *P);
        for (int64_t i = 0; i < D && model->layers == 1 && !model->shape.guess; i++)
            Q[i * D + D - 1] = 0;
    }
}

static void start_gaussian(icl_model *model, double scale, uint64_t seed) {
    double *x = model->parameters;
    normals(model, seed, 2, model->count, x);
    for (int64_t i = 0; i < model->count; i++)
        x[i] *= scale;
    clear_unread(model);
}

icl_status icl_model_start(icl_model *model, icl_init init, double scale, uint64_t seed) {
    if (init == ICL_INIT_BALANCED)
        ICL_TRY(start_balanced(model, scale, seed));
    else if (init == ICL_INIT_GAUSSIAN)
        start_gaussian(model, scale, seed);
    else
        memset(model->parameters, 0, (size_t)model->count * sizeof(double));
    if (!is_kqv(model))
        set_fixed(model);
    return ICL_OK;
}
