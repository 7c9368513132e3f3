/* Nonparametric rates: functions of smoothness a on [0, 1] are learned as n^(-2 a / (2 a + 1)) by
 * series with the right number of terms.
 */
#include "test_solve.h"

enum { SMOOTH = 128, QUERIES = 16, PROMPTS = 120 };

/* What is fitted at each n. */
typedef struct rate_case {
    double a, sigma;     /* smoothness; noise */
    int64_t first, last; /* n = first, 2 first, .. last */
} rate_case;

/* sum_j b_j sqrt2 cos(pi j x), by cos (j + 1) z = 2 cos z cos jz - cos (j - 1) z */
static double smooth(const double *b, double x) {
    double z = acos(-1) * x, before = 1, now = cos(z), sum = b[0];
    for (int j = 1; j < SMOOTH; j++) {
        sum += sqrt(2) * b[j] * now;
        double next = 2 * cos(z) * now - before;
        before = now;
        now = next;
    }
    return sum;
}

/* N terms, as sigma^2 N / n and N^-2a are of one size. */
static icl_solver *rate_solver(icl_context *context, const rate_case *c, int64_t n) {
    icl_solver_options o = options_of(ICL_METHOD_SERIES, 1, 1);
    o.terms = llround(pow((double)n / (c->sigma * c->sigma), 1 / (2 * c->a + 1)));
    return solver_of(context, &o);
}

/* Mean squared error of an answer on f with b_j ~ N(0, j^-(2 a + 1)), x uniform. */
static double error_of(icl_context *context, const rate_case *c, int64_t n) {
    enum { B = PROMPTS };
    size_t rows = (size_t)(n + QUERIES), all = rows * (size_t)B;
    double *X = malloc((size_t)(n * B) * sizeof *X), *y = malloc(all * sizeof *y);
    double *noise = malloc(all * sizeof *noise), *uniform = malloc(all * sizeof *uniform);
    static double b[SMOOTH * PROMPTS], query[QUERIES * PROMPTS];
    static double truth[QUERIES * PROMPTS], prediction[QUERIES * PROMPTS];
    fill_normal(context, 1 + (uint64_t)n, SMOOTH * B, b);
    fill_normal(context, 2 + (uint64_t)n, (int64_t)all, uniform);
    fill_normal(context, 3 + (uint64_t)n, (int64_t)all, noise);
    for (size_t i = 0; i < all; i++)
        uniform[i] = 0.5 * erfc(-uniform[i] / sqrt(2));
    for (int64_t p = 0; p < B; p++) {
        const double *at = uniform + (size_t)p * rows;
        for (int j = 1; j < SMOOTH; j++)
            b[p * SMOOTH + j] *= pow(j, -c->a - 0.5);
        for (int64_t i = 0; i < n; i++) {
            X[p * n + i] = at[i];
            y[p * n + i] = smooth(b + p * SMOOTH, at[i]) + c->sigma * noise[p * n + i];
        }
        for (int j = 0; j < QUERIES; j++) {
            query[p * QUERIES + j] = at[n + j];
            truth[p * QUERIES + j] = smooth(b + p * SMOOTH, at[n + j]);
        }
    }
    icl_batch *batch = batch_of(context, B, n, 1, QUERIES, ICL_CONTENTS_EXAMPLES, X, y, query);
    icl_solver *solver = rate_solver(context, c, n);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    double sum = 0;
    for (int64_t i = 0; i < QUERIES * B; i++)
        sum += (prediction[i] - truth[i]) * (prediction[i] - truth[i]);
    icl_solver_free(solver);
    icl_batch_free(batch);
    free(uniform);
    free(noise);
    free(y);
    free(X);
    return sum / (double)(QUERIES * B);
}

/* The slope of log error over log n; errors of 120 prompts differ by less than 10 %, which
 * moves it by 0.02. */
static void check_rate(icl_context *context, const rate_case *c) {
    double x[16], y[16];
    int64_t count = 0;
    icl_line_fit fit;
    icl_rate rate = {.size = sizeof rate};
    for (int64_t n = c->first; n <= c->last; n *= 2) {
        x[count] = log((double)n);
        y[count++] = log(error_of(context, c, n));
    }
    ASSERT_OK(context, icl_metric_line(context, count, x, y, &fit));
    ASSERT_OK(context, icl_theory_rate(context, 1, &c->a, 1, &rate));
    ck_assert_msg(fabs(fit.slope + rate.exponent) <= 0.05, "smoothness %g: %g, not %g", c->a,
                  fit.slope, -rate.exponent);
}

START_TEST(test_series_of_cosines) {
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    check_rate(context, &(rate_case){1, 1, 64, 4096});
    check_rate(context, &(rate_case){2, 1.0 / 32, 128, 4096});
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_rates", test_series_of_cosines)
