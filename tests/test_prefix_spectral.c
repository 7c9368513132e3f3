/* Polynomials in X^T X at every prefix: against the plain iterations on each prefix for itself, and
 * both against the polynomials: on planted singular values the error of w_k in the direction of
 * l = s^2 is that of w_0 times a number that is known.
 */
#include "test_prefixes.h"

static const icl_method polynomials[] = {ICL_METHOD_GD,         ICL_METHOD_NEWTON,
                                         ICL_METHOD_HEAVY_BALL, ICL_METHOD_NESTEROV,
                                         ICL_METHOD_CHEBYSHEV,  ICL_METHOD_GD_PLUS_PLUS};
enum { POLYNOMIALS = 6 };

/* ---- beside the plain iterations ---- */

/* Of the path: rounding of A moves w by kappa(A) eps of the least squares solution, which is no
 * longer than ||y|| / s_min. */
static double rounding(icl_context *context, const icl_batch *batch, int64_t p, int64_t t,
                       const double *start) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch);
    double s[64], length = start != NULL ? norm(d, start) : 0;
    int64_t rank = singular_values(context, batch, p, t, s);
    if (rank == 0)
        return TOL_ALGEBRA(t + d, 1) * length;
    double kappa = s[0] * s[0] / (s[rank - 1] * s[rank - 1]);
    return TOL_ALGEBRA(t + d, kappa) * (length + norm(t, icl_batch_y(batch) + p * n) / s[rank - 1]);
}

static void compare_with_plain(icl_context *context, const icl_batch *batch,
                               const icl_solver_options *o) {
    enum { K = 13 };
    int64_t grid[K], d = o->dim;
    for (int k = 0; k < K; k++)
        grid[k] = k;
    icl_solver *solver = solver_of(context, o);
    curves c = curves_of(context, solver, batch, grid, K);
    double *path = malloc((size_t)(PROMPTS * K * d) * sizeof *path);
    icl_solver_report plain[PROMPTS];
    for (int64_t t = 0; t <= c.n; t++) {
        icl_batch *prefix = cut_batch(context, batch, t);
        ASSERT_OK(context, icl_solver_path(solver, prefix, path, plain));
        for (int64_t p = 0; p < PROMPTS; p++) {
            double bound = rounding(context, batch, p, t, o->start);
            for (int64_t k = 0; k < K; k++) {
                const double *w = weights_at(&c, p, t, k), *x = query_at(batch, p, t);
                assert_close(d, w, path + (p * K + k) * d, 1, bound);
                ASSERT_CLOSE(prediction_at(&c, p, t, k), dot(d, w, x), 1,
                             bound * norm(d, x) + TOL_ALGEBRA(d, 1) * norm(d, w) * norm(d, x));
            }
            double s[64];
            int64_t rank = singular_values(context, batch, p, t, s);
            /* the step knows the square root of l_min, so kappa(X) */
            ASSERT_CLOSE(report_at(&c, p, t)->step, plain[p].step,
                         TOL_ALGEBRA(t + d, rank > 0 ? s[0] / s[rank - 1] : 1), plain[p].step);
            ck_assert_int_eq(report_at(&c, p, t)->rank, -1);
        }
        icl_batch_free(prefix);
    }
    free(path);
    free_curves(&c);
    icl_solver_free(solver);
}

