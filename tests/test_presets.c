/* Published settings: each makes a law and draws, with the numbers of its paper. */
#include <icl/theory.h>

#include "statistics.h"
#include "support/support.h"

/* d, n and E y^2 of a query, noise included, as published or by hand; 0: of a random pool. */
static const struct {
    const char *name;
    int64_t dim, context;
    double power;
} published[] = {{"garg-linear", 20, 40, 20},
                 {"garg-sparse", 20, 40, 3},
                 {"garg-relu-net", 20, 100, 20},
                 {"garg-decision-tree", 20, 100, 1},
                 {"garg-quadratic", 20, 40, 20},
                 {"garg-skewed", 20, 40, 20},
                 {"garg-half-subspace", 20, 40, 20},
                 {"garg-orthogonal", 20, 19, 20},
                 {"garg-repeated", 20, 40, 20},
                 {"garg-random-quadrant", 20, 40, 20},
                 {"fu-isotropic", 20, 40, 20},
                 {"fu-ill-conditioned", 20, 40, 20},
                 {"fu-noisy", 20, 40, 20.01},
                 {"von-oswald-uniform", 10, 10, 10.0 / 12},
                 {"von-oswald-sine", 1, 10, (0.125 - 0.001) / (3 * 0.4) / 2},
                 {"akyurek", 8, 40, 8},
                 {"ahn-isotropic", 5, 20, 5},
                 {"ahn-rotated", 5, 20, 5},
                 {"mahankali", 10, 10, 11},
                 {"zhang", 20, 40, 20},
                 {"raventos-pool", 8, 16, 0},
                 {"vladymyrov-noise", 10, 20, 10 + 4.0 / 3},
                 {"vladymyrov-set", 10, 20, 10 + 35.0 / 3},
                 {"giannou-linear", 10, 50, 10},
                 {"giannou-logistic", 5, 26, 1},
                 {"lu-proportional", 80, 80, 1.1}};
enum { COUNT = sizeof published / sizeof *published };

static icl_law *make_preset(icl_context *context, const char *name) {
    icl_law_options o;
    icl_law *law;
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    ASSERT_OK(context, icl_task_preset(context, name, &o));
    ck_assert_uint_eq(o.size, sizeof o);
    ASSERT_OK(context, icl_law_create(context, &o, &law));
    return law;
}

START_TEST(test_names) {
    for (int i = 0; i < COUNT; i++)
        ck_assert_str_eq(icl_task_preset_name(i), published[i].name);
    ck_assert_ptr_null(icl_task_preset_name(COUNT));
    ck_assert_ptr_null(icl_task_preset_name(-1));
}
END_TEST

START_TEST(test_each_draws) {
    enum { PROMPTS = 4000 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < COUNT; i++) {
        icl_law *law = make_preset(context, published[i].name);
        icl_sampler *sampler;
        icl_batch *batch;
        tally power = {0};
        ck_assert_int_eq(icl_law_dim(law), published[i].dim);
        ck_assert_int_eq(icl_law_context(law), published[i].context);
        ASSERT_OK(context, icl_sampler_create(context, law, 4, &sampler));
        ASSERT_OK(context, icl_sampler_batch(sampler, PROMPTS, 1, ICL_CONTENTS_EXAMPLES, &batch));
        ASSERT_OK(context, icl_sampler_draw(sampler, 0, batch));
        for (int64_t p = 0; p < PROMPTS; p++)
            tally_add(&power, pow(icl_batch_target(batch)[p], 2));
        double expected = published[i].power;
        if (expected == 0) { /* of these tasks */
            int64_t d = icl_law_dim(law), K = icl_law_pool_count(law);
            for (int64_t e = 0; e < K * d; e++)
                expected += pow(icl_law_pool(law)[e], 2) / (double)K;
            expected += icl_law_noise(law);
        }
        if (power.squares * power.count > power.sum * power.sum)
            assert_tally(published[i].name, &power, expected);
        else /* labels of two classes */
            ck_assert_double_eq(power.sum, expected * PROMPTS);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

/* The least risk of one layer, as published or by the formula of the paper. */
START_TEST(test_published_optima) {
    const double s2 = 4.0 / 3;
    const struct {
        const char *name;
        double risk, tolerance;
    } optima[] = {{"mahankali", 1 + 10 * 12.0 / 22, 1e-12},  /* 6.4545 */
                  {"von-oswald-uniform", 2 * 0.20623, 3e-5}, /* half the loss, five digits */
                  {"ahn-isotropic", 30.0 / 26, 1e-12},       /* 1.1538 */
                  {"ahn-rotated", 30.0 / 26, 1e-12},
                  {"vladymyrov-noise", s2 + 10 * (11 + s2) / (31 + s2), 1e-12}};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < 5; i++) {
        icl_optimum best = {.size = sizeof best};
        icl_law *law = make_preset(context, optima[i].name);
        ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, &best));
        ASSERT_CLOSE(best.risk, optima[i].risk, optima[i].tolerance, optima[i].risk);
        icl_law_free(law);
    }
    icl_context_free(context);
}
END_TEST

