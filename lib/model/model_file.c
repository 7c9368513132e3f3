/* Saving and loading models. */
#include "model/model_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MASKS "libicl.trained"

void icl_model_text(const icl_model *model, char text[ICL_MODEL_TEXT]) {
    const icl_model_options *o = &model->shape;
    snprintf(text, ICL_MODEL_TEXT,
             "dim=%" PRId64 " token=%" PRId64 " layers=%" PRId64 " heads=%" PRId64
             " parametrisation=%d width=%" PRId64 " sign=%d looped=%d residual=%d guess=%d form=%d",
             model->dim, model->token, model->layers, model->heads, (int)model->parametrisation,
             model->width, model->sign, o->looped, o->residual, o->guess, (int)o->form);
}

/* Sees that the file has as many masks as the P and Q that its text claims: nothing is allocated
 * for a size that is not there. */
static icl_status check_claim(icl_context *context, const char *function, const char *path,
                              const icl_model_options *o, const icl_safetensors *file) {
    const icl_safetensor *masks = icl_safetensors_find(file, MASKS);
    ICL_REQUIRE(context, masks != NULL, ICL_ERR_MISSING, "%s: %s has no tensor \"%s\"", function,
                path, MASKS);
    int64_t held = masks->rank == 1 ? masks->shape[0] : 0, stored = o->looped ? 1 : o->layers;
    int64_t D = o->token > o->dim ? o->token : o->dim, width = o->width > 0 ? o->width : o->dim;
    int64_t claimed = o->parametrisation == ICL_PARAMETRISATION_KQV
                          ? icl_product(3, width, o->dim)
                          : icl_product(icl_product(2, o->heads, stored), D, D);
    ICL_REQUIRE(context, claimed <= held, ICL_ERR_SHAPE,
                "%s: %s has %lld masks, fewer than the entries of the model that it says it holds",
                function, path, (long long)held);
    return ICL_OK;
}

/* The shape that a text says, and an empty model of it; a text that no model writes fails. */
static icl_status model_of_text(icl_context *context, const char *function, const char *path,
                                const char *text, const icl_safetensors *file, icl_model **out) {
    icl_model_options o;
    int parametrisation = -1, form = -1;
    ICL_TRY(icl_model_options_init(&o, sizeof o));
    int found = sscanf(text,
                       "dim=%" SCNd64 " token=%" SCNd64 " layers=%" SCNd64 " heads=%" SCNd64
                       " parametrisation=%d width=%" SCNd64
                       " sign=%d looped=%d residual=%d guess=%d form=%d",
                       &o.dim, &o.token, &o.layers, &o.heads, &parametrisation, &o.width, &o.sign,
                       &o.looped, &o.residual, &o.guess, &form);
    ICL_REQUIRE(context, found == 11, ICL_ERR_FORMAT, "%s: %s: \"%.100s\" is no shape of a model",
                function, path, text);
    o.parametrisation = (icl_parametrisation)parametrisation;
    o.form = (icl_form)form;
    ICL_TRY(check_claim(context, function, path, &o, file));
    o.init = ICL_INIT_ZERO;
    if (o.parametrisation != ICL_PARAMETRISATION_KQV)
        o.width = 0;
    else
        o.token = 0;
    icl_status status = icl_model_create(context, &o, out);
    if (status == ICL_ERR_NOMEM)
        return status;
    char again[ICL_MODEL_TEXT] = "";
    if (status == ICL_OK)
        icl_model_text(*out, again);
    if (status == ICL_OK && strcmp(text, again) == 0)
        return ICL_OK;
    icl_model_free(*out);
    *out = NULL;
    return icl_fail(context, ICL_ERR_FORMAT, "%s: %s: \"%.100s\" is no shape of a model", function,
                    path, text);
}

/* ---- tensors ---- */

int64_t icl_model_file_count(const icl_model *model) {
    return model->tensors + 1;
}

