#include "io/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_READ = 1 << 30 }; /* some systems refuse 2^31 bytes at once */

const char *icl_excerpt(const char *text, char copy[ICL_EXCERPT]) {
    size_t length = strlen(text), from = 0;
    if (length >= ICL_EXCERPT) {
        from = length - (ICL_EXCERPT - sizeof "...");
        while (((unsigned char)text[from] & 0xc0) == 0x80) /* inside a UTF-8 sequence */
            from++;
    }
    snprintf(copy, ICL_EXCERPT, "%s%s", from > 0 ? "..." : "", text + from);
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return copy;
}

icl_status icl_file_fail(const icl_context *context, const char *function, const char *verb,
                         const char *path, int error) {
    char copy[ICL_EXCERPT], reason[128];
    if (error == ICL_NOT_REGULAR)
        snprintf(reason, sizeof reason, "Not a regular file");
    else if (strerror_r(error, reason, sizeof reason) != 0)
        snprintf(reason, sizeof reason, "error %d", error);
    return icl_fail(context, ICL_ERR_IO, "%s: cannot %s \"%s\": %s", function, verb,
                    icl_excerpt(path, copy), reason);
}

icl_status icl_file_open(const icl_context *context, const char *function, const char *path,
                         int *descriptor, int64_t *size) {
    /* O_NONBLOCK: a pipe that nobody writes to is refused below instead of waited for */
    int opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (opened < 0)
        return icl_file_fail(context, function, "read", path, errno);
    struct stat file;
    int error = fstat(opened, &file) != 0 ? errno
                : S_ISDIR(file.st_mode)   ? EISDIR
                : S_ISREG(file.st_mode)   ? 0
                                          : ICL_NOT_REGULAR;
    if (error != 0) {
        close(opened);
        return icl_file_fail(context, function, "read", path, error);
    }
    *descriptor = opened;
    *size = (int64_t)file.st_size;
    return ICL_OK;
}

icl_status icl_file_read(const icl_context *context, const char *function, const char *path,
                         int descriptor, void *bytes, int64_t size) {
    char copy[ICL_EXCERPT], *to = bytes;
    int64_t left = size;
    while (left > 0) {
        ssize_t got = read(descriptor, to, left < LARGEST_READ ? (size_t)left : LARGEST_READ);
        if (got < 0 && errno != EINTR)
            return icl_file_fail(context, function, "read", path, errno);
        ICL_REQUIRE(context, got != 0, ICL_ERR_FORMAT,
                    "%s: \"%s\" is cut short: it ends %lld bytes too early", function,
                    icl_excerpt(path, copy), (long long)left);
        if (got > 0) {
            to += got;
            left -= got;
        }
    }
    return ICL_OK;
}
