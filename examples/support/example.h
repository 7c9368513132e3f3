/* What every example shares: its command line, progress bar, results and files.
 *
 *     int main(int argc, char **argv) {
 *         example e;
 *         example_begin(&e, &program, argc, argv);       (answers --help, refuses bad input)
 *         EXAMPLE_OK(&e, context, icl_law_create(...));  (ends the program where a call fails)
 *         ... trainer.progress = example_progress; trainer.progress_user = &e;
 *         results_check(&e.results, "eta_trained", "step size", eta, theory, tolerance);
 *         plot_add_level(example_loss_panel(&e), "optimum", optimum);
 *         return example_end(&e, "it is one step of gradient descent", "it is something else");
 *     }
 *
 * Exit status: 0 all checks agree; 1 some do not, or training diverged; 2 the run could not be
 * made or its files not written, said in one line on stderr.
 */
#ifndef EXAMPLES_EXAMPLE_H
#define EXAMPLES_EXAMPLE_H

#include <icl/icl.h>

#include "options.h"
#include "output.h"
#include "plot.h"
#include "progress.h"
#include "results.h"

/* The values of the common flags; 0 for one that the program does not take. */
typedef struct example_settings {
    int64_t dim, context, batch, steps, threads;
    double noise; /* the variance sigma^2 */
    double lr;
    uint64_t seed;
    const char *json, *csv, *plot; /* NULL where not given */
    int quick, population;
} example_settings;

/* Another default for an option, by its name; quick NULL: the same under --quick. */
typedef struct example_preset {
    const char *name;
    const char *preset;
    const char *quick;
} example_preset;

typedef struct example_program {
    const char *name;
    const char *summary;           /* the head of --help: what it shows, lines of <= 80 */
    const example_preset *presets; /* ends with a NULL name; NULL: the common defaults */
    const option *own;             /* further options; copied */
    size_t own_count;
    /* Those of dim, context, noise, batch, steps, lr, population that the program does not take,
     * ends with NULL; NULL: it takes all. */
    const char *const *without;
    /* Columns of --csv, ends with NULL, which the program fills by results_append; NULL: step, loss,
     * gradient_norm, excess, which example_progress fills. */
    const char *const *columns;
} example_program;

typedef struct example {
    const example_program *program;
    example_settings settings;
    option *options; /* the common ones and the program's own */
    size_t option_count;
    results results;
    progress bar;
    output json, csv, plot;
    int64_t steps_before; /* of trainers that ran before this one */
    int64_t last_step;
    double started;
    plot_page page; /* of --plot; a trainer's page without panels gets the training curve */
    void **kept;    /* memory that lives until the end */
    size_t kept_count;
} example;

/* Reads the command line and opens the files; exits with 0 after --help, with 2 where something
 * is wrong. Starts the clock and the progress bar, for settings.steps steps: a program that makes
 * more of them sets bar.total. */
void example_begin(example *e, const example_program *program, int argc, char **argv);

/* 1 where the user gave that option. */
int example_given(example *e, const char *name);

/* An icl_progress_fn; user is the example. Draws the bar and keeps (step, loss, gradient_norm,
 * excess) for --csv and --plot. Steps go on counting where one trainer follows another. */
int example_progress(const icl_train_report *report, void *user);

/* Ends the program where a file that it will write much later cannot be written. path NULL: none. */
void example_check_file(example *e, const char *flag, const char *path);

/* Draws the bar of a program without a trainer: units of work done, of all. */
void example_work(example *e, int64_t done, int64_t total);

/* Zeroed numbers, a text, a column of the series (row_count numbers), for results and plots: they
 * live until example_end. Out of memory, or of an unknown column, the program ends. */
double *example_array(example *e, int64_t count);
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
const char *example_text(example *e, const char *format, ...);
double *example_column(example *e, const char *name);

/* Adds a panel with the losses that example_progress has kept, over the steps. */
plot_panel *example_loss_panel(example *e);

/* Ends the program with one line: refuse with 2, for values that do not go together. */
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 2, 3)))
#endif
void example_refuse(example *e, const char *format, ...);

/* Ends the program unless the status is ICL_OK: with 1 where training diverged, else 2. */
void example_ok(example *e, const icl_context *context, icl_status status);
#define EXAMPLE_OK(e, context, call) example_ok(e, context, call)

/* Prints the table and the verdict, writes the files, frees everything. The exit status. Where a
 * claim could not be judged (results_unjudged), the verdict speaks of what was. */
int example_end(example *e, const char *agrees, const char *disagrees);

/* "dim 5, context 20, ..." of what the program takes; and "d = 5, n = 20, ..." for a title. */
void example_print_settings(const example *e, FILE *stream);
const char *example_title(example *e);

#endif
