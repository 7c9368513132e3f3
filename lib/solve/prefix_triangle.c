/* The road of RIDGE, LEAST_SQUARES and BAYES: triangular factors of eight prompts side by side,
 * that grow by an example a prefix (triangle.h). A prompt whose pivots spread too far to tell its
 * rank or to trust its digits is run for itself at that prefix, by the singular values of X.
 *
 * A solver's penalty is known beforehand, and its factor begins as lambda I; or it is 0, and the
 * answer that of least squares, which all such solvers share; or it is estimated from the residuals
 * of least squares, and added to a copy of their factor. BAYES sees covariates R^T x and labels y -
 * mu.x, where W = R R^T, and has a system of its own for that.
 */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/ridge.h"
#include "solve/triangle.h"

/* The factors of eight prompts, for parts that share covariates and labels. */
typedef struct triangle_system {
    const icl_prefix_run *run;
    const icl_triangle_kernels *kernels;
    int64_t d, first, lanes;  /* prompts first..first + lanes - 1 */
    const icl_law *law;       /* of BAYES; NULL: covariates and labels as they are */
    int fits;                 /* 1: least squares are kept */
    double *query, *row;      /* lanes: d, d + 1 */
    double *basis, *work;     /* lanes: d x d, 2 d */
    double *fit, *fit_factor; /* lanes: least squares w, and its factor */
    double *w, *other_factor; /* lanes: of one part; least squares with a penalty */
    double *parts;            /* lanes: of each part its penalty, < 0 where that is estimated,
                                 then a factor where it is > 0 */
    double *plain;            /* 2 d: vectors of one prompt */
    double *refit;            /* scratch of icl_refit */
    double norm_least[ICL_LANES], norm_most[ICL_LANES]; /* squares in the basis; of the rows */
    int fit_safe[ICL_LANES];
} triangle_system;

enum { LANES = ICL_LANES };

static int64_t scratch_size(const icl_prefix_run *run, const icl_prefix_part *parts,
                            int64_t count) {
    int64_t d = run->d, m = run->n < d ? run->n : d, refit = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t doubles = icl_refit_scratch(run, &parts[i]);
        refit = doubles > refit ? doubles : refit;
    }
    int64_t entries = 6 * d + 1 + m * d + count;
    int64_t lanes = icl_sum(entries, icl_product(count + 2, icl_triangle_entries(d), 1));
    return icl_sum(icl_product(lanes, LANES, 1), icl_sum(2 * d, refit));
}

static double *take(double **at, int64_t count) {
    double *taken = *at;
    *at += count;
    return taken;
}

static triangle_system lay_out(const icl_prefix_run *run, int64_t count, int64_t group,
                               double *at) {
    int64_t d = run->d, m = run->n < d ? run->n : d, entries = icl_triangle_entries(d);
    triangle_system s = {.run = run,
                         .kernels = icl_triangle_kernels_of(run->context),
                         .d = d,
                         .first = group * LANES,
                         .lanes = icl_batch_lanes(run->batch, group)};
    s.query = take(&at, LANES * d);
    s.row = take(&at, LANES * (d + 1));
    s.basis = take(&at, LANES * m * d);
    s.work = take(&at, LANES * 2 * d);
    s.fit = take(&at, LANES * d);
    s.w = take(&at, LANES * d);
    s.fit_factor = take(&at, LANES * entries);
    s.other_factor = take(&at, LANES * entries);
    s.parts = take(&at, LANES * (entries + 1) * count);
    s.plain = take(&at, 2 * d);
    s.refit = at;
    return s;
}

/* ---- covariates and labels ---- */

/* out = R^T x */
static void whiten(const icl_root *root, int64_t d, const double *x, double *out) {
    if (root->dense == NULL) {
        for (int64_t i = 0; i < d; i++)
            out[i] = root->diagonal != NULL ? root->diagonal[i] * x[i] : x[i];
        return;
    }
    memset(out, 0, (size_t)d * sizeof *out);
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < d; i++)
            out[i] += x[k] * root->dense[k * d + i];
}

/* mu.x of the prior mean. */
static double mean_of(const triangle_system *s, const double *x) {
    return s->law != NULL && s->law->mean != NULL ? icl_frobenius(s->d, s->law->mean, x) : 0;
}

static void load_queries(triangle_system *s, int64_t t) {
    for (int64_t lane = 0; lane < s->lanes; lane++) {
        const double *x = icl_prefix_query(s->run, s->first + lane, t);
        if (s->law != NULL)
            whiten(&s->law->prior_root, s->d, x, s->plain);
        for (int64_t j = 0; j < s->d; j++)
            s->query[LANES * j + lane] = s->law != NULL ? s->plain[j] : x[j];
    }
}

/* The queries of prefix t with their labels, as rows for a factor. */
static void load_rows(triangle_system *s, int64_t t) {
    int64_t n = s->run->n;
    memcpy(s->row, s->query, (size_t)(LANES * s->d) * sizeof(double));
    for (int64_t lane = 0; lane < s->lanes; lane++) {
        int64_t prompt = s->first + lane;
        s->row[LANES * s->d + lane] =
            s->run->batch->y[prompt * n + t] - mean_of(s, icl_prefix_query(s->run, prompt, t));
    }
}

