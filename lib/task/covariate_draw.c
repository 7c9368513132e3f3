/* What is drawn of covariates before their covariance: z, and the factors that stretch it. */
#include <math.h>

#include "task/group_draw.h"

static int scaled_by_prompt(const icl_law *law) {
    return law->scale == ICL_SCALE_PROMPT || law->scale == ICL_SCALE_COORDINATE;
}

/* Chi's come in twos, hence the 1. */
int64_t icl_scale_entries(const icl_law *law) {
    return scaled_by_prompt(law) ? law->dim + 1 : 0;
}

int64_t icl_radius_entries(const icl_law *law, int64_t chunk) {
    int drawn = law->covariates == ICL_COVARIATES_STUDENT || law->scale == ICL_SCALE_EXAMPLE;
    return drawn ? chunk + 1 : 0;
}

/* sqrt(G) = chi(2 k) / sqrt(2 k), number `first`, even, and on; up to one more. */
static void draw_gamma_roots(const icl_group_draw *g, icl_purpose purpose, int64_t first,
                             int64_t count, double *out) {
    double freedom = 2 * g->law->scale_shape, root = sqrt(freedom);
    const icl_chi_law law = icl_chi_law_of(freedom);
    g->random->chis_of(g->seed, purpose, g->prompt, (uint64_t)(first / 2), &law, count, out);
    for (int64_t i = 0; i < ICL_LANES * count; i++)
        out[i] /= root;
}

/* sqrt((nu - 2) / chi^2(nu)) */
static void draw_student_radii(const icl_group_draw *g, icl_purpose purpose, int64_t first,
                               int64_t count, double *out) {
    double root = sqrt(g->law->freedom - 2);
    const icl_chi_law law = icl_chi_law_of(g->law->freedom);
    g->random->chis_of(g->seed, purpose, g->prompt, (uint64_t)(first / 2), &law, count, out);
    for (int64_t i = 0; i < ICL_LANES * count; i++)
        out[i] = root / out[i];
}

void icl_group_draw_scales(const icl_group_draw *g) {
    const icl_law *law = g->law;
    if (scaled_by_prompt(law))
        draw_gamma_roots(g, ICL_PURPOSE_SCALE, 0, law->scale == ICL_SCALE_PROMPT ? 1 : law->dim,
                         g->scales);
}

/* Of the coordinates alone. */
static void draw_coordinates(const icl_group_draw *g, icl_purpose purpose, int64_t first,
                             int64_t count) {
    int64_t d = g->law->dim;
    const double root_12 = 0x1.bb67ae8584caap+1;
    if (g->law->covariates == ICL_COVARIATES_UNIFORM)
        g->random->uniforms(g->seed, purpose, g->prompt, (uint64_t)(first * d / 4), count * d,
                            root_12, 0.5, g->z);
    else
        icl_group_draw_normals(g, purpose, first * d, count * d, g->z);
    for (int64_t i = 0; i < count && g->law->covariates == ICL_COVARIATES_SPHERE; i++)
        g->kernels->normalise(d, sqrt((double)d), g->z + ICL_LANES * i * d);
}

void icl_group_draw_covariates(const icl_group_draw *g, icl_purpose purpose, int64_t first,
                               int64_t count) {
    const icl_law *law = g->law;
    int64_t d = law->dim;
    int query = purpose == ICL_PURPOSE_QUERY;
    draw_coordinates(g, purpose, first, count);
    if (law->covariates == ICL_COVARIATES_STUDENT) {
        draw_student_radii(g, query ? ICL_PURPOSE_QUERY_RADIUS : ICL_PURPOSE_RADIUS, first, count,
                           g->radii);
        g->kernels->stretch(d, count, g->radii, 1, 0, g->z);
    }
    if (law->scale == ICL_SCALE_EXAMPLE) {
        draw_gamma_roots(g, query ? ICL_PURPOSE_QUERY_SCALE : ICL_PURPOSE_SCALE, first, count,
                         g->radii);
        g->kernels->stretch(d, count, g->radii, 1, 0, g->z);
    }
    if (scaled_by_prompt(law))
        g->kernels->stretch(d, count, g->scales, 0, law->scale == ICL_SCALE_COORDINATE, g->z);
}
