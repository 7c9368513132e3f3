/* Laws for the tests of tasks, and their prompts recomputed from <icl/task.h>, value by value in
 * long double, with plain loops over the documented streams.
 */
#ifndef ICL_TESTS_PROMPT_REFERENCE_H
#define ICL_TESTS_PROMPT_REFERENCE_H

#include "random_reference.h"
#include "task/law.h"

enum { MAX_DIM = 132, MAX_HIDDEN = 16, COVARIANCES = 4 };

/* What varies beside Sigma: five priors without and with a mean, the non-linear labels, g of the
 * caller as it is and declared odd; then all of these with uniform covariates and each law of the
 * noise level in turn. */
enum {
    PRIORS = 5,
    FIRST_NONLINEAR = 2 * PRIORS,
    PLAIN_VARIANTS = FIRST_NONLINEAR + 7,
    VARIANTS = 2 * PLAIN_VARIANTS
};

/* Options with the arrays they point to: not to be copied. */
typedef struct law_case {
    icl_law_options options;
    double eigenvalues[MAX_DIM], dense[MAX_DIM * MAX_DIM], mean[MAX_DIM], levels[3];
} law_case;

static inline int test_label(int64_t count, const double *s, double *out, void *user) {
    (void)user;
    for (int64_t k = 0; k < count; k++)
        out[k] = s[k] + 0.5 * s[k] * s[k];
    return 0;
}

static inline int test_odd_label(int64_t count, const double *s, double *out, void *user) {
    (void)user;
    for (int64_t k = 0; k < count; k++)
        out[k] = s[k] / (1 + s[k] * s[k]);
    return 0;
}

static inline void set_variant(int variant, law_case *c) {
    icl_law_options *o = &c->options;
    if (variant >= PLAIN_VARIANTS) {
        o->covariates = ICL_COVARIATES_UNIFORM;
        o->noise_law = (icl_noise_law)(variant % 3);
        o->noise_values = c->levels;
        o->noise_count = 3;
        variant -= PLAIN_VARIANTS;
    }
    if (variant < FIRST_NONLINEAR) {
        o->prior = (icl_covariance)(variant % PRIORS);
        o->prior_values = o->prior == ICL_COVARIANCE_DENSE ? c->dense : c->eigenvalues;
        o->prior_mean = variant >= PRIORS ? c->mean : NULL;
        return;
    }
    int labels = variant - FIRST_NONLINEAR + ICL_LABELS_TANH;
    o->label_odd = labels > ICL_LABELS_CALLBACK;
    o->labels = o->label_odd ? ICL_LABELS_CALLBACK : (icl_labels)labels;
    if (o->labels == ICL_LABELS_CALLBACK)
        o->label_fn = o->label_odd ? test_odd_label : test_label;
    o->hidden = 3;
}

static inline void make_case(int covariance, int variant, int64_t d, int64_t n, double noise,
                             law_case *c) {
    memset(c, 0, sizeof *c);
    ck_assert_int_eq(icl_law_options_init(&c->options, sizeof c->options), ICL_OK);
    ck_assert_int_le(d, MAX_DIM);
    for (int64_t i = 0; i < d; i++) {
        c->eigenvalues[i] = 0.25 + (double)(i * 7 % 5);
        c->mean[i] = 0.5 - (double)(i % 3);
        for (int64_t j = 0; j < d; j++)
            c->dense[i * d + j] = (i == j) + 1 / (1 + fabs((double)(i - j)));
    }
    c->options.dim = d;
    c->options.context = n;
    c->options.noise = noise;
    c->options.covariance = (icl_covariance)covariance;
    c->options.covariance_values = covariance == ICL_COVARIANCE_DENSE ? c->dense : c->eigenvalues;
    c->options.rotation_seed = 31;
    for (int i = 0; i < 3; i++)
        c->levels[i] = (0.5 + 0.5 * i) * sqrt(noise);
    set_variant(variant, c);
}

static inline icl_law *make_law(icl_context *context, const icl_law_options *options) {
    icl_law *law;
    ASSERT_OK(context, icl_law_create(context, options, &law));
    return law;
}

