/* sscam doctor: what a report of a fault needs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sscam/sscam.h>

#include "base/printable.h"
#include "commands/arguments.h"
#include "commands/commands.h"
#include "commands/input_list.h"
#include "commands/input_shape.h"
#include "commands/load.h"
#include "commands/machine.h"
#include "commands/network_inputs.h"
#include "common/checked_alloc.h"
#include "common/cli_error.h"
#include "common/progress_bar.h"
#include "text/json.h"
#include "text/terminal_text.h"

#define NAME_COLUMN 20

struct examination {
    const char *model_path, *device, *input;
    struct input_shape shape;
    struct network_inputs inputs;
    struct json json;
    bool as_json;
};

/* Prints a line, or a member of the object. Takes ownership of the value; NULL prints nothing. */
static void put(struct examination *examination, const char *name, char *value)
{
    if (value && examination->as_json) {
        json_text(&examination->json, name, value);
    } else if (value) {
        char *printable = allocate(strlen(value) + 8, 1), *head = format_text("%s:", name);

        sscam_copy_printable(printable, strlen(value) + 8, value);
        put_padded(stdout, head, NAME_COLUMN);
        puts(printable);
        free(printable);
        free(head);
    }
    free(value);
}

/* The lines "NAME: VALUE" of what the library says of itself. */
static void put_build(struct examination *examination)
{
    const char *line = sscam_build_info();

    while (*line) {
        size_t length = strcspn(line, "\n"), name = strcspn(line, ":");

        if (name < length) {
            char *key = copy_text(line, name);
            const char *value = line + name + 1 + strspn(line + name + 1, " ");
            put(examination, key, copy_text(value, (size_t)(line + length - value)));
            free(key);
        }
        line += length + (line[length] == '\n');
    }
    put(examination, "binary interface",
        format_text("%" PRId32 ", of the headers %d", sscam_abi_version(), SSCAM_ABI_VERSION));
}

static void put_machine(struct examination *examination)
{
    put(examination, "system", machine_system());
    put(examination, "processor", machine_processor());
    put(examination, "features", machine_processor_features());
    put(examination, "threads", machine_threads());
    put(examination, "memory", machine_memory());
    put(examination, "GPUs", machine_gpus());
    put(examination, "environment", machine_environment());
}

/* Whether a kind of device can be used: an empty network is refused for the device, if that is
 * missing, and else for what it is. */
static void put_cuda(struct examination *examination)
{
    static const char no_network[] = "no network";
    sscam_model *model = NULL;
    sscam_status status = sscam_model_load_memory(no_network, sizeof no_network, "cuda", &model);

    sscam_model_unref(model);
    put(examination, "device cuda",
        status == SSCAM_E_DEVICE ? format_text("no: %s", sscam_last_error())
                                 : format_text("can be used"));
}

static char *failure(void)
{
    return format_text("no: %s", sscam_last_error());
}

static void put_layers(struct examination *examination, sscam_model *model)
{
    sscam_layers *layers = NULL;
    sscam_status status = sscam_model_layers(model, examination->shape.sides,
                                             examination->shape.rank, &layers);
    int64_t index = status ? -1 : sscam_layers_default(layers);

    if (!status)
        put(examination, "layers", format_text("%" PRId64, sscam_layers_count(layers)));
    if (index >= 0) {
        int32_t rank;
        const int64_t *sides = sscam_layers_shape(layers, index, &rank);
        char *shape = format_shape(sides, rank);

        put(examination, "default layer",
            format_text("%s, %s, %s", sscam_layers_name(layers, index),
                        sscam_layers_kind(layers, index), shape));
        free(shape);
    } else {
        put(examination, "default layer", status ? failure() : format_text("none"));
    }
    sscam_layers_unref(layers);
}

