/* Uniform covariates: the fourth moment of their coordinates enters C, and theory answers only
 * where R^T W R is diagonal. Oracles: PAPERS F9, the definition by Monte Carlo, the solvers' own
 * risks. */
#include "test_theory.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

/* ---- published numbers ---- */

/* Sigma = (r^2 / 12) I: eta* = E tr S / E tr S^2 with S = X^T X, and its risk. */
START_TEST(test_the_cube_of_von_oswald) {
    setup_context();
    const double sides[2] = {1, 2}, etas[2] = {0.60606, 0.15152}, losses[2] = {0.20623, 0.82492};
    for (int i = 0; i < 2; i++) {
        double v = sides[i] * sides[i] / 12, m4 = pow(sides[i], 4) / 80, values[10], gamma[100];
        for (int j = 0; j < 10; j++)
            values[j] = v;
        icl_law_options o = law_options(10, 10, 0);
        o.covariates = ICL_COVARIATES_UNIFORM;
        o.covariance = ICL_COVARIANCE_DIAGONAL;
        o.covariance_values = values;
        icl_law *law = make_law(context, &o);
        icl_optimum best = {.size = sizeof best};
        double eta;
        icl_estimate risk;
        ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, &eta, &risk));
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &best));
        /* F9: d = n = 10, n (d m4 + d (d - 1) v^2) + n (n - 1) d v^2 */
        double first = 100 * v, second = 10 * (10 * m4 + 90 * v * v) + 900 * v * v;
        ASSERT_CLOSE(eta, first / second, TOL_ALGEBRA(10, 1), eta);
        ASSERT_CLOSE(risk.value, 10 * v - v * first * first / second, TOL_ALGEBRA(10, 1), 10 * v);
        ASSERT_CLOSE(best.risk, risk.value, TOL_ALGEBRA(10, 1), risk.value);
        for (int j = 0; j < 100; j++)
            ASSERT_CLOSE(gamma[j], j % 11 == 0 ? 10 * eta : 0, TOL_ALGEBRA(10, 1), 10 * eta);
        ASSERT_CLOSE(eta, etas[i], 5e-6, 1); /* as printed */
        ASSERT_CLOSE(risk.value / 2, losses[i], 5e-6, 1);
        icl_law_free(law);
    }
}
END_TEST

/* ---- laws, and their naive twins ---- */

enum { CASES = 8, DIM = 3 };

typedef struct uniform_case {
    icl_law_options options;
    double sigma[DIM * DIM], prior[DIM * DIM], mean[DIM];
    naive_law naive;
} uniform_case;

static const double spectrum[DIM] = {0.5, 2, 1.25};

/* R of the law: diagonal, or Q diag(sqrt(lambda)) of the seed that the law will use. */
static void set_root(int kind, uint64_t seed, double *root) {
    double q[DIM * DIM];
    set_identity(DIM, q);
    if (kind >= ICL_COVARIANCE_DENSE)
        ASSERT_OK(context, icl_random_rotation(context, seed, 0, DIM, q));
    for (int i = 0; i < DIM * DIM; i++)
        root[i] = kind == ICL_COVARIANCE_IDENTITY ? q[i] : q[i] * sqrt(spectrum[i % DIM]);
}

/* B with B B^T = W: R^-T for the inverse, else the diagonal's root. */
static void set_prior(int inverse, int diagonal, const double *root, double *out) {
    double t[DIM * DIM];
    set_identity(DIM, out);
    for (int i = 0; diagonal && i < DIM; i++)
        out[i * DIM + i] = sqrt(0.5 + i);
    if (!inverse)
        return;
    naive_transpose(DIM, root, t);
    naive_invert(DIM, t);
    memcpy(out, t, sizeof t);
}

/* Sigma of each kind with W = I; then with W = Sigma^-1, a diagonal W, or a mean on an axis. */
static void make_uniform(int number, int64_t n, double noise, uniform_case *c) {
    memset(c, 0, sizeof *c);
    int kind = number % 4, second = number / 4, inverse = second && kind >= ICL_COVARIANCE_DENSE;
    c->options = law_options(DIM, n, noise);
    icl_law_options *o = &c->options;
    o->covariates = ICL_COVARIATES_UNIFORM;
    o->covariance = (icl_covariance)kind;
    o->rotation_seed = 5;
    o->covariance_values = kind == ICL_COVARIANCE_DENSE ? c->sigma : spectrum;
    random_covariance(context, 5, DIM, spectrum, c->sigma);
    c->naive = (naive_law){.d = DIM, .n = n, .noise = noise, .uniform = 1};
    set_root(kind, 5, c->naive.sigma_root);
    set_prior(inverse, second, c->naive.sigma_root, c->naive.prior_root);
    if (inverse) {
        o->prior = ICL_COVARIANCE_INVERSE;
    } else if (second) {
        for (int i = 0; i < DIM; i++)
            c->prior[i] = 0.5 + i;
        o->prior = ICL_COVARIANCE_DIAGONAL;
        o->prior_values = c->prior;
        c->mean[1] = c->naive.mean[1] = -1.5;
        o->prior_mean = c->mean;
    }
}

