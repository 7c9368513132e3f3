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

/* ---- one task at a time ---- */

/* What f = +-relu(w.x) has given w, averaged over the reflections of a diagonal Sigma, which makes
 * K_w, C_w and H_w diagonal. */
typedef struct task_moments {
    double K[MAX_D], C[MAX_D], H[MAX_D], power, q4;
} task_moments;

static task_moments relu_moments(int64_t d, double n, double s2, const double *values,
                                 const double *w) {
    task_moments m = {.power = s2};
    double tau = 0;
    for (int64_t j = 0; j < d; j++)
        tau += values[j] * w[j] * w[j];
    m.power += tau / 2;
    /* E y^4 = E f^4 + 6 s2 E f^2 + 3 s2^2 */
    m.q4 = (1.5 * tau * tau + 3 * s2 * tau + 3 * s2 * s2) / n + (1 - 1 / n) * m.power * m.power;
    for (int64_t j = 0; j < d; j++) {
        double Sw = values[j] * w[j], yyxx = m.power * values[j] + Sw * Sw;
        m.K[j] = Sw * Sw / 4;
        m.C[j] = yyxx / n + (1 - 1 / n) * m.K[j];
        m.H[j] = yyxx / n + (1 - 1 / n) * m.power * values[j];
    }
    return m;
}

/* MATH 3 with these moments. */
static double task_risk(int64_t d, double n, const double *values, const task_moments *m,
                        const layer_point *p) {
    double gamma[MAX_DD], risk = m->power, trace = 0, uu = 0, rr = 0;
    point_gamma(d, p, gamma);
    for (int64_t i = 0; i < d; i++) {
        double Mu = 0; /* (M^T Sigma u)_i */
        uu += values[i] * p->u[i] * p->u[i];
        rr += values[i] * p->r[i] * p->r[i];
        risk -= 2 * gamma[i * d + i] * m->K[i];
        for (int64_t j = 0; j < d; j++) {
            double g = gamma[i * d + j], M = p->M[i * d + j];
            risk += values[i] * g * g * m->C[j];
            Mu += p->M[j * d + i] * values[j] * p->u[j];
            trace += values[i] * M * M * values[j];
            risk += 2 * p->v * p->u[i] * m->H[i] * M * values[j] * p->r[j];
        }
        risk += (1 + 1 / n) * values[i] * Mu * Mu;
    }
    return risk + trace * uu / n + p->v * p->v * m->q4 * rr;
}

/* The certificate's risk and its standard error are the mean and the spread over the very tasks
 * of the sampler, each term of them. */
