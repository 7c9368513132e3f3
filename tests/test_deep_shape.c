/* Deep models: the table of tensors, forms and starts, what they refuse, failing allocations. */
#include "test_deep.h"

static icl_model *model_of(icl_context *context, const icl_model_options *o) {
    icl_model *model;
    ASSERT_OK(context, icl_model_create(context, o, &model));
    return model;
}

static icl_model_options options_of(int64_t dim, int64_t layers, int64_t heads) {
    icl_model_options o;
    ck_assert_int_eq(icl_model_options_init(&o, sizeof o), ICL_OK);
    o.dim = dim;
    o.layers = layers;
    o.heads = heads;
    return o;
}

static void check_name(icl_context *context, const icl_model *model, const char *name, int64_t rows,
                       int64_t cols, int64_t offset) {
    icl_tensor t;
    ASSERT_OK(context, icl_model_find(model, name, &t));
    ck_assert_str_eq(t.name, name);
    ck_assert_int_eq(t.rows, rows);
    ck_assert_int_eq(t.cols, cols);
    ck_assert_int_eq(t.offset, offset);
}

START_TEST(test_table) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model_options o = options_of(2, 3, 2);
    o.residual = o.guess = 1;
    icl_model *model = model_of(context, &o);
    ck_assert_int_eq(icl_model_tensor_count(model), 3 * 5 + 1);
    ck_assert_int_eq(icl_model_parameter_count(model), 3 * 5 * 9 + 2);
    check_name(context, model, "P.layer0.head0", 3, 3, 0);
    check_name(context, model, "Q.layer0.head1", 3, 3, 27);
    check_name(context, model, "R.layer1", 3, 3, 81);
    check_name(context, model, "P.layer2.head1", 3, 3, 108);
    check_name(context, model, "guess", 1, 2, 135);
    icl_tensor t;
    ASSERT_FAILS(context, ICL_ERR_MISSING, "P.layer0.head0", icl_model_find(model, "P", &t));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "...", icl_model_find(model, "P.layer3.head0", &t));
    ck_assert_int_eq(icl_model_layers(model), 3);
    ck_assert_int_eq(icl_model_heads(model), 2);
    ck_assert_int_eq(icl_model_token(model), 3);
    ck_assert_int_eq(icl_model_looped(model), 0);
    icl_model_free(model);
    o = options_of(2, 3, 1);
    o.looped = 1;
    o.token = 7;
    o.parametrisation = ICL_PARAMETRISATION_PVKQ;
    model = model_of(context, &o);
    check_name(context, model, "W_PV", 7, 7, 0);
    check_name(context, model, "W_KQ", 7, 7, 49);
    ck_assert_int_eq(icl_model_looped(model), 1);
    ck_assert_int_eq(icl_model_layers(NULL) + icl_model_heads(NULL) + icl_model_token(NULL) +
                         icl_model_looped(NULL),
                     0);
    icl_model_free(model);
    icl_context_free(context);
}
END_TEST

