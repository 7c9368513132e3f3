/* The plots of the examples: what is refused, and gnuplot where it is installed. */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "gnuplot.h"
#include "options.h"
#include "plot_sample.h"
#include "plot_sheet.h"
#include "support/support.h"

static char message[OPTIONS_MESSAGE];
START_TEST(the_endings_are_png_and_svg) {
    static const char *const bad[] = {"a.pdf", "png", ".png", "a.PNG", "a.png ", "a.png.gz", "a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "--plot: \"%s\" ends neither in .png nor in .svg",
                 bad[i]);
        ck_assert_int_eq(plot_available(bad[i], message), -1);
        ck_assert_str_eq(message, expected);
    }
}
END_TEST

START_TEST(a_missing_gnuplot_is_noticed) {
    char *path = getenv("PATH"), *copy = path ? strdup(path) : NULL;
    ck_assert_int_eq(setenv("PATH", "/nonexistent", 1), 0);
    int present = gnuplot_present(), available = plot_available("a.png", message);
    copy ? setenv("PATH", copy, 1) : unsetenv("PATH");
    free(copy);
    ck_assert_int_eq(present, 0);
    ck_assert_int_eq(available, -1);
    ck_assert_str_eq(message, "--plot: \"a.png\" cannot be drawn: gnuplot is not installed");
}
END_TEST

/* ---- what is refused ---- */

static void assert_refused(const plot_page *page, const char *words) {
    char *bytes;
    size_t size;
    ck_assert_int_eq(plot_render(page, "a.svg", &bytes, &size, message), -1);
    ck_assert_ptr_null(bytes);
    ck_assert_str_eq(message, words);
}

static plot_page lines_page(size_t count) {
    plot_page page = {0};
    plot_panel *p = plot_add_curves(&page, "x", "y");
    for (size_t i = 0; i < count; i++)
        plot_add_line(p, &(plot_line){.x = STEPS, .y = LOSS, .count = 4});
    return page;
}

START_TEST(what_is_too_many_is_refused) {
    static const char *const pages = "--plot: a page has 1 to 6 panels and a title of one line";
    plot_page page = {0};
    assert_refused(&page, pages);
    for (int i = 0; i < 9; i++) {
        const plot_panel *added = plot_add_curves(&page, "x", "y");
        ck_assert(added >= page.panels && added <= page.panels + PLOT_PANELS);
    }
    assert_refused(&page, pages);
    page = lines_page(PLOT_LINES);
    ck_assert_int_eq(plot_check(&page, message), 0);
    page = lines_page(PLOT_LINES + 3);
    assert_refused(&page, "--plot: panel 1 has more than 12 lines");
    page = lines_page(1);
    for (int i = 0; i < PLOT_LEVELS + 3; i++)
        plot_add_level(&page.panels[0], "level", i);
    assert_refused(&page, "--plot: panel 1 has more than 4 levels");
    page = lines_page(1);
    plot_add_bars(&page, "y", &(plot_bars){NAMES, LOSS, NULL, PLOT_BARS + 1});
    assert_refused(&page, "--plot: panel 2 has no number of bars from 0 to 32");
}
END_TEST

START_TEST(what_makes_no_sense_is_refused) {
    static const char *const texts =
        "--plot: panel 1 has a text of more than 100 characters, or of "
        "several lines";
    char text[512];
    plot_page page = lines_page(1);
    page.title = "two\nlines";
    assert_refused(&page, "--plot: a page has 1 to 6 panels and a title of one line");
    page.title = NULL;
    for (size_t i = 0; i < 2 * PLOT_TEXT; i += 2)
        strcpy(text + i, "\xcf\x83"); /* one character of two bytes */
    page.panels[0].title = text;
    ck_assert_int_eq(plot_check(&page, message), 0);
    strcat(text, "x");
    assert_refused(&page, texts);
    page.panels[0].title = NULL;
    page.panels[0].lines[0].label = "a\tb";
    assert_refused(&page, texts);
    page = lines_page(1);
    page.panels[0].lines[0].y = NULL;
    assert_refused(&page, "--plot: panel 1 has a line without its numbers");
    page.panels[0].lines[0].count = 0;
    ck_assert_int_eq(plot_check(&page, message), 0);
    page.panels[0].lines[0].colour = (plot_colour)9;
    assert_refused(&page, "--plot: panel 1 has a line of no known style or colour");
    page.panels[0].kind = (plot_kind)7;
    assert_refused(&page, "--plot: panel 1 has no known kind");
}
END_TEST

