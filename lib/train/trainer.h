/* A trainer from the inside: train.c makes it, train_step.c takes a step, train_run.c repeats it.
 */
#ifndef ICL_TRAIN_TRAINER_H
#define ICL_TRAIN_TRAINER_H

#include <icl/train.h>

#include "model/workspace.h"
#include "optim/optimiser.h"

struct icl_trainer {
    icl_context *context;
    icl_model *model; /* borrowed, as the next two */
    icl_optimiser *optimiser;
    const icl_sampler *sampler;
    icl_trainer_options options;
    icl_model *trial; /* the model at the points that a search tries */
    icl_batch *batch; /* NULL on the population */
    icl_model_workspace workspace;
    icl_population *population; /* NULL where no excess is wanted */
    double excess_offset;       /* excess at the best point of the model's rank */
    double least_loss;          /* on the population: the loss there; else 0 */
    double *readout;            /* p, Q of a point and the gradients of both */
    double *start;              /* parameters that this step starts from */
    double *previous;           /* the last parameters whose loss is known to be finite */
    double *mean;               /* sum of the averaged parameters */
    int64_t averaged;           /* terms in it */
    int running;                /* 1 while a run is unfinished */
    int64_t run_steps;          /* done in it */
    int unsaved;                /* 1 while the end of a run waits to be written */
    int64_t drawn;              /* number of the set of prompts in the batch; < 0: none */
    icl_status failed;          /* of the objective, where it is no divergence */
    icl_train_report report;
    char *checkpoint; /* the path, or NULL */
};

/* One step with its time taken; *done is what the optimiser says of it. */
icl_status icl_trainer_timed_step(icl_trainer *trainer, icl_step_report *done);

/* icl_trainer_save, in the name of another function. */
icl_status icl_trainer_write(const icl_trainer *trainer, const char *function, const char *path);

/* The options of a curriculum on this law. */
icl_status icl_trainer_check_curriculum(icl_context *context, const icl_trainer_options *options,
                                        const icl_law *law);

/* The set of prompts of the next step: drawn where it is not there yet. */
icl_status icl_trainer_draw(icl_trainer *trainer);

/* Excess of `model` over the best of its rank, and the gradient of the loss or NULL. */
icl_status icl_trainer_excess(icl_trainer *trainer, const icl_model *model, double *excess,
                              double *gradient);

#endif
