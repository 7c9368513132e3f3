/* An optimiser from the inside: one flat block of doubles, a few integers, scratch.
 *
 * A checkpoint must hold `counters` and the state_count doubles of `state`; all else follows from
 * the options and the parameter count. Layout of state, n parameters, h = history:
 *
 *   GD, SGD without momentum   nothing
 *   SGD                        m (n)
 *   ADAM, ADAMW                m (n), v (n)
 *   LBFGS                      see lbfgs.c
 */
#ifndef ICL_OPTIM_OPTIMISER_H
#define ICL_OPTIM_OPTIMISER_H

#include <icl/optim.h>

#include "base/context.h"

typedef struct icl_optimiser_counters {
    int64_t steps;    /* done */
    int64_t known;    /* LBFGS: 1 if the state holds the point of the last step, */
    int64_t pairs;    /* pairs held, */
    int64_t newest;   /* slot of the newest one, */
    int64_t waiting;  /* steps in this window at the floor of the value, */
    int64_t stalling; /* 1 if the last window brought no progress */
} icl_optimiser_counters;

struct icl_optimiser {
    icl_context *context;
    icl_optimiser_options options; /* block_ends: the optimiser's own copy */
    int64_t count;                 /* n */
    icl_optimiser_counters counters;
    int64_t state_count;
    double *state;
    icl_optimiser_counters next_counters; /* what a step computes before it is known to be good: */
    double *next_state;                   /* state_count, but for LBFGS */
    double *next;                         /* n: x after the step */
    double *work;                         /* all scratch: next, next_state and those below */
    double *gradient;                     /* n: the objective's, at the step's start */
    double *clipped;                      /* n */
    double *direction;                    /* LBFGS: n */
    double *trial_gradient;               /* LBFGS with a search: n */
    double *low_gradient;                 /* LBFGS with a search: n */
    double *alpha;                        /* LBFGS: history */
};

/* The caller's function and how often a step has called it. */
typedef struct icl_objective {
    icl_objective_fn call;
    void *user;
    int64_t evaluations;
} icl_objective;

/* *finite = 1 if value and gradient (n) at x are finite. ICL_ERR_CALLBACK. */
icl_status icl_objective_evaluate(const icl_optimiser *optimiser, icl_objective *objective,
                                  const double *x, double *value, double *gradient, int *finite);

/* icl_optimiser_step, where fixed = 1 stands for options.fixed_objective = 1 in this step: for the
 * trainer, which knows whether the prompts change. */
icl_status icl_optimiser_step_on(icl_optimiser *optimiser, icl_objective_fn objective, void *user,
                                 int fixed, double *x, icl_step_report *report);

/* schedule.c: l_t of step >= 1. */
double icl_schedule_rate(const icl_optimiser_options *options, int64_t step);

/* clip.c: the clipped gradient: `gradient` itself or optimiser->clipped. */
const double *icl_clip(const icl_optimiser *optimiser, const double *gradient);

/* first_order.c: doubles of state a parameter; and next, next_state from x, state and the clipped
 * gradient. */
int64_t icl_first_order_moments(const icl_optimiser_options *options);
void icl_first_order_update(icl_optimiser *optimiser, const double *gradient, const double *x);

/* lbfgs.c. The update without a search sets next and next_counters from the gradient at x;
 * remember keeps x and the gradient for the next step's pair, once the update is known to be good.
 */
int64_t icl_lbfgs_state_count(const icl_optimiser_options *options, int64_t count);
void icl_lbfgs_reset(icl_optimiser *optimiser);
void icl_lbfgs_update(icl_optimiser *optimiser, const double *gradient, const double *x);
void icl_lbfgs_remember(icl_optimiser *optimiser, const double *gradient, const double *x);
icl_status icl_lbfgs_search_step(icl_optimiser *optimiser, icl_objective *objective, int fixed,
                                 double *x, icl_step_report *report);

/* vector_sums.c: sums in a fixed order. The norm neither overflows nor underflows. */
double icl_vector_dot(int64_t count, const double *a, const double *b);
double icl_vector_norm(int64_t count, const double *a);
double icl_vector_norm1(int64_t count, const double *a);

#endif
