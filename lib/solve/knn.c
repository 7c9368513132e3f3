/* The mean label of the k nearest examples by Euclidean distance, of all where there are fewer; of
 * examples as far, the earlier. The k nearest so far are a heap with the farthest at its root, so
 * that most examples cost one comparison beyond their distance.
 */
#include "solve/prefix.h"
#include "solve/solver.h"

/* The heap: squared distances, and the numbers of the examples. */
typedef struct heap {
    int64_t count;
    double *distance, *number;
} heap;

static int64_t most_neighbours(const icl_solver *solver, int64_t n) {
    return solver->options.neighbours < n ? solver->options.neighbours : n;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    return 2 * most_neighbours(solver, n);
}

static int is_farther(const heap *h, int64_t a, int64_t b) {
    return h->distance[a] > h->distance[b] ||
           (h->distance[a] == h->distance[b] && h->number[a] > h->number[b]);
}

static void swap(heap *h, int64_t a, int64_t b) {
    double distance = h->distance[a], number = h->number[a];
    h->distance[a] = h->distance[b];
    h->number[a] = h->number[b];
    h->distance[b] = distance;
    h->number[b] = number;
}

static void sift_up(heap *h, int64_t at) {
    for (; at > 0 && is_farther(h, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(h, at, (at - 1) / 2);
}

static void sift_down(heap *h, int64_t at) {
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child + 1 < h->count && is_farther(h, child + 1, child))
            child++;
        if (child >= h->count || !is_farther(h, child, at))
            return;
        swap(h, at, child);
        at = child;
    }
}

/* A later example is taken only where it is nearer. */
static void offer(heap *h, int64_t most, double distance, int64_t number) {
    int full = h->count == most;
    if (full && distance >= h->distance[0])
        return;
    int64_t at = full ? 0 : h->count++;
    h->distance[at] = distance;
    h->number[at] = (double)number;
    if (full)
        sift_down(h, at);
    else
        sift_up(h, at);
}

static double answer(const icl_solver *solver, const icl_sample *sample, const double *x) {
    int64_t d = sample->d, most = most_neighbours(solver, sample->t);
    heap h = {.distance = sample->scratch, .number = sample->scratch + most};
    double sum = 0;
    for (int64_t i = 0; i < sample->t; i++)
        offer(&h, most, icl_squared_distance(d, sample->X + i * d, x), i);
    for (int64_t i = 0; i < h.count; i++)
        sum += sample->y[(int64_t)h.number[i]];
    return sum / (double)h.count;
}

static const icl_learner learner = {.answer = answer};
const icl_algorithm icl_algorithm_knn = {
    .examples = 1, .scratch = scratch_size, .learner = &learner, .road = &icl_road_learner};
