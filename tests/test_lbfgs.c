/* L-BFGS: its directions against the dense formula, its memory, its failures. */
#include "test_optim.h"

/* A gradient that points the wrong way. */
static int liar(const double *x, double *value, double *gradient, void *user) {
    diagonal(x, value, gradient, user);
    for (int64_t i = 0; i < ((problem *)user)->count; i++)
        gradient[i] = -gradient[i];
    return 0;
}

/* ---- directions ---- */

/* H <- (I - rho s y^T) H (I - rho y s^T) + rho s s^T, dense. */
static void dense_update(int64_t n, const double *s, const double *y, double *h) {
    double rho = 1 / dot(n, s, y), v[MOST * MOST], vh[MOST * MOST];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            v[i * n + j] = (i == j) - rho * s[i] * y[j];
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            vh[i * n + j] = 0;
            for (int64_t k = 0; k < n; k++)
                vh[i * n + j] += v[i * n + k] * h[k * n + j];
        }
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            h[i * n + j] = rho * s[i] * s[j];
            for (int64_t k = 0; k < n; k++)
                h[i * n + j] += vh[i * n + k] * v[j * n + k];
        }
}

/* -H g from steps first..last - 1 of a recorded path of points and gradients. */
static void dense_direction(int64_t n, const double *xs, const double *gs, int first, int last,
                            double *d) {
    double h[MOST * MOST] = {0}, s[MOST], y[MOST];
    const double *g = gs + last * n;
    double norm1 = 0, scale = 1;
    for (int64_t i = 0; i < n; i++)
        norm1 += fabs(g[i]);
    if (last == first)
        scale = fmin(1, 1 / norm1);
    for (int pass = 0; pass < 2; pass++) /* the scale is the newest pair's */
        for (int k = pass == 0 && last > first ? last - 1 : first; k < last; k++) {
            for (int64_t i = 0; i < n; i++) {
                s[i] = xs[(k + 1) * n + i] - xs[k * n + i];
                y[i] = gs[(k + 1) * n + i] - gs[k * n + i];
            }
            if (pass == 0)
                scale = dot(n, s, y) / dot(n, y, y);
            if (pass == 1 && k == first)
                for (int64_t i = 0; i < n * n; i++)
                    h[i] = i % (n + 1) == 0 ? scale : 0;
            if (pass == 1)
                dense_update(n, s, y, h);
        }
    for (int64_t i = 0; i < n; i++)
        d[i] = last == first ? -scale * g[i] : -dot(n, h + i * n, g);
}

/* Fifty steps without a search, each against the dense formula from the same past. */
static void compare_with_dense(int64_t history) {
    enum { N = 6, STEPS = 50 };
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.line_search = 0;
    o.rate = 0.5;
    o.history = history;
    icl_optimiser *optimiser = make(&o, N);
    problem p = {.call = rosenbrock, .count = N};
    static double xs[(STEPS + 1) * N], gs[(STEPS + 1) * N];
    double x[N], d[N], value;
    for (int i = 0; i < N; i++)
        x[i] = 0.9 + 0.05 * i; /* where the curvature along the path stays positive */
    for (int t = 0; t < STEPS; t++) {
        memcpy(xs + t * N, x, sizeof x);
        rosenbrock(x, &value, gs + t * N, &p);
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, NULL));
        ck_assert_int_eq(optimiser->counters.pairs, t < history ? t : history); /* none skipped */
        dense_direction(N, xs, gs, t > history ? t - (int)history : 0, t, d);
        double size = sqrt(dot(N, d, d));
        /* the condition of H is at most that of the Hessians, about 2500 here */
        for (int i = 0; i < N; i++)
            ASSERT_CLOSE(x[i], xs[t * N + i] + 0.5 * d[i], TOL_ALGEBRA(N * history, 2500),
                         size + DBL_EPSILON);
    }
    icl_optimiser_free(optimiser);
}

TEST(test_directions) {
    compare_with_dense(1);
    compare_with_dense(3);
    compare_with_dense(7);
    compare_with_dense(100);
}

static void update(icl_optimiser *optimiser, double g0, double g1, double *x) {
    ASSERT_OK(context, icl_optimiser_update(optimiser, (double[]){g0, g1}, x));
}

/* By hand: the first step, one pair, a pair of negative and one of zero curvature. */
TEST(test_first_steps) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.line_search = 0;
    icl_optimiser *optimiser = make(&o, 2);
    double x[2] = {1, 1};
    update(optimiser, 3, -5, x); /* ||g||_1 = 8 */
    ck_assert(x[0] == 0.625 && x[1] == 1.625);
    /* s = (-3, 5) / 8, y = (-1.5, 2.5) = 4 s: H = I / 4 on s and, by gamma, elsewhere */
    update(optimiser, 1.5, -2.5, x);
    ASSERT_CLOSE(x[0], 0.25, TOL_ALGEBRA(2, 1), 1);
    ASSERT_CLOSE(x[1], 2.25, TOL_ALGEBRA(2, 1), 1);
    ck_assert_int_eq(optimiser->counters.pairs, 1);
    update(optimiser, 1.5, -2.5, x); /* y = 0: skipped, H stays */
    ASSERT_CLOSE(x[0], -0.125, TOL_ALGEBRA(2, 1), 1);
    update(optimiser, 3, -5, x); /* s.y < 0: skipped, H stays */
    ASSERT_CLOSE(x[0], -0.875, TOL_ALGEBRA(2, 1), 1);
    ASSERT_CLOSE(x[1], 2.875 + 1.25, TOL_ALGEBRA(2, 1), 4);
    ck_assert_int_eq(optimiser->counters.pairs, 1);
    icl_optimiser_free(optimiser);
}

