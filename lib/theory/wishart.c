/* The mean density of the eigenvalues of Wishart's matrix X^T X, X (n x d) standard normal.
 *
 * With N = min(n, d), M = max(n, d), alpha = M - N and the orthonormal Laguerre functions
 * l_k(x) = sqrt(k! / (k + alpha)!) x^(alpha/2) e^(-x/2) L_k^alpha(x), b_k = sqrt(k (k + alpha)),
 * the square roots y of the N eigenvalues x that are not 0 have the mean density
 *
 *     sigma(y) = 2 y sum_{k < N-1} l_k^2 + l_{N-1} (2 c - b_{N-1} J_{N-2}),
 *     J_k(y) = int_0^y 2 l_k(z^2) dz,      b_{k+1} J_{k+1} = b_k J_{k-1} + 2 y l_k,
 *     c^2 = r(N) r(M) / 2,                 r(m) = Gamma((m + 1) / 2) / Gamma(m / 2),
 *
 * J_{-1} = 0, for odd and even N alike. A sum over l_k^2 and one term of rank one is the form that
 * Adler, Forrester, Nagao and van Moerbeke 2000 (solv-int/9907001) give the ensemble; c is
 * b_{N-1} J_{N-2}(infinity) / 4 for even N and that formula's value for odd N, where the total N
 * asks for it. The tests compare with the exact moments.
 *
 * In y the density is entire, oscillates with wave numbers below 4 sqrt(N), and falls faster than
 * e^(-t^2 / 2) at the distance t from [sqrt(M) - sqrt(N), sqrt(M) + sqrt(N)].
 */
#include <float.h>
#include <math.h>

#include "theory/quadrature.h"
#include "theory/spectrum.h"

static const double pi = 3.14159265358979323846;

typedef struct wishart {
    int64_t small, large; /* N, M */
    double alpha;
    double centre; /* sqrt(alpha): where l_0 is greatest */
    double peak;   /* log l_0 there */
    double edge;   /* 2 c */
    double *b;     /* N */
    double x[ICL_LEGENDRE_POINTS], w[ICL_LEGENDRE_POINTS];
} wishart;

/* ---- constants, none through a logarithm of a large Gamma, which would cost its digits ---- */

/* r(m) = Gamma((m + 1) / 2) / Gamma(m / 2) by Stirling's series for m >= 64. */
static double gamma_ratio(int64_t m) {
    double up = 1;
    for (; m < 64; m += 2)
        up *= (double)m / ((double)m + 1);
    double t = 1 / (double)m, tt = t * t;
    return up * sqrt((double)m / 2) *
           exp(-t * (1.0 / 4 - tt * (1.0 / 24 - tt * (1.0 / 20 - tt * (17.0 / 112)))));
}

/* (1/2) log(a^a e^-a / a!), by Stirling's series for a >= 32 */
static double log_peak(double a) {
    double sum = 0, t = 1 / a, tt = t * t;
    if (a >= 32)
        return -(log(2 * pi * a) / 2 +
                 t * (1.0 / 12 - tt * (1.0 / 360 - tt * (1.0 / 1260 - tt / 1680)))) /
               2;
    for (int j = 1; j <= (int)a; j++)
        sum += log(a / j);
    return (sum - a) / 2;
}

/* ---- the density at y = centre + shift ---- */

/* log l_0 = peak + (alpha log(x / alpha) - (x - alpha)) / 2 */
static double log_first(const wishart *w, double shift) {
    double y = w->centre + shift, excess = shift * (2 * w->centre + shift), fall = 0;
    if (w->alpha > 0) /* near the peak the two terms nearly cancel */
        fall = y * y < w->alpha / 2 ? 2 * log(y / w->centre) : log1p(excess / w->alpha);
    return w->peak + (w->alpha * fall - excess) / 2;
}

/* int 2 l_0 dy from one shift to another, at most a panel away. */
static double integral_of_first(const wishart *w, double from, double to) {
    double sum = 0, half = (to - from) / 2;
    for (int i = 0; i < ICL_LEGENDRE_POINTS; i++)
        sum += w->w[i] * 2 * exp(log_first(w, from + half * (w->x[i] + 1)));
    return half * sum;
}

