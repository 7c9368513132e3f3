/* The products of small matrices of eight prompts. */
#include "lanes/lane_matrix.h"

/* Doubles from entry to entry, and an entry as a vector or as one register of it. */
enum { LANE_STEP = 8, PLAIN_STEP = 1 };
#define LANE_ENTRY(a, index) v8_load((a) + 8 * (index))
#define PLAIN_ENTRY(a, index) v8_set((a)[index])
#define LANE_PART(a, index) part_load((a) + 8 * (index))
#define PLAIN_PART(a, index) part_set((a)[index])

/* y_i = y0_i + sum_k A_ik x_k for i < rows, k < inner; y0 NULL: 0. y may be y0, and overlaps
 * nothing else. Four sums run at a time, since one alone waits for its own fused multiply-add. */
#define LANE_MATVEC(name, A_KIND, X_KIND)                                                          \
    V8_INLINE void name(int64_t rows, int64_t inner, const double *A, int64_t row, int64_t col,    \
                        const double *x, int64_t step, const double *y0, double *y) {              \
        int64_t i = 0;                                                                             \
        for (; i + 4 <= rows; i += 4) {                                                            \
            v8 sum[4];                                                                             \
            for (int k = 0; k < 4; k++)                                                            \
                sum[k] = y0 != NULL ? v8_load(y0 + 8 * (i + k)) : v8_set(0);                       \
            for (int64_t j = 0; j < inner; j++) {                                                  \
                const v8 factor = X_KIND##_ENTRY(x, j * step);                                     \
                for (int k = 0; k < 4; k++)                                                        \
                    sum[k] = v8_fma(A_KIND##_ENTRY(A, (i + k) * row + j * col), factor, sum[k]);   \
            }                                                                                      \
            for (int k = 0; k < 4; k++)                                                            \
                v8_store(y + 8 * (i + k), sum[k]);                                                 \
        }                                                                                          \
        for (; i < rows; i++) {                                                                    \
            v8 sum = y0 != NULL ? v8_load(y0 + 8 * i) : v8_set(0);                                 \
            for (int64_t j = 0; j < inner; j++)                                                    \
                sum = v8_fma(A_KIND##_ENTRY(A, i * row + j * col), X_KIND##_ENTRY(x, j * step),    \
                             sum);                                                                 \
            v8_store(y + 8 * i, sum);                                                              \
        }                                                                                          \
    }

/* Accumulators of a tile: twelve, one side's entries and one of the other fill sixteen registers;
 * twenty-four and those leave some of thirty-two. */
#if defined(__AVX512F__)
enum { LANE_TILE_ROWS = 6, LANE_TILE_COLS = 4 };
#else
enum { LANE_TILE_ROWS = 4, LANE_TILE_COLS = 3 };
#endif
#define LANE_UNROLL _Pragma("GCC unroll 6")

/* C = C0 + A B for one register of each entry, rows x cols of them; C has `stride` columns. */
#define LANE_TILE(name, A_KIND, B_KIND)                                                            \
    V8_INLINE void name##_tile(const int rows, const int cols, int64_t inner, lane_factor A,       \
                               lane_factor B, const double *C0, double *C, int64_t stride) {       \
        v8_part sum[LANE_TILE_ROWS][LANE_TILE_COLS];                                               \
        LANE_UNROLL for (int i = 0; i < rows; i++) LANE_UNROLL for (int j = 0; j < cols; j++)      \
            sum[i][j] = C0 != NULL ? LANE_PART(C0, i * stride + j) : part_set(0);                  \
        for (int64_t k = 0; k < inner; k++) {                                                      \
            v8_part b[LANE_TILE_COLS];                                                             \
            LANE_UNROLL for (int j = 0; j < cols; j++) b[j] = B_KIND##_PART(B.at, j * B.col);      \
            LANE_UNROLL for (int i = 0; i < rows; i++) {                                           \
                const v8_part a = A_KIND##_PART(A.at, i * A.row);                                  \
                LANE_UNROLL for (int j = 0; j < cols; j++) sum[i][j] =                             \
                    part_fma(a, b[j], sum[i][j]);                                                  \
            }                                                                                      \
            A.at += A_KIND##_STEP * A.col;                                                         \
            B.at += B_KIND##_STEP * B.row;                                                         \
        }                                                                                          \
        LANE_UNROLL for (int i = 0; i < rows; i++) LANE_UNROLL for (int j = 0; j < cols; j++)      \
            part_store(C + 8 * (i * stride + j), sum[i][j]);                                       \
    }

