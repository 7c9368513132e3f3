/* Layers of linear attention with constructed weights run gradient descent, GD++ and iterative
 * Newton, exactly; on ill-conditioned prompts only Newton is done after a few (Fu, Chen, Jia,
 * Sharan 2023, theorem 5.1; von Oswald et al. 2022). */
#include <math.h>

#include "lab.h"

enum { ALGORITHMS = 3, LAWS = 2 };
static const icl_method METHODS[ALGORITHMS] = {ICL_METHOD_GD, ICL_METHOD_GD_PLUS_PLUS,
                                               ICL_METHOD_NEWTON};
static const char *const NAMES[ALGORITHMS] = {"gradient descent", "GD++", "iterative Newton"};
static const char *const KEYS[LAWS][ALGORITHMS] = {
    {"error_gd_well", "error_gd_plus_plus_well", "error_newton_well"},
    {"error_gd_ill", "error_gd_plus_plus_ill", "error_newton_ill"}};
static int64_t layers;
static double kappa;
static const option OWN[] = {
    {.name = "layers",
     .kind = OPTION_INT,
     .value = &layers,
     .preset = "30",
     .least = 3,
     .most = 200,
     .help = "the greatest depth"},
    {.name = "kappa",
     .kind = OPTION_REAL,
     .value = &kappa,
     .preset = "100",
     .least = 1,
     .most = 1e6,
     .help = "condition number of the covariance of the ill-conditioned prompts"}};
static const example_preset PRESETS[] = {{"batch", "512", "64"}, {NULL, NULL, NULL}};
static const char *const WITHOUT[] = {"steps", "lr", "population", NULL};
static const char *const COLUMNS[] = {
    "layers",       "error_gd_well",          "error_gd_plus_plus_well", "error_newton_well",
    "error_gd_ill", "error_gd_plus_plus_ill", "error_newton_ill",        NULL};
static const example_program PROGRAM = {
    .name = "newton-by-layers",
    .summary =
        "Constructs linear attention that runs gradient descent and GD++ (a step a layer) and\n"
        "iterative Newton (k steps in k + 2 layers), compares each depth with the solver, and\n"
        "shows the error against depth on well- and ill-conditioned prompts.",
    .presets = PRESETS,
    .own = OWN,
    .own_count = sizeof OWN / sizeof *OWN,
    .without = WITHOUT,
    .columns = COLUMNS};

typedef struct survey {
    lab l;
    double *exact, *prediction;     /* of least squares, of a model */
    double deviation, ratio, kappa; /* the worst */
} survey;

/* Error of the model against least squares, relative; its solver's deviation is kept. */
static double error_of(survey *s, const icl_construct_options *o) {
    icl_construct_report r = {.size = sizeof r};
    double off = 0, all = 0;
    icl_model *model;
    lab_ok(&s->l, icl_construct_check(s->l.context, o, s->l.batch, &r));
    lab_ok(&s->l, icl_construct_model(s->l.context, o, &model));
    lab_ok(&s->l, icl_model_predict(model, s->l.batch, s->prediction));
    for (int64_t p = 0; p < icl_batch_prompts(s->l.batch); p++) {
        off += pow(s->prediction[p] - s->exact[p], 2);
        all += s->exact[p] * s->exact[p];
    }
    s->deviation = fmax(s->deviation, r.max_deviation), s->ratio = fmax(s->ratio, r.max_ratio);
    s->kappa = fmax(s->kappa, r.max_kappa);
    icl_model_free(model);
    return sqrt(off / all);
}

