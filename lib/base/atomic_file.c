#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_CLOEXEC, readlink */
#endif

#include "base/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/path.h"

enum { NAME_ATTEMPTS = 1000, NAME_SIZE = 64, MOST_LINKS = 40, FIRST_LINK_SIZE = 256 };

/* How a path is written to. */
typedef struct destination {
    char *target;   /* with symbolic links followed */
    int descriptor; /* that the path names (/dev/fd/N), or -1 */
    bool exists, is_regular;
    mode_t permissions; /* of the file that exists */
} destination;

static sscam_status fail_errno(const char *path)
{
    int reason = errno;
    return sscam_fail(reason == ENOMEM ? SSCAM_E_MEMORY : SSCAM_E_IO, "%s: cannot be written: %s",
                      path, strerror(reason));
}

/* The folder that a path is in, as new memory. */
static char *folder_of(const char *path)
{
    size_t length = sscam_folder_length(path);
    bool has_slash = length > 1; /* at its end; that of the root stays */
    return length > 0 ? strndup(path, length - has_slash) : strdup(".");
}

/* --- where a path leads ----------------------------------------------------------------------- */

/* The open descriptor that a path names, or -1. */
static int descriptor_named(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t start = strlen(folders[i]);
        if (strncmp(path, folders[i], start) != 0)
            continue;
        size_t digits = strspn(path + start, "0123456789");
        if (digits > 0 && digits < 9 && path[start + digits] == '\0')
            return (int)strtol(path + start, NULL, 10);
    }
    return -1;
}

/* The text of a symbolic link as new memory; NULL with errno when the path is none (EINVAL) or
 * cannot be read. */
static char *read_link(const char *path)
{
    for (size_t size = FIRST_LINK_SIZE;; size *= 2) {
        char *text = malloc(size);
        ssize_t length = text ? readlink(path, text, size) : -1;
        if (length >= 0 && (size_t)length < size) {
            text[length] = '\0';
            return text;
        }
        int reason = errno;
        free(text);
        errno = reason;
        if (length < 0)
            return NULL;
    }
}

/* The path that a link in the folder of `path` leads to, as new memory. */
static char *join_link(const char *path, const char *link)
{
    size_t folder = *link == '/' ? 0 : sscam_folder_length(path);
    char *joined = malloc(folder + strlen(link) + 1);
    if (joined) {
        memcpy(joined, path, folder);
        strcpy(joined + folder, link);
    }
    return joined;
}

/* Replaces the target by what it links to, until it is no link or names a descriptor. Not
 * realpath(), which refuses a link to a file that does not exist. */
static bool follow_links(destination *to)
{
    for (int links = 0; (to->descriptor = descriptor_named(to->target)) < 0; links++) {
        char *link = read_link(to->target);
        if (!link)
            return errno != ENOMEM; /* any other failure shows again when the target is opened */
        char *next = join_link(to->target, link);
        free(link);
        if (!next)
            return false;
        free(to->target);
        to->target = next;
        if (links == MOST_LINKS) {
            errno = ELOOP;
            return false;
        }
    }
    return true;
}

/* False, with errno, where the path cannot be written to. destination.target is to be freed in
 * either case. */
static bool find_destination(const char *path, destination *to)
{
    struct stat about;
    *to = (destination){.target = strdup(path), .descriptor = -1};
    if (!to->target)
        return false;
    if (!follow_links(to))
        return false;
    if (to->descriptor >= 0) {
        int flags = fcntl(to->descriptor, F_GETFL);
        if (flags >= 0)
            errno = EBADF; /* as for one that is not open */
        return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
    }
    to->exists = stat(to->target, &about) == 0;
    if (to->exists) {
        to->is_regular = S_ISREG(about.st_mode);
        to->permissions = about.st_mode & 0777;
        errno = EISDIR;
        return !S_ISDIR(about.st_mode);
    }
    return errno == ENOENT && *path != '\0';
}

static bool is_written_directly(const destination *to)
{
    return to->descriptor >= 0 || (to->exists && !to->is_regular);
}

/* --- opening ---------------------------------------------------------------------------------- */

/* A new file in the target's folder. Not by mkstemp(), which makes it private to its owner: open()
 * applies the umask, which cannot be read without changing it for all threads. */