/* What each form trains and fixes, after every start. */
START_TEST(test_forms) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t d = 2, D = 4, y = 3;
    for (int form = 0; form <= ICL_FORM_DIAGONAL; form++)
        for (int init = 0; init <= ICL_INIT_ZERO; init++) {
            icl_model_options o = options_of(d, 3, 2);
            o.token = D;
            o.form = (icl_form)form;
            o.init = (icl_init)init;
            icl_model *model = model_of(context, &o);
            double P[16], Q[16];
            uint8_t in_P[16], in_Q[16];
            ASSERT_OK(context, icl_model_get(model, "P.layer1.head1", P));
            ASSERT_OK(context, icl_model_get(model, "Q.layer1.head1", Q));
            ASSERT_OK(context, icl_model_get_trained(model, "P.layer1.head1", in_P));
            ASSERT_OK(context, icl_model_get_trained(model, "Q.layer1.head1", in_Q));
            for (int64_t i = 0; i < D; i++)
                for (int64_t j = 0; j < D; j++) {
                    int64_t e = i * D + j;
                    int block = i < d && j < d, dense = form == ICL_FORM_DENSE;
                    int diagonal = form == ICL_FORM_DIAGONAL && i == j;
                    int turns = form == ICL_FORM_GD_PLUS_PLUS;
                    int fixes = turns || form == ICL_FORM_DESCENT;
                    ck_assert_int_eq(in_P[e], dense || diagonal || (turns && block));
                    ck_assert_int_eq(in_Q[e], dense || diagonal || (fixes && block));
                    if (!in_P[e])
                        ck_assert(P[e] == (fixes && i == y && j == y ? 1 : 0));
                    if (!in_Q[e])
                        ck_assert(Q[e] == 0);
                    if (init == ICL_INIT_GAUSSIAN)
                        ck_assert((!in_P[e] || P[e] != 0) && (!in_Q[e] || Q[e] != 0));
                    if (init == ICL_INIT_ZERO && in_Q[e])
                        ck_assert(Q[e] == 0);
                }
            icl_model_free(model);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_starts) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model_options o = options_of(3, 3, 2);
    o.residual = o.guess = 1;
    o.sign = -1;
    o.init = ICL_INIT_GAUSSIAN;
    o.init_scale = 1e-4;
    icl_model *model = model_of(context, &o);
    double R[16], guess[3], P[16], Q[16], other[16];
    ASSERT_OK(context, icl_model_get(model, "R.layer2", R));
    ASSERT_OK(context, icl_model_get(model, "guess", guess));
    for (int i = 0; i < 16; i++)
        ck_assert(R[i] == (i % 5 == 0));
    ck_assert(guess[0] == 0 && guess[1] == 0 && guess[2] == 0);
    ASSERT_OK(context, icl_model_get(model, "P.layer2.head1", P)); /* only its last row is read */
    for (int i = 0; i < 12; i++)
        ck_assert(P[i] == 0);
    ck_assert(P[12] != 0 && fabs(P[12]) < 1e-3);
    ASSERT_OK(context, icl_model_initialise(model, ICL_INIT_BALANCED, 0.5, 3));
    ASSERT_OK(context, icl_model_get(model, "P.layer1.head0", P));
    ASSERT_OK(context, icl_model_get(model, "Q.layer1.head0", Q));
    ASSERT_OK(context, icl_model_get(model, "Q.layer1.head1", other));
    double norm = 0;
    for (int i = 0; i < 15; i++)
        ck_assert(P[i] == 0);
    ck_assert(P[15] == -0.5);
    for (int i = 0; i < 16; i++)
        norm += Q[i] * Q[i];
    ASSERT_CLOSE(norm, 0.25, TOL_ALGEBRA(9, 1), 1);
    ck_assert(memcmp(Q, other, sizeof Q) != 0); /* each head its own */
    icl_model_free(model);
    icl_context_free(context);
}
END_TEST

/* y_0 = sign theta.x: with zero layers' weights the model predicts its guess. */
START_TEST(test_guess) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int sign = -1; sign <= 1; sign += 2) {
        deep_shape s = {3, 5, 4, 2, 2, 1, 0, 0, 0, 1, sign, ICL_FORM_DENSE};
        deep t = plant_deep(1, ICL_ISA_AUTO, s);
        const double theta[] = {1, -2, 0.5};
        double prediction[8];
        ASSERT_OK(t.context, icl_model_initialise(t.model, ICL_INIT_ZERO, 1, 0));
        ASSERT_OK(t.context, icl_model_set(t.model, "guess", theta));
        ASSERT_OK(t.context, icl_model_predict(t.model, t.batch, prediction));
        for (int i = 0; i < 8; i++) {
            const double *x = icl_batch_query(t.batch) + 3 * i;
            ASSERT_CLOSE(prediction[i], x[0] - 2 * x[1] + 0.5 * x[2], TOL_ALGEBRA(3, 1), 8);
        }
        clear_deep(&t);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_bad_options) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model_options o = options_of(3, 2, 1);
    icl_model *model;
