/* Steps that solvers need for a given residual, against the condition number, on diagonal prompts.
 */
#ifndef EXAMPLES_SWEEP_H
#define EXAMPLES_SWEEP_H

#include "lab.h"

enum { SWEEP_KAPPAS = 8 }; /* as many as a batch does at once; the first is not fitted */

/* A prompt for each kappa (SWEEP_KAPPAS): x_i = sqrt(l_i) e_i, y_i = 1 / sqrt(l_i), i < d, with
 * l_i = kappa^(-i / (d - 1)), so that every direction has an equal part in X^T y. icl_batch_free
 * it. */
icl_batch *sweep_prompts(lab *l, int64_t d, const double *kappas);

/* Steps (SWEEP_KAPPAS) until the residual is at most epsilon of X^T y; NaN where it never is.
 * Newton's alpha is 1 / l_max^2 = 1, gradient descent's eta the best. They live until example_end.
 */
double *sweep_steps(lab *l, icl_method method, const icl_batch *batch, double epsilon);

/* What theory says of the slope of the steps (linear), or of log2 of them, against log2 kappa. */
typedef struct sweep_claim {
    const char *name, *label; /* of the JSON; of the method */
    int linear;
    double expected, tolerance;
} sweep_claim;

/* Judges it over kappas[1] <= kappa <= most, which needs three points, and draws the steps with the
 * fitted line, dashed. d: of the prompts. */
void sweep_judge(lab *l, const sweep_claim *claim, int64_t d, const double *kappas,
                 const double *steps, double most, plot_panel *panel);

#endif
