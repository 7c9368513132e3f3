/* The law of uniform covariates. */
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

RUN_SUITE("sampler_laws", test_coordinates_are_uniform,
          test_tasks_and_noise_do_not_depend_on_the_covariates, test_stored_bits)
