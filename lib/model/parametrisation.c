/* From the parameters to the readout (p, Q) that predictions depend on, back with gradients, and
 * from one parametrisation to another. Readout: p = sign e_y^T P (D), Q's first d columns (D x d).
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "model/parameters.h"
#include "task/law.h"

/* W_K, W_Q, W_V (s x D), h (s) within a vector laid out like the parameters. */
typedef struct kqv {
    double *K, *Q, *V, *h;
} kqv;

static kqv kqv_of(const icl_model *model, const double *vector) {
    double *base = (double *)vector;
    return (kqv){base + model->table[0].offset, base + model->table[1].offset,
                 base + model->table[2].offset, base + model->table[3].offset};
}

/* Copies the first `cols` columns of a (rows x lda) to out (rows x ldb). */
static void copy_columns(int64_t rows, int64_t cols, const double *a, int64_t lda, double *out,
                         int64_t ldb) {
    for (int64_t i = 0; i < rows; i++)
        memcpy(out + i * ldb, a + i * lda, (size_t)cols * sizeof *a);
}

void icl_model_readout(const icl_model *model, double *p, double *Q) {
    int64_t d = model->dim, D = d + 1, s = model->width;
    if (model->parametrisation != ICL_PARAMETRISATION_KQV) {
        memcpy(p, model->parameters + d * D, (size_t)D * sizeof *p);
        copy_columns(D, d, model->parameters + D * D, D, Q, d);
    } else {
        kqv w = kqv_of(model, model->parameters);
        memset(p, 0, (size_t)D * sizeof *p);
        memset(Q, 0, (size_t)(D * d) * sizeof *Q);
        for (int64_t a = 0; a < s; a++)
            for (int64_t i = 0; i < D; i++) {
                p[i] += w.h[a] * w.V[a * D + i];
                for (int64_t j = 0; j < d; j++)
                    Q[i * d + j] += w.K[a * D + i] * w.Q[a * D + j];
            }
    }
    for (int64_t i = 0; i < D; i++)
        p[i] *= model->sign;
}

/* Chain rule through p = sign W_V^T h and Q = W_K^T W_Q. */
static void pullback_kqv(const icl_model *model, const double *gp, const double *gQ,
                         double *gradient) {
    int64_t d = model->dim, D = d + 1, s = model->width;
    kqv w = kqv_of(model, model->parameters), g = kqv_of(model, gradient);
    for (int64_t a = 0; a < s; a++)
        for (int64_t i = 0; i < D; i++) {
            g.h[a] += model->sign * gp[i] * w.V[a * D + i];
            g.V[a * D + i] = model->sign * gp[i] * w.h[a];
            for (int64_t j = 0; j < d; j++) {
                g.K[a * D + i] += gQ[i * d + j] * w.Q[a * D + j];
                g.Q[a * D + j] += gQ[i * d + j] * w.K[a * D + i];
            }
        }
}

void icl_model_readout_pullback(const icl_model *model, const double *gp, const double *gQ,
                                double *gradient) {
    int64_t d = model->dim, D = d + 1;
    memset(gradient, 0, (size_t)model->count * sizeof *gradient);
    if (model->parametrisation == ICL_PARAMETRISATION_KQV) {
        pullback_kqv(model, gp, gQ, gradient);
    } else {
        for (int64_t i = 0; i < D; i++)
            gradient[d * D + i] = model->sign * gp[i];
        copy_columns(D, d, gQ, d, gradient + D * D, D);
    }
    for (int64_t i = 0; i < model->count; i++)
        if (!model->trained[i])
            gradient[i] = 0;
}

int icl_model_even_trained(const icl_model *model) {
    int64_t d = model->dim, D = d + 1, s = model->width;
    int any = 0;
    if (model->parametrisation == ICL_PARAMETRISATION_KQV) {
        const uint8_t *K = model->trained + model->table[0].offset;
        const uint8_t *V = model->trained + model->table[2].offset;
        for (int64_t a = 0; a < s; a++) {
            any |= K[a * D + d];
            for (int64_t i = 0; i < d; i++)
                any |= V[a * D + i];
        }
    } else {
        const uint8_t *p = model->trained + d * D, *Q = model->trained + D * D;
        for (int64_t i = 0; i < d; i++)
            any |= p[i] | Q[d * D + i];
    }
    return any;
}

/* ---- what the model implements ---- */

/* p (D) and Q (D x d) in one new block. */
static icl_status new_readout(const icl_model *model, double **block) {
    int64_t d = model->dim, D = d + 1;
    ICL_TRY(ICL_NEW(model->context, block, D * (d + 1)));
    icl_model_readout(model, *block, *block + D);
    return ICL_OK;
}

