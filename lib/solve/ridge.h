/* What RIDGE knows of its penalty. */
#ifndef ICL_SOLVE_RIDGE_H
#define ICL_SOLVE_RIDGE_H

#include "solve/solver.h"

/* 1 for the rules that estimate sigma^2 from the examples. */
int icl_ridge_estimates(const icl_solver *solver);

/* lambda by the solver's rule, from the prompt's own sigma^2 and the estimate. */
double icl_ridge_penalty(const icl_solver *solver, double noise, double estimate);

#endif
