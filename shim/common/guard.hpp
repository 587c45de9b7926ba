// Nothing that C++ or libtorch does may leak into C: every entry point runs inside guarded().
#ifndef SSCAM_SHIM_COMMON_GUARD_HPP
#define SSCAM_SHIM_COMMON_GUARD_HPP

#include <stdexcept>
#include <string>

#include <c10/util/Exception.h>

#include "common/thread_state.hpp"
#include "sscam/status.h"

namespace sscam {

// A failure that the shim itself has found, on its way to the entry point.
class Refusal : public std::runtime_error {
public:
    Refusal(sscam_status status, const std::string &message)
        : std::runtime_error(message), status_(status)
    {
    }
    sscam_status status() const { return status_; }

private:
    sscam_status status_;
};

// A failure whose message is set already: a status of the C core passing through C++.
class Reported : public std::exception {
public:
    explicit Reported(sscam_status status) : status_(status) {}
    sscam_status status() const { return status_; }

private:
    sscam_status status_;
};

// What libtorch says, in one line: no backtrace, no trace through the TorchScript source.
std::string first_line_of(const std::string &torch_message);

// first_line_of() the exception being handled. Call it in a catch block only.
std::string current_reason();

// Whether the exception being handled says that host or device memory ran out. Call it in a catch
// block only.
bool memory_ran_out();

// Whether it says that a device, not the network, failed. Call it in a catch block only.
bool device_failed();

// Sets the thread's message from the exception being handled and returns the status. `subject`
// begins messages that come from libtorch, `otherwise` is the status of failures that are not about
// memory.
sscam_status fail_with_current_exception(const char *subject, sscam_status otherwise) noexcept;

template <class Body>
sscam_status guarded(const char *subject, sscam_status otherwise, Body &&body) noexcept
{
    try {
        const CleanThreadState state;
        body();
        return SSCAM_OK;
    } catch (...) {
        return fail_with_current_exception(subject, otherwise);
    }
}

} // namespace sscam

#endif
