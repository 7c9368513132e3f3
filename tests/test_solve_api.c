/* Solvers over batches: predictions, paths, threads, memory; the same for every method. */
#include "test_solve.h"

START_TEST(test_predictions_are_w_times_the_query) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = normal_batch(context, 70, 6, ICL_CONTENTS_ALL);
    for (int m = 0; m < METHODS; m++) {
        static double w[70 * DIM], prediction[140], again[140];
        icl_solver *solver = solver_of_method(context, (icl_method)m);
        ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
        if (has_weights(m))
            ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
        for (int i = 0; has_weights(m) && i < 140; i++)
            ASSERT_CLOSE(prediction[i],
                         read_out(m, dot(DIM, w + i / 2 * DIM, icl_batch_query(batch) + i * DIM)),
                         TOL_ALGEBRA(DIM, 1), 10);
        icl_predictor predictor;
        ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
        ASSERT_OK(context, predictor.predict(predictor.self, batch, again));
        assert_same_bits(140, again, prediction);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_the_path_ends_where_solve_does) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t n = 0; n <= 8; n += 2) {
        icl_batch *batch = normal_batch(context, 40, n, ICL_CONTENTS_ALL);
        for (int m = 0; m < METHODS; m++) {
            if (!has_weights(m))
                continue;
            static double w[40 * DIM], path[40 * 7 * DIM];
            icl_solver_report solved[40], walked[40];
            icl_solver *solver = solver_of_method(context, (icl_method)m);
            int64_t rows = iterates(m) ? 7 : 1;
            ASSERT_OK(context, icl_solver_solve(solver, batch, w, solved));
            ASSERT_OK(context, icl_solver_path(solver, batch, path, walked));
            for (int p = 0; p < 40; p++) {
                assert_same_bits(DIM, path + ((p + 1) * rows - 1) * DIM, w + p * DIM);
                ck_assert_int_eq(solved[p].stop, walked[p].stop);
                ck_assert_int_eq(solved[p].steps, walked[p].steps);
                for (int64_t k = solved[p].steps; k < rows; k++)
                    assert_same_bits(DIM, path + (p * rows + k) * DIM, w + p * DIM);
            }
            icl_solver_free(solver);
        }
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_any_number_of_threads_gives_equal_bits) {
    enum { B = 203 };
    static double first[B * DIM], w[B * DIM], first_path[B * 7 * DIM], path[B * 7 * DIM];
    static icl_solver_report first_reports[B], reports[B];
    const int64_t threads[] = {1, 2, 3, 7};
    for (int m = 0; m < METHODS; m++)
        for (int t = 0; t < 4; t++) {
            icl_context *context = make_context(threads[t], ICL_ISA_AUTO);
            icl_batch *batch = normal_batch(context, B, 6, ICL_CONTENTS_EXAMPLES);
            icl_solver *solver = solver_of_method(context, (icl_method)m);
            if (!has_weights(m)) { /* two answers a prompt */
                ASSERT_OK(context, icl_solver_predict(solver, batch, t ? w : first));
                assert_same_bits(2 * B, t ? w : first, first);
            } else {
                ASSERT_OK(context, icl_solver_solve(solver, batch, t ? w : first,
                                                    t ? reports : first_reports));
                ASSERT_OK(context, icl_solver_path(solver, batch, t ? path : first_path, NULL));
            }
            if (t > 0 && has_weights(m)) {
                assert_same_bits(B * DIM, w, first);
                assert_same_bits(B * (iterates(m) ? 7 : 1) * DIM, path, first_path);
                for (int p = 0; p < B; p++) {
                    ck_assert_int_eq(reports[p].stop, first_reports[p].stop);
                    ck_assert_int_eq(reports[p].steps, first_reports[p].steps);
                    ck_assert_int_eq(reports[p].rank, first_reports[p].rank);
                    assert_same_bits(1, &reports[p].step, &first_reports[p].step);
                }
            }
            icl_solver_free(solver);
            icl_batch_free(batch);
            icl_context_free(context);
        }
}
END_TEST

