/* Bayes and ridge risks: the same prompts by the textbook formulas, known means, degenerate laws.
 */
#include "test_theory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

static icl_estimate bayes(const icl_law *law, uint64_t seed, int64_t prompts) {
    const icl_simulation simulation = {seed, prompts};
    icl_estimate risk;
    ASSERT_OK(context, icl_theory_bayes_risk(law, &simulation, &risk));
    return risk;
}

static icl_estimate ridge(const icl_law *law, uint64_t seed, int64_t prompts, double lambda) {
    const icl_simulation simulation = {seed, prompts};
    icl_estimate risk;
    ASSERT_OK(context, icl_theory_ridge_risk(law, &simulation, lambda, &risk));
    return risk;
}

/* ---- the definition, prompt by prompt ---- */

/* Given X (n x d), what = L y: risk = s2 + tr Sigma (L X - I) W2 (L X - I)^T + s2 tr Sigma L L^T,
 * W2 = W + mu mu^T for an L that does not know mu. L is d x n. */
static double linear_risk(int64_t d, int64_t n, double s2, const double *X, const double *L,
                          const double *sigma, const double *W2) {
    double F[MAX_DD], LL[MAX_DD], a[MAX_DD], b[MAX_DD], t[MAX_DD];
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            F[i * d + j] = -(double)(i == j);
            LL[i * d + j] = 0;
            for (int64_t e = 0; e < n; e++) {
                F[i * d + j] += L[i * n + e] * X[e * d + j];
                LL[i * d + j] += L[i * n + e] * L[j * n + e];
            }
        }
    naive_transpose(d, F, t);
    naive_product(d, F, W2, a);
    naive_product(d, a, t, b);
    naive_product(d, sigma, b, a);
    naive_product(d, sigma, LL, b);
    return s2 + naive_trace(d, a) + s2 * naive_trace(d, b);
}

/* L = W X^T (X W X^T + s2 I)^-1: n up to 8. */
static void bayes_map(int64_t d, int64_t n, double s2, const double *X, const double *W,
                      double *L) {
    double XW[MAX_DD], inner[MAX_DD];
    for (int64_t e = 0; e < n; e++)
        naive_apply(d, W, X + e * d, XW + e * d); /* W is symmetric */
    for (int64_t e = 0; e < n; e++)
        for (int64_t f = 0; f < n; f++)
            inner[e * n + f] = naive_dot(d, XW + e * d, X + f * d) + (e == f) * s2;
    naive_invert(n, inner);
    for (int64_t i = 0; i < d; i++)
        for (int64_t f = 0; f < n; f++) {
            L[i * n + f] = 0;
            for (int64_t e = 0; e < n; e++)
                L[i * n + f] += XW[e * d + i] * inner[e * n + f];
        }
}

/* A batch of the prompts that the simulation sees. */
static icl_batch *same_prompts(const icl_law *law, uint64_t seed, int64_t prompts) {
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_create(context, law, seed, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, 1, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_sampler_free(sampler);
    return batch;
}

/* lambda < 0: Bayes. */
static void check_definition(const icl_law *law, const double *W, double lambda) {
    enum { PROMPTS = 40 };
    int64_t d = icl_law_dim(law), n = icl_law_context(law);
    double s2 = icl_law_noise(law), W2[MAX_DD], identity[MAX_DD], L[MAX_D * MAX_D];
    const double *mean = icl_law_prior_mean(law), *sigma = icl_law_covariance(law);
    icl_batch *batch = same_prompts(law, 5, PROMPTS);
    set_identity(d, identity);
    memcpy(W2, W, (size_t)(d * d) * sizeof *W2);
    for (int64_t i = 0; i < d * d && mean != NULL && lambda >= 0; i++)
        W2[i] += mean[i / d] * mean[i % d];
    naive_tally tally = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *X = icl_batch_X(batch) + p * n * d;
        bayes_map(d, n, lambda >= 0 ? lambda : s2, X, lambda >= 0 ? identity : W, L);
        naive_add(&tally, linear_risk(d, n, s2, X, L, sigma, W2));
    }
    icl_estimate risk = lambda >= 0 ? ridge(law, 5, PROMPTS, lambda) : bayes(law, 5, PROMPTS);
    /* the naive inverse has the condition of X W X^T + s2 I, here below 1e5 */
    ASSERT_CLOSE(risk.value, naive_mean(&tally), TOL_ALGEBRA(d, 1e5), 1 + risk.value);
    ASSERT_CLOSE(risk.standard_error, naive_error(&tally), 1e-7, risk.value);
    icl_batch_free(batch);
}

