#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/printable.h"

enum { MESSAGE_SIZE = 1024, LONGEST_CHARACTER = 4 };

static _Thread_local char last_message[MESSAGE_SIZE];

sscam_status sscam_fail(sscam_status status, const char *format, ...)
{
    /* Apart from the result, since an argument may be the old message itself; and longer, so that
     * the last character that fits is whole. */
    char message[MESSAGE_SIZE + LONGEST_CHARACTER];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length < 0)
        message[0] = '\0';
    sscam_copy_printable(last_message, sizeof last_message, message);
    return status;
}

sscam_status sscam_fail_memory(const char *purpose)
{
    return sscam_fail(SSCAM_E_MEMORY, "out of memory for %s", purpose);
}

sscam_status sscam_succeed(void)
{
    last_message[0] = '\0';
    return SSCAM_OK;
}

const char *sscam_error_message(void)
{
    return last_message;
}
