/* Deep linear attention: laws that are white and laws that are not, simulated eigenvalues, and what
 * is refused. */
#include "test_theory_deep.h"

#include "theory/deep.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

/* ---- laws that are white ---- */

/* Sigma = s I with W = c I, and W = Sigma^-1 however Sigma lies: steps of the isotropic law, and
 * risks by t. */
START_TEST(test_whitened_laws_are_isotropic) {
    setup_context();
    const int64_t d = 5, n = 12, layers = 4;
    const double s[5] = {3, 3, 3, 3, 3}, c[5] = {0.5, 0.5, 0.5, 0.5, 0.5};
    double spread[5], wide[5], etas[MOST], same[MOST], eta, loop;
    icl_law *plain = isotropic_law(context, d, n);
    double least = best(context, plain, layers, etas),
           looped = best_looped(context, plain, layers, &eta);
    for (int which = 0; which < 4; which++) {
        icl_law_options o = law_options(d, n, 0);
        spread_values(d, 100, spread);
        spread_values(d, 1e8, wide);
        o.covariance = which < 2 ? ICL_COVARIANCE_DIAGONAL : ICL_COVARIANCE_SPECTRUM;
        o.covariance_values = which == 0 ? s : which < 3 ? spread : wide;
        o.prior = which == 0 ? ICL_COVARIANCE_DIAGONAL : ICL_COVARIANCE_INVERSE;
        o.prior_values = which == 0 ? c : NULL;
        icl_law *law = make_law(context, &o);
        double scale = which == 0 ? 1.5 : 1, kappa = which < 3 ? 100 : 1e8;
        double tolerance = TOL_ALGEBRA(d, kappa);
        ASSERT_CLOSE(best(context, law, layers, same), scale * least, tolerance, scale * least);
        ck_assert_mem_eq(etas, same, (size_t)layers * sizeof *etas);
        ASSERT_CLOSE(best_looped(context, law, layers, &loop), scale * looped, tolerance,
                     scale * looped);
        ck_assert_double_eq(eta, loop);
        icl_law_free(law);
    }
    icl_law_free(plain);
}
END_TEST

START_TEST(test_no_examples) {
    setup_context();
    icl_law *law = isotropic_law(context, 3, 0);
    double etas[3] = {5, 5, 5}, eta = 5;
    ck_assert_double_eq(best(context, law, 3, etas), 3);
    ck_assert(etas[0] == 0 && etas[1] == 0 && etas[2] == 0);
    ck_assert_double_eq(best_looped(context, law, 3, &eta), 3);
    ck_assert_double_eq(eta, 0);
    const double given[] = {1, 2};
    ck_assert_double_eq(risk_of(context, law, 2, given), 3);
    icl_law_free(law);
}
END_TEST

START_TEST(test_no_signal) {
    setup_context();
    const double zero[3] = {0};
    icl_law_options o = law_options(3, 4, 0);
    o.prior = ICL_COVARIANCE_DIAGONAL;
    o.prior_values = zero;
    icl_law *law = make_law(context, &o);
    double etas[2], eta;
    ck_assert_double_eq(best(context, law, 2, etas), 0);
    ck_assert_double_eq(best_looped(context, law, 2, &eta), 0);
    ck_assert(etas[0] > etas[1] && etas[1] > 0 && eta > 0);
    icl_law_free(law);
}
END_TEST

/* ---- simulated eigenvalues ---- */

