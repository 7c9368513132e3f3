/* Samplers: every prompt of every law recomputed from its definition, at degenerate and at large
 * sizes; moments from the examples; arguments, life. */
#include "prompt_reference.h"

static void assert_sized(const char *name, int64_t prompt, int64_t i, double got, sized exact,
                         double tolerance) {
    QUICK_ASSERT(fabsl(got - exact.value) <= tolerance * exact.size,
                 "%s of prompt %lld, %lld: %.17g instead of %.17Lg, off by %.3Lg", name,
                 (long long)prompt, (long long)i, got, exact.value, fabsl(got - exact.value));
}

/* n examples or q queries of prompt p of the batch. */
static void check_examples(const reference_law *r, const reference_task *t, int64_t prompt,
                           int query, int64_t count, const double *X, const double *y) {
    int64_t d = r->options.dim;
    double tolerance = TOL_PROMPT(d, r->options.labels == ICL_LABELS_NET ? r->options.hidden : 0);
    sized x[MAX_DIM];
    for (int64_t i = 0; i < count; i++) {
        sized label = reference_example(r, t, prompt, query, i, x);
        for (int64_t j = 0; j < d; j++)
            assert_sized(query ? "query" : "X", prompt, i * d + j, X[i * d + j], x[j], tolerance);
        assert_sized(query ? "target" : "y", prompt, i, y[i], label, tolerance);
    }
}

static void check_prompt(const reference_law *r, const icl_batch *batch, int64_t first, int64_t p) {
    int64_t d = r->options.dim, n = r->options.context, q = icl_batch_queries(batch);
    static reference_task t;
    reference_draw_task(r, first + p, &t);
    int net = r->options.labels == ICL_LABELS_NET;
    for (int64_t j = 0; j < d; j++)
        assert_sized("task", first + p, j, icl_batch_task(batch)[p * d + j],
                     net ? (sized){0, 0} : t.w[j], TOL_PROMPT(d, 0));
    QUICK_CLOSE(icl_batch_noise(batch)[p], (double)(t.sigma * t.sigma),
                4 * UNIT * (double)(t.sigma * t.sigma));
    check_examples(r, &t, first + p, 0, n, icl_batch_X(batch) + p * n * d,
                   icl_batch_y(batch) + p * n);
    check_examples(r, &t, first + p, 1, q, icl_batch_query(batch) + p * q * d,
                   icl_batch_target(batch) + p * q);
}

/* |got - sum / n| within the rounding of a sum of n terms and its mean. */
static void assert_mean(double got, long double sum, long double size, int64_t n) {
    long double exact = n > 0 ? sum / n : 0, scale = n > 0 ? size / n : 0;
    QUICK_CLOSE((double)(got - exact), 0, (double)(n + 2) * UNIT * (double)scale);
}

/* S, b and s_yy of prompt p against their definition on the batch's own X and y. */
static void check_moments(const icl_batch *batch, int64_t p) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch), D = d + 1;
    const double *X = icl_batch_X(batch) + p * n * d, *y = icl_batch_y(batch) + p * n;
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++) {
            long double sum = 0, size = 0;
            for (int64_t k = 0; k < n; k++) {
                long double term =
                    (long double)(i < d ? X[k * d + i] : y[k]) * (j < d ? X[k * d + j] : y[k]);
                sum += term;
                size += fabsl(term);
            }
            double got = i < d && j < d ? icl_batch_S(batch)[(p * d + i) * d + j]
                         : i < d        ? icl_batch_b(batch)[p * d + i]
                         : j < d        ? icl_batch_b(batch)[p * d + j]
                                        : icl_batch_syy(batch)[p];
            assert_mean(got, sum, size, n);
        }
}

typedef struct shape {
    int64_t d, n, q, prompts, first;
    double noise;
} shape;

