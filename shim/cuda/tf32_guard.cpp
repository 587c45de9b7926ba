#include "cuda/tf32_guard.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <string>

#include <ATen/Context.h>

#include "common/libtorch_versions.hpp"

namespace sscam {

namespace {

// The switches that all versions of libtorch have. Newer ones refuse to read them where the host
// uses the newer ones: such a switch stays as it is.
struct OldSwitches {
    std::optional<bool> convolutions;
    std::optional<at::Float32MatmulPrecision> matrices;
};

template <class Read>
auto if_readable(const Read &read) -> std::optional<decltype(read())>
{
    try {
        return read();
    } catch (...) {
        return std::nullopt;
    }
}

OldSwitches old_switches()
{
    const at::Context &context = at::globalContext();
    return {if_readable([&] { return context.allowTF32CuDNN(); }),
            if_readable([&] { return context.float32MatmulPrecision(); })};
}

// Unlike setAllowTF32CuBLAS(), which leaves settings behind that newer versions call contradictory.
void set_matrices(at::Float32MatmulPrecision to)
{
    at::globalContext().setFloat32MatmulPrecision(
        to == at::Float32MatmulPrecision::HIGHEST ? "highest"
        : to == at::Float32MatmulPrecision::HIGH  ? "high"
                                                  : "medium");
}

#if SSCAM_TORCH_PRECISION_BY_OPERATION

// Those of single operations, which decide; one that is not set follows more general ones.
#if SSCAM_TORCH_PRECISION_ENUMERATIONS
using Operation = at::Float32Op;
using Setting = at::Float32Precision;
constexpr auto backend = at::Float32Backend::CUDA;
constexpr std::array<Operation, 3> operations = {Operation::CONV, Operation::RNN,
                                                 Operation::MATMUL};
constexpr Setting tf32_setting = Setting::TF32, exact_setting = Setting::IEEE,
                  no_setting = Setting::NONE;
#else
using Operation = const char *;
using Setting = std::string;
constexpr const char *backend = "cuda";
constexpr std::array<Operation, 3> operations = {"conv", "rnn", "matmul"};
constexpr const char *tf32_setting = "tf32", *exact_setting = "ieee", *no_setting = "none";
#endif

using NewSwitches = std::array<Setting, 3>;

NewSwitches new_switches()
{
    NewSwitches found;
    for (size_t i = 0; i < operations.size(); i++)
        found[i] = at::globalContext().float32Precision(backend, operations[i]);
    return found;
}

void set_new_switches(bool tf32)
{
    for (Operation operation : operations)
        at::globalContext().setFloat32Precision(backend, operation,
                                                tf32 ? tf32_setting : exact_setting);
}

// Sets only those that would otherwise not read as before.
void restore_new_switches(const NewSwitches &old)
{
    for (size_t i = 0; i < operations.size(); i++) {
        at::globalContext().setFloat32Precision(backend, operations[i], no_setting);
        if (at::globalContext().float32Precision(backend, operations[i]) != old[i])
            at::globalContext().setFloat32Precision(backend, operations[i], old[i]);
    }
}

#else

struct NewSwitches {};
NewSwitches new_switches()
{
    return {};
}
void set_new_switches(bool) {}
void restore_new_switches(const NewSwitches &) {}

#endif

struct AllSwitches {
    OldSwitches older = old_switches();
    NewSwitches newer = new_switches();
};

void set_switches(const AllSwitches &host, bool tf32)
{
    if (host.older.convolutions)
        at::globalContext().setAllowTF32CuDNN(tf32);
    if (host.older.matrices)
        set_matrices(tf32 ? at::Float32MatmulPrecision::HIGH : at::Float32MatmulPrecision::HIGHEST);
    set_new_switches(tf32);
}

// libtorch has accepted these settings before, so that it does not refuse them now.
void restore_switches(const AllSwitches &host) noexcept
{
    try {
        if (host.older.convolutions)
            at::globalContext().setAllowTF32CuDNN(*host.older.convolutions);
        if (host.older.matrices)
            set_matrices(*host.older.matrices);
        restore_new_switches(host.newer);
    } catch (...) {
    }
}

// Who may compute: threads of one precision at a time, admitted in the order of their tickets.
class SwitchOwners {
public:
    // Throws only where libtorch refuses the settings; then the switches are the host's and the
    // caller owns nothing.
    void acquire(bool tf32)
    {
        std::unique_lock<std::mutex> lock(mutex_);
        const int64_t ticket = tickets_++;
        changed_.wait(lock, [&] { return ticket == admitted_ && (owners_ == 0 || tf32_ == tf32); });
        admitted_++;
        changed_.notify_all();
        if (owners_ == 0)
            take_over(tf32);
        owners_++;
    }

    void release()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        if (--owners_ > 0)
            return;
        restore_switches(*host_);
        changed_.notify_all();
    }

    int64_t waiting()
    {
        std::lock_guard<std::mutex> lock(mutex_);
        return tickets_ - admitted_;
    }

private:
    void take_over(bool tf32)
    {
        host_.emplace();
        tf32_ = tf32;
        try {
            set_switches(*host_, tf32);
        } catch (...) {
            restore_switches(*host_);
            throw;
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int64_t tickets_ = 0, admitted_ = 0, owners_ = 0;
    bool tf32_ = false;
    std::optional<AllSwitches> host_;
};

// Never destroyed: a thread of the host may still compute when the process exits.
SwitchOwners &owners()
{
    static SwitchOwners *const all = new SwitchOwners;
    return *all;
}

// The precision for which this thread owns the switches, if any.
thread_local std::optional<bool> owned;

// Gives up what the thread owns before it waits, so that no two threads wait for each other.
void own(std::optional<bool> wanted)
{
    if (owned == wanted)
        return;
    if (owned) {
        owned.reset();
        owners().release();
    }
    if (wanted) {
        owners().acquire(*wanted);
        owned = wanted;
    }
}

void own_again(std::optional<bool> outer) noexcept
{
    try {
        own(outer);
    } catch (...) { // the settings were accepted before
    }
}

} // namespace

Tf32Switches tf32_switches()
{
#if SSCAM_TORCH_PRECISION_BY_OPERATION
    const NewSwitches now = new_switches();
    return {now[0] == tf32_setting, now[2] == tf32_setting};
#else
    return {at::globalContext().allowTF32CuDNN(), at::globalContext().allowTF32CuBLAS()};
#endif
}

int64_t tf32_waiting()
{
    return owners().waiting();
}

Tf32Guard::Tf32Guard(c10::Device device, bool tf32) : outer_(owned)
{
    if (!device.is_cuda())
        return;
    try {
        own(tf32);
    } catch (...) {
        own_again(outer_);
        throw;
    }
}

Tf32Guard::~Tf32Guard()
{
    own_again(outer_);
}

Tf32Pause::Tf32Pause() : outer_(owned)
{
    own(std::nullopt);
}

Tf32Pause::~Tf32Pause()
{
    own_again(outer_);
}

} // namespace sscam
