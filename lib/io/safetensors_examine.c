/* Nothing in the bytes is believed: the header's length, its JSON, every type, shape and place,
 * that the places cover the data once, and the checksum are verified before a pointer is given out.
 */
#include "io/safetensors_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of the data that a tensor takes. */
typedef struct span {
    int64_t begin, end;
    int64_t index; /* of the tensor */
} span;

static icl_status damaged(const icl_safetensors *file, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

static icl_status damaged(const icl_safetensors *file, const char *format, ...) {
    char text[320];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return icl_fail(file->context, ICL_ERR_FORMAT, "%s: \"%s\": %s", file->function, file->path,
                    text);
}

#define REQUIRE(file, condition, ...)                                                              \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return damaged((file), __VA_ARGS__);                                                   \
    } while (0)

/* ---- header ---- */

icl_status icl_safetensors_header_length(const icl_safetensors *file, const unsigned char *bytes,
                                         int64_t *length) {
    REQUIRE(file, file->size >= ICL_LENGTH_BYTES,
            "cut short: it has %lld bytes, a safetensors file at least %d", (long long)file->size,
            ICL_LENGTH_BYTES);
    uint64_t stated = 0;
    for (int i = ICL_LENGTH_BYTES; i-- > 0;)
        stated = stated << 8 | bytes[i];
    REQUIRE(file, stated <= ICL_HEADER_MOST,
            "no safetensors file: its first bytes would mean a header of %llu bytes",
            (unsigned long long)stated);
    REQUIRE(file, (int64_t)stated <= file->size - ICL_LENGTH_BYTES,
            "cut short, or no safetensors file: it has %lld bytes, and the header would have %lld",
            (long long)file->size, (long long)stated);
    *length = (int64_t)stated;
    return ICL_OK;
}

