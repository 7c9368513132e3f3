/* Tasks: the law of a prompt, samplers that draw prompts from it, and batches that hold them.
 *
 * A law says how prompts are distributed and never changes: theory reads closed forms off it,
 * a sampler is a law and a seed. A prompt is n labelled examples and q queries of one task:
 *
 *     x_i ~ N(0, Sigma),   y_i = f(x_i) + eps_i,   eps_i ~ N(0, sigma^2),
 *
 * or x_i = R z_i with independent uniform coordinates of variance 1 and R R^T = Sigma. The task f
 * is drawn once a prompt, and so is the noise level sigma where it is no constant. Query j has the
 * same law and the prompt's level; its target counts its own noise. The moments of a prompt are
 * S = X^T X / n, b = X^T y / n, s_yy = y^T y / n (zero where n = 0).
 *
 * Reproducibility, frozen: prompt i is a pure function of (law, seed, i). Words come from
 * Threefry4x64-20 with key (seed, purpose, 0, 0) and counter (block, prompt, 0, 0); the value of
 * index e of a purpose is word e mod 4 of block e / 4, normals in pairs as in <icl/random.h>.
 * Purposes: 1 the task (w, or the net: w_k row-major, then a_k), 2 the random sign (minus where
 * the first word's top bit is set), 3 covariates (index i d + j), 4 label noise (index i), 5 query
 * covariates (index j d + k), 6 query noise (index j), 8 the noise level, 9 and 10 direct moments;
 * 11 the support of sparse tasks, 12 the place in a pool, 13 rotations, 14 the place of a repeated
 * query, 15 the signs of a quadrant; 20 to 23 factors of covariates, 24 and 25 the coins of LOGISTIC
 * labels, 26 the amplitude and phase of a SINE, 27 the nodes of a TREE, 28 a GAUSSIAN_PROCESS at the
 * queries; 7 is the start of a model.
 * So an example's bits depend on neither n nor q, nor on the batch, the number of threads or the
 * instruction set.
 *
 * With u the uniform of the first word of purpose 8, sigma = u sqrt(noise) for UNIFORM levels and
 * noise_values[floor(u noise_count)] for a SET. Where covariates are UNIFORM, the value of index e
 * of purposes 3 and 5 is sqrt(12) (u - 1/2), one product of doubles, u the uniform of the same
 * word e; else a normal. Where they are SPHERE, z = (sqrt(d) / ||z||) z of these normals; where they
 * are STUDENT, z_i is multiplied by sqrt(nu - 2) / chi(nu), number i of purpose 20, of purpose 21 for
 * queries. A scale EXAMPLE multiplies z_i by chi(2 k) / sqrt(2 k), k the shape, number i of purpose
 * 22, of 23 for queries; PROMPT multiplies all z of a prompt by that of number 0 of purpose 22,
 * COORDINATE all z_j by that of number j. Numbers 2 i and 2 i + 1 have the counters (i, prompt, a, 0)
 * and are made as the chi's below are, k >= 1 of any size.
 *
 * Of a TREE leaf l, from the left, has the normal of index l of purpose 1, and node e, with the children
 * 2 e + 1 and 2 e + 2, the coordinate floor(u d), u the uniform of index e of purpose 27. b_ij of a SERIES
 * is j^(-a_i / 2) times the normal of index i (N - 1) + j - 1 of purpose 1. The values f = L z of a
 * GAUSSIAN_PROCESS at the examples, then the queries, have the rows of the Cholesky factor L of their
 * kernel matrix, and the normals z of index i of purpose 1 for example i, of index j of purpose 28 for
 * query j; where a pivot's square is no more than 4 (i + 1) eps, i the row, z_i counts as 0, as do
 * the entries below it. Every sum over k runs over the even k and the odd ones apart, both fused and
 * ascending, but for that of the pivot's square.
 *
 * LOGISTIC labels are 1 where log u - log(1 - u) < w.x, u the uniform of index i of purpose 24, of 25
 * for queries. SINE has a = least + (most - least) u and phi = pi u' with the uniforms of indices 0 and
 * 1 of purpose 26.
 *
 * Tasks on the SPHERE have z = (sqrt(d) / ||z||) z of the normals z. Of SPARSE ones the coordinates
 * p_0 .. p_{s-1} are kept: p = 0 .. d - 1, and for i = 0 .. s - 1 in turn p_i and p_k are exchanged,
 * k = i + floor(u (d - i)), u the uniform of index i of purpose 11.
 *
 * Shifted queries are made of the query's own values: REPEATED query j is example floor(u n), u the
 * uniform of index j of purpose 14; coordinate j of a quadrant has a minus where the uniform of index
 * j of purpose 15 is below 1/2.
 *
 * From a pool a prompt takes entry floor(u K), u the uniform of the first word of purpose 12. Entry
 * k of a pool that is drawn is the w of prompt k of the law without a pool under the seed pool_seed.
 *
 * With these values z, x = R z and w = mu + R' z, R R^T = Sigma and R' R'^T = W: a diagonal R for
 * IDENTITY and DIAGONAL and their inverses, else R = V diag(sqrt(eigenvalues)), the columns of V by
 * ascending eigenvalue of the given matrix (of Sigma for INVERSE). V is the rotation of a SPECTRUM;
 * of a DENSE matrix it comes from LAPACK, and bits are equal where LAPACK's are. With rotation_every
 * = K prompts K j .. K j + K - 1 have x = V_j (s z), s the roots of Sigma's eigenvalues in ascending
 * order (and w = mu + V_j (z / s), by the roots of 1 / eigenvalues, for INVERSE); V_j is the product
 * of reflections in <icl/random.h>, made of the normals of purpose 13 with j for the prompt.
 *
 * Direct moments (icl_sampler_draw_moments) are Bartlett's: with D = d + 1 and G = (S b; b^T s_yy),
 * n G = A A^T, A = T C, T = (R 0; w^T R sigma), and C is D x min(n, D), zero above its diagonal.
 * C_ll is chi(n - l), number l = 0, 1, .. of purpose 9; C_jl, j > l, is the normal of index
 * l d - l (l - 1) / 2 + j - l - 1 of purpose 10: column after column. Chi's 2 i and 2 i + 1 have
 * the counters (i, prompt, a, 0), a = 0, 1, ..: words 0 and 1 give each a normal x, words 2 and 3
 * each a uniform u. chi(1) is |x| at a = 0; for k > 1, with m = k/2 - 1/3, t = x / (3 sqrt m),
 * s = 1 + t, chi(k) is sqrt(2 m s^3) at the first a where s > 0 and
 * log(1 - u) < 3 m (log s - t + t^2/2 - t^3/3) (Marsaglia and Tsang, ACM TOMS 26, 2000). Chi's and
 * normals have equal bits on every instruction set; products round as those of examples do.
 */
