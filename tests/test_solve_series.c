/* Series of cosines and wavelets: against least squares and ridge on features made here. */
#include "test_prefixes.h"

enum { QUERIES = 16 };

static icl_solver *series_solver(icl_context *context, int64_t d, int64_t terms, double ridge) {
    icl_solver_options o = options_of(ICL_METHOD_SERIES, d, 1);
    o.terms = terms;
    o.ridge = ridge;
    return solver_of(context, &o);
}

/* count x (1 + d (terms - 1)) */
static double *features_of(int64_t count, int64_t d, int64_t terms, const double *X) {
    int64_t m = 1 + d * (terms - 1);
    double *out = malloc((size_t)(count * m + 1) * sizeof *out);
    for (int64_t i = 0; i < count; i++) {
        out[i * m] = 1;
        for (int64_t k = 0; k < d; k++)
            for (int64_t j = 1; j < terms; j++)
                out[i * m + k * (terms - 1) + j] =
                    (double)(sqrtl(2) *
                             cosl(acosl(-1) * (long double)j * (long double)X[i * d + k]));
    }
    return out;
}

/* Answers of least squares (LAPACK's) or ridge to the prompt's queries, by their own solvers on the
 * features, at prefix t; the tolerance for them. */
static double expected_answer(icl_context *context, const icl_batch *batch, int64_t p, int64_t t,
                              int64_t terms, double ridge, double *tolerance, int64_t *rank) {
    int64_t n = icl_batch_context(batch), d = icl_batch_dim(batch), m = 1 + d * (terms - 1);
    double *X = features_of(t, d, terms, icl_batch_X(batch) + p * n * d);
    double *query = features_of(1, d, terms, query_at(batch, p, t));
    double *w = malloc((size_t)m * sizeof *w), s[64];
    const double *y = icl_batch_y(batch) + p * n;
    int64_t k = t < m ? t : m;
    *rank = 0;
    if (k > 0)
        ASSERT_OK(context, icl_svd(context, t, m, X, s, NULL, NULL));
    while (*rank < k && s[*rank] > (double)(t > m ? t : m) * DBL_EPSILON * s[0])
        ++*rank;
    icl_solver_options o =
        options_of(ridge > 0 ? ICL_METHOD_RIDGE : ICL_METHOD_LEAST_SQUARES, m, 1);
    o.ridge = ridge;
    solve_one(context, &o, t, t > 0 ? X : NULL, t > 0 ? y : NULL, ICL_CONTENTS_ALL, w, NULL);
    double answer = dot(m, w, query), least = *rank > 0 ? s[*rank - 1] : 1;
    double kappa2 = *rank > 0 ? s[0] * s[0] / (least * least) : 1;
    if (ridge > 0) /* X^T X + lambda I */
        kappa2 = 1 + (k > 0 ? s[0] * s[0] : 0) / ridge;
    *tolerance = TOL_ALGEBRA(t + m, kappa2) * (1 + norm(t, y)) * norm(m, query) *
                 (1 + 1 / fmin(1, ridge > 0 ? sqrt(ridge) : least));
    free(w);
    free(query);
    free(X);
    return answer;
}

