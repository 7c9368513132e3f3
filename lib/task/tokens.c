/* A batch as the tokens that networks read. */
#include <string.h>

#include "task/batch.h"

/* Tokens of d + 1 numbers, d entries of x each. */
static void write_columns(const icl_batch *batch, int64_t prompt, const double *query,
                          double *out) {
    int64_t d = batch->dim, n = batch->examples;
    for (int64_t i = 0; i <= n; i++, out += d + 1) {
        const double *x = i < n ? batch->X + (prompt * n + i) * d : query;
        memcpy(out, x, (size_t)d * sizeof *x);
        out[d] = i < n ? batch->y[prompt * n + i] : 0;
    }
}

static void write_interleaved(const icl_batch *batch, int64_t prompt, const double *query,
                              double *out) {
    int64_t d = batch->dim, n = batch->examples;
    for (int64_t i = 0; i < n; i++, out += 2 * d) {
        memcpy(out, batch->X + (prompt * n + i) * d, (size_t)d * sizeof *out);
        memset(out + d, 0, (size_t)d * sizeof *out);
        out[d] = batch->y[prompt * n + i];
    }
    memcpy(out, query, (size_t)d * sizeof *out);
}

icl_status icl_batch_tokens(const icl_batch *batch, icl_layout layout, int64_t query, double *out) {
    if (batch == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_context *context = batch->context;
    int64_t B = batch->prompts, d = batch->dim, n = batch->examples, q = batch->queries;
    int columns = layout == ICL_LAYOUT_COLUMNS;
    ICL_CHECK_RANGE(context, layout, 0, ICL_LAYOUT_INTERLEAVED);
    ICL_CHECK_RANGE(context, query, 0, q - 1);
    ICL_REQUIRE_POINTER(context, out);
    ICL_REQUIRE(context, n == 0 || batch->X != NULL, ICL_ERR_MISSING,
                "%s: the batch holds no examples (ICL_CONTENTS_EXAMPLES)", __func__);
    int64_t size = columns ? (n + 1) * (d + 1) : (2 * n + 1) * d;
    for (int64_t p = 0; p < B; p++)
        (columns ? write_columns : write_interleaved)(
            batch, p, batch->query_rows + (p * q + query) * d, out + p * size);
    return ICL_OK;
}
