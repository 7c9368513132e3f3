/* Named arrays in a file, in the safetensors format: what Python's safetensors package reads and
 * writes.
 *
 * A file is 8 bytes with the length of the header (little-endian), the header in JSON, and the
 * data:
 *
 *     {"__metadata__": {key: text, ...}, name: {"dtype", "shape", "data_offsets"}, ...}
 *
 * Files of libicl carry two texts more than they were given: "libicl.format", the version of the
 * conventions below, and "libicl.checksum", the FNV-1a hash (64 bits, 16 hexadecimal digits) of all
 * bytes of the file with these digits taken as '0'. A step of FNV-1a is a bijection of the hash, so
 * that no change of a single byte goes unnoticed. In version 1 the header begins with these two
 * texts, then come the caller's, then the tensors, all in the order given; in the data, numbers of
 * eight bytes stand before bytes, so that they are aligned. Equal content gives equal bytes.
 *
 * Texts of failures name the function that the caller gives, the path, and where the fault is.
 */
#ifndef ICL_IO_SAFETENSORS_H
#define ICL_IO_SAFETENSORS_H

#include "base/context.h"

typedef enum icl_dtype {
    ICL_DTYPE_F64 = 0, /* double */
    ICL_DTYPE_I64 = 1, /* int64_t */
    ICL_DTYPE_U8 = 2   /* uint8_t */
} icl_dtype;

enum { ICL_RANK_MOST = 8 };

typedef struct icl_safetensor {
    const char *name; /* any UTF-8 but "__metadata__", each name once */
    icl_dtype dtype;
    int64_t rank;                 /* 0 to ICL_RANK_MOST; rank 0 is one number */
    int64_t shape[ICL_RANK_MOST]; /* each >= 0 */
    /* row-major; may be NULL where there is nothing to write. Of a file that was read: never NULL,
     * on a boundary of 8 bytes for F64 and I64, the file's until it is freed. */
    const void *data;
} icl_safetensor;

typedef struct icl_text_pair {
    const char *key;  /* any UTF-8, each key once; the writer's own two are refused */
    const char *text; /* any UTF-8 */
} icl_text_pair;

/* ---- writing ---- */

/* Writes the file as a whole or not at all (see icl_file_replace). ICL_ERR_ARGUMENT for what the
 * format cannot hold, ICL_ERR_SIZE, ICL_ERR_IO. */
icl_status icl_safetensors_save(const icl_context *context, const char *function, const char *path,
                                const icl_safetensor *tensors, int64_t count,
                                const icl_text_pair *texts, int64_t pairs);

/* ---- reading ---- */

typedef struct icl_safetensors icl_safetensors;

/* Reads and checks the whole file: ICL_ERR_IO if the system refuses, ICL_ERR_FORMAT for anything
 * that is not as above, ICL_ERR_VERSION if "libicl.format" is greater than 1. With need_checksum =
 * 0 files of other programs are accepted too; where one of libicl's two texts is there, both must
 * be and the sum must be right. */
icl_status icl_safetensors_load(icl_context *context, const char *function, const char *path,
                                int need_checksum, icl_safetensors **out);

/* The same from memory, which is copied; `path` is for the texts. */
icl_status icl_safetensors_parse(icl_context *context, const char *function, const char *path,
                                 const void *bytes, int64_t size, int need_checksum,
                                 icl_safetensors **out);

void icl_safetensors_free(icl_safetensors *file);

/* What the file holds, in the order of its header. It belongs to the file. */
const icl_safetensor *icl_safetensors_tensors(const icl_safetensors *file, int64_t *count);
const icl_text_pair *icl_safetensors_texts(const icl_safetensors *file, int64_t *pairs);

/* The tensor of that name, the text of that key; NULL if there is none. */
const icl_safetensor *icl_safetensors_find(const icl_safetensors *file, const char *name);
const char *icl_safetensors_find_text(const icl_safetensors *file, const char *key);

/* The data of a tensor that must be there, of this dtype and shape[rank]: else ICL_ERR_MISSING or
 * ICL_ERR_SHAPE, with a text that says what was found and what was wanted. */
icl_status icl_safetensors_get(const icl_safetensors *file, const char *function, const char *name,
                               icl_dtype dtype, int64_t rank, const int64_t *shape,
                               const void **data);
/* The text of a key that must be there: else ICL_ERR_MISSING. */
icl_status icl_safetensors_get_text(const icl_safetensors *file, const char *function,
                                    const char *key, const char **text);

/* FNV-1a of more bytes, from the hash of those before. */
#define ICL_FNV_START UINT64_C(0xcbf29ce484222325)
uint64_t icl_fnv(uint64_t hash, const void *bytes, size_t size);
/* The 16 digits, without a zero at their end. */
void icl_fnv_digits(uint64_t hash, char *digits);

#endif
