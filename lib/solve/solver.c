/* The life of a solver: its options checked, its matrices copied and factorised once. */
#include "solve/solver.h"

#include <math.h>
#include <string.h>

#include "linalg/linalg.h"
#include "solve/ridge.h"

enum { MAX_DIM = 16384 };

static const icl_solver_options default_options = {.size = sizeof(icl_solver_options),
                                                   .method = ICL_METHOD_GD,
                                                   .dim = 5,
                                                   .steps = 1,
                                                   .order = 2,
                                                   .memory = 10,
                                                   .ridge_factor = 1,
                                                   .neighbours = 3,
                                                   .bandwidth = 1,
                                                   .terms = 8,
                                                   .depth = 4};

static const icl_algorithm *const algorithms[] = {
    [ICL_METHOD_GD] = &icl_algorithm_gd,
    [ICL_METHOD_PGD] = &icl_algorithm_pgd,
    [ICL_METHOD_NEWTON] = &icl_algorithm_newton,
    [ICL_METHOD_RIDGE] = &icl_algorithm_ridge,
    [ICL_METHOD_LEAST_SQUARES] = &icl_algorithm_least_squares,
    [ICL_METHOD_BAYES] = &icl_algorithm_bayes,
    [ICL_METHOD_GD_PLUS_PLUS] = &icl_algorithm_gd_plus_plus,
    [ICL_METHOD_HEAVY_BALL] = &icl_algorithm_heavy_ball,
    [ICL_METHOD_NESTEROV] = &icl_algorithm_nesterov,
    [ICL_METHOD_CHEBYSHEV] = &icl_algorithm_chebyshev,
    [ICL_METHOD_ONLINE_GD] = &icl_algorithm_online_gd,
    [ICL_METHOD_SGD] = &icl_algorithm_sgd,
    [ICL_METHOD_AVERAGE] = &icl_algorithm_average,
    [ICL_METHOD_CONJUGATE_GRADIENT] = &icl_algorithm_conjugate_gradient,
    [ICL_METHOD_BFGS] = &icl_algorithm_bfgs,
    [ICL_METHOD_DFP] = &icl_algorithm_dfp,
    [ICL_METHOD_LBFGS] = &icl_algorithm_lbfgs,
    [ICL_METHOD_POOL] = &icl_algorithm_pool,
    [ICL_METHOD_LASSO] = &icl_algorithm_lasso,
    [ICL_METHOD_LOGISTIC] = &icl_algorithm_logistic,
    [ICL_METHOD_KNN] = &icl_algorithm_knn,
    [ICL_METHOD_KERNEL_RIDGE] = &icl_algorithm_kernel_ridge,
    [ICL_METHOD_SERIES] = &icl_algorithm_series,
    [ICL_METHOD_TREE] = &icl_algorithm_tree,
};
enum { METHODS = sizeof algorithms / sizeof *algorithms };

icl_status icl_solver_options_init(icl_solver_options *options, size_t size) {
    return icl_options_default(options, size, &default_options, sizeof default_options);
}

/* ---- checks ---- */

static icl_status check_numbers(const icl_context *context, const icl_solver_options *o) {
    const char *function = "icl_solver_create";
    ICL_REQUIRE(context, (unsigned)o->method < METHODS, ICL_ERR_ARGUMENT,
                "%s: method = %d is none of icl_method", function, (int)o->method);
    ICL_TRY(icl_check_range(context, function, "dim", o->dim, 1, MAX_DIM));
    ICL_TRY(icl_check_range(context, function, "steps", o->steps, 0, INT64_C(1) << 31));
    ICL_TRY(icl_check_range(context, function, "order", o->order, 2, 64));
    ICL_TRY(icl_check_range(context, function, "memory", o->memory, 1, 1024));
    ICL_TRY(icl_check_range(context, function, "neighbours", o->neighbours, 1, INT64_C(1) << 31));
    ICL_REQUIRE(context, (unsigned)o->rule <= ICL_RIDGE_TUNED, ICL_ERR_ARGUMENT,
                "%s: rule = %d is none of icl_ridge_rule", function, (int)o->rule);
    ICL_TRY(icl_check_range(context, function, "terms", o->terms, 1, MAX_DIM));
    ICL_TRY(icl_check_range(context, function, "depth", o->depth, 0, 64));
    ICL_REQUIRE(context, (unsigned)o->kernel <= ICL_KERNEL_LAPLACE, ICL_ERR_ARGUMENT,
                "%s: kernel = %d is none of icl_kernel", function, (int)o->kernel);
    ICL_REQUIRE(context, (unsigned)o->basis <= ICL_BASIS_HAAR, ICL_ERR_ARGUMENT,
                "%s: basis = %d is none of icl_basis", function, (int)o->basis);
    const struct {
        const char *name;
        double value;
    } reals[] = {{"step", o->step},
                 {"ridge", o->ridge},
                 {"tolerance", o->tolerance},
                 {"gamma", o->gamma},
                 {"momentum", o->momentum},
                 {"least", o->least},
                 {"greatest", o->greatest},
                 {"ridge_factor", o->ridge_factor},
                 {"ridge_most", o->ridge_most},
                 {"noise", o->noise},
                 {"l1", o->l1},
                 {"l1_per_example", o->l1_per_example},
                 {"bandwidth", o->bandwidth}};
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        ICL_TRY(icl_check_real(context, function, reals[i].name, reals[i].value, 0));
    ICL_REQUIRE(context, isfinite(o->shift), ICL_ERR_NONFINITE, "%s: shift = %g is not finite",
                function, o->shift);
    ICL_REQUIRE(context, o->bandwidth > 0, ICL_ERR_ARGUMENT, "%s: bandwidth = 0, must be positive",
                function);
    ICL_REQUIRE(context, o->momentum < 1, ICL_ERR_ARGUMENT, "%s: momentum = %g, must be below 1",
                function, o->momentum);
    ICL_REQUIRE(context, o->greatest == 0 || o->least <= o->greatest, ICL_ERR_ARGUMENT,
                "%s: least = %g is above greatest = %g", function, o->least, o->greatest);
    return ICL_OK;
}

