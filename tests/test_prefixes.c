/* The call that answers every prefix: its arrays, grids, threads, memory, and what it refuses. */
#include "test_prefixes.h"

#include "task/batch.h"

enum { N = 7 };

/* A solver of each method, all at once, with grids of their own and without. */
typedef struct crowd {
    icl_solver *solvers[METHODS];
    const int64_t *grids[METHODS];
    int64_t counts[METHODS];
    double *predictions[METHODS], *weights[METHODS];
    icl_solver_report *reports[METHODS];
    int64_t B;
} crowd;

static const int64_t short_grid[] = {0, 3}, long_grid[] = {1, 2, 4, 6, 40};

static int64_t rows_of(const crowd *c, int m) {
    return c->B * (N + 1) * (c->grids[m] != NULL ? c->counts[m] : 1);
}

static crowd make_crowd(icl_context *context, int64_t B) {
    crowd c = {.B = B};
    for (int m = 0; m < METHODS; m++) {
        c.solvers[m] = solver_of_method(context, (icl_method)m);
        c.grids[m] = m % 3 == 0 ? NULL : m % 3 == 1 ? short_grid : long_grid;
        c.counts[m] = m % 3 == 0 ? -5 : m % 3 == 1 ? 2 : 5; /* without a grid it is not read */
        size_t rows = (size_t)rows_of(&c, m);
        c.predictions[m] = malloc(rows * sizeof(double));
        c.weights[m] = has_weights(m) ? malloc(rows * DIM * sizeof(double)) : NULL;
        c.reports[m] = malloc((size_t)(B * (N + 1)) * sizeof *c.reports[m]);
    }
    return c;
}

static void free_crowd(crowd *c) {
    for (int m = 0; m < METHODS; m++) {
        icl_solver_free(c->solvers[m]);
        free(c->predictions[m]);
        free(c->weights[m]);
        free(c->reports[m]);
    }
}

static icl_prefix_options grids_of(const crowd *c) {
    icl_prefix_options o;
    ck_assert_int_eq(icl_prefix_options_init(&o, sizeof o), ICL_OK);
    o.steps = c->grids;
    o.counts = c->counts;
    return o;
}

static const icl_solver *const *solvers_of(const crowd *c) {
    return (const icl_solver *const *)c->solvers;
}

static void ask_crowd(icl_context *context, crowd *c, const icl_batch *batch) {
    icl_prefix_options o = grids_of(c);
    ASSERT_OK(context, icl_solver_prefixes(solvers_of(c), METHODS, batch, &o, c->predictions,
                                           c->weights, c->reports));
}

/* Nothing for a method without. */
static void assert_same_weights(int m, int64_t rows, const double *got, const double *expected) {
    if (has_weights(m))
        assert_same_bits(rows * DIM, got, expected);
}

static void assert_same_report(const icl_solver_report *a, const icl_solver_report *b) {
    ck_assert_int_eq(a->stop, b->stop);
    ck_assert_int_eq(a->rank, b->rank);
    ck_assert_int_eq(a->steps, b->steps);
    assert_same_bits(1, &a->step, &b->step);
}

/* Prompts first.. of the batch, as a batch. */
static icl_batch *slice(icl_context *context, const icl_batch *batch, int64_t first, int64_t B) {
    return batch_of(context, B, N, DIM, 1, ICL_CONTENTS_ALL, icl_batch_X(batch) + first * N * DIM,
                    icl_batch_y(batch) + first * N, icl_batch_query(batch) + first * DIM);
}

static icl_batch *plain_batch(icl_context *context, int64_t B) {
    icl_batch *two = normal_batch(context, B, N, ICL_CONTENTS_ALL); /* two queries a prompt */
    return two;
}

