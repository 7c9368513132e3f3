/* Moments of non-linear labels: quadrature, closed forms, and the optima that follow. Simulated
 * moments: test_theory_simulated.c. */
#include "test_theory.h"

#include "theory/label_moments.h"

static const double pi = 3.14159265358979323846;
static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

/* ---- quadrature ---- */

START_TEST(test_quadrature_of_a_normal) {
    setup_context();
    for (int fast = 0; fast < 2; fast++) {
        icl_quadrature q;
        ASSERT_OK(context,
                  icl_quadrature_create(context, fast ? ICL_REACH_FAST : ICL_REACH_EXACT, &q));
        double power[14] = {0}, half = 0, wave = 0, kink = 0, steep = 0, steep_half = 0;
        for (int64_t i = 0; i < q.count; i++) {
            double z = q.node[i], w = q.weight[i], p = w;
            ck_assert_double_gt(w, 0);
            ck_assert(i == 0 || z > q.node[i - 1]);
            for (int k = 0; k < 14; k++, p *= z)
                power[k] += p;
            half += z > 0 ? w : 0;
            wave += w * cos(3 * z);
            kink += w * fabs(z);
            steep += w * tanh(60 * z) * z;
            /* Stein: E z tanh(a z) = a E (1 - tanh^2(a z)) */
            steep_half += w * 60 * (1 - tanh(60 * z) * tanh(60 * z));
        }
        const double exact[14] = {1, 0, 1, 0, 3, 0, 15, 0, 105, 0, 945, 0, 10395, 0};
        double count = (double)q.count;
        for (int k = 0; k < 14; k++) /* beyond |z| = 9 lie 1e-9 of E z^12 */
            ASSERT_CLOSE(power[k], exact[k], fast && k > 6 ? 1e-8 : TOL_ALGEBRA(16, 1),
                         k % 2 == 0 ? exact[k] : exact[k - 1]);
        ASSERT_CLOSE(half, 0.5, TOL_ALGEBRA(16, 1), 1);
        ASSERT_CLOSE(wave, exp(-4.5), TOL_ALGEBRA(16, 1), 1);
        ASSERT_CLOSE(kink, sqrt(2 / pi), TOL_ALGEBRA(16, 1), 1);
        ASSERT_CLOSE(steep, steep_half, fast ? 1e-9 : TOL_ALGEBRA(sqrt(count), 1), 1);
        icl_quadrature_free(context, &q);
        ck_assert_ptr_null(q.node);
    }
}
END_TEST

/* With b = cos(theta) a + sin(theta) a': E relu(z) relu(c z + s z') with the inner mean closed:
 * E relu(m + s z') = m Phi(m / s) + s phi(m / s). */
START_TEST(test_arc_cosine_kernel_is_its_integral) {
    setup_context();
    icl_quadrature q;
    ASSERT_OK(context, icl_quadrature_create(context, ICL_REACH_EXACT, &q));
    for (double theta = 0.3; theta < 3; theta += 0.3) {
        double c = cos(theta), s = sin(theta), sum = 0;
        for (int64_t i = 0; i < q.count; i++) {
            double m = c * fmax(q.node[i], 0), t = m / s;
            double inner = m * 0.5 * erfc(-t / sqrt(2)) + s * exp(-t * t / 2) / sqrt(2 * pi);
            sum += q.weight[i] * fmax(q.node[i], 0) * inner;
        }
        ASSERT_CLOSE(icl_arc_cosine(theta), 2 * pi * sum, TOL_ALGEBRA(64, 1), 1);
    }
    ASSERT_CLOSE(icl_arc_cosine(0), pi, TOL_ALGEBRA(1, 1), pi);
    ASSERT_CLOSE(icl_arc_cosine(pi), 0, TOL_ALGEBRA(1, 1), pi);
    icl_quadrature_free(context, &q);
}
END_TEST

/* Simpson's rule on the density sin(theta)^(d - 2): error (b - a) h^4 f'''' / 180, with h = pi /
 * 20000 and f'''' up to d^2: 1e-17 d^2. */
