/* The command line of the examples: what is read, what is refused, and in which words. */
#include <unistd.h>

#include "common_options.h"
#include "options.h"
#include "support/support.h"

static const char *const LAWS[] = {"tanh", "relu", "net", NULL};

static struct {
    int64_t dim, steps;
    double noise, rate;
    option_list spectrum;
    int law, flag, quick;
    const char *path;
    uint64_t seed;
} got;

static option table[] = {
    {.name = "dim",
     .kind = OPTION_INT,
     .value = &got.dim,
     .preset = "5",
     .least = 1,
     .most = 64,
     .help = "covariates"},
    {.name = "steps",
     .kind = OPTION_INT,
     .value = &got.steps,
     .preset = "1000",
     .quick = "10",
     .least = 0,
     .most = INFINITY,
     .help = "steps"},
    {.name = "noise",
     .kind = OPTION_REAL,
     .value = &got.noise,
     .preset = "0.5",
     .least = 0,
     .most = INFINITY,
     .help = "variance"},
    {.name = "rate",
     .kind = OPTION_REAL,
     .value = &got.rate,
     .least = 0,
     .most = 1,
     .open = OPTION_OPEN_LEAST | OPTION_OPEN_MOST,
     .help = "learning rate"},
    {.name = "spectrum",
     .kind = OPTION_REALS,
     .value = &got.spectrum,
     .least = 0,
     .most = INFINITY,
     .open = OPTION_OPEN_LEAST,
     .argument = "a,b,c",
     .help = "eigenvalues"},
    {.name = "law",
     .kind = OPTION_CHOICE,
     .value = &got.law,
     .preset = "relu",
     .choices = LAWS,
     .help = "labels"},
    {.name = "flag", .kind = OPTION_FLAG, .value = &got.flag, .help = "a flag"},
    {.name = "quick", .kind = OPTION_FLAG, .value = &got.quick, .help = "a small run"},
    {.name = "json", .kind = OPTION_PATH, .value = &got.path, .help = "results go there"},
    {.name = "seed", .kind = OPTION_SEED, .value = &got.seed, .preset = "7", .help = "seed"},
};
enum { COUNT = sizeof table / sizeof *table, WORDS = 16 };
static char message[OPTIONS_MESSAGE];

/* Reads a command line given as words that end with NULL. */
static options_answer read_words(const char *const *words) {
    char *argv[WORDS] = {(char[]){"program"}};
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = strdup(words[argc - 1]);
    options_clear(table, COUNT);
    options_answer answer = options_read(table, COUNT, argc, argv, message);
    for (int i = 1; i < argc; i++)
        free(argv[i]);
    return answer;
}
#define READ(...) read_words((const char *const[]){__VA_ARGS__, NULL})
#define ASSERT_RUNS(...) ck_assert_msg(READ(__VA_ARGS__) == OPTIONS_RUN, "%s", message)

#define ASSERT_REFUSED(text, ...)                                                                  \
    do {                                                                                           \
        ck_assert_int_eq(READ(__VA_ARGS__), OPTIONS_BAD);                                          \
        ck_assert_str_eq(message, text);                                                           \
    } while (0)

START_TEST(defaults_come_from_the_table) {
    ck_assert_int_eq(read_words((const char *const[]){NULL}), OPTIONS_RUN);
    ck_assert_int_eq(got.dim, 5);
    ck_assert_int_eq(got.steps, 1000);
    ck_assert(got.noise == 0.5 && got.rate == 0);
    ck_assert(got.spectrum.count == 0 && got.spectrum.values == NULL);
    ck_assert_int_eq(got.law, 1);
    ck_assert(got.flag == 0 && got.quick == 0 && got.path == NULL && got.seed == 7);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(table[i].given, 0);
}
END_TEST

START_TEST(both_forms_of_every_kind) {
    ASSERT_RUNS("--dim", "64", "--noise=2.5e-1", "--rate", ".5", "--spectrum=3,2e2,.1", "--law",
                "net", "--flag", "--json=a=b");
    ck_assert_int_eq(got.dim, 64);
    ck_assert(got.noise == 0.25 && got.rate == 0.5);
    ck_assert_int_eq(got.spectrum.count, 3);
    ck_assert(got.spectrum.values[0] == 3 && got.spectrum.values[1] == 200 &&
              got.spectrum.values[2] == 0.1);
    ck_assert(got.law == 2 && got.flag == 1);
    ck_assert(options_find(table, COUNT, "dim")->given);
    ck_assert(!options_find(table, COUNT, "steps")->given);
    ck_assert_ptr_null(options_find(table, COUNT, "di"));
}
END_TEST

