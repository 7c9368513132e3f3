/* Standard errors of risks where the moments of the labels are simulated. */
#ifndef ICL_THEORY_GAMMA_RISK_H
#define ICL_THEORY_GAMMA_RISK_H

#include "theory/quartic.h"

/* *error: of the risk of the odd predictor G (d x d, in the frame), and of the even part of
 * `point` unless NULL; 0 where nothing is simulated. By linearity in the means this is exact, and
 * at a minimum it is the first-order error of the minimum. gamma_error (d) or NULL: standard errors
 * of k_j / c_j, given gamma = k / c. */
icl_status icl_gamma_error(const icl_law *law, const icl_simulation *simulation,
                           const icl_frame *frame, const double *G, const icl_quartic *point,
                           const double *gamma, double *error, double *gamma_error);

#endif
