/* Status codes, the context and what every object of libicl shares.
 *
 * Every object belongs to a context. The context carries what a host program wants to decide
 * once: where memory comes from, who hears the log, how many threads may work, which instruction
 * set the kernels use. There is no other state: libicl has no globals, prints nothing, never
 * exits, and leaves signal handlers, the locale and the BLAS threads alone.
 *
 * Rules that hold everywhere
 *   - A function returns an icl_status. On failure its outputs are untouched, except that a
 *     failed create sets *out to NULL; every object stays as it was, usable and freeable.
 *   - What failed, with the offending name and value, is in icl_context_last_error(); where there is
 *     no context yet, or NULL in place of the object that knows it, the status is all.
 *   - Option structs are set by icl_x_options_init(&o, sizeof o) and then changed field by field.
 *     NULL in place of one means all defaults.
 *   - Matrices are row-major doubles. Sizes are int64_t, seeds are uint64_t of at most 2^63 - 1.
 *   - One thread an object at a time; different objects at once; const calls at once.
 *   - An object keeps its context alive: the order of the frees does not matter.
 *
 * Letters used in shapes: d covariates, n examples in a prompt, q queries in a prompt, B prompts.
 */
#ifndef ICL_BASE_H
#define ICL_BASE_H

#include <stddef.h>
#include <stdint.h>

#include <icl/version.h>

#if defined(_WIN32)
#define ICL_API
#elif defined(__GNUC__)
#define ICL_API __attribute__((visibility("default")))
#else
#define ICL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Every status: X(name, value, text). Values are never reused. */
#define ICL_STATUS_LIST(X)                                                                         \
    X(ICL_OK, 0, "success")                                                                        \
    X(ICL_ERR_ARGUMENT, 1, "an argument is NULL, out of range or unknown")                         \
    X(ICL_ERR_NOMEM, 2, "out of memory")                                                           \
    X(ICL_ERR_SIZE, 3, "a size, or a product of sizes, is too large")                              \
    X(ICL_ERR_NONFINITE, 4, "an input holds NaN or infinity")                                      \
    X(ICL_ERR_SHAPE, 5, "two objects do not fit together")                                         \
    X(ICL_ERR_NOT_PSD, 6, "a covariance is not symmetric positive semi-definite")                  \
    X(ICL_ERR_SINGULAR, 7, "a matrix that must be inverted is singular")                           \
    X(ICL_ERR_DIVERGED, 8, "the iteration diverged; the last finite state is kept")                \
    X(ICL_ERR_CALLBACK, 9, "a callback asked to stop or returned unusable values")                 \
    X(ICL_ERR_NO_CLOSED_FORM, 10, "no closed form is known for this case")                         \
    X(ICL_ERR_MISSING, 11, "the object does not hold what was asked for")                          \
    X(ICL_ERR_SYSTEM, 12, "the operating system refused a resource")                               \
    X(ICL_ERR_LAPACK, 13, "LAPACK did not converge")                                               \
    X(ICL_ERR_UNSUPPORTED, 14, "this machine or build cannot do that")                             \
    X(ICL_ERR_IO, 15, "a file cannot be read or written")                                          \
    X(ICL_ERR_FORMAT, 16, "a file is cut short, damaged or of another format")                     \
    X(ICL_ERR_VERSION, 17, "a file was written by a newer version")

typedef enum icl_status {
#define ICL_STATUS_ENUM(name, value, text) name = value,
    ICL_STATUS_LIST(ICL_STATUS_ENUM)
#undef ICL_STATUS_ENUM
    ICL_STATUS_FORCE_INT = 0x7fffffff /* no status: keeps the enum four bytes wide */
} icl_status;

/* Why an iteration or a training run ended: X(name, value, text). Not an error: see icl_status. */
#define ICL_STOP_LIST(X)                                                                           \
    X(ICL_STOP_NONE, 0, "still running")                                                           \
    X(ICL_STOP_STEPS, 1, "the requested number of steps was done")                                 \
    X(ICL_STOP_TIME, 2, "the time limit was reached")                                              \
    X(ICL_STOP_GRADIENT, 3, "the gradient norm is below its tolerance")                            \
    X(ICL_STOP_EXCESS, 4, "the certified excess risk is below its tolerance")                      \
    X(ICL_STOP_CALLBACK, 5, "the progress callback asked to stop")                                 \
    X(ICL_STOP_DIVERGED, 6, "the iteration diverged; the last finite state is kept")               \
    X(ICL_STOP_STALLED, 7, "no step improves the objective: the numerical floor is reached")       \
    X(ICL_STOP_CONVERGED, 8, "the solver's own tolerance was reached")                             \
    X(ICL_STOP_SINGULAR, 9, "the prompt's system is singular; the minimum-norm solution is given")

