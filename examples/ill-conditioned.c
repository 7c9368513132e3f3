/* What the condition number costs each algorithm. Covariances with half their eigenvalues kappa,
 * half 1 leave gradient descent far behind (Fu, Chen, Jia, Sharan 2023); a sweep of kappa shows the
 * rates: iterative Newton needs 2 log2 kappa steps, gradient descent kappa, conjugate gradients
 * sqrt kappa and never more than d.
 *
 * The basis is drawn once: every algorithm here commutes with rotations of x, and w ~ N(0, I) is as
 * likely in each basis, so that one basis a prompt gives the same errors. The sweep uses diagonal
 * prompts x_i = sqrt(l_i) e_i of a log-uniform spectrum l_i = kappa^(-i/(d-1)), labels 1 /
 * sqrt(l_i) so that each direction has an equal part in X^T y, Newton's alpha 1 / l_max^2 = 1, and
 * a solver's own tolerance. */
#include <math.h>

#include "contest.h"
#include "sweep.h"

static int64_t iterations, cg_dim;
static double kappa, epsilon;

static const option OWN[] = {{.name = "kappa",
                              .kind = OPTION_REAL,
                              .value = &kappa,
                              .preset = "100",
                              .least = 1,
                              .most = 1e6,
                              .help = "condition number of the covariance in the curves"},
                             {.name = "iterations",
                              .kind = OPTION_INT,
                              .value = &iterations,
                              .preset = "16",
                              .least = 0,
                              .most = 100000,
                              .help = "steps of the iterative methods in the curves"},
                             {.name = "epsilon",
                              .kind = OPTION_REAL,
                              .value = &epsilon,
                              .preset = "1e-6",
                              .least = 1e-8,
                              .most = 0.5,
                              .help = "residual, of the first, that ends a run of the sweep"},
                             {.name = "cg-dim",
                              .kind = OPTION_INT,
                              .value = &cg_dim,
                              .preset = "1000",
                              .quick = "300",
                              .least = 2,
                              .most = 2000,
                              .help = "covariates of the sweep of conjugate gradients"}};
static const example_preset PRESETS[] = {
    {"dim", "20", NULL}, {"context", "40", NULL}, {"batch", "512", "128"}, {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"steps", "lr", "population", NULL};
static const example_program PROGRAM = {
    .name = "ill-conditioned",
    .summary = "Runs every algorithm on prompts of an ill-conditioned covariance, and counts the\n"
               "steps to a given residual against the condition number, with fitted rates.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT,
    .columns = CONTEST_COLUMNS};

/* Least squares for covariances with two eigenvalues and w ~ N(0, I), in the limit of many
 * covariates: tau t / tr Sigma, tau the root of sum l / (l + tau) = t; 0 from t = d on. */
static double *theory_of(lab *l, double *power) {
    const example_settings *s = &l->e->settings;
    double *theory = example_array(l->e, s->context + 1);
    double d = (double)s->dim, high = floor(d / 2), low = d - high;
    *power = high * kappa + low;
    for (int64_t t = 0; t <= s->context; t++) {
        double least = 1e-12, most = 1e12;
        for (int i = 0; i < 200; i++) {
            double tau = sqrt(least * most);
            if (high * kappa / (kappa + tau) + low / (1 + tau) > (double)t)
                least = tau;
            else
                most = tau;
        }
        theory[t] = t == 0 ? 1 : (double)t < d ? least * (double)t / *power : 0;
        theory[t] += s->noise > 0 ? NAN : 0;
    }
    return theory;
}

static void sweep(lab *l) {
    static const icl_method methods[] = {ICL_METHOD_NEWTON, ICL_METHOD_GD,
                                         ICL_METHOD_CONJUGATE_GRADIENT};
    static const char *const names[] = {"steps_newton", "steps_gd", "steps_cg"};
    static const char *const labels[] = {"iterative Newton", "gradient descent",
                                         "conjugate gradients"};
    double kappas[SWEEP_KAPPAS], *steps[3], greatest = 0,
                                            far = 1.0001 * pow((double)cg_dim / 10, 2);
    results *r = &l->e->results;
    plot_panel *p = plot_add_curves(&l->e->page, "condition number", "steps to the residual");
    p->log_x = p->log_y = 1;
    for (int k = 0; k < SWEEP_KAPPAS; k++)
        kappas[k] = pow(1e4, k / (SWEEP_KAPPAS - 1.0));
    double *x = example_array(l->e, SWEEP_KAPPAS);
    for (int m = 0; m < 3; m++) {
        int64_t d = m == 2 ? cg_dim : (int64_t)fmax(2, (double)l->e->settings.dim);
        icl_batch *batch = sweep_prompts(l, d, kappas);
        steps[m] = sweep_steps(l, methods[m], batch, epsilon);
        icl_batch_free(batch);
        results_array(r, names[m], steps[m], SWEEP_KAPPAS);
        for (int k = 0; k < SWEEP_KAPPAS; k++) {
            x[k] = kappas[k];
            if (m == 2 && kappas[k] <= far) /* beyond, rounding costs conjugacy */
                greatest = fmax(greatest, steps[m][k]);
        }
        plot_add_line(
            p, &(plot_line){.label = labels[m], .x = x, .y = steps[m], .count = SWEEP_KAPPAS});
        example_work(l->e, m + 2, 5);
    }
    results_array(r, "kappa", kappas, SWEEP_KAPPAS);
    sweep_judge(l, "slope_newton", kappas, steps[0], 1e4, 2, 0.1);
    sweep_judge(l, "rate_gd", kappas, steps[1], 1e4, 1, 0.03);
    sweep_judge(l, "rate_cg", kappas, steps[2], far, 0.5, 0.05);
    results_check(r, "cg_steps_over_d", "conjugate gradients, most steps over d",
                  greatest / (double)cg_dim, 0.5, 0.5 + 2 / (double)cg_dim);
}

int main(int argc, char **argv) {
    example e;
    lab l;
    contender all[CONTEST_ALL];
    double power;
    example_begin(&e, &PROGRAM, argc, argv);
    lab_open(&l, &e);
    icl_law_options law = lab_ill_conditioned(&l, kappa);
    lab_draw(&l, &law, e.settings.batch, 1);
    contest_all(&l, all, iterations, 0);
    contest_ask(&l, all, CONTEST_ALL);
    example_work(&e, 1, 5);
    double *theory = theory_of(&l, &power);
    contest_race(&l, all, power, theory)->title =
        example_text(&e, "condition number %g, %lld iterations", kappa, (long long)iterations);
    sweep(&l);
    lab_close(&l);
    return example_end(&e, "steps grow with the condition number as theory says",
                       "steps do not grow with the condition number as theory says");
}
