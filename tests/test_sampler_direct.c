/* Moments that are drawn without examples: from the documented layout, what they share with
 * icl_sampler_draw, what their bits do not depend on, arguments. Their law:
 * test_sampler_direct_law.c. */
#include "prompt_reference.h"
#include "task/batch.h"

enum { NOT_EXAMPLES = ICL_CONTENTS_MOMENTS | ICL_CONTENTS_TASKS };

/* A batch with prompts first.. of the sampler, drawn directly. */
static icl_batch *draw_direct(icl_context *context, const icl_sampler *sampler, int64_t first,
                              int64_t prompts, int64_t queries) {
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, queries, NOT_EXAMPLES, &batch));
    ASSERT_OK(context, icl_sampler_draw_moments(sampler, first, batch));
    return batch;
}

/* Gaussian covariates and linear labels; noise: of icl_noise_law. */
static void make_direct_case(int covariance, int variant, int64_t d, int64_t n, int noise,
                             law_case *c) {
    ck_assert_int_lt(variant, FIRST_NONLINEAR);
    make_case(covariance, variant, d, n, 0.3, c);
    c->options.noise_law = (icl_noise_law)noise;
    c->options.noise_values = c->levels;
    c->options.noise_count = 3;
    c->levels[1] = 0;
}

/* ---- the layout ---- */

enum { MAX_TOKEN = MAX_DIM + 1 };

/* Column l of T C: z_l is a chi, what is below comes column by column from purpose 10. */
static void reference_column(const reference_law *r, const reference_task *t, int64_t prompt,
                             int64_t l, sized *a) {
    int64_t d = r->options.dim, first = l * d - l * (l - 1) / 2;
    static long double z[MAX_TOKEN], size[MAX_TOKEN];
    for (int64_t j = 0; j <= d; j++) {
        reference_chi chi = {0};
        if (j == l)
            chi = reference_draw_chi(r->seed, prompt, l, r->options.context - l);
        z[j] = j < l    ? 0
               : j == l ? chi.value
                        : reference_prompt_normal(r->seed, 10, prompt, first + j - l - 1);
        size[j] = j < l ? 0
                  : j == l
                      ? reference_chi_error(&chi, r->options.context - l) / TOL_NORMAL + fabsl(z[j])
                      : 1 + fabsl(z[j]);
    }
    a[d] = (sized){t->sigma * z[d], t->sigma * size[d]};
    for (int64_t i = 0; i < d; i++) {
        a[i] = (sized){0, 0};
        for (int64_t j = l; j < d; j++) {
            a[i].value += r->root[i * d + j] * z[j];
            a[i].size += fabs(r->root[i * d + j]) * size[j];
        }
        a[d].value += t->w[i].value * a[i].value;
        a[d].size += t->w[i].size * a[i].size;
    }
}

/* G (D x D) of prompt p of the batch. */
static double gram_entry(const icl_batch *batch, int64_t p, int64_t i, int64_t j) {
    int64_t d = icl_batch_dim(batch);
    if (i == d && j == d)
        return icl_batch_syy(batch)[p];
    if (i == d || j == d)
        return icl_batch_b(batch)[p * d + (i < d ? i : j)];
    return icl_batch_S(batch)[(p * d + i) * d + j];
}

static void check_gram(const reference_law *r, const icl_batch *batch, int64_t first, int64_t p) {
    int64_t d = r->options.dim, D = d + 1, n = r->options.context, columns = n < D ? n : D;
    static sized a[MAX_TOKEN * MAX_TOKEN];
    static reference_task t;
    reference_draw_task(r, first + p, &t);
    for (int64_t l = 0; l < columns; l++)
        reference_column(r, &t, first + p, l, a + l * D);
    /* a product of two entries as exact as they are, and a sum of `columns` of them */
    double tolerance = 2 * TOL_PROMPT(d, 0) + (double)(columns + 2) * UNIT;
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++) {
            long double sum = 0, size = 0;
            for (int64_t l = 0; l < columns; l++) {
                sum += a[l * D + i].value * a[l * D + j].value / (long double)n;
                size += a[l * D + i].size * a[l * D + j].size / (long double)n;
            }
            double got = gram_entry(batch, p, i, j);
            QUICK_ASSERT(fabsl(got - sum) <= tolerance * size,
                         "G(%lld, %lld) of prompt %lld: %.17g instead of %.17Lg, off by %.3Lg",
                         (long long)i, (long long)j, (long long)(first + p), got, sum,
                         fabsl(got - sum));
        }
}

