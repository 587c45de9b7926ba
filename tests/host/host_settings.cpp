#include "host_settings.hpp"

#include <cfenv>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <sstream>

#include <dlfcn.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/functorch/DynamicLayer.h>
#include <c10/core/DefaultDtype.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/autograd/anomaly_mode.h>

#include "explanations.hpp"

namespace {

Undo undo(const std::function<void()> &action)
{
    return Undo(nullptr, [action](void *) { action(); });
}

/* --- libtorch --------------------------------------------------------------------------------- */

bool is_autocast_on()
{
#if TORCH_VERSION_MAJOR >= 2
    return at::autocast::is_autocast_enabled(at::kCPU);
#else
    return at::autocast::is_cpu_enabled();
#endif
}

void set_autocast(bool on)
{
#if TORCH_VERSION_MAJOR >= 2
    at::autocast::set_autocast_enabled(at::kCPU, on);
#else
    at::autocast::set_cpu_enabled(on);
#endif
}

Undo turn_on_autocast()
{
    set_autocast(true);
    return undo([] { set_autocast(false); });
}

Undo turn_on_float64()
{
    const caffe2::TypeMeta before = c10::get_default_dtype();
    c10::set_default_dtype(caffe2::TypeMeta::fromScalarType(at::kDouble));
    return undo([before] { c10::set_default_dtype(before); });
}

Undo turn_on_inference_mode()
{
    return std::make_shared<c10::InferenceMode>(true);
}

Undo turn_off_gradients()
{
    return std::make_shared<c10::AutoGradMode>(false);
}

Undo turn_on_vmap()
{
    at::functorch::initAndPushDynamicLayer(at::functorch::TransformType::Vmap, 3,
                                           at::functorch::RandomnessType::Error);
    return undo([] { at::functorch::popDynamicLayerAndDeleteMetadata(); });
}

Undo turn_on_grad_transform()
{
    at::functorch::initAndPushDynamicLayer(at::functorch::TransformType::Grad, c10::nullopt,
                                           c10::nullopt, true);
    return undo([] { at::functorch::popDynamicLayerAndDeleteMetadata(); });
}

Undo turn_on_anomaly_mode()
{
    torch::autograd::AnomalyMode::set_enabled(true);
    return undo([] { torch::autograd::AnomalyMode::set_enabled(false); });
}

/* --- the C library and the processor ---------------------------------------------------------- */

Undo turn_on_locale(const char *name)
{
    require(std::setlocale(LC_ALL, name) != nullptr, std::string("no locale ") + name);
    return undo([] { std::setlocale(LC_ALL, "C"); });
}

Undo turn_on_comma_locale()
{
    return turn_on_locale("de_DE.UTF-8");
}

Undo turn_on_arabic_locale()
{
    return turn_on_locale("ps_AF.UTF-8");
}

unsigned read_mxcsr()
{
#if defined(__SSE__)
    return _mm_getcsr();
#else
    return 0;
#endif
}

// Small numbers become zero, as operands and as results.
Undo turn_on_flush_to_zero()
{
#if defined(__SSE__)
    const unsigned before = _mm_getcsr();
    _mm_setcsr(before | 0x8040);
    return undo([before] { _mm_setcsr(before); });
#else
    return nullptr;
#endif
}

Undo turn_on_rounding_up()
{
    std::fesetround(FE_UPWARD);
    return undo([] { std::fesetround(FE_TONEAREST); });
}

std::string signal_handlers()
{
    std::ostringstream text;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action {};
        if (sigaction(number, nullptr, &action) == 0)
            text << reinterpret_cast<void *>(action.sa_sigaction) << ' ' << action.sa_flags << ' ';
    }
    return text.str();
}

std::string environment()
{
    std::string text;
    for (char **entry = environ; *entry; entry++)
        text += std::string(*entry) + '\n';
    return text;
}

int openmp_threads()
{
    auto *read = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "omp_get_max_threads"));
    return read ? read() : 0;
}

} // namespace

const std::vector<Setting> &all_settings()
{
    static const std::vector<Setting> settings = {
        {"float64", turn_on_float64},
        {"comma_locale", turn_on_comma_locale},
        {"arabic_locale", turn_on_arabic_locale},
        {"anomaly_mode", turn_on_anomaly_mode},
        {"autocast", turn_on_autocast},
        {"no_gradients", turn_off_gradients},
        {"inference_mode", turn_on_inference_mode},
        {"vmap", turn_on_vmap},
        {"grad_transform", turn_on_grad_transform},
        {"flush_to_zero", turn_on_flush_to_zero},
    };
    return settings;
}

const Setting &rounding_up()
{
    static const Setting setting = {"rounding_up", turn_on_rounding_up};
    return setting;
}

SettingsOn::SettingsOn(const std::vector<Setting> &settings)
{
    for (const Setting &setting : settings)
        undo_.push_back(setting.turn_on());
}

SettingsOn::~SettingsOn()
{
    while (!undo_.empty())
        undo_.pop_back();
}

HostState read_host_state()
{
    return {
        {"autocast", std::to_string(is_autocast_on())},
        {"default dtype", std::string(c10::get_default_dtype().name())},
        {"gradient mode", std::to_string(c10::GradMode::is_enabled())},
        {"inference mode", std::to_string(c10::InferenceMode::is_enabled())},
        {"functorch layers", std::to_string(at::functorch::getDynamicLayerStack().size())},
        {"anomaly mode", std::to_string(torch::autograd::AnomalyMode::is_enabled())},
        {"threads of libtorch", std::to_string(at::get_num_threads())},
        {"threads of OpenMP", std::to_string(openmp_threads())},
        {"locale", std::setlocale(LC_ALL, nullptr)},
        {"rounding", std::to_string(std::fegetround())},
        {"MXCSR", std::to_string(read_mxcsr() & ~0x3FU)}, // without the flags of past exceptions
        {"signal handlers", signal_handlers()},
        {"environment", environment()},
    };
}

void require_same_state(const HostState &after, const HostState &before)
{
    for (const auto &[name, value] : before)
        require(after.at(name) == value, "the host's " + name + " was " + value.substr(0, 80) +
                                             " and is " + after.at(name).substr(0, 80));
}
