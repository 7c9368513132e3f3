/* Exact weights (MATH: (P, Q, R) of each layer) for gradient descent and its kin, and for iterative
 * Newton. */
#include <icl/construct.h>

#include <string.h>

#include "model/parameters.h"

static const icl_construct_options default_options = {.size = sizeof(icl_construct_options),
                                                      .method = ICL_METHOD_GD,
                                                      .dim = 5,
                                                      .context = 20,
                                                      .steps = 1};

icl_status icl_construct_options_init(icl_construct_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

enum { MOST_LAYERS = 4096 };

static icl_status read_options(icl_context *context, const char *function,
                               const icl_construct_options *options, icl_construct_options *o) {
    *o = default_options;
    ICL_TRY(icl_options_read(context, function, options, o, sizeof *o));
    int newton = o->method == ICL_METHOD_NEWTON;
    ICL_REQUIRE(context,
                newton || o->method == ICL_METHOD_GD || o->method == ICL_METHOD_PGD ||
                    o->method == ICL_METHOD_GD_PLUS_PLUS,
                ICL_ERR_ARGUMENT, "%s: method = %d, must be GD, PGD, GD_PLUS_PLUS or NEWTON",
                function, (int)o->method);
    ICL_TRY(icl_check_range(context, function, "dim", o->dim, 1, 4096));
    ICL_TRY(icl_check_range(context, function, "context", o->context, 1, INT64_C(1) << 31));
    ICL_TRY(icl_check_range(context, function, "steps", o->steps, newton ? 0 : 1, MOST_LAYERS - 2));
    ICL_TRY(icl_check_real(context, function, "step", o->step, 1));
    ICL_TRY(icl_check_real(context, function, "gamma", o->gamma, 0));
    return ICL_OK;
}

/* ---- weights ---- */

/* A stored layer's P, Q and R, D x D. */
typedef struct matrices {
    double *P, *Q, *R;
} matrices;

static matrices matrices_of(icl_model *model, int64_t layer) {
    double *P = model->parameters + icl_model_head_offset(model, layer, 0);
    return (matrices){P, P + model->token * model->token,
                      model->parameters + icl_model_residual_offset(model, layer)};
}

/* Adds a to the diagonal of the d x d block whose first entry is (row, col). */
static void add_block(double *matrix, int64_t D, int64_t d, int64_t row, int64_t col, double a) {
    for (int64_t i = 0; i < d; i++)
        matrix[(row + i) * D + col + i] += a;
}

static void set_descent(icl_model *model, const icl_construct_options *o) {
    int64_t d = o->dim, D = d + 1;
    double n = (double)o->context;
    for (int64_t l = 0; l < model->layers; l++) {
        matrices m = matrices_of(model, l);
        int turns = o->method == ICL_METHOD_GD_PLUS_PLUS;
        if (turns)
            add_block(m.P, D, d, 0, 0, n * o->gamma);
        m.P[D * D - 1] = turns ? n * o->step : 1;
        if (o->method != ICL_METHOD_PGD) {
            add_block(m.Q, D, d, 0, 0, turns ? -1 : -n * o->step);
            continue;
        }
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++)
                m.Q[i * D + j] = -n * o->step * o->preconditioner[i * d + j];
    }
}

static void set_newton(icl_model *model, const icl_construct_options *o) {
    int64_t d = o->dim, D = 2 * d + 1, u = d, y = 2 * d;
    double n = (double)o->context;
    matrices first = matrices_of(model, 0), last = matrices_of(model, model->layers - 1);
    add_block(first.P, D, d, u, 0, n * n * o->step);
    add_block(first.Q, D, d, 0, 0, 1);
    for (int64_t l = 1; l < model->layers - 1; l++) {
        matrices m = matrices_of(model, l);
        add_block(m.P, D, d, u, u, -1);
        add_block(m.Q, D, d, 0, u, 1);
        add_block(m.R, D, d, u, u, 1);
    }
    last.P[y * D + y] = 1;
    add_block(last.Q, D, d, u, 0, 1);
}

icl_status icl_construct_model(icl_context *context, const icl_construct_options *options,
                               icl_model **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    icl_construct_options o;
    ICL_TRY(read_options(context, __func__, options, &o));
    if (o.method == ICL_METHOD_PGD)
        ICL_TRY(
            icl_check_array(context, __func__, "preconditioner", o.preconditioner, o.dim * o.dim));
    int newton = o.method == ICL_METHOD_NEWTON;
    icl_model_options shape;
    ICL_TRY(icl_model_options_init(&shape, sizeof shape));
    shape.dim = o.dim;
    shape.layers = o.steps + (newton ? 2 : 0);
    shape.token = newton ? 2 * o.dim + 1 : 0;
    shape.residual = newton;
    shape.sign = newton ? 1 : -1;
    shape.init = ICL_INIT_ZERO;
    icl_model *model;
    ICL_TRY(icl_model_create(context, &shape, &model));
    if (newton)
        set_newton(model, &o);
    else
        set_descent(model, &o);
    memset(model->trained, 0, (size_t)model->count);
    if (!icl_all_finite(model->parameters, model->count)) {
        icl_model_free(model);
        return icl_fail(context, ICL_ERR_NONFINITE,
                        "%s: step = %g and gamma = %g overflow for n = %lld", __func__, o.step,
                        o.gamma, (long long)o.context);
    }
    *out = model;
    return ICL_OK;
}

icl_status icl_construct_solver(icl_context *context, const icl_construct_options *options,
                                icl_solver **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    icl_construct_options o;
    ICL_TRY(read_options(context, __func__, options, &o));
    icl_solver_options s;
    ICL_TRY(icl_solver_options_init(&s, sizeof s));
    s.method = o.method;
    if (o.method == ICL_METHOD_GD_PLUS_PLUS && o.gamma == 0)
        s.method = ICL_METHOD_GD; /* a solver's gamma of 0 asks for its default */
    s.dim = o.dim;
    s.steps = o.steps;
    s.step = o.step;
    s.gamma = o.gamma;
    s.preconditioner = o.preconditioner;
    return icl_solver_create(context, &s, out);
}
