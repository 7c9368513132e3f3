/* What a prompt's bits do not depend on: instruction set, threads, the split into batches, n and q,
 * the contents, what the batch held before. For every law. */
#include <pthread.h>

#include "prompt_reference.h"

#define EVERY_LAW(covariance, variant)                                                             \
    for (int covariance = 0; covariance < COVARIANCES; covariance++)                               \
        for (int variant = covariance % 2; variant < VARIANTS; variant += 1 + (covariance > 0))

/* Prompts 3.. of a law, drawn on a context of its own. */
static icl_batch *draw_on(const law_case *c, int64_t threads, icl_isa isa, int64_t prompts) {
    icl_context *context = make_context(threads, isa);
    icl_sampler *sampler = make_sampler(context, &c->options, 11);
    icl_batch *batch = draw_prompts(context, sampler, 3, prompts, 2);
    icl_sampler_free(sampler);
    icl_context_free(context);
    return batch;
}

/* ---- instruction sets ---- */

/* Moments by fused operations or not: each of n products and sums rounds once or twice. */
static void check_close_moments(const icl_batch *a, const icl_batch *b, int64_t prompts) {
    int64_t d = icl_batch_dim(a), n = icl_batch_context(a);
    for (int64_t p = 0; p < prompts; p++) {
        const double *S = icl_batch_S(b) + p * d * d;
        double syy = icl_batch_syy(b)[p];
        for (int64_t i = 0; i < d; i++) {
            for (int64_t j = 0; j < d; j++)
                QUICK_CLOSE(icl_batch_S(a)[(p * d + i) * d + j], S[i * d + j],
                            2 * (double)(n + 2) * UNIT * sqrt(S[i * d + i] * S[j * d + j]));
            QUICK_CLOSE(icl_batch_b(a)[p * d + i], icl_batch_b(b)[p * d + i],
                        2 * (double)(n + 2) * UNIT * sqrt(S[i * d + i] * syy));
        }
        QUICK_CLOSE(icl_batch_syy(a)[p], syy, 2 * (double)(n + 2) * UNIT * syy);
    }
}

static void check_equal(int64_t count, const double *a, const double *b) {
    ck_assert_mem_eq(a, b, (size_t)count * sizeof *a);
}

static void check_instruction_sets(const law_case *c) {
    enum { PROMPTS = 19 };
    int64_t d = c->options.dim, n = c->options.context;
    icl_batch *baseline = draw_on(c, 1, ICL_ISA_BASELINE, PROMPTS), *avx2 = NULL;
    for (int isa = ICL_ISA_AVX2; isa <= ICL_ISA_AVX512; isa++) {
        if (!icl_isa_supported((icl_isa)isa))
            continue;
        icl_batch *batch = draw_on(c, 1, (icl_isa)isa, PROMPTS);
        check_equal(PROMPTS * n * d, icl_batch_X(batch), icl_batch_X(baseline));
        check_equal(PROMPTS * n, icl_batch_y(batch), icl_batch_y(baseline));
        check_equal(PROMPTS * 2 * d, icl_batch_query(batch), icl_batch_query(baseline));
        check_equal(PROMPTS * 2, icl_batch_target(batch), icl_batch_target(baseline));
        check_equal(PROMPTS * d, icl_batch_task(batch), icl_batch_task(baseline));
        check_equal(PROMPTS, icl_batch_noise(batch), icl_batch_noise(baseline));
        check_close_moments(batch, baseline, PROMPTS);
        if (avx2 == NULL) {
            avx2 = batch;
            continue;
        }
        check_same_prompts(batch, 0, avx2, 0, PROMPTS); /* the moments, too */
        icl_batch_free(batch);
    }
    icl_batch_free(avx2);
    icl_batch_free(baseline);
}

