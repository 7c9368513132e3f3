/* Counter-based random streams.
 *
 * A draw is a pure function of (seed, stream, index): Threefry4x64 with 20 rounds (Salmon et al.,
 * SC 2011) on a counter, so that any part of a stream can be drawn by anybody, in any order, on
 * any number of threads and on any instruction set, with equal bits. There is no generator state.
 *
 * Key layout, frozen: key = (seed, purpose, stream, 0). Flat streams have purpose 0; the purposes
 * of a task sampler are listed in <icl/task.h>. In a flat stream, the value of index e is word
 * (e mod 32) / 8 of the block with counter (8 (e / 32) + e mod 8, 0, 0, 0). A uniform is
 * (word >> 12) 2^-52 + 2^-53, strictly between 0 and 1. Words 0, 1 and words 2, 3 of a block each
 * give two normals by Box and Muller: with u the uniform of the first word, r = sqrt(-2 log u), and
 * theta = (pi/2) (k 2^-52 + 2^-53 - 1/2), k the bits 61 to 10 of the second word, they are
 * (s r cos theta, r sin theta), s = -1 where bit 62 is set, in reverse order where bit 63 is.
 */
#ifndef ICL_RANDOM_H
#define ICL_RANDOM_H

#include <icl/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* out[k] = value of index first + k of the flat stream (seed, stream), k = 0..count-1: uniform on
 * (0, 1), or standard normal. count >= 0, first >= 0, first + count <= 2^62; out holds count
 * doubles. Error of a normal against exact arithmetic on the same uniforms: below 7e-16 relative
 * to 1 + its size. */
ICL_API icl_status icl_random_uniform(icl_context *context, uint64_t seed, uint64_t stream,
                                      int64_t first, int64_t count, double *out);
ICL_API icl_status icl_random_normal(icl_context *context, uint64_t seed, uint64_t stream,
                                     int64_t first, int64_t count, double *out);

/* A rotation Q (d x d, row-major), det Q = +1, from the Haar measure of SO(d), 1 <= d <= 16384.
 * Q = Q_1 ... Q_{d-1}: with z the normals (k - 1) d to (k - 1) d + d - k of the flat stream, Q_k is
 * the identity on the first k - 1 coordinates and on the others the Householder reflection that
 * takes e_1 to -sign(z_1) z / ||z||, its first column turned to z / ||z||. Where det Q is -1 the
 * last column is turned. rotation holds d x d doubles. */
ICL_API icl_status icl_random_rotation(icl_context *context, uint64_t seed, uint64_t stream,
                                       int64_t dim, double *rotation);

#ifdef __cplusplus
}
#endif
#endif
