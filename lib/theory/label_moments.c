/* Closed forms and quadrature for the moments of non-linear labels (MATH.md 3.1; Mahankali et al.
 * 2307.03576, theorem 3; the net by the arc-cosine kernel of Cho and Saul 2009). */
#include "theory/label_moments.h"

#include <math.h>

#include "theory/frame.h"

int icl_label_needs_quadrature(const icl_law *law) {
    return law->labels == ICL_LABELS_TANH || law->labels == ICL_LABELS_CALLBACK ||
           law->labels == ICL_LABELS_LOGISTIC;
}

/* ---- g-laws at one tau ---- */

static icl_status label_values(const icl_law *law, int64_t count, const double *s, double *g) {
    int logistic = law->labels == ICL_LABELS_LOGISTIC; /* E y = 2 / (1 + exp(-s)) - 1 */
    if (law->labels == ICL_LABELS_TANH || logistic) {
        for (int64_t i = 0; i < count / 2; i++) { /* the nodes are symmetric */
            g[i] = tanh(logistic ? s[i] / 2 : s[i]);
            g[count - 1 - i] = -g[i];
        }
        return ICL_OK;
    }
    int stop = law->label_fn(count, s, g, law->label_user);
    ICL_REQUIRE(law->context, stop == 0, ICL_ERR_CALLBACK, "label_fn returned %d", stop);
    for (int64_t i = 0; i < count; i++)
        ICL_REQUIRE(law->context, isfinite(g[i]), ICL_ERR_CALLBACK, "label_fn(%g) = %g", s[i],
                    g[i]);
    return ICL_OK;
}

static icl_status values_by_quadrature(const icl_law *law, const icl_quadrature *quadrature,
                                       double tau, double *room, icl_label_values *out) {
    double *s = room, *g = room + quadrature->count, slope = 0;
    for (int64_t i = 0; i < quadrature->count; i++)
        s[i] = sqrt(tau) * quadrature->node[i];
    ICL_TRY(label_values(law, quadrature->count, s, g));
    *out = (icl_label_values){0};
    for (int64_t i = 0; i < quadrature->count; i++) {
        double z = quadrature->node[i], wg = quadrature->weight[i] * g[i], wgg = wg * g[i];
        slope += wg * z;
        out->B += wgg;
        out->D += wgg * (z - 1) * (z + 1);
        out->fourth += wgg * g[i] * g[i];
    }
    if (law->labels == ICL_LABELS_LOGISTIC) /* y^2 = 1, whatever x */
        *out = (icl_label_values){.B = 1, .fourth = 1};
    out->A = slope * slope;
    return ICL_OK;
}

icl_status icl_label_values_at(const icl_law *law, const icl_quadrature *quadrature, double tau,
                               double *room, icl_label_values *out) {
    double t = tau;
    switch (law->labels) {
    case ICL_LABELS_RELU:
        *out = (icl_label_values){t / 4, t / 2, t, 1.5 * t * t};
        return ICL_OK;
    case ICL_LABELS_SIGN: /* E |z| = sqrt(2 / pi) */
        *out = (icl_label_values){t > 0 ? 0x1.45f306dc9c883p-1 : 0, 1, 0, 1};
        return ICL_OK;
    case ICL_LABELS_SIN: /* E cos(a z) = exp(-a^2 / 2) */
        *out = (icl_label_values){4 * t * exp(-4 * t), -expm1(-8 * t) / 2, 8 * t * exp(-8 * t),
                                  -expm1(-8 * t) / 2 + expm1(-32 * t) / 8};
        return ICL_OK;
    case ICL_LABELS_CUBIC: /* E z^4, z^6, z^8, z^12 = 3, 15, 105, 10395 */
        *out = (icl_label_values){9 * t * t * t, 15 * t * t * t, 90 * t * t * t, 10395 * pow(t, 6)};
        return ICL_OK;
    default:
        return values_by_quadrature(law, quadrature, tau, room, out);
    }
}

/* ---- means over f ---- */

