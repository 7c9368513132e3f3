/* Non-linear labels with Sigma other than I: simulated moments and their standard errors. */
#include "test_theory.h"

#include <pthread.h>

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

static double g_shifted(double s) {
    return 0.5 + s + 0.25 * s * s;
}

typedef struct caller {
    pthread_t thread;
    int calls, elsewhere, fail_at;
} caller;

static int call_shifted(int64_t count, const double *s, double *out, void *user) {
    caller *c = user;
    c->elsewhere += !pthread_equal(pthread_self(), c->thread);
    if (c->calls++ == c->fail_at)
        return 1;
    for (int64_t i = 0; i < count; i++)
        out[i] = g_shifted(s[i]);
    return 0;
}

/* A law with a dense Sigma, and its naive twin. */
static icl_law *dense_law(icl_context *owner, int labels, int64_t d, int64_t n, caller *user,
                          naive_law *naive) {
    double sigma[MAX_DD], W[MAX_DD];
    *naive = random_naive_law(context, 17, d, n, 0.2, sigma, W);
    naive->labels = (icl_labels)labels;
    naive->hidden = 3;
    naive->g = g_shifted;
    *user = (caller){.thread = pthread_self(), .fail_at = -1};
    icl_law_options o = law_options(d, n, 0.2);
    o.labels = naive->labels;
    o.hidden = 3;
    o.label_fn = labels == ICL_LABELS_CALLBACK ? call_shifted : NULL;
    o.label_user = user;
    o.covariance = ICL_COVARIANCE_DENSE;
    o.covariance_values = sigma;
    return make_law(owner, &o);
}

/* ---- the moments ---- */

START_TEST(test_moments_against_monte_carlo) {
    setup_context();
    const icl_simulation simulation = {5, 20000};
    for (int labels = 1; labels <= ICL_LABELS_CALLBACK; labels++) {
        int64_t d = 2, n = 3;
        naive_law naive;
        caller user;
        double K[4], C[4], power;
        if (labels == ICL_LABELS_CUBIC || labels == ICL_LABELS_NET)
            continue; /* tails too heavy; exact and in test_theory_labels.c */
        icl_law *law = dense_law(context, labels, d, n, &user, &naive);
        ASSERT_OK(context, icl_theory_moments(law, &simulation, K, C, &power));
        icl_law_free(law);
        normal_source source = {.context = context, .seed = 62};
        naive_prompt p;
        naive_tally k[4] = {{0}}, c[4] = {{0}}, y = {0};
        for (int i = 0; i < 40000; i++) {
            double b[2] = {0};
            naive_draw(&naive, &source, &p);
            naive_add(&y, p.y[n] * p.y[n]);
            for (int64_t e = 0; e < n * d; e++)
                b[e % d] += p.y[e / d] * p.x[e] / (double)n;
            for (int e = 0; e < 4; e++) {
                naive_add(&k[e], p.y[n] * p.x[n * d + e / 2] * b[e % 2]);
                naive_add(&c[e], b[e / 2] * b[e % 2]);
            }
        }
        ASSERT_MEAN(&y, power);
        for (int e = 0; e < 4; e++) {
            ASSERT_MEAN(&k[e], K[e]);
            ASSERT_MEAN(&c[e], C[e]);
        }
    }
}
END_TEST

/* The cubic given tau = w^T Sigma w: E y^2 = 15 tau^3, so that moments of w on the circle are the
 * oracle: w = (cos, sin) of a uniform angle, by the trapezoidal rule, which is exact for
 * trigonometric polynomials. */
