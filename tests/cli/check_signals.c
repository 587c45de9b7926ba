/* What signals do to the program and to the file that it writes. Each case runs in a child, which
 * sends the signals to itself: no timing is involved. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp */
#endif

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "common/signals.h"
#include "support/check_main.h"

static char folder[64], path[80];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/sscam-check-signals-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/out", folder);
    signal(SIGINT, SIG_DFL); /* what runs the tests may ignore them */
    signal(SIGTERM, SIG_DFL);
}

static void remove_folder(void)
{
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing else is in it */
}

/* How a child that runs `act` ends, as waitpid() says. */
static int outcome_of(void (*act)(void))
{
    int outcome = -1;
    pid_t child = fork();
    if (child == 0) {
        act();
        _exit(interruption_requested() ? 3 : 0);
    }
    waitpid(child, &outcome, 0);
    return outcome;
}

static void assert_content(const char *wanted)
{
    char content[64] = "";
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_le(fread(content, 1, sizeof content - 1, file), sizeof content - 1);
    fclose(file);
    ck_assert_str_eq(content, wanted);
}

static void get_one_of_each(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    interruption_catch();
    raise(SIGHUP);
    if (interruption_requested())
        _exit(4);
    raise(SIGINT);
}

START_TEST(one_signal_is_a_request_and_an_ignored_one_is_none)
{
    int outcome = outcome_of(get_one_of_each);
    ck_assert(WIFEXITED(outcome));
    ck_assert_int_eq(WEXITSTATUS(outcome), 3);
}
END_TEST

static void get_ignored_ones(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    interruption_catch();
    for (int i = 0; i < 3; i++) {
        raise(SIGINT);
        raise(SIGTERM);
        raise(SIGHUP);
    }
}

START_TEST(what_nohup_ignores_stays_ignored)
{
    int outcome = outcome_of(get_ignored_ones);
    ck_assert(WIFEXITED(outcome));
    ck_assert_int_eq(WEXITSTATUS(outcome), 0);
}
END_TEST

static void get_two(void)
{
    interruption_catch();
    raise(SIGTERM);
    raise(SIGINT);
}

START_TEST(a_second_signal_ends_the_program)
{
    int outcome = outcome_of(get_two);
    ck_assert(WIFSIGNALED(outcome));
    ck_assert_int_eq(WTERMSIG(outcome), SIGINT);
}
END_TEST

static void get_two_while_writing(void)
{
    sscam_atomic_file file;
    interruption_catch();
    if (output_file_open(&file, path))
        _exit(5);
    fputs("whole", file.stream);
    fflush(file.stream);
    raise(SIGINT);
    raise(SIGINT);
    fputs(" file", file.stream);
    output_file_commit(&file);
}

START_TEST(a_second_signal_waits_until_the_file_is_complete)
{
    int outcome = outcome_of(get_two_while_writing);
    ck_assert(WIFSIGNALED(outcome));
    ck_assert_int_eq(WTERMSIG(outcome), SIGINT);
    assert_content("whole file");
}
END_TEST

static void run_out_of_memory_while_writing(void)
{
    sscam_atomic_file file;
    if (output_file_open(&file, path))
        _exit(5);
    fputs("part", file.stream);
    if (!freopen("/dev/null", "w", stderr))
        _exit(6);
    end_without_memory();
}

START_TEST(the_end_for_want_of_memory_leaves_nothing)
{
    int outcome = outcome_of(run_out_of_memory_while_writing);
    ck_assert(WIFEXITED(outcome));
    ck_assert_int_eq(WEXITSTATUS(outcome), EXIT_FAILED);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("signals");
    TCase *tests = tcase_create("signals");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, one_signal_is_a_request_and_an_ignored_one_is_none);
    tcase_add_test(tests, what_nohup_ignores_stays_ignored);
    tcase_add_test(tests, a_second_signal_ends_the_program);
    tcase_add_test(tests, a_second_signal_waits_until_the_file_is_complete);
    tcase_add_test(tests, the_end_for_want_of_memory_leaves_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
