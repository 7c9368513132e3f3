/* Batches: the caller's prompts in and out, moments by definition, lanes, contents, arguments. */
#include "prompt_reference.h"
#include "task/batch.h"

/* ---- options ---- */

START_TEST(test_options) {
    icl_batch_options o;
    memset(&o, 0xa5, sizeof o);
    ck_assert_int_eq(icl_batch_options_init(NULL, sizeof o), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_batch_options_init(&o, 0), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_batch_options_init(&o, offsetof(icl_batch_options, context)), ICL_OK);
    ck_assert(o.prompts == 64 && o.dim == 5);
    ck_assert_int_eq(((unsigned char *)&o.context)[0], 0xa5);
    ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
    ck_assert(o.context == 20 && o.queries == 1 && o.contents == ICL_CONTENTS_ALL);
}
END_TEST

START_TEST(test_options_of_other_versions) {
    struct {
        icl_batch_options known;
        double tail;
    } newer;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch;
    ck_assert_int_eq(icl_batch_options_init(&newer.known, sizeof newer), ICL_OK);
    ASSERT_OK(context, icl_batch_create(context, &newer.known, &batch));
    icl_batch_free(batch);
    newer.tail = 1;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "non-zero byte",
                 icl_batch_create(context, &newer.known, &batch));
    ck_assert_ptr_null(batch);
    newer.known.size = offsetof(icl_batch_options, context);
    newer.known.context = -1; /* beyond an older caller's size */
    ASSERT_OK(context, icl_batch_create(context, &newer.known, &batch));
    ck_assert_int_eq(icl_batch_context(batch), 20);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

static icl_batch *make_batch(icl_context *context, int64_t B, int64_t d, int64_t n, int64_t q,
                             uint32_t contents) {
    icl_batch_options o;
    ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
    o.prompts = B;
    o.dim = d;
    o.context = n;
    o.queries = q;
    o.contents = contents;
    icl_batch *batch;
    ASSERT_OK(context, icl_batch_create(context, &o, &batch));
    return batch;
}

START_TEST(test_sizes_out_of_range) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch_options o;
#define REFUSE(field, value, status, word)                                                         \
    do {                                                                                           \
        icl_batch *batch = (icl_batch *)&o;                                                        \
        ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);                            \
        o.field = (value);                                                                         \
        ASSERT_FAILS(context, status, word, icl_batch_create(context, &o, &batch));                \
        ck_assert_ptr_null(batch);                                                                 \
    } while (0)
    REFUSE(prompts, 0, ICL_ERR_ARGUMENT, "prompts = 0");
    REFUSE(prompts, (INT64_C(1) << 31) + 1, ICL_ERR_ARGUMENT, "prompts = 2147483649");
    REFUSE(dim, 0, ICL_ERR_ARGUMENT, "dim = 0");
    REFUSE(dim, 16385, ICL_ERR_ARGUMENT, "dim = 16385");
    REFUSE(context, -1, ICL_ERR_ARGUMENT, "context = -1");
    REFUSE(context, INT64_MAX, ICL_ERR_ARGUMENT, "context = 9223372036854775807");
    REFUSE(queries, 0, ICL_ERR_ARGUMENT, "queries = 0");
    REFUSE(queries, 65537, ICL_ERR_ARGUMENT, "queries = 65537");
    REFUSE(contents, 8, ICL_ERR_ARGUMENT, "contents = 8");
    REFUSE(contents, UINT32_MAX, ICL_ERR_ARGUMENT, "contents = 4294967295");
#undef REFUSE
    icl_batch *batch = (icl_batch *)&o;
    ck_assert_int_eq(icl_batch_create(NULL, &o, &batch), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(batch);
    ASSERT_OK(context, icl_batch_create(context, NULL, &batch));
    ck_assert_int_eq(icl_batch_prompts(batch), 64);
    icl_batch_free(batch);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL", icl_batch_create(context, &o, NULL));
    icl_context_free(context);
}
END_TEST

