/* Nearest neighbours, against a sort of all examples. */
#include "test_prefixes.h"

static icl_solver *knn(icl_context *context, int64_t d, int64_t k) {
    icl_solver_options o = options_of(ICL_METHOD_KNN, d, 1);
    o.neighbours = k;
    return solver_of(context, &o);
}

typedef struct example {
    long double distance;
    int64_t number;
} example;

static int by_distance(const void *a, const void *b) {
    const example *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance > y->distance ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

/* The mean label of the first k in order of distance. */
static double reference(int64_t t, int64_t d, int64_t k, const double *X, const double *y,
                        const double *x) {
    example *all = malloc((size_t)(t + 1) * sizeof *all);
    for (int64_t i = 0; i < t; i++) {
        all[i] = (example){.number = i};
        for (int64_t j = 0; j < d; j++) {
            long double difference = (long double)X[i * d + j] - (long double)x[j];
            all[i].distance += difference * difference;
        }
    }
    qsort(all, (size_t)t, sizeof *all, by_distance);
    int64_t count = t < k ? t : k;
    long double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += (long double)y[all[i].number];
    free(all);
    return count > 0 ? (double)(sum / (long double)count) : 0;
}

static void check(icl_context *context, const icl_batch *batch, int64_t k) {
    int64_t B = icl_batch_prompts(batch), n = icl_batch_context(batch), d = icl_batch_dim(batch);
    icl_solver *solver = knn(context, d, k);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int64_t p = 0; p < B; p++)
        for (int64_t t = 0; t <= n; t++) {
            double expected = reference(t, d, k, icl_batch_X(batch) + p * n * d,
                                        icl_batch_y(batch) + p * n, query_at(batch, p, t));
            ASSERT_CLOSE(prediction_at(&c, p, t, 0), expected, TOL_ALGEBRA(n + 1, 1), 10);
            ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
            ck_assert_int_eq(report_at(&c, p, t)->rank, -1);
        }
    free_curves(&c);
    icl_solver_free(solver);
}

START_TEST(test_the_definition_at_every_prefix) {
    /* prompts with repeated examples, and queries that are examples, among them */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t neighbours[] = {1, 2, 3, 10, 29, 1000, INT64_C(1) << 31};
    for (int s = 0; s < PREFIX_SHAPES; s++) {
        icl_batch *batch = awkward_batch(context, prefix_shapes[s][0], prefix_shapes[s][1], 40);
        for (int k = 0; k < 7; k++)
            check(context, batch, neighbours[k]);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_many_examples_as_far) {
    /* whole numbers on a small grid: most distances are there many times, and exact */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { B = 5, SIZE = 300, D = 2 };
    double X[B * SIZE * D], y[B * SIZE], query[B * D];
    fill_normal(context, 1, B * SIZE * D, X);
    fill_normal(context, 2, B * SIZE, y);
    fill_normal(context, 3, B * D, query);
    for (int i = 0; i < B * SIZE * D; i++)
        X[i] = rint(2 * X[i]);
    for (int i = 0; i < B * D; i++)
        query[i] = rint(query[i]);
    icl_batch *batch = batch_of(context, B, SIZE, D, 1, ICL_CONTENTS_ALL, X, y, query);
    for (int64_t k = 1; k < 100; k = 2 * k + 1)
        check(context, batch, k);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_a_query_that_is_an_example_finds_it) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double X[20 * DIM], y[20], prediction[20];
    fill_normal(context, 1, 20 * DIM, X);
    fill_normal(context, 2, 20, y);
    icl_batch *batch = batch_of(context, 1, 20, DIM, 20, ICL_CONTENTS_ALL, X, y, X);
    icl_solver *solver = knn(context, DIM, 1);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    assert_same_bits(20, prediction, y);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_distances_and_labels_that_overflow) {
    /* examples infinitely far come last, the earlier before the later; labels that add up to
     * infinity give no answer, and a report that says so */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1e300, -1e308, 3, 1}, y[] = {1e308, 1.5e308, 5, 7}, query[] = {0};
    const double expected[] = {0, 1e308, 0, 1e308, 6};
    icl_batch *batch = batch_of(context, 1, 4, 1, 1, ICL_CONTENTS_ALL, X, y, query);
    icl_solver *solver = knn(context, 1, 2);
    curves c = curves_of(context, solver, batch, NULL, 0);
    double last;
    assert_same_bits(1, c.prediction, expected);
    ASSERT_CLOSE(c.prediction[1], y[0], 0, 1); /* asked at x = -1e308 */
    assert_same_bits(1, &c.prediction[2], &expected[2]);
    ck_assert_int_eq(c.reports[2].stop, ICL_STOP_DIVERGED);
    ck_assert_int_eq(c.reports[1].stop, ICL_STOP_CONVERGED);
    ASSERT_CLOSE(c.prediction[3], (y[0] + y[2]) / 2, 1e-15, 1e308);
    assert_same_bits(1, &c.prediction[4], &expected[4]);
    ASSERT_OK(context, icl_solver_predict(solver, batch, &last));
    assert_same_bits(1, &last, &expected[4]);
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_knn", test_the_definition_at_every_prefix, test_many_examples_as_far,
          test_a_query_that_is_an_example_finds_it, test_distances_and_labels_that_overflow)