START_TEST(test_every_prefix_is_the_plain_iteration) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int shape = 0; shape < PREFIX_SHAPES; shape++) {
        int64_t d = prefix_shapes[shape][1];
        double start[32];
        fill_normal(context, 77, d, start);
        icl_batch *batch = awkward_batch(context, prefix_shapes[shape][0], d, (uint64_t)shape);
        for (int m = 0; m < POLYNOMIALS; m++)
            for (int setting = 0; setting < 3; setting++) {
                icl_solver_options o = options_of(polynomials[m], d, 12);
                o.start = setting == 1 ? start : NULL;
                o.order = setting == 1 ? 3 : 2;
                o.ridge = setting == 1 ? 0.5 : 0;
                if (setting == 2) { /* small enough for every prompt here */
                    o.step = polynomials[m] == ICL_METHOD_NEWTON ? 1e-12 : 1e-6;
                    o.gamma = 1e-7;
                    o.momentum = 0.5;
                    o.least = 1e-3;
                    o.greatest = 1e6;
                }
                compare_with_plain(context, batch, &o);
            }
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* ---- the polynomials ---- */

/* T_k(s(l)) / T_k(s(0)), s(x) = (u + l0 - 2 x) / (u - l0) */
static double chebyshev_ratio(int k, double l, double least, double greatest) {
    double at = (greatest + least - 2 * l) / (greatest - least);
    double zero = acosh((greatest + least) / (greatest - least));
    double top =
        fabs(at) <= 1 ? cos(k * acos(at)) : (at < 0 && k % 2 ? -1 : 1) * cosh(k * acosh(fabs(at)));
    return top / cosh(k * zero);
}

/* What is left of the error in the direction of l after steps 0..last. */
static void residuals_of(const icl_solver_options *o, double l, double least, double greatest,
                         int last, double *left) {
    double eta = o->step, beta = o->momentum, turned = l;
    left[0] = o->method == ICL_METHOD_NEWTON ? 1 - eta * l * l : 1;
    for (int k = 0; k < last; k++) {
        double now = left[k], before = k > 0 ? left[k - 1] : now;
        switch ((int)o->method) {
        case ICL_METHOD_GD:
            left[k + 1] = (1 - eta * l) * now;
            break;
        case ICL_METHOD_NEWTON:
            left[k + 1] = pow(now, (double)o->order);
            break;
        case ICL_METHOD_HEAVY_BALL:
            left[k + 1] = (1 + beta - eta * l) * now - beta * before;
            break;
        case ICL_METHOD_NESTEROV:
            left[k + 1] = (1 - eta * l) * ((1 + beta) * now - beta * before);
            break;
        case ICL_METHOD_CHEBYSHEV:
            left[k + 1] = chebyshev_ratio(k + 1, l, least, greatest);
            break;
        default:
            left[k + 1] = (1 - eta * turned) * now;
            turned *= (1 - o->gamma * turned) * (1 - o->gamma * turned);
        }
    }
}

enum { STEPS = 24 };

/* The coordinate of w_k: (1 - left) of the solution's, left of the start's. */
static void check_polynomials(const icl_solver_options *o, const planted *p, const double *path,
                              double least, double greatest) {
    for (int64_t i = 0; i < p->k; i++) {
        const double *v = p->V + i * p->d;
        double left[STEPS + 1], l = p->s[i] * p->s[i], solution = planted_c(p, i) / l;
        double begin = o->start != NULL ? dot(p->d, v, o->start) : 0;
        residuals_of(o, l, least, greatest, STEPS, left);
        for (int k = 0; k <= STEPS; k++) {
            double got = dot(p->d, v, path + k * p->d);
            double expected = solution + left[k] * (begin - solution);
            ck_assert_msg(fabs(got - expected) <= 1e-12 * (fabs(solution) + fabs(begin) + 1),
                          "method %d, step %d, l = %g: %.17g, expected %.17g", (int)o->method, k, l,
                          got, expected);
        }
    }
}

static icl_solver_options given_options(icl_method method, int64_t d, const double *start) {
    icl_solver_options o = options_of(method, d, STEPS);
    o.step = method == ICL_METHOD_NEWTON ? 0.03 : 0.3; /* singular values are from 1 to 2 */
    o.momentum = 0.2;
    o.gamma = 0.05;
    if (method != ICL_METHOD_NEWTON && method != ICL_METHOD_GD_PLUS_PLUS)
        o.start = start;
    return o;
}

START_TEST(test_residuals_are_the_polynomials) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const int64_t sizes[][3] = {{20, 6, 6}, {4, 7, 4}, {12, 6, 4}, {1, 3, 1}, {8, 8, 8}};
    int64_t grid[STEPS + 1];
    for (int k = 0; k <= STEPS; k++)
        grid[k] = k;
    for (int size = 0; size < 5; size++)
        for (int m = 0; m < POLYNOMIALS; m++)
            for (int setting = 0; setting < 2; setting++) {
                int64_t n = sizes[size][0], d = sizes[size][1], rank = sizes[size][2];
                double s[8], start[8], path[(STEPS + 1) * 8];
                for (int64_t i = 0; i < rank; i++)
                    s[i] = rank == 1 ? 2 : 2 - (double)i / (double)(rank - 1);
                plant(context, n, d, rank, s, 0.5, (uint64_t)size, &p);
                fill_normal(context, 9, d, start);
                icl_solver_options o = given_options(polynomials[m], d, start);
                o.order = setting ? 5 : 2;
                o.least = setting ? 0.5 : 0; /* bounds that are wide, or the prompt's own */
                o.greatest = setting ? 4.5 : 0;
                if (polynomials[m] == ICL_METHOD_CHEBYSHEV && rank == 1 && !setting)
                    continue; /* exact in one step: the ratio is 0 / 0 */
                double least = setting ? 0.5 : s[rank - 1] * s[rank - 1];
                double greatest = setting ? 4.5 : s[0] * s[0], w[8];
                solve_one(context, &o, n, p.X, p.y, ICL_CONTENTS_ALL, w, path);
                check_polynomials(&o, &p, path, least, greatest);
                icl_batch *batch = batch_of(context, 1, n, d, 1, ICL_CONTENTS_ALL, p.X, p.y, NULL);
                icl_solver *solver = solver_of(context, &o);
                curves c = curves_of(context, solver, batch, grid, STEPS + 1);
                check_polynomials(&o, &p, weights_at(&c, 0, n, 0), least, greatest);
                free_curves(&c);
                icl_solver_free(solver);
                icl_batch_free(batch);
            }
    icl_context_free(context);
}
END_TEST