/* Optimality in the sample bounds what its steps lose: twice the difference of sample and law. */
START_TEST(test_simulated_road_against_the_exact_one) {
    setup_context();
    const icl_simulation simulation = {6, 20000};
    for (int i = 0; i < SHAPES - 1; i++) {
        const int64_t layers = 3;
        icl_law *law = isotropic_law(context, shapes[i][0], shapes[i][1]);
        icl_spectrum sample, exact;
        double etas[3], own[3], t = (double)shapes[i][0], common[3];
        ASSERT_OK(context, icl_spectrum_simulated(law, &simulation, &sample));
        ASSERT_OK(context, icl_spectrum_wishart(context, shapes[i][1], shapes[i][0], 6, &exact));
        double least = best(context, law, layers, etas) / t;
        ASSERT_CLOSE(icl_deep_risk(&exact, layers, etas).value, least, TOL_ALGEBRA(10, 1), least);
        icl_estimate risk = icl_deep_risk(&sample, layers, etas);
        ASSERT_CLOSE(risk.value, least, TOL_Z, risk.standard_error);
        ASSERT_OK(context, icl_deep_best_steps(context, &sample, layers, own));
        risk = icl_deep_risk(&sample, layers, own);
        ASSERT_CLOSE(risk.value, least, TOL_Z, risk.standard_error);
        double lost = icl_deep_risk(&exact, layers, own).value - least;
        ck_assert(lost >= -TOL_ALGEBRA(10, 1) * least && lost < 2 * TOL_Z * risk.standard_error);
        double eta = icl_deep_best_common_step(&sample, layers);
        for (int l = 0; l < layers; l++)
            common[l] = eta;
        risk = icl_deep_risk(&sample, layers, common);
        double looped = best_looped(context, law, layers, &eta) / t;
        ASSERT_CLOSE(risk.value, looped, TOL_Z, risk.standard_error);
        icl_spectrum_free(context, &sample);
        icl_spectrum_free(context, &exact);
        icl_law_free(law);
    }
}
END_TEST

/* Value and standard error are those of the prompts' own risks. */
START_TEST(test_simulated_standard_error) {
    setup_context();
    const icl_simulation simulation = {6, 500};
    const double etas[] = {0.3, 0.9};
    for (int64_t n = 2; n <= 8; n += 3) {
        icl_law *law = isotropic_law(context, 4, n);
        icl_spectrum mu;
        ASSERT_OK(context, icl_spectrum_simulated(law, &simulation, &mu));
        naive_tally tally = {0};
        for (int64_t p = 0; p < 500; p++) {
            double sum = (double)(4 - mu.group);
            for (int64_t j = 0; j < mu.group; j++) {
                double s = mu.node[p * mu.group + j], q = (1 - 0.3 * s) * (1 - 0.9 * s);
                sum += q * q;
            }
            naive_add(&tally, sum / 4);
        }
        icl_estimate risk = icl_deep_risk(&mu, 2, etas);
        ASSERT_CLOSE(risk.value, naive_mean(&tally), TOL_ALGEBRA(500, 1), risk.value);
        /* the naive variance cancels (mean / deviation)^2 */
        ASSERT_CLOSE(risk.standard_error, naive_error(&tally), TOL_ALGEBRA(500, 100),
                     risk.standard_error);
        icl_spectrum_free(context, &mu);
        icl_law_free(law);
    }
}
END_TEST

/* ---- what is refused ---- */

static void check_refused(const icl_law *law, icl_status status, const char *word) {
    double etas[2] = {5, 5}, eta = 5;
    const double given[2] = {1, 1};
    icl_estimate risk = {5, 5};
    ASSERT_FAILS(context, status, word, icl_theory_deep_optimum(law, NULL, 2, etas, &risk));
    ASSERT_FAILS(context, status, word, icl_theory_deep_risk(law, NULL, 2, given, &risk));
    ASSERT_FAILS(context, status, word, icl_theory_looped_optimum(law, NULL, 2, &eta, &risk));
    ck_assert(etas[0] == 5 && eta == 5 && risk.value == 5 && risk.standard_error == 5);
}

