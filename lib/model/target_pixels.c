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

sscam_status sscam_places_create(int64_t height, int64_t width, sscam_places **out)
{
    sscam_places *places = calloc(1, sizeof *places);
    if (places == NULL)
        return sscam_fail_memory("the places of an output");
    const int64_t count = sscam_times(height, width);
    *places = (sscam_places){
        .height = height, .width = width, .count = count, .factor = 1.0, .inside = sscam_array(count, sizeof(uint8_t))};
    if (places->inside == NULL) {
        free(places);
        return sscam_fail_memory("the places of an output");
    }
    memset(places->inside, 1, (size_t)count);
    *out = places;
    return SSCAM_OK;
}

sscam_status sscam_places_copy(const sscam_places *places, sscam_places **out)
{
    sscam_status status = sscam_places_create(places->height, places->width, out);
    if (status != SSCAM_OK)
        return status;
    memcpy((*out)->inside, places->inside, (size_t)(places->height * places->width));
    (*out)->count = places->count;
    (*out)->factor = places->factor;
    return SSCAM_OK;
}

void sscam_places_destroy(sscam_places *places)
{
    if (places == NULL)
        return;
    free(places->inside);
    free(places);
}

void sscam_places_mirror(sscam_places *places)
{
    for (int64_t y = 0; y < places->height; y++) {
        uint8_t *row = places->inside + y * places->width;
        for (int64_t left = 0, right = places->width - 1; left < right; left++, right--) {
            uint8_t kept = row[left];
            row[left] = row[right];
            row[right] = kept;
        }
    }
}

static void mark_box(sscam_places *places, const double box[4], int64_t input_height, int64_t input_width)
{
    for (int64_t y = 0; y < places->height; y++) {
        double row = ((double)y + 0.5) * (double)input_height / (double)places->height;
        for (int64_t x = 0; x < places->width; x++) {
            double column = ((double)x + 0.5) * (double)input_width / (double)places->width;
            places->inside[y * places->width + x] =
                column >= box[0] && column < box[2] && row >= box[1] && row < box[3];
        }
    }
}

/* Of `size` pixels, the one in which the centre of place number i of `count` lies. */
static int64_t nearest(int64_t i, int64_t count, int64_t size)
{
    return (int64_t)(((double)i + 0.5) * (double)size / (double)count);
}

static void mark_mask(sscam_places *places, const sscam_region *region)
{
    for (int64_t y = 0; y < places->height; y++) {
        const uint8_t *row = region->mask + nearest(y, places->height, region->mask_height) * region->mask_width;
        for (int64_t x = 0; x < places->width; x++)
            places->inside[y * places->width + x] = row[nearest(x, places->width, region->mask_width)] != 0;
    }
}

sscam_status sscam_places_mark(sscam_places *places, const sscam_region *region, int64_t input_height,
                               int64_t input_width)
{
    const double *box = region->box;
    if (region->kind == SSCAM_REGION_BOX && (box[2] > (double)input_width || box[3] > (double)input_height))
        return sscam_fail(SSCAM_E_ARGUMENT, "option region: the box %g,%g,%g,%g goes beyond the input of %lldx%lld pixels",
                          box[0], box[1], box[2], box[3], (long long)input_width, (long long)input_height);
    if (region->kind == SSCAM_REGION_BOX)
        mark_box(places, box, input_height, input_width);
    if (region->kind == SSCAM_REGION_MASK)
        mark_mask(places, region);
    return SSCAM_OK;
}

sscam_status sscam_places_finish(sscam_places *places, const sscam_region *region, int64_t class_index)
{
    places->count = 0;
    for (int64_t p = 0; p < places->height * places->width; p++)
        places->count += places->inside[p];
    places->factor = region->takes_sum ? (double)places->count : 1.0;
    if (places->count > 0)
        return SSCAM_OK;
    if (region->kind == SSCAM_REGION_PREDICTED)
        return sscam_fail(SSCAM_E_CLASS,
                          "class %lld: the network sees it nowhere in this input; with the option region=all, a box or a "
                          "mask it can be explained still", (long long)class_index);
    return sscam_fail(SSCAM_E_ARGUMENT, "option region: the %s holds the centre of none of the output's %lldx%lld places",
                      region->kind == SSCAM_REGION_BOX ? "box" : "mask", (long long)places->width,
                      (long long)places->height);
}
