/* Queries unlike the examples of their prompt: what is exact of each, their bits, their moments,
 * and risks that are known beforehand. SCALED ones and quadrants are laws of task_reference.h, too.
 */
#include <icl/metrics.h>
#include <icl/solve.h>

#include "statistics.h"
#include "task_reference.h"

enum { PROMPTS = 20000 };

static void set_queries(icl_queries queries, int64_t d, int64_t n, double noise, wide_case *c) {
    make_case(0, 0, d, n, noise, &c->base);
    c->base.options.queries = queries;
}

static icl_batch *draw_case(icl_context *context, const wide_case *c, int64_t first,
                            int64_t prompts, int64_t q) {
    icl_sampler *sampler = make_sampler(context, &c->base.options, 23);
    icl_batch *batch = draw_prompts(context, sampler, first, prompts, q);
    icl_sampler_free(sampler);
    return batch;
}

/* The same prompts with the queries that the law draws, and examples that it does not change. */
static icl_batch *draw_unshifted(icl_context *context, wide_case *c, int64_t first, int64_t prompts,
                                 int64_t q) {
    icl_queries queries = c->base.options.queries;
    c->base.options.queries = ICL_QUERIES_LAW;
    icl_batch *batch = draw_case(context, c, first, prompts, q);
    c->base.options.queries = queries;
    return batch;
}

/* ---- orthogonal ---- */

static long double dot(int64_t d, const long double *a, const long double *b) {
    long double sum = 0;
    for (int64_t j = 0; j < d; j++)
        sum += a[j] * b[j];
    return sum;
}

/* v less its part in the span of `count` orthonormal rows. */
static void take_off(int64_t d, int64_t count, const long double *E, long double *v) {
    for (int64_t i = 0; i < 2 * count; i++) {
        const long double *e = E + i % count * d;
        long double along = dot(d, e, v);
        for (int64_t j = 0; j < d; j++)
            v[j] -= along * e[j];
    }
}

/* An orthonormal basis E of the span of the rows of X; the condition of X, at least. */
static double span_of(int64_t d, int64_t n, const double *X, long double *E) {
    long double least = HUGE_VALL, greatest = 0;
    for (int64_t i = 0; i < n; i++) {
        long double *e = E + i * d;
        for (int64_t j = 0; j < d; j++)
            e[j] = X[i * d + j];
        greatest = fmaxl(greatest, sqrtl(dot(d, e, e)));
        take_off(d, i, E, e);
        long double norm = sqrtl(dot(d, e, e));
        least = fminl(least, norm);
        for (int64_t j = 0; j < d; j++)
            e[j] /= norm;
    }
    return n > 0 ? (double)(greatest / least) : 1;
}

/* Query x is the projection of `plain`, scaled to its norm: by definition, in long double. */
static void check_projection(int64_t d, int64_t n, const double *X, const double *plain,
                             const double *x) {
    long double E[WIDE_DIM * WIDE_DIM], v[WIDE_DIM];
    double condition = span_of(d, n, X, E), norm = 0, size = 0;
    for (int64_t j = 0; j < d; j++) {
        norm += plain[j] * plain[j];
        size += x[j] * x[j];
        v[j] = plain[j];
    }
    norm = sqrt(norm);
    ASSERT_CLOSE(sqrt(size), norm, TOL_ALGEBRA(d, 1), norm);
    for (int64_t i = 0; i < n; i++) { /* to rounding, however X is conditioned */
        double sum = 0, length = 0;
        for (int64_t j = 0; j < d; j++) {
            sum += X[i * d + j] * x[j];
            length += X[i * d + j] * X[i * d + j];
        }
        ASSERT_CLOSE(sum, 0, TOL_ALGEBRA(d, 1), norm * sqrt(length));
    }
    take_off(d, n, E, v);
    long double left = sqrtl(dot(d, v, v));
    for (int64_t j = 0; j < d; j++)
        ASSERT_CLOSE(x[j], (double)(v[j] / left * norm), TOL_ALGEBRA(d, condition),
                     norm * norm / (double)left);
}

