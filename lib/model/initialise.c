/* How parameters start: Zhang's balanced point, small Gaussian noise, or zero. */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "model/parameters.h"
#include "random/streams.h"

static void normals(const icl_model *model, uint64_t seed, uint64_t stream, int64_t count,
                    double *out) {
    icl_random_fill(model->context, seed, ICL_PURPOSE_INIT, stream, 0, count, 1, out);
}

/* T (d x k) with ||T T^T||_F = 1, and T T^T (d x d). */
static void balanced_factor(const icl_model *model, uint64_t seed, int64_t k, double *T,
                            double *TT) {
    int64_t d = model->dim;
    normals(model, seed, 0, d * k, T);
    icl_matmul(0, 1, d, d, k, T, T, TT);
    double norm = sqrt(icl_frobenius(d * d, TT, TT)), root = sqrt(norm);
    for (int64_t i = 0; i < d * k; i++)
        T[i] /= root;
    for (int64_t i = 0; i < d * d; i++)
        TT[i] /= norm;
}

static icl_status start_balanced(icl_model *model, double scale, uint64_t seed) {
    int64_t d = model->dim, D = d + 1, s = model->width;
    int kqv = model->parametrisation == ICL_PARAMETRISATION_KQV;
    int64_t k = kqv ? s : d;
    double *T;
    ICL_TRY(ICL_NEW(model->context, &T, d * k + d * d + s));
    double *TT = T + d * k, *direction = TT + d * d, *x = model->parameters;
    balanced_factor(model, seed, k, T, TT);
    memset(x, 0, (size_t)model->count * sizeof *x);
    if (!kqv) {
        x[D * D - 1] = model->sign * scale;
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++)
                x[D * D + i * D + j] = scale * TT[i * d + j];
    } else {
        double *K = x, *Q = K + s * D, *V = Q + s * D, *h = V + s * D, root = sqrt(scale);
        normals(model, seed, 1, s, direction);
        double norm = sqrt(icl_frobenius(s, direction, direction));
        for (int64_t a = 0; a < s; a++) {
            h[a] = root * direction[a] / norm;
            V[a * D + d] = model->sign * h[a];
            for (int64_t i = 0; i < d; i++)
                K[a * D + i] = Q[a * D + i] = root * T[i * k + a];
        }
    }
    icl_dealloc(model->context, T);
    return ICL_OK;
}

static void start_gaussian(icl_model *model, double scale, uint64_t seed) {
    int64_t d = model->dim, D = d + 1, s = model->width;
    double *x = model->parameters;
    normals(model, seed, 2, model->count, x);
    for (int64_t i = 0; i < model->count; i++)
        x[i] *= scale;
    /* what no prediction reads: all rows of P but the last, the last column of Q */
    int kqv = model->parametrisation == ICL_PARAMETRISATION_KQV;
    if (!kqv)
        memset(x, 0, (size_t)(d * D) * sizeof *x);
    int64_t rows = kqv ? s : D;
    for (int64_t i = 0; i < rows; i++)
        x[model->table[1].offset + i * D + d] = 0;
}

icl_status icl_model_start(icl_model *model, icl_init init, double scale, uint64_t seed) {
    if (init == ICL_INIT_BALANCED)
        return start_balanced(model, scale, seed);
    if (init == ICL_INIT_GAUSSIAN)
        start_gaussian(model, scale, seed);
    else
        memset(model->parameters, 0, (size_t)model->count * sizeof(double));
    return ICL_OK;
}