icl_status icl_model_check_single(const icl_model *model, const char *function) {
    const icl_model_options *o = &model->shape;
    ICL_REQUIRE(model->context,
                model->layers == 1 && model->heads == 1 && model->token == model->dim + 1 &&
                    !o->residual && !o->guess,
                ICL_ERR_MISSING,
                "%s: only one layer of one head has it: layers = %lld, heads = %lld, token = %lld, "
                "residual = %d, guess = %d",
                function, (long long)model->layers, (long long)model->heads,
                (long long)model->token, o->residual, o->guess);
    return ICL_OK;
}

icl_status icl_model_effective(const icl_model *model, double *u, double *v, double *M, double *r) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(icl_model_check_single(model, __func__));
    int64_t d = model->dim, D = d + 1;
    double *p;
    ICL_TRY(new_readout(model, &p));
    const double *Q = p + D;
    if (u != NULL)
        memcpy(u, p, (size_t)d * sizeof *u);
    if (v != NULL)
        *v = p[d];
    if (M != NULL)
        memcpy(M, Q, (size_t)(d * d) * sizeof *M);
    if (r != NULL)
        memcpy(r, Q + d * d, (size_t)d * sizeof *r);
    icl_dealloc(model->context, p);
    return ICL_OK;
}

icl_status icl_model_gamma(const icl_model *model, double *gamma) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, gamma);
    ICL_TRY(icl_model_check_single(model, __func__));
    int64_t d = model->dim, D = d + 1;
    double *p;
    ICL_TRY(new_readout(model, &p));
    const double *Q = p + D, *r = Q + d * d;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            gamma[i * d + j] = p[d] * Q[j * d + i] + r[i] * p[j];
    icl_dealloc(model->context, p);
    return ICL_OK;
}

/* out = Sigma^1/2 A Sigma^1/2 by the eigenvectors of Sigma; room: 2 d x d. */
static void whiten(const icl_law *law, double *A, double *room) {
    int64_t d = law->dim;
    double *root = room, *half = root + d * d;
    memset(root, 0, (size_t)(d * d) * sizeof *root);
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++)
                root[i * d + j] +=
                    sqrt(law->values[k]) * law->vectors[k * d + i] * law->vectors[k * d + j];
    icl_matmul(0, 0, d, d, d, root, A, half);
    icl_matmul(0, 0, d, d, d, half, root, A);
}

/* -sum_h (P_h)_yy (Q_h)_xx^T */
static void preconditioner(const icl_model *model, int64_t layer, double *A) {
    int64_t d = model->dim, D = model->token;
    memset(A, 0, (size_t)(d * d) * sizeof *A);
    for (int64_t h = 0; h < model->heads; h++) {
        const double *P = model->parameters + icl_model_head_offset(model, layer, h);
        const double v = P[D * D - 1], *Q = P + D * D;
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++)
                A[i * d + j] -= v * Q[j * D + i];
    }
}

icl_status icl_model_preconditioner(const icl_model *model, int64_t layer, const icl_law *law,
                                    double *A) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_context *context = model->context;
    int64_t d = model->dim, D = d + 1;
    ICL_CHECK_RANGE(context, layer, 0, model->layers - 1);
    ICL_REQUIRE_POINTER(context, A);
    ICL_REQUIRE(context, law == NULL || icl_law_dim(law) == d, ICL_ERR_SHAPE,
                "%s: the law has dim %lld, the model %lld", __func__, (long long)icl_law_dim(law),
                (long long)d);
    double *room;
    ICL_TRY(ICL_NEW(context, &room, 2 * D * D));
    if (model->parametrisation == ICL_PARAMETRISATION_KQV) {
        double *p = room, *Q = p + D;
        icl_model_readout(model, p, Q);
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++)
                A[i * d + j] = -model->sign * p[d] * Q[j * d + i];
    } else {
        preconditioner(model, model->stored > 1 ? layer : 0, A);
    }
    if (law != NULL)
        whiten(law, A, room);
    icl_dealloc(context, room);
    return ICL_OK;
}

