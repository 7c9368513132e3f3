/* Work on several threads: each block once, the lowest failure, nesting, other threads, fork. */
#define _GNU_SOURCE /* pthread_attr_setdefault_np */
#include "support/support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/context.h"
#include "base/scratch.h"

enum { BLOCKS = 1000 };

#define EVERY_THREAD_COUNT(body)                                                                   \
    START_TEST(test_##body) {                                                                      \
        const int64_t counts[] = {1, 2, 3, 7};                                                     \
        for (int i = 0; i < 4; i++)                                                                \
            body(counts[i]);                                                                       \
    }                                                                                              \
    END_TEST

typedef struct tally {
    _Atomic int64_t runs[BLOCKS];
    int64_t fail_first, fail_second; /* blocks that fail; -1: none */
    icl_context *nested;             /* each block runs `nested_runs` of its own */
    _Atomic int64_t nested_runs;
} tally;

static tally *make_tally(void) {
    tally *t = calloc(1, sizeof *t);
    ck_assert_ptr_nonnull(t);
    t->fail_first = t->fail_second = -1;
    return t;
}

static icl_status count_block(void *user, int64_t block) {
    tally *t = user;
    atomic_fetch_add(&t->runs[block], 1);
    if (block == t->fail_first)
        return ICL_ERR_SHAPE;
    return block == t->fail_second ? ICL_ERR_NOMEM : ICL_OK;
}

static void check_counts(const tally *t, int64_t blocks, int64_t expected) {
    for (int64_t i = 0; i < BLOCKS; i++)
        ck_assert_int_eq(t->runs[i], i < blocks ? expected : 0);
}

static void every_block_runs_once(int64_t threads) {
    const int64_t counts[] = {0, 1, 2, 6, 7, 8, BLOCKS};
    icl_context *context = make_context(threads, ICL_ISA_AUTO);
    ck_assert_int_eq(icl_context_threads(context), threads);
    for (int i = 0; i < 7; i++) {
        tally *t = make_tally();
        ASSERT_OK(context, icl_parallel(context, counts[i], count_block, t));
        check_counts(t, counts[i], 1);
        free(t);
    }
    tally *t = make_tally();
    for (int i = 0; i < 300; i++)
        ASSERT_OK(context, icl_parallel(context, 20, count_block, t));
    check_counts(t, 20, 300);
    free(t);
    icl_context_free(context);
}
EVERY_THREAD_COUNT(every_block_runs_once)

static void the_lowest_failing_block_is_reported(int64_t threads) {
    icl_context *context = make_context(threads, ICL_ISA_AUTO);
    for (int64_t first = 0; first < 60; first++) {
        tally *t = make_tally();
        t->fail_first = first;
        t->fail_second = BLOCKS - 1 - first;
        ck_assert_int_eq(icl_parallel(context, BLOCKS, count_block, t), ICL_ERR_SHAPE);
        check_counts(t, BLOCKS, 1); /* a failure does not stop the others */
        t->fail_first = BLOCKS - 1;
        t->fail_second = first;
        ck_assert_int_eq(icl_parallel(context, BLOCKS, count_block, t), ICL_ERR_NOMEM);
        t->fail_first = t->fail_second = -1;
        ASSERT_OK(context, icl_parallel(context, BLOCKS, count_block, t));
        free(t);
    }
    icl_context_free(context);
}
EVERY_THREAD_COUNT(the_lowest_failing_block_is_reported)

static icl_status count_nested(void *user, int64_t block) {
    (void)block;
    tally *t = user;
    atomic_fetch_add(&t->nested_runs, 1);
    return ICL_OK;
}

static icl_status run_nested(void *user, int64_t block) {
    tally *t = user;
    ICL_TRY(icl_parallel(t->nested, 5, count_nested, t));
    return count_block(user, block);
}

