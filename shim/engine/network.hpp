// A loaded network: its module, its inlined graph, and what is computed once and kept.
#ifndef SSCAM_SHIM_ENGINE_NETWORK_HPP
#define SSCAM_SHIM_ENGINE_NETWORK_HPP

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "common/lru_cache.hpp"
#include "cuda/device_inputs.hpp"
#include "graph/graph_tap.hpp"
#include "graph/layer_table.hpp"
#include "model/backend.h"

namespace sscam {

class Scorer;

class Network {
public:
    // Reads a TorchScript file. `device`: its name; NULL: the CPU.
    Network(const sscam_byte_source &source, const char *device);
    // The same network, which shares weights and graph, with its inputs given as told.
    Network(const Network &other, const sscam_input_form &form);
    ~Network();

    const std::string &name() const { return name_; }
    const std::string &device_name() const { return device_name_; }
    c10::Device device() const { return device_; }
    const torch::jit::Module &module() const { return module_; }
    const std::shared_ptr<const InputForm> &form() const { return graph_->form(); }
    const sscam_network_facts &facts() const { return facts_; }

    // A copy of the caller's float32 array on the network's device; it may be one of
    // device_inputs().
    at::Tensor input_from(const float *values, const sscam_shape &shape) const;

    // run_for_logits() on the plain program, one by one where that is not sure to take so many.
    at::Tensor classify(const at::Tensor &input, const std::string &output = {}) const;

    // How logits become the network's outputs; SSCAM_SCORE_LOGIT: they are its outputs.
    sscam_score_kind final_activation() const { return graph_->final_activation(); }

    // Throws where two runs on one input differ, by random numbers that the network draws.
    void check_repeats(const at::Tensor &input, const std::string &output) const;

    // The layers that run on one input, and the default layer of an output, which is named as for
    // run_for_logits(). Kept for the shapes used last, or the inputs used last where values decide
    // what runs.
    std::shared_ptr<const LayerTable> layers(const at::Tensor &input, const std::string &output);

    // The same for some input of that shape.
    std::shared_ptr<const LayerTable> layers_of_shape(sscam_shape shape, const std::string &output);

    // The program with a tap at a layer. Kept for the layers used last.
    std::shared_ptr<const Program> tapped_at(const Layer &layer,
                                             Detaching detaching = Detaching::Kept);

    // The program whose values of a kind go through a GradientTap. Kept.
    std::shared_ptr<const Program> gradient_program(sscam_gradient_kind kind, Detaching detaching);
    // The program with taps at the attention of each block and at the tokens after it, where
    // insert_attention_notes() has been. Kept for the shapes used last.
    std::shared_ptr<const Program> attention_program(const Transformer &transformer,
                                                     Detaching detaching);
    // The program with taps at the marks of which `wanted` is true. It is not kept.
    std::shared_ptr<const Program> program_at(const std::function<bool(int64_t)> &wanted,
                                              Detaching detaching) const
    {
        return graph_->program(wanted, detaching);
    }

    // The tensors that the network returns for one input, kept for the shapes used last: their
    // names and shapes, and the activation that each has lost, as sscam_backend::outputs() tells
    // it.
    struct Returned {
        Output output;
        std::string kind;
    };
    std::shared_ptr<const std::vector<Returned>> outputs(const at::Tensor &input);

    // Whether forward() detaches values from their gradients.
    bool detaches() const { return graph_->detaches(); }

    // What find() gives for the layer and the input, which is kept for those used last.
    using TokenOrder = std::vector<int64_t>;
    std::shared_ptr<const TokenOrder> token_order(const Layer &layer, const at::Tensor &input,
                                                  const std::function<TokenOrder()> &find);

    // The program without a tap.
    const std::shared_ptr<const Program> &plain() const { return plain_; }

    Scorer &scorer(sscam_precision precision);

    // A network of its own whose last `layers` modules with parameters, in the order in which the
    // module lists them, have normal random ones of each tensor's mean and standard deviation; -1:
    // all. `randomised` receives how many have.
    std::unique_ptr<Network> randomised(int64_t layers, int64_t seed, int64_t &randomised) const;
    // Inputs of calls in progress that lie on the network's device.
    DeviceInputs &device_inputs() { return device_inputs_; }
    const DeviceInputs &device_inputs() const { return device_inputs_; }

private:
    Network(const Network &like, const torch::jit::Module &module);
    void prepare();
    std::string raw_selection(const at::Tensor &input);

    std::string name_;
    c10::Device device_;
    std::string device_name_;
    torch::jit::Module module_;
    sscam_network_facts facts_;
    bool takes_one_input_ = false; // a program of torch.export with a batch of one
    std::unique_ptr<MarkedGraph> graph_;
    std::shared_ptr<const Program> plain_;
    std::map<sscam_precision, std::unique_ptr<Scorer>> scorers_; // one a precision, all made first

    DeviceInputs device_inputs_;

    std::mutex mutex_; // guards the members below
    // By the input's shape and, where they matter, the hash of its values; and by output.
    using LayersKey = std::tuple<std::vector<int64_t>, uint64_t, std::string>;
    LruCache<LayersKey, std::shared_ptr<const LayerTable>> layers_;
    LruCache<std::pair<std::string, Detaching>, std::shared_ptr<const Program>> tapped_;
    LruCache<std::pair<std::string, uint64_t>, std::shared_ptr<const TokenOrder>> token_orders_;
    std::map<std::pair<sscam_gradient_kind, Detaching>, std::shared_ptr<const Program>>
        gradient_programs_;
    LruCache<std::pair<std::set<int64_t>, Detaching>, std::shared_ptr<const Program>>
        attention_programs_;
    LruCache<std::vector<int64_t>, std::shared_ptr<const std::vector<Returned>>> outputs_;
};

// Runs a program and selects the logits from its outputs: [rows, classes] or, if there are none,
// dense ones, [rows, classes, h, w], as read_logits() does. A failure inside the network becomes
// an Error that names the input's shape; std::bad_alloc and failures of the device pass through.
// `rows` 0: as many as the input has; a tap may make more of them. `wanted`: position or name of
// the output; empty: the first of a suitable shape.
at::Tensor run_for_logits(const Program &program, const at::Tensor &input,
                          const c10::intrusive_ptr<Tap> &tap = {}, int64_t rows = 0,
                          const std::string &wanted = {});

// The same with all outputs. The logits are as the network gives them: of any number format.
struct NetworkRun {
    c10::IValue output;
    at::Tensor logits;
    size_t taken; // number of the tensor among the outputs that holds the logits
};
c10::IValue run_for_output(const Program &program, const at::Tensor &input,
                           const c10::intrusive_ptr<Tap> &tap = {});
NetworkRun run_network(const Program &program, const at::Tensor &input,
                       const c10::intrusive_ptr<Tap> &tap, int64_t rows, const std::string &wanted);

// "" for NULL.
inline std::string text_or_empty(const char *text)
{
    return text ? text : "";
}

// A shape as libtorch takes it.
std::vector<int64_t> sizes_of(const sscam_shape &shape);

// One input as that many equal rows, which share its memory.
at::Tensor spread_over(const at::Tensor &one, int64_t rows);

// The channels-last memory format of rank 4 or 5: memory in the order of [N,H,W,C] or [N,D,H,W,C].
at::MemoryFormat channels_last(int64_t rank);

// "[1, 3, 224, 224]"
std::string shape_text(c10::IntArrayRef shape);

} // namespace sscam

#endif
