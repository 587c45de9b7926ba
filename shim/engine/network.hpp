// A loaded network: its module, its inlined graph, and what was found out about it.
#ifndef SSCAM_SHIM_ENGINE_NETWORK_HPP
#define SSCAM_SHIM_ENGINE_NETWORK_HPP

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/lru_cache.hpp"
#include "graph/graph_tap.hpp"
#include "graph/layer_table.hpp"
#include "model/backend.h"

namespace sscam {

class Scorer;

class Network {
public:
    // Reads a TorchScript file for the device that `device` names (NULL: the CPU).
    Network(const sscam_byte_source &source, const char *device);
    ~Network();

    const std::string &name() const { return name_; }
    const std::string &device_name() const { return device_name_; }
    c10::Device device() const { return device_; }
    const torch::jit::Module &module() const { return module_; }

    // A copy of the caller's float32 array on the network's device.
    at::Tensor input_from(const float *values, const sscam_shape &shape) const;

    // Logits of the plain network, as of run_for_logits().
    at::Tensor classify(const at::Tensor &input, const std::string &output = {}) const;

    // Layers for one input of that shape, and the default one for an output, as of
    // run_for_logits(); found once.
    std::shared_ptr<const LayerTable> layers(sscam_shape shape, const std::string &output);

    // The program with a tap at a layer; made once.
    std::shared_ptr<const Program> tapped_at(const Layer &layer);

    // The program without a tap.
    const std::shared_ptr<const Program> &plain() const { return plain_; }

    Scorer &scorer(sscam_precision precision);

private:
    std::string name_;
    c10::Device device_;
    std::string device_name_;
    torch::jit::Module module_;
    std::unique_ptr<MarkedGraph> graph_;
    std::shared_ptr<const Program> plain_;
    std::map<sscam_precision, std::unique_ptr<Scorer>> scorers_; // none is added later

    std::mutex mutex_; // of what follows
    LruCache<std::pair<std::vector<int64_t>, std::string>, std::shared_ptr<const LayerTable>>
        layers_; // by shape and output
    LruCache<std::string, std::shared_ptr<const Program>> tapped_;
};

// Runs a program and picks the logits from what it returns: [rows, classes] or, where there are
// none such, dense ones, [rows, classes, h, w]. A failure inside the network becomes an Error that
// names the input's shape; running out of memory stays what it is. `rows` 0: as many as the input
// has; a tap may make more of them. `wanted` names the output, by position or name; empty: the
// first that can be.
at::Tensor run_for_logits(const Program &program, const at::Tensor &input,
                          const c10::intrusive_ptr<Tap> &tap = {}, int64_t rows = 0,
                          const std::string &wanted = {});

// "" for NULL.
inline std::string text_or_empty(const char *text)
{
    return text ? text : "";
}

// The numbers of a shape, as libtorch takes them.
std::vector<int64_t> sizes_of(const sscam_shape &shape);

// One input, or one value of a layer, as so many equal rows that share its memory.
at::Tensor spread_over(const at::Tensor &one, int64_t rows);

// The channels-last order of a rank that has one: memory of [N,H,W,C] or [N,D,H,W,C].
at::MemoryFormat channels_last(int64_t rank);

// "[1, 3, 224, 224]"
std::string shape_text(c10::IntArrayRef shape);

} // namespace sscam

#endif