#ifndef ICL_TASK_H
#define ICL_TASK_H

#include <icl/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a covariance is given. */
typedef enum icl_covariance {
    ICL_COVARIANCE_IDENTITY = 0, /* I; values unused */
    ICL_COVARIANCE_DIAGONAL = 1, /* values: the d diagonal entries */
    ICL_COVARIANCE_DENSE = 2,    /* values: d x d, symmetric */
    ICL_COVARIANCE_SPECTRUM = 3, /* values: d eigenvalues; a Haar basis drawn from rotation_seed */
    ICL_COVARIANCE_INVERSE = 4,  /* prior only: W = Sigma^-1 */
    ICL_COVARIANCE_SCALAR = 5,   /* values: one number c >= 0; c I */
    ICL_COVARIANCE_HALVES = 6,   /* SPECTRUM; values: one number kappa >= 0, the first d / 2 (rounded
                                    down) eigenvalues; the others are 1 */
    ICL_COVARIANCE_POWER = 7,    /* SPECTRUM; values: one number a; eigenvalue i is i^-a, i = 1..d */
    ICL_COVARIANCE_FORCE_INT = 0x7fffffff
} icl_covariance;

/* Sigma as it is given, or times what makes its trace d or 1. */
typedef enum icl_trace {
    ICL_TRACE_GIVEN = 0,
    ICL_TRACE_DIM = 1,
    ICL_TRACE_ONE = 2,
    ICL_TRACE_FORCE_INT = 0x7fffffff
} icl_trace;

/* The law of the coordinates of z in x = R z, R R^T = Sigma (R: see above): mean 0, variance 1, so
 * that Sigma is the covariance of x under all. x uniform on the cube (-r/2, r/2)^d is UNIFORM with
 * Sigma = (r^2 / 12) I. */
