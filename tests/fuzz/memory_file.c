#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include "memory_file.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "target.h"

const char *memory_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int descriptor = -1;

    if (descriptor < 0) {
        descriptor = memfd_create("fuzzed", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    }
    PROMISE(descriptor >= 0 && ftruncate(descriptor, 0) == 0);
    for (size_t written = 0; written < size;) {
        ssize_t count = pwrite(descriptor, data + written, size - written, (off_t)written);
        PROMISE(count > 0);
        written += (size_t)count;
    }
    return path;
}

static FILE *real_stderr;
static char *caught;
static size_t caught_size;

/* Replaces the stream, not the descriptor, to which sanitizers write their reports. */
void stderr_check_begin(void)
{
    real_stderr = stderr;
    stderr = open_memstream(&caught, &caught_size);
    if (!stderr)
        stderr = real_stderr;
    PROMISE(stderr != real_stderr);
}

void stderr_check_end(int failed)
{
    static const char note[] = "sscam: note: ";
    int lines = 0;

    fclose(stderr);
    stderr = real_stderr;
    for (const char *line = caught, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        PROMISE(end && !strncmp(line, "sscam: ", strlen("sscam: ")));
        lines += strncmp(line, note, strlen(note)) != 0;
        for (const char *byte = line; byte < end; byte++)
            PROMISE((unsigned char)*byte >= 0x20 && *byte != 0x7f);
    }
    PROMISE(lines == (failed != 0));
    free(caught);
}
