/* The fit of one layer as an object: prompts go in, batch after batch. */
#include "train/fit.h"

#include <math.h>
#include <string.h>

#include "task/batch.h"

enum { MOST_DIM = 4096 };

icl_status icl_fit_create(icl_context *context, int64_t dim, icl_fit **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    ICL_CHECK_RANGE(context, dim, 1, MOST_DIM);
    icl_fit *fit;
    ICL_TRY(ICL_NEW(context, &fit, 1));
    fit->context = icl_context_retain(context);
    fit->dim = dim;
    *out = fit;
    return ICL_OK;
}

void icl_fit_free(icl_fit *fit) {
    if (fit == NULL)
        return;
    icl_context *context = fit->context;
    icl_dealloc(context, fit->block);
    icl_dealloc(context, fit);
    icl_context_free(context);
}

void icl_fit_clear(icl_fit *fit) {
    if (fit != NULL)
        fit->rows = 0;
}

int64_t icl_fit_dim(const icl_fit *fit) {
    return fit != NULL ? fit->dim : 0;
}

int64_t icl_fit_rows(const icl_fit *fit) {
    return fit != NULL ? fit->rows : 0;
}

static icl_status make_room(icl_fit *fit, int64_t rows) {
    if (rows <= fit->room)
        return ICL_OK;
    int64_t d = fit->dim, room = fit->room + fit->room / 2;
    if (room < rows)
        room = rows;
    double *block;
    ICL_TRY(ICL_NEW(fit->context, &block, icl_product(room, 2 * d + 2, 1)));
    double *h = block + room * d, *y = h + room * (d + 1);
    if (fit->rows > 0) {
        memcpy(block, fit->x, (size_t)(fit->rows * d) * sizeof *block);
        memcpy(h, fit->h, (size_t)(fit->rows * (d + 1)) * sizeof *block);
        memcpy(y, fit->y, (size_t)fit->rows * sizeof *block);
    }
    icl_dealloc(fit->context, fit->block);
    fit->block = fit->x = block;
    fit->h = h;
    fit->y = y;
    fit->room = room;
    return ICL_OK;
}

icl_status icl_fit_add(icl_fit *fit, const icl_batch *batch) {
    if (fit == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(fit->context, batch);
    int64_t d = fit->dim, D = d + 1, q = batch->queries, added = batch->prompts * q;
    ICL_REQUIRE(fit->context, batch->dim == d, ICL_ERR_SHAPE,
                "%s: the batch has dim %lld, the fit %lld", __func__, (long long)batch->dim,
                (long long)d);
    ICL_TRY(make_room(fit, fit->rows + added));
    double *x = fit->x + fit->rows * d, *h = fit->h + fit->rows * D, *y = fit->y + fit->rows;
    memcpy(x, batch->query_rows, (size_t)(added * d) * sizeof *x);
    memcpy(y, batch->target_rows, (size_t)added * sizeof *y);
    for (int64_t p = 0; p < batch->prompts; p++) {
        double *row = h + p * q * D;
        icl_batch_moments(batch, p, NULL, row, row + d);
        for (int64_t i = 0; i < d; i++)
            row[i] *= (double)d;
        ICL_REQUIRE(fit->context, icl_all_finite(row, D), ICL_ERR_NONFINITE,
                    "%s: the features of prompt %lld overflow", __func__, (long long)p);
        for (int64_t j = 1; j < q; j++)
            memcpy(row + j * D, row, (size_t)D * sizeof *row);
    }
    fit->rows += added;
    return ICL_OK;
}

icl_status icl_fit_model(icl_context *context, int64_t dim, const double *gamma, icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    ICL_CHECK_RANGE(context, dim, 1, MOST_DIM);
    int64_t d = dim, D = d + 1;
    ICL_CHECK_ARRAY(context, gamma, d * D);
    icl_model_options o;
    ICL_TRY(icl_model_options_init(&o, sizeof o));
    o.dim = d;
    o.init = ICL_INIT_ZERO;
    icl_model *model = NULL;
    double *P = NULL;
    icl_status status;
    ICL_TRY_GOTO(icl_model_create(context, &o, &model), failed);
    ICL_TRY_GOTO(ICL_NEW(context, &P, 2 * D * D), failed);
    double *Q = P + D * D;
    P[D * D - 1] = 1;
    for (int64_t i = 0; i < d; i++) {
        for (int64_t j = 0; j < d; j++)
            Q[j * D + i] = (double)d * gamma[i * D + j];
        Q[d * D + i] = gamma[i * D + d];
    }
    ICL_TRY_GOTO(icl_model_set(model, "P", P), failed);
    ICL_TRY_GOTO(icl_model_set(model, "Q", Q), failed);
    icl_dealloc(context, P);
    *out = model;
    return ICL_OK;
failed:
    icl_dealloc(context, P);
    icl_model_free(model);
    return status;
}
