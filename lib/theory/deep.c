/* L layers of linear self-attention that leave the covariates as they are: L steps of gradient
 * descent, preconditioned by Sigma^-1, whose error is a polynomial of the whitened S.
 *
 * With t = E (w.x)^2 and the law mu of the eigenvalues of S the risk of the steps a_i is
 *
 *     t int q^2 dmu,   q(s) = prod_i (1 - a_i s).
 *
 * Of the polynomials of degree L with q(0) = 1 the best is orthogonal, for s dmu, to all of lower
 * degree: 1 / a_i are the nodes of the Gauss rule of s dmu. The minimum is t times the weight at 0
 * of the Gauss-Radau rule of mu, which the sum of positive terms gives to all digits.
 */
#include "theory/deep.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "theory/simulate.h"

enum { MAX_LAYERS = 128 }; /* beyond, weights that matter underflow where n and d are small */

/* ---- risks ---- */

static double square_of_polynomial(double s, int64_t layers, const double *etas) {
    double q = 1;
    for (int64_t l = 0; l < layers; l++)
        q *= 1 - etas[l] * s;
    return q * q;
}

icl_estimate icl_deep_risk(const icl_spectrum *mu, int64_t layers, const double *etas) {
    double sum = mu->rest, prompt = 0;
    icl_tally tally = {0};
    for (int64_t i = 0; i < mu->count; i++) {
        double term = mu->weight[i] * square_of_polynomial(mu->node[i], layers, etas);
        sum += term;
        prompt += term;
        if (mu->group > 0 && (i + 1) % mu->group == 0) {
            icl_tally_add(&tally, prompt);
            prompt = 0;
        }
    }
    /* the weights hold 1 / prompts: that of the mean is already in the terms */
    return (icl_estimate){sum, mu->group > 0 ? tally.count * icl_tally_error(&tally) : 0};
}

/* ---- the best steps ---- */

icl_status icl_deep_best_steps(const icl_context *context, const icl_spectrum *mu, int64_t layers,
                               double *etas) {
    int64_t found;
    ICL_TRY(icl_spectrum_gauss(context, mu, layers, etas, &found));
    for (int64_t l = 0; l < layers; l++)
        etas[l] = l < found ? 1 / etas[l] : 0;
    return ICL_OK;
}

/* int s (1 - a s)^power dmu, power odd, times a positive number: the terms, which may lie beyond
 * the range of doubles, are scaled by the greatest so far. */
static double slope(const icl_spectrum *mu, double a, int64_t power) {
    double sum = 0, top = -INFINITY;
    for (int64_t i = 0; i < mu->count; i++) {
        double s = mu->node[i], q = 1 - a * s;
        double size = log(mu->weight[i] * s) + (double)power * log(fabs(q));
        if (size > top) {
            sum *= exp(top - size);
            top = size;
        }
        if (size > -INFINITY)
            sum += copysign(exp(size - top), q);
    }
    return sum;
}

/* The risk is convex in the step a: bisection for the zero of its slope. */
double icl_deep_best_common_step(const icl_spectrum *mu, int64_t loops) {
    double first = 0, second = 0, low = 0;
    for (int64_t i = 0; i < mu->count; i++) {
        first += mu->weight[i] * mu->node[i];
        second += mu->weight[i] * mu->node[i] * mu->node[i];
    }
    double high = second > 0 ? first / second : 0; /* that of one loop */
    while (slope(mu, high, 2 * loops - 1) > 0) {
        low = high;
        high *= 2;
    }
    while (high - low > 2 * DBL_EPSILON * high) {
        double middle = low + (high - low) / 2;
        if (slope(mu, middle, 2 * loops - 1) > 0)
            low = middle;
        else
            high = middle;
    }
    return high;
}

/* ---- where this theory holds ---- */

/* G (d x d) = R^T W R with R R^T = Sigma, from the roots that samplers use. z: d x d. */
static void whitened_prior(const icl_law *law, double *T, double *z, double *G) {
    int64_t d = law->dim;
    const icl_root *root = &law->prior_root;
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < d; i++)
            T[k * d + i] = sqrt(law->values[k]) * law->vectors[k * d + i];
    for (int64_t e = 0; e < d * d; e++)
        z[e] = root->diagonal != NULL ? T[e] * root->diagonal[e % d] : T[e];
    if (root->dense != NULL)
        icl_matmul(0, 0, d, d, d, T, root->dense, z);
    icl_matmul(0, 1, d, d, d, z, z, G);
}

/* R^T W R = (t / d) I up to the rounding of W and of its eigenvectors. *power: t. */
static icl_status check_white(const char *function, const icl_law *law, double *power) {
    int64_t d = law->dim, dd = d * d;
    double least = law->values[0], most = law->values[d - 1], *room;
    ICL_REQUIRE(law->context, least > (double)d * DBL_EPSILON * most, ICL_ERR_NO_CLOSED_FORM,
                "%s: the covariance is singular: eigenvalue %g", function, least);
    ICL_TRY(ICL_NEW(law->context, &room, 3 * dd));
    double *G = room + 2 * dd, trace = 0, away = 0;
    whitened_prior(law, room, room + dd, G);
    for (int64_t k = 0; k < d; k++)
        trace += G[k * d + k];
    double mean = trace / (double)d;
    for (int64_t e = 0; e < dd; e++)
        away = fmax(away, fabs(G[e] - (e % (d + 1) == 0 ? mean : 0)));
    icl_dealloc(law->context, room);
    ICL_REQUIRE(law->context, isfinite(trace), ICL_ERR_NONFINITE,
                "%s: the moments of the law overflow", function);
    double rounding = fmin(16 * (double)d * DBL_EPSILON * (most / least), 1e-6);
    ICL_REQUIRE(law->context, away <= rounding * mean, ICL_ERR_NO_CLOSED_FORM,
                "%s: the prior is not a multiple of Sigma^-1: an entry of Sigma^1/2 W Sigma^1/2 is "
                "%g away from %g I",
                function, away, mean);
    *power = trace;
    return ICL_OK;
}