static void blocks_may_run_blocks(int64_t threads) {
    icl_context *context = make_context(threads, ICL_ISA_AUTO);
    tally *t = make_tally();
    t->nested = context;
    ASSERT_OK(context, icl_parallel(context, 40, run_nested, t));
    check_counts(t, 40, 1);
    ck_assert_int_eq(t->nested_runs, 200);
    free(t);
    icl_context_free(context);
}
EVERY_THREAD_COUNT(blocks_may_run_blocks)

typedef struct host_thread {
    icl_context *context;
    tally *tally;
    icl_status status;
} host_thread;

static void *run_from_a_host_thread(void *user) {
    host_thread *h = user;
    for (int i = 0; i < 50 && h->status == ICL_OK; i++)
        h->status = icl_parallel(h->context, 30, count_block, h->tally);
    return NULL;
}

static void host_threads_may_share_a_context(int64_t threads) {
    enum { HOSTS = 4 };
    icl_context *context = make_context(threads, ICL_ISA_AUTO);
    pthread_t started[HOSTS];
    host_thread hosts[HOSTS];
    for (int i = 0; i < HOSTS; i++) {
        hosts[i] = (host_thread){context, make_tally(), ICL_OK};
        hosts[i].tally->fail_second = i == 3 ? 29 : -1;
        ck_assert_int_eq(pthread_create(&started[i], NULL, run_from_a_host_thread, &hosts[i]), 0);
    }
    for (int i = 0; i < HOSTS; i++) {
        pthread_join(started[i], NULL);
        ck_assert_int_eq(hosts[i].status, i == 3 ? ICL_ERR_NOMEM : ICL_OK);
        check_counts(hosts[i].tally, 30, i == 3 ? 1 : 50);
        free(hosts[i].tally);
    }
    icl_context_free(context);
}
EVERY_THREAD_COUNT(host_threads_may_share_a_context)

typedef struct meeting {
    pthread_t host;
    pthread_barrier_t all_here;
    _Atomic int unmasked_workers;
} meeting;

/* Ends only if as many threads as blocks come at the same time. */
static icl_status meet(void *user, int64_t block) {
    (void)block;
    meeting *m = user;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (!pthread_equal(pthread_self(), m->host) && !sigismember(&mask, SIGINT))
        atomic_fetch_add(&m->unmasked_workers, 1);
    pthread_barrier_wait(&m->all_here);
    return ICL_OK;
}

static void all_threads_work_and_leave_signals_to_the_host(int64_t threads) {
    icl_context *context = make_context(threads, ICL_ISA_AUTO);
    meeting m = {.host = pthread_self()};
    pthread_barrier_init(&m.all_here, NULL, (unsigned)threads);
    ASSERT_OK(context, icl_parallel(context, threads, meet, &m));
    ck_assert_int_eq(m.unmasked_workers, 0);
    pthread_barrier_destroy(&m.all_here);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert(!sigismember(&mask, SIGINT));
    icl_context_free(context);
}
EVERY_THREAD_COUNT(all_threads_work_and_leave_signals_to_the_host)

START_TEST(test_a_forked_child_works_alone) {
    icl_context *context = make_context(3, ICL_ISA_AUTO);
    tally *t = make_tally();
    ASSERT_OK(context, icl_parallel(context, 10, count_block, t));
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int good = icl_parallel(context, 10, count_block, t) == ICL_OK && t->runs[9] == 2;
        icl_context_free(context);
        free(t);
        _exit(good ? 0 : 1);
    }
    int state;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    ASSERT_OK(context, icl_parallel(context, 10, count_block, t));
    check_counts(t, 10, 2);
    free(t);
    icl_context_free(context);
}
END_TEST

static void keep_text(icl_status status, const char *text, void *user) {
    (void)status;
    snprintf(user, 200, "%s", text);
}