static void check_case(icl_context *context, const law_case *c, int64_t first, int64_t prompts,
                       int64_t every) {
    icl_sampler *sampler = make_sampler(context, &c->options, 4711);
    icl_batch *batch = draw_direct(context, sampler, first, prompts, 1);
    reference_law r = make_reference(context, sampler, &c->options, 4711);
    for (int64_t p = 0; p < prompts; p += every)
        check_gram(&r, batch, first, p);
    free_reference(&r);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
}

START_TEST(test_every_law_from_its_definition) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int covariance = 0; covariance < COVARIANCES; covariance++)
        for (int variant = 0; variant < FIRST_NONLINEAR; variant++) {
            make_direct_case(covariance, variant, 5, 20, variant % 3, &c);
            check_case(context, &c, 3, 11, 1);
        }
    icl_context_free(context);
}
END_TEST

/* Every D up to two of the widest tiles, and n from none to more than D. */
START_TEST(test_sizes) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t d = 1; d <= 9; d++)
        for (int64_t n = 0; n <= d + 3; n++)
            for (int covariance = 0; covariance < COVARIANCES; covariance += 1 + (int)(d % 2)) {
                make_direct_case(covariance, (int)(n % FIRST_NONLINEAR), d, n, (int)(n % 3), &c);
                check_case(context, &c, 0, 3, 1);
            }
    icl_context_free(context);
}
END_TEST

/* Columns are handled 4096 / D at a time: normals of a chunk begin in the midst of a block. */
START_TEST(test_sizes_across_chunks) {
    static law_case c;
    const int64_t sizes[][2] = {{63, 200}, {64, 200}, {66, 66}, {67, 40}, {90, 91}, {132, 64}};
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    for (int i = 0; i < 6; i++)
        for (int covariance = 0; covariance < COVARIANCES; covariance++) {
            make_direct_case(covariance, i, sizes[i][0], sizes[i][1], i % 3, &c);
            check_case(context, &c, 8, 9, 8);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_long_prompts_and_last_ones) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_direct_case(ICL_COVARIANCE_DIAGONAL, 7, 4, INT64_C(1) << 31, 1, &c);
    check_case(context, &c, (INT64_C(1) << 62) - 11, 11, 1);
    icl_context_free(context);
}
END_TEST

/* ---- what it shares with icl_sampler_draw ---- */

/* Prompt by prompt all but the moments. */
static void check_shared(const icl_batch *direct, const icl_batch *drawn, int64_t prompts) {
    int64_t d = icl_batch_dim(drawn), q = icl_batch_queries(drawn);
    size_t word = sizeof(double);
    ck_assert_mem_eq(icl_batch_query(direct), icl_batch_query(drawn),
                     (size_t)(prompts * q * d) * word);
    ck_assert_mem_eq(icl_batch_target(direct), icl_batch_target(drawn),
                     (size_t)(prompts * q) * word);
    ck_assert_mem_eq(icl_batch_task(direct), icl_batch_task(drawn), (size_t)(prompts * d) * word);
    ck_assert_mem_eq(icl_batch_noise(direct), icl_batch_noise(drawn), (size_t)prompts * word);
    if (icl_batch_context(drawn) > 0)
        for (int64_t p = 0; p < prompts; p++)
            ck_assert_double_ne(icl_batch_S(direct)[p * d * d], icl_batch_S(drawn)[p * d * d]);
}

