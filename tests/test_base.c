/* Codes and their texts, the context: memory, errors, log, life, instruction set. */
#include "support/support.h"

#include <pthread.h>

#include "base/context.h"

/* ---- codes ---- */

typedef struct code_row {
    const char *name;
    int value;
    const char *text;
} code_row;

#define ROW(name, value, text) {#name, value, text},
static const code_row statuses[] = {ICL_STATUS_LIST(ROW)};
static const code_row stops[] = {ICL_STOP_LIST(ROW)};
enum {
    STATUSES = sizeof statuses / sizeof *statuses,
    STOPS = sizeof stops / sizeof *stops,
    UNKNOWN = 99
};

START_TEST(test_every_status_has_its_name_and_text) {
    for (int i = 0; i < STATUSES; i++) {
        ck_assert_int_eq(statuses[i].value, i);
        ck_assert_str_eq(icl_status_name((icl_status)i), statuses[i].name);
        ck_assert_str_eq(icl_status_text((icl_status)i), statuses[i].text);
        icl_status back = (icl_status)UNKNOWN;
        ck_assert_int_eq(icl_status_from_name(statuses[i].name, &back), ICL_OK);
        ck_assert_int_eq(back, i);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(statuses[i].text, statuses[j].text);
    }
    ck_assert_int_eq(ICL_OK, 0);
    ck_assert_uint_eq(sizeof(icl_status), 4);
}
END_TEST

START_TEST(test_every_stop_has_its_name_and_text) {
    for (int i = 0; i < STOPS; i++) {
        ck_assert_int_eq(stops[i].value, i);
        ck_assert_str_eq(icl_stop_name((icl_stop)i), stops[i].name);
        ck_assert_str_eq(icl_stop_text((icl_stop)i), stops[i].text);
    }
    ck_assert_uint_eq(sizeof(icl_stop), 4);
}
END_TEST

