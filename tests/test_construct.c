/* Constructed weights against the solvers, prompt by prompt and depth by depth. */
#include "support/support.h"

enum { DIM = 4 };

static icl_batch *prompts_of(icl_context *context, int64_t d, int64_t n, const double *spectrum,
                             int64_t count) {
    icl_law_options o;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    o.dim = d;
    o.context = n;
    o.noise = 0.1;
    o.covariance = spectrum != NULL ? ICL_COVARIANCE_SPECTRUM : ICL_COVARIANCE_IDENTITY;
    o.covariance_values = spectrum;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 4, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, count, 3, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_sampler_free(sampler);
    icl_law_free(law);
    return batch;
}

static icl_construct_options options_of(icl_method method, int64_t d, int64_t n, int64_t steps) {
    icl_construct_options o;
    ck_assert_int_eq(icl_construct_options_init(&o, sizeof o), ICL_OK);
    o.method = method;
    o.dim = d;
    o.context = n;
    o.steps = steps;
    return o;
}

static const double B[DIM * DIM] = {1, .2, 0, 0, .2, 2, 0, 0, 0, 0, .5, -.1, 0, 0, -.1, 1};

/* A step that no prompt here diverges with; alpha below 2 / l_max^2. */
static double step_of(icl_method method, int64_t n) {
    double most = 4 * (double)n + 30;
    return method == ICL_METHOD_NEWTON ? 1 / (most * most) : 1 / most;
}

static const icl_method methods[] = {ICL_METHOD_GD, ICL_METHOD_PGD, ICL_METHOD_GD_PLUS_PLUS,
                                     ICL_METHOD_NEWTON};

START_TEST(test_models_are_their_solvers) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t contexts[] = {1, 3, 4, 20};
    for (int i = 0; i < 4; i++)
        for (int m = 0; m < 4; m++)
            for (int64_t k = m == 3 ? 0 : 1; k <= 12; k += k < 4 ? 1 : 8) {
                int64_t n = contexts[i];
                icl_construct_options o = options_of(methods[m], DIM, n, k);
                o.step = step_of(methods[m], n);
                o.gamma = step_of(ICL_METHOD_GD, n) / 3;
                o.preconditioner = B;
                icl_batch *batch = prompts_of(context, DIM, n, NULL, 40);
                icl_construct_report r = {.size = sizeof r};
                ASSERT_OK(context, icl_construct_check(context, &o, batch, &r));
                ck_assert_int_eq(r.skipped, 0);
                ck_assert_msg(r.max_ratio <= 1, "method %d, n = %lld, k = %lld: %g (deviation %g)",
                              (int)methods[m], (long long)n, (long long)k, r.max_ratio,
                              r.max_deviation);
                icl_batch_free(batch);
            }
    icl_context_free(context);
}
END_TEST