typedef enum icl_covariates {
    ICL_COVARIATES_GAUSSIAN = 0, /* z_j ~ N(0, 1): x ~ N(0, Sigma) */
    ICL_COVARIATES_UNIFORM = 1,  /* z_j uniform on (-sqrt 3, sqrt 3) */
    ICL_COVARIATES_SPHERE = 2,   /* z uniform on the sphere of radius sqrt d */
    ICL_COVARIATES_STUDENT = 3,  /* multivariate t: z = sqrt((nu - 2) / g) g', g ~ chi^2(nu), g' ~
                                    N(0, I), nu > 2: heavy tails of order nu */
    ICL_COVARIATES_FORCE_INT = 0x7fffffff
} icl_covariates;

/* Gamma variables G of mean 1, shape k and rate k, that scale the covariates: x = R sqrt(G) z with
 * E G = 1, so that Sigma stays their covariance. PROMPT: the covariance of a prompt is G Sigma, and
 * COORDINATE: R diag(G) R^T, for Sigma = I and k = 1 the random diagonal covariance of Zhang, Frei
 * and Bartlett (2306.09927): icl_sampler_covariance tells it. */
typedef enum icl_scale {
    ICL_SCALE_FIXED = 0,      /* G = 1 */
    ICL_SCALE_PROMPT = 1,     /* one G a prompt */
    ICL_SCALE_COORDINATE = 2, /* d independent G a prompt, one for each coordinate of z */
    ICL_SCALE_EXAMPLE = 3,    /* one G for each example and query */
    ICL_SCALE_FORCE_INT = 0x7fffffff
} icl_scale;

/* The law of w = mu + R' z, R' R'^T = W, of linear labels (R': see above). */
typedef enum icl_tasks {
    ICL_TASKS_GAUSSIAN = 0, /* z ~ N(0, I): w ~ N(mu, W) */
    ICL_TASKS_SPHERE = 1,   /* z uniform on the sphere of radius sqrt d: W is the covariance of w, too */
    ICL_TASKS_SPARSE = 2,   /* z_j ~ N(0, 1) for `sparsity` coordinates, equally likely to be any, and 0
                               for the others: the covariance of w is (sparsity / d) W. R' must be
                               diagonal: IDENTITY, DIAGONAL, SCALAR, or INVERSE of such a Sigma */
    ICL_TASKS_FORCE_INT = 0x7fffffff
} icl_tasks;

/* The labels f(x). All with a w but LINEAR and QUADRATIC have ||w|| = 1, uniform on the sphere, and all
 * but SINE a law that is invariant under f -> -f: where g is not odd, f carries a random sign, one a
 * prompt. NET, TREE, SERIES and GAUSSIAN_PROCESS have no w, and no closed forms but for a ReLU net. */
