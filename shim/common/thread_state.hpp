// libtorch's state of a thread: part of it changes what operations compute. The host sets it for
// its own work, and the library neither follows nor changes it.
#ifndef SSCAM_SHIM_COMMON_THREAD_STATE_HPP
#define SSCAM_SHIM_COMMON_THREAD_STATE_HPP

#include <cfenv>
#include <memory>
#include <optional>

#include <ATen/FuncTorchTLS.h>
#include <ATen/ThreadLocalState.h>

#include "common/libtorch_versions.hpp"

namespace torch::jit::tracer {
struct TracingState;
}

namespace sscam {

// The thread's state as it was at construction, set again by the destructor. Tracing, warnings and
// the floating-point environment belong to it, and functorch's layers, which leave the thread.
class SavedThreadState {
public:
    SavedThreadState();
    ~SavedThreadState() { restore(); }
    SavedThreadState(const SavedThreadState &) = delete;
    SavedThreadState &operator=(const SavedThreadState &) = delete;

    // Takes no memory of the library: destructors call it.
    void restore() noexcept;

    // Saves the present state instead. Without memory for libtorch's part of it, that part stays as
    // it was saved before.
    void update() noexcept;

private:
    void take_all_but_libtorch() noexcept;

    // libtorch's part does not hold functorch's layers, which it could only copy.
    std::unique_ptr<at::functorch::FuncTorchTLSBase> functorch_;
    std::optional<at::ThreadLocalState> torch_;
    std::shared_ptr<torch::jit::tracer::TracingState> tracing_;
    c10::WarningHandler *warnings_;
    std::fenv_t floating_point_;
};

// While it lives, operations of this thread compute what they compute in a new thread: no autocast,
// inference mode, Python mode, functorch transform, tracing or hooks on saved tensors; gradients
// are recorded if `gradients` says so, warnings become messages of the log, floating-point numbers
// are rounded to nearest and denormal ones kept. The host's state holds again afterwards,
// exceptions included. Every worker thread needs one of its own. They nest.
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

    // The one that keeps the host's state.
    CleanThreadState *outermost();

    SavedThreadState saved_; // the host's state, or that of a CleanThreadState around this one
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
    std::optional<SavedThreadState> clean_;
};

} // namespace sscam

#endif
