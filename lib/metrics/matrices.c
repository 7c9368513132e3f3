/* Shapes of matrices, overlaps of distributions, lines through points. */
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
        *scale = most * (trace / (double)dim);
    return ICL_OK;
}

icl_status icl_metric_sparsity(const icl_context *context, int64_t count, const double *values,
                               double threshold, double *fraction) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(context, count, 1, INT64_MAX);
    ICL_CHECK_ARRAY(context, values, count);
    ICL_CHECK_REAL(context, threshold, 0);
    ICL_REQUIRE_POINTER(context, fraction);
    double most = 0, small = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(values[i]));
    for (int64_t i = 0; i < count; i++)
        small += fabs(values[i]) <= threshold * most;
    *fraction = small / (double)count;
    return ICL_OK;
}

/* ---- overlaps ---- */

/* Marks the K greatest entries, the first among equals. */
static void mark_top(int64_t count, const double *p, int64_t K, uint8_t *marks) {
    for (int64_t k = 0; k < K; k++) {
        int64_t best = -1;
        for (int64_t i = 0; i < count; i++)
            if (!marks[i] && (best < 0 || p[i] > p[best]))
                best = i;
        marks[best] = 1;
    }
}

static icl_status check_distribution(const icl_context *context, const char *name, int64_t count,
                                     const double *p) {
    ICL_TRY(icl_check_array(context, "icl_metric_overlap", name, p, count));
    for (int64_t i = 0; i < count; i++)
        ICL_REQUIRE(context, p[i] >= 0, ICL_ERR_ARGUMENT, "icl_metric_overlap: %s[%lld] = %g < 0",
                    name, (long long)i, p[i]);
    return ICL_OK;
}

icl_status icl_metric_overlap(const icl_context *context, int64_t count, const double *p,
                              const double *q, int64_t K, double *overlap, double *cosine) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(context, count, 1, INT64_C(1) << 40);
    ICL_CHECK_RANGE(context, K, 1, count);
    ICL_TRY(check_distribution(context, "p", count, p));
    ICL_TRY(check_distribution(context, "q", count, q));
    uint8_t *in_p;
    ICL_TRY(ICL_NEW(context, &in_p, 2 * count));
    uint8_t *in_q = in_p + count;
    mark_top(count, p, K, in_p);
    mark_top(count, q, K, in_q);
    double shared = 0, most_p = 0, most_q = 0, pq = 0, pp = 0, qq = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!in_p[i] || !in_q[i])
            continue;
        shared++;
        most_p = fmax(most_p, p[i]);
        most_q = fmax(most_q, q[i]);
    }
    for (int64_t i = 0; i < count && most_p > 0 && most_q > 0; i++) {
        if (!in_p[i] || !in_q[i])
            continue;
        double a = p[i] / most_p, b = q[i] / most_q; /* no square overflows, nor do all underflow */
        pq += a * b;
        pp += a * a;
        qq += b * b;
    }
    icl_dealloc(context, in_p);
    if (overlap != NULL)
        *overlap = shared / (double)K;
    if (cosine != NULL)
        *cosine =
            pq > 0 ? pq / hypot(sqrt(pp * qq), sqrt((double)K - shared) / most_p / most_q) : 0;
    return ICL_OK;
}

/* ---- lines ---- */

icl_status icl_metric_line(const icl_context *context, int64_t count, const double *x,
                           const double *y, icl_line_fit *fit) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(context, count, 2, INT64_MAX);
    ICL_CHECK_ARRAY(context, x, count);
    ICL_CHECK_ARRAY(context, y, count);
    ICL_REQUIRE_POINTER(context, fit);
    double n = (double)count, mean_x = 0, mean_y = 0, xx = 0, xy = 0, yy = 0;
    for (int64_t i = 0; i < count; i++) {
        mean_x += x[i];
        mean_y += y[i];
    }
    mean_x /= n;
    mean_y /= n;
    for (int64_t i = 0; i < count; i++) {
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    ICL_REQUIRE(context, isfinite(xx) && isfinite(xy) && isfinite(yy), ICL_ERR_DIVERGED,
                "%s: the squares overflow", __func__);
    ICL_REQUIRE(context, xx > 0, ICL_ERR_ARGUMENT, "%s: all x are %g", __func__, x[0]);
    icl_line_fit f = {.slope = xy / xx};
    f.intercept = mean_y - f.slope * mean_x;
    double rest = fmax(yy - f.slope * xy, 0);
    f.slope_error = count > 2 ? sqrt(rest / (n - 2) / xx) : NAN;
    f.r_squared = yy > 0 ? 1 - rest / yy : 1;
    *fit = f;
    return ICL_OK;
}
