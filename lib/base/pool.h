/* A pool of worker threads that share out numbered blocks. */
#ifndef ICL_BASE_POOL_H
#define ICL_BASE_POOL_H

#include "base/context.h"

typedef struct icl_pool icl_pool;

/* threads - 1 workers; *out is NULL for threads = 1. */
icl_status icl_pool_create(const icl_context *context, int64_t threads, icl_pool **out);
void icl_pool_free(const icl_context *context, icl_pool *pool);
icl_status icl_pool_run(icl_pool *pool, int64_t blocks, icl_work_fn work, void *user);

#endif