START_TEST(test_risk_and_error_are_those_of_the_tasks) {
    setup_context();
    enum { PROMPTS = 200, D = 3 };
    const double values[D] = {2, 0.5, 1};
    const icl_simulation simulation = {11, PROMPTS};
    icl_law_options o = law_options(D, 4, 0.7);
    o.labels = ICL_LABELS_RELU;
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o);
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_create(context, law, 11, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, PROMPTS, 1, ICL_CONTENTS_TASKS, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    for (uint64_t seed = 0; seed < 6; seed++) {
        layer_point p = random_point(context, seed, D, 1);
        naive_tally tally = {0};
        for (int64_t k = 0; k < PROMPTS; k++) {
            task_moments m = relu_moments(D, 4, 0.7, values, icl_batch_task(batch) + k * D);
            naive_add(&tally, task_risk(D, 4, values, &m, &p));
        }
        icl_certificate c = {.size = sizeof c};
        ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, p.v, p.M, p.r, 0, &c));
        ASSERT_CLOSE(c.risk, naive_mean(&tally), TOL_ALGEBRA(100, 1), c.risk);
        /* squares of the sums lose half the digits at worst */
        ASSERT_CLOSE(c.risk_error, naive_error(&tally), 1e-7, c.risk);
        double gamma[9];
        icl_estimate risk;
        icl_optimum best = {.size = sizeof best};
        layer_point at_best = {.v = 1};
        ASSERT_OK(context, icl_theory_optimum(law, &simulation, 0, gamma, &best));
        memcpy(at_best.M, gamma, sizeof gamma);
        naive_tally optimum = {0}, each[D] = {{0}};
        double K[9], C[9], squares = 0;
        ASSERT_OK(context, icl_theory_moments(law, &simulation, K, C, NULL));
        for (int64_t k = 0; k < PROMPTS; k++) {
            task_moments m = relu_moments(D, 4, 0.7, values, icl_batch_task(batch) + k * D);
            naive_add(&optimum, task_risk(D, 4, values, &m, &at_best));
            for (int j = 0; j < D; j++) /* Gamma_jj = K_jj / (Sigma_jj C_jj), to first order */
                naive_add(&each[j],
                          (m.K[j] - values[j] * gamma[4 * j] * m.C[j]) / (values[j] * C[4 * j]));
        }
        for (int j = 0; j < D; j++)
            squares += pow(naive_error(&each[j]), 2);
        ASSERT_CLOSE(best.gamma_error, sqrt(squares) / naive_norm(9, gamma), 1e-7, 1);
        ASSERT_CLOSE(best.risk, naive_mean(&optimum), TOL_ALGEBRA(100, 1), best.risk);
        ASSERT_CLOSE(best.risk_error, naive_error(&optimum), 1e-7, best.risk);
        icl_optimum first = best;
        double kept[9];
        ASSERT_OK(context, icl_theory_optimum(law, &simulation, 1, kept, &first));
        ck_assert_double_lt(first.gamma_error * naive_norm(9, kept),
                            best.gamma_error * naive_norm(9, gamma));
        ASSERT_OK(context, icl_theory_risk(law, &simulation, gamma, &risk));
        ASSERT_CLOSE(risk.standard_error, best.risk_error, TOL_ALGEBRA(100, 1), best.risk_error);
    }
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_law_free(law);
}
END_TEST

/* The net's risk is exact but for E s_yy^2: its error scales with v^2 r^T Sigma r (1 - 1/n). */
START_TEST(test_error_of_the_nets_risk) {
    setup_context();
    const double values[2] = {2, 0.5};
    const icl_simulation simulation = {11, 500};
    icl_law_options o = law_options(2, 4, 0.7);
    o.labels = ICL_LABELS_NET;
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o), *longer, *single;
    ASSERT_OK(context, icl_law_with(law, 1000000, 0.7, &longer));
    ASSERT_OK(context, icl_law_with(law, 1, 0.7, &single));
    layer_point p = {.v = 1, .r = {1, 0}};
    icl_certificate a = {.size = sizeof a}, b = a, c = a, e = a;
    ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, 1, p.M, p.r, 0, &a));
    ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, 3, p.M, p.r, 0, &b));
    ASSERT_OK(context, icl_theory_certify(longer, &simulation, p.u, 1, p.M, p.r, 0, &c));
    ASSERT_OK(context, icl_theory_certify(single, &simulation, p.u, 1, p.M, p.r, 0, &e));
    ck_assert_double_gt(a.risk_error, 0);
    ASSERT_CLOSE(b.risk_error, 9 * a.risk_error, TOL_ALGEBRA(4, 1), b.risk_error);
    ASSERT_CLOSE(c.risk_error, a.risk_error / 0.75 * (1 - 1e-6), TOL_ALGEBRA(4, 1), c.risk_error);
    ck_assert_double_eq(e.risk_error, 0); /* n = 1: E y^4, which is closed */
    icl_law_free(single);
    icl_law_free(longer);
    icl_law_free(law);
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
          test_risk_and_error_are_those_of_the_tasks, test_error_of_the_nets_risk,
          test_risk_is_the_quadratic_of_the_same_simulation, test_one_dimension_needs_no_simulation,
          test_bits_do_not_depend_on_threads, test_a_failing_callback_ends_the_simulation,
          test_laws_that_need_a_simulation_say_so)
