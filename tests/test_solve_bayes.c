/* The Bayes predictor: the textbook posterior mu + W X^T (X W X^T + sigma^2 I)^-1 (y - X mu) by
 * Gaussian elimination, its limits, and its agreement with ridge and least squares.
 */
#include "test_solve.h"

/* x (n) <- K^-1 x by elimination with partial pivoting; K is spoilt. */
static void eliminate(int n, double *K, double *x) {
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int i = k; i < n; i++)
            if (fabs(K[i * n + k]) > fabs(K[best * n + k]))
                best = i;
        for (int j = 0; j < n; j++) {
            double swap = K[k * n + j];
            K[k * n + j] = K[best * n + j];
            K[best * n + j] = swap;
        }
        double swap = x[k];
        x[k] = x[best];
        x[best] = swap;
        for (int i = k + 1; i < n; i++) {
            double factor = K[i * n + k] / K[k * n + k];
            for (int j = k; j < n; j++)
                K[i * n + j] -= factor * K[k * n + j];
            x[i] -= factor * x[k];
        }
    }
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++)
            x[i] -= K[i * n + j] * x[j];
        x[i] /= K[i * n + i];
    }
}

/* w (d) by the textbook formula; W whole, mu NULL for 0. */
static void posterior(int n, int d, const double *X, const double *y, const double *W,
                      const double *mu, double noise, double *w) {
    double XW[MAX_SIDE * MAX_SIDE], K[MAX_SIDE * MAX_SIDE], r[MAX_SIDE];
    for (int i = 0; i < n; i++) {
        r[i] = y[i] - (mu != NULL ? dot(d, X + i * d, mu) : 0);
        for (int j = 0; j < d; j++)
            XW[i * d + j] = dot(d, X + i * d, W + j * d);
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++)
            K[i * n + k] = dot(d, XW + i * d, X + k * d) + (i == k ? noise : 0);
    eliminate(n, K, r);
    for (int j = 0; j < d; j++) {
        w[j] = mu != NULL ? mu[j] : 0;
        for (int i = 0; i < n; i++)
            w[j] += XW[i * d + j] * r[i];
    }
}

static icl_law *law_of(icl_context *context, int64_t d, double noise, icl_covariance kind,
                       const double *values, const double *mean) {
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = d;
    o.noise = noise;
    o.prior = kind;
    o.prior_values = values;
    o.prior_mean = mean;
    icl_law *law;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    return law;
}

static void bayes(icl_context *context, const icl_law *law, int64_t n, const double *X,
                  const double *y, double *w) {
    icl_solver_options o = options_of(ICL_METHOD_BAYES, icl_law_dim(law), 1);
    o.law = law;
    icl_solver_report report = solve_one(context, &o, n, n > 0 ? X : NULL, n > 0 ? y : NULL,
                                         ICL_CONTENTS_EXAMPLES, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_CONVERGED);
    ck_assert_int_eq(report.steps, 0);
    ck_assert_int_eq(report.rank, -1);
}

/* W = sum_i l_i v_i v_i^T over the rows of a rotation. */
static void prior_of(icl_context *context, int64_t d, const double *l, double *W) {
    double V[MAX_SIDE * MAX_SIDE];
    ASSERT_OK(context, icl_random_rotation(context, 3, 5, d, V));
    memset(W, 0, (size_t)(d * d) * sizeof *W);
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < d * d; i++)
            W[i] += l[k] * V[k * d + i / d] * V[k * d + i % d];
}

