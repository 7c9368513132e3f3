/* A model's gradient against differences of its loss. */
#ifndef ICL_TESTS_TEST_GRADIENT_H
#define ICL_TESTS_TEST_GRADIENT_H

#include "support/support.h"

/* The 4-point difference of the loss at x along a direction. */
static inline double loss_slope(icl_context *context, icl_model *model, const icl_batch *batch,
                                const double *x, const double *direction) {
    const double h = 1e-3, weight[4] = {1.0 / 12, -2.0 / 3, 2.0 / 3, -1.0 / 12};
    int64_t count = icl_model_parameter_count(model);
    double *at = malloc((size_t)count * sizeof *at), slope = 0, loss;
    for (int k = 0; k < 4; k++) {
        for (int64_t i = 0; i < count; i++)
            at[i] = x[i] + h * (k < 2 ? k - 2 : k - 1) * direction[i];
        ASSERT_OK(context, icl_model_set_parameters(model, at));
        ASSERT_OK(context, icl_model_loss(model, batch, &loss, NULL));
        slope += weight[k] * loss / h;
    }
    free(at);
    return slope;
}

/* In every trained parameter (directions = 0), or along that many random directions of norm 1. */
static inline void check_gradient_along(icl_context *context, icl_model *model,
                                        const icl_batch *batch, int64_t directions) {
    int64_t count = icl_model_parameter_count(model);
    double *x = malloc((size_t)(3 * count) * sizeof *x), *gradient = x + count, loss, scale = 0;
    double *direction = gradient + count;
    memcpy(x, icl_model_parameters(model), (size_t)count * sizeof *x);
    ASSERT_OK(context, icl_model_loss(model, batch, &loss, gradient));
    for (int64_t i = 0; i < count; i++)
        scale = fmax(scale, fabs(gradient[i]));
    uint8_t *trained = malloc((size_t)count);
    for (int64_t t = 0; t < icl_model_tensor_count(model); t++) {
        icl_tensor tensor;
        ASSERT_OK(context, icl_model_tensor(model, t, &tensor));
        ASSERT_OK(context, icl_model_get_trained(model, tensor.name, trained + tensor.offset));
    }
    for (int64_t k = 0; k < (directions > 0 ? directions : count); k++) {
        double norm = 0, along = 0;
        memset(direction, 0, (size_t)count * sizeof *direction);
        if (directions > 0)
            fill_normal(context, 100 + (uint64_t)k, count, direction);
        else
            direction[k] = 1;
        for (int64_t i = 0; i < count; i++) {
            direction[i] *= trained[i];
            norm += direction[i] * direction[i];
        }
        if (norm == 0) {
            ck_assert(gradient[k] == 0);
            continue;
        }
        for (int64_t i = 0; i < count; i++) {
            direction[i] /= sqrt(norm);
            along += gradient[i] * direction[i];
        }
        double slope = loss_slope(context, model, batch, x, direction);
        ASSERT_CLOSE(along, slope, TOL_GRADIENT, scale + fabs(loss));
    }
    ASSERT_OK(context, icl_model_set_parameters(model, x));
    free(trained);
    free(x);
}

static inline void check_gradient(icl_context *context, icl_model *model, const icl_batch *batch) {
    check_gradient_along(context, model, batch, 0);
}

#endif