START_TEST(test_other_numbers_are_unknown) {
    const int others[] = {-1, STATUSES, UNKNOWN, ICL_STATUS_FORCE_INT};
    for (int i = 0; i < 4; i++) {
        ck_assert_str_eq(icl_status_name((icl_status)others[i]), "unknown");
        ck_assert_str_eq(icl_status_text((icl_status)others[i]), "unknown");
    }
    ck_assert_str_eq(icl_stop_name((icl_stop)STOPS), "unknown");
    ck_assert_str_eq(icl_stop_text((icl_stop)-1), "unknown");
    icl_status status = ICL_ERR_SHAPE;
    ck_assert_int_eq(icl_status_from_name("ICL_ERR", &status), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_status_from_name(NULL, &status), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_status_from_name("ICL_OK", NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(status, ICL_ERR_SHAPE);
}
END_TEST

START_TEST(test_version_is_written_once) {
    char text[64];
    snprintf(text, sizeof text, "%d.%d.%d", ICL_VERSION_MAJOR, ICL_VERSION_MINOR,
             ICL_VERSION_PATCH);
    ck_assert_str_eq(text, ICL_VERSION_STRING);
    ck_assert_str_eq(icl_version(), ICL_VERSION_STRING);
}
END_TEST

/* ---- making a context ---- */

enum { CANARY = 0xa5 };

START_TEST(test_context_options_grow_at_the_end) {
    icl_context_options options;
    ck_assert_int_eq(icl_context_options_init(NULL, sizeof options), ICL_ERR_ARGUMENT);
    size_t before_threads = offsetof(icl_context_options, threads);
    memset(&options, CANARY, sizeof options);
    ck_assert_int_eq(icl_context_options_init(&options, before_threads), ICL_OK);
    icl_context *context = NULL;
    /* threads and isa hold canaries: a caller of this size never wrote them */
    ck_assert_int_eq(icl_context_create(&options, &context), ICL_OK);
    ck_assert_int_eq(icl_context_threads(context), 1);
    icl_context_free(context);

    struct {
        icl_context_options known;
        int64_t tail;
    } newer;
    ck_assert_int_eq(icl_context_options_init((icl_context_options *)(void *)&newer, sizeof newer),
                     ICL_OK);
    ck_assert_int_eq(newer.tail, 0);
    ck_assert_int_eq(icl_context_create(&newer.known, &context), ICL_OK);
    icl_context_free(context);
    newer.tail = 1;
    ck_assert_int_eq(icl_context_create(&newer.known, &context), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(context);
}
END_TEST

typedef struct heard {
    int count;
    icl_status status;
    char text[600];
    pthread_t thread;
} heard;

static void listen(icl_status status, const char *text, void *user) {
    heard *h = user;
    h->count++;
    h->status = status;
    h->thread = pthread_self();
    snprintf(h->text, sizeof h->text, "%s", text);
}

static icl_context *listening_context(heard *h) {
    icl_context_options options;
    icl_context_options_init(&options, sizeof options);
    options.log = listen;
    options.log_user = h;
    icl_context *context;
    ck_assert_int_eq(icl_context_create(&options, &context), ICL_OK);
    return context;
}

START_TEST(test_context_refuses_bad_options) {
    heard h = {0};
    icl_context_options good, bad;
    icl_context_options_init(&good, sizeof good);
    good.log = listen;
    good.log_user = &h;
    icl_context *context;
    const int64_t threads[] = {0, -1, 1025, INT64_MIN, INT64_MAX};
    for (int i = 0; i < 5; i++) {
        bad = good;
        bad.threads = threads[i];
        context = (icl_context *)&bad;
        ck_assert_int_eq(icl_context_create(&bad, &context), ICL_ERR_ARGUMENT);
        ck_assert_ptr_null(context);
        ck_assert_int_eq(h.count, i + 1);
        ck_assert_ptr_nonnull(strstr(h.text, "threads = "));
    }
    bad = good;
    bad.isa = (icl_isa)UNKNOWN;
    ck_assert_int_eq(icl_context_create(&bad, &context), ICL_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(h.text, "isa = 99"));
    bad = good;
    bad.size = 0;
    ck_assert_int_eq(icl_context_create(&bad, &context), ICL_ERR_ARGUMENT);
    failing_allocator state = {.fail_at = -1};
    bad = good;
    bad.allocator = failing_allocator_of(&state);
    bad.allocator.release = NULL;
    ck_assert_int_eq(icl_context_create(&bad, &context), ICL_ERR_ARGUMENT);
    bad.allocator = (icl_allocator){NULL, failing_allocator_of(&state).release, NULL};
    ck_assert_int_eq(icl_context_create(&bad, &context), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_context_create(&good, NULL), ICL_ERR_ARGUMENT);
}
END_TEST

START_TEST(test_null_is_a_legal_context_to_ask) {
    icl_context_free(NULL);
    ck_assert_int_eq(icl_context_threads(NULL), 0);
    ck_assert_int_eq(icl_context_isa(NULL), ICL_ISA_AUTO);
    ck_assert_str_ne(icl_context_last_error(NULL), "");
    ck_assert_int_eq(icl_fail(NULL, ICL_ERR_SHAPE, "%s", "text"), ICL_ERR_SHAPE);
}
END_TEST

START_TEST(test_instruction_sets) {
    static const char *const names[] = {"auto", "baseline", "avx2", "avx512"};
    ck_assert(icl_isa_supported(ICL_ISA_AUTO) && icl_isa_supported(ICL_ISA_BASELINE));
    ck_assert(!icl_isa_supported((icl_isa)UNKNOWN) && !icl_isa_supported((icl_isa)-1));
    ck_assert_str_eq(icl_isa_name((icl_isa)UNKNOWN), "unknown");
    ck_assert_str_eq(icl_isa_name((icl_isa)-1), "unknown");
    icl_isa best = ICL_ISA_BASELINE;
    for (int i = 0; i < 4; i++) {
        icl_isa isa = (icl_isa)i;
        ck_assert_str_eq(icl_isa_name(isa), names[i]);
        icl_context_options options;
        icl_context_options_init(&options, sizeof options);
        options.isa = isa;
        icl_context *context;
        icl_status status = icl_context_create(&options, &context);
        ck_assert_int_eq(status, icl_isa_supported(isa) ? ICL_OK : ICL_ERR_UNSUPPORTED);
        if (status == ICL_OK && isa != ICL_ISA_AUTO) {
            ck_assert_int_eq(icl_context_isa(context), isa);
            best = isa;
        }
        icl_context_free(context);
    }
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    ck_assert_int_eq(icl_context_isa(context), best);
    icl_context_free(context);
}
END_TEST

/* ---- memory ---- */

START_TEST(test_memory_is_aligned_and_zeroed) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t count = 0; count < 200; count++) {
        unsigned char *memory;
        ASSERT_OK(context, ICL_NEW(context, &memory, count));
        ck_assert_uint_eq((uintptr_t)memory % 64, 0);
        for (int64_t i = 0; i < count; i++)
            ck_assert_int_eq(memory[i], 0);
        memset(memory, CANARY, (size_t)count);
        icl_dealloc(context, memory);
    }
    icl_dealloc(context, NULL);
    icl_context_free(context);
}
END_TEST

START_TEST(test_products_of_sizes_do_not_wrap) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t counts[] = {-1, INT64_MIN, INT64_MAX, INT64_MAX / 8};
    for (int i = 0; i < 4; i++) {
        double *memory = (double *)&context;
        ASSERT_FAILS(context, ICL_ERR_SIZE, "too many", ICL_NEW(context, &memory, counts[i]));
        ck_assert_ptr_null(memory);
    }
    icl_context_free(context);
}
END_TEST

