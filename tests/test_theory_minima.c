/* Where descent on the exact loss ends: the global minimum, a spurious one, and the flow of Zhang
 * et al. between. */
#include "test_theory.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

static icl_population *make_population(const icl_law *law) {
    icl_population *population = NULL;
    ASSERT_OK(context, icl_population_create(law, &population));
    return population;
}

static double loss_at(const icl_population *population, const layer_point *p) {
    double loss;
    ASSERT_OK(context, icl_population_evaluate(population, p->u, p->v, p->M, p->r, &loss, NULL,
                                               NULL, NULL, NULL, NULL));
    return loss;
}

typedef struct objective {
    const icl_population *population;
    int64_t d;
} objective;

static int evaluate(const double *x, double *value, double *gradient, void *user) {
    const objective *o = user;
    layer_point p = {.v = 0}, g = {.v = 0};
    int64_t count = o->d * o->d + 2 * o->d + 1;
    for (int64_t i = 0; i < count; i++)
        *coordinate(&p, o->d, i) = x[i];
    if (icl_population_evaluate(o->population, p.u, p.v, p.M, p.r, value, NULL, g.u, &g.v, g.M,
                                g.r) != ICL_OK)
        *value = INFINITY;
    for (int64_t i = 0; i < count; i++)
        gradient[i] = *coordinate(&g, o->d, i);
    return 0;
}

/* L-BFGS until nothing improves; returns the gradient's norm. */
static double descend(const icl_population *population, int64_t d, layer_point *p) {
    double x[MAX_DD + 2 * MAX_D + 1];
    objective o = {population, d};
    int64_t count = d * d + 2 * d + 1;
    icl_optimiser_options options;
    ASSERT_OK(context, icl_optimiser_options_init(&options, sizeof options));
    options.method = ICL_OPTIMISER_LBFGS;
    options.history = 50;
    icl_optimiser *optimiser;
    ASSERT_OK(context, icl_optimiser_create(context, &options, count, &optimiser));
    icl_step_report report = {.stop = ICL_STOP_NONE};
    for (int64_t i = 0; i < count; i++)
        x[i] = *coordinate(p, d, i);
    for (int step = 0; step < 3000 && report.stop == ICL_STOP_NONE; step++)
        ASSERT_OK(context, icl_optimiser_step(optimiser, evaluate, &o, x, &report));
    for (int64_t i = 0; i < count; i++)
        *coordinate(p, d, i) = x[i];
    icl_optimiser_free(optimiser);
    return report.gradient_norm;
}

/* Sigma = diag(100, 100, 1, 1, 1), W = I, n = 20: a minimum with u, r not 0 and loss 86.4 beside
 * the global one of 29.0. */
START_TEST(test_spurious_minimum_of_a_skewed_law) {
    setup_context();
    const double values[5] = {100, 100, 1, 1, 1};
    icl_law_options o = law_options(5, 20, 0);
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o);
    icl_population *population = make_population(law);
    const double losses[2] = {29.0, 86.4};
    for (int i = 0; i < 2; i++) { /* from Zhang's start, from a small Gaussian one */
        layer_point p = random_point(context, 3, 5, 0.01);
        if (i == 0) {
            p = (layer_point){.v = 0.1};
            for (int k = 0; k < 5; k++)
                p.M[6 * k] = 0.1 / sqrt(5);
        }
        double norm = descend(population, 5, &p), loss = loss_at(population, &p), excess;
        ck_assert_double_le(norm, 1e-3);
        ASSERT_CLOSE(loss, losses[i], 0.05, 1);
        ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, NULL, &excess,
                                                   NULL, NULL, NULL, NULL));
        ASSERT_CLOSE(excess, loss - 29.04565, 5e-6, 1);
        ck_assert_int_eq(naive_norm(5, p.u) > 0.01 && naive_norm(5, p.r) > 0.01, i);
        for (uint64_t seed = 0; seed < 500; seed++) { /* a minimum, not a saddle */
            layer_point q = random_point(context, 100 + seed, 5, 1e-3);
            double moved = 0;
            for (int64_t k = 0; k < 36; k++) {
                moved += *coordinate(&q, 5, k) * *coordinate(&q, 5, k);
                *coordinate(&q, 5, k) += *coordinate(&p, 5, k);
            }
            ck_assert_double_ge(loss_at(population, &q), loss - norm * sqrt(moved));
        }
    }
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

/* Zhang et al. 2306.09927: gradient flow from the balanced start conserves v^2 - ||M||^2 and ends
 * at v = tr(G^-2)^(1/4), M = G^-1 / v, G = (1 + 1/n) Sigma + tr Sigma / n I. A small Euler step
 * moves the invariant by O(step) over the whole path. */
START_TEST(test_gradient_flow_of_zhang) {
    setup_context();
    const double values[3] = {1.5, 1, 0.5};
    icl_law_options o = law_options(3, 10, 0);
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o);
    icl_population *population = make_population(law);
    layer_point p = {.v = 0.3}, g;
    for (int k = 0; k < 3; k++)
        p.M[4 * k] = 0.3 / sqrt(3);
    double step = 1e-3, excess = 0;
    for (int t = 0; t < 40000; t++) {
        ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, NULL, &excess,
                                                   g.u, &g.v, g.M, g.r));
        p.v -= step * g.v;
        for (int i = 0; i < 9; i++)
            p.M[i] -= step * g.M[i];
        ck_assert_double_eq(naive_norm(3, g.u) + naive_norm(3, g.r), 0);
    }
    ck_assert_double_le(excess, 1e-20);
    ck_assert_double_le(fabs(p.v * p.v - naive_dot(9, p.M, p.M)), 10 * step);
    double squares = 0;
    for (int k = 0; k < 3; k++)
        squares += pow(1.1 * values[k] + 0.3, -2);
    double v = pow(squares, 0.25);
    ASSERT_CLOSE(p.v, v, 10 * step, v);
    for (int k = 0; k < 3; k++)
        ASSERT_CLOSE(p.v * p.M[4 * k], 1 / (1.1 * values[k] + 0.3), 1e-9, 1);
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

RUN_SUITE("theory_minima", test_spurious_minimum_of_a_skewed_law, test_gradient_flow_of_zhang)
