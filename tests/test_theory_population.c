/* The exact loss of the full layer: against the tokens, against the formula of MATH 3, its
 * gradient, its excess. Its minima: test_theory_minima.c. */
#include "test_theory.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

static icl_population *make_population(const icl_law *law) {
    icl_population *population = NULL;
    ASSERT_OK(context, icl_population_create(law, &population));
    return population;
}

static double loss_at(const icl_population *population, const layer_point *p) {
    double loss;
    ASSERT_OK(context, icl_population_evaluate(population, p->u, p->v, p->M, p->r, &loss, NULL,
                                               NULL, NULL, NULL, NULL));
    return loss;
}

/* ---- the loss ---- */

/* MATH 3, term by term, zero mean. */
static double formula_loss(int64_t d, int64_t n, double s2, const double *sigma, const double *W,
                           const layer_point *p) {
    double a[MAX_DD], b[MAX_DD], K[MAX_DD], C[MAX_DD], gamma[MAX_DD], A[MAX_DD], t[MAX_DD];
    double x[MAX_D], y[MAX_D], z[MAX_D], N = (double)n;
    naive_product(d, sigma, W, a);
    double power = naive_trace(d, a) + s2;
    if (n == 0)
        return power;
    naive_product(d, a, a, b);
    double q = naive_trace(d, b);
    naive_product(d, a, sigma, K);
    for (int64_t i = 0; i < d * d; i++)
        C[i] = (1 + 1 / N) * K[i] + power / N * sigma[i];
    point_gamma(d, p, gamma);
    naive_product(d, sigma, gamma, a);
    naive_product(d, a, C, b);
    double loss = power - 2 * naive_dot(d * d, gamma, K) + naive_dot(d * d, gamma, b);
    /* A = M Sigma M^T */
    naive_transpose(d, p->M, t);
    naive_product(d, p->M, sigma, a);
    naive_product(d, a, t, A);
    naive_product(d, sigma, A, a);
    naive_apply(d, sigma, p->u, x); /* Sigma u */
    naive_apply(d, A, x, y);
    loss += (1 + 1 / N) * naive_dot(d, x, y) + naive_trace(d, a) * naive_dot(d, p->u, x) / N;
    /* 2 v u^T [power Sigma + (2/n) Sigma W Sigma] M Sigma r */
    naive_apply(d, sigma, p->r, y);
    naive_apply(d, p->M, y, z);
    naive_apply(d, K, z, x);
    double cross = 2 / N * naive_dot(d, p->u, x);
    naive_apply(d, sigma, z, x);
    cross += power * naive_dot(d, p->u, x);
    loss += 2 * p->v * cross;
    return loss + p->v * p->v * (1 + 2 / N) * (power * power + 2 * q) * naive_dot(d, p->r, y);
}

START_TEST(test_loss_is_the_formula) {
    setup_context();
    for (uint64_t seed = 0; seed < 60; seed++) {
        int64_t d = 1 + (int64_t)(seed % 6), n = (int64_t)(seed % 7) * 3;
        double sigma[MAX_DD], W[MAX_DD], s2 = seed % 4 == 0 ? 0 : 0.3;
        random_naive_law(context, seed, d, n, s2, sigma, W);
        icl_law *law = make_dense_law(context, d, n, s2, sigma, seed % 5 == 0 ? NULL : W);
        if (seed % 5 == 0)
            set_identity(d, W);
        icl_population *population = make_population(law);
        icl_law_free(law); /* the population keeps what it needs */
        for (int k = 0; k < 5; k++) {
            layer_point p = random_point(context, 100 * seed + (uint64_t)k, d, k == 4 ? 10 : 0.7);
            double expected = formula_loss(d, n, s2, sigma, W, &p);
            /* a sum of squares up to the linear term: every part is within a few times the loss */
            ASSERT_CLOSE(loss_at(population, &p), expected, TOL_ALGEBRA(d * d, 10), expected);
        }
        icl_population_free(population);
    }
}
END_TEST