START_TEST(paths_are_borrowed_from_the_command_line) {
    char program[] = "program", path[] = "--json=out.json";
    char *argv[] = {program, path, NULL};
    options_clear(table, COUNT);
    ck_assert_int_eq(options_read(table, COUNT, 2, argv, message), OPTIONS_RUN);
    ck_assert_ptr_eq(got.path, path + strlen("--json="));
}
END_TEST

START_TEST(quick_changes_defaults_but_not_choices) {
    ASSERT_RUNS("--quick");
    ck_assert_int_eq(got.steps, 10);
    ck_assert_int_eq(got.dim, 5);
    ASSERT_RUNS("--steps", "3", "--quick");
    ck_assert_int_eq(got.steps, 3);
    ASSERT_RUNS("--quick", "--steps", "1000");
    ck_assert_int_eq(got.steps, 1000);
}
END_TEST

START_TEST(the_last_of_repeated_options_counts) {
    ASSERT_RUNS("--dim", "3", "--spectrum", "1,2,3", "--dim=4", "--spectrum", "5");
    ck_assert_int_eq(got.dim, 4);
    ck_assert_int_eq(got.spectrum.count, 1);
    ck_assert(got.spectrum.values[0] == 5);
}
END_TEST

START_TEST(help_answers_at_once) {
    ck_assert_int_eq(READ("--dim", "3", "--help", "--nonsense"), OPTIONS_HELP);
    ck_assert_int_eq(READ("--nonsense", "--help"), OPTIONS_BAD);
}
END_TEST

START_TEST(unknown_options_are_named) {
    ASSERT_REFUSED("unknown option --dims (--help lists the options)", "--dims", "3");
    ASSERT_REFUSED("unknown option --di=3 (--help lists the options)", "--di=3");
    ASSERT_REFUSED("unknown option -d (--help lists the options)", "-d", "3");
    ASSERT_REFUSED("unknown option -- (--help lists the options)", "--");
    ASSERT_REFUSED("unknown option --=3 (--help lists the options)", "--=3");
    ASSERT_REFUSED("unexpected argument \"3\" (--help lists the options)", "3");
    ASSERT_REFUSED("unexpected argument \"\" (--help lists the options)", "");
}
END_TEST

START_TEST(missing_and_surplus_values) {
    ASSERT_REFUSED("--dim: a value must follow", "--dim");
    ASSERT_REFUSED("--json: a value must follow", "--json", "--quick");
    ASSERT_REFUSED("--flag=1: this flag takes no value", "--flag=1");
    ASSERT_REFUSED("--json: \"\" is not the name of a file", "--json=");
    ASSERT_REFUSED("--dim: \"\" is not a whole number from 1 to 64", "--dim=");
}
END_TEST

START_TEST(whole_numbers_are_whole_and_in_range) {
    static const char *const bad[] = {"0",  "65", "-1",  "1.5", "1e1", "x",
                                      " 3", "3 ", "0x3", "",    "3,",  "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "--dim: \"%s\" is not a whole number from 1 to 64",
                 bad[i]);
        ASSERT_REFUSED(expected, "--dim", bad[i]);
    }
    ASSERT_REFUSED("--steps: \"-1\" is not a whole number at least 0", "--steps", "-1");
    ASSERT_RUNS("--steps", "9223372036854775807");
    ck_assert_int_eq(got.steps, INT64_MAX);
}
END_TEST

START_TEST(numbers_are_finite_and_in_range) {
    static const char *const bad[] = {"-0.1", "nan", "inf", "1e999", "0x1p3", "",
                                      "1,",   "1 ",  " 1",  "1.2.3", "e5",    "."};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char expected[128];
        snprintf(expected, sizeof expected, "--noise: \"%s\" is not a number at least 0", bad[i]);
        ASSERT_REFUSED(expected, "--noise", bad[i]);
    }
    ASSERT_REFUSED("--rate: \"0\" is not a number above 0 and below 1", "--rate", "0");
    ASSERT_REFUSED("--rate: \"1\" is not a number above 0 and below 1", "--rate", "1");
    ASSERT_RUNS("--rate", "1e-300", "--noise", "0");
    ck_assert(got.rate == 1e-300 && got.noise == 0);
}
END_TEST

