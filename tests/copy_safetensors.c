/* copy-safetensors FROM TO: reads a file of anybody and writes what it holds as libicl does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/safetensors.h"

static icl_status copy(icl_context *context, const char *from, const char *to) {
    icl_safetensors *file;
    ICL_TRY(icl_safetensors_load(context, "copy", from, 0, &file));
    int64_t count, pairs, kept = 0;
    const icl_safetensor *tensors = icl_safetensors_tensors(file, &count);
    const icl_text_pair *texts = icl_safetensors_texts(file, &pairs);
    icl_text_pair *own = calloc((size_t)pairs + 1, sizeof *own);
    for (int64_t i = 0; i < pairs && own != NULL; i++)
        if (strncmp(texts[i].key, "libicl.", 7) != 0)
            own[kept++] = texts[i];
    icl_status status = own == NULL
                            ? ICL_ERR_NOMEM
                            : icl_safetensors_save(context, "copy", to, tensors, count, own, kept);
    free(own);
    icl_safetensors_free(file);
    return status;
}

int main(int argc, char **argv) {
    icl_context *context;
    if (argc != 3 || icl_context_create(NULL, &context) != ICL_OK)
        return 2;
    icl_status status = copy(context, argv[1], argv[2]);
    if (status != ICL_OK)
        fprintf(stderr, "%s: %s\n", icl_status_name(status), icl_context_last_error(context));
    icl_context_free(context);
    return status != ICL_OK;
}
