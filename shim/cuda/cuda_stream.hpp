// On which of a card's streams the library works.
#ifndef SSCAM_SHIM_CUDA_CUDA_STREAM_HPP
#define SSCAM_SHIM_CUDA_CUDA_STREAM_HPP

#include <optional>

#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace sscam {

// Work of this thread goes to the card's default stream while this lives, whatever stream and card
// the host program works on: all that the library does with a card is in one order, by whichever
// thread. Nothing for the processor.
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
