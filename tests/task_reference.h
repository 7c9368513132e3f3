/* Laws beside those of prompt_reference.h, and whole prompts of theirs recomputed from
 * <icl/task.h>, value by value in long double, with plain loops over the documented streams. Small
 * sizes.
 */
#ifndef ICL_TESTS_TASK_REFERENCE_H
#define ICL_TESTS_TASK_REFERENCE_H

#include "task_cases.h"

/* ---- roots ---- */

/* The values of a covariance as IDENTITY, DIAGONAL, DENSE or SPECTRUM has them; returns which. */
static inline icl_covariance wide_values(int64_t d, icl_covariance kind, const double *given,
                                         icl_trace trace, double *values) {
    int64_t count = kind == ICL_COVARIANCE_DENSE ? d * d : d, step = count > d ? d + 1 : 1;
    for (int64_t i = 0; i < count; i++)
        switch (kind) {
        case ICL_COVARIANCE_IDENTITY:
            values[i] = 1;
            break;
        case ICL_COVARIANCE_SCALAR:
            values[i] = given[0];
            break;
        case ICL_COVARIANCE_HALVES:
            values[i] = i < d / 2 ? given[0] : 1;
            break;
        case ICL_COVARIANCE_POWER:
            values[i] = pow((double)(i + 1), -given[0]);
            break;
        default:
            values[i] = given[i];
        }
    double sum = 0;
    for (int64_t i = 0; i < d; i++)
        sum += values[i * step];
    for (int64_t i = 0; i < count && trace != ICL_TRACE_GIVEN; i++)
        values[i] *= (trace == ICL_TRACE_DIM ? (double)d : 1) / sum;
    if (kind == ICL_COVARIANCE_HALVES || kind == ICL_COVARIANCE_POWER)
        return ICL_COVARIANCE_SPECTRUM;
    return kind == ICL_COVARIANCE_DENSE || kind == ICL_COVARIANCE_SPECTRUM
               ? kind
               : ICL_COVARIANCE_DIAGONAL;
}

/* A law, its roots, and where its prompts come from. */
typedef struct wide_law {
    reference_law base; /* roots of Sigma and of W */
    double root[WIDE_DIM * WIDE_DIM], task_root[WIDE_DIM * WIDE_DIM];
    double spectrum[WIDE_DIM]; /* ascending, of a Sigma whose rotation is drawn */
} wide_law;

