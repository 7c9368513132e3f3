/* Algorithms that are asked about every prefix of the lab's prompts at once, and held against each
 * other: their errors, and how alike their errors are after any two numbers of steps.
 *
 *     contender all[CONTEST_ALL];
 *     contest_all(&l, all, iterations, ridge);
 *     contest_ask(&l, all, CONTEST_ALL);                    (fills in `prediction`)
 *     contest_curve gd = contest_error(&l, &all[0], scale);
 *     contest_map map = contest_compare(&l, &newton, &gd);  (SimE, and the best matches)
 *
 * Prefix t = 0..n has t examples. Memory lives until example_end.
 */
#ifndef EXAMPLES_CONTEST_H
#define EXAMPLES_CONTEST_H

#include "lab.h"

enum { CONTEST_ALL = 21, CONTEST_STEPS = 64 };

typedef struct contender {
    const char *key, *label; /* of the JSON and the CSV; of plots and the table */
    int drawn;               /* in the panel of contest_race */
    icl_solver_options options;
    int64_t count;                /* numbers of steps; 0: the options' own alone */
    int64_t steps[CONTEST_STEPS]; /* ascending */
    double *prediction;           /* B x (n + 1) x max(1, count) */
} contender;

/* All methods but POOL, LOGISTIC and SERIES, with so many steps or passes, and this lambda for
 * ridge and kernel ridge. PGD has the inverse covariance, Lasso the penalty 0.1 an example. Asks
 * for no more steps than CONTEST_ITERATIONS: those that run on each prefix anew take seconds then.
 */
enum { CONTEST_ITERATIONS = 500 };
void contest_all(lab *l, contender *list, int64_t iterations, double ridge);
/* POOL with the prompts' own tasks for a pool, SERIES and LOGISTIC (of the labels' signs). */
enum { CONTEST_FURTHER = 3 };
void contest_further(lab *l, contender *list, int64_t iterations);

/* Whether it answers alike in every order of the examples. UNKNOWN: an online method that may have
 * found what all orders lead to, or an iteration that rounding may have driven apart: of n near d
 * examples, whose smallest eigenvalues are near 0, after more than d / 2 steps. */
typedef enum contest_order { CONTEST_SET, CONTEST_SEQUENCE, CONTEST_UNKNOWN } contest_order;
contest_order contest_order_of(const lab *l, const contender *c);

/* The one of that method. */
contender *contest_of(contender *list, icl_method method);

/* One method, after 0..most steps; after 1, .. , most in a geometric grid, four an octave. */
contender contest_path(lab *l, icl_method method, int64_t most);
contender contest_grid(lab *l, icl_method method, int64_t most);

/* Numbers of steps that it is asked after, at least 1. */
int64_t contest_width(const contender *c);

void contest_ask(lab *l, contender *list, int64_t count);

/* Each layer of a model in a file, layer 1 first. Refuses a model of another dim. */
contender contest_model(lab *l, const char *path);
int64_t contest_model_dim(lab *l, const char *path);

/* E (prediction - target)^2 / scale (n + 1), and its standard errors, of a contender with one
 * number of steps. */
typedef struct contest_curve {
    double *value, *error;
} contest_curve;
contest_curve contest_error(lab *l, const contender *c, double scale);

/* The errors of all: arrays "error_<key>" and "error_<key>_se", the series, whose columns these
 * are, and a panel of curves. Of what is the same without rounding, BFGS and its like, one is drawn
 * and the rest is judged. theory (n + 1): of least squares; NaN where there is none. */
extern const char *const CONTEST_COLUMNS[2 * CONTEST_ALL + 3]; /* ends with NULL */
plot_panel *contest_race(lab *l, const contender *list, double scale, const double *theory);

/* E (prediction - target)^2 / scale (n + 1) of LEAST_SQUARES, ONLINE_GD with exact fits or AVERAGE,
 * for x ~ N(0, I), w ~ N(0, I); NaN where it has no variance that could be measured. */
double *contest_theory(lab *l, icl_method method, double scale);

/* E V^2 / (E V)^2 of such errors, at most, where given X and the query they are V times a chi^2 of
 * one degree of freedom: (prediction - target) is linear in w and the noise, so normal. Their
 * relative variance is 3 times it, less 1. Without noise it is exact; with noise it is that of the
 * worse of both parts. */
double contest_spread(icl_method method, double d, double noise, double t);

/* Judges worst_z_<key>, the greatest |z|, and keeps z_<key> (n + 1): errors off theory (n + 1; NaN:
 * none) in the standard errors that the law gives them, at least 1e-9 so that rounding counts as
 * none. The sample's own would be too small where a few prompts make the mean: for d = 2 the errors
 * of online GD have a relative variance of 7 10^7 at t = 40. Judged are prefixes whose relative
 * variance is at most 1 / CONTEST_PROMPTS of the prompts; without any the claim is not. */
enum { CONTEST_Z = 5, CONTEST_PROMPTS = 64 };
void contest_judge(lab *l, const contender *c, double scale, const double *theory);

/* SimE over the prefixes 1..n, as Fu et al.'s rows have it, of each number of steps of one
 * contender with each of another, with standard errors; and the best match of each row. */
typedef struct contest_map {
    const contender *down, *across;
    int64_t rows, cols;
    double *value, *error; /* rows x cols */
    double *across_steps;  /* cols; NaN without steps */
    plot_mark *best;       /* rows */
    double *best_step;     /* rows: of the contender across */
} contest_map;
contest_map contest_compare(lab *l, const contender *down, const contender *across);

/* A heat map of it with the best matches marked. */
plot_panel *contest_draw(lab *l, const contest_map *map);

/* results_check where theory says something about these sizes, else results_unjudged. */
void contest_check(lab *l, int judged, const char *name, const char *words, double value,
                   double expected, double tolerance);

/* Newton against least squares: arrays sime_newton_ols, its standard error _se and its bootstrap
 * interval of 95 % from _low to _high, and a panel with the curve. */
contest_map contest_newton_ols(lab *l, const contender *newton, const contender *ols);

/* Newton against gradient descent: gd_steps, sime_newton_gd, best_gd_step_for_newton, and a panel.
 */
contest_map contest_newton_gd(lab *l, const contender *newton, const contender *gd);

/* Judges "newton_newton" of a map of something with itself: nothing matches better than the same
 * number of steps. */
void contest_judge_diagonal(lab *l, const contest_map *map);

/* Judges "slope" and "r_squared" of log2 of the best gradient-descent step against the Newton step,
 * from the fifth on and inside the grid. Newton's residual (1 - alpha s^2)^(2^k) lives on
 * eigenvalues s near 2^(-k/2), where 2^k alpha s^2 = eta s j is a step j near 2^(k/2): the slope is
 * a half. Few directions, or those of few prompts, are reached in leaps: judged from d = 8, n = d
 * and 64 prompts on. A panel with the points and the line where it is drawn. */
void contest_judge_fit(lab *l, const contest_map *map, int drawn);

#endif
