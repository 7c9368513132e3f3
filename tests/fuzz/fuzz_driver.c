/* The target as an ordinary test: files changed at random, the same at every run. With arguments,
 * the files of these names instead, unchanged: what a fuzzer has found.
 */
#include "fuzz.h"

#include <string.h>
#include <unistd.h>

#include "io/safetensors.h"

enum { ROUNDS = 30000, ROOM = 4096 };

typedef struct input {
    uint8_t bytes[ROOM];
    size_t size;
} input;

/* ---- seeds ---- */

#define ENTRY(dtype, shape, offsets)                                                               \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
static const struct {
    const char *header;
    size_t data;
} headers[] = {
    {"{}", 0},
    {"{\"__metadata__\":{\"a\":\"b\"},\"c\":" ENTRY("F64", "[2,3]", "[0,48]") "}", 48},
    {"{\"a\":" ENTRY("U8", "[3]", "[0,3]") ",\"b\":" ENTRY("I64", "[1,1]", "[3,11]") "}", 11},
    {"{\"a\":" ENTRY("F64", "[]", "[8,16]") ",\"b\":" ENTRY("F64", "[1]", "[0,8]") ",\"e\":" ENTRY(
         "U8", "[0]", "[8,8]") "}",
     16},
};
enum { HEADERS = sizeof headers / sizeof *headers, SEEDS = HEADERS + 1 };

static void set_length(input *in, size_t length) {
    for (int i = 0; i < 8; i++)
        in->bytes[i] = (uint8_t)(length >> 8 * i & 0xff);
}

static void make_seed(size_t i, input *out) {
    size_t length = strlen(headers[i].header);
    memset(out->bytes, 7, sizeof out->bytes);
    set_length(out, length);
    memcpy(out->bytes + 8, headers[i].header, length);
    out->size = 8 + length + headers[i].data;
}

static int read_file(const char *path, input *out) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    out->size = fread(out->bytes, 1, sizeof out->bytes, file);
    return fclose(file) == 0;
}

/* A file of libicl's own. */
static void make_libicl_seed(input *out) {
    const double values[] = {1, 2};
    const icl_safetensor tensor = {
        .name = "a", .dtype = ICL_DTYPE_F64, .rank = 1, .shape = {2}, .data = values};
    const icl_text_pair text = {"k", "v"};
    const char *parent = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/libicl-fuzz-XXXXXX", parent != NULL ? parent : "/tmp");
    int descriptor = mkstemp(path);
    FUZZ_CHECK(descriptor >= 0);
    close(descriptor);
    icl_context *context;
    FUZZ_CHECK(icl_context_create(NULL, &context) == ICL_OK);
    FUZZ_CHECK(icl_safetensors_save(context, "f", path, &tensor, 1, &text, 1) == ICL_OK);
    icl_context_free(context);
    FUZZ_CHECK(read_file(path, out));
    unlink(path);
}

/* ---- changes ---- */

/* xorshift64 */
static uint64_t draw(uint64_t *state, uint64_t below) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state % below;
}

/* Puts text in place of `old` bytes at a place. */
static void replace(input *in, size_t at, size_t old, const void *text, size_t size) {
    if (at + old > in->size || in->size - old + size > ROOM)
        return;
    uint8_t tail[ROOM];
    size_t left = in->size - at - old;
    memcpy(tail, in->bytes + at + old, left);
    memcpy(in->bytes + at, text, size);
    memcpy(in->bytes + at + size, tail, left);
    in->size = at + size + left;
}

static const char *const words[] = {"-1",
                                    "0",
                                    "1",
                                    "8",
                                    "1e3",
                                    "9223372036854775807",
                                    "4294967296",
                                    "1152921504606846976",
                                    "18446744073709551616",
                                    "null",
                                    "[]",
                                    "{}",
                                    "\"F64\"",
                                    "\"U8\"",
                                    "\"\"",
                                    "\\u0000",
                                    "\\ud83d",
                                    "\xff",
                                    "\xc3\xa9",
                                    "\"__metadata__\":{},",
                                    "\"libicl.format\":\"1\",",
                                    "\"libicl.format\":\"2\",",
                                    "[[[[[[[[",
                                    ",",
                                    "\"",
                                    " "};

/* A number of the header gives way to another. */
static void change_number(input *in, uint64_t *state) {
    for (size_t at = draw(state, in->size + 1); at < in->size; at++) {
        size_t digits = 0;
        while (at + digits < in->size && in->bytes[at + digits] >= '0' &&
               in->bytes[at + digits] <= '9')
            digits++;
        if (digits > 0) {
            const char *word = words[draw(state, 9)];
            replace(in, at, digits, word, strlen(word));
            return;
        }
    }
}

static void change(input *in, const input *other, uint64_t *state) {
    size_t at = draw(state, in->size + 1), length = draw(state, 1 + draw(state, 40));
    const char *word = words[draw(state, sizeof words / sizeof *words)];
    uint8_t byte = (uint8_t)draw(state, 256);
    switch (draw(state, 8)) {
    case 0:
        replace(in, at, 1, &byte, 1);
        break;
    case 1:
        if (at < in->size)
            in->bytes[at] ^= (uint8_t)(1 << draw(state, 8));
        break;
    case 2:
        replace(in, at, length, "", 0);
        break;
    case 3:
        replace(in, at, 0, word, strlen(word));
        break;
    case 4: /* a part of the other */
        if (length <= other->size)
            replace(in, at, 0, other->bytes + draw(state, other->size - length + 1), length);
        break;
    case 5:
        in->size = draw(state, 4) == 0 ? at : in->size;
        break;
    default:
        change_number(in, state);
    }
}

/* Lets the header's length be what it should, so that what is inside it is read. */
static void mend_length(input *in, size_t data) {
    if (in->size >= 8 + data)
        set_length(in, in->size - 8 - data);
}

/* ---- main ---- */

static int mutate(void) {
    static input seeds[SEEDS];
    uint64_t state = 20231025;
    int accepted = 0;
    for (size_t i = 0; i < HEADERS; i++)
        make_seed(i, &seeds[i]);
    make_libicl_seed(&seeds[HEADERS]);
    for (int i = 0; i < SEEDS; i++)
        FUZZ_CHECK(fuzz_one(seeds[i].bytes, seeds[i].size));
    for (int round = 0; round < ROUNDS; round++) {
        size_t from = draw(&state, SEEDS);
        input in = seeds[from];
        for (uint64_t changes = 1 + draw(&state, 3); changes > 0; changes--)
            change(&in, &seeds[draw(&state, SEEDS)], &state);
        if (from < HEADERS && draw(&state, 4) > 0)
            mend_length(&in, headers[from].data);
        uint8_t *exact = malloc(in.size > 0 ? in.size : 1); /* sanitizers see where it ends */
        FUZZ_CHECK(exact != NULL);
        memcpy(exact, in.bytes, in.size);
        accepted += fuzz_one(exact, in.size);
        free(exact);
    }
    printf("%d of %d accepted\n", accepted, ROUNDS);
    return accepted > ROUNDS / 100 && accepted < ROUNDS / 2;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        static input in;
        FUZZ_CHECK(read_file(argv[i], &in));
        printf("%s: %s\n", argv[i], fuzz_one(in.bytes, in.size) ? "accepted" : "refused");
    }
    return argc > 1 || mutate() ? 0 : 1;
}
