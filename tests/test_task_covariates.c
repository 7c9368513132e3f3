/* The laws of covariates: what is exact, moments with z-scores, distributions, and arguments. */
#include "statistics.h"
#include "task_reference.h"

enum { PROMPTS = 20000 };

static icl_sampler *sampler_of(icl_context *context, int64_t d, icl_covariates covariates,
                               double freedom, icl_scale scale, double shape) {
    static law_case c;
    make_case(0, 0, d, 2, 0, &c);
    c.options.covariates = covariates;
    c.options.freedom = freedom;
    c.options.scale = scale;
    c.options.scale_shape = shape;
    return make_sampler(context, &c.options, 41);
}

static double square_norm(int64_t d, const double *x) {
    double sum = 0;
    for (int64_t j = 0; j < d; j++)
        sum += x[j] * x[j];
    return sum;
}

/* ---- one law for all examples ---- */

/* Sigma = I: E x_0^2 = 1, E x_0 x_1 = 0, E x_0^4 = 3 q + kappa, E x_0^2 x_1^2 = q, of examples and
 * queries; the law says q and kappa, too. Two vectors of a prompt have E x_0^2 x'_0^2 = 1. */
static void check_shape(const char *name, const icl_sampler *sampler, const icl_batch *batch,
                        double radial, double kurtosis) {
    int64_t d = icl_batch_dim(batch);
    ASSERT_CLOSE(icl_law_radial(icl_sampler_law(sampler)), radial, 8 * UNIT, radial);
    ASSERT_CLOSE(icl_law_kurtosis(icl_sampler_law(sampler)), kurtosis, 8 * UNIT, 2);
    for (int query = 0; query < 2; query++) {
        tally square = {0}, fourth = {0}, product = {0}, squares = {0}, pair = {0};
        for (int64_t p = 0; p < PROMPTS; p++) {
            const double *X = icl_batch_X(batch) + 2 * p * d;
            const double *x = query ? icl_batch_query(batch) + p * d : X;
            tally_add(&square, x[0] * x[0]);
            tally_add(&fourth, pow(x[0], 4));
            tally_add(&product, x[0] * x[1]);
            tally_add(&squares, x[0] * x[0] * x[1] * x[1]);
            tally_add(&pair, x[0] * x[0] * X[d] * X[d]);
        }
        assert_tally(name, &square, 1);
        assert_tally(name, &fourth, 3 * radial + kurtosis);
        assert_tally(name, &product, 0);
        assert_tally(name, &squares, radial);
        assert_tally(name, &pair, 1);
    }
}

START_TEST(test_fourth_moments) {
    const struct {
        const char *name;
        icl_covariates covariates;
        double freedom;
        icl_scale scale;
        double shape, radial, kurtosis;
    } laws[] = {{"sphere", ICL_COVARIATES_SPHERE, 0, 0, 0, 4.0 / 6, 0},
                {"Student", ICL_COVARIATES_STUDENT, 16.5, 0, 0, 14.5 / 12.5, 0},
                {"exponential", ICL_COVARIATES_GAUSSIAN, 0, ICL_SCALE_EXAMPLE, 1, 2, 0},
                {"Gamma", ICL_COVARIATES_GAUSSIAN, 0, ICL_SCALE_EXAMPLE, 0.5, 3, 0},
                {"Gamma on a cube", ICL_COVARIATES_UNIFORM, 0, ICL_SCALE_EXAMPLE, 4, 1.25, -1.5},
                {"Gamma on a sphere", ICL_COVARIATES_SPHERE, 0, ICL_SCALE_EXAMPLE, 2, 1, 0}};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < 6; i++) {
        icl_sampler *sampler = sampler_of(context, 4, laws[i].covariates, laws[i].freedom,
                                          laws[i].scale, laws[i].shape);
        icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
        check_shape(laws[i].name, sampler, batch, laws[i].radial, laws[i].kurtosis);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_sampler *heavy = sampler_of(context, 4, ICL_COVARIATES_STUDENT, 4, 0, 1);
    ck_assert(isinf(icl_law_radial(icl_sampler_law(heavy))));
    icl_sampler_free(heavy);
    icl_context_free(context);
}
END_TEST

