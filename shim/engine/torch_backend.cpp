#include "engine/torch_backend.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <torch/csrc/api/include/torch/version.h>

#include "base/log.h"
#include "common/forked_child.hpp"
#include "common/guard.hpp"
#include "common/host_array.hpp"
#include "cuda/cuda_stream.hpp"
#include "cuda/tf32_guard.hpp"
#include "engine/network.hpp"
#include "graph/activation_capture.hpp"
#include "graph/attention_gradients.hpp"
#include "graph/dense_output.hpp"
#include "graph/detection_layer.hpp"
#include "graph/whole_gradients.hpp"
#include "load/module_loader.hpp"
#include "load/operator_library.hpp"
#include "score/calibration.hpp"
#include "score/channel_ablation.hpp"
#include "score/scorer.hpp"

namespace sscam {

namespace {

Network &as_network(void *handle)
{
    return *static_cast<Network *>(handle);
}

template <class Body>
sscam_status guarded_on(void *handle, Body &&body,
                        sscam_precision precision = SSCAM_PRECISION_FP32) noexcept
{
    Network &network = as_network(handle);
    return guarded(network.name().c_str(), SSCAM_E_MODEL, [&] {
        const ForkSafeCall call;
        const OnDefaultStream stream(network.device());
        const Tf32Guard tf32(network.device(), precision == SSCAM_PRECISION_TF32);
        body(network);
    });
}

const char *build_info()
{
    return has_cuda_half() ? "libtorch: " TORCH_VERSION "\nCUDA: in this libtorch"
                           : "libtorch: " TORCH_VERSION "\nCUDA: not in this libtorch";
}

sscam_status load(const sscam_byte_source *source, const char *device, void **network)
{
    return guarded(source->name, SSCAM_E_MODEL, [&] {
        const ForkSafeCall call;
        const OnDefaultStream stream(device_named(device));
        *network = new Network(*source, device);
    });
}

void destroy(void *handle)
{
    delete static_cast<Network *>(handle);
}

const char *device(const void *handle)
{
    return static_cast<const Network *>(handle)->device_name().c_str();
}

sscam_score_kind final_activation(const void *handle)
{
    return static_cast<const Network *>(handle)->final_activation();
}

sscam_status layers(void *handle, const sscam_shape *shape, const char *output,
                    struct sscam_layers *out)
{
    return guarded_on(handle, [&](Network &network) {
        *out = exported(*network.layers_of_shape(*shape, text_or_empty(output)));
    });
}

sscam_status classify(void *handle, const float *input, const sscam_shape *shape,
                      const sscam_output_selection *reading, float **logits, int64_t *class_count)
{
    return guarded_on(handle, [&](Network &network) {
        const at::Tensor values = network.input_from(input, *shape);
        network.check_repeats(values, text_or_empty(reading->output));
        at::Tensor found = network.classify(values, text_or_empty(reading->output));
        if (reading->is_dense)
            *reading->is_dense = is_dense(found);
        *logits =
            host_copy(RowReader().rows(found, reading->target_pixels, reading->kind)).release();
        *class_count = found.size(1);
    });
}

sscam_status capture_layer(void *handle, const sscam_capture_request *request, sscam_capture *out)
{
    return guarded_on(handle, [&](Network &network) { capture(network, *request, *out); });
}

sscam_status differentiate(void *handle, const sscam_gradient_request *request,
                           sscam_gradients *out)
{
    return guarded_on(handle, [&](Network &network) {
        if (request->kind == SSCAM_GRADIENTS_OF_ATTENTION)
            find_attention_gradients(network, *request, *out);
        else
            find_gradients(network, *request, *out);
    });
}

sscam_status score(void *handle, const sscam_score_request *request, float *scores)
{
    const sscam_precision precision = request->scoring.precision;
    return guarded_on(
        handle, [&](Network &network) { network.scorer(precision).score(*request, scores); },
        precision);
}

sscam_status ablate_layer(void *handle, const sscam_ablation_request *request, float *scores)
{
    return guarded_on(handle, [&](Network &network) { ablate(network, *request, scores); });
}

sscam_status with_inputs(const void *handle, const sscam_input_form *form, void **out)
{
    const Network &network = *static_cast<const Network *>(handle);
    return guarded(network.name().c_str(), SSCAM_E_MODEL, [&] {
        const ForkSafeCall call;
        const OnDefaultStream stream(network.device());
        *out = new Network(network, *form);
    });
}

void describe(const void *handle, sscam_network_facts *facts)
{
    *facts = static_cast<const Network *>(handle)->facts();
}

sscam_status prepare(void *handle, const sscam_score_request *request)
{
    const sscam_precision precision = request->scoring.precision;
    return guarded_on(
        handle, [&](Network &network) { network.scorer(precision).prepare(*request); }, precision);
}

sscam_status give_calibration(void *handle, char **text)
{
    return guarded_on(handle, [&](Network &network) {
        *text = host_string(calibration_text(network)).release();
    });
}

sscam_status take_calibration(void *handle, const char *text)
{
    return guarded_on(handle, [&](Network &network) {
        if (text)
            set_calibration(network, text);
        else
            reset_calibration(network);
    });
}

sscam_status randomise_network(void *handle, int64_t layers, int64_t seed, int64_t *randomised,
                               void **out)
{
    return guarded_on(handle, [&](Network &network) {
        *out = network.randomised(layers, seed, *randomised).release();
    });
}

sscam_status load_library(const char *path)
{
    return guarded(path, SSCAM_E_IO, [&] {
        const ForkSafeCall call;
        load_operator_library(path);
    });
}

sscam_status hold_device_input(void *handle, const sscam_cuda_array *array,
                               const sscam_shape * /*shape*/, const float **values,
                               int32_t *is_finite)
{
    return guarded_on(handle, [&](Network &network) {
        const at::Tensor held = network.device_inputs().hold(*array, network.device());
        const float *address = held.data_ptr<float>();
        try {
            *is_finite = at::isfinite(held).all().item<bool>();
        } catch (...) {
            network.device_inputs().release(address);
            throw;
        }
        *values = address;
    });
}

// What fails here fails no call: the results are there.
void release_device_input(void *handle, const float *values)
{
    try {
        const ForkSafeCall call;
        as_network(handle).device_inputs().release(values);
    } catch (...) {
        sscam_log(SSCAM_LOG_ERROR, "%s: %s", as_network(handle).name().c_str(),
                  current_reason().c_str());
    }
}

sscam_status read_device_input(void *handle, const float *values, int64_t count, float *out)
{
    return guarded_on(handle, [&](Network &network) {
        const at::Tensor copy = network.device_inputs().find(values, count).to(at::kCPU);
        std::copy_n(copy.data_ptr<float>(), count, out);
    });
}

sscam_status list_outputs_of(void *handle, const float *input, const sscam_shape *shape,
                             struct sscam_layers *out)
{
    return guarded_on(handle, [&](Network &network) {
        const auto returned = network.outputs(network.input_from(input, *shape));
        LayerTable table;
        for (const Network::Returned &one : *returned)
            table.outputs.push_back(one.output);
        std::vector<HostArray<char>> kinds;
        for (const Network::Returned &one : *returned)
            kinds.push_back(host_string(one.kind));
        *out = exported(table);
        for (size_t i = 0; i < kinds.size(); i++)
            out->output[i].kind = kinds[i].release();
    });
}

sscam_status detection_layer(void *handle, const sscam_anchor_request *request, char **layer)
{
    return guarded_on(handle, [&](Network &network) {
        *layer = host_string(find_detection_layer(network, *request)).release();
    });
}

} // namespace

} // namespace sscam

const sscam_backend *sscam_torch_backend(void)
{
    static const sscam_backend backend = {
        sscam::build_info,
        sscam::load,
        sscam::destroy,
        sscam::device,
        sscam::layers,
        sscam::classify,
        sscam::capture_layer,
        sscam::score,
        sscam::ablate_layer,
        sscam::describe,
        sscam::prepare,
        sscam::give_calibration,
        sscam::take_calibration,
        sscam::load_library,
        sscam::final_activation,
        sscam::randomise_network,
        sscam::hold_device_input,
        sscam::release_device_input,
        sscam::read_device_input,
        sscam::with_inputs,
        sscam::differentiate,
        sscam::list_outputs_of,
        sscam::detection_layer,
    };
    return &backend;
}
