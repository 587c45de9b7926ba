// No exception and no change of the thread's state leaves the shim: every entry point runs inside
// guarded().
#ifndef SSCAM_SHIM_COMMON_GUARD_HPP
#define SSCAM_SHIM_COMMON_GUARD_HPP

#include <stdexcept>
#include <string>

#include <c10/util/Exception.h>

#include "common/log_queue.hpp"
#include "common/thread_state.hpp"
#include "sscam/status.h"

namespace sscam {

// An error that the shim itself found.
class Error : public std::runtime_error {
public:
    Error(sscam_status status, const std::string &message)
        : std::runtime_error(message), status_(status)
    {
    }
    sscam_status status() const { return status_; }

private:
    sscam_status status_;
};

// An error of the C core, which has set its message.
class Reported : public std::exception {
public:
    explicit Reported(sscam_status status) : status_(status) {}
    sscam_status status() const { return status_; }

private:
    sscam_status status_;
};

inline void throw_if_failed(sscam_status status)
{
    if (status != SSCAM_OK)
        throw Reported(status);
}

// The first line of an error of libtorch, without traces through the TorchScript source.
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
// memory or devices.
sscam_status fail_with_current_exception(const char *subject, sscam_status otherwise) noexcept;

template <class Body>
sscam_status guarded(const char *subject, sscam_status otherwise, Body &&body) noexcept
{
    const LogQueue log; // outside of the clean state, whose end gives the host its own back
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