static icl_status check_law(const icl_context *context, const icl_solver_options *o) {
    const char *function = "icl_solver_create";
    ICL_REQUIRE(context, o->law != NULL, ICL_ERR_ARGUMENT,
                "%s: law is NULL, but method = BAYES needs one", function);
    const char *gap = icl_law_no_posterior(o->law);
    ICL_REQUIRE(context, gap == NULL, ICL_ERR_NO_CLOSED_FORM,
                "%s: law (labels = %d, tasks = %d) for method = BAYES: %s", function,
                (int)o->law->labels, (int)o->law->tasks, gap);
    ICL_REQUIRE(context, o->law->dim == o->dim, ICL_ERR_SHAPE, "%s: law has dim = %lld, not %lld",
                function, (long long)o->law->dim, (long long)o->dim);
    return ICL_OK;
}

static icl_status check_symmetric(const icl_context *context, int64_t d, const double *B) {
    const char *function = "icl_solver_create";
    ICL_REQUIRE(context, B != NULL, ICL_ERR_ARGUMENT,
                "%s: preconditioner is NULL, but method = PGD needs one", function);
    ICL_TRY(icl_check_array(context, function, "preconditioner", B, d * d));
    double greatest = 0;
    for (int64_t i = 0; i < d * d; i++)
        greatest = fmax(greatest, fabs(B[i]));
    for (int64_t i = 0; i < d; i++)
        for (int64_t j = 0; j < i; j++)
            ICL_REQUIRE(context, fabs(B[i * d + j] - B[j * d + i]) <= 1e-12 * greatest,
                        ICL_ERR_NOT_PSD,
                        "%s: preconditioner is not symmetric: entry (%lld, %lld) is %g, (%lld, "
                        "%lld) is %g",
                        function, (long long)i, (long long)j, B[i * d + j], (long long)j,
                        (long long)i, B[j * d + i]);
    return ICL_OK;
}

static icl_status check_pool(const icl_context *context, const icl_solver_options *o) {
    const char *function = "icl_solver_create";
    ICL_REQUIRE(context, o->pool != NULL, ICL_ERR_ARGUMENT,
                "%s: pool is NULL, but method = POOL needs one", function);
    ICL_TRY(icl_check_range(context, function, "pool_count", o->pool_count, 1, INT64_C(1) << 31));
    return icl_check_array(context, function, "pool", o->pool, o->pool_count * o->dim);
}