START_TEST(test_linear_loss_against_monte_carlo) {
    setup_context();
    for (uint64_t seed = 0; seed < 10; seed++) {
        int64_t d = 1 + (int64_t)(seed % 4), n = 1 + (int64_t)(seed * 5 % 11);
        double sigma[MAX_DD], W[MAX_DD], s2 = seed % 3 == 0 ? 0 : 0.4;
        naive_law naive = random_naive_law(context, seed, d, n, s2, sigma, W);
        icl_law *law = make_dense_law(context, d, n, s2, sigma, W);
        icl_population *population = make_population(law);
        layer_point p = random_point(context, seed + 10, d, 0.6);
        naive_tally tally = naive_loss(context, &naive, seed, 80000, &p);
        ASSERT_MEAN(&tally, loss_at(population, &p));
        icl_population_free(population);
        icl_law_free(law);
    }
}
END_TEST

static double g_shifted(double s) {
    return 0.5 + s + 0.25 * s * s;
}

static int call_shifted(int64_t count, const double *s, double *out, void *user) {
    (void)user;
    for (int64_t i = 0; i < count; i++)
        out[i] = g_shifted(s[i]);
    return 0;
}

/* A law of the labels 1..6 with Sigma = I, and its naive twin. */
static icl_law *nonlinear_law(int labels, int64_t d, int64_t n, double noise, naive_law *naive) {
    icl_law_options o = law_options(d, n, noise);
    o.labels = (icl_labels)labels;
    o.hidden = 3;
    o.label_fn = labels == ICL_LABELS_CALLBACK ? call_shifted : NULL;
    *naive = (naive_law){
        .d = d, .n = n, .noise = noise, .labels = o.labels, .hidden = 3, .g = g_shifted};
    set_identity(d, naive->sigma_root);
    return make_law(context, &o);
}

START_TEST(test_nonlinear_loss_against_monte_carlo) {
    setup_context();
    for (int labels = 1; labels <= ICL_LABELS_CALLBACK; labels++)
        for (int64_t d = 1; d <= 3; d++) {
            if (labels == ICL_LABELS_CUBIC) /* E y^4 needs s^12: tails too heavy for a z-score */
                continue;
            naive_law naive;
            icl_law *law = nonlinear_law(labels, d, 5, 0.3, &naive);
            icl_population *population = make_population(law);
            layer_point p = random_point(context, (uint64_t)(20 + labels), d, 0.6);
            naive_tally tally = naive_loss(context, &naive, (uint64_t)labels, 80000, &p);
            ASSERT_MEAN(&tally, loss_at(population, &p));
            icl_population_free(population);
            icl_law_free(law);
        }
}
END_TEST

/* At u = 0, M = 0, v = 1 only E s_yy^2 r^T Sigma r is left: E y^4 for n = 1, E y_1^2 y_2^2 for
 * many. */
START_TEST(test_fourth_moments_of_the_labels) {
    setup_context();
    for (int labels = 0; labels <= ICL_LABELS_CALLBACK; labels++)
        for (int64_t d = 1; d <= 4; d += 3) {
            if (labels == ICL_LABELS_CUBIC)
                continue;
            naive_law naive;
            icl_law *one = nonlinear_law(labels, d, 1, 0.3, &naive), *many;
            set_identity(d, naive.prior_root);
            ASSERT_OK(context, icl_law_with(one, INT64_C(1) << 31, 0.3, &many));
            icl_population *a = make_population(one), *b = make_population(many);
            layer_point p = {.v = 1, .r = {1}};
            double power;
            ASSERT_OK(context, icl_theory_moments(one, NULL, NULL, NULL, &power));
            normal_source source = {.context = context, .seed = 6};
            naive_prompt q;
            naive_tally same = {0}, other = {0};
            for (int i = 0; i < 150000; i++) {
                naive_draw(&naive, &source, &q);
                naive_add(&same, pow(q.y[0], 4));
                naive_add(&other, pow(q.y[0] * q.y[1], 2));
            }
            ASSERT_MEAN(&same, loss_at(a, &p) - power);
            ASSERT_MEAN(&other, loss_at(b, &p) - power);
            icl_population_free(a);
            icl_population_free(b);
            icl_law_free(one);
            icl_law_free(many);
        }
}
END_TEST

