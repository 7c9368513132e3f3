/* Whether the order of the examples matters: a bar for every predictor. Methods that see a set give
 * the same answer in any order, and so does linear attention; methods that take one example after
 * another do not, nor does attention whose tokens know their position (Shen, Mishra, Khashabi
 * 2024). */
#include <math.h>

#include "contest.h"
#include "positional.h"

enum { MODELS = 4, SOLVERS = CONTEST_ALL + CONTEST_FURTHER, PREDICTORS = SOLVERS + MODELS };
static const double LIMIT = 1e-9; /* rounding is below, an order that matters above */
static int64_t iterations, permutations, training;
static int few; /* orders, so that all might be alike */

static const option OWN[] = {{.name = "iterations",
                              .kind = OPTION_INT,
                              .value = &iterations,
                              .preset = "3",
                              .least = 1,
                              .most = CONTEST_ITERATIONS,
                              .help = "steps and passes of the iterative methods"},
                             {.name = "permutations",
                              .kind = OPTION_INT,
                              .value = &permutations,
                              .preset = "100",
                              .quick = "30",
                              .least = 2,
                              .most = 65536,
                              .help = "random orders of each prompt's examples"},
                             {.name = "training",
                              .kind = OPTION_INT,
                              .value = &training,
                              .preset = "200",
                              .quick = "50",
                              .least = 1,
                              .most = 1e6,
                              .help = "training steps of the trained models"}};
static const example_preset PRESETS[] = {{"batch", "256", "64"}, {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"steps", "lr", "population", NULL};
static const char *const COLUMNS[] = {"predictor", "order_sensitivity", "standard_error", NULL};
static const example_program PROGRAM = {
    .name = "order-sensitivity",
    .summary = "How much predictions change with the order of the examples (OS): every algorithm,\n"
               "and linear attention with and without positions in its tokens.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT,
    .columns = COLUMNS};

static icl_estimate sensitivity(lab *l, const icl_predictor *p) {
    icl_estimate os;
    lab_ok(l, icl_metric_order_sensitivity(p, l->batch, permutations, l->e->settings.seed, &os));
    return os;
}

typedef struct bars {
    const char *keys[PREDICTORS], *labels[PREDICTORS];
    double heights[PREDICTORS], errors[PREDICTORS], sets, turns;
    int64_t count;
} bars;

/* sets: the greatest of the predictors of sets, turns: the least of those that mind the order. */
static void add(lab *l, bars *b, const char *key, const char *label, const icl_predictor *p,
                contest_order order) {
    icl_estimate os = sensitivity(l, p);
    int64_t i = b->count++;
    if (order == CONTEST_SEQUENCE && few)
        order = CONTEST_UNKNOWN;
    b->keys[i] = key;
    b->labels[i] = label;
    b->heights[i] = os.value;
    b->errors[i] = os.standard_error;
    if (order == CONTEST_SET)
        b->sets = fmax(b->sets, os.value);
    if (order == CONTEST_SEQUENCE)
        b->turns = fmin(b->turns, os.value);
    if (order == CONTEST_UNKNOWN)
        results_unjudged(&l->e->results, NULL, label, os.value);
    else
        results_show(&l->e->results, NULL, label, os.value, order == CONTEST_SET ? 0 : NAN);
    results_append_named(&l->e->results, key, (const double[]){NAN, os.value, os.standard_error});
    example_work(l->e, b->count, PREDICTORS);
}

static void add_solvers(lab *l, bars *b) {
    contender all[SOLVERS];
    contest_all(l, all, iterations, 1);
    contest_further(l, all + CONTEST_ALL, iterations);
    for (int i = 0; i < SOLVERS; i++) {
        icl_solver *solver;
        icl_predictor p;
        lab_ok(l, icl_solver_create(l->context, &all[i].options, &solver));
        lab_ok(l, icl_solver_predictor(solver, &p));
        add(l, b, all[i].key, all[i].label, &p, contest_order_of(l, &all[i]));
        icl_solver_free(solver);
    }
}

/* One layer without and with positions, at its random start and trained. */
static void add_models(lab *l, bars *b) {
    static const char *const keys[MODELS] = {"attention", "attention_trained", "positions",
                                             "positions_trained"};
    static const char *const labels[MODELS] = {"attention", "attention, trained", "with positions",
                                               "with positions, trained"};
    for (int i = 0; i < MODELS; i++) {
        positional model;
        icl_predictor p;
        positional_open(&model, l, i / 2 == 1 ? POSITIONS : 0);
        if (i % 2 == 1)
            positional_train(&model, training);
        p = positional_predictor(&model);
        add(l, b, keys[i], labels[i], &p, i < 2 ? CONTEST_SET : CONTEST_SEQUENCE);
        if (i >= 2) {
            double orders = (double)permutations, prompts = (double)l->e->settings.batch;
            contest_check(l, !few, example_text(l->e, "%s_over_theory", keys[i]),
                          example_text(l->e, "%s, over the closed form", labels[i]),
                          b->heights[b->count - 1] / positional_theory(&model), 1,
                          0.5 / orders + 6 / sqrt(2 * orders * prompts));
        }
        positional_close(&model);
    }
}

int main(int argc, char **argv) {
    example e;
    lab l;
    bars b = {.turns = INFINITY};
    example_begin(&e, &PROGRAM, argc, argv);
    if (e.settings.context < 2)
        example_refuse(&e, "--context %lld: an order needs two examples",
                       (long long)e.settings.context);
    few = (permutations - 1) * e.settings.batch < 32;
    lab_open(&l, &e);
    icl_law_options law = lab_law(&l);
    lab_draw(&l, &law, e.settings.batch, 1);
    add_solvers(&l, &b);
    add_models(&l, &b);
    results_object(&e.results, "order_sensitivity", b.keys, b.heights, b.count);
    results_object(&e.results, "order_sensitivity_se", b.keys, b.errors, b.count);
    results_check(&e.results, "sets", "predictors of sets, greatest", b.sets, 0, LIMIT);
    contest_check(&l, isfinite(b.turns), "turns", "decades that the least of the others lacks",
                  fmax(0, log10(LIMIT / b.turns)), 0, 0);
    plot_panel *p = plot_add_bars(&e.page, "order sensitivity",
                                  &(plot_bars){b.labels, b.heights, b.errors, b.count});
    p->log_y = 1;
    lab_close(&l);
    return example_end(&e, "only those who take turns, or know positions, mind the order",
                       "the order matters to others than theory says");
}