/* Refused, *out NULL, and the text says `word`. */
static inline void refuse_law(icl_context *context, const icl_law_options *o, icl_status status,
                              const char *word) {
    icl_law *law = (icl_law *)context;
    ASSERT_FAILS(context, status, word, icl_law_create(context, o, &law));
    ck_assert_ptr_null(law);
}

/* A sampler of the law, which it keeps alive by itself. */
static inline icl_sampler *make_sampler(icl_context *context, const icl_law_options *options,
                                        uint64_t seed) {
    icl_law *law = make_law(context, options);
    icl_sampler *sampler;
    ASSERT_OK(context, icl_sampler_create(context, law, seed, &sampler));
    icl_law_free(law);
    return sampler;
}

/* A batch with prompts first..first + B - 1 and all contents. */
static inline icl_batch *draw_prompts(icl_context *context, const icl_sampler *sampler,
                                      int64_t first, int64_t prompts, int64_t queries) {
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, queries, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, first, batch));
    return batch;
}

/* Prompts pa.. of a and pb.. of b have equal bits, in their queries and all that both hold, but for
 * their noise. */
static inline void check_same_arrays(const icl_batch *a, int64_t pa, const icl_batch *b, int64_t pb,
                                     int64_t count) {
    int64_t n = icl_batch_context(a), q = icl_batch_queries(a), d = icl_batch_dim(a);
    const double *left[] = {icl_batch_X(a),      icl_batch_y(a),    icl_batch_query(a),
                            icl_batch_target(a), icl_batch_task(a), icl_batch_S(a),
                            icl_batch_b(a),      icl_batch_syy(a)};
    const double *right[] = {icl_batch_X(b),      icl_batch_y(b),    icl_batch_query(b),
                             icl_batch_target(b), icl_batch_task(b), icl_batch_S(b),
                             icl_batch_b(b),      icl_batch_syy(b)};
    const int64_t sizes[] = {n * d, n, q * d, q, d, d * d, d, 1};
    for (int i = 0; i < 8; i++)
        if (left[i] != NULL && right[i] != NULL)
            ck_assert_msg(memcmp(left[i] + pa * sizes[i], right[i] + pb * sizes[i],
                                 (size_t)(count * sizes[i]) * sizeof(double)) == 0,
                          "array %d of prompt %lld differs", i, (long long)pa);
}

/* The noise levels, too: of two batches that were drawn. */
static inline void check_same_prompts(const icl_batch *a, int64_t pa, const icl_batch *b,
                                      int64_t pb, int64_t count) {
    check_same_arrays(a, pa, b, pb, count);
    ck_assert_mem_eq(icl_batch_noise(a) + pa, icl_batch_noise(b) + pb,
                     (size_t)count * sizeof(double));
    ck_assert_mem_eq(icl_batch_task_index(a) + pa, icl_batch_task_index(b) + pb,
                     (size_t)count * sizeof(int64_t));
}

/* ---- one prompt from its definition ---- */

/* What a covariate, a task's entry or a label may be off by, relative to its `sized` size: the
 * normals of x and of w, the sums over d in root z, root' z' and w.x, the sum over a net's m units,
 * and a dozen single operations, square roots and label functions. */
#define TOL_PROMPT(d, m) (2 * TOL_NORMAL + (3 * (double)(d) + (double)(m) + 16) * UNIT)

/* Roots of Sigma and of W (d x d): Sigma = root root^T. */
typedef struct reference_law {
    icl_law_options options;
    uint64_t seed;
    double *root, *prior_root;
} reference_law;

/* root = Q diag(lambda^(power/2)), the columns of Q by ascending lambda, ties in their order. */
static inline void reference_spectrum(icl_context *context, int64_t d, const double *lambda,
                                      uint64_t seed, uint64_t stream, double power, double *root) {
    double *Q = malloc((size_t)(d * d) * sizeof *Q);
    ASSERT_OK(context, icl_random_rotation(context, seed, stream, d, Q));
    for (int64_t k = 0; k < d; k++) {
        int64_t place = 0;
        for (int64_t l = 0; l < d; l++)
            place += lambda[l] < lambda[k] || (lambda[l] == lambda[k] && l < k);
        for (int64_t i = 0; i < d; i++)
            root[i * d + place] = Q[i * d + k] * pow(lambda[k], 0.5 * power);
    }
    free(Q);
}