START_TEST(heat_maps_and_bars_are_checked) {
    static const double nan_ticks[2] = {1, NAN};
    const plot_mark outside = {0, 2};
    plot_page page = {0};
    plot_panel *p = plot_add_matrix(&page, "m", LEARNED, 2, 2);
    const plot_heat good = p->heat;
    ck_assert_int_eq(plot_check(&page, message), 0);
    p->heat.cols = PLOT_CELLS + 1;
    assert_refused(&page, "--plot: panel 1 has a heat map of no size from 0 to 1024");
    p->heat = good;
    p->heat.values = NULL;
    assert_refused(&page, "--plot: panel 1 has a heat map without its numbers");
    p->heat.rows = 0;
    ck_assert_int_eq(plot_check(&page, message), 0);
    p->heat = good;
    p->heat.col_ticks = nan_ticks;
    assert_refused(&page, "--plot: panel 1 has ticks that are no numbers");
    p->heat = good;
    p->heat.mark_count = 1;
    assert_refused(&page, "--plot: panel 1 has marks without their places");
    p->heat.marks = &outside;
    assert_refused(&page, "--plot: panel 1 has a mark outside the heat map");
    page.panel_count = 0;
    p = plot_add_bars(&page, "y", &(plot_bars){NULL, LOSS, NULL, 1});
    assert_refused(&page, "--plot: panel 1 has bars without labels or heights");
    p->bars.count = 0;
    ck_assert_int_eq(plot_check(&page, message), 0);
}
END_TEST

/* ---- gnuplot ---- */

/* Directories that gnuplot_directory left in TMPDIR. */
static int left_over(const char *parent) {
    int count = 0;
    DIR *list = opendir(parent);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;)
        count += strncmp(entry->d_name, "libicl-plot-", 12) == 0;
    closedir(list);
    return count;
}

static void assert_renders(const plot_page *page, const char *path, const char *head,
                           size_t least) {
    char *bytes;
    size_t size = 0;
    ck_assert_msg(plot_render(page, path, &bytes, &size, message) == 0, "%s", message);
    ck_assert_uint_gt(size, least);
    ck_assert_int_eq(memcmp(bytes, head, strlen(head)), 0);
    free(bytes);
}

START_TEST(pages_are_rendered_and_cleaned_up) {
    if (!gnuplot_present())
        return;
    char parent[] = "/tmp/libicl-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(parent));
    ck_assert_int_eq(setenv("TMPDIR", parent, 1), 0);
    plot_page page = sample();
    assert_renders(&page, "a.svg", "<?xml", 20000);
    assert_renders(&page, "a.png", "\x89PNG", 20000);
    page.title = "it's {a} \"hard\" _title_ \\ ` $ @ % \xce\x93";
    page.panels[0].log_x = page.panels[0].log_y = page.panels[3].log_y = 1;
    assert_renders(&page, "a.svg", "<?xml", 20000);
    ck_assert_int_eq(left_over(parent), 0);
    ck_assert_int_eq(rmdir(parent), 0);
    unsetenv("TMPDIR");
}
END_TEST

START_TEST(all_texts_are_drawn) {
    if (!gnuplot_present())
        return;
    static const char *const texts[] = {
        "a title", "step",   "loss",  "training", "theory",   "optimum",    "column",      "row",
        "entry",   "height", "three", "best",     "GD steps", "similarity", "Newton steps"};
    plot_page page = sample();
    char *bytes;
    size_t size;
    ck_assert_msg(plot_render(&page, "a.svg", &bytes, &size, message) == 0, "%s", message);
    bytes[size - 1] = '\0'; /* the last line's end */
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(strstr(bytes, texts[i]) != NULL, "\"%s\" is not in the picture", texts[i]);
    free(bytes);
}
END_TEST

