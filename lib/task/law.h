/* A law from the inside. Read by samplers, solvers and theory; written by law.c only. */
#ifndef ICL_TASK_LAW_H
#define ICL_TASK_LAW_H

#include <icl/task.h>

#include "base/context.h"

/* A covariance A = root root^T, in the cheapest of three forms. */
typedef struct icl_root {
    const double *diagonal; /* d: root = diag(diagonal); NULL: see dense */
    const double *dense;    /* d x d; both NULL: root = I */
} icl_root;

struct icl_law {
    icl_context *context;
    _Atomic int64_t *references; /* of the block of matrices, shared by icl_law_with */
    double *block;               /* all arrays below */
    int64_t dim;                 /* d */
    int64_t examples;            /* n */
    double noise;                /* E sigma^2 */
    double noise_square;         /* E sigma^4 */
    icl_noise_law noise_law;     /* FIXED also where all levels are one */
    double sigma;                /* FIXED: the level, UNIFORM: the greatest */
    const double *levels;        /* SET */
    int64_t level_count;
    icl_covariates covariates;
    icl_labels labels;
    int64_t hidden;
    icl_label_fn label_fn;
    void *label_user;
    int signed_labels;        /* 1: f carries a random sign */
    const double *covariance; /* Sigma, d x d */
    const double *values;     /* its eigenvalues, ascending, and */
    const double *vectors;    /* its eigenvectors, one a row */
    icl_root root;            /* of Sigma */
    int64_t rotation_every; /* > 0: the Sigma of a prompt is V diag(scales)^2 V^T, V its own, and */
    const double *scales;   /* `covariance` the mean; d, ascending */
    const double *inverse_scales; /* W is V diag(inverse_scales)^2 V^T; NULL: W is fixed */
    const double *prior;          /* the covariance of w, d x d; NULL unless labels are LINEAR */
    icl_root prior_root;          /* its root */
    icl_tasks tasks;
    int64_t sparsity;   /* SPARSE */
    int64_t pool_count; /* 0: no pool */
    const double *pool; /* pool_count x d */
    icl_root task_root; /* w = mu + task_root z; prior_root but for SPARSE */
    const double *mean; /* mu; NULL: 0 */
    double freedom;     /* STUDENT */
    icl_scale scale;
    double scale_shape;                     /* not FIXED */
    icl_activation activation;              /* NET */
    double amplitude_least, amplitude_most; /* SINE */
    icl_queries queries;
    double query_scale; /* 1 unless SCALED */
    int64_t depth;      /* TREE */
    int64_t terms;      /* SERIES, and */
    icl_basis basis;    /* the standard deviations of b times the size of psi_j, d x (N - 1) */
    const double *amplitudes;
    icl_kernel kernel; /* GAUSSIAN_PROCESS */
    double bandwidth;
    int64_t active; /* coordinates of x from here on are 0: d but while a curriculum is drawn */
};

/* a = radial and b = kurtosis in E (v.z)^2 z z^T = a (|v|^2 I + 2 v v^T) + b diag(v_j^2) for the
 * coordinates of x = R z; a is infinite for Student's t of freedom <= 4. */
double icl_law_radial(const icl_law *law);
double icl_law_kurtosis(const icl_law *law);

/* 1 if x ~ N(0, Sigma) given Sigma. */
int icl_law_normal_covariates(const icl_law *law);

/* All of a caller's options but for the values of the matrices. */
icl_status icl_law_check_options(icl_context *context, const icl_law_options *options);

/* The kind of queries and their scale, and whether the law's n is one that they can have. */
icl_status icl_law_check_queries(const icl_law *law, const char *function);

/* Whether all that is drawn is finite, squares too, also where tails are heavy; and a sampler without
 * that check, for those who look at its covariates only. */
icl_status icl_law_check_power(const icl_law *law, const char *function);
icl_status icl_sampler_of(icl_context *context, const icl_law *law, uint64_t seed,
                          icl_sampler **out);

/* 1 if labels have a w. */
static inline int icl_labels_weighted(icl_labels labels) {
    return labels != ICL_LABELS_NET && labels != ICL_LABELS_TREE && labels != ICL_LABELS_SERIES &&
           labels != ICL_LABELS_GAUSSIAN_PROCESS;
}

/* Numbers b that a SERIES has. */
static inline int64_t icl_law_coefficients(const icl_law_options *o) {
    return o->labels == ICL_LABELS_SERIES ? o->dim * (o->terms - 1) : 0;
}

/* 1 if the examples of a prompt lie in one quadrant. */
static inline int icl_law_quadrants(const icl_law *law) {
    return law->queries >= ICL_QUERIES_RANDOM_QUADRANT;
}

/* Doubles of law->block but for the levels of the noise, and what fills them. room: 2 d^2 + d. */
int64_t icl_law_block_size(const icl_law_options *options);
icl_status icl_law_build(icl_law *law, const icl_law_options *options, double *room);

/* Fills `pool` (K x d) with the caller's entries, or draws them, and makes it the law's. */
icl_status icl_law_fill_pool(icl_law *law, const icl_law_options *options, double *pool);

/* mean (d) and covariance (d x d) of the entries of the law's pool. */
void icl_law_pool_moments(const icl_law *law, double *mean, double *covariance);

/* Why the moments of these labels are not known; NULL if they are for Gaussian covariates. */
const char *icl_law_no_label_moments(const icl_law *law);

/* Why K, C and the risks of Gamma are not those of one Sigma; NULL if they are. */
const char *icl_law_no_moments(const icl_law *law);

/* Why w given examples is not the normal variable of Bayesian linear regression; NULL if it is. */
const char *icl_law_no_posterior(const icl_law *law);

/* 1 if f and -f are equally likely: then the even part of a layer has no gradient at u = r = 0. */
int icl_law_symmetric(const icl_law *law);

/* 1 if labels are linear and w ~ N(0, W). */
int icl_law_normal_weights(const icl_law *law);

/* Shares the law: pair with icl_law_free. NULL if memory is short (last error set). */
icl_status icl_law_share(const icl_law *law, icl_law **out);

/* out (d) = root * z. out and z may not overlap. */
void icl_root_apply(const icl_root *root, int64_t dim, const double *z, double *out);

#endif
