#include "vec8_probe.h"

#include "base/vec8.h"
#include "base/vec8_math.h"
#include "random/threefry_kernel.h"

#define EACH_GROUP for (int64_t g = 0; g < 8 * groups; g += 8)

static void minus_two_log(int64_t groups, const double *u, double *out) {
    EACH_GROUP v8_store(out + g, v8_minus_two_log(v8_load(u + g)));
}

static void sincos_quarter(int64_t groups, const double *f, double *sine, double *cosine) {
    EACH_GROUP {
        v8 s, c;
        v8_sincos_quarter(v8_load(f + g), &s, &c);
        v8_store(sine + g, s);
        v8_store(cosine + g, c);
    }
}

static void sin_of(int64_t groups, const double *x, double *out) {
    EACH_GROUP v8_store(out + g, v8_sin(v8_load(x + g)));
}

static void exp_of(int64_t groups, const double *x, double *out) {
    EACH_GROUP v8_store(out + g, v8_exp(v8_load(x + g)));
}

static void tanh_of(int64_t groups, const double *x, double *out) {
    EACH_GROUP v8_store(out + g, v8_tanh(v8_load(x + g)));
}

static void max_of(int64_t groups, const double *a, const double *b, double *out) {
    EACH_GROUP v8_store(out + g, v8_max(v8_load(a + g), v8_load(b + g)));
}

static void round_of(int64_t groups, const double *a, double *out) {
    u8 bits;
    EACH_GROUP v8_store(out + g, v8_round(v8_load(a + g), &bits));
}

static void all_less(int64_t groups, const double *a, const double *b, double *out) {
    EACH_GROUP v8_store(out + g, v8_set(u8_all(v8_less(v8_load(a + g), v8_load(b + g)))));
}

static void fma_of(int64_t groups, const double *a, const double *b, const double *c, double *out) {
    EACH_GROUP v8_store(out + g, v8_fma(v8_load(a + g), v8_load(b + g), v8_load(c + g)));
}

static void uniforms(int64_t groups, const uint64_t *words, double *out) {
    EACH_GROUP v8_store(out + g, icl_uniform_of(u8_load(words + g)));
}

static void normals(int64_t groups, const uint64_t *radius, const uint64_t *angle, double *first,
                    double *second) {
    EACH_GROUP {
        v8 x, y;
        icl_normals_of(u8_load(radius + g), u8_load(angle + g), &x, &y);
        v8_store(first + g, x);
        v8_store(second + g, y);
    }
}

static void threefry(uint64_t seed, uint64_t purpose, uint64_t stream, const uint64_t c0[8],
                     const uint64_t c1[8], const uint64_t c2[8], uint64_t words[32]) {
    const icl_key key = icl_key_of(seed, purpose, stream);
    u8 lanes[4];
    icl_threefry(&key, u8_load(c0), u8_load(c1), u8_load(c2), lanes);
    for (int i = 0; i < 4; i++)
        memcpy(words + 8 * i, &lanes[i], sizeof lanes[i]);
}

const vec8_probe ICL_ISA_NAME(vec8_probe) = {minus_two_log, sincos_quarter, sin_of,   exp_of,
                                             tanh_of,       max_of,         round_of, all_less,
                                             fma_of,        uniforms,       normals,  threefry};