typedef enum icl_stop {
#define ICL_STOP_ENUM(name, value, text) name = value,
    ICL_STOP_LIST(ICL_STOP_ENUM)
#undef ICL_STOP_ENUM
    ICL_STOP_FORCE_INT = 0x7fffffff
} icl_stop;

/* The name ("ICL_ERR_NOMEM") or the text ("out of memory") of a code; "unknown" for any other
 * number. The strings are static. Thread-safe. */
ICL_API const char *icl_status_name(icl_status status);
ICL_API const char *icl_status_text(icl_status status);
ICL_API const char *icl_stop_name(icl_stop stop);
ICL_API const char *icl_stop_text(icl_stop stop);

/* The status of that name in *status; ICL_ERR_ARGUMENT if there is none. */
ICL_API icl_status icl_status_from_name(const char *name, icl_status *status);

/* The version of the library that runs, as "major.minor.patch": compare with ICL_VERSION_STRING. */
ICL_API const char *icl_version(void);

/* The instruction sets that the kernels are compiled for. The results of AVX-512 and AVX2 are
 * equal to the bit; the baseline has no fused multiply-add and agrees to rounding. Samples are
 * equal to the bit on all three. */
typedef enum icl_isa {
    ICL_ISA_AUTO = 0,     /* the best that the processor has */
    ICL_ISA_BASELINE = 1, /* portable C */
    ICL_ISA_AVX2 = 2,     /* AVX2 and FMA */
    ICL_ISA_AVX512 = 3,   /* AVX-512 F and DQ */
    ICL_ISA_FORCE_INT = 0x7fffffff
} icl_isa;

/* 1 if this build holds the kernels and this processor can run them, else 0. */
ICL_API int icl_isa_supported(icl_isa isa);
/* "auto", "baseline", "avx2" or "avx512"; "unknown" for any other number. Static. */
ICL_API const char *icl_isa_name(icl_isa isa);

/* Where memory comes from. allocate returns NULL on failure and needs no alignment beyond
 * malloc's; release is given only what allocate returned. Both may be called from any thread
 * that calls libicl, and from no other. Both NULL: malloc and free. */
typedef struct icl_allocator {
    void *(*allocate)(size_t bytes, void *user);
    void (*release)(void *memory, void *user);
    void *user;
} icl_allocator;

/* Hears what a failing call says, on the thread that called: each text on the way out, the one that
 * icl_context_last_error keeps last. */
typedef void (*icl_log_fn)(icl_status status, const char *text, void *user);

typedef struct icl_context_options {
    size_t size;             /* sizeof(icl_context_options) as the caller knows it */
    icl_allocator allocator; /* default: malloc and free */
    icl_log_fn log;          /* default: NULL, nobody listens */
    void *log_user;          /* handed to log */
    int64_t threads;         /* 1 to 1024, the calling thread counted; default 1 */
    icl_isa isa;             /* default ICL_ISA_AUTO */
} icl_context_options;

typedef struct icl_context icl_context;

/* Sets the defaults; writes no byte beyond size, which must be at least sizeof(size_t). */
ICL_API icl_status icl_context_options_init(icl_context_options *options, size_t size);

/* Makes a context; options NULL means the defaults. ICL_ERR_UNSUPPORTED for an instruction set
 * that this machine lacks, ICL_ERR_SYSTEM if a thread cannot be started. */
ICL_API icl_status icl_context_create(const icl_context_options *options, icl_context **out);

/* Gives up the caller's hold on the context. Memory goes back when the last object is freed. */
ICL_API void icl_context_free(icl_context *context);

/* What the last failed call of this thread on this context said: "" if none failed. The text
 * belongs to the context and holds until this thread's next failure on it. */
ICL_API const char *icl_context_last_error(const icl_context *context);

ICL_API int64_t icl_context_threads(const icl_context *context); /* 0 for NULL */
ICL_API icl_isa icl_context_isa(const icl_context *context); /* the set in use, never AUTO but for NULL */

#ifdef __cplusplus
}
#endif
#endif