START_TEST(test_instruction_sets_agree) {
    static law_case c;
    EVERY_LAW(covariance, variant) {
        make_case(covariance, variant, 5, 13, 0.3, &c);
        check_instruction_sets(&c);
    }
    /* D = d + 1 with every remainder of the kernels' tiles, and a law with libm's sine in it */
    for (int64_t d = 1; d <= 9; d++) {
        make_case(ICL_COVARIANCE_DIAGONAL, FIRST_NONLINEAR + 2, d, 300, 0.3, &c);
        for (int64_t i = 0; i < d; i++)
            c.eigenvalues[i] = d % 2 ? 1 : 1e12;
        check_instruction_sets(&c);
    }
}
END_TEST

/* ---- threads ---- */

START_TEST(test_threads_agree) {
    static law_case c;
    const int64_t threads[] = {2, 3, 7};
    EVERY_LAW(covariance, variant) {
        make_case(covariance, variant, 3, 5, 0.3, &c);
        /* 64 prompts a block of work: several blocks, the last one broken off in a group */
        icl_batch *expected = draw_on(&c, 1, ICL_ISA_AUTO, 300);
        for (int i = 0; i < 3; i++) {
            icl_batch *batch = draw_on(&c, threads[i], ICL_ISA_AUTO, 300);
            check_same_prompts(batch, 0, expected, 0, 300);
            icl_batch_free(batch);
        }
        icl_batch_free(expected);
    }
}
END_TEST

typedef struct drawer {
    const icl_sampler *sampler;
    icl_batch *batch;
    int64_t first;
    icl_status status;
} drawer;

static void *draw_often(void *user) {
    drawer *w = user;
    for (int i = 0; i < 20 && w->status == ICL_OK; i++)
        w->status = icl_sampler_draw(w->sampler, w->first, w->batch);
    return NULL;
}

/* One sampler, one context, a batch a thread. */
START_TEST(test_any_threads_may_draw_from_one_sampler) {
    enum { DRAWERS = 4, PROMPTS = 200 };
    static law_case c;
    for (int kind = 0; kind < 3; kind++) {
        make_case(ICL_COVARIANCE_DENSE, kind * 6 + 4, 3, 5, 0.3, &c); /* 16: the caller's g */
        icl_context *context = make_context(3, ICL_ISA_AUTO);
        icl_sampler *sampler = make_sampler(context, &c.options, 11);
        icl_batch *whole = draw_prompts(context, sampler, 0, DRAWERS * PROMPTS, 2);
        drawer drawers[DRAWERS];
        pthread_t threads[DRAWERS];
        for (int i = 0; i < DRAWERS; i++) {
            drawers[i] = (drawer){sampler, NULL, PROMPTS * i, ICL_OK};
            ASSERT_OK(context,
                      icl_sampler_batch(sampler, PROMPTS, 2, ICL_CONTENTS_ALL, &drawers[i].batch));
            ck_assert_int_eq(pthread_create(&threads[i], NULL, draw_often, &drawers[i]), 0);
        }
        for (int i = 0; i < DRAWERS; i++) {
            pthread_join(threads[i], NULL);
            ck_assert_int_eq(drawers[i].status, ICL_OK);
            check_same_prompts(drawers[i].batch, 0, whole, PROMPTS * i, PROMPTS);
            icl_batch_free(drawers[i].batch);
        }
        icl_batch_free(whole);
        icl_sampler_free(sampler);
        icl_context_free(context);
    }
}
END_TEST

/* ---- splits ---- */

