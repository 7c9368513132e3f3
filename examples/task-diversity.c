/* Prompts of few tasks and of many: one layer of linear attention, fitted to N = tau d^2 prompts of
 * a pool of kappa d tasks, on the pool's tasks and on fresh ones, beside the Bayes predictors of
 * either (dMMSE, ridge) and the limit of large d with its double descent at tau = 1 (Lu et al.
 * 2405.11751).
 *
 * Judged is that limit. Near the pole the errors are A / |p - tau|, p = 1 + O(1/d): the unknowns
 * are d (d + 1), and prompts count for unequal much. So theory over error is 1 - c/d + O(1/d^2),
 * which is measured at d and at d/2, and taken to 1/d = 0. */
#include <math.h>
#include <stdlib.h>

#include "diversity.h"

enum { MOST = 64, CURVE = 400, TEST_PROMPTS = 500, MORE = 4 };
enum { SMALL_CASES = 1 << 26, BAYES_CASES = 1 << 27 }; /* numbers that no other case has */
static double alpha, kappa, rho, ridge;
static option_list tau;
static int64_t repeats;

#define RATIO(n, p, least_, open_, text)                                                           \
    {                                                                                              \
        .name = #n, .kind = OPTION_REAL, .value = &n, .preset = p, .least = least_, .most = 1e6,   \
        .open = open_, .help = text                                                                \
    }
static const option OWN[] = {
    RATIO(alpha, "1", 0, OPTION_OPEN_LEAST, "examples a prompt / d"),
    RATIO(kappa, "1", 0, OPTION_OPEN_LEAST, "tasks in the pool / d"),
    {.name = "tau",
     .kind = OPTION_REALS,
     .value = &tau,
     .preset = "0.2,0.35,0.5,0.6,0.7,0.85,1.15,1.3,1.5,1.7,2,2.5",
     .least = 0,
     .most = 1e6,
     .open = OPTION_OPEN_LEAST,
     .help = "prompts / d^2; one ratio, or several"},
    RATIO(rho, "0.1", 0, 0, "variance of the label noise"),
    RATIO(ridge, "0", 0, 0, "penalty lambda of the fit; 0: the solution of least norm"),
    {.name = "repeats",
     .kind = OPTION_INT,
     .value = &repeats,
     .preset = "20",
     .quick = "12",
     .least = 2,
     .most = 100000,
     .help = "pools, each with prompts of its own, that are averaged"}};
static const example_preset PRESETS[] = {{"dim", "32", "16"}, {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"context", "noise",      "batch", "steps",
                                      "lr",      "population", NULL};
enum { TAU, ICL, IDG, GAP, ICL_ERROR, IDG_ERROR, GAP_ERROR, ICL_THEORY, IDG_THEORY, COLUMNS };
static const char *const NAMES[COLUMNS + 1] = {
    "tau",         "e_icl",        "e_idg",        "g_task",       "e_icl_error",
    "e_idg_error", "g_task_error", "e_icl_theory", "e_idg_theory", NULL};
static const example_program PROGRAM = {
    .name = "task-diversity",
    .summary = "Fits one layer of linear self-attention to prompts whose tasks come from a finite\n"
               "pool, and compares its errors on fresh tasks (ICL) and on the pool's (IDG) with\n"
               "dMMSE, ridge and the theory of many covariates: double descent at tau = 1.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT,
    .columns = NAMES};

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One ratio: a number of the JSON; several: an array. */
static void put(example *e, const char *name, const double *values) {
    if (tau.count == 1)
        results_number(&e->results, name, values[0]);
    else
        results_array(&e->results, name, values, tau.count);
}

static void report(example *e, const diversity_row *r) {
    const diversity_errors *f = &r->layer;
    results_append(&e->results, (const double[COLUMNS]){
                                    r->tau, f->icl.value, f->idg.value, f->gap.value,
                                    f->icl.standard_error, f->idg.standard_error,
                                    f->gap.standard_error, r->theory.e_icl, r->theory.e_idg});
    results_show(&e->results, NULL, example_text(e, "e_icl at tau = %.3g", r->tau), f->icl.value,
                 r->theory.e_icl);
}

/* The layer, what it tends to, and the limit over tau; columns of NAMES. */
static plot_panel *draw(lab *l, diversity *s, double *const *column, int k, double *limit) {
    double *x = example_array(l->e, CURVE), *y = example_array(l->e, CURVE);
    double low = log(column[TAU][0] / 1.1), high = log(1.1 * column[TAU][tau.count - 1]);
    plot_panel *p = plot_add_curves(&l->e->page, "prompts / d²", "mean squared error");
    p->title = k == ICL ? "fresh tasks (ICL)" : "tasks of the pool (IDG)";
    p->log_x = p->log_y = 1;
    for (int i = 0; i < CURVE; i++) {
        x[i] = exp(low + (high - low) * i / (CURVE - 1));
        icl_asymptotic a = diversity_theory(s, x[i]);
        y[i] = k == ICL ? a.e_icl : a.e_idg;
    }
    plot_line layer = {.x = column[TAU], .y = column[k], .count = tau.count, .error_bars = 1};
    layer.label = example_text(l->e, "one layer, d = %lld", (long long)s->dim);
    layer.error = column[k + ICL_ERROR - ICL];
    layer.style = PLOT_MARKS;
    plot_add_line(p, &layer);
    layer.label = "taken to large d";
    layer.y = limit;
    layer.error = NULL;
    plot_add_line(p, &layer);
    plot_add_line(p, &(plot_line){"theory of large d", x, y, CURVE, NULL, 0, PLOT_DASHED, 0});
    return p;
}

int main(int argc, char **argv) {
    example e;
    lab l;
    diversity_row large[MOST], small[MOST];
    double *column[COLUMNS], *limit[2];
    plot_panel *panels[2];
    example_begin(&e, &PROGRAM, argc, argv);
    if (tau.count > MOST)
        example_refuse(&e, "--tau has %lld ratios, more than %d", (long long)tau.count, MOST);
    qsort(tau.values, (size_t)tau.count, sizeof *tau.values, ascending);
    lab_open(&l, &e);
    diversity s = {.alpha = alpha, .kappa = kappa, .rho = rho, .ridge = ridge, .repeats = repeats};
    diversity half = s;
    half.repeats *= MORE;
    diversity_open(&s, &l, e.settings.dim);
    diversity_open(&half, &l, (e.settings.dim + 1) / 2);
    e.page.title = diversity_title(&s);
    for (int64_t i = 0; i < tau.count; i++) {
        large[i] = diversity_at(&s, tau.values[i], i * s.repeats);
        small[i] = diversity_at(&half, tau.values[i], SMALL_CASES + i * half.repeats);
        report(&e, &large[i]);
        example_work(&e, i + 1, tau.count);
    }
    for (int k = 0; k < COLUMNS; k++)
        put(&e, NAMES[k], column[k] = example_column(&e, NAMES[k]));
    for (int k = 0; k < 2; k++) {
        limit[k] = example_array(&e, tau.count);
        diversity_judge(&s, large, &half, small, tau.count, k == 0, limit[k]);
        put(&e, k == 0 ? "e_icl_limit" : "e_idg_limit", limit[k]);
        panels[k] = draw(&l, &s, column, ICL + k, limit[k]);
    }
    diversity_judge_bayes(&s, TEST_PROMPTS, BAYES_CASES, panels, large, tau.count);
    diversity_close(&s);
    diversity_close(&half);
    lab_close(&l);
    return example_end(&e, "the layer errs as the theory of many covariates says",
                       "the layer does not err as the theory of many covariates says");
}
