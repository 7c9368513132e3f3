/* Readers of bytes that come from anywhere, as targets for a fuzzer. A fault aborts. */
#ifndef ICL_TESTS_FUZZ_H
#define ICL_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* The name that libFuzzer and AFL++ call. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same: 1 if the reader accepted the bytes, 0 if it refused them. */
int fuzz_one(const uint8_t *data, size_t size);

#endif
