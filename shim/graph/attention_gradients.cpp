#include "graph/attention_gradients.hpp"

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "graph/activation_capture.hpp"
#include "graph/attention_taps.hpp"
#include "graph/target_value.hpp"

namespace sscam {

namespace {

using Block = AttentionTap::Block;

[[noreturn]] void refuse(const std::string &reason)
{
    throw Error(SSCAM_E_UNSUPPORTED, reason + "; grad-cam explains such networks, too");
}

std::string number_of(size_t block, const Transformer &transformer)
{
    return std::to_string(block + 1) + " of " + std::to_string(transformer.blocks.size());
}

at::Tensor gradient_of(const at::Tensor &value, const at::Tensor &by, const at::Tensor &factors)
{
    if (!value.requires_grad())
        return {};
    return torch::autograd::grad({value}, {by}, {factors}, /*retain_graph=*/false,
                                 /*create_graph=*/false, /*allow_unused=*/true)[0];
}

// One forward pass, and what of it is differentiated by parts.
class LayeredGradients {
public:
    LayeredGradients(Network &network, const sscam_gradient_request &request,
                     const Transformer &transformer, const at::Tensor &input, Detaching detaching)
        : request_(request), transformer_(transformer), input_(input),
          program_(network.attention_program(transformer, detaching)),
          tap_(c10::make_intrusive<AttentionTap>(transformer))
    {
        run(tap_);
        for (size_t i = 0; i < tap_->blocks.size(); i++)
            check(tap_->blocks[i], number_of(i, transformer));
    }

    const at::Tensor &last_tokens() const { return tap_->blocks.back().tokens; }

    // s of a block.
    double value() const { return value_; }

    // Mean over heads and queries of ReLU(ds/dA): [tokens]; undefined where autograd finds none.
    at::Tensor of_block(size_t number)
    {
        const Block &block = tap_->blocks[number];
        const at::Tensor by_tokens = gradient_by_tokens(block.tokens);
        if (!by_tokens.defined())
            return {};
        at::Tensor gradient = gradient_of(block.tokens, block.attention, by_tokens);
        if (!gradient.defined())
            return {};
        if (block.values.defined()) // of O = A V: dY/dA = dY/dO V^T
            gradient = at::matmul(gradient, block.values.detach().transpose(-2, -1));
        const int64_t tokens = transformer_.token_count;
        return gradient.relu().reshape({-1, tokens}).mean(0).to(at::kFloat);
    }

private:
    at::Tensor run(const c10::intrusive_ptr<Tap> &tap) const
    {
        at::Tensor logits = run_for_logits(*program_, input_.clone(), tap, 0,
                                           text_or_empty(request_.output));
        if (logits.dim() != 2)
            refuse("the network's output is not one row of class scores");
        return logits;
    }

    void check(const Block &block, const std::string &number) const
    {
        const int64_t tokens = transformer_.token_count;
        if (!block.attention.defined() || !block.tokens.defined())
            refuse("the network did not run self-attention " + number + " on this input");
        const int64_t rank = block.attention.dim();
        if (rank < 3 || (block.axis != -1 && block.axis != rank - 1))
            refuse("the softmax of attention " + number + " is not one over its keys");
        const at::Tensor &columns = block.values.defined() ? block.values : block.attention;
        const int64_t keys = columns.size(block.values.defined() ? -2 : -1);
        if (keys != tokens || block.attention.size(-2) != tokens ||
            (block.values.defined() && block.values.sizes() != block.attention.sizes()))
            refuse("attention " + number + " does not relate all of its " + std::to_string(tokens) +
                   " tokens to each other in each of its heads");
    }

