/* One training run of deep linear attention: made from a few settings, trained, measured. Shared by
 * deep-attention and resume.
 */
#ifndef EXAMPLES_DEEP_RUN_H
#define EXAMPLES_DEEP_RUN_H

#include "example.h"

typedef enum deep_optimizer { DEEP_ADAM = 0, DEEP_LBFGS = 1, DEEP_SGD = 2 } deep_optimizer;
extern const char *const DEEP_OPTIMIZERS[]; /* adam, lbfgs, sgd */

typedef struct deep_settings {
    int64_t layers, heads;
    int looped, covariate_update;
    int optimizer;          /* of deep_optimizer */
    int moments;            /* 1: drawn without their examples */
    const double *spectrum; /* dim eigenvalues of Sigma, W = Sigma^-1; NULL: both I */
    int plain;              /* 1: small Gaussian start and a constant rate, as in the papers */
    double start;           /* standard deviation of a plain start */
    double beta1, beta2;    /* of Adam */
    double clip;            /* of each matrix; 0: none */
    int64_t refresh;        /* steps that a batch serves */
} deep_settings;

typedef struct deep_run {
    example *e;
    deep_settings settings;
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_model *model;
    icl_optimiser *optimiser;
    icl_trainer *trainer;
} deep_run;

/* Ends the program where a call fails. options may hold a checkpoint; the rest is set here. */
void deep_open(deep_run *run, example *e, const deep_settings *settings,
               const icl_trainer_options *options);
void deep_close(deep_run *run);

/* The trainer's defaults for these settings: kind of training, batch, steps, progress. */
icl_trainer_options deep_trainer_options(example *e, const deep_settings *settings);

/* E (yhat - y_q)^2 on prompts that training never saw. */
icl_estimate deep_held_out(deep_run *run);

/* Of each layer its step on the mean loss, tr A / d, with A whitened, and how far A is from that
 * multiple of I, whitened and as it is (all L, in the order of the layers; plain may be NULL). */
void deep_steps(deep_run *run, double *etas, double *whitened, double *plain);

/* Results, checks and plot of a trained run. */
void deep_judge(deep_run *run, const icl_train_report *report);

#endif