/* Every layer of a construction holds the step of that number. */
START_TEST(test_every_depth_is_a_step) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = prompts_of(context, DIM, 12, NULL, 9);
    for (int m = 0; m < 3; m++) {
        icl_construct_options o = options_of(methods[m], DIM, 12, 5);
        icl_model *whole, *shallow;
        icl_solver *solver;
        double path[9 * 6 * DIM], prediction[27];
        o.step = step_of(methods[m], 12);
        o.gamma = o.step / 3;
        o.preconditioner = B;
        ASSERT_OK(context, icl_construct_model(context, &o, &whole));
        ASSERT_OK(context, icl_construct_solver(context, &o, &solver));
        ASSERT_OK(context, icl_solver_path(solver, batch, path, NULL));
        for (int k = 1; k <= 5; k++) {
            ASSERT_OK(context, icl_model_with_layers(whole, k, &shallow));
            ASSERT_OK(context, icl_model_predict(shallow, batch, prediction));
            for (int p = 0; p < 27; p++) {
                double expected = 0;
                for (int j = 0; j < DIM; j++)
                    expected +=
                        path[(p / 3 * 6 + k) * DIM + j] * icl_batch_query(batch)[p * DIM + j];
                ASSERT_CLOSE(prediction[p], expected, TOL_ALGEBRA(12 + 25, 10), 1 + fabs(expected));
            }
            icl_model_free(shallow);
        }
        icl_model_free(whole);
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* Where n < d, and where n = d, rounding doubles with each step; where n is well above d the
 * deviation stays below n eps kappa. The allowance must hold in all three, and not by orders of
 * magnitude more than what is found. */
START_TEST(test_newton_of_many_steps) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t contexts[] = {1, 3, 4, 8, 20}, steps[] = {0, 16, 24, 40};
    for (int i = 0; i < 5; i++) {
        int64_t n = contexts[i];
        icl_batch *batch = prompts_of(context, DIM, n, NULL, 200);
        for (int k = 0; k < 4; k++) {
            icl_construct_options o = options_of(ICL_METHOD_NEWTON, DIM, n, steps[k]);
            icl_construct_report r = {.size = sizeof r};
            o.step = step_of(ICL_METHOD_NEWTON, n);
            ASSERT_OK(context, icl_construct_check(context, &o, batch, &r));
            ck_assert_int_eq(r.skipped, 0);
            ck_assert_double_le(r.max_ratio, 1);
            if (n >= 2 * DIM)
                ck_assert_double_le(r.max_deviation, 16 * (double)(n + (DIM + 1) * (steps[k] + 2)) *
                                                         DBL_EPSILON * r.max_kappa);
            else if (n < DIM && steps[k] > 30)
                ck_assert_double_ge(r.max_deviation, DBL_EPSILON * pow(2, (double)steps[k] - 12));
        }
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* Newton reaches least squares where GD of equal depth has hardly begun: kappa about 10^4. */
START_TEST(test_newton_on_ill_conditioned_prompts) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double spectrum[] = {100, 10, 1, 0.05};
    icl_batch *batch = prompts_of(context, DIM, 30, spectrum, 20);
    icl_construct_options o = options_of(ICL_METHOD_NEWTON, DIM, 30, 40);
    icl_construct_report r = {.size = sizeof r};
    o.step = 1e-8;
    ASSERT_OK(context, icl_construct_check(context, &o, batch, &r));
    ck_assert_double_le(r.max_ratio, 1);
    ck_assert_double_gt(r.max_kappa, 1000);
    icl_model *newton;
    icl_solver *exact;
    icl_solver_options s;
    double prediction[60], least[60];
    ASSERT_OK(context, icl_construct_model(context, &o, &newton));
    ck_assert_int_eq(icl_model_layers(newton), 42);
    ASSERT_OK(context, icl_solver_options_init(&s, sizeof s));
    s.method = ICL_METHOD_LEAST_SQUARES;
    s.dim = DIM;
    ASSERT_OK(context, icl_solver_create(context, &s, &exact));
    ASSERT_OK(context, icl_model_predict(newton, batch, prediction));
    ASSERT_OK(context, icl_solver_predict(exact, batch, least));
    ck_assert_double_le(relative_difference(60, prediction, least), 1e-6);
    icl_model_free(newton);
    icl_solver_free(exact);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_the_check_sees_a_difference) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = prompts_of(context, DIM, 8, NULL, 5);
    icl_construct_options o = options_of(ICL_METHOD_GD, DIM, 8, 3);
    icl_construct_report r = {.size = sizeof r};
    o.step = 1e3; /* far beyond 2 / l_max: rounding grows with the iterates */
    ASSERT_OK(context, icl_construct_check(context, &o, batch, &r));
    ck_assert_double_lt(r.max_deviation, 1e-12);
    o.steps = 300; /* the solver calls that divergence */
    ASSERT_OK(context, icl_construct_check(context, &o, batch, &r));
    ck_assert_int_eq(r.skipped, 5);
    o.context = 9;
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "context 8", icl_construct_check(context, &o, batch, &r));
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

#define REFUSES(status, word, field, value)                                                        \
    do {                                                                                           \
        icl_construct_options refused_ = o;                                                        \
        refused_.field = value;                                                                    \
        model = (icl_model *)&o;                                                                   \
        ASSERT_FAILS(context, status, word, icl_construct_model(context, &refused_, &model));      \
        ck_assert_ptr_null(model);                                                                 \
    } while (0)

START_TEST(test_bad_options) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model *model;
    icl_construct_options o = options_of(ICL_METHOD_GD, DIM, 8, 3);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "step = 0", icl_construct_model(context, &o, &model));
    o.step = 0.1;
    REFUSES(ICL_ERR_ARGUMENT, "method", method, ICL_METHOD_RIDGE);
    REFUSES(ICL_ERR_ARGUMENT, "dim", dim, 0);
    REFUSES(ICL_ERR_ARGUMENT, "context", context, 0);
    REFUSES(ICL_ERR_ARGUMENT, "steps", steps, 0);
    REFUSES(ICL_ERR_ARGUMENT, "steps", steps, 4095);
    REFUSES(ICL_ERR_NONFINITE, "step", step, NAN);
    REFUSES(ICL_ERR_NONFINITE, "overflow", step, 1e308);
    REFUSES(ICL_ERR_ARGUMENT, "gamma", gamma, -1);
    REFUSES(ICL_ERR_ARGUMENT, "preconditioner", method, ICL_METHOD_PGD);
    ck_assert_int_eq(icl_construct_model(NULL, &o, &model), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_construct_model(context, &o, NULL), ICL_ERR_ARGUMENT);
    icl_context_free(context);
}
END_TEST

