/* Published settings by name. A shift of the queries at test time is a setting of its own. */
#include <stdio.h>
#include <string.h>

#include "task/law.h"

static const double zero = 0, two = 2, hundred = 100, twelfth = 1.0 / 12,
                    hundred_twelfths = 100.0 / 12;
static const double ahn_spectrum[5] = {1, 1, 0.25, 0.0625, 1};
static const double vladymyrov_levels[3] = {1, 3, 5};

/* ---- what a setting changes beside d, n and sigma^2 ---- */

static void set_spectrum(icl_law_options *o, icl_covariance kind, const double *values) {
    o->covariance = kind;
    o->covariance_values = values;
    o->trace = ICL_TRACE_DIM;
}

/* The scale matrix, the root of Sigma, has the eigenvalues 1 / i. */
static void garg_skewed(icl_law_options *o) {
    set_spectrum(o, ICL_COVARIANCE_POWER, &two);
}

static void garg_half_subspace(icl_law_options *o) {
    set_spectrum(o, ICL_COVARIANCE_HALVES, &zero);
}

static void garg_sparse(icl_law_options *o) {
    o->tasks = ICL_TASKS_SPARSE;
    o->sparsity = 3;
}

static void garg_relu_net(icl_law_options *o) {
    o->labels = ICL_LABELS_NET;
    o->hidden = 100;
}

static void garg_decision_tree(icl_law_options *o) {
    o->labels = ICL_LABELS_TREE;
    o->depth = 4;
}

static void garg_quadratic(icl_law_options *o) {
    o->labels = ICL_LABELS_QUADRATIC;
}

static void garg_orthogonal(icl_law_options *o) {
    o->queries = ICL_QUERIES_ORTHOGONAL;
}

static void garg_repeated(icl_law_options *o) {
    o->queries = ICL_QUERIES_REPEATED;
}

static void garg_random_quadrant(icl_law_options *o) {
    o->queries = ICL_QUERIES_RANDOM_QUADRANT;
}

/* A Sigma for each prompt; their code has one for each batch and trace d. */
static void fu_ill_conditioned(icl_law_options *o) {
    set_spectrum(o, ICL_COVARIANCE_HALVES, &hundred);
    o->rotation_every = 1;
}

/* Uniform on (-1/2, 1/2). */
static void von_oswald_uniform(icl_law_options *o) {
    o->covariates = ICL_COVARIATES_UNIFORM;
    o->covariance = ICL_COVARIANCE_SCALAR;
    o->covariance_values = &twelfth;
}

/* x uniform on (-5, 5); a sin(x + phi), a and phi as by default. */
static void von_oswald_sine(icl_law_options *o) {
    o->covariates = ICL_COVARIATES_UNIFORM;
    o->covariance = ICL_COVARIANCE_SCALAR;
    o->covariance_values = &hundred_twelfths;
    o->labels = ICL_LABELS_SINE;
}

static void giannou_logistic(icl_law_options *o) {
    o->labels = ICL_LABELS_LOGISTIC;
}

/* w ~ N(0, Sigma^-1). */
static void ahn_rotated(icl_law_options *o) {
    o->covariance = ICL_COVARIANCE_SPECTRUM;
    o->covariance_values = ahn_spectrum;
    o->prior = ICL_COVARIANCE_INVERSE;
}

/* Below the threshold, which their base model has between 2^14 and 2^15 tasks. */
static void raventos_pool(icl_law_options *o) {
    o->pool = 1 << 14;
}

static void vladymyrov_uniform(icl_law_options *o) {
    o->noise_law = ICL_NOISE_UNIFORM;
}

static void vladymyrov_set(icl_law_options *o) {
    o->noise_law = ICL_NOISE_SET;
    o->noise_values = vladymyrov_levels;
    o->noise_count = 3;
}

/* x ~ N(0, I / d), w on the sphere of radius sqrt d; alpha = n / d and kappa = K / d are 1. */
static void lu_proportional(icl_law_options *o) {
    o->trace = ICL_TRACE_ONE;
    o->tasks = ICL_TASKS_SPHERE;
    o->pool = o->dim;
}

/* ---- the settings ---- */