START_TEST(test_one_eigenvalue_is_exact_in_one_chebyshev_step) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {3, 0, 0, 3}, y[] = {6, -9};
    const int64_t grid[] = {1, 2, 50};
    double w[2], path[4];
    icl_solver_options o = options_of(ICL_METHOD_CHEBYSHEV, 2, 1);
    solve_one(context, &o, 2, X, y, ICL_CONTENTS_ALL, w, path);
    ASSERT_CLOSE(w[0], 2, TOL_ALGEBRA(2, 1), 2);
    ASSERT_CLOSE(w[1], -3, TOL_ALGEBRA(2, 1), 3);
    icl_batch *batch = batch_of(context, 1, 2, 2, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, grid, 3);
    for (int k = 0; k < 3; k++) {
        ASSERT_CLOSE(weights_at(&c, 0, 2, k)[0], 2, TOL_ALGEBRA(2, 1), 2);
        ASSERT_CLOSE(weights_at(&c, 0, 2, k)[1], -3, TOL_ALGEBRA(2, 1), 3);
    }
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_any_number_of_steps_keeps_its_digits) {
    /* d = 1, y = X: w_k = 1 - (1 - x)^k = k x - k (k - 1) x^2 / 2 + .. with x = eta X^2 = 2^-100,
     * so w_k = k x to all digits, of which 1 - (1 - x)^k would have none */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1}, y[] = {1};
    const int64_t grid[] = {1, 3, 1000, INT64_C(1) << 31};
    icl_solver_options o = options_of(ICL_METHOD_GD, 1, 1);
    o.step = ldexp(1, -100);
    icl_batch *batch = batch_of(context, 1, 1, 1, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, grid, 4);
    for (int k = 0; k < 4; k++) {
        double expected = (double)grid[k] * o.step;
        ASSERT_CLOSE(prediction_at(&c, 0, 1, k), expected, TOL_ALGEBRA(1, 1), expected);
    }
    ck_assert_int_eq(report_at(&c, 0, 1)->steps, INT64_C(1) << 31);
    ck_assert_int_eq(report_at(&c, 0, 1)->stop, ICL_STOP_STEPS);
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_momentum_comes_to_rest) {
    /* steps beyond all patience, and those about the one from which on w is the solution */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const icl_method methods[] = {ICL_METHOD_HEAVY_BALL, ICL_METHOD_NESTEROV, ICL_METHOD_CHEBYSHEV};
    const double kappas[] = {1, 4, 100, 1e4};
    const int64_t sizes[][2] = {{20, 5}, {4, 7}};
    int64_t grid[201];
    for (int k = 0; k < 200; k++)
        grid[k] = k;
    grid[200] = INT64_C(1) << 31;
    for (int i = 0; i < 4; i++)
        for (int size = 0; size < 2; size++)
            for (int m = 0; m < 3; m++) {
                int64_t n = sizes[size][0], d = sizes[size][1], rank = n < d ? n : d;
                double s[8], solution[8], w[8], path[200 * 8];
                for (int64_t k = 0; k < rank; k++)
                    s[k] = pow(kappas[i], -0.5 * (double)k / (double)(rank - 1));
                plant(context, n, d, rank, s, 0.5, (uint64_t)i, &p);
                planted_least_norm(&p, solution);
                icl_solver_options o = options_of(methods[m], d, 199);
                solve_one(context, &o, n, p.X, p.y, ICL_CONTENTS_ALL, w, path);
                icl_batch *batch = batch_of(context, 1, n, d, 1, ICL_CONTENTS_ALL, p.X, p.y, NULL);
                icl_solver *solver = solver_of(context, &o);
                curves c = curves_of(context, solver, batch, grid, 201);
                double bound = TOL_ALGEBRA(n + d, kappas[i]) * norm(n, p.y) / s[rank - 1];
                for (int k = 0; k < 200; k++)
                    assert_close(d, weights_at(&c, 0, n, k), path + k * d, 1, bound);
                assert_close(d, weights_at(&c, 0, n, 200), solution, 1, bound);
                const icl_solver_report *report = report_at(&c, 0, n);
                ck_assert_int_eq(report->stop, ICL_STOP_STALLED);
                ck_assert_int_ge(report->steps, kappas[i] > 1 ? 20 : 1);
                ck_assert_int_le(report->steps, 10 + (int64_t)(60 * sqrt(kappas[i])));
                free_curves(&c);
                icl_solver_free(solver);
                icl_batch_free(batch);
            }
    icl_context_free(context);
}
END_TEST

