/* Small matrices of eight prompts at once: entry-major, lane-minor, on 64-byte boundaries. For
 * *_kernel.c files only.
 *
 * Four sums run at a time, since one alone waits for its own fused multiply-add; each sum takes
 * its terms in the order of the inner index, so that tiling changes no bit.
 */
#ifndef ICL_LANES_LANE_MATRIX_H
#define ICL_LANES_LANE_MATRIX_H

#include "base/vec8.h"

/* What is multiplied: entry (i, j) of a matrix whose entries are vectors or plain numbers. */
#define LANE_ENTRY(a, index) v8_load((a) + 8 * (index))
#define PLAIN_ENTRY(a, index) v8_set((a)[index])

/* y_i (+)= sum_j A[i row + j col] x_j for i < rows, j < cols. y may not overlap the rest. */
#define LANE_MATVEC(name, A_ENTRY, X_ENTRY)                                                        \
    V8_INLINE void name(int64_t rows, int64_t cols, const double *A, int64_t row, int64_t col,     \
                        const double *x, int add, double *y) {                                     \
        int64_t i = 0;                                                                             \
        for (; i + 4 <= rows; i += 4) {                                                            \
            v8 sum[4];                                                                             \
            for (int k = 0; k < 4; k++)                                                            \
                sum[k] = add ? v8_load(y + 8 * (i + k)) : v8_set(0);                               \
            for (int64_t j = 0; j < cols; j++) {                                                   \
                const v8 factor = X_ENTRY(x, j);                                                   \
                for (int k = 0; k < 4; k++)                                                        \
                    sum[k] = v8_fma(A_ENTRY(A, (i + k) * row + j * col), factor, sum[k]);          \
            }                                                                                      \
            for (int k = 0; k < 4; k++)                                                            \
                v8_store(y + 8 * (i + k), sum[k]);                                                 \
        }                                                                                          \
        for (; i < rows; i++) {                                                                    \
            v8 sum = add ? v8_load(y + 8 * i) : v8_set(0);                                         \
            for (int64_t j = 0; j < cols; j++)                                                     \
                sum = v8_fma(A_ENTRY(A, i * row + j * col), X_ENTRY(x, j), sum);                   \
            v8_store(y + 8 * i, sum);                                                              \
        }                                                                                          \
    }

/* lanes times numbers, numbers times lanes, lanes times lanes */
LANE_MATVEC(lane_matvec_ln, LANE_ENTRY, PLAIN_ENTRY)
LANE_MATVEC(lane_matvec_nl, PLAIN_ENTRY, LANE_ENTRY)
LANE_MATVEC(lane_matvec_ll, LANE_ENTRY, LANE_ENTRY)

/* A (rows x cols) += x y^T */
V8_INLINE void lane_rank_one(int64_t rows, int64_t cols, const double *x, const double *y,
                             double *A) {
    for (int64_t i = 0; i < rows; i++) {
        const v8 factor = v8_load(x + 8 * i);
        for (int64_t j = 0; j < cols; j++) {
            double *out = A + 8 * (i * cols + j);
            v8_store(out, v8_fma(factor, v8_load(y + 8 * j), v8_load(out)));
        }
    }
}

#endif