START_TEST(test_a_prompt_does_not_see_the_others) {
    enum { B = 100, N = 6 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = normal_batch(context, B, N, ICL_CONTENTS_ALL);
    for (int m = 0; m < METHODS; m++) {
        if (!has_weights(m)) /* test_prefixes.c asks them */
            continue;
        static double w[B * DIM], alone[DIM];
        icl_solver *solver = solver_of_method(context, (icl_method)m);
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
        for (int p = 0; p < B; p += 9) {
            icl_batch *one =
                batch_of(context, 1, N, DIM, 1, ICL_CONTENTS_EXAMPLES,
                         icl_batch_X(batch) + p * N * DIM, icl_batch_y(batch) + p * N, NULL);
            ASSERT_OK(context, icl_solver_solve(solver, one, alone, NULL));
            assert_same_bits(DIM, alone, w + p * DIM);
            icl_batch_free(one);
        }
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_moments_are_enough_or_missed) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *whole = normal_batch(context, 10, 6, ICL_CONTENTS_ALL);
    icl_batch *bare = normal_batch(context, 10, 6, 0);
    for (int m = 0; m < METHODS; m++) {
        double w[10 * DIM], expected[10 * DIM], path[10 * 7 * DIM], prediction[20];
        icl_solver *solver = solver_of_method(context, (icl_method)m);
        if (reads_examples(m)) {
            ASSERT_FAILS(context, ICL_ERR_MISSING, "EXAMPLES",
                         icl_solver_predict(solver, bare, prediction));
        }
        if (reads_examples(m) && has_weights(m)) {
            ASSERT_FAILS(context, ICL_ERR_MISSING, "EXAMPLES",
                         icl_solver_solve(solver, bare, w, NULL));
            ASSERT_FAILS(context, ICL_ERR_MISSING, "EXAMPLES",
                         icl_solver_path(solver, bare, path, NULL));
        } else if (has_weights(m)) {
            ASSERT_OK(context, icl_solver_solve(solver, whole, expected, NULL));
            ASSERT_OK(context, icl_solver_solve(solver, bare, w, NULL));
            assert_same_bits(10 * DIM, w, expected);
        }
        icl_solver_free(solver);
    }
    icl_batch_free(bare);
    icl_batch_free(whole);
    icl_context_free(context);
}
END_TEST

START_TEST(test_methods_without_weights_say_so) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = normal_batch(context, 2, 6, ICL_CONTENTS_ALL);
    for (int m = 0; m < METHODS; m++) {
        if (has_weights(m))
            continue;
        double out[2 * 7 * DIM], prediction[2 * 7], *weights = out, *at = prediction;
        for (int i = 0; i < 2 * 7 * DIM; i++)
            out[i] = -7;
        prediction[0] = -7;
        icl_solver *solver = solver_of_method(context, (icl_method)m);
        const icl_solver *one = solver;
        icl_solver_report reports[14] = {{.steps = -7}}, *told = reports;
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "has no weights",
                     icl_solver_solve(solver, batch, out, reports));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "has no weights",
                     icl_solver_path(solver, batch, out, reports));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "weights[0] is not NULL",
                     icl_solver_prefixes(&one, 1, batch, NULL, &at, &weights, &told));
        for (int i = 0; i < 2 * 7 * DIM; i++)
            ck_assert(out[i] == -7);
        ck_assert(reports[0].steps == -7 && prediction[0] == -7);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_estimated_penalties_need_examples) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *bare = normal_batch(context, 3, 6, 0);
    for (int rule = ICL_RIDGE_FIXED; rule <= ICL_RIDGE_TUNED; rule++) {
        double w[3 * DIM];
        icl_solver_options o = options_of(ICL_METHOD_RIDGE, DIM, 1);
        o.rule = (icl_ridge_rule)rule;
        icl_solver *solver = solver_of(context, &o);
        if (rule >= ICL_RIDGE_ADAPTIVE)
            ASSERT_FAILS(context, ICL_ERR_MISSING, "EXAMPLES",
                         icl_solver_solve(solver, bare, w, NULL));
        else
            ASSERT_OK(context, icl_solver_solve(solver, bare, w, NULL));
        icl_solver_free(solver);
    }
    icl_batch_free(bare);
    icl_context_free(context);
}
END_TEST

