#include "graph/detection_layer.hpp"

#include <map>
#include <set>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/guard.hpp"

namespace sscam {

namespace {

// Keeps the values of several layers, as autograd knows them. Those that depend on none before them
// become leaves.
class LayersTap : public Tap {
public:
    explicit LayersTap(std::map<int64_t, size_t> layer_of_mark)
        : layer_of_mark_(std::move(layer_of_mark))
    {
    }

    at::Tensor pass(int64_t mark, const at::Tensor &value) override
    {
        if (!value.is_floating_point() || value.is_mkldnn())
            return value;
        const at::Tensor kept = value.requires_grad() ? value
                                                      : value.detach().clone().requires_grad_(true);
        values[layer_of_mark_.at(mark)] = kept;
        return kept.clone(); // the network may change it in place
    }

    std::map<size_t, at::Tensor> values; // by the number of the layer; of the last call

private:
    const std::map<int64_t, size_t> layer_of_mark_;
};

at::Tensor sum_of(const at::Tensor &row, const int64_t *positions, int64_t count)
{
    const at::Tensor indices =
        at::from_blob(const_cast<int64_t *>(positions), {count}, at::kLong).to(row.device());
    return row.index_select(0, indices).sum();
}

std::vector<bool> dependence_of(const at::Tensor &value, const std::vector<at::Tensor> &on)
{
    std::vector<bool> depends(on.size(), false);
    if (!value.requires_grad())
        return depends;
    const auto gradients = torch::autograd::grad({value}, on, {}, /*retain_graph=*/true,
                                                 /*create_graph=*/false, /*allow_unused=*/true);
    for (size_t i = 0; i < on.size(); i++)
        depends[i] = gradients[i].defined() && gradients[i].count_nonzero().item<int64_t>() > 0;
    return depends;
}

bool any_of(const std::vector<bool> &values)
{
    for (const bool value : values)
        if (value)
            return true;
    return false;
}

// Number of the last of the layers on which the scores and sides depend; -1: there is none.
int64_t find_layer(Network &network, const at::Tensor &input, const sscam_anchor_request &request,
                   const std::map<int64_t, size_t> &layer_of_mark, Detaching detaching)
{
    const auto program = network.program_at(
        [&](int64_t mark) { return layer_of_mark.count(mark) != 0; }, detaching);
    const auto tap = c10::make_intrusive<LayersTap>(layer_of_mark);
    const c10::AutoGradMode gradients(true);
    const at::Tensor row =
        run_for_logits(*program, input.clone(), tap, 0, text_or_empty(request.output)).select(0, 0);
    std::vector<at::Tensor> values;
    std::vector<size_t> layers;
    for (const auto &[layer, value] : tap->values) {
        layers.push_back(layer);
        values.push_back(value);
    }
    const auto by_scores = dependence_of(sum_of(row, request.scores, request.score_count), values);
    auto by_sides = dependence_of(sum_of(row, request.sides, request.side_count), values);
    if (!any_of(by_sides))
        by_sides.assign(values.size(), true);
    for (size_t i = values.size(); i-- > 0;)
        if (by_scores[i] && by_sides[i])
            return static_cast<int64_t>(layers[i]);
    return -1;
}

} // namespace

std::string find_detection_layer(Network &network, const sscam_anchor_request &request)
{
    const at::Tensor input = network.input_from(request.input, request.shape);
    const auto table = network.layers(input, text_or_empty(request.output));
    std::map<int64_t, size_t> layer_of_mark;
    for (size_t i = 0; i < table->layers.size(); i++)
        if (table->layers[i].is_map_before_weights)
            for (const int64_t mark : table->layers[i].marks)
                layer_of_mark[mark] = i;
    // In the order of capture(), so that what is found has gradients there.
    int64_t found = find_layer(network, input, request, layer_of_mark, Detaching::Kept);
    if (found < 0 && network.detaches())
        found = find_layer(network, input, request, layer_of_mark, Detaching::PassedOn);
    if (found >= 0)
        return table->layers[found].name;
    throw Error(SSCAM_E_LAYER,
                "the gradients of the detection's score are 0 at every feature map, as those of a "
                "saturated sigmoid are, whose confidence is 0 or 1; name a layer and a method "
                "without gradients, such as score-cam");
}

} // namespace sscam
