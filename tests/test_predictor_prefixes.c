/* Predictors at every prefix: solvers by their own way, models and callbacks by asking about each.
 */
#include "test_prefixes.h"

enum { N = 6 };

static icl_batch *drawn_batch(icl_context *context, int64_t B, int64_t n, uint32_t contents) {
    icl_law_options lo;
    ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
    lo.dim = DIM;
    lo.context = n;
    lo.noise = 1;
    lo.noise_law = ICL_NOISE_UNIFORM;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_law_create(context, &lo, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 2, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, B, 2, contents, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_sampler_free(sampler);
    icl_law_free(law);
    return batch;
}

START_TEST(test_both_ways_agree_for_every_solver) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t n = 0; n <= N; n += N) {
        icl_batch *batch = drawn_batch(context, 12, n, ICL_CONTENTS_EXAMPLES);
        for (int m = 0; m <= METHODS; m++) {
            double own[12 * (N + 1)], asked[12 * (N + 1)];
            icl_solver_options o = options_of(ICL_METHOD_RIDGE, DIM, 1);
            o.rule = ICL_RIDGE_ORACLE; /* needs the prompts' levels */
            icl_solver *solver =
                m < METHODS ? solver_of_method(context, (icl_method)m) : solver_of(context, &o);
            icl_predictor predictor;
            ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
            ck_assert(predictor.prefixes != NULL);
            ASSERT_OK(context, icl_predictor_prefixes(&predictor, batch, own));
            predictor.prefixes = NULL;
            ASSERT_OK(context, icl_predictor_prefixes(&predictor, batch, asked));
            for (int64_t p = 0; p < 12; p++)
                for (int64_t t = 0; t <= n; t++) {
                    const double *y = icl_batch_y(batch) + p * n;
                    double s[8];
                    int64_t rank = singular_values(context, batch, p, t, s);
                    /* conjugate gradients and their kin feel kappa(A) twice; no w is longer than
                     * ||y|| / s_min */
                    double kappa = rank > 0 ? pow(s[0] / s[rank - 1], 4) : 1;
                    if (m == METHODS && rank > 0) /* X^T X + lambda I, rank-deficient before */
                        kappa *= 1 + s[0] * s[0] / icl_batch_noise(batch)[p];
                    double length = rank > 0 ? 1 + norm(t, y) / s[rank - 1] : 1;
                    ASSERT_CLOSE(own[p * (n + 1) + t], asked[p * (n + 1) + t],
                                 TOL_ALGEBRA(n + DIM, kappa),
                                 length * norm(DIM, query_at(batch, p, t)));
                }
            icl_solver_free(solver);
        }
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_models_are_asked_about_each_prefix) {
    /* one layer with P = e_y e_y^T, Q = diag(I, 0): the prediction is X^T y / n . x */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = drawn_batch(context, 12, N, ICL_CONTENTS_EXAMPLES);
    icl_model_options mo;
    icl_model *model;
    ck_assert_int_eq(icl_model_options_init(&mo, sizeof mo), ICL_OK);
    mo.dim = DIM;
    ASSERT_OK(context, icl_model_create(context, &mo, &model));
    enum { TOKEN = DIM + 1 };
    double parameters[2 * TOKEN * TOKEN] = {0};
    parameters[TOKEN * TOKEN - 1] = 1;
    for (int j = 0; j < DIM; j++)
        parameters[TOKEN * TOKEN + j * (TOKEN + 1)] = 1;
    ck_assert_int_eq(icl_model_parameter_count(model), 2 * TOKEN * TOKEN);
    ASSERT_OK(context, icl_model_set_parameters(model, parameters));
    icl_predictor predictor;
    double answers[12 * (N + 1)], expected[12 * (N + 1)];
    ASSERT_OK(context, icl_model_predictor(model, &predictor));
    ASSERT_OK(context, icl_predictor_prefixes(&predictor, batch, answers));
    icl_solver_options o = options_of(ICL_METHOD_AVERAGE, DIM, 1);
    icl_solver *solver = solver_of(context, &o);
    ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
    ASSERT_OK(context, icl_predictor_prefixes(&predictor, batch, expected));
    for (int p = 0; p < 12; p++)
        for (int t = 0; t <= N; t++)
            ASSERT_CLOSE(answers[p * (N + 1) + t], expected[p * (N + 1) + t],
                         TOL_ALGEBRA(N + DIM, 1), 30);
    icl_solver_free(solver);
    icl_model_free(model);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- callbacks ---- */

/* What a callback was shown, written into its answers: prompt + 100 t + 1e4 contents, and whether
 * the prefix is the batch's. */
typedef struct witness {
    const icl_batch *whole;
    int64_t calls, mismatches;
} witness;

static icl_status look(const void *self, const icl_batch *batch, double *prediction) {
    witness *w = (witness *)self;
    int64_t B = icl_batch_prompts(batch), t = icl_batch_context(batch);
    int64_t n = icl_batch_context(w->whole);
    w->mismatches += t != w->calls++ || icl_batch_queries(batch) != 1;
    for (int64_t p = 0; p < B; p++) {
        prediction[p] = (double)(p + 100 * t);
        w->mismatches +=
            t > 0 && memcmp(icl_batch_X(batch) + p * t * DIM, icl_batch_X(w->whole) + p * n * DIM,
                            (size_t)(t * DIM) * sizeof(double)) != 0;
        w->mismatches += t > 0 && memcmp(icl_batch_y(batch) + p * t, icl_batch_y(w->whole) + p * n,
                                         (size_t)t * sizeof(double)) != 0;
        w->mismatches += memcmp(icl_batch_query(batch) + p * DIM, query_at(w->whole, p, t),
                                DIM * sizeof(double)) != 0;
        w->mismatches += icl_batch_noise(batch)[p] != icl_batch_noise(w->whole)[p];
        w->mismatches += memcmp(icl_batch_task(batch) + p * DIM, icl_batch_task(w->whole) + p * DIM,
                                DIM * sizeof(double)) != 0;
    }
    w->mismatches += icl_batch_S(batch) == NULL;
    return ICL_OK;
}

START_TEST(test_callbacks_see_each_prefix) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = drawn_batch(context, 12, N, ICL_CONTENTS_ALL);
    witness w = {.whole = batch};
    icl_predictor predictor = {.predict = look, .self = &w};
    double answers[12 * (N + 1)];
    ASSERT_OK(context, icl_predictor_prefixes(&predictor, batch, answers));
    ck_assert_int_eq(w.calls, N + 1);
    ck_assert_int_eq(w.mismatches, 0);
    for (int i = 0; i < 12 * (N + 1); i++)
        ck_assert(answers[i] == i / (N + 1) + 100 * (i % (N + 1)));
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

typedef struct script {
    icl_status status; /* of the fourth call, or of `all` */
    double answer;     /* of the last entry */
    int forget;        /* 1: writes nothing there */
    int64_t calls;
} script;

static icl_status act(const void *self, const icl_batch *batch, double *prediction) {
    script *s = (script *)self;
    int64_t B = icl_batch_prompts(batch);
    for (int64_t p = 0; p < B; p++)
        prediction[p] = 1;
    if (s->calls++ < 3)
        return ICL_OK;
    prediction[B - 1] = s->forget ? NAN : s->answer;
    return s->status;
}

static icl_status act_at_once(const void *self, const icl_batch *batch, double *prediction) {
    script *s = (script *)self;
    int64_t last = icl_batch_prompts(batch) * (icl_batch_context(batch) + 1) - 1;
    for (int64_t i = 0; i < last; i++)
        prediction[i] = 2;
    if (!s->forget)
        prediction[last] = s->answer;
    return s->status;
}

START_TEST(test_failures_of_callbacks_end_the_call) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = drawn_batch(context, 3, N, ICL_CONTENTS_EXAMPLES);
    double out[3 * (N + 1)];
    for (int at_once = 0; at_once < 2; at_once++) {
        for (int i = 0; i < 3 * (N + 1); i++)
            out[i] = -7;
        script s = {.status = ICL_ERR_DIVERGED, .answer = 1};
        icl_predictor predictor = {.predict = act, .self = &s};
        if (at_once)
            predictor.prefixes = act_at_once;
        ASSERT_FAILS(context, ICL_ERR_DIVERGED, at_once ? "failed" : "on 3 examples",
                     icl_predictor_prefixes(&predictor, batch, out));
        const double bad[] = {NAN, INFINITY, -INFINITY};
        for (int i = 0; i < 3; i++) {
            s = (script){.answer = bad[i]};
            ASSERT_FAILS(context, ICL_ERR_CALLBACK, at_once ? "after 6 examples" : "prompt 2 after",
                         icl_predictor_prefixes(&predictor, batch, out));
        }
        s = (script){.forget = 1};
        ASSERT_FAILS(context, ICL_ERR_CALLBACK, "nan",
                     icl_predictor_prefixes(&predictor, batch, out));
        for (int i = 0; i < 3 * (N + 1); i++) /* outputs of a failed call are as they were */
            ck_assert(out[i] == -7);
        s = (script){.answer = 5};
        ASSERT_OK(context, icl_predictor_prefixes(&predictor, batch, out));
        ck_assert(out[3 * (N + 1) - 1] == 5 && out[0] == (at_once ? 2 : 1));
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_bad_arguments_are_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = drawn_batch(context, 3, N, ICL_CONTENTS_EXAMPLES);
    icl_batch *bare = drawn_batch(context, 3, N, ICL_CONTENTS_MOMENTS);
    script s = {.answer = 1};
    icl_predictor good = {.predict = act, .self = &s}, hollow = {.predict = NULL};
    double out[3 * (N + 1)];
    ck_assert_int_eq(icl_predictor_prefixes(&good, NULL, out), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "predictor is NULL",
                 icl_predictor_prefixes(NULL, batch, out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prediction is NULL",
                 icl_predictor_prefixes(&good, batch, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "predict is NULL",
                 icl_predictor_prefixes(&hollow, batch, out));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "EXAMPLES", icl_predictor_prefixes(&good, bare, out));
    icl_batch_free(bare);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

static icl_status ask_both(icl_context *context, void *user) {
    (void)user;
    icl_batch_options bo;
    icl_batch_options_init(&bo, sizeof bo);
    bo.prompts = 3;
    bo.context = 2;
    icl_batch *batch = NULL;
    icl_solver *solver = NULL;
    icl_predictor predictor;
    double out[9];
    icl_status status = icl_batch_create(context, &bo, &batch);
    if (status == ICL_OK)
        status = icl_solver_create(context, NULL, &solver);
    if (status == ICL_OK)
        status = icl_solver_predictor(solver, &predictor);
    if (status == ICL_OK)
        status = icl_predictor_prefixes(&predictor, batch, out);
    if (status == ICL_OK) {
        predictor.prefixes = NULL;
        status = icl_predictor_prefixes(&predictor, batch, out);
    }
    icl_solver_free(solver);
    icl_batch_free(batch);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(ask_both, NULL);
}
END_TEST

RUN_SUITE("predictor_prefixes", test_both_ways_agree_for_every_solver,
          test_models_are_asked_about_each_prefix, test_callbacks_see_each_prefix,
          test_failures_of_callbacks_end_the_call, test_bad_arguments_are_refused,
          test_every_allocation_may_fail)
