/* Deep linear attention: Gram space against tokens, gradients, looping, depths, equal bits. */
#include "test_deep.h"
#include "model/workspace.h"
#include "test_gradient.h"

static const deep_shape shapes[] = {
    {5, 20, 9, 1, 1, 1, 0, 0, 0, 0, 1, ICL_FORM_DENSE},
    {5, 20, 9, 1, 3, 1, 0, 0, 0, 0, -1, ICL_FORM_DENSE},
    {5, 20, 9, 2, 3, 1, 0, 0, 0, 0, -1, ICL_FORM_DESCENT},
    {4, 7, 17, 3, 4, 1, 0, 0, 1, 1, -1, ICL_FORM_GD_PLUS_PLUS},
    {3, 200, 8, 1, 8, 3, 0, 0, 1, 1, 1, ICL_FORM_DENSE},
    {6, 3, 5, 2, 2, 2, 9, 0, 0, 0, -1, ICL_FORM_DENSE},
    {1, 1, 3, 1, 5, 1, 0, 0, 0, 1, 1, ICL_FORM_DIAGONAL},
    {4, 0, 3, 2, 3, 2, 0, 0, 1, 1, -1, ICL_FORM_DENSE},
    {5, 12, 10, 1, 4, 2, 0, 1, 1, 0, -1, ICL_FORM_DENSE},
    {2, 30, 65, 1, 6, 1, 5, 1, 0, 1, -1, ICL_FORM_DENSE},
    {7, 15, 11, 1, 3, 1, 0, 1, 0, 0, -1, ICL_FORM_DESCENT},
    {10, 8, 6, 1, 2, 3, 21, 0, 1, 0, 1, ICL_FORM_DENSE},
    {9, 12, 10, 1, 4, 2, 0, 1, 1, 1, -1, ICL_FORM_DENSE},
    {9, 12, 10, 2, 2, 2, 0, 0, 1, 1, -1, ICL_FORM_DENSE},
    {72, 90, 3, 2, 3, 2, 0, 0, 1, 1, -1, ICL_FORM_DENSE}, /* through the BLAS from here */
    {24, 30, 9, 1, 3, 1, 74, 1, 0, 0, 1, ICL_FORM_DENSE},
    {84, 20, 2, 1, 4, 1, 0, 0, 0, 0, -1, ICL_FORM_DESCENT},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, BLAS = SHAPES - 3 };

/* The rounding of sums of n and of D terms, layer after layer, on tokens that stay near 1. */
static double tolerance(const deep_shape *s) {
    return TOL_ALGEBRA(s->n + s->layers * (s->dim + 1) * (s->heads + 1), 1);
}

static void check_tokens(deep *t) {
    const deep_shape *s = &t->shape;
    int64_t count = s->prompts * s->queries;
    double *gram = malloc((size_t)count * sizeof *gram);
    double *token = malloc((size_t)(count * s->layers) * sizeof *token);
    double *one = malloc((size_t)s->layers * sizeof *one);
    for (int64_t p = 0; p < count; p++) {
        token_predict(t, p / s->queries, p % s->queries, one);
        for (int64_t l = 0; l < s->layers; l++)
            token[l * count + p] = one[l];
    }
    for (int64_t l = 1; l <= s->layers; l++) {
        icl_model *shallow;
        ASSERT_OK(t->context, icl_model_with_layers(t->model, l, &shallow));
        ASSERT_OK(t->context, icl_model_predict(shallow, t->batch, gram));
        double off = relative_difference(count, gram, token + (l - 1) * count);
        ck_assert_msg(off <= tolerance(s), "dim %lld, depth %lld: %g > %g", (long long)s->dim,
                      (long long)l, off, tolerance(s));
        icl_model_free(shallow);
    }
    double loss, mean = 0;
    ASSERT_OK(t->context, icl_model_loss(t->model, t->batch, &loss, NULL));
    for (int64_t i = 0; i < count; i++)
        mean += pow(token[(s->layers - 1) * count + i] - icl_batch_target(t->batch)[i], 2) /
                (double)count;
    ASSERT_CLOSE(loss, mean, tolerance(s), mean + 1);
    free(gram);
    free(token);
    free(one);
}

