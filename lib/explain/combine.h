/* From channels to one map of the target layer's size. */
#ifndef SSCAM_LIB_EXPLAIN_COMBINE_H
#define SSCAM_LIB_EXPLAIN_COMBINE_H

#include "explain/method_private.h"

/* sum_k T_k(p), or the projection of the terms on their first principal component, into out [h,w],
 * before ReLU. */
sscam_status sscam_combine_channels(const sscam_map_job *job, float *out);

#endif
