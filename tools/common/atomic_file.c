#include "common/atomic_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/checked_alloc.h"
#include "common/cli_error.h"

static size_t directory_length(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? (size_t)(slash - path) + 1 : 0;
}

/* The permissions that an ordinarily created file would have; mkstemp() gives the owner's only. */
static mode_t ordinary_permissions(void)
{
    mode_t mask = umask(0);

    umask(mask);
    return 0666 & ~mask;
}

/* The program may end while a file is written, for want of memory. One is written at a time. */
static const char *unfinished;

static void remove_unfinished(void)
{
    if (unfinished)
        unlink(unfinished);
}

static void remember(const char *temporary)
{
    static int will_remove;

    unfinished = temporary;
    if (!will_remove)
        will_remove = !atexit(remove_unfinished);
}

static void forget(struct whole_file *file)
{
    unfinished = NULL;
    free(file->temporary);
    *file = (struct whole_file){0};
}

int whole_file_open(struct whole_file *file, const char *path)
{
    *file = (struct whole_file){.path = path};
    file->temporary = format_text("%.*s.sscam-XXXXXX", (int)directory_length(path), path);

    int descriptor = mkstemp(file->temporary);
    if (descriptor < 0) {
        int code = fail_errno(path);
        forget(file);
        return code;
    }
    remember(file->temporary);
    /* Some file systems know no permissions; the file is as good without them. */
    (void)!fchmod(descriptor, ordinary_permissions());
    file->stream = fdopen(descriptor, "wb");
    if (!file->stream) {
        int code = fail_errno(path);
        close(descriptor);
        unlink(file->temporary);
        forget(file);
        return code;
    }
    return EXIT_OK;
}

int whole_file_commit(struct whole_file *file)
{
    errno = 0;
    int failed = fflush(file->stream) != 0 || ferror(file->stream);
    int error = errno;

    if (fclose(file->stream) && !failed) {
        failed = 1;
        error = errno;
    }
    if (!failed && rename(file->temporary, file->path)) {
        failed = 1;
        error = errno;
    }
    if (failed) {
        unlink(file->temporary);
        errno = error ? error : EIO;
        fail_errno(file->path);
    }
    forget(file);
    return failed ? EXIT_FAILED : EXIT_OK;
}

void whole_file_abandon(struct whole_file *file)
{
    if (!file->stream)
        return;
    fclose(file->stream);
    unlink(file->temporary);
    forget(file);
}

int output_path_check(const char *path)
{
    struct stat place;
    int code = EXIT_OK;

    if (!*path)
        return fail("output", "the name of a file is empty");
    /* Renaming onto a device or a pipe would replace it. */
    if (!stat(path, &place) && !S_ISREG(place.st_mode))
        return fail(path, "is not a regular file");

    size_t length = directory_length(path);
    char *directory = length ? copy_text(path, length) : copy_text(".", 1);
    if (access(directory, W_OK | X_OK))
        code = fail_errno(path);
    free(directory);
    return code;
}