START_TEST(test_predictions_are_the_tokens) {
    for (int i = 0; i < SHAPES; i++)
        for (int isa = ICL_ISA_BASELINE; isa <= ICL_ISA_AVX512; isa++) {
            if (!icl_isa_supported((icl_isa)isa))
                continue;
            deep t = plant_deep(1, (icl_isa)isa, shapes[i]);
            check_tokens(&t);
            clear_deep(&t);
        }
}
END_TEST

/* Every token length, also those that fill no tile. */
START_TEST(test_every_token_length) {
    for (int64_t D = 2; D <= 129; D += D < 36 ? 1 : 31) {
        deep_shape s = {D - 1, 11, 9, 1, 3, 1, 0, 0, 0, 0, -1, ICL_FORM_DENSE};
        deep t = plant_deep(1, ICL_ISA_AUTO, s);
        check_tokens(&t);
        clear_deep(&t);
    }
}
END_TEST

START_TEST(test_gradient_is_exact) {
    for (int i = 0; i < BLAS; i++) {
        deep t = plant_deep(1, ICL_ISA_AUTO, shapes[i]);
        check_gradient(t.context, t.model, t.batch);
        clear_deep(&t);
    }
}
END_TEST

/* Through the BLAS, along random directions: differences in each of thousands of parameters take
 * too long. */
START_TEST(test_gradient_through_the_blas) {
    for (int i = BLAS; i < SHAPES; i++) {
        deep t = plant_deep(1, ICL_ISA_AUTO, shapes[i]);
        check_gradient_along(t.context, t.model, t.batch, 12);
        clear_deep(&t);
    }
}
END_TEST

