/* GD++ against its definition, layer by layer on tokens. */
#include "test_solve.h"

static const struct shape {
    int64_t n, d, k;
} shapes[] = {{20, 5, 5}, {5, 5, 5}, {3, 5, 3}, {12, 6, 4}, {1, 1, 1}, {4, 1, 1}, {1, 7, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* The layers of GD++ on tokens: labels lose their step, covariates are turned, the query's too. */
static double tokens_gd_plus_plus(int64_t n, int64_t d, double eta, double gamma, int64_t steps,
                                  const double *X, const double *y, const double *query) {
    double *x = malloc((size_t)((n + 1) * (d + 1) + d * d + 2 * d) * sizeof *x);
    double *label = x + (n + 1) * d, *A = label + n + 1, *c = A + d * d, *turned = c + d;
    memcpy(x, X, (size_t)(n * d) * sizeof *x);
    memcpy(x + n * d, query, (size_t)d * sizeof *x);
    memcpy(label, y, (size_t)n * sizeof *x);
    label[n] = 0;
    for (int64_t k = 0; k < steps; k++) {
        memset(A, 0, (size_t)(d * d + d) * sizeof *A);
        for (int64_t i = 0; i < n; i++)
            for (int64_t a = 0; a < d; a++) {
                c[a] += label[i] * x[i * d + a];
                for (int64_t b = 0; b < d; b++)
                    A[a * d + b] += x[i * d + a] * x[i * d + b];
            }
        for (int64_t i = 0; i <= n; i++) {
            label[i] -= eta * dot(d, c, x + i * d);
            for (int64_t a = 0; a < d; a++)
                turned[a] = x[i * d + a] - gamma * dot(d, A + a * d, x + i * d);
            memcpy(x + i * d, turned, (size_t)d * sizeof *x);
        }
    }
    double prediction = -label[n];
    free(x);
    return prediction;
}

START_TEST(test_gd_plus_plus_is_its_layers) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    static planted p;
    for (int i = 0; i < SHAPES; i++) {
        int64_t n = shapes[i].n, d = shapes[i].d;
        double values[MAX_SIDE]; /* singular values 1..2: kappa of X^T X is 4 */
        for (int64_t k = 0; k < shapes[i].k; k++)
            values[k] = shapes[i].k == 1 ? 2 : 2 - (double)k / (double)(shapes[i].k - 1);
        plant(context, n, d, shapes[i].k, values, 0.5, 30 + (uint64_t)i, &p);
        double w[MAX_SIDE], path[7 * MAX_SIDE], query[MAX_SIDE];
        fill_normal(context, 8, d, query);
        icl_solver_options o = options_of(ICL_METHOD_GD_PLUS_PLUS, d, 6);
        o.step = 0.2;
        o.gamma = 0.08; /* gamma l_max = 1/3 */
        solve_one(context, &o, n, p.X, p.y, ICL_CONTENTS_ALL, w, path);
        double scale = (norm(d, p.task) + norm(n, p.y)) * norm(d, query);
        for (int64_t k = 0; k <= 6; k++)
            ASSERT_CLOSE(dot(d, path + k * d, query),
                         tokens_gd_plus_plus(n, d, 0.2, 0.08, k, p.X, p.y, query),
                         TOL_ALGEBRA((n + d) * 6, 4), scale);
    }
    icl_context_free(context);
}
END_TEST

/* Without turning it is GD; the defaults are those of the greatest row sum. */
START_TEST(test_gd_plus_plus_defaults) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1, 0, 0, 2}, y[] = {1, 1};
    double w[2], expected[2];
    icl_solver_options o = options_of(ICL_METHOD_GD_PLUS_PLUS, 2, 4);
    icl_solver_report report = solve_one(context, &o, 2, X, y, ICL_CONTENTS_ALL, w, NULL);
    ck_assert_double_eq(report.step, 0.25);
    o.step = 0.25;
    o.gamma = 1.0 / 12;
    solve_one(context, &o, 2, X, y, ICL_CONTENTS_ALL, expected, NULL);
    assert_same_bits(2, w, expected);
    o.gamma = 1e-300;
    solve_one(context, &o, 2, X, y, ICL_CONTENTS_ALL, w, NULL);
    o.method = ICL_METHOD_GD;
    solve_one(context, &o, 2, X, y, ICL_CONTENTS_ALL, expected, NULL);
    assert_same_bits(2, w, expected);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("gd_plus_plus", test_gd_plus_plus_is_its_layers, test_gd_plus_plus_defaults)
