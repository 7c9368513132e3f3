/* Safetensors: what is written is read, equal content is equal bytes, files of other programs. */
#include "support/folder.h"
#include "support/support.h"

#include <jansson.h>

#include "io/safetensors.h"

static const char *const caller = "a_function";

static const double doubles[] = {0.5, -0.0, INFINITY, DBL_MIN, NAN, 1e308};
static const int64_t integers[] = {INT64_MIN, INT64_MAX, 0, -1};
static const uint8_t bytes[] = {0, 255, 7};

/* All types and the ranks 0 to 4, bytes between numbers, empty tensors, names with anything. */
static const icl_safetensor varied[] = {
    {.name = "scalar", .dtype = ICL_DTYPE_F64, .rank = 0, .data = doubles},
    {.name = "mask", .dtype = ICL_DTYPE_U8, .rank = 1, .shape = {3}, .data = bytes},
    {.name = "W_KQ.layer0", .dtype = ICL_DTYPE_F64, .rank = 2, .shape = {2, 3}, .data = doubles},
    {.name = "\xce\x93* \xf0\x9f\x98\x80",
     .dtype = ICL_DTYPE_I64,
     .rank = 3,
     .shape = {2, 1, 2},
     .data = integers},
    {.name = "\"quoted\\\" \n\x01/",
     .dtype = ICL_DTYPE_F64,
     .rank = 4,
     .shape = {1, 1, 2, 2},
     .data = doubles},
    {.name = "", .dtype = ICL_DTYPE_U8, .rank = 0, .data = bytes + 1},
    {.name = "empty", .dtype = ICL_DTYPE_I64, .rank = 2, .shape = {0, 5}, .data = NULL},
    {.name = "empty too",
     .dtype = ICL_DTYPE_U8,
     .rank = 8,
     .shape = {1, 2, 3, 4, 5, 6, 7, 0},
     .data = NULL},
};
static const icl_text_pair varied_texts[] = {{"kind", "model"},
                                             {"", ""},
                                             {"\"libicl.checksum\":\"", "\"libicl.checksum\":\""},
                                             {"\xc3\xa9", "a\tb"}};
enum {
    VARIED = sizeof varied / sizeof *varied,
    TEXTS = sizeof varied_texts / sizeof *varied_texts
};

static icl_status save(icl_context *context, const char *path) {
    return icl_safetensors_save(context, caller, path, varied, VARIED, varied_texts, TEXTS);
}

static size_t bytes_of(const icl_safetensor *t) {
    size_t size = t->dtype == ICL_DTYPE_U8 ? 1 : 8;
    for (int64_t i = 0; i < t->rank; i++)
        size *= (size_t)t->shape[i];
    return size;
}

static void assert_same_tensor(const icl_safetensor *a, const icl_safetensor *b) {
    ck_assert_str_eq(a->name, b->name);
    ck_assert_int_eq(a->dtype, b->dtype);
    ck_assert_int_eq(a->rank, b->rank);
    ck_assert_mem_eq(a->shape, b->shape, sizeof a->shape);
    ck_assert_ptr_nonnull(a->data);
    ck_assert_uint_eq((uintptr_t)a->data % (a->dtype == ICL_DTYPE_U8 ? 1 : 8), 0);
    if (bytes_of(b) > 0)
        ck_assert_mem_eq(a->data, b->data, bytes_of(b));
}

/* ---- round trips ---- */

static void assert_varied(icl_context *context, const icl_safetensors *file) {
    int64_t count, pairs;
    const icl_safetensor *t = icl_safetensors_tensors(file, &count);
    const icl_text_pair *texts = icl_safetensors_texts(file, &pairs);
    ck_assert_int_eq(count, VARIED);
    for (int i = 0; i < VARIED; i++) {
        const void *data = NULL;
        assert_same_tensor(&t[i], &varied[i]);
        ck_assert_ptr_eq(icl_safetensors_find(file, varied[i].name), &t[i]);
        ASSERT_OK(context, icl_safetensors_get(file, caller, varied[i].name, varied[i].dtype,
                                               varied[i].rank, varied[i].shape, &data));
        ck_assert_ptr_eq(data, t[i].data);
    }
    ck_assert_int_eq(pairs, TEXTS + 2);
    ck_assert_str_eq(texts[0].key, "libicl.format");
    ck_assert_str_eq(texts[0].text, "1");
    ck_assert_str_eq(texts[1].key, "libicl.checksum");
    for (int i = 0; i < TEXTS; i++) {
        ck_assert_str_eq(texts[i + 2].key, varied_texts[i].key);
        ck_assert_str_eq(icl_safetensors_find_text(file, varied_texts[i].key),
                         varied_texts[i].text);
    }
}

