/* The options that all examples take. */
#ifndef EXAMPLES_COMMON_OPTIONS_H
#define EXAMPLES_COMMON_OPTIONS_H

#include "example.h"

/* Makes e->options: the program's own, then the common ones, with the program's presets. 0, or -1
 * if memory ran out. */
int common_options(example *e);

#endif