START_TEST(test_bayes_is_the_textbook_posterior) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static const int shapes[][2] = {{12, 4}, {4, 4}, {3, 9}, {1, 1}, {5, 1}, {1, 6}, {20, 10}};
    static const double noises[] = {4, 0.3, 1e-5, 1e-9};
    double X[MAX_SIDE * MAX_SIDE], y[MAX_SIDE], mu[MAX_SIDE], l[MAX_SIDE];
    double W[MAX_SIDE * MAX_SIDE], w[MAX_SIDE], expected[MAX_SIDE];
    for (int shape = 0; shape < 7; shape++)
        for (int kind = 0; kind < 3; kind++)
            for (int setting = 0; setting < 8; setting++) {
                int n = shapes[shape][0], d = shapes[shape][1];
                double noise = noises[setting / 2], *mean = setting & 1 ? mu : NULL;
                uint64_t seed = (uint64_t)(100 * shape + setting);
                fill_normal(context, seed, n * d, X);
                fill_normal(context, seed + 50, n, y);
                fill_normal(context, seed + 70, d, mu);
                for (int j = 0; j < d; j++)
                    l[j] = kind == 0 ? 1 : 0.5 + j % 3;
                if (kind == 2)
                    prior_of(context, d, l, W);
                for (int i = 0; i < d * d && kind < 2; i++)
                    W[i] = i / d == i % d ? l[i % d] : 0;
                icl_law *law = law_of(context, d, noise, (icl_covariance)kind,
                                      kind == 2   ? W
                                      : kind == 1 ? l
                                                  : NULL,
                                      mean);
                bayes(context, law, n, X, y, w);
                posterior(n, d, X, y, W, mean, noise, expected);
                /* of X W X^T + noise I, in the oracle; W^1/2 costs 2.5 more */
                double size = 2.5 * dot(n * d, X, X);
                double kappa = (size + noise) / noise;
                assert_close(d, w, expected, TOL_ALGEBRA(n + d, fmin(kappa, 1e10)),
                             1 + norm(n, y) + norm(n * d, X) * (mean ? norm(d, mu) : 0));
                icl_law_free(law);
            }
    icl_context_free(context);
}
END_TEST

