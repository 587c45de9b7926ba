#include "score/tuning_lock.hpp"

#include <chrono>

namespace sscam {

namespace {

constexpr std::chrono::milliseconds time_between_reports(20);

// For a holder whose callback does not return soon.
constexpr int64_t most_waits_for_a_callback = 5;

} // namespace

TuningLock::Holder::Holder(TuningLock &lock, const std::function<void()> &report)
    : lock_(lock), report_(report), is_holding_(lock.acquire(report))
{
}

TuningLock::Holder::~Holder()
{
    if (is_holding_)
        lock_.set(false, false);
}

void TuningLock::Holder::report() const
{
    struct InCallback {
        explicit InCallback(TuningLock &lock) : lock(lock) { lock.set(true, true); }
        ~InCallback() { lock.set(true, false); }
        TuningLock &lock;
    };
    const InCallback in_callback(lock_);
    report_();
}

bool TuningLock::acquire(const std::function<void()> &report)
{
    const std::thread::id own = std::this_thread::get_id();
    std::unique_lock<std::mutex> lock(mutex_);
    for (int64_t waits_for_callback = 0; is_held_;) {
        if (holder_is_in_callback_ &&
            (holder_ == own || waits_for_callback++ == most_waits_for_a_callback))
            return false;
        if (released_.wait_for(lock, time_between_reports, [this] { return !is_held_; }))
            break;
        lock.unlock();
        report();
        lock.lock();
    }
    is_held_ = true;
    holder_is_in_callback_ = false;
    holder_ = own;
    return true;
}

void TuningLock::set(bool is_held, bool is_in_callback)
{
    std::lock_guard<std::mutex> lock(mutex_);
    is_held_ = is_held;
    holder_is_in_callback_ = is_in_callback;
    if (!is_held)
        released_.notify_all();
}

} // namespace sscam
