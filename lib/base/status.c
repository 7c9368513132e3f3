/* Names and texts of the codes, made from the lists in <icl/base.h>. */
#include <string.h>

#include "base/context.h"

const char *icl_status_name(icl_status status) {
    switch ((int)status) {
#define CASE(name, value, text)                                                                    \
    case value:                                                                                    \
        return #name;
        ICL_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown";
}

const char *icl_status_text(icl_status status) {
    switch ((int)status) {
#define CASE(name, value, text)                                                                    \
    case value:                                                                                    \
        return text;
        ICL_STATUS_LIST(CASE)
#undef CASE
    }
    return "unknown";
}

const char *icl_stop_name(icl_stop stop) {
    switch ((int)stop) {
#define CASE(name, value, text)                                                                    \
    case value:                                                                                    \
        return #name;
        ICL_STOP_LIST(CASE)
#undef CASE
    }
    return "unknown";
}

const char *icl_stop_text(icl_stop stop) {
    switch ((int)stop) {
#define CASE(name, value, text)                                                                    \
    case value:                                                                                    \
        return text;
        ICL_STOP_LIST(CASE)
#undef CASE
    }
    return "unknown";
}

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