/* ---- where it stops ---- */

/* On a prompt of mild condition the road stops where the plain iteration does. */
static void check_stop(icl_context *context, const planted *p, const icl_solver_options *o,
                       icl_stop expected) {
    double w[MAX_SIDE];
    icl_solver_report plain = solve_one(context, o, p->n, p->X, p->y, ICL_CONTENTS_ALL, w, NULL);
    icl_batch *batch = batch_of(context, 1, p->n, p->d, 1, ICL_CONTENTS_ALL, p->X, p->y, NULL);
    icl_solver *solver = solver_of(context, o);
    curves c = curves_of(context, solver, batch, &o->steps, 1);
    const icl_solver_report *r = report_at(&c, 0, p->n);
    /* GD++ flattens its spectrum, so that what is expected may not come to pass */
    if (o->method != ICL_METHOD_GD_PLUS_PLUS || plain.stop == expected) {
        ck_assert_msg(r->stop == plain.stop && r->steps == plain.steps,
                      "method %d: stop %d after %d steps, plainly %d after %d", (int)o->method,
                      (int)r->stop, (int)r->steps, (int)plain.stop, (int)plain.steps);
        ck_assert_msg(r->stop == expected, "method %d stops by %d", (int)o->method, (int)r->stop);
    }
    assert_close(p->d, weights_at(&c, 0, p->n, 0), w, TOL_ALGEBRA(p->n + p->d, 4 * 4),
                 norm(p->d, w) + norm(p->n, p->y));
    ck_assert(isfinite(prediction_at(&c, 0, p->n, 0)));
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
}

