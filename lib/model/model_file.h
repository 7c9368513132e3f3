/* A model in a file: its tensors by name, its masks, and a text that says its shape. */
#ifndef ICL_MODEL_MODEL_FILE_H
#define ICL_MODEL_MODEL_FILE_H

#include "io/safetensors.h"
#include "model/parameters.h"

enum { ICL_MODEL_TEXT = 256 };
#define ICL_MODEL_KEY "libicl.model"

/* "dim=5 token=6 layers=3 ..." */
void icl_model_text(const icl_model *model, char text[ICL_MODEL_TEXT]);

/* The number of tensors that a model's file has, and these: they point into the model. */
int64_t icl_model_file_count(const icl_model *model);
void icl_model_file_tensors(const icl_model *model, icl_safetensor *tensors);

/* Checks that the file holds a model of this shape with finite parameters: then icl_model_file_copy
 * cannot fail. */
icl_status icl_model_file_check(const icl_model *model, const char *function, const char *path,
                                const icl_safetensors *file);
void icl_model_file_copy(icl_model *model, const icl_safetensors *file);

#endif
