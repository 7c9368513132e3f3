/* A solver from the inside: one algorithm a file, run prompt by prompt.
 *
 * A = X^T X = n S and c = X^T y = n b throughout. Algorithms run on worker threads: they allocate
 * nothing, set no last error, and work in the scratch that they asked for.
 */
#ifndef ICL_SOLVE_SOLVER_H
#define ICL_SOLVE_SOLVER_H

#include <icl/solve.h>

#include "base/context.h"
#include "task/law.h"

/* One prompt on its way through an algorithm. */
typedef struct icl_prompt {
    int64_t n, d;
    const double *X, *y; /* n x d, n; NULL where the batch leaves them out */
    const double *A, *c; /* d x d, d; NULL for an algorithm that reads the examples */
    double *scratch;
    int64_t scratch_size;
    double *w;    /* d: holds w_0 or 0 at first, the answer at last */
    double *path; /* (steps + 1) x d, or NULL */
    icl_solver_report report;
} icl_prompt;

typedef struct icl_algorithm {
    int steps;    /* 1: iterates, and starts from w_0 */
    int examples; /* 1: reads X and y, else A and c */
    /* Doubles of scratch for prompts of n examples; < 0: too large for LAPACK. */
    int64_t (*scratch)(const icl_solver *solver, int64_t n);
    icl_status (*run)(const icl_solver *solver, icl_prompt *prompt);
} icl_algorithm;

extern const icl_algorithm icl_algorithm_gd;
extern const icl_algorithm icl_algorithm_pgd;
extern const icl_algorithm icl_algorithm_newton;
extern const icl_algorithm icl_algorithm_ridge;
extern const icl_algorithm icl_algorithm_least_squares;
extern const icl_algorithm icl_algorithm_bayes;
extern const icl_algorithm icl_algorithm_gd_plus_plus;

struct icl_solver {
    icl_context *context;
    const icl_algorithm *algorithm;
    int64_t dim, steps;
    double step, ridge, tolerance, gamma;
    double *matrices;             /* the block behind the pointers that follow */
    const double *preconditioner; /* B (d x d); NULL: I */
    const double *factor;         /* F (rank x d), B = F^T F, without the null space of B */
    int64_t rank;
    const double *start; /* w_0 (d); NULL: 0 */
    icl_law *law;        /* of BAYES */
};

/* ---- what the algorithms share ---- */

/* Writes w as w_step into the path, if one is wanted. */
void icl_prompt_record(icl_prompt *prompt, int64_t step);

/* GD and PGD: w <- w - eta B (A w - c). 3 d doubles of scratch. */
enum { ICL_DESCEND_VECTORS = 3 };
void icl_descend(const icl_solver *solver, icl_prompt *prompt, double eta);

/* residual = A w - c and, for a symmetric matrix, out = matrix x. */
void icl_residual(int64_t d, const double *A, const double *c, const double *w, double *residual);
void icl_symmetric_apply(int64_t d, const double *matrix, const double *x, double *out);

/* 2 / (l_max + l_min) of a positive semi-definite matrix (d x d), over its eigenvalues above
 * tolerance l_max and at most `rank` of them; 0 for the matrix 0. */
int64_t icl_best_step_scratch(int64_t d);
icl_status icl_best_step(int64_t d, int64_t rank, double tolerance, const double *matrix,
                         double *scratch, int64_t scratch_size, double *eta);

/* z (d) = X^T (X X^T + lambda I)^+ r by the singular values of X (n x d) above max(n, d) eps s_max:
 * the ridge solution, for lambda = 0 the least squares of least norm. */
int64_t icl_filtered_scratch(int64_t n, int64_t d);
icl_status icl_filtered_solve(int64_t n, int64_t d, const double *X, const double *r, double lambda,
                              double *scratch, int64_t scratch_size, double *z);

/* What counts as zero beside 1: max(n, d) eps among singular values of X, 4 (n + d) eps among
 * eigenvalues of X^T X, whose entries carry the rounding of n sums. */
double icl_rank_tolerance(int64_t n, int64_t d);
double icl_moment_tolerance(int64_t n, int64_t d);

#endif
