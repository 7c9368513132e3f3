/* A folder of the test's own, and files in it that are read and compared as a whole. */
#ifndef ICL_TESTS_FOLDER_H
#define ICL_TESTS_FOLDER_H

#include <stddef.h>

enum { FOLDER_PATH = 512 };

typedef struct folder {
    char path[FOLDER_PATH / 2];
} folder;

/* Makes an empty folder in $TMPDIR or /tmp. */
folder make_folder(void);
/* Removes the folder, which must hold these files (NULL at the end) and nothing else. */
void remove_folder(const folder *f, const char *const *names);
#define REMOVE_FOLDER(f, ...) remove_folder((f), (const char *const[]){__VA_ARGS__, NULL})
/* Files in the folder. */
int count_files(const folder *f);

/* The path of a name in the folder, in path. */
const char *in_folder(const folder *f, const char *name, char path[FOLDER_PATH]);

typedef struct contents {
    unsigned char *bytes;
    size_t size;
} contents;

/* The bytes of a file that must be there; free(bytes). */
contents read_contents(const char *path);
void write_contents(const char *path, const void *bytes, size_t size);
/* The file holds these bytes. */
void assert_contents(const char *path, const void *bytes, size_t size);

#endif
