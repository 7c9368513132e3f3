/* With covariates of any covariance, one layer becomes one step of preconditioned gradient descent
 * (Mahankali, Hashimoto, Ma 2023, theorem 2; Zhang, Frei, Bartlett 2023; Ahn et al. 2023, theorem 1). */
#include <math.h>

#include "one_layer.h"

enum { IDENTITY, INVERSE };
static const char *const PRIORS[] = {"identity", "inverse", NULL};
static option_list spectrum;
static int prior;

static const option OWN[] = {
    {.name = "spectrum",
     .kind = OPTION_REALS,
     .value = &spectrum,
     .least = 0,
     .most = INFINITY,
     .argument = "a,b,c,...",
     .help = "eigenvalues of the covariance, --dim of them; its basis is drawn from the seed"},
    {.name = "prior",
     .kind = OPTION_CHOICE,
     .value = &prior,
     .choices = PRIORS,
     .preset = "identity",
     .help = "covariance of the task weights: I, or the inverse of the covariates' own"},
    ONE_LAYER_ROWS("lbfgs")};
static const example_preset PRESETS[] = {{"steps", "2000", NULL},
                                         {"batch", "65536", "32768"},
                                         {"lr", "0.02", NULL},
                                         {"threads", "2", NULL},
                                         {NULL, NULL, NULL}};
static const example_program PROGRAM = {
    .name = "preconditioned-gd",
    .summary = "Trains one layer of linear self-attention on linear regression with covariates\n"
               "x ~ N(0, Sigma) and compares it with the closed form: one step of gradient\n"
               "descent, preconditioned by ((1 + 1/n) Sigma + (tr Sigma + sigma^2)/n I)^-1 for\n"
               "w ~ N(0, I) and by a multiple of Sigma^-1 for w ~ N(0, Sigma^-1).",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
};

/* The eigenvalues: the caller's, or 10 down to 1/2 in equal ratios. */
static double *eigenvalues(example *e, double *room) {
    int64_t d = e->settings.dim;
    if (spectrum.count > 0 && !example_given(e, "dim"))
        e->settings.dim = d = spectrum.count;
    if (spectrum.count > 0 && spectrum.count != d)
        example_refuse(e, "--spectrum has %lld values, --dim is %lld", (long long)spectrum.count,
                       (long long)d);
    if (spectrum.count > 0)
        return spectrum.values;
    for (int64_t i = 0; i < d; i++)
        room[i] = d > 1 ? 10 * pow(0.05, (double)i / (double)(d - 1)) : 1;
    return room;
}

int main(int argc, char **argv) {
    example e;
    one_layer run;
    icl_law_options law;
    double room[512]; /* the most that --dim takes */
    example_begin(&e, &PROGRAM, argc, argv);
    example_ok(&e, NULL, icl_law_options_init(&law, sizeof law));
    law.covariance = ICL_COVARIANCE_SPECTRUM;
    law.covariance_values = eigenvalues(&e, room);
    law.rotation_seed = e.settings.seed;
    law.prior = prior == INVERSE ? ICL_COVARIANCE_INVERSE : ICL_COVARIANCE_IDENTITY;
    law.dim = e.settings.dim;
    law.context = e.settings.context;
    law.noise = e.settings.noise;
    one_layer_open(&run, &e, &law);
    one_layer_train(&run);
    const icl_certificate *c = &run.certificate;
    one_layer_judge(&run, &(one_layer_goals){
                              .eta_trained = prior == INVERSE ? c->step_whitened : NAN,
                              .eta_theory = prior == INVERSE ? c->step_whitened_theory : NAN,
                              .gamma_tolerance = 0.03,
                              .exact_tolerance = 1e-6,
                              .ridge = e.settings.noise,
                              .one_step_words = "risk of one step without preconditioning",
                          });
    return one_layer_end(&run);
}
