#include "graph/activation_capture.hpp"

#include <algorithm>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "graph/batch_axis.hpp"
#include "graph/dense_output.hpp"
#include "graph/target_value.hpp"
#include "graph/token_layout.hpp"
#include "graph/token_order.hpp"
#include "sscam/explainer.h"

namespace sscam {

namespace {

// Keeps the layer's output. With gradients wanted, a leaf replaces it: nothing before it is
// recorded by autograd, since no parameter requires gradients, and only what follows is
// differentiated. The network continues with a copy, which it may change in place.
class LayerTap : public Tap {
public:
    LayerTap(const InputForm &form, bool want_gradients)
        : form_(form), want_gradients_(want_gradients)
    {
    }

    at::Tensor pass(int64_t, const at::Tensor &value) override
    {
        if (value.is_quantized() || value.is_mkldnn()) {
            activations = value.is_mkldnn() ? value.to_dense() : value.dequantize();
            return value; // has no gradients
        }
        const bool lacks_batch = lacks_batch_axis(form_, value);
        activations = value.detach().clone();
        if (lacks_batch)
            activations = activations.unsqueeze(0);
        if (!want_gradients_ || !value.is_floating_point())
            return value;
        activations.requires_grad_(true);
        return lacks_batch ? activations.squeeze(0).clone() : activations.clone();
    }

