/* The LAPACKE layer against the definitions: products, eigenvalues, Cholesky, least squares, SVD.
 *
 * For a planted matrix the condition number is known, and enters the tolerance.
 */
#include "support/support.h"

#include "linalg/linalg.h"

static const int64_t sizes[] = {0, 1, 2, 5, 17, 40};
enum { SIZES = 6, MAX = 40, MAX2 = MAX * MAX };

static icl_context *context; /* made by main */

/* ---- references, from the definitions ---- */

static void product(int trans_a, int trans_b, int64_t m, int64_t n, int64_t k, const double *a,
                    const double *b, double *c) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = 0;
            for (int64_t l = 0; l < k; l++)
                sum += (trans_a ? a[l * m + i] : a[i * k + l]) *
                       (trans_b ? b[j * k + l] : b[l * n + j]);
            c[i * n + j] = sum;
        }
}

static double largest(int64_t count, const double *a) {
    double most = 0;
    for (int64_t i = 0; i < count; i++)
        most = fmax(most, fabs(a[i]));
    return most;
}

static void check_close(int64_t count, const double *a, const double *b, double tolerance,
                        double scale) {
    for (int64_t i = 0; i < count; i++)
        ASSERT_CLOSE(a[i], b[i], tolerance, scale);
}

/* rows (count x n) are orthonormal */
static void check_orthonormal_rows(int64_t count, int64_t n, const double *rows) {
    static double gram[MAX2];
    product(0, 1, count, count, n, rows, rows, gram);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++)
            ASSERT_CLOSE(gram[i * count + j], i == j, TOL_ALGEBRA(n, 1), 1);
}

/* An orthogonal n x n matrix: a product of Householder reflections. */
static void plant_orthogonal(int64_t n, uint64_t seed, double *q) {
    double v[MAX];
    for (int64_t i = 0; i < n * n; i++)
        q[i] = i % (n + 1) == 0;
    for (int64_t round = 0; round < 3; round++) {
        fill_normal(context, seed + (uint64_t)round, n, v);
        double norm = icl_frobenius(n, v, v);
        for (int64_t i = 0; i < n; i++) {
            double along = 0;
            for (int64_t j = 0; j < n; j++)
                along += q[i * n + j] * v[j];
            for (int64_t j = 0; j < n; j++)
                q[i * n + j] -= 2 * along * v[j] / norm;
        }
    }
}

/* a (m x n) = sum_k s[k] u_k v_k^T over count terms with orthonormal u_k, v_k. */
static void plant(int64_t m, int64_t n, int64_t count, const double *s, uint64_t seed, double *a) {
    static double u[MAX2], v[MAX2];
    plant_orthogonal(m, seed, u);
    plant_orthogonal(n, seed + 100, v);
    for (int64_t i = 0; i < m * n; i++)
        a[i] = 0;
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++)
                a[i * n + j] += s[k] * u[k * m + i] * v[k * n + j];
}

static void plant_symmetric(int64_t n, const double *values, uint64_t seed, double *a) {
    static double v[MAX2];
    plant_orthogonal(n, seed, v);
    icl_eigen_compose(n, values, v, a);
}

/* ---- products ---- */

START_TEST(test_matmul_is_the_sum_of_its_definition) {
    static double a[MAX2], b[MAX2], c[MAX2], expected[MAX2];
    fill_normal(context, 1, MAX2, a);
    fill_normal(context, 2, MAX2, b);
    const int64_t some[] = {0, 1, 3, 17};
    for (int shape = 0; shape < 64; shape++)
        for (int trans = 0; trans < 4; trans++) {
            int64_t m = some[shape % 4], n = some[shape / 4 % 4], k = some[shape / 16];
            for (int64_t i = 0; i < MAX2; i++)
                c[i] = NAN;
            icl_matmul(trans & 1, trans >> 1, m, n, k, a, b, c);
            product(trans & 1, trans >> 1, m, n, k, a, b, expected);
            check_close(m * n, c, expected, TOL_ALGEBRA(k + 1, 1), 20);
            ck_assert(isnan(c[m * n]));
        }
}
END_TEST

START_TEST(test_frobenius_is_a_trace) {
    const double a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
    ck_assert(icl_frobenius(4, a, b) == 70);
    ck_assert(icl_frobenius(0, NULL, NULL) == 0);
}
END_TEST

/* ---- symmetric eigenvalues ---- */

