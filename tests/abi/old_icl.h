/* What a caller of an older libicl was compiled with: option structs with fewer fields than
 * today's, and the functions that it calls. A frozen copy, never to be changed: that it still works
 * is the promise. Enums are written as the int they are. */
#ifndef OLD_ICL_H
#define OLD_ICL_H

#include <stddef.h>
#include <stdint.h>

typedef struct old_context_options {
    size_t size;
    void *(*allocate)(size_t bytes, void *user);
    void (*release)(void *memory, void *user);
    void *allocator_user;
    void (*log)(int status, const char *text, void *user);
    void *log_user;
} old_context_options;

typedef struct old_law_options {
    size_t size;
    int64_t dim;
    int64_t context;
    double noise;
} old_law_options;

typedef struct old_batch_options {
    size_t size;
    int64_t prompts;
    int64_t dim;
    int64_t context;
} old_batch_options;

typedef struct old_solver_options {
    size_t size;
    int method;
    int64_t dim;
    int64_t steps;
} old_solver_options;

typedef struct old_model_options {
    size_t size;
    int64_t dim;
} old_model_options;

typedef struct old_optimiser_options {
    size_t size;
    int method;
    double rate;
} old_optimiser_options;

typedef struct old_trainer_options {
    size_t size;
    int on;
    int64_t batch;
    int64_t queries;
    int64_t first;
    int64_t steps;
} old_trainer_options;

typedef struct old_optimum {
    size_t size;
    double risk;
} old_optimum;

typedef struct old_certificate {
    size_t size;
    double gamma_distance;
    double even_part;
} old_certificate;

typedef struct old_handle old_handle;

int icl_context_options_init(old_context_options *options, size_t size);
int icl_context_create(const old_context_options *options, old_handle **out);
void icl_context_free(old_handle *context);
const char *icl_context_last_error(const old_handle *context);
int64_t icl_context_threads(const old_handle *context);

int icl_law_options_init(old_law_options *options, size_t size);
int icl_law_create(old_handle *context, const old_law_options *options, old_handle **out);
void icl_law_free(old_handle *law);

int icl_batch_options_init(old_batch_options *options, size_t size);
int icl_batch_create(old_handle *context, const old_batch_options *options, old_handle **out);
void icl_batch_free(old_handle *batch);
int64_t icl_batch_queries(const old_handle *batch);

int icl_sampler_create(old_handle *context, const old_handle *law, uint64_t seed, old_handle **out);
void icl_sampler_free(old_handle *sampler);
int icl_sampler_draw(const old_handle *sampler, int64_t first, old_handle *batch);

int icl_solver_options_init(old_solver_options *options, size_t size);
int icl_solver_create(old_handle *context, const old_solver_options *options, old_handle **out);
void icl_solver_free(old_handle *solver);
int icl_solver_predict(const old_handle *solver, const old_handle *batch, double *prediction);

int icl_model_options_init(old_model_options *options, size_t size);
int icl_model_create(old_handle *context, const old_model_options *options, old_handle **out);
void icl_model_free(old_handle *model);
int64_t icl_model_parameter_count(const old_handle *model);

int icl_optimiser_options_init(old_optimiser_options *options, size_t size);
int icl_optimiser_create(old_handle *context, const old_optimiser_options *options, int64_t count,
                         old_handle **out);
void icl_optimiser_free(old_handle *optimiser);

int icl_trainer_options_init(old_trainer_options *options, size_t size);
int icl_trainer_create(old_handle *context, old_handle *model, old_handle *optimiser,
                       const old_handle *sampler, const old_trainer_options *options,
                       old_handle **out);
void icl_trainer_free(old_handle *trainer);
int icl_trainer_run(old_handle *trainer, void *report);

int icl_theory_optimum(const old_handle *law, const void *simulation, int64_t rank, double *gamma,
                       old_optimum *optimum);
int icl_model_certify(const old_handle *model, const old_handle *law, const void *simulation,
                      old_certificate *certificate);

#endif