/* ---- moments and risks by Monte Carlo ---- */

START_TEST(test_moments_against_monte_carlo) {
    setup_context();
    for (int number = 0; number < CASES; number++)
        for (int64_t n = 1; n <= 4; n += 3) {
            uniform_case c;
            make_uniform(number, n, 0.2, &c);
            icl_law *law = make_law(context, &c.options);
            double K[DIM * DIM], C[DIM * DIM], power;
            ASSERT_OK(context, icl_theory_moments(law, NULL, K, C, &power));
            icl_law_free(law);
            normal_source source = {.context = context, .seed = (uint64_t)(100 + number)};
            naive_prompt p;
            naive_tally k[DIM * DIM] = {{0}}, b2[DIM * DIM] = {{0}}, y = {0};
            for (int i = 0; i < 60000; i++) {
                double b[DIM] = {0};
                naive_draw(&c.naive, &source, &p);
                naive_add(&y, p.y[n] * p.y[n]);
                for (int64_t e = 0; e < n * DIM; e++)
                    b[e % DIM] += p.y[e / DIM] * p.x[e] / (double)n;
                for (int e = 0; e < DIM * DIM; e++) {
                    naive_add(&k[e], p.y[n] * p.x[n * DIM + e / DIM] * b[e % DIM]);
                    naive_add(&b2[e], b[e / DIM] * b[e % DIM]);
                }
            }
            ASSERT_MEAN(&y, power);
            for (int e = 0; e < DIM * DIM; e++) {
                ASSERT_MEAN(&k[e], K[e]);
                ASSERT_MEAN(&b2[e], C[e]);
            }
        }
}
END_TEST

/* The kurtosis is worth several standard errors there: the Gaussian C would fail above. */
START_TEST(test_the_fourth_moment_matters) {
    setup_context();
    uniform_case c;
    make_uniform(0, 1, 0, &c);
    double C[DIM * DIM], gaussian[DIM * DIM];
    for (int uniform = 0; uniform < 2; uniform++) {
        c.options.covariates = (icl_covariates)uniform;
        icl_law *law = make_law(context, &c.options);
        ASSERT_OK(context, icl_theory_moments(law, NULL, NULL, uniform ? C : gaussian, NULL));
        icl_law_free(law);
    }
    ASSERT_CLOSE(gaussian[0], 2 + DIM, TOL_ALGEBRA(DIM, 1), 5); /* E z^4 + d - 1 */
    ASSERT_CLOSE(C[0], 1.8 + DIM - 1, TOL_ALGEBRA(DIM, 1), 5);
}
END_TEST

/* The normal equations, the risk at the optimum and at any Gamma, from K and C by plain loops. */
START_TEST(test_optimum_and_risks_follow_from_the_moments) {
    setup_context();
    for (int number = 0; number < CASES; number++) {
        uniform_case c;
        make_uniform(number, 5, 0.3, &c);
        icl_law *law = make_law(context, &c.options);
        double K[DIM * DIM], C[DIM * DIM], power, gamma[DIM * DIM], a[DIM * DIM], b[DIM * DIM];
        icl_optimum best = {.size = sizeof best};
        ASSERT_OK(context, icl_theory_moments(law, NULL, K, C, &power));
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &best));
        const double *sigma = icl_law_covariance(law);
        naive_product(DIM, sigma, gamma, a);
        naive_product(DIM, a, C, b);
        ck_assert_double_le(relative_difference(DIM * DIM, b, K), TOL_ALGEBRA(DIM, 10));
        ck_assert_double_le(best.residual, TOL_ALGEBRA(DIM, 10));
        ASSERT_CLOSE(best.risk, power - naive_dot(DIM * DIM, gamma, K), TOL_ALGEBRA(DIM, 10),
                     power);
        double any[DIM * DIM];
        icl_estimate risk;
        fill_normal(context, 8, DIM * DIM, any);
        naive_product(DIM, sigma, any, a);
        naive_product(DIM, a, C, b);
        double expected = power - 2 * naive_dot(DIM * DIM, any, K) + naive_dot(DIM * DIM, any, b);
        ASSERT_OK(context, icl_theory_risk(law, NULL, any, &risk));
        ASSERT_CLOSE(risk.value, expected, TOL_ALGEBRA(DIM, 10), expected);
        ck_assert_double_eq(risk.standard_error, 0);
        icl_law_free(law);
    }
}
END_TEST

