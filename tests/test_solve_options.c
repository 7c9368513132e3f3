/* Options of solvers, and bad input of every kind. */
#include "test_solve.h"

#include "task/batch.h"

#define REFUSES(expected, word, field, value)                                                      \
    do {                                                                                           \
        icl_solver_options refused_ = o;                                                           \
        refused_.field = value;                                                                    \
        solver = (icl_solver *)&o;                                                                 \
        ASSERT_FAILS(context, expected, word, icl_solver_create(context, &refused_, &solver));     \
        ck_assert_ptr_null(solver);                                                                \
    } while (0)

START_TEST(test_options_out_of_range_are_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_solver *solver;
    for (int m = 0; m < METHODS; m++) {
        icl_law *law = default_law(context);
        icl_solver_options o = options_of((icl_method)m, DIM, 3);
        give_needs(&o);
        o.law = law;
        REFUSES(ICL_ERR_ARGUMENT, "method", method, (icl_method)METHODS);
        REFUSES(ICL_ERR_ARGUMENT, "method", method, (icl_method)-1);
        REFUSES(ICL_ERR_ARGUMENT, "dim", dim, 0);
        REFUSES(ICL_ERR_ARGUMENT, "dim", dim, 16385);
        REFUSES(ICL_ERR_ARGUMENT, "dim", dim, INT64_MIN);
        REFUSES(ICL_ERR_ARGUMENT, "steps", steps, -1);
        REFUSES(ICL_ERR_ARGUMENT, "steps", steps, (INT64_C(1) << 31) + 1);
        REFUSES(ICL_ERR_ARGUMENT, "step", step, -0.1);
        REFUSES(ICL_ERR_NONFINITE, "step", step, NAN);
        REFUSES(ICL_ERR_NONFINITE, "step", step, INFINITY);
        REFUSES(ICL_ERR_ARGUMENT, "ridge", ridge, -1);
        REFUSES(ICL_ERR_NONFINITE, "ridge", ridge, INFINITY);
        REFUSES(ICL_ERR_ARGUMENT, "gamma", gamma, -1e-9);
        REFUSES(ICL_ERR_NONFINITE, "gamma", gamma, NAN);
        REFUSES(ICL_ERR_ARGUMENT, "tolerance", tolerance, -1e-9);
        REFUSES(ICL_ERR_NONFINITE, "tolerance", tolerance, NAN);
        REFUSES(ICL_ERR_ARGUMENT, "momentum", momentum, -0.5);
        REFUSES(ICL_ERR_ARGUMENT, "momentum = 1", momentum, 1);
        REFUSES(ICL_ERR_NONFINITE, "momentum", momentum, NAN);
        REFUSES(ICL_ERR_ARGUMENT, "least", least, -1);
        REFUSES(ICL_ERR_NONFINITE, "greatest", greatest, INFINITY);
        REFUSES(ICL_ERR_ARGUMENT, "order = 1", order, 1);
        REFUSES(ICL_ERR_ARGUMENT, "order = 65", order, 65);
        REFUSES(ICL_ERR_ARGUMENT, "memory = 0", memory, 0);
        REFUSES(ICL_ERR_ARGUMENT, "memory = 1025", memory, 1025);
        REFUSES(ICL_ERR_ARGUMENT, "rule = 4", rule, (icl_ridge_rule)4);
        REFUSES(ICL_ERR_ARGUMENT, "rule = -1", rule, (icl_ridge_rule)-1);
        REFUSES(ICL_ERR_ARGUMENT, "ridge_factor", ridge_factor, -1);
        REFUSES(ICL_ERR_NONFINITE, "ridge_factor", ridge_factor, INFINITY);
        REFUSES(ICL_ERR_ARGUMENT, "ridge_most", ridge_most, -1);
        REFUSES(ICL_ERR_NONFINITE, "ridge_most", ridge_most, NAN);
        REFUSES(ICL_ERR_ARGUMENT, "noise", noise, -1);
        REFUSES(ICL_ERR_NONFINITE, "noise", noise, INFINITY);
        REFUSES(ICL_ERR_ARGUMENT, "l1", l1, -1);
        REFUSES(ICL_ERR_NONFINITE, "l1_per_example", l1_per_example, NAN);
        REFUSES(ICL_ERR_ARGUMENT, "neighbours = 0", neighbours, 0);
        REFUSES(ICL_ERR_ARGUMENT, "neighbours", neighbours, (INT64_C(1) << 31) + 1);
        REFUSES(ICL_ERR_ARGUMENT, "kernel = 2", kernel, (icl_kernel)2);
        REFUSES(ICL_ERR_ARGUMENT, "kernel = -1", kernel, (icl_kernel)-1);
        REFUSES(ICL_ERR_ARGUMENT, "basis = 2", basis, (icl_basis)2);
        REFUSES(ICL_ERR_ARGUMENT, "basis = -1", basis, (icl_basis)-1);
        REFUSES(ICL_ERR_ARGUMENT, "bandwidth = 0", bandwidth, 0);
        REFUSES(ICL_ERR_ARGUMENT, "bandwidth", bandwidth, -1);
        REFUSES(ICL_ERR_NONFINITE, "bandwidth", bandwidth, NAN);
        REFUSES(ICL_ERR_ARGUMENT, "terms = 0", terms, 0);
        REFUSES(ICL_ERR_ARGUMENT, "terms = 16385", terms, 16385);
        REFUSES(ICL_ERR_ARGUMENT, "depth = -1", depth, -1);
        REFUSES(ICL_ERR_ARGUMENT, "depth = 65", depth, 65);
        o.least = 2;
        REFUSES(ICL_ERR_ARGUMENT, "least = 2 is above greatest = 1.5", greatest, 1.5);
        o.least = 0;
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_options_that_a_method_needs) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_solver *solver;
    double bad[DIM * DIM];
    icl_solver_options o = options_of(ICL_METHOD_PGD, DIM, 3);
    REFUSES(ICL_ERR_ARGUMENT, "preconditioner is NULL", preconditioner, NULL);
    memcpy(bad, identity, sizeof bad);
    bad[7] = NAN;
    REFUSES(ICL_ERR_NONFINITE, "preconditioner[7]", preconditioner, bad);
    bad[7] = 1e-6;
    REFUSES(ICL_ERR_NOT_PSD, "(3, 1)", preconditioner, bad);
    bad[7] = 0;
    bad[15] = -0.25;
    REFUSES(ICL_ERR_NOT_PSD, "-0.25", preconditioner, bad);
    for (int i = 0; i < DIM * DIM; i++)
        bad[i] = i % (DIM + 1) == 0 ? -1 : 0;
    REFUSES(ICL_ERR_NOT_PSD, "eigenvalue -1", preconditioner, bad);
    o.preconditioner = identity;
    bad[2] = INFINITY;
    REFUSES(ICL_ERR_NONFINITE, "start[2]", start, bad);
    const icl_method with_start[] = {ICL_METHOD_GD,        ICL_METHOD_HEAVY_BALL,
                                     ICL_METHOD_NESTEROV,  ICL_METHOD_CHEBYSHEV,
                                     ICL_METHOD_ONLINE_GD, ICL_METHOD_SGD,
                                     ICL_METHOD_BFGS,      ICL_METHOD_CONJUGATE_GRADIENT,
                                     ICL_METHOD_DFP,       ICL_METHOD_LBFGS};
    for (int m = 0; m < 10; m++) {
        o.method = with_start[m];
        REFUSES(ICL_ERR_NONFINITE, "start[2]", start, bad);
    }
    o = options_of(ICL_METHOD_BAYES, DIM, 3);
    REFUSES(ICL_ERR_ARGUMENT, "law is NULL", law, NULL);
    icl_law_options lo;
    ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
    icl_law *law;
    ASSERT_OK(context, icl_law_create(context, &lo, &law));
    REFUSES(ICL_ERR_SHAPE, "dim = 5", law, law);
    icl_law_free(law);
    lo.dim = DIM;
    lo.labels = ICL_LABELS_TANH;
    ASSERT_OK(context, icl_law_create(context, &lo, &law));
    REFUSES(ICL_ERR_NO_CLOSED_FORM, "labels = 1", law, law);
    icl_law_free(law);
    o = options_of(ICL_METHOD_POOL, DIM, 3);
    o.pool_count = DIM;
    REFUSES(ICL_ERR_ARGUMENT, "pool is NULL", pool, NULL);
    REFUSES(ICL_ERR_NONFINITE, "pool[2]", pool, bad);
    o.pool = identity;
    REFUSES(ICL_ERR_ARGUMENT, "pool_count = 0", pool_count, 0);
    REFUSES(ICL_ERR_ARGUMENT, "pool_count = 2147483649", pool_count, (INT64_C(1) << 31) + 1);
    o = options_of(ICL_METHOD_LASSO, DIM, 3);
    REFUSES(ICL_ERR_ARGUMENT, "needs a penalty", l1, 0);
    REFUSES(ICL_ERR_ARGUMENT, "needs mu > 0", method, ICL_METHOD_LOGISTIC);
    o = options_of(ICL_METHOD_SERIES, DIM, 3);
    REFUSES(ICL_ERR_SIZE, "terms = 4097 at dim = 4", terms, 4097);
    icl_context_free(context);
}
END_TEST