/* The net's E f^4 with its outer weights averaged by hand: E_a (sum a_k h_k)^4 = 3 (sum h_k^2)^2.
 */
START_TEST(test_fourth_moment_of_the_net) {
    setup_context();
    naive_law naive;
    icl_law *law = nonlinear_law(ICL_LABELS_NET, 2, 1, 0, &naive);
    icl_population *population = make_population(law);
    layer_point p = {.v = 1, .r = {1}};
    normal_source source = {.context = context, .seed = 7};
    naive_prompt q;
    naive_tally tally = {0};
    for (int i = 0; i < 100000; i++) {
        naive_draw(&naive, &source, &q);
        double sum = 0;
        for (int k = 0; k < 3; k++)
            sum += pow(fmax(naive_dot(2, q.net + 2 * k, q.x), 0), 2);
        naive_add(&tally, 3 * pow(2.0 / 3 * sum, 2));
    }
    ck_assert_double_le(naive_error(&tally), 0.02 * naive_mean(&tally));
    ASSERT_MEAN(&tally, loss_at(population, &p) - 2);
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

/* The cubic by the moments: E y^2 = 15, E y^4 = 10395, a = 3, E g^2 s^2 = 105 (s2 = 0). */
START_TEST(test_cubic_loss_by_its_moments) {
    setup_context();
    naive_law naive;
    int64_t d = 2, n = 5;
    icl_law *law = nonlinear_law(ICL_LABELS_CUBIC, d, n, 0, &naive);
    icl_population *population = make_population(law);
    double m = (105 + 15) / 2.0, h = m / 5 + 0.8 * 15, q4 = 10395 / 5.0 + 0.8 * 225;
    double k = 9 / 2.0, c = m / 5 + 0.8 * k;
    for (uint64_t seed = 0; seed < 10; seed++) {
        layer_point p = random_point(context, seed, d, 0.5);
        double gamma[4], Mu[2], Mr[2], t[4];
        point_gamma(d, &p, gamma);
        naive_transpose(d, p.M, t);
        naive_apply(d, t, p.u, Mu);
        naive_apply(d, p.M, p.r, Mr);
        double expected = 15 - 2 * k * naive_trace(d, gamma) + c * naive_dot(4, gamma, gamma);
        expected +=
            1.2 * naive_dot(2, Mu, Mu) + naive_dot(4, p.M, p.M) * naive_dot(2, p.u, p.u) / 5;
        expected += 2 * p.v * h * naive_dot(2, p.u, Mr) + p.v * p.v * q4 * naive_dot(2, p.r, p.r);
        ASSERT_CLOSE(loss_at(population, &p), expected, TOL_ALGEBRA(16, 1), 15 + expected);
    }
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

/* ---- the gradient ---- */

/* (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12 h: exact for a quartic but for rounding, so that h
 * may be large. */
static void check_gradient(const icl_population *population, int64_t d, layer_point p, double h) {
    layer_point g;
    ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, NULL, NULL, g.u,
                                               &g.v, g.M, g.r));
    double scale = fabs(g.v) + naive_norm(d, g.u) + naive_norm(d * d, g.M) + naive_norm(d, g.r);
    for (int64_t i = 0; i < d * d + 2 * d + 1; i++) {
        const double steps[4] = {1, -1, 2, -2};
        double f[4];
        for (int k = 0; k < 4; k++) {
            layer_point moved = p;
            *coordinate(&moved, d, i) += steps[k] * h;
            f[k] = loss_at(population, &moved);
        }
        double difference = (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * h);
        ASSERT_CLOSE(*coordinate(&g, d, i), difference, TOL_GRADIENT, 1 + scale);
    }
}

