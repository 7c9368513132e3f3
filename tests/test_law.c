/* Laws: Sigma and W against what the options say, roots and eigenvectors against Sigma, copies,
 * the order of frees, failing memory. Arguments: test_law_arguments.c. */
#include "prompt_reference.h"

/* ---- matrices ---- */

/* What the options call a covariance, by its definition. */
static void define_covariance(icl_context *context, int64_t d, icl_covariance kind,
                              const law_case *c, uint64_t stream, double *out) {
    double *Q = malloc((size_t)(d * d) * sizeof *Q);
    ASSERT_OK(context, icl_random_rotation(context, c->options.rotation_seed, stream, d, Q));
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double diagonal = kind == ICL_COVARIANCE_IDENTITY ? 1 : c->eigenvalues[i];
            double sum = kind == ICL_COVARIANCE_DENSE ? c->dense[i * d + j] : (i == j) * diagonal;
            if (kind == ICL_COVARIANCE_SPECTRUM) {
                sum = 0;
                for (int64_t k = 0; k < d; k++)
                    sum += Q[i * d + k] * c->eigenvalues[k] * Q[j * d + k];
            }
            out[i * d + j] = sum;
        }
    free(Q);
}

static void check_symmetric(int64_t d, const double *a) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < i; j++)
            QUICK_CLOSE(a[i * d + j], a[j * d + i], 0);
}

/* root root^T = a */
static void check_root(const icl_root *root, int64_t d, const double *a, double scale) {
    double *columns = malloc((size_t)(d * d) * sizeof *columns), *e = calloc((size_t)d, sizeof *e);
    for (int64_t k = 0; k < d; k++) {
        e[k] = 1;
        icl_root_apply(root, d, e, columns + k * d);
        e[k] = 0;
    }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++)
                sum += columns[k * d + i] * columns[k * d + j];
            QUICK_CLOSE(sum, a[i * d + j], TOL_ALGEBRA(d, 1) * scale);
        }
    free(columns);
    free(e);
}

/* Sigma = sum_k values_k v_k v_k^T with orthonormal rows v_k and values that ascend from >= 0. */
static void check_eigenvectors(const icl_law *law, double scale) {
    int64_t d = law->dim;
    for (int64_t i = 0; i < d; i++) {
        ck_assert(law->values[i] >= (i > 0 ? law->values[i - 1] : 0));
        for (int64_t j = 0; j < d; j++) {
            double dot = 0, entry = 0;
            for (int64_t k = 0; k < d; k++) {
                dot += law->vectors[i * d + k] * law->vectors[j * d + k];
                entry += law->values[k] * law->vectors[k * d + i] * law->vectors[k * d + j];
            }
            QUICK_CLOSE(dot, i == j, TOL_ALGEBRA(d, 1));
            ASSERT_CLOSE(entry, law->covariance[i * d + j], TOL_ALGEBRA(d, 1), scale);
        }
    }
}

/* W Sigma = I; the eigenvalues lie between 1/4 and 4.25, those of the dense matrix between 1 and 8.
 */
static void check_inverse(int64_t d, const double *W, const double *sigma) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++)
                sum += W[i * d + k] * sigma[k * d + j];
            ASSERT_CLOSE(sum, i == j, TOL_ALGEBRA(d, 17), 1);
        }
}

static void check_law(icl_context *context, int covariance, int prior, int64_t d) {
    static law_case c;
    static double expected[MAX_DIM * MAX_DIM];
    make_case(covariance, prior, d, 3, 0.5, &c);
    icl_law *law = make_law(context, &c.options);
    define_covariance(context, d, (icl_covariance)covariance, &c, 0, expected);
    for (int64_t i = 0; i < d * d; i++)
        ASSERT_CLOSE(icl_law_covariance(law)[i], expected[i], TOL_ALGEBRA(d, 1), 5);
    check_symmetric(d, icl_law_covariance(law));
    check_root(&law->root, d, law->covariance, 8);
    check_eigenvectors(law, 8);
    check_symmetric(d, icl_law_prior(law));
    check_root(&law->prior_root, d, law->prior, 8);
    if (prior == ICL_COVARIANCE_INVERSE) {
        check_inverse(d, icl_law_prior(law), icl_law_covariance(law));
    } else {
        define_covariance(context, d, (icl_covariance)prior, &c, 1, expected);
        for (int64_t i = 0; i < d * d; i++)
            ASSERT_CLOSE(icl_law_prior(law)[i], expected[i], TOL_ALGEBRA(d, 1), 5);
    }
    icl_law_free(law);
}

