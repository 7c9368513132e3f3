/* The risk of predictors: the definition recomputed on one big batch, closed forms of the field
 * (PAPERS: the zero predictor, one step of gradient descent), and predictors that misbehave.
 */
#include "support/support.h"

enum { DIM = 5, N = 10 };

static icl_sampler *sampler_of(icl_context *context, icl_labels labels, double noise) {
    icl_law_options o;
    icl_law *law;
    icl_sampler *sampler;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = DIM;
    o.context = N;
    o.noise = noise;
    o.labels = labels;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 3, &sampler));
    icl_law_free(law);
    return sampler;
}

/* ---- predictors of the test's own ---- */

static icl_status predict_constant(const void *self, const icl_batch *batch, double *prediction) {
    int64_t count = icl_batch_prompts(batch) * icl_batch_queries(batch);
    for (int64_t i = 0; i < count; i++)
        prediction[i] = *(const double *)self;
    return ICL_OK;
}

/* x_q . eta n b: one step of gradient descent */
static icl_status predict_step(const void *self, const icl_batch *batch, double *prediction) {
    double eta = *(const double *)self, n = (double)icl_batch_context(batch);
    int64_t d = icl_batch_dim(batch), q = icl_batch_queries(batch);
    for (int64_t i = 0; i < icl_batch_prompts(batch) * q; i++) {
        prediction[i] = 0;
        for (int64_t j = 0; j < d; j++)
            prediction[i] +=
                eta * n * icl_batch_b(batch)[i / q * d + j] * icl_batch_query(batch)[i * d + j];
    }
    return ICL_OK;
}

static icl_status predict_status(const void *self, const icl_batch *batch, double *prediction) {
    (void)batch;
    (void)prediction;
    return *(const icl_status *)self;
}

/* Answers all queries but the last one of the batch. */
static icl_status predict_short(const void *self, const icl_batch *batch, double *prediction) {
    (void)self;
    int64_t count = icl_batch_prompts(batch) * icl_batch_queries(batch) - 1;
    for (int64_t i = 0; i < count; i++)
        prediction[i] = 0;
    return ICL_OK;
}

static const double zero = 0;

static icl_predictor constant(const double *value) {
    return (icl_predictor){.predict = predict_constant, .self = value};
}

/* ---- what it computes ---- */

START_TEST(test_risk_is_the_mean_of_its_definition) {
    /* several chunks and a rest, several queries; recomputed in two passes over one batch */
    enum { B = 2500, Q = 3 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0.25);
    const double eta = 0.05, half = 0.5;
    const icl_predictor predictors[] = {
        constant(&zero), {.predict = predict_step, .self = &eta}, constant(&half)};
    icl_estimate risks[3];
    ASSERT_OK(context, icl_predictor_risk(predictors, 3, sampler, 17, B, Q, risks));
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_batch(sampler, B, Q, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 17, batch));
    for (int k = 0; k < 3; k++) {
        static double prediction[B * Q], error[B];
        double mean = 0, squares = 0;
        predictors[k].predict(predictors[k].self, batch, prediction);
        for (int p = 0; p < B; p++) {
            error[p] = 0;
            for (int j = p * Q; j < (p + 1) * Q; j++)
                error[p] += pow(prediction[j] - icl_batch_target(batch)[j], 2) / Q;
            mean += error[p] / B;
        }
        for (int p = 0; p < B; p++)
            squares += pow(error[p] - mean, 2);
        double deviation = sqrt(squares / (B - 1) / B);
        ASSERT_CLOSE(risks[k].value, mean, TOL_ALGEBRA(B, 1), mean);
        ASSERT_CLOSE(risks[k].standard_error, deviation, TOL_ALGEBRA(B, 1), deviation);
    }
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

