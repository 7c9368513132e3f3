/* A batch from the inside.
 *
 * Prompts lie in groups of eight, one a lane: entry e of prompt p is a[(group * entries + e) * 8 +
 * lane] with group = p / 8, lane = p mod 8. Lanes beyond B are zero, so that they add nothing to
 * any loss or gradient.
 */
#ifndef ICL_TASK_BATCH_H
#define ICL_TASK_BATCH_H

#include <icl/task.h>

#include "base/context.h"

enum { ICL_LANES = 8 };

struct icl_batch {
    icl_context *context;
    int64_t prompts, dim, examples, queries;
    uint32_t contents;
    int64_t groups;  /* ceil(B / 8) */
    /* lanes */
    double *gram;    /* groups x D x D: [S b; b^T s_yy], whole */
    double *query;   /* groups x q x d */
    double *target;  /* groups x q */
    /* row-major, NULL where contents leave them out */
    double *X, *y, *task, *S, *b, *syy;
    double *query_rows;  /* B x q x d, always there */
    double *target_rows; /* B x q, always there */
};

/* Moments of prompt p: S (d x d), b (d); *syy. Any may be NULL. */
void icl_batch_moments(const icl_batch *batch, int64_t prompt, double *S, double *b, double *syy);

#endif
