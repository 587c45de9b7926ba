/* What a layer does on one input, its channels first. */
#ifndef SSCAM_LIB_EXPLAIN_CAPTURE_H
#define SSCAM_LIB_EXPLAIN_CAPTURE_H

#include "explain/method_private.h"

/* Captures a target of the explanation's network on an input of its shape, at a layer (NULL or "":
 * the default one), and counts the pass. */
sscam_status sscam_capture_layer(sscam_map_job *job, const float *input, const char *layer,
                                 const sscam_target *target, int32_t want_gradients,
                                 sscam_capture *out);

#endif
