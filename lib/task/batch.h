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
#include "base/scratch.h"
#include "task/task_kernels.h"

enum { ICL_LANES = 8 };

struct icl_batch {
    icl_context *context;
    int64_t prompts, dim, examples, queries;
    uint32_t contents;
    int64_t groups; /* ceil(B / 8) */
    /* lanes */
    double *gram;   /* groups x D x D: [S b; b^T s_yy], whole */
    double *query;  /* groups x q x d */
    double *target; /* groups x q */
    /* row-major, NULL where contents leave them out */
    double *X, *y, *task, *S, *b, *syy;
    int64_t *index; /* B: place of the task in the pool, or -1; always there, as the next three */
    double *noise;  /* B */
    double *query_rows;   /* B x q x d */
    double *target_rows;  /* B x q */
    double *block;        /* holds all of the above */
    icl_scratch *scratch; /* see icl_batch_need_scratch */
    int64_t scratch_doubles;
    icl_batch *shadow; /* where label callbacks may fail: filled first, then exchanged */
};

/* Prompts a block of parallel work has: fixed, so that sums over blocks never change. */
enum { ICL_BLOCK_GROUPS = 8 };

/* Lanes of a group that hold a prompt: 8 but for the last group. */
int64_t icl_batch_lanes(const icl_batch *batch, int64_t group);

/* Examples that are handled at a time: a multiple of four, few enough to stay in cache. */
int64_t icl_batch_chunk(int64_t dim);

/* What is left to do when a group's moments, queries and targets lie in the lanes: empty lanes,
 * row-major copies. */
void icl_batch_finish_group(icl_batch *batch, int64_t group);

/* Sees to it that scratch has slots of that many doubles. */
icl_status icl_batch_need_scratch(icl_batch *batch, int64_t doubles);

/* Exchanges the contents of two batches of one shape. */
void icl_batch_swap(icl_batch *a, icl_batch *b);
icl_status icl_batch_need_shadow(icl_batch *batch);

/* Another n for a batch that does not hold its examples; its prompts are then to be drawn anew. */
void icl_batch_set_context(icl_batch *batch, int64_t n);

/* A batch with the prompts, contents, tasks and noise levels of another, but other examples (B x t
 * x d, B x t) and queries (B x q x d); targets are 0. */
icl_status icl_batch_like(const icl_batch *batch, int64_t t, int64_t q, const double *X,
                          const double *y, const double *queries, icl_batch **out);

/* Moments of prompt p: S (d x d), b (d); *syy. Any may be NULL. */
void icl_batch_moments(const icl_batch *batch, int64_t prompt, double *S, double *b, double *syy);

#endif
