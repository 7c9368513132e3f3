/* Sums over vectors in an order that depends on nothing but their length: eight running sums,
 * which the compiler may keep in registers, then a tree. BLAS would split them by threads. */
#include <float.h>
#include <math.h>

#include "optim/optimiser.h"

enum { LANES = 8 };

static double total(const double *sums) {
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
           ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

double icl_vector_dot(int64_t count, const double *a, const double *b) {
    double sums[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            sums[k] += a[i + k] * b[i + k];
    for (int k = 0; i + k < count; k++)
        sums[k] += a[i + k] * b[i + k];
    return total(sums);
}

double icl_vector_norm1(int64_t count, const double *a) {
    double sums[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            sums[k] += fabs(a[i + k]);
    for (int k = 0; i + k < count; k++)
        sums[k] += fabs(a[i + k]);
    return total(sums);
}

/* The norm of entries whose squares leave the range of doubles: scaled by a power of two. */
static double scaled_norm(int64_t count, const double *a) {
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i]));
    if (most == 0 || !isfinite(most))
        return most;
    int exponent;
    frexp(most, &exponent);
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double scaled = ldexp(a[i], -exponent);
        sum += scaled * scaled;
    }
    return ldexp(sqrt(sum), exponent);
}

double icl_vector_norm(int64_t count, const double *a) {
    double square = icl_vector_dot(count, a, a);
    /* below, squares of entries that matter may be denormal */
    if (square > DBL_MIN / DBL_EPSILON && square <= DBL_MAX)
        return sqrt(square);
    return scaled_norm(count, a);
}
