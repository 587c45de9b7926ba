/* sscam classify: the highest classes of images, with their probabilities. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sscam/sscam.h>

#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/input_list.h"
#include "commands/label_fit.h"
#include "commands/load.h"
#include "commands/selection.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/signals.h"
#include "text/json.h"

#define MOST_CLASSES 1000 /* a larger number is taken for a typing error */

struct classification {
    struct selection selection;
    struct input_list images;
    const char *model_path;
    int64_t top;
    bool as_json;

    sscam_model *model;
    sscam_explainer *explainer;
    sscam_image *image; /* the one that is being classified */
};

static sscam_status try_class(void *user, sscam_explainer *explainer, int64_t class_index)
{
    const struct classification *classification = user;
    sscam_map *map = NULL;
    sscam_status status = sscam_explain_image(explainer, classification->image, class_index, &map);

    sscam_map_unref(map);
    return status;
}

static void put_json(const struct classification *classification, const char *name,
                     const sscam_class_score *scores, int64_t count)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_text(&json, "image", name);
    json_open_array(&json, "classes");
    for (int64_t i = 0; i < count; i++) {
        json_open_object(&json, NULL);
        json_integer(&json, "class", scores[i].class_index);
        json_text(&json, "label",
                  labels_name(&classification->selection.labels, scores[i].class_index));
        json_real(&json, "logit", scores[i].logit);
        json_real(&json, "probability", scores[i].probability);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_close_object(&json);
    json_end_line(&json);
}

static void put_lines(const struct classification *classification, const char *name,
                      const sscam_class_score *scores, int64_t count)
{
    if (classification->images.paths.count > 1)
        printf("%s\n", name);
    for (int64_t i = 0; i < count; i++) {
        const char *label = labels_name(&classification->selection.labels, scores[i].class_index);

        printf("%8.4f  class %" PRId64 "%s%s\n", scores[i].probability, scores[i].class_index,
               label ? " " : "", label ? label : "");
    }
}

static int classify_image(const struct classification *classification, size_t index)
{
    const char *name = input_list_name(&classification->images, index);
    sscam_class_score *scores = allocate((size_t)classification->top, sizeof *scores);
    int64_t count = 0;
    sscam_status status = sscam_explainer_classify(classification->explainer, classification->image,
                                                   scores, classification->top, &count);

    if (count > classification->top)
        count = classification->top;
    if (!status && classification->as_json)
        put_json(classification, name, scores, count);
    else if (!status)
        put_lines(classification, name, scores, count);
    free(scores);
    if (status)
        return fail_library(name, status);
    return fflush(stdout) ? fail_errno("standard output") : EXIT_OK;
}

/* The labels are checked by the first image that can be read. */
static int prepare(struct classification *classification)
{
    int code = EXIT_OK;

    if (classification->explainer)
        return EXIT_OK;
    code = selection_check_labels(&classification->selection, classification->model, try_class,
                                  classification);
    return code ? code
                : selection_top_class_explainer(&classification->selection, classification->model,
                                                &classification->explainer);
}

/* An image that cannot be read has its line, and the others are classified all the same. */
static int classify_images(struct classification *classification)
{
    int result = EXIT_OK;

    for (size_t i = 0; i < classification->images.paths.count; i++) {
        if (interruption_requested())
            return fail_cancelled();
        int code = input_list_load(&classification->images, i, &classification->selection.reading,
                                   &classification->image);
        if (!code) {
            code = prepare(classification);
            if (code)
                return code;
            code = classify_image(classification, i);
        }
        if (code)
            result = code;
        sscam_image_unref(classification->image);
        classification->image = NULL;
    }
    return result;
}

static int classify(struct classification *classification)
{
    int code = EXIT_OK;

    if (classification->top < 1 || classification->top > MOST_CLASSES)
        code = fail_usage("classify", "--top is 1 to %d, not %" PRId64, MOST_CLASSES,
                          classification->top);
    if (!code)
        code = selection_resolve(&classification->selection, "eigen-cam");
    if (!code)
        code = check_order("classify", classification->model_path,
                           classification->images.paths.items[0]);
    if (!code)
        code = selection_load_model(&classification->selection, classification->model_path,
                                    &classification->model);
    if (!code)
        code = classify_images(classification);
    sscam_image_unref(classification->image);
    sscam_explainer_unref(classification->explainer);
    sscam_model_unref(classification->model);
    return code;
}

/* Of the flags of explanations, those that classes depend on. */
static void keep_flags_of_classes(struct flag *flags)
{
    static const char *const others[] = {"method", "layer", "class", "colormap", "alpha", "quiet"};
    size_t kept = 0;

    for (size_t i = 0; flags[i].name; i++) {
        bool is_other = false;

        for (size_t j = 0; j < sizeof others / sizeof *others; j++)
            is_other = is_other || !strcmp(flags[i].name, others[j]);
        if (!is_other)
            flags[kept++] = flags[i];
    }
    flags[kept] = (struct flag){0};
}

static int parse(struct classification *classification, int argc, char **argv,
                 struct text_list *operands)
{
    struct flag shared[SELECTION_FLAG_COUNT + 1];
    const struct flag own[] = {
        {"top", 't', "N", "Number of classes. Default: 5.", .count = &classification->top},
        {"json", 0, NULL, "Print one JSON object an image and line.",
         .given = &classification->as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "classify",
        .usage = {"MODEL IMAGE... [--top N] [FLAG]..."},
        .min_operands = 2,
        .max_operands = SIZE_MAX,
        .operands = "a model and an image",
        .flags = {own, shared},
        .purpose = "Prints the classes with the highest outputs, with their probabilities. IMAGE "
                   "may be a folder of images; - is an image on standard input, or a list of files "
                   "there, one a line.",
    };

    selection_flags(&classification->selection, shared);
    keep_flags_of_classes(shared);
    return arguments_parse(&syntax, argc, argv, operands);
}

int run_classify(int argc, char **argv)
{
    struct classification classification = {.selection = selection_defaults("classify"), .top = 5};
    struct text_list operands = {0};

    int code = parse(&classification, argc, argv, &operands);
    if (!code) {
        classification.model_path = operands.items[0];
        code = input_list_expand(operands.items + 1, operands.count - 1,
                                 &classification.selection.reading, &classification.images);
    }
    if (!code)
        code = classify(&classification);
    input_list_free(&classification.images);
    selection_free(&classification.selection);
    text_list_free(&operands);
    return code;
}
