/* The law of what a sampler draws: covariances, tasks, noise, label laws, and the second moments of
 * b = X^T y / n that the theory rests on. */
#include "prompt_reference.h"
#include "statistics.h"

enum { PROMPTS = 20000 };

typedef struct sample {
    icl_context *context;
    icl_sampler *sampler;
    icl_batch *batch;
    const icl_law *law;
    int64_t d, n;
} sample;

static sample draw_sample(const law_case *c, uint64_t seed) {
    sample s = {
        .context = make_context(1, ICL_ISA_AUTO), .d = c->options.dim, .n = c->options.context};
    s.sampler = make_sampler(s.context, &c->options, seed);
    s.law = icl_sampler_law(s.sampler);
    s.batch = draw_prompts(s.context, s.sampler, 0, PROMPTS, 1);
    return s;
}

static void free_sample(sample *s) {
    icl_batch_free(s->batch);
    icl_sampler_free(s->sampler);
    icl_context_free(s->context);
}

/* The mean of v_i v_j over rows v (count x d) is `expected` (d x d). */
static void assert_second_moments(const char *name, int64_t count, int64_t d, const double *rows,
                                  const double *expected) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++) {
            tally t = {0};
            for (int64_t k = 0; k < count; k++)
                tally_add(&t, rows[k * d + i] * rows[k * d + j]);
            assert_tally(name, &t, expected[i * d + j]);
        }
}

static void assert_means(const char *name, int64_t count, int64_t d, const double *rows,
                         const double *expected) {
    for (int64_t i = 0; i < d; i++) {
        tally t = {0};
        for (int64_t k = 0; k < count; k++)
            tally_add(&t, rows[k * d + i]);
        assert_tally(name, &t, expected != NULL ? expected[i] : 0);
    }
}

START_TEST(test_covariances) {
    static law_case c;
    for (int kind = 0; kind < COVARIANCES; kind++) {
        make_case(kind, 0, 4, 3, 0, &c);
        sample s = draw_sample(&c, 100);
        const double *sigma = icl_law_covariance(s.law);
        assert_second_moments("x x^T", PROMPTS * s.n, 4, icl_batch_X(s.batch), sigma);
        assert_second_moments("query", PROMPTS, 4, icl_batch_query(s.batch), sigma);
        assert_means("x", PROMPTS * s.n, 4, icl_batch_X(s.batch), NULL);
        free_sample(&s);
    }
}
END_TEST

/* E w = mu, E w w^T = W + mu mu^T. */
static void check_prior(const sample *s) {
    double second[16];
    const double *mu = icl_law_prior_mean(s->law);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            second[4 * i + j] = icl_law_prior(s->law)[4 * i + j] + (mu != NULL ? mu[i] * mu[j] : 0);
    assert_means("w", PROMPTS, 4, icl_batch_task(s->batch), mu);
    assert_second_moments("w w^T", PROMPTS, 4, icl_batch_task(s->batch), second);
}

/* With W + mu mu^T for W: E b b^T = (1 + 1/n) Sigma W Sigma + (tr(Sigma W) + sigma^2)/n Sigma. */
static void check_b(const sample *s) {
    double second[16], expected[16], signal = 0, n = (double)s->n;
    const double *sigma = icl_law_covariance(s->law), *W = icl_law_prior(s->law),
                 *mu = icl_law_prior_mean(s->law);
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            second[4 * i + j] = W[4 * i + j] + (mu != NULL ? mu[i] * mu[j] : 0);
            signal += sigma[4 * i + j] * second[4 * i + j];
        }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) {
            double product = 0;
            for (int k = 0; k < 4; k++)
                for (int l = 0; l < 4; l++)
                    product += sigma[4 * i + k] * second[4 * k + l] * sigma[4 * l + j];
            expected[4 * i + j] =
                (1 + 1 / n) * product + (signal + icl_law_noise(s->law)) / n * sigma[4 * i + j];
        }
    assert_second_moments("b b^T", PROMPTS, 4, icl_batch_b(s->batch), expected);
    tally syy = {0}, target = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        tally_add(&syy, icl_batch_syy(s->batch)[p]);
        tally_add(&target, pow(icl_batch_target(s->batch)[p], 2));
    }
    assert_tally("s_yy", &syy, signal + icl_law_noise(s->law));
    assert_tally("target^2", &target, signal + icl_law_noise(s->law));
}

START_TEST(test_priors_and_moments_of_linear_prompts) {
    static law_case c;
    for (int variant = 0; variant < FIRST_NONLINEAR; variant++) {
        make_case(variant % COVARIANCES, variant, 4, 3 + variant % 3, 0.5, &c);
        sample s = draw_sample(&c, 200 + (uint64_t)variant);
        check_prior(&s);
        check_b(&s);
        free_sample(&s);
    }
}
END_TEST

