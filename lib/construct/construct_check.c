/* A construction beside its solver, prompt by prompt. */
#include <float.h>
#include <icl/construct.h>
#include <math.h>

#include "base/outputs.h"
#include "linalg/linalg.h"
#include "model/parameters.h"
#include "task/batch.h"

typedef struct comparison {
    const icl_construct_options *o;
    const icl_batch *batch;
    int64_t layers, token;
    double *model, *w; /* B x q, B x d */
    icl_solver_report *reports;
    double *S, *values, *vectors; /* of one prompt */
    icl_construct_report found;
} comparison;

static double norm(int64_t count, const double *x) {
    return sqrt(icl_frobenius(count, x, x));
}

/* kappa over the eigenvalues of S that are not rounding, 1 for S = 0; *most the greatest of them;
 * *singular: some are rounding. */
static icl_status condition(comparison *c, int64_t prompt, double *kappa, double *most,
                            int *singular) {
    int64_t d = c->batch->dim, k = 0;
    icl_batch_moments(c->batch, prompt, c->S, NULL, NULL);
    ICL_TRY(icl_eigen(c->batch->context, d, c->S, c->values, c->vectors));
    *most = c->values[d - 1];
    while (k < d && c->values[k] <= 4 * (double)(c->batch->examples + d) * DBL_EPSILON * *most)
        k++;
    *kappa = k < d ? *most / c->values[k] : 1;
    *singular = k > 0;
    return ICL_OK;
}

static icl_status compare_prompt(comparison *c, int64_t p) {
    const icl_batch *batch = c->batch;
    int64_t d = batch->dim, q = batch->queries;
    double kappa, most, syy;
    int singular;
    ICL_TRY(condition(c, p, &kappa, &most, &singular));
    icl_batch_moments(batch, p, NULL, NULL, &syy);
    double size = norm(d, c->w + p * d);
    if (size == 0)
        size = most > 0 ? sqrt(syy / most) : 1;
    double allowed = 16 * (double)(batch->examples + c->token * c->layers) * DBL_EPSILON;
    /* 2 M - M S M doubles the rounding in a direction until its residual is small, 2^k = kappa^2 */
    double doubled = pow(2, (double)c->o->steps);
    if (c->o->method == ICL_METHOD_NEWTON)
        allowed *= fmax(kappa, singular ? doubled : fmin(doubled, kappa * kappa));
    for (int64_t j = 0; j < q; j++) {
        const double *x = batch->query_rows + (p * q + j) * d;
        double scale = size * norm(d, x);
        double off = fabs(c->model[p * q + j] - icl_frobenius(d, c->w + p * d, x));
        off = off > 0 ? off / scale : 0;
        c->found.max_deviation = fmax(c->found.max_deviation, isnan(off) ? INFINITY : off);
        c->found.max_ratio = fmax(c->found.max_ratio, isnan(off) ? INFINITY : off / allowed);
    }
    c->found.max_kappa = fmax(c->found.max_kappa, kappa);
    return ICL_OK;
}

static icl_status compare(comparison *c, const icl_model *model, const icl_solver *solver) {
    const icl_context *context = c->batch->context;
    int64_t B = c->batch->prompts, d = c->batch->dim, q = c->batch->queries;
    c->layers = model->layers;
    c->token = model->token;
    ICL_TRY(ICL_NEW(context, &c->model, icl_product(B, q, 1)));
    ICL_TRY(ICL_NEW(context, &c->w, icl_product(B, d, 1)));
    ICL_TRY(ICL_NEW(context, &c->reports, B));
    ICL_TRY(ICL_NEW(context, &c->S, 2 * d * d + d));
    c->vectors = c->S + d * d;
    c->values = c->vectors + d * d;
    ICL_TRY(icl_model_predict(model, c->batch, c->model));
    ICL_TRY(icl_solver_solve(solver, c->batch, c->w, c->reports));
    for (int64_t p = 0; p < B; p++) {
        if (c->reports[p].stop == ICL_STOP_DIVERGED)
            c->found.skipped++;
        else
            ICL_TRY(compare_prompt(c, p));
    }
    return ICL_OK;
}

icl_status icl_construct_check(icl_context *context, const icl_construct_options *options,
                               const icl_batch *batch, icl_construct_report *report) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, batch);
    ICL_REQUIRE_POINTER(context, report);
    ICL_TRY(icl_check_output(context, __func__, "report", report));
    icl_model *model = NULL;
    icl_solver *solver = NULL;
    icl_construct_options o;
    ICL_TRY(icl_construct_options_init(&o, sizeof o));
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    ICL_REQUIRE(context, batch->dim == o.dim && batch->examples == o.context, ICL_ERR_SHAPE,
                "%s: the batch has dim %lld and context %lld, the options %lld and %lld", __func__,
                (long long)batch->dim, (long long)batch->examples, (long long)o.dim,
                (long long)o.context);
    comparison c = {.o = &o, .batch = batch, .found = {.size = sizeof c.found}};
    icl_status status;
    ICL_TRY_GOTO(icl_construct_model(context, &o, &model), done);
    ICL_TRY_GOTO(icl_construct_solver(context, &o, &solver), done);
    status = compare(&c, model, solver);
done:
    if (status == ICL_OK)
        icl_write_output(report, &c.found, sizeof c.found);
    icl_dealloc(batch->context, c.model);
    icl_dealloc(batch->context, c.w);
    icl_dealloc(batch->context, c.reports);
    icl_dealloc(batch->context, c.S);
    icl_model_free(model);
    icl_solver_free(solver);
    return status;
}