START_TEST(test_the_rest_of_a_prompt_is_the_same) {
    static law_case c;
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    for (int covariance = 0; covariance < COVARIANCES; covariance++)
        for (int variant = 0; variant < FIRST_NONLINEAR; variant++)
            for (int noise = 0; noise <= ICL_NOISE_SET; noise++) {
                make_direct_case(covariance, variant, 3, 5 * (variant % 4), noise, &c);
                icl_sampler *sampler = make_sampler(context, &c.options, 11);
                int64_t queries = variant == 3 ? 400 : 2; /* beyond a chunk */
                icl_batch *direct = draw_direct(context, sampler, 40, 77, queries);
                icl_batch *drawn = draw_prompts(context, sampler, 40, 77, queries);
                check_shared(direct, drawn, 77);
                icl_batch_free(direct);
                icl_batch_free(drawn);
                icl_sampler_free(sampler);
            }
    icl_context_free(context);
}
END_TEST

/* The lanes that models read: whole, symmetric, empty beyond the last prompt. */
START_TEST(test_lanes_hold_the_rows) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t d = 1; d <= 6; d++) {
        int64_t D = d + 1;
        make_direct_case((int)d % COVARIANCES, (int)d, d, 4, 0, &c);
        icl_sampler *sampler = make_sampler(context, &c.options, 11);
        icl_batch *batch = draw_direct(context, sampler, 0, 13, 1);
        for (int64_t lane = 0; lane < 16; lane++)
            for (int64_t e = 0; e < D * D; e++) {
                const double *entry = batch->gram + (lane / 8 * D * D + e) * 8 + lane % 8;
                QUICK_CLOSE(*entry, lane < 13 ? gram_entry(batch, lane, e / D, e % D) : 0, 0);
            }
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* n = 0 has no moments; no noise makes labels of the covariates alone, b = S w, s_yy = w.b. */
START_TEST(test_degenerate_laws) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t n = 0; n <= 8; n += 4) {
        make_case(ICL_COVARIANCE_DENSE, PRIORS + 2, 3, n, 0, &c);
        icl_sampler *sampler = make_sampler(context, &c.options, 11);
        icl_batch *batch = draw_direct(context, sampler, 0, 20, 1);
        for (int64_t p = 0; p < 20; p++) {
            const double *S = icl_batch_S(batch) + 9 * p, *w = icl_batch_task(batch) + 3 * p;
            const double *b = icl_batch_b(batch) + 3 * p;
            double syy = 0, size = 0, sum = 0;
            for (int i = 0; i < 3; i++) {
                double product = 0, bound = 0;
                for (int j = 0; j < 3; j++) {
                    product += S[3 * i + j] * w[j];
                    bound += sqrt(S[4 * i] * S[4 * j]) * fabs(w[j]);
                }
                /* three sums of three terms and of four columns */
                ASSERT_CLOSE(b[i], product, 24 * UNIT, bound);
                syy += w[i] * b[i];
                size += fabs(w[i]) * bound;
                sum += fabs(S[4 * i]);
            }
            ASSERT_CLOSE(icl_batch_syy(batch)[p], syy, 32 * UNIT, size);
            ck_assert((sum > 0) == (n > 0));
        }
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* ---- bits ---- */

static icl_batch *draw_on(const law_case *c, int64_t threads, icl_isa isa, int64_t prompts) {
    icl_context *context = make_context(threads, isa);
    icl_sampler *sampler = make_sampler(context, &c->options, 11);
    icl_batch *batch = draw_direct(context, sampler, 3, prompts, 2);
    icl_sampler_free(sampler);
    icl_context_free(context);
    return batch;
}

/* Products are fused or not: entries of A lie within d + 2 roundings of their size, which is at
 * most sqrt(n G_ii) times the greatest |w| |x| / |y|; the sum over columns adds as many. */
static void check_close(const icl_batch *a, const icl_batch *b, int64_t prompts) {
    int64_t d = icl_batch_dim(a), D = d + 1;
    for (int64_t p = 0; p < prompts; p++) {
        double size[10], y = sqrt(gram_entry(b, p, d, d));
        for (int64_t i = 0; i < d; i++) {
            size[i] = sqrt(gram_entry(b, p, i, i));
            y += fabs(icl_batch_task(b)[p * d + i]) * size[i];
        }
        size[d] = y;
        for (int64_t i = 0; i < D; i++)
            for (int64_t j = 0; j < D; j++)
                QUICK_CLOSE(gram_entry(a, p, i, j), gram_entry(b, p, i, j),
                            4 * (double)(2 * d + 8) * UNIT * size[i] * size[j]);
    }
}

START_TEST(test_instruction_sets_agree) {
    enum { PROMPTS = 19 };
    static law_case c;
    for (int64_t d = 1; d <= 9; d++)
        for (int covariance = 0; covariance < COVARIANCES - 1; covariance++) {
            make_direct_case(covariance, 7, d, 4 + d % 3 * 10, (int)d % 3, &c);
            if (covariance == ICL_COVARIANCE_DENSE) /* a full root that is no LAPACK's */
                make_direct_case(ICL_COVARIANCE_SPECTRUM, 7, d, 13, (int)d % 3, &c);
            icl_batch *baseline = draw_on(&c, 1, ICL_ISA_BASELINE, PROMPTS), *avx2 = NULL;
            for (int isa = ICL_ISA_AVX2; isa <= ICL_ISA_AVX512; isa++) {
                if (!icl_isa_supported((icl_isa)isa))
                    continue;
                icl_batch *batch = draw_on(&c, 1, (icl_isa)isa, PROMPTS);
                ck_assert_mem_eq(icl_batch_target(batch), icl_batch_target(baseline),
                                 2 * PROMPTS * sizeof(double));
                check_close(batch, baseline, PROMPTS);
                if (avx2 != NULL)
                    check_same_prompts(batch, 0, avx2, 0, PROMPTS);
                icl_batch_free(avx2);
                avx2 = batch;
            }
            icl_batch_free(avx2);
            icl_batch_free(baseline);
        }
}
END_TEST

START_TEST(test_threads_agree) {
    static law_case c;
    for (int covariance = 0; covariance < COVARIANCES; covariance++) {
        make_direct_case(covariance, covariance, 3, 5, covariance % 3, &c);
        icl_batch *expected = draw_on(&c, 1, ICL_ISA_AUTO, 300);
        for (int64_t threads = 2; threads <= 3; threads++) {
            icl_batch *batch = draw_on(&c, threads, ICL_ISA_AUTO, 300);
            check_same_prompts(batch, 0, expected, 0, 300);
            icl_batch_free(batch);
        }
        icl_batch_free(expected);
    }
}
END_TEST

START_TEST(test_any_split_of_a_batch_agrees) {
    enum { TOTAL = 85 };
    static law_case c;
    const int64_t lengths[] = {1, 2, 7, 8, 9, 16, 40};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int covariance = 0; covariance < COVARIANCES; covariance++)
        for (int64_t n = 2; n <= 22; n += 5) {
            make_direct_case(covariance, 1, 3, n, (int)n % 3, &c);
            icl_sampler *sampler = make_sampler(context, &c.options, 11);
            icl_batch *whole = draw_direct(context, sampler, 100, TOTAL, 2);
            for (int64_t first = 0, i = n; first < TOTAL; i++) {
                int64_t count = lengths[i % 7] < TOTAL - first ? lengths[i % 7] : TOTAL - first;
                icl_batch *part = draw_direct(context, sampler, 100 + first, count, 2);
                check_same_prompts(part, 0, whole, first, count);
                icl_batch_free(part);
                first += count;
            }
            icl_batch_free(whole);
            icl_sampler_free(sampler);
        }
    icl_context_free(context);
}
END_TEST

