/* Files that are written as a whole or not at all. */
#include "output.h"
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const output *o, int error, char *message) {
    char copy[OPTION_EXCERPT];
    snprintf(message, OPTIONS_MESSAGE, "%s: cannot write \"%s\": %s", o->flag,
             option_excerpt(o->path, copy), strerror(error));
    return -1;
}

static char *join(const char *directory, const char *separator, const char *name) {
    size_t size = strlen(directory) + strlen(separator) + strlen(name) + 1;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%s%s%s", directory, separator, name);
    return path;
}

/* The directory of a path, with its last slash: "" for a bare name. */
static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    char *directory = join(path, "", "");
    if (directory)
        directory[slash ? slash - path + 1 : 0] = '\0';
    return directory;
}

/* The absolute path of a file that may not exist yet; NULL with errno. */
static char *resolve(const char *path, int exists) {
    if (exists)
        return realpath(path, NULL);
    char *directory = directory_of(path);
    if (!directory)
        return NULL;
    const char *name = path + strlen(directory);
    char *parent = realpath(directory[0] == '\0' ? "." : directory, NULL);
    char *target = parent ? join(parent, strcmp(parent, "/") == 0 ? "" : "/", name) : NULL;
    int error = errno;
    free(directory);
    free(parent);
    errno = error;
    return target;
}

/* Makes an empty file beside the target. Its descriptor, and its name in *name; -1 with errno. */
static int make_temporary(const char *target, char **name) {
    char *directory = directory_of(target);
    *name = directory ? join(directory, ".icl-", "XXXXXX") : NULL;
    free(directory);
    int descriptor = *name ? mkstemp(*name) : -1;
    if (descriptor < 0) {
        int error = errno;
        free(*name);
        errno = error;
    }
    return descriptor;
}

static int open_regular(output *o, int exists, char *message) {
    char *name;
    if (exists && access(o->path, W_OK) != 0)
        return fail(o, errno, message);
    o->target = resolve(o->path, exists);
    int descriptor = o->target ? make_temporary(o->target, &name) : -1;
    if (descriptor < 0)
        return fail(o, errno, message);
    close(descriptor);
    unlink(name);
    free(name);
    return 0;
}

/* The one of stdout and stderr that is this file: 1, 2, or -1. */
static int own_stream(const struct stat *file) {
    for (int descriptor = 1; descriptor <= 2; descriptor++) {
        struct stat own;
        if (fstat(descriptor, &own) == 0 && own.st_dev == file->st_dev &&
            own.st_ino == file->st_ino)
            return descriptor;
    }
    return -1;
}

int output_open(output *o, const char *flag, const char *path, char *message) {
    *o = (output){.flag = flag, .path = path, .descriptor = -1};
    struct stat status;
    int exists = stat(path, &status) == 0, result = 0;
    if (!exists && errno != ENOENT) {
        result = fail(o, errno, message);
    } else if (path[strlen(path) - 1] == '/' || (exists && S_ISDIR(status.st_mode))) {
        result = fail(o, EISDIR, message);
    } else if (exists && own_stream(&status) > 0) {
        o->is_stdout = own_stream(&status) == 1;
        o->descriptor = dup(own_stream(&status));
    } else if (exists && !S_ISREG(status.st_mode)) {
        o->descriptor = open(path, O_WRONLY | O_NOCTTY);
    } else {
        result = open_regular(o, exists, message);
    }
    if (result == 0 && !o->target && o->descriptor < 0)
        result = fail(o, errno, message);
    if (result != 0)
        output_close(o);
    return result;
}

static int write_all(int descriptor, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR)
            return -1;
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

/* The permissions of the file that is replaced, or those that a new file gets. */
static mode_t target_mode(const char *target) {
    struct stat status;
    if (stat(target, &status) == 0)
        return status.st_mode & 07777;
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static int replace(const char *target, const char *bytes, size_t size) {
    char *name;
    int descriptor = make_temporary(target, &name);
    if (descriptor < 0)
        return -1;
    int failed = write_all(descriptor, bytes, size) != 0 ||
                 fchmod(descriptor, target_mode(target)) != 0 || fsync(descriptor) != 0;
    int error = errno;
    if (close(descriptor) != 0 && !failed) {
        failed = 1;
        error = errno;
    }
    if (!failed && rename(name, target) != 0) {
        failed = 1;
        error = errno;
    }
    if (failed)
        unlink(name);
    free(name);
    errno = error;
    return failed ? -1 : 0;
}

int output_write(output *o, const void *bytes, size_t size, char *message) {
    int result =
        o->target ? replace(o->target, bytes, size) : write_all(o->descriptor, bytes, size);
    return result == 0 ? 0 : fail(o, errno, message);
}

void output_close(output *o) {
    if (o->descriptor >= 0)
        close(o->descriptor);
    free(o->target);
    *o = (output){.descriptor = -1};
}
