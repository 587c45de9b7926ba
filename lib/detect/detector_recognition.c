/* A single tensor [N,A,B] has its boxes along one axis, and along the other one four values of a
 * box and those of its classes. The axis is told by the values: widths and heights are not
 * negative, and scores lie in [0,1]. Two tensors are boxes, [N,boxes,4], and scores, [N,boxes,K].
 * */
#include "detect/detector_recognition.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

static const char *const kind_names[SSCAM_DETECTOR_KIND_COUNT] = {
    "auto",          "off",
    "yolov8",        "yolov8-transposed",
    "yolov5",        "yolov10",
    "rt-detr",       "rt-detr-transposed",
    "detr",          "deformable-detr",
    "boxes-scores",  "torchvision",
    "rt-detr-labels"};

/* Values up to this are shares of the input's sides; others are pixels. */
static const double largest_share = 2.0;

static int32_t is_single_tensor_kind(sscam_detector_kind kind)
{
    return (kind >= SSCAM_DETECTOR_YOLOV8 && kind <= SSCAM_DETECTOR_RT_DETR_TRANSPOSED) ||
           kind == SSCAM_DETECTOR_RT_DETR_LABELS;
}

static int32_t is_pair_kind(sscam_detector_kind kind)
{
    return kind >= SSCAM_DETECTOR_DETR && kind <= SSCAM_DETECTOR_BOXES_SCORES;
}

/* --- which tensors ---------------------------------------------------------------------------- */

static int32_t is_wanted(const sscam_detector_outputs *outputs, int64_t i)
{
    char number[24];
    if (outputs->wanted[0] == '\0')
        return 1;
    snprintf(number, sizeof number, "%lld", (long long)i);
    return strcmp(outputs->wanted, number) == 0 ||
           (outputs->outputs[i].name[0] != '\0' &&
            strcmp(outputs->wanted, outputs->outputs[i].name) == 0);
}

static int64_t find_listed(const sscam_detector_outputs *outputs)
{
    for (int64_t i = 0; i < outputs->count; i++)
        if (outputs->outputs[i].is_listed_detections)
            return i;
    return -1;
}

static int32_t is_table(const sscam_detector_output *output)
{
    return !output->is_listed_detections && output->rank == 3 && output->shape[0] == 1 &&
           output->shape[1] > 0 && output->shape[2] > 0;
}

static int64_t find_single(const sscam_detector_outputs *outputs)
{
    for (int64_t i = 0; i < outputs->count; i++) {
        const sscam_detector_output *output = &outputs->outputs[i];
        if (is_wanted(outputs, i) && is_table(output) && output->shape[1] > 1 &&
            output->shape[2] > 1 && (output->shape[1] >= 5 || output->shape[2] >= 5))
            return i;
    }
    return -1;
}

static int32_t names_boxes(const char *name)
{
    return strcmp(name, "boxes") == 0 || strcmp(name, "pred_boxes") == 0 ||
           strcmp(name, "bboxes") == 0;
}

/* Boxes and scores among the tensors: by their names, or as the first two tables with as many
 * rows, one of which has four columns. */
static int32_t find_pair(const sscam_detector_outputs *outputs, int64_t *boxes, int64_t *scores)
{
    int64_t tables[2] = {-1, -1}, found = 0;
    for (int64_t i = 0; i < outputs->count && found < 2; i++)
        if (is_table(&outputs->outputs[i]))
            tables[found++] = i;
    if (found < 2)
        return 0;
    const sscam_detector_output *a = &outputs->outputs[tables[0]],
                                *b = &outputs->outputs[tables[1]];
    if (a->shape[1] != b->shape[1])
        return 0;
    const int32_t a_has_boxes = a->shape[2] == 4 && !names_boxes(b->name) &&
                                (b->shape[2] != 4 || names_boxes(a->name)),
                  b_has_boxes = b->shape[2] == 4 && !names_boxes(a->name) &&
                                (a->shape[2] != 4 || names_boxes(b->name));
    if (a_has_boxes == b_has_boxes)
        return 0;
    *boxes = tables[a_has_boxes ? 0 : 1];
    *scores = tables[a_has_boxes ? 1 : 0];
    return 1;
}

