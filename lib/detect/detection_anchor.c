#include "detect/detection_anchor.h"

/* Of one box, computed twice with other rounding. */
static const double least_iou_of_same_box = 0.99;

int64_t sscam_detection_anchor(const sscam_detection_target *target, const float *row,
                               int64_t anchor)
{
    const sscam_detector_layout *layout = target->layout;
    if (!layout->is_final)
        return anchor;
    const sscam_box box = sscam_detector_box(layout, row, anchor);
    if (sscam_box_iou(&target->box, &box) >= least_iou_of_same_box &&
        sscam_detector_confidence(layout, row, anchor, target->class_index) > 0.0)
        return anchor;
    return sscam_match_anchor(target, row);
}