typedef enum icl_labels {
    ICL_LABELS_LINEAR = 0,   /* w.x,  w ~ N(mu, W) */
    ICL_LABELS_TANH = 1,     /* tanh(w.x) */
    ICL_LABELS_RELU = 2,     /* +-max(w.x, 0) */
    ICL_LABELS_SIN = 3,      /* sin(2 w.x) */
    ICL_LABELS_CUBIC = 4,    /* (w.x)^3 */
    ICL_LABELS_NET = 5,      /* sqrt(2/m) sum_{k<m} a_k max(w_k.x, 0),  a, w_k ~ N(0, I): E f^2 =
                                tr Sigma (Garg et al. 2208.01066); activation TANH:
                                sqrt(1/m) sum_{k<m} a_k tanh(w_k.x) */
    ICL_LABELS_CALLBACK = 6, /* g(w.x), the caller's g, with a random sign unless label_odd */
    ICL_LABELS_SIGN = 7,     /* 1 where w.x >= 0, else -1 */
    ICL_LABELS_LOGISTIC = 8, /* 1 with probability 1 / (1 + exp(-w.x)), else -1, drawn for each example
                                and query (Giannou et al. 2403.03183) */
    ICL_LABELS_QUADRATIC = 9, /* sum_j w_j x_j^2 / sqrt 3,  w ~ N(0, I): E f^2 = d for x ~ N(0, I)
                                 (Garg et al.) */
    ICL_LABELS_SINE = 10,    /* a sin(w.x + phi), a uniform on (amplitude_least, amplitude_most), phi on
                                (0, pi), once a prompt: E f^2 = E a^2 / 2 (von Oswald et al. 2212.07677) */
    ICL_LABELS_TREE = 11,    /* a full binary tree of `depth` levels, the coordinate of each node equally
                                likely to be any, with x_c > 0 to the right; leaves ~ N(0, 1): E f^2 = 1
                                (Garg et al.) */
    ICL_LABELS_SERIES = 12,  /* sum_i sum_{1<=j<N} b_ij psi_j(x_i + 1/2),  b_ij ~ N(0, j^-a_i), N = `terms`:
                                E f^2 = sum_ij j^-a_i for x uniform on (-1/2, 1/2)^d, which is UNIFORM with
                                Sigma = I / 12. a_i = 2 s + 1 is smoothness s: the terms from m on have
                                the power m^-2s / 2s (after Kim et al. 2408.12186) */
    ICL_LABELS_GAUSSIAN_PROCESS = 13, /* f ~ GP(0, k), k the `kernel` with its `bandwidth`, exactly, jointly at
                                the examples and the queries, at a cost of (n + q)^3 / 6 a prompt and with
                                memory of 32 (n + q)^2 bytes a thread. f at a query depends on those of the
                                examples and of the queries before it: the bits of an example depend on
                                neither n nor q, those of a target on n. KERNEL_RIDGE with lambda =
                                sigma^2 is then the posterior mean */
    ICL_LABELS_FORCE_INT = 0x7fffffff
} icl_labels;

/* Of the units of a NET. */
typedef enum icl_activation {
    ICL_ACTIVATION_RELU = 0,
    ICL_ACTIVATION_TANH = 1,
    ICL_ACTIVATION_FORCE_INT = 0x7fffffff
} icl_activation;

/* psi_j of SERIES labels and of the solver SERIES, whose `shift` is then 1/2: orthonormal on (0, 1), and
 * each of mean 0. */
typedef enum icl_basis {
    ICL_BASIS_COSINE = 0, /* sqrt2 cos(pi j t) */
    ICL_BASIS_HAAR = 1,   /* wavelets: for j = 2^l + k, 0 <= k < 2^l, 2^(l/2) for t in [k, k + 1/2) / 2^l,
                             -2^(l/2) for t in [k + 1/2, k + 1) / 2^l, else 0 */
    ICL_BASIS_FORCE_INT = 0x7fffffff
} icl_basis;

/* k(a, b) of Gaussian processes and of kernel ridge regression, h the bandwidth. */
typedef enum icl_kernel {
    ICL_KERNEL_GAUSS = 0,   /* exp(-||a - b||^2 / (2 h^2)) */
    ICL_KERNEL_LAPLACE = 1, /* exp(-||a - b|| / h), the Euclidean norm */
    ICL_KERNEL_FORCE_INT = 0x7fffffff
} icl_kernel;

/* The caller's g: out[k] = g(s[k]) for k < count; may not keep the pointers. Called on the thread
 * that called libicl. Non-zero, or a non-finite out, ends the call with ICL_ERR_CALLBACK. Must be
 * a pure function of s[k], or prompts are no longer a function of the seed. */
typedef int (*icl_label_fn)(int64_t count, const double *s, double *out, void *user);

/* Queries unlike the examples, for tests of what was learned (Garg et al. 2208.01066): x and x_i are
 * drawn as the law says and then changed before they get their labels. Inputs from half of the space
 * are no shift of the queries but the law HALVES with kappa = 0 and trace DIM, skewed ones POWER with
 * a = 2 and trace DIM. */
typedef enum icl_queries {
    ICL_QUERIES_LAW = 0,        /* as the law draws them */
    ICL_QUERIES_ORTHOGONAL = 1, /* x projected off the span of the prompt's n examples and scaled back
                                   to its norm: X x = 0; n must be less than the rank of Sigma */
    ICL_QUERIES_REPEATED = 2,   /* x is one of the examples' x_i, equally likely, with noise of its
                                   own; n must not be 0 */
    ICL_QUERIES_SCALED = 3,     /* query_scale x */
    ICL_QUERIES_RANDOM_QUADRANT = 4,   /* x as it is; all examples of a prompt lie in one quadrant:
                                          x_ij becomes s_j |x_ij|, s_j = +-1 once a prompt */
    ICL_QUERIES_OPPOSITE_QUADRANT = 5, /* the same, with x in the quadrant opposite: -s_j |x_j| */
    ICL_QUERIES_FORCE_INT = 0x7fffffff
} icl_queries;

