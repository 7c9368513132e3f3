/* A model on trial before theory. */
#include <icl/train.h>

#include "model/parameters.h"

icl_status icl_model_certify(const icl_model *model, const icl_law *law,
                             const icl_simulation *simulation, icl_certificate *certificate) {
    if (model == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(model->context, law);
    ICL_REQUIRE_POINTER(model->context, certificate);
    int64_t d = model->dim;
    ICL_REQUIRE(model->context, icl_law_dim(law) == d, ICL_ERR_SHAPE,
                "%s: the law has dim %lld, the model %lld", __func__, (long long)icl_law_dim(law),
                (long long)d);
    ICL_TRY(icl_model_check_single(model, __func__));
    double *p;
    ICL_TRY(ICL_NEW(model->context, &p, (d + 1) * (d + 1)));
    double *Q = p + d + 1;
    icl_model_readout(model, p, Q);
    int64_t rank = model->width < d ? model->width : d;
    icl_status status =
        icl_theory_certify(law, simulation, p, p[d], Q, Q + d * d, rank, certificate);
    icl_dealloc(model->context, p);
    return status;
}