START_TEST(test_angle_of_random_directions) {
    const int64_t dims[] = {2, 3, 4, 7, 20, 300};
    enum { STEPS = 20000 };
    for (int i = 0; i < 6; i++) {
        double sum = 0, total = 0;
        for (int k = 0; k <= STEPS; k++) {
            double theta = pi * k / STEPS, j = icl_arc_cosine(theta);
            double weight = k == 0 || k == STEPS ? 1 : k % 2 == 0 ? 2 : 4;
            weight *= pow(sin(theta), (double)(dims[i] - 2));
            sum += weight * j * j;
            total += weight;
        }
        ASSERT_CLOSE(icl_arc_cosine_square(dims[i]), sum / total, 1e-12, 1);
    }
    ASSERT_CLOSE(icl_arc_cosine_square(1), pi * pi / 2, TOL_ALGEBRA(1, 1), 5);
    /* J^2 = 1 + pi/2-slopes: at pi/2 J = 1, (J^2)'' / 2 = (J')^2 + J J'' = pi^2 / 4 + 1 */
    ASSERT_CLOSE(icl_arc_cosine_square(16384), 1 + (pi * pi / 4 + 1) / 16384, 1e-7, 1);
}
END_TEST

/* E |a|^2 |b|^2 J^2 over the pairs (a, b) = (z_1 root, z_2 root) of the flat stream 0. */
START_TEST(test_pairs_of_directions_are_the_flat_stream) {
    setup_context();
    enum { PAIRS = 700, D = 3 }; /* more than two chunks */
    const double values[D] = {0.5, 1, 2};
    const icl_simulation simulation = {13, PAIRS};
    icl_law_options o = law_options(D, 4, 0);
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = values;
    icl_law *law = make_law(context, &o);
    static double z[PAIRS * 2 * D];
    ASSERT_OK(context, icl_random_normal(context, 13, 0, 0, PAIRS * 2 * D, z));
    naive_tally tally = {0};
    for (int64_t p = 0; p < PAIRS; p++) {
        double a[D], b[D];
        for (int64_t k = 0; k < D; k++) {
            a[k] = sqrt(values[k]) * z[p * 2 * D + k];
            b[k] = sqrt(values[k]) * z[p * 2 * D + D + k];
        }
        double norms = naive_norm(D, a) * naive_norm(D, b),
               theta = acos(naive_dot(D, a, b) / norms);
        double j = sin(theta) + (acos(-1) - theta) * cos(theta);
        naive_add(&tally, pow(norms * j, 2));
    }
    double mean, error;
    ASSERT_OK(context, icl_label_pairs(law, &simulation, &mean, &error));
    ASSERT_CLOSE(mean, naive_mean(&tally), TOL_ALGEBRA(D, 100), mean);
    ASSERT_CLOSE(error, naive_error(&tally), 1e-7, mean);
    icl_law_free(law);
}
END_TEST

/* ---- g-laws ---- */

static double g_tanh(double s) {
    return tanh(s);
}

static double g_relu(double s) {
    return fmax(s, 0);
}

static double g_sin(double s) {
    return sin(2 * s);
}

static double g_cubic(double s) {
    return s * s * s;
}

static double g_linear(double s) {
    return s;
}

static double g_shifted(double s) {
    return 0.5 + s + 0.25 * s * s;
}

static int call_g(int64_t count, const double *s, double *out, void *user) {
    double (**g)(double) = user;
    for (int64_t i = 0; i < count; i++)
        out[i] = (*g)(s[i]);
    return 0;
}

typedef double (*g_function)(double);
static g_function functions[] = {g_linear, g_tanh, g_relu, g_sin, g_cubic, g_shifted};
static const int odd[] = {1, 1, 0, 1, 1, 0};
enum { LINEAR_G = 0, TANH = 1, SHIFTED = 5 };

/* labels 1..4: built in; with `callback`, or for 0 and 5: through the callback. */
static icl_law_options label_options(int64_t d, int64_t n, double noise, int which, int callback) {
    icl_law_options o = law_options(d, n, noise);
    o.labels = callback ? ICL_LABELS_CALLBACK : (icl_labels)which;
    if (callback) {
        o.label_fn = call_g;
        o.label_user = &functions[which];
        o.label_odd = odd[which];
    }
    return o;
}

