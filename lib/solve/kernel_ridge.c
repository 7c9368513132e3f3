/* Kernel ridge regression: f(x) = k(x)^T (K + lambda I)^-1 y, by a Cholesky factor L of K + lambda
 * I that grows by a row an example:
 *
 *     l = L^-1 k(x_t),   pivot^2 = 1 + lambda - l.l,   z_t = (y_t - l.z) / pivot,   L z = y.
 *
 * An example whose pivot^2 is rounding says nothing that the kernel can tell from the examples
 * before it, and is left out.
 */
#include <float.h>
#include <math.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"

/* What is behind the scratch: the examples kept, their number first, and L by rows, packed. */
typedef struct factor {
    double *count, *number; /* 1, n */
    double *z, *alpha;      /* n each: L z = y, L^T alpha = z */
    double *L;
} factor;

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)solver;
    return icl_sum(1 + 3 * n, icl_product(n, n + 1, 1) / 2);
}

static factor factor_of(const icl_sample *sample) {
    double *number = sample->scratch + 1, *z = number + sample->n, *alpha = z + sample->n;
    return (factor){sample->scratch, number, z, alpha, alpha + sample->n};
}

static double *row_of(const factor *f, int64_t i) {
    return f->L + i * (i + 1) / 2;
}

static double kernel(const icl_solver *solver, const double *a, const double *b) {
    double h = solver->options.bandwidth, r = sqrt(icl_squared_distance(solver->dim, a, b)) / h;
    return exp(solver->options.kernel == ICL_KERNEL_LAPLACE ? -r : -0.5 * r * r);
}

static void begin(const icl_solver *solver, icl_sample *sample) {
    (void)solver;
    *factor_of(sample).count = 0;
}

static void append(const icl_solver *solver, icl_sample *sample) {
    factor f = factor_of(sample);
    int64_t m = (int64_t)*f.count;
    const double *x = sample->X + sample->t * sample->d;
    double *l = row_of(&f, m), diagonal = 1 + solver->options.ridge;
    for (int64_t i = 0; i < m; i++) {
        const double *row = row_of(&f, i);
        double k = kernel(solver, sample->X + (int64_t)f.number[i] * sample->d, x);
        l[i] = (k - icl_frobenius(i, row, l)) / row[i];
    }
    double square = diagonal - icl_frobenius(m, l, l);
    if (!(square > 4 * (double)(m + 1) * DBL_EPSILON * diagonal))
        return;
    l[m] = sqrt(square);
    f.z[m] = (sample->y[sample->t] - icl_frobenius(m, l, f.z)) / l[m];
    f.number[m] = (double)sample->t;
    *f.count = (double)(m + 1);
}

/* alpha = L^-T z, by rows of L */
static icl_status fit(const icl_solver *solver, icl_sample *sample, icl_solver_report *report) {
    factor f = factor_of(sample);
    int64_t m = (int64_t)*f.count;
    for (int64_t i = 0; i < m; i++)
        f.alpha[i] = f.z[i];
    for (int64_t i = m - 1; i >= 0; i--) {
        const double *row = row_of(&f, i);
        f.alpha[i] /= row[i];
        for (int64_t j = 0; j < i; j++)
            f.alpha[j] -= f.alpha[i] * row[j];
    }
    report->rank = (int32_t)m;
    report->step = solver->options.ridge;
    if (m < sample->t)
        report->stop = ICL_STOP_SINGULAR;
    return ICL_OK;
}

static double answer(const icl_solver *solver, const icl_sample *sample, const double *x) {
    factor f = factor_of(sample);
    double sum = 0;
    for (int64_t i = 0; i < (int64_t)*f.count; i++)
        sum += f.alpha[i] * kernel(solver, sample->X + (int64_t)f.number[i] * sample->d, x);
    return sum;
}

static const icl_learner learner = {begin, append, fit, answer};
const icl_algorithm icl_algorithm_kernel_ridge = {
    .examples = 1, .scratch = scratch_size, .learner = &learner, .road = &icl_road_learner};
