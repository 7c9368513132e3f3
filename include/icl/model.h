/* Models: linear self-attention of any depth, its parameters, predictions and exact gradients.
 *
 * A layer maps the token matrix Z (D x (n + 1), tokens (x_i, 0, y_i), the query (x_q, 0, y_0)) to
 *
 *     Z+ = R Z + sum_h P_h (Z M Z^T / n) Q_h Z;
 *
 * the mask M takes the query out of keys and values; D = d + 1 unless room is asked for between x
 * and y. The prediction is `sign` times the last entry of the query token after the last layer. y_0
 * is 0, or sign theta.x_q with a trained initial guess theta. With sign = -1 a layer P = e_y e_y^T,
 * Q = -diag(A, 0) is a step of gradient descent: the labels of the examples become the residuals.
 *
 * One layer of one head is also known in two other parametrisations, each with the query masked
 * and divided by n:
 *
 *   PQ    P, Q (D x D)                                   Ahn et al. 2306.00297
 *   PVKQ  W_PV, W_KQ (D x D):  P = W_PV, Q = W_KQ        Zhang et al. 2306.09927
 *   KQV   W_K, W_Q, W_V (s x D), h (s):                  Mahankali et al. 2307.03576, whose sum
 *         e_y^T P = h^T W_V,  Q = W_K^T W_Q              over tokens is n times the mean used here
 *
 * A model owns one flat vector of parameters, with a table of its tensors: "P.layer0.head1" and so
 * on, where ".layer0" is left out in a model of one layer or a looped one, ".head1" in one of one
 * head; then "R.layer0" of each layer, and "guess". Models read prompts through their moments only,
 * so that what they cost does not depend on n; dims above 40 or so go through the BLAS.
 */
#ifndef ICL_MODEL_H
#define ICL_MODEL_H

#include <icl/predict.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum icl_parametrisation {
    ICL_PARAMETRISATION_PQ = 0,   /* tensors "P", "Q" */
    ICL_PARAMETRISATION_PVKQ = 1, /* tensors "W_PV", "W_KQ" */
    ICL_PARAMETRISATION_KQV = 2,  /* tensors "W_K", "W_Q", "W_V", "h"; one layer of one head, not looped */
    ICL_PARAMETRISATION_FORCE_INT = 0x7fffffff
} icl_parametrisation;

/* How parameters start. s is init_scale. Entries that no prediction depends on start at 0, those
 * that the form fixes at its values. */
typedef enum icl_init {
    /* Zhang's balanced start, layer by layer and head by head: u = 0, r = 0, v = s, M = s T T^T,
     * ||T T^T||_F = 1, T (d x d) random. v carries the model's sign. In KQV: W_K = W_Q = sqrt(s)
     * (T^T, 0), T (d x width), and h^T W_V = (0, v) with ||h|| = ||W_V||_F. Where the form fixes P,
     * M carries the sign. One layer of one head is led to the global minimum. */
    ICL_INIT_BALANCED = 0,
    ICL_INIT_GAUSSIAN = 1, /* all entries N(0, s^2) */
    ICL_INIT_ZERO = 2,     /* the saddle at zero */
    ICL_INIT_FORCE_INT = 0x7fffffff
} icl_init;

/* Which entries of P and Q are there to be trained; the others are fixed, by a mask that
 * icl_model_set_trained may change. A, B (d x d). */
typedef enum icl_form {
    ICL_FORM_DENSE = 0,        /* all */
    ICL_FORM_DESCENT = 1,      /* P = e_y e_y^T, Q = diag(A, 0): no covariate update */
    ICL_FORM_GD_PLUS_PLUS = 2, /* P = diag(B, 1), Q = diag(A, 0) (von Oswald's GD++; Ahn's (11)) */
    ICL_FORM_DIAGONAL = 3,     /* P and Q diagonal (Vladymyrov et al. 2402.14180) */
    ICL_FORM_FORCE_INT = 0x7fffffff
} icl_form;

