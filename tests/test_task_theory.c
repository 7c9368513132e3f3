/* Theory and solvers on every law of task_reference.h: what they answer holds on drawn prompts, and
 * where they do not answer they say ICL_ERR_NO_CLOSED_FORM with a text. */
#include "statistics.h"
#include "task_reference.h"

enum { D = 3, N = 4, PROMPTS = 40000 };

typedef struct world {
    int number; /* of the law */
    wide_case c;
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
} world;

static void set_up(int number, world *w) {
    w->number = number;
    w->context = make_context(1, ICL_ISA_AUTO);
    make_wide_case(number, D, N, 0.3, &w->c);
    w->law = make_law(w->context, &w->c.base.options);
    ASSERT_OK(w->context, icl_sampler_create(w->context, w->law, 17, &w->sampler));
    w->batch = draw_prompts(w->context, w->sampler, 0, PROMPTS, 1);
}

static void tear_down(world *w) {
    icl_batch_free(w->batch);
    icl_sampler_free(w->sampler);
    icl_law_free(w->law);
    icl_context_free(w->context);
}

/* 1 if the call must hold and does; 0 if it must not and says why. */
static int answers(const world *w, int known, const char *function, icl_status status) {
    const char *name = wide_laws[w->number].name, *text = icl_context_last_error(w->context);
    if (known) {
        ck_assert_msg(status == ICL_OK, "%s: %s", name, text);
        return 1;
    }
    ck_assert_msg(status == ICL_ERR_NO_CLOSED_FORM, "%s: %s: %s", name, function,
                  icl_status_name(status));
    ck_assert_msg(strstr(text, function) != NULL && strlen(text) > strlen(function) + 10,
                  "%s: %s: \"%s\"", name, function, text);
    return 0;
}

static int knows(const world *w, int what) {
    return (wide_laws[w->number].known & what) != 0;
}

/* x_q^T A b */
static double form(const double *A, const double *x, const double *b) {
    double sum = 0;
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++)
            sum += x[i] * A[i * D + j] * b[j];
    return sum;
}

/* ---- moments, optimum, risks ---- */

static void check_moments(const world *w, const double *K, const double *C, double power) {
    tally k[D * D] = {{0}}, c[D * D] = {{0}}, y = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *b = icl_batch_b(w->batch) + p * D, *x = icl_batch_query(w->batch) + p * D;
        double target = icl_batch_target(w->batch)[p];
        tally_add(&y, target * target);
        for (int e = 0; e < D * D; e++) {
            tally_add(&k[e], target * x[e / D] * b[e % D]);
            tally_add(&c[e], b[e / D] * b[e % D]);
        }
    }
    assert_tally(wide_laws[w->number].name, &y, power);
    for (int e = 0; e < D * D; e++) {
        assert_tally(wide_laws[w->number].name, &k[e], K[e]);
        assert_tally(wide_laws[w->number].name, &c[e], C[e]);
    }
}

static void check_risk(const world *w, const double *gamma, const icl_estimate *risk) {
    tally t = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *b = icl_batch_b(w->batch) + p * D, *x = icl_batch_query(w->batch) + p * D;
        tally_add(&t, pow(form(gamma, x, b) - icl_batch_target(w->batch)[p], 2));
    }
    double mean = t.sum / t.count;
    double error = hypot(sqrt((t.squares / t.count - mean * mean) / t.count), risk->standard_error);
    ck_assert_msg(fabs(mean - risk->value) <= TOL_Z * error, "%s: risk %g, measured %g +- %g",
                  wide_laws[w->number].name, risk->value, mean, error);
}

