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

/* prediction[p q + j] = the answer to query j of prompt p (B x q, row-major). Called on the
 * calling thread. Any status but ICL_OK ends the call that made it, with that status. */
typedef struct icl_predictor {
    icl_status (*predict)(const void *self, const icl_batch *batch, double *prediction);
    const void *self; /* borrowed: must outlive the predictor's use */
} icl_predictor;

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
