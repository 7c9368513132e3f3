/* The context from the inside: failure texts, checked memory, work on several threads. */
#ifndef ICL_BASE_CONTEXT_H
#define ICL_BASE_CONTEXT_H

#include <icl/base.h>

/* Objects hold their context; the last release gives its memory back. */
icl_context *icl_context_retain(icl_context *context);

/* Keeps the formatted text as the calling thread's last error and returns status. */
icl_status icl_fail(const icl_context *context, icl_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* Zeroed memory for count elements of `size` bytes, on a 64-byte boundary, in *out. count = 0
 * gives a pointer that may be released. ICL_ERR_SIZE if the product overflows. */
icl_status icl_alloc(const icl_context *context, int64_t count, size_t size, void **out);
void icl_dealloc(const icl_context *context, void *memory);

#define ICL_NEW(context, pointer, count)                                                           \
    icl_alloc((context), (int64_t)(count), sizeof **(pointer), (void **)(pointer))

/* Propagates a failure. */
#define ICL_TRY(call)                                                                              \
    do {                                                                                           \
        icl_status try_status_ = (call);                                                           \
        if (try_status_ != ICL_OK)                                                                 \
            return try_status_;                                                                    \
    } while (0)

/* The same where things must be undone first: needs `icl_status status` and the label. */
#define ICL_TRY_GOTO(call, label)                                                                  \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != ICL_OK)                                                                      \
            goto label;                                                                            \
    } while (0)

/* Fails with a text unless the condition holds. */
#define ICL_REQUIRE(context, condition, status, ...)                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return icl_fail((context), (status), __VA_ARGS__);                                     \
    } while (0)

#define ICL_REQUIRE_POINTER(context, pointer)                                                      \
    ICL_REQUIRE((context), (pointer) != NULL, ICL_ERR_ARGUMENT, "%s: %s is NULL", __func__,        \
                #pointer)

/* lo <= value <= hi for an int64_t. */
icl_status icl_check_range(const icl_context *context, const char *function, const char *name,
                           int64_t value, int64_t lo, int64_t hi);
/* Finite and >= 0 (positive = 0) or > 0 (positive = 1). */
icl_status icl_check_real(const icl_context *context, const char *function, const char *name,
                          double value, int positive);
/* count finite doubles, not NULL unless count = 0: else ICL_ERR_ARGUMENT or ICL_ERR_NONFINITE
 * with the index. */
icl_status icl_check_array(const icl_context *context, const char *function, const char *name,
                           const double *values, int64_t count);
/* seed <= 2^63 - 1 */
icl_status icl_check_seed(const icl_context *context, const char *function, const char *name,
                          uint64_t seed);

/* 1 if all count doubles are finite. */
int icl_all_finite(const double *values, int64_t count);

#define ICL_CHECK_RANGE(context, value, lo, hi)                                                    \
    ICL_TRY(icl_check_range((context), __func__, #value, (value), (lo), (hi)))
#define ICL_CHECK_REAL(context, value, positive)                                                   \
    ICL_TRY(icl_check_real((context), __func__, #value, (value), (positive)))
#define ICL_CHECK_ARRAY(context, values, count)                                                    \
    ICL_TRY(icl_check_array((context), __func__, #values, (values), (count)))

/* Copies defaults of `known` bytes to a caller's struct of `size` bytes and writes its size field.
 * ICL_ERR_ARGUMENT for NULL or a size below sizeof(size_t). */
icl_status icl_options_default(void *options, size_t size, const void *defaults, size_t known);

/* Reads a caller's struct, or NULL for the defaults, into `copy`, which holds the defaults of
 * `known` bytes. A smaller size leaves the newer fields at their defaults; non-zero bytes beyond
 * `known` are ICL_ERR_ARGUMENT. */
icl_status icl_options_read(const icl_context *context, const char *function, const void *options,
                            void *copy, size_t known);

/* Runs work(user, block) for every block in 0..blocks-1 on the context's threads, and returns the
 * status of the lowest failing block. Blocks write to places of their own; who runs a block is
 * undefined. work must not call icl_fail: the text belongs to the calling thread. May be called
 * from several threads at once (a busy pool makes the caller do all blocks itself). */
typedef icl_status (*icl_work_fn)(void *user, int64_t block);
icl_status icl_parallel(const icl_context *context, int64_t blocks, icl_work_fn work, void *user);

/* a b c for values >= 0, INT64_MAX where it overflows: icl_alloc then says ICL_ERR_SIZE. */
int64_t icl_product(int64_t a, int64_t b, int64_t c);
/* a + b, the same */
int64_t icl_sum(int64_t a, int64_t b);

/* Seconds of a monotonic clock. */
double icl_clock(void);

#endif
