#include "lanes/lane_matrix.h"
#include "layer/linear_attention.h"

static void forward(int64_t d, int64_t q, const double *gram, const double *p, const double *Q,
                    const double *query, double *h, double *k, double *prediction) {
    int64_t D = d + 1;
    lane_matvec_ln(D, D, gram, D, 1, p, 0, h);
    lane_matvec_nl(d, D, Q, 1, d, h, 0, k);
    lane_matvec_ll(q, d, query, d, 1, k, 0, prediction);
}

static void backward(int64_t d, int64_t q, const double *gram, const double *Q, const double *query,
                     const double *error, const double *h, double *work, double *gp, double *gQ) {
    int64_t D = d + 1;
    double *kbar = work, *hbar = work + 8 * d;
    lane_matvec_ll(d, q, query, 1, d, error, 0, kbar);
    lane_rank_one(D, d, h, kbar, gQ);
    lane_matvec_nl(D, d, Q, d, 1, kbar, 0, hbar);
    lane_matvec_ll(D, D, gram, D, 1, hbar, 1, gp);
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
