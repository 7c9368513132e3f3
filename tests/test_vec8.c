/* The vector arithmetic under every draw and label: elementary functions against long double libm
 * within derived bounds, equal bits on every instruction set. */
#include "random_reference.h"
#include "vec8_probe.h"

enum { GROUPS = 1 << 14, COUNT = 8 * GROUPS };

/* Inputs and outputs of one function. */
typedef struct tape {
    double *a, *b, *c, *out, *second;
    uint64_t *words;
    void *memory[6];
} tape;

static tape make_tape(void) {
    tape t = {0};
    double **arrays[] = {&t.a, &t.b, &t.c, &t.out, &t.second};
    for (int i = 0; i < 5; i++)
        *arrays[i] = offset_doubles(COUNT, 0, &t.memory[i]);
    t.words = (uint64_t *)offset_doubles(COUNT, 0, &t.memory[5]);
    return t;
}

static void free_tape(tape *t) {
    for (int i = 0; i < 6; i++)
        free(t->memory[i]);
}

/* Uniforms of a planted stream. */
static void fill_uniform(uint64_t stream, double *out) {
    icl_context *context = make_context(1, ICL_ISA_BASELINE);
    ASSERT_OK(context, icl_random_uniform(context, 2024, stream, 0, COUNT, out));
    icl_context_free(context);
}

/* The kernels of an instruction set, or NULL where this machine lacks it. */
static const vec8_probe *probe_of(int isa) {
    if (!icl_isa_supported((icl_isa)isa))
        return NULL;
    icl_context *context = make_context(1, (icl_isa)isa);
    const vec8_probe *probe = vec8_probe_of(context);
    icl_context_free(context);
    return probe;
}

/* Runs `call`, which writes t.out and t.second, on every instruction set: equal bits everywhere.
 * What the baseline wrote is left in t. */
#define ON_EVERY_ISA(t, call)                                                                      \
    do {                                                                                           \
        tape first_ = make_tape();                                                                 \
        const vec8_probe *probe = probe_of(ICL_ISA_BASELINE);                                      \
        memset(t.out, 0, COUNT * sizeof(double));                                                  \
        memset(t.second, 0, COUNT * sizeof(double));                                               \
        call;                                                                                      \
        memcpy(first_.out, t.out, COUNT * sizeof(double));                                         \
        memcpy(first_.second, t.second, COUNT * sizeof(double));                                   \
        for (int isa_ = ICL_ISA_AVX2; isa_ <= ICL_ISA_AVX512; isa_++) {                            \
            probe = probe_of(isa_);                                                                \
            if (probe == NULL)                                                                     \
                continue;                                                                          \
            call;                                                                                  \
            ck_assert_mem_eq(first_.out, t.out, COUNT * sizeof(double));                           \
            ck_assert_mem_eq(first_.second, t.second, COUNT * sizeof(double));                     \
        }                                                                                          \
        free_tape(&first_);                                                                        \
    } while (0)

/* |got - exact| <= units u relative to `scale`, u = 2^-53. */
static void assert_units(const char *name, double x, double got, long double exact, double units,
                         long double scale) {
    long double error = fabsl((long double)got - exact);
    QUICK_ASSERT(error <= (units * UNIT + TOL_LIBM) * fabsl(scale),
                 "%s(%a) = %a, off by %.3Lf units, more than %g", name, x, got,
                 error / (UNIT * fabsl(scale)), units);
}

/* The exponent's multiple of log 2 cancels most against log m just above u = 1/2: two sums of size
 * 1.4 and 0.7 (u + u/2), s to 2 u of 0.7, the constant to 0.42 u: 3.3 u of 0.69. */
START_TEST(test_minus_two_log) {
    tape t = make_tape();
    fill_uniform(0, t.a);
    for (int i = 0; i < COUNT / 4; i++) /* every power of two, and around 1/2 and 1 */
        t.a[i] = ldexp(0.5 + 0.5 * t.a[i], -(i % 1000));
    for (int i = 0; i < COUNT / 16; i++)
        t.a[COUNT - 1 - i] = 0.7 + 0.02 * t.a[COUNT - 1 - i];
    t.a[0] = 0x1p-53;
    t.a[1] = 1 - 0x1p-53;
    t.a[2] = 0x1.6a09e667f3bccp-1; /* either side of sqrt(1/2), where the exponent changes */
    t.a[3] = 0x1.6a09e667f3bcdp-1;
    t.a[4] = 0x1p-1000;
    for (int i = 0; i < COUNT / 16; i++) /* beyond 1, where chi's need it */
        t.a[COUNT / 2 + i] = ldexp(1 + t.a[COUNT / 2 + i], i % 40);
    t.a[5] = 1;
    t.a[6] = 1 + DBL_EPSILON;
    t.a[7] = 0x1.6a09e667f3bcdp0;
    ON_EVERY_ISA(t, probe->minus_two_log(GROUPS, t.a, t.out));
    for (int i = 0; i < COUNT; i++) {
        long double exact = -2 * logl(t.a[i]);
        assert_units("-2 log", t.a[i], t.out[i], exact, 5, exact);
    }
    free_tape(&t);
}
END_TEST

