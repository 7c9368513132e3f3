/* What theory refuses, what it leaves untouched, and memory that fails. */
#include "test_theory.h"

static icl_context *context;

static void setup_context(void) {
    if (context == NULL)
        context = make_context(1, ICL_ISA_AUTO);
}

static const icl_simulation usable = {1, 10};

/* ---- arguments ---- */

START_TEST(test_no_law) {
    double gamma[25] = {0}, eta;
    icl_estimate risk;
    icl_optimum optimum = {.size = sizeof optimum};
    icl_certificate certificate = {.size = sizeof certificate};
    icl_population *population = (icl_population *)gamma;
    const double *zero = gamma;
    ck_assert_int_eq(icl_theory_optimum(NULL, &usable, 0, gamma, &optimum), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_moments(NULL, &usable, gamma, NULL, NULL), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_risk(NULL, &usable, zero, &risk), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_step_risk(NULL, &usable, NULL, 1, &risk), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_best_step(NULL, &usable, NULL, &eta, &risk), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_bayes_risk(NULL, &usable, &risk), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_ridge_risk(NULL, &usable, 1, &risk), ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_population_create(NULL, &population), ICL_ERR_ARGUMENT);
    ck_assert_ptr_null(population);
    ck_assert_int_eq(
        icl_population_evaluate(NULL, zero, 1, zero, zero, gamma, NULL, NULL, NULL, NULL, NULL),
        ICL_ERR_ARGUMENT);
    ck_assert_int_eq(icl_theory_certify(NULL, &usable, zero, 1, zero, zero, 0, &certificate),
                     ICL_ERR_ARGUMENT);
    icl_population_free(NULL);
}
END_TEST

/* Every function that takes a simulation refuses an unusable one, even where it needs none. */
START_TEST(test_unusable_simulations) {
    setup_context();
    icl_law_options o = law_options(2, 4, 0.1);
    icl_law *law = make_law(context, &o);
    const icl_simulation bad[] = {{UINT64_MAX, 10}, {1, 1}, {1, 0}, {1, -5}, {1, INT64_MAX}};
    for (int i = 0; i < 5; i++) {
        const char *word = i == 0 ? "seed" : "prompts";
        const icl_simulation *s = &bad[i];
        double g[4] = {0}, eta;
        icl_estimate risk = {5, 5};
        icl_certificate c = {.size = sizeof c};
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word, icl_theory_optimum(law, s, 0, g, NULL));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word, icl_theory_moments(law, s, g, NULL, NULL));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word, icl_theory_risk(law, s, g, &risk));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word, icl_theory_step_risk(law, s, NULL, 1, &risk));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word,
                     icl_theory_best_step(law, s, NULL, &eta, &risk));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word, icl_theory_bayes_risk(law, s, &risk));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word, icl_theory_ridge_risk(law, s, 1, &risk));
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, word,
                     icl_theory_certify(law, s, g, 1, g, g, 0, &c));
        ck_assert_double_eq(risk.value, 5);
    }
    icl_law_free(law);
}
END_TEST

START_TEST(test_bad_numbers) {
    setup_context();
    icl_law_options o = law_options(2, 4, 0.1);
    icl_law *law = make_law(context, &o);
    const double bads[] = {NAN, INFINITY, -INFINITY};
    double good[4] = {0};
    icl_estimate risk = {5, 5};
    for (int i = 0; i < 3; i++) {
        double x = bads[i], bad[4] = {0, x, 0, 0};
        icl_certificate c = {.size = sizeof c, .risk = 5};
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "gamma[1]",
                     icl_theory_risk(law, NULL, bad, &risk));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "B[1]",
                     icl_theory_step_risk(law, NULL, bad, 1, &risk));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "eta",
                     icl_theory_step_risk(law, NULL, NULL, x, &risk));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "B[1]",
                     icl_theory_best_step(law, NULL, bad, NULL, &risk));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "lambda",
                     icl_theory_ridge_risk(law, &usable, x, &risk));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "u[1]",
                     icl_theory_certify(law, NULL, bad, 1, good, good, 0, &c));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "v",
                     icl_theory_certify(law, NULL, good, x, good, good, 0, &c));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "M[1]",
                     icl_theory_certify(law, NULL, good, 1, bad, good, 0, &c));
        ASSERT_FAILS(context, ICL_ERR_NONFINITE, "r[1]",
                     icl_theory_certify(law, NULL, good, 1, good, bad, 0, &c));
        ck_assert(c.risk == 5 && risk.value == 5);
    }
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "lambda",
                 icl_theory_ridge_risk(law, &usable, -1, &risk));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "gamma is NULL",
                 icl_theory_risk(law, NULL, NULL, &risk));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "simulation is NULL",
                 icl_theory_bayes_risk(law, NULL, &risk));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "simulation is NULL",
                 icl_theory_ridge_risk(law, NULL, 1, &risk));
    const int64_t ranks[] = {-1, 3, INT64_MAX, INT64_MIN};
    for (int i = 0; i < 4; i++)
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "rank",
                     icl_theory_optimum(law, NULL, ranks[i], good, NULL));
    icl_law_free(law);
}
END_TEST