/* Runs the network on zeros. */
static void put_run(struct examination *examination, sscam_model *model)
{
    sscam_array zeros = SSCAM_ARRAY_INIT;
    const float zero = 0;
    static const int64_t strides[INPUT_MOST_SIDES + 1];
    int64_t class_count = 0;
    double start = monotonic_seconds();

    zeros.data = &zero;
    zeros.shape = examination->shape.sides;
    zeros.strides = strides;
    zeros.rank = examination->shape.rank;
    sscam_status status = sscam_model_classify(model, &zeros, NULL, 0, &class_count);
    put(examination, "runs",
        status ? failure()
               : format_text("yes, in %.2f s, on zeros of %s", monotonic_seconds() - start,
                             examination->input));
    if (!status)
        put(examination, "classes", format_text("%" PRId64, class_count));
}

static int put_model(struct examination *examination)
{
    const char *path = input_path(examination->model_path);
    double start = monotonic_seconds();
    sscam_model *model = NULL;
    struct stat about;
    sscam_status status = sscam_model_load(path, examination->device, &model);

    put(examination, "network", copy_text(path, strlen(path)));
    if (!stat(path, &about) && S_ISREG(about.st_mode))
        put(examination, "bytes", format_text("%lld", (long long)about.st_size));
    if (status) {
        put(examination, "loads", failure());
        return EXIT_FAILED;
    }
    put(examination, "loads",
        format_text("yes, in %.2f s, on %s", monotonic_seconds() - start,
                    sscam_model_device(model)));
    if (network_inputs_apply(&examination->inputs, "doctor", &model)) {
        sscam_model_unref(model);
        return EXIT_FAILED;
    }
    put_run(examination, model);
    put_layers(examination, model);
    sscam_model_unref(model);
    return EXIT_OK;
}

static int examine(struct examination *examination)
{
    int code = EXIT_OK;

    if (examination->as_json)
        json_open_object(&examination->json, NULL);
    put_build(examination);
    put_machine(examination);
    put_cuda(examination);
    if (examination->model_path)
        code = put_model(examination);
    if (examination->as_json) {
        json_close_object(&examination->json);
        json_end_line(&examination->json);
    }
    return code;
}

int run_doctor(int argc, char **argv)
{
    struct examination examination = {
        .device = "cpu", .input = INPUT_SHAPE_DEFAULT, .json = {.out = stdout}};
    struct text_list operands = {0}, given = {0}, libraries = {0};
    const struct flag flags[] = {
        {"input", 0, "CxHxW|NAME=VALUE", INPUT_SHAPE_HELP " " NETWORK_INPUTS_HELP, .texts = &given},
        NETWORK_INPUTS_FLAGS(&examination.inputs),
        {"device", 0, "DEVICE", "cpu, cuda, cuda:N, or auto. Default: cpu.",
         .text = &examination.device},
        {"library", 0, "FILE", LIBRARY_HELP, .texts = &libraries},
        {"json", 0, NULL, "Print one JSON object.", .given = &examination.as_json},
        {0},
    };
    const struct syntax syntax = {
        .command = "doctor",
        .usage = {"[MODEL] [--input 3x224x224] [--input NAME=VALUE]... [--device DEVICE] [--json]"},
        .max_operands = 1,
        .flags = {flags},
        .purpose = "Prints what a report of a fault needs: versions, processor, devices, and, of a "
                   "network, whether it loads and runs, and which layer is explained by default. "
                   "Ends with 1 where it does not load.",
    };

    int code = arguments_parse(&syntax, argc, argv, &operands);
    network_inputs_sort(&given, &examination.inputs, &examination.input);
    if (!code)
        code = input_shape_read("doctor", examination.input, &examination.shape);
    if (!code)
        code = load_libraries(&libraries);
    if (!code) {
        examination.model_path = operands.count ? operands.items[0] : NULL;
        code = examine(&examination);
    }
    network_inputs_free(&examination.inputs);
    text_list_free(&given);
    text_list_free(&libraries);
    text_list_free(&operands);
    return code;
}
