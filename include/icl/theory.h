/* Theory of one layer of linear self-attention: exact losses, optima and certificates.
 *
 * The layer as theory sees it (Mahankali et al. 2307.03576; Zhang et al. 2306.09927): with
 * p = (u, v) the last row of P and (M over r) the first d columns of Q; u, r in R^d, M d x d,
 * S, b, s_yy the prompt's moments, any sign of the model already multiplied into (u, v),
 *
 *     yhat = u^T S M x_q + v b^T M x_q + (u^T b)(r^T x_q) + v s_yy r^T x_q.
 *
 * Its odd part is x_q^T Gamma b with Gamma = v M^T + r u^T; the rest is the even part. Losses
 * and risks are E (yhat - y_q)^2, no half, and count the query's own noise. With
 *
 *     K = E[y_q x_q b^T],  C = E[b b^T]:    risk(Gamma) = E y^2 - 2 tr(Gamma^T K) + tr(Gamma^T Sigma Gamma C),
 *     Gamma* = Sigma^-1 K C^-1  (pseudo-inverses where singular: the least-norm minimiser).
 *
 * For linear labels K = Sigma W Sigma and C = (1 + 1/n) Sigma W Sigma + ((tr(Sigma W) + sigma^2)/n) Sigma;
 * W is the covariance of w, whatever the kind of tasks; with a prior mean W + mu mu^T stands for it.
 * Of a pool W and mu are those of its entries. With a mean, or tasks that are not Gaussian (a pool is
 * such), the results hold among predictors x_q^T Gamma b.
 * For the other labels and Sigma = I (or a multiple of it) the moments are closed forms or
 * one-dimensional integrals, and those of NET are closed for any Sigma. For the rest with Sigma not
 * I they are simulated: give an icl_simulation, and a standard error comes back. Only the tasks are
 * drawn; what covariates and noise add given the task is exact. n = 0 gives Gamma* = 0.
 *
 * Uniform covariates x = R z (E z_j^4 = 9/5) add -(6 / (5 n)) R diag(R^T W R) R^T to C. Results are
 * given where R^T W R is diagonal (to 1e-12): W = I or Sigma^-1, or W and Sigma both diagonal; else,
 * and with labels that are not linear, ICL_ERR_NO_CLOSED_FORM. Noise levels that differ between
 * prompts enter through E sigma^2, and the even part through E sigma^4, too: both exactly.
 *
 * Where the rotation of Sigma is drawn with the prompts there is no one Sigma: every function here
 * answers ICL_ERR_NO_CLOSED_FORM.
 *
 * All functions are pure and thread-safe. Outputs that are not wanted may be NULL. Moments of a law
 * that overflow are ICL_ERR_NONFINITE, a loss or risk that does is ICL_ERR_DIVERGED.
 */
#ifndef ICL_THEORY_H
#define ICL_THEORY_H

#include <icl/predict.h>
#include <icl/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How to simulate what has no closed form: prompts 0..prompts-1 of a sampler with this seed. */
typedef struct icl_simulation {
    uint64_t seed;   /* <= 2^63 - 1 */
    int64_t prompts; /* >= 2 */
} icl_simulation;

typedef struct icl_optimum {
    size_t size;             /* set to sizeof(icl_optimum) by the caller */
    double risk;             /* risk(Gamma*) */
    double risk_error;       /* its standard error; 0 for a closed form */
    double residual;         /* ||Sigma Gamma* C - K||_F / ||K||_F of the full-rank Gamma*; 0 if K = 0 */
    double gamma_error;      /* standard error of Gamma*, sqrt(sum of squares), relative to
                                ||Gamma*||_F; 0 for a closed form */
} icl_optimum;

/* Gamma* (d x d) of a law and its risk. rank: the greatest rank allowed, 1 to d, or 0 for d; a
 * lower one gives the truncated Sigma^-1/2 [Sigma^1/2 Gamma* C^1/2]_rank C^-1/2. simulation may be
 * NULL: then a law without a closed form is ICL_ERR_NO_CLOSED_FORM. */
ICL_API icl_status icl_theory_optimum(const icl_law *law, const icl_simulation *simulation,
                                      int64_t rank, double *gamma, icl_optimum *optimum);

