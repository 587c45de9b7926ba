#include "explain/detection_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"

/* What the steps of one plan have in common. */
typedef struct planning {
    const sscam_explain_request *request;
    int64_t first;
    const sscam_progress *progress;
    sscam_detection_plan *plan;
} planning;

static const sscam_explainer *explainer_of(const planning *work, int64_t explainer)
{
    return work->request->explainers[explainer];
}

static const float *input_of(const planning *work, int64_t image)
{
    return work->request->input + (work->first + image) * sscam_input_size(&work->request->shape);
}

static sscam_planned_detection *detection_at(const sscam_detection_plan *plan, int64_t image,
                                             int64_t explainer, int64_t class_position)
{
    return &plan->detections[(image * plan->explainers + explainer) * plan->classes +
                             class_position];
}

const sscam_planned_detection *sscam_detection_at(const sscam_detection_plan *plan, int64_t image,
                                                  int64_t explainer, int64_t class_position)
{
    return detection_at(plan, image, explainer, class_position);
}

/* Whether two explainers read the same layout from the same row. */
static int32_t read_alike(const sscam_explainer *a, const sscam_explainer *b)
{
    const sscam_value *own = a->settings.value, *other = b->settings.value;
    return own[SSCAM_OPTION_DETECTOR].integer == other[SSCAM_OPTION_DETECTOR].integer &&
           strcmp(own[SSCAM_OPTION_OUTPUT].text, other[SSCAM_OPTION_OUTPUT].text) == 0;
}

/* The reading of an image by an explainer, or by an earlier one that reads alike. */
static sscam_status read(const planning *work, int64_t image, int64_t explainer,
                         sscam_detector_reading **out, int64_t *passes)
{
    sscam_detector_reading *readings = &work->plan->readings[image * work->plan->explainers];
    int64_t same = 0;
    while (!read_alike(explainer_of(work, same), explainer_of(work, explainer)))
        same++;
    *out = &readings[same];
    *passes = 0;
    if (same < explainer)
        return SSCAM_OK;
    sscam_status status = sscam_read_detector(explainer_of(work, explainer), input_of(work, image),
                                              &work->request->shape, work->progress,
                                              &readings[same]);
    *passes = readings[same].passes;
    return status;
}

/* --- one detection ---------------------------------------------------------------------------- */

/* The class scores of the anchor, for the cosine of D-RISE. A box that was given has none. */
static sscam_status keep_class_scores(sscam_planned_detection *detection)
{
    const sscam_detector_layout *layout = detection->target.layout;
    if (detection->target.score != SSCAM_DETECTION_SCORE_D_RISE || detection->anchor < 0 ||
        layout->has_labels)
        return SSCAM_OK;
    detection->class_scores = sscam_allocate_array(layout->classes,
                                                   sizeof *detection->class_scores);
    if (!detection->class_scores)
        return sscam_fail_memory("class scores");
    for (int64_t j = 0; j < layout->classes; j++)
        detection->class_scores[j] = sscam_detector_class_score(layout, detection->reading->row,
                                                                detection->anchor, j);
    detection->target.class_scores = detection->class_scores;
    return SSCAM_OK;
}

static sscam_status match_anchor(sscam_planned_detection *detection)
{
    sscam_target target = {.kind = SSCAM_TARGET_DETECTION,
                           .detection = &detection->target,
                           .anchor = detection->anchor};
    sscam_status status = sscam_resolve_target(&target, detection->reading->row,
                                               detection->target.layout->value_count);
    detection->anchor = target.anchor;
    return status;
}

/* The layer of an earlier detection of the image that has the same anchor. */
static const char *known_layer(const planning *work, int64_t image,
                               const sscam_planned_detection *detection)
{
    for (const sscam_planned_detection *other = detection_at(work->plan, image, 0, 0);
         other < detection; other++)
        if (other->layer && other->reading == detection->reading &&
            other->anchor == detection->anchor &&
            other->target.class_index == detection->target.class_index)
            return other->layer;
    return NULL;
}

/* Methods that do not depend on the class explain inputs in which nothing is detected, too. */
static int32_t needs_none(const planning *work, const sscam_explainer *explainer)
{
    return work->request->only_prepares || explainer->method->needs == 0;
}

static sscam_status find_layer(const planning *work, int64_t image, int64_t explainer,
                               sscam_planned_detection *detection)
{
    const sscam_explainer *own = explainer_of(work, explainer);
    int64_t scores[2], sides[4];
    if ((own->method->needs & SSCAM_NEEDS_NO_LAYER) ||
        own->settings.value[SSCAM_OPTION_LAYER].text[0] != '\0' ||
        !own->model->backend->detection_layer)
        return SSCAM_OK;
    const char *known = known_layer(work, image, detection);
    if (known) {
        detection->layer = strdup(known);
        return detection->layer ? SSCAM_OK : sscam_fail_memory("a layer's name");
    }
    sscam_detector_box_positions(detection->target.layout, detection->anchor, sides);
    sscam_anchor_request request = {.input = input_of(work, image),
                                    .shape = work->request->shape,
                                    .output = detection->target.layout->selector,
                                    .scores = scores,
                                    .sides = sides,
                                    .side_count = 4};
    request.shape.images = 1;
    request.score_count = sscam_detector_factors(detection->target.layout, detection->anchor,
                                                 detection->target.class_index, scores);
    sscam_status status = sscam_progress_check(work->progress);
    if (status == SSCAM_OK)
        status = own->model->backend->detection_layer(own->model->network, &request,
                                                      &detection->layer);
    detection->passes++;
    return status == SSCAM_E_LAYER && needs_none(work, own) ? sscam_succeed() : status;
}

