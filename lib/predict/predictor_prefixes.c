/* The answers of a predictor at every prefix of every prompt. */
#include <math.h>
#include <string.h>

#include <icl/predict.h>

#include "task/batch.h"

typedef struct prefix_walk {
    const icl_predictor *predictor;
    const icl_batch *batch;
    double *answers;             /* B x (n + 1), as the caller gets them in the end */
    double *X, *y, *query, *one; /* of one prefix: B x t x d, B x t, B x d, B */
} prefix_walk;

static void cut(const prefix_walk *w, int64_t t) {
    const icl_batch *batch = w->batch;
    int64_t d = batch->dim, n = batch->examples, q = batch->queries;
    for (int64_t p = 0; p < batch->prompts; p++) {
        const double *next = t < n ? batch->X + (p * n + t) * d : batch->query_rows + p * q * d;
        memcpy(w->query + p * d, next, (size_t)d * sizeof(double));
        if (t == 0)
            continue;
        memcpy(w->X + p * t * d, batch->X + p * n * d, (size_t)(t * d) * sizeof(double));
        memcpy(w->y + p * t, batch->y + p * n, (size_t)t * sizeof(double));
    }
}

/* The first t examples as a batch of its own. */
static icl_status make_prefix(const prefix_walk *w, int64_t t, icl_batch **out) {
    const icl_batch *batch = w->batch;
    int64_t B = batch->prompts;
    icl_batch_options o;
    ICL_TRY(icl_batch_options_init(&o, sizeof o));
    o.prompts = B;
    o.dim = batch->dim;
    o.context = t;
    o.queries = 1;
    o.contents = batch->contents;
    ICL_TRY(icl_batch_create(batch->context, &o, out));
    cut(w, t);
    icl_status status = icl_batch_assign(*out, w->X, w->y, w->query, NULL);
    if (status != ICL_OK) {
        icl_batch_free(*out);
        *out = NULL;
        return status;
    }
    memcpy((*out)->noise, batch->noise, (size_t)B * sizeof(double));
    if (batch->task != NULL)
        memcpy((*out)->task, batch->task, (size_t)(B * batch->dim) * sizeof(double));
    return ICL_OK;
}

static icl_status ask(const prefix_walk *w, int64_t t) {
    const icl_batch *batch = w->batch;
    icl_batch *prefix;
    ICL_TRY(make_prefix(w, t, &prefix));
    for (int64_t p = 0; p < batch->prompts; p++)
        w->one[p] = NAN; /* an answer that is not given shows */
    icl_status status = w->predictor->predict(w->predictor->self, prefix, w->one);
    icl_batch_free(prefix);
    if (status != ICL_OK)
        return icl_fail(batch->context, status,
                        "icl_predictor_prefixes: the predictor failed on %lld examples: %s",
                        (long long)t, icl_status_text(status));
    for (int64_t p = 0; p < batch->prompts; p++)
        w->answers[p * (batch->examples + 1) + t] = w->one[p];
    return ICL_OK;
}

static icl_status ask_each(prefix_walk *w) {
    const icl_batch *batch = w->batch;
    int64_t B = batch->prompts, d = batch->dim, n = batch->examples;
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(batch->context, &w->X, icl_product(B, n, d)), done);
    ICL_TRY_GOTO(ICL_NEW(batch->context, &w->y, icl_product(B, n, 1)), done);
    ICL_TRY_GOTO(ICL_NEW(batch->context, &w->query, icl_product(B, d, 1)), done);
    ICL_TRY_GOTO(ICL_NEW(batch->context, &w->one, B), done);
    for (int64_t t = 0; t <= n; t++)
        ICL_TRY_GOTO(ask(w, t), done);
done:
    icl_dealloc(batch->context, w->one);
    icl_dealloc(batch->context, w->query);
    icl_dealloc(batch->context, w->y);
    icl_dealloc(batch->context, w->X);
    return status;
}

static icl_status ask_at_once(const prefix_walk *w) {
    const icl_batch *batch = w->batch;
    for (int64_t i = 0; i < batch->prompts * (batch->examples + 1); i++)
        w->answers[i] = NAN;
    icl_status status = w->predictor->prefixes(w->predictor->self, batch, w->answers);
    if (status == ICL_OK)
        return ICL_OK;
    return icl_fail(batch->context, status, "icl_predictor_prefixes: the predictor failed: %s",
                    icl_status_text(status));
}

static icl_status check_finite(const prefix_walk *w) {
    int64_t length = w->batch->examples + 1, entries = w->batch->prompts * length, i = 0;
    if (icl_all_finite(w->answers, entries))
        return ICL_OK;
    while (isfinite(w->answers[i]))
        i++;
    return icl_fail(w->batch->context, ICL_ERR_CALLBACK,
                    "icl_predictor_prefixes: the predictor answered %g to prompt %lld after %lld "
                    "examples",
                    w->answers[i], (long long)(i / length), (long long)(i % length));
}

icl_status icl_predictor_prefixes(const icl_predictor *predictor, const icl_batch *batch,
                                  double *prediction) {
    if (batch == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_context *context = batch->context;
    ICL_REQUIRE_POINTER(context, predictor);
    ICL_REQUIRE_POINTER(context, prediction);
    ICL_REQUIRE(context, predictor->predict != NULL || predictor->prefixes != NULL,
                ICL_ERR_ARGUMENT, "%s: predictor->predict is NULL", __func__);
    ICL_REQUIRE(context, batch->contents & ICL_CONTENTS_EXAMPLES, ICL_ERR_MISSING,
                "%s: the batch holds no examples (ICL_CONTENTS_EXAMPLES)", __func__);
    int64_t entries = icl_product(batch->prompts, batch->examples + 1, 1);
    prefix_walk walk = {.predictor = predictor, .batch = batch};
    ICL_TRY(ICL_NEW(context, &walk.answers, entries));
    icl_status status = predictor->prefixes != NULL ? ask_at_once(&walk) : ask_each(&walk);
    if (status == ICL_OK)
        status = check_finite(&walk);
    if (status == ICL_OK)
        memcpy(prediction, walk.answers, (size_t)entries * sizeof *prediction);
    icl_dealloc(context, walk.answers);
    return status;
}
