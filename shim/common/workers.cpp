#include "common/workers.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include <sched.h>

#include "common/forked_child.hpp"
#include "common/log_queue.hpp"
#include "common/thread_state.hpp"
#include "sscam/runtime.h"

namespace sscam {

namespace {

// Whether a thread could be started. Limits on a user's or a container's threads are no failure.
template <class Start>
bool could_start(const Start &start)
{
    try {
        start();
        return true;
    } catch (const std::system_error &) {
        return false;
    } catch (const std::bad_alloc &) {
        return false;
    }
}

class WorkerTeam {
public:
    explicit WorkerTeam(const WorkerTask &task) : task_(task) {}

    ~WorkerTeam()
    {
        is_stopped_ = true;
        for (std::thread &thread : threads_)
            thread.join();
    }

    // Whether there is at least one.
    bool start(int64_t workers)
    {
        while (static_cast<int64_t>(threads_.size()) < workers && start_one())
            continue;
        return !threads_.empty();
    }

    void wait()
    {
        const LibtorchPause pause; // a fork lets no worker go on, for which this would wait
        int64_t seen = 0;
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return running_ == 0 || finished_steps_ != seen; });
            if (running_ == 0)
                break;
            seen = finished_steps_;
            lock.unlock();
            task_.after_step();
            lock.lock();
        }
        if (failure_)
            std::rethrow_exception(failure_);
    }

    // Whether its threads are in the parent of this process, where nobody can join them.
    bool is_of_parent() const { return fork_count() != forks_at_start_; }

private:
    bool start_one()
    {
        add_running(1);
        if (could_start([this] { threads_.emplace_back([this] { run(); }); }))
            return true;
        add_running(-1);
        return false;
    }

    void run()
    {
        try {
            const CleanThreadState state; // as the caller has
            const OperationThreads operations(1);
            const LogQueueOfThread log(log_);
            while (!is_stopped_ && step())
                note([this] { finished_steps_++; });
            note([this] { running_--; });
        } catch (...) {
            is_stopped_ = true; // the others need not go on
            note([this] {
                running_--;
                if (!failure_)
                    failure_ = std::current_exception();
            });
        }
    }

    bool step()
    {
        const LibtorchUse use;
        return task_.step();
    }

    void add_running(int64_t count)
    {
        std::lock_guard<std::mutex> lock(mutex_);
        running_ += count;
    }

    template <class Change>
    void note(const Change &change)
    {
        std::lock_guard<std::mutex> lock(mutex_);
        change();
        changed_.notify_all(); // under the lock: afterwards the team may be gone
    }

    const WorkerTask &task_;
    LogQueue *const log_ = LogQueue::current(); // of the thread that waits
    const int64_t forks_at_start_ = fork_count();
    std::atomic<bool> is_stopped_{false};
    std::mutex mutex_; // of what follows, but threads_
    std::condition_variable changed_;
    int64_t running_ = 0, finished_steps_ = 0;
    std::exception_ptr failure_;
    std::vector<std::thread> threads_;
};

struct DeleteTeam {
    void operator()(WorkerTeam *team) const
    {
        if (!team->is_of_parent())
            delete team;
    }
};

void work_alone(const WorkerTask &task, bool is_single_threaded)
{
    const auto step = [&] {
        const OperationThreads operations(is_single_threaded ? 1 : 0);
        return task.step();
    };
    while (step())
        task.after_step();
}

int64_t processor_count()
{
    cpu_set_t usable;
    if (sched_getaffinity(0, sizeof usable, &usable) == 0)
        return CPU_COUNT(&usable);
    return std::max<int64_t>(std::thread::hardware_concurrency(), 1);
}

int64_t limit_in_environment(const char *variable)
{
    const char *text = std::getenv(variable);
    const int64_t limit = text ? std::strtol(text, nullptr, 10) : 0;
    return limit > 0 ? limit : std::numeric_limits<int64_t>::max();
}

} // namespace

bool can_start_thread()
{
    return could_start([] { std::thread([] {}).join(); });
}

int64_t within_thread_limit(int64_t workers)
{
    const int64_t most = sscam_max_threads();
    return most > 0 ? std::min(workers, most) : workers;
}

int64_t max_workers()
{
    return within_thread_limit(std::min({processor_count(), limit_in_environment("OMP_NUM_THREADS"),
                                         limit_in_environment("OMP_THREAD_LIMIT")}));
}

void run_workers(int64_t workers, const WorkerTask &task)
{
    workers = within_thread_limit(workers);
    if (workers <= 1) {
        work_alone(task, false);
        return;
    }
    std::unique_ptr<WorkerTeam, DeleteTeam> team(new WorkerTeam(task));
    if (team->start(std::min(workers, task.step_count)))
        team->wait();
    else
        work_alone(task, true);
}

} // namespace sscam
