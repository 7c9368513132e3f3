/* A least-squares fit of one layer from the inside: the rows (x_q, h, target) that it has seen. */
#ifndef ICL_TRAIN_FIT_H
#define ICL_TRAIN_FIT_H

#include <icl/train.h>

#include "base/context.h"

struct icl_fit {
    icl_context *context;
    int64_t dim;        /* d */
    int64_t rows, room; /* used, and what the block has place for */
    double *block;      /* holds the three below */
    double *x, *h, *y;  /* room x d, room x (d + 1), room */
};

#endif
