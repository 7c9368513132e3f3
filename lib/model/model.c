/* Life of a model: its options checked, its shape, its copies. */
#include "model/parameters.h"

#include <string.h>

static const icl_model_options default_options = {.size = sizeof(icl_model_options),
                                                  .dim = 5,
                                                  .sign = 1,
                                                  .init_scale = 0.1,
                                                  .layers = 1,
                                                  .heads = 1};

icl_status icl_model_options_init(icl_model_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* ---- life ---- */

/* Far below where the square of a start overflows. */
static icl_status check_scale(const icl_context *context, const char *function, const char *name,
                              double scale) {
    ICL_TRY(icl_check_real(context, function, name, scale, 1));
    ICL_REQUIRE(context, scale <= 1e100, ICL_ERR_ARGUMENT, "%s: %s = %g, must be at most 1e100",
                function, name, scale);
    return ICL_OK;
}

enum { MAX_LAYERS = 4096, MAX_HEADS = 4096, MAX_TOKEN = 16384 };

static icl_status check_depth(icl_context *context, const icl_model_options *o) {
    const char *function = "icl_model_create";
    ICL_TRY(icl_check_range(context, function, "layers", o->layers, 1, MAX_LAYERS));
    ICL_TRY(icl_check_range(context, function, "heads", o->heads, 1, MAX_HEADS));
    ICL_REQUIRE(context, o->token == 0 || (o->token > o->dim && o->token <= MAX_TOKEN),
                ICL_ERR_ARGUMENT, "%s: token = %lld, must be from dim + 1 = %lld to %d, or 0",
                function, (long long)o->token, (long long)o->dim + 1, MAX_TOKEN);
    ICL_TRY(icl_check_range(context, function, "looped", o->looped, 0, 1));
    ICL_TRY(icl_check_range(context, function, "residual", o->residual, 0, 1));
    ICL_TRY(icl_check_range(context, function, "guess", o->guess, 0, 1));
    ICL_TRY(icl_check_range(context, function, "form", o->form, 0, ICL_FORM_DIAGONAL));
    int64_t D = o->token > 0 ? o->token : o->dim + 1;
    int64_t matrices = (o->looped ? 1 : o->layers) * (2 * o->heads + 1);
    ICL_REQUIRE(context, icl_product(matrices, D, D) <= INT64_C(1) << 40, ICL_ERR_SIZE,
                "%s: layers = %lld, heads = %lld and token = %lld make too many parameters",
                function, (long long)o->layers, (long long)o->heads, (long long)D);
    int single = o->layers == 1 && o->heads == 1 && D == o->dim + 1 && !o->looped && !o->residual &&
                 !o->guess && o->form == ICL_FORM_DENSE;
    ICL_REQUIRE(context, o->parametrisation != ICL_PARAMETRISATION_KQV || single, ICL_ERR_ARGUMENT,
                "%s: KQV is one layer of one head: layers = %lld, heads = %lld, token = %lld, "
                "looped = %d, residual = %d, guess = %d, form = %d",
                function, (long long)o->layers, (long long)o->heads, (long long)o->token, o->looped,
                o->residual, o->guess, (int)o->form);
    return ICL_OK;
}

static icl_status check_options(icl_context *context, const icl_model_options *o) {
    const char *function = "icl_model_create";
    ICL_TRY(icl_check_range(context, function, "dim", o->dim, 1, 4096));
    ICL_TRY(icl_check_range(context, function, "parametrisation", o->parametrisation, 0,
                            ICL_PARAMETRISATION_KQV));
    ICL_TRY(icl_check_range(context, function, "width", o->width, 0, 65536));
    ICL_REQUIRE(context, o->width == 0 || o->parametrisation == ICL_PARAMETRISATION_KQV,
                ICL_ERR_ARGUMENT, "%s: width = %lld: only KQV has an inner width", function,
                (long long)o->width);
    ICL_REQUIRE(context, o->sign == 1 || o->sign == -1, ICL_ERR_ARGUMENT,
                "%s: sign = %d, must be 1 or -1", function, o->sign);
    ICL_TRY(icl_check_range(context, function, "init", o->init, 0, ICL_INIT_ZERO));
    ICL_TRY(check_scale(context, function, "init_scale", o->init_scale));
    ICL_TRY(icl_check_seed(context, function, "seed", o->seed));
    return check_depth(context, o);
}

icl_status icl_model_create(icl_context *context, const icl_model_options *options,
                            icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    icl_model_options o = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    ICL_TRY(check_options(context, &o));
    icl_model *model;
    ICL_TRY(icl_model_make(context, &o, &model));
    icl_status status = icl_model_start(model, o.init, o.init_scale, o.seed);
    if (status != ICL_OK) {
        icl_model_free(model);
        return status;
    }
    *out = model;
    return ICL_OK;
}

void icl_model_free(icl_model *model) {
    if (model == NULL)
        return;
    icl_context *context = model->context;
    icl_dealloc(context, model->table);
    icl_dealloc(context, model->names);
    icl_dealloc(context, model->parameters);
    icl_dealloc(context, model->trained);
    icl_dealloc(context, model);
    icl_context_free(context);
}

/* Another depth takes the weights of the layers that both have, and what comes after all layers. */
static void copy_layers(const icl_model *from, icl_model *to) {
    int64_t shared = from->stored < to->stored ? from->stored : to->stored;
    int kqv = from->parametrisation == ICL_PARAMETRISATION_KQV;
    int64_t head = kqv ? from->count : icl_model_head_offset(from, shared, 0);
    memcpy(to->parameters, from->parameters, (size_t)head * sizeof(double));
    memcpy(to->trained, from->trained, (size_t)head);
    if (kqv)
        return;
    int64_t there = icl_model_guess_offset(from), here = icl_model_guess_offset(to);
    memcpy(to->parameters + here, from->parameters + there,
           (size_t)(to->count - here) * sizeof(double));
    memcpy(to->trained + here, from->trained + there, (size_t)(to->count - here));
}

static icl_status copy_model(const icl_model *model, int64_t layers, icl_model **out) {
    icl_model_options shape = model->shape;
    shape.layers = layers;
    ICL_TRY(icl_model_make(model->context, &shape, out));
    copy_layers(model, *out);
    return ICL_OK;
}

icl_status icl_model_clone(const icl_model *model, icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, out);
    return copy_model(model, model->layers, out);
}

