/* The law of the eigenvalues: its exact form against moments from Stein's identity, the simulated
 * one against the exact one, and Gauss rules against planted points. */
#include "test_theory.h"

#include "linalg/linalg.h"
#include "theory/quadrature.h"
#include "theory/simulate.h"
#include "theory/spectrum.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

/* sum_k weight[k] node[k]^power, the mass at 0 included. */
static double moment_of(const icl_spectrum *mu, int power) {
    double sum = power == 0 ? mu->rest : 0;
    for (int64_t i = 0; i < mu->count; i++)
        sum += mu->weight[i] * pow(mu->node[i], power);
    return sum;
}

/* ---- exact moments ---- */

/* E prod_j tr A^m[j], A = X^T X, X (n x d) standard normal, by Stein's identity for one factor X^T
 * of the last trace: all terms are positive. */
static double trace_moment(double n, double d, int count, const int *m) {
    if (count == 0)
        return 1;
    int k = m[count - 1], rest = count - 1, next[16];
    if (k == 0)
        return d * trace_moment(n, d, rest, m);
    memcpy(next, m, (size_t)count * sizeof *m);
    next[rest] = k - 1;
    double sum = (n + k - 1) * trace_moment(n, d, count, next);
    for (int p = 0; p + 2 <= k; p++) {
        next[rest] = p + 1;
        next[count] = k - 2 - p;
        sum += trace_moment(n, d, count + 1, next);
    }
    for (int j = 0; j < rest; j++) {
        memcpy(next, m, (size_t)rest * sizeof *m);
        next[j] = k - 1 + m[j];
        sum += 2 * m[j] * trace_moment(n, d, rest, next);
    }
    return sum;
}

/* E (1/d) tr S^k */
static double exact_moment(int64_t n, int64_t d, int k) {
    return trace_moment((double)n, (double)d, 1, &k) / (double)d / pow((double)n, k);
}

START_TEST(test_stein_gives_the_listed_moments) {
    for (double n = 1; n < 12; n += 3)
        for (double d = 1; d < 8; d += 2) {
            double nd = n * d;
            const double listed[] = {d, nd, nd * (n + d + 1),
                                     nd * (n * n + d * d + 3 * nd + 3 * n + 3 * d + 4),
                                     nd * (n * n * n + d * d * d + 6 * n * nd + 6 * d * nd +
                                           6 * n * n + 6 * d * d + 17 * nd + 21 * n + 21 * d + 20)};
            for (int k = 0; k <= 4; k++) /* integers */
                ck_assert_double_eq(trace_moment(n, d, 1, &k), listed[k]);
        }
}
END_TEST

/* n = 3, d = 2 by drawing: tr A^k = l_1^k + l_2^k. */
START_TEST(test_stein_against_monte_carlo) {
    setup_context();
    normal_source source = {.context = context, .seed = 31};
    naive_tally tallies[9] = {{0}};
    for (int prompt = 0; prompt < 400000; prompt++) {
        double a = 0, b = 0, c = 0;
        for (int i = 0; i < 3; i++) {
            double x = next_normal(&source), y = next_normal(&source);
            a += x * x;
            b += x * y;
            c += y * y;
        }
        double half = (a + c) / 2, root = sqrt((a - c) * (a - c) / 4 + b * b);
        for (int k = 1; k <= 8; k++)
            naive_add(&tallies[k], pow(half + root, k) + pow(half - root, k));
    }
    for (int k = 1; k <= 8; k++)
        ASSERT_MEAN(&tallies[k], trace_moment(3, 2, 1, &k));
}
END_TEST

/* ---- the exact form ---- */

/* Odd and even min(n, d), n < d, n = d, d = 1, narrow laws. A sum over points has the rounding of
 * k multiplications and of the density's O(sqrt(max(n, d))) exponents. */
