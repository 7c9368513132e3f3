/* Risks of Bayes and ridge: exact given X, the mean over X by simulation.
 *
 * Bayes: w = mu + R z, W = R R^T, A = X R = U diag(s) V^T. Given X the posterior covariance of z
 * is F^2 with F = I - V V^T + V diag(sigma / sqrt(s^2 + sigma^2)) V^T: no division by sigma^2 or
 * by W; for sigma = 0 or a rank below d what was not seen stays.
 * Ridge: X = U diag(s) V^T, w - what = F w - V diag(s / (s^2 + lambda)) U^T eps with
 * F = I - V V^T + V diag(lambda / (s^2 + lambda)) V^T.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "theory/simulate.h"

typedef struct posterior {
    const icl_law *law;
    int ridge;
    double lambda;    /* added to s^2: sigma^2 for Bayes */
    int64_t examples; /* n */
    int64_t seen;     /* min(n, d) singular values */
    int64_t svd_size; /* doubles that their decomposition works in */
    int64_t columns;  /* of target */
    double *block;
    double *design; /* d x d: R; ridge: unused */
    double *weight; /* d x d: T = Lambda^1/2 V, |T x|^2 = x^T Sigma x */
    double *target; /* d x columns, what F acts on: Bayes (T R)^T; ridge the roots of W and mu */
} posterior;

/* ---- what does not depend on X ---- */

static void dense_root(const icl_root *root, int64_t d, double *out) {
    if (root->dense != NULL) {
        memcpy(out, root->dense, (size_t)(d * d) * sizeof *out);
        return;
    }
    memset(out, 0, (size_t)(d * d) * sizeof *out);
    for (int64_t i = 0; i < d; i++)
        out[i * d + i] = root->diagonal != NULL ? root->diagonal[i] : 1;
}

static icl_status prepare(posterior *p) {
    const icl_law *law = p->law;
    int64_t d = law->dim, dd = d * d;
    p->examples = law->examples;
    p->seen = law->examples < d ? law->examples : d;
    p->columns = p->ridge && law->mean != NULL ? d + 1 : d;
    p->svd_size = icl_svd_scratch(law->examples, d);
    ICL_REQUIRE(law->context, p->svd_size >= 0, ICL_ERR_SIZE,
                "context = %lld and dim = %lld are too large for LAPACK's dgesvd",
                (long long)law->examples, (long long)d);
    ICL_TRY(ICL_NEW(law->context, &p->block, 3 * dd + d));
    p->design = p->block;
    p->weight = p->design + dd;
    p->target = p->weight + dd;
    dense_root(&law->prior_root, d, p->design);
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < d; i++)
            p->weight[k * d + i] = sqrt(law->values[k]) * law->vectors[k * d + i];
    if (!p->ridge) {
        icl_matmul(1, 1, d, d, d, p->design, p->weight, p->target);
        return ICL_OK;
    }
    for (int64_t i = 0; i < d; i++) {
        memcpy(p->target + i * p->columns, p->design + i * d, (size_t)d * sizeof *p->target);
        if (law->mean != NULL)
            p->target[i * p->columns + d] = law->mean[i];
    }
    return ICL_OK;
}

/* ---- one prompt ---- */

/* Work space of a prompt, cut out of `room`. */
typedef struct prompt_room {
    double *A, *u, *s, *vt, *left, *product, *out, *svd;
} prompt_room;

static int64_t room_size(const posterior *p) {
    int64_t d = p->law->dim, n = p->examples, k = p->seen, m = p->columns;
    return n * d + n * k + 2 * d + k * d + d * (m + d) + d * (m + d) + p->svd_size;
}

static prompt_room cut_room(const posterior *p, double *room) {
    int64_t d = p->law->dim, n = p->examples, k = p->seen, m = p->columns;
    prompt_room r = {.A = room};
    r.u = r.A + n * d;
    r.s = r.u + n * k;
    r.left = r.s + d;
    r.vt = r.left + d;
    r.product = r.vt + k * d;
    r.out = r.product + d * (m + d);
    r.svd = r.out + d * (m + d);
    return r;
}

/* out (d x m) = F target. With all d directions seen I - V V^T is exactly 0 and stays out, so that
 * nothing cancels where the risk is small. */
static void apply(const posterior *p, const prompt_room *r) {
    int64_t d = p->law->dim, k = p->seen, m = p->columns;
    icl_matmul(0, 0, k, m, d, r->vt, p->target, r->product);
    for (int64_t i = 0; i < k; i++)
        for (int64_t j = 0; j < m; j++)
            r->product[i * m + j] *= k == d ? r->left[i] : 1 - r->left[i];
    icl_matmul(1, 0, d, m, k, r->vt, r->product, r->out);
    if (k < d)
        for (int64_t e = 0; e < d * m; e++)
            r->out[e] = p->target[e] - r->out[e];
}