/* The noise level of a prompt: the standard deviation sigma that its examples and queries share. */
typedef enum icl_noise_law {
    ICL_NOISE_FIXED = 0,   /* sigma^2 = noise */
    ICL_NOISE_UNIFORM = 1, /* sigma uniform on (0, sqrt(noise)), drawn once a prompt */
    ICL_NOISE_SET = 2,     /* sigma one of noise_values, equally likely, drawn once a prompt */
    ICL_NOISE_FORCE_INT = 0x7fffffff
} icl_noise_law;

typedef struct icl_law_options {
    size_t size;                /* sizeof(icl_law_options) as the caller knows it */
    int64_t dim;                /* d, 1 to 16384; default 5 */
    int64_t context;            /* n, 0 to 2^31; default 20 */
    double noise;               /* sigma^2, a variance, >= 0; UNIFORM: its greatest value; SET:
                                   unused; default 0 */
    icl_covariance covariance;  /* Sigma; default IDENTITY */
    const double *covariance_values; /* borrowed during the call that makes the law */
    icl_covariance prior;       /* W, of linear labels; default IDENTITY */
    const double *prior_values; /* borrowed during the call */
    const double *prior_mean;   /* mu (d), of linear labels; NULL: 0 */
    uint64_t rotation_seed;     /* SPECTRUM: stream 0 is Sigma's basis, 1 W's; default 0 */
    icl_labels labels;          /* default LINEAR */
    int64_t hidden;             /* width m of NET, 1 to 65536; default 4 */
    icl_label_fn label_fn;      /* g of CALLBACK */
    void *label_user;           /* handed to label_fn */
    int label_odd;              /* CALLBACK: 1 if g(-s) = -g(s), then no random sign; default 0 */
    const double *noise_values; /* SET: standard deviations, 0 to 1e150; borrowed during the call */
    int64_t noise_count;        /* SET: how many, 1 to 65536 */
    icl_noise_law noise_law;    /* default FIXED */
    icl_covariates covariates;  /* default GAUSSIAN */
    icl_trace trace;            /* of Sigma; default GIVEN */
    icl_tasks tasks;            /* of linear labels; default GAUSSIAN */
    int64_t sparsity;           /* SPARSE: non-zero weights, 1 to d; default 3 */
    int64_t pool;               /* K > 0, to 2^31: the task is one of K, equally likely, for all
                                   labels that a w alone tells (not SINE, nor those without a w); default
                                   0: drawn for each prompt */
    const double *pool_values;  /* their w (K x d), borrowed during the call; NULL: drawn once */
    uint64_t pool_seed;         /* that they are drawn with; default 0 */
    int64_t rotation_every;     /* K > 0, for a Sigma of kind SPECTRUM, HALVES or POWER: its rotation is
                                   drawn with the prompts, one for K of them in turn; default 0: one
                                   for all, from rotation_seed */
    double freedom;             /* STUDENT: nu, above 2, to 2^31; default 5 */
    icl_scale scale;            /* of the covariates; default FIXED */
    double scale_shape;         /* k of G, 0.5 to 2^30; default 1: exponential */
    icl_activation activation;  /* of NET; default RELU */
    double amplitude_least;     /* SINE: 0 to amplitude_most; default 0.1 */
    double amplitude_most;      /* SINE: to 1e150; default 0.5 */
    icl_queries queries;        /* default LAW */
    double query_scale;         /* SCALED: any finite number; default 1 */
    int64_t depth;              /* TREE: 0 to 16; default 4 */
    int64_t terms;              /* SERIES: N, 2 to 16384, and d (N - 1) + 1 no more, else ICL_ERR_SIZE;
                                   default 64 */
    icl_basis basis;            /* SERIES; default COSINE */
    double decay;               /* SERIES: a_i = a, -64 to 64; default 3 */
    const double *decay_values; /* SERIES: a_i (d) of each coordinate, for anisotropic smoothness,
                                   borrowed during the call; NULL: decay for all */
    icl_kernel kernel;          /* GAUSSIAN_PROCESS; default GAUSS */
    double bandwidth;           /* GAUSSIAN_PROCESS: h > 0, in the unit of the covariates; default 1 */
} icl_law_options;