START_TEST(test_density_has_the_exact_moments) {
    setup_context();
    static const int64_t shapes[][2] = {
        {1, 1},  {2, 1},  {1, 4},    {2, 2},     {5, 2},     {3, 3},    {7, 3},
        {3, 7},  {20, 5}, {5, 20},   {6, 5},     {40, 39},   {33, 100}, {1000, 4},
        {37, 5}, {6, 38}, {5000, 3}, {50000, 5}, {300, 200}, {64, 64},  {1 << 20, 2}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int64_t n = shapes[i][0], d = shapes[i][1], most = n < d ? d : n;
        icl_spectrum mu;
        ASSERT_OK(context, icl_spectrum_wishart(context, n, d, 8, &mu));
        ck_assert_int_eq(mu.group, 0);
        ASSERT_CLOSE(mu.rest, d > n ? 1 - (double)n / (double)d : 0, DBL_EPSILON, 1);
        for (int k = 0; k <= 8; k++) {
            double expected = exact_moment(n, d, k);
            ASSERT_CLOSE(moment_of(&mu, k), expected, TOL_ALGEBRA(9 + sqrt((double)most), 1),
                         expected);
        }
        for (int64_t k = 0; k < mu.count; k++)
            ck_assert(mu.node[k] >= 0 && mu.weight[k] > 0);
        icl_spectrum_free(context, &mu);
    }
}
END_TEST

/* E tr S^k for N = 1 is a moment of chi-square, to the highest degree that layers ask for. */
START_TEST(test_density_holds_to_its_degree) {
    setup_context();
    for (int64_t n = 1; n <= 9; n += 4)
        for (int k = 16; k <= 256; k *= 2) {
            icl_spectrum mu;
            ASSERT_OK(context, icl_spectrum_wishart(context, n, 1, k, &mu));
            double sum = 0, top = log((double)n);
            for (int j = 1; j < k; j++) /* the log of E s^k */
                top += log(((double)n + 2 * j) / (double)n);
            for (int64_t i = 0; i < mu.count; i++)
                sum += exp(log(mu.weight[i]) + k * log(mu.node[i]) - top + log((double)n));
            ASSERT_CLOSE(sum, 1, TOL_ALGEBRA(k + fabs(top), 1), 1);
            icl_spectrum_free(context, &mu);
        }
}
END_TEST

/* ---- the simulated form ---- */

static icl_law *rotated_law(icl_context *owner, int64_t d, int64_t n) {
    double values[MAX_D];
    spread_values(d, 100, values);
    icl_law_options o = law_options(d, n, 0);
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = values;
    return make_law(owner, &o);
}

/* sum_j node[i + j]^power over one prompt */
static double prompt_moment(const icl_spectrum *mu, int64_t prompt, int power) {
    double sum = 0;
    for (int64_t j = 0; j < mu->group; j++)
        sum += pow(mu->node[prompt * mu->group + j], power);
    return sum;
}

START_TEST(test_simulated_spectrum_against_the_exact_one) {
    setup_context();
    static const int64_t shapes[][2] = {{20, 5}, {3, 5}, {1, 2}, {5, 1}, {4, 4}};
    const icl_simulation simulation = {3, 20000};
    for (int i = 0; i < 5; i++) {
        int64_t n = shapes[i][0], d = shapes[i][1];
        icl_law *law = rotated_law(context, d, n);
        icl_spectrum mu, exact;
        ASSERT_OK(context, icl_spectrum_simulated(law, &simulation, &mu));
        ASSERT_OK(context, icl_spectrum_wishart(context, n, d, 4, &exact));
        ck_assert_int_eq(mu.group, n < d ? n : d);
        ck_assert_int_eq(mu.count, mu.group * simulation.prompts);
        ck_assert_double_eq(mu.rest, exact.rest);
        ASSERT_CLOSE(moment_of(&mu, 0), 1, TOL_ALGEBRA(mu.count, 1), 1);
        for (int k = 1; k <= 4; k++) {
            naive_tally tally = {0};
            for (int64_t prompt = 0; prompt < simulation.prompts; prompt++)
                naive_add(&tally, prompt_moment(&mu, prompt, k) / (double)d);
            ASSERT_MEAN(&tally, moment_of(&exact, k));
        }
        icl_spectrum_free(context, &exact);
        icl_spectrum_free(context, &mu);
        icl_law_free(law);
    }
}
END_TEST

