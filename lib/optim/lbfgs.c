/* L-BFGS (Nocedal, Math. Comp. 35, 1980; Nocedal and Wright, algorithm 7.4).
 *
 *   pairs  s = x' - x,  y = g' - g,  kept where s.y > eps ||s|| ||y||
 *   d = -H g by the two-loop recursion from H0 = (s.y / y.y) I of the newest pair, or from
 *   H0 = min(1, 1 / ||g||_1) I without pairs
 *
 * Layout of the state, h = history, h + 1 slots: s (h + 1) n, y (h + 1) n, s.y (h + 1), y.y (h +
 * 1), last x (n), last gradient (n), then the numbers below. The newest pair sits in slot `newest`,
 * older ones below it, around the ring; the slot after the newest is free, so that a pair written
 * there does no harm if its step fails.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "optim/line_search.h"

/* What the search step knows of earlier ones. */
enum {
    LAST_VALUE, /* at last x */
    BEST_VALUE, /* the least value */
    LOG_SUM,    /* of log gradient norms in this window of steps at the floor, */
    BEST_MEAN,  /* and the least mean of a window since the value fell last */
    SCALE,      /* the greatest |value| at the start of a step */
    NUMBERS
};

/* Relative to |value|: the objective may be a sum that lost some digits. */
static const double RELATIVE_FLOOR = 1e-10;
/* Relative to SCALE: a value near 0 may be a difference of terms of that size. */
static const double ABSOLUTE_FLOOR = 100 * DBL_EPSILON;

typedef struct memory {
    double *s, *y, *sy, *yy, *last_x, *last_gradient, *numbers;
} memory;

int64_t icl_lbfgs_state_count(const icl_optimiser_options *options, int64_t count) {
    return (options->history + 1) * (2 * count + 2) + 2 * count + NUMBERS;
}

static memory memory_of(const icl_optimiser *o) {
    const int64_t slots = o->options.history + 1;
    memory m;
    m.s = o->state;
    m.y = m.s + slots * o->count;
    m.sy = m.y + slots * o->count;
    m.yy = m.sy + slots;
    m.last_x = m.yy + slots;
    m.last_gradient = m.last_x + o->count;
    m.numbers = m.last_gradient + o->count;
    return m;
}

void icl_lbfgs_reset(icl_optimiser *o) {
    memset(o->state, 0, (size_t)o->state_count * sizeof *o->state);
    memory m = memory_of(o);
    m.numbers[BEST_VALUE] = m.numbers[BEST_MEAN] = DBL_MAX;
}

/* ---- pairs ---- */

/* Adds the pair of a step from (x0, g0) to (x1, g1) to next_counters, unless its curvature is not
 * positive beyond rounding. */
static void add_pair(icl_optimiser *o, const double *x0, const double *g0, const double *x1,
                     const double *g1) {
    const int64_t n = o->count, slots = o->options.history + 1;
    icl_optimiser_counters *c = &o->next_counters;
    memory m = memory_of(o);
    int64_t slot = (c->newest + 1) % slots;
    double *s = m.s + slot * n, *y = m.y + slot * n;
    for (int64_t i = 0; i < n; i++) {
        s[i] = x1[i] - x0[i];
        y[i] = g1[i] - g0[i];
    }
    double sy = icl_vector_dot(n, s, y), yy = icl_vector_dot(n, y, y);
    double noise = DBL_EPSILON * icl_vector_norm(n, s) * icl_vector_norm(n, y);
    if (!(sy > noise && sy >= DBL_MIN && sy <= DBL_MAX && yy >= DBL_MIN && yy <= DBL_MAX))
        return;
    m.sy[slot] = sy;
    m.yy[slot] = yy;
    c->newest = slot;
    c->pairs += c->pairs < o->options.history;
}

/* ---- directions ---- */

/* direction = -scale g */
static void steepest(const icl_optimiser *o, double scale, const double *g) {
    for (int64_t i = 0; i < o->count; i++)
        o->direction[i] = -scale * g[i];
}

static double first_scale(const icl_optimiser *o, const double *g) {
    return 1 / fmin(fmax(icl_vector_norm1(o->count, g), 1), DBL_MAX);
}

