/* Where ridge takes its penalty from: by the definitions, alone and at every prefix, and the
 * numbers of Vladymyrov et al. 2402.14180 for prompts of many noise levels.
 */
#include "test_prefixes.h"

enum { D = 5, N = 12 };

/* ||y - X w||^2 / (t - rank) of LAPACK's least squares on t rows, or `otherwise` for t = rank. */
static double estimate(int64_t t, const double *X, const double *y, double otherwise) {
    double w[D], scratch[4096], sum = 0;
    int32_t rank;
    int64_t doubles = icl_least_squares_scratch(t, D);
    ck_assert_int_le(doubles, 4096);
    double zero = (double)(t > D ? t : D) * DBL_EPSILON;
    ck_assert_int_eq(icl_least_squares_with(t, D, X, y, zero, w, &rank, scratch, doubles), ICL_OK);
    for (int64_t i = 0; i < t; i++) {
        double residual = y[i] - dot(D, w, X + i * D);
        sum += residual * residual;
    }
    return t > rank ? sum / (double)(t - rank) : otherwise;
}

static double penalty(const icl_solver_options *o, double s2) {
    if (o->rule == ICL_RIDGE_ADAPTIVE)
        return s2;
    return o->ridge_factor * (o->ridge_most > 0 ? fmin(s2, o->ridge_most) : s2);
}

/* The rule's answer is that of the penalty that it names, and that is the right one. */
static void check_estimates(icl_context *context, const icl_batch *batch,
                            const icl_solver_options *o) {
    icl_solver *solver = solver_of(context, o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int64_t t = 0; t <= N; t++) {
        icl_batch *prefix = cut_batch(context, batch, t);
        double w[PROMPTS * D], fixed[PROMPTS * D];
        icl_solver_report alone[PROMPTS];
        ASSERT_OK(context, icl_solver_solve(solver, prefix, w, alone));
        for (int64_t p = 0; p < PROMPTS; p++) {
            const double *X = icl_batch_X(batch) + p * N * D, *y = icl_batch_y(batch) + p * N;
            double lambda = penalty(o, estimate(t, X, y, o->ridge)), size = dot(t, y, y);
            const icl_solver_report *r = report_at(&c, p, t);
            /* residuals are known to rounding of y, so their squares to eps of ||y||^2 */
            ASSERT_CLOSE(r->step, lambda, TOL_ALGEBRA(t + D, 1), lambda + size);
            ASSERT_CLOSE(alone[p].step, lambda, TOL_ALGEBRA(t + D, 1), lambda + size);
            icl_solver_options plain = options_of(ICL_METHOD_RIDGE, D, 1);
            plain.ridge = r->step;
            icl_solver *by_hand = solver_of(context, &plain);
            curves e = curves_of(context, by_hand, batch, NULL, 0);
            double s[8], kappa = 1;
            int64_t rank = singular_values(context, batch, p, t, s);
            if (rank > 0) /* of (X; sqrt(lambda) I), in the row space of X */
                kappa = sqrt((s[0] * s[0] + r->step) / (s[rank - 1] * s[rank - 1] + r->step));
            memcpy(fixed, weights_at(&e, p, t, 0), D * sizeof *fixed);
            double bound = TOL_ALGEBRA(t + D, kappa * kappa) * (norm(D, fixed) + sqrt(size));
            for (int j = 0; j < D; j++) {
                ASSERT_CLOSE(weights_at(&c, p, t, 0)[j], fixed[j], 1, bound);
                ASSERT_CLOSE(w[p * D + j], fixed[j], 1, bound * (1 + kappa));
            }
            ck_assert_int_eq(r->stop, report_at(&e, p, t)->stop);
            free_curves(&e);
            icl_solver_free(by_hand);
        }
        icl_batch_free(prefix);
    }
    free_curves(&c);
    icl_solver_free(solver);
}