START_TEST(test_large_prompts_come_in_shorter_chunks_with_the_same_result) {
    /* n = 20000: chunks of 35 prompts */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *base = sampler_of(context, ICL_LABELS_LINEAR, 0), *sampler;
    icl_law *law;
    ASSERT_OK(context, icl_law_with(icl_sampler_law(base), 20000, 0, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 3, &sampler));
    icl_predictor predictor = constant(&zero);
    icl_estimate wide, narrow;
    ASSERT_OK(context, icl_predictor_risk(&predictor, 1, sampler, 0, 80, 1, &wide));
    /* queries do not depend on n */
    ASSERT_OK(context, icl_predictor_risk(&predictor, 1, base, 0, 80, 1, &narrow));
    ck_assert(wide.value == narrow.value && wide.standard_error == narrow.standard_error);
    icl_sampler_free(sampler);
    icl_law_free(law);
    icl_sampler_free(base);
    icl_context_free(context);
}
END_TEST

START_TEST(test_closed_forms_within_their_errors) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int noisy = 0; noisy < 2; noisy++) {
        double s2 = noisy ? 0.25 : 0, d = DIM, n = N, best = 1 / (n + d + 1 + s2), average = 1 / n;
        icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, s2);
        const icl_predictor predictors[] = {constant(&zero),
                                            {.predict = predict_step, .self = &best},
                                            {.predict = predict_step, .self = &average}};
        const double expected[] = {d + s2, s2 + d * (d + 1 + s2) * best, s2 + d * (d + 1 + s2) / n};
        icl_estimate risks[3];
        ASSERT_OK(context, icl_predictor_risk(predictors, 3, sampler, 0, 40000, 2, risks));
        for (int k = 0; k < 3; k++) {
            ASSERT_CLOSE(risks[k].value, expected[k], TOL_Z, risks[k].standard_error);
            ck_assert(risks[k].standard_error < 0.03 * expected[k]);
        }
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_solvers_rank_as_theory_says) {
    /* on the same prompts Bayes = ridge(sigma^2) beats one step, which beats nothing; with GD of
     * one step eta the closed form again, through a solver */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 1);
    const icl_method methods[] = {ICL_METHOD_BAYES, ICL_METHOD_RIDGE, ICL_METHOD_LEAST_SQUARES,
                                  ICL_METHOD_GD};
    icl_solver *solvers[4];
    icl_predictor predictors[4];
    icl_estimate risks[4];
    for (int k = 0; k < 4; k++) {
        icl_solver_options o;
        ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
        o.method = methods[k];
        o.ridge = 1;
        o.step = 1.0 / (N + DIM + 2);
        o.law = icl_sampler_law(sampler);
        ASSERT_OK(context, icl_solver_create(context, &o, &solvers[k]));
        ASSERT_OK(context, icl_solver_predictor(solvers[k], &predictors[k]));
    }
    ASSERT_OK(context, icl_predictor_risk(predictors, 4, sampler, 0, 20000, 1, risks));
    ASSERT_CLOSE(risks[0].value, risks[1].value, TOL_ALGEBRA(N, 1000), risks[1].value);
    ASSERT_CLOSE(risks[3].value, 1 + DIM * (DIM + 2.0) / (N + DIM + 2), TOL_Z,
                 risks[3].standard_error);
    /* noisy least squares: 1 + d / (n - d - 1) */
    ASSERT_CLOSE(risks[2].value, 1 + 5.0 / 4, TOL_Z, risks[2].standard_error);
    ck_assert(risks[0].value < risks[2].value && risks[0].value < risks[3].value);
    for (int k = 0; k < 4; k++)
        icl_solver_free(solvers[k]);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

START_TEST(test_predictors_see_the_same_prompts) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0.25);
    const double eta = 0.05;
    const icl_predictor predictors[] = {{.predict = predict_step, .self = &eta},
                                        constant(&zero),
                                        {.predict = predict_step, .self = &eta}};
    icl_estimate together[3], alone;
    ASSERT_OK(context, icl_predictor_risk(predictors, 3, sampler, 0, 1500, 1, together));
    ASSERT_OK(context, icl_predictor_risk(predictors, 1, sampler, 0, 1500, 1, &alone));
    ck_assert(together[0].value == together[2].value && together[0].value == alone.value);
    ck_assert(together[0].standard_error == alone.standard_error);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

