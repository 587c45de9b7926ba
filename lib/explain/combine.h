/* From channels to one map, at the target layer's size. */
#ifndef SSCAM_LIB_EXPLAIN_COMBINE_H
#define SSCAM_LIB_EXPLAIN_COMBINE_H

#include "explain/method_private.h"

/* sum_k T_k(p), or the terms' projection on their principal component, into out [h,w]; not yet
 * rectified. */
sscam_status sscam_combine_channels(const sscam_map_job *job, float *out);

#endif
