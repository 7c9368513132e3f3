/* Rotations: orthogonal, determinant +1, the documented product of reflections, Haar moments. */
#include "random_reference.h"
#include "statistics.h"

static double *make_rotation(uint64_t seed, uint64_t stream, int64_t d, icl_isa isa) {
    icl_context *context = make_context(1, isa);
    double *Q = malloc((size_t)(d * d) * sizeof *Q);
    ck_assert_ptr_nonnull(Q);
    ASSERT_OK(context, icl_random_rotation(context, seed, stream, d, Q));
    icl_context_free(context);
    return Q;
}

/* By elimination with pivots, in long double; spoils a. */
static long double determinant(int64_t d, long double *a) {
    long double det = 1;
    for (int64_t k = 0; k < d; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < d; i++)
            if (fabsl(a[i * d + k]) > fabsl(a[pivot * d + k]))
                pivot = i;
        for (int64_t j = 0; j < d && pivot != k; j++) {
            long double entry = a[k * d + j];
            a[k * d + j] = a[pivot * d + j];
            a[pivot * d + j] = entry;
        }
        det *= (pivot != k ? -1 : 1) * a[k * d + k];
        for (int64_t i = k + 1; i < d; i++) {
            long double factor = a[i * d + k] / a[k * d + k];
            for (int64_t j = k; j < d; j++)
                a[i * d + j] -= factor * a[k * d + j];
        }
    }
    return det;
}

static long double determinant_of(int64_t d, const double *Q) {
    long double *a = malloc((size_t)(d * d) * sizeof *a);
    for (int64_t i = 0; i < d * d; i++)
        a[i] = Q[i];
    long double det = determinant(d, a);
    free(a);
    return det;
}

static const int64_t dims[] = {1, 2, 3, 4, 5, 17, 64, 130};

START_TEST(test_orthogonal_with_determinant_one) {
    for (int i = 0; i < 8; i++)
        for (uint64_t seed = 0; seed < (dims[i] < 20 ? 40 : 4); seed++) {
            int64_t d = dims[i];
            double *Q = make_rotation(seed, seed % 3, d, ICL_ISA_AUTO);
            for (int64_t a = 0; a < d; a++)
                for (int64_t b = 0; b < d; b++) {
                    double columns = 0, rows = 0;
                    for (int64_t k = 0; k < d; k++) {
                        columns += Q[k * d + a] * Q[k * d + b];
                        rows += Q[a * d + k] * Q[b * d + k];
                    }
                    QUICK_CLOSE(columns, a == b, TOL_ALGEBRA(d, 1));
                    QUICK_CLOSE(rows, a == b, TOL_ALGEBRA(d, 1));
                }
            ASSERT_CLOSE((double)determinant_of(d, Q), 1, TOL_ALGEBRA(d * d, 1), 1);
            free(Q);
        }
}
END_TEST

/* The orthogonal factor of step k, from 1: as <icl/random.h> says, written out as a matrix. */
static void reference_factor(uint64_t seed, uint64_t stream, int64_t d, int64_t k, long double *H) {
    int64_t skip = k - 1, size = d - skip;
    long double *u = calloc((size_t)d, sizeof *u), norm2 = 0, u2 = 0;
    for (int64_t i = 0; i < size; i++) {
        u[skip + i] = reference_flat_normal(seed, stream, skip * d + i);
        norm2 += u[skip + i] * u[skip + i];
    }
    int positive = u[skip] > 0;
    u[skip] += positive ? sqrtl(norm2) : -sqrtl(norm2);
    for (int64_t i = 0; i < d; i++)
        u2 += u[i] * u[i];
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < d; j++)
            H[i * d + j] = ((i == j) - 2 * u[i] * u[j] / u2) * (j == skip && positive ? -1 : 1);
    free(u);
}

static void reference_rotation(uint64_t seed, uint64_t stream, int64_t d, long double *Q) {
    size_t bytes = (size_t)(d * d) * sizeof *Q;
    long double *H = malloc(bytes), *P = malloc(bytes);
    for (int64_t i = 0; i < d * d; i++)
        Q[i] = i % (d + 1) == 0;
    for (int64_t k = 1; k < d; k++) {
        reference_factor(seed, stream, d, k, H);
        memcpy(P, Q, bytes);
        for (int64_t i = 0; i < d; i++)
            for (int64_t j = 0; j < d; j++) {
                Q[i * d + j] = 0;
                for (int64_t l = 0; l < d; l++)
                    Q[i * d + j] += P[i * d + l] * H[l * d + j];
            }
    }
    memcpy(P, Q, bytes);
    if (determinant(d, P) < 0)
        for (int64_t i = 0; i < d; i++)
            Q[i * d + d - 1] = -Q[i * d + d - 1];
    free(H);
    free(P);
}

START_TEST(test_product_of_the_documented_reflections) {
    static long double expected[20 * 20];
    for (int64_t d = 1; d <= 20; d++)
        for (uint64_t seed = 0; seed < 4; seed++) {
            double *Q = make_rotation(seed, 5, d, ICL_ISA_AUTO);
            reference_rotation(seed, 5, d, expected);
            for (int64_t i = 0; i < d * d; i++)
                QUICK_CLOSE(Q[i], (double)expected[i], TOL_ALGEBRA(d, 1));
            free(Q);
        }
}
END_TEST

START_TEST(test_every_instruction_set_gives_equal_bits) {
    for (int i = 0; i < 8; i++)
        for (int isa = ICL_ISA_AVX2; isa <= ICL_ISA_AVX512; isa++) {
            if (!icl_isa_supported((icl_isa)isa))
                continue;
            double *a = make_rotation(1, 2, dims[i], ICL_ISA_BASELINE);
            double *b = make_rotation(1, 2, dims[i], (icl_isa)isa);
            ck_assert_mem_eq(a, b, (size_t)(dims[i] * dims[i]) * sizeof *a);
            free(a);
            free(b);
        }
}
END_TEST

