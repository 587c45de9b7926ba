#include "detect/detector_layout.h"

#include <math.h>

static int64_t position_of(const sscam_detector_values *values, int64_t box, int64_t part)
{
    return values->offset + box * values->box_step + part * values->part_step;
}

static double sigmoid(double value)
{
    return 1.0 / (1.0 + exp(-value));
}

/* A value by itself: not of a softmax. */
static double value_at(const sscam_detector_values *values, const float *row, int64_t box,
                       int64_t part)
{
    const double value = row[position_of(values, box, part)];
    return values->activation == SSCAM_DETECTOR_SIGMOID ? sigmoid(value) : value;
}

sscam_box sscam_detector_box(const sscam_detector_layout *layout, const float *row, int64_t box)
{
    const double a = value_at(&layout->box, row, box, 0) * layout->scale_x,
                 b = value_at(&layout->box, row, box, 1) * layout->scale_y,
                 c = value_at(&layout->box, row, box, 2) * layout->scale_x,
                 d = value_at(&layout->box, row, box, 3) * layout->scale_y;
    if (layout->form == SSCAM_BOX_EDGES)
        return (sscam_box){a, b, c, d};
    return (sscam_box){a - c / 2.0, b - d / 2.0, a + c / 2.0, b + d / 2.0};
}

/* 1 / sum_j exp(y_j - y_c) over the classes and "no object". */
static double softmax_score(const sscam_detector_layout *layout, const float *row, int64_t box,
                            int64_t class_index)
{
    const double own = row[position_of(&layout->score, box, class_index)];
    double sum = 0.0;
    for (int64_t j = 0; j <= layout->classes; j++)
        sum += exp(row[position_of(&layout->score, box, j)] - own);
    return 1.0 / sum;
}

double sscam_detector_class_score(const sscam_detector_layout *layout, const float *row,
                                  int64_t box, int64_t class_index)
{
    if (layout->has_labels)
        return row[position_of(&layout->label, box, 0)] == (float)class_index
                   ? value_at(&layout->score, row, box, 0)
                   : 0.0;
    return layout->score.activation == SSCAM_DETECTOR_SOFTMAX
               ? softmax_score(layout, row, box, class_index)
               : value_at(&layout->score, row, box, class_index);
}

double sscam_detector_objectness(const sscam_detector_layout *layout, const float *row, int64_t box)
{
    return layout->has_objectness ? value_at(&layout->objectness, row, box, 0) : 1.0;
}

double sscam_detector_confidence(const sscam_detector_layout *layout, const float *row, int64_t box,
                                 int64_t class_index)
{
    return sscam_detector_objectness(layout, row, box) *
           sscam_detector_class_score(layout, row, box, class_index);
}

/* Labels are whole numbers, which float32 holds exactly up to 2^24. */
static int64_t label_of(const sscam_detector_layout *layout, const float *row, int64_t box)
{
    const float label = row[position_of(&layout->label, box, 0)];
    return label >= 0.0f && label <= 16777216.0f && label == floorf(label) ? (int64_t)label : -1;
}

int64_t sscam_detector_class(const sscam_detector_layout *layout, const float *row, int64_t box,
                             double *confidence)
{
    int64_t best = layout->has_labels ? label_of(layout, row, box) : 0;
    /* Sigmoid and softmax keep the order of values. */
    for (int64_t j = 1; !layout->has_labels && j < layout->classes; j++)
        if (row[position_of(&layout->score, box, j)] > row[position_of(&layout->score, box, best)])
            best = j;
    *confidence = best >= 0 ? sscam_detector_confidence(layout, row, box, best) : 0.0;
    return best;
}

int32_t sscam_detector_factors(const sscam_detector_layout *layout, int64_t box,
                               int64_t class_index, int64_t positions[2])
{
    positions[0] = position_of(&layout->score, box, layout->has_labels ? 0 : class_index);
    if (!layout->has_objectness)
        return 1;
    positions[1] = position_of(&layout->objectness, box, 0);
    return 2;
}

void sscam_detector_box_positions(const sscam_detector_layout *layout, int64_t box,
                                  int64_t positions[4])
{
    for (int64_t part = 0; part < 4; part++)
        positions[part] = position_of(&layout->box, box, part);
}
