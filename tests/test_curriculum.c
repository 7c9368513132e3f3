/* Prompts that are cut for a curriculum, and trainers that follow one. */
#include "statistics.h"
#include "task_reference.h"
#include "test_train.h"

/* ---- prompts ---- */

static icl_batch *part_batch(icl_context *context, int64_t B, int64_t d, int64_t n, int64_t q,
                             uint32_t contents) {
    icl_batch_options o;
    icl_batch *batch;
    ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
    o.prompts = B;
    o.dim = d;
    o.context = n;
    o.queries = q;
    o.contents = contents;
    ASSERT_OK(context, icl_batch_create(context, &o, &batch));
    return batch;
}

enum { QUERIES = 2, POINTS = 9 };

/* Values of a process at prompt p of a part, by its own x; else NULL. */
static const sized *process_values(const wide_law *w, int64_t prompt, const icl_batch *part,
                                   int64_t p, sized *f) {
    int64_t d = icl_batch_dim(part), n = icl_batch_context(part);
    static sized X[POINTS * WIDE_DIM], query[QUERIES * WIDE_DIM];
    if (w->base.options.labels != ICL_LABELS_GAUSSIAN_PROCESS)
        return NULL;
    for (int64_t e = 0; e < n * d; e++)
        X[e] = (sized){icl_batch_X(part)[p * n * d + e], 0};
    for (int64_t e = 0; e < QUERIES * d; e++)
        query[e] = (sized){icl_batch_query(part)[p * QUERIES * d + e], 0};
    wide_process(&w->base.options, w->base.seed, prompt, n, QUERIES, X, query, f);
    return f;
}

/* x is `whole` up to dims and 0 from there on, to the bit; the label is f(x), without noise. */
static void check_vector(const wide_law *w, const reference_task *t, int64_t prompt, int query,
                         int64_t index, int64_t dims, const double *x, const double *whole,
                         const sized *value, double y) {
    int64_t d = w->base.options.dim;
    sized cut[WIDE_DIM];
    for (int64_t j = 0; j < d; j++) {
        ck_assert_double_eq(x[j], j < dims ? whole[j] : 0);
        cut[j] = (sized){x[j], fabs(x[j])};
    }
    sized label = value != NULL ? *value : wide_function(&w->base, t, prompt, query, index, cut);
    ASSERT_CLOSE(y, (double)label.value, TOL_PROMPT(d, 0), (double)label.size);
}

