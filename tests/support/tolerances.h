/* Every tolerance of the tests, derived and not tuned.
 *
 * Algebra: c n eps kappa, with c for the constant of the error bound of the method.
 * Solvers: the tolerance that was asked for. Sampling: a z-score with a fixed seed.
 */
#ifndef ICL_TESTS_TOLERANCES_H
#define ICL_TESTS_TOLERANCES_H

#include <float.h>

/* A backward stable computation of size n on a problem of condition kappa. */
#define TOL_ALGEBRA(n, kappa) (16 * (double)(n) * DBL_EPSILON * (double)(kappa))

/* One entry in 30,000 of correct tests would exceed four standard errors; seeds are fixed. */
#define TOL_Z 4.0

/* Four-point differences with step 1e-3: truncation h^4 = 1e-12, rounding eps / h = 2e-13, times
 * the scale of fifth derivatives. The issue asks for 1e-7. */
#define TOL_GRADIENT 1e-7

#endif
