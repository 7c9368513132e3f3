/* Optimisers of every method: options, life, failures. */
#include <stddef.h>

#include "test_optim.h"

/* (1/2) sum_i h_i x_i^2; user: how it shall behave. */
typedef struct quadratic {
    int64_t count;
    const double *h;
    int calls;
    int fail_at;  /* call, from 1, that returns 7 */
    double value; /* added: NaN or infinity make the value bad */
    double slope; /* added to the last gradient */
} quadratic;

static int evaluate(const double *x, double *value, double *gradient, void *user) {
    quadratic *q = user;
    *value = q->value;
    for (int64_t i = 0; i < q->count; i++) {
        gradient[i] = q->h[i] * x[i];
        *value += 0.5 * gradient[i] * x[i];
    }
    gradient[q->count - 1] += q->slope;
    return ++q->calls == q->fail_at ? 7 : 0;
}

/* ---- options ---- */

TEST(test_defaults) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_ADAM, 1e-3), d;
    ck_assert_int_eq(icl_optimiser_options_init(&d, sizeof d), ICL_OK);
    ck_assert(memcmp(&o, &d, sizeof o) == 0);
    ck_assert_uint_eq(d.size, sizeof d);
    ck_assert_int_eq(d.schedule, ICL_SCHEDULE_CONSTANT);
    ck_assert(d.beta1 == 0.9 && d.beta2 == 0.999 && d.epsilon == 1e-8 && d.weight_decay == 0);
    ck_assert(d.momentum == 0 && d.dampening == 0 && d.nesterov == 0 && d.floor == 0);
    ck_assert(d.history == 20 && d.line_search == 1 && d.max_evaluations == 40);
    ck_assert(d.warmup == 0 && d.clip_global == 0 && d.clip_block == 0 && d.blocks == 0);
    ck_assert(d.block_ends == NULL && d.fixed_objective == 0);
}

TEST(test_options_of_other_sizes) {
    struct {
        icl_optimiser_options known;
        unsigned char tail[24];
    } newer;
    icl_optimiser *optimiser;
    memset(&newer, 0xab, sizeof newer);
    ck_assert_int_eq(icl_optimiser_options_init(NULL, sizeof newer), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_optimiser_options_init(&newer.known, sizeof(size_t) - 1),
                     ICL_ERR_ARGUMENT);

    /* a caller who knows the fields before `history` only: what it does not know is not read */
    const size_t older = offsetof(icl_optimiser_options, history);
    ck_assert_int_eq(icl_optimiser_options_init(&newer.known, older), ICL_OK);
    for (size_t i = older; i < sizeof newer; i++)
        ck_assert_uint_eq(((unsigned char *)&newer)[i], 0xab);
    newer.known.method = ICL_OPTIMISER_LBFGS;
    ASSERT_OK(context, icl_optimiser_create(context, &newer.known, 3, &optimiser));
    ck_assert_int_eq(optimiser->options.history, 20);
    icl_optimiser_free(optimiser);

    /* a caller from the future */
    ck_assert_int_eq(icl_optimiser_options_init(&newer.known, sizeof newer), ICL_OK);
    ASSERT_OK(context, icl_optimiser_create(context, &newer.known, 3, &optimiser));
    icl_optimiser_free(optimiser);
    newer.tail[23] = 1;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "non-zero",
                 icl_optimiser_create(context, &newer.known, 3, &optimiser));
    ck_assert_ptr_null(optimiser);
    newer.known.size = 3;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "size",
                 icl_optimiser_create(context, &newer.known, 3, &optimiser));
}

static void refuse(const icl_optimiser_options *o, int64_t count, icl_status status,
                   const char *word) {
    icl_optimiser *optimiser = (icl_optimiser *)&optimiser;
    ASSERT_FAILS(context, status, word, icl_optimiser_create(context, o, count, &optimiser));
    ck_assert_ptr_null(optimiser);
}

