/* Conjugate gradients and the quasi-Newton methods with exact searches: optimal on Krylov spaces,
 * so equal to each other, exact after as many steps as there are eigenvalues, and faster than
 * Chebyshev's polynomial.
 */
#include "test_prefixes.h"

static const icl_method methods[] = {ICL_METHOD_CONJUGATE_GRADIENT, ICL_METHOD_BFGS, ICL_METHOD_DFP,
                                     ICL_METHOD_LBFGS};
enum { SEARCHES = 4, D = 8, N = 14 };

static void plant_spread(icl_context *context, int64_t n, int64_t d, int64_t k, double kappa,
                         uint64_t seed, planted *p) {
    double s[MAX_SIDE];
    for (int64_t i = 0; i < k; i++)
        s[i] = k == 1 ? 1 : pow(kappa, -0.5 * (double)i / (double)(k - 1));
    plant(context, n, d, k, s, 0.5, seed, p);
}

/* The minimiser of (1/2) ||y - X w||^2 over w_0 + span(g, A g, .., A^(k-1) g), g = A w_0 - c, by an
 * orthonormal basis and least squares of X on it. */
static void krylov(icl_context *context, const planted *p, const double *start, int k, double *w) {
    double Q[D][D] = {{0}}, Z[N * D], r[N], v[D], coefficients[D], scratch[4096];
    int64_t n = p->n, d = p->d;
    (void)context;
    for (int64_t i = 0; i < n; i++)
        r[i] = p->y[i] - dot(d, p->X + i * d, start);
    memset(v, 0, sizeof v);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < d; j++)
            v[j] += p->X[i * d + j] * r[i];
    for (int m = 0; m < k; m++) {
        for (int pass = 0; pass < 2; pass++)
            for (int l = 0; l < m; l++) {
                double along = dot(d, Q[l], v);
                for (int64_t j = 0; j < d; j++)
                    v[j] -= along * Q[l][j];
            }
        double length = norm(d, v);
        for (int64_t j = 0; j < d; j++)
            Q[m][j] = v[j] / length;
        memset(v, 0, sizeof v);
        for (int64_t i = 0; i < n; i++) {
            double along = dot(d, p->X + i * d, Q[m]);
            Z[i * k + m] = along;
            for (int64_t j = 0; j < d; j++)
                v[j] += p->X[i * d + j] * along;
        }
    }
    int64_t doubles = icl_least_squares_scratch(n, k);
    ck_assert_int_le(doubles, 4096);
    ck_assert_int_eq(icl_least_squares_with(n, k, Z, r, -1, coefficients, NULL, scratch, doubles),
                     ICL_OK);
    memcpy(w, start, (size_t)d * sizeof *w);
    for (int m = 0; m < k; m++)
        for (int64_t j = 0; j < d; j++)
            w[j] += coefficients[m] * Q[m][j];
}

