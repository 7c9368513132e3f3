/* The moments of non-linear labels where Sigma is not I: only the task is simulated, and what the
 * covariates and the noise add given the task is exact (Rao and Blackwell). */
#include <math.h>
#include <string.h>

#include "random/streams.h"
#include "theory/frame.h"
#include "theory/simulate.h"

typedef struct labels_run {
    const icl_law *law;
    const icl_frame *frame;
    icl_quadrature quadrature;
    const icl_label_functional *functional;
    const double *gamma;
} labels_run;

/* What one task w gives: the values at tau = w^T Sigma w, and share (d) = e_j^2. */
static icl_status measure_task(const labels_run *run, const icl_batch *batch, int64_t prompt,
                               double *room, double *share, icl_label_values *values) {
    int64_t d = run->law->dim;
    icl_frame_map_vector(run->frame, batch->task + prompt * d, share);
    double tau = 0;
    for (int64_t j = 0; j < d; j++)
        tau += share[j] * share[j];
    for (int64_t j = 0; j < d; j++)
        share[j] = tau > 0 ? share[j] * share[j] / tau : 0;
    return icl_label_values_at(run->law, &run->quadrature, tau, room, values);
}

/* out: A e_j^2 (d), D e_j^2 (d), B, B - A, E g^4. */
static icl_status measure_means(void *user, const icl_batch *batch, int64_t prompt, double *room,
                                double *out) {
    const labels_run *run = user;
    int64_t d = run->law->dim;
    icl_label_values values;
    ICL_TRY(measure_task(run, batch, prompt, room + d, room, &values));
    for (int64_t j = 0; j < d; j++) {
        out[j] = values.A * room[j];
        out[d + j] = values.D * room[j];
    }
    out[2 * d] = values.B;
    out[2 * d + 1] = values.B - values.A;
    out[2 * d + 2] = values.fourth;
    return ICL_OK;
}

/* out: the functional, then signal_j - gamma_j c_j (d). */
static icl_status measure_functional(void *user, const icl_batch *batch, int64_t prompt,
                                     double *room, double *out) {
    const labels_run *run = user;
    const icl_label_functional *l = run->functional;
    const icl_frame *f = run->frame;
    icl_label_values values;
    ICL_TRY(measure_task(run, batch, prompt, room + f->dim, room, &values));
    double sum = l->power * values.B + l->square * values.B * values.B + l->fourth * values.fourth;
    for (int64_t j = 0; j < f->dim; j++) {
        double signal = values.A * room[j], bend = values.D * room[j];
        sum += l->signal[j] * signal + l->bend[j] * bend;
        if (run->gamma != NULL)
            out[1 + j] =
                signal - run->gamma[j] * (f->inverse_n * (values.B + bend) + f->others * signal);
    }
    out[0] = sum;
    return ICL_OK;
}

/* Runs `measure` over the tasks of the law: prompts without examples. */
static icl_status run_tasks(labels_run *labels, const icl_simulation *simulation, int64_t width,
                            icl_status (*measure)(void *, const icl_batch *, int64_t, double *,
                                                  double *),
                            icl_tally *tallies) {
    const icl_law *law = labels->law;
    icl_law *bare = NULL;
    icl_run run = {.simulation = simulation,
                   .contents = ICL_CONTENTS_TASKS,
                   .width = width,
                   .serial = law->labels == ICL_LABELS_CALLBACK,
                   .measure = measure,
                   .user = labels};
    icl_status status;
    ICL_TRY_GOTO(icl_law_with(law, 0, 0, &bare), done);
    if (icl_label_needs_quadrature(law))
        ICL_TRY_GOTO(icl_quadrature_create(law->context, ICL_REACH_FAST, &labels->quadrature),
                     done);
    run.law = bare;
    run.room = law->dim + 2 * labels->quadrature.count;
    status = icl_simulate(&run, tallies);
done:
    icl_quadrature_free(law->context, &labels->quadrature);
    icl_law_free(bare);
    return status;
}

icl_status icl_label_means_simulated(const icl_law *law, const icl_simulation *simulation,
                                     const icl_frame *frame, icl_label_means *means) {
    int64_t d = law->dim, width = 2 * d + 3;
    labels_run labels = {.law = law, .frame = frame};
    icl_tally *tallies;
    ICL_TRY(ICL_NEW(law->context, &tallies, width));
    icl_status status = run_tasks(&labels, simulation, width, measure_means, tallies);
    for (int64_t j = 0; j < d; j++) {
        means->signal[j] = tallies[j].mean;
        means->bend[j] = tallies[d + j].mean;
    }
    means->power = tallies[2 * d].mean;
    means->rest = tallies[2 * d + 1].mean;
    means->fourth = tallies[2 * d + 2].mean;
    means->spread = tallies[2 * d].squares / fmax(tallies[2 * d].count, 1);
    icl_dealloc(law->context, tallies);
    return status;
}

icl_status icl_label_errors(const icl_law *law, const icl_simulation *simulation,
                            const icl_frame *frame, const icl_label_functional *functional,
                            const double *gamma, double *error, double *gamma_error) {
    int64_t d = law->dim, width = gamma != NULL ? 1 + d : 1;
    labels_run labels = {.law = law, .frame = frame, .functional = functional, .gamma = gamma};
    icl_tally *tallies;
    ICL_TRY(ICL_NEW(law->context, &tallies, width));
    icl_status status = run_tasks(&labels, simulation, width, measure_functional, tallies);
    if (status == ICL_OK) {
        *error = icl_tally_error(&tallies[0]);
        for (int64_t j = 0; j + 1 < width; j++)
            gamma_error[j] = icl_tally_error(&tallies[1 + j]);
    }
    icl_dealloc(law->context, tallies);
    return status;
}

/* With normals z, z' in the eigenvectors of Sigma: |a|^2 = sum values z^2, a.b = sum values z z'.
 */
static double pair_value(const icl_law *law, const double *z) {
    int64_t d = law->dim;
    double aa = 0, bb = 0, ab = 0;
    for (int64_t k = 0; k < d; k++) {
        aa += law->values[k] * z[k] * z[k];
        bb += law->values[k] * z[d + k] * z[d + k];
        ab += law->values[k] * z[k] * z[d + k];
    }
    double norms = sqrt(aa) * sqrt(bb);
    if (norms == 0)
        return 0;
    double j = icl_arc_cosine(acos(fmin(fmax(ab / norms, -1), 1)));
    return norms * j * norms * j;
}

icl_status icl_label_pairs(const icl_law *law, const icl_simulation *simulation, double *mean,
                           double *error) {
    enum { CHUNK = 256 };
    int64_t d = law->dim;
    double *z;
    icl_tally tally = {0};
    icl_status status = ICL_OK;
    ICL_TRY(ICL_NEW(law->context, &z, CHUNK * 2 * d));
    for (int64_t first = 0; first < simulation->prompts; first += CHUNK) {
        int64_t left = simulation->prompts - first, count = left < CHUNK ? left : CHUNK;
        ICL_TRY_GOTO(
            icl_random_normal(law->context, simulation->seed, 0, first * 2 * d, count * 2 * d, z),
            done);
        for (int64_t p = 0; p < count; p++)
            icl_tally_add(&tally, pair_value(law, z + p * 2 * d));
    }
    *mean = tally.mean;
    *error = icl_tally_error(&tally);
done:
    icl_dealloc(law->context, z);
    return status;
}
