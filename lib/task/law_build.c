/* The matrices of a law and its pool, from the options. */
#include <math.h>
#include <string.h>

#include "task/covariance.h"

static double mean_of(int64_t count, const double *values) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

/* A source with eigenvalues, for a Sigma whose rotation is drawn: their roots go to scales (d),
 * those of their inverses, for a prior INVERSE, to inverse (d); the source becomes the mean of
 * Sigma. */
static icl_status build_rotating(icl_law *law, const icl_law_options *o, double *room,
                                 icl_covariance_source *source, double *scales, double *inverse) {
    int64_t d = o->dim;
    ICL_TRY(icl_covariance_sort(law->context, source->name, d, source->values, scales));
    double mean = mean_of(d, scales);
    if (o->labels == ICL_LABELS_LINEAR && o->prior == ICL_COVARIANCE_INVERSE) {
        ICL_TRY(icl_covariance_check_inverse(law->context, d, scales[0], scales[d - 1]));
        for (int64_t i = 0; i < d; i++)
            inverse[i] = sqrt(1 / scales[i]);
        law->inverse_scales = inverse;
    }
    for (int64_t i = 0; i < d; i++) {
        scales[i] = sqrt(scales[i]);
        room[i] = mean;
    }
    law->rotation_every = o->rotation_every;
    law->scales = scales;
    source->kind = ICL_COVARIANCE_DIAGONAL;
    source->values = room;
    return ICL_OK;
}

/* Sigma, its vectors, root and values, at `block`; *end is what follows them. */
static icl_status build_covariance(icl_law *law, const icl_law_options *o, double *room,
                                   double *block, icl_covariance_parts *sigma, double **end) {
    int64_t d = o->dim, dd = d * d;
    icl_covariance_source source = {.name = "covariance_values",
                                    .kind = o->covariance,
                                    .values = o->covariance_values,
                                    .trace = o->trace,
                                    .seed = o->rotation_seed};
    *sigma = (icl_covariance_parts){block, block + 3 * dd, block + dd, block + 2 * dd, {0}};
    *end = block + 3 * dd + 3 * d;
    ICL_TRY(icl_covariance_resolve(law->context, d, &source, room));
    if (o->rotation_every > 0)
        ICL_TRY(build_rotating(law, o, room, &source, *end - 2 * d, *end - d));
    ICL_TRY(icl_covariance_build(law->context, d, &source, sigma));
    law->covariance = sigma->matrix;
    law->values = sigma->values;
    law->vectors = sigma->vectors;
    law->root = sigma->form;
    return ICL_OK;
}

/* w has (s / d) W for its covariance, and W's root for its draws, which goes to `copy` (d). */
static void make_sparse(icl_law *law, icl_covariance_parts *prior, double *copy) {
    int64_t d = law->dim;
    double share = (double)law->sparsity / (double)d;
    int identity = prior->form.diagonal == NULL;
    for (int64_t i = 0; i < d; i++) {
        copy[i] = identity ? 1 : prior->form.diagonal[i];
        prior->matrix[i * (d + 1)] *= share;
        prior->root[i] = sqrt(prior->matrix[i * (d + 1)]);
    }
    prior->form.diagonal = prior->root;
    law->task_root.diagonal = identity ? NULL : copy;
}

