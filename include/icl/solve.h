/* Baseline solvers: the algorithms that a trained model may be running.
 *
 * Each works on all n examples of a prompt, over a whole batch in one call. Public step sizes
 * refer to the objective (1/2) ||y - X w||^2, so to X^T X and X^T y without a 1/n.
 *
 * With A = X^T X, c = X^T y and g(w) = A w - c, the gradient:
 *
 * method         w                                                              source
 * GD             w_0 = w0, w_{k+1} = w_k - eta g(w_k)                           textbook
 * PGD            w_{k+1} = w_k - eta B g(w_k), B (d x d)                        textbook
 * HEAVY_BALL     w_{k+1} = w_k - eta g(w_k) + beta (w_k - w_{k-1}), w_{-1} = w0 Polyak 1964
 * NESTEROV       v = w_k + beta (w_k - w_{k-1}), w_{k+1} = v - eta g(v)         Nesterov 1983
 * CHEBYSHEV      g(w_k) = T_k(s(A)) / T_k(s(0)) g(w0), s(x) = (u + l - 2 x) /   Golub and Varga
 *                (u - l): the least greatest residual on l..u                   1961
 * GD_PLUS_PLUS   w_{k+1} = w_k - eta T_k T_k g(w_k), T_0 = I,                   von Oswald et al.
 *                T_{k+1} = (I - gamma T_k A T_k) T_k: GD whose every step       2212.07677
 *                turns the covariates, x <- (I - gamma X_k^T X_k) x
 * NEWTON         M_0 = alpha A', M_{k+1} = M_k sum_{m<r} (I - A' M_k)^m,        Schulz; Fu et al.
 *                w_k = M_k c, A' = A + lambda I: for r = 2 it is 2 M - M A' M.  2310.17086; order r:
 *                I - A' M_k = (I - alpha A'^2)^(r^k)                            2403.03183
 * CONJUGATE_GRADIENT  w_{k+1} = w_k + a_k p_k, a_k exact, p_k = -g_k +          Hestenes, Stiefel
 *                (|g_k|^2 / |g_{k-1}|^2) p_{k-1}: at most d steps               1952
 * BFGS, DFP      p_k = -H_k g_k, a_k exact, H_0 = I, H_k by the update of that  textbook
 *                name: without rounding, the iterates of CONJUGATE_GRADIENT
 * LBFGS          p_k from the last `memory` steps, a_k exact, H_0 = I: likewise Nocedal 1980
 * ONLINE_GD      w <- w + eta x_i (y_i - w.x_i) for i = 1..n in order, once     Kaczmarz 1937
 * SGD            the same, in k passes over the examples                        textbook
 * AVERAGE        X^T y / n                                                      Garg et al. 2208.01066
 * RIDGE          (A + lambda I)^-1 c                                            textbook
 * LEAST_SQUARES  X^+ y, the least norm among the minimisers                     textbook
 * BAYES          mu + W X^T (X W X^T + sigma^2 I)^+ (y - X mu), the posterior   textbook
 *                mean for w ~ N(mu, W), singular W and sigma = 0 included
 * POOL           sum_i p_i w_i, p = softmax_i(-||y - X w_i||^2 / (2 sigma^2)),  Raventos et al.
 *                the posterior mean for w uniform in a pool w_1..w_m (dMMSE);   2306.15063
 *                sigma = 0: the mean of the w_i with the least ||y - X w_i||
 * LASSO          argmin (1/2) ||y - X w||^2 + lambda ||w||_1, by cyclic coordinate     Tibshirani
 *                descent on A and c until the duality gap is small                     1996
 * LOGISTIC       damped Newton for f(w) = (1/n) sum_i log(1 + exp(-s_i w.x_i))         Giannou et al.
 *                + (mu/2) ||w||^2, s_i the sign of y_i: w <- w - eta H^-1 g; answers   2403.03183
 *                2 p - 1 = tanh(w.x / 2), the mean of a label -1 or 1
 *
 * These have no w: icl_solver_predict and icl_solver_prefixes tell their answers to a query x.
 * Without examples all of them answer 0.
 *
 * method         answer                                                         source
 * KNN            the mean label of the k nearest examples by Euclidean          Garg et al.
 *                distance; of examples as far, the earlier; of all where        2208.01066
 *                n < k
 * KERNEL_RIDGE   k(x)^T (K + lambda I)^-1 y, K_ij = k(x_i, x_j), k(x)_i =       textbook
 *                k(x_i, x); an example that the kernel cannot tell from those
 *                before it (repeated, with lambda = 0) is left out
 * SERIES         b_0 + sum_i sum_{j < N} b_ij psi_j(x_i + shift), psi of         textbook
 *                icl_basis, for x + shift in [0, 1]^d: ridge in b, of least
 *                norm where lambda = 0
 * TREE           the mean label of the query's leaf, of a tree grown greedily:  CART, Breiman et
 *                a node is split at the x_i <= threshold, half-way between two   al. 1984
 *                examples, that leaves the least squared error (of equals the
 *                first coordinate's least threshold), down to a depth or to
 *                labels that are all the same
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
    ICL_METHOD_HEAVY_BALL = 7,
    ICL_METHOD_NESTEROV = 8,
    ICL_METHOD_CHEBYSHEV = 9,
    ICL_METHOD_ONLINE_GD = 10,
    ICL_METHOD_SGD = 11,
    ICL_METHOD_AVERAGE = 12,
    ICL_METHOD_CONJUGATE_GRADIENT = 13,
    ICL_METHOD_BFGS = 14,
    ICL_METHOD_DFP = 15,
    ICL_METHOD_LBFGS = 16,
    ICL_METHOD_POOL = 17,
    ICL_METHOD_LASSO = 18,
    ICL_METHOD_LOGISTIC = 19,
    ICL_METHOD_KNN = 20,
    ICL_METHOD_KERNEL_RIDGE = 21,
    ICL_METHOD_SERIES = 22,
    ICL_METHOD_TREE = 23,
    ICL_METHOD_FORCE_INT = 0x7fffffff
} icl_method;

/* Where RIDGE takes lambda from. s2 = ||y - X w||^2 / (n - rank X) with the least squares w; where
 * n = rank X (so for n <= d, but for repeated examples) nothing is left to estimate it from, and
 * s2 = ridge. Sources: Vladymyrov et al. 2402.14180. */