static double newest_scale(const icl_optimiser *o) {
    memory m = memory_of(o);
    return m.sy[o->next_counters.newest] / m.yy[o->next_counters.newest];
}

static void add_scaled(int64_t count, double scale, const double *a, double *to) {
    for (int64_t i = 0; i < count; i++)
        to[i] += scale * a[i];
}

/* direction = -H g with the pairs of next_counters. */
static void two_loop(const icl_optimiser *o, const double *g) {
    const int64_t n = o->count, slots = o->options.history + 1;
    const icl_optimiser_counters *c = &o->next_counters;
    const memory m = memory_of(o);
    double *d = o->direction;
    steepest(o, 1, g);
    for (int64_t age = 0; age < c->pairs; age++) {
        int64_t k = (c->newest - age + slots) % slots;
        o->alpha[age] = icl_vector_dot(n, m.s + k * n, d) / m.sy[k];
        add_scaled(n, -o->alpha[age], m.y + k * n, d);
    }
    double scale = newest_scale(o);
    for (int64_t i = 0; i < n; i++)
        d[i] *= scale;
    for (int64_t age = c->pairs - 1; age >= 0; age--) {
        int64_t k = (c->newest - age + slots) % slots;
        double beta = icl_vector_dot(n, m.y + k * n, d) / m.sy[k];
        add_scaled(n, o->alpha[age] - beta, m.s + k * n, d);
    }
}

/* Sets direction and *slope = g.d; 0 if that is no descent, by rounding or overflow. */
static int find_direction(const icl_optimiser *o, const double *g, double *slope) {
    if (o->next_counters.pairs > 0)
        two_loop(o, g);
    else
        steepest(o, first_scale(o, g), g);
    *slope = icl_vector_dot(o->count, g, o->direction);
    return *slope < 0 && *slope >= -DBL_MAX && icl_all_finite(o->direction, o->count);
}

/* ---- the step without a search ---- */

void icl_lbfgs_update(icl_optimiser *o, const double *gradient, const double *x) {
    if (o->counters.known) {
        memory m = memory_of(o);
        add_pair(o, m.last_x, m.last_gradient, x, gradient);
    }
    /* the pairs see the true gradients: differences of clipped ones are no curvature */
    const double *g = icl_clip(o, gradient);
    double slope, rate = icl_schedule_rate(&o->options, o->next_counters.steps);
    if (!find_direction(o, g, &slope) && o->next_counters.pairs > 0) {
        o->next_counters.pairs = 0;
        find_direction(o, g, &slope);
    }
    for (int64_t i = 0; i < o->count; i++)
        o->next[i] = x[i] + rate * o->direction[i];
}

void icl_lbfgs_remember(icl_optimiser *o, const double *gradient, const double *x) {
    memory m = memory_of(o);
    memcpy(m.last_x, x, (size_t)o->count * sizeof *x);
    memcpy(m.last_gradient, gradient, (size_t)o->count * sizeof *gradient);
    o->next_counters.known = 1;
}

/* ---- the step with a search ---- */

/* The objective at x, from the last step where that is known to be the same. */
static icl_status start_point(icl_optimiser *o, icl_objective *objective, int fixed,
                              const double *x, icl_line_point *start) {
    const size_t bytes = (size_t)o->count * sizeof *x;
    memory m = memory_of(o);
    int finite = 1;
    start->gradient = o->gradient;
    if (fixed && o->counters.known && memcmp(x, m.last_x, bytes) == 0) {
        memcpy(o->gradient, m.last_gradient, bytes);
        start->value = m.numbers[LAST_VALUE];
    } else {
        ICL_TRY(icl_objective_evaluate(o, objective, x, &start->value, o->gradient, &finite));
    }
    start->s = 0;
    start->norm = icl_vector_norm(o->count, o->gradient);
    ICL_REQUIRE(o->context, finite, ICL_ERR_DIVERGED,
                "icl_optimiser_step: objective %g and gradient norm %g in step %lld", start->value,
                start->norm, (long long)o->counters.steps + 1);
    return ICL_OK;
}

