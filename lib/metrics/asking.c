/* What a predictor does, found by asking it: about other orders of its examples, about its own
 * examples, about points in all directions. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "metrics/measure.h"
#include "random/streams.h"
#include "task/law.h"

/* The answers (B x q) of the predictor to a batch of one's own making. */
static icl_status ask(const char *function, const icl_predictor *predictor, const icl_batch *batch,
                      double *answers) {
    int64_t entries = batch->prompts * batch->queries;
    for (int64_t i = 0; i < entries; i++)
        answers[i] = NAN; /* an answer that is not given shows */
    icl_status status = predictor->predict(predictor->self, batch, answers);
    if (status != ICL_OK)
        return icl_fail(batch->context, status, "%s: the predictor failed: %s", function,
                        icl_status_text(status));
    for (int64_t i = 0; i < entries; i++)
        ICL_REQUIRE(batch->context, isfinite(answers[i]), ICL_ERR_CALLBACK,
                    "%s: the predictor answered %g to query %lld of prompt %lld", function,
                    answers[i], (long long)(i % batch->queries), (long long)(i / batch->queries));
    return ICL_OK;
}

static icl_status check_predictor(const char *function, const icl_predictor *predictor,
                                  const icl_batch *batch) {
    ICL_TRY(icl_metric_check_batch(function, batch));
    ICL_REQUIRE(batch->context, predictor != NULL && predictor->predict != NULL, ICL_ERR_ARGUMENT,
                "%s: predictor or its predict is NULL", function);
    return ICL_OK;
}

/* ---- order ---- */

typedef struct shuffling {
    const icl_batch *batch;
    double *X, *y, *query, *u, *answers; /* B x n x d, B x n, B x d, n, B */
    int64_t *order;                      /* n */
} shuffling;

/* A random order of each prompt's examples (Fisher and Yates), its number `round` of stream p. */
static void shuffle(const shuffling *s, uint64_t seed, int64_t round) {
    const icl_batch *batch = s->batch;
    int64_t d = batch->dim, n = batch->examples;
    for (int64_t p = 0; p < batch->prompts; p++) {
        icl_random_fill(batch->context, seed, ICL_PURPOSE_FLAT, (uint64_t)p, round * n, n, 0, s->u);
        for (int64_t i = 0; i < n; i++) {
            int64_t j = (int64_t)(s->u[i] * (double)(i + 1));
            s->order[i] = s->order[j];
            s->order[j] = i;
        }
        for (int64_t i = 0; i < n; i++) {
            int64_t from = p * n + s->order[i], to = p * n + i;
            memcpy(s->X + to * d, batch->X + from * d, (size_t)d * sizeof(double));
            s->y[to] = batch->y[from];
        }
    }
}

static icl_status ask_in_orders(const char *function, const icl_predictor *predictor,
                                const shuffling *s, int64_t permutations, uint64_t seed,
                                icl_tally *tallies) {
    const icl_batch *batch = s->batch;
    for (int64_t r = 0; r < permutations; r++) {
        icl_batch *shuffled;
        shuffle(s, seed, r);
        ICL_TRY(icl_batch_like(batch, batch->examples, 1, s->X, s->y, s->query, &shuffled));
        icl_status status = ask(function, predictor, shuffled, s->answers);
        icl_batch_free(shuffled);
        ICL_TRY(status);
        for (int64_t p = 0; p < batch->prompts; p++)
            icl_tally_add(&tallies[p], s->answers[p]);
    }
    return ICL_OK;
}

