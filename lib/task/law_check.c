/* The options of a law: ranges, numbers, and what goes with what. */
#include <float.h>
#include <math.h>

#include "linalg/linalg.h"
#include "task/law.h"

static icl_status check_kind(icl_context *context, const char *name, icl_covariance kind,
                             int prior) {
    const char *function = "icl_law_create";
    ICL_REQUIRE(context, prior || kind != ICL_COVARIANCE_INVERSE, ICL_ERR_ARGUMENT,
                "%s: %s = %d: only a prior can be INVERSE", function, name, (int)kind);
    return icl_check_range(context, function, name, kind, 0, ICL_COVARIANCE_POWER);
}

static icl_status check_covariances(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(check_kind(context, "covariance", o->covariance, 0));
    ICL_TRY(icl_check_range(context, function, "trace", o->trace, 0, ICL_TRACE_ONE));
    ICL_TRY(check_kind(context, "prior", o->prior, 1));
    ICL_TRY(icl_check_seed(context, function, "rotation_seed", o->rotation_seed));
    int linear = o->labels == ICL_LABELS_LINEAR;
    ICL_REQUIRE(context, linear || o->prior == ICL_COVARIANCE_IDENTITY, ICL_ERR_ARGUMENT,
                "%s: prior = %d: only linear labels have a prior covariance", function,
                (int)o->prior);
    ICL_REQUIRE(context, linear || o->prior_mean == NULL, ICL_ERR_ARGUMENT,
                "%s: prior_mean: only linear labels have one", function);
    if (o->prior_mean != NULL)
        ICL_TRY(icl_check_array(context, function, "prior_mean", o->prior_mean, o->dim));
    return ICL_OK;
}

static icl_status check_covariates(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(
        icl_check_range(context, function, "covariates", o->covariates, 0, ICL_COVARIATES_STUDENT));
    ICL_TRY(icl_check_range(context, function, "scale", o->scale, 0, ICL_SCALE_EXAMPLE));
    if (o->covariates == ICL_COVARIATES_STUDENT) {
        ICL_TRY(icl_check_real(context, function, "freedom", o->freedom, 0));
        ICL_REQUIRE(context, o->freedom > 2 && o->freedom <= 0x1p31, ICL_ERR_ARGUMENT,
                    "%s: freedom = %g is not above 2, to 2^31", function, o->freedom);
    }
    if (o->scale == ICL_SCALE_FIXED)
        return ICL_OK;
    ICL_TRY(icl_check_real(context, function, "scale_shape", o->scale_shape, 0));
    ICL_REQUIRE(context, o->scale_shape >= 0.5 && o->scale_shape <= 0x1p30, ICL_ERR_ARGUMENT,
                "%s: scale_shape = %g is not within 0.5 to 2^30", function, o->scale_shape);
    return ICL_OK;
}

static icl_status check_series(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_range(context, function, "terms", o->terms, 2, 16384));
    ICL_REQUIRE(context, o->dim * (o->terms - 1) < 16384, ICL_ERR_SIZE,
                "%s: terms = %lld: %lld functions of %lld coordinates are more than 16384",
                function, (long long)o->terms, (long long)(o->dim * (o->terms - 1) + 1),
                (long long)o->dim);
    ICL_TRY(icl_check_range(context, function, "basis", o->basis, 0, ICL_BASIS_HAAR));
    const double *decays = o->decay_values != NULL ? o->decay_values : &o->decay;
    const char *name = o->decay_values != NULL ? "decay_values" : "decay";
    int64_t count = o->decay_values != NULL ? o->dim : 1;
    ICL_TRY(icl_check_array(context, function, name, decays, count));
    for (int64_t i = 0; i < count; i++)
        ICL_REQUIRE(context, fabs(decays[i]) <= 64, ICL_ERR_ARGUMENT,
                    "%s: %s[%lld] = %g is not within -64 to 64", function, name, (long long)i,
                    decays[i]);
    return ICL_OK;
}

/* Of a TREE, a SERIES and a GAUSSIAN_PROCESS. */
static icl_status check_function(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    if (o->labels == ICL_LABELS_TREE)
        return icl_check_range(context, function, "depth", o->depth, 0, 16);
    if (o->labels == ICL_LABELS_SERIES)
        return check_series(context, o);
    if (o->labels != ICL_LABELS_GAUSSIAN_PROCESS)
        return ICL_OK;
    ICL_TRY(icl_check_range(context, function, "kernel", o->kernel, 0, ICL_KERNEL_LAPLACE));
    return icl_check_real(context, function, "bandwidth", o->bandwidth, 1);
}

