/* Baseline solvers: the algorithms that a trained model may be running.
 *
 * Each works on all n examples of a prompt, over a whole batch in one call. Public step sizes
 * refer to the objective (1/2) ||y - X w||^2, so to X^T X and X^T y without a 1/n.
 *
 * method         w                                                              source
 * GD             w_0 = w0, w_{k+1} = w_k - eta (X^T X w_k - X^T y)              textbook
 * PGD            w_{k+1} = w_k - eta B (X^T X w_k - X^T y), B (d x d)           textbook
 * GD_PLUS_PLUS   w_{k+1} = w_k - eta T_k T_k (X^T X w_k - X^T y), T_0 = I,      von Oswald et al.
 *                T_{k+1} = (I - gamma T_k X^T X T_k) T_k: GD whose every        2212.07677
 *                step turns the covariates, x <- (I - gamma X_k^T X_k) x
 * NEWTON         M_0 = alpha A, M_{k+1} = 2 M_k - M_k A M_k, w_k = M_k X^T y,   Schulz; Fu et al.
 *                A = X^T X + lambda I                                           2310.17086
 * RIDGE          (X^T X + lambda I)^-1 X^T y, by Cholesky                       textbook
 * LEAST_SQUARES  X^+ y, the least norm among the minimisers                     textbook
 * BAYES          mu + W X^T (X W X^T + sigma^2 I)^+ (y - X mu), the posterior   textbook
 *                mean for w ~ N(mu, W), singular W and sigma = 0 included
 */
#ifndef ICL_SOLVE_H
#define ICL_SOLVE_H

#include <icl/predict.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum icl_method {
    ICL_METHOD_GD = 0,
    ICL_METHOD_PGD = 1,
    ICL_METHOD_NEWTON = 2,
    ICL_METHOD_RIDGE = 3,
    ICL_METHOD_LEAST_SQUARES = 4,
    ICL_METHOD_BAYES = 5,
    ICL_METHOD_GD_PLUS_PLUS = 6,
    ICL_METHOD_FORCE_INT = 0x7fffffff
} icl_method;

typedef struct icl_solver_options {
    size_t size;        /* sizeof(icl_solver_options) as the caller knows it */
    icl_method method;  /* default GD */
    int64_t dim;        /* d, 1 to 16384; default 5 */
    int64_t steps;      /* k of GD, PGD, GD_PLUS_PLUS, NEWTON, 0 to 2^31; default 1 */
    double step;        /* GD, PGD: eta > 0; 0 (the default): each prompt's own best constant step
                           2 / (l_max + l_min), l the extreme non-zero eigenvalues of X^T X (of
                           B^1/2 X^T X B^1/2). GD_PLUS_PLUS: eta > 0; 0: 1 / ||X^T X||_inf, by
                           the greatest row sum, per prompt. NEWTON: alpha > 0; 0: 1 / ||A^2||_F, per prompt */
    const double *preconditioner; /* PGD: B (d x d), symmetric positive semi-definite; copied */
    const double *start; /* GD, PGD: w0 (d), copied; NULL: 0 */
    double ridge;       /* RIDGE, NEWTON: lambda >= 0; default 0 */
    double tolerance;   /* the methods with steps: stop a prompt when ||A w - X^T y|| <= tolerance
                           ||X^T y||, A = X^T X (+ lambda I); default 0: all steps are done,
                           but a w that nothing can move (X = 0) stops at once, and so does NEWTON
                           where the residual is rounding, which more steps would amplify */
    const icl_law *law; /* BAYES: mu, W, sigma^2 of linear labels, GAUSSIAN tasks and FIXED noise; its
                           context length does not matter; the solver keeps it alive */
    double gamma;       /* GD_PLUS_PLUS: gamma > 0; 0 (the default): 1 / (3 ||X^T X||_inf), per
                           prompt */
} icl_solver_options;

typedef struct icl_solver icl_solver;

ICL_API icl_status icl_solver_options_init(icl_solver_options *options, size_t size);

/* Makes a solver. An option that the method needs and lacks, or a value out of range, is
 * ICL_ERR_ARGUMENT; B not symmetric positive semi-definite (as a covariance of icl_law_create) is
 * ICL_ERR_NOT_PSD, a law of another dim ICL_ERR_SHAPE, one of other labels or tasks or with noise
 * levels that differ between prompts (the posterior is not normal then) ICL_ERR_NO_CLOSED_FORM. Options of other
 * methods are not looked at beyond their range. Immutable: any threads may use it. */
ICL_API icl_status icl_solver_create(icl_context *context, const icl_solver_options *options,
                                     icl_solver **out);
ICL_API void icl_solver_free(icl_solver *solver);

/* How one prompt went. */
typedef struct icl_solver_report {
    icl_stop stop;  /* STEPS; CONVERGED, as RIDGE, LEAST_SQUARES and BAYES always do but for
                       SINGULAR: a rank-deficient prompt of the first two, answered with its
                       minimum-norm solution; DIVERGED: the residual has grown by 1 / eps, or w
                       or the prompt's moments left the finite numbers */
    int32_t rank;   /* LEAST_SQUARES: numerical rank of X (singular values above max(n, d) eps
                       s_max); else -1 */
    int64_t steps;  /* steps done */
    double step;    /* eta or alpha that was used; 0 for methods and prompts that have none */
} icl_solver_report;

/* w[p d + j]: the solution of prompt p (B x d). reports: B of them, or NULL. The batch must hold
 * examples (ICL_CONTENTS_EXAMPLES) for LEAST_SQUARES and BAYES; GD, PGD, NEWTON, RIDGE read
 * the moments that every batch holds. ICL_ERR_MISSING else. A prompt that diverges
 * keeps its last finite w and says so in its report; the call still succeeds. A singular prompt
 * under RIDGE with lambda = 0 gets the minimum-norm solution and a report that says SINGULAR. */
ICL_API icl_status icl_solver_solve(const icl_solver *solver, const icl_batch *batch, double *w,
                                    icl_solver_report *reports);

/* path[(p (k + 1) + i) d + j]: w_i of prompt p after i = 0..k steps (B x (k + 1) x d), k the
 * solver's steps; for the methods without steps k = 0. After a stop, the last w is repeated. For NEWTON w_0 = M_0 X^T y. */
ICL_API icl_status icl_solver_path(const icl_solver *solver, const icl_batch *batch, double *path,
                                   icl_solver_report *reports);

/* prediction[p q + j] = w_p . x_query (B x q). */
ICL_API icl_status icl_solver_predict(const icl_solver *solver, const icl_batch *batch,
                                      double *prediction);

/* The solver as a predictor: borrows the solver. */
ICL_API icl_status icl_solver_predictor(const icl_solver *solver, icl_predictor *out);

#ifdef __cplusplus
}
#endif
#endif
