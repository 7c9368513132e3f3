/* Files that are read and written as a whole. What the system refuses is ICL_ERR_IO, with a text
 * that has the function, the path and errno's words.
 */
#ifndef ICL_IO_WHOLE_FILE_H
#define ICL_IO_WHOLE_FILE_H

#include "base/context.h"

typedef struct icl_bytes {
    const void *at; /* may be NULL where size is 0 */
    size_t size;
} icl_bytes;

/* The text for a message, in copy: without control characters, and of a long one the end. */
enum { ICL_EXCERPT = 128 };
const char *icl_excerpt(const char *text, char copy[ICL_EXCERPT]);

/* Opens a regular file. The caller closes the descriptor. */
icl_status icl_file_open(const icl_context *context, const char *function, const char *path,
                         int *descriptor, int64_t *size);

/* Reads the next size bytes; ICL_ERR_FORMAT if the file ends before. */
icl_status icl_file_read(const icl_context *context, const char *function, const char *path,
                         int descriptor, void *bytes, int64_t size);

/* Writes the pieces, one after the other, in place of the file's contents or to a new file.
 *
 * The old file stays whole until the new one is on the disk, whatever happens: the bytes go to a
 * new file ".NAME.icl-0" (or another number) beside it, which is synced and then renamed. If the
 * call fails that file is removed; if the process is killed the next call removes it. (If the
 * folder cannot be synced at the end, the new file is in place and the call fails.) Symbolic links
 * are followed and stay. Permissions are those of the old file, or what the umask leaves of 0666.
 * A character device is written in place; any other kind of file is refused.
 */
icl_status icl_file_replace(const icl_context *context, const char *function, const char *path,
                            const icl_bytes *pieces, int64_t count);

/* ICL_ERR_IO: the function cannot "read" or "write" the path, because of this errno or because it
 * is a pipe, a device or the like. */
enum { ICL_NOT_REGULAR = -1 };
icl_status icl_file_fail(const icl_context *context, const char *function, const char *verb,
                         const char *path, int error);

#endif
