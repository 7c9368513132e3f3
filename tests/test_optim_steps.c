/* The first-order methods against closed forms and a naive version, schedules, clipping. Numbers
 * that are dyadic are compared to the bit. */
#include "test_optim.h"

/* ---- closed forms ---- */

/* Two updates of one parameter from x with the gradients g1, g2. */
static void two_updates(const icl_optimiser_options *o, double g1, double g2, double x,
                        double result[2]) {
    icl_optimiser *optimiser = make(o, 1);
    ASSERT_OK(context, icl_optimiser_update(optimiser, &g1, &x));
    result[0] = x;
    ASSERT_OK(context, icl_optimiser_update(optimiser, &g2, &x));
    result[1] = x;
    ck_assert_int_eq(icl_optimiser_steps(optimiser), 2);
    icl_optimiser_free(optimiser);
}

TEST(test_gd_steps) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 0.25);
    double x[2];
    two_updates(&o, 2, -8, 1, x);
    ck_assert(x[0] == 0.5 && x[1] == 2.5);
}

TEST(test_sgd_steps) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_SGD, 0.5);
    double x[2];
    two_updates(&o, 2, 4, 1, x); /* plain: 1 - 1, 0 - 2 */
    ck_assert(x[0] == 0 && x[1] == -2);
    o.momentum = 0.5;
    two_updates(&o, 2, 4, 1, x); /* m = 2, then 1 + 4 */
    ck_assert(x[0] == 0 && x[1] == -2.5);
    o.dampening = 0.25; /* m = 2: the first is not dampened; then 1 + 0.75 * 4 */
    two_updates(&o, 2, 4, 1, x);
    ck_assert(x[0] == 0 && x[1] == -2);
    o.dampening = 0;
    o.nesterov = 1; /* steps 2 + 0.5 * 2, then 4 + 0.5 * 5 */
    two_updates(&o, 2, 4, 1, x);
    ck_assert(x[0] == -0.5 && x[1] == -3.75);
    o.nesterov = 0;
    o.weight_decay = 0.5; /* gradients 2.5, then 4 - 0.125; m = 2.5, 1.25 + 3.875 */
    two_updates(&o, 2, 4, 1, x);
    ck_assert(x[0] == -0.25 && x[1] == -0.25 - 0.5 * 5.125);
}

/* The first step of Adam is l g / (|g| + eps), whatever the betas. */
TEST(test_adam_steps) {
    const double gradients[] = {1, -3, 1e-8, 1e-3, -1e30, 1e-160};
    double x[2];
    icl_optimiser_options o = options_of(ICL_OPTIMISER_ADAM, 0.125);
    for (size_t k = 0; k < sizeof gradients / sizeof *gradients; k++) {
        double g = gradients[k];
        two_updates(&o, g, g, 0, x);
        ASSERT_CLOSE(x[0], -0.125 * g / (fabs(g) + 1e-8), TOL_ALGEBRA(1, 1), fabs(x[0]));
        /* equal gradients: the corrected moments stay g and g^2 */
        ASSERT_CLOSE(x[1], 2 * x[0], TOL_ALGEBRA(1, 1000), fabs(x[0])); /* 1 - b2^2 cancels */
    }
    /* eps outside the root: g = eps moves half a rate, not 1 / sqrt(1 + 1/eps) */
    two_updates(&o, 1e-8, 1e-8, 0, x);
    ASSERT_CLOSE(x[0], -0.0625, TOL_ALGEBRA(1, 1), 0.0625);
    /* b1 = 1/2, b2 = 3/4, eps = 0, g = 1 then 3: m = 1/2, 7/4, corrected 7/3;
     * v = 1/4, 39/16, corrected 39/7 */
    o.beta1 = 0.5;
    o.beta2 = 0.75;
    o.epsilon = 0;
    two_updates(&o, 1, 3, 0, x);
    ck_assert(x[0] == -0.125);
    ASSERT_CLOSE(x[1], -0.125 - 0.125 * (7.0 / 3) / sqrt(39.0 / 7), TOL_ALGEBRA(1, 1), 1);
    /* no memory at all: sign descent */
    o.beta1 = o.beta2 = 0;
    two_updates(&o, -5, 0.25, 0, x);
    ck_assert(x[0] == 0.125 && x[1] == 0);
    /* no gradient, no memory, no epsilon: no step, not 0 / 0 */
    two_updates(&o, 0, 0, 2, x);
    ck_assert(x[0] == 2 && x[1] == 2);
}

