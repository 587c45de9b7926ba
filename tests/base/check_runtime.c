/* What holds for the whole process: the log, the limit of threads, libraries of operators. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "support/fixtures.h"

enum { MOST = 16 };

typedef struct record {
    int count;
    int32_t levels[MOST];
    char texts[MOST][1100];
} record;

static void remember(void *user, int32_t level, const char *text)
{
    record *heard = user;
    ck_assert_int_lt(heard->count, MOST);
    heard->levels[heard->count] = level;
    snprintf(heard->texts[heard->count++], sizeof heard->texts[0], "%s", text);
}

static void be_silent(void)
{
    ASSERT_OK(sscam_set_log_callback(NULL, NULL));
    ASSERT_OK(sscam_set_max_threads(0));
}

START_TEST(messages_reach_the_callback_of_the_moment)
{
    static record first, second;
    sscam_log(SSCAM_LOG_WARNING, "to nobody");
    ASSERT_OK(sscam_set_log_callback(remember, &first));
    sscam_log(SSCAM_LOG_WARNING, "one %d", 1);
    ASSERT_OK(sscam_set_log_callback(remember, &second));
    sscam_log(SSCAM_LOG_INFO, "two");
    ASSERT_OK(sscam_set_log_callback(remember, &first));
    sscam_log(SSCAM_LOG_DEBUG, "three");
    ASSERT_OK(sscam_set_log_callback(NULL, &first));
    sscam_log(SSCAM_LOG_ERROR, "to nobody");
    ck_assert_int_eq(first.count, 2);
    ck_assert_int_eq(first.levels[0], SSCAM_LOG_WARNING);
    ck_assert_str_eq(first.texts[0], "one 1");
    ck_assert_int_eq(first.levels[1], SSCAM_LOG_DEBUG);
    ck_assert_str_eq(first.texts[1], "three");
    ck_assert_int_eq(second.count, 1);
    ck_assert_str_eq(second.texts[0], "two");
}
END_TEST

START_TEST(messages_are_one_line)
{
    static record heard;
    char longest[3000];
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    ASSERT_OK(sscam_set_log_callback(remember, &heard));
    sscam_log(SSCAM_LOG_INFO, "two\nlines\r\n");
    sscam_log(SSCAM_LOG_INFO, "%s", longest);
    ck_assert_ptr_null(strpbrk(heard.texts[0], "\n\r"));
    ck_assert_uint_eq(strlen(heard.texts[1]), 1023);
}
END_TEST

static void fail_and_log(void *user, int32_t level, const char *text)
{
    (void)level;
    (void)text;
    ++*(int *)user;
    sscam_model_load(NULL, NULL, NULL);
    sscam_log(SSCAM_LOG_INFO, "of a call in the callback");
}

START_TEST(callbacks_may_call_the_library)
{
    int calls = 0;
    ASSERT_OK(sscam_set_log_callback(fail_and_log, &calls));
    sscam_fail(SSCAM_E_IO, "the failure that the caller will see");
    sscam_log(SSCAM_LOG_INFO, "one");
    ck_assert_int_eq(calls, 1);
    ck_assert_str_eq(sscam_last_error(), "the failure that the caller will see");
}
END_TEST

static atomic_int mixed_up;
static char of_first, of_second;

static void expect_first(void *user, int32_t level, const char *text)
{
    (void)level;
    (void)text;
    if (user != &of_first)
        atomic_fetch_add(&mixed_up, 1);
}

static void expect_second(void *user, int32_t level, const char *text)
{
    (void)level;
    (void)text;
    if (user != &of_second)
        atomic_fetch_add(&mixed_up, 1);
}

static void *log_often(void *user)
{
    (void)user;
    for (int i = 0; i < 20000; i++)
        sscam_log(SSCAM_LOG_INFO, "a");
    return NULL;
}

/* Callback and pointer belong together, whichever thread logs while they are exchanged. */
START_TEST(callbacks_are_exchanged_whole)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, log_often, NULL), 0);
    for (int i = 0; i < 20000; i++)
        ck_assert_int_eq(i % 2 ? sscam_set_log_callback(expect_first, &of_first)
                               : sscam_set_log_callback(expect_second, &of_second),
                         SSCAM_OK);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&mixed_up), 0);
}
END_TEST

START_TEST(threads_have_a_limit)
{
    ck_assert_int_eq(sscam_max_threads(), 0);
    ASSERT_OK(sscam_set_max_threads(3));
    ck_assert_int_eq(sscam_max_threads(), 3);
    ASSERT_FAILS(sscam_set_max_threads(-1), SSCAM_E_ARGUMENT, "count is -1");
    ck_assert_int_eq(sscam_max_threads(), 3);
    ASSERT_OK(sscam_set_max_threads(0));
    ck_assert_int_eq(sscam_max_threads(), 0);
}
END_TEST

START_TEST(libraries_need_a_backend_that_loads_them)
{
    ASSERT_FAILS(sscam_load_library(NULL), SSCAM_E_ARGUMENT, "path is NULL");
    ASSERT_FAILS(sscam_load_library(""), SSCAM_E_ARGUMENT, "path is empty");
    ASSERT_FAILS(sscam_load_library("libnothing.so"), SSCAM_E_UNSUPPORTED, "libnothing.so");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("runtime");
    TCase *process = add_tcase(suite, "process", NULL, be_silent);
    tcase_add_test(process, messages_reach_the_callback_of_the_moment);
    tcase_add_test(process, messages_are_one_line);
    tcase_add_test(process, callbacks_may_call_the_library);
    tcase_add_test(process, callbacks_are_exchanged_whole);
    tcase_add_test(process, threads_have_a_limit);
    tcase_add_test(process, libraries_need_a_backend_that_loads_them);
    return run_suite(suite);
}
