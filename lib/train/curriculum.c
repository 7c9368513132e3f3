/* How much of a prompt a step sees. */
#include "train/trainer.h"

/* min(all, start + step floor(t / every)); all where start is 0. The product is at most all where
 * it is taken. */
static int64_t part_of(int64_t all, int64_t start, int64_t step, int64_t every, int64_t t) {
    int64_t times = t / every;
    if (start == 0 || (step > 0 && times > (all - start) / step))
        return all;
    return start + step * times;
}

static icl_status check_part(icl_context *context, const icl_trainer_options *o, const char *name,
                             int64_t start, int64_t most) {
    ICL_TRY(icl_check_range(context, "icl_trainer_create", name, start, 0, most));
    ICL_REQUIRE(context, start == 0 || o->on == ICL_TRAIN_FRESH, ICL_ERR_ARGUMENT,
                "icl_trainer_create: %s = %lld: a curriculum wants fresh prompts, on = %d", name,
                (long long)start, (int)o->on);
    return ICL_OK;
}

icl_status icl_trainer_check_curriculum(icl_context *context, const icl_trainer_options *o,
                                        const icl_law *law) {
    const char *function = "icl_trainer_create";
    const int64_t limit = INT64_C(1) << 40;
    ICL_TRY(check_part(context, o, "dims", o->dims, icl_law_dim(law)));
    ICL_TRY(check_part(context, o, "points", o->points, icl_law_context(law)));
    ICL_TRY(icl_check_range(context, function, "dims_step", o->dims_step, 0, limit));
    ICL_TRY(icl_check_range(context, function, "dims_every", o->dims_every, 1, limit));
    ICL_TRY(icl_check_range(context, function, "points_step", o->points_step, 0, limit));
    return icl_check_range(context, function, "points_every", o->points_every, 1, limit);
}

icl_status icl_trainer_curriculum(const icl_trainer *trainer, int64_t *dims, int64_t *points) {
    if (trainer == NULL)
        return ICL_ERR_ARGUMENT;
    const icl_trainer_options *o = &trainer->options;
    const icl_law *law = icl_sampler_law(trainer->sampler);
    int64_t t = trainer->report.step / o->refresh * o->refresh;
    if (dims != NULL)
        *dims = part_of(icl_law_dim(law), o->dims, o->dims_step, o->dims_every, t);
    if (points != NULL)
        *points = part_of(icl_law_context(law), o->points, o->points_step, o->points_every, t);
    return ICL_OK;
}
