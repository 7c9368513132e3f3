/* What an example found: named numbers, comparisons with theory, and a series over the steps.
 *
 * Names become the keys of --json; words become the rows of the table. NaN and infinities mean
 * "has no meaning here": null in JSON, "-" in the table, an empty field in CSV. All texts are
 * borrowed and must outlive the results. Running out of memory is remembered, and reported when
 * the results are written.
 */
#ifndef EXAMPLES_RESULTS_H
#define EXAMPLES_RESULTS_H

#include <stdint.h>
#include <stdio.h>

#include "options.h"

typedef struct result_row {
    const char *name;  /* NULL: in the table only */
    const char *words; /* NULL: in the JSON only */
    double value;
    double expected;    /* NaN: none */
    double tolerance;   /* NaN: shown, not judged */
    double *array;      /* rows x cols, owned, in the JSON in place of value; NULL for a number */
    int64_t rows, cols; /* rows 0: a flat array */
    const char *const *keys; /* cols names: an object in the JSON; NULL: an array */
    int unjudged;            /* 1: a claim of the verdict that these sizes do not let one judge */
} result_row;

typedef struct results {
    result_row *list;
    size_t count;
    const char *const *columns; /* of the series; ends with NULL */
    size_t column_count;
    double *series;         /* row_count x column_count */
    const char **row_names; /* row_count: stand in the first column; NULL: numbers do */
    int64_t row_count, row_room;
    int no_memory;
} results;

/* A number for the JSON only. */
void results_number(results *r, const char *name, double value);
/* An array (count), or a matrix (rows x cols) as an array of rows; copied. */
void results_array(results *r, const char *name, const double *values, int64_t count);
void results_matrix(results *r, const char *name, const double *values, int64_t rows, int64_t cols);
/* Numbers (count) by their names (count), an object of the JSON; numbers copied. */
void results_object(results *r, const char *name, const char *const *keys, const double *values,
                    int64_t count);
/* A row of the table, beside what theory says (NaN: nothing), and a number of the JSON where name
 * is not NULL. Not judged. */
void results_show(results *r, const char *name, const char *words, double value, double theory);
/* The same and judged: it passes if |value - expected| <= tolerance. */
void results_check(results *r, const char *name, const char *words, double value, double expected,
                   double tolerance);
/* Many numbers at once: the array (count) goes to the JSON, and its greatest |value - expected| is
 * judged against 0, in one row and one check. It fails for a NaN, and where there are none. */
void results_check_array(results *r, const char *name, const char *words, const double *values,
                         const double *expected, int64_t count, double tolerance);

/* A claim of the verdict that cannot be judged at these sizes: shown as such, and no check. */
void results_unjudged(results *r, const char *name, const char *words, double value);

/* The series: column names, then row after row: of numbers, or all of them with a name in the place
 * of row[0]. */
void results_columns(results *r, const char *const *columns);
void results_append(results *r, const double *row);
void results_append_named(results *r, const char *name, const double *row);
/* One column (row_count), malloc, for plots; NULL if there is none of that name. */
double *results_column(const results *r, const char *name);

int result_is_check(const result_row *row);
int result_passes(const result_row *row);
/* Checks that pass, and all of them in *total (may be NULL). */
size_t results_passed(const results *r, size_t *total);
size_t results_unjudged_count(const results *r);

void results_print(const results *r, FILE *stream);

/* The texts of --json and --csv, malloc; NULL if memory ran out. settings come from the table of
 * options: all of them but the paths. */
char *results_json(const results *r, const char *example, const option *settings, size_t count);
char *results_csv(const results *r);

void results_clear(results *r);

#endif