static icl_status construct_everything(icl_context *context, void *user) {
    icl_method method = *(icl_method *)user;
    icl_batch_options b;
    icl_batch *batch = NULL;
    icl_construct_report r = {.size = sizeof r};
    icl_construct_options o = options_of(method, DIM, 20, 3);
    o.step = 1e-3;
    o.preconditioner = B;
    icl_status status = icl_batch_options_init(&b, sizeof b);
    b.dim = DIM;
    if (status == ICL_OK)
        status = icl_batch_create(context, &b, &batch);
    if (status == ICL_OK)
        status = icl_construct_check(context, &o, batch, &r);
    icl_batch_free(batch);
    return status;
}

START_TEST(test_failing_allocations) {
    for (int m = 0; m < 4; m++)
        check_every_allocation(construct_everything, (void *)&methods[m]);
}
END_TEST

enum { MANY = 30, LONG = 12 };

static void answers_of(icl_context *context, const icl_model *model, const icl_batch *batch,
                       double *answers, double *w) {
    icl_predictor p;
    icl_law_options o;
    icl_law *law;
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    o.dim = DIM;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_model_predictor(model, &p));
    ASSERT_OK(context, icl_predictor_prefixes(&p, batch, answers));
    ASSERT_OK(context, icl_metric_induced_weights(&p, batch, LONG, law, 2 * DIM, 1, w, NULL));
    icl_law_free(law);
}

/* The measures of alignment of von Oswald et al. (2212.07677): a layer of GD is GD in the cosine of
 * its sensitivities (its weights), in their distance and in that of its answers, and half-way
 * between the layers of two steps lies that of their mean. */
START_TEST(test_alignment) {
    static double descent[MANY * (LONG + 1)], answers[MANY * (LONG + 1)], v[MANY * DIM],
        w[MANY * DIM], at_n[MANY * (LONG + 1) * DIM], other[MANY * (LONG + 1) * DIM];
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = prompts_of(context, DIM, LONG, NULL, MANY);
    icl_model *models[2];
    icl_solver *solver;
    icl_estimate e;
    double *outputs[] = {descent};
    const double steps[3] = {0.01, 0.03, 0.02};
    for (int i = 0; i < 3; i++) {
        icl_construct_options o = options_of(ICL_METHOD_GD, DIM, LONG, 1);
        o.step = steps[i];
        if (i < 2)
            ASSERT_OK(context, icl_construct_model(context, &o, &models[i]));
        ASSERT_OK(context, icl_construct_solver(context, &o, &solver));
        double mean[64];
        int64_t count = icl_model_parameter_count(models[0]);
        ck_assert_int_le(count, 64);
        for (int64_t k = 0; i == 2 && k < count; k++)
            mean[k] = (icl_model_parameters(models[0])[k] + icl_model_parameters(models[1])[k]) / 2;
        if (i == 2)
            ASSERT_OK(context, icl_model_set_parameters(models[0], mean));
        answers_of(context, models[i % 2], batch, answers, v);
        const icl_solver *const one[] = {solver};
        ASSERT_OK(context, icl_solver_prefixes(one, 1, batch, NULL, outputs, NULL, NULL));
        ASSERT_OK(context, icl_solver_solve(solver, batch, w, NULL));
        for (int64_t p = 0; p < MANY * DIM; p++) {
            at_n[(p / DIM * (LONG + 1) + LONG) * DIM + p % DIM] = v[p];
            other[(p / DIM * (LONG + 1) + LONG) * DIM + p % DIM] = w[p];
        }
        ASSERT_OK(context, icl_metric_weight_similarity(batch, 1, at_n, 1, other, LONG, &e));
        ASSERT_CLOSE(e.value, 1, TOL_ALGEBRA(LONG, 100), 1);
        ASSERT_OK(context, icl_metric_weight_distance(batch, v, w, &e));
        ck_assert_double_le(sqrt(e.value), TOL_ALGEBRA(LONG, 100));
        ASSERT_OK(context, icl_metric_prediction_distance(batch, answers, descent, LONG, LONG, &e));
        ck_assert_double_le(sqrt(e.value), TOL_ALGEBRA(LONG, 100));
        icl_solver_free(solver);
    }
    icl_model_free(models[0]);
    icl_model_free(models[1]);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("construct", test_models_are_their_solvers, test_every_depth_is_a_step, test_alignment,
          test_newton_of_many_steps, test_newton_on_ill_conditioned_prompts,
          test_the_check_sees_a_difference, test_bad_options, test_failing_allocations)
