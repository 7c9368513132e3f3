/* Work space for the blocks of a parallel run: one slot a thread of the context, taken for the
 * length of a block and given back, so that nothing is allocated while blocks run. For objects
 * that one thread at a time uses. */
#ifndef ICL_BASE_SCRATCH_H
#define ICL_BASE_SCRATCH_H

#include "base/context.h"

typedef struct icl_scratch icl_scratch;

/* Slots of `doubles` doubles, each on a 64-byte boundary. */
icl_status icl_scratch_create(const icl_context *context, int64_t doubles, icl_scratch **out);
void icl_scratch_free(const icl_context *context, icl_scratch *scratch);

/* A free slot: there is always one for each thread of a run. Its contents are undefined. */
double *icl_scratch_take(icl_scratch *scratch);
void icl_scratch_give(icl_scratch *scratch, double *slot);

#endif
