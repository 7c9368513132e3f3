/* The life of an example: command line, run, table, files, exit status. */
#include "example.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common_options.h"

enum { EXIT_AGREES = 0, EXIT_DISAGREES = 1, EXIT_UNUSABLE = 2 };

static const char *const SERIES[] = {"step", "loss", "gradient_norm", "excess", NULL};

static void release(example *e) {
    for (size_t i = 0; i < e->kept_count; i++)
        free(e->kept[i]);
    free(e->kept);
    e->kept = NULL;
    e->kept_count = 0;
    progress_end(&e->bar);
    output_close(&e->json);
    output_close(&e->csv);
    output_close(&e->plot);
    results_clear(&e->results);
    options_clear(e->options, e->option_count);
    free(e->options);
    e->options = NULL;
    e->option_count = 0;
}

static void complain(example *e, const char *message) {
    progress_end(&e->bar);
    fflush(stdout);
    fprintf(stderr, "%s: %s\n", e->program->name, message);
}

void example_refuse(example *e, const char *format, ...) {
    char message[OPTIONS_MESSAGE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    complain(e, message);
    release(e);
    exit(EXIT_UNUSABLE);
}

void example_ok(example *e, const icl_context *context, icl_status status) {
    if (status == ICL_OK)
        return;
    const char *text = context ? icl_context_last_error(context) : "";
    complain(e, text[0] != '\0' ? text : icl_status_text(status));
    release(e);
    exit(status == ICL_ERR_DIVERGED ? EXIT_DISAGREES : EXIT_UNUSABLE);
}

static void print_help(const example *e) {
    const example_program *p = e->program;
    size_t own = p->own_count;
    printf("%s\n\nusage: %s [options]\n", p->summary, p->name);
    if (own > 0) {
        fputs("\nOptions of this example\n", stdout);
        options_print_help(stdout, e->options, own);
    }
    fputs("\nCommon options\n", stdout);
    options_print_help(stdout, e->options + own, e->option_count - own);
    fputs("  --help                this text\n\n"
          "Exit status: 0 if all checks agree with theory, 1 if some do not or training diverged,\n"
          "2 if the run could not be made or a file not written.\n",
          stdout);
}

static int same_target(const output *a, const output *b) {
    return a->target && b->target && strcmp(a->target, b->target) == 0;
}

static int open_files(example *e, char *message) {
    const example_settings *s = &e->settings;
    if ((s->json && output_open(&e->json, "--json", s->json, message) != 0) ||
        (s->csv && output_open(&e->csv, "--csv", s->csv, message) != 0) ||
        (s->plot && plot_available(s->plot, message) != 0) ||
        (s->plot && output_open(&e->plot, "--plot", s->plot, message) != 0))
        return -1;
    if (!same_target(&e->json, &e->csv) && !same_target(&e->json, &e->plot) &&
        !same_target(&e->csv, &e->plot))
        return 0;
    snprintf(message, OPTIONS_MESSAGE, "--json, --csv and --plot need different files");
    return -1;
}

void example_begin(example *e, const example_program *program, int argc, char **argv) {
    *e = (example){.program = program};
    e->json.descriptor = e->csv.descriptor = e->plot.descriptor = -1;
    char message[OPTIONS_MESSAGE];
    if (common_options(e, message) != 0)
        example_refuse(e, "%s", message);
    options_answer answer = options_read(e->options, e->option_count, argc, argv, message);
    if (answer == OPTIONS_HELP) {
        print_help(e);
        release(e);
        if (fflush(stdout) != 0 || ferror(stdout))
            example_refuse(e, "cannot write the help to standard output");
        exit(EXIT_AGREES);
    }
    if (answer == OPTIONS_BAD || open_files(e, message) != 0)
        example_refuse(e, "%s", message);
    results_columns(&e->results, program->columns ? program->columns : SERIES);
    e->started = seconds_now();
    progress_begin(&e->bar, stderr, e->settings.steps);
}

int example_given(example *e, const char *name) {
    const option *o = options_find(e->options, e->option_count, name);
    return o && o->given;
}

int example_progress(const icl_train_report *report, void *user) {
    example *e = user;
    if (report->step <= e->last_step) /* another trainer */
        e->steps_before += e->last_step;
    e->last_step = report->step;
    int64_t step = e->steps_before + report->step;
    if (!e->program->columns)
        results_append(&e->results, (const double[]){(double)step, report->loss,
                                                     report->gradient_norm, report->excess});
    progress_update(&e->bar, step, report->loss);
    return 0;
}

void example_work(example *e, int64_t done, int64_t total) {
    e->bar.total = total;
    progress_work(&e->bar, done);
}

static void print_verdict(example *e, FILE *stream, double seconds, const char *text) {
    size_t total, passed = results_passed(&e->results, &total);
    size_t open = results_unjudged_count(&e->results);
    fprintf(stream, "\n%s: ", passed == total ? "YES" : "NO");
    if (open > 0 && passed == total)
        fprintf(stream, "what was judged agrees with theory");
    else
        fputs(text, stream);
    fprintf(stream, " (%zu of %zu checks agree", passed, total);
    if (open > 0)
        fprintf(stream, ", %zu claim%s not judged at these sizes", open, open == 1 ? "" : "s");
    fprintf(stream, "; %.1f s)\n", seconds);
}

static int write_text(output *to, char *text, char *message) {
    int result = -1;
    if (text)
        result = output_write(to, text, strlen(text), message);
    else
        snprintf(message, OPTIONS_MESSAGE, "%s: out of memory", to->flag);
    free(text);
    return result;
}

static int write_plot(example *e, char *message) {
    if (e->page.panel_count == 0 && !e->program->columns)
        example_loss_panel(e);
    if (!e->page.title)
        e->page.title = example_title(e);
    char *bytes;
    size_t size;
    int result = plot_render(&e->page, e->settings.plot, &bytes, &size, message);
    if (result == 0)
        result = output_write(&e->plot, bytes, size, message);
    free(bytes);
    return result;
}

static int write_files(example *e, char *message) {
    int failed = 0;
    if (e->json.flag)
        failed = write_text(
            &e->json, results_json(&e->results, e->program->name, e->options, e->option_count),
            message);
    if (!failed && e->csv.flag)
        failed = write_text(&e->csv, results_csv(&e->results), message);
    if (!failed && e->plot.flag)
        failed = write_plot(e, message);
    return failed;
}

int example_end(example *e, const char *agrees, const char *disagrees) {
    double seconds = seconds_now() - e->started;
    progress_end(&e->bar);
    size_t total, passed = results_passed(&e->results, &total);
    int status = passed == total ? EXIT_AGREES : EXIT_DISAGREES;
    /* a machine reads stdout where a file is sent there */
    FILE *people = e->json.is_stdout || e->csv.is_stdout ? stderr : stdout;
    example_print_settings(e, people);
    results_print(&e->results, people);
    print_verdict(e, people, seconds, passed == total ? agrees : disagrees);
    results_number(&e->results, "seconds", seconds);
    char message[OPTIONS_MESSAGE];
    if (fflush(people) != 0 || ferror(people)) {
        complain(e, "cannot write the table to standard output");
        status = EXIT_UNUSABLE;
    }
    if (write_files(e, message) != 0) {
        complain(e, message);
        status = EXIT_UNUSABLE;
    }
    release(e);
    return status;
}