static sscam_status fail_shapes(const sscam_detector_outputs *outputs)
{
    static const char *const forms[] = {
        [SSCAM_DETECTOR_YOLOV8] = "[N,4+classes,boxes]",
        [SSCAM_DETECTOR_YOLOV8_TRANSPOSED] = "[N,boxes,4+classes]",
        [SSCAM_DETECTOR_YOLOV5] = "[N,boxes,5+classes]",
        [SSCAM_DETECTOR_YOLOV10] = "[N,boxes,6]",
        [SSCAM_DETECTOR_RT_DETR] = "[N,boxes,4+classes]",
        [SSCAM_DETECTOR_RT_DETR_TRANSPOSED] = "[N,4+classes,boxes]",
        [SSCAM_DETECTOR_DETR] = "[N,boxes,4] and [N,boxes,classes+1]",
        [SSCAM_DETECTOR_DEFORMABLE_DETR] = "[N,boxes,4] and [N,boxes,classes]",
        [SSCAM_DETECTOR_BOXES_SCORES] = "[N,boxes,4] and [N,boxes,classes]",
        [SSCAM_DETECTOR_RT_DETR_LABELS] = "[N,boxes,6]",
        [SSCAM_DETECTOR_TORCHVISION] = "a list with boxes, labels and scores for each input",
    };
    return sscam_fail(SSCAM_E_ARGUMENT, "option detector: %s, but the network does not return %s",
                      kind_names[outputs->kind], forms[outputs->kind]);
}

/* Whether a tensor has a row of classes for the input, or the option chooses one of a single
 * tensor's heads. */
static int32_t has_classes(const sscam_detector_outputs *outputs)
{
    if (outputs->count == 1 && outputs->wanted[0] != '\0')
        return 1;
    for (int64_t i = 0; i < outputs->count; i++)
        if (is_wanted(outputs, i) && outputs->outputs[i].rank == 2 &&
            outputs->outputs[i].shape[0] == 1)
            return 1;
    return 0;
}

sscam_status sscam_find_detector_row(const sscam_detector_outputs *outputs,
                                     sscam_detector_layout *layout, int32_t *may_be_detector)
{
    const sscam_detector_kind kind = outputs->kind;
    const int32_t is_auto = kind == SSCAM_DETECTOR_AUTO;
    int64_t boxes = -1, scores = -1;
    memset(layout, 0, sizeof *layout);
    *may_be_detector = 0;
    if (kind == SSCAM_DETECTOR_OFF)
        return SSCAM_OK;
    const int64_t single = find_single(outputs);
    if (is_auto && find_listed(outputs) < 0 && has_classes(outputs))
        return SSCAM_OK;
    if ((is_auto || kind == SSCAM_DETECTOR_TORCHVISION) && find_listed(outputs) >= 0)
        snprintf(layout->selector, sizeof layout->selector, "@detections");
    else if ((is_pair_kind(kind) || (is_auto && outputs->wanted[0] == '\0')) &&
             find_pair(outputs, &boxes, &scores))
        snprintf(layout->selector, sizeof layout->selector, "@%lld+%lld", (long long)boxes,
                 (long long)scores);
    else if ((is_auto || is_single_tensor_kind(kind)) && single >= 0)
        snprintf(layout->selector, sizeof layout->selector, "@%lld", (long long)single);
    else
        return is_auto ? SSCAM_OK : fail_shapes(outputs);
    *may_be_detector = 1;
    return SSCAM_OK;
}

/* --- layouts ---------------------------------------------------------------------------------- */

static sscam_detector_activation activation_of(sscam_lost_activation lost)
{
    return lost == SSCAM_LOST_SIGMOID ? SSCAM_DETECTOR_SIGMOID : SSCAM_DETECTOR_AS_IS;
}

/* Whether boxes lie along the last axis of the tensor. */
static int32_t has_boxes_last(sscam_detector_kind kind)
{
    return kind == SSCAM_DETECTOR_YOLOV8 || kind == SSCAM_DETECTOR_RT_DETR_TRANSPOSED;
}

