/* Training leads to the theorems: on the exact loss, on samples, with a narrow layer; and what has no
 * closed form is said. */
#include "test_train.h"

static void check_population(setting *s, double distance) {
    s->trainer.on = ICL_TRAIN_POPULATION;
    s->optimiser.method = ICL_OPTIMISER_LBFGS;
    s->optimiser.rate = 1;
    s->trainer.steps = 5000;
    bench b = start(s);
    icl_train_report report;
    icl_certificate c = {.size = sizeof c};
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ASSERT_OK(b.context, icl_model_certify(b.model, b.law, NULL, &c));
    ck_assert_msg(c.gamma_distance <= distance, "distance %g after %lld steps: %s",
                  c.gamma_distance, (long long)report.step, icl_stop_name(report.stop));
    ck_assert_double_le(c.even_part, distance);
    ASSERT_CLOSE(report.loss, c.risk, 1e-9, c.risk);
    finish(&b);
}

START_TEST(test_exact_loss_leads_to_the_theorem) {
    for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++) {
        setting s = defaults();
        s.model.parametrisation = (icl_parametrisation)form;
        check_population(&s, 1e-8);
        s.law.dim = 10;
        s.law.context = 10;
        s.law.noise = 1;
        check_population(&s, 1e-8);
        s.law.labels = ICL_LABELS_TANH;
        check_population(&s, 1e-8);
    }
}
END_TEST

START_TEST(test_exact_loss_with_skewed_spectra) {
    static const double spectrum[] = {100, 100, 1, 1, 1};
    for (int inverse = 0; inverse <= 1; inverse++)
        for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++) {
            setting s = defaults();
            s.model.parametrisation = (icl_parametrisation)form;
            s.model.init_scale = 0.01;
            s.law.covariance = ICL_COVARIANCE_SPECTRUM;
            s.law.covariance_values = spectrum;
            s.law.prior = inverse ? ICL_COVARIANCE_INVERSE : ICL_COVARIANCE_IDENTITY;
            check_population(&s, 1e-6);
        }
}
END_TEST

START_TEST(test_inner_width_below_d) {
    static const double spectrum[] = {4, 3, 2, 1};
    setting s = defaults();
    s.law.dim = 4;
    s.law.covariance = ICL_COVARIANCE_SPECTRUM;
    s.law.covariance_values = spectrum;
    s.model.parametrisation = ICL_PARAMETRISATION_KQV;
    s.model.width = 2;
    s.trainer.excess_tolerance = 1e-12;
    check_population(&s, 1e-5);
}
END_TEST

START_TEST(test_stops_by_gradient_and_excess) {
    for (int excess = 0; excess <= 1; excess++) {
        setting s = defaults();
        s.trainer.on = ICL_TRAIN_POPULATION;
        s.optimiser.method = ICL_OPTIMISER_LBFGS;
        s.trainer.steps = 1000;
        s.trainer.excess_tolerance = excess ? 1e-3 : 0;
        s.trainer.gradient_tolerance = excess ? 0 : 1e-3;
        bench b = start(&s);
        icl_train_report report;
        ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
        ck_assert_int_eq(report.stop, excess ? ICL_STOP_EXCESS : ICL_STOP_GRADIENT);
        ck_assert_double_le(excess ? report.excess : report.gradient_norm, 1e-3);
        ck_assert_double_gt(excess ? report.excess : report.gradient_norm, 0);
        finish(&b);
    }
}
END_TEST

/* d = 5, n = 20, noiseless: the first paper's F3 has eta = 1/26 and risk 30/26. */
START_TEST(test_samples_lead_to_the_theorem) {
    setting s = defaults();
    s.threads = 2;
    s.optimiser.rate = 0.02;
    s.optimiser.schedule = ICL_SCHEDULE_COSINE;
    s.optimiser.period = 600;
    s.trainer.steps = 600;
    s.trainer.batch = 2048;
    s.trainer.queries = 4;
    s.trainer.excess_tolerance = 1e-300; /* certified on the way, never met */
    bench b = start(&s);
    icl_train_report report;
    icl_certificate c = {.size = sizeof c};
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ASSERT_OK(b.context, icl_model_certify(b.model, b.law, NULL, &c));
    ck_assert_double_le(c.gamma_distance, 0.03);
    ck_assert_double_le(c.excess, 0.005 * c.risk_optimum);
    ASSERT_CLOSE(c.step, 1.0 / 26, 0.01, 1.0 / 26);
    ASSERT_CLOSE(c.risk_optimum, 30.0 / 26, TOL_ALGEBRA(10, 1), 1);
    ASSERT_CLOSE(c.excess, report.excess, 1e-9, 1);
    finish(&b);
}
END_TEST

START_TEST(test_no_closed_form_is_said) {
    static const double mean[5] = {2, 0, 0, 0, 0}, spectrum[5] = {1, 2, 3, 4, 5};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    setting s = defaults();
    s.trainer.on = ICL_TRAIN_POPULATION;
    icl_law *law;
    s.law.labels = ICL_LABELS_RELU;
    s.law.covariance = ICL_COVARIANCE_DIAGONAL;
    s.law.covariance_values = spectrum;
    ASSERT_OK(context, icl_law_create(context, &s.law, &law));
    icl_sampler *sampler;
    icl_model *model;
    icl_optimiser *adam;
    icl_trainer *trainer;
    ASSERT_OK(context, icl_sampler_create(context, law, 0, &sampler));
    ASSERT_OK(context, icl_model_create(context, &s.model, &model));
    ASSERT_OK(context, icl_optimiser_create(context, &s.optimiser, 72, &adam));
    ck_assert_int_eq(icl_trainer_create(context, model, adam, sampler, &s.trainer, &trainer),
                     ICL_ERR_NO_CLOSED_FORM);
    icl_sampler_free(sampler);
    icl_law_free(law);
    /* a prior mean: fine while u = r = 0 is kept, refused where it is not */
    s.law = defaults().law;
    s.law.prior_mean = mean;
    ASSERT_OK(context, icl_law_create(context, &s.law, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 0, &sampler));
    ASSERT_OK(context, icl_trainer_create(context, model, adam, sampler, &s.trainer, &trainer));
    ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "prior mean", icl_trainer_run(trainer, NULL));
    uint8_t P[36] = {0}, Q[36];
    for (int i = 0; i < 36; i++)
        Q[i] = (uint8_t)(i < 30);
    P[35] = 1;
    ASSERT_OK(context, icl_model_set_trained(model, "P", P));
    ASSERT_OK(context, icl_model_set_trained(model, "Q", Q));
    ASSERT_OK(context, icl_trainer_run(trainer, NULL));
    double x[36] = {0};
    x[30] = 1;
    ASSERT_OK(context, icl_model_set(model, "P", x));
    ck_assert_int_eq(icl_trainer_run(trainer, NULL), ICL_ERR_NO_CLOSED_FORM);
    icl_trainer_free(trainer);
    icl_optimiser_free(adam);
    icl_model_free(model);
    icl_sampler_free(sampler);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("train_theorem", test_exact_loss_leads_to_the_theorem,
          test_exact_loss_with_skewed_spectra, test_inner_width_below_d,
          test_stops_by_gradient_and_excess, test_samples_lead_to_the_theorem,
          test_no_closed_form_is_said)
