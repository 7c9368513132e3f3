/* Names and texts of the codes, made from the lists in <icl/base.h>. */
#include <string.h>

#include "base/context.h"

/* A function that answers with the name or the text of each code of a list. */
#define NAME_CASE(name, value, text)                                                               \
    case value:                                                                                    \
        return #name;
#define TEXT_CASE(name, value, text)                                                               \
    case value:                                                                                    \
        return text;
#define LOOK_UP(function, type, LIST, CASE)                                                        \
    const char *function(type code) {                                                              \
        switch ((int)code) { LIST(CASE) }                                                          \
        return "unknown";                                                                          \
    }

LOOK_UP(icl_status_name, icl_status, ICL_STATUS_LIST, NAME_CASE)
LOOK_UP(icl_status_text, icl_status, ICL_STATUS_LIST, TEXT_CASE)
LOOK_UP(icl_stop_name, icl_stop, ICL_STOP_LIST, NAME_CASE)
LOOK_UP(icl_stop_text, icl_stop, ICL_STOP_LIST, TEXT_CASE)

icl_status icl_status_from_name(const char *name, icl_status *status) {
    if (name == NULL || status == NULL)
        return ICL_ERR_ARGUMENT;
#define TRY_NAME(known, value, text)                                                               \
    if (strcmp(name, #known) == 0) {                                                               \
        *status = known;                                                                           \
        return ICL_OK;                                                                             \
    }
    ICL_STATUS_LIST(TRY_NAME)
#undef TRY_NAME
    return ICL_ERR_ARGUMENT;
}

const char *icl_version(void) {
    return ICL_VERSION_STRING;
}
