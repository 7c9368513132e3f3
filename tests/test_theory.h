/* Laws, naive matrix algebra and a token-by-token Monte Carlo for the tests of theory. Nothing
 * here knows a formula of lib/theory. */
#ifndef ICL_TESTS_THEORY_H
#define ICL_TESTS_THEORY_H

#include "support/support.h"

enum { MAX_D = 8, MAX_DD = MAX_D * MAX_D };

/* ---- laws ---- */

static inline icl_law_options law_options(int64_t d, int64_t n, double noise) {
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    o.dim = d;
    o.context = n;
    o.noise = noise;
    return o;
}

static inline icl_law *make_law(icl_context *context, const icl_law_options *o) {
    icl_law *law = NULL;
    ASSERT_OK(context, icl_law_create(context, o, &law));
    return law;
}

/* Sigma and W dense, W NULL for I. */
static inline icl_law *make_dense_law(icl_context *context, int64_t d, int64_t n, double noise,
                                      const double *sigma, const double *W) {
    icl_law_options o = law_options(d, n, noise);
    o.covariance = ICL_COVARIANCE_DENSE;
    o.covariance_values = sigma;
    if (W != NULL) {
        o.prior = ICL_COVARIANCE_DENSE;
        o.prior_values = W;
    }
    return make_law(context, &o);
}

/* out = Q diag(values) Q^T with a random Q. */
static inline void random_covariance(icl_context *context, uint64_t seed, int64_t d,
                                     const double *values, double *out) {
    double q[MAX_DD];
    ASSERT_OK(context, icl_random_rotation(context, seed, 0, d, q));
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++)
                sum += q[i * d + k] * values[k] * q[j * d + k];
            out[i * d + j] = sum;
        }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < i; j++)
            out[i * d + j] = out[j * d + i];
}

/* values[k] from 1 down to 1 / kappa, evenly in the logarithm. */
static inline void spread_values(int64_t d, double kappa, double *values) {
    for (int64_t k = 0; k < d; k++)
        values[k] = d > 1 ? pow(kappa, -(double)k / (double)(d - 1)) : 1;
}

/* ---- matrices, d x d ---- */

static inline void naive_product(int64_t d, const double *a, const double *b, double *c) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++)
                sum += a[i * d + k] * b[k * d + j];
            c[i * d + j] = sum;
        }
}

static inline double naive_trace(int64_t d, const double *a) {
    double sum = 0;
    for (int64_t i = 0; i < d; i++)
        sum += a[i * d + i];
    return sum;
}

static inline double naive_dot(int64_t count, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

static inline double naive_norm(int64_t count, const double *a) {
    return sqrt(naive_dot(count, a, a));
}

static inline void naive_apply(int64_t d, const double *a, const double *x, double *out) {
    for (int64_t i = 0; i < d; i++)
        out[i] = naive_dot(d, a + i * d, x);
}

static inline void naive_transpose(int64_t d, const double *a, double *out) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            out[j * d + i] = a[i * d + j];
}

/* a := a^-1 by Gauss and Jordan with pivots. */
static inline void naive_invert(int64_t d, double *a) {
    double b[MAX_DD * 4] = {0};
    for (int64_t i = 0; i < d; i++)
        b[i * d + i] = 1;
    for (int64_t c = 0; c < d; c++) {
        int64_t pivot = c;
        for (int64_t i = c; i < d; i++)
            if (fabs(a[i * d + c]) > fabs(a[pivot * d + c]))
                pivot = i;
        for (int64_t j = 0; j < d; j++) {
            double t = a[c * d + j], s = b[c * d + j];
            a[c * d + j] = a[pivot * d + j];
            a[pivot * d + j] = t;
            b[c * d + j] = b[pivot * d + j];
            b[pivot * d + j] = s;
        }
        double scale = 1 / a[c * d + c];
        for (int64_t j = 0; j < d; j++) {
            a[c * d + j] *= scale;
            b[c * d + j] *= scale;
        }
        for (int64_t i = 0; i < d; i++) {
            double factor = a[i * d + c];
            for (int64_t j = 0; j < d && i != c; j++) {
                a[i * d + j] -= factor * a[c * d + j];
                b[i * d + j] -= factor * b[c * d + j];
            }
        }
    }
    memcpy(a, b, (size_t)(d * d) * sizeof *a);
}

/* ||Sigma Gamma* C - K|| / ||K|| from the formulas of MATH 3 by plain loops. */
static inline double naive_residual(int64_t d, int64_t n, double s2, const double *sigma,
                                    const double *W, const double *gamma) {
    double a[MAX_DD], K[MAX_DD], C[MAX_DD], b[MAX_DD];
    naive_product(d, sigma, W, a);
    double power = naive_trace(d, a) + s2, N = (double)n;
    naive_product(d, a, sigma, K);
    for (int64_t i = 0; i < d * d; i++)
        C[i] = (1 + 1 / N) * K[i] + power / N * sigma[i];
    naive_product(d, sigma, gamma, a);
    naive_product(d, a, C, b);
    for (int64_t i = 0; i < d * d; i++)
        b[i] -= K[i];
    return naive_norm(d * d, b) / naive_norm(d * d, K);
}