/* |T V diag(s / (s^2 + lambda))|^2: what the noise of the labels does to ridge. */
static double noise_power(const posterior *p, const prompt_room *r, double floor) {
    int64_t d = p->law->dim, k = p->seen;
    icl_matmul(0, 1, k, d, d, r->vt, p->weight, r->product);
    double sum = 0;
    for (int64_t i = 0; i < k; i++)
        if (r->s[i] > floor) {
            const double *row = r->product + i * d;
            double norm = hypot(r->s[i], sqrt(p->lambda));
            double ratio = r->s[i] / norm / norm;
            sum += ratio * ratio * icl_frobenius(d, row, row);
        }
    return sum;
}

static icl_status measure(void *user, const icl_batch *batch, int64_t prompt, double *room,
                          double *value) {
    const posterior *p = user;
    int64_t d = p->law->dim, n = p->examples, k = p->seen, m = p->columns;
    prompt_room r = cut_room(p, room);
    const double *X = batch->X + prompt * n * d;
    if (p->ridge)
        memcpy(r.A, X, (size_t)(n * d) * sizeof *X);
    else
        icl_matmul(0, 0, n, d, d, X, p->design, r.A);
    ICL_TRY(icl_svd_with(n, d, r.A, r.s, r.u, r.vt, r.svd, p->svd_size));
    double floor = (double)(n > d ? n : d) * DBL_EPSILON * r.s[0], root = sqrt(p->lambda);
    for (int64_t i = 0; i < k; i++) { /* hypot: s^2 may overflow where the risk does not */
        double share = r.s[i] > floor ? root / hypot(r.s[i], root) : 1;
        r.left[i] = p->ridge ? share * share : share;
    }
    apply(p, &r);
    double noise = p->law->noise;
    if (!p->ridge) {
        *value = noise + icl_frobenius(d * m, r.out, r.out);
        return ICL_OK;
    }
    double own = noise > 0 ? noise * noise_power(p, &r, floor) : 0;
    icl_matmul(0, 0, d, m, d, p->weight, r.out, r.product);
    *value = noise + own + icl_frobenius(d * m, r.product, r.product);
    return ICL_OK;
}

/* ---- the mean ---- */

/* n = 0: nobody knows more than the prior; ridge answers 0. */
static double prior_risk(const posterior *p) {
    int64_t d = p->law->dim, m = p->columns;
    if (!p->ridge)
        return p->law->noise + icl_frobenius(d * m, p->target, p->target);
    double sum = p->law->noise;
    for (int64_t j = 0; j < m; j++)
        for (int64_t i = 0; i < d; i++) {
            double entry = 0;
            for (int64_t e = 0; e < d; e++)
                entry += p->weight[i * d + e] * p->target[e * m + j];
            sum += entry * entry;
        }
    return sum;
}

static icl_status run(posterior *p, const icl_simulation *simulation, icl_tally *tally) {
    if (p->law->examples == 0) {
        *tally = (icl_tally){.count = 2, .mean = prior_risk(p)};
        return ICL_OK;
    }
    icl_run run = {.law = p->law,
                   .simulation = simulation,
                   .contents = ICL_CONTENTS_EXAMPLES,
                   .width = 1,
                   .room = room_size(p),
                   .measure = measure,
                   .user = p};
    return icl_simulate(&run, tally);
}

static icl_status posterior_risk(const char *function, posterior *p,
                                 const icl_simulation *simulation, icl_estimate *risk) {
    icl_context *context = p->law->context;
    ICL_TRY(icl_check_simulation(context, function, simulation));
    ICL_REQUIRE(context, p->law->labels == ICL_LABELS_LINEAR, ICL_ERR_NO_CLOSED_FORM,
                "%s: the labels are not linear", function);
    const char *gap = icl_law_no_moments(p->law);
    ICL_REQUIRE(context, gap == NULL, ICL_ERR_NO_CLOSED_FORM, "%s: %s", function, gap);
    ICL_REQUIRE(context, simulation != NULL || p->law->examples == 0, ICL_ERR_ARGUMENT,
                "%s: simulation is NULL", function);
    icl_tally tally = {0};
    icl_status status = prepare(p);
    if (status == ICL_OK)
        status = run(p, simulation, &tally);
    icl_dealloc(context, p->block);
    if (status != ICL_OK)
        return status;
    icl_estimate result = {tally.mean, icl_tally_error(&tally)};
    ICL_REQUIRE(context, isfinite(result.value) && isfinite(result.standard_error),
                ICL_ERR_DIVERGED, "%s: the risk overflows", function);
    if (risk != NULL)
        *risk = result;
    return ICL_OK;
}

icl_status icl_theory_bayes_risk(const icl_law *law, const icl_simulation *simulation,
                                 icl_estimate *risk) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    const char *gap = icl_law_no_posterior(law);
    ICL_REQUIRE(law->context, gap == NULL, ICL_ERR_NO_CLOSED_FORM, "%s: %s", __func__, gap);
    posterior p = {.law = law, .lambda = law->noise};
    return posterior_risk(__func__, &p, simulation, risk);
}

icl_status icl_theory_ridge_risk(const icl_law *law, const icl_simulation *simulation,
                                 double lambda, icl_estimate *risk) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_REAL(law->context, lambda, 0);
    posterior p = {.law = law, .ridge = 1, .lambda = lambda};
    return posterior_risk(__func__, &p, simulation, risk);
}
