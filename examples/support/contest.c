/* Algorithms at every prefix: asking them and comparing their answers. */
#include "contest.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_FITTED = 5 };

typedef struct entry {
    icl_method method;
    const char *key, *label;
} entry;

static const entry ENTRIES[CONTEST_ALL] = {
    {ICL_METHOD_GD, "gd", "gradient descent"},
    {ICL_METHOD_HEAVY_BALL, "heavy_ball", "heavy ball"},
    {ICL_METHOD_NESTEROV, "nesterov", "Nesterov"},
    {ICL_METHOD_CHEBYSHEV, "chebyshev", "Chebyshev"},
    {ICL_METHOD_GD_PLUS_PLUS, "gd_plus_plus", "GD++"},
    {ICL_METHOD_NEWTON, "newton", "iterative Newton"},
    {ICL_METHOD_CONJUGATE_GRADIENT, "cg", "conjugate gradients"},
    {ICL_METHOD_LEAST_SQUARES, "least_squares", "least squares"},
    {ICL_METHOD_RIDGE, "ridge", "ridge"},
    {ICL_METHOD_BAYES, "bayes", "Bayes"},
    {ICL_METHOD_AVERAGE, "average", "averaging"},
    {ICL_METHOD_ONLINE_GD, "online_gd", "online GD"},
    {ICL_METHOD_SGD, "sgd", "SGD"},
    {ICL_METHOD_BFGS, "bfgs", "BFGS"},
    {ICL_METHOD_DFP, "dfp", "DFP"},
    {ICL_METHOD_LBFGS, "lbfgs", "L-BFGS"}};

static contender contender_of(lab *l, const entry *of) {
    return (contender){.key = of->key, .label = of->label, .options = lab_solver(l, of->method)};
}

void contest_all(lab *l, contender *list, int64_t iterations, double ridge) {
    if (l->e->settings.batch < 2)
        example_refuse(l->e, "--batch 1: an error bar needs two prompts");
    for (int i = 0; i < CONTEST_ALL; i++) {
        list[i] = contender_of(l, &ENTRIES[i]);
        list[i].options.steps = iterations;
        list[i].options.ridge = ENTRIES[i].method == ICL_METHOD_RIDGE ? ridge : 0;
        list[i].options.law = ENTRIES[i].method == ICL_METHOD_BAYES ? l->law : NULL;
    }
}

contender *contest_of(contender *list, icl_method method) {
    while (list->options.method != method)
        list++;
    return list;
}

static contender contender_by(lab *l, icl_method method) {
    const entry *of = ENTRIES;
    while (of->method != method)
        of++;
    return contender_of(l, of);
}

contender contest_path(lab *l, icl_method method, int64_t most) {
    contender c = contender_by(l, method);
    for (int64_t k = 0; k <= most && k < CONTEST_STEPS; k++)
        c.steps[c.count++] = k;
    return c;
}

contender contest_grid(lab *l, icl_method method, int64_t most) {
    contender c = contender_by(l, method);
    for (int i = 0; c.count < CONTEST_STEPS; i++) {
        int64_t step = llround(exp2(i / 4.0));
        if (step > most)
            break;
        if (c.count == 0 || step > c.steps[c.count - 1])
            c.steps[c.count++] = step;
    }
    return c;
}

static int64_t width_of(const contender *c) {
    return c->count > 0 ? c->count : 1;
}

static int64_t answers_of(const lab *l, int64_t width) {
    return icl_batch_prompts(l->batch) * (icl_batch_context(l->batch) + 1) * width;
}