START_TEST(test_any_number_of_threads_gives_equal_bits) {
    icl_estimate first = {0, 0}, risk;
    const int64_t threads[] = {1, 2, 3, 7};
    for (int t = 0; t < 4; t++) {
        icl_context *context = make_context(threads[t], ICL_ISA_AUTO);
        icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0.25);
        icl_solver_options o;
        icl_solver *solver;
        icl_predictor predictor;
        ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
        o.method = ICL_METHOD_RIDGE;
        o.ridge = 0.25;
        ASSERT_OK(context, icl_solver_create(context, &o, &solver));
        ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
        ASSERT_OK(context, icl_predictor_risk(&predictor, 1, sampler, 0, 2100, 2, &risk));
        if (t == 0)
            first = risk;
        ck_assert(risk.value == first.value && risk.standard_error == first.standard_error);
        icl_solver_free(solver);
        icl_sampler_free(sampler);
        icl_context_free(context);
    }
}
END_TEST

START_TEST(test_every_law_of_labels) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_predictor predictor = constant(&zero);
    /* E f^2: d for linear, 1/2 for ReLU, 15 for the cube, d for the net */
    const icl_labels labels[] = {ICL_LABELS_LINEAR, ICL_LABELS_RELU, ICL_LABELS_CUBIC,
                                 ICL_LABELS_NET};
    const double expected[] = {DIM, 0.5, 15, DIM};
    for (int k = 0; k < 4; k++) {
        icl_sampler *sampler = sampler_of(context, labels[k], 0);
        icl_estimate risk;
        ASSERT_OK(context, icl_predictor_risk(&predictor, 1, sampler, 0, 20000, 1, &risk));
        ASSERT_CLOSE(risk.value, expected[k], TOL_Z, risk.standard_error);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_two_prompts_are_enough) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0.25);
    const int64_t last = (INT64_C(1) << 62) - 2;
    icl_predictor predictor = constant(&zero);
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_batch(sampler, 2, 1, ICL_CONTENTS_ALL, &batch));
    for (int end = 0; end < 2; end++) {
        icl_estimate risk;
        ASSERT_OK(context, icl_predictor_risk(&predictor, 1, sampler, end ? last : 0, 2, 1, &risk));
        ASSERT_OK(context, icl_sampler_draw(sampler, end ? last : 0, batch));
        double a = pow(icl_batch_target(batch)[0], 2), b = pow(icl_batch_target(batch)[1], 2);
        ASSERT_CLOSE(risk.value, (a + b) / 2, TOL_ALGEBRA(2, 1), a + b);
        ASSERT_CLOSE(risk.standard_error, fabs(a - b) / 2, TOL_ALGEBRA(2, 1), a + b);
    }
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* ---- predictors and callers that misbehave ---- */

/* Fails, and leaves the outputs alone. */
#define REFUSES(expected, word, ...)                                                               \
    do {                                                                                           \
        risks[0] = risks[1] = (icl_estimate){7, 8};                                                \
        ASSERT_FAILS(context, expected, word, icl_predictor_risk(__VA_ARGS__));                    \
        for (int r_ = 0; r_ < 2; r_++)                                                             \
            ck_assert(risks[r_].value == 7 && risks[r_].standard_error == 8);                      \
    } while (0)

START_TEST(test_a_failing_predictor_ends_the_call_with_its_status) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0);
    icl_estimate risks[2];
    for (int s = 1; s <= 14; s++) {
        icl_status status = (icl_status)s;
        const icl_predictor predictors[] = {constant(&zero),
                                            {.predict = predict_status, .self = &status}};
        REFUSES(status, "predictors[1]", predictors, 2, sampler, 0, 100, 1, risks);
    }
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

START_TEST(test_answers_that_are_no_numbers) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0);
    icl_estimate risks[2];
    const double bad[] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++) {
        const icl_predictor predictors[] = {constant(&zero), constant(&bad[k])};
        REFUSES(ICL_ERR_CALLBACK, "query 0 of prompt 40", predictors, 2, sampler, 40, 100, 1,
                risks);
    }
    /* an answer left out is seen, even where an earlier predictor gave one */
    const icl_predictor forgetful[] = {constant(&zero), {.predict = predict_short}};
    REFUSES(ICL_ERR_CALLBACK, "query 1 of prompt 99", forgetful, 2, sampler, 0, 100, 2, risks);
    const double huge = 1e200;
    const icl_predictor wild[] = {constant(&zero), constant(&huge)};
    REFUSES(ICL_ERR_CALLBACK, "overflow", wild, 2, sampler, 0, 100, 1, risks);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