/* Every `every`-th prompt of a batch of the law; hidden: the width of nets. */
static void check_case(icl_context *context, int covariance, int variant, shape s, int64_t hidden,
                       int64_t every) {
    static law_case c;
    make_case(covariance, variant, s.d, s.n, s.noise, &c);
    c.options.hidden = hidden;
    icl_sampler *sampler = make_sampler(context, &c.options, 4711);
    icl_batch *batch = draw_prompts(context, sampler, s.first, s.prompts, s.q);
    reference_law r = make_reference(context, sampler, &c.options, 4711);
    for (int64_t p = 0; p < s.prompts; p += every) {
        check_prompt(&r, batch, s.first, p);
        check_moments(batch, p);
    }
    free_reference(&r);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
}

START_TEST(test_every_law_from_its_definition) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int covariance = 0; covariance < COVARIANCES; covariance++)
        for (int variant = 0; variant < VARIANTS; variant++)
            check_case(context, covariance, variant, (shape){5, 7, 3, 11, 5, 0.25}, 3, 1);
    icl_context_free(context);
}
END_TEST

START_TEST(test_degenerate_sizes) {
    const shape shapes[] = {{1, 1, 1, 1, 0, 0},  {1, 0, 1, 9, 3, 1}, {1, 6, 2, 8, 0, 0},
                            {4, 2, 1, 1, 7, 0},  {3, 0, 5, 3, 0, 0}, {2, 5, 1, 17, 1000, 0.5},
                            {6, 1, 9, 2, 0, 1e4}};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < 7; i++)
        for (int variant = 0; variant < VARIANTS; variant += 1 + variant % 2)
            check_case(context, i % COVARIANCES, variant, shapes[i], 3, 1);
    icl_context_free(context);
}
END_TEST

START_TEST(test_widths_of_nets) {
    const int64_t widths[] = {1, 2, 7, MAX_HIDDEN};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < 4; i++)
        for (int64_t d = 1; d <= 5; d++)
            check_case(context, (int)d % COVARIANCES, FIRST_NONLINEAR + 4,
                       (shape){d, 4, 2, 9, 1, 0.5}, widths[i], 1);
    icl_context_free(context);
}
END_TEST

/* Examples are drawn 512 / d at a time, in multiples of four and at least four. */
START_TEST(test_sizes_across_chunks) {
    const shape shapes[] = {{130, 11, 6, 2, 1, 0.5}, {129, 4, 4, 1, 0, 0.5},  {128, 5, 1, 1, 0, 0},
                            {3, 169, 340, 3, 8, 1},  {1, 513, 1025, 2, 0, 1}, {64, 8, 9, 9, 2, 0}};
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    for (int i = 0; i < 6; i++)
        for (int covariance = 0; covariance < COVARIANCES; covariance++)
            check_case(context, covariance, i % 2 ? FIRST_NONLINEAR + i : PRIORS + i % PRIORS,
                       shapes[i], 3, 4);
    icl_context_free(context);
}
END_TEST

/* The last prompts there are, and the largest seed. */
START_TEST(test_last_prompts) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_IDENTITY, ICL_COVARIANCE_IDENTITY, 2, 3, 1, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, INT64_MAX);
    const int64_t last = (INT64_C(1) << 62) - 3;
    icl_batch *batch = draw_prompts(context, sampler, last, 3, 1);
    reference_law r = make_reference(context, sampler, &c.options, INT64_MAX);
    for (int64_t p = 0; p < 3; p++)
        check_prompt(&r, batch, last, p);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = 4611686018427387902",
                 icl_sampler_draw(sampler, last + 1, batch));
    free_reference(&r);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* Far out the sine is libm's: the definition still holds, to the argument's own rounding. */