/* K, C (d x d) and E y^2 of a law. */
ICL_API icl_status icl_theory_moments(const icl_law *law, const icl_simulation *simulation,
                                      double *K, double *C, double *label_power);

/* Risk of the predictor x_q^T Gamma b, Gamma d x d. */
ICL_API icl_status icl_theory_risk(const icl_law *law, const icl_simulation *simulation,
                                   const double *gamma, icl_estimate *risk);

/* Risk of one step of gradient descent from 0 with step eta on (1/2) ||y - X w||^2, preconditioned
 * by B (d x d; NULL: I): Gamma = n eta B. */
ICL_API icl_status icl_theory_step_risk(const icl_law *law, const icl_simulation *simulation,
                                        const double *B, double eta, icl_estimate *risk);

/* The best such step and its risk: eta = tr(B^T K) / (n tr(B^T Sigma B C)). n = 0: eta = 0. */
ICL_API icl_status icl_theory_best_step(const icl_law *law, const icl_simulation *simulation,
                                        const double *B, double *eta, icl_estimate *risk);

/* Risk of the Bayes predictor, sigma^2 + E tr Sigma (W - W X^T (X W X^T + sigma^2 I)^+ X W), and of
 * ridge with lambda >= 0 (least squares of least norm for 0), as the mean over simulated X of
 * the exact risk given X. Linear labels, and for Bayes Gaussian tasks and one noise level for all
 * prompts (else the posterior is not normal): else ICL_ERR_NO_CLOSED_FORM. simulation is needed
 * unless n = 0. */
ICL_API icl_status icl_theory_bayes_risk(const icl_law *law, const icl_simulation *simulation,
                                         icl_estimate *risk);
ICL_API icl_status icl_theory_ridge_risk(const icl_law *law, const icl_simulation *simulation,
                                         double lambda, icl_estimate *risk);

/* L layers that leave the covariates as they are, each a step of gradient descent on the mean loss
 * (1/2n) ||y - X w||^2 from 0, preconditioned by etas_mean[l] Sigma^-1 (Ahn et al. 2306.00297, theorem
 * 3). A step on (1/2) ||y - X w||^2, as eta above, is etas_mean[l] / n. With t = E (w.x)^2 and the law
 * mu of the d eigenvalues, zeros included, of X^T X / n for whitened covariates,
 *
 *     risk = t int prod_l (1 - etas_mean[l] s)^2 dmu(s).
 *
 * For linear labels with mean zero and no noise, and W a multiple of Sigma^-1, to rounding (so that
 * Sigma = s I goes with W = c I): else ICL_ERR_NO_CLOSED_FORM. mu is a closed form for Gaussian
 * covariates and every n and d: risks are exact to rounding, however small. The simulation is then
 * not used and may be NULL. O(d^3), and O(min(n, d)^2) for mu. For other covariates the eigenvalues
 * are simulated; the standard error of a best risk is first order, as its steps are of the same
 * sample.
 *
 * The best steps (layers, descending) and their risk: 1 / etas_mean[l] are the nodes of the Gauss rule
 * of s dmu. n = 0: all steps are 0. layers: 1 to 128. */
ICL_API icl_status icl_theory_deep_optimum(const icl_law *law, const icl_simulation *simulation,
                                           int64_t layers, double *etas_mean, icl_estimate *risk);

/* The risk of given steps (layers), finite and in any order; all equal for a looped layer. */
ICL_API icl_status icl_theory_deep_risk(const icl_law *law, const icl_simulation *simulation,
                                        int64_t layers, const double *etas_mean,
                                        icl_estimate *risk);

/* One layer run `loops` times, 1 to 128 (Gatmiry et al. 2410.08292): the best step common to all
 * loops, and its risk. n = 0: the step is 0. */
ICL_API icl_status icl_theory_looped_optimum(const icl_law *law, const icl_simulation *simulation,
                                             int64_t loops, double *eta_mean, icl_estimate *risk);

