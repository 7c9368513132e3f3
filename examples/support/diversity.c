/* Linear attention fitted to prompts of a pool of tasks, and the Bayes predictors of such tasks. */
#include "diversity.h"

#include <math.h>

enum { BLOCK = 256 }; /* prompts that are drawn at once */

/* x ~ N(0, I / d); the variance must live as long as the options. */
static icl_law_options options_of(diversity *s, double *variance) {
    icl_law_options o = lab_law(s->l);
    *variance = 1 / (double)s->dim;
    o.dim = s->dim;
    o.context = s->context;
    o.noise = s->rho;
    o.covariance = ICL_COVARIANCE_SCALAR;
    o.covariance_values = variance;
    o.tasks = ICL_TASKS_SPHERE;
    return o;
}

void diversity_open(diversity *s, lab *l, int64_t dim) {
    double d = (double)dim, variance;
    s->l = l;
    s->dim = dim;
    s->context = (int64_t)fmax(1, round(s->alpha * d));
    s->tasks = (int64_t)fmax(1, round(s->kappa * d));
    s->alpha = (double)s->context / d;
    s->kappa = (double)s->tasks / d;
    icl_law_options o = options_of(s, &variance);
    lab_ok(l, icl_law_create(l->context, &o, &s->fresh));
}

void diversity_close(diversity *s) {
    icl_law_free(s->fresh);
}

const char *diversity_title(const diversity *s) {
    return example_text(s->l->e, "%s: d = %lld, α = %.3g, κ = %.3g, ρ = %g, λ = %g",
                        s->l->e->program->name, (long long)s->dim, s->alpha, s->kappa, s->rho,
                        s->ridge);
}

/* The pool of a case is the tasks of so many prompts of the law without one. */
static icl_law *pool_of(diversity *s, int64_t number) {
    lab *l = s->l;
    icl_sampler *sampler;
    icl_batch *batch;
    icl_law *law;
    double variance;
    icl_law_options o = options_of(s, &variance);
    o.tasks = ICL_TASKS_GAUSSIAN;
    lab_ok(l, icl_sampler_create(l->context, s->fresh, l->e->settings.seed, &sampler));
    lab_ok(l, icl_sampler_batch(sampler, s->tasks, 1, ICL_CONTENTS_TASKS, &batch));
    lab_ok(l, icl_sampler_draw_moments(sampler, number * s->tasks, batch));
    o.pool = s->tasks;
    o.pool_values = icl_batch_task(batch);
    lab_ok(l, icl_law_create(l->context, &o, &law));
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    return law;
}

/* value - mean of the repeats; the standard error from their scatter. */
static icl_estimate mean_of(const double *values, int64_t count) {
    icl_estimate mean = {0, NAN};
    double squares = 0;
    for (int64_t i = 0; i < count; i++)
        mean.value += values[i] / (double)count;
    for (int64_t i = 0; i < count; i++)
        squares += (values[i] - mean.value) * (values[i] - mean.value);
    if (count > 1)
        mean.standard_error = sqrt(squares / (double)(count - 1) / (double)count);
    return mean;
}

static diversity_errors summary(diversity *s, const double *icl, const double *idg) {
    double *gap = example_array(s->l->e, s->repeats);
    for (int64_t i = 0; i < s->repeats; i++)
        gap[i] = icl[i] - idg[i];
    return (diversity_errors){mean_of(icl, s->repeats), mean_of(idg, s->repeats),
                              mean_of(gap, s->repeats)};
}

/* Prompts first..first + count - 1 as rows of the fit. */
static void add_prompts(lab *l, icl_fit *fit, const icl_sampler *sampler, int64_t first,
                        int64_t count) {
    for (int64_t size = BLOCK; count > 0; size = count) {
        icl_batch *batch;
        size = size < count ? size : count;
        lab_ok(l, icl_sampler_batch(sampler, size, 1, 0, &batch));
        for (; count >= size; first += size, count -= size) {
            lab_ok(l, icl_sampler_draw_moments(sampler, first, batch));
            lab_ok(l, icl_fit_add(fit, batch));
        }
        icl_batch_free(batch);
    }
}

