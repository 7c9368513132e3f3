/* Safetensors files that are cut, changed or made to deceive: always a status with a text. */
#include "support/folder.h"
#include "support/support.h"

#include "io/safetensors.h"

static const char *const caller = "a_function";

/* A small file of libicl, with bytes between numbers, an empty tensor and a text. */
static contents make_file(icl_context *context) {
    const double a[] = {0.5, -2, 3};
    const uint8_t b[] = {1, 2, 3};
    const icl_safetensor tensors[] = {
        {.name = "b", .dtype = ICL_DTYPE_U8, .rank = 1, .shape = {3}, .data = b},
        {.name = "\xce\x93", .dtype = ICL_DTYPE_F64, .rank = 2, .shape = {1, 3}, .data = a},
        {.name = "e", .dtype = ICL_DTYPE_I64, .rank = 1, .shape = {0}, .data = NULL}};
    const icl_text_pair text = {"kind", "model"};
    folder f = make_folder();
    char path[FOLDER_PATH];
    in_folder(&f, "x", path);
    ASSERT_OK(context, icl_safetensors_save(context, caller, path, tensors, 3, &text, 1));
    contents c = read_contents(path);
    REMOVE_FOLDER(&f, "x");
    return c;
}

/* What the reader says to these bytes; a refusal comes with a text and without a file. */
static icl_status read_bytes(icl_context *context, const void *bytes, size_t size,
                             int need_checksum) {
    icl_safetensors *file = (icl_safetensors *)&size;
    /* a copy of its own, so that the sanitizers see every byte beyond the end */
    unsigned char *copy = malloc(size > 0 ? size : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    icl_status status =
        icl_safetensors_parse(context, caller, "dir/x", copy, (int64_t)size, need_checksum, &file);
    free(copy);
    ck_assert_int_eq(status == ICL_OK, file != NULL);
    if (status != ICL_OK) {
        const char *text = icl_context_last_error(context);
        ck_assert_msg(strncmp(text, "a_function: \"dir/x\"", 19) == 0 && strlen(text) > 22,
                      "\"%s\" names no path", text);
        for (const char *c = text; *c != '\0'; c++)
            ck_assert((unsigned char)*c >= ' ' && *c != 0x7f);
    }
    icl_safetensors_free(file);
    return status;
}

/* ---- accidents ---- */

START_TEST(a_file_cut_anywhere_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    contents c = make_file(context);
    ck_assert_int_eq(read_bytes(context, c.bytes, c.size, 1), ICL_OK);
    for (size_t size = 0; size < c.size; size++) {
        ck_assert_int_eq(read_bytes(context, c.bytes, size, 1), ICL_ERR_FORMAT);
        ck_assert_int_eq(read_bytes(context, c.bytes, size, 0), ICL_ERR_FORMAT);
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), "cut short"));
    }
    free(c.bytes);
    icl_context_free(context);
}
END_TEST

START_TEST(a_file_with_more_at_its_end_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    contents c = make_file(context);
    unsigned char *longer = calloc(1, c.size + 20);
    ck_assert_ptr_nonnull(longer);
    memcpy(longer, c.bytes, c.size);
    for (size_t more = 1; more <= 20; more++) {
        ck_assert_int_eq(read_bytes(context, longer, c.size + more, 1), ICL_ERR_FORMAT);
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), "follow the last tensor"));
    }
    free(longer);
    free(c.bytes);
    icl_context_free(context);
}
END_TEST

/* Not even where files without a sum are accepted: no single byte takes both of libicl's texts
 * away. */
START_TEST(every_changed_byte_is_found) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    contents c = make_file(context);
    const unsigned char masks[] = {1, 2, 4, 8, 16, 32, 64, 128, 3, 0x0f, 0x55, 0xaa, 0x5a, 0xff};
    for (size_t i = 0; i < c.size; i++)
        for (size_t m = 0; m < sizeof masks; m++) {
            c.bytes[i] ^= masks[m];
            for (int need = 0; need < 2; need++) {
                icl_status status = read_bytes(context, c.bytes, c.size, need);
                ck_assert_msg(status == ICL_ERR_FORMAT || status == ICL_ERR_VERSION,
                              "byte %zu ^ %x: %s", i, masks[m], icl_status_name(status));
            }
            c.bytes[i] ^= masks[m];
        }
    ck_assert_int_eq(read_bytes(context, c.bytes, c.size, 1), ICL_OK);
    free(c.bytes);
    icl_context_free(context);
}
END_TEST