/* Adam puts decay into the gradient, so that its size cannot matter; AdamW shrinks x by it. */
TEST(test_decoupled_decay) {
    double x[2];
    icl_optimiser_options o = options_of(ICL_OPTIMISER_ADAM, 0.125);
    o.weight_decay = 0.5;
    o.epsilon = 0;
    two_updates(&o, 0, 0, 4, x);
    ASSERT_CLOSE(x[0], 3.875, TOL_ALGEBRA(1, 1), 4);
    o.method = ICL_OPTIMISER_ADAMW;
    two_updates(&o, 0, 0, 4, x);
    ck_assert(x[0] == 3.75 && x[1] == 3.75 - 3.75 / 16);
    two_updates(&o, 2, 2, 4, x); /* the decay is of x before the step */
    ASSERT_CLOSE(x[0], 3.75 - 0.125, TOL_ALGEBRA(1, 1), 4);
    ASSERT_CLOSE(x[1], x[0] - x[0] / 16 - 0.125, TOL_ALGEBRA(1, 1000), 4);
}

/* x_t = prod (1 - l h) x_0 for gradient descent on a quadratic. */
TEST(test_gd_on_quadratic) {
    enum { STEPS = 40 };
    double x[3] = {1, 1, 1};
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 0.5);
    icl_optimiser *optimiser = make(&o, 3);
    problem p = {.call = diagonal, .count = 3, .b = {1, 0.5, 0.0625}};
    icl_step_report report;
    for (int t = 0; t < STEPS; t++) {
        double value = 0.5 * (x[0] * x[0] + 0.5 * x[1] * x[1] + 0.0625 * x[2] * x[2]);
        double norm = hypot(hypot(x[0], 0.5 * x[1]), 0.0625 * x[2]);
        ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, &report));
        ASSERT_CLOSE(report.value, value, TOL_ALGEBRA(3, 1), value);
        ASSERT_CLOSE(report.gradient_norm, norm, TOL_ALGEBRA(3, 1), norm);
        ck_assert(report.rate == 0.5 && report.evaluations == 1 && report.stop == ICL_STOP_NONE);
    }
    for (int i = 0; i < 3; i++)
        ASSERT_CLOSE(x[i], pow(1 - 0.5 * p.b[i], STEPS), TOL_ALGEBRA(STEPS, 1), x[i]);
    icl_optimiser_free(optimiser);
}

/* ---- the naive version: one parameter at a time, written from torch's documentation ---- */

enum { NAIVE_STEPS = 50, NAIVE_COUNT = 7 };

typedef struct naive {
    double m, v;
} naive;

static double naive_step(const icl_optimiser_options *o, int t, double rate, double g, double x,
                         naive *s) {
    if (o->method == ICL_OPTIMISER_GD)
        return x - rate * g;
    if (o->method == ICL_OPTIMISER_ADAMW)
        x = x * (1 - rate * o->weight_decay);
    else
        g = g + o->weight_decay * x;
    if (o->method == ICL_OPTIMISER_SGD) {
        if (o->momentum != 0) {
            s->m = t > 1 ? o->momentum * s->m + (1 - o->dampening) * g : g;
            g = o->nesterov ? g + o->momentum * s->m : s->m;
        }
        return x - rate * g;
    }
    s->m = s->m + (g - s->m) * (1 - o->beta1);
    s->v = o->beta2 * s->v + (1 - o->beta2) * g * g;
    double step = rate / (1 - pow(o->beta1, t));
    double denominator = sqrt(s->v) / sqrt(1 - pow(o->beta2, t)) + o->epsilon;
    return x - step * (s->m / denominator);
}

