#include "common/signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested, is_deferring, deferred_signal;

/* Ends the program as the signal does by default, so that a shell sees what ended it. */
static void end_by(int signal_number)
{
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_signal(int signal_number)
{
    if (!requested)
        requested = 1;
    else if (is_deferring)
        deferred_signal = signal_number;
    else
        end_by(signal_number);
}

void interruption_catch(void)
{
    static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal}, before;

    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
        if (!sigaction(caught[i], NULL, &before) && before.sa_handler != SIG_IGN)
            sigaction(caught[i], &action, NULL);
}

bool interruption_requested(void)
{
    return requested;
}

void interruption_defer(void)
{
    is_deferring = 1;
}

void interruption_resume(void)
{
    is_deferring = 0;
    if (deferred_signal)
        end_by(deferred_signal);
}
