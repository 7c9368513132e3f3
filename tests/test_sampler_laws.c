/* The laws of uniform covariates and of noise levels that are drawn once a prompt. */
#include "prompt_reference.h"
#include "statistics.h"

enum { PROMPTS = 20000 };

/* ---- uniform covariates ---- */

/* Sigma = I: the coordinates themselves. Moments, range, cells; examples and queries. */
static void check_coordinates(const char *name, int64_t count, const double *z) {
    enum { CELLS = 256 };
    int64_t counts[CELLS] = {0};
    tally powers[4] = {{0}};
    double greatest = 0;
    for (int64_t i = 0; i < count; i++) {
        double power = 1;
        for (int k = 0; k < 4; k++)
            tally_add(&powers[k], power *= z[i]);
        greatest = fmax(greatest, fabs(z[i]));
        counts[cell_of(z[i] / sqrt(12) + 0.5, CELLS)]++;
    }
    const double expected[4] = {0, 1, 0, 9.0 / 5};
    for (int k = 0; k < 4; k++)
        assert_tally(name, &powers[k], expected[k]);
    assert_even(name, CELLS, counts);
    ck_assert(greatest < sqrt(3) && greatest > sqrt(3) * (1 - 20.0 / (double)count));
}

START_TEST(test_coordinates_are_uniform) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, PLAIN_VARIANTS, 3, 5, 0, &c);
    ck_assert_int_eq(c.options.covariates, ICL_COVARIATES_UNIFORM);
    icl_sampler *sampler = make_sampler(context, &c.options, 21);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 2);
    check_coordinates("x", PROMPTS * 15, icl_batch_X(batch));
    check_coordinates("query", PROMPTS * 6, icl_batch_query(batch));
    const double *X = icl_batch_X(batch), *w = icl_batch_task(batch);
    for (int lag = 1; lag < 15; lag++) { /* no two of a prompt are correlated, nor their squares */
        tally product = {0}, squares = {0};
        for (int64_t p = 0; p < PROMPTS; p++) {
            tally_add(&product, X[15 * p] * X[15 * p + lag]);
            tally_add(&squares, (pow(X[15 * p], 2) - 1) * (pow(X[15 * p + lag], 2) - 1));
        }
        assert_tally("x x'", &product, 0);
        assert_tally("(x^2 - 1)(x'^2 - 1)", &squares, 0);
    }
    tally task = {0};
    for (int64_t p = 0; p < PROMPTS; p++)
        tally_add(&task, w[3 * p] * X[15 * p]);
    assert_tally("w x", &task, 0);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* Another law of the covariates is another reading of the same words: tasks and noise stay. */
START_TEST(test_tasks_and_noise_do_not_depend_on_the_covariates) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_DENSE, 1, 3, 5, 0.25, &c);
    icl_batch *batches[2];
    for (int uniform = 0; uniform < 2; uniform++) {
        c.options.covariates = (icl_covariates)uniform;
        icl_sampler *sampler = make_sampler(context, &c.options, 21);
        batches[uniform] = draw_prompts(context, sampler, 0, 9, 1);
        icl_sampler_free(sampler);
    }
    ck_assert_mem_eq(icl_batch_task(batches[0]), icl_batch_task(batches[1]), 27 * sizeof(double));
    for (int64_t p = 0; p < 9; p++)
        for (int64_t i = 0; i < 5; i++) {
            double noise[2];
            for (int k = 0; k < 2; k++) {
                const double *w = icl_batch_task(batches[k]) + 3 * p;
                const double *x = icl_batch_X(batches[k]) + 3 * (5 * p + i);
                noise[k] = icl_batch_y(batches[k])[5 * p + i] -
                           fma(w[2], x[2], fma(w[1], x[1], w[0] * x[0]));
            }
            ASSERT_CLOSE(noise[0], noise[1], 32 * UNIT, 16);
        }
    icl_batch_free(batches[0]);
    icl_batch_free(batches[1]);
    icl_context_free(context);
}
END_TEST

/* ---- noise levels ---- */

static const double levels[3] = {0, 1, 2.5};

static icl_batch *draw_noisy(icl_context *context, int kind, int labels, int64_t prompts) {
    static law_case c;
    make_case(0, labels == ICL_LABELS_LINEAR ? 0 : FIRST_NONLINEAR + labels - 1, 3, 4, 6.25, &c);
    c.options.noise_law = (icl_noise_law)kind;
    c.options.noise_values = levels;
    c.options.noise_count = 3;
    icl_sampler *sampler = make_sampler(context, &c.options, 33);
    icl_batch *batch = draw_prompts(context, sampler, 0, prompts, 2);
    icl_sampler_free(sampler);
    return batch;
}

