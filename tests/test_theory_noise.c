/* Noise levels that are drawn a prompt: what is linear in sigma^2 sees the mean, the even part E
 * sigma^4, too. Oracles: exact identities, Monte Carlo, the table of Vladymyrov et al.
 * (2402.14180). */
#include "test_theory.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

static const double levels[3] = {0, 1, 2.5};

/* kind: of icl_noise_law; the greatest level is 2.5 throughout. */
static icl_law_options noisy_options(int64_t d, int64_t n, int kind) {
    icl_law_options o = law_options(d, n, 6.25);
    o.noise_law = (icl_noise_law)kind;
    o.noise_values = levels;
    o.noise_count = 3;
    return o;
}

/* E sigma^2 and Var sigma^2. */
static void noise_moments(int kind, double *mean, double *variance) {
    double square = kind == ICL_NOISE_UNIFORM ? 6.25 / 3 : 7.25 / 3;
    double fourth = kind == ICL_NOISE_UNIFORM ? 6.25 * 6.25 / 5 : (1 + 6.25 * 6.25) / 3;
    *mean = square;
    *variance = fourth - square * square;
}

/* ---- what is linear ---- */

START_TEST(test_linear_results_see_the_mean) {
    setup_context();
    for (int labels = ICL_LABELS_LINEAR; labels <= ICL_LABELS_NET; labels++)
        for (int kind = ICL_NOISE_UNIFORM; kind <= ICL_NOISE_SET; kind++) {
            icl_law_options o = noisy_options(4, 6, kind);
            o.labels = (icl_labels)labels;
            icl_law *law = make_law(context, &o), *fixed;
            double mean, variance, a[16], b[16];
            noise_moments(kind, &mean, &variance);
            ASSERT_CLOSE(icl_law_noise(law), mean, TOL_ALGEBRA(1, 1), mean);
            ASSERT_OK(context, icl_law_with(law, 6, icl_law_noise(law), &fixed));
            icl_optimum drawn = {.size = sizeof drawn}, same = drawn;
            ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, a, &drawn));
            ASSERT_OK(context, icl_theory_optimum(fixed, NULL, 0, b, &same));
            ck_assert_mem_eq(a, b, sizeof a);
            ck_assert_double_eq(drawn.risk, same.risk);
            double eta[2];
            icl_estimate risk[2];
            ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, &eta[0], &risk[0]));
            ASSERT_OK(context, icl_theory_best_step(fixed, NULL, NULL, &eta[1], &risk[1]));
            ck_assert(eta[0] == eta[1] && risk[0].value == risk[1].value);
            icl_law_free(fixed);
            icl_law_free(law);
        }
}
END_TEST

/* ---- the full loss ---- */

static double loss_at(const icl_law *law, const layer_point *p) {
    icl_population *population;
    double loss;
    ASSERT_OK(context, icl_population_create(law, &population));
    ASSERT_OK(context, icl_population_evaluate(population, p->u, p->v, p->M, p->r, &loss, NULL,
                                               NULL, NULL, NULL, NULL));
    icl_population_free(population);
    return loss;
}

/* E s_yy^2 grows by (1 + 2/n) Var sigma^2 over a fixed level, and nothing else changes. */
START_TEST(test_the_even_part_sees_the_fourth_moment) {
    setup_context();
    for (uint64_t seed = 0; seed < 12; seed++) {
        int64_t d = 1 + (int64_t)(seed % 4), n = 1 + (int64_t)(seed % 5);
        int kind = ICL_NOISE_UNIFORM + (int)(seed % 2);
        double sigma[MAX_DD], W[MAX_DD], Sr[MAX_D], mean, variance;
        random_naive_law(context, seed, d, n, 0, sigma, W);
        icl_law_options o = noisy_options(d, n, kind);
        o.covariance = o.prior = ICL_COVARIANCE_DENSE;
        o.covariance_values = sigma;
        o.prior_values = W;
        icl_law *law = make_law(context, &o), *fixed;
        ASSERT_OK(context, icl_law_with(law, n, icl_law_noise(law), &fixed));
        layer_point p = random_point(context, seed + 30, d, 0.7);
        noise_moments(kind, &mean, &variance);
        naive_apply(d, sigma, p.r, Sr);
        double drawn = loss_at(law, &p), level = loss_at(fixed, &p);
        double more = p.v * p.v * (1 + 2 / (double)n) * variance * naive_dot(d, p.r, Sr);
        ASSERT_CLOSE(drawn - level, more, TOL_ALGEBRA(d * d, 10), drawn);
        /* the certificate agrees, in closed form */
        icl_certificate certificate = {.size = sizeof certificate};
        ASSERT_OK(context, icl_theory_certify(law, NULL, p.u, p.v, p.M, p.r, 0, &certificate));
        ASSERT_CLOSE(certificate.risk, drawn, TOL_ALGEBRA(d * d, 10), drawn);
        ck_assert_double_eq(certificate.risk_error, 0);
        icl_law_free(fixed);
        icl_law_free(law);
    }
}
END_TEST