START_TEST(test_parts_of_prompts) {
    enum { B = 13, DIM = 5 };
    static wide_case c;
    static wide_law w;
    static wide_prompt t;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int law = 0; law < WIDE_LAWS; law++) {
        make_wide_case(law, DIM, POINTS, 0, &c);
        icl_sampler *sampler = make_sampler(context, &c.base.options, 7);
        make_wide_law(context, sampler, &c, 7, &w);
        icl_batch *whole = draw_prompts(context, sampler, 4, B, QUERIES);
        for (int64_t dims = 1; dims <= DIM; dims += 2)
            for (int64_t n = 0; n <= POINTS; n += 3) {
                icl_batch *part = part_batch(context, B, DIM, n, QUERIES, ICL_CONTENTS_ALL);
                ASSERT_OK(context, icl_sampler_draw_part(sampler, 4, dims, 0, part));
                ck_assert_mem_eq(icl_batch_task(part), icl_batch_task(whole),
                                 sizeof(double) * B * DIM);
                for (int64_t p = 0; p < B; p++) {
                    sized f[POINTS + QUERIES];
                    const sized *values = process_values(&w, 4 + p, part, p, f);
                    wide_task(&w, 4 + p, &t);
                    for (int64_t i = 0; i < n; i++)
                        check_vector(
                            &w, &t.task, 4 + p, 0, i, dims, icl_batch_X(part) + (p * n + i) * DIM,
                            icl_batch_X(whole) + (p * POINTS + i) * DIM,
                            values != NULL ? values + i : NULL, icl_batch_y(part)[p * n + i]);
                    for (int64_t j = 0; j < QUERIES; j++)
                        check_vector(&w, &t.task, 4 + p, 1, j, dims,
                                     icl_batch_query(part) + (p * QUERIES + j) * DIM,
                                     icl_batch_query(whole) + (p * QUERIES + j) * DIM,
                                     values != NULL ? values + n + j : NULL,
                                     icl_batch_target(part)[p * QUERIES + j]);
                }
                if (dims == DIM && n == POINTS)
                    check_same_prompts(part, 0, whole, 0, B);
                icl_batch_free(part);
            }
        icl_batch_free(whole);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* Means of S, b b^T, s_yy and its square over parts with examples and without; zeros are zeros. */
START_TEST(test_moments_of_parts) {
    enum { B = 20000, DIM = 4, N = 6, WIDTH = 2 * DIM * DIM + 2 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int law = 0; law < WIDE_LAWS; law++) {
        if (!(wide_laws[law].known & KNOWN_DIRECT))
            continue;
        make_wide_case(law, DIM, N + 1, 0.3, &c);
        icl_sampler *sampler = make_sampler(context, &c.base.options, 7);
        int64_t dims = 1 + law % DIM, n = law % 2 ? N : 2;
        tally t[2][WIDTH] = {{{0}}};
        for (int moments = 0; moments < 2; moments++) {
            icl_batch *part = part_batch(context, B, DIM, n, 1, ICL_CONTENTS_MOMENTS);
            ASSERT_OK(context, icl_sampler_draw_part(sampler, moments * B, dims, moments, part));
            for (int64_t p = 0; p < B; p++) {
                const double *S = icl_batch_S(part) + p * DIM * DIM,
                             *b = icl_batch_b(part) + p * DIM;
                double syy = icl_batch_syy(part)[p];
                for (int e = 0; e < DIM * DIM; e++) {
                    int zero = e / DIM >= dims || e % DIM >= dims;
                    QUICK_ASSERT(!zero || (S[e] == 0 && b[e / DIM] * b[e % DIM] == 0),
                                 "moment %d is not 0", e);
                    tally_add(&t[moments][e], S[e]);
                    tally_add(&t[moments][DIM * DIM + e], b[e / DIM] * b[e % DIM]);
                }
                tally_add(&t[moments][WIDTH - 2], syy);
                tally_add(&t[moments][WIDTH - 1], syy * syy);
            }
            icl_batch_free(part);
        }
        for (int e = 0; e < WIDTH; e++) {
            double mean[2], error[2];
            for (int k = 0; k < 2; k++) {
                mean[k] = t[k][e].sum / B;
                error[k] = sqrt((t[k][e].squares / B - mean[k] * mean[k]) / B);
            }
            ck_assert_msg(fabs(mean[0] - mean[1]) <= TOL_Z * hypot(error[0], error[1]),
                          "%s: moment %d is %g, drawn directly %g", wide_laws[law].name, e, mean[0],
                          mean[1]);
        }
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* Tasks, queries and targets do not depend on the way, the whole is what icl_sampler_draw_moments
 * draws, and threads change nothing. */
START_TEST(test_bits_of_direct_parts) {
    enum { B = 150, DIM = 4, N = 6 };
    static wide_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO), *other = make_context(3, ICL_ISA_AUTO);
    make_wide_case(2, DIM, N, 0.3, &c);
    icl_sampler *sampler = make_sampler(context, &c.base.options, 7);
    for (int64_t dims = 1; dims <= DIM; dims++) {
        const uint32_t contents = ICL_CONTENTS_MOMENTS | ICL_CONTENTS_TASKS;
        icl_batch *examples = part_batch(context, B, DIM, N, 1, contents);
        icl_batch *direct = part_batch(context, B, DIM, N, 1, contents);
        icl_batch *threads = part_batch(other, B, DIM, N, 1, contents);
        ASSERT_OK(context, icl_sampler_draw_part(sampler, 3, dims, 0, examples));
        ASSERT_OK(context, icl_sampler_draw_part(sampler, 3, dims, 1, direct));
        ASSERT_OK(other, icl_sampler_draw_part(sampler, 3, dims, 1, threads));
        check_same_prompts(direct, 0, threads, 0, B);
        ck_assert_mem_eq(icl_batch_task(direct), icl_batch_task(examples),
                         sizeof(double) * B * DIM);
        ck_assert_mem_eq(icl_batch_query(direct), icl_batch_query(examples),
                         sizeof(double) * B * DIM);
        ck_assert_mem_eq(icl_batch_target(direct), icl_batch_target(examples), sizeof(double) * B);
        if (dims == DIM) {
            ASSERT_OK(context, icl_sampler_draw_moments(sampler, 3, examples));
            check_same_prompts(direct, 0, examples, 0, B);
        }
        icl_batch_free(examples);
        icl_batch_free(direct);
        icl_batch_free(threads);
    }
    icl_sampler_free(sampler);
    icl_context_free(context);
    icl_context_free(other);
}
END_TEST

START_TEST(test_refusals_of_parts) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, 3, 2, 0, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 7);
    icl_batch *batch = part_batch(context, 2, 3, 2, 1, ICL_CONTENTS_ALL);
    icl_batch *longer = part_batch(context, 2, 3, 3, 1, 0);
    icl_batch *none = part_batch(context, 2, 3, 0, 1, 0);
    ck_assert_int_eq(icl_sampler_draw_part(NULL, 0, 1, 0, batch), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "batch is NULL",
                 icl_sampler_draw_part(sampler, 0, 1, 0, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dims = 0",
                 icl_sampler_draw_part(sampler, 0, 0, 0, batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dims = 4",
                 icl_sampler_draw_part(sampler, 0, 4, 0, batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "moments = 2",
                 icl_sampler_draw_part(sampler, 0, 1, 2, batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "first = -1",
                 icl_sampler_draw_part(sampler, -1, 1, 0, batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "holds examples",
                 icl_sampler_draw_part(sampler, 0, 1, 1, batch));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "context 3",
                 icl_sampler_draw_part(sampler, 0, 1, 0, longer));
    icl_sampler_free(sampler);
    c.options.queries = ICL_QUERIES_ORTHOGONAL;
    sampler = make_sampler(context, &c.options, 7);
    ASSERT_OK(context, icl_sampler_draw_part(sampler, 0, 3, 0, batch));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "ORTHOGONAL",
                 icl_sampler_draw_part(sampler, 0, 2, 0, batch));
    icl_sampler_free(sampler);
    c.options.queries = ICL_QUERIES_REPEATED;
    sampler = make_sampler(context, &c.options, 7);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "context = 0",
                 icl_sampler_draw_part(sampler, 0, 2, 0, none));
    icl_sampler_free(sampler);
    icl_batch_free(batch);
    icl_batch_free(longer);
    icl_batch_free(none);
    icl_context_free(context);
}
END_TEST

/* ---- trainers ---- */

static setting curriculum(int moments) {
    setting s = defaults();
    s.law.dim = 4;
    s.law.context = 9;
    s.law.noise = 0.1;
    s.optimiser.method = ICL_OPTIMISER_SGD;
    s.trainer.moments = moments;
    s.trainer.refresh = 2;
    s.trainer.dims = 2;
    s.trainer.dims_every = 3;
    s.trainer.points = 3;
    s.trainer.points_step = 4;
    s.trainer.points_every = 5;
    return s;
}

/* D and N of each step by hand, and the loss of each step that of a batch drawn by hand. */
START_TEST(test_trainers_follow) {
    const int64_t dims[] = {2, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4},
                  points[] = {3, 3, 3, 3, 3, 3, 7, 7, 7, 7, 9, 9, 9, 9};
    for (int moments = 0; moments < 2; moments++) {
        setting s = curriculum(moments);
        bench b = start(&s);
        for (int64_t t = 0; t < 14; t++) {
            int64_t D, N;
            double loss;
            icl_train_report report;
            ck_assert_int_eq(icl_trainer_curriculum(b.trainer, &D, &N), ICL_OK);
            ck_assert_int_eq(D, dims[t]);
            ck_assert_int_eq(N, points[t]);
            icl_batch *batch = part_batch(b.context, 100, 4, N, 1, 0);
            ASSERT_OK(b.context, icl_sampler_draw_part(b.sampler, t / 2 * 100, D, moments, batch));
            ASSERT_OK(b.context, icl_model_loss(b.model, batch, &loss, NULL));
            ASSERT_OK(b.context, icl_trainer_step(b.trainer, &report));
            ck_assert_double_eq(report.loss, loss);
            icl_batch_free(batch);
        }
        finish(&b);
    }
}
END_TEST

/* What only sees zeros is not trained. */
START_TEST(test_covariates_beyond_are_not_seen) {
    setting s = curriculum(0);
    s.trainer.dims_step = 0;
    s.model.init = ICL_INIT_GAUSSIAN;
    bench b = start(&s);
    icl_tensor Q;
    ck_assert_int_eq(icl_model_find(b.model, "Q", &Q), ICL_OK);
    double *before = malloc((size_t)(Q.rows * Q.cols) * sizeof *before);
    memcpy(before, icl_model_parameters(b.model) + Q.offset,
           (size_t)(Q.rows * Q.cols) * sizeof *before);
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, NULL));
    int64_t changed = 0;
    for (int64_t i = 0; i < 4; i++)
        for (int64_t j = 0; j < 4; j++) {
            int same =
                before[i * Q.cols + j] == icl_model_parameters(b.model)[Q.offset + i * Q.cols + j];
            changed += !same;
            ck_assert(same || (i < 2 && j < 2));
        }
    ck_assert_int_eq(changed, 4);
    free(before);
    finish(&b);
}
END_TEST

