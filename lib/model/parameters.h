/* A model from the inside. */
#ifndef ICL_MODEL_PARAMETERS_H
#define ICL_MODEL_PARAMETERS_H

#include <icl/model.h>

#include "base/context.h"

struct icl_model {
    icl_context *context;
    icl_model_options
        shape;          /* width and token filled in; of its starting values only the form counts */
    int64_t dim, token; /* d, D */
    int64_t layers, heads;
    int64_t stored; /* layers that have weights of their own: 1 where looped, else L */
    icl_parametrisation parametrisation;
    int64_t width; /* s of KQV, else D */
    int sign;
    int64_t tensors;
    icl_tensor *table;
    char *names;
    int64_t count;      /* parameters */
    double *parameters; /* count */
    uint8_t *trained;   /* count */
};

/* Where P_h, then Q_h, and R of a stored layer lie in the flat vector; and the guess. Not for KQV.
 */
int64_t icl_model_head_offset(const icl_model *model, int64_t layer, int64_t head);
int64_t icl_model_residual_offset(const icl_model *model, int64_t layer);
int64_t icl_model_guess_offset(const icl_model *model);

/* What a matrix of the form starts and stays with where it is not trained: 1 if entry (i, j) of P
 * or Q is trained, and its fixed value. */
int icl_model_form_entry(const icl_model *model, int of_P, int64_t i, int64_t j, double *fixed);

/* An empty model of that (checked) shape: parameters 0, trained as the form says. */
icl_status icl_model_make(icl_context *context, const icl_model_options *shape, icl_model **out);

/* ICL_ERR_MISSING, in the name of `function`, unless the model is one layer of one head, as theory
 * knows it. */
icl_status icl_model_check_single(const icl_model *model, const char *function);

/* p (D), Q (D x d) = (M over r), the sign in p; of a single layer. */
void icl_model_readout(const icl_model *model, double *p, double *Q);

/* 1 if training can move u or r: an entry that feeds them is trained. */
int icl_model_even_trained(const icl_model *model);

/* gradient (count) of the parameters from those of p and Q. */
void icl_model_readout_pullback(const icl_model *model, const double *gp, const double *gQ,
                                double *gradient);

/* Starting values; without checks. */
icl_status icl_model_start(icl_model *model, icl_init init, double scale, uint64_t seed);

#endif