    // ds/dZ where all tokens after the last block are the mean of Z.
    at::Tensor gradient_by_tokens(const at::Tensor &tokens)
    {
        const at::Tensor mean =
            tokens.detach().mean(transformer_.token_axis, /*keepdim=*/true).requires_grad_(true);
        const auto tap = c10::make_intrusive<TokenTap>(transformer_.blocks.back().tokens, mean);
        const at::Tensor value = target_value(run(tap), *request_.target);
        const at::Tensor by_mean = gradient_of(value, mean, {});
        value_ = value.item<double>();
        return by_mean.defined() ? (by_mean / transformer_.token_count).expand_as(tokens)
                                 : at::Tensor();
    }

    const sscam_gradient_request &request_;
    const Transformer &transformer_;
    const at::Tensor input_;
    const std::shared_ptr<const Program> program_;
    const c10::intrusive_ptr<AttentionTap> tap_;
    double value_ = 0.0;
};

size_t first_block(const Transformer &transformer, int64_t count)
{
    const auto all = static_cast<int64_t>(transformer.blocks.size());
    if (count > all)
        throw Error(SSCAM_E_ARGUMENT, "option attention_blocks: " + std::to_string(count) +
                                          ", but the network has " + std::to_string(all) +
                                          " blocks with self-attention");
    return static_cast<size_t>(count > 0 ? all - count : 0);
}

// Of each block from `first` on; empty where autograd finds none.
std::vector<at::Tensor> gradients_from(size_t first, LayeredGradients &layered, size_t count)
{
    std::vector<at::Tensor> found;
    for (size_t i = first; i < count; i++) {
        at::Tensor gradient = layered.of_block(i);
        if (!gradient.defined())
            return {};
        found.push_back(std::move(gradient));
    }
    return found;
}

// In the order of the grid.
at::Tensor in_order(const TokenOrder &order, const Transformer &transformer,
                    const at::Tensor &gradient)
{
    if (order.tokens.empty())
        return gradient;
    if (order.axis != transformer.token_axis)
        refuse("where the tokens of layer \"" + transformer.layer + "\" lie is not certain");
    std::vector<int64_t> shape(3, 1);
    shape[transformer.token_axis] = transformer.token_count;
    return order.applied(gradient.reshape(shape)).reshape({-1});
}

struct ReleaseGradients {
    void operator()(sscam_gradients *gradients) const { sscam_gradients_release(gradients); }
};

} // namespace

void find_attention_gradients(Network &network, const sscam_gradient_request &request,
                              sscam_gradients &out)
{
    const at::Tensor input = network.input_from(request.input, request.shape);
    const std::string output = text_or_empty(request.output);
    const auto table = network.layers(input, output);
    const Transformer &transformer = table->transformer;
    const size_t count = transformer.blocks.size();
    if (count == 0)
        refuse(transformer.reason);
    const Layer *layer = table->find(transformer.layer);
    if (!layer)
        refuse("the tokens after the last block have no name");
    const size_t first = first_block(transformer, request.block_count);

    const c10::AutoGradMode with_gradients(true);
    std::vector<at::Tensor> found;
    at::Tensor tokens;
    sscam_gradients result = {};
    for (const Detaching detaching : {Detaching::Kept, Detaching::PassedOn}) {
        if (!found.empty() || (detaching == Detaching::PassedOn && !network.detaches()))
            continue;
        LayeredGradients layered(network, request, transformer, input, detaching);
        found = gradients_from(first, layered, count);
        tokens = layered.last_tokens().detach();
        result.value = layered.value();
    }
    if (found.empty())
        refuse("the class score cannot be differentiated by the network's attention");

    const TokenOrder order = token_order(network, *layer, input, tokens, output);
    const std::unique_ptr<sscam_gradients, ReleaseGradients> owner(&result);
    result.tokens = layer->tokens;
    result.maps = host_array<sscam_gradient_map>(found.size()).release();
    for (const at::Tensor &gradient : found) {
        const at::Tensor ordered = in_order(order, transformer, gradient);
        result.maps[result.map_count++] = {
            1, {1, 1, transformer.token_count}, host_copy(ordered).release()};
    }
    out = result;
    result = {};
}

} // namespace sscam
