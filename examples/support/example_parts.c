/* What an example keeps until its end, its further files, and how its settings read. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "example.h"

static void *keep(example *e, void *memory) {
    void **kept = memory ? realloc(e->kept, (e->kept_count + 1) * sizeof *kept) : NULL;
    if (!kept) {
        free(memory);
        example_refuse(e, "out of memory");
    }
    e->kept = kept;
    kept[e->kept_count++] = memory;
    return memory;
}

double *example_array(example *e, int64_t count) {
    return keep(e, calloc(count > 0 ? (size_t)count : 1, sizeof(double)));
}

const char *example_text(example *e, const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return keep(e, strdup(text));
}

double *example_column(example *e, const char *name) {
    double *values = results_column(&e->results, name);
    if (!values)
        example_refuse(e, "no column \"%s\", or no memory for it", name);
    return keep(e, values);
}

void example_check_file(example *e, const char *flag, const char *path) {
    output file;
    char message[OPTIONS_MESSAGE];
    if (path == NULL)
        return;
    if (output_open(&file, flag, path, message) != 0)
        example_refuse(e, "%s", message);
    output_close(&file);
}

plot_panel *example_loss_panel(example *e) {
    plot_panel *panel = plot_add_curves(&e->page, "step", "loss");
    plot_add_line(panel, &(plot_line){.label = "training loss",
                                      .x = example_column(e, "step"),
                                      .y = example_column(e, "loss"),
                                      .count = e->results.row_count});
    return panel;
}

static int takes(const example *e, const char *name) {
    return options_find(e->options, e->option_count, name) != NULL;
}

void example_print_settings(const example *e, FILE *stream) {
    const example_settings *s = &e->settings;
    fprintf(stream, "%s: ", e->program->name);
    if (takes(e, "dim"))
        fprintf(stream, "dim %lld, ", (long long)s->dim);
    if (takes(e, "context"))
        fprintf(stream, "context %lld, ", (long long)s->context);
    if (takes(e, "noise"))
        fprintf(stream, "noise %g, ", s->noise);
    if (s->population)
        fputs("the exact loss, ", stream);
    else if (takes(e, "batch"))
        fprintf(stream, "%lld prompts%s, ", (long long)s->batch,
                takes(e, "steps") ? " a step" : "");
    fprintf(stream, "seed %llu\n\n", (unsigned long long)s->seed);
}

const char *example_title(example *e) {
    const example_settings *s = &e->settings;
    char dim[48] = "", context[48] = "", noise[48] = "";
    const char *link = ": ";
    if (takes(e, "dim"))
        snprintf(dim, sizeof dim, "%sd = %lld", link, (long long)s->dim), link = ", ";
    if (takes(e, "context"))
        snprintf(context, sizeof context, "%sn = %lld", link, (long long)s->context), link = ", ";
    if (takes(e, "noise"))
        snprintf(noise, sizeof noise, "%s\xcf\x83\xc2\xb2 = %g", link, s->noise);
    return example_text(e, "%s%s%s%s", e->program->name, dim, context, noise);
}
