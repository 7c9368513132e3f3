/* Predictions, loss and gradient of a model over a batch: blocks of fixed size on any number of
 * threads, their partial sums added in the order of the blocks. */
#include <string.h>

#include "linalg/linalg.h"
#include "model/workspace.h"
#include "task/batch.h"

/* Groups of eight prompts in a block: a function of the batch alone, at most MOST_BLOCKS blocks, as
 * each has a gradient of its own. */
enum { MOST_BLOCKS = 64 };

static int64_t block_groups(int64_t groups) {
    int64_t size = (groups + MOST_BLOCKS - 1) / MOST_BLOCKS;
    return size < ICL_BLOCK_GROUPS ? ICL_BLOCK_GROUPS : size;
}

static int64_t block_count(int64_t groups) {
    return (groups + block_groups(groups) - 1) / block_groups(groups);
}

/* ---- work space ---- */

/* What a block works in: views into a slot of scratch, `lanes` prompts an entry. */
typedef struct lanes {
    double *G;      /* L x D x D: of the first layer only where the batch's own does not serve */
    double *q;      /* (L + 1) x queries x D */
    double *PG, *N; /* L x heads x D x D, L x D x D */
    double *H, *qbar;
    double *work;
    double *prediction, *error, *target; /* queries */
    double *tail;                        /* the state of the last two layers */
    double *sums;                        /* the loss, then the packed gradient */
} lanes;

static int64_t lay_out(const icl_model *model, int64_t queries, int64_t lanes_per_entry,
                       double *base, lanes *l) {
    int64_t D = model->token, L = model->layers, H = model->heads, square = icl_product(D, D, 1);
    int64_t work = icl_attention_work(D, H, queries);
    int tailed = icl_tail_pays(model, D, queries);
    int64_t tail_work = tailed ? icl_attention_tail_work(D, H, H, queries) : 0;
    int64_t tail = tailed ? icl_attention_tail_entries(D, H, H, queries) : 0;
    const int64_t entries[] = {icl_product(L, square, 1),
                               icl_product(L + 1, queries, D),
                               icl_product(L, H, square),
                               icl_product(L, square, 1),
                               square,
                               icl_product(queries, D, 1),
                               work > tail_work ? work : tail_work,
                               queries,
                               queries,
                               queries,
                               tail,
                               icl_model_packed_most(model) + 1};
    double **views[] = {&l->G,    &l->q,          &l->PG,    &l->N,      &l->H,    &l->qbar,
                        &l->work, &l->prediction, &l->error, &l->target, &l->tail, &l->sums};
    int64_t used = 0;
    for (int i = 0; i < 12; i++) {
        if (base != NULL)
            *views[i] = base + used;
        int64_t size = icl_product(lanes_per_entry, (entries[i] + 7) & ~INT64_C(7), 1);
        if (__builtin_add_overflow(used, size, &used))
            return INT64_MAX;
    }
    return used;
}

icl_status icl_model_workspace_create(const icl_model *model, int64_t prompts, int64_t queries,
                                      icl_model_workspace *out) {
    return icl_model_workspace_create_with(
        model, prompts, queries, icl_attention_kernels_for(model->context, model->token), out);
}

icl_status icl_model_workspace_create_with(const icl_model *model, int64_t prompts, int64_t queries,
                                           const icl_attention_kernels *kernels,
                                           icl_model_workspace *out) {
    const icl_context *context = model->context;
    int64_t packed = icl_model_packed_most(model), groups = (prompts + ICL_LANES - 1) / ICL_LANES;
    int64_t pulled = model->token * model->token;
    *out = (icl_model_workspace){.queries = queries, .kernels = kernels};
    if (icl_tail_pays(model, model->token, queries))
        out->tail_kernels = kernels->lanes == 1 ? &icl_attention_tail_kernels_one_lane
                                                : icl_attention_tail_kernels_of(context);
    lanes unused;
    icl_status status;
    ICL_TRY_GOTO(ICL_NEW(context, &out->uses, model->layers), fail);
    ICL_TRY_GOTO(ICL_NEW(context, &out->weights, packed), fail);
    ICL_TRY_GOTO(ICL_NEW(context, &out->total, packed + 1), fail);
    if (out->tail_kernels != NULL)
        ICL_TRY_GOTO(ICL_NEW(context, &out->tail_rows,
                             icl_product(model->heads, model->heads + 1, model->token)),
                     fail);
    ICL_TRY_GOTO(ICL_NEW(context, &out->pulled, pulled > model->count ? pulled : model->count),
                 fail);
    ICL_TRY_GOTO(ICL_NEW(context, &out->partial, icl_product(block_count(groups), packed + 1, 1)),
                 fail);
    ICL_TRY_GOTO(icl_scratch_create(context,
                                    lay_out(model, queries, out->kernels->lanes, NULL, &unused),
                                    &out->scratch),
                 fail);
    return ICL_OK;
fail:
    icl_model_workspace_free(model, out);
    return status;
}

