/* Gradient descent and its preconditioned form, against their closed forms on a planted
 * eigenbasis: a coordinate v_i of w_k is  c_i / l_i + (1 - eta l_i)^k (w_0i - c_i / l_i).
 */
#include "test_solve.h"

static const struct shape {
    int64_t n, d, k;
} shapes[] = {{20, 5, 5}, {5, 5, 5}, {3, 5, 3}, {12, 6, 4}, {1, 1, 1}, {4, 1, 1}, {1, 7, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Singular values 1..2: kappa of X^T X is 4. */
static const double mild_condition = 4;

static void plant_mild(icl_context *context, struct shape shape, uint64_t seed, planted *p) {
    double s[MAX_SIDE];
    for (int64_t i = 0; i < shape.k; i++)
        s[i] = shape.k == 1 ? 1.5 : 2 - (double)i / (double)(shape.k - 1);
    plant(context, shape.n, shape.d, shape.k, s, 0.5, seed, p);
}

/* w_k of the closed form, w_0 in full: its part outside the rows of X stays. */
static void closed_form(const planted *p, double eta, int64_t k, const double *start, double *w) {
    double filter[MAX_SIDE];
    for (int64_t i = 0; i < p->k; i++) {
        double l = p->s[i] * p->s[i], power = pow(1 - eta * l, (double)k);
        filter[i] = (1 - power) * (planted_c(p, i) / l - dot(p->d, p->V + i * p->d, start));
    }
    compose(p, filter, w);
    for (int64_t j = 0; j < p->d; j++)
        w[j] += start[j];
}

START_TEST(test_gd_follows_its_closed_form) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int i = 0; i < SHAPES; i++) {
        int64_t n = shapes[i].n, d = shapes[i].d;
        plant_mild(context, shapes[i], (uint64_t)i, &p);
        double w[MAX_SIDE], path[13 * MAX_SIDE], expected[MAX_SIDE], start[MAX_SIDE];
        fill_normal(context, 7, d, start);
        icl_solver_options o = options_of(ICL_METHOD_GD, d, 12);
        o.step = 0.3;
        o.start = start;
        icl_solver_report report = solve_one(context, &o, n, p.X, p.y, ICL_CONTENTS_ALL, w, path);
        ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
        ck_assert_int_eq(report.steps, 12);
        ck_assert_int_eq(report.rank, -1);
        ASSERT_CLOSE(report.step, 0.3, 0, 1);
        double scale = norm(d, start) + norm(d, p.task) + norm(n, p.y);
        for (int64_t k = 0; k <= 12; k++) {
            closed_form(&p, 0.3, k, start, expected);
            assert_close(d, path + k * d, expected, TOL_ALGEBRA(n + d, mild_condition), scale);
        }
        assert_same_bits(d, w, path + 12 * d);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_best_step_is_that_of_the_extreme_nonzero_eigenvalues) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int i = 0; i < SHAPES; i++) {
        plant_mild(context, shapes[i], 10 + (uint64_t)i, &p);
        double w[MAX_SIDE], least = p.s[p.k - 1], expected = 2 / (p.s[0] * p.s[0] + least * least);
        icl_solver_options o = options_of(ICL_METHOD_GD, p.d, 400);
        icl_solver_report report = solve_one(context, &o, p.n, p.X, p.y, 0, w, NULL);
        ASSERT_CLOSE(report.step, expected, TOL_ALGEBRA(p.n + p.d, 1), expected);
        /* so that n < d converges, to the solution of least norm: (3/5)^400 = 0 */
        double solution[MAX_SIDE];
        planted_least_norm(&p, solution);
        assert_close(p.d, w, solution, TOL_ALGEBRA(p.n + p.d, mild_condition), norm(p.n, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_best_step_contracts_by_the_rate_and_no_more) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const double s[] = {4, 3, 2, 1}, kappa = 16, rate = (kappa - 1) / (kappa + 1);
    plant(context, 9, 4, 4, s, 0.5, 3, &p);
    double solution[4], start[4], w[4], path[31 * 4];
    planted_least_norm(&p, solution);
    icl_solver_options o = options_of(ICL_METHOD_GD, 4, 30);
    o.start = start;
    for (int worst = 0; worst < 2; worst++) {
        for (int j = 0; j < 4; j++)
            start[j] = solution[j] + (worst ? p.V[j] + p.V[12 + j] : p.V[4 + j] + p.V[8 + j]);
        solve_one(context, &o, 9, p.X, p.y, 0, w, path);
        double error = sqrt(2);
        for (int k = 1; k <= 30; k++) {
            for (int j = 0; j < 4; j++)
                w[j] = path[4 * k + j] - solution[j];
            double before = error;
            error = norm(4, w);
            /* the two extreme directions contract by the rate itself, the others by more */
            double floor = TOL_ALGEBRA(13, kappa) * (1 + norm(9, p.y));
            if (worst)
                ASSERT_CLOSE(error, rate * before, 1, floor);
            else
                ck_assert_msg(error < 0.99 * rate * before + floor, "step %d: %g to %g", k, before,
                              error);
        }
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_duplicates_do_not_spoil_the_best_step) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    /* one example many times, and a repeated covariate: rank 1 with n >= d */
    for (uint64_t seed = 0; seed < 50; seed++) {
        double x[4], X[12 * 4], y[12], w[4];
        fill_normal(context, seed, 4, x);
        for (int i = 0; i < 12; i++) {
            memcpy(X + 4 * i, x, sizeof x);
            y[i] = 2;
        }
        double square = dot(4, x, x);
        icl_solver_options o = options_of(ICL_METHOD_GD, 4, 1);
        icl_solver_report report = solve_one(context, &o, 12, X, y, 0, w, NULL);
        ASSERT_CLOSE(report.step, 1 / (12 * square), TOL_ALGEBRA(16, 1), 1 / (12 * square));
        for (int j = 0; j < 4; j++)
            ASSERT_CLOSE(w[j], 2 * x[j] / square, TOL_ALGEBRA(16, 1), 2 / sqrt(square));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_weak_directions_count_in_the_best_step) {
    /* kappa of A is 4e10: l_min shows in eta, far above the rounding of A */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const double s[] = {1, 5e-6}, expected = 2 / (1 + 25e-12);
    plant(context, 20, 2, 2, s, 0.5, 3, &p);
    double w[2];
    icl_solver_options o = options_of(ICL_METHOD_GD, 2, 1);
    icl_solver_report report = solve_one(context, &o, 20, p.X, p.y, 0, w, NULL);
    ASSERT_CLOSE(report.step, expected, TOL_ALGEBRA(3, 1), 1);
    icl_context_free(context);
}
END_TEST

/* ---- preconditioned ---- */

START_TEST(test_pgd_with_the_inverse_is_exact_in_one_step) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, shapes[0], 20, &p);
    double B[25] = {0}, w[5], solution[5];
    for (int l = 0; l < 5; l++)
        for (int i = 0; i < 25; i++)
            B[i] += p.V[5 * l + i / 5] * p.V[5 * l + i % 5] / (p.s[l] * p.s[l]);
    planted_least_norm(&p, solution);
    icl_solver_options o = options_of(ICL_METHOD_PGD, 5, 1);
    o.preconditioner = B;
    for (int given = 0; given < 2; given++) {
        o.step = given; /* 1, and the best one, which is 1 too */
        icl_solver_report report = solve_one(context, &o, 20, p.X, p.y, 0, w, NULL);
        ASSERT_CLOSE(report.step, 1, TOL_ALGEBRA(25, mild_condition), 1);
        assert_close(5, w, solution, TOL_ALGEBRA(25, mild_condition), norm(20, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_pgd_with_the_identity_is_gd) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int i = 0; i < SHAPES; i++) {
        plant_mild(context, shapes[i], 30 + (uint64_t)i, &p);
        double I[MAX_SIDE * MAX_SIDE] = {0}, start[MAX_SIDE], a[MAX_SIDE], b[MAX_SIDE];
        for (int64_t j = 0; j < p.d; j++)
            I[j * p.d + j] = 1;
        fill_normal(context, 8, p.d, start);
        icl_solver_options gd = options_of(ICL_METHOD_GD, p.d, 9);
        gd.start = start;
        icl_solver_options pgd = gd;
        pgd.method = ICL_METHOD_PGD;
        pgd.preconditioner = I;
        double tolerance = TOL_ALGEBRA(p.n + p.d, mild_condition);
        double step = solve_one(context, &gd, p.n, p.X, p.y, 0, a, NULL).step;
        ASSERT_CLOSE(solve_one(context, &pgd, p.n, p.X, p.y, 0, b, NULL).step, step, tolerance,
                     step);
        assert_close(p.d, b, a, tolerance, norm(p.n, p.y) + norm(p.d, start));
        gd.step = pgd.step = step;
        solve_one(context, &gd, p.n, p.X, p.y, 0, a, NULL);
        solve_one(context, &pgd, p.n, p.X, p.y, 0, b, NULL);
        assert_same_bits(p.d, b, a);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_pgd_follows_its_closed_form) {
    /* X = diag(2, 1, 1/2), B = diag(1, 2, 0): all numbers are exact, coordinates on their own */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {2, 0, 0, 0, 1, 0, 0, 0, 0.5}, y[] = {6, 2, 8};
    const double B[] = {1, 0, 0, 0, 2, 0, 0, 0, 0}, start[] = {1, 1, 1};
    const double solution[] = {3, 2}, l[] = {4, 2};
    double w[3], path[6 * 3];
    icl_solver_options o = options_of(ICL_METHOD_PGD, 3, 5);
    o.preconditioner = B;
    o.start = start;
    icl_solver_report report = solve_one(context, &o, 3, X, y, 0, w, path);
    /* extremes of B^1/2 A B^1/2 without its null space: 4 and 2 */
    ASSERT_CLOSE(report.step, 2.0 / 6, TOL_ALGEBRA(3, 1), 1);
    for (int k = 0; k <= 5; k++) {
        for (int j = 0; j < 2; j++)
            ASSERT_CLOSE(path[3 * k + j],
                         solution[j] + pow(1 - l[j] / 3, k) * (start[j] - solution[j]),
                         TOL_ALGEBRA(3, 2), 4);
        ASSERT_CLOSE(path[3 * k + 2], 1, 0, 1);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_pgd_best_step_where_rounding_is_larger_than_an_eigenvalue) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double V[4], w[2], B[4], X[4];
    for (uint64_t seed = 0; seed < 20; seed++) {
        ASSERT_OK(context, icl_random_rotation(context, seed, 0, 2, V));
        icl_solver_options o = options_of(ICL_METHOD_PGD, 2, 1);
        o.preconditioner = B;
        /* one example along the direction that B = V^T diag(1, 1e-8) V makes weak: of its two
         * eigenvalues one is 1e-8, the other rounding of 1 */
        const double y[] = {1, 1};
        for (int i = 0; i < 4; i++)
            B[i] = V[i / 2] * V[i % 2] + 1e-8 * V[2 + i / 2] * V[2 + i % 2];
        double step = solve_one(context, &o, 1, V + 2, y, 0, w, NULL).step;
        ASSERT_CLOSE(step, 1e8, TOL_ALGEBRA(3, 1e8), 1e8);
        /* B a projector, and X 1e5 times as large where B is zero: B's own rounding counts */
        for (int i = 0; i < 4; i++)
            B[i] = V[i / 2] * V[i % 2];
        for (int j = 0; j < 2; j++) {
            X[j] = V[j];
            X[2 + j] = 1e5 * V[2 + j];
        }
        step = solve_one(context, &o, 2, X, y, 0, w, NULL).step;
        ASSERT_CLOSE(step, 1, TOL_ALGEBRA(4, 1e10), 1);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_pgd_that_cannot_move_stays) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[4 * 3], y[4], w[3], start[3], rotation[9];
    fill_normal(context, 5, 4, y);
    fill_normal(context, 6, 3, start);
    icl_solver_options o = options_of(ICL_METHOD_PGD, 3, 1000);
    o.start = start;
    for (uint64_t seed = 0; seed < 20; seed++) {
        double B[9] = {0};
        int zero = seed == 0;
        fill_normal(context, seed, 12, X);
        ASSERT_OK(context, icl_random_rotation(context, seed, 0, 3, rotation));
        /* B = 0, or B a projector and X orthogonal to it up to rounding */
        for (int i = 0; i < 9 && !zero; i++)
            B[i] = rotation[i / 3] * rotation[i % 3];
        for (int i = 0; i < 4 && !zero; i++) {
            double along = dot(3, X + 3 * i, rotation);
            for (int j = 0; j < 3; j++)
                X[3 * i + j] -= along * rotation[j];
        }
        o.preconditioner = B;
        icl_solver_report report = solve_one(context, &o, 4, X, y, 0, w, NULL);
        ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
        ck_assert_int_eq(report.steps, 0);
        assert_same_bits(3, w, start);
    }
    icl_context_free(context);
}
END_TEST

/* ---- stopping ---- */

START_TEST(test_tolerance_stops_at_the_first_small_residual) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, shapes[0], 40, &p);
    double w[5], path[41 * 5], c[5] = {0}, r[5];
    for (int i = 0; i < 20; i++)
        for (int j = 0; j < 5; j++)
            c[j] += p.X[5 * i + j] * p.y[i];
    icl_solver_options o = options_of(ICL_METHOD_GD, 5, 40);
    o.tolerance = 1e-6;
    icl_solver_report report = solve_one(context, &o, 20, p.X, p.y, 0, w, path);
    ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
    ck_assert_int_gt(report.steps, 2);
    ck_assert_int_lt(report.steps, 40);
    for (int64_t k = report.steps - 1; k <= report.steps; k++) {
        memset(r, 0, sizeof r);
        for (int i = 0; i < 20; i++)
            for (int j = 0; j < 5; j++)
                r[j] += p.X[5 * i + j] * (dot(5, p.X + 5 * i, path + 5 * k) - p.y[i]);
        double relative = norm(5, r) / norm(5, c);
        ck_assert_msg((relative <= 1e-6) == (k == report.steps), "step %d: %g", (int)k, relative);
    }
    for (int64_t k = report.steps; k <= 40; k++) /* repeated after the stop */
        assert_same_bits(5, path + 5 * k, w);
    icl_context_free(context);
}
END_TEST

