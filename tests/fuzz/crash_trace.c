/* Prints where a process crashed, so that torchscript.py can tell which library did: a line on
 * standard error, then the frames of the stack, innermost first, each with its library. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr, names of registers */
#endif

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { MOST_FRAMES = 100, STACK_SIZE = 1 << 20 };

void crash_trace_install(void);

static void say(const char *text)
{
    ssize_t count = write(STDERR_FILENO, text, strlen(text));
    (void)count;
}

/* After a jump to an address without code the stack cannot be unwound: takes all values on it that
 * look like return addresses instead. */
static int frames_after_wild_jump(const void *context, void **frames)
{
    int count = 0;
#ifdef __x86_64__
    const ucontext_t *state = context;
    void *const *stack = (void *const *)(uintptr_t)state->uc_mcontext.gregs[REG_RSP];
    Dl_info about;

    if (dladdr((void *)(uintptr_t)state->uc_mcontext.gregs[REG_RIP], &about))
        return 0;
    for (int i = 0; i < MOST_FRAMES; i++)
        if (dladdr(stack[i], &about))
            frames[count++] = stack[i];
#else
    (void)context;
    (void)frames;
#endif
    return count;
}

static void on_crash(int number, siginfo_t *about, void *context)
{
    void *frames[MOST_FRAMES];

    (void)about;
    signal(number, SIG_DFL); /* unwinding an overwritten stack may crash again */
    say("crash trace:\n");
    int count = frames_after_wild_jump(context, frames);
    if (!count)
        count = backtrace(frames, MOST_FRAMES);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
    raise(number);
}

void crash_trace_install(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL,  SIGFPE,
                                  SIGABRT, SIGSYS, SIGTRAP, SIGXCPU};
    static char stack[STACK_SIZE]; /* of its own: the usual one may have overflowed */
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = on_crash,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    void *frame;

    backtrace(&frame, 1); /* loads a library the first time */
    sigaltstack(&alternative, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}