static void check_orthogonal(icl_context *context, wide_case *c, int64_t n) {
    enum { COUNT = 19, Q = 3 };
    int64_t d = c->base.options.dim;
    c->base.options.context = n;
    c->base.options.queries = ICL_QUERIES_ORTHOGONAL;
    icl_batch *batch = draw_case(context, c, 5, COUNT, Q);
    icl_batch *plain = draw_unshifted(context, c, 5, COUNT, Q);
    ck_assert(n == 0 || memcmp(icl_batch_X(batch), icl_batch_X(plain),
                               (size_t)(COUNT * n * d) * sizeof(double)) == 0);
    ck_assert(n == 0 || memcmp(icl_batch_y(batch), icl_batch_y(plain),
                               (size_t)(COUNT * n) * sizeof(double)) == 0);
    for (int64_t p = 0; p < COUNT; p++)
        for (int64_t j = 0; j < Q; j++)
            check_projection(d, n, icl_batch_X(batch) + p * n * d,
                             icl_batch_query(plain) + (p * Q + j) * d,
                             icl_batch_query(batch) + (p * Q + j) * d);
    icl_batch_free(batch);
    icl_batch_free(plain);
}

START_TEST(test_orthogonal) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int law = 0; law < WIDE_LAWS; law++)
        for (int64_t d = 1; d <= WIDE_DIM; d++)
            for (int64_t n = 0; n < d; n++) {
                make_wide_case(law, d, n, 0.25, &c);
                check_orthogonal(context, &c, n);
            }
    icl_context_free(context);
}
END_TEST

/* Garg's half-subspace: Sigma of rank d / 2 leaves fewer directions; n beyond a chunk of examples.
 */
START_TEST(test_orthogonal_in_a_subspace) {
    static wide_case c;
    icl_law *law;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_wide_case(1, 8, 3, 0, &c);
    c.base.options.prior = ICL_COVARIANCE_IDENTITY;
    c.number = 0;
    for (int64_t every = 0; every <= 1; every++) {
        c.base.options.rotation_every = every;
        check_orthogonal(context, &c, 3);
        c.base.options.context = 4;
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "rank 4",
                     icl_law_create(context, &c.base.options, &law));
    }
    make_case(0, 0, 40, 39, 0, &c.base);
    c.base.options.queries = ICL_QUERIES_ORTHOGONAL;
    icl_batch *batch = draw_case(context, &c, 0, 9, 17);
    for (int64_t p = 0; p < 9; p++)
        for (int64_t j = 0; j < 17; j++) {
            const double *X = icl_batch_X(batch) + p * 39 * 40;
            const double *x = icl_batch_query(batch) + (p * 17 + j) * 40;
            for (int64_t i = 0; i < 39; i++) {
                double sum = 0;
                for (int64_t k = 0; k < 40; k++)
                    sum += X[i * 40 + k] * x[k];
                QUICK_CLOSE(sum, 0, TOL_ALGEBRA(40, 1) * 150);
            }
        }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- repeated ---- */

/* Which example the query is, to the bit; -1 if none. */
static int64_t place_of(const icl_batch *batch, int64_t p, int64_t j) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch), q = icl_batch_queries(batch);
    const double *x = icl_batch_query(batch) + (p * q + j) * d;
    for (int64_t i = 0; i < n; i++)
        if (memcmp(icl_batch_X(batch) + (p * n + i) * d, x, (size_t)d * sizeof *x) == 0)
            return i;
    return -1;
}