static sscam_status check_target(const sscam_explainer *explainer)
{
    if (explainer->settings.value[SSCAM_OPTION_TARGET].integer == SSCAM_TARGET_CLASS)
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "option target: the network is a detector, whose detections are explained by "
                      "target=class alone");
}

static sscam_status check_method(const sscam_explainer *explainer)
{
    if (!(explainer->method->needs & SSCAM_NEEDS_POOLED_LINEAR))
        return SSCAM_OK;
    return sscam_fail(SSCAM_E_UNSUPPORTED,
                      "%s: the network is a detector, whose scores are no linear layer of pooled "
                      "activations",
                      explainer->method->title);
}

static sscam_status plan_detection(const planning *work, int64_t image, int64_t explainer,
                                   int64_t class_position, sscam_planned_detection *detection)
{
    const sscam_explain_request *request = work->request;
    const sscam_explainer *own = explainer_of(work, explainer);
    const sscam_detection_choice choice = {
        .class_index =
            request->classes
                ? request->classes[(work->first + image) * request->class_count + class_position]
                : SSCAM_CLASS_TOP,
        .geometry = request->geometry,
        .needs_none = needs_none(work, own),
        .whole = {0.0, 0.0, (double)request->shape.sides.width,
                  (double)request->shape.sides.height}};
    sscam_status status = check_target(own);
    if (status == SSCAM_OK)
        status = check_method(own);
    if (status == SSCAM_OK)
        status = sscam_choose_detection(own, detection->reading, &choice, &detection->target,
                                        &detection->anchor);
    if (status == SSCAM_OK)
        status = keep_class_scores(detection);
    if (status == SSCAM_OK)
        status = match_anchor(detection);
    if (status == SSCAM_OK)
        status = find_layer(work, image, explainer, detection);
    detection->mirrored = detection->target;
    detection->mirrored.box = sscam_box_mirrored(&detection->target.box,
                                                 (double)request->shape.sides.width);
    return status;
}

/* Options of a detection say nothing about classes. */
static sscam_status check_no_detection(const sscam_explainer *explainer)
{
    const sscam_value *value = explainer->settings.value;
    const int32_t has_box = value[SSCAM_OPTION_BOX].text[0] != '\0';
    if (!has_box && value[SSCAM_OPTION_DETECTION].integer == 0)
        return SSCAM_OK;
    return sscam_fail(
        SSCAM_E_ARGUMENT,
        "option %s: the network's outputs are those of no detector that is known; the "
        "option detector says the layout of one",
        has_box ? "box" : "detection");
}

/* --- the plan --------------------------------------------------------------------------------- */

static sscam_status plan_image(const planning *work, int64_t image)
{
    sscam_status status = SSCAM_OK;
    for (int64_t i = 0; i < work->plan->explainers && status == SSCAM_OK; i++) {
        sscam_detector_reading *reading = NULL;
        int64_t passes = 0;
        status = read(work, image, i, &reading, &passes);
        if (status == SSCAM_OK && !reading->is_detector)
            status = check_no_detection(explainer_of(work, i));
        for (int64_t c = 0; c < work->plan->classes && status == SSCAM_OK; c++) {
            sscam_planned_detection *detection = detection_at(work->plan, image, i, c);
            if (!reading->is_detector)
                continue;
            detection->reading = reading;
            detection->passes = c == 0 ? passes : 0;
            status = plan_detection(work, image, i, c, detection);
        }
    }
    return status;
}

sscam_status sscam_plan_detections(const sscam_explain_request *request, int64_t first,
                                   int64_t images, const sscam_progress *progress,
                                   sscam_detection_plan *out)
{
    const planning work = {request, first, progress, out};
    const int64_t readings = sscam_times(images, request->explainer_count);
    *out = (sscam_detection_plan){
        .images = images, .explainers = request->explainer_count, .classes = request->class_count};
    out->readings = sscam_zeros(readings, sizeof *out->readings);
    out->detections = sscam_zeros(sscam_times(readings, request->class_count),
                                  sizeof *out->detections);
    sscam_status status = out->readings && out->detections ? SSCAM_OK
                                                           : sscam_fail_memory("detections");
    for (int64_t image = 0; image < images && status == SSCAM_OK; image++)
        status = plan_image(&work, image);
    return status;
}

void sscam_detection_plan_release(sscam_detection_plan *plan)
{
    const int64_t readings = plan->images * plan->explainers;
    for (int64_t i = 0; plan->detections && i < readings * plan->classes; i++) {
        free(plan->detections[i].class_scores);
        free(plan->detections[i].layer);
    }
    for (int64_t i = 0; plan->readings && i < readings; i++)
        sscam_detector_reading_release(&plan->readings[i]);
    free(plan->readings);
    free(plan->detections);
    *plan = (sscam_detection_plan){.images = 0};
}