/* w | signal: E_x (w.x)^2 = w^T Sigma w has mean t = tr Sigma W and variance 2 tr (Sigma W)^2; with
 * v = R^T w, E (v.z)^2 z z^T = q (|v|^2 I + 2 v v^T) + kappa diag(v_j^2), q = 1 of a normal z. */
void icl_label_means_linear(const icl_law *law, int64_t rank, double power,
                            icl_label_means *means) {
    double squares = 0, radial = icl_law_radial(law), kurtosis = icl_law_kurtosis(law);
    for (int64_t j = 0; j < rank; j++) {
        means->bend[j] = (2 * radial + kurtosis) * means->signal[j] + (radial - 1) * power;
        squares += means->signal[j] * means->signal[j];
    }
    means->power = power;
    means->rest = 0;
    means->spread = 2 * squares;
    means->fourth = 3 * (radial * power * power + (2 * radial + kurtosis) * squares);
}

/* E e_j^2 = 1 / rank. */
icl_status icl_label_means_scalar(const icl_law *law, int64_t rank, double scale,
                                  icl_label_means *means) {
    icl_quadrature quadrature = {0};
    double *room = NULL;
    icl_label_values values = {0};
    icl_status status = ICL_OK;
    if (icl_label_needs_quadrature(law)) {
        ICL_TRY_GOTO(icl_quadrature_create(law->context, ICL_REACH_EXACT, &quadrature), done);
        ICL_TRY_GOTO(ICL_NEW(law->context, &room, 2 * quadrature.count), done);
    }
    ICL_TRY_GOTO(icl_label_values_at(law, &quadrature, scale, room, &values), done);
    for (int64_t j = 0; j < rank; j++) {
        means->signal[j] = values.A / (double)rank;
        means->bend[j] = values.D / (double)rank;
    }
    means->power = values.B;
    means->rest = values.B - values.A;
    means->fourth = values.fourth;
    means->spread = 0;
done:
    icl_dealloc(law->context, room);
    icl_quadrature_free(law->context, &quadrature);
    return status;
}

/* tr Sigma and E |x|^4 = (tr Sigma)^2 + 2 tr Sigma^2. */
static void covariance_traces(const icl_law *law, double *trace, double *fourth) {
    double sum = 0, squares = 0;
    for (int64_t k = 0; k < law->dim; k++) {
        sum += law->values[k];
        squares += law->values[k] * law->values[k];
    }
    *trace = sum;
    *fourth = sum * sum + 2 * squares;
}

/* f = sqrt(2/m) sum a_k relu(w_k.x): E_x f^2 = (2/m) a^T Q a, Q_kl = |w_k| |w_l| J / (2 pi) with
 * the norms of Sigma^1/2 w, and E_a (a^T Q a)^2 = (tr Q)^2 + 2 ||Q||^2.
 * pairs = E |w_1|^2 |w_2|^2 J^2. */
static double net_spread(const icl_law *law, double pairs) {
    const double pi = 3.14159265358979323846;
    double m = (double)law->hidden, trace, fourth;
    covariance_traces(law, &trace, &fourth);
    return (3 * fourth - trace * trace + 2 * (m - 1) * pairs / (pi * pi)) / m;
}

void icl_label_means_net(const icl_law *law, const icl_frame *frame, icl_label_means *means) {
    double m = (double)law->hidden, trace, fourth;
    covariance_traces(law, &trace, &fourth);
    for (int64_t j = 0; j < frame->rank; j++) {
        double value = law->values[law->dim - frame->rank + j];
        means->signal[j] = value / 2;
        means->bend[j] = 2 * value;
    }
    means->power = trace;
    means->rest = trace / 2;
    means->fourth = 3 * (1 + 5 / m) * fourth;
    /* exact for Sigma = scale I; else icl_label_spread_net says better */
    means->spread = net_spread(law, trace * trace * icl_arc_cosine_square(law->dim));
}

icl_status icl_label_spread_net(const icl_law *law, const icl_simulation *simulation,
                                icl_label_means *means) {
    double pairs, error;
    ICL_TRY(icl_label_pairs(law, simulation, &pairs, &error));
    means->spread = net_spread(law, pairs);
    means->spread_error = net_spread(law, error) - net_spread(law, 0);
    return ICL_OK;
}