#define REFUSE(field, bad, status)                                                                 \
    do {                                                                                           \
        icl_optimiser_options o_ = options_of(ICL_OPTIMISER_ADAM, 1e-3);                           \
        o_.field = (bad);                                                                          \
        refuse(&o_, 4, (status), #field);                                                          \
    } while (0)

TEST(test_bad_options) {
    REFUSE(method, (icl_optimiser_method)5, ICL_ERR_ARGUMENT);
    REFUSE(method, (icl_optimiser_method)-1, ICL_ERR_ARGUMENT);
    REFUSE(schedule, (icl_schedule)3, ICL_ERR_ARGUMENT);
    REFUSE(rate, 0, ICL_ERR_ARGUMENT);
    REFUSE(rate, -1, ICL_ERR_ARGUMENT);
    REFUSE(rate, NAN, ICL_ERR_NONFINITE);
    REFUSE(rate, INFINITY, ICL_ERR_NONFINITE);
    REFUSE(warmup, -1, ICL_ERR_ARGUMENT);
    REFUSE(period, -1, ICL_ERR_ARGUMENT);
    REFUSE(floor, 2e-3, ICL_ERR_ARGUMENT);
    REFUSE(floor, -1e-9, ICL_ERR_ARGUMENT);
    REFUSE(floor, NAN, ICL_ERR_NONFINITE);
    REFUSE(momentum, 1, ICL_ERR_ARGUMENT);
    REFUSE(momentum, -0.1, ICL_ERR_ARGUMENT);
    REFUSE(momentum, NAN, ICL_ERR_NONFINITE);
    REFUSE(dampening, 1.5, ICL_ERR_ARGUMENT);
    REFUSE(nesterov, 2, ICL_ERR_ARGUMENT);
    REFUSE(nesterov, 1, ICL_ERR_ARGUMENT); /* momentum is 0 */
    REFUSE(beta1, 1, ICL_ERR_ARGUMENT);
    REFUSE(beta2, 1, ICL_ERR_ARGUMENT);
    REFUSE(beta2, -INFINITY, ICL_ERR_NONFINITE);
    REFUSE(epsilon, -1e-8, ICL_ERR_ARGUMENT);
    REFUSE(weight_decay, -1, ICL_ERR_ARGUMENT);
    REFUSE(weight_decay, INFINITY, ICL_ERR_NONFINITE);
    REFUSE(history, 0, ICL_ERR_ARGUMENT);
    REFUSE(history, 1001, ICL_ERR_ARGUMENT);
    REFUSE(line_search, 2, ICL_ERR_ARGUMENT);
    REFUSE(max_evaluations, 0, ICL_ERR_ARGUMENT);
    REFUSE(fixed_objective, -1, ICL_ERR_ARGUMENT);
    REFUSE(clip_global, -1, ICL_ERR_ARGUMENT);
    REFUSE(clip_block, NAN, ICL_ERR_NONFINITE);
    REFUSE(blocks, 5, ICL_ERR_ARGUMENT);
    REFUSE(blocks, -1, ICL_ERR_ARGUMENT);
    REFUSE(blocks, 1, ICL_ERR_ARGUMENT); /* block_ends is NULL */
}

TEST(test_bad_combinations) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_SGD, 1);
    o.momentum = 0.5;
    o.nesterov = 1;
    o.dampening = 0.5;
    refuse(&o, 4, ICL_ERR_ARGUMENT, "dampening");
    o = options_of(ICL_OPTIMISER_GD, 1);
    o.schedule = ICL_SCHEDULE_HALVING;
    refuse(&o, 4, ICL_ERR_ARGUMENT, "period");
    o.schedule = ICL_SCHEDULE_COSINE;
    refuse(&o, 4, ICL_ERR_ARGUMENT, "period");
    o = options_of(ICL_OPTIMISER_LBFGS, 1);
    o.clip_global = 1;
    refuse(&o, 4, ICL_ERR_ARGUMENT, "clip_global");
    o = options_of(ICL_OPTIMISER_GD, 1);
    o.blocks = 2;
    const int64_t wrong[4][2] = {{0, 4}, {2, 2}, {3, 5}, {1, 3}};
    for (int k = 0; k < 4; k++) {
        o.block_ends = wrong[k];
        refuse(&o, 4, ICL_ERR_ARGUMENT, "block_ends");
    }
}

static void *allocate_little(size_t bytes, void *user) {
    (void)user;
    return bytes < (1 << 20) ? malloc(bytes) : NULL;
}

static void release(void *memory, void *user) {
    (void)user;
    free(memory);
}

