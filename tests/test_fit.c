/* The exact fit of one layer: normal equations, both systems, planted answers, the limit of large
 * d. */
#include "test_theory.h"

static icl_context *context;

/* The sampler of Lu et al.: x ~ N(0, I / d), tasks on the sphere, K of them (0: fresh). */
static icl_law *proportional_law(int64_t d, int64_t n, int64_t K, double rho, uint64_t seed) {
    double variance = 1 / (double)d;
    icl_law_options o = law_options(d, n, rho);
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
    o.covariance = ICL_COVARIANCE_SCALAR;
    o.covariance_values = &variance;
    o.tasks = ICL_TASKS_SPHERE;
    o.pool = K;
    o.pool_seed = seed;
    return make_law(context, &o);
}

static icl_batch *draw(const icl_law *law, uint64_t seed, int64_t prompts, int64_t queries) {
    icl_sampler *sampler;
    icl_batch *batch;
    ASSERT_OK(context, icl_sampler_create(context, law, seed, &sampler));
    ASSERT_OK(context, icl_sampler_batch(sampler, prompts, queries, ICL_CONTENTS_ALL, &batch));
    ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
    icl_sampler_free(sampler);
    return batch;
}

static icl_fit *fit_of(const icl_batch *batch) {
    icl_fit *fit;
    ASSERT_OK(context, icl_fit_create(context, icl_batch_dim(batch), &fit));
    ASSERT_OK(context, icl_fit_add(fit, batch));
    return fit;
}

static icl_fit_report solve(const icl_fit *fit, double ridge, icl_fit_system system,
                            double *gamma) {
    icl_fit_options o;
    icl_fit_report r = {.size = sizeof r};
    ck_assert_int_eq(icl_fit_options_init(&o, sizeof o), ICL_OK);
    o.ridge = ridge;
    o.system = system;
    ASSERT_OK(context, icl_fit_solve(fit, &o, gamma, &r));
    return r;
}

/* The features of row p q + j, d x (d + 1), from the batch's examples. */
static void features(const icl_batch *batch, int64_t row, double *H) {
    int64_t d = icl_batch_dim(batch), n = icl_batch_context(batch),
            p = row / icl_batch_queries(batch);
    const double *X = icl_batch_X(batch) + p * n * d, *y = icl_batch_y(batch) + p * n;
    const double *x = icl_batch_query(batch) + row * d;
    for (int64_t j = 0; j <= d; j++) {
        double h = 0;
        for (int64_t i = 0; i < n; i++)
            h += (j < d ? (double)d * X[i * d + j] : y[i]) * y[i] / (double)n;
        for (int64_t i = 0; i < d; i++)
            H[i * (d + 1) + j] = x[i] * h;
    }
}

/* ||sum_i (<Gamma, H_i> - y_i) H_i + (N / d) ridge Gamma|| over ||sum_i y_i H_i||, and the loss. */
static double gradient(const icl_batch *batch, double ridge, const double *gamma, double *loss) {
    int64_t d = icl_batch_dim(batch), m = d * (d + 1);
    int64_t N = icl_batch_prompts(batch) * icl_batch_queries(batch);
    double H[MAX_DD * 2], g[MAX_DD * 2] = {0}, c[MAX_DD * 2] = {0};
    *loss = 0;
    for (int64_t i = 0; i < N; i++) {
        double y = icl_batch_target(batch)[i];
        features(batch, i, H);
        double off = naive_dot(m, gamma, H) - y;
        *loss += off * off / (double)N;
        for (int64_t k = 0; k < m; k++) {
            g[k] += off * H[k];
            c[k] += y * H[k];
        }
    }
    for (int64_t k = 0; k < m; k++)
        g[k] += (double)N / (double)d * ridge * gamma[k];
    return naive_norm(m, g) / naive_norm(m, c);
}

