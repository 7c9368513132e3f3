/* What an example that compares algorithms on prompts needs: a context, a law, a batch of its
 * prompts, and what a solver says of them. Every call ends the program where the library fails.
 *
 *     lab_open(&l, &e);
 *     lab_draw(&l, &law, 512, 1);
 *     double *exact = lab_predict(&l, &least_squares, NULL);
 *     lab_close(&l);
 */
#ifndef EXAMPLES_LAB_H
#define EXAMPLES_LAB_H

#include "example.h"

typedef struct lab {
    example *e;
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;      /* with its examples and tasks */
    icl_law_options drawn; /* those of the law */
} lab;

void lab_open(lab *l, example *e);
void lab_close(lab *l);
void lab_ok(lab *l, icl_status status);

/* The defaults with the sizes that the user gave. */
icl_law_options lab_law(lab *l);
/* The same with half the eigenvalues of the covariance kappa, the others 1, in a random basis. */
icl_law_options lab_ill_conditioned(lab *l, double kappa);
/* Sigma^-1 (d x d) of the prompts' law; it lives until example_end. */
double *lab_inverse_covariance(lab *l);
icl_solver_options lab_solver(lab *l, icl_method method);

/* New prompts of a law, in place of the former ones. */
void lab_draw(lab *l, const icl_law_options *law, int64_t prompts, int64_t queries);

/* Predictions (prompts x queries) of a solver, and its reports (prompts) where they are wanted;
 * they live until example_end. */
double *lab_predict(lab *l, const icl_solver_options *solver, icl_solver_report **reports);

/* One constant step for all prompts of the batch: the least of those that the method takes by
 * itself. */
double lab_common_step(lab *l, icl_method method);

#endif