/* E h(z), z ~ N(0, 1), by the trapezoidal rule: exact to rounding for smooth h, as its error falls
 * like exp(-2 pi^2 / h^2) for entire and exp(-2 pi a / h) for functions analytic in a strip a. */
static double trapezoid(double (*h)(double z, double tau, g_function g), double tau, g_function g) {
    double sum = 0, step = 1.0 / 64;
    for (int i = -64 * 14; i <= 64 * 14; i++) {
        double z = i * step;
        sum += h(z, tau, g) * exp(-z * z / 2) * step / sqrt(2 * pi);
    }
    return sum;
}

static double square(double z, double tau, g_function g) {
    double y = g(sqrt(tau) * z);
    return y * y;
}

static double bent(double z, double tau, g_function g) {
    return square(z, tau, g) * (z * z - 1);
}

static double fourth(double z, double tau, g_function g) {
    return square(z, tau, g) * square(z, tau, g);
}

static double slope(double z, double tau, g_function g) {
    return z * g(sqrt(tau) * z);
}

/* Closed forms (relu, sin, cubic) and quadrature (tanh) against the callback's quadrature, and
 * for smooth g against the trapezoidal rule. */
START_TEST(test_label_values_agree_between_methods) {
    setup_context();
    icl_quadrature q;
    ASSERT_OK(context, icl_quadrature_create(context, ICL_REACH_EXACT, &q));
    double *room = malloc((size_t)(2 * q.count) * sizeof *room);
    for (int which = 0; which <= SHIFTED; which++)
        for (double tau = 0.01; tau < 20; tau *= 3.7) {
            icl_label_values a, b;
            icl_law_options o = label_options(3, 4, 0, which, 1);
            icl_law *law = make_law(context, &o);
            ck_assert_int_eq(icl_label_needs_quadrature(law), 1);
            ASSERT_OK(context, icl_label_values_at(law, &q, tau, room, &a));
            icl_law_free(law);
            double tolerance = TOL_ALGEBRA(64, 1), scale = a.B;
            if (which != TANH && which != LINEAR_G && which != SHIFTED) {
                o = label_options(3, 4, 0, which, 0);
                law = make_law(context, &o);
                ck_assert_int_eq(icl_label_needs_quadrature(law), 0);
                ASSERT_OK(context, icl_label_values_at(law, NULL, tau, NULL, &b));
                icl_law_free(law);
                ASSERT_CLOSE(a.A, b.A, tolerance, scale);
                ASSERT_CLOSE(a.B, b.B, tolerance, scale);
                ASSERT_CLOSE(a.D, b.D, tolerance, fabs(b.D) + scale);
                ASSERT_CLOSE(a.fourth, b.fourth, tolerance, b.fourth);
            }
            if (functions[which] == g_relu)
                continue;
            double s = trapezoid(slope, tau, functions[which]);
            ASSERT_CLOSE(a.A, s * s, tolerance, scale);
            ASSERT_CLOSE(a.B, trapezoid(square, tau, functions[which]), tolerance, scale);
            double D = trapezoid(bent, tau, functions[which]);
            ASSERT_CLOSE(a.D, D, tolerance, fabs(D) + scale);
            ASSERT_CLOSE(a.fourth, trapezoid(fourth, tau, functions[which]), tolerance, a.fourth);
        }
    free(room);
    icl_quadrature_free(context, &q);
}
END_TEST

static icl_optimum optimum_of(const icl_law_options *o, double *gamma) {
    icl_law *law = make_law(context, o);
    icl_optimum optimum = {.size = sizeof optimum};
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &optimum));
    ck_assert_double_eq(optimum.risk_error, 0);
    ck_assert_double_eq(optimum.gamma_error, 0);
    ck_assert_double_le(optimum.residual, TOL_ALGEBRA(o->dim, 1));
    icl_law_free(law);
    return optimum;
}

