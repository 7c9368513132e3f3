/* The results as a table for people: measured, theory, difference, verdict. */
#include "results.h"

#include <math.h>
#include <string.h>

enum { CELL = 32, NUMBER = 12 };

/* Six significant digits; "-" for what has no meaning. */
static const char *cell(char *text, double value) {
    if (isfinite(value))
        snprintf(text, CELL, "%.6g", value);
    else
        snprintf(text, CELL, "-");
    return text;
}

/* "0.0003 of 0.01": the difference and the largest one allowed. */
static const char *difference(char *text, const result_row *row) {
    double distance = fabs(row->value - row->expected);
    if (isnan(row->expected))
        text[0] = '\0';
    else if (!isfinite(distance))
        snprintf(text, CELL, "-");
    else if (result_is_check(row))
        snprintf(text, CELL, "%.2g of %.2g", distance, row->tolerance);
    else
        snprintf(text, CELL, "%.2g", distance);
    return text;
}

static const char *verdict(const result_row *row) {
    if (!result_is_check(row))
        return row->unjudged ? "not judged" : "";
    return result_passes(row) ? "agrees" : "DISAGREES";
}

static int words_width(const results *r) {
    size_t width = strlen("quantity");
    for (size_t i = 0; i < r->count; i++)
        if (r->list[i].words && strlen(r->list[i].words) > width)
            width = strlen(r->list[i].words);
    return (int)width;
}

/* One line; empty cells at its end leave no blanks behind. */
static void print_line(FILE *stream, int width, const char *const cells[5]) {
    char line[512];
    snprintf(line, sizeof line, "%-*s  %*s  %*s  %-20s  %s", width, cells[0], NUMBER, cells[1],
             NUMBER, cells[2], cells[3], cells[4]);
    size_t length = strlen(line);
    while (length > 0 && line[length - 1] == ' ')
        length--;
    fprintf(stream, "%.*s\n", (int)length, line);
}

void results_print(const results *r, FILE *stream) {
    int width = words_width(r);
    print_line(
        stream, width,
        (const char *[5]){"quantity", "measured", "theory", "difference, allowed", "verdict"});
    for (size_t i = 0; i < r->count; i++) {
        const result_row *row = &r->list[i];
        if (!row->words)
            continue;
        char value[CELL], theory[CELL], distance[CELL];
        print_line(stream, width,
                   (const char *[5]){row->words, cell(value, row->value),
                                     cell(theory, row->expected), difference(distance, row),
                                     verdict(row)});
    }
}