#define BAD(field, bad, status, word)                                                              \
    do {                                                                                           \
        icl_model_options wrong = o;                                                               \
        wrong.field = (bad);                                                                       \
        model = (icl_model *)context;                                                              \
        ASSERT_FAILS(context, status, word, icl_model_create(context, &wrong, &model));            \
        ck_assert_ptr_null(model);                                                                 \
    } while (0)
    BAD(layers, 0, ICL_ERR_ARGUMENT, "layers = 0");
    BAD(layers, 4097, ICL_ERR_ARGUMENT, "layers = 4097");
    BAD(heads, 0, ICL_ERR_ARGUMENT, "heads = 0");
    BAD(heads, INT64_MAX, ICL_ERR_ARGUMENT, "heads = 9223372036854775807");
    BAD(token, 1, ICL_ERR_ARGUMENT, "token = 1, must be from dim + 1 = 4");
    BAD(token, 3, ICL_ERR_ARGUMENT, "token = 3");
    BAD(token, -1, ICL_ERR_ARGUMENT, "token = -1");
    BAD(token, 16385, ICL_ERR_ARGUMENT, "token = 16385");
    BAD(looped, 2, ICL_ERR_ARGUMENT, "looped = 2");
    BAD(residual, -1, ICL_ERR_ARGUMENT, "residual = -1");
    BAD(guess, 7, ICL_ERR_ARGUMENT, "guess = 7");
    BAD(form, (icl_form)4, ICL_ERR_ARGUMENT, "form = 4");
    BAD(parametrisation, ICL_PARAMETRISATION_KQV, ICL_ERR_ARGUMENT, "layers = 2");
    o.layers = 1; /* else its loops at test time would be a model of many layers */
    o.parametrisation = ICL_PARAMETRISATION_KQV;
    BAD(looped, 1, ICL_ERR_ARGUMENT, "looped = 1");
    o.parametrisation = ICL_PARAMETRISATION_PQ;
    o.layers = o.heads = 4096;
    BAD(token, 16384, ICL_ERR_SIZE, "too many parameters");
#undef BAD
    icl_context_free(context);
}
END_TEST

START_TEST(test_what_only_one_layer_has) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model_options o = options_of(2, 2, 1);
    icl_model *model = model_of(context, &o), *other = model;
    icl_law *law;
    icl_certificate certificate = {.size = sizeof certificate};
    double many[32] = {0};
    ASSERT_OK(context, icl_law_create(context, &(icl_law_options){.size = 16, .dim = 2}, &law));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "layers = 2",
                 icl_model_effective(model, many, many, many, many));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "layers = 2", icl_model_gamma(model, many));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "layers = 2",
                 icl_model_pullback(model, many, 0, many, many, many));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "layers = 2",
                 icl_model_convert(model, ICL_PARAMETRISATION_PVKQ, 0, &other));
    ck_assert_ptr_null(other);
    ASSERT_FAILS(context, ICL_ERR_MISSING, "layers = 2",
                 icl_model_certify(model, law, NULL, &certificate));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "layer = 2",
                 icl_model_preconditioner(model, 2, NULL, many));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "A is NULL",
                 icl_model_preconditioner(model, 0, NULL, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "layers = 3", icl_model_with_layers(model, 3, &other));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "layers = 0", icl_model_with_layers(model, 0, &other));
    ck_assert_int_eq(icl_model_with_layers(NULL, 1, &other), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_model_preconditioner(NULL, 0, NULL, many), ICL_ERR_ARGUMENT);
    icl_law_free(law);
    icl_model_free(model);
    icl_context_free(context);
}
END_TEST

/* The first layer of a deep model is a one-layer model, which theory knows. */
START_TEST(test_depth_one_is_known_to_theory) {
    deep_shape s = {3, 8, 5, 1, 4, 1, 0, 0, 0, 0, -1, ICL_FORM_DENSE};
    deep t = plant_deep(1, ICL_ISA_AUTO, s);
    icl_model *first;
    double gamma[9], A[9], u[3], v, M[9], r[3];
    ASSERT_OK(t.context, icl_model_with_layers(t.model, 1, &first));
    ASSERT_OK(t.context, icl_model_gamma(first, gamma));
    ASSERT_OK(t.context, icl_model_effective(first, u, &v, M, r));
    ASSERT_OK(t.context, icl_model_preconditioner(t.model, 0, NULL, A));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            ASSERT_CLOSE(A[3 * i + j], gamma[3 * i + j] - r[i] * u[j], TOL_ALGEBRA(3, 1), 1);
    icl_model_free(first);
    clear_deep(&t);
}
END_TEST