START_TEST(test_risks_are_the_definition_on_the_same_prompts) {
    setup_context();
    const double noises[] = {0.3, 1, 5};
    for (uint64_t seed = 0; seed < 24; seed++) {
        int64_t d = 1 + (int64_t)(seed % 5), n = 1 + (int64_t)(seed * 3 % 8);
        double sigma[MAX_DD], W[MAX_DD], mean[MAX_D];
        random_naive_law(context, seed, d, n, 0, sigma, W);
        fill_normal(context, seed, d, mean);
        icl_law_options o = law_options(d, n, noises[seed % 3]);
        o.covariance = o.prior = ICL_COVARIANCE_DENSE;
        o.covariance_values = sigma;
        o.prior_values = W;
        o.prior_mean = seed % 2 == 0 ? mean : NULL;
        icl_law *law = make_law(context, &o);
        check_definition(law, W, -1);
        check_definition(law, W, 0.5);
        check_definition(law, W, 20);
        icl_law_free(law);
    }
}
END_TEST

/* No noise and n < d: nothing is divided by s2; X W X^T is invertible and the formula holds. */
START_TEST(test_no_noise_and_few_examples) {
    setup_context();
    for (uint64_t seed = 0; seed < 8; seed++) {
        int64_t d = 4, n = 1 + (int64_t)(seed % 3);
        double sigma[16], W[16];
        random_naive_law(context, seed, d, n, 0, sigma, W);
        icl_law *law = make_dense_law(context, d, n, 0, sigma, W);
        check_definition(law, W, -1);
        check_definition(law, W, 0); /* least squares of least norm: X^T (X X^T)^-1 */
        icl_law_free(law);
    }
}
END_TEST

/* ---- known means ---- */

/* Sigma = W = I, no noise: least squares leaves d - n for n <= d (each prompt exactly) and nothing
 * after; Bayes is the same. */
START_TEST(test_noiseless_least_squares) {
    setup_context();
    for (int64_t n = 1; n <= 8; n++) {
        icl_law_options o = law_options(5, n, 0);
        icl_law *law = make_law(context, &o);
        double expected = n < 5 ? 5 - (double)n : 0;
        icl_estimate a = ridge(law, 3, 50, 0), b = bayes(law, 3, 50);
        ASSERT_CLOSE(a.value, expected, TOL_ALGEBRA(5, 1), 5);
        ASSERT_CLOSE(b.value, expected, TOL_ALGEBRA(5, 1), 5);
        ck_assert_double_le(a.standard_error, TOL_ALGEBRA(5, 1) * 5);
        ck_assert_int_eq(n < 5 || (a.value == 0 && b.value == 0), 1); /* not just small */
        icl_law_free(law);
    }
}
END_TEST

/* n >= d + 2: least squares has excess s2 d / (n - d - 1); Bayes = ridge(s2) for W = I, less than
 * any other ridge; a prior mean costs Bayes nothing. */
START_TEST(test_noisy_least_squares_and_bayes) {
    setup_context();
    icl_law_options o = law_options(3, 12, 0.5);
    icl_law *law = make_law(context, &o);
    icl_estimate ols = ridge(law, 1, 20000, 0), best = bayes(law, 1, 20000);
    ck_assert_double_le(fabs(ols.value - 0.5 - 0.5 * 3 / 8), TOL_Z * ols.standard_error);
    ASSERT_CLOSE(ridge(law, 1, 20000, 0.5).value, best.value, TOL_ALGEBRA(12, 100), best.value);
    const double others[] = {0, 0.3, 0.7, 5};
    for (int i = 0; i < 4; i++)
        ck_assert_double_gt(ridge(law, 1, 500, others[i]).value, bayes(law, 1, 500).value);
    double mean[3] = {1, -2, 3};
    o.prior_mean = mean;
    icl_law *shifted = make_law(context, &o);
    ck_assert_double_eq(bayes(shifted, 1, 500).value, bayes(law, 1, 500).value);
    ck_assert_double_gt(ridge(shifted, 1, 500, 0.5).value, best.value);
    icl_law_free(shifted);
    icl_law_free(law);
}
END_TEST

/* Against a whole simulation of prompts and queries through the library's solver-free definition:
 * the posterior mean by bayes_map on naive prompts. */
START_TEST(test_bayes_against_monte_carlo) {
    setup_context();
    int64_t d = 3, n = 5;
    double sigma[9], W[9], L[15];
    naive_law naive = random_naive_law(context, 8, d, n, 0.2, sigma, W);
    icl_law *law = make_dense_law(context, d, n, 0.2, sigma, W);
    normal_source source = {.context = context, .seed = 8};
    naive_prompt p;
    naive_tally tally = {0};
    for (int i = 0; i < 20000; i++) {
        naive_draw(&naive, &source, &p);
        bayes_map(d, n, 0.2, p.x, W, L);
        double error = p.y[n];
        for (int64_t k = 0; k < d * n; k++)
            error -= p.x[n * d + k / n] * L[k] * p.y[k % n];
        naive_add(&tally, error * error);
    }
    ASSERT_MEAN(&tally, bayes(law, 2, 20000).value);
    icl_law_free(law);
}
END_TEST