static icl_status check_labels(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(
        icl_check_range(context, function, "labels", o->labels, 0, ICL_LABELS_GAUSSIAN_PROCESS));
    if (o->labels == ICL_LABELS_NET) {
        ICL_TRY(icl_check_range(context, function, "hidden", o->hidden, 1, 65536));
        ICL_TRY(icl_check_range(context, function, "activation", o->activation, 0,
                                ICL_ACTIVATION_TANH));
    }
    ICL_REQUIRE(context, o->labels != ICL_LABELS_CALLBACK || o->label_fn != NULL, ICL_ERR_ARGUMENT,
                "%s: label_fn is NULL", function);
    if (o->labels != ICL_LABELS_SINE)
        return check_function(context, o);
    ICL_TRY(icl_check_real(context, function, "amplitude_least", o->amplitude_least, 0));
    ICL_TRY(icl_check_real(context, function, "amplitude_most", o->amplitude_most, 0));
    ICL_REQUIRE(context, o->amplitude_least <= o->amplitude_most && o->amplitude_most <= 1e150,
                ICL_ERR_ARGUMENT,
                "%s: amplitude_least = %g, amplitude_most = %g: not in order, to 1e150", function,
                o->amplitude_least, o->amplitude_most);
    return ICL_OK;
}

static int diagonal(icl_covariance kind) {
    return kind == ICL_COVARIANCE_IDENTITY || kind == ICL_COVARIANCE_DIAGONAL ||
           kind == ICL_COVARIANCE_SCALAR;
}

static icl_status check_tasks(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_range(context, function, "tasks", o->tasks, 0, ICL_TASKS_SPARSE));
    ICL_REQUIRE(context, o->labels == ICL_LABELS_LINEAR || o->tasks == ICL_TASKS_GAUSSIAN,
                ICL_ERR_ARGUMENT, "%s: tasks = %d: only linear labels have them", function,
                (int)o->tasks);
    if (o->tasks != ICL_TASKS_SPARSE)
        return ICL_OK;
    ICL_TRY(icl_check_range(context, function, "sparsity", o->sparsity, 1, o->dim));
    icl_covariance kind = o->prior == ICL_COVARIANCE_INVERSE ? o->covariance : o->prior;
    ICL_REQUIRE(context, diagonal(kind), ICL_ERR_ARGUMENT,
                "%s: prior = %d: sparse tasks want a diagonal one", function, (int)o->prior);
    return ICL_OK;
}

static icl_status check_pool(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_range(context, function, "pool", o->pool, 0, INT64_C(1) << 31));
    if (o->pool == 0)
        return ICL_OK;
    ICL_TRY(icl_check_seed(context, function, "pool_seed", o->pool_seed));
    ICL_REQUIRE(context, icl_labels_weighted(o->labels) && o->labels != ICL_LABELS_SINE,
                ICL_ERR_ARGUMENT, "%s: pool = %lld: labels = %d are not told by a w alone",
                function, (long long)o->pool, (int)o->labels);
    return o->pool_values == NULL ? ICL_OK
                                  : icl_check_array(context, function, "pool_values",
                                                    o->pool_values, o->pool * o->dim);
}

static icl_status check_rotation(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_range(context, function, "rotation_every", o->rotation_every, 0,
                            INT64_C(1) << 62));
    if (o->rotation_every == 0)
        return ICL_OK;
    ICL_REQUIRE(context,
                o->covariance == ICL_COVARIANCE_SPECTRUM ||
                    o->covariance == ICL_COVARIANCE_HALVES || o->covariance == ICL_COVARIANCE_POWER,
                ICL_ERR_ARGUMENT, "%s: rotation_every = %lld: covariance = %d has no rotation",
                function, (long long)o->rotation_every, (int)o->covariance);
    ICL_REQUIRE(context, o->pool == 0 || o->prior != ICL_COVARIANCE_INVERSE, ICL_ERR_ARGUMENT,
                "%s: rotation_every = %lld: a prior INVERSE turns with Sigma, a pool does not",
                function, (long long)o->rotation_every);
    return ICL_OK;
}

