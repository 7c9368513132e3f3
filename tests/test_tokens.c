/* Token layouts: each number of every token from the batch's arrays, and the moments as sums over
 * the tokens. */
#include "prompt_reference.h"

static icl_batch *draw(icl_context *context, int64_t B, int64_t d, int64_t n, int64_t q,
                       uint32_t contents) {
    static law_case c;
    icl_batch *batch;
    make_case(0, 0, d, n, 0.5, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 5);
    ASSERT_OK(context, icl_sampler_batch(sampler, B, q, contents, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 2, batch));
    icl_sampler_free(sampler);
    return batch;
}

/* Number j of token t of a prompt. */
static double expected(const icl_batch *batch, icl_layout layout, int64_t p, int64_t query,
                       int64_t t, int64_t j) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch), q = icl_batch_queries(batch);
    const double *x_q = icl_batch_query(batch) + (p * q + query) * d;
    const double *X = icl_batch_X(batch) + p * n * d, *y = icl_batch_y(batch) + p * n;
    if (layout == ICL_LAYOUT_COLUMNS)
        return j < d ? (t < n ? X[t * d + j] : x_q[j]) : t < n ? y[t] : 0;
    if (t == 2 * n)
        return x_q[j];
    return t % 2 == 0 ? X[t / 2 * d + j] : j == 0 ? y[t / 2] : 0;
}

START_TEST(test_layouts) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t shapes[][4] = {{3, 2, 4, 1}, {9, 5, 7, 3}, {1, 1, 1, 1},
                                 {4, 1, 3, 2}, {5, 3, 0, 2}, {17, 8, 1, 1}};
    for (int s = 0; s < 6; s++)
        for (int layout = 0; layout <= ICL_LAYOUT_INTERLEAVED; layout++) {
            int64_t B = shapes[s][0], d = shapes[s][1], n = shapes[s][2], q = shapes[s][3];
            int64_t tokens = layout == ICL_LAYOUT_COLUMNS ? n + 1 : 2 * n + 1;
            int64_t length = layout == ICL_LAYOUT_COLUMNS ? d + 1 : d, count = B * tokens * length;
            icl_batch *batch = draw(context, B, d, n, q, ICL_CONTENTS_EXAMPLES);
            double *out = malloc((size_t)(count + 1) * sizeof *out);
            for (int64_t k = 0; k < q; k++) {
                for (int64_t e = 0; e <= count; e++)
                    out[e] = 77;
                ASSERT_OK(context, icl_batch_tokens(batch, (icl_layout)layout, k, out));
                ck_assert_double_eq(out[count], 77);
                for (int64_t e = 0; e < count; e++)
                    ck_assert_double_eq(out[e],
                                        expected(batch, (icl_layout)layout, e / (tokens * length),
                                                 k, e / length % tokens, e % length));
            }
            free(out);
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

/* Z M Z^T / n over the columns is (S b; b^T s_yy): what linear attention reads. */
START_TEST(test_moments_of_columns) {
    enum { B = 11, DIM = 4, N = 6, D = DIM + 1 };
    double out[B * (N + 1) * D];
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = draw(context, B, DIM, N, 1, ICL_CONTENTS_ALL);
    ASSERT_OK(context, icl_batch_tokens(batch, ICL_LAYOUT_COLUMNS, 0, out));
    for (int p = 0; p < B; p++)
        for (int i = 0; i < D; i++)
            for (int j = 0; j <= i; j++) {
                double sum = 0, size = 0;
                for (int t = 0; t < N; t++) {
                    const double *z = out + (p * (N + 1) + t) * D;
                    sum += z[i] * z[j] / N;
                    size += fabs(z[i] * z[j]) / N;
                }
                double moment = i < DIM   ? icl_batch_S(batch)[(p * DIM + i) * DIM + j]
                                : j < DIM ? icl_batch_b(batch)[p * DIM + j]
                                          : icl_batch_syy(batch)[p];
                ASSERT_CLOSE(sum, moment, TOL_ALGEBRA(N, 1), size);
            }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_arguments) {
    double out[100];
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = draw(context, 2, 2, 3, 2, ICL_CONTENTS_EXAMPLES);
    ck_assert_int_eq(icl_batch_tokens(NULL, ICL_LAYOUT_COLUMNS, 0, out), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "layout = 2",
                 icl_batch_tokens(batch, (icl_layout)2, 0, out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "layout = ",
                 icl_batch_tokens(batch, (icl_layout)-1, 0, out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "query = 2",
                 icl_batch_tokens(batch, ICL_LAYOUT_COLUMNS, 2, out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "query = -1",
                 icl_batch_tokens(batch, ICL_LAYOUT_COLUMNS, -1, out));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL",
                 icl_batch_tokens(batch, ICL_LAYOUT_COLUMNS, 0, NULL));
    icl_batch_free(batch);
    batch = draw(context, 2, 2, 3, 1, ICL_CONTENTS_MOMENTS);
    out[0] = 5;
    ASSERT_FAILS(context, ICL_ERR_MISSING, "ICL_CONTENTS_EXAMPLES",
                 icl_batch_tokens(batch, ICL_LAYOUT_COLUMNS, 0, out));
    ck_assert_double_eq(out[0], 5);
    icl_batch_free(batch);
    batch = draw(context, 2, 2, 0, 1, 0); /* no examples, none wanted */
    ASSERT_OK(context, icl_batch_tokens(batch, ICL_LAYOUT_INTERLEAVED, 0, out));
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("tokens", test_layouts, test_moments_of_columns, test_arguments)
