/* A client that was built with an older header's smaller option structs, linked to today's library.
 *
 * Each struct stands before a row of canaries: an init, a create or a query that wrote past the
 * size that the client gave would spoil them. New fields must stay at their defaults.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "old_icl.h"

enum { CANARIES = 64, CANARY = 0xa5 };

#define GUARDED(type)                                                                              \
    struct {                                                                                       \
        type it;                                                                                   \
        unsigned char after[CANARIES];                                                             \
    }

static old_handle *context;

static void require(int condition, const char *what) {
    if (condition)
        return;
    fprintf(stderr, "%s: %s\n", what, context != NULL ? icl_context_last_error(context) : "");
    exit(1);
}

static void require_canaries(const unsigned char *after, const char *what) {
    for (int i = 0; i < CANARIES; i++)
        require(after[i] == CANARY, what);
}

#define INIT(guarded, name)                                                                        \
    do {                                                                                           \
        memset(&(guarded), CANARY, sizeof(guarded));                                               \
        require(icl_##name##_options_init(&(guarded).it, sizeof(guarded).it) == 0, #name);         \
        require((guarded).it.size == sizeof(guarded).it, #name ".size");                           \
        require_canaries((guarded).after, #name ": written past its size");                        \
    } while (0)

static old_handle *make_context(void) {
    GUARDED(old_context_options) options;
    INIT(options, context);
    old_handle *made;
    require(icl_context_create(&options.it, &made) == 0, "icl_context_create");
    require(icl_context_threads(made) == 1, "threads is not at its default");
    return made;
}

static old_handle *make_law(void) {
    GUARDED(old_law_options) options;
    INIT(options, law);
    options.it.dim = 3;
    options.it.context = 6;
    options.it.noise = 0.5;
    old_handle *law;
    require(icl_law_create(context, &options.it, &law) == 0, "icl_law_create");
    return law;
}

/* Gamma* = n / (n + d + 1 + sigma^2) I needs Sigma = W = I: the defaults of what is new. */
static void ask_theory(const old_handle *law) {
    GUARDED(old_optimum) optimum;
    memset(&optimum, CANARY, sizeof optimum);
    optimum.it.size = sizeof optimum.it;
    double gamma[9];
    require(icl_theory_optimum(law, NULL, 0, gamma, &optimum.it) == 0, "icl_theory_optimum");
    require_canaries(optimum.after, "icl_theory_optimum wrote past the size");
    require(fabs(gamma[4] - 6 / 10.5) < 1e-14, "the optimum");
    require(fabs(optimum.it.risk - (0.5 + 3 * 4.5 / 10.5)) < 1e-13, "its risk");
}

static void solve(const old_handle *sampler) {
    GUARDED(old_batch_options) shape;
    INIT(shape, batch);
    shape.it.prompts = 4;
    shape.it.dim = 3;
    shape.it.context = 6;
    GUARDED(old_solver_options) options;
    INIT(options, solver);
    options.it.method = 3; /* ridge, lambda at its default 0 */
    options.it.dim = 3;
    old_handle *batch, *solver;
    require(icl_batch_create(context, &shape.it, &batch) == 0, "icl_batch_create");
    require(icl_batch_queries(batch) == 1, "queries is not at its default");
    require(icl_sampler_draw(sampler, 0, batch) == 0, "icl_sampler_draw");
    require(icl_solver_create(context, &options.it, &solver) == 0, "icl_solver_create");
    double prediction[5] = {0, 0, 0, 0, -7};
    require(icl_solver_predict(solver, batch, prediction) == 0, "icl_solver_predict");
    require(isfinite(prediction[3]) && prediction[4] == -7, "the prediction");
    icl_solver_free(solver);
    icl_batch_free(batch);
}

static old_handle *make_trainer(old_handle *model, old_handle *optimiser,
                                const old_handle *sampler) {
    GUARDED(old_trainer_options) options;
    INIT(options, trainer);
    options.it.on = 2; /* the population */
    options.it.steps = 200;
    old_handle *trainer;
    require(icl_trainer_create(context, model, optimiser, sampler, &options.it, &trainer) == 0,
            "icl_trainer_create");
    return trainer;
}

static void train(const old_handle *law, const old_handle *sampler) {
    GUARDED(old_model_options) model_options;
    GUARDED(old_optimiser_options) optimiser_options;
    INIT(model_options, model);
    INIT(optimiser_options, optimiser);
    model_options.it.dim = 3;
    optimiser_options.it.method = 4; /* L-BFGS with its default line search */
    optimiser_options.it.rate = 1;
    old_handle *model, *optimiser;
    require(icl_model_create(context, &model_options.it, &model) == 0, "icl_model_create");
    require(icl_model_parameter_count(model) == 32, "the model is not P and Q");
    require(icl_optimiser_create(context, &optimiser_options.it, 32, &optimiser) == 0,
            "icl_optimiser_create");
    old_handle *trainer = make_trainer(model, optimiser, sampler);
    require(icl_trainer_run(trainer, NULL) == 0, "icl_trainer_run");
    GUARDED(old_certificate) certificate;
    memset(&certificate, CANARY, sizeof certificate);
    certificate.it.size = sizeof certificate.it;
    require(icl_model_certify(model, law, NULL, &certificate.it) == 0, "icl_model_certify");
    require_canaries(certificate.after, "icl_model_certify wrote past the size");
    require(certificate.it.gamma_distance < 1e-6, "the trained model");
    icl_trainer_free(trainer);
    icl_optimiser_free(optimiser);
    icl_model_free(model);
}

int main(void) {
    context = make_context();
    old_handle *law = make_law(), *sampler;
    ask_theory(law);
    require(icl_sampler_create(context, law, 1, &sampler) == 0, "icl_sampler_create");
    solve(sampler);
    train(law, sampler);
    icl_sampler_free(sampler);
    icl_law_free(law);
    icl_context_free(context);
    puts("ok");
    return 0;
}
