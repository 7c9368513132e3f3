/* One layer of linear attention over tokens (x_i, p_i, y_i) that know their position i: p_i has the
 * `positions` entries sin i, cos i, sin i/10, cos i/10; none for 0. A step of gradient descent with
 * a preconditioner A on such covariates, A random or trained:
 *
 *     yhat = (x_q, p_n)^T A (1/n) sum_i y_i (x_i, p_i).
 */
#ifndef EXAMPLES_POSITIONAL_H
#define EXAMPLES_POSITIONAL_H

#include "lab.h"

enum { POSITIONS = 4 };

typedef struct positional {
    lab *l;
    int64_t positions;
    icl_model *model;
} positional;

void positional_open(positional *m, lab *l, int64_t positions);
void positional_close(positional *m);

/* Adam on fresh prompts of the lab's law, which are none of its batch. */
void positional_train(positional *m, int64_t steps);

icl_predictor positional_predictor(const positional *m); /* borrows it */

/* The order sensitivity on the lab's batch in closed form: with u_i = (A^T (x_q, p_n)).(0, p_i) the
 * answer is a constant plus (1/n) sum_i u_i y_pi(i), whose variance over orders pi is sum (u_i -
 * mean u)^2 sum (y_i - mean y)^2 / (n^2 (n - 1)) (Hoeffding 1951). Over the root of E y_q^2. */
double positional_theory(const positional *m);

#endif
