/* Composite Gauss-Legendre quadrature. Panels are split at 0, so that a kink of the labels there
 * costs nothing, and halved towards 0, so that a steep tanh is resolved. */
#include "theory/quadrature.h"

#include <math.h>

enum { POINTS = ICL_LEGENDRE_POINTS, HALVINGS = 5 };

static const double pi = 3.14159265358979323846;

/* Zeros of the Legendre polynomial by Newton's iteration. */
void icl_legendre(double *node, double *weight) {
    for (int i = 0; i < POINTS; i++) {
        double x = -cos(pi * (i + 0.75) / (POINTS + 0.5)), slope = 1;
        for (int step = 0; step < 20; step++) {
            double p = x, before = 1;
            for (int k = 2; k <= POINTS; k++) {
                double next = ((2 * k - 1) * x * p - (k - 1) * before) / k;
                before = p;
                p = next;
            }
            slope = POINTS * (before - x * p) / (1 - x * x);
            x -= p / slope;
        }
        node[i] = x;
        weight[i] = 2 / ((1 - x * x) * slope * slope);
    }
}

/* Panel `index` of the half axis: [0, 2^-5], [2^-5, 2^-4], .., [1/2, 1], then of one width. */
static void panel_edges(int64_t index, double width, double *lo, double *hi) {
    if (index <= HALVINGS) {
        *hi = ldexp(1, (int)index - HALVINGS);
        *lo = index > 0 ? *hi / 2 : 0;
        return;
    }
    *lo = 1 + width * (double)(index - HALVINGS - 1);
    *hi = *lo + width;
}

icl_status icl_quadrature_create(const icl_context *context, icl_reach reach, icl_quadrature *out) {
    double width = reach == ICL_REACH_EXACT ? 0.5 : 1;
    int64_t panels = HALVINGS + 1 + (reach == ICL_REACH_EXACT ? 73 : 8);
    double x[POINTS], w[POINTS];
    icl_legendre(x, w);
    int64_t half = panels * POINTS;
    out->count = 2 * half;
    ICL_TRY(ICL_NEW(context, &out->node, 2 * out->count));
    out->weight = out->node + out->count;
    for (int64_t e = 0; e < half; e++) {
        double lo, hi;
        panel_edges(e / POINTS, width, &lo, &hi);
        int i = (int)(e % POINTS);
        double z = lo + (hi - lo) * (x[i] + 1) / 2;
        double weight = w[i] * (hi - lo) / 2 * exp(-z * z / 2) / sqrt(2 * pi);
        out->node[half + e] = z;
        out->node[half - 1 - e] = -z;
        out->weight[half + e] = out->weight[half - 1 - e] = weight;
    }
    return ICL_OK;
}

void icl_quadrature_free(const icl_context *context, icl_quadrature *quadrature) {
    icl_dealloc(context, quadrature->node);
    *quadrature = (icl_quadrature){0};
}

double icl_arc_cosine(double theta) {
    return sin(theta) + (pi - theta) * cos(theta);
}

double icl_arc_cosine_square(int64_t dim) {
    if (dim == 1) /* theta is 0 or pi */
        return pi * pi / 2;
    /* theta = pi/2 + phi has density cos(phi)^(d - 2), narrower than a Gaussian of variance
     * 1/(d - 2): nothing is left beyond 40 standard deviations */
    enum { PANELS = 64 };
    double x[POINTS], w[POINTS], total = 0, sum = 0;
    icl_legendre(x, w);
    double reach = dim > 2 ? fmin(pi / 2, 40 / sqrt((double)dim - 2)) : pi / 2;
    for (int e = 0; e < PANELS * POINTS; e++) {
        double panel = 2 * reach / PANELS;
        double phi = -reach + panel * (e / POINTS + (x[e % POINTS] + 1) / 2);
        double weight = w[e % POINTS] * pow(cos(phi), (double)(dim - 2));
        double j = icl_arc_cosine(pi / 2 + phi);
        total += weight;
        sum += weight * j * j;
    }
    return sum / total;
}