START_TEST(test_any_split_of_a_batch_agrees) {
    enum { TOTAL = 85 };
    static law_case c;
    const int64_t lengths[] = {1, 2, 7, 8, 9, 16, 40};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    EVERY_LAW(covariance, variant) {
        make_case(covariance, variant, 3, 5, 0.3, &c);
        icl_sampler *sampler = make_sampler(context, &c.options, 11);
        icl_batch *whole = draw_prompts(context, sampler, 100, TOTAL, 2);
        for (int64_t first = 0, i = variant; first < TOTAL; i++) {
            int64_t count = lengths[i % 7] < TOTAL - first ? lengths[i % 7] : TOTAL - first;
            icl_batch *part = draw_prompts(context, sampler, 100 + first, count, 2);
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

/* A neighbour whose argument is beyond the vector sine's range changes nothing. */
START_TEST(test_splits_agree_where_some_sines_are_libms) {
    enum { TOTAL = 64 };
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_DIAGONAL, FIRST_NONLINEAR + 2, 2, 50, 0, &c);
    c.eigenvalues[0] = c.eigenvalues[1] = 3e11;
    icl_sampler *sampler = make_sampler(context, &c.options, 1);
    icl_batch *whole = draw_prompts(context, sampler, 0, TOTAL, 2);
    for (int64_t p = 0; p < TOTAL; p++) {
        icl_batch *part = draw_prompts(context, sampler, p, 1, 2);
        check_same_prompts(part, 0, whole, p, 1);
        icl_batch_free(part);
    }
    icl_batch_free(whole);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* ---- n, q, contents, history ---- */

/* The first n' examples and q' queries of a longer prompt are those of the shorter one. */
START_TEST(test_examples_depend_on_neither_n_nor_q) {
    enum { PROMPTS = 10, LONG = 181, MANY = 175 }; /* beyond a chunk of 168 */
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    EVERY_LAW(covariance, variant) {
        make_case(covariance, variant, 3, LONG, 0.3, &c);
        icl_sampler *sampler = make_sampler(context, &c.options, 11);
        icl_batch *whole = draw_prompts(context, sampler, 0, PROMPTS, MANY);
        for (int64_t n = 0; n <= 180; n = 3 * n + 2) {
            c.options.context = n;
            icl_sampler *shorter = make_sampler(context, &c.options, 11);
            int64_t q = n / 2 + 1;
            icl_batch *batch = draw_prompts(context, shorter, 0, PROMPTS, q);
            for (int64_t p = 0; p < PROMPTS; p++) {
                check_equal(n * 3, icl_batch_X(batch) + p * n * 3,
                            icl_batch_X(whole) + p * LONG * 3);
                check_equal(n, icl_batch_y(batch) + p * n, icl_batch_y(whole) + p * LONG);
                check_equal(q * 3, icl_batch_query(batch) + p * q * 3,
                            icl_batch_query(whole) + p * MANY * 3);
                check_equal(q, icl_batch_target(batch) + p * q, icl_batch_target(whole) + p * MANY);
            }
            icl_batch_free(batch);
            icl_sampler_free(shorter);
        }
        icl_batch_free(whole);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* The noise is a stream of its own: another sigma changes labels only, and by what it should. */
START_TEST(test_noise_adds_to_the_labels) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int variant = 0; variant < VARIANTS; variant++) {
        icl_batch *batches[3];
        for (int i = 0; i < 3; i++) { /* sigma 0, 1, 2 */
            make_case(ICL_COVARIANCE_DENSE, variant, 3, 5, i * i, &c);
            icl_sampler *sampler = make_sampler(context, &c.options, 11);
            batches[i] = draw_prompts(context, sampler, 0, 9, 2);
            icl_sampler_free(sampler);
        }
        check_equal(9 * 15, icl_batch_X(batches[0]), icl_batch_X(batches[2]));
        check_equal(9 * 6, icl_batch_query(batches[0]), icl_batch_query(batches[2]));
        for (int64_t i = 0; i < 9 * 5; i++) {
            double y0 = icl_batch_y(batches[0])[i], y1 = icl_batch_y(batches[1])[i],
                   y2 = icl_batch_y(batches[2])[i];
            ck_assert_double_ne(y0, y1);
            ASSERT_CLOSE(y2 - y0, 2 * (y1 - y0), 6 * UNIT, fabs(y0) + fabs(y1) + fabs(y2));
        }
        for (int i = 0; i < 3; i++)
            icl_batch_free(batches[i]);
    }
    icl_context_free(context);
}
END_TEST

/* A batch that was used before, on another context, with any contents, holds the same. */
START_TEST(test_contents_and_history_do_not_matter) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO), *other = make_context(3, ICL_ISA_AUTO);
    for (int variant = 0; variant < VARIANTS; variant++) {
        make_case(variant % COVARIANCES, variant, 3, 5, 0.3, &c);
        icl_sampler *sampler = make_sampler(context, &c.options, 11);
        icl_batch *expected = draw_prompts(context, sampler, 0, 77, 2);
        for (uint32_t contents = 0; contents <= ICL_CONTENTS_ALL; contents++) {
            icl_batch_options o;
            ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
            o.prompts = 77;
            o.dim = 3;
            o.context = 5;
            o.queries = 2;
            o.contents = contents;
            icl_batch *batch;
            ASSERT_OK(other, icl_batch_create(other, &o, &batch));
            ASSERT_OK(context, icl_sampler_draw(sampler, 5000, batch));
            ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
            ck_assert((icl_batch_X(batch) != NULL) == (contents >> 1 & 1));
            ck_assert((icl_batch_task(batch) != NULL) == (contents >> 2));
            ck_assert((icl_batch_S(batch) != NULL) == (contents & 1));
            check_same_prompts(batch, 0, expected, 0, 77);
            icl_batch_free(batch);
        }
        icl_batch_free(expected);
        icl_sampler_free(sampler);
    }
    icl_context_free(other);
    icl_context_free(context);
}
END_TEST

/* A batch that held tasks holds none after a net. */
START_TEST(test_a_net_leaves_no_older_task) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 3, 5, 0, &c);
    icl_sampler *linear = make_sampler(context, &c.options, 11);
    make_case(0, FIRST_NONLINEAR + 4, 3, 5, 0, &c);
    ck_assert_int_eq(c.options.labels, ICL_LABELS_NET);
    icl_sampler *net = make_sampler(context, &c.options, 11);
    icl_batch *batch = draw_prompts(context, linear, 0, 9, 1);
    ck_assert_double_ne(icl_batch_task(batch)[26], 0);
    ASSERT_OK(context, icl_sampler_draw(net, 0, batch));
    for (int i = 0; i < 27; i++)
        ck_assert_double_eq(icl_batch_task(batch)[i], 0);
    icl_batch_free(batch);
    icl_sampler_free(net);
    icl_sampler_free(linear);
    icl_context_free(context);
}
END_TEST

