/* The reader of safetensors: whatever the bytes, a file whose pointers can be used or a status with
 * a text; without memory, nothing leaks.
 */
#include "fuzz.h"

#include <string.h>

#include "io/safetensors.h"

/* An allocator whose request number fail_at fails; < 0: none. */
typedef struct meagre {
    int64_t fail_at, requests, held;
} meagre;

static void *allocate(size_t bytes, void *user) {
    meagre *m = user;
    if (m->requests++ == m->fail_at)
        return NULL;
    void *memory = malloc(bytes);
    m->held += memory != NULL;
    return memory;
}

static void release(void *memory, void *user) {
    meagre *m = user;
    m->held -= memory != NULL;
    free(memory);
}

/* Reads every byte that the file gives out; returns how many of data. */
static size_t use(const icl_safetensors *file) {
    int64_t count, pairs;
    size_t total = 0;
    const icl_safetensor *t = icl_safetensors_tensors(file, &count);
    const icl_text_pair *texts = icl_safetensors_texts(file, &pairs);
    for (int64_t i = 0; i < count; i++) {
        size_t element = t[i].dtype == ICL_DTYPE_U8 ? 1 : 8, size = element;
        FUZZ_CHECK(t[i].rank >= 0 && t[i].rank <= ICL_RANK_MOST);
        for (int64_t k = 0; k < t[i].rank; k++)
            size *= (size_t)t[i].shape[k];
        FUZZ_CHECK(t[i].data != NULL && (uintptr_t)t[i].data % element == 0);
        for (size_t k = 0; k < size; k++)
            (void)((const volatile unsigned char *)t[i].data)[k];
        total += size;
        FUZZ_CHECK(icl_safetensors_find(file, t[i].name) == &t[i]); /* names are unique */
        const void *data;
        FUZZ_CHECK(icl_safetensors_get(file, "f", t[i].name, t[i].dtype, t[i].rank, t[i].shape,
                                       &data) == ICL_OK);
        FUZZ_CHECK(data == t[i].data);
    }
    for (int64_t i = 0; i < pairs; i++)
        FUZZ_CHECK(icl_safetensors_find_text(file, texts[i].key) == texts[i].text);
    return total;
}

static icl_status read_once(const uint8_t *data, size_t size, int need_checksum, int64_t fail_at) {
    meagre memory = {.fail_at = fail_at};
    icl_context_options options;
    icl_context *context;
    icl_context_options_init(&options, sizeof options);
    options.allocator = (icl_allocator){allocate, release, &memory};
    if (icl_context_create(&options, &context) != ICL_OK)
        return ICL_ERR_NOMEM;
    icl_safetensors *file;
    icl_status status =
        icl_safetensors_parse(context, "f", "x", data, (int64_t)size, need_checksum, &file);
    FUZZ_CHECK((status == ICL_OK) == (file != NULL));
    if (status == ICL_OK)
        FUZZ_CHECK(use(file) + 8 + 2 <= size);
    else
        FUZZ_CHECK(strncmp(icl_context_last_error(context), "f: ", 3) == 0 ||
                   status == ICL_ERR_NOMEM);
    icl_safetensors_free(file);
    icl_context_free(context);
    FUZZ_CHECK(memory.held == 0);
    return status;
}

int fuzz_one(const uint8_t *data, size_t size) {
    icl_status plain = read_once(data, size, 0, -1), strict = read_once(data, size, 1, -1);
    FUZZ_CHECK(strict != ICL_OK || plain == ICL_OK);
    FUZZ_CHECK(plain == ICL_OK || plain == ICL_ERR_FORMAT || plain == ICL_ERR_VERSION);
    icl_status poor = read_once(data, size, 0, (int64_t)size % 8);
    FUZZ_CHECK(poor == plain || poor == ICL_ERR_NOMEM);
    return plain == ICL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_one(data, size);
    return 0;
}
