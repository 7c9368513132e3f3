/* Zhang, Frei, Bartlett (2306.09927): gradient flow on the exact loss from the balanced start keeps
 * v^2 - ||M||_F^2 and converges to v = (tr G^-2)^(1/4), M = (tr G^-2)^(-1/4) G^-1 with
 * G = (1 + 1/n) Lambda + (tr Lambda / n) I, the inverse of Gamma*. */
#include "support/support.h"

enum { D = 3, N = 1 + D * D };

/* x = (v, M); out = -gradient of the loss at u = r = 0. */
static void slope(const icl_population *population, const double *x, double *out) {
    const double zero[D] = {0};
    double gu[D], gr[D];
    ck_assert_int_eq(icl_population_evaluate(population, zero, x[0], x + 1, zero, NULL, NULL, gu,
                                             out, out + 1, gr),
                     ICL_OK);
    /* the other directions are flat there: the flow never leaves u = r = 0 */
    for (int i = 0; i < D; i++)
        ck_assert(fabs(gu[i]) + fabs(gr[i]) < 1e-13);
    for (int i = 0; i < N; i++)
        out[i] = -out[i];
}

/* One step of the classical Runge-Kutta method. */
static void flow(const icl_population *population, double h, double *x) {
    double k[4][N], y[N];
    const double at[4] = {0, 0.5, 0.5, 1}, weight[4] = {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6};
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < N; i++)
            y[i] = x[i] + (stage > 0 ? h * at[stage] * k[stage - 1][i] : 0);
        slope(population, y, k[stage]);
    }
    for (int stage = 0; stage < 4; stage++)
        for (int i = 0; i < N; i++)
            x[i] += h * weight[stage] * k[stage][i];
}

static double conserved(const double *x) {
    double sum = x[0] * x[0];
    for (int i = 1; i < N; i++)
        sum -= x[i] * x[i];
    return sum;
}

static void check_flow(icl_context *context, double imbalance) {
    const double lambda[D] = {2, 1, 0.5};
    icl_law_options o;
    icl_law *law;
    icl_population *population;
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    o.dim = D;
    o.context = 10;
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = lambda;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_population_create(law, &population));
    icl_model_options mo;
    icl_model *model;
    ASSERT_OK(context, icl_model_options_init(&mo, sizeof mo));
    mo.dim = D;
    mo.init_scale = 0.1;
    ASSERT_OK(context, icl_model_create(context, &mo, &model));
    double x[N];
    ASSERT_OK(context, icl_model_effective(model, NULL, x, x + 1, NULL));
    x[0] += imbalance;
    /* h is far below 2 / (largest curvature, about 30); the method's error is h^5 a step */
    const double start = conserved(x), h = 0.005;
    for (int step = 0; step < 20000; step++) {
        flow(population, h, x);
        ASSERT_CLOSE(conserved(x), start, 1e-8, 1);
    }
    double inverse[D], norm2 = 0;
    for (int i = 0; i < D; i++) {
        inverse[i] = 1 / (1.1 * lambda[i] + 0.35);
        norm2 += inverse[i] * inverse[i];
    }
    /* v M = G^-1 with v^2 = ||M||^2 + start */
    double v = sqrt(start / 2 + sqrt(start * start / 4 + norm2));
    ASSERT_CLOSE(x[0], v, 1e-8, 1);
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            ASSERT_CLOSE(x[1 + D * i + j], (i == j) * inverse[i] / v, 1e-8, 1);
    icl_model_free(model);
    icl_population_free(population);
    icl_law_free(law);
}

START_TEST(test_balanced_flow_reaches_the_limits) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    check_flow(context, 0);
    icl_context_free(context);
}
END_TEST

START_TEST(test_imbalance_is_conserved_too) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    check_flow(context, 0.2);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("gradient_flow", test_balanced_flow_reaches_the_limits, test_imbalance_is_conserved_too)
