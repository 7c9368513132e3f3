#include "base/vec8_math.h"
#include "lanes/lane_matrix.h"
#include "task/task_kernels.h"

static void affine(const icl_root *root, const double *mean, int64_t dim, int64_t count,
                   const double *z, int64_t stride, double *x) {
    for (int64_t i = 0; i < count; i++, z += 8 * dim, x += 8 * stride)
        for (int64_t j = 0; j < dim; j++) {
            v8 sum = v8_set(mean != NULL ? mean[j] : 0);
            if (root->dense != NULL)
                for (int64_t k = 0; k < dim; k++)
                    sum = v8_muladd(v8_set(root->dense[j * dim + k]), v8_load(z + 8 * k), sum);
            else if (root->diagonal != NULL)
                sum = v8_muladd(v8_set(root->diagonal[j]), v8_load(z + 8 * j), sum);
            else
                sum = v8_add(v8_load(z + 8 * j), sum);
            v8_store(x + 8 * j, sum);
        }
}

static void rotate(const double *V, const double *scales, const double *mean, int64_t dim,
                   int64_t count, double *z, int64_t stride, double *x) {
    for (int64_t i = 0; i < count; i++, z += 8 * dim, x += 8 * stride) {
        for (int64_t k = 0; k < dim; k++)
            v8_store(z + 8 * k, v8_mul(v8_set(scales[k]), v8_load(z + 8 * k)));
        for (int64_t j = 0; j < dim; j++) {
            v8 sum = v8_set(mean != NULL ? mean[j] : 0);
            for (int64_t k = 0; k < dim; k++)
                sum = v8_muladd(v8_load(V + 8 * (j * dim + k)), v8_load(z + 8 * k), sum);
            v8_store(x + 8 * j, sum);
        }
    }
}

static void stretch(int64_t dim, int64_t count, const double *factors, int64_t by_vector,
                    int64_t by_entry, double *z) {
    for (int64_t i = 0; i < count; i++, z += 8 * dim)
        for (int64_t j = 0; j < dim; j++) {
            const double *factor = factors + 8 * (by_vector * i + by_entry * j);
            v8_store(z + 8 * j, v8_mul(v8_load(factor), v8_load(z + 8 * j)));
        }
}

static void normalise(int64_t dim, double radius, double *w) {
    v8 sum = v8_set(0);
    for (int64_t j = 0; j < dim; j++)
        sum = v8_muladd(v8_load(w + 8 * j), v8_load(w + 8 * j), sum);
    v8 scale = v8_div(v8_set(radius), v8_sqrt(sum));
    for (int64_t j = 0; j < dim; j++)
        v8_store(w + 8 * j, v8_mul(scale, v8_load(w + 8 * j)));
}

static v8 dot(int64_t dim, const double *w, const double *x) {
    v8 sum = v8_set(0);
    for (int64_t j = 0; j < dim; j++)
        sum = v8_muladd(v8_load(w + 8 * j), v8_load(x + 8 * j), sum);
    return sum;
}

static void project(int64_t dim, int64_t count, const double *w, int64_t stride, const double *x,
                    int64_t s_stride, double *s) {
    for (int64_t i = 0; i < count; i++)
        v8_store(s + 8 * i * s_stride, dot(dim, w, x + 8 * i * stride));
}

static void quadratic(int64_t dim, int64_t count, const double *w, int64_t stride, const double *x,
                      int64_t s_stride, double *s) {
    const v8 root_3 = v8_set(0x1.bb67ae8584caap+0);
    for (int64_t i = 0; i < count; i++, x += 8 * stride) {
        v8 sum = v8_set(0);
        for (int64_t j = 0; j < dim; j++) {
            v8 one = v8_load(x + 8 * j);
            sum = v8_muladd(v8_load(w + 8 * j), v8_mul(one, one), sum);
        }
        v8_store(s + 8 * i * s_stride, v8_div(sum, root_3));
    }
}