START_TEST(test_the_loss_against_monte_carlo) {
    setup_context();
    for (int labels = ICL_LABELS_LINEAR; labels <= ICL_LABELS_RELU; labels++) {
        int64_t d = 2, n = 3;
        naive_law naive = {.d = d, .n = n, .greatest = 2.5, .labels = (icl_labels)labels};
        set_identity(d, naive.sigma_root);
        set_identity(d, naive.prior_root);
        icl_law_options o = noisy_options(d, n, ICL_NOISE_UNIFORM);
        o.labels = (icl_labels)labels;
        icl_law *law = make_law(context, &o);
        layer_point p = {.u = {0.2, -0.1}, .v = 0.5, .M = {0.3, 0.1, -0.2, 0.4}, .r = {1, -0.7}};
        naive_tally tally = naive_loss(context, &naive, 41, 200000, &p);
        ASSERT_MEAN(&tally, loss_at(law, &p));
        /* it is not the loss at a fixed level of the mean */
        icl_law *fixed;
        ASSERT_OK(context, icl_law_with(law, n, icl_law_noise(law), &fixed));
        ck_assert_double_gt(fabs(naive_mean(&tally) - loss_at(fixed, &p)),
                            2 * TOL_Z * naive_error(&tally));
        icl_law_free(fixed);
        icl_law_free(law);
    }
}
END_TEST

/* A prior mean and an even part: the risk is simulated, with the mean of the noise. */
START_TEST(test_simulated_certificates) {
    setup_context();
    const double mean[2] = {1, -0.5};
    const icl_simulation simulation = {3, 40000};
    naive_law naive = {.d = 2, .n = 3, .greatest = 2.5, .mean = {1, -0.5}};
    set_identity(2, naive.sigma_root);
    set_identity(2, naive.prior_root);
    icl_law_options o = noisy_options(2, 3, ICL_NOISE_UNIFORM);
    o.prior_mean = mean;
    icl_law *law = make_law(context, &o);
    layer_point p = random_point(context, 2, 2, 0.4);
    icl_certificate got = {.size = sizeof got};
    ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, p.v, p.M, p.r, 0, &got));
    naive_tally tally = naive_loss(context, &naive, 43, 100000, &p);
    ASSERT_CLOSE(got.risk, naive_mean(&tally), TOL_Z, hypot(naive_error(&tally), got.risk_error));
    icl_law_free(law);
}
END_TEST

/* Without noise in one prompt and a level of 1e100 in others, moments stay finite; their squares
 * do not. */
START_TEST(test_large_levels_are_told) {
    setup_context();
    const double large[2] = {0, 1e100};
    icl_law_options o = noisy_options(2, 3, ICL_NOISE_SET);
    o.noise_values = large;
    o.noise_count = 2;
    icl_law *law = make_law(context, &o);
    ck_assert_double_eq(icl_law_noise(law), 5e199);
    icl_population *population;
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "overflow", icl_population_create(law, &population));
    icl_law_free(law);
}
END_TEST

/* ---- Bayes and ridge ---- */

START_TEST(test_the_posterior_is_a_mixture) {
    setup_context();
    const icl_simulation simulation = {3, 10};
    for (int kind = ICL_NOISE_UNIFORM; kind <= ICL_NOISE_SET; kind++) {
        icl_law_options o = noisy_options(3, 4, kind);
        icl_law *law = make_law(context, &o);
        icl_estimate risk = {7, 7};
        icl_solver *solver = (icl_solver *)law;
        icl_solver_options so;
        ck_assert_int_eq(icl_solver_options_init(&so, sizeof so), ICL_OK);
        so.method = ICL_METHOD_BAYES;
        so.dim = 3;
        so.law = law;
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "mixture",
                     icl_theory_bayes_risk(law, &simulation, &risk));
        ck_assert_double_eq(risk.value, 7);
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "mixture",
                     icl_solver_create(context, &so, &solver));
        ck_assert_ptr_null(solver);
        icl_law_free(law);
        /* levels that are all one are no mixture */
        const double same[3] = {1.5, 1.5, 1.5};
        o.noise_values = same;
        o.noise = kind == ICL_NOISE_UNIFORM ? 0 : o.noise;
        law = make_law(context, &o);
        so.law = law;
        ASSERT_OK(context, icl_theory_bayes_risk(law, &simulation, &risk));
        ASSERT_OK(context, icl_solver_create(context, &so, &solver));
        ck_assert_double_eq(icl_law_noise(law), kind == ICL_NOISE_UNIFORM ? 0 : 2.25);
        icl_solver_free(solver);
        icl_law_free(law);
    }
}
END_TEST

