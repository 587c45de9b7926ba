// The variants of a network that libtorch can run where no gradients are needed.
#ifndef SSCAM_SHIM_SCORE_MODEL_VARIANT_HPP
#define SSCAM_SHIM_SCORE_MODEL_VARIANT_HPP

#include <memory>
#include <string>
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

struct ModelVariant {
    const char *name;
    const char *name_one_by_one; // where batches change the outputs of their rows
    sscam_memory_format layout;  // of its input batches
    Precision precision;
    std::shared_ptr<const Program> program;
    std::string choices = {}; // how each convolution is computed, where it was chosen

    // The name and the choices: what a calibration calls it.
    std::string form() const { return choices.empty() ? name : name + (" " + choices); }
};

struct ModelVariants {
    // The plain one first, where the precision has it; the one that is likely to be the fastest
    // last.
    std::vector<std::shared_ptr<const ModelVariant>> list;
    bool lacked_memory = false;             // for more of them
    bool has_measured_convolutions = false; // whether what needs an input to be made was tried
};

// The network as it was loaded, which always works.
std::shared_ptr<const ModelVariant> plain_variant(std::shared_ptr<const Program> plain);

// The graph that variants are made from: forward() of a frozen module, without a final activation.
std::shared_ptr<torch::jit::Graph> scoring_graph(const torch::jit::Module &frozen);

// The network at a precision: plain, frozen, with its weights in channels-last order, and converted
// by optimize_for_inference; those that can be made. Whether they compute what the network computes
// is for the caller to check. Throws an Error where there is none.
ModelVariants make_variants(const Network &network, Precision precision);

} // namespace sscam

#endif
