/* Result structs whose size the caller sets: read and written to that size and no further. */
#ifndef ICL_BASE_OUTPUTS_H
#define ICL_BASE_OUTPUTS_H

#include <string.h>

#include "base/context.h"

/* A size of at least one field beside itself. */
static inline icl_status icl_check_output(const icl_context *context, const char *function,
                                          const char *name, const void *output) {
    size_t size;
    memcpy(&size, output, sizeof size);
    ICL_REQUIRE(context, size >= sizeof size + sizeof(double), ICL_ERR_ARGUMENT,
                "%s: %s->size = %zu: set it to the size of the struct", function, name, size);
    return ICL_OK;
}

/* Copies `known` bytes of result but for the size, as far as output reaches. */
static inline void icl_write_output(void *output, const void *result, size_t known) {
    size_t size;
    memcpy(&size, output, sizeof size);
    size_t bytes = size < known ? size : known;
    memcpy((char *)output + sizeof size, (const char *)result + sizeof size, bytes - sizeof size);
}

#endif
