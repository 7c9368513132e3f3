#include "lanes/lane_matrix.h"
#include "solve/triangle.h"

/* Row k of R begins here, with r_k,k+1; z_k is its last entry, number d - 1 - k. */
V8_INLINE int64_t row_start(int64_t d, int64_t k) {
    return d + k * d - k * (k - 1) / 2;
}

static void reset(int64_t d, const double *lambda, double *factor) {
    memset(factor, 0, (size_t)(8 * icl_triangle_entries(d)) * sizeof *factor);
    for (int64_t k = 0; k < d; k++)
        v8_store(factor + 8 * k, v8_load(lambda));
}

/* Row k of R and the new row after the rotation that makes x_k = 0:
 *
 *     D' = D + weight x_k^2,   r' = (D r + weight x_k x) / D',   x' = x - x_k r,
 *     weight' = weight D / D'.
 */
V8_INLINE v8 rotate(int64_t d, int64_t k, v8 weight, double *row, double *factor) {
    const v8 x_k = v8_load(row + 8 * k), D = v8_load(factor + 8 * k);
    const v8 scaled = v8_mul(weight, x_k), sum = v8_fma(scaled, x_k, D);
    const u8 positive = v8_less(v8_set(0), sum);
    const v8 inverse = v8_div(v8_set(1), v8_choose(positive, sum, v8_set(1)));
    const v8 c = v8_choose(positive, v8_mul(D, inverse), v8_set(1));
    const v8 s = v8_choose(positive, v8_mul(scaled, inverse), v8_set(0));
    const v8 minus = v8_sub(v8_set(0), x_k);
    double *r = factor + 8 * (row_start(d, k) - k - 1);
    for (int64_t j = k + 1; j <= d; j++) {
        const v8 x = v8_load(row + 8 * j), old = v8_load(r + 8 * j);
        v8_store(row + 8 * j, v8_fma(minus, old, x));
        v8_store(r + 8 * j, v8_fma(s, x, v8_mul(c, old)));
    }
    v8_store(factor + 8 * k, sum);
    return v8_mul(weight, c);
}

/* Appends sqrt(weight) (x, y), of which the first `from` entries are 0. */
V8_INLINE void append_weighted(int64_t d, int64_t from, v8 weight, double *row, double *factor) {
    for (int64_t k = from; k < d; k++)
        weight = rotate(d, k, weight, row, factor);
    double *rest = factor + 8 * icl_triangle_rest(d);
    const v8 y = v8_load(row + 8 * d);
    v8_store(rest, v8_fma(v8_mul(weight, y), y, v8_load(rest)));
}

static void append(int64_t d, double *row, double *factor) {
    append_weighted(d, 0, v8_set(1), row, factor);
}

static void penalise(int64_t d, const double *lambda, double *row, double *factor) {
    for (int64_t i = 0; i < d; i++) {
        memset(row + 8 * i, 0, (size_t)(8 * (d + 1 - i)) * sizeof *row);
        v8_store(row + 8 * i, v8_set(1));
        append_weighted(d, i, v8_load(lambda), row, factor);
    }
}

/* a.b in four sums, since one alone waits for its own fused multiply-add */
V8_INLINE v8 dot_of(int64_t count, const double *a, const double *b) {
    v8 sum[4] = {v8_set(0), v8_set(0), v8_set(0), v8_set(0)};
    int64_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int k = 0; k < 4; k++)
            sum[k] = v8_fma(v8_load(a + 8 * (i + k)), v8_load(b + 8 * (i + k)), sum[k]);
    for (; i < count; i++)
        sum[0] = v8_fma(v8_load(a + 8 * i), v8_load(b + 8 * i), sum[0]);
    return v8_add(v8_add(sum[0], sum[1]), v8_add(sum[2], sum[3]));
}

static void solve(int64_t d, const double *factor, double *w, double *least, double *greatest) {
    v8 low = v8_load(factor), high = low;
    for (int64_t k = d - 1; k >= 0; k--) {
        const double *r = factor + 8 * row_start(d, k);
        const v8 D = v8_load(factor + 8 * k), z = v8_load(r + 8 * (d - 1 - k));
        v8_store(w + 8 * k, v8_sub(z, dot_of(d - 1 - k, r, w + 8 * (k + 1))));
        low = v8_choose(v8_less(D, low), D, low);
        high = v8_max(D, high);
    }
    v8_store(least, low);
    v8_store(greatest, high);
}

/* x <- x - Q^T Q x for the first t rows of the basis Q; h (t) is work */
V8_INLINE void project(int64_t d, int64_t t, const double *basis, double *x, double *h) {
    lane_multiply_ll(1, t, d, lane_rows(x, d), lane_transposed(basis, d), 0, NULL, h, t);
    for (int64_t i = 0; i < t; i++)
        v8_store(h + 8 * i, v8_sub(v8_set(0), v8_load(h + 8 * i)));
    lane_multiply_ll(1, d, t, lane_rows(h, t), lane_rows(basis, d), 0, x, x, d);
}

static void extend(int64_t d, int64_t t, const double *row, double *basis, double *w,
                   double *square, double *work) {
    double *x = basis + 8 * t * d;
    const v8 residual = v8_sub(v8_load(row + 8 * d), dot_of(d, row, w));
    lane_copy(d, row, x);
    if (t > 0) {
        project(d, t, basis, x, work);
        project(d, t, basis, x, work); /* twice is enough (Kahan, Parlett) */
    }
    const v8 length2 = dot_of(d, x, x);
    const u8 positive = v8_less(v8_set(0), length2);
    const v8 inverse = v8_div(v8_set(1), v8_sqrt(v8_choose(positive, length2, v8_set(1))));
    const v8 factor = v8_mul(residual, inverse);
    for (int64_t i = 0; i < d; i++) {
        const v8 q = v8_mul(v8_load(x + 8 * i), inverse);
        v8_store(x + 8 * i, q);
        v8_store(w + 8 * i, v8_fma(factor, q, v8_load(w + 8 * i)));
    }
    v8_store(square, length2);
}

static void dot(int64_t d, const double *a, const double *b, double *out) {
    v8_store(out, dot_of(d, a, b));
}

const icl_triangle_kernels ICL_ISA_NAME(icl_triangle_kernels) = {reset, append, penalise,
                                                                 solve, extend, dot};
