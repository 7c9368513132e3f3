/* Prompts for the tests of solvers: planted matrices, batches of the test's own arrays, and one
 * solver on one prompt in one call.
 */
#ifndef ICL_TESTS_TEST_SOLVE_H
#define ICL_TESTS_TEST_SOLVE_H

#include "support/support.h"

enum { MAX_SIDE = 32, MAX_STEPS = 40 };

/* X (n x d) = sum_i s_i u_i v_i^T with k <= min(n, d) planted singular values; u_i and v_i are the
 * rows of two rotations U (n x n) and V (d x d). */
typedef struct planted {
    int64_t n, d, k;
    double s[MAX_SIDE];
    double U[MAX_SIDE * MAX_SIDE], V[MAX_SIDE * MAX_SIDE];
    double X[MAX_SIDE * MAX_SIDE], y[MAX_SIDE], task[MAX_SIDE];
} planted;

static inline double dot(int64_t count, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static inline double norm(int64_t count, const double *a) {
    return sqrt(dot(count, a, a));
}

/* y is the labels of a normal task, plus `noise` times a normal. */
static inline void plant(icl_context *context, int64_t n, int64_t d, int64_t k, const double *s,
                         double noise, uint64_t seed, planted *p) {
    *p = (planted){.n = n, .d = d, .k = k};
    memcpy(p->s, s, (size_t)k * sizeof *s);
    ASSERT_OK(context, icl_random_rotation(context, seed, 1, n, p->U));
    ASSERT_OK(context, icl_random_rotation(context, seed, 2, d, p->V));
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < d; j++)
            for (int64_t l = 0; l < k; l++)
                p->X[i * d + j] += s[l] * p->U[l * n + i] * p->V[l * d + j];
    double e[MAX_SIDE];
    fill_normal(context, seed + 100, d, p->task);
    fill_normal(context, seed + 200, n, e);
    for (int64_t i = 0; i < n; i++)
        p->y[i] = dot(d, p->X + i * d, p->task) + noise * e[i];
}

/* v_i . X^T y = s_i (u_i . y) */
static inline double planted_c(const planted *p, int64_t i) {
    return p->s[i] * dot(p->n, p->U + i * p->n, p->y);
}

/* w (d) = sum_i filter_i v_i */
static inline void compose(const planted *p, const double *filter, double *w) {
    memset(w, 0, (size_t)p->d * sizeof *w);
    for (int64_t i = 0; i < p->k; i++)
        for (int64_t j = 0; j < p->d; j++)
            w[j] += filter[i] * p->V[i * p->d + j];
}

/* X^+ y */
static inline void planted_least_norm(const planted *p, double *w) {
    double filter[MAX_SIDE];
    for (int64_t i = 0; i < p->k; i++)
        filter[i] = planted_c(p, i) / (p->s[i] * p->s[i]);
    compose(p, filter, w);
}

/* A batch of the test's own prompts; queries NULL: all ones. */
static inline icl_batch *batch_of(icl_context *context, int64_t B, int64_t n, int64_t d, int64_t q,
                                  uint32_t contents, const double *X, const double *y,
                                  const double *queries) {
    icl_batch_options o;
    ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
    o.prompts = B;
    o.dim = d;
    o.context = n;
    o.queries = q;
    o.contents = contents;
    icl_batch *batch;
    ASSERT_OK(context, icl_batch_create(context, &o, &batch));
    double *ones = malloc((size_t)(B * q * d) * sizeof *ones);
    for (int64_t i = 0; i < B * q * d; i++)
        ones[i] = 1;
    ASSERT_OK(context, icl_batch_assign(batch, X, y, queries != NULL ? queries : ones, NULL));
    free(ones);
    return batch;
}

static inline icl_solver_options options_of(icl_method method, int64_t d, int64_t steps) {
    icl_solver_options o;
    ck_assert_int_eq(icl_solver_options_init(&o, sizeof o), ICL_OK);
    o.method = method;
    o.dim = d;
    o.steps = steps;
    return o;
}

static inline icl_solver *solver_of(icl_context *context, const icl_solver_options *o) {
    icl_solver *solver;
    ASSERT_OK(context, icl_solver_create(context, o, &solver));
    return solver;
}

