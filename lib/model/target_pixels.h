/* Dense outputs, [K,h,w] values of K classes at h x w places, as of segmentation networks: which of
 * their places count. */
#ifndef SSCAM_LIB_MODEL_TARGET_PIXELS_H
#define SSCAM_LIB_MODEL_TARGET_PIXELS_H

#include <stdint.h>

#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sscam_region_kind {
    SSCAM_REGION_PREDICTED, /* where the network sees the class */
    SSCAM_REGION_ALL,
    SSCAM_REGION_BOX,
    SSCAM_REGION_MASK
} sscam_region_kind;

/* What is asked for. */
typedef struct sscam_region {
    sscam_region_kind kind;
    int32_t by_sign;   /* the network sees a class where its output is positive, not where it is the
                          highest one */
    int32_t takes_sum; /* over the target_pixels, instead of their mean */
    double box[4];     /* left, top, right, bottom: edges in pixels of the input */
    const uint8_t *mask; /* [mask_height, mask_width] over the whole input; 0: outside */
    int64_t mask_height, mask_width;
} sscam_region;

/* What was found. */
typedef struct sscam_target_pixels {
    int64_t height, width; /* of the output */
    int64_t count;         /* of the target_pixels inside, at least 1 */
    double factor;   /* makes of a mean over the target_pixels what is explained: 1, or their number
                        for the sum */
    uint8_t *inside; /* [height,width], 0 or 1; malloc'ed */
} sscam_target_pixels;

/* Whether two regions are one. */
int32_t sscam_same_region(const sscam_region *a, const sscam_region *b);

/* All places inside, to be given back with sscam_target_pixels_destroy(). */
sscam_status sscam_target_pixels_create(int64_t height, int64_t width, sscam_target_pixels **out);
sscam_status sscam_target_pixels_copy(const sscam_target_pixels *target_pixels,
                                      sscam_target_pixels **out);
void sscam_target_pixels_destroy(sscam_target_pixels *target_pixels);

/* Left becomes right. */
void sscam_target_pixels_mirror(sscam_target_pixels *target_pixels);

/* Marks the places of a box or a mask over an input of that size; all places of the other regions,
 * which hang on the outputs. A place is where its centre is. */
sscam_status sscam_target_pixels_mark(sscam_target_pixels *target_pixels,
                                      const sscam_region *region, int64_t input_height,
                                      int64_t input_width);

/* Counts the places that are inside by now. SSCAM_E_CLASS where class_index, or SSCAM_E_ARGUMENT
 * where the region, has none. */
sscam_status sscam_target_pixels_finish(sscam_target_pixels *target_pixels,
                                        const sscam_region *region, int64_t class_index);

#ifdef __cplusplus
}
#endif

#endif
