/* A program of somebody else: only installed headers, only what pkg-config says. */
#include <icl/icl.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static int failed(const char *what, const icl_context *context) {
    fprintf(stderr, "%s: %s\n", what, icl_context_last_error(context));
    return 1;
}

int main(void) {
    if (strcmp(icl_version(), ICL_VERSION_STRING) != 0)
        return failed("header and library differ", NULL);
    icl_context *context;
    icl_law_options options;
    icl_law *law;
    double gamma[9];
    icl_optimum optimum = {.size = sizeof optimum};
    icl_law_options_init(&options, sizeof options);
    options.dim = 3;
    options.context = 6;
    options.noise = 0.5;
    if (icl_context_create(NULL, &context) != ICL_OK)
        return failed("context", NULL);
    if (icl_law_create(context, &options, &law) != ICL_OK ||
        icl_theory_optimum(law, NULL, 0, gamma, &optimum) != ICL_OK)
        return failed("optimum", context);
    /* Gamma* = n / (n + d + 1 + sigma^2) I */
    if (fabs(gamma[0] - 6 / 10.5) > 1e-14 || fabs(gamma[1]) > 1e-14)
        return failed("the theorem", context);
    icl_law_free(law);
    icl_context_free(context);
    puts("ok");
    return 0;
}