static icl_status parse_header(icl_safetensors *file) {
    int64_t length = 0;
    ICL_TRY(icl_safetensors_header_length(file, file->bytes, &length));
    const char *json = (const char *)file->bytes + ICL_LENGTH_BYTES;
    file->start = ICL_LENGTH_BYTES + length;
    REQUIRE(file, length > 0 && json[0] == '{', "the header does not begin with {");
    json_error_t error;
    file->header = json_loadb(json, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (file->header != NULL)
        return ICL_OK;
    char copy[ICL_EXCERPT];
    /* jansson says nothing where it has no memory */
    ICL_REQUIRE(file->context, error.text[0] != '\0', ICL_ERR_NOMEM,
                "%s: no memory for the header of \"%s\"", file->function, file->path);
    return damaged(file, "the header is not valid JSON at byte %d: %s",
                   ICL_LENGTH_BYTES + error.position, icl_excerpt(error.text, copy));
}

static icl_status read_texts(icl_safetensors *file) {
    const char *key;
    json_t *value, *texts = json_object_get(file->header, ICL_METADATA_NAME);
    if (texts == NULL)
        return ICL_OK;
    char copy[ICL_EXCERPT];
    REQUIRE(file, json_is_object(texts), ICL_METADATA_NAME " is no JSON object");
    ICL_TRY(ICL_NEW(file->context, &file->texts, json_object_size(texts)));
    json_object_foreach(texts, key, value) {
        REQUIRE(file, json_is_string(value), ICL_METADATA_NAME ": \"%s\" is no string",
                icl_excerpt(key, copy));
        file->texts[file->pairs++] = (icl_text_pair){key, json_string_value(value)};
    }
    return ICL_OK;
}

/* ---- tensors ---- */

static int find_dtype(const char *name, icl_dtype *dtype) {
    const char *known;
    for (int i = 0; (known = icl_dtype_name((icl_dtype)i)) != NULL; i++)
        if (strcmp(known, name) == 0) {
            *dtype = (icl_dtype)i;
            return 1;
        }
    return 0;
}

/* An array of at most `most` integers >= 0. */
static int read_sizes(const json_t *array, size_t most, int64_t *sizes, int64_t *count) {
    if (!json_is_array(array) || json_array_size(array) > most)
        return 0;
    *count = (int64_t)json_array_size(array);
    for (int64_t i = 0; i < *count; i++) {
        const json_t *size = json_array_get(array, (size_t)i);
        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return 0;
        sizes[i] = json_integer_value(size);
    }
    return 1;
}

static icl_status read_tensor(icl_safetensors *file, const json_t *entry, icl_safetensor *t,
                              span *place) {
    char copy[ICL_EXCERPT], type[ICL_EXCERPT], shape[ICL_SHAPE_TEXT];
    const char *name = icl_excerpt(t->name, copy);
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    int64_t offsets[2], two = 0;
    REQUIRE(file, json_object_size(entry) == 3 && dtype != NULL,
            "tensor \"%s\" is not made of dtype, shape and data_offsets", name);
    REQUIRE(file, find_dtype(dtype, &t->dtype),
            "tensor \"%s\" has dtype \"%s\"; F64, I64 and U8 are read", name,
            icl_excerpt(dtype, type));
    REQUIRE(file, read_sizes(json_object_get(entry, "shape"), ICL_RANK_MOST, t->shape, &t->rank),
            "tensor \"%s\": shape is not an array of at most %d integers >= 0", name,
            ICL_RANK_MOST);
    REQUIRE(file, read_sizes(json_object_get(entry, "data_offsets"), 2, offsets, &two) && two == 2,
            "tensor \"%s\": data_offsets are not two integers >= 0", name);
    int64_t bytes = icl_safetensor_bytes(t->dtype, t->rank, t->shape);
    icl_shape_text(t->dtype, t->rank, t->shape, shape);
    REQUIRE(file, bytes >= 0, "tensor \"%s\" is %s: too large", name, shape);
    REQUIRE(file, offsets[1] - offsets[0] == bytes,
            "tensor \"%s\" is %s, but its data goes from %lld to %lld", name, shape,
            (long long)offsets[0], (long long)offsets[1]);
    REQUIRE(file, offsets[1] <= file->size - file->start,
            "cut short: tensor \"%s\" ends at byte %lld of %lld of data", name,
            (long long)offsets[1], (long long)(file->size - file->start));
    *place = (span){offsets[0], offsets[1], place->index};
    t->data = file->bytes + file->start + offsets[0];
    return ICL_OK;
}

static int by_place(const void *a, const void *b) {
    const span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end); /* an empty tensor stands before its neighbour */
}

/* Sorts the places, and sees that each byte of the data belongs to one tensor. */
static icl_status check_places(const icl_safetensors *file, span *places) {
    char copy[ICL_EXCERPT];
    int64_t end = 0;
    qsort(places, (size_t)file->count, sizeof *places, by_place);
    for (int64_t i = 0; i < file->count; end = places[i++].end)
        REQUIRE(file, places[i].begin == end,
                "tensor \"%s\" begins at byte %lld of the data, what stands before it ends at %lld",
                icl_excerpt(file->tensors[places[i].index].name, copy), (long long)places[i].begin,
                (long long)end);
    REQUIRE(file, end == file->size - file->start, "%lld bytes follow the last tensor",
            (long long)(file->size - file->start - end));
    return ICL_OK;
}

static icl_status read_places(icl_safetensors *file, span *places) {
    const char *name;
    json_t *entry;
    json_object_foreach(file->header, name, entry) {
        if (strcmp(name, ICL_METADATA_NAME) == 0)
            continue;
        icl_safetensor *t = &file->tensors[file->count];
        t->name = name;
        places[file->count].index = file->count;
        ICL_TRY(read_tensor(file, entry, t, &places[file->count]));
        file->count++;
    }
    return check_places(file, places);
}

static icl_status read_tensors(icl_safetensors *file) {
    span *places;
    size_t most = json_object_size(file->header);
    ICL_TRY(ICL_NEW(file->context, &file->tensors, most));
    ICL_TRY(ICL_NEW(file->context, &places, most));
    icl_status status = read_places(file, places);
    icl_dealloc(file->context, places);
    return status;
}

