/* What the bits of a prompt do not depend on, for every law of task_reference.h: instruction set,
 * threads, the split into batches, n and q, what the batch held before. */
#include "task_reference.h"

static icl_batch *draw_on(const wide_case *c, int64_t threads, icl_isa isa, int64_t first,
                          int64_t prompts) {
    icl_context *context = make_context(threads, isa);
    icl_sampler *sampler = make_sampler(context, &c->base.options, 11);
    icl_batch *batch = draw_prompts(context, sampler, first, prompts, 2);
    icl_sampler_free(sampler);
    icl_context_free(context);
    return batch;
}

/* All but the moments, which fuse where an instruction set can. */
static void check_equal_samples(const char *name, const icl_batch *a, const icl_batch *b) {
    int64_t B = icl_batch_prompts(a), d = icl_batch_dim(a), n = icl_batch_context(a);
    const double *left[] = {icl_batch_X(a),      icl_batch_y(a),    icl_batch_query(a),
                            icl_batch_target(a), icl_batch_task(a), icl_batch_noise(a)};
    const double *right[] = {icl_batch_X(b),      icl_batch_y(b),    icl_batch_query(b),
                             icl_batch_target(b), icl_batch_task(b), icl_batch_noise(b)};
    const int64_t counts[] = {B * n * d, B * n, B * 2 * d, B * 2, B * d, B};
    for (int i = 0; i < 6; i++)
        ck_assert_msg(memcmp(left[i], right[i], (size_t)counts[i] * sizeof(double)) == 0,
                      "%s: array %d differs", name, i);
    ck_assert_mem_eq(icl_batch_task_index(a), icl_batch_task_index(b), (size_t)B * sizeof B);
}

START_TEST(test_instruction_sets_agree) {
    static wide_case c;
    for (int law = 0; law < WIDE_LAWS; law++)
        for (int64_t d = 3; d <= 8; d += 5) {
            make_wide_case(law, d, 9, 0.3, &c);
            icl_batch *expected = draw_on(&c, 1, ICL_ISA_BASELINE, 3, 19);
            for (int isa = ICL_ISA_AVX2; isa <= ICL_ISA_AVX512; isa++)
                if (icl_isa_supported((icl_isa)isa)) {
                    icl_batch *batch = draw_on(&c, 1, (icl_isa)isa, 3, 19);
                    check_equal_samples(wide_laws[law].name, batch, expected);
                    icl_batch_free(batch);
                }
            icl_batch_free(expected);
        }
}
END_TEST

START_TEST(test_threads_agree) {
    static wide_case c;
    const int64_t threads[] = {2, 3, 7};
    for (int law = 0; law < WIDE_LAWS; law++) {
        make_wide_case(law, 3, 5, 0.3, &c);
        icl_batch *expected = draw_on(&c, 1, ICL_ISA_AUTO, 3, 300);
        for (int i = 0; i < 3; i++) {
            icl_batch *batch = draw_on(&c, threads[i], ICL_ISA_AUTO, 3, 300);
            check_same_prompts(batch, 0, expected, 0, 300);
            icl_batch_free(batch);
        }
        icl_batch_free(expected);
    }
}
END_TEST

START_TEST(test_any_split_of_a_batch_agrees) {
    enum { TOTAL = 85 };
    static wide_case c;
    const int64_t lengths[] = {1, 2, 7, 8, 9, 16, 40};
    for (int law = 0; law < WIDE_LAWS; law++) {
        make_wide_case(law, 3, 5, 0.3, &c);
        icl_batch *whole = draw_on(&c, 1, ICL_ISA_AUTO, 100, TOTAL);
        for (int64_t first = 0, i = law; first < TOTAL; i++) {
            int64_t count = lengths[i % 7] < TOTAL - first ? lengths[i % 7] : TOTAL - first;
            icl_batch *part = draw_on(&c, 1, ICL_ISA_AUTO, 100 + first, count);
            check_same_prompts(part, 0, whole, first, count);
            icl_batch_free(part);
            first += count;
        }
        icl_batch_free(whole);
    }
}
END_TEST

