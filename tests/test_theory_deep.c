/* Deep and looped linear attention: against one step's closed form, exact moments, closed forms of
 * one covariate, and gradient descent on drawn prompts. */
#include "test_theory_deep.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

/* ---- one layer ---- */

START_TEST(test_one_layer_is_the_best_step) {
    setup_context();
    for (int i = 0; i < SHAPES; i++) {
        icl_law *law = isotropic_law(context, shapes[i][0], shapes[i][1]);
        double eta, deep, looped, n = (double)shapes[i][1], tolerance = TOL_ALGEBRA(30, 1);
        icl_estimate risk;
        ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, &eta, &risk));
        ASSERT_CLOSE(best(context, law, 1, &deep), risk.value, tolerance, risk.value);
        ASSERT_CLOSE(deep, n * eta, tolerance, n * eta);
        ASSERT_CLOSE(best_looped(context, law, 1, &looped), risk.value, tolerance, risk.value);
        ASSERT_CLOSE(looped, n * eta, tolerance, n * eta);
        eta *= 1.7;
        ASSERT_OK(context, icl_theory_step_risk(law, NULL, NULL, eta, &risk));
        deep = n * eta;
        ASSERT_CLOSE(risk_of(context, law, 1, &deep), risk.value, tolerance, risk.value);
        icl_law_free(law);
    }
}
END_TEST

/* ---- more layers ---- */

/* From the moments E tr S^k as integers over n^k, k <= 2 L, by Chebyshev's algorithm in 60 + 12 L
 * digits and more: the risk, the greatest and the least step. A sum over points has the rounding of
 * L factors and of the density; with n = 1e6 a factor 1 - a s of some 1e-2 has lost two digits. */
START_TEST(test_optima_known_to_all_digits) {
    setup_context();
    static const struct {
        int64_t d, n, layers;
        double risk, first, last, lost;
    } known[] = {
        {5, 20, 2, 0.361239686053531898, 1.24957196155925814, 0.515370682835992416, 1},
        {5, 20, 3, 0.133608429383183308, 1.71421737953051333, 0.422408533928580188, 1},
        {5, 20, 4, 0.054952556720348492, 2.13884510650011658, 0.362056947160076143, 1},
        {5, 20, 16, 8.77645821326924592e-5, 5.70685747055525648, 0.136997251502238845, 1},
        {4, 7, 8, 0.170848935978107096, 4.34966859245232733, 0.111715904058682379, 1},
        {5, 3, 6, 2.27745931006775167, 1.72659569802649726, 0.0691354998080757367, 1},
        {3, 3, 12, 0.553088130975237962, 5.09789060493092509, 0.03615673850737855, 1},
        {40, 60, 8, 0.754007116805603888, 7.02568975941568322, 0.26928140238137028, 1},
        {5, 1000000, 16, 7.17526801112929532e-76, 1.01009190207044867, 0.990001054826267048, 100},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        icl_law *law = isotropic_law(context, known[i].d, known[i].n);
        int64_t layers = known[i].layers;
        double etas[MOST], tolerance = TOL_ALGEBRA(layers + 10, 1);
        ASSERT_CLOSE(best(context, law, layers, etas), known[i].risk, known[i].lost * tolerance,
                     known[i].risk);
        /* the nodes have the error of the greatest one */
        ASSERT_CLOSE(etas[0], known[i].first, tolerance * known[i].first / known[i].last,
                     known[i].first);
        ASSERT_CLOSE(etas[layers - 1], known[i].last, tolerance, known[i].last);
        for (int64_t l = 1; l < layers; l++)
            ck_assert(etas[l] > 0 && etas[l] < etas[l - 1]);
        icl_law_free(law);
    }
}
END_TEST

/* a! b! / (a + b)! for b integer */
static double inverse_binomial(double a, int64_t b) {
    double product = 1;
    for (int64_t k = 1; k <= b; k++)
        product *= (double)k / (a + (double)k);
    return product;
}