static icl_status make_shuffling(const icl_batch *batch, shuffling *s) {
    int64_t B = batch->prompts, n = batch->examples, d = batch->dim;
    *s = (shuffling){.batch = batch};
    ICL_TRY(ICL_NEW(batch->context, &s->X, icl_product(B, n, d)));
    ICL_TRY(ICL_NEW(batch->context, &s->y, icl_product(B, n, 1)));
    ICL_TRY(ICL_NEW(batch->context, &s->query, icl_product(B, d, 1)));
    ICL_TRY(ICL_NEW(batch->context, &s->u, n));
    ICL_TRY(ICL_NEW(batch->context, &s->answers, B));
    ICL_TRY(ICL_NEW(batch->context, &s->order, n));
    for (int64_t p = 0; p < B; p++)
        memcpy(s->query + p * d, batch->query_rows + p * batch->queries * d,
               (size_t)d * sizeof(double));
    return ICL_OK;
}

static void drop_shuffling(shuffling *s) {
    const icl_context *context = s->batch->context;
    icl_dealloc(context, s->X);
    icl_dealloc(context, s->y);
    icl_dealloc(context, s->query);
    icl_dealloc(context, s->u);
    icl_dealloc(context, s->answers);
    icl_dealloc(context, s->order);
}

static double label_power(const icl_batch *batch) {
    double sum = 0;
    for (int64_t p = 0; p < batch->prompts; p++)
        sum += pow(batch->target_rows[p * batch->queries], 2);
    return sum / (double)batch->prompts;
}

icl_status icl_metric_order_sensitivity(const icl_predictor *predictor, const icl_batch *batch,
                                        int64_t permutations, uint64_t seed,
                                        icl_estimate *sensitivity) {
    ICL_TRY(check_predictor(__func__, predictor, batch));
    const icl_context *context = batch->context;
    ICL_CHECK_RANGE(context, permutations, 2, 65536);
    ICL_TRY(icl_check_seed(context, __func__, "seed", seed));
    ICL_REQUIRE_POINTER(context, sensitivity);
    double size = sqrt(label_power(batch));
    ICL_REQUIRE(context, size > 0, ICL_ERR_ARGUMENT, "%s: all targets of the batch are 0",
                __func__);
    shuffling s;
    icl_tally *tallies = NULL, all = {0, 0, 0};
    icl_status status;
    ICL_TRY_GOTO(make_shuffling(batch, &s), done);
    ICL_TRY_GOTO(ICL_NEW(context, &tallies, batch->prompts), done);
    ICL_TRY_GOTO(ask_in_orders(__func__, predictor, &s, permutations, seed, tallies), done);
    for (int64_t p = 0; p < batch->prompts; p++)
        icl_tally_add(&all, sqrt(icl_tally_variance(&tallies[p])) / size);
    status = icl_metric_give(__func__, context, 1, &all, sensitivity);
done:
    icl_dealloc(context, tallies);
    drop_shuffling(&s);
    return status;
}

/* ---- forgetting ---- */

icl_status icl_metric_forgetting(const icl_predictor *predictor, const icl_batch *batch,
                                 icl_estimate *forgetting) {
    ICL_TRY(check_predictor(__func__, predictor, batch));
    const icl_context *context = batch->context;
    int64_t B = batch->prompts, n = batch->examples;
    ICL_CHECK_RANGE(context, n, 1, 65536);
    ICL_REQUIRE_POINTER(context, forgetting);
    icl_batch *own = NULL;
    double *answers = NULL;
    icl_tally *tallies = NULL;
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &tallies, n), done);
    ICL_TRY_GOTO(icl_batch_like(batch, n, n, batch->X, batch->y, batch->X, &own), done);
    ICL_TRY_GOTO(ICL_NEW(context, &answers, B * n), done);
    ICL_TRY_GOTO(ask(__func__, predictor, own, answers), done);
    for (int64_t i = 0; i < B * n; i++)
        icl_tally_add(&tallies[i % n], pow(answers[i] - batch->y[i], 2));
    status = icl_metric_give(__func__, context, n, tallies, forgetting);
done:
    icl_dealloc(context, tallies);
    icl_dealloc(context, answers);
    icl_batch_free(own);
    return status;
}

/* ---- induced weights ---- */

