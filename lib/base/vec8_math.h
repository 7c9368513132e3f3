/* Elementary functions on eight lanes, the same bits on every instruction set: what is fused here
 * is fused on all of them, the rest on none (-ffp-contract=off). The polynomials interpolate at
 * Chebyshev nodes, computed to 50 digits; errors below are of the polynomial alone, relative to the
 * function. For *_kernel.c files only.
 */
#ifndef ICL_BASE_VEC8_MATH_H
#define ICL_BASE_VEC8_MATH_H

#include "base/vec8.h"

/* a * b + c, rounded once on every instruction set: by libm where there is no instruction. */
V8_INLINE v8 v8_muladd(v8 a, v8 b, v8 c) {
#if defined(__FMA__) || defined(__AVX512F__)
    return v8_fma(a, b, c);
#else
    double x[8], y[8], z[8];
    memcpy(x, &a, sizeof x);
    memcpy(y, &b, sizeof y);
    memcpy(z, &c, sizeof z);
    for (int lane = 0; lane < 8; lane++)
        z[lane] = fma(x[lane], y[lane], z[lane]);
    memcpy(&c, z, sizeof z);
    return c;
#endif
}

#define V8_SIGN UINT64_C(0x8000000000000000)
#define V8_EXPONENT_ONE UINT64_C(0x3ff0000000000000)
#define V8_MANTISSA UINT64_C(0x000fffffffffffff)

V8_INLINE v8 v8_negate(v8 a) {
    return v8_of_u8(u8_xor(u8_of_v8(a), u8_set(V8_SIGN)));
}

V8_INLINE v8 v8_abs(v8 a) {
    return v8_of_u8(u8_and(u8_of_v8(a), u8_set(~V8_SIGN)));
}

/* The double nearest to an integer below 2^51 in size, and its low bits as a word. */
V8_INLINE v8 v8_round(v8 a, u8 *bits) {
    const v8 magic = v8_set(0x1.8p52);
    v8 shifted = v8_add(a, magic);
    *bits = u8_of_v8(shifted);
    return v8_sub(shifted, magic);
}

/* -2 log u for u in [2^-1000, 2^1000]: u = 2^e m, m in [sqrt(1/2), sqrt(2)), log m = 2 atanh(s),
 * s = (m - 1)/(m + 1); 2^-57. */
V8_INLINE v8 v8_minus_two_log(v8 u) {
    const uint64_t root_half = UINT64_C(0x3fe6a09e667f3bcd);
    u8 shifted = u8_add(u8_of_v8(u), u8_set(V8_EXPONENT_ONE - root_half));
    v8 e =
        v8_sub(v8_of_u8(u8_or(u8_shift_right(shifted, 52), u8_set(UINT64_C(0x4330000000000000)))),
               v8_set(0x1p52 + 1023));
    v8 m = v8_of_u8(u8_add(u8_and(shifted, u8_set(V8_MANTISSA)), u8_set(root_half)));
    v8 f = v8_sub(m, v8_set(1));
    v8 s = v8_div(f, v8_add(m, v8_set(1)));
    v8 z = v8_mul(s, s), z2 = v8_mul(z, z);
    v8 odd = v8_muladd(z2, v8_set(0x1.39fe51a7c18f9p-4), v8_set(0x1.c71c62e3f11e6p-4));
    v8 even = v8_muladd(z2, v8_set(0x1.2b5900de53b32p-4), v8_set(0x1.7462b51cb66b1p-4));
    odd = v8_muladd(z2, odd, v8_set(0x1.99999999952d7p-3));
    even = v8_muladd(z2, even, v8_set(0x1.2492492df281ap-3));
    even = v8_muladd(z2, even, v8_set(0x1.5555555555558p-2));
    v8 p = v8_mul(z, v8_muladd(z, odd, even));
    v8 s4 = v8_mul(s, v8_set(-4));
    return v8_add(v8_muladd(e, v8_set(-0x1.62e42fefa39efp0), v8_mul(s4, p)), s4);
}

