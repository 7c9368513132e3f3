/* Moves matrices into a frame and back, and measures them there. */
#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "theory/frame.h"

enum { SMALL = 16 }; /* dgemm's own cost exceeds that of the loops up to about this size */

void icl_frame_multiply(int trans_a, int trans_b, int64_t d, const double *a, const double *b,
                        double *c) {
    if (d > SMALL) {
        icl_matmul(trans_a, trans_b, d, d, d, a, b, c);
        return;
    }
    int64_t ai = trans_a ? 1 : d, ak = trans_a ? d : 1;
    int64_t bk = trans_b ? 1 : d, bj = trans_b ? d : 1;
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++) {
            double sum = 0;
            for (int64_t k = 0; k < d; k++)
                sum += a[i * ai + k * ak] * b[k * bk + j * bj];
            c[i * d + j] = sum;
        }
}

void icl_frame_map(const icl_frame *frame, const double *a, double *out, double *room) {
    icl_frame_multiply(0, 1, frame->dim, a, frame->T, room);
    icl_frame_multiply(0, 0, frame->dim, frame->T, room, out);
}

void icl_frame_unmap(const icl_frame *frame, const double *a, double *out, double *room) {
    icl_frame_multiply(0, 0, frame->dim, a, frame->T, room);
    icl_frame_multiply(1, 0, frame->dim, frame->T, room, out);
}

void icl_frame_map_vector(const icl_frame *frame, const double *x, double *out) {
    int64_t d = frame->dim;
    for (int64_t i = 0; i < d; i++) {
        double sum = 0;
        for (int64_t j = 0; j < d; j++)
            sum += frame->T[i * d + j] * x[j];
        out[i] = sum;
    }
}

void icl_frame_unmap_vector(const icl_frame *frame, const double *x, double *out) {
    int64_t d = frame->dim;
    memset(out, 0, (size_t)d * sizeof *out);
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            out[j] += frame->T[i * d + j] * x[i];
}

/* What keeping direction j explains: k_j^2 / c_j. */
static double explained(const icl_frame *f, int64_t j) {
    return f->c[j] > 0 ? f->k[j] * (f->k[j] / f->c[j]) : 0;
}

void icl_frame_optimum(const icl_frame *f, int64_t rank, double *gamma, double *risk) {
    int64_t kept = rank > 0 && rank < f->rank ? rank : f->rank;
    memset(gamma, 0, (size_t)f->dim * sizeof *gamma);
    for (int64_t turn = 0; turn < kept; turn++) {
        int64_t best = turn;
        /* the truncated singular value decomposition: G* C^1/2 is diag(k / sqrt c) */
        if (kept < f->rank) {
            double most = -1;
            for (int64_t j = 0; j < f->rank; j++)
                if (gamma[j] == 0 && explained(f, j) > most) {
                    most = explained(f, j);
                    best = j;
                }
        }
        gamma[best] = f->c[best] > 0 ? f->k[best] / f->c[best] : 0;
    }
    double sum = f->rest;
    for (int64_t j = 0; j < f->rank; j++)
        sum += gamma[j] != 0 ? f->k[j] * (f->slack[j] / f->c[j]) : f->k[j];
    *risk = sum;
}

double icl_frame_power(const icl_frame *frame, const double *G) {
    double sum = 0;
    for (int64_t i = 0; i < frame->rank; i++)
        for (int64_t j = 0; j < frame->rank; j++)
            sum += frame->c[j] * G[i * frame->dim + j] * G[i * frame->dim + j];
    return sum;
}

double icl_frame_distance(const icl_frame *frame, const double *G, const double *gamma) {
    double sum = 0;
    for (int64_t i = 0; i < frame->rank; i++)
        for (int64_t j = 0; j < frame->rank; j++) {
            double difference = G[i * frame->dim + j] - (i == j ? gamma[j] : 0);
            sum += frame->c[j] * difference * difference;
        }
    return sum;
}
