/* Threefry4x64 with 20 rounds on eight counters at once (Salmon, Moraes, Dror, Shaw, SC 2011), and
 * the uniforms and normals made of its words. For *_kernel.c files only.
 *
 * Random123's scalar function runs 2.6 times slower when the compiler is left to vectorise it; it
 * is the oracle of the tests instead.
 */
#ifndef ICL_RANDOM_THREEFRY_KERNEL_H
#define ICL_RANDOM_THREEFRY_KERNEL_H

#include "base/vec8.h"
#include "base/vec8_math.h"

/* The key schedule: the key and its parity word. */
typedef struct icl_key {
    uint64_t word[5];
} icl_key;

V8_INLINE icl_key icl_key_of(uint64_t seed, uint64_t purpose, uint64_t stream) {
    const uint64_t parity = UINT64_C(0x1bd11bdaa9fc1a22);
    return (icl_key){{seed, purpose, stream, 0, parity ^ seed ^ purpose ^ stream}};
}

#define THREEFRY_MIX(a, b, rotation)                                                               \
    a = u8_add(a, b);                                                                              \
    b = u8_xor(u8_rotate_left(b, rotation), a)
#define THREEFRY_TWO(r0, r1, r2, r3)                                                               \
    THREEFRY_MIX(x0, x1, r0);                                                                      \
    THREEFRY_MIX(x2, x3, r1);                                                                      \
    THREEFRY_MIX(x0, x3, r2);                                                                      \
    THREEFRY_MIX(x2, x1, r3)
#define THREEFRY_KEY(s)                                                                            \
    x0 = u8_add(x0, u8_set(key->word[(s) % 5]));                                                   \
    x1 = u8_add(x1, u8_set(key->word[((s) + 1) % 5]));                                             \
    x2 = u8_add(x2, u8_set(key->word[((s) + 2) % 5]));                                             \
    x3 = u8_add(x3, u8_set(key->word[((s) + 3) % 5] + (s)))
#define THREEFRY_EVEN                                                                              \
    THREEFRY_TWO(14, 16, 52, 57);                                                                  \
    THREEFRY_TWO(23, 40, 5, 37)
#define THREEFRY_ODD                                                                               \
    THREEFRY_TWO(25, 33, 46, 12);                                                                  \
    THREEFRY_TWO(58, 22, 32, 32)

/* words[0..3] of the block with counter (c0, c1, c2, 0) in each lane. */
V8_INLINE void icl_threefry(const icl_key *key, u8 c0, u8 c1, u8 c2, u8 words[4]) {
    u8 x0 = c0, x1 = c1, x2 = c2, x3 = u8_set(0);
    THREEFRY_KEY(0u);
    THREEFRY_EVEN;
    THREEFRY_KEY(1u);
    THREEFRY_ODD;
    THREEFRY_KEY(2u);
    THREEFRY_EVEN;
    THREEFRY_KEY(3u);
    THREEFRY_ODD;
    THREEFRY_KEY(4u);
    THREEFRY_EVEN;
    THREEFRY_KEY(5u);
    words[0] = x0;
    words[1] = x1;
    words[2] = x2;
    words[3] = x3;
}

#undef THREEFRY_MIX
#undef THREEFRY_TWO
#undef THREEFRY_KEY
#undef THREEFRY_EVEN
#undef THREEFRY_ODD

/* (word >> 12) 2^-52 + 2^-53: exact, strictly between 0 and 1. */
V8_INLINE v8 icl_uniform_of(u8 word) {
    v8 m = v8_of_u8(u8_or(u8_shift_right(word, 12), u8_set(V8_EXPONENT_ONE)));
    return v8_add(v8_sub(m, v8_set(1)), v8_set(0x1p-53));
}

/* Two normals from two words by Box and Muller: the first word gives the radius; of the second, the
 * top bit swaps the coordinates, the next one is the sign of the longer, the rest the angle within
 * (-pi/4, pi/4). */
V8_INLINE void icl_normals_of(u8 radius_word, u8 angle_word, v8 *first, v8 *second) {
    v8 radius = v8_sqrt(v8_minus_two_log(icl_uniform_of(radius_word)));
    v8 m =
        v8_of_u8(u8_or(u8_shift_right(u8_shift_left(angle_word, 2), 12), u8_set(V8_EXPONENT_ONE)));
    v8 f = v8_add(v8_sub(m, v8_set(1.5)), v8_set(0x1p-53));
    v8 sine, cosine;
    v8_sincos_quarter(f, &sine, &cosine);
    u8 sign = u8_and(u8_shift_left(angle_word, 1), u8_set(V8_SIGN));
    u8 swap = u8_sub(u8_set(0), u8_shift_right(angle_word, 63));
    v8 longer = v8_mul(radius, v8_of_u8(u8_xor(u8_of_v8(cosine), sign)));
    v8 shorter = v8_mul(radius, sine);
    *first = v8_choose(swap, shorter, longer);
    *second = v8_choose(swap, longer, shorter);
}

#endif