/* min(n, d) = 1: s is a chi-square of m = max(n, d) degrees, and with the Laguerre polynomials the
 * sum of p_k(0)^2, k <= L, is binomial(L + m/2, L). */
START_TEST(test_one_eigenvalue_has_a_closed_form) {
    setup_context();
    for (int64_t m = 1; m <= 81; m = 3 * m)
        for (int64_t layers = 1; layers <= MOST; layers = layers < 3 ? layers + 1 : 2 * layers) {
            icl_law *tall = isotropic_law(context, 1, m), *wide = isotropic_law(context, m, 1);
            double etas[MOST], inverse = inverse_binomial((double)m / 2, layers);
            double rest = (double)m - 1, tolerance = TOL_ALGEBRA(layers + 10, 1);
            ASSERT_CLOSE(best(context, tall, layers, etas), inverse, tolerance, inverse);
            ASSERT_CLOSE(best(context, wide, layers, etas), rest + inverse, tolerance,
                         rest + inverse);
            icl_law_free(tall);
            icl_law_free(wide);
        }
}
END_TEST

/* The risk is quadratic in each step: a symmetric difference is its slope without truncation. */
START_TEST(test_optimum_is_stationary) {
    setup_context();
    for (int i = 0; i < SHAPES; i++)
        for (int64_t layers = 1; layers <= 8; layers++) {
            icl_law *law = isotropic_law(context, shapes[i][0], shapes[i][1]);
            double etas[MOST], least = best(context, law, layers, etas);
            ASSERT_CLOSE(risk_of(context, law, layers, etas), least, 0, 1);
            for (int64_t l = 0; l < layers; l++) {
                double step = etas[l], moved = 0.1 * step;
                etas[l] = step + moved;
                double above = risk_of(context, law, layers, etas);
                etas[l] = step - moved;
                double below = risk_of(context, law, layers, etas);
                etas[l] = step;
                /* 10: steps are known to eps, and were moved by a tenth */
                ASSERT_CLOSE(above, below, TOL_ALGEBRA(layers + 10, 10), above);
                ck_assert(above > least && below > least);
            }
            icl_law_free(law);
        }
}
END_TEST

START_TEST(test_no_perturbation_is_better) {
    setup_context();
    double z[1000];
    fill_normal(context, 5, 1000, z);
    for (int i = 0; i < SHAPES; i++) {
        const int64_t layers = 5;
        icl_law *law = isotropic_law(context, shapes[i][0], shapes[i][1]);
        double etas[MOST], moved[MOST], least = best(context, law, layers, etas);
        for (int trial = 0; trial < 200; trial++) {
            double size = pow(10, -(trial % 5));
            for (int64_t l = 0; l < layers; l++)
                moved[l] = etas[l] * (1 + size * z[trial * layers + l]);
            ck_assert(risk_of(context, law, layers, moved) >=
                      least * (1 - TOL_ALGEBRA(layers + 10, 1)));
        }
        icl_law_free(law);
    }
}
END_TEST

/* Order does not matter, a step of 0 is no layer, more layers are better, and what no example
 * showed stays. */
START_TEST(test_layers_among_each_other) {
    setup_context();
    for (int i = 0; i < SHAPES; i++) {
        int64_t d = shapes[i][0], n = shapes[i][1];
        icl_law *law = isotropic_law(context, d, n);
        double etas[MOST], turned[MOST], before = (double)d;
        for (int64_t layers = 1; layers <= 12; layers++) {
            double least = best(context, law, layers, etas),
                   tolerance = TOL_ALGEBRA(layers + 10, 1);
            for (int64_t l = 0; l < layers; l++)
                turned[l] = etas[layers - 1 - l];
            turned[layers] = 0;
            ASSERT_CLOSE(risk_of(context, law, layers, turned), least, tolerance, least);
            ASSERT_CLOSE(risk_of(context, law, layers + 1, turned), least, tolerance, least);
            ck_assert(least < before && least > (double)(d > n ? d - n : 0));
            before = least;
        }
        icl_law_free(law);
    }
}
END_TEST

/* ---- loops ---- */