START_TEST(test_least_squares_on_the_features) {
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t terms[] = {1, 2, 4, 9};
    const double ridges[] = {0, 0.3};
    for (int s = 0; s < PREFIX_SHAPES; s++)
        for (int trial = 0; trial < 8; trial++) {
            int64_t n = prefix_shapes[s][0], d = prefix_shapes[s][1];
            int64_t N = terms[trial / 2], m = 1 + d * (N - 1);
            double ridge = ridges[trial % 2];
            icl_batch *batch = awkward_batch(context, n, d, 12);
            icl_solver *solver = series_solver(context, d, N, ridge);
            curves c = curves_of(context, solver, batch, NULL, 0);
            for (int64_t p = 0; p < PROMPTS; p++)
                for (int64_t t = 0; t <= n; t += n > 12 ? 5 : 1) {
                    double tolerance;
                    int64_t rank;
                    double expected =
                        expected_answer(context, batch, p, t, N, ridge, &tolerance, &rank);
                    ASSERT_CLOSE(prediction_at(&c, p, t, 0), expected, tolerance, 1);
                    const icl_solver_report *report = report_at(&c, p, t);
                    int fitted = t > 0 && ridge == 0;
                    ck_assert_int_eq(report->rank, fitted ? rank : -1);
                    ck_assert_int_eq(report->stop,
                                     fitted && rank < m ? ICL_STOP_SINGULAR : ICL_STOP_CONVERGED);
                }
            free_curves(&c);
            icl_solver_free(solver);
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_a_series_is_found) {
    /* N examples of a series of N terms give it back, everywhere; so do more, and x far outside */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { TERMS = 7, COUNT = 20 };
    const double b[TERMS] = {1, -2, 0.5, 3, 0, 1, -1};
    double X[2 * COUNT], y[2 * COUNT], prediction[COUNT];
    for (int i = 0; i < 2 * COUNT; i++)
        X[i] = (i % COUNT + 0.5) / COUNT + (i >= COUNT ? 0.02 : 0);
    X[2 * COUNT - 1] = 1e15; /* an even number */
    double *features = features_of(2 * COUNT - 1, 1, TERMS, X);
    for (int i = 0; i < 2 * COUNT - 1; i++)
        y[i] = dot(TERMS, features + i * TERMS, b);
    y[2 * COUNT - 1] = 1;
    for (int j = 1; j < TERMS; j++)
        y[2 * COUNT - 1] += sqrt(2) * b[j];
    icl_batch *batch = batch_of(context, 1, COUNT, 1, COUNT, ICL_CONTENTS_ALL, X, y, X + COUNT);
    icl_solver *solver = series_solver(context, 1, TERMS, 0);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    assert_close(COUNT, prediction, y + COUNT, TOL_ALGEBRA(COUNT, 10), 10);
    icl_solver_free(solver);
    icl_batch_free(batch);
    free(features);
    icl_context_free(context);
}
END_TEST

/* ---- Haar wavelets ---- */

/* b_j ~ N(0, j^-decay) of each coordinate, x uniform on [-1/2, 1/2]^d */
static icl_batch *haar_batch(icl_context *context, int64_t d, int64_t n, int64_t terms,
                             double decay, int64_t prompts) {
    icl_law_options o;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    const double variance = 1.0 / 12;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = d;
    o.context = n;
    o.labels = ICL_LABELS_SERIES;
    o.covariates = ICL_COVARIATES_UNIFORM;
    o.covariance = ICL_COVARIANCE_SCALAR;
    o.covariance_values = &variance;
    o.basis = ICL_BASIS_HAAR;
    o.terms = terms;
    o.decay = decay;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 3, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, QUERIES, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_sampler_free(sampler);
    icl_law_free(law);
    return batch;
}

/* Of each prompt: the mean squared error of `terms` functions of the basis on its queries. */
static void fit_basis(icl_context *context, const icl_batch *batch, icl_basis basis, int64_t terms,
                      double *errors) {
    int64_t B = icl_batch_prompts(batch);
    double *answer = malloc((size_t)(B * QUERIES) * sizeof *answer);
    icl_solver_options o = options_of(ICL_METHOD_SERIES, icl_batch_dim(batch), 1);
    o.basis = basis;
    o.terms = terms;
    o.shift = 0.5;
    icl_solver *solver = solver_of(context, &o);
    ASSERT_OK(context, icl_solver_predict(solver, batch, answer));
    for (int64_t p = 0; p < B; p++) {
        errors[p] = 0;
        for (int64_t i = p * QUERIES; i < (p + 1) * QUERIES; i++)
            errors[p] += pow(answer[i] - icl_batch_target(batch)[i], 2) / QUERIES;
    }
    icl_solver_free(solver);
    free(answer);
}

START_TEST(test_wavelets_of_the_labels_are_fitted_exactly) {
    /* cosines leave much of them */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t sizes[][2] = {{1, 2}, {1, 8}, {1, 13}, {3, 8}};
    double errors[16];
    for (int s = 0; s < 4; s++) {
        icl_batch *batch = haar_batch(context, sizes[s][0], 400, sizes[s][1], 2, 16);
        fit_basis(context, batch, ICL_BASIS_HAAR, sizes[s][1], errors);
        for (int p = 0; p < 16; p++)
            ck_assert_double_le(errors[p], 1e-24);
        fit_basis(context, batch, ICL_BASIS_COSINE, sizes[s][1], errors);
        double most = 0;
        for (int p = 0; p < 16; p++)
            most = fmax(most, errors[p]);
        ck_assert_double_ge(most, 1e-2);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_four_wavelets_are_four_cells) {
    /* one example in each quarter: its label there, and b_0, the mean, where all wavelets are 0 */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {0.1, 0.3, 0.6, 0.9}, y[] = {1, 2, 4, 8};
    const double queries[] = {0, 0.49, 0.5, 0.76, -0.1, 1, 1e300};
    const double expected[] = {1, 2, 4, 8, 3.75, 3.75, 3.75};
    double prediction[7];
    icl_batch *batch = batch_of(context, 1, 4, 1, 7, ICL_CONTENTS_ALL, X, y, queries);
    icl_solver_options o = options_of(ICL_METHOD_SERIES, 1, 1);
    o.basis = ICL_BASIS_HAAR;
    o.terms = 4;
    icl_solver *solver = solver_of(context, &o);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    assert_close(7, prediction, expected, TOL_ALGEBRA(8, 2), 8);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_tail_of_wavelets) {
    /* what m = 2^k functions leave is sum_{j >= m} j^-decay, and of it a share m / n more, as each
     * of m cells has its mean from n / m examples */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    enum { LONG = 2048, ALL = 512, B = 200 };
    double errors[B];
    for (int decay = 2; decay <= 3; decay++) {
        icl_batch *batch = haar_batch(context, 1, LONG, ALL, decay, B);
        for (int64_t m = 4; m <= 64; m *= 2) {
            double sum = 0, squares = 0, tail = 0;
            for (int j = (int)m; j < ALL; j++)
                tail += pow(j, -decay);
            fit_basis(context, batch, ICL_BASIS_HAAR, m, errors);
            for (int p = 0; p < B; p++) {
                sum += errors[p] / B;
                squares += errors[p] * errors[p] / B;
            }
            double z = TOL_Z * sqrt((squares - sum * sum) / B), share = (double)m / LONG;
            ck_assert_msg(sum >= tail - z && sum <= tail * (1 + 2 * share) + z && z < 0.6 * tail,
                          "decay %d, %d functions: %g +- %g, expected %g", decay, (int)m, sum, z,
                          tail);
        }
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_instruction_sets_agree) {
    icl_context *fused = make_context(1, ICL_ISA_AUTO), *plain = make_context(1, ICL_ISA_BASELINE);
    icl_batch *one = awkward_batch(fused, 30, 2, 4), *two = awkward_batch(plain, 30, 2, 4);
    icl_solver *first = series_solver(fused, 2, 6, 0.1), *second = series_solver(plain, 2, 6, 0.1);
    curves c = curves_of(fused, first, one, NULL, 0), e = curves_of(plain, second, two, NULL, 0);
    for (int i = 0; i < PROMPTS * 31; i++) /* kappa(X^T X + lambda I) <= 30 m 2 / lambda */
        ASSERT_CLOSE(c.prediction[i], e.prediction[i], TOL_ALGEBRA(41, 6600), 100);
    free_curves(&c);
    free_curves(&e);
    icl_solver_free(first);
    icl_solver_free(second);
    icl_batch_free(one);
    icl_batch_free(two);
    icl_context_free(fused);
    icl_context_free(plain);
}
END_TEST

RUN_SUITE("solve_series", test_least_squares_on_the_features, test_a_series_is_found,
          test_wavelets_of_the_labels_are_fitted_exactly, test_four_wavelets_are_four_cells,
          test_tail_of_wavelets, test_instruction_sets_agree)
