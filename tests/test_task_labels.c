/* The laws of labels beside linear ones: values, balance, powers with z-scores, and arguments. */
#include "statistics.h"
#include "task_reference.h"

enum { PROMPTS = 20000, D = 4 };

static void start(icl_labels labels, int64_t d, double noise, law_case *c) {
    make_case(0, 0, d, 1, noise, c);
    c->options.labels = labels;
}

static icl_batch *draw_law(icl_context *context, const icl_law_options *o) {
    icl_sampler *sampler = make_sampler(context, o, 51);
    icl_batch *batch = draw_prompts(context, sampler, 0, PROMPTS, 1);
    icl_sampler_free(sampler);
    return batch;
}

/* E y and E y^2 of examples and targets. */
static void check_powers(const char *name, const icl_batch *batch, double mean, double power) {
    for (int query = 0; query < 2; query++) {
        const double *y = query ? icl_batch_target(batch) : icl_batch_y(batch);
        tally first = {0}, second = {0};
        for (int64_t p = 0; p < PROMPTS; p++) {
            tally_add(&first, y[p]);
            tally_add(&second, y[p] * y[p]);
        }
        assert_tally(name, &first, mean);
        if (second.squares * second.count > second.sum * second.sum)
            assert_tally(name, &second, power);
        else
            ck_assert_double_eq(second.sum, power * PROMPTS);
    }
}

static double product(const double *w, const double *x) {
    double sum = 0;
    for (int j = 0; j < D; j++)
        sum += w[j] * x[j];
    return sum;
}

/* ---- labels of two classes ---- */

START_TEST(test_signs) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    start(ICL_LABELS_SIGN, D, 0, &c);
    icl_batch *batch = draw_law(context, &c.options);
    for (int64_t p = 0; p < PROMPTS; p++)
        QUICK_ASSERT(
            icl_batch_y(batch)[p] ==
                (product(icl_batch_task(batch) + D * p, icl_batch_X(batch) + D * p) >= 0 ? 1 : -1),
            "prompt %d", (int)p);
    check_powers("signs", batch, 0, 1);
    icl_batch_free(batch);
    const double zero = 0; /* Sigma = 0: every w.x is 0, whose sign is + */
    c.options.covariance = ICL_COVARIANCE_SCALAR;
    c.options.covariance_values = &zero;
    batch = draw_law(context, &c.options);
    for (int64_t p = 0; p < PROMPTS; p++)
        QUICK_ASSERT(icl_batch_y(batch)[p] == 1, "prompt %d", (int)p);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* Given w.x a logistic label is right with probability 1 / (1 + exp(-w.x)), in every cell of w.x;
 * that of an example says nothing of that of the query. */