/* L = 2: t E (1/d) tr (I - a S)^4 by the listed moments. */
static double two_loops(double d, double n, double a) {
    double nd = n * d;
    const double m[] = {d, nd, nd * (n + d + 1), nd * (n * n + d * d + 3 * nd + 3 * n + 3 * d + 4),
                        nd * (n * n * n + d * d * d + 6 * n * nd + 6 * d * nd + 6 * n * n +
                              6 * d * d + 17 * nd + 21 * n + 21 * d + 20)};
    double r = a / n;
    return m[0] - 4 * r * m[1] + 6 * r * r * m[2] - 4 * r * r * r * m[3] + r * r * r * r * m[4];
}

START_TEST(test_two_loops_are_a_sum_of_moments) {
    setup_context();
    for (int i = 0; i < SHAPES; i++) {
        double d = (double)shapes[i][0], n = (double)shapes[i][1], eta;
        icl_law *law = isotropic_law(context, shapes[i][0], shapes[i][1]);
        double least = best_looped(context, law, 2, &eta);
        for (double factor = 0; factor < 2.5; factor += 0.25) {
            double etas[2] = {factor * eta, factor * eta}, a = factor * eta;
            double scale = two_loops(d, n, -a); /* the sum of the sizes */
            ASSERT_CLOSE(risk_of(context, law, 2, etas), two_loops(d, n, a), TOL_ALGEBRA(10, 1),
                         scale);
        }
        ASSERT_CLOSE(least, two_loops(d, n, eta), TOL_ALGEBRA(10, 1), two_loops(d, n, -eta));
        icl_law_free(law);
    }
}
END_TEST

/* The risk of loops is that of equal steps, convex in the step, least at the optimum, and not
 * below that of free steps. */
START_TEST(test_looped_optimum_is_the_least) {
    setup_context();
    for (int i = 0; i < SHAPES; i++)
        for (int64_t loops = 1; loops <= MOST; loops *= 2) {
            icl_law *law = isotropic_law(context, shapes[i][0], shapes[i][1]);
            double eta, etas[MOST], least = best_looped(context, law, loops, &eta);
            for (int turn = -3; turn <= 3; turn++) {
                double factor = 1 + 1e-3 * turn;
                for (int64_t l = 0; l < loops; l++)
                    etas[l] = factor * eta;
                double risk = risk_of(context, law, loops, etas);
                if (turn == 0)
                    ck_assert_double_eq(risk, least);
                else
                    ck_assert(risk > least);
            }
            ck_assert(least >= best(context, law, loops, etas) * (1 - TOL_ALGEBRA(loops + 10, 1)));
            icl_law_free(law);
        }
}
END_TEST

/* min(n, d) = 1, two loops: 2 (1 - a s)^3 s = 0 in the mean is a cubic in a with chi-square's
 * moments. */
START_TEST(test_looped_step_of_one_covariate) {
    setup_context();
    for (int64_t n = 1; n <= 30; n += 7) {
        icl_law *law = isotropic_law(context, 1, n);
        double eta, m[5] = {1}, r;
        best_looped(context, law, 2, &eta);
        for (int k = 1; k < 5; k++)
            m[k] = m[k - 1] * ((double)n + 2 * (k - 1));
        r = eta / (double)n;
        double sizes = m[1] + 3 * r * m[2] + 3 * r * r * m[3] + r * r * r * m[4];
        ASSERT_CLOSE(m[1] - 3 * r * m[2] + 3 * r * r * m[3] - r * r * r * m[4], 0,
                     TOL_ALGEBRA(10, 1), sizes);
        icl_law_free(law);
    }
}
END_TEST

/* Risks below the least double: the steps are found all the same. */
START_TEST(test_risks_that_underflow) {
    setup_context();
    icl_law *law = isotropic_law(context, 4, 1000000000);
    double etas[MOST], eta;
    ck_assert(best(context, law, MOST, etas) >= 0 && best_looped(context, law, MOST, &eta) >= 0);
    ASSERT_CLOSE(eta, 1, 1e-5, 1); /* S - I is of the order sqrt(d / n) = 6e-5 */
    for (int l = 0; l < MOST; l++)
        ASSERT_CLOSE(etas[l], 1, 1e-2, 1);
    icl_law_free(law);
}
END_TEST

