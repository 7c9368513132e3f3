/* Ridge, least squares and Bayes at every prefix against LAPACK's least squares (dgelsd) on each
 * prefix for itself, and the exact risks of least squares.
 */
#include "test_prefixes.h"

/* w of least norm for (X; sqrt(lambda) I), (y; 0), where the examples begin at X: rows t. */
static void lapack_ridge(int64_t t, int64_t d, const double *X, const double *y, double lambda,
                         double *w, int32_t *rank) {
    int64_t rows = lambda > 0 ? t + d : t, doubles = icl_least_squares_scratch(rows, d);
    double *a = calloc((size_t)(rows * (d + 1) + 1), sizeof *a), *b = a + rows * d;
    double *scratch = malloc((size_t)(doubles + 1) * sizeof *scratch);
    if (t > 0) {
        memcpy(a, X, (size_t)(t * d) * sizeof *a);
        memcpy(b, y, (size_t)t * sizeof *b);
    }
    for (int64_t i = 0; i < d && lambda > 0; i++)
        a[(t + i) * d + i] = sqrt(lambda);
    double zero = (double)(t > d ? t : d) * DBL_EPSILON;
    ck_assert_int_eq(icl_least_squares_with(rows, d, a, b, zero, w, rank, scratch, doubles),
                     ICL_OK);
    free(scratch);
    free(a);
}

/* The bound of Wedin on the error of least squares, twice: for either side. */
static double wedin(icl_context *context, const icl_batch *batch, int64_t p, int64_t t,
                    double lambda, const double *w) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch);
    double s[64], residual = 0;
    int64_t rank = singular_values(context, batch, p, t, s);
    if (rank == 0 && lambda == 0)
        return 0;
    double most = sqrt((rank > 0 ? s[0] * s[0] : 0) + lambda);
    double least = lambda > 0 && rank < d ? sqrt(lambda) : sqrt(s[rank - 1] * s[rank - 1] + lambda);
    for (int64_t i = 0; i < t; i++) {
        double r = icl_batch_y(batch)[p * n + i] - dot(d, w, query_at(batch, p, i));
        residual += r * r;
    }
    double kappa = most / least;
    return 2 * TOL_ALGEBRA(t + d, kappa) * (norm(d, w) + kappa * sqrt(residual) / most);
}

static void check_against_lapack(icl_context *context, const icl_batch *batch, const curves *c,
                                 double lambda, int ranks) {
    for (int64_t p = 0; p < c->B; p++)
        for (int64_t t = 0; t <= c->n; t++) {
            double expected[32];
            int32_t rank;
            int64_t d = c->d;
            lapack_ridge(t, d, icl_batch_X(batch) + p * c->n * d, icl_batch_y(batch) + p * c->n,
                         lambda, expected, &rank);
            const double *w = weights_at(c, p, t, 0), *x = query_at(batch, p, t);
            double bound = wedin(context, batch, p, t, lambda, expected);
            for (int64_t j = 0; j < d; j++)
                ck_assert_msg(fabs(w[j] - expected[j]) <= bound,
                              "prompt %d, prefix %d: w = %.17g, LAPACK's %.17g, bound %g", (int)p,
                              (int)t, w[j], expected[j], bound);
            ASSERT_CLOSE(prediction_at(c, p, t, 0), dot(d, w, x), TOL_ALGEBRA(d, 1),
                         norm(d, w) * norm(d, x));
            const icl_solver_report *r = report_at(c, p, t);
            ck_assert_int_eq(r->stop, rank < d ? ICL_STOP_SINGULAR : ICL_STOP_CONVERGED);
            ck_assert_int_eq(r->rank, ranks ? rank : -1);
            ck_assert_int_eq(r->steps, 0);
            ck_assert(r->step == (ranks ? 0 : lambda));
        }
}

static void check_method(icl_context *context, const icl_batch *batch, icl_method method,
                         double lambda) {
    icl_solver_options o = options_of(method, icl_batch_dim(batch), 1);
    o.ridge = lambda;
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    check_against_lapack(context, batch, &c, lambda, method == ICL_METHOD_LEAST_SQUARES);
    free_curves(&c);
    icl_solver_free(solver);
}