static icl_status check_noise(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_real(context, function, "noise", o->noise, 0));
    ICL_TRY(icl_check_range(context, function, "noise_law", o->noise_law, 0, ICL_NOISE_SET));
    if (o->noise_law != ICL_NOISE_SET)
        return ICL_OK;
    ICL_TRY(icl_check_range(context, function, "noise_count", o->noise_count, 1, 65536));
    ICL_TRY(icl_check_array(context, function, "noise_values", o->noise_values, o->noise_count));
    for (int64_t i = 0; i < o->noise_count; i++)
        ICL_REQUIRE(context, o->noise_values[i] >= 0 && o->noise_values[i] <= 1e150,
                    ICL_ERR_ARGUMENT, "%s: noise_values[%lld] = %g is not within 0 to 1e150",
                    function, (long long)i, o->noise_values[i]);
    return ICL_OK;
}

icl_status icl_law_check_options(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_range(context, function, "dim", o->dim, 1, 16384));
    ICL_TRY(icl_check_range(context, function, "context", o->context, 0, INT64_C(1) << 31));
    ICL_TRY(check_noise(context, o));
    ICL_TRY(check_covariates(context, o));
    ICL_TRY(check_labels(context, o));
    ICL_TRY(check_covariances(context, o));
    ICL_TRY(check_tasks(context, o));
    ICL_TRY(check_pool(context, o));
    return check_rotation(context, o);
}

/* Of the Sigma of each prompt. */
static int64_t rank_of(const icl_law *law) {
    int64_t d = law->dim, rank = 0;
    for (int64_t i = 0; i < d; i++) {
        double value = law->values[i], greatest = law->values[d - 1];
        if (law->rotation_every > 0) {
            value = law->scales[i] * law->scales[i];
            greatest = law->scales[d - 1] * law->scales[d - 1];
        }
        rank += value > (double)d * DBL_EPSILON * greatest;
    }
    return rank;
}

icl_status icl_law_check_queries(const icl_law *law, const char *function) {
    const icl_context *context = law->context;
    long long n = law->examples;
    ICL_TRY(icl_check_range(context, function, "queries", law->queries, 0,
                            ICL_QUERIES_OPPOSITE_QUADRANT));
    ICL_REQUIRE(context, isfinite(law->query_scale), ICL_ERR_NONFINITE, "%s: query_scale = %g",
                function, law->query_scale);
    ICL_REQUIRE(context, law->queries != ICL_QUERIES_REPEATED || n > 0, ICL_ERR_ARGUMENT,
                "%s: context = %lld: REPEATED queries want an example", function, n);
    int64_t rank = law->queries == ICL_QUERIES_ORTHOGONAL ? rank_of(law) : n + 1;
    ICL_REQUIRE(context, n < rank, ICL_ERR_ARGUMENT,
                "%s: context = %lld: no direction of a Sigma of rank %lld is ORTHOGONAL to all "
                "examples",
                function, n, (long long)rank);
    return ICL_OK;
}

static double sum_of(int64_t count, const double *values, int64_t stride) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i * stride];
    return sum;
}

/* The greater of E f^2 and E ||x||^2, up to a factor that is small beside the margin. */
static double power_of(const icl_law *law) {
    int64_t d = law->dim;
    double x = sum_of(d, law->values, 1) * fmax(1, law->query_scale * law->query_scale);
    switch (law->labels) {
    case ICL_LABELS_LINEAR:
        return x * fmax(1, sum_of(d, law->prior, d + 1) +
                               (law->mean != NULL ? icl_frobenius(d, law->mean, law->mean) : 0));
    case ICL_LABELS_QUADRATIC:
        return x * fmax(1, x);
    case ICL_LABELS_CUBIC:
        return x * fmax(1, x * x);
    default:
        return x;
    }
}

icl_status icl_law_check_power(const icl_law *law, const char *function) {
    double power = power_of(law);
    ICL_REQUIRE(law->context, power <= 1e250, ICL_ERR_ARGUMENT,
                "%s: E f(x)^2 or E x.x is about %g, above 1e250: what is drawn may overflow",
                function, power);
    ICL_REQUIRE(law->context, law->noise <= 1e300, ICL_ERR_ARGUMENT,
                "%s: noise = %g, above 1e300: what is drawn may overflow", function, law->noise);
    return ICL_OK;
}
