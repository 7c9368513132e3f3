/* How runs end: icl_solver_solve and icl_solver_prefixes tell the same. */
#include "test_prefixes.h"

typedef struct outcome {
    icl_solver_report report;
    double w[MAX_SIDE];
} outcome;

/* The same prompt by both roads. */
static void run_both(icl_context *context, const icl_solver_options *o, int64_t n, const double *X,
                     const double *y, outcome *solved, outcome *prefix) {
    solved->report = solve_one(context, o, n, X, y, ICL_CONTENTS_ALL, solved->w, NULL);
    icl_batch *batch = batch_of(context, 1, n, o->dim, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver *solver = solver_of(context, o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    prefix->report = *report_at(&c, 0, n);
    memcpy(prefix->w, weights_at(&c, 0, n, 0), (size_t)o->dim * sizeof(double));
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
}

static void assert_both(icl_stop expected, const icl_solver_options *o, const outcome *solved,
                        const outcome *prefix) {
    ck_assert_msg(solved->report.stop == expected && prefix->report.stop == expected,
                  "method %d: %s after %lld steps, at prefixes %s after %lld", (int)o->method,
                  icl_stop_name(solved->report.stop), (long long)solved->report.steps,
                  icl_stop_name(prefix->report.stop), (long long)prefix->report.steps);
}

static const icl_method methods[] = {
    ICL_METHOD_GD,        ICL_METHOD_PGD,  ICL_METHOD_HEAVY_BALL, ICL_METHOD_NESTEROV,
    ICL_METHOD_CHEBYSHEV, ICL_METHOD_SGD,  ICL_METHOD_NEWTON,     ICL_METHOD_CONJUGATE_GRADIENT,
    ICL_METHOD_BFGS,      ICL_METHOD_LBFGS};
enum { COUNT = sizeof methods / sizeof *methods };

/* Singular values from 2 to 1; kind 0: n > d, 1: n < d, 2: one example, 3: one example four times
 */
static void make_prompt(icl_context *context, int kind, planted *p) {
    const double s[] = {2, 1.5, 1.2, 1};
    const int64_t sizes[][2] = {{12, 4}, {3, 4}, {1, 4}, {1, 4}};
    int64_t n = sizes[kind][0];
    plant(context, n, 4, n < 4 ? n : 4, s, 0.5, 7, p);
    if (kind != 3)
        return;
    for (int i = 1; i < 4; i++) {
        memcpy(p->X + 4 * i, p->X, 4 * sizeof(double));
        p->y[i] = p->y[0];
    }
    p->n = 4;
}

START_TEST(test_runs_without_a_tolerance_end_at_rounding) {
    /* of 2^31 steps few are done */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int kind = 0; kind < 4; kind++)
        for (int m = 0; m < COUNT; m++)
            for (int unreachable = 0; unreachable < 2; unreachable++) {
                outcome solved, prefix;
                make_prompt(context, kind, &p);
                icl_solver_options o = options_of(methods[m], 4, INT64_C(1) << 31);
                o.preconditioner = identity;
                o.tolerance = unreachable ? 1e-40 : 0;
                run_both(context, &o, p.n, p.X, p.y, &solved, &prefix);
                if (!unreachable)
                    assert_both(ICL_STOP_STALLED, &o, &solved, &prefix);
                /* a residual of exactly 0 would meet any other tolerance */
                ck_assert_int_ne(solved.report.stop, ICL_STOP_STEPS);
                ck_assert_int_ne(prefix.report.stop, ICL_STOP_STEPS);
                ck_assert_int_lt(solved.report.steps, 3000);
                ck_assert_int_lt(prefix.report.steps, 3000);
                double scale = norm(4, solved.w) + norm(p.n, p.y);
                assert_close(4, solved.w, prefix.w, TOL_ALGEBRA(p.n + 4, 16), scale);
            }
    icl_context_free(context);
}
END_TEST

START_TEST(test_tolerances_that_are_met_and_steps_that_are_done) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    make_prompt(context, 0, &p);
    for (int m = 0; m < COUNT; m++) {
        outcome solved, prefix;
        icl_solver_options o = options_of(methods[m], 4, 1000);
        o.preconditioner = identity;
        o.tolerance = 1e-6;
        run_both(context, &o, p.n, p.X, p.y, &solved, &prefix);
        if (methods[m] != ICL_METHOD_SGD)
            assert_both(ICL_STOP_CONVERGED, &o, &solved, &prefix);
        ck_assert_int_eq(solved.report.steps, prefix.report.steps);
        o.steps = 2;
        run_both(context, &o, p.n, p.X, p.y, &solved, &prefix);
        assert_both(ICL_STOP_STEPS, &o, &solved, &prefix);
        ck_assert_int_eq(solved.report.steps, 2);
        ck_assert_int_eq(prefix.report.steps, 2);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_what_nothing_can_move_has_converged) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[8] = {0}, y[2] = {1, 2};
    for (int m = 0; m < COUNT; m++)
        for (int64_t n = 0; n <= 2; n += 2) {
            outcome solved, prefix;
            icl_solver_options o = options_of(methods[m], 4, 1000);
            o.preconditioner = identity;
            run_both(context, &o, n, n > 0 ? X : NULL, n > 0 ? y : NULL, &solved, &prefix);
            assert_both(ICL_STOP_CONVERGED, &o, &solved, &prefix);
            ck_assert_int_eq(solved.report.steps, 0);
            ck_assert_int_eq(prefix.report.steps, 0);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_newton_says_that_it_lost_its_digits) {
    /* columns of sizes 1 .. 1e-6: what the products lose, the polynomial keeps */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[12 * 4], y[12];
    const double task[] = {1, -2, 3, -0.625};
    fill_normal(context, 3, 12 * 4, X);
    for (int i = 0; i < 12; i++) {
        for (int j = 0; j < 4; j++)
            X[4 * i + j] *= pow(10, -2 * j);
        y[i] = dot(4, X + 4 * i, task);
    }
    for (int given = 0; given < 2; given++) {
        outcome solved, prefix;
        icl_solver_options o = options_of(ICL_METHOD_NEWTON, 4, 1000);
        o.tolerance = given ? 1e-14 : 0;
        run_both(context, &o, 12, X, y, &solved, &prefix);
        ck_assert_int_eq(solved.report.stop, ICL_STOP_STALLED);
        ck_assert_int_eq(prefix.report.stop, given ? ICL_STOP_CONVERGED : ICL_STOP_STALLED);
        ck_assert_double_gt(fabs(solved.w[3] - task[3]), 0.1);
        if (!given)
            assert_close(4, prefix.w, task, TOL_ALGEBRA(16, 1e12), norm(4, task));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_does_without_squares_that_overflow) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    double scaled[12 * 4], w[4];
    make_prompt(context, 0, &p);
    for (int i = 0; i < 12 * 4; i++)
        scaled[i] = ldexp(p.X[i], 530);
    outcome solved, prefix;
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, 4, 1);
    run_both(context, &o, 12, scaled, p.y, &solved, &prefix);
    assert_both(ICL_STOP_CONVERGED, &o, &solved, &prefix);
    planted_least_norm(&p, w);
    for (int j = 0; j < 4; j++) {
        ASSERT_CLOSE(ldexp(solved.w[j], 530), w[j], TOL_ALGEBRA(16, 4), norm(4, w));
        ASSERT_CLOSE(ldexp(prefix.w[j], 530), w[j], TOL_ALGEBRA(16, 4), norm(4, w));
    }
    /* where the batch holds nothing but moments there is no answer */
    ck_assert_int_eq(solve_one(context, &o, 12, scaled, p.y, 0, w, NULL).stop, ICL_STOP_DIVERGED);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_stops", test_runs_without_a_tolerance_end_at_rounding,
          test_tolerances_that_are_met_and_steps_that_are_done,
          test_what_nothing_can_move_has_converged, test_newton_says_that_it_lost_its_digits,
          test_ridge_does_without_squares_that_overflow)
