/* From the options' description of a covariance to its matrix, eigenvectors and root. */
#ifndef ICL_TASK_COVARIANCE_H
#define ICL_TASK_COVARIANCE_H

#include "task/law.h"

/* What a covariance is made into; the caller owns the arrays. */
typedef struct icl_covariance_parts {
    double *matrix;  /* d x d */
    double *values;  /* d, ascending, none below 0 */
    double *vectors; /* d x d, one a row */
    double *root;    /* d x d, room for the root in either form */
    icl_root form;   /* points into root */
} icl_covariance_parts;

/* name: of the options field, for the text. stream: of the rotation. */
icl_status icl_covariance_build(const icl_context *context, const char *name, int64_t dim,
                                icl_covariance kind, const double *values, uint64_t seed,
                                uint64_t stream, icl_covariance_parts *out);

/* out = of^-1, with the same eigenvectors. */
icl_status icl_covariance_invert(const icl_context *context, int64_t dim,
                                 const icl_covariance_parts *of, icl_covariance_parts *out);

#endif