/* ---- where there is none ---- */

static void refuse(const icl_law_options *o, const char *word) {
    icl_law *law = make_law(context, o);
    icl_optimum best = {.size = sizeof best};
    const icl_simulation simulation = {1, 10};
    double eta = 7;
    icl_estimate risk = {7, 7};
    ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, word,
                 icl_theory_optimum(law, &simulation, 0, NULL, &best));
    ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "icl_theory_best_step",
                 icl_theory_best_step(law, &simulation, NULL, &eta, &risk));
    ck_assert(eta == 7 && risk.value == 7);
    icl_law_free(law);
}

START_TEST(test_priors_off_the_axes_have_no_closed_form) {
    setup_context();
    uniform_case c;
    double sigma[DIM * DIM];
    const double mean[DIM] = {1, 1, 0};
    random_covariance(context, 6, DIM, spectrum, sigma);
    for (int number = 0; number < 4; number++) {
        make_uniform(number, 5, 0, &c);
        c.options.prior = ICL_COVARIANCE_DENSE;
        c.options.prior_values = sigma;
        refuse(&c.options, "R not diagonal");
        c.options.prior = ICL_COVARIANCE_SPECTRUM;
        c.options.prior_values = spectrum;
        refuse(&c.options, "R not diagonal");
        c.options.prior = ICL_COVARIANCE_IDENTITY;
        c.options.prior_mean = mean;
        refuse(&c.options, "R not diagonal");
        c.options.context = 0; /* nobody reads examples */
        double gamma[DIM * DIM];
        icl_law *law = make_law(context, &c.options);
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, NULL));
        ck_assert_double_eq(naive_norm(DIM * DIM, gamma), 0);
        icl_law_free(law);
    }
    /* W = 2 Sigma^-1, said as a matrix: diagonal but for rounding */
    make_uniform(2, 5, 0.1, &c);
    memcpy(sigma, c.sigma, sizeof sigma);
    naive_invert(DIM, sigma);
    for (int i = 0; i < DIM; i++)
        for (int j = 0; j <= i; j++)
            sigma[i * DIM + j] = sigma[j * DIM + i] = 2 * sigma[i * DIM + j];
    c.options.prior = ICL_COVARIANCE_DENSE;
    c.options.prior_values = sigma;
    icl_law *law = make_law(context, &c.options);
    icl_optimum best = {.size = sizeof best};
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, &best));
    /* k = 2 in each direction, c = (1 + 1/n) k + (2 d + s2) / n - (6/5) k / n */
    double in = 1 / 5.0, cj = (1 - 0.2 * in) * 2 + (2 * DIM + 0.1) * in;
    ASSERT_CLOSE(best.risk, 2 * DIM + 0.1 - DIM * 4 / cj, TOL_ALGEBRA(DIM, 10), best.risk);
    icl_law_free(law);
    sigma[1] = sigma[3] = sigma[1] + 1e-9; /* and this is not */
    refuse(&c.options, "R not diagonal");
}
END_TEST

START_TEST(test_other_labels_have_no_closed_form) {
    setup_context();
    for (int labels = ICL_LABELS_TANH; labels <= ICL_LABELS_NET; labels++) {
        uniform_case c;
        make_uniform(labels % 4, 5, 0, &c);
        c.options.labels = (icl_labels)labels;
        refuse(&c.options, "non-linear labels");
    }
}
END_TEST

START_TEST(test_the_free_loss_has_no_closed_form) {
    setup_context();
    uniform_case c;
    make_uniform(0, 5, 0.1, &c);
    icl_law *law = make_law(context, &c.options);
    icl_population *population = (icl_population *)law;
    ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "covariates that are not Gaussian",
                 icl_population_create(law, &population));
    ck_assert_ptr_null(population);
    icl_law_free(law);
}
END_TEST

/* ---- certificates ---- */

