/* The table of the options that all examples take. */
#include "common_options.h"

#include <math.h>
#include <stdlib.h>

static void apply_presets(option *table, size_t count, const example_preset *presets) {
    for (; presets && presets->name; presets++) {
        option *o = options_find(table, count, presets->name);
        if (o) {
            o->preset = presets->preset;
            o->quick = presets->quick;
        }
    }
}

int common_options(example *e) {
    example_settings *s = &e->settings;
    const option common[] = {
        {.name = "dim",
         .kind = OPTION_INT,
         .value = &s->dim,
         .preset = "5",
         .least = 1,
         .most = 512,
         .help = "number of covariates d"},
        {.name = "context",
         .kind = OPTION_INT,
         .value = &s->context,
         .preset = "20",
         .least = 0,
         .most = 1048576,
         .help = "labelled examples in a prompt, n"},
        {.name = "noise",
         .kind = OPTION_REAL,
         .value = &s->noise,
         .preset = "0",
         .least = 0,
         .most = INFINITY,
         .help = "variance sigma^2 of the label noise"},
        {.name = "batch",
         .kind = OPTION_INT,
         .value = &s->batch,
         .preset = "4096",
         .least = 1,
         .most = 16777216,
         .help = "prompts in a step"},
        {.name = "steps",
         .kind = OPTION_INT,
         .value = &s->steps,
         .preset = "1000",
         .least = 1,
         .most = 1e9,
         .help = "training steps, at most"},
        {.name = "lr",
         .kind = OPTION_REAL,
         .value = &s->lr,
         .preset = "0.01",
         .least = 0,
         .most = INFINITY,
         .open = OPTION_OPEN_LEAST,
         .help = "learning rate"},
        {.name = "population",
         .kind = OPTION_FLAG,
         .value = &s->population,
         .help = "train on the exact population loss instead of on prompts"},
        {.name = "seed",
         .kind = OPTION_SEED,
         .value = &s->seed,
         .preset = "0",
         .help = "seed of everything random, 0 to 2^63 - 1"},
        {.name = "threads",
         .kind = OPTION_INT,
         .value = &s->threads,
         .preset = "1",
         .least = 1,
         .most = 1024,
         .help = "threads; the results are the same for any number"},
        {.name = "quick",
         .kind = OPTION_FLAG,
         .value = &s->quick,
         .help = "a small run of about a second"},
        {.name = "json",
         .kind = OPTION_PATH,
         .value = &s->json,
         .help = "write settings, results and checks there"},
        {.name = "csv",
         .kind = OPTION_PATH,
         .value = &s->csv,
         .help = "write the series of the run there, a row a step or a case"},
        {.name = "plot",
         .kind = OPTION_PATH,
         .value = &s->plot,
         .help = "draw the training curve and the matrices into that .png or .svg (with gnuplot)"},
    };
    size_t own = e->program->own_count, count = own + sizeof common / sizeof *common;
    option *table = malloc(count * sizeof *table);
    if (!table)
        return -1;
    for (size_t i = 0; i < count; i++)
        table[i] = i < own ? e->program->own[i] : common[i - own];
    apply_presets(table, count, e->program->presets);
    e->options = table;
    e->option_count = count;
    return 0;
}
