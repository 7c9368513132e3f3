/* Life of a model, its table of tensors, its parameters. */
#include "model/parameters.h"

#include <string.h>

static const icl_model_options default_options = {
    .size = sizeof(icl_model_options), .dim = 5, .sign = 1, .init_scale = 0.1};

icl_status icl_model_options_init(icl_model_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* ---- life ---- */

static void add_tensor(icl_model *model, const char *name, int64_t rows, int64_t cols) {
    model->table[model->tensors++] = (icl_tensor){name, rows, cols, model->count};
    model->count += rows * cols;
}

static void fill_table(icl_model *model) {
    int64_t D = model->dim + 1, s = model->width;
    switch (model->parametrisation) {
    case ICL_PARAMETRISATION_PVKQ:
        add_tensor(model, "W_PV", D, D);
        add_tensor(model, "W_KQ", D, D);
        break;
    case ICL_PARAMETRISATION_KQV:
        add_tensor(model, "W_K", s, D);
        add_tensor(model, "W_Q", s, D);
        add_tensor(model, "W_V", s, D);
        add_tensor(model, "h", s, 1);
        break;
    default:
        add_tensor(model, "P", D, D);
        add_tensor(model, "Q", D, D);
    }
}

/* An empty model of that shape. */
static icl_status make(icl_context *context, int64_t dim, icl_parametrisation parametrisation,
                       int64_t width, int sign, icl_model **out) {
    icl_model *model;
    ICL_TRY(ICL_NEW(context, &model, 1));
    model->context = icl_context_retain(context);
    model->dim = dim;
    model->parametrisation = parametrisation;
    model->width = parametrisation == ICL_PARAMETRISATION_KQV && width > 0 ? width : dim + 1;
    model->sign = sign;
    fill_table(model);
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &model->parameters, model->count), fail);
    ICL_TRY_GOTO(ICL_NEW(context, &model->trained, model->count), fail);
    memset(model->trained, 1, (size_t)model->count);
    *out = model;
    return ICL_OK;
fail:
    icl_model_free(model);
    return status;
}

/* Far below where the square of a start overflows. */
static icl_status check_scale(const icl_context *context, const char *function, const char *name,
                              double scale) {
    ICL_TRY(icl_check_real(context, function, name, scale, 1));
    ICL_REQUIRE(context, scale <= 1e100, ICL_ERR_ARGUMENT, "%s: %s = %g, must be at most 1e100",
                function, name, scale);
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
    return icl_check_seed(context, function, "seed", o->seed);
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
    ICL_TRY(make(context, o.dim, o.parametrisation, o.width, o.sign, &model));
    icl_status status = icl_model_start(model, o.init, o.init_scale, o.seed);
    if (status != ICL_OK) {
        icl_model_free(model);
        return status;
    }
    *out = model;
    return ICL_OK;
}

icl_status icl_model_make_like(const icl_model *model, icl_parametrisation parametrisation,
                               int64_t width, icl_model **out) {
    return make(model->context, model->dim, parametrisation, width, model->sign, out);
}

void icl_model_free(icl_model *model) {
    if (model == NULL)
        return;
    icl_context *context = model->context;
    icl_dealloc(context, model->parameters);
    icl_dealloc(context, model->trained);
    icl_dealloc(context, model);
    icl_context_free(context);
}

icl_status icl_model_clone(const icl_model *model, icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, out);
    icl_model *copy;
    ICL_TRY(icl_model_make_like(model, model->parametrisation, model->width, &copy));
    memcpy(copy->parameters, model->parameters, (size_t)model->count * sizeof(double));
    memcpy(copy->trained, model->trained, (size_t)model->count);
    *out = copy;
    return ICL_OK;
}

icl_status icl_model_initialise(icl_model *model, icl_init init, double scale, uint64_t seed) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(model->context, init, 0, ICL_INIT_ZERO);
    ICL_TRY(check_scale(model->context, __func__, "scale", scale));
    ICL_TRY(icl_check_seed(model->context, __func__, "seed", seed));
    return icl_model_start(model, init, scale, seed);
}

