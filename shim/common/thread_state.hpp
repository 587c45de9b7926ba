// libtorch's state of a thread: part of it changes what operations compute. The host sets it for
// its own work, and the library neither follows nor changes it.
#ifndef SSCAM_SHIM_COMMON_THREAD_STATE_HPP
#define SSCAM_SHIM_COMMON_THREAD_STATE_HPP

#include <cfenv>
#include <memory>

#include <ATen/FuncTorchTLS.h>
#include <ATen/ThreadLocalState.h>

#include "common/libtorch_versions.hpp"

namespace torch::jit::tracer {
struct TracingState;
}

namespace sscam {

// While it lives, operations of this thread compute what they compute in a new thread: no autocast,
// inference mode, Python mode, functorch transform, tracing or hooks on saved tensors; gradients
// are recorded if `gradients` says so, warnings are dropped, floating-point numbers are rounded to
// nearest and denormal ones kept. The host's state holds again afterwards, exceptions included.
// Every worker thread needs one of its own. They nest.
//
// What libtorch has once for the process stays as the host set it: anomaly mode, which changes no
// number, and the default dtype, which no tensor of the library depends on.
class CleanThreadState {
public:
    explicit CleanThreadState(bool gradients = false);
    ~CleanThreadState();
    CleanThreadState(const CleanThreadState &) = delete;
    CleanThreadState &operator=(const CleanThreadState &) = delete;

private:
    friend class HostThreadState;

    // Swaps the thread's state with the one kept here.
    void exchange();

    // The one that keeps the host's state.
    CleanThreadState *outermost();

    // The state that the thread is not in: the host's, or the clean one in a HostThreadState.
    std::unique_ptr<at::functorch::FuncTorchTLSBase> functorch_;
    at::ThreadLocalState torch_;
    std::shared_ptr<torch::jit::tracer::TracingState> tracing_;
    c10::WarningHandler *warnings_;
    std::fenv_t floating_point_;

    CleanThreadState *const outer_;
};

// While it lives, the host's state holds again within a CleanThreadState of this thread: for calls
// of the host's callbacks.
class HostThreadState {
public:
    HostThreadState();
    ~HostThreadState();
    HostThreadState(const HostThreadState &) = delete;
    HostThreadState &operator=(const HostThreadState &) = delete;

private:
    CleanThreadState *const innermost_;
};

} // namespace sscam

#endif
