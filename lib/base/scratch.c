#include "base/scratch.h"

#include <stdatomic.h>

struct icl_scratch {
    double *memory;
    int64_t stride; /* doubles from slot to slot */
    int64_t slots;
    atomic_flag taken[];
};

icl_status icl_scratch_create(const icl_context *context, int64_t doubles, icl_scratch **out) {
    *out = NULL;
    int64_t slots = icl_context_threads(context);
    void *memory;
    ICL_TRY(
        icl_alloc(context, 1, sizeof(icl_scratch) + (size_t)slots * sizeof(atomic_flag), &memory));
    icl_scratch *scratch = memory;
    scratch->slots = slots;
    /* a line between slots keeps threads off each other's cache lines */
    scratch->stride = doubles <= INT64_MAX / 2 ? (doubles | 7) + 9 : INT64_MAX;
    for (int64_t i = 0; i < slots; i++)
        atomic_flag_clear(&scratch->taken[i]);
    icl_status status = ICL_NEW(context, &scratch->memory, icl_product(slots, scratch->stride, 1));
    if (status != ICL_OK) {
        icl_scratch_free(context, scratch);
        return status;
    }
    *out = scratch;
    return ICL_OK;
}

void icl_scratch_free(const icl_context *context, icl_scratch *scratch) {
    if (scratch == NULL)
        return;
    icl_dealloc(context, scratch->memory);
    icl_dealloc(context, scratch);
}

double *icl_scratch_take(icl_scratch *scratch) {
    for (int64_t i = 0;; i = (i + 1) % scratch->slots)
        if (!atomic_flag_test_and_set_explicit(&scratch->taken[i], memory_order_acquire))
            return scratch->memory + i * scratch->stride;
}

void icl_scratch_give(icl_scratch *scratch, double *slot) {
    int64_t i = (slot - scratch->memory) / scratch->stride;
    atomic_flag_clear_explicit(&scratch->taken[i], memory_order_release);
}