START_TEST(exchanged_and_zeroed_blocks_are_found) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    contents c = make_file(context);
    unsigned char *bad = malloc(c.size);
    ck_assert_ptr_nonnull(bad);
    for (size_t i = 8; i + 16 <= c.size; i++) {
        memcpy(bad, c.bytes, c.size);
        memset(bad + i, 0, 16);
        ck_assert_int_eq(read_bytes(context, bad, c.size, 1), ICL_ERR_FORMAT);
        memcpy(bad, c.bytes, c.size);
        memcpy(bad + i, c.bytes + i + 8, 8);
        memcpy(bad + i + 8, c.bytes + i, 8);
        if (memcmp(bad, c.bytes, c.size) != 0)
            ck_assert_int_ne(read_bytes(context, bad, c.size, 1), ICL_OK);
    }
    free(bad);
    free(c.bytes);
    icl_context_free(context);
}
END_TEST

/* ---- headers made by hand ---- */

enum { BUFFER = 4096 };

/* The reader on a header and `data` bytes of zeros. */
static icl_status read_header(icl_context *context, const char *header, size_t data) {
    unsigned char file[BUFFER] = {0};
    size_t length = strlen(header);
    ck_assert_uint_le(8 + length + data, BUFFER);
    file[0] = (unsigned char)(length & 0xff);
    file[1] = (unsigned char)(length >> 8);
    memcpy(file + 8, header, length);
    return read_bytes(context, file, 8 + length + data, 0);
}

#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define F64(shape, offsets) ENTRY("F64", shape, offsets)

