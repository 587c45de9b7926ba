// A host that uses libtorch itself: its settings change no number of the library, hold in its
// callbacks, and are as before afterwards.
#include <cfenv>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include <sscam/sscam.h>

#include "matrix/network_file.hpp"
#include "support/check_main.h"

int64_t device_questions = 0;

#ifndef LIBTORCH_HAS_CUDA
// What a libtorch with CUDA registers, on a machine without a device.
class CUDAHooks : public at::CUDAHooksInterface {
public:
    explicit CUDAHooks(at::CUDAHooksArgs) {}
    bool hasCUDA() const override
    {
        device_questions++;
        return false;
    }
};

namespace at {
REGISTER_CUDA_HOOKS(CUDAHooks)
}
#endif

namespace {

// --- the network and its explanation -------------------------------------------------------------

constexpr int64_t shape[] = {1, 3, 16, 16};

// Two outputs from branches of their own.
std::string network_file()
{
    torch::jit::Module network("network");
    const auto weights = [](std::vector<int64_t> sizes, double step) {
        int64_t count = 1;
        for (int64_t size : sizes)
            count *= size;
        return at::sin(at::arange(count, at::kFloat) * step).view(sizes).contiguous();
    };
    network.register_buffer("stem", weights({8, 3, 3, 3}, 0.7));
    network.register_buffer("left", weights({8, 8, 3, 3}, 0.31));
    network.register_buffer("right", weights({8, 8, 3, 3}, 0.53));
    network.register_buffer("left_head", weights({5, 8}, 0.9));
    network.register_buffer("right_head", weights({5, 8}, 1.1));
    network.define(R"(
        def forward(self, x):
            x = torch.relu(torch.conv2d(x, self.stem, None, [1, 1], [1, 1]))
            left = torch.tanh(torch.conv2d(x, self.left, None, [1, 1], [1, 1]))
            right = torch.sigmoid(torch.conv2d(x, self.right, None, [1, 1], [1, 1]))
            return (torch.linear(torch.mean(left, [2, 3]), self.left_head),
                    torch.linear(torch.mean(right, [2, 3]), self.right_head))
    )");
    return file_of(network);
}

std::string file_of_network; // written before the host sets anything

sscam_model *load_network()
{
    return load(file_of_network);
}

std::vector<float> image()
{
    std::vector<float> values(3 * 16 * 16);
    for (size_t i = 0; i < values.size(); i++)
        values[i] = static_cast<float>(i * 37 % 101) / 101.0f - 0.4f;
    return values;
}

// An image's values as the library takes them.
sscam_array array_of(const std::vector<float> &values)
{
    sscam_array array = SSCAM_ARRAY_INIT;
    array.data = values.data();
    array.shape = shape;
    array.rank = 4;
    return array;
}

struct Explanation {
    std::vector<float> map, weights;
    std::string layer;