#define LANE_TILE_CASE(name, r, c)                                                                 \
    case 8 * (r) + (c):                                                                            \
        name##_tile(r, c, inner, a, b, C0 != NULL ? C0 + at : NULL, C + at, stride);               \
        break;
#if defined(__AVX512F__)
#define LANE_TILE_CASES(name, r)                                                                   \
    LANE_TILE_CASE(name, r, 1)                                                                     \
    LANE_TILE_CASE(name, r, 2) LANE_TILE_CASE(name, r, 3) LANE_TILE_CASE(name, r, 4)
#define LANE_TALL_CASES(name) LANE_TILE_CASES(name, 5) LANE_TILE_CASES(name, 6)
#else
#define LANE_TILE_CASES(name, r)                                                                   \
    LANE_TILE_CASE(name, r, 1) LANE_TILE_CASE(name, r, 2) LANE_TILE_CASE(name, r, 3)
#define LANE_TALL_CASES(name)
#endif

/* The next of the nearly equal pieces of at most `most` that `left` is cut into. */
V8_INLINE int64_t lane_piece(int64_t left, int64_t most) {
    int64_t pieces = (left + most - 1) / most;
    return (left + pieces - 1) / pieces;
}

/* A product as lane_matrix.h has it. */
#define LANE_MATMUL(name, A_KIND, B_KIND)                                                          \
    LANE_TILE(name, A_KIND, B_KIND)                                                                \
    LANE_MATVEC(name##_row, B_KIND, A_KIND)                                                        \
    void name(int64_t m, int64_t n, int64_t inner, lane_factor A, lane_factor B, int lower,        \
              const double *C0, double *C, int64_t stride) {                                       \
        if (m == 1) {                                                                              \
            name##_row(n, inner, B.at, B.col, B.row, A.at, A.col, C0, C);                          \
            return;                                                                                \
        }                                                                                          \
        for (int part = 0; part < V8_PARTS; part++)                                                \
            for (int64_t j = 0, cols; j < n; j += cols) {                                          \
                cols = lane_piece(n - j, LANE_TILE_COLS);                                          \
                for (int64_t i = 0, rows; i < m; i += rows) {                                      \
                    rows = lane_piece(m - i, LANE_TILE_ROWS);                                      \
                    if (lower && i + rows <= j)                                                    \
                        continue;                                                                  \
                    lane_factor a = A, b = B;                                                      \
                    const int64_t lane = part * V8_WIDTH, at = 8 * (i * stride + j) + lane;        \
                    a.at += A_KIND##_STEP * i * A.row + (A_KIND##_STEP == LANE_STEP ? lane : 0);   \
                    b.at += B_KIND##_STEP * j * B.col + (B_KIND##_STEP == LANE_STEP ? lane : 0);   \
                    switch (8 * rows + cols) {                                                     \
                        LANE_TILE_CASES(name, 2)                                                   \
                        LANE_TILE_CASES(name, 3)                                                   \
                        LANE_TILE_CASES(name, 4)                                                   \
                        LANE_TALL_CASES(name)                                                      \
                    }                                                                              \
                }                                                                                  \
            }                                                                                      \
    }

LANE_MATMUL(lane_multiply_ll, LANE, LANE)
LANE_MATMUL(lane_multiply_pl, PLAIN, LANE)
LANE_MATMUL(lane_multiply_lp, LANE, PLAIN)
