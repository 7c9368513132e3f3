/* From the options' description of a covariance to its matrix, eigenvectors and root. */
#ifndef ICL_TASK_COVARIANCE_H
#define ICL_TASK_COVARIANCE_H

#include "task/law.h"

/* What the options say of a covariance. */
typedef struct icl_covariance_source {
    const char *name; /* of the field with the values, for texts */
    icl_covariance kind;
    const double *values;
    icl_trace trace;
    uint64_t seed, stream; /* of the rotation */
} icl_covariance_source;

/* What a covariance is made into; the caller owns the arrays. */
typedef struct icl_covariance_parts {
    double *matrix;  /* d x d */
    double *values;  /* d, ascending, none below 0 */
    double *vectors; /* d x d, one a row */
    double *root;    /* d x d, room for the root in either form */
    icl_root form;   /* points into root */
} icl_covariance_parts;

/* The kind becomes IDENTITY, DIAGONAL, DENSE or SPECTRUM, the values those of the trace asked for,
 * finite. room: d x d, where they go if they are no longer the caller's. */
icl_status icl_covariance_resolve(const icl_context *context, int64_t dim,
                                  icl_covariance_source *source, double *room);

/* All parts of a source that was resolved. */
icl_status icl_covariance_build(const icl_context *context, int64_t dim,
                                const icl_covariance_source *source, icl_covariance_parts *out);

/* out = of^-1, with the same eigenvectors. */
icl_status icl_covariance_invert(const icl_context *context, int64_t dim,
                                 const icl_covariance_parts *of, icl_covariance_parts *out);

/* ICL_ERR_SINGULAR unless the inverse of a matrix with these extreme eigenvalues is known. */
icl_status icl_covariance_check_inverse(const icl_context *context, int64_t dim, double least,
                                        double greatest);

/* The d eigenvalues `values`, none below 0 but by rounding: in ascending order to `out`. */
icl_status icl_covariance_sort(const icl_context *context, const char *name, int64_t dim,
                               const double *values, double *out);

#endif
