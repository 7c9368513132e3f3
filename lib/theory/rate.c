/* Exponents of nonparametric regression in context. */
#include <math.h>

#include <icl/theory.h>

#include "base/context.h"
#include "base/outputs.h"

icl_status icl_theory_rate(const icl_context *context, int64_t dim, const double *smoothness,
                           int64_t n, icl_rate *rate) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, rate);
    ICL_TRY(icl_check_output(context, __func__, "rate", rate));
    ICL_CHECK_RANGE(context, dim, 1, INT64_C(1) << 24);
    ICL_CHECK_RANGE(context, n, 1, INT64_MAX);
    ICL_CHECK_ARRAY(context, smoothness, dim);
    double roughness = 0;
    for (int64_t j = 0; j < dim; j++) {
        ICL_REQUIRE(context, smoothness[j] > 0, ICL_ERR_ARGUMENT,
                    "%s: smoothness[%lld] = %g, must be above 0", __func__, (long long)j,
                    smoothness[j]);
        roughness += 1 / smoothness[j];
    }
    double a = 1 / roughness;
    icl_rate found = {.size = sizeof found,
                      .smoothness = a,
                      .exponent = 2 / (2 + roughness),
                      .features = pow((double)n, roughness / (2 + roughness))};
    found.tasks = (double)n * found.features;
    icl_write_output(rate, &found, sizeof found);
    return ICL_OK;
}
