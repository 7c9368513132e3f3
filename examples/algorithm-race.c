/* Every algorithm on the same prompts: how its error falls with the number of examples, and whose
 * errors are alike. Iterative Newton is like gradient descent after exponentially many steps, which
 * is how one tells which of them a trained model runs (Fu, Chen, Jia, Sharan 2023). */
#include <math.h>

#include "contest.h"

enum { NEWTON_STEPS = 30, GD_STEPS = 4096 };
static int64_t iterations;
static double ridge;
static const char *model_path;

static const option OWN[] = {
    {.name = "iterations",
     .kind = OPTION_INT,
     .value = &iterations,
     .preset = "8",
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
    {.name = "model",
     .kind = OPTION_PATH,
     .value = &model_path,
     .help = "hold each layer of that model (deep-attention --save) against the algorithms"}};
static const example_preset PRESETS[] = {
    {"dim", "20", NULL}, {"context", "40", NULL}, {"batch", "1024", "192"}, {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"steps", "lr", "population", NULL};
static const example_program PROGRAM = {
    .name = "algorithm-race",
    .summary =
        "Runs every algorithm on every prefix of the same prompts: errors against the number\n"
        "of examples, and how alike the errors of any two are (SimE), with heat maps of\n"
        "Newton, gradient descent, conjugate gradients and the layers of a model.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT,
    .columns = CONTEST_COLUMNS};

static void race(lab *l, contender *all) {
    double d = (double)l->e->settings.dim;
    static const icl_method judged[] = {ICL_METHOD_LEAST_SQUARES, ICL_METHOD_ONLINE_GD,
                                        ICL_METHOD_AVERAGE};
    double *theory[3];
    for (int i = 0; i < 3; i++) {
        theory[i] = contest_theory(l, judged[i], d);
        contest_judge(l, contest_of(all, judged[i]), d, theory[i]);
    }
    plot_panel *p = contest_race(l, all, d, theory[0]);
    p->title = example_text(l->e, "%lld iterations", (long long)iterations);
}

/* Newton against least squares, beside what is known for these sizes. */
static void judge_newton_ols(lab *l, const contest_map *m) {
    static const int64_t steps[] = {1, 5, 10, 20};
    static const double known[] = {0.563, 0.716, 0.903, 0.994};
    const example_settings *s = &l->e->settings;
    int judged = s->dim == 20 && s->context == 40 && s->noise == 0 && s->batch >= 64;
    for (int i = 0; i < 4; i++) {
        long long k = steps[i];
        contest_check(l, judged, example_text(l->e, "sime_newton_ols_%lld", k),
                      example_text(l->e, "SimE of Newton, step %lld, and least squares", k),
                      m->value[k], known[i], 0.01 + 4 * m->error[k]);
    }
}

/* Each layer of a model beside the algorithms. */
static void show_model(lab *l, const contender *newton, const contender *gd) {
    static const char *const keys[2][2] = {{"sime_model_newton", "best_newton_step_for_layer"},
                                           {"sime_model_gd", "best_gd_step_for_layer"}};
    contender layers = contest_model(l, model_path);
    for (int i = 0; i < 2; i++) {
        contest_map m = contest_compare(l, &layers, i == 0 ? newton : gd);
        results_matrix(&l->e->results, keys[i][0], m.value, m.rows, m.cols);
        results_array(&l->e->results, keys[i][1], m.best_step, m.rows);
        for (int64_t k = 0; k < m.rows; k++)
            results_show(&l->e->results, NULL,
                         example_text(l->e, "layer %lld, best step of %s", (long long)k + 1,
                                      m.across->label),
                         m.best_step[k], NAN);
        contest_draw(l, &m);
    }
}

int main(int argc, char **argv) {
    enum { NEWTON, GD, CG, PATHS };
    example e;
    lab l;
    contender all[CONTEST_ALL + PATHS], *paths = all + CONTEST_ALL;
    example_begin(&e, &PROGRAM, argc, argv);
    lab_open(&l, &e);
    if (model_path && !example_given(&e, "dim"))
        e.settings.dim = contest_model_dim(&l, model_path);
    icl_law_options law = lab_law(&l);
    lab_draw(&l, &law, e.settings.batch, 1);
    contest_all(&l, all, iterations, ridge);
    paths[NEWTON] = contest_path(&l, ICL_METHOD_NEWTON, NEWTON_STEPS);
    paths[GD] = contest_grid(&l, ICL_METHOD_GD, GD_STEPS);
    paths[GD].options.step = lab_common_step(&l, ICL_METHOD_GD);
    paths[CG] = contest_path(&l, ICL_METHOD_CONJUGATE_GRADIENT, e.settings.dim);
    example_work(&e, 1, 3);
    contest_ask(&l, all, CONTEST_ALL + PATHS);
    example_work(&e, 2, 3);
    race(&l, all);
    contest_map gd = contest_newton_gd(&l, &paths[NEWTON], &paths[GD]),
                cg = contest_compare(&l, &paths[CG], &paths[GD]),
                self = contest_compare(&l, &paths[NEWTON], &paths[NEWTON]);
    contest_draw(&l, &cg);
    contest_map ols =
        contest_newton_ols(&l, &paths[NEWTON], contest_of(all, ICL_METHOD_LEAST_SQUARES));
    results_matrix(&e.results, "sime_cg_gd", cg.value, cg.rows, cg.cols);
    results_matrix(&e.results, "sime_newton_newton", self.value, self.rows, self.cols);
    judge_newton_ols(&l, &ols);
    contest_judge_diagonal(&l, &self);
    contest_judge_fit(&l, &gd, !model_path);
    if (model_path)
        show_model(&l, &paths[NEWTON], &paths[GD]);
    else
        contest_draw(&l, &self);
    lab_close(&l);
    return example_end(&e, "the algorithms are as alike as theory says",
                       "the algorithms are not what theory says they are");
}
