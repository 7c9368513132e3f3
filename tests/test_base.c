#include "support/support.h"

START_TEST(test_status_names_round_trip) {
    icl_status status = ICL_OK;
    ck_assert_str_eq(icl_status_name(ICL_ERR_NOMEM), "ICL_ERR_NOMEM");
    ck_assert_int_eq(icl_status_from_name("ICL_ERR_NOMEM", &status), ICL_OK);
    ck_assert_int_eq(status, ICL_ERR_NOMEM);
    ck_assert_int_eq(icl_status_from_name("nonsense", &status), ICL_ERR_ARGUMENT);
}
END_TEST

RUN_SUITE("base", test_status_names_round_trip)
