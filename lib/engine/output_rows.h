/* Rows of classes from the outputs of an engine: logits, or of dense outputs [N,classes,h,w] means
 * over their target pixels. */
#ifndef SSCAM_LIB_ENGINE_OUTPUT_ROWS_H
#define SSCAM_LIB_ENGINE_OUTPUT_ROWS_H

#include "engine/engine_call.h"

static inline int32_t sscam_engine_is_dense(const sscam_engine_values *outputs)
{
    return outputs->rank == SSCAM_IMAGE_RANK;
}

static inline int64_t sscam_engine_class_count(const sscam_engine_values *outputs)
{
    return outputs->shape[1];
}

/* Number of outputs of one input. */
int64_t sscam_engine_output_size(const sscam_engine_values *outputs);

/* Writes row [class_count] of input number `input`: the logits or, of dense outputs, means over the
 * target pixels (NULL: all) of logits or of the probabilities of `kind`. */
sscam_status sscam_engine_read_row(const sscam_engine_values *outputs, int64_t input,
                                   const sscam_target_pixels *target_pixels, sscam_score_kind kind,
                                   float *row);

/* The target pixels of a capture of a dense output: the target's own or, where it has none, those
 * of the request's region and of the class, which is resolved here. */
sscam_status sscam_engine_find_pixels(const sscam_engine_values *outputs,
                                      const sscam_capture_request *request, sscam_target *target,
                                      sscam_target_pixels **out);

/* Writes the derivatives of the resolved target by all outputs of one input, of which the factors
 * of a linear target are an example. `logits`: the row that sscam_engine_read_row() reads. */
sscam_status sscam_engine_write_weights(const sscam_engine_values *outputs, const float *logits,
                                        const sscam_target *target, float *weights);

#endif
