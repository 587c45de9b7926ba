/* Calls on files of one folder that fail as planned on the fault board. Streams of such files are
 * made by fopencookie(): the C library's own streams do not call read() and write() through the
 * symbols that this library replaces. */
#undef _FILE_OFFSET_BITS /* both names of each call are defined here */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault_board.h"

enum { MOST_DESCRIPTORS = 1024, MOST_STREAMS = 64 };

static bool is_watched[MOST_DESCRIPTORS], is_written[MOST_DESCRIPTORS];
static struct {
    FILE *stream;
    int descriptor;
} streams[MOST_STREAMS];

static bool fails(fault_call call)
{
    fault_board *board = fault_board_here();
    if (!board->armed)
        return false;
    int64_t number = __atomic_add_fetch(&board->calls[call], 1, __ATOMIC_RELAXED);
    if (board->call != (int64_t)call || !fault_is_due(board, number, board->number))
        return false;
    __atomic_add_fetch(&board->failed_calls, 1, __ATOMIC_RELAXED);
    errno = (int)board->error;
    return true;
}

static bool is_inside(const char *path)
{
    const char *folder = fault_board_here()->folder;
    return path && *folder != '\0' && strncmp(path, folder, strlen(folder)) == 0;
}

static bool watches(int descriptor)
{
    return descriptor >= 0 && descriptor < MOST_DESCRIPTORS && is_watched[descriptor];
}

static int watch(int descriptor, bool to_write)
{
    if (descriptor >= 0 && descriptor < MOST_DESCRIPTORS) {
        is_watched[descriptor] = true;
        is_written[descriptor] = to_write;
    }
    return descriptor;
}

/* --- descriptors ------------------------------------------------------------------------------ */

static int open_watched(const char *path, int flags, mode_t mode)
{
    bool to_write = (flags & O_ACCMODE) != O_RDONLY;
    if (!is_inside(path))
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    if (fails(to_write ? FAULT_CREATE : FAULT_OPEN))
        return -1;
    return watch((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), to_write);
}

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? (mode_t)va_arg(arguments, int) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_watched(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_watched(path, flags, mode);
}

int mkstemp(char *path)
{
    static int (*own)(char *);
    if (!own)
        *(void **)&own = dlsym(RTLD_NEXT, "mkstemp");
    if (!is_inside(path))
        return own(path);
    return fails(FAULT_CREATE) ? -1 : watch(own(path), true);
}

int mkstemp64(char *path)
{
    return mkstemp(path);
}

/* Whether the plan gives the result of a read; else it may shorten the read. */
static bool is_read_decided(int descriptor, size_t *count, ssize_t *result)
{
    const fault_board *board = fault_board_here();
    if (!watches(descriptor))
        return false;
    if (fails(FAULT_READ)) {
        *result = board->error != 0 ? -1 : 0;
        return true;
    }
    if (board->armed && board->short_read > 0 && *count > (size_t)board->short_read)
        *count = (size_t)board->short_read;
    return false;
}

ssize_t read(int descriptor, void *buffer, size_t count)
{
    ssize_t result;
    if (is_read_decided(descriptor, &count, &result))
        return result;
    return syscall(SYS_read, descriptor, buffer, count);
}

ssize_t pread(int descriptor, void *buffer, size_t count, off_t offset)
{
    ssize_t result;
    if (is_read_decided(descriptor, &count, &result))
        return result;
    return syscall(SYS_pread64, descriptor, buffer, count, offset);
}

ssize_t pread64(int descriptor, void *buffer, size_t count, off64_t offset)
{
    return pread(descriptor, buffer, count, offset);
}

ssize_t write(int descriptor, const void *buffer, size_t count)
{
    if (watches(descriptor) && fails(FAULT_WRITE))
        return -1;
    return syscall(SYS_write, descriptor, buffer, count);
}

int close(int descriptor)
{
    bool fails_here = watches(descriptor) && is_written[descriptor] && fails(FAULT_CLOSE);
    int reason = errno;
    if (descriptor >= 0 && descriptor < MOST_DESCRIPTORS)
        is_watched[descriptor] = false;
    int result = (int)syscall(SYS_close, descriptor); /* closed even where it fails, as on Linux */
    if (!fails_here)
        return result;
    errno = reason;
    return -1;
}

int fstat(int descriptor, struct stat *about)
{
    if (watches(descriptor) && fails(FAULT_STAT))
        return -1;
    return (int)syscall(SYS_newfstatat, descriptor, "", about, AT_EMPTY_PATH);
}

