/* Where a model computes predictions, a loss and its gradient: made once, used for batches of up to
 * `prompts` prompts with up to `queries` queries. */
#ifndef ICL_MODEL_WORKSPACE_H
#define ICL_MODEL_WORKSPACE_H

#include "base/scratch.h"
#include "layer/attention_tail.h"
#include "model/parameters.h"

/* One of the L layers: its weights, and where they lie in the packed weights and in a packed
 * gradient. Of the last layer only the row y counts, so that it has P and R of its own there,
 * also in a looped model, but shares Q. */
typedef struct icl_layer_use {
    icl_attention_layer layer;
    int64_t P, Q, R;               /* R < 0: none */
    int train_P, train_Q, train_R; /* 1 if an entry is trained */
} icl_layer_use;

typedef struct icl_model_workspace {
    const icl_attention_kernels *kernels;
    const icl_attention_tail_kernels *tail_kernels; /* NULL: layer by layer to the end */
    int tailed;                                     /* 1: the packed model uses them, with */
    icl_attention_tail tail;
    double *tail_rows;   /* what tail points to */
    icl_layer_use *uses; /* L */
    double *weights;     /* packed P, Q, R of the uses, then theta */
    int64_t guess;       /* offset of theta there; < 0: none */
    int64_t packed;      /* entries */
    double *total;       /* the loss, then a packed gradient */
    double *pulled;      /* a gradient of the parameters (count) */
    icl_scratch *scratch;
    double *partial; /* of each block: the loss, then a packed gradient */
    int64_t queries;
} icl_model_workspace;

/* Whether vectors for the last two layers pay: where the last but one has enough rows, at most D,
 * as these cost about 20 rows D^2 operations against 30 a column. */
static inline int icl_tail_pays(const icl_model *model, int64_t rows, int64_t queries) {
    return model->layers > 1 && rows > 2 * (queries + model->heads);
}

icl_status icl_model_workspace_create(const icl_model *model, int64_t prompts, int64_t queries,
                                      icl_model_workspace *out);
/* With other kernels than the ones for the model's D. */
icl_status icl_model_workspace_create_with(const icl_model *model, int64_t prompts, int64_t queries,
                                           const icl_attention_kernels *kernels,
                                           icl_model_workspace *out);
void icl_model_workspace_free(const icl_model *model, icl_model_workspace *workspace);

/* Packs the model's parameters into weights and uses. */
void icl_model_pack(const icl_model *model, icl_model_workspace *workspace);
/* gradient (count) = the packed one, scattered; 0 where not trained. */
void icl_model_unpack(const icl_model *model, const icl_model_workspace *workspace,
                      const double *packed, double *gradient);
/* Packed entries of a model at most. */
int64_t icl_model_packed_most(const icl_model *model);

/* icl_model_loss without checks, texts and allocation: ICL_ERR_DIVERGED where the loss or the
 * gradient is not finite, and the outputs are untouched. */
icl_status icl_model_loss_in(const icl_model *model, const icl_batch *batch,
                             icl_model_workspace *workspace, double *loss, double *gradient);

#endif
