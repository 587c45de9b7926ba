#include "common/output_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/cli_error.h"
#include "common/signals.h"

/* The program may end while a file is written, for want of memory. */
static const sscam_atomic_file *unfinished;

static void remove_unfinished(void)
{
    if (unfinished && unfinished->temporary)
        unlink(unfinished->temporary);
}

static void begin_writing(const sscam_atomic_file *file)
{
    static int will_remove;

    unfinished = file;
    if (!will_remove)
        will_remove = !atexit(remove_unfinished);
}

static void end_writing(void)
{
    unfinished = NULL;
    interruption_resume();
}

int output_file_open(sscam_atomic_file *file, const char *path)
{
    interruption_defer();
    sscam_status status = sscam_atomic_file_open(file, path);
    if (!status) {
        begin_writing(file);
        return EXIT_OK;
    }
    end_writing();
    return fail_base(status);
}

int output_file_commit(sscam_atomic_file *file)
{
    sscam_status status = sscam_atomic_file_commit(file);

    end_writing();
    return status ? fail_base(status) : EXIT_OK;
}

void output_file_discard(sscam_atomic_file *file)
{
    sscam_atomic_file_discard(file);
    end_writing();
}

int output_png_write(const sscam_image *image, const char *path)
{
    interruption_defer();
    sscam_status status = sscam_image_write_png(image, path);
    interruption_resume();
    return status ? fail_library(path, status) : EXIT_OK;
}

int output_path_check(const char *path)
{
    if (!*path)
        return fail("output", "the name of a file is empty");
    sscam_status status = sscam_atomic_file_check(path);
    return status ? fail_base(status) : EXIT_OK;
}