static int64_t saturated(int64_t steps, int64_t start_at, int64_t by) {
    setting s = defaults();
    s.trainer.points = start_at;
    s.trainer.points_step = by;
    s.trainer.points_every = 1;
    bench b = start(&s);
    int64_t dims, points = -1;
    for (int64_t t = 0; t < steps; t++)
        ASSERT_OK(b.context, icl_trainer_step(b.trainer, NULL));
    ASSERT_OK(b.context, icl_trainer_curriculum(b.trainer, NULL, &points));
    ASSERT_OK(b.context, icl_trainer_curriculum(b.trainer, &dims, NULL));
    ck_assert_int_eq(dims, 5);
    finish(&b);
    return points;
}

START_TEST(test_ends_of_a_curriculum) {
    ck_assert_int_eq(saturated(0, 0, 2), 20); /* none */
    ck_assert_int_eq(saturated(3, 1, 0), 1);
    ck_assert_int_eq(saturated(3, 14, 2), 20);
    ck_assert_int_eq(saturated(2, 14, 2), 18);
    ck_assert_int_eq(saturated(2, 19, 2), 20);
    ck_assert_int_eq(saturated(1, 20, INT64_C(1) << 40), 20);
    ck_assert_int_eq(icl_trainer_curriculum(NULL, NULL, NULL), ICL_ERR_ARGUMENT);
}
END_TEST

