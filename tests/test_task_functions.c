/* Labels without a w: trees, series and Gaussian processes against what is known of their laws. */
#include <icl/metrics.h>
#include <icl/solve.h>

#include "statistics.h"
#include "task_reference.h"

enum { PROMPTS = 20000 };

static void start(icl_labels labels, int64_t d, int64_t n, double noise, law_case *c) {
    make_case(0, 0, d, n, noise, c);
    c->options.labels = labels;
}

static icl_batch *draw_law(icl_context *context, const icl_law_options *o, int64_t prompts,
                           int64_t queries) {
    icl_sampler *sampler = make_sampler(context, o, 52);
    icl_batch *batch = draw_prompts(context, sampler, 0, prompts, queries);
    icl_sampler_free(sampler);
    return batch;
}

/* ---- trees ---- */

/* Every level parts x and x' with probability 1 - m / d, m the coordinates of one sign, so that
 * E f(x) f(x') = (m / d)^depth; points of one cell have one label. */
START_TEST(test_trees) {
    enum { D = 3 };
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t depth = 0; depth <= 6; depth += 2) {
        tally product[D + 1] = {{0}}, power = {0};
        start(ICL_LABELS_TREE, D, 1, 0, &c);
        c.options.depth = depth;
        icl_batch *batch = draw_law(context, &c.options, PROMPTS, 1);
        for (int64_t p = 0; p < PROMPTS; p++) {
            double y = icl_batch_y(batch)[p], z = icl_batch_target(batch)[p];
            int same = 0;
            for (int64_t j = D * p; j < D * (p + 1); j++)
                same += (icl_batch_X(batch)[j] > 0) == (icl_batch_query(batch)[j] > 0);
            tally_add(&product[same], y * z);
            tally_add(&power, y * y);
            QUICK_ASSERT(same < D || y == z, "prompt %d: one cell, %g and %g", (int)p, y, z);
        }
        assert_tally("power of a tree", &power, 1);
        for (int m = 0; m <= D; m++)
            assert_tally("two labels", &product[m], pow((double)m / D, (double)depth));
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* A node tells x > 0 from the rest, 0 included: with Sigma = 0 all is left of the root. */
START_TEST(test_trees_at_zero) {
    static law_case c;
    const double zero = 0;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    start(ICL_LABELS_TREE, 2, 3, 0, &c);
    c.options.covariance = ICL_COVARIANCE_SCALAR;
    c.options.covariance_values = &zero;
    icl_batch *batch = draw_law(context, &c.options, 100, 1);
    for (int64_t p = 0; p < 100; p++) {
        sized leaf = wide_normal(52, 1, p, 0);
        ASSERT_CLOSE(icl_batch_target(batch)[p], (double)leaf.value, TOL_PROMPT(2, 0),
                     (double)leaf.size);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- series ---- */

static const double twelfth = 1.0 / 12;

static void start_series(icl_basis basis, int64_t d, int64_t n, double noise, law_case *c) {
    start(ICL_LABELS_SERIES, d, n, noise, c);
    c->options.covariates = ICL_COVARIATES_UNIFORM;
    c->options.covariance = ICL_COVARIANCE_SCALAR;
    c->options.covariance_values = &twelfth;
    c->options.basis = basis;
}

/* E f(x) f(x') = sum_ij j^-a_i psi_j psi_j', and E f^2 = sum_ij j^-a_i over x. */
START_TEST(test_covariance_of_series) {
    enum { D = 2 };
    static law_case c;
    const double decays[D] = {1.5, 3};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int basis = ICL_BASIS_COSINE; basis <= ICL_BASIS_HAAR; basis++) {
        tally product = {0}, power = {0}, mean = {0};
        start_series((icl_basis)basis, D, 1, 0, &c);
        c.options.terms = 21;
        c.options.decay_values = decays;
        icl_batch *batch = draw_law(context, &c.options, PROMPTS, 1);
        double total = 0;
        for (int64_t p = 0; p < PROMPTS; p++) {
            const double *x = icl_batch_X(batch) + D * p, *z = icl_batch_query(batch) + D * p;
            double y = icl_batch_y(batch)[p], expected = 0;
            total = 0;
            for (int i = 0; i < D; i++)
                for (int j = 1; j < 21; j++) {
                    sized a = wide_basis((icl_basis)basis, j, x[i] + 0.5L);
                    sized b = wide_basis((icl_basis)basis, j, z[i] + 0.5L);
                    expected += pow(j, -decays[i]) * (double)(a.value * b.value);
                    total += pow(j, -decays[i]);
                }
            tally_add(&product, y * icl_batch_target(batch)[p] - expected);
            tally_add(&power, y * y);
            tally_add(&mean, y);
        }
        assert_tally("two labels of a series", &product, 0);
        assert_tally("power of a series", &power, total);
        assert_tally("mean of a series", &mean, 0);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* Error of the solver with m functions, of many prompts of many examples. */
static double series_error(icl_context *context, const icl_batch *batch, int64_t m, double shift) {
    icl_solver_options o;
    icl_solver *solver;
    int64_t B = icl_batch_prompts(batch), q = icl_batch_queries(batch);
    double *answer = malloc((size_t)(B * q) * sizeof *answer), sum = 0;
    ASSERT_OK(context, icl_solver_options_init(&o, sizeof o));
    o.method = ICL_METHOD_SERIES;
    o.dim = 1;
    o.terms = m;
    o.shift = shift;
    ASSERT_OK(context, icl_solver_create(context, &o, &solver));
    ASSERT_OK(context, icl_solver_predict(solver, batch, answer));
    for (int64_t i = 0; i < B * q; i++)
        sum += pow(answer[i] - icl_batch_target(batch)[i], 2) / (double)(B * q);
    icl_solver_free(solver);
    free(answer);
    return sum;
}

/* Smoothness s = (decay - 1) / 2: what is left beyond m functions falls as m^-2s, as a fit of m
 * functions to many examples without noise shows, and the fit of all of them is exact. */
START_TEST(test_tail_of_series) {
    enum { TERMS = 513, LONG = 2048 };
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int decay = 2; decay <= 3; decay++) {
        double size[4], error[4];
        icl_line_fit fit;
        start_series(ICL_BASIS_COSINE, 1, LONG, 0, &c);
        c.options.terms = TERMS;
        c.options.decay = decay;
        icl_batch *batch = draw_law(context, &c.options, 16, 64);
        for (int k = 0; k < 4; k++) {
            size[k] = log((double)(4 << k));
            error[k] = log(series_error(context, batch, 4 << k, 0.5));
        }
        ASSERT_OK(context, icl_metric_line(context, 4, size, error, &fit));
        ck_assert_msg(fabs(fit.slope + decay - 1) < 0.15, "slope %g, not %d", fit.slope, 1 - decay);
        icl_batch_free(batch);
    }
    start_series(ICL_BASIS_COSINE, 1, 100, 0, &c);
    c.options.terms = 8;
    icl_batch *batch = draw_law(context, &c.options, 16, 8);
    ck_assert_double_le(series_error(context, batch, 8, 0.5), 1e-24);
    ck_assert_double_ge(series_error(context, batch, 8, 0), 1e-4);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* Far from the cube: cosines go on with their period, wavelets are 0, and nothing is not finite. */
START_TEST(test_series_far_away) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int basis = ICL_BASIS_COSINE; basis <= ICL_BASIS_HAAR; basis++)
        for (double scale = 1e3; scale < 1e250; scale *= 1e40) {
            start_series((icl_basis)basis, 1, 1, 0, &c);
            c.options.covariance_values = &scale;
            c.options.covariates = ICL_COVARIATES_GAUSSIAN;
            icl_batch *batch = draw_law(context, &c.options, 200, 1);
            for (int64_t p = 0; p < 200; p++) {
                double x = icl_batch_X(batch)[p], y = icl_batch_y(batch)[p], expected = 0;
                /* the period is 2, and t - x = 1/2 is lost where x is large */
                long double t = fmodl((long double)(x + 0.5), 2);
                for (int64_t j = 1; j < c.options.terms && basis == ICL_BASIS_COSINE; j++)
                    expected += (double)(wide_normal(52, 1, p, j - 1).value *
                                         wide_basis(ICL_BASIS_COSINE, j, t).value *
                                         powl((long double)j, -1.5L));
                if (basis == ICL_BASIS_COSINE || fabs(x) > 0.5)
                    ASSERT_CLOSE(y, expected, TOL_PROMPT(1, 64), 100);
            }
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

/* ---- Gaussian processes ---- */

/* The covariance of labels given x is the kernel, and their products are those of normals. */
START_TEST(test_covariance_of_processes) {
    enum { D = 2, N = 2, Q = 2, POINTS = N + Q };
    static law_case c;
    const double noise = 0.3;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kernel = ICL_KERNEL_GAUSS; kernel <= ICL_KERNEL_LAPLACE; kernel++) {
        tally pairs[POINTS * POINTS] = {{0}}, fourth = {0};
        start(ICL_LABELS_GAUSSIAN_PROCESS, D, N, noise, &c);
        c.options.kernel = (icl_kernel)kernel;
        c.options.bandwidth = 1.7;
        icl_batch *batch = draw_law(context, &c.options, PROMPTS, Q);
        for (int64_t p = 0; p < PROMPTS; p++) {
            sized x[POINTS][D];
            double y[POINTS];
            for (int i = 0; i < POINTS; i++) {
                const double *at = i < N ? icl_batch_X(batch) + (p * N + i) * D
                                         : icl_batch_query(batch) + (p * Q + i - N) * D;
                for (int j = 0; j < D; j++)
                    x[i][j] = (sized){at[j], 0};
                y[i] =
                    i < N ? icl_batch_y(batch)[p * N + i] : icl_batch_target(batch)[p * Q + i - N];
            }
            for (int i = 0; i < POINTS; i++)
                for (int j = 0; j <= i; j++)
                    tally_add(&pairs[i * POINTS + j],
                              y[i] * y[j] - (double)wide_kernel(&c.options, x[i], x[j]) -
                                  (i == j ? noise : 0));
            double k = (double)wide_kernel(&c.options, x[0], x[N]), s = 1 + noise;
            tally_add(&fourth, pow(y[0] * y[N], 2) - s * s - 2 * k * k);
        }
        for (int e = 0; e < POINTS * POINTS; e++)
            if (pairs[e].count > 0)
                assert_tally("two labels of a process", &pairs[e], 0);
        assert_tally("four labels of a process", &fourth, 0);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* Kernel ridge regression with lambda = sigma^2 is the posterior mean: its error is orthogonal to
 * it, and that of other penalties is greater. Curves so smooth that most pivots are rounding, too.
 */
START_TEST(test_posterior_of_processes) {
    enum { N = 30, B = 4000 };
    static law_case c;
    static double answer[3][B];
    const double noise = 0.2, factors[3] = {1, 30, 0.05}, bandwidths[2] = {0.6, 20};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int smooth = 0; smooth < 2; smooth++) {
        const int count =
            smooth ? 2 : 3; /* two numbers tell a smooth curve: any small lambda will do */
        start(ICL_LABELS_GAUSSIAN_PROCESS, 1, N, noise, &c);
        c.options.bandwidth = bandwidths[smooth];
        icl_batch *batch = draw_law(context, &c.options, B, 1);
        tally orthogonal = {0}, gain[3] = {{0}};
        for (int k = 0; k < count; k++) {
            icl_solver_options o;
            icl_solver *solver;
            ASSERT_OK(context, icl_solver_options_init(&o, sizeof o));
            o.method = ICL_METHOD_KERNEL_RIDGE;
            o.dim = 1;
            o.ridge = factors[k] * noise;
            o.bandwidth = c.options.bandwidth;
            ASSERT_OK(context, icl_solver_create(context, &o, &solver));
            ASSERT_OK(context, icl_solver_predict(solver, batch, answer[k]));
            icl_solver_free(solver);
        }
        for (int p = 0; p < B; p++) {
            double y = icl_batch_target(batch)[p];
            tally_add(&orthogonal, (y - answer[0][p]) * answer[0][p]);
            for (int k = 1; k < count; k++)
                tally_add(&gain[k], pow(y - answer[k][p], 2) - pow(y - answer[0][p], 2));
        }
        assert_tally("error and posterior mean", &orthogonal, 0);
        for (int k = 1; k < count; k++) {
            double mean = gain[k].sum / gain[k].count;
            double spread = sqrt(gain[k].squares / gain[k].count - mean * mean);
            ck_assert_msg(mean > 2 * spread / sqrt(gain[k].count), "%g times the noise: %g",
                          factors[k], mean);
        }
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* ---- arguments ---- */

#define REFUSE(kind, field, value, status, word)                                                   \
    start(kind, 3, 2, 0, &c);                                                                      \
    c.options.field = (value);                                                                     \
    refuse_law(context, &c.options, status, word)

START_TEST(test_arguments) {
    static law_case c;
    const double decays[3] = {1, -65, 2}, holes[3] = {1, NAN, 2};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    REFUSE(ICL_LABELS_TREE, depth, -1, ICL_ERR_ARGUMENT, "depth = -1");
    REFUSE(ICL_LABELS_TREE, depth, 17, ICL_ERR_ARGUMENT, "depth = 17");
    REFUSE(ICL_LABELS_TREE, pool, 2, ICL_ERR_ARGUMENT, "pool = 2: labels = 11");
    REFUSE(ICL_LABELS_TREE, tasks, ICL_TASKS_SPHERE, ICL_ERR_ARGUMENT, "tasks = 1");
    REFUSE(ICL_LABELS_SERIES, terms, 1, ICL_ERR_ARGUMENT, "terms = 1");
    REFUSE(ICL_LABELS_SERIES, terms, 16384, ICL_ERR_SIZE, "terms = 16384");
    REFUSE(ICL_LABELS_SERIES, basis, (icl_basis)2, ICL_ERR_ARGUMENT, "basis = 2");
    REFUSE(ICL_LABELS_SERIES, decay, 65, ICL_ERR_ARGUMENT, "decay[0] = 65");
    REFUSE(ICL_LABELS_SERIES, decay, INFINITY, ICL_ERR_NONFINITE, "decay");
    REFUSE(ICL_LABELS_SERIES, decay_values, decays, ICL_ERR_ARGUMENT, "decay_values[1] = -65");
    REFUSE(ICL_LABELS_SERIES, decay_values, holes, ICL_ERR_NONFINITE, "decay_values");
    REFUSE(ICL_LABELS_GAUSSIAN_PROCESS, kernel, (icl_kernel)2, ICL_ERR_ARGUMENT, "kernel = 2");
    REFUSE(ICL_LABELS_GAUSSIAN_PROCESS, bandwidth, 0, ICL_ERR_ARGUMENT, "bandwidth = 0");
    REFUSE(ICL_LABELS_GAUSSIAN_PROCESS, bandwidth, NAN, ICL_ERR_NONFINITE, "bandwidth");
    REFUSE(ICL_LABELS_GAUSSIAN_PROCESS + 1, depth, 0, ICL_ERR_ARGUMENT, "labels = 14");
    start(ICL_LABELS_TANH, 3, 2, 0, &c); /* others do not read them */
    c.options.depth = -1;
    c.options.bandwidth = NAN;
    c.options.terms = 0;
    icl_law_free(make_law(context, &c.options));
    icl_context_free(context);
}
END_TEST

/* A process whose factor no machine holds is refused by the draw, and the batch stays as it is. */
START_TEST(test_process_of_too_many) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    start(ICL_LABELS_GAUSSIAN_PROCESS, 1, INT64_C(1) << 31, 0, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 1);
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_batch(sampler, 1, 1, 0, &batch));
    ck_assert_int_eq(icl_sampler_draw(sampler, 0, batch), ICL_ERR_SIZE);
    ck_assert_double_eq(icl_batch_target(batch)[0], 0);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("task_functions", test_trees, test_trees_at_zero, test_covariance_of_series,
          test_tail_of_series, test_series_far_away, test_covariance_of_processes,
          test_posterior_of_processes, test_arguments, test_process_of_too_many)
