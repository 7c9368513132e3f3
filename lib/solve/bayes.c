/* The posterior mean for w ~ N(mu, W), y = X w + N(0, sigma^2 I), with W = R R^T and A = X R:
 *
 *     w = mu + R z,   z = A^T (A A^T + sigma^2 I)^+ (y - X mu).
 *
 * Nothing is divided by sigma^2 or by W. Where sigma^2 bounds the condition number well, z comes
 * by Cholesky from the smaller of A^T A + sigma^2 I and A A^T + sigma^2 I; else from the singular
 * values of A, which keeps all digits down to sigma = 0, where z is the solution of least norm.
 */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"

/* Of the condition number that Cholesky may meet: it loses six digits of sixteen. */
static const double greatest_condition = 1e6;

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    int64_t d = solver->dim, k = n < d ? n : d, filtered = icl_filtered_scratch(n, d);
    if (filtered < 0)
        return filtered;
    int64_t system = k * k + k;
    return n * d + n + d + (filtered > system ? filtered : system);
}

/* A = X R (n x d): X itself where R = I. */
static const double *whiten(const icl_root *root, const icl_prompt *prompt, double *memory) {
    int64_t n = prompt->n, d = prompt->d;
    if (root->dense != NULL)
        icl_matmul(0, 0, n, d, d, prompt->X, root->dense, memory);
    else if (root->diagonal != NULL)
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < d; j++)
                memory[i * d + j] = prompt->X[i * d + j] * root->diagonal[j];
    else
        return prompt->X;
    return memory;
}

/* z = (A^T A + noise I)^-1 A^T r (d <= n) or A^T (A A^T + noise I)^-1 r; ICL_ERR_SINGULAR where
 * the noise is too small for it. */
static icl_status by_cholesky(int64_t n, int64_t d, const double *A, const double *r, double noise,
                              double *scratch, double *z) {
    int64_t k = n < d ? n : d;
    double *system = scratch, *solution = system + k * k;
    if (!(icl_frobenius(n * d, A, A) < (greatest_condition - 1) * noise))
        return ICL_ERR_SINGULAR;
    icl_matmul(d <= n, d > n, k, k, d <= n ? n : d, A, A, system);
    for (int64_t i = 0; i < k; i++)
        system[i * k + i] += noise;
    ICL_TRY(icl_cholesky(k, system));
    if (d <= n) {
        icl_matmul(1, 0, d, 1, n, A, r, z);
        icl_cholesky_solve(k, system, 1, z);
        return ICL_OK;
    }
    memcpy(solution, r, (size_t)n * sizeof *r);
    icl_cholesky_solve(k, system, 1, solution);
    icl_matmul(1, 0, d, 1, n, A, solution, z);
    return ICL_OK;
}

static void residual_of_mean(const icl_prompt *prompt, const double *mean, double *r) {
    for (int64_t i = 0; i < prompt->n; i++)
        r[i] = prompt->y[i] -
               (mean != NULL ? icl_frobenius(prompt->d, prompt->X + i * prompt->d, mean) : 0);
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    const icl_law *law = solver->law;
    int64_t n = prompt->n, d = prompt->d, used = n * d + n + d, rank;
    double *memory = prompt->scratch, *r = memory + n * d, *z = r + n, *rest = z + d;
    prompt->report.stop = ICL_STOP_CONVERGED;
    memset(z, 0, (size_t)d * sizeof *z);
    if (n > 0) {
        const double *A = whiten(&law->prior_root, prompt, memory);
        residual_of_mean(prompt, law->mean, r);
        if (!icl_all_finite(A, n * d) || !icl_all_finite(r, n)) {
            prompt->w[0] = NAN; /* overflow: no answer, as the report will say */
            return ICL_OK;
        }
        icl_status status = by_cholesky(n, d, A, r, law->noise, rest, z);
        if (status == ICL_ERR_SINGULAR)
            status = icl_filtered_solve(n, d, A, r, law->noise, rest, prompt->scratch_size - used,
                                        z, &rank);
        ICL_TRY(status);
    }
    icl_root_apply(&law->prior_root, d, z, prompt->w);
    if (law->mean != NULL)
        for (int64_t i = 0; i < d; i++)
            prompt->w[i] += law->mean[i];
    return ICL_OK;
}

const icl_algorithm icl_algorithm_bayes = {
    .examples = 1, .scratch = scratch_size, .run = run, .road = &icl_road_triangle};
