/* A progress bar on standard error, drawn only when that is a terminal. It has no colours, whatever
 * NO_COLOR says. */
#ifndef SSCAM_TOOLS_COMMON_PROGRESS_BAR_H
#define SSCAM_TOOLS_COMMON_PROGRESS_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *title;
    size_t number, total; /* this is step `number` (from 1) of `total` */
    double units;         /* what the whole is for the rate: images, or 100 % */
    const char *unit;
    double started; /* of the first step, in seconds on the monotonic clock */
    double drawn;   /* when the bar was last drawn */
    bool visible;
};

/* Seconds on the monotonic clock. */
double monotonic_seconds(void);

/* Begins a step. The bar is that of all steps; several are counted as images. */
void progress_begin(struct progress *progress, const char *title, size_t number, size_t total);

/* Draws no bar from now on. */
void progress_hide(void);

/* An sscam_progress_callback whose user is a struct progress: draws the bar, and cancels the call
 * after Ctrl-C. */
int32_t progress_report(void *progress, double fraction);

/* Erases the bar, so that what is printed next begins on an empty line. */
void progress_end(struct progress *progress);

#endif
