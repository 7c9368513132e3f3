/* Linear attention over tokens with positions. */
#include "positional.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void encode(int64_t i, int64_t positions, double *out) {
    for (int64_t j = 0; j < positions; j++) {
        double angle = (double)i * (j < 2 ? 1 : 0.1);
        out[j] = j % 2 == 0 ? sin(angle) : cos(angle);
    }
}

/* The same prompts with positions among their covariates. */
static icl_status augment(const positional *m, const icl_batch *batch, icl_batch **out) {
    int64_t B = icl_batch_prompts(batch), n = icl_batch_context(batch), d = icl_batch_dim(batch);
    int64_t q = icl_batch_queries(batch), D = d + m->positions;
    icl_batch_options o;
    *out = NULL;
    double *X = malloc((size_t)(B * (n + q) * D) * sizeof *X), *query = X + B * n * D;
    icl_status status = X ? icl_batch_options_init(&o, sizeof o) : ICL_ERR_NOMEM;
    for (int64_t i = 0; X && i < B * n; i++) {
        memcpy(X + i * D, icl_batch_X(batch) + i * d, (size_t)d * sizeof *X);
        encode(i % n, m->positions, X + i * D + d);
    }
    for (int64_t i = 0; X && i < B * q; i++) {
        memcpy(query + i * D, icl_batch_query(batch) + i * d, (size_t)d * sizeof *X);
        encode(n, m->positions, query + i * D + d);
    }
    o.prompts = B;
    o.dim = D;
    o.context = n;
    o.queries = q;
    o.contents = 0;
    if (status == ICL_OK)
        status = icl_batch_create(m->l->context, &o, out);
    if (status == ICL_OK)
        status = icl_batch_assign(*out, X, icl_batch_y(batch), query, icl_batch_target(batch));
    free(X);
    return status;
}

static icl_status predict(const void *self, const icl_batch *batch, double *prediction) {
    const positional *m = self;
    icl_batch *own;
    icl_status status = augment(m, batch, &own);
    if (status == ICL_OK)
        status = icl_model_predict(m->model, own, prediction);
    icl_batch_free(own);
    return status;
}

icl_predictor positional_predictor(const positional *m) {
    return (icl_predictor){.predict = predict, .self = m};
}

void positional_open(positional *m, lab *l, int64_t positions) {
    icl_model_options o;
    *m = (positional){.l = l, .positions = positions};
    lab_ok(l, icl_model_options_init(&o, sizeof o));
    o.dim = l->e->settings.dim + positions;
    o.sign = -1;
    o.form = ICL_FORM_DESCENT;
    o.init = ICL_INIT_GAUSSIAN;
    o.init_scale = 0.1;
    o.seed = l->e->settings.seed;
    lab_ok(l, icl_model_create(l->context, &o, &m->model));
}

void positional_close(positional *m) {
    icl_model_free(m->model);
}

void positional_train(positional *m, int64_t steps) {
    enum { PROMPTS = 512 };
    lab *l = m->l;
    int64_t count = icl_model_parameter_count(m->model);
    double *x = example_array(l->e, count), *gradient = example_array(l->e, count), loss;
    icl_batch *batch, *own;
    icl_optimiser *optimiser;
    icl_optimiser_options o;
    lab_ok(l, icl_optimiser_options_init(&o, sizeof o));
    o.method = ICL_OPTIMISER_ADAMW;
    o.rate = 0.02;
    lab_ok(l, icl_optimiser_create(l->context, &o, count, &optimiser));
    lab_ok(l, icl_sampler_batch(l->sampler, PROMPTS, 1, ICL_CONTENTS_EXAMPLES, &batch));
    memcpy(x, icl_model_parameters(m->model), (size_t)count * sizeof *x);
    for (int64_t t = 0; t < steps; t++) {
        lab_ok(l, icl_sampler_draw(l->sampler, l->e->settings.batch + t * PROMPTS, batch));
        lab_ok(l, augment(m, batch, &own));
        lab_ok(l, icl_model_loss(m->model, own, &loss, gradient));
        lab_ok(l, icl_optimiser_update(optimiser, gradient, x));
        lab_ok(l, icl_model_set_parameters(m->model, x));
        icl_batch_free(own);
    }
    icl_batch_free(batch);
    icl_optimiser_free(optimiser);
}

/* sum (v_i - mean v)^2 */
static double scatter(int64_t count, const double *v) {
    double mean = 0, sum = 0;
    for (int64_t i = 0; i < count; i++)
        mean += v[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        sum += (v[i] - mean) * (v[i] - mean);
    return sum;
}

double positional_theory(const positional *m) {
    const icl_batch *batch = m->l->batch;
    int64_t B = icl_batch_prompts(batch), n = icl_batch_context(batch), d = icl_batch_dim(batch);
    int64_t q = icl_batch_queries(batch), D = d + m->positions;
    double *A = example_array(m->l->e, D * D), *u = example_array(m->l->e, n);
    double deviation = 0, power = 0;
    lab_ok(m->l, icl_model_preconditioner(m->model, 0, NULL, A));
    for (int64_t p = 0; p < B; p++) {
        double pull[POSITIONS] = {0}, at[POSITIONS], end[POSITIONS];
        encode(n, m->positions, end);
        for (int64_t i = 0; i < D; i++)
            for (int64_t j = 0; j < m->positions; j++)
                pull[j] +=
                    A[i * D + d + j] * (i < d ? icl_batch_query(batch)[p * q * d + i] : end[i - d]);
        for (int64_t i = 0; i < n; i++) {
            encode(i, m->positions, at);
            u[i] = 0;
            for (int64_t j = 0; j < m->positions; j++)
                u[i] += pull[j] * at[j];
        }
        deviation +=
            sqrt(scatter(n, u) * scatter(n, icl_batch_y(batch) + p * n) / ((double)n - 1)) /
            (double)n;
        power += pow(icl_batch_target(batch)[p * q], 2);
    }
    return deviation / (double)B / sqrt(power / (double)B);
}
