/* Methods that take the examples one by one, in order. */
#ifndef ICL_SOLVE_ONLINE_H
#define ICL_SOLVE_ONLINE_H

#include "solve/solver.h"

typedef struct icl_online {
    double *w;        /* d */
    double reference; /* greatest |y_i| and |y_i - w_0.x_i| so far: of the growth */
    int diverged, moved;
} icl_online;

/* w <- w + eta x (y - w.x), with next (d) for work; w stays as it was once it has diverged. */
void icl_online_take(const icl_solver *solver, const double *x, double y, double *next,
                     icl_online *state);

/* SGD from the end of pass number `first` on: after each, prompt->w = w and a record. */
void icl_online_passes(const icl_solver *solver, icl_prompt *prompt, int64_t first, double *next,
                       icl_online *state);

#endif
