// fork() without exec(). Only the thread that forks exists in the child: locks that other threads
// hold are never released there, and libgomp would wait for ever for the threads that it had
// started for the one that forks. OpenBLAS even hangs in the parent where another thread is inside
// of it.
#ifndef SSCAM_SHIM_COMMON_FORKED_CHILD_HPP
#define SSCAM_SHIM_COMMON_FORKED_CHILD_HPP

#include <cstdint>

namespace sscam {

// While it lives, libtorch's operations that this thread starts run on so many threads at most; 0:
// on as many as before. Other threads, and the number of threads that the host has set, are not
// affected.
class OperationThreads {
public:
    explicit OperationThreads(int64_t most);
    ~OperationThreads();
    OperationThreads(const OperationThreads &) = delete;
    OperationThreads &operator=(const OperationThreads &) = delete;

private:
    int former_thread_count_ = 0; // 0: nothing was changed
    bool is_outermost_ = false;
};

// While it lives, the number is the host's again: for calls of its callbacks, which may change it.
class HostOperationThreads {
public:
    HostOperationThreads();
    ~HostOperationThreads();
    HostOperationThreads(const HostOperationThreads &) = delete;
    HostOperationThreads &operator=(const HostOperationThreads &) = delete;

private:
    const int host_, own_;
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
    // One in the thread that forked this process, and where no threads can be started; else up to
    // sscam_max_threads().
    OperationThreads operations_;
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
        const HostOperationThreads threads;
        callback();
    }
    if (fork_count() != before)
        refuse_call_of_parent();
}

} // namespace sscam

#endif
