/* What belongs to a checkpoint, difference by difference; a last save that fails; models that claim
 * more than their file holds. */
#include <sys/stat.h>
#include <unistd.h>

#include "io/safetensors.h"
#include "support/folder.h"
#include "test_train.h"

/* ---- another run ---- */

static const double values[3] = {1, 2, 3}, others[3] = {1, 2, 4};

enum {
    FROM_SGD = 9,
    FROM_SET = 10,
    FREE = 15,
    LATER = 19,
    FROM_STUDENT = 20,
    FROM_SCALED = 21,
    FROM_SINE = 22,
    FROM_NET = 23,
    FROM_TREE = 24,
    FROM_SERIES = 25,
    FROM_WAVELETS = 26,
    FROM_PROCESS = 27,
    FROM_LAPLACE = 28,
    CHANGES = FROM_LAPLACE
};

static icl_labels labels_of(int change) {
    switch (change) {
    case FROM_SINE:
        return ICL_LABELS_SINE;
    case FROM_NET:
        return ICL_LABELS_NET;
    case FROM_TREE:
        return ICL_LABELS_TREE;
    case FROM_SERIES:
    case FROM_WAVELETS:
        return ICL_LABELS_SERIES;
    case FROM_PROCESS:
    case FROM_LAPLACE:
        return ICL_LABELS_GAUSSIAN_PROCESS;
    default:
        return ICL_LABELS_LINEAR;
    }
}

/* Change number LATER and those after it. */
static void change_law(int change, icl_law_options *law) {
    switch (change) {
    case LATER:
        law->scale = ICL_SCALE_PROMPT;
        break;
    case FROM_STUDENT:
        law->freedom = 6;
        break;
    case FROM_SINE:
        law->amplitude_least = 0.2;
        break;
    case FROM_NET:
        law->activation = ICL_ACTIVATION_TANH;
        break;
    case FROM_TREE:
        law->depth = 3;
        break;
    case FROM_SERIES:
        law->decay = 2.5;
        break;
    case FROM_WAVELETS:
        law->basis = ICL_BASIS_HAAR;
        break;
    case FROM_PROCESS:
        law->bandwidth = 0.5;
        break;
    case FROM_LAPLACE:
        law->kernel = ICL_KERNEL_LAPLACE;
        break;
    case FROM_SCALED:
        law->scale_shape = 2;
        break;
    default:
        break;
    }
}

/* The run that change number 1, 2, .. is made to, and what it becomes by it. */
static setting run_of(int change, int changed) {
    setting s = defaults();
    s.law.dim = 3;
    s.law.noise = 0.1;
    s.law.covariance = ICL_COVARIANCE_SPECTRUM;
    s.law.covariance_values = values;
    s.law.rotation_seed = 3;
    s.law.prior_values = values;
    s.law.noise_law = change == FROM_SET ? ICL_NOISE_SET : ICL_NOISE_FIXED;
    s.law.noise_values = change == FROM_SET && changed ? others : values;
    s.law.noise_count = 3;
    s.law.covariates = change == FROM_STUDENT ? ICL_COVARIATES_STUDENT : ICL_COVARIATES_GAUSSIAN;
    s.law.scale = change == FROM_SCALED ? ICL_SCALE_EXAMPLE : ICL_SCALE_FIXED;
    s.law.labels = labels_of(change);
    s.model.layers = 2;
    s.trainer.batch = 16;
    s.optimiser.method = change == FROM_SGD ? ICL_OPTIMISER_SGD : ICL_OPTIMISER_ADAM;
    switch (changed ? change : 0) {
    case 1:
        s.law.covariance_values = others;
        break;
    case 2:
        s.law.rotation_seed = 4;
        break;
    case 3:
        s.law.prior = ICL_COVARIANCE_DIAGONAL;
        break;
    case 4:
        s.law.prior_mean = values;
        break;
    case 5:
        s.law.noise_law = ICL_NOISE_UNIFORM;
        break;
    case 6:
        s.law.labels = ICL_LABELS_TANH;
        break;
    case 7:
        s.trainer.first = 16;
        break;
    case 8:
        s.trainer.refresh = 2;
        break;
    case FROM_SGD:
        s.optimiser.momentum = 0.9;
        break;
    case 11:
        s.optimiser.method = ICL_OPTIMISER_ADAMW;
        break;
    case 12:
        s.law.queries = ICL_QUERIES_SCALED;
        s.law.query_scale = 2;
        break;
    case 13:
        s.trainer.dims = 2;
        break;
    case 14:
        s.trainer.points = 3;
        break;
    /* from here on the caller's to change */
    case FREE:
        s.optimiser.momentum = 0.9;
        break; /* of another method */
    case 16:
        s.optimiser.rate = 0.5;
        break;
    case 17:
        s.trainer.steps = 3;
        break;
    case 18:
        s.optimiser.beta1 = 0.5;
        break;
    default:
        if (changed)
            change_law(change, &s.law);
        break;
    }
    return s;
}

START_TEST(test_each_difference_is_seen) {
    folder f = make_folder();
    char path[FOLDER_PATH];
    in_folder(&f, "run", path);
    for (int change = 1; change <= CHANGES; change++) {
        setting s = run_of(change, 0);
        bench b = start(&s);
        ASSERT_OK(b.context, icl_trainer_save(b.trainer, path));
        ASSERT_OK(b.context, icl_trainer_resume(b.trainer, path));
        finish(&b);
        s = run_of(change, 1);
        b = start(&s);
        icl_status expected = change < FREE || change >= LATER ? ICL_ERR_SHAPE : ICL_OK;
        icl_status status = icl_trainer_resume(b.trainer, path);
        ck_assert_msg(status == expected, "change %d: %s", change, icl_status_name(status));
        finish(&b);
    }
    REMOVE_FOLDER(&f, "run");
}
END_TEST

