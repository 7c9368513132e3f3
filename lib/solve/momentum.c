/* Heavy ball, Nesterov's method and Chebyshev iteration. With the defaults the error contracts by
 * (sqrt kappa - 1) / (sqrt kappa + 1) a step in the limit, by sqrt(1 - 1 / sqrt kappa) for
 * Nesterov.
 *
 * Chebyshev: with p_0 = 1 / theta, p_{k+1} = 1 / (2 theta - radius^2 p_k), theta the centre of
 * l..u,
 *
 *     delta_1 = -p_0 g(w_0),   delta_{k+1} = radius^2 p_k p_{k-1} delta_k - 2 p_k g(w_k),
 *
 * the recurrence of T_k(s(x)) / T_k(s(0)) without a division by the radius, which may be 0.
 */
#include "solve/momentum.h"

#include <math.h>
#include <string.h>

#include "solve/prefix.h"

void icl_momentum_begin(const icl_solver *solver, double least, double greatest, icl_momentum *m) {
    const icl_solver_options *o = &solver->options;
    *m = (icl_momentum){.step = o->method == ICL_METHOD_CHEBYSHEV ? 0 : o->step};
    if (greatest == 0)
        return;
    if (o->method == ICL_METHOD_CHEBYSHEV) {
        double l = o->least > 0 ? o->least : least, u = o->greatest > 0 ? o->greatest : greatest;
        m->centre = l / 2 + u / 2;
        m->radius2 = (u / 2 - l / 2) * (u / 2 - l / 2);
        m->p = m->gain = 1 / m->centre;
        return;
    }
    double a = sqrt(greatest), b = sqrt(least), beta = a > 0 ? (a - b) / (a + b) : 0;
    int heavy = o->method == ICL_METHOD_HEAVY_BALL;
    m->step = o->step > 0 ? o->step : heavy ? 4 / ((a + b) * (a + b)) : 1 / greatest;
    m->gain = m->step;
    m->keep = o->momentum > 0 ? o->momentum : heavy ? beta * beta : beta;
    m->ahead = heavy ? 0 : m->keep;
}

void icl_momentum_next(icl_momentum *m) {
    if (m->centre == 0)
        return;
    double before = m->p;
    m->p = 1 / (2 * m->centre - m->radius2 * before);
    m->keep = m->radius2 * m->p * before;
    m->gain = 2 * m->p;
}

typedef struct walk {
    icl_momentum coefficients;
    double *delta, *before; /* d: w_k - w_{k-1}, g(w_{k-1}) */
} walk;

static icl_stop move(void *state, const icl_prompt *prompt, const double *residual, double *next) {
    walk *it = state;
    const icl_momentum *m = &it->coefficients;
    for (int64_t i = 0; i < prompt->d; i++) {
        /* g is affine, so g(w + ahead delta) = g(w) + ahead (g(w) - g(w - delta)) */
        double gradient = residual[i] + m->ahead * (residual[i] - it->before[i]);
        it->delta[i] = m->keep * it->delta[i] - m->gain * gradient;
        next[i] = prompt->w[i] + it->delta[i];
        it->before[i] = residual[i];
    }
    icl_momentum_next(&it->coefficients);
    return ICL_STOP_NONE;
}

/* Whether the extreme eigenvalues are asked for. */
static int is_open(const icl_solver_options *o) {
    if (o->method == ICL_METHOD_CHEBYSHEV)
        return o->least == 0 || o->greatest == 0;
    return o->step == 0 || o->momentum == 0;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t extremes = is_open(&solver->options) ? icl_extremes_scratch(solver->dim) : 0;
    int64_t vectors = 4 * solver->dim;
    return extremes < 0 || extremes > vectors ? extremes : vectors;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d;
    double least = 1, greatest = 1;
    if (is_open(&solver->options))
        ICL_TRY(icl_extremes(d, prompt->n, icl_moment_tolerance(prompt->n, d), prompt->A,
                             prompt->scratch, prompt->scratch_size, &least, &greatest));
    walk state = {.delta = prompt->scratch, .before = prompt->scratch + d};
    icl_momentum_begin(solver, least, greatest, &state.coefficients);
    memset(state.delta, 0, (size_t)d * sizeof(double));
    /* as delta_0 = 0, g(w_{-1}) = g(w_0) */
    icl_residual(d, prompt->A, prompt->c, prompt->w, state.before);
    icl_iteration it = {.still = !(greatest > 0),
                        .step = state.coefficients.step,
                        .residual = prompt->scratch + 2 * d,
                        .next = prompt->scratch + 3 * d,
                        .move = move,
                        .state = &state};
    icl_iterate(solver, prompt, &it);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_heavy_ball = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run, .road = &icl_road_spectral};
const icl_algorithm icl_algorithm_nesterov = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run, .road = &icl_road_spectral};
const icl_algorithm icl_algorithm_chebyshev = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run, .road = &icl_road_spectral};
