/* Damped Newton for logistic regression against its definition in long double, and against what the
 * theory of self-concordant functions promises. */
#include "test_prefixes.h"

enum { LEAST_DIM = 1, MOST_DIM = 5 };

typedef struct point {
    long double f, g[MOST_DIM], direction[MOST_DIM], decrement; /* direction = H^-1 g */
} point;

/* Everything at w, by the definition; H by elimination (positive definite: no pivots). */
static point look(int64_t n, int64_t d, const double *X, const double *y, double mu,
                  const long double *w) {
    point p = {.f = 0};
    long double H[MOST_DIM][MOST_DIM + 1] = {{0}};
    for (int64_t j = 0; j < d; j++) {
        p.f += 0.5L * mu * w[j] * w[j];
        p.g[j] = mu * w[j];
        H[j][j] = mu;
    }
    for (int64_t i = 0; i < n; i++) {
        long double z = 0, sign = y[i] > 0 ? 1 : y[i] < 0 ? -1 : 0;
        for (int64_t j = 0; j < d; j++)
            z += sign * w[j] * X[i * d + j];
        long double q = 1 / (1 + expl(z));
        p.f += (z > 0 ? log1pl(expl(-z)) : -z + log1pl(expl(z))) / n;
        for (int64_t j = 0; j < d; j++) {
            p.g[j] -= sign * q * X[i * d + j] / n;
            for (int64_t k = 0; k < d; k++)
                H[j][k] += sign * sign * q * (1 - q) * X[i * d + j] * X[i * d + k] / n;
        }
    }
    for (int64_t j = 0; j < d; j++)
        H[j][d] = p.g[j];
    for (int64_t i = 0; i < d; i++)
        for (int64_t r = 0; r < d; r++)
            for (int64_t k = d; r != i && k >= i; k--)
                H[r][k] -= H[r][i] / H[i][i] * H[i][k];
    for (int64_t j = 0; j < d; j++) {
        p.direction[j] = H[j][d] / H[j][j];
        p.decrement += p.direction[j] * p.g[j];
    }
    p.decrement = sqrtl(p.decrement);
    return p;
}

static double radius(int64_t n, int64_t d, const double *X) {
    double most = 1;
    for (int64_t i = 0; i < n; i++)
        most = fmax(most, norm(d, X + i * d));
    return most;
}

static icl_solver *logistic(icl_context *context, int64_t d, double mu, int64_t steps,
                            double step) {
    icl_solver_options o = options_of(ICL_METHOD_LOGISTIC, d, steps);
    o.ridge = mu;
    o.step = step;
    return solver_of(context, &o);
}

START_TEST(test_every_step_is_the_definition) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const int64_t grid[] = {0, 1, 2, 3, 4, 5};
    const double mus[] = {0.1, 1e-2, 3}, steps[] = {0, 1, 0.75};
    for (int64_t d = LEAST_DIM; d <= MOST_DIM; d += 2)
        for (int s = 0; s < 3; s++) {
            icl_batch *batch = awkward_batch(context, 9, d, 5);
            icl_solver *solver = logistic(context, d, mus[s], 5, steps[s]);
            curves c = curves_of(context, solver, batch, grid, 6);
            for (int64_t p = 0; p < PROMPTS; p++)
                for (int64_t t = 0; t <= 9; t++) {
                    const double *X = icl_batch_X(batch) + p * 9 * d;
                    const double *y = icl_batch_y(batch) + p * 9;
                    long double w[MOST_DIM] = {0};
                    double R = radius(t, d, X), root = 2 * sqrt(mus[s]);
                    for (int k = 0; k <= 5; k++) {
                        const double *got = weights_at(&c, p, t, k);
                        /* H is between mu and mu + R^2/4; each of k steps adds its rounding */
                        double kappa = 1 + R * R / (4 * mus[s]);
                        for (int64_t j = 0; j < d; j++)
                            ASSERT_CLOSE(got[j], (double)w[j], TOL_ALGEBRA(5 * (t + d), kappa),
                                         1 + R / mus[s]);
                        double z = dot(d, got, query_at(batch, p, t));
                        ASSERT_CLOSE(prediction_at(&c, p, t, k), 2 / (1 + exp(-z)) - 1,
                                     TOL_ALGEBRA(d, 1), 1 + norm(d, got));
                        point at = look(t, d, X, y, mus[s], w);
                        double eta =
                            steps[s] > 0 ? steps[s] : root / (root + R * (double)at.decrement);
                        for (int64_t j = 0; j < d; j++)
                            w[j] -= eta * at.direction[j];
                    }
                }
            free_curves(&c);
            icl_solver_free(solver);
            icl_batch_free(batch);
        }
    icl_context_free(context);
}
END_TEST