START_TEST(test_matrices_are_what_the_options_say) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t dims[] = {1, 2, 5, 12};
    for (int covariance = 0; covariance < COVARIANCES; covariance++)
        for (int prior = 0; prior < PRIORS; prior++)
            for (int i = 0; i < 4; i++)
                check_law(context, covariance, prior, dims[i]);
    check_law(context, ICL_COVARIANCE_SPECTRUM, ICL_COVARIANCE_INVERSE, MAX_DIM);
    icl_context_free(context);
}
END_TEST

START_TEST(test_rotations_of_sigma_and_of_the_prior_are_two) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_SPECTRUM, ICL_COVARIANCE_SPECTRUM, 5, 3, 0, &c);
    icl_law *law = make_law(context, &c.options);
    ck_assert(relative_difference(25, icl_law_covariance(law), icl_law_prior(law)) > 0.1);
    c.options.rotation_seed++;
    icl_law *other = make_law(context, &c.options);
    ck_assert(relative_difference(25, icl_law_covariance(law), icl_law_covariance(other)) > 0.1);
    icl_law_free(law);
    icl_law_free(other);
    icl_context_free(context);
}
END_TEST

/* The caller's arrays are borrowed during the call only; a mean of zeros is none. */
START_TEST(test_arrays_are_copied) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_DENSE, PRIORS + ICL_COVARIANCE_DIAGONAL, 5, 3, 4, &c);
    c.options.noise_law = ICL_NOISE_SET;
    c.options.noise_values = c.levels;
    c.options.noise_count = 3;
    icl_law *law = make_law(context, &c.options);
    double mean[5];
    memcpy(mean, c.mean, sizeof mean);
    memset(c.dense, 0xff, sizeof c.dense);
    memset(c.eigenvalues, 0xff, sizeof c.eigenvalues);
    memset(c.mean, 0xff, sizeof c.mean);
    memset(c.levels, 0xff, sizeof c.levels);
    ck_assert_double_eq(law->levels[0], 1);
    ck_assert_double_eq(law->levels[2], 3);
    ck_assert_double_eq(icl_law_covariance(law)[0], 2);
    ck_assert_double_eq(icl_law_prior(law)[0], 0.25);
    ck_assert_mem_eq(icl_law_prior_mean(law), mean, sizeof mean);
    icl_law_free(law);

    make_case(ICL_COVARIANCE_IDENTITY, PRIORS, 5, 3, 0, &c);
    memset(c.mean, 0, sizeof c.mean);
    law = make_law(context, &c.options);
    ck_assert_ptr_null(icl_law_prior_mean(law));
    icl_law_free(law);
    c.mean[4] = -1e-300;
    law = make_law(context, &c.options);
    ck_assert_double_eq(icl_law_prior_mean(law)[4], -1e-300);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_nonlinear_laws_have_no_prior) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int variant = FIRST_NONLINEAR; variant < PLAIN_VARIANTS; variant++) {
        make_case(ICL_COVARIANCE_DENSE, variant, 5, 3, 0, &c);
        icl_law *law = make_law(context, &c.options);
        ck_assert_int_eq(icl_law_labels(law), c.options.labels);
        ck_assert_ptr_null(icl_law_prior(law));
        ck_assert_ptr_null(icl_law_prior_mean(law));
        ck_assert_double_eq(icl_law_covariance(law)[0], 2);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

/* ---- rank and sign ---- */

START_TEST(test_singular_covariances) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static law_case c;
    for (int kind = ICL_COVARIANCE_DIAGONAL; kind < COVARIANCES; kind++) {
        make_case(kind, ICL_COVARIANCE_IDENTITY, 3, 2, 0, &c);
        for (int i = 0; i < 9; i++)
            c.dense[i] = (1 + i / 3) * (1 + i % 3); /* rank one: u u^T, u = (1, 2, 3) */
        c.eigenvalues[1] = 0;
        icl_law *law = make_law(context, &c.options);
        ck_assert(law->values[0] >= 0 && law->values[0] <= 14 * TOL_ALGEBRA(3, 1));
        check_root(&law->root, 3, law->covariance, 14);
        check_eigenvectors(law, 14);
        icl_law_free(law);
        c.options.prior = ICL_COVARIANCE_INVERSE;
        refuse_law(context, &c.options, ICL_ERR_SINGULAR, "eigenvalue");
        c.options.prior = (icl_covariance)kind; /* a singular W is legal */
        c.options.prior_values = c.options.covariance_values;
        icl_law_free(make_law(context, &c.options));
    }
    for (int i = 0; i < 3; i++)
        c.eigenvalues[i] = 1e-310; /* as well conditioned as can be, but 1 / 1e-310 is infinite */
    c.options.covariance = ICL_COVARIANCE_DIAGONAL;
    c.options.covariance_values = c.eigenvalues;
    c.options.prior = ICL_COVARIANCE_INVERSE;
    refuse_law(context, &c.options, ICL_ERR_SINGULAR, "1e-310");
    icl_context_free(context);
}
END_TEST

