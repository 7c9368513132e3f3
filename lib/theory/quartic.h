/* One point (u, v, M, r) of the layer in the coordinates of a frame, and the loss there:
 *
 *     N = T M T^T, u' = T u, r' = T r, G = v N^T + r' u'^T = T Gamma T^T.
 *
 * With the prompt's S = T^T (I + delta) T and s_yy = power + delta_s (delta, delta_s of mean zero)
 * and p = N^T u', q = N^T (h * u'),
 *
 *     E yhat_even^2 = |p + v power r'|^2
 *                     + (|p|^2 + ||N||^2 |u'|^2) / n + 2 v q.r' + v^2 spread |r'|^2,
 *
 * the first square being what the means give, the rest the fluctuations.
 */
#ifndef ICL_THEORY_QUARTIC_H
#define ICL_THEORY_QUARTIC_H

#include "theory/frame.h"

/* Doubles of room that a point of dimension d needs. */
#define ICL_QUARTIC_ROOM(d) (3 * (d) * (d) + 7 * (d))

typedef struct icl_quartic {
    const icl_frame *frame;
    double v;
    double *N, *G, *room;         /* d x d */
    double *u, *r, *p, *mean, *q; /* d: u', r', p, p + v power r', q */
    double *gu, *gr;              /* d: of the loss, after icl_quartic_gradient */
    double gv;
    double uu, rr, NN; /* |u'|^2, |r'|^2, ||N||^2 */
} icl_quartic;

void icl_quartic_load(const icl_frame *frame, double *room, const double *u, double v,
                      const double *M, const double *r, icl_quartic *out);

/* E yhat_even^2, as a sum of non-negative terms. */
double icl_quartic_even(const icl_quartic *quartic);

/* gu, gv, gr, and gM in place of G (then G and N are gone), of
 * sum_ij c_j (G_ij - delta_ij gamma_j)^2 + E yhat_even^2. */
void icl_quartic_gradient(icl_quartic *quartic, const double *gamma);

#endif