static const struct shape {
    int64_t d, n, prompts, queries;
} shapes[] = {{1, 3, 1, 1},  {1, 3, 9, 1},  {3, 4, 5, 1},  {3, 4, 4, 3},  {3, 2, 11, 1},
              {3, 4, 12, 1}, {3, 4, 40, 2}, {5, 9, 29, 1}, {5, 1, 300, 1}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* Rounding errors of the normal equations: their condition number, as the ridge bounds it. */
START_TEST(test_normal_equations_in_both_systems) {
    for (int i = 0; i < SHAPES; i++)
        for (double ridge = 1e-3; ridge < 1e3; ridge *= 100) {
            const struct shape *s = &shapes[i];
            icl_law *law = proportional_law(s->d, s->n, 4, 0.2, 1);
            icl_batch *batch = draw(law, 3, s->prompts, s->queries);
            icl_fit *fit = fit_of(batch);
            int64_t m = s->d * (s->d + 1), N = s->prompts * s->queries;
            double dual[MAX_DD], primal[MAX_DD], automatic[MAX_DD], loss, tol;
            icl_fit_report r = solve(fit, ridge, ICL_FIT_DUAL, dual);
            tol = TOL_ALGEBRA(N, 100 / ridge + 100);
            ck_assert_double_le(gradient(batch, ridge, dual, &loss), tol);
            ASSERT_CLOSE(r.loss, loss, tol, 1);
            ASSERT_CLOSE(r.norm, naive_norm(m, dual), TOL_ALGEBRA(m, 1), r.norm);
            ck_assert_int_eq(r.rank, N);
            ck_assert_int_eq(r.dual, 1);
            r = solve(fit, ridge, ICL_FIT_PRIMAL, primal);
            ck_assert_int_eq(r.rank, m);
            ck_assert_int_eq(r.dual, 0);
            ck_assert_double_le(relative_difference(m, dual, primal), tol);
            r = solve(fit, ridge, ICL_FIT_AUTO, automatic);
            ck_assert_int_eq(r.dual, N <= m);
            ck_assert_mem_eq(automatic, N <= m ? dual : primal, (size_t)m * sizeof *dual);
            icl_fit_free(fit);
            icl_batch_free(batch);
            icl_law_free(law);
        }
}
END_TEST

/* Few rows: Gamma fits them all, and both systems say so; many: the gradient is 0. A small ridge is
 * near, at a distance of O(ridge). */
START_TEST(test_without_ridge) {
    const int64_t rows[] = {1, 6, 9, 20, 60};
    for (int i = 0; i < 5; i++) {
        icl_law *law = proportional_law(3, 4, 0, 0.2, 1);
        icl_batch *batch = draw(law, 5, rows[i], 1);
        icl_fit *fit = fit_of(batch);
        double gamma[12], other[12], loss;
        icl_fit_report r = solve(fit, 0, ICL_FIT_AUTO, gamma);
        ck_assert_int_eq(r.rank, rows[i] < 12 ? rows[i] : 12);
        ck_assert_double_le(gradient(batch, 0, gamma, &loss), 1e-10);
        if (rows[i] < 12)
            ck_assert_double_le(loss, 1e-18);
        for (double ridge = 1e-5; ridge > 1e-8; ridge /= 10) {
            double scale = 0;
            solve(fit, ridge, ICL_FIT_AUTO, other);
            scale = relative_difference(12, gamma, other) / ridge;
            ck_assert_msg(scale < 1e4, "%lld rows: %g times the ridge", (long long)rows[i], scale);
        }
        /* the other system is singular, or not, and its answer is the same */
        r = solve(fit, 0, r.dual ? ICL_FIT_PRIMAL : ICL_FIT_DUAL, other);
        ck_assert_int_eq(r.rank, rows[i] < 12 ? rows[i] : 12);
        ck_assert_double_le(relative_difference(12, gamma, other), 1e-7);
        icl_fit_free(fit);
        icl_batch_free(batch);
        icl_law_free(law);
    }
}
END_TEST

/* Rows that are there twice change nothing, in either system; the rank does not grow. */
START_TEST(test_duplicates) {
    icl_law *law = proportional_law(3, 4, 0, 0.2, 1);
    icl_batch *batch = draw(law, 6, 5, 1);
    icl_fit *fit = fit_of(batch);
    double once[12], twice[12];
    solve(fit, 0, ICL_FIT_AUTO, once);
    ASSERT_OK(context, icl_fit_add(fit, batch));
    ck_assert_int_eq(icl_fit_rows(fit), 10);
    for (int system = ICL_FIT_DUAL; system <= ICL_FIT_PRIMAL; system++) {
        icl_fit_report r = solve(fit, 0, (icl_fit_system)system, twice);
        ck_assert_int_eq(r.rank, 5);
        ck_assert_double_le(relative_difference(12, once, twice), 1e-8);
    }
    icl_fit_clear(fit);
    ck_assert_int_eq(icl_fit_rows(fit), 0);
    ASSERT_OK(context, icl_fit_add(fit, batch));
    solve(fit, 0, ICL_FIT_AUTO, twice);
    ck_assert_mem_eq(once, twice, sizeof once);
    icl_fit_free(fit);
    icl_batch_free(batch);
    icl_law_free(law);
}
END_TEST

/* Labels that a layer made are answered by that layer, whose model predicts them. */
START_TEST(test_planted_layer) {
    enum { D = 4, N = 100, n = 6 };
    icl_law *law = proportional_law(D, n, 0, 0.2, 1);
    icl_batch *batch = draw(law, 7, N, 1), *planted;
    icl_batch_options o;
    icl_model *model;
    double gamma[D * (D + 1)], found[D * (D + 1)], target[N];
    fill_normal(context, 8, D * (D + 1), gamma);
    ASSERT_OK(context, icl_fit_model(context, D, gamma, &model));
    ASSERT_OK(context, icl_model_predict(model, batch, target));
    for (int i = 0; i < N; i++) {
        double H[D * (D + 1)];
        features(batch, i, H);
        ASSERT_CLOSE(target[i], naive_dot(D * (D + 1), gamma, H), TOL_ALGEBRA(n * D, 10), 1);
    }
    ck_assert_int_eq(icl_batch_options_init(&o, sizeof o), ICL_OK);
    o.prompts = N;
    o.dim = D;
    o.context = n;
    ASSERT_OK(context, icl_batch_create(context, &o, &planted));
    ASSERT_OK(context, icl_batch_assign(planted, icl_batch_X(batch), icl_batch_y(batch),
                                        icl_batch_query(batch), target));
    icl_fit *fit = fit_of(planted);
    icl_fit_report r = solve(fit, 0, ICL_FIT_AUTO, found);
    ck_assert_double_le(relative_difference(D * (D + 1), gamma, found), 1e-9);
    ck_assert_double_le(r.loss, 1e-18);
    icl_fit_free(fit);
    icl_model_free(model);
    icl_batch_free(planted);
    icl_batch_free(batch);
    icl_law_free(law);
}
END_TEST

/* Prompts without examples have no features: Gamma = 0. */
START_TEST(test_no_examples) {
    icl_law *law = proportional_law(3, 0, 0, 0.2, 1);
    icl_batch *batch = draw(law, 6, 5, 1);
    icl_fit *fit = fit_of(batch);
    for (int system = ICL_FIT_DUAL; system <= ICL_FIT_PRIMAL; system++)
        for (double ridge = 0; ridge < 2; ridge++) {
            double gamma[12], zero[12] = {0};
            icl_fit_report r = solve(fit, ridge, (icl_fit_system)system, gamma);
            ck_assert_int_eq(r.rank, ridge > 0 ? (r.dual ? 5 : 12) : 0);
            for (int i = 0; i < 12; i++)
                ck_assert_double_eq(gamma[i], zero[i]);
        }
    icl_fit_free(fit);
    icl_batch_free(batch);
    icl_law_free(law);
}
END_TEST

/* The errors at d = 80 are within 5 % of the limit (alpha = kappa = 1, rho = .1, tau = .5). Their
 * spread over pools and prompts is 1 % or so. */
START_TEST(test_large_d) {
    enum { D = 80 };
    icl_asymptotic_options o;
    icl_asymptotic limit = {.size = sizeof limit};
    icl_law *pool = proportional_law(D, D, D, 0.1, 11), *fresh = proportional_law(D, D, 0, 0.1, 0);
    icl_batch *batch = draw(pool, 12, D * D / 2, 1);
    icl_fit *fit = fit_of(batch);
    double *gamma = malloc(sizeof *gamma * D * (D + 1)), e_icl, e_idg;
    icl_fit_report r = solve(fit, 0, ICL_FIT_AUTO, gamma);
    ck_assert_int_eq(r.rank, D * D / 2);
    ASSERT_OK(context, icl_theory_feature_risk(fresh, gamma, &e_icl));
    ASSERT_OK(context, icl_theory_feature_risk(pool, gamma, &e_idg));
    ck_assert_int_eq(icl_asymptotic_options_init(&o, sizeof o), ICL_OK);
    o.rho = 0.1;
    ASSERT_OK(context, icl_theory_asymptotic(context, &o, &limit));
    ASSERT_CLOSE(e_icl, limit.e_icl, 0.05, limit.e_icl);
    ASSERT_CLOSE(e_idg, limit.e_idg, 0.05, limit.e_idg);
    free(gamma);
    icl_fit_free(fit);
    icl_batch_free(batch);
    icl_law_free(fresh);
    icl_law_free(pool);
}
END_TEST

/* The ridge has a limit of its own: d = 40, four ratios through the peak, one fit each. Finite d
 * adds O(1/d), 4/d here as 5 % at d = 80. */
START_TEST(test_ridge_limit) {
    enum { D = 40 };
    const double taus[] = {0.3, 0.7, 1, 1.2};
    icl_law *pool = proportional_law(D, D, D, 0.1, 11), *fresh = proportional_law(D, D, 0, 0.1, 0);
    double *gamma = malloc(sizeof *gamma * D * (D + 1)), e_icl, e_idg;
    for (int i = 0; i < 4; i++) {
        icl_asymptotic_options o;
        icl_asymptotic limit = {.size = sizeof limit};
        icl_batch *batch = draw(pool, 13 + (uint64_t)i, (int64_t)(taus[i] * D * D), 1);
        icl_fit *fit = fit_of(batch);
        solve(fit, 0.5, ICL_FIT_AUTO, gamma);
        ASSERT_OK(context, icl_theory_feature_risk(fresh, gamma, &e_icl));
        ASSERT_OK(context, icl_theory_feature_risk(pool, gamma, &e_idg));
        ck_assert_int_eq(icl_asymptotic_options_init(&o, sizeof o), ICL_OK);
        o.rho = 0.1;
        o.tau = taus[i];
        o.ridge = 0.5;
        ASSERT_OK(context, icl_theory_asymptotic(context, &o, &limit));
        ASSERT_CLOSE(e_icl, limit.e_icl, 4.0 / D, limit.e_icl);
        ASSERT_CLOSE(e_idg, limit.e_idg, 4.0 / D, limit.e_idg);
        icl_fit_free(fit);
        icl_batch_free(batch);
    }
    free(gamma);
    icl_law_free(fresh);
    icl_law_free(pool);
}
END_TEST

START_TEST(test_bad_input) {
    icl_law *law = proportional_law(3, 4, 0, 0.2, 1), *wide = proportional_law(4, 4, 0, 0.2, 1);
    icl_batch *batch = draw(law, 6, 5, 1), *other = draw(wide, 6, 5, 1), *huge;
    icl_fit_options o;
    icl_fit_report r = {.size = sizeof r};
    icl_fit *fit = NULL;
    icl_model *model;
    double gamma[12] = {7}, again[12];
    ck_assert_int_eq(icl_fit_create(NULL, 3, &fit), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out", icl_fit_create(context, 3, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = 0", icl_fit_create(context, 0, &fit));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = 4097", icl_fit_create(context, 4097, &fit));
    ASSERT_OK(context, icl_fit_create(context, 3, &fit));
    ck_assert_int_eq(icl_fit_dim(fit), 3);
    ck_assert_int_eq(icl_fit_dim(NULL) + icl_fit_rows(NULL), 0);
    icl_fit_clear(NULL);
    icl_fit_free(NULL);
    ASSERT_FAILS(context, ICL_ERR_MISSING, "no rows", icl_fit_solve(fit, NULL, gamma, &r));
    ck_assert_int_eq(icl_fit_add(NULL, batch), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "batch", icl_fit_add(fit, NULL));
    ASSERT_FAILS(context, ICL_ERR_SHAPE, "dim 4", icl_fit_add(fit, other));
    ASSERT_OK(context, icl_fit_add(fit, batch));
    ck_assert_int_eq(icl_fit_solve(NULL, NULL, gamma, &r), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "gamma", icl_fit_solve(fit, NULL, NULL, &r));
    ck_assert_int_eq(icl_fit_options_init(&o, sizeof o), ICL_OK);
    const double ridges[] = {-1, NAN, INFINITY};
    for (int i = 0; i < 3; i++) {
        o.ridge = ridges[i];
        ASSERT_FAILS(context, i == 0 ? ICL_ERR_ARGUMENT : ICL_ERR_NONFINITE, "ridge",
                     icl_fit_solve(fit, &o, gamma, &r));
    }
    o.ridge = 0;
    o.system = (icl_fit_system)3;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "system = 3", icl_fit_solve(fit, &o, gamma, &r));
    ck_assert_double_eq(gamma[0], 7);
    /* labels whose squares overflow, alone or among the features: no row is added, none is lost */
    double X[12], y[4] = {1e200, 1, 1, 1}, query[3] = {1, 2, 3}, target = 1;
    icl_batch_options b;
    ck_assert_int_eq(icl_batch_options_init(&b, sizeof b), ICL_OK);
    b.prompts = 1;
    b.dim = 3;
    b.context = 4;
    fill_normal(context, 2, 12, X);
    ASSERT_OK(context, icl_batch_create(context, &b, &huge));
    ASSERT_OK(context, icl_batch_assign(huge, X, y, query, &target));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "overflow", icl_fit_add(fit, huge));
    ck_assert_int_eq(icl_fit_rows(fit), 5);
    solve(fit, 0, ICL_FIT_AUTO, gamma);
    y[0] = 1e120; /* h is finite, its square is not */
    ASSERT_OK(context, icl_batch_assign(huge, X, y, query, &target));
    ASSERT_OK(context, icl_fit_add(fit, huge));
    memcpy(again, gamma, sizeof gamma);
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "overflow", icl_fit_solve(fit, NULL, gamma, &r));
    ck_assert_mem_eq(again, gamma, sizeof gamma);
    ck_assert_int_eq(icl_fit_model(NULL, 3, gamma, &model), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "gamma", icl_fit_model(context, 3, NULL, &model));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = -1", icl_fit_model(context, -1, gamma, &model));
    gamma[4] = INFINITY;
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "gamma[4]", icl_fit_model(context, 3, gamma, &model));
    icl_fit_free(fit);
    icl_batch_free(huge);
    icl_batch_free(other);
    icl_batch_free(batch);
    icl_law_free(wide);
    icl_law_free(law);
}
END_TEST

