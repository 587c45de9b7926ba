/* Statuses and messages. */
#include <pthread.h>
#include <stdio.h>

#include "base/error.h"
#include "support/assertions.h"
#include "support/check_main.h"

START_TEST(statuses_have_their_names_and_numbers)
{
    static const struct {
        sscam_status status;
        int number;
        const char *name;
    } all[] = {
        {SSCAM_OK, 0, "SSCAM_OK"},
        {SSCAM_E_ARGUMENT, -1, "SSCAM_E_ARGUMENT"},
        {SSCAM_E_MEMORY, -2, "SSCAM_E_MEMORY"},
        {SSCAM_E_IO, -3, "SSCAM_E_IO"},
        {SSCAM_E_FORMAT, -4, "SSCAM_E_FORMAT"},
        {SSCAM_E_MODEL, -5, "SSCAM_E_MODEL"},
        {SSCAM_E_LAYER, -6, "SSCAM_E_LAYER"},
        {SSCAM_E_CLASS, -7, "SSCAM_E_CLASS"},
        {SSCAM_E_DEVICE, -8, "SSCAM_E_DEVICE"},
        {SSCAM_E_UNSUPPORTED, -9, "SSCAM_E_UNSUPPORTED"},
        {SSCAM_E_CANCELLED, -10, "SSCAM_E_CANCELLED"},
        {1, 1, "SSCAM_E_UNKNOWN"},
        {-11, -11, "SSCAM_E_UNKNOWN"},
        {INT32_MIN, INT32_MIN, "SSCAM_E_UNKNOWN"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ck_assert_int_eq(all[i].status, all[i].number);
        ck_assert_str_eq(sscam_status_name(all[i].status), all[i].name);
    }
}
END_TEST

START_TEST(a_thread_begins_without_a_message)
{
    ck_assert_str_eq(sscam_last_error(), "");
}
END_TEST

START_TEST(failing_keeps_the_message_and_gives_the_status_back)
{
    ck_assert_int_eq(sscam_fail(SSCAM_E_LAYER, "layer %s: %d", "conv", 7), SSCAM_E_LAYER);
    ck_assert_str_eq(sscam_last_error(), "layer conv: 7");
    ck_assert_int_eq(sscam_fail_memory("a thing"), SSCAM_E_MEMORY);
    ck_assert_str_eq(sscam_last_error(), "out of memory for a thing");
}
END_TEST

START_TEST(success_clears_the_message)
{
    sscam_fail(SSCAM_E_IO, "something");
    ck_assert_int_eq(sscam_succeed(), SSCAM_OK);
    ck_assert_str_eq(sscam_last_error(), "");
}
END_TEST

START_TEST(messages_are_one_line)
{
    sscam_fail(SSCAM_E_IO, "a\nb\r\nc\td\x1b[31m\x7f");
    ck_assert_str_eq(sscam_last_error(), "a b  c d [31m ");
}
END_TEST

START_TEST(messages_keep_other_alphabets)
{
    sscam_fail(SSCAM_E_IO, "%s", "Übersicht/猫.pt");
    ck_assert_str_eq(sscam_last_error(), "Übersicht/猫.pt");
}
END_TEST

START_TEST(overlong_messages_are_cut)
{
    char text[5000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    sscam_fail(SSCAM_E_IO, "%s", text);
    ck_assert_uint_eq(strlen(sscam_last_error()), 1023);
    ck_assert_int_eq(strspn(sscam_last_error(), "x"), 1023);
}
END_TEST

/* "é" would lie across the cut. */
START_TEST(messages_are_cut_between_characters)
{
    char text[1100];
    memset(text, 'x', sizeof text);
    memcpy(text + 1022, "\xc3\xa9", 2);
    text[sizeof text - 1] = '\0';
    sscam_fail(SSCAM_E_IO, "%s", text);
    ck_assert_uint_eq(strlen(sscam_last_error()), 1022);
    ck_assert_int_eq(strspn(sscam_last_error(), "x"), 1022);
}
END_TEST

START_TEST(the_old_message_may_be_part_of_the_new)
{
    sscam_fail(SSCAM_E_IO, "inner");
    sscam_fail(SSCAM_E_MODEL, "outer: %s, %s", sscam_last_error(), sscam_last_error());
    ck_assert_str_eq(sscam_last_error(), "outer: inner, inner");
}
END_TEST

/* What another thread saw of its own message. */
typedef struct other_thread {
    int was_empty;
    char message[64];
} other_thread;

static void *fail_in_a_thread(void *user)
{
    other_thread *own = user;
    own->was_empty = sscam_last_error()[0] == '\0';
    sscam_fail(SSCAM_E_CLASS, "of the other thread");
    snprintf(own->message, sizeof own->message, "%s", sscam_last_error());
    return NULL;
}

START_TEST(threads_have_messages_of_their_own)
{
    other_thread theirs = {0};
    pthread_t thread;
    sscam_fail(SSCAM_E_IO, "of this thread");
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_in_a_thread, &theirs), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(theirs.was_empty, 1);
    ck_assert_str_eq(theirs.message, "of the other thread");
    ck_assert_str_eq(sscam_last_error(), "of this thread");
}
END_TEST

START_TEST(accessors_leave_the_message_alone)
{
    sscam_fail(SSCAM_E_IO, "kept");
    sscam_version();
    sscam_model_unref(NULL);
    sscam_map_unref(NULL);
    sscam_explainer_unref(NULL);
    sscam_layers_unref(NULL);
    sscam_option_info(0);
    sscam_status_name(SSCAM_OK);
    ck_assert_str_eq(sscam_last_error(), "kept");
}
END_TEST

START_TEST(version_and_build_are_told)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", SSCAM_VERSION_MAJOR, SSCAM_VERSION_MINOR,
             SSCAM_VERSION_PATCH);
    ck_assert_str_eq(sscam_version(), version);
    ck_assert_int_eq(sscam_version_number(), SSCAM_VERSION_MAJOR * 1000000 +
                                                 SSCAM_VERSION_MINOR * 1000 + SSCAM_VERSION_PATCH);
    ck_assert_int_eq(sscam_abi_version(), SSCAM_ABI_VERSION);
    ck_assert_ptr_nonnull(strstr(sscam_build_info(), version));
    ck_assert_ptr_nonnull(strstr(sscam_build_info(), "fake: 1\n"));
    ck_assert_ptr_nonnull(strstr(sscam_build_info(), "blas: OpenBLAS"));
    ck_assert_ptr_eq(sscam_build_info(), sscam_build_info());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *messages = tcase_create("messages");
    tcase_add_test(messages, a_thread_begins_without_a_message);
    tcase_add_test(messages, statuses_have_their_names_and_numbers);
    tcase_add_test(messages, failing_keeps_the_message_and_gives_the_status_back);
    tcase_add_test(messages, success_clears_the_message);
    tcase_add_test(messages, messages_are_one_line);
    tcase_add_test(messages, messages_keep_other_alphabets);
    tcase_add_test(messages, overlong_messages_are_cut);
    tcase_add_test(messages, messages_are_cut_between_characters);
    tcase_add_test(messages, the_old_message_may_be_part_of_the_new);
    tcase_add_test(messages, threads_have_messages_of_their_own);
    tcase_add_test(messages, accessors_leave_the_message_alone);
    tcase_add_test(messages, version_and_build_are_told);
    suite_add_tcase(suite, messages);
    return run_suite(suite);
}