/* Entry e of tensor t: 0 or 1, by no rule that a kernel could follow. */
static uint8_t scattered(int64_t t, int64_t e) {
    uint64_t x = ((uint64_t)t * 1009 + (uint64_t)e + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return (x >> 40 & 7) < 3;
}

/* Trains every third tensor whole, another third not at all, and of the rest scattered entries. */
static void scatter_masks(const deep *t, int64_t shift) {
    for (int64_t i = 0; i < icl_model_tensor_count(t->model); i++) {
        icl_tensor tensor;
        ASSERT_OK(t->context, icl_model_tensor(t->model, i, &tensor));
        int64_t entries = tensor.rows * tensor.cols, kind = (i + shift) % 3;
        uint8_t *mask = malloc((size_t)entries);
        for (int64_t e = 0; e < entries; e++)
            mask[e] = kind == 0 || (kind == 1 && scattered(i, e));
        ASSERT_OK(t->context, icl_model_set_trained(t->model, tensor.name, mask));
        free(mask);
    }
}

/* Masks that are set after the weights: untrained heads beside trained ones, layers without a
 * trained entry, an R that is fixed and not I where P has no rows. */
START_TEST(test_any_masks) {
    const deep_shape masked[] = {{3, 8, 9, 1, 4, 3, 0, 0, 1, 1, -1, ICL_FORM_DENSE},
                                 {4, 6, 9, 1, 3, 2, 7, 1, 1, 0, 1, ICL_FORM_DENSE},
                                 {5, 9, 3, 2, 3, 1, 0, 0, 1, 0, -1, ICL_FORM_DESCENT},
                                 {9, 12, 9, 1, 3, 2, 0, 0, 1, 0, 1, ICL_FORM_DENSE}};
    for (int i = 0; i < 4; i++)
        for (int64_t shift = 0; shift < 3; shift++) {
            deep t = plant_deep(1, ICL_ISA_AUTO, masked[i]);
            scatter_masks(&t, shift);
            check_tokens(&t);
            check_gradient(t.context, t.model, t.batch);
            clear_deep(&t);
        }
}
END_TEST

/* Lanes with vectors for the last two layers, lanes layer by layer, and the BLAS. */
START_TEST(test_every_road_agrees) {
    int tailed = 0;
    for (int i = 0; i < SHAPES; i++) {
        deep t = plant_deep(1, ICL_ISA_AUTO, shapes[i]);
        int64_t count = icl_model_parameter_count(t.model);
        double loss[3], *gradient = malloc((size_t)(3 * count) * sizeof *gradient);
        for (int road = 0; road < 3; road++) {
            icl_model_workspace workspace;
            ASSERT_OK(t.context,
                      icl_model_workspace_create_with(t.model, shapes[i].prompts, shapes[i].queries,
                                                      road < 2 ? icl_attention_kernels_of(t.context)
                                                               : &icl_attention_kernels_one_lane,
                                                      &workspace));
            if (road == 1)
                workspace.tail_kernels = NULL;
            ASSERT_OK(t.context, icl_model_loss_in(t.model, t.batch, &workspace, &loss[road],
                                                   gradient + road * count));
            tailed += workspace.tailed;
            icl_model_workspace_free(t.model, &workspace);
        }
        for (int road = 1; road < 3; road++) {
            ASSERT_CLOSE(loss[0], loss[road], tolerance(&shapes[i]), loss[0] + 1);
            ck_assert_double_le(relative_difference(count, gradient, gradient + road * count),
                                8 * tolerance(&shapes[i]));
        }
        free(gradient);
        clear_deep(&t);
    }
    ck_assert_int_ge(tailed, 6); /* once a shape */
}
END_TEST

/* Loss and gradient of a shape on a number of threads and an instruction set. */
static double *loss_and_gradient(int64_t threads, icl_isa isa, const deep_shape *shape,
                                 int64_t *count) {
    deep t = plant_deep(threads, isa, *shape);
    *count = icl_model_parameter_count(t.model) + 1;
    double *out = malloc((size_t)*count * sizeof *out);
    ASSERT_OK(t.context, icl_model_loss(t.model, t.batch, out, out + 1));
    clear_deep(&t);
    return out;
}

START_TEST(test_equal_bits) {
    for (int i = 0; i < SHAPES; i++) {
        deep_shape s = shapes[i];
        s.prompts = s.dim > 20 ? 70 : 400;
        int64_t count;
        double *one = loss_and_gradient(1, ICL_ISA_AUTO, &s, &count);
        for (int64_t threads = 2; threads <= 5; threads++) {
            double *more = loss_and_gradient(threads, ICL_ISA_AUTO, &s, &count);
            ck_assert_mem_eq(one, more, (size_t)count * sizeof *one);
            free(more);
        }
        for (int isa = ICL_ISA_BASELINE; isa <= ICL_ISA_AVX512; isa++) {
            if (!icl_isa_supported((icl_isa)isa))
                continue;
            double *other = loss_and_gradient(1, (icl_isa)isa, &s, &count);
            ck_assert_double_le(relative_difference(count, other, one), 8 * tolerance(&s));
            free(other);
        }
        if (icl_isa_supported(ICL_ISA_AVX512)) {
            double *avx2 = loss_and_gradient(1, ICL_ISA_AVX2, &s, &count);
            ck_assert_mem_eq(one, avx2, (size_t)count * sizeof *one);
            free(avx2);
        }
        free(one);
    }
}
END_TEST

/* A looped model is the deep one whose layers all have its weights, also in its gradient. */
START_TEST(test_looped_is_the_deep_with_equal_layers) {
    deep_shape s = {4, 9, 10, 2, 5, 2, 0, 1, 1, 1, -1, ICL_FORM_DENSE};
    deep looped = plant_deep(1, ICL_ISA_AUTO, s);
    s.looped = 0;
    deep long_one = plant_deep(1, ICL_ISA_AUTO, s);
    int64_t layer = (2 * 2 + 1) * 25, count = icl_model_parameter_count(looped.model);
    ck_assert_int_eq(count, layer + 4);
    double *x = malloc((size_t)(5 * layer + 4) * sizeof *x), loss[2];
    double *one = malloc((size_t)count * sizeof *one);
    double *five = malloc((size_t)(5 * layer + 4) * sizeof *five);
    for (int l = 0; l < 5; l++)
        memcpy(x + l * layer, icl_model_parameters(looped.model), (size_t)layer * sizeof *x);
    memcpy(x + 5 * layer, icl_model_parameters(looped.model) + layer, 4 * sizeof *x);
    ASSERT_OK(long_one.context, icl_model_set_parameters(long_one.model, x));
    ASSERT_OK(looped.context, icl_model_loss(looped.model, looped.batch, &loss[0], one));
    ASSERT_OK(long_one.context, icl_model_loss(long_one.model, looped.batch, &loss[1], five));
    ck_assert_double_eq(loss[0], loss[1]);
    for (int l = 1; l < 5; l++)
        for (int64_t e = 0; e < layer; e++)
            five[e] += five[l * layer + e];
    memcpy(five + layer, five + 5 * layer, 4 * sizeof *five);
    ck_assert_double_le(relative_difference(count, one, five), 8 * tolerance(&s));
    free(x);
    free(one);
    free(five);
    clear_deep(&looped);
    clear_deep(&long_one);
}
END_TEST

/* More loops at test time than in training: two of three are five. */
START_TEST(test_more_loops) {
    deep_shape s = {3, 6, 4, 1, 5, 1, 0, 1, 0, 1, -1, ICL_FORM_DENSE};
    deep five = plant_deep(1, ICL_ISA_AUTO, s);
    icl_model *two, *again;
    double a[4], b[4];
    ASSERT_OK(five.context, icl_model_with_layers(five.model, 2, &two));
    ASSERT_OK(five.context, icl_model_with_layers(two, 5, &again));
    ck_assert_int_eq(icl_model_layers(two), 2);
    ck_assert_int_eq(icl_model_parameter_count(two), icl_model_parameter_count(five.model));
    ASSERT_OK(five.context, icl_model_predict(five.model, five.batch, a));
    ASSERT_OK(five.context, icl_model_predict(again, five.batch, b));
    ck_assert_mem_eq(a, b, sizeof a);
    ASSERT_OK(five.context, icl_model_predict(two, five.batch, b));
    ck_assert_double_ne(a[0], b[0]);
    icl_model_free(two);
    icl_model_free(again);
    clear_deep(&five);
}
END_TEST

/* A model of five layers takes gradient steps w <- w - A_l grad R, R the mean loss. */
START_TEST(test_preconditioners_are_the_steps) {
    deep_shape s = {3, 8, 5, 1, 4, 1, 0, 0, 0, 0, -1, ICL_FORM_DESCENT};
    deep t = plant_deep(1, ICL_ISA_AUTO, s);
    double prediction[5], A[9];
    ASSERT_OK(t.context, icl_model_predict(t.model, t.batch, prediction));
    for (int p = 0; p < 5; p++) {
        const double *S = icl_batch_S(t.batch) + 9 * p, *b = icl_batch_b(t.batch) + 3 * p;
        const double *x = icl_batch_query(t.batch) + 3 * p;
        double w[3] = {0};
        for (int l = 0; l < 4; l++) {
            double grad[3];
            ASSERT_OK(t.context, icl_model_preconditioner(t.model, l, NULL, A));
            for (int i = 0; i < 3; i++) {
                grad[i] = -b[i];
                for (int j = 0; j < 3; j++)
                    grad[i] += S[3 * i + j] * w[j];
            }
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 3; j++)
                    w[i] -= A[3 * i + j] * grad[j];
        }
        double expected = w[0] * x[0] + w[1] * x[1] + w[2] * x[2];
        ASSERT_CLOSE(prediction[p], expected, tolerance(&s), fabs(expected) + 1);
    }
    clear_deep(&t);
}
END_TEST

