// Work side by side, on more threads than the host gives to libtorch's operations, whose number
// stays its own.
#ifndef SSCAM_SHIM_COMMON_WORKERS_HPP
#define SSCAM_SHIM_COMMON_WORKERS_HPP

#include <cstdint>
#include <exception>
#include <mutex>

#include <omp.h>

#include "common/guard.hpp"

namespace sscam {

// How many workers can run at the same time: the processors that this process may use, or fewer
// where OMP_NUM_THREADS or OMP_THREAD_LIMIT say so.
int64_t most_workers();

// Calls work(is_caller) once for each worker, side by side. Inside of more than one, libtorch's
// operations find themselves in a parallel region and take one thread each. is_caller: whether it
// runs on the calling thread, which the caller's callbacks need. Where there are fewer threads than
// workers, there are fewer calls. The first exception comes out when all have ended.
template <class Work>
void run_workers(int64_t workers, const Work &work)
{
    if (workers == 1) {
        work(true);
        return;
    }
    std::mutex mutex;
    std::exception_ptr failure;
#pragma omp parallel num_threads(static_cast <int>(workers))
    {
        const CleanThreadState state; // as the caller has
        try {
            work(omp_get_thread_num() == 0);
        } catch (...) {
            std::lock_guard<std::mutex> lock(mutex);
            if (!failure)
                failure = std::current_exception();
        }
    }
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace sscam

#endif
