/* Constructed models: exact weights with which linear attention runs a known algorithm.
 *
 * Tokens (x, y); layers with P, Q of <icl/model.h>; public step sizes refer to (1/2) ||y - X w||^2 and
 * X^T X, and a construction is for prompts of n examples, since layers see means.
 *
 * method         layers   each layer                                       source
 * GD             k        P = e_y e_y^T, Q = -n eta diag(I, 0)             von Oswald et al. 2212.07677
 * PGD            k        P = e_y e_y^T, Q = -n eta diag(B, 0)             Ahn et al. 2306.00297
 * GD_PLUS_PLUS   k        P = diag(n gamma I, n eta), Q = -diag(I, 0)      von Oswald et al.
 * NEWTON         k + 2    tokens (x, u, y) of D = 2d + 1, u = 0 at first:  after Fu et al. 2310.17086,
 *                         P = n^2 alpha E_u E_x^T, Q = E_x E_x^T;          Giannou et al. 2403.03183
 *                         k times P = -E_u E_u^T, Q = E_x E_u^T, R = I + E_u E_u^T;
 *                         P = e_y e_y^T, Q = E_u E_x^T
 *
 * The first three read -z_q[y] (sign -1), the labels being residuals; NEWTON reads +z_q[y] after u_i
 * has become (X^T X / n)^-1 x_i. No entry of a construction is trained; icl_model_set_trained makes it
 * the start of a training.
 */
#ifndef ICL_CONSTRUCT_H
#define ICL_CONSTRUCT_H

#include <icl/model.h>
#include <icl/solve.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct icl_construct_options {
    size_t size;        /* sizeof(icl_construct_options) as the caller knows it */
    icl_method method;  /* GD (default), PGD, GD_PLUS_PLUS or NEWTON */
    int64_t dim;        /* d, 1 to 4096; default 5 */
    int64_t context;    /* n, 1 to 2^31; default 20 */
    int64_t steps;      /* k, 1 to 4094, or from 0 for NEWTON; default 1 */
    double step;        /* eta; for NEWTON alpha, one constant for all prompts: > 0, no default */
    double gamma;       /* GD_PLUS_PLUS: >= 0; default 0 */
    const double *preconditioner; /* PGD: B (d x d), symmetric positive semi-definite; copied */
} icl_construct_options;

ICL_API icl_status icl_construct_options_init(icl_construct_options *options, size_t size);

/* The model that runs the algorithm, with the least number of layers named above. */
ICL_API icl_status icl_construct_model(icl_context *context, const icl_construct_options *options,
                                       icl_model **out);
/* The solver that runs the same algorithm with the same numbers. */
ICL_API icl_status icl_construct_solver(icl_context *context, const icl_construct_options *options,
                                        icl_solver **out);

/* How far the two are from each other on a batch. */
typedef struct icl_construct_report {
    size_t size;          /* set to sizeof(icl_construct_report) by the caller */
    double max_deviation; /* greatest |model - solver| over all predictions, each relative to
                             ||w|| ||x_q|| of the solver's w (to ||x_q|| ||y|| / ||X|| where w = 0) */
    double max_ratio;     /* greatest of these over its prompt's allowance: <= 1 means equal to
                             rounding. The allowance is 16 (n + D L) eps, for NEWTON times
                             max(kappa, min(2^k, kappa^2)): each step doubles the rounding in a
                             direction until that direction is learned, those of eigenvalue 0
                             (n < d) to the end: 2^k */
    double max_kappa;     /* the greatest kappa, the condition number of X^T X over its eigenvalues
                             that are not 0 */
    int64_t skipped;      /* prompts of which the solver says that it diverged */
} icl_construct_report;

/* Makes both and compares their predictions. The batch must have the options' dim and context: else
 * ICL_ERR_SHAPE. */
ICL_API icl_status icl_construct_check(icl_context *context, const icl_construct_options *options,
                                       const icl_batch *batch, icl_construct_report *report);

#ifdef __cplusplus
}
#endif
#endif
