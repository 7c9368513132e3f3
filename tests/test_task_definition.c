/* Every law of task_reference.h recomputed from its definition, at usual and degenerate sizes. */
#include "task_reference.h"

static void assert_values(const char *law, const char *name, int64_t prompt, int64_t count,
                          const double *got, const sized *exact, double tolerance) {
    for (int64_t i = 0; i < count; i++)
        QUICK_ASSERT(
            fabsl(got[i] - exact[i].value) <= tolerance * exact[i].size,
            "%s: %s of prompt %lld, %lld: %.17g instead of %.17Lg, off by %.3Lg, not %.3Lg", law,
            name, (long long)prompt, (long long)i, got[i], exact[i].value,
            fabsl(got[i] - exact[i].value), tolerance * exact[i].size);
}

static void check_prompts(icl_context *context, int law, const wide_case *c, int64_t first,
                          int64_t prompts, int64_t q) {
    static wide_law w;
    static wide_prompt p;
    int64_t d = c->base.options.dim, n = c->base.options.context;
    icl_sampler *sampler = make_sampler(context, &c->base.options, 4711);
    icl_batch *batch = draw_prompts(context, sampler, first, prompts, q);
    make_wide_law(context, sampler, c, 4711, &w);
    double tolerance = TOL_PROMPT(d, 0);
    for (int64_t i = 0; i < prompts; i++) {
        wide_draw(&w, first + i, q, &p);
        const char *name = wide_laws[law].name;
        ck_assert_int_eq(icl_batch_task_index(batch)[i], p.place);
        icl_labels labels = c->base.options.labels; /* those without a w have a zero */
        int weighted = labels != ICL_LABELS_NET && labels < ICL_LABELS_TREE;
        const sized zeros[WIDE_DIM] = {{0, 0}};
        assert_values(name, "w", i, d, icl_batch_task(batch) + i * d, weighted ? p.task.w : zeros,
                      tolerance);
        assert_values(name, "X", i, n * d, icl_batch_X(batch) + i * n * d, p.X, tolerance);
        assert_values(name, "y", i, n, icl_batch_y(batch) + i * n, p.y, tolerance);
        assert_values(name, "query", i, q * d, icl_batch_query(batch) + i * q * d, p.query,
                      tolerance);
        assert_values(name, "target", i, q, icl_batch_target(batch) + i * q, p.target, tolerance);
    }
    icl_batch_free(batch);
    icl_sampler_free(sampler);
}

START_TEST(test_every_law_from_its_definition) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int law = 0; law < WIDE_LAWS; law++)
        for (int64_t d = 5; d <= WIDE_DIM; d += 3) {
            make_wide_case(law, d, 7, 0.25, &c);
            check_prompts(context, law, &c, 5, 11, 3);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_degenerate_sizes) {
    const struct {
        int64_t d, n, q, prompts, first;
        double noise;
    } shapes[] = {{1, 1, 1, 1, 0, 0}, {1, 0, 1, 9, 3, 1},   {2, 6, 2, 8, 0, 0},
                  {4, 2, 1, 1, 7, 0}, {3, 0, 4, 3, 0, 0.5}, {8, 12, 4, 17, 1000, 1e4}};
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int law = 0; law < WIDE_LAWS; law++)
        for (int i = 0; i < 6; i++) {
            make_wide_case(law, shapes[i].d, shapes[i].n, shapes[i].noise, &c);
            check_prompts(context, law, &c, shapes[i].first, shapes[i].prompts, shapes[i].q);
        }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("task_definition", test_every_law_from_its_definition, test_degenerate_sizes)