/* Each size is legal, their product is not. */
START_TEST(test_products_of_sizes_that_overflow) {
    const int64_t most = INT64_C(1) << 31;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const icl_batch_options huge[] = {
        {sizeof *huge, most, 16384, 1, 1, 0},
        {sizeof *huge, most, 16384, 1, 65536, 0},
        {sizeof *huge, most, 16384, most, 65536, ICL_CONTENTS_ALL},
        {sizeof *huge, most, 1, most, 1, ICL_CONTENTS_EXAMPLES},
    };
    for (int i = 0; i < 4; i++) {
        icl_batch *batch = (icl_batch *)context;
        icl_status status = icl_batch_create(context, &huge[i], &batch);
        ck_assert_int_eq(status, ICL_ERR_SIZE);
        ck_assert_ptr_null(batch);
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), "prompts = 2147483648"));
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_null_holds_nothing) {
    ck_assert_int_eq(icl_batch_prompts(NULL), 0);
    ck_assert_int_eq(icl_batch_dim(NULL), 0);
    ck_assert_int_eq(icl_batch_context(NULL), 0);
    ck_assert_int_eq(icl_batch_queries(NULL), 0);
    ck_assert(icl_batch_X(NULL) == NULL && icl_batch_y(NULL) == NULL);
    ck_assert(icl_batch_query(NULL) == NULL && icl_batch_target(NULL) == NULL);
    ck_assert(icl_batch_task(NULL) == NULL && icl_batch_S(NULL) == NULL);
    ck_assert(icl_batch_b(NULL) == NULL && icl_batch_syy(NULL) == NULL);
    ck_assert_ptr_null(icl_batch_noise(NULL));
    icl_batch_free(NULL);
}
END_TEST

static void check_zero(int64_t count, const double *a) {
    for (int64_t i = 0; i < count; i++)
        QUICK_CLOSE(a[i], 0, 0);
}

