#include "random/streams.h"

#include <math.h>
#include <string.h>

void icl_random_fill(const icl_context *context, uint64_t seed, uint64_t purpose, uint64_t stream,
                     int64_t first, int64_t count, int normal, double *out) {
    const icl_random_kernels *kernels = icl_random_kernels_of(context);
    while (count > 0) {
        /* whole blocks go straight to an aligned caller, ragged ends through a buffer */
        _Alignas(64) double buffer[32 * 32];
        int64_t skip = first % 32, blocks = count / 32;
        int direct = skip == 0 && blocks > 0 && ((uintptr_t)out & 63) == 0;
        double *target = direct ? out : buffer;
        if (!direct)
            blocks = (skip + count + 31) / 32 < 32 ? (skip + count + 31) / 32 : 32;
        kernels->flat(seed, purpose, stream, (uint64_t)(first / 32), blocks, normal, target);
        int64_t done = 32 * blocks - skip < count ? 32 * blocks - skip : count;
        if (!direct)
            memcpy(out, buffer + skip, (size_t)done * sizeof *out);
        out += done;
        first += done;
        count -= done;
    }
}

icl_chi_law icl_chi_law_of(double freedom) {
    double d = freedom / 2 - 1.0 / 3;
    return (icl_chi_law){freedom, freedom > 1 ? 1 / (3 * sqrt(d)) : 1, 2 * d, 0.75 * d};
}

void icl_chi_laws(int64_t freedom, int64_t count, icl_chi_law *laws) {
    for (int64_t j = 0; j < count + count % 2; j++)
        laws[j] = icl_chi_law_of(j < count ? (double)(freedom - j) : 1);
}

static icl_status fill_checked(icl_context *context, const char *function, uint64_t seed,
                               uint64_t stream, int64_t first, int64_t count, int normal,
                               double *out) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    const int64_t limit = INT64_C(1) << 62;
    ICL_TRY(icl_check_seed(context, function, "seed", seed));
    ICL_TRY(icl_check_range(context, function, "first", first, 0, limit));
    ICL_TRY(icl_check_range(context, function, "count", count, 0, limit - first));
    ICL_REQUIRE(context, out != NULL || count == 0, ICL_ERR_ARGUMENT, "%s: out is NULL", function);
    icl_random_fill(context, seed, ICL_PURPOSE_FLAT, stream, first, count, normal, out);
    return ICL_OK;
}

icl_status icl_random_uniform(icl_context *context, uint64_t seed, uint64_t stream, int64_t first,
                              int64_t count, double *out) {
    return fill_checked(context, __func__, seed, stream, first, count, 0, out);
}

icl_status icl_random_normal(icl_context *context, uint64_t seed, uint64_t stream, int64_t first,
                             int64_t count, double *out) {
    return fill_checked(context, __func__, seed, stream, first, count, 1, out);
}
