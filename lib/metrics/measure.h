/* What the metrics share: checks of batches and of arrays at prefixes. */
#ifndef ICL_METRICS_MEASURE_H
#define ICL_METRICS_MEASURE_H

#include <icl/metrics.h>

#include "base/tally.h"
#include "task/batch.h"

/* Not NULL, and with its examples. */
icl_status icl_metric_check_batch(const char *function, const icl_batch *batch);

/* A finite array (B x (n + 1) x K x width), K from 1. */
icl_status icl_metric_check_series(const char *function, const char *name, const icl_batch *batch,
                                   int64_t K, int64_t width, const double *array);

/* The target of prefix t of prompt p. */
static inline double icl_metric_target(const icl_batch *batch, int64_t p, int64_t t) {
    return t < batch->examples ? batch->y[p * batch->examples + t]
                               : batch->target_rows[p * batch->queries];
}

/* Writes an estimate of each tally, or none where one is not finite: finite inputs whose squares
 * overflow. */
icl_status icl_metric_give(const char *function, const icl_context *context, int64_t count,
                           const icl_tally *tallies, icl_estimate *out);

#endif