static icl_status fit_everything(icl_context *c, void *user) {
    (void)user;
    double gamma[12];
    icl_batch_options o;
    icl_batch *batch = NULL;
    icl_fit *fit = NULL;
    icl_model *model = NULL;
    icl_status status = icl_batch_options_init(&o, sizeof o);
    o.dim = 3;
    o.prompts = 4;
    if (status == ICL_OK)
        status = icl_batch_create(c, &o, &batch);
    if (status == ICL_OK)
        status = icl_fit_create(c, 3, &fit);
    for (int i = 0; i < 2 && status == ICL_OK; i++)
        status = icl_fit_add(fit, batch); /* zeros: singular */
    if (status == ICL_OK)
        status = icl_fit_solve(fit, NULL, gamma, NULL);
    if (status == ICL_OK)
        status = icl_fit_model(c, 3, gamma, &model);
    icl_model_free(model);
    icl_fit_free(fit);
    icl_batch_free(batch);
    return status;
}

START_TEST(test_failing_allocations) {
    check_every_allocation(fit_everything, NULL);
}
END_TEST

RUN_SUITE("fit", test_normal_equations_in_both_systems, test_without_ridge, test_duplicates,
          test_planted_layer, test_no_examples, test_large_d, test_ridge_limit, test_bad_input,
          test_failing_allocations)