static void compare_with_naive(const icl_optimiser_options *o) {
    double gradients[NAIVE_STEPS * NAIVE_COUNT], x[NAIVE_COUNT], expected[NAIVE_COUNT];
    naive memory[NAIVE_COUNT] = {{0, 0}};
    fill_normal(context, 31, NAIVE_STEPS * NAIVE_COUNT, gradients);
    fill_normal(context, 32, NAIVE_COUNT, x);
    memcpy(expected, x, sizeof x);
    icl_optimiser *optimiser = make(o, NAIVE_COUNT);
    for (int t = 1; t <= NAIVE_STEPS; t++) {
        const double *g = gradients + (t - 1) * NAIVE_COUNT;
        double rate = icl_optimiser_rate(optimiser, t);
        ASSERT_OK(context, icl_optimiser_update(optimiser, g, x));
        for (int i = 0; i < NAIVE_COUNT; i++)
            expected[i] = naive_step(o, t, rate, g[i], expected[i], &memory[i]);
    }
    icl_optimiser_free(optimiser);
    double size = fmax(1, o->rate * NAIVE_STEPS);
    for (int i = 0; i < NAIVE_COUNT; i++)
        ASSERT_CLOSE(x[i], expected[i], TOL_ALGEBRA(NAIVE_STEPS, 1), size);
}

TEST(test_against_naive) {
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_ADAMW; method++)
        for (int k = 0; k < 8; k++) {
            icl_optimiser_options o = options_of((icl_optimiser_method)method, 0.05);
            o.weight_decay = k & 1 ? 0.1 : 0;
            o.momentum = k & 2 ? 0.9 : 0;
            o.beta1 = k & 2 ? 0.5 : 0.9;
            o.beta2 = k & 4 ? 0.95 : 0.999;
            o.nesterov = (k & 6) == 6;
            o.dampening = (k & 6) == 2 ? 0.3 : 0;
            o.schedule = k & 1 ? ICL_SCHEDULE_COSINE : ICL_SCHEDULE_HALVING;
            o.period = 20;
            o.warmup = k;
            compare_with_naive(&o);
        }
}

/* ---- schedules ---- */

static double rate_at(const icl_optimiser_options *o, int64_t step) {
    icl_optimiser *optimiser = make(o, 1);
    double rate = icl_optimiser_rate(optimiser, step);
    icl_optimiser_free(optimiser);
    return rate;
}

TEST(test_schedules) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 0.5);
    ck_assert(rate_at(&o, 1) == 0.5 && rate_at(&o, INT64_MAX) == 0.5);
    o.schedule = ICL_SCHEDULE_HALVING;
    o.period = 10;
    ck_assert(rate_at(&o, 1) == 0.5 && rate_at(&o, 10) == 0.5);
    ck_assert(rate_at(&o, 11) == 0.25 && rate_at(&o, 20) == 0.25 && rate_at(&o, 21) == 0.125);
    ck_assert(rate_at(&o, INT64_MAX) == 0);
    o.schedule = ICL_SCHEDULE_COSINE;
    o.period = 12;
    o.floor = 0.1;
    ck_assert(rate_at(&o, 1) == 0.5);
    ck_assert(rate_at(&o, 13) == 0.1 && rate_at(&o, 14) == 0.1 && rate_at(&o, INT64_MAX) == 0.1);
    ASSERT_CLOSE(rate_at(&o, 5), 0.1 + 0.4 * 0.75, TOL_ALGEBRA(1, 1), 1);
    ASSERT_CLOSE(rate_at(&o, 7), 0.1 + 0.4 * 0.5, TOL_ALGEBRA(1, 1), 1);
    ASSERT_CLOSE(rate_at(&o, 9), 0.1 + 0.4 * 0.25, TOL_ALGEBRA(1, 1), 1);
    o.floor = o.rate;
    ASSERT_CLOSE(rate_at(&o, 6), 0.5, TOL_ALGEBRA(1, 1), 1);
}

