/* L-BFGS with its search: the Wolfe conditions, convergence, the floor of the value, objectives
 * with saddles and edges. */
#include "test_optim.h"

/* Falls for ever. */
static int slope(const double *x, double *value, double *gradient, void *user) {
    (void)user;
    *value = -x[0];
    gradient[0] = -1;
    return 0;
}

/* A bump: value 1 and slope 0 at 1, where the first trial from 0 lands; minimum at 1 / 9. */
static int bump(const double *x, double *value, double *gradient, void *user) {
    (void)user;
    *value = x[0] * (-1 + x[0] * (5 - 3 * x[0]));
    gradient[0] = -1 + x[0] * (10 - 9 * x[0]);
    return 0;
}

/* Defined where |x| < 1e-30 only. */
static int narrow_barrier(const double *x, double *value, double *gradient, void *user) {
    double wide = x[0] * 1e30;
    barrier(&wide, value, gradient, user);
    gradient[0] *= 1e30;
    return 0;
}

/* x^T A x / 2 - b^T x with errors of 1e-12 in the value and 1e-10 in the gradient that look random
 * but are a function of x. */
static int noisy(const double *x, double *value, double *gradient, void *user) {
    const problem *p = user;
    expanded(x, value, gradient, user);
    for (int64_t i = 0; i < p->count; i++) {
        *value += 1e-12 * sin(1e15 * x[i]);
        gradient[i] += 1e-10 * cos(1e15 * x[i] + (double)i);
    }
    return 0;
}

/* The gradient of a parabola with curvature b_0 and minimum b_1, under a value that rounding has
 * made constant, but for an error a_0 right of 0. */
static int flat(const double *x, double *value, double *gradient, void *user) {
    const problem *p = user;
    *value = 1 + (x[0] > 0 ? p->a[0] : 0);
    gradient[0] = p->b[0] * (x[0] - p->b[1]);
    return 0;
}

/* Steps until a stop or the gradient norm is at most `tolerance`; the report of the last one. */
static icl_step_report minimise(const icl_optimiser_options *o, problem *p, double tolerance,
                                int64_t most, double *x) {
    icl_optimiser *optimiser = make(o, p->count);
    icl_step_report report = {.gradient_norm = INFINITY};
    while (report.stop == ICL_STOP_NONE && report.gradient_norm > tolerance) {
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, p, x, &report));
        ck_assert_msg(icl_optimiser_steps(optimiser) < most, "gradient norm %g after %lld steps",
                      report.gradient_norm, (long long)most);
    }
    icl_optimiser_free(optimiser);
    return report;
}

/* ---- the search ---- */

/* f(x') <= f(x) + c1 g.p and |g'.p| <= c2 |g.p| for p = x' - x at every step whose change of the
 * value is beyond the floor; and the report tells the truth about x'. */
static void check_wolfe(problem *p, const double *start, int64_t least_steps) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    icl_optimiser *optimiser = make(&o, p->count);
    double x[MOST], before[MOST], move[MOST], g[MOST], h[MOST], value, next;
    memcpy(x, start, (size_t)p->count * sizeof *x);
    icl_step_report report = {0};
    int64_t checked = 0;
    for (int t = 0; t < 500 && report.stop == ICL_STOP_NONE; t++) {
        memcpy(before, x, sizeof x);
        call(before, &value, g, p);
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, p, x, &report));
        call(x, &next, h, p);
        ck_assert(report.value == next);
        ck_assert(report.gradient_norm == icl_vector_norm(p->count, h));
        if (!(fabs(next - value) > 1e-9 * fabs(value)) || fabs(value) < 1e-12)
            continue;
        for (int64_t i = 0; i < p->count; i++)
            move[i] = x[i] - before[i];
        double g0 = dot(p->count, g, move), g1 = dot(p->count, h, move);
        /* x' - x is rounded: the slopes along it differ a little from those along s d */
        ck_assert_msg(next <= value + 0.99e-4 * g0, "step %d: no sufficient decrease", t);
        ck_assert_msg(fabs(g1) <= 0.91 * fabs(g0), "step %d: slopes %g, %g", t, g0, g1);
        checked++;
    }
    ck_assert_int_ge(checked, least_steps);
    icl_optimiser_free(optimiser);
}