START_TEST(test_gradient_against_differences) {
    setup_context();
    for (uint64_t seed = 0; seed < 24; seed++) {
        int64_t d = 1 + (int64_t)(seed % 6), n = (int64_t)(seed % 8) * 2;
        double sigma[MAX_DD], W[MAX_DD];
        random_naive_law(context, seed, d, n, 0.2, sigma, W);
        icl_law *law = make_dense_law(context, d, n, 0.2, sigma, W);
        icl_population *population = make_population(law);
        check_gradient(population, d, random_point(context, seed + 7, d, 0.7), 1e-3);
        check_gradient(population, d, random_point(context, seed + 8, d, 2), 0.1);
        icl_population_free(population);
        icl_law_free(law);
    }
    for (int labels = 1; labels <= ICL_LABELS_CALLBACK; labels++) {
        naive_law naive;
        icl_law *law = nonlinear_law(labels, 3, 4, 0.1, &naive);
        icl_population *population = make_population(law);
        check_gradient(population, 3, random_point(context, 9, 3, 0.5), 1e-3);
        icl_population_free(population);
        icl_law_free(law);
    }
}
END_TEST

/* d = 24 is on the heap and goes through BLAS; the same numbers as a block of a law at d = 8,
 * with the other directions unused. */
START_TEST(test_large_dimension_is_consistent) {
    setup_context();
    enum { D = 24, S = 8 };
    static double values[D], M[D * D], gM[D * D];
    double u[D] = {0}, r[D] = {0}, gu[D], gr[D], gv, loss, excess;
    for (int k = 0; k < D; k++)
        values[k] = k < S ? 1 + 0.25 * k : 0;
    icl_law_options o = law_options(D, 9, 0.3);
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *large = make_law(context, &o);
    o.dim = S;
    icl_law *small = make_law(context, &o);
    icl_population *a = make_population(large), *b = make_population(small);
    layer_point p = random_point(context, 33, S, 0.4), g;
    for (int i = 0; i < S; i++) {
        u[i] = p.u[i];
        r[i] = p.r[i];
        for (int j = 0; j < S; j++)
            M[i * D + j] = p.M[i * S + j];
    }
    ASSERT_OK(context, icl_population_evaluate(a, u, p.v, M, r, &loss, &excess, gu, &gv, gM, gr));
    double small_loss, small_excess;
    ASSERT_OK(context, icl_population_evaluate(b, p.u, p.v, p.M, p.r, &small_loss, &small_excess,
                                               g.u, &g.v, g.M, g.r));
    ASSERT_CLOSE(loss, small_loss, TOL_ALGEBRA(D, 1), loss);
    ASSERT_CLOSE(excess, small_excess, TOL_ALGEBRA(D, 1), loss);
    ASSERT_CLOSE(gv, g.v, TOL_ALGEBRA(D, 10), fabs(g.v) + loss);
    for (int i = 0; i < D; i++) {
        ASSERT_CLOSE(gu[i], i < S ? g.u[i] : 0, TOL_ALGEBRA(D, 10), loss);
        ASSERT_CLOSE(gr[i], i < S ? g.r[i] : 0, TOL_ALGEBRA(D, 10), loss);
        for (int j = 0; j < D; j++)
            ASSERT_CLOSE(gM[i * D + j], i < S && j < S ? g.M[i * S + j] : 0, TOL_ALGEBRA(D, 10),
                         loss);
    }
    icl_population_free(a);
    icl_population_free(b);
    icl_law_free(large);
    icl_law_free(small);
}
END_TEST

/* ---- the excess ---- */

/* v M^T = Gamma with u = r = 0. */
static layer_point odd_point(int64_t d, double v, const double *gamma) {
    layer_point p = {.v = v};
    naive_transpose(d, gamma, p.M);
    for (int64_t i = 0; i < d * d; i++)
        p.M[i] /= v;
    return p;
}

START_TEST(test_excess_is_loss_over_the_minimum) {
    setup_context();
    for (uint64_t seed = 0; seed < 16; seed++) {
        int64_t d = 1 + (int64_t)(seed % 4), n = 1 + (int64_t)seed;
        double sigma[MAX_DD], W[MAX_DD], gamma[MAX_DD], g[MAX_DD], loss, excess;
        random_naive_law(context, seed, d, n, 0.2, sigma, W);
        icl_law *law = make_dense_law(context, d, n, 0.2, sigma, W);
        icl_population *population = make_population(law);
        icl_optimum best = {.size = sizeof best};
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &best));
        layer_point p = random_point(context, seed, d, 0.5);
        ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, &loss, &excess,
                                                   NULL, NULL, NULL, NULL));
        ASSERT_CLOSE(excess, loss - best.risk, TOL_ALGEBRA(d * d, 1), loss);
        /* at Gamma* it is 0, and the gradient too; the even part of u = r = 0 is 0 */
        p = odd_point(d, 0.8, gamma);
        ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, &loss, &excess,
                                                   NULL, NULL, g, NULL));
        ck_assert_double_ge(excess, 0);
        ck_assert_double_le(excess, pow(TOL_ALGEBRA(d, 100), 2) * (1 + best.risk));
        ck_assert_double_le(naive_norm(d * d, g), TOL_ALGEBRA(d, 100) * (1 + best.risk));
        ASSERT_CLOSE(loss, best.risk, TOL_ALGEBRA(1, 1), best.risk);
        icl_population_free(population);
        icl_law_free(law);
    }
}
END_TEST

