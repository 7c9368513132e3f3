/* The vector arithmetic of lib/base and lib/random on plain arrays of whole groups of eight, on
 * 64-byte boundaries: compiled once for each instruction set, as the library's own kernels are. */
#ifndef ICL_TESTS_VEC8_PROBE_H
#define ICL_TESTS_VEC8_PROBE_H

#include <icl/base.h>

#include "base/isa.h"

typedef struct vec8_probe {
    void (*minus_two_log)(int64_t groups, const double *u, double *out);
    void (*sincos_quarter)(int64_t groups, const double *f, double *sine, double *cosine);
    void (*sin)(int64_t groups, const double *x, double *out);
    void (*exp)(int64_t groups, const double *x, double *out);
    void (*tanh)(int64_t groups, const double *x, double *out);
    void (*max)(int64_t groups, const double *a, const double *b, double *out);
    void (*round)(int64_t groups, const double *a, double *out);
    /* 1 in all lanes of a group if a < b in all of them, else 0 */
    void (*all_less)(int64_t groups, const double *a, const double *b, double *out);
    /* a * b + c with one rounding or two, as the instruction set has it */
    void (*fma)(int64_t groups, const double *a, const double *b, const double *c, double *out);
    void (*uniforms)(int64_t groups, const uint64_t *words, double *out);
    void (*normals)(int64_t groups, const uint64_t *radius, const uint64_t *angle, double *first,
                    double *second);
    /* Words of the blocks with counters (c0, c1, c2, 0): word i of lane l in words[8 i + l] */
    void (*threefry)(uint64_t seed, uint64_t purpose, uint64_t stream, const uint64_t c0[8],
                     const uint64_t c1[8], const uint64_t c2[8], uint64_t words[32]);
} vec8_probe;

ICL_ISA_TABLES(vec8_probe, vec8_probe)

#endif