/* The eigenvectors of a dense matrix are LAPACK's own choice: there the law says what its root is,
 * and test_law.c holds it against the matrix. */
static inline void reference_root(icl_context *context, int64_t d, icl_covariance kind,
                                  const double *values, uint64_t seed, uint64_t stream,
                                  double power, const icl_root *own, double *root) {
    memset(root, 0, (size_t)(d * d) * sizeof *root);
    if (kind == ICL_COVARIANCE_DENSE)
        memcpy(root, own->dense, (size_t)(d * d) * sizeof *root);
    else if (kind == ICL_COVARIANCE_SPECTRUM)
        reference_spectrum(context, d, values, seed, stream, power, root);
    else
        for (int64_t i = 0; i < d; i++)
            root[i * d + i] = kind == ICL_COVARIANCE_IDENTITY ? 1 : pow(values[i], 0.5 * power);
}

static inline reference_law make_reference(icl_context *context, const icl_sampler *sampler,
                                           const icl_law_options *o, uint64_t seed) {
    const icl_law *law = icl_sampler_law(sampler);
    int64_t d = o->dim;
    reference_law r = {.options = *o, .seed = seed};
    r.root = malloc((size_t)(d * d) * sizeof *r.root);
    r.prior_root = malloc((size_t)(d * d) * sizeof *r.prior_root);
    reference_root(context, d, o->covariance, o->covariance_values, o->rotation_seed, 0, 1,
                   &law->root, r.root);
    if (o->prior == ICL_COVARIANCE_INVERSE)
        reference_root(context, d, o->covariance, o->covariance_values, o->rotation_seed, 0, -1,
                       &law->prior_root, r.prior_root);
    else
        reference_root(context, d, o->prior, o->prior_values, o->rotation_seed, 1, 1,
                       &law->prior_root, r.prior_root);
    return r;
}

static inline void free_reference(reference_law *r) {
    free(r->root);
    free(r->prior_root);
}

/* One number and the sum of the sizes of what it is summed from, the scale of its rounding. */
typedef struct sized {
    long double value, size;
} sized;

/* out (d) = root z */
static inline void reference_affine(int64_t d, const double *root, const long double *z,
                                    sized *out) {
    for (int64_t i = 0; i < d; i++) {
        out[i] = (sized){0, 0};
        for (int64_t k = 0; k < d; k++) {
            out[i].value += root[i * d + k] * z[k];
            out[i].size += fabs(root[i * d + k]) * (1 + fabsl(z[k])); /* a normal's error, too */
        }
    }
}

static inline sized reference_dot(int64_t d, const sized *w, const sized *x) {
    sized sum = {0, 0};
    for (int64_t i = 0; i < d; i++) {
        sum.value += w[i].value * x[i].value;
        sum.size += w[i].size * x[i].size;
    }
    return sum;
}

typedef struct reference_task {
    sized w[MAX_HIDDEN * (MAX_DIM + 1)]; /* or the net's w_k, then a_k */
    int sign;
    long double sigma; /* the noise level */
} reference_task;

/* The standard deviation of the noise. */
static inline long double reference_level(const reference_law *r, int64_t prompt) {
    const icl_law_options *o = &r->options;
    uint64_t words[4];
    reference_prompt_words(r->seed, 8, prompt, 0, words);
    double u = reference_uniform(words[0]);
    if (o->noise_law == ICL_NOISE_SET)
        return o->noise_values[(int64_t)(u * (double)o->noise_count)];
    return (o->noise_law == ICL_NOISE_UNIFORM ? u : 1) * sqrtl(o->noise);
}

