/* Simulation: chunks of prompts are drawn, measured in parallel by fixed blocks, and tallied in
 * the order of the prompts, so that neither threads nor the size of a chunk change a bit. */
#include "theory/simulate.h"

#include <math.h>
#include <string.h>

#include "base/scratch.h"

enum { BLOCK = 16, CHUNK = 1024 };

icl_status icl_check_simulation(const icl_context *context, const char *function,
                                const icl_simulation *simulation) {
    if (simulation == NULL)
        return ICL_OK;
    ICL_TRY(icl_check_seed(context, function, "simulation.seed", simulation->seed));
    return icl_check_range(context, function, "simulation.prompts", simulation->prompts, 2,
                           INT64_C(1) << 60);
}

typedef struct chunk {
    const icl_run *run;
    icl_sampler *sampler;
    icl_batch *batch;
    icl_scratch *scratch;
    double *values;  /* prompts x width */
    int64_t prompts; /* in this chunk; the batch may hold more */
} chunk;

static icl_status measure_block(void *user, int64_t block) {
    chunk *c = user;
    const icl_run *run = c->run;
    double *room = icl_scratch_take(c->scratch);
    int64_t first = block * BLOCK;
    int64_t last = first + BLOCK < c->prompts ? first + BLOCK : c->prompts;
    icl_status status = ICL_OK;
    for (int64_t p = first; p < last && status == ICL_OK; p++)
        status = run->measure(run->user, c->batch, p, room, c->values + p * run->width);
    icl_scratch_give(c->scratch, room);
    return status;
}

static icl_status measure_chunk(chunk *c) {
    int64_t blocks = (c->prompts + BLOCK - 1) / BLOCK;
    if (c->run->serial) {
        for (int64_t block = 0; block < blocks; block++)
            ICL_TRY(measure_block(c, block));
        return ICL_OK;
    }
    icl_status status = icl_parallel(c->run->law->context, blocks, measure_block, c);
    return status == ICL_OK
               ? ICL_OK
               : icl_fail(c->run->law->context, status, "simulation: %s", icl_status_text(status));
}

/* Prompts a chunk, so that a chunk of long prompts holds some megabytes. */
static int64_t chunk_size(const icl_run *run) {
    int64_t d = run->law->dim, entries = (run->law->examples + d + 1) * (d + 1) + run->width;
    int64_t size = (INT64_C(1) << 22) / entries;
    size = size < 8 ? 8 : size > CHUNK ? CHUNK : size;
    return size < run->simulation->prompts ? size : run->simulation->prompts;
}

icl_status icl_simulate(const icl_run *run, icl_tally *tallies) {
    icl_context *context = run->law->context;
    chunk c = {.run = run};
    icl_status status;
    int64_t size = chunk_size(run), total = run->simulation->prompts;
    ICL_TRY_GOTO(icl_sampler_of(context, run->law, run->simulation->seed, &c.sampler), done);
    ICL_TRY_GOTO(icl_sampler_batch(c.sampler, size, 1, run->contents, &c.batch), done);
    ICL_TRY_GOTO(icl_scratch_create(context, run->room, &c.scratch), done);
    ICL_TRY_GOTO(ICL_NEW(context, &c.values, size * run->width), done);
    for (int64_t first = 0; first < total; first += size) {
        c.prompts = total - first < size ? total - first : size;
        ICL_TRY_GOTO(icl_sampler_draw(c.sampler, first, c.batch), done);
        ICL_TRY_GOTO(measure_chunk(&c), done);
        if (run->kept != NULL)
            memcpy(run->kept + first * run->width, c.values,
                   (size_t)(c.prompts * run->width) * sizeof *c.values);
        for (int64_t p = 0; p < c.prompts; p++)
            for (int64_t i = 0; i < run->width; i++)
                icl_tally_add(&tallies[i], c.values[p * run->width + i]);
    }
done:
    icl_dealloc(context, c.values);
    icl_scratch_free(context, c.scratch);
    icl_batch_free(c.batch);
    icl_sampler_free(c.sampler);
    return status;
}
