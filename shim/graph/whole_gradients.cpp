#include "graph/whole_gradients.hpp"

#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "graph/batch_axis.hpp"
#include "graph/dense_output.hpp"
#include "graph/gradient_taps.hpp"
#include "graph/target_value.hpp"

namespace sscam {

namespace {

// A run of the network and its gradients; those of values that the target does not depend on are
// undefined.
struct Backward {
    at::Tensor value, input;
    std::vector<GradientTap::Kept> kept;
    std::vector<at::Tensor> gradients; // by the values that were kept
};

Backward run_backward(Network &network, const at::Tensor &input,
                      const sscam_gradient_request &request, Detaching detaching)
{
    const auto tap = c10::make_intrusive<GradientTap>();
    const auto program = network.gradient_program(request.kind, detaching);
    const c10::AutoGradMode gradients(true);
    const at::Tensor leaf = input.clone().requires_grad_(true);
    at::Tensor logits = run_for_logits(*program, leaf.clone(), tap, 0,
                                       text_or_empty(request.output));
    if (is_dense(logits))
        logits = RowReader().rows(logits, request.target->target_pixels, SSCAM_SCORE_LOGIT);
    Backward found;
    found.value = target_value(logits, *request.target);
    found.kept = tap->kept;
    if (!found.value.requires_grad())
        return found;
    std::vector<at::Tensor> by = {leaf};
    for (const GradientTap::Kept &kept : found.kept)
        by.push_back(kept.value);
    std::vector<at::Tensor> all = torch::autograd::grad(
        {found.value}, by, {}, /*retain_graph=*/false, /*create_graph=*/false,
        /*allow_unused=*/true);
    found.input = all[0];
    found.gradients.assign(all.begin() + 1, all.end());
    return found;
}

// The gradient of a layer's output times its bias, with a batch axis; undefined where the target
// does not depend on the output, or the output has other axes than the input.
at::Tensor biased_gradient(const GradientTap::Kept &kept, at::Tensor gradient,
                           const InputForm &form, int64_t rank)
{
    if (!gradient.defined())
        return {};
    if (lacks_batch_axis(form, kept.value))
        gradient = gradient.unsqueeze(0);
    if (gradient.dim() != rank)
        return {};
    if (gradient.size(0) != 1)
        throw Error(SSCAM_E_UNSUPPORTED, "the network runs a layer with a bias on " +
                                             shape_text(kept.value.sizes()) +
                                             ", of which more than one row belongs to the input");
    std::vector<int64_t> by_channel(rank, 1);
    by_channel[1] = -1;
    return gradient * kept.bias.to(gradient.scalar_type()).reshape(by_channel);
}

sscam_sides sides_of(const at::Tensor &map)
{
    const int64_t rank = map.dim();
    return {rank > 4 ? map.size(rank - 3) : 1, rank > 3 ? map.size(rank - 2) : 1,
            map.size(rank - 1)};
}

struct ReleaseGradients {
    void operator()(sscam_gradients *gradients) const { sscam_gradients_release(gradients); }
};

} // namespace

void find_gradients(Network &network, const sscam_gradient_request &request, sscam_gradients &out)
{
    const at::Tensor input = network.input_from(request.input, request.shape);
    Backward found = run_backward(network, input, request, Detaching::Kept);
    if (!found.input.defined() && network.detaches())
        found = run_backward(network, input, request, Detaching::PassedOn);
    if (!found.input.defined())
        throw Error(SSCAM_E_UNSUPPORTED,
                    "the class score cannot be differentiated by the network's input");
    sscam_gradients result = {};
    const std::unique_ptr<sscam_gradients, ReleaseGradients> owner(&result);
    result.value = found.value.item<double>();
    result.input = host_copy(found.input).release();
    result.maps = host_array<sscam_gradient_map>(found.kept.size()).release();
    for (size_t i = 0; i < found.kept.size(); i++) {
        const at::Tensor map = biased_gradient(found.kept[i], found.gradients[i], *network.form(),
                                               input.dim());
        if (!map.defined())
            continue;
        sscam_gradient_map &to = result.maps[result.map_count];
        to.values = host_copy(map).release();
        to.channels = map.size(1);
        to.sides = sides_of(map);
        result.map_count++;
    }
    out = result;
    result = {};
}

} // namespace sscam
