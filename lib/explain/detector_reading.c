#include "explain/detector_reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"
#include "detect/detector_recognition.h"
#include "explain/option_values.h"
#include "sscam/explainer.h"

static sscam_lost_activation lost_of(const char *kind)
{
    if (strcmp(kind, "sigmoid") == 0)
        return SSCAM_LOST_SIGMOID;
    if (strcmp(kind, "softmax") == 0)
        return SSCAM_LOST_SOFTMAX;
    return strcmp(kind, "unknown") == 0 ? SSCAM_LOST_UNKNOWN : SSCAM_LOST_NONE;
}

/* The outputs as the recognition takes them; malloc'ed. */
static sscam_detector_output *describe(const struct sscam_layers *returned)
{
    sscam_detector_output *outputs = sscam_zeros(
        returned->output_count > 0 ? (int64_t)returned->output_count : 1, sizeof *outputs);
    for (size_t i = 0; outputs && i < returned->output_count; i++) {
        const sscam_layer *output = &returned->output[i];
        outputs[i] = (sscam_detector_output){
            .name = output->name,
            .rank = output->rank,
            .shape = output->shape,
            .is_listed_detections = strcmp(output->kind, "detections") == 0,
            .lost = lost_of(output->kind)};
    }
    return outputs;
}

/* Reads the row that the layout names, and completes the layout by it. */
static sscam_status read_row(const sscam_explainer *explainer, const float *input,
                             const sscam_shape *shape, const sscam_detector_outputs *outputs,
                             sscam_detector_reading *out)
{
    const sscam_model *model = explainer->model;
    const sscam_output_selection selection = {.output = out->layout.selector,
                                              .kind = SSCAM_SCORE_LOGIT};
    int64_t count = 0;
    sscam_status status = model->backend->classify(model->network, input, shape, &selection,
                                                   &out->row, &count);
    if (status != SSCAM_OK)
        return status;
    out->passes++;
    return sscam_find_detector_layout(outputs, out->row, count, &out->layout, &out->is_detector);
}

static sscam_status read_outputs(const sscam_explainer *explainer, const float *input,
                                 const sscam_shape *shape, sscam_detector_reading *out)
{
    const sscam_settings *settings = &explainer->settings;
    const sscam_model *model = explainer->model;
    struct sscam_layers returned;
    memset(&returned, 0, sizeof returned);
    sscam_status status = model->backend->outputs(model->network, input, shape, &returned);
    if (status != SSCAM_OK)
        return status;
    sscam_detector_output *described = describe(&returned);
    const sscam_detector_outputs outputs = {
        .outputs = described,
        .count = (int64_t)returned.output_count,
        .wanted = sscam_output_of(settings),
        .kind = (sscam_detector_kind)settings->value[SSCAM_OPTION_DETECTOR].integer,
        .input_height = shape->sides.height,
        .input_width = shape->sides.width};
    int32_t may_be_detector = 0;
    status = described ? sscam_find_detector_row(&outputs, &out->layout, &may_be_detector)
                       : sscam_fail_memory("a network's outputs");
    if (status == SSCAM_OK && may_be_detector)
        status = read_row(explainer, input, shape, &outputs, out);
    free(described);
    sscam_layers_release(&returned);
    return status;
}

/* What is certain without running the network. */
static int32_t may_be_detector(const sscam_explainer *explainer, const sscam_shape *shape)
{
    const sscam_model *model = explainer->model;
    return shape->rank == SSCAM_IMAGE_RANK && model->backend->outputs &&
           sscam_model_facts(model).class_count == 0;
}

