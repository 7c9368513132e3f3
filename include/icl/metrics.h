/* Metrics: numbers that say how alike two things are. */
#ifndef ICL_METRICS_H
#define ICL_METRICS_H

#include <icl/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* *distance = min over a of ||M - a I||_F / ||M||_F (Ahn et al. 2306.00297), reached at *scale = a =
 * tr M / d: 0 for a multiple of I and for M = 0, at most 1, the same for Q^T M Q with a rotation Q.
 * M (d x d); dim >= 1. scale may be NULL. Finite entries only. Thread-safe; the context is for the
 * text of a failure. */
ICL_API icl_status icl_metric_identity_distance(const icl_context *context, int64_t dim,
                                                const double *M, double *distance, double *scale);

#ifdef __cplusplus
}
#endif
#endif