START_TEST(test_bad_points) {
    setup_context();
    icl_law_options o = law_options(2, 4, 0.1);
    icl_law *law = make_law(context, &o);
    icl_population *p;
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "out is NULL", icl_population_create(law, NULL));
    ASSERT_OK(context, icl_population_create(law, &p));
    double good[4] = {0}, bad[4] = {0, NAN, 0, 0}, loss = 5;
    icl_certificate c = {.size = sizeof c};
#define EVALUATE(u, v, M, r)                                                                       \
    icl_population_evaluate(p, (u), (v), (M), (r), &loss, NULL, NULL, NULL, NULL, NULL)
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "u is NULL", EVALUATE(NULL, 1, good, good));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "M is NULL", EVALUATE(good, 1, NULL, good));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "r is NULL", EVALUATE(good, 1, good, NULL));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "u[1]", EVALUATE(bad, 1, good, good));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "v", EVALUATE(good, INFINITY, good, good));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "M[1]", EVALUATE(good, 1, bad, good));
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "r[1]", EVALUATE(good, 1, good, bad));
    ck_assert_double_eq(loss, 5);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "u is NULL",
                 icl_theory_certify(law, NULL, NULL, 1, good, good, 0, &c));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "M is NULL",
                 icl_theory_certify(law, NULL, good, 1, NULL, good, 0, &c));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "r is NULL",
                 icl_theory_certify(law, NULL, good, 1, good, NULL, 0, &c));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "certificate is NULL",
                 icl_theory_certify(law, NULL, good, 1, good, good, 0, NULL));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "rank",
                 icl_theory_certify(law, NULL, good, 1, good, good, 3, &c));
    icl_population_free(p);
    icl_law_free(law);
}
END_TEST

/* Every output may be NULL, alone or with all others. */
START_TEST(test_unwanted_outputs) {
    setup_context();
    icl_law_options o = law_options(2, 4, 0.1);
    icl_law *law = make_law(context, &o);
    double point[4] = {1, 0, 0, 1}, out[4], eta;
    icl_optimum optimum = {.size = sizeof optimum};
    icl_population *p;
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, NULL));
    ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, &optimum));
    ASSERT_OK(context, icl_theory_moments(law, NULL, NULL, NULL, NULL));
    ASSERT_OK(context, icl_theory_moments(law, NULL, NULL, out, NULL));
    ASSERT_OK(context, icl_theory_risk(law, NULL, point, NULL));
    ASSERT_OK(context, icl_theory_step_risk(law, NULL, NULL, 1, NULL));
    ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, &eta, NULL));
    ASSERT_OK(context, icl_theory_best_step(law, NULL, NULL, NULL, NULL));
    ASSERT_OK(context, icl_theory_bayes_risk(law, &usable, NULL));
    ASSERT_OK(context, icl_theory_ridge_risk(law, &usable, 1, NULL));
    ASSERT_OK(context, icl_population_create(law, &p));
    double gu[2], gv, gM[4], gr[2], all[9], loss, excess;
    ASSERT_OK(context, icl_population_evaluate(p, point, 1, point, point, NULL, NULL, NULL, NULL,
                                               NULL, NULL));
    ASSERT_OK(context, icl_population_evaluate(p, point, 1, point, point, &loss, &excess, all,
                                               all + 2, all + 3, all + 7));
    ASSERT_OK(context,
              icl_population_evaluate(p, point, 1, point, point, NULL, NULL, gu, NULL, NULL, NULL));
    ASSERT_OK(context, icl_population_evaluate(p, point, 1, point, point, NULL, NULL, NULL, &gv,
                                               NULL, NULL));
    ASSERT_OK(context,
              icl_population_evaluate(p, point, 1, point, point, NULL, NULL, NULL, NULL, gM, NULL));
    ASSERT_OK(context,
              icl_population_evaluate(p, point, 1, point, point, NULL, NULL, NULL, NULL, NULL, gr));
    ck_assert_mem_eq(gu, all, sizeof gu);
    ck_assert_double_eq(gv, all[2]);
    ck_assert_mem_eq(gM, all + 3, sizeof gM);
    ck_assert_mem_eq(gr, all + 7, sizeof gr);
    icl_population_free(p);
    icl_law_free(law);
}
END_TEST

