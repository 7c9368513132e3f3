/* Each eigenvalue l = lambda[i] on its own. GD and NEWTON have powers for residuals,
 *
 *     1 - l phi_k(l) = (1 - x)^e,   x = eta l, e = k   or   x = alpha l^2, e = r^k,
 *
 * so that any k costs the same, and no digit of phi is lost where (1 - x)^e is near 1. The norm of
 * the residual falls, then rises with k: where it stops is found by bisection. The others go step
 * by step.
 */
#include "solve/spectral_filter.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"

/* The logarithm of 2^-54, which is nothing beside 1. */
static const double beyond_rounding = -37.5;

/* ---- powers: a = log |1 - x|, b = 1 where 1 - x < 0 ---- */

static int is_power(const icl_filter *f) {
    icl_method method = f->solver->options.method;
    return method == ICL_METHOD_GD || method == ICL_METHOD_NEWTON;
}

/* The exponent of step k, and whether it is odd. */
static double exponent(const icl_filter *f, int64_t k, int *odd) {
    int64_t order = f->solver->options.order;
    if (f->solver->options.method == ICL_METHOD_GD) {
        *odd = k % 2 == 1;
        return (double)k;
    }
    *odd = k == 0 || order % 2 == 1;
    return pow((double)order, (double)k);
}

/* A coordinate that is 0 stays so, whatever its power would do: phi = 0 stands for it. */
static void set_base(icl_filter *f, int64_t i, double x) {
    if (f->g[i] == 0)
        return;
    f->b[i] = x > 1;
    f->a[i] = x > 1 ? log(x - 1) : log1p(-x);
}

/* log |1 - x|^e: 0 * inf is 0 here, whichever is which. */
static double power_log(double e, double log_base) {
    return e == 0 || log_base == 0 ? 0 : e * log_base;
}

/* phi_k into next; 1 if it is finite. */
static int power_phi(icl_filter *f, int64_t k) {
    int odd;
    double e = exponent(f, k, &odd);
    for (int64_t i = f->first; i < f->count; i++) {
        double size = power_log(e, f->a[i]);
        double gone = size < beyond_rounding ? 1
                      : odd && f->b[i] > 0   ? 1 + exp(size)
                                             : -expm1(size);
        f->next[i] = gone / f->lambda[i];
    }
    return icl_all_finite(f->next + f->first, f->count - f->first);
}

static double power_residual(icl_filter *f, int64_t k) {
    int odd;
    double e = exponent(f, k, &odd);
    for (int64_t i = f->first; i < f->count; i++)
        f->next[i] = f->g[i] * exp(power_log(e, f->a[i]));
    return icl_norm(f->count - f->first, f->next + f->first);
}

static int has_grown(icl_filter *f, int64_t k) {
    double residual = power_residual(f, k);
    return !(residual * DBL_EPSILON <= f->stopping.reference);
}

static int rises(icl_filter *f, int64_t k) {
    double after = power_residual(f, k + 1);
    return !isfinite(after) || after > power_residual(f, k);
}

static int has_converged(icl_filter *f, int64_t k) {
    return power_residual(f, k) <= f->stopping.target;
}

/* Whether phi_k is 1 / l to rounding, as it is for every later k then. */
static int is_at_rest(icl_filter *f, int64_t k) {
    int odd;
    double e = exponent(f, k, &odd);
    for (int64_t i = f->first; i < f->count; i++)
        if (f->g[i] != 0 && !(power_log(e, f->a[i]) < beyond_rounding))
            return 0;
    return 1;
}