/* E Q_ij = 0, E Q_ij Q_kl = [i = k][j = l]/d, E Q_ij^4 = 3/(d(d + 2)), and for two entries that
 * share no line E Q_ij^2 Q_kl^2 = (d + 1)/((d - 1) d (d + 2)). */
static void check_entries(int64_t d, int64_t count) {
    static tally means[25], squares[25], fourths[25], across, along, beside;
    memset(means, 0, sizeof means);
    memset(squares, 0, sizeof squares);
    memset(fourths, 0, sizeof fourths);
    across = along = beside = (tally){0};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double Q[25];
    for (int64_t s = 0; s < count; s++) {
        ASSERT_OK(context, icl_random_rotation(context, 12, (uint64_t)s, d, Q));
        for (int64_t e = 0; e < d * d; e++) {
            tally_add(&means[e], Q[e]);
            tally_add(&squares[e], Q[e] * Q[e]);
            tally_add(&fourths[e], pow(Q[e], 4));
        }
        tally_add(&across, Q[0] * Q[d + 1]);
        tally_add(&along, Q[d * d - 1] * Q[d * d - 2]);
        tally_add(&beside, pow(Q[0] * Q[d * d - 1], 2));
    }
    double n = (double)d;
    for (int64_t e = 0; e < d * d; e++) {
        assert_tally("Q", &means[e], 0);
        assert_tally("Q^2", &squares[e], 1 / n);
        assert_tally("Q^4", &fourths[e], 3 / (n * (n + 2)));
    }
    if (d > 2) { /* on the circle Q_11 = Q_22 */
        assert_tally("Q_11 Q_22", &across, 0);
        assert_tally("Q_11^2 Q_dd^2", &beside, (n + 1) / ((n - 1) * n * (n + 2)));
    }
    assert_tally("Q_dd Q_d,d-1", &along, 0);
    icl_context_free(context);
}

START_TEST(test_haar_moments_of_entries) {
    for (int64_t d = 2; d <= 5; d++)
        check_entries(d, 20000);
}
END_TEST

/* Moments of the trace count invariant tensors: on SO(2) 2 cos, on SO(3) 0, 1, 1, 3 (the third one,
 * the triple product, is 0 on O(3)), on SO(4) 0, 1, 0, 4, on SO(5) 0, 1, 0, 3. */
START_TEST(test_haar_moments_of_the_trace) {
    const double expected[4][4] = {{0, 2, 0, 6}, {0, 1, 1, 3}, {0, 1, 0, 4}, {0, 1, 0, 3}};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double Q[25];
    for (int64_t d = 2; d <= 5; d++) {
        tally moments[4] = {{0}};
        for (uint64_t s = 0; s < 20000; s++) {
            ASSERT_OK(context, icl_random_rotation(context, s, 3, d, Q));
            double trace = 0, power = 1;
            for (int64_t i = 0; i < d; i++)
                trace += Q[i * d + i];
            for (int k = 0; k < 4; k++)
                tally_add(&moments[k], power *= trace);
        }
        for (int k = 0; k < 4; k++)
            assert_tally("a moment of the trace", &moments[k], expected[d - 2][k]);
    }
    icl_context_free(context);
}
END_TEST

START_TEST(test_angles_of_the_plane) {
    int64_t counts[64] = {0};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (uint64_t s = 0; s < 30000; s++) {
        double Q[4];
        ASSERT_OK(context, icl_random_rotation(context, 4, s, 2, Q));
        counts[cell_of(0.5 + atan2(Q[2], Q[0]) / (4 * (double)HALF_PI), 64)]++;
    }
    assert_even("angles", 64, counts);
    icl_context_free(context);
}
END_TEST

/* ---- arguments ---- */

START_TEST(test_bad_arguments) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    double Q[4] = {7, 7, 7, 7};
    ck_assert_int_eq(icl_random_rotation(NULL, 0, 0, 2, Q), ICL_ERR_ARGUMENT);
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = 0", icl_random_rotation(context, 0, 0, 0, Q));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = -1", icl_random_rotation(context, 0, 0, -1, Q));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "dim = 16385",
                 icl_random_rotation(context, 0, 0, 16385, Q));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "seed = 18446744073709551615",
                 icl_random_rotation(context, UINT64_MAX, 0, 2, Q));
    ASSERT_FAILS(context, ICL_ERR_ARGUMENT, "rotation is NULL",
                 icl_random_rotation(context, 0, 0, 2, NULL));
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq(Q[i], 7);
    ASSERT_OK(context, icl_random_rotation(context, 0, 0, 1, Q));
    ck_assert(Q[0] == 1 && Q[1] == 7);
    icl_context_free(context);
}
END_TEST

static icl_status rotate(icl_context *context, void *user) {
    return icl_random_rotation(context, 1, 1, 3, user);
}

START_TEST(test_every_allocation_may_fail) {
    double Q[9];
    check_every_allocation(rotate, Q);
    ASSERT_CLOSE((double)determinant_of(3, Q), 1, TOL_ALGEBRA(9, 1), 1);
}
END_TEST

RUN_SUITE("rotation", test_orthogonal_with_determinant_one,
          test_product_of_the_documented_reflections, test_every_instruction_set_gives_equal_bits,
          test_haar_moments_of_entries, test_haar_moments_of_the_trace, test_angles_of_the_plane,
          test_bad_arguments, test_every_allocation_may_fail)
