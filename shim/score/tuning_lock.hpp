// Which thread measures scoring plans: one at a time, so that measurements do not disturb each
// other.
#ifndef SSCAM_SHIM_SCORE_TUNING_LOCK_HPP
#define SSCAM_SHIM_SCORE_TUNING_LOCK_HPP

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace sscam {

// Unlike a mutex, it never holds up the host. Threads that wait go on calling their progress
// callback, which may cancel. While the holder is in its own callback, which may wait for any other
// thread, nobody waits for the holder longer than a moment.
class TuningLock {
public:
    // Holds the lock while it lives, if it got it.
    class Holder {
    public:
        // `report` calls the progress callback of this thread.
        Holder(TuningLock &lock, const std::function<void()> &report);
        ~Holder();
        Holder(const Holder &) = delete;
        Holder &operator=(const Holder &) = delete;

        // False: the holder is in its callback, perhaps in this very thread.
        bool is_holding() const { return is_holding_; }

        // Calls the progress callback of the thread that holds the lock.
        void report() const;

    private:
        TuningLock &lock_;
        const std::function<void()> &report_;
        const bool is_holding_;
    };

private:
    bool acquire(const std::function<void()> &report);
    void set(bool is_held, bool is_in_callback);

    std::mutex mutex_; // of what follows; never locked in a callback, nor during a fork
    std::condition_variable released_;
    bool is_held_ = false, holder_is_in_callback_ = false;
    std::thread::id holder_;
};

} // namespace sscam

#endif