/* ---- by gradient descent ---- */

/* Sigma = R R^T and W = scale Sigma^-1, and the naive law that draws them. */
static naive_law white_naive_law(int64_t d, int64_t n, double scale, double *sigma, double *W) {
    double root[MAX_DD];
    naive_law law = random_naive_law(context, 23, d, n, 0, sigma, W);
    memcpy(root, law.sigma_root, sizeof root);
    naive_invert(d, root);
    naive_transpose(d, root, law.prior_root);
    for (int64_t i = 0; i < d * d; i++)
        law.prior_root[i] *= sqrt(scale);
    memcpy(W, sigma, (size_t)(d * d) * sizeof *W);
    naive_invert(d, W);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j <= i; j++)
            W[i * d + j] = W[j * d + i] = scale * (W[i * d + j] + W[j * d + i]) / 2;
    return law;
}

/* w <- w - a Sigma^-1 (1/n) X^T (X w - y), for each a, from 0. */
static void descend(const naive_law *law, const naive_prompt *p, const double *inverse,
                    int64_t layers, const double *etas, double *w) {
    int64_t d = law->d;
    memset(w, 0, (size_t)d * sizeof *w);
    for (int64_t l = 0; l < layers; l++) {
        double gradient[MAX_D] = {0}, step[MAX_D];
        for (int64_t i = 0; i < law->n; i++) {
            double residual = naive_dot(d, w, p->x + i * d) - p->y[i];
            for (int64_t j = 0; j < d; j++)
                gradient[j] += residual * p->x[i * d + j] / (double)law->n;
        }
        naive_apply(d, inverse, gradient, step);
        for (int64_t j = 0; j < d; j++)
            w[j] -= etas[l] * step[j];
    }
}

static naive_tally descended_loss(const naive_law *law, const double *inverse, int64_t layers,
                                  const double *etas) {
    normal_source source = {.context = context, .seed = 9};
    naive_prompt p;
    naive_tally tally = {0};
    double w[MAX_D];
    for (int prompt = 0; prompt < 40000; prompt++) {
        naive_draw(law, &source, &p);
        descend(law, &p, inverse, layers, etas, w);
        double error = naive_dot(law->d, w, p.x + law->n * law->d) - p.y[law->n];
        naive_add(&tally, error * error);
    }
    return tally;
}

START_TEST(test_risk_against_gradient_descent) {
    setup_context();
    static const int64_t sizes[][2] = {{3, 10}, {4, 3}, {1, 4}};
    for (int i = 0; i < 3; i++) {
        int64_t d = sizes[i][0], n = sizes[i][1];
        double sigma[MAX_DD], W[MAX_DD], inverse[MAX_DD], etas[3];
        naive_law naive = white_naive_law(d, n, 2.5, sigma, W);
        memcpy(inverse, sigma, sizeof inverse);
        naive_invert(d, inverse);
        icl_law *law = make_dense_law(context, d, n, 0, sigma, W);
        double least = best(context, law, 3, etas);
        naive_tally tally = descended_loss(&naive, inverse, 3, etas);
        ASSERT_MEAN(&tally, least);
        const double given[] = {0.2, -0.1, 0.5};
        tally = descended_loss(&naive, inverse, 3, given);
        ASSERT_MEAN(&tally, risk_of(context, law, 3, given));
        icl_law_free(law);
    }
}
END_TEST

RUN_SUITE("theory_deep", test_one_layer_is_the_best_step, test_optima_known_to_all_digits,
          test_one_eigenvalue_has_a_closed_form, test_optimum_is_stationary,
          test_no_perturbation_is_better, test_layers_among_each_other,
          test_two_loops_are_a_sum_of_moments, test_looped_optimum_is_the_least,
          test_looped_step_of_one_covariate, test_risks_that_underflow,
          test_risk_against_gradient_descent)