static void net(int64_t dim, int64_t hidden, icl_activation activation, int64_t count,
                const double *task, int64_t stride, const double *x, int64_t y_stride, double *y) {
    const int smooth = activation == ICL_ACTIVATION_TANH;
    const v8 scale = v8_set(sqrt((smooth ? 1.0 : 2.0) / (double)hidden));
    for (int64_t i = 0; i < count; i++) {
        v8 sum = v8_set(0);
        for (int64_t k = 0; k < hidden; k++) {
            v8 s = dot(dim, task + 8 * k * dim, x + 8 * i * stride);
            v8 unit = smooth ? v8_tanh(s) : v8_max(s, v8_set(0));
            sum = v8_muladd(v8_load(task + 8 * (hidden * dim + k)), unit, sum);
        }
        v8_store(y + 8 * i * y_stride, v8_mul(scale, sum));
    }
}

/* Lanes beyond the vector function's range go to libm, the others never: what a lane holds may not
 * depend on its neighbours. */
static v8 sin_of(v8 x) {
    _Alignas(64) double in[8], out[8];
    v8_store(in, x);
    v8_store(out, v8_sin(x));
    for (int l = 0; l < 8; l++)
        if (fabs(in[l]) > 0x1p20)
            out[l] = sin(in[l]);
    return v8_load(out);
}

static void label(icl_labels labels, int64_t count, int64_t stride, double *y) {
    for (int64_t i = 0; i < count; i++, y += 8 * stride) {
        v8 s = v8_load(y);
        switch (labels) {
        case ICL_LABELS_TANH:
            s = v8_tanh(s);
            break;
        case ICL_LABELS_RELU:
            s = v8_max(s, v8_set(0));
            break;
        case ICL_LABELS_SIN:
            s = sin_of(v8_add(s, s));
            break;
        case ICL_LABELS_SIGN:
            s = v8_choose(v8_less(s, v8_set(0)), v8_set(-1), v8_set(1));
            break;
        case ICL_LABELS_CUBIC:
            s = v8_mul(s, v8_mul(s, s));
            break;
        default:
            return;
        }
        v8_store(y, s);
    }
}

/* Logarithms times -2 on both sides. */
static void toss(int64_t count, const double *u, int64_t stride, double *y) {
    for (int64_t i = 0; i < count; i++, y += 8 * stride) {
        v8 one = v8_load(u + 8 * i), s = v8_load(y);
        v8 odds = v8_sub(v8_minus_two_log(v8_sub(v8_set(1), one)), v8_minus_two_log(one));
        v8_store(y, v8_choose(v8_less(odds, v8_add(s, s)), v8_set(1), v8_set(-1)));
    }
}

static void sine(int64_t count, const double *wave, int64_t stride, double *y) {
    const v8 amplitude = v8_load(wave), phase = v8_load(wave + 8);
    for (int64_t i = 0; i < count; i++, y += 8 * stride)
        v8_store(y, v8_mul(amplitude, sin_of(v8_add(v8_load(y), phase))));
}

static void tree(int64_t depth, int64_t count, const double *nodes, const double *leaves,
                 int64_t stride, const double *x, int64_t y_stride, double *y) {
    for (int64_t i = 0; i < count; i++, x += 8 * stride, y += 8 * y_stride)
        for (int l = 0; l < 8; l++) {
            int64_t node = 0;
            for (int64_t level = 0; level < depth; level++)
                node = 2 * node + 1 + (x[8 * (int64_t)nodes[8 * node + l] + l] > 0);
            y[l] = leaves[8 * (node + 1 - (INT64_C(1) << depth)) + l];
        }
}

/* sin and cos of pi t, of any finite t: the period is 2, and beyond 2^20 lanes go there exactly. */
static void sincos_pi(v8 t, v8 *sine, v8 *cosine) {
    _Alignas(64) double in[8];
    v8_store(in, t);
    for (int l = 0; l < 8; l++)
        if (fabs(in[l]) > 0x1p20)
            in[l] = fmod(in[l], 2);
    u8 q;
    v8 quarters = v8_mul(v8_set(2), v8_load(in)), a, b;
    v8_sincos_quarter(v8_sub(quarters, v8_round(quarters, &q)), &a, &b);
    u8 odd = u8_sub(u8_set(0), u8_and(q, u8_set(1)));
    u8 sign = u8_shift_left(u8_and(q, u8_set(2)), 62);
    u8 next = u8_shift_left(u8_and(u8_add(q, u8_set(1)), u8_set(2)), 62);
    *sine = v8_of_u8(u8_xor(u8_of_v8(v8_choose(odd, b, a)), sign));
    *cosine = v8_of_u8(u8_xor(u8_of_v8(v8_choose(odd, a, b)), next));
}

