/* Builds frames: the eigenvectors of Sigma, for linear labels turned to those of T W T^T. */
#include "theory/frame.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"

/* ---- the basis ---- */

/* T = Lambda^1/2 V and P = Lambda^-1/2 V over the eigenvalues that are not rounding. */
static void whiten(const icl_law *law, icl_frame *f) {
    int64_t d = law->dim;
    double floor = (double)d * DBL_EPSILON * law->values[d - 1];
    for (int64_t k = 0; k < d; k++) {
        if (law->values[k] <= floor)
            continue;
        double root = sqrt(law->values[k]);
        for (int64_t i = 0; i < d; i++) {
            f->T[f->rank * d + i] = root * law->vectors[k * d + i];
            f->P[f->rank * d + i] = law->vectors[k * d + i] / root;
        }
        f->rank++;
    }
}

/* W + mu mu^T. */
static void second_moment(const icl_law *law, double *out) {
    int64_t d = law->dim;
    memcpy(out, law->prior, (size_t)(d * d) * sizeof *out);
    if (law->mean == NULL)
        return;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            out[i * d + j] += law->mean[i] * law->mean[j];
}

/* out (p x p) = T W T^T; room p x d. */
static void congruence(int64_t p, int64_t d, const double *T, const double *W, double *room,
                       double *out) {
    icl_matmul(0, 0, p, d, d, T, W, room);
    icl_matmul(0, 1, p, p, d, room, T, out);
}

/* Turns T and P to the eigenvectors of T W T^T, whose eigenvalues are k. */
static icl_status turn(const icl_law *law, icl_frame *f, double *k) {
    int64_t d = f->dim, p = f->rank, dd = d * d;
    double *room;
    ICL_TRY(ICL_NEW(f->context, &room, 4 * dd));
    double *W = room, *a = room + dd, *b = a + dd, *U = b + dd;
    second_moment(law, W);
    congruence(p, d, f->T, W, a, b);
    for (int64_t i = 0; i < p; i++)
        for (int64_t j = 0; j < i; j++)
            b[i * p + j] = b[j * p + i] = (b[i * p + j] + b[j * p + i]) / 2;
    int finite = icl_all_finite(b, p * p); /* else icl_frame_create says what overflows */
    icl_status status = finite ? icl_eigen(f->context, p, b, k, U) : ICL_OK;
    if (!finite)
        k[0] = INFINITY;
    if (finite && status == ICL_OK) {
        icl_matmul(0, 0, p, d, p, U, f->T, a);
        memcpy(f->T, a, (size_t)(p * d) * sizeof *a);
        icl_matmul(0, 0, p, d, p, U, f->P, a);
        memcpy(f->P, a, (size_t)(p * d) * sizeof *a);
    }
    for (int64_t j = 0; j < p; j++)
        k[j] = fmax(k[j], 0);
    icl_dealloc(f->context, room);
    return status == ICL_OK
               ? ICL_OK
               : icl_fail(f->context, status, "eigenvalues of Sigma^1/2 W Sigma^1/2: %s",
                          icl_status_text(status));
}

/* Uniform covariates x = T^T z prefer the axes of z: C and K are diagonal in one basis only where
 * T W T^T is, whose diagonal is k then. Entries below 1e-12 of what they are summed from are 0. */
static icl_status take_diagonal(const char *function, const icl_law *law, icl_frame *f, double *k) {
    int64_t d = f->dim, p = f->rank, dd = d * d;
    double *room;
    ICL_TRY(ICL_NEW(f->context, &room, 5 * dd));
    double *W = room, *T = W + dd, *a = T + dd, *b = a + dd, *bound = b + dd;
    second_moment(law, W);
    congruence(p, d, f->T, W, a, b);
    for (int64_t i = 0; i < dd; i++) {
        W[i] = fabs(W[i]);
        T[i] = fabs(f->T[i]);
    }
    congruence(p, d, T, W, a, bound);
    int diagonal = 1;
    for (int64_t i = 0; i < p; i++) {
        k[i] = fmax(b[i * p + i], 0);
        for (int64_t j = 0; j < p; j++)
            diagonal = diagonal && (i == j || !(fabs(b[i * p + j]) > 1e-12 * bound[i * p + j]));
    }
    icl_dealloc(f->context, room);
    ICL_REQUIRE(f->context, diagonal, ICL_ERR_NO_CLOSED_FORM,
                "%s: uniform covariates x = R z with R^T (W + mu mu^T) R not diagonal", function);
    return ICL_OK;
}