static int create_temporary(sscam_atomic_file *file)
{
    static atomic_uint serial;
    size_t folder = sscam_folder_length(file->target);
    file->temporary = malloc(folder + NAME_SIZE);
    if (!file->temporary)
        return -1;
    memcpy(file->temporary, file->target, folder);
    for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
        snprintf(file->temporary + folder, NAME_SIZE, ".sscam-%ld-%u.tmp", (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        int descriptor = open(file->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0)
            return descriptor;
        if (errno != EEXIST)
            break;
    }
    free(file->temporary); /* another process's, or none */
    file->temporary = NULL;
    return -1;
}

static int open_descriptor(sscam_atomic_file *file)
{
    destination to;
    int descriptor = -1;
    bool is_found = find_destination(file->path, &to);
    if (is_found && to.descriptor >= 0) {
        descriptor = fcntl(to.descriptor, F_DUPFD_CLOEXEC, 0);
    } else if (is_found && is_written_directly(&to)) {
        descriptor = open(to.target, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    } else if (is_found) {
        file->target = to.target;
        to.target = NULL;
        descriptor = create_temporary(file);
        /* Some file systems have no permissions; then the file keeps what open() gave it. */
        if (descriptor >= 0 && to.exists)
            (void)!fchmod(descriptor, to.permissions);
    }
    int reason = errno;
    free(to.target);
    errno = reason;
    return descriptor;
}

/* Closes and forgets the file and removes its temporary; errno stays as it is. */
static void release(sscam_atomic_file *file)
{
    int reason = errno;
    if (file->stream)
        fclose(file->stream);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->target);
    *file = (sscam_atomic_file){0};
    errno = reason;
}

sscam_status sscam_atomic_file_open(sscam_atomic_file *file, const char *path)
{
    *file = (sscam_atomic_file){.path = path};
    int descriptor = open_descriptor(file);
    if (descriptor >= 0) {
        file->stream = fdopen(descriptor, "wb");
        if (file->stream)
            return SSCAM_OK;
        int reason = errno;
        close(descriptor);
        errno = reason;
    }
    release(file);
    return fail_errno(path);
}

/* --- writing ---------------------------------------------------------------------------------- */

sscam_status sscam_atomic_file_write(sscam_atomic_file *file, const void *data, size_t size)
{
    return fwrite(data, 1, size, file->stream) == size ? SSCAM_OK : fail_errno(file->path);
}

/* Not every file system can sync (EINVAL, ENOTSUP): that is no failure. */
static bool sync_descriptor(int descriptor)
{
    return fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP;
}

/* Writes the stream's buffer and closes it; false, with errno, when any write since it was opened
 * failed. */
static bool finish_stream(sscam_atomic_file *file)
{
    errno = 0;
    bool is_written = fflush(file->stream) == 0 && !ferror(file->stream);
    if (is_written && file->temporary)
        is_written = sync_descriptor(fileno(file->stream));
    int reason = errno;
    if (fclose(file->stream) != 0 && is_written) {
        is_written = false;
        reason = errno;
    }
    file->stream = NULL;
    errno = reason != 0 ? reason : EIO; /* an earlier write failed, whose errno is gone */
    return is_written;
}

/* Makes a renaming durable. The new file is in place already, so failures are not reported. */
static void sync_folder(const char *target)
{
    char *folder = folder_of(target);
    int descriptor = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
    free(folder);
}

sscam_status sscam_atomic_file_commit(sscam_atomic_file *file)
{
    const char *path = file->path;
    bool is_done = finish_stream(file);
    if (is_done && file->temporary) {
        is_done = rename(file->temporary, file->target) == 0;
        if (is_done) {
            free(file->temporary);
            file->temporary = NULL;
            sync_folder(file->target);
        }
    }
    release(file);
    return is_done ? SSCAM_OK : fail_errno(path);
}

void sscam_atomic_file_discard(sscam_atomic_file *file)
{
    release(file);
}

/* --- asking beforehand ------------------------------------------------------------------------ */

static bool can_be_written(const destination *to)
{
    if (to->descriptor >= 0)
        return true;
    if (is_written_directly(to))
        return access(to->target, W_OK) == 0;
    char *folder = folder_of(to->target);
    bool can = folder && access(folder, W_OK | X_OK) == 0;
    int reason = errno;
    free(folder);
    errno = reason;
    return can;
}

sscam_status sscam_atomic_file_check(const char *path)
{
    destination to;
    bool can = find_destination(path, &to) && can_be_written(&to);
    int reason = errno;
    free(to.target);
    errno = reason;
    return can ? SSCAM_OK : fail_errno(path);
}