/* ---- safety ---- */

/* w of a factor, and in which lanes it can be trusted. */
static void solve_factor(const triangle_system *s, const double *factor, double *w, int *safe) {
    double *least = s->work, *most = least + LANES;
    s->kernels->solve(s->d, factor, w, least, most);
    for (int64_t lane = 0; lane < s->lanes; lane++)
        safe[lane] = icl_triangle_safe(least[lane], most[lane]);
}

/* ---- least squares ---- */

static void begin_fit(triangle_system *s) {
    const double none[LANES] __attribute__((aligned(64))) = {0};
    s->kernels->reset(s->d, none, s->fit_factor);
    memset(s->fit, 0, (size_t)(LANES * s->d) * sizeof(double));
    for (int64_t lane = 0; lane < LANES; lane++) {
        s->norm_least[lane] = INFINITY;
        s->norm_most[lane] = 0;
        s->fit_safe[lane] = 1;
    }
}

/* Least squares of prefix t: while t < d it is at hand. */
static void find_fit(triangle_system *s, int64_t t) {
    if (t >= s->d)
        solve_factor(s, s->fit_factor, s->fit, s->fit_safe);
    else
        for (int64_t lane = 0; lane < s->lanes; lane++)
            s->fit_safe[lane] =
                t == 0 || icl_triangle_safe(s->norm_least[lane], s->norm_most[lane]);
}

/* The rows of prefix t to all that least squares keep. */
static void extend_fit(triangle_system *s, int64_t t) {
    double *square = s->work, *work = square + LANES;
    if (t < s->d) {
        s->kernels->extend(s->d, t, s->row, s->basis, s->fit, square, s->other_factor);
        s->kernels->dot(s->d, s->row, s->row, work);
        for (int64_t lane = 0; lane < s->lanes; lane++) {
            s->norm_least[lane] = fmin(s->norm_least[lane], square[lane]);
            s->norm_most[lane] = fmax(s->norm_most[lane], work[lane]);
        }
    }
    s->kernels->append(s->d, s->row, s->fit_factor);
}

/* ---- one part ---- */

/* Where a part keeps its penalty. */
static double *penalty_of(const triangle_system *s, int64_t part) {
    return s->parts + part * LANES * (icl_triangle_entries(s->d) + 1);
}

static double *factor_of(const triangle_system *s, int64_t part) {
    return penalty_of(s, part) + LANES;
}

/* Penalties that do not depend on the examples. */
static void set_penalty(const triangle_system *s, const icl_prefix_part *part, double *lambda) {
    const icl_solver *solver = part->solver;
    for (int64_t lane = 0; lane < LANES; lane++) {
        lambda[lane] = 0;
        if (lane >= s->lanes || solver->options.method == ICL_METHOD_LEAST_SQUARES)
            continue;
        double noise = s->run->batch->noise[s->first + lane];
        lambda[lane] = s->law != NULL                ? s->law->noise
                       : icl_ridge_estimates(solver) ? -1
                                                     : icl_ridge_penalty(solver, noise, 0);
    }
}

/* Penalties from the residuals of least squares on t examples. */
static void estimate_penalty(const triangle_system *s, const icl_prefix_part *part, int64_t t,
                             double *lambda) {
    const double *rest = s->fit_factor + LANES * icl_triangle_rest(s->d);
    for (int64_t lane = 0; lane < s->lanes; lane++) {
        double estimate = part->solver->options.ridge;
        if (t > s->d)
            estimate = rest[lane] / (double)(t - s->d);
        lambda[lane] = icl_ridge_penalty(part->solver, 0, estimate);
    }
}

static void write_answer(const triangle_system *s, const icl_prefix_part *part, int64_t lane,
                         int64_t t, double answer, icl_solver_report *report) {
    int64_t d = s->d, prompt = s->first + lane;
    double *w = s->plain, *z = w + d;
    for (int64_t j = 0; j < d; j++)
        z[j] = s->w[LANES * j + lane];
    if (s->law == NULL) {
        w = z;
    } else if (part->weights != NULL) {
        icl_root_apply(&s->law->prior_root, d, z, w);
        for (int64_t j = 0; s->law->mean != NULL && j < d; j++)
            w[j] += s->law->mean[j];
    }
    answer += mean_of(s, icl_prefix_query(s->run, prompt, t));
    for (int64_t k = 0; k < part->count; k++)
        icl_prefix_put(s->run, part, prompt, t, k, answer, w, report);
    icl_prefix_report(s->run, part, prompt, t, report);
}

