/* An optimiser's life, the check of its options, and the step that all methods without a line
 * search share: evaluate, compute what would follow, and keep it only if it is finite. */
#include "optim/optimiser.h"

#include <math.h>
#include <string.h>

static const icl_optimiser_options default_options = {.size = sizeof(icl_optimiser_options),
                                                      .method = ICL_OPTIMISER_ADAM,
                                                      .rate = 1e-3,
                                                      .schedule = ICL_SCHEDULE_CONSTANT,
                                                      .beta1 = 0.9,
                                                      .beta2 = 0.999,
                                                      .epsilon = 1e-8,
                                                      .history = 20,
                                                      .line_search = 1,
                                                      .max_evaluations = 40};

icl_status icl_optimiser_options_init(icl_optimiser_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* ---- checks ---- */

/* lo <= value < hi, or <= hi with closed = 1. */
static icl_status check_between(const icl_context *context, const char *name, double value,
                                double hi, int closed) {
    ICL_REQUIRE(context, isfinite(value), ICL_ERR_NONFINITE,
                "icl_optimiser_create: options.%s = %g is not finite", name, value);
    ICL_REQUIRE(context, value >= 0 && (value < hi || (closed && value == hi)), ICL_ERR_ARGUMENT,
                "icl_optimiser_create: options.%s = %g, must be from 0 to %s %g", name, value,
                closed ? "" : "below", hi);
    return ICL_OK;
}

static icl_status check_integer(const icl_context *context, const char *name, int64_t value,
                                int64_t lo, int64_t hi) {
    return icl_check_range(context, "icl_optimiser_create", name, value, lo, hi);
}

static icl_status check_real(const icl_context *context, const char *name, double value,
                             int positive) {
    return icl_check_real(context, "icl_optimiser_create", name, value, positive);
}

static icl_status check_schedule(const icl_context *context, const icl_optimiser_options *o) {
    ICL_TRY(check_integer(context, "options.schedule", (int64_t)o->schedule, ICL_SCHEDULE_CONSTANT,
                          ICL_SCHEDULE_COSINE));
    ICL_TRY(check_real(context, "options.rate", o->rate, 1));
    ICL_TRY(check_integer(context, "options.warmup", o->warmup, 0, INT64_MAX));
    ICL_TRY(check_integer(context, "options.period", o->period,
                          o->schedule != ICL_SCHEDULE_CONSTANT, INT64_MAX));
    return check_between(context, "floor", o->floor, o->rate, 1);
}

static icl_status check_moments(const icl_context *context, const icl_optimiser_options *o) {
    ICL_TRY(check_between(context, "momentum", o->momentum, 1, 0));
    ICL_TRY(check_between(context, "dampening", o->dampening, 1, 1));
    ICL_TRY(check_integer(context, "options.nesterov", o->nesterov, 0, 1));
    ICL_REQUIRE(context, !o->nesterov || (o->momentum > 0 && o->dampening == 0), ICL_ERR_ARGUMENT,
                "icl_optimiser_create: options.nesterov = 1 needs momentum > 0 and dampening 0, "
                "not %g and %g",
                o->momentum, o->dampening);
    ICL_TRY(check_between(context, "beta1", o->beta1, 1, 0));
    ICL_TRY(check_between(context, "beta2", o->beta2, 1, 0));
    ICL_TRY(check_real(context, "options.epsilon", o->epsilon, 0));
    return check_real(context, "options.weight_decay", o->weight_decay, 0);
}

static icl_status check_lbfgs(const icl_context *context, const icl_optimiser_options *o) {
    ICL_TRY(check_integer(context, "options.history", o->history, 1, 1000));
    ICL_TRY(check_integer(context, "options.line_search", o->line_search, 0, 1));
    ICL_TRY(check_integer(context, "options.max_evaluations", o->max_evaluations, 1, INT64_MAX));
    return check_integer(context, "options.fixed_objective", o->fixed_objective, 0, 1);
}

static int searches(const icl_optimiser_options *o) {
    return o->method == ICL_OPTIMISER_LBFGS && o->line_search;
}

static icl_status check_clipping(const icl_context *context, const icl_optimiser_options *o,
                                 int64_t count) {
    ICL_TRY(check_real(context, "options.clip_global", o->clip_global, 0));
    ICL_TRY(check_real(context, "options.clip_block", o->clip_block, 0));
    ICL_REQUIRE(context, !searches(o) || (o->clip_global == 0 && o->clip_block == 0),
                ICL_ERR_ARGUMENT,
                "icl_optimiser_create: options.clip_global = %g, clip_block = %g: a line search "
                "needs the objective's own gradient",
                o->clip_global, o->clip_block);
    ICL_TRY(check_integer(context, "options.blocks", o->blocks, 0, count));
    ICL_REQUIRE(context, o->blocks == 0 || o->block_ends != NULL, ICL_ERR_ARGUMENT,
                "icl_optimiser_create: options.block_ends is NULL for blocks = %lld",
                (long long)o->blocks);
    int64_t begin = 0;
    for (int64_t k = 0; k < o->blocks; begin = o->block_ends[k++])
        ICL_REQUIRE(context, o->block_ends[k] > begin, ICL_ERR_ARGUMENT,
                    "icl_optimiser_create: options.block_ends[%lld] = %lld, must be above %lld",
                    (long long)k, (long long)o->block_ends[k], (long long)begin);
    ICL_REQUIRE(
        context, o->blocks == 0 || begin == count, ICL_ERR_ARGUMENT,
        "icl_optimiser_create: options.block_ends ends with %lld, must end with count = %lld",
        (long long)begin, (long long)count);
    return ICL_OK;
}

static icl_status check_options(const icl_context *context, const icl_optimiser_options *o,
                                int64_t count) {
    ICL_TRY(check_integer(context, "options.method", (int64_t)o->method, ICL_OPTIMISER_GD,
                          ICL_OPTIMISER_LBFGS));
    ICL_TRY(check_schedule(context, o));
    ICL_TRY(check_moments(context, o));
    ICL_TRY(check_lbfgs(context, o));
    return check_clipping(context, o, count);
}

/* ---- life ---- */

/* Cuts the scratch into its vectors; with work NULL only counts them. */
static int64_t lay_out(icl_optimiser *o) {
    const int lbfgs = o->options.method == ICL_OPTIMISER_LBFGS;
    const int clips = o->options.clip_block > 0 || o->options.clip_global > 0;
    const struct {
        double **place;
        int64_t count;
    } parts[] = {{&o->next, o->count},
                 {&o->next_state, lbfgs ? 0 : o->state_count},
                 {&o->gradient, o->count},
                 {&o->clipped, clips ? o->count : 0},
                 {&o->direction, lbfgs ? o->count : 0},
                 {&o->trial_gradient, searches(&o->options) ? o->count : 0},
                 {&o->low_gradient, searches(&o->options) ? o->count : 0},
                 {&o->alpha, lbfgs ? o->options.history : 0}};
    int64_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (o->work != NULL)
            *parts[i].place = o->work + used;
        used += parts[i].count;
    }
    return used;
}

