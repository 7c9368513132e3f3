/* What the tests of the optimisers share: optimisers, objectives. */
#ifndef ICL_TESTS_TEST_OPTIM_H
#define ICL_TESTS_TEST_OPTIM_H

#include "optim/optimiser.h"
#include "support/support.h"

#define TEST(name)                                                                                 \
    static void name##_body(void);                                                                 \
    START_TEST(name) {                                                                             \
        context = make_context(1, ICL_ISA_AUTO);                                                   \
        name##_body();                                                                             \
        icl_context_free(context);                                                                 \
    }                                                                                              \
    END_TEST                                                                                       \
    static void name##_body(void)

static icl_context *context;

static inline icl_optimiser_options options_of(icl_optimiser_method method, double rate) {
    icl_optimiser_options o;
    ck_assert_int_eq(icl_optimiser_options_init(&o, sizeof o), ICL_OK);
    o.method = method;
    o.rate = rate;
    return o;
}

static inline icl_optimiser *make(const icl_optimiser_options *options, int64_t count) {
    icl_optimiser *optimiser;
    ASSERT_OK(context, icl_optimiser_create(context, options, count, &optimiser));
    return optimiser;
}

/* ---- objectives ---- */

enum { MOST = 40 };

typedef struct problem {
    icl_objective_fn call;
    int64_t count;
    double a[MOST * MOST]; /* whatever the objective needs */
    double b[MOST];
    double offset; /* added to the value */
    int64_t calls;
    int64_t outside; /* calls outside the domain */
    int64_t fail_at; /* call, from 1, that fails; 0: none */
} problem;

static inline int call(const double *x, double *value, double *gradient, void *user) {
    problem *p = user;
    int status = p->call(x, value, gradient, user);
    *value += p->offset;
    return ++p->calls == p->fail_at ? 1 : status;
}

/* (1/2) sum_i b_i x_i^2: the value falls to 0 without cancellation. */
static inline int diagonal(const double *x, double *value, double *gradient, void *user) {
    const problem *p = user;
    *value = 0;
    for (int64_t i = 0; i < p->count; i++) {
        gradient[i] = p->b[i] * x[i];
        *value += 0.5 * gradient[i] * x[i];
    }
    return 0;
}

/* (1/2) x^T A x - b^T x: all that rounding can spoil. */
static inline int expanded(const double *x, double *value, double *gradient, void *user) {
    const problem *p = user;
    *value = 0;
    for (int64_t i = 0; i < p->count; i++) {
        double ax = 0;
        for (int64_t j = 0; j < p->count; j++)
            ax += p->a[i * p->count + j] * x[j];
        *value += 0.5 * ax * x[i] - p->b[i] * x[i];
        gradient[i] = ax - p->b[i];
    }
    return 0;
}

static inline int rosenbrock(const double *x, double *value, double *gradient, void *user) {
    const problem *p = user;
    *value = 0;
    for (int64_t i = 0; i < p->count; i++)
        gradient[i] = 0;
    for (int64_t i = 0; i + 1 < p->count; i++) {
        double u = x[i + 1] - x[i] * x[i], v = 1 - x[i];
        *value += 100 * u * u + v * v;
        gradient[i] += -400 * u * x[i] - 2 * v;
        gradient[i + 1] += 200 * u;
    }
    return 0;
}

/* (x y - 1)^2 + (x^2 - y^2)^2 / 4: a saddle at 0, minima at (1, 1) and (-1, -1), value 0 there. */
static inline int product(const double *x, double *value, double *gradient, void *user) {
    (void)user;
    double e = x[0] * x[1] - 1, f = (x[0] - x[1]) * (x[0] + x[1]);
    *value = e * e + 0.25 * f * f;
    gradient[0] = 2 * e * x[1] + f * x[0];
    gradient[1] = 2 * e * x[0] - f * x[1];
    return 0;
}

/* -log(1 - ||x||^2) - 5 x_0, infinite or NaN outside the unit ball; minimum at
 * x_0 = (sqrt(26) - 1) / 5. */
static inline int barrier(const double *x, double *value, double *gradient, void *user) {
    problem *p = user;
    double room = 1;
    for (int64_t i = 0; i < p->count; i++)
        room -= x[i] * x[i];
    p->outside += room <= 0;
    *value = -log(room) - 5 * x[0];
    for (int64_t i = 0; i < p->count; i++)
        gradient[i] = 2 * x[i] / room - (i == 0 ? 5 : 0);
    return 0;
}

/* The same with a finite value and a bad gradient. */
static inline int half_barrier(const double *x, double *value, double *gradient, void *user) {
    barrier(x, value, gradient, user);
    if (isfinite(*value))
        return 0;
    *value = -1e9;
    gradient[0] = NAN;
    return 0;
}

/* b_i = kappa^(-i / (n - 1)) */
static inline problem diagonal_problem(int64_t count, double kappa) {
    problem p = {.call = diagonal, .count = count};
    for (int64_t i = 0; i < count; i++)
        p.b[i] = pow(kappa, count > 1 ? -(double)i / (double)(count - 1) : 0);
    return p;
}

/* A = R^T diag(kappa^(-i / (n - 1))) R, b = A x*. */
static inline problem rotated_problem(int64_t n, double kappa, double *solution) {
    problem p = diagonal_problem(n, kappa);
    double rotation[MOST * MOST];
    ASSERT_OK(context, icl_random_rotation(context, 11, 0, n, rotation));
    fill_normal(context, 12, n, solution);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++)
            for (int64_t k = 0; k < n; k++)
                p.a[i * n + j] += rotation[k * n + i] * p.b[k] * rotation[k * n + j];
    for (int64_t i = 0; i < n; i++) {
        p.b[i] = 0;
        for (int64_t j = 0; j < n; j++)
            p.b[i] += p.a[i * n + j] * solution[j];
    }
    p.call = expanded;
    return p;
}

static inline double dot(int64_t n, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

#endif