START_TEST(test_seeds_and_prompts_differ) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 3, 5, 0.3, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 11);
    icl_sampler *other = make_sampler(context, &c.options, 12);
    icl_batch *a = draw_prompts(context, sampler, 0, 16, 1);
    icl_batch *b = draw_prompts(context, other, 0, 16, 1);
    for (int i = 0; i < 16 * 15; i++) {
        ck_assert_double_ne(icl_batch_X(a)[i], icl_batch_X(b)[i]);
        for (int j = 0; j < i; j++)
            QUICK_ASSERT(icl_batch_X(a)[i] != icl_batch_X(a)[j], "%d = %d", i, j);
    }
    for (int i = 0; i < 16 * 3; i++) /* queries are not the examples */
        for (int j = 0; j < 16 * 15; j++)
            QUICK_ASSERT(icl_batch_query(a)[i] != icl_batch_X(a)[j], "%d = %d", i, j);
    icl_batch_free(a);
    icl_batch_free(b);
    icl_sampler_free(other);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("sampler_bits", test_instruction_sets_agree, test_threads_agree,
          test_any_threads_may_draw_from_one_sampler, test_any_split_of_a_batch_agrees,
          test_splits_agree_where_some_sines_are_libms, test_examples_depend_on_neither_n_nor_q,
          test_noise_adds_to_the_labels, test_contents_and_history_do_not_matter,
          test_a_net_leaves_no_older_task, test_seeds_and_prompts_differ)
