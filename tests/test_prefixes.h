/* For the tests of prefixes: batches with every awkward kind of prompt, one solver's curves in one
 * call, and the prefix as a batch of its own.
 */
#ifndef ICL_TESTS_TEST_PREFIXES_H
#define ICL_TESTS_TEST_PREFIXES_H

#include "test_solve.h"

#include "linalg/linalg.h"
#include "solve/solver.h"

/* More than a group of eight lanes, and not a multiple of it. */
enum { PROMPTS = 11 };

/* Everything about one solver at every prefix of a batch. */
typedef struct curves {
    int64_t B, n, d, K;
    double *prediction, *weights; /* B x (n + 1) x K, B x (n + 1) x K x d or NULL */
    icl_solver_report *reports;   /* B x (n + 1) */
} curves;

static inline curves curves_of(icl_context *context, const icl_solver *solver,
                               const icl_batch *batch, const int64_t *grid, int64_t K) {
    curves c = {.B = icl_batch_prompts(batch),
                .n = icl_batch_context(batch),
                .d = icl_batch_dim(batch),
                .K = grid != NULL ? K : 1};
    size_t rows = (size_t)(c.B * (c.n + 1) * c.K);
    c.prediction = malloc(rows * sizeof(double));
    if (has_weights((int)solver->options.method))
        c.weights = malloc(rows * (size_t)c.d * sizeof(double));
    c.reports = malloc(rows * sizeof *c.reports);
    icl_prefix_options o;
    ck_assert_int_eq(icl_prefix_options_init(&o, sizeof o), ICL_OK);
    o.steps = &grid;
    o.counts = &K;
    ASSERT_OK(context,
              icl_solver_prefixes(&solver, 1, batch, &o, &c.prediction, &c.weights, &c.reports));
    return c;
}

static inline void free_curves(curves *c) {
    free(c->prediction);
    free(c->weights);
    free(c->reports);
}

static inline const double *weights_at(const curves *c, int64_t p, int64_t t, int64_t k) {
    return c->weights + ((p * (c->n + 1) + t) * c->K + k) * c->d;
}

static inline double prediction_at(const curves *c, int64_t p, int64_t t, int64_t k) {
    return c->prediction[(p * (c->n + 1) + t) * c->K + k];
}

static inline const icl_solver_report *report_at(const curves *c, int64_t p, int64_t t) {
    return &c->reports[p * (c->n + 1) + t];
}

/* x_{t+1}, or query 0 for t = n. */
static inline const double *query_at(const icl_batch *batch, int64_t p, int64_t t) {
    int64_t n = icl_batch_context(batch), d = icl_batch_dim(batch);
    return t < n ? icl_batch_X(batch) + (p * n + t) * d
                 : icl_batch_query(batch) + p * icl_batch_queries(batch) * d;
}

/* The first t examples of every prompt, with the query of prefix t. */
static inline icl_batch *cut_batch(icl_context *context, const icl_batch *batch, int64_t t) {
    int64_t B = icl_batch_prompts(batch), n = icl_batch_context(batch), d = icl_batch_dim(batch);
    double *X = malloc((size_t)(B * (t * d + t + d)) * sizeof *X), *y = X + B * t * d;
    double *query = y + B * t;
    for (int64_t p = 0; p < B; p++) {
        memcpy(query + p * d, query_at(batch, p, t), (size_t)d * sizeof *X);
        if (t == 0)
            continue;
        memcpy(X + p * t * d, icl_batch_X(batch) + p * n * d, (size_t)(t * d) * sizeof *X);
        memcpy(y + p * t, icl_batch_y(batch) + p * n, (size_t)t * sizeof *X);
    }
    icl_batch *out = batch_of(context, B, t, d, 1, ICL_CONTENTS_ALL, X, y, query);
    free(X);
    return out;
}

/* Prompt 0 and 8..10 normal, 1 a repeated example with two labels, 2 begins with zeros, 3 of rank
 * 2, 4 all zero, 5 one example over and over, 6 columns of many sizes, 7 with a covariate that is 0
 * and one that is there twice; labels of prompt 8 are 0. */
static inline icl_batch *awkward_batch(icl_context *context, int64_t n, int64_t d, uint64_t seed) {
    size_t size = (size_t)(PROMPTS * (n * d + n + d));
    double *X = malloc(size * sizeof *X), *y = X + PROMPTS * n * d, *query = y + PROMPTS * n;
    fill_normal(context, seed, PROMPTS * (n * d + n + d), X);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < d; j++) {
            double *at = X + i * d + j;
            if (i == 1)
                at[n * d] = at[n * d - d];
            if (i < 2)
                at[2 * n * d] = 0;
            if (i > 1)
                at[3 * n * d] = X[3 * n * d + j] * (double)i - 0.7 * X[(3 * n + 1) * d + j];
            at[4 * n * d] = 0;
            at[5 * n * d] = X[5 * n * d + j];
            at[6 * n * d] *= pow(10, -3 * (double)j / (double)d);
            if (j == 1)
                at[7 * n * d] = at[7 * n * d - 1];
            if (j == 2)
                at[7 * n * d] = 0;
        }
    if (n > 0)
        memset(y + 8 * n, 0, (size_t)n * sizeof *y);
    icl_batch *batch = batch_of(context, PROMPTS, n, d, 1, ICL_CONTENTS_ALL, X, y, query);
    free(X);
    return batch;
}

/* Singular values of the first t examples of prompt p, those above max(t, d) eps s_max: returns how
 * many. */
static inline int64_t singular_values(icl_context *context, const icl_batch *batch, int64_t p,
                                      int64_t t, double *s) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch), k = t < d ? t : d, rank = 0;
    if (k == 0)
        return 0;
    ASSERT_OK(context, icl_svd(context, t, d, icl_batch_X(batch) + p * n * d, s, NULL, NULL));
    while (rank < k && s[rank] > (double)(t > d ? t : d) * DBL_EPSILON * s[0])
        rank++;
    return rank;
}

static const int64_t prefix_shapes[][2] = {{12, 5}, {5, 5}, {4, 7},  {1, 1},
                                           {6, 1},  {0, 3}, {30, 20}};
enum { PREFIX_SHAPES = sizeof prefix_shapes / sizeof *prefix_shapes };

#endif
