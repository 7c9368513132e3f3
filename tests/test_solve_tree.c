/* The regression tree, against one that tries every split of every node by its definition. */
#include "test_prefixes.h"

static icl_solver *tree_solver(icl_context *context, int64_t d, int64_t depth) {
    icl_solver_options o = options_of(ICL_METHOD_TREE, d, 1);
    o.depth = depth;
    return solver_of(context, &o);
}

typedef struct group {
    int64_t count, d;
    const double *X, *y;
    const int64_t *members;
} group;

/* Squared error of the members with x_j <= threshold, of the others, or of all (j < 0); and mean.
 */
static long double error_of(const group *g, int64_t j, double threshold, int left,
                            long double *mean) {
    long double sum = 0, error = 0;
    int64_t count = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < g->count; i++) {
            int64_t member = g->members[i];
            if (j >= 0 && (g->X[member * g->d + j] <= threshold) != left)
                continue;
            long double y = (long double)g->y[member];
            if (pass == 0) {
                sum += y;
                count++;
            } else {
                error += (y - *mean) * (y - *mean);
            }
            *mean = sum / (long double)count;
        }
    return error;
}

/* The example with the least x_j above x, or -1. */
static int64_t next_above(const group *g, int64_t j, double x) {
    int64_t next = -1;
    for (int64_t i = 0; i < g->count; i++) {
        double other = g->X[g->members[i] * g->d + j];
        if (other > x && (next < 0 || other < g->X[next * g->d + j]))
            next = g->members[i];
    }
    return next;
}

/* Follows the query down, splitting only the nodes that it meets. */
static double reference(group g, int64_t depth, const double *x) {
    if (g.count == 0)
        return 0;
    int64_t *members = malloc((size_t)g.count * sizeof *members);
    memcpy(members, g.members, (size_t)g.count * sizeof *members);
    g.members = members;
    long double mean = 0, total, best, ignored = 0;
    for (;; depth--) {
        total = best = error_of(&g, -1, 0, 0, &mean);
        int64_t coordinate = -1;
        double threshold = 0;
        for (int64_t j = 0; depth > 0 && total > 0 && j < g.d; j++) {
            int64_t at = next_above(&g, j, -INFINITY), next;
            for (; (next = next_above(&g, j, g.X[at * g.d + j])) >= 0; at = next) {
                double cut = g.X[at * g.d + j] / 2 + g.X[next * g.d + j] / 2;
                long double error =
                    error_of(&g, j, cut, 1, &ignored) + error_of(&g, j, cut, 0, &ignored);
                if (coordinate >= 0 && !(error < best - 1e-10L * total))
                    continue;
                coordinate = j;
                threshold = cut;
                best = error;
            }
        }
        if (coordinate < 0)
            break;
        int64_t kept = 0;
        for (int64_t i = 0; i < g.count; i++)
            if ((g.X[members[i] * g.d + coordinate] <= threshold) == (x[coordinate] <= threshold))
                members[kept++] = members[i];
        g.count = kept;
    }
    free(members);
    return (double)mean;
}

static void check(icl_context *context, const icl_batch *batch, int64_t depth) {
    int64_t n = icl_batch_context(batch), d = icl_batch_dim(batch), members[64];
    icl_solver *solver = tree_solver(context, d, depth);
    curves c = curves_of(context, solver, batch, NULL, 0);
    for (int64_t i = 0; i < 64; i++)
        members[i] = i;
    for (int64_t p = 0; p < icl_batch_prompts(batch); p++)
        for (int64_t t = 0; t <= n; t++) {
            group g = {t, d, icl_batch_X(batch) + p * n * d, icl_batch_y(batch) + p * n, members};
            ASSERT_CLOSE(prediction_at(&c, p, t, 0), reference(g, depth, query_at(batch, p, t)),
                         TOL_ALGEBRA(n + 1, 1), 10);
            ck_assert_int_eq(report_at(&c, p, t)->stop, ICL_STOP_CONVERGED);
        }
    free_curves(&c);
    icl_solver_free(solver);
}