/* J: J_0 for even N, 0 for odd N. */
static double density(const wishart *w, double shift, double J) {
    const double big = 1e150;
    double y = w->centre + shift, excess = shift * (2 * w->centre + shift);
    double size = log_first(w, shift), factor = exp(size);
    double before = 0, now = 1, sum = 0; /* l_{k-1} and l_k over factor, which may underflow */
    int64_t N = w->small;
    for (int64_t k = 0; k < N - 1; k++) {
        double l = factor * now, next = ((double)(2 * k + 1) - excess) * now;
        sum += l * l;
        if ((N - k) % 2 != 0 && k < N - 2)
            J = (w->b[k] * J + 2 * y * l) / w->b[k + 1];
        next = (next - w->b[k] * before) / w->b[k + 1];
        before = now;
        now = next;
        if (fabs(now) > big) {
            now /= big;
            before /= big;
            size += log(big);
            factor = exp(size);
        }
    }
    return 2 * y * sum + factor * now * (w->edge - w->b[N - 1] * J);
}

/* ---- the points ---- */

static icl_status prepare(const icl_context *context, int64_t n, int64_t d, wishart *w) {
    w->small = n < d ? n : d;
    w->large = n < d ? d : n;
    w->alpha = (double)(w->large - w->small);
    w->centre = sqrt(w->alpha);
    w->peak = w->alpha > 0 ? log_peak(w->alpha) : 0;
    w->edge = sqrt(2 * gamma_ratio(w->small) * gamma_ratio(w->large));
    icl_legendre(w->x, w->w);
    ICL_TRY(ICL_NEW(context, &w->b, w->small));
    for (int64_t k = 0; k < w->small; k++)
        w->b[k] = sqrt((double)k * ((double)k + w->alpha));
    return ICL_OK;
}

/* Points of the panels from one shift to another; weights too small to count are left out. */
static void fill(const wishart *w, double from, double width, int64_t panels, int64_t n, int64_t d,
                 icl_spectrum *out) {
    double J = 0;
    for (int64_t panel = 0; panel < panels; panel++) {
        double left = from + width * (double)panel;
        for (int i = 0; i < ICL_LEGENDRE_POINTS; i++) {
            double shift = left + width * (w->x[i] + 1) / 2, y = w->centre + shift;
            double own = w->small % 2 == 0 ? J + integral_of_first(w, left, shift) : 0;
            double weight = width / 2 * w->w[i] * density(w, shift, own) / (double)d;
            if (!(weight > DBL_MIN / DBL_EPSILON))
                continue;
            out->node[out->count] = y * y / (double)n;
            out->weight[out->count++] = weight;
        }
        J += integral_of_first(w, left, left + width);
    }
}

icl_status icl_spectrum_wishart(const icl_context *context, int64_t n, int64_t d, int64_t degree,
                                icl_spectrum *out) {
    wishart w;
    *out = (icl_spectrum){0};
    ICL_TRY(prepare(context, n, d, &w));
    /* sixteen points carry a wave of eight radians either side of a panel's middle; orthogonal
     * polynomials of the law oscillate with their own degree, up to 2 sqrt(degree) beyond */
    double root = sqrt((double)w.small), own = sqrt((double)degree / 2);
    double width = fmin(0.5, 4 / (root + own)), reach = 12 + 3 * own;
    double middle =
        (double)w.small / (sqrt((double)w.large) + w.centre); /* sqrt(M) - sqrt(alpha) */
    double from = fmax(-w.centre, middle - root - reach), to = middle + root + reach;
    int64_t panels = (int64_t)ceil((to - from) / width);
    int64_t points = panels * ICL_LEGENDRE_POINTS;
    icl_status status = ICL_NEW(context, &out->node, 2 * points);
    if (status == ICL_OK) {
        out->weight = out->node + points;
        out->rest = (double)(d - w.small) / (double)d;
        fill(&w, from, width, panels, n, d, out);
    }
    icl_dealloc(context, w.b);
    return status;
}
