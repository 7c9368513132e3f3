/* Cosines of errors and of weights (Fu et al. 2310.17086), prompt by prompt: chunks of prompts are
 * measured in parallel and tallied in their order. */
#include <math.h>
#include <string.h>

#include "base/scratch.h"
#include "linalg/linalg.h"
#include "metrics/measure.h"

enum { CHUNK = 64 };

typedef struct comparison {
    const char *function;
    const icl_batch *batch;
    int64_t K_a, K_b, first;
    int64_t width; /* d of weights; 0: errors */
    const double *a, *b;
    int64_t start;   /* first prompt of the chunk */
    double *cosines; /* CHUNK x K_a x K_b */
    icl_scratch *scratch;
} comparison;

static int64_t times(const comparison *c) {
    return c->batch->examples + 1 - c->first;
}

/* Of length 1, or 0; 1 if it is 0. */
static int normalise(int64_t count, double *x) {
    double most = 0, sum = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(x[i]));
    for (int64_t i = 0; i < count && most > 0; i++)
        sum += x[i] / most * (x[i] / most);
    for (int64_t i = 0; i < count && most > 0; i++)
        x[i] = x[i] / most / sqrt(sum);
    return most == 0;
}

/* Errors over t as rows (K x T), each of length 1; zero[k] where row k has none. */
static void error_rows(const comparison *c, int64_t prompt, int64_t K, const double *series,
                       double *rows, double *zero) {
    int64_t T = times(c), n = c->batch->examples;
    for (int64_t k = 0; k < K; k++) {
        for (int64_t t = c->first; t <= n; t++)
            rows[k * T + t - c->first] =
                series[(prompt * (n + 1) + t) * K + k] - icl_metric_target(c->batch, prompt, t);
        zero[k] = normalise(T, rows + k * T);
    }
}

/* Weights at time t as rows (K x d), each of length 1. */
static void weight_rows(const comparison *c, int64_t prompt, int64_t t, int64_t K,
                        const double *series, double *rows, double *zero) {
    int64_t d = c->width, n = c->batch->examples;
    memcpy(rows, series + (prompt * (n + 1) + t) * K * d, (size_t)(K * d) * sizeof *rows);
    for (int64_t k = 0; k < K; k++)
        zero[k] = normalise(d, rows + k * d);
}

/* out += scale cos, with cos(0, 0) = 1. */
static void add_cosines(const comparison *c, int64_t length, const double *rows_a,
                        const double *zero_a, const double *rows_b, const double *zero_b,
                        double scale, double *out) {
    for (int64_t i = 0; i < c->K_a; i++)
        for (int64_t j = 0; j < c->K_b; j++) {
            double sum = icl_frobenius(length, rows_a + i * length, rows_b + j * length);
            out[i * c->K_b + j] += scale * (zero_a[i] * zero_b[j] > 0 ? 1 : sum);
        }
}

/* Doubles of a slot: rows and flags of a and b. */
static int64_t slot_size(const comparison *c) {
    return icl_product(c->K_a + c->K_b, (c->width > 0 ? c->width : times(c)) + 1, 1);
}

static icl_status measure_prompt(void *user, int64_t index) {
    const comparison *c = user;
    int64_t prompt = c->start + index, T = times(c), errors = c->width == 0;
    int64_t length = errors ? T : c->width;
    double *slot = icl_scratch_take(c->scratch), *rows_b = slot + c->K_a * length;
    double *zero_a = rows_b + c->K_b * length, *zero_b = zero_a + c->K_a;
    double *out = c->cosines + index * c->K_a * c->K_b;
    memset(out, 0, (size_t)(c->K_a * c->K_b) * sizeof *out);
    if (errors) {
        error_rows(c, prompt, c->K_a, c->a, slot, zero_a);
        error_rows(c, prompt, c->K_b, c->b, rows_b, zero_b);
        add_cosines(c, length, slot, zero_a, rows_b, zero_b, 1, out);
    }
    for (int64_t t = c->first; !errors && t <= c->batch->examples; t++) {
        weight_rows(c, prompt, t, c->K_a, c->a, slot, zero_a);
        weight_rows(c, prompt, t, c->K_b, c->b, rows_b, zero_b);
        add_cosines(c, length, slot, zero_a, rows_b, zero_b, 1 / (double)T, out);
    }
    icl_scratch_give(c->scratch, slot);
    return ICL_OK;
}