START_TEST(empty_panels_render) {
    if (!gnuplot_present())
        return;
    static const double nothing[4] = {NAN, NAN, NAN, NAN};
    plot_page page = {0};
    plot_add_curves(&page, NULL, NULL);
    plot_add_line(plot_add_curves(&page, "x", "y"),
                  &(plot_line){.x = STEPS, .y = nothing, .count = 4, .error = nothing});
    plot_add_matrix(&page, NULL, NULL, 0, 3);
    plot_add_matrix(&page, "m", nothing, 2, 2);
    plot_add_bars(&page, NULL, &(plot_bars){0});
    plot_add_bars(&page, "y", &(plot_bars){NAMES, nothing, nothing, 4});
    for (size_t i = 0; i < page.panel_count; i++)
        page.panels[i].log_y = 1;
    assert_renders(&page, "a.svg", "<?xml", 5000);
    assert_renders(&page, "a.png", "\x89PNG", 5000);
}
END_TEST

START_TEST(every_span_renders) {
    if (!gnuplot_present())
        return;
    static const double spans[] = {1e-14, 1e-3, 0.1, 0.5, 0.999999, 1, -1, 1e300};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        const double y[4] = {1, 1, spans[i], spans[i]};
        plot_page page = {.title = "t"};
        plot_panel *p = plot_add_curves(&page, "x", "y");
        plot_add_line(p, &(plot_line){.label = "y", .x = STEPS, .y = y, .count = 4});
        p->log_y = i % 2 == 0;
        plot_add_matrix(&page, "m", &spans[i], 1, 1);
        p = plot_add_bars(&page, "y", &(plot_bars){NAMES, y, y, 4});
        p->log_y = i % 2 != 0;
        assert_renders(&page, "a.svg", "<?xml", 5000);
    }
}
END_TEST

START_TEST(large_pages_stay_small_files) {
    if (!gnuplot_present())
        return;
    double *values = calloc(PLOT_CELLS * PLOT_CELLS, sizeof *values);
    for (int i = 0; i < PLOT_CELLS; i++)
        values[i * PLOT_CELLS + i] = i % 7;
    plot_page page = {0};
    plot_add_matrix(&page, "m", values, PLOT_CELLS, PLOT_CELLS);
    char *bytes;
    size_t size;
    ck_assert_msg(plot_render(&page, "a.svg", &bytes, &size, message) == 0, "%s", message);
    ck_assert_uint_lt(size, 1000000);
    free(bytes);
    free(values);
}
END_TEST

START_TEST(a_failing_script_is_one_line) {
    if (!gnuplot_present())
        return;
    char *directory = gnuplot_directory();
    ck_assert_ptr_nonnull(directory);
    FILE *file = gnuplot_open(directory, "bad.gp", "w");
    fputs("set nonsense\n", file);
    fclose(file);
    ck_assert_int_eq(gnuplot_run(directory, "bad.gp", message), -1);
    ck_assert_int_eq(strncmp(message, "gnuplot failed: ", 16), 0);
    ck_assert_ptr_nonnull(strstr(message, "line 1"));
    ck_assert_ptr_null(strchr(message, '\n'));
    size_t size;
    ck_assert_ptr_null(gnuplot_read(directory, "none", &size));
    gnuplot_remove(directory);
    gnuplot_remove(NULL);
}
END_TEST

START_TEST(no_room_for_temporary_files_is_said) {
    plot_page page = sample();
    ck_assert_int_eq(setenv("TMPDIR", "/nonexistent", 1), 0);
    char *bytes;
    size_t size;
    int rendered = plot_render(&page, "a.png", &bytes, &size, message);
    unsetenv("TMPDIR");
    ck_assert_int_eq(rendered, -1);
    ck_assert_ptr_null(bytes);
    ck_assert_str_eq(message, "--plot: temporary files: No such file or directory");
}
END_TEST

RUN_SUITE("support_plot", the_endings_are_png_and_svg, a_missing_gnuplot_is_noticed,
          what_is_too_many_is_refused, what_makes_no_sense_is_refused,
          heat_maps_and_bars_are_checked, pages_are_rendered_and_cleaned_up, all_texts_are_drawn,
          empty_panels_render, every_span_renders, large_pages_stay_small_files,
          a_failing_script_is_one_line, no_room_for_temporary_files_is_said)