/* ---- a point of the layer ---- */

typedef struct layer_point {
    double u[MAX_D], v, M[MAX_DD], r[MAX_D];
} layer_point;

static inline layer_point random_point(icl_context *context, uint64_t seed, int64_t d,
                                       double scale) {
    double z[MAX_DD + 2 * MAX_D + 1];
    fill_normal(context, seed, d * d + 2 * d + 1, z);
    layer_point p = {.v = scale * z[0]};
    for (int64_t i = 0; i < d; i++) {
        p.u[i] = scale * z[1 + i];
        p.r[i] = scale * z[1 + d + i];
    }
    for (int64_t i = 0; i < d * d; i++)
        p.M[i] = scale * z[1 + 2 * d + i];
    return p;
}

static inline void point_gamma(int64_t d, const layer_point *p, double *gamma) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            gamma[i * d + j] = p->v * p->M[j * d + i] + p->r[i] * p->u[j];
}

/* Coordinate `index` of (u, v, M, r). */
static inline double *coordinate(layer_point *p, int64_t d, int64_t index) {
    if (index < d)
        return &p->u[index];
    if (index == d)
        return &p->v;
    index -= d + 1;
    return index < d * d ? &p->M[index] : &p->r[index - d * d];
}

/* ---- Monte Carlo from the tokens ---- */

typedef struct naive_tally {
    double count, sum, squares;
} naive_tally;

static inline void naive_add(naive_tally *t, double value) {
    t->count++;
    t->sum += value;
    t->squares += value * value;
}

static inline double naive_mean(const naive_tally *t) {
    return t->sum / t->count;
}

static inline double naive_error(const naive_tally *t) {
    double mean = naive_mean(t);
    return sqrt((t->squares / t->count - mean * mean) / (t->count - 1));
}

#define ASSERT_MEAN(tally, expected)                                                               \
    do {                                                                                           \
        double mean_ = naive_mean(tally), error_ = naive_error(tally), expected_ = (expected);     \
        ck_assert_msg(fabs(mean_ - expected_) <= TOL_Z * error_,                                   \
                      "%s = %.8g, Monte Carlo %.8g +- %.2g: z = %.2f", #expected, expected_,       \
                      mean_, error_, (mean_ - expected_) / error_);                                \
    } while (0)

/* The law of a naive prompt: x = root z; f and what it draws as the law says. */
typedef struct naive_law {
    int64_t d, n;
    double noise;
    icl_labels labels;
    int64_t hidden;
    double sigma_root[MAX_DD]; /* any root of Sigma */
    double prior_root[MAX_DD]; /* LINEAR: any root of W */
    double mean[MAX_D];
    double (*g)(double); /* CALLBACK */
    int uniform;         /* covariates: then sigma_root is the law's own */
    double greatest;     /* > 0: the noise level is uniform below it, and noise is not looked at */
} naive_law;

enum { MAX_N = 24, MAX_HIDDEN = 6 };

typedef struct naive_prompt {
    double w[MAX_D], net[MAX_HIDDEN * MAX_D], a[MAX_HIDDEN], sign;
    double x[(MAX_N + 1) * MAX_D], y[MAX_N + 1]; /* the query is the last */
} naive_prompt;

/* Normals one after another from a flat stream. */
typedef struct normal_source {
    icl_context *context;
    uint64_t seed;
    int64_t next;
    double z[4096];
} normal_source;

static inline double next_normal(normal_source *s) {
    int64_t i = s->next % 4096;
    if (i == 0)
        ASSERT_OK(s->context, icl_random_normal(s->context, s->seed, 77, s->next, 4096, s->z));
    s->next++;
    return s->z[i];
}

static inline double naive_label(const naive_law *law, const naive_prompt *p, const double *x) {
    double s = naive_dot(law->d, p->w, x), sum = 0;
    switch (law->labels) {
    case ICL_LABELS_LINEAR:
        return s;
    case ICL_LABELS_TANH:
        return tanh(s);
    case ICL_LABELS_RELU:
        return p->sign * fmax(s, 0);
    case ICL_LABELS_SIN:
        return sin(2 * s);
    case ICL_LABELS_CUBIC:
        return s * s * s;
    case ICL_LABELS_NET:
        for (int64_t k = 0; k < law->hidden; k++)
            sum += p->a[k] * fmax(naive_dot(law->d, p->net + k * law->d, x), 0);
        return sqrt(2 / (double)law->hidden) * sum;
    default:
        return p->sign * law->g(s);
    }
}

