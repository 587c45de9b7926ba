#include "common/forked_child.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>

#include <omp.h>
#include <pthread.h>

#include <ATen/Parallel.h>

#include "common/guard.hpp"
#include "common/workers.hpp"
#include "sscam/runtime.h"

namespace sscam {

namespace {

constexpr std::chrono::seconds longest_wait_of_fork(5);

struct ForkGate {
    std::mutex mutex;
    std::condition_variable changed;
    int64_t threads_in_libtorch = 0, waiting_forks = 0;
};

// A child gets a new one, since nobody wakes up who waits for the parent's. Never freed: threads of
// the host may still run while the process ends.
ForkGate *gate = new ForkGate;
std::atomic<int64_t> forks(0);
std::atomic<bool> locks_may_be_held(false);
thread_local bool is_in_libtorch = false, has_forked_this_process = false;
thread_local int host_thread_count = 0; // that the host has set, while it is lowered; else 0

void before_fork()
{
    std::unique_lock<std::mutex> lock(gate->mutex);
    gate->waiting_forks++;
    gate->changed.wait_for(lock, longest_wait_of_fork,
                           [] { return gate->threads_in_libtorch == (is_in_libtorch ? 1 : 0); });
    lock.release(); // locked until the fork is done
}

void after_fork_in_parent()
{
    gate->waiting_forks--;
    gate->changed.notify_all();
    gate->mutex.unlock();
}

void after_fork_in_child()
{
    const int64_t own = is_in_libtorch ? 1 : 0;
    if (gate->threads_in_libtorch != own)
        locks_may_be_held = true;
    gate = new ForkGate;
    gate->threads_in_libtorch = own;
    has_forked_this_process = true;
    forks++;
}

// libgomp's threads may exist before the first call of the library, so that forks count from the
// moment when it is loaded. OpenBLAS, loaded earlier, prepares for a fork later.
const int fork_handler_error = pthread_atfork(before_fork, after_fork_in_parent,
                                              after_fork_in_child);

void enter_libtorch()
{
    std::unique_lock<std::mutex> lock(gate->mutex);
    gate->changed.wait(lock, [] { return gate->waiting_forks == 0; });
    gate->threads_in_libtorch++;
    is_in_libtorch = true;
}

void leave_libtorch()
{
    std::lock_guard<std::mutex> lock(gate->mutex);
    gate->threads_in_libtorch--;
    is_in_libtorch = false;
    if (gate->waiting_forks > 0)
        gate->changed.notify_all();
}

} // namespace

OperationThreads::OperationThreads(int64_t most)
{
    if (most <= 0)
        return;
    at::get_num_threads(); // a thread's first use of libtorch sets the number, so let it be before
    const int present = omp_get_max_threads();
    if (most >= present)
        return;
    former_thread_count_ = present;
    is_outermost_ = host_thread_count == 0;
    if (is_outermost_)
        host_thread_count = present;
    omp_set_num_threads(static_cast<int>(most));
}

OperationThreads::~OperationThreads()
{
    if (former_thread_count_ == 0)
        return;
    omp_set_num_threads(is_outermost_ ? host_thread_count : former_thread_count_);
    if (is_outermost_)
        host_thread_count = 0;
}

HostOperationThreads::HostOperationThreads() : host_(host_thread_count), own_(omp_get_max_threads())
{
    host_thread_count = 0;
    if (host_ > 0)
        omp_set_num_threads(host_);
}

HostOperationThreads::~HostOperationThreads()
{
    if (host_ == 0)
        return;
    host_thread_count = omp_get_max_threads();
    omp_set_num_threads(own_);
}

LibtorchUse::LibtorchUse() : is_outermost_(!is_in_libtorch)
{
    if (is_outermost_)
        enter_libtorch();
}

LibtorchUse::~LibtorchUse()
{
    if (is_outermost_)
        leave_libtorch();
}

LibtorchPause::LibtorchPause() : was_used_(is_in_libtorch)
{
    if (was_used_)
        leave_libtorch();
}

LibtorchPause::~LibtorchPause()
{
    if (was_used_)
        enter_libtorch();
}

// libgomp ends the process where it cannot start the threads that libtorch's operations ask for, as
// under an exhausted RLIMIT_NPROC, so one is tried before.
ForkSafeCall::ForkSafeCall()
    : operations_(has_forked_this_process || (omp_get_max_threads() > 1 && !can_start_thread())
                      ? 1
                      : sscam_max_threads())
{
    if (fork_handler_error != 0)
        throw std::bad_alloc(); // its only error
    if (locks_may_be_held)
        throw Error(SSCAM_E_UNSUPPORTED,
                    "this process was forked while another thread used the library, whose locks "
                    "are never released here: start it by exec (in Python: the start method "
                    "\"spawn\"), or fork while no call runs");
}

int64_t fork_count()
{
    return forks;
}

void refuse_call_of_parent()
{
    throw Error(
        SSCAM_E_UNSUPPORTED,
        "this process was forked in the progress callback: the call goes on in the parent only");
}

} // namespace sscam
