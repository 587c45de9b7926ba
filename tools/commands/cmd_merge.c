/* sscam merge: results that were computed in parts, put together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/results_file.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/output_file.h"
#include "data/csv.h"
#include "data/results.h"
#include "report/total_tables.h"
#include "text/text_file.h"

#define LARGEST_RESULTS (1u << 30)

struct merge {
    struct results results;
    const char *csv_path;
    bool as_json;
};

static int fail_owned(const char *path, char *why)
{
    fail(path, "%s", why);
    free(why);
    return EXIT_FAILED;
}

/* Adds the cases of a file's text, which is changed. */
static char *take_text(struct results *results, char *text)
{
    struct csv_reader reader = csv_start(text);
    bool is_first = !results->metrics;
    char *why = NULL, *copy = is_first ? copy_text(text, strlen(text)) : NULL;

    if (!csv_next(&reader))
        why = format_text("is empty");
    if (!why)
        why = results_take_heading(results, &reader);
    if (!why && is_first)
        results_learn_methods(results, copy);
    size_t methods_seen = results->methods.count;
    while (!why && csv_next(&reader))
        why = results->methods.count
                  ? results_take_line(results, &reader, &methods_seen)
                  : format_text("line %zu: is not of the form of the heading", reader.line);
    if (!why && (reader.is_broken || methods_seen != results->methods.count))
        why = format_text("ends before its last case is complete");
    csv_free(&reader);
    free(copy);
    return why;
}

static int take_file(struct results *results, const char *path)
{
    size_t length;
    char *why, *text = text_file_read(path, LARGEST_RESULTS, &length, &why);

    if (!text)
        return fail_owned(path, why);
    why = take_text(results, text);
    free(text);
    return why ? fail_owned(path, why) : EXIT_OK;
}

/* The files must not overlap, nor be of different data sets. */
static int check_cases(const struct results *results)
{
    for (size_t i = 1; i < results->count; i++) {
        const struct result_case *before = &results->cases[i - 1], *here = &results->cases[i];

        if (before->image_index != here->image_index)
            continue;
        if (strcmp(before->image, here->image) != 0)
            return fail(here->image,
                        "and '%s' are both image %zu: these are results of different data sets",
                        before->image, here->image_index);
        for (size_t j = i; j-- > 0 && results->cases[j].image_index == here->image_index;)
            if (results->cases[j].class_index == here->class_index)
                return fail(here->image, "its class %lld is in the results twice",
                            (long long)here->class_index);
    }
    return EXIT_OK;
}

static void put_results(const struct merge *merge, const struct total *totals)
{
    struct json json = {.out = stdout};
    size_t images = results_image_count(&merge->results);

    if (!merge->as_json) {
        put_totals_table(&merge->results, totals);
        printf("\n%zu images, %zu cases of a class on an image; intervals of 95 %%\n", images,
               merge->results.count);
        return;
    }
    json_open_object(&json, NULL);
    json_integer(&json, "images", (int64_t)images);
    json_integer(&json, "cases", (int64_t)merge->results.count);
    put_totals_json(&json, &merge->results, totals, NULL, NULL);
    json_close_object(&json);
    json_end_line(&json);
}

static int merge_files(struct merge *merge, const struct text_list *paths)
{
    int code = merge->csv_path ? output_path_check(merge->csv_path) : EXIT_OK;

    for (size_t i = 0; i < paths->count && !code; i++)
        code = take_file(&merge->results, paths->items[i]);
    results_sort(&merge->results);
    if (!code && !merge->results.count)
        code = fail("merge", "there are no results in these files");
    if (!code)
        code = check_cases(&merge->results);
    if (!code && merge->csv_path)
        code = write_results(merge->csv_path, &merge->results);
    if (code)
        return code;
    struct total *totals = totals_of(&merge->results);
    if (!totals)
        return EXIT_FAILED;
    put_results(merge, totals);
    free(totals);
    return EXIT_OK;
}

int run_merge(int argc, char **argv)
{
    struct merge merge = {0};
    struct text_list operands = {0};
    const struct flag flags[] = {
        {"csv", 0, "FILE.csv", "Write all cases to one file.", .text = &merge.csv_path},
        {"json", 0, NULL, "Print one JSON object in place of the table.", .given = &merge.as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "merge",
        .usage = {"FILE.csv... [--csv FILE.csv] [--json]"},
        .min_operands = 1,
        .max_operands = SIZE_MAX,
        .operands = "at least one file of results",
        .flags = {flags},
        .purpose = "Makes the table of results that 'sscam eval --csv' wrote, such as those of the "
                   "parts of --shard. The result is that of one run.",
    };

    int code = arguments_parse(&syntax, argc, argv, &operands);
    if (!code)
        code = merge_files(&merge, &operands);
    results_free(&merge.results);
    text_list_free(&operands);
    return code;
}