    at::Tensor activations; // of the last call

private:
    const InputForm &form_;
    bool want_gradients_;
};

// dY/dA and, where it is wanted, the Hessian of Y by A times A; undefined where it is zero because
// the gradients do not depend on A.
struct Derivatives {
    at::Tensor gradients, curvature;
};

at::Tensor derivative(const at::Tensor &value, const at::Tensor &by, const at::Tensor &factors,
                      bool again)
{
    return torch::autograd::grad({value}, {by}, {factors}, /*retain_graph=*/again,
                                 /*create_graph=*/again, /*allow_unused=*/true)[0];
}

Derivatives derivatives_at(const LayerTap &tap, const at::Tensor &logits,
                           const sscam_target &target, const Layer &layer, bool want_curvature)
{
    const std::string where = "layer \"" + layer.name + "\": ";
    c10::AutoGradMode gradients(true);
    if (!tap.activations.requires_grad() || !logits.requires_grad())
        throw Error(
            SSCAM_E_LAYER,
            where +
                "the class scores do not depend on its output, or cannot be differentiated there");
    Derivatives found;
    found.gradients = derivative(target_value(logits, target), tap.activations, {}, want_curvature);
    if (!found.gradients.defined())
        throw Error(SSCAM_E_LAYER, where + "the class score does not depend on its output");
    if (want_curvature && found.gradients.requires_grad())
        found.curvature = derivative(found.gradients, tap.activations, tap.activations.detach(),
                                     false);
    if (want_curvature && !found.curvature.defined())
        found.curvature = at::zeros_like(tap.activations);
    found.gradients = found.gradients.detach();
    return found;
}

// Whether gradients of the logits reach the layer.
bool is_differentiable(const LayerTap &tap, const at::Tensor &logits)
{
    if (!tap.activations.defined() || !tap.activations.requires_grad() || !logits.requires_grad())
        return false;
    c10::AutoGradMode gradients(true);
    const auto found = torch::autograd::grad({logits.sum()}, {tap.activations}, {},
                                             /*retain_graph=*/true, /*create_graph=*/false,
                                             /*allow_unused=*/true);
    return found[0].defined();
}

void check_captured(const at::Tensor &activations, const Layer &layer)
{
    if (!activations.defined())
        throw Error(SSCAM_E_LAYER,
                    "layer \"" + layer.name + "\": the network did not run it on this input");
    if (activations.dim() > SSCAM_LAYER_MAX_RANK)
        throw Error(SSCAM_E_LAYER, "layer \"" + layer.name + "\" gives " +
                                       shape_text(activations.sizes()) +
                                       ", which has too many axes");
}

} // namespace

at::Tensor TokenOrder::applied(const at::Tensor &values) const
{
    if (tokens.empty())
        return values;
    const at::Tensor order = at::tensor(tokens, at::kLong).to(values.device());
    return at::cat(
        {values.narrow(axis, 0, extra),
         values.narrow(axis, extra, values.size(axis) - extra).index_select(axis, order)},
        axis);
}

TokenOrder token_order(Network &network, const Layer &layer, const at::Tensor &input,
                       const at::Tensor &activations, const std::string &output)
{
    if (!layer.may_be_rearranged)
        return {};
    sscam_activation_layout layout;
    const sscam_shape shape = shape_of_input(input.sizes());
    if (!sscam_find_activation_layout(layer.shape.data(), static_cast<int32_t>(layer.shape.size()),
                                      &shape, &layer.tokens, &layout))
        return {};
    TokenOrder order;
    order.axis = 3 - layout.batch_axis - layout.channel_axis;
    order.extra = layout.extra;
    const auto program = network.tapped_at(layer);
    const auto tokens_in = [&](const at::Tensor &values) {
        return values.narrow(order.axis, order.extra, values.size(order.axis) - order.extra)
            .select(layout.batch_axis, 0)
            .movedim(layout.channel_axis > order.axis ? 0 : 1, 0)
            .to(at::kFloat);
    };
    const auto tokens_of = [&](const at::Tensor &other) {
        const c10::AutoGradMode no_gradients(false);
        const auto tap = c10::make_intrusive<LayerTap>(*network.form(), false);
        try {
            run_for_logits(*program, other.clone(), tap, 0, output);
        } catch (const Error &) { // values decide whether the network takes an input
            return at::Tensor();
        }
        const at::Tensor &values = tap->activations;
        if (!values.defined() || values.sizes() != at::IntArrayRef(layer.shape))
            return at::Tensor();
        return tokens_in(values);
    };
    order.tokens = *network.token_order(layer, input, [&] {
        return find_token_order(input, layout.sides, tokens_in(activations.detach()), tokens_of,
                                layer.name);
    });
    return order;
}

const Layer &wanted_layer(const LayerTable &table, const char *name)
{
    if (name && *name != '\0') {
        if (const Layer *layer = table.find(name))
            return *layer;
        if (table.not_run.count(name) != 0)
            throw Error(SSCAM_E_LAYER, "layer \"" + std::string(name) +
                                           "\": the network did not run it on this input");
        struct sscam_layers list = exported(table);
        sscam_status status = sscam_fail_unknown_layer(name, &list);
        sscam_layers_release(&list);
        throw Reported(status);
    }
    if (table.default_index < 0 && !table.no_default.empty())
        throw Error(SSCAM_E_LAYER, table.no_default);
    if (table.default_index < 0)
        throw Error(SSCAM_E_LAYER, "the network has neither a feature map that its classifier uses "
                                   "nor tokens that an attention reads; name a layer");
    return table.layers[table.default_index];
}

void capture(Network &network, const sscam_capture_request &request, sscam_capture &out)
{
    const at::Tensor input = network.input_from(request.input, request.shape);
    auto table = network.layers(input, text_or_empty(request.output));
    const Layer &layer = wanted_layer(*table, request.layer);
    const bool want_gradients = request.want_gradients != 0;
    auto tap = c10::make_intrusive<LayerTap>(*network.form(), want_gradients);

    c10::AutoGradMode gradients(want_gradients);
    at::Tensor logits = run_for_logits(*network.tapped_at(layer), input.clone(), tap, 0,
                                       text_or_empty(request.output));
    check_captured(tap->activations, layer);
    if (want_gradients && network.detaches() && !is_differentiable(*tap, logits)) {
        // As torch.no_grad(), detach() says what is trained, not what the scores depend on.
        tap = c10::make_intrusive<LayerTap>(*network.form(), want_gradients);
        logits = run_for_logits(*network.tapped_at(layer, Detaching::PassedOn), input.clone(), tap,
                                0, text_or_empty(request.output));
        check_captured(tap->activations, layer);
    }
    sscam_target target = request.target;
    RowReader reader;
    HostTargetPixels pixels;
    HostArray<float> probability_copy;
    if (is_dense(logits)) {
        pixels = find_target_pixels(logits, request, target);
        target.target_pixels = pixels.get();
        probability_copy = host_copy(
            reader.rows(logits.detach(), pixels.get(), request.probability));
        logits = reader.rows(logits, pixels.get(), SSCAM_SCORE_LOGIT);
    }
    HostArray<float> logit_copy = host_copy(logits);
    throw_if_failed(sscam_resolve_target(&target, logit_copy.get(), logits.size(1)));
    const TokenOrder order = token_order(network, layer, input, tap->activations,
                                         text_or_empty(request.output));
    HostArray<float> gradient_copy, curvature_copy;
    if (want_gradients) {
        const Derivatives found = derivatives_at(*tap, logits, target, layer,
                                                 request.want_curvature != 0);
        gradient_copy = host_copy(order.applied(found.gradients));
        if (request.want_curvature)
            curvature_copy = host_copy(order.applied(found.curvature.detach()));
    }

    HostArray<char> name = host_string(layer.name);
    HostArray<float> activation_copy = host_copy(order.applied(tap->activations));
    out.layer = name.release();
    out.rank = static_cast<int32_t>(tap->activations.dim());
    std::copy(tap->activations.sizes().begin(), tap->activations.sizes().end(), out.shape);
    out.activations = activation_copy.release();
    out.gradients = gradient_copy.release();
    out.curvature = curvature_copy.release();
    out.logits = logit_copy.release();
    out.probabilities = probability_copy.release();
    out.target_pixels = pixels.release();
    out.class_count = logits.size(1);
    out.target = target;
    out.tokens = layer.tokens;
}

} // namespace sscam