TEST(test_warmup) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 0.5);
    o.warmup = 4;
    ck_assert(rate_at(&o, 1) == 0.125 && rate_at(&o, 2) == 0.25 && rate_at(&o, 4) == 0.5);
    ck_assert(rate_at(&o, 5) == 0.5 && rate_at(&o, 99) == 0.5);
    o.schedule = ICL_SCHEDULE_HALVING;
    o.period = 3;
    ck_assert(rate_at(&o, 3) == 0.375 && rate_at(&o, 5) == 0.5 && rate_at(&o, 7) == 0.5);
    ck_assert(rate_at(&o, 8) == 0.25);
    o.schedule = ICL_SCHEDULE_COSINE;
    ck_assert(rate_at(&o, 5) == 0.5 && rate_at(&o, 8) == 0);
    o.warmup = INT64_MAX;
    ck_assert(rate_at(&o, INT64_MAX) == 0.5);
}

/* The steps take these rates, in this order. */
TEST(test_schedule_is_used) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 1);
    o.schedule = ICL_SCHEDULE_HALVING;
    o.period = 2;
    o.warmup = 2;
    icl_optimiser *optimiser = make(&o, 1);
    const double g = 1;
    const double expected[] = {-0.5, -1.5, -2.5, -3.5, -4, -4.5, -4.75};
    double x = 0;
    for (int t = 0; t < 7; t++) {
        ASSERT_OK(context, icl_optimiser_update(optimiser, &g, &x));
        ck_assert(x == expected[t]);
    }
    ASSERT_OK(context, icl_optimiser_reset(optimiser));
    x = 0;
    ASSERT_OK(context, icl_optimiser_update(optimiser, &g, &x));
    ck_assert(x == -0.5);
    icl_optimiser_free(optimiser);
}

/* ---- clipping ---- */

/* The clipped gradient, seen as one step of rate 1 from 0. */
static void clipped(icl_optimiser_options o, int64_t count, const double *g, double *out) {
    icl_optimiser *optimiser = make(&o, count);
    for (int64_t i = 0; i < count; i++)
        out[i] = 0;
    ASSERT_OK(context, icl_optimiser_update(optimiser, g, out));
    for (int64_t i = 0; i < count; i++)
        out[i] = -out[i];
    icl_optimiser_free(optimiser);
}

static void expect(int64_t count, const double *got, const double *wanted) {
    for (int64_t i = 0; i < count; i++)
        ASSERT_CLOSE(got[i], wanted[i], TOL_ALGEBRA(1, 1), fabs(wanted[i]));
}

TEST(test_clipping) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 1);
    const int64_t ends[3] = {2, 3, 5};
    const double g[5] = {3, -4, 0.5, 6, 8};
    double out[5];
    o.clip_block = 2;
    o.blocks = 3;
    o.block_ends = ends;
    clipped(o, 5, g, out);
    expect(5, out, (double[]){1.2, -1.6, 0.5, 1.2, 1.6}); /* the middle one is short enough */
    o.clip_global = 1;                                    /* of what is left, of norm sqrt(8.25) */
    const double c = 1 / sqrt(8.25);
    clipped(o, 5, g, out);
    expect(5, out, (double[]){1.2 * c, -1.6 * c, 0.5 * c, 1.2 * c, 1.6 * c});
    o.clip_block = 0;
    o.clip_global = sqrt(125.25) / 2;
    clipped(o, 5, g, out);
    expect(5, out, (double[]){1.5, -2, 0.25, 3, 4});
    o.clip_global = 12; /* above the norm 11.2: untouched */
    clipped(o, 5, g, out);
    ck_assert(memcmp(out, g, sizeof g) == 0);
    o.clip_global = 0;
    o.blocks = 0; /* the whole vector is one block */
    o.clip_block = sqrt(125.25) / 2;
    clipped(o, 5, g, out);
    expect(5, out, (double[]){1.5, -2, 0.25, 3, 4});
}