START_TEST(test_the_definition_at_every_prefix) {
    /* repeated examples, equal columns and equal labels among them */
    icl_context *context = make_context(2, ICL_ISA_AUTO);
    const int64_t depths[] = {0, 1, 2, 4, 64};
    for (int s = 0; s < PREFIX_SHAPES; s++) {
        icl_batch *batch = awkward_batch(context, prefix_shapes[s][0], prefix_shapes[s][1], 31);
        for (int k = 0; k < 5; k++)
            check(context, batch, depths[k]);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_ties) {
    /* whole numbers: many examples with the same coordinate, many splits as good */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { B = 20, COUNT = 30, D = 3 };
    double X[B * COUNT * D], y[B * COUNT], query[B * D];
    fill_normal(context, 1, B * COUNT * D, X);
    fill_normal(context, 2, B * COUNT, y);
    fill_normal(context, 3, B * D, query);
    for (int i = 0; i < B * COUNT * D; i++)
        X[i] = rint(X[i]);
    for (int i = 0; i < B * COUNT; i++)
        y[i] = rint(y[i]);
    icl_batch *batch = batch_of(context, B, COUNT, D, 1, ICL_CONTENTS_ALL, X, y, query);
    for (int64_t depth = 1; depth < 8; depth++)
        check(context, batch, depth);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_a_tree_is_found) {
    /* a deep tree knows its examples; exclusive or takes two levels, of which one gains nothing */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    enum { COUNT = 500 };
    static double X[COUNT * DIM], y[COUNT], prediction[COUNT];
    fill_normal(context, 1, COUNT * DIM, X);
    fill_normal(context, 2, COUNT, y);
    icl_batch *batch = batch_of(context, 1, COUNT, DIM, COUNT, ICL_CONTENTS_ALL, X, y, X);
    icl_solver *deep = tree_solver(context, DIM, 64);
    ASSERT_OK(context, icl_solver_predict(deep, batch, prediction));
    assert_same_bits(COUNT, prediction, y);
    icl_solver_free(deep);
    icl_batch_free(batch);
    const double corners[] = {0, 0, 0, 1, 1, 0, 1, 1}, labels[] = {0, 1, 1, 0};
    const double queries[] = {0.4, -9, 0.4, 0.6, 0.6, 0.4, 9, 9};
    batch = batch_of(context, 1, 4, 2, 4, ICL_CONTENTS_ALL, corners, labels, queries);
    for (int64_t depth = 1; depth <= 2; depth++) {
        icl_solver *solver = tree_solver(context, 2, depth);
        ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
        for (int j = 0; j < 4; j++)
            ck_assert(prediction[j] == (depth == 1 ? 0.5 : labels[j]));
        icl_solver_free(solver);
    }
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

START_TEST(test_neighbouring_and_extreme_numbers) {
    /* no number lies between two of these; the ends of the doubles */
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    const double X[] = {1, 1 + DBL_EPSILON, -DBL_MAX, DBL_MAX, 0x1p-1074, 0x1p-1073};
    const double y[] = {3, 4, -5, 7, 8, 9};
    double prediction[6];
    icl_batch *batch = batch_of(context, 1, 6, 1, 6, ICL_CONTENTS_ALL, X, y, X);
    icl_solver *solver = tree_solver(context, 1, 64);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    assert_same_bits(6, prediction, y);
    icl_batch_free(batch);
    /* labels whose sum overflows: a report that says so, and nothing that is not finite */
    const double large[] = {DBL_MAX, DBL_MAX / 2, DBL_MAX, 1, 2, 3};
    batch = batch_of(context, 1, 6, 1, 6, ICL_CONTENTS_ALL, X, large, X);
    ASSERT_OK(context, icl_solver_predict(solver, batch, prediction));
    ck_assert(icl_all_finite(prediction, 6));
    icl_solver_free(solver);
    solver = tree_solver(context, 1, 0);
    curves c = curves_of(context, solver, batch, NULL, 0);
    ck_assert(icl_all_finite(c.prediction, 7));
    ck_assert_int_eq(c.reports[1].stop, ICL_STOP_CONVERGED);
    ck_assert_int_eq(c.reports[6].stop, ICL_STOP_DIVERGED);
    free_curves(&c);
    icl_solver_free(solver);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("solve_tree", test_the_definition_at_every_prefix, test_ties, test_a_tree_is_found,
          test_neighbouring_and_extreme_numbers)