START_TEST(test_eigen_finds_planted_values) {
    static double a[MAX2], vectors[MAX2], back[MAX2];
    double planted[MAX], values[MAX + 1];
    for (int s = 0; s < SIZES; s++) {
        int64_t n = sizes[s];
        for (int64_t i = 0; i < n; i++) /* negative, zero and double ones among them */
            planted[i] = (double)(i / 2) - 3;
        plant_symmetric(n, planted, 3, a);
        values[n] = NAN;
        ASSERT_OK(context, icl_eigen(context, n, a, values, vectors));
        ck_assert(isnan(values[n]));
        check_close(n, values, planted, TOL_ALGEBRA(n, 1), largest(n, planted));
        check_orthonormal_rows(n, n, vectors);
        icl_eigen_compose(n, values, vectors, back);
        check_close(n * n, back, a, TOL_ALGEBRA(n, 1), largest(n, planted));
    }
}
END_TEST

/* Second differences: 2 - 2 cos(k pi / (n + 1)); and a matrix that is diagonal already. */
START_TEST(test_tridiagonal_eigenvalues_are_known_ones) {
    for (int i = 0; i < SIZES; i++) {
        int64_t n = sizes[i];
        double diagonal[MAX], off[MAX];
        for (int64_t k = 0; k < n; k++) {
            diagonal[k] = 2;
            off[k] = -1;
        }
        ASSERT_OK(context, icl_tridiagonal_eigenvalues(context, n, diagonal, off));
        for (int64_t k = 0; k < n; k++) {
            double half = sin((double)(k + 1) * acos(-1) / (double)(2 * n + 2));
            ASSERT_CLOSE(diagonal[k], 4 * half * half, TOL_ALGEBRA(n, 1), 4);
        }
        for (int64_t k = 0; k < n; k++) {
            diagonal[k] = (double)(n - k);
            off[k] = 0;
        }
        ASSERT_OK(context, icl_tridiagonal_eigenvalues(context, n, diagonal, off));
        for (int64_t k = 0; k < n; k++)
            ck_assert_double_eq(diagonal[k], (double)(k + 1));
    }
    double one = NAN, none = 0;
    ck_assert_int_eq(icl_tridiagonal_eigenvalues(context, INT64_C(1) << 40, &one, &none),
                     ICL_ERR_SIZE);
}
END_TEST

START_TEST(test_eigen_reads_either_triangle_and_in_place) {
    double a[] = {2, 1, 1, 2}, values[2], vectors[4];
    ASSERT_OK(context, icl_eigen(context, 2, a, values, vectors));
    ASSERT_OK(context, icl_eigen(context, 2, a, values, a));
    check_close(4, a, vectors, 0, 1);
    ASSERT_CLOSE(values[0], 1, TOL_ALGEBRA(2, 1), 1);
    ASSERT_CLOSE(values[1], 3, TOL_ALGEBRA(2, 1), 1);
}
END_TEST

START_TEST(test_compose_is_symmetric_to_the_bit) {
    static double vectors[MAX2], a[MAX2], scaled[MAX2], expected[MAX2];
    double scale[MAX];
    for (int s = 0; s < SIZES; s++) {
        int64_t n = sizes[s];
        fill_normal(context, 4, n * n, vectors);
        fill_normal(context, 5, n, scale);
        icl_eigen_compose(n, scale, vectors, a);
        for (int64_t i = 0; i < n * n; i++) {
            ck_assert(a[i] == a[i % n * n + i / n]);
            scaled[i] = scale[i / n] * vectors[i];
        }
        product(1, 0, n, n, n, vectors, scaled, expected);
        check_close(n * n, a, expected, TOL_ALGEBRA(n, 1), 20);
    }
}
END_TEST

START_TEST(test_sizes_beyond_lapack_are_refused) {
    int64_t huge = (int64_t)1 << 31;
    double none[1] = {0};
    ck_assert_int_eq(icl_cholesky(huge, none), ICL_ERR_SIZE);
    ASSERT_FAILS(context, ICL_ERR_SIZE, "40000 x 40000",
                 icl_eigen(context, 40000, none, none, none));
    ck_assert_int_lt(icl_least_squares_scratch(huge, 1), 0);
    ck_assert_int_lt(icl_eigen_scratch(40000), 0);
    ck_assert_int_lt(icl_svd_scratch(1, huge), 0);
    ASSERT_FAILS(context, ICL_ERR_SIZE, "1 x 2147483648",
                 icl_svd(context, 1, huge, none, none, NULL, NULL));
}
END_TEST

/* ---- Cholesky ---- */

