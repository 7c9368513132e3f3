/* Labels beside those of prompt_reference.h, recomputed from <icl/task.h> in long double. */
#ifndef ICL_TESTS_LABEL_REFERENCE_H
#define ICL_TESTS_LABEL_REFERENCE_H

#include "covariate_reference.h"

static inline sized wide_quadratic(int64_t d, const sized *w, const sized *x) {
    sized sum = {0, 0};
    for (int64_t j = 0; j < d; j++) {
        long double square = x[j].value * x[j].value;
        sum.value += w[j].value * square / sqrtl(3);
        sum.size += w[j].size * square + 2 * fabsl(w[j].value * x[j].value) * x[j].size;
    }
    return sum;
}

static inline sized wide_tanh_net(int64_t d, int64_t m, const sized *task, const sized *x) {
    sized sum = {0, 0};
    for (int64_t k = 0; k < m; k++) {
        sized s = reference_dot(d, task + k * d, x), a = task[m * d + k];
        sum.value += a.value * tanhl(s.value) / sqrtl((long double)m);
        sum.size += a.size * (s.size + 1);
    }
    return sum;
}

/* a sin(s + phi) with the uniforms of purpose 26 */
static inline sized wide_sine(const icl_law_options *o, uint64_t seed, int64_t prompt, sized s) {
    uint64_t words[4];
    reference_prompt_words(seed, 26, prompt, 0, words);
    long double range = (long double)o->amplitude_most - o->amplitude_least;
    long double a = o->amplitude_least + range * reference_uniform(words[0]);
    long double phase = acosl(-1) * reference_uniform(words[1]);
    return (sized){a * sinl(s.value + phase), a * (s.size + 8)};
}

/* 1 with probability 1 / (1 + exp(-s)) by the uniform of purpose 24, or 25 of queries */
static inline sized wide_toss(uint64_t seed, int64_t prompt, int query, int64_t index, sized s) {
    uint64_t words[4];
    reference_prompt_words(seed, query ? 25 : 24, prompt, index / 4, words);
    long double u = reference_uniform(words[index % 4]);
    return (sized){u < 1 / (1 + expl(-s.value)) ? 1 : -1, 1};
}

/* f(x), or the answer of reference_label. */
static inline sized wide_function(const reference_law *r, const reference_task *t, int64_t prompt,
                                  int query, int64_t index, const sized *x) {
    const icl_law_options *o = &r->options;
    sized s = reference_dot(o->dim, t->w, x);
    switch (o->labels) {
    case ICL_LABELS_SIGN:
        return (sized){s.value >= 0 ? 1 : -1, 1};
    case ICL_LABELS_LOGISTIC:
        return wide_toss(r->seed, prompt, query, index, s);
    case ICL_LABELS_QUADRATIC:
        return wide_quadratic(o->dim, t->w, x);
    case ICL_LABELS_SINE:
        return wide_sine(o, r->seed, prompt, s);
    case ICL_LABELS_NET:
        return o->activation == ICL_ACTIVATION_TANH ? wide_tanh_net(o->dim, o->hidden, t->w, x)
                                                    : reference_label(r, t, x);
    default:
        return reference_label(r, t, x);
    }
}

#endif
