/* The rules of option structs and of sized results, for every one that the library has: an older
 * caller's smaller struct, a newer caller's larger one, and no byte written past the size. */
#include "support/support.h"

enum { ROOM = 1024, CANARY = 0xa5 };

/* What the creators need beside their options; made by set_up. */
typedef struct world {
    icl_context *context;
    icl_law *law;
    icl_sampler *sampler;
    icl_model *model;
    icl_optimiser *optimiser;
} world;

typedef struct kind {
    const char *name;
    size_t known;
    icl_status (*init)(void *options, size_t size);
    /* Makes the object with the options, and frees it. */
    icl_status (*make)(const world *w, const void *options);
    /* Makes it with arguments replaced by NULL: 1 the context, 2 the options, 4 out. */
    icl_status (*make_null)(const world *w, const void *options, int null, int *out_is_null);
} kind;

/* The functions of one kind of object; ... are the arguments between options and out. */
#define CREATE(name, context, options, out, ...)                                                   \
    icl_##name##_create(context, options, __VA_ARGS__ out)
#define COMMA ,
#define KIND(name, extra)                                                                          \
    static icl_status name##_init(void *options, size_t size) {                                    \
        return icl_##name##_options_init(options, size);                                           \
    }                                                                                              \
    static icl_status name##_make(const world *w, const void *options) {                           \
        icl_##name *made;                                                                          \
        icl_status status = CREATE(name, w->context, options, &made, extra);                       \
        ck_assert((made == NULL) == (status != ICL_OK));                                           \
        icl_##name##_free(made);                                                                   \
        return status;                                                                             \
    }                                                                                              \
    static icl_status name##_make_null(const world *w, const void *options, int null,              \
                                       int *out_is_null) {                                         \
        icl_##name *made = (icl_##name *)(uintptr_t)64;                                            \
        icl_status status = CREATE(name, null & 1 ? NULL : w->context, null & 2 ? NULL : options,  \
                                   null & 4 ? NULL : &made, extra);                                \
        *out_is_null = made == NULL;                                                               \
        if (status == ICL_OK)                                                                      \
            icl_##name##_free(made);                                                               \
        return status;                                                                             \
    }
KIND(law, )
KIND(batch, )
KIND(solver, )
KIND(model, )
KIND(optimiser, 4 COMMA)

static icl_status trainer_init(void *options, size_t size) {
    return icl_trainer_options_init(options, size);
}

static icl_status trainer_make(const world *w, const void *options) {
    icl_trainer *made;
    icl_status status =
        icl_trainer_create(w->context, w->model, w->optimiser, w->sampler, options, &made);
    ck_assert((made == NULL) == (status != ICL_OK));
    icl_trainer_free(made);
    return status;
}

static icl_status trainer_make_null(const world *w, const void *options, int null,
                                    int *out_is_null) {
    icl_trainer *made = (icl_trainer *)(uintptr_t)64;
    icl_status status =
        icl_trainer_create(null & 1 ? NULL : w->context, w->model, w->optimiser, w->sampler,
                           null & 2 ? NULL : options, null & 4 ? NULL : &made);
    *out_is_null = made == NULL;
    if (status == ICL_OK)
        icl_trainer_free(made);
    return status;
}