START_TEST(test_ridge_risks_are_the_solvers) {
    setup_context();
    const icl_simulation simulation = {3, 20000};
    for (int kind = ICL_NOISE_UNIFORM; kind <= ICL_NOISE_SET; kind++)
        for (int64_t n = 2; n <= 6; n += 4) {
            icl_law_options o = noisy_options(3, n, kind);
            icl_law *law = make_law(context, &o);
            icl_sampler *sampler;
            icl_solver *solver;
            icl_predictor predictor;
            icl_estimate measured, expected;
            icl_solver_options so;
            ck_assert_int_eq(icl_solver_options_init(&so, sizeof so), ICL_OK);
            so.method = ICL_METHOD_RIDGE;
            so.dim = 3;
            so.ridge = 1.5;
            ASSERT_OK(context, icl_sampler_create(context, law, 77, &sampler));
            ASSERT_OK(context, icl_solver_create(context, &so, &solver));
            ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
            ASSERT_OK(context, icl_predictor_risk(&predictor, 1, sampler, 0, 40000, 1, &measured));
            ASSERT_OK(context, icl_theory_ridge_risk(law, &simulation, 1.5, &expected));
            ASSERT_CLOSE(measured.value, expected.value, TOL_Z,
                         hypot(measured.standard_error, expected.standard_error));
            icl_solver_free(solver);
            icl_sampler_free(sampler);
            icl_law_free(law);
        }
}
END_TEST

/* ---- published numbers ---- */

enum { D = 10, N = 20, PROMPTS = 20000 };

/* |w - what|^2 for ridge with lambda = the prompt's own sigma^2. */
static double oracle_excess(const icl_batch *batch, int64_t p) {
    const double *S = icl_batch_S(batch) + p * D * D, *b = icl_batch_b(batch) + p * D;
    double A[D * D], sum = 0;
    for (int i = 0; i < D * D; i++)
        A[i] = N * S[i] + (i % (D + 1) == 0 ? icl_batch_noise(batch)[p] : 0);
    naive_invert(D, A);
    for (int i = 0; i < D; i++) {
        double what = 0;
        for (int j = 0; j < D; j++)
            what += A[i * D + j] * N * b[j];
        sum += pow(what - icl_batch_task(batch)[p * D + i], 2);
    }
    return sum;
}

/* Half the distance of the best layer from oracle ridge, sigma uniform on (0, smax). */
START_TEST(test_the_table_of_vladymyrov) {
    setup_context();
    const double published[3] = {1.774, 1.647, 1.402};
    for (int smax = 0; smax <= 2; smax++) {
        icl_law_options o = law_options(D, N, smax * smax);
        o.noise_law = ICL_NOISE_UNIFORM;
        icl_law *law = make_law(context, &o);
        icl_sampler *sampler;
        icl_batch *batch;
        ASSERT_OK(context, icl_sampler_create(context, law, 12, &sampler));
        ASSERT_OK(context, icl_sampler_batch(sampler, PROMPTS, 1, ICL_CONTENTS_ALL, &batch));
        naive_tally oracle = {0};
        for (int64_t first = 0; first < 5 * PROMPTS; first += PROMPTS) {
            ASSERT_OK(context, icl_sampler_draw(sampler, first, batch));
            for (int64_t p = 0; p < PROMPTS; p++)
                naive_add(&oracle, oracle_excess(batch, p));
        }
        icl_optimum best = {.size = sizeof best};
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, &best));
        double s2 = smax * smax / 3.0, excess = best.risk - s2;
        ASSERT_CLOSE(excess, D * (D + 1 + s2) / (N + D + 1 + s2), TOL_ALGEBRA(D, 1), best.risk);
        double error = smax > 0 ? naive_error(&oracle) / 2 : 0;
        ck_assert_double_le(error, 0.002);
        ASSERT_CLOSE((excess - naive_mean(&oracle)) / 2, published[smax], TOL_Z * error + 5e-4, 1);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
        icl_law_free(law);
    }
}
END_TEST

RUN_SUITE("theory_noise", test_linear_results_see_the_mean,
          test_the_even_part_sees_the_fourth_moment, test_the_loss_against_monte_carlo,
          test_simulated_certificates, test_large_levels_are_told, test_the_posterior_is_a_mixture,
          test_ridge_risks_are_the_solvers, test_the_table_of_vladymyrov)
