// The variant of a network whose convolutions are the library's own where they are faster.
#ifndef SSCAM_SHIM_SCORE_WINOGRAD_VARIANT_HPP
#define SSCAM_SHIM_SCORE_WINOGRAD_VARIANT_HPP

#include <memory>
#include <string>

#include "score/model_variant.hpp"
#include "score/scoring_plan.hpp"

namespace sscam {

// Chooses how each convolution is computed by measuring it on the reference input, in batches of
// `rows`. None where the network has no convolution that the library computes faster, or where it
// cannot be run that way; `lacked_memory` then tells whether memory ran out.
std::shared_ptr<const ModelVariant> measured_winograd_variant(const ModelVariants &variants,
                                                              const ReferenceInput &reference,
                                                              int64_t rows, bool *lacked_memory);

// The variant that form() names. None where the name is not of one, or does not fit the network.
std::shared_ptr<const ModelVariant> named_winograd_variant(const ModelVariants &variants,
                                                           const std::string &form);

} // namespace sscam

#endif
