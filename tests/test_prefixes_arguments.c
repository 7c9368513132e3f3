/* What icl_solver_prefixes refuses. */
#include "test_prefixes.h"

#include "task/batch.h"

enum { N = 7 };

#define REFUSES(status, word, ...)                                                                 \
    ASSERT_FAILS(context, status, word, icl_solver_prefixes(__VA_ARGS__))

START_TEST(test_bad_arguments_are_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = normal_batch(context, 2, N, ICL_CONTENTS_ALL),
              *bare = normal_batch(context, 2, N, 0);
    icl_solver_options so = options_of(ICL_METHOD_GD, DIM, 3);
    icl_solver *good = solver_of(context, &so);
    so.dim = DIM + 1;
    icl_solver *other = solver_of(context, &so);
    const icl_solver *one = good, *hole[] = {good, NULL}, *wide[] = {good, other};
    double out[2 * (N + 1) * 3], *at = out, *two[] = {out, out};
    for (int i = 0; i < 2 * (N + 1) * 3; i++)
        out[i] = -7;
    icl_prefix_options o;
    ck_assert_int_eq(icl_prefix_options_init(&o, sizeof o), ICL_OK);
    ck_assert_int_eq(icl_solver_prefixes(NULL, 1, batch, &o, &at, NULL, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_solver_prefixes(hole + 1, 1, batch, &o, &at, NULL, NULL),
                     ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_solver_prefixes(&one, 0, batch, &o, &at, NULL, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_solver_prefixes(&one, -1, batch, &o, &at, NULL, NULL), ICL_ERR_ARGUMENT);
    REFUSES(ICL_ERR_ARGUMENT, "batch is NULL", &one, 1, NULL, &o, &at, NULL, NULL);
    REFUSES(ICL_ERR_ARGUMENT, "solvers[1] is NULL", hole, 2, batch, &o, two, NULL, NULL);
    REFUSES(ICL_ERR_SHAPE, "solvers[1] 5", wide, 2, batch, &o, two, NULL, NULL);
    REFUSES(ICL_ERR_MISSING, "EXAMPLES", &one, 1, bare, &o, &at, NULL, NULL);
    const int64_t *grid = (const int64_t[]){0, 2, 2};
    int64_t count = 3;
    o.steps = &grid;
    REFUSES(ICL_ERR_ARGUMENT, "counts is NULL", &one, 1, batch, &o, &at, NULL, NULL);
    o.counts = &count;
    REFUSES(ICL_ERR_ARGUMENT, "steps[0][2] = 2", &one, 1, batch, &o, &at, NULL, NULL);
    grid = (const int64_t[]){-1, 2, 3};
    REFUSES(ICL_ERR_ARGUMENT, "steps[0][0] = -1", &one, 1, batch, &o, &at, NULL, NULL);
    grid = (const int64_t[]){0, 2, (INT64_C(1) << 31) + 1};
    REFUSES(ICL_ERR_ARGUMENT, "steps[0][2]", &one, 1, batch, &o, &at, NULL, NULL);
    count = 0;
    REFUSES(ICL_ERR_ARGUMENT, "counts[0] = 0", &one, 1, batch, &o, &at, NULL, NULL);
    count = INT64_MAX;
    REFUSES(ICL_ERR_ARGUMENT, "counts[0]", &one, 1, batch, &o, &at, NULL, NULL);
    ck_assert_int_eq(icl_prefix_options_init(&o, sizeof o), ICL_OK);
    o.first = -1;
    REFUSES(ICL_ERR_ARGUMENT, "options.first = -1", &one, 1, batch, &o, &at, NULL, NULL);
    o.first = 4;
    o.last = 3;
    REFUSES(ICL_ERR_ARGUMENT, "options.first = 4, last = 3", &one, 1, batch, &o, &at, NULL, NULL);
    o.last = N + 1;
    REFUSES(ICL_ERR_ARGUMENT, "last = 8", &one, 1, batch, &o, &at, NULL, NULL);
    for (int i = 0; i < 2 * (N + 1) * 3; i++)
        ck_assert(out[i] == -7);
    icl_solver_free(other);
    icl_solver_free(good);
    icl_batch_free(bare);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_sizes_beyond_reason_are_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch batch = {.context = context,
                       .prompts = INT64_C(1) << 31,
                       .dim = 16384,
                       .examples = INT64_C(1) << 31,
                       .queries = 1,
                       .contents = ICL_CONTENTS_EXAMPLES};
    icl_solver_options so = options_of(ICL_METHOD_GD, 16384, 3);
    icl_solver *solver = solver_of(context, &so);
    const icl_solver *one = solver;
    double out = 3, *at = &out;
    REFUSES(ICL_ERR_SIZE, "2147483648 prompts", &one, 1, &batch, NULL, &at, NULL, NULL);
    batch.prompts = 1;
    icl_solver_free(solver);
    so.method = ICL_METHOD_LEAST_SQUARES;
    one = solver = solver_of(context, &so);
    REFUSES(ICL_ERR_SIZE, "context = 2147483648", &one, 1, &batch, NULL, &at, NULL, NULL);
    ck_assert(out == 3);
    icl_solver_free(solver);
    icl_context_free(context);
}
END_TEST

START_TEST(test_options_of_other_versions) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = normal_batch(context, 2, N, ICL_CONTENTS_ALL);
    icl_solver_options so = options_of(ICL_METHOD_GD, DIM, 3);
    icl_solver *solver = solver_of(context, &so);
    const icl_solver *one = solver;
    double out[2 * (N + 1)], *at = out;
    struct {
        icl_prefix_options options;
        unsigned char tail[16];
    } longer;
    memset(&longer, 0xab, sizeof longer);
    ck_assert_int_eq(icl_prefix_options_init(&longer.options, sizeof(size_t)), ICL_OK);
    ck_assert_uint_eq(((unsigned char *)&longer)[sizeof(size_t)], 0xab);
    ASSERT_OK(context, icl_solver_prefixes(&one, 1, batch, &longer.options, &at, NULL, NULL));
    ck_assert_int_eq(icl_prefix_options_init(&longer.options, sizeof longer), ICL_OK);
    ASSERT_OK(context, icl_solver_prefixes(&one, 1, batch, &longer.options, &at, NULL, NULL));
    longer.tail[3] = 1;
    REFUSES(ICL_ERR_ARGUMENT, "non-zero byte", &one, 1, batch, &longer.options, &at, NULL, NULL);
    ck_assert_int_eq(icl_prefix_options_init(NULL, 64), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_prefix_options_init(&longer.options, 3), ICL_ERR_ARGUMENT);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("prefixes_arguments", test_bad_arguments_are_refused,
          test_sizes_beyond_reason_are_refused, test_options_of_other_versions)