START_TEST(lists_hold_numbers_only) {
    static const char *const bad[] = {"", ",", "1,", ",1", "1,,2", "1,0", "1;2", "1, 2", "1,nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char expected[160];
        snprintf(expected, sizeof expected,
                 "--spectrum: \"%s\" is not a list of numbers, separated by commas, each above 0",
                 bad[i]);
        char word[64];
        snprintf(word, sizeof word, "--spectrum=%s", bad[i]);
        ASSERT_REFUSED(expected, word);
        ck_assert_ptr_null(got.spectrum.values);
    }
}
END_TEST

START_TEST(choices_list_what_there_is) {
    ASSERT_REFUSED("--law: \"cube\" is not one of tanh, relu, net", "--law", "cube");
    ASSERT_REFUSED("--law: \"rel\" is not one of tanh, relu, net", "--law", "rel");
}
END_TEST

START_TEST(seeds_reach_2_to_the_63_minus_1) {
    ASSERT_RUNS("--seed", "9223372036854775807");
    ck_assert(got.seed == (UINT64_C(1) << 63) - 1);
    ASSERT_RUNS("--seed=0");
    ck_assert(got.seed == 0);
    ASSERT_REFUSED("--seed: \"9223372036854775808\" is not a whole number from 0 to 2^63 - 1",
                   "--seed", "9223372036854775808");
    ASSERT_REFUSED("--seed: \"-1\" is not a whole number from 0 to 2^63 - 1", "--seed", "-1");
    ASSERT_REFUSED("--seed: \" 1\" is not a whole number from 0 to 2^63 - 1", "--seed", " 1");
}
END_TEST

START_TEST(messages_stay_on_one_line) {
    char text[400], word[512];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    text[1] = '\n';
    text[2] = '\033';
    snprintf(word, sizeof word, "--dim=%s", text);
    ck_assert_int_eq(READ(word), OPTIONS_BAD);
    ck_assert_ptr_null(strpbrk(message, "\n\033"));
    ck_assert_ptr_nonnull(strstr(message, "\"x??xxx"));
    ck_assert_ptr_nonnull(strstr(message, "xxx...\""));
    ck_assert_uint_lt(strlen(message), 160);
    char copy[OPTION_EXCERPT];
    text[60] = '\0'; /* the longest that is not cut */
    ck_assert_uint_eq(strlen(option_excerpt(text, copy)), 60);
    ck_assert_str_eq(option_excerpt("", copy), "");
}
END_TEST

START_TEST(a_wrong_preset_is_an_error_not_a_default) {
    option *dim = options_find(table, COUNT, "dim");
    dim->preset = "0";
    ck_assert_int_eq(READ("--flag"), OPTIONS_BAD);
    dim->preset = "5";
    ck_assert_str_eq(message, "--dim: \"0\" is not a whole number from 1 to 64");
}
END_TEST

/* The help of the whole table, malloc. */
static char *help_text(void) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    options_print_help(stream, table, COUNT);
    fclose(stream);
    return text;
}

START_TEST(help_shows_meaning_range_and_default) {
    char *text = help_text();
    ck_assert_ptr_nonnull(
        strstr(text, "  --dim N               covariates (1 to 64; default 5)\n"));
    ck_assert_ptr_nonnull(strstr(
        text, "  --steps N             steps (at least 0; default 1000, with --quick 10)\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "  --rate X              learning rate (above 0 and below 1)\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "  --law NAME            labels (tanh, relu, net; default relu)\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --flag                a flag\n"));
    ck_assert_ptr_nonnull(strstr(text, "  --spectrum a,b,c      eigenvalues (above 0)\n"));
    free(text);
}
END_TEST

START_TEST(help_is_wrapped_at_80_columns) {
    option *dim = options_find(table, COUNT, "dim");
    const char *help = dim->help;
    dim->help = "words that go on and on and on and on and on and on and on and on and on and "
                "on until there is no room for them on two lines, not even on three of them, "
                "averyveryveryveryveryveryveryveryveryveryverylongword and an end";
    char *text = help_text();
    dim->help = help;
    int64_t lines = 0;
    for (char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1, lines++) {
        ck_assert_uint_le(strcspn(line, "\n"), 80);
        ck_assert(strncmp(line, "  --", 4) == 0 || strspn(line, " ") == 24);
        ck_assert(line[strcspn(line, "\n") - 1] != ' ');
    }
    ck_assert_int_ge(lines, COUNT + 3);
    free(text);
}
END_TEST