static void check_rows(const char *name, int64_t prompts, int64_t count, int64_t stride,
                       const double *some, const double *all) {
    for (int64_t p = 0; p < prompts; p++)
        ck_assert_msg(memcmp(some + p * count, all + p * stride, (size_t)count * sizeof *some) == 0,
                      "%s: prompt %d differs", name, (int)p);
}

/* Examples across chunks of 168, and queries where they are no function of the examples. */
START_TEST(test_examples_depend_on_neither_n_nor_q) {
    enum { PROMPTS = 10, LONG = 181, MANY = 175 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int law = 0; law < WIDE_LAWS; law++) {
        const char *name = wide_laws[law].name;
        make_wide_case(law, 3, LONG, 0.3, &c);
        icl_sampler *sampler = make_sampler(context, &c.base.options, 11);
        icl_batch *whole = draw_prompts(context, sampler, 0, PROMPTS, MANY);
        for (int64_t n = 0; n <= 180; n = 3 * n + 2) {
            c.base.options.context = n;
            icl_sampler *shorter = make_sampler(context, &c.base.options, 11);
            int64_t q = n / 2 + 1;
            icl_batch *batch = draw_prompts(context, shorter, 0, PROMPTS, q);
            check_rows(name, PROMPTS, n * 3, LONG * 3, icl_batch_X(batch), icl_batch_X(whole));
            check_rows(name, PROMPTS, n, LONG, icl_batch_y(batch), icl_batch_y(whole));
            check_rows(name, PROMPTS, q * 3, MANY * 3, icl_batch_query(batch),
                       icl_batch_query(whole));
            if (c.base.options.labels != ICL_LABELS_GAUSSIAN_PROCESS) /* given the examples */
                check_rows(name, PROMPTS, q, MANY, icl_batch_target(batch),
                           icl_batch_target(whole));
            icl_batch_free(batch);
            icl_sampler_free(shorter);
        }
        icl_batch_free(whole);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* A batch that held every other law before holds the same, whatever its contents. */
START_TEST(test_contents_and_history_do_not_matter) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *samplers[WIDE_LAWS];
    for (int law = 0; law < WIDE_LAWS; law++) {
        make_wide_case(law, 3, 5, 0.3, &c);
        samplers[law] = make_sampler(context, &c.base.options, 11);
    }
    for (uint32_t contents = 0; contents <= ICL_CONTENTS_ALL; contents++) {
        icl_batch *batch;
        ASSERT_OK(context, icl_sampler_batch(samplers[0], 21, 2, contents, &batch));
        for (int law = 0; law < WIDE_LAWS; law++) {
            icl_batch *expected = draw_prompts(context, samplers[law], 0, 21, 2);
            ASSERT_OK(context, icl_sampler_draw(samplers[law], 0, batch));
            check_same_prompts(batch, 0, expected, 0, 21);
            icl_batch_free(expected);
        }
        icl_batch_free(batch);
    }
    for (int law = 0; law < WIDE_LAWS; law++)
        icl_sampler_free(samplers[law]);
    icl_context_free(context);
}
END_TEST

static icl_status make_and_draw(icl_context *context, void *user) {
    const wide_case *c = user;
    icl_law *law = NULL;
    icl_sampler *sampler = NULL;
    icl_batch *batch = NULL;
    icl_status status = icl_law_create(context, &c->base.options, &law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, law, 1, &sampler);
    if (status == ICL_OK)
        status = icl_sampler_batch(sampler, 9, 2, ICL_CONTENTS_ALL, &batch);
    if (status == ICL_OK)
        status = icl_sampler_draw(sampler, 0, batch);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    static wide_case c;
    for (int law = 0; law < WIDE_LAWS; law++) {
        make_wide_case(law, 3, 5, 0.3, &c);
        check_every_allocation(make_and_draw, &c);
    }
}
END_TEST

RUN_SUITE("task_bits", test_instruction_sets_agree, test_threads_agree,
          test_any_split_of_a_batch_agrees, test_examples_depend_on_neither_n_nor_q,
          test_contents_and_history_do_not_matter, test_every_allocation_may_fail)
