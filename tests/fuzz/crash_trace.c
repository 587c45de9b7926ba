/* Says where a process crashed, for torchscript.py to tell whose fault it was: a line with the signal on standard error,
 * then the stack's frames, innermost first, each with its library. */
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_FRAMES = 100, STACK_SIZE = 1 << 16 };

void crash_trace_install(void);

static void say(const char *text)
{
    ssize_t count = write(STDERR_FILENO, text, strlen(text));
    (void)count;
}

static void on_crash(int number)
{
    void *frames[MOST_FRAMES];

    say("crash trace:\n");
    backtrace_symbols_fd(frames, backtrace(frames, MOST_FRAMES), STDERR_FILENO);
    signal(number, SIG_DFL);
    raise(number);
}

void crash_trace_install(void)
{
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU};
    static char stack[STACK_SIZE]; /* of its own: the usual one may have overflowed */
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | SA_NODEFER};
    void *frame;

    backtrace(&frame, 1); /* which loads a library the first time */
    sigaltstack(&alternative, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}
