/* Eight doubles or eight 64-bit words, one a lane, on any instruction set.
 *
 * A vector is one 512-bit register, two of 256 or four of 128, by the flags that the file is
 * compiled with; every operation is lane by lane, so results differ between instruction sets only
 * through v8_fma, which rounds once where the set has a fused multiply-add and twice elsewhere
 * (v8_muladd of vec8_math.h rounds once everywhere).
 * For files named *_kernel.c only (see base/isa.h).
 */
#ifndef ICL_BASE_VEC8_H
#define ICL_BASE_VEC8_H

#include <math.h>
#include <stdint.h>
#include <string.h>
#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { V8_PARTS = 1, V8_WIDTH = 8 };
typedef double v8_part __attribute__((vector_size(64)));
typedef uint64_t u8_part __attribute__((vector_size(64)));
#elif defined(__AVX2__)
enum { V8_PARTS = 2, V8_WIDTH = 4 };
typedef double v8_part __attribute__((vector_size(32)));
typedef uint64_t u8_part __attribute__((vector_size(32)));
#else
enum { V8_PARTS = 4, V8_WIDTH = 2 };
typedef double v8_part __attribute__((vector_size(16)));
typedef uint64_t u8_part __attribute__((vector_size(16)));
#endif

typedef struct v8 {
    v8_part p[V8_PARTS];
} v8;

typedef struct u8 {
    u8_part p[V8_PARTS];
} u8;

#define V8_INLINE static inline __attribute__((always_inline, unused))
#if defined(__clang__)
#define V8_EACH _Pragma("clang loop unroll(full)") for (int k = 0; k < V8_PARTS; k++)
#else
#define V8_EACH _Pragma("GCC unroll 4") for (int k = 0; k < V8_PARTS; k++)
#endif

#define V8_BINARY(type, name, operator)                                                            \
    V8_INLINE type name(type a, type b) {                                                          \
        type out;                                                                                  \
        V8_EACH out.p[k] = a.p[k] operator b.p[k];                                                 \
        return out;                                                                                \
    }
V8_BINARY(v8, v8_add, +)
V8_BINARY(v8, v8_sub, -)
V8_BINARY(v8, v8_mul, *)
V8_BINARY(v8, v8_div, /)
V8_BINARY(u8, u8_add, +)
V8_BINARY(u8, u8_sub, -)
V8_BINARY(u8, u8_xor, ^)
V8_BINARY(u8, u8_and, &)
V8_BINARY(u8, u8_or, |)
#undef V8_BINARY

/* memory on a 64-byte boundary */
V8_INLINE v8 v8_load(const double *from) {
    v8 out;
    V8_EACH out.p[k] = *(const v8_part *)(from + k * V8_WIDTH);
    return out;
}

V8_INLINE void v8_store(double *to, v8 a) {
    V8_EACH *(v8_part *)(to + k * V8_WIDTH) = a.p[k];
}

V8_INLINE u8 u8_load(const uint64_t *from) {
    u8 out;
    V8_EACH out.p[k] = *(const u8_part *)(from + k * V8_WIDTH);
    return out;
}

V8_INLINE v8 v8_set(double a) {
    v8 out;
    V8_EACH out.p[k] = a - (v8_part){0};
    return out;
}

V8_INLINE u8 u8_set(uint64_t a) {
    u8 out;
    V8_EACH out.p[k] = a - (u8_part){0};
    return out;
}

V8_INLINE u8 u8_of_v8(v8 a) {
    u8 out;
    memcpy(&out, &a, sizeof out);
    return out;
}

V8_INLINE v8 v8_of_u8(u8 a) {
    v8 out;
    memcpy(&out, &a, sizeof out);
    return out;
}

V8_INLINE u8 u8_shift_left(u8 a, int bits) {
    u8 out;
    V8_EACH out.p[k] = a.p[k] << bits;
    return out;
}

V8_INLINE u8 u8_shift_right(u8 a, int bits) {
    u8 out;
    V8_EACH out.p[k] = a.p[k] >> bits;
    return out;
}

V8_INLINE u8 u8_rotate_left(u8 a, int bits) {
    return u8_or(u8_shift_left(a, bits), u8_shift_right(a, 64 - bits));
}

V8_INLINE v8 v8_sqrt(v8 a) {
    v8 out;
#if defined(__AVX512F__)
    out.p[0] = (v8_part)_mm512_sqrt_pd((__m512d)a.p[0]);
#elif defined(__AVX2__)
    V8_EACH out.p[k] = (v8_part)_mm256_sqrt_pd((__m256d)a.p[k]);
#else
    V8_EACH for (int i = 0; i < V8_WIDTH; i++) out.p[k][i] = sqrt(a.p[k][i]);
#endif
    return out;
}

/* One register of a vector: for loops that go over a vector's parts themselves, so that tiles of
 * accumulators fill the registers of every instruction set. */
V8_INLINE v8_part part_load(const double *from) {
    return *(const v8_part *)from;
}

V8_INLINE void part_store(double *to, v8_part a) {
    *(v8_part *)to = a;
}

V8_INLINE v8_part part_set(double a) {
    return a - (v8_part){0};
}

/* a * b + c */
V8_INLINE v8_part part_fma(v8_part a, v8_part b, v8_part c) {
#if defined(__AVX512F__)
    return (v8_part)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__FMA__)
    return (v8_part)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
    return a * b + c;
#endif
}

V8_INLINE v8 v8_fma(v8 a, v8 b, v8 c) {
    v8 out;
    V8_EACH out.p[k] = part_fma(a.p[k], b.p[k], c.p[k]);
    return out;
}

/* Words of ones in the lanes where a < b, zero elsewhere. */
V8_INLINE u8 v8_less(v8 a, v8 b) {
    u8 out;
    V8_EACH out.p[k] = (u8_part)(a.p[k] < b.p[k]);
    return out;
}

/* 1 if a mask of words of ones or zero is ones in all lanes. */
V8_INLINE int u8_all(u8 mask) {
#if defined(__AVX512F__)
    return _mm512_test_epi64_mask((__m512i)mask.p[0], (__m512i)mask.p[0]) == 0xff;
#elif defined(__AVX2__)
    __m256d both = _mm256_and_pd((__m256d)mask.p[0], (__m256d)mask.p[1]);
    return _mm256_movemask_pd(both) == 0xf;
#else
    u8_part all = mask.p[0];
    V8_EACH all &= mask.p[k];
    return (all[0] & all[1]) != 0;
#endif
}

/* mask ? a : b */
V8_INLINE v8 v8_choose(u8 mask, v8 a, v8 b) {
    u8 x = u8_of_v8(a), y = u8_of_v8(b);
    return v8_of_u8(u8_xor(y, u8_and(mask, u8_xor(x, y))));
}

V8_INLINE v8 v8_max(v8 a, v8 b) {
    return v8_choose(v8_less(a, b), b, a);
}

#endif