/* Uniform covariates: no density, but samples; and of one layer the closed form (PAPERS F9). */
START_TEST(test_uniform_covariates) {
    setup_context();
    const icl_simulation simulation = {6, 20000}, few = {6, 2};
    icl_law_options o = law_options(10, 10, 0);
    o.covariates = ICL_COVARIATES_UNIFORM;
    icl_law *law = make_law(context, &o);
    double etas[3], loop, step;
    icl_estimate risk, exact, deeper;
    ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "not Gaussian need a simulation",
                 icl_theory_deep_optimum(law, NULL, 1, etas, &risk));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prompts is too small",
                 icl_theory_deep_optimum(law, &few, 40, etas, &risk));
    ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, &step, &exact));
    ASSERT_OK(context, icl_theory_deep_optimum(law, &simulation, 1, etas, &risk));
    ck_assert_double_gt(risk.standard_error, 0);
    ASSERT_CLOSE(risk.value, exact.value, 1, TOL_Z * risk.standard_error);
    etas[0] = 10 * step;
    ASSERT_OK(context, icl_theory_deep_risk(law, &simulation, 1, etas, &risk));
    ASSERT_CLOSE(risk.value, exact.value, 1, TOL_Z * risk.standard_error);
    ASSERT_OK(context, icl_theory_looped_optimum(law, &simulation, 3, &loop, &risk));
    ASSERT_OK(context, icl_theory_deep_optimum(law, &simulation, 3, etas, &deeper));
    ck_assert(deeper.value < risk.value && risk.value < exact.value);
    icl_law_free(law);
}
END_TEST

START_TEST(test_laws_without_a_closed_form) {
    setup_context();
    const double mean[3] = {0, 1, 0}, skewed[3] = {1, 2, 1}, singular[3] = {1, 0, 1};
    const double nearly[3] = {1, 1 + 1e-10, 1}, huge[3] = {1e200, 1e200, 1e200};
    for (int which = 0; which < 6; which++) {
        icl_law_options o = law_options(3, 4, which == 0 ? 0.25 : 0);
        o.prior_mean = which == 1 ? mean : NULL;
        o.labels = which == 2 ? ICL_LABELS_TANH : ICL_LABELS_LINEAR;
        o.covariance = which < 3 ? ICL_COVARIANCE_IDENTITY : ICL_COVARIANCE_DIAGONAL;
        o.covariance_values = which == 3 ? skewed : which == 4 ? singular : nearly;
        static const char *const words[] = {"noise = 0.25", "mean",     "labels",
                                            "Sigma^-1",     "singular", "Sigma^-1"};
        icl_law *law = make_law(context, &o);
        check_refused(law, ICL_ERR_NO_CLOSED_FORM, words[which]);
        icl_law_free(law);
    }
    icl_law_options o = law_options(3, 4, 0);
    o.covariance = o.prior = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = o.prior_values = huge;
    icl_law *law = make_law(context, &o);
    check_refused(law, ICL_ERR_NONFINITE, "overflow");
    icl_law_free(law);
}
END_TEST

/* W = Sigma^-1 but for one direction, or but for a rotation. */
START_TEST(test_dense_priors_that_are_not_white) {
    setup_context();
    double values[4] = {1, 0.1, 0.01, 0.001}, inverse[4], sigma[16], W[16];
    for (int i = 0; i < 4; i++)
        inverse[i] = 1 / values[i];
    random_covariance(context, 3, 4, values, sigma);
    for (int which = 0; which < 3; which++) {
        for (int i = 0; i < 4; i++)
            inverse[i] = (which == 1 && i == 2 ? 1 + 1e-6 : 1) / values[i];
        random_covariance(context, which == 2 ? 4 : 3, 4, inverse, W);
        icl_law *law = make_dense_law(context, 4, 6, 0, sigma, W);
        double etas[2];
        if (which == 0)
            ASSERT_CLOSE(best(context, law, 2, etas), best(context, law, 2, NULL), 0, 1);
        else
            check_refused(law, ICL_ERR_NO_CLOSED_FORM, "not a multiple of Sigma^-1");
        icl_law_free(law);
    }
    /* rounding at such a spread would be 7e-3, but nothing above 1e-6 passes */
    const double steep[2] = {1, 1e-12}, nearly[2] = {1, 1e12 * (1 + 1e-5)};
    icl_law_options o = law_options(2, 6, 0);
    o.covariance = o.prior = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = steep;
    o.prior_values = nearly;
    icl_law *law = make_law(context, &o);
    check_refused(law, ICL_ERR_NO_CLOSED_FORM, "not a multiple of Sigma^-1");
    icl_law_free(law);
}
END_TEST

