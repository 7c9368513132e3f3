/* Moments of the labels f, without noise, in the coordinates z of a frame: x = T^T z (frame.h),
 * so that z ~ N(0, I). In these coordinates every law that libicl knows has diagonal
 *
 *     E_f[c_f c_f^T] = diag(signal),  c_f = E_x[z f],
 *     E[f^2 z z^T]   = power I + diag(bend).
 *
 * For f = g(w.x), ||w|| = 1: w.x = sqrt(tau) e.z with tau = w^T Sigma w and a unit e, and with
 * g = g(sqrt(tau) s), s ~ N(0, 1), given w:
 *
 *     c_f c_f^T = A e e^T,              A = (E s g)^2,
 *     E_x f^2 z z^T = B I + D e e^T,    B = E g^2, D = E g^2 (s^2 - 1).
 */
#ifndef ICL_THEORY_LABEL_MOMENTS_H
#define ICL_THEORY_LABEL_MOMENTS_H

#include <icl/theory.h>

#include "task/law.h"
#include "theory/quadrature.h"

/* Given tau. */
typedef struct icl_label_values {
    double A, B, D;
    double fourth; /* E g^4 */
} icl_label_values;

/* 1 if the moments of g need quadrature: TANH, LOGISTIC and CALLBACK. The others are closed. */
int icl_label_needs_quadrature(const icl_law *law);

/* The values of a g-law at tau; room: 2 count doubles of the quadrature where it is needed.
 * CALLBACK: on the calling thread. ICL_ERR_CALLBACK if g fails. Not for LINEAR and NET. */
icl_status icl_label_values_at(const icl_law *law, const icl_quadrature *quadrature, double tau,
                               double *room, icl_label_values *out);

/* Means over f. */
typedef struct icl_label_means {
    double *signal;      /* d */
    double *bend;        /* d */
    double power;        /* E f^2 */
    double rest;         /* E f^2 - sum signal, without cancellation where that is known */
    double fourth;       /* E f^4 */
    double spread;       /* the variance over f of E_x f^2 */
    double spread_error; /* its standard error where only it is simulated (NET) */
} icl_label_means;

struct icl_frame;

/* A closed form: linear labels with mean zero given E_w (R^T w)_j^2 in means->signal; g-laws with
 * Sigma = scale I; the net with any Sigma, except its spread, which needs Sigma = scale I. */
void icl_label_means_linear(const icl_law *law, int64_t rank, double noise_free_power,
                            icl_label_means *means);
icl_status icl_label_means_scalar(const icl_law *law, int64_t rank, double scale,
                                  icl_label_means *means);
void icl_label_means_net(const icl_law *law, const struct icl_frame *frame, icl_label_means *means);

/* The others, from the tasks of a sampler; spread of the net from pairs of directions. */
icl_status icl_label_means_simulated(const icl_law *law, const icl_simulation *simulation,
                                     const struct icl_frame *frame, icl_label_means *means);
icl_status icl_label_spread_net(const icl_law *law, const icl_simulation *simulation,
                                icl_label_means *means);

/* E |a|^2 |b|^2 J(theta)^2 over independent a, b ~ N(0, Sigma) with the angle theta, from the flat
 * stream (seed, 0), and its standard error. */
icl_status icl_label_pairs(const icl_law *law, const icl_simulation *simulation, double *mean,
                           double *error);

/* A linear function of a g-law's means: sum_j signal_j A e_j^2 + sum_j bend_j D e_j^2 + power B +
 * square B^2 + fourth E g^4. */
typedef struct icl_label_functional {
    const double *signal; /* d */
    const double *bend;   /* d */
    double power, square, fourth;
} icl_label_functional;

/* *error: the standard error of the functional. gamma_error (d) or NULL: that of
 * signal_j - gamma_j c_j, with c_j as in frame.h. */
icl_status icl_label_errors(const icl_law *law, const icl_simulation *simulation,
                            const struct icl_frame *frame, const icl_label_functional *functional,
                            const double *gamma, double *error, double *gamma_error);

#endif
