/* The risk of one layer that reads the labels' power, against certificates, simulation, and itself.
 */
#include "test_theory.h"

static icl_context *context;

static void set_up(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

/* gamma (d x (d + 1)) of size 1 / d beside a small last column. */
static void random_gamma(uint64_t seed, int64_t d, double *gamma) {
    fill_normal(context, seed, d * (d + 1), gamma);
    for (int64_t i = 0; i < d * (d + 1); i++)
        gamma[i] *= i % (d + 1) == d ? 0.1 : 1 / (double)d;
}

static double risk_of(const icl_law *law, const double *gamma) {
    double risk = NAN;
    ASSERT_OK(context, icl_theory_feature_risk(law, gamma, &risk));
    return risk;
}

/* The full layer's exact loss, an independent road, at u = 0, v = 1, M = d Gamma_1^T, r = gamma_2.
 */
START_TEST(test_gaussian_laws_agree_with_certificates) {
    set_up();
    for (int64_t d = 1; d <= 5; d++)
        for (int64_t n = 0; n <= 12; n += n < 2 ? 1 : 10) {
            double gamma[MAX_DD], M[MAX_DD], r[MAX_D], u[MAX_D] = {0}, other[MAX_DD], values[MAX_D];
            double sigma[MAX_DD], W[MAX_DD];
            spread_values(d, 9, values);
            random_covariance(context, 31, d, values, sigma);
            random_covariance(context, 32, d, values, W);
            icl_law_options o = law_options(d, n, 0.4);
            o.covariance = o.prior = ICL_COVARIANCE_DENSE;
            o.covariance_values = sigma;
            o.prior_values = W;
            o.noise_law = d % 2 ? ICL_NOISE_UNIFORM : ICL_NOISE_FIXED;
            icl_law *law = make_law(context, &o);
            icl_certificate c = {.size = sizeof c};
            random_gamma(7, d, gamma);
            for (int64_t i = 0; i < d; i++) {
                for (int64_t j = 0; j < d; j++)
                    other[i * d + j] = (double)d * gamma[i * (d + 1) + j];
                r[i] = gamma[i * (d + 1) + d];
            }
            naive_transpose(d, other, M);
            ASSERT_OK(context, icl_theory_certify(law, NULL, u, 1, M, r, 0, &c));
            ASSERT_CLOSE(risk_of(law, gamma), c.risk, TOL_ALGEBRA(d, 100), c.risk);
            icl_law_free(law);
        }
}
END_TEST

/* Without the last column it is x_q^T (d Gamma_1) b, whose risk has a closed form for every law. */
START_TEST(test_without_the_power_it_is_gamma) {
    set_up();
    enum { D = 4 };
    double gamma[D * (D + 1)], square[D * D], pool[3 * D], sigma = 1.0 / D;
    fill_normal(context, 3, 3 * D, pool);
    for (int kind = 0; kind < 3; kind++) {
        icl_law_options o = law_options(D, 6, 0.2);
        o.covariance = ICL_COVARIANCE_SCALAR;
        o.covariance_values = &sigma;
        o.tasks = kind == 0 ? ICL_TASKS_SPHERE : ICL_TASKS_GAUSSIAN;
        o.pool = kind > 0 ? 3 : 0;
        o.pool_values = kind == 1 ? pool : NULL;
        icl_law *law = make_law(context, &o);
        icl_estimate risk;
        random_gamma(9, D, gamma);
        for (int i = 0; i < D; i++) {
            gamma[i * (D + 1) + D] = 0;
            for (int j = 0; j < D; j++)
                square[i * D + j] = D * gamma[i * (D + 1) + j];
        }
        ASSERT_OK(context, icl_theory_risk(law, NULL, square, &risk));
        ASSERT_CLOSE(risk_of(law, gamma), risk.value, TOL_ALGEBRA(D, 10), risk.value);
        icl_law_free(law);
    }
}
END_TEST

/* The risk on a pool is the mean of those on its entries. */
START_TEST(test_a_pool_is_the_mean_of_its_tasks) {
    set_up();
    enum { D = 3, K = 5 };
    double gamma[D * (D + 1)], pool[K * D], mean = 0;
    fill_normal(context, 4, K * D, pool);
    random_gamma(2, D, gamma);
    icl_law_options o = law_options(D, 5, 0.3);
    o.pool = 1;
    for (int k = 0; k < K; k++) {
        o.pool_values = pool + k * D;
        icl_law *law = make_law(context, &o);
        mean += risk_of(law, gamma) / K;
        icl_law_free(law);
    }
    o.pool = K;
    o.pool_values = pool;
    icl_law *law = make_law(context, &o);
    ASSERT_CLOSE(risk_of(law, gamma), mean, TOL_ALGEBRA(D * K, 1), mean);
    icl_law_free(law);
}
END_TEST

/* The model with these weights, on prompts. */
START_TEST(test_simulation) {
    set_up();
    enum { D = 4 };
    const double levels[] = {0.1, 0.5, 0.9};
    for (int kind = 0; kind < 4; kind++) {
        double gamma[D * (D + 1)], sigma = 1.0 / D;
        icl_law_options o = law_options(D, 3, 0.3);
        o.covariance = ICL_COVARIANCE_SCALAR;
        o.covariance_values = &sigma;
        o.tasks = kind % 2 == 0 ? ICL_TASKS_SPHERE : ICL_TASKS_GAUSSIAN;
        o.pool = kind < 2 ? 0 : 3;
        if (kind == 3) {
            o.noise_law = ICL_NOISE_SET;
            o.noise_values = levels;
            o.noise_count = 3;
        }
        icl_law *law = make_law(context, &o);
        icl_sampler *sampler;
        icl_model *model;
        icl_predictor predictor;
        icl_estimate risk;
        random_gamma(20 + (uint64_t)kind, D, gamma);
        ASSERT_OK(context, icl_sampler_create(context, law, 8, &sampler));
        ASSERT_OK(context, icl_fit_model(context, D, gamma, &model));
        ASSERT_OK(context, icl_model_predictor(model, &predictor));
        ASSERT_OK(context, icl_predictor_risk(&predictor, 1, sampler, 0, 200000, 1, &risk));
        ASSERT_CLOSE(risk_of(law, gamma), risk.value, TOL_Z, risk.standard_error);
        ck_assert_double_lt(risk.standard_error, 0.03 * risk.value);
        icl_model_free(model);
        icl_sampler_free(sampler);
        icl_law_free(law);
    }
}
END_TEST

START_TEST(test_bad_input) {
    set_up();
    double gamma[12] = {0}, risk = 7, mean[3] = {1, 0, 0};
    icl_law_options o = law_options(3, 5, 0.3);
    icl_law *law = make_law(context, &o);
    ck_assert_int_eq(icl_theory_feature_risk(NULL, gamma, &risk), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "gamma", icl_theory_feature_risk(law, NULL, &risk));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "risk", icl_theory_feature_risk(law, gamma, NULL));
    gamma[11] = NAN;
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "gamma[11]",
                 icl_theory_feature_risk(law, gamma, &risk));
    gamma[11] = 1e200;
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflow", icl_theory_feature_risk(law, gamma, &risk));
    gamma[11] = 0;
    icl_law_free(law);
    for (int kind = 0; kind < 4; kind++) {
        const char *const words[] = {"linear", "covariates", "sparse", "mean"};
        o = law_options(3, 5, 0.3);
        o.labels = kind == 0 ? ICL_LABELS_TANH : ICL_LABELS_LINEAR;
        o.covariates = kind == 1 ? ICL_COVARIATES_UNIFORM : ICL_COVARIATES_GAUSSIAN;
        o.tasks = kind == 2 ? ICL_TASKS_SPARSE : ICL_TASKS_GAUSSIAN;
        o.prior_mean = kind == 3 ? mean : NULL;
        law = make_law(context, &o);
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, words[kind],
                     icl_theory_feature_risk(law, gamma, &risk));
        icl_law_free(law);
    }
    ck_assert_double_eq(risk, 7);
}
END_TEST

static icl_status ask(icl_context *c, void *user) {
    (void)user;
    double gamma[12] = {0}, risk;
    icl_law_options o;
    icl_law *law;
    icl_status status = icl_law_options_init(&o, sizeof o);
    o.dim = 3;
    o.pool = 2;
    if (status == ICL_OK)
        status = icl_law_create(c, &o, &law);
    if (status == ICL_OK) {
        status = icl_theory_feature_risk(law, gamma, &risk);
        icl_law_free(law);
    }
    return status;
}

START_TEST(test_failing_allocations) {
    check_every_allocation(ask, NULL);
}
END_TEST

RUN_SUITE("theory_features", test_gaussian_laws_agree_with_certificates,
          test_without_the_power_it_is_gamma, test_a_pool_is_the_mean_of_its_tasks, test_simulation,
          test_bad_input, test_failing_allocations)