typedef struct icl_law icl_law;

ICL_API icl_status icl_law_options_init(icl_law_options *options, size_t size);

/* Sets options, which icl_law_options_init has set before, to a published setting:
 *
 *     garg-linear, garg-sparse, garg-relu-net, garg-decision-tree, garg-quadratic, and the shifts
 *     garg-skewed, garg-half-subspace, garg-orthogonal, garg-repeated, garg-random-quadrant (Garg et al.
 *     2208.01066);
 *     fu-isotropic, fu-ill-conditioned, fu-noisy (Fu et al. 2310.17086);
 *     von-oswald-uniform, von-oswald-sine (2212.07677); akyurek (2211.15661); ahn-isotropic,
 *     ahn-rotated (2306.00297);
 *     mahankali (2307.03576); zhang (2306.09927); raventos-pool, of 2^14 tasks (2306.15063);
 *     vladymyrov-noise, vladymyrov-set (2402.14180); giannou-linear, giannou-logistic (2403.03183);
 *     lu-proportional (2405.11751).
 *
 * Any of them may then be changed. Arrays that they point to belong to the library and are never freed.
 * Another name is ICL_ERR_ARGUMENT, with a text that lists these; options are then as before. */
ICL_API icl_status icl_task_preset(icl_context *context, const char *name,
                                   icl_law_options *options);
/* Names number 0, 1, .. of them; NULL beyond the last. */
ICL_API const char *icl_task_preset_name(int64_t index);

/* Makes a law. Sigma and W must be symmetric (to 1e-12 of the largest entry) and positive
 * semi-definite (least eigenvalue >= -1e-12 of the largest): else ICL_ERR_NOT_PSD, and the text
 * names the entry or the eigenvalue. W = Sigma^-1 with a singular Sigma is ICL_ERR_SINGULAR. A
 * prior or a mean with labels other than LINEAR is ICL_ERR_ARGUMENT. Immutable; may be shared by
 * threads, except that a CALLBACK law calls label_fn from each of them. A trace that cannot be made
 * what it should is ICL_ERR_ARGUMENT, as is a kind of tasks with labels other than LINEAR. Cost
 * O(d^3). Where the rotation of Sigma is drawn with the prompts, the law's own Sigma is the mean
 * E x x^T = (tr Sigma / d) I, and a prior INVERSE, which then turns with Sigma, has its mean, too. */
ICL_API icl_status icl_law_create(icl_context *context, const icl_law_options *options,
                                  icl_law **out);
ICL_API void icl_law_free(icl_law *law);

/* The same law with another context length and FIXED noise of this variance: a shift at test time.
 * ICL_ERR_ARGUMENT where the law's queries cannot have that context length. */
ICL_API icl_status icl_law_with(const icl_law *law, int64_t context, double noise, icl_law **out);

/* The same law with queries of another kind; scale is read where they are SCALED. ICL_ERR_ARGUMENT where
 * the law's n is not one they can have: see icl_queries. Of shifted queries the theory has no closed
 * forms (ICL_ERR_NO_CLOSED_FORM); the Bayes solver stays right, for the posterior of w does not depend
 * on the query. */
ICL_API icl_status icl_law_with_queries(const icl_law *law, icl_queries queries, double scale,
                                        icl_law **out);

ICL_API int64_t icl_law_dim(const icl_law *law);      /* d; 0 for NULL, as below */
ICL_API int64_t icl_law_context(const icl_law *law);  /* n */
ICL_API double icl_law_noise(const icl_law *law);     /* sigma^2; its mean where it is drawn */
ICL_API icl_labels icl_law_labels(const icl_law *law); /* LINEAR for NULL */
ICL_API icl_covariates icl_law_covariates(const icl_law *law); /* GAUSSIAN for NULL */
ICL_API icl_tasks icl_law_tasks(const icl_law *law);   /* GAUSSIAN for NULL */
ICL_API icl_queries icl_law_queries(const icl_law *law); /* LAW for NULL */
ICL_API double icl_law_query_scale(const icl_law *law); /* 1 unless SCALED */
ICL_API int64_t icl_law_pool_count(const icl_law *law); /* K; 0 without a pool */
/* Borrowed from the law, valid while it lives: Sigma (d x d), the covariance of w (d x d; NULL
 * unless labels are LINEAR; of a pool: that of its K entries), its mean (d; NULL where it is zero),
 * the pool (K x d; NULL without one). NULL for NULL. */