icl_status icl_model_pullback(const icl_model *model, const double *gu, double gv, const double *gM,
                              const double *gr, double *gradient) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    int64_t d = model->dim, D = d + 1;
    ICL_REQUIRE_POINTER(model->context, gu);
    ICL_REQUIRE_POINTER(model->context, gM);
    ICL_REQUIRE_POINTER(model->context, gr);
    ICL_REQUIRE_POINTER(model->context, gradient);
    ICL_TRY(icl_model_check_single(model, __func__));
    double *gp;
    ICL_TRY(ICL_NEW(model->context, &gp, D * (d + 1)));
    double *gQ = gp + D;
    memcpy(gp, gu, (size_t)d * sizeof *gp);
    gp[d] = gv;
    memcpy(gQ, gM, (size_t)(d * d) * sizeof *gQ);
    memcpy(gQ + d * d, gr, (size_t)d * sizeof *gQ);
    icl_model_readout_pullback(model, gp, gQ, gradient);
    icl_dealloc(model->context, gp);
    return ICL_OK;
}

/* ---- conversion ---- */

/* P = e_y h^T W_V, Q = W_K^T W_Q: all of Q, the column that no prediction reads too. */
static void kqv_to_matrices(const icl_model *from, icl_model *to) {
    int64_t D = from->dim + 1, s = from->width;
    kqv w = kqv_of(from, from->parameters);
    double *p = to->parameters + (D - 1) * D;
    for (int64_t a = 0; a < s; a++)
        for (int64_t i = 0; i < D; i++)
            p[i] += w.h[a] * w.V[a * D + i];
    icl_matmul(1, 0, D, D, s, w.K, w.Q, to->parameters + D * D);
}

/* W_K^T W_Q = Q's first d columns from their singular values; h^T W_V = the last row of P. */
static icl_status matrices_to_kqv(const icl_model *from, icl_model *to) {
    int64_t d = from->dim, D = d + 1, s = to->width;
    const double *p = from->parameters + d * D;
    double *block;
    ICL_TRY(ICL_NEW(from->context, &block, 2 * D * d + d * d + d));
    double *Q = block, *left = Q + D * d, *right = left + D * d, *values = right + d * d;
    copy_columns(D, d, from->parameters + D * D, D, Q, d);
    icl_status status = icl_svd(from->context, D, d, Q, values, left, right);
    int64_t rank = 0;
    while (status == ICL_OK && rank < d && values[rank] > (double)D * DBL_EPSILON * values[0])
        rank++;
    if (status == ICL_OK && rank > s)
        status = icl_fail(from->context, ICL_ERR_SHAPE,
                          "icl_model_convert: width = %lld, but Q has rank %lld", (long long)s,
                          (long long)rank);
    kqv w = kqv_of(to, to->parameters);
    for (int64_t a = 0; status == ICL_OK && a < rank; a++) {
        double root = sqrt(values[a]);
        for (int64_t i = 0; i < D; i++)
            w.K[a * D + i] = root * left[i * d + a];
        for (int64_t j = 0; j < d; j++)
            w.Q[a * D + j] = root * right[a * d + j];
    }
    double norm = sqrt(sqrt(icl_frobenius(D, p, p)));
    w.h[0] = norm;
    for (int64_t i = 0; norm > 0 && i < D; i++)
        w.V[i] = p[i] / norm;
    icl_dealloc(from->context, block);
    return status;
}

icl_status icl_model_convert(const icl_model *model, icl_parametrisation parametrisation,
                             int64_t width, icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, out);
    ICL_CHECK_RANGE(model->context, parametrisation, 0, ICL_PARAMETRISATION_KQV);
    ICL_CHECK_RANGE(model->context, width, 0, 65536);
    ICL_TRY(icl_model_check_single(model, __func__));
    icl_model_options shape = model->shape;
    shape.parametrisation = parametrisation;
    shape.width = width;
    shape.form = ICL_FORM_DENSE;
    shape.looped = shape.looped && parametrisation != ICL_PARAMETRISATION_KQV;
    icl_model *to;
    ICL_TRY(icl_model_make(model->context, &shape, &to));
    icl_status status = ICL_OK;
    int from_kqv = model->parametrisation == ICL_PARAMETRISATION_KQV;
    int to_kqv = parametrisation == ICL_PARAMETRISATION_KQV;
    if (from_kqv == to_kqv && model->width == to->width)
        memcpy(to->parameters, model->parameters, (size_t)model->count * sizeof(double));
    else if (from_kqv && !to_kqv)
        kqv_to_matrices(model, to);
    else if (to_kqv && !from_kqv)
        status = matrices_to_kqv(model, to);
    else
        status = icl_fail(model->context, ICL_ERR_SHAPE,
                          "icl_model_convert: width = %lld, the model's is %lld", (long long)width,
                          (long long)model->width);
    if (status != ICL_OK) {
        icl_model_free(to);
        return status;
    }
    *out = to;
    return ICL_OK;
}