START_TEST(test_estimated_penalties) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, N, D, 1);
    for (int setting = 0; setting < 5; setting++) {
        icl_solver_options o = options_of(ICL_METHOD_RIDGE, D, 1);
        o.rule = setting < 2 ? ICL_RIDGE_ADAPTIVE : ICL_RIDGE_TUNED;
        o.ridge = setting & 1 ? 0.7 : 0;
        o.ridge_factor = setting == 3 ? 1.5 : 0.5;
        o.ridge_most = setting == 4 ? 0.3 : 0;
        check_estimates(context, batch, &o);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

static icl_batch *noisy_batch(icl_context *context, int64_t d, int64_t n, double most,
                              int64_t prompts, int64_t first) {
    icl_law_options lo;
    ck_assert_int_eq(icl_law_options_init(&lo, sizeof lo), ICL_OK);
    lo.dim = d;
    lo.context = n;
    lo.noise = most * most;
    lo.noise_law = ICL_NOISE_UNIFORM;
    icl_law *law;
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_law_create(context, &lo, &law));
    ASSERT_OK(context, icl_sampler_create(context, law, 5, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, 1, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, first, batch));
    icl_sampler_free(sampler);
    icl_law_free(law);
    return batch;
}

START_TEST(test_the_oracle_knows_each_prompts_level) {
    enum { B = 20 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = noisy_batch(context, D, N, 2, B, 0);
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, D, 1);
    o.rule = ICL_RIDGE_ORACLE;
    o.ridge = 99; /* of the other rules */
    for (int factor = 0; factor < 2; factor++) {
        o.ridge_factor = factor ? 3 : 1;
        icl_solver *oracle = solver_of(context, &o);
        curves c = curves_of(context, oracle, batch, NULL, 0);
        double w[B * D];
        ASSERT_OK(context, icl_solver_solve(oracle, batch, w, NULL));
        for (int p = 0; p < B; p++) {
            icl_solver_options plain = options_of(ICL_METHOD_RIDGE, D, 1);
            plain.ridge = o.ridge_factor * icl_batch_noise(batch)[p];
            icl_solver *by_hand = solver_of(context, &plain);
            curves e = curves_of(context, by_hand, batch, NULL, 0);
            for (int t = 0; t <= N; t++) {
                assert_same_bits(D, weights_at(&c, p, t, 0), weights_at(&e, p, t, 0));
                ck_assert(report_at(&c, p, t)->step == plain.ridge);
            }
            /* Cholesky knows X^T X only; of normal prompts with n = 12, d = 5, kappa is below 100
             */
            assert_close(D, w + p * D, weights_at(&e, p, N, 0), TOL_ALGEBRA(N + D, 1e4),
                         norm(D, w + p * D));
            free_curves(&e);
            icl_solver_free(by_hand);
        }
        free_curves(&c);
        icl_solver_free(oracle);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_without_noise_the_oracle_is_least_squares) {
    /* a batch of the caller's arrays has no levels: sigma^2 = 0 */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_batch *batch = awkward_batch(context, N, D, 6);
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, D, 1);
    icl_solver *plain = solver_of(context, &o);
    o.rule = ICL_RIDGE_ORACLE;
    icl_solver *oracle = solver_of(context, &o);
    curves c = curves_of(context, oracle, batch, NULL, 0),
           e = curves_of(context, plain, batch, NULL, 0);
    assert_same_bits(PROMPTS * (N + 1) * D, c.weights, e.weights);
    for (int i = 0; i < PROMPTS * (N + 1); i++)
        ck_assert_int_eq(c.reports[i].stop, e.reports[i].stop);
    free_curves(&c);
    free_curves(&e);
    icl_solver_free(oracle);
    icl_solver_free(plain);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_estimates_that_overflow_are_told) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[N * D], y[N], w[D];
    fill_normal(context, 1, N * D, X);
    fill_normal(context, 2, N, y);
    for (int i = 0; i < N; i++)
        y[i] *= 1e200;
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, D, 1);
    o.rule = ICL_RIDGE_ADAPTIVE;
    icl_solver_report report = solve_one(context, &o, N, X, y, ICL_CONTENTS_ALL, w, NULL);
    ck_assert_int_eq(report.stop, ICL_STOP_DIVERGED);
    icl_batch *batch = batch_of(context, 1, N, D, 1, ICL_CONTENTS_ALL, X, y, NULL);
    icl_solver *solver = solver_of(context, &o);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int t = 0; t <= N; t++) {
        ck_assert(isfinite(prediction_at(&c, 0, t, 0)));
        ck_assert(icl_all_finite(weights_at(&c, 0, t, 0), D));
        ck_assert((report_at(&c, 0, t)->stop == ICL_STOP_DIVERGED) == (t > D));
    }
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- d = 10, n = 20, sigma ~ U(0, smax): half-MSE beyond the oracle's ---- */

