#include "detect/box.h"

#include <math.h>
#include <stddef.h>

#include "base/number.h"

double sscam_box_area(const sscam_box *box)
{
    const double width = box->right - box->left, height = box->bottom - box->top;
    const double area = width * height;
    return width > 0.0 && height > 0.0 && isfinite(area) ? area : 0.0;
}

double sscam_box_iou(const sscam_box *a, const sscam_box *b)
{
    const double a_area = sscam_box_area(a), b_area = sscam_box_area(b);
    if (!(a_area > 0.0) || !(b_area > 0.0))
        return 0.0;
    const sscam_box common = {fmax(a->left, b->left), fmax(a->top, b->top),
                              fmin(a->right, b->right), fmin(a->bottom, b->bottom)};
    const double shared = sscam_box_area(&common);
    return shared / (a_area + b_area - shared);
}

sscam_box sscam_box_mirrored(const sscam_box *box, double width)
{
    return (sscam_box){width - box->right, box->top, width - box->left, box->bottom};
}

int32_t sscam_box_parse(const char *text, sscam_box *box)
{
    double values[4];
    size_t count = 0;
    if (!sscam_parse_reals(text, values, 4, &count) || count != 4)
        return 0;
    const sscam_box read = {values[0], values[1], values[2], values[3]};
    if (!(sscam_box_area(&read) > 0.0))
        return 0;
    *box = read;
    return 1;
}
