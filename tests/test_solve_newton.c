/* Iterative Newton against its closed form on a planted eigenbasis: I - M_k A = (I - alpha
 * A^2)^(2^k), so a coordinate v_i of w_k = M_k X^T y is  (1 - (1 - alpha l_i^2)^(2^k)) c_i / l_i.
 */
#include "test_solve.h"

/* Singular values 1..1.5: kappa of X^T X is 2.25. Rounding in M_k A grows by kappa, and once more
 * by kappa where M_k is applied. */
static const double mild_condition = 2.25 * 2.25;

static void plant_mild(icl_context *context, int64_t n, int64_t d, int64_t k, uint64_t seed,
                       planted *p) {
    double s[MAX_SIDE];
    for (int64_t i = 0; i < k; i++)
        s[i] = k == 1 ? 1.25 : 1.5 - 0.5 * (double)i / (double)(k - 1);
    plant(context, n, d, k, s, 0.5, seed, p);
}

static double frobenius_of_square(const planted *p, double ridge) {
    double sum = 0;
    for (int64_t i = 0; i < p->d; i++) {
        double l = (i < p->k ? p->s[i] * p->s[i] : 0) + ridge;
        sum += l * l * l * l;
    }
    return sqrt(sum);
}

static void closed_form(const planted *p, double ridge, double alpha, int k, double *w) {
    double filter[MAX_SIDE];
    for (int64_t i = 0; i < p->k; i++) {
        double l = p->s[i] * p->s[i] + ridge;
        filter[i] = (1 - pow(1 - alpha * l * l, ldexp(1, k))) * planted_c(p, i) / l;
    }
    compose(p, filter, w);
}

START_TEST(test_newton_follows_its_closed_form) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const int64_t shapes[][3] = {{20, 5, 5}, {5, 5, 5}, {3, 6, 3},
                                 {12, 6, 4}, {1, 1, 1}, {1, 9, 1}};
    for (int i = 0; i < 6; i++)
        for (int setting = 0; setting < 4; setting++) {
            int64_t n = shapes[i][0], d = shapes[i][1];
            plant_mild(context, n, d, shapes[i][2], (uint64_t)i, &p);
            double w[MAX_SIDE], path[11 * MAX_SIDE], expected[MAX_SIDE];
            icl_solver_options o = options_of(ICL_METHOD_NEWTON, d, 10);
            o.ridge = setting & 1 ? 0.3 : 0;
            o.step = setting & 2 ? 0.02 : 0;
            double alpha = setting & 2 ? 0.02 : 1 / frobenius_of_square(&p, o.ridge);
            icl_solver_report report = solve_one(context, &o, n, p.X, p.y, 0, w, path);
            ASSERT_CLOSE(report.step, alpha, TOL_ALGEBRA(n + d, 1), alpha);
            for (int k = 0; k <= 10; k++) {
                closed_form(&p, o.ridge, alpha, k, expected);
                assert_close(d, path + k * d, expected, TOL_ALGEBRA(n + d, mild_condition),
                             norm(n, p.y));
            }
            assert_same_bits(d, w, path + 10 * d);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_newton_squares_its_residual) {
    /* d = 1, A = l: r_k = 1 - m_k l has r_{k+1} = r_k^2 whatever the start */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1, 1}, y[] = {3, 5};
    double w, path[5];
    icl_solver_options o = options_of(ICL_METHOD_NEWTON, 1, 4);
    o.step = 0.05;
    icl_solver_report report = solve_one(context, &o, 2, X, y, 0, &w, path);
    ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
    for (int k = 0; k < 4; k++) {
        double before = 1 - path[k] / 4, after = 1 - path[k + 1] / 4;
        ASSERT_CLOSE(after, before * before, TOL_ALGEBRA(2, 1), 1);
    }
    ASSERT_CLOSE(path[0], 0.05 * 2 * 8, TOL_ALGEBRA(2, 1), 1);
    icl_context_free(context);
}
END_TEST

