/* A solver over a batch: blocks of ICL_SOLVE_BLOCK prompts on the context's threads, each prompt by
 * itself, so that no result depends on who computed it.
 */
#include <math.h>
#include <string.h>

#include "base/scratch.h"
#include "solve/solver.h"
#include "task/batch.h"

typedef struct sweep {
    const icl_solver *solver;
    const icl_batch *batch;
    double *w, *path, *prediction; /* what is wanted: the others are NULL */
    icl_solver_report *reports;
    icl_scratch *scratch;
    int64_t scratch_size; /* of the algorithm */
} sweep;

static int64_t block_end(const sweep *s, int64_t block) {
    int64_t end = (block + 1) * ICL_SOLVE_BLOCK;
    return end < s->batch->prompts ? end : s->batch->prompts;
}

/* A = n S, c = n b and yy = n s_yy; 0 if A or c overflowed. */
static int take_moments(const icl_batch *batch, int64_t index, double *A, double *c, double *yy) {
    int64_t d = batch->dim;
    double n = (double)batch->examples;
    icl_batch_moments(batch, index, A, c, yy);
    *yy *= n;
    for (int64_t i = 0; i < d * d; i++)
        A[i] *= n;
    for (int64_t i = 0; i < d; i++)
        c[i] *= n;
    return icl_all_finite(A, d * d) && icl_all_finite(c, d);
}

void icl_solver_run(const icl_solver *solver, icl_prompt *prompt, int in_range) {
    if (!prompt->warm)
        icl_solver_start(solver, prompt->w);
    prompt->report = (icl_solver_report){.stop = ICL_STOP_DIVERGED, .rank = -1};
    int solved = in_range && solver->algorithm->run(solver, prompt) == ICL_OK;
    if (!solved || !icl_all_finite(prompt->w, prompt->d)) {
        icl_solver_start(solver, prompt->w);
        prompt->report.stop = ICL_STOP_DIVERGED;
    }
    icl_prompt_finish(prompt);
}

static void predict_prompt(const sweep *s, int64_t index, const double *w) {
    int64_t d = s->batch->dim, q = s->batch->queries;
    const double *query = s->batch->query_rows + index * q * d;
    for (int64_t j = 0; j < q; j++)
        s->prediction[index * q + j] = icl_solver_answer(s->solver, w, query + j * d);
}

/* Prompts of one block. A slot holds w (d), c (d), A (d x d), then the algorithm's scratch. */
static icl_status solve_block(void *user, int64_t block) {
    const sweep *s = user;
    const icl_batch *batch = s->batch;
    int64_t d = batch->dim, n = batch->examples;
    int moments = !s->solver->algorithm->examples;
    double *slot = icl_scratch_take(s->scratch), *c = slot + d, *A = c + d;
    icl_prompt prompt = {.n = n,
                         .d = d,
                         .steps = s->solver->steps,
                         .scratch = A + (moments ? d * d : 0),
                         .scratch_size = s->scratch_size};
    for (int64_t p = block * ICL_SOLVE_BLOCK; p < block_end(s, block); p++) {
        int in_range = !moments || take_moments(batch, p, A, c, &prompt.yy);
        if (batch->X != NULL) {
            prompt.X = batch->X + p * n * d;
            prompt.y = batch->y + p * n;
        }
        int without = !in_range && prompt.X != NULL && s->solver->algorithm->without;
        prompt.A = moments && !without ? A : NULL;
        prompt.c = moments && !without ? c : NULL;
        prompt.w = s->w != NULL ? s->w + p * d : slot;
        prompt.path = s->path != NULL ? s->path + p * (s->solver->steps + 1) * d : NULL;
        prompt.noise = batch->noise[p];
        icl_solver_run(s->solver, &prompt, in_range || without);
        if (s->reports != NULL)
            s->reports[p] = prompt.report;
        if (s->prediction != NULL)
            predict_prompt(s, p, prompt.w);
    }
    icl_scratch_give(s->scratch, slot);
    return ICL_OK;
}

/* The same where the algorithm takes the block as a whole: the slot holds its scratch, then w of
 * all prompts. */
static icl_status solve_together(void *user, int64_t block) {
    const sweep *s = user;
    const icl_batch *batch = s->batch;
    int64_t d = batch->dim, n = batch->examples, first = block * ICL_SOLVE_BLOCK;
    int64_t count = block_end(s, block) - first;
    double *slot = icl_scratch_take(s->scratch), *w = slot + s->scratch_size;
    s->solver->algorithm->run_block(s->solver, count, n, batch->X + first * n * d,
                                    batch->y + first * n, slot, w);
    for (int64_t p = 0; p < count; p++) {
        double *answer = w + p * d, *to = s->w != NULL ? s->w : s->path;
        icl_solver_report report = {.stop = ICL_STOP_CONVERGED, .rank = -1};
        if (!icl_all_finite(answer, d)) {
            report.stop = ICL_STOP_DIVERGED;
            memset(answer, 0, (size_t)d * sizeof *answer);
        }
        if (to != NULL)
            memcpy(to + (first + p) * d, answer, (size_t)d * sizeof *answer);
        if (s->reports != NULL)
            s->reports[first + p] = report;
        if (s->prediction != NULL)
            predict_prompt(s, first + p, answer);
    }
    icl_scratch_give(s->scratch, slot);
    return ICL_OK;
}