/* ---- degenerate ---- */

START_TEST(test_no_examples) {
    setup_context();
    double sigma[9], W[9], mean[3] = {1, 2, -1}, a[9], b[3];
    random_naive_law(context, 4, 3, 0, 0.5, sigma, W);
    icl_law_options o = law_options(3, 0, 0.5);
    o.covariance = o.prior = ICL_COVARIANCE_DENSE;
    o.covariance_values = sigma;
    o.prior_values = W;
    o.prior_mean = mean;
    icl_law *law = make_law(context, &o);
    icl_estimate risk;
    naive_product(3, sigma, W, a);
    ASSERT_OK(context, icl_theory_bayes_risk(law, NULL, &risk));
    ASSERT_CLOSE(risk.value, 0.5 + naive_trace(3, a), TOL_ALGEBRA(3, 10), risk.value);
    ck_assert_double_eq(risk.standard_error, 0);
    naive_apply(3, sigma, mean, b);
    ASSERT_OK(context, icl_theory_ridge_risk(law, NULL, 1, &risk));
    ASSERT_CLOSE(risk.value, 0.5 + naive_trace(3, a) + naive_dot(3, b, mean), TOL_ALGEBRA(3, 10),
                 risk.value);
    icl_law_free(law);
}
END_TEST

/* W of rank 1: one example without noise tells all; with W = 0 there is nothing to tell. */
START_TEST(test_singular_prior) {
    setup_context();
    const double one[4] = {0, 2, 0, 0}, none[4] = {0};
    icl_law_options o = law_options(4, 1, 0);
    o.prior = ICL_COVARIANCE_SPECTRUM;
    o.prior_values = one;
    icl_law *law = make_law(context, &o);
    ck_assert_double_le(bayes(law, 1, 100).value, pow(TOL_ALGEBRA(4, 100), 2));
    icl_law_free(law);
    o.noise = 0.3;
    o.prior_values = none;
    law = make_law(context, &o);
    ck_assert_double_eq(bayes(law, 1, 10).value, 0.3);
    icl_law_free(law);
    /* W = diag(3, 0), n = 2, d = 2: Bayes knows that w_2 = 0: s2 + E 3 s2 / (3 |x_1|^2 + s2) */
    const double half[2] = {3, 0};
    o = law_options(2, 2, 0.5);
    o.prior = ICL_COVARIANCE_DIAGONAL;
    o.prior_values = half;
    law = make_law(context, &o);
    icl_batch *batch = same_prompts(law, 7, 30);
    const double *X = icl_batch_X(batch);
    double sum = 0;
    for (int64_t p = 0; p < 30; p++) {
        double square = X[4 * p] * X[4 * p] + X[4 * p + 2] * X[4 * p + 2];
        sum += 0.5 + 3 * 0.5 / (3 * square + 0.5);
    }
    ASSERT_CLOSE(bayes(law, 7, 30).value, sum / 30, TOL_ALGEBRA(4, 10), 1);
    icl_batch_free(batch);
    icl_law_free(law);
}
END_TEST

/* x lives on a plane of four dimensions: two examples tell all that is ever asked. */
START_TEST(test_singular_covariance) {
    setup_context();
    const double plane[4] = {1, 0, 0, 2}, small[2] = {1, 2};
    icl_law_options o = law_options(4, 6, 0);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = plane;
    icl_law *law = make_law(context, &o);
    ck_assert_double_le(bayes(law, 1, 100).value, pow(TOL_ALGEBRA(6, 1e3), 2));
    ck_assert_double_le(ridge(law, 1, 100, 0).value, pow(TOL_ALGEBRA(6, 1e3), 2));
    icl_law_free(law);
    /* with noise: what the rank would make of rounding must not be divided by */
    o.noise = 0.4;
    law = make_law(context, &o);
    icl_estimate four = ridge(law, 1, 20000, 0);
    o.dim = 2;
    o.covariance_values = small;
    icl_law *two = make_law(context, &o);
    icl_estimate expected = ridge(two, 2, 20000, 0);
    double error = hypot(four.standard_error, expected.standard_error);
    ck_assert_double_le(four.standard_error, 2 * expected.standard_error);
    ck_assert_double_le(fabs(four.value - expected.value), TOL_Z * error);
    ck_assert_double_le(fabs(four.value - 0.4 * (1 + 2 / 3.0)), TOL_Z * four.standard_error);
    icl_law_free(two);
    icl_law_free(law);
}
END_TEST