START_TEST(test_logistic_labels) {
    enum { CELLS = 8 };
    static law_case c;
    const double scale = 4;
    tally cells[2][CELLS] = {{{0}}}, pair = {0};
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    start(ICL_LABELS_LOGISTIC, D, 0, &c);
    c.options.covariance = ICL_COVARIANCE_SCALAR;
    c.options.covariance_values = &scale;
    icl_batch *batch = draw_law(context, &c.options);
    for (int64_t p = 0; p < PROMPTS; p++) {
        double excess[2];
        for (int query = 0; query < 2; query++) {
            const double *x = (query ? icl_batch_query : icl_batch_X)(batch) + D * p;
            double y = query ? icl_batch_target(batch)[p] : icl_batch_y(batch)[p];
            double s = product(icl_batch_task(batch) + D * p, x);
            QUICK_ASSERT(y == 1 || y == -1, "y = %g", y);
            excess[query] = (y == 1) - 1 / (1 + exp(-s));
            tally_add(&cells[query][cell_of(s / 16 + 0.5, CELLS)], excess[query]);
        }
        tally_add(&pair, excess[0] * excess[1]);
    }
    for (int i = 0; i < 2 * CELLS; i++)
        if (cells[i / CELLS][i % CELLS].count > 100)
            assert_tally("frequency", &cells[i / CELLS][i % CELLS], 0);
    assert_tally("two labels", &pair, 0);
    check_powers("logistic labels", batch, 0, 1);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- powers ---- */

/* Garg et al.: E y^2 = d for quadratic labels and for ReLU nets of any width, x ~ N(0, I). */
START_TEST(test_powers_of_garg) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t d = 1; d <= 9; d += 4) {
        start(ICL_LABELS_QUADRATIC, d, 0, &c);
        icl_batch *batch = draw_law(context, &c.options);
        check_powers("quadratic", batch, 0, (double)d);
        icl_batch_free(batch);
        start(ICL_LABELS_NET, d, 0.5, &c);
        c.options.hidden = 100;
        batch = draw_law(context, &c.options);
        check_powers("ReLU net", batch, 0, (double)d + 0.5);
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* E tanh^2(s) of s ~ N(0, tau), by the trapezoidal rule. */
static double tanh_power(double tau) {
    const double step = 0.01, root = sqrt(2 * 3.14159265358979323846);
    double sum = 0;
    for (double z = -12; z < 12; z += step)
        sum += step * exp(-z * z / 2) / root * pow(tanh(sqrt(tau) * z), 2);
    return sum;
}

/* On the sphere ||x||^2 = d, so that every w_k.x is N(0, d): of any width, E y^2 = E tanh^2. */
START_TEST(test_tanh_nets) {
    static law_case c;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    for (int64_t m = 1; m <= 64; m *= 8) {
        start(ICL_LABELS_NET, D, 0, &c);
        c.options.covariates = ICL_COVARIATES_SPHERE;
        c.options.activation = ICL_ACTIVATION_TANH;
        c.options.hidden = m;
        icl_batch *batch = draw_law(context, &c.options);
        check_powers("tanh net", batch, 0, tanh_power(D));
        icl_batch_free(batch);
    }
    icl_context_free(context);
}
END_TEST

/* E y^2 = E a^2 / 2 whatever x, as the phase takes half a turn; E y = E a E cos(w.x) 2 / pi. With
 * a known and d = 1 the phase comes back from the labels of two points: it is uniform. */
START_TEST(test_sines) {
    enum { CELLS = 50 };
    static law_case c;
    const double pi = 3.14159265358979323846;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    start(ICL_LABELS_SINE, D, 0, &c);
    c.options.amplitude_least = 1;
    c.options.amplitude_most = 4;
    icl_batch *batch = draw_law(context, &c.options);
    check_powers("sine", batch, 2.5 * exp(-0.5) * 2 / pi, 7.0 / 2);
    icl_batch_free(batch);
    int64_t phases[CELLS] = {0}, amplitudes[CELLS] = {0};
    start(ICL_LABELS_SINE, 1, 0, &c);
    c.options.amplitude_least = 1;
    c.options.amplitude_most = 3;
    batch = draw_law(context, &c.options);
    for (int64_t p = 0; p < PROMPTS; p++) { /* a sin(s + phi), twice: a cos phi and a sin phi */
        double w = icl_batch_task(batch)[p];
        double s = w * icl_batch_X(batch)[p], t = w * icl_batch_query(batch)[p];
        double y = icl_batch_y(batch)[p], z = icl_batch_target(batch)[p], det = sin(s - t);
        double cosine = (y * cos(t) - z * cos(s)) / det, sine = (z * sin(s) - y * sin(t)) / det;
        if (fabs(det) < 1e-6)
            continue;
        QUICK_ASSERT(sine > 0, "phase of prompt %d", (int)p);
        phases[cell_of(atan2(sine, cosine) / pi, CELLS)]++;
        amplitudes[cell_of((hypot(sine, cosine) - 1) / 2, CELLS)]++;
    }
    assert_even("phases", CELLS, phases);
    assert_even("amplitudes", CELLS, amplitudes);
    icl_batch_free(batch);
    icl_context_free(context);
}
END_TEST

/* ---- arguments ---- */

#define REFUSE(kind, field, value, status, word)                                                   \
    start(kind, 3, 0, &c);                                                                         \
    c.options.field = (value);                                                                     \
    refuse_law(context, &c.options, status, word)

START_TEST(test_arguments) {
    static law_case c;
    icl_law_options o;
    icl_context *context = make_context(1, ICL_ISA_AUTO);
    REFUSE(ICL_LABELS_NET, activation, (icl_activation)2, ICL_ERR_ARGUMENT, "activation = 2");
    REFUSE(ICL_LABELS_SINE, amplitude_least, -1, ICL_ERR_ARGUMENT, "amplitude_least = -1");
    REFUSE(ICL_LABELS_SINE, amplitude_least, 0.6, ICL_ERR_ARGUMENT, "amplitude_least = 0.6");
    REFUSE(ICL_LABELS_SINE, amplitude_most, NAN, ICL_ERR_NONFINITE, "amplitude_most");
    REFUSE(ICL_LABELS_SINE, amplitude_most, 1e200, ICL_ERR_ARGUMENT, "amplitude_most = 1e+200");
    REFUSE(ICL_LABELS_SINE, pool, 2, ICL_ERR_ARGUMENT, "pool = 2: labels = 10");
    REFUSE(ICL_LABELS_SIGN, prior, ICL_COVARIANCE_SCALAR, ICL_ERR_ARGUMENT, "prior = 5");
    start(ICL_LABELS_SIGN, 3, 0, &c); /* others do not read them */
    c.options.activation = (icl_activation)9;
    c.options.amplitude_most = NAN;
    icl_law_free(make_law(context, &c.options));
    ck_assert_int_eq(icl_law_options_init(&o, sizeof o), ICL_OK);
    ck_assert(o.activation == ICL_ACTIVATION_RELU && o.amplitude_least == 0.1 &&
              o.amplitude_most == 0.5);
    icl_context_free(context);
}
END_TEST

RUN_SUITE("task_labels", test_signs, test_logistic_labels, test_powers_of_garg, test_tanh_nets,
          test_sines, test_arguments)
