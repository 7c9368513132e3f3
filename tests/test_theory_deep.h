/* The best steps and their risks, without a simulation, for the tests of deep linear attention. */
#ifndef ICL_TESTS_THEORY_DEEP_H
#define ICL_TESTS_THEORY_DEEP_H

#include "test_theory.h"

enum { MOST = 128 };

/* Shapes: n > d, n = d, n < d, d = 1, n = 1; odd and even. */
static const int64_t shapes[][2] = {{5, 20}, {4, 7}, {3, 3}, {5, 3}, {1, 6}, {6, 1}, {30, 45}};
enum { SHAPES = 7 };

static inline icl_law *isotropic_law(icl_context *context, int64_t d, int64_t n) {
    icl_law_options o = law_options(d, n, 0);
    return make_law(context, &o);
}

/* The best steps of a law and their risk. */
static inline double best(icl_context *context, const icl_law *law, int64_t layers, double *etas) {
    icl_estimate risk;
    ASSERT_OK(context, icl_theory_deep_optimum(law, NULL, layers, etas, &risk));
    ck_assert_double_eq(risk.standard_error, 0);
    return risk.value;
}

static inline double risk_of(icl_context *context, const icl_law *law, int64_t layers,
                             const double *etas) {
    icl_estimate risk;
    ASSERT_OK(context, icl_theory_deep_risk(law, NULL, layers, etas, &risk));
    ck_assert_double_eq(risk.standard_error, 0);
    return risk.value;
}

static inline double best_looped(icl_context *context, const icl_law *law, int64_t loops,
                                 double *eta) {
    icl_estimate risk;
    ASSERT_OK(context, icl_theory_looped_optimum(law, NULL, loops, eta, &risk));
    return risk.value;
}

#endif
