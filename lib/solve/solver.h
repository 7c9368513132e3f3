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

/* Prompts that one block of a solver's parallel work has. */
enum { ICL_SOLVE_BLOCK = 32 };

/* One prompt on its way through an algorithm. */
typedef struct icl_prompt {
    int64_t n, d;
    const double *X, *y; /* n x d, n; NULL where the batch leaves them out */
    const double *A, *c; /* d x d, d; NULL for an algorithm that reads the examples */
    double yy;           /* y^T y, beside them */
    double noise;        /* the prompt's sigma^2, 0 where the batch does not know it */
    int64_t steps;       /* the number asked for */
    double *scratch;
    int64_t scratch_size;
    double *w;                    /* d: holds w_0 or 0 at first, the answer at last */
    int warm;                     /* 1: w holds a better start than that */
    double *path;                 /* w_i for each i of the grid, or for i = 0..steps; or NULL */
    const int64_t *grid;          /* numbers of steps, ascending; NULL: all */
    int64_t grid_count, recorded; /* of the grid's rows so far */
    icl_solver_report report;
} icl_prompt;

/* Examples of a prompt on their way into a learner. */
typedef struct icl_sample {
    int64_t n, d, t;     /* of n examples the first t are taken */
    const double *X, *y; /* n x d, n */
    int64_t fitted;      /* t of the last fit */
    double *scratch;     /* what the learner knows of them, as large as `scratch` tells for n */
    int64_t scratch_size;
} icl_sample;

/* A method whose answer is no w.x: it takes examples one by one, is fitted to those taken where
 * answers are wanted, and answers queries then. Before any example the answer is 0. Whether a
 * prefix is fitted may change no later answer. Its scratch for n examples is enough for fewer.
 * begin, append and fit may be NULL. */
typedef struct icl_learner {
    void (*begin)(const icl_solver *solver, icl_sample *sample);
    void (*append)(const icl_solver *solver, icl_sample *sample); /* example t, counted from 0 */
    icl_status (*fit)(const icl_solver *solver, icl_sample *sample, icl_solver_report *report);
    double (*answer)(const icl_solver *solver, const icl_sample *sample, const double *x);
} icl_learner;

/* How all prefixes of a prompt are served, for all solvers of its kind at once: prefix.h. */
typedef struct icl_road icl_road;

typedef struct icl_algorithm {
    int steps;    /* 1: iterates */
    int start;    /* 1: from the option w_0 */
    int examples; /* 1: reads X and y, else A and c */
    int without;  /* 1: does without A and c where it has X and y, if those overflow */
    /* Doubles of scratch for prompts of n examples; < 0: too large for LAPACK. */
    int64_t (*scratch)(const icl_solver *solver, int64_t n);
    icl_status (*run)(const icl_solver *solver, icl_prompt *prompt);
    /* The answer to a query, from w.x; NULL: that itself. */
    double (*link)(double score);
    /* Instead of run, for a method without steps that serves many prompts at once: w (count x d) of
     * `count` <= ICL_SOLVE_BLOCK prompts whose X and y follow each other. */
    void (*run_block)(const icl_solver *solver, int64_t count, int64_t n, const double *X,
                      const double *y, double *scratch, double *w);
    const icl_learner *learner; /* instead of all these, for a method without w */
    const icl_road *road;       /* NULL: every prefix is run for itself */
} icl_algorithm;

extern const icl_algorithm icl_algorithm_gd;
extern const icl_algorithm icl_algorithm_pgd;
extern const icl_algorithm icl_algorithm_newton;
extern const icl_algorithm icl_algorithm_ridge;
extern const icl_algorithm icl_algorithm_least_squares;
extern const icl_algorithm icl_algorithm_bayes;
extern const icl_algorithm icl_algorithm_gd_plus_plus;
extern const icl_algorithm icl_algorithm_heavy_ball;
extern const icl_algorithm icl_algorithm_nesterov;
extern const icl_algorithm icl_algorithm_chebyshev;
extern const icl_algorithm icl_algorithm_online_gd;
extern const icl_algorithm icl_algorithm_sgd;
extern const icl_algorithm icl_algorithm_average;
extern const icl_algorithm icl_algorithm_conjugate_gradient;
extern const icl_algorithm icl_algorithm_bfgs;
extern const icl_algorithm icl_algorithm_dfp;
extern const icl_algorithm icl_algorithm_lbfgs;
extern const icl_algorithm icl_algorithm_pool;
extern const icl_algorithm icl_algorithm_lasso;
extern const icl_algorithm icl_algorithm_logistic;
extern const icl_algorithm icl_algorithm_knn;
extern const icl_algorithm icl_algorithm_kernel_ridge;
extern const icl_algorithm icl_algorithm_series;
extern const icl_algorithm icl_algorithm_tree;