static inline void naive_task(const naive_law *law, normal_source *source, naive_prompt *p) {
    int64_t d = law->d;
    double z[MAX_D];
    for (int64_t i = 0; i < d; i++)
        z[i] = next_normal(source);
    double norm = naive_norm(d, z);
    p->sign = next_normal(source) > 0 ? 1 : -1;
    naive_apply(d, law->prior_root, z, p->w);
    for (int64_t i = 0; i < d; i++)
        p->w[i] = law->labels == ICL_LABELS_LINEAR ? p->w[i] + law->mean[i] : z[i] / norm;
    for (int64_t i = 0; law->labels == ICL_LABELS_NET && i < law->hidden * (d + 1); i++)
        *(i < law->hidden * d ? p->net + i : p->a + (i - law->hidden * d)) = next_normal(source);
}

/* Uniform on (0, 1), by the distribution function of the next normal. */
static inline double next_uniform(normal_source *source) {
    return 0.5 * erfc(-next_normal(source) / sqrt(2));
}

/* Coordinates z (d): normals, or uniforms of variance 1 by their distribution function. */
static inline void naive_coordinates(const naive_law *law, normal_source *source, double *z) {
    for (int64_t j = 0; j < law->d; j++)
        z[j] = law->uniform ? sqrt(12) * (next_uniform(source) - 0.5) : next_normal(source);
}

static inline void naive_draw(const naive_law *law, normal_source *source, naive_prompt *p) {
    int64_t d = law->d;
    double z[MAX_D];
    naive_task(law, source, p);
    double level = law->greatest > 0 ? law->greatest * next_uniform(source) : sqrt(law->noise);
    for (int64_t i = 0; i <= law->n; i++) {
        naive_coordinates(law, source, z);
        naive_apply(d, law->sigma_root, z, p->x + i * d);
        p->y[i] = naive_label(law, p, p->x + i * d) + level * next_normal(source);
    }
}

/* yhat = (1/n) sum_i (p.z_i) (z_i^T Q x_q) over the tokens z_i = (x_i, y_i), p = (u, v),
 * Q = (M over r^T). */
static inline double naive_predict(const naive_law *law, const naive_prompt *p,
                                   const layer_point *t) {
    int64_t d = law->d;
    const double *xq = p->x + law->n * d;
    double Mx[MAX_D], sum = 0;
    naive_apply(d, t->M, xq, Mx);
    for (int64_t i = 0; i < law->n; i++) {
        const double *x = p->x + i * d;
        double value = naive_dot(d, t->u, x) + t->v * p->y[i];
        sum += value * (naive_dot(d, x, Mx) + p->y[i] * naive_dot(d, t->r, xq));
    }
    return law->n > 0 ? sum / (double)law->n : 0;
}

/* E (yhat - y_q)^2 by `prompts` prompts. */
static inline naive_tally naive_loss(icl_context *context, const naive_law *law, uint64_t seed,
                                     int64_t prompts, const layer_point *t) {
    normal_source source = {.context = context, .seed = seed};
    naive_prompt p;
    naive_tally tally = {0};
    for (int64_t i = 0; i < prompts; i++) {
        naive_draw(law, &source, &p);
        double error = naive_predict(law, &p, t) - p.y[law->n];
        naive_add(&tally, error * error);
    }
    return tally;
}

static inline void set_identity(int64_t d, double *a) {
    memset(a, 0, (size_t)(d * d) * sizeof *a);
    for (int64_t i = 0; i < d; i++)
        a[i * d + i] = 1;
}

/* A naive law with Sigma = A A^T, W = B B^T, A and B random. sigma, W: d x d or NULL. */
static inline naive_law random_naive_law(icl_context *context, uint64_t seed, int64_t d, int64_t n,
                                         double noise, double *sigma, double *W) {
    naive_law law = {.d = d, .n = n, .noise = noise};
    double z[2 * MAX_DD], t[MAX_DD];
    fill_normal(context, seed, 2 * d * d, z);
    for (int64_t i = 0; i < d * d; i++) {
        law.sigma_root[i] = 0.7 * z[i] / sqrt((double)d);
        law.prior_root[i] = z[d * d + i] / sqrt((double)d);
    }
    for (int64_t i = 0; i < d; i++) {
        law.sigma_root[i * d + i] += 0.5;
        law.prior_root[i * d + i] += 0.3;
    }
    naive_transpose(d, law.sigma_root, t);
    naive_product(d, law.sigma_root, t, sigma);
    naive_transpose(d, law.prior_root, t);
    naive_product(d, law.prior_root, t, W);
    return law;
}

#endif