ICL_API const double *icl_law_covariance(const icl_law *law);
ICL_API const double *icl_law_prior(const icl_law *law);
ICL_API const double *icl_law_prior_mean(const icl_law *law);
ICL_API const double *icl_law_pool(const icl_law *law);

/* What a batch holds beside the moments that the models read. Or-ed together. */
typedef enum icl_contents {
    ICL_CONTENTS_MOMENTS = 1,  /* S, b, s_yy as row-major arrays */
    ICL_CONTENTS_EXAMPLES = 2, /* X, y */
    ICL_CONTENTS_TASKS = 4,    /* w of each prompt (labels that have one) */
    ICL_CONTENTS_ALL = 7,
    ICL_CONTENTS_FORCE_INT = 0x7fffffff
} icl_contents;

typedef struct icl_batch_options {
    size_t size;       /* sizeof(icl_batch_options) as the caller knows it */
    int64_t prompts;   /* B, 1 to 2^31; default 64 */
    int64_t dim;       /* d, 1 to 16384; default 5 */
    int64_t context;   /* n, 0 to 2^31; default 20 */
    int64_t queries;   /* q, 1 to 65536; default 1 */
    uint32_t contents; /* of icl_contents; default ICL_CONTENTS_ALL */
} icl_batch_options;

/* B prompts of one shape. Filled by a sampler or from the caller's arrays; the moments and the
 * queries are always there for models, contents says which arrays can be read too. */
typedef struct icl_batch icl_batch;

ICL_API icl_status icl_batch_options_init(icl_batch_options *options, size_t size);
/* Makes a batch, all zero. ICL_ERR_SIZE if its arrays are too large to count. */
ICL_API icl_status icl_batch_create(icl_context *context, const icl_batch_options *options,
                                    icl_batch **out);
ICL_API void icl_batch_free(icl_batch *batch);

/* Fills the batch with the caller's prompts, copied: X (B x n x d), y (B x n), queries
 * (B x q x d), targets (B x q) or NULL for zeros. X and y may be NULL where n = 0. */
ICL_API icl_status icl_batch_assign(icl_batch *batch, const double *X, const double *y,
                                    const double *queries, const double *targets);

ICL_API int64_t icl_batch_prompts(const icl_batch *batch); /* B; 0 for NULL, as below */
ICL_API int64_t icl_batch_dim(const icl_batch *batch);     /* d */
ICL_API int64_t icl_batch_context(const icl_batch *batch); /* n */
ICL_API int64_t icl_batch_queries(const icl_batch *batch); /* q */

/* Borrowed from the batch, valid until it is filled again or freed. NULL for NULL, and for what
 * its contents leave out. Row-major. Before the first fill all are zero. */
ICL_API const double *icl_batch_X(const icl_batch *batch);             /* B x n x d */
ICL_API const double *icl_batch_y(const icl_batch *batch);             /* B x n */
ICL_API const double *icl_batch_query(const icl_batch *batch);         /* B x q x d */
ICL_API const double *icl_batch_target(const icl_batch *batch);        /* B x q */
/* w (B x d); zero after assign and where labels have none */
ICL_API const double *icl_batch_task(const icl_batch *batch);
/* Of w in the pool (B); always there; -1 where there is none. */
ICL_API const int64_t *icl_batch_task_index(const icl_batch *batch);
/* sigma^2 of each prompt (B); always there; zero after assign */
ICL_API const double *icl_batch_noise(const icl_batch *batch);
ICL_API const double *icl_batch_S(const icl_batch *batch);             /* B x d x d */
ICL_API const double *icl_batch_b(const icl_batch *batch);             /* B x d */
ICL_API const double *icl_batch_syy(const icl_batch *batch);           /* B */

