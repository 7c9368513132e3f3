/* How alike the errors of two algorithms are, after any two numbers of steps. */
#include "contest.h"

#include <math.h>

enum { FIRST_FITTED = 5 };

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

static double *ticks_of(lab *l, const contender *c) {
    double *ticks = example_array(l->e, contest_width(c));
    for (int64_t i = 0; i < c->count; i++)
        ticks[i] = (double)c->steps[i];
    return ticks;
}

contest_map contest_compare(lab *l, const contender *down, const contender *across) {
    contest_map m = {
        .down = down, .across = across, .rows = contest_width(down), .cols = contest_width(across)};
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

/* ---- Newton against least squares ---- */

/* The cosine of two contenders' errors on a prompt, after their steps i and j. */
static double similarity_on(const lab *l, int64_t p, const contender *a, int64_t i,
                            const contender *b, int64_t j) {
    int64_t n = icl_batch_context(l->batch), first = n > 0;
    double product = 0, squares_a = 0, squares_b = 0;
    for (int64_t t = first; t <= n; t++) {
        double y = t < n ? icl_batch_y(l->batch)[p * n + t] : icl_batch_target(l->batch)[p];
        double u = a->prediction[(p * (n + 1) + t) * contest_width(a) + i] - y;
        double v = b->prediction[(p * (n + 1) + t) * contest_width(b) + j] - y;
        product += u * v;
        squares_a += u * u;
        squares_b += v * v;
    }
    if (squares_a == 0 || squares_b == 0)
        return squares_a == squares_b;
    return product / sqrt(squares_a) / sqrt(squares_b);
}

/* Bounds of the central 95 % of each row's mean, by the bootstrap over prompts. */
static void intervals(lab *l, const contest_map *m, double *low, double *high) {
    enum { RESAMPLES = 1000 };
    int64_t B = icl_batch_prompts(l->batch);
    double *values = example_array(l->e, B);
    for (int64_t i = 0; i < m->rows; i++) {
        for (int64_t p = 0; p < B; p++)
            values[p] = similarity_on(l, p, m->down, i, m->across, 0);
        lab_ok(l, icl_metric_bootstrap(l->context, B, values, 0.95, RESAMPLES, l->e->settings.seed,
                                       &low[i], &high[i]));
    }
}

contest_map contest_newton_ols(lab *l, const contender *newton, const contender *ols) {
    contest_map m = contest_compare(l, newton, ols);
    double *low = example_array(l->e, m.rows), *high = example_array(l->e, m.rows);
    results *r = &l->e->results;
    intervals(l, &m, low, high);
    results_array(r, "sime_newton_ols", m.value, m.rows);
    results_array(r, "sime_newton_ols_se", m.error, m.rows);
    results_array(r, "sime_newton_ols_low", low, m.rows);
    results_array(r, "sime_newton_ols_high", high, m.rows);
    plot_panel *p =
        plot_add_curves(&l->e->page, "steps of iterative Newton", "similarity of errors");
    p->title = "with least squares";
    plot_add_line(p, &(plot_line){.label = "iterative Newton",
                                  .x = ticks_of(l, newton),
                                  .y = m.value,
                                  .count = m.rows,
                                  .error = m.error});
    return m;
}

/* ---- Newton against gradient descent ---- */

contest_map contest_newton_gd(lab *l, const contender *newton, const contender *gd) {
    contest_map m = contest_compare(l, newton, gd);
    results *r = &l->e->results;
    results_array(r, "gd_steps", m.across_steps, m.cols);
    results_matrix(r, "sime_newton_gd", m.value, m.rows, m.cols);
    results_array(r, "best_gd_step_for_newton", m.best_step, m.rows);
    contest_draw(l, &m);
    return m;
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
    const char *sign = fit->intercept < 0 ? "−" : "+";
    plot_add_line(p, &(plot_line){.label = example_text(l->e, "2^(%.2f k %s %.2f)", fit->slope,
                                                        sign, fabs(fit->intercept)),
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
    const example_settings *s = &l->e->settings;
    int broad = s->dim >= 8 && s->context >= s->dim && s->batch >= 64;
    results_number(r, "slope_error", fit.slope_error);
    contest_check(l, broad, "slope", "log2 of the best GD step, a Newton step", fit.slope, 0.5,
                  0.12);
    contest_check(l, broad, "r_squared", "r^2 of that line", fit.r_squared, 1, 0.02);
    if (drawn)
        draw_fit(l, m, &fit);
}
