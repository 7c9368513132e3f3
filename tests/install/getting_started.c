/* The first program of the manual, docs/manual/getting_started.rst shows it piece by piece. */
#include <icl/icl.h>

#include <math.h>
#include <stdio.h>

typedef struct lab {
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_model *layer;
} lab;

static icl_status set_up(lab *l) {
    icl_law_options task;
    icl_model_options shape;
    icl_law_options_init(&task, sizeof task);
    task.dim = 5;
    task.context = 10;
    task.noise = 0.5;
    icl_model_options_init(&shape, sizeof shape);
    shape.dim = 5;

    icl_status status = icl_context_create(NULL, &l->context);
    if (status == ICL_OK)
        status = icl_law_create(l->context, &task, &l->law);
    if (status == ICL_OK)
        status = icl_sampler_create(l->context, l->law, 2023, &l->sampler);
    if (status == ICL_OK)
        status = icl_model_create(l->context, &shape, &l->layer);
    return status;
}

/* ---- train ---- */

static icl_status train(lab *l) {
    icl_optimiser *adam = NULL;
    icl_trainer *trainer = NULL;
    icl_optimiser_options method;
    icl_trainer_options plan;
    icl_optimiser_options_init(&method, sizeof method);
    method.method = ICL_OPTIMISER_ADAM;
    method.rate = 0.02;
    method.schedule = ICL_SCHEDULE_COSINE;
    method.period = 600;
    icl_trainer_options_init(&plan, sizeof plan);
    plan.on = ICL_TRAIN_FRESH;
    plan.batch = 4096;
    plan.steps = 600;

    icl_status status =
        icl_optimiser_create(l->context, &method, icl_model_parameter_count(l->layer), &adam);
    if (status == ICL_OK)
        status = icl_trainer_create(l->context, l->layer, adam, l->sampler, &plan, &trainer);
    if (status == ICL_OK)
        status = icl_trainer_run(trainer, NULL);
    icl_trainer_free(trainer);
    icl_optimiser_free(adam);
    return status;
}

/* ---- compare ---- */

enum { LAYER, BEST_STEP, RIDGE, COUNT };

static icl_status compare(const lab *l, icl_estimate *risks, icl_optimum *optimum) {
    icl_solver *step = NULL, *ridge = NULL;
    icl_solver_options one_step, bayes;
    icl_predictor predictors[COUNT];
    icl_solver_options_init(&one_step, sizeof one_step);
    icl_solver_options_init(&bayes, sizeof bayes);
    one_step.method = ICL_METHOD_GD; /* one step from 0, on (1/2) ||y - X w||^2 */
    bayes.method = ICL_METHOD_RIDGE;
    bayes.ridge = icl_law_noise(l->law);

    icl_status status = icl_theory_best_step(l->law, NULL, NULL, &one_step.step, NULL);
    if (status == ICL_OK)
        status = icl_theory_optimum(l->law, NULL, 0, NULL, optimum);
    if (status == ICL_OK)
        status = icl_solver_create(l->context, &one_step, &step);
    if (status == ICL_OK)
        status = icl_solver_create(l->context, &bayes, &ridge);
    if (status == ICL_OK)
        status = icl_model_predictor(l->layer, &predictors[LAYER]);
    if (status == ICL_OK)
        status = icl_solver_predictor(step, &predictors[BEST_STEP]);
    if (status == ICL_OK)
        status = icl_solver_predictor(ridge, &predictors[RIDGE]);
    if (status == ICL_OK) /* prompts that training has not seen */
        status = icl_predictor_risk(predictors, COUNT, l->sampler, 1 << 30, 100000, 1, risks);
    icl_solver_free(ridge);
    icl_solver_free(step);
    return status;
}

/* ---- main ---- */

int main(void) {
    lab l = {NULL, NULL, NULL, NULL};
    icl_estimate risks[COUNT];
    icl_optimum optimum = {.size = sizeof optimum};
    icl_status status = set_up(&l);
    if (status == ICL_OK)
        status = train(&l);
    if (status == ICL_OK)
        status = compare(&l, risks, &optimum);

    int passed = 0;
    if (status != ICL_OK) {
        fprintf(stderr, "%s: %s\n", icl_status_text(status), icl_context_last_error(l.context));
    } else {
        printf("the theorem     %.4f\n", optimum.risk);
        printf("trained layer   %.4f +- %.4f\n", risks[LAYER].value, risks[LAYER].standard_error);
        printf("best GD step    %.4f +- %.4f\n", risks[BEST_STEP].value,
               risks[BEST_STEP].standard_error);
        printf("ridge, Bayes    %.4f +- %.4f\n", risks[RIDGE].value, risks[RIDGE].standard_error);
        passed = fabs(risks[LAYER].value - optimum.risk) <=
                     4 * risks[LAYER].standard_error + 0.005 * optimum.risk &&
                 risks[RIDGE].value < optimum.risk;
    }
    icl_model_free(l.layer);
    icl_sampler_free(l.sampler);
    icl_law_free(l.law);
    icl_context_free(l.context);
    return passed ? 0 : 1;
}
