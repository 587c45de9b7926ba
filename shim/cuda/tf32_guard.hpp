// Whether a CUDA device may round the factors of float32 products to TF32.
#ifndef SSCAM_SHIM_CUDA_TF32_GUARD_HPP
#define SSCAM_SHIM_CUDA_TF32_GUARD_HPP

#include <optional>

#include <c10/core/Device.h>

namespace sscam {

// libtorch decides it by switches of the whole process, which it leaves on for convolutions, and
// reads when an operation is started. While one of these lives, the switches say `tf32`; when the
// last one of all threads ends, they are the host's again. Threads of one precision share them;
// those of the other wait, all in the order in which they came. One within another of the same
// thread has the precision that it names, too: the thread gives up the outer one's meanwhile. For
// the CPU it does nothing.
class Tf32Guard {
public:
    Tf32Guard(c10::Device device, bool tf32);
    ~Tf32Guard();
    Tf32Guard(const Tf32Guard &) = delete;
    Tf32Guard &operator=(const Tf32Guard &) = delete;

private:
    const std::optional<bool> outer_;
};

// While it lives, this thread's guard holds the switches no longer: for calls of the host's
// callbacks, which may wait for calls of other threads.
class Tf32Pause {
public:
    Tf32Pause();
    ~Tf32Pause();
    Tf32Pause(const Tf32Pause &) = delete;
    Tf32Pause &operator=(const Tf32Pause &) = delete;

private:
    const std::optional<bool> outer_;
};

// What the switches say.
struct Tf32Switches {
    bool convolutions, matrices;
};
Tf32Switches tf32_switches();

// How many threads wait for the switches, for tests.
int64_t tf32_waiting();

} // namespace sscam

#endif