/* Sigma = W = I: E ||X^T y||^2 = n d (n + d + 1 + sigma^2), E y^2 = d + sigma^2, E S^2 = (1 + (d +
 * 1)/n) I. */
START_TEST(test_isotropic_prompts) {
    static law_case c;
    const int64_t sizes[][2] = {{1, 1}, {5, 20}, {10, 10}, {6, 3}};
    for (int i = 0; i < 4; i++) {
        int64_t d = sizes[i][0], n = sizes[i][1];
        double noise = 0.75 * i, dn = (double)d, nn = (double)n;
        make_case(0, 0, d, n, noise, &c);
        sample s = draw_sample(&c, 300);
        tally xy = {0}, y = {0}, syy = {0}, square = {0};
        for (int64_t p = 0; p < PROMPTS; p++) {
            double b2 = 0, S2 = 0;
            for (int64_t j = 0; j < d; j++)
                b2 += pow(nn * icl_batch_b(s.batch)[p * d + j], 2);
            for (int64_t j = 0; j < d * d; j++)
                S2 += pow(icl_batch_S(s.batch)[p * d * d + j], 2);
            tally_add(&xy, b2);
            tally_add(&square, S2);
            tally_add(&syy, icl_batch_syy(s.batch)[p]);
            for (int64_t k = 0; k < n; k++)
                tally_add(&y, pow(icl_batch_y(s.batch)[p * n + k], 2));
        }
        assert_tally("||X^T y||^2", &xy, nn * dn * (nn + dn + 1 + noise));
        assert_tally("tr S^2", &square, dn * (1 + (dn + 1) / nn));
        if (n == 1) /* longer prompts share a w: there s_yy says it */
            assert_tally("y^2", &y, dn + noise);
        assert_tally("s_yy", &syy, dn + noise);
        free_sample(&s);
    }
}
END_TEST

/* ---- labels ---- */

/* E g(s)^2 s^power for s ~ N(0, 1), by Simpson's rule on [-12, 12]: the rest is below e^-72. */
static double label_moment(double (*g)(double), int power) {
    enum { STEPS = 4800 };
    double sum = 0, h = 24.0 / STEPS;
    for (int i = 0; i <= STEPS; i++) {
        double s = -12 + i * h, weight = i == 0 || i == STEPS ? 1 : i % 2 ? 4 : 2;
        sum += weight * g(s) * g(s) * pow(s, power) * exp(-0.5 * s * s);
    }
    return sum * h / 3 / sqrt(4 * (double)HALF_PI);
}

static double relu(double s) {
    return s > 0 ? s : 0;
}
static double sine(double s) {
    return sin(2 * s);
}
static double cube(double s) {
    return s * s * s;
}
static double caller(double s) {
    double out;
    test_label(1, &s, &out, NULL);
    return out;
}
static double caller_odd(double s) {
    double out;
    test_odd_label(1, &s, &out, NULL);
    return out;
}

/* w uniform on the sphere: E w = 0, E w w^T = I / d, length one. */
static void check_sphere(const sample *s) {
    int64_t d = s->d;
    double *expected = calloc((size_t)(d * d), sizeof *expected);
    for (int64_t i = 0; i < d; i++)
        expected[i * d + i] = 1 / (double)d;
    const double *w = icl_batch_task(s->batch);
    assert_means("w", PROMPTS, d, w, NULL);
    if (d > 1) /* on the line w^2 is 1 */
        assert_second_moments("w w^T", PROMPTS, d, w, expected);
    for (int64_t p = 0; p < PROMPTS; p++) {
        double norm2 = 0;
        for (int64_t i = 0; i < d; i++)
            norm2 += w[p * d + i] * w[p * d + i];
        QUICK_CLOSE(norm2, 1, (2 * (double)d + 8) * UNIT);
    }
    free(expected);
}

