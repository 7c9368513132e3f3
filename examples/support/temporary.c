/* Temporary files. */
#include "temporary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 512 };

const char *temporary_path(example *e, const char *name) {
    const char *root = getenv("TMPDIR");
    char *path = (char *)(void *)example_array(e, PATH / (int64_t)sizeof(double));
    snprintf(path, PATH, "%.400s/libicl-XXXXXX", root && root[0] ? root : "/tmp");
    if (!mkdtemp(path))
        example_refuse(e, "%s: %s", path, strerror(errno));
    snprintf(path + strlen(path), PATH - strlen(path), "/%.60s", name);
    return path;
}

void temporary_drop(const char *path) {
    char folder[PATH];
    snprintf(folder, sizeof folder, "%s", path);
    unlink(folder);
    *strrchr(folder, '/') = '\0';
    rmdir(folder);
}
