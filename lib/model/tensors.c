/* The table of a model's tensors: their names and places, their values and masks. */
#include <stdio.h>
#include <string.h>

#include "model/parameters.h"

enum { NAME = 40 };

/* ---- the table ---- */

static int64_t layer_size(const icl_model *model) {
    int64_t square = model->token * model->token;
    return (2 * model->heads + (model->shape.residual ? 1 : 0)) * square;
}

int64_t icl_model_head_offset(const icl_model *model, int64_t layer, int64_t head) {
    return layer * layer_size(model) + 2 * head * model->token * model->token;
}

int64_t icl_model_residual_offset(const icl_model *model, int64_t layer) {
    return icl_model_head_offset(model, layer, model->heads);
}

int64_t icl_model_guess_offset(const icl_model *model) {
    return model->stored * layer_size(model);
}

/* The name: what, then the layer and the head where there are several; < 0 for none. */
static void add(icl_model *model, const char *what, int64_t layer, int64_t head, int64_t rows,
                int64_t cols) {
    char *name = model->names + NAME * model->tensors;
    int used = snprintf(name, NAME, "%s", what);
    if (layer >= 0 && model->stored > 1)
        used += snprintf(name + used, (size_t)(NAME - used), ".layer%lld", (long long)layer);
    if (head >= 0 && model->heads > 1)
        snprintf(name + used, (size_t)(NAME - used), ".head%lld", (long long)head);
    model->table[model->tensors++] = (icl_tensor){name, rows, cols, model->count};
    model->count += rows * cols;
}

static void fill_kqv(icl_model *model) {
    int64_t D = model->token, s = model->width;
    add(model, "W_K", -1, -1, s, D);
    add(model, "W_Q", -1, -1, s, D);
    add(model, "W_V", -1, -1, s, D);
    add(model, "h", -1, -1, s, 1);
}

static void fill_matrices(icl_model *model) {
    int64_t D = model->token;
    int pq = model->parametrisation == ICL_PARAMETRISATION_PQ;
    for (int64_t l = 0; l < model->stored; l++) {
        for (int64_t h = 0; h < model->heads; h++) {
            add(model, pq ? "P" : "W_PV", l, h, D, D);
            add(model, pq ? "Q" : "W_KQ", l, h, D, D);
        }
        if (model->shape.residual)
            add(model, "R", l, -1, D, D);
    }
    if (model->shape.guess)
        add(model, "guess", -1, -1, 1, model->dim);
}

static void mark_trained(icl_model *model) {
    memset(model->trained, 1, (size_t)model->count);
    if (model->parametrisation == ICL_PARAMETRISATION_KQV)
        return;
    int64_t D = model->token;
    double fixed;
    for (int64_t l = 0; l < model->stored; l++)
        for (int64_t k = 0; k < 2 * model->heads; k++) {
            uint8_t *mask = model->trained + icl_model_head_offset(model, l, 0) + k * D * D;
            for (int64_t e = 0; e < D * D; e++)
                mask[e] = (uint8_t)icl_model_form_entry(model, k % 2 == 0, e / D, e % D, &fixed);
        }
}

icl_status icl_model_make(icl_context *context, const icl_model_options *shape, icl_model **out) {
    icl_model *model;
    ICL_TRY(ICL_NEW(context, &model, 1));
    model->context = icl_context_retain(context);
    model->shape = *shape;
    int kqv = shape->parametrisation == ICL_PARAMETRISATION_KQV;
    model->dim = shape->dim;
    model->token = model->shape.token = shape->token > 0 ? shape->token : shape->dim + 1;
    model->layers = shape->layers;
    model->heads = shape->heads;
    model->stored = shape->looped ? 1 : shape->layers;
    model->parametrisation = shape->parametrisation;
    model->width = model->shape.width = kqv && shape->width > 0 ? shape->width : model->token;
    model->sign = shape->sign;
    int64_t tensors = kqv ? 4 : icl_product(model->stored, 2 * model->heads + 1, 1) + 1;
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &model->table, tensors), fail);
    ICL_TRY_GOTO(ICL_NEW(context, &model->names, icl_product(tensors, NAME, 1)), fail);
    if (kqv)
        fill_kqv(model);
    else
        fill_matrices(model);
    ICL_TRY_GOTO(ICL_NEW(context, &model->parameters, model->count), fail);
    ICL_TRY_GOTO(ICL_NEW(context, &model->trained, model->count), fail);
    mark_trained(model);
    *out = model;
    return ICL_OK;
fail:
    icl_model_free(model);
    return status;
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

/* As many names as fit, then "...". */
static void list_names(const icl_model *model, char *known, size_t size) {
    size_t used = 0;
    for (int64_t i = 0; i < model->tensors; i++) {
        const char *name = model->table[i].name;
        int fits = used + strlen(name) + 6 < size;
        used += (size_t)snprintf(known + used, size - used, " %s", fits ? name : "...");
        if (!fits)
            return;
    }
}

static icl_status find(const icl_model *model, const char *function, const char *name,
                       const icl_tensor **out) {
    ICL_REQUIRE(model->context, name != NULL, ICL_ERR_ARGUMENT, "%s: name is NULL", function);
    for (int64_t i = 0; i < model->tensors; i++)
        if (strcmp(model->table[i].name, name) == 0) {
            *out = &model->table[i];
            return ICL_OK;
        }
    char known[128];
    list_names(model, known, sizeof known);
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
        ICL_REQUIRE(model->context, mask[i] <= 1, ICL_ERR_ARGUMENT,
                    "%s: mask[%lld] = %d, must be 0 or 1", __func__, (long long)i, (int)mask[i]);
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