struct icl_solver {
    icl_context *context;
    const icl_algorithm *algorithm;
    int64_t dim, steps;           /* steps: 0 for the methods without */
    int examples;                 /* 1: needs X and y */
    icl_solver_options options;   /* its pointers are NULL: what they held is below */
    double *matrices;             /* the block behind the pointers that follow */
    const double *preconditioner; /* B (d x d); NULL: I */
    const double *factor;         /* F (rank x d), B = F^T F, without the null space of B */
    int64_t rank;
    const double *start; /* w_0 (d); NULL: 0 */
    icl_law *law;        /* of BAYES */
    double *tiles;       /* the pool of POOL, packed: pool_posterior.h */
    int64_t tile_count;
};

/* ---- what the algorithms share ---- */

/* Packs a pool of `count` tasks (count x d) into solver->tiles. */
icl_status icl_pool_pack(icl_solver *solver, const double *pool, int64_t count);

/* The answer of w (d) to a query x (d). */
double icl_solver_answer(const icl_solver *solver, const double *w, const double *x);

/* w_0, or 0 for the methods without one. */
void icl_solver_start(const icl_solver *solver, double *w);

/* Runs one prompt, its moments in range or not: one that leaves the finite numbers, or where LAPACK
 * finds no end, keeps its last finite w and says DIVERGED. */
void icl_solver_run(const icl_solver *solver, icl_prompt *prompt, int in_range);

/* A learner's sample of at most n examples; the next of them; a fit, and an answer of that fit. */
icl_sample icl_sample_begin(const icl_solver *solver, int64_t n, const double *X, const double *y,
                            double *scratch, int64_t scratch_size);
void icl_sample_append(const icl_solver *solver, icl_sample *sample);
icl_solver_report icl_sample_fit(const icl_solver *solver, icl_sample *sample);
double icl_sample_answer(const icl_solver *solver, const icl_sample *sample, const double *x);

/* Writes w as w_step into the path, if that is wanted. */
void icl_prompt_record(icl_prompt *prompt, int64_t step);
/* The path from its last recorded w on: every later w is the same. */
void icl_prompt_finish(icl_prompt *prompt);

/* A method whose steps start from the residual g = A w - c. */
typedef struct icl_iteration {
    int still;               /* 1: nothing can move */
    double step;             /* for the report */
    int fragile;             /* 1: a residual of rounding is the end, as it spoils the next steps;
                                0: it is when it no longer falls */
    double *residual, *next; /* d each */
    /* next = w_{k+1} for w_k = prompt->w; ICL_STOP_NONE, or why there is no next one. */
    icl_stop (*move)(void *state, const icl_prompt *prompt, const double *residual, double *next);
    void *state;
} icl_iteration;
void icl_iterate(const icl_solver *solver, icl_prompt *prompt, const icl_iteration *it);

/* residual = A w - c and, for a symmetric matrix, out = matrix x. */
void icl_residual(int64_t d, const double *A, const double *c, const double *w, double *residual);
void icl_symmetric_apply(int64_t d, const double *matrix, const double *x, double *out);

/* ||a - b||^2 (d), or infinity */
double icl_squared_distance(int64_t d, const double *a, const double *b);

/* The greatest row sum of |A| (d x d), which is never below its greatest eigenvalue. */
double icl_row_sum(int64_t d, const double *A);

/* The extreme eigenvalues of a positive semi-definite matrix (d x d) among those above tolerance
 * l_max, at most `rank` of them; 0 and 0 for the matrix 0. */
int64_t icl_extremes_scratch(int64_t d);
icl_status icl_extremes(int64_t d, int64_t rank, double tolerance, const double *matrix,
                        double *scratch, int64_t scratch_size, double *least, double *greatest);

/* z (d) = X^T (X X^T + lambda I)^+ r by the singular values of X (n x d) above max(n, d) eps s_max:
 * the ridge solution, for lambda = 0 the least squares of least norm. With s_max at scratch[0]. */
int64_t icl_filtered_scratch(int64_t n, int64_t d);
icl_status icl_filtered_solve(int64_t n, int64_t d, const double *X, const double *r, double lambda,
                              double *scratch, int64_t scratch_size, double *z, int64_t *rank);

/* What counts as zero beside 1: max(n, d) eps among singular values of X, 4 (n + d) eps among
 * eigenvalues of X^T X, whose entries carry the rounding of n sums. */
double icl_rank_tolerance(int64_t n, int64_t d);
double icl_moment_tolerance(int64_t n, int64_t d);

#endif
