/* A file in a folder of its own, in $TMPDIR or /tmp. */
#ifndef EXAMPLES_TEMPORARY_H
#define EXAMPLES_TEMPORARY_H

#include "example.h"

/* The path of a file that is not there yet; lives until example_end. */
const char *temporary_path(example *e, const char *name);
/* Removes the file and its folder. */
void temporary_drop(const char *path);

#endif