START_TEST(test_one_call_is_many) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = plain_batch(context, 21);
    crowd c = make_crowd(context, 21);
    ask_crowd(context, &c, batch);
    for (int m = 0; m < METHODS; m++) {
        curves alone = curves_of(context, c.solvers[m], batch, c.grids[m], c.counts[m]);
        assert_same_bits(rows_of(&c, m), c.predictions[m], alone.prediction);
        assert_same_weights(m, rows_of(&c, m), c.weights[m], alone.weights);
        for (int i = 0; i < 21 * (N + 1); i++)
            assert_same_report(&c.reports[m][i], &alone.reports[i]);
        free_curves(&alone);
    }
    free_crowd(&c);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_answers_are_w_times_the_next_example) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = plain_batch(context, 21);
    crowd c = make_crowd(context, 21);
    ask_crowd(context, &c, batch);
    for (int m = 0; m < METHODS; m++)
        for (int64_t row = 0; has_weights(m) && row < rows_of(&c, m); row++) {
            int64_t K = c.grids[m] != NULL ? c.counts[m] : 1, p = row / (K * (N + 1));
            const double *x = query_at(batch, p, row / K % (N + 1)), *w = c.weights[m] + row * DIM;
            ASSERT_CLOSE(c.predictions[m][row], read_out(m, dot(DIM, w, x)),
                         TOL_ALGEBRA(DIM + N, 1), (1 + norm(DIM, w)) * norm(DIM, x));
        }
    free_crowd(&c);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_the_last_prefix_is_the_whole_prompt) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = plain_batch(context, 21);
    for (int m = 0; m < METHODS; m++) {
        double w[21 * DIM], prediction[42];
        icl_solver *solver = solver_of_method(context, (icl_method)m);
        curves c = curves_of(context, solver, batch, NULL, 0);
        ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
        if (has_weights(m))
            ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
        for (int p = 0; !has_weights(m) && p < 21; p++)
            assert_same_bits(1, &prediction[2 * p], &c.prediction[p * (N + 1) + N]);
        /* of normal prompts with n = 7, d = 4, kappa(A) is below 10^4 */
        for (int p = 0; has_weights(m) && p < 21; p++) {
            double scale = norm(DIM, w + p * DIM) + norm(N, icl_batch_y(batch) + p * N);
            assert_close(DIM, weights_at(&c, p, N, 0), w + p * DIM, TOL_ALGEBRA(N + DIM, 1e4),
                         scale);
            ASSERT_CLOSE(prediction_at(&c, p, N, 0), prediction[2 * p], TOL_ALGEBRA(N + DIM, 1e4),
                         scale * norm(DIM, query_at(batch, p, N)));
        }
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_what_is_not_wanted_changes_nothing) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = plain_batch(context, 10);
    crowd c = make_crowd(context, 10), part = make_crowd(context, 10);
    ask_crowd(context, &c, batch);
    icl_prefix_options o = grids_of(&part);
    for (int wanted = 0; wanted < 8; wanted++) {
        double *predictions[METHODS], *weights[METHODS];
        icl_solver_report *reports[METHODS];
        for (int m = 0; m < METHODS; m++) { /* every other solver has all */
            predictions[m] = wanted & 1 || m % 2 ? part.predictions[m] : NULL;
            weights[m] = wanted & 2 || m % 2 ? part.weights[m] : NULL;
            reports[m] = wanted & 4 || m % 2 ? part.reports[m] : NULL;
            for (int64_t i = 0; i < rows_of(&c, m); i++) {
                part.predictions[m][i] = -7;
                if (has_weights(m))
                    part.weights[m][i * DIM] = -7;
            }
        }
        ASSERT_OK(context, icl_solver_prefixes(solvers_of(&part), METHODS, batch, &o, predictions,
                                               weights, reports));
        for (int m = 0; m < METHODS; m++)
            for (int64_t i = 0; i < rows_of(&c, m); i++) {
                const double none = -7;
                assert_same_bits(1, &part.predictions[m][i],
                                 predictions[m] != NULL ? &c.predictions[m][i] : &none);
                if (has_weights(m))
                    assert_same_bits(1, &part.weights[m][i * DIM],
                                     weights[m] != NULL ? &c.weights[m][i * DIM] : &none);
            }
    }
    ASSERT_OK(context,
              icl_solver_prefixes(solvers_of(&part), METHODS, batch, &o, NULL, NULL, NULL));
    free_crowd(&part);
    free_crowd(&c);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_some_prefixes_are_a_part_of_all) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = plain_batch(context, 13);
    crowd c = make_crowd(context, 13), part = make_crowd(context, 13);
    ask_crowd(context, &c, batch);
    const int64_t ranges[][2] = {{0, N}, {N, N}, {0, 0}, {2, 5}, {N, -1}};
    for (int r = 0; r < 5; r++) {
        int64_t first = ranges[r][0], T = (ranges[r][1] < 0 ? N : ranges[r][1]) - first + 1;
        icl_prefix_options o = grids_of(&part);
        o.first = first;
        o.last = ranges[r][1];
        ASSERT_OK(context, icl_solver_prefixes(solvers_of(&part), METHODS, batch, &o,
                                               part.predictions, part.weights, part.reports));
        for (int m = 0; m < METHODS; m++) {
            int64_t K = rows_of(&c, m) / (13 * (N + 1));
            for (int64_t p = 0; p < 13; p++) {
                int64_t row = p * T, of = p * (N + 1) + first;
                assert_same_bits(T * K, part.predictions[m] + row * K, c.predictions[m] + of * K);
                if (has_weights(m))
                    assert_same_bits(T * K * DIM, part.weights[m] + row * K * DIM,
                                     c.weights[m] + of * K * DIM);
                for (int64_t t = 0; t < T; t++)
                    assert_same_report(&part.reports[m][row + t], &c.reports[m][of + t]);
            }
        }
    }
    free_crowd(&part);
    free_crowd(&c);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_any_number_of_threads_gives_equal_bits) {
    enum { B = 75 };
    const int64_t threads[] = {1, 2, 3, 7};
    crowd first = {.B = 0};
    icl_context *contexts[4];
    for (int i = 0; i < 4; i++) {
        icl_context *context = contexts[i] = make_context(threads[i], ICL_ISA_AUTO);
        icl_batch *batch = normal_batch(context, B, N, ICL_CONTENTS_EXAMPLES);
        crowd c = make_crowd(context, B);
        ask_crowd(context, &c, batch);
        icl_batch_free(batch);
        if (i == 0) {
            first = c;
            continue;
        }
        for (int m = 0; m < METHODS; m++) {
            assert_same_bits(rows_of(&c, m), c.predictions[m], first.predictions[m]);
            assert_same_weights(m, rows_of(&c, m), c.weights[m], first.weights[m]);
            for (int k = 0; k < B * (N + 1); k++)
                assert_same_report(&c.reports[m][k], &first.reports[m][k]);
        }
        free_crowd(&c);
    }
    free_crowd(&first);
    for (int i = 0; i < 4; i++)
        icl_context_free(contexts[i]);
}
END_TEST

