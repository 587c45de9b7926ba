#include "float32_products.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>

#include <ATen/Context.h>

namespace sscam {

namespace {

struct Switches {
    bool convolutions, products;
};

void set(Switches switches)
{
    at::globalContext().setAllowTF32CuDNN(switches.convolutions);
    at::globalContext().setAllowTF32CuBLAS(switches.products);
}

// None where the host program uses libtorch's newer, finer switches: those are not to be read or set by these.
std::optional<Switches> current()
{
    try {
        return Switches{at::globalContext().allowTF32CuDNN(), at::globalContext().allowTF32CuBLAS()};
    } catch (...) {
        return std::nullopt;
    }
}

std::mutex mutex;
std::condition_variable ended;
int living = 0;
bool living_in_tf32 = false;
std::optional<Switches> of_the_host;
thread_local bool has_one = false; // a callback of the host may come back to the library

} // namespace

Float32Products::Float32Products(c10::Device device, bool in_tf32) : is_needed_(device.is_cuda() && !has_one)
{
    if (!is_needed_)
        return;
    has_one = true;
    std::unique_lock<std::mutex> lock(mutex);
    ended.wait(lock, [&] { return living == 0 || living_in_tf32 == in_tf32; });
    if (living++ > 0)
        return;
    living_in_tf32 = in_tf32;
    of_the_host = current();
    if (of_the_host)
        set({in_tf32, in_tf32});
}

Float32Products::~Float32Products()
{
    if (!is_needed_)
        return;
    has_one = false;
    std::lock_guard<std::mutex> lock(mutex);
    if (--living > 0)
        return;
    if (of_the_host)
        set(*of_the_host);
    ended.notify_all();
}

} // namespace sscam