void contest_ask(lab *l, contender *list, int64_t count) {
    enum { MOST = 32 };
    icl_solver *solvers[MOST];
    const int64_t *steps[MOST];
    int64_t counts[MOST];
    double *predictions[MOST];
    icl_prefix_options o;
    if (count > MOST)
        example_refuse(l->e, "%lld algorithms are too many", (long long)count);
    lab_ok(l, icl_prefix_options_init(&o, sizeof o));
    for (int64_t i = 0; i < count; i++) {
        lab_ok(l, icl_solver_create(l->context, &list[i].options, &solvers[i]));
        steps[i] = list[i].count > 0 ? list[i].steps : NULL;
        counts[i] = list[i].count;
        predictions[i] = list[i].prediction =
            example_array(l->e, answers_of(l, width_of(&list[i])));
    }
    o.steps = steps;
    o.counts = counts;
    lab_ok(l, icl_solver_prefixes((const icl_solver *const *)solvers, count, l->batch, &o,
                                  predictions, NULL, NULL));
    for (int64_t i = 0; i < count; i++)
        icl_solver_free(solvers[i]);
}

static icl_model *load(lab *l, const char *path) {
    icl_model *model;
    if (icl_model_load(l->context, path, &model) != ICL_OK)
        example_refuse(l->e, "--model: %s", icl_context_last_error(l->context));
    return model;
}

int64_t contest_model_dim(lab *l, const char *path) {
    icl_model *model = load(l, path);
    int64_t dim = icl_model_dim(model);
    icl_model_free(model);
    return dim;
}

contender contest_model(lab *l, const char *path) {
    icl_model *model = load(l, path), *part;
    icl_predictor predictor;
    contender c = {.key = "model", .label = "layers"};
    if (icl_model_dim(model) != icl_batch_dim(l->batch))
        example_refuse(l->e, "--model %s has dim %lld, the prompts have dim %lld", path,
                       (long long)icl_model_dim(model), (long long)icl_batch_dim(l->batch));
    if (icl_model_layers(model) > CONTEST_STEPS)
        example_refuse(l->e, "--model %s has %lld layers, more than %d", path,
                       (long long)icl_model_layers(model), CONTEST_STEPS);
    c.count = icl_model_layers(model);
    int64_t rows = answers_of(l, 1);
    double *answers = example_array(l->e, rows);
    c.prediction = example_array(l->e, rows * c.count);
    for (int64_t k = 0; k < c.count; k++) {
        c.steps[k] = k + 1;
        lab_ok(l, icl_model_with_layers(model, k + 1, &part));
        lab_ok(l, icl_model_predictor(part, &predictor));
        lab_ok(l, icl_predictor_prefixes(&predictor, l->batch, answers));
        for (int64_t i = 0; i < rows; i++)
            c.prediction[i * c.count + k] = answers[i];
        icl_model_free(part);
    }
    icl_model_free(model);
    return c;
}

/* ---- comparing ---- */

static icl_estimate *estimates(lab *l, int64_t count) {
    return (icl_estimate *)(void *)example_array(l->e, 2 * count);
}

static void split(lab *l, const icl_estimate *from, int64_t count, double **value, double **error) {
    *value = example_array(l->e, count);
    *error = example_array(l->e, count);
    for (int64_t i = 0; i < count; i++) {
        (*value)[i] = from[i].value;
        (*error)[i] = from[i].standard_error;
    }
}

contest_curve contest_error(lab *l, const contender *c, double scale) {
    int64_t count = icl_batch_context(l->batch) + 1;
    icl_estimate *errors = estimates(l, count);
    contest_curve curve;
    lab_ok(l, icl_metric_errors(l->batch, 1, c->prediction, scale, errors));
    split(l, errors, count, &curve.value, &curve.error);
    return curve;
}

static double *ticks_of(lab *l, const contender *c) {
    double *ticks = example_array(l->e, width_of(c));
    for (int64_t i = 0; i < c->count; i++)
        ticks[i] = (double)c->steps[i];
    return ticks;
}

