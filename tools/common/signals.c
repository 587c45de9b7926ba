#include "common/signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t requested;

static void note_request(int signal_number)
{
    (void)signal_number;
    requested = 1;
}

void interruption_catch(void)
{
    struct sigaction action = {.sa_handler = note_request, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool interruption_requested(void)
{
    return requested;
}
