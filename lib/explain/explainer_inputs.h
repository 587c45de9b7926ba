/* How explainers give a network its inputs. */
#ifndef SSCAM_LIB_EXPLAIN_EXPLAINER_INPUTS_H
#define SSCAM_LIB_EXPLAIN_EXPLAINER_INPUTS_H

#include "model/input_array.h"
#include "sscam/explainer.h"

/* How the network of an explainer takes what is explained. May be called before a call begins:
 * `function` is named where the explainer's settings are being changed. */
sscam_status sscam_describe_input(const sscam_explainer *explainer, const char *function,
                                  sscam_input_description *out);

/* Makes `model` of all explainers of a call the one whose inputs are given as they say, by their
 * options and sscam_explainer_set_input(). SSCAM_E_ARGUMENT where they differ; then, and on any
 * failure, the call must not go on. */
sscam_status sscam_apply_inputs(sscam_explainer *const *explainers, int64_t count,
                                const char *function);

#endif
