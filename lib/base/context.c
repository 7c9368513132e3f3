/* The context: memory, the last error of each thread, reference counts, the choice of kernels. */
#include "base/context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pool.h"

enum { TEXT_SIZE = 512, ALIGNMENT = 64, MAX_THREADS = 1024 };

/* The last error of one thread. */
typedef struct error_slot {
    struct error_slot *next;
    pthread_t thread;
    char text[TEXT_SIZE];
} error_slot;

struct icl_context {
    icl_allocator allocator;
    icl_log_fn log;
    void *log_user;
    int64_t threads;
    icl_isa isa;
    _Atomic int64_t references;
    icl_pool *pool;
    pthread_mutex_t lock; /* guards errors */
    error_slot *errors;
    error_slot first; /* the first thread that fails needs no memory to say so */
};

static void *default_allocate(size_t bytes, void *user) {
    (void)user;
    return malloc(bytes);
}

static void default_release(void *memory, void *user) {
    (void)user;
    free(memory);
}

static const icl_context_options default_options = {
    .size = sizeof(icl_context_options), .threads = 1, .isa = ICL_ISA_AUTO};

icl_status icl_context_options_init(icl_context_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* ---- memory ---- */

icl_status icl_alloc(const icl_context *context, int64_t count, size_t size, void **out) {
    *out = NULL;
    const size_t extra = ALIGNMENT + sizeof(void *);
    if (count < 0 || (uint64_t)count > (SIZE_MAX / 2 - extra) / size)
        return icl_fail(context, ICL_ERR_SIZE, "%lld elements of %zu bytes are too many",
                        (long long)count, size);
    size_t bytes = (size_t)count * size;
    char *raw = context->allocator.allocate(bytes + extra, context->allocator.user);
    if (raw == NULL)
        return icl_fail(context, ICL_ERR_NOMEM, "no memory for %zu bytes", bytes);
    uintptr_t start = ((uintptr_t)raw + extra) & ~(uintptr_t)(ALIGNMENT - 1);
    void **aligned = (void **)start;
    aligned[-1] = raw;
    *out = memset(aligned, 0, bytes);
    return ICL_OK;
}

void icl_dealloc(const icl_context *context, void *memory) {
    if (memory != NULL)
        context->allocator.release(((void **)memory)[-1], context->allocator.user);
}

/* ---- errors ---- */

/* The calling thread's slot; NULL if it has none and `make` is 0 or memory is short. */
static error_slot *find_slot(icl_context *context, int make) {
    pthread_t self = pthread_self();
    for (error_slot *slot = context->errors; slot != NULL; slot = slot->next)
        if (pthread_equal(slot->thread, self))
            return slot;
    if (!make)
        return NULL;
    error_slot *slot = &context->first;
    if (context->errors != NULL)
        slot = context->allocator.allocate(sizeof *slot, context->allocator.user);
    if (slot == NULL)
        return NULL;
    *slot = (error_slot){.next = context->errors, .thread = self};
    context->errors = slot;
    return slot;
}

icl_status icl_fail(const icl_context *constant, icl_status status, const char *format, ...) {
    icl_context *context = (icl_context *)constant;
    if (context == NULL)
        return status;
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&context->lock);
    error_slot *slot = find_slot(context, 1);
    if (slot != NULL)
        memcpy(slot->text, text, sizeof text);
    pthread_mutex_unlock(&context->lock);
    if (context->log != NULL)
        context->log(status, text, context->log_user);
    return status;
}

const char *icl_context_last_error(const icl_context *constant) {
    icl_context *context = (icl_context *)constant;
    if (context == NULL)
        return "the context is NULL";
    pthread_mutex_lock(&context->lock);
    error_slot *slot = find_slot(context, 0);
    pthread_mutex_unlock(&context->lock);
    return slot != NULL ? slot->text : "";
}

/* ---- life ---- */

static icl_status choose_isa(icl_context *context, icl_isa isa) {
    ICL_REQUIRE(context, (unsigned)isa <= ICL_ISA_AVX512, ICL_ERR_ARGUMENT,
                "icl_context_create: isa = %d is none of icl_isa", (int)isa);
    if (isa == ICL_ISA_AUTO) {
        isa = ICL_ISA_AVX512;
        while (!icl_isa_supported(isa))
            isa = (icl_isa)(isa - 1);
    }
    ICL_REQUIRE(context, icl_isa_supported(isa), ICL_ERR_UNSUPPORTED,
                "icl_context_create: isa = %d (%s) is not available here", (int)isa,
                icl_isa_name(isa));
    context->isa = isa;
    return ICL_OK;
}

static icl_status configure(icl_context *context, const icl_context_options *o) {
    ICL_TRY(icl_check_range(context, "icl_context_create", "threads", o->threads, 1, MAX_THREADS));
    ICL_TRY(choose_isa(context, o->isa));
    return icl_pool_create(context, o->threads, &context->pool);
}

icl_status icl_context_create(const icl_context_options *options, icl_context **out) {
    if (out == NULL)
        return ICL_ERR_ARGUMENT;
    *out = NULL;
    icl_context_options o = default_options;
    ICL_TRY(icl_options_read(NULL, __func__, options, &o, sizeof o));
    if ((o.allocator.allocate == NULL) != (o.allocator.release == NULL))
        return ICL_ERR_ARGUMENT;
    if (o.allocator.allocate == NULL)
        o.allocator = (icl_allocator){default_allocate, default_release, NULL};
    icl_context *context = o.allocator.allocate(sizeof *context, o.allocator.user);
    if (context == NULL)
        return ICL_ERR_NOMEM;
    *context = (icl_context){.allocator = o.allocator,
                             .log = o.log,
                             .log_user = o.log_user,
                             .threads = o.threads,
                             .references = 1};
    pthread_mutex_init(&context->lock, NULL);
    icl_status status = configure(context, &o);
    if (status != ICL_OK) {
        icl_context_free(context);
        return status;
    }
    *out = context;
    return ICL_OK;
}

icl_context *icl_context_retain(icl_context *context) {
    atomic_fetch_add(&context->references, 1);
    return context;
}

void icl_context_free(icl_context *context) {
    if (context == NULL || atomic_fetch_sub(&context->references, 1) != 1)
        return;
    icl_pool_free(context, context->pool);
    icl_allocator allocator = context->allocator;
    while (context->errors != NULL) {
        error_slot *slot = context->errors;
        context->errors = slot->next;
        if (slot != &context->first)
            allocator.release(slot, allocator.user);
    }
    pthread_mutex_destroy(&context->lock);
    allocator.release(context, allocator.user);
}

int64_t icl_context_threads(const icl_context *context) {
    return context != NULL ? context->threads : 0;
}

icl_isa icl_context_isa(const icl_context *context) {
    return context != NULL ? context->isa : ICL_ISA_AUTO;
}

icl_status icl_parallel(const icl_context *context, int64_t blocks, icl_work_fn work, void *user) {
    return icl_pool_run(context->pool, blocks, work, user);
}

double icl_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