/* sin and cos of (pi/2) f for |f| <= 1/2; 2^-54. */
V8_INLINE void v8_sincos_quarter(v8 f, v8 *sine, v8 *cosine) {
    v8 t = v8_mul(f, f), t2 = v8_mul(t, t);
    v8 a = v8_muladd(t2, v8_set(0x1.e3f38399551bfp-25), v8_set(0x1.50782fda12d96p-13));
    v8 b = v8_muladd(t2, v8_set(-0x1.e30071afc3e59p-19), v8_set(-0x1.32d2cce2e5b19p-8));
    a = v8_muladd(t2, a, v8_set(0x1.466bc677587f8p-4));
    b = v8_muladd(t2, b, v8_set(-0x1.4abbce625be41p-1));
    b = v8_muladd(t, v8_muladd(t, a, b), v8_set(0x1.921fb54442d18p+0));
    *sine = v8_mul(f, b);
    v8 c = v8_muladd(t2, v8_set(-0x1.b2f3eb054afcdp-28), v8_set(-0x1.a6d1eef479be1p-16));
    v8 d = v8_muladd(t2, v8_set(0x1.f9ce245cada0bp-22), v8_set(0x1.e1f5068688d5bp-11));
    c = v8_muladd(t2, c, v8_set(-0x1.55d3c7e3cb241p-6));
    d = v8_muladd(t2, d, v8_set(0x1.03c1f081b5ac0p-2));
    c = v8_muladd(t2, c, v8_set(-0x1.3bd3cc9be45dep+0));
    *cosine = v8_muladd(t, v8_muladd(t, d, c), v8_set(1));
}

/* sin x for |x| <= 2^20, absolute error below 2^-51: pi/2 in two parts of 33 bits and a rest, so
 * that the products with the quarter's number are exact. */
V8_INLINE v8 v8_sin(v8 x) {
    u8 q;
    v8 n = v8_round(v8_mul(x, v8_set(0x1.45f306dc9c883p-1)), &q);
    v8 y = v8_sub(x, v8_mul(n, v8_set(0x1.921fb544p+0)));
    y = v8_sub(y, v8_mul(n, v8_set(0x1.0b4611a6p-34)));
    y = v8_sub(y, v8_mul(n, v8_set(0x1.3198a2e037073p-69)));
    v8 sine, cosine;
    v8_sincos_quarter(v8_mul(y, v8_set(0x1.45f306dc9c883p-1)), &sine, &cosine);
    u8 odd = u8_sub(u8_set(0), u8_and(q, u8_set(1)));
    u8 sign = u8_shift_left(u8_and(q, u8_set(2)), 62);
    return v8_of_u8(u8_xor(u8_of_v8(v8_choose(odd, cosine, sine)), sign));
}

/* exp x = power (1 + e), power = 2^n, for |x| <= 708: x = n log 2 + r, |r| <= log 2 / 2; 2^-54. */
V8_INLINE v8 v8_exp_parts(v8 x, v8 *power) {
    u8 q;
    v8 n = v8_round(v8_mul(x, v8_set(0x1.71547652b82fep+0)), &q);
    v8 r = v8_sub(x, v8_mul(n, v8_set(0x1.62e42fefap-1)));
    r = v8_sub(r, v8_mul(n, v8_set(0x1.cf79abc9e3b3ap-40)));
    v8 e = v8_set(0x1.af38a9b0ec855p-26);
    e = v8_muladd(e, r, v8_set(0x1.289185613a3d6p-22));
    e = v8_muladd(e, r, v8_set(0x1.71de0dae63bb3p-19));
    e = v8_muladd(e, r, v8_set(0x1.a019b90d2ae7ap-16));
    e = v8_muladd(e, r, v8_set(0x1.a01a01a7c41d5p-13));
    e = v8_muladd(e, r, v8_set(0x1.6c16c1788bd90p-10));
    e = v8_muladd(e, r, v8_set(0x1.11111111109b3p-7));
    e = v8_muladd(e, r, v8_set(0x1.5555555553d63p-5));
    e = v8_muladd(e, r, v8_set(0x1.5555555555556p-3));
    e = v8_muladd(e, r, v8_set(0.5));
    /* 2^n from the low bits of the rounded number */
    *power = v8_of_u8(u8_shift_left(u8_add(q, u8_set(1023)), 52));
    return v8_muladd(v8_mul(r, r), e, r);
}

/* exp x for x <= 708; 0 below -708, where results are not normal numbers. */
V8_INLINE v8 v8_exp(v8 x) {
    v8 power, e = v8_exp_parts(x, &power);
    return v8_choose(v8_less(x, v8_set(-708)), v8_set(0), v8_muladd(power, e, power));
}

/* tanh x = -E / (2 + E), E = exp(-2|x|) - 1, with the sign of x; beyond 20 it is 1 to rounding. */
V8_INLINE v8 v8_tanh(v8 x) {
    v8 size = v8_abs(x), power;
    size = v8_choose(v8_less(size, v8_set(20)), size, v8_set(20));
    v8 e = v8_exp_parts(v8_mul(size, v8_set(-2)), &power);
    v8 E = v8_muladd(power, e, v8_sub(power, v8_set(1)));
    v8 t = v8_div(v8_negate(E), v8_add(v8_set(2), E));
    return v8_of_u8(u8_or(u8_of_v8(t), u8_and(u8_of_v8(x), u8_set(V8_SIGN))));
}

#endif