START_TEST(test_moments_and_risks) {
    static world w;
    double K[D * D], C[D * D], power, gamma[D * D], some[D * D], eta;
    icl_optimum best = {.size = sizeof best};
    icl_estimate risk, step;
    for (int number = 0; number < WIDE_LAWS; number++) {
        set_up(number, &w);
        int known = knows(&w, KNOWN_MOMENTS);
        fill_normal(w.context, 5, D * D, some);
        if (answers(&w, known, "icl_theory_moments", icl_theory_moments(w.law, NULL, K, C, &power)))
            check_moments(&w, K, C, power);
        if (answers(&w, known, "icl_theory_risk", icl_theory_risk(w.law, NULL, some, &risk)))
            check_risk(&w, some, &risk);
        if (answers(&w, known, "icl_theory_optimum",
                    icl_theory_optimum(w.law, NULL, 0, gamma, &best))) {
            check_risk(&w, gamma, &(icl_estimate){best.risk, best.risk_error});
            ck_assert_double_le(best.residual, TOL_ALGEBRA(D, 1e3));
        }
        if (answers(&w, known, "icl_theory_best_step",
                    icl_theory_best_step(w.law, NULL, NULL, &eta, &risk))) {
            ASSERT_OK(w.context, icl_theory_step_risk(w.law, NULL, NULL, eta, &step));
            ASSERT_CLOSE(step.value, risk.value, TOL_ALGEBRA(D, 1e3), risk.value);
            ck_assert_double_ge(risk.value, best.risk * (1 - 1e-12));
        } else {
            answers(&w, 0, "icl_theory_step_risk",
                    icl_theory_step_risk(w.law, NULL, NULL, 1, &step));
        }
        tear_down(&w);
    }
}
END_TEST

/* ---- Bayes and ridge ---- */

static void check_solver(const world *w, icl_method method, const icl_estimate *theory) {
    icl_solver_options o;
    icl_solver *solver;
    icl_predictor predictor;
    icl_estimate measured;
    ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
    o.method = method;
    o.dim = D;
    o.ridge = 0.7;
    o.law = w->law;
    ASSERT_OK(w->context, icl_solver_create(w->context, &o, &solver));
    ASSERT_OK(w->context, icl_solver_predictor(solver, &predictor));
    ASSERT_OK(w->context, icl_predictor_risk(&predictor, 1, w->sampler, 0, PROMPTS, 1, &measured));
    icl_solver_free(solver);
    double error = hypot(measured.standard_error, theory->standard_error);
    ck_assert_msg(fabs(measured.value - theory->value) <= TOL_Z * error,
                  "%s: method %d: risk %g, measured %g +- %g", wide_laws[w->number].name,
                  (int)method, theory->value, measured.value, error);
}

START_TEST(test_bayes_and_ridge) {
    static world w;
    const icl_simulation simulation = {99, 5000};
    for (int number = 0; number < WIDE_LAWS; number++) {
        set_up(number, &w);
        icl_estimate risk;
        icl_solver_options o;
        icl_solver *solver = NULL;
        if (answers(&w, knows(&w, KNOWN_BAYES), "icl_theory_bayes_risk",
                    icl_theory_bayes_risk(w.law, &simulation, &risk)))
            check_solver(&w, ICL_METHOD_BAYES, &risk);
        if (answers(&w, knows(&w, KNOWN_RIDGE), "icl_theory_ridge_risk",
                    icl_theory_ridge_risk(w.law, &simulation, 0.7, &risk)))
            check_solver(&w, ICL_METHOD_RIDGE, &risk);
        ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
        o.method = ICL_METHOD_BAYES;
        o.dim = D;
        o.law = w.law;
        answers(&w, knows(&w, KNOWN_POSTERIOR), "icl_solver_create",
                icl_solver_create(w.context, &o, &solver));
        icl_solver_free(solver);
        tear_down(&w);
    }
}
END_TEST

/* ---- the full layer ---- */

typedef struct point {
    double u[D], v, M[D * D], r[D];
} point;

static point random_point(icl_context *context, int even) {
    double z[D * D + 2 * D + 1];
    point t = {{0}, 0, {0}, {0}};
    fill_normal(context, 21, D * D + 2 * D + 1, z);
    t.v = 0.3 + 0.1 * z[0];
    for (int i = 0; i < D * D; i++)
        t.M[i] = 0.3 * z[1 + i];
    for (int i = 0; i < D && even; i++) {
        t.u[i] = 0.1 * z[1 + D * D + i];
        t.r[i] = 0.1 * z[1 + D * D + D + i];
    }
    return t;
}