/* Where the noise is drawn, its greatest variance. */
static const struct {
    const char *name;
    int64_t dim, context;
    double noise;
    void (*change)(icl_law_options *);
} presets[] = {
    /* Garg et al. 2208.01066: d = 20, 41 points, the last the query; shifts of section 4 */
    {"garg-linear", 20, 40, 0, NULL},
    {"garg-sparse", 20, 40, 0, garg_sparse},
    {"garg-relu-net", 20, 100, 0, garg_relu_net},
    {"garg-decision-tree", 20, 100, 0, garg_decision_tree},
    {"garg-quadratic", 20, 40, 0, garg_quadratic},
    {"garg-skewed", 20, 40, 0, garg_skewed},
    {"garg-half-subspace", 20, 40, 0, garg_half_subspace},
    {"garg-orthogonal", 20, 19, 0, garg_orthogonal}, /* the most points that leave a direction */
    {"garg-repeated", 20, 40, 0, garg_repeated},
    {"garg-random-quadrant", 20, 40, 0, garg_random_quadrant},
    /* Fu et al. 2310.17086: sections 4.1 and A.3 */
    {"fu-isotropic", 20, 40, 0, NULL},
    {"fu-ill-conditioned", 20, 40, 0, fu_ill_conditioned},
    {"fu-noisy", 20, 40, 0.01, NULL},
    /* von Oswald et al. 2212.07677: the configuration of their notebooks, range 1 */
    {"von-oswald-uniform", 10, 10, 0, von_oswald_uniform},
    {"von-oswald-sine", 1, 10, 0, von_oswald_sine},
    /* Akyurek et al. 2211.15661 */
    {"akyurek", 8, 40, 0, NULL},
    /* Ahn et al. 2306.00297: figures 1 and 2, and the same without the rotation */
    {"ahn-isotropic", 5, 20, 0, NULL},
    {"ahn-rotated", 5, 20, 0, ahn_rotated},
    /* Mahankali et al. 2307.03576 has no experiments: a size where eta = 1 / (n + d + 1 + sigma^2)
     * is 1 / 22 */
    {"mahankali", 10, 10, 1, NULL},
    /* Zhang, Frei and Bartlett 2306.09927: figure 1, fixed covariance, the shortest prompts */
    {"zhang", 20, 40, 0, NULL},
    /* Raventos et al. 2306.15063: D = 8, K = 16, sigma^2 = 1/4, pools of 2^1 to 2^20 tasks */
    {"raventos-pool", 8, 16, 0.25, raventos_pool},
    /* Vladymyrov et al. 2402.14180: sigma uniform up to 2, and of {1, 3, 5} */
    {"vladymyrov-noise", 10, 20, 4, vladymyrov_uniform},
    {"vladymyrov-set", 10, 20, 0, vladymyrov_set},
    /* Giannou et al. 2403.03183 */
    {"giannou-linear", 10, 50, 0, NULL},
    {"giannou-logistic", 5, 26, 0, giannou_logistic},
    /* Lu et al. 2405.11751: rho = 0.1; a size where finite d is close to their limit */
    {"lu-proportional", 80, 80, 0.1, lu_proportional}};

enum { COUNT = sizeof presets / sizeof *presets };

const char *icl_task_preset_name(int64_t index) {
    return index >= 0 && index < COUNT ? presets[index].name : NULL;
}

/* COUNT if there is none: then the text names all there are. */
static int find(const char *name, char *names, size_t size) {
    size_t used = 0;
    for (int i = 0; i < COUNT; i++) {
        if (strcmp(name, presets[i].name) == 0)
            return i;
        int length =
            snprintf(names + used, size - used, "%s%s", i > 0 ? ", " : "", presets[i].name);
        used += (size_t)length < size - used ? (size_t)length : 0;
    }
    return COUNT;
}

icl_status icl_task_preset(icl_context *context, const char *name, icl_law_options *options) {
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, name);
    ICL_REQUIRE_POINTER(context, options);
    char names[32 * COUNT];
    icl_law_options plain, o;
    ICL_TRY(icl_law_options_init(&plain, sizeof plain));
    int i = find(name, names, sizeof names);
    ICL_REQUIRE(context, i < COUNT, ICL_ERR_ARGUMENT, "%s: name = \"%.40s\", must be one of %s",
                __func__, name, names);
    o = plain;
    o.dim = presets[i].dim;
    o.context = presets[i].context;
    o.noise = presets[i].noise;
    if (presets[i].change != NULL)
        presets[i].change(&o);
    size_t size = options->size;
    ICL_REQUIRE(context, size >= sizeof size, ICL_ERR_ARGUMENT,
                "%s: options.size = %zu: set the options with their init function", __func__, size);
    ICL_REQUIRE(context,
                size >= sizeof o ||
                    memcmp((char *)&o + size, (char *)&plain + size, sizeof o - size) == 0,
                ICL_ERR_ARGUMENT, "%s: options.size = %zu: \"%s\" needs options of a newer header",
                __func__, size, name);
    return icl_options_default(options, size, &o, sizeof o);
}