TEST(test_strong_wolfe) {
    double x[MOST];
    for (int i = 0; i < MOST; i++)
        x[i] = i % 2 ? 1 : -1.2;
    problem p = {.call = rosenbrock, .count = 2};
    check_wolfe(&p, x, 25);
    p.count = 20;
    check_wolfe(&p, x, 60);
    p = (problem){.call = product, .count = 2};
    check_wolfe(&p, (double[]){1e-3, 3e-3}, 5);
    p = (problem){.call = barrier, .count = 3};
    check_wolfe(&p, (double[]){-0.9, 0.3, -0.1}, 5);
    p = diagonal_problem(30, 1e4);
    check_wolfe(&p, x, 50);
}

TEST(test_bump) {
    problem p = {.call = bump, .count = 1, .offset = 1};
    double x = 0;
    check_wolfe(&p, &x, 1);
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    minimise(&o, &p, 1e-14, 20, &x);
    ASSERT_CLOSE(x, 1.0 / 9, TOL_ALGEBRA(4, 1), 1);
}

/* Along -x_0 no point is a Wolfe point: each step is as far as the evaluations reach. */
TEST(test_unbounded) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.max_evaluations = 5;
    icl_optimiser *optimiser = make(&o, 1);
    problem p = {.call = slope, .count = 1};
    double x = 0;
    icl_step_report report;
    ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, &x, &report));
    ck_assert_int_eq(report.evaluations, 6);
    ck_assert(x == 1e4 && report.rate == 1e4 && report.value == -1e4); /* 1, 10, ..., 1e4 */
    icl_optimiser_free(optimiser);
    o.max_evaluations = 1000; /* to the end of the doubles, and no further */
    optimiser = make(&o, 1);
    ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, &x, &report));
    ck_assert(x > 1e306 && isfinite(x));
    icl_optimiser_free(optimiser);
}

/* One evaluation a search: slow, but every step that is made goes down. */
TEST(test_few_evaluations) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.max_evaluations = 1;
    icl_optimiser *optimiser = make(&o, 2);
    problem p = {.call = diagonal, .count = 2, .b = {1, 0.1}};
    double x[2] = {-1.2, 10}, last = INFINITY;
    icl_step_report report = {0};
    while (report.stop == ICL_STOP_NONE && icl_optimiser_steps(optimiser) < 100) {
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, &report));
        ck_assert_int_le(report.evaluations, 3); /* the start, with and without memory */
        ck_assert(report.stop != ICL_STOP_NONE || report.value < last);
        last = report.value;
    }
    ck_assert_int_gt(icl_optimiser_steps(optimiser), 3);
    icl_optimiser_free(optimiser);
}

/* ---- convergence ---- */

/* On one parameter the secant is exact: three steps to the bottom of a parabola. */
TEST(test_parabola) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    for (double curvature = 1e-6; curvature <= 1e6; curvature *= 100) {
        problem p = {.call = diagonal, .count = 1, .b = {curvature}};
        double x = 3;
        icl_step_report report = minimise(&o, &p, 1e-14 * curvature, 4, &x);
        ck_assert(report.gradient_norm <= 1e-14 * curvature);
    }
}

TEST(test_small_quadratics) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    for (int64_t n = 1; n <= 8; n++) {
        problem p = diagonal_problem(n, 100);
        double x[MOST];
        fill_normal(context, 21, n, x);
        /* the exact method ends after n steps; a loose search needs a small multiple */
        minimise(&o, &p, 1e-14, 6 * n + 10, x);
    }
}

TEST(test_ill_conditioned_quadratic) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    for (int rotated = 0; rotated < 2; rotated++) {
        double x[MOST] = {0}, solution[MOST];
        problem p = rotated_problem(12, 1e6, solution);
        if (!rotated) {
            p = diagonal_problem(12, 1e6);
            memcpy(x, solution, sizeof x);
        }
        double value, g[MOST];
        call(x, &value, g, &p);
        double first = sqrt(dot(12, g, g));
        icl_step_report report = minimise(&o, &p, 1e-12 * first, 3000, x);
        ck_assert(report.gradient_norm <= 1e-12 * first);
        for (int i = 0; i < 12 && rotated; i++) /* ||x - x*|| <= ||g|| / lambda_min, and rounding */
            ASSERT_CLOSE(x[i], solution[i], 1e-12 + TOL_ALGEBRA(12, 1), 1e6 * first);
    }
}

