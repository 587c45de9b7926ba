/* sscam layers: what of a network can be explained. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sscam/sscam.h>

#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/input_shape.h"
#include "commands/load.h"
#include "commands/network_inputs.h"
#include "commands/network_outputs.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "text/json.h"
#include "text/terminal_text.h"
#include "text/utf8.h"

struct listing {
    const char *model_path, *device, *input;
    struct text_list libraries;
    bool as_json, lists_outputs;
    struct input_shape shape;
    struct network_inputs inputs;
};

static void put_json(const sscam_layers *layers)
{
    struct json json = {.out = stdout};

    json_open_array(&json, NULL);
    for (int64_t i = 0; i < sscam_layers_count(layers); i++) {
        int32_t rank;
        const int64_t *shape = sscam_layers_shape(layers, i, &rank);

        json_open_object(&json, NULL);
        json_text(&json, "name", sscam_layers_name(layers, i));
        json_text(&json, "kind", sscam_layers_kind(layers, i));
        json_open_array(&json, "shape");
        for (int32_t j = 0; j < rank; j++)
            json_integer(&json, NULL, shape[j]);
        json_close_array(&json);
        json_boolean(&json, "default", i == sscam_layers_default(layers));
        json_close_object(&json);
    }
    json_close_array(&json);
    json_end_line(&json);
}

static void put_outputs_json(const sscam_layers *layers)
{
    struct json json = {.out = stdout};

    json_open_array(&json, NULL);
    for (int64_t i = 0; i < sscam_layers_output_count(layers); i++) {
        int32_t rank;
        const int64_t *shape = sscam_layers_output_shape(layers, i, &rank);

        json_open_object(&json, NULL);
        json_integer(&json, "output", i);
        json_text(&json, "name", sscam_layers_output_name(layers, i));
        json_open_array(&json, "shape");
        for (int32_t j = 0; j < rank; j++)
            json_integer(&json, NULL, shape[j]);
        json_close_array(&json);
        json_boolean(&json, "taken", i == sscam_layers_output_taken(layers));
        json_close_object(&json);
    }
    json_close_array(&json);
    json_end_line(&json);
}

/* One a line, below the layers. */
static void put_outputs(const sscam_layers *layers)
{
    for (int64_t i = 0; i < sscam_layers_output_count(layers); i++) {
        char *output = format_output(layers, i);

        printf("output %s%s\n", output,
               i == sscam_layers_output_taken(layers) ? "  * class scores" : "");
        free(output);
    }
}

struct widths {
    size_t name, kind, shape;
};

static void widen(size_t *width, const char *text)
{
    size_t count = utf8_character_count(text);

    if (count > *width)
        *width = count;
}

static struct widths measure(const sscam_layers *layers, char *const *shapes)
{
    struct widths widths = {strlen("name"), strlen("kind"), strlen("shape")};

    for (int64_t i = 0; i < sscam_layers_count(layers); i++) {
        widen(&widths.name, sscam_layers_name(layers, i));
        widen(&widths.kind, sscam_layers_kind(layers, i));
        widen(&widths.shape, shapes[i]);
    }
    return widths;
}

static void put_row(const struct widths *widths, const char *name, const char *kind,
                    const char *shape, const char *mark)
{
    put_padded(stdout, name, widths->name + 2);
    put_padded(stdout, kind, widths->kind + 2);
    if (*mark) {
        put_padded(stdout, shape, widths->shape + 2);
        puts(mark);
    } else {
        puts(shape);
    }
}

static void put_table(const sscam_layers *layers)
{
    int64_t count = sscam_layers_count(layers);
    char **shapes = allocate((size_t)count, sizeof *shapes);

    for (int64_t i = 0; i < count; i++) {
        int32_t rank;
        const int64_t *shape = sscam_layers_shape(layers, i, &rank);
        shapes[i] = format_shape(shape, rank);
    }
    struct widths widths = measure(layers, shapes);
    put_row(&widths, "name", "kind", "shape", "");
    for (int64_t i = 0; i < count; i++) {
        put_row(&widths, sscam_layers_name(layers, i), sscam_layers_kind(layers, i), shapes[i],
                i == sscam_layers_default(layers) ? "* default" : "");
        free(shapes[i]);
    }
    free(shapes);
}

static int list(const struct listing *listing)
{
    sscam_model *model = NULL;
    sscam_layers *layers = NULL;

    int code = load_model(listing->model_path, listing->device, &listing->libraries, &model);
    if (!code)
        code = network_inputs_apply(&listing->inputs, "layers", &model);
    if (code) {
        sscam_model_unref(model);
        return code;
    }
    sscam_status status = sscam_model_layers(model, listing->shape.sides, listing->shape.rank,
                                             &layers);
    if (status)
        code = fail_library(listing->model_path, status);
    else if (listing->as_json && listing->lists_outputs)
        put_outputs_json(layers);
    else if (listing->as_json)
        put_json(layers);
    else if (!listing->lists_outputs)
        put_table(layers);
    if (!status && !listing->as_json)
        put_outputs(layers);
    sscam_layers_unref(layers);
    sscam_model_unref(model);
    return code;
}

int run_layers(int argc, char **argv)
{
    struct listing listing = {.device = "cpu", .input = INPUT_SHAPE_DEFAULT};
    struct text_list operands = {0}, given = {0};
    const struct flag flags[] = {
        {"input", 0, "CxHxW|NAME=VALUE", INPUT_SHAPE_HELP " " NETWORK_INPUTS_HELP, .texts = &given},
        NETWORK_INPUTS_FLAGS(&listing.inputs),
        {"device", 0, "DEVICE", "cpu, cuda, cuda:N, or auto. Default: cpu.",
         .text = &listing.device},
        {"library", 0, "FILE", LIBRARY_HELP, .texts = &listing.libraries},
        {"outputs", 0, NULL, "List the outputs alone.", .given = &listing.lists_outputs},
        {"json", 0, NULL, "Print one JSON array.", .given = &listing.as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "layers",
        .usage = {"MODEL [--input 3x224x224] [--input NAME=VALUE]... [--device DEVICE] [--outputs] "
                  "[--json]"},
        .min_operands = 1,
        .max_operands = 1,
        .operands = "a model",
        .flags = {flags},
        .purpose = "Lists the layers that can be explained, in the order in which the network runs "
                   "them, with the shape of their output. The one explained by default is marked. "
                   "Below them come the network's outputs, with the one that holds the class "
                   "scores unless the option output names another.",
    };

    int code = arguments_parse(&syntax, argc, argv, &operands);
    network_inputs_sort(&given, &listing.inputs, &listing.input);
    if (!code)
        code = input_shape_read("layers", listing.input, &listing.shape);
    if (!code) {
        listing.model_path = operands.items[0];
        code = list(&listing);
    }
    network_inputs_free(&listing.inputs);
    text_list_free(&given);
    text_list_free(&listing.libraries);
    text_list_free(&operands);
    return code;
}