START_TEST(test_cholesky_is_a_factor_and_solves) {
    static double a[MAX2], factor[MAX2], lower[MAX2], back[MAX2], x[3 * MAX], b[3 * MAX + 1];
    double values[MAX];
    for (int s = 0; s < SIZES; s++) {
        int64_t n = sizes[s];
        for (int64_t i = 0; i < n; i++)
            values[i] = 1 + (double)i; /* kappa = n */
        plant_symmetric(n, values, 6, a);
        memcpy(factor, a, sizeof a);
        for (int64_t i = 0; i < n; i++) /* only the lower triangle is read, the upper kept */
            for (int64_t j = i + 1; j < n; j++)
                factor[i * n + j] = 1234;
        ASSERT_OK(context, icl_cholesky(n, factor));
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++) {
                ck_assert(j <= i || factor[i * n + j] == 1234);
                lower[i * n + j] = j <= i ? factor[i * n + j] : 0;
            }
        product(0, 1, n, n, n, lower, lower, back);
        check_close(n * n, back, a, TOL_ALGEBRA(n, 1), (double)n);
        fill_normal(context, 7, 3 * n, x);
        for (int64_t count = 0; count <= 3; count++) {
            product(0, 0, count, n, n, x, a, b);
            b[count * n] = -5;
            icl_cholesky_solve(n, factor, count, b);
            check_close(count * n, b, x, TOL_ALGEBRA(n, n), 4);
            ck_assert(b[count * n] == -5);
        }
    }
}
END_TEST

START_TEST(test_cholesky_refuses_what_is_not_positive) {
    double zero[] = {0}, negative[] = {-1}, ones[] = {1, 1, 1, 1}, indefinite[] = {1, 2, 2, 1};
    double nan_first[] = {NAN, 0, 0, 1}, nan_last[] = {1, 0, 0, NAN};
    ck_assert_int_eq(icl_cholesky(1, zero), ICL_ERR_SINGULAR);
    ck_assert_int_eq(icl_cholesky(1, negative), ICL_ERR_SINGULAR);
    ck_assert_int_eq(icl_cholesky(2, ones), ICL_ERR_SINGULAR);
    ck_assert_int_eq(icl_cholesky(2, indefinite), ICL_ERR_SINGULAR);
    ck_assert_int_eq(icl_cholesky(2, nan_first), ICL_ERR_SINGULAR);
    ck_assert_int_eq(icl_cholesky(2, nan_last), ICL_ERR_SINGULAR);
    static double large[MAX2];
    for (int64_t i = 0; i < MAX2; i++)
        large[i] = 1;
    ck_assert_int_eq(icl_cholesky(MAX, large), ICL_ERR_SINGULAR);
}
END_TEST

/* ---- least squares ---- */

static icl_status least_squares(int64_t m, int64_t n, const double *X, const double *y,
                                double rcond, double *w, int32_t *rank) {
    static double scratch[20 * MAX2];
    int64_t doubles = icl_least_squares_scratch(m, n);
    ck_assert_int_le(doubles, 20 * MAX2);
    return icl_least_squares_with(m, n, X, y, rcond, w, rank, scratch, doubles);
}

/* w is the minimum-norm least-squares solution: X^T (y - X w) = 0 and w in the row space of X,
 * w = X^+ X w. rows (rank x n): an orthonormal basis of that space. */
static void check_least_squares(int64_t m, int64_t n, int64_t rank, const double *X,
                                const double *y, const double *rows, const double *w,
                                double kappa) {
    static double residual[MAX], normal[MAX], along[MAX], back[MAX];
    product(0, 0, m, 1, n, X, w, residual);
    for (int64_t i = 0; i < m; i++)
        residual[i] = y[i] - residual[i];
    product(1, 0, n, 1, m, X, residual, normal);
    double scale = largest(m, y) + largest(n, w), zeros[MAX] = {0};
    check_close(n, normal, zeros, TOL_ALGEBRA(m + n, kappa), largest(m * n, X) * scale);
    product(0, 0, rank, 1, n, rows, w, along);
    product(1, 0, n, 1, rank, rows, along, back);
    check_close(n, back, w, TOL_ALGEBRA(m + n, kappa), scale);
}

START_TEST(test_least_squares_of_every_shape_and_rank) {
    static double X[MAX2], rows[MAX2], w[MAX + 1], y[MAX];
    for (int a = 0; a < SIZES; a++)
        for (int b = 0; b < SIZES; b++)
            for (int64_t rank = 0; rank <= sizes[a] && rank <= sizes[b];
                 rank = rank < 3 ? rank + 1 : rank * 2) {
                int64_t m = sizes[a], n = sizes[b];
                double s[MAX];
                for (int64_t k = 0; k < rank; k++)
                    s[k] = 3 - 2 * (double)k / MAX; /* kappa <= 3 */
                plant(m, n, rank, s, 8, X);
                plant_orthogonal(n, 108, rows);
                fill_normal(context, 9, m, y);
                w[n] = -5;
                int32_t found = -1;
                ASSERT_OK(context, least_squares(m, n, X, y, MAX * DBL_EPSILON, w, &found));
                ck_assert_int_eq(found, rank);
                ck_assert(w[n] == -5);
                check_least_squares(m, n, rank, X, y, rows, w, 9);
            }
}
END_TEST