START_TEST(test_nothing_to_learn_stops_at_once) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[8] = {0}, y[] = {1, 2, 3, 4}, start[] = {5, -6}, B[] = {2, 1, 1, 2};
    double w[2], path[4 * 2];
    for (int method = ICL_METHOD_GD; method <= ICL_METHOD_PGD; method++)
        for (int64_t n = 0; n <= 4; n += 4)
            for (int given = 0; given < 2; given++) {
                icl_solver_options o = options_of((icl_method)method, 2, 3);
                o.start = start;
                o.preconditioner = B;
                o.step = given;
                icl_solver_report report =
                    solve_one(context, &o, n, n > 0 ? X : NULL, n > 0 ? y : NULL, 0, w, path);
                ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
                ck_assert_int_eq(report.steps, 0);
                assert_same_bits(2, w, start);
                for (int k = 0; k <= 3; k++)
                    assert_same_bits(2, path + 2 * k, start);
            }
    icl_context_free(context);
}
END_TEST

START_TEST(test_labels_of_zero_pull_the_start_in) {
    /* X^T y = 0: growth is measured against the first residual */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1, 0, 0, 2}, y[2] = {0}, start[] = {8, 8};
    double w[2];
    icl_solver_options o = options_of(ICL_METHOD_GD, 2, 4);
    o.step = 0.25;
    o.start = start;
    icl_solver_report report = solve_one(context, &o, 2, X, y, 0, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
    ASSERT_CLOSE(w[0], 8 * pow(0.75, 4), TOL_ALGEBRA(2, 1), 8);
    ASSERT_CLOSE(w[1], 0, 0, 1);
    icl_context_free(context);
}
END_TEST