/* sum_k b_k cos(pi k t), the angle turned on by pi t at a time: unlike the recurrence of three
 * terms it loses no more than k eps where t is near a whole number. */
static v8 cosines(int64_t terms, const double *b, v8 t) {
    v8 s, c, sum = v8_set(0);
    sincos_pi(t, &s, &c);
    v8 sine = s, cosine = c;
    for (int64_t k = 1; k < terms; k++) {
        sum = v8_muladd(v8_load(b + 8 * (k - 1)), cosine, sum);
        v8 turned = v8_muladd(cosine, c, v8_negate(v8_mul(sine, s)));
        sine = v8_muladd(sine, c, v8_mul(cosine, s));
        cosine = turned;
    }
    return sum;
}

/* Of one lane of b: each level has one wavelet that is not 0 at t. */
static double wavelets(int64_t terms, const double *b, double t) {
    double sum = 0;
    if (!(t >= 0 && t < 1))
        return 0;
    for (int64_t width = 1; width < terms; width *= 2) {
        double place = t * (double)width, k = floor(place);
        int64_t number = width + (int64_t)k;
        if (number >= terms)
            break;
        sum += place - k < 0.5 ? b[8 * (number - 1)] : -b[8 * (number - 1)];
    }
    return sum;
}

static void series(int64_t dim, int64_t terms, icl_basis basis, int64_t count, const double *b,
                   int64_t stride, const double *x, int64_t y_stride, double *y) {
    for (int64_t i = 0; i < count; i++, x += 8 * stride, y += 8 * y_stride) {
        v8 sum = v8_set(0);
        for (int64_t j = 0; j < dim; j++) {
            const double *own = b + 8 * j * (terms - 1);
            v8 t = v8_add(v8_load(x + 8 * j), v8_set(0.5));
            if (basis == ICL_BASIS_COSINE) {
                sum = v8_add(sum, cosines(terms, own, t));
                continue;
            }
            _Alignas(64) double lanes[8];
            v8_store(lanes, t);
            for (int l = 0; l < 8; l++)
                lanes[l] = wavelets(terms, own + l, lanes[l]);
            sum = v8_add(sum, v8_load(lanes));
        }
        v8_store(y, sum);
    }
}

static v8 kernel_of(icl_kernel kernel, double bandwidth, int64_t dim, const double *a,
                    const double *b) {
    v8 sum = v8_set(0);
    for (int64_t j = 0; j < dim; j++) {
        v8 apart = v8_sub(v8_load(a + 8 * j), v8_load(b + 8 * j));
        sum = v8_muladd(apart, apart, sum);
    }
    v8 r = v8_div(v8_sqrt(sum), v8_set(bandwidth));
    return v8_exp(kernel == ICL_KERNEL_LAPLACE ? v8_negate(r) : v8_mul(v8_set(-0.5), v8_mul(r, r)));
}

/* a.b of `count` entries, in two sums that do not wait for each other */
static v8 two_sums(int64_t count, const double *a, const double *b) {
    v8 even = v8_set(0), odd = v8_set(0);
    for (int64_t k = 0; k + 1 < count; k += 2) {
        even = v8_muladd(v8_load(a + 8 * k), v8_load(b + 8 * k), even);
        odd = v8_muladd(v8_load(a + 8 * k + 8), v8_load(b + 8 * k + 8), odd);
    }
    if (count % 2 != 0)
        even = v8_muladd(v8_load(a + 8 * count - 8), v8_load(b + 8 * count - 8), even);
    return v8_add(even, odd);
}

