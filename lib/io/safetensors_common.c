/* Types, sizes and the checksum, for the writer and the reader. */
#include "io/safetensors_file.h"

#include <stdio.h>

static const struct {
    const char *name;
    int64_t size;
} dtypes[] = {{"F64", 8}, {"I64", 8}, {"U8", 1}};

const char *icl_dtype_name(icl_dtype dtype) {
    return (unsigned)dtype < sizeof dtypes / sizeof *dtypes ? dtypes[dtype].name : NULL;
}

int64_t icl_dtype_size(icl_dtype dtype) {
    return dtypes[dtype].size;
}

int64_t icl_safetensor_bytes(icl_dtype dtype, int64_t rank, const int64_t *shape) {
    int64_t bytes = icl_dtype_size(dtype);
    int empty = 0;
    for (int64_t i = 0; i < rank; i++) {
        if (shape[i] < 0 || (shape[i] > 0 && __builtin_mul_overflow(bytes, shape[i], &bytes)))
            return -1;
        empty |= shape[i] == 0;
    }
    return empty ? 0 : bytes;
}

const char *icl_shape_text(icl_dtype dtype, int64_t rank, const int64_t *shape,
                           char text[ICL_SHAPE_TEXT]) {
    int used = snprintf(text, ICL_SHAPE_TEXT, "%s [", icl_dtype_name(dtype));
    for (int64_t i = 0; i < rank; i++)
        used += snprintf(text + used, (size_t)(ICL_SHAPE_TEXT - used), "%s%lld", i > 0 ? ", " : "",
                         (long long)shape[i]);
    snprintf(text + used, (size_t)(ICL_SHAPE_TEXT - used), "]");
    return text;
}

uint64_t icl_fnv(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *from = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ from[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void icl_fnv_digits(uint64_t hash, char *digits) {
    for (int i = ICL_CHECKSUM_DIGITS; i-- > 0; hash >>= 4)
        digits[i] = "0123456789abcdef"[hash & 15];
}

icl_status icl_safetensors_check_machine(const icl_context *context, const char *function) {
    const uint16_t one = 1;
    ICL_REQUIRE(context, *(const unsigned char *)&one == 1, ICL_ERR_UNSUPPORTED,
                "%s: files are little-endian, and this machine is not", function);
    return ICL_OK;
}
