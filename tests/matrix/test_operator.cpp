// A library that registers an operator, as torchvision does. The operator counts the threads that
// libtorch's operations may use where it runs.
#include <algorithm>
#include <atomic>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

namespace {

std::atomic<int> most_threads(0);

at::Tensor record(const at::Tensor &values)
{
    most_threads = std::max<int>(most_threads, at::get_num_threads());
    return values.clone();
}

} // namespace

TORCH_LIBRARY(sscam_test, library)
{
    library.def("record(Tensor values) -> Tensor", &record);
}

// The most since the last call.
extern "C" int sscam_test_most_threads()
{
    return most_threads.exchange(0);
}