TEST(test_rosenbrock) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.history = 10;
    for (int64_t n = 2; n <= 32; n *= 2) {
        problem p = {.call = rosenbrock, .count = n};
        double x[MOST];
        for (int i = 0; i < MOST; i++)
            x[i] = i % 2 ? 1 : -1.2;
        minimise(&o, &p, 1e-11, 500, x);
        /* one bound for the smallest eigenvalue of the Hessian at 1: 0.3 for these n */
        for (int64_t i = 0; i < n; i++)
            ASSERT_CLOSE(x[i], 1, 1e-11, 10);
        ck_assert_int_lt(p.calls, 4 * 150); /* the evaluations of the textbooks, times a few */
    }
}

/* A value that falls to 0 without cancellation: no floor before the gradient's own. */
TEST(test_excess_to_nothing) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    problem p = diagonal_problem(10, 100);
    double x[MOST];
    fill_normal(context, 22, 10, x);
    icl_step_report report = minimise(&o, &p, 1e-100, 2000, x);
    ck_assert(report.gradient_norm <= 1e-100 && report.value <= 1e-190);
    p = (problem){.call = product, .count = 2};
    x[0] = 0.3;
    x[1] = -0.1;
    report = minimise(&o, &p, 1e-14, 100, x);
    ck_assert(report.gradient_norm <= 1e-14 && report.value <= 1e-27);
}

/* A value that cannot tell points closer than 1e-8: the gradient's own rounding is reached, and
 * only then a stall. */
static void check_floor(double kappa, double offset) {
    enum { N = 12 };
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    double x[MOST] = {0}, solution[MOST];
    problem p = rotated_problem(N, kappa, solution);
    p.offset = offset;
    icl_step_report report = minimise(&o, &p, 0, 6000, x);
    /* rounding of A x - b: n eps (||A|| ||x|| + ||b||), ||A|| = 1 */
    double size = sqrt(dot(N, x, x)) + sqrt(dot(N, p.b, p.b));
    ck_assert_msg(report.gradient_norm <= TOL_ALGEBRA(N, 1) * size,
                  "kappa %g, offset %g: gradient norm %g, %s", kappa, offset, report.gradient_norm,
                  icl_stop_name(report.stop));
    double value, g[MOST];
    call(x, &value, g, &p);
    ck_assert(value == report.value);
}

TEST(test_floor) {
    for (double kappa = 1; kappa <= 1e6; kappa *= 100) {
        check_floor(kappa, 0);
        check_floor(kappa, 29);
        check_floor(kappa, -1e6);
    }
    /* f* = 0 by cancellation: |value| says nothing about its rounding */
    double solution[MOST];
    problem p = rotated_problem(12, 100, solution);
    check_floor(100, 0.5 * dot(12, p.b, solution));
}

/* The same for a floor under a curved valley. */
TEST(test_floor_of_rosenbrock) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    for (double offset = 1; offset <= 1e9; offset *= 1e3) {
        problem p = {.call = rosenbrock, .count = 10, .offset = offset};
        double x[MOST];
        for (int i = 0; i < MOST; i++)
            x[i] = i % 2 ? 1 : -1.2;
        icl_step_report report = minimise(&o, &p, 0, 2000, x);
        /* terms of at most 400 |x|^3, three in a row */
        ck_assert(report.gradient_norm <= TOL_ALGEBRA(3, 1) * 400);
        for (int i = 0; i < 10; i++)
            ASSERT_CLOSE(x[i], 1, TOL_ALGEBRA(3, 1), 4000);
    }
}

/* Where the value is noise the slopes alone lead the search, up and down. */
TEST(test_flat_value) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    const double curvature[2] = {1e-3, 100}, minimum[2] = {1e-5, 1e-9};
    for (int k = 0; k < 2; k++)
        for (double error = -4e-11; error < 5e-11; error += 4e-11) {
            problem p = {.call = flat, .count = 1, .b = {curvature[k], minimum[k]}, .a = {error}};
            icl_optimiser *optimiser = make(&o, 1);
            double x = 0;
            icl_step_report report;
            ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, &x, &report));
            ck_assert_int_le(report.evaluations, 5); /* a factor of ten each, 1000 or 1/100 away */
            ASSERT_CLOSE(x, minimum[k], 0.9, minimum[k]); /* C2 */
            ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, &x, &report));
            ASSERT_CLOSE(x, minimum[k], TOL_ALGEBRA(1, 1), minimum[k]); /* the secant */
            icl_optimiser_free(optimiser);
        }
}