static icl_status make_and_free(icl_context *context, void *user) {
    (void)user;
    double *memory;
    ICL_TRY(ICL_NEW(context, &memory, 100));
    icl_dealloc(context, memory);
    return ICL_OK;
}

START_TEST(test_every_allocation_of_the_ground_may_fail) {
    check_every_allocation(make_and_free, NULL);
    for (int64_t threads = 1; threads <= 7; threads += 3)
        for (int64_t fail_at = 0; fail_at < 2; fail_at++) {
            failing_allocator state = {.fail_at = fail_at};
            icl_context_options options;
            icl_context_options_init(&options, sizeof options);
            options.threads = threads;
            options.allocator = failing_allocator_of(&state);
            icl_context *context;
            icl_status status = icl_context_create(&options, &context);
            ck_assert_int_eq(status, state.requests > fail_at ? ICL_ERR_NOMEM : ICL_OK);
            icl_context_free(context);
            ck_assert_int_eq(state.held, 0);
        }
}
END_TEST

START_TEST(test_a_failure_needs_no_memory_to_be_told) {
    failing_allocator state = {.fail_at = 1};
    icl_context_options options;
    icl_context_options_init(&options, sizeof options);
    options.allocator = failing_allocator_of(&state);
    icl_context *context;
    ck_assert_int_eq(icl_context_create(&options, &context), ICL_OK);
    double *memory;
    ASSERT_FAILS(context, ICL_ERR_NOMEM, "no memory for 80 bytes", ICL_NEW(context, &memory, 10));
    ck_assert_int_eq(state.requests, 2);
    icl_context_free(context);
    ck_assert_int_eq(state.held, 0);
}
END_TEST

/* ---- errors ---- */

START_TEST(test_the_log_hears_each_failure_once) {
    heard h = {0};
    icl_context *context = listening_context(&h);
    ck_assert_str_eq(icl_context_last_error(context), "");
    ck_assert_int_eq(icl_fail(context, ICL_ERR_SHAPE, "%s = %d", "n", 3), ICL_ERR_SHAPE);
    ck_assert_int_eq(h.count, 1);
    ck_assert_int_eq(h.status, ICL_ERR_SHAPE);
    ck_assert_str_eq(h.text, "n = 3");
    ck_assert_str_eq(icl_context_last_error(context), "n = 3");
    ck_assert(pthread_equal(h.thread, pthread_self()));
    icl_context_free(context);
}
END_TEST