/* One prompt, w (d) and, where not NULL, the path ((steps + 1) x d). */
static inline icl_solver_report solve_one(icl_context *context, const icl_solver_options *o,
                                          int64_t n, const double *X, const double *y,
                                          uint32_t contents, double *w, double *path) {
    icl_batch *batch = batch_of(context, 1, n, o->dim, 1, contents, X, y, NULL);
    icl_solver *solver = solver_of(context, o);
    icl_solver_report report;
    ASSERT_OK(context, icl_solver_solve(solver, batch, w, &report));
    if (path != NULL)
        ASSERT_OK(context, icl_solver_path(solver, batch, path, NULL));
    icl_solver_free(solver);
    icl_batch_free(batch);
    return report;
}

static inline void assert_close(int64_t count, const double *got, const double *expected,
                                double tolerance, double scale) {
    for (int64_t i = 0; i < count; i++)
        ASSERT_CLOSE(got[i], expected[i], tolerance, scale);
}

static inline void assert_same_bits(int64_t count, const double *got, const double *expected) {
    for (int64_t i = 0; i < count; i++)
        ck_assert_msg(memcmp(&got[i], &expected[i], sizeof *got) == 0, "entry %lld: %.17g, %.17g",
                      (long long)i, got[i], expected[i]);
}

/* ---- every method at once ---- */

enum { METHODS = 24, DIM = 4 };

static inline int has_weights(int method) {
    return method < ICL_METHOD_KNN;
}

static inline int iterates(int method) {
    return has_weights(method) && method != ICL_METHOD_RIDGE &&
           method != ICL_METHOD_LEAST_SQUARES && method != ICL_METHOD_BAYES &&
           method != ICL_METHOD_ONLINE_GD && method != ICL_METHOD_AVERAGE &&
           method != ICL_METHOD_POOL && method != ICL_METHOD_LASSO;
}

static inline int reads_examples(int method) {
    return method == ICL_METHOD_LEAST_SQUARES || method == ICL_METHOD_BAYES ||
           method == ICL_METHOD_ONLINE_GD || method == ICL_METHOD_SGD ||
           method == ICL_METHOD_POOL || method == ICL_METHOD_LOGISTIC || !has_weights(method);
}

static const double identity[DIM * DIM] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};

static inline icl_law *default_law(icl_context *context) {
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = DIM;
    o.noise = 0.5;
    icl_law *law;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    return law;
}

/* The answer to a query with w.x = score. */
static inline double read_out(int method, double score) {
    return method == ICL_METHOD_LOGISTIC ? tanh(score / 2) : score;
}

/* What some method cannot do without, but for a law. */
static inline void give_needs(icl_solver_options *o) {
    o->preconditioner = identity;
    o->pool = identity;
    o->pool_count = DIM;
    o->l1 = 0.3;
    if (o->method == ICL_METHOD_LOGISTIC)
        o->ridge = 0.1;
}

/* A solver of each method that works on prompts of dimension 4. */
static inline icl_solver *solver_of_method(icl_context *context, icl_method method) {
    icl_law *law = default_law(context);
    icl_solver_options o = options_of(method, DIM, 6);
    give_needs(&o);
    o.noise = 0.5;
    o.ridge = method == ICL_METHOD_RIDGE || method == ICL_METHOD_LOGISTIC ? 0.1 : 0;
    o.tolerance = method == ICL_METHOD_GD      ? 0.05  /* prompts stop at different steps */
                  : method == ICL_METHOD_LASSO ? 1e-30 /* where rounding stops it */
                                               : 0;
    o.law = law;
    icl_solver *solver = solver_of(context, &o);
    icl_law_free(law);
    return solver;
}

/* B prompts with n examples and two queries. */
static inline icl_batch *normal_batch(icl_context *context, int64_t B, int64_t n,
                                      uint32_t contents) {
    double *X = malloc((size_t)(B * (n * DIM + n + 2 * DIM)) * sizeof *X);
    fill_normal(context, 9, B * (n * DIM + n + 2 * DIM), X);
    icl_batch *batch =
        batch_of(context, B, n, DIM, 2, contents, X, X + B * n * DIM, X + B * (n * DIM + n));
    free(X);
    return batch;
}

#endif
