/* The values that a covariance's kind and trace stand for. */
#include <math.h>
#include <string.h>

#include "task/covariance.h"

static int64_t count_of(icl_covariance kind, int64_t dim) {
    switch (kind) {
    case ICL_COVARIANCE_DIAGONAL:
    case ICL_COVARIANCE_SPECTRUM:
        return dim;
    case ICL_COVARIANCE_DENSE:
        return dim * dim;
    case ICL_COVARIANCE_SCALAR:
    case ICL_COVARIANCE_HALVES:
    case ICL_COVARIANCE_POWER:
        return 1;
    default:
        return 0;
    }
}

/* The kinds that one number describes become d eigenvalues. */
static void expand(int64_t dim, icl_covariance_source *source, double *room) {
    icl_covariance kind = source->kind;
    double number = count_of(kind, dim) == 1 ? source->values[0] : 1;
    if (kind < ICL_COVARIANCE_SCALAR && kind != ICL_COVARIANCE_IDENTITY)
        return;
    for (int64_t i = 0; i < dim; i++)
        room[i] = kind == ICL_COVARIANCE_POWER    ? pow((double)(i + 1), -number)
                  : kind == ICL_COVARIANCE_HALVES ? (i < dim / 2 ? number : 1)
                                                  : number;
    source->values = room;
    int rotated = kind == ICL_COVARIANCE_HALVES || kind == ICL_COVARIANCE_POWER;
    source->kind = rotated ? ICL_COVARIANCE_SPECTRUM : ICL_COVARIANCE_DIAGONAL;
}

static icl_status scale(const icl_context *context, int64_t dim, icl_covariance_source *source,
                        double *room) {
    int64_t count = count_of(source->kind, dim), step = count > dim ? dim + 1 : 1;
    double trace = 0, wanted = source->trace == ICL_TRACE_DIM ? (double)dim : 1;
    for (int64_t i = 0; i < dim; i++)
        trace += source->values[i * step];
    double factor = wanted / trace;
    ICL_REQUIRE(context, trace > 0 && isfinite(factor) && factor > 0, ICL_ERR_ARGUMENT,
                "icl_law_create: %s: the trace is %g, and cannot be made %g", source->name, trace,
                wanted);
    for (int64_t i = 0; i < count; i++)
        room[i] = source->values[i] * factor;
    source->values = room;
    return ICL_OK;
}

icl_status icl_covariance_resolve(const icl_context *context, int64_t dim,
                                  icl_covariance_source *source, double *room) {
    int identity = source->kind == ICL_COVARIANCE_IDENTITY;
    if (identity && source->trace != ICL_TRACE_ONE)
        return ICL_OK;
    int64_t count = count_of(source->kind, dim);
    if (!identity)
        ICL_TRY(icl_check_array(context, "icl_law_create", source->name, source->values, count));
    expand(dim, source, room);
    if (source->trace != ICL_TRACE_GIVEN)
        ICL_TRY(scale(context, dim, source, room));
    return icl_check_array(context, "icl_law_create", source->name, source->values,
                           count_of(source->kind, dim));
}
