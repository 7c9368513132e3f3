/* The law of the eigenvalues: which form, its simulated form, and its Gauss rules. */
#include "theory/spectrum.h"

#include <math.h>

#include "linalg/linalg.h"
#include "theory/simulate.h"

icl_status icl_spectrum_create(const char *function, const icl_law *law,
                               const icl_simulation *simulation, int64_t degree,
                               icl_spectrum *out) {
    *out = (icl_spectrum){.rest = 1};
    if (law->examples == 0)
        return ICL_OK;
    if (icl_law_normal_covariates(law))
        return icl_spectrum_wishart(law->context, law->examples, law->dim, degree, out);
    ICL_REQUIRE(law->context, simulation != NULL, ICL_ERR_NO_CLOSED_FORM,
                "%s: covariates that are not Gaussian need a simulation, which is NULL", function);
    return icl_spectrum_simulated(law, simulation, out);
}

void icl_spectrum_free(const icl_context *context, icl_spectrum *spectrum) {
    icl_dealloc(context, spectrum->node);
    *spectrum = (icl_spectrum){0};
}

/* ---- simulated ---- */

typedef struct sampled {
    const double *whitener; /* P (d x d), P Sigma P^T = I */
    int64_t dim, kept;      /* d, min(n, d) */
    int64_t eigen_size;
} sampled;

/* The eigenvalues of P S P^T but for those that are 0 for want of examples. */
static icl_status measure(void *user, const icl_batch *batch, int64_t prompt, double *room,
                          double *values) {
    const sampled *s = user;
    int64_t d = s->dim, dd = d * d;
    double *a = room, *b = a + dd, *all = b + dd, *work = all + d;
    icl_matmul(0, 0, d, d, d, s->whitener, batch->S + prompt * dd, a);
    icl_matmul(0, 1, d, d, d, a, s->whitener, b);
    ICL_TRY(icl_eigen_with(d, b, all, a, work, s->eigen_size));
    for (int64_t j = 0; j < s->kept; j++)
        values[j] = fmax(all[d - s->kept + j], 0);
    return ICL_OK;
}

static icl_status sample(const icl_law *law, const icl_simulation *simulation, double *whitener,
                         icl_tally *tallies, icl_spectrum *out) {
    int64_t d = law->dim;
    for (int64_t k = 0; k < d; k++)
        for (int64_t i = 0; i < d; i++)
            whitener[k * d + i] = law->vectors[k * d + i] / sqrt(law->values[k]);
    sampled s = {whitener, d, out->group, icl_eigen_scratch(d)};
    ICL_REQUIRE(law->context, s.eigen_size >= 0, ICL_ERR_SIZE,
                "dim = %lld is too large for LAPACK's dsyevd", (long long)d);
    icl_run run = {.law = law,
                   .simulation = simulation,
                   .contents = ICL_CONTENTS_MOMENTS,
                   .width = out->group,
                   .room = 2 * d * d + d + s.eigen_size,
                   .measure = measure,
                   .user = &s,
                   .kept = out->node};
    return icl_simulate(&run, tallies);
}

icl_status icl_spectrum_simulated(const icl_law *law, const icl_simulation *simulation,
                                  icl_spectrum *out) {
    int64_t d = law->dim, group = law->examples < d ? law->examples : d;
    int64_t count = icl_product(simulation->prompts, group, 1);
    double *whitener = NULL;
    icl_tally *tallies = NULL;
    icl_status status;
    *out = (icl_spectrum){.rest = (double)(d - group) / (double)d, .group = group};
    ICL_TRY_GOTO(ICL_NEW(law->context, &out->node, icl_product(count, 2, 1)), done);
    ICL_TRY_GOTO(ICL_NEW(law->context, &whitener, d * d), done);
    ICL_TRY_GOTO(ICL_NEW(law->context, &tallies, group), done);
    ICL_TRY_GOTO(sample(law, simulation, whitener, tallies, out), done);
    out->count = count;
    out->weight = out->node + count;
    for (int64_t k = 0; k < count; k++)
        out->weight[k] = 1 / ((double)d * (double)simulation->prompts);
done:
    icl_dealloc(law->context, whitener);
    icl_dealloc(law->context, tallies);
    if (status != ICL_OK)
        icl_spectrum_free(law->context, out);
    return status;
}

/* ---- Gauss rules ---- */

/* Stieltjes' procedure: the recurrence of the polynomials p_k that are orthonormal for s dmu, from
 * sums over the points. now, before: count doubles. Returns the order reached. */
static int64_t recurrence(const icl_spectrum *mu, int64_t order, double *now, double *before,
                          double *diagonal, double *off) {
    double mass = 0, beside = 0;
    for (int64_t i = 0; i < mu->count; i++)
        mass += mu->weight[i] * mu->node[i];
    for (int64_t i = 0; i < mu->count; i++)
        now[i] = 1 / sqrt(mass);
    for (int64_t k = 0; k < order; k++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < mu->count; i++)
            mean += mu->weight[i] * mu->node[i] * mu->node[i] * now[i] * now[i];
        for (int64_t i = 0; i < mu->count; i++) {
            double next = (mu->node[i] - mean) * now[i] - beside * before[i];
            before[i] = now[i];
            now[i] = next;
            square += mu->weight[i] * mu->node[i] * next * next;
        }
        diagonal[k] = mean;
        beside = off[k] = sqrt(square);
        if (!(beside > 0))
            return k + 1;
        for (int64_t i = 0; i < mu->count; i++)
            now[i] /= beside;
    }
    return order;
}

icl_status icl_spectrum_gauss(const icl_context *context, const icl_spectrum *mu, int64_t order,
                              double *nodes, int64_t *found) {
    double *room;
    *found = 0;
    if (mu->count == 0)
        return ICL_OK;
    ICL_TRY(ICL_NEW(context, &room, 2 * mu->count + order));
    double *before = room + mu->count, *off = before + mu->count;
    order = order < mu->count ? order : mu->count;
    *found = recurrence(mu, order, room, before, nodes, off);
    icl_status status = icl_tridiagonal_eigenvalues(context, *found, nodes, off);
    icl_dealloc(context, room);
    return status;
}