/* Where the loss differs from its minimum in no digit, the excess still has them: Gamma* + 1e-9 E
 * against tr(E^T Sigma E C), with W = 1/4 I so that Gamma* is a power-of-two-free multiple of I. */
START_TEST(test_tiny_excess_keeps_its_digits) {
    setup_context();
    int64_t d = 3;
    double E[9], sigma[9], W[9], K[9], C[9], a[9], b[9], gamma[9], moved[9];
    random_naive_law(context, 5, d, 6, 0.1, sigma, W);
    icl_law *law = make_dense_law(context, d, 6, 0.1, sigma, W);
    icl_population *population = make_population(law);
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, NULL));
    ASSERT_OK(context, icl_theory_moments(law, NULL, K, C, NULL));
    fill_normal(context, 6, 9, E);
    for (double size = 1e-2; size > 1e-13; size *= 0.1) {
        for (int i = 0; i < 9; i++)
            moved[i] = gamma[i] + size * E[i];
        layer_point p = odd_point(d, 1, moved);
        double excess;
        ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, NULL, &excess,
                                                   NULL, NULL, NULL, NULL));
        naive_product(d, sigma, E, a);
        naive_product(d, a, C, b);
        double expected = size * size * naive_dot(9, E, b);
        /* rounding of Gamma* and of moved, each eps kappa, against size */
        ASSERT_CLOSE(excess, expected, 2 * TOL_ALGEBRA(d, 10) / size + TOL_ALGEBRA(d, 10),
                     expected);
    }
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

/* A small even part next to a perfect odd one: u = 1e-12 e, in exact proportion. */
START_TEST(test_tiny_even_part_keeps_its_digits) {
    setup_context();
    icl_law_options o = law_options(4, 6, 0.3);
    icl_law *law = make_law(context, &o);
    icl_population *population = make_population(law);
    double gamma[16], reference = 0;
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, NULL));
    for (double size = 1; size > 1e-14; size *= 1.0 / 1024) {
        layer_point p = odd_point(4, 1, gamma);
        p.u[1] = size; /* r = 0: Gamma stays */
        double excess;
        ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, NULL, &excess,
                                                   NULL, NULL, NULL, NULL));
        /* (1 + 1/n) |M^T u|^2 + ||M||^2 |u|^2 / n with M = gamma I */
        double expected = gamma[0] * gamma[0] * (1 + 1 / 6.0 + 4 / 6.0);
        ASSERT_CLOSE(excess / size / size, expected, TOL_ALGEBRA(16, 1), expected);
        ck_assert(reference == 0 || fabs(excess / size / size - reference) < 1e-12);
        reference = excess / size / size;
    }
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

/* (u, v) -> a (u, v), (M; r) -> (M; r) / a changes nothing; the signs of u and r together neither.
 */
