/* Lasso: min (1/2) ||y - X w||^2 + lambda ||w||_1 by cyclic coordinate descent on the moments. With
 * g = c - A w = X^T r, r = y - X w, coordinate j goes to
 *
 *     w_j = soft(g_j + A_jj w_j, lambda) / A_jj,   soft(z, l) = sign z max(|z| - l, 0).
 *
 * A dual point is s r with s = min(1, lambda / ||g||_inf); its gap to the primal is
 *
 *     (1/2) (1 - s)^2 ||r||^2 + (lambda ||w||_1 - s w.g),
 *
 * two terms that are never negative, so that no digits of the gap cancel in a difference of two
 * objectives.
 *
 * Descent finds the signs of w soon but, where A is ill-conditioned, their values slowly. So now
 * and then w goes to the minimiser for its signs on its support S, or towards it as far as the
 * signs hold, so that the objective falls all the way; and on without the entry that came to 0,
 * which a sweep would bring back to stand in the way again. As A_SS may be singular, it is the
 * minimiser of the objective and (epsilon/2) |w' - w|^2: (A_SS + epsilon I) w'_S = c_S - lambda
 * sign w_S + epsilon w_S.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/prefix.h"
#include "solve/solver.h"

static const double default_tolerance = 1e-12;
/* Sweeps after which an ill-conditioned prompt is left where it is. */
enum { MOST_SWEEPS = 100000 };
/* epsilon over tr A_SS: far above the rounding of A, far below what counts. */
static const double proximity = 1e-12;
/* Sweeps before the first jump. */
enum { FIRST_JUMP = 8 };

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    (void)n;
    int64_t d = solver->dim;
    return d * (d + 2);
}

static double soft(double z, double lambda) {
    return z > lambda ? z - lambda : z < -lambda ? z + lambda : 0;
}

/* All coordinates once, g kept up; 1 if one of them moved by more than rounding. */
static int sweep(const icl_prompt *prompt, double lambda, double *g) {
    int64_t d = prompt->d;
    double *w = prompt->w, greatest = 0, moved = 0;
    for (int64_t j = 0; j < d; j++) {
        const double *column = prompt->A + j * d;
        if (!(column[j] > 0))
            continue; /* x_j = 0 in all examples */
        double next = soft(g[j] + column[j] * w[j], lambda) / column[j], change = next - w[j];
        greatest = fmax(greatest, fabs(next));
        moved = fmax(moved, fabs(change));
        w[j] = next;
        for (int64_t i = 0; change != 0 && i < d; i++)
            g[i] -= change * column[i];
    }
    return moved > 2 * DBL_EPSILON * greatest;
}

/* w (with k entries not 0) towards the minimiser for its signs; system and target: d x d, d. 1: an
 * entry came to 0 before w was there. */
static int jump(const icl_prompt *prompt, int64_t k, double lambda, double *system,
                double *target) {
    int64_t d = prompt->d, row = 0, first = -1;
    double *w = prompt->w, along = 1, epsilon = 0;
    for (int64_t i = 0; i < d; i++)
        epsilon += w[i] != 0 ? proximity * prompt->A[i * d + i] : 0;
    for (int64_t i = 0; i < d; i++) {
        if (w[i] == 0)
            continue;
        for (int64_t j = 0, column = 0; j <= i; j++)
            if (w[j] != 0)
                system[row * k + column++] = prompt->A[i * d + j];
        system[row * k + row] += epsilon;
        target[row++] = prompt->c[i] - copysign(lambda, w[i]) + epsilon * w[i];
    }
    if (icl_cholesky(k, system) != ICL_OK)
        return 0;
    icl_cholesky_solve(k, system, 1, target);
    if (!icl_all_finite(target, k))
        return 0;
    for (int64_t i = 0, at = 0; i < d; i++)
        if (w[i] != 0 && w[i] * target[at++] <= 0 && w[i] / (w[i] - target[at - 1]) <= along) {
            along = w[i] / (w[i] - target[at - 1]);
            first = i;
        }
    for (int64_t i = 0, at = 0; i < d; i++) {
        if (w[i] == 0)
            continue;
        double next = along < 1 ? w[i] + along * (target[at] - w[i]) : target[at];
        w[i] = i != first && next * w[i] > 0 ? next : 0;
        at++;
    }
    return first >= 0;
}

static int64_t support(int64_t d, const double *w) {
    int64_t k = 0;
    for (int64_t j = 0; j < d; j++)
        k += w[j] != 0;
    return k;
}

/* The duality gap at w, with g = c - A w anew. */
static double gap_of(const icl_prompt *prompt, double lambda, double *g) {
    int64_t d = prompt->d;
    double greatest = 0, length = 0;
    icl_residual(d, prompt->A, prompt->c, prompt->w, g);
    for (int64_t j = 0; j < d; j++) {
        g[j] = -g[j];
        greatest = fmax(greatest, fabs(g[j]));
        length += fabs(prompt->w[j]);
    }
    double s = greatest > lambda ? lambda / greatest : 1, along = icl_frobenius(d, prompt->w, g);
    double square = fmax(prompt->yy - icl_frobenius(d, prompt->c, prompt->w) - along, 0);
    double rest = s < 1 ? 0.5 * (1 - s) * (1 - s) * square : 0;
    return rest + fmax(lambda * length - s * along, 0);
}

static icl_status run(const icl_solver *solver, icl_prompt *prompt) {
    const icl_solver_options *o = &solver->options;
    double lambda = o->l1 + o->l1_per_example * (double)prompt->n, *g = prompt->scratch;
    double tolerance = o->tolerance > 0 ? o->tolerance : default_tolerance;
    double target = tolerance * 0.5 * prompt->yy, gap;
    int64_t d = prompt->d, sweeps = 0, next = FIRST_JUMP;
    int moves = 1;
    icl_stop stop = ICL_STOP_NONE;
    for (;;) {
        gap = gap_of(prompt, lambda, g);
        if (!isfinite(gap) || !isfinite(prompt->yy)) {
            prompt->w[0] = NAN; /* overflow: no answer, as the report will say */
            return ICL_OK;
        }
        if (gap <= target)
            stop = ICL_STOP_CONVERGED;
        else if (sweeps == MOST_SWEEPS)
            stop = ICL_STOP_STEPS;
        else if (!moves)
            stop = ICL_STOP_STALLED;
        if (stop != ICL_STOP_NONE)
            break;
        moves = sweep(prompt, lambda, g);
        if (++sweeps < next)
            continue;
        /* as often as a jump costs no more than the sweeps between */
        next = sweeps + FIRST_JUMP;
        int blocked = 1;
        for (int64_t k; blocked && (k = support(d, prompt->w)) > 0; next += k / 8)
            blocked = jump(prompt, k, lambda, g + d, g + d + d * d);
    }
    prompt->report.stop = stop;
    prompt->report.steps = sweeps;
    prompt->report.step = gap;
    return ICL_OK;
}

const icl_algorithm icl_algorithm_lasso = {
    .scratch = scratch_size, .run = run, .road = &icl_road_warm};
