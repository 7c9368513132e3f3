/* The laws that the tests of tasks go through, each with what theory must know about it. */
#ifndef ICL_TESTS_TASK_CASES_H
#define ICL_TESTS_TASK_CASES_H

#include "label_reference.h"

enum { WIDE_DIM = 8, WIDE_CONTEXT = 12, WIDE_QUERIES = 4 };

/* Where the arrays of a case lie that law_case has no room for. */
typedef struct wide_case {
    law_case base;
    double number, pool[3 * WIDE_DIM];
} wide_case;

/* ---- the cases ---- */

static inline void set_scalar(wide_case *c) {
    c->number = 2.5;
    c->base.options.covariance = ICL_COVARIANCE_SCALAR;
    c->base.options.covariance_values = &c->number;
    c->base.options.prior = ICL_COVARIANCE_SCALAR;
    c->base.options.prior_values = &c->number;
}

static inline void set_halves(wide_case *c) {
    c->number = 100;
    c->base.options.covariance = ICL_COVARIANCE_HALVES;
    c->base.options.covariance_values = &c->number;
    c->base.options.trace = ICL_TRACE_DIM;
    c->base.options.prior = ICL_COVARIANCE_INVERSE;
}

static inline void set_power(wide_case *c) {
    c->number = 1.5;
    c->base.options.covariance = ICL_COVARIANCE_POWER;
    c->base.options.covariance_values = &c->number;
    c->base.options.prior = ICL_COVARIANCE_POWER;
    c->base.options.prior_values = &c->number;
}

static inline void set_trace_one(wide_case *c) {
    c->base.options.trace = ICL_TRACE_ONE;
}

static inline void set_dense_trace(wide_case *c) {
    c->base.options.covariance = ICL_COVARIANCE_DENSE;
    c->base.options.covariance_values = c->base.dense;
    c->base.options.trace = ICL_TRACE_DIM;
}

static inline void set_sphere_tasks(wide_case *c) {
    c->base.options.tasks = ICL_TASKS_SPHERE;
    c->base.options.prior = ICL_COVARIANCE_SPECTRUM;
    c->base.options.prior_values = c->base.eigenvalues;
    c->base.options.prior_mean = c->base.mean;
}

static inline void set_sparse_tasks(wide_case *c) {
    c->base.options.tasks = ICL_TASKS_SPARSE;
    c->base.options.sparsity = (c->base.options.dim + 1) / 2;
}

static inline void set_sparse_diagonal_tasks(wide_case *c) {
    set_sparse_tasks(c);
    c->base.options.covariance = ICL_COVARIANCE_DIAGONAL;
    c->base.options.covariance_values = c->base.eigenvalues;
    c->base.options.prior = ICL_COVARIANCE_INVERSE;
    c->base.options.prior_mean = c->base.mean;
    c->base.options.sparsity = 1;
}

static inline void set_pool(wide_case *c) {
    set_sphere_tasks(c);
    c->base.options.pool = 5;
    c->base.options.pool_seed = 77;
}

static inline void set_pool_of_one(wide_case *c) {
    c->base.options.pool = 1;
}

static inline void set_given_pool(wide_case *c) {
    int64_t d = c->base.options.dim;
    for (int64_t e = 0; e < 3 * d; e++)
        c->pool[e] = 0.5 * (double)((e * e + 1) % 7) - 1;
    c->base.options.pool = 3;
    c->base.options.pool_values = c->pool;
}

static inline void set_pool_of_tanh(wide_case *c) {
    c->base.options.labels = ICL_LABELS_TANH;
    c->base.options.pool = 4;
}

static inline void set_rotating(wide_case *c) {
    set_halves(c);
    c->base.options.prior = ICL_COVARIANCE_IDENTITY;
    c->base.options.rotation_every = 1;
}

static inline void set_rotating_inverse(wide_case *c) {
    c->base.options.covariance = ICL_COVARIANCE_SPECTRUM;
    c->base.options.covariance_values = c->base.eigenvalues;
    c->base.options.prior = ICL_COVARIANCE_INVERSE;
    c->base.options.prior_mean = c->base.mean;
    c->base.options.rotation_every = 3;
}

static inline void set_sphere(wide_case *c) {
    c->base.options.covariates = ICL_COVARIATES_SPHERE;
}

static inline void set_dense_sphere(wide_case *c) {
    set_dense_trace(c);
    c->base.options.covariates = ICL_COVARIATES_SPHERE;
    c->base.options.prior = ICL_COVARIANCE_SPECTRUM;
    c->base.options.prior_values = c->base.eigenvalues;
}