typedef struct rule_risk {
    double adjusted, error; /* mean and its standard error */
} rule_risk;

/* The query is normal, so E over it of (prediction - w*.x)^2 is ||w - w*||^2. */
static rule_risk adjusted_loss(icl_context *context, double most, const icl_solver_options *o) {
    enum { DIM_ = 10, EXAMPLES = 20, B = 20000, ROUNDS = 5 };
    icl_solver_options oracle = options_of(ICL_METHOD_RIDGE, DIM_, 1);
    oracle.rule = ICL_RIDGE_ORACLE;
    icl_solver *best = solver_of(context, &oracle), *judged = solver_of(context, o);
    double *w = malloc(2 * B * DIM_ * sizeof *w), sum = 0, squares = 0;
    for (int round = 0; round < ROUNDS; round++) {
        icl_batch *batch = noisy_batch(context, DIM_, EXAMPLES, most, B, round * B);
        ASSERT_OK(context, icl_solver_solve(best, batch, w, NULL));
        ASSERT_OK(context, icl_solver_solve(judged, batch, w + B * DIM_, NULL));
        for (int p = 0; p < B; p++) {
            double loss = 0;
            for (int j = 0; j < DIM_; j++) {
                double task = icl_batch_task(batch)[p * DIM_ + j];
                double good = w[p * DIM_ + j] - task, other = w[(B + p) * DIM_ + j] - task;
                loss += 0.5 * (other * other - good * good);
            }
            sum += loss;
            squares += loss * loss;
        }
        icl_batch_free(batch);
    }
    free(w);
    icl_solver_free(best);
    icl_solver_free(judged);
    double count = (double)B * ROUNDS, mean = sum / count;
    return (rule_risk){mean, sqrt((squares / count - mean * mean) / count)};
}

START_TEST(test_published_losses) {
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    icl_solver_options o = options_of(ICL_METHOD_RIDGE, 10, 1);
    const double constant[] = {0.0084, 0.0635}, adaptive[] = {0.003, 0.016};
    for (int i = 0; i < 2; i++) {
        double most = i + 1;
        o.rule = ICL_RIDGE_FIXED;
        o.ridge = most * most / 3; /* E sigma^2, the best constant */
        rule_risk fixed = adjusted_loss(context, most, &o);
        ASSERT_CLOSE(fixed.adjusted, constant[i], 0.03, constant[i]);
        for (int side = -1; side <= 1; side += 2) { /* and no other is better */
            o.ridge = most * most / 3 * (1 + 0.4 * side);
            rule_risk other = adjusted_loss(context, most, &o);
            ck_assert(other.adjusted > fixed.adjusted);
        }
        o.rule = ICL_RIDGE_ADAPTIVE;
        o.ridge = 0;
        rule_risk estimated = adjusted_loss(context, most, &o);
        /* the table prints three decimals, with a sampling error of its own */
        ck_assert_msg(fabs(estimated.adjusted - adaptive[i]) <= 0.001 + TOL_Z * estimated.error,
                      "%g +- %g, published %g", estimated.adjusted, estimated.error, adaptive[i]);
        ck_assert(estimated.adjusted < fixed.adjusted / 2);
    }
    icl_context_free(context);
}
END_TEST

RUN_SUITE("ridge_rules", test_estimated_penalties, test_the_oracle_knows_each_prompts_level,
          test_without_noise_the_oracle_is_least_squares, test_estimates_that_overflow_are_told,
          test_published_losses)
