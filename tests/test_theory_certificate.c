/* Certificates: every field from its definition, gauges, ranks, and what has no closed form. */
#include "test_theory.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

static icl_certificate certify(const icl_law *law, const layer_point *p, int64_t rank) {
    icl_certificate certificate = {.size = sizeof certificate};
    ASSERT_OK(context, icl_theory_certify(law, NULL, p->u, p->v, p->M, p->r, rank, &certificate));
    return certificate;
}

static layer_point odd_point(int64_t d, double v, const double *gamma) {
    layer_point p = {.v = v};
    naive_transpose(d, gamma, p.M);
    for (int64_t i = 0; i < d * d; i++)
        p.M[i] /= v;
    return p;
}

/* tr(A^T Sigma B C) */
static double inner(const icl_law *law, const double *C, const double *A, const double *B) {
    int64_t d = icl_law_dim(law);
    double a[MAX_DD], b[MAX_DD];
    naive_product(d, icl_law_covariance(law), B, a);
    naive_product(d, a, C, b);
    return naive_dot(d * d, A, b);
}

/* ---- every field ---- */

/* The fields that depend on Gamma, Gamma*, K and C alone. */
static void check_geometry(const icl_law *law, const layer_point *p, int64_t rank,
                           const icl_certificate *c) {
    int64_t d = icl_law_dim(law), n = icl_law_context(law), dd = d * d;
    double C[MAX_DD], gamma[MAX_DD], best[MAX_DD], away[MAX_DD], whitened[MAX_DD], I[MAX_DD];
    ASSERT_OK(context, icl_theory_moments(law, NULL, NULL, C, NULL));
    ASSERT_OK(context, icl_theory_optimum(law, NULL, rank, best, NULL));
    point_gamma(d, p, gamma);
    for (int64_t i = 0; i < dd; i++)
        away[i] = gamma[i] - best[i];
    set_identity(d, I);
    memcpy(whitened, icl_law_covariance(law), (size_t)dd * sizeof *whitened);
    naive_invert(d, whitened);
    double tolerance = TOL_ALGEBRA(d * d, 1e3), N = (double)n;
    double scale = inner(law, C, best, best);
    ASSERT_CLOSE(c->gamma_distance, sqrt(inner(law, C, away, away) / scale), tolerance,
                 1 + c->gamma_distance);
    ASSERT_CLOSE(c->step, inner(law, C, gamma, I) / inner(law, C, I, I) / N, tolerance, 1);
    ASSERT_CLOSE(c->step_theory, inner(law, C, best, I) / inner(law, C, I, I) / N, tolerance, 1);
    double square = inner(law, C, whitened, whitened) * N;
    ASSERT_CLOSE(c->step_whitened, inner(law, C, gamma, whitened) / square, tolerance, 1);
    ASSERT_CLOSE(c->step_whitened_theory, inner(law, C, best, whitened) / square, tolerance, 1);
    icl_estimate odd;
    ASSERT_OK(context, icl_theory_risk(law, NULL, gamma, &odd));
    /* risk = risk of the odd part + E even^2, even_part^2 = E even^2 / E odd^2 */
    double even = c->even_part * c->even_part * inner(law, C, gamma, gamma);
    ASSERT_CLOSE(c->risk, odd.value + even, tolerance, c->risk);
}

