/* A strong Wolfe search (Nocedal and Wright, Numerical Optimization, 2nd ed., section 3.5), with
 * the approximate Wolfe condition near the floor (Hager and Zhang, SIAM J. Optim. 16, 2005).
 *
 *   strong Wolfe       phi(s) <= phi(0) + C1 s phi'(0),  |phi'(s)| <= C2 |phi'(0)|
 *   approximate        |phi(s) - phi(0)| <= floor,  C2 phi'(0) <= phi'(s) <= (2 DELTA - 1) phi'(0)
 *
 * The bracket [low, high]: phi(low) lies below the line of sufficient decrease, give or take the
 * floor, and phi'(low) < C2 phi'(0); phi(high) lies above that line, or phi'(high) >= 0. Such an
 * interval holds a strong Wolfe point. Below the floor the slopes alone decide, so rounding of the
 * values cannot mislead the bracket. */
#include "optim/line_search.h"

#include <math.h>
#include <string.h>

static const double C1 = 1e-4, C2 = 0.9, DELTA = 0.1;
static const double GROW_LEAST = 2, GROW_MOST = 10;
static const double MARGIN = 0.1; /* of the bracket, kept from both ends */

static void swap(icl_line_point *a, icl_line_point *b) {
    icl_line_point c = *a;
    *a = *b;
    *b = c;
}

/* trial = x + s d; *moved = 0 where that is x itself. */
static void place(icl_line *line, double s, int *moved) {
    *moved = 0;
    for (int64_t i = 0; i < line->optimiser->count; i++) {
        line->trial[i] = line->x[i] + s * line->d[i];
        *moved |= line->trial[i] != line->x[i];
    }
}

/* Fills `last` at s. */
static icl_status evaluate(icl_line *line, double s) {
    icl_line_point *p = &line->last;
    const int64_t n = line->optimiser->count;
    int finite = icl_all_finite(line->trial, n);
    p->s = s;
    if (finite)
        ICL_TRY(icl_objective_evaluate(line->optimiser, line->objective, line->trial, &p->value,
                                       p->gradient, &finite));
    if (finite) {
        p->slope = icl_vector_dot(n, p->gradient, line->d);
        p->norm = icl_vector_norm(n, p->gradient);
        finite = isfinite(p->slope) && isfinite(p->norm);
    }
    if (!finite)
        p->value = p->slope = p->norm = INFINITY;
    return ICL_OK;
}

static int acceptable(const icl_line *line) {
    const icl_line_point *o = &line->start, *p = &line->last;
    const double change = p->value - o->value;
    const int at_floor = fabs(change) <= line->floor;
    if (at_floor && line->monotone && !(p->norm < o->norm))
        return 0;
    if (change <= C1 * p->s * o->slope && fabs(p->slope) <= -C2 * o->slope)
        return 1;
    return at_floor && p->slope >= C2 * o->slope && p->slope <= (2 * DELTA - 1) * o->slope;
}

/* An improvement, be it no Wolfe point. */
static int better(const icl_line *line, const icl_line_point *p) {
    const double fall = line->start.value - p->value;
    return fall > line->floor || (fall >= -line->floor && p->norm < line->start.norm);
}

/* Where the cubic through the values and slopes at p and q has its minimum (Nocedal and Wright,
 * 3.59); NaN if nowhere. Values closer than the floor are replaced by what the slopes say. */
static double cubic_minimum(const icl_line_point *p, const icl_line_point *q, double floor) {
    const double h = q->s - p->s;
    double rise = q->value - p->value;
    if (fabs(rise) <= floor)
        rise = h * (0.5 * p->slope + 0.5 * q->slope);
    const double unit = fmax(fmax(fabs(p->slope), fabs(q->slope)), fabs(rise / h));
    const double a = p->slope / unit, b = q->slope / unit;
    const double theta = a + b - 3 * (rise / h) / unit;
    const double root = sqrt(theta * theta - a * b); /* NaN without an extremum */
    return q->s - h * (b + root - theta) / (b - a + 2 * root);
}

static double clamp(double value, double lo, double hi) {
    return fmin(fmax(value, lo), hi);
}

/* The next s beyond the last point, which came after `before`. */
static double extrapolate(const icl_line *line, const icl_line_point *before) {
    double s = cubic_minimum(before, &line->low, line->floor);
    double far = GROW_MOST * line->low.s;
    return isfinite(s) && s > line->low.s ? clamp(s, GROW_LEAST * line->low.s, far) : far;
}

/* The next s between low and high. halve = 1: the bracket shrinks too slowly. */
static double interpolate(const icl_line *line, int halve) {
    const double lo = line->low.s, width = line->high.s - lo;
    if (!isfinite(line->high.value))
        return lo == 0 ? MARGIN * width : lo + 0.5 * width;
    double s = halve ? NAN : cubic_minimum(&line->low, &line->high, line->floor);
    return isfinite(s) ? clamp(s, lo + MARGIN * width, lo + (1 - MARGIN) * width)
                       : lo + 0.5 * width;
}

/* Puts `last` into the bracket, where it changes places with `low`, and returns the next s. widths:
 * of the two brackets before. */
static double narrow(icl_line *line, double widths[2]) {
    const icl_line_point *o = &line->start, *p = &line->last;
    const int high = !isfinite(p->value) || p->slope >= 0 ||
                     p->value > o->value + C1 * p->s * o->slope + line->floor;
    icl_line_point before = line->low;
    if (high)
        line->high = *p;
    else
        swap(&line->low, &line->last);
    if (line->high.s == 0)
        return extrapolate(line, &before);
    double width = line->high.s - line->low.s;
    int halve = width > 0.5 * widths[0];
    widths[0] = widths[1];
    widths[1] = width;
    return interpolate(line, halve);
}

/* The search ran out of evaluations, or of digits: the better of what is at hand, if any is. */
static int settle(icl_line *line) {
    if (line->low.s > 0 && better(line, &line->low) &&
        !(better(line, &line->last) && line->last.value < line->low.value))
        swap(&line->low, &line->last);
    if (!better(line, &line->last))
        return 0;
    int moved;
    place(line, line->last.s, &moved);
    return moved;
}

icl_status icl_line_search(icl_line *line, double first, int *found) {
    double *buffer = line->low.gradient;
    line->low = line->start;
    line->low.gradient = buffer;
    line->high.s = 0;
    line->last.value = line->last.norm = INFINITY;
    *found = 0;
    double s = first, widths[2] = {INFINITY, INFINITY};
    for (int64_t k = 0; k < line->optimiser->options.max_evaluations; k++) {
        int moved;
        place(line, s, &moved);
        if (!moved)
            break;
        ICL_TRY(evaluate(line, s));
        if (acceptable(line)) {
            *found = 1;
            return ICL_OK;
        }
        s = narrow(line, widths);
    }
    *found = settle(line);
    return ICL_OK;
}