START_TEST(what_is_saved_is_loaded) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    in_folder(&f, "x", path);
    icl_safetensors *file;
    ASSERT_OK(context, save(context, path));
    ASSERT_OK(context, icl_safetensors_load(context, caller, path, 1, &file));
    icl_context_free(context); /* the file keeps it */
    assert_varied(context, file);
    icl_safetensors_free(file);
    icl_safetensors_free(NULL); /* legal */
    REMOVE_FOLDER(&f, "x");
}
END_TEST

START_TEST(memory_is_read_as_a_file_is) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    icl_safetensors *file;
    ASSERT_OK(context, save(context, in_folder(&f, "x", path)));
    contents c = read_contents(path);
    ASSERT_OK(context,
              icl_safetensors_parse(context, caller, "memory", c.bytes, (int64_t)c.size, 1, &file));
    memset(c.bytes, 0, c.size); /* it was copied */
    free(c.bytes);
    assert_varied(context, file);
    icl_safetensors_free(file);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

START_TEST(a_file_may_hold_nothing) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    icl_safetensors *file;
    ASSERT_OK(context,
              icl_safetensors_save(context, caller, in_folder(&f, "x", path), NULL, 0, NULL, 0));
    ASSERT_OK(context, icl_safetensors_load(context, caller, path, 1, &file));
    int64_t count = -1, pairs = -1;
    icl_safetensors_tensors(file, &count);
    icl_safetensors_texts(file, &pairs);
    ck_assert_int_eq(count, 0);
    ck_assert_int_eq(pairs, 2);
    icl_safetensors_free(file);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

enum { MANY = 200 };

START_TEST(many_tensors_keep_their_order) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH], names[MANY][16];
    static double values[MANY * MANY];
    static icl_safetensor many[MANY];
    icl_safetensors *file;
    fill_normal(context, 1, MANY * MANY, values);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "t%d", i * 7919 % MANY);
        many[i] = (icl_safetensor){.name = names[i],
                                   .dtype = i % 3 == 0 ? ICL_DTYPE_U8 : ICL_DTYPE_F64,
                                   .rank = 1,
                                   .shape = {i},
                                   .data = values + i * MANY};
    }
    ASSERT_OK(context,
              icl_safetensors_save(context, caller, in_folder(&f, "x", path), many, MANY, NULL, 0));
    ASSERT_OK(context, icl_safetensors_load(context, caller, path, 1, &file));
    int64_t count;
    const icl_safetensor *t = icl_safetensors_tensors(file, &count);
    ck_assert_int_eq(count, MANY);
    for (int i = 0; i < MANY; i++)
        assert_same_tensor(&t[i], &many[i]);
    icl_safetensors_free(file);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

/* ---- bytes ---- */

START_TEST(equal_content_gives_equal_bytes) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH], other[FOLDER_PATH];
    ASSERT_OK(context, save(context, in_folder(&f, "x", path)));
    contents c = read_contents(path);
    ASSERT_OK(context, save(context, path)); /* over itself */
    assert_contents(path, c.bytes, c.size);
    icl_context *second = make_context(2, ICL_ISA_BASELINE);
    ASSERT_OK(second, save(second, in_folder(&f, "y", other)));
    assert_contents(other, c.bytes, c.size);
    free(c.bytes);
    icl_context_free(second);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x", "y");
}
END_TEST

/* The file written out by hand; the hash was computed from its definition, in Python. */
START_TEST(the_bytes_are_those_of_the_format) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    const char expected[] =
        "\xc8\0\0\0\0\0\0\0"
        "{\"__metadata__\":{\"libicl.format\":\"1\",\"libicl.checksum\":\"b2ed327b71344901\","
        "\"k\":\"v\"},"
        "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[16,19]},"
        "\"a\":{\"dtype\":\"F64\",\"shape\":[1,2],\"data_offsets\":[0,16]}}       "
        "\0\0\0\0\0\0\xe0\x3f\0\0\0\0\0\0\0\x80\0\xff\x07";
    const icl_safetensor tensors[] = {
        {.name = "b", .dtype = ICL_DTYPE_U8, .rank = 1, .shape = {3}, .data = bytes},
        {.name = "a", .dtype = ICL_DTYPE_F64, .rank = 2, .shape = {1, 2}, .data = doubles}};
    const icl_text_pair text = {"k", "v"};
    in_folder(&f, "x", path);
    ASSERT_OK(context, icl_safetensors_save(context, caller, path, tensors, 2, &text, 1));
    assert_contents(path, expected, sizeof expected - 1);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