    bool operator==(const Explanation &other) const
    {
        return map == other.map && weights == other.weights && layer == other.layer;
    }
};

using Options = std::vector<std::pair<const char *, const char *>>;

Explanation explain(sscam_model *model, const char *method, const Options &options,
                    sscam_progress_callback callback = nullptr, void *user = nullptr)
{
    sscam_explainer *explainer = nullptr;
    NEED(sscam_explainer_create(model, method, &explainer));
    for (const auto &[name, value] : options)
        NEED(sscam_explainer_set(explainer, name, value));
    if (callback)
        NEED(sscam_explainer_set_progress(explainer, callback, user));
    const int64_t classes[] = {2};
    sscam_map *map = nullptr;
    const std::vector<float> pixel_values = image();
    const sscam_array input = array_of(pixel_values);
    NEED(sscam_explain_array(explainer, &input, classes, &map));
    const size_t pixels = sscam_map_width(map) * sscam_map_height(map);
    const Explanation found = {
        {sscam_map_data(map), sscam_map_data(map) + pixels},
        {sscam_map_weights(map), sscam_map_weights(map) + sscam_map_channel_count(map)},
        sscam_map_layer(map)};
    sscam_map_unref(map);
    sscam_explainer_unref(explainer);
    return found;
}

std::vector<Explanation> explain_by_all(sscam_model *model)
{
    return {explain(model, "grad-cam", {}),
            explain(model, "score-cam", {{"calibrate", "off"}, {"workers", "1"}}),
            explain(model, "score-cam", {{"calibrate", "off"}, {"workers", "2"}}),
            explain(model, "ablation-cam", {})};
}

// --- what a host may have set --------------------------------------------------------------------

using Restore = std::shared_ptr<void>;

template <class Guard, class... Arguments>
Restore guard(Arguments... arguments)
{
    return std::make_shared<Guard>(arguments...);
}

Restore after(std::function<void()> undo)
{
    return Restore(nullptr, [undo](void *) { undo(); });
}

Restore use_autocast()
{
    c10::impl::tls_set_dispatch_key_excluded(c10::DispatchKey::AutocastCPU, false);
    return after(
        [] { c10::impl::tls_set_dispatch_key_excluded(c10::DispatchKey::AutocastCPU, true); });
}

Restore use_default_dtype_float64()
{
    c10::set_default_dtype(caffe2::TypeMeta::Make<double>());
    return after([] { c10::set_default_dtype(caffe2::TypeMeta::Make<float>()); });
}

// A network's own use of these would fail: no Python interpreter and no layer is there.
Restore use_key(c10::DispatchKey key)
{
    return guard<c10::impl::IncludeDispatchKeyGuard>(key);
}

Restore use_upward_rounding()
{
    std::fesetround(FE_UPWARD);
    return after([] { std::fesetround(FE_TONEAREST); });
}

struct HostSetting {
    const char *name;
    Restore (*use)();
};

const HostSetting host_settings[] = {
    {"gradients off", [] { return guard<c10::AutoGradMode>(false); }},
    {"inference mode", [] { return guard<c10::InferenceMode>(true); }},
    {"autocast", use_autocast},
    {"default dtype float64", use_default_dtype_float64},
    {"Python mode", [] { return use_key(c10::DispatchKey::Python); }},
    {"functorch", [] { return use_key(c10::DispatchKey::FuncTorchDynamicLayerFrontMode); }},
};
constexpr size_t setting_count = sizeof host_settings / sizeof host_settings[0];

struct State {
    bool gradients, inference;
    uint64_t included, excluded;
    caffe2::TypeMeta dtype;
    int rounding;

