/* Deep linear attention on a given law mu of eigenvalues: risks are those of t = 1. */
#ifndef ICL_THEORY_DEEP_H
#define ICL_THEORY_DEEP_H

#include "theory/spectrum.h"

/* The best steps (layers, descending); those beyond the points that mu has are 0. */
icl_status icl_deep_best_steps(const icl_context *context, const icl_spectrum *mu, int64_t layers,
                               double *etas);

/* The best step common to all loops; 0 where mu has no points. */
double icl_deep_best_common_step(const icl_spectrum *mu, int64_t loops);

/* int prod_l (1 - etas[l] s)^2 dmu, with its standard error where mu is simulated. */
icl_estimate icl_deep_risk(const icl_spectrum *mu, int64_t layers, const double *etas);

#endif
