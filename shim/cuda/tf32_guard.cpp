#include "cuda/tf32_guard.hpp"

#include <array>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>

#include <ATen/Context.h>
#include <torch/csrc/api/include/torch/version.h>

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 9)
#define SSCAM_SWITCHES_BY_OPERATION
#endif

namespace sscam {

namespace {

// The switches that all versions of libtorch have. Newer ones refuse to read them where the host
// program uses the newer ones: such a switch stays as it is.
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

// As setAllowTF32CuBLAS() does not: it leaves settings behind that newer versions call
// contradictory.
void set_matrices(at::Float32MatmulPrecision to)
{
    at::globalContext().setFloat32MatmulPrecision(
        to == at::Float32MatmulPrecision::HIGHEST ? "highest"
        : to == at::Float32MatmulPrecision::HIGH  ? "high"
                                                  : "medium");
}

#ifdef SSCAM_SWITCHES_BY_OPERATION

// Those of single operations, which count; one that is not set goes by more general ones.
#if TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR == 9
using Operation = std::string;
using Setting = std::string;
const std::string cards = "cuda";
const std::array<Operation, 3> operations = {"conv", "rnn", "matmul"};
const Setting tf32 = "tf32", exact = "ieee", unset = "none";
#else
using Operation = at::Float32Op;
using Setting = at::Float32Precision;
constexpr auto cards = at::Float32Backend::CUDA;
constexpr std::array<Operation, 3> operations = {Operation::CONV, Operation::RNN,
                                                 Operation::MATMUL};
constexpr Setting tf32 = Setting::TF32, exact = Setting::IEEE, unset = Setting::NONE;
#endif

using NewSwitches = std::array<Setting, 3>;

NewSwitches new_switches()
{
    NewSwitches found;
    for (size_t i = 0; i < operations.size(); i++)
        found[i] = at::globalContext().float32Precision(cards, operations[i]);
    return found;
}

void set_all(bool in_tf32)
{
    for (const Operation &operation : operations)
        at::globalContext().setFloat32Precision(cards, operation, in_tf32 ? tf32 : exact);
}

// Set are those alone that would otherwise not come out as they were.
void restore(const NewSwitches &old)
{
    for (size_t i = 0; i < operations.size(); i++) {
        at::globalContext().setFloat32Precision(cards, operations[i], unset);
        if (at::globalContext().float32Precision(cards, operations[i]) != old[i])
            at::globalContext().setFloat32Precision(cards, operations[i], old[i]);
    }
}

#else

struct NewSwitches {};
NewSwitches new_switches()
{
    return {};
}
void set_all(bool) {}
void restore(const NewSwitches &) {}

#endif

std::mutex mutex;
std::condition_variable ended;
int living = 0;
bool living_in_tf32 = false;
OldSwitches old_of_the_host;
NewSwitches new_of_the_host;
thread_local bool has_one = false; // a callback of the host may come back to the library

} // namespace

ProductsInTf32 products_in_tf32()
{
#ifdef SSCAM_SWITCHES_BY_OPERATION
    const NewSwitches now = new_switches();
    return {now[0] == tf32, now[2] == tf32};
#else
    return {at::globalContext().allowTF32CuDNN(), at::globalContext().allowTF32CuBLAS()};
#endif
}

Float32Products::Float32Products(c10::Device device, bool in_tf32)
    : is_needed_(device.is_cuda() && !has_one)
{
    if (!is_needed_)
        return;
    std::unique_lock<std::mutex> lock(mutex);
    ended.wait(lock, [&] { return living == 0 || living_in_tf32 == in_tf32; });
    has_one = true;
    if (living++ > 0)
        return;
    living_in_tf32 = in_tf32;
    new_of_the_host = new_switches();
    old_of_the_host = old_switches();
    if (old_of_the_host.convolutions)
        at::globalContext().setAllowTF32CuDNN(in_tf32);
    if (old_of_the_host.matrices)
        set_matrices(in_tf32 ? at::Float32MatmulPrecision::HIGH
                             : at::Float32MatmulPrecision::HIGHEST);
    set_all(in_tf32);
}

Float32Products::~Float32Products()
{
    if (!is_needed_)
        return;
    has_one = false;
    std::lock_guard<std::mutex> lock(mutex);
    if (--living > 0)
        return;
    if (old_of_the_host.convolutions)
        at::globalContext().setAllowTF32CuDNN(*old_of_the_host.convolutions);
    if (old_of_the_host.matrices)
        set_matrices(*old_of_the_host.matrices);
    restore(new_of_the_host);
    ended.notify_all();
}

} // namespace sscam