/* ---- version and checksum ---- */

static icl_status check_version(const icl_safetensors *file) {
    char copy[ICL_EXCERPT];
    const char *version = icl_safetensors_find_text(file, ICL_FORMAT_KEY);
    if (version == NULL || strcmp(version, ICL_FORMAT_VERSION) == 0)
        return ICL_OK;
    size_t length = strspn(version, "0123456789");
    REQUIRE(file, length > 0 && version[length] == '\0' && version[0] != '0',
            ICL_FORMAT_KEY " = \"%s\" is no version", icl_excerpt(version, copy));
    return icl_fail(file->context, ICL_ERR_VERSION,
                    "%s: \"%s\" has version %s of the format, this libicl (%s) reads version %s",
                    file->function, file->path, icl_excerpt(version, copy), ICL_VERSION_STRING,
                    ICL_FORMAT_VERSION);
}

static icl_status check_checksum(const icl_safetensors *file, int need) {
    if (icl_safetensors_find_text(file, ICL_FORMAT_KEY) == NULL &&
        icl_safetensors_find_text(file, ICL_CHECKSUM_KEY) == NULL) {
        REQUIRE(file, !need, "it has no %s: libicl did not write it", ICL_CHECKSUM_KEY);
        return ICL_OK;
    }
    const char *bytes = (const char *)file->bytes, *stored = bytes + ICL_CHECKSUM_PLACE;
    REQUIRE(
        file,
        file->start >= ICL_CHECKSUM_PLACE + ICL_CHECKSUM_DIGITS &&
            memcmp(bytes + ICL_LENGTH_BYTES, ICL_HEADER_START, sizeof ICL_HEADER_START - 1) == 0,
        "%s is not where libicl writes it: another program has changed the file", ICL_CHECKSUM_KEY);
    char digits[ICL_CHECKSUM_DIGITS];
    size_t after = ICL_CHECKSUM_PLACE + ICL_CHECKSUM_DIGITS;
    uint64_t hash = icl_fnv(ICL_FNV_START, bytes, ICL_CHECKSUM_PLACE);
    hash = icl_fnv(hash, ICL_CHECKSUM_ZERO, ICL_CHECKSUM_DIGITS);
    icl_fnv_digits(icl_fnv(hash, bytes + after, (size_t)file->size - after), digits);
    REQUIRE(file, memcmp(digits, stored, ICL_CHECKSUM_DIGITS) == 0,
            "damaged: its checksum is %.*s, and %.*s is written in it", ICL_CHECKSUM_DIGITS, digits,
            ICL_CHECKSUM_DIGITS, stored);
    return ICL_OK;
}

/* ---- all of it ---- */

static int is_aligned(const icl_safetensor *t) {
    return (uintptr_t)t->data % (uintptr_t)icl_dtype_size(t->dtype) == 0;
}

/* Copies what other programs did not align. */
static icl_status align(icl_safetensors *file) {
    int64_t used = 0;
    for (int64_t i = 0; i < file->count; i++)
        if (!is_aligned(&file->tensors[i]))
            used += icl_safetensor_bytes(file->tensors[i].dtype, file->tensors[i].rank,
                                         file->tensors[i].shape);
    ICL_TRY(ICL_NEW(file->context, &file->moved, used));
    used = 0;
    for (int64_t i = 0; i < file->count; i++) {
        icl_safetensor *t = &file->tensors[i];
        if (is_aligned(t))
            continue;
        int64_t bytes = icl_safetensor_bytes(t->dtype, t->rank, t->shape);
        t->data = memcpy(file->moved + used, t->data, (size_t)bytes);
        used += bytes;
    }
    return ICL_OK;
}

icl_status icl_safetensors_examine(icl_safetensors *file, int need_checksum) {
    ICL_TRY(parse_header(file));
    ICL_TRY(read_texts(file));
    ICL_TRY(check_version(file)); /* first: a newer version may change all that follows */
    ICL_TRY(read_tensors(file));
    ICL_TRY(check_checksum(file, need_checksum));
    return align(file);
}
