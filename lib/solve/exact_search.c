#include "solve/exact_search.h"

#include "linalg/linalg.h"
#include "solve/stop.h"

typedef struct run_state {
    icl_search search;
    icl_direction_fn direct;
} run_state;

static icl_stop move(void *state, const icl_prompt *prompt, const double *residual, double *next) {
    run_state *it = state;
    icl_search *s = &it->search;
    int64_t d = prompt->d;
    it->direct(s, residual);
    s->done++;
    icl_symmetric_apply(d, prompt->A, s->p, s->q);
    double curvature = icl_frobenius(d, s->p, s->q);
    double length = -icl_frobenius(d, residual, s->p) / curvature;
    if (!(curvature > 0))
        return ICL_STOP_STALLED;
    for (int64_t i = 0; i < d; i++)
        next[i] = prompt->w[i] + length * s->p[i];
    return ICL_STOP_NONE;
}

void icl_search_run(const icl_solver *solver, icl_prompt *prompt, icl_direction_fn direct) {
    int64_t d = prompt->d;
    double *at = prompt->scratch;
    run_state state = {.search = {.d = d,
                                  .p = at,
                                  .q = at + d,
                                  .memory = at + ICL_SEARCH_VECTORS * d,
                                  .pairs = solver->options.memory},
                       .direct = direct};
    icl_iteration it = {.still = icl_norm(d * d, prompt->A) == 0,
                        .fragile = 1,
                        .residual = at + 2 * d,
                        .next = at + 3 * d,
                        .move = move,
                        .state = &state};
    icl_iterate(solver, prompt, &it);
}
