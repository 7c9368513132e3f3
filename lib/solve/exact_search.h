/* Methods that search exactly along a direction: w_{k+1} = w_k + a_k p_k with
 *
 *     a_k = -g_k.p_k / p_k.A p_k,   g_k = A w_k - c.
 *
 * A method is a rule for p_k, from g_k, p_{k-1} and q_{k-1} = A p_{k-1}. The rules here do not
 * change where p and q grow by one factor, so they stand in for the step a p and the change of g, a
 * q.
 */
#ifndef ICL_SOLVE_EXACT_SEARCH_H
#define ICL_SOLVE_EXACT_SEARCH_H

#include "solve/solver.h"

typedef struct icl_search {
    int64_t d, done; /* searches so far: at 0 there is no p, and p_0 = -g_0 */
    double *p, *q;   /* d: the last direction and A p */
    double *memory;  /* of the rule */
    int64_t pairs;   /* LBFGS: (p, q) that the memory holds at most */
} icl_search;

enum { ICL_SEARCH_VECTORS = 4 };

/* Writes the direction for the gradient g to p. */
typedef void (*icl_direction_fn)(icl_search *search, const double *g);

/* Runs the prompt. Scratch: 4 d doubles, then the rule's memory. */
void icl_search_run(const icl_solver *solver, icl_prompt *prompt, icl_direction_fn direct);

#endif
