#include "task/law.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

static const icl_law_options default_options = {.size = sizeof(icl_law_options),
                                                .dim = 5,
                                                .context = 20,
                                                .hidden = 4,
                                                .sparsity = 3,
                                                .freedom = 5,
                                                .scale_shape = 1,
                                                .amplitude_least = 0.1,
                                                .amplitude_most = 0.5,
                                                .query_scale = 1,
                                                .depth = 4,
                                                .terms = 64,
                                                .decay = 3,
                                                .bandwidth = 1};

icl_status icl_law_options_init(icl_law_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

static int labels_signed(const icl_law_options *o) {
    return o->labels == ICL_LABELS_RELU || (o->labels == ICL_LABELS_CALLBACK && !o->label_odd);
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
    ICL_TRY(icl_law_check_options(context, &o));
    icl_law *law;
    double *room = NULL;
    ICL_TRY(ICL_NEW(context, &law, 1));
    law->context = icl_context_retain(context);
    law->dim = law->active = o.dim;
    law->examples = o.context;
    law->covariates = o.covariates;
    law->freedom = o.freedom;
    law->scale = o.scale;
    law->scale_shape = o.scale_shape;
    law->activation = o.activation;
    law->amplitude_least = o.amplitude_least;
    law->amplitude_most = o.amplitude_most;
    law->labels = o.labels;
    law->depth = o.depth;
    law->terms = o.terms;
    law->basis = o.basis;
    law->kernel = o.kernel;
    law->bandwidth = o.bandwidth;
    law->tasks = o.tasks;
    law->sparsity = o.sparsity;
    law->hidden = o.hidden;
    law->label_fn = o.label_fn;
    law->label_user = o.label_user;
    law->signed_labels = labels_signed(&o);
    law->queries = o.queries;
    law->query_scale = o.queries == ICL_QUERIES_SCALED ? o.query_scale : 1;
    icl_status status;
    ICL_TRY_GOTO(icl_alloc(context, 1, sizeof *law->references, (void **)&law->references), fail);
    atomic_init(law->references, 1);
    int64_t matrices = icl_law_block_size(&o);
    int64_t levels = o.noise_law == ICL_NOISE_SET ? o.noise_count : 0;
    ICL_TRY_GOTO(ICL_NEW(context, &law->block, matrices + levels), fail);
    set_noise(law, &o, law->block + matrices);
    ICL_TRY_GOTO(ICL_NEW(context, &room, 2 * o.dim * o.dim + o.dim), fail);
    ICL_TRY_GOTO(icl_law_build(law, &o, room), fail);
    status = icl_law_check_queries(law, __func__);
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
    icl_law changed = *law;
    changed.examples = context;
    set_fixed_noise(&changed, noise, sqrt(noise));
    ICL_TRY(icl_law_check_queries(&changed, __func__));
    return icl_law_share(&changed, out);
}

icl_status icl_law_with_queries(const icl_law *law, icl_queries queries, double scale,
                                icl_law **out) {
    if (out != NULL)
        *out = NULL;
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(law->context, out);
    icl_law changed = *law;
    changed.queries = queries;
    changed.query_scale = queries == ICL_QUERIES_SCALED ? scale : 1;
    ICL_TRY(icl_law_check_queries(&changed, __func__));
    return icl_law_share(&changed, out);
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

icl_queries icl_law_queries(const icl_law *law) {
    return law != NULL ? law->queries : ICL_QUERIES_LAW;
}

double icl_law_query_scale(const icl_law *law) {
    return law != NULL ? law->query_scale : 1;
}

int64_t icl_law_pool_count(const icl_law *law) {
    return law != NULL ? law->pool_count : 0;
}

const double *icl_law_pool(const icl_law *law) {
    return law != NULL ? law->pool : NULL;
}

icl_tasks icl_law_tasks(const icl_law *law) {
    return law != NULL ? law->tasks : ICL_TASKS_GAUSSIAN;
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