typedef enum icl_ridge_rule {
    ICL_RIDGE_FIXED = 0,    /* lambda = ridge (ConstRR) */
    ICL_RIDGE_ORACLE = 1,   /* lambda = ridge_factor sigma^2, the prompt's own (icl_batch_noise) */
    ICL_RIDGE_ADAPTIVE = 2, /* lambda = s2 (AdaRR) */
    ICL_RIDGE_TUNED = 3,    /* lambda = ridge_factor min(s2, ridge_most) (TunedRR) */
    ICL_RIDGE_FORCE_INT = 0x7fffffff
} icl_ridge_rule;

typedef struct icl_solver_options {
    size_t size;        /* sizeof(icl_solver_options) as the caller knows it */
    icl_method method;  /* default GD */
    int64_t dim;        /* d, 1 to 16384; default 5 */
    int64_t steps;      /* k of the methods with steps: all but ONLINE_GD, AVERAGE, RIDGE,
                           LEAST_SQUARES, BAYES, POOL, LASSO and those without w; passes of SGD;
                           0 to 2^31; default 1 */
    double step;        /* GD, PGD: eta > 0; 0 (the default): each prompt's own best constant step
                           2 / (u + l), l and u the extreme non-zero eigenvalues of A (of
                           B^1/2 A B^1/2). HEAVY_BALL: eta > 0; 0: 4 / (sqrt u + sqrt l)^2.
                           NESTEROV: eta > 0; 0: 1 / u. GD_PLUS_PLUS: eta > 0; 0: 1 / ||A||_inf, by
                           the greatest row sum. NEWTON: alpha > 0; 0: 1 / ||A'^2||_F. All of these
                           per prompt. ONLINE_GD, SGD: eta > 0; 0: 1 / ||x_i||^2, which fits
                           example i exactly. LOGISTIC: eta > 0; 0: with H and g of w,
                           2 sqrt(mu) / (2 sqrt(mu) + R sqrt(g^T H^-1 g)), R = max(1, ||x_i||) */
    const double *preconditioner; /* PGD: B (d x d), symmetric positive semi-definite; copied */
    const double *start; /* w0 (d), copied; NULL: 0. Of the methods with steps but NEWTON and
                            GD_PLUS_PLUS, which begin at theirs, and of ONLINE_GD */
    double ridge;       /* RIDGE, NEWTON, KERNEL_RIDGE, SERIES: lambda >= 0; LOGISTIC: mu > 0;
                           default 0 */
    double tolerance;   /* the methods with steps but SGD: stop a prompt when ||A w - c|| <=
                           tolerance ||c|| (A' for NEWTON; LOGISTIC: ||g(w)|| <=
                           tolerance ||g(0)||); default 0: all steps are done, but a w
                           that nothing can move (X = 0) stops at once, and one that rounding keeps
                           from its limit says STALLED. LASSO: the duality gap is at most
                           tolerance ||y||^2 / 2 at last; 0: 1e-12, a gap below 1e-8 while ||y||^2
                           is below 2e4. ||y||^2 / 2 is the objective at w = 0: where one column
                           explains nearly all of it, w of the others is known only as well as the gap
                           (`step` of the report) tells. The gap carries a rounding of some
                           eps ||y||^2 */
    const icl_law *law; /* BAYES: mu, W, sigma^2 of linear labels, GAUSSIAN tasks and FIXED noise; its
                           context length does not matter; the solver keeps it alive */
    double gamma;       /* GD_PLUS_PLUS: gamma > 0; 0 (the default): 1 / (3 ||A||_inf), per
                           prompt */
    double momentum;    /* HEAVY_BALL, NESTEROV: beta, 0 < beta < 1; 0 (the default), per prompt
                           with kappa = u / l: ((sqrt kappa - 1) / (sqrt kappa + 1))^2, and for
                           NESTEROV the same without the square */
    double least;       /* CHEBYSHEV: l > 0; 0 (the default): each prompt's own, as in `step` */
    double greatest;    /* CHEBYSHEV: u >= l; 0 (the default): each prompt's own */
    int64_t order;      /* NEWTON: r, 2 to 64; default 2 */
    int64_t memory;     /* LBFGS: 1 to 1024; default 10 */
    icl_ridge_rule rule; /* RIDGE; default FIXED */
    double ridge_factor; /* RIDGE with ORACLE, TUNED: >= 0; default 1 */
    double ridge_most;  /* RIDGE with TUNED: > 0; 0 (the default): no bound */
    const double *pool; /* POOL: the tasks (m x d), one a row; copied */
    int64_t pool_count; /* POOL: m, 1 to 2^31 */
    double noise;       /* POOL: sigma^2 >= 0; default 0 */
    double l1, l1_per_example; /* LASSO: lambda = l1 + l1_per_example n > 0, n the number of examples;
                           >= 0, default 0. The alpha of (1/2n) ||y - X w||^2 + alpha ||w||_1 is
                           l1_per_example */
    int64_t neighbours; /* KNN: k, 1 to 2^31; default 3 */
    icl_kernel kernel;  /* KERNEL_RIDGE; default GAUSS */
    double bandwidth;   /* KERNEL_RIDGE: h > 0, in the unit of the covariates; default 1 */
    int64_t terms;      /* SERIES: N, the constant and psi_1..psi_{N-1} of each coordinate; 1 to 16384,
                           and d (N - 1) + 1 no more, else ICL_ERR_SIZE; default 8 */
    int64_t depth;      /* TREE: splits from the root to a leaf at most, 0 to 64; default 4 */
    double shift;       /* SERIES: any finite number; default 0: covariates in [0, 1]; 1/2: in [-1/2, 1/2],
                           as those of SERIES labels */
    icl_basis basis;    /* SERIES: psi; default COSINE */
} icl_solver_options;

