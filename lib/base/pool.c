/* Workers wait for the next run, take block numbers from one counter, and the lowest failing block
 * wins, so that the outcome of a run does not depend on who did what.
 */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* One run: workers take block numbers from `next` until they pass `blocks`. */
struct icl_pool {
    pthread_mutex_t busy; /* held by the thread whose run it is */
    pthread_mutex_t lock; /* guards what follows down to `stop`, when it is written */
    pthread_cond_t wake;
    pthread_cond_t done;
    _Atomic uint64_t generation; /* counts the runs */
    _Atomic int64_t active;      /* workers in the run */
    int open;                    /* 1: workers may still join it */
    int stop;
    icl_work_fn work;
    void *user;
    int64_t blocks;
    _Atomic int64_t next;
    _Atomic int64_t failed; /* lowest failing block << 8 | status; INT64_MAX: none */
    pid_t process;          /* that started the workers: after a fork the child has none */
    int64_t workers;
    pthread_t thread[];
};

static void take_blocks(icl_pool *pool) {
    for (;;) {
        int64_t block = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (block >= pool->blocks)
            return;
        icl_status status = pool->work(pool->user, block);
        if (status == ICL_OK)
            continue;
        int64_t code = block << 8 | (int64_t)status;
        int64_t seen = atomic_load(&pool->failed);
        while (code < seen && !atomic_compare_exchange_weak(&pool->failed, &seen, code))
            ;
    }
}

/* A thread stays awake for this many turns, some tens of microseconds, before it sleeps: runs that
 * follow each other closely then find it on a processor of its own. A sleeper may be woken on the
 * caller's, and come to work only after the caller has done all of it. */
enum { TURNS = 200 };

static void *worker(void *argument) {
    icl_pool *pool = argument;
    uint64_t seen = 0;
    for (;;) {
        for (int turn = 0; turn < TURNS && pool->generation == seen; turn++)
            sched_yield();
        pthread_mutex_lock(&pool->lock);
        while (!pool->stop && pool->generation == seen)
            pthread_cond_wait(&pool->wake, &pool->lock);
        int stop = pool->stop, join = pool->open && !stop;
        seen = pool->generation;
        pool->active += join;
        pthread_mutex_unlock(&pool->lock);
        if (stop)
            return NULL;
        if (!join)
            continue;
        take_blocks(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->active == 0)
            pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->lock);
    }
}

/* Workers inherit a full signal mask, so that the host's handlers run on the host's threads. */
static int start_workers(icl_pool *pool, int64_t count) {
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int failed = 0;
    while (pool->workers < count && !failed) {
        failed = pthread_create(&pool->thread[pool->workers], NULL, worker, pool);
        pool->workers += !failed;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failed;
}

icl_status icl_pool_create(const icl_context *context, int64_t threads, icl_pool **out) {
    *out = NULL;
    if (threads == 1)
        return ICL_OK;
    void *memory;
    ICL_TRY(icl_alloc(context, 1, sizeof(icl_pool) + (size_t)(threads - 1) * sizeof(pthread_t),
                      &memory));
    icl_pool *pool = memory;
    pool->process = getpid();
    pthread_mutex_init(&pool->busy, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    int failed = start_workers(pool, threads - 1);
    if (failed) {
        int64_t started = pool->workers + 1;
        icl_pool_free(context, pool);
        return icl_fail(context, ICL_ERR_SYSTEM,
                        "threads = %lld: the system starts no more than %lld", (long long)threads,
                        (long long)started);
    }
    *out = pool;
    return ICL_OK;
}

void icl_pool_free(const icl_context *context, icl_pool *pool) {
    if (pool == NULL)
        return;
    if (pool->process != getpid()) {
        icl_dealloc(context, pool);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stop = 1;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int64_t i = 0; i < pool->workers; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->busy);
    icl_dealloc(context, pool);
}

static icl_status run_alone(int64_t blocks, icl_work_fn work, void *user) {
    icl_status first = ICL_OK;
    for (int64_t block = 0; block < blocks; block++) {
        icl_status status = work(user, block);
        if (first == ICL_OK)
            first = status;
    }
    return first;
}

icl_status icl_pool_run(icl_pool *pool, int64_t blocks, icl_work_fn work, void *user) {
    if (pool == NULL || blocks <= 1 || pool->process != getpid() ||
        pthread_mutex_trylock(&pool->busy) != 0)
        return run_alone(blocks, work, user);
    pthread_mutex_lock(&pool->lock);
    pool->work = work;
    pool->user = user;
    pool->blocks = blocks;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->failed, INT64_MAX);
    pool->open = 1;
    pool->generation++;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);

    take_blocks(pool);

    pthread_mutex_lock(&pool->lock);
    pool->open = 0;
    pthread_mutex_unlock(&pool->lock);
    for (int turn = 0; turn < TURNS && pool->active > 0; turn++)
        sched_yield();
    pthread_mutex_lock(&pool->lock);
    while (pool->active > 0)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    int64_t failed = atomic_load(&pool->failed);
    pthread_mutex_unlock(&pool->busy);
    return failed == INT64_MAX ? ICL_OK : (icl_status)(failed & 0xff);
}
