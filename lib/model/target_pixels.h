/* Target pixels: those of a dense output, [K,h,w] values of K classes as segmentation networks give
 * them, whose scores are explained. */
#ifndef SSCAM_LIB_MODEL_TARGET_PIXELS_H
#define SSCAM_LIB_MODEL_TARGET_PIXELS_H

#include <stdint.h>

#include "sscam/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sscam_region_kind {
    SSCAM_REGION_PREDICTED, /* where the network predicts the class */
    SSCAM_REGION_ALL,
    SSCAM_REGION_BOX,
    SSCAM_REGION_MASK
} sscam_region_kind;

/* What the caller specifies. */
typedef struct sscam_region {
    sscam_region_kind kind;
    int32_t by_sign;   /* a class is predicted where its output is positive, rather than where it is
                          the highest */
    int32_t takes_sum; /* the score is the sum over the target pixels, rather than their mean */
    double box[4];     /* left, top, right, bottom: edges in pixels of the input */
    const uint8_t *mask; /* [mask_height, mask_width] over the whole input; 0: outside */
    int64_t mask_height, mask_width;
} sscam_region;

/* The pixels found for one output. */
typedef struct sscam_target_pixels {
    int64_t height, width; /* of the output */
    int64_t count;         /* of target pixels, at least 1 */
    double factor;   /* what the mean over the target pixels is multiplied with: 1, or for the sum
                        their number */
    uint8_t *inside; /* [height,width], 1 for target pixels, else 0; malloc'ed */
} sscam_target_pixels;

/* Whether two regions are the same. */
int32_t sscam_same_region(const sscam_region *a, const sscam_region *b);

/* All pixels of an output; the caller destroys them. */
sscam_status sscam_target_pixels_create(int64_t height, int64_t width, sscam_target_pixels **out);
sscam_status sscam_target_pixels_copy(const sscam_target_pixels *target_pixels,
                                      sscam_target_pixels **out);
void sscam_target_pixels_destroy(sscam_target_pixels *target_pixels);

/* Swaps left and right. */
void sscam_target_pixels_mirror(sscam_target_pixels *target_pixels);

/* Keeps the pixels whose centre lies in the region's box or mask over an input of that size.
 * Regions of the other kinds depend on the outputs; here they keep all pixels. */
sscam_status sscam_target_pixels_mark(sscam_target_pixels *target_pixels,
                                      const sscam_region *region, int64_t input_height,
                                      int64_t input_width);

/* Counts the pixels and sets the factor. Where there are none: SSCAM_E_CLASS for a predicted
 * region, with a message that names class_index, else SSCAM_E_ARGUMENT. */
sscam_status sscam_target_pixels_finish(sscam_target_pixels *target_pixels,
                                        const sscam_region *region, int64_t class_index);

#ifdef __cplusplus
}
#endif

#endif
