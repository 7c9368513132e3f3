/* The law of moments that are drawn without examples: given the task and the noise level n G is
 * Wishart, E G = V and Cov(G_ij, G_kl) = (V_ik V_jl + V_il V_jk) / n, V the covariance of (x, y);
 * its higher moments, its rank, and what theory says of a gradient step. */
#include "prompt_reference.h"
#include "statistics.h"

enum { PROMPTS = 20000, MAX_TOKEN = 5 };

typedef struct sample {
    icl_context *context;
    icl_sampler *sampler;
    icl_batch *batch;
    int64_t d, n;
} sample;

static sample draw_sample(const law_case *c, uint64_t seed) {
    sample s = {
        .context = make_context(1, ICL_ISA_AUTO), .d = c->options.dim, .n = c->options.context};
    s.sampler = make_sampler(s.context, &c->options, seed);
    ASSERT_OK(s.context, icl_sampler_batch(s.sampler, PROMPTS, 1,
                                           ICL_CONTENTS_MOMENTS | ICL_CONTENTS_TASKS, &s.batch));
    ASSERT_OK(s.context, icl_sampler_draw_moments(s.sampler, 0, s.batch));
    return s;
}

static void free_sample(sample *s) {
    icl_batch_free(s->batch);
    icl_sampler_free(s->sampler);
    icl_context_free(s->context);
}

/* ---- means and covariances ---- */

/* V = (Sigma, Sigma w; w^T Sigma, w^T Sigma w + sigma^2) of prompt p, and G (both D x D). */
static void prompt_matrices(const sample *s, int64_t p, double *V, double *G) {
    int64_t d = s->d, D = d + 1;
    const double *sigma = icl_law_covariance(icl_sampler_law(s->sampler));
    const double *w = icl_batch_task(s->batch) + p * d;
    V[D * D - 1] = icl_batch_noise(s->batch)[p];
    G[D * D - 1] = icl_batch_syy(s->batch)[p];
    for (int64_t i = 0; i < d; i++) {
        double product = 0;
        for (int64_t j = 0; j < d; j++) {
            V[i * D + j] = sigma[i * d + j];
            G[i * D + j] = icl_batch_S(s->batch)[(p * d + i) * d + j];
            product += sigma[i * d + j] * w[j];
        }
        V[i * D + d] = V[d * D + i] = product;
        G[i * D + d] = G[d * D + i] = icl_batch_b(s->batch)[p * d + i];
        V[D * D - 1] += w[i] * product;
    }
}

static void check_covariances(const sample *s) {
    int64_t D = s->d + 1, entries = D * (D + 1) / 2;
    tally means[MAX_TOKEN * MAX_TOKEN] = {{0}};
    static tally products[225];
    double V[MAX_TOKEN * MAX_TOKEN], G[MAX_TOKEN * MAX_TOKEN];
    memset(products, 0, sizeof products);
    ck_assert_int_le(entries * entries, 225);
    for (int64_t prompt = 0; prompt < PROMPTS; prompt++) {
        prompt_matrices(s, prompt, V, G);
        int64_t e = 0;
        for (int64_t i = 0; i < D; i++)
            for (int64_t j = 0; j <= i; j++, e++) {
                double away = G[i * D + j] - V[i * D + j];
                tally_add(&means[e], away);
                int64_t f = 0;
                for (int64_t k = 0; k <= i; k++)
                    for (int64_t l = 0; l <= k; l++, f++) {
                        double covariance =
                            V[i * D + k] * V[j * D + l] + V[i * D + l] * V[j * D + k];
                        tally_add(&products[e * entries + f],
                                  away * (G[k * D + l] - V[k * D + l]) - covariance / (double)s->n);
                    }
            }
    }
    int64_t e = 0;
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j <= i; j++, e++) {
            assert_tally("G", &means[e], 0);
            for (int64_t f = 0; f < (i + 1) * (i + 2) / 2; f++)
                assert_tally("covariance of G", &products[e * entries + f], 0);
        }
}

START_TEST(test_means_and_covariances) {
    static law_case c;
    const int64_t sizes[][2] = {{3, 20}, {3, 4}, {3, 3}, {3, 2}, {3, 1},
                                {1, 1},  {1, 2}, {1, 7}, {2, 5}, {4, 3}};
    for (int i = 0; i < 10; i++) {
        /* every Sigma, priors without and with a mean, every law of the noise */
        make_case(i % COVARIANCES, i, sizes[i][0], sizes[i][1], 0.6, &c);
        c.options.noise_law = (icl_noise_law)(i % 3);
        c.options.noise_values = c.levels;
        c.options.noise_count = 3;
        sample s = draw_sample(&c, 900 + (uint64_t)i);
        check_covariances(&s);
        free_sample(&s);
    }
}
END_TEST

/* A dense Sigma and a mean, without noise. */
START_TEST(test_no_noise) {
    static law_case c;
    make_case(ICL_COVARIANCE_DENSE, PRIORS + 2, 3, 5, 0, &c);
    sample s = draw_sample(&c, 910);
    check_covariances(&s);
    free_sample(&s);
}
END_TEST

/* ---- higher moments ---- */