START_TEST(test_a_prompt_does_not_see_the_others) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, N, DIM, 2);
    crowd c = make_crowd(context, PROMPTS);
    ask_crowd(context, &c, batch);
    for (int64_t p = 0; p < PROMPTS; p++) {
        icl_batch *one = slice(context, batch, p, 1);
        crowd alone = make_crowd(context, 1);
        ask_crowd(context, &alone, one);
        for (int m = 0; m < METHODS; m++) {
            int64_t rows = rows_of(&alone, m);
            assert_same_bits(rows, alone.predictions[m], c.predictions[m] + p * rows);
            if (has_weights(m))
                assert_same_bits(rows * DIM, alone.weights[m], c.weights[m] + p * rows * DIM);
        }
        free_crowd(&alone);
        icl_batch_free(one);
    }
    free_crowd(&c);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_instruction_sets_agree) {
    /* AVX2 and AVX-512 to the bit; the baseline does not fuse */
    crowd first = {.B = 0};
    icl_context *contexts[3];
    icl_isa first_isa = ICL_ISA_BASELINE;
    for (int isa = ICL_ISA_AVX512; isa >= ICL_ISA_BASELINE; isa--) {
        contexts[isa - 1] = NULL;
        if (!icl_isa_supported((icl_isa)isa))
            continue;
        icl_context *context = contexts[isa - 1] = make_context(1, (icl_isa)isa);
        icl_batch *batch = plain_batch(context, 21);
        crowd c = make_crowd(context, 21);
        ask_crowd(context, &c, batch);
        icl_batch_free(batch);
        if (first.B == 0) {
            first = c;
            first_isa = (icl_isa)isa;
            continue;
        }
        for (int m = 0; m < METHODS; m++)
            if (isa != ICL_ISA_BASELINE && first_isa != ICL_ISA_BASELINE) {
                assert_same_bits(rows_of(&c, m), c.predictions[m], first.predictions[m]);
            } else if (m == ICL_METHOD_RIDGE || m == ICL_METHOD_LEAST_SQUARES ||
                       m == ICL_METHOD_BAYES || m == ICL_METHOD_POOL || m == ICL_METHOD_SERIES) {
                for (int64_t i = 0; i < rows_of(&c, m); i++) /* kappa(X) is below 100 */
                    ASSERT_CLOSE(c.predictions[m][i], first.predictions[m][i],
                                 TOL_ALGEBRA(N + DIM, 1e4), 10);
            } else { /* no kernel is in these */
                assert_same_bits(rows_of(&c, m), c.predictions[m], first.predictions[m]);
            }
        free_crowd(&c);
    }
    free_crowd(&first);
    for (int i = 0; i < 3; i++)
        icl_context_free(contexts[i]);
}
END_TEST