typedef struct icl_solver icl_solver;

ICL_API icl_status icl_solver_options_init(icl_solver_options *options, size_t size);

/* Makes a solver. An option that the method needs and lacks, or a value out of range, is
 * ICL_ERR_ARGUMENT; B not symmetric positive semi-definite (as a covariance of icl_law_create) is
 * ICL_ERR_NOT_PSD, a law of another dim ICL_ERR_SHAPE, one of other labels or tasks or with noise
 * levels that differ between prompts (the posterior is not normal then) ICL_ERR_NO_CLOSED_FORM.
 * Options of other methods are not looked at beyond their range. Immutable: any threads may use it. */
ICL_API icl_status icl_solver_create(icl_context *context, const icl_solver_options *options,
                                     icl_solver **out);
ICL_API void icl_solver_free(icl_solver *solver);

/* How one prompt went. */
typedef struct icl_solver_report {
    icl_stop stop;  /* STEPS: as many as were asked for; of LASSO 100,000 sweeps.
                       CONVERGED: the tolerance is met, or nothing can move w; the methods without
                       steps, but where one of the others is true.
                       STALLED: rounding ended it, with a tolerance that is not met, as 0 never is.
                       More steps change nothing (GD and its kin, SGD: steps or passes are
                       rounding and no longer fall, which an eta near 2 / u, where rounding
                       grows, may hide until all are done; LASSO: no coordinate moves), or only harm
                       (NEWTON, CONJUGATE_GRADIENT, BFGS, DFP, LBFGS, LOGISTIC: the residual is
                       rounding, or no direction is left). w has the digits that the condition
                       number leaves: for kappa(A) = 1e12 NEWTON's products leave none to the
                       weak directions.
                       SINGULAR: a rank-deficient prompt of RIDGE, LEAST_SQUARES and SERIES,
                       answered with its minimum-norm solution, or one of KERNEL_RIDGE of which
                       examples were left out.
                       DIVERGED: the residual has grown by 1 / eps, or w, the answer or what it takes
                       (moments, their inverse) left the finite numbers */
    int32_t rank;   /* LEAST_SQUARES, SERIES with lambda = 0: numerical rank of X or of the functions
                       at the examples (singular values above max(n, d) eps s_max); KERNEL_RIDGE:
                       examples not left out, those with a pivot of K + lambda I above
                       4 n eps (1 + lambda); else, and without w before any example, -1 */
    int64_t steps;  /* steps done; LASSO: sweeps over the coordinates */
    double step;    /* eta, alpha or lambda that was used, infinite where NEWTON's own alpha is no
                       double (X below some 1e-77); LASSO: the duality gap at w; 0 for methods
                       and prompts that have none and for steps that differ between examples */
} icl_solver_report;

