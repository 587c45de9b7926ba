#include "base/background.h"

#include <signal.h>
#include <stddef.h>

static void *run(void *user)
{
    sscam_background *background = user;
    background->work(background->context);
    return NULL;
}

bool sscam_background_start(sscam_background *background, void (*work)(void *context),
                            void *context)
{
    sigset_t all, before;
    background->work = work;
    background->context = context;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* a new thread has the mask of its creator */
    background->is_running = pthread_create(&background->thread, NULL, run, background) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return background->is_running;
}

void sscam_background_wait(sscam_background *background)
{
    if (background->is_running)
        pthread_join(background->thread, NULL);
    background->is_running = false;
}