START_TEST(test_nothing_that_is_not_finite_comes_out) {
    /* examples and queries so large that moments, or products with w, overflow */
    enum { B = 4 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[B * N * DIM], y[B * N], query[B * DIM];
    fill_normal(context, 1, B * N * DIM, X);
    fill_normal(context, 2, B * N, y);
    fill_normal(context, 3, B * DIM, query);
    for (int j = 0; j < DIM; j++) {
        X[(0 * N + 3) * DIM + j] *= 1e200; /* a large example half-way */
        query[1 * DIM + j] = 1e308;        /* a large query */
        X[(2 * N + 0) * DIM + j] *= 1e160;
    }
    for (int i = 0; i < N; i++)
        y[3 * N + i] *= 1e300;
    icl_batch *batch = batch_of(context, B, N, DIM, 1, ICL_CONTENTS_ALL, X, y, query);
    crowd c = make_crowd(context, B);
    ask_crowd(context, &c, batch);
    for (int m = 0; m < METHODS; m++) {
        ck_assert(icl_all_finite(c.predictions[m], rows_of(&c, m)));
        ck_assert(!has_weights(m) || icl_all_finite(c.weights[m], rows_of(&c, m) * DIM));
        for (int t = 0; t < 3; t++) /* what comes later is not seen */
            ck_assert_int_ne(c.reports[m][t].stop, ICL_STOP_DIVERGED);
    }
    /* moments overflow from the fourth example on */
    const int moments[] = {ICL_METHOD_GD, ICL_METHOD_NEWTON, ICL_METHOD_CONJUGATE_GRADIENT};
    for (int i = 0; i < 3; i++)
        for (int t = 4; t <= N; t++)
            ck_assert_int_eq(c.reports[moments[i]][t].stop, ICL_STOP_DIVERGED);
    /* least squares do not need them */
    for (int t = 0; t < N; t++)
        ck_assert_int_ne(c.reports[ICL_METHOD_LEAST_SQUARES][t].stop, ICL_STOP_DIVERGED);
    free_crowd(&c);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_steps_that_diverge_are_told) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = plain_batch(context, 9);
    const icl_method methods[] = {ICL_METHOD_GD,         ICL_METHOD_PGD,      ICL_METHOD_NEWTON,
                                  ICL_METHOD_HEAVY_BALL, ICL_METHOD_NESTEROV, ICL_METHOD_CHEBYSHEV,
                                  ICL_METHOD_ONLINE_GD,  ICL_METHOD_SGD};
    for (int m = 0; m < 8; m++) {
        const int64_t steps = 2000;
        icl_solver_options o = options_of(methods[m], DIM, steps);
        o.step = 1e3;
        o.least = 1e-8;
        o.greatest = 1e-6;
        o.preconditioner = identity;
        icl_solver *solver = solver_of(context, &o);
        curves c = curves_of(context, solver, batch, &steps, 1);
        for (int p = 0; p < 9; p++)
            for (int t = 1; t <= N; t++) {
                /* a single pass over few examples has no time to grow by 2^52 */
                if (t > 1 && (methods[m] != ICL_METHOD_ONLINE_GD || t > 6))
                    ck_assert_msg(report_at(&c, p, t)->stop == ICL_STOP_DIVERGED,
                                  "method %d, prompt %d, prefix %d: stop %d", (int)methods[m], p, t,
                                  (int)report_at(&c, p, t)->stop);
                ck_assert(isfinite(prediction_at(&c, p, t, 0)));
                ck_assert_int_lt(report_at(&c, p, t)->steps, steps);
            }
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- memory ---- */

static icl_status ask_everything(icl_context *context, void *user) {
    (void)user;
    icl_batch_options bo;
    icl_batch_options_init(&bo, sizeof bo);
    bo.dim = DIM;
    bo.prompts = 3;
    bo.context = N;
    double out[3 * (N + 1)], *outs[METHODS];
    icl_batch *batch = NULL;
    icl_solver *solvers[METHODS] = {NULL};
    icl_law *law = NULL;
    icl_law_options lo;
    icl_law_options_init(&lo, sizeof lo);
    lo.dim = DIM;
    icl_status status = icl_law_create(context, &lo, &law);
    if (status == ICL_OK)
        status = icl_batch_create(context, &bo, &batch);
    for (int m = 0; m < METHODS && status == ICL_OK; m++) {
        icl_solver_options o = options_of((icl_method)m, DIM, 2);
        give_needs(&o);
        o.law = law;
        outs[m] = out;
        status = icl_solver_create(context, &o, &solvers[m]);
    }
    if (status == ICL_OK)
        status = icl_solver_prefixes((const icl_solver *const *)solvers, METHODS, batch, NULL, outs,
                                     NULL, NULL);
    for (int m = 0; m < METHODS; m++)
        icl_solver_free(solvers[m]);
    icl_batch_free(batch);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(ask_everything, NULL);
}
END_TEST

START_TEST(test_memory_is_asked_for_by_the_caller_only) {
    /* workers allocate nothing: a call costs the same requests for 1 and for 300 prompts, of which
     * many go to LAPACK */
    int64_t requests[2];
    for (int many = 0; many < 2; many++) {
        failing_allocator state = {.fail_at = -1};
        icl_context_options o;
        icl_context *context;
        ck_assert_int_eq(icl_context_options_init(&o, sizeof o), ICL_OK);
        o.allocator = failing_allocator_of(&state);
        ck_assert_int_eq(icl_context_create(&o, &context), ICL_OK);
        int64_t B = many ? 300 : 1;
        icl_batch *batch = plain_batch(context, B);
        double *X = calloc((size_t)(B * N * (DIM + 1)), sizeof *X);
        memcpy(X, icl_batch_X(batch), (size_t)(B * N * DIM) * sizeof *X);
        for (int64_t p = 0; p < B; p += 2)
            memcpy(X + (p * N + 1) * DIM, X + p * N * DIM, DIM * sizeof *X);
        icl_batch_free(batch);
        batch = batch_of(context, B, N, DIM, 1, ICL_CONTENTS_ALL, X, X + B * N * DIM, NULL);
        crowd c = make_crowd(context, B);
        requests[many] = -state.requests;
        ask_crowd(context, &c, batch);
        requests[many] += state.requests;
        free(X);
        free_crowd(&c);
        icl_batch_free(batch);
        icl_context_free(context);
        ck_assert_int_eq(state.held, 0);
    }
    ck_assert_int_eq(requests[0], requests[1]);
}
END_TEST

RUN_SUITE("prefixes", test_one_call_is_many, test_answers_are_w_times_the_next_example,
          test_the_last_prefix_is_the_whole_prompt, test_what_is_not_wanted_changes_nothing,
          test_some_prefixes_are_a_part_of_all, test_any_number_of_threads_gives_equal_bits,
          test_a_prompt_does_not_see_the_others, test_instruction_sets_agree,
          test_nothing_that_is_not_finite_comes_out, test_steps_that_diverge_are_told,
          test_every_allocation_may_fail, test_memory_is_asked_for_by_the_caller_only)
