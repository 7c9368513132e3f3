/* What serves a learner (solver.h): its examples one after the other, answers where they are
 * wanted.
 */
#include "solve/prefix.h"
#include "solve/solver.h"

icl_sample icl_sample_begin(const icl_solver *solver, int64_t n, const double *X, const double *y,
                            double *scratch, int64_t scratch_size) {
    icl_sample sample = {
        .n = n, .d = solver->dim, .X = X, .y = y, .scratch = scratch, .scratch_size = scratch_size};
    if (solver->algorithm->learner->begin != NULL)
        solver->algorithm->learner->begin(solver, &sample);
    return sample;
}

void icl_sample_append(const icl_solver *solver, icl_sample *sample) {
    if (solver->algorithm->learner->append != NULL)
        solver->algorithm->learner->append(solver, sample);
    sample->t++;
}

icl_solver_report icl_sample_fit(const icl_solver *solver, icl_sample *sample) {
    icl_solver_report report = {.stop = ICL_STOP_CONVERGED, .rank = -1};
    sample->fitted = sample->t;
    if (solver->algorithm->learner->fit == NULL || sample->t == 0)
        return report;
    if (solver->algorithm->learner->fit(solver, sample, &report) != ICL_OK) {
        report.stop = ICL_STOP_DIVERGED;
        sample->fitted = 0;
    }
    return report;
}

double icl_sample_answer(const icl_solver *solver, const icl_sample *sample, const double *x) {
    return sample->fitted > 0 ? solver->algorithm->learner->answer(solver, sample, x) : 0;
}

/* ---- every prefix ---- */

static int64_t scratch_size(const icl_prefix_run *run, const icl_prefix_part *parts,
                            int64_t count) {
    (void)run;
    int64_t most = 0;
    for (int64_t i = 0; i < count; i++)
        most = parts[i].own > most ? parts[i].own : most;
    return most;
}

static void run_prompt(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                       double *scratch) {
    const icl_solver *solver = part->solver;
    int64_t first = prompt * run->n;
    icl_sample sample = icl_sample_begin(solver, run->n, run->batch->X + first * run->d,
                                         run->batch->y + first, scratch, part->own);
    for (int64_t t = 0; t <= run->end; t++) {
        if (t >= run->begin) {
            icl_solver_report report = icl_sample_fit(solver, &sample);
            double answer = icl_sample_answer(solver, &sample, icl_prefix_query(run, prompt, t));
            for (int64_t k = 0; k < part->count; k++)
                icl_prefix_put(run, part, prompt, t, k, answer, NULL, &report);
            icl_prefix_report(run, part, prompt, t, &report);
        }
        if (t < run->end)
            icl_sample_append(solver, &sample);
    }
}

static void run_group(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                      int64_t group, double *scratch) {
    int64_t first = group * ICL_LANES, lanes = icl_batch_lanes(run->batch, group);
    for (int64_t prompt = first; prompt < first + lanes; prompt++)
        for (int64_t i = 0; i < count; i++)
            run_prompt(run, &parts[i], prompt, scratch);
}

const icl_road icl_road_learner = {scratch_size, run_group};
