#include "random/streams.h"
#include "random/threefry_kernel.h"

static const uint64_t lane_numbers[8] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7};

static void flat(uint64_t seed, uint64_t purpose, uint64_t stream, uint64_t first, int64_t blocks,
                 int normal, double *out) {
    const icl_key key = icl_key_of(seed, purpose, stream);
    const u8 lanes = u8_load(lane_numbers);
    for (int64_t b = 0; b < blocks; b++, out += 32) {
        u8 words[4];
        icl_threefry(&key, u8_add(u8_set(8 * (first + (uint64_t)b)), lanes), u8_set(0), words);
        for (int i = 0; i < 4; i += 2) {
            v8 x, y;
            if (normal) {
                icl_normals_of(words[i], words[i + 1], &x, &y);
            } else {
                x = icl_uniform_of(words[i]);
                y = icl_uniform_of(words[i + 1]);
            }
            v8_store(out + 8 * i, x);
            v8_store(out + 8 * i + 8, y);
        }
    }
}

static void prompts(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t block,
                    int64_t blocks, double *out) {
    const icl_key key = icl_key_of(seed, purpose, 0);
    const u8 numbers = u8_add(u8_set(prompt), u8_load(lane_numbers));
    for (int64_t b = 0; b < blocks; b++, out += 32) {
        u8 words[4];
        icl_threefry(&key, u8_set(block + (uint64_t)b), numbers, words);
        v8 x, y;
        icl_normals_of(words[0], words[1], &x, &y);
        v8_store(out, x);
        v8_store(out + 8, y);
        icl_normals_of(words[2], words[3], &x, &y);
        v8_store(out + 16, x);
        v8_store(out + 24, y);
    }
}

static void uniforms(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t block,
                     int64_t blocks, double *out) {
    const icl_key key = icl_key_of(seed, purpose, 0);
    const u8 numbers = u8_add(u8_set(prompt), u8_load(lane_numbers));
    const v8 scale = v8_set(0x1.bb67ae8584caap+1); /* sqrt(12) */
    for (int64_t b = 0; b < blocks; b++, out += 32) {
        u8 words[4];
        icl_threefry(&key, u8_set(block + (uint64_t)b), numbers, words);
        for (int i = 0; i < 4; i++)
            v8_store(out + 8 * i, v8_mul(scale, v8_sub(icl_uniform_of(words[i]), v8_set(0.5))));
    }
}

static void signs(uint64_t seed, uint64_t prompt, double *out) {
    const icl_key key = icl_key_of(seed, ICL_PURPOSE_SIGN, 0);
    u8 words[4];
    icl_threefry(&key, u8_set(0), u8_add(u8_set(prompt), u8_load(lane_numbers)), words);
    u8 sign = u8_and(words[0], u8_set(V8_SIGN));
    v8_store(out, v8_of_u8(u8_or(sign, u8_set(V8_EXPONENT_ONE))));
}

static void levels(uint64_t seed, uint64_t prompt, double *out) {
    const icl_key key = icl_key_of(seed, ICL_PURPOSE_LEVEL, 0);
    u8 words[4];
    icl_threefry(&key, u8_set(0), u8_add(u8_set(prompt), u8_load(lane_numbers)), words);
    v8_store(out, icl_uniform_of(words[0]));
}

const icl_random_kernels ICL_ISA_NAME(icl_random_kernels) = {flat, prompts, uniforms, signs,
                                                             levels};