START_TEST(test_symmetry_to_1e_12) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_DENSE, ICL_COVARIANCE_DENSE, 4, 2, 0, &c);
    c.dense[4 * 2 + 1] += 1.9e-12; /* the largest entry is 2 */
    icl_law *law = make_law(context, &c.options);
    check_symmetric(4, icl_law_covariance(law));
    ck_assert_double_eq(icl_law_covariance(law)[9], 0.5 * c.dense[9] + 0.5 * c.dense[6]);
    icl_law_free(law);
    c.dense[4 * 2 + 1] = c.dense[4 + 2] + 2.1e-12;
    refuse_law(context, &c.options, ICL_ERR_NOT_PSD,
               "covariance_values: not symmetric: entries (2, 1)");
    c.options.covariance = ICL_COVARIANCE_IDENTITY;
    refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "prior_values: not symmetric: entries (2, 1)");
    icl_context_free(context);
}
END_TEST

START_TEST(test_negative_eigenvalues) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kind = ICL_COVARIANCE_DIAGONAL; kind < COVARIANCES; kind++) {
        make_case(kind, kind, 2, 2, 0, &c);
        const double exchange[] = {1, 3, 3, 1}; /* eigenvalues -2 and 4 */
        memcpy(c.dense, exchange, sizeof exchange);
        c.eigenvalues[1] = -2;
        refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "= -2");
        refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "covariance_values");
        c.options.covariance = ICL_COVARIANCE_IDENTITY;
        refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "prior_values");
        /* rounding is forgiven: -0.9e-12 of the largest; but not twice that */
        make_case(kind, 0, 2, 2, 0, &c);
        for (int i = 0; i < 2; i++) {
            double small = i == 0 ? -0.9e-12 : -1.8e-12;
            const double diagonal[] = {1, 0, 0, small};
            memcpy(c.dense, diagonal, sizeof diagonal);
            c.eigenvalues[0] = 1;
            c.eigenvalues[1] = small;
            if (i == 1) {
                refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "-1.8e-12");
                continue;
            }
            icl_law *law = make_law(context, &c.options);
            ck_assert(law->values[0] == 0 && fabs(law->values[1] - 1) <= TOL_ALGEBRA(2, 1));
            icl_law_free(law);
        }
        make_case(kind, 0, 1, 2, 0, &c); /* the whole is negative */
        c.dense[0] = c.eigenvalues[0] = -1e-20;
        refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "-1e-20");
        c.dense[0] = c.eigenvalues[0] = 0; /* the law of x = 0 */
        icl_law_free(make_law(context, &c.options));
    }
    icl_context_free(context);
}
END_TEST

