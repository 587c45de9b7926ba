/* Pixels of an image replaced by what their neighbours say, as ROAD does. */
#ifndef SSCAM_LIB_MATH_IMPUTATION_H
#define SSCAM_LIB_MATH_IMPUTATION_H

#include <stdint.h>

#include "sscam/status.h"

/* Replaces the removed pixels of an image [channels, height, width]: each becomes the weighted mean
 * of its up to eight neighbours, 1/6 for those beside it and 1/12 for those at its corners, removed
 * ones included, which are the solution of a system of linear equations (Rong et al. 2022, section
 * 4.1). What the removed pixels hold is where the solving starts; it ends at a relative residual of
 * 1e-5. removed: [height, width]; at least one pixel is not removed. */
sscam_status sscam_impute(const uint8_t *removed, int64_t channels, int64_t height, int64_t width,
                          float *image);

#endif