START_TEST(test_bad_arguments) {
    setup_context();
    icl_law *law = isotropic_law(context, 3, 4);
    double etas[3] = {0.5, 0.5, 0.5};
    icl_estimate risk = {5, 5};
    ck_assert_int_eq(icl_theory_deep_optimum(NULL, NULL, 1, etas, &risk), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_deep_risk(NULL, NULL, 1, etas, &risk), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_looped_optimum(NULL, NULL, 1, etas, &risk), ICL_ERR_ARGUMENT);
    const int64_t layers[] = {0, -1, MOST + 1, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 5; i++) {
        int64_t bad = layers[i];
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT,
                     "layers = ", icl_theory_deep_optimum(law, NULL, bad, etas, &risk));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT,
                     "layers = ", icl_theory_deep_risk(law, NULL, bad, etas, &risk));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT,
                     "loops = ", icl_theory_looped_optimum(law, NULL, bad, etas, &risk));
    }
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "etas_mean is NULL",
                 icl_theory_deep_risk(law, NULL, 2, NULL, &risk));
    const double bads[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        double bad[2] = {0.5, bads[i]};
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "etas_mean[1]",
                     icl_theory_deep_risk(law, NULL, 2, bad, &risk));
    }
    double huge[2] = {1e200, 1};
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflows",
                 icl_theory_deep_risk(law, NULL, 2, huge, &risk));
    ck_assert(risk.value == 5 && etas[0] == 0.5);
    icl_law_free(law);
}
END_TEST

START_TEST(test_simulations_and_unwanted_outputs) {
    setup_context();
    icl_law *law = isotropic_law(context, 3, 4);
    const icl_simulation usable = {1, 10}, seed = {UINT64_MAX, 10}, few = {1, 1};
    double etas[2], eta, same[2];
    icl_estimate risk, unused;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "seed",
                 icl_theory_deep_optimum(law, &seed, 2, etas, &risk));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prompts",
                 icl_theory_looped_optimum(law, &few, 2, &eta, &risk));
    best(context, law, 2, etas);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prompts",
                 icl_theory_deep_risk(law, &few, 2, etas, &risk));
    ASSERT_OK(context, icl_theory_deep_optimum(law, NULL, 2, NULL, &risk));
    ASSERT_OK(context, icl_theory_deep_optimum(law, NULL, 2, same, NULL));
    ASSERT_OK(context, icl_theory_deep_risk(law, NULL, 2, etas, NULL));
    ASSERT_OK(context, icl_theory_looped_optimum(law, NULL, 2, NULL, NULL));
    ck_assert_mem_eq(etas, same, sizeof etas);
    /* not used where there is a closed form */
    ASSERT_OK(context, icl_theory_deep_optimum(law, &usable, 2, same, &unused));
    ck_assert_mem_eq(etas, same, sizeof etas);
    ck_assert(unused.value == risk.value && unused.standard_error == 0);
    icl_law_free(law);
}
END_TEST

/* ---- failing memory ---- */

static icl_status all_of_deep(icl_context *own, void *user) {
    const double values[3] = {1, 2, 3};
    double etas[3], eta;
    icl_estimate risk;
    icl_law_options o = law_options(3, 4, 0);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = values;
    o.prior = ICL_COVARIANCE_INVERSE;
    icl_law *law;
    (void)user;
    icl_status status = icl_law_create(own, &o, &law);
    if (status == ICL_OK)
        status = icl_theory_deep_optimum(law, NULL, 3, etas, &risk);
    if (status == ICL_OK)
        status = icl_theory_deep_risk(law, NULL, 3, etas, &risk);
    if (status == ICL_OK)
        status = icl_theory_looped_optimum(law, NULL, 3, &eta, &risk);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation) {
    check_every_allocation(all_of_deep, NULL);
}
END_TEST

RUN_SUITE("theory_deep_laws", test_whitened_laws_are_isotropic, test_no_examples, test_no_signal,
          test_simulated_road_against_the_exact_one, test_simulated_standard_error,
          test_uniform_covariates, test_laws_without_a_closed_form,
          test_dense_priors_that_are_not_white, test_bad_arguments,
          test_simulations_and_unwanted_outputs, test_every_allocation)