/* w[p d + j]: the solution of prompt p (B x d). reports: B of them, or NULL. The batch must hold
 * examples (ICL_CONTENTS_EXAMPLES) for LEAST_SQUARES, BAYES, POOL, LOGISTIC, ONLINE_GD, SGD,
 * RIDGE with rules ADAPTIVE and TUNED and the methods without w; the others read the moments that
 * every batch holds. ICL_ERR_MISSING else. A method without w is ICL_ERR_ARGUMENT here and in
 * icl_solver_path. The methods with steps run them as they stand above. A prompt that diverges keeps
 * its last finite w and says so in its report; the call still succeeds. A singular prompt under RIDGE
 * with lambda = 0 gets the minimum-norm solution and a report that says SINGULAR; one whose moments
 * overflow is solved from its examples, where the batch holds them. */
ICL_API icl_status icl_solver_solve(const icl_solver *solver, const icl_batch *batch, double *w,
                                    icl_solver_report *reports);

/* path[(p (k + 1) + i) d + j]: w_i of prompt p after i = 0..k steps (B x (k + 1) x d), k the
 * solver's steps; for the methods without steps k = 0. After a stop, the last w is repeated. For
 * NEWTON w_0 = M_0 c. */
ICL_API icl_status icl_solver_path(const icl_solver *solver, const icl_batch *batch, double *path,
                                   icl_solver_report *reports);

/* prediction[p q + j] = w_p . x_query (B x q); of LOGISTIC tanh(w_p . x_query / 2); of a method
 * without w its answer, 0 where that is no finite number. The reports behind the answers are those of
 * icl_solver_solve; for a method without w ask icl_solver_prefixes with first = last = n. */
ICL_API icl_status icl_solver_predict(const icl_solver *solver, const icl_batch *batch,
                                      double *prediction);

/* ---- every prefix of every prompt ---- */

typedef struct icl_prefix_options {
    size_t size; /* sizeof(icl_prefix_options) as the caller knows it */
    const int64_t *const *steps; /* steps[s]: the K_s numbers of steps that solver s is asked after,
                                    ascending, 0 to 2^31; borrowed. NULL, for all solvers or one:
                                    its own `steps` alone, K_s = 1 */
    const int64_t *counts;       /* counts[s] = K_s, 1 to 2^31; read where steps[s] is */
    int64_t first, last;         /* only prefixes first..last, 0 <= first <= last <= n; default 0, and
                                    last < 0 (the default) stands for n */
} icl_prefix_options;

