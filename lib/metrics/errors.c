/* Errors at prefixes, their differences, distances, and intervals. */
#include <math.h>
#include <stdlib.h>

#include "metrics/measure.h"
#include "random/streams.h"

icl_status icl_metric_check_batch(const char *function, const icl_batch *batch) {
    if (batch == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE(batch->context, batch->contents & ICL_CONTENTS_EXAMPLES, ICL_ERR_MISSING,
                "%s: the batch holds no examples (ICL_CONTENTS_EXAMPLES)", function);
    return ICL_OK;
}

icl_status icl_metric_give(const char *function, const icl_context *context, int64_t count,
                           const icl_tally *tallies, icl_estimate *out) {
    for (int64_t e = 0; e < count; e++)
        ICL_REQUIRE(context, isfinite(tallies[e].mean) && isfinite(tallies[e].squares),
                    ICL_ERR_DIVERGED, "%s: the squares overflow, entry %lld of the result",
                    function, (long long)e);
    for (int64_t e = 0; e < count; e++)
        out[e] = (icl_estimate){tallies[e].mean,
                                tallies[e].count > 1 ? icl_tally_error(&tallies[e]) : NAN};
    return ICL_OK;
}

icl_status icl_metric_check_series(const char *function, const char *name, const icl_batch *batch,
                                   int64_t K, int64_t width, const double *array) {
    ICL_TRY(icl_check_range(batch->context, function, "K", K, 1, INT64_C(1) << 31));
    int64_t entries = icl_product(icl_product(batch->prompts, batch->examples + 1, 1),
                                  icl_product(K, width, 1), 1);
    ICL_REQUIRE(batch->context, entries < INT64_MAX / 8, ICL_ERR_SIZE, "%s: K = %lld is too large",
                function, (long long)K);
    return icl_check_array(batch->context, function, name, array, entries);
}

icl_status icl_metric_errors(const icl_batch *batch, int64_t K, const double *prediction,
                             double scale, icl_estimate *errors) {
    ICL_TRY(icl_metric_check_batch(__func__, batch));
    ICL_TRY(icl_metric_check_series(__func__, "prediction", batch, K, 1, prediction));
    ICL_CHECK_REAL(batch->context, scale, 1);
    ICL_REQUIRE_POINTER(batch->context, errors);
    int64_t width = (batch->examples + 1) * K;
    icl_tally *tallies;
    ICL_TRY(ICL_NEW(batch->context, &tallies, width));
    for (int64_t p = 0; p < batch->prompts; p++)
        for (int64_t e = 0; e < width; e++) {
            double off = prediction[p * width + e] - icl_metric_target(batch, p, e / K);
            icl_tally_add(&tallies[e], off * off / scale);
        }
    icl_status status = icl_metric_give(__func__, batch->context, width, tallies, errors);
    icl_dealloc(batch->context, tallies);
    return status;
}

icl_status icl_metric_excess(const icl_batch *batch, const double *a, const double *b, double scale,
                             icl_estimate *excess) {
    ICL_TRY(icl_metric_check_batch(__func__, batch));
    ICL_TRY(icl_metric_check_series(__func__, "a", batch, 1, 1, a));
    ICL_TRY(icl_metric_check_series(__func__, "b", batch, 1, 1, b));
    ICL_CHECK_REAL(batch->context, scale, 1);
    ICL_REQUIRE_POINTER(batch->context, excess);
    int64_t width = batch->examples + 1;
    icl_tally *tallies;
    ICL_TRY(ICL_NEW(batch->context, &tallies, width));
    for (int64_t p = 0; p < batch->prompts; p++)
        for (int64_t t = 0; t < width; t++) {
            double target = icl_metric_target(batch, p, t);
            double x = a[p * width + t], y = b[p * width + t];
            icl_tally_add(&tallies[t], (x - y) * (x + y - 2 * target) / scale);
        }
    icl_status status = icl_metric_give(__func__, batch->context, width, tallies, excess);
    icl_dealloc(batch->context, tallies);
    return status;
}

icl_status icl_metric_prediction_distance(const icl_batch *batch, const double *a, const double *b,
                                          int64_t first, int64_t last, icl_estimate *distance) {
    ICL_TRY(icl_metric_check_batch(__func__, batch));
    ICL_TRY(icl_metric_check_series(__func__, "a", batch, 1, 1, a));
    ICL_TRY(icl_metric_check_series(__func__, "b", batch, 1, 1, b));
    ICL_CHECK_RANGE(batch->context, first, 0, batch->examples);
    ICL_CHECK_RANGE(batch->context, last, first, batch->examples);
    ICL_REQUIRE_POINTER(batch->context, distance);
    int64_t width = batch->examples + 1;
    icl_tally tally = {0, 0, 0};
    for (int64_t p = 0; p < batch->prompts; p++) {
        double sum = 0;
        for (int64_t t = first; t <= last; t++)
            sum += pow(a[p * width + t] - b[p * width + t], 2);
        icl_tally_add(&tally, sum / (double)(last - first + 1));
    }
    return icl_metric_give(__func__, batch->context, 1, &tally, distance);
}

icl_status icl_metric_weight_distance(const icl_batch *batch, const double *v, const double *w,
                                      icl_estimate *distance) {
    if (batch == NULL)
        return ICL_ERR_ARGUMENT;
    int64_t d = batch->dim;
    ICL_CHECK_ARRAY(batch->context, v, batch->prompts * d);
    ICL_CHECK_ARRAY(batch->context, w, batch->prompts * d);
    ICL_REQUIRE_POINTER(batch->context, distance);
    icl_tally tally = {0, 0, 0};
    for (int64_t p = 0; p < batch->prompts; p++) {
        double sum = 0;
        for (int64_t j = p * d; j < (p + 1) * d; j++)
            sum += (v[j] - w[j]) * (v[j] - w[j]);
        icl_tally_add(&tally, sum);
    }
    return icl_metric_give(__func__, batch->context, 1, &tally, distance);
}

/* ---- the bootstrap ---- */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The quantile of sorted values, linear between neighbours. */
static double quantile(int64_t count, const double *sorted, double part) {
    double place = part * (double)(count - 1);
    int64_t below = (int64_t)place;
    if (below >= count - 1)
        return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

icl_status icl_metric_bootstrap(const icl_context *context, int64_t count, const double *values,
                                double level, int64_t resamples, uint64_t seed, double *low,
                                double *high) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(context, count, 1, INT64_C(1) << 40);
    ICL_CHECK_ARRAY(context, values, count);
    ICL_CHECK_REAL(context, level, 1);
    ICL_REQUIRE(context, level < 1, ICL_ERR_ARGUMENT, "%s: level = %g, must be below 1", __func__,
                level);
    ICL_CHECK_RANGE(context, resamples, 1, 1 << 24);
    ICL_TRY(icl_check_seed(context, __func__, "seed", seed));
    ICL_REQUIRE_POINTER(context, low);
    ICL_REQUIRE_POINTER(context, high);
    double *means;
    ICL_TRY(ICL_NEW(context, &means, resamples + count));
    double *u = means + resamples;
    for (int64_t r = 0; r < resamples; r++) {
        icl_random_fill(context, seed, ICL_PURPOSE_FLAT, (uint64_t)r, 0, count, 0, u);
        for (int64_t i = 0; i < count; i++)
            means[r] += values[(int64_t)(u[i] * (double)count)];
        means[r] /= (double)count;
    }
    qsort(means, (size_t)resamples, sizeof *means, ascending);
    double bounds[2] = {quantile(resamples, means, (1 - level) / 2),
                        quantile(resamples, means, (1 + level) / 2)};
    int finite = icl_all_finite(bounds, 2);
    icl_dealloc(context, means);
    ICL_REQUIRE(context, finite, ICL_ERR_DIVERGED, "%s: the sums overflow", __func__);
    *low = bounds[0];
    *high = bounds[1];
    return ICL_OK;
}