static layer_point odd_point(const double *gamma) {
    layer_point p = {.v = 0.5};
    naive_transpose(DIM, gamma, p.M);
    for (int i = 0; i < DIM * DIM; i++)
        p.M[i] /= p.v;
    return p;
}

START_TEST(test_certificates_without_an_even_part_are_closed) {
    setup_context();
    for (int number = 0; number < CASES; number++) {
        uniform_case c;
        make_uniform(number, 5, 0.3, &c);
        icl_law *law = make_law(context, &c.options);
        double gamma[DIM * DIM];
        icl_optimum best = {.size = sizeof best};
        icl_certificate certificate = {.size = sizeof certificate};
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &best));
        layer_point p = odd_point(gamma);
        ASSERT_OK(context, icl_theory_certify(law, NULL, p.u, p.v, p.M, p.r, 0, &certificate));
        ck_assert_double_le(certificate.gamma_distance, TOL_ALGEBRA(DIM, 10));
        ck_assert_double_eq(certificate.even_part, 0);
        ASSERT_CLOSE(certificate.risk, best.risk, TOL_ALGEBRA(DIM, 10), best.risk);
        if (icl_law_prior_mean(law) != NULL)
            ck_assert_double_nan(certificate.gradient_norm);
        else
            ck_assert_double_le(certificate.gradient_norm, TOL_ALGEBRA(DIM, 100) * best.risk);
        p.M[1] += 0.3;
        point_gamma(DIM, &p, gamma);
        icl_estimate risk;
        ASSERT_OK(context, icl_theory_risk(law, NULL, gamma, &risk));
        ASSERT_OK(context, icl_theory_certify(law, NULL, p.u, p.v, p.M, p.r, 0, &certificate));
        ASSERT_CLOSE(certificate.risk, risk.value, TOL_ALGEBRA(DIM, 10), risk.value);
        icl_law_free(law);
    }
}
END_TEST

START_TEST(test_certificates_with_an_even_part_are_simulated) {
    setup_context();
    const icl_simulation simulation = {3, 60000};
    for (int number = 0; number < CASES; number += 3) {
        uniform_case c;
        make_uniform(number, 4, 0.3, &c);
        icl_law *law = make_law(context, &c.options);
        layer_point p = random_point(context, 4, DIM, 0.3);
        icl_certificate got = {.size = sizeof got};
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "covariates that are not Gaussian",
                     icl_theory_certify(law, NULL, p.u, p.v, p.M, p.r, 0, &got));
        ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, p.v, p.M, p.r, 0, &got));
        naive_tally tally = naive_loss(context, &c.naive, 40, 60000, &p);
        double error = hypot(naive_error(&tally), got.risk_error);
        ck_assert_double_le(fabs(got.risk - naive_mean(&tally)), TOL_Z * error);
        ck_assert_double_gt(got.risk_error, 0);
        ck_assert_double_gt(got.even_part, 0);
        ck_assert_double_nan(got.gradient_norm);
        icl_law_free(law);
    }
}
END_TEST

/* ---- risks by simulation ---- */

/* The risks that theory simulates, against the solvers on drawn prompts. */
START_TEST(test_bayes_and_ridge_risks_are_the_solvers) {
    setup_context();
    const icl_simulation simulation = {3, 20000};
    for (int number = 0; number < CASES; number++) {
        uniform_case c;
        make_uniform(number, 4, 0.5, &c);
        icl_law *law = make_law(context, &c.options);
        icl_sampler *sampler;
        ASSERT_OK(context, icl_sampler_create(context, law, 77, &sampler));
        icl_solver *solvers[2];
        icl_predictor predictors[2];
        for (int i = 0; i < 2; i++) {
            icl_solver_options o;
            ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
            o.dim = DIM;
            o.method = i ? ICL_METHOD_RIDGE : ICL_METHOD_BAYES;
            o.law = law;
            o.ridge = 0.7;
            ASSERT_OK(context, icl_solver_create(context, &o, &solvers[i]));
            ASSERT_OK(context, icl_solver_predictor(solvers[i], &predictors[i]));
        }
        icl_estimate measured[2], expected[2];
        ASSERT_OK(context, icl_predictor_risk(predictors, 2, sampler, 0, 20000, 1, measured));
        ASSERT_OK(context, icl_theory_bayes_risk(law, &simulation, &expected[0]));
        ASSERT_OK(context, icl_theory_ridge_risk(law, &simulation, 0.7, &expected[1]));
        for (int i = 0; i < 2; i++) {
            double error = hypot(measured[i].standard_error, expected[i].standard_error);
            ASSERT_CLOSE(measured[i].value, expected[i].value, TOL_Z, error);
            icl_solver_free(solvers[i]);
        }
        icl_sampler_free(sampler);
        icl_law_free(law);
    }
}
END_TEST