static inline void set_student(wide_case *c) {
    set_dense_trace(c);
    c->base.options.covariates = ICL_COVARIATES_STUDENT;
    c->base.options.freedom = 20.5;
    c->base.options.prior = ICL_COVARIANCE_INVERSE;
}

static inline void set_heavy_student(wide_case *c) {
    c->base.options.covariates = ICL_COVARIATES_STUDENT;
    c->base.options.freedom = 4;
}

static inline void set_scaled_prompts(wide_case *c) {
    set_halves(c);
    c->base.options.scale = ICL_SCALE_PROMPT;
    c->base.options.scale_shape = 0.5;
}

static inline void set_scaled_coordinates(wide_case *c) {
    c->base.options.scale = ICL_SCALE_COORDINATE;
}

static inline void set_scaled_examples(wide_case *c) {
    c->base.options.scale = ICL_SCALE_EXAMPLE;
    c->base.options.scale_shape = 2.7;
}

static inline void set_scaled_cube(wide_case *c) {
    c->base.options.covariates = ICL_COVARIATES_UNIFORM;
    c->base.options.scale = ICL_SCALE_EXAMPLE;
}

static inline void set_scaled_student(wide_case *c) {
    set_rotating(c);
    c->base.options.covariates = ICL_COVARIATES_STUDENT;
    c->base.options.freedom = 2.25;
    c->base.options.scale = ICL_SCALE_COORDINATE;
}

static inline void set_sign(wide_case *c) {
    c->base.options.labels = ICL_LABELS_SIGN;
}

static inline void set_logistic(wide_case *c) {
    set_scalar(c);
    c->base.options.prior = ICL_COVARIANCE_IDENTITY;
    c->base.options.labels = ICL_LABELS_LOGISTIC;
}

static inline void set_quadratic(wide_case *c) {
    set_dense_trace(c);
    c->base.options.labels = ICL_LABELS_QUADRATIC;
}

static inline void set_sine(wide_case *c) {
    c->base.options.labels = ICL_LABELS_SINE;
}

static inline void set_tanh_net(wide_case *c) {
    set_sphere(c);
    c->base.options.labels = ICL_LABELS_NET;
    c->base.options.activation = ICL_ACTIVATION_TANH;
    c->base.options.hidden = 3;
}

static inline void set_tree(wide_case *c) {
    c->base.options.labels = ICL_LABELS_TREE;
    c->base.options.depth = 3;
}

static inline void set_stump(wide_case *c) {
    set_tree(c);
    c->base.options.depth = 1;
    c->base.options.queries = ICL_QUERIES_OPPOSITE_QUADRANT;
}

static inline void set_series(wide_case *c) {
    c->number = 1.0 / 12;
    c->base.options.covariates = ICL_COVARIATES_UNIFORM;
    c->base.options.covariance = ICL_COVARIANCE_SCALAR;
    c->base.options.covariance_values = &c->number;
    c->base.options.labels = ICL_LABELS_SERIES;
    c->base.options.terms = 9;
}

static inline void set_wavelets(wide_case *c) {
    set_series(c);
    c->base.options.basis = ICL_BASIS_HAAR;
    c->base.options.terms = 7;
    for (int64_t j = 0; j < c->base.options.dim; j++)
        c->pool[j] = 1 + 0.5 * (double)j;
    c->base.options.decay_values = c->pool;
}

static inline void set_laplace_process(wide_case *c) {
    c->base.options.labels = ICL_LABELS_GAUSSIAN_PROCESS;
    c->base.options.kernel = ICL_KERNEL_LAPLACE;
    c->base.options.bandwidth = 1.5;
}

static inline void set_gauss_process(wide_case *c) {
    c->base.options.labels = ICL_LABELS_GAUSSIAN_PROCESS;
    c->base.options.bandwidth = 0.05; /* condition numbers of less than 1e12 */
}

static inline void set_pool_of_signs(wide_case *c) {
    set_sign(c);
    c->base.options.pool = 4;
}

static inline void set_scaled_queries(wide_case *c) {
    set_power(c);
    c->base.options.queries = ICL_QUERIES_SCALED;
    c->base.options.query_scale = -1.5;
}

static inline void set_random_quadrant(wide_case *c) {
    set_dense_trace(c);
    c->base.options.queries = ICL_QUERIES_RANDOM_QUADRANT;
}

static inline void set_opposite_quadrant(wide_case *c) {
    set_rotating(c);
    c->base.options.queries = ICL_QUERIES_OPPOSITE_QUADRANT;
}

/* What theory and solvers know of a law, without a simulation where they can do without: K, C and
 * the risks of every Gamma; the Bayes solver; its risk; that of ridge; the layer with u and r not
 * 0, by simulation; the population loss; that off u = r = 0; deep layers; moments without examples.
 */