static void tally_chunk(const comparison *c, int64_t prompts, icl_tally *tallies) {
    int64_t entries = c->K_a * c->K_b;
    for (int64_t p = 0; p < prompts; p++)
        for (int64_t e = 0; e < entries; e++)
            icl_tally_add(&tallies[e], c->cosines[p * entries + e]);
}

static icl_status compare(comparison *c, icl_estimate *similarity) {
    const icl_context *context = c->batch->context;
    int64_t entries = icl_product(c->K_a, c->K_b, 1), B = c->batch->prompts;
    icl_tally *tallies = NULL;
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &tallies, entries), done);
    ICL_TRY_GOTO(ICL_NEW(context, &c->cosines, icl_product(B < CHUNK ? B : CHUNK, entries, 1)),
                 done);
    ICL_TRY_GOTO(icl_scratch_create(context, slot_size(c), &c->scratch), done);
    for (c->start = 0; c->start < B; c->start += CHUNK) {
        int64_t prompts = B - c->start < CHUNK ? B - c->start : CHUNK;
        ICL_TRY_GOTO(icl_parallel(context, prompts, measure_prompt, c), done);
        tally_chunk(c, prompts, tallies);
    }
    status = icl_metric_give(c->function, context, entries, tallies, similarity);
done:
    icl_scratch_free(context, c->scratch);
    icl_dealloc(context, c->cosines);
    icl_dealloc(context, tallies);
    return status;
}

icl_status icl_metric_error_similarity(const icl_batch *batch, int64_t K_a, const double *a,
                                       int64_t K_b, const double *b, int64_t first,
                                       icl_estimate *similarity) {
    ICL_TRY(icl_metric_check_batch(__func__, batch));
    ICL_TRY(icl_metric_check_series(__func__, "a", batch, K_a, 1, a));
    ICL_TRY(icl_metric_check_series(__func__, "b", batch, K_b, 1, b));
    ICL_CHECK_RANGE(batch->context, first, 0, batch->examples);
    ICL_REQUIRE_POINTER(batch->context, similarity);
    comparison c = {.function = __func__,
                    .batch = batch,
                    .K_a = K_a,
                    .K_b = K_b,
                    .first = first,
                    .a = a,
                    .b = b};
    return compare(&c, similarity);
}

icl_status icl_metric_weight_similarity(const icl_batch *batch, int64_t K_v, const double *v,
                                        int64_t K_w, const double *w, int64_t first,
                                        icl_estimate *similarity) {
    if (batch == NULL)
        return ICL_ERR_ARGUMENT;
    int64_t d = batch->dim;
    ICL_TRY(icl_metric_check_series(__func__, "v", batch, K_v, d, v));
    ICL_TRY(icl_metric_check_series(__func__, "w", batch, K_w, d, w));
    ICL_CHECK_RANGE(batch->context, first, 0, batch->examples);
    ICL_REQUIRE_POINTER(batch->context, similarity);
    comparison c = {.function = __func__,
                    .batch = batch,
                    .K_a = K_v,
                    .K_b = K_w,
                    .first = first,
                    .width = d,
                    .a = v,
                    .b = w};
    return compare(&c, similarity);
}

icl_status icl_metric_best_match(const icl_context *context, int64_t rows, int64_t cols,
                                 const icl_estimate *similarity, int64_t *match) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(context, rows, 1, INT64_C(1) << 31);
    ICL_CHECK_RANGE(context, cols, 1, INT64_C(1) << 31);
    ICL_REQUIRE_POINTER(context, similarity);
    ICL_REQUIRE_POINTER(context, match);
    int64_t entries = icl_product(rows, cols, 1);
    for (int64_t e = 0; e < entries; e++)
        ICL_REQUIRE(context, isfinite(similarity[e].value), ICL_ERR_NONFINITE,
                    "%s: similarity[%lld].value = %g", __func__, (long long)e, similarity[e].value);
    for (int64_t i = 0; i < rows; i++) {
        match[i] = 0;
        for (int64_t j = 1; j < cols; j++)
            if (similarity[i * cols + j].value > similarity[i * cols + match[i]].value)
                match[i] = j;
    }
    return ICL_OK;
}