/* The first k in low..high for which the condition holds, as it does for high and all between. */
static int64_t first_where(icl_filter *f, int (*condition)(icl_filter *, int64_t), int64_t low,
                           int64_t high) {
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (condition(f, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int may_grow(const icl_filter *f) {
    for (int64_t i = f->first; i < f->count; i++)
        if (f->a[i] > 0)
            return 1;
    return 0;
}

/* Where and why it ends. */
static void find_stop(icl_filter *f) {
    int grows = may_grow(f);
    int64_t lowest = grows ? first_where(f, rises, 0, f->most) : f->most;
    f->stopping.reference = fmax(f->stopping.reference, power_residual(f, 0));
    f->stop = ICL_STOP_STEPS;
    f->last = f->most;
    if (is_at_rest(f, f->most)) {
        f->stop = ICL_STOP_STALLED;
        f->last = first_where(f, is_at_rest, 0, f->most);
    } else if (grows && has_grown(f, f->most)) {
        f->stop = ICL_STOP_DIVERGED;
        f->last = first_where(f, has_grown, lowest, f->most);
    }
    int asked = f->stopping.tolerance > 0 || f->stopping.reference == 0;
    int64_t low = lowest < f->last ? lowest : f->last;
    if (asked && has_converged(f, low)) {
        f->stop = ICL_STOP_CONVERGED;
        f->last = first_where(f, has_converged, 0, low);
    }
}

/* alpha in units of 2^(-2 power), where squares of eigenvalues are in range. */
static double newton_step(icl_filter *f, const icl_spectrum *spectrum, int *power) {
    const icl_solver_options *o = &f->solver->options;
    double greatest = f->count > 0 ? f->lambda[f->count - 1] : o->ridge;
    double null = (double)(spectrum->d - (f->count - f->first)), sum;
    frexp(greatest, power);
    f->used = o->step;
    if (o->step > 0 || greatest == 0)
        return ldexp(o->step, 2 * *power);
    sum = null * pow(ldexp(o->ridge, -*power), 4);
    for (int64_t i = f->first; i < f->count; i++)
        sum += pow(ldexp(f->lambda[i], -*power), 4);
    f->used = ldexp(1 / sqrt(sum), -2 * *power);
    return 1 / sqrt(sum);
}

static void begin_power(icl_filter *f, const icl_spectrum *spectrum) {
    const icl_solver_options *o = &f->solver->options;
    int power;
    if (o->method == ICL_METHOD_NEWTON) {
        double alpha = newton_step(f, spectrum, &power);
        for (int64_t i = f->first; i < f->count; i++) {
            double l = ldexp(f->lambda[i], -power);
            set_base(f, i, alpha * l * l);
        }
    } else if (f->first < f->count) {
        f->used = o->step > 0 ? o->step : 2 / (f->lambda[f->count - 1] + f->lambda[f->first]);
        for (int64_t i = f->first; i < f->count; i++)
            set_base(f, i, f->used * f->lambda[i]);
    }
}

static void power_to(icl_filter *f, int64_t k) {
    f->step = k < f->last ? k : f->last;
    while (f->step >= 0 && !power_phi(f, f->step)) {
        /* it left the finite numbers in the very step that the residual grew in */
        f->stop = ICL_STOP_DIVERGED;
        f->last = --f->step;
    }
    if (f->step < 0)
        memset(f->next, 0, (size_t)f->count * sizeof(double));
    double *phi = f->phi;
    f->phi = f->next;
    f->next = phi;
}

/* ---- step by step: a = phi_k - phi_{k-1}, or the eigenvalue t of GD_PLUS_PLUS's T_k ---- */

static void move_by_momentum(icl_filter *f) {
    const icl_momentum m = f->momentum;
    for (int64_t i = f->first; i < f->count; i++) {
        double at = f->phi[i] + m.ahead * f->a[i];
        f->b[i] = m.keep * f->a[i] + m.gain * (1 - f->lambda[i] * at);
        f->next[i] = f->phi[i] + f->b[i];
    }
    icl_momentum_next(&f->momentum);
}

static void move_by_turning(icl_filter *f) {
    for (int64_t i = f->first; i < f->count; i++) {
        double t = f->a[i], l = f->lambda[i];
        f->next[i] = f->phi[i] + f->gain * t * t * (1 - l * f->phi[i]);
        f->b[i] = (1 - f->gamma * l * t * t) * t;
    }
}

static icl_stop check(icl_filter *f) {
    for (int64_t i = f->first; i < f->count; i++)
        f->next[i] = f->g[i] * (1 - f->lambda[i] * f->phi[i]);
    double residual = icl_norm(f->count - f->first, f->next + f->first);
    return icl_stopping_check(&f->stopping, f->step, residual, 0);
}

static void exchange(double **a, double **b) {
    double *old = *a;
    *a = *b;
    *b = old;
}

/* Whether phi is 1 / l to rounding, and stays so. */
static int has_settled(const icl_filter *f) {
    if (f->solver->options.method != ICL_METHOD_GD_PLUS_PLUS)
        return (double)f->step >= f->settled;
    for (int64_t i = f->first; i < f->count; i++)
        if (f->g[i] != 0 && !(fabs(1 - f->lambda[i] * f->phi[i]) <= DBL_EPSILON))
            return 0;
    return 1;
}

static void settle(icl_filter *f) {
    for (int64_t i = f->first; i < f->count; i++)
        f->phi[i] = f->g[i] == 0 ? 0 : 1 / f->lambda[i];
    f->stop = ICL_STOP_STALLED;
}

/* Residuals are looked at where they may end it: but for the first and the last step never where no
 * tolerance is asked for and nothing can grow. */
static void step_to(icl_filter *f, int64_t k) {
    while (f->stop == ICL_STOP_NONE && (f->step < k || k == f->most)) {
        if (f->watched || f->step == 0 || f->step == f->most)
            f->stop = check(f);
        if (f->stop != ICL_STOP_NONE)
            return;
        if (has_settled(f)) {
            settle(f);
            return;
        }
        if (f->solver->options.method == ICL_METHOD_GD_PLUS_PLUS)
            move_by_turning(f);
        else
            move_by_momentum(f);
        if (!icl_all_finite(f->next + f->first, f->count - f->first)) {
            f->stop = ICL_STOP_DIVERGED;
            return;
        }
        exchange(&f->phi, &f->next);
        exchange(&f->a, &f->b);
        f->step++;
    }
}

/* log of the greatest root's size: of z^2 - sum z + product. */
static double log_root(double sum, double product) {
    double square = sum * sum / 4 - product;
    return square < 0 ? 0.5 * log(product) : log(fabs(sum) / 2 + sqrt(square));
}

/* The logarithm of the factor by which, in the long run, a step shrinks the residual at l. */
static double log_rate(const icl_filter *f, double l) {
    const icl_momentum *m = &f->momentum;
    double x = m->gain * l, radius = sqrt(m->radius2);
    if (m->centre == 0) /* HEAVY_BALL: ahead = 0; NESTEROV: ahead = keep */
        return log_root(1 - x + m->keep - m->ahead * x, m->keep - m->ahead * x);
    if (radius == 0)
        return log(fabs(1 - x));
    return acosh(fmax(fabs(m->centre - l) / radius, 1)) - acosh(m->centre / radius);
}

/* Whether a residual may grow beyond all bounds; if not, the number of steps after which each is
 * below e^-45 of the first, times the number of steps where two roots fall together. */
static void foresee(icl_filter *f) {
    double greatest = 0, rate = -INFINITY;
    f->watched = f->stopping.target > 0;
    f->settled = INFINITY;
    for (int64_t i = f->first; i < f->count; i++)
        greatest = fmax(greatest, f->lambda[i]);
    if (f->solver->options.method == ICL_METHOD_GD_PLUS_PLUS) {
        /* both only fall from what they are at t = 1, and the limit is no power */
        f->watched |= !(f->gain * greatest <= 2 && f->gamma * greatest <= 2);
        return;
    }
    for (int64_t i = f->first; i < f->count; i++)
        rate = fmax(rate, log_rate(f, f->lambda[i]));
    f->watched |= !(rate < 0);
    f->settled = rate < 0 ? 1 + 45 / -rate : INFINITY;
}

/* A coordinate that is 0 stays so: in its place goes an eigenvalue that no step lets grow. */
static void still_the_dead(icl_filter *f) {
    const icl_momentum *m = &f->momentum;
    int turning = f->solver->options.method == ICL_METHOD_GD_PLUS_PLUS;
    for (int64_t i = f->first; i < f->count; i++)
        if (f->g[i] == 0)
            f->lambda[i] = turning ? 0 : 1 / m->gain;
}

static void begin_steps(icl_filter *f, const icl_spectrum *spectrum) {
    const icl_solver_options *o = &f->solver->options;
    int turning = o->method == ICL_METHOD_GD_PLUS_PLUS;
    for (int64_t i = 0; i < f->count; i++)
        f->a[i] = turning;
    if (turning) {
        double most = spectrum->row_sum;
        f->used = f->gain = o->step > 0 ? o->step : most > 0 ? 1 / most : 0;
        f->gamma = o->gamma > 0 ? o->gamma : most > 0 ? 1 / (3 * most) : 0;
    } else {
        int any = f->first < f->count;
        icl_momentum_begin(f->solver, any ? f->lambda[f->first] : 0,
                           any ? f->lambda[f->count - 1] : 0, &f->momentum);
        f->used = f->momentum.step;
    }
    if (f->first < f->count) {
        still_the_dead(f);
        foresee(f);
    }
}

/* ---- both ---- */

void icl_filter_begin(icl_filter *f, const icl_solver *solver, const icl_spectrum *spectrum,
                      const double *g, int64_t most, double *memory) {
    int64_t count = spectrum->count;
    double ridge = solver->options.method == ICL_METHOD_NEWTON ? solver->options.ridge : 0;
    *f = (icl_filter){.solver = solver,
                      .count = count,
                      .most = most,
                      .last = most,
                      .used = solver->options.step,
                      .g = g,
                      .lambda = memory,
                      .phi = memory + count,
                      .a = memory + 2 * count,
                      .b = memory + 3 * count,
                      .next = memory + 4 * count};
    f->stopping = (icl_stopping){.steps = most,
                                 .tolerance = solver->options.tolerance,
                                 .target = solver->options.tolerance * spectrum->norm_c,
                                 .reference = spectrum->norm_c};
    if (count > 0)
        memset(memory, 0, (size_t)(ICL_FILTER_ARRAYS * count) * sizeof *memory);
    for (int64_t i = 0; i < count; i++)
        f->lambda[i] = fmax(spectrum->values[i], 0) + ridge;
    while (f->first < count && !(f->lambda[f->first] > spectrum->zero * f->lambda[count - 1]))
        f->first++;
    if (is_power(f))
        begin_power(f, spectrum);
    else
        begin_steps(f, spectrum);
    if (f->first == count)
        f->stop = ICL_STOP_CONVERGED; /* nothing can move */
    else if (is_power(f))
        find_stop(f);
}

void icl_filter_advance(icl_filter *f, int64_t k) {
    if (f->first == f->count)
        return;
    if (is_power(f))
        power_to(f, k);
    else
        step_to(f, k);
}