START_TEST(test_every_prefix_is_lapacks) {
    const icl_isa isas[] = {ICL_ISA_BASELINE, ICL_ISA_AUTO};
    for (int i = 0; i < 2; i++) {
        icl_context *context = make_context(1, isas[i]);
        for (int shape = 0; shape < PREFIX_SHAPES; shape++) {
            icl_batch *batch = awkward_batch(context, prefix_shapes[shape][0],
                                             prefix_shapes[shape][1], 40 + (uint64_t)shape);
            check_method(context, batch, ICL_METHOD_LEAST_SQUARES, 0);
            check_method(context, batch, ICL_METHOD_RIDGE, 0);
            check_method(context, batch, ICL_METHOD_RIDGE, 0.25);
            check_method(context, batch, ICL_METHOD_RIDGE, 1e-9);
            icl_batch_free(batch);
        }
        icl_context_free(context);
    }
}
END_TEST

START_TEST(test_ill_conditioned_prompts) {
    /* singular values from 1 down to 1 / kappa: below 10^-7 the prompt is run for itself */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted plan;
    const double kappas[] = {1e3, 1e6, 1e7, 1e8, 1e10, 1e12};
    const int64_t sizes[][2] = {{16, 8}, {6, 8}};
    for (int shape = 0; shape < 2; shape++) {
        int64_t n = sizes[shape][0], d = sizes[shape][1], k = n < d ? n : d;
        double X[6 * 16 * 8], y[6 * 16], s[8];
        for (int i = 0; i < 6; i++) {
            for (int64_t l = 0; l < k; l++)
                s[l] = pow(kappas[i], -(double)l / (double)(k - 1));
            plant(context, n, d, k, s, 0, (uint64_t)i, &plan);
            memcpy(X + i * n * d, plan.X, (size_t)(n * d) * sizeof *X);
            memcpy(y + i * n, plan.y, (size_t)n * sizeof *y);
        }
        icl_batch *batch = batch_of(context, 6, n, d, 1, ICL_CONTENTS_ALL, X, y, NULL);
        check_method(context, batch, ICL_METHOD_LEAST_SQUARES, 0);
        check_method(context, batch, ICL_METHOD_RIDGE, 1e-6);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_a_penalty_below_rounding_is_singular) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, 12, 5, 7);
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, 5, 1);
    icl_solver *none = solver_of(context, &o);
    o.ridge = 1e-40;
    icl_solver *tiny = solver_of(context, &o);
    curves expected = curves_of(context, none, batch, NULL, 0);
    curves c = curves_of(context, tiny, batch, NULL, 0);
    for (int p = 0; p < PROMPTS; p++)
        for (int t = 0; t <= 12; t++) {
            double s[8];
            int64_t rank = singular_values(context, batch, p, t, s);
            /* beside X = 0 no penalty is small */
            ck_assert_int_eq(report_at(&c, p, t)->stop,
                             rank > 0 && rank < 5 ? ICL_STOP_SINGULAR : ICL_STOP_CONVERGED);
            const double *w = weights_at(&expected, p, t, 0);
            double bound = wedin(context, batch, p, t, 0, w);
            for (int j = 0; j < 5; j++)
                ASSERT_CLOSE(weights_at(&c, p, t, 0)[j], w[j], 1, bound);
        }
    free_curves(&c);
    free_curves(&expected);
    icl_solver_free(tiny);
    icl_solver_free(none);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_units_do_not_matter) {
    /* where squares of X over- and underflow, the prompt goes to LAPACK, and nothing is lost */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { N = 9, D = 4 };
    double X[3 * N * D], y[3 * N];
    fill_normal(context, 3, N * D, X);
    fill_normal(context, 4, N, y);
    const int exponents[] = {0, -400, 300};
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < D; j++)
                X[(p * N + i) * D + j] = ldexp(X[i * D + j], exponents[p]);
            y[p * N + i] = ldexp(y[i], exponents[p]);
        }
    icl_batch *batch = batch_of(context, 3, N, D, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, D, 1);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int p = 1; p < 3; p++)
        for (int t = 0; t <= N; t++) {
            ck_assert_int_eq(report_at(&c, p, t)->rank, t < D ? t : D);
            const double *w = weights_at(&c, 0, t, 0);
            double bound = wedin(context, batch, 0, t, 0, w);
            for (int j = 0; j < D; j++)
                ASSERT_CLOSE(weights_at(&c, p, t, 0)[j], w[j], 1, bound);
        }
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- Bayes ---- */

