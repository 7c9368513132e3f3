/* Models: linear self-attention, its parameters, predictions and exact gradients.
 *
 * One layer maps the token matrix Z (D x (n + 1), tokens (x_i, y_i), the query (x_q, 0), D = d + 1)
 * to Z + P (Z M Z^T / n) Q Z; the mask M takes the query out of keys and values. The prediction is
 * `sign` times the last entry of the query token. Only the last row of P and the first d columns
 * of Q reach it. The same layer in the three published parametrisations, each with the query
 * masked and divided by n:
 *
 *   PQ    P, Q (D x D)                                   Ahn et al. 2306.00297
 *   PVKQ  W_PV, W_KQ (D x D):  P = W_PV, Q = W_KQ        Zhang et al. 2306.09927
 *   KQV   W_K, W_Q, W_V (s x D), h (s):                  Mahankali et al. 2307.03576, whose sum
 *         e_y^T P = h^T W_V,  Q = W_K^T W_Q              over tokens is n times the mean used here
 *
 * A model owns one flat vector of parameters, with a table of its tensors.
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
    ICL_PARAMETRISATION_KQV = 2,  /* tensors "W_K", "W_Q", "W_V", "h" */
    ICL_PARAMETRISATION_FORCE_INT = 0x7fffffff
} icl_parametrisation;

/* How parameters start. s is init_scale. Entries that no prediction depends on start at 0. */
typedef enum icl_init {
    /* Zhang's balanced start: u = 0, r = 0, v = s, M = s T T^T, ||T T^T||_F = 1, T (d x d) random.
     * v carries the model's sign. In KQV: W_K = W_Q = sqrt(s) (T^T, 0), T (d x width), and
     * h^T W_V = (0, v) with ||h|| = ||W_V||_F. Leads to the global minimum. */
    ICL_INIT_BALANCED = 0,
    ICL_INIT_GAUSSIAN = 1, /* all entries N(0, s^2) */
    ICL_INIT_ZERO = 2,     /* the saddle at zero */
    ICL_INIT_FORCE_INT = 0x7fffffff
} icl_init;

typedef struct icl_model_options {
    size_t size;                         /* sizeof(icl_model_options) as the caller knows it */
    int64_t dim;                         /* d, 1 to 4096; default 5 */
    icl_parametrisation parametrisation; /* default PQ */
    int64_t width;                       /* KQV: s, 1 to 65536; default 0: d + 1 */
    int sign;                            /* +1 (default) or -1 */
    icl_init init;                       /* default BALANCED */
    double init_scale;                   /* 0 < s <= 1e100; default 0.1 */
    uint64_t seed;                       /* of the start, <= 2^63 - 1; default 0 */
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
/* Makes a model and starts its parameters as the options say; all entries are trained. */
ICL_API icl_status icl_model_create(icl_context *context, const icl_model_options *options,
                                    icl_model **out);
ICL_API void icl_model_free(icl_model *model);
/* The same parameters and masks in a model of its own. */
ICL_API icl_status icl_model_clone(const icl_model *model, icl_model **out);

ICL_API int64_t icl_model_dim(const icl_model *model);          /* d; 0 for NULL, as below */
ICL_API int64_t icl_model_width(const icl_model *model);        /* s for KQV, else d + 1 */
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

/* Which entries of a tensor are trained: mask (rows x cols), 0 or 1. At first all are. The
 * gradient of an untrained entry is 0. */
ICL_API icl_status icl_model_set_trained(icl_model *model, const char *name, const uint8_t *mask);
ICL_API icl_status icl_model_get_trained(const icl_model *model, const char *name, uint8_t *mask);

/* Starts anew, as icl_model_options says; untrained entries too. */
ICL_API icl_status icl_model_initialise(icl_model *model, icl_init init, double scale,
                                        uint64_t seed);

/* prediction (B x q). The batch's dim must be d. What overflows is infinite or NaN. */
ICL_API icl_status icl_model_predict(const icl_model *model, const icl_batch *batch,
                                     double *prediction);

/* *loss = mean over prompts and queries of (prediction - target)^2; gradient (parameter_count) of
 * it, exact, or NULL. Equal bits for any number of threads. ICL_ERR_DIVERGED if the loss
 * or the gradient overflows. */
ICL_API icl_status icl_model_loss(const icl_model *model, const icl_batch *batch, double *loss,
                                  double *gradient);

/* The predictor that the model implements, as in <icl/theory.h>: u, r (d), *v, M (d x d), with
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

/* The model as a predictor: borrows the model. */
ICL_API icl_status icl_model_predictor(const icl_model *model, icl_predictor *out);

#ifdef __cplusplus
}
#endif
#endif
