/* What the condition number costs each algorithm. Covariances with half their eigenvalues kappa,
 * half 1 leave gradient descent far behind (Fu, Chen, Jia, Sharan 2023); a sweep of kappa shows the
 * rates: iterative Newton needs 2 log2 kappa steps, gradient descent kappa, conjugate gradients
 * sqrt kappa and never more than d.
 *
 * The covariance has trace d. Its basis is drawn once: every algorithm here commutes with rotations
 * of x, and w ~ N(0, I) is as likely in each basis, so that one basis a prompt gives the same
 * errors. The sweep uses diagonal prompts x_i = sqrt(l_i) e_i of a log-uniform spectrum l_i =
 * kappa^(-i/(d-1)), labels 1 / sqrt(l_i) so that each direction has an equal part in X^T y,
 * Newton's alpha 1 / l_max^2 = 1, and a solver's own tolerance. */
#include <math.h>

#include "contest.h"
#include "sweep.h"

enum { NEWTON_STEPS = 30, GD_STEPS = 32768 };
static int64_t iterations, cg_dim;
static double kappa, ridge, epsilon;

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
                              .most = CONTEST_ITERATIONS,
                              .help = "steps of the iterative methods in the curves"},
                             {.name = "ridge",
                              .kind = OPTION_REAL,
                              .value = &ridge,
                              .preset = "1",
                              .least = 0,
                              .most = INFINITY,
                              .help = "penalty lambda of ridge and kernel ridge in the curves"},
                             {.name = "epsilon",
                              .kind = OPTION_REAL,
                              .value = &epsilon,
                              .preset = "1e-6",
                              .least = 1e-8,
                              .most = 0.01, /* the rates are those of small residuals */
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
 * covariates: tau t / tr Sigma, tau the root of sum l / (l + tau) = t; 0 from t = d on. No scale of
 * Sigma matters. */
static double *theory_of(lab *l) {
    const example_settings *s = &l->e->settings;
    double *theory = example_array(l->e, s->context + 1);
    double d = (double)s->dim, high = floor(d / 2), low = d - high;
    double power = high * kappa + low;
    for (int64_t t = 0; t <= s->context; t++) {
        double least = 1e-12, most = 1e12;
        for (int i = 0; i < 200; i++) {
            double tau = sqrt(least * most);
            if (high * kappa / (kappa + tau) + low / (1 + tau) > (double)t)
                least = tau;
            else
                most = tau;
        }
        theory[t] = t == 0 ? 1 : (double)t < d ? least * (double)t / power : 0;
        theory[t] += s->noise > 0 ? NAN : 0;
    }
    return theory;
}

static void sweep(lab *l) {
    static const icl_method methods[] = {ICL_METHOD_NEWTON, ICL_METHOD_GD,
                                         ICL_METHOD_CONJUGATE_GRADIENT};
    static const char *const names[] = {"steps_newton", "steps_gd", "steps_cg"};
    static const sweep_claim claims[] = {{"slope_newton", "iterative Newton", 1, 2, 0.1},
                                         {"rate_gd", "gradient descent", 0, 1, 0.03},
                                         {"rate_cg", "conjugate gradients", 0, 0.5, 0.05}};
    double kappas[SWEEP_KAPPAS], over = 0,
                                 far = pow((double)cg_dim / log(2 / epsilon), 2); /* d/2 steps */
    results *r = &l->e->results;
    plot_panel *p = plot_add_curves(&l->e->page, "condition number κ",
                                    example_text(l->e, "steps to a residual of %g", epsilon));
    p->log_x = p->log_y = 1;
    for (int k = 0; k < SWEEP_KAPPAS; k++)
        kappas[k] = pow(10, (k + 1) / 2.0);
    results_array(r, "kappa", kappas, SWEEP_KAPPAS);
    for (int m = 0; m < 3; m++) {
        int64_t d = m == 2 ? cg_dim : (int64_t)fmax(2, (double)l->e->settings.dim);
        icl_batch *batch = sweep_prompts(l, d, kappas);
        double *steps = sweep_steps(l, methods[m], batch, epsilon);
        icl_batch_free(batch);
        results_array(r, names[m], steps, SWEEP_KAPPAS);
        sweep_judge(l, &claims[m], d, kappas, steps, m == 2 ? far : 1e4, p);
        for (int k = 0; m == 2 && k < SWEEP_KAPPAS && kappas[k] <= far; k++)
            over = fmax(over, steps[k] - (double)d); /* further on rounding costs conjugacy */
        example_work(l->e, m + 3, 5);
    }
    results_check(r, "cg_steps_above_d", "conjugate gradients, steps above d", over, 0, 0);
}

int main(int argc, char **argv) {
    enum { NEWTON, GD, PATHS };
    example e;
    lab l;
    contender all[CONTEST_ALL + PATHS], *paths = all + CONTEST_ALL;
    example_begin(&e, &PROGRAM, argc, argv);
    lab_open(&l, &e);
    icl_law_options law = lab_ill_conditioned(&l, kappa);
    law.trace = ICL_TRACE_DIM;
    lab_draw(&l, &law, e.settings.batch, 1);
    contest_all(&l, all, iterations, ridge);
    paths[NEWTON] = contest_path(&l, ICL_METHOD_NEWTON, NEWTON_STEPS);
    paths[GD] = contest_grid(&l, ICL_METHOD_GD, GD_STEPS);
    paths[GD].options.step = lab_common_step(&l, ICL_METHOD_GD);
    contest_of(all, ICL_METHOD_PGD)->drawn = 1;
    contest_ask(&l, all, CONTEST_ALL + PATHS);
    example_work(&e, 1, 5);
    contest_race(&l, all, (double)e.settings.dim, theory_of(&l))->title =
        example_text(&e, "condition number %g, %lld iterations", kappa, (long long)iterations);
    contest_newton_gd(&l, &paths[NEWTON], &paths[GD]);
    contest_newton_ols(&l, &paths[NEWTON], contest_of(all, ICL_METHOD_LEAST_SQUARES));
    example_work(&e, 2, 5);
    sweep(&l);
    lab_close(&l);
    return example_end(&e, "steps grow with the condition number as theory says",
                       "steps do not grow with the condition number as theory says");
}