START_TEST(test_least_squares_finds_planted_weights) {
    static double X[MAX2], w[MAX], found[MAX], y[MAX];
    double s[MAX];
    for (int64_t k = 0; k < 17; k++)
        s[k] = pow(1e4, -(double)k / 16); /* kappa = 1e4 */
    plant(MAX, 17, 17, s, 10, X);
    fill_normal(context, 11, 17, w);
    product(0, 0, MAX, 1, 17, X, w, y);
    ASSERT_OK(context, least_squares(MAX, 17, X, y, -1, found, NULL));
    check_close(17, found, w, TOL_ALGEBRA(MAX, 1e4), largest(17, w));
}
END_TEST

START_TEST(test_least_squares_cuts_at_rcond) {
    const double X[] = {1, 0, 0, 1e-3}, y[] = {2, 3};
    double w[2];
    int32_t rank;
    ASSERT_OK(context, least_squares(2, 2, X, y, 1e-4, w, &rank));
    ck_assert_int_eq(rank, 2);
    ASSERT_CLOSE(w[1], 3000, TOL_ALGEBRA(2, 1e3), 3000);
    ASSERT_OK(context, least_squares(2, 2, X, y, 1e-2, w, &rank));
    ck_assert_int_eq(rank, 1);
    ASSERT_CLOSE(w[0], 2, TOL_ALGEBRA(2, 1), 2);
    ASSERT_CLOSE(w[1], 0, TOL_ALGEBRA(2, 1), 1);
}
END_TEST

/* ---- singular values ---- */

static void check_svd(int64_t m, int64_t n, const double *a, const double *planted) {
    static double u[MAX2], vt[MAX2], ut[MAX2], scaled[MAX2], back[MAX2];
    double s[MAX + 1], alone[MAX];
    int64_t k = m < n ? m : n;
    s[k] = NAN;
    ASSERT_OK(context, icl_svd(context, m, n, a, s, u, vt));
    ck_assert(isnan(s[k]));
    ASSERT_OK(context, icl_svd(context, m, n, a, alone, NULL, NULL));
    check_close(k, s, planted, TOL_ALGEBRA(m + n, 1), 2);
    check_close(k, alone, planted, TOL_ALGEBRA(m + n, 1), 2);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < k; j++)
            ut[j * m + i] = u[i * k + j];
    check_orthonormal_rows(k, m, ut);
    check_orthonormal_rows(k, n, vt);
    for (int64_t i = 0; i < k * n; i++)
        scaled[i] = s[i / n] * vt[i];
    product(0, 0, m, n, k, u, scaled, back);
    check_close(m * n, back, a, TOL_ALGEBRA(m + n, 1), 2);
}

START_TEST(test_svd_of_tall_wide_and_deficient_matrices) {
    static double a[MAX2];
    for (int i = 0; i < SIZES; i++)
        for (int j = 0; j < SIZES; j++) {
            int64_t m = sizes[i], n = sizes[j], k = m < n ? m : n;
            double s[MAX] = {0};
            for (int64_t l = 0; l < k; l++)
                s[l] = 2 - (double)l / MAX;
            plant(m, n, k, s, 12, a);
            check_svd(m, n, a, s);
            if (k > 0)
                s[k - 1] = 0;
            plant(m, n, k, s, 12, a);
            check_svd(m, n, a, s);
        }
}
END_TEST

/* ---- memory ---- */

static icl_status all_that_allocate(icl_context *failing, void *user) {
    (void)user;
    const double a[] = {2, 1, 0, 1, 2, 0, 0, 0, 3};
    double values[3], vectors[9], vt[9];
    ICL_TRY(icl_eigen(failing, 3, a, values, vectors));
    return icl_svd(failing, 3, 3, a, values, vectors, vt);
}

START_TEST(test_every_allocation_may_fail) {
    check_every_allocation(all_that_allocate, NULL);
}
END_TEST

int main(void) {
    const TTest *const tests[] = {
        test_matmul_is_the_sum_of_its_definition,
        test_frobenius_is_a_trace,
        test_eigen_finds_planted_values,
        test_eigen_reads_either_triangle_and_in_place,
        test_tridiagonal_eigenvalues_are_known_ones,
        test_compose_is_symmetric_to_the_bit,
        test_sizes_beyond_lapack_are_refused,
        test_cholesky_is_a_factor_and_solves,
        test_cholesky_refuses_what_is_not_positive,
        test_least_squares_of_every_shape_and_rank,
        test_least_squares_finds_planted_weights,
        test_least_squares_cuts_at_rcond,
        test_svd_of_tall_wide_and_deficient_matrices,
        test_every_allocation_may_fail,
    };
    if (icl_context_create(NULL, &context) != ICL_OK)
        return 1;
    int failed = run_tests("linalg", tests, sizeof tests / sizeof *tests);
    icl_context_free(context);
    return failed;
}
