/* The files that gnuplot reads for a page of plots: data as CSV, and the script. */
#include "options.h"
#include "plot_sample.h"
#include "plot_sheet.h"
#include "support/support.h"

static char message[OPTIONS_MESSAGE];

/* What a writer writes, malloc. */
static char *written(void (*write)(FILE *, const void *), const void *what) {
    static char *text; /* static: gcc 12 takes what is in it for a pointer to it */
    static size_t size;
    FILE *stream = open_memstream(&text, &size);
    write(stream, what);
    fclose(stream);
    return text;
}

static plot_sheet *sheet_of(const plot_page *page, const char *kind) {
    ck_assert_msg(plot_check(page, message) == 0, "%s", message);
    plot_sheet *sheet = plot_sheet_of(page, kind);
    ck_assert_ptr_nonnull(sheet);
    return sheet;
}

/* A page of so many lines that say nothing of their style. */
static plot_page lines_page(size_t count) {
    plot_page page = {0};
    plot_panel *p = plot_add_curves(&page, "x", "y");
    for (size_t i = 0; i < count; i++)
        plot_add_line(p, &(plot_line){.x = STEPS, .y = LOSS, .count = 4});
    return page;
}

/* ---- data ---- */

/* The data of a line in a panel of its own, malloc. */
static char *line_text(const plot_line *line, int log_y) {
    plot_page page = {0};
    plot_panel *p = plot_add_curves(&page, "x", "y");
    plot_add_line(p, line);
    p->log_y = log_y;
    plot_sheet *sheet = sheet_of(&page, "svg");
    char *text = written(plot_write_line, &(plot_line_view){&p->lines[0], &sheet->views[0]});
    free(sheet);
    return text;
}

START_TEST(curves_have_gaps_for_what_cannot_be_shown) {
    static const double y[5] = {8, 0, -4, INFINITY, 1}, x[5] = {0, 1, 2, 3, 4};
    char *text = line_text(&(plot_line){.x = STEPS, .y = LOSS, .count = 4}, 0);
    ck_assert_str_eq(text, "1,8\n2,4\n\n4,1\n");
    free(text);
    text = line_text(&(plot_line){.x = x, .y = y, .count = 5}, 0);
    ck_assert_str_eq(text, "0,8\n1,0\n2,-4\n\n4,1\n");
    free(text);
    text = line_text(&(plot_line){.x = x, .y = y, .count = 5}, 1);
    ck_assert_str_eq(text, "0,8\n\n\n\n4,1\n");
    free(text);
}
END_TEST

START_TEST(errors_have_two_ends_on_the_axis) {
    const plot_line line = {.x = STEPS, .y = LOSS, .count = 4, .error = ERRORS};
    char *text = line_text(&line, 0);
    ck_assert_str_eq(text, "1,8,7,9\n2,4,-1,9\n\n4,1,1,1\n");
    free(text);
    text = line_text(&line, 1); /* 4 - 5 has no place on a log axis: the band ends at its foot */
    double low;
    ck_assert_int_eq(sscanf(text, "1,8,7,9\n2,4,%lf,9\n\n4,1,1,1\n", &low), 1);
    ck_assert(low > 0.5 && low < 1);
    free(text);
}
END_TEST

