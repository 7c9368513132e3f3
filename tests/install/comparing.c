/* The program of docs/manual/tasks.rst and comparing.rst, which show it piece by piece. */
#include <icl/icl.h>

#include <stdio.h>

enum { D = 20, N = 40, B = 200, STEPS = 24 };

/* ---- draw */

static icl_status draw(icl_context *context, icl_batch **batch) {
    icl_law_options task;
    icl_law *law = NULL;
    icl_sampler *sampler = NULL;
    icl_law_options_init(&task, sizeof task);
    icl_status status = icl_task_preset(context, "fu-ill-conditioned", &task);
    task.dim = D; /* as published; any field may be changed */
    if (status == ICL_OK)
        status = icl_law_create(context, &task, &law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, law, 42, &sampler);
    if (status == ICL_OK)
        status = icl_sampler_batch(sampler, B, 1, ICL_CONTENTS_ALL, batch);
    if (status == ICL_OK)
        status = icl_sampler_draw(sampler, 0, *batch);
    icl_sampler_free(sampler);
    icl_law_free(law);
    return status;
}

/* ---- predictor */

/* Any network may stand here. This one averages: w = X^T y / n. */
static icl_status average(const void *self, const icl_batch *batch, double *prediction) {
    (void)self;
    int64_t n = icl_batch_context(batch), q = icl_batch_queries(batch), d = icl_batch_dim(batch);
    for (int64_t i = 0; i < icl_batch_prompts(batch) * q; i++) {
        const double *X = icl_batch_X(batch) + i / q * n * d, *y = icl_batch_y(batch) + i / q * n;
        const double *x = icl_batch_query(batch) + i * d;
        prediction[i] = 0;
        for (int64_t k = 0; k < n; k++)
            for (int64_t j = 0; j < d; j++)
                prediction[i] += y[k] * X[k * d + j] * x[j] / (double)n;
    }
    return ICL_OK; /* any other number ends the call, which returns it */
}

/* ---- compare */

static icl_status compare(icl_context *context, const icl_batch *batch,
                          const icl_predictor *network) {
    static double newton[B * (N + 1) * STEPS], answers[B * (N + 1)];
    int64_t grid[STEPS], count = STEPS, match = 0;
    const int64_t *grids[] = {grid};
    double *outputs[] = {newton};
    icl_estimate errors[N + 1], similarity[STEPS];
    icl_solver *solver = NULL;
    icl_solver_options method;
    icl_prefix_options options;
    for (int k = 0; k < STEPS; k++)
        grid[k] = k;

    icl_solver_options_init(&method, sizeof method);
    method.method = ICL_METHOD_NEWTON;
    method.dim = D;
    icl_status status = icl_solver_create(context, &method, &solver);

    /* what both answer at every prefix of every prompt, Newton after each number of steps */
    icl_prefix_options_init(&options, sizeof options);
    options.steps = grids;
    options.counts = &count;
    if (status == ICL_OK)
        status = icl_solver_prefixes((const icl_solver *[]){solver}, 1, batch, &options, outputs,
                                     NULL, NULL);
    if (status == ICL_OK)
        status = icl_predictor_prefixes(network, batch, answers);

    if (status == ICL_OK)
        status = icl_metric_errors(batch, 1, answers, D, errors);
    if (status == ICL_OK)
        status = icl_metric_error_similarity(batch, 1, answers, STEPS, newton, 0, similarity);
    if (status == ICL_OK)
        status = icl_metric_best_match(context, 1, STEPS, similarity, &match);
    if (status == ICL_OK)
        printf("error / d after %d examples %.3f +- %.3f; most like Newton after %d steps: %.3f\n",
               N, errors[N].value, errors[N].standard_error, (int)grid[match],
               similarity[match].value);
    icl_solver_free(solver);
    return status;
}

/* ---- main */

int main(void) {
    icl_context *context = NULL;
    icl_batch *batch = NULL;
    const icl_predictor network = {.predict = average};
    icl_status status = icl_context_create(NULL, &context);
    if (status == ICL_OK)
        status = draw(context, &batch);
    if (status == ICL_OK)
        status = compare(context, batch, &network);
    if (status != ICL_OK)
        fprintf(stderr, "%s\n", icl_context_last_error(context));
    icl_batch_free(batch);
    icl_context_free(context);
    return status != ICL_OK;
}