/* ---- files of other programs ---- */

static const char foreign[] = "\xc1\0\0\0\0\0\0\0"
                              "{\"__metadata__\":{\"by\":\"hand\"}, "
                              "\"a\":{\"shape\":[2],\"data_offsets\":[1,17],\"dtype\":\"F64\"},\n"
                              "\"e\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[1,1]},"
                              "\"b\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}   "
                              "\x05\0\0\0\0\0\0\xe0\x3f\0\0\0\0\0\0\0\xc0";

START_TEST(other_programs_need_not_align_nor_sum) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_safetensors *file;
    int64_t size = sizeof foreign - 1, count;
    ASSERT_OK(context, icl_safetensors_parse(context, caller, "x", foreign, size, 0, &file));
    const icl_safetensor *t = icl_safetensors_tensors(file, &count);
    ck_assert_int_eq(count, 3);
    ck_assert_str_eq(t[0].name, "a");
    const double *a = t[0].data;
    ck_assert_uint_eq((uintptr_t)a % 8, 0);
    ck_assert_uint_eq((uintptr_t)t[1].data % 8, 0);
    ck_assert(a[0] == 0.5 && a[1] == -2);
    ck_assert_int_eq(*(const uint8_t *)icl_safetensors_find(file, "b")->data, 5);
    ck_assert_str_eq(icl_safetensors_find_text(file, "by"), "hand");
    icl_safetensors_free(file);
    ASSERT_FAILS(context, ICL_ERR_FORMAT, "a_function: \"x\": it has no libicl.checksum",
                 icl_safetensors_parse(context, caller, "x", foreign, size, 1, &file));
    ck_assert_ptr_null(file);
    icl_context_free(context);
}
END_TEST

/* ---- look-ups ---- */

START_TEST(a_wrong_wish_hears_what_is_there) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    icl_safetensors *file;
    const int64_t shape[] = {2, 3}, turned[] = {3, 2};
    const void *data = path;
    const char *text = path, *name = "W_KQ.layer0";
    ASSERT_OK(context, save(context, in_folder(&f, "x", path)));
    ASSERT_OK(context, icl_safetensors_load(context, caller, path, 1, &file));
    ASSERT_FAILS(context, ICL_ERR_SHAPE,
                 "x\": tensor \"W_KQ.layer0\" is F64 [2, 3], wanted F64 [3, 2]",
                 icl_safetensors_get(file, caller, name, ICL_DTYPE_F64, 2, turned, &data));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "is F64 [2, 3], wanted I64 [2, 3]",
                 icl_safetensors_get(file, caller, name, ICL_DTYPE_I64, 2, shape, &data));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "is F64 [2, 3], wanted F64 [2]",
                 icl_safetensors_get(file, caller, name, ICL_DTYPE_F64, 1, shape, &data));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "is F64 [2, 3], wanted F64 []",
                 icl_safetensors_get(file, caller, name, ICL_DTYPE_F64, 0, NULL, &data));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "x\" has no tensor \"none\", wanted as U8 [2, 3]",
                 icl_safetensors_get(file, caller, "none", ICL_DTYPE_U8, 2, shape, &data));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "x\" has no text \"none\"",
                 icl_safetensors_get_text(file, caller, "none", &text));
    ck_assert_ptr_eq(data, path); /* outputs are untouched */
    ck_assert_ptr_eq(text, path);
    ck_assert_ptr_null(icl_safetensors_find(file, "none"));
    ck_assert_ptr_null(icl_safetensors_find_text(file, "none"));
    ASSERT_OK(context, icl_safetensors_get_text(file, caller, "kind", &text));
    ck_assert_str_eq(text, "model");
    icl_safetensors_free(file);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

/* ---- what cannot be saved ---- */

#define HUGE (INT64_C(1) << 59)

