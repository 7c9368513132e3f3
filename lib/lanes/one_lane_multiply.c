/* The products of lane_matrix.h for one lane, by the BLAS. */
#define ICL_ONE_LANE 1
#define ICL_ISA one_lane
#include "lanes/lane_matrix.h"

#include <cblas.h>

/* How cblas_dgemm is told of a factor with `across` entries a row. */
typedef struct plain_factor {
    CBLAS_TRANSPOSE trans;
    int stride;
} plain_factor;

static plain_factor describe(lane_factor f, int64_t across) {
    if (f.row == 1 && f.col > 1)
        return (plain_factor){CblasTrans, (int)f.col};
    return (plain_factor){CblasNoTrans, (int)(f.row > across ? f.row : across)};
}

static void multiply(int64_t m, int64_t n, int64_t inner, lane_factor A, lane_factor B,
                     const double *C0, double *C, int64_t stride) {
    const plain_factor a = describe(A, inner), b = describe(B, n);
    for (int64_t i = 0; C0 != NULL && C0 != C && i < m; i++)
        memcpy(C + i * stride, C0 + i * stride, (size_t)n * sizeof *C);
    cblas_dgemm(CblasRowMajor, a.trans, b.trans, (int)m, (int)n, (int)inner, 1, A.at, a.stride,
                B.at, b.stride, C0 != NULL, C, (int)(stride > n ? stride : n));
}

#define ONE_LANE_MULTIPLY(name)                                                                    \
    void name(int64_t m, int64_t n, int64_t inner, lane_factor A, lane_factor B, int lower,        \
              const double *C0, double *C, int64_t stride) {                                       \
        (void)lower;                                                                               \
        multiply(m, n, inner, A, B, C0, C, stride);                                                \
    }
ONE_LANE_MULTIPLY(lane_multiply_ll)
ONE_LANE_MULTIPLY(lane_multiply_pl)
ONE_LANE_MULTIPLY(lane_multiply_lp)
