/* Mean and spread of numbers that come one by one (Welford, Technometrics 1962). */
#ifndef ICL_BASE_TALLY_H
#define ICL_BASE_TALLY_H

#include <math.h>

typedef struct icl_tally {
    double count, mean, squares; /* squares: sum of (value - mean)^2 */
} icl_tally;

static inline void icl_tally_add(icl_tally *tally, double value) {
    double distance = value - tally->mean;
    tally->count += 1;
    tally->mean += distance / tally->count;
    tally->squares += distance * (value - tally->mean);
}

/* Of one value, unbiased. */
static inline double icl_tally_variance(const icl_tally *tally) {
    return tally->squares / (tally->count - 1);
}

/* Standard error of the mean. */
static inline double icl_tally_error(const icl_tally *tally) {
    return sqrt(icl_tally_variance(tally) / tally->count);
}

#endif