START_TEST(test_overflow_spoils_one_prompt_only) {
    /* X^T X overflows in prompt 1 of 3; its neighbours are solved, and by RIDGE it, too: from X, of
     * which lambda is lost beside its squares */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[3 * 2 * DIM], y[6], w[3 * DIM], expected[DIM], path[3 * 7 * DIM];
    const double start[DIM] = {1, 2, 3, 4}, zero[DIM] = {0};
    icl_solver_report reports[3];
    fill_normal(context, 1, 6 * DIM, X);
    fill_normal(context, 2, 6, y);
    for (int i = 2 * DIM; i < 4 * DIM; i++)
        X[i] *= 1e200;
    icl_batch *batch = batch_of(context, 3, 2, DIM, 1, ICL_CONTENTS_ALL, X, y, NULL);
    for (int m = ICL_METHOD_GD; m <= ICL_METHOD_RIDGE; m++) {
        icl_solver_options o = options_of((icl_method)m, DIM, 6);
        give_needs(&o);
        o.start = start;
        o.ridge = 0.5;
        icl_solver *solver = solver_of(context, &o);
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, reports));
        ASSERT_OK(context, icl_solver_path(solver, batch, path, NULL));
        if (m == ICL_METHOD_RIDGE) {
            ck_assert_int_eq(reports[1].stop, ICL_STOP_SINGULAR);
            for (int i = 2; i < 4; i++)
                ASSERT_CLOSE(dot(DIM, w + DIM, X + i * DIM), y[i], TOL_ALGEBRA(6, 100), 3);
        } else {
            ck_assert_int_eq(reports[1].stop, ICL_STOP_DIVERGED);
            assert_same_bits(DIM, w + DIM, m <= ICL_METHOD_PGD ? start : zero);
        }
        solve_one(context, &o, 2, X + 4 * DIM, y + 4, ICL_CONTENTS_ALL, expected, NULL);
        assert_same_bits(DIM, w + 2 * DIM, expected);
        ck_assert_int_ne(reports[0].stop, ICL_STOP_DIVERGED);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_a_diverging_prompt_does_not_stop_the_others) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1, 100, 0.1}, y[] = {1, 100, 0.1};
    double w[3];
    icl_solver_report reports[3];
    icl_batch *batch = batch_of(context, 3, 1, 1, 1, 0, X, y, NULL);
    icl_solver_options o = options_of(ICL_METHOD_GD, 1, 100);
    o.step = 0.5;
    icl_solver *solver = solver_of(context, &o);
    ASSERT_OK(context, icl_solver_solve(solver, batch, w, reports));
    ck_assert_int_ne(reports[0].stop, ICL_STOP_DIVERGED);
    ck_assert_int_eq(reports[1].stop, ICL_STOP_DIVERGED);
    ck_assert_int_eq(reports[2].stop, ICL_STOP_STEPS);
    ASSERT_CLOSE(w[0], 1, TOL_ALGEBRA(1, 1), 1);
    ASSERT_CLOSE(w[2], 1 - pow(1 - 0.5 * 0.01, 100), TOL_ALGEBRA(100, 1), 1);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_objects_keep_what_they_need) {
    /* the options' arrays, the law and the caller's context may go before the solver */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double *B = malloc(sizeof identity), *start = malloc(DIM * sizeof *start), w[DIM];
    memcpy(B, identity, sizeof identity);
    for (int j = 0; j < DIM; j++)
        start[j] = j;
    icl_law *law = default_law(context);
    icl_solver_options o = options_of(ICL_METHOD_PGD, DIM, 0);
    o.preconditioner = B;
    o.start = start;
    icl_solver *pgd = solver_of(context, &o);
    o = options_of(ICL_METHOD_BAYES, DIM, 0);
    o.law = law;
    icl_solver *bayes = solver_of(context, &o);
    memset(B, 0xff, sizeof identity);
    free(B);
    free(start);
    icl_law_free(law);
    icl_batch *batch = normal_batch(context, 1, 6, ICL_CONTENTS_ALL);
    icl_context_free(context);
    ck_assert_int_eq(icl_solver_solve(pgd, batch, w, NULL), ICL_OK);
    for (int j = 0; j < DIM; j++)
        ASSERT_CLOSE(w[j], j, 0, 1);
    ck_assert_int_eq(icl_solver_solve(bayes, batch, w, NULL), ICL_OK);
    icl_solver_free(pgd);
    icl_solver_free(bayes);
    icl_solver_free(NULL);
    icl_batch_free(batch);
}
END_TEST

