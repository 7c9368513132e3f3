/* A draft is written beside the target and renamed to it. It is locked while its writer lives, so
 * that a draft without a lock is one that a killed run left behind.
 */
#define _DARWIN_C_SOURCE 1 /* flock, there */
#include "io/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGEST_WRITE = 1 << 30, PATH_SIZE = 4096, DRAFTS = 64, MOST_LINKS = 40 };

typedef struct draft {
    int folder;         /* descriptor of the folder of the target, -1: none yet */
    int descriptor;     /* of the draft, -1: none */
    int exists;         /* 1 where there is an old file */
    mode_t mode;        /* the old file's, else 0666 */
    const char *target; /* its name in the folder */
    char name[256];     /* the draft's */
} draft;

/* ---- the target ---- */

/* Replaces a path by where its symbolic links lead, be anything there or not. 0 or errno. */
static int follow_links(char *path, char *link) {
    for (int i = 0; i < MOST_LINKS; i++) {
        ssize_t length = readlink(path, link, PATH_SIZE);
        if (length < 0)
            return 0; /* no link; or nothing that the next calls could use either */
        const char *slash = link[0] != '/' ? strrchr(path, '/') : NULL;
        size_t folder = slash != NULL ? (size_t)(slash - path) + 1 : 0;
        if (folder + (size_t)length >= PATH_SIZE)
            return ENAMETOOLONG;
        memcpy(path + folder, link, (size_t)length);
        path[folder + (size_t)length] = '\0';
    }
    return ELOOP;
}

/* Opens the folder of the target and finds its name: cuts the path there. 0 or errno. */
static int open_folder(draft *d, char *path) {
    char *slash = strrchr(path, '/');
    d->target = slash != NULL ? slash + 1 : path;
    if (d->target[0] == '\0')
        return path[0] != '\0' ? EISDIR : ENOENT;
    const char *folder = slash == NULL ? "." : slash == path ? "/" : path;
    if (slash != NULL)
        *slash = '\0';
    d->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return d->folder < 0 ? errno : 0;
}

/* ---- the draft ---- */

static int is_named(const draft *d, int descriptor) {
    struct stat own, named;
    return fstat(descriptor, &own) == 0 &&
           fstatat(d->folder, d->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev == named.st_dev && own.st_ino == named.st_ino;
}

/* 1 if the draft was left by a killed run, and is now removed. */
static int remove_stale(const draft *d) {
    int descriptor =
        openat(d->folder, d->name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return 0;
    /* under a lock, the name is still this file's only if no living writer had it */
    int stale = flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_named(d, descriptor) &&
                unlinkat(d->folder, d->name, 0) == 0;
    close(descriptor);
    return stale;
}

/* Makes the draft, locked where there are locks. 0 or errno, EEXIST if it is another's. */
static int create(draft *d) {
    int descriptor =
        openat(d->folder, d->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, d->mode);
    if (descriptor < 0)
        return errno;
    int lost = flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (lost || !is_named(d, descriptor)) { /* somebody took it for stale, and removes it */
        close(descriptor);
        return EEXIST;
    }
    d->descriptor = descriptor;
    return 0;
}

/* 0 or errno. */
static int open_draft(draft *d) {
    for (int i = 0; i < DRAFTS; i++) {
        snprintf(d->name, sizeof d->name, ".%.200s.icl-%d", d->target, i);
        int error = create(d);
        if (error == EEXIST && remove_stale(d))
            error = create(d);
        if (error != EEXIST)
            return error;
    }
    return EBUSY;
}

/* ---- writing ---- */

static int write_piece(int descriptor, icl_bytes piece) {
    const char *from = piece.at;
    size_t left = piece.size;
    while (left > 0) {
        ssize_t written = write(descriptor, from, left < LARGEST_WRITE ? left : LARGEST_WRITE);
        if (written < 0 && errno != EINTR)
            return errno;
        if (written > 0) {
            from += written;
            left -= (size_t)written;
        }
    }
    return 0;
}

static int write_all(int descriptor, const icl_bytes *pieces, int64_t count) {
    int error = 0;
    for (int64_t i = 0; i < count && error == 0; i++)
        error = write_piece(descriptor, pieces[i]);
    return error;
}

static int sync_descriptor(int descriptor) {
    int error;
    do
        error = fsync(descriptor) == 0 ? 0 : errno;
    while (error == EINTR);
    return error;
}

/* EINVAL: the file system has no such thing. */
static int sync_folder(int descriptor) {
    int error = sync_descriptor(descriptor);
    return error == EINVAL ? 0 : error;
}

static int write_draft(const draft *d, const icl_bytes *pieces, int64_t count) {
    int error = write_all(d->descriptor, pieces, count);
    if (error == 0 && d->exists && fchmod(d->descriptor, d->mode) != 0)
        error = errno;
    return error != 0 ? error : sync_descriptor(d->descriptor);
}

/* The lock is held until the name is gone. */
static int rename_draft(const draft *d) {
    if (!is_named(d, d->descriptor))
        return EBUSY;
    return renameat(d->folder, d->name, d->folder, d->target) == 0 ? 0 : errno;
}

static int replace(draft *d, char *path, const icl_bytes *pieces, int64_t count) {
    int error = open_folder(d, path);
    if (error == 0)
        error = open_draft(d);
    if (d->descriptor >= 0) {
        error = write_draft(d, pieces, count);
        if (error == 0)
            error = rename_draft(d);
        if (error != 0 && is_named(d, d->descriptor))
            unlinkat(d->folder, d->name, 0);
        close(d->descriptor);
    }
    if (error == 0)
        error = sync_folder(d->folder);
    if (d->folder >= 0)
        close(d->folder);
    return error;
}

static int write_in_place(const char *path, const icl_bytes *pieces, int64_t count) {
    int descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (descriptor < 0)
        return errno;
    int error = write_all(descriptor, pieces, count);
    return close(descriptor) != 0 && error == 0 ? errno : error;
}

static int write_file(const char *path, char *copy, const icl_bytes *pieces, int64_t count) {
    struct stat old;
    draft d = {.folder = -1, .descriptor = -1};
    d.exists = stat(path, &old) == 0;
    if (!d.exists && errno != ENOENT)
        return errno;
    if (d.exists && S_ISCHR(old.st_mode))
        return write_in_place(path, pieces, count);
    if (d.exists && !S_ISREG(old.st_mode))
        return S_ISDIR(old.st_mode) ? EISDIR : ICL_NOT_REGULAR;
    if (d.exists && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
        return errno;
    d.mode = d.exists ? old.st_mode & 0777 : 0666;
    if (strlen(path) >= PATH_SIZE)
        return ENAMETOOLONG;
    strcpy(copy, path);
    int error = follow_links(copy, copy + PATH_SIZE);
    return error != 0 ? error : replace(&d, copy, pieces, count);
}

icl_status icl_file_replace(const icl_context *context, const char *function, const char *path,
                            const icl_bytes *pieces, int64_t count) {
    char *copy;
    ICL_TRY(ICL_NEW(context, &copy, 2 * PATH_SIZE));
    int error = write_file(path, copy, pieces, count);
    icl_dealloc(context, copy);
    return error == 0 ? ICL_OK : icl_file_fail(context, function, "write", path, error);
}