/* One batch, filled in both ways in turn, on another context, with any contents. */
START_TEST(test_contents_and_history_do_not_matter) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO), *other = make_context(3, ICL_ISA_AUTO);
    for (int covariance = 0; covariance < COVARIANCES; covariance++) {
        make_direct_case(covariance, 1, 3, 5, 1, &c);
        icl_sampler *sampler = make_sampler(context, &c.options, 11);
        icl_batch *expected = draw_direct(context, sampler, 0, 77, 2);
        icl_batch *drawn = draw_prompts(context, sampler, 0, 77, 2);
        for (uint32_t contents = 0; contents <= ICL_CONTENTS_ALL; contents++) {
            if (contents & ICL_CONTENTS_EXAMPLES)
                continue;
            icl_batch_options o;
            ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
            o.prompts = 77;
            o.dim = 3;
            o.context = 5;
            o.queries = 2;
            o.contents = contents;
            icl_batch *batch;
            ASSERT_OK(other, icl_batch_create(other, &o, &batch));
            for (int turn = 0; turn < 2; turn++) {
                ASSERT_OK(context, icl_sampler_draw_moments(sampler, 0, batch));
                check_same_prompts(batch, 0, expected, 0, 77);
                ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
                check_same_prompts(batch, 0, drawn, 0, 77);
            }
            icl_batch_free(batch);
        }
        icl_batch_free(drawn);
        icl_batch_free(expected);
        icl_sampler_free(sampler);
    }
    icl_context_free(other);
    icl_context_free(context);
}
END_TEST

