#include "support/folder.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

folder make_folder(void) {
    folder f;
    const char *parent = getenv("TMPDIR");
    snprintf(f.path, sizeof f.path, "%s/libicl-test-XXXXXX", parent != NULL ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(f.path));
    return f;
}

void remove_folder(const folder *f, const char *const *names) {
    char path[FOLDER_PATH];
    for (; *names != NULL; names++)
        ck_assert_msg(unlink(in_folder(f, *names, path)) == 0, "%s is not there", path);
    ck_assert_msg(rmdir(f->path) == 0, "%s holds %d more files", f->path, count_files(f));
}

int count_files(const folder *f) {
    DIR *open = opendir(f->path);
    ck_assert_ptr_nonnull(open);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(open);
    return count;
}

const char *in_folder(const folder *f, const char *name, char path[FOLDER_PATH]) {
    snprintf(path, FOLDER_PATH, "%s/%s", f->path, name);
    return path;
}

contents read_contents(const char *path) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    contents c = {.size = (size_t)ftell(file)};
    rewind(file);
    c.bytes = malloc(c.size + 1);
    ck_assert_ptr_nonnull(c.bytes);
    ck_assert_uint_eq(fread(c.bytes, 1, c.size, file), c.size);
    fclose(file);
    return c;
}

void write_contents(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    ck_assert_msg(file != NULL, "%s cannot be opened", path);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

void assert_contents(const char *path, const void *bytes, size_t size) {
    contents c = read_contents(path);
    ck_assert_msg(c.size == size && memcmp(c.bytes, bytes, size) == 0, "%s has changed", path);
    free(c.bytes);
}
