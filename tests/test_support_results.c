/* What the examples report: judged numbers, JSON, CSV, the table, and the files they go to. */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output.h"
#include "progress.h"
#include "results.h"
#include "support/support.h"

static char message[OPTIONS_MESSAGE];

/* ---- results ---- */

static results sample(void) {
    results r = {0};
    const double entries[6] = {1, 2, 3, 4, NAN, 6};
    results_check(&r, "eta", "step size", 0.5, 0.25, 0.25);
    results_check(&r, "risk", "risk", 2, 1, 0.5);
    results_show(&r, "ridge", "risk of ridge", 1.5, 1.25);
    results_show(&r, NULL, "only shown", INFINITY, NAN);
    results_number(&r, "only_json", NAN);
    results_array(&r, "flat", entries, 2);
    results_array(&r, "empty", NULL, 0);
    results_matrix(&r, "matrix", entries, 2, 3);
    return r;
}

START_TEST(checks_pass_within_the_tolerance_only) {
    static const struct {
        double value, expected, tolerance;
        int passes;
    } cases[] = {{1, 1, 0, 1},        {1.5, 1, 0.5, 1},
                 {0.5, 1, 0.5, 1},    {1.5, 1, 0.4, 0},
                 {NAN, 1, 1, 0},      {1, NAN, 1, 0},
                 {1, 1, NAN, 1},      {1, 2, NAN, 0},
                 {INFINITY, 1, 9, 0}, {INFINITY, INFINITY, 9, 0},
                 {0.02, 0, 0.03, 1}};
    size_t count = sizeof cases / sizeof *cases, passes = 0, total;
    results r = {0};
    ck_assert_uint_eq(results_passed(&r, &total), 0);
    ck_assert_uint_eq(total, 0);
    for (size_t i = 0; i < count; i++) {
        results_check(&r, "x", "x", cases[i].value, cases[i].expected, cases[i].tolerance);
        ck_assert_int_eq(result_is_check(&r.list[i]), 1);
        ck_assert_int_eq(result_passes(&r.list[i]), cases[i].passes);
        passes += (size_t)cases[i].passes;
    }
    results_number(&r, "y", 1);
    results_show(&r, "z", "z", 1, 2);
    ck_assert_uint_eq(results_passed(&r, &total), passes);
    ck_assert_uint_eq(total, count);
    results_clear(&r);
}
END_TEST