/* Many examples and little noise: the excess s2 tr(..) survives next to eps. */
START_TEST(test_small_bayes_risk_keeps_its_digits) {
    setup_context();
    icl_law_options o = law_options(2, 4, 1e-30);
    icl_law *law = make_law(context, &o);
    icl_batch *batch = same_prompts(law, 7, 30);
    double sum = 0;
    for (int64_t p = 0; p < 30; p++) {
        double S[4] = {0};
        for (int64_t e = 0; e < 4; e++)
            for (int k = 0; k < 4; k++)
                S[k] += icl_batch_X(batch)[p * 8 + 2 * e + k / 2] *
                        icl_batch_X(batch)[p * 8 + 2 * e + k % 2];
        naive_invert(2, S);
        sum += 1e-30 * (1 + S[0] + S[3]) / 30;
    }
    ASSERT_CLOSE(bayes(law, 7, 30).value, sum, TOL_ALGEBRA(4, 1e3), sum);
    icl_batch_free(batch);
    icl_law_free(law);
}
END_TEST

START_TEST(test_bits_do_not_depend_on_threads) {
    setup_context();
    const int64_t threads[] = {1, 2, 3, 7};
    double bits[4][4];
    for (int t = 0; t < 4; t++) {
        icl_context *owner = make_context(threads[t], ICL_ISA_AUTO);
        icl_law_options o = law_options(4, 6, 0.2);
        icl_law *law = make_law(owner, &o);
        const icl_simulation simulation = {3, 2100};
        icl_estimate a, b;
        ASSERT_OK(owner, icl_theory_bayes_risk(law, &simulation, &a));
        ASSERT_OK(owner, icl_theory_ridge_risk(law, &simulation, 1, &b));
        const double values[4] = {a.value, a.standard_error, b.value, b.standard_error};
        memcpy(bits[t], values, sizeof values);
        ck_assert_mem_eq(bits[t], bits[0], sizeof values);
        icl_law_free(law);
        icl_context_free(owner);
    }
}
END_TEST

/* An allocator is called on the threads that call libicl, and on no other. */
typedef struct watched_allocator {
    pthread_t thread;
    _Atomic int elsewhere;
} watched_allocator;

static void watch(void *user) {
    watched_allocator *w = user;
    atomic_fetch_add(&w->elsewhere, !pthread_equal(pthread_self(), w->thread));
}

static void *watched_allocate(size_t bytes, void *user) {
    watch(user);
    return malloc(bytes);
}

static void watched_release(void *memory, void *user) {
    watch(user);
    free(memory);
}

START_TEST(test_memory_comes_from_the_callers_thread) {
    watched_allocator watched = {.thread = pthread_self()};
    icl_context_options o;
    ck_assert_int_eq(icl_context_options_init(&o, sizeof o), ICL_OK);
    o.allocator = (icl_allocator){watched_allocate, watched_release, &watched};
    o.threads = 3;
    icl_context *owner;
    ck_assert_int_eq(icl_context_create(&o, &owner), ICL_OK);
    const icl_simulation simulation = {3, 2000};
    icl_law_options law_o = law_options(4, 6, 0.2);
    icl_law *law = make_law(owner, &law_o);
    ASSERT_OK(owner, icl_theory_bayes_risk(law, &simulation, NULL));
    ASSERT_OK(owner, icl_theory_ridge_risk(law, &simulation, 0.5, NULL));
    icl_law_free(law);
    icl_context_free(owner);
    ck_assert_int_eq(watched.elsewhere, 0);
}
END_TEST

START_TEST(test_other_labels_have_no_posterior) {
    setup_context();
    const icl_simulation simulation = {3, 10};
    for (int labels = 1; labels <= ICL_LABELS_NET; labels++) {
        icl_law_options o = law_options(4, 6, 0.2);
        o.labels = (icl_labels)labels;
        icl_law *law = make_law(context, &o);
        icl_estimate risk = {5, 6};
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "icl_theory_bayes_risk",
                     icl_theory_bayes_risk(law, &simulation, &risk));
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "icl_theory_ridge_risk",
                     icl_theory_ridge_risk(law, &simulation, 1, &risk));
        ck_assert(risk.value == 5 && risk.standard_error == 6);
        icl_law_free(law);
    }
}
END_TEST

RUN_SUITE("theory_posterior", test_risks_are_the_definition_on_the_same_prompts,
          test_no_noise_and_few_examples, test_noiseless_least_squares,
          test_noisy_least_squares_and_bayes, test_bayes_against_monte_carlo, test_no_examples,
          test_singular_prior, test_singular_covariance, test_small_bayes_risk_keeps_its_digits,
          test_bits_do_not_depend_on_threads, test_memory_comes_from_the_callers_thread,
          test_other_labels_have_no_posterior)