typedef struct icl_model_options {
    size_t size;                         /* sizeof(icl_model_options) as the caller knows it */
    int64_t dim;                         /* d, 1 to 4096; default 5 */
    icl_parametrisation parametrisation; /* default PQ */
    int64_t width;                       /* KQV: s, 1 to 65536; default 0: d + 1 */
    int sign;                            /* +1 (default) or -1 */
    icl_init init;                       /* default BALANCED */
    double init_scale;                   /* 0 < s <= 1e100; default 0.1 */
    uint64_t seed;                       /* of the start, <= 2^63 - 1; default 0 */
    int64_t layers;                      /* L, 1 to 4096; default 1 */
    int64_t heads;                       /* H of each layer, 1 to 4096; default 1 */
    int64_t token;                       /* D, d + 1 to 16384; default 0: d + 1 */
    int looped;                          /* 1: all layers share their weights; default 0 */
    int residual;                        /* 1: tensors "R" (D x D), which start at I, trained;
                                            default 0: R = I */
    int guess;                           /* 1: a tensor "guess", theta (1 x d), which starts at 0,
                                            trained; default 0: y_0 = 0 */
    icl_form form;                       /* default DENSE */
} icl_model_options;

typedef struct icl_model icl_model;

/* One row of the table of tensors. */
typedef struct icl_tensor {
    const char *name; /* lives as long as the model */
    int64_t rows;
    int64_t cols;
    int64_t offset; /* of its first entry in the flat vector; row-major */
} icl_tensor;

ICL_API icl_status icl_model_options_init(icl_model_options *options, size_t size);
/* Makes a model and starts its parameters as the options say. */
ICL_API icl_status icl_model_create(icl_context *context, const icl_model_options *options,
                                    icl_model **out);
ICL_API void icl_model_free(icl_model *model);
/* The same parameters and masks in a model of its own. */
ICL_API icl_status icl_model_clone(const icl_model *model, icl_model **out);
/* A model of the first `layers` layers, 1 to L: its prediction is what that layer would give. Of a
 * looped model the loops of the same weights, 1 to 4096, more than in training too. */
ICL_API icl_status icl_model_with_layers(const icl_model *model, int64_t layers, icl_model **out);

ICL_API int64_t icl_model_dim(const icl_model *model);          /* d; 0 for NULL, as below */
ICL_API int64_t icl_model_token(const icl_model *model);        /* D */
ICL_API int64_t icl_model_layers(const icl_model *model);       /* L */
ICL_API int64_t icl_model_heads(const icl_model *model);        /* H */
ICL_API int icl_model_looped(const icl_model *model);           /* 1 if the layers share weights */
ICL_API int64_t icl_model_width(const icl_model *model);        /* s for KQV, else D */
ICL_API int icl_model_sign(const icl_model *model);             /* +1 or -1 */
ICL_API icl_parametrisation icl_model_parametrisation(const icl_model *model); /* PQ for NULL */
ICL_API int64_t icl_model_parameter_count(const icl_model *model); /* of the flat vector */
ICL_API int64_t icl_model_tensor_count(const icl_model *model);    /* rows of the table */

/* Row `index` of the table, 0 <= index < tensor_count; or the row of that name. ICL_ERR_MISSING
 * for a name that the model does not have: the text lists those that it has. */
ICL_API icl_status icl_model_tensor(const icl_model *model, int64_t index, icl_tensor *out);
ICL_API icl_status icl_model_find(const icl_model *model, const char *name, icl_tensor *out);

/* The flat vector, borrowed, valid while the model lives; NULL for NULL. */
ICL_API const double *icl_model_parameters(const icl_model *model);
/* Copies all parameters (parameter_count) or one tensor (rows x cols) in. Finite values only. */
ICL_API icl_status icl_model_set_parameters(icl_model *model, const double *parameters);
ICL_API icl_status icl_model_set(icl_model *model, const char *name, const double *values);
ICL_API icl_status icl_model_get(const icl_model *model, const char *name, double *values);

/* Which entries of a tensor are trained: mask (rows x cols), 0 or 1. At first those of the form. The
 * gradient of an untrained entry is 0. */
ICL_API icl_status icl_model_set_trained(icl_model *model, const char *name, const uint8_t *mask);
ICL_API icl_status icl_model_get_trained(const icl_model *model, const char *name, uint8_t *mask);