/* The exact loss of the full layer on a law, a quartic polynomial in (u, v, M, r), prepared for
 * many evaluations. For linear labels with mean zero and for the other labels but with Sigma = I;
 * a prior mean or tasks that are not Gaussian are accepted and demand u = r = 0 in every evaluation.
 * ICL_ERR_NO_CLOSED_FORM else, and for covariates that are not Gaussian. Immutable: any threads may
 * evaluate it. Keeps the law alive. */
typedef struct icl_population icl_population;

/* Prepares the loss of a law: the eigenvalues and Gamma*, O(d^3). */
ICL_API icl_status icl_population_create(const icl_law *law, icl_population **out);
ICL_API void icl_population_free(icl_population *population);

/* What the population says of a point. excess = loss - min loss (over all Gamma, rank free) is
 * computed without cancellation, as tr((Gamma - Gamma*)^T Sigma (Gamma - Gamma*) C) + E yhat_even^2,
 * so that it is exact to rounding however small. With a prior mean gu and gr are 0. Gradients are of
 * the loss: gu, gr (d), gv (1), gM (d x d); any output may be NULL. */
ICL_API icl_status icl_population_evaluate(const icl_population *population, const double *u,
                                           double v, const double *M, const double *r,
                                           double *loss, double *excess, double *gu, double *gv,
                                           double *gM, double *gr);

/* One layer with u = 0 and v = 1 in the scaling of Lu et al. (2405.11751): M = d Gamma_1^T, r = gamma_2,
 *
 *     yhat = x_q^T Gamma h,   h = (d b; s_yy),   Gamma = (Gamma_1, gamma_2)  (d x (d + 1)),
 *
 * which is what icl_fit_solve fits. Its risk is a closed form for linear labels, Gaussian covariates,
 * and tasks from a pool, or GAUSSIAN or SPHERE ones with mean zero: with v = Sigma w and
 * s = w.v + sigma^2, over tasks and noise levels,
 *
 *     E s - 2 tr(Gamma^T A) + tr(Gamma^T Sigma Gamma B),   A = (d E[v v^T], E[s v]),
 *     B = [ d^2 ((E s / n) Sigma + (1 + 1/n) E[v v^T])  . ; d (1 + 2/n) E[s v]^T  (1 + 2/n) E[s^2] ].
 *
 * A law with the pool that Gamma was fitted on gives the error on its tasks (in-distribution
 * generalisation, e_IDG), the same law without a pool that on fresh tasks (e_ICL). n = 0: E s. gamma
 * d x (d + 1), finite. Else ICL_ERR_NO_CLOSED_FORM. O(d^3 + K d^2). */
ICL_API icl_status icl_theory_feature_risk(const icl_law *law, const double *gamma, double *risk);

/* The ratios that are kept as d grows (Lu et al. 2405.11751). Tasks on the sphere of radius sqrt(d),
 * x ~ N(0, I / d), label noise of variance rho. */
typedef struct icl_asymptotic_options {
    size_t size;  /* sizeof(icl_asymptotic_options) as the caller knows it */
    double alpha; /* examples a prompt / d, > 0; default 1 */
    double kappa; /* tasks in the pool / d, > 0; INFINITY: a fresh task for each prompt; default 1 */
    double tau;   /* prompts / d^2, > 0; default 0.5 */
    double rho;   /* >= 0; default 0 */
    double ridge; /* lambda >= 0 of icl_fit_solve; 0 (the default): the solution of least norm */
} icl_asymptotic_options;

/* Limits of the errors of Gamma fitted by icl_fit_solve. */
typedef struct icl_asymptotic {
    size_t size;            /* set to sizeof(icl_asymptotic) by the caller */
    double e_icl;           /* on fresh tasks */
    double e_idg;           /* on the tasks of the pool */
    double g_task;          /* e_icl - e_idg, what the layer lacks on tasks that it has not seen */
    double effective_ridge; /* xi, the ridge of the equivalent deterministic problem */
    double e_bayes;         /* of the Bayes predictor for fresh tasks, ridge with lambda = rho */
} icl_asymptotic;

/* Sets the defaults; writes no byte beyond size. */
ICL_API icl_status icl_asymptotic_options_init(icl_asymptotic_options *options, size_t size);