START_TEST(test_uniform_levels) {
    enum { CELLS = 128 };
    int64_t counts[CELLS] = {0};
    tally square = {0}, fourth = {0};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = draw_noisy(context, ICL_NOISE_UNIFORM, ICL_LABELS_LINEAR, PROMPTS);
    for (int64_t p = 0; p < PROMPTS; p++) {
        double variance = icl_batch_noise(batch)[p];
        QUICK_ASSERT(variance > 0 && variance < 6.25, "sigma^2 = %g", variance);
        tally_add(&square, variance);
        tally_add(&fourth, variance * variance);
        counts[cell_of(sqrt(variance) / 2.5, CELLS)]++;
    }
    assert_tally("sigma^2", &square, 6.25 / 3);
    assert_tally("sigma^4", &fourth, 6.25 * 6.25 / 5);
    assert_even("sigma", CELLS, counts);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_levels_of_a_set) {
    int64_t counts[3] = {0};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = draw_noisy(context, ICL_NOISE_SET, ICL_LABELS_LINEAR, PROMPTS);
    for (int64_t p = 0; p < PROMPTS; p++) {
        int k = 0;
        while (k < 3 && icl_batch_noise(batch)[p] != levels[k] * levels[k])
            k++;
        QUICK_ASSERT(k < 3, "sigma^2 = %g is none of the set", icl_batch_noise(batch)[p]);
        counts[k]++;
    }
    assert_even("levels", 3, counts);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* What the noise of example or query i of prompt p is. */
static double noise_of(const icl_batch *batch, int64_t p, int i, int tanh_labels) {
    const double *w = icl_batch_task(batch) + 3 * p;
    const double *x =
        i < 4 ? icl_batch_X(batch) + 3 * (4 * p + i) : icl_batch_query(batch) + 3 * (2 * p + i - 4);
    double y = i < 4 ? icl_batch_y(batch)[4 * p + i] : icl_batch_target(batch)[2 * p + i - 4];
    double s = w[0] * x[0] + w[1] * x[1] + w[2] * x[2];
    return y - (tanh_labels ? tanh(s) : s);
}

/* Given the level, examples and queries have independent normal noise of that variance; the level
 * itself is independent of the task. */
static void check_noise(const icl_batch *batch, int tanh_labels) {
    tally square = {0}, fourth = {0}, examples = {0}, query = {0}, squares = {0}, task = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        double variance = icl_batch_noise(batch)[p], sigma = sqrt(variance), e[6];
        for (int i = 0; i < 6; i++) {
            e[i] = noise_of(batch, p, i, tanh_labels);
            if (sigma == 0) {
                QUICK_CLOSE(e[i], 0, 64 * UNIT);
                continue;
            }
            tally_add(&square, e[i] * e[i] / variance);
            tally_add(&fourth, pow(e[i] / sigma, 4));
        }
        tally_add(&task, (variance - 2) * icl_batch_task(batch)[3 * p]);
        if (sigma == 0)
            continue;
        tally_add(&examples, e[0] * e[1] / variance);
        tally_add(&query, e[0] * e[4] / variance);
        tally_add(&squares, (e[0] * e[0] / variance - 1) * (e[4] * e[4] / variance - 1));
    }
    assert_tally("noise^2 / sigma^2", &square, 1);
    assert_tally("noise^4 / sigma^4", &fourth, 3);
    assert_tally("two examples", &examples, 0);
    assert_tally("example and query", &query, 0);
    assert_tally("their squares", &squares, 0);
    assert_tally("level and task", &task, 0);
}

