/* The exact loss of the full layer and its gradient (MATH.md 3; the even part derived there for
 * linear labels, here for every law through h and spread). */
#include "theory/quartic.h"

#include <math.h>

static double dot(int64_t count, const double *a, const double *b) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* out += a^T x, or a x. */
static void add_transposed(int64_t d, const double *a, const double *x, double *out) {
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            out[j] += a[i * d + j] * x[i];
}

static void add_product(int64_t d, const double *a, const double *x, double scale, double *out) {
    for (int64_t i = 0; i < d; i++)
        out[i] += scale * dot(d, a + i * d, x);
}

static void zero(int64_t count, double *a) {
    for (int64_t i = 0; i < count; i++)
        a[i] = 0;
}

/* p, q and p + v power r'; all 0 for n = 0, where the prompt has no moments. */
static void load_even(icl_quartic *out) {
    const icl_frame *f = out->frame;
    int64_t d = f->dim;
    zero(3 * d, out->p);
    if (f->inverse_n == 0)
        return;
    add_transposed(d, out->N, out->u, out->p);
    for (int64_t i = 0; i < d; i++) {
        out->mean[i] = out->p[i] + out->v * f->power * out->r[i];
        out->gu[i] = f->h[i] * out->u[i];
    }
    add_transposed(d, out->N, out->gu, out->q);
}

void icl_quartic_load(const icl_frame *frame, double *room, const double *u, double v,
                      const double *M, const double *r, icl_quartic *out) {
    int64_t d = frame->dim, dd = d * d;
    *out = (icl_quartic){.frame = frame, .v = v};
    out->N = room;
    out->G = out->N + dd;
    out->room = out->G + dd;
    out->u = out->room + dd;
    out->r = out->u + d;
    out->p = out->r + d;
    out->mean = out->p + d;
    out->q = out->mean + d;
    out->gu = out->q + d;
    out->gr = out->gu + d;
    icl_frame_map(frame, M, out->N, out->room);
    icl_frame_map_vector(frame, u, out->u);
    icl_frame_map_vector(frame, r, out->r);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            out->G[i * d + j] = v * out->N[j * d + i] + out->r[i] * out->u[j];
    out->uu = dot(d, out->u, out->u);
    out->rr = dot(d, out->r, out->r);
    out->NN = dot(dd, out->N, out->N);
    load_even(out);
}

double icl_quartic_even(const icl_quartic *x) {
    const icl_frame *f = x->frame;
    int64_t d = f->dim;
    double means = dot(d, x->mean, x->mean);
    double own = f->inverse_n * (dot(d, x->p, x->p) + x->NN * x->uu);
    if (!(f->spread > 0))
        return means + own;
    /* the square is completed: what is left of `own` is at least half of it, except at d = 1 */
    double square = 0;
    for (int64_t i = 0; i < d; i++) {
        double term = x->v * x->r[i] + x->q[i] / f->spread;
        square += term * term;
    }
    return means + f->spread * square + fmax(own - dot(d, x->q, x->q) / f->spread, 0);
}

/* What the even part adds to gu and gr; N is still N. */
static void even_gradient(icl_quartic *x) {
    const icl_frame *f = x->frame;
    int64_t d = f->dim;
    double in = f->inverse_n, v = x->v;
    add_product(d, x->N, x->mean, 2, x->gu);
    add_product(d, x->N, x->p, 2 * in, x->gu);
    for (int64_t i = 0; i < d; i++) {
        x->gu[i] += 2 * in * x->NN * x->u[i];
        x->gu[i] += 2 * v * f->h[i] * dot(d, x->N + i * d, x->r);
        x->gr[i] += 2 * v * (f->power * x->mean[i] + x->q[i] + v * f->spread * x->r[i]);
    }
    x->gv +=
        2 * f->power * dot(d, x->mean, x->r) + 2 * dot(d, x->q, x->r) + 2 * v * f->spread * x->rr;
}

void icl_quartic_gradient(icl_quartic *x, const double *gamma) {
    const icl_frame *f = x->frame;
    int64_t d = f->dim;
    double in = f->inverse_n, v = x->v;
    zero(2 * d, x->gu);
    x->gv = 0;
    /* E = the derivative in G, in place of G */
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double *e = x->G + i * d + j;
            *e = 2 * f->c[j] * (*e - (i == j ? gamma[j] : 0));
            x->gv += *e * x->N[j * d + i];
        }
    add_transposed(d, x->G, x->r, x->gu);
    add_product(d, x->G, x->u, 1, x->gr);
    even_gradient(x);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double *n = x->N + i * d + j;
            double mean = x->mean[j] + in * x->p[j] + v * f->h[i] * x->r[j];
            *n = v * x->G[j * d + i] + 2 * x->u[i] * mean + 2 * in * x->uu * *n;
        }
    icl_frame_unmap(f, x->N, x->G, x->room);
    icl_frame_unmap_vector(f, x->gu, x->p);
    icl_frame_unmap_vector(f, x->gr, x->q);
    for (int64_t i = 0; i < d; i++) {
        x->gu[i] = x->p[i];
        x->gr[i] = x->q[i];
    }
}