START_TEST(test_fields_are_their_definitions) {
    setup_context();
    for (uint64_t seed = 0; seed < 24; seed++) {
        int64_t d = 1 + (int64_t)(seed % 4), n = 1 + (int64_t)(seed % 9);
        int64_t rank = (int64_t)seed % (d + 1);
        double sigma[MAX_DD], W[MAX_DD], loss;
        random_naive_law(context, seed, d, n, 0.3, sigma, W);
        icl_law *law = make_dense_law(context, d, n, 0.3, sigma, W);
        layer_point p = random_point(context, seed + 9, d, 0.5);
        icl_certificate c = certify(law, &p, rank);
        check_geometry(law, &p, rank, &c);
        icl_population *population;
        ASSERT_OK(context, icl_population_create(law, &population));
        ASSERT_OK(context, icl_population_evaluate(population, p.u, p.v, p.M, p.r, &loss, NULL,
                                                   NULL, NULL, NULL, NULL));
        icl_population_free(population);
        icl_optimum best = {.size = sizeof best};
        ASSERT_OK(context, icl_theory_optimum(law, NULL, rank, NULL, &best));
        ASSERT_CLOSE(c.risk, loss, TOL_ALGEBRA(d * d, 10), loss);
        ASSERT_CLOSE(c.risk_optimum, best.risk, TOL_ALGEBRA(1, 1), best.risk);
        ASSERT_CLOSE(c.excess, loss - best.risk, TOL_ALGEBRA(d * d, 10), loss);
        ck_assert_double_eq(c.normal_residual, best.residual);
        ck_assert_double_eq(c.risk_error, 0);
        icl_law_free(law);
    }
}
END_TEST

/* At the optimum of each rank. */
START_TEST(test_the_optimum_is_certified) {
    setup_context();
    double values[5], sigma[25], gamma[25];
    spread_values(5, 10, values);
    random_covariance(context, 2, 5, values, sigma);
    icl_law *law = make_dense_law(context, 5, 9, 0.3, sigma, NULL);
    for (int64_t rank = 1; rank <= 5; rank++) {
        icl_optimum best = {.size = sizeof best};
        ASSERT_OK(context, icl_theory_optimum(law, NULL, rank, gamma, &best));
        layer_point p = odd_point(5, -0.7, gamma);
        icl_certificate c = certify(law, &p, rank);
        ck_assert_double_le(c.gamma_distance, TOL_ALGEBRA(5, 100));
        ck_assert_double_eq(c.even_part, 0);
        ck_assert_double_le(fabs(c.excess), TOL_ALGEBRA(5, 100) * best.risk);
        ck_assert_double_eq(c.numerical_rank, (double)rank);
        ASSERT_CLOSE(c.step, c.step_theory, TOL_ALGEBRA(5, 100), 1);
        /* truncated, it is a critical point only along its own rank */
        if (rank == 5)
            ck_assert_double_le(c.gradient_norm, TOL_ALGEBRA(5, 100) * best.risk);
        else
            ck_assert_double_gt(certify(law, &p, 0).gamma_distance, 1e-3);
    }
    icl_law_free(law);
}
END_TEST

/* excess next to a truncated optimum, with no digits left in the difference of the risks:
 * away = d e, e in the kept directions: second order; e in a cut one: first order, -2 d k. */
START_TEST(test_excess_over_a_truncated_optimum) {
    setup_context();
    const double values[2] = {3, 1};
    icl_law_options o = law_options(2, 5, 0);
    o.prior = ICL_COVARIANCE_DIAGONAL;
    o.prior_values = values;
    icl_law *law = make_law(context, &o);
    double gamma[4], size = 1e-10;
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 1, gamma, NULL));
    ck_assert_double_eq(gamma[3], 0);
    gamma[0] += size;
    layer_point p = odd_point(2, 1, gamma);
    double rounding = TOL_ALGEBRA(2, 1) / size;
    ASSERT_CLOSE(certify(law, &p, 1).excess, size * size * (1.2 * 3 + 4 / 5.0), rounding,
                 size * size * 4.4);
    gamma[0] -= size;
    gamma[3] = size;
    p = odd_point(2, 1, gamma);
    ASSERT_CLOSE(certify(law, &p, 1).excess, -2 * size, 1e-9, size);
    icl_law_free(law);
}
END_TEST

