/* The certificate: how far a one-layer model is from the optimum, and which step it implements. */
#include <math.h>

#include "linalg/linalg.h"
#include "theory/gamma_risk.h"
#include "theory/optimum.h"
#include "base/outputs.h"
#include "theory/simulate.h"

/* A gap between singular values of what was learned and of what was not. */
static const double rank_threshold = 1e-3;

typedef struct certifier {
    const icl_law *law;
    const icl_simulation *simulation;
    icl_frame *frame;
    icl_quartic point;
    const double *u, *M, *r; /* the caller's */
    double v;
    double *block;
    double *full, *gamma; /* d: Gamma* in the frame, of full rank and of the rank asked for */
    double *identity;     /* d x d: I in the frame, T T^T */
    double *room;         /* d x d + d */
    double even, odd;     /* E yhat_even^2, E yhat_odd^2 */
} certifier;

static double ratio(double a, double b) {
    return b > 0 ? a / b : a > 0 ? INFINITY : 0;
}

/* ---- the parts ---- */

/* risk(G) - risk(gamma) for the truncated gamma: what it cut off enters linearly. */
static double odd_excess(const certifier *c, double distance) {
    const icl_frame *f = c->frame;
    double excess = distance;
    for (int64_t j = 0; j < f->rank; j++)
        if (c->gamma[j] == 0)
            excess -= 2 * f->k[j] * c->point.G[j * f->dim + j];
    return excess;
}

/* n eta B with the nearest multiple of B; B in the frame, NULL: the identity there (Sigma^-1). */
static double nearest_step(const certifier *c, const double *G, const double *B) {
    const icl_frame *f = c->frame;
    double product = 0, square = 0;
    for (int64_t i = 0; i < f->rank; i++)
        for (int64_t j = 0; j < f->rank; j++) {
            double b = B != NULL ? B[i * f->dim + j] : i == j;
            product += f->c[j] * G[i * f->dim + j] * b;
            square += f->c[j] * b * b;
        }
    return square > 0 ? product / square / (double)c->law->examples : 0;
}

static void steps(certifier *c, icl_certificate *out) {
    const icl_frame *f = c->frame;
    int64_t d = f->dim;
    double *best = c->room;
    icl_frame_multiply(0, 1, d, f->T, f->T, c->identity);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            best[i * d + j] = i == j ? c->gamma[j] : 0;
    out->step = nearest_step(c, c->point.G, c->identity);
    out->step_theory = nearest_step(c, best, c->identity);
    int singular = f->rank < d;
    out->step_whitened = singular ? NAN : nearest_step(c, c->point.G, NULL);
    out->step_whitened_theory = singular ? NAN : nearest_step(c, best, NULL);
}

static icl_status rank_of(const certifier *c, double *rank) {
    const icl_frame *f = c->frame;
    int64_t d = f->dim;
    double *scaled = c->room, *values = scaled + d * d, greatest = 0;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            scaled[i * d + j] = c->point.G[i * d + j] * sqrt(f->c[j]);
    icl_status status = icl_svd(f->context, d, d, scaled, values, NULL, NULL);
    ICL_REQUIRE(f->context, status == ICL_OK, status, "singular values of Gamma: %s",
                icl_status_text(status));
    for (int64_t j = 0; j < d; j++)
        greatest = fmax(greatest, c->gamma[j] * sqrt(f->c[j]));
    *rank = 0;
    for (int64_t j = 0; j < d; j++)
        *rank += values[j] > rank_threshold * greatest;
    return ICL_OK;
}

/* In the gauge (u, v) -> a (u, v), (M; r) -> (M; r) / a with equal norms. Uses up the point. */
static double gradient_norm(certifier *c) {
    int64_t d = c->law->dim;
    double left = sqrt(icl_frobenius(d, c->u, c->u) + c->v * c->v);
    double right = sqrt(icl_frobenius(d * d, c->M, c->M) + icl_frobenius(d, c->r, c->r));
    if (left == 0 || right == 0)
        return 0; /* balanced, that is the saddle at zero */
    icl_quartic_gradient(&c->point, c->full);
    double a2 = right / left, left2 = c->point.gv * c->point.gv;
    left2 += icl_frobenius(d, c->point.gu, c->point.gu);
    double right2 = icl_frobenius(d * d, c->point.G, c->point.G);
    right2 += icl_frobenius(d, c->point.gr, c->point.gr);
    return sqrt(left2 / a2 + right2 * a2);
}

/* ---- an even part without a closed form: simulated prompts, exact over their queries ---- */

/* out: E (yhat - y_q)^2 and E yhat_even^2 given the prompt. */
static icl_status measure_layer(void *user, const icl_batch *batch, int64_t prompt, double *room,
                                double *out) {
    const certifier *c = user;
    int64_t d = c->law->dim;
    double *S = room, *b = S + d * d, *even = b + d, *odd = even + d, *Su = odd + d, syy;
    icl_batch_moments(batch, prompt, S, b, &syy);
    const double *w = batch->task + prompt * d;
    double ub = icl_frobenius(d, c->u, b);
    for (int64_t i = 0; i < d; i++) {
        Su[i] = icl_frobenius(d, S + i * d, c->u);
        even[i] = c->v * syy * c->r[i];
        odd[i] = ub * c->r[i] - w[i];
    }
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            even[j] += c->M[i * d + j] * Su[i];
            odd[j] += c->v * c->M[i * d + j] * b[i];
        }
    out[0] = c->law->noise;
    out[1] = 0;
    for (int64_t i = 0; i < d; i++) {
        const double *row = c->law->covariance + i * d;
        double e = icl_frobenius(d, row, even), o = icl_frobenius(d, row, odd);
        out[0] += (even[i] + odd[i]) * (e + o);
        out[1] += even[i] * e;
    }
    return ICL_OK;
}

