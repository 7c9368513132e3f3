/* The one-layer model: the token-by-token definition in the three parametrisations, exact gradients,
 * masks, what it implements, bad input. */
#include "test_gradient.h"
#include "test_model.h"

/* P and Q (D x D) of a model, from its tensors by the definition of its parametrisation. */
static void matrices_of(const icl_model *model, double *P, double *Q) {
    int64_t D = icl_model_dim(model) + 1, s = icl_model_width(model);
    if (icl_model_parametrisation(model) != ICL_PARAMETRISATION_KQV) {
        int pq = icl_model_parametrisation(model) == ICL_PARAMETRISATION_PQ;
        ck_assert_int_eq(icl_model_get(model, pq ? "P" : "W_PV", P), ICL_OK);
        ck_assert_int_eq(icl_model_get(model, pq ? "Q" : "W_KQ", Q), ICL_OK);
        return;
    }
    size_t bytes = (size_t)(s * D) * sizeof(double);
    double *K = malloc(bytes), *W = malloc(bytes), *V = malloc(bytes), *h = malloc(bytes);
    ck_assert_int_eq(icl_model_get(model, "W_K", K), ICL_OK);
    ck_assert_int_eq(icl_model_get(model, "W_Q", W), ICL_OK);
    ck_assert_int_eq(icl_model_get(model, "W_V", V), ICL_OK);
    ck_assert_int_eq(icl_model_get(model, "h", h), ICL_OK);
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++) {
            P[i * D + j] = Q[i * D + j] = 0;
            for (int64_t a = 0; a < s; a++) {
                Q[i * D + j] += K[a * D + i] * W[a * D + j];
                if (i == D - 1)
                    P[i * D + j] += h[a] * V[a * D + j];
            }
        }
    free(K);
    free(W);
    free(V);
    free(h);
}

/* The layer token by token: z_q + P (Z M Z^T / n) Q z_q, its last entry times the sign. */
static double token_prediction(int64_t d, int64_t n, int sign, const double *P, const double *Q,
                               const double *X, const double *y, const double *query) {
    int64_t D = d + 1;
    double *z = calloc((size_t)(3 * D), sizeof *z), *key = z + D, *out = key + D;
    memcpy(z, query, (size_t)d * sizeof *z);
    for (int64_t i = 0; i < D; i++)
        for (int64_t j = 0; j < D; j++)
            key[i] += Q[i * D + j] * z[j];
    for (int64_t t = 0; t < n; t++) {
        double score = y[t] * key[d];
        for (int64_t j = 0; j < d; j++)
            score += X[t * d + j] * key[j];
        for (int64_t i = 0; i < D; i++) {
            double value = P[i * D + d] * y[t];
            for (int64_t j = 0; j < d; j++)
                value += P[i * D + j] * X[t * d + j];
            out[i] += value * score / (double)n;
        }
    }
    double prediction = sign * (z[d] + out[d]);
    free(z);
    return prediction;
}

/* All predictions of a batch by tokens. */
static void token_predictions(const planted *t, double *prediction) {
    int64_t d = icl_batch_dim(t->batch), n = icl_batch_context(t->batch), D = d + 1;
    int64_t q = icl_batch_queries(t->batch);
    double *P = malloc((size_t)(2 * D * D) * sizeof *P), *Q = P + D * D;
    matrices_of(t->model, P, Q);
    for (int64_t p = 0; p < icl_batch_prompts(t->batch); p++)
        for (int64_t j = 0; j < q; j++)
            prediction[p * q + j] = token_prediction(
                d, n, icl_model_sign(t->model), P, Q, icl_batch_X(t->batch) + p * n * d,
                icl_batch_y(t->batch) + p * n, icl_batch_query(t->batch) + (p * q + j) * d);
    free(P);
}