START_TEST(test_bayes_without_a_prior_shape_is_ridge) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static const int shapes[][2] = {{15, 5}, {4, 9}, {6, 6}};
    for (int i = 0; i < 3; i++) {
        int n = shapes[i][0], d = shapes[i][1];
        double X[MAX_SIDE * MAX_SIDE], y[MAX_SIDE], a[MAX_SIDE], b[MAX_SIDE];
        fill_normal(context, 1, n * d, X);
        fill_normal(context, 2, n, y);
        icl_law *law = law_of(context, d, 0.7, ICL_COVARIANCE_IDENTITY, NULL, NULL);
        bayes(context, law, n, X, y, a);
        icl_solver_options o = options_of(ICL_METHOD_RIDGE, d, 1);
        o.ridge = 0.7;
        solve_one(context, &o, n, X, y, ICL_CONTENTS_EXAMPLES, b, NULL);
        double kappa = (dot(n * d, X, X) + 0.7) / 0.7;
        assert_close(d, a, b, TOL_ALGEBRA(n + d, kappa), norm(n, y));
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_bayes_tends_to_least_squares) {
    /* w(sigma) - X^+ y = -sum_i v_i (u_i . y) sigma^2 / (s_i (s_i^2 + sigma^2)), exactly */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    static const int64_t shapes[][3] = {{15, 5, 5}, {4, 9, 4}, {12, 6, 3}, {1, 1, 1}, {6, 6, 6}};
    static const double noises[] = {1e-3, 1e-7, 1e-12, 1e-20, 1e-300, 0};
    for (int i = 0; i < 5; i++) {
        double s[MAX_SIDE], w[MAX_SIDE], expected[MAX_SIDE], filter[MAX_SIDE];
        int64_t n = shapes[i][0], d = shapes[i][1], k = shapes[i][2];
        for (int64_t l = 0; l < k; l++)
            s[l] = 3 - 2 * (double)l / (double)(k > 1 ? k - 1 : 1);
        plant(context, n, d, k, s, 0.5, 5, &p);
        for (int e = 0; e < 6; e++) {
            for (int64_t l = 0; l < k; l++)
                filter[l] = planted_c(&p, l) / (s[l] * s[l] + noises[e]);
            compose(&p, filter, expected);
            icl_law *law = law_of(context, d, noises[e], ICL_COVARIANCE_IDENTITY, NULL, NULL);
            bayes(context, law, n, p.X, p.y, w);
            /* kappa = 3 by singular values, however small the noise: nothing is divided by it */
            double by_cholesky = 9 * (double)k / noises[e];
            assert_close(d, w, expected, TOL_ALGEBRA(n + d, by_cholesky < 1e6 ? by_cholesky : 3),
                         norm(n, p.y));
            icl_law_free(law);
        }
        icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, d, 1);
        solve_one(context, &o, n, p.X, p.y, ICL_CONTENTS_EXAMPLES, expected, NULL);
        assert_close(d, w, expected, TOL_ALGEBRA(n + d, 3), norm(n, p.y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_both_ways_meet) {
    /* on either side of the noise where Cholesky gives way to singular values */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static const int shapes[][2] = {{15, 5}, {5, 15}};
    for (int i = 0; i < 2; i++) {
        int n = shapes[i][0], d = shapes[i][1];
        double X[75], y[15], w[2][15];
        fill_normal(context, 1, n * d, X);
        fill_normal(context, 2, n, y);
        double edge = dot(n * d, X, X) / (1e6 - 1);
        for (int side = 0; side < 2; side++) {
            icl_law *law = law_of(context, d, edge * (side ? 1 + 1e-12 : 1 - 1e-12),
                                  ICL_COVARIANCE_IDENTITY, NULL, NULL);
            bayes(context, law, n, X, y, w[side]);
            icl_law_free(law);
        }
        assert_close(d, w[0], w[1], TOL_ALGEBRA(n + d, 1e6), norm(n, y));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_singular_priors_stay_in_their_range) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { N = 9, D = 6 };
    const double l[D] = {2, 0, 1, 0, 0, 3};
    double W[D * D], X[N * D], y[N], mu[D], w[D], expected[D], V[D * D];
    prior_of(context, D, l, W);
    ASSERT_OK(context, icl_random_rotation(context, 3, 5, D, V));
    fill_normal(context, 11, N * D, X);
    fill_normal(context, 12, D, mu);
    for (int setting = 0; setting < 4; setting++) {
        /* noise: the textbook formula holds, W^-1 does not exist; none: y must be explained */
        double noise = setting & 1 ? 0.2 : 0, *mean = setting & 2 ? mu : NULL, task[D];
        for (int j = 0; j < D; j++)
            task[j] = (mean ? mu[j] : 0) + 2 * V[0 * D + j] - V[2 * D + j] + V[5 * D + j];
        for (int i = 0; i < N; i++)
            y[i] = dot(D, X + i * D, task) + (setting & 1 ? 0.3 * (i % 3) : 0);
        icl_law *law = law_of(context, D, noise, ICL_COVARIANCE_DENSE, W, mean);
        bayes(context, law, N, X, y, w);
        double scale = norm(N, y) + norm(N * D, X) * norm(D, mu);
        double kappa = setting & 1 ? 3 * dot(N * D, X, X) / 0.2 : dot(N * D, X, X);
        if (setting & 1) {
            posterior(N, D, X, y, W, mean, noise, expected);
            assert_close(D, w, expected, TOL_ALGEBRA(N + D, kappa), scale);
        } else {
            /* W^1/2 is known to sqrt(eps) in its null space only: its rows there are ~1e-8 */
            assert_close(D, w, task, TOL_ALGEBRA(N + D, kappa), scale);
        }
        for (int k = 1; k < D; k++) {
            double along = 0;
            for (int j = 0; j < D; j++)
                along += V[k * D + j] * (w[j] - (mean ? mu[j] : 0));
            if (l[k] == 0)
                ASSERT_CLOSE(along, 0, TOL_ALGEBRA(N + D, kappa), scale);
        }
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_a_certain_prior_is_not_moved) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double zero[3] = {0}, mu[] = {1, -2, 3};
    double X[12], y[4], w[3];
    fill_normal(context, 1, 12, X);
    fill_normal(context, 2, 4, y);
    for (int setting = 0; setting < 4; setting++) {
        /* W = 0, or W = I and nothing seen; with noise and without */
        int known = setting & 1;
        icl_law *law = law_of(context, 3, setting & 2 ? 0.5 : 0,
                              known ? ICL_COVARIANCE_DIAGONAL : ICL_COVARIANCE_IDENTITY,
                              known ? zero : NULL, mu);
        bayes(context, law, known ? 4 : 0, X, y, w);
        assert_same_bits(3, w, mu);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_one_covariate_is_a_weighted_mean) {
    /* w = (m / W + sum x y / s2) / (1 / W + sum x^2 / s2) */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1, 2}, y[] = {3, 5}, W = 4, m = 0.5, noise = 0.25;
    double w;
    icl_law *law = law_of(context, 1, noise, ICL_COVARIANCE_DIAGONAL, &W, &m);
    bayes(context, law, 2, X, y, &w);
    ASSERT_CLOSE(w, (m / W + 13 / noise) / (1 / W + 5 / noise), TOL_ALGEBRA(2, 100), 1);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_examples_of_any_size) {
    /* without noise the units of X and y do not matter, even where X^T X is 0 in floating point */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double scales[] = {1e-170, 1e-155, 1e150};
    icl_law *law = law_of(context, 2, 0, ICL_COVARIANCE_IDENTITY, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        const double X[] = {2 * scales[i], 0, 0, scales[i]}, y[] = {6 * scales[i], scales[i]};
        double w[2];
        bayes(context, law, 2, X, y, w);
        ASSERT_CLOSE(w[0], 3, TOL_ALGEBRA(2, 2), 3);
        ASSERT_CLOSE(w[1], 1, TOL_ALGEBRA(2, 2), 3);
    }
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_overflow_is_told) {
    /* X W^1/2 = 1e312 */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1e160, 1, 1, 1e160}, y[] = {1, 2}, prior[] = {1e304, 1};
    double w[2] = {7, 7};
    icl_law *law = law_of(context, 2, 0.5, ICL_COVARIANCE_DIAGONAL, prior, NULL);
    icl_solver_options o = options_of(ICL_METHOD_BAYES, 2, 1);
    o.law = law;
    icl_solver_report report = solve_one(context, &o, 2, X, y, ICL_CONTENTS_EXAMPLES, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_DIVERGED);
    ck_assert(w[0] == 0 && w[1] == 0);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_the_inverse_of_the_covariance_as_a_prior) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { N = 7, D = 4 };
    const double spectrum[D] = {4, 2, 1, 0.5};
    double X[N * D], y[N], w[D], expected[D];
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = D;
    o.noise = 0.5;
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = spectrum;
    o.prior = ICL_COVARIANCE_INVERSE;
    icl_law *law;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    fill_normal(context, 1, N * D, X);
    fill_normal(context, 2, N, y);
    bayes(context, law, N, X, y, w);
    posterior(N, D, X, y, icl_law_prior(law), NULL, 0.5, expected);
    assert_close(D, w, expected, TOL_ALGEBRA(N + D, 2 * dot(N * D, X, X) / 0.5), norm(N, y));
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_bayes", test_bayes_is_the_textbook_posterior,
          test_bayes_without_a_prior_shape_is_ridge, test_bayes_tends_to_least_squares,
          test_both_ways_meet, test_singular_priors_stay_in_their_range,
          test_a_certain_prior_is_not_moved, test_one_covariate_is_a_weighted_mean,
          test_examples_of_any_size, test_overflow_is_told,
          test_the_inverse_of_the_covariance_as_a_prior)
