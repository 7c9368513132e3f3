/* The search along a line: phi(s) = f(x + s d), s > 0. */
#ifndef ICL_OPTIM_LINE_SEARCH_H
#define ICL_OPTIM_LINE_SEARCH_H

#include "optim/optimiser.h"

typedef struct icl_line_point {
    double s;
    double value;     /* phi(s); infinity outside the domain */
    double slope;     /* phi'(s) */
    double norm;      /* of the gradient */
    double *gradient; /* n; unused in high */
} icl_line_point;

typedef struct icl_line {
    const icl_optimiser *optimiser;
    icl_objective *objective;
    const double *x, *d; /* n */
    double *trial;       /* n: x + s d of the last evaluation; of `last` after a success */
    double floor;        /* two values that differ by less may be equal but for rounding */
    int monotone;        /* 1: where values are that close, the gradient norm must fall */
    icl_line_point start, low, high, last; /* start is set by the caller, slope < 0 */
} icl_line;

/* *found = 1 and the new point in `last`; 0 where no point found is better than the start. `first`
 * is the first s tried. last.gradient and low.gradient are buffers of n on entry and may have
 * changed places on return. ICL_ERR_CALLBACK. */
icl_status icl_line_search(icl_line *line, double first, int *found);

#endif