START_TEST(test_alpha_at_its_bound_never_converges) {
    /* A = diag(4, 1), alpha = 2 / 16: all numbers are exact. 1 - alpha 16 = -1, then M_11 = 0. */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {2, 0, 0, 1}, y[] = {6, 5};
    double w[2], path[101 * 2];
    icl_solver_options o = options_of(ICL_METHOD_NEWTON, 2, 100);
    o.step = 0.125;
    icl_solver_report report = solve_one(context, &o, 2, X, y, 0, w, path);
    ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
    ck_assert_int_eq(report.steps, 100);
    ASSERT_CLOSE(path[0], 0.5 * 12, 0, 1);
    for (int k = 1; k <= 100; k++)
        ASSERT_CLOSE(path[2 * k], 0, 0, 1);
    ASSERT_CLOSE(w[1], 5, TOL_ALGEBRA(2, 1), 5);
    icl_context_free(context);
}
END_TEST

START_TEST(test_alpha_beyond_its_bound_diverges) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, 20, 5, 5, 3, &p);
    const double factors[] = {2.1, 4, 1e200, 1e300};
    for (int i = 0; i < 4; i++) {
        double w[5], path[201 * 5];
        icl_solver_options o = options_of(ICL_METHOD_NEWTON, 5, 200);
        o.step = factors[i] / pow(p.s[0], 4);
        icl_solver_report report = solve_one(context, &o, 20, p.X, p.y, 0, w, path);
        ck_assert_int_eq(report.stop, ICL_STOP_DIVERGED);
        ck_assert_int_lt(report.steps, 20);
        for (int j = 0; j < 5; j++)
            ck_assert(isfinite(w[j]));
        assert_same_bits(5, path + 200 * 5, w);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_long_runs_end_at_the_floor) {
    /* rank-deficient: without an end, rounding in the null space doubles 10^6 times */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const int64_t shapes[][3] = {{20, 5, 5}, {4, 7, 4}, {15, 6, 3}, {1, 2, 1}};
    for (int i = 0; i < 4; i++) {
        double w[MAX_SIDE], solution[MAX_SIDE];
        int64_t n = shapes[i][0], d = shapes[i][1];
        plant_mild(context, n, d, shapes[i][2], 40 + (uint64_t)i, &p);
        planted_least_norm(&p, solution);
        icl_solver_options o = options_of(ICL_METHOD_NEWTON, d, 1000000);
        icl_solver_report report = solve_one(context, &o, n, p.X, p.y, 0, w, NULL);
        ck_assert_int_eq(report.stop, ICL_STOP_STALLED);
        ck_assert_int_lt(report.steps, 20);
        assert_close(d, w, solution, TOL_ALGEBRA(n + d, mild_condition), norm(n, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ill_conditioned_prompts_need_two_log_kappa_steps) {
    /* The floor must not end a run early. Error of the weakest direction, relative:
     * (1 - alpha l^2)^(2^k). */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const double s[] = {1, 0.5, 0.03, 0.01}; /* kappa = 10^4 */
    plant(context, 12, 4, 4, s, 0.5, 5, &p);
    double w[4], path[41 * 4], expected[4], kappa = 1e4;
    icl_solver_options o = options_of(ICL_METHOD_NEWTON, 4, 40);
    icl_solver_report report = solve_one(context, &o, 12, p.X, p.y, 0, w, path);
    ck_assert_int_eq(report.stop, ICL_STOP_STALLED);
    ck_assert((double)report.steps >= 2 * log2(kappa));
    for (int k = 0; k <= 40; k++) {
        closed_form(&p, 0, report.step, k, expected);
        assert_close(4, path + 4 * k, expected, TOL_ALGEBRA(16, kappa * kappa), norm(12, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_newton_finds_ridge) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, 3, 6, 3, 6, &p);
    double w[6], ridge[6];
    icl_solver_options o = options_of(ICL_METHOD_NEWTON, 6, 60);
    o.ridge = 0.5;
    ck_assert_int_eq(solve_one(context, &o, 3, p.X, p.y, 0, w, NULL).stop, ICL_STOP_STALLED);
    o.method = ICL_METHOD_RIDGE;
    solve_one(context, &o, 3, p.X, p.y, 0, ridge, NULL);
    /* kappa of A: (2.25 + .5) / .5 */
    assert_close(6, w, ridge, TOL_ALGEBRA(9, 5.5 * 5.5), norm(3, p.y));
    icl_context_free(context);
}
END_TEST

START_TEST(test_tolerance_stops) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, 20, 5, 5, 7, &p);
    double w[5], path[31 * 5], exact[5], error[2][5];
    planted_least_norm(&p, exact);
    icl_solver_options o = options_of(ICL_METHOD_NEWTON, 5, 30);
    o.tolerance = 1e-3;
    icl_solver_report report = solve_one(context, &o, 20, p.X, p.y, 0, w, path);
    ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
    ck_assert_int_ge(report.steps, 2);
    for (int back = 0; back < 2; back++)
        for (int j = 0; j < 5; j++)
            error[back][j] = path[5 * (report.steps - back) + j] - exact[j];
    /* ||A e|| is between l_min ||e|| and l_max ||e||, likewise ||c|| */
    ck_assert(norm(5, error[0]) <= 1e-3 * 2.25 * norm(5, exact));
    ck_assert(norm(5, error[1]) > 1e-3 / 2.25 * norm(5, exact));
    assert_same_bits(5, path + 30 * 5, w);
    icl_context_free(context);
}
END_TEST

START_TEST(test_nothing_to_learn_stops_at_once) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[6] = {0}, y[] = {1, 2}, zero[3] = {0};
    double w[3], path[5 * 3];
    for (int n = 0; n <= 2; n += 2)
        for (int setting = 0; setting < 4; setting++) {
            icl_solver_options o = options_of(ICL_METHOD_NEWTON, 3, 4);
            o.ridge = setting & 1 ? 2 : 0;
            o.step = setting & 2 ? 0.1 : 0;
            icl_solver_report report =
                solve_one(context, &o, n, n > 0 ? X : NULL, n > 0 ? y : NULL, 0, w, path);
            ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
            ck_assert_int_eq(report.steps, 0);
            ck_assert(isfinite(report.step));
            assert_same_bits(3, w, zero);
            assert_same_bits(3, path + 12, zero);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_units_do_not_matter) {
    /* X and y times a power of two: the same w to the bit, though A^2 under- or overflows */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, 20, 5, 5, 8, &p);
    double w[5], path[9 * 5], scaled[9 * 5], X[100], y[20];
    const int exponents[] = {-265, -3, 265};
    icl_solver_options o = options_of(ICL_METHOD_NEWTON, 5, 8);
    double alpha = solve_one(context, &o, 20, p.X, p.y, 0, w, path).step;
    for (int e = 0; e < 3; e++) {
        for (int i = 0; i < 100; i++)
            X[i] = ldexp(p.X[i], exponents[e]);
        for (int i = 0; i < 20; i++)
            y[i] = ldexp(p.y[i], exponents[e]);
        icl_solver_report report = solve_one(context, &o, 20, X, y, 0, w, scaled);
        assert_same_bits(45, scaled, path);
        ck_assert(report.step == ldexp(alpha, -4 * exponents[e]));
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_newton", test_newton_follows_its_closed_form, test_newton_squares_its_residual,
          test_alpha_at_its_bound_never_converges, test_alpha_beyond_its_bound_diverges,
          test_long_runs_end_at_the_floor, test_ill_conditioned_prompts_need_two_log_kappa_steps,
          test_newton_finds_ridge, test_tolerance_stops, test_nothing_to_learn_stops_at_once,
          test_units_do_not_matter)
