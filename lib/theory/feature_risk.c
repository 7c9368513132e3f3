/* The risk of yhat = x_q^T Gamma h, h = (d b; s_yy): one layer that reads the labels' power.
 *
 * Given w and the noise level, with v = Sigma w and s = w.v + sigma^2, Gaussian covariates give
 *
 *     E h = (d v; s),   E[h h^T] = [ d^2 ((s / n) Sigma + (1 + 1/n) v v^T)   .                  ]
 *                                  [ d (1 + 2/n) s v^T                       (1 + 2/n) s^2      ]
 *
 * by Isserlis' theorem, so that four means over tasks and levels tell all: V = E v v^T, E s v, E s,
 * E s^2.
 */
#include <math.h>

#include "linalg/linalg.h"
#include "task/law.h"

#include <icl/theory.h>

typedef struct task_means {
    double *V;    /* d x d */
    double *sv;   /* d */
    double s, ss; /* E s, E s^2 */
} task_means;

static const char *missing_moments(const icl_law *law) {
    const char *gap = icl_law_no_moments(law);
    if (gap != NULL)
        return gap;
    if (law->labels != ICL_LABELS_LINEAR)
        return "the labels are not linear";
    if (!icl_law_normal_covariates(law))
        return "the covariates are not Gaussian";
    if (icl_law_no_moments(law) != NULL)
        return icl_law_no_moments(law);
    if (law->pool_count > 0)
        return NULL;
    if (law->tasks == ICL_TASKS_SPARSE)
        return "the tasks are sparse";
    return law->mean != NULL ? "the prior has a mean, and there is no pool" : NULL;
}

/* E s, E s^2, of the signal w.v with this mean and mean square. */
static void add_noise(const icl_law *law, double signal, double square, task_means *m) {
    m->s = signal + law->noise;
    m->ss = square + 2 * signal * law->noise + law->noise_square;
}

/* Over the pool's entries. room: d. */
static void pool_means(const icl_law *law, double *v, task_means *m) {
    int64_t d = law->dim;
    double signal = 0, square = 0, weight = 1 / (double)law->pool_count;
    for (int64_t k = 0; k < law->pool_count; k++) {
        const double *w = law->pool + k * d;
        icl_matmul(0, 0, d, 1, d, law->covariance, w, v);
        double power = icl_frobenius(d, w, v);
        signal += weight * power;
        square += weight * power * power;
        for (int64_t i = 0; i < d; i++) {
            m->sv[i] += weight * (power + law->noise) * v[i];
            for (int64_t j = 0; j < d; j++)
                m->V[i * d + j] += weight * v[i] * v[j];
        }
    }
    add_noise(law, signal, square, m);
}

/* w = R' z, z normal or on the sphere, where E (z^T A z)^2 is d / (d + 2) of the normal's. room: d
 * x d. */
static void prior_means(const icl_law *law, double *A, task_means *m) {
    int64_t d = law->dim;
    double trace = 0, square = 0, on_sphere = (double)d / ((double)d + 2);
    icl_matmul(0, 0, d, d, d, law->covariance, law->prior, A);
    icl_matmul(0, 0, d, d, d, A, law->covariance, m->V);
    for (int64_t i = 0; i < d; i++) {
        trace += A[i * d + i];
        for (int64_t j = 0; j < d; j++)
            square += A[i * d + j] * A[j * d + i];
    }
    double factor = law->tasks == ICL_TASKS_SPHERE ? on_sphere : 1;
    add_noise(law, trace, factor * (trace * trace + 2 * square), m);
}

/* risk = E s - 2 <Gamma, A> + tr Gamma^T Sigma Gamma B. T = Sigma Gamma: d x (d + 1). */
static double risk_of(const icl_law *law, const double *gamma, const double *T,
                      const task_means *m) {
    int64_t d = law->dim, D = d + 1;
    double in = 1 / (double)law->examples, size = (double)d, risk = m->s;
    for (int64_t i = 0; i < d; i++) {
        const double *g = gamma + i * D, *t = T + i * D;
        double bent = 0, last = 0;
        for (int64_t j = 0; j < d; j++) {
            double column = 0;
            for (int64_t k = 0; k < d; k++)
                column +=
                    g[k] * (m->s * in * law->covariance[k * d + j] + (1 + in) * m->V[k * d + j]);
            bent += column * t[j];
            last += g[j] * m->sv[j];
            risk -= 2 * size * g[j] * m->V[i * d + j];
        }
        risk += size * size * bent + 2 * size * (1 + 2 * in) * last * t[d] +
                (1 + 2 * in) * m->ss * g[d] * t[d] - 2 * g[d] * m->sv[i];
    }
    return risk;
}

icl_status icl_theory_feature_risk(const icl_law *law, const double *gamma, double *risk) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    int64_t d = law->dim, D = d + 1;
    ICL_CHECK_ARRAY(law->context, gamma, d * D);
    ICL_REQUIRE_POINTER(law->context, risk);
    const char *missing = missing_moments(law);
    ICL_REQUIRE(law->context, missing == NULL, ICL_ERR_NO_CLOSED_FORM, "%s: %s", __func__, missing);
    double *room;
    ICL_TRY(ICL_NEW(law->context, &room, d * d + d + d * D));
    task_means m = {.V = room, .sv = room + d * d};
    double *T = m.sv + d;
    if (law->pool_count > 0)
        pool_means(law, T, &m);
    else
        prior_means(law, T, &m);
    icl_matmul(0, 0, d, D, d, law->covariance, gamma, T);
    double value = law->examples > 0 ? risk_of(law, gamma, T, &m) : m.s;
    icl_dealloc(law->context, room);
    ICL_REQUIRE(law->context, isfinite(value), ICL_ERR_DIVERGED, "%s: the risk overflows",
                __func__);
    *risk = value;
    return ICL_OK;
}
