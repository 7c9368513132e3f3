/* Gamma* of a law (MATH.md 3), its risk, and how well it solves its own normal equations. */
#include <math.h>

#include "linalg/linalg.h"
#include "theory/gamma_risk.h"
#include "theory/optimum.h"
#include "base/outputs.h"
#include "theory/simulate.h"

static double norm(int64_t count, const double *a) {
    return sqrt(icl_frobenius(count, a, a));
}

icl_status icl_optimum_residual(const icl_law *law, const icl_frame *frame, double *residual) {
    int64_t d = law->dim, dd = d * d;
    double *room, risk;
    ICL_TRY(ICL_NEW(law->context, &room, 5 * dd + d));
    double *K = room, *C = K + dd, *full = C + dd, *a = full + dd, *b = a + dd, *gamma = b + dd;
    icl_frame_optimum(frame, 0, gamma, &risk);
    icl_eigen_compose(d, gamma, frame->P, full);
    icl_status status = icl_frame_moments(law, frame, K, C);
    if (status == ICL_OK) {
        icl_matmul(0, 0, d, d, d, law->covariance, full, a);
        icl_matmul(0, 0, d, d, d, a, C, b);
        for (int64_t i = 0; i < dd; i++)
            b[i] -= K[i];
        double scale = norm(dd, K);
        *residual = scale > 0 ? norm(dd, b) / scale : 0;
    }
    icl_dealloc(law->context, room);
    return status;
}

/* Standard errors of the risk and of Gamma* = sum_j gamma_j P_j P_j^T, the rows P_j orthogonal. */
static icl_status optimum_errors(const icl_law *law, const icl_simulation *simulation,
                                 const icl_frame *f, const double *gamma, icl_optimum *out) {
    int64_t d = f->dim, dd = d * d;
    if (!f->simulated)
        return ICL_OK;
    double *G, squares = 0, scale = 0;
    ICL_TRY(ICL_NEW(law->context, &G, dd + d));
    double *error = G + dd;
    for (int64_t j = 0; j < d; j++)
        G[j * d + j] = gamma[j];
    icl_status status =
        icl_gamma_error(law, simulation, f, G, NULL, gamma, &out->risk_error, error);
    for (int64_t j = 0; j < d; j++) {
        double square = icl_frobenius(d, f->P + j * d, f->P + j * d);
        error[j] *= gamma[j] != 0 ? square : 0;
        squares += error[j] * error[j];
        scale += gamma[j] * square * gamma[j] * square;
    }
    out->gamma_error = scale > 0 ? sqrt(squares / scale) : 0;
    icl_dealloc(law->context, G);
    return status;
}

static icl_status describe(const icl_law *law, const icl_simulation *simulation,
                           const icl_frame *frame, const double *gamma, double risk,
                           icl_optimum *optimum) {
    icl_optimum result = {.risk = risk};
    ICL_TRY(icl_optimum_residual(law, frame, &result.residual));
    ICL_TRY(optimum_errors(law, simulation, frame, gamma, &result));
    icl_write_output(optimum, &result, sizeof result);
    return ICL_OK;
}

icl_status icl_theory_optimum(const icl_law *law, const icl_simulation *simulation, int64_t rank,
                              double *gamma, icl_optimum *optimum) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(icl_check_simulation(law->context, __func__, simulation));
    ICL_CHECK_RANGE(law->context, rank, 0, law->dim);
    if (optimum != NULL)
        ICL_TRY(icl_check_output(law->context, __func__, "optimum", optimum));
    icl_frame *frame = NULL;
    double *diagonal = NULL, risk;
    icl_status status;
    ICL_TRY_GOTO(icl_frame_create(__func__, law, simulation, 0, &frame), done);
    ICL_TRY_GOTO(ICL_NEW(law->context, &diagonal, law->dim), done);
    icl_frame_optimum(frame, rank, diagonal, &risk);
    if (optimum != NULL)
        ICL_TRY_GOTO(describe(law, simulation, frame, diagonal, risk, optimum), done);
    if (gamma != NULL)
        icl_eigen_compose(law->dim, diagonal, frame->P, gamma);
done:
    icl_dealloc(law->context, diagonal);
    icl_frame_free(frame);
    return status;
}

icl_status icl_theory_moments(const icl_law *law, const icl_simulation *simulation, double *K,
                              double *C, double *label_power) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(icl_check_simulation(law->context, __func__, simulation));
    icl_frame *frame;
    ICL_TRY(icl_frame_create(__func__, law, simulation, 0, &frame));
    icl_status status = icl_frame_moments(law, frame, K, C);
    if (status == ICL_OK && label_power != NULL)
        *label_power = frame->power;
    icl_frame_free(frame);
    return status;
}
