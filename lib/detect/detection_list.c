#include "detect/detection_list.h"

#include <math.h>
#include <stdlib.h>

#include "base/checked_size.h"
#include "base/error.h"

sscam_status sscam_check_detector_row(const sscam_detector_layout *layout, const float *row)
{
    for (int64_t i = 0; i < layout->value_count; i++)
        if (!isfinite(row[i]))
            return sscam_fail(SSCAM_E_MODEL,
                              "the detector's output has a NaN or an infinity, as value %lld",
                              (long long)i);
    return SSCAM_OK;
}

static int32_t precedes(const sscam_found_detection *a, const sscam_found_detection *b)
{
    return a->confidence > b->confidence ||
           (a->confidence == b->confidence && a->anchor < b->anchor);
}

static int compare(const void *a, const void *b)
{
    return precedes(a, b) ? -1 : 1; /* no two have the same anchor */
}

static int32_t read_box(const sscam_detector_layout *layout, const float *row, int64_t anchor,
                        sscam_found_detection *out)
{
    out->anchor = anchor;
    out->class_index = sscam_detector_class(layout, row, anchor, &out->confidence);
    out->box = sscam_detector_box(layout, row, anchor);
    return out->class_index >= 0 && sscam_box_area(&out->box) > 0.0;
}

static int32_t overlaps_kept(const sscam_detection_list *kept,
                             const sscam_found_detection *detection, double overlap)
{
    for (int64_t i = 0; i < kept->count; i++)
        if (kept->detections[i].class_index == detection->class_index &&
            sscam_box_iou(&kept->detections[i].box, &detection->box) > overlap)
            return 1;
    return 0;
}

/* Greedy non-maximum suppression by class. `candidates` are in order; the kept ones take the places
 * at their beginning. */
static void suppress(const sscam_detector_layout *layout, int64_t candidate_count, double overlap,
                     sscam_detection_list *list)
{
    const int64_t compared = candidate_count < SSCAM_COMPARED_BOXES_LIMIT
                                 ? candidate_count
                                 : SSCAM_COMPARED_BOXES_LIMIT;
    for (int64_t i = 0; i < compared && list->count < SSCAM_DETECTIONS_LIMIT; i++) {
        const sscam_found_detection candidate = list->detections[i];
        if (layout->is_final || !overlaps_kept(list, &candidate, overlap))
            list->detections[list->count++] = candidate;
    }
}

sscam_status sscam_list_detections(const sscam_detector_layout *layout, const float *row,
                                   double threshold, double overlap, sscam_detection_list *out)
{
    int64_t count = 0;
    *out = (sscam_detection_list){NULL, 0};
    sscam_status status = sscam_check_detector_row(layout, row);
    if (status != SSCAM_OK)
        return status;
    out->detections = sscam_allocate_array(layout->boxes > 0 ? layout->boxes : 1,
                                           sizeof *out->detections);
    if (!out->detections)
        return sscam_fail_memory("detections");
    for (int64_t i = 0; i < layout->boxes; i++)
        if (read_box(layout, row, i, &out->detections[count]) &&
            out->detections[count].confidence > threshold)
            count++;
    qsort(out->detections, (size_t)count, sizeof *out->detections, compare);
    suppress(layout, count, overlap, out);
    return SSCAM_OK;
}

void sscam_detection_list_release(sscam_detection_list *list)
{
    free(list->detections);
    *list = (sscam_detection_list){NULL, 0};
}

int32_t sscam_most_confident_box(const sscam_detector_layout *layout, const float *row,
                                 int64_t class_index, sscam_found_detection *out)
{
    sscam_found_detection found;
    out->confidence = 0.0;
    for (int64_t i = 0; i < layout->boxes; i++) {
        if (!read_box(layout, row, i, &found))
            continue;
        if (class_index >= 0) {
            found.class_index = class_index;
            found.confidence = sscam_detector_confidence(layout, row, i, class_index);
        }
        if (found.confidence > out->confidence)
            *out = found;
    }
    return out->confidence > 0.0;
}
