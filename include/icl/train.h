/* The trainer: a model, an optimiser and a source of prompts, run by itself or step by step.
 *
 * Step t (from 0) on fresh prompts uses prompts first + s B .. first + (s + 1) B - 1 of the
 * sampler, s = floor(t / refresh); on a fixed set it uses prompts first .. first + B - 1 every time; on
 * the population it uses no prompts but the exact loss, whose excess over the minimum is the objective.
 *
 * A curriculum (Garg et al. 2208.01066, who start with 5 of 20 dims and 11 of 41 points, and add 1 and 2
 * every 2000 steps) changes fresh prompts: at step t covariates beyond the first D(t) are 0 and the prompt
 * ends after its first N(t) examples, t being the first step that the batch serves. It is a function of the
 * step and needs no state; an excess stays that on the law itself.
 *
 * Entries that the model's masks leave untrained keep their values to the bit, whatever weight decay,
 * momentum and averaging do.
 */
#ifndef ICL_TRAIN_H
#define ICL_TRAIN_H

#include <icl/model.h>
#include <icl/optim.h>
#include <icl/task.h>
#include <icl/theory.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum icl_train_on {
    ICL_TRAIN_FRESH = 0,
    ICL_TRAIN_FIXED = 1,
    ICL_TRAIN_POPULATION = 2,
    ICL_TRAIN_FORCE_INT = 0x7fffffff
} icl_train_on;

/* What the host hears. Also the answer of icl_trainer_state. */
typedef struct icl_train_report {
    int64_t step;         /* steps done since the trainer was made */
    double loss;          /* of the last step, at the parameters it started from (with a line
                             search: at those it reached); NaN before the first */
    double gradient_norm; /* at the same parameters, of the trained entries; NaN before the first */
    double excess;        /* certified excess risk at the current parameters; NaN unless it
                             was computed (POPULATION, or excess_tolerance > 0) */
    double seconds;       /* since the trainer was made, time spent in steps */
    icl_stop stop;        /* why the last run ended; NONE before */
} icl_train_report;

/* Called after steps that are multiples of `report_every`, on the calling thread. Non-zero stops
 * the run; what was reached is kept. */
typedef int (*icl_progress_fn)(const icl_train_report *report, void *user);

typedef struct icl_trainer_options {
    size_t size;             /* sizeof(icl_trainer_options) as the caller knows it */
    icl_train_on on;         /* default FRESH */
    int64_t batch;           /* B; default 4096; POPULATION: unused */
    int64_t queries;         /* q a prompt, >= 1; default 1 */
    int64_t first;           /* first prompt; default 0 */
    int64_t steps;           /* of icl_trainer_run; default 1000 */
    double seconds;          /* time limit of a run; 0 (default): none */
    double gradient_tolerance; /* stop when gradient_norm <= this; 0 (default): never */
    double excess_tolerance; /* stop when the certified excess risk <= this; 0 (default): never */
    int64_t excess_every;    /* steps between the certifications on prompts; default 10 */
    int64_t average;         /* tail averaging: the parameters at the end of a run are the mean
                                over the last `average` of its `steps`, as far as it came: a
                                run that stops before them keeps its last ones; 0 (default):
                                none */
    icl_progress_fn progress; /* default NULL */
    void *progress_user;
    int64_t report_every;    /* >= 1; default 1 */
    int64_t refresh;         /* FRESH: steps that one batch of prompts serves, >= 1; default 1 */
    int moments;             /* 1: moments are drawn without their examples (see
                                icl_sampler_draw_moments): as fast for any n; default 0 */
    const char *checkpoint;  /* a file that icl_trainer_run saves to; copied; NULL (default): none */
    int64_t checkpoint_every; /* steps between saves, >= 1; default 1000. A run saves at its end too */
    int64_t dims;            /* D(t) = min(d, dims + dims_step floor(t / dims_every)), FRESH only, 1 to d;
                                0 (default): d */
    int64_t dims_step;       /* >= 0; default 1 */
    int64_t dims_every;      /* >= 1; default 2000 */
    int64_t points;          /* N(t) = min(n, points + points_step floor(t / points_every)), FRESH only,
                                1 to n; 0 (default): n */
    int64_t points_step;     /* >= 0; default 2 */
    int64_t points_every;    /* >= 1; default 2000 */
} icl_trainer_options;

