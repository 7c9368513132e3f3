/* Ridge, least squares and the Bayes predictor: against planted singular values, against the
 * normal equations, against each other, and against the textbook n x n formula by elimination.
 */
#include "test_solve.h"

static const struct shape {
    int64_t n, d, k;
} shapes[] = {{20, 5, 5}, {6, 6, 6}, {3, 8, 3}, {12, 6, 4}, {1, 1, 1}, {5, 1, 1}, {1, 7, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Singular values 1..3: kappa of X is 3. */
static const double kappa = 3;

static void plant_mild(icl_context *context, struct shape shape, uint64_t seed, planted *p) {
    double s[MAX_SIDE];
    for (int64_t i = 0; i < shape.k; i++)
        s[i] = shape.k == 1 ? 2 : 3 - 2 * (double)i / (double)(shape.k - 1);
    plant(context, shape.n, shape.d, shape.k, s, 0.5, seed, p);
}

/* ---- ridge ---- */

START_TEST(test_ridge_filters_singular_values) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int i = 0; i < SHAPES; i++)
        for (int setting = 0; setting < 2; setting++) {
            double w[MAX_SIDE], expected[MAX_SIDE], filter[MAX_SIDE], lambda = setting ? 40 : 0.5;
            plant_mild(context, shapes[i], (uint64_t)i, &p);
            for (int64_t l = 0; l < p.k; l++)
                filter[l] = planted_c(&p, l) / (p.s[l] * p.s[l] + lambda);
            compose(&p, filter, expected);
            icl_solver_options o = options_of(ICL_METHOD_RIDGE, p.d, 1);
            o.ridge = lambda;
            icl_solver_report report = solve_one(context, &o, p.n, p.X, p.y, 0, w, NULL);
            ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
            ck_assert_int_eq(report.steps, 0);
            ck_assert_int_eq(report.rank, -1);
            assert_close(p.d, w, expected, TOL_ALGEBRA(p.n + p.d, (9 + lambda) / lambda),
                         norm(p.n, p.y));
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_satisfies_its_normal_equations) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (uint64_t seed = 0; seed < 20; seed++) {
        const double lambda = 0.01;
        double X[12 * 7], y[12], w[7], r[12], gradient[7];
        fill_normal(context, seed, 84, X);
        fill_normal(context, seed + 50, 12, y);
        icl_solver_options o = options_of(ICL_METHOD_RIDGE, 7, 1);
        o.ridge = lambda;
        solve_one(context, &o, 12, X, y, 0, w, NULL);
        for (int i = 0; i < 12; i++)
            r[i] = dot(7, X + 7 * i, w) - y[i];
        for (int j = 0; j < 7; j++) {
            gradient[j] = lambda * w[j];
            for (int i = 0; i < 12; i++)
                gradient[j] += X[7 * i + j] * r[i];
        }
        /* backward stable: the residual is small beside ||A|| ||w||, whatever the condition */
        double scale = dot(84, X, X) * norm(7, w) + norm(84, X) * norm(12, y);
        ck_assert_msg(norm(7, gradient) <= TOL_ALGEBRA(19, 1) * scale, "%g", norm(7, gradient));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_without_penalty_gives_the_least_norm) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int i = 0; i < SHAPES; i++)
        for (int examples = 0; examples < 2; examples++) {
            double w[MAX_SIDE], solution[MAX_SIDE];
            plant_mild(context, shapes[i], 20 + (uint64_t)i, &p);
            planted_least_norm(&p, solution);
            icl_solver_options o = options_of(ICL_METHOD_RIDGE, p.d, 1);
            icl_solver_report report = solve_one(context, &o, p.n, p.X, p.y,
                                                 examples ? ICL_CONTENTS_EXAMPLES : 0, w, NULL);
            ck_assert_int_eq(report.stop, p.k < p.d ? ICL_STOP_SINGULAR : ICL_STOP_CONVERGED);
            assert_close(p.d, w, solution, TOL_ALGEBRA(p.n + p.d, kappa * kappa), norm(p.n, p.y));
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_sees_duplicated_columns) {
    /* w = (t, t): the least norm shares a weight between two equal covariates */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (uint64_t seed = 0; seed < 50; seed++)
        for (int examples = 0; examples < 2; examples++) {
            double x[9], X[9 * 2], y[9], w[2];
            fill_normal(context, seed, 9, x);
            fill_normal(context, seed + 100, 9, y);
            for (int i = 0; i < 9; i++)
                X[2 * i] = X[2 * i + 1] = x[i];
            icl_solver_options o = options_of(ICL_METHOD_RIDGE, 2, 1);
            icl_solver_report report =
                solve_one(context, &o, 9, X, y, examples ? ICL_CONTENTS_EXAMPLES : 0, w, NULL);
            ck_assert_int_eq(report.stop, ICL_STOP_SINGULAR);
            double t = dot(9, x, y) / (2 * dot(9, x, x));
            for (int j = 0; j < 2; j++)
                ASSERT_CLOSE(w[j], t, TOL_ALGEBRA(11, 1), norm(9, y) / norm(9, x));
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_on_columns_of_many_sizes_is_not_singular) {
    /* diag(1, 1e-9): l_min / l_max is below eps, but every weight is determined */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1, 0, 0, 1e-9}, y[] = {3, 4e-9};
    double w[2];
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, 2, 1);
    ck_assert_int_eq(solve_one(context, &o, 2, X, y, 0, w, NULL).stop, ICL_STOP_CONVERGED);
    ASSERT_CLOSE(w[0], 3, TOL_ALGEBRA(2, 1), 3);
    ASSERT_CLOSE(w[1], 4, TOL_ALGEBRA(2, 1), 4);
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_knows_small_from_zero) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    double w[4], solution[4];
    /* n >= d, kappa of A is 1e10: not singular */
    const double weak[] = {1, 1e-5};
    plant(context, 12, 2, 2, weak, 0, 31, &p);
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, 2, 1);
    ck_assert_int_eq(solve_one(context, &o, 12, p.X, p.y, 0, w, NULL).stop, ICL_STOP_CONVERGED);
    assert_close(2, w, p.task, TOL_ALGEBRA(14, 1e10), norm(2, p.task));
    /* n < d: from X itself, kappa = 1e6 and not its square */
    const double weaker[] = {1, 1e-6};
    plant(context, 2, 4, 2, weaker, 0, 32, &p);
    planted_least_norm(&p, solution);
    o.dim = 4;
    ck_assert_int_eq(solve_one(context, &o, 2, p.X, p.y, ICL_CONTENTS_EXAMPLES, w, NULL).stop,
                     ICL_STOP_SINGULAR);
    assert_close(4, w, solution, TOL_ALGEBRA(6, 1e6), norm(4, p.task));
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_is_singular_wherever_n_is_less_than_d) {
    /* two columns 1e-5 apart blow the rounding of the last pivot up to 1e-11 of its column */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (uint64_t seed = 0; seed < 50; seed++) {
        double X[6], w[3];
        const double y[] = {1, 2};
        fill_normal(context, seed, 6, X);
        X[1] = X[0] + 1e-5 * X[1];
        X[4] = X[3] + 1e-5 * X[4];
        icl_solver_options o = options_of(ICL_METHOD_RIDGE, 3, 1);
        ck_assert_int_eq(solve_one(context, &o, 2, X, y, 0, w, NULL).stop, ICL_STOP_SINGULAR);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ridge_with_a_penalty_below_rounding) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_mild(context, shapes[2], 30, &p);
    double w[8], solution[8];
    planted_least_norm(&p, solution);
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, 8, 1);
    o.ridge = 1e-30;
    for (uint32_t contents = 0; contents <= ICL_CONTENTS_EXAMPLES;
         contents += ICL_CONTENTS_EXAMPLES) {
        ck_assert_int_eq(solve_one(context, &o, 3, p.X, p.y, contents, w, NULL).stop,
                         ICL_STOP_SINGULAR);
        assert_close(8, w, solution, TOL_ALGEBRA(11, kappa * kappa), norm(3, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_nothing_to_learn) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[6] = {0}, y[] = {1, 2}, zero[3] = {0};
    for (int n = 0; n <= 2; n += 2)
        for (uint32_t contents = 0; contents <= ICL_CONTENTS_EXAMPLES;
             contents += ICL_CONTENTS_EXAMPLES)
            for (int setting = 0; setting < 3; setting++) {
                double w[3] = {7, 7, 7};
                icl_solver_options o = options_of(ICL_METHOD_RIDGE, 3, 1);
                o.ridge = setting;
                if (setting == 2)
                    o.method = ICL_METHOD_LEAST_SQUARES;
                if (setting == 2 && contents == 0)
                    continue;
                icl_solver_report report = solve_one(context, &o, n, n > 0 ? X : NULL,
                                                     n > 0 ? y : NULL, contents, w, NULL);
                ck_assert_int_eq(report.stop,
                                 setting == 1 ? ICL_STOP_CONVERGED : ICL_STOP_SINGULAR);
                ck_assert_int_eq(report.rank, setting == 2 ? 0 : -1);
                for (int j = 0; j < 3; j++)
                    ASSERT_CLOSE(w[j], zero[j], 0, 1);
            }
    icl_context_free(context);
}
END_TEST

/* ---- least squares ---- */

START_TEST(test_least_squares_finds_the_planted_solution) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int i = 0; i < SHAPES; i++) {
        double w[MAX_SIDE], solution[MAX_SIDE];
        plant_mild(context, shapes[i], 40 + (uint64_t)i, &p);
        planted_least_norm(&p, solution);
        icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, p.d, 1);
        icl_solver_report report =
            solve_one(context, &o, p.n, p.X, p.y, ICL_CONTENTS_EXAMPLES, w, NULL);
        ck_assert_int_eq(report.rank, p.k);
        ck_assert_int_eq(report.stop, p.k < p.d ? ICL_STOP_SINGULAR : ICL_STOP_CONVERGED);
        ASSERT_CLOSE(report.step, 0, 0, 1);
        assert_close(p.d, w, solution, TOL_ALGEBRA(p.n + p.d, kappa), norm(p.n, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_least_squares_works_on_examples_and_not_on_moments) {
    /* kappa = 1e9: X^T X would lose every digit of the weakest direction */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const double s[] = {1, 1e-4, 1e-9};
    plant(context, 8, 3, 3, s, 0, 50, &p);
    double w[3];
    icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, 3, 1);
    icl_solver_report report = solve_one(context, &o, 8, p.X, p.y, ICL_CONTENTS_EXAMPLES, w, NULL);
    ck_assert_int_eq(report.rank, 3);
    assert_close(3, w, p.task, TOL_ALGEBRA(11, 1e9), norm(3, p.task));
    icl_context_free(context);
}
END_TEST