START_TEST(test_long_texts_are_cut) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    icl_fail(context, ICL_ERR_ARGUMENT, "%s", text);
    const char *kept = icl_context_last_error(context);
    ck_assert_uint_ge(strlen(kept), 255);
    ck_assert_uint_lt(strlen(kept), sizeof text - 1);
    ck_assert_int_eq(strncmp(kept, text, strlen(kept)), 0);
    icl_context_free(context);
}
END_TEST

typedef struct failing_thread {
    icl_context *context;
    int64_t id;
    pthread_barrier_t *all_failed;
    int wrong;
} failing_thread;

static void *fail_on_a_thread(void *user) {
    failing_thread *t = user;
    char mine[32];
    t->wrong = strcmp(icl_context_last_error(t->context), "") != 0;
    for (int i = 0; i < 100; i++) {
        snprintf(mine, sizeof mine, "thread %lld, %d", (long long)t->id, i);
        icl_fail(t->context, ICL_ERR_ARGUMENT, "%s", mine);
        t->wrong |= strcmp(icl_context_last_error(t->context), mine) != 0;
    }
    pthread_barrier_wait(t->all_failed);
    t->wrong |= strcmp(icl_context_last_error(t->context), mine) != 0;
    return NULL;
}

START_TEST(test_each_thread_has_its_own_last_error) {
    enum { COUNT = 7 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_fail(context, ICL_ERR_ARGUMENT, "the main thread's");
    pthread_barrier_t all_failed;
    pthread_barrier_init(&all_failed, NULL, COUNT);
    pthread_t threads[COUNT];
    failing_thread arguments[COUNT];
    for (int i = 0; i < COUNT; i++) {
        arguments[i] = (failing_thread){context, i, &all_failed, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, fail_on_a_thread, &arguments[i]), 0);
    }
    for (int i = 0; i < COUNT; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(arguments[i].wrong, 0);
    }
    pthread_barrier_destroy(&all_failed);
    ck_assert_str_eq(icl_context_last_error(context), "the main thread's");
    icl_context_free(context);
}
END_TEST

START_TEST(test_objects_keep_their_context) {
    failing_allocator state = {.fail_at = -1};
    icl_context_options options;
    icl_context_options_init(&options, sizeof options);
    options.allocator = failing_allocator_of(&state);
    options.threads = 3;
    icl_context *context;
    ck_assert_int_eq(icl_context_create(&options, &context), ICL_OK);
    icl_context *held = icl_context_retain(context);
    ck_assert_ptr_eq(held, context);
    icl_context_free(context); /* the host's hold */
    ck_assert_int_gt(state.held, 0);
    double *memory;
    ASSERT_OK(held, ICL_NEW(held, &memory, 3));
    icl_dealloc(held, memory);
    icl_context_free(held); /* the object's */
    ck_assert_int_eq(state.held, 0);
}
END_TEST

/* ---- time ---- */

START_TEST(test_the_clock_does_not_go_back) {
    double last = icl_clock(), first = last;
    for (int i = 0; i < 100000; i++) {
        double now = icl_clock();
        ck_assert(now >= last);
        last = now;
    }
    ck_assert(last > first);
}
END_TEST

RUN_SUITE("base", test_every_status_has_its_name_and_text, test_every_stop_has_its_name_and_text,
          test_other_numbers_are_unknown, test_version_is_written_once,
          test_context_options_grow_at_the_end, test_context_refuses_bad_options,
          test_null_is_a_legal_context_to_ask, test_instruction_sets,
          test_memory_is_aligned_and_zeroed, test_products_of_sizes_do_not_wrap,
          test_every_allocation_of_the_ground_may_fail, test_a_failure_needs_no_memory_to_be_told,
          test_the_log_hears_each_failure_once, test_long_texts_are_cut,
          test_each_thread_has_its_own_last_error, test_objects_keep_their_context,
          test_the_clock_does_not_go_back)