/* Sine: polynomial 0.5 u, its last sum 1.3 u, the product u. Cosine, where it is 1/sqrt 2:
 * polynomial 0.5 u, 3.7 u of the 0.29 under the last sum, half a unit for that sum. */
START_TEST(test_sincos_of_an_eighth_turn) {
    tape t = make_tape();
    fill_uniform(1, t.a);
    for (int i = 0; i < COUNT; i++)
        t.a[i] -= 0.5;
    for (int i = 0; i < COUNT / 4; i++)
        t.a[i] = ldexp(t.a[i], -(i % 60));
    t.a[0] = 0.5 - 0x1p-53;
    t.a[1] = -0.5;
    t.a[2] = 0x1p-53;
    t.a[3] = 0;
    ON_EVERY_ISA(t, probe->sincos_quarter(GROUPS, t.a, t.out, t.second));
    for (int i = 0; i < COUNT; i++) {
        long double x = HALF_PI * (long double)t.a[i], sine = sinl(x), cosine = cosl(x);
        assert_units("sin pi/2", t.a[i], t.out[i], sine, 3, sine);
        assert_units("cos pi/2", t.a[i], t.second[i], cosine, 3, cosine);
    }
    free_tape(&t);
}
END_TEST

/* The reduced argument is off by u in two subtractions, in quarters by 1.2 u with the product and
 * its constant: 1.3 u of the sine at 1/sqrt 2, whose own 3 u are 2.1: 3.5 u, absolute. */
START_TEST(test_sin) {
    tape t = make_tape();
    fill_uniform(2, t.a);
    for (int i = 0; i < COUNT; i++)
        t.a[i] = ldexp(2 * t.a[i] - 1, i % 21);
    for (int i = 0; i < COUNT / 4; i++) /* near the multiples of pi/4 */
        t.a[i] = (double)(0.5L * HALF_PI * (long double)i) * (1 + DBL_EPSILON * (i % 3 - 1));
    t.a[0] = 0x1p20;
    t.a[1] = -0x1p20;
    t.a[2] = 0x1p-1070;
    t.a[3] = -0.0;
    ON_EVERY_ISA(t, probe->sin(GROUPS, t.a, t.out));
    for (int i = 0; i < COUNT; i++)
        assert_units("sin", t.a[i], t.out[i], sinl(t.a[i]), 4, 1);
    ck_assert(t.out[3] == 0 && signbit(t.out[3]));
    free_tape(&t);
}
END_TEST

/* The reduced argument is off by u/4; e, below 0.42, by u/4 in its last sum and 0.15 u in r^2 and
 * its factor, of an exp that is above 0.7; the last sum rounds to u: 1.9 u, relative. */
START_TEST(test_exp) {
    tape t = make_tape();
    fill_uniform(11, t.a);
    for (int i = 0; i < COUNT; i++)
        t.a[i] = i % 2 == 0 ? -708 * t.a[i] : ldexp(2 * t.a[i] - 1, i % 70 - 61);
    for (int i = 0; i < COUNT / 4; i++) /* the changes of the power of two */
        t.a[i] = 0.5 * log(2.0) * (i % 4083 - 2041) * (1 + DBL_EPSILON * (i % 5 - 2));
    const double special[] = {0, -0.0, 708, -708, 0x1p-1073, -0x1p-1073};
    memcpy(t.a, special, sizeof special);
    ON_EVERY_ISA(t, probe->exp(GROUPS, t.a, t.out));
    ck_assert(t.out[0] == 1 && t.out[1] == 1);
    for (int i = 0; i < COUNT; i++) {
        long double exact = expl(t.a[i]);
        assert_units("exp", t.a[i], t.out[i], exact, 2, exact);
    }
    const double gone[] = {-708.0000001, -745, -1e4, -1e300, -DBL_MAX, -INFINITY};
    for (int i = 0; i < COUNT; i++)
        t.a[i] = gone[i % 6];
    ON_EVERY_ISA(t, probe->exp(GROUPS, t.a, t.out));
    for (int i = 0; i < COUNT; i++)
        QUICK_CLOSE(t.out[i], 0, 0);
    free_tape(&t);
}
END_TEST