enum {
    KNOWN_MOMENTS = 1,
    KNOWN_POSTERIOR = 2,
    KNOWN_BAYES = 4,
    KNOWN_RIDGE = 8,
    KNOWN_LAYER = 16,
    KNOWN_LOSS = 32,
    KNOWN_EVEN = 64,
    KNOWN_DEEP = 128,
    KNOWN_DIRECT = 256,
    /* of linear labels with weights of any law */
    KNOWN_LINEAR = KNOWN_MOMENTS | KNOWN_RIDGE | KNOWN_LAYER | KNOWN_LOSS | KNOWN_DIRECT,
    /* of Gaussian weights with covariates that are not */
    KNOWN_SHAPE = KNOWN_MOMENTS | KNOWN_RIDGE | KNOWN_LAYER | KNOWN_POSTERIOR | KNOWN_BAYES,
    /* of labels whose moments are known */
    KNOWN_LABELS = KNOWN_MOMENTS | KNOWN_LAYER | KNOWN_LOSS | KNOWN_EVEN,
    KNOWN_GAUSSIAN = KNOWN_LINEAR | KNOWN_POSTERIOR | KNOWN_BAYES | KNOWN_EVEN
};

static const struct {
    const char *name;
    void (*set)(wide_case *);
    int known;
} wide_laws[] = {{"scalar", set_scalar, KNOWN_GAUSSIAN | KNOWN_DEEP},
                 {"halves", set_halves, KNOWN_GAUSSIAN | KNOWN_DEEP},
                 {"power", set_power, KNOWN_GAUSSIAN},
                 {"trace one", set_trace_one, KNOWN_GAUSSIAN | KNOWN_DEEP},
                 {"dense of trace d", set_dense_trace, KNOWN_GAUSSIAN},
                 {"sphere tasks", set_sphere_tasks, KNOWN_LINEAR},
                 {"sparse tasks", set_sparse_tasks, KNOWN_LINEAR | KNOWN_DEEP},
                 {"sparse diagonal tasks", set_sparse_diagonal_tasks, KNOWN_LINEAR},
                 {"pool", set_pool, KNOWN_LINEAR},
                 {"pool of one", set_pool_of_one, KNOWN_LINEAR},
                 {"given pool", set_given_pool, KNOWN_LINEAR},
                 {"pool of tanh", set_pool_of_tanh, 0},
                 {"a rotation a prompt", set_rotating, KNOWN_POSTERIOR},
                 {"a rotation for three", set_rotating_inverse, 0},
                 {"sphere", set_sphere, KNOWN_SHAPE | KNOWN_DEEP},
                 {"dense sphere", set_dense_sphere, KNOWN_SHAPE},
                 {"Student", set_student, KNOWN_SHAPE | KNOWN_DEEP},
                 {"heavy Student", set_heavy_student, KNOWN_POSTERIOR | KNOWN_BAYES | KNOWN_RIDGE},
                 {"a scale a prompt", set_scaled_prompts, KNOWN_POSTERIOR},
                 {"scales of coordinates", set_scaled_coordinates, KNOWN_POSTERIOR},
                 {"scales of examples", set_scaled_examples, KNOWN_SHAPE | KNOWN_DEEP},
                 {"a scaled cube", set_scaled_cube, KNOWN_SHAPE | KNOWN_DEEP},
                 {"turned, scaled Student", set_scaled_student, KNOWN_POSTERIOR},
                 {"sign", set_sign, KNOWN_LABELS},
                 {"logistic", set_logistic, KNOWN_LABELS},
                 {"quadratic", set_quadratic, 0},
                 {"sine", set_sine, 0},
                 {"tanh net", set_tanh_net, 0},
                 {"tree", set_tree, 0},
                 {"stump", set_stump, 0},
                 {"series", set_series, 0},
                 {"wavelets", set_wavelets, 0},
                 {"Laplace process", set_laplace_process, 0},
                 {"Gauss process", set_gauss_process, 0},
                 {"pool of signs", set_pool_of_signs, 0},
                 {"scaled queries", set_scaled_queries, KNOWN_POSTERIOR | KNOWN_DIRECT},
                 {"random quadrant", set_random_quadrant, KNOWN_POSTERIOR},
                 {"opposite quadrant", set_opposite_quadrant, KNOWN_POSTERIOR}};
enum { WIDE_LAWS = sizeof wide_laws / sizeof *wide_laws };

static inline void make_wide_case(int law, int64_t d, int64_t n, double noise, wide_case *c) {
    make_case(0, 0, d, n, noise, &c->base);
    wide_laws[law].set(c);
}

#endif
