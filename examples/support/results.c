/* Collects what an example found and judges it. */
#include "results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add(results *r, const result_row *row) {
    result_row *list = realloc(r->list, (r->count + 1) * sizeof *list);
    if (!list) {
        r->no_memory = 1;
        free(row->array);
        return;
    }
    r->list = list;
    list[r->count++] = *row;
}

void results_number(results *r, const char *name, double value) {
    add(r, &(result_row){.name = name, .value = value, .expected = NAN, .tolerance = NAN});
}

static void add_array(results *r, const double *values, size_t count, const result_row *row) {
    double *copy = malloc((count > 0 ? count : 1) * sizeof *copy);
    if (!copy) {
        r->no_memory = 1;
        return;
    }
    for (size_t i = 0; i < count; i++)
        copy[i] = values[i];
    result_row whole = *row;
    whole.array = copy;
    add(r, &whole);
}

void results_matrix(results *r, const char *name, const double *values, int64_t rows,
                    int64_t cols) {
    add_array(r, values, (size_t)(rows > 0 ? rows * cols : cols),
              &(result_row){.name = name,
                            .value = NAN,
                            .expected = NAN,
                            .tolerance = NAN,
                            .rows = rows,
                            .cols = cols});
}

void results_array(results *r, const char *name, const double *values, int64_t count) {
    results_matrix(r, name, values, 0, count);
}

void results_object(results *r, const char *name, const char *const *keys, const double *values,
                    int64_t count) {
    add_array(r, values, (size_t)count,
              &(result_row){.name = name,
                            .value = NAN,
                            .expected = NAN,
                            .tolerance = NAN,
                            .cols = count,
                            .keys = keys});
}

void results_show(results *r, const char *name, const char *words, double value, double theory) {
    add(r, &(result_row){
               .name = name, .words = words, .value = value, .expected = theory, .tolerance = NAN});
}

void results_check(results *r, const char *name, const char *words, double value, double expected,
                   double tolerance) {
    add(r, &(result_row){.name = name,
                         .words = words,
                         .value = value,
                         .expected = expected,
                         .tolerance = isnan(tolerance) ? 0 : tolerance});
}

void results_check_array(results *r, const char *name, const char *words, const double *values,
                         const double *expected, int64_t count, double tolerance) {
    double worst = count > 0 ? 0 : NAN;
    for (int64_t i = 0; i < count; i++) {
        double distance = fabs(values[i] - expected[i]);
        worst = isnan(distance) || isnan(worst) ? NAN : fmax(worst, distance);
    }
    add_array(r, values, (size_t)count,
              &(result_row){.name = name,
                            .words = words,
                            .value = worst,
                            .expected = 0,
                            .tolerance = isnan(tolerance) ? 0 : tolerance,
                            .cols = count});
}

void results_unjudged(results *r, const char *name, const char *words, double value) {
    add(r, &(result_row){.name = name,
                         .words = words,
                         .value = value,
                         .expected = NAN,
                         .tolerance = NAN,
                         .unjudged = 1});
}

int result_is_check(const result_row *row) {
    return !isnan(row->tolerance);
}

int result_passes(const result_row *row) {
    return fabs(row->value - row->expected) <= row->tolerance; /* false for NaN */
}

size_t results_passed(const results *r, size_t *total) {
    size_t passed = 0, checks = 0;
    for (size_t i = 0; i < r->count; i++)
        if (result_is_check(&r->list[i])) {
            checks++;
            passed += result_passes(&r->list[i]) != 0;
        }
    if (total)
        *total = checks;
    return passed;
}

size_t results_unjudged_count(const results *r) {
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        count += r->list[i].unjudged != 0;
    return count;
}

void results_columns(results *r, const char *const *columns) {
    r->columns = columns;
    for (r->column_count = 0; columns[r->column_count];)
        r->column_count++;
}

void results_append(results *r, const double *row) {
    if (r->row_count == r->row_room) {
        int64_t room = r->row_room > 0 ? 2 * r->row_room : 256;
        double *series = realloc(r->series, (size_t)room * r->column_count * sizeof *series);
        if (!series) {
            r->no_memory = 1;
            return;
        }
        r->series = series;
        r->row_room = room;
    }
    double *to = r->series + (size_t)r->row_count++ * r->column_count;
    for (size_t i = 0; i < r->column_count; i++)
        to[i] = row[i];
}

void results_append_named(results *r, const char *name, const double *row) {
    const char **names = realloc(r->row_names, (size_t)(r->row_count + 1) * sizeof *r->row_names);
    if (!names) {
        r->no_memory = 1;
        return;
    }
    r->row_names = names;
    names[r->row_count] = name;
    results_append(r, row);
}

double *results_column(const results *r, const char *name) {
    size_t column = 0;
    while (column < r->column_count && strcmp(r->columns[column], name) != 0)
        column++;
    if (column == r->column_count)
        return NULL;
    double *values = malloc((size_t)(r->row_count > 0 ? r->row_count : 1) * sizeof *values);
    for (int64_t i = 0; values && i < r->row_count; i++)
        values[i] = r->series[(size_t)i * r->column_count + column];
    return values;
}

void results_clear(results *r) {
    for (size_t i = 0; i < r->count; i++)
        free(r->list[i].array);
    free(r->list);
    free(r->series);
    free(r->row_names);
    *r = (results){0};
}