/* A stack larger than the address space: no thread can start. */
START_TEST(test_a_refused_thread_is_an_error) {
    pthread_attr_t normal, huge;
    ck_assert_int_eq(pthread_getattr_default_np(&normal), 0);
    pthread_attr_init(&huge);
    ck_assert_int_eq(pthread_attr_setstacksize(&huge, (size_t)1 << 48), 0);
    if (pthread_setattr_default_np(&huge) == 0) {
        char heard[200] = "";
        failing_allocator state = {.fail_at = -1};
        icl_context_options options;
        icl_context_options_init(&options, sizeof options);
        options.threads = 4;
        options.log = keep_text;
        options.log_user = heard;
        options.allocator = failing_allocator_of(&state);
        icl_context *context;
        icl_status status = icl_context_create(&options, &context);
        pthread_setattr_default_np(&normal);
        ck_assert_int_eq(status, ICL_ERR_SYSTEM);
        ck_assert_ptr_null(context);
        ck_assert_int_eq(state.held, 0);
        ck_assert_str_eq(heard, "threads = 4: the system starts no more than 1");
    }
    pthread_attr_destroy(&huge);
    pthread_attr_destroy(&normal);
}
END_TEST

/* ---- scratch ---- */

enum { SLOT = 100 };

typedef struct slots {
    icl_scratch *scratch;
    _Atomic int64_t bad;
    double *seen[BLOCKS];
} slots;

static icl_status use_slot(void *user, int64_t block) {
    slots *s = user;
    double *slot = icl_scratch_take(s->scratch);
    s->seen[block] = slot;
    for (int i = 0; i < SLOT; i++)
        slot[i] = (double)block;
    for (int i = 0; i < SLOT; i++)
        atomic_fetch_add(&s->bad, slot[i] != (double)block);
    atomic_fetch_add(&s->bad, (uintptr_t)slot % 64 != 0);
    icl_scratch_give(s->scratch, slot);
    return ICL_OK;
}

static void a_slot_belongs_to_one_block_at_a_time(int64_t threads) {
    icl_context *context = make_context(threads, ICL_ISA_AUTO);
    slots *s = calloc(1, sizeof *s);
    ck_assert_ptr_nonnull(s);
    ASSERT_OK(context, icl_scratch_create(context, SLOT, &s->scratch));
    ASSERT_OK(context, icl_parallel(context, BLOCKS, use_slot, s));
    ck_assert_int_eq(s->bad, 0);
    int64_t different = 0;
    for (int i = 0; i < BLOCKS; i++) {
        int known = 0;
        for (int j = 0; j < i && !known; j++)
            known = s->seen[j] == s->seen[i];
        different += !known;
    }
    ck_assert_int_le(different, threads);
    icl_scratch_free(context, s->scratch);
    free(s);
    icl_context_free(context);
}
EVERY_THREAD_COUNT(a_slot_belongs_to_one_block_at_a_time)

static icl_status make_scratch(icl_context *context, void *user) {
    icl_scratch *scratch = user;
    icl_status status = icl_scratch_create(context, SLOT, &scratch);
    ck_assert((scratch == NULL) == (status != ICL_OK));
    icl_scratch_free(context, scratch);
    return status;
}

START_TEST(test_scratch_may_fail) {
    check_every_allocation(make_scratch, NULL);
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_scratch *scratch;
    ASSERT_FAILS(context, ICL_ERR_SIZE, "too many",
                 icl_scratch_create(context, INT64_MAX / 2, &scratch));
    ASSERT_FAILS(context, ICL_ERR_SIZE, "too many",
                 icl_scratch_create(context, INT64_MAX - 7, &scratch));
    ck_assert_ptr_null(scratch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("pool", test_every_block_runs_once, test_the_lowest_failing_block_is_reported,
          test_blocks_may_run_blocks, test_host_threads_may_share_a_context,
          test_all_threads_work_and_leave_signals_to_the_host, test_a_forked_child_works_alone,
          test_a_refused_thread_is_an_error, test_a_slot_belongs_to_one_block_at_a_time,
          test_scratch_may_fail)