static const struct {
    icl_safetensor tensors[2];
    icl_status status;
    const char *word;
} bad_tensors[] = {
    {{{.name = NULL}}, ICL_ERR_ARGUMENT, "the name of tensor 0 is NULL"},
    {{{.name = "\xc0\x80", .data = doubles}}, ICL_ERR_ARGUMENT, "is not UTF-8 at byte 0"},
    {{{.name = "ab\xed\xa0\x80", .data = doubles}}, ICL_ERR_ARGUMENT, "is not UTF-8 at byte 2"},
    {{{.name = "\xf4\x90\x80\x80", .data = doubles}}, ICL_ERR_ARGUMENT, "is not UTF-8"},
    {{{.name = "\xe2\x82", .data = doubles}}, ICL_ERR_ARGUMENT, "is not UTF-8"},
    {{{.name = "\x80", .data = doubles}}, ICL_ERR_ARGUMENT, "is not UTF-8"},
    {{{.name = "\xff", .data = doubles}}, ICL_ERR_ARGUMENT, "is not UTF-8"},
    {{{.name = "__metadata__", .data = doubles}},
     ICL_ERR_ARGUMENT,
     "\"__metadata__\" is given twice, or reserved"},
    {{{.name = "a", .data = doubles}, {.name = "a", .data = doubles}},
     ICL_ERR_ARGUMENT,
     "\"a\" is given twice"},
    {{{.name = "a", .dtype = (icl_dtype)3, .data = doubles}}, ICL_ERR_ARGUMENT, "dtype = 3"},
    {{{.name = "a", .rank = -1, .data = doubles}}, ICL_ERR_ARGUMENT, "rank = -1"},
    {{{.name = "a", .rank = 9, .data = doubles}},
     ICL_ERR_ARGUMENT,
     "rank = 9, must be from 0 to 8"},
    {{{.name = "a", .rank = 2, .shape = {0, -3}, .data = doubles}},
     ICL_ERR_ARGUMENT,
     "\"a\" is F64 [0, -3]: a negative size"},
    {{{.name = "a", .rank = 0, .data = NULL}}, ICL_ERR_ARGUMENT, "\"a\": data is NULL"},
    {{{.name = "a", .rank = 2, .shape = {4, HUGE}, .data = doubles}}, ICL_ERR_SIZE, "too large"},
    {{{.name = "a", .rank = 3, .shape = {4, HUGE, 0}, .data = doubles}}, ICL_ERR_SIZE, "too large"},
    {{{.name = "a", .rank = 1, .shape = {HUGE}, .data = doubles},
      {.name = "b", .rank = 1, .shape = {HUGE}, .data = doubles}},
     ICL_ERR_SIZE,
     "too large together"},
};

static const struct {
    icl_text_pair texts[2];
    const char *word;
} bad_texts[] = {
    {{{NULL, "a"}, {"b", "c"}}, "the key of text 0 is NULL"},
    {{{"a", "b"}, {"c", NULL}}, "text 1 is NULL"},
    {{{"a", "b"}, {"a", "c"}}, "\"a\" is given twice"},
    {{{"a", "b"}, {"c", "\xfe"}}, "text 1 = \"\xfe\" is not UTF-8 at byte 0"},
    {{{"\xe0\x80\xaf", "b"}, {"c", "d"}}, "the key of text 0"},
    {{{"libicl.format", "2"}, {"c", "d"}}, "\"libicl.format\" is given twice, or reserved"},
    {{{"libicl.checksum", ""}, {"c", "d"}}, "\"libicl.checksum\""},
};

START_TEST(what_the_format_cannot_hold_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    in_folder(&f, "x", path);
    for (size_t i = 0; i < sizeof bad_tensors / sizeof *bad_tensors; i++)
        ASSERT_FAILS(context, bad_tensors[i].status, bad_tensors[i].word,
                     icl_safetensors_save(context, caller, path, bad_tensors[i].tensors,
                                          bad_tensors[i].tensors[1].name != NULL ? 2 : 1, NULL, 0));
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++)
        ASSERT_FAILS(
            context, ICL_ERR_ARGUMENT, bad_texts[i].word,
            icl_safetensors_save(context, caller, path, varied, VARIED, bad_texts[i].texts, 2));
    icl_safetensors *file;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "a_function: path is NULL", save(context, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "a_function: path is NULL",
                 icl_safetensors_load(context, caller, NULL, 1, &file));
    ck_assert_int_eq(count_files(&f), 0);
    icl_context_free(context);
    REMOVE_FOLDER(&f, NULL);
}
END_TEST

