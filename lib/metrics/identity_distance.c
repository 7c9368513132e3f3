/* How far a matrix is from a multiple of the identity. */
#include <icl/metrics.h>

#include <math.h>

#include "base/context.h"

icl_status icl_metric_identity_distance(const icl_context *context, int64_t dim, const double *M,
                                        double *distance, double *scale) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(context, dim, 1, INT64_C(1) << 24);
    ICL_CHECK_ARRAY(context, M, dim * dim);
    ICL_REQUIRE_POINTER(context, distance);
    double most = 0, trace = 0, rest = 0, all = 0;
    for (int64_t e = 0; e < dim * dim; e++)
        most = fmax(most, fabs(M[e]));
    for (int64_t i = 0; i < dim && most > 0; i++)
        trace += M[i * dim + i] / most; /* in units of the greatest, so that no square overflows */
    for (int64_t e = 0; e < dim * dim && most > 0; e++) {
        double entry = M[e] / most;
        double off = entry - (e / dim == e % dim ? trace / (double)dim : 0);
        all += entry * entry;
        rest += off * off;
    }
    *distance = most > 0 ? sqrt(rest / all) : 0;
    if (scale != NULL)
        *scale = most * trace / (double)dim;
    return ICL_OK;
}