/* ---- the table ---- */

int64_t icl_model_dim(const icl_model *model) {
    return model != NULL ? model->dim : 0;
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

int64_t icl_model_tensor_count(const icl_model *model) {
    return model != NULL ? model->tensors : 0;
}

icl_status icl_model_tensor(const icl_model *model, int64_t index, icl_tensor *out) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_RANGE(model->context, index, 0, model->tensors - 1);
    ICL_REQUIRE_POINTER(model->context, out);
    *out = model->table[index];
    return ICL_OK;
}

static icl_status find(const icl_model *model, const char *function, const char *name,
                       const icl_tensor **out) {
    ICL_REQUIRE(model->context, name != NULL, ICL_ERR_ARGUMENT, "%s: name is NULL", function);
    char known[64] = "";
    for (int64_t i = 0; i < model->tensors; i++) {
        if (strcmp(model->table[i].name, name) == 0) {
            *out = &model->table[i];
            return ICL_OK;
        }
        strcat(strcat(known, " "), model->table[i].name);
    }
    return icl_fail(model->context, ICL_ERR_MISSING,
                    "%s: name = \"%.64s\": the tensors of this model are%s", function, name, known);
}

icl_status icl_model_find(const icl_model *model, const char *name, icl_tensor *out) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_tensor *tensor;
    ICL_REQUIRE_POINTER(model->context, out);
    ICL_TRY(find(model, __func__, name, &tensor));
    *out = *tensor;
    return ICL_OK;
}

/* ---- parameters ---- */

const double *icl_model_parameters(const icl_model *model) {
    return model != NULL ? model->parameters : NULL;
}

icl_status icl_model_set_parameters(icl_model *model, const double *parameters) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_CHECK_ARRAY(model->context, parameters, model->count);
    memmove(model->parameters, parameters, (size_t)model->count * sizeof *parameters);
    return ICL_OK;
}

icl_status icl_model_set(icl_model *model, const char *name, const double *values) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_tensor *tensor;
    ICL_TRY(find(model, __func__, name, &tensor));
    int64_t count = tensor->rows * tensor->cols;
    ICL_CHECK_ARRAY(model->context, values, count);
    memmove(model->parameters + tensor->offset, values, (size_t)count * sizeof *values);
    return ICL_OK;
}

icl_status icl_model_get(const icl_model *model, const char *name, double *values) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_tensor *tensor;
    ICL_TRY(find(model, __func__, name, &tensor));
    ICL_REQUIRE_POINTER(model->context, values);
    memcpy(values, model->parameters + tensor->offset,
           (size_t)(tensor->rows * tensor->cols) * sizeof *values);
    return ICL_OK;
}

icl_status icl_model_set_trained(icl_model *model, const char *name, const uint8_t *mask) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_tensor *tensor;
    ICL_TRY(find(model, __func__, name, &tensor));
    ICL_REQUIRE_POINTER(model->context, mask);
    int64_t count = tensor->rows * tensor->cols;
    for (int64_t i = 0; i < count; i++)
        ICL_REQUIRE(model->context, mask[i] <= 1, ICL_ERR_ARGUMENT, "%s: mask[%lld] = %d, must be 0 or 1",
                    __func__, (long long)i, (int)mask[i]);
    memcpy(model->trained + tensor->offset, mask, (size_t)count);
    return ICL_OK;
}

icl_status icl_model_get_trained(const icl_model *model, const char *name, uint8_t *mask) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_tensor *tensor;
    ICL_TRY(find(model, __func__, name, &tensor));
    ICL_REQUIRE_POINTER(model->context, mask);
    memcpy(mask, model->trained + tensor->offset, (size_t)(tensor->rows * tensor->cols));
    return ICL_OK;
}