/* ---- memory ---- */

static icl_status solve_everything(icl_context *context, void *user) {
    icl_method method = *(icl_method *)user;
    icl_law_options lo;
    icl_batch_options bo;
    icl_law_options_init(&lo, sizeof lo);
    icl_batch_options_init(&bo, sizeof bo);
    lo.dim = bo.dim = DIM;
    bo.prompts = 3;
    double w[3 * DIM], path[3 * 2 * DIM], prediction[3];
    icl_law *law = NULL;
    icl_batch *batch = NULL;
    icl_solver *solver = NULL;
    icl_status status = icl_law_create(context, &lo, &law);
    if (status == ICL_OK)
        status = icl_batch_create(context, &bo, &batch);
    icl_solver_options o = options_of(method, DIM, 1);
    give_needs(&o);
    o.start = identity;
    o.law = law;
    if (status == ICL_OK) {
        status = icl_solver_create(context, &o, &solver);
        ck_assert((solver != NULL) == (status == ICL_OK));
    }
    if (status == ICL_OK && has_weights((int)method))
        status = icl_solver_solve(solver, batch, w, NULL);
    if (status == ICL_OK && has_weights((int)method))
        status = icl_solver_path(solver, batch, path, NULL);
    if (status == ICL_OK)
        status = icl_solver_predict(solver, batch, prediction);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    for (int m = 0; m < METHODS; m++)
        check_every_allocation(solve_everything, &(icl_method){(icl_method)m});
}
END_TEST

START_TEST(test_memory_is_asked_for_by_the_caller_only) {
    /* workers allocate nothing: a call costs the same requests for 1 and for 1000 prompts */
    for (int m = 0; m < METHODS; m++) {
        int64_t requests[2];
        for (int many = 0; many < 2; many++) {
            failing_allocator state = {.fail_at = -1};
            icl_context_options o;
            icl_context *context;
            ck_assert_int_eq(icl_context_options_init(&o, sizeof o), ICL_OK);
            o.allocator = failing_allocator_of(&state);
            ck_assert_int_eq(icl_context_create(&o, &context), ICL_OK);
            icl_batch *batch = normal_batch(context, many ? 1000 : 1, 3, ICL_CONTENTS_ALL);
            icl_solver *solver = solver_of_method(context, (icl_method)m);
            double *w = malloc(1000 * DIM * sizeof *w);
            requests[many] = -state.requests;
            ASSERT_OK(context, has_weights(m) ? icl_solver_solve(solver, batch, w, NULL)
                                              : icl_solver_predict(solver, batch, w));
            requests[many] += state.requests;
            free(w);
            icl_solver_free(solver);
            icl_batch_free(batch);
            icl_context_free(context);
            ck_assert_int_eq(state.held, 0);
        }
        ck_assert_int_eq(requests[0], requests[1]);
    }
}
END_TEST

RUN_SUITE("solve_api", test_predictions_are_w_times_the_query, test_the_path_ends_where_solve_does,
          test_any_number_of_threads_gives_equal_bits, test_a_prompt_does_not_see_the_others,
          test_moments_are_enough_or_missed, test_methods_without_weights_say_so,
          test_estimated_penalties_need_examples, test_overflow_spoils_one_prompt_only,
          test_a_diverging_prompt_does_not_stop_the_others, test_objects_keep_what_they_need,
          test_every_allocation_may_fail, test_memory_is_asked_for_by_the_caller_only)