static icl_status check_law(const char *function, const icl_law *law,
                            const icl_simulation *simulation, double *power) {
    ICL_TRY(icl_check_simulation(law->context, function, simulation));
    ICL_REQUIRE(law->context, law->labels == ICL_LABELS_LINEAR, ICL_ERR_NO_CLOSED_FORM,
                "%s: the labels are not linear", function);
    const char *gap = icl_law_no_moments(law);
    ICL_REQUIRE(law->context, gap == NULL, ICL_ERR_NO_CLOSED_FORM, "%s: %s", function, gap);
    ICL_REQUIRE(law->context, law->mean == NULL, ICL_ERR_NO_CLOSED_FORM, "%s: the prior has a mean",
                function);
    ICL_REQUIRE(law->context, law->noise == 0, ICL_ERR_NO_CLOSED_FORM, "%s: noise = %g, must be 0",
                function, law->noise);
    return check_white(function, law, power);
}

/* ---- the public functions ---- */

typedef enum goal { GIVEN_STEPS, BEST_STEPS, BEST_COMMON_STEP } goal;

static icl_status set_steps(const char *function, const icl_law *law, const icl_spectrum *mu,
                            goal what, int64_t layers, double *etas) {
    if (what == GIVEN_STEPS)
        return ICL_OK;
    ICL_REQUIRE(law->context, mu->group == 0 || mu->count > layers, ICL_ERR_ARGUMENT,
                "%s: simulation.prompts is too small: %lld eigenvalues for %lld steps", function,
                (long long)mu->count, (long long)layers);
    if (what == BEST_STEPS)
        return icl_deep_best_steps(law->context, mu, layers, etas);
    double eta = icl_deep_best_common_step(mu, layers);
    for (int64_t l = 0; l < layers; l++)
        etas[l] = eta;
    return ICL_OK;
}

/* The risk of the steps, which are found first unless they are given. */
static icl_status deep_risk(const char *function, const icl_law *law,
                            const icl_simulation *simulation, goal what, int64_t layers,
                            double *etas, icl_estimate *risk) {
    double power = 0;
    icl_spectrum mu;
    ICL_TRY(check_law(function, law, simulation, &power));
    int infinite = law->covariates == ICL_COVARIATES_STUDENT && law->freedom <= 4 * (double)layers;
    ICL_REQUIRE(law->context, !infinite, ICL_ERR_NO_CLOSED_FORM,
                "%s: moments of the covariates of order %lld, freedom = %g: the risk is infinite",
                function, 4 * (long long)layers, law->freedom);
    ICL_TRY(icl_spectrum_create(function, law, simulation, 2 * layers, &mu));
    icl_status status = set_steps(function, law, &mu, what, layers, etas);
    icl_estimate result = {0};
    if (status == ICL_OK)
        result = icl_deep_risk(&mu, layers, etas);
    icl_spectrum_free(law->context, &mu);
    if (status != ICL_OK)
        return status;
    result.value *= power;
    result.standard_error *= power;
    ICL_REQUIRE(law->context, isfinite(result.value) && isfinite(result.standard_error),
                ICL_ERR_DIVERGED, "%s: the risk overflows", function);
    if (risk != NULL)
        *risk = result;
    return ICL_OK;
}

icl_status icl_theory_deep_optimum(const icl_law *law, const icl_simulation *simulation,
                                   int64_t layers, double *etas_mean, icl_estimate *risk) {
    double etas[MAX_LAYERS];
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(law->context, layers, 1, MAX_LAYERS);
    ICL_TRY(deep_risk(__func__, law, simulation, BEST_STEPS, layers, etas, risk));
    if (etas_mean != NULL)
        memcpy(etas_mean, etas, (size_t)layers * sizeof *etas);
    return ICL_OK;
}

icl_status icl_theory_deep_risk(const icl_law *law, const icl_simulation *simulation,
                                int64_t layers, const double *etas_mean, icl_estimate *risk) {
    double etas[MAX_LAYERS];
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(law->context, layers, 1, MAX_LAYERS);
    ICL_CHECK_ARRAY(law->context, etas_mean, layers);
    memcpy(etas, etas_mean, (size_t)layers * sizeof *etas);
    return deep_risk(__func__, law, simulation, GIVEN_STEPS, layers, etas, risk);
}

icl_status icl_theory_looped_optimum(const icl_law *law, const icl_simulation *simulation,
                                     int64_t loops, double *eta_mean, icl_estimate *risk) {
    double etas[MAX_LAYERS];
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(law->context, loops, 1, MAX_LAYERS);
    ICL_TRY(deep_risk(__func__, law, simulation, BEST_COMMON_STEP, loops, etas, risk));
    if (eta_mean != NULL)
        *eta_mean = etas[0];
    return ICL_OK;
}