static icl_status simulate_layer(certifier *c, icl_certificate *out) {
    int64_t d = c->law->dim;
    ICL_REQUIRE(c->law->context, c->simulation != NULL, ICL_ERR_NO_CLOSED_FORM,
                "icl_theory_certify: with a prior mean, or tasks or covariates that are not Gaussian, "
                "u or r not 0 need a simulation, which is NULL");
    icl_tally tallies[2] = {{0}};
    icl_run run = {.law = c->law,
                   .simulation = c->simulation,
                   .contents = ICL_CONTENTS_TASKS,
                   .width = 2,
                   .room = d * d + 4 * d,
                   .measure = measure_layer,
                   .user = c};
    ICL_TRY(icl_simulate(&run, tallies));
    out->risk = tallies[0].mean;
    out->risk_error = icl_tally_error(&tallies[0]);
    out->excess = out->risk - out->risk_optimum;
    c->even = tallies[1].mean;
    return ICL_OK;
}

/* ---- the whole ---- */

static icl_status risks(certifier *c, icl_certificate *out) {
    const icl_frame *f = c->frame;
    int has_even = c->point.uu > 0 || c->point.rr > 0;
    double distance = icl_frame_distance(f, c->point.G, c->gamma), best = 0;
    for (int64_t j = 0; j < f->rank; j++)
        best += f->c[j] * c->gamma[j] * c->gamma[j];
    out->gamma_distance = best > 0 ? sqrt(distance / best) : sqrt(distance);
    c->odd = icl_frame_power(f, c->point.G);
    if (has_even && f->even == ICL_EVEN_UNKNOWN && c->law->examples > 0) {
        ICL_TRY(simulate_layer(c, out));
    } else {
        c->even = icl_quartic_even(&c->point);
        out->excess = odd_excess(c, distance) + c->even;
        out->risk = out->risk_optimum + out->excess;
        ICL_TRY(icl_gamma_error(c->law, c->simulation, f, c->point.G, has_even ? &c->point : NULL,
                                NULL, &out->risk_error, NULL));
    }
    out->even_part = sqrt(ratio(c->even, c->odd));
    ICL_REQUIRE(f->context, isfinite(out->risk), ICL_ERR_DIVERGED,
                "icl_theory_certify: the risk overflows");
    return ICL_OK;
}

static icl_status prepare(certifier *c, int64_t rank, icl_certificate *out) {
    const icl_law *law = c->law;
    int64_t d = law->dim, dd = d * d;
    int even = 0;
    for (int64_t i = 0; i < d; i++)
        even = even || c->u[i] != 0 || c->r[i] != 0;
    ICL_TRY(icl_frame_create("icl_theory_certify", law, c->simulation, even, &c->frame));
    ICL_TRY(ICL_NEW(law->context, &c->block, ICL_QUARTIC_ROOM(d) + 2 * dd + 3 * d));
    c->full = c->block + ICL_QUARTIC_ROOM(d);
    c->gamma = c->full + d;
    c->identity = c->gamma + d;
    c->room = c->identity + dd;
    icl_frame_optimum(c->frame, 0, c->full, &out->risk_optimum);
    icl_frame_optimum(c->frame, rank, c->gamma, &out->risk_optimum);
    icl_quartic_load(c->frame, c->block, c->u, c->v, c->M, c->r, &c->point);
    return icl_optimum_residual(law, c->frame, &out->normal_residual);
}

static icl_status certify(certifier *c, int64_t rank, icl_certificate *out) {
    ICL_TRY(prepare(c, rank, out));
    ICL_TRY(risks(c, out));
    steps(c, out);
    ICL_TRY(rank_of(c, &out->numerical_rank));
    /* with u = r = 0 the even part has no gradient where f and -f are equally likely */
    int odd = c->point.uu == 0 && c->point.rr == 0 && icl_law_symmetric(c->law);
    int closed = c->frame->even == ICL_EVEN_EXACT || (odd && !c->frame->simulated);
    out->gradient_norm = closed ? gradient_norm(c) : NAN;
    return ICL_OK;
}

icl_status icl_theory_certify(const icl_law *law, const icl_simulation *simulation, const double *u,
                              double v, const double *M, const double *r, int64_t rank,
                              icl_certificate *certificate) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    icl_context *context = law->context;
    ICL_TRY(icl_check_simulation(context, __func__, simulation));
    ICL_CHECK_ARRAY(context, u, law->dim);
    ICL_CHECK_ARRAY(context, M, law->dim * law->dim);
    ICL_CHECK_ARRAY(context, r, law->dim);
    ICL_REQUIRE(context, isfinite(v), ICL_ERR_NONFINITE, "%s: v = %g is not finite", __func__, v);
    ICL_CHECK_RANGE(context, rank, 0, law->dim);
    ICL_REQUIRE_POINTER(context, certificate);
    ICL_TRY(icl_check_output(context, __func__, "certificate", certificate));
    certifier c = {.law = law, .simulation = simulation, .u = u, .M = M, .r = r, .v = v};
    icl_certificate result = {0};
    icl_status status = certify(&c, rank, &result);
    icl_dealloc(context, c.block);
    icl_frame_free(c.frame);
    if (status == ICL_OK)
        icl_write_output(certificate, &result, sizeof result);
    return status;
}
