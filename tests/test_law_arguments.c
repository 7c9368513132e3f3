/* The arguments of laws: option structs of other versions, ranges, numbers, NULL. */
#include "prompt_reference.h"

START_TEST(test_options) {
    icl_law_options o;
    memset(&o, 0xa5, sizeof o);
    ck_assert_int_eq(icl_law_options_init(NULL, sizeof o), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_law_options_init(&o, sizeof(size_t) - 1), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(((unsigned char *)&o)[0], 0xa5);
    ck_assert_int_eq(icl_law_options_init(&o, offsetof(icl_law_options, noise)), ICL_OK);
    ck_assert_uint_eq(o.size, offsetof(icl_law_options, noise));
    ck_assert_int_eq(o.dim, 5);
    ck_assert_int_eq(o.context, 20);
    for (size_t i = offsetof(icl_law_options, noise); i < sizeof o; i++)
        ck_assert_int_eq(((unsigned char *)&o)[i], 0xa5); /* not a byte beyond the caller's size */
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    ck_assert(o.noise == 0 && o.covariance == ICL_COVARIANCE_IDENTITY && o.hidden == 4);
    ck_assert_int_eq(o.covariates, ICL_COVARIATES_GAUSSIAN);
    ck_assert(o.noise_law == ICL_NOISE_FIXED && o.noise_values == NULL && o.noise_count == 0);
    ck_assert(o.prior_mean == NULL && o.labels == ICL_LABELS_LINEAR && o.label_odd == 0);
}
END_TEST

/* A caller compiled against an older or a newer header. */
START_TEST(test_options_of_other_versions) {
    struct {
        icl_law_options known;
        double tail[2];
    } newer;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law *law;
    ck_assert_int_eq(icl_law_options_init(&newer.known, sizeof newer), ICL_OK);
    ASSERT_OK(context, icl_law_create(context, &newer.known, &law));
    icl_law_free(law);
    newer.tail[1] = 1;
    law = (icl_law *)&newer;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "non-zero byte",
                 icl_law_create(context, &newer.known, &law));
    ck_assert_ptr_null(law);

    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.size = offsetof(icl_law_options, noise); /* an older caller: what lies beyond is not read */
    o.noise = NAN;
    o.labels = (icl_labels)99;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ck_assert(icl_law_noise(law) == 0 && icl_law_labels(law) == ICL_LABELS_LINEAR);
    icl_law_free(law);
    /* one whose struct ended with label_odd, and what its compiler left in the padding behind it */
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.size = offsetof(icl_law_options, noise_values);
    size_t end = offsetof(icl_law_options, label_odd) + sizeof o.label_odd;
    memset((char *)&o + end, 0xff, sizeof o - end);
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ck_assert_int_eq(icl_law_covariates(law), ICL_COVARIATES_GAUSSIAN);
    icl_law_free(law);
    o.size = sizeof(size_t) - 1;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "options.size", icl_law_create(context, &o, &law));
    icl_context_free(context);
}
END_TEST

START_TEST(test_defaults_and_null) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    icl_law *law = make_law(context, &o);
    ck_assert_int_eq(icl_law_dim(law), 5);
    ck_assert_int_eq(icl_law_context(law), 20);
    ck_assert_double_eq(icl_law_noise(law), 0);
    ck_assert_int_eq(icl_law_labels(law), ICL_LABELS_LINEAR);
    ck_assert_int_eq(icl_law_covariates(law), ICL_COVARIATES_GAUSSIAN);
    ck_assert_ptr_null(icl_law_prior_mean(law));
    icl_law_free(law);
    o.covariates = ICL_COVARIATES_UNIFORM;
    law = make_law(context, &o);
    ck_assert_int_eq(icl_law_covariates(law), ICL_COVARIATES_UNIFORM);
    icl_law_free(law);
    icl_law_free(NULL);
    ck_assert_int_eq(icl_law_dim(NULL), 0);
    ck_assert_int_eq(icl_law_context(NULL), 0);
    ck_assert_double_eq(icl_law_noise(NULL), 0);
    ck_assert_int_eq(icl_law_labels(NULL), ICL_LABELS_LINEAR);
    ck_assert_int_eq(icl_law_covariates(NULL), ICL_COVARIATES_GAUSSIAN);
    ck_assert_ptr_null(icl_law_covariance(NULL));
    ck_assert_ptr_null(icl_law_prior(NULL));
    ck_assert_ptr_null(icl_law_prior_mean(NULL));
    icl_context_free(context);
}
END_TEST