START_TEST(test_norms_on_the_sphere) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t d = 1; d <= 7; d += 3) {
        icl_sampler *sampler = sampler_of(context, d, ICL_COVARIATES_SPHERE, 0, 0, 1);
        icl_batch *batch = draw_prompts(context, sampler, 0, 300, 1);
        for (int64_t i = 0; i < 600; i++)
            QUICK_CLOSE(square_norm(d, icl_batch_X(batch) + i * d), (double)d,
                        (double)d * (double)(d + 8) * UNIT);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* On a circle angles are uniform. For Student's t in the plane |x|^2 nu / (2 (nu - 2)) has the law
 * F(2, nu), P(F > f) = (1 + 2 f / nu)^(-nu / 2), also where nu is hardly above 2. */
START_TEST(test_distributions_in_the_plane) {
    enum { CELLS = 100 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, 2, ICL_COVARIATES_SPHERE, 0, 0, 1);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
    int64_t counts[CELLS] = {0};
    const double pi = 3.14159265358979323846, freedoms[] = {2.01, 2.5, 3, 7.3, 1e6};
    for (int64_t i = 0; i < 2 * PROMPTS; i++) {
        const double *x = icl_batch_X(batch) + 2 * i;
        counts[cell_of(atan2(x[1], x[0]) / (2 * pi) + 0.5, CELLS)]++;
    }
    assert_even("angles", CELLS, counts);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    for (int f = 0; f < 5; f++) {
        double nu = freedoms[f];
        sampler = sampler_of(context, 2, ICL_COVARIATES_STUDENT, nu, 0, 1);
        batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
        memset(counts, 0, sizeof counts);
        for (int64_t i = 0; i < 2 * PROMPTS; i++) {
            double square = square_norm(2, icl_batch_X(batch) + 2 * i);
            counts[cell_of(exp(-nu / 2 * log1p(square / (nu - 2))), CELLS)]++;
        }
        assert_even("norms", CELLS, counts);
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* ---- scales of prompts ---- */

/* With Sigma = I, icl_sampler_covariance shows G: exponential ones of shape 1, one or d a prompt.
 */
START_TEST(test_scales_are_exponential) {
    enum { CELLS = 100, DIM = 3 };
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int scale = ICL_SCALE_PROMPT; scale <= ICL_SCALE_COORDINATE; scale++) {
        icl_sampler *sampler = sampler_of(context, DIM, 0, 0, (icl_scale)scale, 1);
        int64_t counts[DIM][CELLS] = {{0}};
        tally product = {0};
        for (int64_t p = 0; p < PROMPTS; p++) {
            double sigma[DIM * DIM];
            ASSERT_OK(context, icl_sampler_covariance(sampler, p, sigma));
            for (int e = 0; e < DIM * DIM; e++)
                if (e % (DIM + 1) == 0)
                    counts[e / DIM][cell_of(exp(-sigma[e]), CELLS)]++;
                else
                    QUICK_ASSERT(sigma[e] == 0, "entry %d is %g", e, sigma[e]);
            if (scale == ICL_SCALE_PROMPT)
                QUICK_ASSERT(sigma[0] == sigma[4] && sigma[0] == sigma[8], "prompt %d", (int)p);
            tally_add(&product, (sigma[0] - 1) * (sigma[8] - 1));
        }
        for (int j = 0; j < DIM; j++)
            assert_even("scales", CELLS, counts[j]);
        assert_tally("scales of two", &product, scale == ICL_SCALE_PROMPT ? 1 : 0);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* Solves the symmetric positive definite A x = b of order 3 by Cramer's rule. */
static double inverse_form(const double *A, const double *b) {
    double minors[9], determinant = 0, sum = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int a = (i + 1) % 3, c = (i + 2) % 3, e = (j + 1) % 3, f = (j + 2) % 3;
            minors[3 * i + j] = A[3 * a + e] * A[3 * c + f] - A[3 * a + f] * A[3 * c + e];
        }
    for (int j = 0; j < 3; j++)
        determinant += A[j] * minors[j];
    for (int i = 0; i < 9; i++)
        sum += minors[i] * b[i / 3] * b[i % 3] / determinant;
    return sum;
}

/* Examples and queries of a prompt have the Sigma that the sampler says, for every kind of root. */
START_TEST(test_examples_have_the_sigma_of_their_prompt) {
    const int kinds[] = {0, ICL_COVARIANCE_DIAGONAL, ICL_COVARIANCE_DENSE, ICL_COVARIANCE_SPECTRUM};
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int i = 0; i < 10; i++) {
        make_case(kinds[i / 2 % 4], 0, 3, 1, 0, &c);
        c.options.scale = i % 2 ? ICL_SCALE_PROMPT : ICL_SCALE_COORDINATE;
        c.options.scale_shape = 2;
        c.options.rotation_every = kinds[i / 2 % 4] == ICL_COVARIANCE_SPECTRUM;
        icl_sampler *sampler = make_sampler(context, &c.options, 4);
        icl_batch *batch = draw_prompts(context, sampler, 50, PROMPTS / 4, 1);
        tally distance[2] = {{0}}, square[2] = {{0}};
        for (int64_t p = 0; p < PROMPTS / 4; p++) {
            double sigma[9];
            ASSERT_OK(context, icl_sampler_covariance(sampler, 50 + p, sigma));
            for (int v = 0; v < 2; v++) {
                double form =
                    inverse_form(sigma, (v ? icl_batch_query : icl_batch_X)(batch) + 3 * p);
                tally_add(&distance[v], form);
                tally_add(&square[v], form * form);
            }
        }
        for (int v = 0; v < 2; v++) {
            assert_tally("x^T Sigma^-1 x", &distance[v], 3);
            assert_tally("(x^T Sigma^-1 x)^2", &square[v], 15);
        }
        icl_batch_free(batch);
        icl_sampler_free(sampler);
    }
    icl_context_free(context);
}
END_TEST

/* Zhang, Frei and Bartlett: random diagonal Sigma with exponential entries g, w ~ N(0, I). One
 * layer g b answers with E g^2 / E g^3 -> 1/3 of w.x where n is large; for every n E (x_j b_j)^2 =
 * 6 + (6 + 6 + 2 (d - 1)) / n and E y_q x_j b_j = 2. */
START_TEST(test_random_covariances_of_zhang) {
    enum { DIM = 3, N = 50 };
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    make_case(0, 0, DIM, N, 0, &c);
    c.options.scale = ICL_SCALE_COORDINATE;
    icl_sampler *sampler = make_sampler(context, &c.options, 5);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
    tally square = {0}, signal = {0};
    for (int64_t p = 0; p < PROMPTS; p++) {
        double xb = icl_batch_query(batch)[DIM * p] * icl_batch_b(batch)[DIM * p];
        tally_add(&square, xb * xb);
        tally_add(&signal, icl_batch_target(batch)[p] * xb);
    }
    assert_tally("(x_j b_j)^2", &square, 6 + (6 + 6 + 2.0 * (DIM - 1)) / N);
    assert_tally("y x_j b_j", &signal, 2);
    icl_batch_free(batch);
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

/* Words of other purposes: the tasks are those of Gaussian covariates, and of GAUSSIAN ones the
 * direction of x is, too. */
START_TEST(test_other_draws_stay) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *plain = sampler_of(context, 3, 0, 0, 0, 1);
    icl_batch *expected = draw_prompts(context, plain, 0, 9, 1);
    for (int covariates = 0; covariates <= ICL_COVARIATES_STUDENT; covariates++)
        for (int scale = 0; scale <= ICL_SCALE_EXAMPLE; scale++) {
            icl_sampler *sampler =
                sampler_of(context, 3, (icl_covariates)covariates, 3, (icl_scale)scale, 1);
            icl_batch *batch = draw_prompts(context, sampler, 0, 9, 1);
            ck_assert_mem_eq(icl_batch_task(batch), icl_batch_task(expected), 27 * sizeof(double));
            for (int64_t i = 0; i < 18; i++) {
                const double *x = icl_batch_X(batch) + 3 * i, *z = icl_batch_X(expected) + 3 * i;
                if (scale != ICL_SCALE_COORDINATE && covariates != ICL_COVARIATES_UNIFORM)
                    ASSERT_CLOSE(x[0] / x[1], z[0] / z[1], 32 * UNIT, fabs(z[0] / z[1]));
            }
            icl_batch_free(batch);
            icl_sampler_free(sampler);
        }
    icl_batch_free(expected);
    icl_sampler_free(plain);
    icl_context_free(context);
}
END_TEST

/* ---- arguments ---- */

#define REFUSE(field, value, status, word)                                                         \
    make_case(0, 0, 3, 2, 0.5, &c);                                                                \
    c.options.covariates = ICL_COVARIATES_STUDENT;                                                 \
    c.options.scale = ICL_SCALE_PROMPT;                                                            \
    c.options.field = (value);                                                                     \
    refuse_law(context, &c.options, status, word)

START_TEST(test_arguments) {
    static law_case c;
    icl_law_options o;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    REFUSE(covariates, (icl_covariates)4, ICL_ERR_ARGUMENT, "covariates = 4");
    REFUSE(freedom, 2, ICL_ERR_ARGUMENT, "freedom = 2");
    REFUSE(freedom, -1, ICL_ERR_ARGUMENT, "freedom = -1");
    REFUSE(freedom, 0x1p32, ICL_ERR_ARGUMENT, "freedom = 4.29497e+09");
    REFUSE(freedom, NAN, ICL_ERR_NONFINITE, "freedom");
    REFUSE(scale, (icl_scale)4, ICL_ERR_ARGUMENT, "scale = 4");
    REFUSE(scale, (icl_scale)-1, ICL_ERR_ARGUMENT, "scale = ");
    REFUSE(scale_shape, 0.49, ICL_ERR_ARGUMENT, "scale_shape = 0.49");
    REFUSE(scale_shape, 0x1p31, ICL_ERR_ARGUMENT, "scale_shape = 2.14748e+09");
    REFUSE(scale_shape, INFINITY, ICL_ERR_NONFINITE, "scale_shape");
    c.options.covariates = ICL_COVARIATES_SPHERE; /* then they are not read */
    c.options.freedom = c.options.scale_shape = NAN;
    c.options.scale = ICL_SCALE_FIXED;
    icl_law *law = make_law(context, &c.options);
    ck_assert_int_eq(icl_law_covariates(law), ICL_COVARIATES_SPHERE);
    icl_law_free(law);
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    ck_assert(o.freedom == 5 && o.scale == ICL_SCALE_FIXED && o.scale_shape == 1);
    icl_context_free(context);
}
END_TEST

/* Where a moment is infinite deep risks say so. */
START_TEST(test_infinite_risks) {
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    icl_sampler *sampler = sampler_of(context, 2, ICL_COVARIATES_STUDENT, 8, 0, 1);
    const icl_simulation simulation = {1, 500};
    const double etas[2] = {0.5, 0.5};
    icl_estimate risk;
    ASSERT_OK(context, icl_theory_deep_risk(icl_sampler_law(sampler), &simulation, 1, etas, &risk));
    ASSERT_FAILS(context, ICL_ERR_NO_CLOSED_FORM, "freedom = 8",
                 icl_theory_deep_risk(icl_sampler_law(sampler), &simulation, 2, etas, &risk));
    icl_sampler_free(sampler);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("task_covariates", test_fourth_moments, test_norms_on_the_sphere,
          test_distributions_in_the_plane, test_scales_are_exponential,
          test_examples_have_the_sigma_of_their_prompt, test_random_covariances_of_zhang,
          test_other_draws_stay, test_arguments, test_infinite_risks)
