/* Polynomials in A on its eigenvalues l: w_k - w_0 has the coordinate phi_k(l) a, a that of
 * c - A w_0, and the residual c - A w_k the coordinate (1 - l phi_k(l)) a.
 */
#ifndef ICL_SOLVE_SPECTRAL_FILTER_H
#define ICL_SOLVE_SPECTRAL_FILTER_H

#include "solve/momentum.h"
#include "solve/stop.h"

/* What the filter is for. */
typedef struct icl_spectrum {
    int64_t d, count;     /* of A (d x d) the other eigenvalues are 0 */
    const double *values; /* count, ascending */
    double zero;          /* what counts as zero beside the greatest */
    double row_sum;       /* of |A|, for GD_PLUS_PLUS */
    double norm_c;        /* ||c|| */
} icl_spectrum;

typedef struct icl_filter {
    const icl_solver *solver;
    int64_t count, first; /* eigenvalues that are not zero: count - first of them, the last */
    int64_t most;         /* steps that may be done */
    int64_t step, last;   /* where phi stands; the last step before a stop */
    icl_stop stop;
    icl_stopping stopping;
    double used; /* eta or alpha, for the report */
    int watched;          /* of the methods that go step by step: 1 to look at each residual */
    double settled;       /* the step from which on phi is 1 / l to rounding */
    icl_momentum momentum;
    double gain, gamma;   /* GD_PLUS_PLUS */
    const double *g;      /* count: coordinates of the residual c - A w_0 */
    double *lambda, *phi; /* count: the eigenvalue + ridge, and phi_step of it */
    double *a, *b, *next; /* count: what the methods keep */
} icl_filter;

enum { ICL_FILTER_ARRAYS = 5 };

/* At step 0, for `most` steps at most; memory: 5 count doubles. */
void icl_filter_begin(icl_filter *f, const icl_solver *solver, const icl_spectrum *spectrum,
                      const double *g, int64_t most, double *memory);

/* To step k >= step, or where it stops before. */
void icl_filter_advance(icl_filter *f, int64_t k);

#endif