/* tr (Sigma^-1 S)^k for k = 1, 2 of the sampler's own prompts. */
START_TEST(test_simulated_spectrum_is_that_of_the_prompts) {
    setup_context();
    const int64_t d = 4, prompts = 7;
    const icl_simulation simulation = {8, prompts};
    for (int64_t n = 2; n <= 6; n += 4) {
        icl_law *law = rotated_law(context, d, n);
        icl_sampler *sampler;
        icl_batch *batch;
        icl_spectrum mu;
        ASSERT_OK(context, icl_sampler_create(context, law, 8, &sampler));
        ASSERT_OK(context, icl_sampler_batch(sampler, prompts, 1, ICL_CONTENTS_MOMENTS, &batch));
        ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
        ASSERT_OK(context, icl_spectrum_simulated(law, &simulation, &mu));
        double inverse[MAX_DD], a[MAX_DD];
        memcpy(inverse, icl_law_covariance(law), sizeof(double) * (size_t)(d * d));
        naive_invert(d, inverse);
        for (int64_t p = 0; p < prompts; p++) {
            naive_product(d, inverse, icl_batch_S(batch) + p * d * d, a);
            double square[MAX_DD];
            naive_product(d, a, a, square);
            ASSERT_CLOSE(prompt_moment(&mu, p, 1), naive_trace(d, a), TOL_ALGEBRA(d, 100),
                         naive_trace(d, a));
            ASSERT_CLOSE(prompt_moment(&mu, p, 2), naive_trace(d, square), TOL_ALGEBRA(d, 100),
                         naive_trace(d, square));
        }
        icl_spectrum_free(context, &mu);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
        icl_law_free(law);
    }
}
END_TEST

/* More prompts than a chunk holds; and the bits of one thread are those of three. */
START_TEST(test_threads_do_not_change_a_bit) {
    setup_context();
    icl_context *three = make_context(3, ICL_ISA_AUTO);
    const icl_simulation simulation = {2, 1500};
    icl_law *law = rotated_law(context, 3, 5), *same = rotated_law(three, 3, 5);
    icl_spectrum mu, twin;
    ASSERT_OK(context, icl_spectrum_simulated(law, &simulation, &mu));
    ASSERT_OK(three, icl_spectrum_simulated(same, &simulation, &twin));
    ck_assert_mem_eq(mu.node, twin.node, (size_t)mu.count * sizeof *mu.node);
    ck_assert_mem_eq(mu.weight, twin.weight, (size_t)mu.count * sizeof *mu.node);
    icl_spectrum_free(context, &mu);
    icl_spectrum_free(three, &twin);
    icl_law_free(law);
    icl_law_free(same);
    icl_context_free(three);
}
END_TEST

START_TEST(test_no_examples_leave_no_points) {
    setup_context();
    icl_law_options o = law_options(3, 0, 0);
    icl_law *law = make_law(context, &o);
    icl_spectrum mu;
    double nodes[2] = {5, 5};
    int64_t found = 7;
    ASSERT_OK(context, icl_spectrum_create("here", law, NULL, 4, &mu));
    ck_assert_int_eq(mu.count, 0);
    ck_assert_double_eq(mu.rest, 1);
    ASSERT_OK(context, icl_spectrum_gauss(context, &mu, 2, nodes, &found));
    ck_assert_int_eq(found, 0);
    icl_spectrum_free(context, &mu);
    icl_law_free(law);
}
END_TEST

/* ---- Gauss rules ---- */

/* A rule of as many nodes as mu has points is mu; more are not found. */
START_TEST(test_gauss_rule_finds_planted_points) {
    setup_context();
    double node[] = {0.25, 1, 2, 4.5}, weight[] = {0.1, 0.4, 0.2, 0.3}, nodes[6];
    const icl_spectrum mu = {.count = 4, .node = node, .weight = weight};
    int64_t found;
    ASSERT_OK(context, icl_spectrum_gauss(context, &mu, 4, nodes, &found));
    ck_assert_int_eq(found, 4);
    for (int i = 0; i < 4; i++)
        ASSERT_CLOSE(nodes[i], node[i], TOL_ALGEBRA(4, 18), node[i]);
    ASSERT_OK(context, icl_spectrum_gauss(context, &mu, 1, nodes, &found));
    ASSERT_CLOSE(nodes[0], moment_of(&mu, 2) / moment_of(&mu, 1), TOL_ALGEBRA(4, 1), 4.5);
    for (int count = 1; count < 4; count++)
        for (int i = 0; i < 20; i++) {
            double scaled[3], scale = 1 + i / 7.0;
            for (int j = 0; j < count; j++)
                scaled[j] = node[j] * scale;
            const icl_spectrum few = {.count = count, .node = scaled, .weight = weight};
            ASSERT_OK(context, icl_spectrum_gauss(context, &few, 6, nodes, &found));
            ck_assert_int_eq(found, count);
            for (int j = 0; j < count; j++)
                ASSERT_CLOSE(nodes[j], scaled[j], TOL_ALGEBRA(4, 8), scaled[j]);
        }
}
END_TEST

