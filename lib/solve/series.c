/* Ridge, or least squares of least norm, on the features
 *
 *     1 and psi_j(x_i + shift),   j = 1..N - 1,   i = 1..d,
 *
 * cosines or Haar wavelets, orthonormal on [0, 1]: as everywhere a factor that grows by an example
 * (triangle.h), here in one lane of eight; while there are fewer examples than features, and no
 * ridge, a basis of their rows; the singular values of the features where pivots are in doubt.
 */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"
#include "solve/triangle.h"

enum { LANES = 8 };

/* What is behind the scratch, m features. */
typedef struct series {
    int64_t m, rows;        /* rows of the basis: min(n, m), 0 with a ridge */
    double *factor, *basis; /* lanes */
    double *fit;            /* lanes: m, the fit while t < m and there is no ridge */
    double *row, *work;     /* lanes: m + 1, m */
    double *spread;         /* least and greatest square while t < m */
    double *w, *x;          /* m each: coefficients; the features of one x */
    double *features;       /* n x m */
    double *rest;
} series;

static int64_t features_of(const icl_solver *solver) {
    return 1 + solver->dim * (solver->options.terms - 1);
}

static int64_t rows_of(const icl_solver *solver, int64_t n) {
    int64_t m = features_of(solver);
    return solver->options.ridge > 0 ? 0 : n < m ? n : m;
}

/* Without the scratch of the singular values. */
static int64_t own_size(const icl_solver *solver, int64_t n) {
    int64_t m = features_of(solver), lanes = icl_triangle_entries(m) + 3 * m + 1;
    lanes = icl_sum(lanes, icl_product(rows_of(solver, n), m, 1));
    return icl_sum(icl_product(lanes, LANES, 1), icl_sum(2 + 2 * m, icl_product(n, m, 1)));
}

/* The singular values of any prefix: work space falls where a shape passes from wide to tall. */
static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    int64_t m = features_of(solver), most = icl_filtered_scratch(n, m);
    for (int64_t t = 0; t < n && t < 4 * m && most >= 0; t++) {
        int64_t doubles = icl_filtered_scratch(t, m);
        most = doubles < 0 || doubles > most ? doubles : most;
    }
    return most < 0 ? most : icl_sum(own_size(solver, n), most);
}

static series series_of(const icl_solver *solver, const icl_sample *sample) {
    int64_t m = features_of(solver), rows = rows_of(solver, sample->n);
    series s = {.m = m, .rows = rows, .factor = sample->scratch};
    s.basis = s.factor + LANES * icl_triangle_entries(m);
    s.fit = s.basis + LANES * rows * m;
    s.row = s.fit + LANES * m;
    s.work = s.row + LANES * (m + 1);
    s.spread = s.work + LANES * m;
    s.w = s.spread + 2;
    s.x = s.w + m;
    s.features = s.x + m;
    s.rest = s.features + sample->n * m;
    return s;
}

/* sqrt2 cos(pi j t), j = 1..terms - 1. They have period 2: no t is too large. */
static void cosines(int64_t terms, double t, double *out) {
    double reduced = fmod(fabs(t), 2);
    for (int64_t j = 1; j < terms; j++)
        out[j - 1] = sqrt(2) * cos(acos(-1) * fmod((double)j * reduced, 2));
}

/* psi_j(t), j = 1..terms - 1: each level has one wavelet that is not 0 at t. */
static void wavelets(int64_t terms, double t, double *out) {
    memset(out, 0, (size_t)(terms - 1) * sizeof *out);
    if (!(t >= 0 && t < 1))
        return;
    for (int64_t width = 1; width < terms; width *= 2) {
        double place = t * (double)width, k = floor(place), size = sqrt((double)width);
        int64_t j = width + (int64_t)k;
        if (j < terms)
            out[j - 1] = place - k < 0.5 ? size : -size;
    }
}

static void evaluate(const icl_solver *solver, const double *x, double *out) {
    const icl_solver_options *o = &solver->options;
    *out++ = 1;
    for (int64_t i = 0; i < solver->dim; i++, out += o->terms - 1)
        if (o->basis == ICL_BASIS_HAAR)
            wavelets(o->terms, x[i] + o->shift, out);
        else
            cosines(o->terms, x[i] + o->shift, out);
}

static void begin(const icl_solver *solver, icl_sample *sample) {
    series s = series_of(solver, sample);
    double lambda[LANES] __attribute__((aligned(64)));
    for (int lane = 0; lane < LANES; lane++)
        lambda[lane] = solver->options.ridge;
    icl_triangle_kernels_of(solver->context)->reset(s.m, lambda, s.factor);
    memset(s.fit, 0, (size_t)(LANES * s.m) * sizeof(double));
    memset(s.row, 0, (size_t)(LANES * (s.m + 1)) * sizeof(double));
    s.spread[0] = INFINITY;
    s.spread[1] = 0;
}

static void append(const icl_solver *solver, icl_sample *sample) {
    const icl_triangle_kernels *kernels = icl_triangle_kernels_of(solver->context);
    series s = series_of(solver, sample);
    int64_t t = sample->t;
    double *features = s.features + t * s.m, square[LANES] __attribute__((aligned(64)));
    evaluate(solver, sample->X + t * sample->d, features);
    memset(s.row, 0, (size_t)(LANES * (s.m + 1)) * sizeof(double));
    for (int64_t j = 0; j < s.m; j++)
        s.row[LANES * j] = features[j];
    s.row[LANES * s.m] = sample->y[t];
    if (t < s.rows) {
        kernels->extend(s.m, t, s.row, s.basis, s.fit, square, s.work);
        s.spread[0] = fmin(s.spread[0], square[0]);
        s.spread[1] = fmax(s.spread[1], icl_frobenius(s.m, features, features));
    }
    kernels->append(s.m, s.row, s.factor);
}

static icl_status fit(const icl_solver *solver, icl_sample *sample, icl_solver_report *report) {
    series s = series_of(solver, sample);
    double least[LANES] __attribute__((aligned(64))) = {s.spread[0]};
    double most[LANES] __attribute__((aligned(64))) = {s.spread[1]};
    double lambda = solver->options.ridge;
    const double *from = s.fit;
    int64_t t = sample->t, rank = t < s.m ? t : s.m;
    if (lambda > 0 || t >= s.m) {
        icl_triangle_kernels_of(solver->context)->solve(s.m, s.factor, s.row, least, most);
        from = s.row;
    }
    for (int64_t j = 0; j < s.m; j++)
        s.w[j] = from[LANES * j];
    icl_status status = ICL_OK;
    if (!icl_triangle_safe(*least, *most))
        status = icl_filtered_solve(t, s.m, s.features, sample->y, lambda, s.rest,
                                    sample->scratch_size - own_size(solver, sample->n), s.w, &rank);
    report->step = lambda;
    if (lambda == 0)
        report->rank = (int32_t)rank;
    if (lambda == 0 && rank < s.m)
        report->stop = ICL_STOP_SINGULAR;
    return status;
}

static double answer(const icl_solver *solver, const icl_sample *sample, const double *x) {
    series s = series_of(solver, sample);
    evaluate(solver, x, s.x);
    return icl_frobenius(s.m, s.w, s.x);
}

static const icl_learner learner = {begin, append, fit, answer};
const icl_algorithm icl_algorithm_series = {
    .examples = 1, .scratch = scratch_size, .learner = &learner, .road = &icl_road_learner};
