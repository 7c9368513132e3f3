/* The caller's label function: what it is given, on which thread, and that a call that fails in it
 * leaves the batch as it was. */
#include <pthread.h>

#include "prompt_reference.h"

/* What a label function sees, and where it is to fail. */
typedef struct witness {
    pthread_t thread;
    int64_t calls, values, foreign; /* foreign: calls on another thread */
    int64_t fail_at;                /* the number of the value that fails; < 0: none */
    double poison;                  /* out there; 0: returns 1 */
    double *seen;                   /* all s, or NULL */
} witness;

static int watch(int64_t count, const double *s, double *out, void *user) {
    witness *w = user;
    w->calls++;
    w->foreign += !pthread_equal(w->thread, pthread_self());
    for (int64_t k = 0; k < count; k++) {
        out[k] = 1 + s[k];
        if (w->seen != NULL)
            w->seen[w->values + k] = s[k];
        if (w->values + k == w->fail_at && w->poison != 0)
            out[k] = w->poison;
    }
    int64_t before = w->values;
    w->values += count;
    return w->poison == 0 && before <= w->fail_at && w->fail_at < w->values;
}

static icl_sampler *watched_sampler(icl_context *context, int64_t d, int64_t n, witness *w) {
    static law_case c;
    make_case(ICL_COVARIANCE_SPECTRUM, FIRST_NONLINEAR + 5, d, n, 0.25, &c);
    ck_assert_int_eq(c.options.labels, ICL_LABELS_CALLBACK);
    c.options.label_fn = watch;
    c.options.label_user = w;
    return make_sampler(context, &c.options, 21);
}

static witness quiet_witness(void) {
    return (witness){.thread = pthread_self(), .fail_at = -1};
}

/* One value for each example and query of the batch, none for the empty lanes of the last group;
 * on the calling thread whatever the number of threads. */
START_TEST(test_sees_each_label_once_on_the_calling_thread) {
    const int64_t threads[] = {1, 4}, prompts[] = {1, 7, 8, 13, 150};
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < 5; i++) {
            icl_context *context = make_context(threads[t], ICL_ISA_AUTO);
            witness w = quiet_witness();
            icl_sampler *sampler = watched_sampler(context, 100, 9, &w); /* chunks of four */
            icl_batch *batch = draw_prompts(context, sampler, 0, prompts[i], 5);
            ck_assert_int_eq(w.values, prompts[i] * (9 + 5));
            ck_assert_int_gt(w.calls, 0);
            ck_assert_int_eq(w.foreign, 0);
            icl_batch_free(batch);
            icl_sampler_free(sampler);
            icl_context_free(context);
        }
}
END_TEST

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The s that it is given are w.x of the batch, all of them and no others. */
START_TEST(test_sees_the_projections) {
    enum { PROMPTS = 11, D = 3, N = 4, COUNT = PROMPTS * (N + 1) };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    witness w = quiet_witness();
    double seen[COUNT], expected[COUNT];
    w.seen = seen;
    icl_sampler *sampler = watched_sampler(context, D, N, &w);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
    for (int64_t p = 0; p < PROMPTS; p++)
        for (int64_t i = 0; i <= N; i++) {
            const double *x =
                i < N ? icl_batch_X(batch) + (p * N + i) * D : icl_batch_query(batch) + p * D;
            const double *task = icl_batch_task(batch) + p * D;
            expected[p * (N + 1) + i] = task[0] * x[0] + task[1] * x[1] + task[2] * x[2];
        }
    ck_assert_int_eq(w.values, COUNT);
    qsort(seen, COUNT, sizeof *seen, compare);
    qsort(expected, COUNT, sizeof *expected, compare);
    for (int i = 0; i < COUNT; i++)
        ASSERT_CLOSE(seen[i], expected[i], 4 * UNIT, 1 + 4 * fabs(expected[i]));
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* A copy of all that a batch holds. */
typedef struct contents {
    double data[8][1024];
} contents;

static void copy_contents(const icl_batch *batch, contents *out) {
    int64_t B = icl_batch_prompts(batch), n = icl_batch_context(batch), d = icl_batch_dim(batch),
            q = icl_batch_queries(batch);
    const double *arrays[] = {
        icl_batch_X(batch),    icl_batch_y(batch), icl_batch_query(batch), icl_batch_target(batch),
        icl_batch_task(batch), icl_batch_S(batch), icl_batch_b(batch),     icl_batch_syy(batch)};
    const int64_t sizes[] = {n * d, n, q * d, q, d, d * d, d, 1};
    memset(out, 0, sizeof *out);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_le(B * sizes[i], 1024);
        memcpy(out->data[i], arrays[i], (size_t)(B * sizes[i]) * sizeof(double));
    }
}

/* Fails at the first value, in the middle and at the last one, by its return value and by what it
 * writes; before any other fill, and after one. */
