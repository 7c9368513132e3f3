/* The checks that every public function begins with, and the rules of option structs. */
#include "support/support.h"

#include "base/context.h"

/* ---- option structs ---- */

typedef struct sample_options {
    size_t size;
    int64_t old;
    int64_t recent;
} sample_options;

static const sample_options sample_defaults = {sizeof(sample_options), 5, 7};
enum { KNOWN = sizeof(sample_options), OLD = offsetof(sample_options, recent), CANARY = 0xa5 };

START_TEST(test_options_default_writes_size_bytes) {
    unsigned char memory[2 * KNOWN];
    for (size_t size = sizeof(size_t); size < sizeof memory; size++) {
        memset(memory, CANARY, sizeof memory);
        ck_assert_int_eq(icl_options_default(memory, size, &sample_defaults, KNOWN), ICL_OK);
        size_t written;
        memcpy(&written, memory, sizeof written);
        ck_assert_uint_eq(written, size);
        size_t common = size < KNOWN ? size : KNOWN;
        ck_assert_int_eq(memcmp(memory + sizeof size, (const char *)&sample_defaults + sizeof size,
                                common - sizeof size),
                         0);
        for (size_t i = common; i < sizeof memory; i++)
            ck_assert_int_eq(memory[i], i < size ? 0 : CANARY);
    }
}
END_TEST

START_TEST(test_options_default_refuses_what_cannot_hold_a_size) {
    unsigned char memory[KNOWN];
    memset(memory, CANARY, sizeof memory);
    for (size_t size = 0; size < sizeof(size_t); size++)
        ck_assert_int_eq(icl_options_default(memory, size, &sample_defaults, KNOWN),
                         ICL_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof memory; i++)
        ck_assert_int_eq(memory[i], CANARY);
    ck_assert_int_eq(icl_options_default(NULL, KNOWN, &sample_defaults, KNOWN), ICL_ERR_ARGUMENT);
}
END_TEST

START_TEST(test_options_of_an_older_caller) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    struct {
        size_t size;
        int64_t old;
    } older = {OLD, 11};
    sample_options copy = sample_defaults;
    ASSERT_OK(context, icl_options_read(context, "f", &older, &copy, KNOWN));
    ck_assert_uint_eq(copy.size, KNOWN);
    ck_assert_int_eq(copy.old, 11);
    ck_assert_int_eq(copy.recent, 7);
    older.size = sizeof(size_t) - 1;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "options.size = 7",
                 icl_options_read(context, "f", &older, &copy, KNOWN));
    icl_context_free(context);
}
END_TEST

START_TEST(test_options_of_a_newer_caller) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    struct {
        sample_options known;
        unsigned char tail[9];
    } newer = {.known = {sizeof newer, 11, 13}};
    newer.known.size = KNOWN + sizeof newer.tail;
    sample_options copy = sample_defaults;
    ASSERT_OK(context, icl_options_read(context, "f", &newer, &copy, KNOWN));
    ck_assert_int_eq(copy.recent, 13);
    for (size_t i = 0; i < sizeof newer.tail; i++) {
        newer.tail[i] = 1;
        copy = sample_defaults;
        char where[32];
        snprintf(where, sizeof where, "non-zero byte at %zu", KNOWN + i);
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, where,
                     icl_options_read(context, "f", &newer, &copy, KNOWN));
        ck_assert_int_eq(copy.recent, 7);
        newer.tail[i] = 0;
    }
    icl_context_free(context);
}
END_TEST

/* ---- checks of arguments ---- */

static icl_status check_macros(const icl_context *context, int64_t size, double real,
                               const double *array) {
    ICL_REQUIRE_POINTER(context, context);
    ICL_CHECK_RANGE(context, size, 1, 10);
    ICL_CHECK_REAL(context, real, 1);
    ICL_CHECK_ARRAY(context, array, 3);
    return ICL_OK;
}

START_TEST(test_checks_name_the_argument_and_its_value) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double array[] = {0, -1, DBL_MAX};
    ASSERT_OK(context, check_macros(context, 1, DBL_MIN, array));
    ASSERT_OK(context, check_macros(context, 10, DBL_MAX, array));
    ck_assert_int_eq(check_macros(NULL, 1, 1, array), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "check_macros: size = 0, must be from 1 to 10",
                 check_macros(context, 0, 1, array));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "size = 11", check_macros(context, 11, 1, array));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "real = 0, must be > 0",
                 check_macros(context, 1, 0, array));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "real = nan", check_macros(context, 1, NAN, array));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "real = inf",
                 check_macros(context, 1, INFINITY, array));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "array is NULL", check_macros(context, 1, 1, NULL));
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++) {
            double spoilt[] = {1, 2, 3};
            spoilt[i] = bad[k];
            char where[32];
            snprintf(where, sizeof where, "array[%d] = ", i);
            ASSERT_FAILS(context, ICL_ERR_NONFINITE, where, check_macros(context, 1, 1, spoilt));
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_checks_at_their_limits) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    ASSERT_OK(context, icl_check_real(context, "f", "zero", 0, 0));
    ASSERT_OK(context, icl_check_real(context, "f", "zero", -0.0, 0));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "must be >= 0",
                 icl_check_real(context, "f", "x", -DBL_MIN, 0));
    ASSERT_OK(context, icl_check_array(context, "f", "x", NULL, 0));
    ASSERT_OK(context, icl_check_range(context, "f", "x", INT64_MIN, INT64_MIN, INT64_MAX));
    ASSERT_OK(context, icl_check_seed(context, "f", "seed", INT64_MAX));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "seed = 9223372036854775808",
                 icl_check_seed(context, "f", "seed", (uint64_t)INT64_MAX + 1));
    ck_assert(icl_all_finite(NULL, 0));
    icl_context_free(context);
}
END_TEST

START_TEST(test_products_saturate) {
    ck_assert_int_eq(icl_product(2, 3, 5), 30);
    ck_assert_int_eq(icl_product(0, INT64_MAX, INT64_MAX), 0);
    ck_assert_int_eq(icl_product(INT64_MAX, 1, 1), INT64_MAX);
    ck_assert_int_eq(icl_product((int64_t)1 << 21, (int64_t)1 << 21, (int64_t)1 << 20),
                     (int64_t)1 << 62);
    ck_assert_int_eq(icl_product((int64_t)1 << 21, (int64_t)1 << 21, (int64_t)1 << 21), INT64_MAX);
    ck_assert_int_eq(icl_product((int64_t)1 << 32, (int64_t)1 << 32, 1), INT64_MAX);
    ck_assert_int_eq(icl_product(INT64_MAX, 2, 1), INT64_MAX);
}
END_TEST

RUN_SUITE("check", test_options_default_writes_size_bytes,
          test_options_default_refuses_what_cannot_hold_a_size, test_options_of_an_older_caller,
          test_options_of_a_newer_caller, test_checks_name_the_argument_and_its_value,
          test_checks_at_their_limits, test_products_saturate)