START_TEST(test_contents_say_what_can_be_read) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (uint32_t contents = 0; contents <= ICL_CONTENTS_ALL; contents++) {
        icl_batch *batch = make_batch(context, 9, 2, 3, 4, contents);
        int moments = (contents & ICL_CONTENTS_MOMENTS) != 0,
            examples = (contents & ICL_CONTENTS_EXAMPLES) != 0,
            tasks = (contents & ICL_CONTENTS_TASKS) != 0;
        ck_assert((icl_batch_S(batch) != NULL) == moments);
        ck_assert((icl_batch_b(batch) != NULL) == moments);
        ck_assert((icl_batch_syy(batch) != NULL) == moments);
        ck_assert((icl_batch_X(batch) != NULL) == examples);
        ck_assert((icl_batch_y(batch) != NULL) == examples);
        ck_assert((icl_batch_task(batch) != NULL) == tasks);
        check_zero(9 * 8, icl_batch_query(batch)); /* always there, zero before the first fill */
        check_zero(9 * 4, icl_batch_target(batch));
        check_zero(9, icl_batch_noise(batch));
        if (moments)
            check_zero(9 * 4, icl_batch_S(batch));
        if (examples)
            check_zero(9 * 6, icl_batch_X(batch));
        ck_assert_int_eq(icl_batch_prompts(batch), 9);
        ck_assert_int_eq(icl_batch_dim(batch), 2);
        ck_assert_int_eq(icl_batch_context(batch), 3);
        ck_assert_int_eq(icl_batch_queries(batch), 4);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* ---- the caller's prompts ---- */

typedef struct prompts {
    int64_t B, d, n, q;
    double *X, *y, *queries, *targets;
} prompts;

static double *normals(icl_context *context, uint64_t seed, int64_t count) {
    double *out = malloc((size_t)(count + 1) * sizeof *out);
    ck_assert_ptr_nonnull(out);
    fill_normal(context, seed, count, out);
    return out;
}

static prompts make_prompts(icl_context *context, int64_t B, int64_t d, int64_t n, int64_t q) {
    return (prompts){B,
                     d,
                     n,
                     q,
                     normals(context, 1, B * n * d),
                     normals(context, 2, B * n),
                     normals(context, 3, B * q * d),
                     normals(context, 4, B * q)};
}

static void free_prompts(prompts *p) {
    free(p->X);
    free(p->y);
    free(p->queries);
    free(p->targets);
}

/* sum_k u_k v_k / n of vectors with `stride`s, and the bound for rounding in any order. */
static void assert_mean_product(double got, int64_t n, const double *u, int64_t u_stride,
                                const double *v, int64_t v_stride) {
    long double sum = 0, size = 0;
    for (int64_t k = 0; k < n; k++) {
        long double term = (long double)u[k * u_stride] * v[k * v_stride];
        sum += term;
        size += fabsl(term);
    }
    long double count = n > 0 ? n : 1;
    QUICK_CLOSE((double)(got - sum / count), 0, (double)(n + 2) * UNIT * (double)(size / count));
}

static void check_moments(const prompts *p, const icl_batch *batch) {
    int64_t d = p->d, n = p->n;
    double *S = malloc((size_t)(d * d) * sizeof *S), *b = malloc((size_t)d * sizeof *b), syy;
    for (int64_t k = 0; k < p->B; k++) {
        const double *X = p->X + k * n * d, *y = p->y + k * n;
        icl_batch_moments(batch, k, S, b, &syy);
        for (int64_t i = 0; i < d; i++) {
            for (int64_t j = 0; j < d; j++) {
                assert_mean_product(S[i * d + j], n, X + i, d, X + j, d);
                QUICK_CLOSE(S[i * d + j], S[j * d + i], 0);
            }
            assert_mean_product(b[i], n, X + i, d, y, 1);
        }
        assert_mean_product(syy, n, y, 1, y, 1);
        if (icl_batch_S(batch) == NULL)
            continue;
        ck_assert_mem_eq(icl_batch_S(batch) + k * d * d, S, (size_t)(d * d) * sizeof *S);
        ck_assert_mem_eq(icl_batch_b(batch) + k * d, b, (size_t)d * sizeof *b);
        ck_assert_double_eq(icl_batch_syy(batch)[k], syy);
    }
    free(S);
    free(b);
}

/* The lanes that models read: the queries' entries, zeros beyond the last prompt. */
static void check_lanes(const icl_batch *batch) {
    int64_t d = batch->dim, D = d + 1, q = batch->queries;
    for (int64_t lane = 0; lane < batch->groups * ICL_LANES; lane++) {
        int64_t group = lane / ICL_LANES, l = lane % ICL_LANES;
        int empty = lane >= batch->prompts;
        for (int64_t e = 0; e < D * D && empty; e++)
            QUICK_CLOSE(batch->gram[(group * D * D + e) * ICL_LANES + l], 0, 0);
        for (int64_t e = 0; e < q * d; e++)
            QUICK_CLOSE(batch->query[(group * q * d + e) * ICL_LANES + l],
                        empty ? 0 : icl_batch_query(batch)[lane * q * d + e], 0);
        for (int64_t e = 0; e < q; e++)
            QUICK_CLOSE(batch->target[(group * q + e) * ICL_LANES + l],
                        empty ? 0 : icl_batch_target(batch)[lane * q + e], 0);
    }
}

/* All that went in comes out, and nothing else. */
static void check_assigned(const prompts *p, const icl_batch *batch) {
    size_t word = sizeof(double);
    if (icl_batch_X(batch) != NULL) {
        ck_assert_mem_eq(icl_batch_X(batch), p->X, (size_t)(p->B * p->n * p->d) * word);
        ck_assert_mem_eq(icl_batch_y(batch), p->y, (size_t)(p->B * p->n) * word);
    }
    ck_assert_mem_eq(icl_batch_query(batch), p->queries, (size_t)(p->B * p->q * p->d) * word);
    ck_assert_mem_eq(icl_batch_target(batch), p->targets, (size_t)(p->B * p->q) * word);
    if (icl_batch_task(batch) != NULL)
        check_zero(p->B * p->d, icl_batch_task(batch));
    check_zero(p->B, icl_batch_noise(batch));
    check_moments(p, batch);
    check_lanes(batch);
}

static void check_round_trip(icl_context *context, int64_t B, int64_t d, int64_t n, int64_t q,
                             uint32_t contents) {
    prompts p = make_prompts(context, B, d, n, q);
    icl_batch *batch = make_batch(context, B, d, n, q, contents);
    ASSERT_OK(context, icl_batch_assign(batch, p.X, p.y, p.queries, p.targets));
    check_assigned(&p, batch);
    /* once more over what is there: no sum goes on */
    ASSERT_OK(context, icl_batch_assign(batch, p.X, p.y, p.queries, NULL));
    memset(p.targets, 0, (size_t)(B * q) * sizeof(double));
    check_assigned(&p, batch);
    icl_batch_free(batch);
    free_prompts(&p);
}

START_TEST(test_assigned_prompts_come_back) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t counts[] = {1, 2, 7, 8, 9, 16, 65};
    for (int i = 0; i < 7; i++)
        for (uint32_t contents = 0; contents <= ICL_CONTENTS_ALL; contents++)
            check_round_trip(context, counts[i], 3, 5, 2, contents);
    const int64_t sizes[][3] = {{1, 0, 1},   {1, 1, 1},   {1, 600, 3},  {2, 1, 1}, {3, 170, 1},
                                {130, 9, 2}, {129, 4, 1}, {16, 33, 70}, {7, 2, 1}};
    for (int i = 0; i < 9; i++)
        check_round_trip(context, 11, sizes[i][0], sizes[i][1], sizes[i][2], ICL_CONTENTS_ALL);
    icl_context_free(context);
}
END_TEST

