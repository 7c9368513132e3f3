/* The road of methods that take examples in order: prefix t goes on from prefix t - 1, and only the
 * later passes of SGD begin anew.
 */
#include <string.h>

#include "linalg/linalg.h"
#include "solve/online.h"
#include "solve/prefix.h"

/* w of all examples so far, one vector for the step to come, w of later passes, their path */
static int64_t scratch_size(const icl_prefix_run *run, const icl_prefix_part *parts,
                            int64_t count) {
    int64_t most = 0;
    for (int64_t i = 0; i < count; i++)
        most = parts[i].count > most ? parts[i].count : most;
    return icl_product(most + 4, run->d, 1);
}

static void put_all(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                    int64_t t, const double *w, int64_t stride, icl_solver_report *report) {
    const double *query = icl_prefix_query(run, prompt, t);
    for (int64_t k = 0; k < part->count; k++) {
        const double *row = w + k * stride;
        icl_prefix_put(run, part, prompt, t, k, icl_frobenius(run->d, row, query), row, report);
    }
    icl_prefix_report(run, part, prompt, t, report);
}

/* sum: of y x over the first t examples */
static void average(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                    double *scratch) {
    int64_t d = run->d;
    double *sum = scratch, *mean = sum + d;
    memset(sum, 0, (size_t)d * sizeof *sum);
    for (int64_t t = 0; t <= run->end; t++) {
        icl_solver_report report = {.stop = ICL_STOP_CONVERGED, .rank = -1};
        for (int64_t j = 0; j < d; j++)
            mean[j] = t > 0 ? sum[j] / (double)t : 0;
        if (t >= run->begin)
            put_all(run, part, prompt, t, mean, 0, &report);
        for (int64_t j = 0; t < run->end && j < d; j++)
            sum[j] += run->batch->y[prompt * run->n + t] * icl_prefix_query(run, prompt, t)[j];
    }
}

/* `once` is where pass 1 over the first t examples ended; the grid may ask for less and for more.
 */
static void finish_passes(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                          int64_t t, const icl_online *once, double *scratch) {
    int64_t d = run->d, first = prompt * run->n;
    int done = part->most > 0 && once->moved && !once->diverged;
    icl_online more = *once;
    icl_prompt p = {.n = t,
                    .d = d,
                    .X = run->batch->X + first * d,
                    .y = run->batch->y + first,
                    .steps = part->most,
                    .w = scratch,
                    .path = scratch + 3 * d,
                    .grid = part->grid,
                    .grid_count = part->count,
                    .report = {.rank = -1}};
    icl_solver_start(part->solver, p.w);
    icl_prompt_record(&p, 0);
    more.w = scratch + d;
    more.diverged = once->diverged && part->most > 0;
    memcpy(more.w, once->w, (size_t)d * sizeof(double));
    if (part->most > 0)
        memcpy(p.w, once->w, (size_t)d * sizeof(double));
    if (done)
        icl_prompt_record(&p, 1);
    icl_online_passes(part->solver, &p, done, scratch + 2 * d, &more);
    icl_prompt_finish(&p);
    put_all(run, part, prompt, t, p.path, d, &p.report);
}

static void descend(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                    double *scratch) {
    int64_t d = run->d;
    int passes = part->solver->algorithm->steps;
    icl_online state = {.w = scratch};
    icl_solver_start(part->solver, state.w);
    for (int64_t t = 0; t <= run->end; t++) {
        icl_solver_report report = {
            .stop = ICL_STOP_CONVERGED, .rank = -1, .step = part->solver->options.step};
        if (state.diverged)
            report.stop = ICL_STOP_DIVERGED;
        if (t >= run->begin && passes)
            finish_passes(run, part, prompt, t, &state, scratch + d);
        else if (t >= run->begin)
            put_all(run, part, prompt, t, state.w, 0, &report);
        if (t < run->end)
            icl_online_take(part->solver, icl_prefix_query(run, prompt, t),
                            run->batch->y[prompt * run->n + t], scratch + d, &state);
    }
}

static void run_group(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                      int64_t group, double *scratch) {
    int64_t first = group * ICL_LANES, lanes = icl_batch_lanes(run->batch, group);
    for (int64_t prompt = first; prompt < first + lanes; prompt++)
        for (int64_t i = 0; i < count; i++)
            if (parts[i].solver->options.method == ICL_METHOD_AVERAGE)
                average(run, &parts[i], prompt, scratch);
            else
                descend(run, &parts[i], prompt, scratch);
}

const icl_road icl_road_online = {scratch_size, run_group};
