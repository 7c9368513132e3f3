/* What every test program needs: Check, the tolerances, a context, an allocator that fails. */
#ifndef ICL_TESTS_SUPPORT_H
#define ICL_TESTS_SUPPORT_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <icl/icl.h>

#include "support/tolerances.h"

/* Runs one Check suite with TAP output: the whole of a test program's main. */
#define RUN_SUITE(name, ...)                                                                       \
    int main(void) {                                                                               \
        const TTest *const tests_[] = {__VA_ARGS__};\
        return run_tests(name, tests_, sizeof tests_ / sizeof *tests_);                            \
    }
int run_tests(const char *name, const TTest *const *tests, size_t count);

/* A context of the given number of threads and instruction set that must be made. */
icl_context *make_context(int64_t threads, icl_isa isa);

/* Fails the test with the library's own text. */
#define ASSERT_OK(context, call)                                                                   \
    do {                                                                                           \
        icl_status ok_status_ = (call);                                                            \
        ck_assert_msg(ok_status_ == ICL_OK, "%s: %s: %s", #call, icl_status_name(ok_status_),      \
                      icl_context_last_error(context));                                            \
    } while (0)

/* The call fails with this status, and the text mentions `word`. */
#define ASSERT_FAILS(context, expected, word, call)                                                \
    do {                                                                                           \
        icl_status got_status_ = (call);                                                           \
        ck_assert_msg(got_status_ == (expected), "%s: %s instead of %s", #call,                    \
                      icl_status_name(got_status_), icl_status_name(expected));                    \
        ck_assert_msg(strstr(icl_context_last_error(context), (word)) != NULL,                     \
                      "%s: \"%s\" does not mention \"%s\"", #call,                                 \
                      icl_context_last_error(context), (word));                                    \
    } while (0)

/* |a - b| <= tolerance * scale. */
#define ASSERT_CLOSE(a, b, tolerance, scale)                                                       \
    do {                                                                                           \
        double a_ = (a), b_ = (b), t_ = (tolerance) * (scale);                                     \
        ck_assert_msg(fabs(a_ - b_) <= t_, "%s = %.17g, %s = %.17g, difference %.3g > %.3g", #a,   \
                      a_, #b, b_, a_ - b_, t_);                                                    \
    } while (0)

/* max |a_i - b_i| / max(1e-300, max |b_i|). */
double relative_difference(int64_t count, const double *a, const double *b);

/* Fills with standard normals of (seed, stream 0), for planted values. */
void fill_normal(icl_context *context, uint64_t seed, int64_t count, double *out);

/* An allocator whose request number `fail_at` (from 0; < 0: none) and only that one fails, and
 * that counts what is still held. */
typedef struct failing_allocator {
    int64_t fail_at;
    int64_t requests;
    int64_t held;
} failing_allocator;
icl_allocator failing_allocator_of(failing_allocator *state);

/* Runs body(context, user) with each allocation failing in turn until one run has no failure.
 * The body must return ICL_ERR_NOMEM where one failed and free all it made; nothing may leak. */
typedef icl_status (*allocation_body)(icl_context *context, void *user);
void check_every_allocation(allocation_body body, void *user);

#endif
