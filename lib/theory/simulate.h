/* Means over simulated prompts. */
#ifndef ICL_THEORY_SIMULATE_H
#define ICL_THEORY_SIMULATE_H

#include <icl/theory.h>

#include "base/tally.h"
#include "task/batch.h"

typedef struct icl_run {
    const icl_law *law; /* the prompts' */
    const icl_simulation *simulation;
    uint32_t contents; /* of the batch that measure sees */
    int64_t width;     /* values a prompt */
    int64_t room;      /* doubles of work space that measure wants */
    int serial;        /* 1: measure runs on the calling thread only */
    /* values (width) of prompt number `prompt` of the batch */
    icl_status (*measure)(void *user, const icl_batch *batch, int64_t prompt, double *room,
                          double *values);
    void *user;
    double *kept; /* prompts x width: every value; NULL: only the tallies */
} icl_run;

/* Adds every prompt 0..prompts-1, in order, to tallies (width): bits depend on nothing else. */
icl_status icl_simulate(const icl_run *run, icl_tally *tallies);

/* The caller's simulation, or NULL, is usable. */
icl_status icl_check_simulation(const icl_context *context, const char *function,
                                const icl_simulation *simulation);

#endif