START_TEST(test_noiseless_least_squares_leaves_the_unseen_directions) {
    /* E ||w - w*||^2 = d - n for n <= d, 0 after */
    enum { D = 8, B = 3000 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static double w[B * D];
    for (int64_t n = 0; n <= D + 2; n++) {
        icl_law_options lo;
        ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
        lo.dim = D;
        lo.context = n;
        icl_law *law;
        icl_sampler *sampler;
        icl_batch *batch;
        ASSERT_OK(context, icl_law_create(context, &lo, &law));
        ASSERT_OK(context, icl_sampler_create(context, law, 1, &sampler));
        ASSERT_OK(context, icl_sampler_batch(sampler, B, 1, ICL_CONTENTS_ALL, &batch));
        ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
        icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, D, 1);
        icl_solver *solver = solver_of(context, &o);
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
        double sum = 0, squares = 0;
        for (int p = 0; p < B; p++) {
            double error = 0;
            for (int j = 0; j < D; j++) {
                double e = w[p * D + j] - icl_batch_task(batch)[p * D + j];
                error += e * e;
            }
            sum += error;
            squares += error * error;
        }
        double mean = sum / B, deviation = sqrt((squares / B - mean * mean) / B);
        double expected = n < D ? (double)(D - n) : 0;
        if (n < D)
            ck_assert_msg(fabs(mean - expected) <= TOL_Z * deviation, "n = %d: %g +- %g", (int)n,
                          mean, deviation);
        else /* of 3000 square normal matrices none has a condition number above 10^6 */
            ASSERT_CLOSE(mean, 0, pow(TOL_ALGEBRA(n + D, 1e6), 2), D);
        icl_solver_free(solver);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_huge_and_tiny_examples_have_least_squares) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double scales[] = {1e-150, 1e140};
    for (int i = 0; i < 2; i++) {
        const double X[] = {2 * scales[i], 0, 0, scales[i]}, y[] = {6 * scales[i], scales[i]};
        double w[2];
        icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, 2, 1);
        solve_one(context, &o, 2, X, y, ICL_CONTENTS_EXAMPLES, w, NULL);
        ASSERT_CLOSE(w[0], 3, TOL_ALGEBRA(2, 2), 3);
        ASSERT_CLOSE(w[1], 1, TOL_ALGEBRA(2, 2), 3);
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_direct", test_ridge_filters_singular_values,
          test_ridge_satisfies_its_normal_equations,
          test_ridge_without_penalty_gives_the_least_norm, test_ridge_sees_duplicated_columns,
          test_ridge_on_columns_of_many_sizes_is_not_singular, test_ridge_knows_small_from_zero,
          test_ridge_is_singular_wherever_n_is_less_than_d,
          test_ridge_with_a_penalty_below_rounding, test_nothing_to_learn,
          test_least_squares_finds_the_planted_solution,
          test_least_squares_works_on_examples_and_not_on_moments,
          test_noiseless_least_squares_leaves_the_unseen_directions,
          test_huge_and_tiny_examples_have_least_squares)