TEST(test_bad_arguments) {
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 1);
    icl_optimiser *optimiser = (icl_optimiser *)&o;
    ck_assert_int_eq(icl_optimiser_create(NULL, &o, 1, &optimiser), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(optimiser);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out", icl_optimiser_create(context, &o, 1, NULL));
    ASSERT_OK(context, icl_optimiser_create(context, NULL, 1, &optimiser));
    ck_assert(icl_optimiser_rate(optimiser, 1) == 1e-3);
    icl_optimiser_free(optimiser);
    refuse(&o, 0, ICL_ERR_ARGUMENT, "count");
    refuse(&o, -1, ICL_ERR_ARGUMENT, "count");
    refuse(&o, INT64_MAX, ICL_ERR_ARGUMENT, "count");
    icl_optimiser_free(NULL);
    ck_assert_int_eq(icl_optimiser_reset(NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_optimiser_steps(NULL), 0);
    ck_assert_int_eq(icl_optimiser_count(NULL), 0);
    ck_assert(isnan(icl_optimiser_rate(NULL, 1)));

    double x[2] = {1, 1}, bad[2] = {1, NAN};
    quadratic q = {2, x, 0, 0, 0, 0};
    ck_assert_int_eq(icl_optimiser_step(NULL, evaluate, &q, x, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_optimiser_update(NULL, x, x), ICL_ERR_ARGUMENT);
    optimiser = make(&o, 2);
    ck_assert(isnan(icl_optimiser_rate(optimiser, 0)));
    ck_assert_int_eq(icl_optimiser_count(optimiser), 2);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "objective",
                 icl_optimiser_step(optimiser, NULL, &q, x, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "x",
                 icl_optimiser_step(optimiser, evaluate, &q, NULL, NULL));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "x[1]",
                 icl_optimiser_step(optimiser, evaluate, &q, bad, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "gradient", icl_optimiser_update(optimiser, NULL, x));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "x", icl_optimiser_update(optimiser, x, NULL));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "gradient[1]",
                 icl_optimiser_update(optimiser, bad, x));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "x[1]", icl_optimiser_update(optimiser, x, bad));
    ck_assert_int_eq(q.calls, 0);
    ck_assert_int_eq(icl_optimiser_steps(optimiser), 0);
    icl_optimiser_free(optimiser);
    o.method = ICL_OPTIMISER_LBFGS;
    optimiser = make(&o, 2);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "icl_optimiser_step",
                 icl_optimiser_update(optimiser, x, x));
    icl_optimiser_free(optimiser);
}

/* The greatest sizes: no product overflows, memory is asked for and refused. */
TEST(test_huge_counts) {
    icl_context_options c;
    ck_assert_int_eq(icl_context_options_init(&c, sizeof c), ICL_OK);
    c.allocator = (icl_allocator){allocate_little, release, NULL};
    icl_context *poor;
    ck_assert_int_eq(icl_context_create(&c, &poor), ICL_OK);
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_LBFGS; method++) {
        icl_optimiser_options o = options_of((icl_optimiser_method)method, 1);
        o.history = 1000;
        icl_optimiser *optimiser;
        ASSERT_FAILS(poor, ICL_ERR_NOMEM, "memory",
                     icl_optimiser_create(poor, &o, (int64_t)1 << 40, &optimiser));
        ck_assert_ptr_null(optimiser);
    }
    icl_context_free(poor);
}

static icl_status live(icl_context *own, void *user) {
    const icl_optimiser_options *o = user;
    icl_optimiser *optimiser;
    double x[3] = {1, 2, 3};
    const double h[3] = {1, 2, 3};
    quadratic q = {3, h, 0, 0, 0, 0};
    icl_status status = icl_optimiser_create(own, o, 3, &optimiser);
    ck_assert((status == ICL_OK) == (optimiser != NULL));
    for (int k = 0; k < 3 && status == ICL_OK; k++)
        status = icl_optimiser_step(optimiser, evaluate, &q, x, NULL);
    icl_optimiser_free(optimiser);
    return status;
}

TEST(test_every_allocation) {
    const int64_t ends[2] = {1, 3};
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_LBFGS; method++) {
        icl_optimiser_options o = options_of((icl_optimiser_method)method, 0.1);
        o.line_search = 0;
        o.momentum = 0.5;
        o.clip_block = 1;
        o.blocks = 2;
        o.block_ends = ends;
        check_every_allocation(live, &o);
    }
    icl_optimiser_options o = options_of(ICL_OPTIMISER_LBFGS, 1);
    check_every_allocation(live, &o);
}

