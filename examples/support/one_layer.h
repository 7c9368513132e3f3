/* The experiment that three examples share: train one layer of linear self-attention on a law,
 * certify what it became, and put its risk beside those of theory and of the baselines.
 *
 *     one_layer_open(&run, &e, &law);      context, law, sampler, layer
 *     one_layer_train(&run);               by Adam on fresh prompts, by L-BFGS on large fixed sets,
 *                                          or on the exact loss
 *     one_layer_judge(&run, &goals);       certificate, risks, checks, plot
 *     status = one_layer_end(&run);
 */
#ifndef EXAMPLES_ONE_LAYER_H
#define EXAMPLES_ONE_LAYER_H

#include "example.h"

typedef struct one_layer_options {
    int optimizer; /* index in ONE_LAYER_OPTIMIZERS */
    int init;      /* index in ONE_LAYER_INITS */
    int64_t restarts;
} one_layer_options;

/* Rows for an example's own table of options; they fill the one_layer_options below. */
extern one_layer_options one_layer_settings;
extern const char *const ONE_LAYER_OPTIMIZERS[]; /* adam, lbfgs */
extern const char *const ONE_LAYER_INITS[];      /* balanced, gaussian */
#define ONE_LAYER_ADAM 0
#define ONE_LAYER_LBFGS 1
#define ONE_LAYER_ROWS(optimizer_preset)                                                           \
    {.name = "optimizer",                                                                          \
     .kind = OPTION_CHOICE,                                                                        \
     .value = &one_layer_settings.optimizer,                                                       \
     .choices = ONE_LAYER_OPTIMIZERS,                                                              \
     .preset = (optimizer_preset),                                                                 \
     .help = "adam: on fresh prompts each step; lbfgs: on large fixed sets, one after another"},   \
        {.name = "init",                                                                           \
         .kind = OPTION_CHOICE,                                                                    \
         .value = &one_layer_settings.init,                                                        \
         .choices = ONE_LAYER_INITS,                                                               \
         .preset = "balanced",                                                                     \
         .help = "where training starts"},                                                         \
    {                                                                                              \
        .name = "restarts", .kind = OPTION_INT, .value = &one_layer_settings.restarts,             \
        .preset = "0", .least = 0, .most = 1000,                                                   \
        .help = "further starts, with other seeds, where a run ends in a bad minimum"              \
    }

typedef struct one_layer {
    example *e;
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_model *model;
    icl_certificate certificate;
    double *gamma, *gamma_star; /* d x d */
    double label_power;         /* E y^2 */
    double scale;               /* of the start */
    int64_t restarts;           /* that were needed */
} one_layer;

/* What the example compares. */
typedef struct one_layer_goals {
    double eta_trained, eta_theory; /* NaN where the notion has no meaning */
    double gamma_tolerance;         /* on prompts; on the exact loss it is exact_tolerance */
    double exact_tolerance;
    double ridge;                   /* lambda of risk_ridge */
    const char *one_step_words;     /* what risk_one_step is the risk of */
} one_layer_goals;

void one_layer_open(one_layer *run, example *e, const icl_law_options *law);
void one_layer_train(one_layer *run);
void one_layer_judge(one_layer *run, const one_layer_goals *goals);
int one_layer_end(one_layer *run);

#endif