START_TEST(test_no_steps_give_the_start) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, shapes[0], 50, &p);
    double w[5];
    const double zero[5] = {0};
    icl_solver_options o = options_of(ICL_METHOD_GD, 5, 0);
    icl_solver_report report = solve_one(context, &o, 20, p.X, p.y, 0, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
    assert_same_bits(5, w, zero);
    icl_context_free(context);
}
END_TEST

START_TEST(test_divergence_is_told_and_stays_finite) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, shapes[0], 60, &p);
    double *path = malloc(10001 * 5 * sizeof *path), w[5];
    /* 1 - eta l_max = -1.04, -3, and overflow in the second step */
    const double steps[] = {2.04 / 4, 1, 1e250};
    for (int i = 0; i < 3; i++) {
        icl_solver_options o = options_of(ICL_METHOD_GD, 5, 10000);
        o.step = steps[i];
        icl_solver_report report = solve_one(context, &o, 20, p.X, p.y, 0, w, path);
        ck_assert_int_eq(report.stop, ICL_STOP_DIVERGED);
        ck_assert_int_lt(report.steps, 1500);
        ck_assert_int_ge(report.steps, 1);
        for (int j = 0; j < 5; j++)
            ck_assert(isfinite(w[j]));
        ck_assert(norm(5, w) > 1e10);
        for (int64_t k = report.steps; k <= 10000; k++)
            assert_same_bits(5, path + 5 * k, w);
    }
    /* no first step is finite: the start is kept */
    const double start[5] = {1, 2, 3, 4, 5};
    icl_solver_options wild = options_of(ICL_METHOD_GD, 5, 10000);
    wild.step = 1e308;
    wild.start = start;
    icl_solver_report report = solve_one(context, &wild, 20, p.X, p.y, 0, w, path);
    ck_assert_int_eq(report.stop, ICL_STOP_DIVERGED);
    ck_assert_int_eq(report.steps, 0);
    assert_same_bits(5, w, start);
    assert_same_bits(5, path + 10000 * 5, start);
    /* just stable: |1 - eta l| < 1 everywhere */
    icl_solver_options o = options_of(ICL_METHOD_GD, 5, 10000);
    o.step = 1.99 / 4;
    ck_assert_int_eq(solve_one(context, &o, 20, p.X, p.y, 0, w, NULL).stop, ICL_STOP_STEPS);
    free(path);
    icl_context_free(context);
}
END_TEST

