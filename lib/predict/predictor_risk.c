/* The mean squared error of predictors over the prompts of a sampler, with its standard error.
 *
 * Prompts come in chunks, whose length never shows in the result: each predictor's errors are
 * added prompt by prompt.
 */
#include <math.h>

#include <icl/predict.h>

#include "base/tally.h"
#include "task/law.h"

enum { CHUNK = 1024, CHUNK_NUMBERS = 1 << 22 };

typedef struct risk_run {
    const icl_context *context;
    const icl_predictor *predictors;
    int64_t count, queries;
    const icl_sampler *sampler;
    double *prediction; /* chunk x q */
    icl_tally *sums;    /* count */
} risk_run;

static icl_status check_finite(const risk_run *run, int64_t predictor, int64_t first,
                               int64_t entries) {
    if (icl_all_finite(run->prediction, entries))
        return ICL_OK;
    int64_t i = 0;
    while (isfinite(run->prediction[i]))
        i++;
    return icl_fail(run->context, ICL_ERR_CALLBACK,
                    "icl_predictor_risk: predictors[%lld] answered %g to query %lld of prompt %lld",
                    (long long)predictor, run->prediction[i], (long long)(i % run->queries),
                    (long long)(first + i / run->queries));
}

static icl_status judge(const risk_run *run, int64_t predictor, int64_t first,
                        const icl_batch *batch) {
    const icl_predictor *p = &run->predictors[predictor];
    int64_t B = icl_batch_prompts(batch), q = run->queries;
    const double *target = icl_batch_target(batch);
    for (int64_t i = 0; i < B * q; i++) /* an answer that is not given shows */
        run->prediction[i] = NAN;
    icl_status status = p->predict(p->self, batch, run->prediction);
    if (status != ICL_OK)
        return icl_fail(run->context, status, "icl_predictor_risk: predictors[%lld] failed: %s",
                        (long long)predictor, icl_status_text(status));
    ICL_TRY(check_finite(run, predictor, first, B * q));
    for (int64_t i = 0; i < B; i++) {
        double sum = 0;
        for (int64_t j = 0; j < q; j++) {
            double error = run->prediction[i * q + j] - target[i * q + j];
            sum += error * error;
        }
        icl_tally_add(&run->sums[predictor], sum / (double)q);
    }
    return ICL_OK;
}

/* Finite answers may have errors whose squares are not. */
static icl_status check_sums(const risk_run *run) {
    for (int64_t k = 0; k < run->count; k++)
        ICL_REQUIRE(run->context, isfinite(run->sums[k].mean) && isfinite(run->sums[k].squares),
                    ICL_ERR_CALLBACK,
                    "icl_predictor_risk: the squared errors of predictors[%lld] overflow",
                    (long long)k);
    return ICL_OK;
}

/* Prompts first..end-1 in batches of one length; end - first is a multiple of it. */
static icl_status run_chunks(const risk_run *run, int64_t first, int64_t end, int64_t chunk) {
    if (first == end)
        return ICL_OK;
    icl_batch *batch;
    icl_status status =
        icl_sampler_batch(run->sampler, chunk, run->queries, ICL_CONTENTS_ALL, &batch);
    for (; status == ICL_OK && first < end; first += chunk) {
        status = icl_sampler_draw(run->sampler, first, batch);
        for (int64_t k = 0; status == ICL_OK && k < run->count; k++)
            status = judge(run, k, first, batch);
    }
    icl_batch_free(batch);
    return status;
}

/* 1024 prompts, or as many as hold some 4 million numbers. */
static int64_t chunk_length(const icl_law *law, int64_t prompts, int64_t queries) {
    int64_t numbers = icl_product(law->dim, law->examples + queries + 2 * law->dim, 1);
    int64_t chunk = numbers > CHUNK_NUMBERS / CHUNK ? CHUNK_NUMBERS / numbers + 1 : CHUNK;
    return chunk < prompts ? chunk : prompts;
}

icl_status icl_predictor_risk(const icl_predictor *predictors, int64_t count,
                              const icl_sampler *sampler, int64_t first, int64_t prompts,
                              int64_t queries, icl_estimate *risks) {
    const icl_law *law = icl_sampler_law(sampler);
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_context *context = law->context;
    const int64_t last = INT64_C(1) << 62;
    ICL_REQUIRE_POINTER(context, predictors);
    ICL_CHECK_RANGE(context, count, 1, INT64_MAX);
    ICL_CHECK_RANGE(context, prompts, 2, last);
    ICL_CHECK_RANGE(context, first, 0, last - prompts);
    ICL_CHECK_RANGE(context, queries, 1, 65536);
    ICL_REQUIRE_POINTER(context, risks);
    for (int64_t k = 0; k < count; k++)
        ICL_REQUIRE(context, predictors[k].predict != NULL, ICL_ERR_ARGUMENT,
                    "%s: predictors[%lld].predict is NULL", __func__, (long long)k);
    int64_t chunk = chunk_length(law, prompts, queries), whole = prompts - prompts % chunk;
    risk_run run = {.context = context,
                    .predictors = predictors,
                    .count = count,
                    .queries = queries,
                    .sampler = sampler};
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &run.prediction, chunk * queries), done);
    ICL_TRY_GOTO(ICL_NEW(context, &run.sums, count), done);
    ICL_TRY_GOTO(run_chunks(&run, first, first + whole, chunk), done);
    ICL_TRY_GOTO(run_chunks(&run, first + whole, first + prompts, prompts - whole), done);
    ICL_TRY_GOTO(check_sums(&run), done);
    for (int64_t k = 0; k < count; k++) {
        risks[k].value = run.sums[k].mean;
        risks[k].standard_error = icl_tally_error(&run.sums[k]);
    }
done:
    icl_dealloc(context, run.sums);
    icl_dealloc(context, run.prediction);
    return status;
}
