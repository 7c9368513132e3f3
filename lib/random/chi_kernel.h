/* Chi variables by rejection (Marsaglia and Tsang, ACM TOMS 26, 2000), on eight lanes. For
 * *_kernel.c files only.
 *
 * With d = k/2 - 1/3, c = 1 / (3 sqrt d), x normal, u uniform, t = c x and s = 1 + t, d s^3 is
 * gamma(k/2) and sqrt(2 d s^3) chi(k) where s > 0 and log(1 - u) < h(t),
 *
 *     h(t) = 3 d (log(1 + t) - t + t^2/2 - t^3/3) = -3 d (t^4/4 - t^5/5 + ..) <= 0.
 *
 * For |t| < 1 the series gives 1 - exp(h) <= -h <= (3 d / 4) t^4 / (1 - |t|): a u above that is
 * accepted without a logarithm. That misses about one candidate in 36 d, nearly all of them to be
 * rejected; the bound of the paper, the same for all k, misses one in ten.
 */
#ifndef ICL_RANDOM_CHI_KERNEL_H
#define ICL_RANDOM_CHI_KERNEL_H

#include "random/streams.h"
#include "random/threefry_kernel.h"

/* What attempt number `attempt` at two chi's drew: t and u. */
typedef struct icl_chi_pair {
    v8 t[2], u[2];
} icl_chi_pair;

V8_INLINE icl_chi_pair icl_chi_draw(const icl_key *key, uint64_t block, u8 prompts,
                                    uint64_t attempt, const icl_chi_law *laws) {
    icl_chi_pair pair;
    u8 words[4];
    icl_threefry(key, u8_set(block), prompts, u8_set(attempt), words);
    icl_normals_of(words[0], words[1], &pair.t[0], &pair.t[1]);
    for (int i = 0; i < 2; i++) {
        pair.t[i] = v8_mul(v8_set(laws[i].step), pair.t[i]);
        pair.u[i] = icl_uniform_of(words[2 + i]);
    }
    return pair;
}

/* Lanes that need no logarithm. */
V8_INLINE u8 icl_chi_quick(const icl_chi_law *law, v8 t, v8 u) {
    if (law->freedom == 1)
        return u8_set(~UINT64_C(0));
    v8 t2 = v8_mul(t, t), bound = v8_mul(v8_mul(v8_set(law->quick), t2), t2);
    return v8_less(bound, v8_mul(u, v8_sub(v8_set(1), v8_abs(t))));
}

/* Lanes that are accepted: those that are so quickly, and more. */
V8_INLINE u8 icl_chi_slow(const icl_chi_law *law, v8 t, v8 u) {
    v8 s = v8_add(v8_set(1), t);
    v8 series = v8_sub(v8_set(0.5), v8_mul(t, v8_set(1.0 / 3)));
    series = v8_mul(t, v8_sub(v8_set(1), v8_mul(t, series)));
    /* both sides times -2 */
    v8 h = v8_mul(v8_set(4 * law->quick), v8_add(v8_minus_two_log(s), v8_mul(v8_set(2), series)));
    u8 accepted = v8_less(h, v8_minus_two_log(v8_sub(v8_set(1), u)));
    return u8_and(accepted, v8_less(v8_set(0), s));
}

/* chi from an accepted t: sqrt(2 d s) s. Where k = 1, |x|, and t is x itself. */
V8_INLINE v8 icl_chi_value(const icl_chi_law *law, v8 t) {
    if (law->freedom == 1)
        return v8_abs(t);
    v8 s = v8_add(v8_set(1), t);
    return v8_mul(s, v8_sqrt(v8_mul(v8_set(law->twice), s)));
}

#endif
