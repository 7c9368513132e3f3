/* Checks of arguments and of option structs, with texts that name the argument and its value. */
#include <math.h>
#include <string.h>

#include "base/context.h"

icl_status icl_check_range(const icl_context *context, const char *function, const char *name,
                           int64_t value, int64_t lo, int64_t hi) {
    ICL_REQUIRE(context, value >= lo && value <= hi, ICL_ERR_ARGUMENT,
                "%s: %s = %lld, must be from %lld to %lld", function, name, (long long)value,
                (long long)lo, (long long)hi);
    return ICL_OK;
}

icl_status icl_check_real(const icl_context *context, const char *function, const char *name,
                          double value, int positive) {
    ICL_REQUIRE(context, isfinite(value), ICL_ERR_NONFINITE, "%s: %s = %g is not finite", function,
                name, value);
    ICL_REQUIRE(context, positive ? value > 0 : value >= 0, ICL_ERR_ARGUMENT,
                "%s: %s = %g, must be %s 0", function, name, value, positive ? ">" : ">=");
    return ICL_OK;
}

int icl_all_finite(const double *values, int64_t count) {
    /* 0 * x is 0 for every finite x and NaN for the others */
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += 0 * values[i];
    return sum == 0;
}

icl_status icl_check_array(const icl_context *context, const char *function, const char *name,
                           const double *values, int64_t count) {
    ICL_REQUIRE(context, values != NULL || count == 0, ICL_ERR_ARGUMENT, "%s: %s is NULL", function,
                name);
    if (icl_all_finite(values, count))
        return ICL_OK;
    int64_t i = 0;
    while (isfinite(values[i]))
        i++;
    return icl_fail(context, ICL_ERR_NONFINITE, "%s: %s[%lld] = %g is not finite", function, name,
                    (long long)i, values[i]);
}

icl_status icl_check_seed(const icl_context *context, const char *function, const char *name,
                          uint64_t seed) {
    ICL_REQUIRE(context, seed <= INT64_MAX, ICL_ERR_ARGUMENT,
                "%s: %s = %llu, must be at most 2^63 - 1", function, name,
                (unsigned long long)seed);
    return ICL_OK;
}

int64_t icl_product(int64_t a, int64_t b, int64_t c) {
    int64_t ab, abc;
    if (__builtin_mul_overflow(a, b, &ab) || __builtin_mul_overflow(ab, c, &abc))
        return INT64_MAX;
    return abc;
}

int64_t icl_sum(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

icl_status icl_options_default(void *options, size_t size, const void *defaults, size_t known) {
    if (options == NULL || size < sizeof(size_t))
        return ICL_ERR_ARGUMENT;
    memset(options, 0, size);
    memcpy(options, defaults, size < known ? size : known);
    memcpy(options, &size, sizeof size);
    return ICL_OK;
}

icl_status icl_options_read(const icl_context *context, const char *function, const void *options,
                            void *copy, size_t known) {
    size_t size;
    if (options == NULL)
        return ICL_OK;
    memcpy(&size, options, sizeof size);
    ICL_REQUIRE(context, size >= sizeof size, ICL_ERR_ARGUMENT,
                "%s: options.size = %zu: set the options with their init function", function, size);
    const unsigned char *bytes = options;
    for (size_t i = known; i < size; i++)
        ICL_REQUIRE(context, bytes[i] == 0, ICL_ERR_ARGUMENT,
                    "%s: options has a non-zero byte at %zu, beyond the %zu bytes of libicl %s",
                    function, i, known, ICL_VERSION_STRING);
    memcpy(copy, options, size < known ? size : known);
    memcpy(copy, &known, sizeof known);
    return ICL_OK;
}
