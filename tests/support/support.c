#include "support/support.h"

int run_tests(const char *name, const TTest *const *tests, size_t count) {
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 0); /* meson bounds the time */
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

icl_context *make_context(int64_t threads, icl_isa isa) {
    icl_context_options options;
    ck_assert_int_eq(icl_context_options_init(&options, sizeof options), ICL_OK);
    options.threads = threads;
    options.isa = isa;
    icl_context *context;
    ck_assert_int_eq(icl_context_create(&options, &context), ICL_OK);
    return context;
}

double relative_difference(int64_t count, const double *a, const double *b) {
    double difference = 0, scale = 1e-300;
    for (int64_t i = 0; i < count; i++) {
        double distance = fabs(a[i] - b[i]);
        if (!(distance <= difference)) /* a NaN sticks */
            difference = distance;
        scale = fmax(scale, fabs(b[i]));
    }
    return difference / scale;
}

void fill_normal(icl_context *context, uint64_t seed, int64_t count, double *out) {
    ASSERT_OK(context, icl_random_normal(context, seed, 0, 0, count, out));
}

static void *allocate(size_t bytes, void *user) {
    failing_allocator *state = user;
    if (state->requests++ == state->fail_at)
        return NULL;
    void *memory = malloc(bytes);
    state->held += memory != NULL;
    return memory;
}

static void release(void *memory, void *user) {
    failing_allocator *state = user;
    state->held -= memory != NULL;
    free(memory);
}

icl_allocator failing_allocator_of(failing_allocator *state) {
    return (icl_allocator){allocate, release, state};
}

void check_every_allocation(allocation_body body, void *user) {
    for (int64_t fail_at = 0;; fail_at++) {
        failing_allocator state = {.fail_at = fail_at};
        icl_context_options options;
        ck_assert_int_eq(icl_context_options_init(&options, sizeof options), ICL_OK);
        options.allocator = failing_allocator_of(&state);
        icl_context *context;
        icl_status status = icl_context_create(&options, &context);
        if (status == ICL_OK)
            status = body(context, user);
        icl_context_free(context);
        int64_t reached = state.requests > fail_at;
        ck_assert_msg(state.held == 0, "allocation %lld failing: %lld blocks leak",
                      (long long)fail_at, (long long)state.held);
        ck_assert_msg(status == (reached ? ICL_ERR_NOMEM : ICL_OK), "allocation %lld failing: %s",
                      (long long)fail_at, icl_status_name(status));
        if (!reached)
            return;
    }
}
