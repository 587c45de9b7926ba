#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* realpath, O_CLOEXEC */
#endif

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { FIRST_READ = 1 << 16, NAME_ATTEMPTS = 1000, NAME_SIZE = 64 };

static sscam_status fail_errno(const char *path, const char *what)
{
    int reason = errno;
    return sscam_fail(reason == ENOMEM ? SSCAM_E_MEMORY : SSCAM_E_IO, "%s: %s: %s", path, what,
                      strerror(reason));
}

static sscam_status fail_size(const char *path, size_t limit)
{
    return sscam_fail(SSCAM_E_FORMAT, "%s: larger than the %zu bytes allowed", path, limit);
}

/* Room for a regular file in one allocation, and one byte more, in which the end of the file is
 * seen. */
static sscam_status expected_size(const char *path, int descriptor, size_t limit, size_t *size)
{
    struct stat about;
    if (fstat(descriptor, &about) != 0)
        return fail_errno(path, "cannot be read");
    if (S_ISDIR(about.st_mode))
        return sscam_fail(SSCAM_E_IO, "%s: cannot be read: it is a directory", path);
    bool is_regular = S_ISREG(about.st_mode) && about.st_size > 0;
    if (is_regular && (uintmax_t)about.st_size > limit)
        return fail_size(path, limit);
    *size = is_regular ? (size_t)about.st_size + 1 : FIRST_READ;
    return SSCAM_OK;
}

static bool make_room(uint8_t **data, size_t size, size_t *capacity, size_t limit)
{
    if (size < *capacity)
        return true;
    size_t larger = *capacity <= limit / 2 ? *capacity * 2 : limit + 1;
    uint8_t *moved = realloc(*data, larger);
    if (!moved)
        return false;
    *data = moved;
    *capacity = larger;
    return true;
}

/* Reads until the end of the file or one byte more than the limit. */
static sscam_status read_descriptor(const char *path, int descriptor, size_t limit, uint8_t **data,
                                    size_t *size)
{
    size_t capacity = 0;
    sscam_status status = expected_size(path, descriptor, limit, &capacity);
    if (status != SSCAM_OK)
        return status;
    *data = malloc(capacity);
    if (!*data)
        return sscam_fail_memory(path);
    while (*size <= limit) {
        if (!make_room(data, *size, &capacity, limit))
            return sscam_fail_memory(path);
        ssize_t count = read(descriptor, *data + *size, capacity - *size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return fail_errno(path, "cannot be read");
        if (count == 0)
            break;
        *size += (size_t)count;
    }
    if (*size > limit)
        return fail_size(path, limit);
    if (*size == 0)
        return sscam_fail(SSCAM_E_FORMAT, "%s: the file is empty", path);
    return SSCAM_OK;
}

sscam_status sscam_file_read(const char *path, size_t limit, uint8_t **data, size_t *size)
{
    *data = NULL;
    *size = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return fail_errno(path, "cannot be opened");
    sscam_status status = read_descriptor(path, descriptor, limit, data, size);
    close(descriptor);
    if (status != SSCAM_OK) {
        free(*data);
        *data = NULL;
        *size = 0;
    }
    return status;
}

/* Not mkstemp(): it makes the file private to its owner, and the umask cannot be asked for without
 * changing it for all threads; open() applies it. */
static int create_beside(const char *target, char **temporary)
{
    static atomic_uint serial;
    const char *slash = strrchr(target, '/');
    size_t folder = slash ? (size_t)(slash - target) + 1 : 0;
    *temporary = malloc(folder + NAME_SIZE);
    if (!*temporary)
        return -1;
    memcpy(*temporary, target, folder);
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        snprintf(*temporary + folder, NAME_SIZE, ".sscam-%ld-%u.tmp", (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        int descriptor = open(*temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0 || errno != EEXIST)
            return descriptor;
    }
    return -1;
}

/* A descriptor to write to: the target's own when it is no regular file, else a temporary one's. */
static int open_descriptor(sscam_atomic_file *draft)
{
    struct stat existing;
    bool replaces = stat(draft->path, &existing) == 0;
    if (replaces && S_ISDIR(existing.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    if (replaces && !S_ISREG(existing.st_mode))
        return open(draft->path, O_WRONLY | O_CLOEXEC);

    draft->target = replaces ? realpath(draft->path, NULL) : strdup(draft->path);
    if (!draft->target)
        return -1;
    int descriptor = create_beside(draft->target, &draft->temporary);
    if (descriptor < 0) {
        free(draft->temporary);
        draft->temporary = NULL;
    } else if (replaces) {
        /* As good as can be: where it is not permitted, the umask's mode stays. */
        if (fchmod(descriptor, existing.st_mode & 07777) != 0)
            errno = 0;
    }
    return descriptor;
}

/* Closes the stream and forgets the temporary file, keeping errno as the caller found it. */
static void release(sscam_atomic_file *draft)
{
    int reason = errno;
    if (draft->stream)
        fclose(draft->stream);
    if (draft->temporary)
        unlink(draft->temporary);
    free(draft->temporary);
    free(draft->target);
    memset(draft, 0, sizeof *draft);
    errno = reason;
}

sscam_status sscam_atomic_file_open(sscam_atomic_file *draft, const char *path)
{
    memset(draft, 0, sizeof *draft);
    draft->path = path;
    int descriptor = open_descriptor(draft);
    if (descriptor >= 0) {
        draft->stream = fdopen(descriptor, "wb");
        if (draft->stream)
            return SSCAM_OK;
        close(descriptor);
    }
    release(draft);
    return fail_errno(path, "cannot be written");
}

sscam_status sscam_atomic_file_write(sscam_atomic_file *draft, const void *data, size_t size)
{
    if (fwrite(data, 1, size, draft->stream) == size)
        return SSCAM_OK;
    return fail_errno(draft->path, "cannot be written");
}

sscam_status sscam_atomic_file_commit(sscam_atomic_file *draft)
{
    const char *path = draft->path;
    bool closed = fclose(draft->stream) == 0;
    draft->stream = NULL;
    bool in_place = closed && (!draft->temporary || rename(draft->temporary, draft->target) == 0);
    if (in_place) {
        free(draft->temporary);
        draft->temporary = NULL;
    }
    release(draft);
    return in_place ? SSCAM_OK : fail_errno(path, "cannot be written");
}

void sscam_atomic_file_discard(sscam_atomic_file *draft)
{
    release(draft);
}