void icl_model_workspace_free(const icl_model *model, icl_model_workspace *workspace) {
    icl_scratch_free(model->context, workspace->scratch);
    icl_dealloc(model->context, workspace->uses);
    icl_dealloc(model->context, workspace->weights);
    icl_dealloc(model->context, workspace->total);
    icl_dealloc(model->context, workspace->tail_rows);
    icl_dealloc(model->context, workspace->pulled);
    icl_dealloc(model->context, workspace->partial);
    *workspace = (icl_model_workspace){0};
}

/* ---- prompts ---- */

typedef struct loss_work {
    const icl_model *model;
    const icl_batch *batch;
    const icl_model_workspace *workspace;
    int gradient;
    double *prediction; /* B x q, or NULL: then losses are wanted */
} loss_work;

/* The prompts that run side by side: a whole group, or one of its lanes. */
typedef struct prompts {
    int64_t first, count;                /* in the batch; count without empty lanes */
    int64_t lanes;                       /* of the kernels */
    const double *gram, *query, *target; /* the group's, from the first lane on */
} prompts;

/* to[e lanes + l] = from[8 e + l] for `entries` entries; strides for rows of `cols`. */
static void take(const prompts *p, const double *from, int64_t rows, int64_t cols, int64_t stride,
                 double *to) {
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < cols; j++)
            memcpy(to + (i * stride + j) * p->lanes, from + (i * cols + j) * ICL_LANES,
                   (size_t)p->lanes * sizeof *to);
}

/* The moments of tokens (x, 0, y) from those of (x, y). */
static const double *start_gram(const loss_work *w, const prompts *p, double *room) {
    int64_t d = w->model->dim, D = w->model->token, W = p->lanes;
    if (D == d + 1 && W == ICL_LANES)
        return p->gram;
    memset(room, 0, (size_t)(D * D * W) * sizeof *room);
    for (int64_t i = 0; i <= d; i++) {
        double *row = room + (i < d ? i : D - 1) * D * W;
        const double *from = p->gram + i * (d + 1) * ICL_LANES;
        take(p, from, 1, d, D, row);
        take(p, from + d * ICL_LANES, 1, 1, 1, row + (D - 1) * W);
    }
    return room;
}

/* Query tokens (x_q, 0, sign theta.x_q). */
static void start_queries(const loss_work *w, const prompts *p, double *q) {
    int64_t d = w->model->dim, D = w->model->token, W = p->lanes, count = w->batch->queries;
    const double *theta =
        w->workspace->guess >= 0 ? w->workspace->weights + w->workspace->guess : NULL;
    memset(q, 0, (size_t)(count * D * W) * sizeof *q);
    take(p, p->query, count, d, D, q);
    for (int64_t a = 0; theta != NULL && a < count; a++)
        for (int64_t j = 0; j < d; j++)
            for (int64_t l = 0; l < W; l++)
                q[(a * D + D - 1) * W + l] += w->model->sign * theta[j] * q[(a * D + j) * W + l];
}

static void add_guess_gradient(const loss_work *w, const lanes *l, int64_t W) {
    int64_t d = w->model->dim, D = w->model->token;
    double *gradient = l->sums + (1 + w->workspace->guess) * W;
    for (int64_t a = 0; a < w->batch->queries; a++)
        for (int64_t j = 0; j < d; j++)
            for (int64_t k = 0; k < W; k++)
                gradient[j * W + k] +=
                    w->model->sign * l->qbar[(a * D + D - 1) * W + k] * l->q[(a * D + j) * W + k];
}

