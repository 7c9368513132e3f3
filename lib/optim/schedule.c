/* Learning-rate schedules: l_t as <icl/optim.h> defines them. */
#include <math.h>

#include "optim/optimiser.h"

double icl_schedule_rate(const icl_optimiser_options *options, int64_t step) {
    const double pi = 3.14159265358979323846;
    if (step <= options->warmup)
        return options->rate * ((double)step / (double)options->warmup);
    int64_t t = step - options->warmup - 1;
    switch (options->schedule) {
    case ICL_SCHEDULE_HALVING: {
        int64_t halvings = t / options->period;
        return ldexp(options->rate, halvings < 5000 ? -(int)halvings : -5000);
    }
    case ICL_SCHEDULE_COSINE: {
        double part = fmin((double)t / (double)options->period, 1);
        double weight = (1 + cos(pi * part)) / 2; /* exactly 1 at the start, 0 at the end */
        return weight * options->rate + (1 - weight) * options->floor;
    }
    default:
        return options->rate;
    }
}
