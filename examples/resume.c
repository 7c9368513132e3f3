/* A training run that is killed again and again, and goes on from its checkpoint each time, ends
 * with the bits of the run that nobody disturbed. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deep_run.h"
#include "temporary.h"

static int64_t layers, kills, every;
static int optimizer;
static const char *checkpoint;

static const option OWN[] = {
    {.name = "layers",
     .kind = OPTION_INT,
     .value = &layers,
     .preset = "3",
     .least = 1,
     .most = 64,
     .help = "layers L"},
    {.name = "optimizer",
     .kind = OPTION_CHOICE,
     .value = &optimizer,
     .choices = DEEP_OPTIMIZERS,
     .preset = "adam",
     .help = "adam, sgd: on fresh prompts; lbfgs: on one set of them"},
    {.name = "kills",
     .kind = OPTION_INT,
     .value = &kills,
     .preset = "5",
     .least = 0,
     .most = 1000,
     .help = "how often the run is killed, at steps spread over it"},
    {.name = "every",
     .kind = OPTION_INT,
     .value = &every,
     .preset = "20",
     .least = 1,
     .most = 1e9,
     .help = "steps from checkpoint to checkpoint"},
    {.name = "checkpoint",
     .kind = OPTION_PATH,
     .value = &checkpoint,
     .help = "the checkpoint's file, which is kept; else one in $TMPDIR that is not"}};
static const example_preset PRESETS[] = {{"steps", "1000", "200"},
                                         {"batch", "4096", "512"},
                                         {"lr", "0.02", NULL},
                                         {"threads", "2", NULL},
                                         {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"population", NULL};
static const example_program PROGRAM = {
    .name = "resume",
    .summary =
        "Trains deep linear attention in a process that is killed again and again, and that\n"
        "goes on from its checkpoint each time; then trains it without a disturbance. Both\n"
        "end with the same parameters, to the bit.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT};

static int pipe_of_steps[2];

static int tell_step(const icl_train_report *report, void *user) {
    (void)user;
    return write(pipe_of_steps[1], report, sizeof *report) != sizeof *report;
}

/* The process that is killed: trains on from the checkpoint, if there is one, unless that is the end
 * of the run: a kill may come late. */
static void train_on(example *e, const deep_settings *settings, int again) {
    deep_run run;
    icl_train_report report;
    icl_trainer_options options = deep_trainer_options(e, settings);
    options.progress = tell_step;
    options.checkpoint = checkpoint;
    options.checkpoint_every = every;
    deep_open(&run, e, settings, &options);
    if (again)
        EXAMPLE_OK(e, run.context, icl_trainer_resume(run.trainer, checkpoint));
    EXAMPLE_OK(e, run.context, icl_trainer_state(run.trainer, &report));
    if (report.stop == ICL_STOP_NONE)
        EXAMPLE_OK(e, run.context, icl_trainer_run(run.trainer, NULL));
    _exit(0);
}

/* Runs it until it has passed step `until`, and kills it there; 0: until it ends. */
static void run_until(example *e, const deep_settings *settings, int64_t until) {
    icl_train_report report = {.step = 0};
    int status, again = access(checkpoint, F_OK) == 0;
    if (pipe(pipe_of_steps) != 0)
        example_refuse(e, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        example_refuse(e, "fork: %s", strerror(errno));
    if (child == 0)
        train_on(e, settings, again);
    close(pipe_of_steps[1]);
    while ((until == 0 || report.step < until) &&
           read(pipe_of_steps[0], &report, sizeof report) == (ssize_t)sizeof report)
        progress_update(&e->bar, report.step, report.loss);
    if (until > 0)
        kill(child, SIGKILL);
    close(pipe_of_steps[0]);
    waitpid(child, &status, 0);
    int killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && until > 0;
    if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        example_refuse(e, "the training process failed");
}

int main(int argc, char **argv) {
    example e;
    deep_run run;
    example_begin(&e, &PROGRAM, argc, argv);
    deep_settings settings = {
        .layers = layers, .heads = 1, .optimizer = optimizer, .beta1 = 0.9, .beta2 = 0.99};
    int own = checkpoint == NULL;
    if (!own && access(checkpoint, F_OK) == 0)
        example_refuse(&e, "--checkpoint %.100s: the file is there already", checkpoint);
    example_check_file(&e, "--checkpoint", checkpoint);
    if (own)
        checkpoint = temporary_path(&e, "checkpoint");
    for (int64_t k = 1; k <= kills; k++)
        run_until(&e, &settings, 1 + (e.settings.steps - 1) * k / (kills + 1));
    run_until(&e, &settings, 0);

    icl_trainer_options options = deep_trainer_options(&e, &settings);
    deep_open(&run, &e, &settings, &options);
    EXAMPLE_OK(&e, run.context, icl_trainer_run(run.trainer, NULL));
    icl_model *resumed;
    EXAMPLE_OK(&e, run.context, icl_model_load(run.context, checkpoint, &resumed));
    if (own)
        temporary_drop(checkpoint);
    const double *x = icl_model_parameters(run.model), *y = icl_model_parameters(resumed);
    double differing = 0;
    for (int64_t i = 0; i < icl_model_parameter_count(run.model); i++)
        differing += memcmp(&x[i], &y[i], sizeof *x) != 0;
    results_show(&e.results, "kills", "kills", (double)kills, NAN);
    results_check(&e.results, "differing", "parameters with another bit", differing, 0, 0);
    results_show(&e.results, "loss", "loss on new prompts", deep_held_out(&run).value, NAN);
    icl_model_free(resumed);
    deep_close(&run);
    return example_end(&e, "the run that was killed is the run that was not",
                       "the resumed run went another way");
}