START_TEST(test_labels_of_one_direction) {
    static law_case c;
    double (*const laws[])(double) = {tanh, relu, sine, cube, NULL, caller, caller_odd};
    for (int64_t d = 1; d <= 3; d += 2)
        for (int i = 0; i < 7; i++) {
            if (laws[i] == NULL)
                continue;
            make_case(0, FIRST_NONLINEAR + i, d, 1, 0, &c);
            sample s = draw_sample(&c, 400);
            check_sphere(&s);
            tally mean = {0}, third = {0}, square = {0}, weighted = {0};
            for (int64_t p = 0; p < PROMPTS; p++) {
                double y = icl_batch_y(s.batch)[p], projection = 0;
                for (int64_t j = 0; j < d; j++)
                    projection +=
                        icl_batch_task(s.batch)[p * d + j] * icl_batch_X(s.batch)[p * d + j];
                tally_add(&mean, y);
                tally_add(&third, y * y * y);
                tally_add(&square, y * y);
                tally_add(&weighted, y * y * projection * projection);
            }
            assert_tally("y", &mean, 0);
            assert_tally("y^3", &third, 0);
            assert_tally("g^2", &square, label_moment(laws[i], 0));
            assert_tally("g^2 s^2", &weighted, label_moment(laws[i], 2));
            free_sample(&s);
        }
}
END_TEST

/* f and -f are as likely, and it is one sign a prompt: y_1 y_2 of a ReLU law is never negative. */
START_TEST(test_one_sign_a_prompt) {
    static law_case c;
    make_case(0, FIRST_NONLINEAR + 1, 3, 6, 0, &c);
    sample s = draw_sample(&c, 500);
    double negative = 0, some = 0;
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *y = icl_batch_y(s.batch) + 6 * p;
        double least = icl_batch_target(s.batch)[p], greatest = least;
        for (int i = 0; i < 6; i++) {
            least = fmin(least, y[i]);
            greatest = fmax(greatest, y[i]);
        }
        QUICK_ASSERT(least >= 0 || greatest <= 0, "prompt %d has both signs", (int)p);
        negative += least < 0;
        some += least < 0 || greatest > 0;
    }
    assert_mean_of("negative prompts", negative, some, 0.5, 0.25);
    assert_mean_of("prompts of zeros only", PROMPTS - some, PROMPTS, 0x1p-7, 0x1p-7 * (1 - 0x1p-7));
    free_sample(&s);
}
END_TEST

/* E y = 0, E y^2 = d for every width (a_k^2, half of (w_k.x)^2, times 2/m), and all units are off
 * with probability 2^-m. */
START_TEST(test_nets) {
    static law_case c;
    for (int64_t m = 1; m <= 3; m++)
        for (int64_t d = 1; d <= 4; d += 3) {
            make_case(0, FIRST_NONLINEAR + 4, d, 1, 0, &c);
            c.options.hidden = m;
            sample s = draw_sample(&c, 600);
            tally mean = {0}, square = {0};
            double off = 0, p_off = ldexp(1, (int)-m);
            for (int64_t p = 0; p < PROMPTS; p++) {
                double y = icl_batch_y(s.batch)[p];
                tally_add(&mean, y);
                tally_add(&square, y * y);
                off += y == 0;
            }
            assert_tally("y", &mean, 0);
            assert_tally("y^2", &square, (double)d);
            assert_mean_of("all units off", off, PROMPTS, p_off, p_off * (1 - p_off));
            free_sample(&s);
        }
}
END_TEST

/* The noise of examples and of queries: variance sigma^2, independent of f and of each other. */
START_TEST(test_noise) {
    static law_case c;
    make_case(0, FIRST_NONLINEAR, 3, 2, 2.25, &c);
    sample s = draw_sample(&c, 700);
    tally mean = {0}, square = {0}, examples = {0}, query = {0}, signal = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        const double *w = icl_batch_task(s.batch) + 3 * p;
        double e[3], f[3];
        for (int i = 0; i < 3; i++) {
            const double *x =
                i < 2 ? icl_batch_X(s.batch) + 3 * (2 * p + i) : icl_batch_query(s.batch) + 3 * p;
            f[i] = tanh(w[0] * x[0] + w[1] * x[1] + w[2] * x[2]);
            e[i] = (i < 2 ? icl_batch_y(s.batch)[2 * p + i] : icl_batch_target(s.batch)[p]) - f[i];
            tally_add(&mean, e[i]);
            tally_add(&square, e[i] * e[i]);
        }
        tally_add(&examples, e[0] * e[1]);
        tally_add(&query, e[0] * e[2]);
        tally_add(&signal, e[0] * f[0]);
    }
    assert_tally("noise", &mean, 0);
    assert_tally("noise^2", &square, 2.25);
    assert_tally("noise of two examples", &examples, 0);
    assert_tally("noise of example and query", &query, 0);
    assert_tally("noise and signal", &signal, 0);
    free_sample(&s);
}
END_TEST

RUN_SUITE("sampler_moments", test_covariances, test_priors_and_moments_of_linear_prompts,
          test_isotropic_prompts, test_labels_of_one_direction, test_one_sign_a_prompt, test_nets,
          test_noise)
