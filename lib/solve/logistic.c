/* Damped Newton for logistic regression (Giannou et al. 2403.03183, theorem 5.1): with s_i the sign
 * of y_i and f(w) = (1/n) sum log(1 + exp(-s_i w.x_i)) + (mu/2) ||w||^2,
 *
 *     w <- w - eta H^-1 g,   eta = 2 sqrt(mu) / (2 sqrt(mu) + R lambda),   lambda^2 = g^T H^-1 g.
 *
 * R bounds ||x_i|| from above and is 1 there; with it (R^2 / 4 mu) f is standard self-concordant
 * for any covariates, and the step never fails. A label 0 says nothing: its term is constant.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"
#include "solve/stop.h"

typedef struct logistic {
    const icl_prompt *prompt;
    double mu, rounding;      /* rounding: of g, over eps */
    double *gradient, *H;     /* d, d x d */
    double *direction, *next; /* d each */
} logistic;

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    return solver->dim * (solver->dim + 3);
}

/* g, the lower triangle of H, and the rounding of g at w. */
static void differentiate(logistic *it, const double *w) {
    int64_t n = it->prompt->n, d = it->prompt->d;
    double length = icl_norm(d, w), share = n > 0 ? 1 / (double)n : 0;
    memset(it->H, 0, (size_t)(d * d) * sizeof(double));
    it->rounding = it->mu * length;
    for (int64_t j = 0; j < d; j++) {
        it->gradient[j] = it->mu * w[j];
        it->H[j * d + j] = it->mu;
    }
    for (int64_t i = 0; i < n; i++) {
        const double *x = it->prompt->X + i * d;
        double y = it->prompt->y[i];
        if (y == 0)
            continue;
        double margin = icl_frobenius(d, w, x), z = y > 0 ? margin : -margin, e = exp(-fabs(z));
        double wrong = (z > 0 ? e : 1) / (1 + e); /* 1 / (1 + exp z) */
        double slope = share * (y > 0 ? -wrong : wrong), bend = share * (e / (1 + e)) / (1 + e);
        double size = icl_norm(d, x);
        it->rounding += (fabs(slope) + bend * length * size) * size;
        for (int64_t j = 0; j < d; j++) {
            it->gradient[j] += slope * x[j];
            double scaled = bend * x[j];
            for (int64_t k = 0; k <= j; k++)
                it->H[j * d + k] += scaled * x[k];
        }
    }
}

/* max(1, max ||x_i||) */
static double radius(const icl_prompt *prompt) {
    double most = 1;
    for (int64_t i = 0; i < prompt->n; i++)
        most = fmax(most, icl_norm(prompt->d, prompt->X + i * prompt->d));
    return most;
}

/* next from w; 0 where it is not finite. */
static int advance(logistic *it, const double *w, double step, double R) {
    int64_t d = it->prompt->d;
    if (!icl_all_finite(it->gradient, d) || icl_cholesky(d, it->H) != ICL_OK)
        return 0;
    memcpy(it->direction, it->gradient, (size_t)d * sizeof(double));
    icl_cholesky_solve(d, it->H, 1, it->direction);
    double decrement = sqrt(fmax(icl_frobenius(d, it->gradient, it->direction), 0));
    double root = 2 * sqrt(it->mu), eta = step > 0 ? step : root / (root + R * decrement);
    for (int64_t j = 0; j < d; j++)
        it->next[j] = w[j] - eta * it->direction[j];
    return icl_all_finite(it->next, d);
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    int64_t d = prompt->d, step = 0;
    double *at = prompt->scratch, R = radius(prompt);
    logistic it = {.prompt = prompt,
                   .mu = solver->options.ridge,
                   .gradient = at,
                   .direction = at + d,
                   .next = at + 2 * d,
                   .H = at + 3 * d};
    icl_stopping stopping;
    memset(it.next, 0, (size_t)d * sizeof(double));
    differentiate(&it, it.next);
    icl_stopping_begin(&stopping, prompt->steps, solver->options.tolerance, d, it.gradient);
    icl_stop stop = ICL_STOP_NONE;
    while (stop == ICL_STOP_NONE) {
        icl_prompt_record(prompt, step);
        differentiate(&it, prompt->w);
        stop = icl_stopping_check(&stopping, step, icl_norm(d, it.gradient),
                                  4 * (double)d * DBL_EPSILON * it.rounding);
        if (stop != ICL_STOP_NONE)
            break;
        if (!advance(&it, prompt->w, solver->options.step, R)) {
            stop = ICL_STOP_DIVERGED;
        } else {
            memcpy(prompt->w, it.next, (size_t)d * sizeof(double));
            step++;
        }
    }
    prompt->report.stop = stop;
    prompt->report.steps = step;
    prompt->report.step = solver->options.step;
    return ICL_OK;
}

/* 2 p - 1, p = 1 / (1 + exp(-z)): the mean of a label -1 or 1 */
static double mean_label(double z) {
    return tanh(z / 2);
}

const icl_algorithm icl_algorithm_logistic = {.steps = 1,
                                              .start = 1,
                                              .examples = 1,
                                              .scratch = scratch_size,
                                              .run = run,
                                              .link = mean_label,
                                              .road = &icl_road_refit};
