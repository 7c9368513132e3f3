/* The trainer: a model, an optimiser and a source of prompts, run by itself or step by step.
 *
 * Step t (from 0) on fresh prompts uses prompts first + s B .. first + (s + 1) B - 1 of the
 * sampler, s = floor(t / refresh); on a fixed set it uses prompts first .. first + B - 1 every time; on the population it
 * uses no prompts but the exact loss, whose excess over the minimum is the objective.
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
 * training (prompts a step, queries, first, refresh, moments), with both in the text; rates, steps and
 * tolerances are the caller's to change. Else as icl_model_load, but a checksum is demanded. On failure
 * the trainer, the model and the optimiser are as they were. */
ICL_API icl_status icl_trainer_resume(icl_trainer *trainer, const char *path);

/* Certifies the model on a law as icl_theory_certify does, against the optimum of the model's
 * rank. */
ICL_API icl_status icl_model_certify(const icl_model *model, const icl_law *law,
                                     const icl_simulation *simulation,
                                     icl_certificate *certificate);

#ifdef __cplusplus
}
#endif
#endif