static void refuse(const icl_trainer_options *o, const char *word) {
    setting s = defaults();
    bench b = start(&s);
    icl_trainer *trainer = b.trainer;
    ASSERT_FAILS(b.context, ICL_ERR_ARGUMENT, word,
                 icl_trainer_create(b.context, b.model, b.optimiser, b.sampler, o, &trainer));
    ck_assert_ptr_null(trainer);
    finish(&b);
}

START_TEST(test_refusals_of_a_curriculum) {
    const icl_trainer_options plain = defaults().trainer;
    icl_trainer_options o;
    ck_assert(plain.dims == 0 && plain.dims_step == 1 && plain.dims_every == 2000);
    ck_assert(plain.points == 0 && plain.points_step == 2 && plain.points_every == 2000);
#define REFUSE(field, value, word)                                                                 \
    o = plain;                                                                                     \
    o.field = (value);                                                                             \
    refuse(&o, word)
    REFUSE(dims, -1, "dims = -1");
    REFUSE(dims, 6, "dims = 6");
    REFUSE(dims_step, -1, "dims_step = -1");
    REFUSE(dims_every, 0, "dims_every = 0");
    REFUSE(points, -1, "points = -1");
    REFUSE(points, 21, "points = 21");
    REFUSE(points_step, -1, "points_step = -1");
    REFUSE(points_every, 0, "points_every = 0");
    o = plain;
    o.points = 3;
    o.on = ICL_TRAIN_FIXED;
    refuse(&o, "points = 3");
    o.on = ICL_TRAIN_POPULATION;
    refuse(&o, "points = 3");
}
END_TEST

/* The caller's labels: filled beside the batch, with the same context. */
START_TEST(test_callback_labels) {
    setting s = curriculum(0);
    s.law.labels = ICL_LABELS_CALLBACK;
    s.law.label_fn = test_label;
    bench b = start(&s);
    for (int t = 0; t < 8; t++) {
        int64_t D, N;
        double loss;
        icl_train_report report;
        ck_assert_int_eq(icl_trainer_curriculum(b.trainer, &D, &N), ICL_OK);
        icl_batch *batch = part_batch(b.context, 100, 4, N, 1, 0);
        ASSERT_OK(b.context, icl_sampler_draw_part(b.sampler, t / 2 * 100, D, 0, batch));
        ASSERT_OK(b.context, icl_model_loss(b.model, batch, &loss, NULL));
        ASSERT_OK(b.context, icl_trainer_step(b.trainer, &report));
        ck_assert_double_eq(report.loss, loss);
        icl_batch_free(batch);
    }
    finish(&b);
}
END_TEST

RUN_SUITE("curriculum", test_parts_of_prompts, test_moments_of_parts, test_bits_of_direct_parts,
          test_refusals_of_parts, test_trainers_follow, test_covariates_beyond_are_not_seen,
          test_ends_of_a_curriculum, test_refusals_of_a_curriculum, test_callback_labels)