/* E = exp(-2|x|) - 1 by 1.7 u where 2|x| < 0.35 and by 2.7 u beyond, 2 + E by 1.1 u, the quotient
 * by 1 u: 5 u, relative. */
START_TEST(test_tanh) {
    tape t = make_tape();
    fill_uniform(3, t.a);
    for (int i = 0; i < COUNT; i++)
        t.a[i] = ldexp(2 * t.a[i] - 1, i % 70 - 64);
    for (int i = 0; i < COUNT / 4; i++) /* the changes of the power of two, and many in (-1, 1) */
        t.a[i] = i % 4 == 0 ? 0.25 * log(2.0) * (1 + i % 113) * (1 + DBL_EPSILON * (i % 5 - 2))
                            : ldexp(t.a[i], 64 - i % 70);
    const double special[] = {0x1p-1073, 19.999999, 20, 21, 710, 1e300, INFINITY};
    for (int i = 0; i < 7; i++) {
        t.a[2 * i] = special[i];
        t.a[2 * i + 1] = -special[i];
    }
    ON_EVERY_ISA(t, probe->tanh(GROUPS, t.a, t.out));
    for (int i = 0; i < COUNT; i++) {
        long double exact = tanhl(t.a[i]);
        /* below the normal numbers half a unit of the last place is left */
        assert_units("tanh", t.a[i], t.out[i], exact, 5, fabsl(exact) + 0x1p-1020L);
        QUICK_ASSERT(fabs(t.out[i]) <= 1, "tanh(%a) = %a", t.a[i], t.out[i]);
    }
    free_tape(&t);
}
END_TEST

START_TEST(test_max_and_round_are_exact) {
    tape t = make_tape();
    fill_uniform(4, t.a);
    fill_uniform(5, t.b);
    for (int i = 0; i < COUNT; i++) {
        t.a[i] = ldexp(t.a[i] - 0.5, i % 52);
        t.b[i] = ldexp(t.b[i] - 0.5, i % 50);
    }
    t.a[0] = -INFINITY;
    t.b[1] = INFINITY;
    t.a[2] = 2.5; /* halves go to the even neighbour */
    t.a[3] = -3.5;
    ON_EVERY_ISA(t, {
        probe->max(GROUPS, t.a, t.b, t.out);
        probe->round(GROUPS, t.b, t.second);
    });
    for (int i = 0; i < COUNT; i++)
        QUICK_CLOSE(t.out[i], fmax(t.a[i], t.b[i]), 0);
    t.b[1] = 0;
    t.b[2] = 2.5;
    t.b[3] = -3.5;
    ON_EVERY_ISA(t, probe->round(GROUPS, t.b, t.out));
    for (int i = 0; i < COUNT; i++)
        QUICK_CLOSE(t.out[i], nearbyint(t.b[i]), 0);
    free_tape(&t);
}
END_TEST

/* Every pattern of lanes. */
START_TEST(test_all_lanes) {
    tape t = make_tape();
    for (int i = 0; i < COUNT; i++)
        t.a[i] = (i / 8 % 256 >> i % 8 & 1) + 0.5;
    for (int i = 0; i < COUNT; i++)
        t.b[i] = 1;
    ON_EVERY_ISA(t, probe->all_less(GROUPS, t.a, t.b, t.out));
    for (int i = 0; i < COUNT; i++)
        QUICK_CLOSE(t.out[i], i / 8 % 256 == 0, 0);
    free_tape(&t);
}
END_TEST

/* One rounding where the set has the instruction, two elsewhere; AVX2 and AVX-512 agree. */
START_TEST(test_fma_rounds_once_or_twice) {
    tape t = make_tape();
    fill_uniform(6, t.a);
    fill_uniform(7, t.b);
    fill_uniform(8, t.c);
    for (int isa = ICL_ISA_BASELINE; isa <= ICL_ISA_AVX512; isa++) {
        const vec8_probe *probe = probe_of(isa);
        if (probe == NULL)
            continue;
        probe->fma(GROUPS, t.a, t.b, t.c, t.out);
        for (int i = 0; i < COUNT; i++) {
            double product = t.a[i] * t.b[i];
            QUICK_CLOSE(t.out[i],
                        isa == ICL_ISA_BASELINE ? product + t.c[i] : fma(t.a[i], t.b[i], t.c[i]),
                        0);
        }
    }
    free_tape(&t);
}
END_TEST

