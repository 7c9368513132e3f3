/* The plots of the examples: spans, data files, script, and gnuplot where it is installed. */
#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include "gnuplot.h"
#include "options.h"
#include "plot.h"
#include "plot_script.h"
#include "support/support.h"

static char message[OPTIONS_MESSAGE];
static const double STEPS[4] = {1, 2, 3, 4}, LOSS[4] = {8, 4, NAN, 1};
static const double LEARNED[4] = {0.5, -0.001, 0.2, -2}, THEORY[4] = {1, 0, 0, 1};

static plot_page sample(void) {
    return (plot_page){.title = "a title",
                       .x_label = "step",
                       .y_label = "loss",
                       .lines = {{"training", STEPS, LOSS, 4}},
                       .line_count = 1,
                       .level = 0.5,
                       .level_label = "optimum",
                       .matrices = {{"learned", LEARNED, 2, 2}, {"theory", THEORY, 2, 2}},
                       .matrix_count = 2};
}

/* What a writer writes, malloc. */
static char *written(void (*write)(FILE *, const void *), const void *what) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    write(stream, what);
    fclose(stream);
    return text;
}

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

START_TEST(spans_hold_the_data_and_the_level) {
    plot_page page = sample();
    plot_scale s = plot_scale_of(&page);
    ck_assert(s.x_least == 1 && s.x_most == 4);
    ck_assert(s.y_least == 0.5 - 0.06 * 7.5 && s.y_most == 8 + 0.06 * 7.5);
    ck_assert(s.colour == 2 && !s.log_y);
    page.level_label = NULL;
    s = plot_scale_of(&page);
    ck_assert(s.y_least == 1 - 0.06 * 7);
    page.log_y = 1;
    s = plot_scale_of(&page);
    ck_assert(s.log_y && s.y_least > 0.8 && s.y_least < 1 && s.y_most > 8 && s.y_most < 10);
}
END_TEST

START_TEST(spans_of_nothing_are_drawable) {
    static const double zero[2] = {0, 0}, nothing[2] = {NAN, INFINITY}, negative[2] = {-1, -3};
    const struct {
        const double *y;
        int64_t count;
        int stays_log;
    } cases[] = {{zero, 2, 0}, {nothing, 2, 0}, {negative, 2, 0}, {NULL, 0, 0}, {LOSS, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plot_page page = {
            .lines = {{"y", STEPS, cases[i].y, cases[i].count}}, .line_count = 1, .log_y = 1};
        plot_scale s = plot_scale_of(&page);
        ck_assert_int_eq(s.log_y, cases[i].stays_log);
        ck_assert(isfinite(s.x_least) && s.x_least < s.x_most && isfinite(s.x_most));
        ck_assert(isfinite(s.y_least) && s.y_least < s.y_most && isfinite(s.y_most));
        ck_assert(!s.log_y || s.y_least > 0);
        ck_assert(s.colour == 1);
    }
}
END_TEST

START_TEST(steps_are_drawn_from_zero) {
    static const double x[2] = {1, 100}, y[2] = {1, 2};
    plot_page page = {.lines = {{"y", x, y, 2}}, .line_count = 1};
    plot_scale s = plot_scale_of(&page);
    ck_assert(s.x_least == 0 && s.x_most == 100);
}
END_TEST

START_TEST(curves_have_gaps_for_nan) {
    const plot_line line = {"y", STEPS, LOSS, 4};
    char *text = written(plot_write_line, &line);
    ck_assert_str_eq(text, "1,8\n2,4\n\n4,1\n");
    free(text);
}
END_TEST

START_TEST(long_curves_are_thinned_and_keep_their_ends) {
    enum { LONG = 100001 };
    double *x = malloc(LONG * sizeof *x);
    for (int i = 0; i < LONG; i++)
        x[i] = i;
    char *text = written(plot_write_line, &(plot_line){"y", x, x, LONG});
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

START_TEST(matrices_carry_their_entries_as_text) {
    const plot_matrix m = {"m", LEARNED, 2, 2};
    char *text = written(plot_write_matrix, &(plot_matrix_scaled){&m, 2});
    /* column, row, value, text in the precision of the scale, dark or white text */
    ck_assert_str_eq(text, "1,1,0.5,0.5,3158064\n"
                           "2,1,-0.001,0.0,3158064\n"
                           "1,2,0.20000000000000001,0.2,3158064\n"
                           "2,2,-2,-2.0,16777215\n");
    free(text);
    text = written(plot_write_matrix, &(plot_matrix_scaled){&m, 1e-9});
    ck_assert_ptr_nonnull(strstr(text, "1,1,0.5,,")); /* too long to print */
    free(text);
    static const double large[49] = {1};
    text = written(plot_write_matrix, &(plot_matrix_scaled){&(plot_matrix){"m", large, 7, 7}, 1});
    ck_assert_int_eq(strncmp(text, "1,1,1,,", 7), 0); /* too many to print */
    free(text);
}
END_TEST

/* The script of a page, malloc. */
static char *script_of(const plot_page *page, const char *kind) {
    return written(plot_write_script, &(plot_scaled){page, plot_scale_of(page), kind});
}

START_TEST(texts_are_quoted_for_gnuplot) {
    plot_page page = sample();
    page.title = "it's \"so\" `rm x`\\n";
    char *text = script_of(&page, "png");
    ck_assert_ptr_nonnull(strstr(text, "title 'it''s \"so\" `rm x`\\n' noenhanced"));
    ck_assert_ptr_nonnull(strstr(text, "pngcairo"));
    free(text);
    text = script_of(&page, "svg");
    ck_assert_ptr_nonnull(strstr(text, "set terminal svg"));
    free(text);
}
END_TEST

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
    assert_renders(&page, "a.svg", "<?xml", 10000);
    assert_renders(&page, "a.png", "\x89PNG", 10000);
    page.title = "it's {a} \"hard\" _title_ \\ ` $ @ % \xce\x93";
    page.log_y = 1;
    assert_renders(&page, "a.svg", "<?xml", 10000);
    page.matrix_count = 0;
    page.level = NAN;
    assert_renders(&page, "a.svg", "<?xml", 3000);
    page.line_count = 0;
    assert_renders(&page, "a.svg", "<?xml", 1000);
    ck_assert_int_eq(left_over(parent), 0);
    ck_assert_int_eq(rmdir(parent), 0);
    unsetenv("TMPDIR");
}
END_TEST

START_TEST(every_span_renders) {
    if (!gnuplot_present())
        return;
    static const double spans[] = {1e-14, 1e-3, 0.1, 0.5, 0.999999, 1};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        const double y[4] = {1, 1, spans[i], spans[i]};
        const double entry = spans[i];
        plot_page page = {.title = "t",
                          .x_label = "x",
                          .y_label = "y",
                          .log_y = i % 2 == 0,
                          .lines = {{"y", STEPS, y, 4}},
                          .line_count = 1,
                          .matrices = {{"m", &entry, 1, 1}},
                          .matrix_count = 1};
        assert_renders(&page, "a.svg", "<?xml", 3000);
    }
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
          spans_hold_the_data_and_the_level, spans_of_nothing_are_drawable,
          steps_are_drawn_from_zero, curves_have_gaps_for_nan,
          long_curves_are_thinned_and_keep_their_ends, matrices_carry_their_entries_as_text,
          texts_are_quoted_for_gnuplot, pages_are_rendered_and_cleaned_up, every_span_renders,
          a_failing_script_is_one_line, no_room_for_temporary_files_is_said)
