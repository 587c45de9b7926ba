/* Dense outputs, [K,h,w] values of K classes at h x w places, as of segmentation networks: which of their places count. */
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
    int32_t by_sign;     /* the network sees a class where its output is positive, not where it is the highest one */
    int32_t takes_sum;   /* over the places, instead of their mean */
    double box[4];       /* left, top, right, bottom: edges in pixels of the input */
    const uint8_t *mask; /* [mask_height, mask_width] over the whole input; 0: outside */
    int64_t mask_height, mask_width;
} sscam_region;

/* What was found. */
typedef struct sscam_places {
    int64_t height, width; /* of the output */
    int64_t count;         /* of the places inside, at least 1 */
    double factor;         /* makes of a mean over the places what is explained: 1, or their number for the sum */
    uint8_t *inside;       /* [height,width], 0 or 1; malloc'ed */
} sscam_places;

/* Whether two regions are one. */
int32_t sscam_same_region(const sscam_region *a, const sscam_region *b);

/* All places inside, to be given back with sscam_places_destroy(). */
sscam_status sscam_places_create(int64_t height, int64_t width, sscam_places **out);
sscam_status sscam_places_copy(const sscam_places *places, sscam_places **out);
void sscam_places_destroy(sscam_places *places);

/* Left becomes right. */
void sscam_places_mirror(sscam_places *places);

/* Marks the places of a box or a mask over an input of that size; all places of the other regions, which hang on
 * the outputs. A place is where its centre is. */
sscam_status sscam_places_mark(sscam_places *places, const sscam_region *region, int64_t input_height,
                               int64_t input_width);

/* Counts the places that are inside by now. SSCAM_E_CLASS where class_index, or SSCAM_E_ARGUMENT where the region, has
 * none. */
sscam_status sscam_places_finish(sscam_places *places, const sscam_region *region, int64_t class_index);

#ifdef __cplusplus
}
#endif

#endif
