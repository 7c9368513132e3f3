/* All prefixes of all prompts, for several solvers at once.
 *
 * Solvers whose algorithms share work go the same road: a function that serves one group of eight
 * prompts (a block) for all of them. Roads run on worker threads: they allocate nothing, set no
 * last error, and write what they find through icl_prefix_put and icl_prefix_report.
 */
#ifndef ICL_SOLVE_PREFIX_H
#define ICL_SOLVE_PREFIX_H

#include "solve/solver.h"
#include "task/batch.h"

/* One solver's share of the run. */
typedef struct icl_prefix_part {
    const icl_solver *solver;
    const int64_t *grid; /* numbers of steps, ascending */
    int64_t count, most; /* K, and the greatest of the grid, 0 for the methods without steps */
    int64_t own;         /* scratch of the solver's algorithm for any prefix */
    double *predictions; /* B x T x K, T prefixes, or NULL, as the next two may be */
    double *weights;     /* B x T x K x d */
    icl_solver_report *reports; /* B x T */
} icl_prefix_part;

typedef struct icl_prefix_run {
    const icl_context *context;
    const icl_batch *batch;
    int64_t d, n;
    int64_t begin, end; /* prefixes begin..end, both wanted: T = end - begin + 1 */
} icl_prefix_run;

struct icl_road {
    /* Doubles of scratch that `run` needs. */
    int64_t (*scratch)(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count);
    /* Prompts 8 group.. of the batch, prefixes begin..end, for the parts. */
    void (*run)(const icl_prefix_run *run, const icl_prefix_part *parts, int64_t count,
                int64_t group, double *scratch);
};

extern const icl_road icl_road_spectral; /* polynomials in A */
extern const icl_road icl_road_triangle; /* factors that grow by a row */
extern const icl_road icl_road_online;   /* one example after the other */
extern const icl_road icl_road_pool;     /* posteriors over a pool of tasks */
extern const icl_road icl_road_learner;  /* methods without w */
extern const icl_road icl_road_refit;    /* any algorithm, on the prefix's moments and examples */
extern const icl_road icl_road_warm;     /* the same, from the w of the prefix before */

/* x_{t+1} of prompt p, or its query 0 for t = n. */
const double *icl_prefix_query(const icl_prefix_run *run, int64_t prompt, int64_t t);

/* Row k of a part's answers for prefix t: the answer, and w (d; may be NULL where the part wants no
 * weights). What is not finite is replaced by row k - 1, or 0, and the report says DIVERGED. */
void icl_prefix_put(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                    int64_t t, int64_t k, double answer, const double *w,
                    icl_solver_report *report);
void icl_prefix_report(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt,
                       int64_t t, const icl_solver_report *report);

/* Runs the part's algorithm on prefix t and writes all its rows. `moments` (d (d + 1) + 1): A, c
 * and y^T y of the prefix; NULL for an algorithm that does without. */
void icl_refit(const icl_prefix_run *run, const icl_prefix_part *part, int64_t prompt, int64_t t,
               const double *moments, double *scratch);
int64_t icl_refit_scratch(const icl_prefix_run *run, const icl_prefix_part *part);
/* The scratch of the solver's algorithm for any prefix of n examples; < 0: too large for LAPACK. */
int64_t icl_refit_own(const icl_solver *solver, int64_t n);

#endif