/* What a sampler drew and the caller's copy of it have the same moments, to the bit. */
START_TEST(test_assigning_what_was_drawn) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t sizes[][2] = {{3, 200}, {5, 20}, {1, 0}, {130, 7}};
    for (int i = 0; i < 4; i++) {
        make_case(0, 0, sizes[i][0], sizes[i][1], 1, &c);
        icl_sampler *sampler = make_sampler(context, &c.options, 1);
        icl_batch *drawn = draw_prompts(context, sampler, 0, 13, 2);
        icl_batch *batch = make_batch(context, 13, sizes[i][0], sizes[i][1], 2,
                                      ICL_CONTENTS_MOMENTS | ICL_CONTENTS_EXAMPLES);
        ASSERT_OK(context, icl_batch_assign(batch, icl_batch_X(drawn), icl_batch_y(drawn),
                                            icl_batch_query(drawn), icl_batch_target(drawn)));
        check_same_arrays(batch, 0, drawn, 0, 13);
        check_lanes(drawn);
        /* a batch's own arrays are the caller's, too */
        ASSERT_OK(context, icl_batch_assign(drawn, icl_batch_X(drawn), icl_batch_y(drawn),
                                            icl_batch_query(drawn), icl_batch_target(drawn)));
        check_same_arrays(batch, 0, drawn, 0, 13);
        check_zero(13 * sizes[i][0], icl_batch_task(drawn));
        check_zero(13, icl_batch_noise(drawn));
        icl_batch_free(batch);
        icl_batch_free(drawn);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* Powers of two pass through every sum. */
START_TEST(test_scaling_is_exact) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    prompts p = make_prompts(context, 5, 3, 41, 1);
    icl_batch *batch = make_batch(context, 5, 3, 41, 1, ICL_CONTENTS_ALL);
    icl_batch *scaled = make_batch(context, 5, 3, 41, 1, ICL_CONTENTS_ALL);
    ASSERT_OK(context, icl_batch_assign(batch, p.X, p.y, p.queries, NULL));
    for (int64_t i = 0; i < 5 * 41 * 3; i++)
        p.X[i] *= 0x1p40;
    for (int64_t i = 0; i < 5 * 41; i++)
        p.y[i] *= -0x1p-30;
    ASSERT_OK(context, icl_batch_assign(scaled, p.X, p.y, p.queries, NULL));
    for (int i = 0; i < 45; i++)
        ck_assert_double_eq(icl_batch_S(scaled)[i], 0x1p80 * icl_batch_S(batch)[i]);
    for (int i = 0; i < 15; i++)
        ck_assert_double_eq(icl_batch_b(scaled)[i], -0x1p10 * icl_batch_b(batch)[i]);
    for (int i = 0; i < 5; i++)
        ck_assert_double_eq(icl_batch_syy(scaled)[i], 0x1p-60 * icl_batch_syy(batch)[i]);
    icl_batch_free(batch);
    icl_batch_free(scaled);
    free_prompts(&p);
    icl_context_free(context);
}
END_TEST

static icl_batch *assign_on(const prompts *p, int64_t threads, icl_isa isa) {
    icl_context *context = make_context(threads, isa);
    icl_batch *batch = make_batch(context, p->B, p->d, p->n, p->q, ICL_CONTENTS_ALL);
    ASSERT_OK(context, icl_batch_assign(batch, p->X, p->y, p->queries, p->targets));
    icl_context_free(context);
    return batch;
}

