#include "task/law.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "task/covariance.h"

static const icl_law_options default_options = {
    .size = sizeof(icl_law_options), .dim = 5, .context = 20, .hidden = 4};

icl_status icl_law_options_init(icl_law_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

static icl_status check_covariances(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_range(context, function, "covariance", o->covariance, 0,
                            ICL_COVARIANCE_SPECTRUM));
    ICL_TRY(icl_check_range(context, function, "prior", o->prior, 0, ICL_COVARIANCE_INVERSE));
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

static icl_status check_options(icl_context *context, const icl_law_options *o) {
    const char *function = "icl_law_create";
    ICL_TRY(icl_check_range(context, function, "dim", o->dim, 1, 16384));
    ICL_TRY(icl_check_range(context, function, "context", o->context, 0, INT64_C(1) << 31));
    ICL_TRY(check_noise(context, o));
    ICL_TRY(
        icl_check_range(context, function, "covariates", o->covariates, 0, ICL_COVARIATES_UNIFORM));
    ICL_TRY(icl_check_range(context, function, "labels", o->labels, 0, ICL_LABELS_CALLBACK));
    if (o->labels == ICL_LABELS_NET)
        ICL_TRY(icl_check_range(context, function, "hidden", o->hidden, 1, 65536));
    ICL_REQUIRE(context, o->labels != ICL_LABELS_CALLBACK || o->label_fn != NULL, ICL_ERR_ARGUMENT,
                "%s: label_fn is NULL", function);
    return check_covariances(context, o);
}

static int labels_signed(const icl_law_options *o) {
    return o->labels == ICL_LABELS_RELU || (o->labels == ICL_LABELS_CALLBACK && !o->label_odd);
}

/* Fills law->block: Sigma, its vectors, root and values; W and its root; mu. `room` holds what is
 * needed of W only while it is made. */
static icl_status build(icl_law *law, const icl_law_options *o, double *room) {
    int64_t d = o->dim, dd = d * d;
    double *block = law->block;
    icl_covariance_parts sigma = {block, block + 3 * dd, block + dd, block + 2 * dd, {0}};
    block += 3 * dd + d;
    ICL_TRY(icl_covariance_build(law->context, "covariance_values", d, o->covariance,
                                 o->covariance_values, o->rotation_seed, 0, &sigma));
    law->covariance = sigma.matrix;
    law->values = sigma.values;
    law->vectors = sigma.vectors;
    law->root = sigma.form;
    if (o->labels != ICL_LABELS_LINEAR)
        return ICL_OK;
    icl_covariance_parts prior = {block, room, room + d, block + dd, {0}};
    block += 2 * dd;
    if (o->prior == ICL_COVARIANCE_INVERSE)
        ICL_TRY(icl_covariance_invert(law->context, d, &sigma, &prior));
    else
        ICL_TRY(icl_covariance_build(law->context, "prior_values", d, o->prior, o->prior_values,
                                     o->rotation_seed, 1, &prior));
    law->prior = prior.matrix;
    law->prior_root = prior.form;
    for (int64_t i = 0; o->prior_mean != NULL && i < d; i++)
        if (o->prior_mean[i] != 0)
            law->mean = memcpy(block, o->prior_mean, (size_t)d * sizeof *block);
    return ICL_OK;
}

static void set_fixed_noise(icl_law *law, double noise, double sigma) {
    law->noise_law = ICL_NOISE_FIXED;
    law->noise = noise;
    law->noise_square = noise * noise;
    law->sigma = sigma;
}

/* Levels that are all the same are FIXED noise. E u^2 = 1/3 and E u^4 = 1/5 for u uniform on
 * (0, 1). `copy` is room for the values of a SET. */
static void set_noise(icl_law *law, const icl_law_options *o, double *copy) {
    int64_t count = o->noise_law == ICL_NOISE_SET ? o->noise_count : 0;
    const double *values = o->noise_values;
    double squares = 0, fourths = 0;
    int varies = o->noise_law == ICL_NOISE_UNIFORM && o->noise > 0;
    for (int64_t i = 0; i < count; i++) {
        double square = values[i] * values[i];
        squares += square;
        fourths += square * square;
        varies = varies || values[i] != values[0];
        copy[i] = values[i];
    }
    set_fixed_noise(law, count > 0 ? values[0] * values[0] : o->noise,
                    count > 0 ? values[0] : sqrt(o->noise));
    if (!varies)
        return;
    law->noise_law = o->noise_law;
    law->levels = copy;
    law->level_count = count;
    law->noise = count > 0 ? squares / (double)count : o->noise / 3;
    law->noise_square = count > 0 ? fourths / (double)count : o->noise * o->noise / 5;
}

icl_status icl_law_create(icl_context *context, const icl_law_options *options, icl_law **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    icl_law_options o = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    ICL_TRY(check_options(context, &o));
    icl_law *law;
    double *room = NULL;
    ICL_TRY(ICL_NEW(context, &law, 1));
    law->context = icl_context_retain(context);
    law->dim = o.dim;
    law->examples = o.context;
    law->covariates = o.covariates;
    law->labels = o.labels;
    law->hidden = o.hidden;
    law->label_fn = o.label_fn;
    law->label_user = o.label_user;
    law->signed_labels = labels_signed(&o);
    icl_status status;
    ICL_TRY_GOTO(icl_alloc(context, 1, sizeof *law->references, (void **)&law->references), fail);
    atomic_init(law->references, 1);
    int64_t matrices = 5 * o.dim * o.dim + 2 * o.dim;
    int64_t levels = o.noise_law == ICL_NOISE_SET ? o.noise_count : 0;
    ICL_TRY_GOTO(ICL_NEW(context, &law->block, matrices + levels), fail);
    set_noise(law, &o, law->block + matrices);
    ICL_TRY_GOTO(ICL_NEW(context, &room, o.dim * o.dim + o.dim), fail);
    status = build(law, &o, room);
fail:
    icl_dealloc(context, room);
    if (status != ICL_OK) {
        icl_law_free(law);
        return status;
    }
    *out = law;
    return ICL_OK;
}

void icl_law_free(icl_law *law) {
    if (law == NULL)
        return;
    icl_context *context = law->context;
    if (law->references != NULL && atomic_fetch_sub(law->references, 1) == 1) {
        icl_dealloc(context, law->block);
        icl_dealloc(context, (void *)law->references);
    }
    icl_dealloc(context, law);
    icl_context_free(context);
}

icl_status icl_law_share(const icl_law *law, icl_law **out) {
    *out = NULL;
    icl_law *copy;
    ICL_TRY(ICL_NEW(law->context, &copy, 1));
    *copy = *law;
    atomic_fetch_add(law->references, 1);
    icl_context_retain(law->context);
    *out = copy;
    return ICL_OK;
}

icl_status icl_law_with(const icl_law *law, int64_t context, double noise, icl_law **out) {
    if (out != NULL)
        *out = NULL;
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(law->context, out);
    ICL_CHECK_RANGE(law->context, context, 0, INT64_C(1) << 31);
    ICL_CHECK_REAL(law->context, noise, 0);
    ICL_TRY(icl_law_share(law, out));
    (*out)->examples = context;
    set_fixed_noise(*out, noise, sqrt(noise));
    return ICL_OK;
}

int64_t icl_law_dim(const icl_law *law) {
    return law != NULL ? law->dim : 0;
}

int64_t icl_law_context(const icl_law *law) {
    return law != NULL ? law->examples : 0;
}

double icl_law_noise(const icl_law *law) {
    return law != NULL ? law->noise : 0;
}

icl_labels icl_law_labels(const icl_law *law) {
    return law != NULL ? law->labels : ICL_LABELS_LINEAR;
}

icl_covariates icl_law_covariates(const icl_law *law) {
    return law != NULL ? law->covariates : ICL_COVARIATES_GAUSSIAN;
}

const double *icl_law_covariance(const icl_law *law) {
    return law != NULL ? law->covariance : NULL;
}

const double *icl_law_prior(const icl_law *law) {
    return law != NULL ? law->prior : NULL;
}

const double *icl_law_prior_mean(const icl_law *law) {
    return law != NULL ? law->mean : NULL;
}

void icl_root_apply(const icl_root *root, int64_t dim, const double *z, double *out) {
    for (int64_t i = 0; i < dim; i++) {
        if (root->dense == NULL) {
            out[i] = root->diagonal != NULL ? root->diagonal[i] * z[i] : z[i];
            continue;
        }
        double sum = 0;
        for (int64_t k = 0; k < dim; k++)
            sum += root->dense[i * dim + k] * z[k];
        out[i] = sum;
    }
}