/* ---- the size of result structs ---- */

START_TEST(test_results_are_written_to_their_size) {
    setup_context();
    icl_law_options o = law_options(2, 4, 0.1);
    icl_law *law = make_law(context, &o);
    const double point[4] = {0.3, 0, 0.1, 1};
    union {
        icl_optimum optimum;
        icl_certificate certificate;
        unsigned char bytes[sizeof(icl_certificate) + 64];
    } whole, part;
    for (int which = 0; which < 2; which++) {
        size_t known = which ? sizeof(icl_certificate) : sizeof(icl_optimum);
        memset(&whole, 0xab, sizeof whole);
        whole.optimum.size = known;
        for (size_t size = 0; size <= known + 64; size++) {
            memset(&part, 0xab, sizeof part);
            part.optimum.size = size;
            icl_status status =
                which ? icl_theory_certify(law, NULL, point, 1, point, point, 0, &part.certificate)
                      : icl_theory_optimum(law, NULL, 0, NULL, &part.optimum);
            if (size == known + 64)
                memcpy(&whole, &part, known);
            int fits = size >= sizeof(size_t) + sizeof(double);
            ck_assert_int_eq(status, fits ? ICL_OK : ICL_ERR_ARGUMENT);
            ck_assert_uint_eq(part.optimum.size, size);
            size_t end = !fits ? sizeof(size_t) : size < known ? size : known;
            for (size_t i = end; i < sizeof part; i++)
                ck_assert_uint_eq(part.bytes[i], 0xab);
            if (fits)
                ck_assert_double_eq(part.optimum.risk, part.optimum.risk);
        }
        /* what a small struct holds is the beginning of the whole */
        memset(&part, 0xab, sizeof part);
        part.optimum.size = 4 * sizeof(double);
        if (which)
            ASSERT_OK(context,
                      icl_theory_certify(law, NULL, point, 1, point, point, 0, &part.certificate));
        else
            ASSERT_OK(context, icl_theory_optimum(law, NULL, 0, NULL, &part.optimum));
        ck_assert_mem_eq(part.bytes + sizeof(size_t), whole.bytes + sizeof(size_t),
                         3 * sizeof(double));
    }
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "optimum->size = 15",
                 (part.optimum.size = 15, icl_theory_optimum(law, NULL, 0, NULL, &part.optimum)));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "certificate->size = 0",
                 (part.optimum.size = 0,
                  icl_theory_certify(law, NULL, point, 1, point, point, 0, &part.certificate)));
    icl_law_free(law);
}
END_TEST

/* ---- overflow ---- */

START_TEST(test_moments_and_risks_that_overflow) {
    setup_context();
    const double huge[2] = {1e200, 1e200};
    icl_law_options o = law_options(2, 4, 0.1);
    o.covariance = ICL_COVARIANCE_DIAGONAL;
    o.covariance_values = huge;
    o.prior = ICL_COVARIANCE_DIAGONAL;
    o.prior_values = huge;
    icl_law *law = make_law(context, &o);
    double gamma[4] = {7, 7, 7, 7};
    ASSERT_FAILS(context, ICL_ERR_NONFINITE, "overflow",
                 icl_theory_optimum(law, NULL, 0, gamma, NULL));
    icl_estimate risk = {5, 5};
    icl_law *one;
    ASSERT_OK(context, icl_law_with(law, 1, 0.1, &one));
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflows",
                 icl_theory_bayes_risk(one, &usable, &risk));
    ck_assert(gamma[0] == 7 && risk.value == 5);
    icl_law_free(one);
    /* with n >= d all is seen, and so vague a prior is no prior */
    icl_estimate least_squares;
    ASSERT_OK(context, icl_theory_bayes_risk(law, &usable, &risk));
    ASSERT_OK(context, icl_theory_ridge_risk(law, &usable, 0, &least_squares));
    ASSERT_CLOSE(risk.value, least_squares.value, TOL_ALGEBRA(4, 1e4), 1);
    icl_law_free(law);
    o = law_options(2, 4, 0.1);
    law = make_law(context, &o);
    risk.value = 5;
    double point[4] = {1e160, 0, 0, 1};
    icl_certificate c = {.size = sizeof c, .risk = 5};
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflows", icl_theory_risk(law, NULL, point, &risk));
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflows",
                 icl_theory_step_risk(law, NULL, NULL, 1e200, &risk));
    ASSERT_FAILS(context, ICL_ERR_DIVERGED, "overflows",
                 icl_theory_certify(law, NULL, point, 1, point, point, 0, &c));
    ck_assert(risk.value == 5 && c.risk == 5);
    icl_law_free(law);
}
END_TEST