/* F3 and F2: eta = 1 / (n + d + 1 + s2), with I and with Sigma^-1. */
START_TEST(test_steps_are_the_theorems) {
    setup_context();
    double values[4], gamma[16];
    spread_values(4, 30, values);
    icl_law_options o = law_options(4, 12, 0.5);
    icl_law *law = make_law(context, &o);
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, NULL));
    layer_point p = odd_point(4, 2, gamma);
    icl_certificate c = certify(law, &p, 0);
    ASSERT_CLOSE(c.step, 1 / 17.5, TOL_ALGEBRA(4, 1), 1);
    ASSERT_CLOSE(c.step_whitened_theory, 1 / 17.5, TOL_ALGEBRA(4, 1), 1);
    icl_law_free(law);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = values;
    o.prior = ICL_COVARIANCE_INVERSE;
    law = make_law(context, &o);
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, NULL));
    p = odd_point(4, 2, gamma);
    c = certify(law, &p, 0);
    ASSERT_CLOSE(c.step_whitened, 1 / 17.5, TOL_ALGEBRA(4, 30), 1);
    ASSERT_CLOSE(c.step_whitened_theory, 1 / 17.5, TOL_ALGEBRA(4, 30), 1);
    icl_law_free(law);
}
END_TEST

/* ---- the gauge ---- */

/* gradient_norm at the balanced point, and from any other point of the orbit. */
START_TEST(test_gradient_norm_is_of_the_balanced_gauge) {
    setup_context();
    double sigma[9], W[9];
    random_naive_law(context, 3, 3, 5, 0.2, sigma, W);
    icl_law *law = make_dense_law(context, 3, 5, 0.2, sigma, W);
    layer_point p = random_point(context, 4, 3, 0.5), balanced = p, g;
    double left = sqrt(naive_dot(3, p.u, p.u) + p.v * p.v);
    double right = sqrt(naive_dot(9, p.M, p.M) + naive_dot(3, p.r, p.r)), a = sqrt(right / left);
    balanced.v *= a;
    for (int i = 0; i < 9; i++)
        balanced.M[i] /= a;
    for (int i = 0; i < 3; i++) {
        balanced.u[i] *= a;
        balanced.r[i] /= a;
    }
    icl_population *population;
    ASSERT_OK(context, icl_population_create(law, &population));
    ASSERT_OK(context, icl_population_evaluate(population, balanced.u, balanced.v, balanced.M,
                                               balanced.r, NULL, NULL, g.u, &g.v, g.M, g.r));
    icl_population_free(population);
    double norm =
        sqrt(naive_dot(3, g.u, g.u) + g.v * g.v + naive_dot(9, g.M, g.M) + naive_dot(3, g.r, g.r));
    ASSERT_CLOSE(certify(law, &balanced, 0).gradient_norm, norm, TOL_ALGEBRA(9, 1), norm);
    ASSERT_CLOSE(certify(law, &p, 0).gradient_norm, norm, TOL_ALGEBRA(9, 1), norm);
    ASSERT_CLOSE(certify(law, &p, 1).gradient_norm, norm, TOL_ALGEBRA(9, 1), norm);
    /* the saddle at zero, also where only one side of the product is 0 */
    layer_point zero = {.v = 0}, half = {.v = 1};
    ck_assert_double_eq(certify(law, &zero, 0).gradient_norm, 0);
    icl_certificate c = certify(law, &half, 0);
    ck_assert_double_eq(c.gradient_norm, 0);
    ASSERT_CLOSE(c.gamma_distance, 1, TOL_ALGEBRA(3, 10), 1);
    ck_assert_double_eq(c.even_part, 0);
    ck_assert_double_eq(c.numerical_rank, 0);
    icl_law_free(law);
}
END_TEST

/* The net with Sigma = diag(2, 1): closed as long as u = r = 0, and so is its gradient in (v, M):
 * with G = v M^T: 2 Sigma (G - Gamma*) C. */