/* ---- copies and life ---- */

START_TEST(test_law_with_another_context_and_noise) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(ICL_COVARIANCE_SPECTRUM, PRIORS + ICL_COVARIANCE_INVERSE, 5, 3, 0.25, &c);
    icl_law *law = make_law(context, &c.options), *shifted = NULL;
    ASSERT_OK(context, icl_law_with(law, 0, 2, &shifted));
    ck_assert(icl_law_context(shifted) == 0 && icl_law_noise(shifted) == 2);
    ck_assert(icl_law_context(law) == 3 && icl_law_noise(law) == 0.25);
    ck_assert_ptr_eq(icl_law_covariance(shifted), icl_law_covariance(law)); /* shared */
    ck_assert_ptr_eq(icl_law_prior(shifted), icl_law_prior(law));
    ck_assert_ptr_eq(icl_law_prior_mean(shifted), icl_law_prior_mean(law));
    double entry = icl_law_covariance(law)[7];
    icl_law_free(law);
    icl_context_free(context); /* the objects keep it */
    ck_assert_double_eq(icl_law_covariance(shifted)[7], entry);
    icl_law *third;
    ck_assert_int_eq(icl_law_with(shifted, INT64_C(1) << 31, 0, &third), ICL_OK);
    icl_law_free(shifted);
    ck_assert_double_eq(icl_law_covariance(third)[7], entry);
    icl_law_free(third);
}
END_TEST

static icl_status make_and_copy(icl_context *context, void *user) {
    const law_case *c = user;
    icl_law *law, *copy = NULL;
    icl_status status = icl_law_create(context, &c->options, &law);
    if (status == ICL_OK)
        status = icl_law_with(law, 1, 1, &copy);
    icl_law_free(law);
    icl_law_free(copy);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    static law_case c;
    for (int covariance = 0; covariance < COVARIANCES; covariance++) {
        make_case(covariance, PRIORS + (covariance + 2) % PRIORS, 4, 2, 0, &c);
        check_every_allocation(make_and_copy, &c);
    }
}
END_TEST

/* One failure is logged once. */
static void count_failures(icl_status status, const char *text, void *user) {
    ck_assert(status != ICL_OK && text[0] != '\0');
    ++*(int *)user;
}

START_TEST(test_a_failure_is_logged_once) {
    static law_case c;
    make_case(ICL_COVARIANCE_DENSE, PRIORS, 4, 2, 0, &c);
    for (int64_t fail_at = 1; fail_at <= 5; fail_at++) { /* 0 is the context itself */
        failing_allocator state = {.fail_at = fail_at};
        int heard = 0;
        icl_context_options o;
        ck_assert_int_eq(icl_context_options_init(&o, sizeof o), ICL_OK);
        o.allocator = failing_allocator_of(&state);
        o.log = count_failures;
        o.log_user = &heard;
        icl_context *context;
        ck_assert_int_eq(icl_context_create(&o, &context), ICL_OK);
        icl_law *law;
        ck_assert_int_eq(icl_law_create(context, &c.options, &law), ICL_ERR_NOMEM);
        ck_assert_int_eq(heard, 1);
        icl_context_free(context);
    }
}
END_TEST

RUN_SUITE("law", test_matrices_are_what_the_options_say,
          test_rotations_of_sigma_and_of_the_prior_are_two, test_arrays_are_copied,
          test_nonlinear_laws_have_no_prior, test_singular_covariances, test_symmetry_to_1e_12,
          test_negative_eigenvalues, test_law_with_another_context_and_noise,
          test_every_allocation_may_fail, test_a_failure_is_logged_once)
