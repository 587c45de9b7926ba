/* The main() of a Check suite: one executable a module, TAP on standard output, CK_FORK and
 * CK_RUN_CASE honoured. */
#ifndef SSCAM_TESTS_SUPPORT_CHECK_MAIN_H
#define SSCAM_TESTS_SUPPORT_CHECK_MAIN_H

#include <check.h>

/* A test case of a suite, whose tests run between set_up() and tear_down(), each of which may be
 * NULL. */
static inline TCase *add_tcase(Suite *suite, const char *name, SFun set_up, SFun tear_down)
{
    TCase *added = tcase_create(name);
    tcase_add_checked_fixture(added, set_up, tear_down);
    suite_add_tcase(suite, added);
    return added;
}

static inline int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
