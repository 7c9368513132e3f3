/* A regression tree grown greedily (CART): a node with different labels is split where the squared
 * error falls most, while its depth is below the option's; a leaf answers its mean label. With r
 * the labels minus their mean, m of them, a split with l of them and their sum L to the left takes
 *
 *     m L^2 / (l (m - l))
 *
 * off the error. Of splits as good to rounding, the first coordinate's least threshold is taken, so
 * that the same cut seen from two coordinates is no matter of rounding; one that gains nothing is
 * taken too, as its children may gain (exclusive or).
 *
 * Examples are kept sorted by each coordinate; a split parts each order and keeps it.
 */
#include <math.h>
#include <string.h>

#include "solve/prefix.h"
#include "solve/solver.h"

/* Beyond the rounding of gains, over the node's squared error. */
static const double tie = 1e-10;

/* All of doubles, as the scratch is; examples begin..end - 1 of every order. */
typedef struct node {
    double begin, end, depth;
    double value;                 /* the mean label */
    double coordinate, threshold; /* -1: a leaf; else x_coordinate <= threshold goes left */
    double child;                 /* the left one; the right one follows */
} node;
enum { NODE = sizeof(node) / sizeof(double) };

/* What is behind the scratch. */
typedef struct tree {
    double *order, *parted; /* d x n: numbers of examples, as they came and as nodes have them */
    double *right, *left;   /* n each: those that go right; 1 where an example goes left */
    node *nodes;
} tree;

static int64_t most_nodes(const icl_solver *solver, int64_t n) {
    int64_t depth = solver->options.depth, most = 2 * n + 1;
    int64_t full = depth < 40 ? (INT64_C(2) << depth) - 1 : INT64_MAX;
    return full < most ? full : most;
}

static int64_t scratch_size(const icl_solver *solver, int64_t n) {
    int64_t orders = icl_product(2 * solver->dim + 2, n, 1);
    return icl_sum(orders, icl_product(most_nodes(solver, n), NODE, 1));
}

static tree tree_of(const icl_sample *sample) {
    int64_t n = sample->n, d = sample->d;
    double *order = sample->scratch, *parted = order + d * n, *right = parted + d * n;
    return (tree){order, parted, right, right + n, (node *)(void *)(right + 2 * n)};
}

static double entry(const icl_sample *sample, double number, int64_t coordinate) {
    return sample->X[(int64_t)number * sample->d + coordinate];
}

/* The example into every order, behind those with the same coordinate. */
static void append(const icl_solver *solver, icl_sample *sample) {
    (void)solver;
    for (int64_t j = 0; j < sample->d; j++) {
        double *order = tree_of(sample).order + j * sample->n;
        double x = entry(sample, (double)sample->t, j);
        int64_t at = sample->t;
        for (; at > 0 && entry(sample, order[at - 1], j) > x; at--)
            order[at] = order[at - 1];
        order[at] = (double)sample->t;
    }
}

static double between(double low, double high) {
    double middle = 0.5 * low + 0.5 * high;
    return middle >= low && middle < high ? middle : low;
}

/* The mean label; 1 where labels differ, with their squared error about it. */
static int describe(const icl_sample *sample, const double *order, node *at, double *error) {
    int64_t begin = (int64_t)at->begin, end = (int64_t)at->end;
    double sum = 0, least = INFINITY, most = -INFINITY;
    for (int64_t i = begin; i < end; i++) {
        double y = sample->y[(int64_t)order[i]];
        sum += y;
        least = fmin(least, y);
        most = fmax(most, y);
    }
    at->value = least < most ? sum / (double)(end - begin) : least;
    at->coordinate = -1;
    *error = 0;
    for (int64_t i = begin; i < end; i++) {
        double r = sample->y[(int64_t)order[i]] - at->value;
        *error += r * r;
    }
    return least < most;
}

/* The best split of a node, if examples are apart at all. */
static void choose(const icl_sample *sample, const tree *all, node *at, double error) {
    int64_t begin = (int64_t)at->begin, end = (int64_t)at->end;
    double m = (double)(end - begin), best = 0;
    for (int64_t j = 0; j < sample->d; j++) {
        const double *order = all->parted + j * sample->n;
        double sum = 0;
        for (int64_t i = begin; i + 1 < end; i++) {
            double x = entry(sample, order[i], j), next = entry(sample, order[i + 1], j);
            double l = (double)(i + 1 - begin);
            sum += sample->y[(int64_t)order[i]] - at->value;
            if (!(x < next))
                continue;
            double gain = sum * sum * (m / (l * (m - l)));
            if (at->coordinate >= 0 && !(gain > best + tie * error))
                continue;
            best = gain;
            at->coordinate = (double)j;
            at->threshold = between(x, next);
        }
    }
}

/* Parts every order of a node; how many examples go left. */
static int64_t part(const icl_sample *sample, const tree *all, const node *at) {
    int64_t begin = (int64_t)at->begin, end = (int64_t)at->end, count = 0;
    for (int64_t i = begin; i < end; i++) {
        double number = all->parted[i];
        int goes = entry(sample, number, (int64_t)at->coordinate) <= at->threshold;
        all->left[(int64_t)number] = goes;
        count += goes;
    }
    for (int64_t j = 0; j < sample->d; j++) {
        double *order = all->parted + j * sample->n;
        int64_t lefts = begin, rights = 0;
        for (int64_t i = begin; i < end; i++)
            if (all->left[(int64_t)order[i]] > 0)
                order[lefts++] = order[i];
            else
                all->right[rights++] = order[i];
        memcpy(order + lefts, all->right, (size_t)rights * sizeof *order);
    }
    return count;
}

static icl_status fit(const icl_solver *solver, icl_sample *sample, icl_solver_report *report) {
    tree all = tree_of(sample);
    int64_t n = sample->n, count = 1;
    (void)report;
    memcpy(all.parted, all.order, (size_t)(sample->d * n) * sizeof *all.order);
    all.nodes[0] = (node){.end = (double)sample->t};
    for (int64_t i = 0; i < count; i++) {
        node *at = &all.nodes[i], *child = &all.nodes[count];
        double error;
        int differ = describe(sample, all.parted, at, &error);
        if (!differ || !(at->depth < (double)solver->options.depth))
            continue;
        choose(sample, &all, at, error);
        if (at->coordinate < 0)
            continue;
        double middle = at->begin + (double)part(sample, &all, at), depth = at->depth + 1;
        child[0] = (node){.begin = at->begin, .end = middle, .depth = depth};
        child[1] = (node){.begin = middle, .end = at->end, .depth = depth};
        at->child = (double)count;
        count += 2;
    }
    return ICL_OK;
}

static double answer(const icl_solver *solver, const icl_sample *sample, const double *x) {
    const node *nodes = tree_of(sample).nodes, *at = nodes;
    (void)solver;
    while (at->coordinate >= 0)
        at = nodes + (int64_t)at->child + (x[(int64_t)at->coordinate] > at->threshold);
    return at->value;
}

static const icl_learner learner = {.append = append, .fit = fit, .answer = answer};
const icl_algorithm icl_algorithm_tree = {
    .examples = 1, .scratch = scratch_size, .learner = &learner, .road = &icl_road_learner};
