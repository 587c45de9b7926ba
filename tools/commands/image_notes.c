#include "commands/image_notes.h"

#include <stdbool.h>

#include "common/cli_error.h"

static void put_first_warning(void *user, int32_t level, const char *text)
{
    static bool was_put;

    (void)user;
    if (level == SSCAM_LOG_WARNING && !was_put) {
        note("images", text);
        was_put = true;
    }
}

sscam_status read_image_file(const char *path, const sscam_read_options *reading, sscam_image **out)
{
    sscam_status status = sscam_set_log_callback(put_first_warning, NULL);

    if (!status)
        status = sscam_image_read(path, reading, out);
    sscam_set_log_callback(NULL, NULL);
    return status;
}

sscam_status read_image_bytes(const void *bytes, size_t size, const sscam_read_options *reading,
                              sscam_image **out)
{
    sscam_status status = sscam_set_log_callback(put_first_warning, NULL);

    if (!status)
        status = sscam_image_read_memory(bytes, size, reading, out);
    sscam_set_log_callback(NULL, NULL);
    return status;
}