typedef struct icl_trainer icl_trainer;

ICL_API icl_status icl_trainer_options_init(icl_trainer_options *options, size_t size);

/* Borrows model, optimiser and sampler: they must outlive its use (not its free). The optimiser's
 * count must be the model's parameter count, the model's dim the law's: else ICL_ERR_SHAPE.
 * ICL_ERR_NO_CLOSED_FORM where POPULATION or excess_tolerance meets a law without one, and
 * ICL_ERR_MISSING where it meets more than one layer or head; with a prior mean, or tasks that are
 * not Gaussian, every step says so while entries that feed u or r are trained. ICL_ERR_ARGUMENT where
 * no entry is trained. All memory of the loop is allocated here. */
ICL_API icl_status icl_trainer_create(icl_context *context, icl_model *model,
                                      icl_optimiser *optimiser, const icl_sampler *sampler,
                                      const icl_trainer_options *options, icl_trainer **out);
ICL_API void icl_trainer_free(icl_trainer *trainer);

/* D(t) and N(t) of the next step; each may be NULL. d and n without a curriculum. */
ICL_API icl_status icl_trainer_curriculum(const icl_trainer *trainer, int64_t *dims, int64_t *points);

/* One step. ICL_ERR_DIVERGED where it left the finite numbers: the model keeps the last finite
 * parameters. report may be NULL. */
ICL_API icl_status icl_trainer_step(icl_trainer *trainer, icl_train_report *report);

/* Steps until a stop. ICL_OK for every icl_stop but DIVERGED, which is ICL_ERR_DIVERGED; report
 * (may be NULL) is written then too. May be called again to go on. */
ICL_API icl_status icl_trainer_run(icl_trainer *trainer, icl_train_report *report);
ICL_API icl_status icl_trainer_state(const icl_trainer *trainer, icl_train_report *report);

/* A checkpoint: the model as icl_model_save has it, the optimiser's memory, the place in the run. It
 * is written as a whole or not at all, so that a full disk (ICL_ERR_IO) or a kill at any moment leaves
 * the previous one. May be called from the progress callback. Where a save of icl_trainer_run fails,
 * the run stops with that status and can be gone on with by another icl_trainer_run; where it was the
 * save at the end, that one does no step and only saves. */
ICL_API icl_status icl_trainer_save(const icl_trainer *trainer, const char *path);

/* Takes a checkpoint over into a trainer made as the one that saved it: all further steps are then
 * equal to the bit to those of a trainer that was never interrupted, on any number of threads (on
 * the same kind of instruction set). A run that was interrupted by a kill, the time limit or the
 * callback is gone on with by icl_trainer_run, up to its `steps`; a run that had ended is followed by
 * a new one. ICL_ERR_SHAPE for a checkpoint of another model, seed, law, optimiser method or kind of
 * training (prompts a step, queries, first, refresh, moments, curriculum), with both in the text; rates,
 * steps and tolerances are the caller's to change. Else as icl_model_load, but a checksum is demanded.
 * On failure the trainer, the model and the optimiser are as they were. */
ICL_API icl_status icl_trainer_resume(icl_trainer *trainer, const char *path);

/* Certifies the model on a law as icl_theory_certify does, against the optimum of the model's
 * rank. */
ICL_API icl_status icl_model_certify(const icl_model *model, const icl_law *law,
                                     const icl_simulation *simulation,
                                     icl_certificate *certificate);

