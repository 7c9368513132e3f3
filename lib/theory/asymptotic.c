/* One layer fitted to finitely many prompts of finitely many tasks, as d grows (Lu et al.
 * 2405.11751).
 *
 * The features x_q h^T of a prompt have the covariance (1/d) I x F, F = R + q I, with the pool's
 * R = (1/K) sum w w^T and the noise q = (1 + rho) / alpha of h = w + sqrt(q) N(0, I). So the fit is
 * ridge regression on Gaussian features with the resolvent G = (R + x)^-1 of a Wishart matrix R of
 * ratio kappa, x = q + xi, and the effective ridge xi, xi M - tau ridge / xi = 1 - tau; its mean is
 * Gamma = R G. With tr the normalised trace and
 *
 *     M = tr G,  N = tr G^2,  A = tr R G,  B = tr R G^2,  g = tr (R G)^2,  s = tr F G^2 = q N + B,
 *
 *     e_IDG = (rho + q A + xi x B) / (ridge / xi + xi s / tau),
 *     e_ICL = rho + x^2 N + q g + e_IDG (1 + q) s / tau.
 *
 * The denominator is 1 - (1/n) times the trace of the squared shrinkage. x A = (1 - A) (1 - A /
 * kappa) gives all traces as sums and products of positive numbers: nothing cancels.
 */
#include <math.h>

#include <icl/theory.h>

#include "base/context.h"
#include "base/outputs.h"

static const icl_asymptotic_options default_options = {
    .size = sizeof default_options, .alpha = 1, .kappa = 1, .tau = 0.5};

icl_status icl_asymptotic_options_init(icl_asymptotic_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* The root t >= 0 of a t^2 - b t - c, a > 0, c >= 0. */
static double positive_root(double a, double b, double c) {
    double root = sqrt(b * b + 4 * a * c);
    if (b >= 0)
        return (b + root) / (2 * a);
    return c > 0 ? 2 * c / (root - b) : 0;
}

/* x (1/d) tr (R + x)^-1, R a Wishart matrix of this ratio (infinite: I). */
static double shrinkage(double ratio, double x) {
    double b = x + 1 - 1 / ratio, root = sqrt(b * b + 4 * x / ratio);
    if (b >= 0)
        return x > 0 ? 2 * x / (b + root) : 0;
    return ratio * (root - b) / 2;
}

typedef struct traces {
    double N, A, B, g;
} traces;

/* At x > 0. */
static traces traces_at(double kappa, double x) {
    double left = shrinkage(kappa, x), M = left / x; /* left = 1 - A */
    double unseen = 1 / (1 + M / kappa);             /* 1 - A / kappa */
    double A = M * unseen, curve = unseen + left / kappa, B = A / (curve + x);
    return (traces){.N = B / (unseen * unseen), .A = A, .B = B, .g = curve * B};
}

static double effective_ridge(const icl_asymptotic_options *o, double q) {
    double rest = 1 - o->tau, penalty = o->tau * o->ridge;
    if (o->ridge == 0 && rest <= 0)
        return 0;
    if (o->ridge == 0)
        return positive_root(o->tau, rest * (q + 1 - o->tau / o->kappa),
                             q * rest * rest / o->kappa);
    /* 1 / (x + 1) <= M <= 1 / x */
    double least = positive_root(o->tau, penalty + rest * q, penalty * q);
    double most = positive_root(o->tau, penalty + rest * (q + 1), penalty * (q + 1));
    for (;;) {
        double xi = least + (most - least) / 2;
        if (!(xi > least && xi < most))
            return xi;
        double shrunk = xi / (q + xi) * shrinkage(o->kappa, q + xi);
        if (shrunk - penalty / xi < rest)
            least = xi;
        else
            most = xi;
    }
}

static icl_status check_options(const icl_context *context, const char *function,
                                const icl_asymptotic_options *o) {
    ICL_TRY(icl_check_real(context, function, "alpha", o->alpha, 1));
    ICL_REQUIRE(context, o->kappa > 0, isnan(o->kappa) ? ICL_ERR_NONFINITE : ICL_ERR_ARGUMENT,
                "%s: kappa = %g, must be > 0", function, o->kappa);
    ICL_TRY(icl_check_real(context, function, "tau", o->tau, 1));
    ICL_TRY(icl_check_real(context, function, "rho", o->rho, 0));
    return icl_check_real(context, function, "ridge", o->ridge, 0);
}

icl_status icl_theory_asymptotic(const icl_context *context, const icl_asymptotic_options *options,
                                 icl_asymptotic *asymptotic) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    icl_asymptotic_options o = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    ICL_REQUIRE_POINTER(context, asymptotic);
    ICL_TRY(icl_check_output(context, __func__, "asymptotic", asymptotic));
    ICL_TRY(check_options(context, __func__, &o));
    double q = (1 + o.rho) / o.alpha, xi = effective_ridge(&o, q), x = q + xi;
    traces t = traces_at(o.kappa, x);
    double spread = (q * t.N + t.B) / o.tau;
    /* as the ridge goes to 0 above tau = 1, so does xi = ridge tau / (tau - 1) */
    double slack = xi > 0 ? o.ridge / xi + xi * spread : (o.tau - 1) / o.tau;
    icl_asymptotic result = {.effective_ridge = xi,
                             .e_bayes = o.rho + shrinkage(o.alpha, o.rho / o.alpha)};
    result.e_idg = (o.rho + q * t.A + xi * x * t.B) / slack;
    result.e_icl = o.rho + x * x * t.N + q * t.g + result.e_idg * (1 + q) * spread;
    result.g_task = result.e_icl - result.e_idg;
    if (slack == 0) {
        result.e_icl = result.e_idg = INFINITY;
        result.g_task = NAN;
    }
    ICL_REQUIRE(context, slack == 0 || isfinite(result.e_icl), ICL_ERR_DIVERGED,
                "%s: the errors overflow at alpha = %g, kappa = %g, tau = %g, rho = %g, ridge = %g",
                __func__, o.alpha, o.kappa, o.tau, o.rho, o.ridge);
    icl_write_output(asymptotic, &result, sizeof result);
    return ICL_OK;
}
