/* Every call on a file fails in turn while the core reads networks and images and writes images:
 * the core returns SSCAM_E_IO with a message that names the file, the old file stays, and no other
 * file is left. Files that end too early are refused; short reads change nothing. A network is read
 * on demand: its end is known before its bytes are.
 *
 * usage: check_files CORPUS (that of tests/fuzz: images to read) */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "faulty_call.h"
#include "support/assertions.h"
#include "support/check_main.h"
#include "support/pixels.h"

enum { MOST_BYTES = 1 << 16 };

typedef struct file_case {
    const char *name; /* in the folder */
    sscam_status (*act)(const char *path, uint64_t *signature);
    const char *source; /* in the corpus; NULL for the network and for what is written */
} file_case;

static const char *corpus;
static char folder[] = "/tmp/sscam-check-files-XXXXXX";
static sscam_image *image;
static long long all_faults;

static const struct {
    fault_call call;
    int error;
} faults[] = {
    {FAULT_OPEN, EIO},     {FAULT_OPEN, ENOENT},   {FAULT_OPEN, EACCES}, {FAULT_CREATE, EACCES},
    {FAULT_CREATE, EROFS}, {FAULT_CREATE, ENOSPC}, {FAULT_STAT, EIO},    {FAULT_READ, EIO},
    {FAULT_WRITE, ENOSPC}, {FAULT_WRITE, EIO},     {FAULT_SYNC, EIO},    {FAULT_CLOSE, ENOSPC},
    {FAULT_RENAME, EXDEV},
};

/* --- calls of the core ------------------------------------------------------------------------ */

static sscam_status under_faults(sscam_status status)
{
    fault_board_here()->armed = 0;
    return status;
}

static void arm(void)
{
    memset(fault_board_here()->calls, 0, sizeof fault_board_here()->calls);
    fault_board_here()->failed_calls = 0;
    fault_board_here()->armed = 1;
}

static sscam_status load_network(const char *path, uint64_t *signature)
{
    sscam_model *model = NULL;
    arm();
    sscam_status status = under_faults(sscam_model_load(path, "cpu", &model));
    (void)signature;
    ck_assert((!model) == (status != SSCAM_OK));
    sscam_model_unref(model);
    return status;
}

static sscam_status read_image(const char *path, uint64_t *signature)
{
    sscam_image *image = NULL;
    arm();
    sscam_status status = under_faults(sscam_image_read(path, NULL, &image));
    ck_assert((!image) == (status != SSCAM_OK));
    if (image) {
        size_t size;
        const void *pixels = all_pixels_of(image, &size);
        sign(signature, pixels, size);
    }
    sscam_image_unref(image);
    return status;
}

static sscam_status write_image(const char *path, uint64_t *signature)
{
    (void)signature;
    arm();
    return under_faults(sscam_image_write_png(image, path));
}

static const file_case cases[] = {
    {"network", load_network, NULL},
    {"16-bit.png", read_image, "png/seed-16-bit"},
    {"interlaced.png", read_image, "png/seed-interlaced"},
    {"colour.jpeg", read_image, "jpeg/seed-colour"},
    {"progressive.jpeg", read_image, "jpeg/seed-progressive"},
    {"written.png", write_image, NULL},
};

/* --- files ------------------------------------------------------------------------------------ */

static size_t read_bytes(const char *path, char *bytes)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, MOST_BYTES, file);
    fclose(file);
    return size;
}

static void write_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Writes the file as it is before the call; its bytes go to `bytes`. */
static size_t put_old_file(const file_case *tried, const char *path, char *bytes)
{
    char source[600];
    size_t size = (size_t)snprintf(bytes, MOST_BYTES, "%s",
                                   tried->act == write_image ? "what was there before"
                                                             : "fake linear");
    if (tried->source) {
        snprintf(source, sizeof source, "%s/%s", corpus, tried->source);
        size = read_bytes(source, bytes);
    }
    write_bytes(path, bytes, size);
    return size;
}

static void assert_alone(const char *name)
{
    DIR *listed = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(listed)) != NULL;)
        ck_assert_msg(entry->d_name[0] == '.' ? entry->d_name[1] == '\0' || entry->d_name[1] == '.'
                                              : strcmp(entry->d_name, name) == 0,
                      "%s: \"%s\" was left behind", name, entry->d_name);
    closedir(listed);
}

/* --- every call in turn ----------------------------------------------------------------------- */

static void plan(fault_call call, int error, int64_t number, int64_t short_read)
{
    fault_board_here()->call = call;
    fault_board_here()->error = error;
    fault_board_here()->number = number;
    fault_board_here()->short_read = short_read;
}

