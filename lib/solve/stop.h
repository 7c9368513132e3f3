/* The one stopping rule of all iterative solvers. */
#ifndef ICL_SOLVE_STOP_H
#define ICL_SOLVE_STOP_H

#include <icl/base.h>

typedef struct icl_stopping {
    int64_t steps;    /* the number asked for */
    double tolerance; /* 0: none is asked for, and none met but where there is nothing to learn */
    double target;    /* tolerance ||X^T y|| */
    double reference; /* of the growth: the greater of ||X^T y|| and the first residual */
} icl_stopping;

/* c = X^T y (d). */
void icl_stopping_begin(icl_stopping *stopping, int64_t steps, double tolerance, int64_t d,
                        const double *c);

/* What to do at w_step, whose residual A w - c has this norm: ICL_STOP_NONE to go on. floor is the
 * rounding error of the residual, below which nothing is left to improve and the run has STALLED; 0
 * where unknown. */
icl_stop icl_stopping_check(icl_stopping *stopping, int64_t step, double residual, double floor);

/* Whether what is measured at each step still falls. Rounding neither lets GD converge to the last
 * bit nor drives it away: it is at rest where that is so no longer and the measure is rounding. */
typedef struct icl_rest {
    double least;  /* measured so far */
    int64_t since; /* at which step */
} icl_rest;

icl_rest icl_rest_begin(void);
/* 1: nothing less was measured for long. */
int icl_rest_check(icl_rest *rest, int64_t step, double measure);

/* ||x||_2, neither overflowing nor underflowing before its result does; NaN if x holds one. */
double icl_norm(int64_t count, const double *x);

#endif
