/* The distribution of uniforms and normals: moments, tails, cells, and no correlation between
 * lanes, pairs, blocks, streams, seeds and prompts. */
#include "prompt_reference.h"
#include "statistics.h"

enum { COUNT = 1 << 21 };

static double values[COUNT];

static void fill(int normal, uint64_t seed, uint64_t stream, int64_t count, double *out) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    ASSERT_OK(context, (normal ? icl_random_normal : icl_random_uniform)(context, seed, stream, 0,
                                                                         count, out));
    icl_context_free(context);
}

START_TEST(test_moments_of_uniforms) {
    fill(0, 1, 1, COUNT, values);
    double sums[4] = {0}, least = 1, greatest = 0;
    for (int i = 0; i < COUNT; i++) {
        double u = values[i] - 0.5, power = 1;
        for (int k = 0; k < 4; k++)
            sums[k] += power *= u;
        least = fmin(least, values[i]);
        greatest = fmax(greatest, values[i]);
    }
    assert_mean_of("u", sums[0], COUNT, 0, 1.0 / 12);
    assert_mean_of("u^2", sums[1], COUNT, 1.0 / 12, 1.0 / 180);
    assert_mean_of("u^3", sums[2], COUNT, 0, 1.0 / 448);
    assert_mean_of("u^4", sums[3], COUNT, 1.0 / 80, 1.0 / 2304 - 1.0 / 6400);
    ck_assert(least > 0 && least < 20.0 / COUNT);
    ck_assert(greatest < 1 && greatest > 1 - 20.0 / COUNT);
}
END_TEST

START_TEST(test_every_bit_of_uniforms) {
    fill(0, 2, 0, COUNT, values);
    double ones[52] = {0};
    for (int i = 0; i < COUNT; i++) {
        uint64_t k = (uint64_t)(values[i] * 0x1p52);
        for (int bit = 0; bit < 52; bit++)
            ones[bit] += (double)(k >> bit & 1);
    }
    for (int bit = 0; bit < 52; bit++)
        assert_mean_of("a bit", ones[bit], COUNT, 0.5, 0.25);
}
END_TEST

START_TEST(test_moments_of_normals) {
    fill(1, 3, 0, COUNT, values);
    double sums[6] = {0};
    for (int i = 0; i < COUNT; i++) {
        double power = 1;
        for (int k = 0; k < 6; k++)
            sums[k] += power *= values[i];
    }
    assert_mean_of("z", sums[0], COUNT, 0, 1);
    assert_mean_of("z^2", sums[1], COUNT, 1, 3 - 1);
    assert_mean_of("z^3", sums[2], COUNT, 0, 15);
    assert_mean_of("z^4", sums[3], COUNT, 3, 105 - 9);
    assert_mean_of("z^5", sums[4], COUNT, 0, 945);
    assert_mean_of("z^6", sums[5], COUNT, 15, 10395 - 225);
}
END_TEST

/* Each tail by itself; beyond 4.5 about seven of two million are left. */
START_TEST(test_tails_of_normals) {
    fill(1, 4, 0, COUNT, values);
    const double bounds[] = {0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5};
    for (int b = 0; b < 9; b++) {
        double above = 0, below = 0, p = normal_cdf(-bounds[b]);
        for (int i = 0; i < COUNT; i++) {
            above += values[i] > bounds[b];
            below += values[i] < -bounds[b];
        }
        assert_mean_of("upper tail", above, COUNT, p, p * (1 - p));
        assert_mean_of("lower tail", below, COUNT, p, p * (1 - p));
    }
    for (int i = 0; i < COUNT; i++)
        QUICK_CLOSE(values[i], 0, sqrt(-2 * log(0x1p-53)));
}
END_TEST

START_TEST(test_cells) {
    enum { CELLS = 1024 };
    for (int normal = 0; normal < 2; normal++) {
        int64_t counts[CELLS] = {0};
        fill(normal, 5, 7, COUNT, values);
        for (int i = 0; i < COUNT; i++)
            counts[cell_of(normal ? normal_cdf(values[i]) : values[i], CELLS)]++;
        assert_even(normal ? "normals" : "uniforms", CELLS, counts);
    }
}
END_TEST

/* In a block of 32, places 8 apart are a pair of Box and Muller or neighbours of two pairs, 1 apart
 * are lanes, 16 apart the same word of the other half. */
START_TEST(test_cells_of_two_values) {
    enum { SIDE = 32 };
    const int64_t lags[] = {1, 7, 8, 9, 16, 24, 32, 256};
    fill(1, 6, 0, COUNT, values);
    for (int i = 0; i < COUNT; i++)
        values[i] = normal_cdf(values[i]);
    for (int l = 0; l < 8; l++) {
        int64_t counts[SIDE * SIDE] = {0};
        for (int64_t i = 0; i + lags[l] < COUNT; i++)
            if (i % (2 * lags[l]) < lags[l]) /* no value twice: the cells are independent */
                counts[cell_of(values[i], SIDE) * SIDE + cell_of(values[i + lags[l]], SIDE)]++;
        assert_even("two normals", SIDE * SIDE, counts);
    }
}
END_TEST

