// fork() without exec(). Only the thread that forks exists in the child: locks that other threads
// hold are never released there, and libgomp would wait for ever for the threads that it had
// started for the one that forks. OpenBLAS even hangs in the parent where another thread is inside
// of it.
#ifndef SSCAM_SHIM_COMMON_FORKED_CHILD_HPP
#define SSCAM_SHIM_COMMON_FORKED_CHILD_HPP

#include <cstdint>

namespace sscam {

// While it lives, libtorch's operations of this thread run on this thread alone. Other threads, and
// the number of threads that the host has set, are not affected.
class SingleThreadedOperations {
public:
    explicit SingleThreadedOperations(bool is_wanted = true);
    ~SingleThreadedOperations();
    SingleThreadedOperations(const SingleThreadedOperations &) = delete;
    SingleThreadedOperations &operator=(const SingleThreadedOperations &) = delete;

private:
    int former_thread_count_ = 0; // 0: nothing was changed
};

// While it lives, this thread may be inside of libtorch: fork() waits, in whichever thread, for
// some seconds. One to be made while a fork() waits is made after it.
class LibtorchUse {
public:
    LibtorchUse();
    ~LibtorchUse();
    LibtorchUse(const LibtorchUse &) = delete;
    LibtorchUse &operator=(const LibtorchUse &) = delete;

private:
    const bool is_outermost_;
};

// Takes this thread out of the LibtorchUse that it is in, if any, while it lives.
class LibtorchPause {
public:
    LibtorchPause();
    ~LibtorchPause();
    LibtorchPause(const LibtorchPause &) = delete;
    LibtorchPause &operator=(const LibtorchPause &) = delete;

private:
    const bool was_used_;
};

// What each entry point needs. Throws an Error in a child whose fork() did not wait long enough.
class ForkSafeCall {
public:
    ForkSafeCall();

private:
    LibtorchUse use_;
    // In the thread that forked this process, and where no threads can be started.
    SingleThreadedOperations operations_;
};

// Number of forks from the process that loaded the library down to this one.
int64_t fork_count();

[[noreturn]] void refuse_call_of_parent();

// Calls the host's callback. Throws an Error in a process that was forked inside of it, where the
// threads that the call needs are missing.
template <class Callback>
void call_host(const Callback &callback)
{
    const int64_t before = fork_count();
    {
        const LibtorchPause pause;
        callback();
    }
    if (fork_count() != before)
        refuse_call_of_parent();
}

} // namespace sscam

#endif
