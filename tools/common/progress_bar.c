#include "common/progress_bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <sscam/sscam.h>

#include "common/signals.h"

#define REDRAW_SECONDS 0.1
#define BAR_CELLS 28
#define DEFAULT_TERMINAL_COLUMNS 80
/* The time left is not estimated before this fraction is done or this time has passed: it would be
 * noise. */
#define ESTIMATE_FROM 0.02
#define ESTIMATE_FROM_SECONDS 0.7

double monotonic_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 1)
        return DEFAULT_TERMINAL_COLUMNS;
    return size.ws_col;
}

static void format_duration(char *text, size_t size, double seconds)
{
    long whole = (long)(seconds + 0.5);

    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
}

static void format_rate(char *text, size_t size, const struct progress *progress, double fraction,
                        double seconds)
{
    double rate = seconds > 0 ? fraction * progress->units / seconds : 0;
    bool is_slow = rate < 1;

    *text = '\0';
    if (fraction >= ESTIMATE_FROM)
        snprintf(text, size, ", %.*f %s/%s", rate < 10 ? 1 : 0, is_slow ? 60 * rate : rate,
                 progress->unit, is_slow ? "min" : "s");
}

/* Network evaluations of the library's call, where it has told of any. */
static void format_passes(char *text, size_t size)
{
    int64_t done, total;

    *text = '\0';
    if (!sscam_progress_passes(&done, &total) && total > 0)
        snprintf(text, size, ", %" PRId64 " of %" PRId64 " passes", done, total);
}

static bool can_estimate(double fraction, double elapsed_seconds)
{
    return fraction >= ESTIMATE_FROM || (fraction > 0 && elapsed_seconds >= ESTIMATE_FROM_SECONDS);
}

static void draw(const struct progress *progress, double fraction, double elapsed_seconds)
{
    char line[512], number[64] = "", rate[64], passes[64], bar[BAR_CELLS + 1], elapsed[32],
                    left[32] = "-:--";
    int filled = (int)(fraction * BAR_CELLS);

    memset(bar, '#', (size_t)filled);
    memset(bar + filled, '-', (size_t)(BAR_CELLS - filled));
    bar[BAR_CELLS] = '\0';
    format_duration(elapsed, sizeof elapsed, elapsed_seconds);
    if (can_estimate(fraction, elapsed_seconds))
        format_duration(left, sizeof left, elapsed_seconds * (1 - fraction) / fraction);
    if (progress->total > 1)
        snprintf(number, sizeof number, "%zu/%zu ", progress->number, progress->total);
    format_passes(passes, sizeof passes);
    format_rate(rate, sizeof rate, progress, fraction, elapsed_seconds);
    /* Passes say more than per cent a second, and less than images a second. */
    snprintf(line, sizeof line, "%s[%s] %3d %%  %s elapsed, %s left%s  %s", number, bar,
             (int)(fraction * 100), elapsed, left,
             *passes && *progress->unit == '%' ? passes : rate, progress->title);

    /* The last column stays empty: a full line would wrap, and a wrapped line cannot be erased. */
    fprintf(stderr, "\r\033[K%.*s", terminal_columns() - 1, line);
    fflush(stderr);
}

static bool is_hidden;

void progress_hide(void)
{
    is_hidden = true;
}

/* A terminal that can erase a line. */
static bool can_show(void)
{
    const char *terminal = getenv("TERM");

    return !is_hidden && isatty(STDERR_FILENO) == 1 && !(terminal && !strcmp(terminal, "dumb"));
}

/* The fraction of all steps that is done. */
static double share_of(const struct progress *progress, double fraction)
{
    double clamped = fraction < 0 ? 0 : fraction > 1 ? 1 : fraction;

    return ((double)(progress->number - 1) + clamped) / (double)progress->total;
}

void progress_begin(struct progress *progress, const char *title, size_t number, size_t total)
{
    double now = monotonic_seconds(),
           started = number > 1 && progress->started ? progress->started : now;

    *progress = (struct progress){.title = title,
                                  .number = number,
                                  .total = total,
                                  .units = total > 1 ? (double)total : 100,
                                  .unit = total > 1 ? "images" : "%",
                                  .started = started,
                                  .drawn = now,
                                  .visible = can_show()};
    if (progress->visible)
        draw(progress, share_of(progress, 0), now - started);
}

int32_t progress_report(void *user, double fraction)
{
    struct progress *progress = user;
    double now = monotonic_seconds();

    if (progress->visible && now - progress->drawn >= REDRAW_SECONDS) {
        draw(progress, share_of(progress, fraction), now - progress->started);
        progress->drawn = now;
    }
    return interruption_requested();
}

void progress_end(struct progress *progress)
{
    if (progress->visible) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->visible = false;
    }
}
