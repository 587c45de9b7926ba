/* sscam_explainer_detect(), and the detection of a map. */
#include "sscam/detection.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "explain/call.h"
#include "explain/detector_reading.h"
#include "explain/explainer_inputs.h"
#include "explain/map_private.h"
#include "model/input_array.h"

/* Where a caller's detections go. */
typedef struct receiver {
    sscam_detection *detections;
    int64_t capacity;
    int64_t *count;
} receiver;

static sscam_box box_of_image(const sscam_geometry *geometry, const sscam_box *box)
{
    return (sscam_box){sscam_geometry_source_x(geometry, box->left),
                       sscam_geometry_source_y(geometry, box->top),
                       sscam_geometry_source_x(geometry, box->right),
                       sscam_geometry_source_y(geometry, box->bottom)};
}

static sscam_detection public_detection(const sscam_geometry *geometry, const sscam_box *box,
                                        int64_t class_index, double score)
{
    const sscam_box own = geometry ? box_of_image(geometry, box) : *box;
    return (sscam_detection){.left = own.left,
                             .top = own.top,
                             .right = own.right,
                             .bottom = own.bottom,
                             .class_index = class_index,
                             .score = score};
}

static sscam_status detect(const sscam_explainer *explainer, const float *input,
                           const sscam_shape *shape, const sscam_geometry *geometry,
                           const sscam_progress *progress, const receiver *out)
{
    sscam_detector_reading reading;
    sscam_detection_list list = {NULL, 0};
    sscam_status status = sscam_read_detector(explainer, input, shape, progress, &reading);
    if (status == SSCAM_OK && !reading.is_detector)
        status = sscam_fail(SSCAM_E_UNSUPPORTED,
                            "the network's outputs are those of no detector that is known; the "
                            "option detector says the layout of one");
    if (status == SSCAM_OK)
        status = sscam_detections_of(explainer, &reading, &list);
    for (int64_t i = 0; i < list.count && i < out->capacity; i++)
        out->detections[i] = public_detection(geometry, &list.detections[i].box,
                                              list.detections[i].class_index,
                                              list.detections[i].confidence);
    if (status == SSCAM_OK)
        *out->count = list.count;
    sscam_detection_list_release(&list);
    sscam_detector_reading_release(&reading);
    return status;
}

static sscam_status check_receiver(const char *function, int32_t has_pointers, const receiver *out)
{
    if (out->count)
        *out->count = 0;
    if (!has_pointers || !out->count || (!out->detections && out->capacity != 0))
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: a pointer is NULL", function);
    if (out->capacity < 0)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: capacity is %" PRId64, function, out->capacity);
    return SSCAM_OK;
}

static sscam_status detect_on_image(const sscam_explainer *explainer, const sscam_image *image,
                                    const sscam_progress *progress, const receiver *out)
{
    sscam_geometry geometry;
    sscam_shape shape;
    float *input;
    sscam_status status = sscam_create_input(explainer, image, &geometry, &shape, &input);
    if (status == SSCAM_OK)
        status = detect(explainer, input, &shape, &geometry, progress, out);
    free(input);
    return status;
}

sscam_status sscam_explainer_detect(sscam_explainer *explainer, const sscam_image *image,
                                    sscam_detection *detections, int64_t capacity, int64_t *count)
{
    static const char function[] = "sscam_explainer_detect";
    const receiver out = {detections, capacity, count};
    sscam_call call;
    sscam_status status = check_receiver(function, explainer && image, &out);
    if (status == SSCAM_OK)
        status = sscam_call_begin(&call, &explainer, 1, function);
    if (status != SSCAM_OK)
        return status;
    status = detect_on_image(explainer, image, &call.progress, &out);
    sscam_call_end(&call);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

static sscam_status detect_on_input(sscam_explainer *explainer, sscam_input *input,
                                    const char *function, const receiver *out)
{
    sscam_call call;
    if (input->shape.images != 1)
        return sscam_fail(SSCAM_E_ARGUMENT, "%s: input has %" PRId64 " images, not 1", function,
                          input->shape.images);
    sscam_status status = sscam_call_begin(&call, &explainer, 1, function);
    if (status != SSCAM_OK)
        return status;
    status = sscam_check_positions(&input->shape);
    if (status == SSCAM_OK)
        status = sscam_input_load(input, function);
    if (status == SSCAM_OK)
        status = detect(explainer, input->values, &input->shape, NULL, &call.progress, out);
    sscam_call_end(&call);
    return status;
}

sscam_status sscam_explainer_detect_array(sscam_explainer *explainer, const sscam_array *input,
                                          sscam_detection *detections, int64_t capacity,
                                          int64_t *count)
{
    static const char function[] = "sscam_explainer_detect_array";
    const receiver out = {detections, capacity, count};
    sscam_input_description wanted;
    sscam_input read = {.name = "input"};
    sscam_status status = check_receiver(function, explainer && input, &out);
    if (status == SSCAM_OK)
        status = sscam_describe_input(explainer, function, &wanted);
    if (status != SSCAM_OK)
        return status;
    status = sscam_input_open_as(input, &wanted, "input", function, &read);
    if (status == SSCAM_OK)
        status = detect_on_input(explainer, &read, function, &out);
    sscam_input_close(&read);
    return status == SSCAM_OK ? sscam_succeed() : status;
}

sscam_status sscam_map_detection(const sscam_map *map, sscam_detection *detection)
{
    if (!map || !detection)
        return sscam_fail(SSCAM_E_ARGUMENT, "sscam_map_detection: %s is NULL",
                          !map ? "map" : "detection");
    if (!map->has_detection)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "sscam_map_detection: the map explains a class and no detection");
    *detection = public_detection(map->from_image ? &map->geometry : NULL, &map->box,
                                  map->class_index, map->probability);
    return sscam_succeed();
}