sscam_status sscam_read_detector(const sscam_explainer *explainer, const float *input,
                                 const sscam_shape *shape, const sscam_progress *progress,
                                 sscam_detector_reading *out)
{
    const int64_t kind = explainer->settings.value[SSCAM_OPTION_DETECTOR].integer;
    sscam_shape one = *shape;
    one.images = 1;
    *out = (sscam_detector_reading){.is_detector = 0};
    if (kind == SSCAM_DETECTOR_OFF)
        return SSCAM_OK;
    if (kind == SSCAM_DETECTOR_AUTO && !may_be_detector(explainer, shape))
        return SSCAM_OK;
    if (shape->rank != SSCAM_IMAGE_RANK)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option detector: detectors of images alone are explained");
    if (!explainer->model->backend->outputs)
        return sscam_fail(SSCAM_E_UNSUPPORTED,
                          "option detector: the network runs in an engine of the host, which gives "
                          "one row of scores for an input: load it from a TorchScript file or a "
                          "program of torch.export, or have the engine give the scores of the "
                          "classes of one detection as its outputs");
    sscam_status status = sscam_progress_check(progress);
    if (status == SSCAM_OK)
        status = read_outputs(explainer, input, &one, out);
    if (status == SSCAM_OK && out->is_detector)
        status = sscam_check_detector_row(&out->layout, out->row);
    if (status != SSCAM_OK || !out->is_detector) {
        free(out->row);
        *out = (sscam_detector_reading){.is_detector = 0};
    }
    return status;
}

void sscam_detector_reading_release(sscam_detector_reading *reading)
{
    free(reading->row);
    *reading = (sscam_detector_reading){.is_detector = 0};
}

sscam_status sscam_refuse_detector(const sscam_explainer *explainer, const float *input,
                                   const sscam_shape *shape, const sscam_progress *progress,
                                   const char *function)
{
    sscam_detector_reading reading;
    sscam_status status = sscam_read_detector(explainer, input, shape, progress, &reading);
    if (status == SSCAM_OK && reading.is_detector)
        status = sscam_fail(
            SSCAM_E_UNSUPPORTED,
            "%s: the network is a detector, which has detections instead of classes "
            "of the whole input",
            function);
    sscam_detector_reading_release(&reading);
    return status;
}

/* --- choosing --------------------------------------------------------------------------------- */

sscam_status sscam_detections_of(const sscam_explainer *explainer,
                                 const sscam_detector_reading *reading, sscam_detection_list *out)
{
    const sscam_value *value = explainer->settings.value;
    return sscam_list_detections(&reading->layout, reading->row,
                                 value[SSCAM_OPTION_DETECTION_THRESHOLD].real,
                                 value[SSCAM_OPTION_DETECTION_OVERLAP].real, out);
}

static sscam_status check_class(const sscam_detector_layout *layout, int64_t class_index)
{
    if (class_index < layout->classes || layout->classes == 0)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_CLASS, "class %lld: the detector has classes 0 to %lld",
                      (long long)class_index, (long long)layout->classes - 1);
}

static sscam_status fail_no_detection(const sscam_explainer *explainer,
                                      const sscam_detector_reading *reading, int64_t class_index,
                                      int64_t found, int64_t wanted)
{
    const double threshold = explainer->settings.value[SSCAM_OPTION_DETECTION_THRESHOLD].real;
    sscam_found_detection best;
    char of_class[48] = "";
    if (class_index >= 0)
        snprintf(of_class, sizeof of_class, " of class %lld", (long long)class_index);
    if (found > 0)
        return sscam_fail(SSCAM_E_CLASS,
                          "detection %lld%s: there are %lld, counted from 0, with a confidence "
                          "above %g; the option detection_threshold lets in others",
                          (long long)wanted, of_class, (long long)found, threshold);
    if (!sscam_most_confident_box(&reading->layout, reading->row, class_index, &best))
        return sscam_fail(SSCAM_E_CLASS, "nothing%s is detected, with whatever confidence",
                          of_class);
    return sscam_fail(SSCAM_E_CLASS,
                      "nothing%s is detected with a confidence above %g, but %g for the box "
                      "%g,%g,%g,%g of the input; the option detection_threshold lets in others",
                      of_class, threshold, best.confidence, best.box.left, best.box.top,
                      best.box.right, best.box.bottom);
}

/* Position among the detections, from 0, of the wanted one; -1 where there is none. `found`: how
 * many there are of the class. */
static int64_t find_detection(const sscam_detection_list *list, int64_t class_index, int64_t wanted,
                              int64_t *found)
{
    *found = 0;
    for (int64_t i = 0; i < list->count; i++) {
        if (class_index >= 0 && list->detections[i].class_index != class_index)
            continue;
        if ((*found)++ == wanted)
            return i;
    }
    return -1;
}

