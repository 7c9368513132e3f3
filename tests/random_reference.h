/* The streams of <icl/random.h> and <icl/task.h>, recomputed from their documentation: Threefry
 * word by word (Salmon et al., SC 2011), uniforms and normals in long double with libm. The
 * reference itself is checked against Random123 and its published answers in test_random.c.
 */
#ifndef ICL_TESTS_RANDOM_REFERENCE_H
#define ICL_TESTS_RANDOM_REFERENCE_H

#include "support/support.h"

/* Unit of rounding, 2^-53. */
#define UNIT (0.5 * DBL_EPSILON)

/* What a normal may be off by, relative to 1 + its size, u = 2^-53 throughout: -2 log U by 3.4 u
 * where it is large (its multiple of log 2, two sums), hence r by 1.7 u + u for the square root;
 * the cosine, at its worst corner 1/sqrt 2, by 2.8 u; the product by u: together 6.5 u of 6.06 for
 * the largest r = 8.57, which is 5.6 u of 7.06. At smaller r the logarithm is off by at most 5 u,
 * and the sum stays below that. 6 u = 6.7e-16. */
#define TOL_NORMAL 7e-16

/* The reference's own libm, for machines whose long double is a double, and for valgrind, which
 * computes with doubles whatever the type says. */
static inline double libm_error(void) {
    volatile long double one = 1, next = one + LDBL_EPSILON;
    return 4 * (next == one ? DBL_EPSILON : (double)LDBL_EPSILON);
}
#define TOL_LIBM libm_error()

#define HALF_PI 1.57079632679489661923132169163975144L

/* Check writes a record at each assertion that holds; this one, for loops over millions of values,
 * only where it fails. */
#define QUICK_ASSERT(condition, ...)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

/* |a - b| <= bound, quickly. */
#define QUICK_CLOSE(a, b, bound)                                                                   \
    QUICK_ASSERT((a) == (b) || fabs((a) - (b)) <= (bound),                                         \
                 "%s = %.17g, %s = %.17g: further apart than %.3g", #a, (double)(a), #b,           \
                 (double)(b), (double)(bound))

/* Threefry4x64 with 20 rounds. */
static inline void reference_threefry(const uint64_t key[4], const uint64_t counter[4],
                                      uint64_t x[4]) {
    static const int rotations[8][2] = {{14, 16}, {52, 57}, {23, 40}, {5, 37},
                                        {25, 33}, {46, 12}, {58, 22}, {32, 32}};
    uint64_t schedule[5] = {key[0], key[1], key[2], key[3], UINT64_C(0x1bd11bdaa9fc1a22)};
    for (int i = 0; i < 4; i++) {
        schedule[4] ^= key[i];
        x[i] = counter[i] + key[i];
    }
    for (int round = 0; round < 20; round++) {
        for (int half = 0; half < 2; half++) {
            int a = 2 * half, b = round % 2 == 0 ? a + 1 : 3 - a, r = rotations[round % 8][half];
            x[a] += x[b];
            x[b] = (x[b] << r | x[b] >> (64 - r)) ^ x[a];
        }
        if (round % 4 == 3) {
            int s = round / 4 + 1;
            for (int i = 0; i < 4; i++)
                x[i] += schedule[(s + i) % 5];
            x[3] += (uint64_t)s;
        }
    }
}

static inline double reference_uniform(uint64_t word) {
    return (double)(word >> 12) * 0x1p-52 + 0x1p-53;
}

/* The two normals of two words. */
static inline void reference_normals(uint64_t radius, uint64_t angle, long double out[2]) {
    long double r = sqrtl(-2 * logl(reference_uniform(radius)));
    uint64_t k = angle >> 10 & ((UINT64_C(1) << 52) - 1);
    long double theta = HALF_PI * ((long double)k * 0x1p-52L + 0x1p-53L - 0.5L);
    int reversed = (int)(angle >> 63), negative = (int)(angle >> 62 & 1);
    out[reversed] = (negative ? -1 : 1) * r * cosl(theta);
    out[1 - reversed] = r * sinl(theta);
}

/* Where the value of index e of the flat stream lies: words[*place] of its block, *place = 0..3. */
static inline int reference_flat(uint64_t seed, uint64_t stream, int64_t e, uint64_t words[4]) {
    const uint64_t key[4] = {seed, 0, stream, 0};
    const uint64_t counter[4] = {(uint64_t)(8 * (e / 32) + e % 8), 0, 0, 0};
    reference_threefry(key, counter, words);
    return (int)(e % 32 / 8);
}

static inline double reference_flat_uniform(uint64_t seed, uint64_t stream, int64_t e) {
    uint64_t words[4];
    int place = reference_flat(seed, stream, e, words);
    return reference_uniform(words[place]);
}

