/* Predictions, loss and gradient of a model over a batch: blocks of fixed size on any number of
 * threads, their partial sums added in the order of the blocks. */
#include <string.h>

#include "layer/linear_attention.h"
#include "model/parameters.h"
#include "task/batch.h"

/* Doubles of a partial sum: loss, gp (D), gQ (D x d). */
static int64_t partial_size(int64_t d) {
    return 1 + (d + 1) * (d + 1);
}

/* Entries of lanes that a block needs: h, k, backward's work, prediction, error, partial sums. */
static int64_t lane_entries(int64_t d, int64_t q) {
    return 4 * d + 2 + 2 * q + partial_size(d);
}

static int64_t block_count(int64_t prompts) {
    const int64_t block = ICL_BLOCK_GROUPS * ICL_LANES;
    return (prompts + block - 1) / block;
}

icl_status icl_model_workspace_create(const icl_model *model, int64_t prompts, int64_t queries,
                                      icl_model_workspace *out) {
    const icl_context *context = model->context;
    int64_t d = model->dim;
    *out = (icl_model_workspace){.dim = d, .prompts = prompts, .queries = queries};
    icl_status status;
    ICL_TRY_GOTO(icl_scratch_create(context, ICL_LANES * lane_entries(d, queries), &out->scratch),
                 fail);
    ICL_TRY_GOTO(ICL_NEW(context, &out->partial,
                         icl_product(block_count(prompts), partial_size(d), 1)),
                 fail);
    ICL_TRY_GOTO(ICL_NEW(context, &out->readout, 2 * partial_size(d) + model->count), fail);
    return ICL_OK;
fail:
    icl_model_workspace_free(model, out);
    return status;
}

void icl_model_workspace_free(const icl_model *model, icl_model_workspace *workspace) {
    icl_scratch_free(model->context, workspace->scratch);
    icl_dealloc(model->context, workspace->partial);
    icl_dealloc(model->context, workspace->readout);
    *workspace = (icl_model_workspace){0};
}

typedef struct loss_work {
    const icl_batch *batch;
    const icl_attention_kernels *kernels;
    const icl_model_workspace *workspace;
    const double *p, *Q;
    int gradient;
    double *prediction; /* B x q, or NULL: then losses are wanted */
} loss_work;

/* Views into a slot of scratch. */
typedef struct lanes {
    double *h, *k, *work, *prediction, *error, *sums;
} lanes;

static lanes lanes_of(double *slot, int64_t d, int64_t q) {
    lanes l;
    l.h = slot;
    l.k = l.h + ICL_LANES * (d + 1);
    l.work = l.k + ICL_LANES * d;
    l.prediction = l.work + ICL_LANES * (2 * d + 1);
    l.error = l.prediction + ICL_LANES * q;
    l.sums = l.error + ICL_LANES * q;
    return l;
}

static void store_predictions(const icl_batch *batch, int64_t group, const double *lane,
                              double *out) {
    int64_t q = batch->queries;
    for (int64_t l = 0; l < ICL_LANES && group * ICL_LANES + l < batch->prompts; l++)
        for (int64_t a = 0; a < q; a++)
            out[(group * ICL_LANES + l) * q + a] = lane[ICL_LANES * a + l];
}

static icl_status run_block(void *user, int64_t block) {
    const loss_work *w = user;
    const icl_batch *batch = w->batch;
    int64_t d = batch->dim, D = d + 1, q = batch->queries;
    int64_t end = (block + 1) * ICL_BLOCK_GROUPS;
    if (end > batch->groups)
        end = batch->groups;
    double *slot = icl_scratch_take(w->workspace->scratch);
    lanes l = lanes_of(slot, d, q);
    double *gp = l.sums + ICL_LANES, *gQ = gp + ICL_LANES * D;
    memset(l.sums, 0, (size_t)(ICL_LANES * partial_size(d)) * sizeof(double));
    for (int64_t group = block * ICL_BLOCK_GROUPS; group < end; group++) {
        const double *gram = batch->gram + group * ICL_LANES * D * D;
        const double *query = batch->query + group * ICL_LANES * q * d;
        w->kernels->forward(d, q, gram, w->p, w->Q, query, l.h, l.k, l.prediction);
        if (w->prediction != NULL) {
            store_predictions(batch, group, l.prediction, w->prediction);
            continue;
        }
        w->kernels->residual(q, l.prediction, batch->target + group * ICL_LANES * q, l.error,
                             l.sums);
        if (w->gradient)
            w->kernels->backward(d, q, gram, w->Q, query, l.error, l.h, l.work, gp, gQ);
    }
    if (w->prediction == NULL)
        w->kernels->sum_lanes(w->gradient ? partial_size(d) : 1, l.sums,
                              w->workspace->partial + block * partial_size(d));
    icl_scratch_give(w->workspace->scratch, slot);
    return ICL_OK;
}

