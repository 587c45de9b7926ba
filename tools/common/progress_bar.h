/* A progress bar on standard error, drawn only when that is a terminal. */
#ifndef SSCAM_TOOLS_COMMON_PROGRESS_BAR_H
#define SSCAM_TOOLS_COMMON_PROGRESS_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *title;
    size_t number, total; /* this is piece `number` (from 1) of `total` */
    double started;       /* seconds on the monotonic clock */
    double drawn;         /* when the bar was last drawn */
    bool visible;
};

/* Seconds on a clock that never jumps. */
double monotonic_seconds(void);

void progress_begin(struct progress *progress, const char *title, size_t number, size_t total);

/* An sscam_progress_callback whose user is a struct progress: draws, and asks to stop after Ctrl-C.
 */
int32_t progress_report(void *progress, double fraction);

/* Wipes the bar, so that the next line starts on an empty one. */
void progress_end(struct progress *progress);

#endif