START_TEST(test_repeated) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t sizes[] = {1, 3, 7, 181};
    for (int law = 0; law < WIDE_LAWS; law++)
        for (int i = 0; i < 4; i++) {
            make_wide_case(law, 3, sizes[i], 0, &c);
            c.base.options.queries = ICL_QUERIES_REPEATED;
            icl_batch *batch = draw_case(context, &c, 2, 21, 5);
            for (int64_t p = 0; p < 21; p++)
                for (int64_t j = 0; j < 5; j++) {
                    int64_t k = place_of(batch, p, j);
                    ck_assert_msg(k >= 0, "%s: no example", wide_laws[law].name);
                    if (c.base.options.labels == ICL_LABELS_LOGISTIC) /* its coin is its own */
                        continue;
                    /* rows of a Cholesky factor carry rounding over the root of a pivot's square */
                    double near = c.base.options.labels == ICL_LABELS_GAUSSIAN_PROCESS ? 1e-7 : 0;
                    ck_assert_double_le(fabs(icl_batch_target(batch)[5 * p + j] -
                                             icl_batch_y(batch)[sizes[i] * p + k]),
                                        near);
                }
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_repeated_is_even) {
    enum { N = 9 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    int64_t counts[N] = {0}, pairs[N * N] = {0};
    tally noise = {0}, product = {0};
    set_queries(ICL_QUERIES_REPEATED, 2, N, 0.5, &c);
    icl_batch *batch = draw_case(context, &c, 0, PROMPTS, 2);
    for (int64_t p = 0; p < PROMPTS; p++) {
        int64_t a = place_of(batch, p, 0), b = place_of(batch, p, 1);
        counts[a]++;
        pairs[N * a + b]++;
        const double *w = icl_batch_task(batch) + 2 * p, *x = icl_batch_query(batch) + 4 * p;
        double signal = w[0] * x[0] + w[1] * x[1];
        double own = icl_batch_target(batch)[2 * p] - signal;
        tally_add(&noise, own * own);
        tally_add(&product, own * (icl_batch_y(batch)[N * p + a] - signal));
    }
    assert_even("places", N, counts);
    assert_even("pairs of places", (int64_t)N * N, pairs);
    assert_tally("noise of its own", &noise, 0.5);
    assert_tally("the example's noise", &product, 0);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- scaled, quadrants ---- */

START_TEST(test_scaled) {
    static wide_case c;
    const double scales[] = {0, 1, -2, 1.0 / 3};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < 4; i++) {
        set_queries(ICL_QUERIES_SCALED, 3, 5, 0, &c);
        c.base.options.query_scale = scales[i];
        icl_batch *batch = draw_case(context, &c, 0, 21, 2);
        icl_batch *plain = draw_unshifted(context, &c, 0, 21, 2);
        for (int64_t e = 0; e < 21 * 2 * 3; e++)
            ck_assert_double_eq(icl_batch_query(batch)[e], scales[i] * icl_batch_query(plain)[e]);
        ck_assert_mem_eq(icl_batch_X(batch), icl_batch_X(plain), sizeof(double) * 21 * 5 * 3);
        ck_assert_mem_eq(icl_batch_y(batch), icl_batch_y(plain), sizeof(double) * 21 * 5);
        icl_batch_free(batch);
        icl_batch_free(plain);
    }
    icl_context_free(context);
}
END_TEST

/* Examples have the absolute values of the law's own and the signs of one quadrant a prompt, all
 * 2^d of them as likely; the query is the law's own, or lies opposite. */
START_TEST(test_quadrants) {
    enum { DIM = 3, N = 4 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int opposite = 0; opposite < 2; opposite++) {
        int64_t quadrants[1 << DIM] = {0};
        tally mean = {0}, product = {0}, query = {0};
        set_queries(ICL_QUERIES_RANDOM_QUADRANT + (icl_queries)opposite, DIM, N, 0, &c);
        icl_batch *batch = draw_case(context, &c, 0, PROMPTS, 1);
        icl_batch *plain = draw_unshifted(context, &c, 0, PROMPTS, 1);
        for (int64_t p = 0; p < PROMPTS; p++) {
            const double *X = icl_batch_X(batch) + p * N * DIM,
                         *x = icl_batch_query(batch) + DIM * p;
            const double *own = icl_batch_X(plain) + p * N * DIM;
            const double *before = icl_batch_query(plain) + DIM * p;
            int64_t quadrant = 0;
            for (int j = 0; j < DIM; j++) {
                int minus = signbit(X[j]) != 0;
                quadrant |= (int64_t)minus << j;
                for (int i = 0; i < N; i++)
                    QUICK_ASSERT(X[i * DIM + j] == (minus ? -1 : 1) * fabs(own[i * DIM + j]),
                                 "prompt %d leaves its quadrant", (int)p);
                QUICK_ASSERT(x[j] == (opposite ? (minus ? 1 : -1) * fabs(before[j]) : before[j]),
                             "query %d is in the wrong place", (int)p);
            }
            quadrants[quadrant]++;
            tally_add(&mean, X[0]);
            tally_add(&product, X[1] * X[DIM + 1]);
            tally_add(&query, X[2] * x[2]);
        }
        assert_even("quadrants", 1 << DIM, quadrants);
        assert_tally("x", &mean, 0);
        assert_tally("x x' of a prompt", &product, 2 / acos(-1)); /* (E |z|)^2 */
        assert_tally("x x_q", &query, opposite ? -2 / acos(-1) : 0);
        icl_batch_free(batch);
        icl_batch_free(plain);
    }
    icl_context_free(context);
}
END_TEST

/* ---- bits ---- */

static icl_batch *draw_on(const wide_case *c, int64_t threads, icl_isa isa, int64_t first,
                          int64_t prompts, int64_t q) {
    icl_context *context = make_context(threads, isa);
    icl_batch *batch = draw_case(context, c, first, prompts, q);
    icl_context_free(context);
    return batch;
}

/* The two kinds that cannot have every n: instruction sets, threads, splits, numbers of queries. */
START_TEST(test_bits) {
    static wide_case c;
    for (int kind = ICL_QUERIES_ORTHOGONAL; kind <= ICL_QUERIES_REPEATED; kind++)
        for (int law = 0; law < WIDE_LAWS; law++) {
            make_wide_case(law, 5, 4, 0.3, &c);
            c.base.options.queries = (icl_queries)kind;
            icl_batch *expected = draw_on(&c, 1, ICL_ISA_BASELINE, 3, 150, 3);
            const double *query = icl_batch_query(expected), *target = icl_batch_target(expected);
            for (int isa = ICL_ISA_BASELINE; isa <= ICL_ISA_AVX512; isa++) {
                if (!icl_isa_supported((icl_isa)isa))
                    continue;
                icl_batch *batch = draw_on(&c, 3, (icl_isa)isa, 10, 100, 2);
                for (int64_t p = 0; p < 100; p++) {
                    ck_assert_mem_eq(icl_batch_query(batch) + 10 * p, query + 15 * (p + 7),
                                     10 * sizeof *query);
                    ck_assert_mem_eq(icl_batch_target(batch) + 2 * p, target + 3 * (p + 7),
                                     2 * sizeof *query);
                }
                icl_batch_free(batch);
            }
            icl_batch_free(expected);
        }
}
END_TEST

/* Repeated queries from their definition. */
START_TEST(test_repeated_from_its_definition) {
    static wide_case c;
    static wide_law w;
    static sized x[WIDE_DIM];
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_wide_case(4, 5, 11, 0, &c);
    c.base.options.queries = ICL_QUERIES_REPEATED;
    icl_sampler *sampler = make_sampler(context, &c.base.options, 23);
    icl_batch *batch = draw_prompts(context, sampler, 3, 20, 7);
    make_wide_law(context, sampler, &c, 23, &w);
    for (int64_t p = 0; p < 20; p++)
        for (int64_t j = 0; j < 7; j++) {
            wide_vector(&w, 3 + p, 1, j, x);
            for (int k = 0; k < 5; k++)
                ASSERT_CLOSE(icl_batch_query(batch)[(p * 7 + j) * 5 + k], (double)x[k].value,
                             TOL_PROMPT(5, 0), (double)x[k].size);
        }
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* ---- what is known beforehand ---- */

static icl_estimate least_squares_risk(icl_context *context, const wide_case *c) {
    icl_solver_options o;
    icl_solver *solver;
    icl_predictor predictor;
    icl_estimate risk;
    icl_sampler *sampler = make_sampler(context, &c->base.options, 23);
    ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
    o.method = ICL_METHOD_LEAST_SQUARES;
    o.dim = c->base.options.dim;
    ASSERT_OK(context, icl_solver_create(context, &o, &solver));
    ASSERT_OK(context, icl_solver_predictor(solver, &predictor));
    ASSERT_OK(context, icl_predictor_risk(&predictor, 1, sampler, 0, PROMPTS, 1, &risk));
    icl_solver_free(solver);
    icl_sampler_free(sampler);
    return risk;
}

/* Noiseless least squares of least norm, n < d: it knows a seen point, knows nothing off the span
 * of the examples (risk d, and 0 prediction), and its error scales with the query. */
START_TEST(test_least_squares) {
    enum { DIM = 6, N = 4 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    set_queries(ICL_QUERIES_REPEATED, DIM, N, 0, &c);
    ck_assert_double_le(least_squares_risk(context, &c).value, 1e-16);
    c.base.options.queries = ICL_QUERIES_ORTHOGONAL;
    icl_estimate risk = least_squares_risk(context, &c);
    ASSERT_CLOSE(risk.value, DIM, TOL_Z, risk.standard_error);
    c.base.options.queries = ICL_QUERIES_SCALED;
    c.base.options.query_scale = 3;
    icl_estimate scaled = least_squares_risk(context, &c);
    c.base.options.queries = ICL_QUERIES_LAW;
    risk = least_squares_risk(context, &c);
    ASSERT_CLOSE(risk.value, DIM - N, TOL_Z, risk.standard_error);
    ASSERT_CLOSE(scaled.value, 9 * risk.value, 1e-12, risk.value);
    icl_context_free(context);
}
END_TEST

/* ---- arguments ---- */

START_TEST(test_refusals) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const icl_law_options *o = &c.base.options;
    set_queries((icl_queries)6, 3, 2, 0, &c);
    refuse_law(context, o, ICL_ERR_ARGUMENT, "queries = 6");
    set_queries((icl_queries)-1, 3, 2, 0, &c);
    refuse_law(context, o, ICL_ERR_ARGUMENT, "queries = ");
    set_queries(ICL_QUERIES_ORTHOGONAL, 3, 3, 0, &c);
    refuse_law(context, o, ICL_ERR_ARGUMENT, "context = 3");
    set_queries(ICL_QUERIES_REPEATED, 3, 0, 0, &c);
    refuse_law(context, o, ICL_ERR_ARGUMENT, "context = 0");
    set_queries(ICL_QUERIES_SCALED, 3, 0, 0, &c);
    c.base.options.query_scale = INFINITY;
    refuse_law(context, o, ICL_ERR_NONFINITE, "query_scale = inf");
    c.base.options.query_scale = NAN;
    refuse_law(context, o, ICL_ERR_NONFINITE, "query_scale = nan");
    c.base.options.queries = ICL_QUERIES_LAW; /* then it is not read */
    icl_law *law = make_law(context, o);
    ck_assert_double_eq(icl_law_query_scale(law), 1);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_laws_with_other_queries) {
    static wide_case c;
    icl_law *other = NULL, *third;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    set_queries(ICL_QUERIES_LAW, 3, 2, 0.5, &c);
    icl_law *law = make_law(context, &c.base.options);
    ck_assert_int_eq(icl_law_queries(law), ICL_QUERIES_LAW);
    ASSERT_OK(context, icl_law_with_queries(law, ICL_QUERIES_SCALED, 2, &other));
    ck_assert(icl_law_queries(other) == ICL_QUERIES_SCALED && icl_law_query_scale(other) == 2);
    ck_assert(icl_law_context(other) == 2 && icl_law_noise(other) == 0.5);
    ck_assert_ptr_eq(icl_law_covariance(other), icl_law_covariance(law));
    icl_law_free(other);
    ASSERT_OK(context, icl_law_with_queries(law, ICL_QUERIES_ORTHOGONAL, NAN, &other));
    ck_assert_double_eq(icl_law_query_scale(other), 1);
    third = law;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "context = 3", icl_law_with(other, 3, 0, &third));
    ck_assert_ptr_null(third);
    ASSERT_OK(context, icl_law_with(other, 1, 0, &third));
    ck_assert_int_eq(icl_law_queries(third), ICL_QUERIES_ORTHOGONAL);
    icl_law_free(third);
    third = law;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "queries = 9",
                 icl_law_with_queries(law, (icl_queries)9, 1, &third));
    ck_assert_ptr_null(third);
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "query_scale",
                 icl_law_with_queries(law, ICL_QUERIES_SCALED, NAN, &third));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL",
                 icl_law_with_queries(law, ICL_QUERIES_SCALED, 1, NULL));
    ck_assert_int_eq(icl_law_with_queries(NULL, ICL_QUERIES_LAW, 1, &third), ICL_ERR_ARGUMENT);
    ck_assert(icl_law_queries(NULL) == ICL_QUERIES_LAW && icl_law_query_scale(NULL) == 1);
    icl_law_free(other);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

