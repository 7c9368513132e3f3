/* The arguments of laws that task_reference.h has: ranges, numbers, what goes with what. */
#include "task_reference.h"

/* Refused after one field of a law of d = 3, n = 2 was set. */
#define REFUSE(field, value, status, word)                                                         \
    make_case(ICL_COVARIANCE_DENSE, ICL_COVARIANCE_DENSE, 3, 2, 0.5, &c);                          \
    c.options.field = (value);                                                                     \
    refuse_law(context, &c.options, status, word)

START_TEST(test_covariances) {
    static law_case c;
    double number = 1;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    REFUSE(covariance, (icl_covariance)8, ICL_ERR_ARGUMENT, "covariance = 8");
    REFUSE(prior, (icl_covariance)8, ICL_ERR_ARGUMENT, "prior = 8");
    REFUSE(trace, (icl_trace)3, ICL_ERR_ARGUMENT, "trace = 3");
    REFUSE(trace, (icl_trace)-1, ICL_ERR_ARGUMENT, "trace = ");
    for (int kind = ICL_COVARIANCE_SCALAR; kind <= ICL_COVARIANCE_POWER; kind++) {
        make_case(0, 0, 3, 2, 0, &c);
        c.options.covariance = (icl_covariance)kind;
        c.options.covariance_values = NULL;
        refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "covariance_values is NULL");
        c.options.covariance_values = &number;
        number = NAN;
        refuse_law(context, &c.options, ICL_ERR_NONFINITE, "covariance_values[0]");
        number = -1;
        if (kind != ICL_COVARIANCE_POWER)
            refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "covariance_values: eigenvalue");
        number = -1e4; /* 2^10000 */
        if (kind == ICL_COVARIANCE_POWER)
            refuse_law(context, &c.options, ICL_ERR_NONFINITE, "covariance_values[1]");
        number = 1;
        icl_law_free(make_law(context, &c.options));
        c.options.covariance = ICL_COVARIANCE_IDENTITY;
        c.options.prior = (icl_covariance)kind;
        c.options.prior_values = &number;
        icl_law_free(make_law(context, &c.options));
        c.options.prior_values = NULL;
        refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "prior_values is NULL");
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_traces) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int trace = ICL_TRACE_DIM; trace <= ICL_TRACE_ONE; trace++) {
        const double traces[] = {0, -3, 1e-320};
        for (int i = 0; i < 3; i++) {
            make_case(ICL_COVARIANCE_DIAGONAL, 0, 3, 2, 0, &c);
            c.options.trace = (icl_trace)trace;
            c.eigenvalues[0] = traces[i];
            c.eigenvalues[1] = c.eigenvalues[2] = 0;
            refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "covariance_values: the trace is");
        }
        c.eigenvalues[0] = NAN;
        refuse_law(context, &c.options, ICL_ERR_NONFINITE, "covariance_values[0]");
        c.eigenvalues[0] = c.eigenvalues[1] = 1e308; /* an infinite trace */
        refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "the trace is inf");
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_tasks) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    REFUSE(tasks, (icl_tasks)3, ICL_ERR_ARGUMENT, "tasks = 3");
    REFUSE(tasks, (icl_tasks)-1, ICL_ERR_ARGUMENT, "tasks = ");
    REFUSE(tasks, ICL_TASKS_SPARSE, ICL_ERR_ARGUMENT, "prior = 2");
    make_case(0, 0, 3, 2, 0, &c);
    c.options.tasks = ICL_TASKS_SPARSE;
    for (int prior = 0; prior < PRIORS; prior++)
        for (int covariance = 0; covariance < COVARIANCES; covariance++) {
            c.options.covariance = (icl_covariance)covariance;
            c.options.covariance_values = c.options.prior_values =
                covariance == ICL_COVARIANCE_DENSE ? c.dense : c.eigenvalues;
            c.options.prior = (icl_covariance)prior;
            int kind = prior == ICL_COVARIANCE_INVERSE ? covariance : prior;
            if (kind <= ICL_COVARIANCE_DIAGONAL)
                icl_law_free(make_law(context, &c.options));
            else
                refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "sparse");
        }
    make_case(0, 0, 3, 2, 0, &c);
    c.options.tasks = ICL_TASKS_SPARSE;
    c.options.sparsity = 0;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "sparsity = 0");
    c.options.sparsity = 4;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "sparsity = 4");
    c.options.tasks = ICL_TASKS_SPHERE; /* then it is not read */
    icl_law *law = make_law(context, &c.options);
    ck_assert_int_eq(icl_law_tasks(law), ICL_TASKS_SPHERE);
    icl_law_free(law);
    ck_assert_int_eq(icl_law_tasks(NULL), ICL_TASKS_GAUSSIAN);
    c.options.labels = ICL_LABELS_TANH;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "tasks = 1");
    icl_context_free(context);
}
END_TEST

static int all_finite(const double *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return 0;
    return 1;
}

