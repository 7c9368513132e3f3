/* Iterative Newton (Schulz) for the inverse of A = X^T X + lambda I (Fu et al. 2310.17086) and its
 * order-r family (Giannou et al. 2403.03183):
 *
 *     M_0 = alpha A,  M_{k+1} = M_k sum_{m<r} E^m,  E = I - A M_k,  w_k = M_k c,
 *     I - M_k A = (I - alpha A^2)^(r^k);  for r = 2, M_{k+1} = 2 M_k - M_k A M_k.
 *
 * It converges for 0 < alpha < 2 / l_max^2; the default is 1 / ||A^2||_F. Of a singular A it finds
 * the pseudo-inverse, but then rounding errors in the null space grow by r with every step: the
 * iteration ends at its numerical floor, where the residual of w_k is rounding of M_k alone.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"
#include "solve/stop.h"

typedef struct newton {
    int64_t d, order;
    double *A, *c; /* the system in units of a power of two, so that A^2 is in range */
    double *M, *product, *next, *sum; /* sum: of order > 2 only */
    double *w, *residual;
    double norm_A, norm_c;
    icl_stopping stopping;
} newton;

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t d = solver->dim, squares = solver->options.order > 2 ? 5 : 4;
    return d * (squares * d + 3);
}

/* A and c over 2^*exponent; 0 for A = 0. */
static int scale_system(newton *it, const icl_prompt *prompt, double ridge, int *exponent) {
    int64_t d = it->d;
    double greatest = 0;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double a = prompt->A[i * d + j] + (i == j ? ridge : 0);
            it->A[i * d + j] = a;
            greatest = fmax(greatest, fabs(a));
        }
    if (greatest == 0)
        return 0;
    frexp(greatest, exponent);
    for (int64_t i = 0; i < d * d; i++)
        it->A[i] = ldexp(it->A[i], -*exponent);
    for (int64_t i = 0; i < d; i++)
        it->c[i] = ldexp(prompt->c[i], -*exponent);
    it->norm_A = icl_norm(d * d, it->A);
    it->norm_c = icl_norm(d, it->c);
    return 1;
}

/* M_0 = alpha A; returns alpha, of the unscaled system. */
static double start(newton *it, double alpha, int exponent) {
    int64_t d = it->d;
    double scaled = ldexp(alpha, 2 * exponent);
    if (alpha == 0) {
        icl_matmul(0, 0, d, d, d, it->A, it->A, it->product);
        scaled = 1 / icl_norm(d * d, it->product);
        alpha = ldexp(scaled, -2 * exponent);
    }
    for (int64_t i = 0; i < d * d; i++)
        it->M[i] = scaled * it->A[i];
    return alpha;
}

/* w = M c; 0 if it is not finite. */
static int read_out(newton *it, const double *M) {
    int64_t d = it->d;
    icl_matmul(0, 0, d, 1, d, M, it->c, it->w);
    return icl_all_finite(it->w, d);
}

/* next = 2 M - M (A M) */
static void step_by_two(newton *it) {
    int64_t d = it->d;
    icl_matmul(0, 0, d, d, d, it->M, it->product, it->next);
    for (int64_t i = 0; i < d * d; i++)
        it->next[i] = 2 * it->M[i] - it->next[i];
}

/* next = M (I + E (I + E (..))) with E = I - A M: r - 1 products by Horner's rule */
static void step_by_order(newton *it) {
    int64_t d = it->d;
    double *E = it->product, *term = it->next, *sum = it->sum;
    for (int64_t i = 0; i < d * d; i++)
        E[i] = (i % (d + 1) == 0) - E[i];
    memcpy(sum, E, (size_t)(d * d) * sizeof *sum);
    for (int64_t m = 2; m < it->order; m++) {
        icl_matmul(0, 0, d, d, d, E, sum, term);
        for (int64_t i = 0; i < d * d; i++)
            sum[i] = E[i] + term[i];
    }
    icl_matmul(0, 0, d, d, d, it->M, sum, it->next);
    for (int64_t i = 0; i < d * d; i++)
        it->next[i] += it->M[i];
}

/* The next M; 0, and M as it was, where w would not be finite. */
static int advance(newton *it) {
    int64_t d = it->d;
    icl_matmul(0, 0, d, d, d, it->A, it->M, it->product);
    if (it->order == 2)
        step_by_two(it);
    else
        step_by_order(it);
    if (!read_out(it, it->next))
        return 0;
    double *old = it->M;
    it->M = it->next;
    it->next = old;
    return 1;
}

static icl_stop check(newton *it, int64_t step) {
    int64_t d = it->d;
    icl_residual(d, it->A, it->c, it->w, it->residual);
    double floor = 4 * (double)d * DBL_EPSILON * it->norm_A * icl_norm(d * d, it->M) * it->norm_c;
    return icl_stopping_check(&it->stopping, step, icl_norm(d, it->residual), floor);
}

static void iterate(newton *it, icl_prompt *prompt) {
    int64_t step = 0;
    int finite = read_out(it, it->M);
    icl_stop stop = ICL_STOP_DIVERGED;
    while (finite) {
        memcpy(prompt->w, it->w, (size_t)it->d * sizeof(double));
        icl_prompt_record(prompt, step);
        stop = check(it, step);
        if (stop != ICL_STOP_NONE)
            break;
        finite = advance(it);
        if (finite)
            step++;
        else
            stop = ICL_STOP_DIVERGED;
    }
    prompt->report.stop = stop;
    prompt->report.steps = step;
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = solver->dim, square = d * d;
    double *at = prompt->scratch;
    newton it = {.d = d,
                 .order = solver->options.order,
                 .A = at,
                 .M = at + square,
                 .product = at + 2 * square,
                 .next = at + 3 * square,
                 .c = at + 4 * square,
                 .w = at + 4 * square + d,
                 .residual = at + 4 * square + 2 * d,
                 .sum = at + 4 * square + 3 * d};
    int exponent = 0;
    if (!scale_system(&it, prompt, solver->options.ridge, &exponent)) {
        prompt->report.stop = ICL_STOP_CONVERGED;
        prompt->report.step = solver->options.step;
        return ICL_OK;
    }
    icl_stopping_begin(&it.stopping, prompt->steps, solver->options.tolerance, d, it.c);
    prompt->report.step = start(&it, solver->options.step, exponent);
    iterate(&it, prompt);
    return ICL_OK;
}

const icl_algorithm icl_algorithm_newton = {
    .steps = 1, .scratch = scratch_size, .run = run, .road = &icl_road_spectral};