START_TEST(a_header_beyond_the_limit_is_refused) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    size_t length = 100000000;
    char *long_text = malloc(length + 1);
    ck_assert_ptr_nonnull(long_text);
    memset(long_text, 'x', length);
    long_text[length] = '\0';
    const icl_text_pair text = {"k", long_text};
    in_folder(&f, "x", path);
    ASSERT_FAILS(context, ICL_ERR_SIZE, "the format allows 100000000",
                 icl_safetensors_save(context, caller, path, NULL, 0, &text, 1));
    free(long_text);
    icl_context_free(context);
    REMOVE_FOLDER(&f, NULL);
}
END_TEST

/* ---- memory ---- */

static icl_status save_and_load(icl_context *context, void *user) {
    icl_safetensors *file;
    icl_status status = save(context, user);
    if (status == ICL_OK)
        status = icl_safetensors_load(context, caller, user, 1, &file);
    if (status == ICL_OK)
        icl_safetensors_free(file);
    if (status == ICL_OK)
        status = icl_safetensors_parse(context, caller, "x", foreign, sizeof foreign - 1, 0, &file);
    if (status == ICL_OK)
        icl_safetensors_free(file);
    else
        ck_assert_str_ne(icl_context_last_error(context), "");
    return status;
}

START_TEST(every_allocation_may_fail) {
    folder f = make_folder();
    char path[FOLDER_PATH];
    in_folder(&f, "x", path);
    check_every_allocation(save_and_load, path);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

/* jansson's own allocations. */
static failing_allocator json_memory;

static void *json_allocate(size_t size) {
    return failing_allocator_of(&json_memory).allocate(size, &json_memory);
}

static void json_release(void *memory) {
    failing_allocator_of(&json_memory).release(memory, &json_memory);
}

START_TEST(jansson_may_lack_memory_to_write) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    folder f = make_folder();
    char path[FOLDER_PATH];
    in_folder(&f, "x", path);
    json_set_alloc_funcs(json_allocate, json_release);
    int64_t fail_at = 0;
    for (int reached = 1; reached; fail_at++) {
        json_memory = (failing_allocator){.fail_at = fail_at};
        icl_status status = save(context, path);
        reached = json_memory.requests > fail_at;
        ck_assert_int_eq(status, reached ? ICL_ERR_NOMEM : ICL_OK);
        ck_assert_int_eq(json_memory.held, 0);
        ck_assert_int_eq(count_files(&f), !reached);
    }
    json_set_alloc_funcs(malloc, free);
    ck_assert_int_gt(fail_at, VARIED);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "x");
}
END_TEST

/* A string for which it has no memory is a syntax error to jansson. */
START_TEST(jansson_may_lack_memory_to_read) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_safetensors *file;
    json_set_alloc_funcs(json_allocate, json_release);
    int reached = 1, lacks = 0, syntax = 0;
    for (int64_t fail_at = 0; reached; fail_at++) {
        json_memory = (failing_allocator){.fail_at = fail_at};
        icl_status status =
            icl_safetensors_parse(context, caller, "x", foreign, sizeof foreign - 1, 0, &file);
        reached = json_memory.requests > fail_at;
        ck_assert_int_eq(status == ICL_OK, !reached);
        lacks += status == ICL_ERR_NOMEM;
        syntax += status == ICL_ERR_FORMAT;
        ck_assert_int_eq(reached, status == ICL_ERR_NOMEM || status == ICL_ERR_FORMAT);
        icl_safetensors_free(file);
        ck_assert_int_eq(json_memory.held, 0);
    }
    json_set_alloc_funcs(malloc, free);
    ck_assert_int_gt(lacks, syntax);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("safetensors", what_is_saved_is_loaded, memory_is_read_as_a_file_is,
          a_file_may_hold_nothing, many_tensors_keep_their_order, equal_content_gives_equal_bytes,
          the_bytes_are_those_of_the_format, other_programs_need_not_align_nor_sum,
          a_wrong_wish_hears_what_is_there, what_the_format_cannot_hold_is_refused,
          a_header_beyond_the_limit_is_refused, every_allocation_may_fail,
          jansson_may_lack_memory_to_write, jansson_may_lack_memory_to_read)
