/* Several maps of one class become one. */
#ifndef SSCAM_LIB_EXPLAIN_FUSION_H
#define SSCAM_LIB_EXPLAIN_FUSION_H

#include <stdint.h>

#include "sscam/map.h"

/* The maps to fuse: [augmentation_count][layer_count], the augmentations as augmentation.h numbers
 * them. */
typedef struct sscam_fusion {
    sscam_map *const *maps;
    int64_t layer_count, augmentation_count;
    int64_t kind;       /* over the layers, at each position: a value of the option `fusion` */
    const char *layers; /* the value of the option `layer` */
} sscam_fusion;

/* The data of the maps are fused over the layers, normalised, mirrored back and averaged over the
 * augmentations. This is the raw of the new map, which is normalised again. Class, logit and
 * probability are those of the first map. */
sscam_status sscam_fuse_maps(const sscam_fusion *fusion, sscam_map **out);

#endif
