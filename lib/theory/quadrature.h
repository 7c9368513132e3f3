/* Expectations over one standard normal, and over the angle of two, by Gauss-Legendre panels. */
#ifndef ICL_THEORY_QUADRATURE_H
#define ICL_THEORY_QUADRATURE_H

#include "base/context.h"

/* Gauss-Legendre nodes, ascending, and weights on (-1, 1). */
enum { ICL_LEGENDRE_POINTS = 16 };
void icl_legendre(double *node, double *weight);

/* E h(z) = sum_k weight[k] h(node[k]) for z ~ N(0, 1). Nodes ascend; no panel holds 0 inside. */
typedef struct icl_quadrature {
    int64_t count;
    double *node;
    double *weight;
} icl_quadrature;

/* EXACT reaches to |z| = 37.5, where the density is 1e-306, with panels of 1/2; FAST to 9 (density
 * 1e-18) with panels of 1, for what only meets sampling noise. Both halve the panels towards 0. */
typedef enum icl_reach { ICL_REACH_EXACT, ICL_REACH_FAST } icl_reach;

icl_status icl_quadrature_create(const icl_context *context, icl_reach reach, icl_quadrature *out);
void icl_quadrature_free(const icl_context *context, icl_quadrature *quadrature);

/* J(theta) = sin theta + (pi - theta) cos theta: E relu(a.x) relu(b.x) = |a| |b| J / (2 pi) for
 * x ~ N(0, I) and the angle theta of a and b (Cho and Saul 2009). */
double icl_arc_cosine(double theta);

/* E J(theta)^2 for the angle of two random directions in dim dimensions. */
double icl_arc_cosine_square(int64_t dim);

#endif