static icl_status copy_blocks(icl_optimiser *o) {
    const int64_t *theirs = o->options.block_ends;
    o->options.block_ends = NULL;
    if (o->options.blocks == 0)
        return ICL_OK;
    int64_t *ours;
    ICL_TRY(ICL_NEW(o->context, &ours, o->options.blocks));
    memcpy(ours, theirs, (size_t)o->options.blocks * sizeof *ours);
    o->options.block_ends = ours;
    return ICL_OK;
}

icl_status icl_optimiser_create(icl_context *context, const icl_optimiser_options *options,
                                int64_t count, icl_optimiser **out) {
    ICL_REQUIRE_POINTER(context, out);
    *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    icl_optimiser_options copy = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &copy, sizeof copy));
    ICL_CHECK_RANGE(context, count, 1, (int64_t)1 << 40);
    ICL_TRY(check_options(context, &copy, count));

    icl_optimiser *o;
    ICL_TRY(ICL_NEW(context, &o, 1));
    icl_status status;
    o->context = icl_context_retain(context);
    o->options = copy;
    o->count = count;
    ICL_TRY_GOTO(copy_blocks(o), fail);
    o->state_count = copy.method == ICL_OPTIMISER_LBFGS ? icl_lbfgs_state_count(&copy, count)
                                                        : icl_first_order_moments(&copy) * count;
    ICL_TRY_GOTO(ICL_NEW(context, &o->state, o->state_count), fail);
    ICL_TRY_GOTO(ICL_NEW(context, &o->work, lay_out(o)), fail);
    lay_out(o);
    icl_optimiser_reset(o);
    *out = o;
    return ICL_OK;
fail:
    icl_optimiser_free(o);
    return status;
}

void icl_optimiser_free(icl_optimiser *optimiser) {
    if (optimiser == NULL)
        return;
    icl_context *context = optimiser->context;
    icl_dealloc(context, optimiser->work);
    icl_dealloc(context, optimiser->state);
    icl_dealloc(context, (void *)optimiser->options.block_ends);
    icl_dealloc(context, optimiser);
    icl_context_free(context);
}

icl_status icl_optimiser_reset(icl_optimiser *optimiser) {
    if (optimiser == NULL)
        return ICL_ERR_ARGUMENT;
    optimiser->counters = (icl_optimiser_counters){0};
    if (optimiser->options.method == ICL_OPTIMISER_LBFGS)
        icl_lbfgs_reset(optimiser);
    else
        memset(optimiser->state, 0, (size_t)optimiser->state_count * sizeof *optimiser->state);
    return ICL_OK;
}

