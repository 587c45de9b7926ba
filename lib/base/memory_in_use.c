#include "base/memory_in_use.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

/* --- now -------------------------------------------------------------------------------------- */

/* Resident memory: the second number of /proc/self/statm, in pages (proc(5)). Without a stream,
 * which would allocate. */
static int64_t resident_bytes(void)
{
    char text[128] = "";
    const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    const ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : 0;
    if (file >= 0)
        close(file);
    const char *second = length > 0 ? strchr(text, ' ') : NULL;
    return second ? strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
static int64_t allocated_bytes(void)
{
    const struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}
#else
static int64_t allocated_bytes(void)
{
    return 0;
}
#endif

/* Resident memory keeps what was freed, so that it would tell the peak of an earlier method. */
int64_t sscam_memory_in_use(void)
{
    const int64_t allocated = allocated_bytes();
    return allocated > 0 ? allocated : resident_bytes();
}

/* --- at most ---------------------------------------------------------------------------------- */

static void look(sscam_memory_peak *peak)
{
    const int64_t bytes = sscam_memory_in_use();
    peak->bytes = bytes > peak->bytes ? bytes : peak->bytes;
}

static void watch(void *context)
{
    static const struct timespec interval = {.tv_nsec = 2000000};
    sscam_memory_peak *peak = context;
    while (!atomic_load(&peak->is_over)) {
        look(peak);
        nanosleep(&interval, NULL);
    }
}

void sscam_memory_peak_start(sscam_memory_peak *peak)
{
    peak->bytes = 0;
    atomic_init(&peak->is_over, 0);
    look(peak);
    sscam_background_start(&peak->watcher, watch, peak);
}

int64_t sscam_memory_peak_end(sscam_memory_peak *peak)
{
    atomic_store(&peak->is_over, 1);
    sscam_background_wait(&peak->watcher);
    look(peak);
    return peak->bytes;
}
