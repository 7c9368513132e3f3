/* Ridge regression on the features H_i = x_i h_i^T, in the smaller of two systems.
 *
 * The rows' Gram matrix is <H_i, H_j> = (x_i.x_j)(h_i.h_j), the entrywise product of two Gram
 * matrices of O(n^2 d) each. The features' own, sum_i vec(H_i) vec(H_i)^T, is summed over chunks of
 * rows, from products of pairs.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/outputs.h"
#include "linalg/linalg.h"
#include "train/fit.h"

static const icl_fit_options default_options = {.size = sizeof default_options};

icl_status icl_fit_options_init(icl_fit_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* LAPACK's int for n^2 and more. */
enum { MOST_UNKNOWNS = 32766, CHUNK_DOUBLES = 1 << 19, BAND = 256 };

typedef struct fit_system {
    const icl_fit *fit;
    int dual;
    int64_t size;     /* n or d (d + 1) */
    double penalty;   /* n ridge / d */
    double *matrix;   /* size x size, the lower triangle */
    double *diagonal; /* size: of the matrix */
    double *solution; /* size: at first the right-hand side */
    double *product;  /* of the primal system: its different entries */
    double *chunk;    /* chunk_rows x size: products of rows; x (d + 1)^2: pairs */
    int64_t chunk_rows;
    double *scaled; /* n x (d + 1): weight_i h_i */
    int64_t rank;
} fit_system;

/* ---- the matrices, lower triangles ---- */

static void rows_gram(fit_system *s) {
    const icl_fit *f = s->fit;
    int64_t n = s->size, d = f->dim, D = d + 1;
    icl_rank_k(0, n, d, f->x, 0, s->matrix);
    for (int64_t first = 0; first < n; first += s->chunk_rows) {
        int64_t last = first + s->chunk_rows < n ? first + s->chunk_rows : n;
        icl_matmul(0, 1, last - first, last, D, f->h + first * D, f->h, s->chunk);
        for (int64_t i = first; i < last; i++)
            for (int64_t j = 0; j <= i; j++)
                s->matrix[i * n + j] *= s->chunk[(i - first) * last + j];
    }
}

/* Products of pairs, v_i v_k for k <= i, at i (i + 1) / 2 + k. */
static void pairs(int64_t n, const double *v, double *out) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k <= i; k++)
            *out++ = v[i] * v[k];
}

/* sum_r x_i x_k h_j h_l is symmetric in (i, k) and in (j, l): a product of two matrices of pairs
 * has its different entries, at about half the cost of a symmetric update. */
static void features_gram(fit_system *s) {
    const icl_fit *f = s->fit;
    int64_t m = s->size, d = f->dim, D = d + 1, px = d * D / 2, ph = D * (D + 1) / 2;
    double *x = s->chunk, *h = x + s->chunk_rows * px;
    memset(s->product, 0, (size_t)(px * ph) * sizeof *s->product);
    for (int64_t first = 0; first < f->rows; first += s->chunk_rows) {
        int64_t rows = f->rows - first < s->chunk_rows ? f->rows - first : s->chunk_rows;
        for (int64_t r = 0; r < rows; r++) {
            pairs(d, f->x + (first + r) * d, x + r * px);
            pairs(D, f->h + (first + r) * D, h + r * ph);
        }
        icl_matmul_add(px, ph, rows, x, h, s->product);
    }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < D; j++)
            for (int64_t k = 0; k <= i; k++) {
                const double *of = s->product + (i * (i + 1) / 2 + k) * ph;
                double *to = s->matrix + (i * D + j) * m + k * D;
                for (int64_t l = 0; l <= j; l++)
                    to[l] = of[j * (j + 1) / 2 + l];
                for (int64_t l = j + 1; l < D; l++)
                    to[l] = of[l * (l + 1) / 2 + j];
            }
}

static void build(fit_system *s) {
    if (s->dual)
        rows_gram(s);
    else
        features_gram(s);
    for (int64_t i = 0; i < s->size; i++) {
        s->matrix[i * s->size + i] += s->penalty;
        s->diagonal[i] = s->matrix[i * s->size + i];
    }
}

/* out (d x (d + 1)) = sum_i weight_i H_i. */
static void sum_features(fit_system *s, const double *weight, double *out) {
    const icl_fit *f = s->fit;
    int64_t D = f->dim + 1;
    for (int64_t i = 0; i < f->rows; i++)
        for (int64_t j = 0; j < D; j++)
            s->scaled[i * D + j] = weight[i] * f->h[i * D + j];
    icl_matmul(1, 0, f->dim, D, f->rows, f->x, s->scaled, out);
}

/* ---- the solution ---- */

/* 1 where a pivot is no more than rounding makes of 0. */
static int is_singular(const fit_system *s) {
    double least = (double)s->size * DBL_EPSILON;
    for (int64_t i = 0; i < s->size; i++) {
        double pivot = s->matrix[i * s->size + i];
        if (pivot * pivot <= least * s->diagonal[i])
            return 1;
    }
    return 0;
}

/* solution = matrix^+ solution by the eigenvalues above size eps times the greatest. */
static icl_status solve_singular(fit_system *s) {
    int64_t n = s->size;
    double *values;
    build(s);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++)
            s->matrix[j * n + i] = s->matrix[i * n + j];
    const icl_context *context = s->fit->context;
    ICL_TRY(ICL_NEW(context, &values, icl_product(n, n + 2, 1)));
    double *part = values + n, *vectors = part + n;
    icl_status status = icl_eigen(context, n, s->matrix, values, vectors);
    if (status == ICL_OK) {
        icl_matmul(0, 0, n, 1, n, vectors, s->solution, part);
        s->rank = 0;
        for (int64_t k = 0; k < n; k++) {
            int counts = values[k] > (double)n * DBL_EPSILON * values[n - 1];
            part[k] = counts ? part[k] / values[k] : 0;
            s->rank += counts;
        }
        icl_matmul(1, 0, n, 1, n, vectors, part, s->solution);
    }
    icl_dealloc(context, values);
    return status;
}