int64_t icl_optimiser_count(const icl_optimiser *optimiser) {
    return optimiser != NULL ? optimiser->count : 0;
}

int64_t icl_optimiser_steps(const icl_optimiser *optimiser) {
    return optimiser != NULL ? optimiser->counters.steps : 0;
}

double icl_optimiser_rate(const icl_optimiser *optimiser, int64_t step) {
    return optimiser != NULL && step >= 1 ? icl_schedule_rate(&optimiser->options, step) : NAN;
}

/* ---- steps ---- */

icl_status icl_objective_evaluate(const icl_optimiser *optimiser, icl_objective *objective,
                                  const double *x, double *value, double *gradient, int *finite) {
    *value = NAN;
    objective->evaluations++;
    int answer = objective->call(x, value, gradient, objective->user);
    ICL_REQUIRE(optimiser->context, answer == 0, ICL_ERR_CALLBACK,
                "icl_optimiser_step: the objective returned %d in step %lld", answer,
                (long long)optimiser->counters.steps + 1);
    *finite = isfinite(*value) && icl_all_finite(gradient, optimiser->count);
    return ICL_OK;
}

/* One step without a search: all of it, or nothing. */
static icl_status advance(icl_optimiser *o, const char *function, const double *gradient,
                          double *x) {
    const int lbfgs = o->options.method == ICL_OPTIMISER_LBFGS;
    o->next_counters = o->counters;
    o->next_counters.steps++;
    if (lbfgs)
        icl_lbfgs_update(o, gradient, x);
    else
        icl_first_order_update(o, icl_clip(o, gradient), x);
    ICL_REQUIRE(o->context,
                icl_all_finite(o->next, o->count) &&
                    (lbfgs || icl_all_finite(o->next_state, o->state_count)),
                ICL_ERR_DIVERGED, "%s: step %lld with rate %g leaves the finite numbers", function,
                (long long)o->next_counters.steps,
                icl_schedule_rate(&o->options, o->next_counters.steps));
    if (lbfgs)
        icl_lbfgs_remember(o, gradient, x);
    else
        memcpy(o->state, o->next_state, (size_t)o->state_count * sizeof *o->state);
    o->counters = o->next_counters;
    memcpy(x, o->next, (size_t)o->count * sizeof *x);
    return ICL_OK;
}

static icl_status plain_step(icl_optimiser *o, icl_objective *objective, double *x,
                             icl_step_report *report) {
    double value;
    int finite = 0;
    ICL_TRY(icl_objective_evaluate(o, objective, x, &value, o->gradient, &finite));
    double norm = icl_vector_norm(o->count, o->gradient);
    ICL_REQUIRE(o->context, finite, ICL_ERR_DIVERGED,
                "icl_optimiser_step: objective %g and gradient norm %g in step %lld", value, norm,
                (long long)o->counters.steps + 1);
    ICL_TRY(advance(o, "icl_optimiser_step", o->gradient, x));
    *report = (icl_step_report){.value = value,
                                .gradient_norm = norm,
                                .rate = icl_schedule_rate(&o->options, o->counters.steps),
                                .evaluations = objective->evaluations,
                                .stop = norm == 0 ? ICL_STOP_GRADIENT : ICL_STOP_NONE};
    return ICL_OK;
}

icl_status icl_optimiser_step_on(icl_optimiser *optimiser, icl_objective_fn objective, void *user,
                                 int fixed, double *x, icl_step_report *report) {
    icl_objective function = {.call = objective, .user = user};
    icl_step_report unwanted;
    if (report == NULL)
        report = &unwanted;
    if (searches(&optimiser->options))
        return icl_lbfgs_search_step(optimiser, &function, fixed, x, report);
    return plain_step(optimiser, &function, x, report);
}

icl_status icl_optimiser_step(icl_optimiser *optimiser, icl_objective_fn objective, void *user,
                              double *x, icl_step_report *report) {
    if (optimiser == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(optimiser->context, objective);
    ICL_CHECK_ARRAY(optimiser->context, x, optimiser->count);
    return icl_optimiser_step_on(optimiser, objective, user, optimiser->options.fixed_objective, x,
                                 report);
}

icl_status icl_optimiser_update(icl_optimiser *optimiser, const double *gradient, double *x) {
    if (optimiser == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE(optimiser->context, !searches(&optimiser->options), ICL_ERR_ARGUMENT,
                "icl_optimiser_update: a line search needs the objective: use icl_optimiser_step");
    ICL_CHECK_ARRAY(optimiser->context, gradient, optimiser->count);
    ICL_CHECK_ARRAY(optimiser->context, x, optimiser->count);
    return advance(optimiser, "icl_optimiser_update", gradient, x);
}