START_TEST(test_sines_of_large_arguments) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_DIAGONAL, FIRST_NONLINEAR + 2, 2, 40, 0, &c);
    ck_assert_int_eq(c.options.labels, ICL_LABELS_SIN);
    c.eigenvalues[0] = 1e12;
    c.eigenvalues[1] = 1e10;
    icl_sampler *sampler = make_sampler(context, &c.options, 1);
    icl_batch *batch = draw_prompts(context, sampler, 0, 16, 1);
    int64_t beyond = 0;
    for (int64_t p = 0; p < 16; p++)
        for (int64_t i = 0; i < 40; i++) {
            const double *x = icl_batch_X(batch) + 2 * (40 * p + i);
            const double *w = icl_batch_task(batch) + 2 * p;
            double s = fma(w[1], x[1], w[0] * x[0]); /* in the library's order */
            ASSERT_CLOSE(icl_batch_y(batch)[40 * p + i], (double)sinl(2 * (long double)s), 4 * UNIT,
                         1);
            beyond += fabs(2 * s) > 0x1p20;
        }
    ck_assert(beyond > 100 && beyond < 540); /* both functions are used, and in one group */
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* Laws that are one law have one sample: W = I and the inverse of I; a diagonal of ones. */
START_TEST(test_one_law_said_in_two_ways) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_IDENTITY, ICL_COVARIANCE_IDENTITY, 3, 6, 1, &c);
    icl_sampler *plain = make_sampler(context, &c.options, 5);
    icl_batch *expected = draw_prompts(context, plain, 0, 9, 2);
    for (int way = 0; way < 3; way++) {
        make_case(way == 1 ? ICL_COVARIANCE_DIAGONAL : ICL_COVARIANCE_IDENTITY,
                  way == 0 ? ICL_COVARIANCE_INVERSE : ICL_COVARIANCE_IDENTITY, 3, 6, 1, &c);
        for (int i = 0; i < 3; i++)
            c.eigenvalues[i] = 1;
        memset(c.mean, 0, sizeof c.mean);
        c.options.prior_mean = way == 2 ? c.mean : NULL;
        icl_sampler *other = make_sampler(context, &c.options, 5);
        icl_batch *batch = draw_prompts(context, other, 0, 9, 2);
        check_same_prompts(batch, 0, expected, 0, 9);
        icl_batch_free(batch);
        icl_sampler_free(other);
    }
    icl_batch_free(expected);
    icl_sampler_free(plain);
    icl_context_free(context);
}
END_TEST

/* ---- arguments and life ---- */