/* (yhat - y_q)^2 over the prompts, yhat by the formula at the head of <icl/theory.h>. */
static tally layer_loss(const world *w, const point *t) {
    tally sum = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *S = icl_batch_S(w->batch) + p * D * D, *b = icl_batch_b(w->batch) + p * D;
        const double *x = icl_batch_query(w->batch) + p * D;
        double yhat = 0, ub = 0, rx = 0;
        for (int i = 0; i < D; i++) {
            double key = t->v * b[i];
            for (int j = 0; j < D; j++)
                key += t->u[j] * S[j * D + i];
            for (int j = 0; j < D; j++)
                yhat += key * t->M[i * D + j] * x[j];
            ub += t->u[i] * b[i];
            rx += t->r[i] * x[i];
        }
        yhat += ub * rx + t->v * icl_batch_syy(w->batch)[p] * rx;
        tally_add(&sum, pow(yhat - icl_batch_target(w->batch)[p], 2));
    }
    return sum;
}

static void check_loss(const world *w, const char *what, const point *t, double loss,
                       double loss_error) {
    tally sum = layer_loss(w, t);
    double mean = sum.sum / sum.count;
    double error = hypot(sqrt((sum.squares / sum.count - mean * mean) / sum.count), loss_error);
    ck_assert_msg(fabs(mean - loss) <= TOL_Z * error, "%s: %s %g, measured %g +- %g",
                  wide_laws[w->number].name, what, loss, mean, error);
}

START_TEST(test_certificates) {
    static world w;
    const icl_simulation simulation = {98, PROMPTS};
    for (int number = 0; number < WIDE_LAWS; number++) {
        set_up(number, &w);
        for (int even = 0; even < 2; even++) {
            icl_certificate got = {.size = sizeof got};
            point t = random_point(w.context, even);
            int known = knows(&w, even ? KNOWN_LAYER : KNOWN_MOMENTS);
            if (answers(&w, known, "icl_theory_certify",
                        icl_theory_certify(w.law, &simulation, t.u, t.v, t.M, t.r, 0, &got)))
                check_loss(&w, "certified risk", &t, got.risk, got.risk_error);
        }
        tear_down(&w);
    }
}
END_TEST

START_TEST(test_population_losses) {
    static world w;
    for (int number = 0; number < WIDE_LAWS; number++) {
        set_up(number, &w);
        icl_population *population = NULL;
        if (answers(&w, knows(&w, KNOWN_LOSS), "icl_population_create",
                    icl_population_create(w.law, &population)))
            for (int even = 0; even < 2; even++) {
                point t = random_point(w.context, even);
                double loss;
                if (answers(&w, !even || knows(&w, KNOWN_EVEN), "icl_population_evaluate",
                            icl_population_evaluate(population, t.u, t.v, t.M, t.r, &loss, NULL,
                                                    NULL, NULL, NULL, NULL)))
                    check_loss(&w, "population loss", &t, loss, 0);
            }
        icl_population_free(population);
        tear_down(&w);
    }
}
END_TEST

/* ---- many layers ---- */

/* Two steps of gradient descent with Sigma^-1 on each prompt, from its S and b. */
static tally deep_loss(const world *w, const double *inverse, const double *etas) {
    tally sum = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *S = icl_batch_S(w->batch) + p * D * D, *b = icl_batch_b(w->batch) + p * D;
        double guess[D] = {0}, error = -icl_batch_target(w->batch)[p];
        for (int l = 0; l < 2; l++) {
            double residual[D];
            for (int i = 0; i < D; i++) {
                residual[i] = b[i];
                for (int j = 0; j < D; j++)
                    residual[i] -= S[i * D + j] * guess[j];
            }
            for (int i = 0; i < D; i++)
                for (int j = 0; j < D; j++)
                    guess[i] += etas[l] * inverse[i * D + j] * residual[j];
        }
        for (int i = 0; i < D; i++)
            error += guess[i] * icl_batch_query(w->batch)[p * D + i];
        tally_add(&sum, error * error);
    }
    return sum;
}

