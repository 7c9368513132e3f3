/* Deep models for tests, and their prompts token by token, from the definition in <icl/model.h>. */
#ifndef ICL_TESTS_TEST_DEEP_H
#define ICL_TESTS_TEST_DEEP_H

#include "support/support.h"

typedef struct deep_shape {
    int64_t dim, n, prompts, queries, layers, heads, token;
    int looped, residual, guess, sign;
    icl_form form;
} deep_shape;

typedef struct deep {
    deep_shape shape;
    icl_context *context;
    icl_batch *batch;
    icl_model *model;
} deep;

/* Parameters of a size that keeps tokens of any depth near 1: N(0, 1/2) / (D sqrt(L H)), R near I. */
static inline void randomise_deep(icl_context *context, icl_model *model, uint64_t seed) {
    int64_t count = icl_model_parameter_count(model), D = icl_model_token(model);
    double scale = 0.7 / ((double)D * sqrt((double)(icl_model_layers(model) * icl_model_heads(model))));
    double *x = malloc((size_t)count * sizeof *x), *z = malloc((size_t)count * sizeof *z);
    memcpy(x, icl_model_parameters(model), (size_t)count * sizeof *x);
    fill_normal(context, seed, count, z);
    for (int64_t t = 0; t < icl_model_tensor_count(model); t++) {
        icl_tensor tensor;
        ASSERT_OK(context, icl_model_tensor(model, t, &tensor));
        int64_t entries = tensor.rows * tensor.cols;
        uint8_t *mask = malloc((size_t)entries);
        ASSERT_OK(context, icl_model_get_trained(model, tensor.name, mask));
        for (int64_t e = 0; e < entries; e++)
            if (mask[e])
                x[tensor.offset + e] += scale * z[tensor.offset + e];
        free(mask);
    }
    ASSERT_OK(context, icl_model_set_parameters(model, x));
    free(x);
    free(z);
}

static inline icl_model *make_deep(icl_context *context, const deep_shape *s) {
    icl_model_options o;
    icl_model *model;
    ASSERT_OK(context, icl_model_options_init(&o, sizeof o));
    o.dim = s->dim;
    o.layers = s->layers;
    o.heads = s->heads;
    o.token = s->token;
    o.looped = s->looped;
    o.residual = s->residual;
    o.guess = s->guess;
    o.form = s->form;
    o.sign = s->sign;
    o.init = ICL_INIT_ZERO;
    ASSERT_OK(context, icl_model_create(context, &o, &model));
    randomise_deep(context, model, 17);
    return model;
}

/* A batch with examples of a law with noise, and a random model of that shape. */
static inline deep plant_deep(int64_t threads, icl_isa isa, deep_shape shape) {
    deep t = {.shape = shape, .context = make_context(threads, isa)};
    icl_law_options o;
    icl_law *law;
    icl_sampler *sampler;
    ASSERT_OK(t.context, icl_law_options_init(&o, sizeof o));
    o.dim = shape.dim;
    o.context = shape.n;
    o.noise = 0.25;
    ASSERT_OK(t.context, icl_law_create(t.context, &o, &law));
    ASSERT_OK(t.context, icl_sampler_create(t.context, law, 3, &sampler));
    ASSERT_OK(t.context, icl_sampler_batch(sampler, shape.prompts, shape.queries,
                                           ICL_CONTENTS_ALL, &t.batch));
    ASSERT_OK(t.context, icl_sampler_draw(sampler, 5, t.batch));
    t.model = make_deep(t.context, &shape);
    icl_sampler_free(sampler);
    icl_law_free(law);
    return t;
}

static inline void clear_deep(deep *t) {
    icl_model_free(t->model);
    icl_batch_free(t->batch);
    icl_context_free(t->context);
}

/* ---- token by token ---- */

static inline const double *deep_matrix(const icl_model *model, const char *what, int64_t layer,
                                        int64_t head) {
    char name[64];
    icl_tensor tensor;
    int n = snprintf(name, sizeof name, "%s", what);
    if (layer >= 0 && !icl_model_looped(model) && icl_model_layers(model) > 1)
        n += snprintf(name + n, sizeof name - (size_t)n, ".layer%lld", (long long)layer);
    if (head >= 0 && icl_model_heads(model) > 1)
        snprintf(name + n, sizeof name - (size_t)n, ".head%lld", (long long)head);
    ck_assert_int_eq(icl_model_find(model, name, &tensor), ICL_OK);
    return icl_model_parameters(model) + tensor.offset;
}

/* out (D) += M v */
static inline void deep_apply(int64_t D, const double *M, const double *v, double *out) {
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++)
            out[i] += M[i * D + j] * v[j];
}

/* Z (n + 1 tokens of D, the query last) <- R Z + sum_h P_h (Z M Z^T / n) Q_h Z, key by key. */
static inline void token_layer(const deep *t, int64_t layer, int64_t n, double *Z, double *room) {
    int64_t D = icl_model_token(t->model), H = t->shape.heads;
    double *next = room, *key = next + (n + 1) * D, *value = key + D;
    memset(next, 0, (size_t)((n + 1) * D) * sizeof *next);
    for (int64_t i = 0; i <= n; i++) {
        if (t->shape.residual)
            deep_apply(D, deep_matrix(t->model, "R", layer, -1), Z + i * D, next + i * D);
        else
            memcpy(next + i * D, Z + i * D, (size_t)D * sizeof *next);
        for (int64_t h = 0; h < H; h++) {
            memset(key, 0, (size_t)(2 * D) * sizeof *key);
            deep_apply(D, deep_matrix(t->model, "Q", layer, h), Z + i * D, key);
            for (int64_t j = 0; j < n; j++) {
                double score = 0;
                for (int64_t k = 0; k < D; k++)
                    score += Z[j * D + k] * key[k];
                for (int64_t k = 0; k < D; k++)
                    value[k] += score * Z[j * D + k] / (double)n;
            }
            deep_apply(D, deep_matrix(t->model, "P", layer, h), value, next + i * D);
        }
    }
    memcpy(Z, next, (size_t)((n + 1) * D) * sizeof *Z);
}

/* The prediction of every depth 1..layers for one query: out[l - 1]. */
static inline void token_predict(const deep *t, int64_t prompt, int64_t query, double *out) {
    int64_t d = t->shape.dim, n = t->shape.n, D = icl_model_token(t->model);
    double *Z = calloc((size_t)(2 * (n + 2) * D), sizeof *Z), *room = Z + (n + 1) * D;
    const double *X = icl_batch_X(t->batch), *y = icl_batch_y(t->batch);
    const double *x_q = icl_batch_query(t->batch) + (prompt * t->shape.queries + query) * d;
    for (int64_t i = 0; i < n; i++) {
        memcpy(Z + i * D, X + (prompt * n + i) * d, (size_t)d * sizeof *Z);
        Z[i * D + D - 1] = y[prompt * n + i];
    }
    memcpy(Z + n * D, x_q, (size_t)d * sizeof *Z);
    for (int64_t j = 0; t->shape.guess && j < d; j++)
        Z[n * D + D - 1] += t->shape.sign * deep_matrix(t->model, "guess", -1, -1)[j] * x_q[j];
    for (int64_t l = 0; l < t->shape.layers; l++) {
        token_layer(t, l, n, Z, room);
        out[l] = t->shape.sign * Z[n * D + D - 1];
    }
    free(Z);
}

#endif
