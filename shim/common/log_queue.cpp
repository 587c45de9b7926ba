#include "common/log_queue.hpp"

namespace sscam {

namespace {

thread_local LogQueue *queue_of_thread = nullptr;

} // namespace

LogQueue::LogQueue() : outer_(queue_of_thread)
{
    queue_of_thread = this;
}

LogQueue::~LogQueue()
{
    queue_of_thread = outer_;
    pass_on();
}

LogQueue *LogQueue::current()
{
    return queue_of_thread;
}

void LogQueue::add(int32_t level, const std::string &text)
{
    std::lock_guard<std::mutex> lock(mutex_);
    if (messages_.size() < most_messages)
        messages_.emplace_back(level, text);
}

void LogQueue::pass_on() noexcept
{
    std::vector<std::pair<int32_t, std::string>> messages;
    {
        std::lock_guard<std::mutex> lock(mutex_);
        messages.swap(messages_);
    }
    for (const auto &[level, text] : messages)
        sscam_log(level, "%s", text.c_str());
}

LogQueueOfThread::LogQueueOfThread(LogQueue *queue) : former_(queue_of_thread)
{
    queue_of_thread = queue;
}

LogQueueOfThread::~LogQueueOfThread()
{
    queue_of_thread = former_;
}

} // namespace sscam
