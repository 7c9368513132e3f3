/* Training and judging one layer of linear self-attention. */
#include "one_layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

one_layer_options one_layer_settings;
const char *const ONE_LAYER_OPTIMIZERS[] = {"adam", "lbfgs", NULL};
const char *const ONE_LAYER_INITS[] = {"balanced", "gaussian", NULL};

/* Streams of seeds: held-out prompts and simulations may not meet those of training. */
static uint64_t other_seed(uint64_t seed, uint64_t number) {
    return (seed ^ (number * UINT64_C(0x9e3779b97f4a7c15))) & INT64_MAX;
}

static void check(one_layer *run, icl_status status) {
    example_ok(run->e, run->context, status);
}

/* A start that is small beside the optimum in any units of x: s^2 ||Gamma*^-1|| ~ 1 (Zhang's
 * condition), with ||Gamma*||^2 = s^4 at the balanced optimum. */
static double start_scale(const one_layer *run, int64_t d) {
    double norm = 0;
    for (int64_t i = 0; i < d * d; i++)
        norm += run->gamma_star[i] * run->gamma_star[i];
    return norm > 0 ? 0.3 * sqrt(sqrt(norm)) / sqrt((double)d) : 0.1;
}

void one_layer_open(one_layer *run, example *e, const icl_law_options *law) {
    const example_settings *s = &e->settings;
    *run = (one_layer){.e = e, .certificate = {.size = sizeof run->certificate}};
    icl_context_options context;
    example_ok(e, NULL, icl_context_options_init(&context, sizeof context));
    context.threads = s->threads;
    example_ok(e, NULL, icl_context_create(&context, &run->context));
    check(run, icl_law_create(run->context, law, &run->law));
    check(run, icl_sampler_create(run->context, run->law, s->seed, &run->sampler));
    int64_t d = law->dim;
    run->gamma = example_array(e, 2 * d * d);
    run->gamma_star = run->gamma + d * d;
    const icl_simulation simulation = {other_seed(s->seed, 1), 200000};
    check(run, icl_theory_optimum(run->law, &simulation, 0, run->gamma_star, NULL));
    check(run, icl_theory_moments(run->law, &simulation, NULL, NULL, &run->label_power));
    run->scale = start_scale(run, d);
    icl_model_options model;
    check(run, icl_model_options_init(&model, sizeof model));
    model.dim = d;
    model.parametrisation = ICL_PARAMETRISATION_KQV;
    model.init = (icl_init)one_layer_settings.init;
    model.init_scale = run->scale;
    model.seed = s->seed;
    check(run, icl_model_create(run->context, &model, &run->model));
}

/* ---- training ---- */

/* Ends a run of L-BFGS on prompts when a window of steps has gained next to nothing: the set's own
 * noise is far larger by then. */
enum { WINDOW = 20 };
typedef struct listener {
    example *e;
    double past[WINDOW];
    int64_t steps;
} listener;

static int hear(const icl_train_report *report, void *user) {
    listener *l = user;
    double before = l->past[l->steps % WINDOW];
    l->past[l->steps % WINDOW] = report->loss;
    int flat = l->steps >= WINDOW && before - report->loss < 1e-7 * report->loss;
    l->steps++;
    return example_progress(report, l->e) != 0 || flat;
}

static void run_trainer(one_layer *run, const icl_optimiser_options *optimiser_options,
                        const icl_trainer_options *options) {
    icl_optimiser *optimiser;
    icl_trainer *trainer;
    check(run, icl_optimiser_create(run->context, optimiser_options,
                                    icl_model_parameter_count(run->model), &optimiser));
    check(run,
          icl_trainer_create(run->context, run->model, optimiser, run->sampler, options, &trainer));
    check(run, icl_trainer_run(trainer, NULL));
    icl_trainer_free(trainer);
    icl_optimiser_free(optimiser);
}

static void train_population(one_layer *run, icl_trainer_options *t, icl_optimiser_options *o) {
    t->on = ICL_TRAIN_POPULATION;
    /* the square of a distance of 1e-12 */
    t->excess_tolerance = 1e-24 * run->label_power;
    t->progress = example_progress;
    t->progress_user = run->e;
    o->method = ICL_OPTIMISER_LBFGS;
    o->history = 100;
    run_trainer(run, o, t);
}

static void train_fresh(one_layer *run, icl_trainer_options *t, icl_optimiser_options *o) {
    const example_settings *s = &run->e->settings;
    t->on = ICL_TRAIN_FRESH;
    t->progress = example_progress;
    t->progress_user = run->e;
    o->method = ICL_OPTIMISER_ADAM;
    o->rate = s->lr;
    o->beta2 = 0.99;
    o->schedule = ICL_SCHEDULE_COSINE;
    o->warmup = s->steps / 20;
    o->period = s->steps - o->warmup;
    run_trainer(run, o, t);
}

/* Prompts of a set: the user's number, or less where their moments and queries would fill a
 * gigabyte. */