static inline int compare_doubles(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static inline void make_wide_law(icl_context *context, const icl_sampler *sampler,
                                 const wide_case *c, uint64_t seed, wide_law *w) {
    const icl_law_options *o = &c->base.options;
    const icl_law *law = icl_sampler_law(sampler);
    int64_t d = o->dim;
    double values[WIDE_DIM * WIDE_DIM];
    ck_assert_int_le(d, WIDE_DIM);
    w->base = (reference_law){.options = *o, .seed = seed, .root = w->root};
    icl_covariance kind = wide_values(d, o->covariance, o->covariance_values, o->trace, values);
    memcpy(w->spectrum, values, sizeof w->spectrum);
    qsort(w->spectrum, (size_t)d, sizeof *values, compare_doubles);
    reference_root(context, d, kind, values, o->rotation_seed, 0, 1, &law->root, w->root);
    if (o->prior == ICL_COVARIANCE_INVERSE) {
        reference_root(context, d, kind, values, o->rotation_seed, 0, -1, &law->task_root,
                       w->task_root);
        return;
    }
    kind = wide_values(d, o->prior, o->prior_values, ICL_TRACE_GIVEN, values);
    reference_root(context, d, kind, values, o->rotation_seed, 1, 1, &law->task_root, w->task_root);
}

/* ---- one prompt ---- */

typedef struct wide_prompt {
    reference_task task; /* w, its sign, the level */
    int64_t place;       /* of w in the pool, or -1 */
    sized X[WIDE_CONTEXT * WIDE_DIM], y[WIDE_CONTEXT];
    sized query[WIDE_QUERIES * WIDE_DIM], target[WIDE_QUERIES];
} wide_prompt;

/* The uniform of index e of a purpose: exact. */
static inline double wide_uniform(uint64_t seed, uint64_t purpose, int64_t prompt, int64_t e) {
    uint64_t words[4];
    reference_prompt_words(seed, purpose, prompt, e / 4, words);
    return reference_uniform(words[e % 4]);
}

/* V of number j: the reflections of <icl/random.h>, one matrix after another. The direction of a
 * reflection is as exact as its normals are beside their length, the reflection four times less. */
static inline void wide_rotation(const wide_law *w, int64_t j, sized *V) {
    int64_t d = w->base.options.dim;
    long double Q[WIDE_DIM * WIDE_DIM], determinant = 1, size = 1;
    for (int64_t e = 0; e < d * d; e++)
        Q[e] = e % (d + 1) == 0;
    for (int64_t k = 0; k < d - 1; k++) {
        long double u[WIDE_DIM] = {0}, norm2 = 0, u2 = 0, sum = 0;
        for (int64_t i = k; i < d; i++) {
            u[i] = reference_prompt_normal(w->base.seed, 13, j, k * d + i - k);
            norm2 += u[i] * u[i];
            sum += 1 + fabsl(u[i]);
        }
        int positive = u[k] > 0;
        determinant *= positive ? 1 : -1;
        size += 4 * sum / sqrtl(norm2);
        u[k] += positive ? sqrtl(norm2) : -sqrtl(norm2);
        for (int64_t i = k; i < d; i++)
            u2 += u[i] * u[i];
        for (int64_t row = 0; row < d; row++) {
            long double dot = 0;
            for (int64_t i = k; i < d; i++)
                dot += Q[row * d + i] * u[i];
            for (int64_t i = k; i < d; i++)
                Q[row * d + i] -= 2 * dot * u[i] / u2;
            Q[row * d + k] *= positive ? -1 : 1;
        }
    }
    for (int64_t e = 0; e < d * d; e++)
        V[e] = (sized){(e + 1) % d == 0 ? determinant * Q[e] : Q[e], size};
}

/* out (d) = shift + V diag(spectrum^(power / 2)) z */
static inline void wide_turn(const wide_law *w, const sized *V, const double *shift, double power,
                             const sized *z, sized *out) {
    int64_t d = w->base.options.dim;
    for (int64_t i = 0; i < d; i++) {
        out[i] = (sized){shift != NULL ? shift[i] : 0, shift != NULL ? fabs(shift[i]) : 0};
        for (int64_t k = 0; k < d; k++) {
            double scale = pow(w->spectrum[k], 0.5 * power);
            out[i].value += V[i * d + k].value * scale * z[k].value;
            out[i].size += V[i * d + k].size * scale * z[k].size;
        }
    }
}

/* What is left of z after the shuffle of purpose 11. */
static inline void wide_sparse(const icl_law_options *o, uint64_t seed, int64_t prompt, sized *z) {
    int64_t d = o->dim, p[WIDE_DIM];
    int kept[WIDE_DIM] = {0};
    for (int64_t i = 0; i < d; i++)
        p[i] = i;
    for (int64_t i = 0; i < o->sparsity; i++) {
        int64_t k = i + (int64_t)floor(wide_uniform(seed, 11, prompt, i) * (double)(d - i));
        int64_t other = p[k];
        p[k] = p[i];
        p[i] = other;
        kept[p[i]] = 1;
    }
    for (int64_t i = 0; i < d; i++)
        if (!kept[i])
            z[i] = (sized){0, 0};
}

/* w of a prompt of the sampler with this seed, drawn anew. */
static inline void wide_weights(const wide_law *w, uint64_t seed, int64_t prompt, sized *out) {
    const icl_law_options *o = &w->base.options;
    sized z[WIDE_DIM];
    for (int64_t i = 0; i < o->dim; i++)
        out[i] = z[i] = wide_normal(seed, 1, prompt, i);
    for (int64_t e = 0; o->labels == ICL_LABELS_NET && e < o->hidden * (o->dim + 1); e++)
        out[e] = wide_normal(seed, 1, prompt, e);
    if (o->labels != ICL_LABELS_LINEAR) {
        if (o->labels != ICL_LABELS_NET && o->labels != ICL_LABELS_QUADRATIC)
            wide_normalise(o->dim, 1, out);
        return;
    }
    if (o->tasks == ICL_TASKS_SPHERE)
        wide_normalise(o->dim, sqrtl((long double)o->dim), z);
    if (o->tasks == ICL_TASKS_SPARSE)
        wide_sparse(o, seed, prompt, z);
    if (o->rotation_every == 0 || o->prior != ICL_COVARIANCE_INVERSE) {
        wide_affine(o->dim, w->task_root, o->prior_mean, z, out);
        return;
    }
    sized V[WIDE_DIM * WIDE_DIM];
    wide_rotation(w, prompt / o->rotation_every, V);
    wide_turn(w, V, o->prior_mean, -1, z, out);
}

static inline void wide_task(const wide_law *w, int64_t prompt, wide_prompt *p) {
    const icl_law_options *o = &w->base.options;
    reference_task *t = &p->task;
    uint64_t words[4];
    memset(t, 0, sizeof *t);
    reference_prompt_words(w->base.seed, 12, prompt, 0, words);
    p->place = o->pool > 0 ? (int64_t)floor(reference_uniform(words[0]) * (double)o->pool) : -1;
    if (o->pool == 0)
        wide_weights(w, w->base.seed, prompt, t->w);
    else if (o->pool_values == NULL)
        wide_weights(w, o->pool_seed, p->place, t->w);
    for (int64_t i = 0; o->pool_values != NULL && i < o->dim; i++)
        t->w[i] = (sized){o->pool_values[p->place * o->dim + i],
                          fabs(o->pool_values[p->place * o->dim + i])};
    t->sign = 1;
    t->sigma = reference_level(&w->base, prompt);
}

/* x as the law draws it, of the examples or the queries. */
static inline void wide_input(const wide_law *w, int64_t prompt, int query, int64_t index,
                              sized *x) {
    int64_t d = w->base.options.dim;
    sized z[WIDE_DIM];
    wide_covariates(&w->base.options, w->base.seed, prompt, query, index, z);
    int64_t every = w->base.options.rotation_every;
    if (every == 0) {
        wide_affine(d, w->root, NULL, z, x);
        return;
    }
    sized V[WIDE_DIM * WIDE_DIM];
    wide_rotation(w, prompt / every, V);
    wide_turn(w, V, NULL, 1, z, x);
}

/* Vector `index` of the examples or the queries, before its label; not of ORTHOGONAL queries. */
static inline void wide_vector(const wide_law *w, int64_t prompt, int query, int64_t index,
                               sized *x) {
    const icl_law_options *o = &w->base.options;
    if (query && o->queries == ICL_QUERIES_REPEATED) {
        double u = wide_uniform(w->base.seed, 14, prompt, index);
        wide_input(w, prompt, 0, (int64_t)floor(u * (double)o->context), x);
        return;
    }
    wide_input(w, prompt, query, index, x);
    for (int64_t j = 0; j < o->dim; j++) {
        int sign = wide_uniform(w->base.seed, 15, prompt, j) < 0.5 ? -1 : 1;
        if (query && o->queries == ICL_QUERIES_SCALED) {
            x[j].value *= o->query_scale;
            x[j].size *= fabs(o->query_scale);
        } else if (!query && o->queries >= ICL_QUERIES_RANDOM_QUADRANT) {
            x[j].value = sign * fabsl(x[j].value);
        } else if (query && o->queries == ICL_QUERIES_OPPOSITE_QUADRANT) {
            x[j].value = -sign * fabsl(x[j].value);
        }
    }
}

/* f(x) and its noise. */
static inline sized wide_label(const wide_law *w, const reference_task *t, int64_t prompt,
                               int query, int64_t index, const sized *x) {
    sized y = wide_function(&w->base, t, prompt, query, index, x);
    if (t->sigma > 0) {
        sized e = wide_normal(w->base.seed, query ? 6 : 4, prompt, index);
        y.value += t->sigma * e.value;
        y.size += t->sigma * e.size;
    }
    return y;
}

static inline void wide_draw(const wide_law *w, int64_t prompt, int64_t queries, wide_prompt *p) {
    int64_t d = w->base.options.dim, n = w->base.options.context;
    ck_assert(n <= WIDE_CONTEXT && queries <= WIDE_QUERIES);
    wide_task(w, prompt, p);
    for (int64_t i = 0; i < n; i++) {
        wide_vector(w, prompt, 0, i, p->X + i * d);
        p->y[i] = wide_label(w, &p->task, prompt, 0, i, p->X + i * d);
    }
    for (int64_t j = 0; j < queries; j++) {
        wide_vector(w, prompt, 1, j, p->query + j * d);
        p->target[j] = wide_label(w, &p->task, prompt, 1, j, p->query + j * d);
    }
    if (w->base.options.labels != ICL_LABELS_GAUSSIAN_PROCESS)
        return;
    sized f[WIDE_CONTEXT + WIDE_QUERIES];
    wide_process(&w->base.options, w->base.seed, prompt, n, queries, p->X, p->query, f);
    for (int64_t i = 0; i < n + queries; i++) {
        sized *y = i < n ? p->y + i : p->target + i - n;
        y->value += f[i].value;
        y->size += f[i].size;
    }
}

#endif
