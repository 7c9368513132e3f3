/* Algorithms at every prefix: asking them and comparing their answers. */
#include "contest.h"

#include <math.h>
#include <stdlib.h>

typedef struct entry {
    icl_method method;
    const char *key, *label;
    int drawn; /* in panels of curves, which have no place for all */
} entry;

static const entry ENTRIES[CONTEST_ALL] = {
    {ICL_METHOD_GD, "gd", "gradient descent", 1},
    {ICL_METHOD_PGD, "pgd", "preconditioned GD", 0},
    {ICL_METHOD_HEAVY_BALL, "heavy_ball", "heavy ball", 0},
    {ICL_METHOD_NESTEROV, "nesterov", "Nesterov", 0},
    {ICL_METHOD_CHEBYSHEV, "chebyshev", "Chebyshev", 1},
    {ICL_METHOD_GD_PLUS_PLUS, "gd_plus_plus", "GD++", 0},
    {ICL_METHOD_NEWTON, "newton", "iterative Newton", 1},
    {ICL_METHOD_CONJUGATE_GRADIENT, "cg", "conjugate gradients", 1},
    {ICL_METHOD_LEAST_SQUARES, "least_squares", "least squares", 1},
    {ICL_METHOD_RIDGE, "ridge", "ridge", 1},
    {ICL_METHOD_BAYES, "bayes", "Bayes", 0},
    {ICL_METHOD_AVERAGE, "average", "averaging", 1},
    {ICL_METHOD_ONLINE_GD, "online_gd", "online GD", 1},
    {ICL_METHOD_SGD, "sgd", "SGD", 0},
    {ICL_METHOD_BFGS, "bfgs", "BFGS", 0},
    {ICL_METHOD_DFP, "dfp", "DFP", 0},
    {ICL_METHOD_LBFGS, "lbfgs", "L-BFGS", 0},
    {ICL_METHOD_LASSO, "lasso", "Lasso", 1},
    {ICL_METHOD_KNN, "knn", "3 nearest neighbours", 1},
    {ICL_METHOD_KERNEL_RIDGE, "kernel_ridge", "kernel ridge", 1},
    {ICL_METHOD_TREE, "tree", "decision tree", 1}};

static contender contender_of(lab *l, const entry *of) {
    return (contender){.key = of->key,
                       .label = of->label,
                       .drawn = of->drawn,
                       .options = lab_solver(l, of->method)};
}

void contest_all(lab *l, contender *list, int64_t iterations, double ridge) {
    if (l->e->settings.batch < 2)
        example_refuse(l->e, "--batch 1: an error bar needs two prompts");
    for (int i = 0; i < CONTEST_ALL; i++) {
        list[i] = contender_of(l, &ENTRIES[i]);
        icl_solver_options *o = &list[i].options;
        o->steps = iterations;
        if (o->method == ICL_METHOD_RIDGE || o->method == ICL_METHOD_KERNEL_RIDGE)
            o->ridge = ridge;
        if (o->method == ICL_METHOD_BAYES)
            o->law = l->law;
        if (o->method == ICL_METHOD_PGD)
            o->preconditioner = lab_inverse_covariance(l);
        o->bandwidth = sqrt((double)o->dim); /* about |x| */
        o->l1_per_example = 0.1;
    }
}

void contest_further(lab *l, contender *list, int64_t iterations) {
    static const entry further[CONTEST_FURTHER] = {
        {ICL_METHOD_POOL, "pool", "dMMSE", 0},
        {ICL_METHOD_SERIES, "series", "series", 0},
        {ICL_METHOD_LOGISTIC, "logistic", "logistic", 0}};
    for (int i = 0; i < CONTEST_FURTHER; i++) {
        list[i] = contender_of(l, &further[i]);
        icl_solver_options *o = &list[i].options;
        o->steps = iterations;
        o->ridge = 1;
        o->noise = l->e->settings.noise;
        o->pool = icl_batch_task(l->batch);
        o->pool_count = icl_batch_prompts(l->batch);
    }
}

static int is_iterated(icl_method method) {
    static const icl_method list[] = {ICL_METHOD_GD,         ICL_METHOD_PGD,
                                      ICL_METHOD_NEWTON,     ICL_METHOD_GD_PLUS_PLUS,
                                      ICL_METHOD_HEAVY_BALL, ICL_METHOD_NESTEROV,
                                      ICL_METHOD_CHEBYSHEV,  ICL_METHOD_CONJUGATE_GRADIENT,
                                      ICL_METHOD_BFGS,       ICL_METHOD_DFP,
                                      ICL_METHOD_LBFGS};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i] == method)
            return 1;
    return 0;
}

/* Of the squared error an exact fit leaves 1 - 1/d, and a pass over n <= d examples, which all can
 * be fitted, about (n - 1) / d; noise ends it where they cannot. What leaves 1e-7 minds the order.
 */
static contest_order online_order(const lab *l, double passes) {
    double d = (double)l->e->settings.dim, n = (double)l->e->settings.context;
    double left = pow(1 - 1 / d, n * passes);
    left = n <= d ? fmin(left, pow((n - 1) / d, passes)) : fmax(left, sqrt(l->e->settings.noise));
    return left > 1e-7 ? CONTEST_SEQUENCE : CONTEST_UNKNOWN;
}

contest_order contest_order_of(const lab *l, const contender *c) {
    const icl_solver_options *o = &c->options;
    int64_t n = l->e->settings.context, d = o->dim;
    if (o->method == ICL_METHOD_ONLINE_GD || o->method == ICL_METHOD_SGD)
        return online_order(l, o->method == ICL_METHOD_SGD ? (double)o->steps : 1);
    int singular = 3 * n > d && n < 3 * d;
    return is_iterated(o->method) && singular && 2 * o->steps > d ? CONTEST_UNKNOWN : CONTEST_SET;
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

int64_t contest_width(const contender *c) {
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
            example_array(l->e, answers_of(l, contest_width(&list[i])));
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
