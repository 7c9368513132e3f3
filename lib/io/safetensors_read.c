#include "io/safetensors_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- life ---- */

static icl_status create(icl_context *context, const char *function, const char *path, int64_t size,
                         icl_safetensors **out) {
    ICL_TRY(icl_safetensors_check_machine(context, function));
    ICL_TRY(ICL_NEW(context, out, 1));
    (*out)->context = icl_context_retain(context);
    (*out)->function = function;
    (*out)->size = size;
    icl_excerpt(path, (*out)->path);
    return ICL_OK;
}

void icl_safetensors_free(icl_safetensors *file) {
    if (file == NULL)
        return;
    icl_context *context = file->context;
    json_decref(file->header);
    icl_dealloc(context, file->moved);
    icl_dealloc(context, file->tensors);
    icl_dealloc(context, file->texts);
    icl_dealloc(context, file->bytes);
    icl_dealloc(context, file);
    icl_context_free(context);
}

/* Checks the length of the header before it asks for the memory of the rest. */
static icl_status read_bytes(icl_safetensors *file, const char *path, int descriptor) {
    unsigned char first[ICL_LENGTH_BYTES] = {0};
    int64_t length = 0, have = file->size < ICL_LENGTH_BYTES ? file->size : ICL_LENGTH_BYTES;
    ICL_TRY(icl_file_read(file->context, file->function, path, descriptor, first, have));
    ICL_TRY(icl_safetensors_header_length(file, first, &length));
    ICL_TRY(ICL_NEW(file->context, &file->bytes, file->size));
    memcpy(file->bytes, first, ICL_LENGTH_BYTES);
    return icl_file_read(file->context, file->function, path, descriptor,
                         file->bytes + ICL_LENGTH_BYTES, file->size - ICL_LENGTH_BYTES);
}

icl_status icl_safetensors_load(icl_context *context, const char *function, const char *path,
                                int need_checksum, icl_safetensors **out) {
    *out = NULL;
    ICL_REQUIRE(context, path != NULL, ICL_ERR_ARGUMENT, "%s: path is NULL", function);
    int descriptor;
    int64_t size;
    ICL_TRY(icl_file_open(context, function, path, &descriptor, &size));
    icl_safetensors *file = NULL;
    icl_status status = create(context, function, path, size, &file);
    if (status == ICL_OK)
        status = read_bytes(file, path, descriptor);
    close(descriptor);
    if (status == ICL_OK)
        status = icl_safetensors_examine(file, need_checksum);
    if (status != ICL_OK) {
        icl_safetensors_free(file);
        return status;
    }
    *out = file;
    return ICL_OK;
}

icl_status icl_safetensors_parse(icl_context *context, const char *function, const char *path,
                                 const void *bytes, int64_t size, int need_checksum,
                                 icl_safetensors **out) {
    *out = NULL;
    icl_safetensors *file;
    ICL_TRY(create(context, function, path, size, &file));
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &file->bytes, size), fail);
    if (size > 0)
        memcpy(file->bytes, bytes, (size_t)size);
    ICL_TRY_GOTO(icl_safetensors_examine(file, need_checksum), fail);
    *out = file;
    return ICL_OK;
fail:
    icl_safetensors_free(file);
    return status;
}

/* ---- contents ---- */

const icl_safetensor *icl_safetensors_tensors(const icl_safetensors *file, int64_t *count) {
    *count = file->count;
    return file->tensors;
}

const icl_text_pair *icl_safetensors_texts(const icl_safetensors *file, int64_t *pairs) {
    *pairs = file->pairs;
    return file->texts;
}

const icl_safetensor *icl_safetensors_find(const icl_safetensors *file, const char *name) {
    for (int64_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

const char *icl_safetensors_find_text(const icl_safetensors *file, const char *key) {
    for (int64_t i = 0; i < file->pairs; i++)
        if (strcmp(file->texts[i].key, key) == 0)
            return file->texts[i].text;
    return NULL;
}

icl_status icl_safetensors_get(const icl_safetensors *file, const char *function, const char *name,
                               icl_dtype dtype, int64_t rank, const int64_t *shape,
                               const void **data) {
    char copy[ICL_EXCERPT], wanted[ICL_SHAPE_TEXT], found[ICL_SHAPE_TEXT];
    const icl_safetensor *t = icl_safetensors_find(file, name);
    icl_excerpt(name, copy);
    icl_shape_text(dtype, rank, shape, wanted);
    ICL_REQUIRE(file->context, t != NULL, ICL_ERR_MISSING,
                "%s: \"%s\" has no tensor \"%s\", wanted as %s", function, file->path, copy,
                wanted);
    int same = t->dtype == dtype && t->rank == rank &&
               (rank == 0 || memcmp(t->shape, shape, (size_t)rank * sizeof *shape) == 0);
    ICL_REQUIRE(file->context, same, ICL_ERR_SHAPE, "%s: \"%s\": tensor \"%s\" is %s, wanted %s",
                function, file->path, copy, icl_shape_text(t->dtype, t->rank, t->shape, found),
                wanted);
    *data = t->data;
    return ICL_OK;
}

icl_status icl_safetensors_get_text(const icl_safetensors *file, const char *function,
                                    const char *key, const char **text) {
    char copy[ICL_EXCERPT];
    const char *found = icl_safetensors_find_text(file, key);
    ICL_REQUIRE(file->context, found != NULL, ICL_ERR_MISSING, "%s: \"%s\" has no text \"%s\"",
                function, file->path, icl_excerpt(key, copy));
    *text = found;
    return ICL_OK;
}
