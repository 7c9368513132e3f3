/* The methods that need one gradient a step, in torch's conventions (formulas in <icl/optim.h>):
 * gradient descent; SGD with momentum (Sutskever et al., 2013); Adam (Kingma and Ba, 2015) with
 * bias-corrected moments and epsilon outside the root; AdamW (Loshchilov and Hutter, 2019).
 *
 * They read x and state and write next and next_state, so that a bad step can be thrown away. */
#include <math.h>

#include "optim/optimiser.h"

int64_t icl_first_order_moments(const icl_optimiser_options *options) {
    switch (options->method) {
    case ICL_OPTIMISER_SGD:
        return options->momentum > 0;
    case ICL_OPTIMISER_ADAM:
    case ICL_OPTIMISER_ADAMW:
        return 2;
    default:
        return 0;
    }
}

static void gd(icl_optimiser *o, double rate, const double *g, const double *x) {
    for (int64_t i = 0; i < o->count; i++)
        o->next[i] = x[i] - rate * g[i];
}

static void sgd(icl_optimiser *o, double rate, const double *g, const double *x) {
    const double momentum = o->options.momentum, decay = o->options.weight_decay;
    for (int64_t i = 0; i < o->count; i++) {
        double step = g[i] + decay * x[i];
        if (momentum > 0) {
            double m = o->counters.steps == 0
                           ? step
                           : momentum * o->state[i] + (1 - o->options.dampening) * step;
            o->next_state[i] = m;
            step = o->options.nesterov ? step + momentum * m : m;
        }
        o->next[i] = x[i] - rate * step;
    }
}

static void adam(icl_optimiser *o, double rate, const double *g, const double *x) {
    const icl_optimiser_options *p = &o->options;
    const double b1 = p->beta1, b2 = p->beta2, t = (double)(o->counters.steps + 1);
    const double correction1 = 1 - pow(b1, t), correction2 = 1 - pow(b2, t);
    const int decoupled = p->method == ICL_OPTIMISER_ADAMW;
    const double in_gradient = decoupled ? 0 : p->weight_decay;
    const double shrink = decoupled ? rate * p->weight_decay : 0;
    double *m = o->next_state, *v = o->next_state + o->count;
    for (int64_t i = 0; i < o->count; i++) {
        double gradient = g[i] + in_gradient * x[i];
        m[i] = b1 * o->state[i] + (1 - b1) * gradient;
        v[i] = b2 * o->state[o->count + i] + (1 - b2) * gradient * gradient;
        double step = m[i] / correction1 / (sqrt(v[i] / correction2) + p->epsilon);
        if (m[i] == 0)
            step = 0; /* 0 / 0 without epsilon */
        o->next[i] = x[i] - shrink * x[i] - rate * step;
    }
}

void icl_first_order_update(icl_optimiser *optimiser, const double *gradient, const double *x) {
    double rate = icl_schedule_rate(&optimiser->options, optimiser->counters.steps + 1);
    switch (optimiser->options.method) {
    case ICL_OPTIMISER_SGD:
        sgd(optimiser, rate, gradient, x);
        break;
    case ICL_OPTIMISER_ADAM:
    case ICL_OPTIMISER_ADAMW:
        adam(optimiser, rate, gradient, x);
        break;
    default:
        gd(optimiser, rate, gradient, x);
    }
}