static const struct {
    int64_t dim, n, prompts, queries, width;
    int sign;
} shapes[] = {{1, 1, 1, 1, 1, 1},  {1, 7, 3, 2, 4, -1}, {5, 20, 64, 1, 0, 1},
              {5, 3, 65, 3, 2, -1}, {8, 40, 9, 1, 12, 1}, {17, 5, 8, 2, 5, -1},
              {33, 70, 7, 1, 0, 1}, {5, 0, 4, 1, 0, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static int64_t width_of(int shape, int parametrisation) {
    return parametrisation == ICL_PARAMETRISATION_KQV ? shapes[shape].width : 0;
}

START_TEST(test_predictions_are_the_tokens) {
    for (int shape = 0; shape < SHAPES; shape++)
        for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++) {
            planted t = plant(1, ICL_ISA_AUTO, shapes[shape].dim, shapes[shape].n,
                              shapes[shape].prompts, shapes[shape].queries,
                              (icl_parametrisation)form, width_of(shape, form), shapes[shape].sign);
            int64_t count = shapes[shape].prompts * shapes[shape].queries;
            double *gram = malloc((size_t)(2 * count) * sizeof *gram), *token = gram + count;
            ASSERT_OK(t.context, icl_model_predict(t.model, t.batch, gram));
            token_predictions(&t, token);
            ck_assert_double_le(relative_difference(count, gram, token),
                                TOL_ALGEBRA(shapes[shape].dim + shapes[shape].n + 1, 1));
            /* the loss is the mean of the squared errors of these */
            double loss, mean = 0;
            ASSERT_OK(t.context, icl_model_loss(t.model, t.batch, &loss, NULL));
            for (int64_t i = 0; i < count; i++)
                mean += pow(token[i] - icl_batch_target(t.batch)[i], 2) / (double)count;
            ASSERT_CLOSE(loss, mean, TOL_ALGEBRA(shapes[shape].dim + shapes[shape].n + 1, 1),
                         fabs(mean) + 1);
            free(gram);
            clear(&t);
        }
}
END_TEST

START_TEST(test_gradient_is_exact) {
    for (int shape = 0; shape < 6; shape++)
        for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++) {
            planted t = plant(1, ICL_ISA_AUTO, shapes[shape].dim, shapes[shape].n,
                              shapes[shape].prompts, shapes[shape].queries,
                              (icl_parametrisation)form, width_of(shape, form), shapes[shape].sign);
            check_gradient(t.context, t.model, t.batch);
            clear(&t);
        }
}
END_TEST

START_TEST(test_untrained_entries_have_no_gradient) {
    planted t = plant(1, ICL_ISA_AUTO, 4, 9, 10, 1, ICL_PARAMETRISATION_PQ, 0, 1);
    uint8_t mask[25], back[25];
    for (int i = 0; i < 25; i++)
        mask[i] = (uint8_t)(i % 3 == 0);
    ASSERT_OK(t.context, icl_model_set_trained(t.model, "Q", mask));
    ASSERT_OK(t.context, icl_model_get_trained(t.model, "Q", back));
    ck_assert_mem_eq(mask, back, sizeof mask);
    double gradient[50], whole[50], loss;
    ASSERT_OK(t.context, icl_model_loss(t.model, t.batch, &loss, gradient));
    memset(mask, 1, sizeof mask);
    ASSERT_OK(t.context, icl_model_set_trained(t.model, "Q", mask));
    ASSERT_OK(t.context, icl_model_loss(t.model, t.batch, &loss, whole));
    int trained = 0;
    for (int i = 0; i < 50; i++) {
        int kept = i < 25 || (i - 25) % 3 == 0;
        ck_assert(gradient[i] == (kept ? whole[i] : 0));
        trained += i >= 25 && gradient[i] != 0;
    }
    ck_assert_int_gt(trained, 3);
    mask[7] = 2;
    ASSERT_FAILS(t.context, ICL_ERR_ARGUMENT, "mask[7]",
                 icl_model_set_trained(t.model, "Q", mask));
    clear(&t);
}
END_TEST

