#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/printable.h"
#include "commands/explain_request.h"
#include "text/json.h"

static void put_json_options(struct json *json, sscam_explainer *explainer)
{
    json_open_object(json, "options");
    for (int64_t i = 0; i < sscam_option_count(); i++) {
        const sscam_option *option = sscam_option_info(i);
        const char *name = sscam_option_name(option);
        int32_t type = sscam_option_type(option);

        char *value = explainer_option(explainer, name);

        if (type == SSCAM_OPTION_TYPE_INT || type == SSCAM_OPTION_TYPE_REAL)
            json_number_text(json, name, value);
        else
            json_text(json, name, value);
        free(value);
    }
    json_close_object(json);
}

static void put_json_outputs(struct json *json, const struct explain_request *request,
                             const sscam_map *map, const struct map_position *position)
{
    json_open_object(json, "outputs");
    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        char *path = output_path(request, position, i);

        if (path && has_output(request, map, i))
            json_text(json, output_key(i), path);
        free(path);
    }
    json_close_object(json);
}

/* Of a detection. */
static void put_json_box(struct json *json, const sscam_map *map)
{
    sscam_detection detection;

    if (sscam_map_detection(map, &detection))
        return;
    json_open_object(json, "box");
    json_real(json, "left", detection.left);
    json_real(json, "top", detection.top);
    json_real(json, "right", detection.right);
    json_real(json, "bottom", detection.bottom);
    json_close_object(json);
}

void put_json_line(const struct explain_request *request, const sscam_map *map,
                   const struct map_position *position, sscam_explainer *explainer, double seconds)
{
    struct json json = {.out = stdout};
    int64_t class_index = sscam_map_class_index(map);

    int32_t rank = 0;
    const int64_t *shape = sscam_map_shape(map, &rank);

    json_open_object(&json, NULL);
    if (!request->tensor_path) {
        json_text(&json, "image", input_list_name(&request->images, position->image));
    } else {
        json_text(&json, "tensor", request->tensor_path);
        json_integer(&json, "index", position->input);
    }
    json_text(&json, "method", sscam_map_method(map));
    json_text(&json, "layer", sscam_map_layer(map));
    json_integer(&json, "class", class_index);
    json_text(&json, "label", labels_name(&request->selection.labels, class_index));
    json_real(&json, "logit", sscam_map_logit(map));
    json_real(&json, "probability", sscam_map_probability(map));
    put_json_box(&json, map);
    json_integer(&json, "passes", sscam_map_passes(map));
    json_real(&json, "estimated_error", sscam_map_estimated_error(map));
    json_member(&json, "diagnostics", sscam_map_diagnostics(map));
    json_real(&json, "seconds", seconds);
    json_boolean(&json, "flat", sscam_map_is_flat(map));
    json_integer(&json, "width", sscam_map_width(map));
    json_integer(&json, "height", sscam_map_height(map));
    if (rank == 3)
        json_integer(&json, "depth", shape[0]);
    put_json_options(&json, explainer);
    if (writes_files(request))
        put_json_outputs(&json, request, map, position);
    json_close_object(&json);
    json_end_line(&json);
}

static void put_maximum(FILE *out, const sscam_map *map)
{
    const float *data = sscam_map_data(map);
    int32_t rank = 0;
    const int64_t *shape = sscam_map_shape(map, &rank);
    const int64_t width = sscam_map_width(map), height = sscam_map_height(map),
                  depth = rank == 3 ? shape[0] : 1;
    int64_t best = 0;

    if (sscam_map_is_flat(map)) {
        fputs("the map is constant", out);
        return;
    }
    for (int64_t i = 1; i < width * height * depth; i++)
        if (data[i] > data[best])
            best = i;
    const int64_t x = best % width, y = best / width % height, z = best / width / height;
    if (rank == 1)
        fprintf(out, "maximum at x %" PRId64 " of %" PRId64, x, width);
    else if (rank == 2)
        fprintf(out, "maximum at x %" PRId64 ", y %" PRId64 " of %" PRId64 "x%" PRId64, x, y, width,
                height);
    else
        fprintf(out,
                "maximum at x %" PRId64 ", y %" PRId64 ", z %" PRId64 " of %" PRId64 "x%" PRId64
                "x%" PRId64,
                x, y, z, width, height, depth);
}

/* Prints a name from outside without control characters. */
static void put_printable_text(FILE *out, const char *text, const char *after)
{
    char piece[256];

    while (*text) {
        text += sscam_copy_printable(piece, sizeof piece, text);
        fputs(piece, out);
    }
    fputs(after, out);
}

/* The files that were written of a map. */
static void put_files(FILE *out, const struct explain_request *request, const sscam_map *map,
                      const struct map_position *position)
{
    const char *before = "; wrote ";

    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        char *path = output_path(request, position, i);

        if (path && has_output(request, map, i)) {
            fputs(before, out);
            put_printable_text(out, path, "");
            before = ", ";
        }
        free(path);
    }
}

/* Where samples were left out. */
static void put_estimated_error(FILE *out, const sscam_map *map)
{
    const double error = sscam_map_estimated_error(map);

    if (error > 0)
        fprintf(out, "estimated error %.2g, ", error);
}

static void put_box(FILE *out, const sscam_map *map)
{
    sscam_detection detection;

    if (!sscam_map_detection(map, &detection))
        fprintf(out, "box %.0f,%.0f,%.0f,%.0f, ", detection.left, detection.top, detection.right,
                detection.bottom);
}

void put_sentence(const struct explain_request *request, const sscam_map *map,
                  const struct map_position *position, double seconds)
{
    int64_t class_index = sscam_map_class_index(map), passes = sscam_map_passes(map);
    const char *label = labels_name(&request->selection.labels, class_index);
    FILE *out = writes_standard_output(request) ? stderr : stdout;

    if (request->images.paths.count > 1)
        put_printable_text(out, input_list_name(&request->images, position->image), ": ");
    if (request->input_count > 1)
        fprintf(out, "input %" PRId64 ": ", position->input);
    fprintf(out, "class %" PRId64 "%s%s, probability %.4f: %s at %s, %" PRId64 " %s, %.2f s, ",
            class_index, label ? " " : "", label ? label : "", sscam_map_probability(map),
            sscam_map_method(map), sscam_map_layer(map), passes, passes == 1 ? "pass" : "passes",
            seconds);
    put_box(out, map);
    put_estimated_error(out, map);
    put_maximum(out, map);
    put_files(out, request, map, position);
    fputc('\n', out);
}
