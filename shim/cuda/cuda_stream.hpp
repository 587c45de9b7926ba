// The CUDA stream that the library works on.
#ifndef SSCAM_SHIM_CUDA_CUDA_STREAM_HPP
#define SSCAM_SHIM_CUDA_CUDA_STREAM_HPP

#include <optional>

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace sscam {

// While it lives, work of this thread goes to the device's default stream, whatever stream and
// device the host works on, so that the library's work of all threads is in one order. For the CPU
// it does nothing.
class OnDefaultStream {
public:
    explicit OnDefaultStream(c10::Device device)
    {
        if (device.is_cpu())
            return;
        stream_ = c10::impl::VirtualGuardImpl(device.type()).getDefaultStream(device);
        guard_.emplace(*stream_);
    }

    const std::optional<c10::Stream> &stream() const { return stream_; }

private:
    std::optional<c10::Stream> stream_;
    std::optional<c10::StreamGuard> guard_;
};

} // namespace sscam

#endif