START_TEST(test_symmetries_of_the_loss) {
    setup_context();
    double sigma[16], W[16];
    random_naive_law(context, 3, 4, 5, 0.2, sigma, W);
    icl_law *law = make_dense_law(context, 4, 5, 0.2, sigma, W);
    icl_population *population = make_population(law);
    layer_point p = random_point(context, 4, 4, 0.5), scaled = p, mirrored = p;
    for (int i = 0; i < 16; i++)
        scaled.M[i] /= 4;
    scaled.v *= 4;
    for (int i = 0; i < 4; i++) {
        scaled.u[i] *= 4;
        scaled.r[i] /= 4;
        mirrored.u[i] = -p.u[i];
        mirrored.r[i] = -p.r[i];
    }
    ck_assert_double_eq(loss_at(population, &scaled), loss_at(population, &p));
    ck_assert_double_eq(loss_at(population, &mirrored), loss_at(population, &p));
    layer_point zero = {.v = 0}, g;
    double loss;
    ASSERT_OK(context, icl_population_evaluate(population, zero.u, 0, zero.M, zero.r, &loss, NULL,
                                               g.u, &g.v, g.M, g.r));
    ck_assert_double_eq(naive_norm(4, g.u) + fabs(g.v) + naive_norm(16, g.M) + naive_norm(4, g.r),
                        0);
    double power;
    ASSERT_OK(context, icl_theory_moments(law, NULL, NULL, NULL, &power));
    ASSERT_CLOSE(loss, power, TOL_ALGEBRA(4, 10), power);
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

/* ---- prior mean, no closed form ---- */

START_TEST(test_prior_mean_demands_no_even_part) {
    setup_context();
    icl_law_options o = law_options(3, 6, 0.25);
    double mean[3] = {2, 0, 1}, gamma[9], loss, excess;
    o.prior_mean = mean;
    icl_law *law = make_law(context, &o);
    icl_population *population = make_population(law);
    layer_point p = random_point(context, 3, 3, 0.4), odd = p, g = random_point(context, 4, 3, 1);
    memset(odd.u, 0, sizeof odd.u);
    memset(odd.r, 0, sizeof odd.r);
    ASSERT_OK(context, icl_population_evaluate(population, odd.u, odd.v, odd.M, odd.r, &loss,
                                               &excess, g.u, &g.v, g.M, g.r));
    ck_assert_double_eq(naive_norm(3, g.u) + naive_norm(3, g.r), 0);
    icl_estimate risk;
    point_gamma(3, &odd, gamma);
    ASSERT_OK(context, icl_theory_risk(law, NULL, gamma, &risk));
    ASSERT_CLOSE(loss, risk.value, TOL_ALGEBRA(9, 1), loss);
    naive_law naive = {.d = 3, .n = 6, .noise = 0.25};
    set_identity(3, naive.sigma_root);
    set_identity(3, naive.prior_root);
    memcpy(naive.mean, mean, sizeof mean);
    naive_tally tally = naive_loss(context, &naive, 12, 50000, &odd);
    ASSERT_MEAN(&tally, loss);
    for (int part = 0; part < 2; part++) {
        odd.u[0] = part == 0;
        odd.r[2] = part == 1;
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "prior mean",
                     icl_population_evaluate(population, odd.u, odd.v, odd.M, odd.r, &loss, NULL,
                                             NULL, NULL, NULL, NULL));
    }
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

START_TEST(test_overflow_is_divergence_and_leaves_outputs) {
    setup_context();
    icl_law_options o = law_options(2, 6, 0);
    icl_law *law = make_law(context, &o);
    icl_population *population = make_population(law);
    layer_point p = random_point(context, 3, 2, 1e155), g = {.v = 5};
    double loss = 7, excess = 8;
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflows",
                 icl_population_evaluate(population, p.u, p.v, p.M, p.r, &loss, &excess, g.u, &g.v,
                                         g.M, g.r));
    ck_assert(loss == 7 && excess == 8 && g.v == 5 && g.u[0] == 0);
    icl_population_free(population);
    icl_law_free(law);
}
END_TEST

RUN_SUITE("theory_population", test_loss_is_the_formula, test_linear_loss_against_monte_carlo,
          test_nonlinear_loss_against_monte_carlo, test_fourth_moments_of_the_labels,
          test_fourth_moment_of_the_net, test_cubic_loss_by_its_moments,
          test_gradient_against_differences, test_large_dimension_is_consistent,
          test_excess_is_loss_over_the_minimum, test_tiny_excess_keeps_its_digits,
          test_tiny_even_part_keeps_its_digits, test_symmetries_of_the_loss,
          test_prior_mean_demands_no_even_part, test_overflow_is_divergence_and_leaves_outputs)