START_TEST(test_self_concordance_keeps_its_promises) {
    /* With g = R^2 f / (4 mu), of decrement l: a damped step gains at least l - log(1 + l), 0.02
     * and more for l >= 1/4, and squares it: l' <= 2 l^2. */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { D = 5, ROWS = 26, B = 20, STEPS = 200 };
    double X[B * ROWS * D], y[B * ROWS], *path = malloc(B * (STEPS + 1) * D * sizeof *path);
    const double sizes[] = {1, 7}; /* the paper's ||a|| <= 1, and covariates beyond */
    for (int s = 0; s < 2; s++) {
        fill_normal(context, 1, B * ROWS * D, X);
        fill_normal(context, 2, B * ROWS, y);
        for (int i = 0; i < B * ROWS; i++) {
            double length = norm(D, X + i * D);
            for (int j = 0; j < D; j++)
                X[i * D + j] *= sizes[s] / length;
        }
        icl_batch *batch = batch_of(context, B, ROWS, D, 1, ICL_CONTENTS_ALL, X, y, NULL);
        icl_solver *solver = logistic(context, D, 0.01, STEPS, 0);
        icl_solver_report reports[B];
        ASSERT_OK(context, icl_solver_path(solver, batch, path, reports));
        for (int p = 0; p < B; p++) {
            const double *at = X + p * ROWS * D;
            double R = radius(ROWS, D, at), scale = R * R / (4 * 0.01);
            long double before = 0, l = 0;
            ck_assert_int_eq(reports[p].stop, ICL_STOP_STALLED);
            for (int k = 0; k <= reports[p].steps; k++) {
                long double w[D];
                for (int j = 0; j < D; j++)
                    w[j] = path[(p * (STEPS + 1) + k) * D + j];
                point now = look(ROWS, D, at, y + p * ROWS, 0.01, w);
                long double decrement = now.decrement * R / (2 * sqrtl(0.01L));
                if (k > 0) {
                    ck_assert(scale * (before - now.f) >= l - log1pl(l) - 1e-12L);
                    ck_assert(l < 0.25L || scale * (before - now.f) >= 0.02L);
                    ck_assert(decrement <= 2 * l * l + 1e-12L);
                }
                before = now.f;
                l = decrement;
            }
            ck_assert(l < 1e-10L);
        }
        icl_solver_free(solver);
        icl_batch_free(batch);
    }
    free(path);
    icl_context_free(context);
}
END_TEST

START_TEST(test_only_signs_of_labels_count) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[8 * DIM], y[8], signs[8], w[DIM], expected[DIM], fewer[7 * DIM];
    fill_normal(context, 1, 8 * DIM, X);
    fill_normal(context, 2, 8, y);
    for (int i = 0; i < 8; i++)
        signs[i] = y[i] > 0 ? 1 : -1;
    icl_solver_options o = options_of(ICL_METHOD_LOGISTIC, DIM, 7);
    o.ridge = 0.1;
    solve_one(context, &o, 8, X, y, ICL_CONTENTS_ALL, w, NULL);
    solve_one(context, &o, 8, X, signs, ICL_CONTENTS_ALL, expected, NULL);
    assert_same_bits(DIM, w, expected);
    /* a label 0 says nothing: (1/8) sum over 7 with mu is (1/7) sum over 7 with 8 mu / 7 */
    y[7] = 0;
    memset(X + 7 * DIM, 0, DIM * sizeof *X); /* R is of all examples */
    solve_one(context, &o, 8, X, y, ICL_CONTENTS_ALL, w, NULL);
    memcpy(fewer, X, sizeof fewer);
    o.ridge *= 8.0 / 7;
    o.steps = 60;
    solve_one(context, &o, 7, fewer, y, ICL_CONTENTS_ALL, expected, NULL);
    o.ridge *= 7.0 / 8;
    solve_one(context, &o, 8, X, y, ICL_CONTENTS_ALL, w, NULL);
    assert_close(DIM, w, expected, TOL_ALGEBRA(12, 100), 1);
    icl_context_free(context);
}
END_TEST

START_TEST(test_stops_and_extremes) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[3 * 6 * DIM], y[18], w[3 * DIM], prediction[3];
    const double start[DIM] = {1, 2, 3, 4};
    icl_solver_report reports[3];
    fill_normal(context, 1, 18 * DIM, X);
    fill_normal(context, 2, 18, y);
    for (int j = 0; j < DIM; j++)
        X[6 * DIM + j] = 1e300; /* H overflows in prompt 1, at w = 0 */
    memset(X + 12 * DIM, 0, 6 * DIM * sizeof *X);
    icl_batch *batch = batch_of(context, 3, 6, DIM, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver_options o = options_of(ICL_METHOD_LOGISTIC, DIM, 1000);
    o.ridge = 0.3;
    o.tolerance = 0.1;
    icl_solver *loose = solver_of(context, &o);
    o.tolerance = 0;
    o.start = start;
    icl_solver *solver = solver_of(context, &o);
    ASSERT_OK(context, icl_solver_solve(loose, batch, w, reports));
    int64_t few = reports[0].steps;
    ck_assert_int_eq(reports[0].stop, ICL_STOP_CONVERGED);
    ck_assert_int_eq(reports[2].steps, 0);
    const double zero[DIM] = {0};
    ck_assert_int_eq(reports[1].stop, ICL_STOP_DIVERGED);
    assert_same_bits(DIM, w + DIM, zero);
    ASSERT_OK(context, icl_solver_solve(solver, batch, w, reports));
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    ck_assert_int_gt(reports[0].steps, few);
    ck_assert(icl_all_finite(w, 3 * DIM));
    for (int j = 0; j < DIM; j++) /* no covariates: only the penalty is left */
        ASSERT_CLOSE(w[2 * DIM + j], 0, TOL_ALGEBRA(DIM, 1), 1);
    for (int p = 0; p < 3; p++)
        ck_assert(fabs(prediction[p]) <= 1);
    icl_solver_free(loose);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_logistic", test_every_step_is_the_definition,
          test_self_concordance_keeps_its_promises, test_only_signs_of_labels_count,
          test_stops_and_extremes)
