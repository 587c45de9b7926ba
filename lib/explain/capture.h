/* Activations and gradients of a layer on one input, with their channels first. */
#ifndef SSCAM_LIB_EXPLAIN_CAPTURE_H
#define SSCAM_LIB_EXPLAIN_CAPTURE_H

#include "explain/method_private.h"

/* Captures a layer (NULL or "": the default one) of the job's network on an input of its shape,
 * with the gradients of a target, and counts the pass. */
sscam_status sscam_capture_layer(sscam_map_job *job, const float *input, const char *layer,
                                 const sscam_target *target, int32_t want_gradients,
                                 sscam_capture *out);

#endif
