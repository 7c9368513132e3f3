/* The risk of any Gamma, of a gradient step, and of the best step (PAPERS F3, F4 and beyond). */
#include "theory/gamma_risk.h"

#include <math.h>
#include <string.h>

#include "theory/simulate.h"

/* ---- standard errors ---- */

/* d risk / d (signal, bend, power): K = signal, C = (power + bend) / n + (1 - 1/n) signal. */
static void odd_functional(const icl_frame *f, const double *G, double *signal, double *bend,
                           icl_label_functional *out) {
    int64_t d = f->dim;
    out->power = 1;
    for (int64_t j = 0; j < f->rank; j++) {
        double column = 0;
        for (int64_t i = 0; i < d; i++)
            column += G[i * d + j] * G[i * d + j];
        signal[j] = f->inverse_n > 0 ? -2 * G[j * d + j] + f->others * column : 0;
        bend[j] = f->inverse_n * column;
        out->power += f->inverse_n * column;
    }
}

/* The same of 2 v u'^T (power I + h) N r' + v^2 |r'|^2 E s_yy^2. */
static void even_functional(const icl_frame *f, double noise, const icl_quartic *x, double *bend,
                            icl_label_functional *out) {
    int64_t d = f->dim;
    double in = f->inverse_n, squares = x->v * x->v * x->rr;
    for (int64_t i = 0; i < f->rank; i++) {
        double Nr = 0;
        for (int64_t j = 0; j < d; j++)
            Nr += x->N[i * d + j] * x->r[j];
        double cross = 2 * x->v * x->u[i] * Nr;
        bend[i] += in * cross;
        out->power += cross;
    }
    /* E s_yy^2 = E y^4 / n + (1 - 1/n) E_f (E_x y^2)^2 */
    out->power += squares * noise * (6 * in + 2 * f->others);
    out->square += squares * f->others;
    out->fourth += squares * in;
}

icl_status icl_gamma_error(const icl_law *law, const icl_simulation *simulation,
                           const icl_frame *frame, const double *G, const icl_quartic *point,
                           const double *gamma, double *error, double *gamma_error) {
    int64_t d = frame->dim;
    *error = 0;
    if (gamma_error != NULL)
        memset(gamma_error, 0, (size_t)d * sizeof *gamma_error);
    if (!frame->simulated) {
        if (point != NULL)
            *error = point->v * point->v * point->rr * frame->others * frame->spread_error;
        return ICL_OK;
    }
    double *room;
    ICL_TRY(ICL_NEW(law->context, &room, 2 * d));
    icl_label_functional functional = {.signal = room, .bend = room + d};
    odd_functional(frame, G, room, room + d, &functional);
    if (point != NULL && frame->inverse_n > 0)
        even_functional(frame, law->noise, point, room + d, &functional);
    icl_status status =
        icl_label_errors(law, simulation, frame, &functional, gamma, error, gamma_error);
    if (status == ICL_OK && gamma_error != NULL)
        for (int64_t j = 0; j < frame->rank; j++)
            gamma_error[j] = frame->c[j] > 0 ? gamma_error[j] / frame->c[j] : 0;
    icl_dealloc(law->context, room);
    return status;
}

/* ---- risks ---- */

/* scale * B in the frame, B NULL for I; G and room d x d. */
static void map_scaled(const icl_frame *f, const double *B, double scale, double *G, double *room) {
    if (B != NULL)
        icl_frame_map(f, B, G, room);
    else
        icl_frame_multiply(0, 1, f->dim, f->T, f->T, G);
    for (int64_t i = 0; i < f->dim * f->dim; i++)
        G[i] *= scale;
}

/* The risk of Gamma = G in the frame. room: d. */
static icl_status estimate(const char *function, const icl_law *law,
                           const icl_simulation *simulation, const icl_frame *f, const double *G,
                           double *room, icl_estimate *risk) {
    double least;
    icl_estimate result;
    icl_frame_optimum(f, 0, room, &least);
    result.value = least + icl_frame_distance(f, G, room);
    ICL_REQUIRE(law->context, isfinite(result.value), ICL_ERR_DIVERGED, "%s: the risk overflows",
                function);
    ICL_TRY(icl_gamma_error(law, simulation, f, G, NULL, NULL, &result.standard_error, NULL));
    if (risk != NULL)
        *risk = result;
    return ICL_OK;
}

/* The risk of scale * B, or with `best` of the best multiple, which goes to *scale. */
static icl_status scaled_risk(const char *function, const icl_law *law,
                              const icl_simulation *simulation, const double *B, int best,
                              double *scale, icl_estimate *risk) {
    int64_t d = law->dim, dd = d * d;
    double *G = NULL, factor = *scale;
    icl_frame *f = NULL;
    icl_status status;
    ICL_TRY_GOTO(icl_frame_create(function, law, simulation, 0, &f), done);
    ICL_TRY_GOTO(ICL_NEW(law->context, &G, 2 * dd + d), done);
    map_scaled(f, B, best ? 1 : factor, G, G + dd);
    if (best) {
        double explained = 0, power = icl_frame_power(f, G);
        for (int64_t j = 0; j < f->rank; j++)
            explained += f->k[j] * G[j * d + j];
        factor = power > 0 ? explained / power : 0;
        for (int64_t i = 0; i < dd; i++)
            G[i] *= factor;
    }
    ICL_TRY_GOTO(estimate(function, law, simulation, f, G, G + 2 * dd, risk), done);
    *scale = factor;
done:
    icl_dealloc(law->context, G);
    icl_frame_free(f);
    return status;
}

icl_status icl_theory_risk(const icl_law *law, const icl_simulation *simulation,
                           const double *gamma, icl_estimate *risk) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(icl_check_simulation(law->context, __func__, simulation));
    ICL_CHECK_ARRAY(law->context, gamma, law->dim * law->dim);
    double one = 1;
    return scaled_risk(__func__, law, simulation, gamma, 0, &one, risk);
}

static icl_status check_preconditioner(const char *function, const icl_law *law,
                                       const icl_simulation *simulation, const double *B) {
    if (law == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(icl_check_simulation(law->context, function, simulation));
    return B == NULL ? ICL_OK
                     : icl_check_array(law->context, function, "B", B, law->dim * law->dim);
}

icl_status icl_theory_step_risk(const icl_law *law, const icl_simulation *simulation,
                                const double *B, double eta, icl_estimate *risk) {
    ICL_TRY(check_preconditioner(__func__, law, simulation, B));
    ICL_REQUIRE(law->context, isfinite(eta), ICL_ERR_NONFINITE, "%s: eta = %g is not finite",
                __func__, eta);
    double scale = (double)law->examples * eta;
    return scaled_risk(__func__, law, simulation, B, 0, &scale, risk);
}

icl_status icl_theory_best_step(const icl_law *law, const icl_simulation *simulation,
                                const double *B, double *eta, icl_estimate *risk) {
    ICL_TRY(check_preconditioner(__func__, law, simulation, B));
    double scale = 0;
    ICL_TRY(scaled_risk(__func__, law, simulation, B, 1, &scale, risk));
    if (eta != NULL)
        *eta = law->examples > 0 ? scale / (double)law->examples : 0;
    return ICL_OK;
}