    bool operator==(const State &other) const
    {
        return gradients == other.gradients && inference == other.inference &&
               included == other.included && excluded == other.excluded && dtype == other.dtype &&
               rounding == other.rounding;
    }
};

State state()
{
    auto keys = c10::impl::tls_local_dispatch_key_set();
    return {c10::GradMode::is_enabled(), c10::InferenceMode::is_enabled(),
            keys.included_.raw_repr(),   keys.excluded_.raw_repr(),
            c10::get_default_dtype(),    std::fegetround()};
}

// --- tests ---------------------------------------------------------------------------------------

START_TEST(settings_of_the_host_change_no_number)
{
    const HostSetting &setting = host_settings[_i];
    sscam_model *clean = load_network();
    const std::vector<Explanation> wanted = explain_by_all(clean);
    sscam_model_unref(clean);

    const Restore restore = setting.use();
    const State before = state();
    sscam_model *model = load_network();
    const bool same = explain_by_all(model) == wanted;
    ck_assert_msg(state() == before, "%s is not what it was", setting.name);
    ck_assert_msg(same, "%s changes an explanation", setting.name);
    sscam_model_unref(model);
}
END_TEST

START_TEST(rounding_of_the_host_changes_no_logit)
{
    sscam_model *model = load_network();
    at::set_num_threads(1); // libtorch's other threads keep the rounding that they began with
    const std::vector<float> input = image();
    std::vector<float> wanted(5), found(5);
    int64_t classes = 0;
    const sscam_array array = array_of(input);
    NEED(sscam_model_classify(model, &array, wanted.data(), 5, &classes));
    const Restore restore = use_upward_rounding();
    NEED(sscam_model_classify(model, &array, found.data(), 5, &classes));
    ck_assert_int_eq(std::fegetround(), FE_UPWARD);
    ck_assert(found == wanted);
    sscam_model_unref(model);
}
END_TEST

START_TEST(nothing_is_traced)
{
    sscam_model *model = load_network();
    auto tracing = std::make_shared<torch::jit::tracer::TracingState>();
    torch::jit::tracer::setTracingState(tracing);
    const State before = state();
    explain(model, "grad-cam", {});
    ck_assert(torch::jit::tracer::getTracingState() == tracing);
    ck_assert(state() == before);
    torch::jit::tracer::setTracingState(nullptr);
    ck_assert(tracing->graph->nodes().begin() == tracing->graph->nodes().end());
    sscam_model_unref(model);
}
END_TEST

struct Reports {
    State state;
    int64_t count, differing;
};

int32_t compare_state(void *user, double)
{
    auto &reports = *static_cast<Reports *>(user);
    reports.count++;
    reports.differing += !(state() == reports.state);
    return 0;
}

// Workers have clean states of their own within the caller's.
START_TEST(callbacks_find_the_state_of_the_host)
{
    sscam_model *model = load_network();
    const Restore restore = host_settings[1].use(), also = use_autocast();
    for (const char *workers : {"1", "2"}) {
        Reports reports = {state(), 0, 0};
        explain(model, "score-cam", {{"workers", workers}}, compare_state, &reports);
        ck_assert_int_gt(reports.count, 0);
        ck_assert_int_eq(reports.differing, 0);
    }
    sscam_model_unref(model);
}
END_TEST

START_TEST(failures_leave_the_state_of_the_host)
{
    sscam_model *model = load_network();
    const Restore restore = host_settings[1].use();
    const State before = state();
    const int64_t wrong[] = {1, 4, 16, 16};
    sscam_layers *layers = nullptr;
    ck_assert_int_eq(sscam_model_layers(model, wrong, 4, &layers), SSCAM_E_MODEL);
    ck_assert(state() == before);
    sscam_model_unref(model);
}
END_TEST

START_TEST(the_default_layer_is_that_of_the_output)
{
    sscam_model *model = load_network();
    ck_assert_str_eq(explain(model, "grad-cam", {}).layer.c_str(), "tanh");
    ck_assert_str_eq(explain(model, "grad-cam", {{"output", "1"}}).layer.c_str(), "sigmoid");
    ck_assert_str_eq(explain(model, "grad-cam", {{"output", "0"}}).layer.c_str(), "tanh");
    sscam_model_unref(model);
}
END_TEST

START_TEST(the_version_and_the_cpu_ask_for_no_device)
{
    const int64_t before = device_questions;
    ck_assert_ptr_nonnull(strstr(sscam_build_info(), "\nCUDA: in this libtorch\n"));
    sscam_model_unref(load_network());
    ck_assert_int_eq(device_questions, before);
}
END_TEST

START_TEST(a_missing_device_is_told_from_a_missing_build)
{
    sscam_model *model = nullptr;
    ck_assert_int_eq(sscam_model_load_memory("x", 1, "cuda", &model), SSCAM_E_DEVICE);
    ck_assert_msg(strstr(sscam_last_error(), "there is no CUDA device"), "%s", sscam_last_error());
}
END_TEST

} // namespace

int main()
{
    file_of_network = network_file();
    Suite *suite = suite_create("thread state");
    TCase *all = tcase_create("all");
    tcase_add_test(all, the_version_and_the_cpu_ask_for_no_device);
    tcase_add_loop_test(all, settings_of_the_host_change_no_number, 0, setting_count);
    tcase_add_test(all, nothing_is_traced);
    tcase_add_test(all, callbacks_find_the_state_of_the_host);
    tcase_add_test(all, failures_leave_the_state_of_the_host);
    tcase_add_test(all, the_default_layer_is_that_of_the_output);
    tcase_add_test(all, a_missing_device_is_told_from_a_missing_build);
    tcase_add_test(all, rounding_of_the_host_changes_no_logit);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