START_TEST(arrays_are_judged_by_their_worst_entry) {
    static const double values[3] = {1, 2.5, -3}, expected[3] = {1.25, 2, -3}, bad[2] = {1, NAN},
                        far[2] = {1, INFINITY};
    const struct {
        const double *values, *expected;
        int64_t count;
        double tolerance, worst;
        int passes;
    } cases[] = {{values, expected, 3, 0.5, 0.5, 1}, {values, expected, 3, 0.49, 0.5, 0},
                 {values, expected, 1, 0.25, 0.25, 1}, {bad, bad, 2, 9, NAN, 0},
                 {bad, far, 2, 9, NAN, 0},           {values, far, 2, 1e300, INFINITY, 0},
                 {NULL, NULL, 0, 9, NAN, 0},         {values, values, 3, NAN, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        results r = {0};
        results_check_array(&r, "etas", "steps", cases[i].values, cases[i].expected,
                            cases[i].count, cases[i].tolerance);
        ck_assert_int_eq(result_is_check(&r.list[0]), 1);
        ck_assert_int_eq(result_passes(&r.list[0]), cases[i].passes);
        ck_assert(r.list[0].value == cases[i].worst ||
                  (isnan(r.list[0].value) && isnan(cases[i].worst)));
        results_clear(&r);
    }
}
END_TEST

START_TEST(judged_arrays_are_arrays_in_json_and_one_row_in_the_table) {
    static const double values[2] = {1, 2.5}, expected[2] = {1.25, 2};
    results r = {0};
    results_check_array(&r, "etas", "steps", values, expected, 2, 0.75);
    char *text = results_json(&r, "e", NULL, 0);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    json_t *array = json_object_get(json_object_get(root, "results"), "etas");
    ck_assert_uint_eq(json_array_size(array), 2);
    ck_assert(json_real_value(json_array_get(array, 1)) == 2.5);
    json_t *check = json_array_get(json_object_get(root, "checks"), 0);
    ck_assert_uint_eq(json_object_size(check), 5);
    ck_assert_str_eq(json_string_value(json_object_get(check, "name")), "etas");
    ck_assert(json_real_value(json_object_get(check, "value")) == 0.5);
    ck_assert(json_real_value(json_object_get(check, "expected")) == 0);
    ck_assert(json_is_true(json_object_get(check, "pass")));
    json_decref(root);
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    results_print(&r, stream);
    fclose(stream);
    ck_assert_ptr_nonnull(strstr(text, "steps              0.5             0  0.5 of 0.75"));
    free(text);
    results_clear(&r);
}
END_TEST

/* The JSON of the sample, parsed; settings as given. */
static json_t *parse(const option *settings, size_t count) {
    results r = sample();
    char *text = results_json(&r, "an-example", settings, count);
    results_clear(&r);
    ck_assert_ptr_nonnull(text);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s in %s", error.text, text);
    free(text);
    return root;
}

START_TEST(json_holds_results_and_checks) {
    json_t *root = parse(NULL, 0);
    ck_assert_uint_eq(json_object_size(root), 4);
    ck_assert_str_eq(json_string_value(json_object_get(root, "example")), "an-example");
    json_t *found = json_object_get(root, "results");
    ck_assert_uint_eq(json_object_size(found), 7);
    ck_assert(json_real_value(json_object_get(found, "eta")) == 0.5);
    ck_assert(json_real_value(json_object_get(found, "ridge")) == 1.5);
    ck_assert(json_is_null(json_object_get(found, "only_json")));
    ck_assert_uint_eq(json_array_size(json_object_get(found, "flat")), 2);
    ck_assert(json_is_array(json_object_get(found, "empty")));
    json_t *row = json_array_get(json_object_get(found, "matrix"), 1);
    ck_assert_uint_eq(json_array_size(row), 3);
    ck_assert(json_real_value(json_array_get(row, 0)) == 4);
    ck_assert(json_is_null(json_array_get(row, 1)));

    json_t *checks = json_object_get(root, "checks"), *check = json_array_get(checks, 1);
    ck_assert_uint_eq(json_array_size(checks), 2);
    ck_assert_uint_eq(json_object_size(check), 5);
    ck_assert_str_eq(json_string_value(json_object_get(check, "name")), "risk");
    ck_assert(json_real_value(json_object_get(check, "value")) == 2);
    ck_assert(json_real_value(json_object_get(check, "expected")) == 1);
    ck_assert(json_real_value(json_object_get(check, "tolerance")) == 0.5);
    ck_assert(json_is_false(json_object_get(check, "pass")));
    ck_assert(json_is_true(json_object_get(json_array_get(checks, 0), "pass")));
    json_decref(root);
}
END_TEST

START_TEST(json_holds_settings_of_every_kind) {
    static const char *const laws[] = {"tanh", "relu", NULL};
    int flag = 1, law = 1;
    int64_t dim = 5;
    double noise = 0.1, values[] = {3, 0.5};
    option_list list = {2, values}, none = {0};
    uint64_t seed = (UINT64_C(1) << 63) - 1;
    const char *path = "out.json";
    const option settings[] = {
        {.name = "flag", .kind = OPTION_FLAG, .value = &flag},
        {.name = "law", .kind = OPTION_CHOICE, .value = &law, .choices = laws},
        {.name = "dim", .kind = OPTION_INT, .value = &dim},
        {.name = "noise", .kind = OPTION_REAL, .value = &noise},
        {.name = "list", .kind = OPTION_REALS, .value = &list},
        {.name = "none", .kind = OPTION_REALS, .value = &none},
        {.name = "seed", .kind = OPTION_SEED, .value = &seed},
        {.name = "json", .kind = OPTION_PATH, .value = &path}};
    json_t *root = parse(settings, sizeof settings / sizeof *settings);
    json_t *found = json_object_get(root, "settings");
    ck_assert_uint_eq(json_object_size(found), 7); /* no path */
    ck_assert(json_is_true(json_object_get(found, "flag")));
    ck_assert_str_eq(json_string_value(json_object_get(found, "law")), "relu");
    ck_assert_int_eq(json_integer_value(json_object_get(found, "dim")), 5);
    ck_assert(json_real_value(json_object_get(found, "noise")) == 0.1);
    ck_assert(json_real_value(json_array_get(json_object_get(found, "list"), 1)) == 0.5);
    ck_assert(json_is_null(json_object_get(found, "none")));
    ck_assert(json_integer_value(json_object_get(found, "seed")) == INT64_MAX);
    json_decref(root);
}
END_TEST

START_TEST(json_keeps_every_bit_of_a_number) {
    results r = {0};
    const double value = 0.1 + 0.2;
    results_number(&r, "x", value);
    char *text = results_json(&r, "e", NULL, 0);
    const char *at = strstr(text, "\"x\": ");
    ck_assert_ptr_nonnull(at);
    ck_assert(strtod(at + 5, NULL) == value);
    free(text);
    results_clear(&r);
}
END_TEST

static const char *const COLUMNS[] = {"step", "loss", NULL};

START_TEST(csv_is_the_series) {
    results r = {0};
    results_columns(&r, COLUMNS);
    char *text = results_csv(&r);
    ck_assert_str_eq(text, "step,loss\n");
    free(text);
    results_append(&r, (const double[]){1, 0.5});
    results_append(&r, (const double[]){2, NAN});
    results_append(&r, (const double[]){-INFINITY, 1e-300});
    text = results_csv(&r);
    ck_assert_str_eq(text, "step,loss\n1,0.5\n2,\n,1e-300\n");
    free(text);
    results_clear(&r);
}
END_TEST

START_TEST(long_series_keep_their_rows) {
    results r = {0};
    results_columns(&r, COLUMNS);
    for (int i = 0; i < 1000; i++)
        results_append(&r, (const double[]){i, 2 * i});
    ck_assert_int_eq(r.row_count, 1000);
    double *loss = results_column(&r, "loss");
    for (int i = 0; i < 1000; i++)
        ck_assert(loss[i] == 2 * i);
    ck_assert_ptr_null(results_column(&r, "los"));
    free(loss);
    results_clear(&r);
}
END_TEST

START_TEST(table_is_aligned_and_plain) {
    results r = sample();
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    results_print(&r, stream);
    fclose(stream);
    ck_assert_str_eq(text,
                     "quantity           measured        theory  difference, allowed   verdict\n"
                     "step size               0.5          0.25  0.25 of 0.25          agrees\n"
                     "risk                      2             1  1 of 0.5              DISAGREES\n"
                     "risk of ridge           1.5          1.25  0.25\n"
                     "only shown                -             -\n");
    free(text);
    results_clear(&r);
}
END_TEST

START_TEST(lost_memory_is_reported_when_written) {
    results r = sample();
    r.no_memory = 1;
    ck_assert_ptr_null(results_json(&r, "e", NULL, 0));
    ck_assert_ptr_null(results_csv(&r));
    results_clear(&r);
}
END_TEST

/* ---- files ---- */

static char directory[] = "/tmp/libicl-test-XXXXXX";
static char file_path[sizeof directory + 32];

static const char *in_directory(const char *name) {
    snprintf(file_path, sizeof file_path, "%s/%s", directory, name);
    return file_path;
}

static void enter_directory(void) {
    strcpy(directory + strlen(directory) - 6, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void put(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void assert_holds(const char *path, const char *text) {
    char buffer[64] = "";
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    buffer[fread(buffer, 1, sizeof buffer - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(buffer, text);
}

/* Removes the directory, which must hold nothing but these files (NULL at the end). */
static void leave_directory(const char *const *names) {
    for (; *names; names++)
        ck_assert_int_eq(unlink(in_directory(*names)), 0);
    ck_assert_int_eq(rmdir(directory), 0);
}
#define LEAVE(...) leave_directory((const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_new_file_appears_when_written) {
    enter_directory();
    output o;
    ck_assert_int_eq(output_open(&o, "--json", in_directory("new"), message), 0);
    ck_assert_int_ne(access(in_directory("new"), F_OK), 0);
    ck_assert_int_eq(output_write(&o, "text", 4, message), 0);
    assert_holds(in_directory("new"), "text");
    mode_t mask = umask(0);
    umask(mask);
    struct stat status;
    ck_assert_int_eq(stat(in_directory("new"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0666 & ~mask);
    output_close(&o);
    output_close(&o); /* legal */
    LEAVE("new");
}
END_TEST

START_TEST(an_old_file_stays_until_the_end) {
    enter_directory();
    put(in_directory("old"), "before");
    ck_assert_int_eq(chmod(in_directory("old"), 0640), 0);
    output o;
    ck_assert_int_eq(output_open(&o, "--json", in_directory("old"), message), 0);
    assert_holds(in_directory("old"), "before");
    output_close(&o); /* given up */
    assert_holds(in_directory("old"), "before");
    ck_assert_int_eq(output_open(&o, "--json", in_directory("old"), message), 0);
    ck_assert_int_eq(output_write(&o, "after", 5, message), 0);
    assert_holds(in_directory("old"), "after");
    struct stat status;
    ck_assert_int_eq(stat(in_directory("old"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0640);
    output_close(&o);
    LEAVE("old");
}
END_TEST

START_TEST(a_link_is_followed_and_stays) {
    enter_directory();
    put(in_directory("real"), "before");
    ck_assert_int_eq(symlink("real", in_directory("link")), 0);
    output o;
    ck_assert_int_eq(output_open(&o, "--csv", in_directory("link"), message), 0);
    ck_assert_int_eq(output_write(&o, "after", 5, message), 0);
    output_close(&o);
    assert_holds(in_directory("real"), "after");
    struct stat status;
    ck_assert_int_eq(lstat(in_directory("link"), &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    LEAVE("link", "real");
}
END_TEST

START_TEST(a_bare_name_stays_where_the_program_started) {
    enter_directory();
    int home = open(".", O_RDONLY);
    ck_assert_int_eq(chdir(directory), 0);
    output o;
    ck_assert_int_eq(output_open(&o, "--csv", "bare", message), 0);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(output_write(&o, "text", 4, message), 0);
    output_close(&o);
    ck_assert_int_eq(fchdir(home), 0);
    close(home);
    assert_holds(in_directory("bare"), "text");
    LEAVE("bare");
}
END_TEST

START_TEST(what_cannot_be_written_is_found_at_once) {
    enter_directory();
    char missing[128];
    snprintf(missing, sizeof missing, "%s/no/file", directory);
    put(in_directory("file"), "text");
    char below[128], slash[128];
    snprintf(below, sizeof below, "%s/below", in_directory("file"));
    snprintf(slash, sizeof slash, "%s/", in_directory("none"));
    const struct {
        const char *path, *reason;
    } cases[] = {{missing, "No such file or directory"},
                 {directory, "Is a directory"},
                 {"/", "Is a directory"},
                 {slash, "Is a directory"},
                 {below, "Not a directory"},
                 {"/proc/self/none", "No such file or directory"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[256];
        output o;
        snprintf(expected, sizeof expected, "--json: cannot write \"%s\": %s", cases[i].path,
                 cases[i].reason);
        ck_assert_int_eq(output_open(&o, "--json", cases[i].path, message), -1);
        ck_assert_str_eq(message, expected);
        ck_assert(o.flag == NULL && o.target == NULL && o.descriptor == -1);
    }
    LEAVE("file");
}
END_TEST

START_TEST(a_read_only_file_is_refused) {
    if (geteuid() == 0)
        return; /* root may write anything */
    enter_directory();
    put(in_directory("file"), "text");
    ck_assert_int_eq(chmod(in_directory("file"), 0400), 0);
    output o;
    ck_assert_int_eq(output_open(&o, "--json", in_directory("file"), message), -1);
    ck_assert_ptr_nonnull(strstr(message, "Permission denied"));
    LEAVE("file");
}
END_TEST

START_TEST(devices_are_written_in_place) {
    output o;
    ck_assert_int_eq(output_open(&o, "--json", "/dev/null", message), 0);
    ck_assert_int_eq(output_write(&o, "text", 4, message), 0);
    output_close(&o);
    ck_assert_int_eq(output_open(&o, "--json", "/dev/full", message), 0);
    ck_assert_int_eq(output_write(&o, "text", 4, message), -1);
    ck_assert_str_eq(message, "--json: cannot write \"/dev/full\": No space left on device");
    output_close(&o);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file) {
    enter_directory();
    put(in_directory("old"), "before");
    output o;
    ck_assert_int_eq(output_open(&o, "--json", in_directory("old"), message), 0);
    /* a limit on the size of files stands for the full disk */
    struct rlimit old, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 2;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    int written = output_write(&o, "after", 5, message);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    ck_assert_int_eq(written, -1);
    ck_assert_ptr_nonnull(strstr(message, "File too large"));
    output_close(&o);
    assert_holds(in_directory("old"), "before");
    LEAVE("old"); /* and no temporary */
}
END_TEST

/* ---- progress ---- */

START_TEST(progress_is_one_line) {
    char line[120];
    progress_format(line, sizeof line, 500, 1000, 0.123456, 5);
    ck_assert_str_eq(line,
                     "[============>           ] 500/1000  loss 0.1235  100 steps/s  0:05 left");
    progress_format(line, sizeof line, 0, 1000, NAN, 0);
    ck_assert_str_eq(line, "[>                       ] 0/1000  loss nan  0 steps/s  ? left");
    progress_format(line, sizeof line, 2000, 1000, 1, 2);
    ck_assert_str_eq(line, "[========================] 2000/1000  loss 1  1000 steps/s  0:00 left");
    progress_format(line, sizeof line, 1, 7201, 1, 1);
    ck_assert_ptr_nonnull(strstr(line, " 2:00:00 left"));
    progress_format(line, sizeof line, 1, INT64_MAX, 1, 1);
    ck_assert_ptr_nonnull(strstr(line, " long left"));
    progress_format(line, sizeof line, 30, 0, 2, 3);
    ck_assert_str_eq(line, "step 30  loss 2  10 steps/s");
    progress_format(line, 10, 500, 1000, 1, 1);
    ck_assert_uint_eq(strlen(line), 9);
}
END_TEST

START_TEST(work_is_one_line) {
    char line[120];
    progress_format_work(line, sizeof line, 3, 12, 2);
    ck_assert_str_eq(line, "[======>                 ] 3/12  0:06 left");
    progress_format_work(line, sizeof line, 0, 12, 0);
    ck_assert_str_eq(line, "[>                       ] 0/12  ? left");
    progress_format_work(line, sizeof line, 12, 12, 9);
    ck_assert_str_eq(line, "[========================] 12/12  0:00 left");
    progress_format_work(line, sizeof line, 13, 12, 9);
    ck_assert_str_eq(line, "[========================] 13/12  0:00 left");
    progress_format_work(line, sizeof line, 7, 0, 9);
    ck_assert_str_eq(line, "7 done");
    progress_format_work(line, 10, 3, 12, 2);
    ck_assert_uint_eq(strlen(line), 9);
}
END_TEST

START_TEST(progress_is_silent_in_a_file) {
    FILE *file = tmpfile();
    progress bar;
    progress_begin(&bar, file, 10);
    bar.drawn -= 1; /* as though time had passed */
    progress_update(&bar, 5, 1);
    progress_work(&bar, 6);
    progress_end(&bar);
    ck_assert_int_eq(ftell(file), 0);
    fclose(file);
}
END_TEST

START_TEST(the_clock_runs_forward) {
    double before = seconds_now();
    ck_assert_double_ge(seconds_now(), before);
}
END_TEST

RUN_SUITE("support_results", checks_pass_within_the_tolerance_only,
          arrays_are_judged_by_their_worst_entry,
          judged_arrays_are_arrays_in_json_and_one_row_in_the_table, json_holds_results_and_checks,
          json_holds_settings_of_every_kind, json_keeps_every_bit_of_a_number, csv_is_the_series,
          long_series_keep_their_rows, table_is_aligned_and_plain,
          lost_memory_is_reported_when_written, a_new_file_appears_when_written,
          an_old_file_stays_until_the_end, a_link_is_followed_and_stays,
          a_bare_name_stays_where_the_program_started, what_cannot_be_written_is_found_at_once,
          a_read_only_file_is_refused, devices_are_written_in_place,
          a_failed_write_leaves_the_old_file, progress_is_one_line, work_is_one_line,
          progress_is_silent_in_a_file,
          the_clock_runs_forward)