typedef struct fitting {
    const icl_batch *batch;
    int64_t t, queries;
    double *X, *y, *points, *answers; /* B x t x d, B x t, B x queries x d, B x queries */
    double *w, *residual;             /* B x d, B */
    double *scratch;
    int64_t doubles;
} fitting;

static icl_status make_fitting(const icl_batch *batch, int64_t t, int64_t queries, fitting *f) {
    int64_t B = batch->prompts, d = batch->dim;
    *f = (fitting){.batch = batch, .t = t, .queries = queries};
    f->doubles = icl_least_squares_scratch(queries, d);
    ICL_REQUIRE(
        batch->context, f->doubles >= 0, ICL_ERR_SIZE,
        "icl_metric_induced_weights: queries = %lld and dim = %lld are too large for LAPACK",
        (long long)queries, (long long)d);
    ICL_TRY(ICL_NEW(batch->context, &f->X, icl_product(B, t, d)));
    ICL_TRY(ICL_NEW(batch->context, &f->y, icl_product(B, t, 1)));
    ICL_TRY(ICL_NEW(batch->context, &f->points, icl_product(B, queries, d)));
    ICL_TRY(ICL_NEW(batch->context, &f->answers, icl_product(B, queries, 1)));
    ICL_TRY(ICL_NEW(batch->context, &f->w, icl_product(B, d + 1, 1)));
    f->residual = f->w + B * d;
    return ICL_NEW(batch->context, &f->scratch, f->doubles + d);
}

static void drop_fitting(fitting *f) {
    const icl_context *context = f->batch->context;
    icl_dealloc(context, f->X);
    icl_dealloc(context, f->y);
    icl_dealloc(context, f->points);
    icl_dealloc(context, f->answers);
    icl_dealloc(context, f->w);
    icl_dealloc(context, f->scratch);
}

static void set_points(fitting *f, const icl_law *law, uint64_t seed) {
    const icl_batch *batch = f->batch;
    int64_t d = batch->dim, n = batch->examples, t = f->t;
    double *z = f->scratch;
    for (int64_t p = 0; p < batch->prompts; p++) {
        if (t > 0) {
            memcpy(f->X + p * t * d, batch->X + p * n * d, (size_t)(t * d) * sizeof *z);
            memcpy(f->y + p * t, batch->y + p * n, (size_t)t * sizeof *z);
        }
        for (int64_t i = 0; i < f->queries; i++) {
            icl_random_fill(batch->context, seed, ICL_PURPOSE_FLAT, (uint64_t)p, i * d, d, 1, z);
            icl_root_apply(&law->root, d, z, f->points + (p * f->queries + i) * d);
        }
    }
}

/* In units of the greatest answer, whose square may overflow. */
static icl_status fit(const fitting *f, int64_t p) {
    int64_t d = f->batch->dim, T = f->queries;
    const double *points = f->points + p * T * d;
    double *answers = f->answers + p * T, *w = f->w + p * d, most = 0, off = 0, all = 0;
    for (int64_t i = 0; i < T; i++)
        most = fmax(most, fabs(answers[i]));
    for (int64_t i = 0; i < T && most > 0; i++)
        answers[i] /= most;
    ICL_TRY(icl_least_squares_with(T, d, points, answers, -1, w, NULL, f->scratch, f->doubles));
    for (int64_t i = 0; i < T; i++) {
        off += pow(answers[i] - icl_frobenius(d, points + i * d, w), 2);
        all += answers[i] * answers[i];
    }
    f->residual[p] = all > 0 ? sqrt(off / all) : 0;
    for (int64_t j = 0; j < d; j++)
        w[j] *= most;
    return icl_all_finite(w, d) && isfinite(f->residual[p]) ? ICL_OK : ICL_ERR_DIVERGED;
}