/* The table of MATH 3.1: d = 5, n = 8, s2 = 0.25. */
START_TEST(test_table_of_nonlinear_laws) {
    setup_context();
    const double expected[] = {0.52459, 0.47699, 0.30769, 0.13743};
    for (int which = 0; which < 4; which++)
        for (int callback = which == 0; callback < 2; callback++) {
            icl_law_options o = label_options(5, 8, 0.25, which, callback);
            double gamma[25];
            optimum_of(&o, gamma);
            for (int i = 0; i < 25; i++)
                ASSERT_CLOSE(gamma[i], i % 6 == 0 ? expected[which] : 0, 5e-6, 1);
        }
}
END_TEST

/* F6: c = a^2 / ((E[g^2 (s^2 + d - 1)] + s2 d) / n + (1 - 1/n) a^2), risk E y^2 - c a^2. */
START_TEST(test_optimum_of_g_laws_is_formula_f6) {
    setup_context();
    for (int which = 0; which <= SHIFTED; which++)
        for (int64_t n = 1; n < 40; n += 13) {
            int64_t d = 1 + n % 5;
            double s2 = 0.1 * (double)n, D = (double)d, N = (double)n, gamma[MAX_DD];
            icl_law_options o = label_options(d, n, s2, which, 1);
            icl_optimum best = optimum_of(&o, gamma);
            if (functions[which] == g_relu)
                continue; /* not smooth: the tables and F6 by halves below */
            double a = trapezoid(slope, 1, functions[which]);
            double power = trapezoid(square, 1, functions[which]);
            double m = trapezoid(bent, 1, functions[which]) + D * power;
            double c = a * a / ((m + s2 * D) / N + (1 - 1 / N) * a * a);
            ASSERT_CLOSE(gamma[0], c, TOL_ALGEBRA(64, 1), c);
            ASSERT_CLOSE(best.risk, power + s2 - c * a * a, TOL_ALGEBRA(64, 1), power + s2);
        }
    /* relu: a = 1/2, E g^2 = 1/2, E g^2 s^2 = 3/2 */
    icl_law_options o = label_options(4, 6, 0.5, 2, 0);
    double gamma[16], c = 0.25 / ((1.5 + 1.5 + 2) / 6 + 0.25 * 5 / 6);
    ASSERT_CLOSE(optimum_of(&o, gamma).risk, 1 - c / 4, TOL_ALGEBRA(4, 1), 1);
    ASSERT_CLOSE(gamma[5], c, TOL_ALGEBRA(4, 1), c);
}
END_TEST

/* F7: eta* = 1 / (n + 2 d + 3 + 2 s2) for any width; risk s2 + d - eta* n d / 2. */
START_TEST(test_optimum_of_the_net_is_formula_f7) {
    setup_context();
    const int64_t widths[] = {1, 4, 1000};
    for (int i = 0; i < 12; i++) {
        int64_t d = 1 + i % 4 * 2, n = 1 + 5 * (i / 4);
        double s2 = 0.25 * i, D = (double)d, N = (double)n, gamma[MAX_DD];
        icl_law_options o = law_options(d, n, s2);
        o.labels = ICL_LABELS_NET;
        o.hidden = widths[i % 3];
        icl_optimum best = optimum_of(&o, gamma);
        double eta = 1 / (N + 2 * D + 3 + 2 * s2);
        for (int64_t k = 0; k < d * d; k++)
            ASSERT_CLOSE(gamma[k], k % (d + 1) == 0 ? N * eta : 0, TOL_ALGEBRA(1, 1), 1);
        ASSERT_CLOSE(best.risk, s2 + D - eta * N * D / 2, TOL_ALGEBRA(d, 1), s2 + D);
    }
    icl_law_options o = law_options(5, 10, 0.25);
    o.labels = ICL_LABELS_NET;
    double gamma[25];
    optimum_of(&o, gamma);
    ASSERT_CLOSE(gamma[0] / 10, 0.04255, 5e-6, 1);
}
END_TEST

