#include "commands/image_notes.h"

#include <stdbool.h>

#include "common/cli_error.h"

/* The callback stays set: setting it clears the library's message, which tells of a failed read. */
static bool is_reading;

static void put_first_warning(void *user, int32_t level, const char *text)
{
    static bool was_put;

    (void)user;
    if (is_reading && level == SSCAM_LOG_WARNING && !was_put) {
        note("images", text);
        was_put = true;
    }
}

sscam_status read_image_file(const char *path, const sscam_read_options *reading, sscam_image **out)
{
    sscam_status status = sscam_set_log_callback(put_first_warning, NULL);

    is_reading = true;
    if (!status)
        status = sscam_image_read(path, reading, out);
    is_reading = false;
    return status;
}

sscam_status read_image_bytes(const void *bytes, size_t size, const sscam_read_options *reading,
                              sscam_image **out)
{
    sscam_status status = sscam_set_log_callback(put_first_warning, NULL);

    is_reading = true;
    if (!status)
        status = sscam_image_read_memory(bytes, size, reading, out);
    is_reading = false;
    return status;
}
