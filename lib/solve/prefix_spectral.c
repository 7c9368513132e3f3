/* The road of polynomials in A = X^T X: one eigendecomposition a prefix, of K = X X^T (t x t) while
 * t < d, else of A. With K = U^T diag(l) U, rows u_i, and r = y - X w_0,
 *
 *     f(A) X^T r = X^T f(K) r,   x.(w_k - w_0) = sum_i phi_k(l_i) (u_i.r) (u_i.X x),
 *
 * so that nothing is divided by an eigenvalue on the way; with A, u_i.r becomes v_i.(c - A w_0).
 */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/spectral_filter.h"

/* One prompt at one prefix. */
typedef struct spectral {
    int64_t d, m, t; /* m = min(n, d): the greatest t of K, but for t = n = d */
    const double *X, *y, *query;
    double *A, *c;   /* d x d, d */
    double *K;       /* m x m: the first t rows and columns are there */
    double *inner;   /* m: X x of the query, which becomes K's next row */
    double *vectors; /* d x d: row i belongs to values[i] */
    double *values;  /* d */
    double *b;       /* d: u_i.X x, or v_i.x */
    double *work;    /* of LAPACK */
    int64_t work_size;
    double *a, *g;    /* d: of one part: u_i.r or v_i.(c - A w_0); coordinates of c - A w_0 */
    double *filter;   /* ICL_FILTER_ARRAYS d */
    double *w, *back; /* d */
    double *starts;   /* of each part: r (n), then c - A w_0 (d) */
    icl_spectrum spectrum;
    int usable; /* 0: the moments overflowed, or LAPACK found no end */
} spectral;

static int64_t scratch_size(const icl_prefix_run *run, const icl_prefix_part *parts,
                            int64_t count) {
    (void)parts;
    int64_t d = run->d, m = run->n < d ? run->n : d, starts = icl_product(count, run->n + d, 1);
    int64_t squares = 2 * d * d + m * m, vectors = (8 + ICL_FILTER_ARRAYS) * d;
    return icl_sum(icl_sum(squares + vectors, icl_eigen_scratch(d)), starts);
}

static double *take(double **at, int64_t count) {
    double *taken = *at;
    *at += count;
    return taken;
}

static spectral lay_out(const icl_prefix_run *run, double *at) {
    int64_t d = run->d, m = run->n < d ? run->n : d;
    spectral s = {.d = d, .m = m, .work_size = icl_eigen_scratch(d)};
    s.A = take(&at, d * d);
    s.vectors = take(&at, d * d);
    s.K = take(&at, m * m);
    s.c = take(&at, d);
    s.inner = take(&at, d);
    s.values = take(&at, d);
    s.b = take(&at, d);
    s.a = take(&at, d);
    s.g = take(&at, d);
    s.w = take(&at, d);
    s.back = take(&at, d);
    s.filter = take(&at, ICL_FILTER_ARRAYS * d);
    s.work = take(&at, s.work_size);
    s.starts = at;
    return s;
}

static double *residuals_of(const spectral *s, int64_t n, int64_t part) {
    return s->starts + part * (n + s->d);
}

/* ---- what all parts share ---- */

/* out (rows) = M x, M rows x cols */
static void apply(int64_t rows, int64_t cols, const double *M, const double *x, double *out) {
    for (int64_t i = 0; i < rows; i++)
        out[i] = icl_frobenius(cols, M + i * cols, x);
}

static void add_example(spectral *s, const double *x, double y) {
    int64_t d = s->d;
    for (int64_t i = 0; i < d; i++) {
        s->c[i] += y * x[i];
        for (int64_t j = 0; j < d; j++)
            s->A[i * d + j] += x[i] * x[j];
    }
}

/* The query's inner products as row and column t of K. */
static void grow(spectral *s) {
    int64_t t = s->t;
    for (int64_t j = 0; j < t; j++)
        s->K[t * s->m + j] = s->K[j * s->m + t] = s->inner[j];
    s->K[t * s->m + t] = icl_frobenius(s->d, s->query, s->query);
}

static void decompose(spectral *s) {
    int64_t d = s->d, t = s->t, count = t < d ? t : d;
    s->usable = icl_all_finite(s->A, d * d) && icl_all_finite(s->c, d);
    s->spectrum = (icl_spectrum){.d = d,
                                 .values = s->values,
                                 .zero = icl_moment_tolerance(t, d),
                                 .row_sum = icl_row_sum(d, s->A),
                                 .norm_c = icl_norm(d, s->c)};
    for (int64_t i = 0; t < d && i < t; i++)
        memcpy(s->vectors + i * t, s->K + i * s->m, (size_t)t * sizeof(double));
    s->usable = s->usable && icl_eigen_with(count, t < d ? s->vectors : s->A, s->values, s->vectors,
                                            s->work, s->work_size) == ICL_OK;
    if (!s->usable)
        return;
    s->spectrum.count = count;
    apply(count, count, s->vectors, t < d ? s->inner : s->query, s->b);
}

