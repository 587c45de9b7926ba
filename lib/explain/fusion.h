/* Several maps of one class become one. */
#ifndef SSCAM_LIB_EXPLAIN_FUSION_H
#define SSCAM_LIB_EXPLAIN_FUSION_H

#include <stdint.h>

#include "sscam/map.h"

/* Maps that belong together: [augmentation_count][layer_count], the augmentations as augment.h
 * numbers them. */
typedef struct sscam_fusion {
    sscam_map *const *parts;
    int64_t layer_count, augmentation_count;
    int32_t takes_mean; /* of the layers; 0: their maximum, place by place */
    const char *layers; /* the names, as they were asked for */
} sscam_fusion;

/* Each part's data is fused over the layers, normalised, mirrored back and averaged over the
 * augmentations; that is the new map's raw, which is normalised again. What a map tells of its
 * class comes from the first part. */
sscam_status sscam_fuse_maps(const sscam_fusion *fusion, sscam_map **out);

#endif
