#include "base/vec8.h"
#include "layer/linear_attention.h"

static void forward(int64_t d, int64_t q, const double *gram, const double *p, const double *Q,
                    const double *query, double *h, double *k, double *prediction) {
    int64_t D = d + 1;
    for (int64_t i = 0; i < D; i++) {
        v8 sum = v8_set(0);
        for (int64_t j = 0; j < D; j++)
            sum = v8_fma(v8_load(gram + 8 * (i * D + j)), v8_set(p[j]), sum);
        v8_store(h + 8 * i, sum);
    }
    for (int64_t j = 0; j < d; j++) {
        v8 sum = v8_set(0);
        for (int64_t i = 0; i < D; i++)
            sum = v8_fma(v8_load(h + 8 * i), v8_set(Q[i * d + j]), sum);
        v8_store(k + 8 * j, sum);
    }
    for (int64_t a = 0; a < q; a++, query += 8 * d) {
        v8 sum = v8_set(0);
        for (int64_t j = 0; j < d; j++)
            sum = v8_fma(v8_load(k + 8 * j), v8_load(query + 8 * j), sum);
        v8_store(prediction + 8 * a, sum);
    }
}

static void backward(int64_t d, int64_t q, const double *gram, const double *Q, const double *query,
                     const double *error, const double *h, double *work, double *gp, double *gQ) {
    int64_t D = d + 1;
    double *kbar = work, *hbar = work + 8 * d;
    for (int64_t j = 0; j < d; j++) {
        v8 sum = v8_set(0);
        for (int64_t a = 0; a < q; a++)
            sum = v8_fma(v8_load(error + 8 * a), v8_load(query + 8 * (a * d + j)), sum);
        v8_store(kbar + 8 * j, sum);
    }
    for (int64_t i = 0; i < D; i++) {
        v8 sum = v8_set(0), factor = v8_load(h + 8 * i);
        for (int64_t j = 0; j < d; j++) {
            v8 entry = v8_load(kbar + 8 * j);
            sum = v8_fma(v8_set(Q[i * d + j]), entry, sum);
            double *out = gQ + 8 * (i * d + j);
            v8_store(out, v8_fma(factor, entry, v8_load(out)));
        }
        v8_store(hbar + 8 * i, sum);
    }
    for (int64_t i = 0; i < D; i++) {
        v8 sum = v8_load(gp + 8 * i);
        for (int64_t j = 0; j < D; j++)
            sum = v8_fma(v8_load(gram + 8 * (i * D + j)), v8_load(hbar + 8 * j), sum);
        v8_store(gp + 8 * i, sum);
    }
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

const icl_attention_kernels ICL_ISA_NAME(icl_attention_kernels) = {forward, backward, residual,
                                                                   sum_lanes};