contest_map contest_compare(lab *l, const contender *down, const contender *across) {
    contest_map m = {
        .down = down, .across = across, .rows = width_of(down), .cols = width_of(across)};
    icl_estimate *similarity = estimates(l, m.rows * m.cols);
    int64_t *match = (int64_t *)(void *)example_array(l->e, m.rows);
    int64_t first = icl_batch_context(l->batch) > 0;
    lab_ok(l, icl_metric_error_similarity(l->batch, m.rows, down->prediction, m.cols,
                                          across->prediction, first, similarity));
    lab_ok(l, icl_metric_best_match(l->context, m.rows, m.cols, similarity, match));
    split(l, similarity, m.rows * m.cols, &m.value, &m.error);
    m.best = (plot_mark *)(void *)example_array(l->e, 2 * m.rows);
    m.best_step = example_array(l->e, m.rows);
    m.across_steps = ticks_of(l, across);
    for (int64_t i = 0; i < m.rows; i++) {
        m.best[i] = (plot_mark){.row = i, .col = match[i]};
        m.best_step[i] = m.across_steps[match[i]];
    }
    return m;
}

static const char *axis_of(lab *l, const contender *c) {
    return c->options.size == 0 ? c->label : example_text(l->e, "steps of %s", c->label);
}

plot_panel *contest_draw(lab *l, const contest_map *m) {
    plot_heat heat = {.values = m->value,
                      .rows = m->rows,
                      .cols = m->cols,
                      .row_ticks = ticks_of(l, m->down),
                      .col_ticks = m->across_steps,
                      .colour_label = "similarity of errors",
                      .marks = m->best,
                      .mark_count = m->rows,
                      .mark_label = "best match of each row"};
    return plot_add_heat_map(&l->e->page, axis_of(l, m->across), axis_of(l, m->down), &heat);
}

void contest_judge_diagonal(lab *l, const contest_map *m) {
    double gap = 0;
    for (int64_t i = 0; i < m->rows; i++) {
        const double *row = m->value + i * m->cols;
        gap = fmax(gap, row[m->best[i].col] - row[i]);
    }
    results_check(&l->e->results, "newton_newton",
                  "Newton and Newton: best match over the diagonal", gap, 0, 1e-12);
}

static void draw_fit(lab *l, const contest_map *m, const icl_line_fit *fit) {
    double *x = ticks_of(l, m->down), *y = example_array(l->e, m->rows);
    plot_panel *p =
        plot_add_curves(&l->e->page, "steps of iterative Newton", "steps of gradient descent");
    p->log_y = 1;
    plot_add_line(p, &(plot_line){.label = "best match",
                                  .x = x,
                                  .y = m->best_step,
                                  .count = m->rows,
                                  .style = PLOT_MARKS});
    for (int64_t i = 0; i < m->rows; i++)
        y[i] = x[i] < FIRST_FITTED ? NAN : exp2(fit->intercept + fit->slope * x[i]);
    plot_add_line(p, &(plot_line){.label = example_text(l->e, "2^{%.2f k + %.2f}", fit->slope,
                                                        fit->intercept),
                                  .x = x,
                                  .y = y,
                                  .count = m->rows,
                                  .style = PLOT_DASHED,
                                  .colour = PLOT_BLACK});
}

void contest_judge_fit(lab *l, const contest_map *m, int drawn) {
    icl_line_fit fit = {NAN, NAN, NAN, NAN};
    double x[CONTEST_STEPS], y[CONTEST_STEPS];
    int64_t count = 0;
    for (int64_t i = FIRST_FITTED; i < m->rows; i++)
        if (m->best[i].col < m->cols - 1) {
            x[count] = (double)m->down->steps[i];
            y[count++] = log2(m->best_step[i]);
        }
    if (count > 2)
        lab_ok(l, icl_metric_line(l->context, count, x, y, &fit));
    results *r = &l->e->results;
    int broad = l->e->settings.dim >= 5 && l->e->settings.context >= l->e->settings.dim;
    results_array(r, "best_gd_step_for_newton", m->best_step, m->rows);
    results_number(r, "slope_error", fit.slope_error);
    contest_check(l, broad, "slope", "log2 of the best GD step, a Newton step", fit.slope, 0.5,
                  0.12);
    contest_check(l, broad, "r_squared", "r^2 of that line", fit.r_squared, 1, 0.02);
    if (drawn)
        draw_fit(l, m, &fit);
}
