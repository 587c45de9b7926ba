// A convolution of a frozen network with the addition of a residual and the ReLU that follow it, as
// one operator of TorchScript.
#ifndef SSCAM_SHIM_CONVOLUTION_FUSED_CONVOLUTION_HPP
#define SSCAM_SHIM_CONVOLUTION_FUSED_CONVOLUTION_HPP

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/custom_class.h>

#include "convolution/convolution.h"

namespace sscam {

// How a convolution is computed: a character of the text that names the choices of a network.
enum class ConvolutionChoice : char {
    libtorch = 't',
    direct = 'd',
    winograd_2 = '2',
    winograd_4 = '4',
};

// Two dimensions, float32, one group, dilation 1.
struct ConvolutionLayer {
    at::Tensor weight; // [outputs, inputs, height, width]
    at::Tensor bias;   // [outputs], or undefined
    sscam_convolution_geometry geometry;
    bool relu;
};

class FusedConvolution;

// Decides, when a layer runs first, how it is computed.
class ConvolutionChooser {
public:
    virtual ~ConvolutionChooser() = default;
    virtual void choose(FusedConvolution &convolution, const at::Tensor &input,
                        const at::Tensor &residual) = 0;
};

// Chooses what is fastest for layers and inputs, by running each once or twice on this thread.
// Equal layers are measured once.
class ConvolutionTimer : public ConvolutionChooser {
public:
    void choose(FusedConvolution &convolution, const at::Tensor &input,
                const at::Tensor &residual) override;

private:
    using Key = std::tuple<std::vector<int64_t>, std::vector<int64_t>, bool, bool>;

    ConvolutionChoice measure(FusedConvolution &convolution, const at::Tensor &input,
                              const at::Tensor &residual);

    // Operations a second, at most, of those that save no multiplications; 0: none ran.
    double direct_rate_ = 0.0;
    std::map<Key, ConvolutionChoice> known_;
};

// Any number of threads may run it once its choice is made.
class FusedConvolution : public torch::CustomClassHolder {
public:
    explicit FusedConvolution(ConvolutionLayer layer);

    // relu(convolution(input) + bias + residual), channels-last. Whatever the library's own code
    // does not compute, libtorch does: other ranks and types, residuals of other shapes. `residual`
    // may be undefined.
    at::Tensor run(const at::Tensor &input, const at::Tensor &residual);

    const ConvolutionLayer &layer() const { return layer_; }
    ConvolutionChoice choice() const { return choice_; }

    // Whether the layer can be computed that way on this processor.
    bool is_possible(ConvolutionChoice choice) const;

    // Throws std::bad_alloc where there is no memory for the weights; the choice is then unchanged.
    void choose(ConvolutionChoice choice);

    // The next run chooses; none: from then on, runs keep to the choice.
    void choose_with(ConvolutionChooser *chooser) { chooser_ = chooser; }

private:
    using Code = std::shared_ptr<const sscam_convolution>;

    bool takes(const at::Tensor &input, const at::Tensor &residual) const;
    at::Tensor run_libtorch(const at::Tensor &input, const at::Tensor &residual) const;
    at::Tensor run_own(const at::Tensor &input, const at::Tensor &residual) const;

    const ConvolutionLayer layer_;
    ConvolutionChooser *chooser_ = nullptr;
    ConvolutionChoice choice_ = ConvolutionChoice::libtorch;
    Code code_;                  // null: libtorch's
    at::Tensor libtorch_weight_; // channels-last, where the choice is libtorch's
};

// The operator as a node before `next`, which is not inserted into another graph. `residual` may be
// null.
torch::jit::Node *insert_convolution(const c10::intrusive_ptr<FusedConvolution> &convolution,
                                     torch::jit::Value *input, torch::jit::Value *residual,
                                     torch::jit::Node *next);

} // namespace sscam

#endif
