#include "commands/selection.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/suggestion.h"
#include "commands/input_list.h"
#include "commands/load.h"
#include "commands/target_weights.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/progress_bar.h"

#define EVERY_METHOD "all"
#define TOP_CLASS "top"
/* What a map of a command that ends early may differ by from that of all samples. */
#define EARLY_METHOD "ss-cam-mean"
#define EARLY_TOLERANCE "0.05"
#define LEAST_BITS 9 /* of images of 16 bits */
#define MOST_BITS 16
#define MAX_RANKS 1000 /* a larger number is taken for a typing error */

struct selection selection_defaults(const char *command)
{
    return (struct selection){.command = command,
                              .device = "cpu",
                              .drawing = {.struct_size = sizeof(sscam_draw_options),
                                          .colormap = sscam_colormap_name(0),
                                          .alpha = 0.5},
                              .reading = {.struct_size = sizeof(sscam_read_options),
                                          .max_pixels = SSCAM_IMAGE_MAX_PIXELS},
                              .significant_bits = MOST_BITS};
}

void selection_flags(struct selection *selection, struct flag flags[SELECTION_FLAG_COUNT + 1])
{
    const struct flag table[SELECTION_FLAG_COUNT + 1] = {
        {"method", 'm', "METHOD[,...]",
         "Methods, as 'sscam methods' lists them; 'all' for all that can explain the network.",
         .list = &selection->methods},
        {"layer", 'l', "LAYER[,...]",
         "Target layers, as 'sscam layers' lists them. Default: the last feature map before global "
         "pooling.",
         .list = &selection->layers},
        {"class", 'c', "CLASS[,...]",
         "Classes, by number or by a name from the labels; 'top' for the predicted one, which is "
         "the default; 'top3' for the three with the highest outputs.",
         .texts = &selection->class_texts},
        {"labels", 0, "FILE",
         "Names of the classes: one a line, the first being class 0; a table with indices; JSON or "
         "YAML.",
         .text = &selection->labels_path},
        {"device", 0, "DEVICE", "cpu, cuda, cuda:N, or auto. Default: cpu.",
         .text = &selection->device},
        {"library", 0, "FILE", LIBRARY_HELP, .texts = &selection->libraries},
        {"colormap", 0, "NAME",
         "turbo, jet, or viridis, which colour-blind readers can read; for heatmaps also gray. "
         "Default: turbo.",
         .text = &selection->drawing.colormap},
        {"alpha", 0, "A", "Share of the colour in overlays, 0 to 1. Default: 0.5.",
         .real = &selection->drawing.alpha},
        {"max-pixels", 0, "N", "Refuse images of more than N pixels. Default: 268435456.",
         .count = &selection->reading.max_pixels},
        {"ignore-orientation", 0, NULL,
         "Leave images as they are stored, whatever turn their files ask viewers for.",
         .given = &selection->keeps_orientation},
        {"allow-truncated", 0, NULL, "Take what is there of PNG, JPEG and BMP files cut short.",
         .given = &selection->takes_truncated},
        {"significant-bits", 0, "N",
         "Images of 16 bits use N of them, 9 to 16, as those of cameras do. Default: 16.",
         .count = &selection->significant_bits},
        {"input", 0, "NAME=VALUE", NETWORK_INPUTS_HELP, .texts = &selection->inputs.assignments},
        {"quiet", 'q', NULL, "No progress bar, and no line about what was found.",
         .given = &selection->is_quiet},
        {"target-weights", 0, "FILE.npy",
         "Explain the sum of all outputs times these weights, one for each; with --target cosine "
         "the outputs' similarity to them.",
         .text = &selection->target_weights_path},
        {"set", 0, "NAME=VALUE", "Sets an option of the library; see 'sscam options'.",
         .settings = &selection->settings},
        {0},
    };

    memcpy(flags, table, sizeof table);
}

static int fail_no_method(const struct selection *selection, const char *name)
{
    sscam_suggestion nearest = sscam_suggestion_for(name);

    for (int64_t i = 0; i < sscam_method_count(); i++)
        sscam_suggestion_consider(&nearest, sscam_method_name(sscam_method_info(i)));
    return fail_usage(selection->command, "there is no method '%s'%s", name,
                      sscam_suggestion_text(&nearest));
}

