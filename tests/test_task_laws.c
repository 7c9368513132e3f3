/* The laws of tasks and covariances: what is exact, and moments with z-scores. */
#include "statistics.h"
#include "task_reference.h"

enum { PROMPTS = 20000 };

static icl_batch *draw_law(icl_context *context, const icl_law_options *o, uint64_t seed) {
    icl_sampler *sampler = make_sampler(context, o, seed);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
    icl_sampler_free(sampler);
    return batch;
}

static double trace_of(const icl_law *law) {
    double trace = 0;
    for (int64_t i = 0; i < law->dim; i++)
        trace += law->covariance[i * (law->dim + 1)];
    return trace;
}

/* ---- covariances ---- */

START_TEST(test_traces) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kind = 0; kind <= ICL_COVARIANCE_POWER; kind++)
        for (int trace = ICL_TRACE_DIM; trace <= ICL_TRACE_ONE && kind != 4; trace++) {
            make_case(0, 0, 7, 2, 0, &c.base);
            c.number = 3;
            c.base.options.covariance = (icl_covariance)kind;
            c.base.options.covariance_values = kind > ICL_COVARIANCE_INVERSE  ? &c.number
                                               : kind == ICL_COVARIANCE_DENSE ? c.base.dense
                                                                              : c.base.eigenvalues;
            c.base.options.trace = (icl_trace)trace;
            icl_law *law = make_law(context, &c.base.options);
            ASSERT_CLOSE(trace_of(law), trace == ICL_TRACE_DIM ? 7 : 1, TOL_ALGEBRA(7, 1), 7);
            icl_law_free(law);
        }
    icl_context_free(context);
}
END_TEST

