/* Where the labels are non-linear functions of the covariates, the best layer is still one step of
 * gradient descent (Mahankali, Hashimoto, Ma 2023, theorem 3). */
#include "one_layer.h"

static const char *const LAWS[] = {"tanh", "relu", "sin", "cubic", "net", NULL};
static const icl_labels LABELS[] = {ICL_LABELS_TANH, ICL_LABELS_RELU, ICL_LABELS_SIN,
                                    ICL_LABELS_CUBIC, ICL_LABELS_NET};
static int chosen;
static int64_t hidden;

static const option OWN[] = {
    {.name = "law",
     .kind = OPTION_CHOICE,
     .value = &chosen,
     .choices = LAWS,
     .preset = "tanh",
     .help = "labels g(w.x), ||w|| = 1, with a random sign where g is not odd: tanh(s), relu(s), "
             "sin(2s), s^3; net: a two-layer ReLU network with random weights"},
    {.name = "hidden",
     .kind = OPTION_INT,
     .value = &hidden,
     .preset = "4",
     .least = 1,
     .most = 65536,
     .help = "width of the network"},
    ONE_LAYER_ROWS("lbfgs")};
static const example_preset PRESETS[] = {{"noise", "0.25", NULL},
                                         {"steps", "1000", NULL},
                                         {"batch", "262144", "65536"},
                                         {"lr", "0.02", NULL},
                                         {"threads", "2", NULL},
                                         {NULL, NULL, NULL}};
static const example_program PROGRAM = {
    .name = "nonlinear-labels",
    .summary = "Trains one layer of linear self-attention on labels that are non-linear in the\n"
               "covariates, x ~ N(0, I), and compares it with the theorem: for every law of the\n"
               "labels that rotations and signs leave alone, the optimum is one step of\n"
               "gradient descent for linear regression.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
};

int main(int argc, char **argv) {
    example e;
    one_layer run;
    icl_law_options law;
    example_begin(&e, &PROGRAM, argc, argv);
    example_ok(&e, NULL, icl_law_options_init(&law, sizeof law));
    law.dim = e.settings.dim;
    law.context = e.settings.context;
    law.noise = e.settings.noise;
    law.labels = LABELS[chosen];
    law.hidden = hidden;
    one_layer_open(&run, &e, &law);
    one_layer_train(&run);
    one_layer_judge(&run, &(one_layer_goals){
                              .eta_trained = run.certificate.step,
                              .eta_theory = run.certificate.step_theory,
                              .gamma_tolerance = 0.03,
                              .exact_tolerance = 1e-8,
                              .ridge = e.settings.noise * (double)e.settings.dim,
                              .one_step_words = "risk of one step of gradient descent",
                          });
    return one_layer_end(&run);
}
