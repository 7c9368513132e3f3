/* What is known of a law: said once, for solvers and theory. */
#include "task/law.h"

const char *icl_law_no_moments(const icl_law *law) {
    if (law->rotation_every > 0)
        return "the rotation of Sigma is drawn with the prompts";
    if (law->queries != ICL_QUERIES_LAW)
        return "the queries are shifted";
    return NULL;
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
    return law->mean == NULL && law->pool_count == 0;
}

int icl_law_normal_weights(const icl_law *law) {
    return law->labels == ICL_LABELS_LINEAR && law->tasks == ICL_TASKS_GAUSSIAN &&
           icl_law_symmetric(law);
}