START_TEST(test_whitened_preconditioner) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law_options o;
    icl_law *law;
    const double spectrum[] = {4, 1, 0.25};
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    o.dim = 3;
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = spectrum;
    o.rotation_seed = 5;
    o.prior = ICL_COVARIANCE_INVERSE;
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    deep_shape s = {3, 8, 5, 1, 2, 1, 0, 0, 0, 0, -1, ICL_FORM_DESCENT};
    icl_model *model = make_deep(context, &s);
    /* Q = -diag(0.3 Sigma^-1, 0) */
    double Q[16] = {0}, A[9];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            Q[4 * i + j] = -0.3 * icl_law_prior(law)[3 * i + j];
    ASSERT_OK(context, icl_model_set(model, "Q.layer1", Q));
    ASSERT_OK(context, icl_model_preconditioner(model, 1, law, A));
    for (int i = 0; i < 9; i++)
        ASSERT_CLOSE(A[i], i % 4 == 0 ? 0.3 : 0, TOL_ALGEBRA(3, 16), 1);
    icl_model_free(model);
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("deep", test_predictions_are_the_tokens, test_every_token_length, test_gradient_is_exact,
          test_gradient_through_the_blas, test_any_masks, test_every_road_agrees, test_equal_bits,
          test_looped_is_the_deep_with_equal_layers, test_more_loops,
          test_preconditioners_are_the_steps, test_whitened_preconditioner)