START_TEST(test_gradient_norm_of_the_odd_net) {
    setup_context();
    const double values[2] = {2, 1};
    icl_law_options o = law_options(2, 4, 0.1);
    o.labels = ICL_LABELS_NET;
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o);
    double C[4], best[4], norm = 0;
    ASSERT_OK(context, icl_theory_moments(law, NULL, NULL, C, NULL));
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, best, NULL));
    layer_point p = {.v = 0.5, .M = {0.3, 0, 0, 0.4}}; /* balanced */
    double gv = 0;
    for (int i = 0; i < 2; i++) {
        double slope = 2 * values[i] * (p.v * p.M[3 * i] - best[3 * i]) * C[3 * i];
        gv += slope * p.M[3 * i];
        norm += slope * slope * p.v * p.v;
    }
    norm = sqrt(norm + gv * gv);
    ASSERT_CLOSE(certify(law, &p, 0).gradient_norm, norm, TOL_ALGEBRA(4, 10), norm);
    icl_law_free(law);
}
END_TEST

/* An even part without an odd one: v = 0, r = 0. */
START_TEST(test_even_part_alone_is_infinite) {
    setup_context();
    icl_law_options o = law_options(3, 5, 0.2);
    icl_law *law = make_law(context, &o);
    layer_point p = random_point(context, 4, 3, 0.5);
    p.v = 0;
    memset(p.r, 0, sizeof p.r);
    icl_certificate c = certify(law, &p, 0);
    ck_assert(isinf(c.even_part) && c.even_part > 0);
    ck_assert_double_gt(c.excess, 0);
    icl_law_free(law);
}
END_TEST

/* Singular values of Gamma beside those of Gamma* = n / (n + d + 1) I: above 1e-3 or not. */
START_TEST(test_numerical_rank) {
    setup_context();
    icl_law_options o = law_options(4, 5, 0);
    icl_law *law = make_law(context, &o);
    const double values[4] = {1, 0.1, 1.1e-3, 0.9e-3};
    double gamma[16];
    random_covariance(context, 1, 4, values, gamma);
    for (int i = 0; i < 16; i++)
        gamma[i] *= 5 / 10.0;
    layer_point p = odd_point(4, 1, gamma);
    ck_assert_double_eq(certify(law, &p, 0).numerical_rank, 3);
    icl_law_free(law);
}
END_TEST

/* d = 1: (u, v, m, r) with v m + r u = gamma*; the even part decides. Any split with u = r = 0. */
START_TEST(test_one_dimension) {
    setup_context();
    icl_law_options o = law_options(1, 4, 0.5);
    icl_law *law = make_law(context, &o);
    layer_point p = {.v = 3, .M = {4 / 6.5 / 3}};
    icl_certificate c = certify(law, &p, 0);
    ck_assert_double_le(c.gamma_distance, TOL_ALGEBRA(1, 10));
    ck_assert_double_eq(c.numerical_rank, 1);
    ASSERT_CLOSE(c.step, 1 / 6.5, TOL_ALGEBRA(1, 10), 1);
    p = (layer_point){.u = {0.5}, .v = 0.5, .M = {-0.4}, .r = {0.4 + 8 / 6.5}};
    c = certify(law, &p, 0);
    ck_assert_double_le(c.gamma_distance, TOL_ALGEBRA(1, 10));
    ck_assert_double_gt(c.even_part, 0.01);
    ASSERT_CLOSE(c.excess, c.risk - c.risk_optimum, TOL_ALGEBRA(1, 10), c.risk);
    icl_law_free(law);
}
END_TEST

/* ---- degenerate laws ---- */

