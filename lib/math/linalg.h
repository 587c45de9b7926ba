/* Linear algebra of the core, by OpenBLAS. */
#ifndef SSCAM_LIB_MATH_LINALG_H
#define SSCAM_LIB_MATH_LINALG_H

#include <stdint.h>

#include "sscam/status.h"

/* out[p] = sum_k weights[k] maps[k,p], maps being [count, size]. */
void sscam_weighted_sum(const float *maps, const float *weights, int64_t count, int64_t size,
                        float *out);

/* Projection of positions on the first principal component of `count` maps of `size` positions:
 * with X_k(p) = weights[k] maps[k,p] minus its mean over p, and v the unit vector that maximises
 * the sum over p of (sum_k v_k X_k(p))^2, out[p] = sum_k v_k X_k(p). `weights` NULL: all 1. Of v
 * and -v, the one whose components have a positive sum: its projection rises where the plain sum of
 * the maps does. All zeros where the maps are constant. SSCAM_E_MODEL where a weighted map is not
 * finite. */
sscam_status sscam_project_on_principal_component(const float *maps, const float *weights,
                                                  int64_t count, int64_t size, float *out);

/* Kernel PCA: projection of the positions, each a point of `count` values minus their means, on the
 * first kernel principal component, for the kernel tanh(x.y / count + 1). It is sqrt(l) v, l being
 * the largest eigenvalue of the centred kernel matrix and v its unit eigenvector; of v and -v the
 * one that rises where the plain sum of the maps does. All zeros where l is not positive.
 * SSCAM_E_UNSUPPORTED for more than SSCAM_KERNEL_POSITIONS positions: the matrix has the square of
 * that many elements. SSCAM_E_MODEL where a map is not finite. */
#define SSCAM_KERNEL_POSITIONS 4096
sscam_status sscam_project_on_kernel_component(const float *maps, int64_t count, int64_t size,
                                               float *out);

/* Name and configuration of OpenBLAS. */
const char *sscam_linalg_info(void);

#endif
