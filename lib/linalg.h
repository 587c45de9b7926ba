/* Linear algebra of the core, by OpenBLAS. */
#ifndef SSCAM_LIB_LINALG_H
#define SSCAM_LIB_LINALG_H

#include <stdint.h>

/* out[p] = sum_k weights[k] maps[k,p], maps being [count, size]. */
void sscam_weighted_sum(const float *maps, const float *weights, int64_t count, int64_t size, float *out);

/* Name and configuration of the library. */
const char *sscam_linalg_info(void);

#endif
