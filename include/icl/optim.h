/* Optimisers: steppers of a vector of parameters. They know vectors and an objective, no models.
 *
 * method   update of x with gradient g at step t = 1, 2, ... and rate l_t (torch's conventions)
 * GD       x -= l g
 * SGD      m = momentum m + (1 - dampening) g (m = g at t = 1);  x -= l (nesterov ? g + momentum m : m);
 *          weight decay is added to g
 * ADAM     m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
 *          x -= l (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps);  weight decay is added to g
 * ADAMW    x -= l decay x, then as ADAM without weight decay in g (Loshchilov and Hutter)
 * LBFGS    x += s d, d = -H g by the two-loop recursion over the last `history` pairs of positive
 *          curvature, from H0 = (s.y / y.y) I of the newest one (without pairs, from
 *          min(1, 1 / ||g||_1) I); s from a strong Wolfe search (Nocedal and Wright, ch. 3) that
 *          starts at 1 and also accepts Hager and Zhang's approximate Wolfe condition near the
 *          floor of the value, or s = l_t without a search
 *
 * Clipping comes before the update: first each block to clip_block in Euclidean norm, then the
 * whole gradient to clip_global. Options of other methods are checked but not used.
 */
#ifndef ICL_OPTIM_H
#define ICL_OPTIM_H

#include <icl/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum icl_optimiser_method {
    ICL_OPTIMISER_GD = 0,
    ICL_OPTIMISER_SGD = 1,
    ICL_OPTIMISER_ADAM = 2,
    ICL_OPTIMISER_ADAMW = 3,
    ICL_OPTIMISER_LBFGS = 4,
    ICL_OPTIMISER_FORCE_INT = 0x7fffffff
} icl_optimiser_method;

/* l_t for t = 1, 2, ...; during the first `warmup` steps l_t = rate t / warmup, and below t
 * counts from the end of the warm-up, from 0. */
typedef enum icl_schedule {
    ICL_SCHEDULE_CONSTANT = 0, /* rate */
    ICL_SCHEDULE_HALVING = 1,  /* rate 2^-floor(t / period) */
    ICL_SCHEDULE_COSINE = 2,   /* floor + (rate - floor) (1 + cos(pi min(t / period, 1))) / 2 */
    ICL_SCHEDULE_FORCE_INT = 0x7fffffff
} icl_schedule;

typedef struct icl_optimiser_options {
    size_t size;                 /* sizeof(icl_optimiser_options) as the caller knows it */
    icl_optimiser_method method; /* default ADAM */
    double rate;                 /* l > 0; default 1e-3 */
    icl_schedule schedule;       /* default CONSTANT */
    int64_t warmup;              /* >= 0; default 0 */
    int64_t period;              /* HALVING, COSINE: >= 1 */
    double floor;                /* COSINE: 0 <= floor <= rate; default 0 */
    double momentum;             /* SGD: 0 <= momentum < 1; default 0 */
    double dampening;            /* SGD: 0 <= dampening <= 1; default 0 */
    int nesterov;                /* SGD: 1 needs momentum > 0 and dampening 0; default 0 */
    double beta1, beta2;         /* ADAM, ADAMW: 0 <= beta < 1; defaults 0.9, 0.999 */
    double epsilon;              /* ADAM, ADAMW: >= 0; default 1e-8 */
    double weight_decay;         /* >= 0; SGD, ADAM, ADAMW; default 0 */
    int64_t history;             /* LBFGS: pairs kept, 1 to 1000; default 20 */
    int line_search;             /* LBFGS: 1 (default) strong Wolfe, 0 none */
    int64_t max_evaluations;     /* LBFGS: objective calls a search, >= 1; default 40 */
    double clip_global;          /* > 0, or 0 (default) for none; not for a line search */
    double clip_block;           /* > 0, or 0 (default) for none; not for a line search */
    int64_t blocks;              /* blocks of clip_block; 0 (default): the whole vector is one */
    const int64_t *block_ends;   /* `blocks` increasing ends, the last one the parameter count;
                                    copied */
    int fixed_objective;         /* LBFGS with a search: 1: the objective is the same function at
                                    every step, so what a step computed where it ended is not
                                    computed again by a step that starts there; default 0 */
} icl_optimiser_options;

typedef struct icl_optimiser icl_optimiser;

ICL_API icl_status icl_optimiser_options_init(icl_optimiser_options *options, size_t size);

/* An optimiser for `count` parameters, 1 to 2^40. All memory is allocated here. */
ICL_API icl_status icl_optimiser_create(icl_context *context, const icl_optimiser_options *options,
                                        int64_t count, icl_optimiser **out);
ICL_API void icl_optimiser_free(icl_optimiser *optimiser);

/* Forgets everything but the options: the next step is step 1. */
ICL_API icl_status icl_optimiser_reset(icl_optimiser *optimiser);
ICL_API int64_t icl_optimiser_count(const icl_optimiser *optimiser); /* parameters; 0 for NULL */
ICL_API int64_t icl_optimiser_steps(const icl_optimiser *optimiser); /* done; 0 for NULL */
/* l_t of step t >= 1 (NaN for NULL or t < 1). */
ICL_API double icl_optimiser_rate(const icl_optimiser *optimiser, int64_t step);

/* *value and gradient (count) of the objective at x (count). Non-zero ends the step with
 * ICL_ERR_CALLBACK. Called on the calling thread. A non-finite value or gradient means that x is
 * outside the domain: a line search steps back, the other methods end with ICL_ERR_DIVERGED. */
typedef int (*icl_objective_fn)(const double *x, double *value, double *gradient, void *user);

typedef struct icl_step_report {
    double value;         /* objective: at the new x with a line search, else at the old one */
    double gradient_norm; /* Euclidean, before clipping, at the same x as value */
    double rate;          /* l_t, or the accepted step length */
    int64_t evaluations;  /* objective calls */
    icl_stop stop;        /* STALLED where a line search finds nothing better (x unchanged),
                             GRADIENT where the gradient is exactly zero, else NONE. A call that
                             leaves x so with a line search counts as no step */
} icl_step_report;

/* One step from x (count), in place. On failure x and the optimiser's memory are unchanged.
 * ICL_ERR_DIVERGED if the objective, the updated x or a moment is not finite. report may be
 * NULL. */
ICL_API icl_status icl_optimiser_step(icl_optimiser *optimiser, icl_objective_fn objective,
                                      void *user, double *x, icl_step_report *report);

/* One step from x with a gradient (count) that the host computed. Not for LBFGS with a line
 * search (ICL_ERR_ARGUMENT). Else as icl_optimiser_step. */
ICL_API icl_status icl_optimiser_update(icl_optimiser *optimiser, const double *gradient,
                                        double *x);

#ifdef __cplusplus
}
#endif
#endif
