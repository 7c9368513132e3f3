/* One layer fitted to prompts whose tasks come from a finite pool (Lu et al. 2405.11751), beside
 * the Bayes predictors of the pool (dMMSE) and of fresh tasks (ridge).
 *
 * x ~ N(0, I / d), tasks on the sphere of radius sqrt(d), noise rho. A case c = 0, 1, ... has its
 * own pool and prompts: all of a run are independent. Memory lives until example_end.
 */
#ifndef EXAMPLES_DIVERSITY_H
#define EXAMPLES_DIVERSITY_H

#include "lab.h"

typedef struct diversity {
    lab *l;
    double alpha, kappa, rho, ridge; /* ratios as the sizes below have them; lambda of the fit */
    int64_t context, tasks;          /* examples a prompt, tasks in the pool */
    int64_t repeats;                 /* cases that are averaged */
    icl_law *fresh;                  /* tasks from the whole sphere */
} diversity;

/* Rounds alpha d and kappa d to whole numbers, at least 1. */
void diversity_open(diversity *s, lab *l);
void diversity_close(diversity *s);

/* Means over the repeats, with standard errors (NaN for one repeat). */
typedef struct diversity_errors {
    icl_estimate icl, idg; /* on fresh tasks, on those of the pool */
    icl_estimate gap;      /* icl - idg */
} diversity_errors;

/* Of the layer fitted to so many prompts, from its closed-form risk; cases first, first + 1, ... */
diversity_errors diversity_fit(diversity *s, int64_t prompts, int64_t first);

/* Of dMMSE (POOL) or RIDGE with lambda = rho, on `prompts` prompts of both kinds a repeat. */
diversity_errors diversity_solver(diversity *s, icl_method method, int64_t prompts, int64_t first);

/* The limit of many covariates at a number of prompts tau d^2 (no whole number needed). */
icl_asymptotic diversity_theory(diversity *s, double tau);

#endif
