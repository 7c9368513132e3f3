/* What the writer and the reader of safetensors share. */
#ifndef ICL_IO_SAFETENSORS_FILE_H
#define ICL_IO_SAFETENSORS_FILE_H

#include <jansson.h>

#include "io/safetensors.h"
#include "io/whole_file.h"

#define ICL_METADATA_NAME "__metadata__"
#define ICL_FORMAT_KEY "libicl.format"
#define ICL_FORMAT_VERSION "1"
#define ICL_CHECKSUM_KEY "libicl.checksum"
#define ICL_CHECKSUM_ZERO "0000000000000000"

/* What the header of a file of version 1 begins with; the checksum's digits follow. */
#define ICL_HEADER_START                                                                           \
    "{\"" ICL_METADATA_NAME "\":{\"" ICL_FORMAT_KEY "\":\"" ICL_FORMAT_VERSION                     \
    "\",\"" ICL_CHECKSUM_KEY "\":\""

enum {
    ICL_LENGTH_BYTES = 8,        /* of the header's length, before the header */
    ICL_HEADER_MOST = 100000000, /* bytes: the limit of Python's package too */
    ICL_CHECKSUM_DIGITS = sizeof ICL_CHECKSUM_ZERO - 1,
    ICL_CHECKSUM_PLACE = ICL_LENGTH_BYTES + sizeof ICL_HEADER_START - 1, /* in the file */
    ICL_SHAPE_TEXT = 256
};

struct icl_safetensors {
    icl_context *context;
    char path[ICL_EXCERPT]; /* for texts */
    const char *function;   /* for texts, while it is read */
    unsigned char *bytes;   /* of the whole file */
    int64_t size;
    int64_t start;        /* of the data in it */
    json_t *header;       /* owns the names and texts */
    int64_t count, pairs; /* of tensors, of texts */
    icl_safetensor *tensors;
    icl_text_pair *texts;
    unsigned char *moved; /* copies of the data that is not aligned in the file */
};

/* Finds and checks everything that file->bytes hold. */
icl_status icl_safetensors_examine(icl_safetensors *file, int need_checksum);

/* The length that the first 8 bytes state, checked against the size of the file. */
icl_status icl_safetensors_header_length(const icl_safetensors *file, const unsigned char *bytes,
                                         int64_t *length);

/* ICL_OK where the machine stores numbers as the format does. */
icl_status icl_safetensors_check_machine(const icl_context *context, const char *function);

const char *icl_dtype_name(icl_dtype dtype); /* "F64"; NULL for any other number */
int64_t icl_dtype_size(icl_dtype dtype);     /* bytes */
/* Bytes of a tensor; -1 where one of the sizes is negative or the product of those that are not 0
 * does not fit. */
int64_t icl_safetensor_bytes(icl_dtype dtype, int64_t rank, const int64_t *shape);
/* "F64 [2, 3]", in text. */
const char *icl_shape_text(icl_dtype dtype, int64_t rank, const int64_t *shape,
                           char text[ICL_SHAPE_TEXT]);

#endif