/* Steps allocate nothing, and an optimiser may outlive the caller's hold on the context. */
TEST(test_steps_allocate_nothing) {
    failing_allocator state = {.fail_at = -1};
    icl_context_options c;
    ck_assert_int_eq(icl_context_options_init(&c, sizeof c), ICL_OK);
    c.allocator = failing_allocator_of(&state);
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_LBFGS; method++) {
        icl_context *own;
        ck_assert_int_eq(icl_context_create(&c, &own), ICL_OK);
        icl_optimiser_options o = options_of((icl_optimiser_method)method, 0.1);
        icl_optimiser *optimiser;
        ASSERT_OK(own, icl_optimiser_create(own, &o, 2, &optimiser));
        icl_context_free(own);
        const double h[2] = {1, 4};
        double x[2] = {3, 5};
        quadratic q = {2, h, 0, 0, 0, 0};
        int64_t before = state.requests;
        for (int k = 0; k < 20; k++)
            ck_assert_int_eq(icl_optimiser_step(optimiser, evaluate, &q, x, NULL), ICL_OK);
        ck_assert_int_eq(icl_optimiser_reset(optimiser), ICL_OK);
        ck_assert_int_eq(state.requests, before);
        icl_optimiser_free(optimiser);
    }
    ck_assert_int_eq(state.held, 0);
}

/* ---- failures ---- */

/* An optimiser and its twin: what happens to the first between equal steps must leave no trace. */
static void compare_after(icl_optimiser_method method, quadratic upset, icl_status expected) {
    const double h[3] = {1, 2, 0.25};
    icl_optimiser_options o = options_of(method, 0.1);
    o.momentum = 0.5;
    o.weight_decay = 0.01;
    o.line_search = 0;
    icl_optimiser *a = make(&o, 3), *b = make(&o, 3);
    double x[3] = {1, 2, 3}, twin[3] = {1, 2, 3};
    quadratic q = {3, h, 0, 0, 0, 0};
    upset.count = 3;
    upset.h = h;
    for (int k = 0; k < 4; k++) {
        icl_step_report report = {.value = 42};
        upset.calls = 0;
        ASSERT_FAILS(context, expected, "icl_optimiser_step",
                     icl_optimiser_step(a, evaluate, &upset, x, &report));
        ck_assert(report.value == 42);
        ck_assert(memcmp(x, twin, sizeof x) == 0);
        ck_assert_int_eq(icl_optimiser_steps(a), k);
        ck_assert(memcmp(&a->counters, &b->counters, sizeof a->counters) == 0);
        if (method != ICL_OPTIMISER_LBFGS) /* there one slot of the ring is scratch */
            ck_assert(memcmp(a->state, b->state, (size_t)a->state_count * sizeof(double)) == 0);
        ASSERT_OK(context, icl_optimiser_step(a, evaluate, &q, x, NULL));
        ASSERT_OK(context, icl_optimiser_step(b, evaluate, &q, twin, NULL));
        ck_assert(memcmp(x, twin, sizeof x) == 0);
    }
    icl_optimiser_free(a);
    icl_optimiser_free(b);
}

TEST(test_failures_leave_no_trace) {
    for (int k = ICL_OPTIMISER_GD; k <= ICL_OPTIMISER_LBFGS; k++) {
        icl_optimiser_method method = (icl_optimiser_method)k;
        compare_after(method, (quadratic){.fail_at = 1}, ICL_ERR_CALLBACK);
        compare_after(method, (quadratic){.value = NAN}, ICL_ERR_DIVERGED);
        compare_after(method, (quadratic){.value = INFINITY}, ICL_ERR_DIVERGED);
        compare_after(method, (quadratic){.slope = NAN}, ICL_ERR_DIVERGED);
        compare_after(method, (quadratic){.slope = -INFINITY}, ICL_ERR_DIVERGED);
    }
    /* the square overflows in the second moment */
    compare_after(ICL_OPTIMISER_ADAM, (quadratic){.slope = 1e200}, ICL_ERR_DIVERGED);
    compare_after(ICL_OPTIMISER_ADAMW, (quadratic){.slope = 1e200}, ICL_ERR_DIVERGED);
}