ICL_API icl_status icl_prefix_options_init(icl_prefix_options *options, size_t size);

/* Prefix t = 0..n of a prompt is its first t examples, with x_{t+1} for a query, and the batch's
 * query 0 for t = n. One call asks `count` solvers about every prefix of every prompt: with w the
 * weights of solver s after steps[s][k] steps on prefix t of prompt p,
 *
 *     predictions[s][(p (n + 1) + t) K_s + k] = w . x_{t+1}     (B x (n + 1) x K_s; of LOGISTIC
 *                                                                the tanh of half of it)
 *     weights[s][((p (n + 1) + t) K_s + k) d + j] = w_j         (B x (n + 1) x K_s x d)
 *     reports[s][p (n + 1) + t]                                 (B x (n + 1))
 *
 * With `first` and `last` given, t - first and last - first + 1 take the place of t and n + 1 there.
 * Each of the three may be NULL, and so may its entry s: weights[s] must be where solver s has no w,
 * ICL_ERR_ARGUMENT else, and its predictions are its answers to x_{t+1}. A method without
 * steps gives the same answer for each k. After a stop the last w is repeated; an answer that is no
 * finite number is the one of the step before, or 0, and its report says DIVERGED: all that is written
 * is finite.
 *
 * A report is one of the run to steps[s][K_s - 1], and means what it means to icl_solver_solve, which
 * it equals but for rounding. Where rounding is what ends a run (STALLED, and DIVERGED after a rise by
 * 1 / eps), `steps` may differ: the polynomials in A below are evaluated without the rounding of
 * their iterations and come to rest at the step where w is the limit to all digits, of which the
 * iterations of an ill-conditioned prompt may lose many, NEWTON's most.
 *
 * The work is shared. RIDGE, LEAST_SQUARES and BAYES append rows to one triangular factor, at a cost
 * of O(d^2) a prefix (O(d^3) for the rules ADAPTIVE and TUNED); where a pivot is too small to tell
 * rank, that prompt and prefix goes to the singular values of X. GD, HEAVY_BALL, NESTEROV, CHEBYSHEV,
 * GD_PLUS_PLUS and NEWTON are polynomials in A: one eigendecomposition of A, or of X X^T while t < d,
 * serves them all, and a step costs O(min(t, d)); for GD and NEWTON any number of steps costs that,
 * and those with a momentum take no more than O(sqrt kappa), after which nothing moves any longer.
 * Eigenvalues of A (A' for NEWTON) below 4 (t + d) eps of the greatest count as zero, so that
 * nothing is amplified in the null space: NEWTON goes on where its own products would stop at
 * rounding. ONLINE_GD, AVERAGE and SGD's first pass go on from the prefix before, and so do POOL's
 * squared errors, O(m d) a prefix, and LASSO, which descends from the w of the prefix before. KNN
 * costs O(t d) a prefix, and KERNEL_RIDGE, which appends rows to a Cholesky factor, O(t^2 + t d);
 * SERIES with m functions costs what least squares do at d = m;
 * TREE is grown anew from sorted examples, O(t d depth). The others run on the prefix's moments.
 *
 * The solvers have one dim, the batch's, else ICL_ERR_SHAPE; the batch must hold examples, else
 * ICL_ERR_MISSING. Runs on the threads of the first solver's context; no bit depends on their
 * number. Work space a thread: O(n d + d^2) doubles, O(n + d^2) for each solver of the first kinds,
 * O(n d) for POOL, O(min(k, n)) for KNN, O(n^2) for KERNEL_RIDGE, O(n m + m^2) for
 * SERIES, O(n d) for TREE, O(K_s d) for the others. options NULL: defaults. */
ICL_API icl_status icl_solver_prefixes(const icl_solver *const *solvers, int64_t count,
                                       const icl_batch *batch, const icl_prefix_options *options,
                                       double *const *predictions, double *const *weights,
                                       icl_solver_report *const *reports);

/* The solver as a predictor: borrows the solver. */
ICL_API icl_status icl_solver_predictor(const icl_solver *solver, icl_predictor *out);

#ifdef __cplusplus
}
#endif
#endif
