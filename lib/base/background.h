/* Work in a thread beside the caller's. */
#ifndef SSCAM_LIB_BASE_BACKGROUND_H
#define SSCAM_LIB_BASE_BACKGROUND_H

#include <pthread.h>
#include <stdbool.h>

typedef struct sscam_background {
    pthread_t thread;
    bool is_running;
    void (*work)(void *context);
    void *context;
} sscam_background;

/* Starts work(context) in a thread of its own, which gets no signals of the host's. Gives whether
 * it runs: where no thread can be started, the caller does the work itself. To be waited for. */
bool sscam_background_start(sscam_background *background, void (*work)(void *context),
                            void *context);

/* Waits until the work is done; nothing where none was started. */
void sscam_background_wait(sscam_background *background);

#endif
