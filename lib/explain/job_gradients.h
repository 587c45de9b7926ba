/* Gradients of a job's target throughout its network. */
#ifndef SSCAM_LIB_EXPLAIN_JOB_GRADIENTS_H
#define SSCAM_LIB_EXPLAIN_JOB_GRADIENTS_H

#include "explain/method_private.h"

/* Runs the network on an input of the job's shape, forward and back. SSCAM_E_UNSUPPORTED, with the
 * method's name, where the network's engine gives no such gradients; SSCAM_E_MODEL where one is NaN
 * or infinity. The caller releases the gradients. */
sscam_status sscam_find_gradients(sscam_map_job *job, const float *input, sscam_gradient_kind kind,
                                  sscam_gradients *out);

#endif