START_TEST(test_a_failing_call_changes_nothing) {
    enum { PROMPTS = 20, N = 5, Q = 2, VALUES = PROMPTS * (N + Q) };
    const double poisons[] = {0, NAN, INFINITY, -INFINITY};
    const int64_t places[] = {0, 1, VALUES / 2, VALUES - 1};
    static contents before, after;
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    witness w = quiet_witness();
    icl_sampler *sampler = watched_sampler(context, 3, N, &w);
    for (int filled = 0; filled < 2; filled++)
        for (int i = 0; i < 16; i++) {
            icl_batch *batch, *fresh;
            w = quiet_witness();
            ASSERT_OK(context, icl_sampler_batch(sampler, PROMPTS, Q, ICL_CONTENTS_ALL, &batch));
            if (filled)
                ASSERT_OK(context, icl_sampler_draw(sampler, 100, batch));
            copy_contents(batch, &before);
            w.fail_at = w.values + places[i / 4];
            w.poison = poisons[i % 4];
            ASSERT_FAILS(context, ICL_ERR_CALLBACK, "label_fn",
                         icl_sampler_draw(sampler, 0, batch));
            copy_contents(batch, &after);
            ck_assert_mem_eq(&before, &after, sizeof before);
            w = quiet_witness(); /* and it is usable */
            ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
            fresh = draw_prompts(context, sampler, 0, PROMPTS, Q);
            check_same_prompts(batch, 0, fresh, 0, PROMPTS);
            icl_batch_free(batch);
            icl_batch_free(fresh);
        }
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* A g that fails for one prompt fails every batch that holds it and no other. */
static int refuse_large(int64_t count, const double *s, double *out, void *user) {
    for (int64_t k = 0; k < count; k++) {
        out[k] = s[k];
        if (s[k] > *(double *)user)
            return 1;
    }
    return 0;
}

START_TEST(test_prompts_fail_alone) {
    enum { PROMPTS = 24, N = 5 };
    static law_case c;
    double bound = INFINITY;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, FIRST_NONLINEAR + 6, 2, N, 0, &c); /* odd: no sign, y = w.x */
    c.options.label_fn = refuse_large;
    c.options.label_user = &bound;
    icl_sampler *sampler = make_sampler(context, &c.options, 3);
    icl_batch *whole = draw_prompts(context, sampler, 0, PROMPTS, 1);
    double largest[PROMPTS];
    for (int p = 0; p < PROMPTS; p++) {
        largest[p] = icl_batch_target(whole)[p];
        for (int i = 0; i < N; i++)
            largest[p] = fmax(largest[p], icl_batch_y(whole)[p * N + i]);
    }
    bound = 1.6;
    int failures = 0;
    for (int p = 0; p < PROMPTS; p++) {
        icl_batch *batch;
        ASSERT_OK(context, icl_sampler_batch(sampler, 1, 1, ICL_CONTENTS_ALL, &batch));
        icl_status status = icl_sampler_draw(sampler, p, batch);
        ck_assert_int_eq(status, largest[p] > bound ? ICL_ERR_CALLBACK : ICL_OK);
        failures += status != ICL_OK;
        icl_batch_free(batch);
    }
    ck_assert(failures > 0 && failures < PROMPTS);
    icl_batch_free(whole);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* The caller's tanh, declared odd, is the law's own, to the rounding of two functions. */
static int caller_tanh(int64_t count, const double *s, double *out, void *user) {
    (void)user;
    for (int64_t k = 0; k < count; k++)
        out[k] = tanh(s[k]);
    return 0;
}

static int caller_relu(int64_t count, const double *s, double *out, void *user) {
    (void)user;
    for (int64_t k = 0; k < count; k++)
        out[k] = s[k] > 0 ? s[k] : 0;
    return 0;
}

START_TEST(test_the_callers_function_is_the_laws) {
    static law_case own, called;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int relu = 0; relu < 2; relu++) {
        make_case(ICL_COVARIANCE_DENSE, FIRST_NONLINEAR + relu, 4, 6, 0.5, &own);
        make_case(ICL_COVARIANCE_DENSE, FIRST_NONLINEAR + 6 - relu, 4, 6, 0.5, &called);
        called.options.label_fn = relu ? caller_relu : caller_tanh;
        icl_sampler *a = make_sampler(context, &own.options, 2);
        icl_sampler *b = make_sampler(context, &called.options, 2);
        icl_batch *expected = draw_prompts(context, a, 0, 21, 3);
        icl_batch *batch = draw_prompts(context, b, 0, 21, 3);
        for (int i = 0; i < 21 * 6; i++)
            ASSERT_CLOSE(icl_batch_y(batch)[i], icl_batch_y(expected)[i], relu ? 0 : 8 * UNIT,
                         1 + fabs(icl_batch_y(expected)[i]));
        for (int i = 0; i < 21 * 3; i++)
            ASSERT_CLOSE(icl_batch_target(batch)[i], icl_batch_target(expected)[i],
                         relu ? 0 : 8 * UNIT, 1 + fabs(icl_batch_target(expected)[i]));
        icl_batch_free(batch);
        icl_batch_free(expected);
        icl_sampler_free(a);
        icl_sampler_free(b);
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("label_callback", test_sees_each_label_once_on_the_calling_thread,
          test_sees_the_projections, test_a_failing_call_changes_nothing, test_prompts_fail_alone,
          test_the_callers_function_is_the_laws)