/* The layout of one tensor; 0 where its shape is not that of the kind. */
static int32_t lay_out_single(const sscam_detector_outputs *outputs,
                              const sscam_detector_output *output, sscam_detector_kind kind,
                              sscam_detector_layout *layout)
{
    const int32_t is_last = has_boxes_last(kind), has_objectness = kind == SSCAM_DETECTOR_YOLOV5,
                  has_labels = kind == SSCAM_DETECTOR_YOLOV10 ||
                               kind == SSCAM_DETECTOR_RT_DETR_LABELS,
                  is_share = kind == SSCAM_DETECTOR_RT_DETR ||
                             kind == SSCAM_DETECTOR_RT_DETR_TRANSPOSED ||
                             kind == SSCAM_DETECTOR_RT_DETR_LABELS;
    const int64_t boxes = output->shape[is_last ? 2 : 1], parts = output->shape[is_last ? 1 : 2],
                  box_step = is_last ? 1 : parts, part_step = is_last ? boxes : 1;
    const sscam_detector_activation activation = activation_of(output->lost);
    if (parts < 5 + has_objectness || (has_labels && parts != 6))
        return 0;
    layout->kind = kind;
    layout->value_count = boxes * parts;
    layout->boxes = boxes;
    layout->classes = has_labels ? 0 : parts - 4 - has_objectness;
    layout->form = kind == SSCAM_DETECTOR_YOLOV10 ? SSCAM_BOX_EDGES : SSCAM_BOX_CENTRE;
    layout->scale_x = is_share ? (double)outputs->input_width : 1.0;
    layout->scale_y = is_share ? (double)outputs->input_height : 1.0;
    layout->box = (sscam_detector_values){0, box_step, part_step, activation};
    layout->score = (sscam_detector_values){(4 + has_objectness) * part_step, box_step, part_step,
                                            activation};
    layout->has_objectness = has_objectness;
    layout->objectness = (sscam_detector_values){4 * part_step, box_step, part_step, activation};
    layout->has_labels = has_labels;
    layout->label = (sscam_detector_values){5 * part_step, box_step, part_step,
                                            SSCAM_DETECTOR_AS_IS};
    layout->is_final = has_labels || is_share;
    return 1;
}

static void lay_out_list(sscam_detector_layout *layout)
{
    const int64_t size = SSCAM_LISTED_DETECTION_SIZE;
    layout->kind = SSCAM_DETECTOR_TORCHVISION;
    layout->boxes = SSCAM_LISTED_DETECTIONS_LIMIT;
    layout->value_count = layout->boxes * size;
    layout->form = SSCAM_BOX_EDGES;
    layout->scale_x = layout->scale_y = 1.0;
    layout->box = (sscam_detector_values){0, size, 1, SSCAM_DETECTOR_AS_IS};
    layout->score = (sscam_detector_values){4, size, 1, SSCAM_DETECTOR_AS_IS};
    layout->label = (sscam_detector_values){5, size, 1, SSCAM_DETECTOR_AS_IS};
    layout->has_labels = layout->is_final = 1;
}

/* The tensors of a pair: the selector is "@BOXES+SCORES". */
static int32_t pair_of(const sscam_detector_layout *layout, long long *boxes, long long *scores)
{
    return sscanf(layout->selector, "@%lld+%lld", boxes, scores) == 2;
}

static int32_t lay_out_pair(const sscam_detector_outputs *outputs, sscam_detector_kind kind,
                            sscam_detector_layout *layout)
{
    long long boxes_index = 0, scores_index = 0;
    if (!pair_of(layout, &boxes_index, &scores_index))
        return 0;
    const sscam_detector_output *boxes = &outputs->outputs[boxes_index],
                                *scores = &outputs->outputs[scores_index];
    const int64_t count = boxes->shape[1], columns = scores->shape[2];
    const int32_t is_softmax = kind == SSCAM_DETECTOR_DETR;
    if (is_softmax && columns < 2)
        return 0;
    layout->kind = kind;
    layout->boxes = count;
    layout->value_count = count * (4 + columns);
    layout->classes = is_softmax ? columns - 1 : columns;
    layout->form = kind == SSCAM_DETECTOR_BOXES_SCORES ? SSCAM_BOX_EDGES : SSCAM_BOX_CENTRE;
    layout->scale_x = (double)outputs->input_width;
    layout->scale_y = (double)outputs->input_height;
    layout->box = (sscam_detector_values){0, 4, 1, activation_of(boxes->lost)};
    layout->score = (sscam_detector_values){count * 4, columns, 1,
                                            is_softmax ? SSCAM_DETECTOR_SOFTMAX
                                            : kind == SSCAM_DETECTOR_DEFORMABLE_DETR
                                                ? SSCAM_DETECTOR_SIGMOID
                                                : activation_of(scores->lost)};
    layout->is_final = kind != SSCAM_DETECTOR_BOXES_SCORES;
    return 1;
}

/* --- what values tell ------------------------------------------------------------------------- */

static double read_value(const sscam_detector_values *values, const float *row, int64_t box,
                         int64_t part)
{
    const double value = row[values->offset + box * values->box_step + part * values->part_step];
    return values->activation == SSCAM_DETECTOR_SIGMOID ? 1.0 / (1.0 + exp(-value)) : value;
}