icl_status icl_metric_induced_weights(const icl_predictor *predictor, const icl_batch *batch,
                                      int64_t t, const icl_law *law, int64_t queries, uint64_t seed,
                                      double *w, double *residual) {
    ICL_TRY(check_predictor(__func__, predictor, batch));
    const icl_context *context = batch->context;
    int64_t d = batch->dim;
    ICL_CHECK_RANGE(context, t, 0, batch->examples);
    ICL_REQUIRE_POINTER(context, law);
    ICL_REQUIRE(context, law->dim == d, ICL_ERR_SHAPE, "%s: the law has dim %lld, the batch %lld",
                __func__, (long long)law->dim, (long long)d);
    ICL_CHECK_RANGE(context, queries, d, 65536);
    ICL_TRY(icl_check_seed(context, __func__, "seed", seed));
    ICL_REQUIRE_POINTER(context, w);
    fitting f;
    icl_batch *asked = NULL;
    icl_status status;
    ICL_TRY_GOTO(make_fitting(batch, t, queries, &f), done);
    set_points(&f, law, seed);
    ICL_TRY_GOTO(icl_batch_like(batch, t, queries, f.X, f.y, f.points, &asked), done);
    ICL_TRY_GOTO(ask(__func__, predictor, asked, f.answers), done);
    for (int64_t p = 0; p < batch->prompts; p++) {
        status = fit(&f, p);
        if (status != ICL_OK) {
            status =
                icl_fail(context, status, "%s: no fit for prompt %lld", __func__, (long long)p);
            goto done;
        }
    }
    memcpy(w, f.w, (size_t)(batch->prompts * d) * sizeof *w);
    if (residual != NULL)
        memcpy(residual, f.residual, (size_t)batch->prompts * sizeof *residual);
done:
    icl_batch_free(asked);
    drop_fitting(&f);
    return status;
}

/* ---- spans ---- */

/* What is left of w outside the rows' right singular vectors, over all of it. */
static double outside(int64_t rank, int64_t d, const double *vt, const double *w, double *rest) {
    double most = 0;
    for (int64_t j = 0; j < d; j++)
        most = fmax(most, fabs(w[j]));
    if (most == 0)
        return 0;
    for (int64_t j = 0; j < d; j++)
        rest[j] = w[j] / most; /* no square overflows */
    double size = icl_frobenius(d, rest, rest);
    for (int64_t k = 0; k < rank; k++) {
        double along = icl_frobenius(d, vt + k * d, rest);
        for (int64_t j = 0; j < d; j++)
            rest[j] -= along * vt[k * d + j];
    }
    return sqrt(icl_frobenius(d, rest, rest) / size);
}

icl_status icl_metric_span_residual(const icl_batch *batch, int64_t t, const double *w,
                                    double *residual) {
    ICL_TRY(icl_metric_check_batch(__func__, batch));
    const icl_context *context = batch->context;
    int64_t d = batch->dim, n = batch->examples, k = t < d ? t : d;
    ICL_CHECK_RANGE(context, t, 0, n);
    ICL_CHECK_ARRAY(context, w, batch->prompts * d);
    ICL_REQUIRE_POINTER(context, residual);
    double *room;
    ICL_TRY(ICL_NEW(context, &room, k * (1 + t + d) + d + batch->prompts));
    double *s = room, *u = s + k, *vt = u + t * k, *rest = vt + k * d, *found = rest + d;
    icl_status status = ICL_OK;
    for (int64_t p = 0; p < batch->prompts && status == ICL_OK; p++) {
        int64_t rank = 0;
        if (t > 0)
            status = icl_svd(context, t, d, batch->X + p * n * d, s, u, vt);
        while (status == ICL_OK && rank < k &&
               s[rank] > (double)(t > d ? t : d) * DBL_EPSILON * s[0])
            rank++;
        if (status == ICL_OK)
            found[p] = outside(rank, d, vt, w + p * d, rest);
    }
    if (status == ICL_OK)
        memcpy(residual, found, (size_t)batch->prompts * sizeof *residual);
    icl_dealloc(context, room);
    return status;
}