/* ---- the moments ---- */

static icl_status linear_means(const char *function, const icl_law *law, icl_frame *f,
                               icl_label_means *means) {
    int simple = law->prior_root.diagonal == NULL && law->prior_root.dense == NULL;
    int axes = icl_law_kurtosis(law) != 0;
    ICL_REQUIRE(law->context, isfinite(icl_law_radial(law)), ICL_ERR_NO_CLOSED_FORM,
                "%s: the fourth moment of the covariates is infinite: freedom = %g", function,
                law->freedom);
    if (simple && law->mean == NULL) { /* W = I: nothing to turn */
        int64_t first = law->dim - f->rank;
        memcpy(means->signal, law->values + first, (size_t)f->rank * sizeof(double));
    } else if (f->rank > 0) {
        ICL_TRY(axes && law->examples > 0 ? take_diagonal(function, law, f, means->signal)
                                          : turn(law, f, means->signal));
    }
    double power = 0;
    for (int64_t j = 0; j < f->rank; j++)
        power += means->signal[j];
    icl_label_means_linear(law, f->rank, power, means);
    int known = icl_law_normal_covariates(law) && icl_law_normal_weights(law);
    f->even = known ? ICL_EVEN_EXACT : ICL_EVEN_UNKNOWN;
    return ICL_OK;
}

static icl_status label_means(const char *function, const icl_law *law,
                              const icl_simulation *simulation, int even, icl_frame *f,
                              icl_label_means *means) {
    int64_t d = law->dim;
    const char *gap = icl_law_no_moments(law);
    ICL_REQUIRE(law->context, gap == NULL, ICL_ERR_NO_CLOSED_FORM, "%s: %s", function, gap);
    if (law->labels == ICL_LABELS_LINEAR)
        return linear_means(function, law, f, means);
    const char *missing = icl_law_no_label_moments(law);
    ICL_REQUIRE(law->context, missing == NULL, ICL_ERR_NO_CLOSED_FORM, "%s: %s", function, missing);
    ICL_REQUIRE(law->context, icl_law_normal_covariates(law), ICL_ERR_NO_CLOSED_FORM,
                "%s: covariates that are not Gaussian with non-linear labels", function);
    ICL_REQUIRE(law->context, law->pool_count == 0, ICL_ERR_NO_CLOSED_FORM,
                "%s: a pool of tasks with non-linear labels", function);
    int net = law->labels == ICL_LABELS_NET, scalar = law->values[0] == law->values[d - 1];
    ICL_REQUIRE(law->context, scalar || simulation != NULL || (net && !even),
                ICL_ERR_NO_CLOSED_FORM,
                "%s: these labels with a covariance other than I need a simulation, which is NULL",
                function);
    if (net)
        icl_label_means_net(law, f, means);
    if (net && (scalar || !even)) {
        f->even = scalar ? ICL_EVEN_EXACT : ICL_EVEN_UNKNOWN;
        return ICL_OK;
    }
    if (scalar)
        return icl_label_means_scalar(law, f->rank, law->values[0], means);
    f->even = ICL_EVEN_SIMULATED;
    f->simulated = !net;
    return net ? icl_label_spread_net(law, simulation, means)
               : icl_label_means_simulated(law, simulation, f, means);
}

/* From the moments of f to those of y = f + noise and of its prompt averages. */
static void set_moments(const icl_law *law, const icl_label_means *m, icl_frame *f) {
    double s2 = law->noise;
    f->power = m->power + s2;
    f->rest = f->power;
    if (law->examples == 0)
        return;
    double in = f->inverse_n = 1 / (double)law->examples;
    f->others = (double)(law->examples - 1) / (double)law->examples;
    f->rest = fmax(m->rest, 0) + s2;
    for (int64_t j = 0; j < f->rank; j++) {
        f->k[j] = m->signal[j];
        f->slack[j] = fmax(in * (f->power + m->bend[j] - m->signal[j]), 0);
        f->c[j] = f->k[j] + f->slack[j];
        f->h[j] = f->even == ICL_EVEN_UNKNOWN ? 0 : in * m->bend[j];
    }
    /* E_f Var_x y^2 / n + Var_f E_x y^2, f with its noise level */
    double within = m->fourth - m->power * m->power - m->spread;
    within += 4 * s2 * m->power + 2 * law->noise_square;
    double levels = law->noise_law == ICL_NOISE_FIXED ? 0 : law->noise_square - s2 * s2;
    if (f->even != ICL_EVEN_UNKNOWN)
        f->spread = fmax(in * within + m->spread + fmax(levels, 0), 0);
    f->spread_error = m->spread_error;
}