/* Up to rounding. NaN is no share. */
static int32_t is_share(double value)
{
    return value >= -1e-4 && value <= 1.0 + 1e-4;
}

static int32_t scores_are_shares(const sscam_detector_layout *layout, const float *row)
{
    const int64_t parts = layout->has_labels ? 1 : layout->classes;
    for (int64_t i = 0; i < layout->boxes; i++) {
        for (int64_t j = 0; j < parts; j++)
            if (!is_share(read_value(&layout->score, row, i, j)))
                return 0;
        if (layout->has_objectness && !is_share(read_value(&layout->objectness, row, i, 0)))
            return 0;
    }
    return 1;
}

static double largest_box_value(const sscam_detector_layout *layout, const float *row)
{
    double largest = 0.0;
    for (int64_t i = 0; i < layout->boxes; i++)
        for (int64_t part = 0; part < 4; part++)
            largest = fmax(largest, fabs(read_value(&layout->box, row, i, part)));
    return largest;
}

/* Whether the values can be boxes of that form: sizes are not negative, and centres lie in the
 * input or near it. `side`: of the input, in the unit of the values. */
static int32_t are_boxes(const sscam_detector_layout *layout, sscam_box_form form, const float *row,
                         double width, double height)
{
    for (int64_t i = 0; i < layout->boxes; i++) {
        const double a = read_value(&layout->box, row, i, 0),
                     b = read_value(&layout->box, row, i, 1),
                     c = read_value(&layout->box, row, i, 2),
                     d = read_value(&layout->box, row, i, 3);
        if (form == SSCAM_BOX_EDGES ? !(c >= a && d >= b) : !(c >= 0.0 && d >= 0.0))
            return 0;
        const double x = form == SSCAM_BOX_EDGES ? (a + c) / 2.0 : a,
                     y = form == SSCAM_BOX_EDGES ? (b + d) / 2.0 : b;
        if (!(x >= -width / 2.0 && x <= 1.5 * width && y >= -height / 2.0 && y <= 1.5 * height))
            return 0;
    }
    return 1;
}

/* Whether the values of a layout are in the ranges that it says. */
static int32_t suits(const sscam_detector_outputs *outputs, const sscam_detector_layout *layout,
                     const float *row)
{
    const double width = (double)outputs->input_width / layout->scale_x,
                 height = (double)outputs->input_height / layout->scale_y;
    const int32_t has_shares = layout->scale_x != 1.0 || layout->scale_y != 1.0;
    return scores_are_shares(layout, row) && are_boxes(layout, layout->form, row, width, height) &&
           has_shares == (largest_box_value(layout, row) <= largest_share);
}

/* Cells of grids with the strides 8, 16 and 32, as YOLO networks have them, and 64. */
static int32_t is_grid_count(const sscam_detector_outputs *outputs, int64_t boxes,
                             int64_t boxes_per_cell)
{
    int64_t cells = 0;
    for (int64_t stride = 8; stride <= 64; stride *= 2) {
        cells += ((outputs->input_height + stride - 1) / stride) *
                 ((outputs->input_width + stride - 1) / stride);
        if (stride >= 32 && boxes == cells * boxes_per_cell)
            return 1;
    }
    return 0;
}

/* Whether the last column holds whole numbers, with confidences in descending order. */
static int32_t is_list_with_labels(const sscam_detector_layout *layout, const float *row)
{
    for (int64_t i = 0; i < layout->boxes; i++) {
        const double label = read_value(&layout->label, row, i, 0);
        if (!(label >= 0.0) || label != floor(label) ||
            (i > 0 &&
             read_value(&layout->score, row, i, 0) > read_value(&layout->score, row, i - 1, 0)))
            return 0;
    }
    return 1;
}

/* --- choices ---------------------------------------------------------------------------------- */

static sscam_status fail_ambiguous(const sscam_detector_output *output, const char *choices)
{
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "the network returns [%lld,%lld,%lld], which may be a detector's output in "
                      "several layouts: set the option detector to %s, or to off",
                      (long long)output->shape[0], (long long)output->shape[1],
                      (long long)output->shape[2], choices);
}

static int32_t single_suits(const sscam_detector_outputs *outputs,
                            const sscam_detector_output *output, sscam_detector_kind kind,
                            const float *row, const sscam_detector_layout *named,
                            sscam_detector_layout *layout)
{
    *layout = *named;
    return lay_out_single(outputs, output, kind, layout) && suits(outputs, layout, row);
}

