/* The predictor: anything that reads a prompt and answers its queries.
 *
 * Solvers, models and the caller's own code are compared through this one small interface.
 */
#ifndef ICL_PREDICT_H
#define ICL_PREDICT_H

#include <icl/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* predict: prediction[p q + j] = the answer to query j of prompt p (B x q, row-major).
 *
 * prefixes: prediction[p (n + 1) + t] = the answer to x_{t+1}, or to query 0 for t = n, given the first
 * t examples of prompt p (B x (n + 1)). NULL where there is no better way than to ask predict about
 * each prefix: see icl_predictor_prefixes.
 *
 * Both are called on the calling thread. Any status but ICL_OK ends the call that made it, with that
 * status. */
typedef struct icl_predictor {
    icl_status (*predict)(const void *self, const icl_batch *batch, double *prediction);
    const void *self; /* borrowed: must outlive the predictor's use */
    icl_status (*prefixes)(const void *self, const icl_batch *batch, double *prediction);
} icl_predictor;

/* prediction[p (n + 1) + t], t = 0..n (B x (n + 1)): the predictor's answer to x_{t+1} of prompt p after
 * its first t examples, for t = n to the batch's query 0. By the predictor's own `prefixes`, else by
 * n + 1 calls of predict on batches of t examples and one query, with the batch's contents, tasks
 * and noise levels; such a batch is in use at a time. The batch must hold examples, else
 * ICL_ERR_MISSING. An answer that is not finite is ICL_ERR_CALLBACK. */
ICL_API icl_status icl_predictor_prefixes(const icl_predictor *predictor, const icl_batch *batch,
                                          double *prediction);

/* A mean squared error and the standard error of that mean. */
typedef struct icl_estimate {
    double value;
    double standard_error;
} icl_estimate;

/* risks[k] = mean of (prediction - target)^2 of predictors[k] over prompts first..first + prompts
 * - 1 of the sampler, q queries each; the standard error is over prompts. All predictors see the
 * same prompts, so that differences between them have less noise than each. count >= 1,
 * prompts >= 2, queries >= 1. The targets count the query's own noise. */
ICL_API icl_status icl_predictor_risk(const icl_predictor *predictors, int64_t count,
                                      const icl_sampler *sampler, int64_t first, int64_t prompts,
                                      int64_t queries, icl_estimate *risks);

#ifdef __cplusplus
}
#endif
#endif
