#include "task/covariance.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "random/streams.h"

/* Orders eigenvalues and the rows of vectors from the least up: insertion, stable. */
static void sort_pairs(int64_t dim, double *values, double *vectors) {
    for (int64_t i = 1; i < dim; i++)
        for (int64_t k = i; k > 0 && values[k] < values[k - 1]; k--) {
            double value = values[k];
            values[k] = values[k - 1];
            values[k - 1] = value;
            for (int64_t j = 0; j < dim; j++) {
                double entry = vectors[k * dim + j];
                vectors[k * dim + j] = vectors[(k - 1) * dim + j];
                vectors[(k - 1) * dim + j] = entry;
            }
        }
}

/* Negative eigenvalues of at most SLACK of the largest entry are rounding, and taken as 0. */
#define SLACK 1e-12

static double largest_entry(int64_t count, const double *values) {
    double largest = 0;
    for (int64_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(values[i]));
    return largest;
}

static icl_status check_eigenvalues(const icl_context *context, const char *name, int64_t dim,
                                    const double *values) {
    double largest = largest_entry(dim, values);
    for (int64_t i = 0; i < dim; i++)
        ICL_REQUIRE(context, values[i] >= -SLACK * largest, ICL_ERR_NOT_PSD,
                    "icl_law_create: %s: eigenvalue %lld = %g < 0: not positive semi-definite",
                    name, (long long)i, values[i]);
    return ICL_OK;
}

static void copy_eigenvalues(int64_t dim, const double *values, double *out) {
    for (int64_t i = 0; i < dim; i++)
        out[i] = values[i] > 0 ? values[i] : 0;
}

/* root = V diag(sqrt(values)), V's columns the eigenvectors. */
static void dense_root(int64_t dim, icl_covariance_parts *out) {
    for (int64_t k = 0; k < dim; k++) {
        double scale = sqrt(out->values[k]);
        for (int64_t i = 0; i < dim; i++)
            out->root[i * dim + k] = scale * out->vectors[k * dim + i];
    }
    out->form = (icl_root){.dense = out->root};
}

static void set_diagonal(int64_t dim, const double *values, double *matrix) {
    memset(matrix, 0, (size_t)(dim * dim) * sizeof *matrix);
    for (int64_t i = 0; i < dim; i++)
        matrix[i * dim + i] = values != NULL ? values[i] : 1;
}

static void build_diagonal(int64_t dim, const double *values, icl_covariance_parts *out) {
    set_diagonal(dim, NULL, out->vectors);
    for (int64_t i = 0; i < dim; i++)
        out->values[i] = 1;
    if (values != NULL)
        copy_eigenvalues(dim, values, out->values);
    set_diagonal(dim, out->values, out->matrix);
    for (int64_t i = 0; i < dim; i++)
        out->root[i] = sqrt(out->values[i]);
    sort_pairs(dim, out->values, out->vectors);
    out->form = (icl_root){.diagonal = values != NULL ? out->root : NULL};
}

static void build_spectrum(const icl_context *context, int64_t dim, const double *values,
                           uint64_t seed, uint64_t stream, icl_covariance_parts *out) {
    icl_random_haar(context, seed, stream, dim, out->root, out->values);
    for (int64_t k = 0; k < dim; k++)
        for (int64_t i = 0; i < dim; i++)
            out->vectors[k * dim + i] = out->root[i * dim + k];
    copy_eigenvalues(dim, values, out->values);
    sort_pairs(dim, out->values, out->vectors);
    icl_eigen_compose(dim, out->values, out->vectors, out->matrix);
    dense_root(dim, out);
}

static icl_status build_dense(const icl_context *context, const char *name, int64_t dim,
                              const double *values, icl_covariance_parts *out) {
    double largest = largest_entry(dim * dim, values);
    for (int64_t i = 0; i < dim; i++)
        for (int64_t j = 0; j < i; j++) {
            double a = values[i * dim + j], b = values[j * dim + i];
            ICL_REQUIRE(context, fabs(a - b) <= SLACK * largest, ICL_ERR_NOT_PSD,
                        "icl_law_create: %s: not symmetric: entries (%lld, %lld) = %.17g, (%lld, "
                        "%lld) = %.17g",
                        name, (long long)i, (long long)j, a, (long long)j, (long long)i, b);
            out->matrix[i * dim + j] = out->matrix[j * dim + i] = 0.5 * a + 0.5 * b;
        }
    for (int64_t i = 0; i < dim; i++)
        out->matrix[i * dim + i] = values[i * dim + i];
    icl_status status = icl_eigen(context, dim, out->matrix, out->values, out->vectors);
    ICL_REQUIRE(context, status != ICL_ERR_LAPACK, status,
                "icl_law_create: %s: the eigenvalues did not converge", name);
    ICL_TRY(status);
    ICL_TRY(check_eigenvalues(context, name, dim, out->values));
    copy_eigenvalues(dim, out->values, out->values);
    dense_root(dim, out);
    return ICL_OK;
}

icl_status icl_covariance_build(const icl_context *context, int64_t dim,
                                const icl_covariance_source *source, icl_covariance_parts *out) {
    const double *values = source->values;
    switch (source->kind) {
    case ICL_COVARIANCE_IDENTITY:
        build_diagonal(dim, NULL, out);
        return ICL_OK;
    case ICL_COVARIANCE_DENSE:
        return build_dense(context, source->name, dim, values, out);
    default:
        break;
    }
    ICL_TRY(check_eigenvalues(context, source->name, dim, values));
    if (source->kind == ICL_COVARIANCE_DIAGONAL)
        build_diagonal(dim, values, out);
    else
        build_spectrum(context, dim, values, source->seed, source->stream, out);
    return ICL_OK;
}

icl_status icl_covariance_sort(const icl_context *context, const char *name, int64_t dim,
                               const double *values, double *out) {
    ICL_TRY(check_eigenvalues(context, name, dim, values));
    copy_eigenvalues(dim, values, out);
    for (int64_t i = 1; i < dim; i++)
        for (int64_t k = i; k > 0 && out[k] < out[k - 1]; k--) {
            double value = out[k];
            out[k] = out[k - 1];
            out[k - 1] = value;
        }
    return ICL_OK;
}

icl_status icl_covariance_check_inverse(const icl_context *context, int64_t dim, double least,
                                        double greatest) {
    ICL_REQUIRE(context, least > (double)dim * DBL_EPSILON * greatest && isfinite(1 / least),
                ICL_ERR_SINGULAR,
                "icl_law_create: prior = INVERSE of a singular covariance: eigenvalue %g", least);
    return ICL_OK;
}

icl_status icl_covariance_invert(const icl_context *context, int64_t dim,
                                 const icl_covariance_parts *of, icl_covariance_parts *out) {
    ICL_TRY(icl_covariance_check_inverse(context, dim, of->values[0], of->values[dim - 1]));
    for (int64_t k = 0; k < dim; k++)
        out->values[k] = 1 / of->values[k];
    memcpy(out->vectors, of->vectors, (size_t)(dim * dim) * sizeof *out->vectors);
    if (of->form.dense != NULL) {
        icl_eigen_compose(dim, out->values, out->vectors, out->matrix);
        dense_root(dim, out);
        return ICL_OK;
    }
    set_diagonal(dim, NULL, out->matrix);
    for (int64_t i = 0; i < dim; i++) {
        out->matrix[i * dim + i] = 1 / of->matrix[i * dim + i];
        out->root[i] = sqrt(out->matrix[i * dim + i]);
    }
    out->form = (icl_root){.diagonal = of->form.diagonal != NULL ? out->root : NULL};
    return ICL_OK;
}
