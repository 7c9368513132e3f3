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

static inline double wide_word(uint64_t seed, int purpose, int64_t prompt, int64_t index) {
    uint64_t words[4];
    reference_prompt_words(seed, (uint64_t)purpose, prompt, index / 4, words);
    return reference_uniform(words[index % 4]);
}

/* The leaf of x: at each node the coordinate of purpose 27. */
static inline sized wide_tree(const icl_law_options *o, uint64_t seed, int64_t prompt,
                              const sized *x) {
    int64_t leaf = 0, first = 0; /* node number first + leaf of its level */
    for (int64_t level = 0; level < o->depth; level++) {
        int64_t c = (int64_t)(wide_word(seed, 27, prompt, first + leaf) * (double)o->dim);
        leaf = 2 * leaf + (x[c].value > 0);
        first = 2 * first + 1;
    }
    return wide_normal(seed, 1, prompt, leaf);
}

/* psi_j(t) and the size of its slope. */
static inline sized wide_basis(icl_basis basis, int64_t j, long double t) {
    const long double pi = acosl(-1);
    if (basis == ICL_BASIS_COSINE)
        return (sized){sqrtl(2) * cosl(pi * (long double)j * t), 5 * (long double)j};
    int64_t width = 1;
    while (2 * width <= j)
        width *= 2;
    long double place = t * (long double)width - (long double)(j - width);
    if (place < 0 || place >= 1)
        return (sized){0, 0};
    return (sized){(place < 0.5L ? 1 : -1) * sqrtl((long double)width), sqrtl((long double)width)};
}

static inline sized wide_series(const icl_law_options *o, uint64_t seed, int64_t prompt,
                                const sized *x) {
    sized sum = {0, 0};
    for (int64_t i = 0; i < o->dim; i++)
        for (int64_t j = 1; j < o->terms; j++) {
            sized b = wide_normal(seed, 1, prompt, i * (o->terms - 1) + j - 1);
            sized psi = wide_basis(o->basis, j, x[i].value + 0.5L);
            long double a = o->decay_values != NULL ? o->decay_values[i] : o->decay;
            long double scale = powl((long double)j, -a / 2);
            sum.value += scale * b.value * psi.value;
            sum.size += scale * b.size * psi.size * (1 + x[i].size);
        }
    return sum;
}

static inline long double wide_kernel(const icl_law_options *o, const sized *a, const sized *b) {
    long double square = 0;
    for (int64_t j = 0; j < o->dim; j++)
        square += (a[j].value - b[j].value) * (a[j].value - b[j].value);
    long double r = sqrtl(square) / o->bandwidth;
    return expl(o->kernel == ICL_KERNEL_LAPLACE ? -r : -r * r / 2);
}

/* Values of a Gaussian process at n examples, then q queries: f = L z. An entry of L is off by
 * no more than about rounding times the condition, count / least square of a pivot. */
static inline void wide_process(const icl_law_options *o, uint64_t seed, int64_t prompt, int64_t n,
                                int64_t q, const sized *X, const sized *query, sized *f) {
    enum { MOST = 64 };
    long double L[MOST][MOST] = {{0}}, least = 1;
    const sized *x[MOST];
    sized z[MOST];
    ck_assert(n + q <= MOST);
    for (int64_t i = 0; i < n + q; i++) {
        x[i] = i < n ? X + i * o->dim : query + (i - n) * o->dim;
        z[i] = i < n ? wide_normal(seed, 1, prompt, i) : wide_normal(seed, 28, prompt, i - n);
        long double square = 1;
        for (int64_t k = 0; k < i; k++) {
            long double sum = wide_kernel(o, x[k], x[i]);
            for (int64_t m = 0; m < k; m++)
                sum -= L[i][m] * L[k][m];
            L[i][k] = L[k][k] > 0 ? sum / L[k][k] : 0;
            square -= L[i][k] * L[i][k];
        }
        int tells = square > 4 * (long double)(i + 1) * 0x1p-52L;
        L[i][i] = tells ? sqrtl(square) : 0;
        least = tells && square < least ? square : least;
        f[i] = (sized){0, 0};
        for (int64_t k = 0; k <= i; k++) {
            f[i].value += L[i][k] * z[k].value;
            f[i].size += z[k].size * (long double)(i + 1) / least;
        }
    }
}

/* f(x), or the answer of reference_label; not of GAUSSIAN_PROCESS. */
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
    case ICL_LABELS_TREE:
        return wide_tree(o, r->seed, prompt, x);
    case ICL_LABELS_SERIES:
        return wide_series(o, r->seed, prompt, x);
    case ICL_LABELS_GAUSSIAN_PROCESS:
        return (sized){0, 0};
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
