/* What is known of a law: said once, for solvers and theory. */
#include <math.h>

#include "task/law.h"

/* E G^2, G the square of an example's own factor. */
static double scale_square(const icl_law *law) {
    return law->scale == ICL_SCALE_EXAMPLE ? 1 + 1 / law->scale_shape : 1;
}

double icl_law_radial(const icl_law *law) {
    double d = (double)law->dim, nu = law->freedom, radial = 1;
    if (law->covariates == ICL_COVARIATES_SPHERE)
        radial = d / (d + 2);
    if (law->covariates == ICL_COVARIATES_STUDENT)
        radial = nu > 4 ? (nu - 2) / (nu - 4) : INFINITY;
    return radial * scale_square(law);
}

double icl_law_kurtosis(const icl_law *law) {
    return law->covariates == ICL_COVARIATES_UNIFORM ? -1.2 * scale_square(law) : 0;
}

int icl_law_normal_covariates(const icl_law *law) {
    return law->covariates == ICL_COVARIATES_GAUSSIAN && law->scale != ICL_SCALE_EXAMPLE;
}

const char *icl_law_no_moments(const icl_law *law) {
    if (law->rotation_every > 0)
        return "the rotation of Sigma is drawn with the prompts";
    if (law->scale == ICL_SCALE_PROMPT || law->scale == ICL_SCALE_COORDINATE)
        return "the scale of Sigma is drawn with the prompts";
    if (law->queries != ICL_QUERIES_LAW)
        return "the queries are shifted";
    return NULL;
}

const char *icl_law_no_label_moments(const icl_law *law) {
    if (law->labels == ICL_LABELS_NET && law->activation != ICL_ACTIVATION_RELU)
        return "the units of the net are not ReLU";
    if (law->labels == ICL_LABELS_QUADRATIC)
        return "the labels are quadratic";
    if (law->labels == ICL_LABELS_TREE)
        return "the labels are those of trees";
    if (law->labels == ICL_LABELS_SERIES)
        return "the labels are series";
    if (law->labels == ICL_LABELS_GAUSSIAN_PROCESS)
        return "the labels are Gaussian processes";
    return law->labels == ICL_LABELS_SINE ? "the labels are sines with a phase" : NULL;
}

const char *icl_law_no_posterior(const icl_law *law) {
    if (law->labels != ICL_LABELS_LINEAR)
        return "the labels are not linear";
    if (law->noise_law != ICL_NOISE_FIXED)
        return "the noise level is drawn: the posterior is a mixture over levels";
    if (law->inverse_scales != NULL)
        return "W is the inverse of a Sigma whose rotation is drawn with the prompts";
    if (law->pool_count > 0)
        return "the task is one of a pool";
    if (law->tasks != ICL_TASKS_GAUSSIAN)
        return "the tasks are not Gaussian, and neither is their posterior";
    return NULL;
}

int icl_law_symmetric(const icl_law *law) {
    return law->mean == NULL && law->pool_count == 0 && law->labels != ICL_LABELS_SINE;
}

int icl_law_normal_weights(const icl_law *law) {
    return law->labels == ICL_LABELS_LINEAR && law->tasks == ICL_TASKS_GAUSSIAN &&
           icl_law_symmetric(law);
}