/* Starts anew, as icl_model_options says; untrained entries too. */
ICL_API icl_status icl_model_initialise(icl_model *model, icl_init init, double scale,
                                        uint64_t seed);

/* prediction (B x q). The batch's dim must be d. What overflows is infinite or NaN. Cost a prompt:
 * O(L H m D^2), m the rows of P that are not zero, O(D^2) for the last layer. */
ICL_API icl_status icl_model_predict(const icl_model *model, const icl_batch *batch,
                                     double *prediction);

/* *loss = mean over prompts and queries of (prediction - target)^2; gradient (parameter_count) of
 * it, exact, or NULL. Equal bits for any number of threads. ICL_ERR_DIVERGED if the loss
 * or the gradient overflows. */
ICL_API icl_status icl_model_loss(const icl_model *model, const icl_batch *batch, double *loss,
                                  double *gradient);

/* What a layer does to the labels: A (d x d) = -sum_h (P_h)_yy (Q_h)_xx^T, the preconditioner of its
 * step w <- w - A grad (1/2n) ||y - X w||^2; exact for the forms DESCENT and GD_PLUS_PLUS. With a law
 * (of the same dim; else NULL) it is whitened: Sigma^1/2 A Sigma^1/2. 0 <= layer < L. */
ICL_API icl_status icl_model_preconditioner(const icl_model *model, int64_t layer,
                                            const icl_law *law, double *A);

/* The functions from here to icl_model_convert are for one layer of one head, with D = d + 1, R = I
 * and no guess: else ICL_ERR_MISSING.
 *
 * The predictor that the model implements, as in <icl/theory.h>: u, r (d), *v, M (d x d), with
 * the sign multiplied into (u, v); and Gamma = v M^T + r u^T (d x d). Outputs may be NULL. */
ICL_API icl_status icl_model_effective(const icl_model *model, double *u, double *v, double *M,
                                       double *r);
ICL_API icl_status icl_model_gamma(const icl_model *model, double *gamma);

/* Pulls a gradient in (u, v, M, r) back to the parameters: gradient (parameter_count), trained
 * entries only. */
ICL_API icl_status icl_model_pullback(const icl_model *model, const double *gu, double gv,
                                      const double *gM, const double *gr, double *gradient);

/* The same layer in another parametrisation, with the same sign. PQ <-> PVKQ copies. KQV to the others:
 * P = e_y h^T W_V, Q = W_K^T W_Q. The others to KQV (width s): ICL_ERR_SHAPE where Q has a rank
 * above s; else W_K, W_Q from the singular value decomposition of Q's first d columns, h = e_1 c,
 * W_V = e_1 p^T / c, ||h|| = ||W_V||. The prediction agrees to rounding. Masks are not carried over. */
ICL_API icl_status icl_model_convert(const icl_model *model, icl_parametrisation parametrisation,
                                     int64_t width, icl_model **out);

/* The model in a file: safetensors, so that Python's package of that name reads it: each tensor of the
 * table under its name, F64, and the masks as "libicl.trained" (U8). The file is written as a whole or
 * not at all: ICL_ERR_IO leaves an older one as it was. */
ICL_API icl_status icl_model_save(const icl_model *model, const char *path);
/* A model from such a file or from a trainer's checkpoint. ICL_ERR_IO if it cannot be read,
 * ICL_ERR_FORMAT if it is cut short, damaged or none of libicl's, ICL_ERR_VERSION if a newer libicl
 * wrote it, ICL_ERR_MISSING or ICL_ERR_SHAPE if its tensors are not those of the model that it says
 * it holds, ICL_ERR_NONFINITE. A file without libicl's checksum, as Python writes it after a change of
 * weights, is taken too; it needs the text "libicl.model" among its metadata. */
ICL_API icl_status icl_model_load(icl_context *context, const char *path, icl_model **out);

/* The model as a predictor: borrows the model. */
ICL_API icl_status icl_model_predictor(const icl_model *model, icl_predictor *out);

#ifdef __cplusplus
}
#endif
#endif
