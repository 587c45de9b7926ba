#include "common/thread_state.hpp"

#include <new>
#include <utility>

#include <ATen/PythonTorchFunctionTLS.h>
#include <ATen/SavedTensorHooks.h>
#include <c10/core/AutogradState.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/core/impl/PythonDispatcherTLS.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include "common/log_queue.hpp"

namespace sscam {

namespace tracer = torch::jit::tracer;
using at::functorch::functorchTLSAccessor;

namespace {

class LogWarnings : public c10::WarningHandler {
public:
#if SSCAM_TORCH_WARNING_OBJECTS
    void process(const c10::Warning &warning) override
    {
        log(warning.msg());
    }
#else
    void process(const c10::SourceLocation &, const std::string &text, const bool) override
    {
        log(text);
    }
#endif

private:
    static void log(const std::string &text)
    {
        log_message(SSCAM_LOG_WARNING, [&] { return "libtorch: " + text; });
    }
};

// Never destroyed: a thread of the host may still run when the process exits.
c10::WarningHandler *log_warnings()
{
    static c10::WarningHandler *const handler = new LogWarnings;
    return handler;
}

thread_local CleanThreadState *innermost = nullptr;

// Autocast, inference mode, functorch, tracing and Python modes each are dispatch keys, too.
void set_default_dispatch_keys()
{
    c10::impl::PODLocalDispatchKeySet keys = {};
    keys.set_included(c10::default_included_set);
    keys.set_excluded(c10::default_excluded_set);
    c10::impl::_force_tls_local_dispatch_key_set(keys);
}

void set_autograd(bool gradients)
{
    c10::AutogradState state = c10::AutogradState::get_tls_state();
    state.set_grad_mode(gradients);
    state.set_inference_mode(false);
    state.set_fw_grad_mode(true);
    c10::AutogradState::set_tls_state(std::move(state));
}

void leave_python_modes()
{
    c10::impl::TorchDispatchModeTLS::set_state(c10::impl::TorchDispatchModeTLS());
    c10::impl::PythonDispatcherTLS::reset_state();
    at::impl::PythonTorchFunctionTLS::set_state(at::impl::PythonTorchFunctionTLS());
}

} // namespace

SavedThreadState::SavedThreadState()
{
    take_all_but_libtorch();
    try {
        torch_.emplace();
    } catch (...) {
        functorchTLSAccessor() = std::move(functorch_);
        throw;
    }
}

void SavedThreadState::take_all_but_libtorch() noexcept
{
    std::fegetenv(&floating_point_);
    functorch_ = std::move(functorchTLSAccessor());
    tracing_ = tracer::getTracingState();
    warnings_ = torch_warnings::get_warning_handler();
}

void SavedThreadState::update() noexcept
{
    take_all_but_libtorch();
    try {
        torch_ = at::ThreadLocalState();
    } catch (const std::bad_alloc &) {
    }
}

// libtorch's part resets functorch's, which therefore follows.
void SavedThreadState::restore() noexcept
{
    tracer::setTracingState(std::move(tracing_));
    at::ThreadLocalState::setThreadLocalState(*torch_);
    torch_warnings::set_warning_handler(warnings_);
    functorchTLSAccessor() = std::move(functorch_);
    std::fesetenv(&floating_point_);
}

CleanThreadState::CleanThreadState(bool gradients) : outer_(innermost)
{
    std::fesetenv(FE_DFL_ENV);
    torch_warnings::set_warning_handler(log_warnings());
    tracer::setTracingState(nullptr);
    set_default_dispatch_keys();
    set_autograd(gradients);
    leave_python_modes();
    at::SavedTensorDefaultHooks::set_tls_state(at::impl::SavedTensorDefaultHooksTLS());
    innermost = this;
}

CleanThreadState::~CleanThreadState()
{
    innermost = outer_;
}

CleanThreadState *CleanThreadState::outermost()
{
    CleanThreadState *state = this;
    while (state->outer_)
        state = state->outer_;
    return state;
}

HostThreadState::HostThreadState() : innermost_(innermost)
{
    if (innermost_) {
        clean_.emplace();
        innermost_->outermost()->saved_.restore();
    }
    innermost = nullptr;
}

HostThreadState::~HostThreadState()
{
    innermost = innermost_;
    if (innermost_)
        innermost_->outermost()->saved_.update();
}

} // namespace sscam