void icl_model_file_tensors(const icl_model *model, icl_safetensor *tensors) {
    for (int64_t t = 0; t < model->tensors; t++) {
        const icl_tensor *row = &model->table[t];
        tensors[t] = (icl_safetensor){.name = row->name,
                                      .dtype = ICL_DTYPE_F64,
                                      .rank = 2,
                                      .shape = {row->rows, row->cols},
                                      .data = model->parameters + row->offset};
    }
    tensors[model->tensors] = (icl_safetensor){.name = MASKS,
                                               .dtype = ICL_DTYPE_U8,
                                               .rank = 1,
                                               .shape = {model->count},
                                               .data = model->trained};
}

static icl_status check_masks(const icl_model *model, const char *function, const char *path,
                              const icl_safetensors *file) {
    const void *data;
    ICL_TRY(icl_safetensors_get(file, function, MASKS, ICL_DTYPE_U8, 1,
                                (const int64_t[]){model->count}, &data));
    const uint8_t *masks = data;
    for (int64_t i = 0; i < model->count; i++)
        ICL_REQUIRE(model->context, masks[i] <= 1, ICL_ERR_FORMAT, "%s: %s: %s[%lld] = %d",
                    function, path, MASKS, (long long)i, (int)masks[i]);
    return ICL_OK;
}

icl_status icl_model_file_check(const icl_model *model, const char *function, const char *path,
                                const icl_safetensors *file) {
    char text[ICL_MODEL_TEXT];
    const char *found;
    ICL_TRY(icl_safetensors_get_text(file, function, ICL_MODEL_KEY, &found));
    icl_model_text(model, text);
    ICL_REQUIRE(model->context, strcmp(text, found) == 0, ICL_ERR_SHAPE,
                "%s: %s holds another model: %.200s there, %s here", function, path, found, text);
    for (int64_t t = 0; t < model->tensors; t++) {
        const icl_tensor *row = &model->table[t];
        const void *data;
        ICL_TRY(icl_safetensors_get(file, function, row->name, ICL_DTYPE_F64, 2,
                                    (const int64_t[]){row->rows, row->cols}, &data));
        ICL_TRY(icl_check_array(model->context, function, row->name, data, row->rows * row->cols));
    }
    return check_masks(model, function, path, file);
}

void icl_model_file_copy(icl_model *model, const icl_safetensors *file) {
    for (int64_t t = 0; t < model->tensors; t++) {
        const icl_tensor *row = &model->table[t];
        memcpy(model->parameters + row->offset, icl_safetensors_find(file, row->name)->data,
               (size_t)(row->rows * row->cols) * sizeof(double));
    }
    memcpy(model->trained, icl_safetensors_find(file, MASKS)->data, (size_t)model->count);
}

/* ---- the public functions ---- */

icl_status icl_model_save(const icl_model *model, const char *path) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, path);
    icl_safetensor *tensors;
    char text[ICL_MODEL_TEXT];
    int64_t count = icl_model_file_count(model);
    ICL_TRY(ICL_NEW(model->context, &tensors, count));
    icl_model_file_tensors(model, tensors);
    icl_model_text(model, text);
    icl_status status = icl_safetensors_save(model->context, __func__, path, tensors, count,
                                             &(icl_text_pair){ICL_MODEL_KEY, text}, 1);
    icl_dealloc(model->context, tensors);
    return status;
}

icl_status icl_model_load(icl_context *context, const char *path, icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, path);
    ICL_REQUIRE_POINTER(context, out);
    icl_safetensors *file = NULL;
    icl_model *model = NULL;
    const char *text;
    icl_status status;
    ICL_TRY_GOTO(icl_safetensors_load(context, __func__, path, 0, &file), done);
    ICL_TRY_GOTO(icl_safetensors_get_text(file, __func__, ICL_MODEL_KEY, &text), done);
    ICL_TRY_GOTO(model_of_text(context, __func__, path, text, file, &model), done);
    ICL_TRY_GOTO(icl_model_file_check(model, __func__, path, file), done);
    icl_model_file_copy(model, file);
    *out = model;
    model = NULL;
done:
    icl_model_free(model);
    icl_safetensors_free(file);
    return status;
}
