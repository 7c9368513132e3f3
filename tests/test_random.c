/* Flat streams: words against Random123's threefry4x64 and its published answers, values against
 * their documentation, any split of a stream, every instruction set, arguments. */
#include "random_reference.h"

#if defined(HAVE_RANDOM123)
#include <Random123/threefry.h>
#endif

/* ---- the reference ---- */

/* From Random123's file of known answers: counter, key, words. */
START_TEST(test_reference_gives_the_known_answers) {
    static const uint64_t known[3][12] = {
        {0, 0, 0, 0, 0, 0, 0, 0, UINT64_C(0x09218ebde6c85537), UINT64_C(0x55941f5266d86105),
         UINT64_C(0x4bd25e16282434dc), UINT64_C(0xee29ec846bd2e40b)},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
         UINT64_MAX, UINT64_C(0x29c24097942bba1b), UINT64_C(0x0371bbfb0f6f4e11),
         UINT64_C(0x3c231ffa33f83a1c), UINT64_C(0xcd29113fde32d168)},
        {UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0),
         UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377), UINT64_C(0xbe5466cf34e90c6c),
         UINT64_C(0xbe5466cf34e90c6c), UINT64_C(0xc0ac29b7c97c50dd), UINT64_C(0xa7e8fde591651bd9),
         UINT64_C(0xbaafd0c30138319b), UINT64_C(0x84a5c1a729e685b9), UINT64_C(0x901d406ccebc1ba4)}};
    for (int i = 0; i < 3; i++) {
        uint64_t words[4];
        reference_threefry(known[i] + 4, known[i], words);
        for (int k = 0; k < 4; k++)
            ck_assert_uint_eq(words[k], known[i][8 + k]);
    }
}
END_TEST

#if defined(HAVE_RANDOM123)
START_TEST(test_reference_agrees_with_random123) {
    uint64_t state = 1;
    for (int round = 0; round < 100000; round++) {
        threefry4x64_ctr_t counter;
        threefry4x64_key_t key;
        for (int i = 0; i < 4; i++) {
            counter.v[i] = state =
                state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            key.v[i] = state =
                state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        }
        threefry4x64_ctr_t expected = threefry4x64(counter, key);
        uint64_t words[4];
        reference_threefry(key.v, counter.v, words);
        QUICK_ASSERT(memcmp(words, expected.v, sizeof words) == 0, "words of round %d", round);
    }
}
END_TEST
#endif

/* ---- values ---- */

static const uint64_t seeds[] = {0, 1, 20240229, INT64_MAX};
static const uint64_t streams[] = {0, 1, UINT64_C(1) << 63, UINT64_MAX};
static const int64_t firsts[] = {
    0, 1, 31, 32, 1000003, (INT64_C(1) << 40) + 17, (INT64_C(1) << 62) - 200};

START_TEST(test_uniforms_follow_the_documented_layout) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double values[200];
    for (int s = 0; s < 4; s++)
        for (int t = 0; t < 4; t++)
            for (int f = 0; f < 7; f++) {
                ASSERT_OK(context, icl_random_uniform(context, seeds[s], streams[t], firsts[f], 200,
                                                      values));
                for (int k = 0; k < 200; k++)
                    QUICK_CLOSE(values[k],
                                reference_flat_uniform(seeds[s], streams[t], firsts[f] + k), 0);
            }
    icl_context_free(context);
}
END_TEST

START_TEST(test_normals_follow_the_documented_layout) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double values[200];
    for (int s = 0; s < 4; s++)
        for (int t = 0; t < 4; t++)
            for (int f = 0; f < 7; f++) {
                ASSERT_OK(context,
                          icl_random_normal(context, seeds[s], streams[t], firsts[f], 200, values));
                for (int k = 0; k < 200; k++) {
                    double exact =
                        (double)reference_flat_normal(seeds[s], streams[t], firsts[f] + k);
                    QUICK_CLOSE(values[k], exact, (TOL_NORMAL + UNIT) * (1 + fabs(exact)));
                }
            }
    icl_context_free(context);
}
END_TEST