START_TEST(long_curves_are_thinned_and_keep_their_ends) {
    enum { LONG = 100001 };
    double *x = malloc(LONG * sizeof *x);
    for (int i = 0; i < LONG; i++)
        x[i] = i;
    char *text = line_text(&(plot_line){.x = x, .y = x, .count = LONG}, 0);
    int64_t lines = 0;
    for (const char *c = text; *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_int_gt(lines, 2000);
    ck_assert_int_le(lines, 4001);
    ck_assert_int_eq(strncmp(text, "0,0\n", 4), 0);
    ck_assert_ptr_nonnull(strstr(text, "\n100000,100000\n"));
    free(text);
    free(x);
}
END_TEST

/* The data of a heat map alone on a page, malloc. */
static char *heat_text(const plot_heat *heat) {
    plot_page page = {0};
    plot_add_heat_map(&page, "x", "y", heat);
    plot_sheet *sheet = sheet_of(&page, "svg");
    char *text = written(plot_write_heat, &sheet->views[0]);
    free(sheet);
    return text;
}

START_TEST(matrices_carry_their_entries_as_text) {
    static const double gap[4] = {1, NAN, 0.5, 0}, tiny[1] = {1e-9}, large[49] = {1};
    char *text = heat_text(&(plot_heat){.values = LEARNED, .rows = 2, .cols = 2, .diverging = 1});
    /* column, row, value, text in the precision of the scale, dark or white text */
    ck_assert_str_eq(text, "1,1,0.5,0.5,3158064\n"
                           "2,1,-0.001,0.0,3158064\n"
                           "1,2,0.20000000000000001,0.2,3158064\n"
                           "2,2,-2,-2.0,16777215\n");
    free(text);
    text = heat_text(&(plot_heat){.values = gap, .rows = 2, .cols = 2});
    ck_assert_str_eq(text, "1,1,1,1.0,3158064\n" /* what is not finite is left out */
                           "1,2,0.5,0.5,3158064\n"
                           "2,2,0,0.0,16777215\n");
    free(text);
    text = heat_text(&(plot_heat){.values = tiny, .rows = 1, .cols = 1, .diverging = 1});
    ck_assert_str_eq(text, "1,1,1.0000000000000001e-09,,16777215\n"); /* too long to print */
    free(text);
    text = heat_text(&(plot_heat){.values = large, .rows = 7, .cols = 7});
    ck_assert_int_eq(strncmp(text, "1,1,1,,", 7), 0); /* too many to print */
    free(text);
}
END_TEST

START_TEST(images_have_all_their_cells) {
    enum { SIDE = 65 };
    double *values = calloc(SIDE * SIDE, sizeof *values);
    values[1] = NAN;
    char *text = heat_text(&(plot_heat){.values = values, .rows = SIDE, .cols = SIDE});
    ck_assert_ptr_eq(strstr(text, "1,1,0,,3158064\n2,1,NaN,,\n"), text);
    free(text);
    free(values);
}
END_TEST

START_TEST(marks_are_columns_and_rows) {
    plot_page page = sample();
    plot_sheet *sheet = sheet_of(&page, "svg");
    char *text = written(plot_write_marks, &sheet->views[4]);
    ck_assert_str_eq(text, "2,1\n1,2\n");
    free(text);
    free(sheet);
}
END_TEST

START_TEST(bars_that_cannot_be_drawn_are_said) {
    static const double heights[4] = {2, 0, -1, NAN}, errors[4] = {3, 1, NAN, 1};
    plot_page page = {0};
    plot_panel *p = plot_add_bars(&page, "y", &(plot_bars){NAMES, heights, errors, 4});
    plot_sheet *sheet = sheet_of(&page, "svg");
    char *text = written(plot_write_bars, &sheet->views[0]);
    ck_assert_str_eq(text, "1,0,2,-1,5,,\n2,0,0,-1,1,,\n3,0,-1,-1,-1,,\n4,,,,,0,-\n");
    free(text);
    free(sheet);
    p->log_y = 1; /* the foot is the axis: half the lowest bar */
    sheet = sheet_of(&page, "svg");
    text = written(plot_write_bars, &sheet->views[0]);
    ck_assert_str_eq(text, "1,1,2,1,5,,\n2,,,,,1,0\n3,,,,,1,< 0\n4,,,,,1,-\n");
    free(text);
    free(sheet);
}
END_TEST

/* ---- the script ---- */

/* The script of a page, malloc. */
static char *script_of(const plot_page *page, const char *kind) {
    plot_sheet *sheet = sheet_of(page, kind);
    char *text = written(plot_write_script, sheet);
    free(sheet);
    return text;
}

START_TEST(texts_are_quoted_for_gnuplot) {
    plot_page page = sample();
    page.title = "it's \"so\" `rm x`\\n";
    char *text = script_of(&page, "png");
    ck_assert_ptr_nonnull(strstr(text, "title 'it''s \"so\" `rm x`\\n' noenhanced"));
    ck_assert_ptr_nonnull(strstr(text, "('one' 1, 'it''s' 2, 'three' 3, 'four' 4) noenhanced"));
    ck_assert_ptr_nonnull(strstr(text, "pngcairo"));
    free(text);
    text = script_of(&page, "svg");
    ck_assert_ptr_nonnull(strstr(text, "set terminal svg"));
    free(text);
}
END_TEST

/* How often a text stands in another. */
static int count_of(const char *text, const char *part) {
    int count = 0;
    for (; (text = strstr(text, part)) != NULL; text += strlen(part))
        count++;
    return count;
}

START_TEST(the_script_has_what_the_panels_say) {
    plot_page page = sample();
    page.panels[0].upright = 2;
    page.panels[0].upright_label = "n = d";
    char *text = script_of(&page, "svg");
    static const char *const once[] = {
        "'line0-0.csv' using 1:2 with lines lw 1.6 lc rgb '#0072B2'",
        "'line0-0.csv' using 1:2 with points pt 7",
        "'line0-1.csv' using 1:2 with lines lw 1.6 dt (6,4) lc rgb '#56B4E9'",
        "'line0-1.csv' using 1:3:4 with filledcurves",
        "0.5 with lines lw 1.6 dt (8,5) lc rgb '#D55E00'",
        "from first 2, graph 0 to first 2, graph 1",
        "'heat1.csv'",
        "'bars3.csv' using 1:4:(0):($5-$4) with vectors",
        "set palette defined (0 '#002358'",
        "set xtics ('2' 1 0, '3' 2 0)",
        "set ytics ('1' 1 0, '2' 2 0)\nset palette defined (0",
        "set yrange [0.5:2.5]", /* upward where rows have values, */
        "'marks4.csv'"};
    for (size_t i = 0; i < 6; i++)
        ck_assert_msg(count_of(text, once[i]) == 1, "%s: %d", once[i], count_of(text, once[i]));
    for (size_t i = 6; i < sizeof once / sizeof *once; i++)
        ck_assert_msg(count_of(text, once[i]) >= 1, "no %s", once[i]);
    ck_assert_int_eq(count_of(text, "set yrange [2.5:0.5]"), 2); /* downward in matrices */
    ck_assert_int_eq(count_of(text, "\nset colorbox"), 2);
    ck_assert_int_eq(count_of(text, "set label 'row' "), 1);
    ck_assert_int_eq(count_of(text, "set label 'training' "), 1);
    ck_assert_int_eq(count_of(text, "set label 'n = d' "), 1);
    ck_assert_ptr_null(strstr(text, "logscale"));
    free(text);
    page.panels[0].log_x = page.panels[0].log_y = page.panels[3].log_y = 1;
    text = script_of(&page, "svg");
    ck_assert_int_eq(count_of(text, "set logscale x\n"), 1);
    ck_assert_int_eq(count_of(text, "set logscale y\n"), 2);
    free(text);
}
END_TEST

START_TEST(what_an_axis_cannot_show_is_not_explained) {
    plot_page page = lines_page(1);
    plot_panel *p = &page.panels[0];
    p->upright = -1;
    p->upright_label = "left of all";
    plot_add_level(p, "below all", 0);
    plot_add_level(p, "nowhere", NAN);
    char *text = script_of(&page, "svg");
    ck_assert_int_eq(count_of(text, "set label 'left of all' "), 1);
    ck_assert_int_eq(count_of(text, "graph 1 nohead"), 1);
    ck_assert_int_eq(count_of(text, "set label 'below all' "), 1);
    ck_assert_int_eq(count_of(text, "set label 'nowhere' "), 0);
    free(text);
    p->log_x = p->log_y = 1;
    text = script_of(&page, "svg");
    ck_assert_int_eq(count_of(text, "set label 'left of all' "), 0);
    ck_assert_int_eq(count_of(text, "graph 1 nohead"), 0);
    ck_assert_int_eq(count_of(text, "set label 'below all' "), 0);
    ck_assert_int_eq(count_of(text, "dt (8,5)"), 0);
    free(text);
}
END_TEST

START_TEST(twelve_lines_differ) {
    plot_page page = lines_page(PLOT_LINES);
    char *text = script_of(&page, "svg"), *styles[PLOT_LINES];
    for (int i = 0; i < PLOT_LINES; i++) {
        char start[64];
        snprintf(start, sizeof start, "'line0-%d.csv' using 1:2 with lines ", i);
        char *at = strstr(text, start);
        ck_assert_ptr_nonnull(at);
        at += strlen(start);
        styles[i] = strndup(at, (size_t)(strstr(at, "lc rgb '") - at) + strlen("lc rgb '#000000'"));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(styles[i], styles[j]);
    }
    for (int i = 0; i < PLOT_LINES; i++)
        free(styles[i]);
    free(text);
}
END_TEST

/* Relative luminance of "#rrggbb", as the sRGB standard has it. */
static double luminance(const char *colour) {
    static const double weights[3] = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        const char digits[3] = {colour[1 + 2 * i], colour[2 + 2 * i], '\0'};
        double c = (double)strtol(digits, NULL, 16) / 255;
        sum += weights[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
}

START_TEST(lightness_tells_the_colours_in_grey_print_too) {
    plot_page page = sample();
    char *text = script_of(&page, "svg");
    const char *at = strstr(text, "set palette defined (0 ");
    ck_assert_ptr_nonnull(at);
    double before = NAN, step = NAN;
    int stops = 0;
    for (const char *end = strchr(at, ')'); (at = strchr(at + 1, '#')) != NULL && at < end;) {
        double lightness = 116 * cbrt(luminance(at)) - 16; /* CIELAB's */
        if (stops == 1)
            step = lightness - before;
        if (stops > 0)
            ck_assert_double_le(fabs(lightness - before - step), 1);
        before = lightness;
        stops++;
    }
    ck_assert_int_eq(stops, 9);
    ck_assert_double_gt(step, 8);
    free(text);
}
END_TEST

RUN_SUITE("support_plot_script", curves_have_gaps_for_what_cannot_be_shown,
          errors_have_two_ends_on_the_axis, long_curves_are_thinned_and_keep_their_ends,
          matrices_carry_their_entries_as_text, images_have_all_their_cells,
          marks_are_columns_and_rows, bars_that_cannot_be_drawn_are_said,
          texts_are_quoted_for_gnuplot, the_script_has_what_the_panels_say,
          what_an_axis_cannot_show_is_not_explained, twelve_lines_differ,
          lightness_tells_the_colours_in_grey_print_too)