START_TEST(test_cubic_moments_on_the_circle) {
    setup_context();
    const double values[2] = {2, 0.5};
    icl_law_options o = law_options(2, 4, 0.1);
    o.labels = ICL_LABELS_CUBIC;
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o);
    double power = 0, k = 0, c = 0, pi = 3.14159265358979323846;
    for (int i = 0; i < 64; i++) {
        double angle = 2 * pi * i / 64, w0 = cos(angle), w1 = sin(angle);
        double tau = 2 * w0 * w0 + 0.5 * w1 * w1;
        power += 15 * pow(tau, 3) / 64;
        /* c_f = Sigma w 3 tau; E y^2 x x^T = 15 tau^3 Sigma + 90 tau^2 Sigma w w^T Sigma */
        k += 4 * w0 * w0 * 9 * tau * tau / 64;
        c += (15 * pow(tau, 3) * 2 + 90 * tau * tau * 4 * w0 * w0) / 64;
    }
    c = (c + 0.1 * 2) / 4 + 0.75 * k;
    const icl_simulation simulation = {6, 20000};
    double K[4], C[4], label_power, gamma[4];
    icl_optimum best = {.size = sizeof best};
    ASSERT_OK(context, icl_theory_moments(law, &simulation, K, C, &label_power));
    ASSERT_OK(context, icl_theory_optimum(law, &simulation, 0, gamma, &best));
    /* relative standard deviations are below 2: 4 standard errors are 0.06 */
    ASSERT_CLOSE(label_power, power + 0.1, 0.06, power);
    ASSERT_CLOSE(K[0], k, 0.06, k);
    ASSERT_CLOSE(C[0], c, 0.06, c);
    ck_assert_double_eq(K[1], 0); /* Sigma's reflections leave the law */
    ASSERT_CLOSE(gamma[0], k / c / 2, TOL_Z * best.gamma_error, naive_norm(4, gamma));
    icl_law_free(law);
}
END_TEST

/* The spread of many simulations around a large one is what each of them reports. */
START_TEST(test_standard_errors_mean_what_they_say) {
    setup_context();
    naive_law naive;
    caller user;
    enum { RUNS = 150, PROMPTS = 150 };
    for (int labels = 1; labels <= ICL_LABELS_CALLBACK; labels++) {
        if (labels == ICL_LABELS_NET || labels == ICL_LABELS_CUBIC)
            continue;
        icl_law *law = dense_law(context, labels, 3, 5, &user, &naive);
        double reference[9], gamma[9];
        icl_optimum exact = {.size = sizeof exact}, best = exact;
        const icl_simulation large = {1000, 10000};
        ASSERT_OK(context, icl_theory_optimum(law, &large, 0, reference, &exact));
        double risk_squares = 0, risk_errors = 0, gamma_squares = 0, gamma_errors = 0;
        for (uint64_t seed = 0; seed < RUNS; seed++) {
            const icl_simulation simulation = {seed, PROMPTS};
            ASSERT_OK(context, icl_theory_optimum(law, &simulation, 0, gamma, &best));
            risk_squares += pow(best.risk - exact.risk, 2) / RUNS;
            risk_errors += best.risk_error * best.risk_error / RUNS;
            for (int i = 0; i < 9; i++)
                gamma_squares += pow(gamma[i] - reference[i], 2) / RUNS;
            gamma_errors += pow(best.gamma_error * naive_norm(9, gamma), 2) / RUNS;
        }
        /* a chi-square of RUNS degrees: relative error sqrt(2 / RUNS), and the large
         * simulation's own error adds PROMPTS / 10000 to the ratio */
        ASSERT_CLOSE(risk_squares, risk_errors, TOL_Z * sqrt(2.0 / RUNS), risk_errors);
        ASSERT_CLOSE(gamma_squares, gamma_errors, TOL_Z * sqrt(2.0 / RUNS), gamma_errors);
        icl_law_free(law);
    }
}
END_TEST

/* The same for the risk of a fixed Gamma, and for the layer's even part in the certificate. */
START_TEST(test_standard_errors_of_risks) {
    setup_context();
    enum { RUNS = 150, PROMPTS = 150 };
    const int laws[] = {ICL_LABELS_TANH, ICL_LABELS_RELU, ICL_LABELS_NET};
    for (int k = 0; k < 3; k++) {
        naive_law naive;
        caller user;
        icl_law *law = dense_law(context, laws[k], 3, 5, &user, &naive);
        layer_point p = random_point(context, 31, 3, 0.6);
        const icl_simulation large = {1000, 10000};
        icl_certificate exact = {.size = sizeof exact}, one = exact;
        ASSERT_OK(context, icl_theory_certify(law, &large, p.u, p.v, p.M, p.r, 0, &exact));
        ck_assert_double_gt(exact.risk_error, 0);
        ck_assert(isnan(exact.gradient_norm));
        double squares = 0, errors = 0;
        for (uint64_t seed = 0; seed < RUNS; seed++) {
            const icl_simulation simulation = {seed, PROMPTS};
            ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, p.v, p.M, p.r, 0, &one));
            squares += pow(one.risk - exact.risk, 2) / RUNS;
            errors += one.risk_error * one.risk_error / RUNS;
        }
        ASSERT_CLOSE(squares, errors, TOL_Z * sqrt(2.0 / RUNS), errors);
        naive_tally tally = naive_loss(context, &naive, 3, 50000, &p);
        ASSERT_MEAN(&tally, exact.risk);
        icl_law_free(law);
    }
}
END_TEST

