// Work side by side, on threads that live for one call: more of them than the host gives to
// libtorch's operations, whose number stays its own.
#ifndef SSCAM_SHIM_COMMON_WORKERS_HPP
#define SSCAM_SHIM_COMMON_WORKERS_HPP

#include <cstdint>
#include <functional>

namespace sscam {

// How many workers can run at the same time: the processors that this process may use, or fewer
// where OMP_NUM_THREADS, OMP_THREAD_LIMIT or sscam_set_max_threads() say so.
int64_t max_workers();

// The number, or fewer where sscam_set_max_threads() says so.
int64_t within_thread_limit(int64_t workers);

// Whether the system lets this process have one more thread now.
bool can_start_thread();

struct WorkerTask {
    // Does the next piece of work, if any; false: none is left. Called again and again by each
    // worker, side by side.
    std::function<bool()> step;
    int64_t step_count; // no more workers than this are started
    // Called between steps, by the thread that called run_workers() alone; may throw, which ends
    // the work.
    std::function<void()> after_step;
};

// One worker is the calling thread itself, with all of libtorch's threads. Several are threads of
// their own, on each of which libtorch's operations run single-threaded, while the calling thread
// waits. Where not all can be started, there are fewer; where none can, the calling thread does the
// work, single-threaded. The first exception comes out when all have ended.
void run_workers(int64_t workers, const WorkerTask &task);

} // namespace sscam

#endif