START_TEST(test_no_examples_and_singular_covariance) {
    setup_context();
    icl_law_options o = law_options(3, 0, 0.5);
    icl_law *law = make_law(context, &o);
    layer_point p = random_point(context, 5, 3, 1);
    icl_certificate c = certify(law, &p, 0);
    ck_assert(c.gamma_distance == 0 && c.even_part == 0 && c.gradient_norm == 0 && c.excess == 0);
    ck_assert(c.step == 0 && c.step_theory == 0 && c.step_whitened == 0 && c.numerical_rank == 0);
    ASSERT_CLOSE(c.risk, 3.5, TOL_ALGEBRA(3, 1), 3.5);
    icl_law_free(law);
    const double mean[3] = {1, 1, 0};
    o.prior_mean = mean; /* needs no simulation either: yhat = 0 */
    law = make_law(context, &o);
    ASSERT_CLOSE(certify(law, &p, 0).risk, 5.5, TOL_ALGEBRA(3, 1), 5.5);
    icl_law_free(law);
    /* W = 0: Gamma* = 0 and the distance is the norm itself, the risk of noise alone */
    const double none[3] = {0};
    o = law_options(3, 4, 0.5);
    o.prior = ICL_COVARIANCE_DIAGONAL;
    o.prior_values = none;
    law = make_law(context, &o);
    memset(p.u, 0, sizeof p.u);
    c = certify(law, &p, 0);
    double gamma[9];
    point_gamma(3, &p, gamma);
    ASSERT_CLOSE(c.gamma_distance, sqrt(0.5 / 4) * naive_norm(9, gamma), TOL_ALGEBRA(9, 1), 1);
    icl_law_free(law);
    const double flat[3] = {1, 0, 2};
    o = law_options(3, 4, 0.5);
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = flat;
    law = make_law(context, &o);
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, NULL));
    gamma[4] = 17; /* where x never is */
    p = odd_point(3, 1, gamma);
    c = certify(law, &p, 0);
    ck_assert_double_le(c.gamma_distance, TOL_ALGEBRA(3, 10));
    ck_assert(isnan(c.step_whitened) && isnan(c.step_whitened_theory));
    ck_assert_double_eq(c.numerical_rank, 2);
    icl_law_free(law);
}
END_TEST

/* ---- a prior mean ---- */

START_TEST(test_prior_mean_with_an_even_part_is_simulated) {
    setup_context();
    int64_t d = 3, n = 6;
    double sigma[9], W[9], mean[3] = {1.5, -0.5, 1};
    naive_law naive = random_naive_law(context, 6, d, n, 0.25, sigma, W);
    memcpy(naive.mean, mean, sizeof mean);
    icl_law_options o = law_options(d, n, 0.25);
    o.covariance = o.prior = ICL_COVARIANCE_DENSE;
    o.covariance_values = sigma;
    o.prior_values = W;
    o.prior_mean = mean;
    icl_law *law = make_law(context, &o);
    layer_point p = random_point(context, 8, d, 0.4);
    icl_certificate c = {.size = sizeof c};
    ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "prior mean",
                 icl_theory_certify(law, NULL, p.u, p.v, p.M, p.r, 0, &c));
    const icl_simulation simulation = {2, 40000};
    ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, p.v, p.M, p.r, 0, &c));
    ck_assert(isnan(c.gradient_norm));
    ck_assert_double_gt(c.risk_error, 0);
    ASSERT_CLOSE(c.excess, c.risk - c.risk_optimum, TOL_ALGEBRA(1, 1), c.risk);
    /* exact over the queries: less noise than the naive loss with as many prompts */
    naive_tally tally = naive_loss(context, &naive, 2, 40000, &p);
    ck_assert_double_lt(c.risk_error, naive_error(&tally));
    double error = hypot(c.risk_error, naive_error(&tally));
    ck_assert_double_le(fabs(c.risk - naive_mean(&tally)), TOL_Z * error);
    /* the even part by flipping the labels, which is what makes a part even or odd */
    normal_source source = {.context = context, .seed = 4};
    naive_prompt q;
    naive_tally even = {0}, odd = {0};
    for (int i = 0; i < 40000; i++) {
        naive_draw(&naive, &source, &q);
        double there = naive_predict(&naive, &q, &p);
        for (int64_t e = 0; e < n; e++)
            q.y[e] = -q.y[e];
        double back = naive_predict(&naive, &q, &p);
        naive_add(&even, pow((there + back) / 2, 2));
        naive_add(&odd, pow((there - back) / 2, 2));
    }
    double ratio = naive_mean(&even) / naive_mean(&odd);
    double spread = naive_error(&even) / naive_mean(&even) + naive_error(&odd) / naive_mean(&odd);
    ASSERT_CLOSE(c.even_part * c.even_part, ratio, 2 * TOL_Z * spread, ratio);
    /* u = r = 0: closed */
    memset(p.u, 0, sizeof p.u);
    memset(p.r, 0, sizeof p.r);
    ASSERT_OK(context, icl_theory_certify(law, NULL, p.u, p.v, p.M, p.r, 0, &c));
    check_geometry(law, &p, 0, &c);
    ck_assert_double_eq(c.risk_error, 0);
    icl_law_free(law);
}
END_TEST

