/* Prompts and solvers for examples that compare algorithms. */
#include "lab.h"

#include <math.h>

void lab_ok(lab *l, icl_status status) {
    example_ok(l->e, l->context, status);
}

void lab_open(lab *l, example *e) {
    icl_context_options o;
    *l = (lab){.e = e};
    example_ok(e, NULL, icl_context_options_init(&o, sizeof o));
    o.threads = e->settings.threads;
    example_ok(e, NULL, icl_context_create(&o, &l->context));
}

static void drop_prompts(lab *l) {
    icl_batch_free(l->batch);
    icl_sampler_free(l->sampler);
    icl_law_free(l->law);
}

void lab_close(lab *l) {
    drop_prompts(l);
    icl_context_free(l->context);
}

icl_law_options lab_law(lab *l) {
    icl_law_options o;
    lab_ok(l, icl_law_options_init(&o, sizeof o));
    o.dim = l->e->settings.dim;
    o.context = l->e->settings.context;
    o.noise = l->e->settings.noise;
    o.rotation_seed = l->e->settings.seed;
    return o;
}

icl_law_options lab_ill_conditioned(lab *l, double kappa) {
    icl_law_options o = lab_law(l);
    double *spectrum = example_array(l->e, o.dim);
    for (int64_t i = 0; i < o.dim; i++)
        spectrum[i] = i < o.dim / 2 ? kappa : 1;
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = spectrum;
    return o;
}

double *lab_inverse_covariance(lab *l) {
    icl_law_options o = l->drawn;
    icl_law *law;
    o.prior = ICL_COVARIANCE_INVERSE;
    lab_ok(l, icl_law_create(l->context, &o, &law));
    double *inverse = example_array(l->e, o.dim * o.dim);
    for (int64_t i = 0; i < o.dim * o.dim; i++)
        inverse[i] = icl_law_prior(law)[i];
    icl_law_free(law);
    return inverse;
}

icl_solver_options lab_solver(lab *l, icl_method method) {
    icl_solver_options o;
    lab_ok(l, icl_solver_options_init(&o, sizeof o));
    o.method = method;
    o.dim = l->e->settings.dim;
    return o;
}

void lab_draw(lab *l, const icl_law_options *law, int64_t prompts, int64_t queries) {
    drop_prompts(l);
    l->law = NULL, l->sampler = NULL, l->batch = NULL;
    l->drawn = *law;
    lab_ok(l, icl_law_create(l->context, law, &l->law));
    lab_ok(l, icl_sampler_create(l->context, l->law, l->e->settings.seed, &l->sampler));
    lab_ok(l, icl_sampler_batch(l->sampler, prompts, queries,
                                ICL_CONTENTS_EXAMPLES | ICL_CONTENTS_TASKS, &l->batch));
    lab_ok(l, icl_sampler_draw(l->sampler, 0, l->batch));
}

double *lab_predict(lab *l, const icl_solver_options *options, icl_solver_report **reports) {
    int64_t B = icl_batch_prompts(l->batch), q = icl_batch_queries(l->batch);
    double *prediction = example_array(l->e, B * q);
    icl_solver *solver;
    lab_ok(l, icl_solver_create(l->context, options, &solver));
    lab_ok(l, icl_solver_predict(solver, l->batch, prediction));
    if (reports != NULL) {
        double *w = example_array(l->e, B * icl_batch_dim(l->batch));
        int64_t doubles = B * (int64_t)((sizeof **reports + sizeof *w - 1) / sizeof *w);
        *reports = (icl_solver_report *)(void *)example_array(l->e, doubles);
        lab_ok(l, icl_solver_solve(solver, l->batch, w, *reports));
    }
    icl_solver_free(solver);
    return prediction;
}

double lab_common_step(lab *l, icl_method method) {
    icl_solver_options o = lab_solver(l, method);
    icl_solver_report *reports;
    double least = INFINITY;
    lab_predict(l, &o, &reports);
    for (int64_t p = 0; p < icl_batch_prompts(l->batch); p++)
        least = reports[p].step > 0 ? fmin(least, reports[p].step) : least;
    return isfinite(least) ? least : 1;
}
