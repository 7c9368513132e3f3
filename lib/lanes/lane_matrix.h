/* Small matrices of LANES prompts at once: entry-major, lane-minor, on 64-byte boundaries. For
 * *_kernel.c files only. LANES is eight, or one where ICL_ONE_LANE is defined: the same source then
 * works on plain matrices and takes its products from the BLAS.
 *
 * A factor is of lanes (its entries are vectors) or plain (numbers, the same for all prompts): l
 * and p in the names of the products. Entry (i, j) is number i row + j col, so that strides
 * transpose. Each sum takes its terms in the order of the inner index, so that tiling changes no
 * bit.
 */
#ifndef ICL_LANES_LANE_MATRIX_H
#define ICL_LANES_LANE_MATRIX_H

#include "base/isa.h"
#if defined(ICL_ONE_LANE)
#include "lanes/one_lane.h"
#else
#include "base/vec8.h"
enum { LANES = 8 };
#endif

typedef struct lane_factor {
    const double *at;
    int64_t row, col;
} lane_factor;

V8_INLINE lane_factor lane_rows(const double *at, int64_t cols) {
    return (lane_factor){at, cols, 1};
}

V8_INLINE lane_factor lane_transposed(const double *at, int64_t cols) {
    return (lane_factor){at, 1, cols};
}

/* C (m x n, with `stride` columns) = C0 + A B, A m x inner, B inner x n; C0 NULL: 0, else laid out
 * like C. C may be C0, and overlaps nothing else. lower = 1: of the entries above the diagonal some
 * are left out. */
#define LANE_MULTIPLY(name)                                                                        \
    void name(int64_t m, int64_t n, int64_t inner, lane_factor A, lane_factor B, int lower,        \
              const double *C0, double *C, int64_t stride);
#define lane_multiply_ll ICL_ISA_NAME(lane_multiply_ll)
#define lane_multiply_pl ICL_ISA_NAME(lane_multiply_pl)
#define lane_multiply_lp ICL_ISA_NAME(lane_multiply_lp)
LANE_MULTIPLY(lane_multiply_ll)
LANE_MULTIPLY(lane_multiply_pl)
LANE_MULTIPLY(lane_multiply_lp)
#undef LANE_MULTIPLY

V8_INLINE void lane_copy(int64_t entries, const double *from, double *to) {
    memcpy(to, from, (size_t)(LANES * entries) * sizeof *to);
}

V8_INLINE void lane_add(int64_t entries, const double *from, double *to) {
    for (int64_t e = 0; e < LANES * entries; e += LANES)
        v8_store(to + e, v8_add(v8_load(to + e), v8_load(from + e)));
}

/* Numbers to all lanes. */
V8_INLINE void lane_fill(int64_t entries, const double *from, double *to) {
    for (int64_t e = 0; e < entries; e++)
        v8_store(to + LANES * e, v8_set(from[e]));
}

/* H (D x D) = F + F^T, plus, where it is not NULL, U of which the lower triangle is read. */
V8_INLINE void lane_symmetric(int64_t D, const double *F, const double *U, double *H) {
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j <= i; j++) {
            v8 value = v8_add(v8_load(F + LANES * (i * D + j)), v8_load(F + LANES * (j * D + i)));
            if (U != NULL)
                value = v8_add(value, v8_load(U + LANES * (i * D + j)));
            v8_store(H + LANES * (i * D + j), value);
            v8_store(H + LANES * (j * D + i), value);
        }
}

#endif
