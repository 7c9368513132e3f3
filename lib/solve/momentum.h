/* The methods that remember one step: with g(w) = A w - c and delta_k = w_k - w_{k-1}, delta_0 = 0,
 *
 *     delta_{k+1} = keep delta_k - gain g(w_k + ahead delta_k),   w_{k+1} = w_k + delta_{k+1}.
 */
#ifndef ICL_SOLVE_MOMENTUM_H
#define ICL_SOLVE_MOMENTUM_H

#include "solve/solver.h"

typedef struct icl_momentum {
    double step;               /* eta, for the report; 0 where there is none */
    double keep, gain, ahead;  /* of the step to come */
    double p, centre, radius2; /* CHEBYSHEV: p_k, (u + l) / 2, ((u - l) / 2)^2 */
} icl_momentum;

/* For eigenvalues between least and greatest, where the solver's options leave that open; for 0 and
 * 0, where nothing can move, only the step is set. */
void icl_momentum_begin(const icl_solver *solver, double least, double greatest, icl_momentum *m);
/* From the coefficients of one step to those of the next. */
void icl_momentum_next(icl_momentum *m);

#endif