/* ---- degenerate sizes ---- */

START_TEST(test_one_dimension) {
    setup_context();
    for (int64_t n = 1; n < 4; n++) {
        const double value = 3;
        icl_law_options o = law_options(1, n, 0.25);
        o.covariates = ICL_COVARIATES_UNIFORM;
        o.covariance = ICL_COVARIANCE_SPECTRUM;
        o.covariance_values = &value;
        o.prior = ICL_COVARIANCE_DENSE;
        o.prior_values = &value;
        icl_law *law = make_law(context, &o);
        double C, N = (double)n;
        ASSERT_OK(context, icl_theory_moments(law, NULL, NULL, &C, NULL));
        /* E y^2 x^2 / n + (1 - 1/n) E_w (E x y)^2, E x^4 = 9/5 Sigma^2 */
        double expected = (1.8 * 9 * 3 + 0.25 * 3) / N + (1 - 1 / N) * 9 * 3;
        ASSERT_CLOSE(C, expected, TOL_ALGEBRA(1, 1), expected);
        icl_law_free(law);
    }
}
END_TEST

/* A singular Sigma is the smaller law on its range. */
START_TEST(test_singular_covariance) {
    setup_context();
    const double values[4] = {2, 0, 0.5, 0}, smaller[2] = {2, 0.5};
    for (int kind = ICL_COVARIANCE_DIAGONAL; kind <= ICL_COVARIANCE_SPECTRUM; kind += 2) {
        icl_law_options o = law_options(4, 5, 0.25);
        o.covariates = ICL_COVARIATES_UNIFORM;
        o.covariance = (icl_covariance)kind;
        o.covariance_values = values;
        icl_law *law = make_law(context, &o);
        o.dim = 2;
        o.covariance_values = smaller;
        icl_law *range = make_law(context, &o);
        icl_optimum whole = {.size = sizeof whole}, part = {.size = sizeof part};
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, &whole));
        ASSERT_OK(context, icl_theory_optimum(range, NULL, 0, NULL, &part));
        ASSERT_CLOSE(whole.risk, part.risk, TOL_ALGEBRA(4, 10), part.risk);
        ck_assert_double_le(whole.residual, TOL_ALGEBRA(4, 10));
        icl_law_free(range);
        icl_law_free(law);
    }
}
END_TEST

/* Rounding of a rotation of many dimensions and a condition of 1e8 is still no off-diagonal. */
START_TEST(test_inverse_priors_of_many_dimensions) {
    setup_context();
    enum { D = 60 };
    static double values[D];
    spread_values(D, 1e8, values);
    icl_law_options o = law_options(D, 30, 1);
    o.covariates = ICL_COVARIATES_UNIFORM;
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = values;
    o.prior = ICL_COVARIANCE_INVERSE;
    icl_law *law = make_law(context, &o);
    icl_optimum best = {.size = sizeof best};
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, &best));
    double in = 1 / 30.0, c = 1 - 0.2 * in + (D + 1) * in;
    ASSERT_CLOSE(best.risk, D + 1 - D / c, TOL_ALGEBRA(D, 1e8), best.risk);
    icl_law_free(law);
}
END_TEST

static icl_status ask_theory(icl_context *other, void *user) {
    const uniform_case *c = user;
    icl_law *law;
    double C[DIM * DIM];
    icl_status status = icl_law_create(other, &c->options, &law);
    if (status == ICL_OK)
        status = icl_theory_moments(law, NULL, NULL, C, NULL);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    setup_context();
    uniform_case c;
    make_uniform(6, 4, 0.3, &c);
    check_every_allocation(ask_theory, &c);
}
END_TEST

RUN_SUITE("theory_uniform", test_the_cube_of_von_oswald, test_moments_against_monte_carlo,
          test_the_fourth_moment_matters, test_optimum_and_risks_follow_from_the_moments,
          test_priors_off_the_axes_have_no_closed_form, test_other_labels_have_no_closed_form,
          test_the_free_loss_has_no_closed_form, test_certificates_without_an_even_part_are_closed,
          test_certificates_with_an_even_part_are_simulated,
          test_bayes_and_ridge_risks_are_the_solvers, test_one_dimension, test_singular_covariance,
          test_inverse_priors_of_many_dimensions, test_every_allocation_may_fail)