static int64_t set_size(const one_layer *run, int64_t queries) {
    double d = (double)run->e->settings.dim;
    double bytes = 8 * ((d + 1) * (d + 1) + 2 * (double)queries * d);
    int64_t size = run->e->settings.batch;
    while (!example_given(run->e, "batch") && size > 1024 && bytes * (double)size > 1e9)
        size /= 2;
    return size;
}

/* Rounds of L-BFGS, each on prompts of its own and from where the last one ended; the mean of the
 * rounds' parameters has the noise of all prompts together. A small set leads up to the first. */
static void train_fixed(one_layer *run, icl_trainer_options *t, icl_optimiser_options *o) {
    int64_t d = run->e->settings.dim, count = icl_model_parameter_count(run->model);
    int64_t rounds = (d * d + 349) / 350, size = set_size(run, t->queries);
    double *mean = calloc((size_t)count, sizeof *mean);
    if (!mean)
        example_refuse(run->e, "out of memory");
    t->on = ICL_TRAIN_FIXED;
    t->progress = hear;
    o->method = ICL_OPTIMISER_LBFGS;
    o->history = 50;
    for (int64_t round = -1; round < rounds; round++) {
        listener l = {.e = run->e};
        t->progress_user = &l;
        t->first = round < 0 ? rounds * size : round * size;
        t->batch = round < 0 ? (size + 7) / 8 : size;
        run_trainer(run, o, t);
        for (int64_t i = 0; round >= 0 && i < count; i++)
            mean[i] += icl_model_parameters(run->model)[i] / (double)rounds;
    }
    check(run, icl_model_set_parameters(run->model, mean));
    free(mean);
}

static void train_once(one_layer *run) {
    const example_settings *s = &run->e->settings;
    icl_trainer_options t;
    icl_optimiser_options o;
    check(run, icl_trainer_options_init(&t, sizeof t));
    check(run, icl_optimiser_options_init(&o, sizeof o));
    t.batch = s->batch;
    /* a set is drawn once and used many times: queries cost little there */
    int fixed = !s->population && one_layer_settings.optimizer == ONE_LAYER_LBFGS;
    t.queries = fixed && s->dim > 4 ? s->dim : 4 + s->dim / 8;
    t.steps = s->steps;
    if (s->population)
        train_population(run, &t, &o);
    else if (one_layer_settings.optimizer == ONE_LAYER_ADAM)
        train_fresh(run, &t, &o);
    else
        train_fixed(run, &t, &o);
}

static void certify(one_layer *run) {
    const icl_simulation simulation = {other_seed(run->e->settings.seed, 1), 200000};
    check(run, icl_model_certify(run->model, run->law, &simulation, &run->certificate));
}

void one_layer_train(one_layer *run) {
    train_once(run);
    certify(run);
    while (run->certificate.gamma_distance > 0.1 && run->restarts < one_layer_settings.restarts) {
        run->restarts++;
        check(run, icl_model_initialise(
                       run->model, (icl_init)one_layer_settings.init, run->scale,
                       other_seed(run->e->settings.seed, 100 + (uint64_t)run->restarts)));
        train_once(run);
        certify(run);
    }
    check(run, icl_model_gamma(run->model, run->gamma));
}

/* ---- judging ---- */

/* Mean squared error on prompts that training never saw, by the library's other road. */
static void judge_held_out(one_layer *run) {
    icl_sampler *held_out;
    icl_predictor predictor;
    icl_estimate risk;
    uint64_t seed = other_seed(run->e->settings.seed, 2);
    check(run, icl_sampler_create(run->context, run->law, seed, &held_out));
    check(run, icl_model_predictor(run->model, &predictor));
    check(run, icl_predictor_risk(&predictor, 1, held_out, 0, 20000, 4, &risk));
    const icl_certificate *c = &run->certificate;
    double spread = hypot(risk.standard_error, c->risk_error);
    results_check(&run->e->results, "risk_held_out", "the same, measured on new prompts",
                  risk.value, c->risk, 4 * spread);
    icl_sampler_free(held_out);
}

/* Exact risks given the covariates have little noise, and cost O(n d^2) a prompt. */
static icl_simulation of_covariates(const one_layer *run) {
    const example_settings *s = &run->e->settings;
    double prompts = 4e8 / ((double)s->dim * (double)s->dim * (double)(s->context + s->dim));
    return (icl_simulation){other_seed(s->seed, 3), prompts > 20000 ? 20000
                                                    : prompts < 200 ? 200
                                                                    : (int64_t)prompts};
}