static int resolve_methods(struct selection *selection, const char *default_method)
{
    struct text_list *methods = &selection->methods;

    if (!methods->count)
        text_list_add(methods, default_method);
    for (size_t i = 0; i < methods->count; i++) {
        if (!strcmp(methods->items[i], EVERY_METHOD))
            selection->every_method = true;
        else if (!sscam_method_find(methods->items[i]))
            return fail_no_method(selection, methods->items[i]);
    }
    if (selection->every_method) {
        text_list_free(methods);
        for (int64_t i = 0; i < sscam_method_count(); i++)
            text_list_add(methods, sscam_method_name(sscam_method_info(i)));
    }
    return EXIT_OK;
}

static void add_class(struct selection *selection, int64_t index)
{
    struct chosen_class chosen = {.index = index};

    for (size_t i = 0; i < selection->class_count; i++)
        if (selection->classes[i].index == index)
            return;
    if (index == SSCAM_CLASS_TOP)
        snprintf(chosen.name, sizeof chosen.name, "%s", TOP_CLASS);
    else if (index < 0)
        snprintf(chosen.name, sizeof chosen.name, "%s%" PRId64, TOP_CLASS, -index);
    else
        snprintf(chosen.name, sizeof chosen.name, "%" PRId64, index);
    selection->classes = reallocate(selection->classes, selection->class_count + 1,
                                    sizeof *selection->classes);
    selection->classes[selection->class_count++] = chosen;
}

/* K of `topK`; 0 for another text, or a K above MAX_RANKS. */
static int64_t ranks_in(const char *text)
{
    size_t prefix = strlen(TOP_CLASS);
    int64_t count;

    if (strncmp(text, TOP_CLASS, prefix) || text[prefix] < '1' || text[prefix] > '9')
        return 0;
    return sscam_parse_int(text + prefix, &count) && count <= MAX_RANKS ? count : 0;
}

/* A number, `top`, `topK` or a name. */
static int resolve_class(struct selection *selection, const char *text)
{
    const char *digits = text + (*text == '+' || *text == '-');
    bool is_number = *digits && !digits[strspn(digits, "0123456789")];
    int64_t index;

    if (ranks_in(text)) {
        for (int64_t rank = 1; rank <= ranks_in(text); rank++)
            add_class(selection, SSCAM_CLASS_RANKED(rank));
        return EXIT_OK;
    }
    if (!strcmp(text, TOP_CLASS)) {
        index = SSCAM_CLASS_TOP;
    } else if (is_number) {
        if (!sscam_parse_int(text, &index) || index < 0)
            return fail(text, "is not the number of a class; they count from 0");
    } else if (!selection->labels.path) {
        return fail_usage(selection->command, "class '%s' is no number: a name needs --labels",
                          text);
    } else if (labels_find(&selection->labels, text, &index)) {
        return EXIT_FAILED;
    }
    add_class(selection, index);
    return EXIT_OK;
}

/* Names may hold commas ("tabby, tabby cat"), so a text that is a name as a whole is not split. */
int selection_resolve_classes(struct selection *selection)
{
    selection->class_count = 0;
    if (!selection->class_texts.count)
        add_class(selection, SSCAM_CLASS_TOP);
    for (size_t i = 0; i < selection->class_texts.count; i++) {
        const char *text = selection->class_texts.items[i];
        struct text_list parts = {0};
        int code = EXIT_OK;

        if (labels_look_up(&selection->labels, text) != -1)
            text_list_add(&parts, text);
        else
            text_list_add_separated(&parts, text);
        for (size_t j = 0; j < parts.count && !code; j++)
            code = resolve_class(selection, parts.items[j]);
        text_list_free(&parts);
        if (code)
            return code;
    }
    return EXIT_OK;
}

static int fail_no_colormap(const struct selection *selection)
{
    char names[128] = "";

    for (int64_t i = 0; i < sscam_colormap_count(); i++) {
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%s%s", i ? ", " : "",
                 sscam_colormap_name(i));
    }
    return fail_usage(selection->command, "there is no colormap '%s': %s",
                      selection->drawing.colormap, names);
}

static int check_drawing(const struct selection *selection)
{
    const sscam_draw_options *drawing = &selection->drawing;

    if (!(drawing->alpha >= 0 && drawing->alpha <= 1))
        return fail_usage(selection->command, "--alpha lies between 0 and 1, not at %g",
                          drawing->alpha);
    for (int64_t i = 0; i < sscam_colormap_count(); i++)
        if (!strcmp(drawing->colormap, sscam_colormap_name(i)))
            return EXIT_OK;
    return fail_no_colormap(selection);
}

