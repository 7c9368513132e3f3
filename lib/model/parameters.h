/* A model from the inside. */
#ifndef ICL_MODEL_PARAMETERS_H
#define ICL_MODEL_PARAMETERS_H

#include <icl/model.h>

#include "base/context.h"
#include "base/scratch.h"

enum { ICL_MODEL_TENSORS = 4 };

struct icl_model {
    icl_context *context;
    int64_t dim;
    icl_parametrisation parametrisation;
    int64_t width; /* s of KQV, else d + 1 */
    int sign;
    int64_t tensors;
    icl_tensor table[ICL_MODEL_TENSORS];
    int64_t count;      /* parameters */
    double *parameters; /* count */
    uint8_t *trained;   /* count */
};

/* Where a model computes a loss: made once, used for batches of up to `prompts` prompts with up
 * to `queries` queries. */
typedef struct icl_model_workspace {
    icl_scratch *scratch; /* lanes of a block */
    double *partial;      /* per block: loss, gp (D), gQ (D x d) */
    double *readout;      /* p (D), Q (D x d), the sums, a gradient */
    int64_t dim, prompts, queries;
} icl_model_workspace;

icl_status icl_model_workspace_create(const icl_model *model, int64_t prompts, int64_t queries,
                                      icl_model_workspace *out);
void icl_model_workspace_free(const icl_model *model, icl_model_workspace *workspace);

/* icl_model_loss without checks, texts and allocation: ICL_ERR_DIVERGED where the loss or the
 * gradient is not finite, and the outputs are untouched. */
icl_status icl_model_loss_in(const icl_model *model, const icl_batch *batch,
                             const icl_model_workspace *workspace, double *loss, double *gradient);

/* p (D), Q (D x d) = (M over r), the sign in p. */
void icl_model_readout(const icl_model *model, double *p, double *Q);

/* 1 if training can move u or r: an entry that feeds them is trained. */
int icl_model_even_trained(const icl_model *model);

/* gradient (count) of the parameters from those of p and Q. */
void icl_model_readout_pullback(const icl_model *model, const double *gp, const double *gQ,
                                double *gradient);

/* A model with the context, dim and sign of another, all parameters 0. */
icl_status icl_model_make_like(const icl_model *model, icl_parametrisation parametrisation,
                               int64_t width, icl_model **out);

/* Starting values; without checks. */
icl_status icl_model_start(icl_model *model, icl_init init, double scale, uint64_t seed);

#endif