/* s.y > 0, but by less than rounding: s = (-2^-60, 0), y = (-2^-112, 1). */
TEST(test_rounded_curvature) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.line_search = 0;
    icl_optimiser *optimiser = make(&o, 2);
    double x[2] = {0, 0};
    update(optimiser, 0x1p-60, 0, x);
    ck_assert(x[0] == -0x1p-60 && x[1] == 0);
    update(optimiser, 0x1p-60 - 0x1p-112, 1, x);
    ck_assert_int_eq(optimiser->counters.pairs, 0);
    icl_optimiser_free(optimiser);
}

/* A host that moves x between the steps still gives a true pair. */
TEST(test_moved_point) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.line_search = 0;
    icl_optimiser *optimiser = make(&o, 1);
    double x = 1, g = 4;
    ASSERT_OK(context, icl_optimiser_update(optimiser, &g, &x)); /* f'' = 4 */
    x = -3;
    g = -12;
    ASSERT_OK(context, icl_optimiser_update(optimiser, &g, &x));
    ck_assert(x == 0);
    icl_optimiser_free(optimiser);
}

TEST(test_clipping) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.line_search = 0;
    o.clip_global = 2;
    icl_optimiser *optimiser = make(&o, 1);
    double x = 16, g = 64; /* f'' = 4; the clipped gradient 2 goes by min(1, 1/2) */
    ASSERT_OK(context, icl_optimiser_update(optimiser, &g, &x));
    ck_assert(x == 15);
    g = 60; /* the pair sees f'' = 4, not 0: the step is 2 / 4 */
    ASSERT_OK(context, icl_optimiser_update(optimiser, &g, &x));
    ck_assert(x == 14.5);
    icl_optimiser_free(optimiser);
}

/* ---- memory ---- */

/* The pairs learn curvature 1 and 2^-20; then the objective becomes round. Along -H g the value
 * rises, without the pairs the only trial succeeds. */
TEST(test_drops_bad_memory) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    icl_optimiser *optimiser = make(&o, 2);
    problem p = {.call = diagonal, .count = 2, .b = {1, 0x1p-20}};
    double x[2] = {1e-3, 1e3};
    icl_step_report report;
    for (int k = 0; k < 5; k++)
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, &report));
    ck_assert_int_gt(optimiser->counters.pairs, 1);
    p.b[1] = 1;
    optimiser->options.max_evaluations = 1;
    x[0] = 1;
    x[1] = 1;
    ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, &report));
    ck_assert_int_eq(report.stop, ICL_STOP_NONE);
    ck_assert_int_eq(report.evaluations, 3);
    ck_assert_int_eq(optimiser->counters.pairs, 1); /* that of this step */
    ck_assert(report.value < 1);
    icl_optimiser_free(optimiser);
}

TEST(test_fixed_objective) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    double x[2][10];
    problem p[2];
    for (int fixed = 0; fixed < 2; fixed++) {
        p[fixed] = (problem){.call = rosenbrock, .count = 10};
        for (int i = 0; i < 10; i++)
            x[fixed][i] = i % 2 ? 1 : -1.2;
        o.fixed_objective = fixed;
        icl_optimiser *optimiser = make(&o, 10);
        for (int t = 0; t < 30; t++) {
            if (t == 15)
                x[fixed][3] += 0.125; /* the host moves x: it is evaluated again */
            ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p[fixed], x[fixed], NULL));
        }
        icl_optimiser_free(optimiser);
    }
    ck_assert(memcmp(x[0], x[1], sizeof x[0]) == 0);
    ck_assert_int_eq(p[1].calls, p[0].calls - 28);
}

/* ---- failures ---- */

TEST(test_stall) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    icl_optimiser *optimiser = make(&o, 3);
    problem p = diagonal_problem(3, 10);
    double x[3] = {1, 2, 3}, before[3];
    icl_step_report report;
    for (int k = 0; k < 3; k++)
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, &report));
    icl_optimiser_counters counters = optimiser->counters;
    double *state = malloc((size_t)optimiser->state_count * sizeof *state);
    memcpy(state, optimiser->state, (size_t)optimiser->state_count * sizeof *state);
    memcpy(before, x, sizeof x);
    p.call = liar;
    p.calls = 0;
    for (int k = 0; k < 2; k++) { /* the answer repeats itself */
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, &report));
        ck_assert_int_eq(report.stop, ICL_STOP_STALLED);
        ck_assert(report.rate == 0 && report.gradient_norm > 0);
        ck_assert(memcmp(x, before, sizeof x) == 0);
        ck_assert(memcmp(&counters, &optimiser->counters, sizeof counters) == 0);
        ck_assert(memcmp(state, optimiser->state, (size_t)optimiser->state_count * sizeof *state) ==
                  0);
    }
    ck_assert_int_le(p.calls, 2 * 81);
    free(state);
    icl_optimiser_free(optimiser);
}