/* The bound of <icl/random.h>, over a million values. */
START_TEST(test_normals_keep_their_error_bound) {
    enum { COUNT = 1 << 20 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double *values = malloc(COUNT * sizeof *values);
    ASSERT_OK(context, icl_random_normal(context, 77, 5, 0, COUNT, values));
    for (int64_t block = 0; block < COUNT / 32; block++)
        for (int lane = 0; lane < 8; lane++) {
            uint64_t words[4];
            reference_flat(77, 5, 32 * block + lane, words);
            for (int i = 0; i < 4; i += 2) {
                long double pair[2];
                reference_normals(words[i], words[i + 1], pair);
                for (int k = 0; k < 2; k++) {
                    long double got = values[32 * block + 8 * (i + k) + lane];
                    QUICK_CLOSE((double)(got - pair[k]), 0,
                                (TOL_NORMAL + TOL_LIBM) * (1 + fabs((double)pair[k])));
                }
            }
        }
    free(values);
    icl_context_free(context);
}
END_TEST

/* ---- splits ---- */

typedef icl_status (*draw_fn)(icl_context *, uint64_t, uint64_t, int64_t, int64_t, double *);
static const draw_fn draws[] = {icl_random_uniform, icl_random_normal};

/* Lengths that touch no, some and all of a block of 32 and of the library's buffer of 1024. */
static const int64_t lengths[] = {0, 1, 2, 7, 31, 32, 33, 63, 64, 95, 1000, 1023, 1024, 1025, 5000};

static void check_part(icl_context *context, draw_fn draw, const double *whole, int64_t first,
                       int64_t count, int64_t offset) {
    void *memory;
    double *part = offset_doubles(count + 2, offset, &memory);
    part[0] = part[count + 1] = -1e300; /* sentinels */
    ASSERT_OK(context, draw(context, 3, 9, first, count, part + 1));
    ck_assert_mem_eq(part + 1, whole + first, (size_t)count * sizeof *part);
    ck_assert(part[0] == -1e300 && part[count + 1] == -1e300);
    free(memory);
}

START_TEST(test_any_part_of_a_stream_has_equal_bits) {
    enum { TOTAL = 5200 };
    static double whole[TOTAL];
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kind = 0; kind < 2; kind++) {
        ASSERT_OK(context, draws[kind](context, 3, 9, 0, TOTAL, whole));
        for (int64_t first = 0; first < 200; first += 1 + first / 33)
            for (int i = 0; i < 15; i++)
                check_part(context, draws[kind], whole, first, lengths[i], (first + i) % 8);
        /* on a boundary of 64 bytes, where whole blocks are written in place */
        for (int64_t first = 0; first < 192; first += 16)
            for (int i = 0; i < 15; i++)
                check_part(context, draws[kind], whole, first, lengths[i], 7);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_every_instruction_set_gives_equal_bits) {
    enum { TOTAL = 20011 };
    static double expected[TOTAL], values[TOTAL];
    for (int kind = 0; kind < 2; kind++) {
        icl_context *context = make_context(1, ICL_ISA_BASELINE);
        ASSERT_OK(context, draws[kind](context, 8, 1, 12345, TOTAL, expected));
        icl_context_free(context);
        for (int isa = ICL_ISA_AUTO; isa <= ICL_ISA_AVX512; isa++) {
            if (!icl_isa_supported((icl_isa)isa))
                continue;
            context = make_context(1 + isa, (icl_isa)isa);
            ASSERT_OK(context, draws[kind](context, 8, 1, 12345, TOTAL, values));
            ck_assert_mem_eq(values, expected, sizeof values);
            icl_context_free(context);
        }
    }
}
END_TEST

/* ---- arguments ---- */

static void check_refusals(icl_context *context, draw_fn draw, const char *name) {
    const int64_t limit = INT64_C(1) << 62;
    double out = 7;
    ck_assert_int_eq(draw(NULL, 0, 0, 0, 1, &out), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "seed = 9223372036854775808",
                 draw(context, UINT64_C(1) << 63, 0, 0, 1, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = -1", draw(context, 0, 0, -1, 1, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = 4611686018427387905",
                 draw(context, 0, 0, limit + 1, 0, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "count = -1", draw(context, 0, 0, 0, -1, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "count = 2", draw(context, 0, 0, limit - 1, 2, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "count = 9223372036854775807",
                 draw(context, 0, 0, 1, INT64_MAX, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL", draw(context, 0, 0, 0, 1, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, name, draw(context, 0, 0, 0, 1, NULL));
    ck_assert_double_eq(out, 7);
    ASSERT_OK(context, draw(context, 0, 0, limit, 0, NULL));
    ASSERT_OK(context, draw(context, 0, 0, limit - 1, 1, &out));
    ck_assert_double_ne(out, 7);
}

START_TEST(test_bad_arguments) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    check_refusals(context, icl_random_uniform, "icl_random_uniform");
    check_refusals(context, icl_random_normal, "icl_random_normal");
    icl_context_free(context);
}
END_TEST

#if defined(HAVE_RANDOM123)
#define RANDOM123_TEST test_reference_agrees_with_random123,
#else
#define RANDOM123_TEST
#endif

RUN_SUITE("random", RANDOM123_TEST test_reference_gives_the_known_answers,
          test_uniforms_follow_the_documented_layout, test_normals_follow_the_documented_layout,
          test_normals_keep_their_error_bound, test_any_part_of_a_stream_has_equal_bits,
          test_every_instruction_set_gives_equal_bits, test_bad_arguments)