START_TEST(test_bad_arguments) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 3, 6, 1, &c);
    icl_law *law = make_law(context, &c.options);
    icl_sampler *sampler = (icl_sampler *)law;
    ck_assert_int_eq(icl_sampler_create(NULL, law, 0, &sampler), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(sampler);
    sampler = (icl_sampler *)law;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "law is NULL",
                 icl_sampler_create(context, NULL, 0, &sampler));
    ck_assert_ptr_null(sampler);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL",
                 icl_sampler_create(context, law, 0, NULL));
    sampler = (icl_sampler *)law;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "seed = 9223372036854775808",
                 icl_sampler_create(context, law, UINT64_C(1) << 63, &sampler));
    ck_assert_ptr_null(sampler);
    ck_assert_ptr_null(icl_sampler_law(NULL));
    icl_sampler_free(NULL);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_bad_batches) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 3, 6, 1, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 0);
    icl_batch *batch = (icl_batch *)sampler;
    ck_assert_int_eq(icl_sampler_batch(NULL, 1, 1, 0, &batch), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(batch);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL",
                 icl_sampler_batch(sampler, 1, 1, 0, NULL));
    batch = (icl_batch *)sampler;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prompts = 0",
                 icl_sampler_batch(sampler, 0, 1, 0, &batch));
    ck_assert_ptr_null(batch);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "queries = 0",
                 icl_sampler_batch(sampler, 1, 0, 0, &batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "contents = 8",
                 icl_sampler_batch(sampler, 1, 1, 8, &batch));
    batch = draw_prompts(context, sampler, 0, 2, 1);
    ck_assert_int_eq(icl_sampler_draw(NULL, 0, batch), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "batch is NULL", icl_sampler_draw(sampler, 0, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = -1", icl_sampler_draw(sampler, -1, batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = 9223372036854775807",
                 icl_sampler_draw(sampler, INT64_MAX, batch));
    for (int wrong = 0; wrong < 2; wrong++) {
        make_case(0, 0, 3 + wrong, 7 - wrong, 1, &c);
        icl_sampler *other = make_sampler(context, &c.options, 0);
        icl_batch *before = draw_prompts(context, sampler, 0, 2, 1);
        ASSERT_FAILS(context, ICL_ERR_SHAPE, "has dim 3 and context 6",
                     icl_sampler_draw(other, 0, batch));
        check_same_prompts(batch, 0, before, 0, 2); /* untouched */
        icl_batch_free(before);
        icl_sampler_free(other);
    }
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* Law, sampler, batch and context are freed in an order that no user should need. */
START_TEST(test_frees_in_any_order) {
    static law_case c;
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_DENSE, PRIORS + ICL_COVARIANCE_SPECTRUM, 3, 6, 1, &c);
    icl_law *law = make_law(context, &c.options), *shifted;
    icl_sampler *sampler, *second;
    ASSERT_OK(context, icl_sampler_create(context, law, 9, &sampler));
    ck_assert_ptr_eq(icl_law_covariance(icl_sampler_law(sampler)), icl_law_covariance(law));
    icl_context_free(context);
    icl_law_free(law);
    ck_assert_int_eq(icl_law_with(icl_sampler_law(sampler), 4, 0, &shifted), ICL_OK);
    ck_assert_int_eq(icl_sampler_create(context, shifted, 9, &second), ICL_OK);
    icl_batch *batch, *shorter;
    ck_assert_int_eq(icl_sampler_batch(sampler, 5, 1, ICL_CONTENTS_ALL, &batch), ICL_OK);
    ck_assert_int_eq(icl_sampler_draw(sampler, 0, batch), ICL_OK);
    icl_sampler_free(sampler);
    icl_law_free(shifted);
    ck_assert_int_eq(icl_sampler_batch(second, 5, 1, ICL_CONTENTS_ALL, &shorter), ICL_OK);
    ck_assert_int_eq(icl_sampler_draw(second, 0, shorter), ICL_OK);
    icl_sampler_free(second);
    ck_assert_mem_eq(icl_batch_X(shorter), icl_batch_X(batch), 12 * sizeof(double));
    icl_batch_free(batch);
    icl_batch_free(shorter);
}
END_TEST

static icl_status draw_once(icl_context *context, void *user) {
    const law_case *c = user;
    icl_law *law;
    icl_sampler *sampler = NULL;
    icl_batch *batch = NULL;
    icl_status status = icl_law_create(context, &c->options, &law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, law, 3, &sampler);
    ck_assert((sampler == NULL) == (status != ICL_OK));
    if (status == ICL_OK)
        status = icl_sampler_batch(sampler, 9, 2, ICL_CONTENTS_ALL, &batch);
    if (status == ICL_OK)
        status = icl_sampler_draw(sampler, 0, batch);
    icl_law_free(law);
    icl_sampler_free(sampler);
    icl_batch_free(batch);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    static law_case c;
    for (int variant = 0; variant < VARIANTS; variant++) {
        make_case(variant % COVARIANCES, variant, 4, 3, 0.5, &c);
        check_every_allocation(draw_once, &c);
    }
}
END_TEST

RUN_SUITE("sampler", test_every_law_from_its_definition, test_degenerate_sizes, test_widths_of_nets,
          test_sizes_across_chunks, test_last_prompts, test_sines_of_large_arguments,
          test_one_law_said_in_two_ways, test_bad_arguments, test_bad_batches,
          test_frees_in_any_order, test_every_allocation_may_fail)