/* Fu et al.: half the eigenvalues are kappa times the others, for odd d the smaller half. */
START_TEST(test_halves_and_powers) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t d = 1; d <= 9; d++) {
        make_case(0, 0, d, 2, 0, &c.base);
        c.number = 100;
        c.base.options.covariance = ICL_COVARIANCE_HALVES;
        c.base.options.covariance_values = &c.number;
        icl_law *law = make_law(context, &c.base.options);
        for (int64_t i = 0; i < d; i++)
            ck_assert_double_eq(law->values[i], i < d - d / 2 ? 1 : 100);
        icl_law_free(law);
        c.number = 2;
        c.base.options.covariance = ICL_COVARIANCE_POWER;
        law = make_law(context, &c.base.options);
        for (int64_t i = 0; i < d; i++)
            ASSERT_CLOSE(law->values[i], 1 / (double)((d - i) * (d - i)), 4 * UNIT, 1);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

/* ---- rotations that are drawn ---- */

/* The Sigma of a prompt has the eigenvalues asked for: trace, trace of its square, and
 * (Sigma - a I)(Sigma - b I) = 0 for the two that there are; numbers of one K share it. */
START_TEST(test_spectra_of_prompts) {
    enum { DIM = 6 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t every = 1; every <= 5; every += 4) {
        make_case(0, 0, DIM, 4, 0, &c.base);
        set_halves(&c);
        c.base.options.prior = ICL_COVARIANCE_IDENTITY;
        c.base.options.rotation_every = every;
        icl_sampler *sampler = make_sampler(context, &c.base.options, 3);
        double high = 100 * 2.0 / 101, low = 2.0 / 101, before[DIM * DIM] = {0};
        for (int64_t p = 0; p < 30; p++) {
            double sigma[DIM * DIM], trace = 0;
            ASSERT_OK(context, icl_sampler_covariance(sampler, p, sigma));
            for (int i = 0; i < DIM; i++) {
                trace += sigma[i * (DIM + 1)];
                for (int j = 0; j < DIM; j++) {
                    double entry = (i == j) * high * low - (high + low) * sigma[i * DIM + j];
                    for (int k = 0; k < DIM; k++)
                        entry += sigma[i * DIM + k] * sigma[k * DIM + j];
                    ASSERT_CLOSE(entry, 0, TOL_ALGEBRA(DIM, 1), high * high);
                }
            }
            ASSERT_CLOSE(trace, DIM, TOL_ALGEBRA(DIM, 1), DIM);
            int same = memcmp(before, sigma, sizeof sigma) == 0;
            ck_assert_int_eq(same, p % every != 0);
            memcpy(before, sigma, sizeof sigma);
        }
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* Given its Sigma the examples of a prompt are N(0, Sigma), queries too: Sigma^-1 whitens them. */
START_TEST(test_examples_have_the_sigma_of_their_prompt) {
    enum { DIM = 4 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, DIM, 1, 0, &c.base);
    set_halves(&c);
    c.base.options.prior = ICL_COVARIANCE_IDENTITY;
    c.base.options.rotation_every = 1;
    icl_sampler *sampler = make_sampler(context, &c.base.options, 3);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
    double high = 100 * 2.0 / 101, low = 2.0 / 101;
    tally distance[2] = {{0}}, square[2] = {{0}}, form[2] = {{0}}, corner = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *vectors[2] = {icl_batch_X(batch) + DIM * p, icl_batch_query(batch) + DIM * p};
        double sigma[DIM * DIM];
        ASSERT_OK(context, icl_sampler_covariance(sampler, p, sigma));
        tally_add(&corner, sigma[1]);
        for (int v = 0; v < 2; v++) {
            double xx = 0, xsx = 0;
            for (int i = 0; i < DIM; i++) {
                xx += vectors[v][i] * vectors[v][i];
                for (int j = 0; j < DIM; j++)
                    xsx += vectors[v][i] * sigma[i * DIM + j] * vectors[v][j];
            }
            /* with two eigenvalues Sigma^-1 = ((a + b) I - Sigma) / (a b) */
            double mahalanobis = ((high + low) * xx - xsx) / (high * low);
            tally_add(&distance[v], mahalanobis);
            tally_add(&square[v], mahalanobis * mahalanobis);
            tally_add(&form[v], xsx);
        }
    }
    for (int v = 0; v < 2; v++) {
        assert_tally("x^T Sigma^-1 x", &distance[v], DIM);
        assert_tally("(x^T Sigma^-1 x)^2", &square[v], DIM * (DIM + 2));
        assert_tally("x^T Sigma x", &form[v], DIM / 2 * (high * high + low * low));
    }
    assert_tally("Sigma_01", &corner, 0);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* Haar: each entry of V has E v^2 = 1/d and E v^4 = 3/(d (d + 2)), by Sigma_ii of a spectrum of
 * one 1. */
START_TEST(test_rotations_are_haar) {
    enum { DIM = 5 };
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_SPECTRUM, 0, DIM, 0, 0, &c);
    memset(c.eigenvalues, 0, sizeof c.eigenvalues);
    c.eigenvalues[2] = 1;
    c.options.rotation_every = 1;
    icl_sampler *sampler = make_sampler(context, &c.options, 3);
    tally square[DIM] = {{0}}, fourth[DIM] = {{0}}, product = {0};
    for (int64_t p = 0; p < PROMPTS / 4; p++) {
        double sigma[DIM * DIM];
        ASSERT_OK(context, icl_sampler_covariance(sampler, p, sigma));
        for (int i = 0; i < DIM; i++) {
            tally_add(&square[i], sigma[i * (DIM + 1)]);
            tally_add(&fourth[i], pow(sigma[i * (DIM + 1)], 2));
        }
        tally_add(&product, sigma[DIM + 4] * sigma[2 * DIM + 3]);
    }
    for (int i = 0; i < DIM; i++) {
        assert_tally("v^2", &square[i], 1.0 / DIM);
        assert_tally("v^4", &fourth[i], 3.0 / (DIM * (DIM + 2)));
    }
    assert_tally("v_1 v_4 v_2 v_3", &product, 0);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* What the law says of a Sigma that turns: its mean; and that of a W which turns with it. */
START_TEST(test_means_of_rotating_laws) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_SPECTRUM, ICL_COVARIANCE_INVERSE, 5, 2, 0, &c);
    c.options.rotation_every = 2;
    icl_law *law = make_law(context, &c.options);
    double sum = 0, inverse = 0;
    for (int i = 0; i < 5; i++) {
        sum += c.eigenvalues[i] / 5;
        inverse += 1 / c.eigenvalues[i] / 5;
    }
    for (int i = 0; i < 25; i++) {
        ASSERT_CLOSE(icl_law_covariance(law)[i], i % 6 == 0 ? sum : 0, 16 * UNIT, sum);
        ASSERT_CLOSE(icl_law_prior(law)[i], i % 6 == 0 ? inverse : 0, 16 * UNIT, inverse);
    }
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

/* ---- tasks ---- */

/* E w = 0, E w_0 w_1 = 0, E w_0^2 and E y^2. */
static void check_tasks(const char *name, const icl_batch *batch, double variance, double power) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch);
    tally mean = {0}, square = {0}, product = {0}, label = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *w = icl_batch_task(batch) + p * d;
        tally_add(&mean, w[0]);
        tally_add(&square, w[0] * w[0]);
        tally_add(&product, w[0] * w[1]);
        tally_add(&label, pow(icl_batch_y(batch)[p * n], 2));
    }
    assert_tally(name, &mean, 0);
    assert_tally(name, &square, variance);
    if (product.squares > 0) /* two of the weights are not 0 at a time */
        assert_tally(name, &product, 0);
    assert_tally(name, &label, power);
}

