// The forms in which libtorch can run a network that is only to be evaluated.
#ifndef SSCAM_SHIM_SCORE_MODEL_VARIANT_HPP
#define SSCAM_SHIM_SCORE_MODEL_VARIANT_HPP

#include <memory>
#include <vector>

#include "graph/graph_tap.hpp"
#include "masks/masked_input.h"

namespace sscam {

class Network;

// What a network computes in: elements of a type, with products in TF32 or not.
struct Precision {
    at::ScalarType type = at::kFloat;
    bool tf32 = false;

    bool is_exact() const { return type == at::kFloat && !tf32; }
};

struct ScoringForm {
    const char *name;
    sscam_memory_format layout; // of the batches that it is given
    Precision precision;
    std::shared_ptr<const Program> program;
};

// The network as it is: the form that always works.
std::shared_ptr<const ScoringForm> plain_form(std::shared_ptr<const Program> plain);

// Frozen, with its weights in channels-last order, and converted by optimize_for_inference, at a
// precision; those that can be made. Whether they give the network's numbers is for the caller to
// check. `*lacked_memory`: whether there would have been more.
std::vector<std::shared_ptr<const ScoringForm>>
optimised_forms(const Network &network, Precision precision, bool *lacked_memory);

} // namespace sscam

#endif
