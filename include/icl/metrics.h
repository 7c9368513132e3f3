/* Metrics: which algorithm a predictor is running, and how well.
 *
 * Most of them read what icl_solver_prefixes and icl_predictor_prefixes write: predictions at prefixes
 * t = 0..n of every prompt, after K numbers of steps,
 *
 *     prediction[(p (n + 1) + t) K + k]        (B x (n + 1) x K)
 *
 * whose target is y_{t+1}, and for t = n the target of the batch's query 0; weights are such arrays with a
 * further index j < d. So a solver, a model and a caller's network are compared in the same way. The
 * batch must hold its examples, labels and queries (ICL_CONTENTS_EXAMPLES, else ICL_ERR_MISSING), but
 * for the distance and the similarity of weights. All inputs must be finite: ICL_ERR_NONFINITE names the
 * entry; where finite ones have squares that are not, as those of a solver that diverged, the call fails
 * with ICL_ERR_DIVERGED. A call that fails has written nothing. Means are over prompts, as are their
 * standard errors, which are NaN for one prompt. No bit depends on the number of threads. Outputs are the
 * caller's.
 */
#ifndef ICL_METRICS_H
#define ICL_METRICS_H

#include <icl/model.h>
#include <icl/predict.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ---- */

/* errors[t K + k] = E (prediction - target)^2 / scale ((n + 1) x K), scale > 0: d for the papers' plots. */
ICL_API icl_status icl_metric_errors(const icl_batch *batch, int64_t K, const double *prediction,
                                     double scale, icl_estimate *errors);

/* excess[t] = E [(a - target)^2 - (b - target)^2] / scale (n + 1) for two predictions with K = 1,
 * b say Bayes'; of the difference prompt by prompt, whose error is less than that of either. */
ICL_API icl_status icl_metric_excess(const icl_batch *batch, const double *a, const double *b,
                                     double scale, icl_estimate *excess);

/* E (a - b)^2 over prompts and prefixes first..last (Akyurek et al. 2211.15661's SPD; MSPD is the
 * one over t < d), and E ||v - w||^2 over prompts for weights (B x d) (ILWD). */
ICL_API icl_status icl_metric_prediction_distance(const icl_batch *batch, const double *a,
                                                  const double *b, int64_t first, int64_t last,
                                                  icl_estimate *distance);
ICL_API icl_status icl_metric_weight_distance(const icl_batch *batch, const double *v,
                                              const double *w, icl_estimate *distance);

/* The percentile bootstrap of a mean: *low and *high bound the central `level` (0 < level < 1) of the
 * means of `resamples` (1 to 2^24) samples of `count` values drawn with replacement, from the flat
 * streams of the seed (Efron 1979). */
ICL_API icl_status icl_metric_bootstrap(const icl_context *context, int64_t count,
                                        const double *values, double level, int64_t resamples,
                                        uint64_t seed, double *low, double *high);

/* ---- similarities (Fu et al. 2310.17086) ---- */

/* SimE: similarity[i K_b + j] = E cos of the vectors of errors over t = first..n, of a after its steps
 * i and b after its steps j (K_a x K_b). cos(0, 0) = 1, cos(0, x) = 0. 0 <= first <= n. */
ICL_API icl_status icl_metric_error_similarity(const icl_batch *batch, int64_t K_a, const double *a,
                                               int64_t K_b, const double *b, int64_t first,
                                               icl_estimate *similarity);

/* SimW: the same with the mean over t of cos(v_t, w_t) of weights (B x (n + 1) x K x d). */
ICL_API icl_status icl_metric_weight_similarity(const icl_batch *batch, int64_t K_v,
                                                const double *v, int64_t K_w, const double *w,
                                                int64_t first, icl_estimate *similarity);

/* match[i] = the first j with the greatest similarity.value[i cols + j]. */
ICL_API icl_status icl_metric_best_match(const icl_context *context, int64_t rows, int64_t cols,
                                         const icl_estimate *similarity, int64_t *match);

/* ---- what a predictor does, found by asking it ---- */

/* OS: E over prompts of the standard deviation of the answer to query 0 over `permutations` (2 to
 * 65536) random orders of the examples, over sqrt(E y_q^2) (Shen et al. 2310.08540): rounding for
 * every method that sees a set. Orders come from the flat stream (seed, p) of prompt p. Targets that are
 * all 0 are ICL_ERR_ARGUMENT. */
ICL_API icl_status icl_metric_order_sensitivity(const icl_predictor *predictor,
                                                const icl_batch *batch, int64_t permutations,
                                                uint64_t seed, icl_estimate *sensitivity);

/* forgetting[i] = E (answer to x_i after all n examples - y_i)^2 (n): flat for methods that weigh the
 * examples alike, 0 at the last one for those that fit it exactly. */
ICL_API icl_status icl_metric_forgetting(const icl_predictor *predictor, const icl_batch *batch,
                                         icl_estimate *forgetting);

/* Induced weights: w (B x d), for each prompt the least-squares fit of the answers after its first t
 * examples to `queries` (d to 65536) points drawn from N(0, Sigma) of the law, which is of the
 * batch's dim; residual (B; NULL: not wanted): ||answers - fit|| / ||answers||, 0 for a linear predictor. */
ICL_API icl_status icl_metric_induced_weights(const icl_predictor *predictor,
                                              const icl_batch *batch, int64_t t,
                                              const icl_law *law, int64_t queries, uint64_t seed,
                                              double *w, double *residual);

/* residual[p] = ||w_p outside the span of x_1..x_t|| / ||w_p|| (B); 0 for w_p = 0. */
ICL_API icl_status icl_metric_span_residual(const icl_batch *batch, int64_t t, const double *w,
                                            double *residual);

/* ---- matrices and distributions ---- */

/* *distance = min over a of ||M - a I||_F / ||M||_F (Ahn et al. 2306.00297), reached at *scale = a =
 * tr M / d: 0 for a multiple of I and for M = 0, at most 1, the same for Q^T M Q with a rotation Q.
 * M (d x d); dim >= 1. scale may be NULL. */
ICL_API icl_status icl_metric_identity_distance(const icl_context *context, int64_t dim,
                                                const double *M, double *distance, double *scale);

/* *fraction of `count` >= 1 values with |value| <= threshold max |value|, 0 <= threshold; 1 if all are 0. */
ICL_API icl_status icl_metric_sparsity(const icl_context *context, int64_t count,
                                       const double *values, double threshold, double *fraction);

/* Of two distributions over `count` candidates (p, q >= 0): with P and Q the K likeliest of each (the
 * first among equals) and O what they share, *overlap = |O| / K and
 * *cosine = sum_O p q / sqrt((sum_O p^2)(sum_O q^2) + K - |O|) (Shen et al. 2310.08540); 0 where O is
 * empty. 1 <= K <= count. Either output may be NULL. */
ICL_API icl_status icl_metric_overlap(const icl_context *context, int64_t count, const double *p,
                                      const double *q, int64_t K, double *overlap, double *cosine);

typedef struct icl_line_fit {
    double slope, intercept;
    double slope_error; /* its standard error; NaN for two points */
    double r_squared;   /* 1 for points on a line, also a level one */
} icl_line_fit;

/* The line y = intercept + slope x through `count` >= 2 points by least squares. */
ICL_API icl_status icl_metric_line(const icl_context *context, int64_t count, const double *x,
                                   const double *y, icl_line_fit *fit);

#ifdef __cplusplus
}
#endif
#endif
