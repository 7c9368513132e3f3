/* L-BFGS with exact searches: p = -H g by the two loops (Nocedal, Math. Comp. 35, 1980) over the
 * last pairs (p, q) and H_0 = I.
 */
#include <string.h>

#include "linalg/linalg.h"
#include "solve/exact_search.h"

/* Pair number k lies at k mod pairs: p, q, then 1 / p.q and the first loop's coefficient. */
static double *pair_of(const icl_search *s, int64_t k) {
    return s->memory + k % s->pairs * (2 * s->d + 2);
}

static void keep(icl_search *s) {
    int64_t d = s->d;
    double *pair = pair_of(s, s->done - 1);
    memcpy(pair, s->p, (size_t)d * sizeof *pair);
    memcpy(pair + d, s->q, (size_t)d * sizeof *pair);
    pair[2 * d] = 1 / icl_frobenius(d, s->p, s->q);
}

static void add(int64_t d, double factor, const double *x, double *y) {
    for (int64_t i = 0; i < d; i++)
        y[i] += factor * x[i];
}

static void direct(icl_search *s, const double *g) {
    int64_t d = s->d, oldest = s->done > s->pairs ? s->done - s->pairs : 0;
    if (s->done > 0)
        keep(s);
    for (int64_t i = 0; i < d; i++)
        s->p[i] = -g[i];
    for (int64_t k = s->done; k-- > oldest;) {
        double *pair = pair_of(s, k);
        pair[2 * d + 1] = pair[2 * d] * icl_frobenius(d, pair, s->p);
        add(d, -pair[2 * d + 1], pair + d, s->p);
    }
    for (int64_t k = oldest; k < s->done; k++) {
        const double *pair = pair_of(s, k);
        add(d, pair[2 * d + 1] - pair[2 * d] * icl_frobenius(d, pair + d, s->p), pair, s->p);
    }
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t d = solver->dim;
    return ICL_SEARCH_VECTORS * d + solver->options.memory * (2 * d + 2);
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    icl_search_run(solver, prompt, direct);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_lbfgs = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run};