START_TEST(test_units_do_not_matter) {
    /* X and y in other units: the same w, though squares of the residual under- or overflow */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, shapes[0], 70, &p);
    double w[5], scaled[5], X[100], y[20];
    const int exponents[] = {-300, 280};
    icl_solver_options o = options_of(ICL_METHOD_GD, 5, 40);
    o.tolerance = 1e-3;
    icl_solver_report plain = solve_one(context, &o, 20, p.X, p.y, 0, w, NULL);
    ck_assert_int_eq(plain.stop, ICL_STOP_CONVERGED);
    for (int e = 0; e < 2; e++) {
        for (int i = 0; i < 100; i++)
            X[i] = ldexp(p.X[i], exponents[e]);
        for (int i = 0; i < 20; i++)
            y[i] = ldexp(p.y[i], exponents[e]);
        icl_solver_report report = solve_one(context, &o, 20, X, y, 0, scaled, NULL);
        ck_assert_int_eq(report.steps, plain.steps);
        ck_assert_int_eq(report.stop, plain.stop);
        assert_close(5, scaled, w, TOL_ALGEBRA(25, mild_condition), norm(5, w));
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_descent", test_gd_follows_its_closed_form,
          test_best_step_is_that_of_the_extreme_nonzero_eigenvalues,
          test_best_step_contracts_by_the_rate_and_no_more,
          test_duplicates_do_not_spoil_the_best_step, test_weak_directions_count_in_the_best_step,
          test_pgd_best_step_where_rounding_is_larger_than_an_eigenvalue,
          test_labels_of_zero_pull_the_start_in, test_pgd_with_the_inverse_is_exact_in_one_step,
          test_pgd_with_the_identity_is_gd, test_pgd_follows_its_closed_form,
          test_pgd_that_cannot_move_stays, test_tolerance_stops_at_the_first_small_residual,
          test_nothing_to_learn_stops_at_once, test_no_steps_give_the_start,
          test_divergence_is_told_and_stays_finite, test_units_do_not_matter)