START_TEST(test_sizes_and_numbers_out_of_range) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
#define REFUSE(field, value, status, word)                                                         \
    make_case(ICL_COVARIANCE_DENSE, PRIORS + ICL_COVARIANCE_DENSE, 3, 2, 0.5, &c);                 \
    c.options.field = (value);                                                                     \
    refuse_law(context, &c.options, status, word)
    REFUSE(dim, 0, ICL_ERR_ARGUMENT, "dim = 0");
    REFUSE(dim, -1, ICL_ERR_ARGUMENT, "dim = -1");
    REFUSE(dim, 16385, ICL_ERR_ARGUMENT, "dim = 16385");
    REFUSE(dim, INT64_MAX, ICL_ERR_ARGUMENT, "dim = 9223372036854775807");
    REFUSE(context, -1, ICL_ERR_ARGUMENT, "context = -1");
    REFUSE(context, (INT64_C(1) << 31) + 1, ICL_ERR_ARGUMENT, "context = 2147483649");
    REFUSE(noise, -1e-300, ICL_ERR_ARGUMENT, "noise = -1e-300");
    REFUSE(noise, NAN, ICL_ERR_NONFINITE, "noise");
    REFUSE(noise, INFINITY, ICL_ERR_NONFINITE, "noise");
    REFUSE(covariance, ICL_COVARIANCE_INVERSE, ICL_ERR_ARGUMENT, "covariance = 4");
    REFUSE(covariance, (icl_covariance)-1, ICL_ERR_ARGUMENT, "covariance = ");
    REFUSE(prior, (icl_covariance)8, ICL_ERR_ARGUMENT, "prior = 8");
    REFUSE(labels, (icl_labels)14, ICL_ERR_ARGUMENT, "labels = 14");
    REFUSE(noise_law, (icl_noise_law)3, ICL_ERR_ARGUMENT, "noise_law = 3");
    REFUSE(noise_law, (icl_noise_law)-1, ICL_ERR_ARGUMENT, "noise_law = ");
    REFUSE(noise_law, ICL_NOISE_SET, ICL_ERR_ARGUMENT, "noise_count = 0");
    REFUSE(covariates, (icl_covariates)4, ICL_ERR_ARGUMENT, "covariates = 4");
    REFUSE(covariates, (icl_covariates)-1, ICL_ERR_ARGUMENT, "covariates = ");
    REFUSE(rotation_seed, UINT64_MAX, ICL_ERR_ARGUMENT, "seed");
    REFUSE(covariance_values, NULL, ICL_ERR_ARGUMENT, "covariance_values is NULL");
    REFUSE(prior_values, NULL, ICL_ERR_ARGUMENT, "prior_values is NULL");
    REFUSE(labels, ICL_LABELS_TANH, ICL_ERR_ARGUMENT, "prior = 2");
#undef REFUSE
    icl_context_free(context);
}
END_TEST

START_TEST(test_numbers_that_are_not_finite) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kind = ICL_COVARIANCE_DIAGONAL; kind < COVARIANCES; kind++) {
        make_case(kind, PRIORS + kind, 3, 2, 0, &c);
        c.dense[2] = c.eigenvalues[2] = NAN;
        refuse_law(context, &c.options, ICL_ERR_NONFINITE, "covariance_values[2]");
        c.options.covariance = ICL_COVARIANCE_IDENTITY; /* then the values are not read */
        refuse_law(context, &c.options, ICL_ERR_NONFINITE, "prior_values[2]");
        c.options.prior = ICL_COVARIANCE_IDENTITY;
        icl_law_free(make_law(context, &c.options));
        c.mean[1] = -INFINITY;
        refuse_law(context, &c.options, ICL_ERR_NONFINITE, "prior_mean[1]");
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_noise_levels) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 3, 2, 0.5, &c);
    c.options.noise_law = ICL_NOISE_SET;
    c.options.noise_count = 3;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "noise_values is NULL");
    c.options.noise_values = c.levels;
    c.options.noise_count = 65537;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "noise_count = 65537");
    c.options.noise_count = -1;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "noise_count = -1");
    c.options.noise_count = 3;
    c.levels[2] = -1e-300;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "noise_values[2] = -1e-300");
    c.levels[2] = 1.1e150;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "noise_values[2] = 1.1e+150");
    c.levels[2] = NAN;
    refuse_law(context, &c.options, ICL_ERR_NONFINITE, "noise_values[2]");
    c.options.noise_count = 2; /* what lies beyond is not read */
    icl_law_free(make_law(context, &c.options));
    c.options.noise_law = ICL_NOISE_UNIFORM; /* nor are the values of other laws */
    c.options.noise_count = -7;
    icl_law_free(make_law(context, &c.options));
    c.options.noise = -1;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "noise = -1");
    icl_context_free(context);
}
END_TEST