static void plant_mild(icl_context *context, int64_t n, int64_t d, uint64_t seed, planted *p) {
    double s[MAX_SIDE];
    int64_t k = n < d ? n : d;
    for (int64_t i = 0; i < k; i++)
        s[i] = 2 - (double)i / (double)(k - 1);
    plant(context, n, d, k, s, 0.5, seed, p);
}

START_TEST(test_tolerances_stop_where_the_plain_iteration_stops) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int shape = 0; shape < 2; shape++)
        for (int m = 0; m < POLYNOMIALS; m++)
            for (int given = 0; given < 2; given++) {
                plant_mild(context, shape ? 4 : 20, 6, 5, &p);
                icl_solver_options o = options_of(polynomials[m], 6, 1000);
                double start[6];
                fill_normal(context, 3, 6, start);
                o.start = start;
                o.tolerance = 1e-5;
                o.step = !given ? 0 : polynomials[m] == ICL_METHOD_NEWTON ? 0.01 : 0.2;
                check_stop(context, &p, &o, ICL_STOP_CONVERGED);
                o.tolerance = 3; /* at once, or nearly */
                check_stop(context, &p, &o, ICL_STOP_CONVERGED);
            }
    icl_context_free(context);
}
END_TEST

START_TEST(test_divergence_stops_where_the_plain_iteration_stops) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int shape = 0; shape < 2; shape++)
        for (int m = 0; m < POLYNOMIALS; m++)
            for (int how = 0; how < 4; how++) {
                const double factors[] = {1.3, 4, 1e6, 1e200};
                plant_mild(context, shape ? 4 : 20, 6, 5, &p);
                icl_solver_options o = options_of(polynomials[m], 6, 4000);
                o.step = factors[how] * 2 / (m == 1 ? 16 : 4); /* beyond 2 / l_max, 2 / l_max^2 */
                if (o.method == ICL_METHOD_HEAVY_BALL)
                    o.step *= 2; /* beyond 2 (1 + beta) / l_max */
                o.momentum = o.method == ICL_METHOD_NESTEROV ? 0.5 : 0;
                o.greatest = 0.5 / factors[how]; /* Chebyshev: a bound far below l_max */
                check_stop(context, &p, &o, ICL_STOP_DIVERGED);
            }
    icl_context_free(context);
}
END_TEST