/* ---- through the layers ---- */

static icl_attention_state state_of(const loss_work *w, const lanes *l, const double *gram,
                                    int64_t layer, int64_t W) {
    int64_t D = w->model->token, square = D * D * W, q = w->batch->queries * D * W;
    return (icl_attention_state){.G = layer == 0 ? gram : l->G + layer * square,
                                 .q = l->q + layer * q,
                                 .PG = l->PG + layer * w->model->heads * square,
                                 .N = l->N + layer * square};
}

static icl_attention_tail_state tail_state(const loss_work *w, const lanes *l, const double *gram) {
    int64_t D = w->model->token, L = w->model->layers, H = w->model->heads;
    int64_t q = w->batch->queries, columns = q + H, W = w->workspace->kernels->lanes;
    icl_attention_tail_state s;
    s.G = state_of(w, l, gram, L - 2, W).G;
    s.X = l->tail;
    s.next = s.X + columns * D * W;
    s.V = s.next + columns * D * W;
    s.left = s.V + H * H * D * W;
    s.S = s.left + icl_attention_tail_left(H, H, q) * D * W;
    s.n = s.S + H * columns * D * W;
    return s;
}

static void run_forward(const loss_work *w, const prompts *p, const lanes *l, const double *gram) {
    int64_t D = w->model->token, L = w->model->layers, W = p->lanes, q = w->batch->queries;
    int64_t whole = w->workspace->tailed ? L - 2 : L;
    for (int64_t k = 0; k < whole; k++) {
        icl_attention_state state = state_of(w, l, gram, k, W);
        double *next_G = k < L - 1 ? l->G + (k + 1) * D * D * W : NULL;
        w->workspace->kernels->forward(&w->workspace->uses[k].layer, q, &state, l->work, next_G,
                                       l->q + (k + 1) * q * D * W);
    }
    const double *last = l->q + whole * q * D * W;
    if (w->workspace->tailed) {
        icl_attention_tail_state s = tail_state(w, l, gram);
        memcpy(s.X, last, (size_t)(q * D * W) * sizeof *last);
        w->workspace->tail_kernels->forward(&w->workspace->tail, q, &s, l->prediction);
    }
    for (int64_t a = 0; a < q; a++)
        for (int64_t k = 0; k < W; k++)
            l->prediction[a * W + k] =
                w->model->sign *
                (w->workspace->tailed ? l->prediction[a * W + k] : last[(a * D + D - 1) * W + k]);
}

static icl_attention_gradient gradient_of(const loss_work *w, const lanes *l, int64_t layer,
                                          int64_t W) {
    const icl_layer_use *use = &w->workspace->uses[layer];
    double *sums = l->sums + W;
    return (icl_attention_gradient){use->train_P ? sums + use->P * W : NULL,
                                    use->train_Q ? sums + use->Q * W : NULL,
                                    use->train_R ? sums + use->R * W : NULL};
}

static void run_backward(const loss_work *w, const prompts *p, const lanes *l, const double *gram) {
    int64_t D = w->model->token, L = w->model->layers, W = p->lanes, q = w->batch->queries;
    int64_t whole = w->workspace->tailed ? L - 2 : L;
    for (int64_t e = 0; e < q * W; e++)
        l->error[e] *= w->model->sign;
    if (w->workspace->tailed) {
        icl_attention_tail_state s = tail_state(w, l, gram);
        icl_attention_gradient one = gradient_of(w, l, L - 2, W),
                               last = gradient_of(w, l, L - 1, W);
        w->workspace->tail_kernels->backward(&w->workspace->tail, q, &s, l->error, L > 2, l->work,
                                             l->H, l->qbar, &one, &last);
    } else {
        memset(l->qbar, 0, (size_t)(q * D * W) * sizeof(double));
        for (int64_t a = 0; a < q; a++)
            memcpy(l->qbar + (a * D + D - 1) * W, l->error + a * W, (size_t)W * sizeof(double));
    }
    for (int64_t k = whole - 1; k >= 0; k--) {
        icl_attention_state state = state_of(w, l, gram, k, W);
        icl_attention_gradient gradient = gradient_of(w, l, k, W);
        w->workspace->kernels->backward(&w->workspace->uses[k].layer, q, &state, k<L - 1, k> 0,
                                        l->work, l->H, l->qbar, &gradient);
    }
    if (w->workspace->guess >= 0)
        add_guess_gradient(w, l, W);
}