static icl_status check_options(const icl_context *context, const icl_solver_options *o) {
    ICL_TRY(check_numbers(context, o));
    if (algorithms[o->method]->start && o->start != NULL)
        ICL_TRY(icl_check_array(context, "icl_solver_create", "start", o->start, o->dim));
    if (o->method == ICL_METHOD_PGD)
        ICL_TRY(check_symmetric(context, o->dim, o->preconditioner));
    if (o->method == ICL_METHOD_POOL)
        ICL_TRY(check_pool(context, o));
    ICL_REQUIRE(context, o->method != ICL_METHOD_SERIES || o->dim * (o->terms - 1) < MAX_DIM,
                ICL_ERR_SIZE,
                "icl_solver_create: terms = %lld at dim = %lld are more than %d functions",
                (long long)o->terms, (long long)o->dim, MAX_DIM);
    ICL_REQUIRE(context, o->method != ICL_METHOD_LASSO || o->l1 > 0 || o->l1_per_example > 0,
                ICL_ERR_ARGUMENT,
                "icl_solver_create: l1 = 0 and l1_per_example = 0, but method = LASSO needs a "
                "penalty");
    ICL_REQUIRE(context, o->method != ICL_METHOD_LOGISTIC || o->ridge > 0, ICL_ERR_ARGUMENT,
                "icl_solver_create: ridge = 0, but method = LOGISTIC needs mu > 0");
    return o->method == ICL_METHOD_BAYES ? check_law(context, o) : ICL_OK;
}

/* ---- making one ---- */

/* F with B = F^T F: the eigenvectors of the eigenvalues that are not zero, times their roots. */
static icl_status factorise(icl_solver *solver, double *factor) {
    const icl_context *context = solver->context;
    int64_t d = solver->dim;
    double *values;
    ICL_TRY(ICL_NEW(context, &values, d));
    icl_status status = icl_eigen(context, d, solver->preconditioner, values, factor);
    double greatest = values[d - 1];
    if (status == ICL_ERR_LAPACK)
        icl_fail(context, status, "icl_solver_create: no eigenvalues of preconditioner found");
    else if (status == ICL_OK && values[0] < -1e-12 * greatest)
        status = icl_fail(context, ICL_ERR_NOT_PSD,
                          "icl_solver_create: preconditioner has the eigenvalue %g", values[0]);
    if (status == ICL_OK) {
        int64_t zero = 0;
        while (zero < d && values[zero] <= icl_rank_tolerance(d, d) * greatest)
            zero++;
        solver->rank = d - zero;
        for (int64_t k = zero; k < d; k++)
            for (int64_t j = 0; j < d; j++)
                factor[(k - zero) * d + j] = sqrt(values[k]) * factor[k * d + j];
        solver->factor = factor;
    }
    icl_dealloc(context, values);
    return status;
}

static icl_status copy_matrices(icl_solver *solver, const icl_solver_options *o) {
    int64_t d = o->dim, square = o->method == ICL_METHOD_PGD ? d * d : 0;
    int starts = solver->algorithm->start && o->start != NULL;
    if (!starts && square == 0)
        return ICL_OK;
    ICL_TRY(ICL_NEW(solver->context, &solver->matrices, d + 2 * square));
    if (starts)
        solver->start = memcpy(solver->matrices, o->start, (size_t)d * sizeof(double));
    if (square == 0)
        return ICL_OK;
    double *copy = solver->matrices + d;
    solver->preconditioner = memcpy(copy, o->preconditioner, (size_t)square * sizeof(double));
    return factorise(solver, copy + square);
}

icl_status icl_solver_create(icl_context *context, const icl_solver_options *options,
                             icl_solver **out) {
    if (out != NULL)
        *out = NULL;
    if (context == NULL)
        return ICL_ERR_ARGUMENT;
    ICL_REQUIRE_POINTER(context, out);
    icl_solver_options o = default_options;
    ICL_TRY(icl_options_read(context, __func__, options, &o, sizeof o));
    ICL_TRY(check_options(context, &o));
    icl_solver *solver;
    ICL_TRY(ICL_NEW(context, &solver, 1));
    solver->context = icl_context_retain(context);
    solver->algorithm = algorithms[o.method];
    solver->dim = o.dim;
    solver->steps = solver->algorithm->steps ? o.steps : 0;
    solver->options = o;
    solver->options.preconditioner = solver->options.start = solver->options.pool = NULL;
    solver->options.law = NULL;
    solver->examples = solver->algorithm->examples || icl_ridge_estimates(solver);
    icl_status status = copy_matrices(solver, &o);
    if (status == ICL_OK && o.method == ICL_METHOD_POOL)
        status = icl_pool_pack(solver, o.pool, o.pool_count);
    if (status == ICL_OK && o.method == ICL_METHOD_BAYES)
        status = icl_law_share(o.law, &solver->law);
    if (status != ICL_OK) {
        icl_solver_free(solver);
        return status;
    }
    *out = solver;
    return ICL_OK;
}

void icl_solver_free(icl_solver *solver) {
    if (solver == NULL)
        return;
    icl_context *context = solver->context;
    icl_law_free(solver->law);
    icl_dealloc(context, solver->matrices);
    icl_dealloc(context, solver->tiles);
    icl_dealloc(context, solver);
    icl_context_free(context);
}