START_TEST(test_bad_arguments_are_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0);
    icl_estimate risks[2];
    const icl_predictor good = constant(&zero);
    const icl_predictor hollow[] = {constant(&zero), {.predict = NULL}};
    const int64_t last = INT64_C(1) << 62;
    ck_assert_int_eq(icl_predictor_risk(&good, 1, NULL, 0, 10, 1, risks), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "risks",
                 icl_predictor_risk(&good, 1, sampler, 0, 10, 1, NULL));
    REFUSES(ICL_ERR_ARGUMENT, "predictors", NULL, 1, sampler, 0, 10, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "predictors[1].predict", hollow, 2, sampler, 0, 10, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "count", &good, 0, sampler, 0, 10, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "count", &good, -1, sampler, 0, 10, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "first", &good, 1, sampler, -1, 10, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "first", &good, 1, sampler, last - 9, 10, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "first", &good, 1, sampler, INT64_MAX, 10, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "prompts = 1", &good, 1, sampler, 0, 1, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "prompts", &good, 1, sampler, 0, INT64_MIN, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "prompts", &good, 1, sampler, 0, last + 1, 1, risks);
    REFUSES(ICL_ERR_ARGUMENT, "queries = 0", &good, 1, sampler, 0, 10, 0, risks);
    REFUSES(ICL_ERR_ARGUMENT, "queries = 65537", &good, 1, sampler, 0, 10, 65537, risks);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

START_TEST(test_solvers_of_another_shape_say_so) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, ICL_LABELS_LINEAR, 0);
    icl_solver_options o;
    icl_solver *solver;
    icl_predictor predictor;
    icl_estimate risks[2];
    ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
    o.dim = DIM + 1;
    ASSERT_OK(context, icl_solver_create(context, &o, &solver));
    ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
    REFUSES(ICL_ERR_SHAPE, "predictors[0]", &predictor, 1, sampler, 0, 10, 1, risks);
    icl_solver_free(solver);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

static int refuse(int64_t count, const double *s, double *out, void *user) {
    (void)count;
    (void)s;
    (void)out;
    (void)user;
    return 1;
}

START_TEST(test_a_failing_label_callback_ends_the_call) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law_options o;
    icl_law *law;
    icl_sampler *sampler;
    icl_estimate risks[2];
    icl_predictor predictor = constant(&zero);
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.labels = ICL_LABELS_CALLBACK;
    o.label_fn = refuse;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 0, &sampler));
    REFUSES(ICL_ERR_CALLBACK, "", &predictor, 1, sampler, 0, 10, 1, risks);
    icl_sampler_free(sampler);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

static icl_status measure(icl_context *context, void *user) {
    (void)user;
    icl_law_options o;
    icl_law_options_init(&o, sizeof o);
    icl_law *law = NULL;
    icl_sampler *sampler = NULL;
    icl_estimate risk;
    icl_predictor predictor = constant(&zero);
    icl_status status = icl_law_create(context, &o, &law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, law, 0, &sampler);
    if (status == ICL_OK)
        status = icl_predictor_risk(&predictor, 1, sampler, 0, 1030, 1, &risk);
    icl_sampler_free(sampler);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(measure, NULL);
}
END_TEST

RUN_SUITE("predict", test_risk_is_the_mean_of_its_definition,
          test_large_prompts_come_in_shorter_chunks_with_the_same_result,
          test_closed_forms_within_their_errors, test_solvers_rank_as_theory_says,
          test_predictors_see_the_same_prompts, test_any_number_of_threads_gives_equal_bits,
          test_every_law_of_labels, test_two_prompts_are_enough,
          test_a_failing_predictor_ends_the_call_with_its_status, test_answers_that_are_no_numbers,
          test_bad_arguments_are_refused, test_solvers_of_another_shape_say_so,
          test_a_failing_label_callback_ends_the_call, test_every_allocation_may_fail)
