/* Moments of a prompt without its examples (Bartlett 1933). With Z (D x n) of normals, the tokens
 * of linear labels and Gaussian covariates are
 *
 *     (x_i; y_i) = T Z e_i,   T = (R 0; w^T R sigma),   n G = T Z Z^T T^T,
 *
 * and Z Z^T = C C^T in distribution, C (D x min(n, D)) lower trapezoidal: what Z becomes when
 * rotations of its rows' space take row after row to its first coordinates. C_ii is chi(n - i + 1),
 * i from 1, what is below are normals, all independent. So n G = A A^T, A = T C.
 */
#include <string.h>

#include "task/group_draw.h"

/* Columns of A that are handled at a time: few enough to stay in cache. */
static int64_t chunk_of(int64_t D) {
    int64_t chunk = 4096 / D;
    return chunk < 4 ? 4 : chunk < D ? chunk : D;
}

static int64_t columns_of(const icl_law *law) {
    return law->examples < law->dim + 1 ? law->examples : law->dim + 1;
}

int64_t icl_factor_lay_out(icl_group_draw *g, double *base) {
    int64_t d = g->law->dim, D = d + 1, chunk = chunk_of(D), count = columns_of(g->law);
    /* chi's come in twos and normals in fours, which the first may be in the midst of */
    int64_t chi = ICL_LANES * (D + 1), below = ICL_LANES * (chunk * d + 6);
    int64_t columns = ICL_LANES * chunk * D;
    int64_t laws = (D + 1) * (int64_t)(sizeof *g->laws / sizeof *base);
    if (base != NULL) {
        g->chi = base;
        g->below = g->chi + chi;
        g->columns = g->below + below;
        g->laws = (icl_chi_law *)(g->columns + columns);
        icl_chi_laws(g->law->examples, count, g->laws);
    }
    return chi + below + columns + laws;
}

/* Columns first.. of A; `entry` is the index of the first normal below C's diagonal there. */
static void draw_columns(const icl_group_draw *g, int64_t first, int64_t count, int64_t entry,
                         int64_t entries) {
    const icl_law *law = g->law;
    int64_t skip = entry % 4;
    if (entries > 0)
        g->random->prompts(g->seed, ICL_PURPOSE_FACTOR, g->prompt, (uint64_t)(entry / 4),
                           skip + entries, g->below);
    g->kernels->factor(&law->root, law->dim, first, count, g->chi + ICL_LANES * first,
                       g->below + ICL_LANES * skip, g->task, g->sigma, g->columns);
}

/* Of covariates that are 0 from a coordinate on, in the lanes: R loses its last rows, so that S and
 * b have zeros there, and w.x is that of a w with zeros. */
static void drop_weights(const icl_group_draw *g) {
    int64_t d = g->law->dim, active = g->law->active;
    memset(g->task + ICL_LANES * active, 0, (size_t)(ICL_LANES * (d - active)) * sizeof *g->task);
}

static void drop_moments(const icl_law *law, double *gram) {
    int64_t d = law->dim, D = d + 1;
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++)
            if ((i >= law->active && i < d) || (j >= law->active && j < d))
                memset(gram + ICL_LANES * (i * D + j), 0, ICL_LANES * sizeof *gram);
}

void icl_group_draw_moments(const icl_group_draw *g, icl_batch *batch, int64_t group) {
    const icl_law *law = g->law;
    int64_t d = law->dim, D = d + 1, chunk = chunk_of(D), columns = columns_of(law), entry = 0;
    double *gram = batch->gram + group * ICL_LANES * D * D;
    if (columns == 0) {
        memset(gram, 0, (size_t)(D * D * ICL_LANES) * sizeof *gram);
        return;
    }
    drop_weights(g);
    g->random->chis(g->seed, g->prompt, g->laws, columns + columns % 2, g->chi);
    for (int64_t first = 0; first < columns; first += chunk) {
        int64_t count = columns - first < chunk ? columns - first : chunk;
        int64_t entries = count * (d - first) - count * (count - 1) / 2;
        draw_columns(g, first, count, entry, entries);
        double scale = first + count == columns ? 1 / (double)law->examples : 0;
        g->kernels->gram(D, law->root.dense == NULL, first, count, scale, g->columns, gram);
        entry += entries;
    }
    if (law->active < d)
        drop_moments(law, gram);
}
