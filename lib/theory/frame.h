/* A law in the coordinates where all that one layer needs of it is diagonal.
 *
 *     Sigma = T^T T,   K = T^T diag(k) T,   C = T^T diag(c) T,
 *     E[S s_yy] = T^T (power I + diag(h)) T;
 *
 * the rows of T beyond the rank of Sigma are 0, and P T^T = diag(1, .., 1, 0, .., 0). K and C share
 * the basis for every law with Gaussian covariates: for linear labels C = (1 + 1/n) K +
 * (E y^2 / n) Sigma; the non-linear ones are invariant under the reflections of Sigma's
 * eigenvectors. For uniform covariates x = R z, T = R^T, and E z_j^4 - 3 = -6/5 adds
 * -(6/5) R diag(R^T W R) R^T / n to C: the basis is shared where R^T W R is diagonal. Where E
 * (v.z)^2 z z^T is q times that of a normal z (the sphere, Student's t, scales of examples), C = (1
 * + (2 q - 1) / n) K + (q E (w.x)^2 + sigma^2) / n Sigma in the same basis. With G = T Gamma T^T
 *
 *     risk(Gamma) = rest + sum_j k_j slack_j / c_j + sum_ij c_j (G_ij - delta_ij k_j / c_j)^2,
 *
 * slack = c - k >= 0: a sum of non-negative terms, and Gamma* = P^T diag(k / c) P.
 */
#ifndef ICL_THEORY_FRAME_H
#define ICL_THEORY_FRAME_H

#include "task/law.h"
#include "theory/label_moments.h"

/* What is known of E yhat_even^2. */
typedef enum icl_even {
    ICL_EVEN_EXACT,     /* h and spread are closed forms */
    ICL_EVEN_SIMULATED, /* h or spread are simulated */
    ICL_EVEN_UNKNOWN    /* a prior mean, other tasks or covariates than Gaussian (or nobody asked):
                           h, spread are 0 */
} icl_even;

typedef struct icl_frame {
    icl_context *context;
    int64_t dim, rank;
    double *block;
    double *T, *P;             /* d x d */
    double *k, *c, *slack, *h; /* d; 0 from rank on */
    double inverse_n;          /* 1 / n; n = 0: 0, as are k, c, slack, h and spread */
    double others;             /* 1 - 1 / n; n = 0: 0 */
    double power;              /* E y^2, which is E s_yy where n > 0 */
    double rest;               /* E y^2 - sum k */
    double spread;             /* Var s_yy */
    double spread_error;       /* standard error of the variance over f of E_x f^2 (NET) */
    icl_even even;
    int simulated; /* 1: k and c are */
} icl_frame;

/* even: 1 if h and spread are wanted. ICL_ERR_NO_CLOSED_FORM, in the name of `function`, where the
 * law needs a simulation and that is NULL. */
icl_status icl_frame_create(const char *function, const icl_law *law,
                            const icl_simulation *simulation, int even, icl_frame **out);
void icl_frame_free(icl_frame *frame);

/* out = T a T^T; room d x d. */
void icl_frame_map(const icl_frame *frame, const double *a, double *out, double *room);
/* out = T^T a T; out may be a. */
void icl_frame_unmap(const icl_frame *frame, const double *a, double *out, double *room);
/* out = T x. */
void icl_frame_map_vector(const icl_frame *frame, const double *x, double *out);
void icl_frame_unmap_vector(const icl_frame *frame, const double *x, double *out);

/* gamma (d): the diagonal of G of the best Gamma of this rank (0: any); *risk its risk. */
void icl_frame_optimum(const icl_frame *frame, int64_t rank, double *gamma, double *risk);

/* Sum_ij c_j G_ij^2 = E (x_q^T Gamma b)^2, and the same of G - diag(gamma). */
double icl_frame_power(const icl_frame *frame, const double *G);
double icl_frame_distance(const icl_frame *frame, const double *G, const double *gamma);

/* K and C (d x d) as the law defines them, NULL if not wanted. */
icl_status icl_frame_moments(const icl_law *law, const icl_frame *frame, double *K, double *C);

/* c (m x n) = op(a) op(b) as icl_matmul, by plain loops where that is faster. All d x d. */
void icl_frame_multiply(int trans_a, int trans_b, int64_t d, const double *a, const double *b,
                        double *c);

#endif
