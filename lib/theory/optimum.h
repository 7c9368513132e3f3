/* The residual of Gamma*, for certificates too. */
#ifndef ICL_THEORY_OPTIMUM_H
#define ICL_THEORY_OPTIMUM_H

#include "theory/frame.h"

/* ||Sigma Gamma* C - K||_F / ||K||_F of the full-rank Gamma*; 0 if K = 0. */
icl_status icl_optimum_residual(const icl_law *law, const icl_frame *frame, double *residual);

#endif