START_TEST(test_deep_risks) {
    static world w;
    const double etas[2] = {0.9, 0.4};
    const icl_simulation simulation = {97, 20000};
    for (int number = 0; number < WIDE_LAWS; number++) {
        set_up(number, &w);
        icl_law *quiet;
        icl_estimate risk, best;
        double found[2];
        ASSERT_OK(w.context, icl_law_with(w.law, N, 0, &quiet));
        int known = knows(&w, KNOWN_DEEP);
        answers(&w, known, "icl_theory_deep_optimum",
                icl_theory_deep_optimum(quiet, &simulation, 2, found, &best));
        answers(&w, known, "icl_theory_looped_optimum",
                icl_theory_looped_optimum(quiet, &simulation, 2, found, &best));
        if (answers(&w, known, "icl_theory_deep_risk",
                    icl_theory_deep_risk(quiet, &simulation, 2, etas, &risk))) {
            icl_sampler *sampler;
            double inverse[D * D] = {0}; /* by the prior, which is a multiple of it */
            const double *W = icl_law_prior(quiet), *sigma = icl_law_covariance(quiet);
            double scale = 0;
            for (int i = 0; i < D; i++)
                scale += W[i] * sigma[i * D];
            for (int i = 0; i < D * D; i++)
                inverse[i] = W[i] / scale;
            ASSERT_OK(w.context, icl_sampler_create(w.context, quiet, 18, &sampler));
            ASSERT_OK(w.context, icl_sampler_draw(sampler, 0, w.batch));
            tally sum = deep_loss(&w, inverse, etas);
            double mean = sum.sum / sum.count;
            double error = sqrt((sum.squares / sum.count - mean * mean) / sum.count);
            ASSERT_CLOSE(mean, risk.value, TOL_Z, hypot(error, risk.standard_error));
            icl_sampler_free(sampler);
        }
        icl_law_free(quiet);
        tear_down(&w);
    }
}
END_TEST

/* ---- moments without examples ---- */

/* Means of S, b b^T, s_yy and s_yy^2 of two batches agree. */
static void check_same_moments(const world *w, const icl_batch *direct) {
    const icl_batch *batches[2] = {w->batch, direct};
    enum { WIDTH = 2 * D * D + 2 };
    tally t[2][WIDTH] = {{{0}}};
    for (int k = 0; k < 2; k++)
        for (int64_t p = 0; p < PROMPTS; p++) {
            const double *b = icl_batch_b(batches[k]) + p * D;
            double syy = icl_batch_syy(batches[k])[p];
            for (int e = 0; e < D * D; e++) {
                tally_add(&t[k][e], icl_batch_S(batches[k])[p * D * D + e]);
                tally_add(&t[k][D * D + e], b[e / D] * b[e % D]);
            }
            tally_add(&t[k][2 * D * D], syy);
            tally_add(&t[k][2 * D * D + 1], syy * syy);
        }
    for (int e = 0; e < WIDTH; e++) {
        double mean[2], error[2];
        for (int k = 0; k < 2; k++) {
            mean[k] = t[k][e].sum / PROMPTS;
            error[k] = sqrt((t[k][e].squares / PROMPTS - mean[k] * mean[k]) / PROMPTS);
        }
        ck_assert_msg(fabs(mean[0] - mean[1]) <= TOL_Z * hypot(error[0], error[1]),
                      "%s: moment %d is %g, drawn directly %g", wide_laws[w->number].name, e,
                      mean[0], mean[1]);
    }
}

START_TEST(test_direct_moments) {
    static world w;
    for (int number = 0; number < WIDE_LAWS; number++) {
        set_up(number, &w);
        icl_batch *direct;
        ASSERT_OK(w.context, icl_sampler_batch(w.sampler, PROMPTS, 1,
                                               ICL_CONTENTS_MOMENTS | ICL_CONTENTS_TASKS, &direct));
        if (answers(&w, knows(&w, KNOWN_DIRECT), "icl_sampler_draw_moments",
                    icl_sampler_draw_moments(w.sampler, 0, direct))) {
            ck_assert_mem_eq(icl_batch_task(direct), icl_batch_task(w.batch),
                             PROMPTS * D * sizeof(double));
            ck_assert_mem_eq(icl_batch_query(direct), icl_batch_query(w.batch),
                             PROMPTS * D * sizeof(double));
            ck_assert_mem_eq(icl_batch_target(direct), icl_batch_target(w.batch),
                             PROMPTS * sizeof(double));
            ASSERT_OK(w.context, icl_sampler_draw_moments(w.sampler, 1 << 20, direct));
            check_same_moments(&w, direct);
        }
        icl_batch_free(direct);
        tear_down(&w);
    }
}
END_TEST

RUN_SUITE("task_theory", test_moments_and_risks, test_bayes_and_ridge, test_certificates,
          test_population_losses, test_deep_risks, test_direct_moments)
