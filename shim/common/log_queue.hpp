// Messages for the host's log callback. They come up under locks of libtorch's and of the shim's,
// and in worker threads: they are kept, and passed on where the host may be called.
#ifndef SSCAM_SHIM_COMMON_LOG_QUEUE_HPP
#define SSCAM_SHIM_COMMON_LOG_QUEUE_HPP

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"

namespace sscam {

// Of one call of the shim; passes on what is left at its end, in the state that the thread has
// then.
class LogQueue {
public:
    LogQueue();
    ~LogQueue();
    LogQueue(const LogQueue &) = delete;
    LogQueue &operator=(const LogQueue &) = delete;

    // Of the call that this thread makes or works for; NULL: none.
    static LogQueue *current();

    void add(int32_t level, const std::string &text);

    // Calls the host. To be called in its state and without locks, by the thread that made the
    // call.
    void pass_on() noexcept;

private:
    static constexpr size_t most_messages = 256; // others are dropped
    LogQueue *const outer_;
    std::mutex mutex_; // of what follows; not held while the host is called
    std::vector<std::pair<int32_t, std::string>> messages_;
};

// While it lives, this thread works for the call that a queue is of.
class LogQueueOfThread {
public:
    explicit LogQueueOfThread(LogQueue *queue);
    ~LogQueueOfThread();
    LogQueueOfThread(const LogQueueOfThread &) = delete;
    LogQueueOfThread &operator=(const LogQueueOfThread &) = delete;

private:
    LogQueue *const former_;
};

// Adds a message that `make` writes, where there is a callback. Without memory it is dropped.
template <class Make>
void log_message(int32_t level, const Make &make) noexcept
{
    LogQueue *queue = LogQueue::current();
    if (!queue || !sscam_log_is_wanted())
        return;
    try {
        queue->add(level, make());
    } catch (...) {
    }
}

} // namespace sscam

#endif