/* Up to the bound all that is drawn is finite, its squares too; beyond it no sampler is made. */
START_TEST(test_large_laws) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int labels = ICL_LABELS_LINEAR; labels <= ICL_LABELS_GAUSSIAN_PROCESS; labels++) {
        if (labels == ICL_LABELS_CALLBACK)
            continue;
        double largest = labels == ICL_LABELS_CUBIC       ? 1e82
                         : labels == ICL_LABELS_QUADRATIC ? 1e124
                                                          : 1e249;
        make_case(0, 0, 3, 20, 1e300, &c);
        c.options.labels = (icl_labels)labels;
        c.options.covariates = ICL_COVARIATES_STUDENT;
        c.options.freedom = 2.01;
        c.options.covariance = ICL_COVARIANCE_SCALAR;
        c.options.covariance_values = &largest;
        icl_sampler *sampler = make_sampler(context, &c.options, 5);
        icl_batch *batch = draw_prompts(context, sampler, 0, 2000, 1);
        ck_assert(
            all_finite(icl_batch_S(batch), 2000 * 9) && all_finite(icl_batch_b(batch), 2000 * 3) &&
            all_finite(icl_batch_syy(batch), 2000) && all_finite(icl_batch_target(batch), 2000));
        icl_batch_free(batch);
        icl_sampler_free(sampler);
        largest *= 1e3;
        icl_law *law = make_law(context, &c.options);
        ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "above 1e250",
                     icl_sampler_create(context, law, 5, &sampler));
        icl_law_free(law);
    }
    make_case(0, 0, 3, 2, 2e300, &c);
    icl_sampler *sampler;
    icl_law *law = make_law(context, &c.options);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "noise = 2e+300",
                 icl_sampler_create(context, law, 5, &sampler));
    icl_law_free(law);
    icl_context_free(context);
}
END_TEST

START_TEST(test_pools) {
    static law_case c;
    double values[6] = {1, 2, 3, 4, 5, NAN};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    REFUSE(pool, -1, ICL_ERR_ARGUMENT, "pool = -1");
    REFUSE(pool, (INT64_C(1) << 31) + 1, ICL_ERR_ARGUMENT, "pool = 2147483649");
    make_case(0, 0, 3, 2, 0, &c);
    c.options.pool = 2;
    c.options.pool_values = values;
    refuse_law(context, &c.options, ICL_ERR_NONFINITE, "pool_values[5]");
    values[5] = 1e200; /* its covariance overflows */
    refuse_law(context, &c.options, ICL_ERR_NONFINITE, "covariance of pool_values");
    values[5] = 6;
    icl_law_free(make_law(context, &c.options));
    c.options.pool_values = NULL;
    c.options.pool_seed = UINT64_MAX;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "pool_seed");
    c.options.pool_seed = INT64_MAX;
    icl_law_free(make_law(context, &c.options));
    c.options.labels = ICL_LABELS_NET;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "pool = 2: labels = 5");
    c.options.pool = 0;
    c.options.pool_seed = UINT64_MAX; /* then it is not read */
    icl_law_free(make_law(context, &c.options));
    icl_context_free(context);
}
END_TEST

START_TEST(test_rotations) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int kind = 0; kind < COVARIANCES; kind++) {
        make_case(kind, 0, 3, 2, 0, &c);
        c.options.rotation_every = 1;
        if (kind == ICL_COVARIANCE_SPECTRUM)
            icl_law_free(make_law(context, &c.options));
        else
            refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "has no rotation");
    }
    c.options.rotation_every = -1;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "rotation_every = -1");
    c.options.rotation_every = (INT64_C(1) << 62) + 1;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "rotation_every = 4611686018427387905");
    c.options.rotation_every = INT64_C(1) << 62;
    c.options.prior = ICL_COVARIANCE_INVERSE;
    icl_law_free(make_law(context, &c.options));
    c.options.pool = 2;
    refuse_law(context, &c.options, ICL_ERR_ARGUMENT, "a pool does not");
    c.options.pool = 0;
    c.eigenvalues[1] = 0;
    refuse_law(context, &c.options, ICL_ERR_SINGULAR, "eigenvalue 0");
    c.eigenvalues[1] = -1;
    refuse_law(context, &c.options, ICL_ERR_NOT_PSD, "covariance_values: eigenvalue 1");
    icl_context_free(context);
}
END_TEST

static icl_status ask_covariance(icl_context *context, void *user) {
    const law_case *c = user;
    icl_law *law = NULL;
    icl_sampler *sampler = NULL;
    double sigma[9];
    icl_status status = icl_law_create(context, &c->options, &law);
    if (status == ICL_OK)
        status = icl_sampler_create(context, law, 1, &sampler);
    if (status == ICL_OK)
        status = icl_sampler_covariance(sampler, 0, sigma);
    icl_sampler_free(sampler);
    icl_law_free(law);
    return status;
}

START_TEST(test_covariances_of_prompts) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double sigma[9];
    make_case(ICL_COVARIANCE_DENSE, 0, 3, 2, 0, &c);
    icl_sampler *sampler = make_sampler(context, &c.options, 1);
    ASSERT_OK(context, icl_sampler_covariance(sampler, 7, sigma));
    ck_assert_mem_eq(sigma, icl_law_covariance(icl_sampler_law(sampler)), sizeof sigma);
    ck_assert_int_eq(icl_sampler_covariance(NULL, 0, sigma), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prompt = -1",
                 icl_sampler_covariance(sampler, -1, sigma));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "prompt = 4611686018427387904",
                 icl_sampler_covariance(sampler, INT64_C(1) << 62, sigma));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "covariance is NULL",
                 icl_sampler_covariance(sampler, 0, NULL));
    icl_sampler_free(sampler);
    icl_context_free(context);
    make_case(ICL_COVARIANCE_SPECTRUM, 0, 3, 2, 0, &c);
    c.options.rotation_every = 1;
    check_every_allocation(ask_covariance, &c);
}
END_TEST

START_TEST(test_defaults) {
    icl_law_options o;
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    ck_assert(o.trace == ICL_TRACE_GIVEN && o.tasks == ICL_TASKS_GAUSSIAN && o.sparsity == 3);
    ck_assert(o.pool == 0 && o.pool_values == NULL && o.pool_seed == 0);
    ck_assert_int_eq(o.rotation_every, 0);
}
END_TEST

RUN_SUITE("task_arguments", test_covariances, test_traces, test_tasks, test_large_laws, test_pools,
          test_rotations, test_covariances_of_prompts, test_defaults)