START_TEST(test_effective_predictor) {
    for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++) {
        planted t = plant(1, ICL_ISA_AUTO, 3, 6, 5, 1, (icl_parametrisation)form, 0, -1);
        double u[3], v, M[9], r[3], gamma[9], prediction[5];
        ASSERT_OK(t.context, icl_model_effective(t.model, u, &v, M, r));
        ASSERT_OK(t.context, icl_model_gamma(t.model, gamma));
        ASSERT_OK(t.context, icl_model_predict(t.model, t.batch, prediction));
        for (int p = 0; p < 5; p++) {
            const double *S = icl_batch_S(t.batch) + 9 * p, *b = icl_batch_b(t.batch) + 3 * p;
            const double *x = icl_batch_query(t.batch) + 3 * p;
            double Mx[3] = {0}, rx = 0, bMx = 0, ub = 0, uSMx = 0, odd = 0;
            for (int i = 0; i < 3; i++) {
                for (int j = 0; j < 3; j++) {
                    Mx[i] += M[3 * i + j] * x[j];
                    odd += x[i] * gamma[3 * i + j] * b[j];
                    ck_assert_double_eq_tol(gamma[3 * i + j], v * M[3 * j + i] + r[i] * u[j], 1e-15);
                }
                rx += r[i] * x[i];
                ub += u[i] * b[i];
            }
            for (int i = 0; i < 3; i++) {
                bMx += b[i] * Mx[i];
                for (int j = 0; j < 3; j++)
                    uSMx += u[i] * S[3 * i + j] * Mx[j];
            }
            double syy = icl_batch_syy(t.batch)[p];
            ASSERT_CLOSE(odd, v * bMx + ub * rx, TOL_ALGEBRA(9, 1), fabs(odd) + 1);
            ASSERT_CLOSE(prediction[p], uSMx + v * bMx + ub * rx + v * syy * rx, TOL_ALGEBRA(9, 1),
                         fabs(prediction[p]) + 10);
        }
        clear(&t);
    }
}
END_TEST

START_TEST(test_pullback_is_the_chain_rule) {
    /* gradient of sum of (u, v, M, r) against weights, by differences of effective */
    for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++) {
        icl_context *context = make_context(1, ICL_ISA_AUTO);
        icl_model *model = make_model(context, 3, (icl_parametrisation)form, 0, -1);
        randomise(context, model, 4);
        double weight[16], e[16], x[64], gradient[64];
        int64_t count = icl_model_parameter_count(model);
        fill_normal(context, 9, 16, weight);
        ASSERT_OK(context, icl_model_pullback(model, weight, weight[3], weight + 4, weight + 13,
                                              gradient));
        memcpy(x, icl_model_parameters(model), (size_t)count * sizeof *x);
        for (int64_t i = 0; i < count; i++) {
            double slope = 0, at = x[i];
            for (int side = -1; side <= 1; side += 2) {
                x[i] = at + side * 0.5;
                ASSERT_OK(context, icl_model_set_parameters(model, x));
                ASSERT_OK(context, icl_model_effective(model, e, e + 3, e + 4, e + 13));
                for (int k = 0; k < 16; k++)
                    slope += side * weight[k] * e[k];
            }
            x[i] = at;
            /* the map is linear in each parameter: the difference is exact */
            ASSERT_CLOSE(gradient[i], slope, TOL_ALGEBRA(16, 1), 10);
        }
        icl_model_free(model);
        icl_context_free(context);
    }
}
END_TEST

/* Loss and gradient of one planted problem. */
static void evaluate(int64_t threads, icl_isa isa, double *loss, double *gradient) {
    planted t = plant(threads, isa, 7, 30, 777, 2, ICL_PARAMETRISATION_KQV, 5, -1);
    ASSERT_OK(t.context, icl_model_loss(t.model, t.batch, loss, gradient));
    clear(&t);
}