/* Of the layouts with boxes along the middle axis: with labels, with or without an objectness. */
static sscam_status choose_boxes_first(const sscam_detector_outputs *outputs,
                                       const sscam_detector_output *output, const float *row,
                                       sscam_detector_layout *layout, int32_t *is_detector)
{
    const sscam_detector_layout named = *layout;
    const int64_t boxes = output->shape[1];
    *is_detector = 1;
    if (single_suits(outputs, output, SSCAM_DETECTOR_YOLOV10, row, &named, layout) &&
        is_list_with_labels(layout, row))
        return SSCAM_OK;
    if (single_suits(outputs, output, SSCAM_DETECTOR_RT_DETR_LABELS, row, &named, layout) &&
        is_list_with_labels(layout, row))
        return SSCAM_OK;
    const int32_t may_have_objectness = single_suits(outputs, output, SSCAM_DETECTOR_YOLOV5, row,
                                                     &named, layout);
    if (may_have_objectness && is_grid_count(outputs, boxes, 3))
        return SSCAM_OK;
    if (may_have_objectness)
        return fail_ambiguous(output, "yolov5 (with an objectness) or yolov8-transposed");
    if (single_suits(outputs, output, SSCAM_DETECTOR_YOLOV8_TRANSPOSED, row, &named, layout))
        return SSCAM_OK;
    if (!single_suits(outputs, output, SSCAM_DETECTOR_RT_DETR, row, &named, layout))
        *is_detector = 0;
    else if (is_grid_count(outputs, boxes, 3) || is_grid_count(outputs, boxes, 1))
        return fail_ambiguous(output, "rt-detr, if its scores have no objectness");
    return SSCAM_OK;
}

static int32_t choose_boxes_last(const sscam_detector_outputs *outputs,
                                 const sscam_detector_output *output, const float *row,
                                 sscam_detector_layout *layout)
{
    const sscam_detector_layout named = *layout;
    return single_suits(outputs, output, SSCAM_DETECTOR_YOLOV8, row, &named, layout) ||
           single_suits(outputs, output, SSCAM_DETECTOR_RT_DETR_TRANSPOSED, row, &named, layout);
}

/* Fewer boxes than values a box say little about the values' ranges. */
enum { LEAST_BOXES = 8 };

static sscam_status choose_single(const sscam_detector_outputs *outputs,
                                  const sscam_detector_output *output, const float *row,
                                  sscam_detector_layout *layout, int32_t *is_detector)
{
    sscam_detector_layout last = *layout;
    int32_t may_be_last = 0, may_be_first = 0;
    sscam_status status = SSCAM_OK;
    if (output->shape[2] >= LEAST_BOXES)
        may_be_last = choose_boxes_last(outputs, output, row, &last);
    if (output->shape[1] >= LEAST_BOXES) {
        status = choose_boxes_first(outputs, output, row, layout, &may_be_first);
        may_be_first = may_be_first || status != SSCAM_OK;
    }
    if (may_be_last && may_be_first)
        return fail_ambiguous(output, "one with its boxes along the last axis (yolov8, "
                                      "rt-detr-transposed) or the middle one (yolov5, "
                                      "yolov8-transposed, rt-detr)");
    if (may_be_last)
        *layout = last;
    *is_detector = may_be_last || may_be_first;
    return status;
}

/* Whether the last class is the most likely one of most boxes, with a positive logit: taken for a
 * sigmoid's, most boxes would be objects of one class, so that it is "no object". */
static int32_t mostly_has_no_object(const sscam_detector_layout *layout, const float *row)
{
    int64_t count = 0;
    for (int64_t i = 0; i < layout->boxes; i++) {
        int64_t best = 0;
        for (int64_t j = 1; j <= layout->classes; j++)
            if (read_value(&layout->score, row, i, j) > read_value(&layout->score, row, i, best))
                best = j;
        count += best == layout->classes && read_value(&layout->score, row, i, best) > 0.0;
    }
    return 2 * count > layout->boxes;
}