diversity_errors diversity_fit(diversity *s, int64_t prompts, int64_t first) {
    lab *l = s->l;
    int64_t d = s->dim;
    double *icl = example_array(l->e, s->repeats), *idg = example_array(l->e, s->repeats),
           *gamma = example_array(l->e, d * (d + 1));
    icl_fit *fit;
    icl_fit_options o;
    lab_ok(l, icl_fit_options_init(&o, sizeof o));
    o.ridge = s->ridge;
    lab_ok(l, icl_fit_create(l->context, d, &fit));
    for (int64_t i = 0; i < s->repeats; i++) {
        icl_law *pool = pool_of(s, first + i);
        icl_sampler *sampler;
        lab_ok(l, icl_sampler_create(l->context, pool, l->e->settings.seed, &sampler));
        icl_fit_clear(fit);
        add_prompts(l, fit, sampler, (first + i) << 32, prompts);
        lab_ok(l, icl_fit_solve(fit, &o, gamma, NULL));
        lab_ok(l, icl_theory_feature_risk(s->fresh, gamma, &icl[i]));
        lab_ok(l, icl_theory_feature_risk(pool, gamma, &idg[i]));
        icl_sampler_free(sampler);
        icl_law_free(pool);
    }
    icl_fit_free(fit);
    return summary(s, icl, idg);
}

/* E (y - yhat)^2 of a query given its prompt, rho + ||w - w_hat||^2 / d, over prompts of a law. */
static double risk_of(diversity *s, const icl_solver *solver, const icl_law *law, int64_t prompts,
                      int64_t first) {
    lab *l = s->l;
    int64_t size = prompts * s->dim;
    double sum = 0, *w = example_array(l->e, size);
    icl_sampler *sampler;
    icl_batch *batch;
    lab_ok(l, icl_sampler_create(l->context, law, l->e->settings.seed, &sampler));
    lab_ok(l, icl_sampler_batch(sampler, prompts, 1, ICL_CONTENTS_EXAMPLES | ICL_CONTENTS_TASKS,
                                &batch));
    lab_ok(l, icl_sampler_draw(sampler, first, batch));
    lab_ok(l, icl_solver_solve(solver, batch, w, NULL));
    const double *task = icl_batch_task(batch);
    for (int64_t i = 0; i < size; i++)
        sum += (w[i] - task[i]) * (w[i] - task[i]);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    return s->rho + sum / (double)size;
}

diversity_errors diversity_solver(diversity *s, icl_method method, int64_t prompts, int64_t first) {
    lab *l = s->l;
    double *icl = example_array(l->e, s->repeats), *idg = example_array(l->e, s->repeats);
    icl_solver_options o = lab_solver(l, method);
    o.dim = s->dim;
    o.ridge = o.noise = s->rho;
    for (int64_t i = 0; i < s->repeats; i++) {
        icl_law *pool = pool_of(s, first + i);
        icl_solver *solver;
        o.pool = icl_law_pool(pool);
        o.pool_count = s->tasks;
        lab_ok(l, icl_solver_create(l->context, &o, &solver));
        icl[i] = risk_of(s, solver, s->fresh, prompts, (first + i) << 32);
        idg[i] = risk_of(s, solver, pool, prompts, (first + i) << 32);
        icl_solver_free(solver);
        icl_law_free(pool);
    }
    return summary(s, icl, idg);
}

icl_asymptotic diversity_theory(diversity *s, double tau) {
    icl_asymptotic_options o;
    icl_asymptotic a = {.size = sizeof a};
    lab_ok(s->l, icl_asymptotic_options_init(&o, sizeof o));
    o.alpha = s->alpha;
    o.kappa = s->kappa;
    o.tau = tau;
    o.rho = s->rho;
    o.ridge = s->ridge;
    lab_ok(s->l, icl_theory_asymptotic(s->l->context, &o, &a));
    return a;
}

diversity_row diversity_at(diversity *s, double tau, int64_t first) {
    double squared = (double)(s->dim * s->dim), prompts = fmax(1, round(tau * squared));
    diversity_row row = {.tau = prompts / squared};
    row.layer = diversity_fit(s, (int64_t)prompts, first);
    row.theory = diversity_theory(s, row.tau);
    return row;
}