/* How a prompt becomes the tokens that a network reads. */
typedef enum icl_layout {
    ICL_LAYOUT_COLUMNS = 0,     /* n + 1 tokens of d + 1 numbers: (x_i; y_i), i = 1..n, and the query
                                   (x; 0) (Ahn et al., Zhang et al., Mahankali et al.) */
    ICL_LAYOUT_INTERLEAVED = 1, /* 2 n + 1 tokens of d numbers: x_1, (y_1; 0), x_2, (y_2; 0), .., and
                                   the query x, y first and d - 1 zeros (Garg et al., Fu et al.) */
    ICL_LAYOUT_FORCE_INT = 0x7fffffff
} icl_layout;

/* Writes the tokens of every prompt with its query number `query`, 0 to q - 1, to the caller's out:
 * B x (n + 1) x (d + 1) for COLUMNS, B x (2 n + 1) x d for INTERLEAVED, a token after another.
 * ICL_ERR_MISSING where the batch does not hold its examples (unless n = 0). */
ICL_API icl_status icl_batch_tokens(const icl_batch *batch, icl_layout layout, int64_t query,
                                    double *out);

/* Draws the prompts of a law. */
typedef struct icl_sampler icl_sampler;

/* seed <= 2^63 - 1. All that is drawn is finite: a law of E f(x)^2 or E x.x above 1e250, or of noise above
 * 1e300, whose squares may overflow, is ICL_ERR_ARGUMENT. The sampler keeps the law alive. Immutable: any
 * threads may draw from it. */
ICL_API icl_status icl_sampler_create(icl_context *context, const icl_law *law, uint64_t seed,
                                      icl_sampler **out);
ICL_API void icl_sampler_free(icl_sampler *sampler);
ICL_API const icl_law *icl_sampler_law(const icl_sampler *sampler); /* borrowed; NULL for NULL */
ICL_API uint64_t icl_sampler_seed(const icl_sampler *sampler);      /* 0 for NULL */

/* Sigma (d x d) of a prompt, 0 <= prompt < 2^62: the law's, but where its rotation or its scale is
 * drawn with the prompt. */
ICL_API icl_status icl_sampler_covariance(const icl_sampler *sampler, int64_t prompt,
                                          double *covariance);

/* A batch of the sampler's shape: dim and context are the law's. contents 0 is the fastest, for
 * models that read moments only. */
ICL_API icl_status icl_sampler_batch(const icl_sampler *sampler, int64_t prompts, int64_t queries,
                                     uint32_t contents, icl_batch **out);

/* Fills the batch with prompts first..first + B - 1; 0 <= first, first + B <= 2^62. The batch's
 * shape must be the law's: else ICL_ERR_SHAPE. Where a call fails in a label callback, the batch
 * is as before. Runs on the threads and the instruction set of the batch's context. */
ICL_API icl_status icl_sampler_draw(const icl_sampler *sampler, int64_t first, icl_batch *batch);

/* Fills the batch as icl_sampler_draw does, but draws the moments from their distribution, not from
 * examples: exact for every n >= 0, at a cost that does not depend on n. Tasks, levels, queries and
 * targets have the bits that icl_sampler_draw gives; the moments are others of the same law.
 * Gaussian covariates of FIXED scale, one Sigma, linear labels and queries that are LAW or SCALED, else
 * ICL_ERR_NO_CLOSED_FORM. A batch with
 * ICL_CONTENTS_EXAMPLES is ICL_ERR_ARGUMENT: it fits the law, but its contents are out of this
 * function's range, and examples that do not belong to the moments would mislead. */
ICL_API icl_status icl_sampler_draw_moments(const icl_sampler *sampler, int64_t first,
                                            icl_batch *batch);

/* Fills the batch as icl_sampler_draw does, but with covariates that are 0 beyond the first `dims`,
 * 1 to d, in examples and queries, and with the batch's own context, 0 to the law's n, for a curriculum
 * (Garg et al. 2208.01066): what is left has the bits of the law's prompts. moments 1: draws moments as
 * icl_sampler_draw_moments does. ICL_ERR_ARGUMENT where the law's queries cannot have that context, and
 * for ORTHOGONAL ones with dims < d. */
ICL_API icl_status icl_sampler_draw_part(const icl_sampler *sampler, int64_t first, int64_t dims,
                                         int moments, icl_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
