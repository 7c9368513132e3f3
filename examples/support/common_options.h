/* The options that all examples take. */
#ifndef EXAMPLES_COMMON_OPTIONS_H
#define EXAMPLES_COMMON_OPTIONS_H

#include "example.h"

/* Makes e->options: the program's own, then the common ones that it takes, with the program's
 * presets. 0, or -1 with a message (see options.h). */
int common_options(example *e, char *message);

#endif