/* What the kinds are of which moments say nothing. */
START_TEST(test_kinds) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law_options o;
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    ASSERT_OK(context, icl_task_preset(context, "fu-ill-conditioned", &o));
    ck_assert(o.covariance == ICL_COVARIANCE_HALVES && o.covariance_values[0] == 100);
    ck_assert(o.rotation_every == 1 && o.trace == ICL_TRACE_DIM);
    ASSERT_OK(context, icl_task_preset(context, "raventos-pool", &o));
    ck_assert(o.pool == 16384 && o.covariance == ICL_COVARIANCE_IDENTITY && o.rotation_every == 0);
    ASSERT_OK(context, icl_task_preset(context, "lu-proportional", &o));
    ck_assert(o.pool == 80 && o.tasks == ICL_TASKS_SPHERE && o.trace == ICL_TRACE_ONE);
    ASSERT_OK(context, icl_task_preset(context, "vladymyrov-set", &o));
    ck_assert(o.noise_law == ICL_NOISE_SET && o.noise_count == 3 && o.noise_values[2] == 5);
    const icl_queries queries[] = {ICL_QUERIES_ORTHOGONAL, ICL_QUERIES_REPEATED,
                                   ICL_QUERIES_RANDOM_QUADRANT};
    for (int i = 0; i < 3; i++) {
        ASSERT_OK(context, icl_task_preset(context, published[7 + i].name, &o));
        ck_assert_int_eq(o.queries, queries[i]);
    }
    icl_context_free(context);
}
END_TEST

/* Garg et al.: half of the eigenvalues are 2, the others 0; of the skewed ones i^-2, sum d. */
START_TEST(test_spectra) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_law *half = make_preset(context, "garg-half-subspace");
    icl_law *skewed = make_preset(context, "garg-skewed");
    double traces[2] = {0}, squares[2] = {0}, sum = 0, sum2 = 0;
    for (int i = 0; i < 20; i++) {
        sum += 1 / pow(i + 1, 2);
        sum2 += 1 / pow(i + 1, 4);
        for (int j = 0; j < 20; j++) {
            squares[0] += pow(icl_law_covariance(half)[20 * i + j], 2);
            squares[1] += pow(icl_law_covariance(skewed)[20 * i + j], 2);
        }
        traces[0] += icl_law_covariance(half)[21 * i];
        traces[1] += icl_law_covariance(skewed)[21 * i];
    }
    ASSERT_CLOSE(traces[0], 20, TOL_ALGEBRA(20, 1), 20);
    ASSERT_CLOSE(traces[1], 20, TOL_ALGEBRA(20, 1), 20);
    ASSERT_CLOSE(squares[0], 40, TOL_ALGEBRA(20, 1), 40);
    ASSERT_CLOSE(squares[1], 400 * sum2 / (sum * sum), TOL_ALGEBRA(20, 1), 400);
    icl_law_free(half);
    icl_law_free(skewed);
    icl_context_free(context);
}
END_TEST

START_TEST(test_arguments) {
    icl_law_options o, before;
    struct {
        icl_law_options known;
        double tail;
    } newer;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    ASSERT_OK(context, icl_law_options_init(&o, sizeof o));
    before = o;
    ck_assert_int_eq(icl_task_preset(NULL, "zhang", &o), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "name is NULL", icl_task_preset(context, NULL, &o));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "options is NULL",
                 icl_task_preset(context, "zhang", NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "\"Zhang\"", icl_task_preset(context, "Zhang", &o));
    for (int i = 0; i < COUNT; i++)
        ck_assert_ptr_nonnull(strstr(icl_context_last_error(context), published[i].name));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "\"\"", icl_task_preset(context, "", &o));
    ck_assert_mem_eq(&o, &before, sizeof o);
    o.size = 0;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "options.size = 0",
                 icl_task_preset(context, "zhang", &o));
    /* an older caller's options: what it cannot say is refused, the rest written and no more */
    o.size = offsetof(icl_law_options, queries);
    o.query_scale = 17;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "garg-repeated",
                 icl_task_preset(context, "garg-repeated", &o));
    ASSERT_OK(context, icl_task_preset(context, "garg-sparse", &o));
    ck_assert(o.tasks == ICL_TASKS_SPARSE && o.query_scale == 17);
    ck_assert_uint_eq(o.size, offsetof(icl_law_options, queries));
    memset(&newer, 0xa5, sizeof newer);
    newer.known.size = sizeof newer;
    ASSERT_OK(context, icl_task_preset(context, "zhang", &newer.known));
    ck_assert(newer.known.size == sizeof newer && newer.tail == 0 && newer.known.dim == 20);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("presets", test_names, test_each_draws, test_published_optima, test_kinds, test_spectra,
          test_arguments)
