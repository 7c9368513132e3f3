#include "io/safetensors_file.h"

#include <string.h>

typedef struct writer {
    const icl_context *context;
    const char *function;
    const char *path;
    const icl_safetensor *tensors;
    int64_t count;
    const icl_text_pair *texts;
    int64_t pairs;
    int64_t *begin;    /* where each tensor begins in the data */
    json_t *root;      /* the header */
    char *header;      /* with its length before it */
    icl_bytes *pieces; /* of the file: the header, then the tensors as they stand in the data */
} writer;

/* ---- checks ---- */

/* Length of the UTF-8 sequence at s; 0 if it is none, or longer than it need be, or a surrogate. */
static int sequence_length(const unsigned char *s) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (*s < 0x80)
        return 1;
    if (*s < 0xc0 || *s > 0xf7)
        return 0;
    int length = *s >= 0xf0 ? 4 : *s >= 0xe0 ? 3 : 2;
    uint32_t code = *s & (0x7fu >> length);
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3f);
    }
    int legal = code >= least[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return legal ? length : 0;
}

static icl_status check_text(const writer *w, const char *what, int64_t i, const char *text) {
    char copy[ICL_EXCERPT];
    ICL_REQUIRE(w->context, text != NULL, ICL_ERR_ARGUMENT, "%s: %s %lld is NULL", w->function,
                what, (long long)i);
    const unsigned char *at = (const unsigned char *)text;
    for (int length; *at != '\0'; at += length) {
        length = sequence_length(at);
        ICL_REQUIRE(w->context, length > 0, ICL_ERR_ARGUMENT,
                    "%s: %s %lld = \"%s\" is not UTF-8 at byte %lld", w->function, what,
                    (long long)i, icl_excerpt(text, copy),
                    (long long)(at - (const unsigned char *)text));
    }
    return ICL_OK;
}

static icl_status check_tensor(const writer *w, int64_t i) {
    const icl_safetensor *t = &w->tensors[i];
    char copy[ICL_EXCERPT], shape[ICL_SHAPE_TEXT];
    ICL_TRY(check_text(w, "the name of tensor", i, t->name));
    icl_excerpt(t->name, copy);
    ICL_REQUIRE(w->context, icl_dtype_name(t->dtype) != NULL, ICL_ERR_ARGUMENT,
                "%s: tensor \"%s\": dtype = %d is none of icl_dtype", w->function, copy,
                (int)t->dtype);
    ICL_REQUIRE(w->context, t->rank >= 0 && t->rank <= ICL_RANK_MOST, ICL_ERR_ARGUMENT,
                "%s: tensor \"%s\": rank = %lld, must be from 0 to %d", w->function, copy,
                (long long)t->rank, ICL_RANK_MOST);
    icl_shape_text(t->dtype, t->rank, t->shape, shape);
    for (int64_t k = 0; k < t->rank; k++)
        ICL_REQUIRE(w->context, t->shape[k] >= 0, ICL_ERR_ARGUMENT,
                    "%s: tensor \"%s\" is %s: a negative size", w->function, copy, shape);
    int64_t bytes = icl_safetensor_bytes(t->dtype, t->rank, t->shape);
    ICL_REQUIRE(w->context, bytes >= 0, ICL_ERR_SIZE, "%s: tensor \"%s\" is %s: too large",
                w->function, copy, shape);
    ICL_REQUIRE(w->context, t->data != NULL || bytes == 0, ICL_ERR_ARGUMENT,
                "%s: tensor \"%s\": data is NULL", w->function, copy);
    return ICL_OK;
}

static icl_status check(const writer *w) {
    ICL_REQUIRE(w->context, w->path != NULL, ICL_ERR_ARGUMENT, "%s: path is NULL", w->function);
    ICL_TRY(icl_safetensors_check_machine(w->context, w->function));
    for (int64_t i = 0; i < w->pairs; i++) {
        ICL_TRY(check_text(w, "the key of text", i, w->texts[i].key));
        ICL_TRY(check_text(w, "text", i, w->texts[i].text));
    }
    for (int64_t i = 0; i < w->count; i++)
        ICL_TRY(check_tensor(w, i));
    return ICL_OK;
}

/* ---- layout ---- */

/* Gives the tensors of that element size their place in the data, after *used bytes. */
static icl_status place(writer *w, int64_t element, icl_bytes **piece, int64_t *used) {
    for (int64_t i = 0; i < w->count; i++) {
        const icl_safetensor *t = &w->tensors[i];
        if (icl_dtype_size(t->dtype) != element)
            continue;
        int64_t bytes = icl_safetensor_bytes(t->dtype, t->rank, t->shape);
        w->begin[i] = *used;
        ICL_REQUIRE(w->context, !__builtin_add_overflow(*used, bytes, used), ICL_ERR_SIZE,
                    "%s: the tensors are too large together", w->function);
        *(*piece)++ = (icl_bytes){t->data, (size_t)bytes};
    }
    return ICL_OK;
}

