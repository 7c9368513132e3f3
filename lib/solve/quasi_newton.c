/* BFGS and DFP with exact searches from H_0 = I, H the approximate inverse of A. With rho = p.q and
 * h = H q:
 *
 *     BFGS   H <- H + (1 + q.h / rho) p p^T / rho - (h p^T + p h^T) / rho
 *     DFP    H <- H + p p^T / rho - h h^T / (q.h)
 *
 * On a quadratic both give the iterates of conjugate gradients (Nazareth, SIAM J. Numer. Anal. 16,
 * 1979). Some texts print DFP's update under the name of BFGS.
 */
#include <string.h>

#include "linalg/linalg.h"
#include "solve/exact_search.h"

static void set_identity(int64_t d, double *H) {
    memset(H, 0, (size_t)(d * d) * sizeof *H);
    for (int64_t i = 0; i < d; i++)
        H[i * d + i] = 1;
}

static void update_bfgs(icl_search *s) {
    int64_t d = s->d;
    const double *p = s->p, *q = s->q;
    double *H = s->memory, *h = H + d * d, rho = icl_frobenius(d, p, q);
    icl_symmetric_apply(d, H, q, h);
    double factor = (1 + icl_frobenius(d, q, h) / rho) / rho;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            H[i * d + j] += factor * (p[i] * p[j]) - (h[i] * p[j] + p[i] * h[j]) / rho;
}

static void update_dfp(icl_search *s) {
    int64_t d = s->d;
    const double *p = s->p, *q = s->q;
    double *H = s->memory, *h = H + d * d, rho = icl_frobenius(d, p, q);
    icl_symmetric_apply(d, H, q, h);
    double curvature = icl_frobenius(d, q, h);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            H[i * d + j] += p[i] * p[j] / rho - h[i] * h[j] / curvature;
}

static void direct(icl_search *s, const double *g, void (*update)(icl_search *)) {
    if (s->done > 0)
        update(s);
    else
        set_identity(s->d, s->memory);
    icl_symmetric_apply(s->d, s->memory, g, s->p);
    for (int64_t i = 0; i < s->d; i++)
        s->p[i] = -s->p[i];
}

static void direct_bfgs(icl_search *s, const double *g) {
    direct(s, g, update_bfgs);
}

static void direct_dfp(icl_search *s, const double *g) {
    direct(s, g, update_dfp);
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t d = solver->dim;
    return d * (ICL_SEARCH_VECTORS + d + 1);
}

static icl_status run_bfgs(const icl_solver *solver, icl_prompt *prompt) {
    icl_search_run(solver, prompt, direct_bfgs);
    return ICL_OK;
}

static icl_status run_dfp(const icl_solver *solver, icl_prompt *prompt) {
    icl_search_run(solver, prompt, direct_dfp);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_bfgs = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run_bfgs};
const icl_algorithm icl_algorithm_dfp = {
    .steps = 1, .start = 1, .scratch = scratch_size, .run = run_dfp};