/* Returns whether there was such a call. */
static int try_one(const file_case *tried, fault_call call, int error, int64_t number)
{
    static char before[MOST_BYTES], after[MOST_BYTES];
    char path[600];
    uint64_t signature = 0;
    snprintf(path, sizeof path, "%s/%s", folder, tried->name);
    size_t size = put_old_file(tried, path, before);
    fault_board_here()->outstanding = 0;
    fault_board_here()->tracks = 1;
    plan(call, error, number, 0);
    sscam_status status = tried->act(path, &signature);
    fault_board_here()->tracks = 0;
    int was_there = fault_board_here()->failed_calls > 0;
    ck_assert_int_eq(fault_board_here()->outstanding, 0);
    if (was_there) {
        const int is_read_error = error != 0 || tried->act == load_network;
        ck_assert_str_eq(sscam_status_name(status),
                         is_read_error ? "SSCAM_E_IO" : "SSCAM_E_FORMAT");
        ASSERT_MESSAGE_NAMES(path);
        if (error != 0)
            ASSERT_MESSAGE_NAMES(strerror(error));
        ck_assert_uint_eq(read_bytes(path, after), size);
        ck_assert_mem_eq(before, after, size);
    } else {
        ck_assert_msg(status == SSCAM_OK, "%s: %s", tried->name, sscam_last_error());
    }
    assert_alone(tried->name);
    unlink(path);
    all_faults += was_there;
    return was_there;
}

START_TEST(every_failed_call_is_reported)
{
    const file_case *tried = &cases[_i];
    long long before = all_faults;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        for (int64_t number = 1; try_one(tried, faults[i].call, faults[i].error, number); number++)
            continue;
    ck_assert_int_ge(all_faults - before, 4);
    printf("# %s: %lld faults\n", tried->name, all_faults - before);
}
END_TEST

/* The second read sees the end of a whole file. */
START_TEST(files_that_shrink_are_refused)
{
    const file_case *tried = &cases[_i];
    if (tried->act != write_image)
        ck_assert_int_eq(try_one(tried, FAULT_READ, 0, 1), 1);
}
END_TEST

START_TEST(files_come_in_pieces)
{
    static char bytes[MOST_BYTES];
    const file_case *tried = &cases[_i];
    uint64_t whole = 0, pieces = 0;
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, tried->name);
    put_old_file(tried, path, bytes);
    plan(FAULT_READ, 0, 0, 0);
    ASSERT_OK(tried->act(path, &whole));
    int64_t reads = fault_board_here()->calls[FAULT_READ];
    plan(FAULT_READ, 0, 0, 1);
    ASSERT_OK(tried->act(path, &pieces));
    if (tried->act != write_image)
        ck_assert_int_gt(fault_board_here()->calls[FAULT_READ], reads);
    ck_assert_uint_eq(pieces, whole);
    unlink(path);
}
END_TEST

/* A file whose end is gone after the first bytes, at each length. */
START_TEST(files_that_end_early_are_refused)
{
    static char bytes[MOST_BYTES];
    const file_case *tried = &cases[_i];
    uint64_t signature = 0;
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, tried->name);
    if (!tried->source)
        return;
    size_t size = put_old_file(tried, path, bytes);
    for (int64_t number = 2; number < (int64_t)size / 2; number++) {
        plan(FAULT_READ, 0, number, 1);
        fault_board_here()->from_on = 1;
        sscam_status status = tried->act(path, &signature);
        fault_board_here()->from_on = 0;
        ck_assert_str_eq(sscam_status_name(status), "SSCAM_E_FORMAT");
        ASSERT_MESSAGE_NAMES(path);
        all_faults++;
    }
    unlink(path);
}
END_TEST

START_TEST(paths_that_cannot_be_written_are_named)
{
    static const char *const paths[] = {"/proc/self/x.png", "/dev/full", "/no/such/folder/x.png",
                                        "/tmp", ""};
    ASSERT_FAILS(sscam_image_write_png(image, paths[_i]), SSCAM_E_IO, paths[_i]);
}
END_TEST

START_TEST(paths_that_cannot_be_read_are_named)
{
    static const char *const paths[] = {"/no/such/file", "/tmp", "", "/proc/self/mem"};
    sscam_image *image = NULL;
    sscam_model *model = NULL;
    ASSERT_FAILS(sscam_image_read(paths[_i], NULL, &image), SSCAM_E_IO, paths[_i]);
    ASSERT_FAILS(sscam_model_load(paths[_i], NULL, &model), SSCAM_E_IO, paths[_i]);
}
END_TEST

int main(int argc, char **argv)
{
    static const uint8_t pixels[40 * 30 * 3] = {1, 2, 3};
    const int count = (int)(sizeof cases / sizeof cases[0]);
    if (argc != 2 || !mkdtemp(folder) || create_packed(40, 30, 3, pixels, &image) != SSCAM_OK)
        return 2;
    corpus = argv[1];
    setenv("CK_FORK", "no", 1); /* the totals are counted here */
    fault_board_here()->owners = FAULT_ANYBODY;
    snprintf(fault_board_here()->folder, sizeof fault_board_here()->folder, "%s/", folder);
    Suite *suite = suite_create("files");
    TCase *files = tcase_create("files");
    tcase_add_loop_test(files, every_failed_call_is_reported, 0, count);
    tcase_add_loop_test(files, files_that_shrink_are_refused, 0, count);
    tcase_add_loop_test(files, files_come_in_pieces, 0, count);
    tcase_add_loop_test(files, files_that_end_early_are_refused, 0, count);
    tcase_add_loop_test(files, paths_that_cannot_be_written_are_named, 0, 5);
    tcase_add_loop_test(files, paths_that_cannot_be_read_are_named, 0, 4);
    suite_add_tcase(suite, files);
    int failed = run_suite(suite);
    printf("# all: %lld faults\n", all_faults);
    sscam_image_unref(image);
    rmdir(folder);
    return failed;
}