/* ---- the end of a run ---- */

/* Where only the last save fails, another run does no step: it saves the mean that was reached. */
START_TEST(test_a_failed_last_save_is_repeated) {
    folder f = make_folder();
    char inner[FOLDER_PATH], path[FOLDER_PATH];
    in_folder(&f, "later", inner);
    in_folder(&f, "later/run", path);
    setting s = defaults();
    s.trainer.average = 3;
    s.trainer.checkpoint = path;
    bench b = start(&s);
    int64_t count = icl_model_parameter_count(b.model);
    double *x = malloc((size_t)count * sizeof *x);
    icl_train_report report;
    icl_model *saved;
    for (int attempt = 0; attempt < 2; attempt++) {
        ASSERT_FAILS(b.context, ICL_ERR_IO, "later/run", icl_trainer_run(b.trainer, NULL));
        ASSERT_OK(b.context, icl_trainer_state(b.trainer, &report));
        ck_assert_int_eq(report.step, 7);
    }
    memcpy(x, icl_model_parameters(b.model), (size_t)count * sizeof *x);
    ck_assert_int_eq(mkdir(inner, 0777), 0);
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report));
    ck_assert_int_eq(report.step, 7);
    ck_assert_int_eq(report.stop, ICL_STOP_STEPS);
    ASSERT_OK(b.context, icl_model_load(b.context, path, &saved));
    ck_assert_mem_eq(x, icl_model_parameters(saved), (size_t)count * sizeof *x);
    ASSERT_OK(b.context, icl_trainer_run(b.trainer, &report)); /* a new one */
    ck_assert_int_eq(report.step, 14);
    icl_model_free(saved);
    free(x);
    finish(&b);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(rmdir(inner), 0);
    REMOVE_FOLDER(&f, NULL);
}
END_TEST

/* ---- claims ---- */

/* A request beyond a megabyte fails, and is no failure that the caller should hear of. */
static void *small_only(size_t bytes, void *user) {
    int *large = user;
    *large |= bytes > 1 << 20;
    return bytes > 1 << 20 ? NULL : malloc(bytes);
}

static void give_back(void *memory, void *user) {
    (void)user;
    free(memory);
}

START_TEST(test_claims_beyond_the_file) {
    const char *const texts[] = {
        "dim=4096 token=4097 layers=12 heads=1 parametrisation=0 width=4097 sign=1 looped=0 "
        "residual=0 "
        "guess=0 form=0",
        "dim=1 token=2 layers=4096 heads=100 parametrisation=1 width=2 sign=1 looped=0 residual=1 "
        "guess=0 form=0",
        "dim=1 token=16384 layers=9 heads=1 parametrisation=0 width=16384 sign=1 looped=1 "
        "residual=0 "
        "guess=1 form=0",
        "dim=4096 token=0 layers=1 heads=1 parametrisation=0 width=0 sign=1 looped=0 residual=0 "
        "guess=0 "
        "form=0",
        "dim=4096 token=4097 layers=1 heads=1 parametrisation=2 width=0 sign=1 looped=0 residual=0 "
        "guess=0 form=0",
        "dim=9223372036854775807 token=9223372036854775807 layers=9223372036854775807 "
        "heads=9223372036854775807 parametrisation=2 width=9223372036854775807 sign=1 looped=0 "
        "residual=0 guess=0 form=0"};
    folder f = make_folder();
    char path[FOLDER_PATH];
    in_folder(&f, "model", path);
    int large = 0;
    icl_context_options o;
    icl_context *context;
    ck_assert_int_eq(icl_context_options_init(&o, sizeof o), ICL_OK);
    o.allocator = (icl_allocator){small_only, give_back, &large};
    ck_assert_int_eq(icl_context_create(&o, &context), ICL_OK);
    const uint8_t masks[99] = {0};
    icl_safetensor tensor = {"libicl.trained", ICL_DTYPE_U8, 1, {99}, masks};
    for (int i = 0; i < 6; i++) {
        icl_text_pair text = {"libicl.model", texts[i]};
        icl_model *model = (icl_model *)context;
        ASSERT_OK(context, icl_safetensors_save(context, "test", path, &tensor, 1, &text, 1));
        ASSERT_FAILS(context, ICL_ERR_SHAPE, "99 masks", icl_model_load(context, path, &model));
        ck_assert_ptr_null(model);
    }
    icl_text_pair text = {"libicl.model", texts[0]};
    icl_model *model;
    tensor.name = "trained";
    ASSERT_OK(context, icl_safetensors_save(context, "test", path, &tensor, 1, &text, 1));
    ASSERT_FAILS(context, ICL_ERR_MISSING, "libicl.trained", icl_model_load(context, path, &model));
    ck_assert_int_eq(large, 0);
    icl_context_free(context);
    REMOVE_FOLDER(&f, "model");
}
END_TEST

RUN_SUITE("checkpoint_refusals", test_each_difference_is_seen, test_a_failed_last_save_is_repeated,
          test_claims_beyond_the_file)
