/* Errors of algorithms against closed forms, as the examples judge them: what is judged, and that
 * what is wrong fails. */
#include <math.h>
#include <string.h>

#include "contest.h"
#include "support/support.h"

static const example_preset PRESETS[] = {
    {"dim", "3", NULL}, {"context", "12", NULL}, {"batch", "65536", NULL}, {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"steps", "lr", "population", NULL};
static const example_program PROGRAM = {
    .name = "contest", .presets = PRESETS, .without = WITHOUT, .columns = CONTEST_COLUMNS};
static const icl_method JUDGED[] = {ICL_METHOD_LEAST_SQUARES, ICL_METHOD_ONLINE_GD,
                                    ICL_METHOD_AVERAGE};
enum { METHODS = 3 };

typedef struct fixture {
    example e;
    lab l;
    contender all[CONTEST_ALL];
} fixture;

/* With one flag, or NULL. */
static void begin(fixture *f, const char *flag) {
    char name[] = "contest", copy[64];
    char *argv[] = {name, copy, NULL};
    snprintf(copy, sizeof copy, "%s", flag ? flag : "--seed=1");
    example_begin(&f->e, &PROGRAM, 2, argv);
    lab_open(&f->l, &f->e);
    icl_law_options law = lab_law(&f->l);
    lab_draw(&f->l, &law, f->e.settings.batch, 1);
    contest_all(&f->l, f->all, 1, 1);
    for (int i = 0; i < METHODS; i++)
        contest_ask(&f->l, contest_of(f->all, JUDGED[i]), 1);
}

/* The exit status. */
static int end(fixture *f) {
    lab_close(&f->l);
    return example_end(&f->e, "yes", "no");
}

static void judge(fixture *f, icl_method method, double factor) {
    double *theory = contest_theory(&f->l, method, 3);
    for (int64_t t = 0; t <= f->e.settings.context; t++)
        theory[t] *= factor;
    contest_judge(&f->l, contest_of(f->all, method), 3, theory);
}

START_TEST(right_theory_agrees_and_wrong_theory_does_not) {
    for (int i = 0; i < METHODS; i++)
        for (int wrong = 0; wrong < 2; wrong++) {
            fixture f;
            begin(&f, NULL);
            judge(&f, JUDGED[i], wrong ? 1.5 : 1);
            ck_assert_uint_eq(results_unjudged_count(&f.e.results), 0);
            ck_assert_int_eq(end(&f), wrong);
        }
}
END_TEST

/* Least squares are judged where they are exact. */
START_TEST(few_prompts_are_not_judged) {
    fixture f;
    size_t checks;
    begin(&f, "--batch=2");
    for (int i = 1; i < METHODS; i++)
        judge(&f, JUDGED[i], 1.5);
    ck_assert_uint_eq(results_passed(&f.e.results, &checks), 0);
    ck_assert_uint_eq(checks, 0);
    ck_assert_uint_eq(results_unjudged_count(&f.e.results), METHODS - 1);
    judge(&f, ICL_METHOD_LEAST_SQUARES, 1.5);
    ck_assert_uint_eq(results_passed(&f.e.results, &checks), 1);
    ck_assert_int_eq(end(&f), 0);
}
END_TEST

/* The sample's variance of squared errors beside the law's, where tails are light enough for so
 * many prompts to tell it to a tenth or so. */
START_TEST(spreads_are_those_of_the_errors) {
    fixture f;
    begin(&f, "--dim=12");
    int told = 0;
    double B = (double)f.e.settings.batch;
    for (int i = 0; i < METHODS; i++) {
        contest_curve c = contest_error(&f.l, contest_of(f.all, JUDGED[i]), 1);
        for (int64_t t = 0; t <= 12; t += 2) {
            double spread = contest_spread(JUDGED[i], 12, 0, (double)t);
            if (spread > 2 || c.value[t] < 1e-9)
                continue;
            double seen = (pow(c.error[t] / c.value[t], 2) * B + 1) / 3;
            ck_assert_msg(fabs(seen / spread - 1) < 0.2, "method %d, t = %d: %g and not %g", i,
                          (int)t, seen, spread);
            told++;
        }
    }
    ck_assert_int_ge(told, 15);
    end(&f);
}
END_TEST

START_TEST(series_and_objects_have_names) {
    static const char *const columns[] = {"predictor", "value", NULL}, *const keys[] = {"a", "b"};
    results r = {0};
    results_columns(&r, columns);
    results_append_named(&r, "first", (const double[]){NAN, 0.5});
    results_append_named(&r, "second", (const double[]){NAN, NAN});
    char *csv = results_csv(&r);
    ck_assert_str_eq(csv, "predictor,value\nfirst,0.5\nsecond,\n");
    free(csv);
    results_object(&r, "os", keys, (const double[]){0.25, NAN}, 2);
    results_unjudged(&r, "claim", "a claim", 7);
    ck_assert_uint_eq(results_unjudged_count(&r), 1);
    char *json = results_json(&r, "e", NULL, 0);
    ck_assert_ptr_nonnull(strstr(json, "\"os\": {\n      \"a\": 0.25,\n      \"b\": null\n    }"));
    ck_assert_ptr_nonnull(strstr(json, "\"claim\": 7.0"));
    ck_assert_ptr_nonnull(strstr(json, "\"checks\": []"));
    free(json);
    results_clear(&r);
}
END_TEST

START_TEST(online_methods_and_rounding_are_told_from_sets) {
    fixture f;
    begin(&f, "--dim=1");
    ck_assert_int_eq(contest_order_of(&f.l, contest_of(f.all, ICL_METHOD_ONLINE_GD)),
                     CONTEST_UNKNOWN);
    ck_assert_int_eq(contest_order_of(&f.l, contest_of(f.all, ICL_METHOD_RIDGE)), CONTEST_SET);
    end(&f);
    begin(&f, "--context=3");
    contender *cg = contest_of(f.all, ICL_METHOD_CONJUGATE_GRADIENT);
    ck_assert_int_eq(contest_order_of(&f.l, contest_of(f.all, ICL_METHOD_ONLINE_GD)),
                     CONTEST_SEQUENCE);
    ck_assert_int_eq(contest_order_of(&f.l, cg), CONTEST_SET);
    cg->options.steps = 2;
    ck_assert_int_eq(contest_order_of(&f.l, cg), CONTEST_UNKNOWN);
    end(&f);
}
END_TEST

RUN_SUITE("support_contest", right_theory_agrees_and_wrong_theory_does_not,
          few_prompts_are_not_judged, spreads_are_those_of_the_errors,
          series_and_objects_have_names, online_methods_and_rounding_are_told_from_sets)