/* ---- one part ---- */

/* a and g of the part; 0 where they overflow. */
static int set_coordinates(spectral *s, const double *residuals, const double *gradient) {
    int64_t count = s->spectrum.count;
    apply(count, count, s->vectors, s->t < s->d ? residuals : gradient, s->a);
    for (int64_t i = 0; i < count; i++)
        s->g[i] = s->t < s->d ? s->a[i] * sqrt(fmax(s->values[i], 0)) : s->a[i];
    return icl_all_finite(s->g, count);
}

/* w = w_0 + sum_i phi_i a_i v_i, or w_0 + X^T sum_i phi_i a_i u_i */
static void set_weights(spectral *s, const icl_solver *solver, const icl_filter *f) {
    int64_t d = s->d, count = s->spectrum.count;
    icl_solver_start(solver, s->w);
    double *sum = s->t < d ? s->back : s->w;
    if (s->t < d)
        memset(s->back, 0, (size_t)d * sizeof(double));
    for (int64_t i = f->first; i < count; i++)
        for (int64_t j = 0; j < count; j++)
            sum[j] += f->phi[i] * s->a[i] * s->vectors[i * count + j];
    for (int64_t i = 0; s->t < d && i < s->t; i++)
        for (int64_t j = 0; j < d; j++)
            s->w[j] += s->back[i] * s->X[i * d + j];
}

static void answer(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                   spectral *s, const double *residuals, const double *gradient) {
    const icl_solver *solver = part->solver;
    icl_filter f = {.stop = ICL_STOP_DIVERGED};
    double start = solver->start != NULL ? icl_frobenius(s->d, solver->start, s->query) : 0;
    if (s->usable && set_coordinates(s, residuals, gradient))
        icl_filter_begin(&f, solver, &s->spectrum, s->g, part->most, s->filter);
    icl_solver_report report = {.rank = -1};
    for (int64_t k = 0; k < part->count; k++) {
        double sum = 0;
        icl_filter_advance(&f, part->grid[k]);
        for (int64_t i = f.first; i < f.count; i++)
            sum += f.phi[i] * (s->a[i] * s->b[i]);
        if (part->weights != NULL)
            set_weights(s, solver, &f);
        icl_prefix_put(run, part, prompt, s->t, k, start + sum, s->w, &report);
    }
    if (report.stop == ICL_STOP_NONE)
        report.stop = f.stop;
    report.steps = f.step > 0 ? f.step : 0;
    report.step = f.used;
    icl_prefix_report(run, part, prompt, s->t, &report);
}

/* ---- a prompt ---- */

/* r and c - A w_0 of every part go on by one example. */
static void add_residual(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                         spectral *s, const double *x, double y) {
    for (int64_t i = 0; i < count; i++) {
        double *residuals = residuals_of(s, run->n, i), *gradient = residuals + run->n;
        const double *start = parts[i].solver->start;
        double residual = start != NULL ? y - icl_frobenius(s->d, start, x) : y;
        residuals[s->t] = residual;
        for (int64_t j = 0; j < s->d; j++)
            gradient[j] += residual * x[j];
    }
}

static void run_prompt(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                       int64_t prompt, spectral *s) {
    int64_t d = run->d, n = run->n;
    s->X = run->batch->X + prompt * n * d;
    s->y = run->batch->y + prompt * n;
    memset(s->A, 0, (size_t)(d * d) * sizeof(double));
    memset(s->c, 0, (size_t)d * sizeof(double));
    for (int64_t i = 0; i < count; i++)
        memset(residuals_of(s, n, i) + n, 0, (size_t)d * sizeof(double));
    for (int64_t t = 0; t <= run->end; t++) {
        s->t = t;
        s->query = icl_prefix_query(run, prompt, t);
        if (t < d)
            apply(t, d, s->X, s->query, s->inner);
        if (t >= run->begin)
            decompose(s);
        for (int64_t i = 0; t >= run->begin && i < count; i++)
            answer(run, &parts[i], prompt, s, residuals_of(s, n, i), residuals_of(s, n, i) + n);
        if (t == run->end)
            break;
        if (t < s->m)
            grow(s);
        add_example(s, s->query, s->y[t]);
        add_residual(run, parts, count, s, s->query, s->y[t]);
    }
}

static void run_group(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                      int64_t group, double *scratch) {
    int64_t first = group * ICL_LANES, lanes = icl_batch_lanes(run->batch, group);
    spectral s = lay_out(run, scratch);
    for (int64_t prompt = first; prompt < first + lanes; prompt++)
        run_prompt(run, parts, count, prompt, &s);
}

const icl_road icl_road_spectral = {scratch_size, run_group};