/* KQV is never looped. */
START_TEST(test_conversion_of_one_loop) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model_options o = options_of(2, 1, 1);
    icl_model *back, *more;
    o.looped = 1;
    icl_model *model = model_of(context, &o);
    ASSERT_OK(context, icl_model_convert(model, ICL_PARAMETRISATION_PVKQ, 0, &back));
    ck_assert_int_eq(icl_model_looped(back), 1);
    icl_model_free(back);
    ASSERT_OK(context, icl_model_convert(model, ICL_PARAMETRISATION_KQV, 0, &back));
    ck_assert_int_eq(icl_model_looped(back), 0);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "layers = 2", icl_model_with_layers(back, 2, &more));
    icl_model_free(back);
    icl_model_free(model);
    icl_context_free(context);
}
END_TEST

static void *measure(size_t bytes, void *user) {
    size_t *most = user;
    *most = bytes > *most ? bytes : *most;
    return malloc(bytes);
}

static void give_back(void *memory, void *user) {
    (void)user;
    free(memory);
}

/* Memory follows the weights (2 x 1000 x 8 numbers here, in eight lanes), not the square of the heads. */
START_TEST(test_many_heads_need_little_memory) {
    size_t most = 0;
    icl_context_options co;
    icl_context *context;
    ck_assert_int_eq(icl_context_options_init(&co, sizeof co), ICL_OK);
    co.allocator = (icl_allocator){measure, give_back, &most};
    ck_assert_int_eq(icl_context_create(&co, &context), ICL_OK);
    for (int64_t layers = 1; layers <= 2; layers++) {
        icl_model_options o = options_of(1, layers, 1000);
        icl_batch_options bo;
        icl_batch *batch;
        icl_model *model = model_of(context, &o);
        double loss, *gradient = malloc((size_t)icl_model_parameter_count(model) * sizeof *gradient);
        ASSERT_OK(context, icl_batch_options_init(&bo, sizeof bo));
        bo.dim = 1;
        ASSERT_OK(context, icl_batch_create(context, &bo, &batch));
        ASSERT_OK(context, icl_model_loss(model, batch, &loss, gradient));
        free(gradient);
        icl_batch_free(batch);
        icl_model_free(model);
    }
    icl_context_free(context);
    ck_assert_uint_le(most, (size_t)16 << 20);
}
END_TEST

static icl_status live(icl_context *context, void *user) {
    icl_model_options o = options_of(*(int64_t *)user, 3, 2);
    icl_batch_options bo;
    icl_model *model = NULL, *shallow = NULL;
    icl_batch *batch = NULL;
    o.residual = o.guess = 1;
    icl_batch_options_init(&bo, sizeof bo);
    bo.dim = o.dim;
    bo.prompts = 5;
    double loss, predictions[5];
    double *gradient = malloc((size_t)(15 * (o.dim + 1) * (o.dim + 1) + o.dim) * sizeof *gradient);
    icl_status status = icl_model_create(context, &o, &model);
    if (status == ICL_OK)
        status = icl_batch_create(context, &bo, &batch);
    if (status == ICL_OK)
        status = icl_model_with_layers(model, 2, &shallow);
    if (status == ICL_OK)
        status = icl_model_loss(model, batch, &loss, gradient);
    if (status == ICL_OK)
        status = icl_model_predict(shallow, batch, predictions);
    if (status == ICL_OK)
        status = icl_model_preconditioner(model, 1, NULL, gradient);
    icl_model_free(shallow);
    icl_model_free(model);
    icl_batch_free(batch);
    free(gradient);
    return status;
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(live, &(int64_t){3});
    check_every_allocation(live, &(int64_t){50});
}
END_TEST

RUN_SUITE("deep_shape", test_table, test_forms, test_starts, test_guess, test_bad_options,
          test_what_only_one_layer_has, test_depth_one_is_known_to_theory,
          test_conversion_of_one_loop, test_many_heads_need_little_memory, test_every_allocation_may_fail)