START_TEST(test_threads_change_no_bit) {
    enum { COUNT = 5 * 8 * 3 + 5 };
    double loss, gradient[COUNT];
    evaluate(1, ICL_ISA_AUTO, &loss, gradient);
    const int64_t threads[] = {2, 3, 7};
    for (int i = 0; i < 3; i++) {
        double other, others[COUNT];
        evaluate(threads[i], ICL_ISA_AUTO, &other, others);
        ck_assert_mem_eq(&loss, &other, sizeof loss);
        ck_assert_mem_eq(gradient, others, sizeof gradient);
    }
}
END_TEST

START_TEST(test_instruction_sets_agree) {
    enum { COUNT = 5 * 8 * 3 + 5 };
    double loss[4], gradient[4][COUNT];
    evaluate(1, ICL_ISA_BASELINE, &loss[1], gradient[1]);
    for (int isa = ICL_ISA_AVX2; isa <= ICL_ISA_AVX512; isa++) {
        if (!icl_isa_supported((icl_isa)isa))
            continue;
        evaluate(1, (icl_isa)isa, &loss[isa], gradient[isa]);
        ASSERT_CLOSE(loss[isa], loss[1], 1e-12, fabs(loss[1]));
        ck_assert_double_le(relative_difference(COUNT, gradient[isa], gradient[1]), 1e-12);
    }
    if (icl_isa_supported(ICL_ISA_AVX2) && icl_isa_supported(ICL_ISA_AVX512)) {
        ck_assert_mem_eq(&loss[2], &loss[3], sizeof *loss);
        ck_assert_mem_eq(gradient[2], gradient[3], sizeof *gradient);
    }
}
END_TEST

START_TEST(test_overflow_is_divergence) {
    planted t = plant(1, ICL_ISA_AUTO, 2, 5, 9, 1, ICL_PARAMETRISATION_PQ, 0, 1);
    double x[18], loss = -1, gradient[18] = {42};
    for (int i = 0; i < 18; i++)
        x[i] = 1e200;
    ASSERT_OK(t.context, icl_model_set_parameters(t.model, x));
    ASSERT_FAILS(t.context, ICL_ERR_DIVERGED, "not finite",
                 icl_model_loss(t.model, t.batch, &loss, gradient));
    ck_assert(loss == -1 && gradient[0] == 42);
    clear(&t);
}
END_TEST