/* Sigma = c I with g is Sigma = I with g(sqrt(c) s): x = sqrt(c) z, so Gamma_x = Gamma_z / c. */
START_TEST(test_scaled_identity_is_closed_too) {
    setup_context();
    const double fours[3] = {4, 4, 4};
    icl_law_options o = label_options(3, 5, 0.1, 3, 0), wide = o;
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = fours;
    double gamma[9], other[9];
    icl_optimum a = optimum_of(&o, gamma);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    icl_optimum rotated = optimum_of(&o, other);
    ASSERT_CLOSE(rotated.risk, a.risk, TOL_ALGEBRA(3, 1), 1);
    /* sin(2 * 2 s): E s g = 4 e^-8, E g^2 = (1 - e^-32) / 2, E g^2 (s^2 - 1) = 32 e^-32 */
    double slope4 = 4 * exp(-8), power = (1 - exp(-32)) / 2, D = 32 * exp(-32);
    double c = slope4 * slope4 / ((D + 3 * power + 0.3) / 5 + 0.8 * slope4 * slope4);
    ASSERT_CLOSE(gamma[0], c / 4, TOL_ALGEBRA(8, 1), c / 4);
    ASSERT_CLOSE(other[4], c / 4, TOL_ALGEBRA(8, 1), c / 4);
    ASSERT_CLOSE(a.risk, power + 0.1 - c * slope4 * slope4, TOL_ALGEBRA(8, 1), 1);
    wide.dim = 1;
    wide.covariance = ICL_COVARIANCE_DIAGONAL;
    wide.covariance_values = fours;
    optimum_of(&wide, gamma); /* one dimension is always a multiple of I */
}
END_TEST

/* n = 0; labels that are constant, or that carry no linear signal: K = 0 and Gamma* = 0. */
static double g_constant(double s) {
    (void)s;
    return 3;
}

START_TEST(test_labels_without_signal) {
    setup_context();
    g_function constant = g_constant;
    icl_law_options o = law_options(3, 7, 0.5);
    o.labels = ICL_LABELS_CALLBACK;
    o.label_fn = call_g;
    o.label_user = &constant;
    double gamma[9], K[9];
    icl_law *law = make_law(context, &o);
    icl_optimum best = {.size = sizeof best};
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &best));
    ASSERT_OK(context, icl_theory_moments(law, NULL, K, NULL, NULL));
    icl_law_free(law);
    ck_assert_double_le(naive_norm(9, gamma), TOL_ALGEBRA(64, 1));
    ck_assert_double_le(naive_norm(9, K), TOL_ALGEBRA(64, 1));
    ASSERT_CLOSE(best.risk, 9.5, TOL_ALGEBRA(64, 1), 9.5);
    for (int labels = 1; labels <= ICL_LABELS_NET; labels++) {
        o = law_options(2, 0, 0.5);
        o.labels = (icl_labels)labels;
        double power;
        law = make_law(context, &o);
        ASSERT_OK(context, icl_theory_moments(law, NULL, K, gamma, &power));
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, gamma, &best));
        icl_law_free(law);
        ck_assert_double_eq(naive_norm(4, K), 0);
        ck_assert_double_eq(naive_norm(4, gamma), 0);
        ck_assert_double_eq(best.risk, power);
        ck_assert_double_eq(best.residual, 0);
    }
}
END_TEST

/* ---- Monte Carlo ---- */

/* K_11, C_11 and E y^2 from prompts drawn token by token. */
static void check_moments(const naive_law *naive, const double *K, const double *C, double power) {
    normal_source source = {.context = context, .seed = 61};
    naive_prompt p;
    naive_tally k[MAX_D] = {{0}}, c[MAX_D] = {{0}}, y = {0};
    int64_t d = naive->d, n = naive->n;
    for (int i = 0; i < 60000; i++) {
        naive_draw(naive, &source, &p);
        naive_add(&y, p.y[n] * p.y[n]);
        for (int64_t j = 0; j < d; j++) {
            double b = 0;
            for (int64_t e = 0; e < n; e++)
                b += p.y[e] * p.x[e * d + j] / (double)n;
            naive_add(&k[j], p.y[n] * p.x[n * d + j] * b);
            naive_add(&c[j], b * b);
        }
    }
    ASSERT_MEAN(&y, power);
    for (int64_t j = 0; j < d; j++) {
        ASSERT_MEAN(&k[j], K[j * d + j]);
        ASSERT_MEAN(&c[j], C[j * d + j]);
    }
}