/* tr (X^T X)^k, k = 1 to 4, of n = 3, 10 and d = 5: PAPERS 0, symmetric in n and d. */
START_TEST(test_traces_of_powers) {
    static law_case c;
    enum { D = 5 };
    const int64_t lengths[] = {1, 3, 5, 6, 10, 40};
    for (int i = 0; i < 6; i++) {
        double n = (double)lengths[i], d = D;
        make_case(0, 0, D, lengths[i], 0, &c);
        sample s = draw_sample(&c, 920);
        tally traces[4] = {{0}};
        for (int64_t p = 0; p < PROMPTS; p++) {
            const double *S = icl_batch_S(s.batch) + p * D * D;
            double power[D * D], next[D * D];
            memcpy(power, S, sizeof power);
            for (int k = 0; k < 4; k++) {
                double trace = 0;
                for (int j = 0; j < D; j++)
                    trace += power[j * (D + 1)];
                tally_add(&traces[k], trace * pow(n, k + 1));
                for (int a = 0; a < D * D; a++) {
                    next[a] = 0;
                    for (int j = 0; j < D; j++)
                        next[a] += power[a / D * D + j] * S[j * D + a % D];
                }
                memcpy(power, next, sizeof power);
            }
        }
        assert_tally("tr S", &traces[0], n * d);
        assert_tally("tr S^2", &traces[1], n * d * (n + d + 1));
        assert_tally("tr S^3", &traces[2], n * d * (n * n + d * d + 3 * n * d + 3 * n + 3 * d + 4));
        assert_tally("tr S^4", &traces[3],
                     n * d *
                         (n * n * n + d * d * d + 6 * n * n * d + 6 * n * d * d + 6 * n * n +
                          6 * d * d + 17 * n * d + 21 * n + 21 * d + 20));
        free_sample(&s);
    }
}
END_TEST

/* det (n G) of D = 3 and n >= 3 is a product of independent chi-squares, 3 degrees from n down. */
START_TEST(test_determinants) {
    static law_case c;
    for (int64_t n = 3; n <= 12; n += 3) {
        make_case(0, 0, 2, n, 1, &c);
        sample s = draw_sample(&c, 930);
        tally first = {0}, logarithm = {0};
        double expected = (double)(n * (n - 1) * (n - 2)), V[9], G[9];
        for (int64_t p = 0; p < PROMPTS; p++) {
            prompt_matrices(&s, p, V, G);
            /* det V = det Sigma sigma^2 = 1 */
            double det = G[0] * (G[4] * G[8] - G[5] * G[7]) - G[1] * (G[3] * G[8] - G[5] * G[6]) +
                         G[2] * (G[3] * G[7] - G[4] * G[6]);
            tally_add(&first, det * pow((double)n, 3) / expected);
            tally_add(&logarithm, log(det * pow((double)n, 3)));
        }
        assert_tally("det", &first, 1);
        /* E log chi^2(k) = log 2 + psi(k / 2); psi by the recurrence from a difference of lgamma */
        double mean = 0;
        for (int64_t k = n - 2; k <= n; k++) {
            double x = (double)k / 2, psi = 0;
            for (; x < 50; x++)
                psi -= 1 / x;
            psi += log(x) - 1 / (2 * x) - 1 / (12 * x * x);
            mean += log(2) + psi;
        }
        assert_tally("log det", &logarithm, mean);
        free_sample(&s);
    }
}
END_TEST

/* n < D examples have n dimensions: what elimination leaves after n pivots is rounding. */
START_TEST(test_rank) {
    static law_case c;
    for (int64_t n = 1; n < 5; n++)
        for (int covariance = 0; covariance < COVARIANCES; covariance++) {
            make_case(covariance, 1, 4, n, 0.5, &c);
            sample s = draw_sample(&c, 940);
            for (int64_t p = 0; p < 100; p++) {
                double V[25], G[25], scale = 0, kept = INFINITY;
                prompt_matrices(&s, p, V, G);
                for (int i = 0; i < 5; i++)
                    scale = fmax(scale, G[6 * i]);
                for (int64_t step = 0; step < n; step++) {
                    int64_t pivot = 0;
                    for (int64_t i = 1; i < 5; i++)
                        pivot = G[6 * i] > G[6 * pivot] ? i : pivot;
                    double value = G[6 * pivot], row[5];
                    kept = fmin(kept, value);
                    memcpy(row, G + 5 * pivot, sizeof row);
                    for (int64_t i = 0; i < 25; i++)
                        G[i] -= row[i / 5] * row[i % 5] / value;
                }
                for (int i = 0; i < 5; i++)
                    ASSERT_CLOSE(G[6 * i], 0, TOL_ALGEBRA(5, scale / kept), scale);
                ck_assert_double_gt(kept, 0);
            }
            free_sample(&s);
        }
}
END_TEST

/* ---- theory ---- */

/* The risk of a gradient step, of moments with queries and targets, is the one that is known. */
START_TEST(test_the_risk_of_a_step) {
    static law_case c;
    for (int i = 0; i < 8; i++) {
        make_case(i % COVARIANCES, i, 4, i < 4 ? 3 : 12, 0.5, &c);
        c.options.noise_law = (icl_noise_law)(i % 3);
        c.options.noise_values = c.levels;
        c.options.noise_count = 3;
        sample s = draw_sample(&c, 950 + (uint64_t)i);
        double eta;
        icl_estimate expected;
        ASSERT_OK(s.context,
                  icl_theory_best_step(icl_sampler_law(s.sampler), NULL, NULL, &eta, &expected));
        tally risk = {0};
        for (int64_t p = 0; p < PROMPTS; p++) {
            double prediction = 0;
            for (int64_t j = 0; j < 4; j++)
                prediction += eta * (double)s.n * icl_batch_b(s.batch)[4 * p + j] *
                              icl_batch_query(s.batch)[4 * p + j];
            tally_add(&risk, pow(prediction - icl_batch_target(s.batch)[p], 2));
        }
        assert_tally("risk", &risk, expected.value);
        free_sample(&s);
    }
}
END_TEST

RUN_SUITE("sampler_direct_law", test_means_and_covariances, test_no_noise, test_traces_of_powers,
          test_determinants, test_rank, test_the_risk_of_a_step)