#define ROW(name)                                                                                  \
    { #name, sizeof(icl_##name##_options), name##_init, name##_make, name##_make_null }
static const kind kinds[] = {ROW(law),   ROW(batch),     ROW(solver),
                             ROW(model), ROW(optimiser), ROW(trainer)};
enum { KINDS = sizeof kinds / sizeof *kinds };

static world set_up(void) {
    world w = {.context = make_context(1, ICL_ISA_AUTO)};
    icl_law_options law;
    icl_model_options model;
    icl_optimiser_options optimiser;
    icl_law_options_init(&law, sizeof law);
    icl_model_options_init(&model, sizeof model);
    icl_optimiser_options_init(&optimiser, sizeof optimiser);
    ASSERT_OK(w.context, icl_law_create(w.context, &law, &w.law));
    ASSERT_OK(w.context, icl_sampler_create(w.context, w.law, 1, &w.sampler));
    ASSERT_OK(w.context, icl_model_create(w.context, &model, &w.model));
    ASSERT_OK(w.context, icl_optimiser_create(w.context, &optimiser,
                                              icl_model_parameter_count(w.model), &w.optimiser));
    return w;
}

/* The context goes first, and the rest in no particular order: they keep it alive. */
static void tear_down(world *w) {
    icl_context_free(w->context);
    icl_law_free(w->law);
    icl_optimiser_free(w->optimiser);
    icl_sampler_free(w->sampler);
    icl_model_free(w->model);
}

static size_t size_of(const unsigned char *options) {
    size_t size;
    memcpy(&size, options, sizeof size);
    return size;
}

START_TEST(test_init_writes_exactly_the_callers_size) {
    for (int i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        _Alignas(64) unsigned char full[ROOM], options[ROOM];
        ck_assert_uint_le(k->known, ROOM / 2);
        ck_assert_int_eq(k->init(full, k->known), ICL_OK);
        for (size_t size = sizeof(size_t); size <= k->known + 64; size++) {
            memset(options, CANARY, sizeof options);
            ck_assert_msg(k->init(options, size) == ICL_OK, "%s, size %zu", k->name, size);
            ck_assert_uint_eq(size_of(options), size);
            for (size_t b = sizeof(size_t); b < sizeof options; b++) {
                int expected = b >= size ? CANARY : b < k->known ? full[b] : 0;
                ck_assert_msg(options[b] == expected, "%s, size %zu: byte %zu is %d, not %d",
                              k->name, size, b, options[b], expected);
            }
        }
        for (size_t size = 0; size < sizeof(size_t); size++)
            ck_assert_int_eq(k->init(options, size), ICL_ERR_ARGUMENT);
        ck_assert_int_eq(k->init(NULL, k->known), ICL_ERR_ARGUMENT);
    }
}
END_TEST

START_TEST(test_create_reads_every_size) {
    world w = set_up();
    for (int i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        _Alignas(64) unsigned char options[ROOM];
        /* an older caller; sizes end where a field does, so in steps of a pointer */
        for (size_t size = sizeof(size_t); size < k->known; size += sizeof(size_t)) {
            memset(options, CANARY, sizeof options); /* stands for what is not the struct's */
            k->init(options, size);
            ASSERT_OK(w.context, k->make(&w, options));
        }
        /* a newer one */
        for (size_t tail = 0; tail <= 24; tail += 8) {
            memset(options, CANARY, sizeof options);
            k->init(options, k->known + tail);
            ASSERT_OK(w.context, k->make(&w, options));
            for (size_t b = k->known; b < k->known + tail; b++) {
                options[b] = 1;
                ASSERT_FAILS(w.context, ICL_ERR_ARGUMENT, "non-zero byte", k->make(&w, options));
                options[b] = 0;
            }
        }
        k->init(options, k->known);
        memset(options, 0, sizeof(size_t));
        ASSERT_FAILS(w.context, ICL_ERR_ARGUMENT, "options.size = 0", k->make(&w, options));
    }
    tear_down(&w);
}
END_TEST

START_TEST(test_create_refuses_null_but_for_options) {
    world w = set_up();
    for (int i = 0; i < KINDS; i++) {
        const kind *k = &kinds[i];
        _Alignas(64) unsigned char options[ROOM];
        k->init(options, k->known);
        for (int null = 1; null < 8; null++) {
            int out_is_null;
            icl_status expected = null == 2 ? ICL_OK : ICL_ERR_ARGUMENT; /* the defaults */
            ck_assert_msg(k->make_null(&w, options, null, &out_is_null) == expected,
                          "%s with NULLs %d", k->name, null);
            ck_assert_msg(null == 2 || (null & 4) || out_is_null, "%s with NULLs %d left out set",
                          k->name, null);
        }
    }
    tear_down(&w);
}
END_TEST

/* ---- results that carry their size ---- */

static icl_status ask_optimum(const world *w, void *result) {
    return icl_theory_optimum(w->law, NULL, 0, NULL, result);
}

static icl_status ask_certificate(const world *w, void *result) {
    return icl_model_certify(w->model, w->law, NULL, result);
}

static icl_status ask_asymptotic(const world *w, void *result) {
    return icl_theory_asymptotic(w->context, NULL, result);
}

/* A fit of one row, of zeros. */
static icl_status ask_fit(const world *w, void *result) {
    icl_batch_options o;
    icl_batch *batch = NULL;
    icl_fit *fit = NULL;
    double gamma[6];
    ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
    o.prompts = 1;
    o.dim = 2;
    ASSERT_OK(w->context, icl_batch_create(w->context, &o, &batch));
    ASSERT_OK(w->context, icl_fit_create(w->context, 2, &fit));
    ASSERT_OK(w->context, icl_fit_add(fit, batch));
    icl_status status = icl_fit_solve(fit, NULL, gamma, result);
    icl_fit_free(fit);
    icl_batch_free(batch);
    return status;
}

static void check_result(const world *w, size_t known,
                         icl_status (*ask)(const world *w, void *result)) {
    _Alignas(64) unsigned char full[ROOM], result[ROOM];
    memset(full, 0, sizeof full);
    memcpy(full, &known, sizeof known);
    ASSERT_OK(w->context, ask(w, full));
    for (size_t size = 2 * sizeof(size_t); size <= known + 16; size += 8) {
        memset(result, CANARY, sizeof result);
        memcpy(result, &size, sizeof size);
        ASSERT_OK(w->context, ask(w, result));
        ck_assert_uint_eq(size_of(result), size);
        size_t common = size < known ? size : known;
        ck_assert_msg(memcmp(result + sizeof size, full + sizeof size, common - sizeof size) == 0,
                      "size %zu: another result", size);
        for (size_t b = size; b < sizeof result; b++)
            ck_assert_msg(result[b] == CANARY, "size %zu: byte %zu was written", size, b);
    }
    for (size_t none = 0; none <= sizeof none; none++) {
        memcpy(result, &none, sizeof none);
        ASSERT_FAILS(w->context, ICL_ERR_ARGUMENT, "size", ask(w, result));
    }
}

START_TEST(test_results_keep_to_the_callers_size) {
    world w = set_up();
    check_result(&w, sizeof(icl_optimum), ask_optimum);
    check_result(&w, sizeof(icl_certificate), ask_certificate);
    check_result(&w, sizeof(icl_asymptotic), ask_asymptotic);
    check_result(&w, sizeof(icl_fit_report), ask_fit);
    tear_down(&w);
}
END_TEST

RUN_SUITE("options", test_init_writes_exactly_the_callers_size, test_create_reads_every_size,
          test_create_refuses_null_but_for_options, test_results_keep_to_the_callers_size)