/* Edges, unless they could as well be centres and sizes; in pixels or shares. */
static sscam_status settle_edges(const sscam_detector_outputs *outputs, const float *row,
                                 int32_t is_told, sscam_detector_layout *layout,
                                 int32_t *is_detector)
{
    const int32_t has_shares = largest_box_value(layout, row) <= largest_share;
    if (!has_shares)
        layout->scale_x = layout->scale_y = 1.0;
    if (is_told)
        return SSCAM_OK;
    const double width = (double)outputs->input_width / layout->scale_x,
                 height = (double)outputs->input_height / layout->scale_y;
    *is_detector = are_boxes(layout, SSCAM_BOX_EDGES, row, width, height);
    if (*is_detector || !are_boxes(layout, SSCAM_BOX_CENTRE, row, width, height))
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "the network returns boxes by their centres and sizes beside their "
                      "probabilities: export it with edges (left, top, right, bottom), or with "
                      "both in one tensor");
}

static sscam_status choose_pair(const sscam_detector_outputs *outputs, const float *row,
                                sscam_detector_layout *layout, int32_t *is_detector)
{
    const sscam_detector_layout named = *layout;
    *is_detector = 1;
    if (lay_out_pair(outputs, SSCAM_DETECTOR_BOXES_SCORES, layout) &&
        scores_are_shares(layout, row))
        return settle_edges(outputs, row, 0, layout, is_detector);
    *layout = named;
    const int32_t may_be_softmax = lay_out_pair(outputs, SSCAM_DETECTOR_DETR, layout) &&
                                   are_boxes(layout, SSCAM_BOX_CENTRE, row, 1.0, 1.0) &&
                                   largest_box_value(layout, row) <= largest_share;
    if (may_be_softmax && mostly_has_no_object(layout, row))
        return SSCAM_OK;
    *layout = named;
    lay_out_pair(outputs, SSCAM_DETECTOR_DEFORMABLE_DETR, layout);
    if (!are_boxes(layout, SSCAM_BOX_CENTRE, row, 1.0, 1.0) ||
        largest_box_value(layout, row) > largest_share) {
        *is_detector = 0;
        return SSCAM_OK;
    }
    return sscam_fail(SSCAM_E_ARGUMENT,
                      "the network returns boxes and logits of %lld columns: set the option "
                      "detector to detr, if the last one is \"no object\" and a softmax makes them "
                      "probabilities, or to deformable-detr, if a sigmoid does, or to off",
                      (long long)layout->classes);
}

static sscam_status check_lost(const sscam_detector_outputs *outputs, int64_t index)
{
    const sscam_lost_activation lost = outputs->outputs[index].lost;
    if (lost == SSCAM_LOST_NONE || lost == SSCAM_LOST_SIGMOID)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "the detector's output %lld ends with a softmax by itself, or may do so: "
                      "export it with logits, or without a last activation",
                      (long long)index);
}

static sscam_status find_told(const sscam_detector_outputs *outputs,
                              const sscam_detector_output *single, const float *row,
                              sscam_detector_layout *layout)
{
    int32_t is_detector = 1;
    const int32_t fits = single ? lay_out_single(outputs, single, outputs->kind, layout)
                                : lay_out_pair(outputs, outputs->kind, layout);
    if (!fits)
        return fail_shapes(outputs);
    return outputs->kind == SSCAM_DETECTOR_BOXES_SCORES
               ? settle_edges(outputs, row, 1, layout, &is_detector)
               : SSCAM_OK;
}

sscam_status sscam_find_detector_layout(const sscam_detector_outputs *outputs, const float *row,
                                        int64_t count, sscam_detector_layout *layout,
                                        int32_t *is_detector)
{
    long long a = 0, b = 0;
    const int32_t is_told = outputs->kind != SSCAM_DETECTOR_AUTO;
    const int numbers = sscanf(layout->selector, "@%lld+%lld", &a, &b);
    sscam_status status = SSCAM_OK;
    *is_detector = 1;
    if (numbers < 1)
        lay_out_list(layout);
    else
        status = check_lost(outputs, a);
    if (status == SSCAM_OK && numbers == 2)
        status = check_lost(outputs, b);
    if (status == SSCAM_OK && numbers >= 1) {
        const sscam_detector_output *single = numbers == 1 ? &outputs->outputs[a] : NULL;
        if (is_told)
            status = find_told(outputs, single, row, layout);
        else
            status = single ? choose_single(outputs, single, row, layout, is_detector)
                            : choose_pair(outputs, row, layout, is_detector);
    }
    if (status == SSCAM_OK && *is_detector && layout->value_count != count)
        return sscam_fail(SSCAM_E_MODEL, "the detector gave %lld values, and then %lld",
                          (long long)layout->value_count, (long long)count);
    return status;
}