START_TEST(good_headers_are_read) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const struct {
        const char *header;
        size_t data;
    } cases[] = {
        {"{}", 0},
        {"{}     ", 0},
        {"{\"__metadata__\":{}}", 0},
        {"{\"a\":" F64("[]", "[0,8]") "}", 8},
        {"{\"b\":" F64("[1]", "[8,16]") ",\"a\":" F64("[1]", "[0,8]") "}", 16},
        {"{\"a\":" F64("[0,4]", "[0,0]") ",\"b\":" F64("[1]", "[0,8]") ",\"c\":" F64("[0]",
                                                                                     "[8,8]") "}",
         8},
        {"{\"a\":" F64("[0,576460752303423488]", "[0,0]") "}", 0}, /* 2^59 */
        {"{\"\\u0393\\ud83d\\ude00\":" F64("[1]", "[0,8]") "}", 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(read_header(context, cases[i].header, cases[i].data) == ICL_OK, "%s: %s",
                      cases[i].header, icl_context_last_error(context));
    icl_context_free(context);
}
END_TEST

static const struct {
    const char *header;
    size_t data;
    const char *word;
} bad_headers[] = {
    /* JSON */
    {"", 0, "does not begin with {"},
    {"[]", 0, "does not begin with {"},
    {" {}", 0, "does not begin with {"},
    {"\xef\xbb\xbf{}", 0, "does not begin with {"},
    {"{", 0, "not valid JSON"},
    {"{}}", 0, "not valid JSON at byte 11"},
    {"{},", 0, "not valid JSON"},
    {"{\"a\"}", 0, "not valid JSON"},
    {"{'a':1}", 0, "not valid JSON"},
    {"{\"a\":\"\xff\"}", 0, "unable to decode byte 0xff"},
    {"{\"\xc0\xaf\":1}", 0, "unable to decode byte 0xc0"},
    {"{\"\xed\xa0\x80\":1}", 0, "unable to decode"},
    {"{\"\\ud800\":1}", 0, "invalid Unicode"},
    {"{\"\\u0000\":1}", 0, "not valid JSON"},
    {"{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, "not valid JSON"},
    {"{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}", 0, "duplicate object key"},
    {"{\"a\":" F64("[1]", "[0,8]") ",\"\\u0061\":" F64("[1]", "[8,16]") "}", 16,
     "duplicate object key"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate object key"},
    {"{\"a\":{\"dtype\":\"F64\",\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8,
     "duplicate object key"},
    /* metadata */
    {"{\"__metadata__\":[]}", 0, "__metadata__ is no JSON object"},
    {"{\"__metadata__\":null}", 0, "__metadata__ is no JSON object"},
    {"{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, "\"a\" is no string"},
    {"{\"__metadata__\":{\"a\":1}}", 0, "\"a\" is no string"},
    /* entries */
    {"{\"a\":1}", 0, "is not made of dtype, shape and data_offsets"},
    {"{\"a\":{}}", 0, "is not made of"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[]}}", 8, "is not made of"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[],\"offsets\":[0,8]}}", 8, "data_offsets are not"},
    {"{\"a\":{\"dtype\":\"F64\",\"size\":[],\"data_offsets\":[0,8]}}", 8, "shape is not"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8],\"more\":1}}", 8,
     "is not made of"},
    {"{\"a\":{\"dtype\":7,\"shape\":[],\"data_offsets\":[0,8]}}", 8, "is not made of"},
    {"{\"a\":" ENTRY("F32", "[2]", "[0,8]") "}", 8, "\"a\" has dtype \"F32\"; F64, I64 and U8"},
    {"{\"a\":" ENTRY("", "[2]", "[0,8]") "}", 8, "has dtype \"\""},
    {"{\"a\":" ENTRY("f64", "[1]", "[0,8]") "}", 8, "has dtype \"f64\""},
    {"{\"a\":" ENTRY("U8\\n", "[8]", "[0,8]") "}", 8, "has dtype \"U8?\""},
    /* shapes */
    {"{\"a\":" F64("1", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("{}", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("[\"1\"]", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("[1.0]", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("[1e0]", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("[-1]", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("[-1,-1]", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("[[1]]", "[0,8]") "}", 8, "shape is not"},
    {"{\"a\":" F64("[1,1,1,1,1,1,1,1,1]", "[0,8]") "}", 8, "shape is not an array of at most 8"},
    {"{\"a\":" F64("[9223372036854775808]", "[0,8]") "}", 8, "too big integer"},
    {"{\"a\":" F64("[9223372036854775807]", "[0,8]") "}", 8, "too large"},
    {"{\"a\":" F64("[1152921504606846976]", "[0,8]") "}", 8, "too large"}, /* 2^60 of 8 bytes */
    {"{\"a\":" F64("[4294967296,4294967296]", "[0,0]") "}", 0,
     "too large"}, /* 2^64: 0 in 64 bits */
    {"{\"a\":" F64("[2305843009213693953,8]", "[0,8]") "}", 8, "too large"}, /* 2^61 + 1 */
    {"{\"a\":" F64("[4611686018427387904,4611686018427387904,0]", "[0,0]") "}", 0, "too large"},
    {"{\"a\":" F64("[0,4611686018427387904,4611686018427387904]", "[0,0]") "}", 0, "too large"},
    {"{\"a\":" F64("[1000000]", "[0,8000000]") "}", 8,
     "cut short: tensor \"a\" ends at byte 8000000 of 8"},
    /* places */
    {"{\"a\":" F64("[1]", "8") "}", 8, "data_offsets are not"},
    {"{\"a\":" F64("[1]", "[8]") "}", 8, "data_offsets are not"},
    {"{\"a\":" F64("[1]", "[0,8,8]") "}", 8, "data_offsets are not"},
    {"{\"a\":" F64("[1]", "[0,8.0]") "}", 8, "data_offsets are not"},
    {"{\"a\":" F64("[1]", "[-8,0]") "}", 8, "data_offsets are not"},
    {"{\"a\":" F64("[1]", "[8,0]") "}", 8, "its data goes from 8 to 0"},
    {"{\"a\":" F64("[1]", "[0,7]") "}", 8, "\"a\" is F64 [1], but its data goes from 0 to 7"},
    {"{\"a\":" F64("[2]", "[0,8]") "}", 8, "its data goes from 0 to 8"},
    {"{\"a\":" F64("[1]", "[0,16]") "}", 16, "its data goes from 0 to 16"},
    {"{\"a\":" F64("[0]", "[0,8]") "}", 8, "its data goes from 0 to 8"},
    {"{\"a\":" F64("[0]", "[9223372036854775807,9223372036854775807]") "}", 8, "cut short"},
    {"{\"a\":" F64("[1]", "[9223372036854775799,9223372036854775807]") "}", 8, "cut short"},
    {"{\"a\":" F64("[1]", "[8,16]") "}", 16,
     "begins at byte 8 of the data, what stands before it ends at 0"},
    {"{\"a\":" F64("[1]", "[0,8]") ",\"b\":" F64("[1]", "[16,24]") "}", 24,
     "\"b\" begins at byte 16 of the data, what stands before it ends at 8"},
    {"{\"a\":" F64("[2]", "[0,16]") ",\"b\":" F64("[1]", "[8,16]") "}", 16,
     "\"b\" begins at byte 8 of the data, what stands before it ends at 16"},
    {"{\"a\":" F64("[1]", "[0,8]") ",\"b\":" F64("[1]", "[0,8]") "}", 8,
     "begins at byte 0 of the data, what stands before it ends at 8"},
    {"{\"a\":" F64("[2]", "[0,16]") ",\"b\":" F64("[0]", "[8,8]") "}", 16,
     "\"b\" begins at byte 8"},
    {"{\"a\":" F64("[1]", "[0,8]") "}", 9, "1 bytes follow the last tensor"},
    {"{}", 1, "1 bytes follow"},
    /* checksum and version */
    {"{\"__metadata__\":{\"libicl.checksum\":\"0123456789abcdef\"}}", 0,
     "is not where libicl writes it"},
    {"{\"__metadata__\":{\"libicl.format\":\"1\"}}", 0, "is not where libicl writes it"},
    {"{\"__metadata__\":{\"libicl.format\":\"1\",\"libicl.checksum\":\"\"}}", 0, "is not where"},
    {"{\"__metadata__\":{\"libicl.format\":\"1\",\"libicl.checksum\":\"0123456789abcdef\"}}", 0,
     "and 0123456789abcdef is written in it"},
    {"{\"__metadata__\":{\"libicl.format\":\"0\"}}", 0, "libicl.format = \"0\" is no version"},
    {"{\"__metadata__\":{\"libicl.format\":\"\"}}", 0, "is no version"},
    {"{\"__metadata__\":{\"libicl.format\":\"01\"}}", 0, "is no version"},
    {"{\"__metadata__\":{\"libicl.format\":\"1.5\"}}", 0, "is no version"},
    {"{\"__metadata__\":{\"libicl.format\":\"-2\"}}", 0, "is no version"},
};

START_TEST(bad_headers_are_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (size_t i = 0; i < sizeof bad_headers / sizeof *bad_headers; i++) {
        icl_status status = read_header(context, bad_headers[i].header, bad_headers[i].data);
        const char *text = icl_context_last_error(context);
        ck_assert_msg(status == ICL_ERR_FORMAT && strstr(text, bad_headers[i].word) != NULL,
                      "%s: %s: \"%s\" does not say \"%s\"", bad_headers[i].header,
                      icl_status_name(status), text, bad_headers[i].word);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(a_newer_version_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const char *const newer[] = {"2", "10", "99999999999999999999"};
    for (int i = 0; i < 3; i++) {
        char header[256], word[128];
        /* whatever else it holds */
        snprintf(header, sizeof header, "{\"new\":{},\"__metadata__\":{\"libicl.format\":\"%s\"}}",
                 newer[i]);
        snprintf(word, sizeof word,
                 "has version %s of the format, this libicl (%s) reads version 1", newer[i],
                 icl_version());
        ck_assert_int_eq(read_header(context, header, 3), ICL_ERR_VERSION);
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), word));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(absurd_header_lengths_are_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const uint64_t lengths[] = {3,
                                9,
                                100000000,
                                100000001,
                                UINT64_C(1) << 31,
                                UINT64_C(1) << 32,
                                UINT64_C(1) << 63,
                                UINT64_MAX,
                                UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char file[10] = {0};
        for (int k = 0; k < 8; k++)
            file[k] = (unsigned char)(lengths[i] >> 8 * k & 0xff);
        memcpy(file + 8, "{}", 2);
        ck_assert_int_eq(read_bytes(context, file, sizeof file, 0), ICL_ERR_FORMAT);
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), "safetensors file"));
    }
    icl_context_free(context);
}
END_TEST

/* 100,000 levels, as arrays, as objects, in the place of a shape. */
START_TEST(deep_nesting_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const char *const starts[] = {
        "{\"a\":", "{\"a\":{\"dtype\":\"F64\",\"data_offsets\":[0,8],\"shape\":",
        "{\"__metadata__\":{\"a\":"};
    const char *const levels[] = {"[", "{\"a\":"};
    enum { DEEP = 100000 };
    for (int i = 0; i < 6; i++) {
        size_t step = strlen(levels[i % 2]), used = 8 + strlen(starts[i / 2]);
        size_t size = used + DEEP * step;
        unsigned char *file = calloc(1, size + 1);
        ck_assert_ptr_nonnull(file);
        for (int k = 0; k < 4; k++)
            file[k] = (unsigned char)((size - 8) >> 8 * k & 0xff);
        memcpy(file + 8, starts[i / 2], used - 8);
        for (; used < size; used += step)
            memcpy(file + used, levels[i % 2], step);
        ck_assert_int_eq(read_bytes(context, file, size, 0), ICL_ERR_FORMAT);
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), "maximum parsing depth"));
        free(file);
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("safetensors_damage", a_file_cut_anywhere_is_refused,
          a_file_with_more_at_its_end_is_refused, every_changed_byte_is_found,
          exchanged_and_zeroed_blocks_are_found, good_headers_are_read, bad_headers_are_refused,
          a_newer_version_is_refused, absurd_header_lengths_are_refused, deep_nesting_is_refused)