/* d = 1: s dmu is a Gamma law, whose Gauss rule belongs to the Laguerre polynomials; by their
 * recurrence L_k^(n/2) vanishes at n s / 2. Newton's correction p / p' bounds the distance. */
START_TEST(test_gauss_rule_of_one_covariate_is_laguerres) {
    setup_context();
    for (int64_t n = 1; n <= 7; n += 3)
        for (int64_t order = 1; order <= 128; order *= 2) {
            icl_spectrum mu;
            double nodes[128];
            int64_t found;
            ASSERT_OK(context, icl_spectrum_wishart(context, n, 1, 2 * order, &mu));
            ASSERT_OK(context, icl_spectrum_gauss(context, &mu, order, nodes, &found));
            ck_assert_int_eq(found, order);
            for (int64_t i = 0; i < order; i++) {
                double x = (double)n * nodes[i] / 2, a = (double)n / 2, before = 0, now = 1;
                for (int64_t k = 0; k < order; k++) {
                    double kk = (double)k;
                    double next = ((2 * kk + 1 + a - x) * now - (kk + a) * before) / (kk + 1);
                    before = now;
                    now = next;
                }
                double slope = ((double)order * now - ((double)order + a) * before) / x;
                /* eigenvalues have the error of the greatest one */
                ASSERT_CLOSE(nodes[i], nodes[i] - 2 * now / slope / (double)n,
                             TOL_ALGEBRA(order, 1), nodes[order - 1]);
            }
            icl_spectrum_free(context, &mu);
        }
}
END_TEST

/* ---- failing memory ---- */

static icl_status all_that_allocate(icl_context *failing, void *user) {
    (void)user;
    const icl_simulation simulation = {1, 10};
    icl_law_options o = law_options(3, 4, 0);
    icl_law *law = NULL;
    icl_spectrum mu = {0};
    double nodes[2];
    int64_t found;
    icl_status status;
    ICL_TRY_GOTO(icl_law_create(failing, &o, &law), done);
    ICL_TRY_GOTO(icl_spectrum_wishart(failing, 4, 3, 2, &mu), done);
    ICL_TRY_GOTO(icl_spectrum_gauss(failing, &mu, 2, nodes, &found), done);
    icl_spectrum_free(failing, &mu);
    ICL_TRY_GOTO(icl_spectrum_simulated(law, &simulation, &mu), done);
done:
    icl_spectrum_free(failing, &mu);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation) {
    check_every_allocation(all_that_allocate, NULL);
}
END_TEST

START_TEST(test_prompts_beyond_memory) {
    setup_context();
    const icl_simulation simulation = {1, INT64_C(1) << 60};
    icl_law_options o = law_options(16, 20, 0);
    icl_law *law = make_law(context, &o);
    icl_spectrum mu;
    ck_assert_int_eq(icl_spectrum_simulated(law, &simulation, &mu), ICL_ERR_SIZE);
    ck_assert_ptr_null(mu.node);
    icl_law_free(law);
}
END_TEST

RUN_SUITE("theory_spectrum", test_stein_gives_the_listed_moments, test_stein_against_monte_carlo,
          test_density_has_the_exact_moments, test_density_holds_to_its_degree,
          test_simulated_spectrum_against_the_exact_one,
          test_simulated_spectrum_is_that_of_the_prompts, test_threads_do_not_change_a_bit,
          test_no_examples_leave_no_points, test_gauss_rule_finds_planted_points,
          test_gauss_rule_of_one_covariate_is_laguerres, test_every_allocation,
          test_prompts_beyond_memory)