static void process(int64_t dim, icl_kernel kernel, double bandwidth, int64_t row,
                    const double *points, double *L, const double *z, double *y) {
    double *own = L + 8 * (row * (row + 1) / 2);
    const double *x = points + 8 * row * dim;
    v8 square = v8_set(1);
    for (int64_t k = 0; k < row; k++) {
        const double *above = L + 8 * (k * (k + 1) / 2);
        v8 l = kernel_of(kernel, bandwidth, dim, points + 8 * k * dim, x);
        l = v8_mul(v8_sub(l, two_sums(k, own, above)), v8_load(above + 8 * k));
        v8_store(own + 8 * k, l);
        square = v8_muladd(v8_negate(l), l, square);
    }
    v8 least = v8_set(4 * (double)(row + 1) * 0x1p-52);
    v8 pivot = v8_sqrt(v8_choose(v8_less(least, square), square, v8_set(1)));
    v8 inverse = v8_choose(v8_less(least, square), v8_div(v8_set(1), pivot), v8_set(0));
    v8_store(own + 8 * row, inverse);
    pivot = v8_choose(v8_less(least, square), pivot, v8_set(0));
    v8_store(y, v8_muladd(pivot, v8_load(z + 8 * row), two_sums(row, own, z)));
}

static void finish(int64_t count, const double *sign, const double *sigma, const double *noise,
                   int64_t stride, double *y) {
    const v8 s = sign != NULL ? v8_load(sign) : v8_set(1), scale = v8_load(sigma);
    for (int64_t i = 0; i < count; i++, y += 8 * stride) {
        v8 value = v8_mul(s, v8_load(y));
        if (noise != NULL)
            value = v8_muladd(scale, v8_load(noise + 8 * i), value);
        v8_store(y, value);
    }
}

static void accumulate(int64_t D, int64_t count, const double *tokens, double *gram) {
    lane_multiply_ll(D, D, count, lane_transposed(tokens, D), lane_rows(tokens, D), 1, gram, gram,
                     D);
}

/* Columns of a Gram matrix that are made at a time where the tokens are a lower triangle. */
enum { STRIP = 6 };

/* Tokens first.. of which an entry before b can be other than 0, count at most. */
V8_INLINE int64_t reach(int lower, int64_t first, int64_t count, int64_t b) {
    return lower && b - first < count ? b - first : count;
}

static void gram_of(int64_t D, int lower, int64_t first, int64_t count, double scale,
                    const double *tokens, double *gram) {
    for (int64_t b = 0; b < D; b += STRIP) {
        const int64_t cols = D - b < STRIP ? D - b : STRIP;
        const int64_t inner = reach(lower, first, count, b + cols);
        double *block = gram + 8 * b * (D + 1);
        if (inner > 0 || first == 0)
            lane_multiply_ll(D - b, cols, inner > 0 ? inner : 0, lane_transposed(tokens + 8 * b, D),
                             lane_rows(tokens + 8 * b, D), 1, first > 0 ? block : NULL, block, D);
    }
    for (int64_t a = 0; a < D && scale > 0; a++)
        for (int64_t b = 0; b <= a; b++) {
            v8 value = v8_mul(v8_set(scale), v8_load(gram + 8 * (a * D + b)));
            v8_store(gram + 8 * (a * D + b), value);
            v8_store(gram + 8 * (b * D + a), value);
        }
}

static void mean(int64_t D, double n, double *gram) {
    const v8 count = v8_set(n);
    for (int64_t a = 0; a < D; a++)
        for (int64_t b = 0; b <= a; b++) {
            v8 value = v8_div(v8_load(gram + 8 * (a * D + b)), count);
            v8_store(gram + 8 * (a * D + b), value);
            v8_store(gram + 8 * (b * D + a), value);
        }
}

/* x = root z for z with zeros before entry `first`, then `chi`, then `below`; to x_first.. only
 * where the root is no full matrix. */
