/* Z-scores and chi-squares for the tests of random numbers. Seeds are fixed: a failure is a change
 * of the numbers, not bad luck. */
#ifndef ICL_TESTS_STATISTICS_H
#define ICL_TESTS_STATISTICS_H

#include "support/support.h"

/* |mean of `count` values - expected| within TOL_Z standard errors, from the variance of one. */
static inline void assert_mean_of(const char *name, double sum, double count, double expected,
                                  double variance) {
    double z = (sum / count - expected) / sqrt(variance / count);
    ck_assert_msg(fabs(z) <= TOL_Z, "%s: mean %.6g, expected %.6g: z = %.2f", name, sum / count,
                  expected, z);
}

/* A mean with its own estimate of the variance. */
typedef struct tally {
    double count, sum, squares;
} tally;

static inline void tally_add(tally *t, double value) {
    t->count++;
    t->sum += value;
    t->squares += value * value;
}

static inline void assert_tally(const char *name, const tally *t, double expected) {
    double mean = t->sum / t->count;
    assert_mean_of(name, t->sum, t->count, expected, t->squares / t->count - mean * mean);
}

/* The chi-square of equally likely cells: neither too uneven nor too even. */
static inline void assert_even(const char *name, int64_t cells, const int64_t *counts) {
    double total = 0, chi2 = 0, freedom = (double)cells - 1;
    for (int64_t i = 0; i < cells; i++)
        total += (double)counts[i];
    for (int64_t i = 0; i < cells; i++) {
        double deviation = (double)counts[i] - total / (double)cells;
        chi2 += deviation * deviation / (total / (double)cells);
    }
    double z = (chi2 - freedom) / sqrt(2 * freedom);
    ck_assert_msg(fabs(z) <= TOL_Z, "%s: chi-square %.1f of %.0f degrees: z = %.2f", name, chi2,
                  freedom, z);
}

/* The normal distribution function. */
static inline double normal_cdf(double z) {
    return 0.5 * erfc(-z * 0.70710678118654752440);
}

static inline int64_t cell_of(double probability, int64_t cells) {
    int64_t cell = (int64_t)(probability * (double)cells);
    return cell < cells ? cell : cells - 1;
}

#endif