TEST(test_clipping_of_extremes) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 1);
    double out[4];
    o.clip_global = 1;
    clipped(o, 2, (double[]){3e200, -4e200}, out);
    expect(2, out, (double[]){0.6, -0.8});
    clipped(o, 4, (double[]){DBL_MAX, DBL_MAX, -DBL_MAX, DBL_MAX}, out); /* the norm overflows */
    expect(4, out, (double[]){0.5, 0.5, -0.5, 0.5});
    clipped(o, 2, (double[]){0, 0}, out);
    ck_assert(out[0] == 0 && out[1] == 0);
    o.clip_global = 1e-200;
    clipped(o, 2, (double[]){3e-180, -4e-180}, out); /* the squares underflow */
    expect(2, out, (double[]){6e-201, -8e-201});
}

/* The report says the norm before clipping; the caller's ends are copied. */
TEST(test_clipping_in_step) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 1);
    int64_t ends[2] = {1, 2};
    o.clip_block = 1;
    o.blocks = 2;
    o.block_ends = ends;
    icl_optimiser *optimiser = make(&o, 2);
    ends[0] = ends[1] = -1;
    double x[2] = {3, 4};
    problem p = {.call = diagonal, .count = 2, .b = {1, 1}};
    icl_step_report report;
    ASSERT_OK(context, icl_optimiser_step(optimiser, call, &p, x, &report));
    ck_assert(report.gradient_norm == 5 && x[0] == 2 && x[1] == 3);
    icl_optimiser_free(optimiser);
}

/* ---- sums ---- */

TEST(test_vector_sums) {
    double a[40], b[40];
    fill_normal(context, 5, 40, a);
    fill_normal(context, 6, 40, b);
    for (int64_t n = 0; n <= 40; n++) {
        double dot = 0, square = 0, size = 0, one = 0;
        for (int64_t i = 0; i < n; i++) {
            dot += a[i] * b[i];
            size += fabs(a[i] * b[i]);
            square += a[i] * a[i];
            one += fabs(a[i]);
        }
        ASSERT_CLOSE(icl_vector_dot(n, a, b), dot, TOL_ALGEBRA(n, 1), size);
        ASSERT_CLOSE(icl_vector_norm(n, a), sqrt(square), TOL_ALGEBRA(n, 1), sqrt(square));
        ASSERT_CLOSE(icl_vector_norm1(n, a), one, TOL_ALGEBRA(n, 1), one);
        for (int e = -1000; e <= 1000; e += 500) { /* a power of two changes no digit */
            for (int64_t i = 0; i < n; i++)
                b[i] = ldexp(a[i], e);
            ASSERT_CLOSE(ldexp(icl_vector_norm(n, b), -e), sqrt(square), TOL_ALGEBRA(n, 1),
                         sqrt(square));
        }
        fill_normal(context, 6, 40, b);
    }
    const double denormal[2] = {3 * 4.9406564584124654e-324, 4 * 4.9406564584124654e-324};
    ck_assert(icl_vector_norm(2, denormal) == 5 * 4.9406564584124654e-324);
    ck_assert(isinf(icl_vector_norm(2, (double[]){1, INFINITY})));
}

RUN_SUITE("optim_steps", test_gd_steps, test_sgd_steps, test_adam_steps, test_decoupled_decay,
          test_gd_on_quadratic, test_against_naive, test_schedules, test_warmup,
          test_schedule_is_used, test_clipping, test_clipping_of_extremes, test_clipping_in_step,
          test_vector_sums)
