/* Files whose tensors claim more bytes than their records have are refused, and whole ones are not.
 *
 * usage: check_records CORPUS DEMO MODELS: the folder of the fuzz target torchscript, a network,
 * and a folder of others, which may be missing. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>

#include "support/assertions.h"
#include "support/check_main.h"

static const char *corpus, *demo, *models;

/* The refused files of torchscript_seeds.py, and what is said of them. */
static const char *const refusals[][2] = {
    {"refused-short-weight.pt", "first.weight claims 432 bytes, and its record has 428"},
    {"refused-empty-constant.pt", "a constant of forward() claims 12 bytes, and its record has 0"},
    {"refused-vast-tensor.pt", "5.bias claims 268435456 bytes, and its record has 12"},
    {"refused-short-element.pt", "tables claims 144 bytes, and its record has 100"},
    {"refused-wide-view.pt", "832 bytes"}, /* these two in libtorch 2's own words */
    {"refused-negative-offset.pt", "damaged TorchScript file"},
};

static const char *path_of(const char *folder, const char *name)
{
    static char path[PATH_MAX];
    ck_assert_int_lt(snprintf(path, sizeof path, "%s/%s", folder, name), sizeof path);
    return path;
}

START_TEST(tensors_with_too_short_a_record_are_refused)
{
    sscam_model *model = (sscam_model *)&model;
    const char *path = path_of(corpus, refusals[_i][0]);
    ASSERT_FAILS(sscam_model_load(path, "cpu", &model), SSCAM_E_FORMAT, refusals[_i][1]);
    ASSERT_MESSAGE_NAMES(path);
    ck_assert_ptr_null(model);
}
END_TEST

static void assert_loads(const char *path)
{
    sscam_model *model = NULL;
    ASSERT_OK(sscam_model_load(path, "cpu", &model));
    ck_assert_ptr_nonnull(model);
    sscam_model_unref(model);
}

/* How many files of a folder that begin and end so load; all must. */
static int count_loading(const char *folder, const char *beginning)
{
    DIR *listing = opendir(folder);
    int count = 0;
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        const char *dot = strrchr(entry->d_name, '.');
        if (strncmp(entry->d_name, beginning, strlen(beginning)) != 0 || !dot ||
            strcmp(dot, ".pt") != 0)
            continue;
        assert_loads(path_of(folder, entry->d_name));
        count++;
    }
    if (listing)
        closedir(listing);
    return count;
}

START_TEST(whole_files_load)
{
    assert_loads(demo);
    ck_assert_int_ge(count_loading(corpus, "seed-"), 5); /* one of them compressed */
    printf("# %d pretrained networks\n", count_loading(models, ""));
}
END_TEST

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    corpus = argv[1];
    demo = argv[2];
    models = argv[3];
    Suite *suite = suite_create("records");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, tensors_with_too_short_a_record_are_refused, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_test(all, whole_files_load);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