/* The exact fit of one layer by ridge regression (Lu et al. 2405.11751): with the features
 *
 *     H_i = x_i h_i^T,   h_i = (d b; s_yy)   (d x (d + 1))
 *
 * of query x_i of a prompt with the moments b = X^T y / n, s_yy = y^T y / n, Gamma is the minimiser of
 *
 *     sum_i (<Gamma, H_i> - target_i)^2 + (N / d) ridge ||Gamma||_F^2
 *
 * over the N rows (prompts times queries) that were added, of least norm where there are many. It is
 * one layer with u = 0, v = 1, M = d Gamma_1^T, r = gamma_2: see icl_theory_feature_risk for its risk
 * on a law, icl_theory_asymptotic for that in the limit of large d. */
typedef struct icl_fit icl_fit;

/* The linear system. Both give the same Gamma, to rounding. */
typedef enum icl_fit_system {
    ICL_FIT_AUTO = 0,   /* the smaller: DUAL for N <= d (d + 1) */
    ICL_FIT_DUAL = 1,   /* N x N, entries (x_i.x_j)(h_i.h_j): O(N^2 d + N^3 / 3) */
    ICL_FIT_PRIMAL = 2, /* d (d + 1) squared, the normal equations: O(N d^4 + d^6 / 3) */
    ICL_FIT_FORCE_INT = 0x7fffffff
} icl_fit_system;

typedef struct icl_fit_options {
    size_t size;           /* sizeof(icl_fit_options) as the caller knows it */
    double ridge;          /* lambda >= 0; 0 (the default): the limit, of least norm */
    icl_fit_system system; /* default AUTO */
} icl_fit_options;

typedef struct icl_fit_report {
    size_t size;  /* set to sizeof(icl_fit_report) by the caller */
    double loss;  /* mean of (<Gamma, H_i> - target_i)^2 over the rows, without the ridge */
    double norm;  /* ||Gamma||_F */
    int64_t rank; /* of the system: less than its size where it is singular; its eigenvalues below
                     size eps times the greatest are then left out, and Gamma has the least norm */
    int64_t dual; /* 1: DUAL was solved, 0: PRIMAL */
} icl_fit_report;

/* A fit without rows. dim: d, 1 to 4096. */
ICL_API icl_status icl_fit_create(icl_context *context, int64_t dim, icl_fit **out);
ICL_API void icl_fit_free(icl_fit *fit);
/* Adds a row for each query of each prompt, copied: 2 d + 2 doubles a row. ICL_ERR_SHAPE for a batch of
 * another dim, ICL_ERR_NONFINITE for features that overflow: no row is then added. */
ICL_API icl_status icl_fit_add(icl_fit *fit, const icl_batch *batch);
/* Takes all rows out, and keeps their memory for the next. */
ICL_API void icl_fit_clear(icl_fit *fit);
ICL_API int64_t icl_fit_dim(const icl_fit *fit);  /* d; 0 for NULL, as below */
ICL_API int64_t icl_fit_rows(const icl_fit *fit); /* N */

/* Sets the defaults; writes no byte beyond size. */
ICL_API icl_status icl_fit_options_init(icl_fit_options *options, size_t size);
/* gamma (d x (d + 1)) of the rows so far; report may be NULL. By a symmetric rank-k update and Cholesky,
 * where that meets a pivot of rounding size by eigenvalues. ICL_ERR_MISSING without rows, ICL_ERR_SIZE
 * for more than 32766 unknowns, ICL_ERR_NONFINITE or ICL_ERR_DIVERGED where numbers overflow. Runs on
 * the threads of the BLAS. */
ICL_API icl_status icl_fit_solve(const icl_fit *fit, const icl_fit_options *options, double *gamma,
                                 icl_fit_report *report);

/* The layer with these weights, gamma (d x (d + 1)), as a model in PQ: to predict with, certify, save, or
 * train on. */
ICL_API icl_status icl_fit_model(icl_context *context, int64_t dim, const double *gamma,
                                 icl_model **out);

#ifdef __cplusplus
}
#endif
#endif
