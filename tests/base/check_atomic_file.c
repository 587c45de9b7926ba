/* Files written whole or not at all: links, permissions, devices, failures, two writers. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* mkdtemp */
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/atomic_file.h"
#include "base/error.h"
#include "support/assertions.h"
#include "support/check_main.h"

enum { NOBODY = 65534 };

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/sscam-check-atomic-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    umask(022);
}

static void remove_folder(void)
{
    DIR *listed = opendir(folder);
    chmod(folder, 0755);
    for (const struct dirent *entry; (entry = readdir(listed)) != NULL;)
        unlinkat(dirfd(listed), entry->d_name, 0);
    closedir(listed);
    rmdir(folder);
}

/* A path in the folder; four may be in use at a time. */
static const char *inside(const char *name)
{
    static char paths[4][600];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int files_in_folder(void)
{
    int count = 0;
    DIR *listed = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(listed)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listed);
    return count;
}

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void assert_holds(const char *path, const char *text)
{
    char content[64] = "";
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file, "%s: %s", path, strerror(errno));
    ck_assert_uint_le(fread(content, 1, sizeof content - 1, file), sizeof content - 1);
    fclose(file);
    ck_assert_str_eq(content, text);
}

static unsigned mode_of(const char *path)
{
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static sscam_status write_text(const char *path, const char *text)
{
    sscam_atomic_file file;
    sscam_status status = sscam_atomic_file_open(&file, path);
    if (status != SSCAM_OK)
        return status;
    fputs(text, file.stream);
    return sscam_atomic_file_commit(&file);
}

static void assert_written(const char *path, const char *text)
{
    ck_assert_int_eq(sscam_atomic_file_check(path), SSCAM_OK);
    sscam_status status = write_text(path, text);
    ck_assert_msg(status == SSCAM_OK, "%s", sscam_error_message());
}

/* Neither the question beforehand nor the writing passes; both name path and reason. */
static void assert_refused(const char *path, int reason)
{
    char wanted[700];
    snprintf(wanted, sizeof wanted, "%s: cannot be written: %s", path, strerror(reason));
    ck_assert_int_eq(sscam_atomic_file_check(path), SSCAM_E_IO);
    ck_assert_str_eq(sscam_error_message(), wanted);
    ck_assert_int_eq(write_text(path, "new"), SSCAM_E_IO);
    ck_assert_str_eq(sscam_error_message(), wanted);
}

/* --- permissions ------------------------------------------------------------------------------ */

START_TEST(a_new_file_has_the_permissions_of_the_umask)
{
    umask(027);
    assert_written(inside("new"), "text");
    assert_holds(inside("new"), "text");
    ck_assert_uint_eq(mode_of(inside("new")), 0640);
    ck_assert_uint_eq(umask(0), 027);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

START_TEST(a_replaced_file_keeps_its_permissions_without_special_bits)
{
    static const unsigned modes[][2] = {
        {0600, 0600}, {0664, 0664}, {04755, 0755}, {02750, 0750}, {01777, 0777}};
    put(inside("old"), "old");
    ck_assert_int_eq(chmod(inside("old"), modes[_i][0]), 0);
    assert_written(inside("old"), "new");
    assert_holds(inside("old"), "new");
    ck_assert_uint_eq(mode_of(inside("old")), modes[_i][1]);
}
END_TEST

/* --- links ------------------------------------------------------------------------------------ */

static void assert_is_link(const char *path)
{
    struct stat about;
    ck_assert_int_eq(lstat(path, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
}

START_TEST(links_are_followed)
{
    put(inside("target"), "old");
    ck_assert_int_eq(symlink("target", inside("link")), 0);
    ck_assert_int_eq(symlink(inside("link"), inside("second")), 0);
    assert_written(inside("second"), "new");
    assert_is_link(inside("second"));
    assert_is_link(inside("link"));
    assert_holds(inside("target"), "new");
    ck_assert_int_eq(files_in_folder(), 3);
}
END_TEST

START_TEST(a_dangling_link_gets_its_target)
{
    ck_assert_int_eq(symlink("target", inside("link")), 0);
    assert_written(inside("link"), "new");
    assert_is_link(inside("link"));
    assert_holds(inside("target"), "new");
    ck_assert_int_eq(files_in_folder(), 2);
}
END_TEST

START_TEST(a_loop_of_links_is_an_error)
{
    ck_assert_int_eq(symlink("second", inside("first")), 0);
    ck_assert_int_eq(symlink("first", inside("second")), 0);
    assert_refused(inside("first"), ELOOP);
    assert_is_link(inside("first"));
    ck_assert_int_eq(files_in_folder(), 2);
}
END_TEST

/* --- what is no regular file ------------------------------------------------------------------ */

START_TEST(pipes_are_written_directly)
{
    char content[8] = "";
    ck_assert_int_eq(mkfifo(inside("pipe"), 0600), 0);
    int reader = open(inside("pipe"), O_RDONLY | O_NONBLOCK);
    assert_written(inside("pipe"), "text");
    ck_assert_int_eq(read(reader, content, sizeof content), 4);
    ck_assert_str_eq(content, "text");
    close(reader);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

/* Through a link of the user's, too. What the descriptor leads to stays open and in place. */
START_TEST(descriptors_are_written_by_their_names)
{
    static const char *const forms[] = {"/dev/fd/%d", "/proc/self/fd/%d"};
    char name[64];
    int descriptor = open(inside("plain"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, "1", 1), 1);
    snprintf(name, sizeof name, forms[_i], descriptor);
    assert_written(name, "2");
    ck_assert_int_eq(symlink(name, inside("link")), 0);
    assert_written(inside("link"), "3");
    ck_assert_int_eq(write(descriptor, "4", 1), 1);
    close(descriptor);
    assert_holds(inside("plain"), "1234");
    assert_refused(name, EBADF);
    ck_assert_int_eq(files_in_folder(), 2);
}
END_TEST

START_TEST(standard_output_is_written)
{
    int saved = dup(STDOUT_FILENO);
    int descriptor = open(inside("plain"), O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(dup2(descriptor, STDOUT_FILENO), STDOUT_FILENO);
    sscam_status status = write_text("/dev/stdout", "text");
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(descriptor);
    ck_assert_int_eq(status, SSCAM_OK);
    assert_holds(inside("plain"), "text");
}
END_TEST

START_TEST(a_descriptor_to_read_from_is_refused)
{
    char name[64];
    int descriptor = open("/dev/null", O_RDONLY);
    snprintf(name, sizeof name, "/dev/fd/%d", descriptor);
    assert_refused(name, EBADF);
    close(descriptor);
}
END_TEST

/* --- failures --------------------------------------------------------------------------------- */

START_TEST(paths_that_cannot_be_written_are_named)
{
    put(inside("file"), "x");
    assert_refused("", ENOENT);
    assert_refused(folder, EISDIR);
    assert_refused(inside("absent/new"), ENOENT);
    assert_refused(inside("file/new"), ENOTDIR);
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

/* As a user: root may write anywhere. */
START_TEST(a_read_only_folder_is_an_error)
{
    char path[600];
    snprintf(path, sizeof path, "%s", inside("new"));
    ck_assert_int_eq(chmod(folder, 0555), 0);
    pid_t user = fork();
    if (user == 0) {
        int failed = geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0);
        failed = failed || sscam_atomic_file_check(path) != SSCAM_E_IO;
        failed = failed || write_text(path, "new") != SSCAM_E_IO;
        _exit(failed || !strstr(sscam_error_message(), strerror(EACCES)));
    }
    int outcome = 1;
    waitpid(user, &outcome, 0);
    ck_assert_int_eq(outcome, 0);
    ck_assert_int_eq(files_in_folder(), 0);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file_alone)
{
    struct rlimit saved, small;
    put(inside("old"), "old");
    getrlimit(RLIMIT_FSIZE, &saved);
    small = saved;
    small.rlim_cur = 10;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    sscam_status status = write_text(inside("old"), "more than ten bytes");
    setrlimit(RLIMIT_FSIZE, &saved);
    signal(SIGXFSZ, SIG_DFL);
    ck_assert_int_eq(status, SSCAM_E_IO);
    ck_assert_ptr_nonnull(strstr(sscam_error_message(), strerror(EFBIG)));
    assert_holds(inside("old"), "old");
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

START_TEST(discarding_leaves_nothing)
{
    sscam_atomic_file file;
    put(inside("old"), "old");
    ck_assert_int_eq(sscam_atomic_file_open(&file, inside("old")), SSCAM_OK);
    ck_assert_int_eq(sscam_atomic_file_write(&file, "new", 3), SSCAM_OK);
    sscam_atomic_file_discard(&file);
    ck_assert_ptr_null(file.stream);
    sscam_atomic_file_discard(&file);
    assert_holds(inside("old"), "old");
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

/* --- two writers ------------------------------------------------------------------------------ */

START_TEST(the_last_of_two_writers_wins_whole)
{
    sscam_atomic_file first, second;
    char first_path[600], second_path[600];
    snprintf(first_path, sizeof first_path, "%s", inside("file"));
    snprintf(second_path, sizeof second_path, "%s", inside("file"));
    ck_assert_int_eq(sscam_atomic_file_open(&first, first_path), SSCAM_OK);
    ck_assert_int_eq(sscam_atomic_file_open(&second, second_path), SSCAM_OK);
    fputs("fir", first.stream);
    fputs("second", second.stream);
    ck_assert_int_eq(sscam_atomic_file_commit(&second), SSCAM_OK);
    assert_holds(second_path, "second");
    fputs("st", first.stream);
    ck_assert_int_eq(sscam_atomic_file_commit(&first), SSCAM_OK);
    assert_holds(first_path, "first");
    ck_assert_int_eq(files_in_folder(), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("atomic file");
    TCase *tests = tcase_create("atomic file");
    tcase_add_checked_fixture(tests, make_folder, remove_folder);
    tcase_add_test(tests, a_new_file_has_the_permissions_of_the_umask);
    tcase_add_loop_test(tests, a_replaced_file_keeps_its_permissions_without_special_bits, 0, 5);
    tcase_add_test(tests, links_are_followed);
    tcase_add_test(tests, a_dangling_link_gets_its_target);
    tcase_add_test(tests, a_loop_of_links_is_an_error);
    tcase_add_test(tests, pipes_are_written_directly);
    tcase_add_loop_test(tests, descriptors_are_written_by_their_names, 0, 2);
    tcase_add_test(tests, standard_output_is_written);
    tcase_add_test(tests, a_descriptor_to_read_from_is_refused);
    tcase_add_test(tests, paths_that_cannot_be_written_are_named);
    tcase_add_test(tests, a_read_only_folder_is_an_error);
    tcase_add_test(tests, a_failed_write_leaves_the_old_file_alone);
    tcase_add_test(tests, discarding_leaves_nothing);
    tcase_add_test(tests, the_last_of_two_writers_wins_whole);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
