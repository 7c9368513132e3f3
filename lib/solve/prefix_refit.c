/* The road of algorithms that know nothing of prefixes: each prefix is a prompt of its own, whose
 * moments are those of the prefix before and one example.
 */
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"

/* LAPACK's work space may fall where a shape passes from wide to tall, and not beyond. */
int64_t icl_refit_own(const icl_solver *solver, int64_t n) {
    int64_t most = solver->algorithm->scratch(solver, n), end = 4 * solver->dim;
    if (solver->algorithm->learner != NULL)
        return most; /* it meets all prefixes there */
    for (int64_t t = 0; t < n && t < end && most >= 0; t++) {
        int64_t doubles = solver->algorithm->scratch(solver, t);
        if (doubles < 0 || doubles > most)
            most = doubles;
    }
    return most;
}

static int64_t path_rows(const icl_prefix_part *part) {
    return part->solver->algorithm->steps ? part->count : 0;
}

/* w, the path, then the algorithm's own. */
int64_t icl_refit_scratch(const icl_prefix_run *run, const icl_prefix_part *part) {
    return icl_sum(icl_product(path_rows(part) + 1, run->d, 1), part->own);
}

/* Prefix t solved, from the w in the scratch where warm = 1. */
static icl_prompt solve(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                        int64_t t, const double *moments, int warm, double *scratch) {
    const icl_batch *batch = run->batch;
    int64_t d = run->d, first = prompt * run->n;
    int64_t rows = path_rows(part);
    icl_prompt p = {.n = t,
                    .d = d,
                    .X = batch->X + first * d,
                    .y = batch->y + first,
                    .A = moments,
                    .c = moments != NULL ? moments + d * d : NULL,
                    .yy = moments != NULL ? moments[d * (d + 1)] : 0,
                    .noise = batch->noise[prompt],
                    .steps = part->most,
                    .w = scratch,
                    .warm = warm,
                    .path = rows > 0 ? scratch + d : NULL,
                    .grid = part->grid,
                    .grid_count = part->count,
                    .scratch = scratch + (rows + 1) * d,
                    .scratch_size = part->own};
    icl_solver_run(part->solver, &p, moments == NULL || icl_all_finite(moments, d * (d + 1)));
    return p;
}

static void put(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt, int64_t t,
                icl_prompt *p) {
    const double *query = icl_prefix_query(run, prompt, t);
    for (int64_t k = 0; k < part->count; k++) {
        const double *w = p->path != NULL ? p->path + k * run->d : p->w;
        double answer = icl_solver_answer(part->solver, w, query);
        icl_prefix_put(run, part, prompt, t, k, answer, w, &p->report);
    }
    icl_prefix_report(run, part, prompt, t, &p->report);
}

void icl_refit(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt, int64_t t,
               const double *moments, double *scratch) {
    icl_prompt p = solve(run, part, prompt, t, moments, 0, scratch);
    put(run, part, prompt, t, &p);
}

/* A += x x^T, c += y x, y^T y += y^2 */
static void add_example(int64_t d, const double *x, double y, double *moments) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            moments[i * d + j] += x[i] * x[j];
    for (int64_t i = 0; i < d; i++)
        moments[d * d + i] += y * x[i];
    moments[d * (d + 1)] += y * y;
}

static int64_t scratch_size(const icl_prefix_run *run, const icl_prefix_part *parts,
                            int64_t count) {
    int64_t most = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t doubles = icl_refit_scratch(run, &parts[i]);
        most = doubles > most ? doubles : most;
    }
    return icl_sum(run->d * (run->d + 1) + 1, most);
}

static void run_prompt(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                       int64_t prompt, double *scratch) {
    int64_t d = run->d;
    double *moments = scratch, *rest = moments + d * (d + 1) + 1;
    const double *y = run->batch->y + prompt * run->n;
    memset(moments, 0, (size_t)(d * (d + 1) + 1) * sizeof *moments);
    for (int64_t t = 0; t <= run->end; t++) {
        for (int64_t i = 0; t >= run->begin && i < count; i++)
            icl_refit(run, &parts[i], prompt, t,
                      parts[i].solver->algorithm->examples ? NULL : moments, rest);
        if (t < run->end)
            add_example(d, icl_prefix_query(run, prompt, t), y[t], moments);
    }
}

static void run_group(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                      int64_t group, double *scratch) {
    int64_t first = group * ICL_LANES, lanes = icl_batch_lanes(run->batch, group);
    for (int64_t prompt = first; prompt < first + lanes; prompt++)
        run_prompt(run, parts, count, prompt, scratch);
}

const icl_road icl_road_refit = {scratch_size, run_group};

/* ---- from prefix to prefix ---- */

/* All prefixes from the first on are solved, so that an answer does not depend on which are wanted.
 */
static void run_warm(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                     double *scratch) {
    int64_t d = run->d;
    double *moments = scratch, *w = moments + d * (d + 1) + 1;
    const double *y = run->batch->y + prompt * run->n;
    memset(moments, 0, (size_t)(d * (d + 1) + 1) * sizeof *moments);
    for (int64_t t = 0; t <= run->end; t++) {
        icl_prompt p = solve(run, part, prompt, t, moments, t > 0, w);
        if (t >= run->begin)
            put(run, part, prompt, t, &p);
        if (t < run->end)
            add_example(d, icl_prefix_query(run, prompt, t), y[t], moments);
    }
}

static void run_group_warm(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                           int64_t group, double *scratch) {
    int64_t first = group * ICL_LANES, lanes = icl_batch_lanes(run->batch, group);
    for (int64_t prompt = first; prompt < first + lanes; prompt++)
        for (int64_t i = 0; i < count; i++)
            run_warm(run, &parts[i], prompt, scratch);
}

const icl_road icl_road_warm = {scratch_size, run_group_warm};