/* Ridge on held-out prompts where theory has no formula for it. */
static double ridge_risk(one_layer *run, double lambda) {
    const icl_simulation simulation = of_covariates(run);
    icl_estimate risk;
    if (icl_law_labels(run->law) == ICL_LABELS_LINEAR) {
        check(run, icl_theory_ridge_risk(run->law, &simulation, lambda, &risk));
        return risk.value;
    }
    icl_solver_options options;
    icl_solver *ridge;
    icl_sampler *held_out;
    icl_predictor predictor;
    check(run, icl_solver_options_init(&options, sizeof options));
    options.method = ICL_METHOD_RIDGE;
    options.dim = run->e->settings.dim;
    options.ridge = lambda;
    check(run, icl_solver_create(run->context, &options, &ridge));
    check(run, icl_solver_predictor(ridge, &predictor));
    check(run, icl_sampler_create(run->context, run->law, simulation.seed, &held_out));
    check(run, icl_predictor_risk(&predictor, 1, held_out, 0, simulation.prompts, 1, &risk));
    icl_sampler_free(held_out);
    icl_solver_free(ridge);
    return risk.value;
}

static double bayes_risk(one_layer *run) {
    const icl_simulation simulation = of_covariates(run);
    icl_estimate risk;
    if (icl_law_labels(run->law) != ICL_LABELS_LINEAR)
        return NAN;
    check(run, icl_theory_bayes_risk(run->law, &simulation, &risk));
    return risk.value;
}

static double best_step_risk(one_layer *run) {
    const icl_simulation simulation = {other_seed(run->e->settings.seed, 1), 200000};
    icl_estimate risk;
    check(run, icl_theory_best_step(run->law, &simulation, NULL, NULL, &risk));
    return risk.value;
}

static void judge_plot(one_layer *run) {
    int64_t d = run->e->settings.dim;
    plot_panel *losses = example_loss_panel(run->e);
    losses->y_label = "risk";
    plot_add_level(losses, "optimum", run->certificate.risk_optimum);
    plot_add_matrix(&run->e->page, "learned \xce\x93", run->gamma, d, d);
    plot_add_matrix(&run->e->page, "optimal \xce\x93*", run->gamma_star, d, d);
}

void one_layer_judge(one_layer *run, const one_layer_goals *goals) {
    const icl_certificate *c = &run->certificate;
    int exact = run->e->settings.population;
    int64_t d = run->e->settings.dim;
    results *r = &run->e->results;
    double gamma_tolerance = exact ? goals->exact_tolerance : goals->gamma_tolerance;
    if (isnan(goals->eta_trained))
        results_show(r, "eta_trained", NULL, NAN, NAN);
    else
        results_check(r, "eta_trained", "step of the trained layer", goals->eta_trained,
                      goals->eta_theory, gamma_tolerance * goals->eta_theory);
    results_number(r, "eta_theory", goals->eta_theory);
    results_check(r, "gamma_distance", "distance of its matrix to theory's", c->gamma_distance, 0,
                  gamma_tolerance);
    results_show(r, "even_part", "part that ignores the labels' sign", c->even_part, 0);
    results_check(r, "risk_trained", "risk of the trained layer", c->risk, c->risk_optimum,
                  (exact ? 1e-9 : 0.005) * c->risk_optimum);
    judge_held_out(run);
    results_number(r, "risk_optimum", c->risk_optimum);
    results_show(r, "risk_one_step", goals->one_step_words, best_step_risk(run), NAN);
    results_show(r, "risk_ridge", "risk of ridge regression", ridge_risk(run, goals->ridge), NAN);
    results_show(r, "risk_bayes", "Bayes risk", bayes_risk(run), NAN);
    results_number(r, "gradient_norm", c->gradient_norm);
    results_number(r, "rank", c->numerical_rank);
    results_number(r, "restarts", (double)run->restarts);
    results_matrix(r, "gamma", run->gamma, d, d);
    results_matrix(r, "gamma_theory", run->gamma_star, d, d);
    judge_plot(run);
}

/* Why a run that missed the optimum may have done so. On the exact loss a vanishing gradient tells
 * a bad minimum from a run that was too short; on prompts the sampling noise hides it. */
static const char *disagreement(const one_layer *run) {
    const icl_certificate *c = &run->certificate;
    int64_t d = run->e->settings.dim;
    double norm = 0;
    for (int64_t i = 0; i < d * d; i++)
        norm += run->gamma_star[i] * run->gamma_star[i];
    int flat = c->gradient_norm * sqrt(sqrt(norm)) < 1e-6 * c->excess;
    if (run->e->settings.population && !flat)
        return "it has not reached a minimum; try more --steps";
    if (run->e->settings.population)
        return c->numerical_rank < (double)d
                   ? "it ended in a bad minimum of low rank; try --restarts or --init balanced"
                   : "it ended in a bad minimum; try --restarts or --init balanced";
    if (c->numerical_rank < (double)d || c->even_part > 0.1)
        return "a bad minimum (try --restarts or --init balanced), or not trained to the end "
               "(try more --steps or a larger --batch)";
    if (c->excess > 0.005 * c->risk_optimum)
        return "it has not reached the optimum; try more --steps or a larger --batch";
    return "the trained layer is close to the theorem's, but not within the tolerances";
}

int one_layer_end(one_layer *run) {
    int status = example_end(run->e, "the trained layer is the one that the theorem describes",
                             disagreement(run));
    icl_model_free(run->model);
    icl_sampler_free(run->sampler);
    icl_law_free(run->law);
    icl_context_free(run->context);
    return status;
}