/* ---- lives ---- */

START_TEST(test_population_outlives_law_and_context) {
    icl_context *own = make_context(1, ICL_ISA_AUTO);
    icl_law_options o = law_options(2, 4, 0.1);
    icl_law *law;
    icl_population *p;
    ASSERT_OK(own, icl_law_create(own, &o, &law));
    ASSERT_OK(own, icl_population_create(law, &p));
    icl_law_free(law);
    icl_context_free(own);
    const double zero[4] = {0};
    double loss;
    ck_assert_int_eq(
        icl_population_evaluate(p, zero, 0, zero, zero, &loss, NULL, NULL, NULL, NULL, NULL),
        ICL_OK);
    ASSERT_CLOSE(loss, 2.1, TOL_ALGEBRA(2, 1), 2.1);
    icl_population_free(p);
}
END_TEST

/* ---- failing memory ---- */

typedef struct failing_case {
    icl_labels labels;
    int64_t dim;
    int mean, prompts;
} failing_case;

static icl_status all_of_theory(const icl_law *law, const failing_case *c) {
    static double gamma[400], zero[400];
    double eta, u[20] = {0.1};
    const icl_simulation simulation = {1, c->prompts};
    icl_estimate risk;
    icl_optimum optimum = {.size = sizeof optimum};
    icl_certificate certificate = {.size = sizeof certificate};
    icl_status status = icl_theory_optimum(law, &simulation, 1, gamma, &optimum);
    if (status == ICL_OK)
        status = icl_theory_moments(law, &simulation, gamma, gamma, &eta);
    if (status == ICL_OK)
        status = icl_theory_risk(law, &simulation, zero, &risk);
    if (status == ICL_OK)
        status = icl_theory_best_step(law, &simulation, NULL, &eta, &risk);
    if (status == ICL_OK)
        status = icl_theory_certify(law, &simulation, u, 1, zero, u, 0, &certificate);
    if (status != ICL_OK || c->labels != ICL_LABELS_LINEAR)
        return status;
    status = icl_theory_bayes_risk(law, &simulation, &risk);
    if (status == ICL_OK)
        status = icl_theory_ridge_risk(law, &simulation, 0.1, &risk);
    icl_population *population = NULL;
    if (status == ICL_OK)
        status = icl_population_create(law, &population);
    if (status == ICL_OK)
        status = icl_population_evaluate(population, zero, 1, gamma, zero, &eta, NULL, NULL, NULL,
                                         NULL, NULL);
    icl_population_free(population);
    return status;
}

static icl_status failing_body(icl_context *own, void *user) {
    const failing_case *c = user;
    double values[20], mean[20];
    for (int i = 0; i < 20; i++)
        values[i] = mean[i] = 1 + i;
    icl_law_options o = law_options(c->dim, 3, 0.1);
    o.labels = c->labels;
    o.covariance = ICL_COVARIANCE_SPECTRUM;
    o.covariance_values = values;
    o.prior_mean = c->mean ? mean : NULL;
    icl_law *law;
    icl_status status = icl_law_create(own, &o, &law);
    if (status == ICL_OK)
        status = all_of_theory(law, c);
    icl_law_free(law);
    return status;
}

START_TEST(test_every_allocation) {
    failing_case cases[] = {{ICL_LABELS_LINEAR, 2, 0, 10},
                            {ICL_LABELS_LINEAR, 2, 1, 10},
                            {ICL_LABELS_LINEAR, 20, 0, 3},
                            {ICL_LABELS_TANH, 2, 0, 10},
                            {ICL_LABELS_NET, 2, 0, 10}};
    for (int i = 0; i < 5; i++)
        check_every_allocation(failing_body, &cases[i]);
}
END_TEST

RUN_SUITE("theory_arguments", test_no_law, test_unusable_simulations, test_bad_numbers,
          test_bad_points, test_unwanted_outputs, test_results_are_written_to_their_size,
          test_moments_and_risks_that_overflow, test_population_outlives_law_and_context,
          test_every_allocation)
