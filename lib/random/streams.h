/* Draws from the inside: eight prompts at once, one a lane. */
#ifndef ICL_RANDOM_STREAMS_H
#define ICL_RANDOM_STREAMS_H

#include <icl/random.h>

#include "base/context.h"
#include "base/isa.h"

/* What a word is for: word 1 of the key. Values are frozen; <icl/task.h> lists them. */
typedef enum icl_purpose {
    ICL_PURPOSE_FLAT = 0,
    ICL_PURPOSE_TASK = 1,
    ICL_PURPOSE_SIGN = 2,
    ICL_PURPOSE_COVARIATE = 3,
    ICL_PURPOSE_NOISE = 4,
    ICL_PURPOSE_QUERY = 5,
    ICL_PURPOSE_QUERY_NOISE = 6,
    ICL_PURPOSE_INIT = 7, /* of a model's parameters */
    ICL_PURPOSE_LEVEL = 8,
    ICL_PURPOSE_CHI = 9,
    ICL_PURPOSE_FACTOR = 10,
    ICL_PURPOSE_SUPPORT = 11,
    ICL_PURPOSE_POOL = 12,
    ICL_PURPOSE_ROTATION = 13,
    ICL_PURPOSE_REPEAT = 14,
    ICL_PURPOSE_QUADRANT = 15,
    ICL_PURPOSE_RADIUS = 20, /* of Student's covariates */
    ICL_PURPOSE_QUERY_RADIUS = 21,
    ICL_PURPOSE_SCALE = 22, /* of Gamma scales */
    ICL_PURPOSE_QUERY_SCALE = 23,
    ICL_PURPOSE_COIN = 24, /* of logistic labels */
    ICL_PURPOSE_QUERY_COIN = 25,
    ICL_PURPOSE_WAVE = 26, /* amplitude and phase */
    ICL_PURPOSE_NODE = 27, /* coordinates of trees */
    ICL_PURPOSE_QUERY_VALUE = 28 /* of Gaussian processes */
} icl_purpose;

/* The law of chi(k), as chi_kernel.h wants it. */
typedef struct icl_chi_law {
    double freedom; /* k >= 1 */
    double step;    /* c = 1 / (3 sqrt d), d = k/2 - 1/3; k = 1: 1, for |x| */
    double twice;   /* 2 d */
    double quick;   /* 3 d / 4 */
} icl_chi_law;

icl_chi_law icl_chi_law_of(double freedom);

/* laws[j] = chi(freedom - j) for j < count <= freedom; where count is odd, one more, of chi(1). */
void icl_chi_laws(int64_t freedom, int64_t count, icl_chi_law *laws);

typedef struct icl_random_kernels {
    /* out[k] of the flat stream (seed, purpose, stream) for block of 32 values `first`..: blocks x
     * 32, on a 64-byte boundary; normal = 0: uniforms. */
    void (*flat)(uint64_t seed, uint64_t purpose, uint64_t stream, uint64_t first, int64_t blocks,
                 int normal, double *out);
    /* Normals of prompts prompt..prompt + 7: value e of prompt l into out[(e - 4 block) 8 + l] for
     * e = 4 block .. 4 block + count - 1, and up to three more. */
    void (*prompts)(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t block, int64_t count,
                    double *out);
    /* The same with the uniforms u of the words, as scale (u - middle). */
    void (*uniforms)(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t block,
                     int64_t count, double scale, double middle, double *out);
    /* Top bit of word 0 of block 0 of prompts prompt..prompt + 7: out[l] = +1 or -1. */
    void (*signs)(uint64_t seed, uint64_t prompt, double *out);
    /* The uniform of word 0 of block 0 of a purpose, of prompts prompt..prompt + 7. */
    void (*first_uniforms)(uint64_t seed, uint64_t purpose, uint64_t prompt, double *out);
    /* rotation (d x d): lane l is the rotation of icl_random_rotation, made of the normals of a
     * purpose of prompt numbers[l]. vector: d + 6 entries. */
    void (*rotations)(uint64_t seed, uint64_t purpose, const uint64_t *numbers, int64_t dim,
                      double *rotation, double *vector);
    /* out[8 j + l] = chi number j of prompt + l with laws[j], j < count, an even number. Chi's 2 i
     * and 2 i + 1 come from blocks with counter (i, prompt, attempt, 0) of purpose CHI: words 0, 1
     * give a normal to each, words 2 and 3 are their uniforms; a chi takes its first accepted
     * attempt. */
    void (*chis)(uint64_t seed, uint64_t prompt, const icl_chi_law *laws, int64_t count,
                 double *out);
    /* The same of one law and any purpose, from block `first` on: out[8 j + l] is chi number
     * 2 first + j. */
    void (*chis_of)(uint64_t seed, uint64_t purpose, uint64_t prompt, uint64_t first,
                    const icl_chi_law *law, int64_t count, double *out);
} icl_random_kernels;

ICL_ISA_TABLES(icl_random_kernels, icl_random_kernels)

/* A flat stream with a purpose of its own. */
void icl_random_fill(const icl_context *context, uint64_t seed, uint64_t purpose, uint64_t stream,
                     int64_t first, int64_t count, int normal, double *out);

/* icl_random_rotation without checks; vector needs dim doubles. */
void icl_random_haar(const icl_context *context, uint64_t seed, uint64_t stream, int64_t dim,
                     double *rotation, double *vector);

#endif