/* Searches with the pairs, and without them if that finds nothing. */
static icl_status search(icl_optimiser *o, icl_line *line, int *found) {
    const double *g = o->gradient;
    *found = 0;
    if (find_direction(o, g, &line->start.slope))
        ICL_TRY(icl_line_search(line, 1, found));
    if (*found || o->next_counters.pairs == 0)
        return ICL_OK;
    steepest(o, newest_scale(o), g);
    o->next_counters.pairs = 0;
    line->start.slope = icl_vector_dot(o->count, g, o->direction);
    if (line->start.slope < 0 && line->start.slope >= -DBL_MAX)
        ICL_TRY(icl_line_search(line, 1, found));
    return ICL_OK;
}

/* Steps in a window: what came fast to the floor needs few steps there to show that it can go on,
 * an ill-conditioned problem many. */
static int64_t window(const icl_optimiser *o) {
    int64_t half = o->counters.steps / 2, most = 100 + 5 * o->options.history;
    return half < 30 ? 30 : half < most ? half : most;
}

/* Where the value has stopped falling, a single step need not lower the gradient norm, but a window
 * of steps must lower its geometric mean. After one that does not, every step must lower the norm
 * (`stalling`), which soon ends in a stall. */
static void note_progress(icl_optimiser *o, const icl_line_point *point) {
    double *past = memory_of(o).numbers;
    icl_optimiser_counters *c = &o->next_counters;
    const int falls = point->value < past[BEST_VALUE] - 8 * DBL_EPSILON * fabs(past[BEST_VALUE]);
    past[LOG_SUM] += log(fmax(point->norm, DBL_MIN));
    if (++c->waiting < window(o) && !falls)
        return;
    double mean = falls ? DBL_MAX : past[LOG_SUM] / (double)c->waiting;
    c->stalling = !falls && !(mean < past[BEST_MEAN] - 0.05);
    if (!c->stalling)
        past[BEST_MEAN] = mean;
    if (falls)
        past[BEST_VALUE] = point->value;
    past[LOG_SUM] = 0;
    c->waiting = 0;
}

/* Nothing fails from here on. */
static void accept(icl_optimiser *o, const icl_line *line, double scale, double *x) {
    const icl_line_point *point = &line->last;
    memory m = memory_of(o);
    add_pair(o, x, o->gradient, o->next, point->gradient);
    note_progress(o, point);
    icl_lbfgs_remember(o, point->gradient, o->next);
    m.numbers[LAST_VALUE] = point->value;
    m.numbers[SCALE] = scale;
    o->counters = o->next_counters;
    memcpy(x, o->next, (size_t)o->count * sizeof *x);
}

icl_status icl_lbfgs_search_step(icl_optimiser *o, icl_objective *objective, int fixed, double *x,
                                 icl_step_report *report) {
    icl_line line = {.optimiser = o,
                     .objective = objective,
                     .x = x,
                     .d = o->direction,
                     .trial = o->next,
                     .monotone = (int)o->counters.stalling,
                     .low.gradient = o->low_gradient,
                     .last.gradient = o->trial_gradient};
    ICL_TRY(start_point(o, objective, fixed, x, &line.start));
    const double size = fabs(line.start.value);
    const double scale = fmax(memory_of(o).numbers[SCALE], size);
    line.floor = fmax(RELATIVE_FLOOR * size, ABSOLUTE_FLOOR * scale);
    o->next_counters = o->counters;
    o->next_counters.steps++;
    int found = 0;
    if (line.start.norm > 0)
        ICL_TRY(search(o, &line, &found));
    if (found)
        accept(o, &line, scale, x);
    const icl_line_point *now = found ? &line.last : &line.start;
    *report = (icl_step_report){.value = now->value,
                                .gradient_norm = now->norm,
                                .rate = now->s,
                                .evaluations = objective->evaluations,
                                .stop = now->norm == 0 ? ICL_STOP_GRADIENT
                                        : found        ? ICL_STOP_NONE
                                                       : ICL_STOP_STALLED};
    return ICL_OK;
}
