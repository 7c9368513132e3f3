/* A model's parameters: the table, the starts, conversions between the parametrisations. */
#include "test_model.h"

START_TEST(test_conversions_keep_predictions) {
    for (int from = 0; from <= ICL_PARAMETRISATION_KQV; from++)
        for (int to = 0; to <= ICL_PARAMETRISATION_KQV; to++) {
            planted t = plant(1, ICL_ISA_AUTO, 4, 9, 6, 1, (icl_parametrisation)from, 0, -1);
            icl_model *other;
            double a[6], b[6];
            ASSERT_OK(t.context,
                      icl_model_convert(t.model, (icl_parametrisation)to, 0, &other));
            ck_assert_int_eq(icl_model_parametrisation(other), to);
            ck_assert_int_eq(icl_model_sign(other), -1);
            ASSERT_OK(t.context, icl_model_predict(t.model, t.batch, a));
            ASSERT_OK(t.context, icl_model_predict(other, t.batch, b));
            ck_assert_double_le(relative_difference(6, b, a), TOL_ALGEBRA(25, 10));
            icl_model_free(other);
            clear(&t);
        }
}
END_TEST

START_TEST(test_conversion_to_a_small_width) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model *narrow = make_model(context, 5, ICL_PARAMETRISATION_KQV, 2, 1), *wide, *again;
    randomise(context, narrow, 8);
    ASSERT_OK(context, icl_model_convert(narrow, ICL_PARAMETRISATION_PQ, 0, &wide));
    ASSERT_OK(context, icl_model_convert(wide, ICL_PARAMETRISATION_KQV, 2, &again));
    double a[25], b[25];
    ASSERT_OK(context, icl_model_gamma(narrow, a));
    ASSERT_OK(context, icl_model_gamma(again, b));
    ck_assert_double_le(relative_difference(25, b, a), TOL_ALGEBRA(25, 10));
    icl_model *none = wide;
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "rank 2",
                 icl_model_convert(wide, ICL_PARAMETRISATION_KQV, 1, &none));
    ck_assert_ptr_null(none);
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "width = 3",
                 icl_model_convert(narrow, ICL_PARAMETRISATION_KQV, 3, &none));
    icl_model_free(again);
    icl_model_free(wide);
    icl_model_free(narrow);
    icl_context_free(context);
}
END_TEST

START_TEST(test_balanced_start) {
    for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++)
        for (int sign = -1; sign <= 1; sign += 2) {
            icl_context *context = make_context(1, ICL_ISA_AUTO);
            icl_model *model = make_model(context, 6, (icl_parametrisation)form, 0, sign);
            ASSERT_OK(context, icl_model_initialise(model, ICL_INIT_BALANCED, 0.3, 17));
            double u[6], v, M[36], r[6], norm = 0;
            ASSERT_OK(context, icl_model_effective(model, u, &v, M, r));
            for (int i = 0; i < 36; i++) {
                norm += M[i] * M[i];
                ASSERT_CLOSE(M[i], M[i % 6 * 6 + i / 6], TOL_ALGEBRA(6, 1), 1);
            }
            for (int i = 0; i < 6; i++)
                ck_assert(u[i] == 0 && r[i] == 0);
            ASSERT_CLOSE(v, 0.3, TOL_ALGEBRA(6, 1), 1);
            ASSERT_CLOSE(sqrt(norm), 0.3, TOL_ALGEBRA(36, 1), 1);
            icl_model_free(model);
            icl_context_free(context);
        }
}
END_TEST

START_TEST(test_gaussian_start) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int form = 0; form <= ICL_PARAMETRISATION_KQV; form++) {
        icl_model *model = make_model(context, 40, (icl_parametrisation)form, 0, 1);
        ASSERT_OK(context, icl_model_initialise(model, ICL_INIT_GAUSSIAN, 0.1, 17));
        double u[40], v, M[1600], r[40], sum = 0;
        ASSERT_OK(context, icl_model_effective(model, u, &v, M, r));
        int64_t count = icl_model_parameter_count(model), used = 0;
        for (int64_t i = 0; i < count; i++) {
            sum += pow(icl_model_parameters(model)[i] / 0.1, 2);
            used += icl_model_parameters(model)[i] != 0;
        }
        /* chi-square with `used` degrees of freedom */
        ASSERT_CLOSE(sum, (double)used, TOL_Z, sqrt(2.0 * (double)used));
        int64_t D = 41, expected = form == ICL_PARAMETRISATION_KQV
                                       ? 3 * D * D + D - D
                                       : D + D * (D - 1);
        ck_assert_int_eq(used, expected);
        ASSERT_OK(context, icl_model_initialise(model, ICL_INIT_ZERO, 1, 0));
        ASSERT_OK(context, icl_model_gamma(model, M));
        for (int i = 0; i < 1600; i++)
            ck_assert(M[i] == 0);
        icl_model_free(model);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_table_and_tensors) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_model *model = make_model(context, 3, ICL_PARAMETRISATION_KQV, 2, 1), *copy;
    icl_tensor t;
    ck_assert_int_eq(icl_model_tensor_count(model), 4);
    ASSERT_OK(context, icl_model_tensor(model, 3, &t));
    ck_assert_str_eq(t.name, "h");
    ck_assert_int_eq(t.offset, 24);
    ck_assert_int_eq(t.rows * t.cols, 2);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "index = 4", icl_model_tensor(model, 4, &t));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "W_K W_Q W_V h", icl_model_find(model, "P", &t));
    double in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8];
    ASSERT_OK(context, icl_model_set(model, "W_V", in));
    ASSERT_OK(context, icl_model_clone(model, &copy));
    ASSERT_OK(context, icl_model_get(copy, "W_V", out));
    ck_assert_mem_eq(in, out, sizeof in);
    in[5] = NAN;
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "values[5]", icl_model_set(model, "W_V", in));
    ASSERT_OK(context, icl_model_get(model, "W_V", out));
    ck_assert_double_eq(out[5], 6);
    icl_model_free(copy);
    icl_model_free(model);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("model_parameters", test_conversions_keep_predictions, test_conversion_to_a_small_width,
          test_balanced_start, test_gaussian_start, test_table_and_tensors)