/* errors[a][l] for depths l = 1..layers; NaN where the algorithm needs more layers. */
static void measure(survey *s, int which, double greatest, double **errors) {
    icl_law_options law = lab_ill_conditioned(&s->l, greatest);
    icl_construct_options o;
    lab_draw(&s->l, &law, s->l.e->settings.batch, 1);
    icl_solver_options least = lab_solver(&s->l, ICL_METHOD_LEAST_SQUARES);
    s->exact = lab_predict(&s->l, &least, NULL);
    s->prediction = example_array(s->l.e, s->l.e->settings.batch);
    double eta = lab_common_step(&s->l, ICL_METHOD_GD),
           alpha = lab_common_step(&s->l, ICL_METHOD_NEWTON);
    lab_ok(&s->l, icl_construct_options_init(&o, sizeof o));
    o.dim = law.dim;
    o.context = law.context;
    o.gamma = eta / 6; /* eta l_max < 2 */
    for (int64_t l = 1; l <= layers; l++) {
        for (int a = 0; a < ALGORITHMS; a++) {
            o.method = METHODS[a];
            o.steps = o.method == ICL_METHOD_NEWTON ? l - 2 : l;
            o.step = o.method == ICL_METHOD_NEWTON ? alpha : eta;
            errors[a][l - 1] = o.steps >= 0 ? error_of(s, &o) : NAN;
        }
        example_work(s->l.e, which * layers + l, LAWS * layers);
    }
}

static void report(survey *s, double *errors[LAWS][ALGORITHMS]) {
    static const char *const titles[LAWS] = {"well-conditioned", "ill-conditioned"};
    results *r = &s->l.e->results;
    double *depth = example_array(s->l.e, layers);
    for (int64_t l = 0; l < layers; l++) {
        double row[1 + LAWS * ALGORITHMS] = {depth[l] = (double)l + 1};
        for (int k = 0; k < LAWS * ALGORITHMS; k++)
            row[k + 1] = errors[k / ALGORITHMS][k % ALGORITHMS][l];
        results_append(r, row);
    }
    for (int law = 0; law < LAWS; law++) {
        plot_panel *p = plot_add_curves(&s->l.e->page, "layers", "error relative to least squares");
        p->title = titles[law];
        p->log_y = 1;
        for (int a = 0; a < ALGORITHMS; a++) {
            results_array(r, KEYS[law][a], errors[law][a], layers);
            double *y = errors[law][a];
            const char *text = example_text(s->l.e, "%s, %s, last layer", titles[law], NAMES[a]);
            results_show(r, NULL, text, y[layers - 1], NAN);
            plot_add_line(p, &(plot_line){.label = NAMES[a], .x = depth, .y = y, .count = layers});
        }
    }
    results_show(r, "max_deviation", "models from their solvers, worst", s->deviation, 0);
    results_check(r, "max_ratio", "the same over its rounding allowance", s->ratio, 0.5, 0.5);
    double gd = errors[1][0][layers - 1], newton = errors[1][2][layers - 1], needed = NAN;
    if (s->l.e->settings.context >= s->l.e->settings.dim)
        needed = 9 + 2 * log2(s->kappa); /* by then the least eigenvalue is learned */
    results_show(r, "layers_needed", "layers that Newton needs", needed, NAN);
    if (!((double)layers >= needed))
        return;
    results_check(r, "newton_ill", "Newton, ill-conditioned: log10 of the error", log10(newton),
                  -13, 7);
    results_check(r, "gd_over_newton", "log10 of gradient descent's error over Newton's",
                  log10(gd / newton), 20, 17);
}

int main(int argc, char **argv) {
    example e;
    survey s = {0};
    double *errors[LAWS][ALGORITHMS];
    example_begin(&e, &PROGRAM, argc, argv);
    if (e.settings.context == 0)
        example_refuse(&e, "--context 0: a construction needs examples");
    lab_open(&s.l, &e);
    for (int a = 0; a < LAWS * ALGORITHMS; a++)
        errors[a / ALGORITHMS][a % ALGORITHMS] = example_array(&e, layers);
    measure(&s, 0, 1, errors[0]);
    measure(&s, 1, kappa, errors[1]);
    report(&s, errors);
    lab_close(&s.l);
    return example_end(&e, "each depth is its solver's step, and Newton needs few of them",
                       "the layers are not what their algorithms are");
}
