#include "model/target_pixels.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked_size.h"
#include "base/error.h"

int32_t sscam_same_region(const sscam_region *a, const sscam_region *b)
{
    if (a->kind != b->kind || a->by_sign != b->by_sign || a->takes_sum != b->takes_sum)
        return 0;
    if (a->kind == SSCAM_REGION_BOX)
        return memcmp(a->box, b->box, sizeof a->box) == 0;
    return a->kind != SSCAM_REGION_MASK ||
           (a->mask_height == b->mask_height && a->mask_width == b->mask_width &&
            memcmp(a->mask, b->mask, (size_t)(a->mask_height * a->mask_width)) == 0);
}

sscam_status sscam_target_pixels_create(int64_t height, int64_t width, sscam_target_pixels **out)
{
    sscam_target_pixels *target_pixels = calloc(1, sizeof *target_pixels);
    if (!target_pixels)
        return sscam_fail_memory("the pixels of an output");
    const int64_t count = sscam_times(height, width);
    *target_pixels = (sscam_target_pixels){.height = height,
                                           .width = width,
                                           .count = count,
                                           .factor = 1.0,
                                           .inside = sscam_allocate_array(count, sizeof(uint8_t))};
    if (!target_pixels->inside) {
        free(target_pixels);
        return sscam_fail_memory("the pixels of an output");
    }
    memset(target_pixels->inside, 1, (size_t)count);
    *out = target_pixels;
    return SSCAM_OK;
}

sscam_status sscam_target_pixels_copy(const sscam_target_pixels *target_pixels,
                                      sscam_target_pixels **out)
{
    sscam_status status = sscam_target_pixels_create(target_pixels->height, target_pixels->width,
                                                     out);
    if (status != SSCAM_OK)
        return status;
    memcpy((*out)->inside, target_pixels->inside,
           (size_t)(target_pixels->height * target_pixels->width));
    (*out)->count = target_pixels->count;
    (*out)->factor = target_pixels->factor;
    return SSCAM_OK;
}

void sscam_target_pixels_destroy(sscam_target_pixels *target_pixels)
{
    if (!target_pixels)
        return;
    free(target_pixels->inside);
    free(target_pixels);
}

void sscam_target_pixels_mirror(sscam_target_pixels *target_pixels)
{
    for (int64_t y = 0; y < target_pixels->height; y++) {
        uint8_t *row = target_pixels->inside + y * target_pixels->width;
        for (int64_t left = 0, right = target_pixels->width - 1; left < right; left++, right--) {
            uint8_t kept = row[left];
            row[left] = row[right];
            row[right] = kept;
        }
    }
}

static void mark_box(sscam_target_pixels *target_pixels, const double box[4], int64_t input_height,
                     int64_t input_width)
{
    for (int64_t y = 0; y < target_pixels->height; y++) {
        double row = ((double)y + 0.5) * (double)input_height / (double)target_pixels->height;
        for (int64_t x = 0; x < target_pixels->width; x++) {
            double column = ((double)x + 0.5) * (double)input_width / (double)target_pixels->width;
            target_pixels->inside[y * target_pixels->width + x] = column >= box[0] &&
                                                                  column < box[2] &&
                                                                  row >= box[1] && row < box[3];
        }
    }
}

/* Of `size` pixels, the one in which the centre of pixel number i of `count` lies. */
static int64_t nearest(int64_t i, int64_t count, int64_t size)
{
    return (int64_t)(((double)i + 0.5) * (double)size / (double)count);
}

static void mark_mask(sscam_target_pixels *target_pixels, const sscam_region *region)
{
    for (int64_t y = 0; y < target_pixels->height; y++) {
        const uint8_t *row = region->mask + nearest(y, target_pixels->height, region->mask_height) *
                                                region->mask_width;
        for (int64_t x = 0; x < target_pixels->width; x++)
            target_pixels->inside[y * target_pixels->width + x] =
                row[nearest(x, target_pixels->width, region->mask_width)] != 0;
    }
}

sscam_status sscam_target_pixels_mark(sscam_target_pixels *target_pixels,
                                      const sscam_region *region, int64_t input_height,
                                      int64_t input_width)
{
    const double *box = region->box;
    if (region->kind == SSCAM_REGION_BOX &&
        (box[2] > (double)input_width || box[3] > (double)input_height))
        return sscam_fail(
            SSCAM_E_ARGUMENT,
            "option region: the box %g,%g,%g,%g goes beyond the input of %lldx%lld pixels", box[0],
            box[1], box[2], box[3], (long long)input_width, (long long)input_height);
    if (region->kind == SSCAM_REGION_BOX)
        mark_box(target_pixels, box, input_height, input_width);
    if (region->kind == SSCAM_REGION_MASK)
        mark_mask(target_pixels, region);
    return SSCAM_OK;
}

sscam_status sscam_target_pixels_finish(sscam_target_pixels *target_pixels,
                                        const sscam_region *region, int64_t class_index)
{
    target_pixels->count = 0;
    for (int64_t p = 0; p < target_pixels->height * target_pixels->width; p++)
        target_pixels->count += target_pixels->inside[p];
    target_pixels->factor = region->takes_sum ? (double)target_pixels->count : 1.0;
    if (target_pixels->count > 0)
        return SSCAM_OK;
    if (region->kind == SSCAM_REGION_PREDICTED)
        return sscam_fail(SSCAM_E_CLASS,
                          "class %lld: the network predicts it at no pixel of this input; "
                          "region=all, a box or a mask explain it nevertheless",
                          (long long)class_index);
    return sscam_fail(
        SSCAM_E_ARGUMENT,
        "option region: the %s contains the centre of none of the output's %lldx%lld pixels",
        region->kind == SSCAM_REGION_BOX ? "box" : "mask", (long long)target_pixels->width,
        (long long)target_pixels->height);
}
