/* The population objective: a law's frame, ready for evaluations. */
#include <math.h>
#include <string.h>

#include "theory/quartic.h"

struct icl_population {
    icl_context *context;
    icl_law *law;
    icl_frame *frame;
    double *gamma; /* d: the minimiser in the frame */
    double least;  /* its risk */
};

enum { SMALL = 16 }; /* points up to this dimension live on the stack */

icl_status icl_population_create(const icl_law *law, icl_population **out) {
    if (out != NULL)
        *out = NULL;
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(law->context, out);
    ICL_REQUIRE(
        law->context, icl_law_normal_covariates(law), ICL_ERR_NO_CLOSED_FORM,
        "%s: covariates that are not Gaussian: the loss with u and r free has no closed form",
        __func__);
    icl_population *population;
    ICL_TRY(ICL_NEW(law->context, &population, 1));
    population->context = icl_context_retain(law->context);
    icl_status status;
    ICL_TRY_GOTO(icl_law_share(law, &population->law), fail);
    ICL_TRY_GOTO(icl_frame_create(__func__, law, NULL, 1, &population->frame), fail);
    ICL_TRY_GOTO(ICL_NEW(law->context, &population->gamma, law->dim), fail);
    icl_frame_optimum(population->frame, 0, population->gamma, &population->least);
fail:
    if (status == ICL_OK)
        *out = population;
    else
        icl_population_free(population);
    return status;
}

void icl_population_free(icl_population *population) {
    if (population == NULL)
        return;
    icl_context *context = population->context;
    icl_dealloc(context, population->gamma);
    icl_frame_free(population->frame);
    icl_law_free(population->law);
    icl_dealloc(context, population);
    icl_context_free(context);
}

static int all_zero(int64_t count, const double *a) {
    for (int64_t i = 0; i < count; i++)
        if (a[i] != 0)
            return 0;
    return 1;
}

static icl_status check_point(const icl_population *p, const double *u, double v, const double *M,
                              const double *r) {
    const char *function = "icl_population_evaluate";
    int64_t d = p->frame->dim;
    ICL_TRY(icl_check_array(p->context, function, "u", u, d));
    ICL_TRY(icl_check_array(p->context, function, "M", M, d * d));
    ICL_TRY(icl_check_array(p->context, function, "r", r, d));
    ICL_REQUIRE(p->context, isfinite(v), ICL_ERR_NONFINITE, "%s: v = %g is not finite", function,
                v);
    ICL_REQUIRE(p->context,
                p->frame->even != ICL_EVEN_UNKNOWN || (all_zero(d, u) && all_zero(d, r)),
                ICL_ERR_NO_CLOSED_FORM,
                "%s: with a prior mean or tasks that are not Gaussian u and r must be 0", function);
    return ICL_OK;
}

static void copy(int64_t count, const double *from, double *to) {
    if (to != NULL)
        memcpy(to, from, (size_t)count * sizeof *to);
}

icl_status icl_population_evaluate(const icl_population *population, const double *u, double v,
                                   const double *M, const double *r, double *loss, double *excess,
                                   double *gu, double *gv, double *gM, double *gr) {
    if (population == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(check_point(population, u, v, M, r));
    int64_t d = population->frame->dim;
    double stack[ICL_QUARTIC_ROOM(SMALL)], *heap = NULL;
    if (d > SMALL)
        ICL_TRY(ICL_NEW(population->context, &heap, ICL_QUARTIC_ROOM(d)));
    icl_quartic point;
    icl_quartic_load(population->frame, heap != NULL ? heap : stack, u, v, M, r, &point);
    double above = icl_frame_distance(population->frame, point.G, population->gamma) +
                   icl_quartic_even(&point);
    int finite = isfinite(above);
    if (gu != NULL || gv != NULL || gM != NULL || gr != NULL) {
        icl_quartic_gradient(&point, population->gamma);
        finite = finite && icl_all_finite(point.G, d * d) && icl_all_finite(point.gu, 2 * d) &&
                 isfinite(point.gv);
    }
    if (finite) {
        copy(1, &above, excess);
        above += population->least;
        copy(1, &above, loss);
        copy(d, point.gu, gu);
        copy(1, &point.gv, gv);
        copy(d * d, point.G, gM);
        copy(d, point.gr, gr);
    }
    icl_dealloc(population->context, heap);
    return finite ? ICL_OK
                  : icl_fail(population->context, ICL_ERR_DIVERGED,
                             "%s: the loss or its gradient overflows", __func__);
}