static inline void reference_draw_task(const reference_law *r, int64_t prompt, reference_task *t) {
    const icl_law_options *o = &r->options;
    int net = o->labels == ICL_LABELS_NET;
    int64_t d = o->dim, count = net ? o->hidden * (d + 1) : d;
    long double z[MAX_DIM];
    for (int64_t e = 0; e < count; e++) {
        long double normal = reference_prompt_normal(r->seed, 1, prompt, e);
        t->w[e] = (sized){normal, 1 + fabsl(normal)};
        if (!net)
            z[e] = normal;
    }
    uint64_t words[4];
    reference_prompt_words(r->seed, 2, prompt, 0, words);
    int odd = o->labels != ICL_LABELS_RELU && (o->labels != ICL_LABELS_CALLBACK || o->label_odd);
    t->sign = !odd && words[0] >> 63 ? -1 : 1;
    t->sigma = reference_level(r, prompt);
    if (net)
        return;
    if (o->labels == ICL_LABELS_LINEAR) {
        reference_affine(d, r->prior_root, z, t->w);
        for (int64_t i = 0; o->prior_mean != NULL && i < d; i++) {
            t->w[i].value += o->prior_mean[i];
            t->w[i].size += fabs(o->prior_mean[i]);
        }
        return;
    }
    long double norm2 = 0;
    for (int64_t i = 0; i < d; i++)
        norm2 += z[i] * z[i];
    long double norm = sqrtl(norm2), norm_size = 1 + sqrtl((long double)d) / norm;
    for (int64_t i = 0; i < d; i++)
        t->w[i] = (sized){z[i] / norm, (1 + fabsl(z[i])) / norm + fabsl(z[i]) / norm * norm_size};
}

static inline sized reference_net(const reference_law *r, const reference_task *t, const sized *x) {
    int64_t d = r->options.dim, m = r->options.hidden;
    sized sum = {0, 0};
    for (int64_t k = 0; k < m; k++) {
        sized s = reference_dot(d, t->w + k * d, x), a = t->w[m * d + k];
        sum.value += a.value * fmaxl(s.value, 0);
        sum.size += a.size * s.size;
    }
    long double scale = sqrtl(2.0L / (long double)m);
    return (sized){scale * sum.value, scale * sum.size};
}

/* f(x): g(s) is as exact as s, times the largest slope of g up to |s|, plus its own rounding. */
static inline sized reference_label(const reference_law *r, const reference_task *t,
                                    const sized *x) {
    const icl_law_options *o = &r->options;
    if (o->labels == ICL_LABELS_NET)
        return reference_net(r, t, x);
    sized s = reference_dot(o->dim, t->w, x);
    long double v = s.value, square = v * v;
    switch (o->labels) {
    case ICL_LABELS_TANH:
        return (sized){tanhl(v), s.size + 1};
    case ICL_LABELS_RELU:
        return (sized){t->sign * fmaxl(v, 0), s.size};
    case ICL_LABELS_SIN:
        return (sized){sinl(2 * v), 2 * s.size + 1};
    case ICL_LABELS_CUBIC:
        return (sized){v * square, 3 * square * s.size + fabsl(v) * square};
    case ICL_LABELS_CALLBACK:
        return o->label_odd
                   ? (sized){v / (1 + square), s.size + 1}
                   : (sized){t->sign * (v + 0.5L * square), (1 + fabsl(v)) * s.size + square};
    default:
        return s;
    }
}

/* Example (purposes 3 and 4) or query (5 and 6) `index` of a prompt: x (d) and its label. */
static inline sized reference_example(const reference_law *r, const reference_task *t,
                                      int64_t prompt, int query, int64_t index, sized *x) {
    const icl_law_options *o = &r->options;
    long double z[MAX_DIM];
    int uniform = o->covariates == ICL_COVARIATES_UNIFORM;
    for (int64_t j = 0; j < o->dim; j++)
        z[j] = (uniform ? reference_prompt_uniform : reference_prompt_normal)(
            r->seed, query ? 5 : 3, prompt, index * o->dim + j);
    reference_affine(o->dim, r->root, z, x);
    sized y = reference_label(r, t, x);
    if (t->sigma > 0) {
        long double normal = reference_prompt_normal(r->seed, query ? 6 : 4, prompt, index);
        y.value += t->sigma * normal;
        y.size += t->sigma * (1 + fabsl(normal));
    }
    return y;
}

#endif
