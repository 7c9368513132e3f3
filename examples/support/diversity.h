/* One layer fitted to prompts whose tasks come from a finite pool (Lu et al. 2405.11751), beside
 * the Bayes predictors of the pool (dMMSE) and of fresh tasks (ridge).
 *
 * x ~ N(0, I / d), tasks on the sphere of radius sqrt(d), noise rho. A case c = 0, 1, ... has its
 * own pool and prompts: all of a run are independent. Memory lives until example_end.
 */
#ifndef EXAMPLES_DIVERSITY_H
#define EXAMPLES_DIVERSITY_H

#include "lab.h"

typedef struct diversity {
    lab *l;
    int64_t dim;
    double alpha, kappa, rho, ridge; /* ratios as the sizes below have them; lambda of the fit */
    int64_t context, tasks;          /* examples a prompt, tasks in the pool */
    int64_t repeats;                 /* cases that are averaged */
    icl_law *fresh;                  /* tasks from the whole sphere */
} diversity;

/* alpha, kappa, rho, ridge and repeats are the caller's. Rounds alpha d and kappa d to whole
 * numbers, at least 1. */
void diversity_open(diversity *s, lab *l, int64_t dim);
void diversity_close(diversity *s);

/* Its sizes and ratios, for a plot. */
const char *diversity_title(const diversity *s);

/* Means over the repeats, with standard errors (NaN for one repeat). */
typedef struct diversity_errors {
    icl_estimate icl, idg; /* on fresh tasks, on those of the pool */
    icl_estimate gap;      /* icl - idg */
} diversity_errors;

/* Of the layer fitted to so many prompts, from its closed-form risk; cases first, first + 1, ... */
diversity_errors diversity_fit(diversity *s, int64_t prompts, int64_t first);

/* Of dMMSE (POOL) or RIDGE with lambda = rho, on `prompts` prompts of both kinds a repeat. */
diversity_errors diversity_solver(diversity *s, icl_method method, int64_t prompts, int64_t first);

/* Errors at N = tau d^2 prompts, a whole number of them, beside the limit of large d. */
typedef struct diversity_row {
    double tau;
    diversity_errors layer;
    icl_asymptotic theory;
} diversity_row;
diversity_row diversity_at(diversity *s, double tau, int64_t first);
icl_asymptotic diversity_theory(diversity *s, double tau);

/* Theory over error, which is 1 - c/d + O(1/d^2), at 1/d = 0, by the line through the rows of a
 * large and of a small number of covariates (count each): judges it against 1, for |tau - 1| >= 0.3
 * and where the small one has DIVERSITY_LEAST covariates, examples, tasks and prompts. Its
 * deviation may be DIVERSITY_SIGMAS standard errors and the square of what the line adds. limit
 * (count): theory over it, the error that the measured ones tend to; NaN for d = 1. */
enum { DIVERSITY_SIGMAS = 4, DIVERSITY_LEAST = 8 };
void diversity_judge(const diversity *large, const diversity_row *at, const diversity *small,
                     const diversity_row *of, int64_t count, int fresh, double *limit);

/* dMMSE and ridge on so many prompts of cases first, ...: shown, drawn as levels of the panels for
 * fresh tasks and for the pool's. Judges that the layer is not below dMMSE, the Bayes predictor, on
 * the pool's tasks but by chance. */
void diversity_judge_bayes(diversity *s, int64_t prompts, int64_t first, plot_panel *const *panels,
                           const diversity_row *rows, int64_t count);

#endif