int fstat64(int descriptor, struct stat64 *about)
{
    return fstat(descriptor, (struct stat *)(void *)about);
}

off_t lseek(int descriptor, off_t offset, int whence)
{
    if (watches(descriptor) && fails(FAULT_SEEK))
        return -1;
    return syscall(SYS_lseek, descriptor, offset, whence);
}

int ftruncate(int descriptor, off_t length)
{
    if (watches(descriptor) && fails(FAULT_TRUNCATE))
        return -1;
    return (int)syscall(SYS_ftruncate, descriptor, length);
}

int ftruncate64(int descriptor, off64_t length)
{
    return ftruncate(descriptor, length);
}

int fsync(int descriptor)
{
    if (watches(descriptor) && fails(FAULT_SYNC))
        return -1;
    return (int)syscall(SYS_fsync, descriptor);
}

int rename(const char *from, const char *to)
{
    if (is_inside(to) && fails(FAULT_RENAME))
        return -1;
    return (int)syscall(SYS_rename, from, to);
}

DIR *opendir(const char *path)
{
    static DIR *(*own)(const char *);
    if (!own)
        *(void **)&own = dlsym(RTLD_NEXT, "opendir");
    return is_inside(path) && fails(FAULT_OPEN) ? NULL : own(path);
}

struct dirent *readdir(DIR *folder)
{
    static struct dirent *(*own)(DIR *);
    if (!own)
        *(void **)&own = dlsym(RTLD_NEXT, "readdir");
    return fails(FAULT_LIST) ? NULL : own(folder);
}

struct dirent64 *readdir64(DIR *folder)
{
    return (struct dirent64 *)(void *)readdir(folder);
}

/* --- streams ---------------------------------------------------------------------------------- */

static int descriptor_in(const void *cookie)
{
    return (int)(intptr_t)cookie;
}

static ssize_t read_stream(void *cookie, char *buffer, size_t count)
{
    return read(descriptor_in(cookie), buffer, count);
}

static ssize_t write_stream(void *cookie, const char *buffer, size_t count)
{
    ssize_t written = write(descriptor_in(cookie), buffer, count);
    return written < 0 ? 0 : written;
}

static int seek_stream(void *cookie, off64_t *position, int whence)
{
    off_t reached = lseek(descriptor_in(cookie), *position, whence);
    if (reached < 0)
        return -1;
    *position = reached;
    return 0;
}

static int close_stream(void *cookie)
{
    for (int i = 0; i < MOST_STREAMS; i++)
        if (streams[i].stream && streams[i].descriptor == descriptor_in(cookie))
            streams[i].stream = NULL;
    return close(descriptor_in(cookie));
}

static FILE *stream_of(int descriptor, const char *mode)
{
    const cookie_io_functions_t functions = {read_stream, write_stream, seek_stream, close_stream};
    FILE *stream = fopencookie((void *)(intptr_t)descriptor, mode, functions);
    for (int i = 0; i < MOST_STREAMS && stream; i++)
        if (!streams[i].stream) {
            streams[i].stream = stream;
            streams[i].descriptor = descriptor;
            break;
        }
    return stream;
}

FILE *fdopen(int descriptor, const char *mode)
{
    static FILE *(*own)(int, const char *);
    if (!own)
        *(void **)&own = dlsym(RTLD_NEXT, "fdopen");
    return watches(descriptor) ? stream_of(descriptor, mode) : own(descriptor, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    static FILE *(*own)(const char *, const char *);
    if (!own)
        *(void **)&own = dlsym(RTLD_NEXT, "fopen");
    if (!is_inside(path))
        return own(path, mode);
    int flags = *mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT | (*mode == 'w' ? O_TRUNC : O_APPEND);
    int descriptor = open_watched(path, flags, 0666);
    FILE *stream = descriptor < 0 ? NULL : stream_of(descriptor, mode);
    if (descriptor >= 0 && !stream)
        syscall(SYS_close, descriptor);
    return stream;
}

FILE *fopen64(const char *path, const char *mode)
{
    return fopen(path, mode);
}

int fileno(FILE *stream)
{
    static int (*own)(FILE *);
    if (!own)
        *(void **)&own = dlsym(RTLD_NEXT, "fileno");
    for (int i = 0; i < MOST_STREAMS; i++)
        if (streams[i].stream == stream)
            return streams[i].descriptor;
    return own(stream);
}