/* The callback fails at its k-th call in a step, for every k until a step has fewer calls. */
TEST(test_failing_callback) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    int64_t failures = 0;
    icl_optimiser *a = make(&o, 4), *b = make(&o, 4);
    problem p = {.call = rosenbrock, .count = 4};
    double x[4] = {-1.2, 1, -1.2, 1}, twin[4] = {-1.2, 1, -1.2, 1};
    icl_step_report report;
    for (int t = 0; t < 40; t++) {
        p.fail_at = 0;
        ASSERT_OK(context, icl_optimiser_step(b, call, &p, twin, &report));
        for (int64_t k = 1; k <= report.evaluations; k++) {
            double before[4];
            memcpy(before, x, sizeof x);
            p.calls = 0;
            p.fail_at = k;
            icl_step_report untouched = {.value = 42};
            ASSERT_FAILS(context, ICL_ERR_CALLBACK, "returned 1",
                         icl_optimiser_step(a, call, &p, x, &untouched));
            ck_assert(untouched.value == 42 && p.calls == k);
            ck_assert(memcmp(x, before, sizeof x) == 0);
            ck_assert_int_eq(icl_optimiser_steps(a), t);
            failures++;
        }
        p.fail_at = 0;
        ASSERT_OK(context, icl_optimiser_step(a, call, &p, x, NULL));
        ck_assert(memcmp(x, twin, sizeof x) == 0);
        ck_assert(memcmp(a->state, b->state, (size_t)a->state_count * sizeof(double)) == 0);
        ck_assert(memcmp(&a->counters, &b->counters, sizeof a->counters) == 0);
    }
    ck_assert_int_gt(failures, 80);
    icl_optimiser_free(a);
    icl_optimiser_free(b);
}

/* Without a search a step may leave the finite numbers after its pair was formed: here a pair of
 * curvature 2^-997. The host gives points and gradients of a path of its own. */
TEST(test_divergence_leaves_no_trace) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.line_search = 0;
    o.rate = 0x1p30;
    o.history = 2;
    icl_optimiser *a = make(&o, 1), *b = make(&o, 1);
    double last = 0;
    for (int k = 1; k < 7; k++) { /* the ring is full after two pairs */
        double far = 0x1p960, g = last * (1 + 0x1p-40);
        if (k > 1) {
            ASSERT_FAILS(context, ICL_ERR_DIVERGED, "icl_optimiser_update",
                         icl_optimiser_update(a, &g, &far));
            ck_assert(far == 0x1p960);
        }
        ck_assert(memcmp(&a->counters, &b->counters, sizeof a->counters) == 0);
        double x = k, twin = k;
        g = last = 4.0 * k + k * k;
        ASSERT_OK(context, icl_optimiser_update(a, &g, &x));
        ASSERT_OK(context, icl_optimiser_update(b, &g, &twin));
        ck_assert(memcmp(&x, &twin, sizeof x) == 0);
    }
    icl_optimiser_free(a);
    icl_optimiser_free(b);
}

/* What a checkpoint must hold is counters and state: a copy goes on with the same bits. */
TEST(test_state_is_complete) {
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_LBFGS; method++)
        for (int search = 0; search < 2; search++) {
            icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
            o.method = (icl_optimiser_method)method;
            o.line_search = search;
            o.fixed_objective = search;
            o.history = 3;
            o.rate = 1e-3;
            o.momentum = 0.9;
            icl_optimiser *a = make(&o, 6), *b = make(&o, 6);
            problem p = {.call = rosenbrock, .count = 6};
            double x[6] = {-1.2, 1, -1.2, 1, -1.2, 1}, y[6];
            for (int t = 0; t < 12; t++)
                ASSERT_OK(context, icl_optimiser_step(a, call, &p, x, NULL));
            ck_assert_int_eq(a->state_count, b->state_count);
            memcpy(b->state, a->state, (size_t)a->state_count * sizeof(double));
            b->counters = a->counters;
            memcpy(y, x, sizeof x);
            for (int t = 0; t < 12; t++) {
                ASSERT_OK(context, icl_optimiser_step(a, call, &p, x, NULL));
                ASSERT_OK(context, icl_optimiser_step(b, call, &p, y, NULL));
                ck_assert(memcmp(x, y, sizeof x) == 0);
            }
            icl_optimiser_free(a);
            icl_optimiser_free(b);
        }
}

RUN_SUITE("lbfgs", test_directions, test_first_steps, test_rounded_curvature, test_moved_point,
          test_clipping, test_drops_bad_memory, test_fixed_objective, test_stall,
          test_failing_callback, test_divergence_leaves_no_trace, test_state_is_complete)