/* risk() and best_step() on one set of tasks are the quadratic of moments() on the same. */
START_TEST(test_risk_is_the_quadratic_of_the_same_simulation) {
    setup_context();
    naive_law naive;
    caller user;
    const icl_simulation simulation = {9, 500};
    icl_law *law = dense_law(context, ICL_LABELS_TANH, 3, 5, &user, &naive);
    double K[9], C[9], power, gamma[9], a[9], b[9], eta;
    icl_estimate risk, step;
    ASSERT_OK(context, icl_theory_moments(law, &simulation, K, C, &power));
    fill_normal(context, 4, 9, gamma);
    ASSERT_OK(context, icl_theory_risk(law, &simulation, gamma, &risk));
    naive_product(3, icl_law_covariance(law), gamma, a);
    naive_product(3, a, C, b);
    double expected = power - 2 * naive_dot(9, gamma, K) + naive_dot(9, gamma, b);
    ASSERT_CLOSE(risk.value, expected, TOL_ALGEBRA(9, 10), expected);
    ck_assert_double_gt(risk.standard_error, 0);
    ASSERT_OK(context, icl_theory_best_step(law, &simulation, gamma, &eta, &step));
    ASSERT_CLOSE(eta, naive_dot(9, gamma, K) / (5 * naive_dot(9, gamma, b)), TOL_ALGEBRA(9, 10),
                 fabs(eta));
    ASSERT_OK(context, icl_theory_step_risk(law, &simulation, gamma, eta, &risk));
    ASSERT_CLOSE(risk.value, step.value, TOL_ALGEBRA(9, 10), step.value);
    ASSERT_CLOSE(risk.standard_error, step.standard_error, TOL_ALGEBRA(9, 10), step.value);
    icl_law_free(law);
}
END_TEST

/* One dimension: tau is one number, no sampling noise is left, and Sigma = c is closed. */
START_TEST(test_one_dimension_needs_no_simulation) {
    setup_context();
    const icl_simulation simulation = {9, 50};
    const double two[1] = {2}, pair[2] = {2, 0};
    icl_law_options o = law_options(1, 4, 0.1);
    o.labels = ICL_LABELS_TANH;
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = two;
    icl_law *law = make_law(context, &o);
    double gamma, other;
    icl_optimum a = {.size = sizeof a}, b = a;
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, &gamma, &a));
    ASSERT_OK(context, icl_theory_optimum(law, &simulation, 0, &other, &b));
    ck_assert_double_eq(gamma, other);
    ck_assert_double_eq(b.risk_error, 0);
    ck_assert_double_eq(a.risk, b.risk);
    icl_law_free(law);
    /* a singular Sigma: tau = 2 w_1^2 */
    o.dim = 2;
    o.covariance_values = pair;
    law = make_law(context, &o);
    double matrix[4];
    ASSERT_OK(context, icl_theory_optimum(law, &simulation, 0, matrix, &b));
    ck_assert(matrix[0] > 0 && matrix[1] == 0 && matrix[2] == 0 && matrix[3] == 0);
    icl_law_free(law);
}
END_TEST

/* ---- threads, callbacks, missing simulations ---- */