START_TEST(test_every_step_is_the_best_of_its_krylov_space) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (uint64_t seed = 0; seed < 10; seed++)
        for (int m = 0; m < SEARCHES; m++) {
            double start[D], w[D], path[(D + 1) * D], expected[D];
            plant_spread(context, N, D, D, 10, seed, &p);
            fill_normal(context, seed + 50, D, start);
            icl_solver_options o = options_of(methods[m], D, D);
            o.start = seed % 2 ? start : NULL;
            if (o.start == NULL)
                memset(start, 0, sizeof start);
            solve_one(context, &o, N, p.X, p.y, ICL_CONTENTS_ALL, w, path);
            assert_close(D, path, start, 0, 1);
            for (int k = 1; k <= D; k++) {
                krylov(context, &p, start, k, expected);
                /* the basis loses its orthogonality by kappa^k at worst; the issue asks for 1e-8 */
                assert_close(D, path + k * D, expected, 1e-8, norm(D, start) + norm(N, p.y));
            }
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_all_are_conjugate_gradients) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const int64_t memories[] = {1, 2, 10};
    for (uint64_t seed = 0; seed < 20; seed++) {
        double w[D], path[(D + 1) * D], expected[(D + 1) * D];
        plant_spread(context, N, D, D, 20, seed, &p);
        icl_solver_options o = options_of(ICL_METHOD_CONJUGATE_GRADIENT, D, D);
        solve_one(context, &o, N, p.X, p.y, ICL_CONTENTS_ALL, w, expected);
        for (int m = 1; m < SEARCHES; m++)
            for (int i = 0; i < 3; i++) {
                o.method = methods[m];
                o.memory = memories[i];
                solve_one(context, &o, N, p.X, p.y, ICL_CONTENTS_ALL, w, path);
                assert_close((D + 1) * D, path, expected, 1e-8, norm(N, p.y));
            }
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_exact_after_as_many_steps_as_there_are_eigenvalues) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    /* rank-deficient, n < d, and three eigenvalues in eight directions */
    const int64_t sizes[][3] = {{N, D, D}, {5, D, 5}, {N, D, 3}, {1, D, 1}, {1, 1, 1}, {N, 1, 1}};
    for (int size = 0; size < 6; size++)
        for (int m = 0; m < SEARCHES; m++) {
            double w[D], solution[D];
            plant_spread(context, sizes[size][0], sizes[size][1], sizes[size][2], 4, (uint64_t)size,
                         &p);
            planted_least_norm(&p, solution);
            icl_solver_options o = options_of(methods[m], p.d, p.k);
            solve_one(context, &o, p.n, p.X, p.y, ICL_CONTENTS_ALL, w, NULL);
            assert_close(p.d, w, solution, 1e-8, norm(p.n, p.y));
            /* more steps end at rounding, and do not leave it again */
            o.steps = 1000000;
            icl_solver_report report =
                solve_one(context, &o, p.n, p.X, p.y, ICL_CONTENTS_ALL, w, NULL);
            ck_assert_int_eq(report.stop, ICL_STOP_STALLED);
            ck_assert_int_le(report.steps, p.k + 3);
            assert_close(p.d, w, solution, TOL_ALGEBRA(p.n + p.d, 4 * 4), norm(p.n, p.y));
        }
    const double values[] = {2, 2, 2, 1, 1, 1, 0.5, 0.5};
    plant(context, N, D, D, values, 0.5, 9, &p);
    for (int m = 0; m < SEARCHES; m++) {
        double w[D], solution[D];
        planted_least_norm(&p, solution);
        icl_solver_options o = options_of(methods[m], D, 3);
        solve_one(context, &o, N, p.X, p.y, ICL_CONTENTS_ALL, w, NULL);
        assert_close(D, w, solution, 1e-8, norm(N, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ill_conditioned_prompts_end_at_rounding) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const double kappas[] = {1e4, 1e8, 1e12};
    for (int i = 0; i < 3; i++)
        for (int m = 0; m < SEARCHES; m++) {
            double w[D], r[N];
            plant_spread(context, N, D, D, kappas[i], 3, &p);
            icl_solver_options o = options_of(methods[m], D, 20000);
            icl_solver_report report =
                solve_one(context, &o, N, p.X, p.y, ICL_CONTENTS_ALL, w, NULL);
            /* rounding spoils DFP's H beyond repair at 1e12, as textbooks warn */
            int spoilt = methods[m] == ICL_METHOD_DFP && kappas[i] > 1e8;
            ck_assert_msg(report.stop == ICL_STOP_STALLED || spoilt,
                          "method %d, kappa %g: stop %d after %d steps", (int)methods[m], kappas[i],
                          (int)report.stop, (int)report.steps);
            ck_assert(icl_all_finite(w, D));
            /* the gradient is rounding of A w, what was promised */
            double gradient[D] = {0}, floor;
            for (int k = 0; k < N; k++) {
                r[k] = dot(D, p.X + k * D, w) - p.y[k];
                for (int j = 0; j < D; j++)
                    gradient[j] += p.X[k * D + j] * r[k];
            }
            floor = TOL_ALGEBRA(N + D, 1) * (norm(D, w) + norm(N, p.y)) * sqrt(D);
            if (!spoilt)
                ck_assert_msg(norm(D, gradient) <= floor, "%g > %g", norm(D, gradient), floor);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_tolerance_stops_at_the_first_small_residual) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    plant_spread(context, N, D, D, 100, 4, &p);
    for (int m = 0; m < SEARCHES; m++) {
        double w[D], path[(D + 1) * D], c[D] = {0};
        icl_solver_options o = options_of(methods[m], D, D);
        o.tolerance = 1e-3;
        icl_solver_report report = solve_one(context, &o, N, p.X, p.y, ICL_CONTENTS_ALL, w, path);
        ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
        ck_assert_int_gt(report.steps, 1);
        for (int i = 0; i < N; i++)
            for (int j = 0; j < D; j++)
                c[j] += p.X[i * D + j] * p.y[i];
        for (int64_t k = report.steps - 1; k <= report.steps; k++) {
            double g[D] = {0};
            for (int i = 0; i < N; i++)
                for (int j = 0; j < D; j++)
                    g[j] += p.X[i * D + j] * (dot(D, p.X + i * D, path + k * D) - p.y[i]);
            ck_assert((norm(D, g) <= 1e-3 * norm(D, c)) == (k == report.steps));
        }
        for (int64_t k = report.steps; k <= D; k++)
            assert_same_bits(D, path + k * D, w);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_nothing_to_learn_stops_at_once) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double zero[3 * 2] = {0}, X[] = {1, 2, 3, 4, 5, 7}, y[] = {1, 2}, start[] = {5, -6, 7};
    for (int m = 0; m < SEARCHES; m++)
        for (int kind = 0; kind < 3; kind++) { /* no examples, X = 0, y = 0 */
            double w[3];
            icl_solver_options o = options_of(methods[m], 3, 4);
            o.start = kind < 2 ? start : NULL;
            icl_solver_report report = solve_one(context, &o, kind == 0 ? 0 : 2,
                                                 kind == 0   ? NULL
                                                 : kind == 1 ? zero
                                                             : X,
                                                 kind == 0   ? NULL
                                                 : kind == 1 ? y
                                                             : zero,
                                                 ICL_CONTENTS_ALL, w, NULL);
            ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
            ck_assert_int_eq(report.steps, 0);
            assert_same_bits(3, w, kind < 2 ? start : zero);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_prefixes_are_runs_on_the_prefix) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t grid[] = {0, 1, 2, 5, 9};
    double X[PROMPTS * N * D], y[PROMPTS * N], path[PROMPTS * 10 * D];
    fill_normal(context, 5, PROMPTS * N * D, X);
    fill_normal(context, 6, PROMPTS * N, y);
    icl_batch *batch = batch_of(context, PROMPTS, N, D, 1, ICL_CONTENTS_ALL, X, y, NULL);
    for (int m = 0; m < SEARCHES; m++) {
        icl_solver_options o = options_of(methods[m], D, 9);
        icl_solver *solver = solver_of(context, &o);
        curves c = curves_of(context, solver, batch, grid, 5);
        for (int64_t t = 0; t <= N; t++) {
            icl_batch *prefix = cut_batch(context, batch, t);
            icl_solver_report plain[PROMPTS];
            ASSERT_OK(context, icl_solver_path(solver, prefix, path, plain));
            for (int64_t p = 0; p < PROMPTS; p++)
                for (int64_t k = 0; k < 5; k++) {
                    double s[D];
                    int64_t rank = singular_values(context, batch, p, t, s);
                    double kappa = rank > 0 ? pow(s[0] / s[rank - 1], 2) : 1;
                    /* one step follows from the other: rounding grows by kappa in w, and no more in
                     * the residual, up to the last step */
                    const double *w = weights_at(&c, p, t, k), *e = path + (p * 10 + grid[k]) * D;
                    assert_close(D, w, e, TOL_ALGEBRA(t + D, kappa * kappa),
                                 norm(t, icl_batch_y(prefix) + p * t));
                    ASSERT_CLOSE(prediction_at(&c, p, t, k), dot(D, w, query_at(batch, p, t)),
                                 TOL_ALGEBRA(D, 1), norm(D, w) * norm(D, query_at(batch, p, t)));
                }
            icl_batch_free(prefix);
        }
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("exact_search", test_every_step_is_the_best_of_its_krylov_space,
          test_all_are_conjugate_gradients, test_exact_after_as_many_steps_as_there_are_eigenvalues,
          test_ill_conditioned_prompts_end_at_rounding,
          test_tolerance_stops_at_the_first_small_residual, test_nothing_to_learn_stops_at_once,
          test_prefixes_are_runs_on_the_prefix)