/* The errors as d grows at fixed ratios. With q = (1 + rho) / alpha, x = q + xi, the normalised traces
 * M = tr G, N = tr G^2, A = tr R G, B = tr R G^2, g = tr (R G)^2 of G = (R + x)^-1 for a Wishart matrix R
 * of ratio kappa, and s = q N + B,
 *
 *     xi M(x) - tau lambda / xi = 1 - tau,
 *     e_idg = (rho + q A + xi x B) / (lambda / xi + xi s / tau),
 *     e_icl = rho + x^2 N + q g + e_idg (1 + q) s / tau.
 *
 * At lambda = 0 this is the paper's pair of formulas, for tau < 1 and (xi = 0) for tau > 1; at tau = 1 it
 * diverges: both errors are then INFINITY and g_task NaN, with ICL_OK. At finite d the errors differ by
 * O(1/d), from above. kappa infinite: the two errors agree. */
ICL_API icl_status icl_theory_asymptotic(const icl_context *context,
                                         const icl_asymptotic_options *options,
                                         icl_asymptotic *asymptotic);

/* What a one-layer model has become. */
typedef struct icl_certificate {
    size_t size;            /* set to sizeof(icl_certificate) by the caller */
    double gamma_distance;  /* ||Sigma^1/2 (Gamma - Gamma*) C^1/2||_F / ||Sigma^1/2 Gamma* C^1/2||_F;
                               the numerator alone where Gamma* = 0 */
    double even_part;       /* sqrt(E yhat_even^2 / E yhat_odd^2); 0 / 0 is 0, x / 0 infinity */
    double gradient_norm;   /* of the population loss in (u, v, M, r), in the gauge with
                               ||(u, v)|| = ||(M; r)||; 0 at the saddle; NaN where there is no
                               closed form: a prior mean, tasks or covariates that are not
                               Gaussian with u or r not 0, or simulated moments */
    double risk;            /* the model's */
    double risk_optimum;    /* of Gamma*, at the rank asked for */
    double excess;          /* risk - risk_optimum */
    double step;            /* eta: n eta I is the nearest multiple of I to Gamma in the norm of
                               gamma_distance; 0 for n = 0 */
    double step_theory;     /* the same of Gamma* */
    double step_whitened;   /* the same with Sigma^-1 for I; NaN for a singular Sigma */
    double step_whitened_theory;
    double normal_residual; /* icl_optimum.residual */
    double numerical_rank;  /* of Gamma: singular values of Sigma^1/2 Gamma C^1/2 above 1e-3 of
                               the greatest one of Gamma* */
    double risk_error;      /* standard error of risk; 0 for a closed form */
} icl_certificate;

/* Certifies (u, v, M, r) on a law against Gamma* of the given rank (0: d). Where the loss of the
 * even part has no closed form (a prior mean, other tasks or covariates than Gaussian, or Sigma not
 * I with non-linear labels, and u or r not 0), the risk and even_part are simulated; without a
 * simulation that is ICL_ERR_NO_CLOSED_FORM. */
ICL_API icl_status icl_theory_certify(const icl_law *law, const icl_simulation *simulation,
                                      const double *u, double v, const double *M, const double *r,
                                      int64_t rank, icl_certificate *certificate);

/* ---- nonparametric rates (Kim et al. 2408.12186) ---- */

typedef struct icl_rate {
    size_t size;       /* set to sizeof(icl_rate) by the caller */
    double smoothness; /* a = 1 / sum_j 1 / alpha_j; alpha / d where all are equal */
    double exponent;   /* 2 a / (2 a + 1): the risk falls as n^-exponent, but for a logarithm */
    double features;   /* N* = n^(1 / (2 a + 1)), of the network below the attention layer */
    double tasks;      /* n N* = n^((2 a + 2) / (2 a + 1)): so many are needed in training */
} icl_rate;

/* The rate at which a feature network and one layer of linear attention learn functions of `dim` >= 1
 * variables with Besov smoothness alpha_j > 0 in variable j (smoothness: d values), from n >= 1
 * examples: the optimum of N^-2a + (N log N) / n + (N^2 log N) / T over N and T, no constants. */
ICL_API icl_status icl_theory_rate(const icl_context *context, int64_t dim,
                                   const double *smoothness, int64_t n, icl_rate *rate);

#ifdef __cplusplus
}
#endif
#endif