static icl_status make_and_draw(icl_context *context, void *user) {
    const wide_case *c = user;
    icl_law *law = NULL, *other = NULL;
    icl_sampler *sampler = NULL;
    icl_batch *batch = NULL;
    icl_status status = icl_law_create(context, &c->base.options, &law);
    if (status == ICL_OK)
        status = icl_law_with_queries(law, ICL_QUERIES_ORTHOGONAL, 1, &other);
    if (status == ICL_OK)
        status = icl_sampler_create(context, other, 1, &sampler);
    if (status == ICL_OK)
        status = icl_sampler_batch(sampler, 9, 2, ICL_CONTENTS_ALL, &batch);
    if (status == ICL_OK)
        status = icl_sampler_draw(sampler, 0, batch);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_law_free(other);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    static wide_case c;
    make_wide_case(12, 5, 3, 0.3, &c);
    check_every_allocation(make_and_draw, &c);
}
END_TEST

/* The kinds that are no laws of task_reference.h have no closed forms and no direct moments. */
START_TEST(test_no_closed_forms) {
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kind = ICL_QUERIES_ORTHOGONAL; kind <= ICL_QUERIES_REPEATED; kind++) {
        icl_batch *batch;
        double K[9], C[9], power;
        set_queries((icl_queries)kind, 3, 2, 0, &c);
        icl_sampler *sampler = make_sampler(context, &c.base.options, 1);
        const icl_law *law = icl_sampler_law(sampler);
        ASSERT_OK(context, icl_sampler_batch(sampler, 2, 1, 0, &batch));
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM,
                     "queries = ", icl_sampler_draw_moments(sampler, 0, batch));
        ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "shifted",
                     icl_theory_moments(law, NULL, K, C, &power));
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("queries", test_orthogonal, test_orthogonal_in_a_subspace, test_repeated,
          test_repeated_is_even, test_scaled, test_quadrants, test_bits,
          test_repeated_from_its_definition, test_least_squares, test_refusals,
          test_laws_with_other_queries, test_every_allocation_may_fail, test_no_closed_forms)
