/* Haar rotations as products of Householder reflections of normal vectors (Stewart 1980, Mezzadri
 * 2007): no LAPACK, so that the bits depend on no library. */
#include <math.h>
#include <string.h>

#include "random/streams.h"

/* rotation <- rotation * H on the last `size` coordinates, H = I - 2 u u^T / u^T u with
 * u = v + sign(v_1) ||v|| e_1, then the first of these columns turned where v_1 > 0, so that H e_1
 * is v / ||v||. v becomes u. */
static void reflect(int64_t dim, int64_t size, double *v, double *rotation) {
    double norm2 = 0;
    for (int64_t i = 0; i < size; i++)
        norm2 += v[i] * v[i];
    double norm = copysign(sqrt(norm2), v[0]);
    v[0] += norm;
    double scale = 1 / (norm * v[0]);
    for (int64_t row = 0; row < dim; row++) {
        double *r = rotation + row * dim + dim - size, sum = 0;
        for (int64_t i = 0; i < size; i++)
            sum += r[i] * v[i];
        sum *= scale;
        for (int64_t i = 0; i < size; i++)
            r[i] -= sum * v[i];
        r[0] *= norm > 0 ? -1 : 1;
    }
}

void icl_random_haar(const icl_context *context, uint64_t seed, uint64_t stream, int64_t dim,
                     double *rotation, double *vector) {
    memset(rotation, 0, (size_t)(dim * dim) * sizeof *rotation);
    for (int64_t i = 0; i < dim; i++)
        rotation[i * dim + i] = 1;
    /* a reflection has determinant -1, and its first column is turned where v_1 > 0 */
    double determinant = 1;
    for (int64_t size = dim; size >= 2; size--) {
        icl_random_fill(context, seed, ICL_PURPOSE_FLAT, stream, (dim - size) * dim, size, 1,
                        vector);
        determinant *= vector[0] > 0 ? 1 : -1;
        reflect(dim, size, vector, rotation);
    }
    if (determinant < 0)
        for (int64_t row = 0; row < dim; row++)
            rotation[row * dim + dim - 1] = -rotation[row * dim + dim - 1];
}

icl_status icl_random_rotation(icl_context *context, uint64_t seed, uint64_t stream, int64_t dim,
                               double *rotation) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_TRY(icl_check_seed(context, __func__, "seed", seed));
    ICL_CHECK_RANGE(context, dim, 1, 16384);
    ICL_REQUIRE_POINTER(context, rotation);
    double *vector;
    ICL_TRY(ICL_NEW(context, &vector, dim));
    icl_random_haar(context, seed, stream, dim, rotation, vector);
    icl_dealloc(context, vector);
    return ICL_OK;
}