START_TEST(test_a_prompt_has_one_level) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kind = ICL_NOISE_UNIFORM; kind <= ICL_NOISE_SET; kind++)
        for (int labels = ICL_LABELS_LINEAR; labels <= ICL_LABELS_TANH; labels++) {
            icl_batch *batch = draw_noisy(context, kind, labels, PROMPTS);
            check_noise(batch, labels);
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

/* A level of zero leaves the labels as they are without noise, but for the sign of a zero. */
START_TEST(test_a_level_of_zero_is_no_noise) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int variant = 0; variant < PLAIN_VARIANTS; variant++) {
        make_case(ICL_COVARIANCE_DENSE, variant, 3, 5, 0, &c);
        icl_sampler *quiet = make_sampler(context, &c.options, 11);
        c.options.noise_law = ICL_NOISE_SET;
        c.options.noise_values = levels;
        c.options.noise_count = 3;
        icl_sampler *noisy = make_sampler(context, &c.options, 11);
        icl_batch *expected = draw_prompts(context, quiet, 0, 40, 1);
        icl_batch *batch = draw_prompts(context, noisy, 0, 40, 1);
        int silent = 0;
        for (int64_t p = 0; p < 40; p++)
            if (icl_batch_noise(batch)[p] == 0) {
                for (int64_t i = 0; i < 5; i++)
                    ck_assert_double_eq(icl_batch_y(batch)[5 * p + i],
                                        icl_batch_y(expected)[5 * p + i]);
                ck_assert_double_eq(icl_batch_target(batch)[p], icl_batch_target(expected)[p]);
                silent++;
            } else {
                ck_assert_double_ne(icl_batch_y(batch)[5 * p], icl_batch_y(expected)[5 * p]);
            }
        ck_assert(silent > 2 && silent < 38);
        icl_batch_free(batch);
        icl_batch_free(expected);
        icl_sampler_free(noisy);
        icl_sampler_free(quiet);
    }
    icl_context_free(context);
}
END_TEST

/* The largest sets, and levels whose choice comes close to the end. */
START_TEST(test_every_level_can_be_drawn) {
    enum { LEVELS = 65536 };
    static law_case c;
    static double many[LEVELS];
    for (int i = 0; i < LEVELS; i++)
        many[i] = i;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 1, 0, 0, &c);
    c.options.noise_law = ICL_NOISE_SET;
    c.options.noise_values = many;
    c.options.noise_count = LEVELS;
    icl_sampler *sampler = make_sampler(context, &c.options, 3);
    icl_batch *batch = draw_prompts(context, sampler, 0, 10 * PROMPTS, 1);
    double least = LEVELS, greatest = 0;
    int64_t counts[64] = {0};
    for (int64_t p = 0; p < 10 * PROMPTS; p++) {
        double level = sqrt(icl_batch_noise(batch)[p]);
        least = fmin(least, level);
        greatest = fmax(greatest, level);
        counts[(int)level / (LEVELS / 64)]++;
    }
    ck_assert(least <= 8 && greatest >= LEVELS - 8); /* missed with probability e^-24 */
    assert_even("levels", 64, counts);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* Stored bits: index e of purposes 3 and 5 of prompt 5 of seed 4711, frozen in <icl/task.h>. */
START_TEST(test_stored_bits) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, PLAIN_VARIANTS, 3, 2, 0, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 4711);
    icl_batch *batch = draw_prompts(context, sampler, 5, 1, 1);
    const double X[6] = {0x1.277c8cbf3adf8p-2, 0x1.2bedde82e496fp-1, -0x1.50a45461e80e1p+0,
                         0x1.3edddcf0580f4p+0, 0x1.eee79aa033231p-2, -0x1.d96d21483143p-2};
    const double query[3] = {0x1.870d0873f399ap-1, -0x1.7e3c4c0bd1386p+0, 0x1.00e91ae1e26a5p+0};
    ck_assert_mem_eq(icl_batch_X(batch), X, sizeof X);
    ck_assert_mem_eq(icl_batch_query(batch), query, sizeof query);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* The same of purpose 8, prompts 0 to 2 of seed 33. */
START_TEST(test_stored_levels) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *uniform = draw_noisy(context, ICL_NOISE_UNIFORM, ICL_LABELS_LINEAR, 3);
    icl_batch *set = draw_noisy(context, ICL_NOISE_SET, ICL_LABELS_LINEAR, 3);
    const double expected[3] = {0x1.7b268c6c80a0bp-1, 0x1.d598cc684cfc2p+0, 0x1.88f1191d64d2cp-3};
    const double chosen[3] = {1, 1, 0};
    ck_assert_mem_eq(icl_batch_noise(uniform), expected, sizeof expected);
    ck_assert_mem_eq(icl_batch_noise(set), chosen, sizeof chosen);
    icl_batch_free(uniform);
    icl_batch_free(set);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("sampler_laws", test_coordinates_are_uniform,
          test_tasks_and_noise_do_not_depend_on_the_covariates, test_uniform_levels,
          test_levels_of_a_set, test_a_prompt_has_one_level, test_a_level_of_zero_is_no_noise,
          test_every_level_can_be_drawn, test_stored_bits, test_stored_levels)