START_TEST(test_threads_and_instruction_sets_agree) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t threads[] = {2, 3, 7};
    for (int64_t d = 1; d <= 12; d++) { /* every remainder of the tiles of D = d + 1 */
        prompts p = make_prompts(context, 150, d, 23, 2);
        icl_batch *expected = assign_on(&p, 1, ICL_ISA_AUTO);
        for (int i = 0; i < 3; i++) {
            icl_batch *batch = assign_on(&p, threads[i], ICL_ISA_AUTO);
            check_same_prompts(batch, 0, expected, 0, 150);
            icl_batch_free(batch);
        }
        for (int isa = ICL_ISA_BASELINE; isa <= ICL_ISA_AVX512; isa++) {
            if (!icl_isa_supported((icl_isa)isa))
                continue;
            icl_batch *batch = assign_on(&p, 1, (icl_isa)isa);
            check_assigned(&p, batch);
            if (isa > ICL_ISA_BASELINE)
                check_same_prompts(batch, 0, expected, 0, 150);
            icl_batch_free(batch);
        }
        icl_batch_free(expected);
        free_prompts(&p);
    }
    icl_context_free(context);
}
END_TEST

/* ---- arguments ---- */

START_TEST(test_bad_prompts_change_nothing) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    prompts p = make_prompts(context, 9, 3, 4, 2);
    icl_batch *batch = make_batch(context, 9, 3, 4, 2, ICL_CONTENTS_ALL);
    ASSERT_OK(context, icl_batch_assign(batch, p.X, p.y, p.queries, p.targets));
    prompts other = make_prompts(context, 9, 3, 4, 2);
    for (int64_t i = 0; i < 9 * 12; i++)
        other.X[i] += 1;
    ck_assert_int_eq(icl_batch_assign(NULL, p.X, p.y, p.queries, p.targets), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "X is NULL",
                 icl_batch_assign(batch, NULL, other.y, other.queries, other.targets));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "y is NULL",
                 icl_batch_assign(batch, other.X, NULL, other.queries, other.targets));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "queries is NULL",
                 icl_batch_assign(batch, other.X, other.y, NULL, other.targets));
    const double wrong[] = {NAN, INFINITY, -INFINITY};
    double *const last[] = {other.X + 107, other.y + 35, other.queries + 53, other.targets + 17};
    const char *const names[] = {"X[107]", "y[35]", "queries[53]", "targets[17]"};
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++) {
            double good = *last[i];
            *last[i] = wrong[k];
            ASSERT_FAILS(context, ICL_ERR_NONFINITE, names[i],
                         icl_batch_assign(batch, other.X, other.y, other.queries, other.targets));
            *last[i] = good;
        }
    check_assigned(&p, batch);
    icl_batch_free(batch);
    free_prompts(&p);
    free_prompts(&other);
    icl_context_free(context);
}
END_TEST

START_TEST(test_prompts_without_examples) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = make_batch(context, 3, 2, 0, 1, ICL_CONTENTS_ALL);
    const double queries[6] = {1, 2, 3, 4, 5, 6};
    ASSERT_OK(context, icl_batch_assign(batch, NULL, NULL, queries, NULL));
    check_zero(12, icl_batch_S(batch));
    check_zero(6, icl_batch_b(batch));
    check_zero(3, icl_batch_syy(batch));
    ck_assert_mem_eq(icl_batch_query(batch), queries, sizeof queries);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

static icl_status create_and_assign(icl_context *context, void *user) {
    const prompts *p = user;
    icl_batch_options o;
    icl_batch *batch;
    ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
    o.prompts = p->B;
    o.dim = p->d;
    o.context = p->n;
    o.queries = p->q;
    icl_status status = icl_batch_create(context, &o, &batch);
    ck_assert((batch == NULL) == (status != ICL_OK));
    if (status == ICL_OK) {
        status = icl_batch_assign(batch, p->X, p->y, p->queries, p->targets);
        if (status != ICL_OK)
            check_zero(p->B * p->q * p->d, icl_batch_query(batch)); /* as it was */
        else
            check_assigned(p, batch);
    }
    icl_batch_free(batch);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    prompts p = make_prompts(context, 9, 3, 4, 2);
    check_every_allocation(create_and_assign, &p);
    free_prompts(&p);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("batch", test_options, test_options_of_other_versions, test_sizes_out_of_range,
          test_products_of_sizes_that_overflow, test_null_holds_nothing,
          test_contents_say_what_can_be_read, test_assigned_prompts_come_back,
          test_assigning_what_was_drawn, test_scaling_is_exact,
          test_threads_and_instruction_sets_agree, test_bad_prompts_change_nothing,
          test_prompts_without_examples, test_every_allocation_may_fail)