START_TEST(test_sphere_tasks) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 6, 2, 0.1, &c);
    c.options.tasks = ICL_TASKS_SPHERE;
    c.options.trace = ICL_TRACE_ONE;
    icl_batch *batch = draw_law(context, &c.options, 7);
    for (int64_t p = 0; p < PROMPTS; p++) {
        double norm2 = 0;
        for (int64_t j = 0; j < 6; j++)
            norm2 += pow(icl_batch_task(batch)[6 * p + j], 2);
        QUICK_CLOSE(norm2, 6, 6 * 20 * UNIT);
    }
    check_tasks("Lu's tasks", batch, 1, 1 + 0.1); /* E y^2 = 1 + rho */
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_sparse_tasks) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t s = 1; s <= 6; s++) {
        make_case(0, 0, 6, 2, 0, &c);
        c.options.tasks = ICL_TASKS_SPARSE;
        c.options.sparsity = s;
        icl_batch *batch = draw_law(context, &c.options, 8);
        int64_t supports[64] = {0}, seen[64], kinds = 0;
        for (int64_t p = 0; p < PROMPTS; p++) {
            int64_t support = 0, count = 0;
            for (int64_t j = 0; j < 6; j++)
                if (icl_batch_task(batch)[6 * p + j] != 0) {
                    support |= INT64_C(1) << j;
                    count++;
                }
            QUICK_ASSERT(count == s, "%d weights are not 0", (int)count);
            supports[support]++;
        }
        for (int i = 0; i < 64; i++)
            if (supports[i] > 0)
                seen[kinds++] = supports[i];
        const int64_t expected[] = {6, 15, 20, 15, 6, 1};
        ck_assert_int_eq(kinds, expected[s - 1]);
        if (kinds > 1)
            assert_even("supports", kinds, seen);
        check_tasks("sparse tasks", batch, (double)s / 6, (double)s);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* Every entry is as likely, and it is the prompt's w to the bit. */
START_TEST(test_pools) {
    static law_case c;
    const int64_t sizes[] = {1, 2, 7, 64};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < 4; i++) {
        make_case(0, 0, 3, 1, 0, &c);
        c.options.pool = sizes[i];
        icl_sampler *sampler = make_sampler(context, &c.options, 9);
        const icl_law *law = icl_sampler_law(sampler);
        icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
        int64_t counts[64] = {0};
        ck_assert_int_eq(icl_law_pool_count(law), sizes[i]);
        for (int64_t p = 0; p < PROMPTS; p++) {
            int64_t k = icl_batch_task_index(batch)[p];
            QUICK_ASSERT(k >= 0 && k < sizes[i], "entry %d", (int)k);
            counts[k]++;
            QUICK_ASSERT(memcmp(icl_batch_task(batch) + 3 * p, icl_law_pool(law) + 3 * k,
                                3 * sizeof(double)) == 0,
                         "prompt %d has another w", (int)p);
        }
        if (sizes[i] == 2)
            assert_mean_of("entries", (double)counts[1], PROMPTS, 0.5, 0.25);
        else if (sizes[i] > 2)
            assert_even("entries", sizes[i], counts);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* Two samplers of one law, or of two with one pool_seed, share the pool; its entries are the tasks
 * of the law without it. */
START_TEST(test_pools_are_the_laws) {
    enum { K = 21 };
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_DENSE, PRIORS + ICL_COVARIANCE_INVERSE, 3, 1, 0, &c);
    c.options.pool_seed = 5;
    icl_sampler *plain = make_sampler(context, &c.options, 5);
    icl_batch *batch = draw_prompts(context, plain, 0, K, 1);
    c.options.pool = K;
    icl_law *law = make_law(context, &c.options), *with;
    ck_assert_mem_eq(icl_law_pool(law), icl_batch_task(batch), K * 3 * sizeof(double));
    ASSERT_OK(context, icl_law_with(law, 3, 1, &with));
    ck_assert_ptr_eq(icl_law_pool(with), icl_law_pool(law));
    icl_law_free(law);
    ck_assert_int_eq(icl_law_pool_count(with), K);
    icl_law_free(with);
    icl_batch_free(batch);
    icl_sampler_free(plain);
    ck_assert(icl_law_pool(NULL) == NULL && icl_law_pool_count(NULL) == 0);
    ck_assert_ptr_null(icl_batch_task_index(NULL));
    icl_context_free(context);
}
END_TEST

/* A batch of the caller's own prompts, or one that was never filled, has no places. */
START_TEST(test_places_are_forgotten) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 2, 1, 0, &c);
    c.options.pool = 2;
    icl_sampler *sampler = make_sampler(context, &c.options, 9);
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_batch(sampler, 3, 1, ICL_CONTENTS_ALL, &batch));
    for (int turn = 0; turn < 2; turn++) {
        const double X[6] = {0}, y[3] = {0};
        for (int p = 0; p < 3; p++)
            ck_assert_int_eq(icl_batch_task_index(batch)[p], -1);
        ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
        ck_assert_int_ge(icl_batch_task_index(batch)[2], 0);
        ASSERT_OK(context, icl_batch_assign(batch, X, y, X, NULL));
    }
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* The law says the covariance of w that its draws have. */
START_TEST(test_covariances_of_tasks) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int law = 0; law < WIDE_LAWS; law++) {
        make_wide_case(law, 3, 1, 0, &c);
        icl_sampler *sampler = make_sampler(context, &c.base.options, 3);
        icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
        const double *W = icl_law_prior(icl_sampler_law(sampler));
        const double *mu = icl_law_prior_mean(icl_sampler_law(sampler));
        for (int i = 0; i < 3 && W != NULL; i++)
            for (int j = 0; j <= i; j++) {
                tally t = {0};
                for (int64_t p = 0; p < PROMPTS; p++) {
                    const double *w = icl_batch_task(batch) + 3 * p;
                    tally_add(&t, (w[i] - (mu != NULL ? mu[i] : 0)) *
                                      (w[j] - (mu != NULL ? mu[j] : 0)));
                }
                if (t.squares > 0 || W[3 * i + j] != 0) /* of a sparse w most products are 0 */
                    assert_tally(wide_laws[law].name, &t, W[3 * i + j]);
            }
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("task_laws", test_traces, test_halves_and_powers, test_spectra_of_prompts,
          test_examples_have_the_sigma_of_their_prompt, test_rotations_are_haar,
          test_means_of_rotating_laws, test_sphere_tasks, test_sparse_tasks, test_pools,
          test_pools_are_the_laws, test_places_are_forgotten, test_covariances_of_tasks)