/* The mean of sigma^2, and what law_with makes of it. */
START_TEST(test_mean_noise) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 3, 2, 0.75, &c);
    const double levels[4] = {0, 1, 3, 5};
    for (int kind = 0; kind <= ICL_NOISE_SET; kind++) {
        const double expected[] = {0.75, 0.25, 35.0 / 4};
        c.options.noise_law = (icl_noise_law)kind;
        c.options.noise_values = levels;
        c.options.noise_count = 4;
        icl_law *law = make_law(context, &c.options), *with;
        ASSERT_CLOSE(icl_law_noise(law), expected[kind], 4 * UNIT, expected[kind]);
        ASSERT_OK(context, icl_law_with(law, 2, 1.5, &with));
        ck_assert_double_eq(icl_law_noise(with), 1.5);
        icl_sampler *sampler;
        ASSERT_OK(context, icl_sampler_create(context, with, 0, &sampler));
        icl_batch *batch = draw_prompts(context, sampler, 0, 9, 1);
        for (int p = 0; p < 9; p++)
            ck_assert_double_eq(icl_batch_noise(batch)[p], 1.5);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
        icl_law_free(with);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_labels_and_what_goes_with_them) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int variant = FIRST_NONLINEAR; variant < PLAIN_VARIANTS; variant++) {
        make_case(ICL_COVARIANCE_IDENTITY, variant, 3, 2, 0, &c);
        c.options.prior_mean = c.mean;
        refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "prior_mean");
        c.options.prior_mean = NULL;
        c.options.prior = ICL_COVARIANCE_INVERSE;
        refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "prior = 4");
        c.options.prior = ICL_COVARIANCE_IDENTITY;
        c.options.hidden = 0;
        if (c.options.labels != ICL_LABELS_NET) { /* others have no width */
            icl_law_free(make_law(context, &c.options));
        } else {
            refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "hidden = 0");
            c.options.hidden = 65537;
            refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "hidden = 65537");
        }
        c.options.label_fn = NULL;
        if (c.options.labels == ICL_LABELS_CALLBACK)
            refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "label_fn is NULL");
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_null_arguments) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    icl_law *law = (icl_law *)&o;
    ck_assert_int_eq(icl_law_create(NULL, &o, &law), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(law);
    ck_assert_int_eq(icl_law_create(NULL, NULL, NULL), ICL_ERR_ARGUMENT);
    ASSERT_OK(context, icl_law_create(context, NULL, &law));
    ck_assert_int_eq(icl_law_context(law), 20);
    icl_law_free(law);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL", icl_law_create(context, &o, NULL));
    icl_context_free(context);
}
END_TEST

START_TEST(test_law_with_bad_arguments) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    icl_law *law = make_law(context, &o), *out = law;
    ck_assert_int_eq(icl_law_with(NULL, 1, 1, &out), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(out);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL", icl_law_with(law, 1, 1, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "context = -1", icl_law_with(law, -1, 1, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "context = 2147483649",
                 icl_law_with(law, (INT64_C(1) << 31) + 1, 1, &out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "noise = -1", icl_law_with(law, 1, -1, &out));
    out = law;
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "noise", icl_law_with(law, 1, NAN, &out));
    ck_assert_ptr_null(out);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("law_arguments", test_options, test_options_of_other_versions, test_defaults_and_null,
          test_sizes_and_numbers_out_of_range, test_numbers_that_are_not_finite, test_noise_levels,
          test_mean_noise, test_labels_and_what_goes_with_them, test_null_arguments,
          test_law_with_bad_arguments)