V8_INLINE void factor_column(const icl_root *root, int64_t dim, int64_t first, v8 chi,
                             const double *below, double *x) {
    if (root->dense == NULL) {
        v8 one = v8_set(root->diagonal != NULL ? root->diagonal[first] : 1);
        v8_store(x + 8 * first, v8_mul(one, chi));
        for (int64_t j = first + 1; j < dim; j++) {
            one = v8_set(root->diagonal != NULL ? root->diagonal[j] : 1);
            v8_store(x + 8 * j, v8_mul(one, v8_load(below + 8 * (j - first - 1))));
        }
        return;
    }
    for (int64_t i = 0; i < dim; i++) {
        const double *row = root->dense + i * dim + first;
        v8 sum = v8_mul(v8_set(row[0]), chi);
        for (int64_t j = 1; j < dim - first; j++)
            sum = v8_fma(v8_set(row[j]), v8_load(below + 8 * (j - 1)), sum);
        v8_store(x + 8 * i, sum);
    }
}

static void factor(const icl_root *root, int64_t dim, int64_t first, int64_t count,
                   const double *chi, const double *below, const double *w, const double *sigma,
                   double *tokens) {
    for (int64_t l = first; l < first + count; l++, tokens += 8 * (dim + 1)) {
        /* zeros are read within a strip on the diagonal only, but for a full matrix */
        int full = root->dense != NULL;
        int64_t zeros = full && l < dim ? 0 : l;
        for (int64_t j = full ? 0 : l - l % STRIP; j < zeros; j++)
            v8_store(tokens + 8 * j, v8_set(0));
        v8 last = v8_load(chi + 8 * (l - first)), y = v8_set(0);
        if (l < dim) {
            factor_column(root, dim, l, last, below, tokens);
            for (int64_t j = zeros; j < dim; j++)
                y = v8_fma(v8_load(w + 8 * j), v8_load(tokens + 8 * j), y);
            last = v8_load(below + 8 * (dim - l - 1));
            below += 8 * (dim - l);
        }
        v8_store(tokens + 8 * dim, v8_fma(v8_load(sigma), last, y));
    }
}

/* x <- x - e (e.x) for one orthonormal e after another. Twice: what rounding leaves of e.x the
 * first time may be much of a remainder that is short. */
static void remove_span(int64_t dim, int64_t count, const double *E, double *x) {
    for (int64_t i = 0; i < 2 * count; i++) {
        const double *e = E + 8 * (i % count) * dim;
        const v8 along = v8_negate(dot(dim, e, x));
        for (int64_t j = 0; j < dim; j++)
            v8_store(x + 8 * j, v8_muladd(along, v8_load(e + 8 * j), v8_load(x + 8 * j)));
    }
}

static void orthonormalise(int64_t dim, int64_t count, double *vectors) {
    for (int64_t i = 0; i < count; i++) {
        remove_span(dim, i, vectors, vectors + 8 * i * dim);
        normalise(dim, 1, vectors + 8 * i * dim);
    }
}

static void project_off(int64_t dim, int64_t count, const double *E, int64_t queries, double *x) {
    for (int64_t i = 0; i < queries; i++, x += 8 * dim) {
        const v8 norm = v8_sqrt(dot(dim, x, x));
        remove_span(dim, count, E, x);
        const v8 scale = v8_div(norm, v8_sqrt(dot(dim, x, x)));
        for (int64_t j = 0; j < dim; j++)
            v8_store(x + 8 * j, v8_mul(scale, v8_load(x + 8 * j)));
    }
}

static void quadrant(int64_t dim, int opposite, const double *signs, int64_t count, int64_t stride,
                     double *x) {
    for (int64_t i = 0; i < count; i++, x += 8 * stride)
        for (int64_t j = 0; j < dim; j++) {
            const v8 size = v8_abs(v8_load(x + 8 * j)), s = v8_load(signs + 8 * j);
            const u8 minus = v8_less(opposite ? v8_negate(s) : s, v8_set(0));
            v8_store(x + 8 * j, v8_choose(minus, v8_negate(size), size));
        }
}

const icl_task_kernels ICL_ISA_NAME(icl_task_kernels) = {
    affine,     rotate, stretch, normalise, project,        quadratic,   net,
    label,      toss,   sine,    tree,      series,         process,     finish,
    accumulate, mean,   factor,  gram_of,   orthonormalise, project_off, quadrant};
