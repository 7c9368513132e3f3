/* Deep linear self-attention, trained: without covariate update it becomes L steps of
 * preconditioned gradient descent, the least-norm polynomial; with it, something faster (Ahn,
 * Cheng, Daneshmand, Sra 2023, theorems 3 and 4). */
#include <math.h>

#include "deep_run.h"

enum { NO_PRESET, ISOTROPIC, ROTATED };
static const char *const PRESETS_OF[] = {"none", "published-isotropic", "published-rotated", NULL};
static int64_t layers, heads;
static int looped, no_update, optimizer, moments, preset;
static option_list spectrum;
static const char *saved;

static const option OWN[] = {
    {.name = "layers",
     .kind = OPTION_INT,
     .value = &layers,
     .preset = "3",
     .least = 1,
     .most = 64,
     .help = "layers L"},
    {.name = "heads",
     .kind = OPTION_INT,
     .value = &heads,
     .preset = "1",
     .least = 1,
     .most = 16,
     .help = "heads of each layer"},
    {.name = "looped",
     .kind = OPTION_FLAG,
     .value = &looped,
     .help = "all layers share their weights"},
    {.name = "no-covariate-update",
     .kind = OPTION_FLAG,
     .value = &no_update,
     .help = "P = diag(0, 1): layers change labels only"},
    {.name = "optimizer",
     .kind = OPTION_CHOICE,
     .value = &optimizer,
     .choices = DEEP_OPTIMIZERS,
     .preset = "adam",
     .help = "adam, sgd: on fresh prompts; lbfgs: on one large set of them"},
    {.name = "moments",
     .kind = OPTION_FLAG,
     .value = &moments,
     .help = "draw moments without their examples: any --context costs the same"},
    {.name = "spectrum",
     .kind = OPTION_REALS,
     .value = &spectrum,
     .least = 0,
     .most = INFINITY,
     .open = OPTION_OPEN_LEAST,
     .argument = "a,b,c,...",
     .help = "eigenvalues of the covariance, with weights of the inverse covariance"},
    {.name = "preset",
     .kind = OPTION_CHOICE,
     .value = &preset,
     .choices = PRESETS_OF,
     .preset = "none",
     .help = "a published run: its sizes, start, optimizer and schedule"},
    {.name = "save",
     .kind = OPTION_PATH,
     .value = &saved,
     .help = "write the trained model there, as safetensors"}};
static const example_preset PRESETS[] = {{"steps", "4000", "1500"},
                                         {"batch", "4096", NULL},
                                         {"lr", "0.02", NULL},
                                         {"threads", "2", NULL},
                                         {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"population", NULL};
static const example_program PROGRAM = {
    .name = "deep-attention",
    .summary = "Trains L layers of linear self-attention on linear regression. Without covariate\n"
               "update each becomes a step of preconditioned gradient descent, with the steps of\n"
               "the least-norm polynomial on the eigenvalues of X^T X / n; with it they beat that.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT};

/* What the papers' notebooks set (Ahn et al.), where the user said nothing else. */
static void apply_preset(example *e, deep_settings *d) {
    static const double rotated[] = {1, 1, 0.25, 0.0625, 1};
    example_settings *s = &e->settings;
    int published = preset == ROTATED, quick = s->quick;
    if (preset == NO_PRESET)
        return;
    if (s->dim != 5 || spectrum.count > 0)
        example_refuse(e, "--preset %s is for --dim 5 and has its own --spectrum",
                       PRESETS_OF[preset]);
    d->optimizer = example_given(e, "optimizer") ? optimizer : DEEP_ADAM;
    d->plain = 1;
    d->spectrum = published ? rotated : NULL;
    d->beta1 = published ? 0.99 : 0.9;
    d->beta2 = 0.9;
    d->clip = published ? 0.01 : 0;
    d->refresh = published ? 100 : 1;
    if (!example_given(e, "batch"))
        s->batch = published ? 20000 : 4000;
    if (!example_given(e, "lr"))
        s->lr = published ? 0.1 : 0.001;
    if (!example_given(e, "steps"))
        s->steps = (published ? 100000 : 10000) / (quick ? 10 : 1);
    e->bar.total = s->steps;
}

static deep_settings settings_of(example *e) {
    deep_settings d = {.layers = layers,
                       .heads = heads,
                       .looped = looped,
                       .covariate_update = !no_update,
                       .optimizer = optimizer,
                       .moments = moments,
                       .start = 1e-4,
                       .beta1 = 0.9,
                       .beta2 = 0.99};
    if (spectrum.count > 0 && !example_given(e, "dim"))
        e->settings.dim = spectrum.count;
    if (spectrum.count > 0 && spectrum.count != e->settings.dim)
        example_refuse(e, "--spectrum has %lld values, --dim is %lld", (long long)spectrum.count,
                       (long long)e->settings.dim);
    d.spectrum = spectrum.count > 0 ? spectrum.values : NULL;
    apply_preset(e, &d);
    int fixed = d.optimizer == DEEP_LBFGS;
    if (fixed && !example_given(e, "steps"))
        e->bar.total = e->settings.steps = 300;
    if (fixed && !example_given(e, "batch"))
        e->settings.batch = e->settings.quick ? 65536 : 262144;
    return d;
}

int main(int argc, char **argv) {
    example e;
    deep_run run;
    example_begin(&e, &PROGRAM, argc, argv);
    deep_settings settings = settings_of(&e);
    example_check_file(&e, "--save", saved);
    icl_trainer_options options = deep_trainer_options(&e, &settings);
    deep_open(&run, &e, &settings, &options);
    icl_train_report report;
    EXAMPLE_OK(&e, run.context, icl_trainer_run(run.trainer, &report));
    deep_judge(&run, &report);
    if (saved)
        EXAMPLE_OK(&e, run.context, icl_model_save(run.model, saved));
    deep_close(&run);
    return example_end(&e, "the layers are what the theory of deep linear attention says",
                       "the layers are not what theory says; try more --steps or a larger --batch");
}
