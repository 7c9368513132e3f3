/* The table of the options that all examples take. */
#include "common_options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int is_in(const char *name, const char *const *list) {
    for (; list && *list; list++)
        if (strcmp(*list, name) == 0)
            return 1;
    return 0;
}

/* What a program may do without; the first name in its list that is none of these, or NULL. */
static const char *not_optional(const char *const *without) {
    static const char *const optional[] = {"dim",   "context", "noise",      "batch",
                                           "steps", "lr",      "population", NULL};
    for (; without && *without; without++)
        if (!is_in(*without, optional))
            return *without;
    return NULL;
}

static void apply_presets(option *table, size_t count, const example_preset *presets) {
    for (; presets && presets->name; presets++) {
        option *o = options_find(table, count, presets->name);
        if (o) {
            o->preset = presets->preset;
            o->quick = presets->quick;
        }
    }
}

/* The common ones, in the order of --help; their number. */
enum { COMMON = 13 };
static void list_common(example_settings *s, option *to) {
    const option common[COMMON] = {
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
         .help = "draw the results into that .png or .svg (with gnuplot)"},
    };
    for (size_t i = 0; i < COMMON; i++)
        to[i] = common[i];
}

int common_options(example *e, char *message) {
    const example_program *p = e->program;
    const char *wrong = not_optional(p->without);
    option *table = malloc((p->own_count + COMMON) * sizeof *table), common[COMMON];
    if (wrong || !table) {
        if (wrong)
            snprintf(message, OPTIONS_MESSAGE, "no program can do without --%s", wrong);
        else
            snprintf(message, OPTIONS_MESSAGE, "out of memory");
        free(table);
        return -1;
    }
    size_t count = p->own_count;
    list_common(&e->settings, common);
    for (size_t i = 0; i < p->own_count; i++)
        table[i] = p->own[i];
    for (size_t i = 0; i < COMMON; i++)
        if (!is_in(common[i].name, p->without))
            table[count++] = common[i];
    apply_presets(table, count, p->presets);
    option *batch = options_find(table, count, "batch");
    if (batch && is_in("steps", p->without))
        batch->help = "prompts";
    e->options = table;
    e->option_count = count;
    return 0;
}