/* MATH 3: d = 5, n = 10, s2 = 0.25, mu = 2 e_1: the full layer reaches 3.18 where the best Gamma
 * has 3.38. Descend on a fixed set of moments and certify on others. */
START_TEST(test_prior_mean_even_part_does_help) {
    setup_context();
    icl_law_options o = law_options(5, 10, 0.25);
    double mean[5] = {2, 0, 0, 0, 0}, gamma[25];
    o.prior_mean = mean;
    icl_law *law = make_law(context, &o);
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, NULL));
    const icl_simulation simulation = {2, 20000};
    layer_point p = odd_point(5, 1, gamma);
    icl_certificate c = {.size = sizeof c};
    double step = 0.05, best = INFINITY;
    /* along e_1 alone: coordinate search in (v, u_1, r_1, M_11, M_22 = .. = M_55) on common prompts
     */
    double *moves[5] = {&p.v, &p.u[0], &p.r[0], &p.M[0], &p.M[6]};
    for (int round = 0; round < 30; round++) {
        double before = best;
        for (int k = 0; k < 10; k++) {
            double old = *moves[k / 2];
            *moves[k / 2] += k % 2 == 0 ? step : -step;
            for (int i = 2; i < 5; i++)
                p.M[6 * i] = p.M[6];
            const icl_simulation few = {1, 1000};
            ASSERT_OK(context, icl_theory_certify(law, &few, p.u, p.v, p.M, p.r, 0, &c));
            if (c.risk < best)
                best = c.risk;
            else
                *moves[k / 2] = old;
            for (int i = 2; i < 5; i++)
                p.M[6 * i] = p.M[6];
        }
        if (best == before)
            step /= 2;
    }
    ASSERT_OK(context, icl_theory_certify(law, &simulation, p.u, p.v, p.M, p.r, 0, &c));
    ASSERT_CLOSE(c.risk_optimum, 3.3836, 5e-5, 1);
    ck_assert_double_lt(c.risk + TOL_Z * c.risk_error, c.risk_optimum);
    /* the search is crude and saw few prompts: it may miss 3.18 by its overfit, not beat it */
    ck_assert_double_gt(c.risk + TOL_Z * c.risk_error, 3.18);
    ck_assert_double_lt(c.risk - TOL_Z * c.risk_error, 3.25);
    icl_law_free(law);
}
END_TEST

RUN_SUITE("theory_certificate", test_fields_are_their_definitions, test_the_optimum_is_certified,
          test_excess_over_a_truncated_optimum, test_steps_are_the_theorems,
          test_gradient_norm_is_of_the_balanced_gauge, test_gradient_norm_of_the_odd_net,
          test_even_part_alone_is_infinite, test_numerical_rank, test_one_dimension,
          test_no_examples_and_singular_covariance, test_prior_mean_with_an_even_part_is_simulated,
          test_prior_mean_even_part_does_help)