/* ---- the options that all examples take ---- */

static const example_preset PRESETS[] = {{"dim", "7", NULL}, {"lr", "3", NULL}, {NULL, NULL, NULL}};

/* The table of a program without those. */
static int common_of(example *e, example_program *program, const char *const *without) {
    static const option own[] = {{.name = "own", .kind = OPTION_FLAG, .value = &got.flag}};
    *program = (example_program){
        .name = "p", .presets = PRESETS, .own = own, .own_count = 1, .without = without};
    *e = (example){.program = program};
    message[0] = '\0';
    return common_options(e, message);
}

START_TEST(programs_leave_out_what_they_have_no_use_for) {
    static const char *const none[] = {NULL}, *const some[] = {"lr", "population", "batch", NULL},
                             *const all[] = {"dim", "context", "noise", "batch", "steps", "lr",
                                             "population", NULL};
    const struct {
        const char *const *without;
        size_t count;
    } cases[] = {{NULL, 14}, {none, 14}, {some, 11}, {all, 7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const char *const fixed[] = {"own", "seed", "threads", "quick", "json", "csv", "plot"};
        example e;
        example_program program;
        ck_assert_int_eq(common_of(&e, &program, cases[i].without), 0);
        ck_assert_uint_eq(e.option_count, cases[i].count);
        ck_assert_str_eq(e.options[0].name, "own");
        for (size_t k = 0; k < sizeof fixed / sizeof *fixed; k++)
            ck_assert_ptr_nonnull(options_find(e.options, e.option_count, fixed[k]));
        for (const char *const *name = cases[i].without; name && *name; name++)
            ck_assert_ptr_null(options_find(e.options, e.option_count, *name));
        free(e.options);
    }
}
END_TEST

START_TEST(what_is_left_out_is_refused_and_zero) {
    static const char *const without[] = {"lr", "steps", NULL};
    example e;
    example_program program;
    char name[] = "program", lr[] = "--lr=1", dim[] = "--context=3";
    char *bad[] = {name, lr, NULL}, *good[] = {name, dim, NULL};
    ck_assert_int_eq(common_of(&e, &program, without), 0);
    ck_assert_int_eq(options_read(e.options, e.option_count, 2, bad, message), OPTIONS_BAD);
    ck_assert_str_eq(message, "unknown option --lr=1 (--help lists the options)");
    ck_assert_int_eq(options_read(e.options, e.option_count, 2, good, message), OPTIONS_RUN);
    ck_assert_int_eq(e.settings.dim, 7); /* the program's preset */
    ck_assert_int_eq(e.settings.context, 3);
    ck_assert(e.settings.lr == 0 && e.settings.steps == 0);
    free(e.options);
}
END_TEST

START_TEST(no_program_does_without_a_seed) {
    static const char *const bad[] = {"seed", "threads", "quick", "json", "csv", "plot", "own", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *const without[] = {"lr", bad[i], NULL};
        char expected[128];
        example e;
        example_program program;
        snprintf(expected, sizeof expected, "no program can do without --%s", bad[i]);
        ck_assert_int_eq(common_of(&e, &program, without), -1);
        ck_assert_str_eq(message, expected);
        ck_assert_ptr_null(e.options);
    }
}
END_TEST

RUN_SUITE("support_options", defaults_come_from_the_table, both_forms_of_every_kind,
          paths_are_borrowed_from_the_command_line, quick_changes_defaults_but_not_choices,
          the_last_of_repeated_options_counts, help_answers_at_once, unknown_options_are_named,
          missing_and_surplus_values, whole_numbers_are_whole_and_in_range,
          numbers_are_finite_and_in_range, lists_hold_numbers_only, choices_list_what_there_is,
          seeds_reach_2_to_the_63_minus_1, messages_stay_on_one_line,
          a_wrong_preset_is_an_error_not_a_default, help_shows_meaning_range_and_default,
          help_is_wrapped_at_80_columns, programs_leave_out_what_they_have_no_use_for,
          what_is_left_out_is_refused_and_zero, no_program_does_without_a_seed)
