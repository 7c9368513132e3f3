/* Conjugate gradients (Hestenes and Stiefel): p_k = -g_k + (|g_k|^2 / |g_{k-1}|^2) p_{k-1}. Exact
 * in as many steps as A has different non-zero eigenvalues, but for rounding.
 */
#include "linalg/linalg.h"
#include "solve/exact_search.h"

static void direct(icl_search *s, const double *g) {
    double square = icl_frobenius(s->d, g, g);
    for (int64_t i = 0; i < s->d; i++)
        s->p[i] = s->done > 0 ? square / s->memory[0] * s->p[i] - g[i] : -g[i];
    s->memory[0] = square;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    return ICL_SEARCH_VECTORS * solver->dim + 1;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    icl_search_run(solver, prompt, direct);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_conjugate_gradient = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run};
