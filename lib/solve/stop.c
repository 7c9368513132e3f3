/* Stopping: ||A w - c|| <= tolerance ||c||, the number of steps, or divergence. */
#include "solve/stop.h"

#include <float.h>
#include <math.h>

double icl_norm(int64_t count, const double *x) {
    double sum = 0, greatest = 0;
    for (int64_t i = 0; i < count; i++)
        sum += x[i] * x[i];
    if ((sum > DBL_MIN / DBL_EPSILON && isfinite(sum)) || isnan(sum))
        return sqrt(sum);
    /* squares over- or underflow: once more in units of the greatest entry */
    for (int64_t i = 0; i < count; i++)
        greatest = fmax(greatest, fabs(x[i]));
    if (greatest == 0 || isinf(greatest))
        return greatest;
    sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (x[i] / greatest) * (x[i] / greatest);
    return greatest * sqrt(sum);
}

void icl_stopping_begin(icl_stopping *stopping, int64_t steps, double tolerance, int64_t d,
                        const double *c) {
    double norm = icl_norm(d, c);
    *stopping = (icl_stopping){
        .steps = steps, .tolerance = tolerance, .target = tolerance * norm, .reference = norm};
}

icl_stop icl_stopping_check(icl_stopping *stopping, int64_t step, double residual, double floor) {
    if (step == 0)
        stopping->reference = fmax(stopping->reference, residual);
    /* Once the residual has grown by 1 / eps, no digit of the start is left. */
    if (!isfinite(residual) || residual * DBL_EPSILON > stopping->reference)
        return ICL_STOP_DIVERGED;
    if (residual <= stopping->target && (stopping->tolerance > 0 || stopping->reference == 0))
        return ICL_STOP_CONVERGED;
    if (residual <= floor)
        return ICL_STOP_STALLED;
    return step >= stopping->steps ? ICL_STOP_STEPS : ICL_STOP_NONE;
}

icl_rest icl_rest_begin(void) {
    return (icl_rest){.least = INFINITY};
}

int icl_rest_check(icl_rest *rest, int64_t step, double measure) {
    if (measure < rest->least) {
        rest->least = measure;
        rest->since = step;
    }
    /* long enough for what swings as it falls, as momentum lets it */
    return step - rest->since > 32 + step / 8;
}