/* The same for a learner: the slot is its scratch. */
static icl_status learn_block(void *user, int64_t block) {
    const sweep *s = user;
    const icl_batch *batch = s->batch;
    int64_t d = batch->dim, n = batch->examples, q = batch->queries;
    double *slot = icl_scratch_take(s->scratch);
    for (int64_t p = block * ICL_SOLVE_BLOCK; p < block_end(s, block); p++) {
        icl_sample sample = icl_sample_begin(s->solver, n, batch->X + p * n * d, batch->y + p * n,
                                             slot, s->scratch_size);
        for (int64_t i = 0; i < n; i++)
            icl_sample_append(s->solver, &sample);
        icl_sample_fit(s->solver, &sample);
        for (int64_t j = p * q; j < (p + 1) * q; j++) {
            double answer = icl_sample_answer(s->solver, &sample, batch->query_rows + j * d);
            s->prediction[j] = isfinite(answer) ? answer : 0;
        }
    }
    icl_scratch_give(s->scratch, slot);
    return ICL_OK;
}

static icl_status check_weights(const char *function, const icl_solver *solver) {
    ICL_REQUIRE(solver->context, solver->algorithm->learner == NULL, ICL_ERR_ARGUMENT,
                "%s: method = %d has no weights, only answers: icl_solver_predict and "
                "icl_solver_prefixes tell them",
                function, (int)solver->options.method);
    return ICL_OK;
}

static icl_status check_batch(const char *function, const icl_solver *solver,
                              const icl_batch *batch) {
    const icl_context *context = solver->context;
    ICL_REQUIRE(context, batch != NULL, ICL_ERR_ARGUMENT, "%s: batch is NULL", function);
    ICL_REQUIRE(context, batch->dim == solver->dim, ICL_ERR_SHAPE,
                "%s: the batch has dim = %lld, the solver %lld", function, (long long)batch->dim,
                (long long)solver->dim);
    ICL_REQUIRE(context, !solver->examples || (batch->contents & ICL_CONTENTS_EXAMPLES),
                ICL_ERR_MISSING, "%s: the batch holds no examples (ICL_CONTENTS_EXAMPLES)",
                function);
    return ICL_OK;
}

static icl_status sweep_batch(const char *function, sweep *s) {
    const icl_solver *solver = s->solver;
    const icl_context *context = solver->context;
    int64_t d = solver->dim, n = s->batch->examples;
    s->scratch_size = solver->algorithm->scratch(solver, n);
    ICL_REQUIRE(context, s->scratch_size >= 0, ICL_ERR_SIZE,
                "%s: context = %lld and dim = %lld are too large for LAPACK", function,
                (long long)n, (long long)d);
    int together = solver->algorithm->run_block != NULL;
    int64_t own = 2 * d + (solver->algorithm->examples ? 0 : d * d);
    icl_status (*work)(void *, int64_t) = together ? solve_together : solve_block;
    if (solver->algorithm->learner != NULL)
        work = learn_block;
    ICL_TRY(icl_scratch_create(
        context, icl_sum(together ? ICL_SOLVE_BLOCK * d : own, s->scratch_size), &s->scratch));
    icl_status status =
        icl_parallel(context, (s->batch->prompts + ICL_SOLVE_BLOCK - 1) / ICL_SOLVE_BLOCK, work, s);
    icl_scratch_free(context, s->scratch);
    return status;
}

icl_status icl_solver_solve(const icl_solver *solver, const icl_batch *batch, double *w,
                            icl_solver_report *reports) {
    if (solver == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(check_batch(__func__, solver, batch));
    ICL_REQUIRE_POINTER(solver->context, w);
    ICL_TRY(check_weights(__func__, solver));
    sweep s = {.solver = solver, .batch = batch, .w = w, .reports = reports};
    return sweep_batch(__func__, &s);
}

icl_status icl_solver_path(const icl_solver *solver, const icl_batch *batch, double *path,
                           icl_solver_report *reports) {
    if (solver == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(check_batch(__func__, solver, batch));
    ICL_REQUIRE_POINTER(solver->context, path);
    ICL_TRY(check_weights(__func__, solver));
    int64_t entries = icl_product(batch->prompts, solver->steps + 1, batch->dim);
    ICL_REQUIRE(solver->context, entries <= PTRDIFF_MAX / (int64_t)sizeof *path, ICL_ERR_SIZE,
                "%s: %lld prompts of %lld steps: no path can be that long", __func__,
                (long long)batch->prompts, (long long)solver->steps);
    sweep s = {.solver = solver, .batch = batch, .path = path, .reports = reports};
    return sweep_batch(__func__, &s);
}

icl_status icl_solver_predict(const icl_solver *solver, const icl_batch *batch,
                              double *prediction) {
    if (solver == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(check_batch(__func__, solver, batch));
    ICL_REQUIRE_POINTER(solver->context, prediction);
    sweep s = {.solver = solver, .batch = batch, .prediction = prediction};
    return sweep_batch(__func__, &s);
}

static icl_status predict(const void *self, const icl_batch *batch, double *prediction) {
    return icl_solver_predict(self, batch, prediction);
}

static icl_status prefixes(const void *self, const icl_batch *batch, double *prediction) {
    const icl_solver *solver = self;
    return icl_solver_prefixes(&solver, 1, batch, NULL, &prediction, NULL, NULL);
}

icl_status icl_solver_predictor(const icl_solver *solver, icl_predictor *out) {
    if (solver == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(solver->context, out);
    *out = (icl_predictor){.predict = predict, .self = solver, .prefixes = prefixes};
    return ICL_OK;
}