static int by_size(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Errors far above rounding: the value's must not end the run, the gradient's must. How many calls
 * one run takes is chaotic, a quarter of them need more than 4000; the median does not. */
TEST(test_noise) {
    enum { N = 8, RUNS = 21 };
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    int64_t calls[3 * RUNS], count = 0;
    for (double kappa = 10; kappa <= 1e3; kappa *= 10)
        for (int run = 0; run < RUNS; run++) {
            double x[MOST] = {0}, solution[MOST];
            problem p = rotated_problem(N, kappa, solution);
            for (int i = 0; i < N; i++)
                p.b[i] *= 1 + 1e-15 * run;
            p.call = noisy;
            icl_step_report report = minimise(&o, &p, 0, 2000, x);
            ck_assert_int_eq(report.stop, ICL_STOP_STALLED);
            ck_assert_msg(report.gradient_norm <= 1e-10 * sqrt(N), "gradient norm %g",
                          report.gradient_norm);
            calls[count++] = p.calls;
        }
    qsort(calls, (size_t)count, sizeof *calls, by_size);
    ck_assert_int_lt(calls[count / 2], 4000);
}

/* ---- hard objectives ---- */

TEST(test_saddle) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    problem p = {.call = product, .count = 2};
    for (double start = 1e-2; start > 1e-9; start /= 10) {
        double x[2] = {start, 0.5 * start};
        minimise(&o, &p, 1e-14, 100, x);
        ASSERT_CLOSE(x[0], 1, 1e-13, 1);
        ASSERT_CLOSE(x[1], 1, 1e-13, 1);
    }
    double x[2] = {0, 0}; /* the saddle itself */
    ck_assert_int_eq(minimise(&o, &p, 0, 2, x).stop, ICL_STOP_GRADIENT);
    ck_assert(x[0] == 0 && x[1] == 0);
}

TEST(test_outside_the_domain) {
    const icl_objective_fn calls[2] = {barrier, half_barrier};
    const double minimum = (sqrt(26) - 1) / 5;
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    for (int k = 0; k < 2; k++)
        for (int64_t n = 1; n <= 5; n += 2) {
            problem p = {.call = calls[k], .count = n};
            double x[MOST] = {0};
            icl_step_report report = minimise(&o, &p, 1e-13, 100, x);
            ck_assert_int_gt(p.outside, 0);
            ck_assert(report.gradient_norm <= 1e-13);
            ASSERT_CLOSE(x[0], minimum, 1e-13, 1); /* the Hessian is at least 2 */
            for (int64_t i = 1; i < n; i++)
                ASSERT_CLOSE(x[i], 0, 1e-13, 1);
        }
}

/* A start beside the edge: the first trials are all outside. */
TEST(test_at_the_edge) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    problem p = {.call = barrier, .count = 1};
    double x = 1 - 1e-12;
    icl_step_report report = minimise(&o, &p, 1e-13, 100, &x);
    ck_assert(report.gradient_norm <= 1e-13);
    problem narrow = {.call = narrow_barrier, .count = 1};
    x = 0; /* thirty-one trials a factor of ten apart */
    report = minimise(&o, &narrow, 1e30 * 1e-13, 100, &x);
    ASSERT_CLOSE(x * 1e30, (sqrt(26) - 1) / 5, 1e-13, 1);
    x = 2;
    icl_optimiser *optimiser = make(&o, 1);
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "icl_optimiser_step",
                 icl_optimiser_step(optimiser, call, &p, &x, NULL));
    ck_assert(x == 2 && icl_optimiser_steps(optimiser) == 0);
    icl_optimiser_free(optimiser);
}

/* Values and gradients of any size. */
TEST(test_scales) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    for (int e = -300; e <= 300; e += 100) {
        problem p = diagonal_problem(3, 4);
        for (int i = 0; i < 3; i++)
            p.b[i] = ldexp(p.b[i], e);
        double x[3] = {1, -2, 3};
        minimise(&o, &p, ldexp(1e-12, e), 200, x);
    }
}

RUN_SUITE("lbfgs_search", test_strong_wolfe, test_bump, test_unbounded, test_few_evaluations,
          test_parabola, test_small_quadratics, test_ill_conditioned_quadratic, test_rosenbrock,
          test_excess_to_nothing, test_floor, test_floor_of_rosenbrock, test_flat_value, test_noise,
          test_saddle, test_outside_the_domain, test_at_the_edge, test_scales)