static void run_prompts(const loss_work *w, const prompts *p, const lanes *l) {
    int64_t q = w->batch->queries, W = p->lanes;
    const double *gram = start_gram(w, p, l->G);
    start_queries(w, p, l->q);
    run_forward(w, p, l, gram);
    if (w->prediction != NULL) {
        for (int64_t k = 0; k < p->count; k++)
            for (int64_t a = 0; a < q; a++)
                w->prediction[(p->first + k) * q + a] = l->prediction[W * a + k];
        return;
    }
    take(p, p->target, q, 1, 1, l->target);
    w->workspace->kernels->residual(q, l->prediction, l->target, l->error, l->sums);
    if (w->gradient)
        run_backward(w, p, l, gram);
}

static void run_group(const loss_work *w, int64_t group, const lanes *l) {
    const icl_batch *batch = w->batch;
    int64_t D = batch->dim + 1, W = w->workspace->kernels->lanes, first = group * ICL_LANES;
    int64_t count = icl_batch_lanes(batch, group);
    for (int64_t lane = 0; lane < count; lane += W) {
        prompts p = {.first = first + lane,
                     .count = W < count ? W : count,
                     .lanes = W,
                     .gram = batch->gram + first * D * D + lane,
                     .query = batch->query + first * batch->queries * batch->dim + lane,
                     .target = batch->target + first * batch->queries + lane};
        run_prompts(w, &p, l);
    }
}

static icl_status run_block(void *user, int64_t block) {
    const loss_work *w = user;
    const icl_model_workspace *space = w->workspace;
    int64_t size = block_groups(w->batch->groups), end = (block + 1) * size;
    if (end > w->batch->groups)
        end = w->batch->groups;
    int64_t sums = w->gradient ? space->packed + 1 : 1;
    double *slot = icl_scratch_take(space->scratch);
    lanes l;
    lay_out(w->model, space->queries, space->kernels->lanes, slot, &l);
    memset(l.sums, 0, (size_t)(space->kernels->lanes * sums) * sizeof(double));
    for (int64_t group = block * size; group < end; group++)
        run_group(w, group, &l);
    if (w->prediction == NULL)
        space->kernels->sum_lanes(sums, l.sums, space->partial + block * (space->packed + 1));
    icl_scratch_give(space->scratch, slot);
    return ICL_OK;
}

/* ---- a batch ---- */

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
                             icl_model_workspace *workspace, double *loss, double *gradient) {
    icl_model_pack(model, workspace);
    loss_work work = {
        .model = model, .batch = batch, .workspace = workspace, .gradient = gradient != NULL};
    int64_t blocks = block_count(batch->groups), stride = workspace->packed + 1;
    int64_t size = gradient != NULL ? stride : 1;
    double *total = workspace->total;
    icl_parallel(model->context, blocks, run_block, &work);
    double count = (double)batch->prompts * (double)batch->queries;
    add_blocks(blocks, stride, size, workspace->partial, 1 / count, total);
    if (!icl_all_finite(total, size))
        return ICL_ERR_DIVERGED;
    if (gradient != NULL) {
        for (int64_t i = 1; i < size; i++)
            total[i] *= 2;
        icl_model_unpack(model, workspace, total + 1, workspace->pulled);
        if (!icl_all_finite(workspace->pulled, model->count))
            return ICL_ERR_DIVERGED;
        memcpy(gradient, workspace->pulled, (size_t)model->count * sizeof *gradient);
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
    icl_model_pack(model, &workspace);
    loss_work work = {
        .model = model, .batch = batch, .workspace = &workspace, .prediction = prediction};
    icl_status status = icl_parallel(model->context, block_count(batch->groups), run_block, &work);
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
    *out = (icl_predictor){.predict = predict_through, .self = model};
    return ICL_OK;
}