/* W, its root and mu. `room` holds what is needed of W only while it is made. */
static icl_status build_prior(icl_law *law, const icl_law_options *o, double *room, double *block,
                              const icl_covariance_parts *sigma) {
    int64_t d = o->dim, dd = d * d;
    icl_covariance_source source = {.name = "prior_values",
                                    .kind = o->prior,
                                    .values = o->prior_values,
                                    .seed = o->rotation_seed,
                                    .stream = 1};
    icl_covariance_parts prior = {block, room + dd, room + dd + d, block + dd, {0}};
    double *mean = block + 2 * dd, *copy = mean + d;
    if (law->inverse_scales != NULL) { /* the mean of W */
        for (int64_t i = 0; i < d; i++)
            room[i] = law->inverse_scales[i] * law->inverse_scales[i];
        double average = mean_of(d, room);
        source.kind = ICL_COVARIANCE_SCALAR;
        source.values = &average;
        ICL_TRY(icl_covariance_resolve(law->context, d, &source, room));
        ICL_TRY(icl_covariance_build(law->context, d, &source, &prior));
    } else if (o->prior == ICL_COVARIANCE_INVERSE) {
        ICL_TRY(icl_covariance_invert(law->context, d, sigma, &prior));
    } else {
        ICL_TRY(icl_covariance_resolve(law->context, d, &source, room));
        ICL_TRY(icl_covariance_build(law->context, d, &source, &prior));
    }
    law->task_root = prior.form;
    if (o->tasks == ICL_TASKS_SPARSE)
        make_sparse(law, &prior, copy);
    law->prior = prior.matrix;
    law->prior_root = prior.form;
    for (int64_t i = 0; o->prior_mean != NULL && i < d; i++)
        if (o->prior_mean[i] != 0)
            law->mean = memcpy(mean, o->prior_mean, (size_t)d * sizeof *mean);
    return ICL_OK;
}

/* The pool, at `pool`; of linear labels, whose W is at `block`, its mean and covariance take the
 * place of mu and W. */
static icl_status build_pool(icl_law *law, const icl_law_options *o, double *room, double *block,
                             double *pool) {
    int64_t d = o->dim, dd = d * d;
    ICL_TRY(icl_law_fill_pool(law, o, pool));
    if (o->labels != ICL_LABELS_LINEAR)
        return ICL_OK;
    icl_covariance_parts prior = {block, room + dd, room + dd + d, block + dd, {0}};
    icl_covariance_source source = {
        .name = "pool_values", .kind = ICL_COVARIANCE_DENSE, .values = room};
    double *mean = block + 2 * dd;
    icl_law_pool_moments(law, mean, room);
    ICL_TRY(icl_check_array(law->context, "icl_law_create", "covariance of pool_values", room, dd));
    ICL_TRY(icl_covariance_build(law->context, d, &source, &prior));
    law->prior_root = law->task_root = prior.form;
    law->mean = NULL;
    for (int64_t i = 0; i < d; i++)
        if (mean[i] != 0)
            law->mean = mean;
    return ICL_OK;
}

int64_t icl_law_block_size(const icl_law_options *o) {
    return 5 * o->dim * o->dim + 5 * o->dim + o->pool * o->dim + icl_law_coefficients(o);
}

/* sqrt(E b_ij^2) max psi_j, so that the functions of the basis are of size 1. */
static void build_series(icl_law *law, const icl_law_options *o, double *amplitudes) {
    int64_t terms = o->terms, d = o->dim;
    law->amplitudes = amplitudes;
    for (int64_t j = 1, width = 1; j < terms; j++) {
        width = j == 2 * width ? j : width;
        double size = sqrt(o->basis == ICL_BASIS_HAAR ? (double)width : 2);
        for (int64_t i = 0; i < d; i++) {
            double decay = o->decay_values != NULL ? o->decay_values[i] : o->decay;
            amplitudes[i * (terms - 1) + j - 1] = pow((double)j, -decay / 2) * size;
        }
    }
}

icl_status icl_law_build(icl_law *law, const icl_law_options *o, double *room) {
    icl_covariance_parts sigma;
    double *block = law->block;
    ICL_TRY(build_covariance(law, o, room, block, &sigma, &block));
    if (o->labels == ICL_LABELS_LINEAR)
        ICL_TRY(build_prior(law, o, room, block, &sigma));
    double *end = law->block + icl_law_block_size(o); /* a law has but one of these */
    if (o->labels == ICL_LABELS_SERIES)
        build_series(law, o, end - icl_law_coefficients(o));
    return o->pool == 0 ? ICL_OK : build_pool(law, o, room, block, end - o->pool * o->dim);
}