static sscam_status choose_listed(const sscam_explainer *explainer,
                                  const sscam_detector_reading *reading,
                                  const sscam_detection_choice *choice, sscam_found_detection *out)
{
    const int64_t class_index = choice->class_index >= 0 ? choice->class_index : -1,
                  rank = choice->class_index >= 0 ? 0 : -(choice->class_index + 1),
                  wanted = sscam_plus(explainer->settings.value[SSCAM_OPTION_DETECTION].integer,
                                      rank);
    sscam_detection_list list;
    int64_t found = 0;
    sscam_status status = sscam_detections_of(explainer, reading, &list);
    if (status != SSCAM_OK)
        return status;
    const int64_t position = find_detection(&list, class_index, wanted, &found);
    if (position >= 0)
        *out = list.detections[position];
    else if (!choice->needs_none)
        status = fail_no_detection(explainer, reading, class_index, found, wanted);
    else if (!sscam_most_confident_box(&reading->layout, reading->row, class_index, out))
        *out = (sscam_found_detection){.box = choice->whole,
                                       .class_index = class_index >= 0 ? class_index : 0};
    sscam_detection_list_release(&list);
    return status;
}

/* The class whose detections are most similar to the box; -1 where none overlaps it. */
static int64_t most_similar_class(const sscam_detector_reading *reading,
                                  const sscam_detection_target *target)
{
    int64_t best = -1;
    double highest = 0.0;
    for (int64_t i = 0; i < reading->layout.boxes; i++) {
        const sscam_box box = sscam_detector_box(&reading->layout, reading->row, i);
        double confidence = 0.0;
        const int64_t found = sscam_detector_class(&reading->layout, reading->row, i, &confidence);
        const double similarity = sscam_box_iou(&box, &target->box) * confidence;
        if (found >= 0 && similarity > highest) {
            highest = similarity;
            best = found;
        }
    }
    return best;
}

static sscam_status choose_box(const sscam_explainer *explainer,
                               const sscam_detector_reading *reading,
                               const sscam_detection_choice *choice, sscam_detection_target *target)
{
    const char *text = explainer->settings.value[SSCAM_OPTION_BOX].text;
    sscam_box box;
    if (choice->class_index < -1 || explainer->settings.value[SSCAM_OPTION_DETECTION].integer != 0)
        return sscam_fail(SSCAM_E_ARGUMENT,
                          "option box: %s, which is one detection: there is no other one by rank",
                          text);
    if (!sscam_box_parse(text, &box))
        return sscam_fail(SSCAM_E_ARGUMENT, "option box: \"%s\" is no box", text);
    if (choice->geometry) {
        box = (sscam_box){sscam_geometry_input_x(choice->geometry, box.left),
                          sscam_geometry_input_y(choice->geometry, box.top),
                          sscam_geometry_input_x(choice->geometry, box.right),
                          sscam_geometry_input_y(choice->geometry, box.bottom)};
    }
    target->box = box;
    target->class_index = choice->class_index >= 0 ? choice->class_index
                                                   : most_similar_class(reading, target);
    if (target->class_index >= 0)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_CLASS,
                      "option box: %s: the detector finds no box that overlaps it with a "
                      "confidence above 0",
                      text);
}

sscam_status sscam_choose_detection(const sscam_explainer *explainer,
                                    const sscam_detector_reading *reading,
                                    const sscam_detection_choice *choice,
                                    sscam_detection_target *target, int64_t *anchor)
{
    sscam_found_detection found;
    *target = (sscam_detection_target){
        .layout = &reading->layout,
        .score =
            (sscam_detection_score)explainer->settings.value[SSCAM_OPTION_DETECTION_SCORE].integer};
    *anchor = -1;
    if (choice->class_index == INT64_MIN)
        return sscam_fail(SSCAM_E_CLASS, "ranks of detections begin at 1");
    sscam_status status = check_class(&reading->layout, choice->class_index);
    if (status != SSCAM_OK)
        return status;
    if (explainer->settings.value[SSCAM_OPTION_BOX].text[0] != '\0')
        return choose_box(explainer, reading, choice, target);
    status = choose_listed(explainer, reading, choice, &found);
    if (status != SSCAM_OK)
        return status;
    target->box = found.box;
    target->class_index = found.class_index;
    *anchor = found.anchor;
    return SSCAM_OK;
}