START_TEST(test_moments_against_monte_carlo) {
    setup_context();
    for (int which = 1; which <= SHIFTED; which++) {
        int64_t d = 3, n = 4;
        double noise = 0.2, K[9], C[9], power;
        int net = which == 4; /* the cubic's moments have tails too heavy for a z-score */
        icl_law_options o = label_options(d, n, noise, which, which == SHIFTED);
        naive_law naive = {
            .d = d, .n = n, .noise = noise, .labels = o.labels, .hidden = 3, .g = functions[which]};
        if (net)
            o.labels = naive.labels = ICL_LABELS_NET;
        o.hidden = 3;
        set_identity(d, naive.sigma_root);
        icl_law *law = make_law(context, &o);
        ASSERT_OK(context, icl_theory_moments(law, NULL, K, C, &power));
        icl_law_free(law);
        check_moments(&naive, K, C, power);
    }
}
END_TEST

/* The net's moments are exact for every Sigma, without a simulation. */
START_TEST(test_net_with_any_covariance) {
    setup_context();
    double K[9], C[9], sigma[9], W[9], power, a[9];
    naive_law naive = random_naive_law(context, 71, 3, 4, 0.2, sigma, W);
    naive.labels = ICL_LABELS_NET;
    naive.hidden = 3;
    icl_law_options o = law_options(3, 4, 0.2);
    o.labels = ICL_LABELS_NET;
    o.hidden = 3;
    o.covariance = ICL_COVARIANCE_DENSE;
    o.covariance_values = sigma;
    icl_law *law = make_law(context, &o);
    ASSERT_OK(context, icl_theory_moments(law, NULL, K, C, &power));
    check_moments(&naive, K, C, power);
    naive_product(3, sigma, sigma, a);
    for (int i = 0; i < 9; i++) {
        ASSERT_CLOSE(K[i], a[i] / 2, TOL_ALGEBRA(3, 1), naive_norm(9, a));
        double c = ((naive_trace(3, sigma) + 0.2) * sigma[i] + 2 * a[i]) / 4 + 0.375 * a[i];
        ASSERT_CLOSE(C[i], c, TOL_ALGEBRA(3, 1), naive_norm(9, C));
    }
    icl_law_free(law);
}
END_TEST

/* ---- the callback ---- */

static int stop_at_once(int64_t count, const double *s, double *out, void *user) {
    (void)count, (void)s, (void)out, (void)user;
    return 7;
}

static int not_a_number(int64_t count, const double *s, double *out, void *user) {
    (void)s, (void)user;
    for (int64_t i = 0; i < count; i++)
        out[i] = i == 3 ? NAN : 0;
    return 0;
}

START_TEST(test_failing_callbacks) {
    setup_context();
    icl_law_options o = law_options(3, 7, 0.5);
    o.labels = ICL_LABELS_CALLBACK;
    double gamma[9] = {42};
    o.label_fn = stop_at_once;
    icl_law *law = make_law(context, &o);
    icl_population *population = (icl_population *)gamma;
    ASSERT_FAILS(context, ICL_ERR_CALLBACK, "7", icl_theory_optimum(law, NULL, 0, gamma, NULL));
    ASSERT_FAILS(context, ICL_ERR_CALLBACK, "7", icl_population_create(law, &population));
    ck_assert_ptr_null(population);
    icl_law_free(law);
    o.label_fn = not_a_number;
    law = make_law(context, &o);
    ASSERT_FAILS(context, ICL_ERR_CALLBACK, "nan", icl_theory_optimum(law, NULL, 0, gamma, NULL));
    ck_assert_double_eq(gamma[0], 42);
    icl_law_free(law);
}
END_TEST

RUN_SUITE("theory_labels", test_quadrature_of_a_normal, test_arc_cosine_kernel_is_its_integral,
          test_angle_of_random_directions, test_pairs_of_directions_are_the_flat_stream,
          test_label_values_agree_between_methods, test_table_of_nonlinear_laws,
          test_optimum_of_g_laws_is_formula_f6, test_optimum_of_the_net_is_formula_f7,
          test_scaled_identity_is_closed_too, test_labels_without_signal,
          test_moments_against_monte_carlo, test_net_with_any_covariance, test_failing_callbacks)