icl_status icl_model_with_layers(const icl_model *model, int64_t layers, icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, out);
    ICL_CHECK_RANGE(model->context, layers, 1, model->shape.looped ? MAX_LAYERS : model->layers);
    return copy_model(model, layers, out);
}

icl_status icl_model_initialise(icl_model *model, icl_init init, double scale, uint64_t seed) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(model->context, init, 0, ICL_INIT_ZERO);
    ICL_TRY(check_scale(model->context, __func__, "scale", scale));
    ICL_TRY(icl_check_seed(model->context, __func__, "seed", seed));
    return icl_model_start(model, init, scale, seed);
}

int64_t icl_model_dim(const icl_model *model) {
    return model != NULL ? model->dim : 0;
}

int64_t icl_model_token(const icl_model *model) {
    return model != NULL ? model->token : 0;
}

int64_t icl_model_layers(const icl_model *model) {
    return model != NULL ? model->layers : 0;
}

int64_t icl_model_heads(const icl_model *model) {
    return model != NULL ? model->heads : 0;
}

int icl_model_looped(const icl_model *model) {
    return model != NULL ? model->shape.looped : 0;
}

int64_t icl_model_width(const icl_model *model) {
    return model != NULL ? model->width : 0;
}

int icl_model_sign(const icl_model *model) {
    return model != NULL ? model->sign : 0;
}

icl_parametrisation icl_model_parametrisation(const icl_model *model) {
    return model != NULL ? model->parametrisation : ICL_PARAMETRISATION_PQ;
}

int64_t icl_model_parameter_count(const icl_model *model) {
    return model != NULL ? model->count : 0;
}
