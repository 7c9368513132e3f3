#include "random/chi_kernel.h"

static const uint64_t lane_numbers[8] __attribute__((aligned(64))) = {0, 1, 2, 3, 4, 5, 6, 7};

static void flat(uint64_t seed, uint64_t purpose, uint64_t stream, uint64_t first, int64_t blocks,
                 int normal, double *out) {
    const icl_key key = icl_key_of(seed, purpose, stream);
    const u8 lanes = u8_load(lane_numbers);
    for (int64_t b = 0; b < blocks; b++, out += 32) {
        u8 words[4];
        icl_threefry(&key, u8_add(u8_set(8 * (first + (uint64_t)b)), lanes), u8_set(0), u8_set(0),
                     words);
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

V8_INLINE void normals(const icl_key *key, u8 numbers, uint64_t block, int64_t count, double *out) {
    for (; count > 0; count -= 4, out += 32, block++) {
        u8 words[4];
        icl_threefry(key, u8_set(block), numbers, u8_set(0), words);
        v8 x, y;
        icl_normals_of(words[0], words[1], &x, &y);
        v8_store(out, x);
        v8_store(out + 8, y);
        if (count <= 2)
            return;
        icl_normals_of(words[2], words[3], &x, &y);
        v8_store(out + 16, x);
        v8_store(out + 24, y);
    }
}

static void prompts(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t block, int64_t count,
                    double *out) {
    const icl_key key = icl_key_of(seed, purpose, 0);
    normals(&key, u8_add(u8_set(prompt), u8_load(lane_numbers)), block, count, out);
}

static void uniforms(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t block,
                     int64_t count, double scale, double middle, double *out) {
    const icl_key key = icl_key_of(seed, purpose, 0);
    const u8 numbers = u8_add(u8_set(prompt), u8_load(lane_numbers));
    const v8 factor = v8_set(scale), origin = v8_set(middle);
    for (; count > 0; count -= 4, out += 32, block++) {
        u8 words[4];
        icl_threefry(&key, u8_set(block), numbers, u8_set(0), words);
        for (int i = 0; i < 4; i++)
            v8_store(out + 8 * i, v8_mul(factor, v8_sub(icl_uniform_of(words[i]), origin)));
    }
}

static void signs(uint64_t seed, uint64_t prompt, double *out) {
    const icl_key key = icl_key_of(seed, ICL_PURPOSE_SIGN, 0);
    u8 words[4];
    icl_threefry(&key, u8_set(0), u8_add(u8_set(prompt), u8_load(lane_numbers)), u8_set(0), words);
    u8 sign = u8_and(words[0], u8_set(V8_SIGN));
    v8_store(out, v8_of_u8(u8_or(sign, u8_set(V8_EXPONENT_ONE))));
}

static void first_uniforms(uint64_t seed, uint64_t purpose, uint64_t prompt, double *out) {
    const icl_key key = icl_key_of(seed, purpose, 0);
    u8 words[4];
    icl_threefry(&key, u8_set(0), u8_add(u8_set(prompt), u8_load(lane_numbers)), u8_set(0), words);
    v8_store(out, icl_uniform_of(words[0]));
}

/* As in rotation.c, operation by operation: the lanes of rotation times those of the reflection
 * that v (size) gives. Returns the sign of v_1. */
static u8 reflect(int64_t dim, int64_t size, double *v, double *rotation) {
    v8 norm2 = v8_set(0);
    for (int64_t i = 0; i < size; i++)
        norm2 = v8_add(norm2, v8_mul(v8_load(v + 8 * i), v8_load(v + 8 * i)));
    u8 sign = u8_and(u8_of_v8(v8_load(v)), u8_set(V8_SIGN));
    v8 norm = v8_of_u8(u8_or(u8_of_v8(v8_sqrt(norm2)), sign));
    v8 first = v8_add(v8_load(v), norm);
    v8_store(v, first);
    const v8 scale = v8_div(v8_set(1), v8_mul(norm, first));
    const u8 turn = u8_xor(sign, u8_set(V8_SIGN));
    for (int64_t row = 0; row < dim; row++) {
        double *r = rotation + 8 * (row * dim + dim - size);
        v8 sum = v8_set(0);
        for (int64_t i = 0; i < size; i++)
            sum = v8_add(sum, v8_mul(v8_load(r + 8 * i), v8_load(v + 8 * i)));
        sum = v8_mul(sum, scale);
        for (int64_t i = 0; i < size; i++)
            v8_store(r + 8 * i, v8_sub(v8_load(r + 8 * i), v8_mul(sum, v8_load(v + 8 * i))));
        v8_store(r, v8_of_u8(u8_xor(u8_of_v8(v8_load(r)), turn)));
    }
    return sign;
}

static void rotations(uint64_t seed, uint64_t purpose, const uint64_t *numbers, int64_t dim,
                      double *rotation, double *vector) {
    const icl_key key = icl_key_of(seed, purpose, 0);
    for (int64_t e = 0; e < dim * dim; e++)
        v8_store(rotation + 8 * e, v8_set(e % (dim + 1) == 0));
    u8 turn = u8_set(0); /* the sign of the determinant */
    for (int64_t size = dim; size >= 2; size--) {
        int64_t entry = (dim - size) * dim, skip = entry % 4;
        u8 lanes;
        memcpy(&lanes, numbers, sizeof lanes);
        normals(&key, lanes, (uint64_t)(entry / 4), skip + size, vector);
        turn = u8_xor(turn, reflect(dim, size, vector + 8 * skip, rotation));
    }
    for (int64_t row = 0; row < dim; row++) {
        double *last = rotation + 8 * (row * dim + dim - 1);
        v8_store(last, v8_of_u8(u8_xor(u8_of_v8(v8_load(last)), turn)));
    }
}

/* The rare case: some lanes of the first attempt are not accepted quickly. */
static __attribute__((noinline)) void retry_chis(const icl_key *key, uint64_t block, u8 prompts,
                                                 const icl_chi_law *laws, icl_chi_pair *pair) {
    u8 done[2] = {u8_set(0), u8_set(0)};
    icl_chi_pair drawn = *pair;
    for (uint64_t attempt = 1;; attempt++) {
        for (int i = 0; i < 2; i++) {
            pair->t[i] = v8_choose(done[i], pair->t[i], drawn.t[i]);
            done[i] = u8_or(done[i], icl_chi_quick(&laws[i], drawn.t[i], drawn.u[i]));
            if (!u8_all(done[i]))
                done[i] = u8_or(done[i], icl_chi_slow(&laws[i], drawn.t[i], drawn.u[i]));
        }
        if (u8_all(u8_and(done[0], done[1])))
            return;
        drawn = icl_chi_draw(key, block, prompts, attempt, laws);
    }
}

/* Pairs of chi's from block `first` on, whose laws are `step` apart. */
V8_INLINE void chi_pairs(const icl_key *key, uint64_t prompt, uint64_t first,
                         const icl_chi_law *laws, int64_t step, int64_t count, double *out) {
    const u8 numbers = u8_add(u8_set(prompt), u8_load(lane_numbers));
    for (int64_t j = 0; j < count; j += 2, laws += step, out += 16) {
        const uint64_t block = first + (uint64_t)(j / 2);
        icl_chi_pair pair = icl_chi_draw(key, block, numbers, 0, laws);
        u8 quick = u8_and(icl_chi_quick(&laws[0], pair.t[0], pair.u[0]),
                          icl_chi_quick(&laws[1], pair.t[1], pair.u[1]));
        if (!u8_all(quick))
            retry_chis(key, block, numbers, laws, &pair);
        for (int i = 0; i < 2; i++)
            v8_store(out + 8 * i, icl_chi_value(&laws[i], pair.t[i]));
    }
}

static void chis(uint64_t seed, uint64_t prompt, const icl_chi_law *laws, int64_t count,
                 double *out) {
    const icl_key key = icl_key_of(seed, ICL_PURPOSE_CHI, 0);
    chi_pairs(&key, prompt, 0, laws, 2, count, out);
}

static void chis_of(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t first,
                    const icl_chi_law *law, int64_t count, double *out) {
    const icl_key key = icl_key_of(seed, purpose, 0);
    const icl_chi_law laws[2] = {*law, *law};
    chi_pairs(&key, prompt, first, laws, 0, count, out);
}

const icl_random_kernels ICL_ISA_NAME(icl_random_kernels) = {
    flat, prompts, uniforms, signs, first_uniforms, rotations, chis, chis_of};
