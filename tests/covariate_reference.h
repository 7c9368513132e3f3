/* Covariates before their covariance, recomputed from <icl/task.h> in long double. */
#ifndef ICL_TESTS_COVARIATE_REFERENCE_H
#define ICL_TESTS_COVARIATE_REFERENCE_H

#include "prompt_reference.h"

/* z <- radius z / ||z|| */
static inline void wide_normalise(int64_t d, long double radius, sized *z) {
    long double norm2 = 0, size = 0;
    for (int64_t i = 0; i < d; i++)
        norm2 += z[i].value * z[i].value;
    long double norm = sqrtl(norm2);
    for (int64_t i = 0; i < d; i++)
        size += fabsl(z[i].value) * z[i].size / norm2;
    for (int64_t i = 0; i < d; i++) {
        z[i].size = radius * (z[i].size + fabsl(z[i].value) * (1 + size)) / norm;
        z[i].value *= radius / norm;
    }
}

/* out (d) = shift + root z */
static inline void wide_affine(int64_t d, const double *root, const double *shift, const sized *z,
                               sized *out) {
    for (int64_t i = 0; i < d; i++) {
        out[i] = (sized){shift != NULL ? shift[i] : 0, shift != NULL ? fabs(shift[i]) : 0};
        for (int64_t k = 0; k < d; k++) {
            out[i].value += root[i * d + k] * z[k].value;
            out[i].size += fabs(root[i * d + k]) * z[k].size;
        }
    }
}

static inline sized wide_normal(uint64_t seed, uint64_t purpose, int64_t prompt, int64_t e) {
    long double z = reference_prompt_normal(seed, purpose, prompt, e);
    return (sized){z, 1 + fabsl(z)};
}

/* z times chi / sqrt(freedom) or, inverse, times sqrt(freedom - 2) / chi, of number `index` of a
 * purpose. */
static inline void wide_stretch(int64_t d, uint64_t seed, uint64_t purpose, int64_t prompt,
                                int64_t index, double freedom, int inverse, int64_t count,
                                sized *z) {
    reference_chi chi = reference_chi_of(seed, purpose, prompt, index, freedom);
    long double off = reference_chi_error_of(&chi, freedom) / chi.value;
    long double factor = inverse ? sqrtl((long double)freedom - 2) / chi.value
                                 : chi.value / sqrtl((long double)freedom);
    for (int64_t j = 0; j < count; j++) {
        long double size = fabsl(z[j].value) * (1 + off / TOL_PROMPT(d, 0));
        z[j].value *= factor;
        z[j].size = factor * (z[j].size + size);
    }
}

/* z of vector `index` of the examples or the queries. */
static inline void wide_covariates(const icl_law_options *o, uint64_t seed, int64_t prompt,
                                   int query, int64_t index, sized *z) {
    int64_t d = o->dim;
    for (int64_t j = 0; j < d; j++) {
        z[j] = wide_normal(seed, query ? 5 : 3, prompt, index * d + j);
        if (o->covariates != ICL_COVARIATES_UNIFORM)
            continue;
        long double u = reference_prompt_uniform(seed, query ? 5 : 3, prompt, index * d + j);
        z[j] = (sized){u, 1 + fabsl(u)};
    }
    if (o->covariates == ICL_COVARIATES_SPHERE)
        wide_normalise(d, sqrtl((long double)d), z);
    if (o->covariates == ICL_COVARIATES_STUDENT)
        wide_stretch(d, seed, query ? 21 : 20, prompt, index, o->freedom, 1, d, z);
    if (o->scale == ICL_SCALE_EXAMPLE)
        wide_stretch(d, seed, query ? 23 : 22, prompt, index, 2 * o->scale_shape, 0, d, z);
    if (o->scale == ICL_SCALE_PROMPT)
        wide_stretch(d, seed, 22, prompt, 0, 2 * o->scale_shape, 0, d, z);
    for (int64_t j = 0; j < d && o->scale == ICL_SCALE_COORDINATE; j++)
        wide_stretch(d, seed, 22, prompt, j, 2 * o->scale_shape, 0, 1, z + j);
}

#endif