static int resolve_reading(struct selection *selection)
{
    if (selection->significant_bits < LEAST_BITS || selection->significant_bits > MOST_BITS)
        return fail_usage(selection->command, "--significant-bits is 9 to 16, not %" PRId64,
                          selection->significant_bits);
    selection->reading.ignore_orientation = selection->keeps_orientation;
    selection->reading.allow_truncated = selection->takes_truncated;
    if (selection->significant_bits < MOST_BITS)
        selection->reading.significant_bits = (int32_t)selection->significant_bits;
    return EXIT_OK;
}

/* The first setting, which --target cosine may follow. */
static int add_target_weights(struct selection *selection)
{
    const char *path = selection->target_weights_path;

    if (!target_is_file(path))
        return fail_usage(selection->command, "--target-weights takes an array *.npy, not '%s'",
                          path);
    settings_add_first(&selection->settings, find_option("target"), path);
    return EXIT_OK;
}

int selection_resolve(struct selection *selection, const char *default_method)
{
    int code = check_drawing(selection);

    if (!code)
        code = resolve_reading(selection);
    if (selection->is_quiet)
        progress_hide();
    if (!code)
        code = resolve_methods(selection, default_method);
    if (!code && selection->target_weights_path)
        code = add_target_weights(selection);
    if (!code && selection->labels_path)
        code = labels_read(input_path(selection->labels_path), &selection->labels);
    if (!code)
        code = selection_resolve_classes(selection);
    if (!code && !selection->layers.count)
        text_list_add(&selection->layers, "");
    return code;
}

int selection_load_model(struct selection *selection, const char *path, sscam_model **out)
{
    int code = load_model(path, selection->device, &selection->libraries, out);

    network_inputs_take(&selection->settings, &selection->inputs);
    if (!code)
        code = network_inputs_apply(&selection->inputs, selection->command, out);
    return code;
}

static int create_explainer(const struct selection *selection, const struct settings *settings,
                            sscam_model *model, const char *method, const char *layer,
                            sscam_explainer **out)
{
    sscam_status status = sscam_explainer_create(model, method, out);
    if (status)
        return fail_library(method, status);

    int code = settings_apply(settings, selection->command, *out);
    if (!code && *layer) {
        status = sscam_explainer_set(*out, "layer", layer);
        code = status ? fail_library(layer, status) : EXIT_OK;
    }
    if (code) {
        sscam_explainer_unref(*out);
        *out = NULL;
    }
    return code;
}

/* Whether an option was given that says how samples are drawn or what becomes of them. */
static bool says_how_to_sample(const struct settings *settings)
{
    static const char *const names[] = {"tolerance", "noise",   "samples",     "sample_count",
                                        "preset",    "rescore", "eigen_smooth"};

    for (size_t i = 0; i < settings->count; i++)
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            if (!strcmp(settings->items[i].name, names[j]))
                return true;
    return false;
}

int selection_explainer(const struct selection *selection, sscam_model *model, const char *method,
                        const char *layer, sscam_explainer **out)
{
    struct settings settings = {0};

    if (selection->ends_early && !strcmp(method, EARLY_METHOD) &&
        !says_how_to_sample(&selection->settings)) {
        settings_add(&settings, find_option("tolerance"), EARLY_TOLERANCE);
        settings_add(&settings, find_option("noise"), "common");
    }
    for (size_t i = 0; i < selection->settings.count; i++) {
        const struct setting *setting = &selection->settings.items[i];
        settings_add(&settings, find_option(setting->name), setting->value);
    }
    int code = create_explainer(selection, &settings, model, method, layer, out);
    settings_free(&settings);
    return code;
}

int selection_top_class_explainer(const struct selection *selection, sscam_model *model,
                                  sscam_explainer **out)
{
    struct settings settings = {0};

    for (size_t i = 0; i < selection->settings.count; i++) {
        const struct setting *setting = &selection->settings.items[i];
        /* Presets are of other methods; the predicted class does not depend on them. */
        if (strcmp(setting->name, "preset"))
            settings_add(&settings, find_option(setting->name), setting->value);
    }
    int code = create_explainer(selection, &settings, model, "eigen-cam",
                                selection->layers.items[0], out);
    settings_free(&settings);
    return code;
}

void selection_free(struct selection *selection)
{
    settings_free(&selection->settings);
    network_inputs_free(&selection->inputs);
    text_list_free(&selection->libraries);
    text_list_free(&selection->class_texts);
    text_list_free(&selection->methods);
    text_list_free(&selection->layers);
    labels_free(&selection->labels);
    free(selection->classes);
}