START_TEST(test_bad_arguments) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model_options o;
    icl_model *model = (icl_model *)context;
    ck_assert_int_eq(icl_model_options_init(NULL, sizeof o), ICL_ERR_ARGUMENT);
    ASSERT_OK(context, icl_model_options_init(&o, sizeof o));
    ck_assert_int_eq(icl_model_create(NULL, &o, &model), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(model);
    ASSERT_OK(context, icl_model_create(context, NULL, &model));
    ck_assert_int_eq(icl_model_parameter_count(model), 72);
    icl_model_free(model);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out", icl_model_create(context, &o, NULL));
#define BAD(field, bad, status, word)                                                              \
    do {                                                                                           \
        icl_model_options wrong = o;                                                               \
        wrong.field = (bad);                                                                       \
        ASSERT_FAILS(context, status, word, icl_model_create(context, &wrong, &model));            \
        ck_assert_ptr_null(model);                                                                 \
    } while (0)
    BAD(dim, 0, ICL_ERR_ARGUMENT, "dim = 0");
    BAD(dim, 4097, ICL_ERR_ARGUMENT, "dim = 4097");
    BAD(parametrisation, (icl_parametrisation)7, ICL_ERR_ARGUMENT, "parametrisation = 7");
    BAD(width, 3, ICL_ERR_ARGUMENT, "width = 3");
    BAD(width, -1, ICL_ERR_ARGUMENT, "width = -1");
    BAD(sign, 0, ICL_ERR_ARGUMENT, "sign = 0");
    BAD(init, (icl_init)9, ICL_ERR_ARGUMENT, "init = 9");
    BAD(init_scale, 0, ICL_ERR_ARGUMENT, "init_scale");
    BAD(init_scale, 1e101, ICL_ERR_ARGUMENT, "init_scale = 1e+101");
    BAD(init_scale, NAN, ICL_ERR_NONFINITE, "init_scale");
    BAD(seed, UINT64_MAX, ICL_ERR_ARGUMENT, "seed");
    BAD(size, 0, ICL_ERR_ARGUMENT, "size");
#undef BAD
    planted t = plant(1, ICL_ISA_AUTO, 2, 5, 9, 1, ICL_PARAMETRISATION_PQ, 0, 1);
    double loss, many[32];
    model = make_model(t.context, 3, ICL_PARAMETRISATION_PQ, 0, 1);
    ASSERT_FAILS(t.context, ICL_ERR_SHAPE, "dim 2", icl_model_loss(model, t.batch, &loss, NULL));
    ASSERT_FAILS(t.context, ICL_ERR_SHAPE, "dim 2", icl_model_predict(model, t.batch, many));
    ASSERT_FAILS(t.context, ICL_ERR_ARGUMENT, "batch", icl_model_loss(model, NULL, &loss, NULL));
    ASSERT_FAILS(t.context, ICL_ERR_ARGUMENT, "loss", icl_model_loss(model, t.batch, NULL, many));
    ASSERT_FAILS(t.context, ICL_ERR_ARGUMENT, "gamma", icl_model_gamma(model, NULL));
    ck_assert_int_eq(icl_model_loss(NULL, t.batch, &loss, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_model_predict(NULL, t.batch, many), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_model_gamma(NULL, many), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_model_dim(NULL), 0);
    ck_assert_ptr_null(icl_model_parameters(NULL));
    icl_model_free(NULL);
    icl_model_free(model);
    clear(&t);
    icl_context_free(context);
}
END_TEST

static icl_status live(icl_context *context, void *user) {
    (void)user;
    icl_model_options o;
    icl_model *model = NULL, *copy = NULL, *other = NULL;
    icl_batch_options bo;
    icl_batch *batch = NULL;
    double loss, gradient[64], predictions[5], M[4];
    icl_model_options_init(&o, sizeof o);
    icl_batch_options_init(&bo, sizeof bo);
    o.dim = bo.dim = 2;
    o.parametrisation = ICL_PARAMETRISATION_KQV;
    bo.prompts = 5;
    icl_status status = icl_model_create(context, &o, &model);
    if (status == ICL_OK)
        status = icl_batch_create(context, &bo, &batch);
    if (status == ICL_OK)
        status = icl_model_clone(model, &copy);
    if (status == ICL_OK)
        status = icl_model_convert(model, ICL_PARAMETRISATION_PVKQ, 0, &other);
    if (status == ICL_OK)
        status = icl_model_loss(model, batch, &loss, gradient);
    if (status == ICL_OK)
        status = icl_model_predict(other, batch, predictions);
    if (status == ICL_OK)
        status = icl_model_effective(other, NULL, NULL, M, NULL);
    icl_model_free(other);
    other = NULL;
    if (status == ICL_OK)
        status = icl_model_convert(copy, ICL_PARAMETRISATION_PQ, 0, &other);
    icl_model_free(copy);
    copy = NULL;
    if (status == ICL_OK)
        status = icl_model_convert(other, ICL_PARAMETRISATION_KQV, 2, &copy);
    icl_model_free(copy);
    icl_model_free(other);
    icl_model_free(model);
    icl_batch_free(batch);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(live, NULL);
}
END_TEST

RUN_SUITE("model", test_predictions_are_the_tokens, test_gradient_is_exact,
          test_untrained_entries_have_no_gradient, test_effective_predictor,
          test_pullback_is_the_chain_rule, test_threads_change_no_bit,
          test_instruction_sets_agree, test_overflow_is_divergence, test_bad_arguments,
          test_every_allocation_may_fail)
