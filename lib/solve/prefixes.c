/* The public call: its checks, the roads of its solvers, blocks of eight prompts. */
#include <math.h>
#include <string.h>

#include "base/scratch.h"
#include "linalg/linalg.h"
#include "solve/prefix.h"

static const icl_prefix_options default_options = {.size = sizeof(icl_prefix_options), .last = -1};

icl_status icl_prefix_options_init(icl_prefix_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* In the order in which a block takes them. */
static const icl_road *const roads[] = {&icl_road_spectral, &icl_road_triangle, &icl_road_online,
                                        &icl_road_pool,     &icl_road_learner,  &icl_road_warm,
                                        &icl_road_refit};
enum { ROADS = sizeof roads / sizeof *roads };

typedef struct sweep {
    icl_prefix_run run;
    icl_prefix_part *parts;   /* those of one road side by side */
    int64_t first[ROADS + 1]; /* where each road's begin */
    icl_scratch *scratch;
} sweep;

/* ---- what the roads call ---- */

const double *icl_prefix_query(const icl_prefix_run *run, int64_t prompt, int64_t t) {
    const icl_batch *batch = run->batch;
    if (t < run->n)
        return batch->X + (prompt * run->n + t) * run->d;
    return batch->query_rows + prompt * batch->queries * run->d;
}

/* Row `row` of `width` numbers of an array, or the row before it, or 0. */
static void put_row(double *array, int64_t row, int64_t width, const double *value, int finite,
                    int first) {
    double *to = array + row * width;
    if (finite)
        memcpy(to, value, (size_t)width * sizeof *to);
    else if (!first)
        memcpy(to, to - width, (size_t)width * sizeof *to);
    else
        memset(to, 0, (size_t)width * sizeof *to);
}

/* Prefix t of a prompt among all that are wanted. */
static int64_t row_of(const icl_prefix_run *run, int64_t prompt, int64_t t) {
    return prompt * (run->end - run->begin + 1) + t - run->begin;
}

void icl_prefix_put(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                    int64_t t, int64_t k, double answer, const double *w,
                    icl_solver_report *report) {
    int64_t row = row_of(run, prompt, t) * part->count + k;
    int answered = isfinite(answer), weighed = part->weights == NULL || icl_all_finite(w, run->d);
    if (!answered || !weighed)
        report->stop = ICL_STOP_DIVERGED;
    if (part->predictions != NULL)
        put_row(part->predictions, row, 1, &answer, answered, k == 0);
    if (part->weights != NULL)
        put_row(part->weights, row, run->d, w, weighed, k == 0);
}

void icl_prefix_report(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                       int64_t t, const icl_solver_report *report) {
    if (part->reports != NULL)
        part->reports[row_of(run, prompt, t)] = *report;
}

/* ---- checks ---- */

static icl_status check_grid(const icl_context *context, int64_t solver, const int64_t *grid,
                             int64_t count) {
    const char *function = "icl_solver_prefixes";
    ICL_REQUIRE(context, count >= 1 && count <= INT64_C(1) << 31, ICL_ERR_ARGUMENT,
                "%s: options.counts[%lld] = %lld, must be from 1 to 2^31", function,
                (long long)solver, (long long)count);
    for (int64_t k = 0; k < count; k++)
        ICL_REQUIRE(context,
                    grid[k] >= 0 && grid[k] <= INT64_C(1) << 31 &&
                        (k == 0 || grid[k] > grid[k - 1]),
                    ICL_ERR_ARGUMENT,
                    "%s: options.steps[%lld][%lld] = %lld: they must ascend from 0 to 2^31",
                    function, (long long)solver, (long long)k, (long long)grid[k]);
    return ICL_OK;
}

static icl_status check_solver(const icl_context *context, const icl_solver *solver, int64_t index,
                               const icl_batch *batch) {
    const char *function = "icl_solver_prefixes";
    ICL_REQUIRE(context, solver != NULL, ICL_ERR_ARGUMENT, "%s: solvers[%lld] is NULL", function,
                (long long)index);
    ICL_REQUIRE(context, batch->dim == solver->dim, ICL_ERR_SHAPE,
                "%s: the batch has dim = %lld, solvers[%lld] %lld", function, (long long)batch->dim,
                (long long)index, (long long)solver->dim);
    return ICL_OK;
}

static icl_status check_size(const sweep *s, const icl_prefix_part *part, int64_t index) {
    const icl_batch *batch = s->run.batch;
    int64_t rows = icl_product(batch->prompts, s->run.end - s->run.begin + 1, part->count);
    int64_t entries = part->weights != NULL ? icl_product(rows, s->run.d, 1) : rows;
    ICL_REQUIRE(s->run.context, entries <= PTRDIFF_MAX / 64, ICL_ERR_SIZE,
                "icl_solver_prefixes: %lld prompts, context = %lld, %lld numbers of steps of "
                "solvers[%lld]: no array can be that long",
                (long long)batch->prompts, (long long)s->run.n, (long long)part->count,
                (long long)index);
    return ICL_OK;
}

/* ---- the run ---- */

static icl_prefix_part part_of(const icl_solver *const *solvers, int64_t s,
                               const icl_prefix_options *o, double *const *predictions,
                               double *const *weights, icl_solver_report *const *reports) {
    icl_prefix_part part = {.solver = solvers[s], .grid = &solvers[s]->steps, .count = 1};
    if (o->steps != NULL && o->steps[s] != NULL) {
        part.grid = o->steps[s];
        part.count = o->counts[s];
    }
    if (predictions != NULL)
        part.predictions = predictions[s];
    if (weights != NULL)
        part.weights = weights[s];
    if (reports != NULL)
        part.reports = reports[s];
    return part;
}

static const icl_road *road_of(const icl_solver *solver) {
    return solver->algorithm->road != NULL ? solver->algorithm->road : &icl_road_refit;
}

/* One block: the prompts of a group, all roads. */
static icl_status run_group(void *user, int64_t group) {
    const sweep *s = user;
    double *scratch = icl_scratch_take(s->scratch);
    for (int r = 0; r < ROADS; r++)
        if (s->first[r + 1] > s->first[r])
            roads[r]->run(&s->run, s->parts + s->first[r], s->first[r + 1] - s->first[r], group,
                          scratch);
    icl_scratch_give(s->scratch, scratch);
    return ICL_OK;
}

static icl_status make_scratch(sweep *s) {
    int64_t doubles = 0;
    for (int r = 0; r < ROADS; r++) {
        int64_t count = s->first[r + 1] - s->first[r];
        int64_t wanted = count > 0 ? roads[r]->scratch(&s->run, s->parts + s->first[r], count) : 0;
        doubles = wanted > doubles ? wanted : doubles;
    }
    return icl_scratch_create(s->run.context, doubles, &s->scratch);
}

/* ICL_ERR_SIZE where the part is too large for an array or for LAPACK. */
static icl_status check_part(const sweep *s, icl_prefix_part *part, int64_t index) {
    ICL_REQUIRE(s->run.context, part->weights == NULL || part->solver->algorithm->learner == NULL,
                ICL_ERR_ARGUMENT,
                "icl_solver_prefixes: weights[%lld] is not NULL, but method = %d of solvers[%lld] "
                "has no weights",
                (long long)index, (int)part->solver->options.method, (long long)index);
    ICL_TRY(check_size(s, part, index));
    part->most = part->solver->algorithm->steps ? part->grid[part->count - 1] : 0;
    part->own = icl_refit_own(part->solver, s->run.n);
    ICL_REQUIRE(s->run.context, part->own >= 0, ICL_ERR_SIZE,
                "icl_solver_prefixes: context = %lld and dim = %lld are too large for LAPACK",
                (long long)s->run.n, (long long)s->run.d);
    return ICL_OK;
}

/* Parts in the order of their roads; a solver that nothing is wanted of is left out. */
static icl_status gather(sweep *s, const icl_solver *const *solvers, int64_t count,
                         const icl_prefix_options *o, double *const *predictions,
                         double *const *weights, icl_solver_report *const *reports) {
    int64_t gathered = 0;
    for (int r = 0; r < ROADS; r++) {
        for (int64_t i = 0; i < count; i++) {
            icl_prefix_part part = part_of(solvers, i, o, predictions, weights, reports);
            if (road_of(part.solver) != roads[r] ||
                (part.predictions == NULL && part.weights == NULL && part.reports == NULL))
                continue;
            ICL_TRY(check_part(s, &part, i));
            s->parts[gathered++] = part;
        }
        s->first[r + 1] = gathered;
    }
    return ICL_OK;
}

icl_status icl_solver_prefixes(const icl_solver *const *solvers, int64_t count,
                               const icl_batch *batch, const icl_prefix_options *options,
                               double *const *predictions, double *const *weights,
                               icl_solver_report *const *reports) {
    if (solvers == NULL || count < 1 || solvers[0] == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_context *context = solvers[0]->context;
    ICL_REQUIRE_POINTER(context, batch);
    icl_prefix_options o = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    for (int64_t s = 0; s < count; s++)
        ICL_TRY(check_solver(context, solvers[s], s, batch));
    ICL_REQUIRE(context, o.steps == NULL || o.counts != NULL, ICL_ERR_ARGUMENT,
                "%s: options.counts is NULL, but options.steps is not", __func__);
    for (int64_t s = 0; o.steps != NULL && s < count; s++)
        if (o.steps[s] != NULL)
            ICL_TRY(check_grid(context, s, o.steps[s], o.counts[s]));
    ICL_REQUIRE(context, batch->contents & ICL_CONTENTS_EXAMPLES, ICL_ERR_MISSING,
                "%s: the batch holds no examples (ICL_CONTENTS_EXAMPLES)", __func__);
    int64_t n = batch->examples, last = o.last < 0 ? n : o.last;
    ICL_REQUIRE(context, o.first >= 0 && o.first <= last && last <= n, ICL_ERR_ARGUMENT,
                "%s: options.first = %lld, last = %lld: no prefixes of %lld examples", __func__,
                (long long)o.first, (long long)o.last, (long long)n);
    sweep s = {.run = {context, batch, batch->dim, n, o.first, last}};
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &s.parts, count), done);
    ICL_TRY_GOTO(gather(&s, solvers, count, &o, predictions, weights, reports), done);
    ICL_TRY_GOTO(make_scratch(&s), done);
    status = icl_parallel(context, batch->groups, run_group, &s);
done:
    icl_scratch_free(context, s.scratch);
    icl_dealloc(context, s.parts);
    return status;
}
