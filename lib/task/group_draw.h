/* A group of eight prompts on its way, one a lane, in cache: what all ways of drawing share. */
#ifndef ICL_TASK_GROUP_DRAW_H
#define ICL_TASK_GROUP_DRAW_H

#include "random/streams.h"
#include "task/batch.h"

/* What a group is drawn with: views into one slot of scratch. */
typedef struct icl_group_draw {
    const icl_law *law;
    uint64_t seed, prompt;
    int64_t lanes;   /* that hold a prompt of the batch */
    int64_t queries; /* of a prompt */
    const icl_random_kernels *random;
    const icl_task_kernels *kernels;
    double *task;     /* w (d), the net's (hidden + 1) d numbers, or the leaves of a tree or
                         the coefficients of a series */
    double *nodes;    /* 2^depth - 1, and 3: whole numbers, coordinates of a tree's nodes */
    double *points;   /* (n + q) x d: x of a Gaussian process */
    double *values;   /* n + q: its z */
    double *cholesky; /* its L by rows, packed: (n + q) (n + q + 1) / 2 */
    double *sign;     /* one entry */
    double *sigma;    /* one entry: the noise level */
    double *place;    /* one entry: whole numbers, of the task in the pool */
    double *rotation; /* d x d: V, where the rotation of Sigma is drawn */
    double *vector;   /* d + 6: to draw it with */
    double *scales;   /* d + 1: the prompts' own, of PROMPT one, of COORDINATE d */
    double *radii;    /* of a chunk: factors of examples */
    double *coins;    /* of a chunk: uniforms of logistic labels */
    double *wave;     /* 4: amplitude and phase of a sine */
    uint64_t turns[ICL_LANES]; /* numbers of the rotations that are there; all ones: none */
    double *z;                 /* raw covariates of a chunk */
    double *noise;             /* of a chunk */
    double *tokens;            /* of a chunk, stride D */
    double *labels;            /* packed: for the caller's g */
    double *basis;             /* n x d: of the examples, where queries are ORTHOGONAL to them */
    double *signs;             /* d + 3: of the prompt's quadrant */
    int direct;                /* 1: moments come without examples, and the views below are there */
    double *chi;               /* min(n, D) */
    double *below;             /* normals of a chunk of columns */
    double *columns;           /* tokens of a chunk of columns, stride D */
    icl_chi_law *laws;
} icl_group_draw;

/* Numbers that a task has. */
int64_t icl_task_entries(const icl_law *law);

/* Factors of covariates that a prompt has of its own, and that a chunk of examples has. */
int64_t icl_scale_entries(const icl_law *law);
int64_t icl_radius_entries(const icl_law *law, int64_t chunk);

/* Normals of a purpose from index `first`, a multiple of 4, on; up to three more than count. */
void icl_group_draw_normals(const icl_group_draw *g, icl_purpose purpose, int64_t first,
                            int64_t count, double *out);

/* Lays the views out over `base`, unless that is NULL; returns the doubles needed. */
int64_t icl_group_lay_out(icl_group_draw *g, double *base);

/* The same for the views of direct moments, whose laws are set, too. */
int64_t icl_factor_lay_out(icl_group_draw *g, double *base);

/* The rotations of the group's prompts; those that are there are not drawn again. */
void icl_group_draw_rotations(icl_group_draw *g);

/* The scales of the group's prompts, where they are drawn once a prompt. */
void icl_group_draw_scales(const icl_group_draw *g);

/* z of `count` vectors from number `first` of a purpose on, a multiple of 4, into g->z. */
void icl_group_draw_covariates(const icl_group_draw *g, icl_purpose purpose, int64_t first,
                               int64_t count);

/* The task and its sign. */
void icl_group_draw_function(const icl_group_draw *g);

/* The task, its sign and its noise level; task and level go to the batch, too. */
void icl_group_draw_task(const icl_group_draw *g, icl_batch *batch, int64_t group);

/* Vectors first.. of a covariate stream, first a multiple of 4, as they are without a shift. */
void icl_group_draw_inputs(const icl_group_draw *g, icl_purpose covariates, int64_t first,
                           int64_t count, int64_t stride, double *x);

/* What the shift of the queries needs of a group: before its examples and queries. */
void icl_group_draw_shift(const icl_group_draw *g);

/* Vectors first.. of a covariate stream as the shift changes them. */
void icl_group_shift(const icl_group_draw *g, icl_purpose covariates, int64_t first, int64_t count,
                     int64_t stride, double *x);

/* Examples `first`.. into g->tokens. ICL_ERR_CALLBACK if the caller's g fails. */
icl_status icl_group_draw_examples(const icl_group_draw *g, int64_t first, int64_t count);

/* The moments of a group of the batch, in its lanes, without examples. */
void icl_group_draw_moments(const icl_group_draw *g, icl_batch *batch, int64_t group);

/* The queries and targets of a group of the batch. */
icl_status icl_group_draw_queries(const icl_group_draw *g, icl_batch *batch, int64_t group);

#endif
