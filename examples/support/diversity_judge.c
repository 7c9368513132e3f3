/* What theory must say of the errors of a layer fitted to a pool of tasks. */
#include <math.h>

#include "diversity.h"

/* Theory over error, and its standard error. */
static icl_estimate ratio_of(const diversity_row *row, int fresh) {
    icl_estimate e = fresh ? row->layer.icl : row->layer.idg;
    double ratio = (fresh ? row->theory.e_icl : row->theory.e_idg) / e.value;
    return (icl_estimate){ratio, ratio * e.standard_error / e.value};
}

/* 1 where covariates, examples, tasks and prompts are many enough for the line, and tau is far from
 * the pole. Errors of very few have no variance. */
static int is_judged(const diversity *small, const diversity_row *row) {
    double h = (double)small->dim, sizes = fmin((double)small->context, (double)small->tasks);
    return fmin(fmin(h, sizes), row->tau * h * h) >= DIVERSITY_LEAST &&
           fabs(row->tau - 1) >= 0.3 - 1 / h / h;
}

void diversity_judge(const diversity *large, const diversity_row *at, const diversity *small,
                     const diversity_row *of, int64_t count, int fresh, double *limit) {
    example *e = large->l->e;
    double d = (double)large->dim, h = (double)small->dim;
    double *z = example_array(e, count), *zero = example_array(e, count);
    int64_t judged = 0;
    for (int64_t i = 0; i < count; i++) {
        icl_estimate a = ratio_of(&at[i], fresh), b = ratio_of(&of[i], fresh);
        double ratio = (d * a.value - h * b.value) / (d - h);
        double sigma = hypot(d * a.standard_error, h * b.standard_error) / (d - h);
        limit[i] = (fresh ? at[i].theory.e_icl : at[i].theory.e_idg) / ratio;
        if (is_judged(small, &of[i]))
            z[judged++] = (ratio - 1) / (DIVERSITY_SIGMAS * sigma + pow(ratio - a.value, 2));
    }
    const char *name = fresh ? "icl_deviation" : "idg_deviation";
    const char *words = example_text(
        e, "%s: d to infinity, off theory in allowances, %lld of %lld tau",
        fresh ? "fresh tasks" : "the pool's tasks", (long long)judged, (long long)count);
    if (judged > 0)
        results_check_array(&e->results, name, words, z, zero, judged, 1);
    else
        results_unjudged(&e->results, name, words, NAN);
}

void diversity_judge_bayes(diversity *s, int64_t prompts, int64_t first, plot_panel *const *panels,
                           const diversity_row *rows, int64_t count) {
    lab *l = s->l;
    static const icl_method methods[] = {ICL_METHOD_POOL, ICL_METHOD_RIDGE};
    static const char *const names[] = {"dmmse", "ridge"}, *const labels[] = {"dMMSE", "ridge"};
    double lead = 0;
    for (int m = 0; m < 2; m++) {
        diversity_errors e = diversity_solver(s, methods[m], prompts, first);
        const icl_estimate both[2] = {e.icl, e.idg};
        for (int k = 0; k < 2; k++) {
            const char *name = example_text(l->e, "%s_%s", k == 0 ? "e_icl" : "e_idg", names[m]);
            results_show(&l->e->results, name,
                         example_text(l->e, "%s, %s tasks", labels[m], k == 0 ? "fresh" : "pool's"),
                         both[k].value, k == 0 && m == 1 ? rows->theory.e_bayes : NAN);
            results_number(&l->e->results, example_text(l->e, "%s_error", name),
                           both[k].standard_error);
            plot_add_level(panels[k], labels[m], both[k].value);
        }
        for (int64_t i = 0; m == 0 && i < count; i++)
            lead = fmax(lead, (e.idg.value - rows[i].layer.idg.value) /
                                  hypot(e.idg.standard_error, rows[i].layer.idg.standard_error));
    }
    results_check(&l->e->results, "z_dmmse", "standard errors that the layer is below dMMSE", lead,
                  0, DIVERSITY_SIGMAS);
}