static void check_bayes(icl_context *context, const icl_batch *batch, const icl_law_options *lo,
                        double kappa) {
    int64_t d = icl_batch_dim(batch);
    icl_law *law;
    ASSERT_OK(context, icl_law_create(context, lo, &law));
    icl_solver_options o = options_of(ICL_METHOD_BAYES, d, 1);
    o.law = law;
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int64_t t = 0; t <= c.n; t++) {
        icl_batch *prefix = cut_batch(context, batch, t);
        double w[PROMPTS * 32];
        ASSERT_OK(context, icl_solver_solve(solver, prefix, w, NULL));
        for (int64_t p = 0; p < c.B; p++) {
            double scale = norm(d, w + p * d) + norm(t, icl_batch_y(prefix) + p * t);
            ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
            assert_close(d, weights_at(&c, p, t, 0), w + p * d, TOL_ALGEBRA(t + d, kappa), scale);
            ASSERT_CLOSE(prediction_at(&c, p, t, 0), dot(d, w + p * d, query_at(batch, p, t)),
                         TOL_ALGEBRA(t + d, kappa), scale * norm(d, query_at(batch, p, t)));
        }
        icl_batch_free(prefix);
    }
    free_curves(&c);
    icl_solver_free(solver);
    icl_law_free(law);
}

START_TEST(test_bayes_is_its_posterior_mean) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { D = 5 };
    icl_batch *batch = awkward_batch(context, 12, D, 8);
    const double mean[D] = {1, -2, 0, 3, 0.5}, spectrum[D] = {4, 2, 1, 1, 0.5};
    const double singular[D] = {4, 0, 1, 0, 0.5};
    for (int setting = 0; setting < 8; setting++) {
        icl_law_options lo;
        ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
        lo.dim = D;
        lo.noise = 0.5;
        lo.prior_mean = setting & 1 ? mean : NULL;
        const icl_covariance kinds[] = {ICL_COVARIANCE_IDENTITY, ICL_COVARIANCE_SPECTRUM,
                                        ICL_COVARIANCE_DIAGONAL, ICL_COVARIANCE_DIAGONAL};
        lo.prior = kinds[setting >> 1];
        lo.prior_values = setting >> 1 == 3 ? singular : spectrum;
        /* prompt 3 has rows of length up to 60, 6 columns from 1 to 0.004: lambda bounds both */
        check_bayes(context, batch, &lo, 1e5);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_bayes_without_noise_is_least_squares_of_its_prior) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { N = 10, D = 5 };
    double X[3 * N * D], y[3 * N];
    const double spectrum[D] = {4, 2, 1, 1, 0.5}, mean[D] = {1, -2, 0, 3, 0.5};
    fill_normal(context, 5, 3 * N * D, X);
    fill_normal(context, 6, 3 * N, y);
    icl_batch *batch = batch_of(context, 3, N, D, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_law_options lo;
    ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
    lo.dim = D;
    lo.noise = 0;
    lo.prior = ICL_COVARIANCE_SPECTRUM;
    lo.prior_values = spectrum;
    lo.prior_mean = mean;
    check_bayes(context, batch, &lo, 1e4); /* of three times eleven prefixes, none is worse */
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- exact risks ---- */

START_TEST(test_noiseless_least_squares_leave_one_minus_i_over_d) {
    enum { D = 10, N = 12, B = 2000 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law_options lo;
    ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
    lo.dim = D;
    lo.context = N;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_law_create(context, &lo, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 1, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, B, 1, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_solver_options o = options_of(ICL_METHOD_LEAST_SQUARES, D, 1);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int t = 0; t <= N; t++) {
        double sum = 0, squares = 0;
        for (int p = 0; p < B; p++) {
            double y = t < N ? icl_batch_y(batch)[p * N + t] : icl_batch_target(batch)[p];
            double error = prediction_at(&c, p, t, 0) - y;
            sum += error * error / D;
            squares += error * error * error * error / (D * D);
        }
        double mean = sum / B, deviation = sqrt((squares / B - mean * mean) / B);
        if (t < D)
            ck_assert_msg(fabs(mean - (1 - t / (double)D)) <= TOL_Z * deviation,
                          "%d examples: %g +- %g", t, mean, deviation);
        else /* of 2000 square normal matrices none has a condition number above 10^6 */
            ck_assert(mean <= pow(TOL_ALGEBRA(N + D, 1e6), 2) * D);
    }
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("prefix_triangle", test_every_prefix_is_lapacks, test_ill_conditioned_prompts,
          test_a_penalty_below_rounding_is_singular, test_units_do_not_matter,
          test_bayes_is_its_posterior_mean, test_bayes_without_noise_is_least_squares_of_its_prior,
          test_noiseless_least_squares_leave_one_minus_i_over_d)