/* total (size) = sum of the blocks' partial sums, times scale */
static void add_blocks(int64_t blocks, int64_t stride, int64_t size, const double *partial,
                       double scale, double *total) {
    memset(total, 0, (size_t)size * sizeof *total);
    for (int64_t b = 0; b < blocks; b++)
        for (int64_t i = 0; i < size; i++)
            total[i] += partial[b * stride + i];
    for (int64_t i = 0; i < size; i++)
        total[i] *= scale;
}

icl_status icl_model_loss_in(const icl_model *model, const icl_batch *batch,
                             const icl_model_workspace *workspace, double *loss, double *gradient) {
    int64_t d = model->dim, D = d + 1, size = partial_size(d);
    double *p = workspace->readout, *Q = p + D, *total = p + size, *pulled = total + size;
    icl_model_readout(model, p, Q);
    loss_work work = {.batch = batch,
                      .kernels = icl_attention_kernels_of(model->context),
                      .workspace = workspace,
                      .p = p,
                      .Q = Q,
                      .gradient = gradient != NULL};
    int64_t blocks = block_count(batch->prompts);
    icl_parallel(model->context, blocks, run_block, &work);
    double count = (double)batch->prompts * (double)batch->queries;
    add_blocks(blocks, size, gradient != NULL ? size : 1, workspace->partial, 1 / count, total);
    if (!icl_all_finite(total, gradient != NULL ? size : 1))
        return ICL_ERR_DIVERGED;
    if (gradient != NULL) {
        for (int64_t i = 1; i < size; i++)
            total[i] *= 2;
        icl_model_readout_pullback(model, total + 1, total + 1 + D, pulled);
        if (!icl_all_finite(pulled, model->count))
            return ICL_ERR_DIVERGED;
        memcpy(gradient, pulled, (size_t)model->count * sizeof *gradient);
    }
    *loss = total[0];
    return ICL_OK;
}

static icl_status check_batch(const icl_model *model, const char *function,
                              const icl_batch *batch) {
    ICL_REQUIRE(model->context, batch != NULL, ICL_ERR_ARGUMENT, "%s: batch is NULL", function);
    ICL_REQUIRE(model->context, batch->dim == model->dim, ICL_ERR_SHAPE,
                "%s: the batch has dim %lld, the model %lld", function, (long long)batch->dim,
                (long long)model->dim);
    return ICL_OK;
}

icl_status icl_model_loss(const icl_model *model, const icl_batch *batch, double *loss,
                          double *gradient) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, loss);
    ICL_TRY(check_batch(model, __func__, batch));
    icl_model_workspace workspace;
    ICL_TRY(icl_model_workspace_create(model, batch->prompts, batch->queries, &workspace));
    icl_status status = icl_model_loss_in(model, batch, &workspace, loss, gradient);
    icl_model_workspace_free(model, &workspace);
    ICL_REQUIRE(model->context, status == ICL_OK, status,
                "icl_model_loss: the loss or its gradient is not finite");
    return ICL_OK;
}

icl_status icl_model_predict(const icl_model *model, const icl_batch *batch, double *prediction) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, prediction);
    ICL_TRY(check_batch(model, __func__, batch));
    icl_model_workspace workspace;
    ICL_TRY(icl_model_workspace_create(model, batch->prompts, batch->queries, &workspace));
    double *p = workspace.readout, *Q = p + model->dim + 1;
    icl_model_readout(model, p, Q);
    loss_work work = {.batch = batch,
                      .kernels = icl_attention_kernels_of(model->context),
                      .workspace = &workspace,
                      .p = p,
                      .Q = Q,
                      .prediction = prediction};
    icl_status status =
        icl_parallel(model->context, block_count(batch->prompts), run_block, &work);
    icl_model_workspace_free(model, &workspace);
    return status;
}

static icl_status predict_through(const void *self, const icl_batch *batch, double *prediction) {
    return icl_model_predict(self, batch, prediction);
}

icl_status icl_model_predictor(const icl_model *model, icl_predictor *out) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, out);
    *out = (icl_predictor){predict_through, model};
    return ICL_OK;
}