START_TEST(test_uniforms_are_exact_and_inside) {
    tape t = make_tape();
    fill_uniform(9, t.a);
    memcpy(t.words, t.a, COUNT * sizeof *t.words);
    for (int i = 0; i < COUNT; i++) /* a multiplier spreads the bits to the top */
        t.words[i] *= UINT64_C(0x9e3779b97f4a7c15);
    t.words[0] = 0;
    t.words[1] = UINT64_MAX;
    t.words[2] = 4095;
    t.words[3] = 4096;
    ON_EVERY_ISA(t, probe->uniforms(GROUPS, t.words, t.out));
    for (int i = 0; i < COUNT; i++)
        QUICK_CLOSE(t.out[i], reference_uniform(t.words[i]), 0);
    ck_assert_double_eq(t.out[0], 0x1p-53);
    ck_assert_double_eq(t.out[1], 1 - 0x1p-53);
    ck_assert_double_eq(t.out[2], 0x1p-53);
    free_tape(&t);
}
END_TEST

/* Words at and near the ends of both ranges, in all four arrangements of sign and order. */
START_TEST(test_normals_of_extreme_words) {
    tape t = make_tape();
    uint64_t *angle = (uint64_t *)t.b;
    const uint64_t ends[8] = {0,
                              UINT64_MAX,
                              4096,
                              UINT64_MAX - 4096,
                              UINT64_C(1) << 63,
                              UINT64_C(1) << 62,
                              UINT64_C(1) << 61,
                              1023};
    fill_uniform(10, t.a);
    memcpy(t.words, t.a, COUNT * sizeof *t.words);
    for (int i = 0; i < COUNT; i++) {
        uint64_t mixed = t.words[i] * UINT64_C(0x9e3779b97f4a7c15);
        angle[i] = i % 3 == 0 ? mixed * mixed : ends[i / 8 % 8] ^ (uint64_t)(i % 4) << 62;
        t.words[i] = i % 3 == 1 ? mixed : ends[i % 8] ^ mixed >> (i / 3 % 64);
    }
    ON_EVERY_ISA(t, probe->normals(GROUPS, t.words, angle, t.out, t.second));
    for (int i = 0; i < COUNT; i++) {
        long double exact[2];
        reference_normals(t.words[i], angle[i], exact);
        assert_units("first normal", (double)exact[0], t.out[i], exact[0], TOL_NORMAL / UNIT,
                     1 + fabsl(exact[0]));
        assert_units("second normal", (double)exact[1], t.second[i], exact[1], TOL_NORMAL / UNIT,
                     1 + fabsl(exact[1]));
    }
    free_tape(&t);
}
END_TEST

START_TEST(test_threefry_words) {
    uint64_t random[3 + 24];
    for (int isa = ICL_ISA_BASELINE; isa <= ICL_ISA_AVX512; isa++) {
        const vec8_probe *probe = probe_of(isa);
        if (probe == NULL)
            continue;
        for (uint64_t round = 0; round < 1000; round++) {
            for (uint64_t i = 0; i < 27; i++)
                random[i] = (27 * round + i + 1) * UINT64_C(0xd1342543de82ef95) * (round % 7 != 0);
            _Alignas(64) uint64_t c0[8], c1[8], c2[8], words[32];
            memcpy(c0, random + 3, sizeof c0);
            memcpy(c1, random + 11, sizeof c1);
            memcpy(c2, random + 19, sizeof c2);
            probe->threefry(random[0], random[1], random[2], c0, c1, c2, words);
            for (int l = 0; l < 8; l++) {
                const uint64_t key[4] = {random[0], random[1], random[2], 0};
                const uint64_t counter[4] = {c0[l], c1[l], c2[l], 0};
                uint64_t expected[4];
                reference_threefry(key, counter, expected);
                for (int i = 0; i < 4; i++)
                    QUICK_ASSERT(words[8 * i + l] == expected[i], "word %d of lane %d", i, l);
            }
        }
    }
}
END_TEST

RUN_SUITE("vec8", test_minus_two_log, test_sincos_of_an_eighth_turn, test_sin, test_exp, test_tanh,
          test_max_and_round_are_exact, test_all_lanes, test_fma_rounds_once_or_twice,
          test_uniforms_are_exact_and_inside, test_normals_of_extreme_words, test_threefry_words)