static icl_status check_moments(const char *function, const icl_frame *f) {
    double sum = f->power + f->rest + f->spread;
    for (int64_t j = 0; j < f->rank; j++)
        sum += f->k[j] + f->c[j] + f->h[j];
    ICL_REQUIRE(f->context, isfinite(sum), ICL_ERR_NONFINITE, "%s: the moments of the law overflow",
                function);
    return ICL_OK;
}

icl_status icl_frame_create(const char *function, const icl_law *law,
                            const icl_simulation *simulation, int even, icl_frame **out) {
    *out = NULL;
    icl_context *context = law->context;
    int64_t d = law->dim, dd = d * d;
    icl_label_means means = {0};
    icl_frame *f;
    ICL_TRY(ICL_NEW(context, &f, 1));
    f->context = icl_context_retain(context);
    f->dim = d;
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &f->block, 2 * dd + 4 * d), fail);
    ICL_TRY_GOTO(ICL_NEW(context, &means.signal, 2 * d), fail);
    means.bend = means.signal + d;
    f->T = f->block;
    f->P = f->T + dd;
    f->k = f->P + dd;
    f->c = f->k + d;
    f->slack = f->c + d;
    f->h = f->slack + d;
    whiten(law, f);
    ICL_TRY_GOTO(label_means(function, law, simulation, even, f, &means), fail);
    set_moments(law, &means, f);
    status = check_moments(function, f);
fail:
    icl_dealloc(context, means.signal);
    if (status == ICL_OK)
        *out = f;
    else
        icl_frame_free(f);
    return status;
}

void icl_frame_free(icl_frame *frame) {
    if (frame == NULL)
        return;
    icl_context *context = frame->context;
    icl_dealloc(context, frame->block);
    icl_dealloc(context, frame);
    icl_context_free(context);
}

/* K = Sigma W Sigma and C from the matrices themselves, not from T. */
static icl_status linear_moments(const icl_law *law, const icl_frame *f, double *K, double *C) {
    int64_t d = f->dim, dd = d * d;
    double *room;
    ICL_TRY(ICL_NEW(law->context, &room, 3 * dd));
    double *W = room, *a = W + dd, *product = a + dd;
    second_moment(law, W);
    icl_matmul(0, 0, d, d, d, law->covariance, W, a);
    icl_matmul(0, 0, d, d, d, a, law->covariance, product);
    double radial = icl_law_radial(law), signal = 0;
    for (int64_t j = 0; j < f->rank; j++)
        signal += f->k[j];
    double same = 1 + (2 * radial - 1) * f->inverse_n;
    double noise = f->inverse_n * (f->power + (radial - 1) * signal);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double swap = (product[i * d + j] + product[j * d + i]) / 2;
            if (K != NULL)
                K[i * d + j] = swap;
            if (C != NULL)
                C[i * d + j] = same * swap + noise * law->covariance[i * d + j];
        }
    double kurtosis = f->inverse_n * icl_law_kurtosis(law);
    if (C != NULL && kurtosis != 0) {
        icl_eigen_compose(d, f->k, f->T, product);
        for (int64_t i = 0; i < dd; i++)
            C[i] += kurtosis * product[i];
    }
    icl_dealloc(law->context, room);
    return ICL_OK;
}

icl_status icl_frame_moments(const icl_law *law, const icl_frame *frame, double *K, double *C) {
    if (law->labels == ICL_LABELS_LINEAR && law->examples > 0)
        return linear_moments(law, frame, K, C);
    if (K != NULL)
        icl_eigen_compose(frame->dim, frame->k, frame->T, K);
    if (C != NULL)
        icl_eigen_compose(frame->dim, frame->c, frame->T, C);
    return ICL_OK;
}
