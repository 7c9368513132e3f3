/* The chi's under direct moments: every one from the documented layout, its distribution, and that
 * a lane knows nothing of its neighbours. */
#include "random/streams.h"
#include "random_reference.h"
#include "statistics.h"

enum { MAX_CHIS = 8 };

static const int64_t freedoms[] = {1, 2, 3, 5, 20, 2000, INT64_C(1) << 31};
enum { FREEDOMS = sizeof freedoms / sizeof *freedoms };

/* The kernels of an instruction set, or NULL where this machine lacks it. */
static const icl_random_kernels *kernels_of(int isa) {
    if (!icl_isa_supported((icl_isa)isa))
        return NULL;
    icl_context *context = make_context(1, (icl_isa)isa);
    const icl_random_kernels *kernels = icl_random_kernels_of(context);
    icl_context_free(context);
    return kernels;
}

/* Chi's 0..count-1, all of this freedom, of prompts prompt..prompt + 7. */
static void draw_chis(const icl_random_kernels *kernels, uint64_t seed, uint64_t prompt,
                      int64_t freedom, int64_t count, double *out) {
    icl_chi_law laws[MAX_CHIS];
    for (int64_t j = 0; j < count; j += 2) {
        icl_chi_laws(freedom, 1, laws + j);
        laws[j + 1] = laws[j];
    }
    kernels->chis(seed, prompt, laws, count, out);
}

/* ---- the layout ---- */

START_TEST(test_chis_follow_the_documented_layout) {
    _Alignas(64) double out[8 * MAX_CHIS];
    const icl_random_kernels *kernels = kernels_of(ICL_ISA_AUTO);
    for (int f = 0; f < FREEDOMS; f++) {
        int64_t again = 0, twice = 0, close = 0, k = freedoms[f];
        for (int64_t prompt = 0; prompt < 4000; prompt += 8) {
            draw_chis(kernels, 77, (uint64_t)prompt, k, MAX_CHIS, out);
            for (int64_t j = 0; j < MAX_CHIS; j++)
                for (int64_t l = 0; l < 8; l++) {
                    reference_chi chi = reference_draw_chi(77, prompt + l, j, k);
                    double error = (double)(out[8 * j + l] - chi.value);
                    QUICK_ASSERT(fabs(error) <= reference_chi_error(&chi, k),
                                 "chi(%lld) %lld of prompt %lld is %.17g, off by %.3g",
                                 (long long)k, (long long)j, (long long)(prompt + l),
                                 out[8 * j + l], error);
                    again += chi.attempts > 0;
                    twice += chi.attempts > 1;
                    close += chi.close;
                }
        }
        /* among 32,000 chi's of few degrees the rare ways were gone, too */
        ck_assert(k == 1 ? again + close == 0 : k > 20 || (again > 0 && close > 0));
        ck_assert(k != 2 || twice > 0);
    }
}
END_TEST

/* Freedoms that fall from chi to chi, and an odd number of them. */
START_TEST(test_laws_of_a_column) {
    icl_chi_law laws[6];
    _Alignas(64) double out[8 * 6];
    icl_chi_laws(7, 5, laws);
    ck_assert_double_eq(laws[4].freedom, 3);
    ck_assert_double_eq(laws[5].freedom, 1); /* the one that fills the pair */
    kernels_of(ICL_ISA_AUTO)->chis(5, 100, laws, 6, out);
    for (int64_t j = 0; j < 5; j++)
        for (int64_t l = 0; l < 8; l++) {
            reference_chi chi = reference_draw_chi(5, 100 + l, j, 7 - j);
            QUICK_CLOSE((double)(out[8 * j + l] - chi.value), 0, reference_chi_error(&chi, 7 - j));
        }
    icl_chi_laws(4, 4, laws);
    for (int j = 0; j < 4; j++)
        ck_assert_double_eq(laws[j].freedom, 4 - j);
}
END_TEST

/* Prompt p in lane 0 to 7: neighbours that are refused change nothing. */
START_TEST(test_lanes_do_not_know_each_other) {
    _Alignas(64) double whole[8 * MAX_CHIS], shifted[8 * MAX_CHIS];
    for (int isa = ICL_ISA_BASELINE; isa <= ICL_ISA_AVX512; isa++) {
        const icl_random_kernels *kernels = kernels_of(isa);
        for (int f = 0; f < FREEDOMS && kernels != NULL; f++)
            for (uint64_t prompt = 0; prompt < 400; prompt += 8) {
                draw_chis(kernels, 3, prompt, freedoms[f], MAX_CHIS, whole);
                for (uint64_t shift = 1; shift < 8; shift++) {
                    draw_chis(kernels, 3, prompt + shift, freedoms[f], MAX_CHIS, shifted);
                    for (uint64_t i = 0; i < 8 * MAX_CHIS; i++)
                        if (i % 8 + shift < 8)
                            QUICK_CLOSE(shifted[i], whole[i + shift], 0);
                }
            }
    }
}
END_TEST