START_TEST(test_null_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_solver_options o = options_of(ICL_METHOD_GD, DIM, 3);
    icl_solver *solver = (icl_solver *)&o;
    double w[DIM * 4];
    icl_predictor predictor;
    ck_assert_int_eq(icl_solver_create(NULL, &o, &solver), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(solver);
    solver = (icl_solver *)&o;
    ASSERT_OK(context, icl_solver_create(context, NULL, &solver));
    icl_solver_free(solver);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out", icl_solver_create(context, &o, NULL));
    icl_batch *batch = normal_batch(context, 1, 6, ICL_CONTENTS_ALL);
    ck_assert_int_eq(icl_solver_solve(NULL, batch, w, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_solver_path(NULL, batch, w, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_solver_predict(NULL, batch, w), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_solver_predictor(NULL, &predictor), ICL_ERR_ARGUMENT);
    solver = solver_of(context, &o);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "batch", icl_solver_solve(solver, NULL, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "batch", icl_solver_path(solver, NULL, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "batch", icl_solver_predict(solver, NULL, w));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "w is", icl_solver_solve(solver, batch, NULL, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "path", icl_solver_path(solver, batch, NULL, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prediction", icl_solver_predict(solver, batch, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out", icl_solver_predictor(solver, NULL));
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_shapes_must_fit) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_solver_options o = options_of(ICL_METHOD_GD, DIM + 1, INT64_C(1) << 31);
    icl_solver *solver = solver_of(context, &o);
    icl_batch *batch = normal_batch(context, 2, 6, ICL_CONTENTS_ALL);
    double w[2 * DIM] = {1, 2, 3};
    const double before[2 * DIM] = {1, 2, 3};
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "dim = 4", icl_solver_solve(solver, batch, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "dim = 4", icl_solver_path(solver, batch, w, NULL));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "dim = 4", icl_solver_predict(solver, batch, w));
    assert_same_bits(2 * DIM, w, before);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_sizes_beyond_reason_are_refused) {
    /* no machine holds such a batch: this one has nothing behind its sizes */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch batch = {.context = context,
                       .prompts = INT64_C(1) << 31,
                       .dim = 16384,
                       .examples = INT64_C(1) << 31,
                       .queries = 1,
                       .contents = ICL_CONTENTS_EXAMPLES};
    double out = 3;
    icl_solver_options o = options_of(ICL_METHOD_GD, 16384, INT64_C(1) << 31);
    icl_solver *solver = solver_of(context, &o);
    ASSERT_FAILS(context, ICL_ERR_SIZE, "steps", icl_solver_path(solver, &batch, &out, NULL));
    icl_solver_free(solver);
    o = options_of(ICL_METHOD_LEAST_SQUARES, 16384, 1);
    solver = solver_of(context, &o);
    ASSERT_FAILS(context, ICL_ERR_SIZE, "context = 2147483648",
                 icl_solver_solve(solver, &batch, &out, NULL));
    ASSERT_CLOSE(out, 3, 0, 1);
    icl_solver_free(solver);
    icl_context_free(context);
}
END_TEST

/* ---- the struct of options ---- */

START_TEST(test_options_of_other_versions) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    struct {
        icl_solver_options options;
        unsigned char tail[16];
    } longer;
    icl_solver *solver;
    memset(&longer, 0xab, sizeof longer);
    /* an older caller: nothing is written beyond its size */
    size_t older = offsetof(icl_solver_options, ridge);
    ck_assert_int_eq(icl_solver_options_init(&longer.options, older), ICL_OK);
    ck_assert_uint_eq(longer.options.size, older);
    ck_assert_int_eq(longer.options.dim, 5);
    ck_assert_int_eq(longer.options.steps, 1);
    icl_solver_options whole;
    ck_assert_int_eq(icl_solver_options_init(&whole, sizeof whole), ICL_OK);
    ck_assert(whole.order == 2 && whole.memory == 10 && whole.ridge_factor == 1);
    ck_assert(whole.neighbours == 3 && whole.bandwidth == 1 && whole.terms == 8 && whole.depth == 4);
    ck_assert(whole.rule == ICL_RIDGE_FIXED && whole.momentum == 0 && whole.ridge_most == 0);
    const unsigned char *bytes = (const unsigned char *)&longer;
    for (size_t i = older; i < sizeof longer; i++)
        ck_assert_int_eq(bytes[i], 0xab);
    /* and the garbage behind it is not read */
    ASSERT_OK(context, icl_solver_create(context, &longer.options, &solver));
    icl_solver_free(solver);
    /* a newer caller: fine while its unknown fields are zero */
    ck_assert_int_eq(icl_solver_options_init(&longer.options, sizeof longer), ICL_OK);
    ASSERT_OK(context, icl_solver_create(context, &longer.options, &solver));
    icl_solver_free(solver);
    longer.tail[9] = 1;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "non-zero byte",
                 icl_solver_create(context, &longer.options, &solver));
    ck_assert_ptr_null(solver);
    longer.options.size = 3;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "size",
                 icl_solver_create(context, &longer.options, &solver));
    ck_assert_int_eq(icl_solver_options_init(NULL, 100), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_solver_options_init(&longer.options, 7), ICL_ERR_ARGUMENT);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_options", test_options_out_of_range_are_refused, test_options_that_a_method_needs,
          test_null_is_refused, test_shapes_must_fit, test_sizes_beyond_reason_are_refused,
          test_options_of_other_versions)