START_TEST(test_what_falls_before_it_rises) {
    /* A = diag(4, 1), eta = 0.6: 1 - eta l = -1.4 and 0.4. c = (1e-9, 1): the residual falls below
     * 1e-4, then rises without end. */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {2, 0, 0, 1}, y[] = {0.5e-9, 1};
    icl_batch *batch = batch_of(context, 1, 2, 2, 1, ICL_CONTENTS_ALL, X, y, NULL);
    for (int setting = 0; setting < 2; setting++) {
        const int64_t steps = 4000;
        icl_solver_options o = options_of(ICL_METHOD_GD, 2, steps);
        o.step = 0.6;
        o.tolerance = setting ? 1e-4 : 0;
        icl_solver *solver = solver_of(context, &o);
        curves c = curves_of(context, solver, batch, &steps, 1);
        /* 0.4^k < 1e-4 first at k = 11; 1e-9 1.4^k > 2^52 first at k = 169 */
        ck_assert_int_eq(report_at(&c, 0, 2)->steps, setting ? 11 : 169);
        ck_assert_int_eq(report_at(&c, 0, 2)->stop,
                         setting ? ICL_STOP_CONVERGED : ICL_STOP_DIVERGED);
        free_curves(&c);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_newton_at_its_bound_never_converges) {
    /* A = diag(4, 1), alpha = 2 / 16: 1 - alpha 16 = -1 at first, then 1 for ever */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {2, 0, 0, 1}, y[] = {6, 5};
    const int64_t grid[] = {0, 1, 2, 100, INT64_C(1) << 31};
    icl_batch *batch = batch_of(context, 1, 2, 2, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver_options o = options_of(ICL_METHOD_NEWTON, 2, 1);
    o.step = 0.125;
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, grid, 5);
    for (int k = 0; k < 5; k++)
        ASSERT_CLOSE(weights_at(&c, 0, 2, k)[0], k == 0 ? 6 : 0, 0, 1);
    ASSERT_CLOSE(weights_at(&c, 0, 2, 4)[1], 5, TOL_ALGEBRA(2, 1), 5);
    ck_assert_int_eq(report_at(&c, 0, 2)->stop, ICL_STOP_STEPS);
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- ill-conditioned ---- */

START_TEST(test_newton_reaches_weak_directions_and_leaves_the_null_space) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const int64_t steps = 200, sizes[][2] = {{12, 3}, {3, 5}, {12, 5}};
    for (int size = 0; size < 3; size++) {
        int64_t n = sizes[size][0], d = sizes[size][1];
        const double s[] = {1, 1e-3, 1e-6}; /* kappa of A is 1e12 */
        plant(context, n, d, 3, s, 0, (uint64_t)size, &p);
        double solution[8];
        planted_least_norm(&p, solution);
        icl_batch *batch = batch_of(context, 1, n, d, 1, ICL_CONTENTS_ALL, p.X, p.y, NULL);
        icl_solver_options o = options_of(ICL_METHOD_NEWTON, d, 1);
        icl_solver *solver = solver_of(context, &o);
        curves c = curves_of(context, solver, batch, &steps, 1);
        assert_close(d, weights_at(&c, 0, n, 0), solution, TOL_ALGEBRA(n + d, 1e12),
                     norm(d, solution));
        free_curves(&c);
        icl_solver_free(solver);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_directions_below_rounding_count_as_zero) {
    /* s = 1, 1e-12: X^T X knows nothing of the second. Whatever the number of steps, w is v_1's
     * part of the solution. */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    const double s[] = {1, 1e-12};
    const int64_t grid[] = {200, INT64_C(1) << 31};
    for (int shape = 0; shape < 2; shape++) {
        int64_t n = shape ? 2 : 10, d = shape ? 4 : 2;
        plant(context, n, d, 2, s, 0.5, 3, &p);
        double expected[8], filter[2] = {planted_c(&p, 0), 0};
        compose(&p, filter, expected);
        icl_batch *batch = batch_of(context, 1, n, d, 1, ICL_CONTENTS_ALL, p.X, p.y, NULL);
        for (int m = 0; m < 2; m++) {
            icl_solver_options o = options_of(polynomials[m], d, 1);
            icl_solver *solver = solver_of(context, &o);
            curves c = curves_of(context, solver, batch, grid, 2);
            for (int k = 0; k < 2; k++)
                assert_close(d, weights_at(&c, 0, n, k), expected, TOL_ALGEBRA(n + d, 1),
                             norm(n, p.y));
            free_curves(&c);
            icl_solver_free(solver);
        }
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("prefix_spectral", test_every_prefix_is_the_plain_iteration,
          test_residuals_are_the_polynomials, test_one_eigenvalue_is_exact_in_one_chebyshev_step,
          test_any_number_of_steps_keeps_its_digits, test_momentum_comes_to_rest,
          test_tolerances_stop_where_the_plain_iteration_stops,
          test_divergence_stops_where_the_plain_iteration_stops, test_what_falls_before_it_rises,
          test_newton_at_its_bound_never_converges,
          test_newton_reaches_weak_directions_and_leaves_the_null_space,
          test_directions_below_rounding_count_as_zero)