START_TEST(test_every_instruction_set_gives_equal_bits) {
    _Alignas(64) double expected[8 * MAX_CHIS], out[8 * MAX_CHIS];
    for (int isa = ICL_ISA_AVX2; isa <= ICL_ISA_AVX512; isa++) {
        const icl_random_kernels *kernels = kernels_of(isa);
        for (int f = 0; f < FREEDOMS && kernels != NULL; f++)
            for (uint64_t prompt = 0; prompt < 4000; prompt += 8) {
                draw_chis(&icl_random_kernels_baseline, 8, prompt, freedoms[f], MAX_CHIS, expected);
                draw_chis(kernels, 8, prompt, freedoms[f], MAX_CHIS, out);
                QUICK_ASSERT(memcmp(out, expected, sizeof out) == 0, "chi(%lld) on %s",
                             (long long)freedoms[f], icl_isa_name((icl_isa)isa));
            }
    }
}
END_TEST

/* Frozen: chi's 0 and 1 of prompts 0 and 1 of seed 4711, with 1, 2, 20 and 2^31 degrees. */
START_TEST(test_stored_bits) {
    const double expected[4][4] = {
        {0x1.80d32a2e4468ep-1, 0x1.3ca7debd7bdc4p-1, 0x1.a3cf9373a81d8p+0, 0x1.b33ffeaf36e69p-1},
        {0x1.d467942e6f8b7p-1, 0x1.7e172064689ecp-1, 0x1.c15c32d87d42dp-3, 0x1.37ee4bdcbbe2bp-1},
        {0x1.f02c60b075764p+1, 0x1.fbc5e7e02a7dcp+1, 0x1.a51d82ac82171p+1, 0x1.e7a69095ddd4fp+1},
        {0x1.6a08d64a66c14p+15, 0x1.6a09067e49865p+15, 0x1.6a0794b3e200cp+15,
         0x1.6a08b2a2846bep+15}};
    const int64_t k[4] = {1, 2, 20, INT64_C(1) << 31};
    _Alignas(64) double out[16];
    for (int i = 0; i < 4; i++) {
        draw_chis(kernels_of(ICL_ISA_AUTO), 4711, 0, k[i], 2, out);
        const double got[4] = {out[0], out[1], out[8], out[9]};
        ck_assert_mem_eq(got, expected[i], sizeof got);
    }
}
END_TEST

/* ---- the distribution ---- */

/* P(chi(k) <= x): for even k a sum of Poisson probabilities, for odd k from the error function. */
static double chi_cdf(int64_t k, double x) {
    double half = x * x / 2, sum = 0;
    if (k % 2 == 0) {
        double top = half > (double)k / 2 ? (double)k / 2 - 1 : floor(half);
        double largest = top * log(half) - half - lgamma(top + 1);
        for (int64_t i = 0; i < k / 2; i++)
            sum += exp((double)i * log(half) - half - lgamma((double)i + 1) - largest);
        return 1 - exp(largest) * sum;
    }
    double term = sqrt(2 * half) * exp(-half) / sqrt((double)HALF_PI);
    for (int64_t i = 1; i < k; i += 2) {
        sum += term;
        term *= 2 * half / (double)(i + 2);
    }
    return erf(x / sqrt(2)) - sum;
}

START_TEST(test_the_oracle) {
    /* quantiles that tables give to four digits: chi-square 95 % of 1, 2, 3, 5, 20 degrees */
    const double chi2[] = {3.8415, 5.9915, 7.8147, 11.0705, 31.4104};
    for (int i = 0; i < 5; i++)
        ASSERT_CLOSE(chi_cdf(freedoms[i], sqrt(chi2[i])), 0.95, 1e-5, 1);
    ASSERT_CLOSE(chi_cdf(2000, sqrt(2105.15)), 0.95, 1e-4, 1);
}
END_TEST