static icl_status solve(fit_system *s) {
    build(s);
    ICL_REQUIRE(s->fit->context, icl_all_finite(s->diagonal, s->size), ICL_ERR_NONFINITE,
                "icl_fit_solve: the squares of the features overflow");
    s->rank = s->size;
    if (icl_cholesky(s->size, s->matrix) != ICL_OK || is_singular(s))
        return solve_singular(s);
    icl_cholesky_solve(s->size, s->matrix, 1, s->solution);
    return ICL_OK;
}

static icl_status make_system(const icl_fit *fit, const icl_fit_options *o, fit_system *s) {
    int64_t n = fit->rows, d = fit->dim, m = d * (d + 1);
    s->fit = fit;
    s->dual = o->system == ICL_FIT_DUAL || (o->system == ICL_FIT_AUTO && n <= m);
    s->size = s->dual ? n : m;
    s->penalty = (double)n / (double)d * o->ridge;
    ICL_REQUIRE(fit->context, s->size <= MOST_UNKNOWNS, ICL_ERR_SIZE,
                "icl_fit_solve: %lld rows in dim %lld make a system of %lld unknowns, at most %d "
                "can be solved",
                (long long)n, (long long)d, (long long)s->size, MOST_UNKNOWNS);
    int64_t D = d + 1, product = s->dual ? 0 : d * D / 2 * (D * (D + 1) / 2);
    s->chunk_rows = s->dual || CHUNK_DOUBLES / m < BAND ? BAND : CHUNK_DOUBLES / m;
    s->chunk_rows = s->chunk_rows < n ? s->chunk_rows : n;
    int64_t chunk = s->chunk_rows * (s->dual ? s->size : D * D);
    ICL_TRY(ICL_NEW(fit->context, &s->matrix,
                    s->size * s->size + 2 * s->size + product + chunk + n * D));
    s->diagonal = s->matrix + s->size * s->size;
    s->solution = s->diagonal + s->size;
    s->product = s->solution + s->size;
    s->chunk = s->product + product;
    s->scaled = s->chunk + chunk;
    return ICL_OK;
}

/* Mean square of the residuals. */
static double residual(fit_system *s, const double *gamma) {
    const icl_fit *f = s->fit;
    int64_t d = f->dim, D = d + 1;
    double sum = 0;
    icl_matmul(0, 0, f->rows, D, d, f->x, gamma, s->scaled);
    for (int64_t i = 0; i < f->rows; i++) {
        double off = icl_frobenius(D, s->scaled + i * D, f->h + i * D) - f->y[i];
        sum += off * off;
    }
    return sum / (double)f->rows;
}

static icl_status check_options(const icl_fit *fit, const char *function,
                                const icl_fit_options *o) {
    ICL_TRY(icl_check_real(fit->context, function, "ridge", o->ridge, 0));
    ICL_REQUIRE(fit->context,
                o->system == ICL_FIT_AUTO || o->system == ICL_FIT_DUAL ||
                    o->system == ICL_FIT_PRIMAL,
                ICL_ERR_ARGUMENT, "%s: system = %d is unknown", function, (int)o->system);
    ICL_REQUIRE(fit->context, fit->rows > 0, ICL_ERR_MISSING,
                "%s: the fit has no rows: call icl_fit_add first", function);
    return ICL_OK;
}

icl_status icl_fit_solve(const icl_fit *fit, const icl_fit_options *options, double *gamma,
                         icl_fit_report *report) {
    if (fit == NULL)
        return ICL_ERR_ARGUMENT;
    icl_fit_options o = default_options;
    ICL_TRY(icl_options_read(fit->context, __func__, options, &o, sizeof o));
    ICL_REQUIRE_POINTER(fit->context, gamma);
    if (report != NULL)
        ICL_TRY(icl_check_output(fit->context, __func__, "report", report));
    ICL_TRY(check_options(fit, __func__, &o));
    int64_t d = fit->dim, m = d * (d + 1);
    fit_system s = {0};
    double *result = NULL;
    icl_status status;
    ICL_TRY_GOTO(make_system(fit, &o, &s), done);
    ICL_TRY_GOTO(ICL_NEW(fit->context, &result, m), done);
    if (s.dual)
        memcpy(s.solution, fit->y, (size_t)fit->rows * sizeof *fit->y);
    else
        sum_features(&s, fit->y, s.solution);
    ICL_TRY_GOTO(solve(&s), done);
    if (s.dual)
        sum_features(&s, s.solution, result);
    else
        memcpy(result, s.solution, (size_t)m * sizeof *result);
    if (!icl_all_finite(result, m)) {
        status = icl_fail(fit->context, ICL_ERR_DIVERGED, "%s: the solution overflows", __func__);
        goto done;
    }
    icl_fit_report r = {
        .dual = s.dual, .rank = s.rank, .norm = sqrt(icl_frobenius(m, result, result))};
    r.loss = residual(&s, result);
    memcpy(gamma, result, (size_t)m * sizeof *gamma);
    if (report != NULL)
        icl_write_output(report, &r, sizeof r);
done:
    icl_dealloc(fit->context, result);
    icl_dealloc(fit->context, s.matrix);
    return status;
}
