/* Steps that solvers need for a given residual, against the condition number, on diagonal prompts.
 */
#ifndef EXAMPLES_SWEEP_H
#define EXAMPLES_SWEEP_H

#include "lab.h"

enum { SWEEP_KAPPAS = 8 }; /* as many as a batch does at once */

/* A prompt for each kappa (SWEEP_KAPPAS): x_i = sqrt(l_i) e_i, y_i = 1 / sqrt(l_i), i < d, with
 * l_i = kappa^(-i / (d - 1)), so that every direction has an equal part in X^T y. icl_batch_free
 * it. */
icl_batch *sweep_prompts(lab *l, int64_t d, const double *kappas);

/* Steps (SWEEP_KAPPAS) until the residual is at most epsilon of X^T y; NaN where it never is.
 * Newton's alpha is 1 / l_max^2 = 1, gradient descent's eta the best. They live until example_end.
 */
double *sweep_steps(lab *l, icl_method method, const icl_batch *batch, double epsilon);

/* Judges the slope of the steps (expected = 2), or of log2 of them, against log2 kappa over 10 <=
 * kappa <= most; shown only where these are fewer than three. */
void sweep_judge(lab *l, const char *name, const double *kappas, const double *steps, double most,
                 double expected, double tolerance);

#endif