/* The part's w: of its own factor where lambda > 0, of least squares where it is 0. */
static void find_weights(triangle_system *s, const icl_prefix_part *part, const double *factor,
                         const double *lambda, int *safe) {
    int any = 0;
    for (int64_t lane = 0; lane < s->lanes; lane++)
        any |= lambda[lane] > 0;
    if (any && icl_ridge_estimates(part->solver)) {
        memcpy(s->other_factor, s->fit_factor,
               (size_t)(LANES * icl_triangle_entries(s->d)) * sizeof(double));
        s->kernels->penalise(s->d, lambda, s->row, s->other_factor);
        factor = s->other_factor;
    }
    if (any)
        solve_factor(s, factor, s->w, safe);
    else
        memcpy(s->w, s->fit, (size_t)(LANES * s->d) * sizeof(double));
    for (int64_t lane = 0; lane < s->lanes; lane++) {
        if (lambda[lane] > 0)
            continue;
        safe[lane] = s->fit_safe[lane];
        for (int64_t j = 0; any && j < s->d; j++)
            s->w[LANES * j + lane] = s->fit[LANES * j + lane];
    }
}

static icl_solver_report report_of(const triangle_system *s, const icl_prefix_part *part,
                                   double lambda, int64_t t) {
    icl_solver_report report = {.stop = ICL_STOP_CONVERGED, .rank = -1};
    if (s->law != NULL)
        return report;
    if (lambda == 0 && t < s->d)
        report.stop = ICL_STOP_SINGULAR;
    if (part->solver->options.method == ICL_METHOD_LEAST_SQUARES)
        report.rank = (int32_t)(t < s->d ? t : s->d);
    report.step = lambda;
    return report;
}

static void answer(triangle_system *s, const icl_prefix_part *part, int64_t index, int64_t t) {
    double lambda[LANES] __attribute__((aligned(64)));
    double answers[LANES] __attribute__((aligned(64)));
    int safe[LANES] = {0}, estimates = icl_ridge_estimates(part->solver);
    memcpy(lambda, penalty_of(s, index), sizeof lambda);
    if (estimates)
        estimate_penalty(s, part, t, lambda);
    find_weights(s, part, factor_of(s, index), lambda, safe);
    s->kernels->dot(s->d, s->query, s->w, answers);
    for (int64_t lane = 0; lane < s->lanes; lane++) {
        /* an estimate is of the fit, and no better */
        if (!safe[lane] || !(lambda[lane] < INFINITY) || (estimates && !s->fit_safe[lane])) {
            icl_refit(s->run, part, s->first + lane, t, NULL, s->refit);
            continue;
        }
        icl_solver_report report = report_of(s, part, lambda[lane], t);
        write_answer(s, part, lane, t, answers[lane], &report);
    }
}

/* ---- a system ---- */

static int belongs(const triangle_system *s, const icl_prefix_part *part) {
    return part->solver->law == s->law;
}

static int owns_factor(const triangle_system *s, int64_t part) {
    const double *lambda = penalty_of(s, part);
    for (int64_t lane = 0; lane < s->lanes; lane++)
        if (lambda[lane] > 0)
            return 1;
    return 0;
}

static void begin(triangle_system *s, const icl_prefix_part *parts, int64_t count) {
    memset(s->query, 0, (size_t)(LANES * s->d) * sizeof(double)); /* lanes without a prompt */
    memset(s->row, 0, (size_t)(LANES * (s->d + 1)) * sizeof(double));
    s->fits = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!belongs(s, &parts[i]))
            continue;
        double *lambda = penalty_of(s, i);
        set_penalty(s, &parts[i], lambda);
        for (int64_t lane = 0; lane < s->lanes; lane++)
            s->fits |= !(lambda[lane] > 0);
        if (owns_factor(s, i))
            s->kernels->reset(s->d, lambda, factor_of(s, i));
    }
    if (s->fits)
        begin_fit(s);
}

static void append(triangle_system *s, const icl_prefix_part *parts, int64_t count, int64_t t) {
    for (int64_t i = 0; i < count; i++)
        if (belongs(s, &parts[i]) && owns_factor(s, i)) {
            load_rows(s, t);
            s->kernels->append(s->d, s->row, factor_of(s, i));
        }
    if (s->fits) {
        load_rows(s, t);
        extend_fit(s, t);
    }
}

static void run_system(triangle_system *s, const icl_prefix_part *parts, int64_t count,
                       const icl_law *law) {
    s->law = law;
    begin(s, parts, count);
    for (int64_t t = 0; t <= s->run->end; t++) {
        int wanted = t >= s->run->begin;
        load_queries(s, t);
        if (s->fits && wanted)
            find_fit(s, t);
        for (int64_t i = 0; wanted && i < count; i++)
            if (belongs(s, &parts[i]))
                answer(s, &parts[i], i, t);
        if (t < s->run->end)
            append(s, parts, count, t);
    }
}

static void run_group(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                      int64_t group, double *scratch) {
    triangle_system s = lay_out(run, count, group, scratch);
    int plain = 0;
    for (int64_t i = 0; i < count; i++) {
        if (parts[i].solver->law != NULL)
            run_system(&s, parts, count, parts[i].solver->law);
        else if (!plain++)
            run_system(&s, parts, count, NULL);
    }
}

const icl_road icl_road_triangle = {scratch_size, run_group};