/* ---- arguments, memory ---- */

START_TEST(test_what_is_refused) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_direct_case(0, 0, 3, 6, 0, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 0);
    icl_batch *batch = draw_direct(context, sampler, 0, 2, 1);
    icl_batch *before = draw_direct(context, sampler, 0, 2, 1);
    ck_assert_int_eq(icl_sampler_draw_moments(NULL, 0, batch), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "icl_sampler_draw_moments: batch is NULL",
                 icl_sampler_draw_moments(sampler, 0, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "icl_sampler_draw_moments: first = -1",
                 icl_sampler_draw_moments(sampler, -1, batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = 4611686018427387903",
                 icl_sampler_draw_moments(sampler, (INT64_C(1) << 62) - 1, batch));
    for (uint32_t contents = 0; contents <= ICL_CONTENTS_ALL; contents++) {
        icl_batch *other;
        ASSERT_OK(context, icl_sampler_batch(sampler, 2, 1, contents, &other));
        if (contents & ICL_CONTENTS_EXAMPLES)
            ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "the batch holds examples",
                         icl_sampler_draw_moments(sampler, 0, other));
        icl_batch_free(other);
    }
    for (int variant = FIRST_NONLINEAR; variant < VARIANTS; variant++) {
        make_case(0, variant, 3, 6, 0, &c);
        icl_sampler *other = make_sampler(context, &c.options, 0);
        int labels = c.options.labels != ICL_LABELS_LINEAR;
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, labels ? "linear labels" : "covariates = 1",
                     icl_sampler_draw_moments(other, 0, batch));
        icl_sampler_free(other);
    }
    for (int wrong = 0; wrong < 2; wrong++) {
        make_direct_case(0, 0, 3 + wrong, 7 - wrong, 0, &c);
        icl_sampler *other = make_sampler(context, &c.options, 0);
        ASSERT_FAILS(context, ICL_ERR_SHAPE, "has dim 3 and context 6",
                     icl_sampler_draw_moments(other, 0, batch));
        icl_sampler_free(other);
    }
    check_same_prompts(batch, 0, before, 0, 2); /* untouched */
    icl_batch_free(before);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
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
    if (status == ICL_OK)
        status = icl_sampler_batch(sampler, 9, 2, NOT_EXAMPLES, &batch);
    if (status == ICL_OK)
        status = icl_sampler_draw_moments(sampler, 0, batch);
    icl_law_free(law);
    icl_sampler_free(sampler);
    icl_batch_free(batch);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    static law_case c;
    for (int covariance = 0; covariance < COVARIANCES; covariance++) {
        make_direct_case(covariance, PRIORS + covariance, 4, 3, covariance % 3, &c);
        check_every_allocation(draw_once, &c);
    }
}
END_TEST

RUN_SUITE("sampler_direct", test_every_law_from_its_definition, test_sizes,
          test_sizes_across_chunks, test_long_prompts_and_last_ones,
          test_the_rest_of_a_prompt_is_the_same, test_lanes_hold_the_rows, test_degenerate_laws,
          test_instruction_sets_agree, test_threads_agree, test_any_split_of_a_batch_agrees,
          test_contents_and_history_do_not_matter, test_what_is_refused,
          test_every_allocation_may_fail)