START_TEST(test_bits_do_not_depend_on_threads) {
    setup_context();
    const int64_t threads[] = {1, 2, 3, 7};
    const icl_simulation simulation = {3, 2500}; /* more than two chunks */
    const int laws[] = {ICL_LABELS_TANH, ICL_LABELS_CALLBACK, ICL_LABELS_NET};
    for (int k = 0; k < 3; k++) {
        icl_certificate first = {.size = sizeof first};
        for (int t = 0; t < 4; t++) {
            icl_context *owner = make_context(threads[t], ICL_ISA_AUTO);
            naive_law naive;
            caller user;
            icl_law *law = dense_law(owner, laws[k], 3, 5, &user, &naive);
            layer_point p = random_point(context, 31, 3, 0.6);
            icl_certificate one = {.size = sizeof one};
            ASSERT_OK(owner, icl_theory_certify(law, &simulation, p.u, p.v, p.M, p.r, 2, &one));
            if (t == 0)
                first = one;
            first.gradient_norm = one.gradient_norm = 0; /* NaN */
            ck_assert_mem_eq(&first, &one, sizeof one);
            ck_assert_int_eq(user.elsewhere, 0);
            ck_assert_int_eq(user.calls > 0, laws[k] == ICL_LABELS_CALLBACK);
            icl_law_free(law);
            icl_context_free(owner);
        }
    }
}
END_TEST

START_TEST(test_a_failing_callback_ends_the_simulation) {
    setup_context();
    naive_law naive;
    caller user;
    const icl_simulation simulation = {3, 100};
    icl_law *law = dense_law(context, ICL_LABELS_CALLBACK, 3, 5, &user, &naive);
    double gamma[9] = {42};
    icl_optimum best = {.size = sizeof best, .risk = 43};
    ASSERT_OK(context, icl_theory_optimum(law, &simulation, 0, NULL, &best));
    int all = user.calls;
    double risk = best.risk;
    for (int fail = 0; fail < all; fail += fail < 4 || fail > all - 4 ? 1 : 17) {
        user.calls = 0;
        user.fail_at = fail;
        icl_status status = icl_theory_optimum(law, &simulation, 0, gamma, &best);
        ck_assert_int_eq(status, ICL_ERR_CALLBACK);
        ck_assert(gamma[0] == 42 && best.risk == risk);
    }
    icl_law_free(law);
}
END_TEST

START_TEST(test_laws_that_need_a_simulation_say_so) {
    setup_context();
    for (int labels = 1; labels <= ICL_LABELS_CALLBACK; labels++) {
        naive_law naive;
        caller user;
        icl_law *law = dense_law(context, labels, 2, 5, &user, &naive);
        layer_point p = random_point(context, 1, 2, 1), odd = p;
        memset(odd.u, 0, sizeof odd.u);
        memset(odd.r, 0, sizeof odd.r);
        icl_status expected = labels == ICL_LABELS_NET ? ICL_OK : ICL_ERR_NO_CLOSED_FORM;
        icl_population *population = NULL;
        icl_estimate risk;
        icl_certificate certificate = {.size = sizeof certificate};
        double gamma[4] = {0}, eta;
        ck_assert_int_eq(icl_theory_optimum(law, NULL, 0, gamma, NULL), expected);
        ck_assert_int_eq(icl_theory_moments(law, NULL, gamma, NULL, NULL), expected);
        ck_assert_int_eq(icl_theory_risk(law, NULL, gamma, &risk), expected);
        ck_assert_int_eq(icl_theory_step_risk(law, NULL, NULL, 0.1, &risk), expected);
        ck_assert_int_eq(icl_theory_best_step(law, NULL, NULL, &eta, &risk), expected);
        ck_assert_int_eq(icl_theory_certify(law, NULL, odd.u, odd.v, odd.M, odd.r, 0, &certificate),
                         expected);
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "icl_theory_certify: these labels",
                     icl_theory_certify(law, NULL, p.u, p.v, p.M, p.r, 0, &certificate));
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "icl_population_create: these labels",
                     icl_population_create(law, &population));
        ck_assert_ptr_null(population);
        icl_law_free(law);
    }
}
END_TEST

RUN_SUITE("theory_simulated", test_moments_against_monte_carlo, test_cubic_moments_on_the_circle,
          test_standard_errors_mean_what_they_say, test_standard_errors_of_risks,
          test_risk_is_the_quadratic_of_the_same_simulation,
          test_one_dimension_needs_no_simulation, test_bits_do_not_depend_on_threads,
          test_a_failing_callback_ends_the_simulation, test_laws_that_need_a_simulation_say_so)