static inline long double reference_flat_normal(uint64_t seed, uint64_t stream, int64_t e) {
    uint64_t words[4];
    long double pair[2];
    int place = reference_flat(seed, stream, e, words), first = place & ~1;
    reference_normals(words[first], words[first + 1], pair);
    return pair[place & 1];
}

/* Words of block `block` of a purpose of a prompt. */
static inline void reference_prompt_words(uint64_t seed, uint64_t purpose, int64_t prompt,
                                          int64_t block, uint64_t words[4]) {
    const uint64_t key[4] = {seed, purpose, 0, 0};
    const uint64_t counter[4] = {(uint64_t)block, (uint64_t)prompt, 0, 0};
    reference_threefry(key, counter, words);
}

/* The normal of index e of a purpose of a prompt. */
static inline long double reference_prompt_normal(uint64_t seed, uint64_t purpose, int64_t prompt,
                                                  int64_t e) {
    uint64_t words[4];
    long double pair[2];
    reference_prompt_words(seed, purpose, prompt, e / 4, words);
    reference_normals(words[e % 4 & 2], words[(e % 4 & 2) + 1], pair);
    return pair[e & 1];
}

/* The uniform of index e of a purpose of a prompt, with mean 0 and variance 1. */
static inline long double reference_prompt_uniform(uint64_t seed, uint64_t purpose, int64_t prompt,
                                                   int64_t e) {
    uint64_t words[4];
    reference_prompt_words(seed, purpose, prompt, e / 4, words);
    return sqrtl(12) * (reference_uniform(words[e % 4]) - 0.5L);
}

/* A chi and how it came about. */
typedef struct reference_chi {
    long double value, x; /* x: the accepted normal */
    int64_t attempts;     /* refused before it */
    int close;            /* 1: not accepted by -h <= (3 d / 4) t^4 / (1 - |t|) alone */
} reference_chi;

/* chi(freedom) number `index` of a purpose of a prompt: by Marsaglia and Tsang (TOMS 2000). */
static inline reference_chi reference_chi_of(uint64_t seed, uint64_t purpose, int64_t prompt,
                                             int64_t index, double freedom) {
    const uint64_t key[4] = {seed, purpose, 0, 0};
    long double d = (long double)freedom / 2 - 1 / 3.0L, c = 1 / sqrtl(9 * d);
    for (uint64_t attempt = 0;; attempt++) {
        const uint64_t counter[4] = {(uint64_t)(index / 2), (uint64_t)prompt, attempt, 0};
        uint64_t words[4];
        long double pair[2];
        reference_threefry(key, counter, words);
        reference_normals(words[0], words[1], pair);
        long double x = pair[index % 2], u = reference_uniform(words[2 + index % 2]), t = c * x;
        if (freedom == 1)
            return (reference_chi){fabsl(x), x, 0, 0};
        long double h = 3 * d * (log1pl(t) - t + t * t / 2 - t * t * t / 3);
        if (t > -1 && log1pl(-u) < h)
            return (reference_chi){sqrtl(2 * d * powl(1 + t, 3)), x, (int64_t)attempt,
                                   u * (1 - fabsl(t)) <= 0.75L * d * powl(t, 4)};
    }
}

/* Of purpose 9. */
static inline reference_chi reference_draw_chi(uint64_t seed, int64_t prompt, int64_t index,
                                               int64_t freedom) {
    return reference_chi_of(seed, 9, prompt, index, (double)freedom);
}

/* What it may be off by: with s = 1 + c x, d chi = (1.5 sqrt(2 d s) c) dx, where sqrt(2 d) c is
 * sqrt(2)/3; c and the sum to 5 u of 1 + |t|, the square root and the product to 3 u. */
static inline double reference_chi_error_of(const reference_chi *chi, double freedom) {
    double d = freedom / 2 - 1.0 / 3, x = fabs((double)chi->x), value = (double)chi->value;
    if (freedom == 1)
        return (TOL_NORMAL + TOL_LIBM) * (1 + x);
    double s = cbrt(value * value / (2 * d)), c = 1 / sqrt(9 * d);
    double ds = c * (TOL_NORMAL + TOL_LIBM) * (1 + x) + 5 * UNIT * (1 + c * x);
    return 1.5 * sqrt(2 * d * s) * ds + 4 * UNIT * value;
}

static inline double reference_chi_error(const reference_chi *chi, int64_t freedom) {
    return reference_chi_error_of(chi, (double)freedom);
}

/* Doubles for `count` values `offset` doubles beyond a 64-byte boundary; free what *memory holds.
 */
static inline double *offset_doubles(int64_t count, int64_t offset, void **memory) {
    *memory = aligned_alloc(64, (size_t)((count + offset + 7) / 8 + 1) * 64);
    ck_assert_ptr_nonnull(*memory);
    return (double *)*memory + offset;
}

#endif