static icl_status place_all(writer *w) {
    int64_t used = 0;
    icl_bytes *piece = w->pieces + 1;
    ICL_TRY(place(w, 8, &piece, &used));
    return place(w, 1, &piece, &used);
}

/* ---- header ---- */

static icl_status no_memory(const writer *w) {
    return icl_fail(w->context, ICL_ERR_NOMEM, "%s: no memory for the header", w->function);
}

/* Takes the value over, whatever happens. */
static icl_status add(const writer *w, json_t *object, const char *key, json_t *value) {
    char copy[ICL_EXCERPT];
    if (json_object_get(object, key) != NULL) {
        json_decref(value);
        return icl_fail(w->context, ICL_ERR_ARGUMENT,
                        "%s: the name or key \"%s\" is given twice, or reserved", w->function,
                        icl_excerpt(key, copy));
    }
    return json_object_set_new_nocheck(object, key, value) == 0 ? ICL_OK : no_memory(w);
}

static icl_status add_texts(const writer *w) {
    json_t *texts = json_object();
    ICL_TRY(add(w, w->root, ICL_METADATA_NAME, texts));
    ICL_TRY(add(w, texts, ICL_FORMAT_KEY, json_string(ICL_FORMAT_VERSION)));
    ICL_TRY(add(w, texts, ICL_CHECKSUM_KEY, json_string(ICL_CHECKSUM_ZERO)));
    for (int64_t i = 0; i < w->pairs; i++)
        ICL_TRY(add(w, texts, w->texts[i].key, json_string(w->texts[i].text)));
    return ICL_OK;
}

/* An array of integers; NULL without memory. */
static json_t *integers(const int64_t *values, int64_t count) {
    json_t *array = json_array();
    for (int64_t i = 0; i < count && array != NULL; i++)
        if (json_array_append_new(array, json_integer(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

static icl_status add_tensor(const writer *w, int64_t i) {
    const icl_safetensor *t = &w->tensors[i];
    int64_t begin = w->begin[i];
    int64_t offsets[2] = {begin, begin + icl_safetensor_bytes(t->dtype, t->rank, t->shape)};
    json_t *entry = json_object();
    ICL_TRY(add(w, w->root, t->name, entry));
    ICL_TRY(add(w, entry, "dtype", json_string(icl_dtype_name(t->dtype))));
    ICL_TRY(add(w, entry, "shape", integers(t->shape, t->rank)));
    return add(w, entry, "data_offsets", integers(offsets, 2));
}

/* The header's JSON, padded with spaces, after its length. */
static icl_status dump(writer *w) {
    size_t length = json_dumpb(w->root, NULL, 0, JSON_COMPACT);
    if (length == 0)
        return no_memory(w);
    size_t padded = (length + 7) & ~(size_t)7;
    ICL_REQUIRE(w->context, padded <= ICL_HEADER_MOST, ICL_ERR_SIZE,
                "%s: names and texts need a header of %zu bytes, the format allows %d", w->function,
                padded, ICL_HEADER_MOST);
    ICL_TRY(ICL_NEW(w->context, &w->header, ICL_LENGTH_BYTES + padded));
    for (int i = 0; i < ICL_LENGTH_BYTES; i++)
        w->header[i] = (char)(padded >> 8 * i & 0xff);
    char *json = w->header + ICL_LENGTH_BYTES;
    memset(json, ' ', padded);
    if (json_dumpb(w->root, json, padded, JSON_COMPACT) != length)
        return no_memory(w);
    w->pieces[0] = (icl_bytes){w->header, ICL_LENGTH_BYTES + padded};
    return ICL_OK;
}

static icl_status make_header(writer *w) {
    w->root = json_object();
    if (w->root == NULL)
        return no_memory(w);
    ICL_TRY(add_texts(w));
    for (int64_t i = 0; i < w->count; i++)
        ICL_TRY(add_tensor(w, i));
    return dump(w);
}

static void add_checksum(writer *w) {
    uint64_t hash = ICL_FNV_START;
    for (int64_t i = 0; i <= w->count; i++)
        hash = icl_fnv(hash, w->pieces[i].at, w->pieces[i].size);
    icl_fnv_digits(hash, w->header + ICL_CHECKSUM_PLACE);
}

icl_status icl_safetensors_save(const icl_context *context, const char *function, const char *path,
                                const icl_safetensor *tensors, int64_t count,
                                const icl_text_pair *texts, int64_t pairs) {
    writer w = {.context = context,
                .function = function,
                .path = path,
                .tensors = tensors,
                .count = count,
                .texts = texts,
                .pairs = pairs};
    ICL_TRY(check(&w));
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &w.begin, count), done);
    ICL_TRY_GOTO(ICL_NEW(context, &w.pieces, count + 1), done);
    ICL_TRY_GOTO(place_all(&w), done);
    ICL_TRY_GOTO(make_header(&w), done);
    add_checksum(&w);
    ICL_TRY_GOTO(icl_file_replace(context, function, path, w.pieces, count + 1), done);
done:
    json_decref(w.root);
    icl_dealloc(context, w.header);
    icl_dealloc(context, w.pieces);
    icl_dealloc(context, w.begin);
    return status;
}
