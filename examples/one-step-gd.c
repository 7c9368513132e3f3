/* One layer of linear self-attention, trained on noisy linear regression, becomes one step of
 * gradient descent (Mahankali, Hashimoto, Ma 2023, theorem 1). */
#include "one_layer.h"

static const option OWN[] = {ONE_LAYER_ROWS("adam")};
static const example_preset PRESETS[] = {{"steps", "1000", "300"},
                                         {"batch", "4096", "2048"},
                                         {"lr", "0.02", NULL},
                                         {"threads", "2", NULL},
                                         {NULL, NULL, NULL}};
static const example_program PROGRAM = {
    .name = "one-step-gd",
    .summary = "Trains one layer of linear self-attention on linear regression, x ~ N(0, I),\n"
               "w ~ N(0, I), y = w.x + noise, and compares it with the theorem: its global\n"
               "optimum is one step of gradient descent, with step 1 / (n + d + 1 + sigma^2).",
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
    one_layer_open(&run, &e, &law);
    one_layer_train(&run);
    one_layer_judge(&run, &(one_layer_goals){
                              .eta_trained = run.certificate.step,
                              .eta_theory = run.certificate.step_theory,
                              .gamma_tolerance = 0.03,
                              .exact_tolerance = 1e-8,
                              .ridge = e.settings.noise,
                              .one_step_words = "risk of one step of gradient descent",
                          });
    return one_layer_end(&run);
}
