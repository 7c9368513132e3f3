/* The results as JSON, {"example", "settings", "results", "checks"}, and the series as CSV. */
#include "results.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *numbers(const double *values, int64_t count) {
    json_t *array = json_array();
    int failed = array == NULL;
    for (int64_t i = 0; !failed && i < count; i++)
        failed = json_array_append_new(array, number(values[i])) != 0;
    if (failed) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *matrix(const double *values, int64_t rows, int64_t cols) {
    json_t *array = json_array();
    int failed = array == NULL;
    for (int64_t i = 0; !failed && i < rows; i++)
        failed = json_array_append_new(array, numbers(values + i * cols, cols)) != 0;
    if (failed) {
        json_decref(array);
        return NULL;
    }
    return array;
}

static json_t *object(const char *const *keys, const double *values, int64_t count) {
    json_t *object = json_object();
    int failed = object == NULL;
    for (int64_t i = 0; !failed && i < count; i++)
        failed = json_object_set_new(object, keys[i], number(values[i])) != 0;
    if (failed) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *setting(const option *o) {
    switch (o->kind) {
    case OPTION_FLAG:
        return json_boolean(*(const int *)o->value);
    case OPTION_INT:
        return json_integer(*(const int64_t *)o->value);
    case OPTION_REAL:
        return number(*(const double *)o->value);
    case OPTION_REALS: {
        const option_list *list = o->value;
        return list->count > 0 ? numbers(list->values, list->count) : json_null();
    }
    case OPTION_CHOICE:
        return json_string(o->choices[*(const int *)o->value]);
    case OPTION_SEED:
        return json_integer((json_int_t) * (const uint64_t *)o->value);
    case OPTION_PATH:
        break;
    }
    return NULL;
}

/* json_object_set_new and its like take NULL as a failure and own what they are given. */
static int add_settings(json_t *root, const option *table, size_t count) {
    json_t *settings = json_object();
    int failed = json_object_set_new(root, "settings", settings);
    for (size_t i = 0; !failed && i < count; i++)
        if (table[i].kind != OPTION_PATH)
            failed = json_object_set_new(settings, table[i].name, setting(&table[i]));
    return failed;
}

static json_t *result_value(const result_row *row) {
    if (!row->array)
        return number(row->value);
    if (row->keys)
        return object(row->keys, row->array, row->cols);
    return row->rows > 0 ? matrix(row->array, row->rows, row->cols)
                         : numbers(row->array, row->cols);
}

static int add_results(json_t *root, const results *r) {
    json_t *object = json_object();
    int failed = json_object_set_new(root, "results", object);
    for (size_t i = 0; !failed && i < r->count; i++)
        if (r->list[i].name)
            failed = json_object_set_new(object, r->list[i].name, result_value(&r->list[i]));
    return failed;
}

static int add_checks(json_t *root, const results *r) {
    json_t *checks = json_array();
    int failed = json_object_set_new(root, "checks", checks);
    for (size_t i = 0; !failed && i < r->count; i++) {
        const result_row *row = &r->list[i];
        if (!result_is_check(row))
            continue;
        json_t *check =
            json_pack("{s:s, s:o, s:o, s:o, s:b}", "name", row->name ? row->name : row->words,
                      "value", number(row->value), "expected", number(row->expected), "tolerance",
                      number(row->tolerance), "pass", result_passes(row));
        failed = json_array_append_new(checks, check);
    }
    return failed;
}

char *results_json(const results *r, const char *example, const option *settings, size_t count) {
    json_t *root = json_object();
    int failed = r->no_memory || json_object_set_new(root, "example", json_string(example)) ||
                 add_settings(root, settings, count) || add_results(root, r) || add_checks(root, r);
    char *text = failed ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    return text;
}

char *results_csv(const results *r) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = r->no_memory ? NULL : open_memstream(&text, &size);
    if (!stream)
        return NULL;
    for (size_t j = 0; j < r->column_count; j++)
        fprintf(stream, "%s%s", j == 0 ? "" : ",", r->columns[j]);
    fputc('\n', stream);
    for (int64_t i = 0; i < r->row_count; i++) {
        const double *row = r->series + (size_t)i * r->column_count;
        for (size_t j = 0; j < r->column_count; j++) {
            fputs(j == 0 ? "" : ",", stream);
            if (j == 0 && r->row_names)
                fputs(r->row_names[i], stream);
            else if (isfinite(row[j]))
                fprintf(stream, "%.17g", row[j]);
        }
        fputc('\n', stream);
    }
    int failed = ferror(stream);
    if (fclose(stream) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