/* A step too long: x stays where it last was finite, whatever the method. */
TEST(test_divergence) {
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_SGD; method++) {
        icl_optimiser_options o = options_of((icl_optimiser_method)method, 1e60);
        icl_optimiser *optimiser = make(&o, 2);
        const double h[2] = {1, 1e-90};
        double x[2] = {1, 1}, before[2];
        quadratic q = {2, h, 0, 0, 0, 0};
        icl_status status = ICL_OK;
        int64_t steps = 0;
        while (status == ICL_OK) {
            memcpy(before, x, sizeof x);
            status = icl_optimiser_step(optimiser, evaluate, &q, x, NULL);
            steps += status == ICL_OK;
            ck_assert_int_lt(steps, 20);
        }
        ck_assert_int_eq(status, ICL_ERR_DIVERGED);
        ck_assert_int_eq(icl_optimiser_steps(optimiser), steps);
        ck_assert(memcmp(x, before, sizeof x) == 0 && isfinite(x[0]) && fabs(x[0]) > 1);
        icl_optimiser_free(optimiser);
    }
    icl_optimiser_options o = options_of(ICL_OPTIMISER_GD, 1e10);
    icl_optimiser *optimiser = make(&o, 1);
    double x = 1, g = 1e300;
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "icl_optimiser_update",
                 icl_optimiser_update(optimiser, &g, &x));
    ck_assert(x == 1 && icl_optimiser_steps(optimiser) == 0);
    icl_optimiser_free(optimiser);
}

TEST(test_zero_gradient) {
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_LBFGS; method++)
        for (int search = 0; search <= 1; search++) {
            icl_optimiser_options o = options_of((icl_optimiser_method)method, 0.1);
            o.line_search = search;
            icl_optimiser *optimiser = make(&o, 2);
            const double h[2] = {1, 0};
            double x[2] = {0, 5};
            quadratic q = {2, h, 0, 0, 0, 0};
            icl_step_report report;
            ASSERT_OK(context, icl_optimiser_step(optimiser, evaluate, &q, x, &report));
            ck_assert_int_eq(report.stop, ICL_STOP_GRADIENT);
            ck_assert(report.gradient_norm == 0 && report.value == 0 && report.evaluations == 1);
            ck_assert(x[0] == 0 && x[1] == 5);
            icl_optimiser_free(optimiser);
        }
}

/* ---- the rest ---- */

TEST(test_update_equals_step_and_reset_forgets) {
    const double h[3] = {1, 3, 0.2};
    for (int method = ICL_OPTIMISER_GD; method <= ICL_OPTIMISER_LBFGS; method++) {
        icl_optimiser_options o = options_of((icl_optimiser_method)method, 0.1);
        o.momentum = 0.9;
        o.line_search = 0;
        icl_optimiser *a = make(&o, 3), *b = make(&o, 3);
        quadratic q = {3, h, 0, 0, 0, 0};
        for (int round = 0; round < 2; round++) {
            double x[3] = {1, -2, 3}, y[3] = {1, -2, 3};
            for (int k = 0; k < 10; k++) {
                double g[3] = {h[0] * y[0], h[1] * y[1], h[2] * y[2]};
                ASSERT_OK(context, icl_optimiser_step(a, evaluate, &q, x, NULL));
                ASSERT_OK(context, icl_optimiser_update(b, g, y));
                ck_assert(memcmp(x, y, sizeof x) == 0);
                ck_assert_int_eq(icl_optimiser_steps(a), k + 1);
            }
            icl_optimiser_free(b);
            b = make(&o, 3); /* a fresh one, against the one that was reset */
            ASSERT_OK(context, icl_optimiser_reset(a));
            ck_assert_int_eq(icl_optimiser_steps(a), 0);
        }
        icl_optimiser_free(a);
        icl_optimiser_free(b);
    }
}

RUN_SUITE("optim", test_defaults, test_options_of_other_sizes, test_bad_options,
          test_bad_combinations, test_bad_arguments, test_huge_counts, test_every_allocation,
          test_steps_allocate_nothing, test_failures_leave_no_trace, test_divergence,
          test_zero_gradient, test_update_equals_step_and_reset_forgets)
