#include "detect/detection_target.h"

#include <math.h>
#include <string.h>

/* The cosine of a box's class scores and the target's, times the objectness. Labels are one-hot
 * class scores, whose confidence takes the place of the objectness. */
static double d_rise_factor(const sscam_detection_target *target, const float *row, int64_t anchor)
{
    const sscam_detector_layout *layout = target->layout;
    double product = 0.0, own_square = 0.0, target_square = 0.0;
    if (layout->has_labels)
        return sscam_detector_confidence(layout, row, anchor, target->class_index);
    for (int64_t j = 0; j < layout->classes; j++) {
        const double own = sscam_detector_class_score(layout, row, anchor, j),
                     wanted = target->class_scores ? target->class_scores[j]
                                                   : (double)(j == target->class_index);
        product += own * wanted;
        own_square += own * own;
        target_square += wanted * wanted;
    }
    if (own_square == 0.0 || target_square == 0.0)
        return 0.0;
    return product / (sqrt(own_square) * sqrt(target_square)) *
           sscam_detector_objectness(layout, row, anchor);
}

static double iou_with(const sscam_detection_target *target, const float *row, int64_t anchor)
{
    const sscam_box box = sscam_detector_box(target->layout, row, anchor);
    return sscam_box_iou(&target->box, &box);
}

/* Whether a box, or the score of the class, is NaN, which comparisons would pass over. */
static int32_t is_nan_at(const sscam_detection_target *target, const float *row, int64_t anchor)
{
    const sscam_box box = sscam_detector_box(target->layout, row, anchor);
    return isnan(box.left + box.top + box.right + box.bottom) ||
           isnan(sscam_detector_confidence(target->layout, row, anchor, target->class_index));
}

double sscam_detection_similarity(const sscam_detection_target *target, const float *row)
{
    double best = 0.0;
    for (int64_t i = 0; i < target->layout->boxes; i++) {
        const double iou = iou_with(target, row, i);
        if (is_nan_at(target, row, i))
            return NAN;
        if (!(iou > 0.0))
            continue;
        const double factor = target->score == SSCAM_DETECTION_SCORE_CLASS
                                  ? sscam_detector_confidence(target->layout, row, i,
                                                              target->class_index)
                                  : d_rise_factor(target, row, i);
        if (isnan(factor))
            return NAN;
        best = fmax(best, iou * factor);
    }
    return best;
}

int64_t sscam_match_anchor(const sscam_detection_target *target, const float *row)
{
    const double least_iou = 0.5;
    int64_t found = -1;
    double best = 0.0;
    int32_t matches = 0;
    for (int64_t i = 0; i < target->layout->boxes; i++) {
        const double iou = iou_with(target, row, i);
        const double value = iou *
                             sscam_detector_confidence(target->layout, row, i, target->class_index);
        if (!(value > 0.0) || (matches && iou < least_iou))
            continue;
        if (found < 0 || value > best || (!matches && iou >= least_iou)) {
            found = i;
            best = value;
        }
        matches = matches || iou >= least_iou;
    }
    return found;
}

double sscam_similarity_logit(double similarity)
{
    const double margin = 1e-6;
    if (isnan(similarity))
        return similarity;
    const double inner = fmin(fmax(similarity, margin), 1.0 - margin);
    return log(inner / (1.0 - inner));
}

static int32_t same_scores(const sscam_detection_target *a, const sscam_detection_target *b)
{
    if (!a->class_scores || !b->class_scores)
        return a->class_scores == b->class_scores;
    return memcmp(a->class_scores, b->class_scores,
                  (size_t)a->layout->classes * sizeof *a->class_scores) == 0;
}

int32_t sscam_same_detection(const sscam_detection_target *a, const sscam_detection_target *b)
{
    return a == b ||
           (a->layout->kind == b->layout->kind && a->layout->boxes == b->layout->boxes &&
            a->layout->classes == b->layout->classes &&
            strcmp(a->layout->selector, b->layout->selector) == 0 && a->box.left == b->box.left &&
            a->box.top == b->box.top && a->box.right == b->box.right &&
            a->box.bottom == b->box.bottom && a->class_index == b->class_index &&
            a->score == b->score && same_scores(a, b));
}