START_TEST(test_distribution) {
    enum { COUNT = 1 << 16, CELLS = 128 };
    static double values[COUNT];
    const icl_random_kernels *kernels = kernels_of(ICL_ISA_AUTO);
    for (int f = 0; f + 1 < FREEDOMS; f++) {
        double k = (double)freedoms[f], worst = 0;
        int64_t counts[CELLS] = {0};
        for (int64_t i = 0; i < COUNT / 64; i++) {
            _Alignas(64) double out[64];
            draw_chis(kernels, 21, (uint64_t)(8 * i), freedoms[f], 8, out);
            memcpy(values + 64 * i, out, sizeof out);
        }
        tally mean = {0}, square = {0}, fourth = {0};
        for (int64_t i = 0; i < COUNT; i++) {
            tally_add(&mean, values[i]);
            tally_add(&square, values[i] * values[i]);
            tally_add(&fourth, pow(values[i], 4));
            double p = values[i] = chi_cdf(freedoms[f], values[i]);
            counts[cell_of(fmax(p, 0), CELLS)]++;
        }
        assert_tally("chi", &mean, sqrt(2) * exp(lgamma((k + 1) / 2) - lgamma(k / 2)));
        assert_tally("chi^2", &square, k);
        assert_tally("chi^4", &fourth, k * (k + 2));
        assert_even("cells", CELLS, counts);
        /* Kolmogorov and Smirnov on the cells' borders: beyond 2.28 / sqrt(count) once in 30,000 */
        int64_t below = 0;
        for (int i = 0; i < CELLS; i++) {
            below += counts[i];
            worst = fmax(worst, fabs((double)below / COUNT - (i + 1) / (double)CELLS));
        }
        ck_assert_double_le(worst, 2.28 / sqrt(COUNT));
    }
}
END_TEST

/* The largest freedom: chi^2 / k - 1 is normal with variance 2 / k, for all that 2^14 can tell. */
START_TEST(test_large_freedom_is_normal) {
    enum { COUNT = 1 << 14 };
    const int64_t k = INT64_C(1) << 31;
    tally mean = {0}, square = {0}, fourth = {0};
    _Alignas(64) double out[64];
    for (int64_t i = 0; i < COUNT / 64; i++) {
        draw_chis(kernels_of(ICL_ISA_AUTO), 22, (uint64_t)(8 * i), k, 8, out);
        for (int j = 0; j < 64; j++) {
            double z = (out[j] * out[j] / (double)k - 1) / sqrt(2 / (double)k);
            tally_add(&mean, z);
            tally_add(&square, z * z);
            tally_add(&fourth, z * z * z * z);
        }
    }
    assert_tally("z", &mean, 0);
    assert_tally("z^2", &square, 1);
    assert_tally("z^4", &fourth, 3);
}
END_TEST

/* Of one pair, of two pairs, of neighbouring prompts, and of a chi and the normals of purpose 10.
 */
START_TEST(test_no_correlation) {
    enum { COUNT = 1 << 15 };
    const icl_random_kernels *kernels = kernels_of(ICL_ISA_AUTO);
    tally pair = {0}, pairs = {0}, prompts = {0}, normal = {0}, squares = {0};
    for (int64_t i = 0; i < COUNT / 8; i++) {
        _Alignas(64) double out[64], z[32];
        draw_chis(kernels, 23, (uint64_t)(8 * i), 3, 8, out);
        kernels->prompts(23, ICL_PURPOSE_FACTOR, (uint64_t)(8 * i), 0, 4, z);
        for (int j = 0; j < 64; j++)
            out[j] = out[j] * out[j] - 3; /* variance 6 */
        for (int l = 0; l < 8; l++) {
            tally_add(&pair, out[l] * out[8 + l]);
            tally_add(&pairs, out[l] * out[16 + l]);
            tally_add(&prompts, out[l] * out[(l + 1) % 8]);
            tally_add(&normal, out[l] * z[l]);
            tally_add(&squares, out[l] * (z[l] * z[l] - 1));
        }
    }
    assert_tally("a pair", &pair, 0);
    assert_tally("two pairs", &pairs, 0);
    assert_tally("prompts", &prompts, 0);
    assert_tally("chi and normal", &normal, 0);
    assert_tally("chi and square", &squares, 0);
}
END_TEST

RUN_SUITE("chi", test_chis_follow_the_documented_layout, test_laws_of_a_column,
          test_lanes_do_not_know_each_other, test_every_instruction_set_gives_equal_bits,
          test_stored_bits, test_the_oracle, test_distribution, test_large_freedom_is_normal,
          test_no_correlation)