/* Values and their squares at every distance up to four blocks. */
START_TEST(test_no_correlation_within_a_stream) {
    fill(1, 7, 0, COUNT, values);
    for (int lag = 1; lag <= 128; lag++) {
        double sum = 0, squares = 0;
        for (int i = 0; i + lag < COUNT / 4; i++) {
            double a = values[i], b = values[i + lag];
            sum += a * b;
            squares += (a * a - 1) * (b * b - 1);
        }
        assert_mean_of("z z'", sum, COUNT / 4 - lag, 0, 1);
        assert_mean_of("(z^2 - 1)(z'^2 - 1)", squares, COUNT / 4 - lag, 0, 4);
    }
}
END_TEST

/* The same index of neighbouring streams and seeds, as far apart as one bit of each. */
START_TEST(test_no_correlation_between_streams_and_seeds) {
    enum { PART = 1 << 14 };
    static double base[PART], other[PART];
    fill(1, 0, 0, PART, base);
    for (int bit = 0; bit < 126; bit++) {
        fill(1, bit < 63 ? UINT64_C(1) << bit : 0, bit < 63 ? 0 : UINT64_C(1) << (bit - 63), PART,
             other);
        double sum = 0, squares = 0;
        for (int i = 0; i < PART; i++) {
            sum += base[i] * other[i];
            squares += (base[i] * base[i] - 1) * (other[i] * other[i] - 1);
        }
        assert_mean_of("z z'", sum, PART, 0, 1);
        assert_mean_of("(z^2 - 1)(z'^2 - 1)", squares, PART, 0, 4);
    }
}
END_TEST

/* Across a stream's first values: streams taken as the index. */
START_TEST(test_first_values_of_many_streams) {
    enum { STREAMS = 1 << 15 };
    static double first[STREAMS];
    double sums[4] = {0};
    int64_t counts[64] = {0};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (uint64_t stream = 0; stream < STREAMS; stream++) {
        ASSERT_OK(context, icl_random_normal(context, 8, stream, 0, 1, first + stream));
        double z = first[stream], power = 1;
        for (int k = 0; k < 4; k++)
            sums[k] += power *= z;
        counts[cell_of(normal_cdf(z), 64)]++;
    }
    assert_mean_of("z", sums[0], STREAMS, 0, 1);
    assert_mean_of("z^2", sums[1], STREAMS, 1, 2);
    assert_mean_of("z^3", sums[2], STREAMS, 0, 15);
    assert_mean_of("z^4", sums[3], STREAMS, 3, 96);
    assert_even("first values", 64, counts);
    for (int lag = 1; lag <= 16; lag++) {
        double sum = 0;
        for (int i = 0; i + lag < STREAMS; i++)
            sum += first[i] * first[i + lag];
        assert_mean_of("streams apart", sum, STREAMS - lag, 0, 1);
    }
    icl_context_free(context);
}
END_TEST

/* Covariates of prompts, in the order of prompts (lanes of a group) and within a prompt. */
START_TEST(test_no_correlation_between_prompts) {
    enum { PROMPTS = 1 << 13, ENTRIES = 24 };
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 4, ENTRIES / 4, 1, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 9);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
    const double *X = icl_batch_X(batch);
    for (int64_t lag = 1; lag <= 16; lag++) {
        double across = 0, within = 0, pairs = 0;
        for (int64_t p = 0; p + lag < PROMPTS; p++)
            for (int64_t e = 0; e < ENTRIES; e++)
                across += X[p * ENTRIES + e] * X[(p + lag) * ENTRIES + e];
        for (int64_t p = 0; p < PROMPTS; p++)
            for (int64_t e = 0; e + lag < ENTRIES; e++, pairs++)
                within += X[p * ENTRIES + e] * X[p * ENTRIES + e + lag];
        assert_mean_of("prompts apart", across, (double)((PROMPTS - lag) * ENTRIES), 0, 1);
        assert_mean_of("entries apart", within, pairs, 0, 1);
    }
    /* the same index of two purposes: covariates, the query's, the task's */
    double query = 0, task = 0, target = 0;
    for (int64_t p = 0; p < PROMPTS; p++)
        for (int64_t j = 0; j < 4; j++) {
            query += X[p * ENTRIES + j] * icl_batch_query(batch)[4 * p + j];
            task += X[p * ENTRIES + j] * icl_batch_task(batch)[4 * p + j];
            target += icl_batch_query(batch)[4 * p + j] * icl_batch_task(batch)[4 * p + j];
        }
    assert_mean_of("x and query", query, PROMPTS * 4, 0, 1);
    assert_mean_of("x and task", task, PROMPTS * 4, 0, 1);
    assert_mean_of("query and task", target, PROMPTS * 4, 0, 1);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("random_statistics", test_moments_of_uniforms, test_every_bit_of_uniforms,
          test_moments_of_normals, test_tails_of_normals, test_cells, test_cells_of_two_values,
          test_no_correlation_within_a_stream, test_no_correlation_between_streams_and_seeds,
          test_first_values_of_many_streams, test_no_correlation_between_prompts)
